"""Paths that a person names, as paths below the home."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_drive_sync.core.tree import RelPath, printable
from jupyter_drive_sync.errors import UsageError


def below_home(home: Path, named: Path) -> RelPath:
    """Return a path below the home; it need not exist (it may have been deleted).

    Args:
        home: the home.
        named: absolute, or from the current folder on; where that lies outside the home, from the
            home on, if there is such a file.

    Raises:
        UsageError: it lies elsewhere.
    """
    # normpath, not resolve: a link in the home is an object of its own.
    absolute = Path(os.path.normpath(Path.cwd() / named))
    real = Path(os.path.realpath(absolute.parent)) / absolute.name
    for candidate, root in ((absolute, home), (real, home.resolve())):
        if candidate == root:
            return RelPath("")
        if candidate.is_relative_to(root):
            return RelPath(str(candidate.relative_to(root)))
    inside = Path(os.path.normpath(home / named))
    if inside.is_relative_to(home) and os.path.lexists(inside):
        return RelPath(str(inside.relative_to(home)))
    raise UsageError(problem=f"{printable(RelPath(str(named)))} does not lie in the home {home}.")
