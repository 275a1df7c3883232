"""How our nodes look, to be compared with how they looked: `python -m tests.e2e.references FOLDER`.

Each scene is one node of ours, on a page whose server tells what we want, at a time of its own, in
letters of its own. Of each, a picture is taken, and the place of every node in it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo

from PIL import Image, ImageChops
from playwright.sync_api import Browser, Locator, Page, Playwright, sync_playwright

from tests.e2e.jupyter_page import CHROMIUM, Jupyter, jupyter, new_context, open_page, set_theme
from tests.e2e.pictures import PAGES, Scene
from tests.e2e.test_browser import EXPOSED
from tests.e2e.told import states

HERE: Final = Path(__file__).parent / "reference"
SHEETS: Final = ("light-lab", "dark-lab", "light-notebook", "dark-notebook")
NOW: Final = datetime(2026, 11, 30, 14, 5, tzinfo=ZoneInfo("Europe/Zurich")).timestamp()
_BAR: Final = (
    "unknown", "not_connected", "waiting", "syncing", "synced", "failed_files", "admin", "offline",
    "paused",
)  # fmt: skip
_PANEL: Final = ("not_connected", "syncing", "synced", "failed_files", "held", "reconnect", "admin")
_LAUNCH: Final = ["--font-render-hinting=none", "--disable-lcd-text", "--force-color-profile=srgb"]
"""What a machine settles otherwise: how letters meet the pixels, and what a colour is."""

_LETTERS: Final = """
@font-face {{ font-family: reference; font-weight: 400; src: url(data:font/woff2;base64,{plain}); }}
@font-face {{ font-family: reference; font-weight: 600; src: url(data:font/woff2;base64,{bold}); }}
:root {{ --jp-ui-font-family: reference !important; }}
.jp-DriveSync-side {{ width: 280px; min-width: 280px; max-width: 280px; }}
"""
_LOADED: Final = """() => Promise.all(
  ['400 13px reference', '600 13px reference'].map(font => document.fonts.load(font))
)"""
_WHOLE_PIXELS: Final = """node => {
  node.style.translate = '';
  const { x, y } = node.getBoundingClientRect();
  node.style.translate = `${Math.round(x) - x}px ${Math.round(y) - y}px`;
}"""
_PLACES: Final = """top => {
  const from = top.getBoundingClientRect();
  const round = number => Math.round(number * 10) / 10;
  return [top, ...top.querySelectorAll('*')]
    .filter(node => !(node.ownerSVGElement) && node.getClientRects().length)
    .map(node => {
      const { x, y, width, height } = node.getBoundingClientRect();
      const classes = [...node.classList].filter(each => each.startsWith('jp-'));
      const name = [node.tagName.toLowerCase(), ...classes].join('.');
      return [name, round(x - from.x), round(y - from.y), round(width), round(height)];
    });
}"""
_PROBE: Final = """ground => {
  const colours = ['layout-color0', 'layout-color1', 'layout-color2', 'layout-color3',
    'ui-font-color1', 'ui-font-color2', 'ui-inverse-font-color1', 'border-color1', 'border-color2',
    'brand-color1', 'warn-color0', 'error-color1', 'success-color1', 'accept-color-normal',
    'content-link-color'];
  const probe = document.createElement('div');
  probe.id = 'drive-sync-probe';
  const behind = getComputedStyle(document.querySelector(ground)).backgroundColor;
  probe.style.cssText = `position: fixed; inset: 0 auto auto 0; width: 320px; z-index: 100000;
    background: linear-gradient(${behind}, ${behind}), white;
    color: var(--jp-ui-font-color1); font-family: reference`;
  probe.innerHTML = [0, 1, 2, 3].map(size =>
    `<p style="margin: 0; font-size: var(--jp-ui-font-size${size})">Hamburgefonstiv 0123456789
      <b style="font-weight: 600">Hamburgefonstiv</b></p>`).join('')
    + colours.map(name => `<i style="display: inline-block; width: 20px; height: 8px;
      background: var(--jp-${name})"></i>`).join('')
    + '<svg width="24" height="24"><circle cx="12" cy="12" r="9" fill="none"'
    + ' stroke="currentcolor"/></svg>'
    + '<i style="display: inline-block; width: 40px; height: 20px; border: 1px solid;'
    + ' border-radius: 3px"></i>';
  (document.querySelector('dialog[open]') ?? document.body).append(probe);
}"""
_VERSION: Final = (
    "() => JSON.parse(document.getElementById('jupyter-config-data').textContent).appVersion"
)
_GROUNDS: Final = {"lab": "#jp-main-statusbar", "notebook": ".jp-NotebookPanel-toolbar"}
Place = tuple[str, float, float, float, float]
"""A node's name, and left, top, width, height in its picture, in pixels."""


@dataclass
class Look:
    """How the scenes of a page look.

    Attributes:
        pictures: as PNG, by the scene's name.
        places: of the nodes, by the scene's name.
        drawing: a digest of what Chromium and this Jupyter make of letters, edges and colours.
    """

    pictures: dict[str, bytes] = field(default_factory=dict)
    places: dict[str, list[Place]] = field(default_factory=dict)
    drawing: str = ""

    def keep(self, name: str, node: Locator) -> None:
        """Keep how a node looks."""
        node.evaluate(_WHOLE_PIXELS)
        self.pictures[name] = node.screenshot(animations="disabled", caret="hide")
        self.places[name] = [tuple(each) for each in node.evaluate(_PLACES)]


