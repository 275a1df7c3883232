"""Two workers in processes of their own share a night, as the pods of a CronJob do."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from tornado import httpserver, netutil, web

from jupyter_drive_sync.demo.proof import mirrored
from jupyter_drive_sync.drive.secrets import Access, Secret
from jupyter_drive_sync.hub.courses import Assigned, CourseFile, Edition, Shelf
from jupyter_drive_sync.hub.database import open_database
from jupyter_drive_sync.hub.homes import Homes
from jupyter_drive_sync.hub.hub_api import HubApi
from jupyter_drive_sync.hub.journal import Journal
from jupyter_drive_sync.hub.nightly import Nightly
from jupyter_drive_sync.hub.people import Granted, Store
from jupyter_drive_sync.hub.work import VARIABLE, WorkDesk, share, work_routes
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from tests.hub.fake_hub import FakeHub
from tests.hub.night_world import settings
from tests.virtual_clock import VirtualClock

SECRET = "0123456789abcdef0123"
DRIVE_FILE = "https://www.googleapis.com/auth/drive.file"
WELCOME = hashlib.md5(b"welcome", usedforsecurity=False).hexdigest()
PEOPLE = ("ann", "bob", "cid", "dan", "eve", "fay")


def grant(drive: LocalDrive, name: str, client: str) -> str:
    email = f"{name}@example.edu"
    drive.oauth.add_account(email, name)
    return drive.oauth.grant(email, client, [DRIVE_FILE]).access_token


class Stand:
    """A service that has work, without a hub; its night is always now."""

    def __init__(self, folder: Path, drive: LocalDrive, url: str) -> None:
        self.folder, self.drive, self.url = folder, drive, url
        night = settings(mode="mounted", concurrency=0, spread=0.0)
        begin = night.window.at(time.time()).begin
        started = time.monotonic()
        self.wall = lambda: begin + 60 + time.monotonic() - started
        self.night = night.window.at(self.wall())
        hub = FakeHub(VirtualClock())
        for name in PEOPLE:
            hub.add(name)
            home = folder / "homes" / name
            home.mkdir(parents=True)
            (home / "work.ipynb").write_text(f"{name}'s work")
            for path in (home, home / "work.ipynb"):
                if os.geteuid() == 0:
                    os.chown(path, 61_000, 61_000)
        engine = open_database(f"sqlite:///{folder}/db/hub.sqlite")
        client = drive.oauth.client_of_kind("desktop").client_id
        self.tokens = {name: grant(drive, name, client) for name in PEOPLE}

        async def granted() -> list[Granted]:
            return [Granted(name) for name in PEOPLE]

        async def carry_out(*_: Any) -> Any:
            raise AssertionError("this process syncs nothing")

        self.homes = Homes(
            carry_out=carry_out,
            journal=Journal(Store(engine)),
            settings=night,
            access_token=self.access_token,
            token_uri=f"{url}/token",
            wall=self.wall,
        )
        self.nightly = Nightly(
            engine=engine,
            api=HubApi(hub, Random(1)),  # noqa: S311 - repeatable
            granted=granted,
            settings=night,
            wall=self.wall,
            rng=Random(1),  # noqa: S311 - as above
            log=logging.getLogger("night"),
            homes=self.homes,
        )

    async def access_token(self, user: str, home_id: str, refused: bool) -> Any:
        return Access(Secret(self.tokens[user]), self.wall() + 3600), "", ""

    async def run(self) -> list[tuple[int, str]]:
        """Run the night with two workers; return how they ended and what they said."""
        shelf = Shelf(self.folder / "physics")
        shelf.prepare()
        (shelf.files / "intro.txt").write_bytes(b"welcome")
        shelf.content(WELCOME).write_bytes(b"welcome")
        edition = Edition("1", (CourseFile("intro.txt", 7, 10**12, WELCOME),))
        courses: Any = SimpleNamespace(
            shelf=lambda names: Assigned(dict.fromkeys(names, (shelf, edition)))
        )
        given = [{"name": "physics", "local": "course"}]
        self.homes.courses_for = lambda user: given if user == PEOPLE[0] else []
        desk = WorkDesk(self.nightly, self.homes, self.wall, courses)
        routes: list[Any] = [(f"/s/{path}", kind) for path, kind in work_routes(desk, SECRET)]
        server = httpserver.HTTPServer(web.Application(routes))
        (socket,) = netutil.bind_sockets(0, "127.0.0.1")
        server.add_sockets([socket])
        port = socket.getsockname()[1]
        await self.nightly.prepare()
        night = asyncio.get_running_loop().create_task(self.nightly.run(self.night))
        while self.nightly.wave is None or self.nightly.wave.waiting < len(PEOPLE):
            await asyncio.sleep(0)
        ended = await asyncio.gather(
            *(self.worker(shard, f"http://127.0.0.1:{port}/s/") for shard in (0, 1))
        )
        if self.nightly.wave is not None:
            self.nightly.wave.stop("all is done")
        night.cancel()
        await asyncio.wait([night])
        server.stop()
        await server.close_all_connections()
        return ended

    async def worker(self, shard: int, url: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "jupyter_drive_sync.hub.worker",
            "--shard", f"{shard}/2", "--url", url, "--homes", str(self.folder / "homes"),
            "--concurrency", "1", "--idle", "0.1",
            env={**os.environ, VARIABLE: SECRET, "DRIVE_SYNC_API_ENDPOINT": self.url,
                 "no_proxy": "*"},
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, words = await process.communicate()
        return process.returncode or 0, words.decode()


def test_two_workers_share_a_night() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="night-") as folder,
        LocalDrive(seed=5) as drive,
        LocalDriveServer(drive) as server,
    ):
        Path(folder).chmod(0o755)
        stand = Stand(Path(folder), drive, server.url)
        ended = asyncio.run(stand.run())
        for shard, (status, words) in enumerate(ended):
            assert status == 0, words
            done = re.findall(r" ([a-z]+): done", words)
            assert sorted(done) == [name for name in PEOPLE if share(name, 2) == shard], words
            assert SECRET not in words
        for name in PEOPLE:
            found, _ = mirrored(drive, f"{name}@example.edu", f"home/{name}")
            course = ["course/intro.txt"] if name == PEOPLE[0] else []
            assert sorted(found) == [*course, "work.ipynb"], name


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_a_real_secret_there_are_no_workers(secret: str) -> None:
    desk: Any = None
    if secret:
        with pytest.raises(ValueError, match="fewer than"):
            work_routes(desk, secret)
    else:
        assert work_routes(desk, secret) == []
