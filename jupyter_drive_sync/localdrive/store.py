"""What survives a restart: small documents in one SQLite file, contents as files beside it.

The model keeps everything in memory and writes through; without a folder nothing is kept and
contents spill to a temporary folder when they are large.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    room TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (room, key)
) WITHOUT ROWID
"""


class Store(Protocol):
    """Documents by room and key."""

    def put(self, room: str, key: str, document: Any) -> None:
        """Keep a JSON document, replacing what was there."""

    def drop(self, room: str, key: str) -> None:
        """Forget a document; one that is not there is no error."""

    def items(self, room: str) -> Iterator[tuple[str, Any]]:
        """Yield the keys and documents of a room."""

    def close(self) -> None:
        """End the use of the store."""


class MemoryStore:
    """The store of a Drive that ends with its process: it keeps nothing."""

    def put(self, room: str, key: str, document: Any) -> None:
        """Keep nothing."""

    def drop(self, room: str, key: str) -> None:
        """Forget nothing."""

    def items(self, room: str) -> Iterator[tuple[str, Any]]:  # noqa: ARG002 - the store's shape
        """Yield nothing."""
        return iter(())

    def close(self) -> None:
        """End nothing."""


class FolderStore:
    """The store of a Drive in a folder.

    Each `put` is committed at once but not flushed to the disk: it survives the process, which is
    what a test kills, not a power cut.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            folder / "localdrive.sqlite", check_same_thread=False, isolation_level=None
        )
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(_SCHEMA)

    def put(self, room: str, key: str, document: Any) -> None:
        """Keep a JSON document, replacing what was there."""
        text = json.dumps(document, separators=(",", ":"))
        with self._lock:
            self._database.execute(
                "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (room, key, text)
            )

    def drop(self, room: str, key: str) -> None:
        """Forget a document; one that is not there is no error."""
        with self._lock:
            self._database.execute("DELETE FROM documents WHERE room = ? AND key = ?", (room, key))

    def items(self, room: str) -> Iterator[tuple[str, Any]]:
        """Yield the keys and documents of a room."""
        with self._lock:
            rows = self._database.execute(
                "SELECT key, document FROM documents WHERE room = ? ORDER BY key", (room,)
            ).fetchall()
        for key, text in rows:
            yield key, json.loads(text)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()
