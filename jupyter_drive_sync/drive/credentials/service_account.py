"""Service accounts: a key from a file or an address, and the access tokens that it signs for.

Source: Google Identity guide, "Using OAuth 2.0 for Server to Server Applications". A service
account has no storage: it reads what is shared with it or by link, writes to shared drives, or acts
for people whose organisation has delegated them to it (``subject``).

A key never leaves this process: it is kept in no file, log or error, and of an address that it came
from only host and path are told, since the rest may be a password.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httplib2
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.oauth2 import service_account

from jupyter_drive_sync.drive.connection import ReplyTooLarge
from jupyter_drive_sync.drive.denied import (
    BadServiceKey,
    KeyUnreachable,
    NotDelegated,
    ServiceRefused,
)
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.exchange import GoogleRequest, quiet, words_of
from jupyter_drive_sync.drive.problems import clock_error, judge_exception, plain
from jupyter_drive_sync.drive.secrets import Access, Secret, redact
from jupyter_drive_sync.drive.token_endpoint import TokenEndpoint
from jupyter_drive_sync.drive.transport import USER_AGENT
from jupyter_drive_sync.drive.wire import Reply, Wire, is_loopback
from jupyter_drive_sync.errors import (
    DriveSyncError,
    OrgBlocked,
)

KEY_LIMIT: Final = 1 << 16
"""Bytes; Google's keys have about 2,400."""
KEY_TIMEOUT: Final = 15.0
"""Seconds without a byte after which an address does not answer."""
MARGIN: Final = 300.0
"""Seconds before its end from which an access token is replaced."""
_LIFE: Final = 3600
"""Seconds that an assertion lives, the most that Google takes."""
_REDIRECTS: Final = 3
_TRIES: Final = 3
_GOOGLE_TOKENS: Final = frozenset(
    {
        "https://oauth2.googleapis.com/token",
        "https://accounts.google.com/o/oauth2/token",
        "https://www.googleapis.com/oauth2/v4/token",
    }
)
_FIELDS: Final = ("client_email", "private_key", "client_id", "token_uri")
_OTHER_FILES: Final = {
    "authorized_user": "it holds a person's own permission (of gcloud), not a service account's",
    "external_account": "it is the configuration of a workload identity, which holds no key",
    "impersonated_service_account": "it borrows another account's credentials and holds no key",
}
_REFUSALS: Final = {
    "Invalid JWT Signature": "this key was deleted, or is another account's",
    "account not found": "it was disabled or deleted",
    "Not a valid email": "the key names no account",
    "Invalid email or User ID": "there is no such person in that organisation",
    "account has been deleted": "that person's account was deleted",
}
"""Sentences of the token endpoint, by a part of them, in our words."""


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A service account's key.

    Attributes:
        source: where it came from, as people may read it.
        email: the account.
        client_id: its number, which an administrator delegates to.
        project: readable id of its project.
        token_uri: where it gets tokens.
        key_id: which of the account's keys it is.
        private_key: PEM.
    """

    source: str
    email: str
    client_id: str
    project: str
    token_uri: str
    key_id: str
    private_key: Secret = field(repr=False)


class ServiceAccount:
    """Access tokens of a service account, for itself or for a person.

    Args:
        key: the account's key.
        scopes: full scopes, as few as its use needs.
        endpoint: the Drive server that the tokens are for.
        tokens: sends.
        subject: address of the person in whose name it acts; empty for nobody.

    Raises:
        BadServiceKey: the key is not for that server.
    """

    def __init__(
        self,
        key: ServiceKey,
        scopes: Sequence[str],
        endpoint: Endpoint,
        tokens: TokenEndpoint,
        subject: str = "",
    ) -> None:
        _require_its_server(key, endpoint)
        self._key = key
        self._scopes = tuple(scopes)
        self._subject = subject
        self._audience = {} if endpoint.is_google else {"aud": key.token_uri}
        self._tokens = tokens
        self._lock = threading.Lock()
        self._access: Access | None = None

    def token(self) -> Secret:
        """Return an access token that will last for some minutes.

        Raises:
            ServiceRefused, NotDelegated, OrgBlocked, ClockWrong: Google does not give one.
            Offline, Busy: Google could not be asked.
        """
        with self._lock:
            now = self._tokens.clock.wall()
            if self._access is None or now >= self._access.expires_at - MARGIN:
                self._access = self._made()
            return self._access.token

    def renew(self, refused: Secret) -> None:
        """Replace an access token that Drive refused (errors as :meth:`token`)."""
        with self._lock:
            if self._access is None or self._access.token == refused:
                self._access = self._made()

    def _made(self) -> Access:
        before = self._tokens.clock.wall()
        # The times are by our clock; to another server the assertion is of no use at Google.
        claims = {"iat": int(before), "exp": int(before) + _LIFE, **self._audience}
        credentials = _credentials(self._key, self._scopes, self._subject).with_claims(claims)
        request = GoogleRequest(self._tokens)
        try:
            with quiet():
                credentials.refresh(request)
        except RefreshError as problem:
            raise self._refusal(*words_of(problem)) from None
        seconds = request.lifetime if isinstance(request.lifetime, int | float) else _LIFE
        return Access(Secret(credentials.token), before + seconds)

    def _refusal(self, word: str, said: str) -> DriveSyncError:
        """Say what a refusal of the token endpoint means. Never tried again."""
        key, detail = self._key, redact(f"token endpoint: {word} {said}")
        if word == "invalid_grant" and "timeframe" in said:
            wrong = clock_error(self._tokens.skew, detail)
            if wrong is not None:
                return wrong
        if word == "unauthorized_client" or "impersonation" in said:
            return NotDelegated(
                email=key.email,
                subject=self._subject or key.email,
                client_id=key.client_id,
                scopes=" ".join(self._scopes),
                detail=detail,
            )
        if word in {"access_denied", "admin_policy_enforced"}:
            return OrgBlocked(detail=detail)
        known = (ours for part, ours in _REFUSALS.items() if part in said)
        reason = next(known, f"it answers {plain(word) or 'with a refusal'}")
        return ServiceRefused(email=key.email, problem=reason, detail=detail)


def load_key(
    source: str,
    endpoint: Endpoint,
    wire: Callable[[], Wire],
    again: Callable[[int], None] | None = None,
) -> ServiceKey:
    """Read a key from a file or from an address.

    Args:
        source: a path (``~`` is the home) or an https address; plain http only to this machine, and
            only where the Drive server is there too.
        endpoint: the Drive server that the key must be for.
        wire: makes a connection for an address; must give up beyond :data:`KEY_LIMIT` bytes.
        again: waits before an address that does not answer is asked once more, told how often it
            was; None never asks again.

    Raises:
        BadServiceKey: there is none, or something else, or one for another server.
        KeyUnreachable: the address does not answer now.
    """
    if "://" in source:
        key = _parsed(_patiently(source.strip(), endpoint, wire, again), told(source))
    else:
        path = Path(source).expanduser()
        key = _parsed(_read(path), str(path))
    _require_its_server(key, endpoint)
    return key


def told(source: str) -> str:
    """Return what people may read of a key's source: of an address its host and path alone."""
    if "://" not in source:
        return source
    try:
        parts = urlsplit(source.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "at that address"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(KEY_LIMIT + 1)
    except FileNotFoundError:
        raise BadServiceKey(source=str(path), problem="there is no such file") from None
    except OSError as problem:
        words = problem.strerror or "it cannot be read"
        raise BadServiceKey(source=str(path), problem=words) from None


def _parsed(raw: bytes, source: str) -> ServiceKey:
    """Read the content of a key file; one reason for each thing that it may be instead."""
    try:
        return _key(_object(raw), source)
    except ValueError as problem:
        raise BadServiceKey(source=source, problem=str(problem)) from None


def _object(raw: bytes) -> Mapping[str, Any]:
    if len(raw) > KEY_LIMIT:
        raise ValueError(f"it is larger than {KEY_LIMIT // 1024} KB, so it is something else")
    if raw.lstrip()[:1] == b"<":
        raise ValueError("it is a web page, not a key")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(content, dict):
        raise ValueError("it is JSON, but no key")
    return content


def _key(content: Mapping[str, Any], source: str) -> ServiceKey:
    if "installed" in content or "web" in content:
        raise ValueError("it is an OAuth client's file, which a person consents to")
    kind = content.get("type")
    if kind != "service_account":
        raise ValueError(_OTHER_FILES.get(str(kind), "it is not a service account's key"))
    missing = [each for each in _FIELDS if not _is_given(content, each)]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    if content.get("universe_domain", "googleapis.com") != "googleapis.com":
        raise ValueError("it is for another Google cloud than the public one")
    key = ServiceKey(
        source=source,
        email=content["client_email"],
        client_id=content["client_id"],
        project=str(content.get("project_id", "")),
        token_uri=content["token_uri"],
        key_id=str(content.get("private_key_id", "")),
        private_key=Secret(content["private_key"]),
    )
    try:
        _credentials(key, (), "")
    except (ValueError, GoogleAuthError):
        raise ValueError("its private key cannot be read") from None
    return key


def _is_given(content: Mapping[str, Any], name: str) -> bool:
    value = content.get(name)
    # All but the key itself are shown to people.
    good = isinstance(value, str) and (name == "private_key" or value.isprintable())
    return good and bool(value)


def _credentials(key: ServiceKey, scopes: Sequence[str], subject: str) -> Any:
    info = {
        "type": "service_account",
        "client_email": key.email,
        "client_id": key.client_id,
        "private_key": key.private_key.reveal(),
        "private_key_id": key.key_id,
        "project_id": key.project,
        "token_uri": key.token_uri,
    }
    return service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
        info, scopes=list(scopes), subject=subject or None
    )


