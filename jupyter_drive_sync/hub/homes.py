"""A person's turn where all homes are mounted here: a child process syncs the home.

No server is started, and none is asked. The home's own state folder has home id, records and lease,
shared with the person's server: where that one syncs just now, it is left to it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, Protocol

from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import DriveSyncError, Internal, Offline, RunBusy
from jupyter_drive_sync.hub.budget import Cost
from jupyter_drive_sync.hub.home_runner import HomeRunner, Order, was_late
from jupyter_drive_sync.hub.journal import Journal
from jupyter_drive_sync.hub.night_config import NightSettings
from jupyter_drive_sync.hub.people import Person, Turn
from jupyter_drive_sync.hub.reports import FAILED, RUNNING, SYNCED, WITH_ERRORS, Report
from jupyter_drive_sync.hub.servers import Ending
from jupyter_drive_sync.runner.protocol import Event, Progress, Token

_OURS: Final = {"concurrency": 4, "keep_whole_folders": True}
"""Settings of a sync by night, where the admin decided nothing else: it shares the project's
minute, and a course that was rotated out stays readable."""
_TOKEN_SECONDS: Final = 90.0
_FILE_UNITS: Final = 50
_OUTCOMES: Final = {"completed": SYNCED, "completed_with_errors": WITH_ERRORS}


class MadeToken(Protocol):
    """An access token, as the service makes it."""

    @property
    def token(self) -> Secret:
        """The secret."""
        ...

    @property
    def expires_at(self) -> float:
        """Epoch seconds."""
        ...


AccessToken = Callable[[str, str, bool], Awaitable[tuple[MadeToken, str, str]]]
"""Makes an access token for user and home id, told whether Drive refused the last one; also returns
the client's Google project and the account's permission id."""


TokensLater = Callable[[str, bool], Awaitable[Token]]
CarryOut = Callable[
    [Order, TokensLater, Callable[[Event], None], threading.Event], Awaitable[Mapping[str, Any]]
]
"""Carries out an order without holding the event loop up; errors as :meth:`HomeRunner.sync`."""


def in_threads(runner: HomeRunner, threads: int) -> CarryOut:
    """Return what carries orders out in threads.

    Args:
        runner: syncs a home.
        threads: most syncs at once.
    """
    pool = ThreadPoolExecutor(max(1, threads), "night-home")

    async def carry_out(
        order: Order,
        tokens: TokensLater,
        heard: Callable[[Event], None],
        over: threading.Event,
    ) -> Mapping[str, Any]:
        loop = asyncio.get_running_loop()

        def make(home_id: str, refused: bool) -> Token:
            asked = asyncio.run_coroutine_threadsafe(_awaited(tokens(home_id, refused)), loop)
            try:
                return asked.result(_TOKEN_SECONDS)
            except TimeoutError:
                raise Offline from None

        def hear(event: Event) -> None:
            loop.call_soon_threadsafe(heard, event)

        work = loop.run_in_executor(pool, lambda: runner.sync(order, make, hear, over))
        values: Mapping[str, Any] = await asyncio.shield(work)
        return values

    return carry_out


async def _awaited(made: Awaitable[Token]) -> Token:
    return await made


class Homes:
    """Carries turns out on homes that are mounted in this process.

    Args:
        carry_out: syncs a home.
        journal: has each step before it is done.
        settings: of the night.
        access_token: makes access tokens.
        token_uri: where the service's client gets tokens.
        wall: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        carry_out: CarryOut,
        journal: Journal,
        settings: NightSettings,
        access_token: AccessToken,
        token_uri: str,
        wall: Callable[[], float],
    ) -> None:
        self._carry_out = carry_out
        self._journal = journal
        self._settings = settings
        self._access_token = access_token
        self._token_uri = token_uri
        self._wall = wall
        self.heard: Callable[[tuple[str, str], Report], None] = lambda _key, _report: None
        self.settings_for: Callable[[str], Mapping[str, Any]] = lambda _: settings.settings
        """What the admin set for a user."""
        self.courses_for: Callable[[str], Sequence[Mapping[str, str]]] = lambda _: ()
        """The courses that a user's home is given."""

    async def run(self, turn: Turn, until: float) -> Ending:
        """Carry out a turn; one that a killed service left begins anew, and goes on where it was.

        Args:
            turn: as it was written down last.
            until: epoch seconds when the sync has to be over.
        """
        person = await self._journal.do(self._journal.store.person, *turn.key)
        if person is None:
            return Ending("failed", "night.gone")
        now = self._wall()
        order = self.order(person, turn.night, until - now)
        await self._journal.note(
            turn, state="syncing", began=now, tries=turn.tries + 1, shard="", pinged=now
        )
        over = threading.Event()

        def hear(event: Event) -> None:
            if isinstance(event, Progress):
                self.heard(turn.key, so_far(event))

        async def make(home_id: str, refused: bool) -> Token:
            return await self.token(turn.user, home_id, refused=refused)

        try:
            values = await self._carry_out(order, make, hear, over)
        except asyncio.CancelledError:
            over.set()
            raise
        except DriveSyncError as problem:
            return failed(problem)
        return ended(values, turn.activity)

    def order(self, person: Person, night: str, seconds: float) -> Order:
        """Say what is to be done for a person; settings of theirs come from their groups."""
        order = make_order(self._settings, person, night, seconds, self.settings_for(person.user))
        return replace(order, courses=self.courses_for(person.user))

    async def token(self, user: str, home_id: str, *, refused: bool) -> Token:
        """Make an access token for one home.

        Raises:
            DriveSyncError: there is none.
        """
        made, project, account = await self._access_token(user, home_id, refused)
        lasts = max(0.0, made.expires_at - self._wall())
        return Token(made.token.reveal(), lasts, self._token_uri, project, account)


