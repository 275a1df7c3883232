"""Who may do what at the service: every route of the running application, verb, kind of caller.

Law 14. The routes are those of the application that the service runs, nights, administrators' page
and workers included, so that a new one is in the table the day that it is made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tornado.httpclient import HTTPResponse
from tornado.web import Application, RequestHandler

from jupyter_drive_sync.hub.app import make_all
from jupyter_drive_sync.hub.base import PageRoute, ServerRoute
from jupyter_drive_sync.hub.database import Base
from jupyter_drive_sync.hub.manifest import GraduationRow
from jupyter_drive_sync.hub.nights import Nights
from jupyter_drive_sync.hub.work import VARIABLE, WorkRoute
from tests.hub.conftest import HOME, PREFIX, Forms, Stage, Tab, fetch, verdict

VERBS: Final = ("get", "head", "post", "put", "patch", "delete", "options")
BODY: Final = {"home_id": HOME}
PUBLIC: Final = {"oauth_callback"}
"""The hub's own way back from its login; it is JupyterHub's code, and carries no login itself."""

SECRET: Final = "secret-of-the-workers"
WORKER: Final = {"worker": "w", "shard": 0, "shards": 1}
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
KINDS: Final = (PageRoute, ServerRoute, WorkRoute)

Cell = tuple[str, str, type[RequestHandler]]


def example(pattern: str) -> str:
    """Return a path that a route answers; each group is a choice of words, or a number."""
    path = re.sub(r"\((\w+)(?:\|\w+)*\)", r"\1", pattern)
    path = re.sub(r"\(\[0-9\].*?\)|\.\*", "1", path).rstrip("$")
    assert re.fullmatch(pattern, path), f"the table knows no example of {pattern}"
    return path.removeprefix(PREFIX)


def cells(application: Application) -> list[Cell]:
    """Return path below the prefix, verb and handler of all there is."""
    found: list[Cell] = []
    for rule in application.wildcard_router.rules:
        path = example(rule.matcher.regex.pattern)  # type: ignore[attr-defined]
        handler = rule.target
        found += [
            (path, verb, handler)
            for verb in VERBS
            if getattr(handler, verb) is not getattr(RequestHandler, verb)
        ]
    return found


@pytest.fixture
def nights() -> Iterator[list[Nights]]:
    made: list[Nights] = []
    yield made
    for each in made:
        each.nightly.journal.close()
        each.http.close()


@pytest.fixture
def application_of(nights: list[Nights]) -> Callable[[Stage], Application]:
    def make(stage: Stage) -> Application:
        application, made = make_all(stage.parts, {**stage.environment, VARIABLE: SECRET})
        nights.append(made)
        return application

    return make


@pytest.fixture
def table(stage: Stage) -> list[Cell]:
    return [cell for cell in cells(stage.application) if cell[0] not in PUBLIC]


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
    if issubclass(handler, WorkRoute):
        assert set(json.loads(reply.body)) == {"problem"}
        return reply.code == 403
    if reply.code == 302:
        return reply.headers["Location"].startswith("/hub/api/oauth2/authorize")
    return reply.code == 403 and bool(verdict(reply))


async def test_every_route_is_for_a_person_a_server_or_a_worker(table: list[Cell]) -> None:
    paths = {path for path, _, _ in table}
    assert {"", "connect", "api/token", "api/state", "admin", "admin/act", "metrics"} < paths
    assert {"admin/pause", "admin/manifest/1", "api/shard/token", "api/shard/claim"} < paths
    assert {"api/shard/course", "api/course", "api/courses", "api/course/file"} < paths
    for path, _, handler in table:
        assert sum(issubclass(handler, kind) for kind in KINDS) == 1, path
        assert path.startswith("api/shard/") == issubclass(handler, WorkRoute), path
        assert path.startswith("api/") != issubclass(handler, PageRoute), path
        admins = path.startswith(("admin", "metrics"))
        assert admins == getattr(handler, "admins_only", False), path


async def test_anonymous(stage: Stage, table: list[Cell]) -> None:
    for path, verb, handler in table:
        assert refused(await send(stage, path, verb), handler), (path, verb)


async def test_a_cookie_opens_no_route_for_servers(stage: Stage, table: list[Cell]) -> None:
    tab = stage.browser("ann", admin=True)
    for path, verb, handler in table:
        if not issubclass(handler, PageRoute):
            reply = await send(stage, path, verb, Cookie=cookies(tab))
            assert refused(reply, handler), (path, verb)


async def test_a_servers_token_opens_no_page_and_nothing_of_workers(
    stage: Stage, table: list[Cell]
) -> None:
    token = stage.server("ann")
    for path, verb, handler in table:
        if not issubclass(handler, ServerRoute):
            reply = await send(stage, path, verb, Authorization=f"token {token}")
            assert refused(reply, handler), (path, verb)


async def test_a_workers_secret_opens_nothing_but_work(stage: Stage, table: list[Cell]) -> None:
    for path, verb, handler in table:
        if not issubclass(handler, WorkRoute):
            reply = await send(stage, path, verb, Authorization=f"Bearer {SECRET}")
            assert refused(reply, handler), (path, verb)
        for wrong in (SECRET[:-1], f"{SECRET}x", "", "token-of-the-service"):
            reply = await send(stage, path, verb, Authorization=f"Bearer {wrong}")
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
            reply = await send(stage, path, verb, Cookie=cookies(tab), **FORM)
            assert refused(reply, handler), (path, verb)


async def test_who_has_no_access_to_the_service(stage: Stage, table: list[Cell]) -> None:
    tab = stage.browser("ann")
    stage.hub.known["browser-ann"]["scopes"] = ["read:users:name!user=ann"]
    for path, verb, handler in table:
        if issubclass(handler, PageRoute):
            reply = await send(stage, path, verb, Cookie=cookies(tab))
            assert refused(reply, handler), (path, verb)


async def press(stage: Stage, tab: Tab, path: str) -> HTTPResponse:
    """Send a form of a person's own page."""
    page = await tab.get("connect")
    xsrf = Forms(page.body.decode()).forms[0][1]["_xsrf"]
    return await fetch(
        f"{stage.url}{PREFIX}{path}",
        method="POST",
        headers={"Sec-Fetch-Mode": "navigate", "Cookie": cookies(tab), **FORM},
        body=urlencode({"_xsrf": xsrf}),
    )


