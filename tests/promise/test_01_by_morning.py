"""Promise 1: by morning the same bytes are on Drive, at the same path, with the same time."""

from __future__ import annotations

import hashlib
import os

import pytest

from jupyter_drive_sync.core.names import to_drive
from jupyter_drive_sync.localdrive.faults import Fault
from tests.engine.world import World

NAMES = ["week 1/lab.ipynb", "week 1/data/été.csv", ".config/notes", "a'b\\c.txt", "empty"]


def test_the_same_bytes_lie_at_the_same_path(world: World) -> None:
    for number, name in enumerate(NAMES):
        world.write(name, b"" if name == "empty" else os.urandom(100) * number)
    report = world.sync()
    world.assert_mirrored()
    assert report.run.outcome == "completed"
    assert report.run.counters["uploaded"] == len(NAMES)
    chain = {entry.id: entry for entry in world.everything()}
    root = chain[world.root]
    assert root.name == "ann"
    assert root.parent is not None
    assert chain[root.parent].name == "home"


def test_the_modification_time_is_the_same(world: World) -> None:
    file = world.write("a.txt", "x")
    os.utime(file, ns=(0, 1_600_000_000_123_456_789))
    world.write("old.txt", "y")
    os.utime(world.home / "old.txt", ns=(0, 0))
    world.sync()
    assert world.remote()["a.txt"].mtime_ms == 1_600_000_000_123
    assert world.remote()["old.txt"].mtime_ms == 0


def test_a_touched_file_gets_its_time_without_being_sent_again(world: World) -> None:
    file = world.write("a.txt", "x" * 1000)
    world.sync()
    before = world.remote()["a.txt"]
    os.utime(file, (1_500_000_000, 1_500_000_000))
    world.sync()
    after = world.remote()["a.txt"]
    assert after.mtime_ms == 1_500_000_000_000
    assert after.revision == before.revision


@pytest.mark.parametrize("size", [0, 1, 5_000_000, 5_000_001, 9_000_000])
def test_small_and_large_files(world: World, size: int) -> None:
    content = hashlib.shake_128(b"seed").digest(size)
    world.write("f.bin", content)
    world.sync()
    assert world.remote()["f.bin"].md5 == hashlib.md5(content, usedforsecurity=False).digest()
    assert world.content("f.bin") == content


@pytest.mark.parametrize("size", [10, 5_000_001])
def test_drives_checksum_is_compared_with_ours(world: World, size: int) -> None:
    """A copy that is not identical is sent again, at once; if need be at the next pass too."""
    world.write("f.bin", b"x" * size)
    world.server.faults.add(Fault("checksum", times=2))
    report = world.sync()
    world.server.faults.assert_all_fired()
    (failed,) = [outcome for outcome in report.outcomes if outcome.outcome == "failed"]
    assert "not identical" in failed.reason
    assert report.run.outcome == "completed_with_errors"
    report = world.sync()
    assert report.run.outcome == "completed"
    assert report.run.counters["updated"] == 1
    world.assert_mirrored()
    world.sync()
    assert world.requests() == 1


def test_a_wrong_checksum_once_is_mended_within_the_pass(world: World) -> None:
    world.write("f.bin", b"x")
    world.server.faults.add(Fault("checksum", times=1))
    assert world.sync().run.outcome == "completed"
    world.server.faults.assert_all_fired()
    world.assert_mirrored()


def test_names_that_drive_would_not_take_come_over_reversibly(world: World) -> None:
    raw = world.home / os.fsdecode(b"bad-\xff.txt")
    raw.write_bytes(b"1")
    (world.home / "line\nbreak").write_bytes(b"2")
    report = world.sync()
    assert report.run.outcome == "completed"
    found = {entry.name for entry in world.remote().values()}
    assert found == {to_drive(os.fsdecode(b"bad-\xff.txt")), to_drive("line\nbreak")}
    world.sync()
    assert world.requests() == 1
