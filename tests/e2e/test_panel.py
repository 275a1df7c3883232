"""The panel as a person uses it, in JupyterLab and Notebook 7, against LocalDrive."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from jupyter_drive_sync.demo.proof import mirrored
from tests.e2e.jupyter_page import (
    ACCOUNT,
    Jupyter,
    answer,
    audit,
    jupyter,
    open_page,
    shows,
)
from tests.e2e.on_drive import edit_on_drive

NOTEBOOK: Final = "/notebooks/data8/lab1/Lab1.ipynb"
LAB: Final = "/lab"
_OVER: Final = """side => {
  const right = side.getBoundingClientRect().right;
  return [...side.querySelectorAll('*')]
    .filter(node => node.getBoundingClientRect().right > right + 0.5)
    .filter(node => !node.closest('.jp-DriveSync-tail'))
    .map(node => node.outerHTML.slice(0, 200));
}"""
SCROLL: Final = """async list => {
  const frame = () => new Promise(done => requestAnimationFrame(done));
  const took = [];
  let most = 0;
  for (let step = 1; step <= 40; step += 1) {
    const begin = performance.now();
    list.scrollTop = step * 6000;
    await frame();
    await frame();
    took.push(performance.now() - begin);
    most = Math.max(most, list.querySelectorAll('[role=listitem]').length);
  }
  return { median: took.sort((a, b) => a - b)[20], most };
}"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Jupyter]:
    """Serve a Jupyter of its own for a test."""
    with jupyter(tmp_path) as running:
        yield running


