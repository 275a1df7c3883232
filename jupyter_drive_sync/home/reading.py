"""Read one open file so that what comes out is one whole version of it.

The law: the content of a file on Drive is always some complete version that existed in the home.
Let *before* be the file's size and times at the start.

* *One reading* will do if size and times are *before*'s at its end as well, and the file was
  *quiet*: its times lie so far back on the file system's own clock
  (:mod:`~jupyter_drive_sync.home.fstime`) that a write during the reading would have given it
  others.
* *Two readings* are made of a file that is not quiet, and of everything that will be sent, because
  a write through ``mmap`` to a page that is dirty already changes no time until the page is
  written back. If every part gave the same bytes both times, all of them were in place at the
  instant between the readings (but for a part that was changed and changed back while we looked
  elsewhere); and if size and times at that instant are *before*'s, nothing was missing at the end.

On NFS the status of an open file may be some seconds old, while opening a path asks the server
("close-to-open consistency", nfs(5)); so the look at the end of a reading opens the path again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat as stat_bits
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.core.tree import Stat
from jupyter_drive_sync.errors import (
    ChangedWhileRead,
    FileProblem,
    NotRegular,
    Unreadable,
    Vanished,
)
from jupyter_drive_sync.home.fstime import FsTime

_TRIES: Final = 2
_BLOCK: Final = 1024 * 1024
_PIECE: Final = 256 * 1024
"""Bytes that are compared as one; the chunks of an upload are multiples of it."""
_FORGET_FROM: Final = 8 * _BLOCK
"""Files of this size and more are dropped from the page cache: it counts as the container's."""
_PAUSE: Final = 0.02
"""Seconds between two readings of a file that is not quiet, so that a writer that was stopped in
the middle can go on. Files turn quiet in about 2 s: all pauses of a pass add up to about as much.
"""

_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_SPECIAL: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.ENODEV})
_PROBLEMS: Final = {
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EIO: "the disk reports an error",
    errno.ESTALE: "the network disk lost it",
    errno.ETIMEDOUT: "the network disk does not answer",
}

Opener = Callable[[], tuple[int, os.stat_result]]
"""Opens the file by its path; raises :class:`FileProblem`."""


@dataclass(frozen=True, slots=True)
class Read:
    """One whole version of a file, as its checksum."""

    md5: bytes
    """16 bytes."""
    stat: Stat
    racy: bool
    """A later change may leave ``stat`` as it is: read the file again at the next pass."""
    mode: int
    """Permission bits."""


@dataclass(frozen=True, slots=True)
class Content(Read):
    """One whole version of a small file."""

    data: bytes


def problem_of(error: OSError) -> FileProblem:
    """Say what an error of the system means for one file."""
    if error.errno in _GONE:
        return Vanished()
    if error.errno in _SPECIAL:
        return NotRegular()
    known = _PROBLEMS.get(error.errno or 0)
    return Unreadable(problem=known or (error.strerror or "unknown error").lower())


