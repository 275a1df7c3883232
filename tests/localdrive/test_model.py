"""A Drive as a state machine: what each write makes of it, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.localdrive.clock import ManualClock, rfc3339
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.settings import DAY
from tests.localdrive.caller import ANN, FOLDER, Caller, caller

DOCUMENT = "application/vnd.google-apps.document"
SHORTCUT = "application/vnd.google-apps.shortcut"


def test_trash_is_purged_after_thirty_days(ann: Caller, clock: ManualClock) -> None:
    folder = ann.folder("folder")
    inside = ann.create("inside", parents=[folder])["id"]
    kept = ann.create("kept")["id"]
    token = ann.start_token()
    ann.ask("PATCH", f"/files/{folder}", {"trashed": True})
    clock.advance(30 * DAY - 1)
    assert ann.get(inside)["trashed"]
    assert not ann.get(inside)["explicitlyTrashed"]
    clock.advance(1)
    assert ann.refused("GET", f"/files/{inside}") == (404, "notFound")
    assert ann.names() == ["kept"]
    assert ann.changes(token) == {folder: True, inside: True}
    ann.ask("PATCH", f"/files/{kept}", {"trashed": True})
    clock.advance(31 * DAY)
    assert ann.names() == []


def test_untrashed_files_are_not_purged(ann: Caller, clock: ManualClock) -> None:
    file = ann.create("file")["id"]
    ann.ask("PATCH", f"/files/{file}", {"trashed": True})
    ann.ask("PATCH", f"/files/{file}", {"trashed": False})
    clock.advance(31 * DAY)
    assert not ann.get(file)["trashed"]


def test_quota_counts_heads_and_pins(make_drive: Callable[..., LocalDrive]) -> None:
    ann = caller(make_drive(storage_limit=25))

    def usage() -> tuple[int, int]:
        quota = ann.ask("GET", "/about", fields="storageQuota")["storageQuota"]
        assert quota["limit"] == "25"
        return int(quota["usage"]), int(quota["usageInDriveTrash"])

    file = ann.create("file", b"x" * 10)
    assert usage() == (10, 0)
    ann.replace(file["id"], b"y" * 12)
    assert usage() == (12, 0)
    ann.ask(
        "PATCH",
        f"/files/{file['id']}/revisions/{file['headRevisionId']}",
        {"keepForever": True},
    )
    assert usage() == (22, 0)
    assert ann.get(file["id"])["quotaBytesUsed"] == "22"
    assert ann.refused("POST", f"/files/{file['id']}/copy") == (403, "storageQuotaExceeded")
    ann.ask("PATCH", f"/files/{file['id']}", {"trashed": True})
    assert usage() == (22, 22)
    ann.ask("DELETE", f"/files/{file['id']}")
    assert usage() == (0, 0)


def test_a_refused_content_changes_nothing(make_drive: Callable[..., LocalDrive]) -> None:
    drive = make_drive(storage_limit=10)
    ann = caller(drive)
    file = ann.create("file", b"x" * 8)
    target = f"/upload/drive/v3/files/{file['id']}?uploadType=media"
    assert ann.send("PATCH", target, b"y" * 11).status == 403
    assert ann.download(file["id"]) == b"x" * 8
    assert ann.get(file["id"])["version"] == file["version"]


def test_limits_of_folders(make_drive: Callable[..., LocalDrive]) -> None:
    ann = caller(make_drive(max_children=2, max_depth=3, max_items=8))
    one = ann.folder("one")
    two = ann.folder("two", parents=[one])
    three = ann.folder("three", parents=[two])
    too_deep = {"mimeType": FOLDER, "parents": [three]}
    assert ann.refused("POST", "/files", too_deep) == (403, "myDriveHierarchyDepthLimitExceeded")
    aside = ann.folder("aside")
    ann.folder("below", parents=[aside])
    moved = ann.refused(
        "PATCH", f"/files/{aside}", {}, addParents=two, removeParents=ann.get(aside)["parents"][0]
    )
    assert moved == (403, "myDriveHierarchyDepthLimitExceeded")
    for name in "ab":
        ann.create(name, parents=[three])
    full = ann.refused("POST", "/files", {"parents": [three]})
    assert full == (403, "numChildrenInNonRootLimitExceeded")
    ann.create("eighth")
    ninth = ann.refused("POST", "/files", {})
    assert ninth == (403, "activeItemCreationLimitExceeded")


def test_folders_do_not_go_into_themselves(ann: Caller) -> None:
    outer = ann.folder("outer")
    inner = ann.folder("inner", parents=[outer])
    for target in (outer, inner):
        refusal = ann.refused(
            "PATCH", f"/files/{outer}", {}, addParents=target, removeParents="root"
        )
        assert refusal == (403, "cannotAddParent")
    assert ann.get(inner)["parents"] == [outer]


def test_a_move_and_a_rename_are_one_request(ann: Caller) -> None:
    left, right = ann.folder("left"), ann.folder("right")
    file = ann.create("file", parents=[left])["id"]
    ann.ask("PATCH", f"/files/{file}", {"name": "new"}, addParents=right, removeParents=left)
    assert (ann.get(file)["parents"], ann.get(file)["name"]) == ([right], "new")
    ann.ask("PATCH", f"/files/{file}", {}, addParents=left, enforceSingleParent="true")
    assert ann.get(file)["parents"] == [left]
    ann.ask("PATCH", f"/files/{file}", {}, addParents="root", removeParents=f"{left},{right}")
    assert ann.names("'root' in parents and name = 'new'") == ["new"]


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        ({"addParents": "{right}"}, (403, "cannotAddParent")),
        ({"addParents": "{right},root"}, (403, "cannotAddParent")),
        ({"addParents": "{right}", "removeParents": "root"}, (403, "cannotAddParent")),
        ({"removeParents": "{left}"}, (403, "cannotRemoveLastParent")),
        ({"addParents": "nowhere", "removeParents": "{left}"}, (404, "notFound")),
        ({"addParents": "{file}", "removeParents": "{left}"}, (403, "parentNotAFolder")),
    ],
)
def test_a_file_has_one_parent(
    ann: Caller, parameters: dict[str, str], refusal: tuple[int, str]
) -> None:
    left, right = ann.folder("left"), ann.folder("right")
    file = ann.create("file", parents=[left])["id"]
    asked = {
        name: value.format(left=left, right=right, file=file) for name, value in parameters.items()
    }
    assert ann.refused("PATCH", f"/files/{file}", {"name": "new"}, **asked) == refusal
    assert (ann.get(file)["parents"], ann.get(file)["name"]) == ([left], "file")


def test_revisions_go_thirty_days_after_newer_content(ann: Caller, clock: ManualClock) -> None:
    file = ann.create("file", b"0", modifiedTime="2001-01-01T00:00:00Z")["id"]
    clock.advance(40 * DAY)
    ann.replace(file, b"1")
    assert len(revisions(ann, file)) == 2
    clock.advance(30 * DAY)
    assert [each["size"] for each in revisions(ann, file)] == ["1"]
    assert ann.download(file) == b"1"


def test_a_hundred_revisions_are_kept(make_drive: Callable[..., LocalDrive]) -> None:
    ann = caller(make_drive(max_revisions=3, max_pinned=1))
    file = ann.create("file", b"0")
    ann.ask("PATCH", f"/files/{file['id']}", {}, keepRevisionForever="true")
    for size in range(2, 7):
        ann.replace(file["id"], b"x" * size)
    assert [each["size"] for each in revisions(ann, file["id"])] == ["1", "4", "5", "6"]
    full = ann.send(
        "PATCH",
        f"/upload/drive/v3/files/{file['id']}?uploadType=media&keepRevisionForever=true",
        b"x",
    )
    assert full.status == 403
    pin = f"/files/{file['id']}/revisions/{file['headRevisionId']}"
    assert ann.refused("PATCH", pin, {"keepForever": False})[0] == 400
    ann.ask("DELETE", pin)
    assert [each["size"] for each in revisions(ann, file["id"])] == ["4", "5", "6"]


def revisions(caller: Caller, file: str) -> list[dict[str, Any]]:
    return list(caller.ask("GET", f"/files/{file}/revisions", fields="*")["revisions"])


def test_the_last_revision_stays(ann: Caller) -> None:
    file = ann.create("file", b"0")
    only = f"/files/{file['id']}/revisions/{file['headRevisionId']}"
    assert ann.refused("DELETE", only)[0] == 403
    new = ann.replace(file["id"], b"12")
    ann.ask("DELETE", f"/files/{file['id']}/revisions/{new['headRevisionId']}")
    assert ann.get(file["id"])["headRevisionId"] == file["headRevisionId"]
    assert ann.download(file["id"]) == b"0"


def test_ids_are_issued_used_once_and_never_again(ann: Caller) -> None:
    ids = ann.ask("GET", "/files/generateIds", count=3)["ids"]
    assert len(set(ids)) == 3
    ann.create("file", id=ids[0])
    assert ann.refused("POST", "/files", {"id": ids[0]}) == (409, "fileIdInUse")
    ann.ask("DELETE", f"/files/{ids[0]}")
    assert ann.refused("POST", "/files", {"id": ids[0]}) == (409, "fileIdInUse")
    assert ann.refused("POST", "/files", {"id": "1invented"}) == (400, "invalid")
    assert ann.refused("POST", "/files", {"id": ids[1], "mimeType": DOCUMENT})[0] == 403
    shortcut = {"mimeType": SHORTCUT, "shortcutDetails": {"targetId": ann.folder("f")}}
    assert ann.refused("POST", "/files", {"id": ids[1], **shortcut}) == (400, "invalid")
    (fit,) = ann.ask("GET", "/files/generateIds", count=1, type="shortcuts")["ids"]
    assert ann.create("shortcut", id=fit, **shortcut)["id"] == fit


def test_google_types_have_no_content(ann: Caller) -> None:
    document = ann.create("document", mimeType=DOCUMENT)
    folder = ann.get(ann.folder("folder"))
    shortcut = ann.create(
        "shortcut", mimeType=SHORTCUT, shortcutDetails={"targetId": document["id"]}
    )
    for file in (document, folder, shortcut):
        absent = {"md5Checksum", "sha1Checksum", "size", "headRevisionId", "webContentLink"}
        assert not absent & set(file)
        assert ann.refused("GET", f"/files/{file['id']}", alt="media") == (
            403,
            "fileNotDownloadable",
        )
    assert shortcut["shortcutDetails"] == {
        "targetId": document["id"],
        "targetMimeType": DOCUMENT,
    }
    assert ann.refused("POST", "/files", {"mimeType": SHORTCUT}) == (400, "required")
    blob = ann.create("blob", b"x")["id"]
    export = {"mimeType": "text/plain"}
    assert ann.refused("GET", f"/files/{blob}/export", **export) == (403, "fileNotExportable")
    assert ann.refused("GET", f"/files/{document['id']}/export", **export)[0] == 400
    assert ann.refused("POST", f"/files/{folder['id']}/copy") == (403, "cannotCopyFile")


def test_times(ann: Caller, clock: ManualClock) -> None:
    given = "2001-02-03T04:05:06.789Z"
    file = ann.create("file", modifiedTime=given, createdTime="1999-01-01T00:00:00Z")
    assert (file["modifiedTime"], file["createdTime"]) == (given, "1999-01-01T00:00:00.000Z")
    clock.advance(10)
    now = rfc3339(int(clock.now() * 1000))
    starred = ann.ask("PATCH", f"/files/{file['id']}", {"starred": True}, fields="*")
    assert (starred["modifiedTime"], starred["starred"]) == (given, True)
    assert ann.replace(file["id"], b"x")["modifiedTime"] == now
    late = ann.refused("PATCH", f"/files/{file['id']}", {"createdTime": given})
    assert late == (403, "fieldNotWritable")


def test_deleting_a_folder_spares_what_others_own(drive: LocalDrive) -> None:
    ann = caller(drive, scopes=("drive",))
    ben = caller(drive, "ben@example.edu", scopes=("drive",))
    folder = ann.folder("shared")
    mine = ann.create("mine", parents=[folder])["id"]
    ann.ask(
        "POST",
        f"/files/{folder}/permissions",
        {"type": "user", "role": "writer", "emailAddress": "ben@example.edu"},
    )
    his = ben.create("his", parents=[folder])["id"]
    assert ann.get(his)["owners"][0]["emailAddress"] == "ben@example.edu"
    token = ben.start_token()
    ann.ask("DELETE", f"/files/{folder}")
    assert ann.refused("GET", f"/files/{mine}") == (404, "notFound")
    assert "parents" not in ben.get(his)
    assert ben.changes(token) == {folder: True, mine: True, his: False}


def test_everything_survives_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    with LocalDrive(tmp_path, clock=clock) as before:
        ann = caller(before)
        token = ann.start_token()
        folder = ann.folder("folder")
        file = ann.create("file", b"0", parents=[folder], appProperties={"a": "b"})["id"]
        ann.replace(file, b"12")
        gone = ann.create("gone")["id"]
        ann.ask("DELETE", f"/files/{gone}")
        ids = ann.ask("GET", "/files/generateIds", count=2)["ids"]
        ann.create("used", id=ids[0])
        everything = {each["id"]: ann.get(each["id"]) for each in ann.search()}
        changes = ann.changes(token)
        about = ann.ask("GET", "/about", fields="*")
    with LocalDrive(tmp_path, clock=clock) as after:
        ann = ann.at(after)
        assert {each["id"]: ann.get(each["id"]) for each in ann.search()} == everything
        assert ann.changes(token) == changes
        assert ann.ask("GET", "/about", fields="*") == about
        assert ann.download(file) == b"12"
        assert len(revisions(ann, file)) == 2
        assert ann.refused("POST", "/files", {"id": ids[0]}) == (409, "fileIdInUse")
        assert ann.refused("POST", "/files", {"id": gone}) == (409, "fileIdInUse")
        assert ann.create("new", id=ids[1])["id"] not in everything
        assert ann.create("other")["id"] not in everything


def test_contents_end_with_their_last_owner(tmp_path: Path) -> None:
    with LocalDrive(tmp_path) as drive:
        ann = caller(drive)
        file = ann.create("file", b"x" * 100)["id"]
        copy = ann.ask("POST", f"/files/{file}/copy")["id"]
        blobs = tmp_path / "blobs"
        assert len(list(blobs.iterdir())) == 1
        ann.ask("DELETE", f"/files/{file}")
        assert ann.download(copy) == b"x" * 100
        ann.ask("DELETE", f"/files/{copy}")
        assert not list(blobs.iterdir())
        ann.create("file", b"x")
        (blobs / "left-by-a-crash").write_bytes(b"x")
    with LocalDrive(tmp_path):
        assert len(list(blobs.iterdir())) == 1


def test_the_same_seed_tells_the_same_story(clock: ManualClock) -> None:
    def story(seed: int) -> list[object]:
        with LocalDrive(clock=ManualClock(), seed=seed) as drive:
            ann = caller(drive)
            for name in "abcd":
                ann.create(name, b"x")
            return [ann.get(each["id"]) for each in ann.search()]

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_accounts_have_names_and_limits(drive: LocalDrive, ann: Caller) -> None:
    drive.model.open_account(ANN, name="Ann Example", limit=1000)
    about = ann.ask("GET", "/about", fields="user,storageQuota/limit")
    assert about["user"]["displayName"] == "Ann Example"
    assert about["storageQuota"] == {"limit": "1000"}
