"""Entries as rows of the ledger's tables, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from jupyter_drive_sync.core.said import packed, unpacked
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    RelPath,
    RemoteEntry,
    Standing,
    Stat,
    from_bytes,
    to_bytes,
)
from jupyter_drive_sync.engine.records import (
    Confirmation,
    Edit,
    FileOutcome,
    Hold,
    HoldItem,
    Run,
    Tokens,
    Trashed,
)

PUT: Final = (
    "INSERT INTO objects (id, kind, path, standing, parent, name, size, mtime_ns, inode, md5,"
    " nonce, version, revision, racy, revived, mtime_ms, mode, seen, run)"
    " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,"
    " coalesce(?11, (SELECT nonce FROM objects WHERE id = ?1), ''), ?12,"
    " coalesce(?13, (SELECT revision FROM objects WHERE id = ?1), ''), ?14,?15,?16,?17,?18,?19)"
    " ON CONFLICT (id) DO UPDATE SET"
    " kind=excluded.kind, path=excluded.path, standing=excluded.standing, parent=excluded.parent,"
    " name=excluded.name, size=excluded.size, mtime_ns=excluded.mtime_ns, inode=excluded.inode,"
    " md5=excluded.md5, nonce=excluded.nonce, version=excluded.version,"
    " revision=excluded.revision, racy=excluded.racy, revived=excluded.revived,"
    " mtime_ms=excluded.mtime_ms, mode=excluded.mode, seen=excluded.seen,"
    " run=max(run, excluded.run)"
)

TREE: Final = (
    "SELECT id, kind, path, standing, parent, name, size, mtime_ns, inode, md5, NULL, version,"
    " NULL, racy, revived, mtime_ms, mode, seen, run FROM objects ORDER BY id"
)
"""Rows for :func:`to_entry`, without what a tree does without."""

_AT_ONCE: Final = 500
"""Paths of one query."""


def to_run(row: Sequence[Any]) -> Run:
    """Read a run."""
    i, job, started, ended, outcome, counters, problem, verified = row
    return Run(
        i,
        job,
        started,
        ended,
        outcome,
        json.loads(counters),
        json.loads(problem) if problem else None,
        bool(verified),
    )


def to_hold(row: Sequence[Any]) -> Hold:
    """Read a row of ``holds`` with the number and the bytes of its files."""
    i, kind, since, reason, said, choices, answer, count, size = row
    offered = tuple(json.loads(choices))
    return Hold(i, kind, since, unpacked(reason, said), offered, count, size, answer)


def from_hold(hold: Hold) -> tuple[Any, ...]:
    """Make the row of a hold that waits for its answer."""
    choices = json.dumps(hold.choices)
    return hold.id, hold.kind, hold.since, str(hold.reason), choices, "", packed(hold.reason)


def to_trashed(row: Sequence[Any]) -> Trashed:
    """Read a file that was moved to the trash."""
    i, path, size, when, run, approved = row
    return Trashed(FileId(i), from_bytes(path), size, when, run, bool(approved))


def to_row(entry: LedgerEntry, run: int) -> tuple[Any, ...]:
    """Put an entry into the order of the columns; ``run`` is the one that changed it on Drive."""
    return (
        entry.id,
        entry.kind.value,
        to_bytes(entry.path),
        entry.standing.value,
        entry.parent,
        entry.name,
        *entry.stat,
        entry.md5,
        entry.nonce,
        entry.version,
        entry.revision,
        entry.racy,
        entry.revived,
        entry.mtime_ms,
        entry.mode,
        None if entry.seen is None else _dump_remote(entry.seen),
        run,
    )


def to_entry(row: tuple[Any, ...], seen_before: dict[Any, Any] | None = None) -> LedgerEntry:
    """Read a row of ``objects``.

    Args:
        row: all columns.
        seen_before: collects values that many rows share (parents, modes), to hold each once.
    """
    shared = {} if seen_before is None else seen_before
    (file_id, kind, path, standing, parent, name, size, mtime_ns, inode, md5, nonce, version,
     revision, racy, revived, mtime_ms, mode, seen, _run) = row  # fmt: skip
    return LedgerEntry(
        path=from_bytes(path),
        kind=Kind(kind),
        standing=Standing(standing),
        id=FileId(file_id),
        parent=FileId(shared.setdefault(parent, parent)),
        name=name,
        stat=Stat(size, mtime_ns, inode),
        md5=md5,
        nonce=nonce,
        version=version,
        revision=revision,
        racy=bool(racy),
        revived=revived,
        mtime_ms=mtime_ms,
        mode=shared.setdefault(mode, mode),
        seen=None if seen is None else _load_remote(json.loads(seen)),
    )


def _dump_remote(entry: RemoteEntry) -> str:
    values = asdict(entry)
    values["md5"] = entry.md5.hex() if entry.md5 else None
    return json.dumps(values)


def _load_remote(values: Mapping[str, Any]) -> RemoteEntry:
    md5 = values["md5"]
    return RemoteEntry(
        **{**values, "md5": bytes.fromhex(md5) if md5 else None, "kind": Kind(values["kind"])}
    )


def dump(entry: LedgerEntry) -> str:
    """Write an entry as text, for an intent."""
    row = list(to_row(entry, 0))
    row[2] = row[2].hex()
    row[9] = row[9].hex() if row[9] else None
    return json.dumps(row)


def load(text: str) -> LedgerEntry:
    """Read what :func:`dump` wrote."""
    row = json.loads(text)
    row[2] = bytes.fromhex(row[2])
    row[9] = bytes.fromhex(row[9]) if row[9] else None
    return to_entry(tuple(row))


def rebase(db: sqlite3.Connection, folder: LedgerEntry) -> None:
    """Move the paths below a folder along with it."""
    row = db.execute("SELECT path FROM objects WHERE id = ?", (folder.id,)).fetchone()
    new = to_bytes(folder.path)
    if row is None or row[0] == new:
        return
    prefix = row[0] + b"/"
    # 0x30 follows 0x2F ("/"): the range holds exactly what begins with the prefix.
    below = db.execute(
        "SELECT id, path, parent FROM objects WHERE path >= ? AND path < ?", (prefix, row[0] + b"0")
    ).fetchall()
    twins = db.execute(
        "SELECT id FROM objects WHERE path = ? AND kind = ? AND id != ?",
        (row[0], Kind.FOLDER.value, folder.id),
    )
    # Where another folder of ours has the same place, what lies in that one stays in it.
    stays = {twin for (twin,) in twins}
    for file_id, _, parent in sorted(below, key=lambda item: item[1]) if stays else ():
        if parent in stays:
            stays.add(file_id)
    db.executemany(
        "UPDATE objects SET path = ? WHERE id = ?",
        (
            (new + b"/" + path[len(prefix) :], file_id)
            for file_id, path, _ in below
            if file_id not in stays
        ),
    )


def put_edit(db: sqlite3.Connection, edit: Edit) -> None:
    """Remember a replaced edit; one that was pinned stays so."""
    db.execute(
        "INSERT INTO edits VALUES (?,?,?,?,?,?,?) ON CONFLICT (id, revision) DO UPDATE SET"
        " pinned = max(pinned, excluded.pinned)",
        (edit.id, edit.revision, to_bytes(edit.path), edit.at, edit.size, edit.pinned, edit.run),
    )


def remember_chain(db: sqlite3.Connection, made: Confirmation) -> None:
    """Remember a folder on the way down to the mirror under the name ``chain/LEVEL``."""
    key = f"chain{made.entry.path}"
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, made.entry.id))
    # The mirror's own folder comes last.
    db.execute("INSERT OR REPLACE INTO meta VALUES ('root_link', ?)", (made.link,))


def answer_deletions(
    db: sqlite3.Connection, choice: str, items: Iterable[HoldItem], at: float
) -> None:
    """Let held deletions go to the trash at the next pass, or archive the files."""
    for item in items:
        if choice == "trash":
            db.execute("INSERT OR REPLACE INTO approvals VALUES (?, ?)", (item.id, at))
        else:
            db.execute(
                "UPDATE objects SET standing = ? WHERE id = ?",
                (Standing.ARCHIVED.value, item.id),
            )


def find_at(db: sqlite3.Connection, paths: Sequence[RelPath]) -> Iterator[LedgerEntry]:
    """Yield what the ledger knows at some paths, in no order; several may be at one."""
    for at in range(0, len(paths), _AT_ONCE):
        part = [to_bytes(path) for path in paths[at : at + _AT_ONCE]]
        marks = ",".join("?" * len(part))
        query = f"SELECT * FROM objects WHERE path IN ({marks})"  # noqa: S608 - marks alone
        yield from map(to_entry, db.execute(query, part))


def find_outcomes(db: sqlite3.Connection, run: int) -> list[FileOutcome]:
    """Return the files of a run that were not simply unchanged, failed ones first."""
    rows = db.execute(
        "SELECT path, outcome, reason, said, size FROM outcomes WHERE run = ?"
        " ORDER BY outcome != 'failed', path",
        (run,),
    )
    return [
        FileOutcome(from_bytes(path), outcome, unpacked(reason, said), size)
        for path, outcome, reason, said, size in rows
    ]


def find_failures(db: sqlite3.Connection) -> dict[RelPath, tuple[int, FileOutcome]]:
    """Return the files whose newest outcome is a failure, each with the run that it is of."""
    failed: dict[bytes, tuple[int, FileOutcome]] = {}
    for run, path, reason, said, size in db.execute(
        "SELECT run, path, reason, said, size FROM outcomes WHERE outcome = 'failed' ORDER BY run"
    ):
        outcome = FileOutcome(from_bytes(path), "failed", unpacked(reason, said), size)
        failed[path] = (run, outcome)
    if failed:
        oldest = min(run for run, _ in failed.values())
        later = "SELECT run, path FROM outcomes WHERE outcome != 'failed' AND run > ?"
        for run, path in db.execute(later, (oldest,)):
            if path in failed and failed[path][0] < run:
                del failed[path]
    return {found.path: (run, found) for run, found in failed.values()}


def find_unasked(db: sqlite3.Connection, at: float) -> list[int]:
    """Return the sizes of what went to the trash unasked since a time, epoch seconds."""
    rows = db.execute(
        "SELECT size FROM trashed WHERE at >= ? AND NOT approved"
        " UNION ALL SELECT size FROM unasked WHERE at >= ?",
        (at, at),
    )
    return [size for (size,) in rows]


def find_tokens(db: sqlite3.Connection, current: int) -> Tokens:
    """Say where the pass ``current`` reads the feed from; see ``Ledger.tokens``."""
    rows = db.execute(
        "SELECT id, token, drained FROM runs WHERE id < ? AND token != '' ORDER BY id DESC LIMIT 2",
        (current,),
    ).fetchall()
    if not rows:
        return Tokens("", 0)
    run, token, drained = rows[0] if rows[0][2] or len(rows) == 1 else rows[1]
    # A drain's token comes after its run's own writes, any other before them.
    since = run if drained else run - 1
    (changed,) = db.execute(
        "SELECT (SELECT count(*) FROM objects WHERE run > ?)"
        " + (SELECT count(*) FROM trashed WHERE run > ?)",
        (since, since),
    ).fetchone()
    return Tokens(token, int(changed))
