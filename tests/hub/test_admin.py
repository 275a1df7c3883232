"""The administrators' page: what it says, what its buttons do, who may."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import logging
import re
from collections.abc import Callable, Coroutine
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tornado import httpserver, netutil, web
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from jupyter_drive_sync.hub.admin import AdminDesk, admin_routes
from jupyter_drive_sync.hub.manifest import Graduations
from jupyter_drive_sync.hub.people import Granted, NightRow, Person, _fill
from jupyter_drive_sync.hub.standing import STATES, standing
from tests.hub.night_world import NightWorld

DAY = 86_400.0


class Base(web.RequestHandler):
    """Stands for the service's own base: `X-Who` is who the hub says it is."""

    admins_only = False

    async def prepare(self) -> None:
        self.user = self.request.headers.get("X-Who", "")
        if not self.user or (self.admins_only and self.user != "root"):
            self.set_status(403)
            self.finish("no")
            return
        if self.request.method != "GET":
            self.check_xsrf_cookie()

    def html(self, text: str) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(text)


class Site:
    """The page over a world of nights, on a socket of this machine."""

    def __init__(self, folder: Path, people: int = 0) -> None:
        self.world = NightWorld(folder, people)
        self.revoked: list[tuple[str, str]] = []
        self.port = 0
        self.cookie = ""

    async def revoke(self, user: str, home_id: str) -> None:
        if user == "stubborn":
            raise OSError("Google is away")
        self.revoked.append((user, home_id))

    async def verify(self, *_: Any) -> Any:
        return {"proven": False, "wrong": [], "wrong_count": 1}

    async def serve(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        world = self.world
        nightly = world.make()
        await nightly.prepare()
        await nightly.meet()
        log = logging.getLogger("admin")
        desk = AdminDesk(
            nightly=nightly,
            graduations=Graduations(
                engine=world.engine,
                journal=nightly.journal,
                verify=self.verify,
                wall=world.clock.wall,
                log=log,
            ),
            revoke=self.revoke,
            refresh=nightly.meet,
            wall=world.clock.wall,
            log=log,
        )
        routes: list[Any] = [(f"/s/{path}", kind) for path, kind in admin_routes(desk, Base, "/s/")]
        server = httpserver.HTTPServer(web.Application(routes, cookie_secret="x" * 32))
        (socket,) = netutil.bind_sockets(0, "127.0.0.1")
        server.add_sockets([socket])
        self.port = socket.getsockname()[1]
        self.nightly = nightly
        try:
            await work()
        finally:
            server.stop()
            await server.close_all_connections()
            world.engine.dispose()

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(self.serve(work))

    async def get(self, path: str, who: str = "root") -> HTTPResponse:
        return await self.call("GET", path, None, who)

    async def post(self, path: str, **fields: Any) -> HTTPResponse:
        return await self.call("POST", path, urlencode(fields, doseq=True), "root")

    async def call(self, method: str, path: str, body: str | None, who: str) -> HTTPResponse:
        headers = {"X-Who": who, "Cookie": self.cookie}
        reply = await AsyncHTTPClient().fetch(
            f"http://127.0.0.1:{self.port}/s/{path}",
            method=method,
            body=body,
            headers=headers,
            follow_redirects=False,
            raise_error=False,
        )
        for each in reply.headers.get_list("Set-Cookie"):
            name, _, value = each.partition(";")[0].partition("=")
            jar = dict(part.split("=", 1) for part in self.cookie.split("; ") if part)
            jar[name] = value
            self.cookie = "; ".join(f"{key}={text}" for key, text in jar.items() if text)
        return reply

    async def page(self, query: str = "") -> str:
        reply = await self.get(f"admin{query}")
        assert reply.code == 200
        return reply.body.decode()

    async def do(self, path: str, **fields: Any) -> str:
        """Press a button, and read what the page says then."""
        page = await self.page()
        found = re.search(r'name="_xsrf" value="([^"]+)"', page)
        assert found is not None
        reply = await self.post(path, _xsrf=found[1], **fields)
        if reply.code == 200:
            return reply.body.decode()
        assert reply.code == 303, reply.body
        done = re.search(r'role="status">([^<]*)<', await self.page())
        assert done is not None
        return done[1]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_everyone_at_a_glance(site: Site) -> None:
    world = site.world
    for name in ("ann", "bob", "cid"):
        world.person(name, account=f"{name}@example.edu")
    now = world.clock.wall()

    async def look() -> None:
        change = world.store.change_person
        change("ann", "", {"last_sync": now - 3600, "outcome": "synced", "files": 1_234})
        change("bob", "", {"problem": "drive.full", "problem_who": "user", "problem_since": now})
        page = await site.page()
        assert "1,234" in page
        assert "Their Google account is full" in page
        assert "The first upload waits for its night" in page
        shown = await site.page("?state=not_backed_up")
        assert "<b>bob</b>" in shown
        assert "<b>cid</b>" in shown
        assert "<b>ann</b>" not in shown
        assert "<b>cid</b>" in await site.page("?q=CID@")

    site.run(look)


def test_ten_thousand_people_come_in_pages(tmp_path: Path) -> None:
    site = Site(tmp_path, 1_050)

    async def look() -> None:
        first = await site.page()
        assert first.count('name="who"') == 100
        assert "Page 1 of 11" in first
        last = await site.page("?page=11")
        assert last.count('name="who"') == 50
        assert 'rel="next"' not in last
        reply = json.loads((await site.get("admin/people.json?page=2")).body)
        assert (reply["total"], reply["pages"], len(reply["people"])) == (1_050, 2, 50)

    site.run(look)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "admin"),
        ("GET", "admin/people.json"),
        ("GET", "admin/people.csv"),
        ("GET", "admin/night.json"),
        ("GET", "admin/graduations.json"),
        ("GET", "admin/manifest/1"),
        ("GET", "metrics"),
        ("POST", "admin/act"),
        ("POST", "admin/hold"),
        ("POST", "admin/lift"),
        ("POST", "admin/pause"),
        ("POST", "admin/resume"),
    ],
)
def test_only_administrators(site: Site, method: str, path: str) -> None:
    site.world.person("ann")

    async def try_it() -> None:
        body = "action=revoke&who=ann/&sure=yes" if method == "POST" else None
        assert (await site.call(method, path, body, "ann")).code == 403
        assert (await site.call(method, path, body, "")).code == 403
        if method == "POST":
            # An administrator's browser that another page sends here brings no form of ours.
            assert (await site.call(method, path, body, "root")).code == 403
        assert site.revoked == []
        assert not site.nightly.paused

    site.run(try_it)


