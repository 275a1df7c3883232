"""What a file is: its id, its name, its times, and what an update leaves alone."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.ground import FOLDER, Ground, refused

ODD_NAMES = [
    "a/b",
    "/",
    ".",
    "..",
    "it's",
    '"quoted"',
    "back\\slash",
    "line\nbreak",
    "tab\there",
    unicodedata.normalize("NFC", "café-é"),
    unicodedata.normalize("NFD", "café-é"),
    "\N{SNOWMAN}\N{GRINNING FACE}",
    "*?<>|:",
    "CON",
    ".hidden",
    "x" * 255,
    "%2F&q=1+1#",
]


def parsed(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_comes_back_as_it_was_given(ground: Ground, name: str) -> None:
    """Source: reference, Files: name is any string; nothing in it separates paths."""
    made = ground.make(name)
    assert made["name"] == name
    assert ground.get(made["id"])["name"] == name
    assert ground.settled(lambda: [entry["name"] for entry in ground.search("")]) == [name]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_is_found_by_a_query_with_its_escapes(ground: Ground, name: str) -> None:
    """Source: Search for files: `'` and the backslash are escaped by a backslash in q."""
    made = ground.make(name)
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    found = ground.settled(lambda: ground.search(f"name = '{quoted}'"))
    assert [entry["id"] for entry in found] == [made["id"]]


def test_names_are_not_unique(ground: Ground) -> None:
    """Source: reference, Files: name "isn't necessarily unique within a folder"."""
    made = {ground.make("twin")["id"], ground.make("twin")["id"], ground.make_folder("twin")["id"]}
    assert len(made) == 3
    assert ground.settled(lambda: ground.names(""), lambda seen: len(seen) == 3) == ["twin"] * 3


def test_new_content_keeps_the_id_and_adds_a_revision(ground: Ground) -> None:
    """Source: Upload file data: PATCH on the id updates the file; Manage file revisions."""
    made = ground.make("note.txt", b"one")
    now = ground.replace(made["id"], b"two")
    assert now["id"] == made["id"]
    assert now["headRevisionId"] != made["headRevisionId"]
    assert int(now["version"]) > int(made["version"])
    revisions = ground.service.revisions().list(fileId=made["id"]).execute()["revisions"]
    assert [r["id"] for r in revisions] == [made["headRevisionId"], now["headRevisionId"]]


def test_a_rename_changes_the_name_and_no_content(ground: Ground) -> None:
    """Source: reference, files.update: "supports patch semantics"."""
    made = ground.make("old.txt", b"same", description="said", starred=True)
    now = ground.files.update(
        fileId=made["id"],
        body={"name": "new.txt"},
        fields="id,name,md5Checksum,headRevisionId,parents,description,starred,version",
    ).execute()
    assert now["name"] == "new.txt"
    assert {k: now[k] for k in ("id", "md5Checksum", "headRevisionId", "parents")} == {
        k: made[k] for k in ("id", "md5Checksum", "headRevisionId", "parents")
    }
    assert (now["description"], now["starred"]) == ("said", True)
    assert int(now["version"]) > int(made["version"])


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("2001-02-03T04:05:06.789Z", "2001-02-03T04:05:06.789Z"),
        ("2001-02-03T04:05:06Z", "2001-02-03T04:05:06.000Z"),
        ("2001-02-03T04:05:06.007+02:00", "2001-02-03T02:05:06.007Z"),
        ("1999-12-31T23:59:59.999-01:00", "2000-01-01T00:59:59.999Z"),
    ],
)
def test_modified_time_is_ours_to_set_to_the_millisecond(
    ground: Ground, told: str, kept: str
) -> None:
    """Source: reference, Files: modifiedTime is writable (RFC 3339), told with milliseconds."""
    made = ground.make("dated.txt", modifiedTime=told, fields="id,modifiedTime")
    assert made["modifiedTime"] == kept
    changed = ground.files.update(
        fileId=made["id"], body={"modifiedTime": "2010-10-10T10:10:10.010Z"}, fields="modifiedTime"
    ).execute()
    assert changed == {"modifiedTime": "2010-10-10T10:10:10.010Z"}
    again = ground.replace(made["id"], b"new", modifiedTime=told, fields="modifiedTime")
    assert again == {"modifiedTime": kept}


@settings(max_examples=12, deadline=None)
@given(stamp=st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2199, 12, 31)))
def test_any_moment_survives_at_a_millisecond(run_ground: Ground, stamp: datetime) -> None:
    """Source: reference, Files: modifiedTime; finer parts of a second are not kept."""
    told = stamp.replace(tzinfo=UTC)
    made = run_ground.make("t", modifiedTime=told.isoformat(), fields="id,modifiedTime")
    assert abs(parsed(made["modifiedTime"]) - told) <= timedelta(milliseconds=1)
    assert run_ground.get(made["id"], "modifiedTime")["modifiedTime"] == made["modifiedTime"]


def test_new_content_without_a_time_is_modified_now(ground: Ground) -> None:
    """Source: reference, Files: modifiedTime is the last time the file was modified by anyone."""
    made = ground.make("t", modifiedTime="2001-01-01T00:00:00Z", fields="id,createdTime")
    now = ground.replace(made["id"], b"new", fields="modifiedTime")
    assert parsed(now["modifiedTime"]) >= parsed(made["createdTime"])


def test_created_time_may_be_told_at_create(ground: Ground) -> None:
    """Source: reference, Files: createdTime, writable in a create."""
    made = ground.make("t", createdTime="2002-03-04T05:06:07.008Z", fields="createdTime")
    assert made == {"createdTime": "2002-03-04T05:06:07.008Z"}


@pytest.mark.parametrize("stamp", ["yesterday", "2001-13-01T00:00:00Z", "03/02/2001"])
def test_a_time_that_is_none_is_refused(ground: Ground, stamp: str) -> None:
    """Source: reference, Files: modifiedTime is an RFC 3339 date-time."""
    with refused(400):
        ground.make("t", modifiedTime=stamp)


def test_a_file_tells_where_people_find_it(ground: Ground) -> None:
    """Source: reference, Files: webViewLink, owners, capabilities, isAppAuthorized, spaces."""
    file = ground.make("seen.txt", fields="*")
    folder = ground.make_folder("seen", fields="*")
    for item in (file, folder):
        assert item["id"] in item["webViewLink"]
        assert item["ownedByMe"] is True
        assert item["owners"][0]["me"] is True
        assert item["isAppAuthorized"] is True
        assert item["spaces"] == ["drive"]
        assert item["capabilities"]["canEdit"] is True
        assert item["trashed"] is False
    assert file["kind"] == "drive#file"
    assert file["quotaBytesUsed"] == file["size"]
    assert file["fileExtension"] == "txt"
    assert folder["mimeType"] == FOLDER


def test_parents_are_not_written_in_a_body(ground: Ground) -> None:
    """Source: reference, Files: "Update requests must use addParents and removeParents"."""
    made = ground.make("still.txt")
    other = ground.make_folder("other")
    with refused(403, reason="fieldNotWritable"):
        ground.files.update(fileId=made["id"], body={"parents": [other["id"]]}).execute()
    assert ground.get(made["id"])["parents"] == [ground.folder]


def test_a_body_that_is_no_json_is_refused(ground: Ground) -> None:
    """Source: Resolve errors, "400: Bad request": the body cannot be parsed."""
    reply = ground.send("POST", "/drive/v3/files", b"{oops", {"Content-Type": "application/json"})
    assert reply.status == 400
    assert reply.json()["error"]["code"] == 400


def test_what_drive_does_not_know_is_passed_over(ground: Ground) -> None:
    """Source: googleworkspace/node-samples issue 202: v2's `title` leaves a file "Untitled"."""
    body = {"title": "named as in v2", "parents": [ground.folder]}
    assert ground.files.create(body=body).execute()["name"] == "Untitled"


