"""A folder of Drive that need not be ours, as an import sees it: found, and listed whole."""

from __future__ import annotations

from collections.abc import Callable

from jupyter_drive_sync.core.tree import FileId, RelPath, RemoteEntry
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.folders import find_folder, parse_folder
from jupyter_drive_sync.drive.types import Place
from jupyter_drive_sync.drive.walk import walk
from jupyter_drive_sync.engine.observe import paths_below
from jupyter_drive_sync.errors import HomeTooLarge, Missing, NotThere


def find(drive: Drive, reference: str) -> Place:
    """Find a folder by its address, its id or its path (errors as :func:`find_folder`)."""
    return find_folder(drive, parse_folder(reference, drive.endpoint))


def tree(
    drive: Drive,
    root: FileId,
    *,
    permit: Callable[[], None] = lambda: None,
    most: int = 500_000,
) -> tuple[dict[FileId, RemoteEntry], dict[FileId, RelPath]]:
    """Return what lies below a folder, and the path of each object; nothing of the trash.

    Args:
        drive: is asked.
        root: id of the folder.
        permit: asked now and then; raises to end the walk.
        most: objects from which on it is given up.

    Raises:
        HomeTooLarge: there are more.
        NotThere: the folder itself is gone.
    """
    entries: dict[FileId, RemoteEntry] = {}
    try:
        for entry in walk(drive, root):
            permit()
            entries[entry.id] = entry
            if len(entries) > most:
                raise HomeTooLarge(limit=most)
    except Missing:
        raise NotThere(
            problem="The folder on Drive is gone, or is no longer shared with us; what came from "
            "it stays here."
        ) from None
    return entries, paths_below(entries, root)
