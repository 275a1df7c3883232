"""The decision table: what an object's three states mean.

Read :data:`TABLE` from top to bottom; the first row that fits decides. Each state that a row does
not name may be anything. ``tests/core/test_decisions.py`` walks through all combinations.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Final

from jupyter_drive_sync.core.tree import Standing


class Local(enum.Enum):
    """What the disk has, compared with the ledger (or, without one, with Drive's content)."""

    ABSENT = "absent"
    SAME = "same"
    CHANGED = "changed"
    """New, or other content than we know of."""
    LEFT_OUT = "left out"
    """There, but a rule leaves it out now."""
    UNKNOWN = "unknown"
    """Unreadable: neither same nor changed, and certainly not absent."""


class Place(enum.Enum):
    """Where Drive shows the object, compared with where we put it."""

    HERE = "here"
    ELSEWHERE = "elsewhere"
    """Renamed, or moved inside the mirror."""
    OUT = "out"
    """Moved out of the mirror: theirs now."""
    TRASHED = "trashed"
    GONE = "gone"
    """Deleted for good, or no longer visible to us."""


class Action(enum.Enum):
    """The steps that a decision can take, in the order in which they are carried out."""

    FORGET = "forget"
    """Drop the object from the ledger; Drive is not touched."""
    ARCHIVE = "archive"
    """Keep it on Drive, as gone from disk."""
    DECLINE = "decline"
    """Respect that somebody removed it on Drive again; the local file stays."""
    CLAIM = "claim"
    """Take what is on Drive as the mirror of the local file; nothing is sent."""
    UNTRASH = "untrash"
    PUT_BACK = "put back"
    """Give it our name and our folder again."""
    PIN = "pin"
    """Keep Drive's current revision for good before it is replaced."""
    REPLACE = "replace"
    CREATE = "create"
    TRASH = "trash"


class Remark(enum.Enum):
    """What a person is told about an object that stays different on purpose."""

    NONE = ""
    NEWER_ON_DRIVE = "newer on Drive"
    EDIT_REPLACED = "edit on Drive replaced"
    STRUCTURE_RESTORED = "put back where it was"
    MOVED_OUT = "moved out, copied anew"
    REVIVED = "brought back after it was removed on Drive"
    DECLINED = "removed on Drive twice, left alone"
    KEPT_EDITED = "changed on Drive, kept there"
    ARCHIVED = "kept on Drive"
    LEFT_OUT = "left out now, kept on Drive"
    UNCLAIMED = "on Drive only, found there"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with one object, and what to say about it."""

    actions: tuple[Action, ...] = ()
    remark: Remark = Remark.NONE


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; an empty set fits everything."""

    standing: frozenset[Standing | None]
    local: frozenset[Local]
    place: frozenset[Place]
    edited: bool | None
    again: bool | None
    """Whether we had brought the object back before."""
    decision: Decision

    def fits(
        self, standing: Standing | None, local: Local, place: Place, *, edited: bool, again: bool
    ) -> bool:
        """Tell whether this row speaks of that combination."""
        return (
            standing in self.standing
            and (not self.local or local in self.local)
            and (not self.place or place in self.place)
            and self.edited in (None, edited)
            and self.again in (None, again)
        )


def _row(
    standing: set[Standing | None],
    local: set[Local],
    place: set[Place],
    *actions: Action,
    edited: bool | None = None,
    again: bool | None = None,
    say: Remark = Remark.NONE,
) -> Row:
    return Row(
        frozenset(standing),
        frozenset(local),
        frozenset(place),
        edited,
        again,
        Decision(actions, say),
    )


_A, _L, _P, _R, _S = Action, Local, Place, Remark, Standing
_ANY: Final[set[Local]] = set()
_EVERYWHERE: Final[set[Place]] = set()
_BOTH: Final = {_L.SAME, _L.CHANGED}
_LOST: Final = {_P.TRASHED, _P.GONE}

TABLE: Final[tuple[Row, ...]] = (
    # What cannot be read is left exactly as it is.
    _row({None, *_S}, {_L.UNKNOWN}, _EVERYWHERE),
    # Nothing of ours on Drive.
    _row({None}, _BOTH, _EVERYWHERE, _A.CREATE),
    _row({None}, {_L.ABSENT, _L.LEFT_OUT}, _EVERYWHERE),
    # Mirrored, and the file is here.
    _row({_S.MIRRORED}, {_L.SAME}, {_P.HERE}, edited=False),
    _row({_S.MIRRORED}, {_L.SAME}, {_P.HERE}, edited=True, say=_R.NEWER_ON_DRIVE),
    _row({_S.MIRRORED}, {_L.CHANGED}, {_P.HERE}, _A.REPLACE, edited=False),
    _row(
        {_S.MIRRORED}, {_L.CHANGED}, {_P.HERE}, _A.PIN, _A.REPLACE, edited=True,
        say=_R.EDIT_REPLACED,
    ),
    _row(
        {_S.MIRRORED}, {_L.SAME}, {_P.ELSEWHERE}, _A.PUT_BACK, edited=False,
        say=_R.STRUCTURE_RESTORED,
    ),
    _row(
        {_S.MIRRORED}, {_L.SAME}, {_P.ELSEWHERE}, _A.PUT_BACK, edited=True, say=_R.NEWER_ON_DRIVE
    ),
    _row(
        {_S.MIRRORED}, {_L.CHANGED}, {_P.ELSEWHERE}, _A.PUT_BACK, _A.REPLACE, edited=False,
        say=_R.STRUCTURE_RESTORED,
    ),
    _row(
        {_S.MIRRORED}, {_L.CHANGED}, {_P.ELSEWHERE}, _A.PUT_BACK, _A.PIN, _A.REPLACE, edited=True,
        say=_R.EDIT_REPLACED,
    ),
    _row({_S.MIRRORED}, _BOTH, {_P.OUT}, _A.FORGET, _A.CREATE, say=_R.MOVED_OUT),
    _row({_S.MIRRORED}, _BOTH, _LOST, _A.DECLINE, again=True, say=_R.DECLINED),
    _row({_S.MIRRORED}, {_L.SAME}, {_P.TRASHED}, _A.UNTRASH, edited=False, say=_R.REVIVED),
    _row({_S.MIRRORED}, {_L.SAME}, {_P.TRASHED}, _A.UNTRASH, edited=True, say=_R.NEWER_ON_DRIVE),
    _row(
        {_S.MIRRORED}, {_L.CHANGED}, {_P.TRASHED}, _A.UNTRASH, _A.REPLACE, edited=False,
        say=_R.REVIVED,
    ),
    _row(
        {_S.MIRRORED}, {_L.CHANGED}, {_P.TRASHED}, _A.UNTRASH, _A.PIN, _A.REPLACE, edited=True,
        say=_R.EDIT_REPLACED,
    ),
    _row({_S.MIRRORED}, _BOTH, {_P.GONE}, _A.FORGET, _A.CREATE, say=_R.REVIVED),
    # Mirrored, and a rule leaves the file out now: never trashed.
    _row({_S.MIRRORED, _S.DECLINED}, {_L.LEFT_OUT}, {_P.GONE, _P.OUT}, _A.FORGET),
    _row({_S.MIRRORED, _S.DECLINED}, {_L.LEFT_OUT}, {_P.TRASHED}, _A.ARCHIVE),
    _row({_S.MIRRORED, _S.DECLINED}, {_L.LEFT_OUT}, _EVERYWHERE, _A.ARCHIVE, say=_R.LEFT_OUT),
    # Mirrored, and the file is gone here.
    _row({_S.MIRRORED}, {_L.ABSENT}, {_P.HERE}, _A.TRASH, edited=False),
    _row({_S.MIRRORED}, {_L.ABSENT}, {_P.HERE, _P.ELSEWHERE}, _A.ARCHIVE, say=_R.KEPT_EDITED),
    _row({_S.MIRRORED}, {_L.ABSENT}, {_P.OUT, *_LOST}, _A.FORGET),
    # Archived: theirs to remove, ours again when the file is back.
    _row({_S.ARCHIVED}, {_L.ABSENT, _L.LEFT_OUT}, {_P.GONE, _P.OUT}, _A.FORGET),
    _row({_S.ARCHIVED}, {_L.ABSENT, _L.LEFT_OUT}, {_P.TRASHED}),
    _row({_S.ARCHIVED}, {_L.ABSENT}, _EVERYWHERE, say=_R.ARCHIVED),
    _row({_S.ARCHIVED}, {_L.LEFT_OUT}, _EVERYWHERE, say=_R.LEFT_OUT),
    # Unclaimed: found on Drive; only a person trashes it.
    _row({_S.UNCLAIMED}, {_L.ABSENT, _L.LEFT_OUT}, {_P.GONE, _P.OUT, _P.TRASHED}, _A.FORGET),
    _row({_S.UNCLAIMED}, {_L.ABSENT, _L.LEFT_OUT}, _EVERYWHERE, say=_R.UNCLAIMED),
    # Either of them, and the file is here: mirrored again; other content is kept as a revision.
    _row({_S.ARCHIVED, _S.UNCLAIMED}, _BOTH, {_P.GONE, _P.OUT}, _A.FORGET, _A.CREATE),
    _row({_S.ARCHIVED, _S.UNCLAIMED}, {_L.SAME}, {_P.HERE}, _A.CLAIM, edited=False),
    _row(
        {_S.ARCHIVED, _S.UNCLAIMED}, {_L.SAME}, {_P.ELSEWHERE}, _A.CLAIM, _A.PUT_BACK,
        edited=False,
    ),
    _row({_S.ARCHIVED, _S.UNCLAIMED}, {_L.SAME}, {_P.TRASHED}, _A.CLAIM, _A.UNTRASH, edited=False),
    # The file is as we knew it, and Drive's content is a later one: left, as of a mirrored one.
    _row(
        {_S.ARCHIVED, _S.UNCLAIMED, _S.DECLINED}, {_L.SAME}, {_P.HERE}, _A.CLAIM, edited=True,
        say=_R.NEWER_ON_DRIVE,
    ),
    _row(
        {_S.ARCHIVED, _S.UNCLAIMED, _S.DECLINED}, {_L.SAME}, {_P.ELSEWHERE}, _A.CLAIM, _A.PUT_BACK,
        edited=True, say=_R.NEWER_ON_DRIVE,
    ),
    _row(
        {_S.ARCHIVED, _S.UNCLAIMED}, {_L.SAME}, {_P.TRASHED}, _A.CLAIM, _A.UNTRASH, edited=True,
        say=_R.NEWER_ON_DRIVE,
    ),
    _row(
        {_S.ARCHIVED, _S.UNCLAIMED}, {_L.CHANGED}, {_P.HERE}, _A.CLAIM, _A.PIN, _A.REPLACE,
        say=_R.EDIT_REPLACED,
    ),
    _row(
        {_S.ARCHIVED, _S.UNCLAIMED}, {_L.CHANGED}, {_P.ELSEWHERE}, _A.CLAIM, _A.PUT_BACK, _A.PIN,
        _A.REPLACE, say=_R.EDIT_REPLACED,
    ),
    _row(
        {_S.ARCHIVED, _S.UNCLAIMED}, {_L.CHANGED}, {_P.TRASHED}, _A.CLAIM, _A.UNTRASH, _A.PIN,
        _A.REPLACE, say=_R.EDIT_REPLACED,
    ),
    # Declined: respected until somebody takes it out of Drive's trash.
    _row({_S.DECLINED}, {_L.ABSENT}, _LOST | {_P.OUT}, _A.FORGET),
    _row({_S.DECLINED}, {_L.ABSENT}, _EVERYWHERE, _A.ARCHIVE, say=_R.ARCHIVED),
    _row({_S.DECLINED}, _BOTH, _LOST | {_P.OUT}, say=_R.DECLINED),
    _row({_S.DECLINED}, {_L.SAME}, {_P.HERE}, _A.CLAIM, edited=False),
    _row({_S.DECLINED}, {_L.SAME}, {_P.ELSEWHERE}, _A.CLAIM, _A.PUT_BACK, edited=False),
    _row({_S.DECLINED}, {_L.CHANGED}, {_P.HERE}, _A.CLAIM, _A.PIN, _A.REPLACE),
    _row({_S.DECLINED}, {_L.CHANGED}, {_P.ELSEWHERE}, _A.CLAIM, _A.PUT_BACK, _A.PIN, _A.REPLACE),
)  # fmt: skip


@functools.cache
def decide(
    standing: Standing | None, local: Local, place: Place, *, edited: bool, again: bool
) -> Decision:
    """Look the decision up.

    Args:
        standing: what the ledger says; None when it has nothing.
        local: what the disk has.
        place: where Drive shows the object.
        edited: Drive's content is not what we wrote last.
        again: we had brought the object back before.

    Raises:
        LookupError: no row fits, which the tests rule out.
    """
    for row in TABLE:
        if row.fits(standing, local, place, edited=edited, again=again):
            return row.decision
    raise LookupError((standing, local, place, edited, again))
