"""The ledger: one transaction a step, whole or not at all, and never a reason to lose anything."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_drive_sync.core.said import Said, code_of, params_of
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    RelPath,
    RemoteEntry,
    Standing,
    Stat,
)
from jupyter_drive_sync.engine import ledger_file
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import (
    Confirmation,
    Edit,
    FileOutcome,
    Hold,
    HoldItem,
    Intent,
    Run,
    Trashed,
)
from jupyter_drive_sync.errors import StateFull, StateUnusable


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made, why = Ledger.open(tmp_path)
    assert why == "new"
    with made:
        yield made


def entry(path: str = "d/a.txt", file_id: str = "id1", **more: object) -> LedgerEntry:
    values = {
        "path": RelPath(path),
        "kind": Kind.FILE,
        "standing": Standing.MIRRORED,
        "id": FileId(file_id),
        "parent": FileId("p"),
        "name": path.rpartition("/")[2],
        "stat": Stat(3, 1_700_000_000_123_456_789, 42),
        "md5": bytes(range(16)),
        "nonce": "n",
        "version": 7,
        "revision": "r",
        "racy": True,
        "revived": 1,
        "mtime_ms": 1_700_000_000_123,
        "mode": 0o755,
    }
    return LedgerEntry(**{**values, **more})  # type: ignore[arg-type]


def folder(path: str, file_id: str) -> LedgerEntry:
    return entry(path, file_id, kind=Kind.FOLDER, md5=None, stat=Stat(0, 0, 0), racy=False)


def close(ledger: Ledger, run: int, at: float, mirrored: int, outcome: str = "completed") -> None:
    ledger.end(Run(run, "job", at, at, outcome), [], mirrored=mirrored)


# -- objects ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one",
    [
        entry(),
        entry("d/bad-\udcff\n.txt", name="bad-%FF%0A.txt"),
        entry(seen=RemoteEntry(FileId("id1"), "x", None, md5=b"m" * 16, version=9, trashed=True)),
        entry(seen=RemoteEntry(FileId("id1"), deleted=True)),
        entry(md5=None, standing=Standing.DECLINED, racy=False),
        folder("d", "id1"),
    ],
)
def test_an_entry_comes_back_as_it_was(ledger: Ledger, one: LedgerEntry) -> None:
    ledger.put([one])
    assert ledger.entries() == {one.id: one}
    intent = Intent("nonce", 1, "create", one)
    ledger.intend([intent])
    assert ledger.intents() == [intent]


def test_it_outlives_its_process(tmp_path: Path, ledger: Ledger) -> None:
    ledger.put([entry()])
    ledger.remember(root="r", gone="x")
    ledger.remember(gone="")
    ledger.close()
    again, why = Ledger.open(tmp_path)
    with again:
        assert why == ""
        assert again.get("root") == "r"
        assert again.get("gone") == ""
        assert again.entries() == {FileId("id1"): entry()}


def test_one_object_a_path_and_the_others_are_twins(ledger: Ledger) -> None:
    mirrored = entry(file_id="b")
    unclaimed = entry(file_id="a", standing=Standing.UNCLAIMED)
    declined = entry(file_id="c", standing=Standing.DECLINED)
    ledger.put([unclaimed, mirrored, declined, folder("d/a.txt", "f")])
    tree = ledger.tree()
    assert {path: each.id for path, each in tree.files.items()} == {mirrored.path: "b"}
    assert {each.id for each in tree.twins} == {"a", "c"}
    assert tree.folders[RelPath("d/a.txt")].id == "f"


def test_a_tree_does_without_what_weighs_and_the_ledger_keeps_it(ledger: Ledger) -> None:
    ledger.put([entry(), folder("d", "f")])
    for known in (*ledger.tree().files.values(), *ledger.tree().folders.values()):
        assert (known.nonce, known.revision) == (None, None)
        assert replace(known, nonce="n", revision="r") == ledger.entries([known.id])[known.id]
        ledger.intend([Intent("n1", 1, "trash", known)])
        (intent,) = ledger.intents()
        ledger.put([replace(intent.entry, standing=Standing.ARCHIVED)])
        kept = ledger.entries([known.id])[known.id]
        assert (kept.standing, kept.nonce, kept.revision) == (Standing.ARCHIVED, "n", "r")
        ledger.forget([known.id])
        ledger.put([known])
        kept = ledger.entries([known.id])[known.id]
        assert (kept.nonce, kept.revision) == ("", "")
        ledger.drop(["n1"])


def test_forgotten_is_not_deleted(ledger: Ledger) -> None:
    ledger.put([entry()])
    ledger.forget([FileId("id1")])
    assert ledger.entries() == {}
    assert ledger.released() == {"id1"}


def test_a_moved_folder_takes_along_exactly_what_lies_below(ledger: Ledger) -> None:
    paths = {"a": "d/a", "b": "d/e/b", "c": "d0/c", "x": "d-/x", "y": "dd/y", "z": "d"}
    ledger.put([folder("d", "folder"), *(entry(path, i) for i, path in paths.items())])
    moved = folder("new/place", "folder")
    ledger.confirm([Confirmation("n", moved, 1)])
    assert {i: e.path for i, e in ledger.entries().items()} == {
        "folder": "new/place",
        "a": "new/place/a",
        "b": "new/place/e/b",
        "c": "d0/c",
        "x": "d-/x",
        "y": "dd/y",
        "z": "d",
    }


def test_a_confirmation_is_whole_or_not_at_all(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.intend([Intent("n1", 1, "trash", entry()), Intent("n2", 1, "create", entry("b", "id2"))])
    ledger.put([entry()])
    gone = Trashed(FileId("id1"), RelPath("d/a.txt"), 3, 5.0, 1, approved=False)

    def broken() -> Iterator[Confirmation]:
        yield Confirmation("n1", entry(), 1, trashed=gone)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.confirm(broken())
    assert len(ledger.intents()) == 2
    assert set(ledger.entries()) == {"id1"}
    ledger.confirm([Confirmation("n1", entry(), 1, trashed=gone)])
    assert [intent.nonce for intent in ledger.intents()] == ["n2"]
    assert ledger.entries() == {}
    assert ledger.trashed_since(5.0) == [gone]
    assert ledger.trashed_since(5.1) == []
    assert ledger.released() == {"id1"}


def test_clear_forgets_the_mirror_and_keeps_the_history(ledger: Ledger) -> None:
    run = ledger.begin("job", 1.0)
    ledger.observe([entry()], run=run, token="t")
    close(ledger, run, 2.0, 1)
    ledger.remember(root="old", rules="x")
    ledger.clear(root="new")
    assert ledger.entries() == {}
    assert ledger.get("root") == "new"
    assert ledger.get("rules") == ""
    assert ledger.tokens(run + 1).token == ""
    assert [each.id for each in ledger.runs()] == [run]


def test_a_draft_is_apart(tmp_path: Path, ledger: Ledger) -> None:
    ledger.put([entry()])
    with Ledger.draft(tmp_path) as draft:
        draft.forget([FileId("id1")])
        assert draft.entries() == {}
    assert set(ledger.entries()) == {"id1"}


def test_a_draft_of_nothing_makes_nothing(tmp_path: Path) -> None:
    with Ledger.draft(tmp_path) as draft:
        draft.put([entry()])
    assert not list(tmp_path.iterdir())


# -- beside whoever writes -------------------------------------------------------------------------


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Write to a ledger and do not come to an end: a disk may take long to sync."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.rollback()


@pytest.mark.parametrize("look", [Ledger.open, Ledger.draft, lambda f: Ledger.found(f).__enter__()])
def test_one_that_is_in_use_is_not_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[Path], object]
) -> None:
    """It stays where it is, whoever looks: its writer goes on in it."""
    monkeypatch.setattr(ledger_file, "_PATIENCE", 0.0)
    ledger, _ = Ledger.open(tmp_path)
    with ledger:
        ledger.put([entry()])
        inode = (tmp_path / "ledger.sqlite").stat().st_ino
        with held(tmp_path / "ledger.sqlite"), pytest.raises(StateUnusable, match="locked"):
            look(tmp_path)
        assert (tmp_path / "ledger.sqlite").stat().st_ino == inode
        assert not list(tmp_path.glob("ledger.broken*"))
        ledger.put([entry("y", "id2")])
        assert set(ledger.entries()) == {"id1", "id2"}


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    """A reader has time to wait for a slow commit, and a writer for a slow reader."""
    ledger, _ = Ledger.open(tmp_path)
    with ledger:
        assert ledger._db.execute("PRAGMA busy_timeout").fetchone() == (60_000,)
        with Ledger.found(tmp_path) as found:
            assert found is not None
            assert found._db.execute("PRAGMA busy_timeout").fetchone() == (60_000,)


def test_who_only_looks_sets_nothing_aside(tmp_path: Path) -> None:
    for content in (b"", b"garbage" * 999, b"SQLite format 3\0"):
        (tmp_path / "ledger.sqlite").write_bytes(content)
        with Ledger.found(tmp_path) as found:
            assert found is None
        with Ledger.draft(tmp_path) as draft:
            assert draft.entries() == {}
        assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]
        assert (tmp_path / "ledger.sqlite").read_bytes() == content


def test_who_only_looks_leaves_a_newer_one(tmp_path: Path) -> None:
    made, _ = Ledger.open(tmp_path)
    made.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as db:
        db.execute(f"PRAGMA user_version = {ledger_file.VERSION + 1}")
    with Ledger.found(tmp_path) as found:
        assert found is None
    assert [path.name for path in tmp_path.glob("*.sqlite")] == ["ledger.sqlite"]


def test_opening_drops_no_lock_of_the_same_process(tmp_path: Path) -> None:
    """POSIX takes a process's locks away when it closes any descriptor of the file."""
    reader, _ = Ledger.open(tmp_path)
    with reader:
        reader.put([entry()])
        reader._db.execute("BEGIN")
        reader.entries()  # a shared lock from here on
        ledger_file._touch(tmp_path / "ledger.sqlite")  # SQLite takes its locks after this anew
        script = (
            "import sqlite3, sys\n"
            "db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)\n"
            "db.execute('BEGIN EXCLUSIVE')\n"
        )
        other = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "ledger.sqlite")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "database is locked" in other.stderr
        reader._db.execute("ROLLBACK")


