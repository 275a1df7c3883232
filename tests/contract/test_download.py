"""Reading contents (Source: Download and export files)."""

from __future__ import annotations

import random

import pytest

from tests.contract.ground import Ground, refused

CONTENT = random.Random(7).randbytes(100_000)  # noqa: S311


@pytest.fixture(scope="module")
def stored(run_ground: Ground) -> str:
    return str(run_ground.make("content.bin", CONTENT, mime="application/x-thing")["id"])


def test_the_whole(run_ground: Ground, stored: str) -> None:
    """Source: "Download blob file content": files.get with alt=media."""
    reply = run_ground.send("GET", f"/drive/v3/files/{stored}?alt=media")
    assert (reply.status, reply.body) == (200, CONTENT)
    assert reply.headers["content-type"].startswith("application/x-thing")
    assert reply.headers["content-length"] == str(len(CONTENT))


@pytest.mark.parametrize(
    ("span", "first", "end"),
    [
        ("0-0", 0, 1),
        ("0-99", 0, 100),
        ("500-599", 500, 600),
        ("99990-", 99_990, 100_000),
        ("99990-200000", 99_990, 100_000),
        ("-10", 99_990, 100_000),
    ],
)
def test_a_part(run_ground: Ground, stored: str, span: str, first: int, end: int) -> None:
    """Source: "Partial download": a Range header; RFC 9110, section 14.2."""
    reply = run_ground.send(
        "GET", f"/drive/v3/files/{stored}?alt=media", headers={"Range": f"bytes={span}"}
    )
    assert (reply.status, reply.body) == (206, CONTENT[first:end])
    assert reply.headers["content-range"] == f"bytes {first}-{end - 1}/{len(CONTENT)}"
    assert reply.headers["content-length"] == str(end - first)


def test_a_part_beyond_the_end(run_ground: Ground, stored: str) -> None:
    """Source: RFC 9110, section 15.5.17, for "Partial download"."""
    reply = run_ground.send(
        "GET", f"/drive/v3/files/{stored}?alt=media", headers={"Range": "bytes=100000-"}
    )
    assert reply.status == 416


def test_a_folder_has_no_content(ground: Ground) -> None:
    """Source: Resolve errors, "403: fileNotDownloadable": only files with binary content."""
    folder = ground.make_folder("folder")["id"]
    with refused(403, reason="fileNotDownloadable"):
        ground.content(folder)


def test_what_is_not_there_has_no_content(ground: Ground) -> None:
    """Source: Resolve errors, "404: File not found": the error is JSON for media too."""
    (file_id,) = ground.files.generateIds(count=1).execute()["ids"]
    reply = ground.send("GET", f"/drive/v3/files/{file_id}?alt=media")
    assert (reply.status, reply.reason) == (404, "notFound")


def test_an_empty_file_has_an_empty_content(ground: Ground) -> None:
    """Source: "Download blob file content"."""
    made = ground.make("empty", b"")["id"]
    reply = ground.send("GET", f"/drive/v3/files/{made}?alt=media")
    assert (reply.status, reply.body) == (200, b"")
