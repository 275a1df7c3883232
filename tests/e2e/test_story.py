"""The main job as a student meets it, in JupyterLab and Notebook 7, against LocalDrive."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from jupyter_drive_sync.demo.proof import compare, expected, mirrored
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.e2e.jupyter_page import (
    ACCOUNT,
    Jupyter,
    answer,
    audit,
    jupyter,
    new_context,
    open_page,
    set_theme,
    shows,
)

NOTEBOOK = "/notebooks/data8/lab1/Lab1.ipynb"
LAB_NOTEBOOK = "/lab/tree/data8/lab1/Lab1.ipynb"
QUESTION = "Back up your files to your own Google Drive?"
_LEFT_OUT = frozenset({".cache", ".npm", ".ipython", "data8/lab1/.ipynb_checkpoints"})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Jupyter]:
    """Serve a Jupyter of its own for a test."""
    with jupyter(tmp_path) as running:
        yield running


def _dialog(page: Page) -> Locator:
    return page.locator(".jp-DriveSync-dialog")


def _panel(page: Page) -> Locator:
    return page.locator(".jp-DriveSync-panel")


def _toast(page: Page, text: str | re.Pattern[str] = "") -> Locator:
    """Return our notifications, or that of some text: one that goes may still be drawn."""
    return page.locator(".jp-DriveSync-toast").filter(has_text=text)


def _consent(page: Page, decision: str) -> None:
    """Go from the preview to Google's page, answer there, and come back."""
    dialog = _dialog(page)
    expect(dialog).to_contain_text("My Drive/home/ann")
    assert audit(page) == []
    with page.context.expect_page() as consent:
        dialog.get_by_role("button", name="Continue to Google").click()
    expect(dialog.get_by_role("heading", name="Waiting for Google")).to_be_visible()
    answer(consent.value, decision)
    consent.value.wait_for_url("**/drive-sync/oauth2callback*")
    expect(consent.value.get_by_role("heading")).to_be_visible()
    consent.value.close()


def _connect(page: Page) -> None:
    """Go from the question to the first sync."""
    _toast(page).get_by_role("button", name="Authorize Google Drive").click()
    _consent(page, "Allow")
    shows(page, "synced")


def _same_on_drive(server: Jupyter) -> None:
    """Compare home and LocalDrive, byte by byte."""
    here = expected(server.home, _LEFT_OUT)
    there, twins = mirrored(server.ground.drive, ACCOUNT, "home/ann")
    found = compare(here, there, twins)
    assert not found.missing
    assert not found.different


def _browse(page: Page) -> None:
    """Show the file browser again where the panel took its place, and its button with it."""
    browser = page.locator(".jp-SideBar li[data-id=filebrowser]")
    if browser.count():
        browser.click()


def _edit(server: Jupyter, text: str) -> None:
    (server.home / "notes.md").write_text(text)


