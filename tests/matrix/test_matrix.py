"""Every request of the program under every fault that can meet it: F1 to F22.

Each cell is played twice: the fault strikes once, then (in a second world, or at the person's next
change) each time. A cell whose fault did not strike fails. ``make torture`` prints the table.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.drive import api, upload
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.fault_kinds import KINDS, Moment
from jupyter_drive_sync.localdrive.faults import Fault
from tests import figures
from tests.drive.ground import DriveTime
from tests.matrix.bench import Bench, Ended
from tests.matrix.columns import COLUMNS, Column
from tests.matrix.expect import ALL, ALL_JOBS, CANCEL, absent, ending, reason
from tests.matrix.jobs import JobRow
from tests.matrix.rows import PASSES, Row, fill
from tests.virtual_clock import VirtualClock

pytestmark = pytest.mark.no_cover
"""Others cover what these run; here the tracer would cost a third of the time."""
ROWS: tuple[Row | JobRow, ...] = (*PASSES, *ALL_JOBS)
CELLS = [(row, column) for row in ROWS for column in COLUMNS if not absent(row.name, column)]
SHARE = 24
"""`make test` plays each 24th cell, and the first of each row and column."""


def is_played(number: int) -> bool:
    """Tell whether `make test` plays a cell."""
    row, column = CELLS[number]
    first = row not in (r for r, _ in CELLS[:number]) or column not in (
        c for _, c in CELLS[:number]
    )
    return first or number % SHARE == 0


def chosen(cells: list[tuple[Any, Column]]) -> Iterator[Any]:
    for number, (row, column) in enumerate(cells):
        marks = pytest.mark.figure if is_played(number) else pytest.mark.torture
        yield pytest.param(row, column, marks=marks, id=f"{row.name} | {column.name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "world"


def make(folder: Path, row: Row | JobRow) -> Bench:
    clock = VirtualClock(1_700_000_000.0)
    changes = {"verify_days": 3650, **getattr(row, "settings", {})}
    server = LocalDrive(clock=DriveTime(clock), seed=1)
    bench = Bench(folder, clock, server, Settings(**changes))
    fill(bench)
    return bench


def fault_of(row: Row | JobRow, column: Column, *, lasting: bool) -> Fault:
    """Write the rule that strikes the row's request."""
    nth = (getattr(row, "nth_after", 0) if column.acts else 0) or row.nth
    if column.kind in ("cut", "drip", "truncated", "wrong_json", "checksum", "corrupt"):
        # Strikes only what has something to spoil, so it does not count what has not.
        nth = 1 if row.name.startswith("upload.put") else row.nth
    if KINDS[column.kind].moment is not Moment.ARRIVING or column.acts:
        nth -= getattr(row, "unseen", 0)
    word = reason(row.name, column)
    return Fault(
        column.kind,
        row.endpoint,
        nth=None if lasting else nth,
        inner=row.inner,
        parameters={**column.more, **({"reason": word} if word else {})},
    )


def is_as_expected(ended: Ended, wanted: str) -> bool:
    outcome, _, words = wanted.partition(" ")
    if outcome == "some":
        said = [ended.code, *ended.files.values()]
        return ended.outcome == "completed_with_errors" and any(words in each for each in said)
    return (ended.outcome, ended.code) == (outcome, words)


@pytest.mark.parametrize(("row", "column"), list(chosen(CELLS)))
def test_cell(
    row: Row | JobRow, column: Column, folder: Path, record_property: pytest.RecordProperty
) -> None:
    record_property("cell", [row.name, column.name])
    # A question is asked after a loss alone: where every chunk is lost, there is none to ask.
    modes = (False,) if row.name == "upload.put, question" else (False, True)
    for number, lasting in enumerate(modes):
        bench = make(folder / str(number), row)
        with bench.server:
            play = play_pass if isinstance(row, Row) else play_job
            play(bench, row, column, lasting=lasting)  # type: ignore[operator]
            assert bench.strays == [], "F21: the request, token and all, went to another host"
    figures.record("fault cells", 1)


