"""Ids made beforehand: the way to create without copies, whatever gets lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.ground import FOLDER, Ground, refused


def ids(ground: Ground, count: int) -> list[str]:
    return list(ground.files.generateIds(count=count).execute()["ids"])


def test_ten_ids_by_default(ground: Ground) -> None:
    """Source: reference, files.generateIds: count is 10 by default."""
    reply = ground.files.generateIds().execute()
    assert reply["kind"] == "drive#generatedIds"
    assert reply["space"] == "drive"
    assert len(set(reply["ids"])) == 10


@pytest.mark.parametrize("count", [1, 1000])
def test_up_to_a_thousand_at_once_all_different(ground: Ground, count: int) -> None:
    """Source: reference, files.generateIds: count is 1 to 1000."""
    assert len(set(ids(ground, count))) == count


@pytest.mark.parametrize("count", [0, 1001])
def test_a_count_out_of_range_is_refused(ground: Ground, count: int) -> None:
    """Source: discovery document, files.generateIds: minimum 1, maximum 1000."""
    with refused(400):
        ids(ground, count)


def test_an_id_is_nobodys_until_it_is_used(ground: Ground) -> None:
    """Source: reference, files.generateIds: ids "which can be provided in create requests"."""
    with refused(404, reason="notFound"):
        ground.get(ids(ground, 1)[0])


@pytest.mark.parametrize("mime", [FOLDER, "text/plain"])
def test_create_takes_the_id_given(ground: Ground, mime: str) -> None:
    """Source: Create and manage files, "Generate IDs to use with your create requests"."""
    (file_id,) = ids(ground, 1)
    body = {"id": file_id, "name": "n", "mimeType": mime, "parents": [ground.folder]}
    assert ground.files.create(body=body).execute()["id"] == file_id


def test_a_used_id_is_409_and_makes_no_copy(ground: Ground) -> None:
    """Source: Create and manage files: a retry of a create that succeeded answers 409 Conflict."""
    (file_id,) = ids(ground, 1)
    ground.make("once.txt", b"first", id=file_id)
    for content in (b"first", b"second"):
        with refused(409):
            ground.make("once.txt", content, id=file_id)
    with refused(409):
        ground.make_folder("once", id=file_id)
    assert ground.settled(lambda: ground.names("")) == ["once.txt"]
    assert ground.content(file_id) == b"first"


def test_a_used_id_stays_used_in_the_trash(ground: Ground) -> None:
    """Source: Trash or delete files: a trashed file is still there."""
    (file_id,) = ids(ground, 1)
    ground.make("once.txt", id=file_id)
    ground.files.update(fileId=file_id, body={"trashed": True}).execute()
    with refused(409):
        ground.make("once.txt", id=file_id)


def test_folders_in_folders_by_ids_known_beforehand(ground: Ground) -> None:
    """Source: Create and manage files: pre-made ids work for folders; parents are named by id."""
    outer, inner, leaf = ids(ground, 3)
    ground.make_folder("outer", id=outer)
    ground.make_folder("inner", id=inner, parent=outer)
    ground.make("leaf.txt", id=leaf, parent=inner)
    assert ground.get(leaf)["parents"] == [inner]
    assert ground.get(inner)["parents"] == [outer]


@pytest.mark.parametrize("made_up", ["not an id", "x", "../x"])
def test_an_id_that_drive_did_not_make_is_refused(ground: Ground, made_up: str) -> None:
    """Source: Create and manage files: ids come from generateIds."""
    with refused():
        ground.make("n", id=made_up)


def test_a_lost_reply_and_a_retry_leave_one_file(ground: Ground) -> None:
    """Source: Create and manage files: ids made beforehand make an ambiguous create safe."""
    (file_id,) = ids(ground, 1)

    def attempt() -> Any:
        return ground.make("note.txt", b"said once", id=file_id, appProperties={"w": "nonce"})

    attempt()
    with refused(409):
        attempt()
    there = ground.get(file_id, "appProperties,md5Checksum,name")
    assert there["appProperties"] == {"w": "nonce"}
    assert len(ground.settled(lambda: ground.search("name = 'note.txt'"))) == 1
