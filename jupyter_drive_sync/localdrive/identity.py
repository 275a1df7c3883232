"""Who an account is, as apps get to know it: claims and id tokens of OpenID Connect."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from jupyter_drive_sync.localdrive.accounts import Account, Client
from jupyter_drive_sync.localdrive.grants import AccessToken

ISSUER = "https://accounts.google.com"
_LIFE = 3_600


def claims_of(account: Account, scopes: Iterable[str]) -> dict[str, Any]:
    """Return what an app with these scopes may know of an account."""
    kinds = {scope.rpartition(".")[2] for scope in scopes}
    claims: dict[str, Any] = {"sub": account.subject}
    if "email" in kinds:
        claims |= {"email": account.email, "email_verified": True}
    if "profile" in kinds:
        given, _, family = account.name.partition(" ")
        claims |= {"name": account.name, "given_name": given}
        claims |= {"family_name": family} if family else {}
    if account.organisation:
        claims["hd"] = account.organisation
    return claims


def id_token(
    account: Account, client: Client, access: AccessToken, nonce: str | None, now: float
) -> str:
    """Return an id token, signed with the client's secret.

    OpenID Connect Core, section 10.1, allows HS256 for clients with a secret; Google signs with
    RS256, which would need a cryptography library here. The claims are Google's.

    Args:
        account: Who signed in.
        client: For whom the token is.
        access: The access token that goes with it.
        nonce: The nonce of the request, None when none was sent.
        now: Seconds since 1970.
    """
    digest = hashlib.sha256(access.token.encode()).digest()
    claims = {
        "iss": ISSUER,
        "azp": client.client_id,
        "aud": client.client_id,
        **claims_of(account, access.scopes),
        "at_hash": base64url(digest[: len(digest) // 2]),
        "iat": int(now),
        "exp": int(now) + _LIFE,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    signed = ".".join(
        base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    )
    mac = hmac.digest(client.secret.encode(), signed.encode(), "sha256")
    return f"{signed}.{base64url(mac)}"


def base64url(content: bytes) -> str:
    """Encode without padding, as JWT and PKCE do."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
