"""The decision table: whole, reachable in every row, and safe."""

from __future__ import annotations

from itertools import product

import pytest

from jupyter_drive_sync.core.decisions import (
    TABLE,
    Action,
    Decision,
    Local,
    Place,
    Remark,
    decide,
)
from jupyter_drive_sync.core.tree import Standing

A, L, P, R, S = Action, Local, Place, Remark, Standing
COMBINATIONS = list(product((None, *S), L, P, (False, True), (False, True)))
HERE = (L.SAME, L.CHANGED)


def decided(
    standing: Standing | None,
    local: Local,
    place: Place,
    edited: bool = False,
    again: bool = False,
) -> Decision:
    return decide(standing, local, place, edited=edited, again=again)


def test_every_combination_is_decided() -> None:
    for case in COMBINATIONS:
        assert isinstance(decided(*case), Decision), case


def test_every_row_is_the_first_that_fits_somewhere() -> None:
    first = set()
    for standing, local, place, edited, again in COMBINATIONS:
        fitting = [
            row for row in TABLE if row.fits(standing, local, place, edited=edited, again=again)
        ]
        first.add(id(fitting[0]))
    assert [row for row in TABLE if id(row) not in first] == []


def test_a_combination_that_no_row_knows_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_drive_sync.core.decisions.TABLE", ())
    decide.cache_clear()
    with pytest.raises(LookupError):
        decided(None, L.SAME, P.HERE)


EDITED = True
AGAIN = True

