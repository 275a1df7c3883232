"""The night in mounted mode: no server is started; workers elsewhere take their share."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.hub.work import NoSuchTurn, WorkDesk, share
from tests.hub.night_world import NightWorld, completed


def stand(tmp_path: Path, people: int, **changes: Any) -> NightWorld:
    return NightWorld(tmp_path, people, mode="mounted", **changes)


def test_everybody_is_synced_and_no_server_is_started(tmp_path: Path) -> None:
    world = stand(tmp_path, 30, concurrency=4)

    async def nights() -> None:
        service = world.make()
        await service.start()
        for _ in range(2):
            await world.until_over(service)
        await service.stop()

    world.run(nights())
    assert world.hub.starts == {}
    assert world.most <= 4
    # The idle are looked at each night: homes change in other ways too.
    assert set(world.passes.values()) == {2}
    assert set(world.outcomes().values()) == {"synced"}
    assert {turn.why for turn in world.store.turns(world.store.nights(1)[0].id, ["done"])} == {
        "idle_check"
    }


def test_idle_people_may_be_looked_at_weekly(tmp_path: Path) -> None:
    world = stand(tmp_path, 5, idle_days=7)

    async def nights() -> None:
        service = world.make()
        await service.start()
        for _ in range(8):
            await world.until_over(service)
        await service.stop()

    world.run(nights())
    assert set(world.passes.values()) == {2}


def test_revoked_full_late_and_held(tmp_path: Path) -> None:
    world = stand(tmp_path, 6, pass_seconds=900.0)
    world.dead = {"user00000"}
    full = completed() | {"outcome": "completed_with_errors", "problem": {"code": "drive.full"}}
    world.status = lambda user: full if user == "user00001" else completed()
    world.pass_seconds = lambda user: 5_000.0 if user == "user00002" else 30.0

    async def night() -> None:
        service = world.make()
        await service.prepare()
        await service.hold("user", "user00003", begin=0, end=0, reason="", by="root")
        await service.start()
        await world.until_over(service)
        await service.stop()

    world.run(night())
    assert world.outcomes() == {
        "user00000": "failed",
        "user00001": "with_errors",
        "user00002": "late",
        "user00004": "synced",
        "user00005": "synced",
    }
    people = world.people()
    assert (people["user00000"].problem, people["user00000"].revoked) == ("auth.revoked", True)
    assert (people["user00001"].problem, people["user00001"].problem_who) == ("drive.full", "user")
    assert people["user00002"].unfinished


def test_killed_and_resumed(tmp_path: Path) -> None:
    """The child of a killed service ends by itself; the home is synced anew."""
    world = stand(tmp_path, 4, concurrency=2, spread=0.0)
    world.pass_seconds = lambda _: 300.0

    async def night() -> None:
        service = world.make()
        await service.start()
        while world.busy < 2:
            await asyncio.sleep(10)
        assert service._task is not None
        service._task.cancel()
        await asyncio.sleep(10)
        service = world.make()
        await service.start()
        await world.until_over(service)
        await service.stop()

    world.run(night())
    assert set(world.outcomes().values()) == {"synced"}


def test_when_googles_day_is_used_up_the_night_waits(tmp_path: Path) -> None:
    """Our own child says so: it is believed at once. Google's next day begins at 08:00 UTC."""
    world = stand(tmp_path, 40, concurrency=2)
    used_up = {"outcome": "failed", "problem": {"code": "project.daily_limit"}}
    world.status = lambda _: completed() | used_up

    world.run(world.one_night())
    outcomes = [*world.outcomes().values()]
    assert outcomes.count("failed") <= 3
    assert outcomes.count("no_room") >= 37


def test_workers_take_their_share_and_no_other(tmp_path: Path) -> None:
    world = stand(tmp_path, 20, concurrency=0, spread=0.0)

    async def night() -> None:
        service = world.make()
        await service.start()
        homes = service.homes
        assert homes is not None
        desk = WorkDesk(service, homes, world.clock.wall)
        assert await desk.claim("early", 0, 2) == {"order": None, "over": True}
        while service.wave is None:
            await asyncio.sleep(30)
        taken: dict[int, list[str]] = {0: [], 1: []}
        for shard in (0, 1):
            while (said := await desk.claim(f"w{shard}", shard, 2))["order"]:
                order = said["order"]
                taken[shard].append(order["user"])
                key = (order["user"], order["server"])
                with pytest.raises(NoSuchTurn):
                    await desk.token("somebody else", key, "h", refused=False)
                token = await desk.token(f"w{shard}", key, "h", refused=False)
                assert token["token"] == f"token of {order['user']}"
                desk.word(f"w{shard}", key, 3, 100)
                values = {"outcome": "completed", "objects": 3, "counters": {"quota_units": 150}}
                await desk.result(f"w{shard}", key, values, None)
            assert said["over"]
        assert all(share(user, 2) == shard for shard in taken for user in taken[shard])
        assert len(taken[0]) + len(taken[1]) == 20
        await world.until_over(service)
        await service.stop()

    world.run(night())
    assert set(world.outcomes().values()) == {"synced"}


def test_the_turn_of_a_silent_worker_is_given_to_another(tmp_path: Path) -> None:
    world = stand(tmp_path, 1, concurrency=0, spread=0.0)

    async def night() -> None:
        service = world.make()
        await service.start()
        assert service.homes is not None
        desk = WorkDesk(service, service.homes, world.clock.wall)
        while service.wave is None:
            await asyncio.sleep(30)
        order = (await desk.claim("dead", 0, 1))["order"]
        key = (order["user"], order["server"])
        assert (await desk.claim("alive", 0, 1))["order"] is None
        await asyncio.sleep(500)
        assert (await desk.claim("alive", 0, 1))["order"] == order | {
            "seconds": pytest.approx(order["seconds"], abs=600)
        }
        with pytest.raises(NoSuchTurn):
            await desk.result("dead", key, {"outcome": "completed"}, None)
        problem = {"code": "net.offline", "who": "wait", "sentence": "x", "exit_code": 4}
        await desk.result("alive", key, None, problem)
        await world.until_over(service)
        await service.stop()

    world.run(night())
    assert world.people()["user00000"].problem == "net.offline"


def test_a_restarted_service_still_knows_its_workers(tmp_path: Path) -> None:
    world = stand(tmp_path, 1, concurrency=0, spread=0.0)

    async def night() -> None:
        service = world.make()
        await service.start()
        assert service.homes is not None
        while service.wave is None:
            await asyncio.sleep(30)
        desk = WorkDesk(service, service.homes, world.clock.wall)
        order = (await desk.claim("w", 0, 1))["order"]
        await service.stop()
        service = world.make()
        await service.start()
        assert service.homes is not None
        await asyncio.sleep(1)
        desk = WorkDesk(service, service.homes, world.clock.wall)
        done = {"outcome": "completed", "objects": 1, "counters": {}}
        await desk.result("w", (order["user"], order["server"]), done, None)
        await world.until_over(service)
        await service.stop()

    world.run(night())
    assert world.outcomes() == {"user00000": "synced"}
