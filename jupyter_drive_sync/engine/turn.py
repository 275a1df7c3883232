"""A process's turn as the writer of one home: lease, heartbeat, and the status that others read."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from jupyter_drive_sync.engine.lease import Lease, Process
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.report import Progress, Status, describe, describe_hold
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.errors import (
    DriveSyncError,
    Internal,
    RunBusy,
    RunKilled,
    StateFull,
    StateUnusable,
)


class Turn:
    """One turn. :meth:`pulse` belongs into a thread of its own, everything else into one.

    Args:
        site: the home.
        job: id of the pass.
        progress: its counters travel with each ping.
        process: who we are.
        aside: it is no sync; how that stands is the same afterwards as before.
    """

    def __init__(
        self,
        site: Site,
        job: str,
        progress: Progress,
        *,
        process: Process | None = None,
        aside: bool = False,
    ) -> None:
        self._site = site
        self._job = job
        self._progress = progress
        self._process = process or Process.current()
        self.lease = Lease(
            site.state_dir,
            site.clock,
            term=site.settings.lease_seconds,
            process=self._process,
            token=site.nonce(),
        )
        self._aside = aside
        self._status = self._before = Status.load(site.state_dir)
        self._meta: Mapping[str, Any] | None = None
        self._writing = threading.Lock()
        self._over = False

    @contextmanager
    def taken(self, *, patience: float = 0) -> Iterator[Turn]:
        """Be the writer for a block, and leave a status that is true afterwards.

        Raises:
            RunBusy: another process writes; its status is left alone.
        """
        with self.lease.held(patience=patience):
            self._before = _over(Status.load(self._site.state_dir))
            self._status = replace(
                self._before,
                status="in_progress",
                job=self._job,
                started=self._site.clock.wall(),
                process=self._process,
                traceback="",
            )
            self._save()
            try:
                yield self
                if self._aside:
                    self._finish(self._status)
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

    def completed(self, outcome: str, count: int, *, whole: bool = True) -> None:
        """Leave the status of a pass that came to its end.

        A pass over some paths that went well proves nothing about the others: what was true of the
        whole mirror before it is what is true afterwards.

        Args:
            outcome: ``completed`` or ``completed_with_errors``.
            count: objects that are in sync.
            whole: whether the pass was about everything.
        """
        before = self._before
        trouble = next(iter(self._progress.problems), None)
        done = replace(self._status, status=outcome, problem=describe(trouble) if trouble else None)
        if outcome != "completed":
            done = replace(done, failed_runs=before.failed_runs + whole)
        elif whole:
            done = replace(
                done,
                last_sync=self._site.clock.wall(),
                last_sync_count=count,
                last_sync_job=self._job,
                failed_runs=0,
            )
        else:
            self._meta = before.meta
            done = replace(done, status=before.status, problem=before.problem)
        self._finish(done)

    def _failed(self, problem: DriveSyncError) -> None:
        if isinstance(problem, RunBusy):
            return
        failed = replace(
            self._status,
            status="failed",
            problem=describe(problem),
            traceback=problem.detail if isinstance(problem, Internal) else "",
        )
        # A disk that takes no status either must not hide what ended the pass.
        with suppress(StateFull, StateUnusable):
            self._finish(failed)

    def _finish(self, status: Status) -> None:
        with self._writing:
            if self._over:
                return
            self._over = True
            if not self.lease.mine():
                return  # frozen too long: the status is another writer's by now
            if self._aside:
                self._meta = self._before.meta
                status = replace(self._before, seq=self._status.seq)
            self._status = replace(status, process=None)
            self._save_now()

    def _save(self) -> None:
        with self._writing:
            self._save_now()

    def _save_now(self) -> None:
        now = self._progress.snapshot() if self._meta is None else self._meta
        meta = {**now, "time_last_ping": self._site.clock.wall()}
        status = replace(self._status, meta=meta, holds=self._holds())
        self._status = status.save(self._site.state_dir)

    def _holds(self) -> tuple[dict[str, object], ...]:
        """Read the holds once the pass is over; while it runs, the old ones stand."""
        if not self._over:
            return self._status.holds
        ledger, _ = Ledger.open(self._site.state_dir)
        with ledger:
            return tuple(describe_hold(hold) for hold in ledger.holds() if not hold.answer)


def _over(status: Status) -> Status:
    """Judge a status whose writer is gone, since the lease is ours now."""
    if not status.running:
        return status
    killed = describe(RunKilled(cause="killed"))
    return replace(status, status="failed", problem=killed)
