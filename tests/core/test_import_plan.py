"""What an import has to bring: each row of the table, without a disk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_drive_sync.core.import_plan import Gone, Sorted, record, sort
from jupyter_drive_sync.core.restore_plan import Content, Here, Step, Thing, Wanted, Way
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    RelPath,
    RemoteEntry,
    Standing,
    Stat,
)

A = RelPath("a")
ID = FileId("id")
OLD, NEW = b"o" * 16, b"n" * 16
CAME = Stat(3, 1_000, 7)
TOUCHED = Stat(3, 2_000, 7)


def wanted(md5: bytes = OLD, *, path: RelPath = A, file_id: FileId = ID) -> Wanted:
    return Wanted(path, file_id, md5, 3, 1)


def entry(md5: bytes | None = OLD, *, beside: bytes | None = None, **more: object) -> LedgerEntry:
    known = LedgerEntry(
        A, Kind.FILE, Standing.MIRRORED, ID, FileId("p"), "a", CAME, md5, "", 1, mtime_ms=1
    )
    seen = None if beside is None else RemoteEntry(ID, md5=beside)
    return replace(known, seen=seen, **more)  # type: ignore[arg-type]


def judged(
    known: list[LedgerEntry],
    files: list[Wanted],
    here: Here | None,
    content: Content | None = None,
) -> Sorted:
    return sort(
        [(file, file.path) for file in files],
        {each.id: each for each in known},
        lambda path: here if path == A else None,
        lambda _: content,
    )


FILE = Here(Thing.FILE, CAME)


@pytest.mark.parametrize(
    ("known", "file", "here", "content", "verdict"),
    [
        (None, wanted(), None, None, "coming"),
        (None, wanted(), FILE, None, "coming"),
        (entry(), wanted(), FILE, None, "unchanged"),
        (entry(), wanted(), None, None, "coming"),
        (entry(), wanted(NEW), FILE, None, "coming"),
        (entry(), wanted(), Here(Thing.FOLDER), None, "edited"),
        (entry(), wanted(), Here(Thing.FILE, Stat(4, 1, 7)), None, "edited"),
        (entry(), wanted(), Here(Thing.FILE, TOUCHED), None, "edited"),
        (
            entry(),
            wanted(),
            Here(Thing.FILE, TOUCHED),
            Content(NEW, TOUCHED, racy=False),
            "edited",
        ),
        (
            entry(),
            wanted(),
            Here(Thing.FILE, TOUCHED),
            Content(OLD, TOUCHED, racy=True),
            "touched",
        ),
        (entry(racy=True), wanted(), FILE, Content(OLD, CAME, racy=False), "touched"),
        (entry(beside=NEW), wanted(NEW), FILE, None, "edited"),
        (entry(None, beside=NEW), wanted(NEW), FILE, None, "edited"),
        (entry(beside=NEW), wanted(NEW), None, None, "coming"),
        (entry(beside=OLD), wanted(NEW), FILE, None, "coming"),
    ],
)
def test_one_file(
    known: LedgerEntry | None,
    file: Wanted,
    here: Here | None,
    content: Content | None,
    verdict: str,
) -> None:
    found = judged([known] if known else [], [file], here, content)
    assert (found.coming, found.edited, found.unchanged) == {
        "coming": ((file,), (), 0),
        "edited": ((), (A,), 0),
        "unchanged": ((), (), 1),
        "touched": ((), (), 1),
    }[verdict]
    assert len(found.touched) == (verdict == "touched")
    if content is not None and verdict == "touched":
        assert (found.touched[0].stat, found.touched[0].racy) == (content.stat, content.racy)
    assert found.gone == found.forgotten == ()


def test_gone_on_drive() -> None:
    found = judged([entry()], [], FILE)
    assert (found.gone, found.forgotten, dict(found.known)) == ((Gone(A, moved=False),), (), {})
    assert judged([entry()], [], None).forgotten == (ID,)


def test_elsewhere_on_drive() -> None:
    moved = wanted(path=RelPath("b"))
    found = judged([entry()], [moved], FILE)
    assert (found.gone, found.coming, found.forgotten) == ((Gone(A, moved=True),), (moved,), ())
    assert judged([entry()], [moved], None).gone == ()


def test_put_there_anew() -> None:
    anew = wanted(NEW, file_id=FileId("other"))
    found = judged([entry()], [anew], FILE)
    assert found.known[A].id == "other"
    assert (found.gone, found.forgotten, found.coming) == ((), (ID,), (anew,))
    # Of what lies beside only, nobody knows what it was.
    assert dict(judged([entry(None)], [anew], FILE).known) == {}
    known = replace(entry(), id=FileId("other"), path=RelPath("x"))
    assert A not in judged([entry(), known], [anew], FILE).known


REMOTE = RemoteEntry(ID, "a", FileId("p"), md5=OLD, version=4, revision="r")


def test_what_is_written_down() -> None:
    here = Here(Thing.FILE, CAME)
    for way in (Way.BRING, Way.REPLACE, Way.HERE):
        made = record(REMOTE, Step(way, A, wanted(NEW)), A, entry(), here, racy=True)
        assert (made.md5, made.stat, made.racy, made.seen) == (NEW, CAME, True, None)
    gone = record(REMOTE, Step(Way.BRING, A, wanted()), A, None, None, racy=True)
    assert gone.stat == Stat(0, 0, 0)
    beside = Step(Way.BESIDE, RelPath("a (from Drive)"), wanted(NEW))
    made = record(replace(REMOTE, parent=None), beside, A, None, here, racy=False)
    assert (made.md5, made.parent, made.seen and made.seen.md5) == (None, "", NEW)
    made = record(REMOTE, beside, A, entry(), here, racy=False)
    assert (made.path, made.md5, made.stat, made.seen and made.seen.md5) == (A, OLD, CAME, NEW)
