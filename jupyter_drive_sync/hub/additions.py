"""What a hub's configuration needs beside what it has: added to it, never in its place.

Pure: from what is there to what shall be there. Where that cannot be, a sentence says why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from jupyter_drive_sync.errors import BadSettings

NAME: Final = "drive-sync"
"""Of the service, and of its role."""
TOKEN_SCOPE: Final = "custom:drive-sync:token"  # noqa: S105 - a name
SERVER_SCOPE: Final = f"{TOKEN_SCOPE}!server"
USER_SCOPES: Final = (f"access:services!service={NAME}", f"{TOKEN_SCOPE}!user")
_DESCRIPTION: Final = "Get a short-lived Google Drive token of one's own"


@dataclass(frozen=True, slots=True)
class Additions:
    """What is added.

    Attributes:
        service: the service, in the form of ``c.JupyterHub.services``.
        scopes: what the service may do at the hub.
        defaults: scopes of the roles that the hub brings, by name.
    """

    service: Mapping[str, Any]
    scopes: Sequence[str]
    defaults: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def custom_scopes(self, there: Any) -> dict[str, Any]:
        """Return the custom scopes of the hub.

        Raises:
            BadSettings: what is there is no dictionary.
        """
        if not isinstance(there, Mapping):
            raise _wrong("custom_scopes", "a dictionary")
        return {TOKEN_SCOPE: {"description": _DESCRIPTION}, **there}

    def services(self, there: Any) -> list[Any]:
        """Return the services of the hub; of one that has our name, what is set there counts.

        Raises:
            BadSettings: what is there is no list of dictionaries.
        """
        found, ours = _named("services", there)
        known = found.get(NAME)
        if known is None:
            return [*ours, dict(self.service)]
        external = "api_token" in known and "command" not in known
        usual = {
            name: value
            for name, value in self.service.items()
            if not (external and name in ("command", "environment"))
        }
        environment = {**usual.get("environment", {}), **known.get("environment", {})}
        merged = {**usual, **known, **({"environment": environment} if environment else {})}
        return [merged if each is known else each for each in ours]

    def roles(self, there: Any, *, user_scopes_elsewhere: bool) -> list[Any]:
        """Return the roles of the hub.

        Args:
            there: what is set.
            user_scopes_elsewhere: whether users get their scopes by ``extra_user_scopes``, which
                a role ``user`` would put out of force.

        Raises:
            BadSettings: what is there is no list of dictionaries.
        """
        wanted: dict[str, Collection[str]] = {NAME: self.scopes, "server": (SERVER_SCOPE,)}
        found, roles = _named("load_roles", there)
        for name in (*wanted, "user"):
            roles = _folded(roles, name)
        found = {each["name"]: each for each in roles}
        if "user" in found or not user_scopes_elsewhere:
            wanted["user"] = USER_SCOPES
        for name, scopes in wanted.items():
            known = found.get(name)
            usual = self.defaults.get(name, ())
            before = usual if known is None else known.get("scopes", usual)
            role = {**(known or {"name": name}), "scopes": _joined(before, scopes)}
            if name == NAME:
                role["services"] = _joined(role.get("services", ()), (NAME,))
            roles = [role if each is known else each for each in roles]
            if known is None:
                roles.append(role)
        return roles


def _named(trait: str, there: Any) -> tuple[dict[str, Mapping[str, Any]], list[Any]]:
    """Return the things of a list by their names, and the list."""
    if not isinstance(there, list | tuple) or not all(
        isinstance(each, Mapping) and "name" in each for each in there
    ):
        raise _wrong(trait, "a list of dictionaries with names")
    return {each["name"]: each for each in there}, list(there)


def _folded(roles: Sequence[Any], name: str) -> list[Any]:
    """Make one role of several with a name: ours, and what was appended to the list later."""
    same = [role for role in roles if role["name"] == name]
    if len(same) < 2:
        return list(roles)
    one = {key: value for role in same for key, value in role.items()}
    one["scopes"] = _joined((), [scope for role in same for scope in role.get("scopes", ())])
    return [one if role is same[0] else role for role in roles if role not in same[1:]]


def _joined(there: Collection[str], more: Collection[str]) -> list[str]:
    return list(dict.fromkeys([*there, *more]))


def _wrong(trait: str, kind: str) -> BadSettings:
    return BadSettings(
        name=f"c.JupyterHub.{trait}", problem=f"it is not {kind}, so drive_sync cannot add to it"
    )