@pytest.mark.parametrize("path", [LAB_NOTEBOOK, NOTEBOOK], ids=["lab", "notebook"])
def test_from_the_prompt_to_disconnect(server: Jupyter, window: BrowserContext, path: str) -> None:
    """Prompt, consent, first sync, edit, Sync now, a failure mended, a hold released, the end."""
    page = open_page(window, server, path)
    expect(_toast(page, QUESTION)).to_be_visible()
    assert audit(page) == []
    _connect(page)
    dialog, panel = _dialog(page), _panel(page)
    expect(dialog).to_have_count(0)
    expect(panel.get_by_role("heading", name=re.compile("^Synced "))).to_be_visible()
    expect(panel).to_contain_text("left out")
    expect(panel.get_by_role("meter")).to_be_visible()
    assert audit(page) == []

    # An edit, and Sync now: the notebook is saved first, and the click is answered at once.
    button = page.locator(".jp-NotebookPanel-toolbar .jp-DriveSync-stateButton")
    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.keyboard.press("b")
    watched: list[str] = []
    # Playwright cannot take the bound method itself: it has no room for its mark.
    page.expose_function("driveSyncShows", lambda state: watched.append(state))  # noqa: PLW0108
    button.evaluate(
        "node => new MutationObserver(() => window.driveSyncShows(node.dataset.state))"
        ".observe(node, { attributes: true, attributeFilter: ['data-state'] })"
    )
    button.click()
    expect(_toast(page, "Lab1.ipynb is on your Drive.")).to_be_visible()
    assert audit(page) == []
    shows(page, "synced")
    assert "syncing" in watched
    button.click()
    expect(_toast(page, "Nothing new. Last checked just now.")).to_be_visible()

    # A failure is shown with its reason and what it means, and goes when it is mended.
    server.ground.drive.faults.add(Fault("storage", endpoint="files.update"))
    _edit(server, "# Notes, changed\n")
    button.click()
    shows(page, "needs_you")
    expect(button).to_have_attribute("aria-label", re.compile("no space left"))
    expect(_toast(page, "what is on Drive is safe")).to_be_visible()
    assert audit(page) == []
    server.ground.drive.faults.clear()
    button.click()
    expect(panel.get_by_role("heading", name="No space left")).to_be_visible()
    assert audit(page) == []
    panel.get_by_role("button", name="Sync now").click()
    shows(page, "synced")
    _same_on_drive(server)

    # Deletions wait for an answer; the answer that takes something away has two steps.
    for lab in (2, 3, 4):
        shutil.rmtree(server.home / f"data8/lab{lab}")
    button.click()
    shows(page, "needs_you")
    expect(button).to_have_attribute("aria-label", re.compile("6 deletions need your OK"))
    button.click()
    expect(dialog).to_contain_text(re.compile(r"6 of \d+ files are gone from your home"))
    expect(dialog).to_contain_text("Nothing was removed on Drive")
    # The safe choice comes first.
    expect(dialog.get_by_role("button", name="Bring back to my home")).to_be_focused()
    assert audit(page) == []
    dialog.get_by_role("checkbox", name="lab2", exact=True).uncheck()
    dialog.get_by_role("button", name="Move 4 files to Drive's trash").click()
    expect(dialog).to_contain_text("30 days")
    dialog.get_by_role("button", name="Move 4 files to Drive's trash").click()
    expect(button).to_have_attribute("aria-label", re.compile("2 deletions need your OK"))
    panel.get_by_role("button", name="Review").click()
    dialog.get_by_role("button", name="Keep on Drive only").click()
    shows(page, "synced")

    # The end: said what stays, nobody is asked again, the files stay.
    panel.get_by_role("button", name="Disconnect…").click()
    expect(dialog).to_contain_text(f"Stop backing up to {ACCOUNT}?")
    expect(dialog).to_contain_text("nothing is deleted")
    assert audit(page) == []
    dialog.get_by_role("button", name="Disconnect", exact=True).click()
    shows(page, "not_connected")
    expect(dialog).to_have_count(0)
    assert "data8/lab1/Lab1.ipynb" in mirrored(server.ground.drive, ACCOUNT, "home/ann")[0]


@pytest.mark.parametrize("path", ["/lab", "/tree"], ids=["lab", "notebook"])
def test_by_the_cookie_of_a_login_alone(tmp_path: Path, browser: Browser, path: str) -> None:
    """Where a page knows no token, as on a hub, its cookie and XSRF token carry all of it."""
    with jupyter(tmp_path, password="of-this-test") as server:
        window = new_context(browser)
        sent: list[Request] = []
        window.on("request", lambda request: sent.append(request))  # noqa: PLW0108 - it must be a function
        page = open_page(window, server, path)
        expect(_toast(page, QUESTION)).to_be_visible()
        _connect(page)
        _browse(page)
        _edit(server, "# By the cookie\n")
        page.locator(".jp-DriveSync-stateButton").first.click()
        expect(_toast(page, "notes.md is on your Drive.")).to_be_visible()
        _same_on_drive(server)
        ours = [request for request in sent if "/drive-sync/api/" in request.url]
        assert not any("authorization" in request.headers for request in ours)
        changing = [request for request in ours if request.method != "GET"]
        assert {"prompt", "authorize", "sync"} <= {
            request.url.split("/api/")[1].split("?")[0] for request in changing
        }
        assert all(request.headers.get("x-xsrftoken") for request in changing)
        window.close()


