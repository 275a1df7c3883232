"""The night's work for workers elsewhere, such as the pods of a Kubernetes CronJob.

A worker has the homes mounted, and nothing else: it asks for an order, for an access token of that
one person, and tells how it went. Grants, client secret, database and budget stay here. A worker
shows a secret of its own (``DRIVE_SYNC_WORKER_TOKEN``); without one set there are no workers.
"""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from secrets import compare_digest
from typing import Any, Final

from tornado import web

from jupyter_drive_sync.core.course import PIECE
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.hub.courses import Assigned, Courses
from jupyter_drive_sync.hub.homes import Homes, ended, failed, so_far
from jupyter_drive_sync.hub.nightly import Nightly
from jupyter_drive_sync.hub.people import Turn
from jupyter_drive_sync.hub.servers import Ending
from jupyter_drive_sync.runner.protocol import Problem, Progress, Reported, problem_of

VARIABLE: Final = "DRIVE_SYNC_WORKER_TOKEN"
_SHORTEST: Final = 16


class NoSuchTurn(Exception):
    """The turn is not that worker's, or not any more."""


def share(user: str, shards: int) -> int:
    """Return whose share a user is, of so many workers."""
    return zlib.crc32(user.encode()) % shards


class WorkDesk:
    """Hands out orders.

    Args:
        nightly: the nights.
        homes: makes tokens.
        wall: seconds since the epoch.
        courses: what is put into homes, where there are any.
    """

    def __init__(
        self,
        nightly: Nightly,
        homes: Homes,
        wall: Callable[[], float],
        courses: Courses | None = None,
    ) -> None:
        self._courses = courses
        self._nightly = nightly
        self._homes = homes
        self._wall = wall

    async def claim(self, worker: str, shard: int, shards: int) -> Mapping[str, Any]:
        """Give a worker its next order.

        Args:
            worker: its name, one for each process.
            shard: which part of the people it takes.
            shards: of how many.

        Returns:
            ``{"order": …}``; an order of None comes with ``over``: whether there will be none.
        """
        wave = self._nightly.wave
        mounted = self._nightly.settings.mode == "mounted"
        if wave is None or not mounted or wave.stopped:
            return {"order": None, "over": True}
        turn = wave.take(lambda turn: share(turn.user, shards) == shard)
        if turn is None:
            mine = any(share(user, shards) == shard for user in wave.waiting_users())
            return {"order": None, "over": not mine}
        journal = self._nightly.journal
        person = await journal.do(journal.store.person, *turn.key)
        if person is None:
            await wave.end(turn, Ending("failed", "night.gone"))
            return {"order": None, "over": False}
        now = self._wall()
        await journal.note(
            turn, state="syncing", began=now, tries=turn.tries + 1, shard=worker, pinged=now
        )
        left = wave.until - now
        order = self._homes.order(person, turn.night, left)
        return {"order": order.dump(), "over": False}

    async def token(
        self, worker: str, key: tuple[str, str], home_id: str, *, refused: bool
    ) -> Mapping[str, Any]:
        """Make an access token for the home of a turn.

        Raises:
            NoSuchTurn: the worker has no such turn.
            DriveSyncError: there is no token.
        """
        turn = self._turn(worker, key)
        return asdict(await self._homes.token(turn.user, home_id, refused=refused))

    def shelf(self, worker: str, key: tuple[str, str]) -> Assigned:
        """Return the courses that are put into the home of a turn.

        Raises:
            NoSuchTurn: the worker has no such turn.
        """
        turn = self._turn(worker, key)
        names = [each["name"] for each in self._homes.courses_for(turn.user)]
        return self._courses.shelf(names) if self._courses else Assigned({})

    def word(self, worker: str, key: tuple[str, str], done: int, size: int) -> None:
        """Hear that a sync goes on.

        Raises:
            NoSuchTurn: the worker has no such turn: it ends the sync.
        """
        turn = self._turn(worker, key)
        turn.pinged = self._wall()
        wave = self._nightly.wave
        if wave is not None:
            wave.heard(key, so_far(Progress("", done=done, bytes_done=size)))

    async def result(
        self,
        worker: str,
        key: tuple[str, str],
        values: Mapping[str, Any] | None,
        problem: Mapping[str, Any] | None,
    ) -> None:
        """Hear how a sync ended.

        Raises:
            NoSuchTurn: the worker has no such turn.
        """
        turn = self._turn(worker, key)
        ending = (
            failed(Reported(Problem(**problem))) if problem else ended(values or {}, turn.activity)
        )
        wave = self._nightly.wave
        if wave is not None:
            await wave.end(turn, ending)

    def _turn(self, worker: str, key: tuple[str, str]) -> Turn:
        wave = self._nightly.wave
        turn = wave.turn_of(key) if wave else None
        if turn is None or turn.shard != worker:
            raise NoSuchTurn
        return turn


