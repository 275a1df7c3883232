"""What the panel asks for and a child has to find out: each look is shared and kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from jupyter_drive_sync.errors import DriveSyncError, NotConnected
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Problem, Reported
from jupyter_drive_sync.server.desk import Desk
from jupyter_drive_sync.server.passes import Crew, Passes

SPACE_KEPT: Final = 900.0
"""Seconds for which Google is not asked again how full the account is."""


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

    async def space(self, *, refresh: bool) -> Mapping[str, Any]:
        """Say how full the account is.

        Raises:
            NotConnected: there is nobody to ask.
            DriveSyncError: what Google said, or that it did not answer.
        """
        view = await self._connected()
        who = view.account.permission_id if view.account else ""
        return await self._space.get(who, self._ask_space, refresh=refresh)

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
