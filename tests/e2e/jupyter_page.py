"""A real Jupyter with the extension, a LocalDrive under it, and pages of it in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from playwright.sync_api import Browser, BrowserContext, Page, expect

from jupyter_drive_sync.demo.ground import Ground, local_drive

TOKEN: Final = "a-token-of-this-test"
ACCOUNT: Final = "ann@example.edu"
PYTHON: Final = os.environ.get("DRIVE_SYNC_E2E_PYTHON", sys.executable)
"""Whose Jupyter is tried: ours, or that of a place where the wheel was installed."""
_PATIENCE: Final = 90.0
CHROMIUM: Final = next(
    (path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), ""
)

NOTEBOOK: Final = """{
 "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Lab 1"]}],
 "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"},
              "language_info": {"name": "python"}},
 "nbformat": 4, "nbformat_minor": 5
}
"""


@dataclass(frozen=True, slots=True)
class Jupyter:
    """A server and what belongs to it."""

    url: str
    home: Path
    ground: Ground
    process: subprocess.Popen[bytes]
    log: Path

    def address(self, path: str) -> str:
        """Return where a page is, with the token that logs in."""
        return f"{self.url}{path}?token={TOKEN}"


def fill(home: Path) -> None:
    """Write the home of a student."""
    for lab in range(1, 9):
        folder = home / f"data8/lab{lab}"
        folder.mkdir(parents=True)
        (folder / f"Lab{lab}.ipynb").write_text(NOTEBOOK)
        (folder / "measured.csv").write_text("a,b\n" * 100 * lab)
    (home / ".cache").mkdir()
    (home / ".cache" / "junk").write_text("junk")
    (home / "notes.md").write_text("# Notes\n")


def set_theme(server: Jupyter, *, dark: bool) -> None:
    """Set the theme of pages that are opened from now on."""
    settings = server.home.parent.parent / "settings" / "@jupyterlab" / "apputils-extension"
    theme = "JupyterLab Dark" if dark else "JupyterLab Light"
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def jupyter(base: Path, *options: str, faults: tuple[str, ...] = ()) -> Iterator[Jupyter]:
    """Serve a Jupyter for a block; token and XSRF check are on, as in real life."""
    home = base / "home" / "ann"
    home.mkdir(parents=True)
    fill(home)
    log = base / "jupyter.log"
    # Jupyter's own question of a new profile would lie beside ours.
    settings = base / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    with local_drive(faults=faults) as ground:
        port = _free_port()
        environment = {
            **ground.environment(os.environ),
            "HOME": str(home),
            "XDG_STATE_HOME": str(base / "state"),
            "JUPYTER_CONFIG_DIR": str(base / "config"),
            "JUPYTER_DATA_DIR": str(base / "data"),
            "JUPYTER_RUNTIME_DIR": str(base / "runtime"),
            "JUPYTERLAB_WORKSPACES_DIR": str(base / "workspaces"),
            "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        }
        command = [
            PYTHON, "-m", "jupyterlab", "--no-browser", "--allow-root",
            "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={home}",
            f"--DriveSync.client_file={ground.client_file}", "--DriveSync.drive_folder=home/ann",
            *options,
        ]  # fmt: skip
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=home)
            try:
                url = f"http://127.0.0.1:{port}"
                _await(f"{url}/api/status?token={TOKEN}", process, log)
                yield Jupyter(url, home, ground, process, log)
            finally:
                process.terminate()
                process.wait(30)


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    opener = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with opener.open(address, timeout=5):
                return
        except (URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Jupyter did not start:\n{log.read_text()}") from None
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.2)


def new_context(browser: Browser, *, dark: bool = False) -> BrowserContext:
    """Open a window of its own."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800},
        color_scheme="dark" if dark else "light",
        timezone_id="Europe/Zurich",
        locale="en-GB",
    )
    context.set_default_timeout(30_000)
    return context


def open_page(context: BrowserContext, server: Jupyter, path: str) -> Page:
    """Go to a page of Jupyter and wait for our button."""
    page = context.new_page()
    page.goto(server.address(path))
    expect(page.locator(".jp-DriveSync-stateButton").first).to_be_attached(timeout=60_000)
    return page


def answer(consent: Page, decision: str) -> None:
    """Answer ``Allow`` or ``Cancel`` on LocalDrive's page of consent."""
    consent.get_by_role("button", name=decision).click()
