"""A real Jupyter with the extension, a LocalDrive under it, and pages of it in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
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

from axe_playwright_python.sync_playwright import Axe
from jupyter_server.auth.security import passwd
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from playwright.sync_api import Error as PlaywrightError

from jupyter_drive_sync.demo.ground import Ground, local_drive
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.canary.watch import current

TOKEN: Final = "a-token-of-this-test"
ACCOUNT: Final = "ann@example.edu"
PYTHON: Final = os.environ.get("DRIVE_SYNC_E2E_PYTHON", sys.executable)
"""Whose Jupyter is tried: ours, or that of a place where the wheel was installed."""
_PATIENCE: Final = 240.0
_SECRETS: Final = (TOKEN, r"ya29\.", r"1//", r"GOCSPX", r"code=4", r"[?&]state=")
"""What no console may show: tokens of Jupyter and Google, client secret, code and state."""
LEAKS: Final[list[str]] = []
"""What a console showed of them."""
_IDLE: Final = {
    f"python3.{sys.version_info.minor}/threading.py",
    f"python3.{sys.version_info.minor}/queue.py",
    "_backends/_asyncio.py",
}
"""Where a Jupyter hangs that ended while a folder was being read for a page: an idle thread of
anyio waits for work, and Python for the thread (agronholm/anyio#321, jupyterlab/jupyterlab#10442).
"""
_OURS: Final = (
    ".jp-DriveSync-side",
    ".jp-DriveSync-dialog",
    ".jp-DriveSync-stateButton",
    ".jp-DriveSync-statusItem",
    ".jp-DriveSync-live",
    ".jp-DriveSync-toast",
    ".jp-DriveSync-settings",
)
_TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AT_REST: Final = """selector => Promise.all(
  [...document.querySelectorAll(selector)].flatMap(node => node.getAnimations())
    .map(motion => motion.finished.catch(() => undefined))
)"""
_TALL: Final = "() => { document.body.style.minHeight = '100vh'; }"
"""Jupyter's body has no height and hides what overflows: axe would take all in it for invisible,
and judge no contrast."""
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


@dataclass
class Jupyter:
    """A server and what belongs to it; it can end and begin again at the same address.

    Attributes:
        command: starts it.
        environment: of it.
        url: where it answers, without a slash.
        home: of the student.
        ground: the Drive.
        log: what it says.
        password: of the login page; ``""``: the token logs in.
    """

    command: list[str]
    environment: dict[str, str]
    url: str
    home: Path
    ground: Ground
    log: Path
    password: str = ""
    _process: subprocess.Popen[bytes] | None = None

    def address(self, path: str) -> str:
        """Return where a page is, with the token that logs in where there is one."""
        return f"{self.url}{path}" if self.password else f"{self.url}{path}?token={TOKEN}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self.command, env=self.environment, stdout=out, stderr=out, cwd=self.home
            )
        _await(f"{self.url}/api", self._process, self.log)

    def kill(self) -> None:
        """End it at once, as an out-of-memory killer would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> None:
        """End it in order; one that does not leaves in its log where it hangs.

        Raises:
            subprocess.TimeoutExpired: it does not, and that is no fault of Jupyter's own.
        """
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGABRT)  # see PYTHONFAULTHANDLER
                self._process.wait(60)
                _, _, dump = self.log.read_text("utf-8", "replace").partition("Fatal Python error")
                hangs = set(re.findall(r'File ".*?([^/]+/[^/]+\.py)"', dump))
                if not hangs or not hangs <= _IDLE:
                    raise

    def testify(self) -> None:
        """Print what a failed test is understood by."""
        sys.stdout.write(self.log.read_text("utf-8", "replace")[-8_000:])
        for status in self.log.parent.glob("state/*/status.json"):
            sys.stdout.write(status.read_text())


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
def jupyter(
    base: Path, *options: str, drive: LocalDriveSettings | None = None, password: str = ""
) -> Iterator[Jupyter]:
    """Serve a Jupyter for a block; login and XSRF check are on, as in real life.

    Args:
        base: everything is below it.
        options: of the command line.
        drive: how the LocalDrive behaves.
        password: where a person logs in with one, pages know no token, as on a hub.
    """
    home = base / "home" / "ann"
    home.mkdir(parents=True)
    fill(home)
    # Jupyter's own question of a new profile would lie beside ours.
    settings = base / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    login = f"--IdentityProvider.token={TOKEN}"
    if password:
        config = base / "config"
        config.mkdir()
        hashed = {"hashed_password": passwd(password, "sha256")}
        (config / "jupyter_server_config.json").write_text(
            json.dumps({"PasswordIdentityProvider": hashed})
        )
        login = "--IdentityProvider.token="
    with local_drive(settings=drive) as ground:
        port = _free_port()
        environment = {
            **ground.environment(os.environ),
            "PYTHONFAULTHANDLER": "1",
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
            "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", login,
            f"--ServerApp.root_dir={home}",
            f"--DriveSync.client_file={ground.client_file}", "--DriveSync.drive_folder=home/ann",
            *options,
        ]  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        server = Jupyter(command, environment, url, home, ground, base / "jupyter.log", password)
        try:
            server.start()
            yield server
        finally:
            try:
                server.stop()
            finally:
                server.testify()
            current().folders.add(base / "state" / "jupyter-drive-sync")
            current().look("log", "jupyter", server.log.read_bytes())


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
    """Open a window of its own; what its pages write to the console is watched."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800},
        color_scheme="dark" if dark else "light",
        timezone_id="Europe/Zurich",
        locale="en-GB",
    )
    context.set_default_timeout(90_000)  # a busy machine is no bug
    context.on("console", _no_secret)
    return context


def _no_secret(message: ConsoleMessage) -> None:
    current().look("browser console", message.location, message.text)
    LEAKS.extend(message.text for secret in _SECRETS if re.search(secret, message.text))


def shows(page: Page, state: str, *, seconds: float = 120) -> None:
    """Wait until the button of the page shows a state."""
    button = page.locator(".jp-DriveSync-stateButton").first
    expect(button).to_have_attribute("data-state", state, timeout=seconds * 1000)


def audit(page: Page) -> list[str]:
    """Return what axe finds in what is ours on a page: dialog, buttons, status item, toasts."""
    found, judged = [], False
    page.evaluate(_TALL)
    for selector in _OURS:
        if page.locator(selector).count() == 0:
            continue
        page.evaluate(_AT_REST, selector)
        options = {"runOnly": {"type": "tag", "values": _TAGS}}
        try:
            report = Axe().run(page, context=selector, options=options).response
        except PlaywrightError:
            if page.locator(selector).count() == 0:
                continue  # a notification has gone meanwhile
            raise
        judged |= any(
            each["id"] == "color-contrast" for each in report["passes"] + report["violations"]
        )
        found += [
            f"{selector}: {each['id']}: {node['html']} {node['failureSummary']}"
            for each in report["violations"]
            for node in each["nodes"]
        ]
    assert judged, "axe saw no text"
    return found


def open_page(context: BrowserContext, server: Jupyter, path: str) -> Page:
    """Go to a page of Jupyter, log in where that is wanted, and wait for our button."""
    page = context.new_page()
    page.goto(server.address(path))
    if server.password and "/login" in page.url:
        page.locator("input[type=password]").fill(server.password)
        page.locator("button[type=submit]").click()
    expect(page.locator(".jp-DriveSync-stateButton").first).to_be_attached()
    return page


def answer(consent: Page, decision: str) -> None:
    """Answer ``Allow`` or ``Cancel`` on LocalDrive's page of consent."""
    consent.get_by_role("button", name=decision).click()
