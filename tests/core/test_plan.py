"""What a pass will do: each behaviour of the planner by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from jupyter_drive_sync.core.decisions import Remark
from jupyter_drive_sync.core.plan import LATEST_MS, Operation, Plan, Verb, make, modified_ms
from jupyter_drive_sync.core.tree import (
    FileId,
    LedgerEntry,
    LedgerTree,
    LocalTree,
    RelPath,
    Standing,
    Stat,
)
from tests.core.trees import (
    FILE,
    FOLDER,
    deleted,
    edited,
    file,
    folder,
    found,
    home,
    id_of,
    known,
    known_folder,
    ledger,
    md5_of,
    moved,
    moved_out,
    read,
    renamed,
    shown,
    stat_of,
    trashed,
)

ARCHIVED, DECLINED, MIRRORED = Standing.ARCHIVED, Standing.DECLINED, Standing.MIRRORED


def told(step: Operation) -> str:
    """Write a step down as ``verb path [<- source] [what is special]``."""
    words = [step.verb.value, step.path]
    if step.source is not None and step.verb is not Verb.CREATE:
        words += ["<-", step.source]
    words += [flag for flag in ("place", "untrash", "touch", "forget") if getattr(step, flag)]
    if step.standing is not None:
        words.append(step.standing.value)
    return " ".join(words)


def steps(plan: Plan) -> list[str]:
    return [told(step) for step in plan.operations()]


def planned(local: LocalTree, tree: LedgerTree, **options: object) -> list[str]:
    return steps(make(local, tree, **options))  # type: ignore[arg-type]


def notes(plan: Plan) -> list[tuple[str, Remark]]:
    return [(note.path, note.remark) for note in plan.notes]


def paths(group: Iterable[Operation]) -> list[str]:
    return [step.path for step in group]


# -- nothing, new, changed, gone ------------------------------------------------------------------


def test_nothing_to_do() -> None:
    plan = make(home(file("a"), file("d/b")), ledger(known("a"), known("d/b")))
    assert (steps(plan), plan.writes, plan.unchanged, plan.notes) == ([], 0, 2, ())
    assert plan.folder_ids == {"": "mirror", "d": id_of("d", FOLDER)}


def test_a_first_pass_makes_folders_level_by_level() -> None:
    plan = make(home(file("b/c/d"), file("a/e"), file("f")), LedgerTree())
    assert [paths(level) for level in plan.folders] == [["a", "b"], ["b/c"]]
    assert paths(plan.contents) == ["a/e", "b/c/d", "f"]
    assert plan.writes == 6
    assert plan.folder_ids == {}


def test_a_changed_file_is_replaced() -> None:
    assert planned(home(file("a", "longer")), ledger(known("a"))) == ["replace a"]


def test_a_file_of_the_same_size_whose_content_is_the_same_is_only_remembered() -> None:
    plan = make(home(read("a", stat=stat_of("a", "a", inode=9))), ledger(known("a")))
    (step,) = plan.settle
    assert (told(step), step.refresh, plan.unchanged, plan.writes) == ("settle a", True, 1, 0)


def test_a_silent_change_is_found_when_the_file_is_read() -> None:
    assert planned(home(read("a", "b", stat=stat_of("a", "a"))), ledger(known("a"))) == [
        "replace a"
    ]


def test_a_racily_clean_file_that_was_read_in_peace_is_remembered_so() -> None:
    (step,) = make(home(read("a")), ledger(known("a", racy=True))).settle
    assert step.refresh


def test_a_folder_with_another_inode_is_remembered() -> None:
    local = home(replace(folder("d"), stat=Stat(0, 5, 77)))
    (step,) = make(local, ledger(known_folder("d"))).settle
    assert (step.path, step.refresh) == ("d", True)


def test_a_deleted_file_goes_to_the_trash_and_its_folder_is_archived() -> None:
    plan = make(home(), ledger(known("d/a")))
    assert steps(plan) == ["settle d archived", "trash d/a"]
    assert plan.trashes[0].size == 3


def test_with_the_policy_keep_a_deleted_file_is_archived() -> None:
    plan = make(home(), ledger(known("d/a")), keep_deleted=True)
    assert steps(plan) == ["settle d archived", "settle d/a archived"]
    assert notes(plan) == [("d/a", Remark.ARCHIVED)]


def test_a_deleted_file_that_was_edited_or_moved_on_drive_is_kept() -> None:
    tree = ledger(
        edited(known("a")), renamed(known("b")), moved(known("c"), "d"), known_folder("d")
    )
    plan = make(home(folder("d")), tree)
    assert steps(plan) == [f"settle {name} archived" for name in "abc"]
    assert notes(plan) == [(name, Remark.KEPT_EDITED) for name in "abc"]


# -- times and modes ------------------------------------------------------------------------------


def test_a_new_time_is_sent_without_the_content() -> None:
    local = home(read("a", stat=stat_of("a", "a", mtime_ns=5_000_000)))
    plan = make(local, ledger(known("a")))
    assert steps(plan) == ["patch a touch"]
    assert plan.patches[0][0].refresh


def test_of_the_mode_the_owners_execute_bit_counts() -> None:
    assert planned(home(file("a", mode=0o744)), ledger(known("a"))) == ["patch a touch"]
    assert planned(home(file("a", mode=0o660)), ledger(known("a"))) == []


def test_no_time_is_sent_over_an_edit() -> None:
    local = home(read("a", stat=stat_of("a", "a", mtime_ns=5_000_000)))
    plan = make(local, ledger(edited(known("a"))))
    assert steps(plan) == ["settle a"]
    assert notes(plan) == [("a", Remark.NEWER_ON_DRIVE)]
    assert plan.unchanged == 0


@pytest.mark.parametrize(
    ("nanoseconds", "milliseconds"),
    [(1_500_999_999, 1500), (-1, 0), (-(10**18), 0), (10**30, LATEST_MS), (0, 0)],
)
def test_times_are_those_that_drive_can_hold(nanoseconds: int, milliseconds: int) -> None:
    assert modified_ms(Stat(0, nanoseconds, 0)) == milliseconds


# -- edits on Drive -------------------------------------------------------------------------------


def test_an_edit_is_pinned_before_it_is_replaced() -> None:
    plan = make(home(file("a", "changed")), ledger(edited(known("a"))))
    assert steps(plan) == ["pin a", "replace a"]
    assert notes(plan) == [("a", Remark.EDIT_REPLACED)]


def test_the_same_edit_on_both_sides_is_agreed() -> None:
    here = read("a", "both")
    entry = shown(known("a"), md5=md5_of("both"), mtime_ms=modified_ms(here.stat))
    plan = make(home(here), ledger(entry))
    (step,) = plan.settle
    assert (steps(plan), step.refresh, notes(plan)) == (["settle a"], True, [])
    assert step.entry == replace(known("a", "both"), stat=known("a").stat, revision="")


def test_the_same_edit_in_another_folder_is_put_back() -> None:
    entry = shown(known("a"), md5=md5_of("both"), name="renamed")
    plan = make(home(read("a", "both")), ledger(entry))
    assert steps(plan) == ["patch a place touch"]
    assert plan.patches[0][0].entry == replace(entry, md5=md5_of("both"), mtime_ms=0)


# -- moves ----------------------------------------------------------------------------------------


def test_a_renamed_file_is_renamed() -> None:
    local = home(file("new", "old", stat=stat_of("old", "old")))
    plan = make(local, ledger(known("old")))
    assert steps(plan) == ["patch new <- old place"]


def test_a_file_that_moved_and_changed_is_moved_and_replaced() -> None:
    tree = ledger(known("old/a"), known("old/b"))
    local = home(file("new/a", stat=stat_of("old/a", "old/a")), file("new/b", "changed"))
    assert planned(local, tree) == [
        "settle new <- old",
        "patch new <- old place",
        "replace new/b <- old/b",
    ]


def test_a_file_moves_into_a_new_folder() -> None:
    local = home(file("d/a", "a", stat=stat_of("a", "a")))
    assert planned(local, ledger(known("a"))) == ["create_folder d", "patch d/a <- a place"]


def test_what_was_deleted_in_a_renamed_folder_is_named_by_where_it_is_on_drive() -> None:
    tree = ledger(known("old/a"), known("old/b"))
    plan = make(home(file("new/a", stat=stat_of("old/a", "old/a"))), tree)
    assert [told(step) for step in plan.trashes] == ["trash new/b <- old/b"]


def test_what_is_archived_below_a_renamed_folder_comes_along() -> None:
    tree = ledger(known("old/a"), known("old/b", standing=ARCHIVED))
    plan = make(home(file("new/a", stat=stat_of("old/a", "old/a"))), tree)
    assert notes(plan) == [("new/b", Remark.ARCHIVED)]


def test_folders_that_change_their_order_go_in_rounds() -> None:
    tree = ledger(known("a/1"), known("a/b/2"), known("f"))
    local = home(
        file("b/2", stat=stat_of("a/b/2", "a/b/2")),
        file("b/a/1", stat=stat_of("a/1", "a/1")),
        file("g", stat=stat_of("f", "f")),
    )
    rounds = [[told(step) for step in turn] for turn in make(local, tree).patches]
    assert rounds == [["patch b <- a/b place", "patch g <- f place"], ["patch b/a <- a place"]]


def test_folders_that_do_not_meet_go_in_one_round() -> None:
    tree = ledger(known("a/1"), known("b/2"))
    local = home(file("x/1", stat=stat_of("a/1", "a/1")), file("y/2", stat=stat_of("b/2", "b/2")))
    (turn,) = make(local, tree).patches
    assert paths(turn) == ["x", "y"]


def test_a_file_that_became_a_folder() -> None:
    plan = make(home(file("x/new")), ledger(known("x")))
    assert steps(plan) == ["create_folder x", "create x/new", "trash x"]


def test_a_folder_that_became_a_file() -> None:
    plan = make(home(file("x", "a file")), ledger(known("x/old")))
    assert steps(plan) == ["settle x archived", "create x", "trash x/old"]


def test_two_of_ours_for_one_file_here() -> None:
    """The mirrored one is it; what was found later stays what it is."""
    kept = known("new/a", "kept", standing=ARCHIVED, id=FileId("kept"), parent=FileId("lost"))
    tree = ledger(known("old/a"), known("old/b"))
    tree = replace(tree, files={**tree.files, kept.path: shown(kept, parent=tree.root)})
    local = home(*(file(f"new/{n}", stat=stat_of(f"old/{n}", f"old/{n}")) for n in "ab"))
    plan = make(local, tree)
    assert [told(step) for turn in plan.patches for step in turn] == ["patch new <- old place"]
    assert (plan.writes, plan.unchanged) == (1, 2)


# -- structure on Drive ---------------------------------------------------------------------------


def test_what_was_renamed_or_moved_on_drive_is_put_back() -> None:
    tree = ledger(renamed(known("a")), moved(known("b"), "d"), known_folder("d"))
    plan = make(home(file("a"), file("b"), folder("d")), tree)
    assert steps(plan) == ["patch a place", "patch b place"]
    assert notes(plan) == [(name, Remark.STRUCTURE_RESTORED) for name in "ab"]


def test_a_folder_that_was_moved_into_a_later_one_is_still_inside() -> None:
    tree = ledger(known("a/x"), known("b/y"), moved(known_folder("a"), "b"))
    plan = make(home(file("a/x"), file("b/y")), tree)
    assert (steps(plan), plan.unchanged) == (["patch a place"], 2)


def test_folders_that_a_lagging_view_shows_in_each_other_end_nowhere() -> None:
    tree = ledger(moved(known_folder("a"), "b"), moved(known_folder("b"), "a"))
    assert planned(home(folder("a"), folder("b")), tree) == ["patch a place", "patch b place"]


def test_a_folder_that_was_moved_out_is_theirs_with_all_that_is_in_it() -> None:
    tree = ledger(known("d/a"), known("d/gone"), moved_out(known_folder("d")))
    plan = make(home(file("d/a")), tree)
    assert steps(plan) == [
        "settle d forget",
        "settle d/a forget",
        "settle d/gone forget",
        "create_folder d",
        "create d/a",
    ]
    assert notes(plan) == [("d/a", Remark.MOVED_OUT)]


def test_what_was_moved_out_of_a_folder_that_was_moved_out_is_put_back() -> None:
    tree = ledger(moved(known("d/a"), ""), moved_out(known_folder("d")))
    plan = make(home(file("d/a")), tree)
    assert steps(plan) == ["settle d forget", "create_folder d", "patch d/a place"]


def test_moved_out_and_trashed_is_theirs() -> None:
    entry = shown(known("a"), parent=None, trashed=True, explicitly_trashed=True)
    assert planned(home(file("a")), ledger(entry)) == ["settle a forget", "create a"]


@pytest.mark.parametrize(("count", "held"), [(20, 0), (21, 21)])
def test_very_many_that_were_moved_out_wait(count: int, held: int) -> None:
    names = [f"d/{number:02}" for number in range(count)]
    tree = ledger(*map(known, names), moved_out(known_folder("d")))
    plan = make(home(*map(file, names), file("new")), tree)
    assert paths(plan.moved_out) == (names if held else [])
    assert len(plan.contents) == 1 + (0 if held else count)
    assert len(plan.notes) == (0 if held else count)
    assert [step for step in plan.settle if step.kind is FILE and held] == []


def test_how_many_may_be_moved_out_is_a_setting() -> None:
    tree = ledger(moved_out(known("a")))
    assert paths(make(home(file("a")), tree, moved_out_limit=0).moved_out) == ["a"]
    assert make(home(file("a")), tree, moved_out_limit=1).moved_out == ()


# -- trashed and deleted --------------------------------------------------------------------------


def test_a_trashed_file_is_brought_back_once() -> None:
    plan = make(home(file("a")), ledger(trashed(known("a"))))
    assert steps(plan) == ["patch a untrash"]
    assert (plan.untrash[0].revived, notes(plan)) == (1, [("a", Remark.REVIVED)])
    again = make(home(file("a")), ledger(trashed(known("a", revived=1))))
    assert steps(again) == ["settle a declined"]
    assert notes(again) == [("a", Remark.DECLINED)]


def test_a_deleted_file_is_made_again_once() -> None:
    plan = make(home(file("a")), ledger(deleted(known("a"))))
    assert steps(plan) == ["settle a forget", "create a"]
    assert plan.contents[0].revived == 1
    again = make(home(file("a")), ledger(deleted(known("a", revived=1))))
    assert steps(again) == ["settle a declined"]


def test_a_trashed_folder_is_brought_back_by_itself_alone() -> None:
    below = shown(known("d/a"), trashed=True)
    plan = make(
        home(file("d/a"), file("d/b")), ledger(below, known("d/b"), trashed(known_folder("d")))
    )
    assert steps(plan) == ["patch d untrash"]


def test_what_was_trashed_by_itself_in_a_trashed_folder_is_brought_back_too() -> None:
    tree = ledger(trashed(known("d/a")), trashed(known_folder("d")))
    assert planned(home(file("d/a")), tree) == ["patch d untrash", "patch d/a untrash"]


def test_a_deleted_folder_is_made_again_with_all_that_is_in_it() -> None:
    tree = ledger(known("d/a"), deleted(known_folder("d")))
    plan = make(home(file("d/a")), tree)
    assert steps(plan) == [
        "settle d forget",
        "settle d/a forget",
        "create_folder d",
        "create d/a",
    ]
    assert [step.revived for step in (*plan.folders[0], *plan.contents)] == [1, 1]


def test_what_moved_out_of_a_trashed_folder_is_brought_back_and_moved() -> None:
    tree = ledger(known("d/a"), trashed(known_folder("d")))
    local = home(file("a", "d/a", stat=stat_of("d/a", "d/a")))
    assert planned(local, tree) == [
        "settle d forget",
        "patch a <- d/a untrash",
        "patch a <- d/a place",
    ]


def test_what_was_put_into_a_folder_that_was_trashed_is_brought_back_and_put_back() -> None:
    tree = ledger(moved(known("a"), "bin"), trashed(known_folder("bin")))
    assert planned(home(file("a")), tree) == [
        "settle bin forget",
        "patch a untrash",
        "patch a place",
    ]


def test_a_trashed_file_that_is_gone_here_is_forgotten() -> None:
    assert planned(home(), ledger(trashed(known("a")))) == ["settle a forget"]


# -- declined -------------------------------------------------------------------------------------


def declined_folder() -> LedgerEntry:
    return trashed(known_folder("d", standing=DECLINED, revived=1))


def test_a_declined_folder_binds_what_is_in_it() -> None:
    tree = ledger(known("d/a"), trashed(known_folder("d", revived=1)), known_folder("d/sub"))
    local = home(file("d/a"), file("d/sub/new"), file("d/deep/new"))
    plan = make(local, tree)
    assert steps(plan) == ["settle d declined", "settle d/a declined", "settle d/sub declined"]
    assert notes(plan) == [(path, Remark.DECLINED) for path in ("d/a", "d/deep/new", "d/sub/new")]


@pytest.mark.parametrize("where", [moved_out, deleted, renamed, lambda entry: moved(entry, "")])
@pytest.mark.parametrize("standing", [MIRRORED, ARCHIVED, Standing.UNCLAIMED])
def test_nothing_is_made_in_a_declined_folder(
    where: Callable[[LedgerEntry], LedgerEntry], standing: Standing
) -> None:
    tree = ledger(where(known("d/a", standing=standing)), declined_folder())
    assert planned(home(read("d/a")), tree) == ["settle d/a declined"]


def test_what_is_declined_stays_declined() -> None:
    tree = ledger(known("d/a", standing=DECLINED), declined_folder())
    plan = make(home(file("d/a", "changed")), tree)
    assert (steps(plan), notes(plan)) == ([], [("d/a", Remark.DECLINED)])


def test_what_moves_out_of_a_declined_folder_is_mirrored() -> None:
    tree = ledger(known("d/a"), declined_folder())
    local = home(folder("d"), file("a", "d/a", stat=stat_of("d/a", "d/a")))
    assert planned(local, tree) == ["patch a <- d/a untrash", "patch a <- d/a place"]


def test_a_declined_folder_that_is_out_of_the_trash_is_ours_again() -> None:
    tree = ledger(known("d/a", standing=DECLINED), known_folder("d", standing=DECLINED))
    assert planned(home(read("d/a")), tree) == ["settle d mirrored", "settle d/a mirrored"]


# -- archived and unclaimed -----------------------------------------------------------------------


def test_an_archived_file_that_is_back_is_mirrored_again() -> None:
    plan = make(home(read("a")), ledger(known("a", standing=ARCHIVED)))
    assert (steps(plan), plan.settle[0].refresh) == (["settle a mirrored"], True)


def test_an_archived_file_that_is_back_with_other_content_is_replaced() -> None:
    plan = make(home(read("a", "other")), ledger(known("a", standing=ARCHIVED)))
    assert steps(plan) == ["pin a", "replace a"]


def test_what_a_claim_replaces_is_not_ours_before_it_is_replaced() -> None:
    """A pass that is cut off in between would take somebody's content for one of our own."""
    for standing in (ARCHIVED, Standing.UNCLAIMED, DECLINED):
        plan = make(home(read("a", "other")), ledger(known("a", standing=standing)))
        assert (plan.settle, len(plan.pins), len(plan.contents)) == ((), 1, 1)


