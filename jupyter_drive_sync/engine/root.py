"""Whose mirror is it, and where does it hang?

The mirror's folder is known by its id; its home id says whose it is. Folders above it (``home``)
carry no home id, since several homes may lie in them. Under ``drive.file`` a folder of the same
name that somebody else made is invisible, and is left alone in any case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jupyter_drive_sync.core.names import to_drive
from jupyter_drive_sync.core.tree import FileId, Kind, RemoteEntry
from jupyter_drive_sync.engine.apply import Root


@dataclass(frozen=True, slots=True)
class Foreign:
    """The place is taken by another home's mirror."""

    folder: RemoteEntry

    @property
    def changed(self) -> int:
        """When its folder was last changed, milliseconds since the epoch."""
        return self.folder.mtime_ms


def folder_names(drive_folder: str) -> tuple[str, ...]:
    """Split a Drive folder (``home/ann``) into the names of its chain, as Drive gets them."""
    return tuple(to_drive(part) for part in drive_folder.split("/") if part)


def find(
    shown: Iterable[RemoteEntry],
    home_id: str,
    names: tuple[str, ...],
    remembered: Mapping[int, FileId],
) -> Root | Foreign:
    """Find the mirror's folder among the objects of ours, or say what is to be made.

    Args:
        shown: every object with our home id, and our folders with a name of the chain.
        home_id: our home.
        names: the chain down to the mirror.
        remembered: folders of the chain that we made and a lagging listing may not show yet,
            by level.
    """
    folders = [
        entry
        for entry in shown
        if entry.kind is Kind.FOLDER and entry.ours and not entry.trashed and not entry.deleted
    ]
    root = _root(folders, shown, home_id, names[-1])
    if root is None and len(names) - 1 in remembered:
        root = remembered[len(names) - 1]
    if root is not None:
        return Root(root)

    above: FileId | None = None
    for level, name in enumerate(names[:-1]):
        known = sorted(
            entry.id
            for entry in folders
            if entry.name == name and not entry.home and (level == 0 or entry.parent == above)
        )
        found = known[0] if known else remembered.get(level)
        if found is None:
            return Root(missing=names[level:], above=above, level=level)
        above = found
    taken = sorted(
        (
            entry
            for entry in folders
            if entry.name == names[-1] and (len(names) == 1 or entry.parent == above)
        ),
        key=lambda entry: entry.id,
    )
    if taken:
        return Foreign(taken[0])
    return Root(missing=names[-1:], above=above, level=len(names) - 1)


def _root(
    folders: list[RemoteEntry], shown: Iterable[RemoteEntry], home_id: str, name: str
) -> FileId | None:
    """Find what was made as our home's mirror; of several that of its name, or else the fullest.

    A folder that somebody moved out of the mirror has our home id too, and is none.
    """
    children = Counter(entry.parent for entry in shown if entry.home == home_id)
    tops = [entry for entry in folders if entry.root and entry.home == home_id]
    tops.sort(key=lambda entry: (entry.name != name, -children[entry.id], entry.id))
    return tops[0].id if tops else None
