"""The hub's service, as a user's server asks it: for access tokens, and how things stand there.

On the parent's side of the seam: the server's token at the hub is shown to this service and to
nobody else, and never reaches a child. No proxy and no redirect carries it elsewhere.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from jupyter_drive_sync.core.relayed import Relayed
from jupyter_drive_sync.drive.credentials.broker_at import BrokerAt
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import DriveSyncError, HubSilent, Who

_PATIENCE: Final = 30.0
"""Seconds; a hub of 10,000 users may be busy, and Google is asked on the way."""
_MOST_BYTES: Final = 1 << 20
_MOST_LISTED: Final = 64 << 20
"""Of the list of a course's files: some 300,000 of them."""
_EXIT_CODES: Final[Mapping[str, int]] = {"user": 3}
_DUTIES: Final[Mapping[str, Who]] = {
    "user": "user",
    "admin": "admin",
    "wait": "wait",
    "bug": "bug",
}


@dataclass(frozen=True, slots=True)
class HandedOut:
    """An access token from the hub.

    Attributes:
        token: the secret.
        expires_in: seconds that it lasts.
        token_uri: where the hub's client gets its tokens.
        project: number of the client's Google project.
        permission_id: of the account.
    """

    token: Secret
    expires_in: float
    token_uri: str
    project: str
    permission_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a home stands at the hub.

    Attributes:
        connected: whether its owner has consented.
        email: the account's address.
        permission_id: identifies the account for good.
        connected_at: epoch seconds of the consent.
        problem: why Google no longer accepts it, None while it does.
        connect_url: where a person goes to consent.
        settings: what the hub's admin has set for this person.
    """

    connected: bool
    email: str
    permission_id: str
    connected_at: float
    problem: Relayed | None
    connect_url: str
    settings: Mapping[str, Any]


class Broker:
    """Asks the service. Every call waits for it.

    Args:
        at: where it is.
        patience: seconds without a byte after which it does not answer.
    """

    def __init__(self, at: BrokerAt, patience: float = _PATIENCE) -> None:
        self._at = at
        self._patience = patience

    def access(self, home_id: str, before: str = "", *, refused: bool = False) -> HandedOut:
        """Return an access token for a home.

        Args:
            home_id: which home.
            before: the id that it had before, or ``""``.
            refused: whether Drive refused the last one.

        Raises:
            Relayed: the service's reason why not.
            HubSilent: it does not answer.
        """
        asked = {"home_id": home_id, "before": before, "refused": refused}
        said = self._call("POST", "api/token", asked)
        try:
            return HandedOut(
                token=Secret(str(said["access_token"])),
                expires_in=float(said["expires_in"]),
                token_uri=str(said["token_uri"]),
                project=str(said["project"]),
                permission_id=str(said["permission_id"]),
            )
        except (KeyError, TypeError, ValueError):
            raise HubSilent(problem="its answer was strange") from None

    def standing(self, home_id: str, before: str = "") -> Standing:
        """Return how a home stands (errors as :meth:`access`)."""
        query = urlencode({"home_id": home_id, "before": before})
        said = self._call("GET", f"api/grant?{query}")
        problem = said.get("problem")
        settings = said.get("settings")
        return Standing(
            connected=said.get("connected") is True,
            email=str(said.get("email", "")),
            permission_id=str(said.get("permission_id", "")),
            connected_at=_number(said.get("connected_at")),
            problem=_relayed(problem) if isinstance(problem, dict) else None,
            connect_url=str(said.get("connect_url", "")),
            settings=settings if isinstance(settings, dict) else {},
        )

    def disconnect(self, home_id: str, *, revoke: bool) -> bool:
        """Have the hub forget a home's grant; tells whether Google was told (errors as above)."""
        said = self._call("POST", "api/disconnect", {"home_id": home_id, "revoke": revoke})
        return said.get("revoked") is True

    def due(self, home_id: str) -> dict[str, Any]:
        """Ask whether the home's nightly sync is due: ``due``, ``night``, ``held``, ``message``.

        A service without nights says nothing. Errors as above.
        """
        try:
            return self._call("GET", f"api/state?{urlencode({'home_id': home_id})}")
        except Relayed as problem:
            if problem.code == "request.unknown":
                return {}
            raise

    def report(self, home_id: str, night: str | None, status: Mapping[str, Any]) -> None:
        """Say how a sync went (errors as above)."""
        self._call("PUT", "api/state", {"night": night, "home_id": home_id, "status": status})

    def courses(self) -> list[str]:
        """Return the names of the courses that this person may have; of a service without, none."""
        try:
            said = self._call("GET", "api/courses", most=_MOST_LISTED)
        except Relayed as problem:
            if problem.code == "request.unknown":
                return []
            raise
        found = said.get("courses")
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise HubSilent(problem="its answer was strange")
        return [str(each.get("name", "")) for each in found]

    def course(self, name: str) -> list[dict[str, Any]]:
        """Return the files of a course that the hub hands on (errors as :meth:`access`)."""
        said = self._call("GET", f"api/course?{urlencode({'name': name})}", most=_MOST_LISTED)
        files = said.get("files")
        if not isinstance(files, list) or not all(isinstance(each, dict) for each in files):
            raise HubSilent(problem="its answer was strange")
        return files

    def piece(self, name: str, md5: str, offset: int, length: int) -> bytes:
        """Return a piece of a content of a course (errors as :meth:`access`)."""
        path = f"api/course/file?{urlencode({'name': name, 'md5': md5})}"
        extent = {"Range": f"bytes={offset}-{offset + length - 1}"}
        status, raw = self._send("GET", path, None, extent, length)
        if status == 206:
            return raw
        raise _problem(status, raw)

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        most: int = _MOST_BYTES,
    ) -> dict[str, Any]:
        status, raw = self._send(method, path, body, {}, most)
        values = _values(raw)
        if status == 200 and values is not None:
            return values
        raise _problem(status, raw)

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        more: Mapping[str, str],
        most: int,
    ) -> tuple[int, bytes]:
        """Ask; returns status and body, of which no more than ``most`` bytes are read."""
        parts = urlsplit(self._at.url)
        host, port = parts.hostname or "", parts.port
        connection = (
            http.client.HTTPSConnection(
                host, port, timeout=self._patience, context=ssl.create_default_context()
            )
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=self._patience)
        )
        headers = {
            "Authorization": f"token {self._at.token.reveal()}",
            "Accept": "application/json",
            **({"Content-Type": "application/json"} if body is not None else {}),
            **more,
        }
        sent = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, f"{parts.path}{path}", sent, headers)
            reply = connection.getresponse()
            return reply.status, reply.read(most if reply.status == 206 else max(most, _MOST_BYTES))
        except (OSError, http.client.HTTPException) as problem:
            said = getattr(problem, "strerror", None) or "no answer"
            raise HubSilent(problem=str(said), detail=repr(problem)) from None
        finally:
            connection.close()


def _values(raw: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(raw)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _problem(status: int, raw: bytes) -> DriveSyncError:
    """Say what the service means where it does not answer what it was asked."""
    values = _values(raw)
    return HubSilent(problem=f"status {status}") if values is None else _relayed(values)


def _relayed(said: Mapping[str, Any]) -> Relayed:
    """Read an error of the service."""
    who = _DUTIES.get(str(said.get("who")), "bug")
    params = said.get("params")
    return Relayed(
        code=str(said.get("code") or "internal"),
        who=who,
        sentence=str(said.get("sentence") or "The hub's service for Google Drive refused."),
        exit_code=_EXIT_CODES.get(who, 4),
        params={name: value for name, value in params.items() if name != "detail"}
        if isinstance(params, dict)
        else {},
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
