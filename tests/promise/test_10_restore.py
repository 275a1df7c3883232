"""Promise 10: restore brings the tree, a file, an older version back, never over newer work."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.core.tree import FileId, RelPath, Standing
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.drive.transport import Call
from jupyter_drive_sync.engine.check import check
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.restore import Request, Restore
from jupyter_drive_sync.engine.versions import Versions
from jupyter_drive_sync.errors import (
    DriveSyncError,
    HomeFull,
    HomeMissing,
    HomeUnwritable,
    MirrorHeld,
    NoSuchRevision,
    NotThere,
    Offline,
    RunCancelled,
    UsageError,
)
from jupyter_drive_sync.home import write
from jupyter_drive_sync.home.write import Landing
from tests.drive.ground import ROOT
from tests.engine.bringing import outcomes, restore
from tests.engine.world import World

TREE = {
    "notes.txt": "notes",
    "course/lab1.ipynb": '{"cells": []}',
    "course/data/raw.csv": "1,2\n" * 300,
    "tools/run.sh": "#!/bin/sh\n",
    ".profile": "export A=1\n",
    "na\u00efve \u2013 \u65e5\u672c.txt": "odd",
}


def written(world: World) -> dict[str, bytes]:
    for number, (path, content) in enumerate(TREE.items()):
        world.write(path, content, age=1000 + number)
    (world.home / "tools/run.sh").chmod(0o750)
    (world.home / "empty/deep").mkdir(parents=True)
    return {path: content.encode() for path, content in TREE.items()}


def assert_equal(world: World) -> None:
    """What a person would ask next: `check` says that all is equal."""
    found = check(world.site, world.connect(), world.progress)
    assert found.findings == ()
    assert found.equal == len(world.local())


def cut_after(downloads: int) -> Any:
    """Let the network go after so many downloads."""
    left = downloads

    class Cut:
        def __init__(self, wire: Any) -> None:
            self._wire = wire

        def request(self, method: str, uri: str, headers: Any, body: Any) -> Any:
            nonlocal left
            left -= "alt=media" in uri
            if left < 0:
                raise ConnectionResetError
            return self._wire.request(method, uri, headers, body)

        def close(self) -> None:
            self._wire.close()

    return Cut


def versions(world: World, path: str) -> list[str]:
    """Return the ids of a file's versions, newest first."""
    room = Versions(world.site, world.connect(), SecretsStore(world.state))
    return [each.id for each in room.of(RelPath(path)).revisions]


# -- another machine -------------------------------------------------------------------------------


def test_two_machines(world: World) -> None:
    """Mirror on one, lose it, restore on the other: equal, with modes, times and empty folders."""
    files = written(world)
    world.sync()
    before = {p: (world.home / p).stat() for p in files}
    shutil.rmtree(world.folder / "home")
    shutil.rmtree(world.state)
    new = world.other("new")
    report = restore(new)
    assert new.local() == files
    assert not report.source.own
    assert report.run.counters["restored"] == len(files)
    for path, was in before.items():
        now = (new.home / path).stat()
        assert now.st_mode == was.st_mode
        assert now.st_mtime_ns // 1_000_000 == was.st_mtime_ns // 1_000_000
    assert (new.home / "empty/deep").is_dir()
    assert new.sent["files.update"] == new.sent["files.create"] == new.sent["batch"] == 0

    with pytest.raises(MirrorHeld):
        new.sync()
    new.answer("take_over")
    assert new.sync().run.counters["uploaded"] == 0
    assert_equal(new)
    assert new.sync().plan.writes == 0


def test_a_new_home_is_offered_its_old_files(world: World) -> None:
    """Not "mirror this empty home": the first sync asks, and the first choice is to restore."""
    files = written(world)
    world.sync()
    new = world.other("new")
    new.write(".bashrc", "what the hub puts into every home")
    with pytest.raises(MirrorHeld):
        new.sync()
    (hold,) = new.holds()
    assert hold.kind == "other_home"
    assert hold.choices[0] == "restore"
    assert "the one that you had before" in hold.reason
    assert world.mirrored() == files
    new.answer("restore")
    report = new.sync()
    assert new.local() == {**files, ".bashrc": b"what the hub puts into every home"}
    counters = report.run.counters
    assert (counters["restored"], counters["uploaded"], counters["updated"]) == (len(files), 1, 0)
    assert new.holds() == []
    assert_equal(new)
    with pytest.raises(MirrorHeld):  # the old home asks before it writes there again
        world.sync()


