"""Proxy mode: Google's own names, answered on this machine, and LocalDrive as a program."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.proxy import LocalDriveProxy
from jupyter_drive_sync.localdrive.serve import serve, write_client_files

ANN = "ann@example.edu"
DRIVE = "https://www.googleapis.com/auth/drive"
RCLONE = shutil.which("rclone", path=sysconfig.get_path("scripts")) or shutil.which("rclone")


@pytest.fixture
def drive() -> Iterator[LocalDrive]:
    with LocalDrive() as made:
        yield made


@pytest.fixture
def proxy(drive: LocalDrive) -> Iterator[LocalDriveProxy]:
    with LocalDriveProxy(drive) as started:
        yield started


def through(proxy: LocalDriveProxy, host: str) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(proxy.ca_file))
    connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, context=context, timeout=10)
    connection.set_tunnel(host)
    return connection


def say_to(proxy: LocalDriveProxy, text: str) -> str:
    """Send raw bytes to the proxy and return all that comes back."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as raw:
        raw.sendall(text.encode())
        raw.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: raw.recv(4096), b"")).decode()


def bearer(drive: LocalDrive) -> dict[str, str]:
    client = drive.oauth.client_of_kind("desktop")
    tokens = drive.oauth.grant(ANN, client.client_id, [DRIVE])
    return {"Authorization": f"Bearer {tokens.access_token}"}


def test_google_answers_here(drive: LocalDrive, proxy: LocalDriveProxy) -> None:
    headers = bearer(drive)
    connection = through(proxy, "www.googleapis.com")
    for _ in range(2):  # one connection, several requests
        connection.request("GET", "/drive/v3/about?fields=user(emailAddress)", headers=headers)
        reply = connection.getresponse()
        assert (reply.status, json.loads(reply.read())) == (200, {"user": {"emailAddress": ANN}})
    connection.request("GET", "/drive/v3/files/root?fields=webViewLink", headers=headers)
    link = json.loads(connection.getresponse().read())["webViewLink"]
    assert link.startswith("https://www.googleapis.com/drive/folders/")
    connection.close()
    assert drive.log.count() == 3


def test_each_host_has_a_certificate_of_its_own(proxy: LocalDriveProxy) -> None:
    for host in ("accounts.google.com", "oauth2.googleapis.com", "accounts.google.com"):
        connection = through(proxy, host)
        connection.request("GET", "/.well-known/openid-configuration")
        found = json.loads(connection.getresponse().read())
        assert found["token_endpoint"] == f"https://{host}/token"
        connection.close()


def test_who_does_not_know_the_authority_does_not_trust_it(proxy: LocalDriveProxy) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=10)
    connection.set_tunnel("www.googleapis.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/")
    connection.close()
    good = through(proxy, "www.googleapis.com")  # and it goes on for others
    good.request("GET", "/.well-known/openid-configuration")
    assert good.getresponse().status == 200
    good.close()


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        ("CONNECT example.com:443 HTTP/1.1\r\n\r\n", 403, "not to example.com:443"),
        ("CONNECT googleapis.com.evil.example:443 HTTP/1.1\r\n\r\n", 403, "Google's hosts only"),
        ("CONNECT www.googleapis.com:22 HTTP/1.1\r\n\r\n", 403, "Google's hosts only"),
        ("CONNECT www.googleapis.com HTTP/1.1\r\n\r\n", 403, "Google's hosts only"),
        ("GET http://www.googleapis.com/drive/v3/about HTTP/1.1\r\n\r\n", 403, "CONNECT only"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 403, "CONNECT only"),
        ("nonsense\r\n\r\n", 400, "no HTTP request"),
        ("", 400, "no HTTP request"),
        ("CONNECT x:443 HTTP/1.1\r\n" + "A: b\r\n" * 200 + "\r\n", 403, "not to x:443"),
    ],
)
def test_nothing_is_passed_on(proxy: LocalDriveProxy, text: str, status: int, says: str) -> None:
    reply = say_to(proxy, text)
    assert reply.startswith(f"HTTP/1.1 {status} ")
    assert says in reply


def test_the_authority_keeps_its_keys_to_itself(drive: LocalDrive, tmp_path: Path) -> None:
    folder = tmp_path / "authority"
    with LocalDriveProxy(drive, folder=folder) as proxy:
        through_it = through(proxy, "www.googleapis.com")
        through_it.request("GET", "/.well-known/openid-configuration")
        assert through_it.getresponse().status == 200
        through_it.close()
    assert proxy.ca_file == folder / "ca.pem"
    assert b"PRIVATE" not in proxy.ca_file.read_bytes()
    keys = [path for path in folder.iterdir() if b"PRIVATE" in path.read_bytes()]
    assert [path.name for path in keys] == ["www.googleapis.com.pem"]
    assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_temporary_authority_ends_with_its_proxy(drive: LocalDrive) -> None:
    with LocalDriveProxy(drive) as proxy:
        assert proxy.ca_file.exists()
    assert not proxy.ca_file.exists()


