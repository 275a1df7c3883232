"""Renames and moves: what is taken for the same object, and what is not."""

from __future__ import annotations

import pytest

from jupyter_drive_sync.core.matching import Moves, match, suspects
from jupyter_drive_sync.core.plan import Verb, make
from jupyter_drive_sync.core.tree import (
    LedgerTree,
    LocalEntry,
    LocalTree,
    RelPath,
    Standing,
    Stat,
)
from tests.core.trees import (
    file,
    folder,
    found,
    home,
    known,
    known_folder,
    ledger,
    read,
    stat_of,
)


def carried(old: str, new: str, content: str | None = None, **more: object) -> LocalEntry:
    """Make a file that was renamed on its file system: same inode, size and time."""
    content = old if content is None else content
    return file(new, content, stat=stat_of(old, content), **more)


def moves(local: LocalTree, tree: LedgerTree) -> tuple[dict[str, str], dict[str, str]]:
    found_moves = match(local, tree)
    return dict(found_moves.files), dict(found_moves.folders)


def to_read(
    local: LocalTree, tree: LedgerTree, night: int | None = None, nights: int = 30
) -> list[str]:
    return list(suspects(local, tree, night=night, nights=nights))


# -- files ----------------------------------------------------------------------------------------


def test_nothing_moved() -> None:
    assert moves(home(file("a"), file("b/c")), ledger(known("a"), known("b/c"))) == ({}, {})


def test_a_renamed_file_is_known_by_its_inode_size_and_time() -> None:
    assert moves(home(carried("old", "new")), ledger(known("old"))) == ({"old": "new"}, {})


def test_a_file_is_moved_into_a_new_folder() -> None:
    assert moves(home(carried("a", "new/a")), ledger(known("a"))) == ({"a": "new/a"}, {})


def test_an_inode_alone_says_nothing() -> None:
    """Inodes are reused: the file behind it is another one."""
    again = stat_of("old")._replace(mtime_ns=7, size=9)
    assert moves(home(file("new", stat=again)), ledger(known("old"))) == ({}, {})


@pytest.mark.parametrize("changes", [{"size": 9}, {"mtime_ns": 9}, {"inode": 9}])
def test_all_three_must_agree(changes: dict[str, int]) -> None:
    other = stat_of("old")._replace(**changes)
    assert moves(home(file("new", stat=other)), ledger(known("old"))) == ({}, {})


def test_content_that_was_read_must_agree_as_well() -> None:
    assert moves(home(read("new", "other", stat=stat_of("old"))), ledger(known("old"))) == ({}, {})


def test_a_hard_link_that_lives_on_is_no_source() -> None:
    both = stat_of("old")
    local = home(file("new", stat=both), file("live", stat=both))
    tree = ledger(known("old"), known("live", stat=both))
    assert moves(local, tree) == ({}, {})


def test_two_hard_links_that_are_both_gone_are_told_apart_by_nothing() -> None:
    both = stat_of("old")
    tree = ledger(known("old"), known("old2", stat=both))
    assert moves(home(file("new", stat=both)), tree) == ({}, {})
    assert to_read(home(file("new", "old", stat=both)), tree) == ["new"]


def test_a_file_that_moved_to_another_disk_is_known_by_its_content() -> None:
    """A home restored from an archive has new inodes and, perhaps, new times."""
    tree = ledger(known("old", "text"))
    local = home(file("new", "text"))
    assert to_read(local, tree) == ["new"]
    assert moves(home(read("new", "text")), tree) == ({"old": "new"}, {})


def test_a_copy_whose_original_was_deleted_is_a_move() -> None:
    assert moves(home(read("copy", "text")), ledger(known("old", "text"))) == ({"old": "copy"}, {})


def test_a_copy_whose_original_is_here_is_a_new_file() -> None:
    local = home(file("old", "text"), read("copy", "text"))
    assert moves(local, ledger(known("old", "text"))) == ({}, {})


def test_of_equal_files_the_one_with_the_same_name_is_taken() -> None:
    tree = ledger(known("a/one", "text"), known("a/two", "text"))
    local = home(folder("a"), read("b/two", "text"), read("b/three", "text"))
    assert moves(local, tree)[0] == {"a/two": "b/two", "a/one": "b/three"}


def test_of_equal_files_each_is_taken_once() -> None:
    tree = ledger(known("old", "text"))
    local = home(read("one", "text"), read("two", "text"))
    assert moves(local, tree)[0] == {"old": "one"}


def test_empty_files_are_all_alike() -> None:
    assert moves(home(read("new", "")), ledger(known("old", ""))) == ({}, {})


def test_an_empty_file_is_known_by_its_inode_and_time() -> None:
    assert moves(home(carried("old", "new", "")), ledger(known("old", ""))) == ({"old": "new"}, {})


def test_a_file_that_cannot_be_read_is_no_target() -> None:
    local = home(carried("old", "new", problem="unreadable"))
    assert moves(local, ledger(known("old"))) == ({}, {})


