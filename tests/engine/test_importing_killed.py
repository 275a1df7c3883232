"""An import that dies at any instant leaves nothing half, edits alone, and goes on.

As for restore: the N-th boundary dies, for N = 1, 2, ... until none is left. What had been written
into the records by then is there at the next try, or is not: both are tried.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
from contextlib import suppress
from typing import Any, Final

import pytest

from jupyter_drive_sync.engine.fetch import Fetcher
from jupyter_drive_sync.errors import HomeFull, HomeUnwritable
from jupyter_drive_sync.home import write
from jupyter_drive_sync.home.write import Landing
from tests.engine.course import Course
from tests.engine.world import World
from tests.promise.restoring import FullDisk
from tests.promise.test_07_killed_at_any_instant import Crash, Killer
from tests.promise.test_10_restore_killed import CHUNK, PHASES, DyingDisk

pytestmark = pytest.mark.usefixtures("unmeasured_children")

BIG: Final = hashlib.shake_128(b"big").digest(2 * CHUNK + 17)
BIGGER: Final = hashlib.shake_128(b"bigger").digest(3 * CHUNK + 5)
MINE: Final = b"my answer"


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Killer:
    made = Killer()
    disk = DyingDisk(made)
    monkeypatch.setattr(write, "os", disk)
    monkeypatch.setattr(write, "_rename", disk.dying(write._rename))
    return made


def taught(world: World) -> tuple[Course, dict[str, bytes]]:
    """Make a course with one import behind it, and all that the next has to do."""
    world.with_settings(small_file=1000, chunk_size=CHUNK)
    course = Course(world)
    for path in ("lab.ipynb", "mine.txt", "same.txt", "gone.txt"):
        course.put(path, f"first {path}")
    course.put("big.bin", BIG)
    course.bring()
    course.edit("mine.txt", MINE.decode())
    course.put("lab.ipynb", "second")
    course.put("mine.txt", "second mine", age=-3600)
    course.put("big.bin", BIGGER)
    course.put("new/deep/a.txt", "new")
    course.remove("gone.txt")
    beside = "course/mine (from Drive, 2023-11-14 23.14 UTC).txt"
    return course, {
        "course/lab.ipynb": b"second",
        "course/mine.txt": MINE,
        beside: b"second mine",
        "course/same.txt": b"first same.txt",
        "course/gone.txt": b"first gone.txt",
        "course/big.bin": BIGGER,
        "course/new/deep/a.txt": b"new",
    }


def whole(world: World) -> dict[str, bytes]:
    return {p: c for p, c in world.local().items() if ".drive-sync-" not in p}


@pytest.mark.parametrize("phase", PHASES)
def test_killed_at_each_boundary(world: World, killer: Killer, phase: str) -> None:
    course, want = taught(world)
    before = world.local()
    for folder in ("home", "state"):
        shutil.copytree(world.folder / folder, world.folder / f"{folder} before")
    world.wrap = killer.wrap
    at = 0
    while True:
        at += 1
        for folder in ("home", "state"):
            begin_again(world, folder)
        killer.arm(phase, at)
        with suppress(Crash):
            course.bring()
        died, killer.phase = killer.fired, ""
        for path, content in whole(world).items():
            assert content in (want.get(path), before.get(path)), path
        assert world.local()["course/mine.txt"] == MINE
        if at % 2:
            begin_again(world, "state")
        course.bring()
        assert world.local() == want, at
        course.bring()
        assert course.outcomes() == {"mine.txt": "edited_here", "gone.txt": "gone_on_drive"}
        assert world.local() == want
        if not died:
            break
    assert at >= (30 if "disk" in phase else 8)


def begin_again(world: World, folder: str) -> None:
    shutil.rmtree(world.folder / folder)
    shutil.copytree(world.folder / f"{folder} before", world.folder / folder)


def test_a_large_file_goes_on_where_it_was(world: World, killer: Killer) -> None:
    """At most one chunk comes again for each time that it was killed."""
    world.with_settings(small_file=1000, chunk_size=CHUNK)
    course = Course(world)
    chunks = 7
    content = hashlib.shake_128(b"x").digest((chunks - 1) * CHUNK + 5)
    course.put("big.bin", content)
    world.wrap = killer.wrap
    other = 2  # the folder itself, and its listing
    asked = kills = 0
    for at in (4, 4, 4):
        killer.arm("after the server acted", at + other)
        with suppress(Crash):
            course.bring()
        kills += 1
        asked += world.sent["files.get"] - 1
    killer.phase = ""
    course.bring()
    asked += world.sent["files.get"] - 1
    assert world.local() == {"course/big.bin": content}
    assert chunks < asked <= chunks + kills


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["mkdir", "open", "pwrite", "fsync", "link"])
def test_the_disk_is_full_at_each_step(
    world: World, call: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, nothing half, and with room again it goes on."""
    course, want = taught(world)
    before = world.local()
    with monkeypatch.context() as patch:
        patch.setattr(write, "os", FullDisk(call, 0, code))
        with pytest.raises(HomeFull) as caught:
            course.bring()
    assert caught.value.sentence.startswith("There is no room in ")
    for path, content in whole(world).items():
        assert content in (want.get(path), before.get(path)), path
    course.bring()
    assert world.local() == want


def test_no_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    course, _ = taught(world)
    before = world.local()
    monkeypatch.setattr(Landing, "free", lambda _: 100)
    with pytest.raises(HomeFull, match="no room"):
        course.bring()
    assert world.local() == before


def test_a_folder_that_cannot_be_made(world: World) -> None:
    course = Course(world)
    course.put("a", "1")
    world.write("course", "a file where it should be")
    with pytest.raises(HomeUnwritable, match="Nothing can be written in"):
        course.bring()


def test_somebody_saves_while_a_newer_one_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit between our look and our write stays where it is, and the newer one goes beside."""
    course = Course(world)
    course.put("lab.ipynb", "one")
    course.bring()
    course.put("lab.ipynb", "two", age=-45)
    real = Fetcher.fetch

    def saves(self: Fetcher, *args: Any) -> Any:
        course.edit("lab.ipynb", "saved meanwhile")
        return real(self, *args)

    monkeypatch.setattr(Fetcher, "fetch", saves)
    course.bring()
    monkeypatch.undo()
    here = course.here()
    assert here.pop("lab.ipynb") == "saved meanwhile"
    assert list(here.values()) == ["two"]
    course.bring()
    assert course.outcomes() == {"lab.ipynb": "edited_here"}
