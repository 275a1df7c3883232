"""A folder that we did not make, with all that lies below it: level by level, by naming folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from jupyter_drive_sync.core.tree import FileId, Kind, RemoteEntry
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.errors import Missing

FOLDERS_AT_ONCE: Final = 25
"""So many are named in one search; beyond, its address would be longer than proxies take."""


def walk(drive: Drive, folder: FileId) -> Iterator[RemoteEntry]:
    """Yield everything below a folder, parents before children, each object once.

    Nothing from the trash. Shortcuts and Google's own documents are entries like others: what to do
    with them is not decided here. Names may come twice. A folder that is removed meanwhile is
    passed over. Costs a search for each 25 folders of a level, and one more for each 1,000 entries.

    Raises:
        Missing: the folder itself is gone, or not visible to us.
    """
    seen = {folder}
    level = [folder]
    while level:
        below: list[FileId] = []
        for start in range(0, len(level), FOLDERS_AT_ONCE):
            for entry in _children(drive, level[start : start + FOLDERS_AT_ONCE], folder):
                if entry.id in seen:
                    continue  # a page that repeats, or a folder that moved meanwhile
                seen.add(entry.id)
                if entry.kind is Kind.FOLDER:
                    below.append(entry.id)
                yield entry
        level = below


def _children(drive: Drive, folders: Sequence[FileId], top: FileId) -> Iterator[RemoteEntry]:
    """Yield what lies in some folders, each entry with the folder that it lies in."""
    entries: list[RemoteEntry] = []
    try:
        token: str | None = None
        while True:
            page = drive.children(folders, token)
            entries += page.entries
            token = page.next
            if token is None:
                break
    except Missing:
        if len(folders) > 1:
            yield from _one_by_one(drive, folders, top)
        elif folders[0] == top:
            raise
        return
    if len(folders) == 1:
        yield from (replace(entry, parent=folders[0]) for entry in entries)
    elif all(entry.parent in folders for entry in entries):
        yield from entries
    else:
        # Who may not see a folder is not told that it is the parent.
        yield from _one_by_one(drive, folders, top)


def _one_by_one(drive: Drive, folders: Sequence[FileId], top: FileId) -> Iterator[RemoteEntry]:
    for each in folders:
        yield from _children(drive, [each], top)
