"""Our service as it runs, between a hub that is a dictionary and a LocalDrive; no process."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

# Not as a plugin of all tests: its hooks and fixtures are for this folder.
from pytest_jupyter.jupyter_core import *  # noqa: F403
from tornado import httpserver, web
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.testing import bind_unused_port
from traitlets.config import Config

from jupyter_drive_sync.hub.app import make_application, make_parts
from jupyter_drive_sync.hub.base import Parts
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer

KEY = "00112233445566778899aabbccddeeff" * 2
PREFIX = "/services/drive-sync/"
ACCESS = "access:services!service=drive-sync"
HOME, OTHER_HOME = "0123456789abcdef", "fedcba9876543210"
ANN, BEN = "ann@example.edu", "ben@example.edu"


def person(name: str, *, admin: bool = False) -> dict[str, Any]:
    """Return what the hub says of a browser's token."""
    scopes = [ACCESS, f"read:users:name!user={name}"]
    return {"kind": "user", "name": name, "admin": admin, "groups": [], "scopes": scopes}


def server(name: str, which: str = "", groups: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what the hub says of a server's own token."""
    scopes = [
        f"access:servers!server={name}/{which}",
        f"custom:drive-sync:token!server={name}/{which}",
        f"read:users:name!user={name}",
        f"users:activity!user={name}",
    ]
    return {"kind": "user", "name": name, "admin": False, "groups": [*groups], "scopes": scopes}


@dataclass
class FakeHub:
    """Knows tokens."""

    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: int = 0

    def application(self) -> web.Application:
        hub = self

        class User(web.RequestHandler):
            def get(self) -> None:
                hub.asked += 1
                token = self.request.headers.get("Authorization", "").partition(" ")[2]
                if token not in hub.known:
                    self.set_status(403)
                    self.finish("{}")
                    return
                self.finish(json.dumps(hub.known[token]))

        class Users(web.RequestHandler):
            def get(self, name: str) -> None:
                self.finish(json.dumps(hub.users[name]))

        rules: list[Any] = [("/hub/api/user", User), (r"/hub/api/users/([^/]+)", Users)]
        return web.Application(rules)


class Forms(HTMLParser):
    """Finds the forms of a page, and where it leads by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.onward = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((said["action"], {}))
        elif tag == "input" and said.get("type") != "checkbox" and said.get("name"):
            self.forms[-1][1][said["name"]] = said.get("value", "")
        elif tag == "meta" and said.get("http-equiv") == "refresh":
            self.onward = said["content"].partition("url=")[2]


@dataclass
class Stage:
    """Everything that a test sees.

    Attributes:
        hub: who is who.
        drive: the Google of this hub.
        google: its address.
        parts: our service, from within.
        url: our service's address.
        folder: where its files lie.
        environment: of the service.
        application: what is served.
    """

    hub: FakeHub
    drive: LocalDrive
    google: str
    parts: Parts
    url: str
    folder: Path
    environment: dict[str, str]
    application: web.Application = field(default_factory=web.Application)

    async def call(
        self, path: str, token: str = "", body: Any = None, method: str = "POST", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Call a route as a server does."""
        sent = {"Authorization": f"token {token}"} if token else {}
        reply = await fetch(
            f"{self.url}{PREFIX}{path}",
            method=method,
            body=json.dumps(body or {}) if method in ("POST", "PUT") else None,
            headers={**sent, **headers},
        )
        assert reply.headers["Cache-Control"] == "no-store"
        values = json.loads(reply.body)
        if reply.code != 200:
            assert set(values) == {"code", "who", "sentence", "params"}
        return reply.code, values

    def browser(self, name: str, *, admin: bool = False) -> Tab:
        """Return the browser of somebody who is logged in."""
        token = f"browser-{name}"
        self.hub.known[token] = person(name, admin=admin)
        return Tab(self, token)

    def server(self, name: str, which: str = "", groups: tuple[str, ...] = ()) -> str:
        """Return the token of somebody's server."""
        token = f"server-{name}-{which}"
        self.hub.known[token] = server(name, which, groups)
        return token

    async def connect(self, name: str = "ann", home: str = HOME, account: str = ANN) -> str:
        """Have somebody consent; returns the verdict."""
        tab = self.browser(name)
        return verdict(await tab.consent(home, account))


async def fetch(url: str, **options: Any) -> HTTPResponse:
    request = HTTPRequest(
        url, follow_redirects=False, allow_nonstandard_methods=True, request_timeout=60, **options
    )
    return await AsyncHTTPClient().fetch(request, raise_error=False)


class Tab:
    """A browser at our service: a login cookie, and whatever we set."""

    def __init__(self, stage: Stage, token: str) -> None:
        self.stage = stage
        self.cookies = {"jupyterhub-session-id": "session"}
        if token:
            signed = web.create_signed_value(stage.parts.cookie_secret, "service-drive-sync", token)
            self.cookies["service-drive-sync"] = signed.decode()

    async def get(self, path: str = "", **headers: str) -> HTTPResponse:
        return await self._send(path, "GET", None, headers)

    async def post(self, path: str, form: dict[str, str], **headers: str) -> HTTPResponse:
        return await self._send(path, "POST", urlencode(form), headers)

    async def submit(self, page: HTTPResponse, number: int = 0, **more: str) -> HTTPResponse:
        """Press a button."""
        action, fields = Forms(page.body.decode()).forms[number]
        assert action.startswith(PREFIX)
        return await self.post(action.removeprefix(PREFIX), {**fields, **more})

    async def ask(self, home: str = HOME, jupyter: str = "") -> str:
        """Go as far as Google's page; returns its address."""
        page = await self.get(f"connect?{urlencode({'home': home, 'next': jupyter})}")
        assert verdict(page) == "ask"
        return Forms((await self.submit(page)).body.decode()).onward

    async def consent(
        self, home: str = HOME, account: str = ANN, decision: str = "allow", *, tick: bool = True
    ) -> HTTPResponse:
        """Consent from start to end."""
        return await self.answer(
            await self.decide(await self.ask(home), account, decision, tick=tick)
        )

    async def decide(
        self, url: str, account: str = ANN, decision: str = "allow", *, tick: bool = True
    ) -> str:
        """Press a button on Google's page; returns the path to which it leads."""
        action, fields = Forms((await fetch(url)).body.decode()).forms[0]
        pairs = [*fields.items(), ("account", account), ("decision", decision)]
        if tick:
            pairs.append(("scope", "all"))
        body = urlencode([pair for pair in pairs if pair[0] != "account" or pair[1] == account])
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = await fetch(
            f"{self.stage.google}{action}", method="POST", body=body, headers=headers
        )
        assert reply.code == 302, reply.body
        parts = urlsplit(reply.headers["Location"])
        assert parts.path.startswith(PREFIX)
        return f"{parts.path.removeprefix(PREFIX)}?{parts.query}"

    async def answer(self, path: str) -> HTTPResponse:
        """Come back from Google, as a browser does from another site."""
        return await self.get(path, **{"Sec-Fetch-Site": "cross-site"})

    async def _send(
        self, path: str, method: str, body: str | None, headers: dict[str, str]
    ) -> HTTPResponse:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        usual = {"Sec-Fetch-Mode": "navigate", "Cookie": cookie}
        reply = await fetch(
            f"{self.stage.url}{PREFIX}{path}", method=method, body=body, headers=usual | headers
        )
        for line in reply.headers.get_list("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return reply


def verdict(reply: HTTPResponse) -> str:
    """Return the one word of a page."""
    found = re.search(r'data-drive-sync="([^"]+)"', reply.body.decode())
    assert found is not None, (reply.code, reply.body)
    return found[1]


@pytest.fixture
def options() -> dict[str, Any]:
    """What a test sets of the service's options."""
    return {}


@pytest.fixture
def more_routes() -> list[Any]:
    """What a test serves beside."""
    return []


@pytest.fixture
def application_of(more_routes: list[Any]) -> Callable[[Stage], web.Application]:
    """Make what is served."""
    return lambda made: make_application(made.parts, more_routes)


@pytest.fixture
def google(tmp_path: Path) -> Iterator[tuple[LocalDrive, LocalDriveServer, Path]]:
    with LocalDrive(None, seed=3) as drive, LocalDriveServer(drive) as served:
        client = drive.oauth.client_of_kind("web")
        drive.oauth.add_redirect_uri(client.client_id, f"http://127.0.0.1:9{PREFIX}oauth2callback")
        path = tmp_path / "client_secrets.json"
        path.touch(0o600)
        path.write_text(json.dumps(drive.oauth.client_file(client.client_id, served.url)))
        yield drive, served, path


@pytest.fixture
def make_stage(
    google: tuple[LocalDrive, LocalDriveServer, Path], tmp_path: Path, options: dict[str, Any]
) -> Callable[[FakeHub, str], Stage]:
    drive, served, client_file = google

    def make(hub: FakeHub, hub_url: str) -> Stage:
        environment = {
            "JUPYTERHUB_API_URL": f"{hub_url}/hub/api",
            "JUPYTERHUB_API_TOKEN": "token-of-the-service",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_NAME": "drive-sync",
            "JUPYTERHUB_CLIENT_ID": "service-drive-sync",
            "DRIVE_SYNC_CRYPT_KEY": KEY,
            "DRIVE_SYNC_API_ENDPOINT": served.url,
        }
        config = Config(
            {
                "DriveSyncHub": {
                    "client_file": str(client_file),
                    "database": f"sqlite:///{tmp_path}/service/hub.sqlite",
                    "public_url": "http://127.0.0.1:9",
                    **options,
                }
            }
        )
        parts = make_parts(config, environment, logging.getLogger("drive-sync-hub"))
        return Stage(hub, drive, served.url, parts, "", tmp_path / "service", environment)

    return make


def serve(application: web.Application) -> tuple[httpserver.HTTPServer, str]:
    """Serve an application; returns what ends it, and its address."""
    listening, port = bind_unused_port()
    running = httpserver.HTTPServer(application)
    running.add_sockets([listening])
    return running, f"http://127.0.0.1:{port}"


@pytest.fixture
def stage(
    make_stage: Callable[[FakeHub, str], Stage],
    application_of: Callable[[Stage], web.Application],
    jp_asyncio_loop: Any,
) -> Iterator[Stage]:
    async def start() -> tuple[Stage, list[httpserver.HTTPServer]]:
        hub = FakeHub()
        hub_server, hub_url = serve(hub.application())
        made = make_stage(hub, hub_url)
        made.application = application_of(made)
        server, made.url = serve(made.application)
        return made, [hub_server, server]

    async def stop() -> None:
        for running in servers:
            running.stop()
            await running.close_all_connections()
        await made.parts.service.stop()
        made.parts.service.engine.dispose()
        AsyncHTTPClient().close()

    made, servers = jp_asyncio_loop.run_until_complete(start())
    yield made
    jp_asyncio_loop.run_until_complete(stop())
