"""A person's turn where each home lies behind their own server: start it, wait, stop it.

Nothing is sent to the server. It asks the broker when it starts, finds that it is due, syncs and
reports. Only what the night started is stopped, and only while nobody uses it: the hub's own record
of the server's activity decides, and where that leaves a doubt, the server is watched first.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import dataclass
from logging import Logger
from random import Random
from typing import Final

from jupyter_drive_sync.hub.hub_api import (
    AlreadyRunning,
    HubApi,
    HubDown,
    HubRefused,
    HubServer,
    Pending,
    TooMany,
)
from jupyter_drive_sync.hub.journal import Journal
from jupyter_drive_sync.hub.night_config import NightSettings
from jupyter_drive_sync.hub.people import Turn
from jupyter_drive_sync.hub.reports import Report

_LOOK: Final = 60.0
"""Seconds between two looks at whether a silent server still lives."""
_FIRST_WORD: Final = 300.0
"""Seconds after its start within which a server with the extension has asked the broker."""
_STOP_PATIENCE: Final = 1800.0
_PAUSE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ended.

    Attributes:
        outcome: see :class:`~jupyter_drive_sync.hub.people.Turn`.
        problem: code, or ``""``.
        text: what the hub said to it.
        report: the last word on the sync.
        baseline: activity that is covered now, epoch seconds; None where it stays as it was.
    """

    outcome: str
    problem: str = ""
    text: str = ""
    report: Report | None = None
    baseline: float | None = None


class _Came(enum.Enum):
    """Where a server came from."""

    NOWHERE = enum.auto()
    """There is none yet."""
    STARTED = enum.auto()
    FOUND = enum.auto()
    """It was up already when we looked, and may be ours."""


class Words:
    """Hands what servers say to whoever waits for it."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, str], Report] = {}
        self._events: dict[tuple[str, str], asyncio.Event] = {}
        self.asked: set[tuple[str, str]] = set()
        """Whose server has asked whether it is due, since its turn began."""

    def open(self, key: tuple[str, str]) -> None:
        """Begin to listen."""
        self._latest.pop(key, None)
        self._events[key] = asyncio.Event()
        self.asked.discard(key)

    def close(self, key: tuple[str, str]) -> None:
        """Listen no more."""
        self._events.pop(key, None)
        self._latest.pop(key, None)
        self.asked.discard(key)

    def say(self, key: tuple[str, str], report: Report) -> None:
        """Pass a word on."""
        if key in self._events:
            self._latest[key] = report
            self.asked.add(key)
            if report.final:
                self._events[key].set()

    def latest(self, key: tuple[str, str]) -> Report | None:
        """Return the last word."""
        return self._latest.get(key)

    async def final(self, key: tuple[str, str], seconds: float) -> bool:
        """Wait for the last word; tell whether it came."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._events[key].wait()
        except TimeoutError:
            return False
        return True


