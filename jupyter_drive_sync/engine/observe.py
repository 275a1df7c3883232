"""What Drive shows, compared with what the ledger knows.

The feed and the whole-tree query end in the same function: an object of ours that is as we left it
costs nothing, one that somebody changed gets ``seen``, and one that we wrote without remembering it
tells that the ledger is older than Drive.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from jupyter_drive_sync.core.names import to_local
from jupyter_drive_sync.core.tree import (
    ROOT,
    FileId,
    Kind,
    LedgerEntry,
    RelPath,
    RemoteEntry,
    Standing,
    Stat,
    join,
    name_of,
)


class RootState(enum.StrEnum):
    """What became of the folder that holds the mirror."""

    FINE = ""
    TRASHED = "trashed"
    DELETED = "deleted"
    TAKEN = "taken"
    """It carries another home's id."""


@dataclass
class Observation:
    """The outcome of one look at Drive."""

    changed: dict[FileId, LedgerEntry] = field(default_factory=dict)
    """Entries to store."""
    ledger_is_old: bool = False
    """Drive holds writes of ours that the ledger does not know."""
    root: RemoteEntry | None = None
    """The root, when it was shown."""
    taken_back: set[FileId] = field(default_factory=set)
    """Files that we had trashed and somebody may have taken out of the trash."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows, for comparison."""

    entries: Mapping[FileId, LedgerEntry]
    root: FileId
    home_id: str
    nonces: AbstractSet[str]
    """Nonces of writes that may still land: intents."""
    released: AbstractSet[FileId]
    """Objects that we have let go of: theirs now, or trashed by us."""
    ours: AbstractSet[str] = frozenset()
    """Of the nonces that strange objects carry, those that belong to an object of ours."""
    trashed: AbstractSet[FileId] = frozenset()
    """Files that we moved to the trash."""


def compare(
    shown: Iterable[RemoteEntry], known: Known, before: Observation | None = None
) -> Observation:
    """Compare what Drive shows with the ledger; an observation of earlier pages grows with it."""
    seen = before or Observation()
    for remote in shown:
        if remote.id == known.root:
            if seen.root is None or remote.version >= seen.root.version:
                seen.root = remote
            continue
        entry = seen.changed.get(remote.id) or known.entries.get(remote.id)
        if entry is not None:
            _compare_known(entry, remote, known, seen)
        elif remote.id in known.trashed:
            if not remote.trashed and not remote.deleted:
                seen.taken_back.add(remote.id)
        elif _is_lost(remote, known) and remote.nonce not in known.ours:
            # A person's copy carries the nonce of its original; a write of ours has its own.
            seen.ledger_is_old = True
    return seen


def _compare_known(
    entry: LedgerEntry, remote: RemoteEntry, known: Known, seen: Observation
) -> None:
    if not remote.deleted and remote.version <= entry.version:
        return
    if remote.deleted:
        seen.changed[entry.id] = replace(entry, seen=remote)
        return
    if remote.nonce != entry.nonce and remote.nonce not in known.nonces:
        seen.ledger_is_old = True
        return
    seen.changed[entry.id] = with_seen(entry, remote)


def _is_lost(remote: RemoteEntry, known: Known) -> bool:
    return (
        remote.home == known.home_id
        and not remote.explicitly_trashed  # what a folder took into the trash comes back with it
        and not remote.deleted
        and remote.nonce not in known.nonces
        and remote.id not in known.released
    )


def with_seen(entry: LedgerEntry, remote: RemoteEntry) -> LedgerEntry:
    """Note what Drive shows of an object, or that it is as we left it."""
    if remote.parent is None and remote.version == entry.version and not remote.deleted:
        # It has not moved since: a listing that lags does not show its folder yet.
        parent = entry.parent if entry.seen is None else entry.seen.parent
        remote = replace(remote, parent=parent)
    same = (
        not remote.trashed
        and remote.parent == entry.parent
        and remote.name == entry.name
        and (entry.kind is Kind.FOLDER or remote.md5 == entry.md5)
    )
    return replace(entry, seen=None if same else remote, version=remote.version)


