"""What is said to people: numbers, times, names that must not move a cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_drive_sync.cli import words
from jupyter_drive_sync.engine.report import people_state
from jupyter_drive_sync.runner.protocol import Progress


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 KB"), (31_700_000, "31.7 MB"),
     (210_000_000, "210 MB"), (1_400_000_000, "1.4 GB"), (2.5e12, "2.5 TB")],
)  # fmt: skip
def test_sizes(count: float, said: str) -> None:
    assert words.size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "less than a second"), (1.2, "1 second"), (40, "40 seconds"), (240, "about 4 minutes"),
     (7200, "about 2 hours"), (200_000, "about 2 days")],
)  # fmt: skip
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_progress_lines() -> None:
    assert words.progress_line(Progress("scanning")) == "Looking for changes here…"
    line = Progress("copying", 37, 120, 210_000_000, 1_100_000_000, 240.0)
    assert words.progress_line(line) == (
        "Copying 37 of 120 files, 210 MB of 1.1 GB, about 4 minutes left"
    )
    assert words.progress_line(Progress("copying", 1, 1)) == "Copying 1 of 1 file"


@given(st.text())
def test_nothing_moves_the_cursor(name: str) -> None:
    """F56."""
    shown = words.one_line(name)
    assert all(character.isprintable() for character in shown)
    shown.encode("utf-8")


@pytest.mark.parametrize("connected", [True, False])
def test_every_state_has_a_word(connected: bool) -> None:
    from jupyter_drive_sync.engine.report import Status  # noqa: PLC0415

    assert people_state(Status(), connected=connected) in words.STATES
