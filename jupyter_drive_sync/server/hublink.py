"""A server of a hub and the hub's service: how things stand there, and the hub's nights.

The service never sends anything to a server: a server runs its person's code, which would replay
whatever it came with. So the server asks, when it starts, and says how its syncs went.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from jupyter_drive_sync.core.settings import from_mapping
from jupyter_drive_sync.drive.credentials.hub import Standing
from jupyter_drive_sync.engine.report import Status
from jupyter_drive_sync.errors import DriveSyncError, HubSilent, RunCancelled
from jupyter_drive_sync.runner import hub
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.server.desk import FOREVER, Desk, View
from jupyter_drive_sync.server.problems import Paused, PausedByAdmin

T = TypeVar("T")

OLD: Final = 60.0
"""Seconds after which what the service said is asked again, when somebody looks."""
PAUSES: Final = (5.0, 10.0, 20.0, 30.0, 60.0, 60.0, 120.0, 300.0)
"""Seconds before a service that does not answer is asked again: a hub that finds it dead starts it
anew within a minute (JupyterHub, ``service_check_interval``)."""
_BEAT: Final = 30.0
"""Seconds between two words on a sync that runs."""


@dataclass(frozen=True, slots=True)
class Due:
    """What the hub wants of this server.

    Attributes:
        due: whether its nightly sync shall run now.
        night: id of the night, None where there is none.
        held: whether nothing shall run by itself for now.
        message: why, for the person.
        final: folder of which this is the last sync, ``""`` for all; None where it is not.
    """

    due: bool = False
    night: str | None = None
    held: bool = False
    message: str = ""
    final: str | None = None


@dataclass
class HubLink:
    """Asks the hub's service, one question at a time. Belongs on the event loop.

    Attributes:
        place: the home.
        desk: its state folder, which shows what the service said.
        settings: of the place; what the hub's admin sets is laid over them.
        clock: monotonic seconds.
        changed: is told when the standing changed.
        log: the server's log.
        standing: what the service said last.
        pauses: see ``PAUSES``.
    """

    place: Place
    desk: Desk
    settings: dict[str, Any]
    clock: Callable[[], float]
    changed: Callable[[], None]
    log: logging.Logger
    standing: Standing | None = None
    pauses: tuple[float, ...] = PAUSES
    _asked: float | None = None
    _asking: asyncio.Task[None] | None = None
    _own: dict[str, Any] = field(default_factory=dict)
    _closed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Remember what this server's own configuration sets."""
        self._own = dict(self.settings)

    @property
    def on(self) -> bool:
        """Whether the hub keeps the permission."""
        return self.place.credentials == "broker"

    async def look(self) -> None:
        """Ask how the home stands; several who want to know share one question."""
        if not self.on:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._look())
        await asyncio.shield(self._asking)

    def look_again(self) -> None:
        """Ask in the background, where the last answer is old; nobody waits."""
        recent = self._asked is not None and self.clock() - self._asked < OLD
        if self.on and not recent and (self._asking is None or self._asking.done()):
            self._asking = asyncio.get_running_loop().create_task(self._look())

    async def close(self) -> None:
        """Wait for what was asked; what was not answered is not asked again."""
        self._closed.set()
        if self._asking is not None:
            await asyncio.gather(self._asking, return_exceptions=True)

    async def open_after(self, seconds: float) -> bool:
        """Wait, and tell whether the server still runs then; one that ends does not wait."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), seconds)
        return not self._closed.is_set()

    async def due(self) -> Due:
        """Ask whether the home's night is now; a service that stays silent wants nothing."""
        if not self.on:
            return Due()
        try:
            home = await _in_thread(self.place.identity)
            broker = hub.broker_of(self.place)
            said = await self._patiently(partial(broker.due, home.home_id))
        except DriveSyncError as problem:
            self.log.warning("The hub was not asked about its night. %s", problem.sentence)
            return Due()
        night = said.get("night")
        return Due(
            due=said.get("due") is True,
            night=str(night) if night else None,
            held=said.get("held") is True,
            message=str(said.get("message") or ""),
            final=str(said["final"]) if "final" in said else None,
        )

    async def report(self, night: str | None, status: Mapping[str, Any]) -> None:
        """Tell the hub how a sync ended; where it does not listen, its own deadline comes."""
        await self._report(night, status, self._patiently)

    async def _report(
        self,
        night: str | None,
        status: Mapping[str, Any],
        send: Callable[[Callable[[], None]], Awaitable[None]],
    ) -> None:
        if not self.on:
            return
        try:
            home = await _in_thread(self.place.identity)
            await send(partial(hub.broker_of(self.place).report, home.home_id, night, status))
        except DriveSyncError as problem:
            if problem.code != "request.unknown":  # a service without nights
                self.log.warning("The hub was not told of the sync. %s", problem.sentence)

    async def while_reporting(
        self, night: str | None, running: Callable[[], Mapping[str, Any]], work: Awaitable[T]
    ) -> T:
        """Give signs of life of a sync to the hub while it runs."""

        async def beat() -> None:
            while True:
                await self._report(night, running(), _in_thread)
                await asyncio.sleep(_BEAT)

        beating = asyncio.get_running_loop().create_task(beat())
        try:
            return await work
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    async def _patiently(self, call: Callable[[], T]) -> T:
        """Ask a service that may be between its end and its next start.

        Raises:
            DriveSyncError: it refuses, or is still silent after all pauses.
        """
        for pause in self.pauses:
            try:
                return await _in_thread(call)
            except HubSilent as problem:
                self.log.info("%s Asked again in %.0f seconds.", problem.sentence, pause)
            if not await self.open_after(pause):
                break
        return await _in_thread(call)

    async def _look(self) -> None:
        before = (self.standing, self.desk.hub_problem)
        try:
            self.standing = await _in_thread(partial(hub.look, self.place))
            self.desk.hub_problem = self.standing.problem
        except DriveSyncError as problem:
            self.desk.hub_problem = problem
            if problem.code != HubSilent.code:
                self.standing = None
        self._asked = self.clock()
        if self.standing is not None:
            self._take(self.standing.settings)
        if before != (self.standing, self.desk.hub_problem):
            self.changed()

    def _take(self, settings: Mapping[str, Any]) -> None:
        """Lay what the hub's admin sets over what this server's configuration sets."""
        wanted = {**self._own, **settings}
        if wanted == self.settings:
            return
        try:
            from_mapping(wanted)
        except DriveSyncError as problem:
            self.log.error("What the hub sets cannot be used. %s", problem.sentence)
            return
        self.settings.clear()
        self.settings.update(wanted)


