"""Batches, and the multipart bodies that they share with uploads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_drive_sync.localdrive import multipart
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.wire import Response
from tests.localdrive.caller import Caller, caller, other_client


def call(method: str, path: str, body: Any = None, *, headers: str = "") -> str:
    text = "" if body is None else json.dumps(body)
    return f"{method} {path} HTTP/1.1\r\nContent-Type: application/json\r\n{headers}\r\n{text}"


def send(
    caller: Caller, calls: Sequence[str], *, path: str = "/batch/drive/v3", **headers: str
) -> Response:
    parts = "".join(
        f"--b\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n\r\n{each}\r\n"
        for number, each in enumerate(calls)
    )
    body = (parts + "--b--").encode()
    return caller.send("POST", path, body, content_type="multipart/mixed; boundary=b", **headers)


def answers(response: Response) -> dict[str, tuple[int, Any]]:
    """Return status and body by Content-ID."""
    assert response.status == 200
    found = {}
    for part in multipart.parse(response.headers["Content-Type"], response.content()):
        lines, body = multipart.split_head(part.content)
        assert part.headers["content-type"] == "application/http"
        status = int(lines[0].split()[1])
        found[part.headers["content-id"]] = (status, json.loads(body) if body.strip() else None)
    return found


def test_each_call_has_its_own_answer(drive: LocalDrive, ann: Caller) -> None:
    file = ann.create("file")["id"]
    drive.log.clear()
    found = answers(
        send(
            ann,
            [
                call("POST", "/drive/v3/files?fields=name", {"name": "new"}),
                call("GET", f"/drive/v3/files/{file}?fields=id"),
                call("GET", "/drive/v3/files/nowhere"),
                call("DELETE", f"/drive/v3/files/{file}x"),
                call("GET", "https://www.googleapis.com/drive/v3/about?fields=kind"),
            ],
        )
    )
    assert {key: status for key, (status, _) in found.items()} == {
        "<response-0>": 200,
        "<response-1>": 200,
        "<response-2>": 404,
        "<response-3>": 404,
        "<response-4>": 200,
    }
    assert found["<response-0>"][1] == {"name": "new"}
    assert found["<response-2>"][1]["error"]["errors"][0]["reason"] == "notFound"
    (record,) = drive.log.records
    assert (record.endpoint, record.units, len(record.inner)) == ("batch", 0, 5)
    assert drive.log.counts() == {"batch": 1}
    assert drive.log.inner_counts()["files.get"] == 2
    assert drive.log.units() == 50 + 5 + 5 + 50 + 5


def test_the_order_is_nobodys_to_know(ann: Caller) -> None:
    calls = [call("POST", "/drive/v3/files", {"name": str(number)}) for number in range(20)]
    token = ann.start_token()
    assert len(answers(send(ann, calls, path="/batch"))) == 20
    order = [ann.get(each)["name"] for each in ann.changes(token)]
    assert sorted(order, key=int) == [str(number) for number in range(20)]
    assert order != [str(number) for number in range(20)]


def test_tokens_hold_for_all_unless_a_call_brings_its_own(drive: LocalDrive, ann: Caller) -> None:
    other = caller(drive, client=other_client(drive))
    file = ann.create("file")["id"]
    get = f"/drive/v3/files/{file}"
    own = call("GET", get, headers=f"Authorization: Bearer {other.token}\r\n")
    assert {status for status, _ in answers(send(ann, [call("GET", get), own])).values()} == {
        200,
        404,
    }
    found = answers(send(ann, [call("GET", get)], authorization=""))
    assert found["<response-0>"][0] == 401


@pytest.mark.parametrize(
    "inner",
    [
        call("POST", "/upload/drive/v3/files?uploadType=media", {}),
        call("PUT", "/upload/drive/v3/files?upload_id=x", {}),
        call("GET", "/drive/v3/files/{file}?alt=media"),
        call("POST", "/batch", {}),
        call("GET", "/"),
        call("POST", "/token", {}),
    ],
)
def test_no_media_and_no_other_rooms(ann: Caller, inner: str) -> None:
    file = ann.create("file", b"x")["id"]
    found = answers(send(ann, [inner.format(file=file) if "{file}" in inner else inner]))
    assert found["<response-0>"][0] == 400


def test_a_hundred_and_no_more(ann: Caller) -> None:
    calls = [call("GET", "/drive/v3/about?fields=kind")] * 101
    assert len(answers(send(ann, calls[:100]))) == 100
    assert send(ann, calls).status == 400
    assert send(ann, []).status == 400


def test_broken_batches(ann: Caller) -> None:
    assert send(ann, ["GET"]).status == 400
    assert send(ann, ["GET /drive/v3/files HTTP/1.1\r\nno header\r\n\r\n"]).status == 400
    assert send(ann, [f"GET /drive/v3/files?q={'x' * 8000} HTTP/1.1\r\n\r\n"]).status == 400
    assert ann.send("POST", "/batch", b"x", content_type="text/plain").status == 400
    assert ann.send("POST", "/batch", b"--b\r\n\r\nx", content_type="multipart/mixed").status == 400


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=4), st.sampled_from([b"\r\n", b"\n"]))
def test_any_content_goes_through_a_multipart_body(contents: list[bytes], end: bytes) -> None:
    edge = b"an unlikely edge 4711"
    body = b"a preamble" + end
    for content in contents:
        body += b"--" + edge + end + b"X-Name: value" + end + end + content + end
    body += b"--" + edge + b"--" + end + b"an epilogue"
    kind = f'multipart/related; boundary="{edge.decode()}"'
    parts = multipart.parse(kind, body)
    assert [part.content for part in parts] == contents
    assert all(part.headers == {"x-name": "value"} for part in parts)


def test_parts_without_headers_and_in_base64() -> None:
    kind = "multipart/related; boundary=b"
    (part,) = multipart.parse(kind, b"--b\r\n\r\nbody\r\n--b--")
    assert (part.headers, part.content) == ({}, b"body")
    body = b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\neHl6\r\n--b--"
    assert multipart.parse(kind, body)[0].content == b"xyz"
    for broken in (
        b"",
        b"--b\r\n\r\nx",
        b"--bb\r\n\r\nx\r\n--bb--",
        b"--b\r\nbad\r\n\r\n\r\n--b--",
    ):
        with pytest.raises(multipart.MultipartError):
            multipart.parse(kind, broken)
