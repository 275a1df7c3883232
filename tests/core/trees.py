"""Short ways to write the three trees down.

A content is a word; its checksum and its size follow from it. An object that is mirrored and
unchanged has the same inode and time on both sides, since both are made from its path.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any
from zlib import crc32

from jupyter_drive_sync.core.names import to_drive
from jupyter_drive_sync.core.plan import modified_ms
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    LedgerTree,
    LeftOut,
    LocalEntry,
    LocalTree,
    RelPath,
    RemoteEntry,
    Standing,
    Stat,
    name_of,
    parent_of,
)

MIRROR = FileId("mirror")
FILE, FOLDER = Kind.FILE, Kind.FOLDER


def md5_of(content: str) -> bytes:
    return hashlib.md5(content.encode(), usedforsecurity=False).digest()


def stat_of(path: str, content: str = "", kind: Kind = FILE, **changes: int) -> Stat:
    size = len(content) if kind is FILE else 0
    number = crc32(path.encode()) + 1
    return Stat(size, number * 1_000_000, number)._replace(**changes)


def file(path: str, content: str | None = None, *, stat: Stat | None = None, **more: Any) -> Any:
    """Make a file as a scan shows it; its content is its path unless given."""
    content = path if content is None else content
    return LocalEntry(RelPath(path), FILE, stat or stat_of(path, content), **more)


def read(path: str, content: str | None = None, **more: Any) -> Any:
    """Make a file whose content this pass has read."""
    content = path if content is None else content
    return file(path, content, md5=md5_of(content), **more)


def folder(path: str, **more: Any) -> Any:
    return LocalEntry(RelPath(path), FOLDER, stat_of(path, kind=FOLDER), **more)


def home(*entries: LocalEntry, left_out: str = "", unreadable: str = "") -> LocalTree:
    """Make a scan; the folders above the files come by themselves."""
    found: dict[RelPath, LocalEntry] = {}
    for entry in entries:
        above = parent_of(entry.path)
        while above and above not in found:
            found[above] = folder(above)
            above = parent_of(above)
    found |= {entry.path: entry for entry in entries}
    return LocalTree(
        found,
        tuple(LeftOut(RelPath(path), "excluded", path) for path in left_out.split()),
        frozenset(RelPath(path) for path in unreadable.split()),
    )


def id_of(path: str, kind: Kind = FILE) -> FileId:
    """Name the object that was made for a path."""
    return FileId(f"{kind}:{path}") if path else MIRROR


def known(
    path: str,
    content: str | None = None,
    *,
    kind: Kind = FILE,
    standing: Standing = Standing.MIRRORED,
    **changes: Any,
) -> LedgerEntry:
    """Make what the ledger knows of a file; its content is its path unless given."""
    content = path if content is None else content
    stat = stat_of(path, content, kind)
    entry = LedgerEntry(
        path=RelPath(path),
        kind=kind,
        standing=standing,
        id=id_of(path, kind),
        parent=id_of(parent_of(RelPath(path)), FOLDER),
        name=to_drive(name_of(RelPath(path))),
        stat=stat,
        md5=md5_of(content) if kind is FILE else None,
        nonce=f"nonce of {path}",
        version=1,
        mtime_ms=modified_ms(stat) if kind is FILE else 0,
    )
    return replace(entry, **changes)


def known_folder(path: str, **changes: Any) -> LedgerEntry:
    return known(path, kind=FOLDER, **changes)


def found(path: str, content: str | None = None, **changes: Any) -> LedgerEntry:
    """Make an entry as a query of the whole tree leaves it."""
    entry = known(path, content, standing=Standing.UNCLAIMED, **changes)
    return replace(entry, stat=Stat(entry.stat.size, 0, 0))


def shown(entry: LedgerEntry, **changes: Any) -> LedgerEntry:
    """Let Drive show an object, as it was made but for the changes."""
    as_made = RemoteEntry(
        id=entry.id, name=entry.name, parent=entry.parent, kind=entry.kind, md5=entry.md5
    )
    return replace(entry, seen=replace(as_made, **changes))


def edited(entry: LedgerEntry, content: str = "edited on Drive") -> LedgerEntry:
    return shown(entry, md5=md5_of(content))


def renamed(entry: LedgerEntry, name: str = "renamed") -> LedgerEntry:
    return shown(entry, name=name)


def moved(entry: LedgerEntry, into: str) -> LedgerEntry:
    return shown(entry, parent=id_of(into, FOLDER))


def moved_out(entry: LedgerEntry) -> LedgerEntry:
    return shown(entry, parent=None)


def trashed(entry: LedgerEntry) -> LedgerEntry:
    return shown(entry, trashed=True, explicitly_trashed=True)


def deleted(entry: LedgerEntry) -> LedgerEntry:
    return replace(entry, seen=RemoteEntry(entry.id, deleted=True))


def ledger(*entries: LedgerEntry, twins: tuple[LedgerEntry, ...] = ()) -> LedgerTree:
    """Make a ledger; the folders above the files come by themselves."""
    folders = {entry.path: entry for entry in entries if entry.kind is FOLDER}
    for entry in entries:
        above = parent_of(entry.path)
        while above:
            folders.setdefault(above, known_folder(above))
            above = parent_of(above)
    files = {entry.path: entry for entry in entries if entry.kind is FILE}
    return LedgerTree(files, folders, twins, MIRROR)
