"""The whole tree and the feed, with lag, repeats and twins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from jupyter_drive_sync.core.tree import FileId, RemoteEntry
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.listing import feed, tree_query, whole_tree
from jupyter_drive_sync.drive.types import ChangePage, CreateFolder, Page, Patch
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.drive.ground import HOME, Ground, ours, stand
from tests.virtual_clock import VirtualClock


def make(ground: Ground, count: int, parent: FileId) -> list[FileId]:
    made: list[FileId] = []
    for start in range(0, count, 100):
        ids = ground.drive.generate_ids(min(100, count - start))
        calls = [CreateFolder(each, f"f{each}", parent, ours()) for each in ids]
        assert not any(isinstance(each, Exception) for each in ground.drive.batch(calls))
        made += ids
    return made


def test_the_tree_comes_in_pages_of_a_thousand(ground: Ground) -> None:
    root = ground.folder()
    made = make(ground, 1100, root)
    ground.server.log.clear()
    found = list(whole_tree(ground.drive, HOME))
    assert {each.id for each in found} == {root, *made}
    assert ground.server.log.counts() == {"files.list": 2}


def test_what_is_not_of_this_home_is_left_out_but_for_the_chain(ground: Ground) -> None:
    mine = ground.folder("home")
    ids = ground.drive.generate_ids(3)
    other = {**ours(), "home": "other"}
    ground.drive.batch(
        [
            CreateFolder(ids[0], "home", None, other),
            CreateFolder(ids[1], "else", None, other),
            CreateFolder(ids[2], "home", None),
        ]
    )
    assert [each.id for each in whole_tree(ground.drive, HOME)] == [mine]
    named = {each.id for each in whole_tree(ground.drive, HOME, ["home", "it's"])}
    assert named == {mine, ids[0]}


def test_trashed_objects_and_twins_are_shown(ground: Ground) -> None:
    root = ground.folder()
    ids = ground.drive.generate_ids(3)
    ground.drive.batch([CreateFolder(each, "twin", root, ours()) for each in ids])
    ground.drive.batch([Patch(ids[0], trashed=True)])
    found = {each.id: each for each in whole_tree(ground.drive, HOME)}
    assert set(found) == {root, *ids}
    assert found[ids[0]].trashed


def test_pages_that_overlap_give_each_object_once(clock: VirtualClock) -> None:
    ground = stand(clock, drive=LocalDriveSettings(page_overlap=50))
    with ground.server:
        made = make(ground, 1000, ground.folder())
        found = list(whole_tree(ground.drive, HOME))
    assert len(found) == len(made) + 1


def test_a_hostile_home_id_stays_inside_its_quotes() -> None:
    assert tree_query("x' or name != '") == (
        r"appProperties has {key='home' and value='x\' or name != \''}"
    )


def test_the_feed_is_read_to_its_end(ground: Ground) -> None:
    start = ground.drive.start_token()
    root = ground.folder()
    made = make(ground, 1100, root)
    ground.drive.batch([Patch(made[0], name="new")])
    ground.server.log.clear()
    found = feed(ground.drive, start)
    assert ground.server.log.counts() == {"changes.list": 2}
    assert {each.id for each in found.entries} == {root, *made}
    assert next(each for each in found.entries if each.id == made[0]).name == "new"
    assert feed(ground.drive, found.token).entries == ()


class Pages:
    """A drive whose pages are given."""

    def __init__(self, pages: Sequence[Sequence[RemoteEntry]]) -> None:
        self._pages = pages

    def changes(self, token: str) -> ChangePage:
        number = int(token)
        last = number + 1 == len(self._pages)
        return ChangePage(
            tuple(self._pages[number]), None if last else str(number + 1), "end" if last else None
        )

    def search(self, query: str, token: str | None = None) -> Page:
        number = int(token or 0)
        last = number + 1 == len(self._pages)
        return Page(tuple(self._pages[number]), None if last else str(number + 1))


OLD = RemoteEntry(FileId("a"), name="old", version=1)
NEW = replace(OLD, name="new", version=2)
GONE = RemoteEntry(FileId("a"), deleted=True)
OTHER = RemoteEntry(FileId("b"), version=1)


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([[OLD, OTHER], [NEW]], [OTHER, NEW]),
        ([[NEW], [OLD]], [NEW]),
        ([[NEW, OTHER], [NEW]], [OTHER, NEW]),
        ([[NEW], [GONE]], [GONE]),
        ([[GONE], [NEW]], [NEW]),
        ([[], [OTHER]], [OTHER]),
    ],
)
def test_late_and_repeated_entries_are_ordered_by_version(
    pages: list[list[RemoteEntry]], expected: list[RemoteEntry]
) -> None:
    found = feed(cast(Drive, Pages(pages)), "0")
    assert list(found.entries) == expected
    assert found.token == "end"
    if GONE not in expected and all(GONE not in page for page in pages):
        assert list(whole_tree(cast(Drive, Pages(pages)), "h")) == expected
