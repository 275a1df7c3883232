"""``server.json`` in the state folder: what a server remembers over its restarts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from jupyter_drive_sync.engine.site import write_private

_FILE: Final = "server.json"
TOLD_AGAIN: Final = 7 * 86_400
"""Seconds after which an incident that lasts may be told once more."""


@dataclass(frozen=True, slots=True)
class Memo:
    """What is remembered.

    Attributes:
        browser_time_zone: of the browser that connected.
        incident: stable code of the problem that lasts, with the account; ``""`` for none.
        since: epoch seconds when it was met first.
        told: epoch seconds when a person was told of it; 0 for never.
    """

    browser_time_zone: str = ""
    incident: str = ""
    since: float = 0.0
    told: float = 0.0

    @classmethod
    def load(cls, state_dir: Path) -> Memo:
        """Read it; a missing or broken file remembers nothing."""
        try:
            return cls(**json.loads((state_dir / _FILE).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return cls()

    def save(self, state_dir: Path) -> None:
        """Write it, all of it or nothing.

        Raises:
            StateUnusable, StateFull: the state folder cannot be written.
        """
        write_private(state_dir / _FILE, json.dumps(asdict(self)))

    def after_run(self, problem: dict[str, Any] | None, account: str, now: float) -> Memo:
        """Return what is remembered once a run has ended: with a problem, or cured."""
        if problem is None:
            return replace(self, incident="", since=0.0, told=0.0)
        name = incident_name(problem, account)
        return self if name == self.incident else replace(self, incident=name, since=now, told=0.0)

    def described(
        self, problem: dict[str, Any] | None, account: str, now: float
    ) -> dict[str, Any] | None:
        """Put the incident behind a problem into the form in which the front end reads it."""
        if problem is None:
            return None
        name = incident_name(problem, account)
        known = name == self.incident
        worth = problem["who"] in ("user", "admin") and problem["code"] != "project.no_client"
        return {
            "id": hashlib.sha256(f"{name} {self.since if known else 0}".encode()).hexdigest()[:16],
            "code": problem["code"],
            "since": self.since if known else now,
            "tell": worth and not (known and now - self.told < TOLD_AGAIN),
        }


def incident_name(problem: dict[str, Any], account: str) -> str:
    """Name an incident: one problem of one account, however many runs meet it."""
    return f"{problem['code']} {account}"
