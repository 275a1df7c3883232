"""Up to a hundred calls in one request (Source: Improve performance, "Batch requests")."""

from __future__ import annotations

import email
import email.message
import json
from email.parser import BytesHeaderParser
from io import BytesIO
from typing import Any

from googleapiclient.errors import HttpError

from tests.contract.ground import FOLDER, Ground, Reply

MIXED = {"Content-Type": "multipart/mixed; boundary=outer"}


def part(content_id: str, request: str, body: str = "") -> str:
    kind = "Content-Type: application/json\r\n" if body else ""
    length = f"Content-Length: {len(body.encode())}\r\n" if body else ""
    return (
        f"--outer\r\nContent-Type: application/http\r\nContent-ID: <{content_id}>\r\n\r\n"
        f"{request}\r\n{kind}{length}\r\n{body}\r\n"
    )


def post(ground: Ground, *parts: str) -> Reply:
    return ground.send(
        "POST", "/batch/drive/v3", ("".join(parts) + "--outer--\r\n").encode(), MIXED
    )


def answers(reply: Reply) -> dict[str, tuple[int, bytes]]:
    """Status and body of each inner reply by its Content-ID."""
    assert reply.status == 200, reply
    kind = reply.headers["content-type"]
    assert kind.startswith("multipart/mixed")
    whole = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + reply.body)
    found = {}
    for inner in whole.get_payload():
        assert isinstance(inner, email.message.Message)
        assert inner.get_content_type() == "application/http"
        payload = inner.get_payload(decode=True)
        assert isinstance(payload, bytes)
        status_line, _, rest = payload.partition(b"\r\n")
        stream = BytesIO(rest)
        BytesHeaderParser().parse(stream)
        _, _, body = rest.partition(b"\r\n\r\n")
        found[inner["Content-ID"]] = (int(status_line.split()[1]), body.rstrip())
    return found


def test_each_reply_names_the_call_that_it_answers(ground: Ground) -> None:
    """Source: "Format of a batch response": Content-ID comes back behind `response-`."""
    one, two = ground.make("one"), ground.make("two")
    reply = post(
        ground,
        part("item-1", f"GET /drive/v3/files/{one['id']}?fields=name HTTP/1.1"),
        part("item-2", f"GET /drive/v3/files/{two['id']}?fields=name"),
    )
    found = answers(reply)
    assert found.keys() == {"<response-item-1>", "<response-item-2>"}
    assert json.loads(found["<response-item-1>"][1]) == {"name": "one"}
    assert json.loads(found["<response-item-2>"][1]) == {"name": "two"}


def test_parts_fail_one_by_one(ground: Ground) -> None:
    """Source: "Batch requests": each call stands for itself; the whole answers 200."""
    made = ground.make("one")
    (nowhere,) = ground.files.generateIds(count=1).execute()["ids"]
    reply = post(
        ground,
        part("a", f"PATCH /drive/v3/files/{made['id']}?fields=name", '{"name": "renamed"}'),
        part("b", f"GET /drive/v3/files/{nowhere}"),
        part("c", f"GET /drive/v3/files/{made['id']}?fields=nonsense"),
        part("d", f"PATCH /drive/v3/files/{nowhere}", '{"name": "x"}'),
    )
    found = {name: status for name, (status, _) in answers(reply).items()}
    assert found == {
        "<response-a>": 200,
        "<response-b>": 404,
        "<response-c>": 400,
        "<response-d>": 404,
    }
    error = json.loads(answers(reply)["<response-b>"][1])["error"]
    assert error["errors"][0]["reason"] == "notFound"
    assert ground.get(made["id"])["name"] == "renamed"


def test_a_hundred_calls_by_the_stock_client(ground: Ground) -> None:
    """Source: "Batch requests": up to 100 calls; folders under ids made beforehand."""
    ids = ground.files.generateIds(count=100).execute()["ids"]
    told: dict[str, Any] = {}

    def on_reply(request_id: str, reply: Any, error: HttpError | None) -> None:
        told[request_id] = error or reply["id"]

    batch = ground.service.new_batch_http_request(callback=on_reply)
    for file_id in ids:
        body = {"id": file_id, "name": file_id, "mimeType": FOLDER, "parents": [ground.folder]}
        batch.add(ground.files.create(body=body, fields="id"), request_id=file_id)
    batch.execute()
    assert told == {file_id: file_id for file_id in ids}
    assert ground.settled(ground.names, lambda seen: len(seen) == 100) == sorted(ids)


def test_more_than_a_hundred_are_refused(ground: Ground) -> None:
    """Source: "Batch requests": "limited to 100 calls in a single batch request"."""
    parts = [part(str(i), "GET /drive/v3/about?fields=kind") for i in range(101)]
    assert 400 <= post(ground, *parts).status < 500


def test_moves_and_trashes_in_a_batch(ground: Ground) -> None:
    """Source: "Batch requests": any call that carries no media."""
    there = ground.make_folder("there")["id"]
    moved, thrown, gone = (ground.make(n)["id"] for n in ("moved", "thrown", "gone"))
    reply = post(
        ground,
        part(
            "m",
            f"PATCH /drive/v3/files/{moved}?addParents={there}&removeParents={ground.folder}",
            "{}",
        ),
        part("t", f"PATCH /drive/v3/files/{thrown}", '{"trashed": true}'),
        part("d", f"DELETE /drive/v3/files/{gone}"),
    )
    found = {name: status for name, (status, _) in answers(reply).items()}
    assert found == {"<response-m>": 200, "<response-t>": 200, "<response-d>": 204}
    assert ground.get(moved)["parents"] == [there]
    assert ground.get(thrown)["trashed"] is True


def test_no_media_in_a_batch(ground: Ground) -> None:
    """Source: "Batch requests": neither for uploading nor for downloading media."""
    made = ground.make("n", b"content that stays out")
    reply = post(
        ground,
        part("down", f"GET /drive/v3/files/{made['id']}?alt=media"),
        part("up", f"PATCH /upload/drive/v3/files/{made['id']}?uploadType=media", "new"),
    )
    if reply.status == 200:
        assert all(400 <= status < 500 for status, _ in answers(reply).values())
    else:
        assert 400 <= reply.status < 500
    assert ground.content(made["id"]) == b"content that stays out"


def test_a_body_that_is_no_batch_is_refused(ground: Ground) -> None:
    """Source: "Format of a batch request": multipart/mixed."""
    for headers, body in (({"Content-Type": "text/plain"}, b"hello"), (MIXED, b"no parts")):
        assert 400 <= ground.send("POST", "/batch/drive/v3", body, headers).status < 500


def test_a_batch_needs_a_token_for_its_calls(ground: Ground) -> None:
    """Source: "Format of a batch request": the outer headers hold for each call in it."""
    body = (part("a", "GET /drive/v3/about?fields=kind") + "--outer--\r\n").encode()
    reply = ground.send("POST", "/batch/drive/v3", body, MIXED, token="not-a-token")
    statuses = {s for s, _ in answers(reply).values()} if reply.status == 200 else {reply.status}
    assert statuses == {401}
