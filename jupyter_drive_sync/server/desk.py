"""The state folder, as the routes see it: status, history, holds, settings.

Everything here touches files or the database, so the server calls it in a thread.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import RelPath
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.report import (
    Status,
    describe,
    describe_file,
    describe_hold,
    people_state,
    read_status,
)
from jupyter_drive_sync.errors import DriveSyncError, HubSilent, NoSuchHold, RunBusy
from jupyter_drive_sync.runner import settings_file
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.turns import changing
from jupyter_drive_sync.server.config import check_time_zone
from jupyter_drive_sync.server.memo import Memo
from jupyter_drive_sync.server.problems import NoSuchThing, SetByAdmin

FOREVER: Final = -1.0
"""A pause that lasts until somebody ends it; a question that never comes again."""
_CUT_OFF: Final = 20
"""Runs in a row that are added up when they were cut off."""


@dataclass(frozen=True, slots=True)
class View:
    """How things stood at one look.

    Attributes:
        status: judged; with a pass of this server that has not begun yet as ``queued``.
        state: the word for people.
        connected: whether there is a permission.
        account: whose Drive; None when not connected.
        settings: as they count.
        memo: what the server remembers.
        problem: what is wrong, in the form that surfaces read.
        incident: the same as something that is told once.
        link: the mirror, in a browser.
        paused_by: ``admin``, ``user`` or ``""``.
        can_ask: whether a person who is not connected could connect.
    """

    status: Status
    state: str
    connected: bool
    account: Account | None
    settings: Settings
    memo: Memo
    problem: dict[str, Any] | None
    incident: dict[str, Any] | None
    link: str
    paused_by: str
    can_ask: bool

    @property
    def timed(self) -> tuple[str, str, str]:
        """When passes run by themselves, and what names the time zone of that."""
        return self.settings.schedule, self.settings.time_zone, self.memo.browser_time_zone


class Desk:
    """Reads, and on request writes, the state folder of one home.

    Args:
        place: the home.
        wall: seconds since the epoch.
        paused: whether the administrator paused everything.
    """

    def __init__(self, place: Place, wall: Callable[[], float], *, paused: bool = False) -> None:
        self._place = place
        self._wall = wall
        self._paused = paused
        self._link = ""
        self.hub_problem: DriveSyncError | None = None
        """What the hub's service said against this home when it was asked last."""

    # -- looking ----------------------------------------------------------------------------------

    def look(self, own_job: str = "", saved: int = 0) -> View:
        """See how things stand.

        Args:
            own_job: id of the pass that this server runs.
            saved: files that were saved since the last one.
        """
        now = self._wall()
        folder = self._place.state_dir
        settings, trouble = self._settings()
        status = read_status(folder, now, ping_seconds=settings.ping_seconds)
        if own_job and not (status.running and status.job == own_job):
            status = replace(
                status, status="queued", job=own_job, started=now, problem=None, meta={}
            )
        account, memo = Account.load(folder), Memo.load(folder)
        connected, trouble = self._connected(trouble)
        if connected and self.hub_problem is not None and not _is(self.hub_problem, HubSilent):
            trouble = trouble or self.hub_problem
        if trouble is not None and not status.running:
            status = replace(status, status="failed", problem=describe(trouble))
        problem = status.problem
        client = None if connected else self._client_problem()
        if not connected and trouble is None:
            problem = describe(client) if client else None
        paused_by = self.paused_by(settings)
        state = people_state(status, connected=connected, paused=bool(paused_by))
        if state == "synced" and saved:
            state = "waiting"
        email = account.email if account else ""
        return View(
            status=status,
            state=state,
            connected=connected,
            account=account if connected else None,
            settings=settings,
            memo=memo,
            problem=problem,
            incident=memo.described(problem, email, now) if connected else None,
            link=self._read_link(status) if connected else "",
            paused_by=paused_by,
            can_ask=not connected and client is None and paused_by != "admin",
        )

    def connected(self) -> bool:
        """Tell whether there is a permission.

        Raises:
            StateUnusable: nobody can know.
        """
        folder = self._place.state_dir
        if self._place.credentials == "broker":
            return Account.load(folder) is not None
        return self._place.credentials == "adc" or SecretsStore(folder).grant() is not None

    def paused_by(self, settings: Settings) -> str:
        """Tell who paused: ``admin``, ``user``, or nobody."""
        if self._paused:
            return "admin"
        until = settings.paused_until
        return "user" if until == FOREVER or until > self._wall() else ""

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs that are kept, newest first."""
        with self.ledger() as ledger:
            return [asdict(run) for run in ledger.runs(limit=200)] if ledger else []

    def run_files(self, run: int, outcome: str = "") -> list[dict[str, Any]]:
        """Return what a run did with each file.

        Raises:
            NoSuchThing: there was no such run.
        """
        with self.ledger() as ledger:
            if ledger is None or all(known.id != run for known in ledger.runs(limit=200)):
                raise NoSuchThing(thing=f"run {run}")
            files = [describe_file(file) for file in ledger.outcomes(run)]
        return [file for file in files if not outcome or file["outcome"] == outcome]

    def done_before(self) -> tuple[int, int]:
        """Return what runs had done that were cut off since the last one that came to its end.

        A run that goes on where they stopped counts that as done: objects and bytes.
        """
        status = Status.load(self._place.state_dir)
        done = size = 0
        with self.ledger() as ledger:
            for run in ledger.runs(limit=_CUT_OFF) if ledger else ():
                if run.outcome.startswith("completed") or (
                    run.problem is not None and run.problem["who"] != "wait"
                ):
                    break
                # One that was killed left its counters with its last sign of life.
                counters = run.counters or (status.meta if status.job == run.job else {})
                done += int(counters.get("done", 0))
                size += int(counters.get("bytes", 0))
        return done, size

    def hold_files(self, hold: str) -> list[dict[str, Any]]:
        """Return the files that a hold is about.

        Raises:
            NoSuchHold: there is no such hold.
        """
        with self.ledger() as ledger:
            if ledger is None or all(known.id != hold for known in ledger.holds()):
                raise NoSuchHold(problem=f"There is no hold with the id {hold}.")
            items = ledger.hold_items(hold)
        return [{"path": item.path, "size": item.size} for item in items]

    # -- writing ----------------------------------------------------------------------------------

    def release(self, hold: str, choice: str, paths: Sequence[str]) -> int:
        """Carry a person's answer into the ledger; returns how many files it is about.

        Raises:
            NoSuchHold: there is no such hold, choice or path.
        """
        folder = self._place.state_dir
        with self.ledger() as ledger:
            if ledger is None:
                raise NoSuchHold(problem="Nothing waits for you: there was no sync yet.")
            only = [RelPath(path) for path in paths]
            count = ledger.answer(hold, choice, only, at=self._wall())
            left = tuple(describe_hold(each) for each in ledger.holds() if not each.answer)
        status = Status.load(folder)
        if not status.running:  # a running pass writes them itself, at its end
            replace(status, holds=left).save(folder)
        return count

    def change(self, values: Mapping[str, Any]) -> None:
        """Set what a person may set.

        Raises:
            SetByAdmin: the configuration decides it.
            BadSettings: a value cannot be used.
        """
        for name in values:
            if name in self._place.settings:
                raise SetByAdmin(name=name)
        check_time_zone(str(values.get("time_zone") or ""))
        settings_file.change(self._place.state_dir, values)

    def remember(self, **values: Any) -> None:
        """Remember what a server wants to know after its restart (see :class:`Memo`)."""
        folder = self._place.state_dir
        with changing(folder):
            replace(Memo.load(folder), **values).save(folder)

    def told(self, view: View) -> None:
        """Take note that a person was told of the problem in a view."""
        if view.problem is not None:
            email = view.account.email if view.account else ""
            now = self._wall()
            folder = self._place.state_dir
            with changing(folder):
                memo = Memo.load(folder).after_run(view.problem, email, now)
                replace(memo, told=now).save(folder)

    def settle(self, job: str, problem: DriveSyncError | None) -> Status:
        """Leave a true status after a pass of ours, also where the child could not.

        A child that was killed leaves ``in_progress`` behind, one that never got its turn nothing.
        Where another process syncs, its status is left alone.
        """
        folder = self._place.state_dir
        status = Status.load(folder)
        unsaid = status.job != job or status.running
        if problem is not None and unsaid and not _is(problem, RunBusy):
            status = replace(
                status,
                status="failed",
                job=job,
                started=status.started if status.job == job else self._wall(),
                process=None,
                problem=describe(problem),
                traceback=problem.detail if problem.code == "internal" else "",
            ).save(folder)
        account = Account.load(folder)
        now, email = self._wall(), account.email if account else ""
        memo = Memo.load(folder)
        if memo.after_run(status.problem, email, now) != memo:
            with changing(folder):
                Memo.load(folder).after_run(status.problem, email, now).save(folder)
        return status

    # -- parts ------------------------------------------------------------------------------------

    def _settings(self) -> tuple[Settings, DriveSyncError | None]:
        try:
            return self._place.load_settings(), None
        except DriveSyncError as problem:
            return Settings(), problem

    def _connected(self, trouble: DriveSyncError | None) -> tuple[bool, DriveSyncError | None]:
        try:
            return self.connected(), trouble
        except DriveSyncError as problem:
            return True, trouble or problem  # not "not connected": the file is there, unreadable

    def _client_problem(self) -> DriveSyncError | None:
        if self._place.credentials == "broker":
            return self.hub_problem
        try:
            self._place.client()
        except DriveSyncError as problem:
            return problem
        return None

    def _read_link(self, status: Status) -> str:
        """Return the mirror's address; asked of the ledger until it is known."""
        if not self._link and status.last_sync is not None and not status.running:
            with contextlib.suppress(DriveSyncError), self.ledger() as ledger:
                self._link = ledger.get("root_link") if ledger else ""
        return self._link

    def forget_link(self) -> None:
        """Read the mirror's address anew: it may be another mirror's now."""
        self._link = ""

    def ledger(self) -> contextlib.AbstractContextManager[Ledger | None]:
        """Open the ledger as it is, None where there was no sync yet."""
        return Ledger.found(self._place.state_dir)


def _is(problem: DriveSyncError, kind: type[DriveSyncError]) -> bool:
    """Compare by code: what a child reports has a class of its own."""
    return problem.code == kind.code


def below(root: Path, home: Path) -> str | None:
    """Return where the file browser's root lies below the home, None when it does not."""
    try:
        relative = root.resolve().relative_to(home.resolve())
    except (OSError, ValueError):
        return None
    return "" if relative == Path() else relative.as_posix()
