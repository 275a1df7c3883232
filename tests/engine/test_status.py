"""The status as its readers judge it: every way to die, and the one word for people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from jupyter_drive_sync.core.tree import Kind, RelPath
from jupyter_drive_sync.engine.lease import Process
from jupyter_drive_sync.engine.report import (
    COUNTED,
    Progress,
    Status,
    describe,
    people_state,
    read_status,
)
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import (
    AuthRevoked,
    Busy,
    DailyUploadLimit,
    DriveFull,
    DriveSyncError,
    KilledBy,
    Offline,
    OrgBlocked,
    RunBusy,
    RunCancelled,
    RunKilled,
    StateFull,
    Unreadable,
)
from tests.engine.world import World
from tests.virtual_clock import VirtualClock

PROBLEM = {"code": "x", "who": "wait", "params": {}, "sentence": "X."}
DONE = Status(status="completed", last_sync=1.0)


def running(clock: VirtualClock, **more: Any) -> Status:
    values = {
        "status": "in_progress",
        "process": Process.current(),
        "meta": {"time_last_ping": clock.wall()},
    }
    return Status(**{**values, **more})


def judged(folder: Path, clock: VirtualClock, status: Status) -> Status:
    status.save(folder)
    return read_status(folder, clock.wall(), ping_seconds=10)


def test_that_drive_has_us_wait_is_told_at_once_and_once(clock: VirtualClock) -> None:
    told: list[bool] = []
    progress = Progress(clock, lambda counts: told.append(counts["slowed"]))
    progress.count("done")
    for slowed in (True, True, False):
        progress.heed(slowed=slowed)
    assert told == [False, True, False]


def test_nothing_was_ever_written(tmp_path: Path) -> None:
    assert read_status(tmp_path, 0, ping_seconds=10) == Status()
    assert Status().status == "initialized"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"status": "completed"}', "null"])
def test_a_broken_file_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)
    assert read_status(tmp_path, 0, ping_seconds=10) == Status()


def test_a_living_pass_is_believed(tmp_path: Path, clock: VirtualClock) -> None:
    assert judged(tmp_path, clock, running(clock)).status == "in_progress"


@pytest.mark.parametrize("status", ["queued", "in_progress"])
@pytest.mark.parametrize(
    ("process", "how"),
    [
        (replace(Process.current(), pid=2**22 + 1), "killed"),
        (replace(Process.current(), started="0"), "killed"),
        (replace(Process.current(), boot="before"), "restarted"),
    ],
)
def test_a_dead_process_is_a_failed_pass(
    tmp_path: Path, clock: VirtualClock, status: str, process: Process, how: str
) -> None:
    found = judged(tmp_path, clock, running(clock, status=status, process=process))
    assert found.status == "failed"
    assert found.problem is not None
    assert found.problem["code"] == "run.killed"
    assert how in found.problem["sentence"]
    assert people_state(found, connected=True) == "cant_sync"


def test_a_silent_one_too_and_not_too_soon(tmp_path: Path, clock: VirtualClock) -> None:
    elsewhere = replace(Process.current(), host="elsewhere")
    for status, cause in (("in_progress", "silence"), ("queued", "queue")):
        running(clock, status=status, process=elsewhere).save(tmp_path)
        clock.advance(60)
        assert read_status(tmp_path, clock.wall(), ping_seconds=10).status == status
        clock.advance(1)
        found = read_status(tmp_path, clock.wall(), ping_seconds=10)
        assert found.status == "failed"
        assert found.problem is not None
        assert found.problem["params"]["cause"] == cause


def test_each_way_to_die_has_a_sentence() -> None:
    causes = get_args(KilledBy)
    sentences = {RunKilled(cause=cause).sentence for cause in causes}
    assert len(sentences) == len(causes)


def test_reading_changes_nothing(tmp_path: Path, clock: VirtualClock) -> None:
    running(clock, process=replace(Process.current(), boot="before")).save(tmp_path)
    before = (tmp_path / "status.json").read_bytes()
    read_status(tmp_path, clock.wall(), ping_seconds=10)
    assert (tmp_path / "status.json").read_bytes() == before


def test_seq_grows_and_the_file_is_private(tmp_path: Path) -> None:
    first = Status().save(tmp_path)
    second = first.save(tmp_path)
    assert (first.seq, second.seq) == (1, 2)
    assert Status.load(tmp_path) == second
    assert (tmp_path / "status.json").stat().st_mode & 0o777 == 0o600


def failed(problem: DriveSyncError, status: str = "failed") -> Status:
    return Status(status=status, last_sync=1.0, problem=describe(problem))


HOLD = {"id": "1", "kind": "deletions"}
LEFT_BEHIND = Status(status="completed_with_errors", last_sync=1.0, failed_runs=1)


@pytest.mark.parametrize(
    ("status", "more", "word"),
    [
        (Status(), {"connected": False}, "not_connected"),
        (Status(), {}, "waiting"),
        (DONE, {}, "synced"),
        (DONE, {"paused": True}, "paused"),
        (DONE, {"connected": False}, "not_connected"),
        (replace(DONE, status="queued"), {}, "syncing"),
        (replace(DONE, status="in_progress"), {}, "syncing"),
        (replace(DONE, status="in_progress", holds=(HOLD,)), {}, "syncing"),
        (replace(DONE, holds=(HOLD,)), {}, "needs_you"),
        (replace(DONE, holds=(HOLD,)), {"paused": True}, "needs_you"),
        (failed(AuthRevoked()), {}, "needs_you"),
        (failed(AuthRevoked()), {"connected": False}, "not_connected"),
        (failed(DriveFull(), "completed_with_errors"), {}, "needs_you"),
        (failed(Offline(problem="p")), {}, "offline"),
        (failed(DailyUploadLimit(), "completed_with_errors"), {}, "offline"),
        (failed(RunCancelled()), {}, "waiting"),
        (failed(OrgBlocked()), {}, "cant_sync"),
        (failed(StateFull(path="p")), {}, "cant_sync"),
        (failed(Busy()), {}, "cant_sync"),
        (LEFT_BEHIND, {}, "waiting"),
        (replace(LEFT_BEHIND, last_sync=None), {}, "waiting"),
        (replace(LEFT_BEHIND, failed_runs=2), {}, "needs_you"),
        (replace(LEFT_BEHIND, failed_runs=2), {"paused": True}, "needs_you"),
        (LEFT_BEHIND, {"paused": True}, "paused"),
    ],
)
def test_the_word_for_people(status: Status, more: dict[str, bool], word: str) -> None:
    assert people_state(status, **{"connected": True, **more}) == word


# -- a turn ----------------------------------------------------------------------------------------


def test_a_turn_leaves_a_status_that_is_true(world: World) -> None:
    progress = Progress(world.clock)
    turn = Turn(world.site, "job 1", progress)
    with turn.taken():
        status = read_status(world.state, world.clock.wall(), ping_seconds=10)
        assert (status.status, status.job) == ("in_progress", "job 1")
        progress.note("uploaded", 3)
        world.clock.advance(10)
        turn.pulse()
        status = read_status(world.state, world.clock.wall(), ping_seconds=10)
        assert status.meta["uploaded"] == 3
        assert status.meta["time_last_ping"] == world.clock.wall()
        assert set(status.meta) == {*COUNTED, "phase", "time_last_ping"}
        turn.completed("completed", 3)
    turn_over = Status.load(world.state)
    assert (turn_over.status, turn_over.last_sync_count) == ("completed", 3)
    assert turn_over.process is None


@pytest.mark.parametrize(
    ("raised", "code"), [(Offline(problem="p"), "net.offline"), (ValueError("bug"), "internal")]
)
def test_a_turn_that_fails_says_so(world: World, raised: Exception, code: str) -> None:
    DONE.save(world.state)
    with pytest.raises(type(raised)), Turn(world.site, "job", Progress(world.clock)).taken():
        raise raised
    status = Status.load(world.state)
    assert status.status == "failed"
    assert status.problem is not None
    assert status.problem["code"] == code
    assert status.last_sync == DONE.last_sync


def test_who_comes_second_leaves_the_firsts_status_alone(world: World) -> None:
    first = Turn(world.site, "first", Progress(world.clock))
    with first.taken():
        second = Turn(
            world.site,
            "second",
            Progress(world.clock),
            process=replace(Process.current(), host="elsewhere"),
        )
        with pytest.raises(RunBusy), second.taken():
            pass
        assert Status.load(world.state).job == "first"
        first.completed("completed", 0)


def test_a_pulse_after_the_end_changes_nothing(world: World) -> None:
    turn = Turn(world.site, "job", Progress(world.clock))
    with turn.taken():
        turn.completed("completed", 0)
        before = (world.state / "status.json").read_bytes()
        turn.pulse()
        assert (world.state / "status.json").read_bytes() == before


# -- progress --------------------------------------------------------------------------------------


def test_progress_counts_files_and_tells_at_most_four_times_a_second(clock: VirtualClock) -> None:
    told: list[dict[str, Any]] = []
    progress = Progress(clock, lambda counts: told.append(dict(counts)))
    for number in range(100):
        progress.outcome(RelPath(f"f{number}"), "uploaded", kind=Kind.FILE, size=10)
    assert len(told) == 1
    clock.advance(0.25)
    progress.outcome(RelPath("d"), "created", kind=Kind.FOLDER)
    progress.outcome(RelPath("last"), "updated", kind=Kind.FILE, size=5)
    assert len(told) == 2
    assert (told[1]["uploaded"], told[1]["updated"], told[1]["done"]) == (100, 1, 101)
    assert (told[1]["bytes"], told[1]["folders"]) == (1005, 1)


def test_progress_names_failures_in_words(clock: VirtualClock) -> None:
    progress = Progress(clock)
    progress.failed(RelPath("a"), Unreadable(problem="permission denied"), kind=Kind.FILE)
    progress.failed(RelPath("d"), Busy(), kind=Kind.FOLDER)
    assert [(o.path, o.reason) for o in progress.outcomes] == [
        ("a", "cannot be read (permission denied)"),
        ("d/", "drive.busy"),
    ]
    progress.trouble(DriveFull())
    progress.trouble(DriveFull())
    assert len(progress.problems) == 1
