"""What Drive shows, against what the ledger knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_drive_sync.core.tree import FileId, Kind, LedgerEntry, RemoteEntry, Standing
from jupyter_drive_sync.engine.observe import Known, RootState, compare, rebuild, root_state
from tests.engine.test_ledger import entry, folder

ROOT = FileId("root")
MD5 = entry().md5


def remote(file_id: str = "id1", **more: object) -> RemoteEntry:
    """As our entry left it."""
    values = {
        "name": "a.txt",
        "parent": FileId("p"),
        "md5": MD5,
        "version": 8,
        "home": "mine",
        "nonce": "n",
        "ours": True,
    }
    return RemoteEntry(FileId(file_id), **{**values, **more})  # type: ignore[arg-type]


def known(
    *entries: LedgerEntry, nonces: tuple[str, ...] = (), let_go: tuple[str, ...] = ()
) -> Known:
    return Known(
        {each.id: each for each in entries},
        ROOT,
        "mine",
        frozenset(nonces),
        frozenset(map(FileId, let_go)),
        frozenset(each.nonce for each in entries),
    )


# -- the feed --------------------------------------------------------------------------------------


def test_what_is_as_we_left_it_is_no_divergence() -> None:
    seen = compare([remote()], known(entry()))
    assert seen.changed["id1"].seen is None  # type: ignore[index]
    assert seen.changed["id1"].version == 8  # type: ignore[index]
    assert not seen.ledger_is_old


@pytest.mark.parametrize("version", [6, 7])
def test_a_late_or_repeated_entry_is_skipped(version: int) -> None:
    late = remote(version=version, name="old", nonce="older", trashed=True)
    seen = compare([late], known(entry()))
    assert seen.changed == {}
    assert not seen.ledger_is_old


@pytest.mark.parametrize(
    "change", [{"md5": b"other" + bytes(11)}, {"name": "b"}, {"parent": "q"}, {"trashed": True}]
)
def test_a_persons_change_is_noted(change: dict[str, object]) -> None:
    seen = compare([remote(**change)], known(entry()))
    (changed,) = seen.changed.values()
    assert changed.seen == remote(**change)
    assert not seen.ledger_is_old


def test_a_change_that_is_taken_back_is_none() -> None:
    there = replace(entry(), seen=remote(name="b"), version=8)
    (changed,) = compare([remote(version=9)], known(there)).changed.values()
    assert changed.seen is None


def test_the_last_word_counts_when_entries_repeat() -> None:
    pages = [remote(version=9, name="b"), remote(version=8), remote(version=10, name="c")]
    (changed,) = compare(pages, known(entry())).changed.values()
    assert changed.seen is not None
    assert changed.seen.name == "c"


def test_deleted_for_good_needs_no_version() -> None:
    gone = RemoteEntry(FileId("id1"), deleted=True)
    (changed,) = compare([gone], known(entry())).changed.values()
    assert changed.seen == gone


@pytest.mark.parametrize(
    ("shown", "old"),
    [
        (remote(nonce="of a forgotten write"), True),
        (remote("new", nonce="of a forgotten create"), True),
        (remote("new", nonce="on its way"), False),
        (remote("new", nonce="other", home="another home"), False),
        (remote("new", nonce="other", home=""), False),
        (remote("new", nonce="other", trashed=True, explicitly_trashed=True), False),
        (remote("dragged by its folder", nonce="other", trashed=True), True),
        (remote("let go", nonce="other"), False),
        (remote("a copy of id1"), False),
        (RemoteEntry(FileId("new"), deleted=True), False),
    ],
    ids=str,
)
def test_writes_of_ours_that_are_not_known_tell_an_old_ledger(
    shown: RemoteEntry, old: bool
) -> None:
    seen = compare([shown], known(entry(), nonces=("on its way",), let_go=("let go",)))
    assert seen.ledger_is_old is old


def test_the_newest_of_the_root_is_taken_and_nothing_else_of_it() -> None:
    pages = [remote("root", version=3, nonce="x"), remote("root", version=2, trashed=True)]
    seen = compare(pages, known())
    assert seen.root == pages[0]
    assert not seen.ledger_is_old


@pytest.mark.parametrize(
    ("root", "state"),
    [
        (None, RootState.FINE),
        (remote("root"), RootState.FINE),
        (remote("root", home=""), RootState.FINE),
        (remote("root", name="renamed", parent="elsewhere"), RootState.FINE),
        (remote("root", home="another"), RootState.TAKEN),
        (remote("root", home="another", trashed=True), RootState.TAKEN),
        (remote("root", trashed=True), RootState.TRASHED),
        (RemoteEntry(ROOT, deleted=True), RootState.DELETED),
    ],
)
def test_what_became_of_the_root(root: RemoteEntry | None, state: RootState) -> None:
    assert root_state(root, "mine") is state


# -- the whole tree --------------------------------------------------------------------------------


def dir_(file_id: str, name: str, parent: str, **more: object) -> RemoteEntry:
    return remote(file_id, name=name, parent=FileId(parent), kind=Kind.FOLDER, md5=None, **more)


def test_an_unknown_object_becomes_unclaimed_at_its_path() -> None:
    shown = [
        remote("f", name="a.txt", parent="d2"),
        dir_("d2", "inner", "d1"),
        dir_("d1", "outer", "root"),
        remote("root", kind=Kind.FOLDER),
    ]
    result = rebuild(shown, known(), trust=False)
    paths = {each.id: (each.path, each.standing) for each in result.entries}
    assert paths == {
        "f": ("outer/inner/a.txt", Standing.UNCLAIMED),
        "d2": ("outer/inner", Standing.UNCLAIMED),
        "d1": ("outer", Standing.UNCLAIMED),
    }
    assert result.found == 3


def test_what_lies_elsewhere_or_in_the_trash_or_in_a_loop_has_no_path() -> None:
    shown = [
        remote("out", parent="somewhere"),
        remote("in the trash", parent="root", trashed=True, explicitly_trashed=True),
        dir_("trashed", "t", "root", trashed=True, explicitly_trashed=True),
        remote("below the trash", parent="trashed"),
        dir_("one", "1", "two"),
        dir_("two", "2", "one"),
        remote("below the loop", parent="two"),
        remote("no parent", parent=None),
    ]
    assert rebuild(shown, known(), trust=False).entries == ()


@pytest.mark.parametrize("trust", [True, False])
@pytest.mark.parametrize("standing", [Standing.MIRRORED, Standing.ARCHIVED, Standing.UNCLAIMED])
def test_what_lies_in_a_folder_that_was_renamed_is_found_where_we_put_the_folder(
    standing: Standing, *, trust: bool
) -> None:
    outer = replace(folder("outer", "d1"), parent=ROOT, nonce="n", standing=standing)
    inner = replace(folder("outer/inner", "d2"), parent=outer.id, nonce="n")
    shown = [
        dir_("d1", "renamed", "root"),
        dir_("d2", "inner", "d1"),
        remote("f", name="a.txt", parent="d2", nonce="strange"),
    ]
    found = {
        each.id: each.path for each in rebuild(shown, known(outer, inner), trust=trust).entries
    }
    assert found == {"d1": "outer", "d2": "outer/inner", "f": "outer/inner/a.txt"}


def test_an_old_ledger_takes_what_it_knows_along_with_a_folder_that_was_moved_since() -> None:
    outer = replace(folder("outer", "d1"), parent=ROOT, nonce="n")
    inner = replace(folder("outer/inner", "d2"), parent=outer.id, nonce="n")
    shown = [
        dir_("d1", "moved", "root", nonce="later"),
        dir_("d2", "renamed by a person", "d1"),
        remote("f", name="a.txt", parent="d2", nonce="strange"),
    ]
    found = {
        each.id: each.path for each in rebuild(shown, known(outer, inner), trust=False).entries
    }
    assert found == {"d1": "moved", "d2": "moved/inner", "f": "moved/inner/a.txt"}


@pytest.mark.parametrize("trust", [True, False])
def test_known_objects_keep_their_standing(trust: bool) -> None:
    archived = replace(entry(), standing=Standing.ARCHIVED)
    (found,) = rebuild([remote()], known(archived), trust=trust).entries
    assert found.standing is Standing.ARCHIVED


def test_a_listing_that_lags_behind_what_we_know_is_not_believed() -> None:
    (found,) = rebuild([remote(version=5, name="old")], known(entry()), trust=True).entries
    assert found == entry()


def test_of_an_old_ledger_what_was_written_since_is_found_anew() -> None:
    shown = [remote(nonce="later", parent="root", name="moved", md5=b"x" * 16)]
    (found,) = rebuild(shown, known(entry()), trust=False).entries
    assert (found.standing, found.path, found.md5) == (Standing.UNCLAIMED, "moved", b"x" * 16)
    assert found.nonce == "later"


def test_of_an_old_ledger_what_was_trashed_since_is_known_to_be_trashed() -> None:
    shown = [remote(nonce="later", trashed=True, explicitly_trashed=True)]
    (found,) = rebuild(shown, known(entry()), trust=False).entries
    assert found.seen is not None
    assert found.seen.trashed
    assert found.nonce == "later"


def test_known_objects_that_are_not_shown_are_to_be_asked_for() -> None:
    result = rebuild([], known(entry(), folder("d", "id2")), trust=True)
    assert set(result.dropped) == {"id1", "id2"}
    assert result.entries == ()