# -- tokens ----------------------------------------------------------------------------------------


def test_the_feed_is_read_from_the_pass_before_the_last(ledger: Ledger) -> None:
    tokens = []
    for number in range(1, 6):
        run = ledger.begin("job", number)
        tokens.append(ledger.tokens(run).token)
        ledger.observe([], run=run, token=f"t{number}")
        close(ledger, run, number, 0)
    assert tokens == ["", "t1", "t1", "t2", "t3"]


def test_after_a_drain_it_is_read_from_its_end(ledger: Ledger) -> None:
    tokens = []
    for number in range(1, 6):
        run = ledger.begin("job", number)
        tokens.append(ledger.tokens(run).token)
        ledger.observe([], run=run, token=f"t{number}", drained=number == 3)
    assert tokens == ["", "t1", "t1", "t3", "t3"]


def test_passes_that_never_looked_do_not_count(ledger: Ledger) -> None:
    for number in range(1, 3):
        ledger.observe([], run=ledger.begin("job", number), token=f"t{number}")
    for number in range(3, 9):
        close(ledger, ledger.begin("offline", number), number, 0, "failed")
    assert ledger.tokens(99).token == "t1"


def test_own_changes_since_the_token(ledger: Ledger) -> None:
    for number in range(1, 4):
        run = ledger.begin("job", number)
        ledger.observe([], run=run, token=f"t{number}")
        ledger.put([entry(f"f{number}", f"id{number}")], run=run)
    assert ledger.tokens(4).own_changes == 2  # of the runs 2 and 3
    ledger.observe([], run=3, token="end", drained=True)
    assert ledger.tokens(4).own_changes == 0


