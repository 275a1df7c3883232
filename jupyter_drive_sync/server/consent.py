"""Asking a person for consent from within Jupyter: by this browser, or by a code typed elsewhere.

The question is bound to the browser that asked, by a cookie; its ``state`` counts once and for ten
minutes; PKCE binds the code to us. Code, verifier and state are kept in memory alone.

Sources: Google Identity guides, "OAuth 2.0 for Web Server Applications", "OAuth 2.0 for iOS &
Desktop Apps" (loopback address), "OAuth 2.0 for TV and Limited-Input Device Applications"; RFC 7636
(PKCE), RFC 8252 sections 7.3 and 8.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from jupyter_drive_sync.drive.oauth import (
    SCOPES,
    ClientFile,
    Pkce,
    consent_url,
    new_pkce,
    new_state,
    read_answer,
)
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.drive.wire import is_loopback
from jupyter_drive_sync.engine.report import describe
from jupyter_drive_sync.errors import (
    BadClientFile,
    ConsentDenied,
    ConsentTimeout,
    DriveSyncError,
    RunCancelled,
)
from jupyter_drive_sync.runner.consent import DEVICE_CODE, PATIENCE
from jupyter_drive_sync.runner.hub import LOOK
from jupyter_drive_sync.runner.page import Page
from jupyter_drive_sync.runner.parent import Child
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Event, Note
from jupyter_drive_sync.server import pages
from jupyter_drive_sync.server.origin import Origin
from jupyter_drive_sync.server.passes import Crew

_DEVICE_PATIENCE: Final = 1800.0
"""Seconds for which Google's device codes are good, as its guide shows."""
_NOT_BY_CODE: Final = (
    "Google lets a client for TVs and limited input devices see only what it made itself; use one "
    'of the type "Desktop app" or "Web application"'
)
_ANSWERED: Final = 32
"""States that are remembered after they were answered, to tell a replay from a forgery."""

