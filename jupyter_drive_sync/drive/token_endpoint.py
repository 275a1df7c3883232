"""Asking the OAuth endpoints: with patience for the network, and with Google's words translated."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import httplib2

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.drive.oauth import ORG_ERRORS, ClientFile, refusal
from jupyter_drive_sync.drive.pace import MOST_PATIENCE, backoff, http_date, retry_after, wait
from jupyter_drive_sync.drive.problems import (
    Verdict,
    clock_error,
    judge_body,
    judge_exception,
    judge_reply,
)
from jupyter_drive_sync.drive.secrets import Grant, redact
from jupyter_drive_sync.drive.wire import Reply, Wire
from jupyter_drive_sync.errors import (
    AuthExpired,
    AuthRevoked,
    BadClientFile,
    Busy,
    ClientGone,
    ConsentDenied,
    DriveSyncError,
    ScopeMissing,
    TestingMode,
)

TOKEN: Final = "access_token"  # noqa: S105 - its name
"""What every token reply holds."""
_TRIES: Final = 4
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
_DAY: Final = 86_400.0
_TESTING_DAYS: Final = (6.5, 7.5)
_NAME: Final = "oauth"
_RATE: Final = frozenset(
    {"rate_limit_exceeded", "rateLimitExceeded", "userRateLimitExceeded", "quota_exceeded"}
)
"""Words for "too fast", all with status 403. Source: Google Identity guide, "OAuth 2.0 for TV and
Limited-Input Device Applications" (quota of device codes), which says ``error_code``."""
_CLIENT_ERRORS: Final = frozenset({"invalid_client", "deleted_client", "unauthorized_client"})


class TokenEndpoint:
    """Sends the few requests that are about tokens and not about files.

    Args:
        wire: makes a connection.
        clock: time.
        random: jitter.
        permit: called before each request; raises what ends the run.
        on_request: told of each request, to be counted.
    """

    def __init__(
        self,
        wire: Callable[[], Wire],
        clock: Clock,
        random: Random,
        *,
        permit: Callable[[], None] = lambda: None,
        on_request: Callable[[], None] = lambda: None,
    ) -> None:
        self._new_wire = wire
        self._clock = clock
        self._random = random
        self._permit = permit
        self._on_request = on_request
        self.skew = 0.0
        """Seconds by which our clock was ahead at the last reply."""

    @property
    def clock(self) -> Clock:
        """Time."""
        return self._clock

    def post(self, uri: str, form: Mapping[str, str], *, holds: str | None = None) -> Reply:
        """Send a form (see :meth:`ask`)."""
        return self.ask("POST", uri, _FORM, urlencode(form).encode(), holds=holds)

    def ask(
        self,
        method: str,
        uri: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        holds: str | None = None,
    ) -> Reply:
        """Send until there is an answer.

        Args:
            method: HTTP method.
            uri: the address.
            headers: request headers.
            body: the form, None for none.
            holds: what the JSON of a success must hold, or it comes from somebody else; None where
                a success may come without JSON.

        Returns:
            A success, or a refusal that no waiting mends.

        Raises:
            Offline, Busy, ClockWrong: there was no such answer.
        """
        tries = 0
        while True:
            self._permit()
            self._on_request()
            outcome = self._once(method, uri, headers, body, holds)
            if isinstance(outcome, Reply):
                return outcome
            tries += 1
            after = outcome.after or 0.0
            if not outcome.retry or tries >= _TRIES or after > MOST_PATIENCE:
                raise outcome.error
            wait(self._clock, self._permit, max(after, backoff(tries, self._random)))

    def _once(
        self,
        method: str,
        uri: str,
        headers: Mapping[str, str],
        body: bytes | None,
        holds: str | None,
    ) -> Reply | Verdict:
        wire = self._new_wire()
        try:
            reply = wire.request(method, uri, headers, body)
        except (OSError, httplib2.HttpLib2Error, http.client.HTTPException) as problem:
            return judge_exception(problem, _NAME)
        finally:
            wire.close()
        said = http_date(reply.headers.get("date", ""))
        if said is not None:
            self.skew = self._clock.wall() - said
        if reply.status == 403 and error_of(reply) in _RATE:
            after = retry_after(reply.headers.get("retry-after"), None, self._clock.wall())
            return Verdict(Busy(detail=f"{_NAME}: {error_of(reply)}"), retry=True, after=after)
        if 400 <= reply.status < 500 and reply.status not in (408, 429):
            return reply
        if reply.status >= 300:
            return judge_reply(reply, _NAME, now=self._clock.wall())
        if holds is not None and not isinstance(fields_of(reply).get(holds), str):
            return judge_body(ValueError(f"no JSON with {holds}"), _NAME)
        return reply


def fields_of(reply: Reply) -> dict[str, Any]:
    """Read the JSON object of a reply; an empty one for anything else."""
    try:
        value = reply.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def error_of(reply: Reply) -> str:
    """Return Google's word for why it refused."""
    fields = fields_of(reply)
    return str(fields.get("error") or fields.get("error_code") or f"status {reply.status}")


def refresh_error(
    word: str, description: str, client: ClientFile, grant: Grant, *, now: float, skew: float
) -> DriveSyncError:
    """Say what the refusal of a refresh token means. Never tried again.

    A grant that dies a week after consent died of the app's publishing status "Testing".
    Source: Google Identity guide, "Using OAuth 2.0 to Access Google APIs" (token expiration).

    Args:
        word: Google's ``error``.
        description: Google's ``error_description``.
        client: whose refresh it was.
        grant: what was refused.
        now: seconds since the epoch.
        skew: seconds by which our clock is ahead of Google's.
    """
    detail = redact(f"token endpoint: {word} {description}", (grant.refresh_token,))
    if word == "invalid_grant":
        wrong = clock_error(skew, detail)
        if wrong is not None:
            return wrong
        days = (now - grant.obtained_at) / _DAY
        dead = TestingMode if _TESTING_DAYS[0] <= days <= _TESTING_DAYS[1] else AuthRevoked
        return dead(detail=detail)
    if word in _CLIENT_ERRORS or word in ORG_ERRORS:
        return client_error(word, detail, client)
    # Nobody is at Google's page now, so nobody said no: what was given before is not taken.
    return ScopeMissing(detail=detail) if word == "invalid_scope" else AuthExpired(detail=detail)


def exchange_error(word: str, description: str, client: ClientFile) -> DriveSyncError:
    """Say what the refusal of an authorization code or a device code means."""
    detail = redact(f"token endpoint: {word} {description}")
    if word == "invalid_grant":
        problem = "Google's answer was used already or is too old; try again"
        return ConsentDenied(problem=problem, detail=detail)
    return client_error(word, detail, client)


def client_error(word: str, detail: str, client: ClientFile) -> DriveSyncError:
    """Say what a refusal means that has to do with the client."""
    if word in _CLIENT_ERRORS:
        return ClientGone(path=client.path, detail=detail)
    if word == "redirect_uri_mismatch":
        problem = "the redirect address is not registered for it in Google's console"
        return BadClientFile(path=client.path, problem=problem, detail=detail)
    if word == "invalid_scope":
        return ScopeMissing(detail=detail)
    return refusal(word)
