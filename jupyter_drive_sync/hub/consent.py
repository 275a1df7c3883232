"""The one callback of a hub: asks anybody for consent, and lets nobody answer for another.

A question is bound to the hub user and to the browser that asked it; its ``state`` counts once and
for ten minutes; PKCE binds the code to us, a nonce the identity. So nobody can have his own Google
account connected to another's home, which would bring that person's files to him. Code, verifier
and state are kept in memory alone.

Sources: Google Identity guide, "OAuth 2.0 for Web Server Applications"; RFC 6819, section 4.4.1.8
(cross-site request forgery against the redirect address); RFC 7636 (PKCE); OpenID Connect Core 1.0.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import parse_qs, quote

from jupyter_drive_sync.drive.oauth import Pkce, new_pkce, new_state, read_answer
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.hub import pages
from jupyter_drive_sync.hub.google import Consented
from jupyter_drive_sync.hub.problems import BadRequest
from jupyter_drive_sync.hub.service import Dealings, Service
from jupyter_drive_sync.runner.page import Page

PATIENCE: Final = 600.0
"""Seconds that a person has on Google's page."""
_EACH: Final = 4
"""Questions that one person may have open: tabs; so nobody pushes out another's."""
_ALL: Final = 50_000
"""Questions that are remembered, answered ones too, to tell a replay from a forgery."""
_HOME_ID: Final = re.compile(r"[0-9a-f]{16}")


class Answering(Dealings, Protocol):
    """What consent wants of Google beside."""

    @property
    def redirect_uri(self) -> str:
        """The one address at which Google answers everybody."""

    @property
    def address(self) -> str:
        """Where browsers reach the hub."""

    def consent_url(self, state: Secret, pkce: Pkce, nonce: str, account: str = "") -> str:
        """Write the address of Google's consent page."""

    def redeem(self, code: Secret, verifier: Secret, nonce: str) -> Consented:
        """Turn an authorization code into a grant, and see whose it is."""


@dataclass
class _Question:
    """What must come back, from whom, in which browser.

    Attributes:
        user: hub user who asked.
        browser: what the browser's cookie holds.
        pkce: the proof key.
        nonce: of the identity.
        home_id: which home, ``""`` for the first that asks.
        jupyter: where the person came from.
        deadline: on the monotonic clock.
        answered: whether an answer was taken.
    """

    user: str
    browser: Secret
    pkce: Pkce
    nonce: str
    home_id: str
    jupyter: str
    deadline: float
    answered: bool = False


class Consent:
    """Asks, and hears the answer.

    Args:
        service: keeps what it brings.
        google: who answers.
        base_url: of the whole hub, with a slash at both ends.
    """

    def __init__(self, service: Service, google: Answering, base_url: str) -> None:
        self._service = service
        self._google = google
        self._base_url = base_url
        self._questions: OrderedDict[Secret, _Question] = OrderedDict()

    def begin(self, user: str, home_id: str, jupyter: str, account: str) -> tuple[str, Secret]:
        """Begin to ask a person.

        Args:
            user: who asks.
            home_id: which home, or ``""``.
            jupyter: where the person came from, checked.
            account: address to choose beforehand, or ``""``.

        Returns:
            The address of Google's page, and what the browser must bring back as its cookie.
        """
        theirs = [state for state, asked in self._questions.items() if asked.user == user]
        for state in theirs[: max(0, len(theirs) - _EACH + 1)]:
            self._questions.pop(state)
        while len(self._questions) >= _ALL:
            self._questions.popitem(last=False)
        state, pkce, nonce = new_state(), new_pkce(), secrets.token_urlsafe(32)
        browser = Secret(secrets.token_urlsafe(32))
        deadline = self._service.clock() + PATIENCE
        self._questions[state] = _Question(user, browser, pkce, nonce, home_id, jupyter, deadline)
        self._service.audit("consent.asked", user=user, home=home_id)
        return self._google.consent_url(state, pkce, nonce, account), browser

    async def answer(self, query: str, user: str, browser: Secret) -> tuple[Page, str]:
        """Take what Google sent the browser back with.

        Args:
            query: of the address, without ``?``.
            user: who is logged in to the hub in this browser.
            browser: what its cookie holds.

        Returns:
            The page to show, and where it leads back to.
        """
        home = self.default_jupyter(user)
        state = Secret(parse_qs(query).get("state", [""])[0])
        question = self._questions.get(state) if state else None
        if question is None or question.user != user or question.browser != browser:
            self._service.audit("consent.forged", user=user)
            return pages.FORGED, home
        if question.answered:
            return pages.REPLAYED, question.jupyter
        question.answered = True
        if self._service.clock() > question.deadline:
            return pages.EXPIRED, question.jupyter
        try:
            return await self._exchange(question, query, state), question.jupyter
        except DriveSyncError as problem:
            self._tell_admin(problem)
            self._service.audit(
                "consent.refused", user=user, home=question.home_id, why=problem.code
            )
            return pages.refused(problem), question.jupyter

    async def _exchange(self, question: _Question, query: str, state: Secret) -> Page:
        code = read_answer(query, state)
        consented = await self._service.off_loop(
            self._google.redeem, code, question.pkce.verifier, question.nonce
        )
        before = await self._service.connect(question.user, question.home_id, consented)
        return pages.connected(consented.email, before, consented.sub)

    def _tell_admin(self, problem: DriveSyncError) -> None:
        advice = pages.FOR_ADMIN.get(problem.code)
        if advice is not None:
            client = self._google.client
            self._service.log.error(
                "Nobody can connect a Google Drive (%s): %s.",
                problem.code,
                advice.format(
                    client=client.client_id,
                    project=client.project,
                    redirect=self._google.redirect_uri,
                ),
            )

    @property
    def address(self) -> str:
        """Where browsers reach the hub: scheme, host and port."""
        return self._google.address

    # -- what comes with a question ---------------------------------------------------------------

    def default_jupyter(self, user: str) -> str:
        """Return the address of a user's own server."""
        return f"{self._base_url}user/{quote(user, safe='@~')}/"

    def check_jupyter(self, user: str, wanted: str) -> str:
        """Return where a person may be led back to: the own server, and nowhere else."""
        start = self.default_jupyter(user)
        plain = wanted.isprintable() and "\\" not in wanted and "//" not in wanted
        steps = wanted.partition("?")[0].partition("#")[0].split("/")
        inside = wanted.startswith(start) and not {".", "..", "%2e", "%2e%2e"} & {
            step.lower() for step in steps
        }
        return wanted if plain and inside else start


def check_home_id(value: object, *, empty: bool = False) -> str:
    """Return a home id.

    Raises:
        BadRequest: it is none.
    """
    if isinstance(value, str) and (_HOME_ID.fullmatch(value) or (empty and not value)):
        return value
    raise BadRequest(problem="home_id is no home id")