def test_what_is_claimed_must_be_what_drive_has() -> None:
    entry = edited(known("a", standing=ARCHIVED), "theirs")
    assert planned(home(read("a")), ledger(entry)) == ["pin a", "replace a"]
    plan = make(home(read("a", "theirs")), ledger(entry))
    assert steps(plan) == ["settle a mirrored", "patch a touch"]
    assert plan.settle[0].entry is not None
    assert plan.settle[0].entry.md5 == md5_of("theirs")


def test_an_archived_file_that_is_back_as_it_was_leaves_an_edit_on_drive() -> None:
    for standing in (ARCHIVED, Standing.UNCLAIMED, DECLINED):
        entry = edited(known("a", standing=standing), "theirs")
        plan = make(home(file("a")), ledger(entry))
        assert (steps(plan), notes(plan)) == (
            ["settle a mirrored"], [("a", Remark.NEWER_ON_DRIVE)]
        )  # fmt: skip


def test_a_found_file_is_adopted_and_moved() -> None:
    plan = make(home(read("new", "text")), ledger(found("old", "text", mtime_ms=0)))
    assert steps(plan) == ["settle new <- old mirrored", "patch new <- old place touch"]


def test_a_found_file_without_a_file_here_is_shown() -> None:
    plan = make(home(), ledger(found("a")))
    assert (steps(plan), notes(plan)) == ([], [("a", Remark.UNCLAIMED)])


