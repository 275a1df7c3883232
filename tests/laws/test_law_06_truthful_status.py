"""Law 6 compares what is said with what happened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_drive_sync.engine.report import Status
from tests.laws import law_06
from tests.laws.facts import Broken, Thing, Version

BEFORE = Status(last_sync=5.0)
DONE = replace(BEFORE, status="completed", last_sync=9.0)
FAILED = replace(BEFORE, status="failed", problem={"code": "net.offline"})
ERRORS = replace(BEFORE, status="completed_with_errors", meta={"failed": 1})
NOBODY: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (DONE, "completed"),
        (FAILED, "failed"),
        (ERRORS, "completed_with_errors"),
        (FAILED, "killed"),
        (DONE, "busy"),
    ],
)
def test_true(after: Status, outcome: str) -> None:
    law_06.check_status(BEFORE, after, outcome=outcome, now=9.0)


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (DONE, "failed"),
        (FAILED, "completed"),
        (replace(DONE, last_sync=5.0), "completed"),
        (replace(FAILED, last_sync=9.0), "failed"),
        (replace(FAILED, problem=None), "failed"),
        (replace(ERRORS, meta={}), "completed_with_errors"),
        (replace(BEFORE, status="in_progress"), "killed"),
    ],
)
def test_false(after: Status, outcome: str) -> None:
    with pytest.raises(Broken):
        law_06.check_status(BEFORE, after, outcome=outcome, now=9.0)


def test_synced_is_so_or_listed() -> None:
    file = Thing("1", "f", versions=(Version("v", "md5"),))
    there = {"root": Thing("root", "ann", None, folder=True), "1": file}

    def judge(md5: str, *, listed: frozenset[str] = NOBODY, touched=NOBODY) -> None:  # type: ignore[no-untyped-def]
        law_06.check_synced({"f": md5}, there, root="root", listed=listed, touched=touched)

    judge("md5")
    judge("other", listed=frozenset({"f"}))
    judge("other", touched={"1"})
    with pytest.raises(Broken, match="is not"):
        judge("other")
