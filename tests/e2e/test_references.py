"""Our nodes look as they looked when somebody looked at them; `make references` takes them anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Playwright

from tests.e2e.jupyter_page import Jupyter, jupyter
from tests.e2e.references import HERE, SHEETS, Look, Place, drawing, far, look, moved
from tests.e2e.test_browser import EXPOSED

PIXELS: Final = 2.0
"""Half a step of the grid on which everything stands (4 px): what is nearer is rounding."""
LEVELS: Final = 16
FEW: Final = 10
"""Three takes of all scenes, on a machine with five times the work it has cores for, differed in no
pixel by any level. Ten pixels off by more than 16 of 256 levels are less than one small letter."""
SHIFTED: Final = (
    ".jp-DriveSync-panel .jp-DriveSync-state { padding-inline-start: 16px !important; }"
)
TINTED: Final = ".jp-DriveSync-panel .jp-DriveSync-headline { color: #555 !important; }"


def _kept(name: str) -> Any:
    return json.loads((HERE / name).read_text())


def _places(sheet: str) -> dict[str, list[Place]]:
    return {
        name.removeprefix(f"{sheet}-"): [tuple(each) for each in nodes]
        for name, nodes in _kept("places.json").items()
        if name.startswith(f"{sheet}-")
    }


def _picture(sheet: str, name: str) -> bytes:
    return (HERE / f"{sheet}-{name}.png").read_bytes()


def _changed(sheet: str, seen: Look, scenes: list[str]) -> dict[str, int]:
    """Return of which scenes the pictures are others, and by how many pixels."""
    far_off = {
        name: far(_picture(sheet, name), seen.pictures[name], levels=LEVELS) for name in scenes
    }
    return {name: pixels for name, pixels in far_off.items() if pixels > FEW}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Jupyter]:
    """Serve a Jupyter of its own for a test."""
    with jupyter(tmp_path, *EXPOSED) as running:
        yield running


@pytest.fixture
def alike(playwright: Playwright) -> Iterator[Browser]:
    """Start a Chromium that draws as alike as it can everywhere."""
    with drawing(playwright) as browser:
        yield browser


@pytest.mark.parametrize("sheet", SHEETS)
def test_it_looks_as_it_did(sheet: str, server: Jupyter, alike: Browser, tmp_path: Path) -> None:
    """Each node is where it was; each pixel, too, where this Chromium draws as the one of then."""
    seen = look(alike, server, sheet)
    kept = _places(sheet)
    assert set(seen.places) == set(kept)
    wrong = {
        name: found
        for name, before in kept.items()
        if (found := moved(before, seen.places[name], pixels=PIXELS))
    }
    assert wrong == {}
    drawn = _kept("drawing.json")
    if drawn[sheet] != seen.drawing:
        pytest.skip(
            f"every node is where it was; no pixel was compared, for Chromium {alike.version} or "
            f"this Jupyter's theme draws otherwise than Chromium {drawn['chromium']} did"
        )
    changed = _changed(sheet, seen, list(kept))
    for name in changed:
        (tmp_path / f"{sheet}-{name}.png").write_bytes(seen.pictures[name])
    assert changed == {}, f"as it looks now: {tmp_path}"


def test_a_changed_style_is_noticed(server: Jupyter, alike: Browser) -> None:
    """A step of the grid to the side is seen by places, another colour by pixels alone."""
    sheet, scene = "light-lab", "state-synced"
    before = look(alike, server, sheet, only=scene)
    aside = look(alike, server, sheet, only=scene, style=SHIFTED)
    assert moved(before.places[scene], aside.places[scene], pixels=PIXELS)
    tinted = look(alike, server, sheet, only=scene, style=TINTED)
    assert not moved(before.places[scene], tinted.places[scene], pixels=PIXELS)
    assert far(before.pictures[scene], tinted.pictures[scene], levels=LEVELS) > FEW
    assert far(before.pictures[scene], aside.pictures[scene], levels=LEVELS) > FEW
