"""The file browser as a student meets it: marks, the menu "Google Drive", versions."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from jupyter_drive_sync.drive.secrets import Grant, Secret, SecretsStore
from jupyter_drive_sync.runner.account import Account
from tests.acceptance.real_child import ANN, DRIVE_FILE
from tests.e2e.jupyter_page import Jupyter, audit, jupyter, open_page, shows

EXPOSED = (
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
)
"""So that a test may run a command by its name."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Jupyter]:
    """Serve a Jupyter whose home is connected."""
    with jupyter(tmp_path, *EXPOSED) as running:
        connect(running)
        yield running


def connect(server: Jupyter) -> None:
    """Leave a permission that LocalDrive knows, as a consent would."""
    state = Path(server.environment["XDG_STATE_HOME"]) / "jupyter-drive-sync"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    oauth = server.ground.drive.oauth
    client = oauth.client_of_kind("desktop").client_id
    tokens = oauth.grant(ANN, client, [DRIVE_FILE])
    assert tokens.refresh_token is not None
    now = server.ground.drive.clock.now()
    SecretsStore(state).keep_grant(Grant(Secret(tokens.refresh_token), (DRIVE_FILE,), client, now))
    Account("1", ANN, "Ann", str(server.ground.client_file), now).save(state)


def run(page: Page, command: str, **args: str) -> None:
    """Run a command by its name."""
    page.wait_for_function("id => window.jupyterapp?.commands.hasCommand(id)", arg=command)
    # What is opened before the page stands is closed again by the layout that comes back.
    page.evaluate(
        "async ([id, args]) => {"
        " await window.jupyterapp.restored; return window.jupyterapp.commands.execute(id, args); }",
        [command, args],
    )


def sync(page: Page) -> None:
    """Sync everything, and wait for its end."""
    run(page, "drive-sync:sync")
    shows(page, "synced")


def row(page: Page, name: str) -> Locator:
    """Return the row of a file or folder."""
    return page.locator(".jp-DirListing-item").filter(
        has=page.locator(".jp-DirListing-itemText", has_text=re.compile(f"^{re.escape(name)}$"))
    )


def refresh(page: Page) -> None:
    """Let the file browser look at its folder."""
    run(page, "filebrowser:refresh")


def menu(page: Page, name: str) -> Locator:
    """Open the menu of a row, and in it ours; returns it."""
    row(page, name).click(button="right")
    page.locator(".lm-Menu-item", has_text=re.compile("^Google Drive$")).hover()
    ours = (
        page.locator(".lm-Menu")
        .filter(has_text="Exclude")
        .or_(page.locator(".lm-Menu").filter(has_text="Include"))
        .last
    )
    expect(ours).to_be_visible()
    return ours


def toast(page: Page, text: str) -> None:
    """Wait for a notification of ours; the one before may still be on its way out."""
    expect(page.locator(".jp-DriveSync-toast").filter(has_text=text)).to_be_visible()


def labels(ours: Locator) -> list[str]:
    """Return the entries of a menu, those that cannot be chosen in brackets."""
    return [
        f"[{each.inner_text().strip()}]" if "lm-mod-disabled" in (each.get_attribute("class") or "")
        else each.inner_text().strip()
        for each in ours.locator(".lm-Menu-item[data-type=command]").all()
        if each.is_visible()
    ]  # fmt: skip


def mark(page: Page, name: str, shape: str | None) -> None:
    """Wait until a row has a mark, or none."""
    if shape is None:
        expect(row(page, name)).not_to_have_attribute("data-drive-sync", re.compile("."))
    else:
        expect(row(page, name)).to_have_attribute("data-drive-sync", shape)