@contextlib.contextmanager
def drawing(playwright: Playwright) -> Iterator[Browser]:
    """Start a Chromium that draws as alike as it can everywhere."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_LAUNCH)
    try:
        yield browser
    finally:
        browser.close()


def _pixels(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture)).convert("RGB")


def far(before: bytes, after: bytes, *, levels: int) -> int:
    """Count the pixels of which a colour differs by more than so many of its 256 levels.

    Two pictures of different size differ in every pixel.
    """
    old, new = _pixels(before), _pixels(after)
    if old.size != new.size:
        return max(old.width * old.height, new.width * new.height)
    bands = ImageChops.difference(old, new).split()
    worst = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    return sum(worst.histogram()[levels + 1 :])


def moved(before: list[Place], after: list[Place], *, pixels: float) -> list[str]:
    """Say which nodes came, went, or stand elsewhere or are larger by more than so many pixels."""
    if [each[0] for each in before] != [each[0] for each in after]:
        names = [each[0] for each in before], [each[0] for each in after]
        return [f"other nodes: {names[0]}, now {names[1]}"]
    return [
        f"{old[0]}: {old[1:]}, now {new[1:]}"
        for old, new in zip(before, after, strict=True)
        if any(abs(was - now) > pixels for was, now in zip(old[1:], new[1:], strict=True))
    ]


def _digest(page: Page, app: str) -> str:
    page.evaluate(_PROBE, _GROUNDS[app])
    probe = page.locator("#drive-sync-probe")
    picture = _pixels(probe.screenshot(animations="disabled"))
    probe.evaluate("node => node.remove()")
    # Its own styles reach our nodes too: buttons have other corners in 4.2.
    version = page.evaluate(_VERSION).rsplit(".", 1)[0]
    return hashlib.sha256(f"{version} {picture.size}".encode() + picture.tobytes()).hexdigest()[:16]


def look(browser: Browser, server: Jupyter, sheet: str, *, style: str = "", only: str = "") -> Look:
    """See how the scenes of a page look.

    Args:
        browser: of :func:`drawing`.
        server: whose pages they are.
        sheet: one of :data:`SHEETS`.
        style: sheet of styles beside ours: what a change of them would do.
        only: the one scene that is wanted; ``""``: all.
    """
    shade, app = sheet.split("-")
    dark = shade == "dark"
    set_theme(server, dark=dark)
    found = Look()
    with contextlib.closing(new_context(browser, dark=dark)) as context:
        page = open_page(context, server, PAGES[app])
        page.emulate_media(reduced_motion="reduce")
        letters = {
            name: base64.b64encode((HERE / f"DejaVuSans{file}.woff2").read_bytes()).decode()
            for name, file in (("plain", ""), ("bold", "-Bold"))
        }
        page.add_style_tag(content=_LETTERS.format(**letters) + style)
        page.evaluate(_LOADED)
        page.clock.set_fixed_time(NOW)
        scene = Scene(page, NOW)
        scene.tell("synced")
        found.drawing = _digest(page, app)
        for name, show in _scenes(scene, app):
            if only in ("", name):
                found.keep(name, show())
                scene.close()
    return found


def _scenes(scene: Scene, app: str) -> Iterator[tuple[str, Callable[[], Locator]]]:
    """Return what is looked at on a page: its name, and what brings it about."""
    told = states(NOW)
    page = scene.page

    def state(name: str) -> Locator:
        scene.tell(name, **told[name])
        scene.details()
        return page.locator(".jp-DriveSync-panel .jp-DriveSync-state")

    def bar(name: str) -> Locator:
        scene.tell(name, **told[name])
        inside = ".jp-NotebookPanel-toolbar .jp-DriveSync-stateButton"
        return page.locator(".jp-DriveSync-statusItem" if app == "lab" else inside)

    def dialog(name: str, command: str) -> Locator:
        scene.tell(name, **told[name])
        scene.open(command)
        return scene.dialog

    def review() -> Locator:
        state("held")
        scene.panel.get_by_role("button", name="Review").click()
        page.mouse.move(0, 0)
        scene.rest()
        return scene.dialog

    for name in _BAR:
        yield f"bar-{name}", lambda name=name: bar(name)
    for name in _PANEL:
        yield f"state-{name}", lambda name=name: state(name)
    if app == "lab":
        yield "preview", lambda: dialog("not_connected", "drive-sync:authorize")
        yield "review", review
        yield "disconnect", lambda: dialog("synced", "drive-sync:disconnect")


def main(folder: Path) -> None:
    """Take all of them anew."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    looks: dict[str, Look] = {}
    with (
        TemporaryDirectory() as base,
        jupyter(Path(base), *EXPOSED) as server,
        sync_playwright() as playwright,
        drawing(playwright) as browser,
    ):
        for sheet in SHEETS:
            looks[sheet] = look(browser, server, sheet)
        version = browser.version
    for sheet, each in looks.items():
        for name, picture in each.pictures.items():
            _pixels(picture).save(folder / f"{sheet}-{name}.png", optimize=True)
    drawn = {"chromium": version, **{sheet: each.drawing for sheet, each in looks.items()}}
    (folder / "drawing.json").write_text(json.dumps(drawn, indent=1) + "\n")
    places = {
        f"{sheet}-{name}": nodes
        for sheet, each in looks.items()
        for name, nodes in each.places.items()
    }
    lines = ",\n".join(
        f" {json.dumps(name)}: [\n" + ",\n".join(f"  {json.dumps(each)}" for each in nodes) + "\n ]"
        for name, nodes in places.items()
    )
    (folder / "places.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
