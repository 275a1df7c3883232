"""One night under way: whose turn it is, at most so many at once, never beyond the budget.

A person's failure is theirs alone. What began is carried to its end, also when the night is over,
paused, or taken up by another process after a crash.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from logging import Logger
from typing import Any, Final, Protocol

from jupyter_drive_sync.hub.budget import NOTHING, Budget, Cost, Reservation
from jupyter_drive_sync.hub.hub_api import HubDown, HubRefused
from jupyter_drive_sync.hub.journal import Journal
from jupyter_drive_sync.hub.people import Turn
from jupyter_drive_sync.hub.reports import DAY_USED_UP, Report
from jupyter_drive_sync.hub.servers import Ending
from jupyter_drive_sync.hub.window import Night

_LAST_START: Final = 300.0
"""Seconds before its end in which a night begins no further turn."""
_CLEAR_UP: Final = 60.0
"""Seconds before its end at which the last syncs are ended: their servers have to stop, too."""
_LOOK: Final = 60.0
_AGAIN: Final = 60.0
_SILENT: Final = 300.0
"""Seconds without a word after which a worker is believed to be dead."""
_BELIEVED_FROM: Final = 3
"""People whose servers have to say that the project's day is used up before the night believes it;
one of them could be lying."""


class Mode(Protocol):
    """How a turn is carried out."""

    async def run(self, turn: Turn, until: float) -> Ending:
        """Carry out a turn, or what a killed service left of one."""
        ...


Close = Callable[[Turn, Ending], Awaitable[None]]


@dataclass
class Wave:
    """The turns of one night.

    Args:
        night: when.
        mode: how.
        journal: what was done is written there.
        budget: what it may cost.
        close: writes the end of a turn down.
        wall: seconds since the epoch.
        log: for the admin.
        concurrency: turns at once in this process.
        tries: how often a turn is given to workers.
        trusted: whether a report is our own work, and not some server's word.
    """

    night: Night
    mode: Mode
    journal: Journal
    budget: Budget
    close: Close
    wall: Callable[[], float]
    log: Logger
    concurrency: int
    tries: int = 3
    trusted: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    """Turns by outcome."""
    units: int = 0
    stopped: str = ""
    """Why no further turn begins, or ``""``."""
    _regular: list[tuple[float, str, str, Turn]] = field(default_factory=list)
    _first: list[tuple[float, str, str, Turn]] = field(default_factory=list)
    _regular_cost: Cost = NOTHING
    _held: Callable[[Turn], bool] = lambda _: False
    _open: dict[tuple[str, str], tuple[Turn, Reservation]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _day_used_up: set[str] = field(default_factory=set)

    def add(self, turns: Iterable[Turn]) -> None:
        """Let turns wait for their moment."""
        for turn in turns:
            first = turn.why == "first"
            if not first:
                self._regular_cost = _plus(self._regular_cost, _cost(turn), 1)
            heapq.heappush(
                self._first if first else self._regular, (turn.at, turn.user, turn.server, turn)
            )
        self._changed.set()

    def hold(self, held: Callable[[Turn], bool]) -> None:
        """Take note of who is not to be disturbed from now on."""
        self._held = held
        self._changed.set()

    def stop(self, why: str) -> None:
        """Begin no further turn."""
        self.stopped = self.stopped or why
        self._changed.set()

    @property
    def until(self) -> float:
        """When the last sync ends, so that all is quiet when the night is over; epoch seconds."""
        return self.night.end - _CLEAR_UP

    @property
    def waiting(self) -> int:
        """Turns that have not begun."""
        return len(self._regular) + len(self._first)

    def waiting_users(self) -> Iterator[str]:
        """Yield whose turns have not begun."""
        return (item[1] for item in self._regular + self._first)

    @property
    def under_way(self) -> Collection[Turn]:
        """Turns that have begun."""
        return [turn for turn, _ in self._open.values()]

    def has(self, key: tuple[str, str]) -> bool:
        """Tell whether somebody's turn is still to come."""
        return any(item[3].key == key for item in self._regular + self._first)

    def turn_of(self, key: tuple[str, str]) -> Turn | None:
        """Return somebody's turn, if it is under way."""
        found = self._open.get(key)
        return found[0] if found else None

    def heard(self, key: tuple[str, str], report: Report) -> None:
        """Take a word on a sync under way into account."""
        found = self._open.get(key)
        if found is None:
            return
        turn, reservation = found
        self.budget.used(reservation, report.cost)
        turn.units = reservation.spent.units
        if report.final and report.problem == DAY_USED_UP:
            self._day_used_up.add(key[0])
            if self.trusted or len(self._day_used_up) >= _BELIEVED_FROM:
                self.budget.stop_for_today()
                self.log.warning(
                    "Google says that the project's daily quota is used up; the night goes on "
                    "when Google's next day begins, at midnight in California."
                )

    async def run(self) -> None:
        """Carry the night out; returns when all that began has ended."""
        slots = asyncio.Semaphore(max(1, self.concurrency))
        try:
            while self.concurrency:
                await slots.acquire()
                turn = await self._next()
                if turn is None:
                    break
                task = asyncio.get_running_loop().create_task(self.one(turn))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                task.add_done_callback(lambda _: slots.release())
            await self._others()
            if self._tasks:
                await asyncio.wait(self._tasks)
        except asyncio.CancelledError:
            await _cancel(self._tasks)
            raise
        await self._never_began()

    async def finish(self, turns: Iterable[Turn]) -> None:
        """Carry out what a killed service left under way."""
        gate = asyncio.Semaphore(max(1, self.concurrency))

        async def one(turn: Turn) -> None:
            async with gate:
                await self.one(turn)

        turns = [*turns]
        for turn in turns:
            if turn.shard:  # a worker may still be at it
                self.begin(turn)
                turn.pinged = self.wall()
        turns = [turn for turn in turns if not turn.shard]
        tasks = {asyncio.get_running_loop().create_task(one(turn)) for turn in turns}
        self._tasks |= tasks
        try:
            if tasks:
                await asyncio.wait(tasks)
        except asyncio.CancelledError:
            await _cancel(tasks)
            raise
        finally:
            self._tasks -= tasks

    def take(self, accept: Callable[[Turn], bool] = lambda _: True) -> Turn | None:
        """Return the next turn that may begin now, its cost set aside; None when there is none.

        Args:
            accept: whether a turn may be taken by whoever asks.
        """
        if self.stopped or self.wall() > self.night.end - _LAST_START:
            return None
        return self._take(self._regular, accept, NOTHING) or self._take(
            self._first, accept, self._regular_cost
        )

    def begin(self, turn: Turn) -> None:
        """Count a turn as under way."""
        if turn.key not in self._open:
            self._open[turn.key] = (turn, self.budget.reserve(_cost(turn)))

    async def one(self, turn: Turn) -> None:
        """Carry out one turn, whatever happens in it."""
        self.begin(turn)
        ending = Ending("failed", "internal")
        while True:
            try:
                ending = await self.mode.run(turn, self.until)
            except HubDown:
                self.log.warning("The hub does not answer; %s waits for it.", turn.user)
                await asyncio.sleep(_AGAIN)
                continue
            except HubRefused as problem:
                if turn.state in ("syncing", "stopping"):
                    self.log.warning("The hub refuses what %s needs: %s", turn.user, problem)
                    await asyncio.sleep(_AGAIN)
                    if self.wall() < self.night.end + _LAST_START:
                        continue
                ending = Ending("failed", "night.hub_refuses", problem.message)
            except Exception:
                self.log.exception("The turn of %s failed", turn.user)
            break
        await self.end(turn, ending)

    async def end(self, turn: Turn, ending: Ending) -> None:
        """Close a turn."""
        if ending.report is not None:
            self.heard(turn.key, ending.report)
        elif turn.began and not turn.reported:
            # Nobody says what it used: all that was set aside for it, then.
            self.budget.used(self._open[turn.key][1], _cost(turn))
        _, reservation = self._open.pop(turn.key)
        self.budget.close(reservation)
        turn.units = reservation.spent.units
        self.units += turn.units
        self.counts[ending.outcome] += 1
        await self.close(turn, ending)
        self._changed.set()

    # -- who is next ------------------------------------------------------------------------------

    async def _next(self) -> Turn | None:
        while True:
            self._changed.clear()
            now = self.wall()
            if self.stopped or now > self.night.end - _LAST_START or not self.waiting:
                return None
            turn = self.take()
            if turn is not None:
                return turn
            try:
                async with asyncio.timeout(self._seconds(now)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _others(self) -> None:
        """Wait for workers elsewhere: those at work, and where we have none, those to come."""
        while True:
            await self._reap()
            over = bool(self.stopped) or self.wall() > self.night.end - _LAST_START
            theirs = any(turn.shard for turn in self.under_way)
            if not theirs and (over or self.concurrency or not self.waiting):
                return
            await asyncio.sleep(_LOOK)

    async def _reap(self) -> None:
        """Take the turns of workers back that have fallen silent."""
        now = self.wall()
        for turn in [*self.under_way]:
            if not turn.shard or now - turn.pinged < _SILENT:
                continue
            self.log.warning("The worker %s is silent; %s is taken back.", turn.shard, turn.user)
            if turn.tries >= self.tries or now > self.night.end - _LAST_START:
                await self.end(turn, Ending("failed", "night.worker_gone"))
                continue
            await self.journal.note(turn, state="planned", shard="")
            self.budget.close(self._open.pop(turn.key)[1])
            self.add([turn])

    def _seconds(self, now: float) -> float:
        """Return how long nobody's turn can come."""
        due = [heap[0][0] - now for heap in (self._regular, self._first) if heap]
        soonest = min((seconds for seconds in due if seconds > 0), default=_LOOK)
        return min(soonest, _LOOK) if any(seconds <= 0 for seconds in due) else soonest

    def _take(
        self,
        heap: list[tuple[float, str, str, Turn]],
        accept: Callable[[Turn], bool],
        keep_free: Cost,
    ) -> Turn | None:
        now, passed, found = self.wall(), [], None
        while heap and heap[0][0] <= now and found is None:
            item = heapq.heappop(heap)
            turn = item[3]
            if self._held(turn) or not accept(turn):
                passed.append(item)
                continue
            cost = _cost(turn)
            if not self.budget.room(cost, keep_free=keep_free) or self.budget.wait(cost):
                passed.append(item)
                break
            found = turn
        for item in passed:
            heapq.heappush(heap, item)
        if found is not None:
            if found.why != "first":
                self._regular_cost = _plus(self._regular_cost, _cost(found), -1)
            self.begin(found)
        return found

    async def _never_began(self) -> None:
        keys: dict[str, list[tuple[str, str]]] = {}
        for _, user, server, turn in self._regular + self._first:
            outcome = "stopped" if self.stopped or self._held(turn) else "no_room"
            keys.setdefault(outcome, []).append((user, server))
        for outcome, those in keys.items():
            self.counts[outcome] += len(those)
            await self.journal.do(self.journal.store.close_turns, self.night.id, those, outcome)
        self._regular.clear()
        self._first.clear()


def _cost(turn: Turn) -> Cost:
    return Cost(turn.reckoned_units, turn.reckoned_bytes)


def _plus(one: Cost, other: Cost, sign: int) -> Cost:
    return Cost(one.units + sign * other.units, one.bytes + sign * other.bytes)


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