@pytest.mark.parametrize("standing", [Standing.ARCHIVED, Standing.DECLINED])
def test_what_is_kept_or_declined_is_no_source(standing: Standing) -> None:
    tree = ledger(known("old", "text", standing=standing))
    assert moves(home(read("new", "text", stat=stat_of("old", "text"))), tree) == ({}, {})


def test_what_was_found_on_drive_is_a_source_by_content() -> None:
    tree = ledger(found("old", "text"))
    assert to_read(home(file("new", "text")), tree) == ["new"]
    assert moves(home(read("new", "text")), tree) == ({"old": "new"}, {})


def test_a_file_that_became_a_folder_can_have_moved() -> None:
    local = home(carried("x", "x/x"))
    assert moves(local, ledger(known("x"))) == ({"x": "x/x"}, {})


def test_a_path_that_drive_has_already_is_no_target() -> None:
    tree = ledger(known("old"), known("new", "kept", standing=Standing.ARCHIVED))
    assert moves(home(carried("old", "new")), tree) == ({}, {})


@pytest.mark.parametrize("hide", ["left_out", "unreadable"])
def test_what_is_hidden_is_no_source(hide: str) -> None:
    tree = ledger(known("dir/old", "text"))
    local = home(folder("dir"), read("new", "text"), **{hide: "dir"})
    assert moves(local, tree) == ({}, {})
    assert moves(home(read("new", "text"), **{hide: "dir/old"}), tree) == ({}, {})


def test_a_file_moved_into_an_excluded_folder_has_no_target() -> None:
    assert moves(home(left_out="cache"), ledger(known("old"))) == ({}, {})


# -- folders --------------------------------------------------------------------------------------


def test_a_renamed_folder_is_one_operation() -> None:
    names = [f"file {number}.ipynb" for number in range(500)]
    tree = ledger(*(known(f"old/{name}") for name in names))
    local = home(*(carried(f"old/{name}", f"new/{name}") for name in names))
    assert moves(local, tree) == ({}, {"old": "new"})
    plan = make(local, tree)
    (step,) = [step for step in plan.operations() if step.verb is not Verb.SETTLE]
    assert (step.verb, step.source, step.path) == (Verb.PATCH, "old", "new")
    assert plan.unchanged == 500


def test_folders_below_come_along() -> None:
    tree = ledger(known("old/sub/a"), known("old/b"))
    local = home(carried("old/sub/a", "new/sub/a"), carried("old/b", "new/b"))
    assert moves(local, tree) == ({}, {"old": "new"})


def test_a_folder_is_known_by_what_lies_deep_below() -> None:
    tree = ledger(known("old/x/y/z"))
    assert moves(home(carried("old/x/y/z", "new/x/y/z")), tree) == ({}, {"old": "new"})


def test_a_folder_that_was_renamed_inside_a_renamed_folder() -> None:
    tree = ledger(known("old/sub/a"), known("old/b"))
    local = home(carried("old/sub/a", "new/other/a"), carried("old/b", "new/b"))
    assert moves(local, tree) == ({}, {"old": "new", "old/sub": "new/other"})


def test_a_folder_that_moved_up_out_of_a_renamed_folder() -> None:
    tree = ledger(known("old/sub/a"), known("old/b"))
    local = home(carried("old/sub/a", "sub/a"), carried("old/b", "new/b"))
    assert moves(local, tree) == ({}, {"old": "new", "old/sub": "sub"})


def test_folders_that_change_their_order() -> None:
    tree = ledger(known("a/1"), known("a/b/2"))
    local = home(carried("a/b/2", "b/2"), carried("a/1", "b/a/1"))
    assert moves(local, tree) == ({}, {"a": "b/a", "a/b": "b"})


def test_a_file_that_was_renamed_inside_a_renamed_folder() -> None:
    tree = ledger(known("old/a"), known("old/b"))
    local = home(carried("old/a", "new/a"), carried("old/b", "new/renamed"))
    assert moves(local, tree) == ({"old/b": "new/renamed"}, {"old": "new"})


def test_a_folder_that_was_divided_goes_with_the_most_files() -> None:
    tree = ledger(known("old/a"), known("old/b"), known("old/c"))
    local = home(
        *(carried(f"old/{n}", f"{to}/{n}") for n, to in (("a", "x"), ("b", "y"), ("c", "y")))
    )
    assert moves(local, tree) == ({"old/a": "x/a"}, {"old": "y"})


def test_two_folders_that_were_joined() -> None:
    tree = ledger(known("one/a"), known("two/b"), known("two/c"))
    local = home(*(carried(old, f"all/{old[-1]}") for old in ("one/a", "two/b", "two/c")))
    assert moves(local, tree) == ({"one/a": "all/a"}, {"two": "all"})


def test_a_folder_that_is_still_here_did_not_move() -> None:
    tree = ledger(known("old/a"))
    local = home(folder("old"), carried("old/a", "new/a"))
    assert moves(local, tree) == ({"old/a": "new/a"}, {})


def test_a_folder_that_drive_has_already_is_no_target() -> None:
    tree = ledger(known("old/a"), known_folder("new"))
    assert moves(home(carried("old/a", "new/a")), tree) == ({"old/a": "new/a"}, {})


