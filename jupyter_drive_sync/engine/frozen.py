"""Folders that were archived: nothing of them is moved to Drive's trash any more."""

from __future__ import annotations

import json
from collections.abc import Iterable

from jupyter_drive_sync.core.tree import RelPath, is_below
from jupyter_drive_sync.engine.ledger import Ledger


def frozen_folders(ledger: Ledger) -> tuple[RelPath, ...]:
    """Return the folders of which nothing is trashed any more; ``""`` is the whole home."""
    text = ledger.get("frozen")
    return tuple(RelPath(path) for path in json.loads(text)) if text else ()


def freeze(ledger: Ledger, folder: RelPath) -> None:
    """Have nothing below a folder trashed any more."""
    folders = {*frozen_folders(ledger), folder}
    ledger.remember(frozen=json.dumps(sorted(folders)))


def is_frozen(path: RelPath, folders: Iterable[RelPath]) -> bool:
    """Tell whether a path is one of which nothing is trashed any more."""
    return any(is_below(path, folder) for folder in folders)
