"""Contents: kept once, read in pieces, counted by who refers to them."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PIECE = 1 << 18
"""Bytes that are moved at a time."""

SMALL = 1 << 20
"""Contents up to this size stay in memory when there is no folder."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Size and checksums of a content."""

    size: int
    md5: str
    sha1: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Blob:
    """A content that is stored: its key, size and checksums."""

    key: str
    digest: Digest


class Draft:
    """A content that is being written. Not shared between threads."""

    def __init__(self, file: BinaryIO, path: Path | None) -> None:
        self._file = file
        self.path = path

    @property
    def size(self) -> int:
        """Bytes written so far."""
        self._file.seek(0, 2)
        return self._file.tell()

    def append(self, piece: bytes) -> None:
        """Write at the end."""
        self._file.seek(0, 2)
        self._file.write(piece)
        self._file.flush()

    def truncate(self, size: int) -> None:
        """Drop what lies beyond `size` bytes."""
        self._file.truncate(size)
        self._file.flush()

    def pieces(self) -> Iterator[bytes]:
        """Yield what was written."""
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece

    def close(self) -> None:
        """End the writing; a draft in a folder stays there."""
        self._file.close()

    def discard(self) -> None:
        """End the writing and forget the content."""
        self._file.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class Stretch:
    """A part of a stored content, as a reply body."""

    def __init__(self, source: bytes | Path, start: int, size: int) -> None:
        self._source = source
        self._start = start
        self.size = size

    def __iter__(self) -> Iterator[bytes]:
        if isinstance(self._source, bytes):
            yield self._source[self._start : self._start + self.size]
            return
        with self._source.open("rb") as file:
            file.seek(self._start)
            left = self.size
            while left and (piece := file.read(min(PIECE, left))):
                left -= len(piece)
                yield piece


class Blobs:
    """The contents of a Drive.

    In a folder each is one file. Without one, small contents stay in memory and large ones go to a
    temporary folder that ends with the process.
    """

    def __init__(self, folder: Path | None) -> None:
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="localdrive-")
        self._in_memory: dict[str, bytes] = {}
        self._keep_small = folder is None
        base = folder or Path(self._temporary.name if self._temporary else "")
        self._folder = base / "blobs"
        self._drafts = base / "uploads"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._drafts.mkdir(parents=True, exist_ok=True)
        self._references: Counter[str] = Counter()

    def draft(self, key: str) -> Draft:
        """Open a content for writing, with what an earlier process wrote of it."""
        path = self._drafts / key
        path.touch()
        return Draft(path.open("r+b"), path)

    def drop_drafts(self, but: Collection[str]) -> None:
        """Remove what was being written under other keys than these."""
        for path in self._drafts.iterdir():
            if path.name not in but:
                path.unlink()

    def adopt(self, key: str, draft: Draft) -> Blob:
        """Keep a finished draft under a key, and hash it."""
        digest = digest_of(draft.pieces())
        draft.close()
        if draft.path is not None:
            draft.path.rename(self._folder / key)
        return Blob(key, digest)

    def keep(self, key: str, content: bytes) -> Blob:
        """Keep a content that is at hand."""
        if self._keep_small and len(content) <= SMALL:
            self._in_memory[key] = content
        else:
            (self._folder / key).write_bytes(content)
        return Blob(key, digest_of((content,)))

    def read(self, key: str, start: int, size: int) -> Stretch:
        """Return a part of a content."""
        content = self._in_memory.get(key)
        return Stretch(self._folder / key if content is None else content, start, size)

    def refer(self, key: str) -> None:
        """Count one more owner of a content."""
        self._references[key] += 1

    def release(self, key: str) -> None:
        """Count one owner less; the content goes with its last."""
        self._references[key] -= 1
        if self._references[key] <= 0:
            del self._references[key]
            if self._in_memory.pop(key, None) is None:
                (self._folder / key).unlink(missing_ok=True)

    def drop_unowned(self, key: str) -> None:
        """Remove a content unless somebody owns it."""
        if key not in self._references and self._in_memory.pop(key, None) is None:
            (self._folder / key).unlink(missing_ok=True)

    def drop_unreferenced(self) -> None:
        """Remove contents that nobody owns: a process died between keeping and using them."""
        for path in self._folder.iterdir():
            if path.name not in self._references:
                path.unlink()

    def close(self) -> None:
        """Remove the temporary folder, if there is one."""
        if self._temporary is not None:
            self._temporary.cleanup()


def digest_of(pieces: Iterator[bytes] | tuple[bytes, ...]) -> Digest:
    """Hash a content in the three ways that Drive publishes."""
    md5, sha1, sha256 = (
        hashlib.md5(usedforsecurity=False),
        hashlib.sha1(usedforsecurity=False),
        hashlib.sha256(),
    )
    size = 0
    for piece in pieces:
        size += len(piece)
        for hasher in (md5, sha1, sha256):
            hasher.update(piece)
    return Digest(size, md5.hexdigest(), sha1.hexdigest(), sha256.hexdigest())
