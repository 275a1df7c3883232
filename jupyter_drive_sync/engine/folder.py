"""A folder of Drive that need not be ours: all that lies below it, level by level.

Nothing is asked by ``appProperties`` here, which another program's objects do not have. Many
folders share a query (rclone joins 50), so a tree of 500 folders in five levels costs some fifteen
requests. Shortcuts are listed and never followed, so a walk ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from jupyter_drive_sync.core.tree import FileId, Kind, RelPath, RemoteEntry
from jupyter_drive_sync.drive.api import Drive, quote
from jupyter_drive_sync.engine.observe import paths_below
from jupyter_drive_sync.errors import HomeTooLarge, Missing, NotThere

_TOGETHER: Final = 50
"""Folders of one query; a query must not become too long for an address."""


def find(drive: Drive, reference: str) -> RemoteEntry:
    """Find a folder by its address or its id.

    Raises:
        NotThere: there is none that we may see.
    """
    match = _REFERENCE.search(reference)
    try:
        found = drive.get(FileId(match["id"])) if match else None
    except Missing:
        found = None
    if found is None or found.kind is not Kind.FOLDER or found.trashed:
        raise NotThere(problem=f"There is no folder {reference} on Drive that we may see.")
    return found


_REFERENCE: Final = re.compile(r"(?:^|/folders/|[?&]id=)(?P<id>[\w-]{10,})(?:$|[/?&#])")


def is_id(reference: str) -> bool:
    """Tell an address or an id from a path."""
    return _REFERENCE.search(reference) is not None


def tree(
    drive: Drive,
    root: FileId,
    *,
    permit: Callable[[], None] = lambda: None,
    most: int = 500_000,
) -> tuple[dict[FileId, RemoteEntry], dict[FileId, RelPath]]:
    """Return what lies below a folder, and the path of each object (see :func:`below`)."""
    entries = {entry.id: entry for entry in below(drive, root, permit=permit, most=most)}
    return entries, paths_below(entries, root)


def below(
    drive: Drive,
    root: FileId,
    *,
    permit: Callable[[], None] = lambda: None,
    most: int = 500_000,
) -> Iterator[RemoteEntry]:
    """Yield what lies below a folder, those above first; nothing of the trash.

    Args:
        drive: is asked.
        root: id of the folder.
        permit: asked before each level; raises to end the walk.
        most: objects from which on it is given up.

    Raises:
        HomeTooLarge: there are more.
    """
    seen: set[FileId] = {root}
    level: list[FileId] = [root]
    while level:
        permit()
        deeper: list[FileId] = []
        for entry in _children(drive, level):
            if entry.id in seen:  # pages may repeat entries
                continue
            seen.add(entry.id)
            if len(seen) > most:
                raise HomeTooLarge(limit=most)
            if entry.kind is Kind.FOLDER:
                deeper.append(entry.id)
            yield entry
        level = deeper


def _children(drive: Drive, folders: Sequence[FileId]) -> Iterator[RemoteEntry]:
    for start in range(0, len(folders), _TOGETHER):
        part = folders[start : start + _TOGETHER]
        found = [*_search(drive, part)]
        if all(entry.parent in part for entry in found):
            yield from found
        elif len(part) == 1:
            # Who may see a file need not see which folder holds it.
            yield from (replace(entry, parent=part[0]) for entry in found)
        else:
            for folder in part:
                yield from _children(drive, [folder])


def _search(drive: Drive, folders: Sequence[FileId]) -> Iterator[RemoteEntry]:
    where = " or ".join(f"{quote(folder)} in parents" for folder in folders)
    query = f"({where}) and trashed = false"
    token: str | None = None
    while True:
        page = drive.search(query, token)
        yield from page.entries
        token = page.next
        if token is None:
            return
