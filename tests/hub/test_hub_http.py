"""The Hub API over a socket: pages, progress as it comes, limits, restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest
from tornado import httpserver, netutil, web

from jupyter_drive_sync.hub.hub_api import (
    AlreadyRunning,
    HubApi,
    HubDown,
    HubRefused,
    Pending,
    TooMany,
)
from jupyter_drive_sync.hub.hub_http import TornadoHttp

TOKEN = "service-token"
PAGES = "application/jupyterhub-pagination+json"


class Users(web.RequestHandler):
    seen: list[str] = []  # noqa: RUF012 - of the test

    def get(self) -> None:
        Users.seen.append(self.request.headers["Authorization"])
        users = [{"name": f"u{number}", "servers": {}} for number in range(450)]
        offset = int(self.get_argument("offset", "0"))
        part = users[offset : offset + 200]
        if self.request.headers.get("Accept") != PAGES:
            self.finish(json.dumps(part))
            return
        more = offset + 200 < len(users)
        following = {"url": f"http://other.example/hub/api/users?limit=200&offset={offset + 200}"}
        self.finish({"items": part, "_pagination": {"next": following if more else None}})


class Server(web.RequestHandler):
    def post(self, name: str) -> None:
        replies: dict[str, tuple[int, Any]] = {
            "up": (201, {}),
            "slow": (202, {}),
            "running": (400, {"message": "running is already running"}),
            "stopping": (400, {"message": "stopping is pending stop"}),
            "many": (429, {"message": "too many"}),
            "stale": (403, {"message": "auth has expired"}),
            "down": (503, {}),
        }
        status, values = replies[name]
        if name == "many":
            self.set_header("Retry-After", "7")
        self.set_status(status)
        self.finish(values)

    def delete(self, name: str) -> None:
        self.set_status(204 if name == "up" else 400)
        self.finish(None if name == "up" else {"message": f"{name} is pending spawn"})


class Progress(web.RequestHandler):
    async def get(self, name: str) -> None:
        if name == "none":
            self.set_status(404)
            return
        self.write("\n\n")
        await self.flush()
        self.write('data: {"progress": 50}\n\nda')
        await self.flush()
        if name == "late":
            await asyncio.Event().wait()
        end = {"failed": True, "message": "no image"} if name == "bad" else {"ready": True}
        self.write(f"ta: {json.dumps(end)}\n\n")


def run(work: Callable[[HubApi], Coroutine[Any, Any, None]]) -> None:
    async def serve() -> None:
        application = web.Application(
            [
                ("/hub/api/users", Users),
                ("/hub/api/users/([^/]+)/server", Server),
                ("/hub/api/users/([^/]+)/server/progress", Progress),
            ]
        )
        server = httpserver.HTTPServer(application)
        (socket,) = netutil.bind_sockets(0, "127.0.0.1")
        server.add_sockets([socket])
        http = TornadoHttp(f"http://127.0.0.1:{socket.getsockname()[1]}/hub/api/", TOKEN)
        try:
            api = HubApi(http, Random(1), patience=0.0)  # noqa: S311 - repeatable
            await work(api)
        finally:
            http.close()
            server.stop()
            await server.close_all_connections()

    asyncio.run(serve())


def test_all_pages_are_read_from_the_hub_that_we_know() -> None:
    async def look(api: HubApi) -> None:
        users = [user.name async for user in api.users()]
        assert users == [f"u{number}" for number in range(450)]
        assert set(Users.seen) == {f"token {TOKEN}"}

    run(look)


def test_starts_and_stops() -> None:
    async def try_all(api: HubApi) -> None:
        assert await api.start("up", "", {"profile": "small"})
        assert not await api.start("slow", "", {})
        with pytest.raises(AlreadyRunning):
            await api.start("running", "", {})
        with pytest.raises(Pending):
            await api.start("stopping", "", {})
        with pytest.raises(TooMany) as many:
            await api.start("many", "", {})
        assert many.value.after == 7
        with pytest.raises(HubRefused, match="auth has expired"):
            await api.start("stale", "", {})
        with pytest.raises(HubDown):
            await api.start("down", "", {})
        await api.stop("up", "")
        with pytest.raises(Pending):
            await api.stop("slow", "")

    run(try_all)


def test_progress() -> None:
    async def watch(api: HubApi) -> None:
        assert await api.await_start("good", "", 20) == ""
        assert await api.await_start("bad", "", 20) == "no image"
        assert await api.await_start("late", "", 0.3) == "it did not start in time"
        assert await api.await_start("none", "", 20) == "HTTP 404"

    run(watch)


def test_nobody_answers() -> None:
    async def ask(_api: HubApi) -> None:
        http = TornadoHttp("http://127.0.0.1:9/hub/api", TOKEN)
        api = HubApi(http, Random(1), patience=0.0)  # noqa: S311 - repeatable
        with pytest.raises(HubDown):
            await api.user("ann")
        with pytest.raises(HubDown):
            await api.await_start("ann", "", 5)
        http.close()

    run(ask)
