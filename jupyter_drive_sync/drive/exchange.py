"""Turning codes and refresh tokens into access tokens; in the child process only.

google-auth and google-auth-oauthlib do the talking, over a wire of ours, so that proxies,
certificates, patience and error sentences are the same as everywhere.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Final

import google.auth.transport
import google.oauth2.credentials
import requests
from google.auth.exceptions import RefreshError
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2 import OAuth2Error

from jupyter_drive_sync.drive.discovery import Endpoint, require_same_host
from jupyter_drive_sync.drive.oauth import DRIVE_FILE, SCOPES, ClientFile, client_config, granted
from jupyter_drive_sync.drive.problems import plain
from jupyter_drive_sync.drive.secrets import Access, Grant, Secret
from jupyter_drive_sync.drive.token_endpoint import (
    TOKEN,
    TokenEndpoint,
    error_of,
    exchange_error,
    refresh_error,
)
from jupyter_drive_sync.errors import ConsentDenied, Offline, Refused, ScopeMissing

_TALKATIVE: Final = ("requests_oauthlib", "oauthlib", "google.auth", "google.oauth2", "urllib3")
"""Loggers that write tokens at DEBUG."""
_PLAIN_HTTP: Final = threading.Lock()
"""Held while oauthlib is told, by the environment, that plain http will do."""

_GONE: Final = frozenset({"invalid_token", "invalid_grant"})
"""Words with which the revoke endpoint says that the token was dead already."""


class Exchange:
    """The dealings of one OAuth client with its server.

    Args:
        client: the client.
        endpoint: the Drive server that the tokens are for.
        tokens: sends.

    Raises:
        BadEndpoint: client and endpoint do not belong together.
    """

    def __init__(self, client: ClientFile, endpoint: Endpoint, tokens: TokenEndpoint) -> None:
        require_same_host(endpoint, client)
        self._client = client
        self._endpoint = endpoint
        self._tokens = tokens

    @property
    def client(self) -> ClientFile:
        """The client."""
        return self._client

    @property
    def tokens(self) -> TokenEndpoint:
        """What sends."""
        return self._tokens

    def redeem(self, code: Secret, redirect_uri: str, verifier: Secret) -> tuple[Grant, Access]:
        """Turn an authorization code into a grant.

        Raises:
            ScopeMissing: Drive was unticked.
            ConsentDenied: the code was refused, or Google gave no lasting permission.
            ClientGone, BadClientFile, OrgBlocked, Offline, Busy: as the words say.
        """
        return self.accept(self.fetch(code, redirect_uri, verifier))

    def fetch(
        self,
        code: Secret,
        redirect_uri: str,
        verifier: Secret,
        scopes: Sequence[str] = SCOPES,
    ) -> Mapping[str, Any]:
        """Turn an authorization code into a token reply, to be read by :meth:`accept`.

        Raises:
            ConsentDenied: the code was refused.
            ClientGone, BadClientFile, OrgBlocked, Offline, Busy: as the words say.
        """
        flow = Flow.from_client_config(
            client_config(self._client, redirect_uri),
            scopes,
            redirect_uri=redirect_uri,
            code_verifier=verifier.reveal(),
            autogenerate_code_verifier=False,
        )
        flow.oauth2session.mount("https://", _WireAdapter(self._tokens))
        flow.oauth2session.mount("http://", _WireAdapter(self._tokens))
        with flow.oauth2session, quiet(), _plain_http(self._endpoint):
            try:
                reply: Mapping[str, Any] = flow.fetch_token(code=code.reveal())
            except Warning as warning:
                # oauthlib's way to say that other scopes were granted than asked for.
                reply = getattr(warning, "token", {})
            except OAuth2Error as problem:
                word, said = str(problem.error), str(problem.description or "")
                raise exchange_error(word, said, self._client) from None
        return reply

    def accept(self, reply: Mapping[str, Any]) -> tuple[Grant, Access]:
        """Read a token reply that makes a new grant (see :meth:`redeem`)."""
        scopes = granted(reply)
        if DRIVE_FILE not in scopes:
            raise ScopeMissing(detail=f"granted: {' '.join(scopes)}")
        refresh_token = reply.get("refresh_token")
        if not isinstance(refresh_token, str) or not refresh_token:
            raise ConsentDenied(
                problem="Google gave no lasting permission; remove the app among your Google "
                "account's connections, then try again"
            )
        now = self._tokens.clock.wall()
        grant = Grant(Secret(refresh_token), scopes, self._client.client_id, now)
        return grant, _access(reply.get("access_token"), reply.get("expires_in"), now)

    def refresh(self, grant: Grant) -> Access:
        """Make a new access token.

        Raises:
            AuthRevoked, TestingMode: the grant is gone.
            ClientGone, OrgBlocked, ScopeMissing, ClockWrong, Offline, Busy: as the words say.
        """
        credentials = google.oauth2.credentials.Credentials(  # type: ignore[no-untyped-call]
            None,
            refresh_token=grant.refresh_token.reveal(),
            token_uri=self._client.token_uri,
            client_id=self._client.client_id,
            client_secret=self._client.client_secret.reveal(),
        )
        before = self._tokens.clock.wall()
        request = GoogleRequest(self._tokens)
        try:
            with quiet():
                credentials.refresh(request)  # type: ignore[no-untyped-call]
        except RefreshError as problem:
            word, said = words_of(problem)
            raise refresh_error(
                word,
                said,
                self._client,
                grant,
                now=self._tokens.clock.wall(),
                skew=self._tokens.skew,
            ) from None
        return _access(credentials.token, request.lifetime, before)

    def revoke(self, grant: Grant) -> None:
        """End the grant at Google, and with it all of the project's grants for this account.

        A grant that is gone already is no error.

        Raises:
            Refused: Google did not do it.
            Offline, Busy: Google could not be asked.
        """
        form = {"token": grant.refresh_token.reveal()}
        reply = self._tokens.post(self._client.revoke_uri, form)
        if reply.status >= 400 and (word := error_of(reply)) not in _GONE:
            raise Refused(reason=plain(word) or f"status {reply.status}")


class GoogleRequest(google.auth.transport.Request):
    """google-auth's way to send, over ours.

    Attributes:
        lifetime: ``expires_in`` of the last reply; google-auth keeps only a time by a clock that
            is not ours.
    """

    def __init__(self, tokens: TokenEndpoint) -> None:
        self._tokens = tokens
        self.lifetime: Any = None

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the library's signature; the wire has its own
        **_more: Any,
    ) -> google.auth.transport.Response:
        """Send, with our timeout and patience in place of google-auth's."""
        # The metadata server, which alone is asked by GET, also answers in plain words.
        holds = None if method == "GET" else TOKEN
        reply = self._tokens.ask(method, url, headers or {}, body, holds=holds)
        try:
            self.lifetime = reply.json().get("expires_in")
        except (ValueError, AttributeError):
            self.lifetime = None
        return _GoogleResponse(reply.status, reply.headers, reply.body)


