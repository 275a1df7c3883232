"""A home in memory: a file system of a few lines, with the face of ``os`` that a home is read by.

Everything that a disk may do to us can be done here on purpose: numbers of inodes come back, change
times move by themselves, times are coarse, a disk refuses. There is no way to write through the
face, and whatever is asked for can be counted and interrupted.
"""

from __future__ import annotations

import copy
import errno
import os
import stat as bits
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PosixPath
from typing import Any

FIRST_DESCRIPTOR = 1_000_000
DEVICE = 77


@dataclass
class Node:
    """A file, folder, link or special file."""

    mode: int
    ino: int
    mtime_ns: int
    ctime_ns: int
    data: bytes = b""
    entries: dict[bytes, Node] = field(default_factory=dict)
    links: int = 1
    refuses: int = 0
    """Error number of whoever opens it."""

    @property
    def folder(self) -> bool:
        return bits.S_ISDIR(self.mode)

    @property
    def regular(self) -> bool:
        return bits.S_ISREG(self.mode)


class ModelFs:
    """One tree.

    Args:
        now: seconds since the epoch, the disk's own clock.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.grain_ns = 10_000_000
        """Step of the times that the disk gives."""
        self._inodes = 1000
        self.freed: list[int] = []
        self.reuse = False
        """Whether a new file gets the number of the last one that was deleted."""
        self.root = self._node(bits.S_IFDIR | 0o755)
        self.mounted = True
        self.changes = 0
        """Grows with each change: whoever only reads leaves it alone."""

    # -- time and numbers -------------------------------------------------------------------------

    def now_ns(self) -> int:
        """Return the disk's time."""
        return int(self._now() * 1e9) // self.grain_ns * self.grain_ns

    def _node(self, mode: int, data: bytes = b"") -> Node:
        if self.reuse and self.freed:
            ino = self.freed.pop()
        else:
            self._inodes += 1
            ino = self._inodes
        now = self.now_ns()
        return Node(mode, ino, now, now, data)

    def _free(self, node: Node) -> None:
        node.links -= 1
        if node.links <= 0:
            self.freed.append(node.ino)
            for child in node.entries.values():
                self._free(child)

    # -- finding ----------------------------------------------------------------------------------

    def node(self, path: str) -> Node | None:
        """Return what is at a path, following nothing."""
        here: Node | None = self.root
        for part in os.fsencode(path).split(b"/") if path else ():
            here = here.entries.get(part) if here is not None and here.folder else None
        return here

    def walk(self) -> list[tuple[str, Node]]:
        """Return everything but the root, by path."""
        found: list[tuple[str, Node]] = []
        waiting: list[tuple[bytes, Node]] = [(b"", self.root)]
        while waiting:
            at, folder = waiting.pop()
            for name, node in sorted(folder.entries.items()):
                path = at + b"/" + name if at else name
                found.append((os.fsdecode(path), node))
                if node.folder:
                    waiting.append((path, node))
        return sorted(found, key=lambda item: os.fsencode(item[0]))

    def files(self) -> dict[str, bytes]:
        """Return the regular files by path; none while the disk is not mounted."""
        if not self.mounted:
            return {}
        return {path: node.data for path, node in self.walk() if node.regular}

    # -- a person ---------------------------------------------------------------------------------

    def _split(self, path: str) -> tuple[Node, bytes]:
        above, _, name = path.rpartition("/")
        folder = self.node(above)
        if folder is None or not folder.folder:
            raise FileNotFoundError(above)
        return folder, os.fsencode(name)

    def _touch(self, *nodes: Node) -> None:
        self.changes += 1
        for node in nodes:
            node.mtime_ns = node.ctime_ns = self.now_ns()

    def write(self, path: str, data: bytes, *, mtime_ns: int | None = None) -> None:
        """Make a file or change one in place."""
        folder, name = self._split(path)
        node = folder.entries.get(name)
        if node is not None and not node.regular:
            raise IsADirectoryError(path)
        if node is None:
            node = folder.entries[name] = self._node(bits.S_IFREG | 0o644)
            self._touch(folder)
        node.data = data
        self._touch(node)
        if mtime_ns is not None:
            node.mtime_ns = mtime_ns

    def save_anew(self, path: str, data: bytes) -> None:
        """Change a file as editors do: a new one takes the old one's name."""
        folder, name = self._split(path)
        old, new = folder.entries.get(name), self._node(bits.S_IFREG | 0o644, data)
        if old is not None and old.folder:
            raise IsADirectoryError(path)
        folder.entries[name] = new
        if old is not None:
            self._free(old)
        self._touch(folder)

    def make(self, path: str, mode: int) -> None:
        """Make a folder, link or special file where nothing is."""
        folder, name = self._split(path)
        if name in folder.entries:
            raise FileExistsError(path)
        folder.entries[name] = self._node(mode)
        self._touch(folder)

    def remove(self, path: str) -> None:
        """Remove a file or a whole tree."""
        folder, name = self._split(path)
        self._free(folder.entries.pop(name))
        self._touch(folder)

    def rename(self, old: str, new: str) -> None:
        """Move something; a file at the new place goes."""
        here, name = self._split(old)
        there, new_name = self._split(new)
        node, rival = here.entries[name], there.entries.get(new_name)
        if rival is node:
            return
        if rival is not None and (rival.folder or node.folder):
            raise FileExistsError(new)
        if node.folder and (new + "/").startswith(old + "/"):
            raise OSError(errno.EINVAL, old)
        if rival is not None:
            self._free(rival)
        del here.entries[name]
        there.entries[new_name] = node
        self._touch(here, there)
        node.ctime_ns = self.now_ns()

    def link(self, old: str, new: str) -> None:
        """Give a file a second name."""
        node = self.node(old)
        folder, name = self._split(new)
        if node is None or node.folder or name in folder.entries:
            raise FileExistsError(new)
        folder.entries[name] = node
        node.links += 1
        self._touch(folder)

    def bump(self) -> None:
        """Change the change time of everything, as a mount with ``fsGroup`` does."""
        self.changes += 1
        for _, node in self.walk():
            node.ctime_ns = self.now_ns()

    def renumber(self) -> None:
        """Give everything another inode, as a copy on another disk has."""
        self.changes += 1
        self.freed.clear()
        for node in {id(node): node for _, node in self.walk()}.values():
            self._inodes += 1
            node.ino = self._inodes

    def replug(self) -> None:
        """Mount another folder with the same things in it in place of this one."""
        self.changes += 1
        self._inodes += 1
        self.root.ino = self._inodes

    def snapshot(self) -> Node:
        """Return a copy of everything."""
        return copy.deepcopy(self.root)

    def restore(self, root: Node) -> None:
        """Put a snapshot back."""
        self.changes += 1
        self.root = copy.deepcopy(root)


