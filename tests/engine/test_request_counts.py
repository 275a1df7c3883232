"""What a pass costs: contracts, counted in LocalDrive's log. A batch is one request."""

from __future__ import annotations

import hashlib
from math import ceil

import pytest

from tests.engine.world import World
from tests.figures import record
from tests.laws import law_04

pytestmark = pytest.mark.no_cover
"""Others cover what these run; here the tracer would cost a third of the time."""
MiB = 1024 * 1024


def settle(world: World) -> None:
    """Let the passes after a big one read their own writes off the feed."""
    for _ in range(3):
        world.sync()
    assert world.requests() == 1


def fill(world: World, folders: int, files: int, size: int = 10) -> None:
    for folder in range(folders):
        for number in range(files):
            content = hashlib.shake_128(f"{folder}/{number}".encode()).digest(size)
            world.write(f"course/d{folder:03}/f{number:04}.txt", content)


def idle(world: World, folders: int, files: int) -> None:
    fill(world, folders, files)
    world.sync()
    settle(world)
    for _ in range(3):
        report = world.sync()
        assert world.sent == {"changes.list": 1}
        assert report.run.counters["unchanged"] == folders * files
        assert report.run.counters["requests"] == 1


def test_nothing_changed_is_one_request(world: World) -> None:
    idle(world, folders=20, files=100)


@pytest.mark.torture
def test_nothing_changed_in_ten_thousand_files_is_one_request(world: World) -> None:
    idle(world, folders=50, files=200)
    record("idle requests", world.requests())
    record("idle writes", law_04.writes(world.sent))


def test_the_pass_right_after_the_first_is_one_request_too(world: World) -> None:
    fill(world, 12, 100)
    world.sync()
    world.sync()
    assert world.requests() == 1


@pytest.mark.parametrize("changed", [1, 7])
def test_n_changed_contents_are_n_and_one(world: World, changed: int) -> None:
    fill(world, 2, 10)
    world.sync()
    settle(world)
    for number in range(changed):
        world.write(f"course/d000/f{number:04}.txt", f"changed {number}")
    world.sync()
    assert world.requests() == changed + 1
    world.assert_mirrored()


@pytest.mark.parametrize("new", [1, 7])
def test_n_new_files_in_known_folders_are_n_and_two(world: World, new: int) -> None:
    fill(world, 2, 10)
    world.sync()
    settle(world)
    for number in range(new):
        world.write(f"course/d001/new{number}.txt", f"new {number}")
    world.sync()
    assert world.requests() == new + 2
    assert world.sent["files.generateIds"] == 1
    world.assert_mirrored()


def test_new_folders_are_a_batch_a_level(world: World) -> None:
    fill(world, 1, 1)
    world.sync()
    settle(world)
    for number in range(120):
        world.write(f"new/n{number}/deep/file", f"{number}")
    world.sync()
    # feed, ids (1 + 240 folders + 120 files), levels of 1, 120 and 120 folders, the files
    assert world.requests() == 1 + 1 + (1 + 2 + 2) + 120


def test_a_folder_of_five_hundred_renamed_is_two(world: World) -> None:
    fill(world, 1, 500)
    world.sync()
    settle(world)
    (world.home / "course/d000").rename(world.home / "course/renamed")
    world.sync()
    assert world.requests() == 2
    assert sum(world.inner.values()) == 1
    world.sync()
    assert world.requests() == 1


def test_moves_go_a_hundred_a_batch(world: World) -> None:
    fill(world, 1, 250)
    world.write("other/x", "x")
    world.sync()
    settle(world)
    for number in range(250):
        name = f"f{number:04}.txt"
        (world.home / f"course/d000/{name}").rename(world.home / f"other/moved-{name}")
    world.sync()
    assert world.sent == {"changes.list": 1, "batch": 3}
    assert world.inner == {"files.update": 250}


