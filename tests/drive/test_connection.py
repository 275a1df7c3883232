"""The real wire, over loopback sockets: what httplib2 does by itself, and must not."""

from __future__ import annotations

import hashlib
import http.client
import io
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.connection import HttpWire, proxy_for
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.transport import Call, Transport
from jupyter_drive_sync.drive.types import CreateFolder, NewFile
from jupyter_drive_sync.drive.upload import Uploads
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import BadSettings, Offline
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.proxy import LocalDriveProxy
from tests.acceptance.relay import Relay
from tests.drive.ground import ANN, DRIVE_FILE, FixedTokens, ours, seeded
from tests.drive.test_upload import Bytes, Keys
from tests.virtual_clock import VirtualClock

Answer = Callable[[socket.socket], None]


class RawServer:
    """Reads each request to its end and lets a function answer; counts the requests."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.requests: list[bytes] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/x"

    def __enter__(self) -> RawServer:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            try:
                self._read(stream)
                self._answer(connection)
            except OSError:
                return

    def _read(self, stream: BinaryIO) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += stream.readline()
        length = http.client.parse_headers(_headers(head)).get("content-length", "0")
        self.requests.append(head + stream.read(int(length)))


def _headers(head: bytes) -> io.BytesIO:
    return io.BytesIO(head.split(b"\r\n", 1)[1])


@contextmanager
def wire(timeout: float = 5.0) -> Iterator[HttpWire]:
    made = HttpWire(timeout)
    try:
        yield made
    finally:
        made.close()


def say(text: bytes) -> Answer:
    return lambda connection: connection.sendall(text)


def test_a_request_without_a_reply_is_not_sent_again_behind_our_back() -> None:
    body = bytes(300_000)
    with RawServer(lambda _: None) as server, wire() as made:
        with pytest.raises(ConnectionError):
            made.request("PUT", server.url, {}, body)
        assert len(server.requests) == 1
        assert server.requests[0].endswith(body)
        assert b"transfer-encoding" not in server.requests[0].lower()


@pytest.mark.parametrize(
    "torn",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
        b"HTTP/1.1 200 OK\r\nConte",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
)
def test_a_torn_reply_is_no_reply(torn: bytes, clock: VirtualClock) -> None:
    with RawServer(say(torn)) as server:
        sender = Transport(
            FixedTokens(["t"]), lambda: HttpWire(5), clock, seeded(1), Settings(retries=2)
        )
        with pytest.raises(Offline):
            sender.send(Call("GET", server.url, "files.get"), lambda reply: reply.json())
        sender.close()
        assert len(server.requests) in (2, 3)


def test_a_whole_reply_leaves_the_connection_usable() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
        connection.recv(1 << 16)
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ncd\r\n0\r\n\r\n"
        connection.sendall(chunked)
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with RawServer(answer) as server, wire() as made:
        replies = [made.request("GET", server.url, {}, None) for _ in range(3)]
        assert [(reply.status, reply.body) for reply in replies] == [
            (200, b"ab"),
            (200, b"cd"),
            (204, b""),
        ]
        assert len(server.requests) == 1  # the other two came over the same connection


def test_a_drip_does_not_last_for_ever() -> None:
    end = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not end.wait(0.005):
            connection.sendall(b"x")

    with RawServer(answer) as server, wire(0.02) as made:
        with pytest.raises(TimeoutError):
            made.request("GET", server.url, {}, None)
        end.set()


def test_a_body_goes_out_in_blocks_so_that_a_slow_line_may_take_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocks: list[int] = []
    true_send = socket.socket.sendall

    def sendall(self: socket.socket, data: bytes) -> None:
        blocks.append(len(data))
        true_send(self, data)

    body = bytes(1 << 20)
    monkeypatch.setattr(socket.socket, "sendall", sendall)
    with RawServer(lambda _: None) as server, wire() as made, pytest.raises(ConnectionError):
        made.request("PUT", server.url, {}, body)
    assert sum(blocks) > len(body)
    assert max(blocks) <= 1 << 16  # the timeout is for each of them


def test_redirects_are_replies() -> None:
    for status in (301, 302, 303, 307, 308):
        text = f"HTTP/1.1 {status} Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        with RawServer(say(text.encode())) as server, wire() as made:
            assert made.request("GET", server.url, {}, None).status == status
            assert len(server.requests) == 1


def client_of(
    drive: LocalDrive, endpoint: Endpoint, clock: VirtualClock
) -> tuple[Drive, Transport]:
    client = drive.oauth.client_of_kind("desktop")
    token = drive.oauth.grant(ANN, client.client_id, [DRIVE_FILE]).access_token
    transport = Transport(
        FixedTokens([token]), lambda: HttpWire(10), clock, seeded(1), Settings(concurrency=4)
    )
    return Drive(transport, endpoint, seeded(1)), transport


def test_a_whole_day_over_a_socket(clock: VirtualClock) -> None:
    with LocalDrive(seed=1) as server, LocalDriveServer(server) as door:
        drive, transport = client_of(server, Endpoint(door.url), clock)
        ids = drive.generate_ids(3)
        drive.batch([CreateFolder(ids[0], "home", None, ours())])
        made = drive.create_file(NewFile(ids[1], "é.txt", ids[0], 5, ours("n")), b"one" * 1000)
        assert drive.get(ids[1]) == made
        assert [each.id for each in drive.search("trashed = false").entries]
        uploads = Uploads(drive, Keys(), 256 * 1024)
        content = seeded(1).randbytes(700_000)
        big = uploads.send("k", NewFile(ids[2], "b", ids[0], 5), Bytes(content), len(content))
        assert big.md5 == hashlib.md5(content, usedforsecurity=False).digest()
        assert transport.traffic.requests == server.log.count()
        transport.close()


def test_replies_come_packed(clock: VirtualClock) -> None:
    seen: list[Reply] = []

    class Watched(HttpWire):
        def request(
            self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
        ) -> Reply:
            seen.append(super().request(method, uri, headers, body))
            return seen[-1]

    with LocalDrive(seed=1) as server, LocalDriveServer(server) as door:
        drive, transport = client_of(server, Endpoint(door.url), clock)
        transport._new_wire = lambda: Watched(10)
        ids = drive.generate_ids(100)
        drive.batch([CreateFolder(each, "f", None, ours()) for each in ids])
        assert len(drive.search("trashed = false").entries) == 100
        transport.close()
    assert seen[-1].headers.get("-content-encoding") == "gzip"


def test_a_large_upload_through_a_line_that_breaks(clock: VirtualClock) -> None:
    size, chunk = 20_000_000, 4 << 20
    content = seeded(2).randbytes(size)
    cuts = [3_000_000, 5_000_000, 7_000_000]
    with (
        LocalDrive(seed=1) as server,
        LocalDriveServer(server) as door,
        Relay(door.port, cuts) as relay,
    ):
        drive, transport = client_of(server, Endpoint(f"http://127.0.0.1:{relay.port}"), clock)
        new_id, root = drive.generate_ids(2)
        source = Bytes(content)
        drive.batch([CreateFolder(root, "home", None)])
        new = NewFile(new_id, "big", root, 5)
        made = Uploads(drive, Keys(), chunk).send("k", new, source, size)
        transport.close()
    assert relay.done == len(cuts)
    assert made.md5 == hashlib.md5(content, usedforsecurity=False).digest()
    assert sum(read for _, read in source.reads) <= size + len(cuts) * chunk


def test_a_proxy_and_an_authority_of_the_environment_are_honoured(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalDrive(seed=1) as server, LocalDriveProxy(server) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        stranger, transport = client_of(server, Endpoint(), clock)
        with pytest.raises(Offline, match="prove"):
            stranger.about()
        transport.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.ca_file))
        drive, transport = client_of(server, Endpoint(), clock)
        assert drive.about().email == ANN
        transport.close()


def test_who_goes_around_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("https") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://us%40er:p%3Aw@proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "example.edu, .internal")
    found = proxy_for("https")
    assert found is not None
    assert (found.proxy_host, found.proxy_port) == ("proxy.test", 3128)
    assert (found.proxy_user, found.proxy_pass) == ("us@er", "p:w")
    for host, through in [
        ("www.googleapis.com", True),
        ("drive.example.edu", False),
        ("example.edu", False),
        ("a.internal", False),
        ("127.0.0.1", False),
        ("localhost", False),
        ("::1", False),
    ]:
        assert found.applies_to(host) is through, host
    assert found.isgood()


def test_an_authority_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(BadSettings, match=r"SSL_CERT_FILE.*none\.pem"):
        HttpWire(1)
