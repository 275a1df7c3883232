"""LocalDrive without a socket, and our client on it, both under one virtual clock."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from random import Random
from typing import Any
from urllib.parse import urlsplit

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import FileId
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.drive.transport import Call, Transport
from jupyter_drive_sync.drive.types import CreateFolder, NewFile
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from jupyter_drive_sync.localdrive.wire import Request, received
from tests.virtual_clock import VirtualClock

ROOT = "http://127.0.0.1:9"
ANN = "ann@example.edu"
DRIVE_FILE = "https://www.googleapis.com/auth/drive.file"
HOME = "h0me"


class _Service:
    """The client library's service, its parts made once."""

    def __init__(self, service: Any) -> None:
        self.files = functools.cache(service.files)
        self.revisions = functools.cache(service.revisions)
        self.changes = functools.cache(service.changes)
        self.about = functools.cache(service.about)
        self.drives = functools.cache(service.drives)


class OneEndpoint(Endpoint):
    """Builds its service once: making one takes longer than a small pass."""

    @functools.cache  # noqa: B019 - there is one for the whole run
    def build(self) -> Any:
        return _Service(super().build())


ENDPOINT = OneEndpoint(ROOT)


class DriveTime:
    """LocalDrive's view of the virtual clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.wall()

    def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)


class LocalWire:
    """A wire that ends in a LocalDrive of the same process."""

    def __init__(self, drive: LocalDrive, clock: VirtualClock) -> None:
        self._drive = drive
        self._clock = clock

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        parts = urlsplit(uri)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        plain = {name: value for name, value in headers.items() if name != "accept-encoding"}
        sent = {"content-length": str(len(body or b"")), **plain}
        request = Request.make(method, target, headers=sent, body=body or b"", base_url=ROOT)
        response = self._drive.dispatch(request)
        content = received(response)
        got = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status, {"date": formatdate(self._clock.wall()), **got}, content)

    def close(self) -> None:
        pass


@dataclass
class FixedTokens:
    """Tokens from a list; the next one when one is refused."""

    values: list[str]
    renewed: int = 0

    def token(self) -> Secret:
        return Secret(self.values[0])

    def renew(self, refused: Secret) -> None:
        self.renewed += 1
        if len(self.values) > 1 and Secret(self.values[0]) == refused:
            self.values.pop(0)


@dataclass
class Ground:
    """A LocalDrive and a `Drive` on it."""

    server: LocalDrive
    clock: VirtualClock
    transport: Transport
    drive: Drive
    tokens: FixedTokens
    calls: list[Call] = field(default_factory=list)

    def plan(self, kind: str, endpoint: str = "*", **more: object) -> None:
        """Add a fault; what `Fault` does not know is a parameter of its kind."""
        names = ("nth", "every", "times", "method", "probability")
        rule = {name: more.pop(name) for name in names if name in more}
        self.server.faults.add(Fault(kind, endpoint, parameters=more, **rule))  # type: ignore[arg-type]

    def folder(self, name: str = "home") -> FileId:
        """Make a folder in My Drive."""
        (folder_id,) = self.drive.generate_ids(1)
        (made,) = self.drive.batch([CreateFolder(folder_id, name, None, ours())])
        assert not isinstance(made, Exception)
        return folder_id

    def new(self, name: str, parent: FileId, nonce: str = "n1") -> NewFile:
        """Describe a file with a fresh id."""
        (file_id,) = self.drive.generate_ids(1)
        return NewFile(file_id, name, parent, 1_799_999_000_123, ours(nonce))

    def content(self, file_id: FileId) -> bytes:
        """Read what the server holds."""
        reply = self.transport.send(
            Call("GET", f"{ROOT}/drive/v3/files/{file_id}?alt=media", "files.download"),
            lambda reply: reply,
        )
        return reply.body


def seeded(seed: int) -> Random:
    """Give chance that repeats itself."""
    return Random(seed)  # noqa: S311 - to be repeatable is the point


def ours(nonce: str = "n0") -> dict[str, str]:
    """The marks that our objects carry."""
    return {"jds": "1", "home": HOME, "w": nonce}


def stand(
    clock: VirtualClock,
    *,
    settings: Settings | None = None,
    drive: LocalDriveSettings | None = None,
    permit: Callable[[], None] = lambda: None,
    seed: int = 1,
) -> Ground:
    """Put a client of ours on a new LocalDrive."""
    server = LocalDrive(clock=DriveTime(clock), seed=seed, settings=drive)
    client = server.oauth.client_of_kind("desktop")
    granted = server.oauth.grant(ANN, client.client_id, [DRIVE_FILE])
    tokens = FixedTokens([granted.access_token])
    calls: list[Call] = []
    transport = Transport(
        tokens,
        lambda: LocalWire(server, clock),
        clock,
        seeded(seed),
        settings or Settings(),
        permit=permit,
        on_request=calls.append,
    )
    api = Drive(transport, ENDPOINT, seeded(seed))
    return Ground(server, clock, transport, api, tokens, calls)
