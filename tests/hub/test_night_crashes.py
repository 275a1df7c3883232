"""The service is killed at each thing that it writes down, before and after, and started again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.hub.journal import Journal
from jupyter_drive_sync.hub.people import Store
from tests.hub.night_world import NightWorld, completed

_WRITES = {"begin", "change_turn", "take_word", "close_turns", "change_night"}
_STEPS = 15
"""Writes of a night with three people, one of whom has a server that does not start."""


class Mortal(Journal):
    """Stands still for ever at the n-th write, as a killed process does."""

    def __init__(self, store: Store, at: int, *, after: bool) -> None:
        super().__init__(store)
        self._at = at
        self._after = after
        self.writes = 0
        self.dead = asyncio.Event()

    async def do(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.dead.is_set():
            await asyncio.Event().wait()
        if call.__name__ in _WRITES:
            self.writes += 1
            if self.writes == self._at:
                self.dead.set()
                if self._after:
                    await super().do(call, *args, **kwargs)
                await asyncio.Event().wait()
        return await super().do(call, *args, **kwargs)


def stand(tmp_path: Path) -> NightWorld:
    world = NightWorld(tmp_path, 3, concurrency=2, spread=0.0, pass_seconds=900.0)
    world.hub.broken = {"user00001"}
    world.status = lambda _: completed()
    return world


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, _STEPS + 1))
@pytest.mark.parametrize("away", [1, 1000], ids=["soon", "late"])
def test_killed_and_resumed(tmp_path: Path, at: int, after: bool, away: int) -> None:
    world = stand(tmp_path)

    async def night() -> None:
        mortal = Mortal(world.store, at, after=after)
        world.journal = lambda _: mortal
        service = world.make()
        await service.start()
        await mortal.dead.wait()
        world.service = None
        assert service._task is not None
        service._task.cancel()
        await asyncio.sleep(away)
        world.journal = Journal
        service = world.make()
        await service.start()
        await world.until_over(service)
        await service.stop()

    world.run(night())
    # No server is left running, everybody who could be was synced, and nobody's start was doubled.
    assert world.hub.running == {}
    people = world.people()
    assert people["user00000"].last_sync
    assert people["user00002"].last_sync
    assert people["user00001"].problem == "night.start_failed"
    assert set(world.outcomes()) == set(people)
    assert {name: n for name, n in world.passes.items() if n > 2} == {}


def test_so_many_writes_there_are(tmp_path: Path) -> None:
    """The range above covers the whole night."""
    world = stand(tmp_path)
    mortals = []

    def journal(store: Store) -> Journal:
        mortals.append(Mortal(store, 10**9, after=False))
        return mortals[-1]

    world.journal = journal
    world.run(world.one_night())
    assert mortals[0].writes == _STEPS
