"""Who is due tonight, who is not and why, in which order, and what each is reckoned to cost.

Pure: everything comes in as values. The hub's ``last_activity`` alone would select everybody every
night, since starting and stopping a server moves it; so each person has a *baseline*, read after
the night's own doings, and is due when the hub has seen something later than that.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from jupyter_drive_sync.hub.budget import Cost
from jupyter_drive_sync.hub.hub_api import HubUser
from jupyter_drive_sync.hub.night_config import NightSettings, Quota
from jupyter_drive_sync.hub.people import Hold, Person
from jupyter_drive_sync.hub.reports import is_new

_DAY: Final = 86_400.0
_IDLE: Final = 300
"""Units of a sync that finds nothing to do, with some air."""
_UNKNOWN: Final = 3_000
"""Units of a sync after a day's work, while nothing better is known."""
_HOUR: Final = 3_600.0


class Why(enum.StrEnum):
    """Why somebody is, or is not, synced tonight."""

    FIRST = "first"
    """Nothing of theirs is on Drive yet, or not all of it."""
    ACTIVE = "active"
    UNFINISHED = "unfinished"
    """The last sync left something."""
    ASKED = "asked"
    """An admin pressed Retry."""
    IDLE_CHECK = "idle_check"
    FINAL = "final"
    """The last sync, before the home is archived."""

    IDLE = "idle"
    HELD = "held"
    OPTED_OUT = "opted_out"
    REVOKED = "revoked"
    PARKED = "parked"
    FROZEN = "frozen"
    GONE = "gone"
    """Not a user of the hub any more."""


DUE: Final = frozenset(
    {Why.FIRST, Why.ACTIVE, Why.UNFINISHED, Why.ASKED, Why.IDLE_CHECK, Why.FINAL}
)


@dataclass(frozen=True, slots=True)
class Due:
    """One person's place in the night.

    Attributes:
        person: who.
        why: see :class:`Why`.
        activity: the hub's word on them when it was asked, epoch seconds.
        cost: what the sync is reckoned to cost.
    """

    person: Person
    why: Why
    activity: float
    cost: Cost

    @property
    def first(self) -> bool:
        """Whether it is a first upload, which is served when the others are."""
        return self.why is Why.FIRST


def judge(
    person: Person,
    user: HubUser | None,
    settings: NightSettings,
    holds: Collection[Hold],
    now: float,
) -> Due:
    """Say whether somebody is due.

    Args:
        person: what we know of them.
        user: what the hub knows of them; None when it knows no such user.
        settings: of the night.
        holds: those in force.
        now: epoch seconds.
    """
    activity = user.last_activity if user else 0.0
    why = _why(person, user, settings, holds, now)
    return Due(person, why, activity, reckon(person, why, settings.quota))


def _why(
    person: Person,
    user: HubUser | None,
    settings: NightSettings,
    holds: Collection[Hold],
    now: float,
) -> Why:
    if user is None:
        return Why.GONE
    idle_since = now - (person.last_sync or 0.0)
    # Days are counted from night to night: people are shuffled anew in each.
    slack = min(settings.window.at(now).seconds, _DAY - 2 * _HOUR) + _HOUR
    idle_check = settings.mode == "mounted" and idle_since >= settings.idle_days * _DAY - slack
    rules = (
        (Why.OPTED_OUT, person.opted_out),
        (Why.HELD, holding(holds, user.name, user.groups) is not None),
        (Why.FROZEN, person.frozen_at is not None),
        (Why.REVOKED, person.revoked),
        (Why.ASKED, person.retry),
        (Why.FINAL, person.final),
        (Why.PARKED, person.parked_until > now),
        (Why.FIRST, is_new(person)),
        (Why.UNFINISHED, person.unfinished),
        (Why.ACTIVE, user.last_activity > person.baseline),
        (Why.IDLE_CHECK, idle_check),
    )
    return next((why for why, true in rules if true), Why.IDLE)


def holding(holds: Collection[Hold], user: str, groups: Iterable[str] | None) -> Hold | None:
    """Return what holds somebody.

    Where the groups are not known, a hold of any group counts: an exam is not disturbed because a
    scope is missing.
    """
    theirs = None if groups is None else frozenset(groups)
    for hold in holds:
        if (
            hold.kind == "all"
            or (hold.kind == "user" and hold.name == user)
            or (hold.kind == "group" and (theirs is None or hold.name in theirs))
        ):
            return hold
    return None


def reckon(person: Person, why: Why, quota: Quota) -> Cost:
    """Reckon what a sync will cost."""
    if is_new(person):
        return Cost(quota.first_units, quota.first_bytes)
    if why is Why.IDLE_CHECK:
        return Cost(_IDLE)
    units = person.usual_units or _UNKNOWN
    return Cost(max(_IDLE, 2 * units), 2 * person.usual_bytes)


@dataclass(frozen=True, slots=True)
class Planned:
    """A person, and the moment from which their turn may begin."""

    due: Due
    at: float


def spread(dues: Iterable[Due], begin: float, seconds: float, rng: Random) -> list[Planned]:
    """Give each person a moment of the night.

    People are shuffled, and their moments jittered; but who has waited more nights for a first
    upload comes before those who have waited fewer.

    Args:
        dues: who is due.
        begin: epoch seconds.
        seconds: over how many.
        rng: chance.
    """
    regular = [due for due in dues if due.why in DUE and not due.first]
    first = [due for due in dues if due.why in DUE and due.first]
    rng.shuffle(regular)
    rng.shuffle(first)
    first.sort(key=lambda due: -due.person.nights_waited)
    return sorted(
        (
            Planned(due, begin + seconds * (place + rng.random()) / len(group))
            for group in (regular, first)
            for place, due in enumerate(group)
        ),
        key=lambda planned: planned.at,
    )


def count(dues: Iterable[Due]) -> Mapping[str, int]:
    """Count the reasons."""
    found: dict[str, int] = {}
    for due in dues:
        found[due.why.value] = found.get(due.why.value, 0) + 1
    return found
