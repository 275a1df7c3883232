"""Nights under a virtual clock: real APScheduler, real timers, no waiting."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import apscheduler.executors.base
import apscheduler.schedulers.base  # noqa: F401 - patched
import pytest

from jupyter_drive_sync.server.config import Nights
from jupyter_drive_sync.server.nightly import Nightly, system_zone
from jupyter_drive_sync.server.schedule import Schedule
from tests.server.virtual_loop import run, virtual_datetime
from tests.virtual_clock import VirtualClock

ZURICH = "Europe/Zurich"
HOUR = 3600.0
DAY = 24 * HOUR


def at(text: str, zone: str = ZURICH) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def local(moment: float, zone: str = ZURICH) -> str:
    return datetime.fromtimestamp(moment, ZoneInfo(zone)).strftime("%m-%d %H:%M")


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secret


class Stage:
    """A schedule, its clock, and what it did."""

    def __init__(self, clock: VirtualClock, **nights: Any) -> None:
        self.clock = clock
        self.runs: list[float] = []
        self.last: float | None = clock.wall()
        self.takes = 60.0
        self.busy_until = 0.0
        self.shown: list[str] = []
        self.at_once = 0
        self.expression = str(nights.pop("schedule", "0 3 * * *"))
        usual = {"jitter": 0, "catch_up": 1800, "busy_wait": 7200}
        self.schedule = Schedule(
            Nights(**{**usual, **nights}),
            run=self._run,
            last_run=self._last_run,
            busy=lambda: clock.wall() < self.busy_until,
            changed=lambda: self.shown.append(self.schedule.waiting_for),
            wall=clock.wall,
            rng=seeded(7),
        )

    async def _run(self) -> None:
        self.runs.append(self.clock.wall())
        self.at_once += 1
        assert self.at_once == 1, "one at a time"
        await asyncio.sleep(self.takes)
        self.at_once -= 1
        self.last = self.clock.wall()

    async def _last_run(self) -> float | None:
        return self.last

    def live(self, seconds: float, zone: str = ZURICH, during: Any = None) -> None:
        """Let a server live for so long."""

        async def life() -> None:
            await self.schedule.start(self.expression, zone, "")
            if during is not None:
                await during(self.schedule)
            await asyncio.sleep(seconds)
            await self.schedule.stop()
            await asyncio.sleep(0)

        run(self.clock, life())


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stage]:
    def make(moment: str, **nights: Any) -> Stage:
        clock = VirtualClock(at(moment))
        virtual_datetime(clock, monkeypatch)
        return Stage(clock, **nights)

    return make


Make = Callable[..., Stage]
During = Callable[[Schedule], Coroutine[Any, Any, None]]


def test_every_night_at_three(stage: Make) -> None:
    scene = stage("2026-11-20 12:00")
    scene.live(7 * DAY)
    assert [local(moment) for moment in scene.runs] == [f"11-{day} 03:00" for day in range(21, 28)]


def test_jitter_stays_in_its_window_and_never_doubles(stage: Make) -> None:
    offsets = set()
    for seed in range(20):
        scene = stage("2026-11-20 12:00", jitter=600)
        scene.schedule.rng = seeded(seed)
        scene.live(3 * DAY)
        assert len(scene.runs) == 3
        late = [moment - at(f"2026-11-{21 + day} 03:00") for day, moment in enumerate(scene.runs)]
        assert all(0 <= seconds <= 601 for seconds in late)
        offsets.add(round(late[0]))
    assert len(offsets) > 15, "servers are spread"


def test_a_missed_night_is_made_up_for_within_half_an_hour(stage: Make) -> None:
    starts = set()
    for seed in range(10):
        scene = stage("2026-11-20 09:00")
        scene.schedule.rng = seeded(seed)
        scene.last = at("2026-11-19 03:00")
        scene.live(2 * HOUR)
        (moment,) = scene.runs
        assert 0 <= moment - at("2026-11-20 09:00") <= 1800
        starts.add(round(moment))
    assert len(starts) == 10


def test_a_night_that_was_not_missed_is_not_made_up_for(stage: Make) -> None:
    scene = stage("2026-11-20 09:00")
    scene.last = at("2026-11-20 03:00:05")
    scene.live(2 * HOUR)
    assert scene.runs == []


def test_many_missed_nights_are_one_run(stage: Make) -> None:
    scene = stage("2026-11-20 09:00")
    scene.last = at("2026-10-01 03:00")
    scene.live(12 * HOUR)
    assert len(scene.runs) == 1


def test_no_catch_up_where_it_is_off_or_nothing_is_connected(stage: Make) -> None:
    scene = stage("2026-11-20 09:00", catch_up=0)
    scene.last = at("2026-10-01 03:00")
    scene.live(2 * HOUR)
    assert scene.runs == []
    scene = stage("2026-11-20 09:00")
    scene.last = None
    scene.live(2 * HOUR)
    assert scene.runs == []


def test_somebody_who_synced_meanwhile_needs_no_catch_up(stage: Make) -> None:
    scene = stage("2026-11-20 09:00")
    scene.last = at("2026-11-19 03:00")

    async def sync_now(_: Schedule) -> None:
        scene.last = scene.clock.wall() + 1

    scene.live(2 * HOUR, during=sync_now)
    assert scene.runs == []


def test_a_catch_up_that_runs_at_the_due_time_is_the_nights_run(stage: Make) -> None:
    scene = stage("2026-11-20 02:58")
    scene.last = at("2026-11-18 03:00")
    scene.takes = 2 * HOUR
    scene.schedule.rng = seeded(1)
    scene.live(10 * HOUR)
    assert len(scene.runs) == 1


def test_busy_kernels_are_waited_for(stage: Make) -> None:
    scene = stage("2026-11-20 02:00")
    scene.busy_until = at("2026-11-20 03:40")
    scene.live(5 * HOUR)
    assert [local(moment) for moment in scene.runs] == ["11-20 03:40"]
    assert "kernels" in scene.shown
    assert scene.shown[-1] == ""


def test_but_not_for_ever(stage: Make) -> None:
    scene = stage("2026-11-20 02:00", busy_wait=1800)
    scene.busy_until = at("2026-11-21 00:00")
    scene.live(5 * HOUR)
    assert [local(moment) for moment in scene.runs] == ["11-20 03:30"]


def test_clocks_set_forward_and_back(stage: Make) -> None:
    scene = stage("2027-03-26 12:00")
    scene.live(4 * DAY)
    assert [local(moment) for moment in scene.runs] == [
        "03-27 03:00",
        "03-28 03:00",
        "03-29 03:00",
        "03-30 03:00",
    ]
    scene = stage("2026-10-23 12:00")
    scene.live(4 * DAY)
    assert [local(moment) for moment in scene.runs] == [
        "10-24 03:00",
        "10-25 03:00",
        "10-26 03:00",
        "10-27 03:00",
    ]


def test_a_time_that_comes_twice_is_one_night(stage: Make) -> None:
    scene = stage("2026-10-24 12:00", schedule="30 2 * * *")
    scene.live(3 * DAY)
    assert [local(moment) for moment in scene.runs] == ["10-25 02:30", "10-26 02:30", "10-27 02:30"]


def test_a_time_that_does_not_come_is_about_then(stage: Make) -> None:
    scene = stage("2027-03-27 12:00", schedule="30 2 * * *")
    scene.live(2 * DAY)
    assert len(scene.runs) == 2


def test_a_laptop_that_slept_runs_once_when_it_wakes(stage: Make) -> None:
    scene = stage("2026-11-20 12:00")

    async def sleeps(_: Schedule) -> None:
        await asyncio.sleep(HOUR)
        scene.clock.jump(3 * DAY)

    scene.live(20 * HOUR, during=sleeps)
    woke = at("2026-11-23 13:00")
    assert woke <= scene.runs[0] <= woke + 300
    assert len(scene.runs) == 2, "once for the nights that passed, once for the next"


def test_the_time_zone(stage: Make) -> None:
    scene = stage("2026-11-20 12:00")
    scene.live(DAY, zone="Asia/Tokyo")
    assert [local(moment, "Asia/Tokyo") for moment in scene.runs] == ["11-21 03:00"]
    scene = stage("2026-11-20 12:00")
    scene.live(DAY, zone="Mars/Olympus")
    assert scene.schedule.zone == system_zone()


def test_another_time_zone_while_it_runs(stage: Make) -> None:
    scene = stage("2026-11-20 12:00")

    async def moves(schedule: Schedule) -> None:
        await schedule.change("0 3 * * *", "", "America/New_York")

    scene.live(DAY, during=moves)
    assert [local(moment, "America/New_York") for moment in scene.runs] == ["11-21 03:00"]


def test_other_nights_while_it_runs(stage: Make) -> None:
    scene = stage("2026-11-20 12:00")

    async def later(schedule: Schedule) -> None:
        await schedule.change("30 4 * * *", ZURICH, "")
        nudger = schedule._nudger
        await schedule.change("30 4 * * *", ZURICH, "")
        assert schedule._nudger is nudger, "nothing new is begun for what is so already"

    scene.live(DAY, during=later)
    assert [local(moment) for moment in scene.runs] == ["11-21 04:30"]


def test_no_nights_any_more_and_nights_again(stage: Make) -> None:
    scene = stage("2026-11-20 12:00")

    async def never(schedule: Schedule) -> None:
        await schedule.change(" ", ZURICH, "")
        assert schedule.next_run(0) is None
        await asyncio.sleep(DAY)
        assert scene.runs == []
        await schedule.change("0 5 * * *", ZURICH, "")

    scene.live(DAY, during=never)
    assert [local(moment) for moment in scene.runs] == ["11-22 05:00"]


def test_what_is_shown_as_the_next_run(stage: Make) -> None:
    scene = stage("2026-11-20 12:00")
    seen: list[str | None] = []

    async def look(schedule: Schedule) -> None:
        for until in (0.0, at("2026-11-22 12:00")):
            found = schedule.next_run(until)
            seen.append(local(found) if found else None)

    scene.live(60, during=look)
    assert seen == ["11-21 03:00", "11-23 03:00"]
    assert scene.schedule.next_run(0) is None, "it stopped"


def test_no_schedule_no_night(stage: Make) -> None:
    scene = stage("2026-11-20 12:00", schedule="")
    scene.live(7 * DAY)
    assert scene.runs == []
    assert scene.schedule.zone == ZURICH


def test_missed() -> None:
    nightly = Nightly({"minute": "0", "hour": "3"}, ZURICH, 300)
    due = at("2026-11-20 03:00")
    assert nightly.missed(due - 1, due)
    assert not nightly.missed(due + 1, due + HOUR)
    assert not nightly.missed(due - HOUR, due - 1)
    assert nightly.after(due - HOUR) == due + 300
    assert datetime.fromtimestamp(due, UTC).hour == 2


def test_nothing_of_it_is_left_on_the_loop(stage: Make) -> None:
    """A loop that ends right after it, as a server's does, finds no task that is pending still."""
    scene = stage("2026-11-20 12:00")

    async def life() -> None:
        before = asyncio.all_tasks()
        await scene.schedule.start("0 3 * * *", ZURICH, "")
        assert asyncio.all_tasks() > before
        await scene.schedule.stop()
        assert asyncio.all_tasks() == before

    run(scene.clock, life())


def test_it_is_stopped_before_it_began_and_twice(stage: Make) -> None:
    scene = stage("2026-11-20 12:00")

    async def life() -> None:
        await scene.schedule.stop()
        await scene.schedule.start("0 3 * * *", ZURICH, "")
        await scene.schedule.stop()
        await scene.schedule.stop()

    run(scene.clock, life())
    assert scene.schedule.next_run(0) is None
