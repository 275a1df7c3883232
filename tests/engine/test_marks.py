"""How the entries of a folder stand, as a file browser shows them."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace

import pytest

from jupyter_drive_sync.core.tree import Kind, RelPath
from jupyter_drive_sync.drive.types import Patch
from jupyter_drive_sync.engine.marks import FolderView, find_on_drive, look
from jupyter_drive_sync.engine.records import FileOutcome, Run
from jupyter_drive_sync.engine.report import Status
from jupyter_drive_sync.errors import Vanished
from jupyter_drive_sync.home.read import Home
from tests.engine.world import World


def view(world: World, path: str = "", *saved: str) -> FolderView:
    with world.ledger() as ledger, Home(world.home, clock=world.clock) as home:
        return look(world.site, home, ledger, RelPath(path), [*map(RelPath, saved)])


def marks(found: FolderView) -> dict[str, str]:
    return {mark.outcome.path: mark.outcome.outcome for mark in found.marks}


def remember(world: World, *outcomes: FileOutcome) -> None:
    """Close a run that was about other files, or could not do these."""
    with world.ledger() as ledger:
        number = ledger.begin("job", world.clock.wall())
        ledger.end(Run(number, "job", 1.0, 2.0, "completed_with_errors"), outcomes, mirrored=0)


@pytest.fixture
def mirrored(world: World) -> World:
    world.write("course/lab.ipynb", "{}")
    world.write("course/data/a.csv", "1,2")
    world.write("notes.txt", "notes")
    world.sync()
    return world


def test_nothing_is_claimed_before_there_is_a_mirror(world: World) -> None:
    world.write("notes.txt", "notes")
    assert view(world) == FolderView(RelPath(""), known=False)
    with world.ledger() as ledger:
        assert find_on_drive(ledger, RelPath("notes.txt")) is None
        assert find_on_drive(ledger, RelPath("")) is None


def test_what_is_synced_has_no_mark_and_the_stat_that_was_copied(mirrored: World) -> None:
    found = view(mirrored)
    assert found.known
    assert found.marks == ()
    status = (mirrored.home / "notes.txt").stat()
    assert {name: stat[:2] for name, stat in found.mirrored.items()} == {
        "notes.txt": (status.st_size, status.st_mtime_ns)
    }
    # Whoever compares sees that it waits; so does what is new.
    mirrored.write("notes.txt", "edited")
    mirrored.write("new.txt", "new")
    later = view(mirrored)
    assert later.mirrored == found.mirrored
    assert later.marks == ()


def test_what_a_rule_leaves_out_is_marked_at_once(mirrored: World) -> None:
    mirrored.write("big.bin", b"x" * 2000)
    mirrored.write(".cache/junk", "junk")
    mirrored.write("env/pyvenv.cfg", "")
    mirrored.write("course/data/tmp/x", "x")
    (mirrored.home / "link").symlink_to("notes.txt")
    os.mkfifo(mirrored.home / "pipe")
    mirrored.settings = replace(
        mirrored.settings, max_file_size=1000, excludes=("/course/data/", "/notes.txt")
    )
    found = view(mirrored)
    assert marks(found) == dict.fromkeys(
        (".cache", "big.bin", "env", "link", "notes.txt", "pipe"), "left_out"
    )
    reasons = {mark.outcome.path: str(mark.outcome.reason) for mark in found.marks}
    assert reasons["big.bin"] == "larger than 1,000 bytes (your limit)"
    assert reasons["notes.txt"] == 'excluded by rule "/notes.txt (excludes)"'
    assert [mark.folder for mark in found.marks] == [True, False, True, False, False, False]
    # What is left out inside a folder is no matter of the folder.
    assert marks(view(mirrored, "course")) == {"course/data": "left_out"}
    inside = view(mirrored, "course/data/tmp")
    assert inside.left_out is not None
    assert 'excluded by rule "/course/data/' in inside.left_out
    assert view(mirrored, "env").left_out is not None


def test_a_folder_behind_a_link_is_left_out(mirrored: World) -> None:
    (mirrored.home / "shared").symlink_to(mirrored.home / "course")
    found = view(mirrored, "shared")
    assert found.left_out == "link, not followed"
    assert view(mirrored, "shared/data").left_out == "link, not followed"


def test_a_folder_that_is_gone(mirrored: World) -> None:
    with pytest.raises(Vanished):
        view(mirrored, "gone")


def test_a_new_folder_waits_once_it_holds_anything(mirrored: World) -> None:
    (mirrored.home / "empty/deep").mkdir(parents=True)
    mirrored.write("cached/__pycache__/x.pyc", "x")
    mirrored.write("fresh/deep/file.txt", "x")
    (mirrored.home / "many").mkdir()
    for number in range(2001):
        (mirrored.home / "many" / f"{number}").mkdir()
    assert marks(view(mirrored)) == {"fresh": "waiting", "many": "waiting"}


def test_what_was_saved_lets_the_folders_above_wait(mirrored: World) -> None:
    assert marks(view(mirrored, "", "course/data/a.csv", "other")) == {"course": "waiting"}
    assert marks(view(mirrored, "course", "course/data/a.csv")) == {"course/data": "waiting"}


def failed_twice(world: World) -> None:
    """Let the status say that a second sync left something behind."""
    Status(status="completed_with_errors", failed_runs=2).save(world.state)


def test_what_failed_once_waits_for_the_next_sync(mirrored: World) -> None:
    mirrored.write("course/data/a.csv", "edited")
    failed = FileOutcome(RelPath("course/data/a.csv"), "failed", "changed while it was read")
    remember(mirrored, failed)
    assert marks(view(mirrored)) == {"course": "waiting"}
    found = view(mirrored, "course/data")
    assert [mark.outcome for mark in found.marks] == [replace(failed, outcome="waiting")]
    failed_twice(mirrored)
    assert marks(view(mirrored, "course/data")) == {"course/data/a.csv": "failed"}
    # Where somebody has to do something, nobody waits for the next sync.
    full = {"code": "drive.full", "who": "user", "params": {}, "sentence": ""}
    Status(status="failed", problem=full).save(mirrored.state)
    assert marks(view(mirrored)) == {"course": "failed"}


def test_a_failure_stays_until_it_is_mended(mirrored: World) -> None:
    failed_twice(mirrored)
    mirrored.write("course/data/a.csv", "edited")
    failed = FileOutcome(RelPath("course/data/a.csv"), "failed", "changed while it was read")
    remember(mirrored, failed, FileOutcome(RelPath("notes.txt"), "failed", "why"))
    assert marks(view(mirrored)) == {"course": "failed", "notes.txt": "failed"}
    found = view(mirrored, "course/data")
    assert [mark.outcome for mark in found.marks] == [failed]
    # A later sync of other files says nothing of this one, but notes.txt is as it was copied.
    remember(mirrored, FileOutcome(RelPath("other"), "uploaded"))
    assert marks(view(mirrored)) == {"course": "failed"}
    mirrored.sync("course")
    assert marks(view(mirrored)) == {}
    # One that was taken away cannot have failed.
    remember(mirrored, FileOutcome(RelPath("course/gone.txt"), "failed", "why"))
    remember(mirrored)
    shutil.rmtree(mirrored.home / "course/data")
    assert marks(view(mirrored)) == {}


def test_a_folder_that_failed_itself(mirrored: World) -> None:
    failed_twice(mirrored)
    remember(mirrored, FileOutcome(RelPath("course/"), "failed", "drive.tree_limit"))
    assert marks(view(mirrored)) == {"course": "failed"}
    remember(mirrored)
    assert marks(view(mirrored)) == {}


def test_a_file_without_permission_fails_live(
    mirrored: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda name, *_, **__: name != b"notes.txt")  # root may all
    assert marks(view(mirrored)) == {"notes.txt": "failed"}


def test_what_drive_shows_otherwise(mirrored: World) -> None:
    remote = mirrored.remote()
    mirrored.clock.advance(600)
    mirrored.person.replace_file(Patch(remote["notes.txt"].id, name="notes.txt"), b"on Drive")
    mirrored.sync()
    assert marks(view(mirrored)) == {"notes.txt": "newer_on_drive"}
    # An edit here goes up, whatever is there.
    mirrored.write("notes.txt", "edited here")
    assert marks(view(mirrored)) == {}


def test_where_it_lies_on_drive(mirrored: World) -> None:
    remote = mirrored.remote()
    with mirrored.ledger() as ledger:
        root = find_on_drive(ledger, RelPath(""))
        assert root is not None
        assert root.link == ledger.get("root_link")
        lab = find_on_drive(ledger, RelPath("course/lab.ipynb"))
        assert lab is not None
        assert lab.id == remote["course/lab.ipynb"].id
        assert lab.link.endswith(f"/file/d/{lab.id}/view")
        assert lab.colab == f"https://colab.research.google.com/drive/{lab.id}"
        notes = find_on_drive(ledger, RelPath("notes.txt"))
        assert notes is not None
        assert notes.colab == ""
        course = find_on_drive(ledger, RelPath("course"))
        assert course is not None
        assert course.link == root.link.replace(root.id, course.id)
        assert find_on_drive(ledger, RelPath("new.txt")) is None
        # LocalDrive's page opens it; Google's has the same form.
        (known,) = ledger.at([RelPath("course")]).values()
        assert known.kind is Kind.FOLDER


def test_a_large_folder_costs_little(mirrored: World) -> None:
    """10,000 entries: 1.5 s of a thread at most on a busy machine, no request, one query a 500."""
    folder = mirrored.home / "many"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"file {number}.txt").touch()
    begun = time.thread_time()
    found = view(mirrored, "many")
    assert time.thread_time() - begun < 1.5
    assert found.marks == ()
