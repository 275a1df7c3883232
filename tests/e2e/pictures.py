"""Pictures of every state, light and dark: `python -m tests.e2e.pictures FOLDER`.

The server is a real one; what it tells of the state is replaced, so that rare states show too.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.sync_api import Page, Route, sync_playwright

from tests.e2e.jupyter_page import CHROMIUM, Jupyter, jupyter, new_context, open_page

_HOLD: Final[dict[str, Any]] = {
    "id": "h1",
    "kind": "deletions",
    "count": 412,
    "bytes": 96_000_000,
    "choices": ["keep", "trash"],
    "paths_href": "/",
    "reason": (
        "412 files are gone of 1530 mirrored ones (a whole folder is gone (data8)); "
        "nothing was removed on Drive."
    ),
}
_PROGRESS: Final[dict[str, Any]] = {
    "phase": "copying",
    "done": 37,
    "total": 120,
    "bytes_done": 210_000_000,
    "bytes_total": 1_100_000_000,
    "eta_seconds": 240,
    "slowed": False,
}


def _problem(code: str, who: str, sentence: str = "") -> dict[str, Any]:
    return {"code": code, "who": who, "sentence": sentence, "params": {}}


def states(now: float) -> dict[str, dict[str, Any]]:
    """Return what is different in each state."""
    hold = {**_HOLD, "since": now - 7200}
    failed = {"state": "cant_sync", "status": "failed"}
    running = {"state": "syncing", "status": "in_progress"}
    return {
        "not_connected": {"state": "not_connected", "connected": False, "last_sync": None},
        "no_client": {
            "state": "not_connected",
            "connected": False,
            "last_sync": None,
            "problem": _problem("project.no_client", "admin"),
        },
        "first": {"state": "waiting", "status": "initialized", "last_sync": None},
        "waiting": {"state": "waiting", "saved_since": 2},
        "looking": {**running, "progress": {**_PROGRESS, "phase": "scanning"}},
        "syncing": {**running, "progress": _PROGRESS},
        "slowed": {**running, "progress": {**_PROGRESS, "slowed": True}},
        "checking": {**running, "progress": {**_PROGRESS, "phase": "checking", "done": 120}},
        "synced": {},
        "failed_files": {
            "state": "needs_you",
            "status": "completed_with_errors",
            "meta": {"failed": 3, "left_out": 12},
        },
        "held": {"state": "needs_you", "holds": [hold]},
        "reconnect": {
            "state": "needs_you",
            "status": "failed",
            "problem": _problem("auth.revoked", "user"),
        },
        "full": {
            "state": "needs_you",
            "status": "failed",
            "problem": _problem("drive.full", "user"),
        },
        "admin": {**failed, "problem": _problem("org.blocked", "admin")},
        "killed": {**failed, "problem": _problem("run.killed", "wait")},
        "offline": {
            "state": "offline",
            "status": "failed",
            "problem": _problem("net.offline", "wait"),
        },
        "paused": {"state": "paused", "paused": True, "paused_by": "user", "paused_until": -1},
    }


def _base(now: float) -> dict[str, Any]:
    return {
        "seq": 10**15,
        "time": now,
        "state": "synced",
        "status": "completed",
        "connected": True,
        "account": {"email": "ann@uni.edu", "name": "Ann"},
        "home": "/home/ann",
        "drive_folder": "home/ann",
        "link": "https://drive.google.com/drive/folders/abc",
        "problem": None,
        "incident": None,
        "holds": [],
        "last_sync": now - 3600,
        "last_sync_count": 1236,
        "last_sync_job": "j",
        "job": "j",
        "started": now - 3700,
        "traceback": "",
        "meta": {"left_out": 12},
        "progress": None,
        "saved_since": 0,
        "schedule": "0 3 * * *",
        "time_zone": "Europe/Zurich",
        "next_run": now + 15 * 3600,
        "waiting_for": "",
        "paused": False,
        "paused_until": None,
        "paused_by": "",
        "consent": None,
        "ask": False,
    }


def _files(state: str) -> list[dict[str, Any]]:
    failed = [
        ("data8/lab2/results of a very long night of measurements.csv", "file.changed"),
        ("data8/lab3/Lab3.ipynb", "cannot be read (Permission denied)"),
        ("data/model.bin", "the copy on Drive was not identical; it is sent again next time"),
    ]
    rows = [(path, "failed", reason, 10) for path, reason in failed if state == "failed_files"]
    rows += [("data/huge.h5", "left_out", "larger than 2 GB (your limit)", 3_000_000_000)]
    rows += [(".cache", "left_out", 'excluded by rule ".cache/" (default)', 0)]
    rows += [(f"data8/lab{n}/Lab{n}.ipynb", "updated", "", n * 70_000) for n in range(1, 300)]
    names = ("path", "outcome", "reason", "size")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _act_as(page: Page, state: str, told: dict[str, Any], now: float) -> None:
    """Answer for the server."""
    answers = {
        "status": {**_base(now), **told},
        "files": {"files": _files(state), "total": len(_files(state)), "offset": 0},
        "history": {
            "runs": [
                {
                    "id": 7,
                    "job": "j",
                    "started": now - 3700,
                    "ended": now - 3600,
                    "outcome": "completed",
                    "counters": {
                        "failed": 3 if state == "failed_files" else 0,
                        "updated": 299,
                        "left_out": 12,
                        "unchanged": 937,
                        "done": 299,
                        "bytes": 5_200_000,
                    },
                    "problem": None,
                    "verified": False,
                }
            ],
            "total": 1,
            "offset": 0,
        },
    }
    held = [{"path": f"data8/lab{n % 9}/part {n}.csv", "size": 240_000} for n in range(412)]

    def answer(route: Route) -> None:
        path = route.request.url.split("?")[0].rsplit("/drive-sync/api/", 1)[1]
        if route.request.method != "GET" or path in ("settings", "preview", "disconnect"):
            route.continue_()
        elif path.startswith("holds/"):
            body = {"files": held, "total": len(held), "offset": 0}
            route.fulfill(body=json.dumps(body), content_type="application/json")
        else:
            body = answers["files" if path.endswith("files") else path]
            route.fulfill(body=json.dumps(body), content_type="application/json")

    page.unroute("**/drive-sync/api/**")
    page.route("**/drive-sync/api/**", answer)
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(400)


def _take(server: Jupyter, folder: Path, *, dark: bool) -> None:
    themes = server.home.parent.parent / "settings" / "@jupyterlab" / "apputils-extension"
    themes.mkdir(parents=True, exist_ok=True)
    theme = "JupyterLab Dark" if dark else "JupyterLab Light"
    (themes / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    shade = "dark" if dark else "light"
    now = time.time()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        context = new_context(browser, dark=dark)
        for app, path in (("lab", "/lab"), ("notebook", "/notebooks/data8/lab1/Lab1.ipynb")):
            page = open_page(context, server, path)
            page.wait_for_timeout(3_500)
            for name, told in states(now).items():
                _act_as(page, name, told, now)
                page.screenshot(
                    path=folder / f"{shade}-{app}-{name}-bar.png",
                    clip={"x": 0, "y": 0, "width": 640, "height": 110}
                    if app == "notebook"
                    else {"x": 0, "y": 740, "width": 640, "height": 60},
                )
                page.evaluate("() => document.querySelector('.jp-DriveSync-dialog')?.close()")
                if app == "lab":
                    page.locator(".jp-DriveSync-statusButton").click()
                    page.wait_for_timeout(500)
                    page.screenshot(path=folder / f"{shade}-{app}-{name}.png")
                    if name == "held":
                        dialog = page.get_by_role("dialog")
                        dialog.get_by_role("button", name="Review").click()
                        page.wait_for_timeout(500)
                        page.screenshot(path=folder / f"{shade}-{app}-review.png")
                        dialog.get_by_role("button", name="Move 412").click()
                        page.wait_for_timeout(300)
                        page.screenshot(path=folder / f"{shade}-{app}-sure.png")
                    page.keyboard.press("Escape")
            if app == "lab":
                page.set_viewport_size({"width": 320, "height": 640})
                page.locator(".jp-DriveSync-statusButton").click()
                page.wait_for_timeout(500)
                page.screenshot(path=folder / f"{shade}-narrow.png")
                page.keyboard.press("Escape")
            page.close()
        browser.close()


def main(folder: Path) -> None:
    """Take them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as base, jupyter(Path(base)) as server:
        for dark in (False, True):
            _take(server, folder, dark=dark)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