def test_names_are_text_and_cells_are_no_formulas(site: Site) -> None:
    evil = "<script>alert(1)</script>"
    site.world.person(evil, account='"><img src=x>')
    site.world.person("=cmd|'/c calc'!A1", account="+1@example.edu")

    async def look() -> None:
        page = await site.page()
        assert "<script" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page
        reply = await site.get("admin/people.csv")
        rows = list(csv.DictReader(io.StringIO(reply.body.decode())))
        cells = [cell for row in rows for cell in row.values()]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
        assert "'=cmd|'/c calc'!A1" in cells

    site.run(look)


def test_buttons(site: Site) -> None:
    world = site.world
    for name in ("ann", "bob", "stubborn"):
        world.person(name)

    async def press() -> None:
        world.store.change_person("ann", "", {"problem": "auth.revoked", "revoked": True})
        said = await site.do("admin/act", action="retry", who=["ann/"])
        assert said == "1 person will be synced as soon as may be."
        assert world.people()["ann"].retry
        said = await site.do("admin/act", action="hold", who=["ann/", "bob/"], reason="exam")
        assert said == "2 people will not be disturbed until you lift it below."
        page = await site.page("?state=held")
        assert page.count("Held by root: exam.") == 2
        assert await site.do("admin/lift", hold=1) == "The hold is lifted."
        assert await site.do("admin/lift", hold=1) == "There was no such hold any more."
        await site.do("admin/act", action="leave_out", who=["bob/"])
        assert world.people()["bob"].opted_out
        await site.do("admin/act", action="take_in", who=["bob/"])
        assert not world.people()["bob"].opted_out
        assert "Nobody was ticked" in await site.do("admin/act", action="retry")
        asked = await site.do("admin/act", action="revoke", who=["bob/", "stubborn/"])
        assert "End the permission of these people?" in asked
        assert site.revoked == []
        said = await site.do("admin/act", action="revoke", who=["bob/", "stubborn/"], sure="yes")
        assert said == (
            "The permission of 1 person was ended. That of stubborn could not be ended; try again."
        )
        assert site.revoked == [("bob", "h-bob")]

    site.run(press)


def test_holds_for_groups_and_for_a_while(site: Site) -> None:
    world = site.world
    world.person("ann", groups=("exam",))

    async def press() -> None:
        until = "2027-01-20T12:00"
        await site.do("admin/hold", kind="group", name="exam", until=until, reason="finals")
        (hold,) = site.nightly.holds
        assert (hold.kind, hold.name, hold.reason, hold.by) == ("group", "exam", "finals", "root")
        assert hold.end == 1_800_446_400.0
        assert "Nothing is held" in await site.do("admin/hold", kind="group", name="")
        assert "Nothing is held" in await site.do(
            "admin/hold", kind="all", name="", until="2020-01-01T00:00"
        )
        assert "until 2027-01-20 12:00" in await site.page()

    site.run(press)


