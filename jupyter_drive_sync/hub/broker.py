"""The broker: a server gets an access token of its own user, for its own home, and no other.

There is no user name in any request: it is that of the token, which the hub is asked about each
time (see :mod:`.identity`).
"""

from __future__ import annotations

from typing import Final

from tornado import web

from jupyter_drive_sync.hub.base import ServerRoute, for_servers
from jupyter_drive_sync.hub.consent import check_home_id
from jupyter_drive_sync.hub.problems import BadRequest
from jupyter_drive_sync.hub.service import described


class TokenRoute(ServerRoute):
    """An access token."""

    @for_servers
    async def post(self) -> None:
        """Hand one out."""
        asked = self.body()
        if unknown := set(asked) - {"home_id", "before", "refused"}:
            raise BadRequest(problem=f"it does not know {min(unknown)[:40]!r}")
        service = self.parts.service
        home_id = check_home_id(asked.get("home_id"))
        made = await service.access_token(
            self.caller.user,
            home_id,
            before=check_home_id(asked.get("before", ""), empty=True),
            refused=asked.get("refused") is True,
        )
        service.audit("token.given", user=self.caller.user, server=self.caller.server, home=home_id)
        client = service.google.client
        self.reply(
            {
                "access_token": made.token.reveal(),
                # Not a time: two machines may disagree about that.
                "expires_in": max(0.0, made.expires_at - service.wall()),
                "token_uri": client.token_uri,
                **described(made.grant),
            }
        )


class GrantRoute(ServerRoute):
    """Whether a home is connected, and to what."""

    @for_servers
    async def get(self) -> None:
        """Say how it stands; Google is not asked."""
        service, caller = self.parts.service, self.caller
        home_id = check_home_id(self.get_query_argument("home_id", ""))
        before = check_home_id(self.get_query_argument("before", ""), empty=True)
        grant = await service.find(caller.user, home_id, before)
        self.reply(
            {
                **described(grant),
                "connect_url": f"{self.parts.consent.address}{self.parts.prefix}connect",
                "settings": service.config.settings_for(caller.groups),
            }
        )


class DisconnectRoute(ServerRoute):
    """End the connection of a home."""

    @for_servers
    async def post(self) -> None:
        """Delete the grant."""
        asked = self.body()
        home_id = check_home_id(asked.get("home_id"))
        revoke = asked.get("revoke") is True
        service = self.parts.service
        self.reply({"revoked": await service.disconnect(self.caller.user, home_id, revoke=revoke)})


ROUTES: Final[tuple[tuple[str, type[web.RequestHandler]], ...]] = (
    ("api/token", TokenRoute),
    ("api/grant", GrantRoute),
    ("api/disconnect", DisconnectRoute),
)
"""Below the service's prefix."""
