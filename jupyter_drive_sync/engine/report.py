"""What a pass tells while it runs and afterwards: counters, outcomes, heartbeat, status.

``status.json`` in the state folder is written by the running pass and judged by whoever reads it:
a run without a fresh ping, or whose process is gone, reads as failed, with a sentence that says how
it died. For people there is one more word, ``state``, computed here for every surface.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.core.said import Said, code_of, params_of
from jupyter_drive_sync.core.tree import Kind, RelPath
from jupyter_drive_sync.drive.types import Traffic
from jupyter_drive_sync.engine.lease import Process
from jupyter_drive_sync.engine.records import FileOutcome, Hold
from jupyter_drive_sync.engine.site import write_private
from jupyter_drive_sync.errors import (
    DriveSyncError,
    FileProblem,
    HubSilent,
    KilledBy,
    Offline,
    RunCancelled,
    RunKilled,
)

_FILE: Final = "status.json"
PINGS_MISSED: Final = 6
"""Pings after which a running pass is believed to be dead."""

COUNTED: Final = (
    "total",
    "done",
    "uploaded",
    "updated",
    "moved",
    "trashed",
    "archived",
    "unchanged",
    "left_out",
    "newer_on_drive",
    "replaced_edit",
    "unclaimed",
    "declined",
    "moved_out",
    "revived",
    "untrashed",
    "put_back",
    "restored",
    "brought",
    "refreshed",
    "beside",
    "edited_here",
    "gone_on_drive",
    "handed_on",
    "skipped",
    "held",
    "failed",
    "folders",
    "bytes",
    "bytes_total",
    "requests",
    "inner_calls",
    "token_requests",
    "quota_units",
    "retries",
    "bytes_sent",
)
"""The counters of ``meta``; files, but for ``folders``, bytes and what concerns requests."""


_DONE: Final = frozenset(
    {
        "uploaded",
        "updated",
        "moved",
        "trashed",
        "untrashed",
        "put_back",
        "restored",
        "beside",
        "brought",
        "refreshed",
    }
)


@dataclass
class Progress:
    """Collects what happens in a pass; written by the pass's thread, read by the heartbeat's.

    Args:
        clock: for the throttle.
        listen: is told, at most four times a second, that something changed.
    """

    clock: Clock
    listen: Callable[[Mapping[str, Any]], None] = lambda _: None
    phase: str = "starting"
    counts: Counter[str] = field(default_factory=Counter)
    outcomes: list[FileOutcome] = field(default_factory=list)
    problems: list[DriveSyncError] = field(default_factory=list)
    """What concerns more than one file but did not end the pass."""
    slowed: bool = False
    """Whether Drive has us wait."""
    _told: float = float("-inf")

    def __post_init__(self) -> None:
        """Note when it began."""
        self.started = self.clock.wall()

    def note(self, name: str, number: int) -> None:
        """Set a counter."""
        self.counts[name] = number
        self._tell()

    def traffic(self, so_far: Traffic) -> None:
        """Take the counters of the requests over."""
        self.counts |= Counter(
            requests=so_far.requests,
            inner_calls=so_far.inner,
            token_requests=so_far.tokens,
            quota_units=so_far.units,
            retries=so_far.retries,
            bytes_sent=so_far.sent,
        )

    def enter(self, phase: str) -> None:
        """Begin a part of the pass: such as ``scanning`` or ``copying``."""
        self.phase = phase
        self._tell(now=True)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter."""
        self.counts[name] += number
        self._tell()

    def outcome(
        self, path: RelPath, outcome: str, *, kind: Kind, size: int = 0, reason: str = ""
    ) -> None:
        """Note what became of one object; folders are counted, not listed."""
        if kind is Kind.FOLDER:
            self.counts["folders"] += outcome in ("created", "moved")
            return
        self.counts[outcome] += 1
        if outcome in _DONE:
            self.counts["done"] += 1
        self.counts["bytes"] += size if outcome in ("uploaded", "updated") else 0
        self.outcomes.append(FileOutcome(path, outcome, reason, size))
        self._tell()

    def failed(self, path: RelPath, problem: DriveSyncError, *, kind: Kind) -> None:
        """Note that one object was not synced, and why."""
        self.counts["failed"] += 1
        words = problem.sentence if isinstance(problem, FileProblem) else problem.code
        reason = Said(words, problem.code, problem.params)
        name = path if kind is Kind.FILE else RelPath(f"{path}/")
        self.outcomes.append(FileOutcome(name, "failed", reason))
        self._tell()

    def heed(self, *, slowed: bool) -> None:
        """Take note whether Drive has us wait; said at once when that changes. Any thread."""
        if slowed != self.slowed:
            self.slowed = slowed
            self._tell(now=True)

    def trouble(self, problem: DriveSyncError) -> None:
        """Note what concerns more than one file but lets the pass go on."""
        if all(problem.code != known.code for known in self.problems):
            self.problems.append(problem)

    def snapshot(self) -> dict[str, Any]:
        """Return phase and counters, all of them, with stable names."""
        return {"phase": self.phase, **{name: self.counts[name] for name in COUNTED}}

    def _tell(self, *, now: bool = False) -> None:
        if now or self.clock.monotonic() - self._told >= 0.25:
            self._told = self.clock.monotonic()
            self.listen({**self.snapshot(), "slowed": self.slowed})


