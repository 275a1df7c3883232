"""When it is night: the hours in which people's homes are synced, in the hub's own time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from jupyter_drive_sync.errors import BadSettings

_TEXT: Final = re.compile(r"\s*(\d{1,2}):(\d{2})\s*[-\u2013]\s*(\d{1,2}):(\d{2})\s*")


@dataclass(frozen=True, slots=True)
class Night:
    """One night.

    Attributes:
        id: the date on which it begins, such as ``2026-11-24``.
        begin: epoch seconds.
        end: epoch seconds.
    """

    id: str
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Window:
    """The hours of the night.

    Attributes:
        begin: on the clock.
        end: on the clock; where it is not after ``begin``, on the next day.
        zone: whose clock.
    """

    begin: time
    end: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: str) -> Window:
        """Read hours such as ``01:00-07:00``.

        Raises:
            BadSettings: they cannot be understood, or there is no such time zone.
        """
        match = _TEXT.fullmatch(text)
        try:
            if match is None:
                raise ValueError
            hours = [int(part) for part in match.groups()]
            begin, end = time(hours[0], hours[1]), time(hours[2] % 24, hours[3])
        except ValueError:
            raise BadSettings(
                name="nightly_window", problem=f"{text!r} is no window such as 01:00-07:00"
            ) from None
        if begin == end:
            raise BadSettings(name="nightly_window", problem="it begins when it ends")
        try:
            return cls(begin, end, ZoneInfo(zone))
        except (KeyError, ValueError, OSError) as problem:
            raise BadSettings(
                name="nightly_time_zone", problem=f"there is no time zone {zone!r}"
            ) from problem

    def at(self, moment: float) -> Night:
        """Return the night that a moment lies in, or else the next one.

        Args:
            moment: epoch seconds.
        """
        today = datetime.fromtimestamp(moment, self.zone).date()
        for days in (-1, 0, 1, 2):
            night = self._of(today + timedelta(days=days))
            if moment < night.end:
                return night
        raise AssertionError("no night within two days")

    def after(self, night: Night) -> Night:
        """Return the night that follows."""
        return self._of(date.fromisoformat(night.id) + timedelta(days=1))

    def _of(self, day: date) -> Night:
        last = day if self.end > self.begin else day + timedelta(days=1)
        return Night(
            day.isoformat(),
            datetime.combine(day, self.begin, self.zone).timestamp(),
            datetime.combine(last, self.end, self.zone).timestamp(),
        )
