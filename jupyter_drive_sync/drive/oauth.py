"""Consent, as far as it needs no library and no network: client file, addresses, PKCE, state.

Sources: Google Identity guides, "OAuth 2.0 for Web Server Applications", "OAuth 2.0 for iOS &
Desktop Apps", "OAuth 2.0 for TV and Limited-Input Device Applications"; RFC 7636 (PKCE).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from jupyter_drive_sync.drive.denied import ScopeTooNarrow
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.drive.wire import is_loopback
from jupyter_drive_sync.errors import (
    BadClientFile,
    ConsentDenied,
    DriveSyncError,
    NoClient,
    OrgBlocked,
)

DRIVE_FILE: Final = "https://www.googleapis.com/auth/drive.file"
DRIVE_READONLY: Final = "https://www.googleapis.com/auth/drive.readonly"
"""To read what we did not make: restricted, for service accounts and own clients."""
DRIVE: Final = "https://www.googleapis.com/auth/drive"
"""To write where we did not make the folder; restricted likewise."""
SCOPES: Final = (DRIVE_FILE,)
"""What is asked for: only what we make ourselves, which also lets us ask whose Drive it is."""

_CONTAINS: Final = {
    DRIVE: frozenset({DRIVE_READONLY, DRIVE_FILE}),
}
"""What a scope allows beside itself."""

ClientKind = Literal["desktop", "web", "tv"]

_GOOGLE_AUTH: Final = "https://accounts.google.com/o/oauth2/v2/auth"
_GOOGLE_TOKEN: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_GOOGLE_HOSTS: Final = frozenset(
    {"oauth2.googleapis.com", "accounts.google.com", "www.googleapis.com"}
)
_MOST_BYTES: Final = 1 << 16
_OTHER_FILES: Final = {
    "service_account": "it is the key of a service account, which has no Drive of its own",
    "authorized_user": "it holds somebody's permission (of gcloud), not a client",
}
ORG_ERRORS: Final = frozenset({"admin_policy_enforced", "org_internal", "access_not_configured"})
"""Words with which Google says that an administrator refuses."""


@dataclass(frozen=True, slots=True)
class ClientFile:
    """An OAuth client, as Google's console offers it for download.

    Attributes:
        path: where it was read, for messages.
        kind: ``desktop`` (loopback redirects on any port), ``web`` (registered redirects only),
            ``tv`` (no redirect: the device flow).
        client_id: public name of the client.
        client_secret: its password; of a desktop client not really a secret, and kept as one.
        auth_uri: the consent page.
        token_uri: where codes and refresh tokens are exchanged.
        redirect_uris: registered redirects of a web client.
    """

    path: str
    kind: ClientKind
    client_id: str
    client_secret: Secret
    auth_uri: str
    token_uri: str
    redirect_uris: tuple[str, ...] = ()

    @property
    def project(self) -> str:
        """Number of the Cloud project; what another project's client made is invisible to us."""
        return self.client_id.partition("-")[0]

    @property
    def is_google(self) -> bool:
        """Whether its tokens come from Google."""
        return self.token_uri == _GOOGLE_TOKEN

    @property
    def device_uri(self) -> str:
        """Where the device flow starts."""
        return self._beside("/device/code")

    @property
    def revoke_uri(self) -> str:
        """Where a grant is ended."""
        return self._beside("/revoke")

    def _beside(self, path: str) -> str:
        parts = urlsplit(self.token_uri)
        return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


@dataclass(frozen=True, slots=True)
class Pkce:
    """A proof key: the verifier stays here, its hash goes with the consent URL."""

    verifier: Secret
    challenge: str


