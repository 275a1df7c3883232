"""Promise 4: a deletion here trashes or keeps by policy; nothing is deleted for good."""

from __future__ import annotations

import shutil

import pytest

from jupyter_drive_sync.core.tree import Kind, Standing
from tests.engine.world import World


@pytest.fixture
def filled(world: World) -> World:
    for number in range(10):
        world.write(f"course/f{number}.txt", f"content {number}")
    world.write("course/sub/g.txt", "g")
    world.sync()
    return world


def test_a_deleted_file_goes_to_drives_trash(filled: World) -> None:
    world = filled
    gone = world.remote()["course/f0.txt"]
    (world.home / "course/f0.txt").unlink()
    report = world.sync()
    assert report.run.counters["trashed"] == 1
    world.assert_mirrored()
    (there,) = [entry for entry in world.objects(trashed=True) if entry.id == gone.id]
    assert there.explicitly_trashed
    assert world.download(gone.id) == b"content 0"
    world.sync()
    assert world.requests() == 1


def test_by_policy_it_is_kept_as_archived(filled: World) -> None:
    world = filled
    world.with_settings(on_local_delete="keep")
    (world.home / "course/f0.txt").unlink()
    for _ in range(2):
        report = world.sync()
        assert report.run.counters["trashed"] == 0
        assert "course/f0.txt" in world.remote()
        assert world.standing("course/f0.txt") is Standing.ARCHIVED
        listed = [o.path for o in report.outcomes if o.outcome == "archived"]
        assert listed == ["course/f0.txt"]
        assert report.run.counters["archived"] == 1
    assert world.requests() == 1


def test_on_a_hub_a_whole_top_level_folder_is_kept(filled: World) -> None:
    world = filled
    world.with_settings(keep_whole_folders=True)
    world.write("other/x.txt", "x")
    world.sync()
    shutil.rmtree(world.home / "course")
    report = world.sync()
    assert report.run.counters["trashed"] == 0
    assert world.holds() == []
    assert len(world.remote()) == 12
    assert report.run.counters["archived"] == 11


def test_an_archived_file_that_comes_back_is_the_same_one(filled: World) -> None:
    world = filled
    world.with_settings(on_local_delete="keep")
    before = world.remote()["course/f0.txt"]
    (world.home / "course/f0.txt").unlink()
    world.sync()
    world.write("course/f0.txt", "written again")
    report = world.sync()
    assert report.run.counters["uploaded"] == 0
    assert world.remote()["course/f0.txt"].id == before.id
    world.assert_mirrored()


def test_folders_are_never_trashed(filled: World) -> None:
    world = filled
    (world.home / "course/sub/g.txt").unlink()
    (world.home / "course/sub").rmdir()
    report = world.sync()
    assert report.run.counters["trashed"] == 1
    assert "sub" in {entry.name for entry in world.objects() if entry.kind is Kind.FOLDER}
    (world.home / "course/sub").mkdir()
    world.write("course/sub/new.txt", "n")
    world.sync()
    assert [e.name for e in world.objects()].count("sub") == 1
    world.assert_mirrored()


def test_nothing_is_ever_deleted_for_good(filled: World) -> None:
    world = filled
    everything = {entry.id for entry in world.objects(trashed=True)}
    for number in range(3):
        (world.home / f"course/f{number}.txt").unlink()
        world.sync()
        assert "files.delete" not in world.sent | world.inner
        assert "files.emptyTrash" not in world.sent
        world.clock.advance(86_400 * 2)
    assert {entry.id for entry in world.objects(trashed=True)} == everything


def test_a_file_that_a_rule_leaves_out_now_is_kept(filled: World) -> None:
    world = filled
    world.write(".driveignore", "f1.txt\n")
    report = world.sync()
    assert report.run.counters["trashed"] == 0
    assert "course/f1.txt" in world.remote()
    assert world.standing("course/f1.txt") is Standing.ARCHIVED
    world.write("course/f1.txt", "changed while it is left out")
    world.sync()
    assert world.content("course/f1.txt") == b"content 1"


def test_what_was_edited_on_drive_is_not_ours_to_trash(filled: World) -> None:
    world = filled
    world.edit_on_drive("course/f2.txt", b"a person's work")
    (world.home / "course/f2.txt").unlink()
    report = world.sync()
    assert report.run.counters["trashed"] == 0
    assert report.run.counters["archived"] == 1
    assert world.content("course/f2.txt") == b"a person's work"
    assert world.standing("course/f2.txt") is Standing.ARCHIVED


def test_what_was_renamed_on_drive_is_not_ours_to_trash(filled: World) -> None:
    world = filled
    world.change_on_drive(world.remote()["course/f2.txt"].id, name="keep me.txt")
    (world.home / "course/f2.txt").unlink()
    assert world.sync().run.counters["trashed"] == 0
    assert "course/keep me.txt" in world.remote()


def test_what_a_person_trashed_on_drive_as_well_is_forgotten(filled: World) -> None:
    world = filled
    world.change_on_drive(world.remote()["course/f3.txt"].id, trashed=True)
    (world.home / "course/f3.txt").unlink()
    world.sync()
    world.assert_mirrored()
    world.sync()
    assert world.requests() == 1


def test_deleted_and_written_again_under_the_same_name(filled: World) -> None:
    world = filled
    (world.home / "course/f4.txt").unlink()
    world.sync()
    world.write("course/f4.txt", "a new life")
    world.sync()
    world.assert_mirrored()
