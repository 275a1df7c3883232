"""Bodies: what is taken, what is refused and with which words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localdrive.caller import Caller


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"{", (400, "parseError")),
        (b"[]", (400, "parseError")),
        (b"\xff\xfe", (400, "parseError")),
        ({"name": 3}, (400, "invalid")),
        (b'{"name": "\\ud800"}', (400, "invalid")),
        ({"starred": "yes"}, (400, "invalid")),
        ({"modifiedTime": "yesterday"}, (400, "invalid")),
        ({"modifiedTime": "2020-01-01"}, (400, "invalid")),
        ({"modifiedTime": 5}, (400, "invalid")),
        ({"folderColorRgb": "red"}, (400, "invalid")),
        ({"appProperties": []}, (400, "invalid")),
        ({"appProperties": {"a": 1}}, (400, "invalid")),
        ({"size": "1"}, (403, "fieldNotWritable")),
        ({"md5Checksum": "x"}, (403, "fieldNotWritable")),
        ({"ownedByMe": True}, (403, "fieldNotWritable")),
        ({"explicitlyTrashed": True}, (403, "fieldNotWritable")),
    ],
)
def test_refused_everywhere(ann: Caller, body: Any, refusal: tuple[int, str]) -> None:
    file = ann.create("file")["id"]
    assert ann.refused("POST", "/files", body) == refusal
    assert ann.refused("PATCH", f"/files/{file}", body) == refusal
    assert ann.names() == ["file"]


def test_what_belongs_to_one_method(ann: Caller) -> None:
    file = ann.create("file")["id"]
    for body in ({"id": "x"}, {"parents": ["x"]}, {"shortcutDetails": {"targetId": "x"}}):
        assert ann.refused("PATCH", f"/files/{file}", body) == (403, "fieldNotWritable")
    assert ann.refused("POST", "/files", {"trashed": True}) == (403, "fieldNotWritable")
    assert ann.refused("POST", "/files", {"parents": "root"}) == (400, "invalid")
    assert ann.refused("POST", "/files", {"parents": ["root", "root"]})[0] == 403
    assert ann.refused("PATCH", f"/files/{file}", {"mimeType": "a/b"}) == (400, "invalid")
    for wrong in ({"targetId": 3}, [], {"targetId": "x", "other": 1}):
        body = {"mimeType": "application/vnd.google-apps.shortcut", "shortcutDetails": wrong}
        assert ann.refused("POST", "/files", body)[0] in {400, 403}


def test_nulls_clear_or_say_nothing(ann: Caller) -> None:
    file = ann.create("file", description="text", appProperties={"a": "1", "b": "2"})["id"]
    ann.ask(
        "PATCH",
        f"/files/{file}",
        {"name": None, "description": None, "modifiedTime": None, "appProperties": {"a": None}},
    )
    seen = ann.get(file)
    assert (seen["name"], seen["appProperties"]) == ("file", {"b": "2"})
    assert "description" not in seen
    ann.ask("PATCH", f"/files/{file}", {"appProperties": {"b": None, "absent": None}})
    assert "appProperties" not in ann.get(file)


def test_everything_writable(ann: Caller) -> None:
    wanted = {
        "name": "naïve 𝄞 / ' \\ \n",
        "description": "d",
        "starred": True,
        "modifiedTime": "2020-01-02T03:04:05.678Z",
        "viewedByMeTime": "2020-01-02T03:04:05.000Z",
        "originalFilename": "o",
        "writersCanShare": False,
        "copyRequiresWriterPermission": True,
        "properties": {"p": "1"},
        "appProperties": {"q": "2"},
    }
    ignored = {"kind": "drive#file", "contentHints": {"indexableText": "x"}}
    file = ann.ask("POST", "/files", {**wanted, **ignored}, fields="*")
    assert {name: file[name] for name in wanted} == wanted
    assert ann.create("other", folderColorRgb="#ABCDEF")["folderColorRgb"] == "#abcdef"


def test_limits_of_properties(ann: Caller) -> None:
    file = ann.create("file")["id"]
    fits = {"k" * 24: "ä" * 50}
    ann.ask("PATCH", f"/files/{file}", {"appProperties": fits})
    over = {"k" * 25: "ä" * 50}
    for field in ("appProperties", "properties"):
        refusal = ann.refused("PATCH", f"/files/{file}", {field: over})
        assert refusal == (403, "propertyLengthLimitExceeded")
    many = {f"k{number}": "v" for number in range(29)}
    ann.ask("PATCH", f"/files/{file}", {"appProperties": many})
    refusal = ann.refused("PATCH", f"/files/{file}", {"appProperties": {"one": "more"}})
    assert refusal == (403, "propertiesLimitExceeded")
    assert len(ann.get(file)["appProperties"]) == 30


def test_no_body_is_an_empty_one(ann: Caller) -> None:
    made = ann.ask("POST", "/files", fields="*")
    assert (made["name"], made["mimeType"], made["size"]) == (
        "Untitled",
        "application/octet-stream",
        "0",
    )
    ann.ask("PATCH", f"/files/{made['id']}")
    assert ann.get(made["id"])["version"] == made["version"]


def test_names_that_drive_does_not_know_are_passed_over(ann: Caller) -> None:
    """Source: googleworkspace/node-samples issue 202."""
    assert ann.ask("POST", "/files", {"title": "of v2"})["name"] == "Untitled"


def test_extensions(ann: Caller) -> None:
    for name, full, last in (
        ("a.txt", "txt", "txt"),
        ("a.tar.gz", "tar.gz", "gz"),
        ("a.b.c", "c", "c"),
    ):
        file = ann.create(name, b"")
        assert (file["fullFileExtension"], file["fileExtension"]) == (full, last)
    assert "fileExtension" not in ann.create("none", b"")
