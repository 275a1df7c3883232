"""A home on disk, and ways to look at it without changing it."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import LocalTree, RelPath
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.scan import scan

LONG_AGO = 1_600_000_000
PLAIN = Selection(Settings())


def write(root: Path, path: str, data: bytes = b"data", *, quiet: bool = False) -> Path:
    """Write a file; a quiet one was last modified years ago."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    if quiet:
        os.utime(target, (LONG_AGO, LONG_AGO))
    return target


def look(home: Home, selection: Selection = PLAIN, max_files: int = 1_000_000) -> LocalTree:
    return scan(home, selection, max_files=max_files)


def reasons(tree: LocalTree) -> dict[str, str]:
    return {item.path: item.reason for item in tree.left_out}


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything that lstat tells of a tree, and the content of its files."""
    seen: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(root):
        for path in (Path(folder), *(Path(folder) / name for name in (*folders, *files))):
            status = path.lstat()
            content = path.read_bytes() if path.is_file() and status.st_size < 10**6 else None
            seen[str(path)] = (
                status.st_mode,
                status.st_ino,
                status.st_nlink,
                status.st_uid,
                status.st_size,
                status.st_mtime_ns,
                status.st_ctime_ns,
                status.st_blocks,
                content,
            )
    return seen


def path(text: str) -> RelPath:
    return RelPath(text)