def see_it_fired(bench: Bench) -> None:
    """A planned fault that never struck proves nothing."""
    figures.record("cells unhit", len(bench.server.faults.unfired()))
    bench.server.faults.assert_all_fired()
    bench.server.faults.clear()


def play_pass(bench: Bench, row: Row, column: Column, *, lasting: bool) -> None:
    row.act(bench, 0)
    for fault in (*row.also, fault_of(row, column, lasting=lasting)):
        bench.server.faults.add(fault)
    before = bench.local()
    ended = bench.run()
    bench.wrap = lambda wire: wire
    see_it_fired(bench)
    wanted = ending(row.name, column, lasting=lasting)
    assert is_as_expected(ended, wanted), (lasting, wanted, ended)
    if row.name != CANCEL:  # there the person changes a file meanwhile
        assert bench.local() == before, "law 11: nothing is written in the home"
    bench.assert_no_twins()
    bench.assert_nothing_lost()
    bench.assert_told(ended)
    bench.converge()
    bench.assert_nothing_lost()


def play_job(bench: Bench, row: JobRow, column: Column, *, lasting: bool) -> None:
    row.before(bench)
    bench.server.faults.add(fault_of(row, column, lasting=lasting))
    ended = row.act(bench)
    see_it_fired(bench)
    wanted = ending(row.name, column, lasting=lasting)
    assert is_as_expected(ended, wanted), (lasting, wanted, ended)
    if ended.problem is not None:
        assert ended.problem.who != "bug" or ended.code == "drive.refused"
        assert "{" not in ended.problem.sentence
    row.settled(bench)
    bench.assert_no_twins()


# -- the table is whole ---------------------------------------------------------------------------


def called(module: Any) -> set[str]:
    """Read off the source which methods of googleapiclient's service the program calls."""
    found = set()
    for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Attribute)
            and node.func.value.attr in ("_files", "_revisions", "_changes", "_about", "_drives")
        ):
            found.add(f"{node.func.value.attr[1:]}.{node.func.attr.removesuffix('_media')}")
    return found


def test_every_call_of_the_program_has_its_row() -> None:
    endpoints = {row.endpoint for row in ROWS}
    others = ("oauth.", "upload.", "page.", "batch")
    drive = {each for each in endpoints if not each.startswith(others)}
    assert called(api) == drive
    source = Path(upload.__file__).read_text("utf-8")
    assert ('"PUT"' in source, '"DELETE"' in source) == (True, True)
    assert {each for each in endpoints if each.startswith("upload.")} == {
        "upload.put",
        "upload.cancel",
    }


def test_whatever_passes_and_jobs_send_has_its_row(folder: Path) -> None:
    sent: set[str] = set()
    for number, row in enumerate(ROWS):
        bench = make(folder / str(number), row)
        with bench.server:
            bench.server.log.clear()
            if isinstance(row, Row):
                row.act(bench, 0)
                for fault in row.also:
                    bench.server.faults.add(fault)
                bench.run()
            else:
                row.before(bench)
                row.act(bench)
            for record in bench.server.log.records:
                sent |= {record.endpoint, *(inner.endpoint for inner in record.inner)}
    assert sent == {row.endpoint for row in ROWS}


def test_the_table_has_its_two_hundred_cells() -> None:
    assert len(CELLS) >= 200
    for row in ROWS:
        assert any(not absent(row.name, column) for column in COLUMNS), row.name
    for column in COLUMNS:
        assert any(not absent(row.name, column) for row in ROWS), column.name
    assert len(ALL) == len(ROWS)
    assert {column.fault for column in COLUMNS} == {f"F{number}" for number in range(1, 23)}
    played = [cell for number, cell in enumerate(CELLS) if is_played(number)]
    assert {row.name for row, _ in played} == ALL
    assert {column.name for _, column in played} == {column.name for column in COLUMNS}
    assert len(played) < len(CELLS) / 4