def load_client_file(path: Path, *, named: bool = True) -> ClientFile:
    """Read a client file.

    Args:
        path: where.
        named: whether the person named it; of the default place its absence is no mistake.

    Raises:
        BadClientFile: it is missing, unreadable, or something else than a client file.
        NoClient: it is missing and nobody named it.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        if not named:
            raise NoClient(path=str(path)) from None
        raise BadClientFile(path=str(path), problem="there is no such file") from None
    except OSError as problem:
        words = problem.strerror or "it cannot be read"
        raise BadClientFile(path=str(path), problem=words) from None
    return parse_client_file(raw, str(path))


def parse_client_file(raw: bytes, path: str) -> ClientFile:
    """Read the content of a client file (see :func:`load_client_file`)."""
    try:
        section, client = _section(raw)
        token_uri = _address(client, "token_uri", _GOOGLE_TOKEN)
        auth_uri = _address(client, "auth_uri", _GOOGLE_AUTH)
        redirects = _texts(client.get("redirect_uris"))
        if section == "web" and not redirects:
            raise ValueError("its web client has no redirect address; add one in Google's console")
        return ClientFile(
            path=path,
            kind="web" if section == "web" else "desktop" if redirects else "tv",
            client_id=_word(client, "client_id"),
            client_secret=Secret(_word(client, "client_secret")),
            auth_uri=auth_uri,
            token_uri=token_uri,
            redirect_uris=redirects,
        )
    except ValueError as problem:
        raise BadClientFile(path=path, problem=str(problem)) from None


def client_config(client: ClientFile, redirect_uri: str) -> dict[str, Any]:
    """Write a client in the form that google-auth-oauthlib takes. It holds the secret."""
    return {
        "web" if client.kind == "web" else "installed": {
            "client_id": client.client_id,
            "client_secret": client.client_secret.reveal(),
            "auth_uri": client.auth_uri,
            "token_uri": client.token_uri,
            "redirect_uris": [redirect_uri],
        }
    }


def require_scopes(needed: Iterable[str], given: Iterable[str]) -> None:
    """Demand that what is needed was given.

    Raises:
        ScopeTooNarrow: it was not; names what is missing.
    """
    there = frozenset(given)
    reach = there.union(*(_CONTAINS.get(each, frozenset()) for each in there))
    missing = [each.rpartition("/")[2] for each in needed if each not in reach]
    if missing:
        have = " ".join(sorted(each.rpartition("/")[2] for each in there))
        raise ScopeTooNarrow(missing=" ".join(missing), granted=have or "none")


def new_pkce() -> Pkce:
    """Make a fresh proof key."""
    verifier = secrets.token_urlsafe(64)
    digest = hashlib.sha256(verifier.encode()).digest()
    return Pkce(Secret(verifier), base64.urlsafe_b64encode(digest).decode().rstrip("="))


def new_state() -> Secret:
    """Make a fresh ``state``, which proves that an answer belongs to our question."""
    return Secret(secrets.token_urlsafe(32))


def consent_url(
    client: ClientFile,
    redirect_uri: str,
    state: Secret,
    challenge: str,
    *,
    scopes: Sequence[str] = SCOPES,
    consent: bool = True,
    account: str = "",
    more: Mapping[str, str] | None = None,
) -> str:
    """Write the address of Google's consent page.

    Args:
        client: who asks.
        redirect_uri: where the answer goes.
        state: see :func:`new_state`.
        challenge: of the proof key.
        scopes: what is asked for.
        consent: ask even who has consented before; without, Google gives a refresh token at the
            first consent only.
        account: address of the account to choose beforehand.
        more: what only this consent asks, such as a ``nonce``.
    """
    query = {
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": " ".join(scopes),
        "access_type": "offline",
        "state": state.reveal(),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"prompt": "consent"} if consent else {}),
        **({"login_hint": account} if account else {}),
        **(more or {}),
    }
    joint = "&" if urlsplit(client.auth_uri).query else "?"
    return f"{client.auth_uri}{joint}{urlencode(query)}"


def read_answer(query: str, state: Secret) -> Secret:
    """Take the authorization code out of the query with which Google came back.

    Raises:
        ConsentDenied: the person refused, or the answer is not to our question.
        OrgBlocked: an administrator refused.
    """
    values = parse_qs(query)
    if Secret(values.get("state", [""])[0]) != state:
        raise ConsentDenied(problem="the answer does not belong to the question that was asked")
    error = values.get("error", [""])[0]
    if error:
        raise refusal(error)
    code = values.get("code", [""])[0]
    if not code:
        raise ConsentDenied(problem="the answer holds no code")
    return Secret(code)


def refusal(error: str) -> DriveSyncError:
    """Return the error for a word with which Google refused consent."""
    if error in ORG_ERRORS:
        return OrgBlocked(detail=error)
    if error == "access_denied":
        return ConsentDenied(problem="it was not allowed on Google's page")
    known = error if error.isascii() and error.replace("_", "").isalnum() else "an error"
    return ConsentDenied(problem=f"Google answered {known[:60]}")


def granted(reply: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the scopes that a token reply says were granted."""
    value = reply.get("scope", "")
    return tuple(value) if isinstance(value, list) else tuple(str(value).split())


def _section(raw: bytes) -> tuple[str, Mapping[str, Any]]:
    """Find the client in a file; a ``ValueError`` says in words what is wrong."""
    try:
        content = json.loads(raw) if len(raw) <= _MOST_BYTES else None
    except ValueError:
        raise ValueError("it is not JSON") from None
    if not isinstance(content, dict):
        raise ValueError("it is not what Google's console downloads")
    other = _OTHER_FILES.get(str(content.get("type")))
    if other:
        raise ValueError(other)
    for name in ("web", "installed"):
        if isinstance(content.get(name), dict):
            return name, content[name]
    raise ValueError('it has neither an "installed" nor a "web" section')


def _word(client: Mapping[str, Any], name: str) -> str:
    value = client.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"it has no {name}")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _address(client: Mapping[str, Any], name: str, at_google: str) -> str:
    """Check an address; all of Google's own ways to write it become the present one."""
    text = _word(client, name)
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme == "https" and host in _GOOGLE_HOSTS:
        return at_google
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host))):
        raise ValueError(f"its {name} is no https address")
    return text
