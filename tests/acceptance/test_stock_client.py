"""Google's own Python client, used as its documentation shows, against LocalDrive.

Nothing of it is replaced: only the addresses in its discovery document lead to LocalDrive; one
test does without even that, through the proxy.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import webbrowser
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httplib2
import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import InstalledAppFlow
from googleapiclient.discovery import Resource, build, build_from_document
from googleapiclient.errors import HttpError
from googleapiclient.http import (
    MediaFileUpload,
    MediaInMemoryUpload,
    MediaIoBaseDownload,
    MediaIoBaseUpload,
)

from jupyter_drive_sync.localdrive.accounts import DRIVE_FILE
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.proxy import LocalDriveProxy
from tests.acceptance.browser import Person
from tests.acceptance.relay import Relay
from tests.contract.drives import document_at

ANN = "ann@example.edu"
MIB = 1 << 20
CONTENT = random.Random(1).randbytes(3 * MIB + 77)  # noqa: S311


@pytest.fixture
def drive() -> Iterator[LocalDrive]:
    with LocalDrive(seed=1) as whole:
        yield whole


@pytest.fixture
def server(drive: LocalDrive) -> Iterator[LocalDriveServer]:
    with LocalDriveServer(drive) as running:
        yield running


@contextlib.contextmanager
def connected(drive: LocalDrive, root: str) -> Iterator[Resource]:
    """The stock client, signed in as Ann."""
    oauth = drive.oauth
    tokens = oauth.grant(ANN, oauth.client_of_kind("desktop").client_id, [DRIVE_FILE])
    document = document_at(root)
    with build_from_document(document, credentials=Credentials(tokens.access_token)) as service:
        yield service


def upload(service: Resource, media: MediaIoBaseUpload, name: str = "big.bin") -> Any:
    return service.files().create(
        body={"name": name}, media_body=media, fields="id,size,md5Checksum"
    )


def test_a_resumable_upload_chunk_by_chunk_from_a_file(
    drive: LocalDrive, server: LocalDriveServer, tmp_path: Path
) -> None:
    """Source: google-api-python-client, docs/media.md, "Resumable media (chunked upload)"."""
    path = tmp_path / "big.bin"
    path.write_bytes(CONTENT)
    with connected(drive, server.url) as service:
        media = MediaFileUpload(path, "application/x-big", chunksize=MIB, resumable=True)
        request = upload(service, media)
        reply, shown = None, []
        while reply is None:
            status, reply = request.next_chunk()
            shown += [status.progress()] if status else []
        media.stream().close()
    assert shown == pytest.approx([i * MIB / len(CONTENT) for i in (1, 2, 3)])
    assert reply["md5Checksum"] == hashlib.md5(CONTENT).hexdigest()  # noqa: S324


def test_a_resumable_upload_that_is_cut_goes_on_where_it_stopped(
    drive: LocalDrive,
    server: LocalDriveServer,
) -> None:
    """Source: docs/media.md: after an error next_chunk() is called again, and asks the server."""
    with Relay(server.port, cuts=[MIB // 2, 2 * MIB], outage=1) as relay:
        with connected(drive, f"http://127.0.0.1:{relay.port}") as service:
            media = MediaInMemoryUpload(CONTENT, chunksize=MIB, resumable=True)
            request = upload(service, media)
            reply, broken = None, 0
            while reply is None and broken < 10:
                try:
                    _, reply = request.next_chunk()
                except OSError:
                    broken += 1
            assert reply is not None
            listed = service.files().list(fields="files(id,md5Checksum)").execute()["files"]
        assert broken >= relay.done == 2
    assert listed == [{"id": reply["id"], "md5Checksum": hashlib.md5(CONTENT).hexdigest()}]  # noqa: S324


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 256 * 1024 + 1])
def test_a_resumable_upload_of_any_size(
    drive: LocalDrive, server: LocalDriveServer, size: int
) -> None:
    """Source: docs/media.md; a chunk of 256 KiB is the smallest that the client allows."""
    with connected(drive, server.url) as service:
        media = MediaIoBaseUpload(
            BytesIO(CONTENT[:size]), "text/plain", chunksize=256 * 1024, resumable=True
        )
        made = upload(service, media).execute()
        assert made["size"] == str(size)
        assert service.files().get_media(fileId=made["id"]).execute() == CONTENT[:size]


def test_a_stream_that_does_not_know_its_size(drive: LocalDrive, server: LocalDriveServer) -> None:
    """Source: MediaUpload.size() may be None: the total is then told with the last chunk."""

    class Unmeasured(MediaInMemoryUpload):  # type: ignore[misc]
        def size(self) -> int | None:
            return None

        def has_stream(self) -> bool:
            return False

    with connected(drive, server.url) as service:
        media = Unmeasured(CONTENT, chunksize=MIB, resumable=True)
        assert upload(service, media).execute()["size"] == str(len(CONTENT))


def test_a_download_chunk_by_chunk(drive: LocalDrive, server: LocalDriveServer) -> None:
    """Source: docs/media.md, "Media download": MediaIoBaseDownload, by Range."""
    with connected(drive, server.url) as service:
        made = upload(service, MediaInMemoryUpload(CONTENT)).execute()
        target = BytesIO()
        request = service.files().get_media(fileId=made["id"])
        download = MediaIoBaseDownload(target, request, chunksize=MIB)
        done, steps = False, 0
        while not done:
            _, done = download.next_chunk()
            steps += 1
        empty = upload(service, MediaInMemoryUpload(b""), "empty").execute()
        nothing = BytesIO()
        request = service.files().get_media(fileId=empty["id"])
        assert MediaIoBaseDownload(nothing, request).next_chunk()[1] is True
    assert (target.getvalue(), steps) == (CONTENT, 4)
    assert nothing.getvalue() == b""


def test_a_batch_with_callbacks(drive: LocalDrive, server: LocalDriveServer) -> None:
    """Source: google-api-python-client, docs/batch.md: BatchHttpRequest and its callbacks."""
    told: dict[str, Any] = {}
    with connected(drive, server.url) as service:
        made = upload(service, MediaInMemoryUpload(b"x")).execute()["id"]
        batch = service.new_batch_http_request(
            callback=lambda name, reply, error: told.update({name: error or reply})
        )
        batch.add(service.files().get(fileId=made, fields="name"), request_id="get")
        batch.add(service.files().get(fileId="nonsense"), request_id="lost")
        other = upload(service, MediaInMemoryUpload(b"x")).execute()["id"]
        batch.add(service.files().update(fileId=other, body={"name": "ü/'"}), request_id="rename")
        batch.add(service.files().create(body={"name": "new"}), request_id="create")
        batch.execute()
        assert service.files().get(fileId=other).execute()["name"] == "ü/'"
    assert told["get"]["name"] == "big.bin"
    assert isinstance(told["lost"], HttpError)
    assert told["lost"].status_code == 404
    assert told["create"]["name"] == "new"


def test_paging_by_list_next(drive: LocalDrive, server: LocalDriveServer) -> None:
    """Source: google-api-python-client, docs/pagination.md."""
    with connected(drive, server.url) as service:
        for i in range(5):
            upload(service, MediaInMemoryUpload(b"x"), str(i)).execute()
        files = service.files()
        request, seen = files.list(pageSize=2, orderBy="name"), []
        while request is not None:
            page = request.execute()
            seen += [entry["name"] for entry in page["files"]]
            request = files.list_next(request, page)
    assert seen == ["0", "1", "2", "3", "4"]


@pytest.mark.usefixtures("silenced")
def test_consent_by_the_installed_app_flow(
    drive: LocalDrive, server: LocalDriveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Source: google-auth-oauthlib, InstalledAppFlow.run_local_server; Source of the switch:
    oauthlib takes plain http on the loopback only when told so."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    person = Person(ANN)
    webbrowser.register("a person", None, person)  # type: ignore[arg-type]
    oauth = drive.oauth
    client = oauth.client_file(oauth.client_of_kind("desktop").client_id, server.url)
    flow = InstalledAppFlow.from_client_config(
        client, [DRIVE_FILE], autogenerate_code_verifier=True
    )
    with flow.oauth2session:
        credentials = flow.run_local_server(
            host="127.0.0.1", port=0, browser="a person", authorization_prompt_message=None
        )
    person.leave()
    assert credentials.refresh_token
    assert credentials.valid
    with build_from_document(document_at(server.url), credentials=credentials) as service:
        about = service.about().get(fields="user").execute()
    assert about["user"]["emailAddress"] == ANN


def offline(drive: LocalDrive, server: LocalDriveServer) -> Credentials:
    """Credentials whose access token is gone and whose refresh token lives."""
    oauth = drive.oauth
    client = oauth.client_of_kind("desktop")
    tokens = oauth.grant(ANN, client.client_id, [DRIVE_FILE])
    return Credentials(
        None,
        refresh_token=tokens.refresh_token,
        token_uri=f"{server.url}/token",
        client_id=client.client_id,
        client_secret=client.secret,
        scopes=[DRIVE_FILE],
    )


def test_credentials_refresh(drive: LocalDrive, server: LocalDriveServer) -> None:
    """Source: google-auth, google.oauth2.credentials.Credentials.refresh."""
    credentials = offline(drive, server)
    credentials.refresh(Request())
    assert credentials.valid
    assert credentials.granted_scopes == [DRIVE_FILE]


def test_a_call_refreshes_by_itself(drive: LocalDrive, server: LocalDriveServer) -> None:
    """Source: google-auth-httplib2, AuthorizedHttp: a token that is refused is refreshed once."""
    credentials = offline(drive, server)
    with build_from_document(document_at(server.url), credentials=credentials) as service:
        service.files().list().execute()
        drive.oauth.end_access_tokens(ANN)
        assert service.files().list().execute()["files"] == []


def test_a_grant_that_is_gone_is_a_refresh_error(
    drive: LocalDrive, server: LocalDriveServer
) -> None:
    """Source: google-auth, RefreshError; Google, "Using OAuth 2.0", invalid_grant."""
    credentials = offline(drive, server)
    drive.oauth.revoke(credentials.refresh_token)
    with pytest.raises(RefreshError) as caught:
        credentials.refresh(Request())
    assert "invalid_grant" in str(caught.value)
    assert caught.value.args[1]["error"] == "invalid_grant"
    assert not caught.value.retryable


def test_the_client_as_it_is_through_the_proxy(
    drive: LocalDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Source: LocalDrive's proxy mode; httplib2 takes HTTPS_PROXY where PySocks is installed."""
    with LocalDriveProxy(drive) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        # What HTTPLIB2_CA_CERTS does, which is read at import.
        monkeypatch.setattr(httplib2, "CA_CERTS", str(proxy.ca_file))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(proxy.ca_file))
        client = drive.oauth.client_of_kind("desktop")
        tokens = drive.oauth.grant(ANN, client.client_id, [DRIVE_FILE])
        credentials = Credentials.from_authorized_user_info(
            {
                "client_id": client.client_id,
                "client_secret": client.secret,
                "refresh_token": tokens.refresh_token,
            }
        )
        with build("drive", "v3", credentials=credentials) as service:
            media = MediaInMemoryUpload(CONTENT, chunksize=MIB, resumable=True)
            made = upload(service, media).execute()
            told: list[Any] = []
            batch = service.new_batch_http_request(callback=lambda *reply: told.append(reply[1]))
            batch.add(service.files().get(fileId=made["id"], fields="size"))
            batch.execute()
            assert service.files().get_media(fileId=made["id"]).execute() == CONTENT
    assert told == [{"size": str(len(CONTENT))}]