# -- history ---------------------------------------------------------------------------------------


def test_history_is_newest_first_and_bounded(ledger: Ledger) -> None:
    for number in range(230):
        run = ledger.begin(f"job {number}", float(number))
        outcomes = [FileOutcome(RelPath("x\udcff"), "uploaded", "", 5)]
        outcomes.append(FileOutcome(RelPath("y"), "failed", "why"))
        ledger.end(Run(run, "", 0.0, number + 0.5, "completed", {"n": 1}), outcomes, mirrored=1)
    runs = ledger.runs(1000)
    assert [each.id for each in runs] == list(range(230, 30, -1))
    assert runs[0].counters == {"n": 1}
    assert [o.outcome for o in ledger.outcomes(230)] == ["failed", "uploaded"]
    assert ledger.outcomes(231 - 31) == []


def test_a_run_that_never_ended_reads_as_interrupted(ledger: Ledger) -> None:
    ledger.begin("killed", 5.0)
    ledger.begin("next", 9.0)
    first = ledger.runs()[1]
    assert (first.outcome, first.ended) == ("interrupted", 5.0)


def test_how_many_were_mirrored_a_day_ago(ledger: Ledger) -> None:
    assert ledger.mirrored_at(100.0) is None
    for at, mirrored in [(10.0, 5), (20.0, 50), (90.0, 40)]:
        close(ledger, ledger.begin("job", at), at, mirrored)
    ledger.begin("killed", 30.0)
    ledger.begin("killed as well", 40.0)
    assert ledger.mirrored_at(9.0) is None
    assert ledger.mirrored_at(15.0) == 5
    assert ledger.mirrored_at(60.0) == 50
    assert ledger.mirrored_at(95.0) == 40


