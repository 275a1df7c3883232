"""A writer that was frozen, and a Drive that says that something is gone which is not."""

from __future__ import annotations

import pytest

from jupyter_drive_sync.core.said import code_of
from jupyter_drive_sync.core.tree import FileId, Stat
from jupyter_drive_sync.engine.lease import Process
from jupyter_drive_sync.engine.report import Progress, Status
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import LeaseLost
from jupyter_drive_sync.localdrive.faults import Fault
from tests.engine.world import World


def test_a_frozen_writer_leaves_the_status_of_its_successor_alone(world: World) -> None:
    turns = [
        Turn(world.site, name, Progress(world.clock), process=Process(name, "boot", 1, "1"))
        for name in ("frozen", "next")
    ]
    with pytest.raises(LeaseLost), turns[0].taken():  # noqa: PT012 - one story
        world.clock.advance(200)
        with turns[1].taken(patience=90):
            turns[1].completed("completed", 7)
        turns[0].pulse()
    status = Status.load(world.state)
    assert (status.status, status.job, status.last_sync_count) == ("completed", "next", 7)


@pytest.mark.parametrize("endpoint", ["files.update", "batch"])
def test_a_404_that_is_not_true_makes_no_second_copy(world: World, endpoint: str) -> None:
    world.write("a.txt", "one")
    world.sync()
    before = world.remote()["a.txt"].id
    if endpoint == "batch":
        (world.home / "a.txt").rename(world.home / "b.txt")
    else:
        world.write("a.txt", "two")
    world.server.faults.add(Fault("404", "files.update", nth=1))
    world.sync()
    world.server.faults.assert_all_fired()
    world.server.faults.clear()
    world.sync()
    world.assert_mirrored()
    assert [entry.id for entry in world.remote().values()] == [before]


def edited_and_not_found(world: World) -> FileId:
    """Let Drive not find a file that has to be replaced, however often it is asked in this pass."""
    world.write("a.txt", "one")
    world.sync()
    world.write("a.txt", "two")
    before = world.remote()["a.txt"].id
    world.server.faults.add(Fault("404", "files.update", nth=1))
    world.server.faults.add(Fault("404", "files.get", nth=1))
    return before


def test_what_drive_does_not_find_twice_is_looked_for_by_the_next_pass(world: World) -> None:
    before = edited_and_not_found(world)
    report = world.sync()
    world.server.faults.assert_all_fired()
    assert report.run.outcome == "completed_with_errors"
    assert [code_of(each.reason) for each in report.outcomes] == ["drive.missing"]
    world.server.faults.clear()
    assert world.sync().run.outcome == "completed"
    world.assert_mirrored()
    assert [entry.id for entry in world.remote().values()] == [before]
    world.sync()
    assert world.requests() == 1  # nothing is doubted any more


def test_what_the_next_pass_does_not_find_either_is_made_anew(world: World) -> None:
    before = edited_and_not_found(world)
    world.sync()
    world.server.faults.clear()
    world.delete_on_drive(before)
    assert world.sync().run.outcome == "completed"
    world.assert_mirrored()
    assert before not in [entry.id for entry in world.remote().values()]


def test_an_edit_that_is_not_found_for_a_moment_is_kept_all_the_same(world: World) -> None:
    world.write("a.txt", "one")
    world.sync()
    world.edit_on_drive("a.txt", b"theirs")
    world.write("a.txt", "two")
    world.server.faults.add(Fault("404", "revisions.update", nth=1))
    assert world.sync().run.outcome == "completed"
    world.server.faults.assert_all_fired()
    with world.ledger() as ledger:
        assert [edit.pinned for edit in ledger.edits()] == [True]


def test_an_edit_that_cannot_be_kept_is_not_replaced(world: World) -> None:
    world.write("a.txt", "one")
    world.sync()
    world.edit_on_drive("a.txt", b"theirs")
    world.write("a.txt", "two")
    world.server.faults.add(Fault("404", "revisions.update", every=1))
    report = world.sync()
    assert [code_of(each.reason) for each in report.outcomes] == ["drive.missing"]
    assert world.content("a.txt") == b"theirs"
    world.server.faults.clear()
    assert world.sync().run.outcome == "completed"
    assert world.content("a.txt") == b"two"


def test_numbers_of_any_disk_fit_into_the_ledger() -> None:
    assert Stat.given(1, 2, 3) == Stat(1, 2, 3)
    assert Stat.given(1, 10**21, 2**64 - 1) == Stat(1, 2**63 - 1, -1)
    assert Stat.given(1, -(10**21), 2**63) == Stat(1, -(2**63), -(2**63))