def test_a_home_that_is_in_use_is_asked_otherwise(world: World) -> None:
    written(world)
    world.sync()
    new = world.other("new")
    new.write("thesis.txt", "mine")
    with pytest.raises(MirrorHeld):
        new.sync()
    (hold,) = new.holds()
    assert "that you had before" not in hold.reason
    new.answer("restore")
    new.sync()
    assert new.local()["thesis.txt"] == b"mine"
    assert_equal(new)


def test_the_same_name_with_other_content_in_both_homes(world: World) -> None:
    """Both are here afterwards, and both on Drive."""
    written(world)
    world.sync()
    new = world.other("new")
    new.write("notes.txt", "other notes")
    with pytest.raises(MirrorHeld):
        new.sync()
    new.answer("restore")
    new.sync()
    local = new.local()
    assert local["notes.txt"] == b"other notes"
    assert b"notes" in local.values()
    assert_equal(new)


def test_a_restore_for_an_answer_that_was_cut_short_begins_again(world: World) -> None:
    """Nothing is taken over before everything is here."""
    files = written(world)
    world.sync()
    new = world.other("new")
    with pytest.raises(MirrorHeld):
        new.sync()
    new.answer("restore")
    new.wrap = cut_after(3)
    with pytest.raises(Offline):
        new.sync()
    assert len(new.local()) - 1 == 3  # and one that was on its way
    assert world.sync().run.outcome == "completed"  # the mirror is still the old home's
    new.wrap = lambda wire: wire
    new.sync()
    assert new.local() == files
    assert_equal(new)


# -- held deletions --------------------------------------------------------------------------------


def test_held_deletions_are_brought_back(world: World) -> None:
    files = written(world)
    world.sync()
    shutil.rmtree(world.home / "course")
    world.sync()
    (hold,) = world.holds()
    assert hold.choices == ("restore", "keep", "trash")
    world.answer("restore")
    report = world.sync()
    assert world.local() == files
    assert world.holds() == []
    assert report.run.counters["restored"] == 2
    assert report.run.counters["uploaded"] == 0
    assert_equal(world)


def test_some_of_the_held_ones(world: World) -> None:
    files = written(world)
    world.sync()
    shutil.rmtree(world.home / "course")
    world.sync()
    world.answer("restore", "course/data")
    world.sync()
    del files["course/lab1.ipynb"]
    assert world.local() == files
    (hold,) = world.holds()
    assert hold.count == 1
    assert not any(entry.trashed for entry in world.objects(trashed=True))


def test_what_waits_for_its_restore_stays_guarded(world: World) -> None:
    """A half restore leaves fewer files missing than the guard would hold: they are held on."""
    for number in range(20):
        world.write(f"f{number}.txt", f"{number}")
    world.sync()
    for number in range(8):
        (world.home / f"f{number}.txt").unlink()
    world.sync()
    assert world.holds()[0].count == 8
    world.answer("restore")
    world.wrap = cut_after(6)
    with pytest.raises(Offline):
        world.sync()
    world.wrap = lambda wire: wire
    assert len(world.local()) - 1 == 18  # and one that was on its way
    assert not any(entry.trashed for entry in world.objects(trashed=True))
    world.sync()
    assert len(world.local()) == 20
    assert world.holds() == []


def test_a_held_file_that_drive_has_lost(world: World) -> None:
    written(world)
    world.sync()
    shutil.rmtree(world.home / "course")
    world.sync()
    world.delete_on_drive(world.remote()["course/lab1.ipynb"].id)
    world.answer("restore")
    report = world.sync()
    assert (world.home / "course/data/raw.csv").exists()
    assert any(o.path == "course/lab1.ipynb" for o in report.outcomes)
    world.sync()
    assert world.holds() == []
    assert_equal(world)


# -- parts, versions, the trash --------------------------------------------------------------------


def test_a_folder_and_a_file(world: World) -> None:
    files = written(world)
    world.sync()
    shutil.rmtree(world.home)
    world.home.mkdir()
    assert outcomes(restore(world, "course", "notes.txt")) == {
        "course/data/raw.csv": "restored",
        "course/lab1.ipynb": "restored",
        "notes.txt": "restored",
    }
    assert world.local() == {p: c for p, c in files.items() if p[:6] in ("course", "notes.")}


def test_a_file_from_the_trash(world: World) -> None:
    files = written(world)
    world.sync()
    (world.home / "notes.txt").unlink()
    assert world.sync().run.counters["trashed"] == 1
    assert outcomes(restore(world)) == {}  # the tree is what lives
    assert outcomes(restore(world, "notes.txt")) == {"notes.txt": "restored"}
    assert world.local() == files
    world.sync()
    assert_equal(world)


