"""Permissions that people gave when they logged in to the hub with Google.

Needs the hub's scope ``admin:auth_state`` for the service, and the hub's own client file: a refresh
token is good with the client alone that it was given to. A login without ``prompt=consent`` leaves
no refresh token behind, so what was seen once is kept (:mod:`.service`) and never replaced by
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import HubSilent
from jupyter_drive_sync.hub.problems import HubRefuses

Allowed = tuple[str, Secret, tuple[str, ...]]


class HubLogins:
    """Asks the hub what its login left behind.

    Args:
        api_url: of the hub.
        api_token: of the service.
    """

    def __init__(self, api_url: str, api_token: Secret) -> None:
        self._api_url = api_url.rstrip("/")
        self._token = api_token

    async def __call__(self, user: str) -> Allowed | None:
        """Return address, refresh token and scopes of a user; None where there is none.

        Raises:
            HubRefuses: the service may not look.
            HubSilent: the hub does not answer.
        """
        request = HTTPRequest(
            f"{self._api_url}/users/{quote(user, safe='@~')}",
            headers={"Authorization": f"token {self._token.reveal()}"},
            request_timeout=30,
        )
        try:
            reply = await AsyncHTTPClient().fetch(request, raise_error=False)
        except (HTTPClientError, OSError) as problem:
            raise HubSilent(problem="no connection", detail=repr(problem)) from None
        if reply.code != 200:
            raise HubSilent(problem=f"status {reply.code}")
        model = json.loads(reply.body)
        if "auth_state" not in model:
            raise HubRefuses(
                problem="the role drive-sync lacks the scope admin:auth_state, which token_source "
                "= hub_auth_state needs"
            )
        return read_auth_state(model["auth_state"])


def read_auth_state(state: Any) -> Allowed | None:
    """Read what GoogleOAuthenticator keeps; None where it has no refresh token."""
    if not isinstance(state, Mapping) or not isinstance(state.get("refresh_token"), str):
        return None
    scope = state.get("scope") or ()
    scopes = tuple(scope.split() if isinstance(scope, str) else map(str, scope))
    person = state.get("google_user")
    email = str(person.get("email", "")) if isinstance(person, Mapping) else ""
    return (email, Secret(state["refresh_token"]), scopes) if state["refresh_token"] else None
