"""All that the service says to Google, for everybody. Its methods wait: call them in a thread."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.connection import HttpWire
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.exchange import Exchange, hush
from jupyter_drive_sync.drive.oauth import DRIVE_FILE, ClientFile, Pkce, consent_url
from jupyter_drive_sync.drive.secrets import Access, Grant, Secret
from jupyter_drive_sync.drive.token_endpoint import TokenEndpoint
from jupyter_drive_sync.drive.transport import Transport
from jupyter_drive_sync.drive.types import About
from jupyter_drive_sync.drive.wire import Wire
from jupyter_drive_sync.errors import AuthExpired
from jupyter_drive_sync.hub.problems import BadCallback, ForeignAnswer, WrongDomain

CALLBACK: Final = "oauth2callback"
"""Below the service's prefix; ``oauth_callback`` is the hub's own."""
SCOPES: Final = (DRIVE_FILE, "openid", "email")
"""What people are asked for: only what we make, and whose account it is, to say so."""
_ISSUERS: Final = frozenset({"https://accounts.google.com", "accounts.google.com"})
_SKEW: Final = 300.0
"""Seconds by which two clocks may differ."""


@dataclass(frozen=True, slots=True)
class Consented:
    """What a consent brought.

    Attributes:
        grant: the lasting permission.
        access: its first access token.
        email: the account's address.
        sub: Google's number for the account.
        permission_id: Drive's number for it.
    """

    grant: Grant
    access: Access
    email: str
    sub: str
    permission_id: str


@dataclass(frozen=True)
class Google:
    """Google, as one OAuth client meets it.

    Attributes:
        client: the hub's client.
        endpoint: the Drive server.
        prefix: path of the service, with a slash at both ends.
        clock: time.
        public: scheme, host and port at which browsers reach the hub; empty where the client's
            addresses tell.
        domains: organisations whose accounts alone may be connected; empty for all.
        rng: jitter.
        wire: makes a connection.
    """

    client: ClientFile
    endpoint: Endpoint
    prefix: str
    clock: Clock
    public: str = ""
    domains: Sequence[str] = ()
    rng: random.Random = field(default_factory=random.SystemRandom)
    wire: Callable[[], Wire] = lambda: HttpWire(Settings().request_timeout)

    def __post_init__(self) -> None:
        """See that the client can be used here.

        Raises:
            BadCallback: Google cannot send people back.
            BadEndpoint: client and Drive server do not belong together.
        """
        hush()
        find_redirect(self.client, self.prefix, self.public)
        self._exchange()

    @property
    def redirect_uri(self) -> str:
        """The one address at which Google answers everybody."""
        return find_redirect(self.client, self.prefix, self.public)

    @property
    def address(self) -> str:
        """Where browsers reach the hub: scheme, host and port."""
        parts = urlsplit(self.redirect_uri)
        return f"{parts.scheme}://{parts.netloc}"

    def consent_url(self, state: Secret, pkce: Pkce, nonce: str, account: str = "") -> str:
        """Write the address of Google's consent page; ``account`` is chosen beforehand."""
        more = {"nonce": nonce}
        if len(self.domains) == 1:
            more["hd"] = self.domains[0]
        return consent_url(
            self.client,
            self.redirect_uri,
            state,
            pkce.challenge,
            scopes=SCOPES,
            account=account,
            more=more,
        )

    def redeem(self, code: Secret, verifier: Secret, nonce: str) -> Consented:
        """Turn an authorization code into a grant, and see whose it is.

        Raises:
            ForeignAnswer: the answer is not to our question.
            WrongDomain: it is an account of another organisation.
            ScopeMissing, ConsentDenied: the person did not allow it, or not all of it.
            ApiOff, OrgBlocked, ClientGone, BadClientFile: an administrator has to act.
            Offline, Busy: Google could not be asked.
        """
        exchange = self._exchange()
        reply = exchange.fetch(code, self.redirect_uri, verifier, SCOPES)
        claims = read_claims(reply.get("id_token"), self.client.client_id, nonce, self.clock.wall())
        grant, access = exchange.accept(reply)
        email = str(claims.get("email", ""))
        if self.domains and claims.get("hd") not in self.domains:
            # Not revoked: that would end what the account's owner uses elsewhere.
            raise WrongDomain(email=email or "This", domains=" or ".join(self.domains))
        about = self.whose(access.token)
        return Consented(
            grant, access, email or about.email, str(claims["sub"]), about.permission_id
        )

    def refresh(self, grant: Grant) -> Access:
        """Make a new access token.

        Raises:
            AuthRevoked, TestingMode: the grant is gone.
            AuthExpired: it was given through another client.
            ClientGone, OrgBlocked, ScopeMissing, ClockWrong, Offline, Busy: as the words say.
        """
        if grant.client_id != self.client.client_id:
            raise AuthExpired(detail="the grant was given to another client")
        return self._exchange().refresh(grant)

    def revoke(self, grant: Grant) -> None:
        """End a grant at Google, and with it all of the project's for this account.

        Raises:
            Offline, Busy: Google could not be asked.
        """
        self._exchange().revoke(grant)

    def whose(self, token: Secret) -> About:
        """Ask whose Drive a token opens.

        Raises:
            ApiOff, OrgBlocked: an administrator has to act.
            Offline, Busy: Google could not be asked.
        """
        transport = Transport(_Given(token), self.wire, self.clock, self.rng, Settings())
        try:
            return Drive(transport, self.endpoint, self.rng).about()
        finally:
            transport.close()

    def _exchange(self) -> Exchange:
        return Exchange(self.client, self.endpoint, TokenEndpoint(self.wire, self.clock, self.rng))


