"""A disk that refuses our writes from the N-th on: full, read-only, or failing.

It counts, below one folder, every file opened for writing, renamed, linked, removed, made, and its
rights and times set (by Python's audit events, so no writer is overlooked), every ``fsync``, and
every statement by which SQLite writes. What it refuses raises what the system would.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_GROWING = frozenset({"os.rename", "os.link", "os.mkdir", "os.symlink"})
_CHANGING = _GROWING | {"os.remove", "os.rmdir", "os.chmod", "os.utime", "os.truncate"}
"""A full disk still lets go of things."""
_IN_SQLITE = {
    errno.ENOSPC: "database or disk is full",
    errno.EROFS: "attempt to write a readonly database",
    errno.EIO: "disk I/O error",
}
_READING = ("SELECT", "PRAGMA", "BEGIN", "ROLLBACK")


class RefusingDisk:
    """The one that is in force, if any; there is no taking an audit hook away."""

    active: RefusingDisk | None = None

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._refuses = 0
        self._error = errno.ENOSPC
        self._once = False
        self.writes = 0
        """Writes since :meth:`refusing` or :meth:`counting`."""
        self.refused = 0

    @contextmanager
    def refusing(self, at: int, error: int, *, once: bool = False) -> Iterator[None]:
        """Refuse write number ``at``, from 1, and unless ``once`` all that come after it."""
        self._refuses, self._error, self._once = at, error, once
        self.writes = self.refused = 0
        RefusingDisk.active = self
        try:
            yield
        finally:
            RefusingDisk.active = None

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Refuse nothing."""
        with self.refusing(sys.maxsize, errno.ENOSPC):
            yield

    @property
    def stays_read_only(self) -> bool:
        """Whether it lets go of nothing either."""
        return self._error != errno.ENOSPC and not self._once

    def is_below(self, path: object) -> bool:
        """Tell whether a path lies on this disk."""
        try:
            text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        except ValueError:
            return False
        return text.startswith(self._folder)

    def refuses(self) -> bool:
        """Count a write; tell whether it is refused."""
        self.writes += 1
        no = self.writes == self._refuses or (self.writes > self._refuses and not self._once)
        self.refused += no
        return no

    def system(self) -> OSError:
        """Say what the system says."""
        return OSError(self._error, os.strerror(self._error))

    def database(self) -> sqlite3.OperationalError:
        """Say what SQLite says."""
        return sqlite3.OperationalError(_IN_SQLITE[self._error])


def _audit(event: str, given: tuple[Any, ...]) -> None:
    disk = RefusingDisk.active
    if disk is None:
        return
    writes = (event == "open" and isinstance(given[2], int) and given[2] & _WRITING) or (
        event in (_CHANGING if disk.stays_read_only else _GROWING)
    )
    if writes and disk.is_below(given[0]) and disk.refuses():
        raise disk.system()


class _Connection(sqlite3.Connection):
    """A connection whose writes the disk may refuse."""

    path = ""

    def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
        self._ask(sql)
        sql = sql.replace("synchronous = FULL", "synchronous = OFF")  # nobody pulls the plug here
        return super().execute(sql, *given)

    def executemany(self, sql: str, *given: Any) -> sqlite3.Cursor:
        self._ask(sql)
        return super().executemany(sql, *given)

    def commit(self) -> None:
        if self.in_transaction:
            self._ask("COMMIT")
        super().commit()

    def _ask(self, sql: str) -> None:
        disk = RefusingDisk.active
        if disk is not None and not sql.lstrip().startswith(_READING) and disk.refuses():
            raise disk.database()


_hooked: list[Callable[..., None]] = []


@pytest.fixture
def refusing_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], RefusingDisk]:
    """Make a disk of a folder; its writes count while a test says so."""
    if not _hooked:
        sys.addaudithook(_audit)
        _hooked.append(_audit)
    connect = sqlite3.connect

    def flushed(fd: int) -> None:
        disk = RefusingDisk.active
        if disk is not None and disk.refuses():
            raise disk.system()

    def connected(where: str, **given: Any) -> sqlite3.Connection:
        if where == ":memory:":
            return connect(where, **given)
        return connect(where, factory=_Connection, **given)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(sqlite3, "connect", connected)
    return lambda folder: RefusingDisk(os.fspath(folder))  # type: ignore[call-overload]
