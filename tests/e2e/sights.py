"""Pictures beside those of the state: `python -m tests.e2e.sights FOLDER [SHEET…]`.

The file browser with its marks, menu, versions and settings; the panel in Notebook 7 and in German;
every page on which a browser ends, ours, the hub's and LocalDrive's, on a desk and on a phone.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from jupyter_drive_sync.errors import ConsentDenied
from jupyter_drive_sync.hub import pages as hub_pages
from jupyter_drive_sync.hub.admin_page import Row, View, confirm_page
from jupyter_drive_sync.hub.grants import HubGrant
from jupyter_drive_sync.hub.people import Hold, Person
from jupyter_drive_sync.hub.standing import STATES, Standing
from jupyter_drive_sync.runner.page import Page as EndPage
from jupyter_drive_sync.server import pages
from tests.e2e.jupyter_page import (
    CHROMIUM,
    Jupyter,
    answer,
    jupyter,
    new_context,
    open_page,
    set_theme,
    shows,
)
from tests.e2e.pictures import STORAGE_PAGES, Album, Scene
from tests.e2e.test_browser import EXPOSED, menu, row, run, sync
from tests.e2e.told import DAY, states

DESK: Final = {"width": 1100, "height": 640}
PHONE: Final = {"width": 360, "height": 640}
_NARROW: Final = """node => {
  node.style.width = '250px'; node.style.minWidth = '250px'; node.style.maxWidth = '250px';
}"""


def _documents(now: float) -> Iterator[tuple[str, str]]:
    """Return the name and the text of each page that our server or the hub's service writes."""
    no = ConsentDenied(problem="it was not allowed on Google's page")
    ends: dict[str, EndPage] = {
        "connected": pages.connected("ann@uni.edu"),
        "denied": pages.denied(no.sentence),
        "expired": pages.EXPIRED,
        "replayed": pages.REPLAYED,
        "forged": pages.FORGED,
        "logged-out": pages.LOGGED_OUT,
        "forbidden": pages.FORBIDDEN,
        "broken": pages.BROKEN,
        "hub-not-set-up": hub_pages.not_set_up(),
        "hub-disconnected": hub_pages.disconnected(revoked=True),
    }
    for name, page in ends.items():
        yield f"end-{name}", page.render("/lab")
    form = hub_pages.Form("/services/drive-sync/consent", "x", "/user/ann/lab")
    alive = HubGrant("ann", "h1", "ann@uni.edu", "1", "2", (), "c", now - 40 * DAY)
    dead = HubGrant(
        "ann", "", "ann.of.a.long.name@department.uni.edu", "1", "2", (), "c", now - 90 * DAY,
        None, now - DAY, "auth.revoked",
    )  # fmt: skip
    yield "consent-ask", hub_pages.ask("ann", "h1", "/user/ann/lab", None, form)
    yield "consent-again", hub_pages.ask("ann", "h1", "/user/ann/lab", alive, form)
    yield "consent-overview", hub_pages.overview("ann", [alive, dead], form, "/c", "/e")
    yield "consent-nothing", hub_pages.overview("ann", [], form, "/c", "/e")
    yield "admin-people", _admin(now, running=False).render()
    yield "admin-night", _admin(now, running=True).render()
    yield "admin-sure", confirm_page("/services/drive-sync/", "x", "graduate", ["ann/", "ben/"])