class _Given:
    """One token, and no other."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def token(self) -> Secret:
        """Return it."""
        return self._token

    def renew(self, refused: Secret) -> None:
        """Do nothing: it is fresh, so a refusal has another cause."""


def find_redirect(client: ClientFile, prefix: str, public: str = "") -> str:
    """Return the registered address at which Google may answer the service.

    Args:
        client: has the addresses.
        prefix: path of the service.
        public: where browsers reach the hub, or ``""``.

    Raises:
        BadCallback: there is none, several, or the client is of another kind.
    """
    wanted = f"{public.rstrip('/') or 'https://YOUR-HUB'}{prefix}{CALLBACK}"
    if client.kind != "web":
        raise BadCallback(
            path=client.path, problem='a hub needs a client of the kind "Web application"'
        )
    found = [uri for uri in client.redirect_uris if urlsplit(uri).path == f"{prefix}{CALLBACK}"]
    if public:
        found = [uri for uri in found if uri == wanted]
    if not found:
        raise BadCallback(
            path=client.path,
            problem=f"{wanted} is not among its authorized redirect URIs; register it in Google's "
            "console and download the file again",
        )
    if len(found) > 1:
        raise BadCallback(
            path=client.path,
            problem=f"{' and '.join(found)} are among its authorized redirect URIs; say by "
            "public_url at which address people reach this hub",
        )
    return found[0]


def read_claims(id_token: Any, client_id: str, nonce: str, now: float) -> Mapping[str, Any]:
    """Read whose consent it was.

    The signature is not looked at: the token came from the token endpoint itself, over TLS, in
    answer to our client's secret. Source: OpenID Connect Core 1.0, section 3.1.3.7, item 6.

    Args:
        id_token: of the token reply.
        client_id: for whom it has to be.
        nonce: of our question.
        now: epoch seconds.

    Raises:
        ForeignAnswer: it is not to our question.
    """
    try:
        part = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        audience = claims["aud"]
        good = (
            claims["iss"] in _ISSUERS
            and audience == client_id
            and Secret(str(claims.get("nonce", ""))) == Secret(nonce)
            and float(claims["exp"]) > now - _SKEW
            and bool(claims["sub"])
        )
    except (IndexError, KeyError, TypeError, ValueError):
        raise ForeignAnswer from None
    if not good:
        raise ForeignAnswer
    return dict(claims)