def test_what_lies_in_a_twin_of_a_folder_is_moved_into_the_folder() -> None:
    twin = known_folder("d", id=FileId("twin"), standing=Standing.UNCLAIMED)
    tree = ledger(known("d/a"), known("d/b", parent=twin.id), twins=(twin,))
    assert planned(home(file("d/a"), file("d/b")), tree) == ["patch d/b place"]


def test_a_twin_is_shown_and_left_alone() -> None:
    twin = known("a", "twin", id=FileId("twin"), standing=Standing.UNCLAIMED)
    plan = make(home(), ledger(known("a"), twins=(twin,)))
    assert (steps(plan), notes(plan)) == (["trash a"], [("a", Remark.UNCLAIMED)])


def test_a_twin_that_was_mirrored_is_unclaimed_from_now_on() -> None:
    twin = known("a", id=FileId("twin"))
    plan = make(home(file("a")), ledger(known("a"), twins=(twin,)))
    assert (steps(plan), notes(plan)) == (["settle a unclaimed"], [("a", Remark.UNCLAIMED)])
    assert plan.settle[0].entry == twin


@pytest.mark.parametrize("away", [trashed, deleted, moved_out])
def test_a_twin_that_is_away_is_forgotten(away: Callable[[LedgerEntry], LedgerEntry]) -> None:
    twin = away(known("a", id=FileId("twin"), standing=Standing.UNCLAIMED))
    plan = make(home(file("a")), ledger(known("a"), twins=(twin,)))
    assert (steps(plan), notes(plan)) == (["settle a forget"], [])
    assert plan.settle[0].entry == twin


