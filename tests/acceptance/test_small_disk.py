"""No space left on the disk while something comes: one sentence, nothing half, and it goes on."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.demo.ground import Ground
from tests.acceptance.real_child import WatchedDrive, connect
from tests.acceptance.test_storages import Student, drive, instructor, student
from tests.engine.test_full_disk import namespace
from tests.storage.instructor import Instructor

__all__ = ["drive", "instructor", "student"]

PROGRAM = Path(__file__).with_name("on_small_disk.py")
FILES = 12
FULL = {
    # So little room that it is seen before anything is asked for, and so few places for files that
    # it is seen in the middle.
    "bytes": ("size=256k", "size=16m"),
    "on the way": ("size=16m,nr_inodes=8", "size=16m,nr_inodes=200"),
}


def on_small_disk(folder: Path, full: str, *command: str) -> list[dict[str, Any]]:
    """Run a command on a disk without room, then once more with; skips where none can be had."""
    way = namespace()
    if not way:
        pytest.skip(
            "no tmpfs may be mounted here; tests/promise/test_10_restore_refused.py injects them"
        )
    folder.mkdir(exist_ok=True)
    small, larger = FULL[full]
    done = subprocess.run(
        [*way, sys.executable, str(PROGRAM), str(folder), small, larger, *command],
        capture_output=True, text=True, check=False,
        env={n: v for n, v in os.environ.items() if not n.startswith("COV")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def contents() -> dict[str, bytes]:
    return {f"{number}.bin": os.urandom(60_000) for number in range(FILES)}


def assert_said(
    full: str, first: dict[str, Any], second: dict[str, Any], whole: dict[str, str]
) -> None:
    progress = ("Asking", "Looking", "Copying", "Checking", "Starting", "Bringing")
    (said,) = [line for line in first["err"].splitlines() if not line.startswith(progress)]
    assert first["code"] not in (0, 1), said
    assert "no room" in said, said
    assert "Traceback" not in first["err"]
    mine = {"mine.txt": digest(b"mine")}
    # What is there is whole; under its own name nothing else is.
    assert first["here"].items() <= {**mine, **whole}.items()
    assert len(first["here"]) < FILES
    assert "mine.txt" in first["here"]
    assert (len(first["here"]) > 1) == (full == "on the way")
    assert second["code"] == 0, second["err"]
    assert second["here"] == {**mine, **whole}


@pytest.mark.parametrize("full", FULL)
def test_an_import(student: Student, instructor: Instructor, tmp_path: Path, full: str) -> None:
    whole = contents()
    for name, content in whole.items():
        instructor.put(name, content)
    instructor.share()
    folder = student.home / "course"
    student.well("storages", "add", "course", "course", instructor.link, "--key", "key.json")
    first, second = on_small_disk(folder, full, "storages", "run", "course")
    there = {name: digest(content) for name, content in whole.items()}
    assert_said(
        full, first, second, {**there, "lab1.ipynb": digest(b"one"), "data/a.csv": digest(b"1,2")}
    )


def test_a_download(student: Student, instructor: Instructor, tmp_path: Path) -> None:
    whole = contents()
    for name, content in whole.items():
        instructor.put(name, content)
    instructor.share()
    config = {"storage_folder_id": instructor.folder, "service_account_key_filepath": "key.json"}
    (student.home / "config.json").write_text(json.dumps(config))
    to = tmp_path / "models"
    command = ("download", "--config", "config.json", *whole, "--to", str(to))
    first, second = on_small_disk(to, "on the way", *command)
    assert_said(
        "on the way", first, second, {name: digest(content) for name, content in whole.items()}
    )


@pytest.mark.parametrize("full", FULL)
def test_a_restore(
    student: Student, drive: tuple[WatchedDrive, Ground], tmp_path: Path, full: str
) -> None:
    (tmp_path / "mine").mkdir()
    place = connect(drive[0], drive[1].url, tmp_path / "mine")
    whole = contents()
    for name, content in whole.items():
        (place.home / name).write_bytes(content)
    here = (
        "--home", str(place.home), "--state-dir", str(place.state_dir),
        "--client-file", str(place.client_file), "--drive-folder", place.drive_folder,
    )  # fmt: skip
    student.well("sync", *here)
    to = tmp_path / "back"
    first, second = on_small_disk(to, full, "restore", *here, "--to", str(to))
    assert_said(full, first, second, {name: digest(content) for name, content in whole.items()})
