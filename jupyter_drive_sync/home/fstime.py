"""What time it is for the file system of the home.

Whether a file was read *racily*, so soon after a change that a later one could leave its times as
they are, is judged by the clock that stamps the files. On a network disk that is the server's, and
the local one may be hours off.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from jupyter_drive_sync.core.clock import Clock

GRAIN_NS: Final = 2_000_000_000
"""Coarsest step of a file time in use, nanoseconds: 2 s on FAT, 1 s on ext3 and old NFS servers."""

_ABSURD_NS: Final = 86_400_000_000_000
"""A change time a day ahead of our clock comes from a clock that was wrong then, not from now."""

Probe = Callable[[], int]
"""Asks the file system for the time, nanoseconds; raises OSError where it cannot answer."""


class FsTime:
    """The newest time that the file system gave: never ahead of its clock, perhaps behind it.

    It comes from the probe where there is one, else from change times (``ctime``) of files: those
    the file system sets alone, while an ``mtime`` can be set to anything by anybody. Being behind
    is the safe side: more files count as racy.
    """

    def __init__(self, clock: Clock, probe: Probe | None = None) -> None:
        self._clock = clock
        self._probe = probe
        self._newest_ns = 0
        self._lock = threading.Lock()

    def saw(self, ctime_ns: int) -> None:
        """Take note of the change time of a file of this file system."""
        if self._probe is None and self._newest_ns < ctime_ns <= self._absurd_from():
            self._move_to(ctime_ns)

    def now_ns(self) -> int:
        """Return the newest time, nanoseconds since the epoch; 0 before anything was seen."""
        if self._probe is not None:
            try:
                self._move_to(self._probe())
            except OSError:  # a full or read-only disk: from now on the files must tell
                self._probe = None
        return self._newest_ns

    def passed(self, time_ns: int) -> bool:
        """Tell whether a time lies surely more than :data:`GRAIN_NS` back.

        The probe is asked only where what is known does not settle it.
        """
        border = time_ns + GRAIN_NS
        return border < self._newest_ns or border < self.now_ns()

    def _absurd_from(self) -> float:
        return self._clock.wall() * 1e9 + _ABSURD_NS

    def _move_to(self, time_ns: int) -> None:
        with self._lock:
            self._newest_ns = max(self._newest_ns, time_ns)


def probe_in(state: Path, root: Path) -> Probe | None:
    """Make a probe of a file in the state folder, if that lies on the home's file system.

    Args:
        state: our state folder, which exists.
        root: the home.

    Returns:
        A function that touches ``state/now`` and returns the time which that got; None where the
        file cannot be made or belongs to another file system.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    path = state / "now"

    def ask() -> int:
        fd = os.open(path, flags, 0o600)
        try:
            os.utime(fd)
            return os.fstat(fd).st_ctime_ns
        finally:
            os.close(fd)

    try:
        ask()
        return ask if path.stat().st_dev == root.stat().st_dev else None
    except OSError:
        return None
