"""What brings things back: restore, undo, versions. In the child only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_drive_sync.core.restore_plan import COMING, Step
from jupyter_drive_sync.core.tree import RelPath
from jupyter_drive_sync.drive.types import Revision
from jupyter_drive_sync.engine.executor import Threads
from jupyter_drive_sync.engine.records import FileOutcome, Run
from jupyter_drive_sync.engine.report import Progress, describe_file
from jupyter_drive_sync.engine.restore import Request, Restore, RestoreReport
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.engine.undo import Undo, UndoReport
from jupyter_drive_sync.engine.versions import MOST_PINNED, FileVersions, Versions
from jupyter_drive_sync.runner.assembly import World
from jupyter_drive_sync.runner.child import Context
from jupyter_drive_sync.runner.eta import Eta
from jupyter_drive_sync.runner.mirror_jobs import LISTED, connect, in_turn, teller
from jupyter_drive_sync.runner.protocol import Job


def restore(job: Job, context: Context) -> Mapping[str, Any]:
    """Bring files back from Drive.

    Takes ``paths``, ``to`` (absolute, or None for the home), ``as_of``, ``revision``, ``trashed``
    and ``dry_run``. Brings the run and its files; ``own``, whether the mirror is this home's own;
    in a dry run ``steps`` in place of what was done.
    """
    world = World.of(job, context)
    progress = Progress(world.clock, teller(context, Eta(world.clock)))
    args = job.args
    request = Request(
        tuple(RelPath(path) for path in args.get("paths", ())),
        Path(args["to"]) if args.get("to") else None,
        args.get("as_of"),
        args.get("revision", ""),
        bool(args.get("trashed")),
    )
    request.check()
    dry_run = bool(args.get("dry_run"))

    def work(permit: Callable[[], None]) -> RestoreReport:
        drive = connect(world, progress, permit)
        try:
            threads = Threads(world.settings.concurrency)
            done = Restore(world.site(), drive, threads, progress, job.id, permit)
            return done.run(request, dry_run=dry_run)
        finally:
            drive.transport.close()

    if dry_run:
        report = work(context.permit)
    else:
        report = in_turn(world, Turn(world.site(), job.id, progress, aside=True), work)
    steps = [step for step in report.plan.steps if step.way in COMING] if dry_run else []
    return {
        **_described(report.run, report.outcomes),
        "own": report.source.own,
        "to": str(report.folder),
        "bytes": report.plan.bytes,
        "steps": [_step(step) for step in steps[:LISTED]],
        "steps_more": max(0, len(steps) - LISTED),
    }


def undo(job: Job, context: Context) -> Mapping[str, Any]:
    """Take back on Drive what a run trashed or replaced there.

    Takes ``run``, its number, or None for the last one. Brings the run that did it; ``undone``, the
    number of the other; ``stays``, how many files that one had uploaded, moved or archived.
    """
    world = World.of(job, context)
    progress = Progress(world.clock, teller(context, Eta(world.clock)))

    def work(permit: Callable[[], None]) -> UndoReport:
        drive = connect(world, progress, permit)
        try:
            done = Undo(world.site(), drive, world.secrets, progress, job.id, permit)
            return done.run(job.args.get("run"))
        finally:
            drive.transport.close()

    report = in_turn(world, Turn(world.site(), job.id, progress, aside=True), work)
    return {
        **_described(report.run, report.outcomes),
        "undone": report.of,
        "stays": report.stays,
    }


def versions(job: Job, context: Context) -> Mapping[str, Any]:
    """List the versions of a file, keep one for good, or put one back on Drive.

    Takes ``path``, and with ``keep`` or ``put_back`` the id of a version. Brings ``versions``, the
    newest first, as they are afterwards.
    """
    world = World.of(job, context)
    args = job.args
    path = RelPath(args["path"])

    def work(permit: Callable[[], None]) -> FileVersions:
        drive = world.drive(permit)
        try:
            room = Versions(world.site(), drive, world.secrets)
            if args.get("keep"):
                return room.keep(path, args["keep"])
            if args.get("put_back"):
                return room.put_back(path, args["put_back"])
            return room.of(path)
        finally:
            drive.transport.close()

    if args.get("keep") or args.get("put_back"):
        progress = Progress(world.clock, teller(context, Eta(world.clock)))
        found = in_turn(world, Turn(world.site(), job.id, progress, aside=True), work)
    else:
        found = work(context.permit)
    return {
        "path": path,
        "link": found.entry.link,
        "trashed": found.entry.trashed,
        "kept": found.pinned,
        "most_kept": MOST_PINNED,
        "versions": [_version(each, found) for each in found.revisions],
        "outcome": "completed",
        "exit_code": 0,
    }


def difference(job: Job, context: Context) -> Mapping[str, Any]:
    """Say how a version differs from what is current.

    Takes ``path`` and ``revision``. Brings ``how`` the difference was found, ``lines`` with
    ``sign`` and ``text``, ``lines_more`` that are not among them, and ``here``, whether the file in
    the home is the later side.
    """
    world = World.of(job, context)
    path = RelPath(job.args["path"])
    drive = world.drive(context.permit)
    try:
        room = Versions(world.site(), drive, world.secrets)
        found, here = room.difference(path, job.args["revision"])
    finally:
        drive.transport.close()
    return {
        "path": path,
        "revision": job.args["revision"],
        "how": found.how,
        "here": here,
        "lines": [{"sign": line.sign, "text": line.text} for line in found.lines],
        "lines_more": found.more,
    }


def _described(run: Run, outcomes: tuple[FileOutcome, ...]) -> dict[str, Any]:
    return {
        "run": run.id,
        "job": run.job,
        "outcome": run.outcome,
        "exit_code": 0 if run.outcome == "completed" else 1,
        "started": run.started,
        "ended": run.ended,
        "counters": run.counters,
        "problem": run.problem,
        "files": [describe_file(outcome) for outcome in outcomes[:LISTED]],
        "files_more": max(0, len(outcomes) - LISTED),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "step": step.way.value,
        "path": step.wanted.path,
        "as": step.path,
        "size": step.wanted.size,
    }


def _version(revision: Revision, found: FileVersions) -> dict[str, Any]:
    return {
        "id": revision.id,
        "time": revision.mtime_ms / 1000,
        "size": revision.size,
        "author": revision.author,
        "kept": revision.pinned,
        "current": revision is found.revisions[0],
    }
