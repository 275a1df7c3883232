"""The table of figures: what was written down, by whom, and what a resumed run leaves out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import figures
from tests.figures import GOALS, JOURNAL, began, begin, done, main, passed, record, table


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "figures/torture.jsonl"
    begin(path, resume=False, cases="7")
    monkeypatch.setenv(JOURNAL, str(path))
    return path


def under(monkeypatch: pytest.MonkeyPatch, test: str) -> None:
    monkeypatch.setenv("PYTEST_CURRENT_TEST", f"{test} (call)")


def test_counts_add_up_and_sizes_take_the_worst(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for test, trials, memory in (("a", 400, 30.5), ("b", 600, 12.0)):
        under(monkeypatch, test)
        record("race trials", trials)
        record("big memory", memory)
    assert figures.figures(journal) == {"race trials": 1000, "big memory": 30.5}


def test_an_attempt_that_was_cut_off_does_not_count(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(monkeypatch, "a")
    began("a")
    record("race trials", 900)
    began("a")
    record("race trials", 1000)
    passed("a")
    with journal.open("a") as file:
        file.write('{"measure": "race tr')
    assert figures.figures(journal) == {"race trials": 1000}
    assert done() == {"a"}


def test_a_journal_is_resumed_only_for_the_same_run(journal: Path) -> None:
    passed("a")
    begin(journal, resume=True, cases="7")
    assert done() == {"a"}
    begin(journal, resume=True, cases="8")
    assert done() == set()
    passed("a")
    begin(journal, resume=False, cases="8")
    assert done() == set()


def test_without_a_journal_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(JOURNAL, raising=False)
    monkeypatch.chdir(tmp_path)
    record("race trials", 1)
    assert done() == set()
    assert [*tmp_path.iterdir()] == []


def test_an_unknown_measure_is_a_mistake(journal: Path) -> None:
    with pytest.raises(KeyError):
        record("luck", 1)


def test_the_table_has_every_goal(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record("idle requests", 1)
    record("big memory", 64.5)
    assert main([str(journal)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(GOALS)
    by_sentence = {line.split(" | ")[0].strip(): line for line in lines}
    assert by_sentence["idle pass, 10,000 files: requests"].endswith(
        "|         <= 1 |            1 | yes"
    )
    assert by_sentence["memory of a pass over one big file, MiB above its idle"].endswith(
        "|        <= 64 |         64.5 | NO"
    )
    assert by_sentence["random planner cases"].endswith(
        "| >= 1,000,000 |            - | not measured"
    )
    assert [*table({})][2:] != lines[2:]


def test_a_wrong_call_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "JOURNAL" in capsys.readouterr().err


def test_a_resumed_run_leaves_out_what_passed(journal: Path) -> None:
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command.append("tests/core/test_estimate.py")

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    first = run()
    assert first.returncode == 0, first.stdout
    assert len(done()) > 3
    again = run()
    assert again.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert f"{len(done())} deselected" in again.stdout
