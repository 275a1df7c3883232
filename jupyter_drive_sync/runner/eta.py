"""How long the rest will take, from how long the first part took."""

from __future__ import annotations

from typing import Final

from jupyter_drive_sync.core.clock import Clock

_FILE_WEIGHT: Final = 500_000
"""Bytes that could be sent in the time that a small file's request takes."""
_LEAST_SECONDS: Final = 10.0
"""Before that nobody would believe it."""
_LEAST_SHARE: Final = 0.01


class Eta:
    """Watches how a job gets on.

    Args:
        clock: only its monotonic side is used.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun: tuple[float, float] | None = None

    def left(self, done: int, total: int, bytes_done: int, bytes_total: int) -> float | None:
        """Return the seconds that are left, None while nobody can tell.

        Args:
            done: objects that are finished.
            total: objects altogether.
            bytes_done: bytes that are sent.
            bytes_total: bytes altogether.
        """
        whole = total * _FILE_WEIGHT + bytes_total
        share = (done * _FILE_WEIGHT + bytes_done) / whole if whole else 0.0
        now = self._clock.monotonic()
        if self._begun is None or share < self._begun[1]:
            self._begun = (now, share)
        elapsed, gained = now - self._begun[0], share - self._begun[1]
        if share >= 1.0 or elapsed < _LEAST_SECONDS or gained < _LEAST_SHARE:
            return None
        return elapsed * (1.0 - share) / gained
