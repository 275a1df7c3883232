"""Bring files back into a folder: each whole or not at all, over nothing, and never outside it.

Every step walks down from one open directory, part by part and through no link
(:meth:`~jupyter_drive_sync.home.read.Home.open_folder`), and walks anew: a folder that was moved
away since is not written to. A file grows under a name of ours in the folder where it will lie, so
that what was cut short goes on later, and gets its name at the end, by a link (``linkat``): unlike
a rename, that fails where there is something already.

A file of the person's is replaced only if its content is known to be on Drive. Then the two are
exchanged in one step (``renameat2``), and what came out is looked at before it is let go of: an
editor that saved in between loses nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import hashlib
import itertools
import os
import stat as stat_bits
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from jupyter_drive_sync.core.names import labelled
from jupyter_drive_sync.core.restore_plan import Here, Thing
from jupyter_drive_sync.core.selection import PART
from jupyter_drive_sync.core.tree import RelPath, Stat, join, name_of, parent_of, to_bytes
from jupyter_drive_sync.errors import (
    DriveSyncError,
    FileProblem,
    HomeFull,
    HomeUnwritable,
    NotTaken,
)
from jupyter_drive_sync.home.read import Home

_BLOCK: Final = 1024 * 1024
_RIGHTS: Final = 0o777
"""Of a mode that comes back: never set-user-id and the like."""
_HALF: Final = b"part"
_SWAP: Final = b"swap"
_NO_REPLACE: Final = 1
_EXCHANGE: Final = 2
"""``RENAME_NOREPLACE`` and ``RENAME_EXCHANGE`` of ``renameat2`` (Linux, rename(2))."""
_THINGS: Final = {
    stat_bits.S_IFREG: Thing.FILE,
    stat_bits.S_IFDIR: Thing.FOLDER,
    stat_bits.S_IFLNK: Thing.LINK,
}
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_LINKS: Final = frozenset(
    {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EMLINK}
)
_WORDS: Final = {
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "the disk is read-only",
    errno.EIO: "the disk reports an error",
    errno.ENAMETOOLONG: "its name is too long for the disk",
    errno.EILSEQ: "the disk does not take its name",
    errno.EINVAL: "the disk does not take its name",
    errno.ENOENT: "its folder is gone or was moved",
    errno.ENOTDIR: "something else lies where its folder was",
    errno.ELOOP: "something else lies where its folder was",
    errno.EFBIG: "it is too large for the disk",
    errno.ESTALE: "the network disk lost it",
}


@dataclass
class Part:
    """A file on its way back.

    Attributes:
        path: where it will lie.
        name: under which it grows, in the same folder.
        fd: open for reading and writing.
        size: bytes that are there.
    """

    path: RelPath
    name: bytes
    fd: int
    size: int = 0
    _md5: hashlib._Hash = field(
        default_factory=functools.partial(hashlib.md5, usedforsecurity=False)
    )

    @property
    def md5(self) -> bytes:
        """Of the bytes that are there, 16 bytes."""
        return self._md5.digest()

    def close(self) -> None:
        """Let go of it; what is there stays for the next try."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def know(self, data: bytes) -> None:
        """Count bytes that are there."""
        self._md5.update(data)
        self.size += len(data)

    def again(self) -> None:
        """Forget what was counted."""
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0


