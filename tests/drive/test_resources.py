"""Drive's JSON and our types, both ways."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_drive_sync.core.tree import FileId, Kind, RemoteEntry
from jupyter_drive_sync.drive import multipart, resources
from jupyter_drive_sync.drive.api import quote
from jupyter_drive_sync.drive.types import CreateFolder, NewFile, Patch
from jupyter_drive_sync.drive.wire import Reply
from tests.drive.ground import seeded

FILE: dict[str, Any] = {
    "id": "1a",
    "name": "x",
    "parents": ["p"],
    "mimeType": "text/plain",
    "md5Checksum": "00ff" * 8,
    "size": "123",
    "modifiedTime": "2026-03-01T12:00:00.123Z",
    "version": "17",
    "headRevisionId": "r1",
    "trashed": True,
    "explicitlyTrashed": False,
    "appProperties": {"jds": "1", "home": "h", "w": "n", "mode": "755"},
    "webViewLink": "https://drive.test/1a",
}


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_772_366_400_123, "2026-03-01T12:00:00.123Z"),
        (10**18, "9999-12-31T23:59:59.999Z"),
        (-(10**18), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_written_in_utc_with_milliseconds(ms: int, text: str) -> None:
    assert resources.rfc3339(ms) == text


@pytest.mark.parametrize(
    "text",
    ["2026-03-01T12:00:00.123Z", "2026-03-01T13:00:00.123+01:00", "2026-03-01T12:00:00.123456Z"],
)
def test_times_are_read_whatever_the_zone(text: str) -> None:
    assert resources.milliseconds(text) == 1_772_366_400_123


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_times_come_back(ms: int) -> None:
    assert resources.milliseconds(resources.rfc3339(ms)) == ms


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-01T12:00:00"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        resources.milliseconds(text)


def test_a_file_resource() -> None:
    assert resources.entry_of(FILE) == RemoteEntry(
        id=FileId("1a"),
        name="x",
        parent=FileId("p"),
        kind=Kind.FILE,
        md5=bytes.fromhex("00ff" * 8),
        size=123,
        mtime_ms=1_772_366_400_123,
        version=17,
        revision="r1",
        trashed=True,
        home="h",
        nonce="n",
        ours=True,
        mime="text/plain",
        link="https://drive.test/1a",
        mode=0o755,
    )


def test_a_strangers_document_and_a_folder_without_visible_parent() -> None:
    bare = {name: FILE[name] for name in ("id", "name", "modifiedTime", "version")}
    document = resources.entry_of({**bare, "mimeType": "application/vnd.google-apps.document"})
    assert (document.kind, document.md5, document.ours, document.home) == (
        Kind.FILE,
        None,
        False,
        "",
    )
    folder = resources.entry_of({**bare, "mimeType": "application/vnd.google-apps.folder"})
    assert (folder.kind, folder.parent) == (Kind.FOLDER, None)


@pytest.mark.parametrize("wrong", [None, [], "x", {}, {"kind": "other"}, {**FILE, "version": 7}])
def test_what_is_no_file_resource(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        resources.entry_of(wrong)


def test_changes() -> None:
    page = {
        "changes": [
            {"changeType": "file", "removed": False, "fileId": "1a", "file": FILE},
            {"changeType": "file", "removed": True, "fileId": "gone"},
            {"changeType": "drive", "driveId": "d"},
        ]
    }
    assert resources.changes_of(page) == (
        resources.entry_of(FILE),
        RemoteEntry(id=FileId("gone"), deleted=True),
    )


def test_about_without_a_limit() -> None:
    about = resources.about_of({"user": {"emailAddress": "a@b"}, "storageQuota": {"usage": "5"}})
    assert (about.limit, about.usage, about.free) == (None, 5, None)


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("a.ipynb", "application/x-ipynb+json"),
        ("A.IPYNB", "application/x-ipynb+json"),
        ("a.py", "text/x-python"),
        ("a.csv", "text/csv"),
        ("a.md", "text/markdown"),
        ("a.tar.gz", "application/octet-stream"),
        ("a.gz", "application/octet-stream"),
        (".csv", "application/octet-stream"),
        ("csv", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("http:a.png", "image/png"),
        ("data:,x", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_content_types(name: str, mime: str) -> None:
    assert resources.mime_of(name) == mime


@given(st.text(max_size=30))
def test_no_name_has_googles_own_type(name: str) -> None:
    mime = resources.mime_of(name)
    assert not mime.startswith("application/vnd.google-apps")
    assert mime.isascii()
    assert mime.isprintable()


def test_bodies() -> None:
    assert resources.new_file_body(NewFile(FileId("i"), "n.csv", FileId("p"), 0, {"jds": "1"})) == {
        "id": "i",
        "name": "n.csv",
        "parents": ["p"],
        "mimeType": "text/csv",
        "modifiedTime": "1970-01-01T00:00:00.000Z",
        "appProperties": {"jds": "1"},
    }
    assert "parents" not in resources.folder_body(CreateFolder(FileId("i"), "n", None))
    assert resources.patch_body(Patch(FileId("i"))) == {}
    assert resources.patch_body(Patch(FileId("i"), trashed=False, app={}, mtime_ms=0)) == {
        "trashed": False,
        "appProperties": {},
        "modifiedTime": "1970-01-01T00:00:00.000Z",
    }


@given(st.text())
def test_quoted_texts_have_one_end(text: str) -> None:
    literal = quote(text)
    inner = literal[1:-1]
    assert literal[0] == literal[-1] == "'"
    out, escaped = [], False
    for character in inner:
        if not escaped and character == "\\":
            escaped = True
            continue
        assert escaped or character != "'"
        out.append(character)
        escaped = False
    assert "".join(out) == text
    assert not escaped


@given(st.binary(max_size=200))
def test_related_keeps_every_byte(content: bytes) -> None:
    body, kind = multipart.related({"name": "é"}, content, "text/x", seeded(1))
    boundary = kind.split('"')[1].encode()
    assert body.count(b"--" + boundary) == 3
    assert body.split(b"binary\r\n\r\n", 1)[1].removesuffix(b"\r\n--" + boundary + b"--\r\n") == (
        content
    )


def test_a_boundary_is_none_that_the_content_holds() -> None:
    first = multipart.related({}, b"", "x/y", seeded(1))[1].split('"')[1]
    body, kind = multipart.related({}, f"--{first}--".encode(), "x/y", seeded(1))
    assert first not in kind
    assert first.encode() in body


def batch_reply(*parts: str) -> Reply:
    text = "".join(f"--b\r\nContent-Type: application/http\r\n{part}\r\n" for part in parts)
    return Reply(200, {"content-type": "multipart/mixed; boundary=b"}, f"{text}--b--".encode())


def part(number: str, status: str = "HTTP/1.1 200 OK", body: str = '{"é": "\u2028"}') -> str:
    head = f"Content-ID: <response-{number}>\r\n\r\n{status}\r\n"
    return f"{head}Content-Type: application/json\r\nRetry-After: 3\r\n\r\n{body}"


def test_parts_come_in_any_order() -> None:
    replies = multipart.parts_of(batch_reply(part("1", "HTTP/1.1 404 Not Found"), part("0")), 3)
    assert [reply and reply.status for reply in replies] == [200, 404, None]
    assert replies[0] is not None
    assert replies[0].json() == {"é": "\u2028"}
    assert replies[0].headers["retry-after"] == "3"


@pytest.mark.parametrize("number", ["7", "", "x", "-1", "²"])
def test_a_part_that_nobody_asked_for_is_passed_over(number: str) -> None:
    assert multipart.parts_of(batch_reply(part(number)), 1) == [None]


@pytest.mark.parametrize("status", ["", "HTTP/1.1", "nonsense 200", "HTTP/1.1 two"])
def test_a_torn_part_is_no_reply(status: str) -> None:
    assert multipart.parts_of(batch_reply(part("0", status)), 1) == [None]


@pytest.mark.parametrize("kind", ["text/html", "application/json", "multipart/mixed", ""])
def test_what_is_no_batch_reply(kind: str) -> None:
    with pytest.raises(ValueError, match="multipart"):
        multipart.parts_of(Reply(200, {"content-type": kind}, b"{}"), 1)
