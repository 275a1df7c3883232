"""Several objects of ours at one path: which of them has the place, and which are twins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    LedgerTree,
    RelPath,
    Standing,
    depth_of,
    parent_of,
)

RANK: Final = {
    Standing.MIRRORED: 0,
    Standing.DECLINED: 1,
    Standing.ARCHIVED: 2,
    Standing.UNCLAIMED: 3,
}


def arrange(entries: Iterable[LedgerEntry], root: FileId) -> LedgerTree:
    """Give every path one file and one folder at most.

    The best standing comes first; among equals what lies in the folder that has its own place, so
    that where somebody put a second folder of ours beside the first, its files stay in it: taken
    from here and there, they would be moved beside their twins.

    Args:
        entries: all that the ledger knows.
        root: id of the mirror's folder.
    """
    files: dict[RelPath, LedgerEntry] = {}
    folders: dict[RelPath, LedgerEntry] = {}
    rivals: dict[tuple[bool, int, RelPath], list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        shelf = folders if entry.kind is Kind.FOLDER else files
        if shelf.setdefault(entry.path, entry) is not entry:
            key = (entry.kind is Kind.FILE, depth_of(entry.path), entry.path)
            rivals[key].append(entry)
    twins: list[LedgerEntry] = []
    for (is_file, _, path), others in sorted(rivals.items()):  # folders first, from the top down
        shelf = files if is_file else folders
        above = folders.get(parent_of(path))
        home = above.id if above is not None else root
        ranked = [
            (RANK[each.standing], each.parent != home, each.id, each)
            for each in (shelf[path], *others)
        ]
        ranked.sort(key=lambda item: item[:3])
        shelf[path] = ranked[0][3]
        twins += [item[3] for item in ranked[1:]]
    return LedgerTree(files, folders, tuple(twins), root)
