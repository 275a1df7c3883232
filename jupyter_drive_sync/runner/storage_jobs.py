"""What works on a storage: import, export, list, and the look before one is kept. In the child."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_drive_sync.core.restore_plan import COMING
from jupyter_drive_sync.core.storage import Storage, is_path, read
from jupyter_drive_sync.core.tree import Kind, RelPath
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.courses import CourseDrive
from jupyter_drive_sync.drive.denied import FolderNotFound, ScopeTooNarrow
from jupyter_drive_sync.drive.types import Place
from jupyter_drive_sync.engine import folder as folders
from jupyter_drive_sync.engine.executor import Threads
from jupyter_drive_sync.engine.importing import Import, ImportReport
from jupyter_drive_sync.engine.mirror import Mirror, PassReport
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.storing import aim, export_site, find_target, probe_source
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import ScopeMissing
from jupyter_drive_sync.home.pantry import Pantry
from jupyter_drive_sync.runner import settings_file, storages
from jupyter_drive_sync.runner.assembly import World
from jupyter_drive_sync.runner.child import Context
from jupyter_drive_sync.runner.eta import Eta
from jupyter_drive_sync.runner.mirror_jobs import (
    LISTED,
    connect,
    described_pass,
    in_turn,
    paused,
    teller,
)
from jupyter_drive_sync.runner.protocol import Job
from jupyter_drive_sync.runner.restore_jobs import described_run, described_step


def import_(job: Job, context: Context) -> Mapping[str, Any]:
    """Bring what is new in the folder on Drive.

    Takes ``only``, names below that folder, and ``dry_run``; with ``by_night``, what the person
    paused, or has a storage of their own for, is left alone. Brings the run and its files,
    ``objects``, ``to``, ``bytes``; in a dry run ``steps`` in place of what was done.
    """
    world = World.of(job, context)
    storage = _storage(job)
    if job.args.get("by_night"):
        theirs = Path(job.args["home_state"])
        if paused(settings_file.load(theirs), world.clock.wall()):
            return {"paused": True}
        if any(item.name == storage.name for item in storages.load(theirs)):
            return {"theirs": True}
    progress = Progress(world.clock, teller(context, Eta(world.clock)))
    only = [RelPath(name) for name in job.args.get("only", ())]
    dry_run = bool(job.args.get("dry_run"))
    turn = Turn(world.bare_site(), job.id, progress)

    def work(permit: Callable[[], None]) -> ImportReport:
        with _connected(storage, lambda: connect(world, progress, permit)) as drive:
            found = _find(drive, storage)
            site = world.bare_site()
            if not dry_run:
                aim(site, "import")
            around = replace(
                site, home=Path(job.args["home"]), state_dir=Path(job.args["home_state"])
            )
            roots = tuple(Path(root) for root in job.args["roots"])
            threads = Threads(world.settings.concurrency)
            sent = job.args.get("exported")
            exported = Path(sent) if sent else None
            stored = job.args.get("pantry")
            pantry = Pantry(Path(stored)) if stored else None
            done = Import(
                site, around, drive, threads, progress, job.id, permit, roots, exported, pantry
            )
            report = done.run(found, only, dry_run=dry_run)
            if not dry_run:
                turn.completed(report.run.outcome, report.objects, whole=not only)
            return report

    report = work(context.permit) if dry_run else in_turn(world, turn, work)
    steps = [step for step in report.plan.steps if step.way in COMING] if dry_run else []
    return {
        **described_run(report.run, report.outcomes),
        "objects": report.objects,
        "to": job.home,
        "bytes": report.plan.bytes,
        "steps": [described_step(step) for step in steps[:LISTED]],
        "steps_more": max(0, len(steps) - LISTED),
    }


def export(job: Job, context: Context) -> Mapping[str, Any]:
    """Mirror the folder here to the one on Drive.

    Takes ``only`` and ``dry_run``. Brings what a sync of the home brings.
    """
    world = World.of(job, context)
    storage = _storage(job)
    progress = Progress(world.clock, teller(context, Eta(world.clock)))
    only = [RelPath(name) for name in job.args.get("only", ())]
    dry_run = bool(job.args.get("dry_run"))
    turn = Turn(world.bare_site(), job.id, progress)

    def work(permit: Callable[[], None]) -> PassReport:
        with _connected(storage, lambda: connect(world, progress, permit)) as drive:
            if not dry_run:
                aim(world.bare_site(), "export")
            target = find_target(drive, storage)
            site = export_site(world.site(), storage, target)
            within = drive.within(target.drive_id) if target and target.drive_id else drive
            threads = Threads(world.settings.concurrency)
            done = Mirror(site, within, world.secrets, threads, progress, job.id, permit)
            report = done.run(only=only, dry_run=dry_run)
            if not dry_run:
                turn.completed(report.run.outcome, report.objects, whole=not only)
            return report

    report = work(context.permit) if dry_run else in_turn(world, turn, work)
    return described_pass(report, progress)


def list_(job: Job, context: Context) -> Mapping[str, Any]:
    """List what lies in the folder on Drive. Brings ``files`` and ``files_more``."""
    world = World.of(job, context)
    storage = _storage(job)
    try:
        with _connected(storage, world.drive) as drive:
            found = _find(drive, storage)
            entries, paths = folders.tree(
                drive, found.id, permit=context.permit, most=world.settings.max_files
            )
    except FolderNotFound:
        if not is_path(storage.drive):
            raise
        return {"folder": None, "files": [], "files_more": 0}  # an export will make it
    listed = sorted((path, entries[file_id]) for file_id, path in paths.items())
    files = [
        {
            "path": path,
            "id": entry.id,
            "folder": entry.kind is Kind.FOLDER,
            "size": entry.size,
            "mtime": entry.mtime_ms / 1000,
            "md5": entry.md5.hex() if entry.md5 else "",
            "link": entry.link,
        }
        for path, entry in listed
    ]
    return {
        "folder": {"id": found.id, "name": found.name, "link": found.link},
        "files": files[:LISTED],
        "files_more": max(0, len(files) - LISTED),
    }


def validate(job: Job, context: Context) -> Mapping[str, Any]:
    """See whether a storage works before it is kept: credentials, folder, one readable file.

    Brings ``account``, the address of whoever acts, and ``folder``, None for one that an export
    will make; ``sample``, of an import, a file that was read.

    Raises:
        DriveSyncError: the first thing that stands in its way.
    """
    world = World.of(job, context)
    storage = _storage(job)
    with _connected(storage, world.drive) as drive:
        return _validated(world, storage, drive)


def _validated(world: World, storage: Storage, drive: Drive) -> Mapping[str, Any]:
    about = drive.about()
    sample = ""
    folder: Place | None
    if storage.direction == "import":
        folder = _find(drive, storage)
        sample = probe_source(drive, folder, world.settings, world.context.permit)
    else:
        folder = find_target(drive, storage)
    found = {"id": folder.id, "name": folder.name, "link": folder.link} if folder else None
    return {"account": about.email, "folder": found, "sample": sample}


def _find(drive: Drive, storage: Storage) -> Place:
    """Find the folder of an import (errors as :func:`.folder.find`)."""
    if isinstance(drive, CourseDrive):
        return drive.course()
    return folders.find(drive, storage.drive)


@contextmanager
def _connected(storage: Storage, connect: Callable[[], Drive]) -> Iterator[Drive]:
    """Connect to Drive for a block.

    Raises:
        ScopeTooNarrow: the storage's own credentials do not reach far enough; what else would be
            said of that is meant for the permission of the mirror.
    """
    try:
        drive = connect()
        try:
            yield drive
        finally:
            drive.transport.close()
    except ScopeMissing as problem:
        if storage.credentials not in ("adc", "service_account", "client"):
            raise
        raise ScopeTooNarrow(missing=storage.scope, granted="less", detail=problem.detail) from None


def _storage(job: Job) -> Storage:
    return read(job.args["storage"])
