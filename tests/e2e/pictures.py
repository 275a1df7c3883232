"""Pictures of every state, page and notification: `python -m tests.e2e.pictures FOLDER`.

The server is a real one; what it tells is replaced, so that rare states show too. Light and dark,
in JupyterLab, a notebook of Notebook 7 and its tree; beside the single pictures a sheet of each
kind.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from tests.e2e.jupyter_page import CHROMIUM, Jupyter, jupyter, new_context, open_page, set_theme
from tests.e2e.told import (
    PLAN,
    PREVIEW,
    RULES,
    SETTINGS,
    SPACE,
    apart,
    brought,
    files_of,
    history,
    states,
    status,
    storages,
    tree,
    undoable,
)

PAGES: Final = {
    "lab": "/lab/tree/data8/lab1/Lab1.ipynb",
    "notebook": "/notebooks/data8/lab1/Lab1.ipynb",
    "tree": "/tree",
}
STORAGE_PAGES: Final = {"old": "permit", "marks": "held"}
"""Of the storages that ask something, the page that says what."""
_DRAWN: Final = (
    "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
)
_AT_REST: Final = """() => Promise.all(
  [...document.querySelectorAll('.Toastify__toast, .jp-DriveSync-bar-fill, .jp-DriveSync-ring')]
    .flatMap(node => node.getAnimations()).map(motion => motion.finished.catch(() => undefined))
)"""


class Scene:
    """A page of Jupyter whose server tells what we want.

    Args:
        page: shows our button.
        now: epoch seconds.
    """

    def __init__(self, page: Page, now: float) -> None:
        self.page = page
        self._now = now
        self.told: dict[str, Any] = status(now)
        self.answers: dict[str, Any] = {}
        self._silent = False
        page.route("**/drive-sync/api/**", self._answer)

    def tell(self, name: str = "", **told: Any) -> None:
        """Let the server tell a state, and wait until it is drawn."""
        self.answers = {"files": files_of(name), "history": history(name, self._now)}
        self.told = {**status(self._now), **told}
        self._silent = name == "unknown"
        self.refresh()

    def refresh(self) -> None:
        """Let the page ask, and draw."""
        if self._silent:
            self._wake()
            expect(self.button).to_have_attribute("data-state", "unknown")
        else:
            with self.page.expect_response("**/drive-sync/api/status*"):
                self._wake()
        self.rest()

    @property
    def button(self) -> Locator:
        """The button in a toolbar."""
        return self.page.locator(".jp-DriveSync-stateButton").first

    @property
    def dialog(self) -> Locator:
        """Our dialog."""
        return self.page.locator(".jp-DriveSync-dialog")

    @property
    def panel(self) -> Locator:
        """Our panel."""
        return self.page.locator(".jp-DriveSync-panel")

    def details(self) -> None:
        """Open the panel."""
        self._run("drive-sync:details")
        expect(self.panel.locator("h2")).to_be_visible()
        self.rest()

    def open(self, command: str) -> None:
        """Run a command that opens the dialog."""
        self._run(command)
        expect(self.dialog).to_be_visible()
        self.rest()

    def close(self) -> None:
        """Close the dialog, if one is open."""
        self.page.evaluate("() => document.querySelector('.jp-DriveSync-dialog')?.close()")
        expect(self.dialog).to_have_count(0)

    def _head(self, title: str) -> Locator:
        name = re.compile(f"^{re.escape(title)}( \\d.*)?$")
        return self.panel.locator(".jp-DriveSync-section-head").filter(
            has=self.page.locator(".jp-DriveSync-section-title", has_text=name)
        )

    def unfold(self, title: str) -> None:
        """Open a part of the panel."""
        head = self._head(title)
        if head.get_attribute("aria-expanded") == "false":
            head.click()
        self.rest()

    def storage(self, name: str) -> Locator:
        """Bring a storage into view, of the part that is open."""
        row = self.panel.locator(f"[data-storage={name}]")
        row.scroll_into_view_if_needed()
        return row

    def open_storage(self, name: str) -> None:
        """Open the page on which a storage asks something."""
        asks = self.storage(name).get_by_role("button", name=re.compile("Authorize|Review"))
        asks.click()
        expect(self.dialog).to_be_visible()

    def fold(self, title: str) -> None:
        """Close a part of the panel."""
        head = self._head(title)
        if head.get_attribute("aria-expanded") == "true":
            head.click()

    def browse(self) -> None:
        """Show the file browser again, whose button is the first one."""
        self._run("filebrowser:activate")
        expect(self.button).to_be_visible()

    def _run(self, command: str) -> None:
        self.page.evaluate("id => void window.jupyterapp.commands.execute(id)", command)

    def rest(self) -> None:
        """Wait until what changes has changed."""
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate(_DRAWN)
        self.page.evaluate(_AT_REST)

    def _wake(self) -> None:
        self.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")

    def _answer(self, route: Route) -> None:
        path = route.request.url.split("?")[0].rsplit("/drive-sync/api/", 1)[1]
        if self._silent:
            route.abort()
            return
        held = [{"path": f"data8/lab{n % 9}/part {n}.csv", "size": 240_000} for n in range(412)]
        known: dict[str, Any] = {
            "status": self.told,
            "preview": PREVIEW,
            "settings": SETTINGS,
            "disconnect": {
                "connected": True,
                "account": self.told["account"],
                "files": 1236,
                "stays": "",
                "revoke_ends": [
                    {"code": "others", "sentence": ""},
                    {"code": "consent", "sentence": ""},
                ],
            },
            "prompt": {
                "ask": True, "claimed": True, "mine": True, "not_before": None, "never": False,
            },
            "sync": {"job": "j", "already": False},
            "acknowledge": {"incident": None},
            "folder": {"path": "", "known": False, "left_out": None, "mirrored": [], "marks": []},
            "space": SPACE,
            "rules": RULES,
            "storages": {"storages": storages(self._now)},
            "courses": {"courses": []},
            "plan": PLAN,
            "undoable": undoable(self._now),
            "restore": (
                brought(self._now)
                if route.request.method == "GET"
                else {"job": "j", "already": False}
            ),
            "history": self.answers["history"] if self.answers else None,
        }  # fmt: skip
        query = parse_qs(urlsplit(route.request.url).query, keep_blank_values=True)
        if path == "apart":
            known[path] = apart(query["kind"][0], self._now)
        elif path == "tree":
            known[path] = tree(query["path"][0])
        if "holds/" in path:
            some = held[: self.told["holds"][0]["count"]] if self.told["holds"] else held[:32]
            body: Any = {"files": some, "total": len(some), "offset": 0}
        elif path.endswith("/files"):
            body = self.answers["files"]
        else:
            body = known[path]
        route.fulfill(body=json.dumps(body), content_type="application/json")


class Album:
    """Keeps pictures, and puts those of a kind on a sheet.

    Args:
        folder: where they go.
        browser: draws the sheets.
    """

    def __init__(self, folder: Path, browser: Browser) -> None:
        self._folder = folder
        self._browser = browser
        self._sheets: dict[str, list[tuple[str, bytes]]] = {}

    def keep(self, sheet: str, name: str, picture: bytes) -> None:
        """Keep a picture."""
        (self._folder / f"{sheet}-{name}.png").write_bytes(picture)
        self._sheets.setdefault(sheet, []).append((name, picture))

    def sheets(self, *, columns: int = 3, rows: int = 2) -> None:
        """Draw the sheets."""
        page = self._browser.new_page()
        for sheet, pictures in self._sheets.items():
            wide = "bar" in sheet
            per = columns * rows * (4 if wide else 1)
            for at in range(0, len(pictures), per):
                figures = "".join(
                    f"<figure><figcaption>{name}</figcaption>"
                    f"<img src='data:image/png;base64,{base64.b64encode(data).decode()}'></figure>"
                    for name, data in pictures[at : at + per]
                )
                across = 2 if wide else columns
                page.set_viewport_size({"width": 1640 if not wide else 1500, "height": 400})
                page.set_content(
                    "<style>body{margin:8px;background:#888;font:13px sans-serif;display:grid;"
                    f"grid-template-columns:repeat({across},1fr);gap:8px}}figure{{margin:0}}"
                    "img{max-width:100%;display:block}</style>" + figures
                )
                path = self._folder / f"sheet-{sheet}-{at // per}.png"
                page.screenshot(path=path, full_page=True)
        page.close()


def _strip(scene: Scene, app: str) -> bytes:
    """Take a picture of the places where the state always shows."""
    page = scene.page
    if app == "lab":
        bar = {"x": 0, "y": 770, "width": 720, "height": 30}
        return page.screenshot(clip=bar)
    return page.screenshot(clip={"x": 0, "y": 0, "width": 1280, "height": 170})


def _states(scene: Scene, album: Album, sheet: str, app: str, now: float) -> None:
    for name, told in states(now).items():
        scene.tell(name, **told)
        album.keep(f"{sheet}-bar", name, _strip(scene, app))
        if app == "lab":
            scene.details()
            album.keep(f"{sheet}-state", name, scene.panel.screenshot())


def _pages(scene: Scene, album: Album, sheet: str, now: float) -> None:
    """Take pictures of each page of the dialog."""
    page, dialog = scene.page, scene.dialog

    def shot(name: str) -> None:
        scene.rest()
        album.keep(f"{sheet}-page", name, dialog.screenshot())

    all_states = states(now)
    scene.tell("not_connected", **all_states["not_connected"])
    scene.open("drive-sync:authorize")
    shot("preview")
    dialog.locator("summary").click()
    shot("preview-left-out")
    dialog.locator("summary").click()
    dialog.get_by_role("button", name="Choose folders").click()
    shot("preview-choosing")
    dialog.get_by_role("button", name="Cancel").click()

    consent = {
        "storage": "", "flow": "browser", "state": "waiting", "url": "", "user_code": "",
        "expires": now + 600, "problem": None,
    }  # fmt: skip
    device = {**consent, "flow": "device", "url": "https://www.google.com/device",
              "user_code": "GQVQ-JKEC"}  # fmt: skip
    no = {"code": "auth.denied", "who": "user", "sentence": "", "params": {}}
    unticked = {**no, "code": "auth.scope_missing"}
    blocked = {**no, "code": "org.blocked", "who": "admin", "sentence": "Blocked."}
    # No page of the real Google is opened.
    page.context.route(f"{device['url']}*", lambda route: route.fulfill(body=""))
    page.route(
        "**/drive-sync/api/authorize*",
        lambda route: route.fulfill(
            body=json.dumps({**consent, "url": device["url"]}), content_type="application/json"
        ),
    )
    scene.told = {**status(now), **all_states["not_connected"], "consent": consent}
    scene.open("drive-sync:authorize")
    with page.expect_popup() as popup:
        dialog.get_by_role("button", name="Continue to Google").click()
    popup.value.close()
    expect(dialog.get_by_role("heading", name="Waiting")).to_be_visible()
    shot("waiting")
    for name, answer in (
        ("exchanging", {**consent, "state": "exchanging"}),
        ("device", device),
        ("denied", {**consent, "state": "failed", "problem": no}),
        ("unticked", {**consent, "state": "failed", "problem": unticked}),
        ("blocked", {**consent, "state": "failed", "problem": blocked}),
        ("expired", {**consent, "state": "expired"}),
        ("forgotten", None),
    ):
        scene.told = {**scene.told, "consent": answer}
        scene.refresh()
        shot(f"consent-{name}")
    scene.close()

    scene.tell("held", **all_states["held"])
    scene.details()
    scene.panel.get_by_role("button", name="Review").click()
    shot("review")
    dialog.get_by_role("button", name="Move 412").click()
    shot("review-sure")
    for name in ("root_gone", "other_home", "moved_out"):
        scene.close()
        scene.tell(name, **all_states[name])
        scene.details()
        scene.panel.get_by_role("button", name="Review").click()
        shot(f"review-{name}")
    scene.close()
    scene.tell("synced")
    scene.open("drive-sync:leave-out")
    shot("leave-out")
    scene.close()
    scene.details()
    for title, button, name in (
        ("Next sync", "What would it do?", "plan"),
        ("Bring back", "Undo last sync…", "undo"),
        ("Bring back", "Bring back files…", "restore"),
    ):
        scene.unfold(title)
        scene.panel.get_by_role("button", name=button).click()
        expect(dialog).to_be_visible()
        shot(name)
        if name != "restore":
            scene.close()
    dialog.get_by_role("radio", name="Chosen").check()
    dialog.get_by_role("button", name="Open data8").click()
    dialog.get_by_role("checkbox", name="Lab2.ipynb").check()
    shot("restore-chosen")
    dialog.get_by_role("button", name="See what comes").click()
    expect(dialog.get_by_role("list", name="What comes back")).to_be_visible()
    shot("restore-look")
    scene.close()
    scene.details()
    scene.unfold("Storages")
    scene.panel.get_by_role("button", name="Add a storage…").click()
    expect(dialog).to_be_visible()
    shot("storage-new")
    dialog.get_by_label("Name", exact=True).fill("course material")
    dialog.get_by_label("Whose permission").select_option("service_account")
    dialog.get_by_label("By itself").select_option("weekly")
    dialog.get_by_role("button", name="Save").click()
    shot("storage-wrong")
    scene.close()
    data = scene.panel.locator("[data-storage=data]")
    data.get_by_role("button", name="Remove…").click()
    shot("storage-remove")
    scene.close()
    for name, page in STORAGE_PAGES.items():
        scene.storage(name)
        album.keep(f"{sheet}-page", f"storage-{name}", scene.panel.screenshot())
        scene.open_storage(name)
        shot(f"storage-{page}")
        scene.close()
    scene.fold("Storages")
    scene.open("drive-sync:disconnect")
    dialog.get_by_role("checkbox").check()
    shot("disconnect")
    scene.close()


def _panel(scene: Scene, album: Album, sheet: str) -> None:
    """Take pictures of each part of the panel."""
    page = scene.page
    scene.tell("synced")
    scene.details()
    for title in ("Last sync", "Next sync", "Your Drive"):
        scene.fold(title)
    for title in ("Replaced edits on Drive", "Newer on Drive", "On Drive only", "Left out",
                  "Bring back", "Storages", "History"):  # fmt: skip
        scene.unfold(title)
        scene.rest()
        album.keep(f"{sheet}-panel", title.replace(" ", "-"), scene.panel.screenshot())
        scene.fold(title)
    album.keep(f"{sheet}-panel", "folded", scene.panel.screenshot())
    for title in ("Last sync", "Next sync", "Your Drive"):
        scene.unfold(title)

    def panel_shot(name: str) -> None:
        scene.rest()
        album.keep(f"{sheet}-panel", name, scene.panel.screenshot())

    scene.tell("empty", last_sync=None, state="waiting", status="initialized")
    scene.details()
    panel_shot("no-sync-yet")
    scene.tell("clean")
    scene.details()
    panel_shot("nothing-to-list")
    for number in range(6):
        page.keyboard.press("Tab")
        panel_shot(f"keyboard-{number}")


def _toasts(scene: Scene, album: Album, sheet: str, now: float) -> None:
    """Take pictures of each notification, in the whole window."""
    page = scene.page

    def shot(name: str) -> None:
        expect(page.locator(".Toastify__toast")).to_have_count(1)
        scene.rest()
        album.keep(f"{sheet}-toast", name, page.screenshot())
        page.evaluate(
            "() => document.querySelectorAll('.jp-Notification-Toast-Close')"
            ".forEach(button => button.click())"
        )
        expect(page.locator(".Toastify__toast")).to_have_count(0)

    # A click starts a sync only where none runs: the state before it is the one that is shown.
    for name in ("result", "nothing_new", "first_sync", "partly"):
        scene.tell(name)
        told = states(now)["partly"] if name == "partly" else {}
        scene.told = {**status(now), **told}
        scene.button.click()
        shot(f"end-{name}")
    for name in ("reconnect", "full", "admin", "held"):
        told = states(now)[name]
        incident = {"id": f"{name} {now}", "code": "x", "since": now, "tell": True}
        scene.tell(name, **told, incident=incident)
        shot(f"needs-{name}")
    scene.tell("not_connected", **states(now)["not_connected"], ask=True)
    shot("prompt")


def take(server: Jupyter, folder: Path, *, dark: bool, only: Callable[[str], bool]) -> None:
    """Take all pictures of a theme."""
    set_theme(server, dark=dark)
    shade = "dark" if dark else "light"
    now = time.time()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        expect.set_options(timeout=30_000)
        context = new_context(browser, dark=dark)
        album = Album(folder, browser)
        for app, path in PAGES.items():
            if not only(f"{shade}-{app}"):
                continue
            page = open_page(context, server, path)
            scene = Scene(page, now)
            scene.tell()
            expect(scene.button).to_have_attribute("data-state", "synced")
            sheet = f"{shade}-{app}"
            album.keep(f"{sheet}-window", "window", page.screenshot())
            _states(scene, album, sheet, app, now)
            if app == "lab":
                _pages(scene, album, sheet, now)
                _panel(scene, album, sheet)
                page.set_viewport_size({"width": 320, "height": 640})
                scene.tell("failed_files", **states(now)["failed_files"])
                scene.details()
                album.keep(f"{sheet}-panel", "narrow", page.screenshot())
                page.set_viewport_size({"width": 1280, "height": 800})
            scene.tell()
            if app == "lab":
                scene.browse()
            _toasts(scene, album, sheet, now)
            page.close()
        album.sheets()
        browser.close()


def main(folder: Path, *wanted: str) -> None:
    """Take them all, or those of some sheets, such as ``light-lab``."""
    folder.mkdir(parents=True, exist_ok=True)
    options = (
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    )
    with TemporaryDirectory() as base, jupyter(Path(base), *options) as server:
        for dark in (False, True):
            take(server, folder, dark=dark, only=lambda name: not wanted or name in wanted)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
