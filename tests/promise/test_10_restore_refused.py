"""Promise 10: what a restore leaves alone or cannot do, it says in one sentence each."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.core.tree import FileId, Standing
from jupyter_drive_sync.drive.transport import Call
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.restore import Request, Restore
from jupyter_drive_sync.errors import (
    DriveSyncError,
    HomeFull,
    HomeMissing,
    HomeUnwritable,
    NoSuchRevision,
    NotThere,
    RunCancelled,
    UsageError,
)
from jupyter_drive_sync.home import write
from jupyter_drive_sync.home.write import Landing
from tests.drive.ground import ROOT
from tests.engine.bringing import outcomes, restore
from tests.engine.world import World
from tests.promise.restoring import TREE, FullDisk, written

# -- what does not come back -----------------------------------------------------------------------


def document(world: World, name: str, mime: str, folder: FileId) -> None:
    """Make one of Google's own in the mirror, with our marks on it as a copy would have them."""
    app = {"jds": "1", "home": world.home_id, "w": "x"}
    made = {"name": name, "mimeType": mime, "parents": [folder], "appProperties": app}
    if mime.endswith("shortcut"):
        made["shortcutDetails"] = {"targetId": world.remote()["notes.txt"].id}
    body = json.dumps(made).encode()
    headers = {"content-type": "application/json"}
    call = Call("POST", f"{ROOT}/drive/v3/files", "files.create", headers, body)
    world.person.transport.send(call, lambda reply: reply)


def test_documents_shortcuts_and_links_are_listed(world: World) -> None:
    written(world)
    (world.home / "shortcut here").symlink_to("notes.txt")
    world.sync()
    document(world, "Essay", "application/vnd.google-apps.document", world.root)
    document(world, "Jump", "application/vnd.google-apps.shortcut", world.root)
    (world.home / "shortcut here").unlink()
    report = restore(world)
    why = {o.path: o.reason for o in report.outcomes if o.outcome == "skipped"}
    assert set(why) == {"Essay", "Jump", "shortcut here"}
    assert "Google document" in why["Essay"]
    assert "shortcut" in why["Jump"]
    assert "link" in why["shortcut here"]
    assert report.run.outcome == "completed"


def test_what_somebody_else_made_in_the_mirror_is_not_touched(world: World) -> None:
    files = written(world)
    world.sync()
    document(world, "Essay", "application/vnd.google-apps.document", world.root)
    body = json.dumps({"name": "stranger.txt", "parents": [world.root]}).encode()
    call = Call(
        "POST",
        f"{ROOT}/drive/v3/files",
        "files.create",
        {"content-type": "application/json"},
        body,
    )
    world.person.transport.send(call, lambda reply: reply)
    new = world.other("new")
    restore(new)
    assert new.local() == files


def test_a_file_that_is_removed_on_drive_meanwhile(world: World) -> None:
    written(world)
    world.sync()
    new = world.other("new")
    victim = world.remote()["notes.txt"].id

    def remove(wire: Any) -> Any:
        class Meddling:
            done = False

            def request(self, method: str, uri: str, headers: Any, body: Any) -> Any:
                if "alt=media" in uri and not self.done:
                    self.done = True
                    world.delete_on_drive(victim)
                return wire.request(method, uri, headers, body)

            def close(self) -> None:
                wire.close()

        return Meddling()

    new.wrap = remove
    report = restore(new)
    failed = [(o.path, o.reason) for o in report.outcomes if o.outcome == "failed"]
    assert failed == [("notes.txt", "is no longer on Drive")]
    assert report.run.outcome == "completed_with_errors"
    assert len(new.local()) == len(TREE) - 1


def test_what_arrives_damaged_is_never_put_in_place(world: World) -> None:
    written(world)
    world.sync()
    new = world.other("new")

    def garble(wire: Any) -> Any:
        class Garbling:
            def request(self, method: str, uri: str, headers: Any, body: Any) -> Any:
                reply = wire.request(method, uri, headers, body)
                if "alt=media" in uri and reply.body == b"notes":
                    return type(reply)(reply.status, reply.headers, b"nOtes")
                return reply

            def close(self) -> None:
                wire.close()

        return Garbling()

    new.wrap = garble
    report = restore(new)
    assert outcomes(report)["notes.txt"] == "failed"
    assert "notes.txt" not in new.local()
    assert len(new.local()) == len(TREE) - 1


# -- one sentence each -----------------------------------------------------------------------------


def refused(kind: type[DriveSyncError], work: Any, *words: str) -> str:
    with pytest.raises(kind) as caught:
        work()
    sentence = caught.value.sentence
    assert all(word in sentence for word in words), sentence
    assert sentence.rstrip(".").count(". ") <= 1, sentence
    return sentence


