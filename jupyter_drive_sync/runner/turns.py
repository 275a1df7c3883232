"""Turns at the small files of the state folder that several may change at the same time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from jupyter_drive_sync.drive.turns import one_at_a_time
from jupyter_drive_sync.engine.site import make_state_dir
from jupyter_drive_sync.runner.clock import SystemClock

_LOCK: Final = ".changing"


@contextlib.contextmanager
def changing(state_dir: Path) -> Iterator[None]:
    """Let one at a time read such a file and write it anew.

    Two tabs, two requests of one tab, and a command line change the same file; without turns the
    one who reads first and writes last takes the other's change back.

    Args:
        state_dir: the state folder; made when missing.

    Raises:
        StateUnusable: the folder cannot be made or written.
    """
    make_state_dir(state_dir)
    with one_at_a_time(state_dir / _LOCK, SystemClock()):
        yield
