"""A writer that was frozen, and a Drive that says that something is gone which is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from jupyter_drive_sync.core.said import code_of
from jupyter_drive_sync.core.tree import FileId, Kind, RelPath, Stat
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.wire import Reply, Wire
from jupyter_drive_sync.engine import stopgap
from jupyter_drive_sync.engine.lease import Process
from jupyter_drive_sync.engine.records import Intent
from jupyter_drive_sync.engine.report import Progress, Status
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import DriveSyncError, LeaseLost, NotOurs
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


class Cut(BaseException):
    """The process ends, or stands still for good."""


@dataclass
class Cutting:
    """Stops a pass before one of its requests, and keeps that one."""

    wire: Wire
    when: Callable[[int, str, str], bool]
    sent: list[tuple[str, str, Mapping[str, str], bytes | None]] = field(default_factory=list)

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        self.sent.append((method, uri, headers, body))
        if self.when(len(self.sent), method, uri):
            raise Cut
        return self.wire.request(method, uri, headers, body)

    def close(self) -> None:
        self.wire.close()


def through(world: World, when: Callable[[int, str, str], bool]) -> list[Cutting]:
    """Let the next passes go through wires that may stop; returns where those will be found."""
    wires: list[Cutting] = []

    def wrap(wire: Wire) -> Wire:
        wires.append(Cutting(wire, when))
        return wires[-1]

    world.wrap = wrap
    return wires


@pytest.fixture
def on_its_way(world: World) -> Callable[[], int]:
    """Let a create of ``b.txt`` not arrive, and ``a.txt`` be moved to its place; sends it late."""
    world.write("a.txt", "a")
    world.sync()
    world.write("b.txt", "b")
    wires = through(world, lambda _, method, uri: method == "POST" and "/upload/" in uri)
    with pytest.raises(Cut):
        world.sync()
    (world.home / "a.txt").rename(world.home / "b.txt")
    return lambda: wires[-1].wire.request(*wires[-1].sent[-1]).status


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_create_that_comes_late_finds_its_id_used_where_another_file_lies_now(
    world: World, on_its_way: Callable[[], int], cut: int
) -> None:
    """Also where the pass that uses it up is cut off itself, before any of its requests."""
    through(world, lambda number, *_: number == cut)
    with suppress(Cut):
        world.sync()
    through(world, lambda *_: False)
    world.sync()
    assert on_its_way() == 409
    world.assert_no_twins()
    world.assert_mirrored()
    (stopgap,) = [entry for entry in world.objects(trashed=True) if entry.trashed]
    assert (stopgap.name[:10], stopgap.kind, stopgap.size) == ("not needed", Kind.FILE, 0)
    world.sync()
    assert world.requests() == 1


def test_the_id_of_a_folder_that_comes_late_is_used_up_by_a_file(world: World) -> None:
    world.write("a.txt", "a")
    world.sync()
    world.write("b/x.txt", "x")
    wires = through(world, lambda _, method, uri: method == "POST" and "/batch/" in uri)
    with pytest.raises(Cut):
        world.sync()
    shutil.rmtree(world.home / "b")
    (world.home / "a.txt").rename(world.home / "b")
    through(world, lambda *_: False)
    world.sync()
    late = wires[-1].wire.request(*wires[-1].sent[-1])
    assert late.body.count(b"HTTP/1.1 409") == 1
    world.assert_no_twins()
    world.sync()
    world.assert_mirrored()
    (stopgap,) = [entry for entry in world.objects(trashed=True) if entry.trashed]
    assert (stopgap.name[:10], stopgap.kind, stopgap.size) == ("not needed", Kind.FILE, 0)


@pytest.mark.parametrize("late", range(1, 6))
def test_a_create_that_arrives_before_its_id_is_used_up_is_found(
    world: World, on_its_way: Callable[[], int], late: int
) -> None:
    arrived: list[int] = []

    def arrives(number: int, _method: str, _uri: str) -> bool:
        if number == late:
            arrived.append(on_its_way())
        return False

    through(world, arrives)
    world.sync()
    world.assert_no_twins()
    through(world, lambda *_: False)
    world.sync()
    assert arrived
    world.assert_no_twins()
    world.assert_mirrored()


def test_where_we_may_not_trash_the_empty_file_stays_and_stops_nothing(
    world: World, on_its_way: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a contributor of a shared drive, who may add and edit."""

    def refused(_: Drive, intents: Sequence[Intent]) -> dict[RelPath, DriveSyncError]:
        return {intent.entry.path: NotOurs() for intent in intents}

    monkeypatch.setattr(stopgap, "remove", refused)
    through(world, lambda *_: False)
    assert world.sync().run.outcome == "completed_with_errors"
    report = world.sync()
    assert report.run.outcome == "completed"
    assert {each.outcome for each in report.outcomes} == {"moved", "unclaimed"}
    assert on_its_way() == 409
    assert sorted(entry.name[:10] for entry in world.objects()) == ["ann", "b.txt", "not needed"]
    world.sync()
    world.sync()
    assert world.requests() == 1


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
