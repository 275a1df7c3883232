from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.world import World, make_world
from tests.virtual_clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    """A clock of some years ago: files written "now" are old for the real file system."""
    return VirtualClock(1_700_000_000.0)


@pytest.fixture
def world(tmp_path: Path, clock: VirtualClock) -> Iterator[World]:
    """A home and its Drive."""
    made = make_world(tmp_path / "world", clock)
    with made.server:
        yield made
