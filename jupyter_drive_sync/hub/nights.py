"""Puts the nights of a hub together: the Hub API, grants, homes, the admin's page, their routes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session
from tornado import web

from jupyter_drive_sync.errors import BadSettings, Offline
from jupyter_drive_sync.hub.admin import AdminDesk, admin_routes
from jupyter_drive_sync.hub.base import PageRoute, Parts, ServerRoute, for_servers
from jupyter_drive_sync.hub.consent import check_home_id
from jupyter_drive_sync.hub.course_routes import course_routes
from jupyter_drive_sync.hub.courses import Courses, read_courses
from jupyter_drive_sync.hub.grants import GrantRow
from jupyter_drive_sync.hub.home_runner import ChildRunner
from jupyter_drive_sync.hub.homes import Homes, in_threads
from jupyter_drive_sync.hub.hub_api import HubApi
from jupyter_drive_sync.hub.hub_http import TornadoHttp
from jupyter_drive_sync.hub.journal import Journal
from jupyter_drive_sync.hub.manifest import Graduations, verify_in_child
from jupyter_drive_sync.hub.nightly import Identity, Nightly
from jupyter_drive_sync.hub.people import Granted, Store
from jupyter_drive_sync.hub.problems import BadRequest
from jupyter_drive_sync.hub.reports import NoReport
from jupyter_drive_sync.hub.work import VARIABLE, WorkDesk, work_routes
from jupyter_drive_sync.runner.protocol import Token

_TOKEN_SECONDS: Final = 90.0

Route = tuple[str, type[web.RequestHandler]]


class StateRoute(ServerRoute):
    """What the night wants of a server, and what the server says of its sync."""

    nightly: Nightly

    @for_servers
    async def get(self) -> None:
        """Say whether it is due, or held."""
        home_id = check_home_id(self.get_query_argument("home_id", ""), empty=True)
        self.reply(await self.nightly.get_state(self._identity(home_id)))

    @for_servers
    async def put(self) -> None:
        """Hear how it goes."""
        said = self.body()
        home_id = check_home_id(said.get("home_id", ""), empty=True)
        try:
            await self.nightly.put_state(self._identity(home_id), said)
        except NoReport as problem:
            raise BadRequest(problem=str(problem)) from None
        self.reply({})

    def _identity(self, home_id: str) -> Identity:
        _, _, server = self.caller.server.rpartition("/")
        return Identity(self.caller.user, server, home_id, self.caller.groups or None)


@dataclass(frozen=True)
class Nights:
    """The nights, put together.

    Attributes:
        nightly: decides.
        routes: below the service's prefix.
        http: reaches the hub.
        courses: what is fetched once for everybody.
        look: seconds between two looks at them.
    """

    nightly: Nightly
    routes: Sequence[Route]
    http: TornadoHttp
    courses: Courses
    look: float
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Begin to wait for the nights, and to fetch the courses."""
        await self.nightly.start()
        await self.courses.start()
        self._tasks.append(asyncio.get_running_loop().create_task(self.courses.live(self.look)))

    async def stop(self) -> None:
        """Stop where we are."""
        self.courses.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.nightly.stop()
        self.http.close()


def make_nights(parts: Parts, environment: Mapping[str, str]) -> Nights:
    """Put the nights of a hub together.

    Raises:
        BadSettings: an option cannot be used.
    """
    service = parts.service
    options, log, wall = service.config, service.log, service.wall
    settings = options.night_settings(settings=options.settings)
    engine = service.engine
    http = TornadoHttp(parts.hub_auth.api_url, parts.hub_auth.api_token)
    rng = random.SystemRandom()
    journal = Journal(Store(engine))

    async def granted() -> list[Granted]:
        return await service.off_loop(lambda: _granted(Session(engine)))

    async def access_token(user: str, home_id: str, refused: bool) -> tuple[Any, str, str]:
        made = await service.access_token(user, home_id, refused=refused)
        return made, made.grant.project, made.grant.permission_id

    runner = ChildRunner(settings.homes_root)
    homes = Homes(
        carry_out=in_threads(runner, settings.concurrency),
        journal=journal,
        settings=settings,
        access_token=access_token,
        token_uri=service.google.client.token_uri,
        wall=wall,
    )
    nightly = Nightly(
        engine=engine,
        api=HubApi(http, rng),
        granted=granted,
        settings=settings,
        wall=wall,
        rng=rng,
        log=log,
        homes=homes,
        journal=journal,
    )
    homes.settings_for = lambda user: options.settings_for(nightly.groups_of(user))

    async def verify(user: str, home_id: str, folder: str, since: float) -> Mapping[str, Any]:
        loop = asyncio.get_running_loop()

        def tokens(of_home: str, refused: bool) -> Token:
            made = asyncio.run_coroutine_threadsafe(
                homes.token(user, of_home, refused=refused), loop
            )
            try:
                return made.result(_TOKEN_SECONDS)
            except TimeoutError:
                raise Offline from None

        return await service.off_loop(verify_in_child, tokens, home_id, folder, since)

    graduations = Graduations(engine=engine, journal=journal, verify=verify, wall=wall, log=log)
    nightly.graduated = graduations.synced
    desk = AdminDesk(
        nightly=nightly,
        graduations=graduations,
        revoke=lambda user, home_id: service.disconnect(user, home_id, revoke=True),
        refresh=nightly.meet,
        wall=wall,
        log=log,
    )
    courses = Courses(
        read_courses(options.courses),
        Path(options.courses_dir).absolute(),
        most=options.course_bytes,
        room=nightly.has_room,
        charge=nightly.charge,
        pantry=Path(options.courses_pantry).absolute() if options.courses_pantry else None,
        off_loop=service.off_loop,
        tell=lambda name, problem: log.warning("Course %s: %s", name, problem.sentence),
    )
    homes.courses_for = lambda user: courses.given(nightly.groups_of(user))
    runner.shelf = lambda order: courses.shelf(each["name"] for each in order.courses)
    work = WorkDesk(nightly, homes, wall, courses)
    routes: list[Route] = [
        ("api/state", type("State", (StateRoute,), {"nightly": nightly})),
        *admin_routes(desk, PageRoute, parts.prefix),
        *_workers(work, environment),
        *course_routes(courses),
    ]
    return Nights(nightly, routes, http, courses, options.courses_minutes * 60.0)


def _workers(desk: WorkDesk, environment: Mapping[str, str]) -> list[Route]:
    try:
        return work_routes(desk, environment.get(VARIABLE, ""))
    except ValueError as problem:
        raise BadSettings(name=VARIABLE, problem=str(problem)) from None


def _granted(session: Session) -> list[Granted]:
    """List who has consented."""
    columns = (
        GrantRow.user,
        GrantRow.home_id,
        GrantRow.created,
        GrantRow.email,
        GrantRow.dead_since,
    )
    with session:
        rows = session.execute(select(*columns).order_by(GrantRow.user, GrantRow.created))
        return [Granted(row[0], row[1], row[2], row[3], "", row[4]) for row in rows]
