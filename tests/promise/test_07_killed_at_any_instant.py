"""Promise 7: killed at any instant: no duplicate, no half file, nothing lost; the next run goes on.

In SQLite's manner: the N-th boundary of a pass dies, for N = 1, 2, ... until none is left. A
boundary is a request before it is sent, one whose effect is there while its reply is not, and a
commit of the ledger that never came: to a confirmation, or to any other of its steps. (What lies
between a commit and the next request or commit is the same as dying before that.)
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jupyter_drive_sync.core.tree import FileId
from jupyter_drive_sync.drive.wire import Reply, Wire
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.errors import MirrorHeld, Offline
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.engine.world import World, make_world
from tests.virtual_clock import VirtualClock

PHASES = ("before send", "after the server acted", "after the reply")
"""A reply counts from the ledger's next commit on."""


class Crash(BaseException):
    """The process is gone: nobody catches this."""


@dataclass
class Killer:
    """Ends a pass at the N-th boundary of one phase."""

    phase: str = ""
    at: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    fired: bool = False

    def reach(self, phase: str) -> None:
        if self.fired or phase != self.phase:
            return
        self.seen[phase] += 1
        if self.seen[phase] == self.at:
            self.fired = True
            raise Crash

    def arm(self, phase: str, at: int) -> None:
        self.phase, self.at, self.fired = phase, at, False
        self.seen.clear()

    def disarm(self) -> None:
        self.phase = ""

    def wrap(self, wire: Wire) -> Wire:
        return _DyingWire(wire, self)


@dataclass
class _DyingWire:
    wire: Wire
    killer: Killer

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        self.killer.reach("before send")
        reply = self.wire.request(method, uri, headers, body)
        self.killer.reach("after the server acted")
        if method == "PUT":
            self.killer.reach("after a chunk")
        return reply

    def close(self) -> None:
        self.wire.close()


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Killer:
    made = Killer()
    real = Ledger._transaction

    @contextmanager
    def transaction(self: Ledger):  # type: ignore[no-untyped-def]
        with real(self) as db:
            yield db
            made.reach("after the reply")

    monkeypatch.setattr(Ledger, "_transaction", transaction)
    return made


# -- the scenarios: what is there before the pass that dies, and what that pass has to do ----------


def first_pass(world: World) -> None:
    for path in ("a.txt", "d/b.txt", "d/e/c.txt"):
        world.write(path, f"content of {path}")


def large_file(world: World) -> None:
    world.with_settings(small_file=1000, chunk_size=256 * 1024)
    world.write("seed.txt", "s")
    world.sync()
    world.write("big.bin", hashlib.shake_128(b"big").digest(3 * 256 * 1024 + 17))


def replace_large(world: World) -> None:
    large_file(world)
    world.sync()
    world.write("big.bin", hashlib.shake_128(b"other").digest(2 * 256 * 1024 + 5))


def rename_folder(world: World) -> None:
    for path in ("d/a.txt", "d/e/b.txt", "c.txt"):
        world.write(path, f"content of {path}")
    world.sync()
    (world.home / "d").rename(world.home / "moved")
    (world.home / "c.txt").rename(world.home / "moved/c.txt")


def replace(world: World) -> None:
    for number in range(3):
        world.write(f"f{number}.txt", "one")
    world.sync()
    world.edit_on_drive("f1.txt", b"edited by a person")
    for number in range(3):
        world.write(f"f{number}.txt", f"two {number}")


def trash(world: World) -> None:
    for number in range(20):
        world.write(f"f{number}.txt", f"{number}")
    world.sync()
    for number in range(3):
        (world.home / f"f{number}.txt").unlink()


def brought_back(world: World) -> None:
    for path in ("d/a.txt", "d/b.txt", "c.txt"):
        world.write(path, f"content of {path}")
    world.sync()
    world.change_on_drive(world.remote()["d/a.txt"].id, trashed=True)
    world.delete_on_drive(world.remote()["c.txt"].id)


def rebuild(world: World) -> None:
    for path in ("d/a.txt", "d/b.txt", "c.txt"):
        world.write(path, f"content of {path}")
    world.sync()
    (world.state / "ledger.sqlite").unlink()
    world.write("d/new.txt", "new")
    world.write("c.txt", "changed")


def take_over(world: World) -> None:
    other = world.other("earlier")
    for path in ("d/a.txt", "d/b.txt", "c.txt"):
        other.write(path, f"content of {path}")
        world.write(path, f"content of {path}")
    other.sync()
    world.write("c.txt", "changed")
    with pytest.raises(MirrorHeld):
        world.sync()
    world.answer("take_over")


def second_folder(world: World) -> None:
    other = world.other("earlier")
    other.write("a.txt", "theirs")
    other.sync()
    world.write("a.txt", "mine")
    with pytest.raises(MirrorHeld):
        world.sync()
    world.answer("second_folder")


def mixed(world: World) -> None:
    for number in range(8):
        world.write(f"d/f{number}.txt", f"{number}")
    world.sync()
    (world.home / "d").rename(world.home / "e")
    (world.home / "e/f0.txt").unlink()
    world.write("e/f1.txt", "changed")
    world.write("e/sub/new.txt", "new")
    (world.home / "e/f2.txt").rename(world.home / "e/sub/two.txt")


