"""A LocalDrive to stand on: served at this machine, with a client file that leads to it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_drive_sync.errors import UsageError
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.fault_text import FaultSyntaxError, parse_fault
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings

CLIENT_FILE = "client_secrets.json"


@dataclass(frozen=True, slots=True)
class Ground:
    """A LocalDrive that answers.

    Attributes:
        drive: its inside.
        url: its address; a browser sees the Drive there.
        client_file: what Google's console would download, for this server; for a desktop client.
        device_file: the same for a client of the device flow.
    """

    drive: LocalDrive
    url: str
    client_file: Path
    device_file: Path

    def web_client(self, redirect_uri: str, path: Path) -> None:
        """Register an address to answer at, and write the file of a client of the kind web.

        Args:
            redirect_uri: where a browser is sent back to.
            path: of the file.
        """
        client = self.drive.oauth.client_of_kind("web")
        self.drive.oauth.add_redirect_uri(client.client_id, redirect_uri)
        _client_file(self.drive, "web", self.url, path)

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return an environment in which our program talks to this server and no other."""
        return {
            **base,
            "DRIVE_SYNC_API_ENDPOINT": self.url,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


@contextlib.contextmanager
def local_drive(
    *,
    folder: Path | None = None,
    port: int = 0,
    seed: int = 0,
    faults: Sequence[str] = (),
    settings: LocalDriveSettings | None = None,
) -> Iterator[Ground]:
    """Serve a LocalDrive for a block.

    Args:
        folder: where its state and the client files lie; None forgets them at the end.
        port: 0 takes any free one.
        seed: decides all that is random.
        faults: what shall go wrong, in the words of :func:`parse_fault`.
        settings: how it behaves.

    Raises:
        UsageError: the port is in use, the folder cannot be used, or a fault means nothing.
    """
    with contextlib.ExitStack() as stack:
        try:
            planned = [parse_fault(text) for text in faults]
            files = folder or Path(stack.enter_context(TemporaryDirectory(prefix="localdrive-")))
            files.mkdir(parents=True, exist_ok=True)
            drive = stack.enter_context(LocalDrive(folder, seed=seed, settings=settings))
        except FaultSyntaxError as problem:
            raise UsageError(problem=f"{problem}.") from problem
        except OSError as problem:
            raise UsageError(
                problem=f"The folder {folder} cannot be used: {problem.strerror}."
            ) from problem
        for fault in planned:
            drive.faults.add(fault)
        try:
            server = stack.enter_context(LocalDriveServer(drive, port=port))
        except OSError as problem:
            raise UsageError(
                problem=f"Port {port} cannot be used: {problem.strerror}. Name another with --port."
            ) from problem
        yield Ground(
            drive,
            server.url,
            _client_file(drive, "desktop", server.url, files / CLIENT_FILE),
            _client_file(drive, "tv", server.url, files / "device_secrets.json"),
        )


def _client_file(drive: LocalDrive, kind: str, url: str, path: Path) -> Path:
    client = next(each for each in drive.oauth.clients if each.kind == kind)
    content = json.dumps(drive.oauth.client_file(client.client_id, url), indent=1)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content + "\n")
    return path
