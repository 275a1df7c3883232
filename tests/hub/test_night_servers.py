"""The night in servers mode: who is started, who is stopped, and what is left as it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_drive_sync.hub.nightly import Identity
from tests.hub.night_world import NightWorld, completed


@pytest.fixture
def world(tmp_path: Path) -> NightWorld:
    return NightWorld(tmp_path)


def test_everybody_due_is_synced_and_no_server_is_left(tmp_path: Path) -> None:
    world = NightWorld(tmp_path, 30, concurrency=4)
    world.run(world.one_night())
    assert set(world.outcomes().values()) == {"synced"}
    assert len(world.outcomes()) == 30
    assert world.hub.running == {}
    assert world.hub.most <= 4
    assert all(person.last_sync for person in world.people().values())


def test_who_did_nothing_since_is_not_started_again(world: NightWorld) -> None:
    """The hub's own record of activity moves with each start and stop."""
    world.person("ann")
    world.person("bob")

    async def nights() -> None:
        service = world.make()
        await service.start()
        await world.until_over(service)
        assert world.hub.starts == {"ann": 1, "bob": 1}
        await asyncio.sleep(10 * 3600)
        world.hub.login("ann")
        await asyncio.sleep(600)
        world.hub.act("ann")
        del world.hub.users["ann"].servers[""]
        await world.until_over(service)
        await service.stop()

    world.run(nights())
    assert world.hub.starts == {"ann": 2, "bob": 1}
    assert list(world.outcomes()) == ["ann"]


def test_a_server_that_is_up_is_left_alone(world: NightWorld) -> None:
    world.person("ann")
    world.hub.login("ann")
    world.run(world.one_night())
    assert world.outcomes() == {"ann": "theirs"}
    assert world.hub.running["ann/"].by == "person"
    assert world.hub.starts == {}


def test_a_sync_by_day_counts(world: NightWorld) -> None:
    """Who was synced by their own server, and did nothing since, is not started at night."""
    world.person("ann", activity=0)
    world.person("bob", activity=0)

    async def day() -> None:
        service = world.make()
        await world.list_granted()
        world.store.meet(world.granted.values())
        await service.start()
        world.hub.login("ann")
        await asyncio.sleep(100)
        for name in ("ann", "bob"):
            status = completed(started=world.clock.wall())
            await service.put_state(Identity(name, "", f"h-{name}"), {"status": status})
        await asyncio.sleep(100)
        del world.hub.users["ann"].servers[""]
        world.hub.users["bob"].last_activity = world.clock.wall()
        await world.until_over(service)
        await service.stop()

    world.run(day())
    assert world.hub.starts == {"bob": 1}


def test_somebody_who_logs_in_meanwhile_keeps_the_server(world: NightWorld) -> None:
    world.person("ann")
    world.person("bob")

    async def night() -> None:
        service = world.make()
        await service.start()
        while "ann/" not in world.hub.running or not world.hub.running["ann/"].ready:
            await asyncio.sleep(1)
        for _ in range(200):
            await asyncio.sleep(5 if world.passes["ann"] == 0 else 60)
            world.hub.act("ann")
        await world.until_over(service)
        await service.stop()

    world.run(night())
    assert [*world.hub.running] == ["ann/"]
    person = world.people()["ann"]
    assert person.last_sync
    # What she did after the sync is still to be synced.
    assert world.hub.users["ann"].last_activity > person.baseline


def test_somebody_who_came_and_left_again_is_waited_for_once(world: NightWorld) -> None:
    world.person("ann")

    async def night() -> None:
        service = world.make()
        await service.start()
        while "ann/" not in world.hub.running or not world.hub.running["ann/"].ready:
            await asyncio.sleep(1)
        await asyncio.sleep(5)
        world.hub.act("ann")
        at = world.clock.wall()
        while world.hub.running:
            await asyncio.sleep(1)
        assert world.clock.wall() - at > world.settings.quiet_seconds
        await world.until_over(service)
        await service.stop()
        # The sync began before she left: one more follows.
        assert world.hub.users["ann"].last_activity > world.people()["ann"].baseline

    world.run(night())


def test_its_own_word_can_keep_a_server_up(world: NightWorld) -> None:
    world.person("ann")
    world.status = lambda _: completed(in_use=True)
    world.run(world.one_night())
    assert [*world.hub.running] == ["ann/"]


