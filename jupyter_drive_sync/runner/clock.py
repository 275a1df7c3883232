"""The machine's own time."""

from __future__ import annotations

import time


class SystemClock:
    """The :class:`jupyter_drive_sync.core.clock.Clock` of a real run."""

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds since the machine started.

        Where the platform has a clock that goes on while the machine is suspended, it is that one:
        a writer that slept with its laptop must know that its lease is over.
        """
        return _monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


if hasattr(time, "CLOCK_BOOTTIME"):

    def _monotonic() -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:

    def _monotonic() -> float:
        return time.monotonic()