def _admin(now: float, *, running: bool) -> View:
    """Return the administrator's page, with somebody in every state."""
    said = {
        "needs_admin": "The hub's key to Google no longer exists: restore the OAuth client within "
        "30 days, or make another one and have everybody consent again.",
        "needs_person": "Google ended the permission. They reconnect with the cloud button in "
        "Jupyter; nothing is uploaded again.",
        "waiting": "Changed since the last sync; the next night takes it.",
        "syncing": "A sync is running.",
        "held": "On hold until 18:00 (exam).",
        "left_out": "Left out of the nights by an administrator.",
        "synced": "Everything that we know of is on Drive.",
        "archived": "Archived: the proof is in the manifest.",
    }
    rows = [
        Row(
            Person(
                user=f"student{number}", server="", account=f"student{number}@uni.edu",
                last_sync=None if state == "needs_person" else now - number * DAY,
                files=1200 * number,
            ),
            Standing(state, said[state], now - number * DAY, state in ("synced", "archived")),
        )
        for number, state in enumerate(STATES, start=1)
    ]  # fmt: skip
    return View(
        prefix="/services/drive-sync/",
        xsrf="x",
        rows=rows,
        found=412,
        counts=dict.fromkeys(STATES, 51),
        total=412,
        not_backed_up=31,
        query={},
        night={
            "running": running, "id": "n", "mode": "servers", "paused": False, "done": 120,
            "total": 412, "under_way": 8, "outcomes": {}, "eta_seconds": 4000, "ends": None,
            "next": now + DAY / 2, "spent": {"units": 40_000, "units_limit": 1_000_000},
            "last": {"id": "2026-11-28", "outcomes": {"synced": 400, "failed": 3}, "reason": ""},
        },
        notices=["6 of 7 permissions that ended lately ended 7 days after consent."],
        holds=[Hold(1, "group", "data8", now - 60, now + 9000, "exam", "teacher")],
        groups=["data8"],
        done="student3 is retried as soon as possible.",
        zone=ZoneInfo("Europe/Zurich"),
        now=now,
        size=100,
    )  # fmt: skip


def _ends(context: BrowserContext, album: Album, shade: str, now: float) -> None:
    page = context.new_page()
    for name, text in _documents(now):
        page.set_content(text)
        for place, view in (("desk", DESK), ("phone", PHONE)):
            page.set_viewport_size(view)
            album.keep(f"{shade}-{place}", name, page.screenshot(full_page=True))
    page.close()


def _local_drive(context: BrowserContext, server: Jupyter, album: Album, shade: str) -> None:
    """Go through consent, and look at the pages of LocalDrive and at ours, where it ends."""
    page = open_page(context, server, "/tree")
    page.locator(".jp-DriveSync-stateButton").first.click()
    dialog = page.locator(".jp-DriveSync-dialog")
    with context.expect_page() as opened:
        dialog.get_by_role("button", name="Continue to Google").click()
    consent = opened.value

    def shot(name: str) -> None:
        consent.wait_for_load_state("networkidle")
        for place, view in (("desk", DESK), ("phone", PHONE)):
            consent.set_viewport_size(view)
            album.keep(f"{shade}-{place}", f"drive-{name}", consent.screenshot(full_page=True))

    shot("consent")
    answer(consent, "Allow")
    consent.wait_for_url("**/drive-sync/oauth2callback*")
    shot("answered")
    consent.reload()
    shot("replayed")
    shows(page, "synced")
    (server.home / "notes.md").write_text("# Notes, second\n")
    page.evaluate("() => document.querySelector('.jp-DriveSync-panel')?.scrollTo(0, 0)")
    page.locator(".jp-DriveSync-stateButton").first.click()
    expect(page.locator(".jp-DriveSync-toast").filter(has_text="notes.md")).to_be_visible()
    for name, link in (("drive", ""), ("home", "home"), ("ann", "ann"), ("file", "notes.md")):
        if link:
            consent.get_by_role("link", name=link, exact=True).first.click()
        else:
            consent.goto(server.ground.url)
        shot(name)
    consent.close()
    page.close()


