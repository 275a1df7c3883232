"""Law 15: what a pass knows of a path takes at most 1 KiB, of which the plan is a part.

A slope of two sizes, so that what does not grow is no part of it. A real child with 100,000 files
is measured by ``make torture`` (tests/bench); the event loop, by tests/server/test_watching.py.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from jupyter_drive_sync.core import plan
from tests.core.trees import file, home, known, ledger

FEW, MANY = 2_000, 6_000
KiB = 1024


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    gc.collect()
    tracemalloc.start()
    yield
    tracemalloc.stop()


def paths(count: int) -> list[str]:
    return [f"course {n // 100}/exercise {n}.ipynb" for n in range(count)]


def plan_of(count: int, *, mirrored: bool) -> int:
    """Plan a pass over so many files; return the most memory that was taken (bytes)."""
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    objects = ledger(
        *(
            known(path, "x", nonce=f"{n:016x}")
            for n, path in enumerate(paths(count if mirrored else 0))
        )
    )
    same = objects.files
    # A survey takes what is as the ledger says from the ledger.
    local = home(
        *(file(path, "x", stat=same[path].stat if path in same else None) for path in paths(count))
    )
    made = plan.make(local, objects)
    assert made.unchanged == (count if mirrored else 0)
    assert len(made.contents) == (0 if mirrored else count)
    return tracemalloc.get_traced_memory()[1] - before


@pytest.mark.parametrize("mirrored", [False, True], ids=["first pass", "nothing changed"])
def test_a_path_takes_less_than_its_share(mirrored: bool) -> None:
    few = plan_of(FEW, mirrored=mirrored)
    many = plan_of(MANY, mirrored=mirrored)
    per_path = (many - few) / (MANY - FEW)
    assert per_path <= KiB, f"{per_path:.0f} bytes"
