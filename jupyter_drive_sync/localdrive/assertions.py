"""Signed assertions for access tokens: how service accounts come in (RFC 7523).

Sources: Google Identity guide "Using OAuth 2.0 for Server to Server Applications" (claims, their
limits, error codes); the words of refusals as clients met them, each named where it is given. GAM
is GAM-team/GAM, whose table of token errors lists what it has met.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_drive_sync.localdrive.accounts import SCOPES, full_scopes
from jupyter_drive_sync.localdrive.clock import Clock
from jupyter_drive_sync.localdrive.grants import Tokens
from jupyter_drive_sync.localdrive.oauth import OAuth, TokenError
from jupyter_drive_sync.localdrive.service_accounts import ServiceAccount, ServiceKey

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LONGEST_LIFE = 3_600
SKEW = 300
"""Seconds by which the clock of who signs may be off (a guess)."""
AUDIENCES = frozenset(
    {
        "https://oauth2.googleapis.com/token",
        "https://www.googleapis.com/oauth2/v4/token",
        "https://accounts.google.com/o/oauth2/token",
    }
)
"""Google's own token endpoints, by their names of all times."""


@dataclass(frozen=True, slots=True)
class _Signed:
    """An assertion, taken apart."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    text: bytes
    signature: bytes


class Assertions:
    """Turns assertions into access tokens.

    Args:
        oauth: Has the service accounts, and makes the tokens.
        clock: Where the time comes from.
    """

    def __init__(self, oauth: OAuth, clock: Clock) -> None:
        self._oauth = oauth
        self._clock = clock

    def redeem(self, assertion: str, token_uris: frozenset[str]) -> Tokens:
        """Answer an assertion.

        Args:
            assertion: As sent.
            token_uris: Our own addresses of the token endpoint, which may be its audience.

        Raises:
            TokenError: `invalid_grant`, `invalid_scope`, `invalid_request`, `unauthorized_client`.
        """
        signed = _read(assertion)
        account = self._issuer(signed.claims.get("iss"))
        self._check_signature(account, signed)
        self._check_time(signed.claims)
        if signed.claims.get("aud") not in AUDIENCES | token_uris:
            # google/oauth2l issue 130.
            raise TokenError("invalid_grant", "Invalid JWT: Failed audience check.")
        scopes = _scopes(signed.claims.get("scope"))
        subject = signed.claims.get("sub", account.email)
        if subject != account.email:
            self._check_delegation(account, subject, scopes)
        return self._oauth.issue_to_service(account, str(subject), scopes)

    def _issuer(self, name: object) -> ServiceAccount:
        if not isinstance(name, str) or "@" not in name:
            # googleapis/google-api-php-client issue 783.
            raise TokenError("invalid_grant", "Not a valid email.")
        account = self._oauth.services.find(name)
        if account is None or not account.enabled:
            # googleapis/google-cloud-php issue 3622: deleted, or disabled.
            raise TokenError("invalid_grant", "Invalid grant: account not found")
        return account

    def _check_signature(self, account: ServiceAccount, signed: _Signed) -> None:
        """Check the signature against the registered public keys.

        A deleted key, or another account's, is told so: google-github-actions/setup-gcloud issue
        76, erebusnz/gapi-google-analytics-php-interface issue 147.
        """
        name = signed.header.get("kid")
        keys = [
            key
            for key in self._oauth.services.keys(account.email)
            if name is None or key.key_id == name
        ]
        good = signed.header.get("alg") == "RS256" and any(
            _is_signed_by(key, signed) for key in keys
        )
        if not good:
            raise TokenError("invalid_grant", "Invalid JWT Signature.")

    def _check_time(self, claims: Mapping[str, Any]) -> None:
        """Check that an assertion lives an hour at most, and now.

        The sentence: SteveWinward/GoogleSheetsWrapper issue 42.
        """
        issued, expires = _number(claims.get("iat")), _number(claims.get("exp"))
        now = self._clock.now()
        if not 0 < expires - issued <= LONGEST_LIFE or issued > now + SKEW or expires < now - SKEW:
            raise TokenError(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
                "timeframe. Check your iat and exp values in the JWT claim.",
            )

    def _check_delegation(
        self, account: ServiceAccount, subject: object, scopes: tuple[str, ...]
    ) -> None:
        """Check that an organisation lets the account act for one of its people."""
        if not isinstance(subject, str) or "@" not in subject:
            # GAM pull request 1171.
            raise TokenError("invalid_request", "Invalid impersonation &quot;sub&quot; field")
        domain = subject.rpartition("@")[2]
        if not set(scopes) <= self._oauth.services.delegated(account.unique_id, domain):
            # peburrows/goth issue 159.
            raise TokenError(
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not "
                "authorized for any of the scopes requested.",
                401,
            )
        person = {each.email: each for each in self._oauth.accounts}.get(subject)
        if person is None:
            # GAM's table.
            raise TokenError("invalid_grant", "Invalid email or User ID")
        if not person.enabled:
            # GAM pull request 1171.
            raise TokenError("invalid_grant", "The account has been deleted")


def _read(assertion: str) -> _Signed:
    """Take an assertion apart.

    Raises:
        TokenError: It is no signed JSON (the sentence is a guess).
    """
    try:
        head, body, tail = assertion.split(".")
        header, claims = json.loads(_bytes(head)), json.loads(_bytes(body))
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise ValueError("no objects")
        return _Signed(header, claims, f"{head}.{body}".encode(), _bytes(tail))
    except (ValueError, binascii.Error):
        raise TokenError("invalid_grant", "Bad Request") from None


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _is_signed_by(key: ServiceKey, signed: _Signed) -> bool:
    # Only service accounts need the cryptography package, which is an extra.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    public = serialization.load_pem_public_key(key.public.encode())
    if not isinstance(public, rsa.RSAPublicKey):
        return False
    try:
        public.verify(signed.signature, signed.text, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _number(value: object) -> float:
    """Return a number, and for anything else one that fits nothing."""
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if good else float("nan")  # type: ignore[arg-type]  # seen by `good`


def _scopes(text: object) -> tuple[str, ...]:
    """Read the scopes asked for.

    Raises:
        TokenError: There are none, or one is none of Google's (googleapis/google-oauth-java-client
            issue 602).
    """
    scopes = full_scopes(text.split()) if isinstance(text, str) else ()
    if not scopes or any(scope not in SCOPES for scope in scopes):
        raise TokenError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return scopes