def test_a_folder_that_was_trashed_on_drive(world: World) -> None:
    files = written(world)
    world.sync()
    entries = {e.name: e for e in world.objects()}
    world.change_on_drive(entries["course"].id, trashed=True)
    shutil.rmtree(world.home / "course")
    assert len(outcomes(restore(world, "course"))) == 2
    assert world.local() == files


def test_the_whole_mirror_was_trashed_on_drive(world: World) -> None:
    files = written(world)
    world.sync()
    world.change_on_drive(world.root, trashed=True)
    new = world.other("new")
    restore(new)
    assert new.local() == files


def test_from_the_trash_too(world: World) -> None:
    """Of two that were trashed at one path the newer one comes, and only where nothing lives."""
    written(world)
    world.sync()
    for text in ("first", "second"):
        world.write("gone.txt", text)
        world.write("back.txt", text, age=5000)
        world.sync()
        (world.home / "gone.txt").unlink()
        (world.home / "back.txt").unlink()
        world.sync()
        world.clock.advance(90_000)
    world.write("back.txt", "third")
    world.sync()
    assert outcomes(restore(world, trashed=True)) == {"gone.txt": "restored"}
    assert world.local()["gone.txt"] == b"second"


def test_an_older_version(world: World) -> None:
    """It comes beside the current one; where there is none, to its own place."""
    world.write("a.txt", "one")
    world.sync()
    world.write("a.txt", "two", age=60)
    world.sync()
    newest, oldest = versions(world, "a.txt")
    report = restore(world, "a.txt", revision=oldest)
    assert outcomes(report) == {"a.txt": "beside"}
    assert world.local()["a.txt"] == b"two"
    assert sorted(world.local().values()) == [b"one", b"two"]
    again = restore(world, "a.txt", revision=oldest)
    assert again.run.counters["unchanged"] == 1
    assert restore(world, "a.txt", revision=newest).run.counters["unchanged"] == 1
    shutil.rmtree(world.home)
    world.home.mkdir()
    restore(world, "a.txt", revision=oldest)
    assert world.local() == {"a.txt": b"one"}


def test_as_of_a_time(world: World) -> None:
    """The tree as Drive had it: older versions, what was trashed since, nothing younger."""
    for path in ("a.txt", "gone.txt", "same.txt", "x.txt", "y.txt"):
        world.write(path, f"old {path}")
    world.sync()
    then = world.clock.wall() + 60
    world.clock.advance(3600)
    world.write("a.txt", "new a", age=10)
    world.write("younger.txt", "new", age=10)
    (world.home / "gone.txt").unlink()
    world.sync()
    to = world.folder / "then"
    to.mkdir()
    report = restore(world, to=to, as_of=then)
    names = ("a.txt", "gone.txt", "same.txt", "x.txt", "y.txt")
    assert {p.name: p.read_text() for p in to.iterdir()} == {n: f"old {n}" for n in names}
    assert outcomes(report)["younger.txt"] == "skipped"


def test_to_another_folder(world: World) -> None:
    files = written(world)
    world.sync()
    to = world.folder / "copy"
    to.mkdir()
    restore(world, to=to)
    assert {str(p.relative_to(to)) for p in to.rglob("*") if p.is_file()} == set(files)
    assert world.local() == files
    assert world.sync().plan.writes == 0


def test_a_dry_run_does_nothing(world: World) -> None:
    files = written(world)
    world.sync()
    new = world.other("new")
    report = restore(new, dry_run=True)
    assert {step.path for step in report.plan.steps} == set(files)
    assert report.plan.bytes == sum(map(len, files.values()))
    assert list(new.home.iterdir()) == []
    with new.ledger() as ledger:
        assert ledger.runs() == []


# -- never over something of yours -----------------------------------------------------------------


@pytest.mark.parametrize("age", [10, 100_000], ids=["newer", "older, and never synced"])
def test_what_was_not_synced_stays_as_it_is(world: World, age: float) -> None:
    written(world)
    world.sync()
    world.write("notes.txt", "unsynced", age=age)
    world.edit_on_drive("notes.txt", b"edited there")
    report = restore(world, "notes.txt")
    assert outcomes(report) == {"notes.txt": "beside"}
    assert (world.home / "notes.txt").read_text() == "unsynced"
    assert b"edited there" in world.local().values()
    assert restore(world, "notes.txt").run.counters["unchanged"] == 1