async def _in_thread(call: Callable[..., T], *args: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, partial(call, *args))


def running(started: float, *, in_use: bool) -> dict[str, Any]:
    """Describe a sync that runs, for the hub."""
    return {"outcome": "in_progress", "started": started, "in_use": in_use}


def ended(view: View, *, in_use: bool, problem: DriveSyncError | None = None) -> dict[str, Any]:
    """Describe how a sync ended, for the hub: counts and codes, no names.

    Args:
        view: how things stand after it.
        in_use: whether somebody works on this server.
        problem: what kept it from beginning.
    """
    status = view.status
    outcome, code = _outcome(status), status.problem["code"] if status.problem else ""
    if isinstance(problem, Paused | PausedByAdmin):
        outcome, code = "cancelled", RunCancelled.code  # what a person wants is no failure
    elif problem is not None:
        outcome, code = "failed", problem.code
    return {
        "outcome": outcome,
        "problem": code,
        "counts": {**status.meta, "objects": status.last_sync_count, "held": len(status.holds)},
        "started": status.started or 0.0,
        "last_sync": status.last_sync,
        "in_use": in_use,
        "opted_out": view.settings.paused_until == FOREVER,
    }


def _outcome(status: Status) -> str:
    if status.problem and status.problem["code"] == RunCancelled.code:
        return "cancelled"
    known = ("completed", "completed_with_errors")
    return status.status if status.status in known else "failed"
