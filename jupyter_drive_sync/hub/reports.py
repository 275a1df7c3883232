"""What a server says of a sync, and what is made of it.

A server runs its person's code, so its word concerns that person alone and proves nothing: codes
are taken from our own list, numbers are bounded, and no sentence of it is ever shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

# Imported for the codes that they define, beside those of errors.py.
import jupyter_drive_sync.core.storage
import jupyter_drive_sync.drive.denied  # noqa: F401
from jupyter_drive_sync.errors import DriveSyncError, RunCancelled
from jupyter_drive_sync.hub.budget import NOTHING, Cost
from jupyter_drive_sync.hub.people import Person

RUNNING: Final = "running"
SYNCED: Final = "synced"
WITH_ERRORS: Final = "with_errors"
FAILED: Final = "failed"

_OUTCOMES: Final = {
    "queued": RUNNING,
    "in_progress": RUNNING,
    "completed": SYNCED,
    "completed_with_errors": WITH_ERRORS,
    "failed": FAILED,
    "cancelled": FAILED,
}
_MOST: Final = 10**15
_DAY: Final = 86_400.0
PARKED: Final = frozenset({"drive.daily_upload_limit"})
DAY_USED_UP: Final = "project.daily_limit"


def _classes(kind: type[DriveSyncError]) -> Iterator[type[DriveSyncError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _classes(below)


_WHO: Final = {kind.code: kind.who for kind in _classes(DriveSyncError)}
"""Who can act, by code. Holds of the whole mirror have codes of their own, ``held.<kind>``."""


class NoReport(ValueError):
    """What came is no report."""


@dataclass(frozen=True, slots=True)
class Report:
    """One word on a sync.

    Attributes:
        outcome: ``running``, ``synced``, ``with_errors`` or ``failed``.
        problem: code of what is wrong, or ``""``.
        files: mirrored files.
        left_out: files that are not mirrored, by a rule.
        held: deletions that wait for the person.
        cost: what it has used so far.
        started: epoch seconds; 0 where it does not say.
        in_use: whether somebody works on that server; None where it does not say.
        opted_out: what the person wants of the nights; None where it does not say.
    """

    outcome: str
    problem: str = ""
    files: int = 0
    left_out: int = 0
    held: int = 0
    cost: Cost = NOTHING
    started: float = 0.0
    in_use: bool | None = None
    opted_out: bool | None = None

    @property
    def final(self) -> bool:
        """Whether the sync is over."""
        return self.outcome != RUNNING


def is_new(person: Person) -> bool:
    """Tell whether no sync of theirs has ever come to its end."""
    return person.last_sync is None and person.outcome != WITH_ERRORS


def who(code: str) -> str:
    """Return who can act on a problem."""
    return "user" if code.startswith("held.") else _WHO.get(code, "bug")


def parse(status: object) -> Report:
    """Read what a server sent.

    Raises:
        NoReport: it is not of the form ``{"outcome": …, "problem": …, "counts": {…}, …}``.
    """
    if not isinstance(status, dict):
        raise NoReport("the status is no object")
    outcome = status.get("outcome")
    if not isinstance(outcome, str) or outcome not in _OUTCOMES:
        raise NoReport("the outcome is none that is known")
    counts = status.get("counts") or {}
    if not isinstance(counts, dict):
        raise NoReport("the counts are no object")
    return Report(
        outcome=_OUTCOMES[outcome],
        problem=_code(status.get("problem")),
        files=_number(counts, "objects") or _number(counts, "unchanged") + _number(counts, "done"),
        left_out=_number(counts, "left_out"),
        held=_number(counts, "held"),
        cost=Cost(_number(counts, "quota_units"), _number(counts, "bytes_sent")),
        started=float(_number(status, "started")),
        in_use=_flag(status.get("in_use")),
        opted_out=_flag(status.get("opted_out")),
    )


def consequences(person: Person, report: Report, now: float) -> dict[str, Any]:
    """Say what a report changes in what we know of its person.

    Args:
        person: as they are known so far.
        report: the word.
        now: epoch seconds.
    """
    said: dict[str, Any] = {}
    if report.opted_out is not None:
        said["opted_out"] = report.opted_out
    if not report.final:
        return said
    if report.problem == RunCancelled.code:
        # The person stopped it, or has paused everything: no failure.
        return said | {"last_try": now, "outcome": "cancelled", "unfinished": True, "retry": False}
    said |= {
        "last_try": now,
        "outcome": report.outcome,
        "holds": report.held,
        "unfinished": report.outcome != SYNCED,
        "retry": False,
    }
    if report.outcome != FAILED:
        said |= {
            "files": report.files,
            "left_out": report.left_out,
            "nights_waited": 0,
        }
    if report.outcome != FAILED and not is_new(person):
        # A first upload is no measure for what comes after it.
        said |= {
            "usual_units": _usual(person.usual_units, report.cost.units),
            "usual_bytes": _usual(person.usual_bytes, report.cost.bytes),
        }
    if report.outcome == SYNCED:
        said["last_sync"] = now
    return said | troubled(person, report.problem, now, failed=report.outcome == FAILED)


def troubled(
    person: Person, code: str, now: float, *, failed: bool, text: str = ""
) -> dict[str, Any]:
    """Say what a problem, or its absence, changes."""
    if not code:
        cured: dict[str, Any] = {"problem": "", "problem_who": "", "problem_text": ""}
        return cured | {"problem_since": None, "failures": 0}
    said: dict[str, Any] = {
        "problem": code,
        "problem_who": who(code) if not code.startswith("night.") else "admin",
        "problem_text": text[:500],
        "problem_since": person.problem_since if person.problem == code else now,
        "failures": person.failures + failed,
    }
    if code.startswith("auth.") and failed:
        said["revoked"] = True
    if code in PARKED:
        said["parked_until"] = now + _DAY
    return said


def _usual(before: int, now: int) -> int:
    """Follow what a person's syncs cost: up at once, down slowly."""
    if not before:
        return now
    return now if now > before and now <= 10 * before else (3 * before + min(now, before)) // 4


def _code(problem: object) -> str:
    if isinstance(problem, dict):
        problem = problem.get("code")
    if not problem:
        return ""
    known = isinstance(problem, str) and (problem in _WHO or _is_hold(problem))
    return str(problem) if known else "internal"


def _is_hold(code: str) -> bool:
    return code.startswith("held.") and code.removeprefix("held.").isidentifier() and len(code) < 40


def _number(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return 0
    return int(max(0, min(value, _MOST)))


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