def test_bad_requests(world: World, tmp_path: Path) -> None:
    refused(NotThere, lambda: restore(world), "no mirror", "home/ann")
    written(world)
    world.sync()
    before = world.local()
    refused(NotThere, lambda: restore(world, "nothing.txt"), "nothing.txt", "nor in its trash")
    refused(NotThere, lambda: restore(world, to=tmp_path / "no"), "no folder", "no")
    refused(UsageError, lambda: restore(world, to=world.state), "state folder")
    refused(UsageError, lambda: restore(world, to=world.state / "x"), "state folder")
    refused(NotThere, lambda: restore(world, to=world.home / "notes.txt"), "no folder")
    refused(UsageError, lambda: restore(world, "a", revision="1", as_of=1.0), "not by both")
    refused(UsageError, lambda: restore(world, revision="1"), "one file")
    refused(UsageError, lambda: restore(world, "a", "b", revision="1"), "one file")
    refused(UsageError, lambda: restore(world, "course", revision="1"), "no file with versions")
    refused(NoSuchRevision, lambda: restore(world, "notes.txt", revision="x"), "notes.txt", "x")
    assert world.local() == before
    world.home.rename(world.folder / "away")
    refused(HomeMissing, lambda: restore(world))


def test_some_paths_are_not_there(world: World) -> None:
    written(world)
    world.sync()
    (world.home / "notes.txt").unlink()
    report = restore(world, "notes.txt", "nothing.txt")
    assert outcomes(report) == {"notes.txt": "restored", "nothing.txt": "failed"}
    assert report.run.outcome == "completed_with_errors"


def test_no_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    written(world)
    world.sync()
    new = world.other("new")
    monkeypatch.setattr(Landing, "free", lambda _: 100)
    refused(HomeFull, lambda: restore(new), "no room")
    assert list(new.home.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["mkdir", "open", "pwrite", "fsync", "link"])
def test_the_disk_is_full_at_each_step(
    world: World, call: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, nothing half, and with room again it goes on."""
    files = written(world)
    world.sync()
    for room in range(4):
        new = world.other(f"new-{room}")
        with monkeypatch.context() as patch:
            patch.setattr(write, "os", FullDisk(call, room, code))
            refused(HomeFull, lambda new=new: restore(new), "no room")
        assert new.local().items() <= files.items()
        restore(new)
        assert new.local() == files


def test_a_disk_that_is_read_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    written(world)
    world.sync()
    new = world.other("new")
    with monkeypatch.context() as patch:
        patch.setattr(write, "os", FullDisk("mkdir", 0, errno.EROFS))
        refused(HomeUnwritable, lambda: restore(new), "read-only")
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)
        refused(HomeUnwritable, lambda: restore(new), "no permission")
    assert list(new.home.iterdir()) == []


def test_a_name_that_the_disk_does_not_take(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file's problem, not the restore's."""
    written(world)
    world.sync()
    new = world.other("new")
    monkeypatch.setattr(write, "os", FullDisk("link", 0, errno.EILSEQ))
    report = restore(new)
    assert set(outcomes(report).values()) == {"failed"}
    assert all("does not take its name" in o.reason for o in report.outcomes)


def test_a_disk_without_links(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some network disks: the system renames without replacing instead."""
    files = written(world)
    world.sync()
    new = world.other("new")
    new.write("notes.txt", "mine")
    monkeypatch.setattr(write, "os", FullDisk("link", 0, errno.EOPNOTSUPP))
    restore(new)
    assert new.local().items() >= {**files, "notes.txt": b"mine"}.items()
    assert b"notes" in new.local().values()


def test_cancelled(world: World) -> None:
    """What came back is whole and stays; the same command goes on."""
    files = written(world)
    world.sync()
    new = world.other("new")
    asked = 0

    def permit() -> None:
        nonlocal asked
        asked += 1
        if asked > 4:
            raise RunCancelled

    progress = Progress(new.clock)
    work = Restore(new.site, new.connect(), new.executor, progress, "job", permit)
    with pytest.raises(RunCancelled):
        work.run(Request())
    assert new.local().items() <= files.items()
    restore(new)
    assert new.local() == files
    with new.ledger() as ledger:
        runs = ledger.runs()
    assert [run.outcome for run in runs] == ["completed", "failed"]


def test_a_restore_says_nothing_about_syncing(world: World) -> None:
    """Its run is in the history, with what became of each file; the mirror's records stay."""
    written(world)
    world.sync()
    standing = world.standing("notes.txt")
    (world.home / "notes.txt").unlink()
    report = restore(world)
    with world.ledger() as ledger:
        assert [o.outcome for o in ledger.outcomes(report.run.id)] == ["restored"]
        assert ledger.mirrored() == len(TREE)
    assert world.standing("notes.txt") is standing is Standing.MIRRORED
    assert world.sync().plan.writes == 0
