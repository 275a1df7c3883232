"""A child whose passes are small tricks, named by the one path that they are about."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any

from jupyter_drive_sync.errors import DriveFull, NotConnected, RunBusy
from jupyter_drive_sync.runner.child import Context, serve
from jupyter_drive_sync.runner.protocol import Job, Progress


def _wait(job: Job, context: Context) -> Mapping[str, Any]:
    context.emit(Progress("copying", 1, 9, bytes_done=10, bytes_total=90, slowed=True))
    while True:
        context.permit()
        threading.Event().wait(0.01)


def _many(job: Job, context: Context) -> Mapping[str, Any]:
    for done in range(200):
        context.emit(Progress("copying", done=done, total=200))
    return _wait(job, context)


def _is_killed(job: Job, context: Context) -> Mapping[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def _is_full(job: Job, context: Context) -> Mapping[str, Any]:
    raise DriveFull


def _is_busy(job: Job, context: Context) -> Mapping[str, Any]:
    raise RunBusy(where="process 1 on elsewhere")


def _crashes(job: Job, context: Context) -> Mapping[str, Any]:
    raise ZeroDivisionError


def _done(job: Job, context: Context) -> Mapping[str, Any]:
    return {"outcome": "completed"}


TRICKS = {
    "waits": _wait,
    "many": _many,
    "killed": _is_killed,
    "full": _is_full,
    "busy": _is_busy,
    "crashes": _crashes,
}


def _mirror(job: Job, context: Context) -> Mapping[str, Any]:
    (trick,) = job.args["only"] or ["done"]
    return TRICKS.get(trick, _done)(job, context)


def _survey(job: Job, context: Context) -> Mapping[str, Any]:
    return {
        "files": 0, "bytes": 0, "minutes": 0.0, "folders": [], "folders_more": 0, "left_out": [],
        "left_out_count": 0, "rules": [],
    }  # fmt: skip


def _preview(job: Job, context: Context) -> Mapping[str, Any]:
    estimate = {"files": 0, "size": 0, "requests": 1, "quota_units": 100, "minutes": 0.0}
    return {"estimate": estimate, "steps": [], "steps_more": 0, "holds": []}


def _validate(job: Job, context: Context) -> Mapping[str, Any]:
    space = {"limit": None, "usage": 5, "in_trash": 0, "free": None}
    return {"skew": 0.0, "problem": None, "space": space}


def _restore(job: Job, context: Context) -> Mapping[str, Any]:
    """Do the trick that its one path names; what is done says what was asked."""
    (trick,) = job.args.get("paths") or ["done"]
    return {**TRICKS.get(trick, _done)(job, context), "args": dict(job.args)}


def _undo(job: Job, context: Context) -> Mapping[str, Any]:
    return {**_done(job, context), "args": dict(job.args)}


def _difference(job: Job, context: Context) -> Mapping[str, Any]:
    return {
        "path": job.args["path"], "revision": job.args["revision"], "how": "text", "here": True,
        "lines": [{"sign": "-", "text": "old"}, {"sign": "+", "text": "new"}], "lines_more": 0,
    }  # fmt: skip


def _versions(job: Job, context: Context) -> Mapping[str, Any]:
    version = {
        "id": "r1", "time": 1.5, "size": 3, "author": "Ann", "kept": False, "current": True,
    }  # fmt: skip
    return {
        "path": job.args["path"], "link": "", "trashed": False, "kept": 0, "most_kept": 200,
        "versions": [version], "outcome": "completed", "args": dict(job.args),
    }  # fmt: skip


def _storage(job: Job, context: Context) -> Mapping[str, Any]:
    """Do the trick that its one path names; what is done says what was asked."""
    (trick,) = job.args.get("only") or ["done"]
    return {**TRICKS.get(trick, _done)(job, context), "args": dict(job.args), "home": job.home}


def _validate_storage(job: Job, context: Context) -> Mapping[str, Any]:
    """Do the trick that the folder on Drive is called after."""
    storage = job.args["storage"]
    TRICKS.get(storage["drive"], _done)(job, context)
    return {"account": "ann@example.edu", "folder": None, "sample": "", "key": storage["key_file"]}


def _revoke(job: Job, context: Context) -> Mapping[str, Any]:
    raise NotConnected


HANDLERS = {
    "mirror": _mirror,
    "survey": _survey,
    "preview": _preview,
    "revoke": _revoke,
    "validate": _validate,
    "restore": _restore,
    "undo": _undo,
    "versions": _versions,
    "import": _storage,
    "export": _storage,
    "validate_storage": _validate_storage,
    "difference": _difference,
}

if __name__ == "__main__":
    sys.exit(serve(HANDLERS))
