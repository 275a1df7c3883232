"""The guard: each limit at its edge, each alarm, and no day that goes beyond."""

from __future__ import annotations

from random import Random

import pytest

from jupyter_drive_sync.core.guard import Alarm, Day, Home, Verdict, judge
from jupyter_drive_sync.core.plan import Operation, Verb
from jupyter_drive_sync.core.settings import GiB, Settings
from jupyter_drive_sync.core.tree import FileId, Kind, RelPath, Stat, top_of
from tests.core.trees import id_of, known

ALL = frozenset({RelPath("d"), RelPath("e")})
"""Top-level folders of the tests that still have files."""


def gone(path: str, size: int = 1) -> Operation:
    entry = known(path, stat=Stat(size, 1, 1))
    return Operation(Verb.TRASH, RelPath(path), Kind.FILE, entry)


def files(count: int, folder: str = "d", size: int = 1) -> tuple[Operation, ...]:
    return tuple(gone(f"{folder}/{number}", size) for number in range(count))


def verdict(
    trashes: tuple[Operation, ...],
    *,
    mirrored: int = 1_000_000,
    trashed: int = 0,
    trashed_bytes: int = 0,
    home: Home | None = None,
    approved: frozenset[FileId] = frozenset(),
    settings: Settings | None = None,
) -> Verdict:
    return judge(
        trashes,
        home=home or Home(folders=ALL),
        day=Day(mirrored, trashed, trashed_bytes),
        approved=approved,
        settings=settings or Settings(),
    )


def assert_passes(found: Verdict, count: int) -> None:
    assert (len(found.allowed), found.kept, found.held) == (count, (), None)


def assert_holds(found: Verdict, count: int, *alarms: Alarm) -> None:
    assert found.held is not None
    assert (found.allowed, len(found.held.operations)) == ((), count)
    assert found.held.alarms == alarms


def test_nothing_to_judge() -> None:
    assert verdict(()) == Verdict((), (), None)
    assert verdict((), home=Home(empty=True)) == Verdict((), (), None)


# -- limits ---------------------------------------------------------------------------------------


def test_three_deletions_pass_whatever_their_share() -> None:
    assert_passes(verdict(files(3), mirrored=4), 3)


def test_the_share_counts_from_four_deletions_on() -> None:
    assert_holds(verdict(files(4), mirrored=5), 4, Alarm.SHARE)


def test_a_quarter_passes() -> None:
    assert_passes(verdict(files(10), mirrored=40), 10)


def test_more_than_a_quarter_is_held() -> None:
    assert_holds(verdict(files(10), mirrored=39), 10, Alarm.SHARE)
    assert_holds(verdict(files(11), mirrored=40), 11, Alarm.SHARE)


def test_a_hundred_files_pass() -> None:
    assert_passes(verdict(files(100)), 100)


def test_a_hundred_and_one_are_held() -> None:
    assert_holds(verdict(files(101)), 101, Alarm.FILES)


def test_a_gibibyte_passes_and_a_byte_more_is_held() -> None:
    assert_passes(verdict((gone("d/a", GiB),)), 1)
    assert_holds(verdict((gone("d/a", GiB), gone("d/b", 1))), 2, Alarm.BYTES)


@pytest.mark.parametrize(
    ("trashed", "trashed_bytes", "mirrored", "alarm"),
    [(99, 0, 10_000, Alarm.FILES), (0, GiB - 1, 10_000, Alarm.BYTES), (9, 0, 40, Alarm.SHARE)],
)
def test_an_accident_in_slices_is_one_as_well(
    trashed: int, trashed_bytes: int, mirrored: int, alarm: Alarm
) -> None:
    day = {"trashed": trashed, "trashed_bytes": trashed_bytes, "mirrored": mirrored}
    assert_passes(verdict(files(1), **day), 1)
    assert_holds(verdict(files(2), **day), 2, alarm)


def test_every_limit_that_is_passed_is_named() -> None:
    found = verdict(files(101, size=GiB), mirrored=200)
    assert_holds(found, 101, Alarm.SHARE, Alarm.FILES, Alarm.BYTES)


def test_the_limits_are_settings() -> None:
    settings = Settings(guard_share=0.5, guard_share_from=1, guard_files=3, guard_bytes=3)
    assert_passes(verdict(files(3), mirrored=6, settings=settings), 3)
    assert_holds(verdict(files(1), mirrored=1, settings=settings), 1, Alarm.SHARE)
    found = verdict(files(4), mirrored=8, settings=settings)
    assert_holds(found, 4, Alarm.FILES, Alarm.BYTES)


