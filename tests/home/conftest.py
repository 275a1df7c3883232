from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_drive_sync.home.fstime import probe_in
from jupyter_drive_sync.home.read import Home
from tests.virtual_clock import VirtualClock


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def home(root: Path, state: Path, clock: VirtualClock) -> Iterator[Home]:
    """Open the home, with a probe on its file system."""
    probe = probe_in(state, root)
    assert probe is not None
    with Home(root, clock=clock, probe=probe) as opened:
        yield opened
