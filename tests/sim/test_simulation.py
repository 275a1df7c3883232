"""The whole engine under simulation: many seeds, each with 50 to 200 steps, judged after each.

A seed that fails prints the one command that replays it; Hypothesis, which plays steps of its own
by the same interpreter, shortens what it finds by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.figures import record
from tests.laws import law_16
from tests.laws.facts import counted
from tests.laws.law_16 import Trace
from tests.sim.runs import REPEATED, run, run_steps
from tests.sim.steps import STEPS, Step

pytestmark = pytest.mark.no_cover
"""Others cover what these run; here the tracer would cost a third of the time."""
SEEDS = 500
LANES = 25
"""Tests that share the seeds of ``make test``."""
TORTURE_LANES = 100
"""Those of ``make torture``; an interrupted one is gone on with lane by lane."""
MOST_TORTURE = 20_000


@pytest.mark.figure
@pytest.mark.parametrize("lane", range(LANES))
def test_seeds(tmp_path: Path, lane: int) -> None:
    seeds = [seed for seed in range(lane, SEEDS, LANES) if seed % REPEATED]
    with counted():
        for seed in seeds:
            run(tmp_path, seed)
    record("simulated runs", len(seeds))


@pytest.mark.figure
@pytest.mark.parametrize("lane", range(5))
def test_the_same_seed_goes_the_same_way(tmp_path: Path, lane: int) -> None:
    """Law 16, in another process too, where sets have another order."""
    seeds = range(lane * REPEATED, SEEDS, 5 * REPEATED)
    hashed = {**os.environ, "PYTHONHASHSEED": str(100 + lane)}
    command = [sys.executable, "-m", "tests.sim.runs", str(tmp_path), *map(str, seeds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=hashed, text=True) as other:
        traces = {seed: Trace() for seed in seeds}
        for seed, trace in traces.items():
            run(tmp_path, seed, trace)
        told, _ = other.communicate(timeout=600)
    assert other.returncode == 0, "the second run failed where the first did not"
    digests = json.loads(told)
    for seed, trace in traces.items():
        if digests[str(seed)] == trace.digest:
            continue
        kept = [Trace(keep=True), Trace(keep=True)]
        for each in kept:
            run(tmp_path, seed, each)
        law_16.check(*kept)
        pytest.fail(f"law 16: seed {seed} goes another way in another process")
    record("simulated runs", len(traces))


@settings(max_examples=25)
@given(seed=st.integers(0, 31), steps=st.lists(STEPS, max_size=40))
def test_steps_of_hypothesis(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: list[Step]
) -> None:
    run_steps(tmp_path_factory.mktemp("sim"), seed, steps)


def test_replay(tmp_path: Path) -> None:
    """Run one seed: that of DRIVE_SYNC_SEED."""
    run(tmp_path, int(os.environ.get("DRIVE_SYNC_SEED", "0")))


@pytest.mark.torture
@pytest.mark.parametrize("lane", range(TORTURE_LANES))
def test_very_many_seeds(tmp_path: Path, torture: int, lane: int) -> None:
    seeds = range(SEEDS + lane, SEEDS + min(torture, MOST_TORTURE), TORTURE_LANES)
    repeated = 0
    failed: list[Exception] = []
    for seed in seeds:
        traces = [Trace(), Trace()] if seed // TORTURE_LANES % REPEATED == 0 else []
        try:
            with counted():
                for trace in traces or [None]:
                    run(tmp_path, seed, trace)
        except Exception as problem:
            failed.append(problem)  # the others are of interest too
            continue
        if traces:
            assert traces[0].digest == traces[1].digest, f"law 16: seed {seed} goes two ways"
            repeated += 1
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(seeds)} seeds", failed)
    record("simulated runs", len(seeds))
    if seeds:
        record("runs repeated", 100 * repeated / len(seeds))