# -- whole folders --------------------------------------------------------------------------------


def test_a_whole_top_level_folder_is_held_and_the_rest_passes() -> None:
    found = verdict((gone("course/a"), gone("course/x/b"), gone("d/c")))
    assert [step.path for step in found.allowed] == ["d/c"]
    assert found.held is not None
    assert [step.path for step in found.held.operations] == ["course/a", "course/x/b"]
    assert found.held.alarms == (Alarm.WHOLE_FOLDER,)
    assert found.held.folders == ("course",)


def test_the_last_file_of_a_folder_that_went_in_slices_is_held() -> None:
    assert_passes(verdict(files(9), home=Home(folders=ALL)), 9)
    assert_holds(verdict((gone("d/9"),), home=Home(), trashed=9), 1, Alarm.WHOLE_FOLDER)


def test_a_folder_below_the_top_may_go_as_a_whole() -> None:
    assert_passes(verdict((gone("d/sub/a"), gone("d/sub/b"))), 2)


def test_a_file_at_the_top_is_no_folder() -> None:
    assert_passes(verdict((gone("notes.txt"),), home=Home()), 1)


def test_with_a_limit_passed_everything_waits_and_the_folder_is_named() -> None:
    found = verdict((*files(100), *files(1, "course")))
    assert_holds(found, 101, Alarm.FILES, Alarm.WHOLE_FOLDER)
    assert found.held is not None
    assert found.held.folders == ("course",)


def test_where_policy_keeps_whole_folders_their_files_are_kept_and_do_not_count() -> None:
    settings = Settings(keep_whole_folders=True)
    found = verdict((*files(200, "course"), *files(100)), settings=settings)
    assert {top_of(step.path) for step in found.kept} == {"course"}
    assert (len(found.kept), len(found.allowed), found.held) == (200, 100, None)


def test_policy_does_not_answer_an_alarm() -> None:
    settings = Settings(keep_whole_folders=True)
    found = verdict(files(2), home=Home(empty=True), settings=settings)
    assert found.kept == ()
    assert_holds(found, 2, Alarm.HOME_EMPTY, Alarm.WHOLE_FOLDER)


# -- alarms and answers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sign", "alarm"),
    [
        ("empty", Alarm.HOME_EMPTY),
        ("unreadable", Alarm.HOME_UNREADABLE),
        ("replaced", Alarm.HOME_REPLACED),
        ("rules_changed", Alarm.RULES_CHANGED),
        ("rebuilt", Alarm.LEDGER_REBUILT),
    ],
)
def test_an_alarm_holds_every_single_deletion(sign: str, alarm: Alarm) -> None:
    assert_holds(verdict(files(1), home=Home(folders=ALL, **{sign: True})), 1, alarm)


def test_what_a_person_approved_passes_always_and_does_not_count() -> None:
    steps = (*files(101), *files(5, "e"))
    approved = frozenset(id_of(f"d/{number}") for number in range(101))
    found = verdict(steps, approved=approved)
    assert_passes(found, 106)
    found = verdict(steps, approved=approved, home=Home(rebuilt=True))
    assert [step.path for step in found.allowed] == [f"d/{number}" for number in range(101)]
    assert found.held is not None
    assert len(found.held.operations) == 5


# -- a day of accidents ---------------------------------------------------------------------------


def test_no_day_goes_beyond_its_limits() -> None:
    rng = Random(9)  # noqa: S311 - to be repeatable is the point
    passed = waited = 0
    for _ in range(500):
        mirrored = rng.randrange(1, 600)
        settings = Settings(guard_bytes=rng.choice([50, 5000]))
        count = size = 0
        for _ in range(rng.randrange(1, 12)):
            steps = tuple(
                gone(f"{rng.choice('de')}/{rng.random()}", rng.randrange(60))
                for _ in range(rng.choice([1, 2, 3, 30, 120]))
            )
            here = frozenset(RelPath(top) for top in "de" if rng.random() < 0.9)
            found = verdict(
                steps, mirrored=mirrored, trashed=count, trashed_bytes=size, settings=settings,
                home=Home(folders=here),
            )  # fmt: skip
            held = found.held.operations if found.held else ()
            assert sorted(map(id, (*found.allowed, *held))) == sorted(map(id, steps))
            assert {top_of(step.path) for step in found.allowed} <= here
            count += len(found.allowed)
            size += sum(step.size for step in found.allowed)
            passed, waited = passed + len(found.allowed), waited + len(held)
            assert count <= 3 or count <= 0.25 * mirrored
            assert count <= 100
            assert size <= settings.guard_bytes
    assert passed > 1000
    assert waited > 1000