class Reading:
    """One open file.

    To send a large one: :meth:`fingerprint`, then :meth:`read_at` for each part that is still to
    be sent, then :meth:`settled`. The fingerprint is the first of the two readings; ``read_at`` is
    the second and gives nothing out that differs from the first, so what is sent is one whole
    version even where the file changes meanwhile. An upload that an earlier process began may go
    on from where it stopped if, and only if, the fingerprint is the one that it began with.

    Attributes:
        stat: of the version that is read; a second try of :meth:`fingerprint` renews it.
        mode: permission bits.
        racy: see :class:`Read`.
    """

    def __init__(self, opener: Opener, time: FsTime, clock: Clock) -> None:
        self._opener = opener
        self._time = time
        self._clock = clock
        self._md5 = b""
        self._pieces: list[bytes] = []
        self._fd = -1
        self._begin()

    def __enter__(self) -> Self:
        """Return the reading itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Let go of the file; harmless when repeated."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def fingerprint(self) -> bytes:
        """Make the first reading and return its md5, 16 bytes; when called again, recall it.

        Raises:
            ChangedWhileRead: the file changed during each of two tries.
            Unreadable: the disk fails.
            Vanished: the file changed and was gone at the second try.
        """
        for _ in range(_TRIES):
            if self._md5:
                return self._md5
            if self._read_through() and self._rested():
                return self._md5
            self._begin()
        raise ChangedWhileRead

    def read_at(self, offset: int, size: int) -> bytes:
        """Read a part for the second time.

        Args:
            offset: bytes from the start.
            size: most bytes; fewer come back at the end of the file.

        Raises:
            ChangedWhileRead: it is not what the first reading saw.
            FileProblem: as :meth:`fingerprint`.
        """
        self.fingerprint()
        first = offset // _PIECE
        last = -(-min(offset + size, self.stat.size) // _PIECE)
        data = self._bytes(first * _PIECE, min(last * _PIECE, self.stat.size) - first * _PIECE)
        if _pieces(data) != self._pieces[first:last]:
            raise ChangedWhileRead
        self._forget(first * _PIECE, len(data))
        inner = offset - first * _PIECE
        return data[inner : inner + size]

    def settled(self) -> Read:
        """Say which version was read; whatever :meth:`read_at` gave belongs to it.

        A change since the fingerprint does no harm here: what was read is a whole version all the
        same, and the next pass sees that the file is another one by then.

        Raises:
            FileProblem: as :meth:`fingerprint`.
        """
        return Read(self.fingerprint(), self.stat, self.racy, self.mode)

    def digest(self) -> Read:
        """Read the file for its checksum alone: once if it is quiet, else twice.

        Raises:
            FileProblem: as :meth:`fingerprint`.
        """
        for _ in range(_TRIES):
            md5 = self.fingerprint()
            if self._quiet or (self._read_through() and self._md5 == md5):
                return Read(md5, self.stat, self.racy, self.mode)
            self._begin()
        raise ChangedWhileRead

    def load(self, limit: int) -> Content | None:
        """Read the whole file, twice; None if it has more than ``limit`` bytes.

        Raises:
            FileProblem: as :meth:`fingerprint`.
        """
        for _ in range(_TRIES):
            if self.stat.size > limit:
                return None
            data = self._bytes(0, self.stat.size + 1)  # one more, to notice that it grew
            if len(data) == self.stat.size and self._unchanged():
                self._rest()
                if self._bytes(0, self.stat.size + 1) == data:
                    md5 = hashlib.md5(data, usedforsecurity=False).digest()
                    return Content(md5, self.stat, self.racy, self.mode, data)
            self._begin()
        raise ChangedWhileRead

    def _begin(self) -> None:
        """Open the path (anew) and take note of what it is before it is read."""
        self.close()
        self._md5 = b""
        self._fd, self._before = self._opener()
        status = self._before
        self.stat = Stat.given(status.st_size, status.st_mtime_ns, status.st_ino)
        self.mode = stat_bits.S_IMODE(status.st_mode)
        self._quiet = self._time.passed(max(status.st_mtime_ns, status.st_ctime_ns))
        self.racy = not self._quiet and not self._time.passed(status.st_mtime_ns)

    def _rest(self) -> None:
        if not self._quiet:
            self._clock.sleep(_PAUSE)

    def _rested(self) -> bool:
        """Pause before a second reading in parts; False where somebody was in the middle of it.

        The second reading compares what the first one saw. That the file went on behind its end
        only its size tells.
        """
        self._rest()
        return self._quiet or self._unchanged()

    def _read_through(self) -> bool:
        """Make one reading of all; False where it cannot be a whole version."""
        whole = hashlib.md5(usedforsecurity=False)
        self._pieces = []
        offset = 0
        while data := self._bytes(offset, _BLOCK):
            whole.update(data)
            self._pieces += _pieces(data)
            self._forget(offset, len(data))
            offset += len(data)
            if offset > self.stat.size:
                return False  # growing, perhaps for ever
        if offset != self.stat.size or not self._unchanged():
            return False
        self._md5 = whole.digest()
        return True

    def _unchanged(self) -> bool:
        """Compare with *before*; a file that was replaced meanwhile is still whole."""
        if not _same(self._before, os.fstat(self._fd)):
            return False
        try:
            fd, status = self._opener()
        except (Vanished, NotRegular):
            return True
        os.close(fd)
        return status.st_ino != self._before.st_ino or _same(self._before, status)

    def _bytes(self, offset: int, size: int) -> bytes:
        """Read up to ``size`` bytes; fewer only at the end of the file."""
        parts = []
        try:
            while size > 0 and (data := os.pread(self._fd, min(size, _FORGET_FROM), offset)):
                parts.append(data)
                offset += len(data)
                size -= len(data)
        except OSError as error:
            raise problem_of(error) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _forget(self, offset: int, size: int) -> None:
        """Drop a part of a large file from the page cache; where that is not to be had, do not."""
        if self.stat.size >= _FORGET_FROM and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._fd, offset, size, os.POSIX_FADV_DONTNEED)


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    """Compare size and times; losing a name (a replacement by rename) also sets ``ctime``."""
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns) and (
        one.st_ctime_ns == other.st_ctime_ns or one.st_nlink != other.st_nlink
    )


def _pieces(data: bytes) -> list[bytes]:
    view = memoryview(data)
    return [
        hashlib.blake2b(view[at : at + _PIECE], digest_size=16).digest()
        for at in range(0, len(data), _PIECE)
    ]
