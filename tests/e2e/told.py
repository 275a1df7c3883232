"""What a server tells in each state, for the pictures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

DAY: Final = 86_400

_HOLD: Final[dict[str, Any]] = {
    "id": "h1",
    "kind": "deletions",
    "count": 412,
    "bytes": 98_880_000,
    "choices": ["restore", "keep", "trash"],
    "paths_href": "/",
    "reason": "In English.",
    "params": {
        "mirrored": 1530,
        "causes": ["whole_folder"],
        "folders": ["data8"],
        "folders_more": 0,
    },
}
_PROGRESS: Final[dict[str, Any]] = {
    "phase": "copying",
    "done": 37,
    "total": 120,
    "bytes_done": 210_000_000,
    "bytes_total": 1_100_000_000,
    "eta_seconds": 240,
    "slowed": False,
}

SETTINGS: Final[dict[str, Any]] = {
    "excludes": ["/data/raw/", "*.bin"],
    "includes": [],
    "max_file_size": 2_147_483_648,
    "bandwidth": 0,
    "notify": "problems",
    "time_zone": "",
    "paused_until": None,
    "schedule": "0 3 * * *",
    "effective_time_zone": "Europe/Zurich",
    "next_run": None,
    "by_admin": [],
}


SPACE: Final[dict[str, Any]] = {
    "limit": 15_000_000_000,
    "usage": 6_200_000_000,
    "in_trash": 210_000_000,
    "free": 8_800_000_000,
    "looked": 0,
}


KINDS: Final = ("replaced", "newer", "archived", "unclaimed", "declined")


def apart(kind: str, now: float) -> dict[str, Any]:
    """Return the files of a kind that are not the same here and on Drive."""
    number = {"replaced": 3, "newer": 1, "archived": 40}
    files = [
        {
            "path": f"data8/lab{n}/Lab{n}.ipynb",
            "size": n * 70_000,
            "at": now - n * DAY,
            "revision": f"r{n}" if kind == "replaced" else "",
            "kept": n != 2,
            "link": "https://drive.google.com/file/d/abc/view",
        }
        for n in range(1, number.get(kind, 0) + 1)
    ]
    counts = {each: number.get(each, 0) for each in KINDS}
    return {"counts": counts, "kind": kind, "files": files, "total": len(files), "offset": 0}


def _rule(reason: str, rule: str, files: int, size: int, *, whole: bool = True) -> dict[str, Any]:
    return {"reason": reason, "rule": rule, "paths": 1, "files": files, "bytes": size,
            "whole": whole}  # fmt: skip


RULES: Final[dict[str, Any]] = {
    "rules": [
        _rule("excluded", "/data/raw/ (excludes)", 812, 3_960_000_000),
        _rule("too_large", "", 1, 3_000_000_000),
        _rule("excluded", ".cache/ (default)", 20_112, 960_000_000, whole=False),
        _rule("excluded", "*.o (.driveignore, line 3)", 12, 40_000),
        _rule("secret", "", 3, 4_000),
        _rule("link", "", 2, 0),
    ],
    "idle": ["*.bin"],
    "looked": 0,
}
PLAN: Final[dict[str, Any]] = {
    "estimate": {"files": 12, "size": 48_000_000, "requests": 31, "quota_units": 800,
                 "minutes": 0.4},
    "counts": {"replace": 9, "create": 3, "patch": 2, "trash": 1},
    "steps": [
        *({"step": "replace", "path": f"data8/lab{n}/Lab{n}.ipynb", "kind": "file",
           "from": None, "size": n * 70_000} for n in range(1, 10)),
        *({"step": "create", "path": f"thesis/figure {n}.png", "kind": "file", "from": None,
           "size": 12_000_000} for n in range(1, 4)),
        {"step": "patch", "path": "notes/old.md", "kind": "file", "from": "old.md", "size": 10},
        {"step": "trash", "path": "data8/lab1/scratch.csv", "kind": "file", "from": None,
         "size": 700},
    ],
    "steps_more": 0,
    "holds": [],
    "looked": 0,
}  # fmt: skip


def tree(path: str) -> dict[str, Any]:
    """Return what the mirror holds in a folder."""

    def child(name: str, size: int | None = None, *, here: bool = True) -> dict[str, Any]:
        return {"path": f"{path}/{name}".lstrip("/"), "name": name, "folder": size is None,
                "size": size or 0, "modified": 0, "here": here}  # fmt: skip

    files = (
        [child(f"Lab{n}.ipynb", n * 70_000, here=n != 3) for n in range(1, 6)]
        if path
        else [child("data8"), child("music"), child("thesis"), child("notes.md", 4_200)]
    )
    return {"path": path, "files": files, "total": len(files), "offset": 0}


def undoable(now: float) -> dict[str, Any]:
    """Return what could be taken back."""
    files = [
        {"path": "data8/lab1/scratch.csv", "way": "untrash", "size": 700},
        *({"path": f"data8/lab{n}/Lab{n}.ipynb", "way": "put_back", "size": 0}
          for n in range(1, 9)),
    ]  # fmt: skip
    return {"run": 7, "started": now - 3700, "stays": {"uploaded": 3}, "files": files,
            "total": len(files), "offset": 0}  # fmt: skip


def brought(now: float) -> dict[str, Any]:
    """Return a dry run that has ended."""
    steps = [
        {"step": "bring" if n != 2 else "beside", "path": f"data8/lab{n}/Lab{n}.ipynb",
         "as": f"data8/lab{n}/Lab{n}.ipynb", "size": n * 70_000}
        for n in range(1, 9)
    ]  # fmt: skip
    result = {"steps": steps, "steps_more": 404, "bytes": 96_000_000, "counters": {}, "files": []}
    return {"last": {"job": "j", "kind": "restore", "running": False, "problem": None,
                     "result": result}}  # fmt: skip


def _left_out(path: str, why: str, size: int = 0, **params: str | int) -> dict[str, Any]:
    code = f"left_out.{why}"
    return {"path": path, "reason": "", "code": code, "params": params, "size": size}


PREVIEW: Final[dict[str, Any]] = {
    "home": "/home/ann",
    "drive_folder": "home/ann",
    "files": 1240,
    "bytes": 310_000_000,
    "minutes": 4.1,
    "folders": [
        {"name": "data8", "files": 812, "bytes": 201_000_000},
        {"name": "project of a very long name that somebody gave it", "files": 301,
         "bytes": 88_000_000},
        {"name": "thesis", "files": 96, "bytes": 17_000_000},
        {"name": "music", "files": 14, "bytes": 3_800_000},
        {"name": "", "files": 17, "bytes": 210_000},
    ],
    "folders_more": 0,
    "left_out": [
        _left_out(".cache", "excluded", rule=".cache/ (default)"),
        _left_out("data/huge.h5", "too_large", size=3 * 10**9, limit=2 * 10**9),
        _left_out("shared", "link"),
        _left_out(".ssh", "secret", rule=".ssh/"),
    ],
    "left_out_count": 4,
    "looked": 0,
}  # fmt: skip


def _problem(code: str, who: str, sentence: str = "", **params: str | int) -> dict[str, Any]:
    return {"code": code, "who": who, "sentence": sentence, "params": params}


def states(now: float) -> dict[str, dict[str, Any]]:
    """Return what is different in each state from :func:`status`."""
    hold = {**_HOLD, "since": now - 7200}
    failed = {"state": "cant_sync", "status": "failed"}
    running = {"state": "syncing", "status": "in_progress"}
    sent = {**_PROGRESS, "phase": "checking", "done": 120, "bytes_done": 1_100_000_000}
    needs = {"state": "needs_you", "status": "failed"}
    nobody = {"state": "not_connected", "connected": False, "last_sync": None, "account": None,
              "link": "", "next_run": None}  # fmt: skip
    whole = {**hold, "count": 0, "bytes": 0}
    gone = {**whole, "kind": "root_gone", "choices": ["untrash", "start_afresh", "disconnect"],
            "params": {"folder": "home/ann", "trashed": True}}  # fmt: skip
    other = {**whole, "kind": "other_home",
             "choices": ["restore", "take_over", "second_folder", "disconnect"],
             "params": {"folder": "home/ann", "new": False,
                        "changed": now - 20 * DAY}}  # fmt: skip
    moved = {**hold, "kind": "moved_out", "choices": ["keep", "start_afresh"], "count": 31,
             "bytes": 7_440_000,
             "params": {}}  # fmt: skip
    return {
        "unknown": {},
        "not_connected": nobody,
        "no_client": {**nobody, "problem": _problem("project.no_client", "admin")},
        "first": {"state": "waiting", "status": "initialized", "last_sync": None},
        "waiting": {"state": "waiting", "saved_since": 2},
        "partly": {
            "state": "waiting",
            "status": "completed_with_errors",
            "meta": {
                "failed": 1, "unchanged": 1230, "done": 5, "left_out": 12,
                "time_last_ping": now - 60,
            },
        },
        "cancelled": {
            "state": "waiting",
            "status": "failed",
            "problem": _problem("run.cancelled", "wait"),
            "meta": {"done": 37, "total": 120},
        },
        "queued": {**running, "status": "queued"},
        "looking": {**running, "progress": {**_PROGRESS, "phase": "scanning", "total": 0}},
        "syncing": {**running, "progress": _PROGRESS},
        "slowed": {**running, "progress": {**_PROGRESS, "slowed": True}},
        "syncing_and_held": {**running, "progress": _PROGRESS, "holds": [hold]},
        "checking": {**running, "progress": sent},
        "synced": {},
        "failed_files": {
            "state": "needs_you",
            "status": "completed_with_errors",
            "meta": {"failed": 3, "left_out": 12},
        },
        "held": {"state": "needs_you", "holds": [hold]},
        "root_gone": {**needs, "holds": [gone],
                      "problem": _problem("held.root_gone", "user", gone["reason"])},
        "other_home": {**needs, "holds": [other],
                       "problem": _problem("held.other_home", "user", other["reason"])},
        "moved_out": {"state": "needs_you", "holds": [moved]},
        "reconnect": {**needs, "problem": _problem("auth.revoked", "user")},
        "full": {**needs, "problem": _problem("drive.full", "user")},
        "admin": {**failed, "problem": _problem("org.blocked", "admin")},
        "daily": {
            **failed,
            "state": "offline",
            "problem": _problem("drive.daily_upload_limit", "wait"),
        },
        "killed": {**failed, "problem": _problem("run.killed", "wait", how="restart")},
        "memory": {**failed, "problem": _problem("run.low_memory", "wait")},
        "internal": {
            **failed,
            "problem": _problem("internal", "bug"),
            "traceback": "RuntimeError: what nobody foresaw",
        },
        "offline": {**failed, "state": "offline", "problem": _problem("net.offline", "wait")},
        "paused": {
            "state": "paused", "paused": True, "paused_by": "user", "paused_until": now + DAY,
        },
        "paused_admin": {"state": "paused", "paused": True, "paused_by": "admin",
                         "next_run": None},
    }  # fmt: skip


def status(now: float) -> dict[str, Any]:
    """Return what a server tells when all is synced."""
    return {
        "seq": 10**15,
        "time": now,
        "state": "synced",
        "status": "completed",
        "connected": True,
        "account": {"email": "ann@uni.edu", "name": "Ann"},
        "home": "/home/ann",
        "root": "",
        "drive_folder": "home/ann",
        "link": "https://drive.google.com/drive/folders/abc",
        "problem": None,
        "incident": None,
        "holds": [],
        "last_sync": now - 3600,
        "last_sync_count": 1236,
        "last_sync_job": "j",
        "job": "j",
        "started": now - 3700,
        "traceback": "",
        "meta": {"left_out": 12},
        "progress": None,
        "saved_since": 0,
        "schedule": "0 3 * * *",
        "time_zone": "Europe/Zurich",
        "next_run": now + 15 * 3600,
        "waiting_for": "",
        "paused": False,
        "paused_until": None,
        "paused_by": "",
        "consent": None,
        "ask": False,
    }


def _file(path: str, outcome: str, size: int, code: str = "") -> dict[str, Any]:
    """Return what a run did with a file."""
    return {"path": path, "outcome": outcome, "reason": "", "code": code, "params": {},
            "size": size}  # fmt: skip


def files_of(name: str) -> dict[str, Any]:
    """Return the files of the last run in a state."""
    failed = [
        ("data8/lab2/results of a very long night of measurements.csv", "file.changed"),
        ("data8/lab3/Lab3.ipynb", "file.unreadable"),
        ("data/model.bin", "drive.mismatch"),
    ]
    number = {"failed_files": 3, "partly": 1}.get(name, 0)
    rows = [_file(path, "failed", 10, code) for path, code in failed[:number]]
    if name in ("clean", "empty", "nothing_new"):
        rows = []
    elif name == "result":
        rows = [_file("data8/lab3/Lab3.ipynb", "updated", 70_000)]
    else:
        rows += [_file(f"data8/lab{n}/Lab{n}.ipynb", "updated", n * 70_000) for n in range(1, 300)]
        rows += [{**left, "outcome": "left_out"} for left in PREVIEW["left_out"][:2]]
    return {
        "files": rows,
        "total": len(rows),
        "offset": 0,
    }


def history(name: str, now: float) -> dict[str, Any]:
    """Return the runs in a state."""
    counters = {
        "clean": {"unchanged": 1236},
        "nothing_new": {"unchanged": 1236},
        "result": {"updated": 3, "unchanged": 1233, "done": 3, "bytes": 210_000},
        "first_sync": {"uploaded": 1236, "done": 1236, "left_out": 4, "bytes": 310_000_000},
        "partly": {"failed": 1, "updated": 5, "unchanged": 1230, "done": 5, "left_out": 12},
        "failed_files": {"failed": 3, "updated": 299, "unchanged": 934, "done": 299,
                         "left_out": 12, "bytes": 5_200_000},
    }.get(name, {"updated": 299, "left_out": 12, "unchanged": 937, "done": 299,
                 "bytes": 5_200_000})  # fmt: skip
    run = {
        "id": 7 + len(name),
        "job": "j",
        "started": now - 3700,
        "ended": now - 3600,
        "outcome": "completed",
        "counters": counters,
        "problem": None,
        "verified": False,
    }
    runs = {"empty": [], "first_sync": [run]}.get(name, [run, {**run, "id": 6, "job": "i"}])
    return {"runs": runs, "total": len(runs), "offset": 0}


def _tomorrow(now: float, *, hour: int) -> float:
    at = datetime.fromtimestamp(now, ZoneInfo("Europe/Zurich")) + timedelta(days=1)
    return at.replace(hour=hour, minute=0, second=0, microsecond=0).timestamp()


def storages(now: float) -> list[dict[str, Any]]:
    """Return a storage of each kind of state."""
    done: dict[str, Any] = {
        "status": "completed", "last_sync": now - 3600, "last_sync_count": 36,
        "last_sync_job": "s", "job": "s", "started": now - 3660, "traceback": "",
        "problem": None, "holds": [], "meta": {"brought": 2, "unchanged": 34},
    }  # fmt: skip
    course: dict[str, Any] = {
        "name": "course", "local": "data8/material",
        "drive": "https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWxYz012345",
        "direction": "import", "scope": "drive.readonly", "credentials": "service_account",
        "key_file": "keys/course.json", "client_file": "", "subject": "",
        "schedule": "0 5 * * *", "includes": [], "excludes": ["solutions/"], "by_admin": True,
        "own": False, "connected": True, "status": done, "progress": None,
        "next_run": _tomorrow(now, hour=5),
    }  # fmt: skip
    running = {**_PROGRESS, "done": 37, "total": 120}
    gone = {
        "code": "folder.trashed", "who": "user", "sentence": "In English.",
        "params": {"folder": "Data/2026", "name": "2026"},
    }  # fmt: skip
    held = {
        "id": "h2", "kind": "moved_out", "since": now - 7200, "count": 32, "bytes": 7_680_000,
        "reason": "In English.", "params": {}, "choices": ["keep", "start_afresh"],
    }  # fmt: skip
    own = {**course, "by_admin": False, "own": True, "schedule": "", "next_run": None}
    return [
        course,
        {**own, "name": "results", "local": "results", "drive": "shared/results",
         "direction": "export", "status": {**done, "status": "in_progress"}, "progress": running},
        {**own, "name": "data", "drive": "Data/2026", "status": {**done, "problem": gone}},
        {**own, "name": "old", "drive": "Old/course", "credentials": "client",
         "client_file": "client_secrets.json", "connected": False},
        {**own, "name": "marks", "local": "marks", "drive": "shared/marks", "direction": "export",
         "status": {**done, "holds": [held]}},
    ]  # fmt: skip
