"""Nights of many people, in virtual time: inside the window, inside the quota, and what they cost.

Google's real figures, 1,000,000 units a minute and 400,000,000 a day, against people with 1,000
files each. 10,000 of them do not fit into one day; `DRIVE_SYNC_TORTURE` runs those.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.hub.budget import google_day
from jupyter_drive_sync.hub.people import Turn
from tests.hub.night_world import NightWorld, completed

pytestmark = pytest.mark.no_cover
"""Others cover what these run; here the tracer would cost a third of the time."""
FIRST_UNITS = 50_600
FIRST_BYTES = 200_000_000
DAILY_UNITS = 1_100
MINUTE = 1_000_000
DAY = 400_000_000

SIZES = [100, 1_000]
MANY = pytest.param(10_000, marks=pytest.mark.torture)


class Campus(NightWorld):
    """People who upload 1,000 files first, and 20 after each day's work."""

    def __init__(self, folder: Path, people: int, **changes: Any) -> None:
        super().__init__(folder, people, **changes)
        self.hub.start_seconds = (10.0, 60.0)
        self.by_minute: Counter[int] = Counter()
        self.by_day: Counter[str] = Counter()
        self.bytes_by_day: Counter[str] = Counter()
        self.pass_seconds = lambda user: self.rng.uniform(200, 450) if self._new(user) else 15.0
        self.status = self._status

    def _new(self, user: str) -> bool:
        return not self.passes[user]

    def _status(self, user: str) -> dict[str, Any]:
        new = self.passes[user] <= 1  # counted already
        units, size = (FIRST_UNITS, FIRST_BYTES) if new else (DAILY_UNITS, 2_000_000)
        # Spread over the time that it took, as Drive would have seen it.
        seconds = 200 if new else 15
        now = self.clock.wall()
        for second in range(0, seconds, 5):
            moment = now - second
            self.by_minute[int(moment // 60)] += units * 5 // seconds
        self.by_day[google_day(now)] += units
        self.bytes_by_day[google_day(now)] += size
        return completed(units, counts=_counts(units, size))

    def work(self) -> None:
        """Let everybody have worked on the hub today."""
        for user in self.hub.users.values():
            user.last_activity = self.clock.wall()


def _counts(units: int, size: int) -> dict[str, int]:
    return {"quota_units": units, "bytes_sent": size, "objects": 1_000}


@pytest.mark.parametrize("people", [*SIZES, MANY])
@pytest.mark.parametrize("mode", ["servers", "mounted"])
def test_nights(tmp_path: Path, mode: str, people: int, capsys: pytest.CaptureFixture[str]) -> None:
    if people > 1_000 and not os.environ.get("DRIVE_SYNC_TORTURE"):
        pytest.fail("set DRIVE_SYNC_TORTURE")
    concurrency = 64
    world = Campus(tmp_path, people, mode=mode, concurrency=concurrency)
    world.settings = replace(world.settings, idle_days=1)
    began, memory = time.process_time(), _memory()
    nights: list[dict[str, int]] = []
    ends: list[float] = []

    async def weeks() -> None:
        service = world.make()
        await service.start()
        for _ in range(8):
            await world.until_over(service)
            row = world.store.nights(1)[0]
            turns = world.store.turns(row.id, ["done"])
            nights.append(dict(Counter(turn.outcome for turn in turns)))
            ends.append(row.end - max(turn.ended for turn in turns))
            if len(nights) > 1 and set(nights[-1]) == {"synced"} and _none_new(turns):
                break
            world.work()
        await service.stop()

    world.run(weeks())
    # Inside the window, and everybody in the end.
    assert set(nights[-1]) == {"synced"}
    assert nights[-1]["synced"] == people
    assert min(ends) >= 0
    assert world.hub.running == {}
    assert all(person.last_sync for person in world.people().values())
    # Inside the project's minute and day, and the hub's line.
    assert max(world.by_minute.values()) <= MINUTE
    assert max(world.by_day.values()) <= DAY
    assert max(world.bytes_by_day.values()) <= world.settings.quota.bytes_per_day
    if mode == "servers":
        assert world.hub.most <= concurrency
        # One start a night for each, and no second one.
        assert max(world.hub.starts.values()) <= len(nights)
    else:
        assert world.hub.starts.total() == 0
        assert world.most <= concurrency
    database = sum(path.stat().st_size for path in tmp_path.glob("hub.sqlite*"))
    with capsys.disabled():
        print(  # noqa: T201 - measured
            f"\n{mode:8} {people:6} people: {len(nights)} nights, "
            f"{time.process_time() - began:.0f} CPU-s, {(_memory() - memory) / 1024:.0f} MiB more, "
            f"database {database / 1e6:.1f} MB, busiest minute {max(world.by_minute.values()):,} "
            f"units, busiest day {max(world.by_day.values()):,}; last night over "
            f"{ends[-1] / 3600:.1f} h before its end; outcomes {nights}"
        )


def _none_new(turns: list[Turn]) -> bool:
    return all(turn.why != "first" for turn in turns)


def _memory() -> float:
    """Return the most memory that this process ever had, KiB."""
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def test_who_waited_longer_comes_first(tmp_path: Path) -> None:
    """First uploads that do not fit into a night are the first of the next."""
    world = Campus(tmp_path, 60, concurrency=8)
    quota = replace(world.settings.quota, units_per_day=25 * 60_000)
    world.settings = replace(world.settings, quota=quota)
    done: list[set[str]] = []

    async def nights() -> None:
        service = world.make()
        await service.start()
        for night in range(4):
            await world.until_over(service)
            done.append({name for name, person in world.people().items() if person.last_sync})
            if night == 0:
                for number in range(20):
                    world.person(f"late{number:02}")
        await service.stop()

    world.run(nights())
    assert 20 <= len(done[0]) <= 31
    late = {name for name in world.hub.users if name.startswith("late")}
    # Nobody who came later is served before all who came first.
    assert not (done[1] & late)
    assert len(done[3]) == 80


def test_a_long_pass_is_paid_for_as_it_goes(tmp_path: Path) -> None:
    """A night that turns out dearer than reckoned admits fewer."""
    world = NightWorld(tmp_path, 50, concurrency=4)
    quota = replace(world.settings.quota, units_per_day=2_000_000, first_units=10_000)
    world.settings = replace(world.settings, quota=quota)
    world.pass_seconds = lambda _: 600.0
    world.status = lambda _: completed(200_000)

    async def night() -> None:
        service = world.make()
        await service.start()
        await world.until_over(service)
        assert service.spent["units"] <= 2_000_000 + 4 * 200_000
        await service.stop()

    world.run(night())
    assert Counter(world.outcomes().values())["no_room"] >= 35
    assert asyncio.iscoroutinefunction(world.one_night)
