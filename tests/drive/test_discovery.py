"""Where requests go when another Drive is named, and whose grant may go there."""

from __future__ import annotations

import pytest
from googleapiclient.http import MediaInMemoryUpload

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import FileId
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.discovery import Endpoint, parse_endpoint, require_same_host
from jupyter_drive_sync.drive.oauth import ClientFile, parse_client_file
from jupyter_drive_sync.drive.transport import Transport
from jupyter_drive_sync.drive.types import NewFile
from jupyter_drive_sync.errors import BadEndpoint
from tests.drive.ground import FixedTokens, seeded
from tests.drive.test_oauth import client_json
from tests.drive.test_transport import Script
from tests.virtual_clock import VirtualClock


@pytest.mark.parametrize("root", ["http://127.0.0.1:8080", "https://drive.test"])
def test_list_media_resumable_and_batch_all_go_to_the_endpoint(root: str) -> None:
    endpoint = Endpoint(root)
    files = endpoint.build().files()
    media = MediaInMemoryUpload(b"x", mimetype="a/b")
    session = MediaInMemoryUpload(b"x", mimetype="a/b", resumable=True)
    assert files.list().uri.startswith(f"{root}/drive/v3/files?")
    assert files.create(media_body=media).uri.startswith(f"{root}/upload/drive/v3/files?")
    assert files.create(media_body=session).uri.startswith(f"{root}/upload/drive/v3/files?")
    assert endpoint.batch_uri == f"{root}/batch/drive/v3"


def test_google_is_the_default() -> None:
    endpoint = parse_endpoint(None)
    assert endpoint.is_google
    assert not endpoint.insecure
    uri = endpoint.build().files().list().uri
    assert uri.startswith("https://www.googleapis.com/drive/v3/files?")
    assert endpoint.batch_uri == "https://www.googleapis.com/batch/drive/v3"


def test_a_variable_for_certificates_does_not_move_google(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_USE_MTLS_ENDPOINT", "always")
    assert "://www.googleapis.com/" in Endpoint().build().files().list().uri


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (" http://localhost:8080/ ", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://drive.test", "https://drive.test"),
    ],
)
def test_good_endpoints(text: str, root: str) -> None:
    endpoint = parse_endpoint(text)
    assert endpoint.root == root
    assert endpoint.insecure is root.startswith("http:")


@pytest.mark.parametrize(
    "text",
    [
        "drive.test",
        "ftp://drive.test",
        "http://drive.test",
        "http://127.0.0.1.evil.test",
        "https://drive.test/drive",
        "https://drive.test?x=1",
        "https://me@drive.test",
        "https://",
        "http://127.0.0.1:port",
    ],
)
def test_bad_endpoints(text: str) -> None:
    with pytest.raises(BadEndpoint) as caught:
        parse_endpoint(text)
    assert "DRIVE_SYNC_API_ENDPOINT" in caught.value.sentence


def client_at(token_uri: str) -> ClientFile:
    return parse_client_file(client_json(token_uri=token_uri), "c.json")


def test_a_grant_meets_only_the_server_that_it_is_for() -> None:
    google = client_at("https://oauth2.googleapis.com/token")
    local = client_at("http://127.0.0.1:8080/token")
    require_same_host(Endpoint(), google)
    require_same_host(Endpoint("http://127.0.0.1:8080"), local)
    for endpoint, client in [
        (Endpoint(), local),
        (Endpoint("http://127.0.0.1:8080"), google),
        (Endpoint("http://127.0.0.1:8081"), local),
        (Endpoint("https://127.0.0.1:8080"), local),
    ]:
        with pytest.raises(BadEndpoint):
            require_same_host(endpoint, client)


def test_no_call_of_ours_leaves_the_endpoint(clock: VirtualClock) -> None:
    script = Script([OSError()] * 99)
    transport = Transport(FixedTokens(["t"]), lambda: script, clock, seeded(1), Settings(retries=1))
    drive = Drive(transport, Endpoint("http://127.0.0.1:1"), seeded(1))
    new = NewFile(FileId("i"), "n", FileId("p"), 0)
    for ask in (
        drive.about,
        drive.start_token,
        lambda: drive.changes("t"),
        lambda: drive.search("q"),
        lambda: drive.create_file(new, b""),
        lambda: transport.send(drive.session_call(new, 5), lambda reply: reply),
    ):
        with pytest.raises(Exception, match="connection"):
            ask()
    assert {uri.split("/")[2] for _, uri, _, _ in script.sent} == {"127.0.0.1:1"}
