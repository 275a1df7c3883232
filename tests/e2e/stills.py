"""The pictures of the README, from a real first sync: `python -m tests.e2e.stills FOLDER`."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect, sync_playwright

from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
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

LAB = "/lab/tree/data8/lab1/Lab1.ipynb"


def _at_rest(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.evaluate(
        "() => Promise.all([...document.querySelectorAll('.jp-DriveSync-toast')]"
        ".flatMap(node => node.getAnimations()).map(motion => motion.finished))"
    )


@contextlib.contextmanager
def slowly(*, latency: float) -> Iterator[tuple[Jupyter, Browser]]:
    """Serve a home whose first sync takes long enough to be watched; latency in seconds."""
    slow = LocalDriveSettings(latency=latency)
    with (
        TemporaryDirectory() as base,
        jupyter(Path(base), "--DriveSync.concurrency=1", drive=slow) as server,
        sync_playwright() as playwright,
    ):
        for number in range(60):
            (server.home / "data8" / f"measured-{number}.csv").write_text("1,2\n" * 9_000)
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        expect.set_options(timeout=120_000)
        yield server, browser
        browser.close()


def main(folder: Path) -> None:
    """Take them."""
    folder.mkdir(parents=True, exist_ok=True)
    with slowly(latency=0.4) as (server, browser):
        window = new_context(browser)
        page = open_page(window, server, LAB)
        page.set_viewport_size({"width": 1080, "height": 560})
        toast = page.locator(".jp-DriveSync-toast")
        expect(toast).to_be_visible()
        _at_rest(page)
        page.screenshot(path=folder / "prompt.png")
        toast.get_by_role("button", name="Authorize Google Drive").click()
        dialog = page.locator(".jp-DriveSync-dialog")
        expect(dialog).to_contain_text("My Drive/home/ann")
        with window.expect_page() as consent:
            dialog.get_by_role("button", name="Continue to Google").click()
        answer(consent.value, "Allow")
        consent.value.wait_for_url("**/drive-sync/oauth2callback*")
        consent.value.close()
        page.set_viewport_size({"width": 1080, "height": 640})
        panel = page.locator(".jp-DriveSync-panel")
        expect(
            panel.get_by_role("heading", name=re.compile(r"[3-5]\d of \d\d.*left"))
        ).to_be_visible()
        page.screenshot(path=folder / "first-sync.png")
        shows(page, "synced", seconds=240)
        page.close()

        page = open_page(window, server, "/notebooks/data8/lab1/Lab1.ipynb")
        page.set_viewport_size({"width": 1080, "height": 220})
        shows(page, "synced")
        page.locator(".jp-NotebookPanel-toolbar .jp-DriveSync-stateButton").hover()
        _at_rest(page)
        page.screenshot(path=folder / "notebook.png")
        page.close()

        set_theme(server, dark=True)
        dark = new_context(browser, dark=True)
        page = open_page(dark, server, LAB)
        page.set_viewport_size({"width": 1080, "height": 720})
        shows(page, "synced")
        page.locator(".jp-DriveSync-statusButton").click()
        panel = page.locator(".jp-DriveSync-panel")
        expect(panel.get_by_role("list", name="Files of this sync")).to_be_visible()
        _at_rest(page)
        page.screenshot(path=folder / "dark.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
