"""Shared drives: what a caller must say, whose the files are, and what each role may.

They need an organisation's account, so the real Google is not asked.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.contract.drives import ANN, BEN, Local
from tests.contract.ground import FOLDER, Ground, refused
from tests.localdrive.discovery import schema_of

ALL: dict[str, Any] = {"supportsAllDrives": True}
EVERY: dict[str, Any] = {**ALL, "includeItemsFromAllDrives": True}


@dataclasses.dataclass
class Team:
    """A shared drive, its organizer and another member."""

    id: str
    local: Local
    organizer: Ground
    member: Ground

    def role(self, role: str | None) -> None:
        """Give the other member a role."""
        self.local.drive.model.set_member(self.id, BEN, role)

    def make(self, name: str, **body: Any) -> dict[str, Any]:
        """Make something in the drive, as its organizer."""
        made = {"name": name, "parents": [self.id], **body}
        return dict(self.organizer.files.create(body=made, fields="*", **ALL).execute())


@pytest.fixture
def team(local_drive: Local, whole_drive: Ground, friend: Ground) -> Team:
    members = {ANN: "organizer", BEN: "writer"}
    drive = local_drive.drive.model.make_drive("Physics", members)
    return Team(drive.id, local_drive, whole_drive, friend)


def test_who_does_not_support_them_finds_nothing(team: Team) -> None:
    """Source: Implement shared drive support; plotlinelabs/loma pull request 111."""
    file = team.make("file")["id"]
    for request in (
        team.organizer.files.get(fileId=file),
        team.organizer.files.get_media(fileId=file),
        team.organizer.files.update(fileId=file, body={"name": "n"}),
        team.organizer.files.delete(fileId=file),
        team.organizer.files.create(body={"name": "n", "parents": [team.id]}),
        team.organizer.service.permissions().list(fileId=file),
    ):
        with refused(404, reason="notFound"):
            request.execute()
    assert team.organizer.files.get(fileId=file, **ALL).execute()["id"] == file


def test_files_belong_to_the_drive(team: Team) -> None:
    """Source: Shared drive versus My Drive API differences."""
    made = team.make("file")
    assert made["driveId"] == team.id
    absent = {"owners", "ownedByMe", "permissions", "shared", "folderColorRgb", "writersCanShare"}
    assert not absent & set(made)
    assert list(Draft202012Validator(schema_of("File")).iter_errors(made)) == []


def test_replies_are_as_the_discovery_document_says(team: Team) -> None:
    """Source: discovery document drive.v3, schemas Drive, DriveList, FileList, ChangeList."""
    drives, changes = team.organizer.service.drives(), team.organizer.service.changes()
    within = {"driveId": team.id}
    token = changes.getStartPageToken(**within, **ALL).execute()["startPageToken"]
    team.make("folder", mimeType=FOLDER)
    for name, request in (
        ("Drive", drives.get(driveId=team.id, fields="*")),
        ("DriveList", drives.list(fields="*")),
        ("FileList", team.organizer.files.list(corpora="drive", fields="*", **within, **EVERY)),
        ("ChangeList", changes.list(pageToken=token, fields="*", **within, **EVERY)),
    ):
        reply = request.execute()
        assert list(Draft202012Validator(schema_of(name)).iter_errors(reply)) == [], name


def test_a_search_of_one_drive(team: Team) -> None:
    """Source: Implement shared drive support: corpora=drive with driveId."""
    team.make("file")
    files = team.organizer.files

    def look() -> list[Any]:
        found = files.list(corpora="drive", driveId=team.id, **EVERY).execute()
        return [each["name"] for each in found["files"]]

    assert team.organizer.settled(look) == ["file"]
    with refused(404, reason="notFound"):
        files.list(corpora="drive", driveId="0AnotThere9PVA", **EVERY).execute()


def test_parameters_go_together(team: Team) -> None:
    """Sources: backlot issue 339; googleapis/google-api-php-client issue 1825."""
    files = team.organizer.files
    with refused(403, reason="supportsTeamDrivesRequired"):
        files.list(includeItemsFromAllDrives=True).execute()
    with refused(403, reason="includeTeamDriveItemsRequired"):
        files.list(corpora="drive", driveId=team.id, **ALL).execute()
    for alone in ({"driveId": team.id}, {"corpora": "drive"}):
        with refused(400, reason="teamDriveIdRequiresTeamDriveCorpora"):
            files.list(**alone, **EVERY).execute()


def test_children_are_found_by_naming_the_folder(team: Team, friend: Ground) -> None:
    """Sources: the same guide; tidyverse/googledrive issues 402 and 463 (no member)."""
    folder = team.make("folder", mimeType=FOLDER)["id"]
    team.make("inside", parents=[folder])
    team.role(None)
    share = {"type": "user", "role": "reader", "emailAddress": BEN}
    permissions = team.organizer.service.permissions()
    permissions.create(fileId=folder, body=share, **ALL).execute()
    with refused(404, reason="notFound"):
        friend.files.list(corpora="drive", driveId=team.id, **EVERY).execute()
    with refused(404, reason="notFound"):
        friend.service.drives().get(driveId=team.id).execute()

    def look() -> list[str]:
        found = friend.files.list(q=f"'{folder}' in parents", **EVERY).execute()["files"]
        return [each["name"] for each in found]

    assert friend.settled(look) == ["inside"]


def test_drives_are_listed(team: Team) -> None:
    """Source: reference, drives.list: those of which the account is a member."""
    drives = team.organizer.service.drives()
    found = drives.list(q="name = 'Physics'", pageSize=100).execute()["drives"]
    assert team.id in {each["id"] for each in found}
    assert drives.get(driveId=team.id).execute()["name"] == "Physics"
    team.role(None)
    listed = team.member.service.drives().list().execute()["drives"]
    assert team.id not in {each["id"] for each in listed}


@pytest.mark.parametrize(
    ("role", "writes", "trashes", "deletes"),
    [
        ("reader", False, False, False),
        ("commenter", False, False, False),
        ("writer", True, False, False),
        ("fileOrganizer", True, True, False),
        ("organizer", True, True, True),
    ],
)
def test_roles(team: Team, role: str, writes: bool, trashes: bool, deletes: bool) -> None:
    """Source: Roles and permissions."""
    team.role(role)
    file = team.make("file")["id"]
    files = team.member.files
    can = files.get(fileId=file, fields="capabilities", **ALL).execute()["capabilities"]
    assert (can["canEdit"], can["canTrash"], can["canDelete"]) == (writes, trashes, deletes)
    for request, may in (
        (files.update(fileId=file, body={"name": "n"}, **ALL), writes),
        (files.create(body={"name": "n", "parents": [team.id]}, **ALL), writes),
        (files.update(fileId=file, body={"trashed": True}, **ALL), trashes),
        (files.delete(fileId=file, **ALL), deletes),
    ):
        if may:
            request.execute()
        else:
            with refused(403, reason="insufficientFilePermissions"):
                request.execute()


def test_the_feed_of_one_drive(team: Team) -> None:
    """Source: Retrieve changes; reference, changes.list: driveId."""
    changes = team.organizer.service.changes()
    within = {"driveId": team.id}
    token = changes.getStartPageToken(**within, **ALL).execute()["startPageToken"]
    mine = team.organizer.start_token()
    file = team.make("file")["id"]

    def told(**more: Any) -> set[str]:
        return {each["fileId"] for each in team.organizer.feed(token, **more)}

    assert team.organizer.settled(lambda: file in told(**within, **EVERY))
    assert file not in {each["fileId"] for each in team.organizer.feed(mine)}
    with refused(403):
        changes.list(pageToken=token, **within, **ALL).execute()


def test_a_service_account_writes_to_one(team: Team, local_drive: Local) -> None:
    """Source: Shared drives overview: service accounts use shared drives."""
    writer, credentials = local_drive.service("drive")
    email = credentials.service_account_email
    local_drive.drive.model.set_member(team.id, email, "writer")
    body = {"name": "by the service", "parents": [team.id]}
    made = writer.files.create(body=body, fields="id,driveId", **ALL).execute()
    writer.service.close()
    assert made["driveId"] == team.id
