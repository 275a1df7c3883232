"""A home in a few lines: paths, inodes, times and contents, and a person who works in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from jupyter_drive_sync.core.matching import suspects
from jupyter_drive_sync.core.tree import (
    ROOT,
    Kind,
    LedgerTree,
    LeftOut,
    LocalEntry,
    LocalTree,
    RelPath,
    Stat,
    ancestors,
    is_below,
    join,
    name_of,
    parent_of,
)

NAMES = ("a", "b", "c", "d")
DEEPEST = 3


def checksum(content: int) -> bytes:
    return content.to_bytes(16, "big")


def size_of(content: int) -> int:
    """All empty files are alike; the others have one of two sizes."""
    return 0 if content == 0 else 1 + content % 2


@dataclass
class Inode:
    """A file on disk."""

    number: int
    mtime: int
    content: int
    mode: int = 0o644


@dataclass
class ModelHome:
    """Files and folders by path; hard links are paths of one inode."""

    rng: Random
    files: dict[RelPath, Inode] = field(default_factory=dict)
    folders: dict[RelPath, int] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    unreadable: frozenset[RelPath] = frozenset()
    broken: frozenset[RelPath] = frozenset()
    """Files that cannot be read."""
    _freed: list[int] = field(default_factory=list)
    _ticks: int = 0
    _inodes: int = 0

    # -- a person ---------------------------------------------------------------------------------

    def tick(self) -> int:
        """Return a time that no file has yet, in nanoseconds."""
        self._ticks += 1
        return self._ticks * 1_000_000_000

    def inode(self, content: int, mtime: int | None = None) -> Inode:
        """Make a file; its number may be that of a deleted one."""
        if self._freed and self.rng.random() < 0.5:
            number = self._freed.pop()
        else:
            self._inodes += 1
            number = self._inodes
        return Inode(number, self.tick() if mtime is None else mtime, content)

    def paths(self) -> list[RelPath]:
        return sorted({*self.files, *self.folders})

    def place(self) -> RelPath:
        """Pick a path in a folder that is there."""
        inner = [path for path in self.folders if path.count("/") < DEEPEST - 1]
        return join(self.rng.choice([ROOT, *sorted(inner)]), self.rng.choice(NAMES))

    def free_place(self) -> RelPath | None:
        for _ in range(4):
            path = self.place()
            if path not in self.files and path not in self.folders:
                return path
        return None

    def delete(self, path: RelPath) -> None:
        for gone in [p for p in self.files if is_below(p, path)]:
            number = self.files.pop(gone).number
            if all(inode.number != number for inode in self.files.values()):
                self._freed.append(number)
        for folder in [p for p in self.folders if is_below(p, path)]:
            del self.folders[folder]

    def rename(self, old: RelPath, new: RelPath) -> None:
        for shelf in (self.files, self.folders):
            moved = {p: v for p, v in shelf.items() if is_below(p, old)}  # type: ignore[attr-defined]
            for path, value in moved.items():
                del shelf[path]  # type: ignore[attr-defined]
                shelf[RelPath(new + path[len(old) :])] = value  # type: ignore[index]

    def act(self) -> None:
        """Do one thing that people do in their homes."""
        self.rng.choice(
            [self._write, self._write, self._edit, self._edit, self._remove, self._move, self._move,
             self._move, self._folder, self._copy, self._link, self._save_anew, self._touch,
             self._swap_kind, self._replace]
        )()  # fmt: skip

    def _some(self) -> RelPath | None:
        return self.rng.choice(self.paths()) if self.paths() else None

    def _file(self) -> RelPath | None:
        return self.rng.choice(sorted(self.files)) if self.files else None

    def content(self) -> int:
        return self.rng.choice([0, self.rng.randrange(1, 6), self.rng.randrange(6, 1000)])

    def _write(self) -> None:
        if path := self.free_place():
            self.files[path] = self.inode(self.content())

    def _edit(self) -> None:
        if path := self._file():
            inode = self.files[path]
            inode.content, inode.mtime = self.content(), self.tick()

    def _remove(self) -> None:
        if path := self._some():
            self.delete(path)

    def _move(self) -> None:
        old, new = self._some(), self.free_place()
        if old and new and not is_below(new, old):
            self.rename(old, new)

    def _folder(self) -> None:
        if path := self.free_place():
            self.folders[path] = self.inode(0).number

    def _copy(self) -> None:
        """With its times, as ``cp -p`` does; half the time the original goes."""
        old, new = self._file(), self.free_place()
        if old and new:
            self.files[new] = self.inode(self.files[old].content, self.files[old].mtime)
            if self.rng.random() < 0.5:
                self.delete(old)

    def _link(self) -> None:
        old, new = self._file(), self.free_place()
        if old and new:
            self.files[new] = self.files[old]

    def _save_anew(self) -> None:
        """As editors do: a new file takes the old one's name."""
        if path := self._file():
            self.delete(path)
            self.files[path] = self.inode(self.content())

    def _touch(self) -> None:
        if path := self._file():
            inode = self.files[path]
            inode.mtime = self.tick()
            inode.mode ^= self.rng.choice([0, 0o100, 0o020])

    def _swap_kind(self) -> None:
        if path := self._some():
            was_file = path in self.files
            self.delete(path)
            if was_file:
                self.folders[path] = self.inode(0).number
            else:
                self.files[path] = self.inode(self.content())

    def _replace(self) -> None:
        """Move a file over another one."""
        old, new = self._file(), self._file()
        if old and new and old != new:
            self.delete(new)
            self.files[new] = self.files.pop(old)

    # -- the scan ---------------------------------------------------------------------------------

    def hidden(self, path: RelPath) -> bool:
        """Tell whether a scan does not reach a path."""
        ups = list(ancestors(path))
        return (
            any(name_of(p) in self.excluded for p in (path, *ups))
            or any(up in self.unreadable for up in ups)
        )  # fmt: skip

    def scan(self, ledger: LedgerTree) -> LocalTree:
        """Scan, and read what has to be read."""
        entries: dict[RelPath, LocalEntry] = {}
        left_out = []
        for path in self.paths():
            if self.hidden(path):
                if not self.hidden(parent_of(path)) and parent_of(path) not in self.unreadable:
                    left_out.append(LeftOut(path, "excluded", name_of(path)))
            elif path in self.folders:
                entries[path] = LocalEntry(path, Kind.FOLDER, Stat(0, 0, self.folders[path]))
            else:
                inode = self.files[path]
                stat = Stat(size_of(inode.content), inode.mtime, inode.number)
                entries[path] = LocalEntry(path, Kind.FILE, stat, inode.mode)
        local = LocalTree(entries, tuple(left_out), self.unreadable)
        read = {
            path: replace(entries[path], problem="it cannot be read")
            for path in self.broken
            if path in entries
        }
        for path in suspects(local, ledger, night=self.rng.randrange(3), nights=3):
            if path not in read:
                md5 = checksum(self.files[path].content)
                read[path] = replace(entries[path], md5=md5, racy=self.rng.random() < 0.2)
        return replace(local, entries={**entries, **read})

    def contents(self) -> dict[RelPath, bytes]:
        return {path: checksum(inode.content) for path, inode in self.files.items()}
