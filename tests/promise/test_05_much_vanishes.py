"""Promise 5: much vanishes at once: nothing is trashed, you are asked, and the rest goes on."""

from __future__ import annotations

import os
import shutil

import pytest

from jupyter_drive_sync.core.tree import Standing
from jupyter_drive_sync.errors import DriveSyncError, HomeMissing, MirrorHeld
from jupyter_drive_sync.home.read import Home
from tests.engine.world import World

FILES = 40


@pytest.fixture
def filled(world: World) -> World:
    for number in range(FILES):
        world.write(f"course{number % 4}/f{number}.txt", f"content {number}")
    world.sync()
    return world


def nothing_trashed(world: World) -> None:
    assert [entry for entry in world.objects(trashed=True) if entry.trashed] == []


def held(world: World, count: int, word: str) -> None:
    (hold,) = world.holds()
    assert hold.kind == "deletions"
    assert hold.count == count
    assert word in hold.reason
    assert set(hold.choices) >= {"keep", "trash"}
    nothing_trashed(world)


def test_an_unmounted_home(filled: World) -> None:
    world = filled
    away = world.home.rename(world.folder / "away")
    with pytest.raises(HomeMissing):
        world.sync()
    nothing_trashed(world)
    assert world.requests() == 0
    away.rename(world.home)
    assert world.sync().run.outcome == "completed"
    world.assert_mirrored()


def test_an_empty_home(filled: World) -> None:
    world = filled
    for number in range(4):
        shutil.rmtree(world.home / f"course{number}")
    report = world.sync()
    held(world, FILES, "empty")
    assert report.run.counters["held"] == FILES


def test_an_empty_home_of_one_single_file(world: World) -> None:
    """Below every limit, and still: an empty home is no wish."""
    world.write("only.txt", "x")
    world.sync()
    (world.home / "only.txt").unlink()
    world.sync()
    held(world, 1, "empty")


def test_rm_r_of_a_folder_while_the_rest_goes_on(filled: World) -> None:
    world = filled
    shutil.rmtree(world.home / "course1")
    world.write("course0/new.txt", "n")
    world.write("course2/f2.txt", "changed")
    report = world.sync()
    held(world, 10, "course1")
    assert report.run.counters["uploaded"] == 1
    assert report.run.counters["updated"] == 1
    left = {path: c for path, c in world.mirrored().items() if not path.startswith("course1/")}
    assert left == world.local()


def test_more_than_a_quarter_of_the_files(filled: World) -> None:
    world = filled
    for number in range(11):
        (world.home / f"course{number % 4}/f{number}.txt").unlink()
    world.sync()
    held(world, 11, "quarter")


def test_an_accident_in_slices_is_one_too(filled: World) -> None:
    """Ten of forty may go within 24 hours, in however many passes; the eleventh waits."""
    world = filled
    for number in range(10):
        (world.home / f"course{number % 4}/f{number}.txt").unlink()
        world.sync()
        assert world.holds() == []
    (world.home / "course2/f10.txt").unlink()
    world.sync()
    (hold,) = world.holds()
    assert hold.count == 1
    assert len([entry for entry in world.objects(trashed=True) if entry.trashed]) == 10
    world.clock.advance(86_400)
    (world.home / "course3/f11.txt").unlink()
    world.sync()
    assert len([entry for entry in world.objects(trashed=True) if entry.trashed]) == 11
    assert world.holds()[0].count == 1  # what waited still waits


def test_an_interrupted_pass_does_not_tighten_the_measure(filled: World) -> None:
    """What a killed run left in the history says nothing about how many files there were."""
    world = filled
    with world.ledger() as ledger:
        ledger.begin("killed", world.clock.wall())
    world.sync()
    with world.ledger() as ledger:
        ledger.begin("killed again", world.clock.wall())
    world.clock.advance(86_400 + 60)
    for number in range(4):
        (world.home / f"course{number % 4}/f{number}.txt").unlink()
    assert world.sync().run.counters["trashed"] == 4


def test_more_than_a_hundred_files(world: World) -> None:
    for number in range(410):
        world.write(f"d/f{number}", f"{number}")
    world.sync()
    for number in range(101):
        (world.home / f"d/f{number}").unlink()
    world.sync()
    held(world, 101, "very many")