def test_revisions_of_ours_since_a_run(ledger: Ledger) -> None:
    for run, revision in [(1, "r1"), (2, "r2"), (5, "r5")]:
        ledger.confirm([Confirmation("n", entry(revision=revision), run)])
    ledger.confirm([Confirmation("n", entry("b", "id2", revision="old"), 1)])
    assert ledger.replaced_since(2) == {"id1": {"r1", "r2", "r5"}}
    assert ledger.replaced_since(5) == {}


def test_edits_are_kept_once_and_pins_are_counted(ledger: Ledger) -> None:
    edit = Edit(FileId("id1"), "r1", RelPath("a"), 1.0, 5, pinned=False, run=1)
    ledger.record_edits([edit])
    ledger.record_edits([replace(edit, pinned=True)])
    ledger.record_edits([edit])
    assert ledger.edits() == [replace(edit, pinned=True)]
    assert ledger.pins() == {"id1": 1}


# -- holds -----------------------------------------------------------------------------------------


def test_a_hold_keeps_its_id_and_age(ledger: Ledger) -> None:
    items = [HoldItem(FileId(f"id{n}"), RelPath(f"d/f{n}"), 10) for n in range(3)]
    first = ledger.hold(Hold("h1", "deletions", 5.0, "why", ("keep", "trash")), items)
    assert (first.count, first.bytes) == (3, 30)
    later = ledger.hold(Hold("h2", "deletions", 9.0, "other", ("keep", "trash")), items[:1])
    assert (later.id, later.since, later.reason, later.count) == ("h1", 5.0, "other", 1)
    said = Said("third", "held.deletions", {"mirrored": 9})
    third = ledger.hold(Hold("h3", "deletions", 9.0, said, ("keep", "trash")), items[:1])
    assert (third.reason, params_of(third.reason)) == ("third", {"mirrored": 9})
    ledger.dissolve("deletions")
    assert ledger.holds() == []
    assert ledger.hold_items("h1") == []


def test_approvals_lapse(ledger: Ledger) -> None:
    ledger.put([entry()])
    item = HoldItem(FileId("id1"), RelPath("d/a.txt"), 10)
    ledger.hold(Hold("h1", "deletions", 5.0, "why", ("keep", "trash")), [item])
    assert ledger.answer("h1", "trash", at=6.0) == 1
    assert ledger.approvals() == {"id1"}
    ledger.disapprove([FileId("id1")])
    assert ledger.approvals() == frozenset()


# -- the file --------------------------------------------------------------------------------------


def test_the_file_is_private_and_has_no_wal(tmp_path: Path, ledger: Ledger) -> None:
    assert (tmp_path / "ledger.sqlite").stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] in ("truncate", "delete")
    db.close()
    (mode,) = ledger._db.execute("PRAGMA journal_mode").fetchone()
    (full,) = ledger._db.execute("PRAGMA synchronous").fetchone()
    assert (mode, full) == ("truncate", 2)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "new"), (b"garbage" * 999, "broken"), (b"SQLite format 3\0", "broken")],
)
def test_what_cannot_be_used_is_set_aside(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)
    made, said = Ledger.open(tmp_path)
    with made:
        assert said == why
        assert made.entries() == {}
    if why != "new":
        assert (tmp_path / f"ledger.{why}.sqlite").read_bytes() == content