# The design's table, row by row, in the words of the code but not by its table.
DESIGN = [
    # nothing of ours on Drive
    ("none, new: create", (None, L.CHANGED, P.HERE), (A.CREATE,), R.NONE),
    ("none, absent", (None, L.ABSENT, P.HERE), (), R.NONE),
    ("none, left out", (None, L.LEFT_OUT, P.HERE), (), R.NONE),
    # unclaimed
    ("unclaimed, equal: adopt", (S.UNCLAIMED, L.SAME, P.HERE), (A.CLAIM,), R.NONE),
    (
        "unclaimed, other content: adopt and replace",
        (S.UNCLAIMED, L.CHANGED, P.HERE),
        (A.CLAIM, A.PIN, A.REPLACE),
        R.EDIT_REPLACED,
    ),
    ("unclaimed, absent: shown", (S.UNCLAIMED, L.ABSENT, P.HERE), (), R.UNCLAIMED),
    ("unclaimed, absent, moved: shown", (S.UNCLAIMED, L.ABSENT, P.ELSEWHERE), (), R.UNCLAIMED),
    ("unclaimed, absent, trashed", (S.UNCLAIMED, L.ABSENT, P.TRASHED), (A.FORGET,), R.NONE),
    ("unclaimed, absent, gone", (S.UNCLAIMED, L.ABSENT, P.GONE), (A.FORGET,), R.NONE),
    # mirrored, here
    ("same, same: nothing", (S.MIRRORED, L.SAME, P.HERE), (), R.NONE),
    ("same, edited: leave", (S.MIRRORED, L.SAME, P.HERE, EDITED), (), R.NEWER_ON_DRIVE),
    ("changed, same: replace", (S.MIRRORED, L.CHANGED, P.HERE), (A.REPLACE,), R.NONE),
    (
        "changed, edited: pin, replace, report",
        (S.MIRRORED, L.CHANGED, P.HERE, EDITED),
        (A.PIN, A.REPLACE),
        R.EDIT_REPLACED,
    ),
    (
        "same, renamed: put back",
        (S.MIRRORED, L.SAME, P.ELSEWHERE),
        (A.PUT_BACK,),
        R.STRUCTURE_RESTORED,
    ),
    (
        "same, renamed and edited: put back, leave the content",
        (S.MIRRORED, L.SAME, P.ELSEWHERE, EDITED),
        (A.PUT_BACK,),
        R.NEWER_ON_DRIVE,
    ),
    (
        "changed, renamed: put back, replace",
        (S.MIRRORED, L.CHANGED, P.ELSEWHERE),
        (A.PUT_BACK, A.REPLACE),
        R.STRUCTURE_RESTORED,
    ),
    (
        "changed, renamed and edited: put back, pin, replace",
        (S.MIRRORED, L.CHANGED, P.ELSEWHERE, EDITED),
        (A.PUT_BACK, A.PIN, A.REPLACE),
        R.EDIT_REPLACED,
    ),
    (
        "same, moved out: theirs, a fresh copy",
        (S.MIRRORED, L.SAME, P.OUT),
        (A.FORGET, A.CREATE),
        R.MOVED_OUT,
    ),
    (
        "changed, moved out: theirs, a fresh copy",
        (S.MIRRORED, L.CHANGED, P.OUT, EDITED),
        (A.FORGET, A.CREATE),
        R.MOVED_OUT,
    ),
    ("same, trashed: bring back", (S.MIRRORED, L.SAME, P.TRASHED), (A.UNTRASH,), R.REVIVED),
    (
        "same, edited and trashed: bring back, leave the content",
        (S.MIRRORED, L.SAME, P.TRASHED, EDITED),
        (A.UNTRASH,),
        R.NEWER_ON_DRIVE,
    ),
    (
        "changed, trashed: bring back, replace",
        (S.MIRRORED, L.CHANGED, P.TRASHED),
        (A.UNTRASH, A.REPLACE),
        R.REVIVED,
    ),
    (
        "changed, edited and trashed: bring back, pin, replace",
        (S.MIRRORED, L.CHANGED, P.TRASHED, EDITED),
        (A.UNTRASH, A.PIN, A.REPLACE),
        R.EDIT_REPLACED,
    ),
    ("same, deleted: make again", (S.MIRRORED, L.SAME, P.GONE), (A.FORGET, A.CREATE), R.REVIVED),
    (
        "changed, deleted: make again",
        (S.MIRRORED, L.CHANGED, P.GONE),
        (A.FORGET, A.CREATE),
        R.REVIVED,
    ),
    *(
        (
            f"{local.value}, {place.value} a second time: respect it",
            (S.MIRRORED, local, place, edited, AGAIN),
            (A.DECLINE,),
            R.DECLINED,
        )
        for local in HERE
        for place in (P.TRASHED, P.GONE)
        for edited in (False, EDITED)
    ),
    # mirrored, left out
    *(
        (f"left out, {place.value}: archived", (S.MIRRORED, L.LEFT_OUT, place), (A.ARCHIVE,), say)
        for place, say in ((P.HERE, R.LEFT_OUT), (P.ELSEWHERE, R.LEFT_OUT), (P.TRASHED, R.NONE))
    ),
    ("left out, moved out: theirs", (S.MIRRORED, L.LEFT_OUT, P.OUT), (A.FORGET,), R.NONE),
    ("left out, gone: nothing to keep", (S.MIRRORED, L.LEFT_OUT, P.GONE), (A.FORGET,), R.NONE),
    # mirrored, absent
    ("absent, same: policy", (S.MIRRORED, L.ABSENT, P.HERE), (A.TRASH,), R.NONE),
    (
        "absent, edited: archived",
        (S.MIRRORED, L.ABSENT, P.HERE, EDITED),
        (A.ARCHIVE,),
        R.KEPT_EDITED,
    ),
    (
        "absent, renamed: archived",
        (S.MIRRORED, L.ABSENT, P.ELSEWHERE),
        (A.ARCHIVE,),
        R.KEPT_EDITED,
    ),
    ("absent, trashed: forget", (S.MIRRORED, L.ABSENT, P.TRASHED), (A.FORGET,), R.NONE),
    ("absent, deleted: forget", (S.MIRRORED, L.ABSENT, P.GONE), (A.FORGET,), R.NONE),
    ("absent, moved out: forget", (S.MIRRORED, L.ABSENT, P.OUT), (A.FORGET,), R.NONE),
    # archived
    ("archived, absent: nothing", (S.ARCHIVED, L.ABSENT, P.HERE), (), R.ARCHIVED),
    ("archived, absent, edited: nothing", (S.ARCHIVED, L.ABSENT, P.HERE, EDITED), (), R.ARCHIVED),
    ("archived, absent, trashed: nothing", (S.ARCHIVED, L.ABSENT, P.TRASHED), (), R.NONE),
    ("archived, absent, deleted: forget", (S.ARCHIVED, L.ABSENT, P.GONE), (A.FORGET,), R.NONE),
    ("archived, back: mirrored again", (S.ARCHIVED, L.SAME, P.HERE), (A.CLAIM,), R.NONE),
    (
        "archived, back with other content: replace",
        (S.ARCHIVED, L.CHANGED, P.HERE),
        (A.CLAIM, A.PIN, A.REPLACE),
        R.EDIT_REPLACED,
    ),
    (
        "archived, back, renamed: put back",
        (S.ARCHIVED, L.SAME, P.ELSEWHERE),
        (A.CLAIM, A.PUT_BACK),
        R.NONE,
    ),
    (
        "archived, back, trashed: bring back",
        (S.ARCHIVED, L.SAME, P.TRASHED),
        (A.CLAIM, A.UNTRASH),
        R.NONE,
    ),
    (
        "archived, back as it was, edited: leave",
        (S.ARCHIVED, L.SAME, P.HERE, EDITED),
        (A.CLAIM,),
        R.NEWER_ON_DRIVE,
    ),
    (
        "unclaimed, back as it was, edited, renamed: put back, leave",
        (S.UNCLAIMED, L.SAME, P.ELSEWHERE, EDITED),
        (A.CLAIM, A.PUT_BACK),
        R.NEWER_ON_DRIVE,
    ),
    (
        "archived, back as it was, edited, trashed: bring back, leave",
        (S.ARCHIVED, L.SAME, P.TRASHED, EDITED),
        (A.CLAIM, A.UNTRASH),
        R.NEWER_ON_DRIVE,
    ),
    (
        "declined, back, edited, out of the trash: ours again, leave",
        (S.DECLINED, L.SAME, P.HERE, EDITED),
        (A.CLAIM,),
        R.NEWER_ON_DRIVE,
    ),
    ("archived, back, deleted: anew", (S.ARCHIVED, L.SAME, P.GONE), (A.FORGET, A.CREATE), R.NONE),
    ("archived, left out: shown", (S.ARCHIVED, L.LEFT_OUT, P.HERE), (), R.LEFT_OUT),
    # declined
    ("declined, trashed: respected", (S.DECLINED, L.SAME, P.TRASHED), (), R.DECLINED),
    ("declined, out of the trash: ours again", (S.DECLINED, L.SAME, P.HERE), (A.CLAIM,), R.NONE),
    ("declined, absent, trashed: forget", (S.DECLINED, L.ABSENT, P.TRASHED), (A.FORGET,), R.NONE),
    (
        "declined, absent, out of the trash: archived",
        (S.DECLINED, L.ABSENT, P.HERE),
        (A.ARCHIVE,),
        R.ARCHIVED,
    ),
]


