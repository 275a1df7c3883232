"""The server: connections that live, bodies that stream, replies that are cut."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from tests.localdrive.caller import GRANULE, Caller


@pytest.fixture
def connection(server: LocalDriveServer) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as made:
        yield made


def ask(
    connection: http.client.HTTPConnection,
    caller: Caller,
    method: str,
    path: str,
    body: bytes | Iterator[bytes] | None = None,
    **headers: str,
) -> tuple[http.client.HTTPResponse, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Authorization", f"Bearer {caller.token}")
    connection.request(method, path, body=body, headers=named)
    response = connection.getresponse()
    return response, response.read()


def test_a_connection_lives(connection: http.client.HTTPConnection, ann: Caller) -> None:
    connection.connect()
    first = connection.sock
    for name in "abc":
        body = json.dumps({"name": name}).encode()
        assert ask(connection, ann, "POST", "/drive/v3/files", body)[0].status == 200
        file = json.loads(ask(connection, ann, "GET", "/drive/v3/files")[1])["files"][0]
        gone = ask(connection, ann, "DELETE", f"/drive/v3/files/{file['id']}")
        assert (gone[0].status, gone[1]) == (204, b"")
    assert connection.sock is first
    response, _ = ask(connection, ann, "GET", "/drive/v3/files", Connection="close")
    assert response.getheader("Connection") == "close"


def test_links_lead_back_here(
    connection: http.client.HTTPConnection, server: LocalDriveServer, ann: Caller
) -> None:
    created = ask(connection, ann, "POST", "/drive/v3/files?fields=webViewLink", b"{}")[1]
    assert json.loads(created)["webViewLink"].startswith(f"{server.url}/file/d/")
    opened, _ = ask(connection, ann, "POST", "/upload/drive/v3/files?uploadType=resumable", b"{}")
    assert str(opened.getheader("Location")).startswith(f"{server.url}/upload/drive/v3/files?")


def test_gzip_for_those_who_name_it_twice(
    connection: http.client.HTTPConnection, ann: Caller
) -> None:
    for number in range(20):
        ann.create(f"file {number}")
    both = {"Accept_Encoding": "gzip", "User_Agent": "test (gzip)"}
    packed, body = ask(connection, ann, "GET", "/drive/v3/files", **both)
    assert packed.getheader("Content-Encoding") == "gzip"
    plain, text = ask(connection, ann, "GET", "/drive/v3/files", Accept_Encoding="gzip")
    assert plain.getheader("Content-Encoding") is None
    assert gzip.decompress(body) == text
    small, _ = ask(connection, ann, "GET", "/drive/v3/about?fields=kind", **both)
    assert small.getheader("Content-Encoding") is None


def test_chunked_bodies(connection: http.client.HTTPConnection, ann: Caller) -> None:
    pieces = iter([b"one ", b"two ", b"three"])
    path = "/upload/drive/v3/files?uploadType=media&fields=id"
    response, body = ask(connection, ann, "POST", path, pieces, Content_Type="text/plain")
    assert response.status == 200
    assert ann.download(json.loads(body)["id"]) == b"one two three"
    assert ask(connection, ann, "GET", "/drive/v3/about?fields=kind")[0].status == 200


def test_a_chunk_that_is_cut_keeps_whole_granules(
    connection: http.client.HTTPConnection, server: LocalDriveServer, ann: Caller
) -> None:
    size = 3 * GRANULE
    opened, _ = ask(connection, ann, "POST", "/upload/drive/v3/files?uploadType=resumable", b"{}")
    uri = str(opened.getheader("Location")).removeprefix(server.url)
    head = (
        f"PUT {uri} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n"
        f"Content-Range: bytes 0-{size - 1}/{size}\r\n\r\n"
    )
    with closing(socket.create_connection(("127.0.0.1", server.port))) as cut:
        cut.sendall(head.encode() + b"x" * (2 * GRANULE + 17))
        cut.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert cut.recv(100) == b""
    state, _ = ask(connection, ann, "PUT", uri, Content_Range=f"bytes */{size}")
    assert (state.status, state.getheader("Range")) == (308, f"bytes=0-{2 * GRANULE - 1}")
    rest = f"bytes {2 * GRANULE}-{size - 1}/{size}"
    done, _ = ask(connection, ann, "PUT", uri, b"y" * GRANULE, Content_Range=rest)
    assert done.status == 200


def test_a_client_that_waits_to_be_asked(server: LocalDriveServer, ann: Caller) -> None:
    head = (
        "POST /upload/drive/v3/files?uploadType=media HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {ann.token}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    )
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as client:
        client.sendall(head.encode())
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    refused = head.replace(ann.token, "wrong")
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as client:
        client.sendall(refused.encode())
        assert client.recv(4000).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        (Fault("refused", endpoint="files.create"), 0),
        (Fault("lost", endpoint="files.create"), 1),
        (Fault("cut", endpoint="files.create", parameters={"bytes": 10}), 1),
    ],
)
def test_replies_that_do_not_arrive(
    drive: LocalDrive,
    connection: http.client.HTTPConnection,
    ann: Caller,
    fault: Fault,
    made: int,
) -> None:
    drive.faults.add(fault)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(connection, ann, "POST", "/drive/v3/files", b"{}")
    drive.faults.assert_all_fired()
    drive.faults.clear()
    connection.close()
    assert len(ann.search()) == made
    assert ask(connection, ann, "GET", "/drive/v3/files")[0].status == 200


def test_a_dripping_reply_is_whole(
    drive: LocalDrive, connection: http.client.HTTPConnection, ann: Caller
) -> None:
    drive.faults.add(Fault("drip", endpoint="files.list"))
    _, body = ask(connection, ann, "GET", "/drive/v3/files")
    assert json.loads(body)["kind"] == "drive#fileList"


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"GET / FTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_no_http_is_refused(server: LocalDriveServer, text: bytes) -> None:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as client:
        client.sendall(text)
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_leaves_early_harms_nobody(
    server: LocalDriveServer, connection: http.client.HTTPConnection, ann: Caller
) -> None:
    for text in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost", b"\r\n"):
        with closing(socket.create_connection(("127.0.0.1", server.port))) as client:
            client.sendall(text)
    assert ask(connection, ann, "GET", "/drive/v3/files")[0].status == 200


def test_an_error_of_ours_is_a_500(
    drive: LocalDrive,
    connection: http.client.HTTPConnection,
    ann: Caller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drive.model, "purge_trash", lambda: 1 / 0)
    response, body = ask(connection, ann, "GET", "/drive/v3/files")
    assert response.status == 500
    assert json.loads(body)["error"]["errors"][0]["reason"] == "internalError"


def test_many_clients_at_once(drive: LocalDrive, server: LocalDriveServer, ann: Caller) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as own:
                for turn in range(10):
                    body = json.dumps({"name": f"{number} {turn}"}).encode()
                    assert ask(own, ann, "POST", "/drive/v3/files", body)[0].status == 200
                    assert ask(own, ann, "GET", "/drive/v3/files?pageSize=5")[0].status == 200
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(set(ann.names(pageSize=1000))) == 80
    assert drive.log.count("files.create") == 80


def test_a_server_ends_with_connections_open(drive: LocalDrive) -> None:
    server = LocalDriveServer(drive).start()
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert client.recv(10) == b"HTTP/1.1 2"
        server.stop()
        while client.recv(1 << 16):
            pass
    server.stop()
    with (
        pytest.raises(ConnectionRefusedError),
        closing(socket.create_connection(("127.0.0.1", server.port))),
    ):
        pass


def test_a_port_in_use_is_an_error(drive: LocalDrive, server: LocalDriveServer) -> None:
    with pytest.raises(OSError, match="in use"):
        LocalDriveServer(drive, port=server.port)
