"""Time, as LocalDrive sees it: given from outside, so that a test can turn it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of time that can also be waited on."""

    def now(self) -> float:
        """Return seconds since 1970-01-01T00:00:00Z."""

    def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Return seconds since 1970-01-01T00:00:00Z."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        time.sleep(seconds)


class ManualClock:
    """A clock that stands still until somebody moves it; sleeping moves it."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return seconds since 1970-01-01T00:00:00Z."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by so many seconds."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds."""
        with self._lock:
            self._now += seconds


def milliseconds(now: float) -> int:
    """Return a clock's reading in whole milliseconds, Drive's precision."""
    return int(now * 1000 + 0.5)


def rfc3339(stamp: int) -> str:
    """Write milliseconds since 1970 as Drive does, such as `2026-11-21T08:29:31.042Z`."""
    seconds, rest = divmod(stamp, 1000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:03d}Z"