def test_a_server_that_does_not_start_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    world = NightWorld(tmp_path, 10, concurrency=2)
    world.hub.broken = {"user00003"}
    world.hub.refused = {"user00004"}
    world.run(world.one_night())
    outcomes = world.outcomes()
    failed = {name for name, what in outcomes.items() if what != "synced"}
    assert failed == {"user00003", "user00004"}
    people = world.people()
    assert people["user00003"].problem == "night.start_failed"
    assert people["user00003"].problem_text == "Spawn failed: no image"
    assert people["user00004"].problem == "night.start_refused"
    assert world.hub.running == {}


def test_an_image_without_the_extension_is_told(world: NightWorld) -> None:
    world.person("ann")
    world.hub.when_up = None
    world.run(world.one_night())
    assert world.people()["ann"].problem == "night.silent"
    assert world.hub.running == {}


def test_a_sync_that_takes_too_long_ends_with_the_night_and_goes_on_in_the_next(
    tmp_path: Path,
) -> None:
    world = NightWorld(tmp_path, 1, pass_seconds=600.0)
    world.pass_seconds = lambda _: 50_000.0
    world.run(world.one_night())
    (person,) = world.people().values()
    assert world.outcomes() == {"user00000": "late"}
    assert (person.problem, person.unfinished) == ("night.late", True)
    assert world.hub.running == {}


def test_limits_of_the_hub_are_waited_out(tmp_path: Path) -> None:
    world = NightWorld(tmp_path, 20, concurrency=10)
    world.hub.spawn_limit = 1
    world.hub.start_seconds = (20.0, 30.0)
    world.run(world.one_night())
    assert set(world.outcomes().values()) == {"synced"}
    assert world.hub.calls["start"] >= 20


def test_a_hub_that_restarts_is_waited_for(tmp_path: Path) -> None:
    world = NightWorld(tmp_path, 20, concurrency=4, spread=0.1)

    async def night() -> None:
        service = world.make()
        await service.start()
        while world.hub.starts.total() < 10:
            await asyncio.sleep(1)
        world.hub.down = True
        await asyncio.sleep(200)
        world.hub.down = False
        await world.until_over(service)
        await service.stop()

    world.run(night())
    assert set(world.outcomes().values()) == {"synced"}
    assert world.hub.running == {}


def test_a_revoked_permission_starts_no_server(world: NightWorld) -> None:
    world.person("ann")
    world.person("bob", ended_at=5_000.0)
    world.status = lambda _: {"outcome": "failed", "problem": {"code": "auth.revoked"}}

    async def two_nights() -> None:
        service = world.make()
        await service.start()
        await world.until_over(service)
        world.hub.users["ann"].last_activity = world.clock.wall()
        await world.until_over(service)
        await service.stop()

    world.run(two_nights())
    assert world.hub.starts == {"ann": 1}
    ann = world.people()["ann"]
    assert (ann.problem, ann.problem_who, ann.revoked) == ("auth.revoked", "user", True)


def test_held_people_are_not_disturbed(tmp_path: Path) -> None:
    world = NightWorld(tmp_path)
    for name, groups in (("ann", ("exam",)), ("bob", ("exam", "x")), ("cid", ("x",))):
        world.person(name, groups=groups)

    async def night() -> None:
        service = world.make()
        await service.prepare()
        await service.hold("group", "exam", begin=0, end=0, reason="exam", by="root")
        await service.start()
        await world.until_over(service)
        await service.stop()

    world.run(night())
    assert world.hub.starts == {"cid": 1}


def test_without_the_groups_a_group_hold_holds_everybody(tmp_path: Path) -> None:
    world = NightWorld(tmp_path, 3)
    world.hub.show_groups = False

    async def night() -> None:
        service = world.make()
        await service.prepare()
        await service.hold("group", "exam", begin=0, end=0, reason="exam", by="root")
        await service.start()
        await world.until_over(service)
        await service.stop()

    world.run(night())
    assert world.hub.starts == {}


def test_a_hold_in_the_night_begins_no_further_turn(tmp_path: Path) -> None:
    world = NightWorld(tmp_path, 40, concurrency=2)

    async def night() -> None:
        service = world.make()
        await service.start()
        while world.hub.starts.total() < 10:
            await asyncio.sleep(1)
        hold = await service.hold("all", "", begin=0, end=0, reason="", by="root")
        begun = world.hub.starts.total()
        await asyncio.sleep(3600)
        assert world.hub.starts.total() <= begun + 1
        assert await service.lift(hold)
        await world.until_over(service)
        await service.stop()

    world.run(night())
    assert set(world.outcomes().values()) == {"synced"}


