"""Resumable sessions, in process: what is kept, for how long, and across restarts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.settings import DAY
from jupyter_drive_sync.localdrive.wire import BytesBody, Response
from tests.localdrive.caller import GRANULE, Caller, caller, reason_of, target_of, upload_target

CONTENT = Random(1).randbytes(3 * GRANULE + 777)  # noqa: S311
SIZE = len(CONTENT)


def start(caller: Caller, *, size: int | None = SIZE, file_id: str | None = None) -> str:
    """Open a session; return its target."""
    headers = {"x_upload_content_type": "text/x-odd"}
    if size is not None:
        headers["x_upload_content_length"] = str(size)
    path = "/files" if file_id is None else f"/files/{file_id}"
    response = caller.send(
        "POST" if file_id is None else "PATCH",
        upload_target(path, uploadType="resumable"),
        {"name": "big"},
        **headers,
    )
    assert response.status == 200
    assert not response.size
    return response.headers["Location"].removeprefix("http://localdrive")


def put(
    caller: Caller, uri: str, span: str, body: bytes = b"", *, cut_at: int | None = None
) -> Response:
    """Send a chunk or a query, without a token."""
    content = BytesBody(body, cut_at=cut_at)
    return caller.send("PUT", uri, content, content_range=f"bytes {span}", authorization="")


def chunk(caller: Caller, uri: str, first: int, end: int, **options: int) -> Response:
    return put(caller, uri, f"{first}-{end - 1}/{SIZE}", CONTENT[first:end], **options)


def kept(caller: Caller, uri: str) -> int:
    response = put(caller, uri, f"*/{SIZE}")
    assert response.status == 308
    told = response.headers.get("Range")
    return 0 if told is None else int(told.removeprefix("bytes=0-")) + 1


def test_chunks_make_a_file(ann: Caller) -> None:
    uri = start(ann)
    assert kept(ann, uri) == 0
    first = chunk(ann, uri, 0, GRANULE)
    assert (first.status, first.headers["Range"]) == (308, f"bytes=0-{GRANULE - 1}")
    done = chunk(ann, uri, GRANULE, SIZE)
    assert done.status == 200
    file = done.json()
    assert (file["name"], file["mimeType"], file["size"]) == ("big", "text/x-odd", str(SIZE))
    assert ann.download(file["id"]) == CONTENT
    again = put(ann, uri, f"*/{SIZE}")
    assert (again.status, again.json()["id"]) == (200, file["id"])
    assert chunk(ann, uri, GRANULE, SIZE).json()["id"] == file["id"]
    assert len(ann.search("name = 'big'")) == 1


@pytest.mark.parametrize(
    ("cut_at", "whole"),
    [(0, 0), (GRANULE - 1, 0), (GRANULE, GRANULE), (2 * GRANULE + 5, 2 * GRANULE)],
)
def test_a_cut_chunk_keeps_whole_granules(ann: Caller, cut_at: int, whole: int) -> None:
    uri = start(ann)
    assert put(ann, uri, f"0-{SIZE - 1}/{SIZE}", CONTENT, cut_at=cut_at).status == 0
    assert kept(ann, uri) == whole
    assert chunk(ann, uri, whole, SIZE).status == 200


def test_bytes_sent_again_are_passed_over(ann: Caller) -> None:
    uri = start(ann)
    chunk(ann, uri, 0, 2 * GRANULE)
    wrong = put(ann, uri, f"0-{GRANULE - 1}/{SIZE}", b"?" * GRANULE)
    assert (wrong.status, kept(ann, uri)) == (308, 2 * GRANULE)
    assert ann.download(chunk(ann, uri, GRANULE, SIZE).json()["id"]) == CONTENT


def test_a_gap_is_refused(ann: Caller) -> None:
    uri = start(ann)
    chunk(ann, uri, 0, GRANULE)
    gap = chunk(ann, uri, 2 * GRANULE, SIZE)
    assert gap.status == 503
    assert f"upload offset is {2 * GRANULE} byte(s)" in gap.json()["error"]["message"]
    assert kept(ann, uri) == GRANULE


@pytest.mark.parametrize(
    ("span", "size"),
    [
        (f"0-{GRANULE - 2}/{SIZE}", GRANULE - 1),
        (f"0-{GRANULE - 1}/{SIZE + 1}", GRANULE),
        (f"0-{SIZE}/{SIZE}", SIZE),
        (f"5-4/{SIZE}", 0),
        ("0-5", 6),
        ("bytes 0-5/6", 6),
        (f"0-{GRANULE - 1}/{SIZE}", GRANULE + 1),
    ],
)
def test_senseless_chunks_are_refused(ann: Caller, span: str, size: int) -> None:
    uri = start(ann)
    refusal = put(ann, uri, span, CONTENT[:size])
    assert (refusal.status, reason_of(refusal)) == (400, "invalid")
    assert kept(ann, uri) == 0


def test_a_total_may_come_late(ann: Caller) -> None:
    uri = start(ann, size=None)
    assert put(ann, uri, f"0-{GRANULE - 1}/*", CONTENT[:GRANULE]).status == 308
    assert put(ann, uri, "*/*").headers["Range"] == f"bytes=0-{GRANULE - 1}"
    assert chunk(ann, uri, GRANULE, SIZE).status == 200


def test_one_request_may_bring_all(ann: Caller) -> None:
    uri = start(ann, size=None)
    done = ann.send("PUT", uri, CONTENT, authorization="")
    assert (done.status, done.json()["size"]) == (200, str(SIZE))
    empty = start(ann, size=0)
    assert put(ann, empty, "*/0").json()["size"] == "0"


def test_all_bytes_and_no_reply_is_asked_for_and_done(ann: Caller) -> None:
    """The last byte came, then the connection ended: a query finishes the upload."""
    uri = start(ann, size=2 * GRANULE)
    body = BytesBody(CONTENT[: 2 * GRANULE], cut_at=2 * GRANULE)
    span = f"bytes 0-{2 * GRANULE - 1}/{2 * GRANULE}"
    assert ann.send("PUT", uri, body, content_range=span).status == 0
    assert put(ann, uri, f"*/{2 * GRANULE}").status == 200


def test_content_of_an_existing_file(ann: Caller) -> None:
    file = ann.create("old", b"old")
    uri = start(ann, file_id=file["id"])
    assert f"/files/{file['id']}?" in uri
    new = chunk(ann, uri, 0, SIZE).json()
    assert (new["id"], new["size"]) == (file["id"], str(SIZE))
    assert new["headRevisionId"] != file["headRevisionId"]
    assert int(new["version"]) > int(file["version"])


def test_sessions_live_a_week(ann: Caller, clock: ManualClock) -> None:
    uri = start(ann)
    clock.advance(7 * DAY)
    assert kept(ann, uri) == 0
    clock.advance(1)
    for _ in range(2):
        gone = put(ann, uri, f"*/{SIZE}")
        assert (gone.status, reason_of(gone)) == (404, "notFound")


def test_cancelled_sessions_stay_cancelled(ann: Caller) -> None:
    uri = start(ann)
    chunk(ann, uri, 0, GRANULE)
    assert ann.send("DELETE", uri, authorization="").status == 499
    assert chunk(ann, uri, 0, SIZE).status == 499
    assert ann.search() == []


def test_an_unknown_session_is_not_found(ann: Caller) -> None:
    assert chunk(ann, start(ann) + "x", 0, GRANULE).status == 404


def test_go_clients_send_by_post_and_want_no_308(ann: Caller) -> None:
    uri = start(ann)
    response = ann.send(
        "POST",
        uri,
        CONTENT[:GRANULE],
        content_range=f"bytes 0-{GRANULE - 1}/{SIZE}",
        x_guploader_no_308="yes",
        authorization="",
    )
    assert response.status == 200
    assert response.headers["X-HTTP-Status-Code-Override"] == "308"
    assert response.headers["Range"] == f"bytes=0-{GRANULE - 1}"


def test_a_fault_keeps_fewer_bytes(drive: LocalDrive, ann: Caller) -> None:
    uri = start(ann)
    drive.faults.add(Fault("keep", endpoint="upload.put", times=1))
    assert chunk(ann, uri, 0, 2 * GRANULE).status == 308
    assert kept(ann, uri) == 0
    assert chunk(ann, uri, 0, SIZE).status == 200


def test_what_cannot_be_made_is_refused_at_once(ann: Caller) -> None:
    target = upload_target("/files", uploadType="resumable")
    assert ann.send("POST", target, {"parents": ["nowhere"]}).status == 404
    assert ann.send("POST", target, {"id": "1invented"}).status == 400
    assert ann.send("POST", target, {"name": 3}).status == 400
    assert ann.send("POST", target, {}, x_upload_content_length="many").status == 400
    missing = upload_target("/files/nowhere", uploadType="resumable")
    assert ann.send("PATCH", missing, {}).status == 404


def test_an_id_that_was_used_meanwhile_is_a_conflict(ann: Caller) -> None:
    (file_id,) = ann.ask("GET", "/files/generateIds", count=1)["ids"]
    response = ann.send(
        "POST",
        upload_target("/files", uploadType="resumable"),
        {"id": file_id},
        x_upload_content_length=str(SIZE),
    )
    uri = response.headers["Location"].removeprefix("http://localdrive")
    ann.create("first", id=file_id)
    refusal = chunk(ann, uri, 0, SIZE)
    assert (refusal.status, reason_of(refusal)) == (409, "fileIdInUse")
    assert chunk(ann, uri, 0, SIZE).status == 404
    assert ann.get(file_id)["name"] == "first"


def test_a_full_drive_refuses_before_the_content_comes(
    make_drive: Callable[..., LocalDrive],
) -> None:
    ann = caller(make_drive(storage_limit=SIZE - 1))
    response = ann.send(
        "POST",
        upload_target("/files", uploadType="resumable"),
        {},
        x_upload_content_length=str(SIZE),
    )
    assert (response.status, reason_of(response)) == (403, "storageQuotaExceeded")


def test_sessions_survive_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    with LocalDrive(tmp_path, clock=clock) as before:
        ann = caller(before)
        uri, done, cancelled = start(ann), start(ann), start(ann)
        chunk(ann, uri, 0, 2 * GRANULE)
        (tmp_path / "uploads" / "left-by-a-crash").touch()
        made = chunk(ann, done, 0, SIZE).json()["id"]
        ann.send("DELETE", cancelled)
    with LocalDrive(tmp_path, clock=clock) as after:
        ann = ann.at(after)
        assert kept(ann, uri) == 2 * GRANULE
        assert put(ann, done, f"*/{SIZE}").json()["id"] == made
        assert chunk(ann, cancelled, 0, SIZE).status == 499
        file = chunk(ann, uri, 2 * GRANULE, SIZE).json()
        assert ann.download(file["id"]) == CONTENT
    assert not list((tmp_path / "uploads").iterdir())


def test_simple_uploads_have_a_limit(make_drive: Callable[..., LocalDrive]) -> None:
    ann = caller(make_drive(simple_upload_limit=10))
    assert ann.create("fits", b"x" * 10)["size"] == "10"
    target = upload_target("/files", uploadType="media")
    assert ann.send("POST", target, b"x" * 10).status == 200
    assert ann.send("POST", target, b"x" * 11).status == 413
    assert ann.send("POST", target, b"", content_length="11").status == 413
    assert ann.send("POST", upload_target("/files"), b"x").status == 400
    kind = "multipart/related; boundary=edge"
    broken = upload_target("/files", uploadType="multipart")
    assert ann.send("POST", broken, b"--edge\r\n\r\n{}", content_type=kind).status == 400
    assert ann.send("POST", target_of("/files"), b"[]").status == 400


def test_a_lost_simple_upload_makes_nothing(ann: Caller) -> None:
    body = BytesBody(b"x" * 100, cut_at=50)
    target = upload_target("/files", uploadType="media")
    assert ann.send("POST", target, body).status == 0
    assert ann.search() == []
