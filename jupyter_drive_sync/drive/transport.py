"""The one way to send: pace, permit, token, back off, translate.

All calls of ours may be sent again (:mod:`jupyter_drive_sync.drive.api` says why) but for the
chunks of a resumable upload: after a cut only Drive knows what it kept, so
:mod:`jupyter_drive_sync.drive.upload` sends those through :meth:`Transport.once` and asks.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final, Protocol, TypeVar

import httplib2

from jupyter_drive_sync import __version__
from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.drive.pace import MOST_PATIENCE, Pace, backoff, http_date
from jupyter_drive_sync.drive.problems import Verdict, judge_body, judge_exception, judge_reply
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.drive.types import Traffic
from jupyter_drive_sync.drive.wire import Reply, Wire
from jupyter_drive_sync.errors import Busy

T = TypeVar("T")

USER_AGENT: Final = f"jupyter-drive-sync/{__version__} (gzip)"
"""Google compresses only for clients with the word ``gzip`` here.
Source: Drive guide, "Improve performance"."""

_UNITS: Final = {
    "files.get": 5,
    "files.list": 100,
    "changes.list": 100,
    "revisions.list": 100,
    "drives.list": 100,
    "files.download": 200,
    "files.create": 50,
    "files.update": 50,
    "files.copy": 50,
    "files.delete": 50,
    "revisions.update": 50,
}
_OTHER_UNITS: Final = 5
_FIRST_TRIES: Final = 3
"""While nothing has ever answered, so many tries tell that there is no connection."""


def units_of(endpoint: str) -> int:
    """Return the quota units of one call. Source: Drive guide, "Usage limits"."""
    return _UNITS.get(endpoint, _OTHER_UNITS)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request.

    Attributes:
        method: HTTP method.
        uri: address, query and all. Of a resumable session it is a credential.
        endpoint: the method's name in the discovery document; for errors, counters and logs.
        headers: beside those that every request has.
        body: None or bytes, the same ones at every try.
        accept: statuses that are a success.
        units: quota units.
        inner: calls within a batch.
        authorized: whether the access token is sent; never to a session URI.
    """

    method: str
    uri: str = field(repr=False)
    endpoint: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    accept: frozenset[int] = frozenset({200})
    units: int = _OTHER_UNITS
    inner: int = 0
    authorized: bool = True


class Tokens(Protocol):
    """Where access tokens come from. Called by several threads."""

    def token(self) -> Secret:
        """Return an access token that is believed to be good.

        Raises:
            DriveSyncError: there is none to be had, and why.
        """

    def renew(self, refused: Secret) -> None:
        """Replace a token that Drive refused; nothing to do if that has happened already."""


