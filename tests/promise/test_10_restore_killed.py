"""Promises 7 and 10: a restore that dies at any instant leaves nothing half, and goes on.

As in test_07: the N-th boundary dies, for N = 1, 2, ... until none is left. Here the disk has
boundaries as well: each call that changes it, before and after it did.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from typing import Any, Final

import pytest

from jupyter_drive_sync.home import write
from tests.engine.bringing import restore
from tests.engine.world import World
from tests.promise.test_07_killed_at_any_instant import Crash, Killer

CHUNK: Final = 256 * 1024
PHASES: Final = (
    "before send",
    "after the server acted",
    "before the disk acted",
    "after the disk acted",
)
CHANGES: Final = frozenset(
    {"open", "mkdir", "pwrite", "ftruncate", "fchmod", "utime", "fsync", "link", "unlink"}
)
BIG: Final = hashlib.shake_128(b"big").digest(2 * CHUNK + 17)


class DyingDisk:
    """``os``, with a killer at each call that changes something."""

    def __init__(self, killer: Killer) -> None:
        self._killer = killer

    def __getattr__(self, call: str) -> Any:
        real = getattr(os, call)
        return self.dying(real) if call in CHANGES else real

    def dying(self, real: Any) -> Any:
        def act(*args: Any, **options: Any) -> Any:
            self._killer.reach("before the disk acted")
            result = real(*args, **options)
            self._killer.reach("after the disk acted")
            return result

        return act


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Killer:
    made = Killer()
    disk = DyingDisk(made)
    monkeypatch.setattr(write, "os", disk)
    monkeypatch.setattr(write, "_rename", disk.dying(write._rename))
    return made


def torn(world: World) -> dict[str, bytes]:
    """Make a home to which everything happens that a restore knows; return what must be there."""
    world.with_settings(small_file=1000, chunk_size=CHUNK)
    for path in ("edited.txt", "mine.txt", "gone/deep/a.txt", "gone/b.txt", "same.txt"):
        world.write(path, f"first {path}")
    world.write("big.bin", BIG)
    world.write("run.sh", "x").chmod(0o500)
    world.sync()
    world.edit_on_drive("edited.txt", b"edited on Drive")
    world.sync()
    whole = {**world.local(), "edited.txt": b"edited on Drive"}
    shutil.rmtree(world.home / "gone")
    for path in ("big.bin", "run.sh"):
        (world.home / path).unlink()
    world.write("mine.txt", "unsynced", age=5)
    beside = "mine (from Drive, 2023-11-14 21.13 UTC).txt"
    return {**whole, "mine.txt": b"unsynced", beside: b"first mine.txt"}


def begin_again(world: World) -> None:
    """Make the home what it was before the restore."""
    shutil.rmtree(world.home)
    shutil.copytree(world.folder / "before", world.home)


def is_part(path: str) -> bool:
    return path.endswith((".drive-sync-part", ".drive-sync-swap"))


def assert_nothing_half(world: World, want: dict[str, bytes], before: dict[str, bytes]) -> None:
    local = {path: content for path, content in world.local().items() if not is_part(path)}
    for path, content in local.items():
        assert content in (want.get(path), before.get(path)), path
    assert before.keys() <= local.keys()
    assert local["mine.txt"] == b"unsynced"


@pytest.mark.parametrize("phase", PHASES)
def test_killed_at_each_boundary(world: World, killer: Killer, phase: str) -> None:
    want = torn(world)
    before = world.local()
    shutil.copytree(world.home, world.folder / "before")
    world.wrap = killer.wrap
    at = 0
    while True:
        at += 1
        begin_again(world)
        killer.arm(phase, at)
        with suppress(Crash):
            restore(world)
        died, killer.phase = killer.fired, ""
        assert_nothing_half(world, want, before)
        restore(world)
        assert world.local() == want
        if not died:
            break
    assert at >= (40 if "disk" in phase else 10)


def test_killed_while_somebody_saves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It dies with the person's newest save in its hands: the next try gives it a name."""
    want = torn(world)
    real = write._rename

    def dies(*args: Any) -> bool:
        (world.home / "edited.txt").write_text("saved at the last moment")
        real(*args)
        raise Crash

    monkeypatch.setattr(write, "_rename", dies)
    with pytest.raises(Crash):
        restore(world)
    monkeypatch.undo()
    world.sync()
    assert not any(map(is_part, world.remote()))
    restore(world)
    local = world.local()
    assert local.pop("edited (saved meanwhile).txt") == b"saved at the last moment"
    assert local["edited.txt"] == want["edited.txt"]
    assert not any(map(is_part, local))


def test_killed_again_and_again(world: World, killer: Killer) -> None:
    """Each try gets a little further, and none begins from the start."""
    want = torn(world)
    world.wrap = killer.wrap
    deaths = 0
    for _ in range(60):
        killer.arm("after the disk acted", 8)
        with suppress(Crash):
            restore(world)
        deaths += killer.fired
        if not killer.fired:
            break
    assert world.local() == want
    assert 5 < deaths < 60


def test_a_large_file_goes_on_where_it_was(world: World, killer: Killer) -> None:
    """At most one chunk comes again for each time that it was killed."""
    world.with_settings(small_file=1000, chunk_size=CHUNK)
    chunks = 7
    content = hashlib.shake_128(b"x").digest((chunks - 1) * CHUNK + 5)
    world.write("big.bin", content)
    world.sync()
    new = world.other("new")
    new.wrap = killer.wrap
    asked = kills = 0
    for at in (4, 4, 4):
        killer.arm("after the server acted", at)
        with suppress(Crash):
            restore(new)
        kills += 1
        asked += new.sent["files.get"]
    killer.phase = ""
    restore(new)
    asked += new.sent["files.get"]
    assert new.local() == {"big.bin": content}
    assert chunks < asked <= chunks + kills


def test_a_half_file_of_another_version_is_thrown_away(world: World, killer: Killer) -> None:
    world.with_settings(small_file=1000, chunk_size=CHUNK)
    world.write("big.bin", BIG)
    world.sync()
    new = world.other("new")
    new.wrap = killer.wrap
    killer.arm("after the server acted", 5)
    with suppress(Crash):
        restore(new)
    killer.phase = ""
    assert any(map(is_part, new.local()))
    other = hashlib.shake_128(b"other").digest(CHUNK + 3)
    world.edit_on_drive("big.bin", other)
    restore(new)
    assert new.local() == {"big.bin": other}


def test_a_half_file_that_the_disk_has_lost(world: World, killer: Killer) -> None:
    """After a power cut the length may be there and the bytes not: the checksum tells."""
    world.with_settings(small_file=1000, chunk_size=CHUNK)
    world.write("big.bin", BIG)
    world.sync()
    new = world.other("new")
    new.wrap = killer.wrap
    killer.arm("after the server acted", 5)
    with suppress(Crash):
        restore(new)
    killer.phase = ""
    (part,) = [path for path in new.home.iterdir() if is_part(path.name)]
    part.write_bytes(bytes(part.stat().st_size))
    restore(new)
    assert new.local() == {"big.bin": BIG}


def test_a_sync_between_death_and_going_on_sends_nothing_half(world: World, killer: Killer) -> None:
    want = torn(world)
    world.wrap = killer.wrap
    for at in range(9, 40, 6):
        killer.arm("after the disk acted", at)
        with suppress(Crash):
            restore(world)
        killer.phase = ""
        world.sync()
        assert not any(map(is_part, world.remote()))
    restore(world)
    assert world.local().items() >= {"edited.txt": b"edited on Drive", "big.bin": BIG}.items()
    assert want["mine.txt"] == world.local()["mine.txt"]
