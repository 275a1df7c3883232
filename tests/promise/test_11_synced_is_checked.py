"""Promise 11: "synced" is only said after it was checked; what differs is listed and counted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.engine.lease import Process
from jupyter_drive_sync.engine.report import Progress, Status, people_state, read_status
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.reading import Reading
from jupyter_drive_sync.localdrive.faults import Fault
from tests.engine.world import World


def turn(world: World, *only: str) -> str:
    """Run a pass as the writer of the home; return the word for people."""
    progress = Progress(world.clock)
    mine = Turn(world.site, "job", progress, process=Process.current())
    try:
        with mine.taken():
            report = world.sync(*only)
            progress.counts, progress.problems = world.progress.counts, world.progress.problems
            mine.completed(report.run.outcome, report.objects, whole=not only)
    except DriveSyncError:
        pass
    return state(world)


def state(world: World) -> str:
    status = read_status(world.state, world.clock.wall(), ping_seconds=10)
    return people_state(status, connected=True)


def test_synced_comes_with_its_time(world: World) -> None:
    assert state(world) == "waiting"
    world.write("a.txt", "a")
    assert turn(world) == "synced"
    status = read_status(world.state, world.clock.wall(), ping_seconds=10)
    assert status.last_sync == world.clock.wall()
    assert status.last_sync_count == 1
    assert status.last_sync_job == "job"


def test_an_error_is_never_a_success(world: World) -> None:
    world.write("a.txt", "a")
    turn(world)
    before = read_status(world.state, world.clock.wall(), ping_seconds=10).last_sync
    world.write("a.txt", "b")
    world.server.faults.add(Fault("refused"))
    assert turn(world) == "offline"
    status = read_status(world.state, world.clock.wall(), ping_seconds=10)
    assert (status.status, status.last_sync) == ("failed", before)
    world.server.faults.clear()
    world.server.faults.add(Fault("400", "files.update"))
    assert turn(world) == "waiting"
    status = read_status(world.state, world.clock.wall(), ping_seconds=10)
    assert (status.status, status.last_sync) == ("completed_with_errors", before)
    world.server.faults.clear()
    assert turn(world) == "synced"


def test_who_has_to_look_is_told_when_trying_again_did_not_help(world: World) -> None:
    world.write("a.txt", "a")
    assert turn(world) == "synced"
    world.write("b.txt", "b")
    world.server.faults.add(Fault("400", "files.create"))
    assert [turn(world) for _ in range(3)] == ["waiting", "needs_you", "needs_you"]
    world.server.faults.clear()
    assert turn(world) == "synced"
    world.write("a.txt", "b")
    world.server.faults.add(Fault("400", "files.update"))
    assert turn(world) == "waiting"


def test_a_pass_over_some_paths_says_nothing_about_the_others(world: World) -> None:
    for name in ("a.txt", "b.txt"):
        world.write(name, name)
    assert turn(world, "a.txt") == "waiting"
    assert Status.load(world.state).last_sync is None
    assert turn(world) == "synced"
    before = Status.load(world.state)
    world.write("a.txt", "A")
    assert turn(world, "a.txt") == "synced"
    after = Status.load(world.state)
    assert (after.last_sync, after.meta["total"]) == (before.last_sync, before.meta["total"])
    world.write("b.txt", "B")
    world.server.faults.add(Fault("400", "files.update"))
    assert [turn(world) for _ in range(2)] == ["waiting", "needs_you"]
    world.server.faults.clear()
    world.write("a.txt", "A!")
    assert turn(world, "a.txt") == "needs_you"
    assert turn(world) == "synced"


def test_a_killed_writer_is_not_made_good_by_a_pass_over_some_paths(world: World) -> None:
    world.write("a.txt", "a")
    gone = replace(Process.current(), pid=1 << 22)
    Status(status="in_progress", job="earlier", process=gone).save(world.state)
    assert turn(world, "a.txt") == "cant_sync"
    status = Status.load(world.state)
    assert status.problem is not None
    assert status.problem["code"] == "run.killed"
    assert turn(world) == "synced"


def test_a_held_deletion_is_not_synced(world: World) -> None:
    for number in range(8):
        world.write(f"f{number}", f"{number}")
    turn(world)
    for number in range(7):
        (world.home / f"f{number}").unlink()
    assert turn(world) == "needs_you"
    status = read_status(world.state, world.clock.wall(), ping_seconds=10)
    assert [hold["count"] for hold in status.holds] == [7]


@pytest.mark.parametrize("size", [100, 6_000_000])
def test_bytes_that_change_on_the_way_are_noticed(world: World, size: int) -> None:
    """Drive stores, and reports truly, other bytes than were read."""
    world.write("f.bin", b"x" * size)

    class Bending:
        def __init__(self, wire: object) -> None:
            self.wire = wire

        def request(
            self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
        ) -> Reply:
            bent = (body or b"").replace(b"xxxx", b"xxxy", 1) if "upload" in uri else body
            return self.wire.request(method, uri, headers, bent)  # type: ignore[attr-defined,no-any-return]

        def close(self) -> None:
            pass

    world.wrap = Bending  # type: ignore[assignment]
    report = world.sync()
    assert report.run.outcome == "completed_with_errors"
    assert report.objects >= 0
    world.wrap = lambda wire: wire
    assert world.sync().run.outcome == "completed"
    world.assert_mirrored()


def test_every_file_that_is_left_out_is_listed_with_its_reason(world: World) -> None:
    world.with_settings(max_file_size=100, excludes=("*.tmp",))
    world.write("ok.txt", "ok")
    world.write("big.bin", b"x" * 101)
    world.write("x.tmp", "x")
    world.write(".ssh/id_rsa", "secret")
    world.write("node_modules/m.js", "m")
    (world.home / "link").symlink_to("ok.txt")
    os.mkfifo(world.home / "pipe")
    report = world.sync()
    listed = {o.path: o.reason for o in report.outcomes if o.outcome == "left_out"}
    assert set(listed) == {"big.bin", "x.tmp", ".ssh", "node_modules", "link", "pipe"}
    assert "100" in listed["big.bin"]
    assert "*.tmp" in listed["x.tmp"]
    assert "link" in listed["link"]
    assert "special" in listed["pipe"]
    assert all(listed.values())
    assert report.run.counters["left_out"] == 6
    with world.ledger() as ledger:
        stored = {o.path for o in ledger.outcomes(report.run.id) if o.outcome == "left_out"}
    assert stored == set(listed)


def test_every_divergence_is_counted_in_every_pass(world: World) -> None:
    for number in range(20):
        world.write(f"f{number}.txt", f"{number}")
    world.write("a/kept.txt", "kept")
    world.sync()
    world.edit_on_drive("f1.txt", b"newer there")
    world.edit_on_drive("f2.txt", b"newer there, and gone here")
    (world.home / "f2.txt").unlink()
    (world.home / "a/kept.txt").unlink()
    for _ in range(3):
        report = world.sync()
        counters = report.run.counters
        assert counters["newer_on_drive"] == 1
        assert counters["archived"] == 1
        assert counters["held"] == 1
        outcomes = {(o.path, o.outcome) for o in report.outcomes}
        assert {("f1.txt", "newer_on_drive"), ("f2.txt", "archived")} <= outcomes


def test_a_file_that_changes_while_it_is_read_is_reported_and_never_torn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = world.write("racing.bin", b"0" * 6_000_000)
    world.write("calm.txt", "calm")
    touched: list[int] = []
    original = Reading.read_at

    def racing(self, offset: int, size: int) -> bytes:  # type: ignore[no-untyped-def]
        touched.append(offset)
        with file.open("r+b") as handle:
            handle.write(str(len(touched)).encode())
        return original(self, offset, size)  # type: ignore[no-any-return]

    with monkeypatch.context() as patched:
        patched.setattr(Reading, "read_at", racing)
        report = world.sync()
    assert touched
    assert report.run.outcome == "completed_with_errors"
    (failed,) = [o for o in report.outcomes if o.outcome == "failed"]
    assert failed.path == "racing.bin"
    assert "changed while it was read" in failed.reason
    assert set(world.mirrored()) == {"calm.txt"}
    world.sync()
    world.assert_mirrored()


def test_a_file_that_vanishes_before_it_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = world.write("gone.txt", "gone")
    world.write("stays.txt", "stays")
    real = Home.load

    def load(self: Home, path: str, limit: int):  # type: ignore[no-untyped-def]
        if path == "gone.txt":
            Path(gone).unlink(missing_ok=True)
        return real(self, path, limit)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Home, "load", load)
        report = world.sync()
    assert [o.path for o in report.outcomes if o.outcome == "failed"] == ["gone.txt"]
    world.sync()
    world.assert_mirrored()
    world.sync()
    assert world.requests() == 1


def test_a_silent_divergence_on_drive_is_seen_by_the_weekly_comparison(world: World) -> None:
    """What the feed never told: the whole tree is compared once a week."""
    world.write("a.txt", "a")
    world.sync()
    world.change_on_drive(world.remote()["a.txt"].id, trashed=True)
    with world.ledger() as ledger:
        token = world.connect().start_token()
        for run in ledger.runs():
            ledger.observe([], run=run.id, token=token)
        ledger.remember(verified_at="0")
    world.with_settings(verify_days=7)
    world.clock.advance(world.site.settings.listing_lag)  # else the listing need not be up to date
    assert world.sync().run.verified
    world.assert_mirrored()
