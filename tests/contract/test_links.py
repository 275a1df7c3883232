"""Things shared by link: read by who has it, found by naming their folder, guarded by keys."""

from __future__ import annotations

import pytest

from tests.contract.drives import Local
from tests.contract.ground import Ground, refused

LINK = {"type": "anyone", "role": "reader"}
KEYS = "x-goog-drive-resource-keys"


@pytest.fixture
def shared(ground: Ground) -> Ground:
    """A folder with a file, shared by link."""
    ground.make("notes", b"tyger")
    ground.service.permissions().create(fileId=ground.folder, body=LINK).execute()
    return ground


def test_whoever_has_the_id_reads(shared: Ground, service: Ground, friend: Ground) -> None:
    """Source: Share files, folders, and drives: type=anyone."""
    (file,) = shared.settled(lambda: shared.search(""))
    for each in (service, friend):
        assert each.get(shared.folder)["name"]
        assert each.content(file["id"]) == b"tyger"


def test_it_is_found_by_naming_its_folder_alone(shared: Ground, friend: Ground) -> None:
    """Source: googleapis/google-api-python-client issue 1602; Access link-shared files."""
    assert shared.settled(lambda: friend.names(parent=shared.folder)) == ["notes"]
    found = friend.files.list(q="name = 'notes'").execute()["files"]
    assert found == []


def test_whoever_has_the_id_does_not_write(shared: Ground, friend: Ground) -> None:
    """Source: Roles and permissions: a reader."""
    with refused(403):
        friend.make("mine", parent=shared.folder)
    with refused(403):
        friend.files.update(fileId=shared.folder, body={"name": "mine"}).execute()


def test_without_the_link_nothing_is_there(shared: Ground, friend: Ground) -> None:
    """Source: Share files, folders, and drives: permissions.delete."""
    listed = shared.service.permissions().list(fileId=shared.folder).execute()["permissions"]
    (link,) = (each["id"] for each in listed if each["type"] == "anyone")
    shared.service.permissions().delete(fileId=shared.folder, permissionId=link).execute()
    with refused(404, reason="notFound"):
        friend.get(shared.folder)
    with refused(404):
        friend.search("", parent=shared.folder)


def test_a_resource_key_is_shown_in_a_header(
    local_drive: Local, ground: Ground, friend: Ground
) -> None:
    """Source: Access link-shared Drive files using resource keys."""
    ground.make("notes", b"tyger")
    local_drive.drive.model.share_by_link(ground.folder, with_key=True)
    shown = ground.get(ground.folder, "resourceKey,webViewLink")
    key = shown["resourceKey"]
    assert f"resourcekey={key}" in shown["webViewLink"]
    with refused(404, reason="notFound"):
        friend.get(ground.folder)
    for request in (
        friend.files.get(fileId=ground.folder),
        friend.files.list(q=f"'{ground.folder}' in parents"),
    ):
        request.headers[KEYS] = f"{ground.folder}/{key}"
        request.execute()
        request.headers[KEYS] = f"{ground.folder}/0-wrong"
        with refused(404):
            request.execute()


def test_a_listing_tells_the_keys_of_what_it_shows(
    local_drive: Local, ground: Ground, friend: Ground
) -> None:
    """Source: the same guide: resourceKey is a field of each file."""
    inner = ground.make_folder("week 1")["id"]
    local_drive.drive.model.share_by_link(ground.folder)
    local_drive.drive.model.share_by_link(inner, with_key=True)

    def look() -> list[dict[str, str]]:
        return friend.search("", parent=ground.folder, fields="id,resourceKey")

    (found,) = ground.settled(look, lambda files: files and "resourceKey" in files[0])
    assert found["id"] == inner
    with refused(404):
        friend.get(inner)


def test_who_was_given_it_by_name_needs_no_key(
    local_drive: Local, ground: Ground, friend: Ground
) -> None:
    """Source: the same guide: who has direct access does not need it."""
    local_drive.drive.model.share_by_link(ground.folder, with_key=True)
    share = {"type": "user", "role": "reader", "emailAddress": "ben@example.edu"}
    ground.service.permissions().create(fileId=ground.folder, body=share).execute()
    assert friend.get(ground.folder)["id"] == ground.folder