class Panel:
    """The panel of a page that is connected."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.node = page.locator(".jp-DriveSync-panel")
        self.dialog = page.locator(".jp-DriveSync-dialog")

    def part(self, name: str) -> Locator:
        """Open a part, and return it."""
        part = self.node.locator(f"[data-name={name}]")
        head = part.locator(".jp-DriveSync-section-head")
        if head.get_attribute("aria-expanded") == "false":
            head.click()
        return part

    def press(self, part: str, button: str) -> None:
        """Press a button in a part."""
        self.part(part).get_by_role("button", name=button).click()

    def sync(self) -> None:
        """Sync, and wait for its end."""
        button = self.part("next").get_by_role("button", name="Sync now")
        expect(button).to_be_enabled()
        with self.page.expect_response("**/drive-sync/api/sync*"):
            button.click()
        expect(self.node.get_by_role("progressbar")).to_have_count(0)
        expect(self.node.locator(".jp-DriveSync-state")).not_to_have_attribute(
            "data-state", "syncing"
        )
        expect(button).to_be_enabled()


def toast(page: Page, text: str) -> Locator:
    """Return our notification of some text: one that goes may still be drawn."""
    return page.locator(".jp-DriveSync-toast").filter(has_text=text)


def connected(window: BrowserContext, server: Jupyter, path: str) -> Panel:
    """Go through consent and the first sync."""
    page = open_page(window, server, path)
    toast(page, "Back up your files").get_by_role("button", name="Authorize Google Drive").click()
    panel = Panel(page)
    with window.expect_page() as consent:
        panel.dialog.get_by_role("button", name="Continue to Google").click()
    answer(consent.value, "Allow")
    consent.value.wait_for_url("**/drive-sync/oauth2callback*")
    consent.value.close()
    shows(page, "synced")
    expect(panel.node.get_by_role("heading", name=re.compile("^Synced "))).to_be_visible()
    return panel


@pytest.mark.parametrize("path", [LAB, NOTEBOOK], ids=["lab", "notebook"])
def test_edits_on_drive(server: Jupyter, window: BrowserContext, path: str) -> None:
    """Newer there: brought here. Replaced: seen, brought back as a copy, opened."""
    panel = connected(window, server, path)
    edit_on_drive(server, "notes.md", b"# Changed on Drive\n")
    panel.sync()
    newer = panel.part("newer")
    expect(newer.locator(".jp-DriveSync-count")).to_have_text("1")
    expect(newer).to_contain_text("your files here were left as they are")
    assert audit(panel.page) == []
    newer.get_by_role("button", name="Bring here").click()
    expect(toast(panel.page, "notes.md: brought back")).to_be_visible()
    assert (server.home / "notes.md").read_text() == "# Changed on Drive\n"

    edit_on_drive(server, "Lab2.ipynb", b"theirs")
    (server.home / "data8/lab2/Lab2.ipynb").write_text("mine")
    panel.sync()
    replaced = panel.part("replaced")
    expect(replaced.locator(".jp-DriveSync-count")).to_have_text("1")
    expect(replaced).to_contain_text("kept for good")
    assert audit(panel.page) == []
    replaced.get_by_role("button", name="Bring back as a copy").click()
    expect(toast(panel.page, "beside what is here")).to_be_visible()
    copies = [file for file in (server.home / "data8/lab2").glob("Lab2 (*") if file.is_file()]
    assert [file.read_text() for file in copies] == ["theirs"]
    assert (server.home / "data8/lab2/Lab2.ipynb").read_text() == "mine"
    with window.expect_page() as opened:
        replaced.get_by_role("button", name="Open on Drive").click()
    expect(opened.value.get_by_text("Lab2.ipynb").first).to_be_visible()
    opened.value.close()
    replaced.get_by_role("button", name="See changes").click()
    expect(panel.dialog).to_be_visible()
    expect(panel.dialog).to_contain_text("Lab2.ipynb")


def test_rules_plan_and_undo(server: Jupyter, window: BrowserContext) -> None:
    """The plan says what the sync then does, it is undone; what is left out is edited."""
    panel = connected(window, server, LAB)
    (server.home / "notes.md").write_text("# Second\n")
    (server.home / "data8/lab1/measured.csv").unlink()
    panel.press("next", "What would it do?")
    steps = panel.dialog.get_by_role("list", name="What would be done")
    expect(steps.get_by_role("listitem").filter(has_text="notes.md")).to_contain_text("update")
    expect(steps.get_by_role("listitem").filter(has_text="measured.csv")).to_contain_text("trash")
    expect(panel.dialog).to_contain_text("requests to Google")
    assert audit(panel.page) == []
    panel.dialog.get_by_role("button", name="Close").last.click()
    assert "data8/lab1/measured.csv" in mirrored(server.ground.drive, ACCOUNT, "home/ann")[0]
    panel.sync()
    assert "data8/lab1/measured.csv" not in mirrored(server.ground.drive, ACCOUNT, "home/ann")[0]
    panel.press("back", "Undo last sync…")
    taken = panel.dialog.get_by_role("list", name="What is taken back")
    expect(taken).to_contain_text("measured.csv")
    expect(taken).to_contain_text("notes.md")
    assert audit(panel.page) == []
    panel.dialog.get_by_role("button", name="Undo on Drive").click()
    expect(panel.dialog).to_contain_text("2 files are back on Drive.")
    assert audit(panel.page) == []
    panel.dialog.get_by_role("button", name="Close").last.click()
    assert "data8/lab1/measured.csv" in mirrored(server.ground.drive, ACCOUNT, "home/ann")[0]
    assert not (server.home / "data8/lab1/measured.csv").exists()

    rules = panel.part("rules")
    expect(rules.get_by_role("listitem").filter(has_text=".cache/")).to_contain_text("1 file")
    rules.get_by_role("button", name="Edit rules…").click()
    panel.dialog.get_by_role("textbox").fill("/data8/lab8/\n*.nothing")
    panel.dialog.get_by_role("button", name="Save").click()
    expect(panel.dialog).to_have_count(0)
    panel.sync()
    # What was copied before it was left out stays on Drive, and is told.
    alone = panel.part("alone")
    expect(alone).to_contain_text("lab8/Lab8.ipynb")
    own = panel.part("rules").get_by_role("listitem").filter(has_text="/data8/lab8/")
    own.get_by_role("button", name="Copy it after all").click()
    expect(own).to_have_count(0)


@pytest.mark.parametrize("path", [LAB, "/tree"], ids=["lab", "notebook"])
def test_bringing_back(server: Jupyter, window: BrowserContext, path: str) -> None:
    """A folder is chosen in the tree, looked at, and is here again as of the last sync."""
    panel = connected(window, server, path)
    lost = server.home / "data8/lab3/Lab3.ipynb"
    text = lost.read_text()
    lost.unlink()
    (server.home / "data8/lab3/measured.csv").write_text("mine")
    panel.press("back", "Bring back files…")
    dialog = panel.dialog
    dialog.get_by_role("radio", name="Chosen folders and files").check()
    dialog.get_by_role("button", name="Open data8").click()
    dialog.get_by_role("checkbox", name="lab3/").check()
    assert audit(panel.page) == []
    dialog.get_by_role("combobox", name="As of").select_option(index=1)
    dialog.get_by_role("button", name="See what comes").click()
    expect(dialog).to_contain_text("2 files come back")
    expect(dialog).to_contain_text("1 of them gets a name beside yours.")
    assert audit(panel.page) == []
    dialog.get_by_role("button", name="Bring back").click()
    expect(dialog).to_contain_text("2 files are here again.")
    assert lost.read_text() == text
    assert (server.home / "data8/lab3/measured.csv").read_text() == "mine"
    dialog.get_by_role("button", name="Close").last.click()
    expect(panel.node.get_by_role("heading", level=2)).to_be_visible()
    history = panel.part("history")
    expect(history.locator(".jp-DriveSync-run")).to_have_count(2)
    history.locator(".jp-DriveSync-run").first.click()
    expect(history.get_by_role("list", name="Files of this sync")).to_contain_text("Lab3.ipynb")
    assert audit(panel.page) == []


@pytest.mark.parametrize("path", [NOTEBOOK, "/tree"], ids=["notebook", "tree"])
def test_from_the_view_menu(server: Jupyter, window: BrowserContext, path: str) -> None:
    """In Notebook 7 the panel is in the View menu, by name, and among the sidebar's panels."""
    page = open_page(window, server, path)
    shows(page, "not_connected")
    page.get_by_role("menuitem", name="View").click()
    page.locator(".lm-Menu-itemLabel", has_text="Left Sidebar").hover()
    entry = page.get_by_role("menuitem", name="Show Google Drive")
    expect(entry).to_be_visible()
    entry.click()
    side = page.get_by_role("region", name="Google Drive")
    expect(side.get_by_role("heading", name="Not connected")).to_be_visible()
    assert audit(page) == []


