"""The mirror as it is brought back from: whose it is, and all that Drive has of it.

Only reading. It may be another home's: whoever comes to a new machine, or to a home that the hub
made anew, has the old one's mirror under the same name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_drive_sync.core.tree import FileId, RelPath, RemoteEntry
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.listing import whole_tree
from jupyter_drive_sync.drive.types import BATCH_LIMIT, Get
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.observe import RootState, paths_below
from jupyter_drive_sync.engine.root import Foreign, find, folder_names
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.errors import DriveSyncError, Missing, NotThere


@dataclass(frozen=True, slots=True)
class Source:
    """Which mirror."""

    home_id: str
    root: FileId
    own: bool = True
    """It is this home's own, so our records speak of it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What Drive has of a mirror, trashed objects too."""

    source: Source
    entries: dict[FileId, RemoteEntry]
    paths: dict[FileId, RelPath]


def find_source(site: Site, identity: Identity, ledger: Ledger, drive: Drive) -> Source:
    """Find the mirror that a home is restored from.

    Raises:
        NotThere: there is none.
    """
    if ledger.get("home") == identity.home_id and ledger.get("root"):
        if ledger.get("root_state") == RootState.TAKEN.value:
            return Source(ledger.get("root_home"), FileId(ledger.get("root")), own=False)
        return Source(identity.home_id, FileId(ledger.get("root")))
    folder = identity.drive_folder or site.drive_folder
    names = folder_names(folder)
    shown = tuple(whole_tree(drive, identity.home_id, names))
    place = find(shown, identity.home_id, names, {})
    if isinstance(place, Foreign):
        found: RemoteEntry | None = place.folder if place.folder.home else None
    elif place.id:
        return Source(identity.home_id, place.id)
    else:
        found = _in_the_trash(shown, names[-1])
    if found is None:
        raise NotThere(
            problem=f"There is no mirror of this home on your Drive: no folder {folder} that this "
            "program has made. Another one can be named with --drive-folder."
        )
    return Source(found.home, found.id, own=found.home == identity.home_id)


def list_source(source: Source, ledger: Ledger, drive: Drive) -> Listing:
    """List a mirror, with what a lagging listing does not show and we know of."""
    entries = {entry.id: entry for entry in whole_tree(drive, source.home_id)}
    if source.own:
        known = ledger.entries()
        _ask(drive, entries, sorted(known.keys() - entries.keys()), source)
    entries.pop(source.root, None)
    while True:
        paths = paths_below(entries, source.root, trashed=True)
        above = {entry.parent for entry in entries.values() if entry.id not in paths}
        strange = [i for i in above if i is not None and i != source.root and i not in entries]
        if not _ask(drive, entries, sorted(strange), source):
            return Listing(source, entries, paths)


def _in_the_trash(shown: Iterable[RemoteEntry], name: str) -> RemoteEntry | None:
    """Find a mirror that somebody moved to the trash as a whole, the newest of several."""
    found = [
        entry
        for entry in shown
        if entry.root and entry.trashed and entry.home and entry.name == name
    ]
    return max(found, key=lambda entry: (entry.mtime_ms, entry.id), default=None)


def _ask(
    drive: Drive, entries: dict[FileId, RemoteEntry], ids: list[FileId], source: Source
) -> bool:
    """Ask for objects one by one; tells whether there were any of the mirror among them."""
    before = len(entries)
    for start in range(0, len(ids), BATCH_LIMIT):
        part = ids[start : start + BATCH_LIMIT]
        for result in drive.batch([Get(file_id) for file_id in part]):
            if isinstance(result, RemoteEntry):
                if result.home == source.home_id:
                    entries[result.id] = result
            elif isinstance(result, DriveSyncError) and not isinstance(result, Missing):
                raise result
    return len(entries) > before