# -- hidden and unreadable ------------------------------------------------------------------------


def test_what_a_rule_leaves_out_now_is_archived() -> None:
    tree = ledger(known("cache/a"), known("b"))
    plan = make(home(left_out="cache b"), tree)
    assert steps(plan) == [f"settle {path} archived" for path in ("b", "cache", "cache/a")]
    assert notes(plan) == [(path, Remark.LEFT_OUT) for path in ("b", "cache/a")]


def test_what_cannot_be_looked_into_is_left_as_it_is() -> None:
    tree = ledger(known("d/a"), known("d/sub/b"), edited(known("d/c")))
    plan = make(home(folder("d"), unreadable="d"), tree)
    assert (steps(plan), plan.notes, plan.unchanged) == ([], (), 0)


def test_an_unreadable_home_plans_nothing() -> None:
    assert planned(LocalTree(unreadable=frozenset({RelPath("")})), ledger(known("d/a"))) == []


def test_a_file_that_cannot_be_read_is_left_as_it_is() -> None:
    plan = make(
        home(file("a", "changed", problem="why"), file("new", problem="why")), ledger(known("a"))
    )
    assert (steps(plan), plan.unchanged) == ([], 0)
    assert [entry.path for entry in plan.unknown] == ["a", "new"]


# -- only some paths ------------------------------------------------------------------------------


