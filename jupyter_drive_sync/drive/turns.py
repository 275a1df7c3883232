"""Turns among the threads and processes of one machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from jupyter_drive_sync.core.clock import Clock

_PATIENCE: Final = 20.0
_STEP: Final = 0.02


@contextlib.contextmanager
def one_at_a_time(path: Path, clock: Clock) -> Iterator[None]:
    """Let one in at a time, by a lock on a file (flock(2)), which ends with its holder.

    It spares a request, or keeps what two change at once; nothing breaks without: where locks do
    not work, or somebody holds one for 20 s (who may be frozen), we go on.

    Args:
        path: of the lock file; made when missing, and left.
        clock: time.
    """
    handle = -1
    try:
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            _lock(handle, clock)
        yield
    finally:
        if handle >= 0:
            os.close(handle)  # and with it the lock


def _lock(handle: int, clock: Clock) -> None:
    end = clock.monotonic() + _PATIENCE
    while clock.monotonic() < end:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            clock.sleep(_STEP)
        else:
            return
