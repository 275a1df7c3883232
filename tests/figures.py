"""The figures that the long tests reach: written down while they run, printed as one table.

``make torture`` names a journal in ``DRIVE_SYNC_FIGURES``. A test says what it measured by
:func:`record`, as often as it likes and from any worker; without a journal nothing is kept. At the
end ``python -m tests.figures JOURNAL`` prints each measure beside its goal. A test asserts its own
goal; the table only shows them all in one place, and says what was not measured at all.

The journal also makes a long run resumable: ``make torture RESUME=1`` leaves out the tests that
passed in an interrupted run of the same commit and the same ``N``. What an attempt measured before
it was cut off does not count: the beginning of a test discards what was recorded under its name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

JOURNAL: Final = "DRIVE_SYNC_FIGURES"
MiB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Goal:
    """One row of the table."""

    measure: str
    """What :func:`record` is called with."""
    sentence: str
    """What it is, for people; the unit is in it."""
    bound: float
    atleast: bool = False
    """The bound is a floor; else it is a ceiling."""
    join: Callable[[Iterable[float]], float] = max
    """How several records make one figure: counts add up, sizes take the worst."""

    def reached(self, value: float) -> bool:
        """Tell whether a figure is on the right side of the bound."""
        return value >= self.bound if self.atleast else value <= self.bound


def _count(measure: str, sentence: str, floor: float) -> Goal:
    return Goal(measure, sentence, floor, atleast=True, join=sum)


def _none(measure: str, sentence: str) -> Goal:
    return Goal(measure, sentence, 0, join=sum)


GOALS: Final = (
    _count("planner cases", "random planner cases", 1_000_000),
    _count("simulated runs", "whole-engine runs with faults, replayable by seed", 20_000),
    Goal("runs repeated", "of these run twice for the same trace, %", 5, True, min),
    _count("scenarios", "scenarios crashed at every boundary", 20),
    _count("crash points", "crash points, three phases of every boundary", 2_000),
    _count("double crashes", "of these with a crash during the recovery", 200),
    _count("sigkills", "SIGKILLs of a real child", 200),
    Goal("restored", "files of a lost home, back on another machine", 10_000, True, max),
    Goal("kills restored", "kills on the way there, and on the way back", 5, True, min),
    _count("fault cells", "endpoint x fault cells that fired", 200),
    _none("cells unhit", "cells that did not fire"),
    _none("duplicates", "duplicates over all of it"),
    _none("lost", "lost bytes over all of it"),
    _none("torn", "torn files over all of it"),
    Goal("big upload", "size of the killed upload, GiB", 5, True, max),
    Goal("sent again", "bytes sent again after a kill in it, MiB", 8),
    Goal("big memory", "memory of a pass over one big file, MiB above its idle", 64),
    Goal("path memory", "memory of a pass over many small files, bytes per path", 1024),
    Goal("many files", "small files in that pass", 100_000, True, max),
    Goal("idle requests", "idle pass, 10,000 files: requests", 1),
    Goal("idle writes", "idle pass, 10,000 files: writes", 0),
    _count("race trials", "trials with a racing writer", 1_000),
    _none("canary hits", "secret canary: hits"),
    _count("canary tests", "secret canary: tests watched", 1_000),
    Goal("routes", "route x verb x {anonymous, no XSRF, denied, ok}, % guarded", 100, True, min),
    _count("hostile names", "hostile names, generated both ways", 10_000),
    _none("bytes outside", "bytes written outside a root"),
    Goal("loop", "longest callback of ours on the server's event loop, ms of CPU", 50),
    _none("flakes", "reruns, sleeps and silenced warnings in the tests"),
)
"""The goals of "ahead of every program of its kind", in the order of the table."""

_KNOWN: Final = {goal.measure: goal for goal in GOALS}


def record(measure: str, value: float) -> None:
    """Write one figure down.

    Args:
        measure: a ``measure`` of :data:`GOALS`.
        value: in the unit of its sentence.

    Raises:
        KeyError: there is no such measure; add a row to :data:`GOALS` first.
    """
    _KNOWN[measure]
    _write({"measure": measure, "value": value, "test": _running()})


def began(test: str) -> None:
    """Note that a test begins: what an earlier attempt recorded is void."""
    _write({"began": test})


def passed(test: str) -> None:
    """Note that a test passed, so that a resumed run may leave it out."""
    _write({"passed": test})


def done() -> frozenset[str]:
    """Return the tests that need not run again."""
    path = os.environ.get(JOURNAL)
    lines = read(Path(path)) if path and Path(path).is_file() else []
    return frozenset(str(line["passed"]) for line in lines if "passed" in line)


def _running() -> str:
    """Name the running test; a figure from a session's end has none."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def _write(line: dict[str, Any]) -> None:
    if path := os.environ.get(JOURNAL):
        # One write to a file open for appending: lines of several workers stay whole.
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, (json.dumps(line) + "\n").encode())
        finally:
            os.close(fd)


def read(journal: Path) -> list[dict[str, Any]]:
    """Return the lines of a journal; a last one that was cut off is no line."""
    raw = journal.read_text("utf-8")
    return [json.loads(line) for line in raw[: raw.rfind("\n") + 1].splitlines()]


def figures(journal: Path) -> dict[str, float]:
    """Join what the last attempt of each test recorded."""
    found: dict[str, dict[str, list[float]]] = {}
    for line in read(journal):
        if "began" in line:
            found.pop(line["began"], None)
        elif "measure" in line:
            of_test = found.setdefault(line["test"], {})
            of_test.setdefault(line["measure"], []).append(line["value"])
    joined = {}
    for goal in GOALS:
        values = [value for of_test in found.values() for value in of_test.get(goal.measure, ())]
        if values:
            joined[goal.measure] = goal.join(values)
    return joined


def table(measured: dict[str, float]) -> Iterator[str]:
    """Yield the lines of the table: measure, goal, measured, and whether that reaches it."""
    wide = max(len(goal.sentence) for goal in GOALS)
    yield f"{'measure':{wide}} | {'goal':>12} | {'measured':>12} |"
    yield f"{'-' * wide}-|-{'-' * 12}-|-{'-' * 12}-|----"
    for goal in GOALS:
        bound = f"{'>=' if goal.atleast else '<='} {goal.bound:,.10g}"
        value = measured.get(goal.measure)
        if value is None:
            shown, word = "-", "not measured"
        else:
            digits = 0 if float(value).is_integer() else 1
            shown, word = f"{value:,.{digits}f}", "yes" if goal.reached(value) else "NO"
        yield f"{goal.sentence:{wide}} | {bound:>12} | {shown:>12} | {word}"


def begin(journal: Path, resume: bool, cases: str) -> None:
    """Begin a journal, or go on with one of the same commit and number of cases."""
    git = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    head = {"commit": commit, "cases": cases}
    if resume and journal.is_file() and read(journal)[:1] == [head]:
        return
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_text(json.dumps(head) + "\n", "utf-8")


def main(arguments: Sequence[str]) -> int:
    """``begin JOURNAL RESUME CASES`` starts a journal; ``JOURNAL`` prints its table."""
    match arguments:
        case ["begin", journal, resume, cases]:
            begin(Path(journal), resume not in {"", "0"}, cases)
        case [journal]:
            sys.stdout.writelines(f"{line}\n" for line in table(figures(Path(journal))))
        case _:
            sys.stderr.write(f"{main.__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