class _GoogleResponse(google.auth.transport.Response):
    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self._status, self._headers, self._data = status, headers, data

    @property
    def status(self) -> int:
        return self._status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def data(self) -> bytes:
        return self._data


class _WireAdapter(requests.adapters.BaseAdapter):
    """requests' way to send, over ours."""

    def __init__(self, tokens: TokenEndpoint) -> None:
        super().__init__()
        self._tokens = tokens

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        form = request.body or b""
        if not isinstance(form, str | bytes):
            raise TypeError("a form is not sent as a stream")
        body = form.encode() if isinstance(form, str) else form
        headers = {str(name): str(value) for name, value in request.headers.items()}
        reply = self._tokens.ask(
            request.method or "POST", request.url or "", headers, body, holds=TOKEN
        )
        response = requests.Response()
        response.status_code = reply.status
        response.headers.update(reply.headers)
        response.url = request.url or ""
        response.request = request
        response._content = reply.body  # noqa: SLF001 - how requests' own test doubles fill it
        return response

    def close(self) -> None:
        pass


@contextmanager
def quiet() -> Iterator[None]:
    """Silence loggers that print tokens."""
    loggers = [logging.getLogger(each) for each in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def hush() -> None:
    """Silence loggers that print tokens for good: for a process that exchanges in threads."""
    for each in _TALKATIVE:
        logging.getLogger(each).setLevel(logging.WARNING)


@contextmanager
def _plain_http(endpoint: Endpoint) -> Iterator[None]:
    """Let oauthlib talk plain http to a server on this machine, and to no other."""
    name = "OAUTHLIB_INSECURE_TRANSPORT"
    with _PLAIN_HTTP if endpoint.insecure else nullcontext():
        before = os.environ.pop(name, None)
        if endpoint.insecure:
            os.environ[name] = "1"
        try:
            yield
        finally:
            os.environ.pop(name, None)
            if before is not None:
                os.environ[name] = before


def words_of(problem: RefreshError) -> tuple[str, str]:
    """Take Google's ``error`` and ``error_description`` out of google-auth's exception."""
    said = problem.args[1] if len(problem.args) > 1 else None
    if isinstance(said, dict):
        return str(said.get("error", "")), str(said.get("error_description", ""))
    return str(problem.args[0]).partition(":")[0] if problem.args else "", ""


def _access(token: Any, lifetime: Any, now: float) -> Access:
    if not isinstance(token, str) or not token:
        raise Offline(problem="its answer was strange", detail="a token reply without a token")
    seconds = lifetime if isinstance(lifetime, int | float) else 3600
    return Access(Secret(token), now + seconds)