Flow = Literal["browser", "device", "hub"]
State = Literal["waiting", "exchanging", "connected", "failed", "expired"]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a permission is for.

    Attributes:
        place: has the client that asks, and keeps the permission.
        storage: name of the storage; ``""``: the mirror of the home.
        scopes: what is asked for, all of it needed.
    """

    place: Place
    storage: str = ""
    scopes: tuple[str, ...] = SCOPES


@dataclass
class Attempt:
    """One attempt to connect.

    Attributes:
        purpose: what it is for.
        flow: ``browser``, ``device`` or ``hub``.
        time_zone: the browser's.
        sync: whether success begins a sync.
        expires: epoch seconds.
        deadline: the same on the monotonic clock.
        state: how far it is.
        problem: why it failed.
        url: where the person goes.
        user_code: what is typed there.
    """

    purpose: Purpose
    flow: Flow
    time_zone: str
    sync: bool
    expires: float
    deadline: float
    state: State = "waiting"
    problem: DriveSyncError | None = None
    url: str = ""
    user_code: str = ""
    child: Child | None = None

    @property
    def open(self) -> bool:
        """Whether it may still succeed."""
        return self.state in ("waiting", "exchanging")


@dataclass(frozen=True, slots=True)
class _Question:
    """What must come back with the browser."""

    state: Secret
    browser: Secret
    pkce: Pkce
    redirect_uri: str
    attempt: Attempt


class Consent:
    """Asks, hears the answer, and has a child exchange it.

    Args:
        place: the home to connect.
        crew: runs the children.
        wall: seconds since the epoch.
        clock: monotonic seconds.
        told: is called when an attempt moved on.
        connected: is called with the attempt that succeeded.
    """

    def __init__(
        self,
        place: Place,
        crew: Crew,
        *,
        wall: Callable[[], float],
        clock: Callable[[], float],
        told: Callable[[], None],
        connected: Callable[[Attempt], None],
    ) -> None:
        self._home = Purpose(place)
        self._crew = crew
        self._wall = wall
        self._clock = clock
        self._told = told
        self._connected = connected
        self._questions: OrderedDict[Secret, _Question] = OrderedDict()
        self._answered: OrderedDict[Secret, Secret] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None
        self.attempt: Attempt | None = None

    # -- asking -----------------------------------------------------------------------------------

    async def begin(
        self,
        client: ClientFile,
        origin: Origin,
        *,
        device: bool,
        time_zone: str = "",
        sync: bool = False,
        purpose: Purpose | None = None,
    ) -> tuple[Attempt, Secret | None]:
        """Begin an attempt; one before it ends, whatever it was for.

        Args:
            client: who asks.
            origin: where the browser reaches us.
            device: whether a code shall be typed elsewhere.
            time_zone: the browser's.
            sync: whether success begins a sync.
            purpose: what it is for; the mirror of the home by default.

        Returns:
            The attempt, and what the browser must bring back as its cookie.

        Raises:
            BadClientFile: this client cannot be answered at this server.
            DriveSyncError: Google gave no device code.
        """
        self.abandon()
        purpose = purpose or self._home
        wide = set(purpose.scopes) != set(SCOPES)
        if device or client.kind == "tv":
            if wide:
                raise BadClientFile(path=client.path, problem=_NOT_BY_CODE)
            attempt = self._new(purpose, "device", time_zone, _DEVICE_PATIENCE, sync=sync)
            self.attempt = attempt
            await self._begin_device(attempt)
            return attempt, None
        redirect_uri = redirect_for(client, origin, by_code=not wide)
        attempt = self._new(purpose, "browser", time_zone, PATIENCE, sync=sync)
        question = _Question(
            new_state(), Secret(secrets.token_urlsafe(32)), new_pkce(), redirect_uri, attempt
        )
        self._questions[question.state] = question
        while len(self._questions) > _ANSWERED:
            self._questions.popitem(last=False)
        attempt.url = consent_url(
            client, redirect_uri, question.state, question.pkce.challenge, scopes=purpose.scopes
        )
        self.attempt = attempt
        self._told()
        return attempt, question.browser

    def begin_at_hub(
        self, url: str, consented: Callable[[], Awaitable[bool]], *, time_zone: str, sync: bool
    ) -> Attempt:
        """Begin an attempt that the hub's own page carries out; one before it ends.

        Args:
            url: of that page.
            consented: asks the hub whether it is done.
            time_zone: the browser's.
            sync: whether success begins a sync.
        """
        self.abandon()
        attempt = self._new(self._home, "hub", time_zone, PATIENCE, sync=sync)
        attempt.url = url
        self.attempt = attempt
        self._watch = self._follow(self._watch_hub(attempt, consented))
        self._told()
        return attempt

    def abandon(self) -> None:
        """Give the attempt up; an answer to it comes too late."""
        if self.attempt is not None and self.attempt.state == "waiting":
            self._move(self.attempt, "expired")
            if self.attempt.child is not None:
                self.attempt.child.cancel()
        if self._watch is not None:
            self._watch.cancel()
        self.attempt = None

    def described(self, *, owner: bool) -> dict[str, Any] | None:
        """Put the attempt into the form in which the front end reads it.

        The address of Google's page is not in it: it is for the browser that asked. Nor is a code
        for anybody but the owner: who types it decides whose Drive the files go to.
        """
        attempt = self.attempt
        if attempt is None:
            return None
        late = attempt.state == "waiting" and self._clock() > attempt.deadline
        problem = ConsentTimeout(minutes=round(PATIENCE / 60)) if late else attempt.problem
        return {
            "storage": attempt.purpose.storage,
            "flow": attempt.flow,
            "state": "expired" if late else attempt.state,
            "url": attempt.url if owner and attempt.flow != "browser" else "",
            "user_code": attempt.user_code if owner else "",
            "expires": attempt.expires,
            "problem": describe(problem) if problem else None,
        }

    # -- hearing ----------------------------------------------------------------------------------

    async def answer(self, query: str, browser: Secret) -> Page:
        """Take what Google sent the browser back with.

        Args:
            query: of the address, without ``?``.
            browser: what its cookie holds.
        """
        state = Secret(parse_qs(query).get("state", [""])[0])
        if not state or not browser:
            return pages.FORGED
        if (owner := self._answered.get(state)) is not None:
            return pages.REPLAYED if owner == browser else pages.FORGED
        question = self._questions.get(state)
        if question is None or question.browser != browser:
            return pages.FORGED
        self._questions.pop(state)
        self._answered[state] = browser
        while len(self._answered) > _ANSWERED:
            self._answered.popitem(last=False)
        attempt = question.attempt
        if attempt.state != "waiting" or self._clock() > attempt.deadline:
            if attempt.open:
                self._move(attempt, "expired")
            return pages.EXPIRED
        return await self._exchange(question, query)

    async def close(self) -> None:
        """Wait for what is under way; its children have ended."""
        self.abandon()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- parts ------------------------------------------------------------------------------------

    async def _exchange(self, question: _Question, query: str) -> Page:
        attempt = question.attempt
        try:
            code = read_answer(query, question.state)
        except DriveSyncError as problem:
            self._move(attempt, "failed", problem)
            return pages.denied(problem.sentence)
        self._move(attempt, "exchanging")
        purpose = attempt.purpose
        job = purpose.place.job(
            "exchange",
            args={"redirect_uri": question.redirect_uri, "scopes": list(purpose.scopes)},
            secrets={"code": code.reveal(), "verifier": question.pkce.verifier.reveal()},
        )
        try:
            account = await self._crew.perform(job)
        except DriveSyncError as problem:
            self._move(attempt, "failed", problem)
            return pages.failed(problem.sentence)
        self._succeed(attempt)
        return pages.connected(str(account["email"]), purpose.storage)

    async def _begin_device(self, attempt: Attempt) -> None:
        """Start a child that asks for a code and waits for the answer; return with the code."""
        loop = asyncio.get_running_loop()
        coded: asyncio.Future[None] = loop.create_future()
        self._follow(self._follow_device(attempt, coded))
        try:
            await asyncio.shield(coded)
        except DriveSyncError as problem:
            if problem.code == RunCancelled.code:
                raise ConsentDenied(problem="it was asked for anew meanwhile") from None
            raise

    async def _follow_device(self, attempt: Attempt, coded: asyncio.Future[None]) -> None:
        """Hear the child to its end; ``coded`` is done with the code, or with what met it."""

        def heard(event: Event) -> None:
            if isinstance(event, Note) and event.code == DEVICE_CODE and not coded.done():
                attempt.url = str(event.values["verification_url"])
                attempt.user_code = str(event.values["user_code"])
                coded.set_result(None)
                self._told()

        def born(child: Child) -> None:
            attempt.child = child
            if not attempt.open:
                child.cancel()

        try:
            purpose = attempt.purpose
            job = purpose.place.job("device", args={"scopes": list(purpose.scopes)})
            await self._crew.perform(job, heard, born)
        except DriveSyncError as problem:
            if attempt.open:
                self._move(attempt, "failed", problem)
            if not coded.done():
                coded.set_exception(problem)
        else:
            self._succeed(attempt)

    async def _watch_hub(self, attempt: Attempt, consented: Callable[[], Awaitable[bool]]) -> None:
        """Look until the person has consented at the hub, or nobody waits for it any more."""
        while attempt.state == "waiting":
            await asyncio.sleep(LOOK)
            if attempt.state != "waiting":
                return
            if await consented():
                self._succeed(attempt)
            elif self._clock() > attempt.deadline:
                self._move(attempt, "expired")

    def _follow(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _new(
        self, purpose: Purpose, flow: Flow, time_zone: str, patience: float, *, sync: bool
    ) -> Attempt:
        expires, deadline = self._wall() + patience, self._clock() + patience
        return Attempt(purpose, flow, time_zone, sync, expires, deadline)

    def _succeed(self, attempt: Attempt) -> None:
        attempt.state = "connected"
        self._connected(attempt)
        self._told()

    def _move(self, attempt: Attempt, state: State, problem: DriveSyncError | None = None) -> None:
        attempt.state, attempt.problem = state, problem
        self._told()


def redirect_for(client: ClientFile, origin: Origin, *, by_code: bool = True) -> str:
    """Return the address at which Google may answer this client at this server.

    Args:
        client: who asks.
        origin: where the browser reaches us.
        by_code: whether a code that is typed elsewhere would do in its place.

    Raises:
        BadClientFile: there is none; says what to do about it.
    """
    wanted = origin.redirect_uri
    if client.kind == "web":
        if wanted in client.redirect_uris:
            return wanted
        raise BadClientFile(
            path=client.path,
            problem=f"its web client may not be answered at {wanted}; add that address to its "
            "authorized redirect URIs in Google's console",
        )
    parts = urlsplit(origin.address)
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return wanted
    raise BadClientFile(
        path=client.path,
        problem=f"its desktop client can only be answered at this machine, and you reach Jupyter "
        f"as {origin.address}; use a web client with the redirect address {wanted}"
        + (", or a client for TVs and limited input devices" if by_code else ""),
    )
