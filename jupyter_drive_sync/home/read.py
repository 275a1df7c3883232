"""The home, open for reading: never through a link below it, never waiting, never outside it.

Every path is walked part by part below one open directory (``openat`` with ``O_NOFOLLOW``), anew
each time. Directories are not kept open: a kept one could have been renamed meanwhile, and its
files would be read under a name that is no longer theirs. A walk costs some microseconds.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat as stat_bits
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.core.tree import RelPath, name_of, parent_of, to_bytes
from jupyter_drive_sync.errors import (
    BadSettings,
    FileProblem,
    HomeMissing,
    HomeRefused,
    NotRegular,
    Vanished,
)
from jupyter_drive_sync.home.fstime import FsTime, Probe
from jupyter_drive_sync.home.reading import Content, Read, Reading, problem_of

DRIVEIGNORE: Final = RelPath(".driveignore")
_DRIVEIGNORE_LIMIT: Final = 1024 * 1024

_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_OPEN_FOLDER: Final = _OPEN | os.O_DIRECTORY
_NO_ATIME: Final = getattr(os, "O_NOATIME", 0)

_MANY_HOMES: Final = frozenset({"/home", "/homes", "/Users", "/export/home", "/var/home"})


class Home:
    """A home that is open for reading. Several threads may use it at once.

    Args:
        root: the folder; it may be a link, links below it are never followed.
        clock: for the pauses between two readings.
        probe: asks the home's file system for the time, see
            :func:`~jupyter_drive_sync.home.fstime.probe_in`; without one more files are racy.
        overlay: paths below the home whose content lies elsewhere (bundles of repositories).

    Raises:
        HomeMissing: it is not there, is no folder, or may not be opened.
    """

    def __init__(
        self,
        root: Path,
        *,
        clock: Clock,
        probe: Probe | None = None,
        overlay: Mapping[RelPath, Path] | None = None,
    ) -> None:
        self.root = root
        self.time = FsTime(clock, probe)
        self.overlay: Mapping[RelPath, Path] = overlay or {}
        self._clock = clock
        try:
            self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise HomeMissing(home=str(root), problem=_why_missing(error)) from error
        self._device = os.fstat(self._fd).st_dev

    def __enter__(self) -> Self:
        """Return the home itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Close the home."""
        self.close()

    def close(self) -> None:
        """Let go of the folder; harmless when repeated."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def check(self) -> None:
        """Refuse a folder that cannot be one person's home.

        That is ``/``, a folder under whose name systems keep homes, and one that holds the home of
        an account of this machine, unless it is itself the home of whoever runs this.

        Raises:
            HomeRefused: with the reason.
        """
        real = os.path.realpath(self.root)
        if real == "/":
            raise HomeRefused(home=str(self.root), problem="it is the whole file system")
        if real in _MANY_HOMES:
            raise HomeRefused(home=str(self.root), problem="it is where many homes lie")
        accounts = pwd.getpwall()
        own = {os.path.realpath(a.pw_dir) for a in accounts if a.pw_uid == os.geteuid()}
        for account in () if real in own else accounts:
            folder = os.path.realpath(account.pw_dir)
            if folder.startswith(real + "/") and Path(folder).is_dir():
                problem = f"it holds the home of another account, {account.pw_name}"
                raise HomeRefused(home=str(self.root), problem=problem)

    def driveignore(self) -> str:
        """Return the text of ``.driveignore``; empty where there is none.

        Raises:
            BadSettings: it is there and cannot be read: nothing may be planned with other rules
                than the person wrote.
        """
        try:
            content = self.load(DRIVEIGNORE, _DRIVEIGNORE_LIMIT)
        except Vanished:
            return ""
        except FileProblem as error:
            raise BadSettings(name=DRIVEIGNORE, problem=f"it {error.sentence}") from error
        if content is None:
            raise BadSettings(name=DRIVEIGNORE, problem="it is larger than 1 MB")
        return content.data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")

    def digest(self, path: RelPath) -> Read:
        """Read a file for its checksum.

        Raises:
            ChangedWhileRead: it changed during each of two tries.
            Vanished: it is not there any more.
            NotRegular: it is a link, a folder or a special file now.
            Unreadable: no permission, or the disk fails.
        """
        with self.open(path) as reading:
            return reading.digest()

    def load(self, path: RelPath, limit: int) -> Content | None:
        """Read a small file whole; None if it has more than ``limit`` bytes.

        Raises:
            FileProblem: as :meth:`digest`.
        """
        with self.open(path) as reading:
            return reading.load(limit)

    def open(self, path: RelPath) -> Reading:
        """Open a file to read it in parts; the caller closes it.

        Raises:
            FileProblem: as :meth:`digest`, but for a change.
        """
        return Reading(partial(self._open_file, path), self.time, self._clock)

    def absent(self, path: RelPath) -> bool:
        """Tell whether there is surely nothing at a path now; False where that cannot be known.

        For a last look before a deletion is believed: while an editor replaces a file, there may
        be an instant without one.
        """
        if path in self.overlay:
            return False
        try:
            folder = self.open_folder(parent_of(path))
        except OSError as error:
            return error.errno == errno.ENOENT
        try:
            os.lstat(to_bytes(RelPath(name_of(path))), dir_fd=folder)
        except OSError as error:
            return error.errno == errno.ENOENT
        finally:
            os.close(folder)
        return False

    def open_folder(self, path: RelPath) -> int:
        """Open a folder below the home, following no link.

        Returns:
            A descriptor, the caller's to close.

        Raises:
            OSError: as the system gives it; ENOTDIR for a link.
        """
        fd = _open(b".", _OPEN_FOLDER, self._fd)
        for part in to_bytes(path).split(b"/") if path else ():
            above = fd
            try:
                fd = _open(part, _OPEN_FOLDER, above)
            finally:
                os.close(above)
        return fd

    def saw(self, status: os.stat_result) -> None:
        """Take note of the time that a status from below the home tells."""
        if status.st_dev == self._device:
            self.time.saw(status.st_ctime_ns)

    def _open_file(self, path: RelPath) -> tuple[int, os.stat_result]:
        try:
            elsewhere = self.overlay.get(path)
            if elsewhere is not None:
                return _open_regular(os.fsencode(elsewhere), None)
            folder = self.open_folder(parent_of(path))
            try:
                fd, status = _open_regular(to_bytes(RelPath(name_of(path))), folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise problem_of(error) from error
        self.saw(status)
        return fd, status


def _open(name: bytes, flags: int, folder: int | None) -> int:
    """Open without leaving a trace in ``atime`` where the system lets us: only for one's own."""
    try:
        return os.open(name, flags | _NO_ATIME, dir_fd=folder)
    except PermissionError:
        return os.open(name, flags, dir_fd=folder)


def _open_regular(name: bytes, folder: int | None) -> tuple[int, os.stat_result]:
    """Open a regular file and nothing else.

    The look before keeps us from opening a FIFO (its writer would wake up) or a device; the one
    after finds what was put in its place in between, and ``O_NONBLOCK`` keeps that from blocking.
    """
    if not stat_bits.S_ISREG(os.lstat(name, dir_fd=folder).st_mode):
        raise NotRegular
    fd = _open(name, _OPEN, folder)
    status = os.fstat(fd)
    if not stat_bits.S_ISREG(status.st_mode):
        os.close(fd)
        raise NotRegular
    return fd, status


def _why_missing(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return ""
    if error.errno == errno.ENOTDIR:
        return " as a folder"
    return f" for us ({problem_of(error).params.get('problem', 'unknown error')})"
