"""What an error of the system means where the state folder is written."""

from __future__ import annotations

import errno

from jupyter_drive_sync.errors import StateFull, StateUnusable


def refused_by_disk(folder: str, error: OSError) -> StateFull | StateUnusable:
    """Say what it means that the disk refused a write of ours; a used-up quota is a full disk."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StateFull(path=folder, detail=str(error))
    return StateUnusable(path=folder, problem=error.strerror or "no access")
