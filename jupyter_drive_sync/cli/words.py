"""How numbers, times, states and outcomes are said to a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from jupyter_drive_sync.runner.protocol import Progress

STATES: Final = {
    "not_connected": "not connected",
    "waiting": "waiting for the next sync",
    "syncing": "syncing",
    "synced": "synced",
    "needs_you": "needs you",
    "cant_sync": "cannot sync",
    "offline": "offline, the next sync goes on",
    "paused": "paused",
}

_PHASES: Final = {
    "starting": "Starting",
    "comparing": "Asking Drive for changes",
    "scanning": "Looking for changes here",
    "copying": "Copying",
    "checking": "Checking",
}

OUTCOMES: Final = {
    "uploaded": "uploaded",
    "updated": "updated",
    "moved": "moved",
    "trashed": "moved to Drive's trash",
    "archived": "kept on Drive, gone here",
    "left_out": "left out",
    "newer_on_drive": "newer on Drive, left as it is",
    "replaced_edit": "replaced an edit on Drive",
    "unclaimed": "on Drive, unknown here",
    "held": "waits for your answer",
    "failed": "not synced",
    "declined": "removed on Drive twice, left there",
    "moved_out": "moved out of the mirror on Drive",
    "kept_edited": "kept on Drive, edited there",
    "revived": "brought back on Drive",
    "restored": "brought back",
    "brought": "new here",
    "refreshed": "newer here",
    "beside": "brought back beside what is here",
    "edited_here": "edited here",
    "gone_on_drive": "stays here",
    "skipped": "not brought back",
    "untrashed": "taken out of Drive's trash",
    "put_back": "as it was before, on Drive",
}

FINDINGS: Final = {
    "not_on_drive": "not on Drive",
    "differs": "differs",
    "newer_on_drive": "newer on Drive, left as it is",
    "twin": "twice on Drive",
    "only_on_drive": "on Drive, not here",
    "archived": "kept on Drive, gone here",
    "declined": "removed on Drive twice, left there",
    "ledger_wrong": "right, but our records said otherwise",
    "unreadable": "not compared",
}

_COUNTED: Final = (
    ("uploaded", "uploaded"),
    ("updated", "updated"),
    ("moved", "moved"),
    ("trashed", "moved to Drive's trash"),
    ("archived", "kept on Drive, gone here"),
    ("restored", "brought back"),
    ("brought", "new here"),
    ("refreshed", "newer here"),
    ("beside", "brought back beside what is here"),
    ("edited_here", "edited here"),
    ("gone_on_drive", "no longer on Drive"),
    ("skipped", "not brought back"),
    ("untrashed", "taken out of Drive's trash"),
    ("put_back", "put back on Drive"),
    ("unchanged", "unchanged"),
    ("left_out", "left out"),
    ("newer_on_drive", "newer on Drive"),
    ("replaced_edit", "replaced edits"),
    ("unclaimed", "unknown here"),
    ("held", "held"),
    ("failed", "not synced"),
)


def presentable(text: str) -> str:
    """Make a text safe for a terminal: a file name must not move the cursor."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in shown
    )


def one_line(text: str) -> str:
    """Write a path or a rule on one line."""
    return presentable(text).replace("\n", "\\n")


def size(count: float) -> str:
    """Write bytes as a person says them: ``1.4 GB``."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return (
                f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.3g} {unit}"
            )
        count /= 1000
    return f"{count:.3g} TB"


def duration(seconds: float) -> str:
    """Write a duration: ``about 4 minutes``."""
    if seconds < 1:
        return "less than a second"
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 1.5 * length:
            return f"about {seconds / length:.0f} {unit}s"
    return f"{seconds:.0f} second{'' if round(seconds) == 1 else 's'}"


def moment(stamp: float | None) -> str:
    """Write a time in the local time zone, ``never`` for None."""
    if stamp is None:
        return "never"
    return datetime.fromtimestamp(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def number(count: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def progress_line(progress: Progress) -> str:
    """Say in one line how far a job is."""
    phase = _PHASES.get(progress.phase, progress.phase.capitalize())
    if progress.phase != "copying" or not progress.total:
        return f"{phase}…"
    parts = [f"{phase} {progress.done:,} of {number(progress.total, 'file')}"]
    if progress.bytes_total:
        parts.append(f"{size(progress.bytes_done)} of {size(progress.bytes_total)}")
    if progress.eta_seconds is not None:
        parts.append(f"{duration(progress.eta_seconds)} left")
    return ", ".join(parts)


def counters_line(counters: Mapping[str, Any]) -> str:
    """Say what a run did, without what it did not do."""
    parts = [f"{counters[key]:,} {text}" for key, text in _COUNTED if counters.get(key)]
    return ", ".join(parts) or "nothing to do"


def outcome_line(file: Mapping[str, Any]) -> str:
    """Say what became of one file."""
    said = OUTCOMES.get(file["outcome"], file["outcome"])
    reason = f": {one_line(file['reason'])}" if file["reason"] else ""
    return f"  {one_line(file['path'])}  ({said}{reason})"