def test_a_no_at_google_is_told(server: Jupyter, window: BrowserContext) -> None:
    """Who says no at Google reads so on both sides, and nothing was changed."""
    page = open_page(window, server, "/tree")
    shows(page, "not_connected")
    page.locator(".jp-DriveSync-stateButton").click()
    _consent(page, "Cancel")
    dialog = _dialog(page)
    expect(dialog.get_by_role("alert")).to_contain_text("Nothing was changed")
    expect(dialog.get_by_role("heading", name="Not connected")).to_be_visible()
    expect(dialog.get_by_role("button", name="Try again")).to_be_focused()
    assert audit(page) == []
    shows(page, "not_connected")


def test_a_refusal_is_kept(server: Jupyter, window: BrowserContext) -> None:
    """Don't ask again is kept: in this tab, in the next one, after a reload."""
    page = open_page(window, server, "/lab")
    expect(_toast(page, QUESTION)).to_be_visible()
    page.get_by_role("button", name="Don't ask again").click()
    expect(_toast(page, "You will not be asked again.")).to_be_visible()
    for path in ("/lab", "/tree"):
        again = window.new_page()
        with again.expect_response("**/drive-sync/api/status*") as told:
            again.goto(server.address(path))
        assert told.value.json()["ask"] is False
        shows(again, "not_connected")
        expect(again.get_by_text(QUESTION)).to_have_count(0)
        # It is still found where the answer said.
        again.locator(".jp-DriveSync-stateButton").first.click()
        expect(_dialog(again)).to_contain_text("My Drive/home/ann")
        again.close()


def test_one_tab_asks_and_two_tabs_agree(server: Jupyter, window: BrowserContext) -> None:
    """The question stands in one tab; what one tab does, the other one shows."""
    first = open_page(window, server, "/lab")
    expect(_toast(first, QUESTION)).to_be_visible()
    second = window.new_page()
    with second.expect_response("**/drive-sync/api/prompt*") as claimed:
        second.goto(server.address(NOTEBOOK))
    assert claimed.value.json()["mine"] is False
    expect(second.get_by_text(QUESTION)).to_have_count(0)
    _connect(first)
    shows(second, "synced")
    _edit(server, "# Two tabs\n")
    second.locator(".jp-NotebookPanel-toolbar .jp-DriveSync-stateButton").click()
    ended = re.compile(r"(is|are) on your Drive\.")
    expect(_toast(second, ended)).to_be_visible()
    shows(first, "synced")
    # The first tab knows of that end, and does not tell it.
    with first.expect_response("**/drive-sync/api/status*") as told:
        first.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    assert told.value.json()["state"] == "synced"
    expect(_toast(first, ended)).to_have_count(0)


