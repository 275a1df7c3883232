"""The one pass that this server runs at a time, in a child process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from jupyter_drive_sync.engine.report import Status
from jupyter_drive_sync.errors import DriveSyncError, Internal
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Event, Job, Progress
from jupyter_drive_sync.server.desk import Desk

_FRESH: Final = 30.0
"""Seconds for which a look at the home is not repeated."""


class Crew:
    """All children of this server: each is followed in a thread, and none outlives the server."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._options: dict[str, Any] = {} if command is None else {"command": command}
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="drive-sync-child")
        self._children: set[Child] = set()
        self._closed = False

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
                    return follow(child, lambda event: tell(heard, event))
                finally:
                    self._children.discard(child)

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
        progress: how far it is.
        before: objects and bytes that runs had done which it goes on from.
    """

    job: str
    paths: tuple[str, ...]
    progress: Progress = field(default_factory=lambda: Progress("starting"))
    before: tuple[int, int] = (0, 0)
    child: Child | None = None
    cancelled: bool = False

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

    def start(self, paths: Sequence[str] = ()) -> tuple[Pass, bool]:
        """Begin a pass, or return the one that runs; and whether it ran before."""
        if self.current is not None:
            return self.current, True
        job = self._place.job("mirror", args={"only": list(paths)})
        self.current = Pass(job.id, tuple(paths))
        self._task = asyncio.get_running_loop().create_task(self._run(job, self.current))
        return self.current, False

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

        def heard(event: Event) -> None:
            if isinstance(event, Progress):
                run.progress = event
                self._audience.got_on()

        problem: DriveSyncError | None = None
        outcome = ""
        try:
            result = await self._crew.perform(job, heard, run.born)
            outcome = str(result["outcome"])
        except DriveSyncError as met:
            problem, outcome = met, met.code
        if problem is not None and problem.code == Internal.code:
            self._log(f"A sync failed: {problem.detail}")
        try:
            status = await loop.run_in_executor(None, self._desk.settle, job.id, problem)
        except DriveSyncError as met:
            self._log(met.sentence)
            status = Status()
        self.current = None
        self._audience.ended(outcome, loop.time() - begun, status)
