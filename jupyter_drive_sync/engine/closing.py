"""The end of a run: its counters and outcomes go into the history, whatever became of it."""

from __future__ import annotations

from typing import Protocol

from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import Run
from jupyter_drive_sync.engine.report import Progress, describe
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.errors import DriveSyncError


class Work(Protocol):
    """What has runs: a mirror, a restore, an undo."""

    @property
    def site(self) -> Site:
        """The home."""

    @property
    def drive(self) -> Drive:
        """The calls."""

    @property
    def progress(self) -> Progress:
        """What happened."""

    @property
    def job(self) -> str:
        """Id of the run."""


def close(
    work: Work,
    ledger: Ledger,
    number: int,
    problem: DriveSyncError | None,
    *,
    verified: bool = False,
) -> Run:
    """Close a run in the history."""
    progress = work.progress
    progress.traffic(work.drive.transport.traffic)
    trouble = problem or next(iter(progress.problems), None)
    outcome = "completed_with_errors" if trouble or progress.counts["failed"] else "completed"
    run = Run(
        number,
        work.job,
        progress.started,
        work.site.clock.wall(),
        "failed" if problem is not None else outcome,
        progress.snapshot(),
        describe(trouble) if trouble else None,
        verified,
    )
    ledger.end(run, progress.outcomes, mirrored=ledger.mirrored())
    return run
