"""Law 11: while mirroring, nothing in the home is written but our own state folder."""

from __future__ import annotations

import os
from pathlib import Path

from tests.laws.facts import Broken


def fingerprint(home: Path, *, state: Path | None = None) -> dict[str, tuple[object, ...]]:
    """Describe everything below a real home but the state folder: kind, times, content."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(home):
        folders[:] = [name for name in folders if Path(folder, name) != state]
        for name in (*folders, *files):
            path = Path(folder, name)
            status = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(path.relative_to(home))] = (
                status.st_mode, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, content,
            )  # fmt: skip
    return found


def check(before: object, after: object) -> None:
    """Compare two fingerprints, or two counts of the changes that a model has seen."""
    if before != after:
        raise Broken(11, "a pass changed the home")
