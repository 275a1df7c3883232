"""Corners of the planner and of the table that a mutant once slipped through."""

from __future__ import annotations

import itertools

import pytest

from jupyter_drive_sync.core.decisions import TABLE, Action, Local, Place, Remark
from jupyter_drive_sync.core.plan import Note, Operation, Plan, Verb, make, modified_ms
from jupyter_drive_sync.core.tree import (
    FileId,
    LedgerEntry,
    LocalEntry,
    RelPath,
    Standing,
    Stat,
)
from tests.core.trees import (
    FOLDER,
    file,
    home,
    id_of,
    known,
    known_folder,
    ledger,
    md5_of,
    moved_out,
    read,
    shown,
    stat_of,
    trashed,
)


def verbs(plan: Plan) -> list[Verb]:
    return [step.verb for step in plan.operations()]


def only(plan: Plan) -> Operation:
    (step,) = plan.operations()
    return step


def here_from(old: str, new: str) -> LocalEntry:
    """Make the folder that was renamed from another one."""
    return LocalEntry(RelPath(new), FOLDER, stat_of(old, kind=FOLDER))


def test_times_are_cut_to_the_millisecond_and_no_further() -> None:
    assert modified_ms(Stat(0, 1_700_000_000_123_999_999, 1)) == 1_700_000_000_123


def test_what_came_to_drives_content_by_itself_is_remembered_though_no_stat_changed() -> None:
    """A change that left size and times as they were; the very same was made on Drive."""
    entry = shown(known("a"), md5=md5_of("b"), mtime_ms=known("a").mtime_ms)
    plan = make(home(read("a", "b", stat=entry.stat)), ledger(entry))
    step = only(plan)
    assert (step.verb, step.refresh) == (Verb.SETTLE, True)
    assert step.entry is not None
    assert step.entry.md5 == md5_of("b")


def test_its_revision_is_drives() -> None:
    entry = shown(known("a", revision="ours"), md5=md5_of("b"), revision="theirs")
    step = only(make(home(read("a", "b")), ledger(entry)))
    assert step.entry is not None
    assert step.entry.revision == "theirs"


def test_read_again_and_found_the_same_nothing_is_settled() -> None:
    entry = known("a")
    assert verbs(make(home(read("a")), ledger(entry))) == []
    racy = only(make(home(read("a", racy=True)), ledger(entry)))
    assert (racy.verb, racy.refresh) == (Verb.SETTLE, True)


def test_of_the_mode_only_the_owners_execute_bit_is_sent() -> None:
    entry = known("a", mode=0o644)
    assert verbs(make(home(file("a", mode=0o655)), ledger(entry))) == []
    step = only(make(home(file("a", mode=0o744)), ledger(entry)))
    assert (step.verb, step.touch) == (Verb.PATCH, True)


def test_a_moved_folder_has_no_stat_of_a_content_to_remember() -> None:
    tree = ledger(known_folder("a"), known("a/file"))
    here = home(here_from("a", "b"), file("b/file", "a/file", stat=stat_of("a/file", "a/file")))
    (step,) = [s for s in make(here, tree).operations() if s.kind is FOLDER]
    assert (step.verb, step.path, step.place, step.refresh) == (Verb.PATCH, "b", True, False)


def test_files_do_not_wait_for_the_folders_that_move() -> None:
    """Only a folder can be put into itself."""
    tree = ledger(known_folder("a"), known("a/file"), known("x"))
    here = home(
        here_from("a", "b"),
        file("b/file", "a/file", stat=stat_of("a/file", "a/file")),
        file("b/x", "x", stat=stat_of("x", "x")),
    )
    plan = make(here, tree)
    assert [sorted(step.path for step in turn) for turn in plan.patches] == [["b", "b/x"]]


def test_moved_out_is_no_removal() -> None:
    entry = moved_out(known("a", revived=1))
    fresh = [s for s in make(home(file("a")), ledger(entry)).operations() if s.verb is Verb.CREATE]
    assert [step.revived for step in fresh] == [1]


def test_notes_name_the_object() -> None:
    kept = make(home(), ledger(known("a")), keep_deleted=True)
    assert kept.notes == (Note(RelPath("a"), Remark.ARCHIVED, id_of("a")),)
    declined = known_folder("d", standing=Standing.DECLINED)
    below = make(home(file("d/new")), ledger(trashed(declined)))
    assert Note(RelPath("d/new"), Remark.DECLINED, FileId("")) in below.notes


