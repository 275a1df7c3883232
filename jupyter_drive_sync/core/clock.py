"""Time, handed in: the only clock that the rooms know."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """What the program asks of time; the real one is ``runner.clock.SystemClock``."""

    def wall(self) -> float:
        """Return seconds since the epoch. May jump."""

    def monotonic(self) -> float:
        """Return seconds since some start. Never goes back; for durations and deadlines."""

    def sleep(self, seconds: float) -> None:
        """Wait. A virtual clock just moves on."""
