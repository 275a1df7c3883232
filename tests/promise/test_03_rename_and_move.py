"""Promise 3: a rename or a move here is one on Drive; nothing is uploaded again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.world import World


@pytest.fixture
def ids(world: World) -> dict[str, str]:
    for path in ("a/one.txt", "a/b/two.txt", "a/b/three.txt", "c/four.txt", "five.txt"):
        world.write(path, f"content of {path}")
    world.sync()
    return {path: entry.id for path, entry in world.remote().items()}


def moved_without_upload(world: World, moved: int) -> None:
    report = world.sync()
    counters = report.run.counters
    assert (counters["uploaded"], counters["updated"], counters["trashed"]) == (0, 0, 0)
    assert counters["moved"] == moved
    assert counters["bytes"] == 0
    world.assert_mirrored()
    for path, entry in world.remote().items():
        assert entry.mtime_ms == (world.home / path).stat().st_mtime_ns // 1_000_000
    world.sync()
    assert world.requests() == 1


def test_rename_of_a_file(world: World, ids: dict[str, str]) -> None:
    (world.home / "five.txt").rename(world.home / "5.txt")
    moved_without_upload(world, 1)
    assert world.remote()["5.txt"].id == ids["five.txt"]


def test_move_of_a_file_into_a_new_folder(world: World, ids: dict[str, str]) -> None:
    (world.home / "new/deep").mkdir(parents=True)
    (world.home / "five.txt").rename(world.home / "new/deep/five.txt")
    moved_without_upload(world, 1)
    assert world.remote()["new/deep/five.txt"].id == ids["five.txt"]


def test_rename_of_a_folder_is_one_change(world: World, ids: dict[str, str]) -> None:
    (world.home / "a").rename(world.home / "z")
    moved_without_upload(world, 0)
    assert world.remote()["z/b/two.txt"].id == ids["a/b/two.txt"]


def test_move_of_a_folder_into_another(world: World, ids: dict[str, str]) -> None:
    (world.home / "a").rename(world.home / "c/a")
    moved_without_upload(world, 0)
    assert world.remote()["c/a/b/two.txt"].id == ids["a/b/two.txt"]


def test_nested_renames_at_once(world: World, ids: dict[str, str]) -> None:
    (world.home / "a/b").rename(world.home / "a/bb")
    (world.home / "a").rename(world.home / "aa")
    (world.home / "aa/one.txt").rename(world.home / "c/1.txt")
    moved_without_upload(world, 1)
    assert world.remote()["aa/bb/two.txt"].id == ids["a/b/two.txt"]
    assert world.remote()["c/1.txt"].id == ids["a/one.txt"]


def test_a_folder_turned_inside_out(world: World, ids: dict[str, str]) -> None:
    """a/b becomes b/a: in no order of the two moves may a folder come to lie in itself."""
    (world.home / "a/b").rename(world.home / "b")
    (world.home / "a").rename(world.home / "b/a")
    moved_without_upload(world, 0)
    assert world.remote()["b/two.txt"].id == ids["a/b/two.txt"]
    assert world.remote()["b/a/one.txt"].id == ids["a/one.txt"]


def test_two_files_swap_their_names(world: World, ids: dict[str, str]) -> None:
    (world.home / "a/one.txt").rename(world.home / "x")
    (world.home / "c/four.txt").rename(world.home / "a/one.txt")
    (world.home / "x").rename(world.home / "c/four.txt")
    world.sync()
    world.assert_mirrored()


def test_moved_and_changed_at_once_is_not_trashed_blindly(
    world: World, ids: dict[str, str]
) -> None:
    (world.home / "a/one.txt").unlink()
    world.write("c/uno.txt", "other content of other length")
    report = world.sync()
    assert report.run.counters["uploaded"] == 1
    world.assert_mirrored()


def test_moved_by_copy_and_delete_is_known_by_content(world: World, ids: dict[str, str]) -> None:
    """As `mv` does between two file systems: another inode, the same bytes."""
    content = (world.home / "five.txt").read_bytes()
    (world.home / "five.txt").unlink()
    world.write("c/five.txt", content)
    report = world.sync()
    assert report.run.counters["uploaded"] == 0
    assert world.remote()["c/five.txt"].id == ids["five.txt"]
    world.assert_mirrored()


def test_a_second_hard_link_is_a_file_of_its_own(world: World, ids: dict[str, str]) -> None:
    (world.home / "link.txt").hardlink_to(world.home / "five.txt")
    report = world.sync()
    assert report.run.counters["moved"] == 0
    assert report.run.counters["uploaded"] == 1
    world.assert_mirrored()


def test_a_file_that_takes_a_vanished_files_inode_is_no_rename(world: World) -> None:
    old = world.write("old.txt", "a" * 50)
    world.write("stays.txt", "s")
    world.sync()
    number = old.stat().st_ino
    old.unlink()
    for attempt in range(50):
        new = world.write(f"new{attempt}.txt", "b" * 50, age=10)
        if new.stat().st_ino == number:
            break
    world.sync()
    world.assert_mirrored()


def test_a_rename_in_which_only_the_case_differs(world: World, ids: dict[str, str]) -> None:
    (world.home / "five.txt").rename(world.home / "Five.txt")
    moved_without_upload(world, 1)
    assert world.remote()["Five.txt"].id == ids["five.txt"]


def test_the_home_itself_is_only_read(world: World, ids: dict[str, str]) -> None:
    def all_of(root: Path) -> dict[str, tuple[int, int, int]]:
        return {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_ctime_ns, path.lstat().st_ino)
            for path in sorted(root.rglob("*"))
        }

    (world.home / "a").rename(world.home / "z")
    before = all_of(world.home)
    world.sync()
    assert all_of(world.home) == before
