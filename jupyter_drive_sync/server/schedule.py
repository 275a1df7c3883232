"""When a pass runs by itself: each night, or soon after a start that follows a missed one.

APScheduler decides when, and nothing else. It is imported in a thread once the server has started,
since nobody shall wait for it.
"""

from __future__ import annotations

import asyncio
import importlib
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from jupyter_drive_sync.core import cron
from jupyter_drive_sync.server.config import Nights

_LOOK_AGAIN: Final = 30.0
"""Seconds between two looks at busy kernels."""
_NUDGE: Final = 300.0
"""Seconds between two looks at the clock: timers stand still while a laptop sleeps."""
_NIGHT: Final = "night"
_CATCH_UP: Final = "catch-up"


@dataclass
class Schedule:
    """The nights of one server.

    Attributes:
        nights: when.
        run: runs a pass to its end, if one may run now.
        last_run: epoch seconds since when nights count as missed; None while none counts.
        busy: whether the person computes.
        changed: is told when what is shown changed.
        wall: seconds since the epoch.
        rng: where the offset comes from.
        expression: the cron expression of the nights; ``""`` is never.
        zone: IANA name in which the expression is read; ``""`` before the start.
        waiting_for: what a due run waits for, or ``""``.
    """

    nights: Nights
    run: Callable[[], Awaitable[None]]
    last_run: Callable[[], Awaitable[float | None]]
    busy: Callable[[], bool]
    changed: Callable[[], None]
    wall: Callable[[], float]
    rng: random.Random = field(default_factory=random.SystemRandom)
    expression: str = ""
    zone: str = ""
    waiting_for: str = ""
    _nightly: Any = None
    _scheduler: Any = None
    _trigger: Any = None
    _going: bool = False
    _offset: float = 0.0
    _nudger: asyncio.Task[None] | None = None

    async def start(self, expression: str, set_zone: str, browser_zone: str) -> None:
        """Begin to wait for the nights.

        Args:
            expression: when they are.
            set_zone: what somebody set.
            browser_zone: that of the browser that connected.
        """
        loop = asyncio.get_running_loop()
        name = "jupyter_drive_sync.server.nightly"
        self._nightly = await loop.run_in_executor(None, importlib.import_module, name)
        self._offset = self.rng.uniform(0, self.nights.jitter)
        self.zone = await loop.run_in_executor(None, self._choose, set_zone, browser_zone)
        self.expression = expression.strip()
        if self.expression:
            self._begin()
            await self._plan_catch_up()
            self.changed()

    def _begin(self) -> None:
        self._trigger = self._make_trigger()
        self._scheduler = self._nightly.AsyncIOScheduler(timezone=UTC)
        self._scheduler.start()
        # No grace: a laptop that slept through the night runs when it wakes, once.
        self._scheduler.add_job(
            self._go, self._trigger, id=_NIGHT, coalesce=True, misfire_grace_time=None
        )
        self._nudger = asyncio.get_running_loop().create_task(self._nudge())

    async def stop(self) -> None:
        """Wait for no more nights; nothing of this is left on the loop."""
        await self._end()

    async def _end(self) -> None:
        nudger, self._nudger = self._nudger, None
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        if nudger is not None:
            nudger.cancel()
            # The loop may end right after this: what was only told to end would be pending.
            await asyncio.wait((nudger,))

    async def change(self, expression: str, set_zone: str, browser_zone: str) -> None:
        """Wait for other nights from now on, or read them in another time zone."""
        if self._nightly is None:
            return
        loop = asyncio.get_running_loop()
        zone = await loop.run_in_executor(None, self._choose, set_zone, browser_zone)
        expression = expression.strip()
        if (expression, zone) == (self.expression, self.zone):
            return
        self.expression, self.zone = expression, zone
        if not expression:
            await self._end()
        elif self._scheduler is None:
            self._begin()
        else:
            self._trigger = self._make_trigger()
            self._scheduler.reschedule_job(_NIGHT, trigger=self._trigger)

    def next_run(self, not_before: float) -> float | None:
        """Return when the next pass begins by itself, in epoch seconds.

        Args:
            not_before: epoch seconds until which everything is paused.
        """
        if self._scheduler is None:
            return None
        times = [
            job.next_run_time.timestamp()
            for job in self._scheduler.get_jobs()
            if job.next_run_time is not None and job.next_run_time.timestamp() >= not_before
        ]
        later: float | None = self._trigger.after(max(not_before, self.wall()))
        return min(times, default=later)

    async def _plan_catch_up(self) -> None:
        if self.nights.catch_up and await self._missed():
            at = self.wall() + self.rng.uniform(0, self.nights.catch_up)
            self._scheduler.add_job(
                self._catch_up,
                self._nightly.DateTrigger(datetime.fromtimestamp(at, UTC)),
                id=_CATCH_UP,
                misfire_grace_time=None,
            )

    async def _nudge(self) -> None:
        while True:
            await asyncio.sleep(_NUDGE)
            self._scheduler.wakeup()

    async def _missed(self) -> bool:
        since = await self.last_run()
        return since is not None and self._trigger.missed(since, self.wall())

    async def _catch_up(self) -> None:
        if await self._missed():  # still: somebody may have synced meanwhile
            await self._go()

    async def _go(self) -> None:
        """Run once, when the kernels rest or have been busy for too long."""
        if self._going:
            return
        self._going = True
        try:
            waited = 0.0
            while self.busy() and waited < self.nights.busy_wait:
                self._wait_for("kernels")
                await asyncio.sleep(_LOOK_AGAIN)
                waited += _LOOK_AGAIN
            self._wait_for("")
            await self.run()
        finally:
            self._going = False
            self._wait_for("")

    def _wait_for(self, what: str) -> None:
        if what != self.waiting_for:
            self.waiting_for = what
            self.changed()

    def _make_trigger(self) -> Any:
        return self._nightly.Nightly(cron.parse(self.expression), self.zone, self._offset)

    def _choose(self, *wanted: str) -> str:
        for name in filter(None, wanted):
            with suppress(KeyError, ValueError, OSError):
                ZoneInfo(name)
                return name
        return str(self._nightly.system_zone())
