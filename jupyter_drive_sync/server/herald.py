"""Tells the front end what happens, through the server's own event bus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from jupyter_events import EventLogger

SCHEMA_ID: Final = "https://events.jupyter-drive-sync.invalid/progress/v1"
SCHEMA_FILE: Final = Path(__file__).parent / "events" / "progress.v1.yaml"
INTERVAL: Final = 0.25
"""Seconds between two events of a running sync."""


def register(logger: EventLogger) -> None:
    """Make our events known on the server's bus.

    Before anybody can connect: a page listens to the events that are known when its socket opens,
    and hears nothing of those that become known later.
    """
    logger.register_event_schema(SCHEMA_FILE)


class Herald:
    """Emits events, in order, on the event loop; progress at most every quarter of a second.

    Args:
        logger: the bus, on which our events are known (see :func:`register`).
        compose: says what an event of a reason holds beside ``seq`` and ``reason``.
        wall: seconds since the epoch; order goes on from there after a restart.
        clock: monotonic seconds.
        log: takes what nobody foresaw.
    """

    def __init__(
        self,
        logger: EventLogger,
        compose: Callable[[str], Awaitable[Mapping[str, Any]]],
        *,
        wall: Callable[[], float],
        clock: Callable[[], float],
        log: Callable[[str], None],
    ) -> None:
        self._logger = logger
        self._compose = compose
        self._clock = clock
        self._log = log
        self._told = float("-inf")
        self._later: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._order = asyncio.Lock()
        self.seq = int(wall() * 1000)

    def tell(self, reason: str) -> None:
        """Emit an event soon; of several calls for progress only the last counts."""
        if reason == "progress":
            wait = self._told + INTERVAL - self._clock()
            if wait > 0:
                if self._later is None:
                    loop = asyncio.get_running_loop()
                    self._later = loop.call_later(wait, self._emit_later)
                return
            self._told = self._clock()
        task = asyncio.get_running_loop().create_task(self._emit(reason))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def close(self) -> None:
        """Let what was told go out, and be silent."""
        if self._later is not None:
            self._later.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            self._log(f"An event could not be told: {problem!r}")

    def _emit_later(self) -> None:
        self._later = None
        self.tell("progress")

    async def _emit(self, reason: str) -> None:
        async with self._order:  # what is composed later is told later
            said = await self._compose(reason)
            self.seq += 1
            self._logger.emit(schema_id=SCHEMA_ID, data={"seq": self.seq, "reason": reason, **said})
