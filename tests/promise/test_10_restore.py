"""Promise 10: restore brings the tree, a file, an older version back, never over newer work."""

from __future__ import annotations

import shutil

import pytest

from jupyter_drive_sync.errors import (
    MirrorHeld,
    Offline,
)
from tests.engine.bringing import outcomes, restore
from tests.engine.world import World
from tests.promise.restoring import assert_equal, cut_after, versions, written

# -- another machine -------------------------------------------------------------------------------


def test_two_machines(world: World) -> None:
    """Mirror on one, lose it, restore on the other: equal, with modes, times and empty folders."""
    files = written(world)
    world.sync()
    before = {p: (world.home / p).stat() for p in files}
    shutil.rmtree(world.folder / "home")
    shutil.rmtree(world.state)
    new = world.other("new")
    report = restore(new)
    assert new.local() == files
    assert not report.source.own
    assert report.run.counters["restored"] == len(files)
    for path, was in before.items():
        now = (new.home / path).stat()
        assert now.st_mode == was.st_mode
        assert now.st_mtime_ns // 1_000_000 == was.st_mtime_ns // 1_000_000
    assert (new.home / "empty/deep").is_dir()
    assert new.sent["files.update"] == new.sent["files.create"] == new.sent["batch"] == 0

    with pytest.raises(MirrorHeld):
        new.sync()
    new.answer("take_over")
    assert new.sync().run.counters["uploaded"] == 0
    assert_equal(new)
    assert new.sync().plan.writes == 0


def test_a_new_home_is_offered_its_old_files(world: World) -> None:
    """Not "mirror this empty home": the first sync asks, and the first choice is to restore."""
    files = written(world)
    world.sync()
    new = world.other("new")
    new.write(".bashrc", "what the hub puts into every home")
    with pytest.raises(MirrorHeld):
        new.sync()
    (hold,) = new.holds()
    assert hold.kind == "other_home"
    assert hold.choices[0] == "restore"
    assert "the one that you had before" in hold.reason
    assert world.mirrored() == files
    new.answer("restore")
    report = new.sync()
    assert new.local() == {**files, ".bashrc": b"what the hub puts into every home"}
    counters = report.run.counters
    assert (counters["restored"], counters["uploaded"], counters["updated"]) == (len(files), 1, 0)
    assert new.holds() == []
    assert_equal(new)
    with pytest.raises(MirrorHeld):  # the old home asks before it writes there again
        world.sync()


def test_a_home_that_is_in_use_is_asked_otherwise(world: World) -> None:
    written(world)
    world.sync()
    new = world.other("new")
    new.write("thesis.txt", "mine")
    with pytest.raises(MirrorHeld):
        new.sync()
    (hold,) = new.holds()
    assert "that you had before" not in hold.reason
    new.answer("restore")
    new.sync()
    assert new.local()["thesis.txt"] == b"mine"
    assert_equal(new)


def test_the_same_name_with_other_content_in_both_homes(world: World) -> None:
    """Both are here afterwards, and both on Drive."""
    written(world)
    world.sync()
    new = world.other("new")
    new.write("notes.txt", "other notes")
    with pytest.raises(MirrorHeld):
        new.sync()
    new.answer("restore")
    new.sync()
    local = new.local()
    assert local["notes.txt"] == b"other notes"
    assert b"notes" in local.values()
    assert_equal(new)


def test_a_restore_for_an_answer_that_was_cut_short_begins_again(world: World) -> None:
    """Nothing is taken over before everything is here."""
    files = written(world)
    world.sync()
    new = world.other("new")
    with pytest.raises(MirrorHeld):
        new.sync()
    new.answer("restore")
    new.wrap = cut_after(3)
    with pytest.raises(Offline):
        new.sync()
    assert len(new.local()) - 1 == 3  # and one that was on its way
    assert world.sync().run.outcome == "completed"  # the mirror is still the old home's
    new.wrap = lambda wire: wire
    new.sync()
    assert new.local() == files
    assert_equal(new)


# -- held deletions --------------------------------------------------------------------------------


def test_held_deletions_are_brought_back(world: World) -> None:
    files = written(world)
    world.sync()
    shutil.rmtree(world.home / "course")
    world.sync()
    (hold,) = world.holds()
    assert hold.choices == ("restore", "keep", "trash")
    world.answer("restore")
    report = world.sync()
    assert world.local() == files
    assert world.holds() == []
    assert report.run.counters["restored"] == 2
    assert report.run.counters["uploaded"] == 0
    assert_equal(world)


def test_some_of_the_held_ones(world: World) -> None:
    files = written(world)
    world.sync()
    shutil.rmtree(world.home / "course")
    world.sync()
    world.answer("restore", "course/data")
    world.sync()
    del files["course/lab1.ipynb"]
    assert world.local() == files
    (hold,) = world.holds()
    assert hold.count == 1
    assert not any(entry.trashed for entry in world.objects(trashed=True))


def test_what_waits_for_its_restore_stays_guarded(world: World) -> None:
    """A half restore leaves fewer files missing than the guard would hold: they are held on."""
    for number in range(20):
        world.write(f"f{number}.txt", f"{number}")
    world.sync()
    for number in range(8):
        (world.home / f"f{number}.txt").unlink()
    world.sync()
    assert world.holds()[0].count == 8
    world.answer("restore")
    world.wrap = cut_after(6)
    with pytest.raises(Offline):
        world.sync()
    world.wrap = lambda wire: wire
    assert len(world.local()) - 1 == 18  # and one that was on its way
    assert not any(entry.trashed for entry in world.objects(trashed=True))
    world.sync()
    assert len(world.local()) == 20
    assert world.holds() == []


