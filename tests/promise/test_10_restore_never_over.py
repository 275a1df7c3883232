"""Promise 10: a restore takes the place of nothing that is not safe on Drive."""

from __future__ import annotations

import os
from typing import Any

import pytest

from jupyter_drive_sync.home import write
from jupyter_drive_sync.home.write import Landing
from tests.engine.bringing import outcomes, restore
from tests.engine.world import World
from tests.promise.restoring import TREE, assert_equal, written


@pytest.mark.parametrize("age", [10, 100_000], ids=["newer", "older, and never synced"])
def test_what_was_not_synced_stays_as_it_is(world: World, age: float) -> None:
    written(world)
    world.sync()
    world.write("notes.txt", "unsynced", age=age)
    world.edit_on_drive("notes.txt", b"edited there")
    report = restore(world, "notes.txt")
    assert outcomes(report) == {"notes.txt": "beside"}
    assert (world.home / "notes.txt").read_text() == "unsynced"
    assert b"edited there" in world.local().values()
    assert restore(world, "notes.txt").run.counters["unchanged"] == 1


def test_an_edit_on_drive_comes_into_its_place(world: World) -> None:
    """What is here is what Drive has as an older version, so nothing can be lost."""
    written(world)
    world.sync()
    world.edit_on_drive("notes.txt", b"edited there, and longer")
    world.sync()
    before = world.local()
    report = restore(world)
    assert outcomes(report) == {"notes.txt": "restored"}
    assert world.local() == {**before, "notes.txt": b"edited there, and longer"}
    after = world.sync()
    assert after.plan.writes == 0
    assert after.run.counters["newer_on_drive"] == 0
    assert_equal(world)


def test_where_the_disk_cannot_exchange_files(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on NFS: the edit comes beside the file, never over it."""
    written(world)
    world.sync()
    world.edit_on_drive("notes.txt", b"edited there")
    world.sync()
    monkeypatch.setattr(write, "_rename", lambda *_: False)
    assert outcomes(restore(world)) == {"notes.txt": "beside"}
    assert (world.home / "notes.txt").read_text() == "notes"
    assert b"edited there" in world.local().values()


@pytest.mark.parametrize("how", ["in place", "as editors do"])
def test_a_file_that_is_saved_while_its_edit_comes(
    world: World, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the last moment before the two would be exchanged."""
    written(world)
    world.sync()
    world.edit_on_drive("notes.txt", b"edited there")
    world.sync()
    real = Landing.exchange

    def late(landing: Landing, *args: Any) -> bool:
        save(world, how, "saved here")
        return real(landing, *args)

    monkeypatch.setattr(Landing, "exchange", late)
    assert outcomes(restore(world)) == {"notes.txt": "beside"}
    assert (world.home / "notes.txt").read_text() == "saved here"
    assert b"edited there" in world.local().values()


@pytest.mark.parametrize("expected", [True, False], ids=["once", "twice"])
def test_a_file_that_is_saved_in_the_middle_of_the_exchange(
    world: World, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the exchange and the look at what came out of it: every save is still there."""
    written(world)
    world.sync()
    world.edit_on_drive("notes.txt", b"edited there")
    world.sync()
    saves = ["second save"] if expected else ["third save"]
    real, rename = Landing.exchange, write._rename

    def late(landing: Landing, *args: Any) -> bool:
        if not expected:
            save(world, "as editors do", "second save")
        return real(landing, *args)

    def renamed(*args: Any) -> bool:
        done = rename(*args)
        if saves:
            save(world, "as editors do", saves.pop())
        return done

    monkeypatch.setattr(Landing, "exchange", late)
    monkeypatch.setattr(write, "_rename", renamed)
    restore(world)
    saved = {b"second save"} if expected else {b"second save", b"third save"}
    assert saved <= set(world.local().values())
    assert world.local()["notes.txt"] in saved
    assert not [path for path in world.local() if path.endswith("drive-sync-part")]


def save(world: World, how: str, text: str) -> None:
    path = world.home / "notes.txt"
    if how == "in place":
        path.write_text(text)
        return
    draft = path.with_name("draft")
    draft.write_text(text)
    draft.replace(path)


def test_a_folder_in_the_place_of_a_file_and_the_other_way_round(world: World) -> None:
    written(world)
    world.sync()
    new = world.other("new")
    new.write("notes.txt/inside", "a folder here")
    new.write("course", "a file here")
    report = restore(new)
    local = new.local()
    assert local["notes.txt/inside"] == b"a folder here"
    assert local["course"] == b"a file here"
    assert local["course (from Drive)/data/raw.csv"] == TREE["course/data/raw.csv"].encode()
    assert outcomes(report)["notes.txt"] == "beside"
    assert restore(new).run.counters["unchanged"] == len(TREE)


def test_a_racy_file_is_not_replaced(world: World) -> None:
    """Saved within the same tick as it was read: nobody knows whether it changed since."""
    written(world)
    world.sync()
    world.edit_on_drive("notes.txt", b"edited there")
    world.sync()
    now = max((world.home / "notes.txt").stat().st_ctime, 2_000_000_000)
    os.utime(world.home / "notes.txt", (now, now))
    assert outcomes(restore(world)) == {"notes.txt": "beside"}
