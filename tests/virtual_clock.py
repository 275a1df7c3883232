"""A clock that nobody has to wait for."""

from __future__ import annotations

import threading


class VirtualClock:
    """Stands still until somebody sleeps on it or moves it; keeps what was slept.

    The wall clock can be set apart from the monotonic one, as a person or NTP would do.
    """

    def __init__(self, wall: float = 1_800_000_000.0) -> None:
        self._wall = wall
        self._monotonic = 1_000.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return self._wall

    def monotonic(self) -> float:
        """Return seconds since some start."""
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Move on by so many seconds and remember it."""
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move both clocks on."""
        with self._lock:
            self._wall += seconds
            self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back; the monotonic one goes on undisturbed."""
        with self._lock:
            self._wall += seconds
