"""Renames and moves: which vanished object of ours is which new path.

Identity of a file is its inode *with* size and mtime, or equal content; never the inode alone
(inodes are reused), and never a hard link that still lives under another path. A folder moved when
files that were below it turn up below a new folder at the same relative place.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from zlib import crc32

from jupyter_drive_sync.core.tree import (
    Kind,
    LedgerEntry,
    LedgerTree,
    LocalEntry,
    LocalTree,
    RelPath,
    Shadow,
    Standing,
    Stat,
    depth_of,
    join,
    name_of,
    parent_of,
    to_bytes,
)


@dataclass(frozen=True, slots=True)
class Moves:
    """Old path of an object of ours -> the path where it is on disk now."""

    files: Mapping[RelPath, RelPath]
    """Files that moved on their own; those below a moved folder at the same place are not here."""
    folders: Mapping[RelPath, RelPath]

    def path_of(self, file: RelPath) -> RelPath:
        """Return where a file of the ledger is expected now."""
        return self.files.get(file) or self.carried(file)

    def carried(self, file: RelPath) -> RelPath:
        """Return where the folders above take a file; one at its own path is not above it."""
        return join(self.rebase(parent_of(file)), name_of(file)) if self.folders else file

    def rebase(self, path: RelPath) -> RelPath:
        """Return where a folder of the ledger is expected after the folders have moved."""
        if not self.folders:
            return path
        tail = ""
        head = path
        while head:
            moved = self.folders.get(head)
            if moved is not None:
                return RelPath(moved + tail)
            tail = "/" + name_of(head) + tail
            head = parent_of(head)
        return path


def suspects(
    local: LocalTree, ledger: LedgerTree, *, night: int | None, nights: int
) -> Iterator[RelPath]:
    """Yield the files whose content must be read before a plan can be made.

    These are files whose stat changed while their size did not (or became that of an edit on
    Drive, which may be the same one), racily clean ones, those that have
    their turn tonight (a silent change is found within ``nights`` nights), and new files that may
    be a moved one or that meet an object of ours at the same path.

    Args:
        local: the scan.
        ledger: what we know.
        night: number of the night, or None when nobody has a turn.
        nights: each night one of so many parts has its turn.
    """
    free = _vanished(local, ledger)
    sizes = {entry.stat.size for entry in free if entry.standing is Standing.MIRRORED}
    # Entries that came from a query have no stat; only their checksum tells anything.
    any_size = any(entry.standing is Standing.UNCLAIMED for entry in free)
    known = {stat for stat, entry in _identities(free, local).items() if not entry.racy}
    for path, entry in local.entries.items():
        if entry.kind is not Kind.FILE:
            continue
        mine = ledger.files.get(path)
        if mine is None:
            if (entry.stat.size in sizes or any_size) and entry.stat not in known:
                yield path
        elif mine.standing is not Standing.MIRRORED:
            yield path
        elif mine.stat != entry.stat:
            edited = mine.seen is not None and mine.seen.size == entry.stat.size
            if mine.stat.size == entry.stat.size or edited or not mine.stat.inode:
                yield path
        elif mine.racy or (night is not None and crc32(to_bytes(path)) % nights == night % nights):
            yield path


def match(local: LocalTree, ledger: LedgerTree) -> Moves:
    """Find out what was renamed or moved since the last pass."""
    free = _vanished(local, ledger)
    new = [
        entry
        for path, entry in sorted(local.entries.items())
        if entry.kind is Kind.FILE and path not in ledger.files and entry.problem is None
    ]
    files = _match_files(free, new, local)
    folders = _match_folders(files, local, ledger)
    carried = Moves({}, folders).carried
    alone = {old: now for old, now in files.items() if carried(old) != now}
    _drop_clashes(alone, ledger.files, carried)
    return Moves(alone, folders)


def _drop_clashes(
    pairs: dict[RelPath, RelPath],
    paths: Collection[RelPath],
    carried: Callable[[RelPath], RelPath],
) -> None:
    """Drop the pairs that end where another object of ours comes to lie with its folder.

    That object is at the place already; a second one there would be its twin.

    Args:
        pairs: old place -> new place.
        paths: all objects of that kind.
        carried: tells where the moved folders take one that does not move by itself.
    """
    while pairs:
        taken = {carried(path) for path in paths if path not in pairs}
        clashes = [old for old, now in pairs.items() if now in taken]
        if not clashes:
            return
        for old in clashes:
            del pairs[old]


def _vanished(local: LocalTree, ledger: LedgerTree) -> list[LedgerEntry]:
    shadow = Shadow(local)
    return [
        entry
        for path, entry in ledger.files.items()
        if entry.standing in (Standing.MIRRORED, Standing.UNCLAIMED)
        and (path not in local.entries or local.entries[path].kind is not Kind.FILE)
        and not shadow.left_out(path)
        and not shadow.unreadable(path)
    ]


def _identities(free: Collection[LedgerEntry], local: LocalTree) -> dict[Stat, LedgerEntry]:
    """Return what a file with the same stat must have been: one path before, one path now."""
    if not free:
        return {}
    before = Counter(entry.stat.inode for entry in free)
    now = Counter(entry.stat.inode for entry in local.entries.values() if entry.kind is Kind.FILE)
    return {
        entry.stat: entry
        for entry in free
        if (inode := entry.stat.inode) and before[inode] == now[inode] == 1
    }


def _match_files(
    free: Collection[LedgerEntry], new: list[LocalEntry], local: LocalTree
) -> dict[RelPath, RelPath]:
    free = sorted(free, key=lambda entry: entry.path, reverse=True)
    pairs = _by_identity(free, new, local)
    claimed = set(pairs.values())
    # Equal content counts only for files that have some: empty files are all alike.
    rest = [now for now in new if now.path not in claimed and now.md5 and now.stat.size]
    for same_name in (True, False):
        shelves: dict[tuple[str, bytes], list[RelPath]] = defaultdict(list)
        for entry in free:
            if entry.md5 is not None and entry.path not in pairs:
                shelves[name_of(entry.path) if same_name else "", entry.md5].append(entry.path)
        for now in rest:
            shelf = shelves[name_of(now.path) if same_name else "", now.md5 or b""]
            if shelf and now.path not in claimed:
                pairs[shelf.pop()] = now.path
                claimed.add(now.path)
    return pairs


def _by_identity(
    free: Collection[LedgerEntry], new: list[LocalEntry], local: LocalTree
) -> dict[RelPath, RelPath]:
    """Pair by inode with size and mtime; content that was read has to be equal as well."""
    known = _identities(free, local)
    return {
        source.path: now.path
        for now in new
        if (source := known.get(now.stat)) is not None and now.md5 in (None, source.md5)
    }


def _match_folders(
    files: Mapping[RelPath, RelPath], local: LocalTree, ledger: LedgerTree
) -> dict[RelPath, RelPath]:
    """Let each moved file vote for the folder pairs above it, and take the clearest first."""

    def vanished(path: RelPath) -> bool:
        entry = ledger.folders.get(path)
        here = local.entries.get(path)
        return (
            entry is not None
            and entry.standing in (Standing.MIRRORED, Standing.UNCLAIMED)
            and (here is None or here.kind is not Kind.FOLDER)
        )

    def is_new(path: RelPath) -> bool:
        entry = local.entries.get(path)
        return entry is not None and entry.kind is Kind.FOLDER and path not in ledger.folders

    votes: Counter[tuple[RelPath, RelPath]] = Counter()
    for old, now in files.items():
        while name_of(old) == name_of(now):
            old, now = parent_of(old), parent_of(now)  # noqa: PLW2901 - climbing together
            if not (vanished(old) and is_new(now)):
                break
            votes[old, now] += 1

    chosen: dict[RelPath, RelPath] = {}
    targets: set[RelPath] = set()
    order = sorted(votes.items(), key=lambda vote: (depth_of(vote[0][0]), -vote[1], vote[0]))
    for (old, now), _ in order:
        if old in chosen or now in targets:
            continue
        if Moves({}, chosen).rebase(old) == now:
            targets.add(now)  # it comes along with a folder above it
            continue
        chosen[old] = now
        targets.add(now)
    _drop_clashes(chosen, ledger.folders, lambda path: Moves({}, chosen).rebase(path))
    return chosen
