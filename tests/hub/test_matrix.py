"""Who may do what at the service: every route of the running application, verb, kind of caller.

Law 14. The routes are asked of the application, so that a new one is in the table the day that it
is made.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
from tornado.httpclient import HTTPResponse
from tornado.web import Application, RequestHandler

from jupyter_drive_sync.hub.app import make_application
from jupyter_drive_sync.hub.base import PageRoute, ServerRoute
from tests.hub.conftest import HOME, PREFIX, Stage, Tab, fetch, verdict

VERBS: Final = ("get", "head", "post", "put", "patch", "delete", "options")
BODY: Final = {"home_id": HOME}
PUBLIC: Final = {"oauth_callback"}
"""The hub's own way back from its login; it is JupyterHub's code, and carries no login itself."""

Cell = tuple[str, str, type[RequestHandler]]


def cells(application: Application) -> list[Cell]:
    """Return path below the prefix, verb and handler of all there is."""
    found: list[Cell] = []
    for rule in application.wildcard_router.rules:
        pattern = rule.matcher.regex.pattern  # type: ignore[attr-defined]
        path = re.sub(r"\(.*?\)", "x", pattern).rstrip("$").removeprefix(PREFIX)
        handler = rule.target
        found += [
            (path, verb, handler)
            for verb in VERBS
            if getattr(handler, verb) is not getattr(RequestHandler, verb)
        ]
    return found


@pytest.fixture
def table(stage: Stage) -> list[Cell]:
    return [cell for cell in cells(make_application(stage.parts)) if cell[0] not in PUBLIC]


async def send(stage: Stage, path: str, verb: str, **headers: str) -> HTTPResponse:
    form = any("form" in value for value in headers.values())
    body = "" if form else json.dumps(BODY)
    return await fetch(
        f"{stage.url}{PREFIX}{path}" + (f"?home_id={HOME}" if verb == "get" else ""),
        method=verb.upper(),
        headers={"Sec-Fetch-Mode": "navigate", **headers},
        body=body if verb in ("post", "put", "patch") else None,
    )


def cookies(tab: Tab) -> str:
    return "; ".join(f"{name}={value}" for name, value in tab.cookies.items())


def refused(reply: HTTPResponse, handler: type[RequestHandler]) -> bool:
    """Tell whether somebody was turned away, in our form."""
    if issubclass(handler, ServerRoute):
        assert set(json.loads(reply.body)) == {"code", "who", "sentence", "params"}
        return reply.code == 403
    if reply.code == 302:
        return reply.headers["Location"].startswith("/hub/api/oauth2/authorize")
    return reply.code == 403 and bool(verdict(reply))


async def test_every_route_is_for_a_person_or_for_a_server(table: list[Cell]) -> None:
    assert len(table) >= 8
    for path, _, handler in table:
        assert issubclass(handler, PageRoute) != issubclass(handler, ServerRoute), path
        assert path.startswith("api/") == issubclass(handler, ServerRoute), path


async def test_anonymous(stage: Stage, table: list[Cell]) -> None:
    for path, verb, handler in table:
        assert refused(await send(stage, path, verb), handler), (path, verb)


async def test_a_cookie_opens_no_route_for_servers(stage: Stage, table: list[Cell]) -> None:
    tab = stage.browser("ann", admin=True)
    for path, verb, handler in table:
        if issubclass(handler, ServerRoute):
            reply = await send(stage, path, verb, Cookie=cookies(tab))
            assert refused(reply, handler), (path, verb)


async def test_a_servers_token_opens_no_page(stage: Stage, table: list[Cell]) -> None:
    token = stage.server("ann")
    for path, verb, handler in table:
        if issubclass(handler, PageRoute):
            reply = await send(stage, path, verb, Authorization=f"token {token}")
            assert refused(reply, handler), (path, verb)


async def test_a_service_opens_nothing(stage: Stage, table: list[Cell]) -> None:
    stage.hub.known["other"] = {
        "kind": "service", "name": "ann", "admin": True,
        "scopes": ["access:services", "custom:drive-sync:token!server=ann/"],
    }  # fmt: skip
    for path, verb, handler in table:
        reply = await send(stage, path, verb, Authorization="token other")
        assert refused(reply, handler), (path, verb)


async def test_without_the_token_against_forged_requests(stage: Stage, table: list[Cell]) -> None:
    tab = stage.browser("ann", admin=True)
    for path, verb, handler in table:
        if issubclass(handler, PageRoute) and verb not in ("get", "head"):
            reply = await send(
                stage, path, verb, Cookie=cookies(tab),
                **{"Content-Type": "application/x-www-form-urlencoded"},
            )  # fmt: skip
            assert refused(reply, handler), (path, verb)


async def test_who_has_no_access_to_the_service(stage: Stage, table: list[Cell]) -> None:
    tab = stage.browser("ann")
    stage.hub.known["browser-ann"]["scopes"] = ["read:users:name!user=ann"]
    for path, verb, handler in table:
        if issubclass(handler, PageRoute):
            reply = await send(stage, path, verb, Cookie=cookies(tab))
            assert refused(reply, handler), (path, verb)


async def test_pages_for_admins_are_for_admins(stage: Stage, table: list[Cell]) -> None:
    tab = stage.browser("ann")
    for path, verb, handler in table:
        if issubclass(handler, PageRoute) and handler.admins_only:
            reply = await send(stage, path, verb, Cookie=cookies(tab))
            assert reply.code == 403, (path, verb)


async def test_allowed(stage: Stage, table: list[Cell]) -> None:
    tab = stage.browser("ann", admin=True)
    token = stage.server("ann")
    for path, verb, handler in table:
        if issubclass(handler, ServerRoute):
            reply = await send(stage, path, verb, Authorization=f"token {token}")
            assert reply.code in (200, 400, 409), (path, verb, reply.body)
        elif verb == "get":
            reply = await send(stage, path, verb, Cookie=cookies(tab))
            assert reply.code in (200, 403), (path, verb)
            assert reply.code == 200 or path == "oauth2callback"  # a forged answer


async def test_reading_changes_nothing(stage: Stage, table: list[Cell]) -> None:
    await stage.connect("ann")
    before = stage.parts.service.grants.of_user("ann")
    tab, token = stage.browser("ann", admin=True), stage.server("ann")
    for path, verb, handler in table:
        if verb in ("get", "head"):
            server = issubclass(handler, ServerRoute)
            headers = {"Authorization": f"token {token}"} if server else {"Cookie": cookies(tab)}
            await send(stage, path, verb, **headers)
    assert stage.parts.service.grants.of_user("ann") == before


async def test_other_verbs(stage: Stage, table: list[Cell]) -> None:
    known = {(path, verb) for path, verb, _ in table}
    tab, token = stage.browser("ann"), stage.server("ann")
    for path, handler in {(path, handler) for path, _, handler in table}:
        server = issubclass(handler, ServerRoute)
        headers = {"Authorization": f"token {token}"} if server else {"Cookie": cookies(tab)}
        for verb in VERBS:
            if (path, verb) not in known:
                reply = await send(stage, path, verb, **headers)
                assert reply.code in (403, 405), (path, verb, reply.code)


async def test_addresses_that_are_none(stage: Stage) -> None:
    for path in ("nothing", "api/nothing", "../hub/home", "connect/"):
        reply: Any = await stage.browser("ann").get(path)
        assert reply.code == 404, path
    status, said = await stage.call("api/nothing", stage.server("ann"))
    assert (status, said["code"]) == (404, "request.unknown")
