"""The passes: mirror; preview, which only says what it would do; check. In the child only."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final, TypeVar

from jupyter_drive_sync.core.estimate import minutes
from jupyter_drive_sync.core.plan import Operation, Verb
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import Kind, RelPath, top_of
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.engine.check import CheckReport, distrust
from jupyter_drive_sync.engine.check import check as compare
from jupyter_drive_sync.engine.executor import Threads
from jupyter_drive_sync.engine.mirror import Mirror, PassReport
from jupyter_drive_sync.engine.report import Progress, Status, describe_file, describe_hold
from jupyter_drive_sync.engine.savings import Saving, savings
from jupyter_drive_sync.engine.survey import Survey, open_home
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.runner import manifest_jobs
from jupyter_drive_sync.runner.assembly import World
from jupyter_drive_sync.runner.child import Context, unforeseen
from jupyter_drive_sync.runner.eta import Eta
from jupyter_drive_sync.runner.memory import Memory, memory_guard
from jupyter_drive_sync.runner.protocol import Job
from jupyter_drive_sync.runner.protocol import Progress as ProgressEvent

T = TypeVar("T")

LISTED: Final = 5_000
"""Files that a result names at most; the history has all of them."""
LISTED_FOLDERS: Final = 200
LISTED_LEFT_OUT: Final = 500
"""What a survey names at most."""


def mirror(job: Job, context: Context) -> Mapping[str, Any]:
    """Carry out a pass.

    Takes ``only``, the paths to mirror, or ``[]`` for all; with ``by_night``, what the person
    paused is left alone, and ``paused`` is all that it brings; with ``final``, a folder or ``""``
    for all, the manifest of that is made when everything is synced, see :mod:`.manifest_jobs`.
    Brings what :func:`described_pass` says, and the ``manifest``.
    """
    world = World.of(job, context)
    if job.args.get("by_night") and paused(world.settings, world.clock.wall()):
        return {"paused": True}
    progress = Progress(world.clock, teller(context, Eta(world.clock)))
    turn = Turn(world.site(), job.id, progress)

    def work(permit: Callable[[], None]) -> Mapping[str, Any]:
        report = _pass(world, progress, permit, dry_run=False)
        turn.completed(report.run.outcome, report.objects, whole=not job.args.get("only"))
        made = None
        waits = any(not hold.answer for hold in report.holds)
        if "final" in job.args and report.run.outcome == "completed" and not waits:
            made = manifest_jobs.make(world, str(job.args["final"]), progress)
        return {**described_pass(report, progress), "manifest": made}

    return in_turn(world, turn, work)


def in_turn(world: World, turn: Turn, work: Callable[[Callable[[], None]], T]) -> T:
    """Do work as the writer of the home: with a lease, a heartbeat, an eye on the memory.

    Args:
        world: what the job works with.
        turn: of this job.
        work: is given what it has to ask before each request.

    Raises:
        DriveSyncError: what ended it; the status says so too.
    """
    context = world.context
    enough_memory = memory_guard(Memory(), world.settings.memory_headroom)

    def permit() -> None:
        context.permit()
        turn.lease.check()

    def beat() -> None:
        turn.pulse()
        enough_memory()

    with (
        turn.taken(patience=_patience(world)),
        context.pulse(beat, world.settings.ping_seconds),
    ):
        try:
            enough_memory()
            return work(permit)
        except DriveSyncError:
            raise
        except Exception as problem:
            raise unforeseen(problem) from problem  # its traceback goes into the status


def paused(settings: Settings, now: float) -> bool:
    """Tell whether a person wants nothing to run by itself."""
    return settings.paused_until < 0 or settings.paused_until > now


def survey(job: Job, context: Context) -> Mapping[str, Any]:
    """Look at the home alone: what would be mirrored, and what is left out. Needs no consent.

    Takes ``rules``: whether to measure what each rule leaves out. Brings ``files``, ``bytes``,
    ``minutes`` of a first pass, ``folders`` (those at the top by size, ``""`` for the files of the
    home itself), ``folders_more``, ``left_out``, ``left_out_count``; where asked for, ``rules``.
    """
    world = World.of(job, context)
    progress = Progress(world.clock, teller(context, Eta(world.clock)))
    memory_guard(Memory(), world.settings.memory_headroom)()
    site = world.bare_site()
    rules: list[Saving] = []
    with contextlib.closing(open_home(site)) as home:
        seen = Survey.make(site, home, progress, context.permit)
        if job.args.get("rules"):
            rules = savings(home, seen.tree.left_out, context.permit)
    files = [entry for entry in seen.tree.entries.values() if entry.kind is Kind.FILE]
    tops: dict[str, list[int]] = {}
    for entry in files:
        top = top_of(entry.path)
        tops.setdefault("" if top == entry.path else top, []).append(entry.stat.size)
    folders = sorted(tops.items(), key=lambda item: (-sum(item[1]), item[0]))
    left_out = [*seen.left_out(), *seen.unreadable()]
    size = sum(entry.stat.size for entry in files)
    return {
        "files": len(files),
        "bytes": size,
        "minutes": minutes(len(seen.tree.entries), size, world.settings),
        "folders": [
            {"name": name, "files": len(sizes), "bytes": sum(sizes)}
            for name, sizes in folders[:LISTED_FOLDERS]
        ],
        "folders_more": max(0, len(folders) - LISTED_FOLDERS),
        "left_out": [
            {name: value for name, value in describe_file(item).items() if name != "outcome"}
            for item in left_out[:LISTED_LEFT_OUT]
        ],
        "left_out_count": len(left_out),
        **({"rules": [asdict(rule) for rule in rules]} if job.args.get("rules") else {}),
    }


def preview(job: Job, context: Context) -> Mapping[str, Any]:
    """Say what a pass would do, and touch nothing.

    Takes ``only``. Brings what :func:`described_pass` says, with ``steps`` in place of what was
    done.
    """
    world = World.of(job, context)
    progress = Progress(world.clock, teller(context, Eta(world.clock)))
    memory_guard(Memory(), world.settings.memory_headroom)()
    report = _pass(world, progress, context.permit, dry_run=True)
    steps = [step for step in report.plan.operations() if step.verb is not Verb.SETTLE]
    return {
        **described_pass(report, progress),
        "steps": [_step(step) for step in steps[:LISTED]],
        "steps_more": max(0, len(steps) - LISTED),
    }


def check(job: Job, context: Context) -> Mapping[str, Any]:
    """Compare home, records and Drive by content.

    Takes ``repair``: whether a pass that trusts nothing mends what the check found, before it is
    checked again. Brings ``equal`` files, their ``bytes``, ``findings``, ``faults`` (the number of
    those that a sync has to mend), ``repaired`` (what that pass brought, or None), ``exit_code``.
    """
    world = World.of(job, context)
    report = _check(world)
    repaired = None
    if report.faults and job.args.get("repair"):
        distrust(world.site())
        repaired = mirror(job, context)
        report = _check(world)
    code = max(1 if report.faults else 0, repaired["exit_code"] if repaired else 0)
    return {
        "equal": report.equal,
        "bytes": report.bytes,
        "findings": [asdict(found) for found in report.findings],
        "faults": len(report.faults),
        "repaired": repaired,
        "exit_code": code,
    }


def _check(world: World) -> CheckReport:
    progress = Progress(world.clock, teller(world.context, Eta(world.clock)))
    drive = world.drive()
    try:
        return compare(world.site(), drive, progress, world.context.permit)
    finally:
        drive.transport.close()


def _pass(
    world: World, progress: Progress, permit: Callable[[], None], *, dry_run: bool
) -> PassReport:
    drive = connect(world, progress, permit)
    try:
        work = Mirror(
            world.site(),
            drive,
            world.secrets,
            Threads(world.settings.concurrency),
            progress,
            world.job.id,
        )
        only = [RelPath(path) for path in world.job.args.get("only", ())]
        return work.run(only=only, dry_run=dry_run)
    finally:
        drive.transport.close()


def _patience(world: World) -> float:
    """Return how long to watch another writer.

    One on this host is seen to live or not; of one elsewhere only its beat tells.
    """
    status = Status.load(world.state_dir)
    elsewhere = status.process is not None and status.process.is_dead() is None
    return 1.5 * world.settings.lease_seconds if elsewhere else 0.0


def teller(context: Context, eta: Eta) -> Callable[[Mapping[str, Any]], None]:
    """Turn the engine's counters into events; may be called by several threads."""
    guard = threading.Lock()

    def tell(counts: Mapping[str, Any]) -> None:
        done, total = counts["done"], counts["total"]
        size, whole = counts["bytes"], counts["bytes_total"]
        told = counts["phase"] in ("copying", "checking")
        with guard:
            context.emit(
                ProgressEvent(
                    phase=counts["phase"],
                    done=done,
                    total=total,
                    bytes_done=size,
                    bytes_total=whole,
                    eta_seconds=eta.left(done, total, size, whole) if told else None,
                    slowed=counts["slowed"],
                )
            )

    return tell


