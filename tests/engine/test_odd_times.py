"""Faults F43, F44, F61: times, inodes and devices that say nothing."""

from __future__ import annotations

import os
import shutil

import pytest

from jupyter_drive_sync.engine import survey
from tests.engine.world import World

DAY = 86_400


def idle(world: World) -> None:
    """See that a pass has nothing to do."""
    report = world.sync()
    assert report.run.outcome == "completed"
    assert set(world.sent) <= {"changes.list"}, world.sent


@pytest.mark.parametrize("at", [0, 1, 2**31 + 5, 4_102_444_800])
def test_files_of_odd_times_are_mirrored_and_then_left_alone(world: World, at: int) -> None:
    file = world.write("d/odd.txt", "odd")
    world.write("d/usual.txt", "usual")
    os.utime(file, (at, at))
    world.sync()
    world.assert_mirrored()
    assert world.remote()["d/odd.txt"].mtime_ms == at * 1000
    idle(world)
    file.write_text("changed")
    os.utime(file, (at, at))
    world.sync()
    world.assert_mirrored()


def test_a_clock_that_was_set_back_loses_no_change(world: World) -> None:
    world.write("a.txt", "one")
    world.sync()
    world.clock.jump(-400 * DAY)
    world.write("a.txt", "two", age=0)
    world.write("b.txt", "new", age=0)
    world.sync()
    world.assert_mirrored()
    world.clock.jump(800 * DAY)
    world.write("a.txt", "three", age=0)
    world.sync()
    world.assert_mirrored()


def test_a_change_within_one_tick_of_a_coarse_clock_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same size, same inode, same second: only that it was just written tells to look again."""
    monkeypatch.setattr(
        survey, "probe_in", lambda *_: lambda: int(world.clock.wall()) * 1_000_000_000
    )
    file = world.write("a.txt", "one", age=-60)  # a pass begins a minute later: in that very second
    world.sync()
    before = file.stat()
    with file.open("r+") as same:
        same.write("two")
    os.utime(file, ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert file.stat().st_ino == before.st_ino
    world.sync()
    world.assert_mirrored()
    idle(world)


def test_a_mount_that_bumps_every_ctime_and_inode_sends_nothing(world: World) -> None:
    for number in range(12):
        world.write(f"d{number % 3}/f{number}.txt", f"content {number}")
    world.sync()
    world.sync()
    for path in sorted(world.home.rglob("*")):
        path.chmod(path.stat().st_mode)  # as Kubernetes' fsGroup does: every ctime is new
    idle(world)
    again = world.folder / "again"
    shutil.copytree(world.home, again)  # other inodes throughout, the same names and times
    world.home.rename(world.folder / "before")
    again.rename(world.home)
    report = world.sync()
    assert report.run.outcome == "completed"
    assert not [name for name in world.sent if name not in ("changes.list", "batch")]
    assert not report.plan.contents
    assert not report.plan.trashes
    assert not world.holds()
    world.assert_mirrored()