def test_an_unwritable_authority_frees_the_port(drive: LocalDrive, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        LocalDriveProxy(drive, folder=tmp_path / "file" / "below")


def test_stopping_ends_open_connections(drive: LocalDrive) -> None:
    with LocalDriveProxy(drive) as proxy:
        idle = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
        half = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
        half.sendall(b"CONNECT www.googleapis.com:443 HTTP/1.1\r\n\r\n")
        assert half.recv(100).startswith(b"HTTP/1.1 200")
        secured = through(proxy, "www.googleapis.com")
        secured.connect()
    assert idle.recv(1) == b""
    assert half.recv(1) == b""
    for each in (idle, half, secured):
        each.close()


def rclone(proxy: LocalDriveProxy, config: Path, *words: str) -> str:
    environment = {
        "HOME": str(config.parent),
        "HTTPS_PROXY": proxy.url,
        "SSL_CERT_FILE": str(proxy.ca_file),
    }
    done = subprocess.run(
        [str(RCLONE), "--config", str(config), "--retries", "1", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.skipif(RCLONE is None, reason="rclone is not installed")
def test_rclone_takes_it_for_google(
    drive: LocalDrive, proxy: LocalDriveProxy, tmp_path: Path
) -> None:
    client = drive.oauth.client_of_kind("desktop")
    tokens = drive.oauth.grant(ANN, client.client_id, [DRIVE])
    drive.oauth.end_access_tokens(ANN)  # so that it must refresh
    token = {"refresh_token": tokens.refresh_token, "expiry": "2020-01-01T00:00:00Z"}
    config = tmp_path / "rclone.conf"
    config.write_text(
        "[google]\ntype = drive\nscope = drive\n"
        f"client_id = {client.client_id}\nclient_secret = {client.secret}\n"
        f"token = {json.dumps({**token, 'access_token': 'old', 'token_type': 'Bearer'})}\n"
    )
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "small.txt").write_text("small")
    (source / "large.bin").write_bytes(bytes(range(256)) * 4096 * 9)
    rclone(proxy, config, "copy", str(source), "google:home")
    assert "folder" in rclone(proxy, config, "lsd", "google:home")
    assert "0 differences" in rclone(
        proxy, config, "check", "--download", str(source), "google:home"
    )
    counts = drive.log.counts()
    assert counts["upload.put"] >= 1
    assert not [record for record in drive.log.records if not record.endpoint]


# LocalDrive as a program.


def test_client_files_lead_here_and_are_private(drive: LocalDrive, tmp_path: Path) -> None:
    paths = write_client_files(drive, "http://127.0.0.1:1", tmp_path / "new")
    assert set(paths) == {"desktop", "web", "tv"}
    assert "web" in json.loads(paths["web"].read_text())
    body = json.loads(paths["desktop"].read_text())["installed"]
    assert body["token_uri"] == "http://127.0.0.1:1/token"
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths.values()} == {0o600}


def test_serving_says_how_to_use_it_and_ends_when_told(tmp_path: Path) -> None:
    lines: list[str] = []
    ready, ended = threading.Event(), threading.Event()

    def say(line: str) -> None:
        lines.append(line)
        if line.startswith("Ctrl+C"):
            ready.set()

    plan = [Fault("503", "files.*"), Fault("lost", "about.get")]
    words = {"folder": tmp_path, "proxy_port": 0, "faults": plan, "say": say, "ended": ended}
    thread = threading.Thread(target=serve, kwargs=words)
    thread.start()
    assert ready.wait(20)
    environment = dict(line.split()[1].split("=", 1) for line in lines if "export" in line)
    assert set(environment) == {"DRIVE_SYNC_API_ENDPOINT", "HTTPS_PROXY", "SSL_CERT_FILE"}
    address = urlsplit(environment["DRIVE_SYNC_API_ENDPOINT"])
    page = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    page.request("GET", "/")
    assert page.getresponse().status == 200
    page.close()
    ended.set()
    thread.join(20)
    assert not thread.is_alive()
    assert "LocalDrive ends; it answered 0 requests to the Drive API." in lines
    assert "Fault files.*:503: never struck." in lines
    assert (tmp_path / "client_secrets.json").exists()


def test_a_port_in_use_is_one_sentence(drive: LocalDrive) -> None:
    with LocalDriveServer(drive) as taken, pytest.raises(OSError, match="in use") as error:
        serve(say=lambda _: None, port=taken.port, ended=threading.Event())
    sentence = f"port {taken.port} of 127.0.0.1 is in use"
    assert str(error.value.strerror).startswith(sentence)


def test_only_this_machine_is_served() -> None:
    with pytest.raises(ValueError, match=r"0\.0\.0\.0 is not 127\.0\.0\.1"):
        serve(say=lambda _: None, host="0.0.0.0", ended=threading.Event())  # noqa: S104


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_in_order(number: signal.Signals) -> None:
    program = (
        "from jupyter_drive_sync.localdrive.serve import serve\n"
        "serve(say=lambda line: print(line, flush=True))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("Ctrl+C"):
                running.send_signal(number)
        assert running.wait(20) == 0
    assert "LocalDrive ends" in line
