from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_drive_sync.demo.ground import Ground, local_drive
from jupyter_drive_sync.runner import settings_file
from tests.storage.instructor import Instructor


@pytest.fixture(autouse=True)
def children(unmeasured_children: None) -> None:
    """Measure none: what they do, the command line's tests cover."""


@pytest.fixture
def ground() -> Iterator[Ground]:
    with local_drive(seed=3) as running:
        yield running


@pytest.fixture
def home(ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person who has a home, and has never connected it. The Drive's listings do not lag."""
    folder = tmp_path / "ann"
    folder.mkdir()
    for name, value in {
        "HOME": str(folder),
        "XDG_STATE_HOME": str(tmp_path),
        "DRIVE_SYNC_API_ENDPOINT": ground.url,
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    settings_file.change(tmp_path / "jupyter-drive-sync", {"listing_lag": 0})
    return folder


@pytest.fixture
def instructor(ground: Ground, home: Path) -> Instructor:
    made = Instructor(ground)
    made.make_key(home / "key.json")
    return made