def test_archived_edited_and_trashed_there_and_now_here_with_that_very_content() -> None:
    entry = shown(
        known("a", standing=Standing.ARCHIVED),
        md5=md5_of("b"),
        trashed=True,
        explicitly_trashed=True,
    )
    plan = make(home(read("a", "b")), ledger(entry))
    assert Verb.REPLACE not in verbs(plan)
    assert Verb.PATCH in verbs(plan)


# -- the table ------------------------------------------------------------------------------------

COMBINATIONS = [
    dict(zip(("standing", "local", "place", "edited", "again"), values, strict=True))
    for values in itertools.product((None, *Standing), Local, Place, (False, True), (False, True))
]


def decide(table: tuple, combination: dict) -> object:  # type: ignore[type-arg]
    return next((row.decision for row in table if row.fits(**combination)), None)


@pytest.mark.parametrize("number", range(len(TABLE)), ids=lambda n: f"row {n}")
def test_each_row_decides_something(number: int) -> None:
    """Without it some combination would have another decision, or none."""
    without = TABLE[:number] + TABLE[number + 1 :]
    assert any(decide(TABLE, c) != decide(without, c) for c in COMBINATIONS)


@pytest.mark.parametrize("number", range(len(TABLE)), ids=lambda n: f"row {n}")
def test_no_row_says_more_than_one_thing_of_a_content(number: int) -> None:
    """Among the steps of a row at most one sends content, and none follows a forgetting but it."""
    actions = TABLE[number].decision.actions
    assert len({Action.REPLACE, Action.CREATE, Action.TRASH} & {*actions}) <= 1
    assert Action.PIN not in actions or Action.REPLACE in actions
    assert Action.FORGET not in actions or actions in (
        (Action.FORGET,),
        (Action.FORGET, Action.CREATE),
    )


def twin_of(path: str, content: str | None = None, name: str = "twin") -> LedgerEntry:
    return known(path, content, id=FileId(name), standing=Standing.UNCLAIMED)


def test_a_twin_takes_the_place_of_what_was_moved_out() -> None:
    """A third copy would be one too many: the one that is there already is claimed."""
    out = moved_out(known("a", "x"))
    plan = make(home(read("a", "x")), ledger(out, twins=(twin_of("a", "x"),)))
    left, claimed = plan.operations()
    assert (left.entry, left.forget) == (out, True)
    assert claimed.entry is not None
    assert (claimed.entry.id, claimed.standing) == ("twin", Standing.MIRRORED)
    assert plan.notes == ()


def test_a_twin_takes_the_place_of_what_was_archived_and_left() -> None:
    out = moved_out(known("a", "x", standing=Standing.ARCHIVED))
    shown_too = known("b", "y", standing=Standing.UNCLAIMED)
    plan = make(home(read("a", "x")), ledger(out, shown_too, twins=(twin_of("a", "x"),)))
    assert [step.entry.id for step in plan.settle if step.entry] == [out.id, "twin"]
    assert [note.path for note in plan.notes] == ["b"]


def test_a_twin_with_another_content_is_kept_and_replaced() -> None:
    plan = make(
        home(read("a", "x")), ledger(moved_out(known("a", "x")), twins=(twin_of("a", "y"),))
    )
    assert verbs(plan) == [Verb.SETTLE, Verb.PIN, Verb.REPLACE]
    assert {step.entry.id for step in plan.contents if step.entry} == {"twin"}


def test_of_two_twins_one_takes_the_place_and_the_other_is_shown() -> None:
    twins = (twin_of("a", "x"), twin_of("a", "y", "other"))
    plan = make(home(read("a", "x")), ledger(moved_out(known("a", "x")), twins=twins))
    assert Verb.CREATE not in verbs(plan)
    assert [note.id for note in plan.notes] == ["other"]


def test_a_twin_that_is_gone_as_well_takes_nobodys_place() -> None:
    gone = moved_out(twin_of("a", "x"))
    plan = make(home(read("a", "x")), ledger(moved_out(known("a", "x")), twins=(gone,)))
    assert Verb.CREATE in verbs(plan)
