"""Issue 6: an import storage with a service account from a link-shared folder, and bad inputs.

As a student does it: by the command line, with real children and a LocalDrive behind a socket.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.cli.commands import run
from jupyter_drive_sync.demo.ground import Ground
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.wire import Request
from jupyter_drive_sync.runner.parent import Child
from jupyter_drive_sync.storage import open_storage
from tests.acceptance.real_child import WatchedDrive
from tests.storage.instructor import DOCUMENT, SHORTCUT, Instructor

CHUNK = 256 * 1024
CHUNKS = 24


@dataclass
class Student:
    """Somebody with a home and a terminal, who never connected a Drive of their own."""

    home: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command; returns status, stdout, and the lines on stderr that are no progress."""
        self.capture.readouterr()
        code = run(arguments)
        said = self.capture.readouterr()
        progress = ("Asking", "Looking", "Copying", "Checking", "Starting")
        errors = [line for line in said.err.splitlines() if not line.startswith(progress)]
        assert "Traceback" not in said.out + said.err
        return code, said.out, "\n".join(errors)

    def well(self, *arguments: str) -> str:
        code, out, err = self.run(*arguments)
        assert code == 0, err
        return out

    def refused(self, *arguments: str) -> tuple[int, str]:
        """Run what must be refused, in one sentence on one line."""
        code, _, err = self.run(*arguments)
        assert code != 0
        assert len(err.splitlines()) == 1, err
        return code, err

    def record(self, *arguments: str) -> dict[str, Any]:
        """Run something with ``--json``; returns what its run says."""
        _, out, _ = self.run(*arguments, "--json")
        records = [json.loads(line) for line in out.splitlines()]
        (found,) = [record for record in records if record["event"] == "run"]
        return found

    def here(self, folder: str = "course") -> dict[str, str]:
        root = self.home / folder
        return {
            str(path.relative_to(root)): path.read_text("latin-1")
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def drive() -> Iterator[tuple[WatchedDrive, Ground]]:
    with WatchedDrive() as made, LocalDriveServer(made) as server:
        yield made, Ground(made, server.url, Path(), Path())


@pytest.fixture
def student(
    drive: tuple[WatchedDrive, Ground],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Student:
    home = tmp_path / "ann"
    home.mkdir()
    for name, value in {
        "HOME": str(home),
        "XDG_STATE_HOME": str(tmp_path),
        "DRIVE_SYNC_API_ENDPOINT": drive[1].url,
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(home)
    return Student(home, capsys)


@pytest.fixture
def instructor(drive: tuple[WatchedDrive, Ground], student: Student) -> Instructor:
    made = Instructor(drive[1])
    made.make_key(student.home / "key.json")
    made.put("lab1.ipynb", "one")
    data = made.drive.folder("data", parents=[made.folder])
    made.put("a.csv", "1,2", folder=data)
    return made


def test_course_material_by_a_link(student: Student, instructor: Instructor) -> None:
    instructor.share()
    instructor.put_document("Syllabus")
    instructor.put_document("Elsewhere", SHORTCUT, shortcutDetails={"targetId": instructor.folder})
    add = ("storages", "add", "course", "course", instructor.link, "--key", "key.json")
    said = student.well(*add, "--schedule", "0 5 * * *")
    assert f"It works: {instructor.email} found the folder Course A, and read " in said

    code, out, err = student.run("storages", "run", "course")
    assert (code, err) == (0, "")
    assert student.here() == {"lab1.ipynb": "one", "data/a.csv": "1,2"}
    assert "Syllabus  (not brought back: a Google document; it can be opened on Drive)" in out
    assert "Elsewhere  (not brought back: a shortcut" in out
    assert "2 new here, 2 not brought back" in out

    # Each morning only what changed comes, and over nobody's work.
    (student.home / "course/lab1.ipynb").write_text("my answer")
    instructor.put("a.csv", "3,4")
    instructor.put("lab2.ipynb", "two")
    run = student.record("storages", "run", "course")
    assert {file["path"]: file["outcome"] for file in run["files"]} == {
        "lab1.ipynb": "edited_here",
        "data/a.csv": "refreshed",
        "lab2.ipynb": "brought",
        "Syllabus": "skipped",
        "Elsewhere": "skipped",
    }
    assert student.here() == {"lab1.ipynb": "my answer", "lab2.ipynb": "two", "data/a.csv": "3,4"}
    instructor.put("lab1.ipynb", "corrected")
    run = student.record("storages", "run", "course")
    assert [f["outcome"] for f in run["files"] if f["path"] == "lab1.ipynb"] == ["beside"]
    here = student.here()
    assert here.pop("lab1.ipynb") == "my answer"
    assert "corrected" in here.values()
    assert "course  course <- https://drive" in student.well("storages", "list")
    shown = student.well("storages", "show", "course")
    assert "schedule: 0 5 * * *" in shown
    assert (
        "BEGIN PRIVATE KEY"
        not in (student.home.parent / "jupyter-drive-sync/settings.json").read_text()
    )


def test_one_file_of_a_configuration(student: Student, instructor: Instructor) -> None:
    instructor.share()
    args = {"storage_folder_id": instructor.folder, "service_account_key_filepath": "key.json"}
    config = {"trainer": {"external_storage": {"type": "GDriveStorage", "args": args}}}
    (student.home / "config.json").write_text(json.dumps(config))
    student.well("download", "--config", "config.json", "data/a.csv", "--to", "models")
    assert student.here("models") == {"data/a.csv": "1,2"}
    code, said = student.refused("download", "--config", "config.json", "nope.pt")
    assert (code, said) == (2, "There is no nope.pt in that folder on Drive.")
    code, said = student.refused("download", "--config", "nope.json", "a")
    assert (code, "there is no file" in said) == (2, True)


def add(*more: str, folder: str) -> tuple[str, ...]:
    return ("storages", "add", "course", "course", folder, "--key", "key.json", *more)


def test_every_bad_input_is_one_sentence(student: Student, instructor: Instructor) -> None:
    wrong = instructor.folder[:-4] + "AAAA"
    code, said = student.refused(*add(folder=wrong))
    assert code == 2
    assert said.startswith(f"Google Drive shows no folder {wrong} to {instructor.email}")

    code, said = student.refused(*add(folder=instructor.link))  # not shared with anybody
    assert (code, "or it is not shared with that account" in said) == (2, True)

    instructor.share()
    code, said = student.refused(*add(folder=f"https://drive.google.com/file/d/{wrong}/view"))
    assert (code, "it is the address of a file" in said) == (2, True)
    lab = instructor.files["lab1.ipynb"]
    assert (
        "is a file on Google Drive (lab1.ipynb), not a folder"
        in student.refused(*add(folder=lab))[1]
    )

    page = instructor.ground.drive.console.publish(b"<html>Sign in</html>")
    key = ("storages", "add", "course", "course", instructor.link, "--key")
    code, said = student.refused(*key, f"{instructor.ground.url}{page}")
    assert (code, "it is a web page, not a key" in said) == (2, True)
    assert (
        "there is nothing at its address"
        in student.refused(*key, f"{instructor.ground.url}/keys/x")[1]
    )
    assert (
        "is fetched by https alone" in student.refused(*key, "http://keys.example.edu/key.json")[1]
    )
    assert "there is no such file" in student.refused(*key, "nope.json")[1]
    (student.home / "other.json").write_text('{"installed": {}}')
    assert "it is an OAuth client's file" in student.refused(*key, "other.json")[1]

    empty = instructor.drive.folder("Empty")
    instructor.share(empty)
    code, said = student.refused(*add(folder=empty))
    assert (code, "it is empty, or what is in it is not shared with us" in said) == (2, True)
    instructor.drive.create("Doc", None, mimeType=DOCUMENT, parents=[empty])
    assert "what is there are documents of Google" in student.refused(*add(folder=empty))[1]
    said = student.refused(*add("--exclude", "*", folder=instructor.link))[1]
    assert "its rules leave out all that is there" in said

    out = ("storages", "add", "out", "out", instructor.link, "--key", "key.json", "--export")
    instructor.share(type="user", role="writer", emailAddress=instructor.email)
    code, said = student.refused(*out)
    assert (code, "it would own the files there" in said) == (2, True)

    for arguments, words in (
        (("storages", "run", "nope"), "There is no storage nope"),
        (("storages", "add", "home", "a", "b"), "home is the mirror of the home"),
        (("storages", "add", "a", "/etc", "b"), "lies outside of the home"),
        (("storages", "add", "a", "b", "c", "--schedule", "noon"), "has not the five fields"),
        (("storages", "add", "a", "b", "c"), "No Google client is set up here"),
        (("storages", "authorize", "nope"), "There is no storage nope"),
    ):
        assert words in student.refused(*arguments)[1], arguments
    assert not (student.home / "course").exists()
    assert student.well("storages", "list").startswith("home  ")


def test_what_happens_on_the_way_is_one_sentence(
    student: Student, instructor: Instructor, drive: tuple[WatchedDrive, Ground]
) -> None:
    instructor.share()
    student.well(*add(folder=instructor.link))
    lab = instructor.files["lab1.ipynb"]

    def vanish(request: Request) -> None:
        """The file is removed between the listing and its download."""
        if is_content(request) and lab in request.path:
            drive[0].before = lambda _: None
            instructor.drive.ask("DELETE", f"/files/{lab}")

    drive[0].before = vanish
    code, out, err = student.run("storages", "run", "course")
    drive[0].before = lambda _: None
    assert (code, err) == (1, "")
    assert "lab1.ipynb  (not synced: is no longer on Drive)" in out
    assert student.here() == {"data/a.csv": "1,2"}
    assert student.well("storages", "run", "course").splitlines()[0].startswith("1 unchanged")

    instructor.drive.ask("PATCH", f"/files/{instructor.folder}", {"trashed": True})
    code, said = student.refused("storages", "run", "course")
    assert (code, "is in Google Drive's trash" in said) == (2, True)
    assert "is in Google Drive's trash" in student.well("storages", "list")
    assert student.here() == {"data/a.csv": "1,2"}

    (student.home / "key.json").write_text("{}")
    assert "it is not a service account's key" in student.refused("storages", "run", "course")[1]


def is_content(request: Request) -> bool:
    return request.parameters.get("alt") == ("media",)


class Hand:
    """Kills the child that runs, at its n-th request of a kind; for content by default."""

    def __init__(
        self,
        drive: WatchedDrive,
        monkeypatch: pytest.MonkeyPatch,
        which: Callable[[Request], bool] = is_content,
    ) -> None:
        self._which = which
        self.at = self.asked = self.bytes = 0
        self._lock = threading.Lock()
        self._child: Child | None = None
        real = Child.__init__

        def born(child: Child, *args: Any, **options: Any) -> None:
            real(child, *args, **options)
            self._child = child

        monkeypatch.setattr(Child, "__init__", born)
        drive.before = self._reach

    def _reach(self, request: Request) -> None:
        if not self._which(request):
            return
        with self._lock:
            self.asked += 1
            if self.asked == self.at and self._child is not None:
                self._child.kill()


def test_killed_imports_go_on(
    student: Student,
    instructor: Instructor,
    drive: tuple[WatchedDrive, Ground],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The records say how it died, and a large file goes on where it was."""
    instructor.share()
    big = os.urandom(CHUNK * CHUNKS)
    instructor.put("big.bin", big)
    student.well("settings", "chunk_size", str(CHUNK))
    student.well("settings", "small_file", "1000")
    student.well(*add(folder=instructor.link))
    hand = Hand(drive[0], monkeypatch)
    asked = 0
    for _ in range(3):
        hand.at, hand.asked = 6, 0
        code, said = student.refused("storages", "run", "course")
        assert (code, said.startswith("The sync was stopped: its process was killed.")) == (4, True)
        asked += hand.asked
        assert "its process was killed" in student.well("storages", "list")
    hand.at, hand.asked = 0, 0
    student.well("storages", "run", "course")
    asked += hand.asked
    assert (student.home / "course/big.bin").read_bytes() == big
    assert CHUNKS < asked <= CHUNKS + 2 + 3 * 3  # what was in flight with each death comes again
    assert student.well("storages", "run", "course").startswith("3 unchanged")


def test_a_checkpoint_that_is_cut_short_goes_on(
    student: Student,
    instructor: Instructor,
    drive: tuple[WatchedDrive, Ground],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As 5 GB would, in smaller chunks: at most one chunk is sent again for each death."""
    folder = instructor.shared_folder("Lab", "runs")
    big = os.urandom(CHUNK * CHUNKS)
    (student.home / "last.pt").write_bytes(big)
    for name, value in (("chunk_size", CHUNK), ("small_file", 1000)):
        student.well("settings", name, str(value))
    config = {"storage_folder_id": folder, "service_account_key_filepath": "key.json"}
    storage = open_storage(config, progress=False)
    hand = Hand(drive[0], monkeypatch, lambda request: bool(request.header("content-range")))
    deaths = 3
    for _ in range(deaths):
        hand.at, hand.asked = 6, 0
        with pytest.raises(DriveSyncError, match="its process was killed"):
            storage.export("last.pt")
    hand.at = 0
    assert storage.export("last.pt").outcomes == {"last.pt": "uploaded"}
    assert len(big) <= drive[0].chunk_bytes <= len(big) + deaths * CHUNK
    (file,) = storage.list()
    assert file.md5 == hashlib.md5(big, usedforsecurity=False).hexdigest()
    (student.home / "last.pt").write_bytes(b"smaller")
    storage.export("last.pt")
    assert [(each.id, each.size) for each in storage.list()] == [(file.id, 7)]


def test_in_the_name_of_a_person(student: Student, instructor: Instructor) -> None:
    """An organisation's administrator delegates its people to the account: then they own files."""
    config = {
        "storage_folder": "runs",
        "service_account_key_filepath": "key.json",
        "subject": "ann@example.edu",
    }
    (student.home / "a.txt").write_text("1")
    storage = open_storage(config, progress=False)
    with pytest.raises(DriveSyncError, match=r"may not act for ann@example\.edu"):
        storage.export("a.txt")
    scopes = [f"https://www.googleapis.com/auth/{name}" for name in ("drive", "drive.readonly")]
    services = instructor.ground.drive.oauth.services
    services.delegate(instructor.email, "example.edu", scopes)
    assert storage.validate_connection(writing=True).account == "ann@example.edu"
    assert storage.export("a.txt").outcomes == {"a.txt": "uploaded"}
    assert [file.name for file in storage.list()] == ["a.txt"]
