"""What waits for a person: every kind of hold, every answer to it."""

from __future__ import annotations

import shutil

import pytest

from jupyter_drive_sync.core.said import params_of
from jupyter_drive_sync.core.tree import FileId, RelPath, Standing
from jupyter_drive_sync.drive.types import CreateFolder
from jupyter_drive_sync.engine.site import Identity
from jupyter_drive_sync.errors import MirrorHeld, NoSuchHold
from tests.engine.world import World

DAY = 86_400


@pytest.fixture
def held(world: World) -> World:
    """Thirty files in three folders, one folder gone."""
    for folder in "abc":
        for number in range(10):
            world.write(f"{folder}/f{number}.txt", f"{folder}{number}")
    world.sync()
    shutil.rmtree(world.home / "a")
    world.sync()
    assert [hold.count for hold in world.holds()] == [10]
    return world


def trashed(world: World) -> int:
    return sum(entry.trashed for entry in world.objects(trashed=True))


# -- deletions -------------------------------------------------------------------------------------


def test_what_happened_is_told_in_words_and_in_values(held: World) -> None:
    (hold,) = held.holds()
    assert hold.reason == (
        "10 of 30 files are gone from your home (more than a quarter at once; a as a whole). "
        "Nothing was removed on Drive."
    )
    assert params_of(hold.reason) == {
        "mirrored": 30,
        "causes": ["share", "whole_folder"],
        "folders": ["a"],
        "folders_more": 0,
    }


def test_held_stays_held_until_it_is_answered(held: World) -> None:
    world = held
    first = world.holds()[0]
    for _ in range(5):
        world.clock.advance(DAY)
        report = world.sync()
        assert report.run.counters["held"] == 10
        (hold,) = world.holds()
        assert (hold.id, hold.since, hold.count) == (first.id, first.since, 10)
    assert trashed(world) == 0
    assert world.requests() == 1


def test_held_stays_held_in_a_pass_over_a_part(held: World) -> None:
    world = held
    world.write("b/new.txt", "n")
    world.sync("b")
    assert [hold.count for hold in world.holds()] == [10]
    world.sync()
    assert [hold.count for hold in world.holds()] == [10]
    assert trashed(world) == 0


def test_held_by_an_empty_home_stays_held_when_files_are_back(world: World) -> None:
    """The reason has gone, the doubt has not: two of them may never have been deleted."""
    for number in range(30):
        world.write(f"f{number}", f"{number}")
    world.sync()
    kept = {path: world.home / path for path in world.local()}
    away = world.folder / "away"
    away.mkdir()
    for path, file in kept.items():
        file.rename(away / path)
    world.sync()
    assert world.holds()[0].count == 30
    for path in list(kept)[2:]:
        (away / path).rename(world.home / path)
    world.sync()
    assert world.holds()[0].count == 2
    world.sync()
    assert trashed(world) == 0


def test_keep(held: World) -> None:
    world = held
    assert world.answer("keep") == 10
    assert world.holds() == []
    report = world.sync()
    assert report.run.counters["archived"] == 10
    assert world.holds() == []
    assert len(world.remote()) == 30
    assert world.standing("a/f0.txt") is Standing.ARCHIVED


def test_trash(held: World) -> None:
    world = held
    world.answer("trash")
    report = world.sync()
    assert report.run.counters["trashed"] == 10
    assert trashed(world) == 10
    world.assert_mirrored()


def test_what_a_person_confirmed_does_not_count_for_the_guard(held: World) -> None:
    world = held
    world.answer("trash")
    world.sync()
    for number in range(3):
        (world.home / f"b/f{number}.txt").unlink()
    assert world.sync().run.counters["trashed"] == 3


def test_a_part_of_it(held: World) -> None:
    world = held
    assert world.answer("trash", "a/f1.txt", "a/f2.txt") == 2
    world.sync()
    assert trashed(world) == 2
    (hold,) = world.holds()
    assert hold.count == 8
    assert world.answer("keep", "a") == 8
    world.sync()
    assert world.holds() == []
    assert trashed(world) == 2
    assert len(world.remote()) == 28


def test_answers_that_make_no_sense(held: World) -> None:
    world = held
    (hold,) = world.holds()
    for hold_id, choice, paths in [
        ("nothing", "keep", []),
        (hold.id, "take_over", []),
        (hold.id, "keep", [RelPath("b")]),
    ]:
        with world.ledger() as ledger, pytest.raises(NoSuchHold):
            ledger.answer(hold_id, choice, paths, at=0)
    assert world.holds() == [hold]


