"""Restores in the engine's world."""

from __future__ import annotations

from pathlib import Path

from jupyter_drive_sync.core.tree import RelPath
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.restore import Request, Restore, RestoreReport
from tests.engine.world import World


def restore(
    world: World,
    *paths: str,
    to: Path | None = None,
    as_of: float | None = None,
    revision: str = "",
    trashed: bool = False,
    dry_run: bool = False,
) -> RestoreReport:
    """Run one restore, a minute after whatever was before it."""
    world.clock.advance(60)
    drive = world.connect(wrap=world.wrap)
    world.server.log.clear()
    progress = Progress(world.clock)
    world.progress = progress
    work = Restore(world.site, drive, world.executor, progress, "restore")
    asked = Request(tuple(RelPath(p) for p in paths), to, as_of, revision, trashed)
    try:
        return work.run(asked, dry_run=dry_run)
    finally:
        world.sent = world.server.log.counts()
        world.inner = world.server.log.inner_counts()


def outcomes(report: RestoreReport) -> dict[str, str]:
    """Return what became of each file."""
    return {outcome.path: outcome.outcome for outcome in report.outcomes}