def test_a_held_file_that_drive_has_lost(world: World) -> None:
    written(world)
    world.sync()
    shutil.rmtree(world.home / "course")
    world.sync()
    world.delete_on_drive(world.remote()["course/lab1.ipynb"].id)
    world.answer("restore")
    report = world.sync()
    assert (world.home / "course/data/raw.csv").exists()
    assert any(o.path == "course/lab1.ipynb" for o in report.outcomes)
    world.sync()
    assert world.holds() == []
    assert_equal(world)


# -- parts, versions, the trash --------------------------------------------------------------------


def test_a_folder_and_a_file(world: World) -> None:
    files = written(world)
    world.sync()
    shutil.rmtree(world.home)
    world.home.mkdir()
    assert outcomes(restore(world, "course", "notes.txt")) == {
        "course/data/raw.csv": "restored",
        "course/lab1.ipynb": "restored",
        "notes.txt": "restored",
    }
    assert world.local() == {p: c for p, c in files.items() if p[:6] in ("course", "notes.")}


def test_a_file_from_the_trash(world: World) -> None:
    files = written(world)
    world.sync()
    (world.home / "notes.txt").unlink()
    assert world.sync().run.counters["trashed"] == 1
    assert outcomes(restore(world)) == {}  # the tree is what lives
    assert outcomes(restore(world, "notes.txt")) == {"notes.txt": "restored"}
    assert world.local() == files
    world.sync()
    assert_equal(world)


def test_a_folder_that_was_trashed_on_drive(world: World) -> None:
    files = written(world)
    world.sync()
    entries = {e.name: e for e in world.objects()}
    world.change_on_drive(entries["course"].id, trashed=True)
    shutil.rmtree(world.home / "course")
    assert len(outcomes(restore(world, "course"))) == 2
    assert world.local() == files


def test_the_whole_mirror_was_trashed_on_drive(world: World) -> None:
    files = written(world)
    world.sync()
    world.change_on_drive(world.root, trashed=True)
    new = world.other("new")
    restore(new)
    assert new.local() == files


def test_from_the_trash_too(world: World) -> None:
    """Of two that were trashed at one path the newer one comes, and only where nothing lives."""
    written(world)
    world.sync()
    for text in ("first", "second"):
        world.write("gone.txt", text)
        world.write("back.txt", text, age=5000)
        world.sync()
        (world.home / "gone.txt").unlink()
        (world.home / "back.txt").unlink()
        world.sync()
        world.clock.advance(90_000)
    world.write("back.txt", "third")
    world.sync()
    assert outcomes(restore(world, trashed=True)) == {"gone.txt": "restored"}
    assert world.local()["gone.txt"] == b"second"


def test_an_older_version(world: World) -> None:
    """It comes beside the current one; where there is none, to its own place."""
    world.write("a.txt", "one")
    world.sync()
    world.write("a.txt", "two", age=60)
    world.sync()
    newest, oldest = versions(world, "a.txt")
    report = restore(world, "a.txt", revision=oldest)
    assert outcomes(report) == {"a.txt": "beside"}
    assert world.local()["a.txt"] == b"two"
    assert sorted(world.local().values()) == [b"one", b"two"]
    again = restore(world, "a.txt", revision=oldest)
    assert again.run.counters["unchanged"] == 1
    assert restore(world, "a.txt", revision=newest).run.counters["unchanged"] == 1
    shutil.rmtree(world.home)
    world.home.mkdir()
    restore(world, "a.txt", revision=oldest)
    assert world.local() == {"a.txt": b"one"}


def test_as_of_a_time(world: World) -> None:
    """The tree as Drive had it: older versions, what was trashed since, nothing younger."""
    for path in ("a.txt", "gone.txt", "same.txt", "x.txt", "y.txt"):
        world.write(path, f"old {path}")
    world.sync()
    then = world.clock.wall() + 60
    world.clock.advance(3600)
    world.write("a.txt", "new a", age=10)
    world.write("younger.txt", "new", age=10)
    (world.home / "gone.txt").unlink()
    world.sync()
    to = world.folder / "then"
    to.mkdir()
    report = restore(world, to=to, as_of=then)
    names = ("a.txt", "gone.txt", "same.txt", "x.txt", "y.txt")
    assert {p.name: p.read_text() for p in to.iterdir()} == {n: f"old {n}" for n in names}
    assert outcomes(report)["younger.txt"] == "skipped"


def test_to_another_folder(world: World) -> None:
    files = written(world)
    world.sync()
    to = world.folder / "copy"
    to.mkdir()
    restore(world, to=to)
    assert {str(p.relative_to(to)) for p in to.rglob("*") if p.is_file()} == set(files)
    assert world.local() == files
    assert world.sync().plan.writes == 0


def test_a_dry_run_does_nothing(world: World) -> None:
    files = written(world)
    world.sync()
    new = world.other("new")
    report = restore(new, dry_run=True)
    assert {step.path for step in report.plan.steps} == set(files)
    assert report.plan.bytes == sum(map(len, files.values()))
    assert list(new.home.iterdir()) == []
    with new.ledger() as ledger:
        assert ledger.runs() == []
