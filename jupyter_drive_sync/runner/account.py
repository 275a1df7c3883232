"""Whose Drive a home is connected to, as far as people may know it: no secret is in here."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from jupyter_drive_sync.engine.site import write_private

_FILE: Final = "account.json"


@dataclass(frozen=True, slots=True)
class Account:
    """Asked once, at consent, so that no pass needs a request for it.

    Attributes:
        permission_id: identifies the account for good; an address may change.
        email: its address.
        name: what it calls itself.
        client_file: path of the client that it was connected with.
        connected_at: seconds since the epoch.
    """

    permission_id: str
    email: str
    name: str
    client_file: str
    connected_at: float

    @classmethod
    def load(cls, state_dir: Path) -> Account | None:
        """Return the account, None where there is none or the file is broken."""
        try:
            return cls(**json.loads((state_dir / _FILE).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, state_dir: Path) -> None:
        """Write it into the state folder."""
        write_private(state_dir / _FILE, json.dumps(asdict(self)))

    @staticmethod
    def forget(state_dir: Path) -> None:
        """Remove it."""
        (state_dir / _FILE).unlink(missing_ok=True)
