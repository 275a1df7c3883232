"""Marks, menu, versions and settings by the keyboard alone, and where there is little room."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.jupyter_page import Jupyter, audit, jupyter, open_page
from tests.e2e.test_browser import EXPOSED, connect, mark, refresh, row, run, sync

_OVER: Final = """node => {
  const right = node.getBoundingClientRect().right;
  const cut = each => {
    const { overflowX } = getComputedStyle(each);
    return overflowX !== 'visible' || (each.parentElement !== node && cut(each.parentElement));
  };
  return [...node.querySelectorAll('*')]
    .filter(each => each.getBoundingClientRect().right > right + 0.5 && !cut(each))
    .map(each => each.outerHTML.slice(0, 200));
}"""
"""What stands out of its box at the right, where nothing lets it scroll."""
_NARROW: Final = """node => {
  node.style.width = '250px'; node.style.minWidth = '250px'; node.style.maxWidth = '250px';
}"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Jupyter]:
    """Serve a Jupyter whose home is connected."""
    with jupyter(tmp_path, *EXPOSED) as running:
        connect(running)
        yield running


def _menu(page: Page, name: str, entry: str) -> None:
    """Choose an entry of our menu of a row, by keys alone."""
    _select(page, name)
    page.keyboard.press("Shift+F10")
    entries = page.locator(".lm-Menu").first
    expect(entries).to_be_visible()
    active = page.locator(".lm-Menu-item.lm-mod-active .lm-Menu-itemLabel")
    _walk(page, active, "Google Drive")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".lm-Menu")).to_have_count(2)
    _walk(page, active, entry)
    page.keyboard.press("Enter")


def _select(page: Page, name: str) -> None:
    """Go to a row as a person does, whom the arrows bring from row to row."""
    wanted = row(page, name)
    rows = page.locator(".jp-DirListing-item")
    rows.first.locator(".jp-DirListing-itemText").focus()
    for key in ["ArrowUp"] * rows.count() + ["ArrowDown"] * rows.count():
        if "jp-mod-selected" in (wanted.get_attribute("class") or ""):
            break
        page.keyboard.press(key)
        page.evaluate("() => new Promise(done => requestAnimationFrame(done))")
    expect(wanted).to_have_class(re.compile("jp-mod-selected"))


def _walk(page: Page, active: Locator, wanted: str) -> None:
    for _ in range(40):
        if active.count() and active.last.inner_text().strip() == wanted:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{wanted} is not reached by the arrows")


def _tab_to(page: Page, wanted: Locator, *, most: int = 20) -> None:
    for _ in range(most):
        if wanted.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    expect(wanted).to_be_focused()


@pytest.mark.parametrize("path", ["/lab", "/tree"], ids=["lab", "notebook"])
def test_menu_and_versions(server: Jupyter, window: BrowserContext, path: str) -> None:
    """From a row to its menu, to its versions, to a copy of one, and back to where one was."""
    notes = server.home / "notes.md"
    page = open_page(window, server, path)
    sync(page)
    notes.write_text("# Notes, second\n")
    sync(page)
    notes.write_text("# Notes, third\n")
    refresh(page)
    mark(page, "notes.md", "waiting")
    described = row(page, "notes.md").locator(".jp-DirListing-itemText")
    expect(described).to_have_attribute("aria-description", re.compile("waits for the next sync"))

    _menu(page, "notes.md", "Versions…")
    dialog = page.locator(".jp-DriveSync-dialog")
    radios = dialog.get_by_role("radio")
    expect(radios).to_have_count(2)
    assert dialog.evaluate("node => node.contains(document.activeElement)")
    _tab_to(page, radios.nth(1))
    page.keyboard.press("ArrowUp")
    expect(radios.first).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(radios.nth(1)).to_be_checked()
    _tab_to(page, dialog.get_by_role("button", name="See changes"))
    page.keyboard.press("Enter")
    expect(dialog.locator(".jp-DriveSync-difference")).to_be_visible()
    assert audit(page) == []
    _tab_to(page, dialog.get_by_role("button", name="Bring back as a copy"))
    page.keyboard.press("Enter")
    expect(dialog.locator(".jp-DriveSync-told")).to_contain_text("The copy is here")
    assert [copy.read_text() for copy in server.home.glob("notes (from*.md")] == ["# Notes\n"]
    # What takes something away asks first, and the safe answer has the focus.
    _tab_to(page, dialog.get_by_role("button", name="Put back in place"))
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Put back in place")).to_be_visible()

    page.set_viewport_size({"width": 320, "height": 640})
    assert dialog.evaluate(_OVER) == []
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320
    assert audit(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert page.evaluate("() => document.activeElement !== document.body")
    page.set_viewport_size({"width": 1280, "height": 800})

    _menu(page, "data8", "Exclude")
    mark(page, "data8", "left_out")
    _menu(page, "data8", "Include")
    mark(page, "data8", None)
    assert notes.read_text() == "# Notes, third\n"


def test_marks_in_250_pixels(server: Jupyter, window: BrowserContext) -> None:
    """A mark lies on the icon, beside the name, and takes no room from it."""
    page = open_page(window, server, "/lab")
    sync(page)
    names = row(page, "notes.md").locator(".jp-DirListing-itemText")
    browser = page.locator("#filebrowser")
    browser.evaluate(_NARROW)
    before = names.bounding_box()
    (server.home / "notes.md").write_text("# Notes, changed\n")
    refresh(page)
    mark(page, "notes.md", "waiting")
    after = names.bounding_box()
    assert before is not None
    assert after is not None
    assert (before["x"], before["y"], before["height"]) == (after["x"], after["y"], after["height"])
    assert browser.locator(".jp-DriveSync-stateButton").evaluate(
        "node => node.getBoundingClientRect().right"
    ) <= browser.evaluate("node => node.getBoundingClientRect().right")
    assert audit(page) == []


def test_settings(server: Jupyter, window: BrowserContext) -> None:
    """Each field is reached and set by keys, its refusal is read out, and all of it has room."""
    page = open_page(window, server, "/lab")
    sync(page)
    run(page, "settingeditor:open", query="Google Drive")
    form = page.locator(".jp-DriveSync-settings").first
    expect(form.get_by_text("Now: every night at 03:00.")).to_be_visible()
    often = form.get_by_label("How often")
    often.focus()
    page.keyboard.press("ArrowDown")
    expect(form.get_by_text("Now: Monday to Friday at 03:00.")).to_be_visible()
    for label in ("Time zone", "Left out", "Largest file, in GB"):
        _tab_to(page, form.get_by_label(label))
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type({"Time zone": "Mars", "Left out": "/data8/"}.get(label, "0.5"))
    page.keyboard.press("Tab")
    refused = form.get_by_role("alert")
    expect(refused).to_contain_text("There is no such time zone.")
    expect(form.get_by_label("Time zone")).to_have_attribute("aria-invalid", "true")
    mark(page, "data8", "left_out")
    state = Path(server.environment["XDG_STATE_HOME"]) / "jupyter-drive-sync"
    page.wait_for_load_state("networkidle")
    kept = json.loads((state / "settings.json").read_text())
    assert kept["schedule"] == "0 3 * * 1-5"
    assert kept["max_file_size"] == 500_000_000
    assert kept["excludes"] == ["/data8/"]
    form.evaluate(_NARROW)
    assert form.evaluate(_OVER) == []
    assert audit(page) == []