def _require_its_server(key: ServiceKey, endpoint: Endpoint) -> None:
    """Keep a real key from a foreign server, and a foreign key from Google."""
    if endpoint.is_google:
        good = key.token_uri in _GOOGLE_TOKENS
    else:
        good = _origin(key.token_uri) == _origin(endpoint.root)
    if not good:
        server = "Google" if endpoint.is_google else "the server that DRIVE_SYNC_API_ENDPOINT names"
        raise BadServiceKey(
            source=key.source, problem=f"its token_uri is not at {server}, so it is kept from there"
        )


# -- addresses ------------------------------------------------------------------------------------


def _patiently(
    address: str,
    endpoint: Endpoint,
    wire: Callable[[], Wire],
    again: Callable[[int], None] | None,
) -> bytes:
    """Fetch what lies at an address, a few times when it does not answer."""
    tries = 0
    while True:
        try:
            return _fetched(address, endpoint, wire)
        except KeyUnreachable:
            tries += 1
            if again is None or tries >= _TRIES:
                raise
        again(tries)


def _fetched(address: str, endpoint: Endpoint, wire: Callable[[], Wire]) -> bytes:
    """Fetch what lies at an address; a redirect is followed on its own host alone."""
    source = told(address)
    for _ in range(_REDIRECTS + 1):
        _check(address, source, endpoint)
        reply = _asked(address, source, wire)
        if reply.status == 200:
            return reply.body
        if reply.status not in (301, 302, 303, 307, 308):
            raise _refused(reply.status, source)
        before, address = address, _joined(address, reply.headers.get("location", ""))
        if _origin(address) != _origin(before):
            raise BadServiceKey(source=source, problem="its address leads to another server")
    raise BadServiceKey(source=source, problem="its address leads in a circle")