def test_only_a_folder() -> None:
    local = home(file("a/b/new"), file("a/new"), file("c/new"), file("ab"))
    assert planned(local, ledger(known("a/b/gone"), known("c/gone")), only=[RelPath("a/b")]) == [
        "create a/b/new",
        "trash a/b/gone",
    ]


def test_only_a_file_in_new_folders() -> None:
    local = home(file("a/b/new"), file("a/b/other"), file("a/c/new"))
    assert planned(local, ledger(), only=[RelPath("a/b/new")]) == [
        "create_folder a",
        "create_folder a/b",
        "create a/b/new",
    ]


def test_only_several_paths() -> None:
    local = home(file("a"), file("b"), file("c"))
    assert planned(local, ledger(), only=[RelPath("a"), RelPath("c")]) == ["create a", "create c"]


# -- operations -----------------------------------------------------------------------------------


def test_the_size_of_a_step() -> None:
    assert Operation(Verb.CREATE, RelPath("a"), FILE, local=file("a", "four")).size == 4
    assert Operation(Verb.TRASH, RelPath("a"), FILE, known("a", "three")).size == 5
    assert Operation(Verb.CREATE_FOLDER, RelPath("a"), FOLDER).size == 0
    assert Operation(Verb.CREATE_FOLDER, RelPath("a"), FOLDER).source is None
