"""What the nights may cost: quota units by the minute and by the day, bytes by the day.

A sync is admitted with an estimate and reports what it really used. Within any 60 seconds the syncs
that are under way, or ended less than 60 seconds ago, use at most what they are reckoned at
together; so the sum of those figures is kept below the project's minute. Google's days begin at
midnight Pacific time (Google Cloud, "Working with quotas": daily quotas reset then).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from jupyter_drive_sync.hub.night_config import Quota

_PACIFIC: Final = ZoneInfo("America/Los_Angeles")
_MINUTE: Final = 60.0
_USER_MINUTE: Final = 325_000
"""Units that Google gives one user of a project in a minute: nobody can have used more.
Source: Drive guide, "Usage limits"."""
_USER_BYTES: Final = 750 * 10**9
"""Bytes that Google takes from one user in a day."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a sync costs, or may cost."""

    units: int
    bytes: int = 0


NOTHING: Final = Cost(0)


@dataclass(slots=True)
class Reservation:
    """What was set aside for one sync.

    Attributes:
        began: epoch seconds.
        estimate: what it is expected to use.
        spent: what it has used so far, as far as it told.
    """

    began: float
    estimate: Cost
    spent: Cost = NOTHING

    @property
    def units(self) -> int:
        """Units that count for it."""
        return max(self.estimate.units, self.spent.units)

    @property
    def bytes(self) -> int:
        """Bytes that count for it."""
        return max(self.estimate.bytes, self.spent.bytes)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a day of Google's has cost so far.

    Attributes:
        day: its date in California.
        units: quota units.
        bytes: to and from Drive.
    """

    day: str
    units: int = 0
    bytes: int = 0


class Budget:
    """The project's quota, shared out among the syncs of the night.

    Args:
        quota: what there is.
        wall: seconds since the epoch.
        spent: what was spent before this process began.
    """

    def __init__(
        self,
        quota: Quota,
        wall: Callable[[], float],
        spent: Spent | None = None,
    ) -> None:
        self._quota = quota
        self._wall = wall
        self._spent = spent or Spent(google_day(wall()))
        self._open: dict[int, Reservation] = {}
        self._rate = 0
        self._set_aside = NOTHING
        self._fading: list[tuple[float, int]] = []
        self._stopped_day = ""

    @property
    def spent(self) -> Spent:
        """What today cost so far."""
        self._turn_page()
        return self._spent

    def stop_for_today(self) -> None:
        """Admit nobody until Google's next day: it said that the project's day is used up."""
        self._stopped_day = google_day(self._wall())

    def room(self, cost: Cost, *, keep_free: Cost = NOTHING) -> bool:
        """Tell whether today has room for a sync.

        Args:
            cost: what it may cost.
            keep_free: what shall be left for others.
        """
        self._turn_page()
        if self._stopped_day == self._spent.day:
            return False
        units = self._spent.units + self._set_aside.units + keep_free.units
        size = self._spent.bytes + self._set_aside.bytes + keep_free.bytes
        if self._untouched:  # one that alone is larger than a day would never have its turn
            return True
        enough = units + cost.units <= self._quota.units_per_day
        limit = self._quota.bytes_per_day
        return enough and (not limit or size + cost.bytes <= limit)

    def wait(self, cost: Cost) -> float:
        """Return the seconds until this minute may have room for a sync; 0 for now."""
        now = self._wall()
        self._fade(now)
        if self._rate + self._rate_of(cost.units) <= self._quota.units_per_minute:
            return 0.0
        if not self._open and not self._fading:
            return 0.0
        return max(1.0, self._fading[0][0] - now) if self._fading else _MINUTE

    def reserve(self, cost: Cost) -> Reservation:
        """Set aside what a sync may cost."""
        made = Reservation(self._wall(), cost)
        self._open[id(made)] = made
        self._rate += self._rate_of(made.units)
        self._set_aside = _plus(self._set_aside, cost)
        return made

    def used(self, reservation: Reservation, cost: Cost) -> None:
        """Take note of what a sync has used so far.

        More than Google would have let it use is not believed.
        """
        if id(reservation) not in self._open:
            return
        minutes = (self._wall() - reservation.began) / _MINUTE + 1
        believed = Cost(
            min(max(cost.units, reservation.spent.units), int(minutes * _USER_MINUTE)),
            min(max(cost.bytes, reservation.spent.bytes), _USER_BYTES),
        )
        before = Cost(reservation.units, reservation.bytes)
        self._rate -= self._rate_of(before.units)
        reservation.spent = believed
        self._rate += self._rate_of(reservation.units)
        more = Cost(reservation.units - before.units, reservation.bytes - before.bytes)
        self._set_aside = _plus(self._set_aside, more)

    def close(self, reservation: Reservation) -> None:
        """Charge what a sync has used, and give back the rest."""
        if self._open.pop(id(reservation), None) is None:
            return
        self._turn_page()
        # Within its last minute it used no more than in all.
        rate = self._rate_of(reservation.spent.units)
        self._rate -= self._rate_of(reservation.units) - rate
        heapq.heappush(self._fading, (self._wall() + _MINUTE, rate))
        self._set_aside = Cost(
            self._set_aside.units - reservation.units, self._set_aside.bytes - reservation.bytes
        )
        self.charge(reservation.spent)

    def charge(self, cost: Cost) -> None:
        """Charge something that nothing was set aside for: a sync by day."""
        self._turn_page()
        self._spent = Spent(
            self._spent.day, self._spent.units + cost.units, self._spent.bytes + cost.bytes
        )

    @property
    def _untouched(self) -> bool:
        return not (self._spent.units or self._spent.bytes or self._open)

    def _rate_of(self, units: int) -> int:
        return min(units, self._quota.user_units_per_minute)

    def _fade(self, now: float) -> None:
        while self._fading and self._fading[0][0] <= now:
            self._rate -= heapq.heappop(self._fading)[1]

    def _turn_page(self) -> None:
        day = google_day(self._wall())
        if day != self._spent.day:
            self._spent = Spent(day)


def google_day(moment: float) -> str:
    """Return the date of Google's quota day."""
    return datetime.fromtimestamp(moment, _PACIFIC).date().isoformat()


def _plus(one: Cost, other: Cost) -> Cost:
    return Cost(one.units + other.units, one.bytes + other.bytes)