SCENARIOS: tuple[Callable[[World], None], ...] = (
    first_pass, large_file, replace_large, rename_folder, replace, trash, brought_back, rebuild,
    take_over, second_folder, mixed,
)  # fmt: skip


def versions(world: World) -> dict[FileId, int]:
    """Count the revisions of each file of ours: what was sent twice shows."""
    entries = [entry for entry in world.objects(trashed=True) if entry.md5]
    return {entry.id: len(world.person.revisions(entry.id)) for entry in entries}


def judge(world: World, expected: dict[str, bytes], lost: set[bytes], revisions: int) -> None:
    """Laws 1 to 4, and no upload beyond need."""
    world.assert_no_twins()
    assert world.local() == expected, "the home is read only"
    assert world.mirrored() == expected
    everything = [entry for entry in world.objects(trashed=True) if entry.md5]
    kept = {revision.md5 for entry in everything for revision in world.person.revisions(entry.id)}
    assert lost <= kept, "something that Drive had is gone"
    counted = versions(world)
    assert sum(counted.values()) <= revisions + 1, "more was sent than what was on its way"
    world.sync()
    assert world.requests() == 1, (world.sent, world.inner)
    assert world.server.log.inner_counts() == {}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_killed_at_every_boundary(
    tmp_path: Path,
    clock: VirtualClock,
    killer: Killer,
    scenario: Callable[[World], None],
    phase: str,
) -> None:
    undisturbed = make_world(tmp_path / "undisturbed", VirtualClock(clock.wall()))
    with undisturbed.server:
        scenario(undisturbed)
        undisturbed.sync()
        undisturbed.assert_mirrored()
        revisions = sum(versions(undisturbed).values())
    at = 0
    while True:
        at += 1
        folder = tmp_path / f"world{at}"
        world = make_world(folder, VirtualClock(clock.wall()))
        with world.server:
            scenario(world)
            expected = world.local()
            there = {entry.md5 for entry in world.objects(trashed=True) if entry.md5}
            world.wrap = killer.wrap
            killer.arm(phase, at)
            with suppress(Crash):
                world.sync()
            killer.disarm()
            if not killer.fired:
                break
            world.sync()
            if world.mirrored() != expected:
                world.sync()
            judge(world, expected, there, revisions)
        shutil.rmtree(folder)
    assert at > 2, "nothing was ever killed"


def test_a_large_upload_goes_on_at_the_byte_where_it_stopped(world: World, killer: Killer) -> None:
    world.with_settings(small_file=1000, chunk_size=256 * 1024)
    chunks = 8
    world.write("big.bin", hashlib.shake_128(b"big").digest(chunks * 256 * 1024))
    world.wrap = killer.wrap
    kills = 0
    sent = 0
    for _ in range(3):
        killer.arm("after a chunk", 3)
        with pytest.raises(Crash):
            world.sync()
        kills += 1
        sent += sum(record.status in (200, 308) for record in uploads(world))
    killer.disarm()
    world.sync()
    sent += sum(record.status in (200, 308) for record in uploads(world))
    world.assert_mirrored()
    # At most one chunk again per kill, and one question each about what Drive has.
    assert chunks + kills <= sent <= chunks + 2 * kills


def uploads(world: World) -> list:  # type: ignore[type-arg]
    return [record for record in world.server.log.records if record.method == "PUT"]


def test_killed_twice(tmp_path: Path, clock: VirtualClock, killer: Killer) -> None:
    """The run that goes on dies as well."""
    for first in range(3, 12, 2):
        for second in range(1, 8, 2):
            folder = tmp_path / f"{first}-{second}"
            world = make_world(folder, VirtualClock(clock.wall()))
            with world.server:
                first_pass(world)
                world.wrap = killer.wrap
                for at in (first, second):
                    killer.arm("after the server acted", at)
                    with suppress(Crash):
                        world.sync()
                killer.disarm()
                world.sync()
                world.assert_mirrored()


def test_killed_under_a_drive_that_lags(
    tmp_path: Path, clock: VirtualClock, killer: Killer
) -> None:
    """The listing does not show yet what the killed run had made."""
    lag = LocalDriveSettings(listing_lag=600.0, changes_lag=600.0)
    for phase in PHASES:
        for at in range(1, 14):
            folder = tmp_path / f"{phase}-{at}"
            world = make_world(folder, VirtualClock(clock.wall()), drive=lag)
            with world.server:
                first_pass(world)
                world.wrap = killer.wrap
                killer.arm(phase, at)
                with suppress(Crash):
                    world.sync()
                killer.disarm()
                world.sync()
                world.sync()
                world.clock.advance(3600)
                world.assert_mirrored()
                for _ in range(3):
                    world.sync()
                    world.assert_mirrored()
            shutil.rmtree(folder)


def test_the_network_drops(world: World) -> None:
    """Not a kill, and not an error for ever: the pass ends, the next one goes on."""
    for number in range(6):
        world.write(f"f{number}.txt", f"{number}")
    world.server.faults.add(Fault("refused", "files.create", nth=5))
    world.server.faults.add(Fault("refused", every=1, times=40))
    with pytest.raises(Offline):
        world.sync()
    world.server.faults.clear()
    world.sync()
    world.assert_mirrored()
