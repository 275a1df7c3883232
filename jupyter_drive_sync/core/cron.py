"""Cron expressions, as crontab(5) reads them, checked before any scheduler is imported.

APScheduler counts the days of the week from Monday, crontab from Sunday; so days are named here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"
)  # fmt: skip
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART: Final = re.compile(r"(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/([0-9]+))?")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        if text in self.words:
            return self.words.index(text) + self.low
        if not text.isascii() or not text.isdigit() or not self.low <= int(text) <= self.high:
            raise ValueError(f"{text} is no {self.name} between {self.low} and {self.high}")
        return int(text)


_FIELDS: Final = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day_of_week", 0, 7, _DAYS),
)


def parse(text: str) -> dict[str, str]:
    """Read an expression of five fields.

    Returns:
        The fields in the form that APScheduler's ``CronTrigger`` takes.

    Raises:
        ValueError: says in words what is wrong.
    """
    parts = text.lower().split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f"{text!r} has not the five fields minute, hour, day, month, day of week")
    return {field.name: _field(field, part) for field, part in zip(_FIELDS, parts, strict=True)}


def _field(field: _Field, text: str) -> str:
    chosen: set[int] = set()
    if text == "*":
        return text
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None or (match[1] == "*" and match[2]):
            raise ValueError(f"{part!r} is no {field.name}")
        step = int(match[3] or 1)
        if not step:
            raise ValueError(f"{part!r} has a step of 0")
        first = field.low if match[1] == "*" else field.number(match[1])
        # As crontab(5): a lone number with a step begins a range that ends with the field.
        last = (
            field.number(match[2])
            if match[2]
            else field.high
            if match[1] == "*" or match[3]
            else first
        )
        if last < first:
            raise ValueError(f"{part!r} ends before it begins")
        chosen.update(range(first, last + 1, step))
    if field.name == "day_of_week":
        return ",".join(_DAYS[day] for day in sorted({day % 7 for day in chosen}))
    return ",".join(map(str, sorted(chosen)))
