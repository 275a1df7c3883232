"""The main job as a student meets it, in JupyterLab and Notebook 7, against LocalDrive."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from jupyter_drive_sync.demo.proof import compare, expected, mirrored
from jupyter_drive_sync.localdrive.faults import Fault
from tests.e2e.jupyter_page import ACCOUNT, Jupyter, answer, jupyter, new_context, open_page

NOTEBOOK = "/notebooks/data8/lab1/Lab1.ipynb"
LAB_NOTEBOOK = "/lab/tree/data8/lab1/Lab1.ipynb"
_LEFT_OUT = frozenset({".cache", ".npm", ".ipython", "data8/lab1/.ipynb_checkpoints"})
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Jupyter]:
    """Serve a Jupyter of its own for a test."""
    with jupyter(tmp_path) as running:
        yield running


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    """Open a window of its own for a test."""
    context = new_context(browser)
    yield context
    context.close()


def _shows(page: Page, state: str, *, seconds: float = 30) -> None:
    """Wait until the button of the page shows a state."""
    button = page.locator(".jp-DriveSync-stateButton").first
    expect(button).to_have_attribute("data-state", state, timeout=seconds * 1000)


def _connect(page: Page) -> None:
    """Go from the question to the first sync."""
    page.get_by_role("button", name="Authorize Google Drive").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("My Drive/home/ann")
    with page.context.expect_page() as consent:
        dialog.get_by_role("button", name="Continue to Google").click()
    expect(page.get_by_role("heading", name="Waiting for Google")).to_be_visible()
    answer(consent.value, "Allow")
    expect(consent.value.get_by_role("heading")).to_contain_text("You can close this tab")
    consent.value.close()
    _shows(page, "synced", seconds=60)


def _axe(page: Page) -> list[str]:
    """Return what axe finds in our nodes."""
    found = []
    for selector in (
        ".jp-DriveSync-dialog",
        ".jp-DriveSync-stateButton",
        ".jp-DriveSync-statusItem",
    ):
        if page.locator(selector).count() == 0:
            continue
        options = {"runOnly": {"type": "tag", "values": _TAGS}}
        report = Axe().run(page, context=selector, options=options).response
        found += [
            f"{selector}: {each['id']}: {node['html']} {node['failureSummary']}"
            for each in report["violations"]
            for node in each["nodes"]
        ]
    return found


def _edit(server: Jupyter, text: str) -> None:
    (server.home / "notes.md").write_text(text)


def _same_on_drive(server: Jupyter) -> None:
    """Compare home and LocalDrive, byte by byte."""
    here = expected(server.home, _LEFT_OUT)
    there, twins = mirrored(server.ground.drive, ACCOUNT, "home/ann")
    found = compare(here, there, twins)
    assert not found.missing
    assert not found.different


@pytest.mark.parametrize("path", [LAB_NOTEBOOK, NOTEBOOK], ids=["lab", "notebook"])
def test_from_the_prompt_to_disconnect(server: Jupyter, window: BrowserContext, path: str) -> None:
    """Prompt, consent, first sync, edit, Sync now, a failure mended, a hold released, the end."""
    page = open_page(window, server, path)
    expect(page.get_by_text("Back up your files to your own Google Drive?")).to_be_visible()
    _connect(page)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=re.compile("^Synced "))).to_be_visible()
    expect(dialog).to_contain_text("left out")
    assert _axe(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    # An edit, and Sync now: the notebook is saved first.
    button = page.locator(".jp-NotebookPanel-toolbar .jp-DriveSync-stateButton")
    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.keyboard.press("b")
    button.click()
    expect(button).to_have_attribute("data-state", "syncing", timeout=1_000)
    expect(page.get_by_text("Lab1.ipynb is on your Drive.")).to_be_visible()
    _shows(page, "synced")
    assert _axe(page) == []

    # A failure is shown with its reason and what it means, and goes when it is mended.
    server.ground.drive.faults.add(Fault("storage", endpoint="files.update"))
    _edit(server, "# Notes, changed\n")
    button.click()
    _shows(page, "needs_you", seconds=60)
    expect(button).to_have_attribute("aria-label", re.compile("no space left"))
    expect(page.get_by_role("alert").get_by_text("what is on Drive is safe")).to_be_visible()
    server.ground.drive.faults.clear()
    button.click()
    expect(dialog.get_by_role("heading", name="No space left")).to_be_visible()
    assert _axe(page) == []
    dialog.get_by_role("button", name="Sync now").click()
    _shows(page, "synced", seconds=60)
    page.keyboard.press("Escape")
    _same_on_drive(server)

    # Deletions wait for an answer; the answer that takes something away has two steps.
    for lab in (2, 3, 4):
        shutil.rmtree(server.home / f"data8/lab{lab}")
    button.click()
    _shows(page, "needs_you")
    expect(button).to_have_attribute("aria-label", re.compile("6 deletions need your OK"))
    button.click()
    expect(dialog).to_contain_text("nothing was removed on Drive")
    expect(dialog.get_by_role("button", name="Keep on Drive only")).to_be_focused()
    assert _axe(page) == []
    dialog.get_by_role("checkbox").first.uncheck()
    dialog.get_by_role("button", name="Move 4 files to Drive's trash").click()
    expect(dialog).to_contain_text("30 days")
    dialog.get_by_role("button", name="Move 4 files to Drive's trash").click()
    expect(button).to_have_attribute(
        "aria-label", re.compile("2 deletions need your OK"), timeout=30_000
    )
    dialog.get_by_role("button", name="Review").click()
    dialog.get_by_role("button", name="Keep on Drive only").click()
    _shows(page, "synced")

    # The end: said what stays, nobody is asked again, the files stay.
    dialog.get_by_role("button", name="Disconnect…").click()
    expect(dialog).to_contain_text(f"Stop backing up to {ACCOUNT}?")
    expect(dialog).to_contain_text("nothing is deleted")
    assert _axe(page) == []
    dialog.get_by_role("button", name="Disconnect", exact=True).click()
    _shows(page, "not_connected")
    expect(dialog).to_have_count(0)
    assert "data8/lab1/Lab1.ipynb" in mirrored(server.ground.drive, ACCOUNT, "home/ann")[0]


def test_a_no_at_google_is_told(server: Jupyter, window: BrowserContext) -> None:
    """Who says no at Google reads so on both sides, and nothing was changed."""
    page = open_page(window, server, "/tree")
    page.locator(".jp-DriveSync-stateButton").click()
    dialog = page.get_by_role("dialog")
    with window.expect_page() as consent:
        dialog.get_by_role("button", name="Continue to Google").click()
    answer(consent.value, "Cancel")
    consent.value.wait_for_load_state()
    expect(dialog.get_by_role("alert")).to_contain_text("Nothing was changed")
    page.bring_to_front()
    expect(dialog.get_by_role("button", name="Try again")).to_be_focused()
    _shows(page, "not_connected")


def test_a_refusal_is_kept(server: Jupyter, window: BrowserContext) -> None:
    """Not now is Not now: in this tab, in the next one, after a reload."""
    page = open_page(window, server, "/lab")
    question = page.get_by_text("Back up your files to your own Google Drive?")
    expect(question).to_be_visible()
    page.get_by_role("button", name="Don't ask again").click()
    expect(page.get_by_text("You will not be asked again.")).to_be_visible()
    page.reload()
    _shows(page, "not_connected")
    other = open_page(window, server, "/tree")
    _shows(other, "not_connected")
    other.wait_for_timeout(4_000)
    expect(question).to_have_count(0)
    expect(other.get_by_text("Back up your files to your own Google Drive?")).to_have_count(0)


def test_one_tab_asks_and_two_tabs_agree(server: Jupyter, window: BrowserContext) -> None:
    """The question stands in one tab; what one tab does, the other one shows."""
    first = open_page(window, server, "/lab")
    question = "Back up your files to your own Google Drive?"
    expect(first.get_by_text(question)).to_be_visible()
    second = open_page(window, server, NOTEBOOK)
    second.wait_for_timeout(4_000)
    expect(second.get_by_text(question)).to_have_count(0)
    first.bring_to_front()
    _connect(first)
    _shows(second, "synced")
    _edit(server, "# Two tabs\n")
    second.bring_to_front()
    second.locator(".jp-NotebookPanel-toolbar .jp-DriveSync-stateButton").click()
    first.keyboard.press("Escape")
    ended = re.compile(r"(is|are) on your Drive\.")
    expect(second.get_by_text(ended)).to_be_visible()
    expect(first.get_by_text(ended)).to_have_count(0)
    _shows(first, "synced")


def test_a_lost_server_is_not_called_synced(
    server: Jupyter, window: BrowserContext, tmp_path: Path
) -> None:
    """While the server is away nothing is known; no dialog, no toast of ours; then all is back."""
    page = open_page(window, server, NOTEBOOK)
    _connect(page)
    page.keyboard.press("Escape")
    page.route("**/drive-sync/api/**", lambda route: route.abort())
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    _shows(page, "unknown", seconds=10)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.unroute("**/drive-sync/api/**")
    _shows(page, "synced", seconds=10)


def test_the_dark_theme_and_the_keyboard(browser: Browser, server: Jupyter) -> None:
    """In the dark all is legible, and all is reached by the keyboard alone."""
    overrides = server.home.parent.parent / "settings" / "@jupyterlab" / "apputils-extension"
    (overrides / "themes.jupyterlab-settings").write_text('{"theme": "JupyterLab Dark"}')
    window = new_context(browser, dark=True)
    page = open_page(window, server, "/lab")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    button = page.locator(".jp-DriveSync-statusButton")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Not connected")).to_be_visible()
    assert _axe(page) == []
    dialog.get_by_role("button", name="Authorize Google Drive").focus()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Continue to Google")).to_be_focused()
    assert _axe(page) == []
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    window.close()
