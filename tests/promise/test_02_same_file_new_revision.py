"""Promise 2: a change makes a new revision of the same Drive file, never a second copy."""

from __future__ import annotations

import os

import pytest

from jupyter_drive_sync.drive.types import Patch
from tests.engine.world import World


@pytest.mark.parametrize("size", [10, 6_000_000])
def test_same_id_and_link_and_a_revision_more(world: World, size: int) -> None:
    world.write("lab.ipynb", b"a" * size)
    world.sync()
    first = world.remote()["lab.ipynb"]
    for letter in (b"b", b"c"):
        world.write("lab.ipynb", letter * size)
        report = world.sync()
        assert report.run.counters["updated"] == 1
        assert report.run.counters["uploaded"] == 0
    last = world.remote()["lab.ipynb"]
    assert (last.id, last.link) == (first.id, first.link)
    assert last.revision != first.revision
    assert len(world.person.revisions(first.id)) == 3
    world.assert_mirrored()


def test_editors_that_replace_the_file_still_change_the_same_one(world: World) -> None:
    world.write("lab.ipynb", "one")
    world.sync()
    first = world.remote()["lab.ipynb"]
    world.write("lab.ipynb.tmp", "two")
    (world.home / "lab.ipynb.tmp").replace(world.home / "lab.ipynb")
    world.sync()
    assert world.remote()["lab.ipynb"].id == first.id
    world.assert_mirrored()


def test_a_change_of_the_inode_alone_sends_nothing(world: World) -> None:
    file = world.write("lab.ipynb", "one")
    world.sync()
    status = file.stat()
    copy = world.home / "copy"
    copy.write_text("one")
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    copy.replace(file)
    report = world.sync()
    assert world.requests() == 1
    assert report.run.counters["unchanged"] == 1


def test_a_change_that_leaves_size_and_time_is_found_within_a_month(world: World) -> None:
    file = world.write("data.bin", "one")
    world.sync()
    status = file.stat()
    file.write_text("two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert world.sync().run.counters["updated"] == 0  # nothing shows it
    nights = 0
    while world.mirrored() != world.local():
        world.clock.advance(86_400)
        world.sync()
        nights += 1
        assert nights <= world.settings.rehash_nights


def test_a_shared_link_stays_when_the_user_renamed_the_copy(world: World) -> None:
    world.write("lab.ipynb", "one")
    world.sync()
    first = world.remote()["lab.ipynb"]
    (result,) = world.person.batch([Patch(first.id, name="mine.ipynb")])
    assert not isinstance(result, Exception)
    world.write("lab.ipynb", "two")
    world.sync()
    assert world.remote()["lab.ipynb"].id == first.id
    world.assert_mirrored()
