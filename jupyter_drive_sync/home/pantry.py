"""Contents that were fetched once, for all homes of a hub: course material is handed on from here.

A folder of the administrator's, in which each file is called after the MD5 of its content, as Drive
tells it. Whoever may write there fills it, whoever may only read takes from it. Nobody has to be
trusted: what is taken is compared with Drive's checksum like a download, and fetched where it is
not right. Drive counts what leaves it by project and day; ten thousand students who each fetch the
same 200 MB in the morning are beyond that.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_BLOCK: Final = 1024 * 1024
KEPT_DAYS: Final = 30
"""Days after which a content that nobody has asked for is thrown away."""


class Pantry:
    """The folder. Several threads and processes may use it at once.

    Args:
        folder: absolute; one that is not there has nothing, and takes nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.fills = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
        """Whether we may put something there."""

    def take(self, md5: bytes, size: int) -> Iterator[bytes]:
        """Yield a content in blocks; nothing where it is not there, or is not that long."""
        try:
            fd = os.open(self._path(md5), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_size != size:
                return
            if self.fills:
                os.utime(fd)  # still asked for
            while data := os.read(fd, _BLOCK):
                yield data
        except OSError:  # a disk that fails: what is lacking comes from Drive
            return
        finally:
            os.close(fd)

    def put(self, md5: bytes, source: int, size: int) -> None:
        """Keep a content, if we may; a full or failing disk is no matter.

        Args:
            md5: of the content.
            source: descriptor of a file that holds it.
            size: bytes.
        """
        path = self._path(md5)
        if not self.fills or path.exists():
            return
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o755, exist_ok=True)
            fd, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
            try:
                _copy(source, fd, size)
                os.fchmod(fd, 0o644)
                os.fsync(fd)
                Path(name).replace(path)
            finally:
                os.close(fd)
                Path(name).unlink(missing_ok=True)

    def prune(self, now: float | None = None) -> int:
        """Throw away what nobody has asked for in :data:`KEPT_DAYS`; returns how much that was."""
        if not self.fills:
            return 0
        before = (time.time() if now is None else now) - KEPT_DAYS * 86_400
        gone = 0
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < before:
                    path.unlink()
                    gone += 1
        return gone

    def _path(self, md5: bytes) -> Path:
        name = md5.hex()
        return self._folder / name[:2] / name


def _copy(source: int, target: int, size: int) -> None:
    at = 0
    while at < size:
        data = os.pread(source, _BLOCK, at)
        if not data:
            raise OSError("the file became shorter")
        os.write(target, data)
        at += len(data)
