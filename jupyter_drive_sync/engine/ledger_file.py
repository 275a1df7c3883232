"""The file of the ledger: its schema, how it is opened, and what the disk may say.

Homes often lie on NFS, so: rollback journal in TRUNCATE mode with full sync, never WAL (its shared
memory needs one host), and no trust in file locks between hosts. Where locks do not work at all,
the file is opened without them. Sources: SQLite, "Write-Ahead Logging", "Use of WAL over a network
filesystem"; SQLite, "Uniform Resource Identifiers", ``nolock``.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jupyter_drive_sync.core.refusals import refused_by_disk
from jupyter_drive_sync.errors import StateFull, StateUnusable

VERSION: Final = 3
"""``PRAGMA user_version``; a higher one was written by a newer program."""

_PATIENCE: Final = 60.0
"""Seconds to wait for another's lock: a commit is as slow as the disk, a reader may be swapped."""

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE objects (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, path BLOB NOT NULL, standing TEXT NOT NULL,
    parent TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL, md5 BLOB, nonce TEXT NOT NULL, version INTEGER NOT NULL,
    revision TEXT NOT NULL, racy INTEGER NOT NULL, revived INTEGER NOT NULL,
    mtime_ms INTEGER NOT NULL, mode INTEGER NOT NULL, seen TEXT,
    run INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX objects_path ON objects (path);
CREATE TABLE intents (
    nonce TEXT PRIMARY KEY, run INTEGER NOT NULL, verb TEXT NOT NULL, path BLOB NOT NULL,
    id TEXT NOT NULL, entry TEXT NOT NULL, session INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE revisions (id TEXT NOT NULL, revision TEXT NOT NULL, run INTEGER NOT NULL,
    PRIMARY KEY (id, revision)) WITHOUT ROWID;
CREATE TABLE edits (id TEXT NOT NULL, revision TEXT NOT NULL, path BLOB NOT NULL,
    at REAL NOT NULL, size INTEGER NOT NULL, pinned INTEGER NOT NULL, run INTEGER NOT NULL,
    PRIMARY KEY (id, revision)) WITHOUT ROWID;
CREATE TABLE holds (id TEXT PRIMARY KEY, kind TEXT NOT NULL, since REAL NOT NULL,
    reason TEXT NOT NULL, choices TEXT NOT NULL, answer TEXT NOT NULL DEFAULT '',
    said TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE hold_items (hold TEXT NOT NULL, id TEXT NOT NULL, path BLOB NOT NULL,
    size INTEGER NOT NULL, PRIMARY KEY (hold, id)) WITHOUT ROWID;
CREATE TABLE approvals (id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE nonces (nonce TEXT PRIMARY KEY, run INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE released (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE trashed (id TEXT NOT NULL, path BLOB NOT NULL, size INTEGER NOT NULL,
    at REAL NOT NULL, run INTEGER NOT NULL, approved INTEGER NOT NULL,
    PRIMARY KEY (id, run)) WITHOUT ROWID;
CREATE TABLE unasked (at REAL NOT NULL, size INTEGER NOT NULL);
CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, started REAL NOT NULL,
    ended REAL, outcome TEXT NOT NULL, counters TEXT NOT NULL, problem TEXT,
    token TEXT NOT NULL DEFAULT '', drained INTEGER NOT NULL DEFAULT 0,
    verified INTEGER NOT NULL DEFAULT 0, mirrored INTEGER NOT NULL DEFAULT 0);
CREATE TABLE outcomes (run INTEGER NOT NULL, path BLOB NOT NULL, outcome TEXT NOT NULL,
    reason TEXT NOT NULL, size INTEGER NOT NULL, said TEXT NOT NULL DEFAULT '');
CREATE INDEX outcomes_run ON outcomes (run);
"""

_STEPS: Final = {
    1: (
        "ALTER TABLE holds ADD COLUMN said TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE outcomes ADD COLUMN said TEXT NOT NULL DEFAULT ''",
    ),
    2: ("CREATE TABLE unasked (at REAL NOT NULL, size INTEGER NOT NULL)",),
}
"""What makes the next version of an older one."""


def open_file(path: Path) -> tuple[sqlite3.Connection, str]:
    """Open a ledger's file, making it where there is none or none that can be used.

    For the holder of the lease alone: what is set aside here may be what another writes to.

    Returns:
        The connection, and why the ledger was begun anew: ``""`` (it was not), ``"new"``,
        ``"broken"`` or ``"newer"``.

    Raises:
        StateUnusable: the folder cannot be written.
        StateFull: its disk is full.
    """
    with plain_words(path):
        why = "" if path.exists() and path.stat().st_size else "new"
        if not why:
            why = _fault(path)
            if why:
                _set_aside(path, why)
        _touch(path)
        db = _connect(path)
        if why:
            _create(db)
        else:
            _bring_up_to_date(db)
        return db, why


def find_file(path: Path) -> sqlite3.Connection | None:
    """Open a ledger's file as it is, also while another writes to it; None where there is none.

    One that cannot be used counts as none: the next run sets it aside.

    Raises:
        StateUnusable: the folder cannot be read, or the writer never lets go of the file.
    """
    if not path.exists():
        return None
    with plain_words(path):
        try:
            db = _connect(path, probe="SELECT 1 FROM sqlite_master")
        except sqlite3.DatabaseError as error:
            if _is_broken(error):
                return None
            raise
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            usable = version == VERSION or version in _STEPS
            if usable:
                _bring_up_to_date(db)
        except BaseException:
            db.close()
            raise
        if not usable:
            db.close()
            return None
        return db


def in_memory() -> sqlite3.Connection:
    """Make a ledger that nobody keeps."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    _create(db)
    return db


def _touch(path: Path) -> None:
    """Make the file; SQLite would with the rights of the umask, and its journal takes the file's.

    One that is there is not touched: closing it would drop every lock of this process on it, those
    of other connections too (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _create(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";"):
        if statement.strip():
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.commit()


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    """Carry a ledger of an older program over; two who open it at once do so once."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        for step in range(version, VERSION):
            for statement in _STEPS[step]:
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.rollback()
        raise
    db.commit()


def _fault(path: Path) -> str:
    """Tell why a ledger cannot be used; ``""`` when it can."""
    try:
        db = _connect(path)
        with contextlib.closing(db):
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                return "newer"
            (state,) = db.execute("PRAGMA quick_check(1)").fetchone()
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError as error:
        if _is_broken(error):
            return "broken"
        raise  # full, or in use: it is as good as it was
    known = version == VERSION or version in _STEPS
    return "" if state == "ok" and "objects" in tables and known else "broken"


def _connect(path: Path, *, probe: str = "BEGIN IMMEDIATE") -> sqlite3.Connection:
    """Open the file with locks where they work, else without."""
    try:
        return _opened(path, "", probe)
    except sqlite3.OperationalError as error:
        if not any(word in str(error) for word in ("locking protocol", "disk I/O")):
            raise
        return _opened(path, "&nolock=1", probe)


def _opened(path: Path, options: str, probe: str) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw{options}",
        uri=True,
        isolation_level=None,
        timeout=_PATIENCE,
    )
    try:
        for pragma in ("journal_mode = TRUNCATE", "synchronous = FULL", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        db.execute(probe).fetchall()
        if db.in_transaction:
            db.rollback()
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def _set_aside(path: Path, why: str) -> None:
    """Keep what cannot be used, once per reason, for whoever wants to look into it."""
    path.replace(path.with_name(f"ledger.{why}.sqlite"))
    path.with_name(path.name + "-journal").unlink(missing_ok=True)


def _is_broken(error: sqlite3.DatabaseError) -> bool:
    """Tell a file that is no ledger from one that cannot be had just now: in use, disk full."""
    return not isinstance(error, sqlite3.OperationalError)


def _no_space(error: sqlite3.DatabaseError) -> bool:
    return "full" in str(error)


@contextlib.contextmanager
def plain_words(path: Path) -> Iterator[None]:
    """Say in a sentence what the disk refuses."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if _no_space(error):
            raise StateFull(path=str(path.parent), detail=str(error)) from error
        raise StateUnusable(path=str(path.parent), problem=str(error)) from error
    except OSError as error:
        raise refused_by_disk(str(path.parent), error) from error