async def test_pages_for_admins_are_for_admins(stage: Stage, table: list[Cell]) -> None:
    tab = stage.browser("ann")
    for path, verb, handler in table:
        if issubclass(handler, PageRoute) and handler.admins_only:
            reply = await send(stage, path, verb, Cookie=cookies(tab))
            assert reply.code == 403, (path, verb)
            if verb == "post":
                assert (await press(stage, tab, path)).code == 403, path


async def test_allowed(stage: Stage, table: list[Cell]) -> None:
    tab = stage.browser("ann", admin=True)
    token = stage.server("ann")
    with Session(stage.parts.service.engine) as session:
        asked = {"user": "ann", "asked_at": 0.0, "by": "root", "state": "proven"}
        session.add(GraduationRow(id=1, manifest="{}", **asked))
        session.commit()
    for path, verb, handler in table:
        if issubclass(handler, ServerRoute):
            reply = await send(stage, path, verb, Authorization=f"token {token}")
            assert reply.code in (200, 400, 409), (path, verb, reply.body)
        elif issubclass(handler, WorkRoute):
            reply = await fetch(
                f"{stage.url}{PREFIX}{path}",
                method="POST",
                headers={"Authorization": f"Bearer {SECRET}"},
                body=json.dumps(WORKER),
            )
            # Nobody's turn is this worker's.
            assert reply.code == (200 if path.endswith("claim") else 400), (path, reply.body)
        elif verb == "get":
            reply = await send(stage, path, verb, Cookie=cookies(tab))
            # A forged answer of Google's is the one page that is none.
            assert reply.code == (403 if path == "oauth2callback" else 200), (path, verb)
        else:
            reply = await press(stage, tab, path)
            assert reply.code in (200, 303, 400), (path, reply.code)  # nothing is connected


def everything(stage: Stage) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    with stage.parts.service.engine.connect() as db:
        return {
            table.name: [tuple(row) for row in db.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }


async def test_reading_changes_nothing(
    stage: Stage, table: list[Cell], nights: list[Nights]
) -> None:
    await stage.connect("ann")
    await nights[0].nightly.prepare()
    # What the pages show of people is read off their consents, by whoever looks first.
    await nights[0].nightly.meet()
    before = everything(stage)
    assert before["grants"]
    assert before["people"]
    tab, token = stage.browser("ann", admin=True), stage.server("ann")
    for path, verb, handler in table:
        if verb in ("get", "head"):
            server = issubclass(handler, ServerRoute)
            headers = {"Authorization": f"token {token}"} if server else {"Cookie": cookies(tab)}
            await send(stage, path, verb, **headers)
    assert everything(stage) == before


async def test_other_verbs(stage: Stage, table: list[Cell]) -> None:
    known = {(path, verb) for path, verb, _ in table}
    tab, token = stage.browser("ann"), stage.server("ann")
    for path, handler in {(path, handler) for path, _, handler in table}:
        headers = {"Cookie": cookies(tab)}
        if issubclass(handler, ServerRoute):
            headers = {"Authorization": f"token {token}"}
        elif issubclass(handler, WorkRoute):
            headers = {"Authorization": f"Bearer {SECRET}"}
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
