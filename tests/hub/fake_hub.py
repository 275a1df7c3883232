"""A hub in virtual time: users, servers that take a while to start and stop, limits, restarts.

It copies what ``jupyterhub/apihandlers/users.py`` and ``user.py`` do: starting and stopping a
server moves ``last_activity``; listings are paged only for those who ask so; a start answers 201,
202, 400 or 429; progress is a stream of events.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from jupyter_drive_sync.hub.hub_api import HubDown, HubRefused, HubReply
from tests.drive.ground import seeded
from tests.virtual_clock import VirtualClock

Up = Callable[[str, str], Awaitable[None]]


@dataclass
class FakeServer:
    started: float
    last_activity: float
    ready: bool = False
    pending: str = "spawn"
    done: asyncio.Event = field(default_factory=asyncio.Event)
    failed: bool = False
    by: str = "service"
    options: Any = None
    work: asyncio.Task[None] | None = None


@dataclass
class FakeUser:
    name: str
    last_activity: float = 0.0
    groups: list[str] = field(default_factory=list)
    servers: dict[str, FakeServer] = field(default_factory=dict)


class FakeHub:
    """The hub, and the sender that reaches it."""

    def __init__(self, clock: VirtualClock, seed: int = 1) -> None:
        self.clock = clock
        self.rng = seeded(seed)
        self.users: dict[str, FakeUser] = {}
        self.calls: Counter[str] = Counter()
        self.down = False
        self.broken: set[str] = set()
        """Users whose servers do not start."""
        self.refused: set[str] = set()
        self.spawn_limit = 100
        self.start_seconds = (4.0, 20.0)
        self.stop_seconds = (1.0, 3.0)
        self.slow_spawn = 10.0
        self.when_up: Up | None = None
        """What the server itself does once it is up."""
        self.most = 0
        self.starts: Counter[str] = Counter()
        self.show_groups = True
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, name: str, activity: float = 1.0, groups: tuple[str, ...] = ()) -> FakeUser:
        self.users[name] = FakeUser(name, activity, [*groups])
        return self.users[name]

    @property
    def running(self) -> dict[str, FakeServer]:
        return {
            f"{user.name}/{name}": server
            for user in self.users.values()
            for name, server in user.servers.items()
        }

    def act(self, name: str, server: str = "") -> None:
        """Let a person do something on their server."""
        user = self.users[name]
        user.last_activity = self.clock.wall()
        user.servers[server].last_activity = self.clock.wall()

    def login(self, name: str, server: str = "") -> None:
        """Let a person start their own server."""
        now = self.clock.wall()
        self.users[name].servers[server] = FakeServer(now, now, True, "", by="person")
        self.users[name].last_activity = now

    # -- what is sent -----------------------------------------------------------------------------

    async def send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> HubReply:
        await asyncio.sleep(0.01)
        if self.down:
            raise HubDown("down")
        parts = urlsplit(path)
        names = [unquote(part) for part in parts.path.split("/")[2:]]
        if not names:
            self.calls["list"] += 1
            return self._list(parse_qs(parts.query), headers)
        user = self.users.get(names[0])
        if user is None:
            return _reply(404, {"message": f"No such user: {names[0]}"})
        if len(names) == 1:
            self.calls["user"] += 1
            return _reply(200, self._model(user))
        server = "" if names[1] == "server" else names[2]
        if method == "POST":
            self.calls["start"] += 1
            return await self._start(user, server, json.loads(body or b"{}"))
        self.calls["stop"] += 1
        return await self._stop(user, server)

    async def lines(self, path: str, seconds: float) -> AsyncIterator[str]:
        self.calls["progress"] += 1
        names = [unquote(part) for part in path.split("/")[2:]]
        server = "" if names[1] == "server" else names[2]
        found = self.users[names[0]].servers.get(server)
        if found is None:
            raise HubRefused(404, "no such server")
        yield ": keepalive"
        try:
            async with asyncio.timeout(seconds):
                await found.done.wait()
        except TimeoutError:
            return
        if self.down:
            raise HubDown("down")
        if found.failed:
            yield 'data: {"progress": 100, "failed": true, "message": "Spawn failed: no image"}'
        else:
            yield 'data: {"progress": 100, "ready": true, "url": "/user/x/"}'

    def _list(self, query: Mapping[str, list[str]], headers: Mapping[str, str]) -> HubReply:
        offset = int(query.get("offset", ["0"])[0])
        limit = min(200, int(query.get("limit", ["50"])[0]))
        names = [*self.users]
        items = [self._model(self.users[name]) for name in names[offset : offset + limit]]
        if headers.get("accept") != "application/jupyterhub-pagination+json":
            return _reply(200, items)
        more = offset + limit < len(names)
        url = f"http://elsewhere/hub/api/users?limit={limit}&offset={offset + limit}"
        page = {"next": {"url": url} if more else None, "total": len(names)}
        return _reply(200, {"items": items, "_pagination": page})

    async def _start(  # noqa: PLR0911 - as many answers
        self, user: FakeUser, name: str, options: Any
    ) -> HubReply:
        if user.name in self.refused:
            return _reply(403, {"message": "auth has expired for this user, login again"})
        existing = user.servers.get(name)
        if existing is not None:
            if existing.pending:
                return _reply(400, {"message": f"{user.name} is pending {existing.pending}"})
            return _reply(400, {"message": f"{user.name} is already running"})
        spawning = sum(server.pending == "spawn" for server in self.running.values())
        if spawning >= self.spawn_limit:
            return _reply(429, {"message": "too many"}, {"retry-after": "5"})
        now = self.clock.wall()
        server = FakeServer(now, now, options=options)
        user.servers[name] = server
        user.last_activity = now
        self.starts[user.name] += 1
        self.most = max(self.most, len(self.running))
        seconds = self.rng.uniform(*self.start_seconds)
        self._spawn(self._come_up(user, name, server, seconds))
        if seconds > self.slow_spawn:
            await asyncio.sleep(self.slow_spawn)
            return _reply(202, {})
        await server.done.wait()
        if server.failed:
            return _reply(500, {"message": "Spawn failed: no image"})
        return _reply(201, {})

    async def _come_up(self, user: FakeUser, name: str, server: FakeServer, wait: float) -> None:
        await asyncio.sleep(wait)
        if user.name in self.broken:
            server.failed = True
            del user.servers[name]
        else:
            server.ready, server.pending = True, ""
            server.last_activity = user.last_activity = self.clock.wall()
            if self.when_up is not None:
                server.work = self._spawn(self.when_up(user.name, name))
        server.done.set()

    async def _stop(self, user: FakeUser, name: str) -> HubReply:
        server = user.servers.get(name)
        if server is None:
            return _reply(404, {"message": "not running"})
        if server.pending:
            return _reply(400, {"message": f"{user.name} is pending {server.pending}"})
        server.pending, server.ready = "stop", False
        if server.work is not None:
            server.work.cancel()
        self._spawn(self._go(user, name))
        return _reply(202, {})

    async def _go(self, user: FakeUser, name: str) -> None:
        await asyncio.sleep(self.rng.uniform(*self.stop_seconds))
        del user.servers[name]
        user.last_activity = self.clock.wall()

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _model(self, user: FakeUser) -> dict[str, Any]:
        model: dict[str, Any] = {
            "kind": "user",
            "name": user.name,
            "admin": False,
            "last_activity": _text(user.last_activity),
            "servers": {
                name: {
                    "name": name,
                    "ready": server.ready,
                    "pending": server.pending or None,
                    "started": _text(server.started),
                    "last_activity": _text(server.last_activity),
                }
                for name, server in user.servers.items()
            },
        }
        return model | ({"groups": user.groups} if self.show_groups else {})


def _text(moment: float) -> str | None:
    if not moment:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def _reply(status: int, body: Any, headers: Mapping[str, str] | None = None) -> HubReply:
    return HubReply(status, json.dumps(body).encode(), headers or {})
