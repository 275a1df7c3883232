from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drive.ground import Ground, stand
from tests.virtual_clock import VirtualClock


@pytest.fixture
def ground(clock: VirtualClock) -> Iterator[Ground]:
    """Our client on a LocalDrive of the same process, under a virtual clock."""
    made = stand(clock)
    with made.server:
        yield made
