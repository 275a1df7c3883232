"""Look at the whole home: one status call per entry, nothing opened but folders, nothing followed.

Folders are listed from the top down, siblings in the order of their bytes, with one descriptor open
at a time whatever the depth. What is left out is not entered. Where something cannot be looked at,
nothing is claimed to be absent there.
"""

from __future__ import annotations

import os
import stat as stat_bits
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.tree import (
    ROOT,
    Kind,
    LeftOut,
    LocalEntry,
    LocalTree,
    RelPath,
    Stat,
    from_bytes,
    join,
    parent_of,
)
from jupyter_drive_sync.errors import HomeMissing, HomeTooLarge, RunCancelled
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.reading import problem_of

Share = Callable[[RelPath, Stat], tuple[RelPath, Stat]]
"""Takes a path and its stat, and returns equal ones, such as those that the ledger holds."""

_PROGRESS_EVERY: Final = 1000
"""Paths between two calls of ``progress``."""


def scan(
    home: Home,
    selection: Selection,
    *,
    max_files: int,
    progress: Callable[[int], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    share: Share = lambda path, stat: (path, stat),
) -> LocalTree:
    """Return what the home holds.

    Args:
        home: open.
        selection: what is mirrored.
        max_files: most paths; left-out folders count once, what lies in them does not.
        progress: told the number of paths seen so far, now and then.
        cancelled: asked before each folder.
        share: gives equal values back that are in memory already.

    Raises:
        HomeTooLarge: there are more than ``max_files`` paths.
        HomeMissing: the home itself cannot be listed.
        RunCancelled: ``cancelled`` said so.
    """
    walk = _Walk(home, selection, max_files, progress, share)
    pending = [walk.start()]
    while pending:
        if cancelled():
            raise RunCancelled
        pending += reversed(walk.enter(pending.pop()))
    if selection.partial:
        walk.drop_unused_folders()
    return LocalTree(
        entries=walk.entries,
        left_out=tuple(walk.left_out),
        unreadable=frozenset(walk.unreadable),
        newest_ns=home.time.now_ns(),
    )


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder on the way down, with the chain of those above it."""

    path: RelPath
    above: _Folder | None
    identity: tuple[int, int]
    """Device and inode: a folder is never its own descendant, but for bind mounts in a loop."""

    def is_within(self, identity: tuple[int, int]) -> bool:
        """Tell whether a folder of this identity is this one or above it."""
        folder: _Folder | None = self
        while folder is not None and folder.identity != identity:
            folder = folder.above
        return folder is not None


@dataclass(slots=True)
class _Walk:
    """The tree while it grows."""

    home: Home
    selection: Selection
    max_files: int
    progress: Callable[[int], None]
    share: Share
    modes: dict[int, int] = field(default_factory=dict)
    """Each mode once: a number of its own for every file adds up."""
    entries: dict[RelPath, LocalEntry] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    unreadable: set[RelPath] = field(default_factory=set)
    seen: int = 0

    def start(self) -> _Folder:
        """Return the home itself, to enter first."""
        try:
            fd = self.home.open_folder(ROOT)
        except OSError as error:
            raise _missing(self.home, error) from error
        try:
            status = os.fstat(fd)
        finally:
            os.close(fd)
        return _Folder(ROOT, None, (status.st_dev, status.st_ino))

    def enter(self, folder: _Folder) -> list[_Folder]:
        """List a folder, take note of what it holds and return the folders to enter next."""
        try:
            fd = self.home.open_folder(folder.path)
        except OSError as error:
            self._cannot_list(folder, error)
            return []
        try:
            names = os.listdir(fd)  # noqa: PTH208 - pathlib cannot list a descriptor
            environment = self.selection.judge_environment(folder.path, names)
            if environment is not None:
                del self.entries[folder.path]
                self.left_out.append(environment)
                return []
            return self._take_all(folder, fd, sorted(map(os.fsencode, names)))
        except OSError as error:
            self._cannot_list(folder, error)
            return []
        finally:
            os.close(fd)

    def drop_unused_folders(self) -> None:
        """Leave out the folders that only led to what the includes want, and led nowhere."""
        used = {parent_of(path) for path in self.unreadable} | self.unreadable
        for path in reversed([*self.entries]):
            is_file = self.entries[path].kind is Kind.FILE
            if is_file or path in used or not self.selection.only_leads(path):
                used.add(parent_of(path))
            else:
                del self.entries[path]
                self.left_out.append(LeftOut(path, "not_included", "none of the includes"))

    def _take_all(self, folder: _Folder, fd: int, names: list[bytes]) -> list[_Folder]:
        below = []
        for raw in names:
            path = join(folder.path, from_bytes(raw))
            self._count()
            try:
                status = os.lstat(raw, dir_fd=fd)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._cannot_look(path, error)
                continue
            if self._take(path, status, folder) is Kind.FOLDER:
                below.append(_Folder(path, folder, (status.st_dev, status.st_ino)))
        return below

    def _take(self, path: RelPath, status: os.stat_result, folder: _Folder) -> Kind | None:
        """Take note of one entry; return its kind if it is mirrored."""
        self.home.saw(status)
        kind = _KINDS.get(stat_bits.S_IFMT(status.st_mode))
        if kind is None:
            reason = "link" if stat_bits.S_ISLNK(status.st_mode) else "special"
            self.left_out.append(LeftOut(path, reason))
            return None
        size = status.st_size if kind is Kind.FILE else 0
        left_out = self.selection.judge(path, kind, size)
        if left_out is None and folder.is_within((status.st_dev, status.st_ino)):
            left_out = LeftOut(path, "filesystem", "it leads back to a folder above it")
        if left_out is not None:
            self.left_out.append(left_out)
            return None
        path, stat = self.share(path, Stat.given(size, status.st_mtime_ns, status.st_ino))
        mode = stat_bits.S_IMODE(status.st_mode)
        self.entries[path] = LocalEntry(
            path,
            kind,
            stat,
            self.modes.setdefault(mode, mode),
            status.st_nlink if kind is Kind.FILE else 1,
        )
        return kind

    def _count(self) -> None:
        self.seen += 1
        if self.seen > self.max_files:
            raise HomeTooLarge(limit=self.max_files)
        if self.seen % _PROGRESS_EVERY == 0:
            self.progress(self.seen)

    def _cannot_list(self, folder: _Folder, error: OSError) -> None:
        """Keep a folder as one whose content nobody knows."""
        if folder.above is None:
            raise _missing(self.home, error) from error
        problem = self._cannot_look(folder.path, error)
        self.entries[folder.path] = replace(self.entries[folder.path], problem=problem)

    def _cannot_look(self, path: RelPath, error: OSError) -> str:
        """Take note that nothing is known about a path; return the problem in words."""
        problem = problem_of(error)
        self.unreadable.add(path)
        said = Said.of(problem)
        self.left_out.append(LeftOut(path, "unreadable", said))
        return said


_KINDS: Final = {stat_bits.S_IFREG: Kind.FILE, stat_bits.S_IFDIR: Kind.FOLDER}


def _missing(home: Home, error: OSError) -> HomeMissing:
    """Tell that the home itself cannot be listed: nothing in it may count as deleted."""
    return HomeMissing(home=str(home.root), problem=f": it {problem_of(error).sentence}")
