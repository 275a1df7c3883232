"""A child whose jobs are small tricks: what a pass might do, good and bad."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any

from jupyter_drive_sync.errors import DriveFull, LeaseLost
from jupyter_drive_sync.runner.child import Context, Handler, serve
from jupyter_drive_sync.runner.protocol import Job, Note, Progress


def _mirror(job: Job, context: Context) -> Mapping[str, Any]:
    trick = str(job.args.get("trick"))
    return TRICKS[trick](job, context)


def echo(job: Job, context: Context) -> Mapping[str, Any]:
    context.emit(Progress("apply", done=1, total=2))
    context.emit(Note("hello", "a note", {"path": job.args["path"]}))
    return {"home": job.home, "settings": dict(job.settings), "secrets": len(job.secrets)}


def environment(job: Job, context: Context) -> Mapping[str, Any]:
    return {"names": sorted(os.environ), "argv": sys.orig_argv, "cwd": os.getcwd()}  # noqa: PTH109


def stands_back(job: Job, context: Context) -> Mapping[str, Any]:
    with open("/proc/self/oom_score_adj") as file:  # noqa: PTH123
        return {"nice": os.nice(0), "oom": int(file.read()), "sid": os.getsid(0)}


def prints(job: Job, context: Context) -> Mapping[str, Any]:
    print("I am no event")  # noqa: T201
    os.write(1, b"neither am I\n")
    return {}


def fails(job: Job, context: Context) -> Mapping[str, Any]:
    raise DriveFull(detail="quota")


def crashes(job: Job, context: Context) -> Mapping[str, Any]:
    token = job.secrets["code"]
    raise ValueError(f"who would print {token} or ya29.AbCdEf?")


def leaves(job: Job, context: Context) -> Mapping[str, Any]:
    os.write(2, b"last words\n")
    os._exit(7)


def is_killed(job: Job, context: Context) -> Mapping[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def waits(job: Job, context: Context) -> Mapping[str, Any]:
    """Wait to be told to stop, as a pass does between two requests."""
    context.emit(Progress("apply"))
    while True:
        context.permit()
        threading.Event().wait(0.01)


def is_stubborn(job: Job, context: Context) -> Mapping[str, Any]:
    context.emit(Progress("apply"))
    threading.Event().wait()
    return {}


def asks(job: Job, context: Context) -> Mapping[str, Any]:
    first, second = context.ask("token"), context.ask("token")
    return {"first": len(first.reveal()), "second": len(second.reveal())}


def beats(job: Job, context: Context) -> Mapping[str, Any]:
    """Lose the lease at the third beat."""
    count = 0

    def beat() -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise LeaseLost

    with context.pulse(beat, 0.01):
        return waits(job, context)


def beats_badly(job: Job, context: Context) -> Mapping[str, Any]:
    def beat() -> None:
        raise ZeroDivisionError

    with context.pulse(beat, 0.01):
        return waits(job, context)


def babbles(job: Job, context: Context) -> Mapping[str, Any]:
    context._send("not an event")
    return waits(job, context)


TRICKS: dict[str, Handler] = {
    "echo": echo,
    "environment": environment,
    "stands_back": stands_back,
    "prints": prints,
    "fails": fails,
    "crashes": crashes,
    "leaves": leaves,
    "is_killed": is_killed,
    "waits": waits,
    "is_stubborn": is_stubborn,
    "asks": asks,
    "beats": beats,
    "beats_badly": beats_badly,
    "babbles": babbles,
}

if __name__ == "__main__":
    sys.exit(serve({"mirror": _mirror}))
