"""A command in the terminal of a server on a hub heeds what the hub's admin sets."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from jupyter_drive_sync.demo.proof import mirrored
from tests.hub.conftest import ANN, PREFIX, Stage
from tests.hub.test_courses_handed import Student

pytestmark = pytest.mark.usefixtures("unmeasured_children")


@pytest.fixture
def options() -> dict[str, Any]:
    return {"settings": {"excludes": ["*.big"]}}


async def test_a_sync_by_hand(stage: Stage) -> None:
    home = stage.folder / "ann"
    home.mkdir()
    (home / "work.txt").write_text("work")
    (home / "data.big").write_text("data")
    ann = Student(
        home,
        {
            **os.environ,
            "HOME": str(home),
            "JUPYTERHUB_USER": "ann",
            "JUPYTERHUB_API_TOKEN": stage.server("ann"),
            "DRIVE_SYNC_BROKER_URL": f"{stage.url}{PREFIX}",
            "DRIVE_SYNC_API_ENDPOINT": stage.google,
            "NO_PROXY": "127.0.0.1",
        },
    )
    ann.environment.pop("XDG_STATE_HOME", None)
    state = home / ".local/state/jupyter-drive-sync"
    assert "not connected" in await ann.refused("sync")
    assert await stage.connect("ann", json.loads((state / "home.json").read_text())["home_id"])
    await ann.well("sync")
    found, _ = mirrored(stage.drive, ANN, "home/ann")
    assert set(found) == {"work.txt"}
    assert "1 file on Drive" in await ann.well("check")
    ann.environment["JUPYTERHUB_API_TOKEN"] = "nobody"
    (home / "more.txt").write_text("more")
    await ann.refused("sync")
    found, _ = mirrored(stage.drive, ANN, "home/ann")
    assert set(found) == {"work.txt"}