def test_files_that_come_back_dissolve_it(held: World) -> None:
    world = held
    for number in range(4):
        world.write(f"a/f{number}.txt", f"a{number}")
    report = world.sync()
    assert world.holds()[0].count == 6
    assert report.run.counters["uploaded"] == 0
    for number in range(4, 10):
        world.write(f"a/f{number}.txt", f"a{number}")
    world.sync()
    assert world.holds() == []
    world.assert_mirrored()


def test_a_move_dissolves_it(held: World) -> None:
    """The folder was not deleted but on its way: it turns up elsewhere."""
    world = held
    for number in range(10):
        world.write(f"elsewhere/f{number}.txt", f"a{number}")
    report = world.sync()
    assert world.holds() == []
    assert report.run.counters["uploaded"] == 0
    world.assert_mirrored()


def test_nobody_answers_for_two_weeks(held: World) -> None:
    world = held
    world.clock.advance(13 * DAY)
    world.sync()
    assert len(world.holds()) == 1
    world.clock.advance(1.1 * DAY)
    for _ in range(2):
        report = world.sync()
        assert world.holds() == []
        assert report.run.counters["trashed"] == 0
        assert report.run.counters["archived"] == 10
    assert len(world.remote()) == 30


def test_more_deletions_join_it(held: World) -> None:
    world = held
    shutil.rmtree(world.home / "b")
    world.sync()
    (hold,) = world.holds()
    assert hold.count == 20
    assert trashed(world) == 0


def test_a_yes_lapses_when_the_file_is_back(held: World) -> None:
    """Confirmed was the deletion of then, not one of some later day."""
    world = held
    world.answer("trash")
    for number in range(10):
        world.write(f"a/f{number}.txt", f"a{number}")
    world.sync()
    world.assert_mirrored()
    shutil.rmtree(world.home / "a")
    world.clock.advance(30 * DAY)
    world.sync()
    assert [hold.count for hold in world.holds()] == [10]
    assert trashed(world) == 0


def test_a_yes_outlives_a_pass_over_a_part(held: World) -> None:
    world = held
    world.answer("trash")
    world.sync("b")
    assert trashed(world) == 0
    world.sync()
    assert trashed(world) == 10


def test_new_rules_are_still_new_after_a_pass_over_a_part(held: World) -> None:
    world = held
    world.answer("keep")
    world.sync()
    world.with_settings(excludes=("*.tmp",))
    world.sync("b")
    (world.home / "c/f0.txt").unlink()
    world.sync()
    assert [hold.count for hold in world.holds()] == [1]


def test_a_dry_run_holds_nothing(held: World) -> None:
    world = held
    before = world.holds()
    shutil.rmtree(world.home / "b")
    report = world.sync(dry_run=True)
    assert sum(hold.count for hold in report.holds) == 20
    assert world.holds() == before


# -- another home ----------------------------------------------------------------------------------


@pytest.fixture
def rivals(world: World) -> tuple[World, World]:
    """A mirrored home, and a new one that finds its place taken."""
    world.write("d/same.txt", "same")
    world.write("d/old.txt", "only in the earlier home")
    world.sync()
    later = world.other("later")
    later.write("d/same.txt", "same")
    later.write("d/new.txt", "only in the later home")
    with pytest.raises(MirrorHeld) as caught:
        later.sync()
    assert caught.value.code == "held.other_home"
    assert caught.value.who == "user"
    assert "files.update" not in later.sent | later.inner
    return world, later


def test_another_home_is_held_in_every_pass(rivals: tuple[World, World]) -> None:
    _, later = rivals
    (first,) = later.holds()
    assert first.whole
    assert "2023" in first.reason
    for _ in range(2):
        with pytest.raises(MirrorHeld):
            later.sync()
        assert later.requests() == 2
    assert [hold.id for hold in later.holds()] == [first.id]


def test_take_over(rivals: tuple[World, World]) -> None:
    earlier, later = rivals
    ids = {path: entry.id for path, entry in earlier.remote().items()}
    later.answer("take_over")
    report = later.sync()
    assert report.run.counters["uploaded"] == 1
    assert later.holds() == []
    remote = later.remote()
    assert remote["d/same.txt"].id == ids["d/same.txt"]
    assert later.content("d/old.txt") == b"only in the earlier home"
    assert later.standing("d/old.txt") is Standing.UNCLAIMED
    later.assert_no_twins()
    later.clock.advance(later.site.settings.listing_lag + 1)
    later.sync()  # the listing may have lagged: compared once more
    later.sync()
    assert later.requests() == 1
    # The earlier home learns of it before it writes anything.
    earlier.write("d/same.txt", "changed in the earlier home")
    with pytest.raises(MirrorHeld) as caught:
        earlier.sync()
    assert caught.value.code == "held.other_home"
    assert later.content("d/same.txt") == b"same"


