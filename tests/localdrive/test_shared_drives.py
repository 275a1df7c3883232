"""Shared drives: who says that it knows of them, who may do what, and whose the files are."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.objects import SharedDrive
from jupyter_drive_sync.localdrive.wire import Response
from tests.localdrive import discovery
from tests.localdrive.caller import ANN, BEN, FOLDER, Caller, caller, target_of, upload_target

ALL: dict[str, Any] = {"supportsAllDrives": "true"}
EVERY: dict[str, Any] = {**ALL, "includeItemsFromAllDrives": "true"}
FORBIDDEN = (403, "insufficientFilePermissions")
MISSING = (404, "notFound")


@pytest.fixture
def team(drive: LocalDrive) -> SharedDrive:
    return drive.model.make_drive("Course", {ANN: "organizer", BEN: "writer"})


@pytest.fixture
def ben(drive: LocalDrive) -> Caller:
    return caller(drive, BEN, scopes=("drive",))


def put(caller: Caller, name: str, parent: str, content: bytes | None = b"x") -> dict[str, Any]:
    """Make a file, or without content a folder, in a shared drive."""
    body: dict[str, Any] = {"name": name, "parents": [parent]}
    if content is None:
        body["mimeType"] = FOLDER
        return dict(caller.ask("POST", "/files", body, fields="*", **ALL))
    made = caller.ask("POST", "/files", body, fields="*", **ALL)
    return caller.replace(made["id"], content, **ALL)


def test_who_does_not_ask_for_them_sees_nothing_of_them(owner: Caller, team: SharedDrive) -> None:
    assert owner.refused("POST", "/files", {"parents": [team.id]}) == MISSING
    file = put(owner, "in it", team.id)["id"]
    for method, path, body in (
        ("GET", f"/files/{file}", b""),
        ("GET", f"/files/{team.id}", b""),
        ("PATCH", f"/files/{file}", {"name": "n"}),
        ("DELETE", f"/files/{file}", b""),
        ("POST", f"/files/{file}/copy", {}),
        ("GET", f"/files/{file}/permissions", b""),
    ):
        assert owner.refused(method, path, body) == MISSING, (method, path)
    assert owner.refused("GET", f"/files/{file}", alt="media") == MISSING
    target = upload_target(f"/files/{file}", uploadType="media")
    assert owner.send("PATCH", target, b"y", content_type="text/plain").status == 404
    assert owner.names() == []
    assert owner.refused("GET", "/files", q=f"'{team.id}' in parents") == MISSING
    assert owner.names(f"'{team.id}' in parents", **ALL) == []
    assert owner.ask("GET", f"/files/{file}/revisions")["revisions"]


def test_fields_of_what_lies_in_one(owner: Caller, team: SharedDrive) -> None:
    folder = put(owner, "folder", team.id, None)
    file = put(owner, "file", folder["id"])
    for each in (folder, file):
        discovery.check(each, "File")
        assert each["driveId"] == each["teamDriveId"] == team.id
        for absent in ("owners", "ownedByMe", "permissions", "shared", "writersCanShare"):
            assert absent not in each
    assert folder["parents"] == [team.id]
    assert "folderColorRgb" not in folder
    assert folder["capabilities"]["canAddChildren"]
    assert file["capabilities"]["canReadDrive"]
    assert not file["hasAugmentedPermissions"]
    root = owner.ask("GET", f"/files/{team.id}", fields="*", **ALL)
    discovery.check(root, "File")
    assert (root["name"], root["mimeType"], "parents" in root) == ("Drive", FOLDER, False)
    assert "driveId" not in owner.get(owner.folder("mine"))
    trashed = owner.ask("PATCH", f"/files/{file['id']}", {"trashed": True}, fields="*", **ALL)
    discovery.check(trashed, "File")
    assert trashed["trashingUser"]["emailAddress"] == ANN
    assert trashed["trashedTime"]


def test_nobody_s_storage_is_used(drive: LocalDrive, owner: Caller, team: SharedDrive) -> None:
    drive.model.open_account(ANN, limit=10)
    put(owner, "large", team.id, b"x" * 1000)
    assert drive.model.usage[ANN] == 0
    assert owner.names("'me' in owners", **EVERY) == []
    target = upload_target("/files", uploadType="resumable", **ALL)
    body = {"name": "big", "parents": [team.id]}
    assert owner.send("POST", target, body, x_upload_content_length="10000").status == 200
    body = {"name": "big"}
    refused = owner.send("POST", target, body, x_upload_content_length="10000")
    assert refused.status == 403


def test_a_session_ends_where_it_began(owner: Caller, team: SharedDrive) -> None:
    target = upload_target("/files", uploadType="resumable", **ALL)
    opened = owner.send("POST", target, {"name": "big", "parents": [team.id]})
    path = opened.headers["Location"].partition("/upload")[2]
    done: Response = owner.send("PUT", f"/upload{path}", b"content", authorization="")
    assert (done.status, done.json()["driveId"]) == (200, team.id)


@pytest.mark.parametrize(
    ("role", "reads", "writes", "moves", "trashes", "deletes", "shares"),
    [
        ("reader", True, False, False, False, False, False),
        ("commenter", True, False, False, False, False, False),
        ("writer", True, True, False, False, False, True),
        ("fileOrganizer", True, True, True, True, False, True),
        ("organizer", True, True, True, True, True, True),
        (None, False, False, False, False, False, False),
    ],
)
def test_roles(  # noqa: PLR0917 - a table of seven columns
    drive: LocalDrive,
    owner: Caller,
    team: SharedDrive,
    ben: Caller,
    role: str | None,
    reads: bool,
    writes: bool,
    moves: bool,
    trashes: bool,
    deletes: bool,
    shares: bool,
) -> None:
    drive.model.set_member(team.id, BEN, role)
    folder = put(owner, "folder", team.id, None)["id"]
    file = put(owner, "file", team.id)["id"]

    def may(method: str, path: str, body: Any = b"", **more: Any) -> bool:
        response = ben.send(method, target_of(path, **ALL, **more), body)
        assert response.status in {200, 204, 403, 404}
        assert response.status != 404 or not reads
        return response.status < 300

    assert may("GET", f"/files/{file}") == reads
    said = ben.send("GET", target_of(f"/files/{file}", fields="capabilities", **ALL)).json()
    if reads:
        can = said["capabilities"]
        assert (can["canEdit"], can["canMoveItemWithinDrive"]) == (writes, moves)
        assert (can["canTrash"], can["canDelete"], can["canShare"]) == (trashes, deletes, shares)
    assert may("POST", "/files", {"parents": [folder]}) == writes
    assert may("PATCH", f"/files/{file}", {"name": "renamed"}) == writes
    link = {"type": "anyone", "role": "reader"}
    assert may("POST", f"/files/{file}/permissions", link) == shares
    member = {"type": "user", "role": "reader", "emailAddress": "carl@example.edu"}
    assert may("POST", f"/files/{team.id}/permissions", member) == deletes
    move = {"addParents": folder, "removeParents": team.id}
    assert may("PATCH", f"/files/{file}", **move) == moves
    assert may("PATCH", f"/files/{file}", {"trashed": True}) == trashes
    assert may("DELETE", f"/files/{file}") == deletes


def test_its_root_stays(owner: Caller, team: SharedDrive) -> None:
    assert owner.refused("DELETE", f"/files/{team.id}", **ALL) == FORBIDDEN
    assert owner.refused("PATCH", f"/files/{team.id}", {"name": "n"}, **ALL) == FORBIDDEN


def test_nothing_moves_between_drives_here(owner: Caller, team: SharedDrive) -> None:
    mine = owner.create("mine", b"x")
    refused = owner.refused(
        "PATCH",
        f"/files/{mine['id']}",
        addParents=team.id,
        removeParents=mine["parents"][0],
        **ALL,
    )
    assert refused == (403, "cannotMoveAcrossDrives")
    copied = owner.ask(
        "POST", f"/files/{mine['id']}/copy", {"parents": [team.id]}, fields="*", **ALL
    )
    assert copied["driveId"] == team.id


def test_listings(drive: LocalDrive, owner: Caller, team: SharedDrive, ben: Caller) -> None:
    other = drive.model.make_drive("Other", {ANN: "organizer"})
    folder = put(owner, "folder", team.id, None)["id"]
    put(owner, "inside", folder)
    put(owner, "elsewhere", other.id)
    owner.create("mine")
    of_team = {**EVERY, "corpora": "drive", "driveId": team.id}
    assert sorted(owner.names(**of_team)) == ["folder", "inside"]
    assert owner.names(f"'{folder}' in parents", **of_team) == ["inside"]
    assert sorted(ben.names(**of_team)) == ["folder", "inside"]
    everywhere = {**EVERY, "corpora": "allDrives"}
    assert sorted(owner.names(**everywhere)) == ["elsewhere", "folder", "inside", "mine"]
    assert sorted(ben.names(**everywhere)) == ["folder", "inside"]
    assert ben.names(f"'{folder}' in parents", **EVERY) == ["inside"]
    assert ben.names(**EVERY) == []
    assert "mine" in owner.names(**EVERY)
    of_other = {**of_team, "driveId": other.id}
    found = ben.send("GET", target_of("/files", **of_other))
    error = found.json()["error"]["errors"][0]
    assert (error["message"], error["location"]) == (
        f"Shared drive not found: {other.id}.",
        "driveId",
    )


def test_who_has_one_folder_only_is_no_member(
    drive: LocalDrive, owner: Caller, team: SharedDrive
) -> None:
    """Seen in tidyverse/googledrive issues 402 and 463."""
    folder = put(owner, "folder", team.id, None)["id"]
    put(owner, "inside", folder)
    carl = caller_of(drive, "carl@example.edu")
    share = {"type": "user", "role": "writer", "emailAddress": "carl@example.edu"}
    owner.ask("POST", f"/files/{folder}/permissions", share, **ALL)
    of_team = {**EVERY, "corpora": "drive", "driveId": team.id}
    assert carl.refused("GET", "/files", **of_team) == MISSING
    assert carl.refused("GET", f"/drives/{team.id}") == MISSING
    assert carl.names(f"'{folder}' in parents", **EVERY) == ["inside"]
    seen = carl.ask("GET", f"/files/{folder}", fields="*", **ALL)
    assert seen["hasAugmentedPermissions"]
    assert not seen["capabilities"]["canReadDrive"]
    assert "parents" not in seen
    assert put(carl, "by carl", folder)["driveId"] == team.id
    listed = owner.ask("GET", f"/files/{folder}/permissions", fields="*", **ALL)["permissions"]
    kinds = {each["emailAddress"]: each["permissionDetails"][0] for each in listed}
    assert kinds[ANN]["permissionType"] == "member"
    assert kinds[ANN]["inheritedFrom"] == team.id
    assert kinds["carl@example.edu"]["permissionType"] == "file"
    discovery.check({"permissions": listed}, "PermissionList")


def caller_of(drive: LocalDrive, address: str) -> Caller:
    drive.oauth.add_account(address, "Carl")
    return caller(drive, address, scopes=("drive",))


def test_drives_are_listed_and_shown(drive: LocalDrive, owner: Caller, ben: Caller) -> None:
    made = [drive.model.make_drive(name, {ANN: "organizer"}) for name in ("b", "A", "it's")]
    page = owner.ask("GET", "/drives", fields="*", pageSize=2)
    discovery.check(page, "DriveList")
    assert [each["name"] for each in page["drives"]] == ["A", "b"]
    rest = owner.ask("GET", "/drives", pageSize=2, pageToken=page["nextPageToken"])
    assert [each["name"] for each in rest["drives"]] == ["it's"]
    assert "nextPageToken" not in rest
    assert owner.ask("GET", "/drives", q="name = 'a'")["drives"][0]["name"] == "A"
    assert owner.ask("GET", "/drives", q=r"name contains 't\'s'")["drives"][0]["name"] == "it's"
    assert owner.refused("GET", "/drives", q="nonsense") == (400, "invalid")
    assert owner.refused("GET", "/drives", pageToken="x") == (400, "invalid")
    assert ben.ask("GET", "/drives")["drives"] == []
    shown = owner.ask("GET", f"/drives/{made[0].id}", fields="*")
    discovery.check(shown, "Drive")
    assert shown["capabilities"]["canManageMembers"]
    assert ben.refused("GET", f"/drives/{made[0].id}") == MISSING
    per_file = caller(drive)
    assert per_file.refused("GET", "/drives") == (403, "insufficientPermissions")


def test_the_feed_of_one(drive: LocalDrive, owner: Caller, team: SharedDrive, ben: Caller) -> None:
    of_team = {"driveId": team.id, **ALL}
    start = owner.ask("GET", "/changes/startPageToken", **of_team)["startPageToken"]
    mine, theirs = owner.start_token(), ben.start_token()
    file = put(owner, "file", team.id)["id"]
    owner.create("mine")
    told = owner.changes(start, **of_team, includeItemsFromAllDrives="true")
    assert set(told) == {file}
    assert file not in owner.changes(mine)
    assert file not in owner.changes(mine, **ALL)
    assert file in owner.changes(mine, **EVERY)
    assert ben.changes(theirs, **EVERY) == {file: False}
    owner.ask("DELETE", f"/files/{file}", **ALL)
    assert owner.changes(start, **of_team, includeItemsFromAllDrives="true") == {file: True}
    assert owner.refused("GET", "/changes", pageToken=start, **of_team)[0] == 403
    assert owner.refused("GET", "/changes/startPageToken", driveId=team.id) == MISSING
    carl = caller_of(drive, "carl@example.edu")
    assert carl.refused("GET", "/changes/startPageToken", **of_team) == MISSING


def test_trash_of_one(owner: Caller, team: SharedDrive, ben: Caller) -> None:
    file = put(owner, "file", team.id)["id"]
    owner.ask("PATCH", f"/files/{file}", {"trashed": True}, **ALL)
    assert ben.refused("DELETE", "/files/trash", driveId=team.id) == FORBIDDEN
    owner.ask("DELETE", "/files/trash")
    assert owner.ask("GET", f"/files/{file}", fields="trashed", **ALL)["trashed"]
    owner.ask("DELETE", "/files/trash", driveId=team.id)
    assert owner.refused("GET", f"/files/{file}", **ALL) == MISSING


def test_limits(make_drive: Any) -> None:
    drive = make_drive(max_drive_items=2, max_depth=3)
    owner = caller(drive, scopes=("drive",))
    team = drive.model.make_drive("Course", {ANN: "organizer"})
    put(owner, "one", team.id)
    put(owner, "two", team.id)
    refused = owner.refused("POST", "/files", {"parents": [team.id]}, **ALL)
    assert refused == (403, "teamDriveFileLimitExceeded")
    deep = drive.model.make_drive("Deep", {ANN: "organizer"})
    below = put(owner, "1", deep.id, None)["id"]
    drive = make_drive(max_depth=2)
    owner = caller(drive, scopes=("drive",))
    deep = drive.model.make_drive("Deep", {ANN: "organizer"})
    below = put(owner, "1", deep.id, None)["id"]
    below = put(owner, "2", below, None)["id"]
    body = {"parents": [below], "mimeType": FOLDER}
    assert owner.refused("POST", "/files", body, **ALL) == (403, "teamDriveHierarchyTooDeep")


def test_drive_file_in_a_shared_drive(drive: LocalDrive, team: SharedDrive, owner: Caller) -> None:
    """`drive.file` sees what its project made, here too, and nothing else."""
    put(owner, "by hand", team.id)
    ann = caller(drive)
    for method, path, body in (
        ("GET", f"/files/{team.id}", b""),
        ("POST", "/files", {"parents": [team.id]}),
        ("GET", f"/drives/{team.id}", b""),
    ):
        assert ann.refused(method, path, body, **ALL)[0] in {403, 404}
    by_both = caller(drive, scopes=("drive.file", "drive"))
    folder = put(by_both, "by the app", team.id, None)["id"]
    assert put(ann, "inside", folder)["driveId"] == team.id
    assert ann.names(f"'{folder}' in parents", **EVERY) == ["inside"]


@pytest.mark.parametrize("members", [{}, {ANN: "reader"}, {ANN: "organizer", BEN: "owner"}])
def test_members_must_make_sense(drive: LocalDrive, members: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"organizer|role"):
        drive.model.make_drive("Course", members)


def test_roles_of_members_are_for_drives(owner: Caller, team: SharedDrive) -> None:
    mine, file = owner.create("mine")["id"], put(owner, "file", team.id)["id"]
    body = {"type": "user", "role": "organizer", "emailAddress": BEN}
    for each in (mine, file):
        assert owner.refused("POST", f"/files/{each}/permissions", body, **ALL) == (400, "invalid")
    member = owner.ask("POST", f"/files/{team.id}/permissions", body, fields="*", **ALL)
    assert member["role"] == "organizer"
    path = f"/files/{team.id}/permissions/{member['id']}"
    owner.ask("PATCH", path, {"role": "fileOrganizer"}, **ALL)
    owner.ask("DELETE", path, **ALL)


def test_the_page_shows_it(owner: Caller, team: SharedDrive) -> None:
    folder = put(owner, "folder", team.id, None)["id"]
    file = put(owner, "file", folder)["id"]
    page = owner.send("GET", f"/drive/folders/{folder}").content().decode()
    assert ">Course</a>" in page
    shown = owner.send("GET", f"/file/d/{file}/view").content().decode()
    assert "Shared drive" in shown