@pytest.mark.parametrize("path", [LAB_NOTEBOOK, "/tree"], ids=["lab", "notebook"])
def test_the_server_is_killed_while_a_sync_runs(
    tmp_path: Path, window: BrowserContext, path: str
) -> None:
    """Nothing is known while it is away, then the sync goes on where it was; no dialog of ours."""
    # Slow enough to be met in its middle, however busy the machine is; only until then.
    slow = LocalDriveSettings(latency=0.5)
    with jupyter(tmp_path, "--DriveSync.concurrency=1", drive=slow) as server:
        for number in range(24):
            (server.home / "data8" / f"{number}.csv").write_text(f"{number}\n" * number)
        page = open_page(window, server, path)
        button = page.locator(".jp-DriveSync-stateButton").first
        _toast(page).get_by_role("button", name="Authorize Google Drive").click()
        _consent(page, "Allow")
        expect(_dialog(page)).to_have_count(0)
        seen: list[str] = []
        page.expose_function("driveSyncSays", lambda said: seen.append(said))  # noqa: PLW0108
        button.evaluate(
            "node => new MutationObserver(() => window.driveSyncSays(node.innerText.trim()))"
            ".observe(node, { subtree: true, characterData: true, childList: true })"
        )
        expect(button).to_have_text(re.compile(r"\d\d of \d\d"), timeout=90_000)
        server.kill()
        server.ground.drive.model.settings = LocalDriveSettings()
        shows(page, "unknown")
        expect(button).to_have_attribute("aria-disabled", "true")
        expect(button).to_have_attribute("title", re.compile("does not answer"))
        server.start()
        shows(page, "cant_sync")
        expect(button).to_have_attribute("aria-label", re.compile("sync stopped, goes on"))
        expect(_dialog(page)).to_have_count(0)
        expect(_toast(page)).to_have_count(0)
        # Jupyter's own dialog of a lost connection is none of ours.
        for own in page.locator(".jp-Dialog").all():
            own.get_by_role("button").last.click()
        button.evaluate("node => node.click()")  # it may lie behind the panel
        _panel(page).get_by_role("button", name="Go on now").click()
        shows(page, "synced", seconds=120)
        counts = [re.fullmatch(r"(\d+) of (\d+)", text) for text in seen]
        steps = [(int(found[1]), int(found[2])) for found in counts if found]
        assert steps == sorted(steps)
        assert len({total for _, total in steps}) == 1
        _same_on_drive(server)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_by_the_keyboard_alone(browser: Browser, server: Jupyter, dark: bool) -> None:
    """In the light and in the dark all is legible, and all is reached by the keyboard alone."""
    set_theme(server, dark=dark)
    window = new_context(browser, dark=dark)
    page = open_page(window, server, "/lab")
    expect(page.locator("body")).to_have_attribute(
        "data-jp-theme-light", "false" if dark else "true"
    )
    expect(_toast(page, QUESTION)).to_be_visible()
    assert audit(page) == []
    button = page.locator(".jp-DriveSync-statusButton")
    button.focus()
    page.keyboard.press("Enter")
    dialog, panel = _dialog(page), _panel(page)
    expect(panel.get_by_role("heading", name="Not connected")).to_be_focused()
    assert audit(page) == []
    page.keyboard.press("Tab")
    expect(panel.get_by_role("button", name="Authorize Google Drive")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel.get_by_role("heading", name="Not connected")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(_toast(page)).to_have_count(0)
    expect(dialog.get_by_role("button", name="Continue to Google")).to_be_focused()
    with window.expect_page() as consent:
        page.keyboard.press("Enter")
    answer(consent.value, "Allow")
    consent.value.wait_for_url("**/drive-sync/oauth2callback*")
    consent.value.close()
    shows(page, "synced")
    files = panel.get_by_role("list", name="Files of this sync")
    expect(files).to_be_visible()
    assert audit(page) == []
    # One stop for the list, arrows within; what can be done with the row comes after it.
    rows = files.get_by_role("listitem")
    rows.first.focus()
    page.keyboard.press("End")
    expect(rows.last).to_be_focused()
    page.keyboard.press("Home")
    expect(rows.first).to_be_focused()
    page.keyboard.press("Tab")
    expect(panel.get_by_role("button", name="Next sync")).to_be_focused()
    panel.get_by_role("button", name="Disconnect…").focus()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert audit(page) == []
    page.keyboard.press("Enter")
    expect(panel.get_by_role("heading", name=re.compile("^Synced "))).to_be_focused()
    _browse(page)
    (server.home / "notes.md").write_text("# In the dark\n")
    page.locator(".jp-DriveSync-stateButton").first.focus()
    page.keyboard.press("Enter")
    expect(_toast(page, "notes.md is on your Drive.")).to_be_visible()
    assert audit(page) == []
    window.close()
