"""A LocalDrive, a home, and the command line that is told of both by its environment."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.cli.commands import run
from jupyter_drive_sync.demo.browser import Browser
from jupyter_drive_sync.demo.ground import Ground, local_drive
from jupyter_drive_sync.demo.proof import mirrored
from jupyter_drive_sync.runner import consent

ANN = "ann@example.edu"
BEN = "ben@example.edu"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The objects of ``--json``."""
        return [json.loads(line) for line in self.out.splitlines()]

    def record(self, event: str) -> dict[str, Any]:
        """The one object of a kind."""
        (found,) = [record for record in self.records if record["event"] == event]
        return found

    @property
    def sentence(self) -> str:
        """The one line on stderr that is no progress."""
        lines = [line for line in self.err.splitlines() if not _is_progress(line)]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.out + self.err
        return lines[0]


def _is_progress(line: str) -> bool:
    return line.startswith(("Asking", "Looking", "Copying", "Checking", "Starting"))


class Desk:
    """A person with a home, at a terminal."""

    def __init__(
        self, ground: Ground, home: Path, state: Path, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.ground = ground
        self.home = home
        self.state = state
        self._capture = capture

    def run(self, *arguments: str) -> Said:
        """Run a command in this process (its jobs run in children all the same)."""
        self._capture.readouterr()
        code = run(arguments)
        said = self._capture.readouterr()
        return Said(code, said.out, said.err)

    def write(self, path: str, content: str | bytes = "content\n") -> Path:
        """Write a file of the home."""
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return target

    def connect(self, account: str = ANN) -> Said:
        """Connect, by a browser that allows everything."""
        return self.authorize(lambda url: Browser(account).allow(url))

    def authorize(self, visit: Any, *arguments: str) -> Said:
        """Run ``authorize``, while ``visit`` does in a thread what a person does at an address."""
        threads: list[threading.Thread] = []

        def go(url: str) -> None:
            with contextlib.suppress(OSError):  # a page of refusal; the command says the rest
                visit(url)

        def open_browser(url: str) -> bool:
            threads.append(threading.Thread(target=go, args=(url,)))
            threads[0].start()
            return True

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("webbrowser.open", open_browser)
            said = self.run("authorize", *arguments)
        for thread in threads:
            thread.join()
        return said

    def on_drive(self, account: str = ANN, folder: str = "home/ann") -> dict[str, str]:
        """Return the md5 of each live file on Drive."""
        held, twins = mirrored(self.ground.drive, account, folder)
        assert not twins
        return {path: file.md5 for path, file in held.items()}


@pytest.fixture
def ground() -> Iterator[Ground]:
    with local_drive(seed=3) as ground:
        yield ground


@pytest.fixture
def desk(
    ground: Ground,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    home = tmp_path / "ann"
    home.mkdir()
    (home / "notes.txt").write_text("notes\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("JUPYTERHUB_USER", "ann")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("DRIVE_SYNC_API_ENDPOINT", ground.url)
    monkeypatch.setenv("DRIVE_SYNC_CLIENT_FILE", str(ground.client_file))
    monkeypatch.setattr(consent, "PATIENCE", 30.0)
    return Desk(ground, home, tmp_path / "jupyter-drive-sync", capsys)


@pytest.fixture
def connected(desk: Desk) -> Desk:
    said = desk.connect()
    assert said.code == 0, said.err
    return desk
