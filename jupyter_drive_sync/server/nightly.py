"""The trigger of the nightly run. Imports APScheduler, so it is itself imported after the start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import tzlocal
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger

__all__ = ["AsyncIOScheduler", "DateTrigger", "Nightly", "system_zone"]


class Nightly(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """A cron expression, each time the same moment later.

    APScheduler's own jitter may fire early, and then once more at the due time; here a server has
    one offset for its life, so that each due time has exactly one run, inside the window after it.

    Args:
        fields: of the cron expression.
        zone: IANA name.
        offset: seconds after the due time.
    """

    def __init__(self, fields: Mapping[str, str], zone: str, offset: float) -> None:
        self._zone = ZoneInfo(zone)
        self._cron = CronTrigger(**fields, timezone=zone)
        self._offset = timedelta(seconds=offset)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return when to run next (the scheduler's own protocol)."""
        due_before = self._earlier(previous) if previous else None
        due = self._due(due_before, self._earlier(now))
        # Where clocks are set back, the same time comes twice: the second is no night of its own.
        while due is not None and due_before is not None and self._same_time(due, due_before):
            due_before = due
            due = self._due(due, due)
        return due.astimezone(UTC) + self._offset if due else None

    def after(self, moment: float) -> float | None:
        """Return the first run after a moment; both in epoch seconds."""
        found = self.get_next_fire_time(None, datetime.fromtimestamp(moment, UTC))
        return found.timestamp() if found else None

    def missed(self, since: float, now: float) -> bool:
        """Tell whether a due time lies between two moments."""
        due = self._due(None, datetime.fromtimestamp(since, UTC))
        return due is not None and due.timestamp() <= now

    def _due(self, previous: datetime | None, now: datetime) -> datetime | None:
        found: datetime | None = self._cron.get_next_fire_time(previous, now)
        return found

    def _earlier(self, moment: datetime) -> datetime:
        return (moment.astimezone(UTC) - self._offset).astimezone(self._zone)

    def _same_time(self, one: datetime, other: datetime) -> bool:
        first, second = one.astimezone(self._zone), other.astimezone(self._zone)
        return first.replace(tzinfo=None) == second.replace(tzinfo=None)


def system_zone() -> str:
    """Return the system's time zone, UTC where it has no name."""
    try:
        name: Any = tzlocal.get_localzone_name()
        ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        return "UTC"
    return str(name)
