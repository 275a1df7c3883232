"""A process's turn as the writer of one home: lease, heartbeat, and the status that others read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from jupyter_drive_sync.engine.lease import Lease, Process
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.report import Progress, Status, describe, describe_hold
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.errors import DriveSyncError, Internal, RunBusy


class Turn:
    """One turn. :meth:`pulse` belongs into a thread of its own, everything else into one.

    Args:
        site: the home.
        job: id of the pass.
        progress: its counters travel with each ping.
        process: who we are.
    """

    def __init__(
        self, site: Site, job: str, progress: Progress, *, process: Process | None = None
    ) -> None:
        self._site = site
        self._job = job
        self._progress = progress
        self._process = process or Process.current()
        self.lease = Lease(
            site.state_dir, site.clock, term=site.settings.lease_seconds, process=self._process
        )
        self._status = Status.load(site.state_dir)
        self._writing = threading.Lock()
        self._over = False

    @contextmanager
    def taken(self, *, patience: float = 0) -> Iterator[Turn]:
        """Be the writer for a block, and leave a status that is true afterwards.

        Raises:
            RunBusy: another process writes; its status is left alone.
        """
        with self.lease.held(patience=patience):
            self._status = replace(
                Status.load(self._site.state_dir),
                status="in_progress",
                job=self._job,
                started=self._site.clock.wall(),
                process=self._process,
                traceback="",
            )
            self._save()
            try:
                yield self
            except DriveSyncError as problem:
                self._failed(problem)
                raise
            except BaseException:
                self._failed(Internal())
                raise

    def pulse(self) -> None:
        """Say that we live: in the lease and in the status.

        Raises:
            LeaseLost: we were frozen too long and may not write any more.
        """
        self.lease.beat()
        with self._writing:
            if not self._over:
                self._save_now()

    def completed(self, outcome: str, count: int) -> None:
        """Leave the status of a pass that came to its end.

        Args:
            outcome: ``completed`` or ``completed_with_errors``.
            count: objects that are in sync.
        """
        trouble = next(iter(self._progress.problems), None)
        done = replace(self._status, status=outcome, problem=describe(trouble) if trouble else None)
        if outcome == "completed":
            done = replace(
                done,
                last_sync=self._site.clock.wall(),
                last_sync_count=count,
                last_sync_job=self._job,
            )
        self._finish(done)

    def _failed(self, problem: DriveSyncError) -> None:
        if isinstance(problem, RunBusy):
            return
        self._finish(
            replace(
                self._status,
                status="failed",
                problem=describe(problem),
                traceback=problem.detail if isinstance(problem, Internal) else "",
            )
        )

    def _finish(self, status: Status) -> None:
        with self._writing:
            if self._over:
                return
            self._over = True
            self._status = replace(status, process=None)
            self._save_now()

    def _save(self) -> None:
        with self._writing:
            self._save_now()

    def _save_now(self) -> None:
        meta = {**self._progress.snapshot(), "time_last_ping": self._site.clock.wall()}
        status = replace(self._status, meta=meta, holds=self._holds())
        self._status = status.save(self._site.state_dir)

    def _holds(self) -> tuple[dict[str, object], ...]:
        """Read the holds once the pass is over; while it runs, the old ones stand."""
        if not self._over:
            return self._status.holds
        ledger, _ = Ledger.open(self._site.state_dir)
        with ledger:
            return tuple(describe_hold(hold) for hold in ledger.holds() if not hold.answer)
