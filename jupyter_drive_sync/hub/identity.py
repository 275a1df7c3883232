"""Who is asking: the one rule by which a server may have its owner's access token.

A token that merely identifies somebody proves nothing: whatever server a person visits holds one.
So a scope of our own is demanded, which only a server's own token carries, narrowed to that server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jupyter_drive_sync.errors import RestartServer
from jupyter_drive_sync.hub.problems import Forbidden

SCOPE: Final = "custom:drive-sync:token"
"""What a server's token has to carry, with ``!server=<user>/<name>``."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A user's server.

    Attributes:
        user: whose it is; the one person whose token it may have.
        server: ``user/`` or ``user/name``, for the audit.
        groups: of the user, at the hub.
        admin: whether the user is an administrator of the hub.
    """

    user: str
    server: str
    groups: tuple[str, ...] = ()
    admin: bool = False


def read_caller(model: Mapping[str, Any] | None) -> Caller:
    """Tell whose server is asking, from what the hub says of its token.

    Args:
        model: the hub's answer to ``GET /hub/api/user``; None where it does not know the token.

    Raises:
        RestartServer: it is a server's token, made before the hub knew of us.
        Forbidden: it is anything else.
    """
    if model is None:
        raise Forbidden(problem="the hub does not know this token")
    name = model.get("name")
    scopes = [scope for scope in model.get("scopes", ()) if isinstance(scope, str)]
    if model.get("kind") != "user" or not isinstance(name, str) or not name:
        raise Forbidden(problem="it is for people's servers only")
    start = f"{SCOPE}!server={name}/"
    found = sorted(scope for scope in scopes if scope.startswith(start))
    if not found:
        # The activity scope tells a server's own token from one that a server has of a visitor.
        own = f"users:activity!user={name}" in scopes
        if own and any(each.startswith(f"access:servers!server={name}/") for each in scopes):
            raise RestartServer
        raise Forbidden(problem="it is for a server's own token only")
    groups = model.get("groups") or ()
    return Caller(
        user=name,
        server=found[0].partition("!server=")[2],
        groups=tuple(str(group) for group in groups),
        admin=bool(model.get("admin")),
    )