class Failed(Exception):
    """One try failed; :attr:`verdict` says what to make of it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.error.code)
        self.verdict = verdict


class Transport:
    """Sends calls for one account. Safe for several threads.

    Args:
        tokens: source of access tokens.
        wire: makes a connection; called once per thread.
        clock: time.
        random: jitter.
        settings: timeouts, tries, concurrency, bandwidth.
        permit: called before each request and during waits; raises what ends the run
            (``LeaseLost``, ``RunCancelled``).
        on_request: told of each request before it goes out.
    """

    def __init__(
        self,
        tokens: Tokens,
        wire: Callable[[], Wire],
        clock: Clock,
        random: Random,
        settings: Settings,
        *,
        permit: Callable[[], None] = lambda: None,
        on_request: Callable[[Call], None] = lambda _call: None,
    ) -> None:
        self._tokens = tokens
        self._new_wire = wire
        self._clock = clock
        self._random = random
        self._settings = settings
        self._on_request = on_request
        self._lock = threading.Lock()
        self._local = threading.local()
        self._wires: list[Wire] = []
        self._traffic = Traffic()
        self._answered = False
        self._skew = 0.0
        self.pace = Pace(clock, permit, most=settings.concurrency, bandwidth=settings.bandwidth)

    @property
    def traffic(self) -> Traffic:
        """A copy of the counters."""
        with self._lock:
            return replace(self._traffic, waited=self.pace.waited)

    def count_token(self) -> None:
        """Count a request for an access token, which goes another way."""
        with self._lock:
            self._traffic.tokens += 1

    def google_time(self) -> float:
        """Return seconds since the epoch by Google's clock, as the last reply's ``Date`` told it.

        Clocks of machines jump, and two homes' machines differ; before the first reply it is ours.
        """
        return self._clock.wall() - self._skew

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            wires, self._wires = self._wires, []
        for wire in wires:
            wire.close()
        self._local = threading.local()

    def send(self, call: Call, read: Callable[[Reply], T]) -> T:
        """Send until it succeeds, is refused for good, or our patience is over.

        Args:
            call: may be sent more than once.
            read: turns the reply into what the caller wants; a ``ValueError`` says that the body
                makes no sense, and counts as a lost reply.

        Raises:
            DriveSyncError: what went wrong in the end.
        """
        tries = 0
        while True:
            try:
                return self._read(call, self.once(call), read)
            except Failed as failure:
                tries += 1
                self.recover(failure.verdict, tries)

    def once(self, call: Call) -> Reply:
        """Send once, but for a second time when only the access token was too old.

        Raises:
            Failed: with the verdict on what came instead of an accepted status.
            DriveSyncError: the run is over, or there is no access token.
        """
        token = self._tokens.token() if call.authorized else None
        try:
            return self._try(call, token)
        except Failed as failure:
            if token is None or not failure.verdict.token_refused:
                raise
        self._tokens.renew(token)
        self._count(retries=1)
        return self._try(call, self._tokens.token())

    def renew_token(self) -> None:
        """Replace the access token, which Drive refused in a part of a batch.

        Raises:
            DriveSyncError: there is no other to be had.
        """
        self._tokens.renew(self._tokens.token())

    def recover(self, verdict: Verdict, tries: int) -> None:
        """Wait before the next try, or give up.

        Args:
            verdict: on the last try.
            tries: how many there were.

        Raises:
            DriveSyncError: the verdict's error, when it is final or there were enough tries.
        """
        enough = self._settings.retries if self._answered else _FIRST_TRIES
        after = verdict.after or 0.0
        if not verdict.retry or tries >= enough or after > MOST_PATIENCE:
            raise verdict.error
        self._count(retries=1)
        seconds = max(after, backoff(tries, self._random))
        if verdict.error.code == Busy.code:
            self.pace.hold_back(seconds)
        else:
            self.pace.wait(seconds)

    def _try(self, call: Call, token: Secret | None) -> Reply:
        size = len(call.body or b"")
        headers = {"accept-encoding": "gzip", **call.headers, "user-agent": USER_AGENT}
        if token is not None:
            headers["authorization"] = f"Bearer {token.reveal()}"
        with self.pace.turn(size):
            self._on_request(call)
            self._count(requests=1, inner=call.inner, units=call.units, sent=size)
            wire = self._wire()
            try:
                reply = wire.request(call.method, call.uri, headers, call.body)
            except (OSError, httplib2.HttpLib2Error, http.client.HTTPException) as problem:
                wire.close()  # what is left of the connection belongs to the reply that never came
                timeout = self._settings.request_timeout
                raise Failed(judge_exception(problem, call.endpoint, timeout)) from None
            self._note(reply)
        if reply.status in call.accept:
            self.pace.succeeded()
            return reply
        known = () if token is None else (token,)
        verdict = judge_reply(
            reply, call.endpoint, now=self._clock.wall(), skew=self._skew, known=known
        )
        if verdict.throttled:
            self.pace.refused(verdict.after)
        raise Failed(verdict)

    def _wire(self) -> Wire:
        wire: Wire | None = getattr(self._local, "wire", None)
        if wire is None:
            wire = self._local.wire = self._new_wire()
            with self._lock:
                self._wires.append(wire)
        return wire

    def _note(self, reply: Reply) -> None:
        self._answered = True
        said = http_date(reply.headers.get("date", ""))
        if said is not None:
            self._skew = self._clock.wall() - said
        self._count(received=len(reply.body))

    def _count(self, **more: int) -> None:
        with self._lock:
            for name, value in more.items():
                setattr(self._traffic, name, getattr(self._traffic, name) + value)

    @staticmethod
    def _read(call: Call, reply: Reply, read: Callable[[Reply], T]) -> T:
        try:
            return read(reply)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            lost = problem if isinstance(problem, ValueError) else ValueError(repr(problem))
            raise Failed(judge_body(lost, call.endpoint)) from None
