"""The database of the hub service: opened, closed to others, its tables made.

SQLite on a local disk is enough for 10,000 users; any database that SQLAlchemy knows does as well,
by its URL. Who was granted what stands in here, so a file is for its owner alone: 0600, in a folder
of 0700.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import NullPool

from jupyter_drive_sync.errors import BadSettings, StateUnusable

_BUSY_MS: Final = 30_000
"""Milliseconds for which one writer waits for another."""


class Base(DeclarativeBase):
    """What all tables of the service derive from."""


def open_database(url: str) -> Engine:
    """Open a database and make the tables that it does not have.

    The modules that declare tables have to be imported before.

    Args:
        url: as SQLAlchemy writes it, such as ``sqlite:////srv/drive-sync/hub.sqlite``.

    Returns:
        The engine; safe to use from several threads.

    Raises:
        BadSettings: the URL cannot be understood, or its driver is not installed.
        StateUnusable: the database cannot be opened or written.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        # Not quoted: it may hold a password.
        raise BadSettings(name="database", problem="it is no database URL") from None
    lite = address.get_backend_name() == "sqlite"
    try:
        # A file has a connection for each use: SQLite's are cheap, and tied to a thread.
        pool: dict[str, Any] = {"poolclass": NullPool} if lite else {"pool_pre_ping": True}
        engine = create_engine(address, **pool)
    except (ImportError, SQLAlchemyError) as problem:
        raise BadSettings(name="database", problem=str(problem).rstrip(".")) from None
    try:
        if lite:
            _close_to_others(address)
            event.listen(engine, "connect", _prepare)
        Base.metadata.create_all(engine)
    except (OSError, SQLAlchemyError) as problem:
        raise StateUnusable(
            path=address.render_as_string(hide_password=True),
            problem=getattr(problem, "strerror", None) or "the database cannot be opened",
            detail=repr(getattr(problem, "orig", problem)),
        ) from problem
    return engine


def _close_to_others(address: URL) -> None:
    """Make the file of a SQLite database, for its owner alone, before anything is written."""
    if not address.database or address.database == ":memory:":
        raise BadSettings(name="database", problem="a database in memory forgets every consent")
    path = Path(address.database)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    """Have a commit last, writers wait for each other, and deleted grants overwritten."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()
