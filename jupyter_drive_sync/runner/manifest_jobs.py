"""The jobs around the last sync of a home: its manifest, and the proof. In the child only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_drive_sync.core.tree import RelPath
from jupyter_drive_sync.engine import manifest
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.runner.assembly import World
from jupyter_drive_sync.runner.child import Context
from jupyter_drive_sync.runner.protocol import Job


def verify(job: Job, context: Context) -> Mapping[str, Any]:
    """Compare a home's manifest on Drive with Drive; the home itself is not needed.

    Takes ``home_id``, ``folder``, ``since``. Brings ``proven``, ``manifest`` (its text),
    ``sha256``, ``id``, ``files``, ``bytes``, ``wrong``, ``wrong_count``.
    """
    world = World.of(job, context)
    drive = world.drive()
    args = job.args
    try:
        found = manifest.verify(
            drive,
            str(args["home_id"]),
            RelPath(str(args["folder"])),
            world.endpoint.root,
            float(args["since"]),
        )
    finally:
        drive.transport.close()
    return {
        "proven": found.proven,
        "manifest": found.text,
        "sha256": found.sha256,
        "id": found.id,
        "files": found.files,
        "bytes": found.bytes,
        "wrong": [list(each) for each in found.wrong],
        "wrong_count": found.wrong_count,
    }


def make(world: World, folder: str, progress: Progress) -> Mapping[str, Any]:
    """Make the manifest of a home that was synced just now (see :func:`.manifest.make`)."""
    drive = world.drive()
    try:
        return manifest.make(world.site(), drive, RelPath(folder), progress, world.context.permit)
    finally:
        drive.transport.close()
