"""The versions of a file, and taking a run back on Drive."""

from __future__ import annotations

import hashlib

import pytest

from jupyter_drive_sync.core.tree import RelPath, Standing
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.drive.types import PinRevision, Revision
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.undo import Undo, UndoReport
from jupyter_drive_sync.engine.versions import FileVersions, Versions
from jupyter_drive_sync.errors import (
    CannotPin,
    NoSuchRevision,
    NothingToUndo,
    NotThere,
    UsageError,
)
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.engine.bringing import outcomes, restore
from tests.engine.world import World, make_world
from tests.virtual_clock import VirtualClock

A = RelPath("a.txt")


def room(world: World) -> Versions:
    world.clock.advance(60)
    return Versions(world.site, world.connect(), SecretsStore(world.state))


def contents(world: World, found: FileVersions) -> list[bytes]:
    """Return what each version holds, newest first."""
    drive = world.connect()
    return [
        drive.download(found.entry.id, size=each.size, revision=each.id) for each in found.revisions
    ]


def undo(world: World, of: int | None = None) -> UndoReport:
    world.clock.advance(60)
    progress = Progress(world.clock)
    secrets = SecretsStore(world.state)
    return Undo(world.site, world.connect(), secrets, progress, "undo").run(of)


def became(report: UndoReport) -> dict[str, tuple[str, str]]:
    return {o.path: (o.outcome, o.reason) for o in report.outcomes}


@pytest.fixture
def thrice(world: World) -> World:
    for text in ("one", "two", "three"):
        world.write(A, text, age=60)
        world.sync()
    return world


# -- versions --------------------------------------------------------------------------------------


def test_listed_newest_first(thrice: World) -> None:
    found = room(thrice).of(A)
    assert contents(thrice, found) == [b"three", b"two", b"one"]
    assert [each.pinned for each in found.revisions] == [False] * 3
    assert found.revisions[0].id == found.entry.revision
    assert found.revisions[0].author


def test_listed_on_another_machine(thrice: World) -> None:
    new = thrice.other("new")
    assert len(room(new).of(A).revisions) == 3


def test_kept_for_good(thrice: World) -> None:
    oldest = room(thrice).of(A).revisions[-1]
    found = room(thrice).keep(A, oldest.id)
    assert [each.pinned for each in found.revisions] == [False, False, True]
    assert room(thrice).keep(A, oldest.id).pinned == 1
    assert thrice.sync().plan.writes == 0


def test_put_back_in_place(thrice: World) -> None:
    """The one that was current is kept for good; here nothing changes until a restore."""
    oldest = room(thrice).of(A).revisions[-1]
    found = room(thrice).put_back(A, oldest.id)
    assert contents(thrice, found) == [b"one", b"three", b"two", b"one"]
    assert [each.pinned for each in found.revisions] == [False, True, False, False]
    report = thrice.sync()
    assert report.plan.writes == 0
    assert report.run.counters["newer_on_drive"] == 1
    assert thrice.local() == {A: b"three"}
    assert outcomes(restore(thrice, A)) == {A: "restored"}
    assert thrice.local() == {A: b"one"}
    thrice.sync()
    thrice.assert_mirrored()


def test_a_large_one_is_put_back_in_chunks(world: World) -> None:
    chunk = 256 * 1024
    world.with_settings(small_file=1000, chunk_size=chunk)
    old, new = (hashlib.shake_128(word).digest(chunk + 99) for word in (b"old", b"new"))
    for content in (old, new):
        world.write(A, content)
        world.sync()
    oldest = room(world).of(A).revisions[-1]
    found = room(world).put_back(A, oldest.id)
    assert contents(world, found) == [old, new, old]
    assert not [path for path in world.state.iterdir() if "drive-sync-part" in path.name]


def test_how_a_version_differs(thrice: World) -> None:
    oldest = room(thrice).of(A).revisions[-1]
    thrice.write(A, "four", age=1)
    shown, here = room(thrice).difference(A, oldest.id)
    assert (shown.how, here) == ("text", True)
    assert [(line.sign, line.text) for line in shown.lines[1:]] == [("-", "one"), ("+", "four")]
    # Where it is gone here, Drive's current one is the later side.
    (thrice.home / A).unlink()
    shown, here = room(thrice).difference(A, oldest.id)
    assert not here
    assert shown.lines[-1].text == "three"
    with pytest.raises(NoSuchRevision):
        room(thrice).difference(A, "nine")


def test_what_is_too_large_to_be_compared(thrice: World, monkeypatch: pytest.MonkeyPatch) -> None:
    oldest = room(thrice).of(A).revisions[-1]
    monkeypatch.setattr("jupyter_drive_sync.engine.versions.LIMIT", 4)
    assert room(thrice).difference(A, oldest.id)[0].how == "large"
    (thrice.home / A).unlink()
    assert room(thrice).difference(A, oldest.id)[0].how == "large"
    thrice.write(A, "4444")
    assert room(thrice).difference(A, oldest.id)[0].how == "text"


def test_one_sentence_each(thrice: World) -> None:
    here = room(thrice)
    with pytest.raises(NotThere, match=r"no b\.txt"):
        here.of(RelPath("b.txt"))
    with pytest.raises(NoSuchRevision, match="no version nine"):
        here.keep(A, "nine")
    with pytest.raises(UsageError, match="current already"):
        here.put_back(A, here.of(A).revisions[0].id)
    thrice.write("d/b.txt", "b")
    thrice.sync()
    with pytest.raises(UsageError, match="no file with versions"):
        here.of(RelPath("d"))
    thrice.delete_on_drive(thrice.remote()["a.txt"].id)
    with pytest.raises(NotThere):
        here.of(A)
    with pytest.raises(NotThere, match="no mirror"):
        room(make_world_beside(thrice)).of(A)


