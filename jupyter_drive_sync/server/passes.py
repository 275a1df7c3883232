"""The one pass that this server runs at a time, in a child process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from jupyter_drive_sync.engine.report import Status, describe
from jupyter_drive_sync.errors import DriveSyncError, Internal, RunKilled
from jupyter_drive_sync.runner.hub import unless_home_id
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Event, Job, JobKind, Progress
from jupyter_drive_sync.server.desk import Desk
from jupyter_drive_sync.server.problems import Occupied

_FRESH: Final = 30.0
"""Seconds for which a look at the home is not repeated."""


class Crew:
    """All children of this server: each is followed in a thread, and none outlives the server."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._options: dict[str, Any] = {} if command is None else {"command": command}
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="drive-sync-child")
        self._children: set[Child] = set()
        self._closed = False
        self.supply: Callable[[str], str] | None = None
        """Hands children the access tokens that they cannot make themselves."""

    async def perform(
        self,
        job: Job,
        heard: Callable[[Event], None] = lambda _: None,
        born: Callable[[Child], None] = lambda _: None,
    ) -> Mapping[str, Any]:
        """Run a job to its end.

        Args:
            job: what to do.
            heard: is told each event, on the event loop.
            born: is given the child, on the event loop, to cancel it.

        Raises:
            DriveSyncError: what :func:`follow` raises.
        """
        loop = asyncio.get_running_loop()

        def tell(call: Callable[[Any], None], what: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before the child
                loop.call_soon_threadsafe(call, what)

        def work() -> Mapping[str, Any]:
            with Child(job, **self._options) as child:
                self._children.add(child)
                try:
                    if self._closed:
                        child.hang_up()
                    tell(born, child)
                    told = unless_home_id(lambda event: tell(heard, event))
                    return follow(child, told, self.supply)
                finally:
                    self._children.discard(child)

        if self._closed:
            raise RunKilled(cause="parent")  # the server was told to stop before the child began
        try:
            return await loop.run_in_executor(self._threads, work)
        except DriveSyncError:
            raise
        except Exception as problem:
            raise Internal(detail=repr(problem)) from problem

    async def close(self) -> None:
        """Tell all children that the server ends, and wait for them; they have a grace."""
        self._closed = True
        for child in [*self._children]:
            child.hang_up()
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)


@dataclass
class Pass:
    """A pass under way.

    Attributes:
        job: its id.
        paths: what it is about; empty for everything.
        kind: ``mirror``, or the kind of job that brings something back.
        progress: how far it is.
        before: objects and bytes that runs had done which it goes on from.
    """

    job: str
    paths: tuple[str, ...]
    kind: JobKind = "mirror"
    progress: Progress = field(default_factory=lambda: Progress("starting"))
    before: tuple[int, int] = (0, 0)
    child: Child | None = None
    cancelled: bool = False

    @property
    def counts(self) -> dict[str, Any]:
        """How far it is, in the form that surfaces read; sizes are bytes.

        Nobody sees a sync begin anew that goes on where it was cut off.
        """
        progress = self.progress
        objects, size = self.before if progress.total and not self.paths else (0, 0)
        return {
            "job": self.job,
            "phase": progress.phase,
            "done": objects + progress.done,
            "total": objects + progress.total,
            "bytes_done": size + progress.bytes_done,
            "bytes_total": size + progress.bytes_total,
            "eta_seconds": progress.eta_seconds,
            "slowed": progress.slowed,
        }

    def born(self, child: Child) -> None:
        """Take the child; one that nobody wants any more ends at once."""
        self.child = child
        if self.cancelled:
            child.cancel()

    def cancel(self) -> None:
        """Stop in order; a second time at once."""
        self.cancelled = True
        if self.child is not None:
            self.child.cancel()


class Audience(Protocol):
    """Who is told about passes."""

    def began(self) -> None:
        """A pass was begun."""

    def got_on(self) -> None:
        """The running pass got on."""

    def ended(self, outcome: str, seconds: float, status: Status) -> None:
        """The pass ended; the status is what it left."""

    def brought(self, status: Status) -> None:
        """Something was brought back, or not; it was no sync."""