def test_a_folder_that_became_a_file_can_have_moved() -> None:
    local = home(file("old", "now a file"), carried("old/a", "new/a"))
    assert moves(local, ledger(known("old/a"))) == ({}, {"old": "new"})


def test_no_folder_ends_where_another_one_comes_along() -> None:
    """Old/sub lies at new/sub once old has moved; a second one there would be its twin."""
    tree = ledger(known("old/a"), known("old/sub/gone"), known("other/b"), known("other/c"))
    local = home(
        carried("old/a", "new/a"), carried("other/b", "new/sub/b"), carried("other/c", "new/sub/c")
    )
    files, folders = moves(local, tree)
    assert folders == {"old": "new"}
    assert files == {"other/b": "new/sub/b", "other/c": "new/sub/c"}


def test_no_file_ends_where_another_one_comes_along() -> None:
    """Old/b is at new/b once old has moved, and is replaced there; z is gone."""
    tree = ledger(known("old/a"), known("old/b"), known("z"))
    local = home(carried("old/a", "new/a"), carried("z", "new/b"))
    assert moves(local, tree) == ({}, {"old": "new"})


def test_one_clash_can_lead_to_another() -> None:
    tree = ledger(known("old/a"), known("old/b"), known("pre/y"), known("pre/z"), known("w"))
    local = home(
        carried("old/a", "new/a"),
        carried("pre/y", "post/y"),
        carried("pre/z", "new/b"),  # old/b comes to lie there
        carried("w", "post/z"),  # and so pre/z to lie there
    )
    assert moves(local, tree) == ({}, {"old": "new", "pre": "post"})


def test_rebasing_follows_the_nearest_folder() -> None:
    table = Moves(
        {RelPath("f"): RelPath("g")}, {RelPath("a"): RelPath("A"), RelPath("a/b"): RelPath("B")}
    )
    assert table.rebase(RelPath("a/x/y")) == "A/x/y"
    assert table.rebase(RelPath("a/b/y")) == "B/y"
    assert table.rebase(RelPath("ab/y")) == "ab/y"
    assert table.path_of(RelPath("f")) == "g"
    assert table.path_of(RelPath("a/f")) == "A/f"


def test_the_order_of_the_trees_is_of_no_account() -> None:
    entries = [known(f"a/{number}", "same") for number in range(9)]
    news = [read(f"b/{number + 3}x", "same") for number in range(9)]
    forward = match(home(*news), ledger(*entries))
    assert len(forward.files) == 9
    assert forward == match(home(*news[::-1]), ledger(*entries[::-1]))


# -- what is read before a plan can be made -------------------------------------------------------


def test_what_is_as_it_was_is_not_read() -> None:
    assert to_read(home(file("a"), folder("d")), ledger(known("a"), known_folder("d"))) == []


def test_a_new_file_is_not_read() -> None:
    assert to_read(home(file("new")), ledger(known("a"))) == []


def test_a_file_of_another_size_has_changed_for_certain() -> None:
    assert to_read(home(file("a", "longer than before")), ledger(known("a"))) == []


@pytest.mark.parametrize("changes", [{"mtime_ns": 9}, {"inode": 9}])
def test_a_file_of_the_same_size_may_have_changed(changes: dict[str, int]) -> None:
    local = home(file("a", stat=stat_of("a", "a", **changes)))
    assert to_read(local, ledger(known("a"))) == ["a"]


def test_a_racily_clean_file_is_read_again() -> None:
    assert to_read(home(file("a")), ledger(known("a", racy=True))) == ["a"]


def test_a_racily_clean_file_is_read_before_it_is_known_to_have_moved() -> None:
    tree = ledger(known("old", racy=True))
    assert to_read(home(carried("old", "new")), tree) == ["new"]
    assert moves(home(carried("old", "new", md5=known("old").md5)), tree) == ({"old": "new"}, {})


def test_a_moved_file_is_not_read() -> None:
    assert to_read(home(carried("old", "new")), ledger(known("old"))) == []


def test_a_file_whose_stat_is_not_known_is_read() -> None:
    tree = ledger(known("a", "longer than this", stat=Stat(16, 0, 0)))
    assert to_read(home(file("a")), tree) == ["a"]


@pytest.mark.parametrize("standing", [Standing.ARCHIVED, Standing.UNCLAIMED, Standing.DECLINED])
def test_what_meets_an_object_that_is_not_mirrored_is_read(standing: Standing) -> None:
    assert to_read(home(file("a")), ledger(known("a", standing=standing))) == ["a"]


def test_everything_is_read_once_within_so_many_nights() -> None:
    names = [f"file {number}" for number in range(300)]
    local, tree = home(*map(file, names)), ledger(*map(known, names))
    turns = [to_read(local, tree, night=night, nights=30) for night in range(100, 130)]
    assert sorted(name for turn in turns for name in turn) == sorted(names)
    assert max(len(turn) for turn in turns) < 30
    assert to_read(local, tree, night=100, nights=30) == turns[0]


def test_folders_are_never_read() -> None:
    local = home(folder("a"), folder("b"))
    tree = ledger(known_folder("a", standing=Standing.ARCHIVED), found("x"))
    assert to_read(local, tree, night=0, nights=1) == []
