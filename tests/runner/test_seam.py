"""Parent and child, over a real process: how jobs start, end, fail and die."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.errors import DriveSyncError, Internal, RunCancelled, RunKilled
from jupyter_drive_sync.runner.memory import Memory
from jupyter_drive_sync.runner.parent import Child, child_environment, follow
from jupyter_drive_sync.runner.protocol import (
    Event,
    Job,
    Note,
    Progress,
    Reported,
    Started,
)

COMMAND = (sys.executable, str(Path(__file__).with_name("fake_child.py")))


def job(trick: str, **args: Any) -> Job:
    return Job(
        kind="mirror",
        id="j1",
        home="/home/ann/\udcff",
        state_dir="/state",
        drive_folder="home/ann",
        client_file="/client.json",
        settings={"excludes": ["*.tmp"]},
        args={"trick": trick, **args},
        secrets={"code": "sEcReT-code"},
    )


def run(trick: str, *, grace: float = 5.0, **args: Any) -> tuple[Mapping[str, Any], list[Event]]:
    heard: list[Event] = []
    with Child(job(trick, **args), command=COMMAND, grace=grace) as child:
        return follow(child, heard.append), heard


def test_a_job_goes_there_and_its_result_comes_back() -> None:
    values, heard = run("echo", path="a\udcff\n'b")
    assert values == {
        "home": "/home/ann/\udcff",
        "settings": {"excludes": ["*.tmp"]},
        "secrets": 1,
    }
    assert isinstance(heard[0], Started)
    assert heard[1:] == [
        Progress("apply", done=1, total=2),
        Note("hello", "a note", {"path": "a\udcff\n'b"}),
    ]


def test_the_child_knows_no_token_of_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 13: no secret in argv or in the environment of a child."""
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "hub-token")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    values, _ = run("environment")
    assert {"HOME", "PATH", "HTTPS_PROXY", "LC_ALL"} <= set(values["names"])
    assert not {"JUPYTERHUB_API_TOKEN", "AWS_SECRET_ACCESS_KEY"} & set(values["names"])
    assert "sEcReT-code" not in str(values)
    assert values["cwd"] == "/"


def test_child_environment_is_an_allow_list() -> None:
    given = {"HOME": "/h", "no_proxy": "x", "COVERAGE_PROCESS_START": "y", "GITHUB_TOKEN": "z"}
    assert set(child_environment(given)) == {"HOME", "no_proxy", "COVERAGE_PROCESS_START"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_child_steps_back() -> None:
    values, heard = run("stands_back")
    assert values["nice"] >= min(19, os.nice(0) + 10)
    assert values["oom"] >= 900
    assert isinstance(heard[0], Started)
    assert values["sid"] == heard[0].pid != os.getsid(0)


def test_prints_do_not_get_among_the_events() -> None:
    values, heard = run("prints")
    assert values == {}
    assert len(heard) == 1


def test_a_problem_keeps_its_code_duty_and_words() -> None:
    with pytest.raises(Reported) as caught:
        run("fails")
    problem = caught.value
    assert (problem.code, problem.who, problem.exit_code) == ("drive.full", "user", 3)
    assert problem.sentence == str(problem)
    assert problem.sentence.startswith("Your Google account has no space left")
    assert problem.detail == "quota"


def test_a_fault_of_ours_is_told_without_its_secrets() -> None:
    with pytest.raises(Reported) as caught:
        run("crashes")
    problem = caught.value
    assert (problem.code, problem.who, problem.exit_code) == ("internal", "bug", 4)
    assert "ValueError" in problem.detail
    assert "sEcReT" not in problem.detail
    assert "ya29" not in problem.detail
    assert "Traceback" not in problem.sentence


def test_a_child_that_leaves_without_a_word() -> None:
    with pytest.raises(RunKilled, match="without a word") as caught:
        run("leaves")
    assert caught.value.detail.startswith("exit status 7\n")
    assert "last words" in caught.value.detail


def test_a_child_killed_from_outside() -> None:
    with pytest.raises(RunKilled, match="process was killed"):
        run("is_killed")


def test_a_child_killed_by_the_kernel(tmp_path: Path) -> None:
    """F25: the counter of the control group grew while the child died."""
    events = tmp_path / "sys/fs/cgroup/memory.events"
    events.parent.mkdir(parents=True)
    events.write_text("low 0\noom_kill 3\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    with Child(job("is_killed"), command=COMMAND, memory=Memory(tmp_path)) as child:
        events.write_text("low 0\noom_kill 4\n")
        with pytest.raises(RunKilled, match="no memory was left"):
            follow(child, lambda _: None)


def test_cancelled_in_order() -> None:
    with (
        Child(job("waits"), command=COMMAND, grace=60.0) as child,
        pytest.raises(DriveSyncError) as caught,
    ):
        follow(child, lambda event: isinstance(event, Progress) and child.cancel())
    assert caught.value.code == "run.cancelled"


def test_cancelled_by_force_when_the_grace_is_over() -> None:
    with (
        Child(job("is_stubborn"), command=COMMAND, grace=0.05) as child,
        pytest.raises(RunCancelled),
    ):
        follow(child, lambda event: isinstance(event, Progress) and child.cancel())


def test_a_second_cancel_does_not_wait() -> None:
    def twice(event: Event) -> None:
        if isinstance(event, Progress):
            child.cancel()
            child.cancel()

    with Child(job("is_stubborn"), command=COMMAND, grace=600.0) as child:
        with pytest.raises(RunCancelled):
            follow(child, twice)
        assert child.cancelled


def test_hung_up_on_it_ends_in_order_and_says_that_nobody_wanted_that() -> None:
    with (
        Child(job("waits"), command=COMMAND, grace=60.0) as child,
        pytest.raises(DriveSyncError) as caught,
    ):
        follow(child, lambda event: isinstance(event, Progress) and child.hang_up())
    assert caught.value.code == "run.killed"
    assert not child.cancelled


def test_hung_up_on_it_ends_by_force_when_the_grace_is_over() -> None:
    with (
        Child(job("is_stubborn"), command=COMMAND, grace=0.05) as child,
        pytest.raises(RunKilled),
    ):
        follow(child, lambda event: isinstance(event, Progress) and child.hang_up())


def test_no_child_outlives_its_with() -> None:
    with Child(job("is_stubborn"), command=COMMAND, grace=0.05) as child:
        pid = child.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_child_whose_parent_goes_stops_by_itself() -> None:
    with Child(job("waits"), command=COMMAND, grace=60.0) as child:
        assert isinstance(child.next(), Started)
        assert child.next() == Progress("apply")
    # Only the closed pipe told it; the grace of a minute was not used up.
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_a_child_may_ask_for_a_token_again_and_again() -> None:
    tokens = iter(["a" * 10, "b" * 20])
    with Child(job("asks"), command=COMMAND) as child:
        values = follow(child, lambda _: None, supply=lambda _: next(tokens))
    assert values == {"first": 10, "second": 20}


def test_a_child_that_asks_in_vain_is_ended() -> None:
    with Child(job("asks"), command=COMMAND) as child, pytest.raises(Internal):
        follow(child, lambda _: None)


@pytest.mark.parametrize(
    ("trick", "code"), [("beats", "run.lease_lost"), ("beats_badly", "internal")]
)
def test_a_failing_pulse_ends_the_job(trick: str, code: str) -> None:
    with pytest.raises(Reported) as caught:
        run(trick)
    assert caught.value.code == code


def test_a_line_that_is_no_event_ends_the_child() -> None:
    with pytest.raises(Internal):
        run("babbles")


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(Internal):
        Child(job("echo"), command=("/nonexistent/python",))