class ModelRoot(PosixPath):
    """The path of a model's root, for whoever asks it directly."""

    fs: ModelFs

    def stat(self, **_: Any) -> os.stat_result:
        return status_of(self.fs.root)

    def is_dir(self, **_: Any) -> bool:
        return True

    def resolve(self, strict: bool = False) -> Path:  # type: ignore[override]
        return Path(str(self))


def status_of(node: Node) -> os.stat_result:
    """Make a status as the system gives it."""
    times = (0, node.mtime_ns // 10**9, node.ctime_ns // 10**9)
    size = 0 if node.folder else len(node.data)
    exact = {"st_atime_ns": 0, "st_mtime_ns": node.mtime_ns, "st_ctime_ns": node.ctime_ns}
    plain = (node.mode, node.ino, DEVICE, node.links, 0, 0, size, *times)
    return os.stat_result((*plain, *(value / 1e9 for value in exact.values())), exact)


class Disk:
    """The face of ``os`` for whoever reads homes; all that it does not know is the system's.

    Attributes:
        homes: models by the path of their root.
        touched: is told of each call on a model, before it happens: its name and the path or name.
    """

    def __init__(self) -> None:
        self.homes: dict[str, ModelFs] = {}
        self.touched: Callable[[str, str], None] = lambda _call, _what: None
        self._open: dict[int, tuple[ModelFs, Node]] = {}
        self._next = FIRST_DESCRIPTOR

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(
        self, name: str | bytes | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
    ) -> int:
        if dir_fd is None:
            fs = self.homes.get(os.fsdecode(name))
            if fs is None:
                return os.open(name, flags, mode)
            return self._opened(fs, fs.root if fs.mounted else Node(bits.S_IFDIR | 0o755, 1, 0, 0))
        if dir_fd not in self._open:
            return os.open(name, flags, mode, dir_fd=dir_fd)
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            raise AssertionError(f"law 11: {name!r} was opened to be written")
        fs, folder = self._open[dir_fd]
        self.touched("open", os.fsdecode(name))
        node = folder if name == b"." else _child(folder, name)
        if bits.S_ISLNK(node.mode):
            raise _error(errno.ENOTDIR if flags & os.O_DIRECTORY else errno.ELOOP, name)
        if flags & os.O_DIRECTORY and not node.folder:
            raise _error(errno.ENOTDIR, name)
        if bits.S_ISSOCK(node.mode):
            raise _error(errno.ENXIO, name)
        if node.refuses:
            raise _error(node.refuses, name)
        return self._opened(fs, node)

    def _opened(self, fs: ModelFs, node: Node) -> int:
        self._next += 1
        self._open[self._next] = (fs, node)
        return self._next

    def close(self, fd: int) -> None:
        if self._open.pop(fd, None) is None:
            os.close(fd)

    def fstat(self, fd: int) -> os.stat_result:
        found = self._open.get(fd)
        return os.fstat(fd) if found is None else status_of(found[1])

    def lstat(self, name: str | bytes | Path, *, dir_fd: int | None = None) -> os.stat_result:
        found = self._open.get(dir_fd) if dir_fd is not None else None
        if found is None:
            return os.lstat(name, dir_fd=dir_fd)
        self.touched("lstat", os.fsdecode(name))
        return status_of(_child(found[1], name))

    def listdir(self, fd: int | str) -> list[str]:
        found = self._open.get(fd) if isinstance(fd, int) else None
        if found is None:
            return os.listdir(fd)  # noqa: PTH208 - pathlib cannot list a descriptor
        self.touched("listdir", "")
        if found[1].refuses:
            raise _error(found[1].refuses, b".")
        return [os.fsdecode(name) for name in found[1].entries]

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        found = self._open.get(fd)
        if found is None:
            return os.pread(fd, size, offset)
        self.touched("pread", str(offset))
        return found[1].data[offset : offset + size]

    def posix_fadvise(self, fd: int, *more: int) -> None:
        if fd not in self._open:
            os.posix_fadvise(fd, *more)

    def left_open(self) -> int:
        """Count the descriptors that nobody closed."""
        return len(self._open)


def _child(folder: Node, name: str | bytes | Path) -> Node:
    if not folder.folder:
        raise _error(errno.ENOTDIR, name)
    node = folder.entries.get(os.fsencode(name))
    if node is None:
        raise _error(errno.ENOENT, name)
    return node


def _error(number: int, name: str | bytes | Path) -> OSError:
    return OSError(number, os.strerror(number), os.fsdecode(name))
