"""Running stories: here, or in a process of its own, ``python -m tests.sim.runs FOLDER SEED…``."""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.laws.law_16 import Trace
from tests.sim.simulation import Simulation
from tests.sim.steps import Step, story

REPEATED = 20
"""One seed in so many is run twice for the same trace."""
_MEMORY = Path("/dev/shm")


def scratch(folder: Path) -> Path:
    """Give a folder for state that need not survive: in memory where there is such a disk."""
    place = _MEMORY if _MEMORY.is_dir() else folder
    return Path(tempfile.mkdtemp(prefix="drive-sync-", dir=place))


def run_steps(
    folder: Path, seed: int, steps: list[Step], trace: Trace | None = None
) -> Counter[str]:
    """Play a story; one that fails tells what happened and how to see it again."""
    simulation = Simulation(scratch(folder), seed, trace)
    with simulation.running():
        try:
            simulation.play(steps)
        except Exception as error:
            error.add_note("\n".join(simulation.told[-60:]))
            raise
    return Counter(simulation.figures)


def run(folder: Path, seed: int, trace: Trace | None = None) -> Counter[str]:
    """Play the story of a seed."""
    try:
        return Counter(seeds=1) + run_steps(folder, seed, story(seed), trace)
    except Exception as error:
        error.add_note(f"DRIVE_SYNC_SEED={seed} python -m pytest tests/sim -k replay")
        raise


def _digests(folder: Path, seeds: list[int]) -> dict[int, str]:
    found = {}
    for seed in seeds:
        trace = Trace()
        run(folder, seed, trace)
        found[seed] = trace.digest
    return found


if __name__ == "__main__":
    print(json.dumps(_digests(Path(sys.argv[1]), [*map(int, sys.argv[2:])])))  # noqa: T201
