"""Corners of what is brought back, and where; the rest is in tests/promise and tests/engine."""

from __future__ import annotations

import hashlib

import pytest

from jupyter_drive_sync.core.restore_plan import Choice, Content, Here, Planner, Thing, Wanted, Way
from jupyter_drive_sync.core.restore_plan import choose as choose_from
from jupyter_drive_sync.core.tree import FileId, Kind, RelPath, RemoteEntry, Stat

PATH = RelPath("a.txt")
ID = FileId("1")
GOOGLE = "application/vnd.google-apps."


def wanted(content: bytes = b"theirs", mtime_ms: int = 1_700_000_000_000) -> Wanted:
    md5 = hashlib.md5(content).digest()  # noqa: S324 - Drive's
    return Wanted(PATH, ID, md5, len(content), mtime_ms, 0o644)


@pytest.mark.parametrize(
    ("mime", "why"),
    [
        (GOOGLE + "document", "a Google document"),
        (GOOGLE + "shortcut", "a shortcut"),
        ("application/pdf", "Drive has no content of it"),
    ],
)
def test_what_has_no_content_says_why(mime: str, why: str) -> None:
    entry = RemoteEntry(ID, "a.txt", FileId("root"), Kind.FILE, mime=mime)
    (skipped,) = choose_from({ID: entry}, {ID: PATH}).skipped
    assert str(skipped.reason).startswith(why)


@pytest.mark.parametrize(
    ("mtime_ms", "name"),
    [
        (1_700_000_000_000, "a (from Drive, 2023-11-14 22.13 UTC).txt"),
        (10**18, "a (from Drive, undated).txt"),
    ],
)
def test_what_cannot_be_read_here_is_not_overwritten(mtime_ms: int, name: str) -> None:
    """It may hold anything; what comes lies beside it, under the time that it has on Drive."""
    here = {PATH: Here(Thing.FILE, Stat(6, 0, 1))}
    planner = Planner(look=here.get, read=lambda _: None)
    (step,) = planner.plan(Choice((wanted(mtime_ms=mtime_ms),), (), (), ())).steps
    assert step.way is Way.BESIDE
    assert step.path != PATH
    assert step.path == name


def test_the_same_content_is_left_where_it_is() -> None:
    here = {PATH: Here(Thing.FILE, Stat(6, 0, 1))}
    same = Content(wanted().md5, here[PATH].stat, racy=False)
    planner = Planner(look=here.get, read=lambda _: same)
    (step,) = planner.plan(Choice((wanted(),), (), (), ())).steps
    assert step.way is Way.HERE


def test_a_place_beside_that_is_taken_is_counted_on() -> None:
    beside = RelPath("a (from Drive, 2023-11-14 22.13 UTC).txt")
    here = {path: Here(Thing.FILE, Stat(6, 0, 1)) for path in (PATH, beside)}
    planner = Planner(look=here.get, read=lambda _: None)
    (step,) = planner.plan(Choice((wanted(),), (), (), ())).steps
    assert (step.way, step.path) == (
        Way.BESIDE, "a (from Drive, 2023-11-14 22.13 UTC, 2).txt",
    )  # fmt: skip
