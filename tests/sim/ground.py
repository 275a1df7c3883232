"""Our program on a LocalDrive of the same process, with every seam handed in."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from email.utils import formatdate
from random import Random
from unittest.mock import patch
from urllib.parse import urlsplit

from jupyter_drive_sync.core import patterns
from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.drive.exchange import Exchange
from jupyter_drive_sync.drive.oauth import ClientFile, parse_client_file
from jupyter_drive_sync.drive.token_endpoint import TokenEndpoint
from jupyter_drive_sync.drive.wire import Reply, Wire
from jupyter_drive_sync.engine import survey
from jupyter_drive_sync.home import read, reading, scan
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.wire import Request, Response, received
from tests.drive.ground import ENDPOINT, ROOT
from tests.sim.model_fs import Disk
from tests.virtual_clock import VirtualClock

BEGINNING = 2_100_000_000.0
"""Seconds since the epoch when a simulation begins: later than any real file's time."""


class DriveTime:
    """Drive's own clock: nobody here can set it."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._ahead = clock.wall() - clock.monotonic()

    def now(self) -> float:
        return self._clock.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)


class SimWire:
    """A wire that ends in a LocalDrive of the same process.

    Args:
        server: answers.
        clock: for the ``Date`` of replies, as Drive's clock has it.
        wait: passes the time that a slow reply takes.
        instant: told before a request is sent and after the server has acted.
    """

    def __init__(
        self,
        server: LocalDrive,
        clock: DriveTime,
        wait: Callable[[float], None],
        instant: Callable[[str, Request], None],
    ) -> None:
        self._server = server
        self._clock = clock
        self._wait = wait
        self._instant = instant

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        parts = urlsplit(uri)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        plain = {name: value for name, value in headers.items() if name != "accept-encoding"}
        sent = {"content-length": str(len(body or b"")), **plain}
        request = Request.make(method, target, headers=sent, body=body or b"", base_url=ROOT)
        self._instant("send", request)
        response = self._server.dispatch(request)
        self._instant("acted", request)
        self._wait(_duration(response))
        content = received(response)
        got = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status, {"date": formatdate(self._clock.now()), **got}, content)

    def close(self) -> None:
        pass


def _duration(response: Response) -> float:
    delivery = response.delivery
    if not delivery.drip:
        return delivery.delay
    return delivery.delay + response.size / delivery.drip * delivery.pause


def client_of(server: LocalDrive) -> ClientFile:
    """Read the client file of a desktop client."""
    client = server.oauth.client_of_kind("desktop")
    raw = json.dumps(server.oauth.client_file(client.client_id, ROOT)).encode()
    return parse_client_file(raw, "client_secrets.json")


def exchange_of(
    client: ClientFile, wire: Callable[[], Wire], clock: Clock, random: Random
) -> Exchange:
    """Make what refreshes tokens."""
    return Exchange(client, ENDPOINT, TokenEndpoint(wire, clock, random))


@contextmanager
def home_in_memory(disk: Disk) -> Iterator[None]:
    """Let the rooms that read homes read those of a model, and time by its clock."""
    compiled = functools.cache(patterns._compiled)
    with ExitStack() as stack:
        for module in (scan, read, reading):
            stack.enter_context(patch.object(module, "os", disk))
        stack.enter_context(
            patch.object(survey, "probe_in", lambda _state, root: disk.homes[str(root)].now_ns)
        )
        stack.enter_context(patch.object(patterns, "_compiled", compiled))
        yield