def test_a_mirror_begun_afresh_is_no_new_day(ledger: Ledger) -> None:
    """What went to the trash unasked counts for a day, whichever mirror it was in."""
    for number, approved in ((1, False), (2, True)):
        ledger.intend([Intent(f"n{number}", 1, "trash", entry("b", f"id{number}"))])
        gone = Trashed(FileId(f"id{number}"), RelPath("b"), 3, 5.0, 1, approved=approved)
        ledger.confirm([Confirmation(f"n{number}", entry("b", f"id{number}"), 1, trashed=gone)])
    assert ledger.unasked_since(5.0) == [3]
    ledger.remember(rebuilt_at="5.0", root="r")
    ledger.clear()
    assert (ledger.get("rebuilt_at"), ledger.get("root")) == ("5.0", "")
    assert ledger.trashed_since(0) == []
    assert ledger.unasked_since(5.0) == [3]
    assert ledger.unasked_since(5.1) == []


def test_an_older_one_is_carried_over_whole(tmp_path: Path, ledger: Ledger) -> None:
    """What the first program wrote is read by this one, and what this one adds is kept."""
    ledger.put([entry()])
    ledger.hold(Hold("h1", "deletions", 5.0, "why", ("keep",)), [])
    run = ledger.begin("job", 1.0)
    outcome = FileOutcome(RelPath("y"), "failed", Said("why", "file.vanished", {"n": 1}))
    ledger.end(Run(run, "", 0.0, 1.5, "completed"), [outcome], mirrored=1)
    ledger.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as db:
        for table in ("holds", "outcomes"):
            db.execute(f"ALTER TABLE {table} DROP COLUMN said")
        db.execute("DROP TABLE unasked")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    again, why = Ledger.open(tmp_path)
    with again:
        assert why == ""
        assert again.mirrored() == 1
        assert [hold.reason for hold in again.holds()] == ["why"]
        assert [code_of(known.reason) for known in again.outcomes(run)] == [""]
        later = again.begin("job", 2.0)
        again.end(Run(later, "", 0.0, 2.5, "completed"), [outcome], mirrored=1)
        (known,) = again.outcomes(later)
        assert (code_of(known.reason), params_of(known.reason)) == ("file.vanished", {"n": 1})


def test_a_newer_one_is_set_aside_whole(tmp_path: Path, ledger: Ledger) -> None:
    ledger.put([entry()])
    ledger.close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute(f"PRAGMA user_version = {ledger_file.VERSION + 1}")
    db.close()
    made, why = Ledger.open(tmp_path)
    made.close()
    assert why == "newer"
    with sqlite3.connect(tmp_path / "ledger.newer.sqlite") as db:
        assert db.execute("SELECT count(*) FROM objects").fetchone() == (1,)
    db.close()


def test_a_cut_in_the_middle_of_a_transaction_is_rolled_back(tmp_path: Path) -> None:
    """The journal of a killed writer is played back by the next one."""
    made, _ = Ledger.open(tmp_path)
    made.put([entry()])
    made._db.execute("BEGIN IMMEDIATE")
    made._db.execute("DELETE FROM objects")
    made._db.execute("PRAGMA cache_spill = ON")
    for name in ("ledger.sqlite", "ledger.sqlite-journal"):
        source = tmp_path / name
        if source.exists():
            (tmp_path / f"copy-{name}").write_bytes(source.read_bytes())
    made._db.rollback()
    made.close()
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("ledger.sqlite", "ledger.sqlite-journal"):
        if (tmp_path / f"copy-{name}").exists():
            (tmp_path / f"copy-{name}").rename(crashed / name)
    again, why = Ledger.open(crashed)
    with again:
        assert why == ""
        assert again.entries() == {FileId("id1"): entry()}


def test_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ledger_file._opened
    tried: list[str] = []

    def opened(path: Path, options: str, probe: str) -> sqlite3.Connection:
        tried.append(options)
        if not options:
            raise sqlite3.OperationalError("locking protocol")
        return real(path, options, probe)

    monkeypatch.setattr(ledger_file, "_opened", opened)
    made, _ = Ledger.open(tmp_path)
    with made:
        made.put([entry()])
        assert set(made.entries()) == {"id1"}
    assert "&nolock=1" in tried


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable):
        Ledger.open(tmp_path / "missing")


def test_a_full_disk_has_its_sentence(ledger: Ledger) -> None:
    ledger._db.execute("PRAGMA max_page_count = 30")
    with pytest.raises(StateFull):
        ledger.put(entry(f"f{n}" + "x" * 200, f"id{n}") for n in range(1000))
    assert ledger.entries() == {}