@dataclass(frozen=True, slots=True)
class Status:
    """The status of one mirror.

    Attributes:
        status: ``initialized``, ``queued``, ``in_progress``, ``completed``,
            ``completed_with_errors`` or ``failed``.
        last_sync: epoch seconds of the last success; None for never.
        last_sync_count: objects that were synced in it.
        last_sync_job: its id.
        job: id of the running, or else the last, pass.
        started: epoch seconds when that began.
        process: who runs it.
        traceback: of the last unforeseen error, free of secrets.
        problem: ``{code, who, params, sentence}`` of what is wrong, or None.
        holds: what waits for a person.
        meta: counters, ``phase`` and ``time_last_ping``.
        failed_runs: whole passes in a row that left a file behind.
        seq: grows with each change.
    """

    status: str = "initialized"
    last_sync: float | None = None
    last_sync_count: int = 0
    last_sync_job: str = ""
    job: str = ""
    started: float | None = None
    process: Process | None = None
    traceback: str = ""
    problem: dict[str, Any] | None = None
    holds: tuple[dict[str, Any], ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)
    failed_runs: int = 0
    seq: int = 0

    @property
    def running(self) -> bool:
        """Whether a pass is queued or under way."""
        return self.status in ("queued", "in_progress")

    @property
    def tries_again(self) -> bool:
        """Whether files that were left behind are tried once more before anybody has to look."""
        return self.failed_runs < 2 and self.problem is None

    def save(self, folder: Path) -> Status:
        """Write the status, one step on in ``seq``."""
        later = replace(self, seq=self.seq + 1)
        write_private(folder / _FILE, json.dumps(asdict(later)))
        return later

    @classmethod
    def load(cls, folder: Path) -> Status:
        """Read the status as it was written; a broken or missing one says ``initialized``."""
        try:
            values = json.loads((folder / _FILE).read_text("utf-8"))
            process = values.pop("process")
            holds = tuple(values.pop("holds"))
            return cls(**values, holds=holds, process=Process(**process) if process else None)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()


def read_status(
    folder: Path,
    now: float,
    *,
    ping_seconds: float,
    is_dead: Callable[[Process], bool | None] = Process.is_dead,
) -> Status:
    """Read a status and judge it.

    Args:
        folder: the state folder.
        now: epoch seconds.
        ping_seconds: how often a running pass pings.
        is_dead: tells whether a process is gone; None when it cannot be seen from here.
    """
    status = Status.load(folder)
    if not status.running:
        return status
    cause = _death(status, now, ping_seconds, is_dead)
    if cause is None:
        return status
    return replace(status, status="failed", problem=describe(RunKilled(cause=cause)))


def _death(
    status: Status,
    now: float,
    ping_seconds: float,
    is_dead: Callable[[Process], bool | None],
) -> KilledBy | None:
    """Say how whoever ran, or waited for its turn, has died; None while it lives."""
    if status.process is not None and is_dead(status.process):
        restarted = status.process.boot != Process.current().boot
        return "restart" if restarted else "killed"
    if now - float(status.meta.get("time_last_ping", 0)) <= PINGS_MISSED * ping_seconds:
        return None
    return "queue" if status.status == "queued" else "silence"


def describe(problem: DriveSyncError) -> dict[str, Any]:
    """Put a problem into the form in which surfaces read it."""
    return {
        "code": problem.code,
        "who": problem.who,
        "params": dict(problem.params),
        "sentence": problem.sentence,
    }


def describe_hold(hold: Hold) -> dict[str, Any]:
    """Put a hold into the form in which surfaces read it."""
    return {
        "id": hold.id,
        "kind": hold.kind,
        "since": hold.since,
        "count": hold.count,
        "bytes": hold.bytes,
        "reason": str(hold.reason),
        "params": params_of(hold.reason),
        "choices": list(hold.choices),
    }


def describe_file(outcome: FileOutcome) -> dict[str, Any]:
    """Put a file's outcome into the form in which surfaces read it."""
    return {
        "path": outcome.path,
        "outcome": outcome.outcome,
        "reason": str(outcome.reason),
        "code": code_of(outcome.reason),
        "params": params_of(outcome.reason),
        "size": outcome.size,
    }


_PASSING: Final = frozenset({Offline.code, HubSilent.code, "drive.daily_upload_limit"})
"""What keeps a sync from the network for a while."""


def people_state(status: Status, *, connected: bool, paused: bool = False) -> str:
    """Say in one word how things stand; the first that is true wins.

    Files that one pass left behind are tried again by the next one before anybody is asked to look.

    Returns:
        ``not_connected``, ``needs_you``, ``syncing``, ``cant_sync``, ``offline``, ``paused``,
        ``waiting`` or ``synced``.
    """
    code = status.problem["code"] if status.problem else ""
    who = status.problem["who"] if status.problem else ""
    failed = status.status in ("failed", "completed_with_errors")
    rules = (
        ("needs_you", connected and code.startswith("auth.") and who == "user"),
        ("not_connected", not connected),
        ("syncing", status.running),
        ("needs_you", bool(status.holds) or (failed and who == "user")),
        ("offline", failed and code in _PASSING),
        ("waiting", code == RunCancelled.code),
        ("cant_sync", status.status == "failed"),
        ("needs_you", status.status == "completed_with_errors" and not status.tries_again),
        ("paused", paused),
        ("waiting", status.status == "completed_with_errors"),
        ("waiting", status.last_sync is None),
    )
    return next((state for state, true in rules if true), "synced")
