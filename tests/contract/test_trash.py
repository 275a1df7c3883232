"""The trash, and deletion for good (Source: Trash or delete files and folders)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.ground import Ground, refused


def trash(ground: Ground, file_id: str, trashed: bool = True) -> dict[str, Any]:
    update = ground.files.update(
        fileId=file_id, body={"trashed": trashed}, fields="trashed,explicitlyTrashed"
    )
    return dict(update.execute())


def state(ground: Ground, file_id: str) -> tuple[bool, bool]:
    told = ground.get(file_id, "trashed,explicitlyTrashed")
    return told["trashed"], told["explicitlyTrashed"]


def test_a_file_goes_to_the_trash_and_back(ground: Ground) -> None:
    """Source: Trash or delete files: trashed is true, then false; nothing else is lost."""
    made = ground.make("note.txt", b"kept")
    assert trash(ground, made["id"]) == {"trashed": True, "explicitlyTrashed": True}
    assert ground.content(made["id"]) == b"kept"
    assert ground.settled(lambda: ground.names("trashed=true")) == ["note.txt"]
    assert ground.settled(ground.names, lambda seen: seen == []) == []
    assert trash(ground, made["id"], False) == {"trashed": False, "explicitlyTrashed": False}
    assert ground.settled(ground.names) == ["note.txt"]
    assert ground.get(made["id"])["headRevisionId"] == made["headRevisionId"]


def test_a_trashed_folder_takes_all_below_it_along(ground: Ground) -> None:
    """Source: reference, Files: trashed "either explicitly or from a trashed parent folder"."""
    outer = ground.make_folder("outer")["id"]
    inner = ground.make_folder("inner", parent=outer)["id"]
    leaf = ground.make("leaf", parent=inner)["id"]
    trash(ground, outer)
    ground.settled(lambda: ground.get(leaf)["trashed"])
    assert state(ground, outer) == (True, True)
    assert state(ground, inner) == state(ground, leaf) == (True, False)
    assert ground.settled(lambda: ground.names("trashed=true", parent=inner)) == ["leaf"]


def test_a_folder_comes_back_with_what_it_took_along(ground: Ground) -> None:
    """Source: Trash or delete files: what was trashed by its folder alone comes back with it."""
    folder = ground.make_folder("folder")["id"]
    taken = ground.make("taken along", parent=folder)["id"]
    thrown = ground.make("thrown away", parent=folder)["id"]
    trash(ground, thrown)
    trash(ground, folder)
    ground.settled(lambda: ground.get(taken)["trashed"])
    trash(ground, folder, False)
    ground.settled(lambda: not ground.get(taken)["trashed"])
    assert state(ground, taken) == (False, False)
    assert state(ground, thrown) == (True, True)


def test_a_listing_tells_trashed_files_too_unless_asked(ground: Ground) -> None:
    """Source: reference, files.list: "returns all files by default, including trashed files"."""
    made = ground.make("trashed")["id"]
    trash(ground, made)
    assert ground.settled(lambda: ground.names("")) == ["trashed"]


def test_delete_is_for_good(ground: Ground) -> None:
    """Source: reference, files.delete: "without moving it to the trash"; the reply is empty."""
    made = ground.make("gone")["id"]
    reply = ground.send("DELETE", f"/drive/v3/files/{made}")
    assert (reply.status, reply.body) == (204, b"")
    with refused(404, reason="notFound"):
        ground.get(made)
    with refused(404, reason="notFound"):
        ground.files.delete(fileId=made).execute()
    assert ground.settled(lambda: ground.names(""), lambda seen: seen == []) == []


def test_a_deleted_folder_takes_all_below_it(ground: Ground) -> None:
    """Source: reference, files.delete: "all descendants owned by the user are also deleted"."""
    outer = ground.make_folder("outer")["id"]
    inner = ground.make_folder("inner", parent=outer)["id"]
    leaf = ground.make("leaf", parent=inner)["id"]
    ground.files.delete(fileId=outer).execute()

    def gone() -> bool:
        return ground.send("GET", f"/drive/v3/files/{leaf}").status == 404

    assert ground.settled(gone)
    with refused(404):
        ground.get(inner)


def test_the_trash_is_emptied(whole_drive: Ground) -> None:
    """Source: reference, files.emptyTrash (never called on a real account: it is not ours)."""
    stays = whole_drive.make("stays")["id"]
    folder = whole_drive.make_folder("thrown")["id"]
    inside = whole_drive.make("inside", parent=folder)["id"]
    trash(whole_drive, folder)
    assert whole_drive.send("DELETE", "/drive/v3/files/trash").status == 204
    for gone in (folder, inside):
        with refused(404, reason="notFound"):
            whole_drive.get(gone)
    assert whole_drive.get(stays)["id"] == stays


@pytest.mark.parametrize("value", ["yes", 3])
def test_trashed_is_true_or_false(ground: Ground, value: object) -> None:
    """Source: reference, Files: trashed is a boolean."""
    made = ground.make("n")["id"]
    with refused(400):
        ground.files.update(fileId=made, body={"trashed": value}).execute()
