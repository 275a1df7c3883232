"""What a student meets on other days: not now, a second click, no network, a grant that ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from jupyter_drive_sync.demo.proof import mirrored
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.e2e.jupyter_page import ACCOUNT, Jupyter, answer, audit, jupyter, open_page, shows
from tests.e2e.test_browser import EXPOSED, connect, run, sync
from tests.e2e.test_panel import LAB, NOTEBOOK, Panel, connected, toast


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Jupyter]:
    """Serve a Jupyter of its own for a test."""
    with jupyter(tmp_path, *EXPOSED) as running:
        yield running


def _button_says(page: Page, text: str) -> None:
    button = page.locator(".jp-DriveSync-stateButton").first
    expect(button).to_have_attribute("aria-label", re.compile(text))


def _details(page: Page) -> Panel:
    run(page, "drive-sync:details")
    return Panel(page)


def test_not_now(server: Jupyter, window: BrowserContext) -> None:
    """Not now is for a week, in every tab; it says where the question is found until then."""
    page = open_page(window, server, NOTEBOOK)
    question = toast(page, "Back up your files")
    question.get_by_role("button", name="Not now").click()
    expect(toast(page, "You will be asked again in a week.")).to_contain_text("Authorize")
    again = window.new_page()
    with again.expect_response("**/drive-sync/api/status*") as told:
        again.goto(server.address("/tree"))
    assert told.value.json()["ask"] is False
    shows(again, "not_connected")
    expect(toast(again, "Back up your files")).to_have_count(0)
    again.locator(".jp-DriveSync-stateButton").first.click()
    expect(Panel(again).dialog).to_contain_text("My Drive/home/ann")


@pytest.mark.parametrize("path", ["/lab/tree/data8/lab1/Lab1.ipynb", NOTEBOOK], ids=["lab", "nb"])
def test_a_second_click_and_cancel(tmp_path: Path, window: BrowserContext, path: str) -> None:
    """A click during a sync opens the panel and starts nothing; cancelled is no failure."""
    slow = LocalDriveSettings(latency=0.5)
    with jupyter(tmp_path, *EXPOSED, "--DriveSync.concurrency=1", drive=slow) as server:
        for number in range(24):
            (server.home / "data8" / f"{number}.csv").write_text(f"{number}\n" * 100)
        connect(server)
        page = open_page(window, server, path)
        panel = Panel(page)
        started: list[Request] = []
        page.on(
            "request",
            lambda each: started.append(each) if "/drive-sync/api/sync" in each.url else None,
        )
        button = page.locator(".jp-NotebookPanel-toolbar .jp-DriveSync-stateButton")
        shows(page, "waiting")
        button.click()
        expect(button).to_have_text(re.compile(r"\d+ of \d\d"))
        expect(panel.node).not_to_be_visible()
        button.click()
        expect(panel.node.get_by_role("progressbar")).to_be_visible()
        expect(panel.node).to_contain_text("close this tab")
        assert len(started) == 1
        assert audit(page) == []
        panel.node.get_by_role("button", name="Cancel").click()
        _button_says(page, r"stopped by you, \d+ of \d+ done")
        expect(panel.node).to_contain_text("what was done stays")
        expect(page.locator(".jp-DriveSync-toast")).to_have_count(0)
        assert audit(page) == []
        server.ground.drive.model.settings = LocalDriveSettings()
        panel.node.get_by_role("button", name="Sync now").first.click()
        shows(page, "synced")
        here = mirrored(server.ground.drive, ACCOUNT, "home/ann")[0]
        assert {f"data8/{number}.csv" for number in range(24)} <= set(here)


def test_no_network(server: Jupyter, window: BrowserContext) -> None:
    """Without a way to Google nothing is lost, nobody is alarmed, and it goes on at a click."""
    connect(server)
    page = open_page(window, server, LAB)
    sync(page)
    server.ground.drive.faults.add(Fault("refused"))
    (server.home / "notes.md").write_text("# Without a network\n")
    panel = _details(page)
    run(page, "drive-sync:sync")
    shows(page, "offline")
    expect(panel.node).to_contain_text("No connection to Google right now")
    expect(panel.dialog).to_have_count(0)
    assert audit(page) == []
    server.ground.drive.faults.clear()
    panel.node.get_by_role("button", name="Try now").click()
    shows(page, "synced")
    there = mirrored(server.ground.drive, ACCOUNT, "home/ann")[0]
    assert there["notes.md"]


def test_reconnect(server: Jupyter, window: BrowserContext) -> None:
    """An ended grant is told once, with what to do; after a new consent the rest goes on."""
    panel = connected(window, server, LAB)
    page = panel.page
    oauth = server.ground.drive.oauth
    client = oauth.client_of_kind("desktop").client_id
    assert oauth.remove_access(ACCOUNT, oauth.project_of(client).number)
    (server.home / "new.md").write_text("# Not there yet\n")
    run(page, "drive-sync:sync")
    shows(page, "needs_you")
    _button_says(page, "please reconnect")
    told = toast(page, "Google ended our permission")
    expect(told).to_be_visible()
    assert audit(page) == []
    # Once per incident: another page shows the state, and tells nothing.
    other = open_page(window, server, "/tree")
    shows(other, "needs_you")
    expect(toast(other, "Google ended our permission")).to_have_count(0)
    other.close()
    told.get_by_role("button", name="Reconnect").click()
    with window.expect_page() as consent:
        panel.dialog.get_by_role("button", name="Continue to Google").click()
    answer(consent.value, "Allow")
    consent.value.wait_for_url("**/drive-sync/oauth2callback*")
    consent.value.close()
    shows(page, "synced")
    there, twins = mirrored(server.ground.drive, ACCOUNT, "home/ann")
    assert "new.md" in there
    assert not twins


def test_deletions_that_are_here_again(server: Jupyter, window: BrowserContext) -> None:
    """What comes back by itself needs no answer any more, and nothing was removed on Drive."""
    connect(server)
    page = open_page(window, server, LAB)
    sync(page)
    before = set(mirrored(server.ground.drive, ACCOUNT, "home/ann")[0])
    aside = server.home.parent / "aside"
    (server.home / "data8").rename(aside)
    run(page, "drive-sync:sync")
    shows(page, "needs_you")
    _button_says(page, "16 deletions need your OK")
    panel = _details(page)
    expect(panel.node.get_by_role("button", name="Review")).to_be_visible()
    aside.rename(server.home / "data8")
    run(page, "drive-sync:sync")
    shows(page, "synced")
    expect(panel.node.get_by_role("button", name="Review")).to_have_count(0)
    assert set(mirrored(server.ground.drive, ACCOUNT, "home/ann")[0]) == before
