"""One writer per home: taking, beating, taking over from the dead, never from the living."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_drive_sync.engine.lease import Lease, Process
from jupyter_drive_sync.errors import LeaseLost, RunBusy, StateUnusable
from tests.virtual_clock import VirtualClock

TERM = 60.0
HERE = Process("host", "boot", 10, "1")
THERE = Process("elsewhere", "other boot", 10, "1")


def unknown(_: Process) -> bool | None:
    return None


def make(
    folder: Path,
    clock: VirtualClock,
    process: Process = HERE,
    is_dead: Callable[[Process], bool | None] = unknown,
) -> Lease:
    return Lease(folder, clock, term=TERM, process=process, is_dead=is_dead)


class Watched(VirtualClock):
    """Something happens while an observer waits."""

    def __init__(self, meanwhile: Callable[[float], None] = lambda _: None) -> None:
        super().__init__()
        self.meanwhile = meanwhile

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.meanwhile(seconds)


def test_one_writer_at_a_time(tmp_path: Path, clock: VirtualClock) -> None:
    first, second = make(tmp_path, clock), make(tmp_path, clock, THERE)
    with first.held():
        first.check()
        with pytest.raises(RunBusy) as caught:
            second.acquire(patience=0)
        assert "host" in caught.value.sentence
        with pytest.raises(LeaseLost):
            second.check()
    with second.held():
        second.check()
        with pytest.raises(LeaseLost):
            first.check()
    assert list(tmp_path.iterdir()) == []


def test_the_lease_goes_back_when_the_block_fails(tmp_path: Path, clock: VirtualClock) -> None:
    with pytest.raises(KeyError), make(tmp_path, clock).held():
        raise KeyError
    make(tmp_path, clock, THERE).acquire(patience=0)


def test_a_dead_process_of_this_host_is_replaced_at_once(
    tmp_path: Path, clock: VirtualClock
) -> None:
    make(tmp_path, clock).acquire(patience=0)
    later = make(tmp_path, clock, replace(HERE, pid=11), lambda process: process == HERE)
    later.acquire(patience=0)
    later.check()
    assert clock.slept == []


def test_a_silent_writer_elsewhere_is_replaced_within_the_term(
    tmp_path: Path, clock: VirtualClock
) -> None:
    make(tmp_path, clock).acquire(patience=0)
    later = make(tmp_path, clock, THERE)
    later.acquire(patience=2 * TERM)
    assert sum(clock.slept) <= TERM + 6
    later.check()


def test_a_beating_writer_is_never_replaced(tmp_path: Path) -> None:
    clock = Watched()
    first = make(tmp_path, clock)
    first.acquire(patience=0)
    clock.meanwhile = lambda _: first.beat()
    with pytest.raises(RunBusy):
        make(tmp_path, clock, THERE).acquire(patience=10 * TERM)
    first.check()


def test_clocks_of_two_hosts_are_not_compared(tmp_path: Path) -> None:
    """The writer's clocks are decades off in both ways; only that the beat moves counts."""
    for wall in (0.0, 4e9):
        folder = tmp_path / str(wall)
        folder.mkdir()
        theirs = VirtualClock(wall)
        first = make(folder, theirs)
        first.acquire(patience=0)

        def beat(seconds: float, lease: Lease = first, their: VirtualClock = theirs) -> None:
            their.advance(seconds)
            lease.beat()

        ours = Watched(beat)
        with pytest.raises(RunBusy):
            make(folder, ours, THERE).acquire(patience=5 * TERM)


def test_a_frozen_writer_stops_before_anybody_takes_over(
    tmp_path: Path, clock: VirtualClock
) -> None:
    first = make(tmp_path, clock)
    first.acquire(patience=0)
    clock.advance(TERM / 2 - 1)
    first.check()
    clock.advance(1)
    with pytest.raises(LeaseLost):
        first.check()
    with pytest.raises(LeaseLost):
        first.beat()


def test_a_writer_whose_lease_was_taken_learns_it_at_its_beat(
    tmp_path: Path, clock: VirtualClock
) -> None:
    first = make(tmp_path, clock)
    first.acquire(patience=0)
    second = make(tmp_path, clock, THERE, lambda _: True)
    second.acquire(patience=0)
    with pytest.raises(LeaseLost):
        first.beat()
    with pytest.raises(LeaseLost):
        first.check()
    first.release()
    second.beat()
    second.check()


def test_two_observers_of_a_dead_writer(tmp_path: Path) -> None:
    """Both see it dead; one is quicker; the slower one does not throw the quick one out."""
    clock = VirtualClock()
    make(tmp_path, clock).acquire(patience=0)
    quick = make(tmp_path, clock, replace(HERE, pid=11), lambda process: process == HERE)
    slow = make(tmp_path, clock, replace(HERE, pid=12), lambda process: process == HERE)
    seen = slow._read()
    quick.acquire(patience=0)
    slow._evict(seen)
    quick.beat()
    quick.check()
    with pytest.raises(RunBusy):
        slow.acquire(patience=0)


def test_an_observer_that_saw_the_lease_go_leaves_the_next_one_alone(tmp_path: Path) -> None:
    """It was given back between two looks; meanwhile somebody else has begun."""
    clock = VirtualClock()
    slow = make(tmp_path, clock, THERE)
    seen = slow._read()
    assert seen is None
    quick = make(tmp_path, clock)
    quick.acquire(patience=0)
    slow._evict(seen)
    quick.beat()
    quick.check()
    with pytest.raises(RunBusy):
        slow.acquire(patience=0)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"token": 1}'])
def test_a_lease_that_nobody_can_read_is_no_lease(
    tmp_path: Path, clock: VirtualClock, content: str
) -> None:
    (tmp_path / "lease.json").write_text(content)
    lease = make(tmp_path, clock)
    lease.acquire(patience=0)
    lease.check()


def test_the_file_is_private_and_says_who_writes(tmp_path: Path, clock: VirtualClock) -> None:
    with make(tmp_path, clock).held():
        path = tmp_path / "lease.json"
        assert path.stat().st_mode & 0o777 == 0o600
        assert json.loads(path.read_text())["process"]["pid"] == 10


def test_a_folder_that_cannot_be_written(tmp_path: Path, clock: VirtualClock) -> None:
    with pytest.raises(StateUnusable):
        make(tmp_path / "missing", clock).acquire(patience=0)


def test_what_is_known_of_a_process() -> None:
    here = Process.current()
    assert here.is_dead() is False
    assert replace(here, host="elsewhere").is_dead() is None
    assert replace(here, boot="before the restart").is_dead() is True
    assert replace(here, started="0").is_dead() is True
    assert replace(here, pid=2**22 + 1).is_dead() is True