def test_taken_over_and_taken_back(rivals: tuple[World, World]) -> None:
    earlier, later = rivals
    later.answer("take_over")
    later.sync()
    earlier.write("d/same.txt", "changed in the earlier home")
    with pytest.raises(MirrorHeld):
        earlier.sync()
    earlier.answer("take_over")
    report = earlier.sync()
    assert report.run.counters["trashed"] == 0
    assert earlier.content("d/same.txt") == b"changed in the earlier home"
    assert earlier.content("d/new.txt") == b"only in the later home"
    earlier.assert_no_twins()
    with pytest.raises(MirrorHeld):
        later.sync()


def test_a_second_folder(rivals: tuple[World, World]) -> None:
    earlier, later = rivals
    before = earlier.mirrored()
    later.answer("second_folder")
    report = later.sync()
    assert report.folder == "home/ann (2)"
    later.assert_mirrored()
    assert earlier.mirrored() == before
    for world in (earlier, later):
        world.write("d/more.txt", "more")
        world.sync()
        world.assert_mirrored()
    third = earlier.other("third one")
    third.write("x", "x")
    with pytest.raises(MirrorHeld):
        third.sync()
    third.answer("second_folder")
    with pytest.raises(MirrorHeld):
        third.sync()
    third.answer("second_folder")
    assert third.sync().folder == "home/ann (3)"
    third.assert_mirrored()


def test_disconnect_is_not_the_engines_to_carry_out(rivals: tuple[World, World]) -> None:
    _, later = rivals
    later.answer("disconnect")
    with pytest.raises(MirrorHeld):
        later.sync()


# -- the root is gone ------------------------------------------------------------------------------


@pytest.fixture
def mirrored(world: World) -> World:
    world.write("d/a.txt", "a")
    world.write("b.txt", "b")
    world.sync()
    world.sync()
    world.sync()
    return world


def test_the_root_in_the_trash_and_back(mirrored: World) -> None:
    world = mirrored
    before = {path: entry.id for path, entry in world.remote().items()}
    world.change_on_drive(world.root, trashed=True)
    world.write("b.txt", "changed")
    for _ in range(2):
        with pytest.raises(MirrorHeld) as caught:
            world.sync()
        assert caught.value.code == "held.root_gone"
        assert world.requests() == 1
    (hold,) = world.holds()
    assert "untrash" in hold.choices
    world.answer("untrash")
    world.sync()
    world.assert_mirrored()
    assert {path: entry.id for path, entry in world.remote().items()} == before
    world.sync()
    world.sync()
    assert world.requests() == 1


def test_a_person_takes_the_root_out_of_the_trash(mirrored: World) -> None:
    world = mirrored
    world.change_on_drive(world.root, trashed=True)
    with pytest.raises(MirrorHeld):
        world.sync()
    world.change_on_drive(world.root, trashed=False)
    world.sync()
    assert world.holds() == []
    world.assert_mirrored()


def test_the_root_in_the_trash_and_afresh(mirrored: World) -> None:
    world = mirrored
    world.change_on_drive(world.root, trashed=True)
    with pytest.raises(MirrorHeld):
        world.sync()
    world.answer("start_afresh")
    report = world.sync()
    assert report.run.counters["uploaded"] == 2
    world.assert_mirrored()
    world.sync()
    assert world.requests() == 1


def test_the_root_deleted_for_good(mirrored: World) -> None:
    world = mirrored
    world.delete_on_drive(world.root)
    with pytest.raises(MirrorHeld) as caught:
        world.sync()
    assert caught.value.code == "held.root_gone"
    (hold,) = world.holds()
    assert "untrash" not in hold.choices
    world.answer("start_afresh")
    world.sync()
    world.assert_mirrored()


def test_the_folder_above_the_root_in_the_trash(mirrored: World) -> None:
    world = mirrored
    above = {entry.id: entry for entry in world.everything()}[world.root].parent
    assert above is not None
    world.change_on_drive(above, trashed=True)
    with pytest.raises(MirrorHeld):
        world.sync()
    world.change_on_drive(above, trashed=False)
    world.sync()
    world.assert_mirrored()
    world.clock.advance(10)
    world.change_on_drive(above, trashed=True)
    with pytest.raises(MirrorHeld):
        world.sync()
    world.answer("untrash")
    world.sync()
    world.assert_mirrored()
    world.sync()
    world.sync()
    assert world.requests() == 1