class Servers:
    """Carries out turns through the Hub API.

    Args:
        api: the hub.
        journal: has each step before it is done.
        settings: of the night.
        words: what servers say.
        wall: seconds since the epoch.
        rng: jitter.
        log: for the admin.
    """

    def __init__(
        self,
        *,
        api: HubApi,
        journal: Journal,
        settings: NightSettings,
        words: Words,
        wall: Callable[[], float],
        rng: Random,
        log: Logger,
    ) -> None:
        self._api = api
        self._journal = journal
        self._settings = settings
        self._words = words
        self._wall = wall
        self._rng = rng
        self._log = log

    async def run(self, turn: Turn, until: float) -> Ending:
        """Carry out a turn, or what a killed service left of one.

        Args:
            turn: as it was written down last.
            until: epoch seconds when the sync has to be over.
        """
        self._words.open(turn.key)
        try:
            if turn.state in ("planned", "starting"):
                ending = await self._start(turn, until)
                if ending is not None:
                    return ending
            elif turn.state == "syncing":
                # Its server may have waited for us to come back.
                until = max(until, self._wall() + _FIRST_WORD)
                ending = await self._await_report(turn, until, grace=_FIRST_WORD)
                return await self._stop(turn, ending)
            if turn.state == "syncing":
                ending = await self._await_report(turn, until)
            else:
                ending = Ending(turn.outcome or "late", turn.problem)
            return await self._stop(turn, ending)
        finally:
            self._words.close(turn.key)

    # -- start ------------------------------------------------------------------------------------

    async def _start(self, turn: Turn, until: float) -> Ending | None:
        """Have the server up; return how the turn ended where that cannot be."""
        give_up = min(until, self._wall() + 2 * self._settings.spawn_seconds)
        while self._wall() < give_up and turn.tries <= self._settings.tries:
            came = await self._look(turn, give_up)
            if isinstance(came, Ending):
                return came
            if came is not _Came.NOWHERE:
                return await self._up(turn, told=came is _Came.STARTED)
        if turn.asked:
            return await self._failed(turn, "it did not start in time")
        return Ending("late", "night.no_slot")

    async def _look(self, turn: Turn, give_up: float) -> _Came | Ending:
        """See whether there is a server; ask for one where there is none."""
        user = await self._api.user(turn.user)
        if user is None:
            return Ending("failed", "night.gone")
        server = user.servers.get(turn.server)
        if server is None:
            return await self._ask(turn, give_up)
        if server.pending == "stop":
            await self._pause(_PAUSE)
            return _Came.NOWHERE
        if not turn.asked:
            return Ending("theirs")
        if server.ready:
            return _Came.FOUND
        return await self._watched(turn, give_up)

    async def _ask(self, turn: Turn, give_up: float) -> _Came | Ending:
        """Ask for a server, having written down that we do."""
        before = turn.asked
        await self._journal.note(turn, state="starting", asked=self._wall(), tries=turn.tries + 1)
        try:
            up = await self._api.start(turn.user, turn.server, self._settings.spawn_options)
        except AlreadyRunning:
            # Where an earlier answer was lost, it may be ours.
            return _Came.NOWHERE if before else Ending("theirs")
        except (Pending, TooMany) as problem:
            # The hub refused for now: nothing was started, and that was no try.
            await self._journal.note(turn, asked=before, tries=turn.tries - 1)
            await self._pause(problem.after if isinstance(problem, TooMany) else _PAUSE)
            return _Came.NOWHERE
        except HubDown:
            await self._pause(_PAUSE)
            return _Came.NOWHERE
        except HubRefused as problem:
            return Ending("failed", "night.start_refused", problem.message)
        return _Came.STARTED if up else await self._watched(turn, give_up)

    async def _watched(self, turn: Turn, give_up: float) -> _Came | Ending:
        """Watch a start: nobody can have used a server that we see come up."""
        why = await self._await_start(turn, give_up)
        if why is None:
            return _Came.NOWHERE
        return await self._failed(turn, why) if why else _Came.STARTED

    async def _await_start(self, turn: Turn, give_up: float) -> str | None:
        """Watch a start; ``""`` when it is up, None when the hub went away, else why not."""
        seconds = min(self._settings.spawn_seconds, give_up - self._wall())
        try:
            return await self._api.await_start(turn.user, turn.server, max(1.0, seconds))
        except HubDown:
            await self._pause(_PAUSE)
            return None

    async def _failed(self, turn: Turn, why: str) -> Ending:
        """A start failed; the hub has cleaned up, or is asked to."""
        ending = Ending("failed", "night.start_failed", why)
        stopped = await self._stop(turn, ending)
        return Ending(ending.outcome, ending.problem, ending.text, baseline=stopped.baseline)

    async def _up(self, turn: Turn, *, told: bool) -> Ending | None:
        """Take note of a server that is up, and of its activity before anybody can have used it."""
        user = await self._api.user(turn.user)
        server = user.servers.get(turn.server) if user else None
        if user is None or server is None:
            return Ending("failed", "night.server_gone")
        await self._journal.note(
            turn,
            state="syncing",
            began=self._wall(),
            activity=user.last_activity,
            # Where we did not see it come up, somebody may have used it since.
            seen=server.last_activity if told else 0.0,
        )
        return None

    # -- wait -------------------------------------------------------------------------------------

    async def _await_report(self, turn: Turn, until: float, grace: float = 0.0) -> Ending:
        deadline = min(until, turn.began + self._settings.pass_seconds)
        deadline = max(deadline, self._wall() + grace)
        listening_since = max(turn.began, self._wall())
        while True:
            now = self._wall()
            if turn.reported and self._words.latest(turn.key) is None:
                return Ending(turn.outcome, turn.problem)  # to a service that was killed since
            if await self._words.final(turn.key, min(_LOOK, deadline - now)):
                report = self._words.latest(turn.key)
                assert report is not None  # noqa: S101 - the event says so
                return Ending(report.outcome, report.problem, report=report)
            if self._wall() >= deadline:
                return Ending("late", "night.late", report=self._words.latest(turn.key))
            silent = turn.key not in self._words.asked
            if silent and self._wall() - listening_since >= _FIRST_WORD:
                return Ending("failed", "night.silent")
            if not await self._lives(turn):
                return Ending("failed", "night.server_gone")

    async def _lives(self, turn: Turn) -> bool:
        try:
            user = await self._api.user(turn.user)
        except (HubDown, HubRefused):
            return True  # nobody knows
        return user is not None and turn.server in user.servers

    # -- stop -------------------------------------------------------------------------------------

    async def _stop(self, turn: Turn, ending: Ending) -> Ending:
        """Stop what we started, unless somebody uses it."""
        word = ending.report or self._words.latest(turn.key)
        said = {"outcome": ending.outcome, "problem": ending.problem}
        await self._journal.note(turn, state="stopping", **said)
        end = self._wall() + _STOP_PATIENCE
        doubt = False
        while True:
            user = await self._api.user(turn.user)
            server = user.servers.get(turn.server) if user else None
            if user is None or server is None:
                # Where somebody was there, what they did last may have missed the sync.
                covered = turn.activity if doubt else max(turn.activity, user_activity(user))
                return _with_baseline(ending, covered)
            if self._wall() >= end:
                self._log.warning("The server of %s could not be stopped.", turn.user)
                return Ending(
                    ending.outcome, "night.stop_failed", report=ending.report, baseline=None
                )
            if server.pending:
                await self._pause(2.0)
                continue
            used = await self._in_use(turn, server, word)
            doubt = doubt or used is not False
            if used:
                return _with_baseline(ending, turn.activity)
            try:
                await self._api.stop(turn.user, turn.server)
            except (HubDown, Pending, HubRefused) as problem:
                self._log.info("Stopping the server of %s: %s", turn.user, problem)
                await self._pause(_PAUSE)
                continue
            await self._pause(1.0)

    async def _in_use(self, turn: Turn, server: HubServer, word: Report | None) -> bool | None:
        """Tell whether somebody uses a server; None when somebody may have, but no longer does."""
        if word is not None and word.in_use:
            return True  # its own word can keep it up, until the culler comes; it cannot end it
        if turn.seen and server.last_activity <= turn.seen:
            return False
        await asyncio.sleep(self._settings.quiet_seconds)
        user = await self._api.user(turn.user)
        later = user.servers.get(turn.server) if user else None
        if later is None:
            return None
        return True if later.last_activity > server.last_activity else None

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._rng.uniform(0.5, 1.5))


def user_activity(user: object) -> float:
    """Return the hub's word on somebody's activity; 0 for nobody."""
    return float(getattr(user, "last_activity", 0.0))


def _with_baseline(ending: Ending, baseline: float) -> Ending:
    return Ending(ending.outcome, ending.problem, ending.text, ending.report, baseline)