@pytest.mark.parametrize("path", ["/lab", "/tree"])
def test_marks(server: Jupyter, window: BrowserContext, path: str) -> None:
    """Nothing on what is synced; the rest says why; a file that was touched cannot look synced."""
    home = server.home
    page = open_page(window, server, path)
    sync(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    mark(page, "notes.md", None)
    mark(page, "data8", None)

    (home / "notes.md").write_text("# Notes, changed\n")
    (home / "link").symlink_to("notes.md")
    (home / "new.txt").write_text("new")
    refresh(page)
    mark(page, "notes.md", "waiting")
    mark(page, "new.txt", "waiting")
    mark(page, "link", "left_out")
    assert "Google Drive: waits for the next sync" in (
        row(page, "notes.md").get_attribute("title") or ""
    )
    described = row(page, "link").locator(".jp-DirListing-itemText")
    expect(described).to_have_attribute(
        "aria-description", "Google Drive: left out: link, not followed"
    )
    assert audit(page) == []

    # The same size and a time that is only a moment later cannot hide a change.
    status = (home / "notes.md").stat()
    sync(page)
    mark(page, "notes.md", None)
    mark(page, "new.txt", None)
    os.utime(home / "notes.md", ns=(status.st_mtime_ns, status.st_mtime_ns + 5_000_000))
    refresh(page)
    mark(page, "notes.md", "waiting")

    # A folder shows what is wrong inside, not what is left out inside.
    (home / "data8/lab1/measured.csv").chmod(0)
    (home / "data8/lab2/link").symlink_to("measured.csv")
    if os.geteuid() != 0:
        sync_failing(page, "waiting")
        mark(page, "data8", "waiting")
        sync_failing(page, "needs_you")
        mark(page, "data8", "failed")

    # One request for each folder that is shown, none for a row.
    folder_requests = [url for url in asked if "/drive-sync/api/folder" in url]
    assert 0 < len(folder_requests) < 12, folder_requests


def sync_failing(page: Page, state: str) -> None:
    """Sync, though a file cannot be read: the first time, the next sync tries again."""
    run(page, "drive-sync:sync")
    shows(page, state)


def test_the_menu(server: Jupyter, window: BrowserContext) -> None:
    """Open, copy the link, exclude and include, sync one file alone."""
    window.grant_permissions(["clipboard-read", "clipboard-write"])
    page = open_page(window, server, "/lab")
    sync(page)
    ours = menu(page, "notes.md")
    assert labels(ours) == [
        "Open in Google Drive", "Copy link", "Sync this now", "Versions…", "Exclude",
    ]  # fmt: skip
    with page.context.expect_page() as opened:
        ours.get_by_text("Open in Google Drive").click()
    expect(opened.value).to_have_url(re.compile(r"/file/d/[^/]+/view$"))
    expect(opened.value.locator("body")).to_contain_text("notes.md")
    opened.value.close()

    menu(page, "notes.md").get_by_text("Copy link").click()
    toast(page, "Copied.")
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert re.search(r"/file/d/[^/]+/view$", link)

    menu(page, "data8").get_by_text("Exclude").click()
    toast(page, "data8 is left out from now on")
    mark(page, "data8", "left_out")
    assert audit(page) == []
    ours = menu(page, "data8")
    assert labels(ours) == [
        "Open in Google Drive", "Copy link", "[Sync this now (left out)]", "Include",
    ]  # fmt: skip
    ours.get_by_text("Include").click()
    toast(page, "data8 is copied from the next sync on.")
    mark(page, "data8", None)

    (server.home / "notes.md").write_text("# Notes, changed\n")
    refresh(page)
    mark(page, "notes.md", "waiting")
    menu(page, "notes.md").get_by_text("Sync this now").click()
    toast(page, "notes.md is on your Drive.")
    mark(page, "notes.md", None)


def test_a_large_folder(server: Jupyter, window: BrowserContext) -> None:
    """10,000 files: one request, and the page stays at hand."""
    many = server.home / "many"
    many.mkdir()
    for number in range(10_000):
        (many / f"file {number:05}.txt").touch()
    page = open_page(window, server, "/lab")
    run(page, "drive-sync:sync")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    row(page, "many").dblclick()
    expect(page.locator(".jp-DirListing-item").nth(9_999)).to_be_attached()
    shows(page, "synced", seconds=600)
    mark(page, "file 00007.txt", None)
    (many / "file 00007.txt").write_text("changed")
    refresh(page)
    mark(page, "file 00007.txt", "waiting")
    requests = [url for url in asked if "/drive-sync/api/folder" in url]
    assert len(requests) <= 4, requests


def test_versions(server: Jupyter, window: BrowserContext) -> None:
    """List, compare, a copy, keep, put back in place."""
    notes = server.home / "notes.md"
    page = open_page(window, server, "/lab")
    sync(page)
    for text in ("# Notes, second\n", "# Notes, third\n"):
        notes.write_text(text)
        sync(page)
    menu(page, "notes.md").get_by_text("Versions…").click()
    dialog = page.locator(".jp-DriveSync-dialog")
    expect(dialog.get_by_role("heading", name="Versions of notes.md")).to_be_visible()
    rows = dialog.locator(".jp-DriveSync-versions label")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("current on Drive")
    dialog.get_by_role("button", name="See changes").click()
    lines = dialog.locator(".jp-DriveSync-difference > div")
    expect(lines.filter(has_text="# Notes, second")).to_have_attribute("data-sign", "-")
    expect(lines.filter(has_text="# Notes, third")).to_have_attribute("data-sign", "+")
    assert audit(page) == []

    dialog.get_by_role("button", name="Bring back as a copy").click()
    told = dialog.locator(".jp-DriveSync-told")
    expect(told).to_contain_text("The copy is here: notes (from Drive")
    copies = list(server.home.glob("notes (from Drive*.md"))
    assert [copy.read_text() for copy in copies] == ["# Notes, second\n"]
    assert notes.read_text() == "# Notes, third\n"

    rows.nth(2).locator("input").check()
    dialog.get_by_role("button", name="Keep for good").click()
    expect(told).to_contain_text("kept for good now")
    expect(rows.nth(2)).to_contain_text("kept for good")

    dialog.get_by_role("button", name="Put back in place").click()
    assert audit(page) == []
    dialog.get_by_role("button", name="Put back", exact=True).click()
    expect(told).to_contain_text("It is the current version now.")
    assert notes.read_text() == "# Notes\n"
    # What was current is kept for good.
    expect(rows).to_have_count(4)
    expect(rows.nth(1)).to_contain_text("kept for good")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    mark(page, "notes.md", None)


def test_settings(server: Jupyter, window: BrowserContext) -> None:
    """What is set in the settings editor is what the server keeps, and the other way round."""
    page = open_page(window, server, "/lab")
    sync(page)
    run(page, "settingeditor:open", query="Google Drive")
    form = page.locator(".jp-DriveSync-settings")
    expect(form.get_by_text("Now: every night at 03:00.")).to_be_visible()
    form.get_by_label("How often").select_option("weekdays")
    expect(form.get_by_text("Now: Monday to Friday at 03:00.")).to_be_visible()
    form.get_by_label("Largest file, in GB").fill("0.5")
    form.get_by_label("Largest file, in GB").press("Enter")
    form.get_by_label("Left out").fill("/data8/")
    form.get_by_label("Time zone").fill("Mars")
    form.get_by_label("Time zone").press("Tab")
    expect(form.get_by_role("alert")).to_contain_text("There is no such time zone.")
    assert audit(page) == []
    state = Path(server.environment["XDG_STATE_HOME"]) / "jupyter-drive-sync"
    kept = json.loads((state / "settings.json").read_text())
    assert kept["schedule"] == "0 3 * * 1-5"
    assert kept["max_file_size"] == 500_000_000
    assert kept["excludes"] == ["/data8/"]
    mark(page, "data8", "left_out")
    # Checks on every file, where somebody wants them; that one is Jupyter's own setting.
    page.get_by_label("Marks in the file browser").select_option("Every file")
    mark(page, "notes.md", "synced")


def test_in_german(server: Jupyter, window: BrowserContext) -> None:
    """Where Jupyter speaks German, so do we: button, menu, versions, settings."""
    settings = server.home.parent.parent / "settings" / "@jupyterlab" / "translation-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "plugin.jupyterlab-settings").write_text('{"locale": "de_DE"}')
    page = open_page(window, server, "/lab")
    sync(page)
    button = page.locator(".jp-DriveSync-stateButton").first
    expect(button).to_have_attribute(
        "aria-label", re.compile("^Jetzt synchronisieren: Drive: synchronisiert")
    )
    (server.home / "notes.md").write_text("# Anders\n")
    refresh(page)
    mark(page, "notes.md", "waiting")
    assert "wartet auf die nächste Synchronisierung" in (
        row(page, "notes.md").get_attribute("title") or ""
    )
    row(page, "notes.md").click(button="right")
    page.locator(".lm-Menu-item", has_text=re.compile("^Google Drive$")).hover()
    ours = page.locator(".lm-Menu").filter(has_text="Ausschließen").last
    expect(ours).to_be_visible()
    assert labels(ours) == [
        "In Google Drive öffnen", "Link kopieren", "Jetzt synchronisieren", "Versionen…",
        "Ausschließen",
    ]  # fmt: skip
    ours.get_by_text("Versionen…").click()
    dialog = page.locator(".jp-DriveSync-dialog")
    expect(dialog.get_by_role("heading", name="Versionen von notes.md")).to_be_visible()
    expect(dialog.get_by_role("button", name="Als Kopie zurückholen")).to_be_enabled()
    page.keyboard.press("Escape")
    run(page, "settingeditor:open", query="Google Drive")
    form = page.locator(".jp-DriveSync-settings")
    expect(form.get_by_text("Jetzt: jede Nacht um 03:00.")).to_be_visible()
