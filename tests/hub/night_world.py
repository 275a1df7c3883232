"""A hub, its people and its service, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from jupyter_drive_sync.drive.secrets import Access, Secret
from jupyter_drive_sync.errors import AuthRevoked, RunCancelled
from jupyter_drive_sync.hub.database import open_database
from jupyter_drive_sync.hub.home_runner import Order
from jupyter_drive_sync.hub.homes import Homes
from jupyter_drive_sync.hub.hub_api import HubApi
from jupyter_drive_sync.hub.journal import Journal
from jupyter_drive_sync.hub.night_config import NightConfig, NightSettings
from jupyter_drive_sync.hub.nightly import Identity, Nightly
from jupyter_drive_sync.hub.people import Granted, Person, Store
from tests.drive.ground import seeded
from tests.hub.fake_hub import FakeHub
from tests.server.virtual_loop import VirtualLoop
from tests.virtual_clock import VirtualClock

EVENING = 1_800_046_800.0  # 2027-01-15 21:00 UTC


def settings(**changes: Any) -> NightSettings:
    return replace(NightConfig().night_settings(), **changes)


class NightWorld:
    """Everything that one test of the nights needs. ``syncs`` says what a server reports."""

    def __init__(self, folder: Path, people: int = 0, seed: int = 1, **changes: Any) -> None:
        self.clock = VirtualClock(EVENING)
        self.hub = FakeHub(self.clock, seed)
        self.hub.when_up = self.extension
        self.engine: Engine = open_database(f"sqlite:///{folder}/hub.sqlite")
        # Nobody pulls the plug in a test.
        event.listen(self.engine, "connect", lambda db, _: db.execute("PRAGMA synchronous=OFF"))
        self.store = Store(self.engine)
        self.settings = settings(**changes)
        self.granted: dict[str, Granted] = {}
        self.seed = seed
        self.service: Nightly | None = None
        self.journal: Callable[[Store], Journal] = Journal
        self.passes: Counter[str] = Counter()
        self.answers: list[dict[str, Any]] = []
        self.pass_seconds: Callable[[str], float] = lambda _: 20.0
        self.status: Callable[[str], dict[str, Any]] = lambda _: completed()
        self.rng = seeded(seed)
        self.dead: set[str] = set()
        """Users whose permission Google ended."""
        self.busy = self.most = 0
        for number in range(people):
            self.person(f"user{number:05}")

    def person(self, name: str, activity: float = 1_000.0, **more: Any) -> None:
        self.hub.add(name, activity, more.pop("groups", ()))
        self.granted[name] = Granted(name, more.pop("home_id", f"h-{name}"), 1_000.0, **more)

    async def list_granted(self) -> list[Granted]:
        return [*self.granted.values()]

    def make(self) -> Nightly:
        self.service = Nightly(
            engine=self.engine,
            api=HubApi(self.hub, seeded(self.seed)),
            granted=self.list_granted,
            settings=self.settings,
            wall=self.clock.wall,
            rng=seeded(self.seed),
            log=logging.getLogger("night"),
            homes=self.homes(),
            journal=self.journal(self.store),
        )
        return self.service

    def homes(self) -> Homes | None:
        if self.settings.mode != "mounted":
            return None
        return Homes(
            carry_out=self.carry_out,
            journal=Journal(self.store),
            settings=self.settings,
            access_token=self.access_token,
            token_uri="http://127.0.0.1:9/token",
            wall=self.clock.wall,
        )

    async def access_token(self, user: str, home_id: str, refused: bool) -> Any:
        if user in self.dead:
            raise AuthRevoked
        return Access(Secret(f"token of {user}"), self.clock.wall() + 3600), "1", "a"

    async def carry_out(self, order: Order, tokens: Any, heard: Any, over: Any) -> Any:
        """What a child process does in a mounted home."""
        token = await tokens(f"h-{order.user}", False)
        assert token.token == f"token of {order.user}"
        self.most = max(self.most, self.busy + 1)
        self.busy += 1
        try:
            async with asyncio.timeout(order.seconds):
                await asyncio.sleep(self.pass_seconds(order.user))
        except TimeoutError:
            raise RunCancelled from None
        finally:
            self.busy -= 1
        self.passes[order.user] += 1
        status = self.status(order.user)
        return {
            "outcome": status["outcome"],
            "objects": status["counts"]["objects"],
            "counters": status["counts"],
            "problem": status.get("problem"),
            "holds": [],
        }

    async def extension(self, user: str, server: str) -> None:
        """What the extension in a person's server does."""
        await asyncio.sleep(2)
        identity = Identity(user, server, f"h-{user}", tuple(self.hub.users[user].groups))
        answer = await self.ask(lambda service: service.get_state(identity))
        self.answers.append(answer)
        if not answer["due"]:
            return
        started = self.clock.wall()
        await asyncio.sleep(self.pass_seconds(user))
        self.passes[user] += 1
        status = {"started": started, **self.status(user)}
        word = {"night": answer["night"], "status": status}
        await self.ask(lambda service: service.put_state(identity, word))

    async def ask(self, request: Callable[[Nightly], Awaitable[Any]]) -> Any:
        """Ask again until the service answers, as the extension does."""
        while True:
            if self.service is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(10):
                        return await request(self.service)
            await asyncio.sleep(5)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        loop = VirtualLoop(self.clock)
        try:
            return loop.run_until_complete(work)
        finally:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.wait(tasks))
            loop.close()
            self.engine.dispose()

    async def one_night(self) -> Nightly:
        """Let one night go by, and the hour after it."""
        service = self.make()
        await service.start()
        await self.until_over(service)
        await service.stop()
        return service

    async def until_over(self, service: Nightly) -> None:
        end = self.settings.window.at(self.clock.wall()).end
        await asyncio.sleep(end + 3600 - self.clock.wall())
        assert service.wave is None, "the night goes on"

    def people(self) -> dict[str, Person]:
        return {person.user: person for person in self.store.people()}

    def outcomes(self) -> dict[str, str]:
        night = self.store.nights(1)[0]
        return {turn.user: turn.outcome for turn in self.store.turns(night.id, ["done"])}


def completed(units: int = 1_000, **more: Any) -> dict[str, Any]:
    counts = {"quota_units": units, "bytes_sent": 10_000, "objects": 20}
    return {"outcome": "completed", "counts": counts, **more}
