"""What travels around the calls: compression, shared-drive parameters, common parameters."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.contract.ground import Ground

GZIP = {"Accept-Encoding": "gzip", "User-Agent": "contract (gzip)"}
SHARED = {"supportsAllDrives": True}


def test_gzip_when_asked_for_in_both_headers(ground: Ground) -> None:
    """Source: Improve performance, "Compression using gzip": Accept-Encoding and User-Agent."""
    folder = ground.make_folder("n", description="long " * 500)["id"]
    reply = ground.send("GET", f"/drive/v3/files/{folder}?fields=*", headers=GZIP)
    assert reply.status == 200
    assert reply.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(reply.body))["id"] == folder


def test_no_gzip_when_not_asked_for(ground: Ground) -> None:
    """Source: Improve performance, "Compression using gzip"."""
    reply = ground.send("GET", f"/drive/v3/files/{ground.folder}?fields=*")
    assert "content-encoding" not in reply.headers
    assert reply.json()["id"] == ground.folder


def test_shared_drive_parameters_are_taken(ground: Ground) -> None:
    """Source: Implement shared drive support: supportsAllDrives and its kin."""
    made = ground.files.create(body={"name": "n", "parents": [ground.folder]}, **SHARED).execute()[
        "id"
    ]
    assert ground.files.get(fileId=made, **SHARED).execute()["id"] == made
    assert ground.files.update(fileId=made, body={}, **SHARED).execute()["id"] == made
    assert ground.files.copy(fileId=made, **SHARED).execute()["id"] != made
    ground.settled(ground.names, lambda names: len(names) == 2)
    listed = ground.files.list(
        q=f"'{ground.folder}' in parents",
        corpora="user",
        includeItemsFromAllDrives=True,
        spaces="drive",
        **SHARED,
    ).execute()
    assert len(listed["files"]) == 2
    changes = ground.service.changes()
    token = changes.getStartPageToken(**SHARED).execute()["startPageToken"]
    page = changes.list(
        pageToken=token,
        includeItemsFromAllDrives=True,
        restrictToMyDrive=True,
        includeCorpusRemovals=True,
        spaces="drive",
        **SHARED,
    ).execute()
    assert page["kind"] == "drive#changeList"
    ground.files.delete(fileId=made, **SHARED).execute()


@pytest.mark.parametrize(
    "parameters", ["corpora=drive&supportsAllDrives=true", "corpora=nonsense", "spaces=nonsense"]
)
def test_shared_drive_parameters_make_sense_or_are_refused(ground: Ground, parameters: str) -> None:
    """Source: reference, files.list: driveId goes with corpora=drive; the values of both."""
    assert 400 <= ground.send("GET", f"/drive/v3/files?{parameters}").status < 500


def test_common_parameters_are_taken(ground: Ground) -> None:
    """Source: discovery document, parameters: alt, prettyPrint, quotaUser."""
    path = f"/drive/v3/files/{ground.folder}?alt=json&prettyPrint=false&quotaUser=somebody"
    assert ground.send("GET", path).json()["id"] == ground.folder


def test_a_connection_serves_many_requests(ground: Ground) -> None:
    """Source: RFC 9112, section 9.3: connections persist; errors do not end them."""
    service_http = ground.service._http
    for path in ("files?fields=nonsense", f"files/{ground.folder}", "files/nonsense"):
        reply, _ = service_http.request(f"{ground.root}/drive/v3/{path}", "GET")
        assert reply.get("connection", "keep-alive").lower() != "close"


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "false", "False"])
def test_yes_and_no_in_any_case(ground: Ground, word: str) -> None:
    """Source: clients in use: Python's write True, JavaScript's true."""
    path = f"/drive/v3/files/{ground.folder}?supportsAllDrives={word}"
    assert ground.send("GET", path).json()["id"] == ground.folder


@pytest.mark.parametrize("parameters", ["alt=xml", "acknowledgeAbuse=true&alt=nonsense"])
def test_a_form_of_reply_that_is_none_is_refused(ground: Ground, parameters: str) -> None:
    """Source: discovery document: alt is json or media; backlot issues 309, 339."""
    reply = ground.send("GET", f"/drive/v3/files/{ground.folder}?{parameters}")
    assert 400 <= reply.status < 500
