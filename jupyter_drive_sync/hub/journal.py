"""The store, for the event loop: one thread writes, in the order in which it was asked to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from jupyter_drive_sync.hub.people import Store, Turn

P = ParamSpec("P")
T = TypeVar("T")


class Journal:
    """Writes things down before they are done.

    Args:
        store: the tables.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._thread = ThreadPoolExecutor(1, "night-journal")

    async def do(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something of the store off the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **kwargs))

    async def note(self, turn: Turn, **values: Any) -> None:
        """Write down how a turn stands; what follows in the world may then be done."""
        await self.do(self.store.change_turn, turn.night, turn.key, values)
        for name, value in values.items():
            setattr(turn, name, value)

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown()
