"""The console: what admins do at Google's own pages, by forms that only this machine can send."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

import pytest

from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.wire import Request, Response
from tests.localdrive.caller import ANN, BEN, Caller, caller, target_of

BASE = "http://127.0.0.1:8123"


def get(drive: LocalDrive, path: str = "/console", base: str = BASE) -> Response:
    return drive.dispatch(Request.make("GET", path, base_url=base))


def nonce(drive: LocalDrive, form: str) -> str:
    page = get(drive).content().decode()
    found = re.search(
        rf'<form[^>]*action="/console/{form}"[^>]*>.*?value="([^"]+)"', page, re.DOTALL
    )
    assert found is not None
    return found[1]


def post(drive: LocalDrive, form: str, base: str = BASE, **fields: str) -> Response:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    fields.setdefault("nonce", nonce(drive, form))
    body = urlencode(fields).encode()
    return drive.dispatch(
        Request.make("POST", f"/console/{form}", headers=headers, body=body, base_url=base)
    )


def test_a_key_file_is_made_and_downloaded(drive: LocalDrive) -> None:
    reply = post(drive, "key", name="course-reader")
    assert reply.status == 200
    assert reply.headers["Content-Disposition"].startswith("attachment")
    key = json.loads(reply.content())
    assert key["token_uri"] == f"{BASE}/token"
    assert key["client_email"] in get(drive).content().decode()
    scope = "https://www.googleapis.com/auth/drive.readonly"
    asked = {"email": key["client_email"], "organisation": "example.edu", "scope": scope}
    assert post(drive, "delegate", **asked).status == 303
    assert drive.oauth.services.delegated(key["client_id"], "example.edu") == {scope}
    assert key["client_id"] in get(drive).content().decode()


def test_a_thing_is_shared_by_link(drive: LocalDrive, owner: Caller) -> None:
    file = owner.create("file", b"x")["id"]
    ben = caller(drive, BEN, scopes=("drive",))
    assert post(drive, "share", id=file, role="reader", key="no").status == 303
    assert ben.download(file) == b"x"
    assert post(drive, "share", id=file, role="reader", key="yes").status == 303
    assert ben.refused("GET", f"/files/{file}") == (404, "notFound")
    key = owner.get(file)["resourceKey"]
    shown = {"x-goog-drive-resource-keys": f"other/x,{file}/{key}, nonsense"}
    assert ben.send("GET", target_of(f"/files/{file}", alt="media"), **shown).content() == b"x"
    assert f"resourcekey={key}" in owner.get(file)["webViewLink"]
    wrong = {"x-goog-drive-resource-keys": f"{file}/0-wrong"}
    assert ben.send("GET", target_of(f"/files/{file}"), **wrong).status == 404


def test_a_shared_drive_is_made(drive: LocalDrive, owner: Caller) -> None:
    made = post(drive, "drive", name="Course", organizer=ANN, member=BEN, role="reader")
    assert made.status == 303
    assert owner.ask("GET", "/drives")["drives"][0]["name"] == "Course"
    assert "Course" in get(drive).content().decode()
    post(drive, "drive", name=" ", organizer=ANN, member="", role="reader")
    assert {each.name for each in drive.model.drives.values()} == {"Course", "Shared drive"}


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("key", {"name": "X"}),
        ("key", {}),
        ("share", {"id": "nothing", "role": "reader", "key": "no"}),
        ("share", {"id": "x", "role": "owner", "key": "no"}),
        ("drive", {"name": "n", "organizer": ANN, "member": BEN, "role": "owner"}),
        ("drive", {"name": "n", "organizer": ANN, "nonce": "stale"}),
        ("key", {"name": "x" * 70_000}),
    ],
)
def test_senseless_forms(drive: LocalDrive, form: str, fields: dict[str, str]) -> None:
    reply = post(drive, form, **fields)
    assert reply.status == 400
    assert b'class="note bad"' in reply.content()


def test_a_form_is_sent_once(drive: LocalDrive) -> None:
    word = nonce(drive, "key")
    assert post(drive, "key", name="course-reader", nonce=word).status == 200
    assert post(drive, "key", name="course-reader", nonce=word).status == 400
    for _ in range(400):
        get(drive)
    assert post(drive, "key", name="course-reader").status == 200


def test_other_names_get_nothing(drive: LocalDrive) -> None:
    for base in ("http://evil.test", "http://10.0.0.1:80"):
        assert get(drive, base=base).status == 403
        assert post(drive, "key", base=base, name="course-reader").status == 403
    assert drive.oauth.services.all == ()


def test_a_key_is_put_at_an_address(drive: LocalDrive) -> None:
    path = drive.console.publish({"type": "service_account"})
    assert get(drive, path).json() == {"type": "service_account"}
    assert get(drive, drive.console.publish(b"<html>")).content() == b"<html>"
    assert get(drive, "/keys/guess/service_account.json").status == 404