def test_pause(site: Site) -> None:
    async def press() -> None:
        assert await site.do("admin/pause") == "The nights are paused."
        assert site.nightly.paused
        assert "The nights are paused." in await site.page()
        assert await site.do("admin/resume") == "The nights go on."

    site.run(press)


def test_many_permissions_that_end_at_seven_days_are_explained(site: Site) -> None:
    now = site.world.clock.wall()
    for number in range(6):
        name = f"u{number}"
        site.world.person(name)
        granted = now - 10 * DAY
        ended = granted + (7 * DAY if number < 5 else DAY)
        site.world.granted[name] = Granted(name, f"h-{name}", granted, "", "", ended)

    async def look() -> None:
        page = await site.page()
        assert "5 of 6 permissions that ended lately ended 7 days after consent" in page
        assert "Publish it" in page

    site.run(look)


def test_a_group_hold_without_the_groups_is_explained(site: Site) -> None:
    site.world.person("ann")
    site.world.hub.show_groups = False

    async def look() -> None:
        site.nightly._groups["ann"] = None
        await site.do("admin/hold", kind="group", name="exam")
        assert "lacks the scope read:users:groups" in await site.page()

    site.run(look)


def test_groups_are_offered_and_a_name_that_nobody_has_is_told(site: Site) -> None:
    site.world.person("ann")

    async def look() -> None:
        site.nightly._groups["ann"] = ("lab-3", 'odd"name')
        page = await site.page()
        assert '<option value="lab-3"><option value="odd&quot;name">' in page
        assert await site.do("admin/hold", kind="group", name="lab-3") == "It is held."
        said = await site.do("admin/hold", kind="group", name="lab-33")
        assert "nobody is in a group lab-33" in said

    site.run(look)


def test_the_night_that_is_on(site: Site) -> None:
    """The page shows how far it is, and comes again by itself."""
    for number in range(20):
        site.world.person(f"u{number}")

    async def look() -> None:
        nightly = site.nightly
        night = site.world.settings.window.at(site.world.clock.wall())
        wave = nightly._wave(night, "servers")
        nightly.wave = wave
        row = NightRow(
            id=night.id, mode="servers", begin=night.begin, end=night.end, state="running"
        )
        turns = [
            {"night": night.id, "user": f"u{n}", "server": "", "why": "first", "at": night.begin,
             "state": "planned"}
            for n in range(20)
        ]  # fmt: skip
        site.world.store.begin(row, turns)
        wave.add(site.world.store.turns(night.id))
        site.world.clock.advance(night.begin + 1_800 - site.world.clock.wall())
        for _ in range(8):
            assert wave.take() is not None
        wave.counts["synced"] = 10
        wave.counts["failed"] = 1
        page = await site.page()
        assert "The night is on." in page
        assert 'http-equiv="refresh"' in page
        assert "11 of 31 people are done, 8 under way, about 55 minutes left." in page
        assert page.count("Syncing now.") == 8
        values = json.loads((await site.get("admin/night.json")).body)
        assert (values["done"], values["total"], values["under_way"]) == (11, 31, 8)
        figures = (await site.get("metrics")).body.decode()
        assert "drive_sync_hub_night_running 1.0" in figures
        assert 'drive_sync_hub_people{state="syncing"} 8.0' in figures
        assert "u1" not in figures
        assert "Begin no more tonight" in page
        await site.do("admin/pause")
        assert wave.stopped

    site.run(look)


class Outline(HTMLParser):
    """Collects what a page without labels or headings would lack."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: set[str] = set()
        self.fields: list[dict[str, str]] = []
        self.inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "label":
            self.labels.add(given.get("for", ""))
            self.inside += 1
        if tag in ("input", "select") and given.get("type") != "hidden" and not self.inside:
            self.fields.append(given)

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag == "label"


def test_every_field_has_a_label(site: Site) -> None:
    site.world.person("ann")

    async def look() -> None:
        outline = Outline()
        outline.feed(await site.page())
        assert outline.fields
        assert {field["id"] for field in outline.fields} <= outline.labels

    site.run(look)


def test_every_code_has_a_sentence() -> None:
    """What the night itself says is never shown as a bare code."""
    folder = Path(__file__).parents[2] / "jupyter_drive_sync/hub"
    codes = {
        code
        for path in folder.glob("*.py")
        for code in re.findall(r'"(night\.[a-z_]+)"', path.read_text())
    }
    for code in codes:
        person = Person(user="ann", server="")
        _fill(person)
        person.problem, person.problem_who = code, "admin"
        how = standing(person, None, under_way=False)
        assert how.state in STATES
        assert code not in how.sentence, code