def test_trashes_go_a_hundred_a_batch(world: World) -> None:
    world.with_settings(guard_files=1000, guard_share=1.0)
    fill(world, 1, 250)
    world.sync()
    settle(world)
    for number in range(201):
        (world.home / f"course/d000/f{number:04}.txt").unlink()
    world.sync()
    assert world.sent == {"changes.list": 1, "batch": 3}
    assert world.inner == {"files.update": 201}


def test_pins_go_a_hundred_a_batch(world: World) -> None:
    fill(world, 1, 12)
    world.sync()
    settle(world)
    for number in range(12):
        world.edit_on_drive(f"course/d000/f{number:04}.txt", b"edited")
        world.write(f"course/d000/f{number:04}.txt", f"local {number}")
    world.sync()
    assert world.sent == {"changes.list": 1, "batch": 1, "files.update": 12}


def test_a_first_pass_of_a_thousand_files(world: World) -> None:
    """1,000 files of 20 KB in 50 folders of each of two."""
    for course in ("a", "b"):
        for folder in range(50):
            for number in range(10):
                name = f"{course}/d{folder}/f{number}"
                world.write(name, hashlib.shake_128(name.encode()).digest(20_000))
    report = world.sync()
    assert world.requests() <= 1010
    assert report.run.counters["uploaded"] == 1000
    assert report.run.counters["folders"] == 102
    assert report.run.counters["requests"] == world.requests()


@pytest.mark.parametrize("size", [5_000_001, 8 * MiB, 8 * MiB + 1, 17 * MiB])
def test_a_file_in_chunks_is_one_and_its_chunks(world: World, size: int) -> None:
    world.write("seed", "s")
    world.sync()
    settle(world)
    world.write("big.bin", b"x" * size)
    world.sync()
    # feed, ids, the session, the chunks
    assert world.requests() == 2 + 1 + ceil(size / (8 * MiB))
    world.write("big.bin", b"y" * size)
    world.sync()
    assert world.requests() == 1 + 1 + ceil(size / (8 * MiB))


def test_a_night_of_verification(world: World) -> None:
    world.with_settings(verify_days=7)
    fill(world, 11, 100)
    world.sync()
    settle(world)
    world.clock.advance(7 * 86_400)
    report = world.sync()
    assert report.run.verified
    objects = len(world.objects()) + 1  # the folder above the mirror is asked for as well
    # Beside the feed: the pages, and a batch of revisions per 100 files sent since the last time.
    assert world.sent["files.list"] <= 1 + ceil(objects / 1000)
    assert world.requests() <= 1 + 1 + ceil(objects / 1000) + ceil(1100 / 100)
    world.sync()
    assert world.requests() == 1
    world.clock.advance(7 * 86_400)
    world.sync()
    assert world.requests() <= 1 + 1 + ceil(objects / 1000)


def test_a_drain_costs_a_page_per_thousand(world: World) -> None:
    fill(world, 21, 100)
    world.sync()
    objects = 2100 + 21 + 3
    assert world.sent["changes.list"] == ceil(objects / 1000)


def test_a_rebuild_sends_nothing(world: World) -> None:
    fill(world, 11, 100)
    world.sync()
    (world.state / "ledger.sqlite").unlink()
    world.sync()
    objects = len(world.objects()) + 1
    assert world.requests() <= 1 + 1 + ceil(objects / 1000) + 1
    reads = {"changes.getStartPageToken", "files.list", "files.get", "changes.list"}
    assert set(world.sent) <= reads


def test_a_dry_run_reads_and_writes_nothing(world: World) -> None:
    fill(world, 2, 10)
    report = world.sync(dry_run=True)
    assert world.sent == {"changes.getStartPageToken": 1, "files.list": 1}
    assert report.estimate.files == 20
    world.sync()
    world.write("course/d000/f0000.txt", "changed")
    world.write("course/d001/f0000.txt", "changed")
    report = world.sync("course/d000", dry_run=True)
    assert world.sent == {"changes.list": 1}
    assert [step.path for step in report.plan.contents] == ["course/d000/f0000.txt"]
    with world.ledger() as ledger:
        assert len(ledger.runs()) == 1
