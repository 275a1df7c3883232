"""Prints the fault matrix at the end of a run that played more of it than `make test` does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tests import figures

_SIGNS: Final = {"passed": "+", "failed": "FAIL"}


def played(reports: Iterable[Any]) -> dict[tuple[str, str], str]:
    """Read which cells ran, and how they ended, off the reports of a run."""
    cells: dict[tuple[str, str], str] = {}
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == "cell":
                row, column = value
                if report.when == "call" or report.outcome == "failed":
                    cells[row, column] = report.outcome
    return cells


def table(cells: dict[tuple[str, str], str]) -> list[str]:
    """Draw the matrix: requests down, faults across; why a cell is empty stands in it."""
    # Brings the whole program in, which most runs do not need.
    from tests.matrix.columns import COLUMNS  # noqa: PLC0415
    from tests.matrix.expect import absent  # noqa: PLC0415
    from tests.matrix.jobs import JOBS  # noqa: PLC0415
    from tests.matrix.rows import PASSES  # noqa: PLC0415

    rows = [row.name for row in (*PASSES, *JOBS)]
    width = max(map(len, rows))
    lines = [f"{number:>3}  {column.name}" for number, column in enumerate(COLUMNS, 1)]
    lines += ["", " " * width + "".join(f"{number:>5}" for number in range(1, len(COLUMNS) + 1))]
    reasons: dict[str, str] = {}
    for row in rows:
        line = f"{row:{width}}"
        for column in COLUMNS:
            why = absent(row, column)
            if why:
                reasons.setdefault(why, chr(ord("a") + len(reasons)))
            sign = reasons[why] if why else _SIGNS.get(cells.get((row, column.name), ""), ".")
            line += f"{sign:>5}"
        lines.append(line)
    lines += ["", "+ held once and each time   . not played   " + "  ".join(
        f"{letter} {why}" for why, letter in reasons.items()
    )]  # fmt: skip
    good = sum(outcome == "passed" for outcome in cells.values())
    there = sum(not absent(row, column) for row in rows for column in COLUMNS)
    lines.append(f"{good} of {there} cells held, {len(cells)} played, each with its fault seen.")
    return lines


def played_before() -> dict[tuple[str, str], str]:
    """Read which cells passed in the interrupted run that this one goes on with."""
    ids = [test.partition("::test_cell[")[2].rstrip("]") for test in figures.done()]
    pairs = [each.partition(" | ") for each in ids if each]
    return {(row, column): "passed" for row, _, column in pairs}


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print it after the tests."""
    stats = terminalreporter.stats
    reports = [*stats.get("passed", ()), *stats.get("failed", ()), *stats.get("error", ())]
    cells = {**played_before(), **played(reports)}
    if len(cells) > 200:
        terminalreporter.section("faults of HTTP: every request x F1-F22")
        for line in table(cells):
            terminalreporter.write_line(line)