def _files(context: BrowserContext, server: Jupyter, album: Album, shade: str) -> None:
    """Take pictures of marks, menu, versions and settings, of a real server."""
    for app in ("lab", "tree"):
        context.route("**/drive-sync/api/folder*", _marked)
        page = open_page(context, server, f"/{app}")
        shows(page, "synced")
        if app == "lab":
            run(page, "filebrowser:activate")  # where the panel was open last
        for name, shape in (("data8", "failed"), ("notes.md", "waiting")):
            expect(row(page, name)).to_have_attribute("data-drive-sync", shape)
        row(page, "notes.md").click()
        _rest(page)
        album.keep(f"{shade}-files", f"{app}-marks", page.screenshot())
        _open_menu(page)
        _rest(page)
        album.keep(f"{shade}-files", f"{app}-menu", page.screenshot())
        page.close()
        context.unroute("**/drive-sync/api/folder*")

    page = open_page(context, server, "/lab")
    run(page, "filebrowser:activate")
    for text in ("# Notes, third\n\nMore.\n", "# Notes, fourth\n\nMuch more.\n"):
        (server.home / "notes.md").write_text(text)
        sync(page)
    run(page, "filebrowser:refresh")
    menu(page, "notes.md").get_by_text("Versions…").click()
    dialog = page.locator(".jp-DriveSync-dialog")
    expect(dialog.locator(".jp-DriveSync-versions label").nth(1)).to_be_visible()
    _keep(album, shade, "versions", page)
    dialog.get_by_role("button", name="See changes").click()
    expect(dialog.locator(".jp-DriveSync-difference")).to_be_visible()
    _keep(album, shade, "versions-changes", page)
    dialog.get_by_role("button", name="Put back in place").click()
    _keep(album, shade, "versions-sure", page)
    page.keyboard.press("Escape")
    run(page, "settingeditor:open", query="Google Drive")
    form = page.locator(".jp-DriveSync-settings").first
    expect(form.get_by_text("Now: every night at 03:00.")).to_be_visible()
    album.keep(f"{shade}-files", "settings", page.screenshot())
    form.evaluate("node => node.scrollIntoView({ block: 'end' })")
    album.keep(f"{shade}-files", "settings-end", page.screenshot())
    page.set_viewport_size({"width": 640, "height": 800})
    album.keep(f"{shade}-files", "settings-narrow", page.screenshot())
    page.close()


def _marked(route: Route) -> None:
    """Answer with a mark of every kind."""
    files = [
        ("data8", "failed", "file.unreadable", True),
        ("many", "left_out", "left_out.excluded", True),
        ("linked", "left_out", "left_out.link", False),
        ("newer.md", "newer_on_drive", "", False),
        ("notes.md", "waiting", "", False),
        ("secret.md", "failed", "file.unreadable", False),
    ]
    marks: list[dict[str, Any]] = [
        {
            "path": name, "outcome": outcome, "reason": "", "code": code, "size": 10,
            "params": {"rule": "/many/ (excludes)"}, "folder": folder,
        }
        for name, outcome, code, folder in files
    ]  # fmt: skip
    with contextlib.suppress(PlaywrightError):  # the page has gone meanwhile
        reply = route.fetch()
        told = reply.json()
        if told["path"] == "":
            told["marks"] = marks
        route.fulfill(response=reply, json=told)


def _open_menu(page: Page) -> None:
    row(page, "notes.md").click(button="right")
    page.locator(".lm-Menu-item", has_text=re.compile("^Google Drive$")).hover()
    expect(page.locator(".lm-Menu").filter(has_text="Exclude").last).to_be_visible()


def _keep(album: Album, shade: str, name: str, page: Page) -> None:
    _rest(page)
    picture = page.locator(".jp-DriveSync-dialog").screenshot()
    album.keep(f"{shade}-versions", name, picture)


