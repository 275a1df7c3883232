"""Which deletions wait for a person, and why.

A deletion on disk is a wish only when it looks like one. What looks like an accident (an unmounted
disk, ``rm -r``, other rules, another home) is held: nothing is trashed, the rest of the pass goes
on, and a person is asked. The limits count everything that went to the trash within 24 hours, so
that an accident in slices is one as well.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from jupyter_drive_sync.core.plan import Operation
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import FileId, RelPath, top_of


class Alarm(enum.StrEnum):
    """Why deletions are held, the likeliest cause first."""

    HOME_EMPTY = "home_empty"
    HOME_UNREADABLE = "home_unreadable"
    HOME_REPLACED = "home_replaced"
    RULES_CHANGED = "rules_changed"
    LEDGER_REBUILT = "ledger_rebuilt"
    WHOLE_FOLDER = "whole_folder"
    SHARE = "share"
    FILES = "files"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Day:
    """What happened within the last 24 hours."""

    mirrored: int = 0
    """Files that were mirrored when the 24 hours began."""
    trashed: int = 0
    """Files that went to the trash unasked since."""
    trashed_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Home:
    """What is known of the home as a whole."""

    empty: bool = False
    """Nothing at all is in it."""
    unreadable: bool = False
    replaced: bool = False
    """It is not the folder that was mirrored last, or has no home id."""
    rules_changed: bool = False
    rebuilt: bool = False
    """The ledger was rebuilt within the last 24 hours: what is missing here may never have been
    here, and how much was trashed in that time is not known."""
    folders: frozenset[RelPath] = frozenset()
    """Top-level folders that still hold a mirrored file."""


@dataclass(frozen=True, slots=True)
class Held:
    """Deletions that wait, with their reasons."""

    operations: tuple[Operation, ...]
    alarms: tuple[Alarm, ...]
    folders: tuple[RelPath, ...] = ()
    """The top-level folders that vanished as a whole."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The trashes of a plan, divided."""

    allowed: tuple[Operation, ...]
    kept: tuple[Operation, ...]
    """Of a top-level folder that vanished as a whole, where policy keeps such folders."""
    held: Held | None


def judge(
    trashes: tuple[Operation, ...],
    *,
    home: Home,
    day: Day,
    approved: AbstractSet[FileId],
    settings: Settings,
) -> Verdict:
    """Divide the trashes of a plan into allowed, kept by policy, and held.

    Args:
        trashes: operations with the verb ``TRASH``.
        home: the state of the home as a whole.
        day: what was trashed within 24 hours, and the measure for it.
        approved: ids whose deletion a person has confirmed.
        settings: the limits.
    """
    yes = tuple(step for step in trashes if _id(step) in approved)
    open_ = [step for step in trashes if _id(step) not in approved]

    by_top: dict[RelPath, list[Operation]] = defaultdict(list)
    for step in open_:
        if (top := top_of(step.path)) != step.path:
            by_top[top].append(step)
    whole = sorted(top for top in by_top if top not in home.folders)

    kept: tuple[Operation, ...] = ()
    alarms = _home_alarms(home)
    # An alarm comes before the policy: what looks like no home at all says nothing of its folders.
    if settings.keep_whole_folders and not alarms:
        kept = tuple(step for top in whole for step in by_top[top])
        open_ = _without(open_, kept)
        whole = []

    alarms += _limit_alarms(open_, day, settings)
    waiting = tuple(open_ if alarms else (step for top in whole for step in by_top[top]))
    if not waiting:
        return Verdict((*yes, *open_), kept, None)
    if whole:
        alarms.append(Alarm.WHOLE_FOLDER)
    rest = _without(open_, waiting)
    return Verdict((*yes, *rest), kept, Held(waiting, tuple(alarms), tuple(whole)))


def _without(steps: list[Operation], others: tuple[Operation, ...]) -> list[Operation]:
    ids = {_id(step) for step in others}
    return [step for step in steps if _id(step) not in ids]


def _home_alarms(home: Home) -> list[Alarm]:
    signs = {
        Alarm.HOME_EMPTY: home.empty,
        Alarm.HOME_UNREADABLE: home.unreadable,
        Alarm.HOME_REPLACED: home.replaced,
        Alarm.RULES_CHANGED: home.rules_changed,
        Alarm.LEDGER_REBUILT: home.rebuilt,
    }
    return [alarm for alarm, on in signs.items() if on]


def _limit_alarms(steps: list[Operation], day: Day, settings: Settings) -> list[Alarm]:
    count = day.trashed + len(steps)
    size = day.trashed_bytes + sum(step.size for step in steps)
    limits = {
        Alarm.SHARE: count >= settings.guard_share_from
        and count > settings.guard_share * day.mirrored,
        Alarm.FILES: count > settings.guard_files,
        Alarm.BYTES: size > settings.guard_bytes,
    }
    return [alarm for alarm, over in limits.items() if over]


def _id(step: Operation) -> FileId:
    return step.entry.id if step.entry is not None else FileId("")