@pytest.mark.parametrize(
    "body", [{"id": "invented"}, {"shortcutDetails": {"targetId": "x"}}, {"md5Checksum": "0" * 32}]
)
def test_what_drive_alone_writes_is_not_written(ground: Ground, body: dict[str, object]) -> None:
    """Source: Resolve errors, fieldNotWritable; node-samples issue 202."""
    made = ground.make("n")
    with refused(403, reason="fieldNotWritable"):
        ground.files.update(fileId=made["id"], body=body).execute()
    assert ground.get(made["id"])["md5Checksum"] == made["md5Checksum"]


@pytest.mark.parametrize("body", [{"name": 3.5}, {"parents": "no list"}, {"starred": "perhaps"}])
def test_a_body_of_wrong_types_is_refused(ground: Ground, body: dict[str, object]) -> None:
    """Source: flysystem-google-drive-ext issue 104: 400, Invalid JSON payload."""
    with refused(400):
        ground.files.create(body={"parents": [ground.folder], **body}).execute()


def test_a_shortcut_tells_its_target_and_has_no_content(ground: Ground) -> None:
    """Source: guide "Create a shortcut to a Drive file"; reference, shortcutDetails."""
    target = ground.make("target")["id"]
    body = {
        "name": "shortcut",
        "mimeType": "application/vnd.google-apps.shortcut",
        "parents": [ground.folder],
        "shortcutDetails": {"targetId": target},
    }
    made = ground.files.create(body=body, fields="id").execute()["id"]
    told = ground.get(made, "shortcutDetails/targetId,md5Checksum,headRevisionId,size")
    assert told["shortcutDetails"]["targetId"] == target
    assert not {"md5Checksum", "headRevisionId"} & set(told)