def connect(world: World, progress: Progress, permit: Callable[[], None]) -> Drive:
    """Connect to Drive; the progress says when Drive has us wait.

    Args:
        world: what the job works with.
        progress: of the job.
        permit: asked before each request and during each wait.
    """

    def go_on() -> None:
        permit()
        progress.heed(slowed=drive.transport.pace.slowed)

    drive = world.drive(go_on)
    return drive


def described_pass(report: PassReport, progress: Progress) -> dict[str, Any]:
    """Put a report into the form in which surfaces read it."""
    run = report.run
    files = [outcome for outcome in report.outcomes if outcome.outcome != "unchanged"]
    return {
        "run": run.id,
        "job": run.job,
        "outcome": run.outcome,
        "exit_code": _exit_code(report, progress),
        "started": run.started,
        "ended": run.ended,
        "verified": run.verified,
        "counters": run.counters,
        "problem": run.problem,
        "holds": [describe_hold(hold) for hold in report.holds if not hold.answer],
        "files": [describe_file(outcome) for outcome in files[:LISTED]],
        "files_more": max(0, len(files) - LISTED),
        "objects": report.objects,
        "folder": report.folder,
        "link": report.link,
        "estimate": asdict(report.estimate),
    }


def _exit_code(report: PassReport, progress: Progress) -> int:
    """Return 0 for synced, 3 where a person is needed, 1 for any other error."""
    if any(not hold.answer for hold in report.holds):
        return 3
    if any(problem.exit_code == 3 for problem in progress.problems):
        return 3
    return 0 if report.run.outcome == "completed" else 1


def _step(step: Operation) -> dict[str, Any]:
    return {
        "step": step.verb.value,
        "path": step.path,
        "kind": step.kind.value,
        "from": step.source,
        "size": step.size,
    }