def test_a_held_server_hears_why(world: NightWorld) -> None:
    world.person("ann")

    async def ask() -> None:
        service = world.make()
        await service.prepare()
        assert await service.get_state(Identity("ann")) == {
            "due": False,
            "night": None,
            "held": False,
            "message": "",
        }
        await service.hold("user", "ann", begin=0, end=0, reason="exam in Lab 3", by="root")
        answer = await service.get_state(Identity("ann"))
        assert answer["held"]
        assert answer["message"] == "Your admin has paused the nightly sync (exam in Lab 3)."
        assert not (await service.get_state(Identity("bob")))["held"]

    world.run(ask())


def test_opted_out_and_paused(tmp_path: Path) -> None:
    world = NightWorld(tmp_path, 4)

    async def nights() -> None:
        service = world.make()
        world.store.meet(world.granted.values())
        await service.opt(["user00001"], out=True)
        await service.pause(paused=True)
        await service.start()
        await world.until_over(service)
        assert world.hub.starts == {}
        await service.pause(paused=False)
        await world.until_over(service)
        await service.stop()

    world.run(nights())
    assert set(world.hub.starts) == {"user00000", "user00002", "user00003"}


def test_a_pause_outlives_the_service_until_the_configuration_says_otherwise(
    tmp_path: Path,
) -> None:
    world = NightWorld(tmp_path, 2)

    async def restarts() -> list[bool]:
        said = []
        service = world.make()
        await service.prepare()
        await service.pause(paused=True)
        for configured in (False, True, False):
            service.journal.close()
            world.settings = replace(world.settings, paused=configured)
            service = world.make()
            await service.prepare()
            said.append(service.paused)
        await service.pause(paused=False)
        service.journal.close()
        return said

    assert world.run(restarts()) == [True, True, True]
    world = NightWorld(tmp_path, 2)
    assert not world.store.paused(configured=False)
    assert world.store.paused(configured=True), "said anew, after somebody pressed Resume"


def test_retry_joins_the_night_that_is_on(world: NightWorld) -> None:
    world.person("ann")
    world.person("bob")
    world.hub.broken = {"ann"}

    async def night() -> None:
        service = world.make()
        await service.start()
        while not (person := world.people().get("ann")) or not person.problem:
            await asyncio.sleep(60)
        # Somebody else is still to come, or the night would be over.
        world.hub.broken = set()
        await service.retry(["ann"])
        await world.until_over(service)
        await world.until_over(service)
        await service.stop()

    world.run(night())
    person = world.people()["ann"]
    assert (person.problem, person.retry) == ("", False)
    assert person.last_sync


def test_the_profile_of_the_night_goes_to_the_hub(tmp_path: Path) -> None:
    world = NightWorld(tmp_path, 1, spawn_options={"profile": "small"})
    seen = []

    async def up(user: str, server: str) -> None:
        seen.append(world.hub.users[user].servers[server].options)
        await world.extension(user, server)

    world.hub.when_up = up
    world.run(world.one_night())
    assert seen == [{"profile": "small"}]


def test_a_named_server_has_its_own_turn(world: NightWorld) -> None:
    world.person("ann")
    world.granted["ann/lab"] = world.granted["ann"].__class__(
        "ann", "h-other", 1_000.0, server="lab"
    )
    world.run(world.one_night())
    assert world.hub.starts == {"ann": 2}
    assert len(world.store.people()) == 2


def test_a_forged_report_concerns_its_own_user(world: NightWorld) -> None:
    """A student's server says whatever it likes."""
    world.person("ann")
    world.person("eve")

    async def night() -> None:
        service = world.make()
        await service.start()
        lie = {
            "outcome": "failed",
            "problem": "project.daily_limit",
            "counts": {"quota_units": 10**18},
        }
        for _ in range(20):
            await service.put_state(Identity("eve", "", "h-ann"), {"night": "x", "status": lie})
            await asyncio.sleep(60)
        await world.until_over(service)
        assert service.spent["units"] <= 5_000_000 + 10_000
        await service.stop()

    world.run(night())
    assert world.outcomes()["ann"] == "synced"
