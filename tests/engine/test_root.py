"""Where the mirror hangs, and whose it is."""

from __future__ import annotations

import pytest

from jupyter_drive_sync.core.tree import FileId, Kind, RelPath, RemoteEntry
from jupyter_drive_sync.engine.apply import Root
from jupyter_drive_sync.engine.root import Foreign, find, folder_names
from tests.engine.world import World

NAMES = ("home", "ann")


def folder(file_id: str, name: str, parent: str | None = None, **more: object) -> RemoteEntry:
    values = {"kind": Kind.FOLDER, "ours": True, "parent": parent and FileId(parent)}
    return RemoteEntry(FileId(file_id), name, **{**values, **more})  # type: ignore[arg-type]


def test_names_of_the_chain() -> None:
    assert folder_names("home/ann") == ("home", "ann")
    assert folder_names("/a//b/") == ("a", "b")


def test_nothing_there_yet() -> None:
    root = find([], "mine", NAMES, {})
    assert root == Root(missing=NAMES)
    assert [path for path, _ in root.chain()] == ["/0", "/1"]  # type: ignore[union-attr]


def test_the_upper_folder_is_used_again() -> None:
    root = find([folder("h", "home")], "mine", NAMES, {})
    assert root == Root(missing=("ann",), above=FileId("h"), level=1)
    assert list(root.chain()) == [(RelPath("/1"), "ann")]  # type: ignore[union-attr]


def test_of_two_upper_folders_always_the_same_one() -> None:
    two = [folder("h2", "home"), folder("h1", "home")]
    for shown in (two, two[::-1]):
        root = find(shown, "mine", NAMES, {})
        assert isinstance(root, Root)
        assert root.above == "h1"


def test_ours_by_its_home_id_wherever_it_is() -> None:
    shown = [folder("h", "home"), folder("r", "renamed", "elsewhere", home="mine", root=True)]
    assert find(shown, "mine", NAMES, {}) == Root(FileId("r"))


def test_what_was_made_as_the_root_is_the_root() -> None:
    shown = [
        folder("h", "home"),
        folder("s", "sub", "r", home="mine"),
        folder("r", "ann", "h", home="mine", root=True),
        RemoteEntry(FileId("f"), "f", FileId("s"), home="mine", ours=True),
    ]
    assert find(shown, "mine", NAMES, {}) == Root(FileId("r"))


def test_a_folder_that_was_moved_out_is_not_taken_for_the_root() -> None:
    shown = [
        folder("a-moved-out", "ann", "elsewhere", home="mine"),
        folder("r", "renamed", "h", home="mine", root=True),
        folder("h", "home"),
    ]
    assert find(shown, "mine", NAMES, {}) == Root(FileId("r"))
    moved, _, above = shown
    anew = Root(missing=NAMES[1:], above=FileId("h"), level=1)
    assert find([moved, above], "mine", NAMES, {}) == anew


def test_another_homes_mirror_is_in_the_way() -> None:
    theirs = folder("r", "ann", "h", home="theirs", mtime_ms=5)
    found = find([folder("h", "home"), theirs], "mine", NAMES, {})
    assert found == Foreign(theirs)
    assert isinstance(found, Foreign)
    assert found.changed == 5


def test_another_homes_mirror_beside_ours_is_none_of_our_business() -> None:
    shown = [folder("h", "home"), folder("b", "beth", "h", home="theirs")]
    assert find(shown, "mine", NAMES, {}) == Root(missing=("ann",), above=FileId("h"), level=1)


@pytest.mark.parametrize("change", [{"trashed": True}, {"ours": False}, {"kind": Kind.FILE}])
def test_what_is_no_folder_of_ours_does_not_count(change: dict[str, object]) -> None:
    shown = [folder("h", "home", **change), folder("r", "ann", "h", home="theirs", **change)]
    assert find(shown, "mine", NAMES, {}) == Root(missing=NAMES)


def test_what_a_lagging_listing_does_not_show_is_remembered() -> None:
    assert find([], "mine", NAMES, {0: FileId("h")}) == Root(
        missing=("ann",), above=FileId("h"), level=1
    )
    assert find([], "mine", NAMES, {0: FileId("h"), 1: FileId("r")}) == Root(FileId("r"))


def test_a_mirror_right_below_my_drive(world: World) -> None:
    theirs = folder("r", "ann", None, home="theirs")
    assert find([theirs], "mine", ("ann",), {}) == Foreign(theirs)
    assert find([], "mine", ("ann",), {}) == Root(missing=("ann",))


def test_two_people_share_the_upper_folder(world: World) -> None:
    world.write("a.txt", "a")
    world.sync()
    beth = world.other("beth", "beth")
    beth.write("b.txt", "b")
    beth.sync()
    for one in (world, beth):
        one.assert_mirrored()
    assert [entry.name for entry in world.everything()].count("home") == 1
    world.sync()
    assert world.requests() == 1
