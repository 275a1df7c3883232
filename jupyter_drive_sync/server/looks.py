"""What the panel asks for and a child has to find out: each look is shared and kept for a while."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from jupyter_drive_sync.errors import DriveSyncError, NotConnected
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Problem, Reported
from jupyter_drive_sync.server.desk import Desk
from jupyter_drive_sync.server.passes import Crew, Passes
from jupyter_drive_sync.server.problems import Occupied

SPACE_KEPT: Final = 900.0
"""Seconds for which Google is not asked again how full the account is."""
LOOK_KEPT: Final = 30.0
"""Seconds for which another look at home or Drive is not repeated."""
PLANNED: Final = 500
"""Steps of a plan that are told."""


class Kept:
    """The answer to one question; several who ask at once share it.

    Args:
        seconds: for which it is kept.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._of: Any = None
        self._asked: tuple[float, asyncio.Task[Mapping[str, Any]]] | None = None

    async def get(
        self, of: Any, ask: Callable[[], Awaitable[Mapping[str, Any]]], *, refresh: bool = False
    ) -> Mapping[str, Any]:
        """Return the answer, asking where there is none, or none that is fresh.

        Args:
            of: what the answer depends on; an answer for something else is not kept.
            ask: brings it.
            refresh: whether one that is here already will not do.

        Raises:
            DriveSyncError: what the asking met; it is not kept.
        """
        loop = asyncio.get_running_loop()
        known = self._asked
        if known is not None and known[1].done():
            stale = refresh or loop.time() - known[0] > self._seconds
            known = None if stale else known
        if known is None or of != self._of:
            self._of = of
            known = self._asked = (loop.time(), asyncio.ensure_future(_awaited(ask)))
        try:
            return await asyncio.shield(known[1])
        except DriveSyncError:
            if self._asked is known:
                self._asked = None
            raise


async def _awaited(ask: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
    return await ask()


class Looks:
    """The looks of one server.

    Args:
        place: the home.
        desk: its state folder.
        crew: runs the children.
        passes: the pass that runs, which some looks have to wait for.
        wall: seconds since the epoch.
    """

    def __init__(
        self,
        place: Place,
        desk: Desk,
        crew: Crew,
        passes: Passes,
        *,
        wall: Callable[[], float],
    ) -> None:
        self._place = place
        self._desk = desk
        self._crew = crew
        self._passes = passes
        self._wall = wall
        self._space = Kept(SPACE_KEPT)
        self._plan = Kept(LOOK_KEPT)
        self._rules = Kept(LOOK_KEPT)

    async def space(self, *, refresh: bool) -> Mapping[str, Any]:
        """Say how full the account is.

        Raises:
            NotConnected: there is nobody to ask.
            DriveSyncError: what Google said, or that it did not answer.
        """
        view = await self._connected()
        who = view.account.permission_id if view.account else ""
        return await self._space.get(who, self._ask_space, refresh=refresh)

    async def plan(self, *, refresh: bool) -> Mapping[str, Any]:
        """Say what the next sync would do, and what it would cost; nothing is changed.

        Raises:
            NotConnected: there is nobody to ask.
            Occupied: something runs, and would make it untrue.
            DriveSyncError: what the look met.
        """
        view = await self._connected()
        if self._passes.current is not None or view.status.running:
            raise Occupied
        of = (view.status.job, view.settings)
        return await self._plan.get(of, self._ask_plan, refresh=refresh)

    async def rules(self, *, refresh: bool) -> Mapping[str, Any]:
        """Say what each rule leaves out, and how much that is.

        Raises:
            DriveSyncError: what the look at the home met.
        """
        view = await asyncio.get_running_loop().run_in_executor(None, self._desk.look)
        settings = view.settings

        async def ask() -> Mapping[str, Any]:
            job = self._place.job("survey", args={"rules": True})
            found = await self._crew.perform(job)
            hit = {rule["rule"] for rule in found["rules"]}
            idle = [text for text in settings.excludes if f"{text.strip()} (excludes)" not in hit]
            return {"rules": found["rules"], "idle": idle, "looked": self._wall()}

        return await self._rules.get(settings, ask, refresh=refresh)

    async def _ask_plan(self) -> Mapping[str, Any]:
        found = await self._crew.perform(self._place.job("preview", args={"only": []}))
        steps = list(found["steps"])
        counts: Counter[str] = Counter(step["step"] for step in steps)
        return {
            "estimate": found["estimate"],
            "counts": dict(counts),
            "steps": steps[:PLANNED],
            "steps_more": max(0, len(steps) - PLANNED) + found["steps_more"],
            "holds": [{"params": {}, **hold} for hold in found["holds"]],
            "looked": self._wall(),
        }

    async def _ask_space(self) -> Mapping[str, Any]:
        found = await self._crew.perform(self._place.job("validate"))
        if found["problem"] is not None:
            raise Reported(Problem(**found["problem"]))
        return {**found["space"], "looked": self._wall()}

    async def _connected(self) -> Any:
        view = await asyncio.get_running_loop().run_in_executor(None, self._desk.look)
        if not view.connected:
            raise NotConnected
        return view