def _joined(address: str, location: str) -> str:
    try:
        return urljoin(address, location)
    except ValueError:
        return location


def _check(address: str, source: str, endpoint: Endpoint) -> None:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        here = parts.scheme == "http" and is_loopback(host) and endpoint.insecure
        if not host or not (parts.scheme == "https" or here) or (parts.port or 1) < 1:
            raise ValueError("no address that we use")
    except ValueError:
        problem = "only a path or an https address will do"
        raise BadServiceKey(source=source, problem=problem) from None
    if parts.username or parts.password:
        raise BadServiceKey(source=source, problem="its address holds a password")


def _asked(address: str, source: str, wire: Callable[[], Wire]) -> Reply:
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    connection = wire()
    try:
        return connection.request("GET", address, {**headers, "user-agent": USER_AGENT}, None)
    except ReplyTooLarge:
        problem = f"it is larger than {KEY_LIMIT // 1024} KB, so it is something else"
        raise BadServiceKey(source=source, problem=problem) from None
    except (OSError, httplib2.HttpLib2Error, http.client.HTTPException) as problem:
        words = judge_exception(problem, "key", KEY_TIMEOUT).error.params.get("problem", "")
        raise KeyUnreachable(source=source, problem=words or "no secure connection") from None
    finally:
        connection.close()


def _refused(status: int, source: str) -> DriveSyncError:
    if status in (408, 429) or status >= 500:
        return KeyUnreachable(source=source, problem=f"status {status}")
    words = {404: "there is nothing at its address", 410: "it is no longer at its address"}
    known = words.get(status, f"its address refuses us (status {status})")
    return BadServiceKey(source=source, problem=known)


def _origin(address: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port; nothing that equals another for what is no address."""
    try:
        parts = urlsplit(address)
        default = {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, (parts.hostname or "").lower(), parts.port or default
    except ValueError:
        return address, "", None
