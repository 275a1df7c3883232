"""Law 5: killed at any instant, at every request and every write: laws 1 to 4 hold all the same.

In SQLite's manner: the N-th boundary of a pass dies, for N = 1, 2, ... until none is left. The
phases are a request before it is sent, one whose effect is there while its reply is not, and what
comes after the reply: a commit of the ledger that never came, a file of the state folder (status,
lease, identity, secrets) that was not opened, not filled, or not put in its place.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest

from tests.figures import record
from tests.laws import law_02
from tests.laws.facts import counted
from tests.laws.scenarios import SCENARIOS, Stage
from tests.sim.runs import scratch
from tests.sim.simulation import Simulation

pytestmark = pytest.mark.no_cover
"""Others cover what these run; here the tracer would cost a third of the time."""
PHASES = ("send", "acted", "commit", "file")
CALM = 1
"""A seed whose Drive does not lag."""
AGAIN = 9
"""Of so many kills one is followed by another one in the pass that goes on."""
FLOOR = 2_000
EVERY = 1 if os.environ.get("DRIVE_SYNC_TORTURE") else 8
"""``make torture`` dies at every boundary; ``make test`` at each eighth, from one on that scenario
and phase decide."""


def staged(folder: Path, scenario: Callable[[Stage], None]) -> Simulation:
    """Make the world of a scenario; the pass comes next."""
    simulation = Simulation(scratch(folder), CALM)
    simulation.calm()
    return simulation


def boundaries(folder: Path, scenario: Callable[[Stage], None]) -> tuple[Counter[str], int]:
    """Count the boundaries of an undisturbed pass, and the contents on Drive when all is done."""
    simulation = staged(folder, scenario)
    with simulation.running():
        scenario(Stage(simulation))
        simulation.clock.advance(60)
        simulation.fly(simulation.first)
        counted = simulation.counted
        simulation.rest()
        return counted, versions(simulation)


def versions(simulation: Simulation) -> int:
    """Count the revisions of all files: what was sent twice shows."""
    return sum(len(thing.versions) for thing in simulation.reader.things().values())


@pytest.mark.figure
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_killed_at_every_boundary(
    tmp_path: Path, scenario: Callable[[Stage], None], phase: str
) -> None:
    with counted():
        killed, again = kill_at_every_boundary(tmp_path, scenario, phase)
    record("crash points", killed)
    record("double crashes", again)
    if phase == PHASES[0]:
        record("scenarios", 1)


def kill_at_every_boundary(
    tmp_path: Path, scenario: Callable[[Stage], None], phase: str
) -> tuple[int, int]:
    """Kill a pass at one boundary after the other, until none is left.

    Returns:
        How often it was killed, and how often the recovery was killed too.
    """
    expected, contents = boundaries(tmp_path, scenario)
    place = crc32(f"{scenario.__name__} {phase}".encode())
    at = 1 + place % EVERY
    killed = again = 0
    while True:
        twice = (killed + place // EVERY) % AGAIN == 0
        simulation = staged(tmp_path, scenario)
        with simulation.running():
            scenario(Stage(simulation))
            held = law_02.contents(simulation.reader.things())
            files = simulation.first.files()
            simulation.clock.advance(60)
            end = simulation.fly(simulation.first, kill_at=at, phase=phase)
            simulation.jury.judge()
            if end.outcome != "killed":
                break
            if twice:
                simulation.fly(simulation.first, kill_at=1 + at // AGAIN * 7 % 40)
                simulation.jury.judge()
                again += 1
            simulation.rest()
            assert simulation.first.files() == files
            assert held <= law_02.contents(simulation.reader.things()), "what Drive had is gone"
            extra = versions(simulation) - contents
            assert extra <= 1 + twice, "more was sent than what was on its way"
        killed += 1
        at += EVERY
    assert 0 < expected[phase] < at <= expected[phase] + EVERY
    return killed, again


def test_there_are_enough_of_them(tmp_path: Path) -> None:
    total = sum(
        counted[phase]
        for counted, _ in (boundaries(tmp_path, scenario) for scenario in SCENARIOS)
        for phase in PHASES
    )
    assert len(SCENARIOS) >= 20
    assert total >= FLOOR
