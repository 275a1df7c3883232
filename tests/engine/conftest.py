from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.world import World, make_world
from tests.virtual_clock import VirtualClock


@pytest.fixture
def world(tmp_path: Path, clock: VirtualClock) -> Iterator[World]:
    """A home and its Drive."""
    made = make_world(tmp_path / "world", clock)
    with made.server:
        yield made
