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
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jupyter_drive_sync.drive.wire import Reply, Wire
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.errors import Offline
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


def first_pass(world: World) -> None:
    for path in ("a.txt", "d/b.txt", "d/e/c.txt"):
        world.write(path, f"content of {path}")


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
