"""A real child process on a real socket: LocalDrive over HTTP, and a hand on the kill switch."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jupyter_drive_sync.drive.secrets import Grant, Secret, SecretsStore
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.wire import Request, Response
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import JobKind

ANN = "ann@example.edu"
DRIVE_FILE = "https://www.googleapis.com/auth/drive.file"


def plain_environment() -> dict[str, str]:
    """Return ours without what would trace a child, which is slow and takes memory."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


class WatchedDrive(LocalDrive):
    """A LocalDrive that says before and after each Drive request that it is there."""

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder, seed=7)
        self.before: Callable[[Request], None] = lambda _: None
        self.after: Callable[[Request], None] = lambda _: None
        self.chunk_bytes = 0
        """Bytes of the chunks that were sent, or were about to be."""

    def dispatch(self, request: Request) -> Response:
        extent = re.fullmatch(r"bytes (\d+)-(\d+)/\d+", request.header("content-range") or "")
        if extent:
            self.chunk_bytes += int(extent[2]) - int(extent[1]) + 1
        self.before(request)
        response = super().dispatch(request)
        self.after(request)
        return response


def connect(drive: LocalDrive, url: str, folder: Path) -> Place:
    """Give a home a grant, and say where everything is."""
    client = drive.oauth.client_of_kind("desktop")
    client_file = folder / "client_secrets.json"
    client_file.write_text(json.dumps(drive.oauth.client_file(client.client_id, url)))
    tokens = drive.oauth.grant(ANN, client.client_id, [DRIVE_FILE])
    assert tokens.refresh_token is not None
    state = folder / "state"
    state.mkdir(mode=0o700)
    SecretsStore(state).keep_grant(
        Grant(Secret(tokens.refresh_token), (DRIVE_FILE,), client.client_id, drive.clock.now())
    )
    home = folder / "home"
    home.mkdir()
    return Place(home, state, "home/ann", client_file, client_named=True)


class Killer:
    """Kills a child at its n-th Drive request, before or after the server has acted."""

    def __init__(self, drive: WatchedDrive) -> None:
        self._drive = drive
        self._lock = threading.Lock()

    def run(
        self,
        place: Place,
        url: str,
        *,
        at: int | None,
        acted: bool = False,
        kind: JobKind = "mirror",
    ) -> bool:
        """Run a pass, or another job; with ``at``, kill it there.

        Returns:
            Whether the pass came to its end.
        """
        environment = {**plain_environment(), "DRIVE_SYNC_API_ENDPOINT": url}
        seen = 0
        with Child(place.job(kind), environment=environment) as child:

            def count(request: Request) -> None:
                nonlocal seen
                if "/drive/v3" not in request.path:
                    return
                with self._lock:
                    seen += 1
                    if seen == at:
                        child.kill()

            self._drive.before = (lambda _: None) if acted or at is None else count
            self._drive.after = count if acted and at is not None else (lambda _: None)
            try:
                with suppress(DriveSyncError):
                    follow(child, lambda _: None)
                    return True
                return False
            finally:
                self._drive.before = self._drive.after = lambda _: None
