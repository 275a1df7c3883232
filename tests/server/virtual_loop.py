"""An event loop on which nobody waits: when nothing is ready, time goes on to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import datetime, tzinfo
from typing import Any

import pytest

from tests.virtual_clock import VirtualClock


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Looks, and instead of waiting moves the clock."""

    clock: VirtualClock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        assert timeout is not None, "nothing is left to wait for"
        self.clock.advance(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs on a clock of ours."""

    def __init__(self, clock: VirtualClock) -> None:
        selector = _Selector()
        selector.clock = clock
        self._own_clock = clock
        super().__init__(selector)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Do at once what a thread would do: time must not pass meanwhile."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as problem:
            done.set_exception(problem)
        return done

    def time(self) -> float:
        return self._own_clock.monotonic()


def run(clock: VirtualClock, work: Coroutine[Any, Any, None]) -> None:
    """Run something to its end, on the virtual loop."""
    loop = VirtualLoop(clock)
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


def virtual_datetime(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have APScheduler read our clock."""

    class Virtual(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(clock.wall(), tz)

    for module in ("schedulers.base", "executors.base"):
        monkeypatch.setattr(f"apscheduler.{module}.datetime", Virtual)
