"""The Hub API, as far as the night needs it: who there is, start, stop, and how a start goes on.

Scopes: ``list:users``, ``read:users:activity`` and ``servers``; ``read:users:groups`` for holds and
settings of a group. Nothing here talks to anybody's server.

Sources: JupyterHub REST API; "Starting servers with the JupyterHub API"; ``apihandlers/users.py``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

_PAGES: Final = "application/jupyterhub-pagination+json"
"""Without it the hub answers with its first page alone, and does not say so."""
_PAGE: Final = 200
"""The hub's ``api_page_max_limit``."""
_DOWN: Final = frozenset({502, 503, 504, 599})
"""What a proxy says while the hub restarts; 599 is tornado's for no connection."""


class HubDown(Exception):
    """The hub does not answer: it restarts, or the network is gone."""


class HubRefused(Exception):
    """The hub said no.

    Attributes:
        status: of HTTP.
        message: its words.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message


class AlreadyRunning(HubRefused):
    """The server is up, and it was not this call that started it."""


class Pending(HubRefused):
    """The server is being started or stopped by somebody."""


class TooMany(HubRefused):
    """A limit of the hub is reached.

    Attributes:
        after: seconds that the hub wants to pass.
    """

    def __init__(self, message: str, after: float) -> None:
        super().__init__(429, message)
        self.after = after


@dataclass(frozen=True, slots=True)
class HubReply:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class HubHttp(Protocol):
    """Sends to the hub."""

    async def send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> HubReply:
        """Send one request; ``path`` begins after the API's address.

        Raises:
            HubDown: there was no answer.
        """
        ...

    def lines(self, path: str, seconds: float) -> AsyncIterator[str]:
        """Yield the lines of a stream until it ends, or for so many seconds.

        Raises:
            HubDown: it broke off.
            HubRefused: there is no such stream.
        """
        ...


@dataclass(frozen=True, slots=True)
class HubServer:
    """A server, as the hub knows it.

    Attributes:
        ready: whether it serves.
        pending: ``spawn``, ``stop`` or ``""``.
        started: epoch seconds; 0 where unknown.
        last_activity: epoch seconds; 0 where unknown.
    """

    ready: bool
    pending: str = ""
    started: float = 0.0
    last_activity: float = 0.0


@dataclass(frozen=True, slots=True)
class HubUser:
    """A user, as the hub knows them.

    Attributes:
        name: theirs.
        admin: whether they are one.
        last_activity: epoch seconds; 0 for never.
        groups: theirs; None where the service may not know.
        servers: by name, ``""`` for the default one.
    """

    name: str
    admin: bool = False
    last_activity: float = 0.0
    groups: tuple[str, ...] | None = None
    servers: Mapping[str, HubServer] = field(default_factory=dict)


class HubApi:
    """Calls to the hub.

    Args:
        http: sends.
        rng: jitter.
        patience: seconds for which a question is asked again while the hub is down.
    """

    def __init__(self, http: HubHttp, rng: Random, *, patience: float = 900.0) -> None:
        self._http = http
        self._rng = rng
        self._patience = patience

    async def users(self) -> AsyncIterator[HubUser]:
        """Yield all users, page by page.

        Raises:
            HubDown, HubRefused: the hub does not answer, or not with users.
        """
        path = f"/users?limit={_PAGE}"
        while path:
            page = await self._ask("GET", path, accept=_PAGES)
            if not isinstance(page, dict):
                raise HubRefused(200, "the hub does not page its users; it is older than 2.0")
            for item in page["items"]:
                yield _user(item)
            following = page["_pagination"].get("next")
            path = _after_api(following["url"]) if following else ""

    async def user(self, name: str) -> HubUser | None:
        """Return one user, None where there is no such one.

        Raises:
            HubDown, HubRefused: the hub does not answer, or refuses.
        """
        try:
            return _user(await self._ask("GET", f"/users/{quote(name, safe='')}"))
        except HubRefused as problem:
            if problem.status == 404:
                return None
            raise

    async def start(self, name: str, server: str, options: Mapping[str, Any]) -> bool:
        """Start a server, once.

        Returns:
            Whether it is up already; else it is on its way.

        Raises:
            AlreadyRunning: somebody else started it.
            Pending: it is being started or stopped.
            TooMany: a limit of the hub is reached.
            HubRefused: it cannot be started.
            HubDown: nobody knows whether the hub heard.
        """
        reply = await self._send("POST", _server(name, server), json.dumps(options).encode())
        if reply.status in (201, 202):
            return reply.status == 201
        message = _message(reply)
        if reply.status == 429:
            raise TooMany(message, _seconds(reply.headers.get("retry-after", "")))
        if reply.status == 400 and "already running" in message:
            raise AlreadyRunning(400, message)
        if reply.status == 400 and "pending" in message:
            raise Pending(400, message)
        raise HubRefused(reply.status, message)

    async def await_start(self, name: str, server: str, seconds: float) -> str:
        """Wait for a server that is on its way.

        Returns:
            ``""`` when it is up, else why it is not.

        Raises:
            HubDown: the hub went away meanwhile.
        """
        said = "it did not start in time"
        try:
            async for line in self._http.lines(f"{_server(name, server)}/progress", seconds):
                if not line.startswith("data:"):
                    continue
                event = json.loads(line.removeprefix("data:"))
                if event.get("ready"):
                    return ""
                if event.get("failed"):
                    return str(event.get("message") or "it failed to start")
        except HubRefused as problem:
            said = problem.message
        except ValueError:
            said = "the hub tells its start in a way that is not understood"
        return said

    async def stop(self, name: str, server: str) -> None:
        """Ask for the end of a server; it may take a while.

        Raises:
            HubDown, HubRefused: the hub does not answer, or refuses.
        """
        reply = await self._send("DELETE", _server(name, server), b"{}")
        if reply.status in (202, 204, 404):
            return
        message = _message(reply)
        if reply.status == 400 and "not running" in message:
            return
        if reply.status == 400 and "pending" in message:
            raise Pending(400, message)
        raise HubRefused(reply.status, message)

    async def _ask(self, method: str, path: str, accept: str = "application/json") -> Any:
        """Ask something that changes nothing, until the hub answers."""
        waited, pause = 0.0, 1.0
        while True:
            try:
                reply = await self._send(method, path, None, {"accept": accept})
                break
            except HubDown:
                if waited >= self._patience:
                    raise
                seconds = pause * self._rng.uniform(0.5, 1.5)
                await asyncio.sleep(seconds)
                waited, pause = waited + seconds, min(30.0, pause * 2)
        if reply.status != 200:
            raise HubRefused(reply.status, _message(reply))
        return json.loads(reply.body)

    async def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None = None
    ) -> HubReply:
        reply = await self._http.send(method, path, body, headers or {})
        if reply.status in _DOWN:
            raise HubDown(f"the hub answers {reply.status}")
        return reply


def _server(name: str, server: str) -> str:
    user = f"/users/{quote(name, safe='')}"
    return f"{user}/servers/{quote(server, safe='')}" if server else f"{user}/server"


def _after_api(url: str) -> str:
    """Keep of the next page's address what comes after the API's own: we know where the hub is."""
    parts = urlsplit(url)
    return f"/users?{parts.query}"


def _message(reply: HubReply) -> str:
    try:
        return str(json.loads(reply.body)["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {reply.status}"


def _seconds(text: str) -> float:
    try:
        return min(600.0, max(1.0, float(text)))
    except ValueError:
        return 10.0


def _user(item: Mapping[str, Any]) -> HubUser:
    groups = item.get("groups")
    servers = item.get("servers") or {}
    return HubUser(
        name=item["name"],
        admin=bool(item.get("admin")),
        last_activity=_moment(item.get("last_activity")),
        groups=None if groups is None else tuple(groups),
        servers={
            name: HubServer(
                ready=bool(server.get("ready")),
                pending=server.get("pending") or "",
                started=_moment(server.get("started")),
                last_activity=_moment(server.get("last_activity")),
            )
            for name, server in servers.items()
        },
    )


def _moment(text: str | None) -> float:
    """Read a time as the hub writes it, such as ``2026-11-24T03:00:00.000000Z``."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0
