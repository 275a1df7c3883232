"""The rest of a job, from its first part."""

from __future__ import annotations

import pytest

from jupyter_drive_sync.runner.eta import Eta
from tests.virtual_clock import VirtualClock


def test_nobody_can_tell_at_once(clock: VirtualClock) -> None:
    eta = Eta(clock)
    assert eta.left(0, 0, 0, 0) is None
    assert eta.left(0, 100, 0, 0) is None
    clock.advance(1.0)
    assert eta.left(50, 100, 0, 0) is None


def test_a_steady_job(clock: VirtualClock) -> None:
    eta = Eta(clock)
    eta.left(0, 100, 0, 1_000)
    clock.advance(9.9)
    assert eta.left(25, 100, 250, 1_000) is None
    clock.advance(0.1)
    assert eta.left(25, 100, 250, 1_000) == pytest.approx(30.0)
    clock.advance(30.0)
    assert eta.left(100, 100, 1_000, 1_000) is None


def test_bytes_count_as_well_as_files(clock: VirtualClock) -> None:
    eta = Eta(clock)
    eta.left(0, 2, 0, 10**9)
    clock.advance(10.0)
    left = eta.left(1, 2, 0, 10**9)  # the small one of two is done
    assert left is None or left > 1_000


def test_a_job_that_begins_anew(clock: VirtualClock) -> None:
    eta = Eta(clock)
    eta.left(50, 100, 0, 0)
    clock.advance(10.0)
    assert eta.left(10, 100, 0, 0) is None
    clock.advance(10.0)
    assert eta.left(55, 100, 0, 0) == pytest.approx(10.0)