@pytest.mark.parametrize(
    ("case", "actions", "remark"),
    [pytest.param(*row[1:], id=row[0]) for row in DESIGN],
)
def test_the_designs_table(
    case: tuple[Standing | None, Local, Place], actions: tuple[Action, ...], remark: Remark
) -> None:
    assert decided(*case) == Decision(actions, remark)


def test_trash_only_what_is_mirrored_absent_in_place_and_as_we_left_it() -> None:
    trashing = {case[:4] for case in COMBINATIONS if A.TRASH in decided(*case).actions}
    assert trashing == {(S.MIRRORED, L.ABSENT, P.HERE, False)}


def test_what_is_not_ours_alone_is_pinned_before_it_is_replaced() -> None:
    replacing = 0
    for case in COMBINATIONS:
        standing, _, _, edited, _ = case
        actions = decided(*case).actions
        if A.REPLACE in actions:
            replacing += 1
            if edited or standing is not S.MIRRORED:
                assert actions.index(A.PIN) < actions.index(A.REPLACE), case
    assert replacing


def test_what_cannot_be_read_is_left_as_it_is() -> None:
    for case in COMBINATIONS:
        if case[1] is L.UNKNOWN:
            assert decided(*case) == Decision(), case


def test_what_was_found_and_is_not_here_is_never_touched() -> None:
    for case in COMBINATIONS:
        if case[0] is S.UNCLAIMED and case[1] is L.ABSENT:
            assert set(decided(*case).actions) <= {A.FORGET}, case


def test_what_was_declined_stays_so_while_it_is_away() -> None:
    for case in COMBINATIONS:
        standing, local, place, _, _ = case
        if standing is S.DECLINED and local in HERE and place in (P.TRASHED, P.GONE, P.OUT):
            assert decided(*case) == Decision((), R.DECLINED), case


def test_nothing_is_done_to_what_is_out_of_reach() -> None:
    """Theirs now, or no more: the only things to do are to forget it and to make another."""
    for case in COMBINATIONS:
        if case[2] in (P.OUT, P.GONE):
            actions = set(decided(*case).actions)
            assert actions <= {A.FORGET, A.CREATE, A.DECLINE} or case[0] is None, case


def test_an_object_is_forgotten_before_another_one_is_made() -> None:
    for case in COMBINATIONS:
        actions = decided(*case).actions
        if A.CREATE in actions and case[0] is not None:
            assert actions == (A.FORGET, A.CREATE), case


def test_actions_stand_in_the_order_in_which_they_are_carried_out() -> None:
    order = list(Action)
    for case in COMBINATIONS:
        actions = list(decided(*case).actions)
        assert actions == sorted(actions, key=order.index), case


def test_what_is_absent_is_never_made_or_sent() -> None:
    for case in COMBINATIONS:
        if case[1] in (L.ABSENT, L.LEFT_OUT):
            actions = set(decided(*case).actions)
            assert actions <= {A.FORGET, A.ARCHIVE, A.TRASH}, case