def make_world_beside(world: World) -> World:
    return world.other("beside", name="bob")


def test_googles_limit_of_kept_ones(thrice: World) -> None:
    """Two hundred are the most, and what cannot be kept is not replaced."""
    here = room(thrice)
    found = here.of(A)
    full = tuple(Revision(f"r{n}", n, b"m" * 16, 1, pinned=True) for n in range(200))
    crowded = FileVersions(A, found.entry, (found.revisions[0], *full))
    with pytest.raises(CannotPin, match="200 versions"):
        here.make_current(crowded, found.revisions[-1])
    assert len(here.of(A).revisions) == 3


def test_google_says_that_there_are_too_many(clock: VirtualClock, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("world")
    world = make_world(folder, clock, drive=LocalDriveSettings(max_pinned=1))
    with world.server:
        for text in ("one", "two", "three"):
            world.write(A, text, age=60)
            world.sync()
        here = room(world)
        _, middle, oldest = here.of(A).revisions
        here.keep(A, middle.id)
        with pytest.raises(CannotPin):
            here.keep(A, oldest.id)
        with pytest.raises(CannotPin):
            here.put_back(A, oldest.id)
        assert world.content("a.txt") == b"three"


# -- undo ------------------------------------------------------------------------------------------


@pytest.fixture
def busy(world: World) -> World:
    """One run that replaced one file, trashed one, moved one and uploaded one."""
    for path in ("a.txt", "gone.txt", "moved.txt", "x.txt", "y.txt", "z.txt"):
        world.write(path, f"old {path}")
    world.sync()
    world.write("a.txt", "new a", age=60)
    world.write("fresh.txt", "fresh")
    (world.home / "gone.txt").unlink()
    (world.home / "moved.txt").rename(world.home / "elsewhere.txt")
    world.sync()
    return world


def test_the_last_run(busy: World) -> None:
    before = busy.local()
    report = undo(busy)
    assert became(report) == {"a.txt": ("put_back", ""), "gone.txt": ("untrashed", "")}
    assert report.of == 2
    assert report.stays == {"uploaded": 1, "moved": 1}
    remote = busy.mirrored()
    assert (remote["a.txt"], remote["gone.txt"]) == (b"old a.txt", b"old gone.txt")
    assert busy.local() == before
    for _ in range(3):  # and no later sync undoes the undoing
        assert busy.sync().plan.writes == 0
    assert busy.standing("gone.txt") is Standing.ARCHIVED
    restore(busy)
    assert busy.local().items() >= {"a.txt": b"old a.txt", "gone.txt": b"old gone.txt"}.items()
    busy.sync()
    busy.assert_mirrored()


def test_twice(busy: World) -> None:
    undo(busy)
    with pytest.raises(NothingToUndo):
        undo(busy, 9)
    assert became(undo(busy)) == {"a.txt": ("skipped", "changed again since")}


def test_an_earlier_run(busy: World) -> None:
    busy.write("x.txt", "newer x", age=60)
    busy.sync()
    assert set(became(undo(busy, 2))) == {"a.txt", "gone.txt"}
    assert set(became(undo(busy, 3))) == {"x.txt"}
    with pytest.raises(NothingToUndo, match="trashed and replaced nothing"):
        undo(busy, busy.sync().run.id)


def test_nothing_to_undo(world: World) -> None:
    with pytest.raises(NothingToUndo, match="no sync"):
        undo(world)
    world.write("a.txt", "a")
    world.sync()
    assert became(undo(world, 1)) == {}  # made, and nothing was there before
    with pytest.raises(NothingToUndo, match="No sync has"):
        undo(world)


def test_an_edit_that_was_replaced_comes_back(world: World) -> None:
    world.write("a.txt", "first")
    world.sync()
    world.edit_on_drive("a.txt", b"edited there")
    world.write("a.txt", "second", age=60)
    assert world.sync().run.counters["replaced_edit"] == 1
    undo(world)
    assert world.content("a.txt") == b"edited there"


def test_what_cannot_be_undone_says_why(busy: World) -> None:
    busy.write("gone.txt", "written anew")
    with busy.ledger() as ledger:
        (trashed,) = ledger.trashed_since(0)
    busy.sync()
    assert became(undo(busy, 2))["gone.txt"] == (
        "skipped",
        "another file has its place by now",
    )
    busy.delete_on_drive(trashed.id)
    assert became(undo(busy, 2))["gone.txt"] == (
        "skipped",
        "gone from Drive's trash for good",
    )
    busy.assert_no_twins()


def test_its_folder_is_in_the_trash(world: World) -> None:
    for path in ("d/a.txt", "d/b.txt", "x.txt", "y.txt", "z.txt"):
        world.write(path, path)
    world.sync()
    (world.home / "d/a.txt").unlink()
    world.sync()
    folder = next(entry for entry in world.objects() if entry.name == "d")
    world.change_on_drive(folder.id, trashed=True)
    assert became(undo(world)) == {"d/a.txt": ("skipped", "its folder lies in Drive's trash")}


def test_no_room_for_another_kept_version(busy: World) -> None:
    entry = busy.remote()["a.txt"]
    busy.person.batch([PinRevision(entry.id, entry.revision)])
    undo(busy)  # pinned already: nothing more is needed
    assert busy.content("a.txt") == b"old a.txt"