def test_more_than_the_bytes_allowed(filled: World) -> None:
    world = filled
    world.with_settings(guard_bytes=10)
    for number in range(2):
        (world.home / f"course{number}/f{number}.txt").unlink()
    world.sync()
    held(world, 2, "gigabyte")


def test_a_wrong_folder(filled: World) -> None:
    """The home is another directory now: whatever is missing there was never deleted."""
    world = filled
    world.home.rename(world.folder / "away")
    world.home.mkdir()
    world.write("course0/f0.txt", "content 0")
    world.write("course0/mine.txt", "other")
    report = world.sync()
    held(world, FILES - 1, "not the folder")
    assert report.run.counters["uploaded"] == 1


def test_one_deletion_in_a_wrong_folder(filled: World) -> None:
    world = filled
    shutil.copytree(world.home, world.folder / "copy")
    shutil.rmtree(world.home)
    (world.folder / "copy").rename(world.home)
    (world.home / "course0/f0.txt").unlink()
    world.sync()
    held(world, 1, "not the folder")


def test_changed_excludes(filled: World) -> None:
    """What a new rule hides is kept; what vanishes in the same pass is no wish either."""
    world = filled
    world.with_settings(excludes=("course1/",))
    (world.home / "course0/f0.txt").unlink()
    world.sync()
    held(world, 1, "rules")
    assert world.standing("course1/f1.txt") is Standing.ARCHIVED
    assert len(world.remote()) == FILES


def test_changed_includes(filled: World) -> None:
    world = filled
    world.with_settings(includes=("course0/",))
    report = world.sync()
    nothing_trashed(world)
    assert world.holds() == []
    assert len(world.remote()) == FILES
    assert report.run.counters["archived"] == 30


def test_an_unreadable_folder_is_not_an_empty_one(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, for whom nothing is unreadable: the system call says no."""
    world = filled
    real = os.open

    def refuse(path, flags, mode=0o777, *, dir_fd=None):  # type: ignore[no-untyped-def]
        if path in (b"course1", "course1"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    report = world.sync()
    nothing_trashed(world)
    assert world.holds() == []
    assert report.run.outcome == "completed_with_errors" or any(
        outcome.path == "course1" for outcome in report.outcomes
    )
    monkeypatch.undo()
    world.sync()
    world.assert_mirrored()


def test_another_home_with_the_same_name(filled: World) -> None:
    world = filled
    other = world.other("other")
    other.write("course0/f0.txt", "other content")
    before = world.mirrored()
    with pytest.raises(MirrorHeld) as caught:
        other.sync()
    assert caught.value.code == "held.other_home"
    assert world.mirrored() == before
    world.assert_no_twins()


def test_a_home_that_lost_its_id(filled: World) -> None:
    """The ledger is there, the home's id is not: whose files these are is a question."""
    world = filled
    home_id = world.home_id
    world.sync()
    world.sync()
    (world.state / "home.json").unlink()
    (world.home / "course0/f0.txt").unlink()
    with pytest.raises(DriveSyncError) as caught:
        world.sync()
    assert caught.value.code == "held.other_home"
    assert world.home_id != home_id
    assert not any(entry.trashed for entry in world.everything())
    world.answer("take_over")
    report = world.sync()
    assert report.run.counters["uploaded"] == 0
    nothing_trashed(world)
    assert len(world.remote()) == FILES
    world.assert_no_twins()


def test_the_ledger_was_lost_as_well(filled: World) -> None:
    world = filled
    (world.state / "ledger.sqlite").unlink()
    (world.home / "course0/f0.txt").unlink()
    report = world.sync()
    nothing_trashed(world)
    assert report.run.counters["uploaded"] == 0
    assert world.standing("course0/f0.txt") is Standing.UNCLAIMED
    for _ in range(3):
        world.clock.advance(86_400)
        assert world.sync().run.counters["unclaimed"] == 1
        nothing_trashed(world)


def test_a_file_that_is_back_at_the_last_look_is_not_trashed(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some editors remove the file and write it anew: for an instant there is none."""
    world = filled
    path = world.home / "course0/f0.txt"
    path.unlink()
    real = Home.absent

    def back(home: Home, asked: str) -> bool:
        path.write_text("saved")
        return real(home, asked)  # type: ignore[arg-type]

    monkeypatch.setattr(Home, "absent", back)
    assert world.sync().run.counters["trashed"] == 0
    monkeypatch.undo()
    world.sync()
    world.assert_mirrored()