def root_state(root: RemoteEntry | None, home_id: str) -> RootState:
    """Judge the root as Drive shows it."""
    if root is None:
        return RootState.FINE
    if root.deleted:
        return RootState.DELETED
    if root.home and root.home != home_id:
        return RootState.TAKEN
    return RootState.TRASHED if root.trashed else RootState.FINE


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a look at the whole tree makes of the ledger."""

    entries: tuple[LedgerEntry, ...]
    """All objects of the mirror, known and found."""
    dropped: tuple[FileId, ...]
    """Known objects that the query no longer shows and that are to be asked for one by one."""
    found: int
    """Objects that the ledger did not know."""
    paths: Mapping[FileId, RelPath]
    """Where each object of the mirror lies, or lay before a folder took it into the trash."""


def rebuild(shown: Iterable[RemoteEntry], known: Known, *, trust: bool) -> Rebuilt:
    """Lay the whole tree over the ledger.

    Known objects keep their standing where their nonce is the one that the ledger remembers. What
    it does not know becomes unclaimed, and so does, when the ledger is not to be trusted, what has
    other writes of ours on it.

    Args:
        shown: every object of this home, trashed ones too.
        known: what the ledger knows.
        trust: the ledger was up to date; this is the weekly comparison.
    """
    remotes = {remote.id: remote for remote in shown if remote.id != known.root}
    paths = paths_below(remotes, known.root)
    # What only a folder took into the trash comes back with it: it has to be known by then.
    dragged = {i for i, each in remotes.items() if each.trashed and not each.explicitly_trashed}
    below = paths_below(remotes, known.root, trashed=True) if dragged else {}
    buried = {each: path for each, path in below.items() if each in dragged}
    # What we know and somebody renamed or moved is put back, with all that is in it; what we have
    # moved ourselves and a lagging listing shows where it was is where we put it.
    ours = {
        entry.id: entry
        for entry in known.entries.values()
        if (there := remotes.get(entry.id)) is not None
        and (trust or there.nonce == entry.nonce or there.version < entry.version)
    }
    places = _Places(remotes, ours, known.root)
    paths = {i: places.of(i, path) for i, path in paths.items()}
    buried = {i: places.of(i, path) for i, path in buried.items()}
    entries: list[LedgerEntry] = []
    found = 0
    for remote in remotes.values():
        entry = known.entries.get(remote.id)
        if entry is not None and remote.version < entry.version:
            entries.append(entry)  # the listing lags behind what we know
        elif entry is not None and (trust or remote.nonce == entry.nonce):
            kept = with_seen(entry, remote)
            if not trust and remote.id in paths:
                # An old ledger may not know that a folder above it was moved by us since.
                kept = replace(kept, path=paths[remote.id])
            entries.append(kept)
        elif (path := paths.get(remote.id)) is not None:
            found += entry is None
            entries.append(unclaimed(remote, path))
        elif (path := buried.get(remote.id)) is not None:
            found += entry is None
            entries.append(replace(unclaimed(remote, path), seen=remote))
        elif (
            entry is not None
        ):  # in the trash by itself or moved out, by a write that was forgotten
            entries.append(with_seen(replace(entry, nonce=remote.nonce), remote))
    dropped = tuple(file_id for file_id in known.entries if file_id not in remotes)
    return Rebuilt(tuple(entries), dropped, found, {**buried, **paths})


class _Places:
    """Where objects below the root lie once what we know is back where we put it.

    Args:
        remotes: what Drive shows.
        ours: of these, what the ledger knows as it is: its parent and its name are ours to say.
        root: the mirror's folder.
    """

    def __init__(
        self,
        remotes: Mapping[FileId, RemoteEntry],
        ours: Mapping[FileId, LedgerEntry],
        root: FileId,
    ) -> None:
        self._remotes = remotes
        self._ours = ours
        self._found: dict[FileId, RelPath | None] = {root: ROOT}

    def of(self, file_id: FileId, shown: RelPath) -> RelPath:
        """Return the path of an object that Drive shows at ``shown``."""
        trail: list[FileId] = []
        here: FileId | None = file_id
        while here is not None and here not in self._found:
            self._found[here] = None  # a loop of our folders and theirs has no place
            trail.append(here)
            here = self._above(here)
        for each in reversed(trail):
            base = None if here is None else self._found[here]
            entry = self._ours.get(each)
            if entry is not None:
                self._found[each] = entry.path if base is None else join(base, name_of(entry.path))
            elif base is not None:
                self._found[each] = join(base, to_local(self._remotes[each].name))
            here = each
        return self._found[file_id] or shown

    def _above(self, file_id: FileId) -> FileId | None:
        entry = self._ours.get(file_id)
        if entry is not None:
            return entry.parent
        remote = self._remotes.get(file_id)
        return None if remote is None else remote.parent


def superseded(
    entries: Iterable[LedgerEntry],
    paths: Mapping[FileId, RelPath],
    shown: AbstractSet[FileId],
    root: FileId,
) -> Iterator[FileId]:
    """Yield objects that are gone from the mirror and whose place another one of ours has by now.

    An old ledger still takes them for the mirror of the file here; the newer one that took over
    when they left is found without a word about why. To make a third one would be a twin.

    Args:
        entries: all objects, found ones among them as unclaimed.
        paths: where each object lies, in the mirror or in its part of the trash.
        shown: what the listing has; of the others only what was asked for is known.
        root: the mirror's folder.
    """
    entries = tuple(entries)
    by_id = {entry.id: entry for entry in entries}
    found = [e for e in entries if e.standing is Standing.UNCLAIMED and e.id in paths]
    places = {(entry.kind, paths[entry.id]) for entry in found}
    alive = {(entry.kind, paths[entry.id]) for entry in found if entry.seen is None}
    for entry in entries:
        away = entry.id not in paths and (entry.id in shown or entry.seen is not None)
        away = away and not _lies_in(root, entry, by_id)
        known = entry.standing is not Standing.UNCLAIMED
        buried = known and entry.seen is not None and entry.seen.trashed
        if (entry.kind, entry.path) in (places if away else alive if buried else ()):
            yield entry.id


def _lies_in(root: FileId, entry: LedgerEntry, by_id: Mapping[FileId, LedgerEntry]) -> bool:
    """Tell whether an object is in the mirror, also where a listing lacks the folders above it."""
    met: set[FileId] = set()
    here: LedgerEntry | None = entry
    while here is not None and here.id not in met:
        met.add(here.id)
        seen = here.seen
        if seen is not None and (seen.trashed or seen.deleted):
            return False
        above = here.parent if seen is None else seen.parent
        if above == root:
            return True
        here = by_id.get(above) if above else None
    return False


def unclaimed(remote: RemoteEntry, path: RelPath) -> LedgerEntry:
    """Make an entry for an object that Drive has and the ledger did not know."""
    return LedgerEntry(
        path=path,
        kind=remote.kind,
        standing=Standing.UNCLAIMED,
        id=remote.id,
        parent=remote.parent or FileId(""),
        name=remote.name,
        stat=Stat(remote.size, 0, 0),
        md5=remote.md5,
        nonce=remote.nonce,
        version=remote.version,
        revision=remote.revision,
        mtime_ms=remote.mtime_ms,
    )


def paths_below(
    remotes: Mapping[FileId, RemoteEntry], root: FileId, *, trashed: bool = False
) -> dict[FileId, RelPath]:
    """Find the path of every live object below the root; loops and strangers have none.

    With ``trashed``, what lies in Drive's trash has the path that it had.
    """
    paths: dict[FileId, RelPath] = {root: ROOT}
    lost: set[FileId] = set()
    for start in remotes:
        trail: list[FileId] = []
        here: FileId | None = start
        while here is not None and here not in paths and here not in lost and here not in trail:
            trail.append(here)
            remote = remotes.get(here)
            here = None if remote is None or (remote.trashed and not trashed) else remote.parent
        base = paths.get(here) if here is not None else None
        for file_id in reversed(trail):
            if base is None:
                lost.add(file_id)
                continue
            base = join(base, to_local(remotes[file_id].name))
            paths[file_id] = base
    del paths[root]
    return paths
