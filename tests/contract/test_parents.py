"""The tree: one parent, moves, and what a tree cannot be."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from tests.contract.ground import FULL, Ground, refused


def move(ground: Ground, file_id: str, *, to: str, away_from: str = "") -> Any:
    away = {"removeParents": away_from} if away_from else {}
    return ground.files.update(fileId=file_id, addParents=to, **away, fields=FULL).execute()


def test_a_file_moves_and_stays_the_same_file(ground: Ground) -> None:
    """Source: Organize files, "Move files between folders": addParents with removeParents."""
    made = ground.make("moved.txt")
    there = ground.make_folder("there")
    now = move(ground, made["id"], to=there["id"], away_from=ground.folder)
    assert now["parents"] == [there["id"]]
    assert {k: now[k] for k in ("id", "name", "headRevisionId")} == {
        k: made[k] for k in ("id", "name", "headRevisionId")
    }
    assert ground.settled(lambda: ground.names(parent=there["id"])) == ["moved.txt"]
    assert ground.settled(ground.names, lambda seen: seen == ["there"])


def test_a_move_and_a_rename_are_one_request(ground: Ground) -> None:
    """Source: reference, files.update: a body and addParents/removeParents together."""
    made = ground.make("old.txt")
    there = ground.make_folder("there")
    now = ground.files.update(
        fileId=made["id"],
        body={"name": "new.txt"},
        addParents=there["id"],
        removeParents=ground.folder,
        fields=FULL,
    ).execute()
    assert (now["name"], now["parents"]) == ("new.txt", [there["id"]])


def test_a_folder_moves_with_all_that_is_in_it(ground: Ground) -> None:
    """Source: Organize files: a child names its folder by id, so nothing in it changes."""
    folder = ground.make_folder("folder")
    leaf = ground.make("leaf.txt", parent=folder["id"])
    there = ground.make_folder("there")
    move(ground, folder["id"], to=there["id"], away_from=ground.folder)
    ground.files.update(fileId=folder["id"], body={"name": "renamed"}).execute()
    assert ground.get(leaf["id"]) == leaf
    assert ground.settled(lambda: ground.names(parent=folder["id"])) == ["leaf.txt"]


def test_never_two_parents_after_a_move_without_removal(ground: Ground) -> None:
    """Source: Single-parenting behavior changes: an item has exactly one parent."""
    made = ground.make("one.txt")
    there = ground.make_folder("there")
    with contextlib.suppress(HttpError):
        move(ground, made["id"], to=there["id"])
    assert ground.get(made["id"])["parents"] in ([ground.folder], [there["id"]])


def test_never_two_parents_at_create(ground: Ground) -> None:
    """Source: reference, Files: parents: "specifying multiple parents isn't supported"."""
    there = ground.make_folder("there")
    body = {"name": "one.txt", "parents": [ground.folder, there["id"]]}
    with refused(400, 403):
        ground.files.create(body=body).execute()
    assert ground.settled(ground.names) == ["there"]


def test_a_parent_must_exist(ground: Ground) -> None:
    """Source: Resolve errors, "404: File not found"."""
    (nowhere,) = ground.files.generateIds(count=1).execute()["ids"]
    with refused(404, reason="notFound"):
        ground.make("lost.txt", parent=nowhere)
    made = ground.make("found.txt")
    with refused(404, reason="notFound"):
        move(ground, made["id"], to=nowhere, away_from=ground.folder)
    assert ground.get(made["id"])["parents"] == [ground.folder]


def test_a_parent_must_be_a_folder(ground: Ground) -> None:
    """Source: reference, Files: parents: "the parent folder containing the file"."""
    made = ground.make("file.txt")
    with refused(400, 403):
        ground.make("child.txt", parent=made["id"])


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_no_folder_within_itself(ground: Ground, depth: int) -> None:
    """Source: Create and populate folders: folders form a tree."""
    folder = ground.make_folder("top")
    below = folder["id"]
    for level in range(depth):
        below = ground.make_folder(f"level {level}", parent=below)["id"]
    with refused(400, 403):
        move(ground, folder["id"], to=below, away_from=ground.folder)
    assert ground.get(folder["id"])["parents"] == [ground.folder]
