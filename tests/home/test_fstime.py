"""What time it is for the file system."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from jupyter_drive_sync.home.fstime import GRAIN_NS, FsTime, probe_in
from tests.virtual_clock import VirtualClock

S = 1_000_000_000
NOW = 1_800_000_000 * S


def test_change_times_tell_the_time_where_there_is_no_probe(clock: VirtualClock) -> None:
    time = FsTime(clock)
    assert not time.passed(0)
    time.saw(NOW)
    time.saw(NOW - 50 * S)
    assert time.now_ns() == NOW
    assert time.passed(NOW - GRAIN_NS - 1)
    assert not time.passed(NOW - GRAIN_NS)
    assert not time.passed(NOW + 50 * S)


def test_a_change_time_from_an_absurd_future_does_not_make_all_else_old(
    clock: VirtualClock,
) -> None:
    time = FsTime(clock)
    time.saw(NOW + 10 * 365 * 86_400 * S)
    time.saw(NOW)
    assert time.now_ns() == NOW


def test_the_probe_is_asked_only_when_needed(clock: VirtualClock) -> None:
    asked: list[int] = []

    def probe() -> int:
        asked.append(NOW + len(asked) * S)
        return asked[-1]

    time = FsTime(clock, probe)
    time.saw(NOW + 40 * S)  # what a probe says counts alone
    assert time.passed(NOW - 10 * S)
    assert time.passed(NOW - 10 * S)
    assert len(asked) == 1
    assert not time.passed(NOW)
    assert not time.passed(NOW)
    assert time.passed(NOW)
    assert len(asked) == 4
    assert time.now_ns() == NOW + 4 * S


def test_a_probe_that_fails_leaves_it_to_the_files(clock: VirtualClock) -> None:
    def probe() -> int:
        raise OSError(errno.ENOSPC, "full")

    time = FsTime(clock, probe)
    assert not time.passed(0)
    time.saw(NOW)
    assert time.passed(0)


def test_the_probe_of_a_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    state = tmp_path / "state"
    assert probe_in(state, tmp_path) is None
    state.mkdir()
    probe = probe_in(state, tmp_path)
    assert probe is not None
    first, second = probe(), probe()
    assert 0 < first <= second
    assert (state / "now").stat().st_mode & 0o777 == 0o600
    assert probe_in(state, Path("/proc")) is None


def test_a_link_in_the_state_folder_is_not_touched(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("x")
    before = victim.stat()
    (tmp_path / "now").symlink_to(victim)
    assert probe_in(tmp_path, tmp_path) is None
    assert victim.stat() == before