def make_order(
    settings: NightSettings,
    person: Person,
    night: str,
    seconds: float,
    theirs: Mapping[str, Any],
) -> Order:
    """Say what is to be done for a person."""
    return Order(
        night=night,
        user=person.user,
        server=person.server,
        home=home_name(settings.homes_name, person.user),
        drive_folder=settings.drive_folder.replace("{username}", person.user),
        homes_user=settings.homes_user,
        confine=settings.homes_confine,
        seconds=max(1.0, min(seconds, settings.pass_seconds)),
        settings={**_OURS, **theirs},
        args={"by_night": True, **({"final": person.final_folder} if person.final else {})},
    )


def home_name(pattern: str, user: str) -> str:
    """Return where somebody's home lies below the folder of the homes.

    A user name is one part of a path and never leads elsewhere: it has no slash, and is neither
    ``.`` nor ``..``.
    """
    odd = "/" in user or user in ("", ".", "..") or "\0" in user
    plain = escaped(user) if odd else user
    return pattern.replace("{username}", plain).replace("{escaped}", escaped(user)).strip("/")


def escaped(user: str) -> str:
    """Write a name as KubeSpawner's ``{username}`` does: all but ``a-z0-9`` as ``-`` and hex.

    Source: KubeSpawner, "Templated fields", scheme ``escape``; escapism 1.0.
    """
    safe = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(
        char if char in safe else "".join(f"-{byte:x}" for byte in char.encode())
        for char in user.lower()
    )


def ended(values: Mapping[str, Any], activity: float) -> Ending:
    """Read what a sync brought."""
    if values.get("paused"):
        return Ending("theirs", baseline=None)
    counters = values.get("counters") or {}
    problem = values.get("problem") or {}
    report = Report(
        outcome=_OUTCOMES.get(str(values.get("outcome")), FAILED),
        problem=str(problem.get("code") or ("held.deletions" if values.get("holds") else "")),
        files=int(values.get("objects") or 0),
        left_out=int(counters.get("left_out") or 0),
        held=int(counters.get("held") or 0),
        cost=Cost(int(counters.get("quota_units") or 0), int(counters.get("bytes_sent") or 0)),
    )
    return Ending(report.outcome, report.problem, report=report, baseline=activity)


def failed(problem: DriveSyncError) -> Ending:
    """Read why a sync failed."""
    if was_late(problem):
        return Ending("late", "night.late")
    if problem.code == RunBusy.code:
        return Ending("theirs")
    text = problem.sentence if problem.who == "admin" or problem.code != Internal.code else ""
    return Ending("failed", problem.code, text, report=Report(FAILED, problem.code))


def so_far(event: Progress) -> Report:
    """Reckon what a sync under way has used."""
    return Report(RUNNING, cost=Cost(event.done * _FILE_UNITS, event.bytes_done))