def test_an_edit_on_drive_comes_into_its_place(world: World) -> None:
    """What is here is what Drive has as an older version, so nothing can be lost."""
    written(world)
    world.sync()
    world.edit_on_drive("notes.txt", b"edited there, and longer")
    world.sync()
    before = world.local()
    report = restore(world)
    assert outcomes(report) == {"notes.txt": "restored"}
    assert world.local() == {**before, "notes.txt": b"edited there, and longer"}
    after = world.sync()
    assert after.plan.writes == 0
    assert after.run.counters["newer_on_drive"] == 0
    assert_equal(world)


def test_where_the_disk_cannot_exchange_files(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on NFS: the edit comes beside the file, never over it."""
    written(world)
    world.sync()
    world.edit_on_drive("notes.txt", b"edited there")
    world.sync()
    monkeypatch.setattr(write, "_rename", lambda *_: False)
    assert outcomes(restore(world)) == {"notes.txt": "beside"}
    assert (world.home / "notes.txt").read_text() == "notes"
    assert b"edited there" in world.local().values()


@pytest.mark.parametrize("how", ["in place", "as editors do"])
def test_a_file_that_is_saved_while_its_edit_comes(
    world: World, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the last moment before the two would be exchanged."""
    written(world)
    world.sync()
    world.edit_on_drive("notes.txt", b"edited there")
    world.sync()
    real = Landing.exchange

    def late(landing: Landing, *args: Any) -> bool:
        save(world, how, "saved here")
        return real(landing, *args)

    monkeypatch.setattr(Landing, "exchange", late)
    assert outcomes(restore(world)) == {"notes.txt": "beside"}
    assert (world.home / "notes.txt").read_text() == "saved here"
    assert b"edited there" in world.local().values()


@pytest.mark.parametrize("expected", [True, False], ids=["once", "twice"])
def test_a_file_that_is_saved_in_the_middle_of_the_exchange(
    world: World, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the exchange and the look at what came out of it: every save is still there."""
    written(world)
    world.sync()
    world.edit_on_drive("notes.txt", b"edited there")
    world.sync()
    saves = ["second save"] if expected else ["third save"]
    real, rename = Landing.exchange, write._rename

    def late(landing: Landing, *args: Any) -> bool:
        if not expected:
            save(world, "as editors do", "second save")
        return real(landing, *args)

    def renamed(*args: Any) -> bool:
        done = rename(*args)
        if saves:
            save(world, "as editors do", saves.pop())
        return done

    monkeypatch.setattr(Landing, "exchange", late)
    monkeypatch.setattr(write, "_rename", renamed)
    restore(world)
    saved = {b"second save"} if expected else {b"second save", b"third save"}
    assert saved <= set(world.local().values())
    assert world.local()["notes.txt"] in saved
    assert not [path for path in world.local() if path.endswith("drive-sync-part")]


def save(world: World, how: str, text: str) -> None:
    path = world.home / "notes.txt"
    if how == "in place":
        path.write_text(text)
        return
    draft = path.with_name("draft")
    draft.write_text(text)
    draft.replace(path)


def test_a_folder_in_the_place_of_a_file_and_the_other_way_round(world: World) -> None:
    written(world)
    world.sync()
    new = world.other("new")
    new.write("notes.txt/inside", "a folder here")
    new.write("course", "a file here")
    report = restore(new)
    local = new.local()
    assert local["notes.txt/inside"] == b"a folder here"
    assert local["course"] == b"a file here"
    assert local["course (from Drive)/data/raw.csv"] == TREE["course/data/raw.csv"].encode()
    assert outcomes(report)["notes.txt"] == "beside"
    assert restore(new).run.counters["unchanged"] == len(TREE)


def test_a_racy_file_is_not_replaced(world: World) -> None:
    """Saved within the same tick as it was read: nobody knows whether it changed since."""
    written(world)
    world.sync()
    world.edit_on_drive("notes.txt", b"edited there")
    world.sync()
    now = max((world.home / "notes.txt").stat().st_ctime, 2_000_000_000)
    os.utime(world.home / "notes.txt", (now, now))
    assert outcomes(restore(world)) == {"notes.txt": "beside"}


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


class FullDisk:
    """``os`` of a disk that has room for a few more writes."""

    def __init__(self, call: str, room: int, code: int = errno.ENOSPC) -> None:
        self._call, self.room, self._code = call, room, code

    def __getattr__(self, call: str) -> Any:
        real = getattr(os, call)
        if call != self._call:
            return real

        def limited(*args: Any, **options: Any) -> Any:
            self.room -= 1
            if self.room < 0:
                raise OSError(self._code, os.strerror(self._code))
            return real(*args, **options)

        return limited


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