class WorkRoute(web.RequestHandler):
    """What workers ask and say; each body and each reply is one JSON object."""

    desk: WorkDesk
    secret: Secret

    def check_xsrf_cookie(self) -> None:
        """Do without: no cookie opens this route."""

    async def post(self, what: str) -> None:
        """Answer a worker."""
        kind, _, shown = self.request.headers.get("Authorization", "").partition(" ")
        ours = self.secret.reveal()
        if kind.lower() != "bearer" or not compare_digest(shown.encode(), ours.encode()):
            self._reply({"problem": "this is for workers of the night"}, 403)
            return
        try:
            asked = json.loads(self.request.body)
            self._reply(await self._answer(what, str(asked["worker"])[:80], asked))
        except NoSuchTurn:
            self._reply({"problem": "that turn is not yours any more"}, 409)
        except DriveSyncError as problem:
            self._reply({"refusal": asdict(problem_of(problem))})
        except (AttributeError, KeyError, TypeError, ValueError):
            self._reply({"problem": "this is not understood"}, 400)

    async def _answer(self, what: str, worker: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if what == "claim":
            shard, shards = int(asked["shard"]), int(asked["shards"])
            if not worker or not 0 <= shard < shards:
                raise ValueError
            return await self.desk.claim(worker, shard, shards)
        key = (str(asked["user"]), str(asked["server"]))
        if what == "token":
            home_id, refused = str(asked["home_id"]), bool(asked["refused"])
            return await self.desk.token(worker, key, home_id, refused=refused)
        if what == "word":
            self.desk.word(worker, key, int(asked["done"]), int(asked["bytes"]))
        else:
            await self.desk.result(worker, key, asked.get("values"), asked.get("problem"))
        return {}

    def _reply(self, values: Mapping[str, Any], status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(values))


class TokenRoute(WorkRoute):
    """An access token for the one person whose home a worker has just now.

    The one route here whose replies hold a secret.
    """


class CourseRoute(WorkRoute):
    """Courses for the one person whose home a worker has just now."""

    async def _answer(self, what: str, worker: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        shelf = self.desk.shelf(worker, (str(asked["user"]), str(asked["server"])))
        name = str(asked["name"])
        if what == "course":
            return {"files": shelf.course(name)}
        offset, length = int(asked["offset"]), min(PIECE, int(asked["length"]))
        if offset < 0 or length < 0:
            raise ValueError
        data = await asyncio.to_thread(shelf.piece, name, str(asked["md5"]), offset, length)
        return {"piece": base64.b64encode(data).decode("ascii")}


def work_routes(desk: WorkDesk, secret: str) -> list[tuple[str, type[web.RequestHandler]]]:
    """Return the routes for workers, below the service's prefix; none without a secret.

    Args:
        desk: hands out orders.
        secret: what workers show.

    Raises:
        ValueError: the secret is too short to be one.
    """
    if not secret:
        return []
    if len(secret) < _SHORTEST:
        raise ValueError(f"{VARIABLE} has fewer than {_SHORTEST} characters")
    parts: dict[str, Any] = {"desk": desk, "secret": Secret(secret)}
    return [
        ("api/shard/(token)", type("TokenRoute", (TokenRoute,), parts)),
        ("api/shard/(course|piece)", type("CourseRoute", (CourseRoute,), parts)),
        ("api/shard/(claim|word|result)", type("WorkRoute", (WorkRoute,), parts)),
    ]