# -- another client, another account ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("attribute", "kind"), [("client", "changed_client"), ("account", "other_account")]
)
def test_another_client_or_account_is_told_before_anything_is_sent(
    world: World, attribute: str, kind: str
) -> None:
    setattr(world, attribute, "first")
    world.write("a.txt", "a")
    world.sync()
    home_id = world.home_id
    setattr(world, attribute, "second")
    for _ in range(2):
        with pytest.raises(MirrorHeld) as caught:
            world.sync()
        assert caught.value.code == f"held.{kind}"
        assert world.requests() == 0
    setattr(world, attribute, "first")
    world.sync()
    assert world.holds() == []
    setattr(world, attribute, "second")
    with pytest.raises(MirrorHeld):
        world.sync()
    world.answer("start_afresh")
    if kind == "changed_client":
        # In earnest the new client would not see the old folder; here it is in the way.
        world.name = "bob"
    else:
        world.change_on_drive(world.root, trashed=True)
    world.sync()
    assert world.home_id != home_id
    assert getattr(Identity.load(world.site)[0], attribute) == "second"
    assert world.mirrored() == world.local()


# -- moved out of the mirror -----------------------------------------------------------------------


@pytest.fixture
def moved_out(world: World) -> World:
    for number in range(25):
        world.write(f"d/f{number}.txt", f"{number}")
    world.write("stays.txt", "s")
    world.sync()
    (outside,) = world.person.generate_ids(1)
    world.person.batch([CreateFolder(outside, "mine", None)])
    parent = next(entry for entry in world.objects() if entry.name == "d")
    world.change_on_drive(parent.id, add_parent=outside, remove_parent=world.root)
    report = world.sync()
    assert report.run.counters["uploaded"] == 0
    assert report.run.counters["held"] == 25
    assert not [outcome for outcome in report.outcomes if outcome.outcome == "moved_out"]
    assert [(hold.kind, hold.count) for hold in world.holds()] == [("moved_out", 25)]
    return world


def outside(world: World) -> set[FileId]:
    mirror = {entry.id for entry in world.remote().values()}
    return {entry.id for entry in world.everything() if entry.md5 and entry.id not in mirror}


def test_very_many_moved_out_wait_while_the_rest_goes_on(moved_out: World) -> None:
    world = moved_out
    world.write("stays.txt", "changed")
    world.write("new.txt", "n")
    world.sync()
    assert set(world.remote()) == {"stays.txt", "new.txt"}
    assert world.holds()[0].count == 25


def test_moved_out_and_copied_anew(moved_out: World) -> None:
    world = moved_out
    theirs = outside(world)
    world.answer("start_afresh")
    report = world.sync()
    assert report.run.counters["uploaded"] == 25
    assert world.holds() == []
    assert world.mirrored() == world.local()
    assert outside(world) == theirs
    world.sync()
    assert world.requests() == 1


def test_moved_out_and_left_at_that(moved_out: World) -> None:
    world = moved_out
    theirs = outside(world)
    world.answer("keep")
    for _ in range(3):
        report = world.sync()
        assert report.run.counters["uploaded"] == 0
        assert report.run.counters["declined"] == 25
        assert world.holds() == []
    assert outside(world) == theirs
    assert set(world.remote()) == {"stays.txt"}


def test_a_hold_of_that_kind_is_answered_as_a_whole(moved_out: World) -> None:
    with pytest.raises(NoSuchHold):
        moved_out.answer("keep", "d/f1.txt")
    assert moved_out.holds()[0].count == 25


def test_up_to_twenty_are_copied_anew_unasked(world: World) -> None:
    for number in range(20):
        world.write(f"d/f{number}.txt", f"{number}")
    world.sync()
    (elsewhere,) = world.person.generate_ids(1)
    world.person.batch([CreateFolder(elsewhere, "mine", None)])
    parent = next(entry for entry in world.objects() if entry.name == "d")
    world.change_on_drive(parent.id, add_parent=elsewhere, remove_parent=world.root)
    report = world.sync()
    assert report.run.counters["uploaded"] == 20
    assert report.run.counters["moved_out"] == 20
    assert world.mirrored() == world.local()