class Landing:
    """Where files come back to. Several threads may use it at once.

    Args:
        home: the folder, open; nothing outside it is ever touched.
    """

    def __init__(self, home: Home) -> None:
        self._home = home

    def look(self, path: RelPath) -> Here | None:
        """Say what lies at a path, following no link; None where there is nothing."""
        try:
            folder = self._home.open_folder(parent_of(path))
            try:
                status = os.lstat(to_bytes(RelPath(name_of(path))), dir_fd=folder)
            finally:
                os.close(folder)
        except OSError as problem:
            gone = problem.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
            return None if gone else Here(Thing.UNKNOWN)
        thing = _THINGS.get(stat_bits.S_IFMT(status.st_mode), Thing.SPECIAL)
        return Here(thing, Stat(status.st_size, status.st_mtime_ns, status.st_ino))

    def free(self) -> int:
        """Return the bytes that the disk has room for.

        Raises:
            HomeUnwritable: nothing can be written there, however much room there is.
        """
        root = self._home.root
        with self._words():
            disk = os.statvfs(root)
        if disk.f_flag & os.ST_RDONLY:
            raise HomeUnwritable(folder=str(root), problem=_WORDS[errno.EROFS])
        if not os.access(root, os.W_OK | os.X_OK):
            raise HomeUnwritable(folder=str(root), problem=_WORDS[errno.EACCES])
        return disk.f_bavail * disk.f_frsize

    def make_folder(self, path: RelPath) -> bool:
        """Make a folder in one that is there; tells whether there was none.

        Raises:
            NotTaken: it cannot be made, or something else lies there.
            HomeFull, HomeUnwritable: nothing can be made.
        """
        name = to_bytes(RelPath(name_of(path)))
        with self._words():
            above = self._home.open_folder(parent_of(path))
            try:
                os.mkdir(name, _RIGHTS, dir_fd=above)
            except FileExistsError:
                if stat_bits.S_ISDIR(os.lstat(name, dir_fd=above).st_mode):
                    return False
                raise NotTaken(problem="something else lies there") from None
            finally:
                os.close(above)
        return True

    def begin(self, path: RelPath, key: str) -> Part:
        """Open the file that is to lie at a path one day, with what an earlier try left.

        Args:
            path: its folder is there.
            key: names the content: what was begun under another key is not gone on with.

        Raises:
            NotTaken, HomeFull, HomeUnwritable: it cannot be written.
        """
        name = part_name(key)
        with self._words():
            folder = self._home.open_folder(parent_of(path))
            try:
                part = Part(path, name, _open_part(name, folder))
            finally:
                os.close(folder)
            try:
                while data := os.pread(part.fd, _BLOCK, part.size):
                    part.know(data)
            except BaseException:
                part.close()
                raise
        return part

    def write(self, part: Part, data: bytes) -> None:
        """Put bytes behind those that are there.

        Raises:
            NotTaken, HomeFull, HomeUnwritable: the disk refuses.
        """
        with self._words():
            view = memoryview(data)
            at = part.size
            while view:
                done = os.pwrite(part.fd, view, at)
                view, at = view[done:], at + done
        part.know(data)

    def restart(self, part: Part) -> None:
        """Throw away what is there: it is not what it should be."""
        with self._words():
            os.ftruncate(part.fd, 0)
        part.again()

    def finish(self, part: Part, *, mode: int, mtime_ms: int) -> None:
        """Give it its rights and its time, and have the disk keep it.

        Raises:
            NotTaken, HomeFull, HomeUnwritable: the disk refuses.
        """
        with self._words():
            os.fchmod(part.fd, mode & _RIGHTS)
            mtime_ns = mtime_ms * 1_000_000
            # A time beyond what the disk can hold is no reason to keep a file away.
            with contextlib.suppress(OverflowError, OSError):
                os.utime(part.fd, ns=(mtime_ns, mtime_ns))
            os.fsync(part.fd)

    def land(self, part: Part, path: RelPath) -> bool:
        """Give it its name, if nobody has it.

        Args:
            part: finished.
            path: in the folder where it grew.

        Returns:
            False where there is something already; nothing was changed then.

        Raises:
            NotTaken: its folder was moved away, or the disk has no links.
        """
        with self._words():
            folder = self._home.open_folder(parent_of(path))
            try:
                _check(part, folder)
                return _name(part.name, to_bytes(RelPath(name_of(path))), folder)
            finally:
                os.close(folder)
        return True

    def exchange(self, part: Part, expected: Stat) -> bool:
        """Put it in the place of a file of the person's, if that is still the one expected.

        Args:
            part: finished.
            expected: of the file whose content is known to be on Drive.

        Returns:
            False where it is another file by now, or the disk cannot exchange; the person's file
            is where it was then.

        Raises:
            NotTaken: its folder was moved away.
        """
        target = to_bytes(RelPath(name_of(part.path)))
        swap = _swap_of(part.name)
        with self._words():
            folder = self._home.open_folder(parent_of(part.path))
            try:
                _check(part, folder)
                if not _name(part.name, swap, folder):
                    return False
                done = _rename(folder, swap, target, _EXCHANGE)
                if done and _stat(swap, folder) == expected:
                    os.unlink(swap, dir_fd=folder)
                    return True
                if done:  # somebody saved in between: back, and nobody has noticed
                    _rename(folder, swap, target, _EXCHANGE)
                if _stat(swap, folder).inode == os.fstat(part.fd).st_ino:
                    _name(swap, part.name, folder)
                else:  # somebody saved once more
                    _save(swap, target, folder)
                return False
            finally:
                os.close(folder)

    def drop(self, part: Part) -> None:
        """Remove a file that is on its way; harmless where it is gone."""
        part.close()
        with contextlib.suppress(OSError):
            folder = self._home.open_folder(parent_of(part.path))
            try:
                os.unlink(part.name, dir_fd=folder)
            finally:
                os.close(folder)

    def settle(
        self,
        path: RelPath,
        keep: Collection[bytes],
        on_drive: Callable[[bytes], bool],
        names: Mapping[bytes, RelPath],
    ) -> None:
        """Clear up what other tries have left in a folder.

        A file of the person's that was taken out of its place when a try died, and that Drive does
        not have, gets a name of its own.

        Args:
            path: the folder.
            keep: names of half files that are still wanted.
            on_drive: tells whether Drive has a content, by its md5.
            names: the path of each half file, by its name.
        """
        with contextlib.suppress(OSError, FileProblem):
            folder = self._home.open_folder(path)
            try:
                for text in os.listdir(folder):  # noqa: PTH208 - pathlib cannot list a descriptor
                    name = os.fsencode(text)
                    if not PART.fullmatch(text) or name in keep:
                        continue
                    md5 = self._home.digest(join(path, text)).md5 if name.endswith(_SWAP) else b""
                    if not md5 or on_drive(md5):
                        os.unlink(name, dir_fd=folder)
                    else:
                        mine = names.get(_part_of(name), RelPath("file"))
                        _save(name, to_bytes(RelPath(name_of(mine))), folder)
            finally:
                os.close(folder)

    def sync(self, path: RelPath) -> None:
        """Have the disk keep the names in a folder."""
        with contextlib.suppress(OSError):
            folder = self._home.open_folder(path)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @contextlib.contextmanager
    def _words(self) -> Iterator[None]:
        """Say in a sentence what the disk refuses."""
        try:
            yield
        except OSError as problem:
            raise self._said(problem) from problem

    def _said(self, problem: OSError) -> DriveSyncError:
        root = str(self._home.root)
        words = _WORDS.get(problem.errno or 0) or (problem.strerror or "unknown error").lower()
        if problem.errno in _FULL:
            return HomeFull(folder=root, need="more is", free="nothing is")
        if problem.errno == errno.EROFS:
            return HomeUnwritable(folder=root, problem=words)
        return NotTaken(problem=words)


