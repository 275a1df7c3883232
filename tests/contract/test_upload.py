"""Simple and multipart uploads, and what Drive says about the bytes."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.contract.ground import FULL, Ground, Reply

SUMS = "id,name,mimeType,size,md5Checksum,sha1Checksum,sha256Checksum"


def multipart(ground: Ground, metadata: dict[str, object], content: bytes, kind: str) -> Reply:
    body = (
        b"--a_boundary\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
        + json.dumps(metadata).encode()
        + f"\r\n--a_boundary\r\nContent-Type: {kind}\r\n\r\n".encode()
        + content
        + b"\r\n--a_boundary--\r\n"
    )
    return ground.send(
        "POST",
        f"/upload/drive/v3/files?uploadType=multipart&fields={SUMS}",
        body,
        {"Content-Type": "multipart/related; boundary=a_boundary"},
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\r\n--a_bound\r\n--another--\r\n", bytes(range(256)) * 40],
    ids=["empty", "one byte", "like a boundary", "binary"],
)
def test_multipart_takes_metadata_and_bytes_in_one_request(ground: Ground, content: bytes) -> None:
    """Source: Upload file data, "Perform a multipart upload"."""
    reply = multipart(
        ground, {"name": "bytes.bin", "parents": [ground.folder]}, content, "application/x-thing"
    )
    assert reply.status == 200
    made = reply.json()
    assert made["name"] == "bytes.bin"
    assert made["mimeType"] == "application/x-thing"
    assert ground.content(made["id"]) == content


def test_a_boundary_may_be_quoted(ground: Ground) -> None:
    """Source: RFC 2046, section 5.1.1, to which "Perform a multipart upload" refers."""
    body = (
        b'--a b\r\nContent-Type: application/json\r\n\r\n{"name": "q", "parents": ["'
        + ground.folder.encode()
        + b'"]}\r\n--a b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--a b--'
    )
    reply = ground.send(
        "POST",
        "/upload/drive/v3/files?uploadType=multipart",
        body,
        {"Content-Type": 'multipart/related; boundary="a b"'},
    )
    assert reply.status == 200
    assert ground.content(reply.json()["id"]) == b"hello"


@pytest.mark.parametrize("content", [b"", b"The quick brown fox"])
def test_size_is_a_string_and_three_checksums_are_told(ground: Ground, content: bytes) -> None:
    """Source: reference, Files: size (int64), md5Checksum, sha1Checksum, sha256Checksum."""
    made = ground.make("sums.txt", content, fields=SUMS)
    assert made["size"] == str(len(content))
    assert made["md5Checksum"] == hashlib.md5(content).hexdigest()  # noqa: S324
    assert made["sha1Checksum"] == hashlib.sha1(content).hexdigest()  # noqa: S324
    assert made["sha256Checksum"] == hashlib.sha256(content).hexdigest()


def test_a_folder_has_neither_size_nor_checksums(ground: Ground) -> None:
    """Source: reference, Files: "won't be populated for files that have no size"."""
    made = ground.make_folder("folder", fields="*")
    assert not {"size", "md5Checksum", "sha1Checksum", "sha256Checksum"} & made.keys()
    assert "headRevisionId" not in made


def test_media_alone_replaces_the_content_and_nothing_else(ground: Ground) -> None:
    """Source: Upload file data, "Perform a simple upload"."""
    made = ground.make("note.txt", b"one", appProperties={"k": "v"})
    reply = ground.send(
        "PATCH",
        f"/upload/drive/v3/files/{made['id']}?uploadType=media&fields={FULL},appProperties",
        b"two",
        {"Content-Type": "text/plain"},
    )
    assert reply.status == 200
    now = reply.json()
    assert (now["id"], now["name"], now["parents"]) == (made["id"], "note.txt", [ground.folder])
    assert now["appProperties"] == {"k": "v"}
    assert ground.content(made["id"]) == b"two"


def test_media_alone_creates_an_untitled_file(ground: Ground) -> None:
    """Source: Upload file data: a simple upload takes no metadata; it is added by an update."""
    reply = ground.send(
        "POST", "/upload/drive/v3/files?uploadType=media", b"plain", {"Content-Type": "text/plain"}
    )
    assert reply.status == 200
    try:
        assert reply.json()["name"] == "Untitled"
        assert reply.json()["mimeType"] == "text/plain"
        assert ground.content(reply.json()["id"]) == b"plain"
    finally:
        ground.files.delete(fileId=reply.json()["id"]).execute()


def test_metadata_alone_creates_an_empty_file(ground: Ground) -> None:
    """Source: Create and manage files: a file may be created with metadata only."""
    made = ground.files.create(
        body={"name": "bare", "mimeType": "text/plain", "parents": [ground.folder]}, fields=SUMS
    ).execute()
    assert made["size"] == "0"
    assert made["md5Checksum"] == hashlib.md5(b"").hexdigest()  # noqa: S324
    assert ground.content(made["id"]) == b""


def test_an_update_may_carry_metadata_and_bytes_together(ground: Ground) -> None:
    """Source: reference, files.update: "Updates a file's metadata, content, or both"."""
    made = ground.make("before.txt", b"before")
    now = ground.replace(made["id"], b"after", name="after.txt")
    assert (now["id"], now["name"]) == (made["id"], "after.txt")
    assert ground.content(made["id"]) == b"after"


def test_a_multipart_body_without_its_parts_is_refused(ground: Ground) -> None:
    """Source: Upload file data: the body has exactly two parts."""
    reply = ground.send(
        "POST",
        "/upload/drive/v3/files?uploadType=multipart",
        b"nothing of the kind",
        {"Content-Type": "multipart/related; boundary=a_boundary"},
    )
    assert reply.status == 400