def _rest(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def _told(context: BrowserContext, server: Jupyter, album: Album, shade: str, now: float) -> None:
    """Take pictures of the panel in Notebook 7, where it stands beside the page."""
    for app, path in (("notebook", "/notebooks/data8/lab1/Lab1.ipynb"), ("tree", "/tree")):
        page = open_page(context, server, path)
        scene = Scene(page, now)
        for name in ("synced", "syncing", "failed_files", "held", "unknown"):
            scene.tell(name, **states(now)[name])
            scene.details()
            album.keep(f"{shade}-notebook7", f"{app}-{name}", page.screenshot())
        scene.tell("synced")
        scene.details()
        scene.unfold("Storages")
        for name, asked in STORAGE_PAGES.items():
            scene.open_storage(name)
            album.keep(f"{shade}-notebook7", f"{app}-storage-{asked}", page.screenshot())
            scene.close()
        page.close()


def _german(context: BrowserContext, server: Jupyter, album: Album, shade: str, now: float) -> None:
    """Take pictures of the panel at its least width, its parts and the dialogs, in German."""
    page = open_page(context, server, "/lab")
    scene = Scene(page, now)
    for name, told in states(now).items():
        scene.tell(name, **told)
        scene.details()
        page.locator(".jp-DriveSync-side").evaluate(_NARROW)
        scene.rest()
        album.keep(f"{shade}-german", name, scene.panel.screenshot())
    scene.tell("synced")
    heads = scene.panel.locator("[data-name] > h3 > button")
    for each in heads.all():
        if each.get_attribute("aria-expanded") == "true":
            each.click()
    for each in scene.panel.locator("[data-name]").all():
        each.locator(".jp-DriveSync-section-head").click()
        scene.rest()
        name = each.get_attribute("data-name")
        album.keep(f"{shade}-german", f"part-{name}", scene.panel.screenshot())
        each.locator(".jp-DriveSync-section-head").click()

    _german_dialogs(scene, album, shade, now)
    page.close()


def _german_dialogs(scene: Scene, album: Album, shade: str, now: float) -> None:
    def shot(name: str) -> None:
        scene.rest()
        album.keep(f"{shade}-german-page", name, scene.dialog.screenshot())
        scene.close()

    scene.tell("not_connected", **states(now)["not_connected"])
    scene.open("drive-sync:authorize")
    scene.dialog.locator("summary").click()
    shot("preview")
    scene.tell("synced")
    for command in ("leave-out", "disconnect"):
        scene.open(f"drive-sync:{command}")
        shot(command)
    scene.details()
    for part in ("next", "back"):
        section = scene.panel.locator(f"[data-name={part}]")
        section.locator(".jp-DriveSync-section-head").click()
        for number in range(section.locator(".jp-DriveSync-actions button").count()):
            button = section.locator(".jp-DriveSync-actions button").nth(number)
            if button.inner_text().endswith(("?", "…")):
                button.click()
                expect(scene.dialog).to_be_visible()
                shot(f"{part}-{number}")
    scene.details()
    storages = scene.panel.locator("[data-name=storages]")
    storages.locator(".jp-DriveSync-section-head").click()
    storages.locator(".jp-DriveSync-actions button").last.click()
    expect(scene.dialog).to_be_visible()
    scene.dialog.get_by_role("combobox").first.select_option("service_account")
    shot("storage")
    for name in ("held", "other_home"):
        scene.tell(name, **states(now)[name])
        scene.details()
        scene.panel.locator(".jp-DriveSync-banner button").click()
        expect(scene.dialog).to_be_visible()
        shot(f"review-{name}")


def _speak(server: Jupyter, locale: str) -> None:
    settings = server.home.parent.parent / "settings" / "@jupyterlab" / "translation-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "plugin.jupyterlab-settings").write_text(json.dumps({"locale": locale}))


def take(
    browser: Browser, server: Jupyter, folder: Path, *, dark: bool, only: Callable[[str], bool]
) -> None:
    """Take all pictures of a theme."""
    now = time.time()
    shade = "dark" if dark else "light"
    set_theme(server, dark=dark)
    _speak(server, "default")
    context = new_context(browser, dark=dark)
    album = Album(folder, browser)
    if only("ends"):
        _ends(context, album, shade, now)
    if only("notebook7"):
        _told(context, server, album, shade, now)
    if only("german"):
        _speak(server, "de_DE")
        _german(context, server, album, shade, now)
        _speak(server, "default")
    if only("drive") and not dark:
        _local_drive(context, server, album, shade)
    if only("files"):
        _files(context, server, album, shade)
    album.sheets()
    context.close()


def main(folder: Path, *wanted: str) -> None:
    """Take them all, or those of some kinds: ends, notebook7, german, drive, files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as base,
        jupyter(Path(base), *EXPOSED) as server,
        sync_playwright() as playwright,
    ):
        for name in ("newer.md", "secret.md"):
            (server.home / name).write_text(name)
        (server.home / "many").mkdir()
        (server.home / "linked").symlink_to("notes.md")
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        expect.set_options(timeout=30_000)
        for dark in (False, True):
            take(browser, server, folder, dark=dark, only=lambda name: not wanted or name in wanted)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