def part_name(key: str) -> bytes:
    """Return the name under which a content grows; :data:`PART` knows it."""
    return f".{hashlib.sha256(key.encode()).hexdigest()[:24]}.drive-sync-".encode() + _HALF


def _swap_of(part: bytes) -> bytes:
    """Return the name under which a file is exchanged: from then on it may be the person's."""
    return part.removesuffix(_HALF) + _SWAP


def _part_of(name: bytes) -> bytes:
    return name.removesuffix(_HALF).removesuffix(_SWAP) + _HALF


def _open_part(name: bytes, folder: int) -> int:
    """Open a file of ours, or make it; one that has a second name is done with already."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(name, flags, 0o600, dir_fd=folder)
    except PermissionError:  # finished by an earlier try, with rights that let nobody write
        if stat_bits.S_IFMT(os.lstat(name, dir_fd=folder).st_mode) != stat_bits.S_IFREG:
            raise
    else:
        status = os.fstat(fd)
        if stat_bits.S_ISREG(status.st_mode) and status.st_nlink == 1:
            return fd
        os.close(fd)
    os.unlink(name, dir_fd=folder)
    return os.open(name, flags | os.O_EXCL, 0o600, dir_fd=folder)


def _check(part: Part, folder: int) -> None:
    """See that the folder is still the one in which the file grew."""
    try:
        here = os.lstat(part.name, dir_fd=folder)
    except FileNotFoundError:
        raise NotTaken(problem=_WORDS[errno.ENOENT]) from None
    if here.st_ino != os.fstat(part.fd).st_ino:
        raise NotTaken(problem=_WORDS[errno.ENOENT])


def _name(name: bytes, target: bytes, folder: int) -> bool:
    """Give a file another name, unless something has it."""
    try:
        os.link(name, target, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as problem:
        if problem.errno not in _NO_LINKS:
            raise
        if _rename(folder, name, target, _NO_REPLACE):
            return True
        if ctypes.get_errno() == errno.EEXIST:
            return False
        raise NotTaken(problem="the disk cannot put a file in place without a risk") from problem
    os.unlink(name, dir_fd=folder)
    return True


def _save(name: bytes, target: bytes, folder: int) -> None:
    """Give a file of the person's that we hold a name of its own, beside the one that it had."""
    for number in itertools.count(1):
        label = "saved meanwhile" if number == 1 else f"saved meanwhile, {number}"
        if _name(name, os.fsencode(labelled(os.fsdecode(target), label)), folder):
            return


def _stat(name: bytes, folder: int) -> Stat:
    status = os.lstat(name, dir_fd=folder)
    return Stat(status.st_size, status.st_mtime_ns, status.st_ino)


def _rename(folder: int, one: bytes, other: bytes, flag: int) -> bool:
    """Rename with a condition, in one step; False where the system or the disk cannot."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    return call is not None and call(folder, one, folder, other, flag) == 0