class Passes:
    """Starts passes, one at a time.

    Args:
        place: the home.
        desk: its state folder.
        crew: runs the child.
        audience: is told, on the event loop.
        log: takes what nobody foresaw.
        wall: seconds since the epoch.
    """

    def __init__(
        self,
        place: Place,
        desk: Desk,
        crew: Crew,
        audience: Audience,
        *,
        log: Callable[[str], None],
        wall: Callable[[], float],
    ) -> None:
        self._place = place
        self._desk = desk
        self._crew = crew
        self._audience = audience
        self._log = log
        self._wall = wall
        self._task: asyncio.Task[None] | None = None
        self._survey: tuple[float, asyncio.Task[Mapping[str, Any]]] | None = None
        self.current: Pass | None = None
        self.brought: dict[str, Any] | None = None
        """The last job that brought something back, as the route tells it."""

    def start(self, paths: Sequence[str] = (), *, final: str | None = None) -> tuple[Pass, bool]:
        """Begin a pass, or return the one that runs; and whether it ran before."""
        if self.current is not None:
            return self.current, True
        last = {} if final is None else {"final": final}
        job = self._place.job("mirror", args={"only": list(paths), **last})
        return self._begin(job, tuple(paths)), False

    def bring(self, kind: JobKind, args: Mapping[str, Any]) -> Pass:
        """Begin a job that brings something back.

        Raises:
            Occupied: something runs already.
        """
        if self.current is not None:
            raise Occupied
        job = self._place.job(kind, args=args)
        self.brought = {"job": job.id, "kind": kind, "running": True, "problem": None}
        return self._begin(job, ())

    def _begin(self, job: Job, paths: tuple[str, ...]) -> Pass:
        self.current = run = Pass(job.id, paths, job.kind)
        work = self._run if job.kind == "mirror" else self._bring
        self._task = asyncio.get_running_loop().create_task(work(job, run))
        return run

    def cancel(self) -> str:
        """Stop the running pass; returns its id, or ``""``."""
        if self.current is None:
            return ""
        self.current.cancel()
        return self.current.job

    async def wait(self) -> None:
        """Wait until no pass runs."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def survey(self, *, refresh: bool) -> Mapping[str, Any]:
        """Look at the home alone; several who ask at once share one look.

        Raises:
            DriveSyncError: what the job met.
        """
        loop = asyncio.get_running_loop()
        known = self._survey
        if known is None or (known[1].done() and (refresh or loop.time() - known[0] > _FRESH)):
            known = self._survey = (loop.time(), loop.create_task(self._look()))
        try:
            return await asyncio.shield(known[1])
        except DriveSyncError:
            self._survey = None
            raise

    def forget_survey(self) -> None:
        """Look anew the next time: the rules have changed."""
        self._survey = None

    async def _look(self) -> Mapping[str, Any]:
        found = await self._crew.perform(self._place.job("survey"))
        return {**found, "looked": self._wall()}

    async def _run(self, job: Job, run: Pass) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self._audience.began()
        with contextlib.suppress(DriveSyncError):  # the child meets it too, and says so
            run.before = await loop.run_in_executor(None, self._desk.done_before)
        result, problem = await self._perform(job, run)
        status = await self._settle(job, problem)
        self.current = None
        outcome = problem.code if problem is not None else str(result["outcome"])
        self._audience.ended(outcome, loop.time() - begun, status)

    async def _bring(self, job: Job, run: Pass) -> None:
        self._audience.got_on()
        result, problem = await self._perform(job, run)
        # How syncing stands is as before: a restore that failed is no sync that failed.
        status = await self._settle(job, None)
        self.brought = {
            "job": job.id,
            "kind": job.kind,
            "running": False,
            "problem": describe(problem) if problem is not None else None,
            **({"result": {**result}} if result else {}),
        }
        self.current = None
        self._audience.brought(status)

    async def _perform(
        self, job: Job, run: Pass
    ) -> tuple[Mapping[str, Any], DriveSyncError | None]:
        def heard(event: Event) -> None:
            if isinstance(event, Progress):
                run.progress = event
                self._audience.got_on()

        try:
            return await self._crew.perform(job, heard, run.born), None
        except DriveSyncError as problem:
            if problem.code == Internal.code:
                self._log(f"A sync failed: {problem.detail}")
            return {}, problem

    async def _settle(self, job: Job, problem: DriveSyncError | None) -> Status:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(None, self._desk.settle, job.id, problem)
        except DriveSyncError as met:
            self._log(met.sentence)
            return Status()