def test_ten_thousand_rows_on_250_pixels(server: Jupyter, browser: Browser) -> None:
    """All of it has room, scrolls, is walked by keys; nothing moves where that is not wanted."""
    window = browser.new_context(
        viewport={"width": 1000, "height": 700}, reduced_motion="reduce", locale="en-GB"
    )
    window.set_default_timeout(90_000)
    page = open_page(window, server, LAB)
    page.route("**/drive-sync/api/**", many)
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    page.locator(".jp-DriveSync-statusButton").click()
    panel = Panel(page)
    files = panel.node.get_by_role("list", name="Files of this sync")
    expect(files.get_by_role("listitem").first).to_contain_text("file 0.csv")
    side = page.locator(".jp-DriveSync-side")
    side.evaluate("node => { node.style.width = '250px'; node.style.maxWidth = '250px'; }")
    for name in ("replaced", "newer", "alone", "rules", "back", "history"):
        panel.part(name)
    assert side.evaluate(_OVER) == []
    assert audit(page) == []
    found = files.evaluate(SCROLL)
    assert found["most"] < 80
    assert found["median"] < 100  # milliseconds for two frames, on a busy machine
    files.get_by_role("listitem").last.focus()
    page.keyboard.press("End")
    expect(files.locator("[aria-posinset='10000']")).to_be_focused()
    expect(files.locator("[aria-posinset='10000']")).to_contain_text("file 9999.csv")
    motion = page.evaluate(
        "() => [...document.querySelectorAll('.jp-DriveSync-side *')]"
        ".filter(node => getComputedStyle(node).transitionDuration !== '0s').length"
    )
    assert motion == 0
    window.close()


def many(route: Route) -> None:
    """Answer as a server whose last sync was of ten thousand files."""
    path, _, query = route.request.url.partition("?")
    route_name = path.rsplit("/drive-sync/api/", 1)[1]
    offset = int(found[1]) if (found := re.search(r"offset=(\d+)", query)) else 0
    rows = [
        {
            "path": f"a folder of a very long name/another one/file {number}.csv",
            "outcome": "updated", "reason": "", "code": "", "params": {}, "size": 70_000,
        }
        for number in range(offset, offset + 500)
    ]  # fmt: skip
    run = {
        "id": 7, "job": "j", "started": 1_795_219_400.0, "ended": 1_795_219_444.0,
        "outcome": "completed", "counters": {"updated": 10_000, "left_out": 12}, "problem": None,
        "verified": False,
    }  # fmt: skip
    known: dict[str, Any] = {
        "history/7/files": {"files": rows, "total": 10_000, "offset": offset},
        "history": {"runs": [run], "total": 1, "offset": 0},
    }
    if route_name == "status":
        reply = route.fetch()
        told = reply.json()
        told.update(
            seq=told["seq"] + 1, state="synced", status="completed", connected=True, ask=False,
            last_sync=1_795_219_444.0, job="j", drive_folder="home/ann", holds=[], problem=None,
            account={"email": "a.very.long.name.of.somebody@department.example.edu", "name": ""},
            next_run=1_795_306_000.0, link="https://drive.google.com/drive/folders/abc",
        )  # fmt: skip
        route.fulfill(response=reply, json=told)
    elif route_name in known:
        route.fulfill(body=json.dumps(known[route_name]), content_type="application/json")
    else:
        route.continue_()
