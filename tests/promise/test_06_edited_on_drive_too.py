"""Promise 6: the last write wins and a sync is a write; what it replaces can be brought back."""

from __future__ import annotations

import pytest

from jupyter_drive_sync.core.tree import Kind, Standing
from jupyter_drive_sync.drive.types import CreateFolder
from tests.engine.world import World


@pytest.fixture
def edited(world: World) -> World:
    world.write("lab.ipynb", "one")
    world.write("d/other.txt", "other")
    world.sync()
    world.edit_on_drive("lab.ipynb", b"by a person on Drive")
    return world


def test_not_changed_here_stays_as_it_is_there(edited: World) -> None:
    world = edited
    for _ in range(2):
        report = world.sync()
        assert world.content("lab.ipynb") == b"by a person on Drive"
        assert (world.home / "lab.ipynb").read_text() == "one"
        assert report.run.counters["newer_on_drive"] == 1
        assert [o.path for o in report.outcomes if o.outcome == "newer_on_drive"] == ["lab.ipynb"]
        assert report.run.outcome == "completed"
    assert world.requests() == 1


def test_changed_here_too_replaces_pins_and_reports(edited: World) -> None:
    world = edited
    theirs = world.remote()["lab.ipynb"]
    world.write("lab.ipynb", "two")
    report = world.sync()
    world.assert_mirrored()
    assert world.remote()["lab.ipynb"].id == theirs.id
    assert report.run.counters["replaced_edit"] == 1
    (pinned,) = [r for r in world.person.revisions(theirs.id) if r.pinned]
    assert pinned.id == theirs.revision
    with world.ledger() as ledger:
        (edit,) = ledger.edits()
    assert (edit.path, edit.revision, edit.pinned) == ("lab.ipynb", theirs.revision, True)


def test_first_seen_then_replaced_in_a_later_pass(edited: World) -> None:
    world = edited
    theirs = world.remote()["lab.ipynb"]
    world.sync()
    world.write("lab.ipynb", "two")
    world.sync()
    assert {r.id for r in world.person.revisions(theirs.id) if r.pinned} == {theirs.revision}
    world.assert_mirrored()


def test_at_most_twenty_pins_a_file(world: World) -> None:
    world.with_settings(pinned_revisions=2)
    world.write("lab.ipynb", "start")
    world.sync()
    for number in range(4):
        world.edit_on_drive("lab.ipynb", f"edit {number}".encode())
        world.write("lab.ipynb", f"local {number}")
        assert world.sync().run.counters["replaced_edit"] == 1
    with world.ledger() as ledger:
        assert sorted(edit.pinned for edit in ledger.edits()) == [False, False, True, True]
    assert sum(r.pinned for r in world.person.revisions(world.remote()["lab.ipynb"].id)) == 2


def test_the_same_edit_on_both_sides_sends_nothing(world: World) -> None:
    world.write("a.txt", "one")
    world.sync()
    world.edit_on_drive("a.txt", b"two!")
    world.write("a.txt", "two!")
    world.sync()
    world.assert_mirrored()


def test_an_edit_that_is_taken_back_is_no_divergence(edited: World) -> None:
    world = edited
    world.sync()
    world.edit_on_drive("lab.ipynb", b"one")
    assert world.sync().run.counters["newer_on_drive"] == 0
    world.assert_mirrored()


def test_renamed_there_is_put_back(world: World) -> None:
    world.write("d/a.txt", "one")
    world.sync()
    world.change_on_drive(world.remote()["d/a.txt"].id, name="b.txt")
    report = world.sync()
    world.assert_mirrored()
    assert report.run.counters["bytes"] == 0


def test_moved_inside_the_mirror_is_put_back(world: World) -> None:
    world.write("d/a.txt", "one")
    world.write("e/b.txt", "two")
    world.sync()
    folders = {entry.name: entry.id for entry in world.objects() if entry.kind is Kind.FOLDER}
    world.change_on_drive(
        world.remote()["d/a.txt"].id, add_parent=folders["e"], remove_parent=folders["d"]
    )
    world.sync()
    world.assert_mirrored()


def test_a_folder_renamed_there_is_put_back(world: World) -> None:
    world.write("d/s/a.txt", "one")
    world.sync()
    folders = {entry.name: entry.id for entry in world.objects() if entry.kind is Kind.FOLDER}
    world.change_on_drive(folders["d"], name="elsewhere")
    world.sync()
    world.assert_mirrored()


def test_moved_out_is_theirs_and_a_fresh_copy_is_made(world: World) -> None:
    world.write("a.txt", "one")
    world.sync()
    theirs = world.remote()["a.txt"].id
    (outside,) = world.person.generate_ids(1)
    world.person.batch([CreateFolder(outside, "mine", None)])
    world.change_on_drive(theirs, add_parent=outside, remove_parent=world.root)
    report = world.sync()
    assert report.run.counters["uploaded"] == 1
    assert world.remote()["a.txt"].id != theirs
    assert world.download(theirs) == b"one"
    world.write("a.txt", "two")
    world.sync()
    assert world.download(theirs) == b"one"
    assert world.mirrored() == world.local()


def test_trashed_there_comes_back_once_and_is_respected_then(world: World) -> None:
    world.write("a.txt", "one")
    world.write("b.txt", "b")
    world.sync()
    first = world.remote()["a.txt"].id
    world.change_on_drive(first, trashed=True)
    report = world.sync()
    world.assert_mirrored()
    assert world.remote()["a.txt"].id == first
    assert any(outcome.outcome == "revived" for outcome in report.outcomes)
    world.clock.advance(5)
    world.change_on_drive(first, trashed=True)
    for _ in range(2):
        report = world.sync()
        assert set(world.remote()) == {"b.txt"}
        assert world.standing("a.txt") is Standing.DECLINED
        assert report.run.counters["declined"] == 1
    assert (world.home / "a.txt").exists()


def test_deleted_for_good_there_is_made_again(world: World) -> None:
    world.write("a.txt", "one")
    world.write("b.txt", "b")
    world.sync()
    first = world.remote()["a.txt"].id
    world.delete_on_drive(first)
    world.sync()
    world.assert_mirrored()
    assert world.remote()["a.txt"].id != first


def test_a_trashed_folder_comes_back_by_one_change(world: World) -> None:
    for number in range(5):
        world.write(f"d/s/f{number}.txt", f"{number}")
    world.sync()
    ids = {path: entry.id for path, entry in world.remote().items()}
    folders = {entry.name: entry.id for entry in world.objects() if entry.kind is Kind.FOLDER}
    world.change_on_drive(folders["d"], trashed=True)
    report = world.sync()
    world.assert_mirrored()
    assert {path: entry.id for path, entry in world.remote().items()} == ids
    assert report.run.counters["inner_calls"] == 1


def test_drives_edits_never_come_into_the_home(edited: World) -> None:
    world = edited
    before = world.local()
    for _ in range(3):
        world.sync()
    assert world.local() == before
