"""Drive -> home: what is asked for comes back, whole, over nothing, and nothing is sent.

Whatever is cut short goes on when it is asked for again: what is here already is seen by its
checksum, and a half download by its name. So a restore keeps no record of its own.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from jupyter_drive_sync.core.restore_plan import (
    COMING,
    Choice,
    Content,
    Planner,
    RestorePlan,
    Skipped,
    Step,
    Wanted,
    Way,
    choose,
)
from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    RelPath,
    from_bytes,
    is_below,
    join,
    name_of,
    parent_of,
    printable,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.types import BATCH_LIMIT, ListRevisions, Revision
from jupyter_drive_sync.engine.closing import close
from jupyter_drive_sync.engine.contents import BUSY_LIMIT
from jupyter_drive_sync.engine.executor import Executor
from jupyter_drive_sync.engine.fetch import Fetched, Fetcher, key_of
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import FileOutcome, Run
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.restore_source import Listing, Source, find_source, list_source
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.engine.survey import LINK, open_home, state_below_home
from jupyter_drive_sync.errors import (
    Busy,
    DriveSyncError,
    FileProblem,
    HomeFull,
    HomeMissing,
    Missing,
    NoSuchRevision,
    NotTaken,
    NotThere,
    UsageError,
)
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.write import Landing, part_name

_PLACES_TRIED: Final = 5
"""Times that a file's place may be taken under its hands before it is left for another run."""
_NEVER: Final = frozenset({"secret", "state", "part"})
"""Reasons for which a path is never mirrored; what Drive has there did not come from here."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person wants back.

    Attributes:
        paths: files and folders, as they were called here; none means everything.
        to: the folder to bring them to; None is the home.
        as_of: the versions that Drive had at this time, epoch seconds.
        revision: this version of the one file that ``paths`` names.
        trashed: what lies in Drive's trash as well.
    """

    paths: tuple[RelPath, ...] = ()
    to: Path | None = None
    as_of: float | None = None
    revision: str = ""
    trashed: bool = False

    def check(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            UsageError: with the reason.
        """
        if self.revision and self.as_of is not None:
            raise UsageError(problem="A version is named by its id or by a time, not by both.")
        if self.revision and len(self.paths) != 1:
            raise UsageError(problem="A version is one of one file: name that file, and no other.")


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What came back, or, in a dry run, would come back."""

    run: Run
    outcomes: tuple[FileOutcome, ...]
    plan: RestorePlan
    source: Source
    folder: Path
    """Where it came to."""


@dataclass(frozen=True)
class Restore:
    """One restore.

    Attributes:
        site: the home.
        drive: the calls; its transport asks the lease before each request.
        executor: runs downloads.
        progress: is told what happens.
        job: id of the run.
        permit: asked now and then; raises to end the run.
    """

    site: Site
    drive: Drive
    executor: Executor
    progress: Progress
    job: str
    permit: Callable[[], None] = lambda: None

    def run(self, request: Request, *, dry_run: bool = False) -> RestoreReport:
        """Bring back what is asked for. The caller holds the lease.

        Raises:
            UsageError: it cannot be asked like that, or is not on Drive.
            HomeFull, HomeUnwritable: the disk does not take it.
            DriveSyncError: what else ended it; the history has it too.
        """
        request.check()
        identity, _ = Identity.load(self.site)
        ledger, _ = Ledger.open(self.site.state_dir)
        with ledger:
            book = ledger.copy() if dry_run else ledger
            number = book.begin(self.job, self.site.clock.wall())
            try:
                self.progress.enter("comparing")
                source = find_source(self.site, identity, book, self.drive)
                plan = self.bring(book, source, request, dry_run=dry_run)
            except DriveSyncError as problem:
                close(self, book, number, problem)
                raise
            return RestoreReport(
                close(self, book, number, None),
                tuple(self.progress.outcomes),
                plan,
                source,
                request.to or self.site.home,
            )

    def bring(
        self, ledger: Ledger, source: Source, request: Request, *, dry_run: bool = False
    ) -> RestorePlan:
        """Bring back from a mirror; the part of a run that a sync can hold as well.

        Args:
            ledger: what we know; is not changed.
            source: the mirror.
            request: what of it.
            dry_run: only plan.
        """
        listing = list_source(source, ledger, self.drive)
        choice = self._chosen(ledger, listing, request)
        self._tell_skipped(choice)
        self.progress.enter("scanning")
        with open_target(self.site, request.to) as home:
            work = _Bringing(self, home, ledger if source.own else None, request)
            plan = work.planner.plan(choice)
            self._announce(plan)
            if source.own and request.to is None:
                self._tell_links(ledger, work.landing, request)
            if not dry_run:
                work.carry_out(plan)
        return plan

    def bring_wishes(self, ledger: Ledger) -> None:
        """Bring back what a person has answered to a hold, at the beginning of a sync.

        A mirror that was another home's is taken over afterwards, not before: until then its
        listing is the one that has settled, and a try that is cut short begins again.
        """
        if ledger.answered("other_home") == "restore":
            root = FileId(ledger.get("other_root"))
            self.bring(ledger, Source(ledger.get("other_home"), root, own=False), Request())
            ledger.change_answer("other_home", "take_over")
        elif wishes := ledger.wishes():
            source = Source(ledger.get("home"), FileId(ledger.get("root")))
            # What is not there any more is held on, and asked about again.
            with contextlib.suppress(NotThere):
                self.bring(ledger, source, Request(paths=tuple(wishes)))
            ledger.wish([])

    # -- which files, in which version ------------------------------------------------------------

    def _chosen(self, ledger: Ledger, listing: Listing, request: Request) -> Choice:
        gone_since: frozenset[FileId] = frozenset()
        if request.as_of is not None and listing.source.own:
            gone_since = frozenset(item.id for item in ledger.trashed_since(request.as_of))
        choice = choose(
            listing.entries,
            listing.paths,
            request.paths,
            trashed=request.trashed,
            gone_since=gone_since,
            known=ledger.entries().keys() if listing.source.own else (),
        )
        if choice.missing and len(choice.missing) == len(set(request.paths)):
            name = printable(choice.missing[0])
            raise NotThere(problem=f"There is no {name} in the mirror on Drive, nor in its trash.")
        if request.revision:
            return replace(choice, files=(self._revision(choice, request),))
        if request.as_of is not None:
            return self._as_of(choice, listing, request.as_of)
        return choice

    def _revision(self, choice: Choice, request: Request) -> Wanted:
        (path,) = request.paths
        files = [file for file in choice.files if file.path == path]
        if not files:
            raise UsageError(problem=f"{printable(path)} is no file with versions.")
        file = files[0]
        try:
            versions = self.drive.revisions(file.id)
        except Missing:
            raise NotThere(problem=f"{printable(path)} is no longer on Drive.") from None
        for version in versions:
            if version.id == request.revision and version.md5 is not None:
                return _in_version(file, version)
        raise NoSuchRevision(path=printable(path), revision=request.revision)

    def _as_of(self, choice: Choice, listing: Listing, as_of: float) -> Choice:
        """Take of each file the version that Drive had at a time."""
        latest = as_of * 1000
        files: list[Wanted] = []
        skipped = [*choice.skipped]
        for start in range(0, len(choice.files), BATCH_LIMIT):
            self.permit()
            part = choice.files[start : start + BATCH_LIMIT]
            results = self.drive.batch([ListRevisions(file.id) for file in part])
            for file, result in zip(part, results, strict=True):
                if isinstance(result, DriveSyncError) and not isinstance(result, FileProblem):
                    raise result
                versions = result if isinstance(result, tuple) else ()
                then = [v for v in versions if v.mtime_ms <= latest and v.md5 is not None]
                if not then:
                    why = Said("Drive has no version of it from then", "skipped.no_version_then")
                    skipped.append(Skipped(file.path, why))
                elif then[-1].id == listing.entries[file.id].revision:
                    files.append(file)
                else:
                    files.append(_in_version(file, then[-1]))
        return replace(choice, files=tuple(files), skipped=tuple(skipped))

    # -- telling ----------------------------------------------------------------------------------

    def _tell_skipped(self, choice: Choice) -> None:
        for item in choice.skipped:
            self.progress.outcome(item.path, "skipped", kind=Kind.FILE, reason=item.reason)
        for path in choice.missing:
            self.progress.failed(path, NotThere(problem="is not on Drive"), kind=Kind.FILE)

    def _announce(self, plan: RestorePlan) -> None:
        progress = self.progress
        progress.counts["total"] += sum(1 for step in plan.steps if step.way in COMING)
        progress.counts["bytes_total"] += plan.bytes
        for step in plan.steps:
            if step.way is Way.HERE:
                progress.counts["unchanged"] += 1
            elif step.way is Way.SKIP:
                progress.outcome(step.path, "skipped", kind=Kind.FILE, reason=step.reason)

    def _tell_links(self, ledger: Ledger, landing: Landing, request: Request) -> None:
        """List the links that were left out when the home was mirrored last, and are gone."""
        wanted = request.paths or (RelPath(""),)
        runs = (run.id for run in ledger.runs() if run.counters.get("left_out"))
        for outcome in ledger.outcomes(next(runs, 0)):
            path = outcome.path
            asked = outcome.reason == LINK and any(is_below(path, top) for top in wanted)
            if asked and landing.look(path) is None:
                why = Said("a link, which is never copied", "skipped.link")
                self.progress.outcome(path, "skipped", kind=Kind.FILE, reason=why)


def _in_version(file: Wanted, version: Revision) -> Wanted:
    assert version.md5 is not None  # noqa: S101 - for the type checker
    return replace(
        file,
        md5=version.md5,
        size=version.size,
        mtime_ms=version.mtime_ms,
        revision=version.id,
    )


@contextlib.contextmanager
def open_target(site: Site, to: Path | None) -> Iterator[Home]:
    """Open the folder that is restored to.

    Raises:
        HomeMissing, HomeRefused: there is no home.
        NotThere: there is no other folder of that name.
        UsageError: it is one of ours.
    """
    if to is None:
        home = open_home(site)
    else:
        if to.resolve().is_relative_to(site.state_dir.resolve()):
            raise UsageError(problem=f"{to} is our own state folder; name another one.")
        try:
            home = Home(to, clock=site.clock)
        except HomeMissing:
            raise NotThere(problem=f"There is no folder {to} to bring files to.") from None
    with home:
        yield home


class _Bringing:
    """The state of one restore, once it is known what comes back."""

    def __init__(
        self, restore: Restore, home: Home, ledger: Ledger | None, request: Request
    ) -> None:
        self._home = home
        self._executor = restore.executor
        self._progress = restore.progress
        self._permit = restore.permit
        self._small = restore.site.settings.small_file
        self._counting = threading.Lock()
        self.landing = Landing(home)
        self._fetcher = Fetcher(
            restore.drive, self.landing, restore.site.settings.chunk_size, self._arrived
        )
        known = ledger.tree().files if ledger is not None and request.to is None else {}
        self.planner = Planner(
            self.landing.look, self._read, known, _refusal(restore.site, request.to)
        )
        self._busy = 0
        self._fatal: DriveSyncError | None = None
        self._unfinished: set[bytes] = set()

    def carry_out(self, plan: RestorePlan) -> None:
        """Do everything that a plan says.

        Raises:
            HomeFull, HomeUnwritable: the disk does not take it.
            DriveSyncError: what ends the run; what came back is whole and stays.
        """
        coming = [step for step in plan.steps if step.way in COMING]
        names = {part_name(key_of(step.wanted)): step.wanted.path for step in plan.steps}
        if coming or plan.folders:
            self._check_room(plan)
        self._settle(plan, names, keep=names.keys())
        self._progress.enter("copying")
        for folder in plan.folders:
            self._permit()
            try:
                made = self.landing.make_folder(folder)
            except FileProblem as problem:
                self._progress.failed(folder, problem, kind=Kind.FOLDER)
            else:
                self._progress.counts["folders"] += made
        ready = coming
        for _ in range(_PLACES_TRIED):
            ready = self._round(ready)
            if self._fatal is not None:
                raise self._fatal
        for step in ready:
            self._failed(step, NotTaken(problem="other programs write there all the time"))
        self._progress.enter("checking")
        for path in sorted({parent_of(step.path) for step in coming}):
            self.landing.sync(path)
        self._settle(plan, names, keep=self._unfinished)

    def _settle(
        self, plan: RestorePlan, names: Mapping[bytes, RelPath], keep: Collection[bytes]
    ) -> None:
        """Clear up what earlier tries left, also where nothing has to come any more."""
        theirs = {step.wanted.md5 for step in plan.steps}
        theirs |= {entry.md5 for entry in self.planner.known.values() if entry.md5}
        for path in sorted({parent_of(step.path) for step in plan.steps}):
            self.landing.settle(path, keep, theirs.__contains__, names)

    def _check_room(self, plan: RestorePlan) -> None:
        need = plan.bytes
        for step in plan.steps:
            if step.way in COMING and step.wanted.size > self._small:
                begun = from_bytes(part_name(key_of(step.wanted)))
                here = self.landing.look(join(parent_of(step.path), begun))
                need -= here.stat.size if here else 0
        free = self.landing.free()
        if need > free:
            raise HomeFull(folder=str(self._home.root), need=_mb(need), free=_mb(free))

    def _round(self, steps: Iterable[Step]) -> list[Step]:
        """Bring files; return those whose place was taken meanwhile, with another one."""
        again: list[Step] = []
        for fetched in self._executor.run(self._tasks(steps)):
            again += self._take(fetched)
        return again

    def _tasks(self, steps: Iterable[Step]) -> Iterator[Callable[[], Fetched]]:
        for step in steps:
            if self._fatal is not None:
                return
            self._permit()
            yield partial(self._fetcher.fetch, step)

    def _take(self, fetched: Fetched) -> list[Step]:
        step, problem = fetched.step, fetched.problem
        if problem is not None:
            self._busy = self._busy + 1 if isinstance(problem, Busy) else 0
            if isinstance(problem, FileProblem) or (
                isinstance(problem, Busy) and self._busy < BUSY_LIMIT
            ):
                self._failed(step, problem)
            else:
                self._fatal = self._fatal or problem
            return []
        self._busy = 0
        if not fetched.occupied:
            self._came(step)
            return []
        self.planner.give_back(step)
        other = self.planner.place(step.wanted, beside=step.way is Way.REPLACE)
        if other.way is Way.HERE:
            self._progress.count("unchanged")
            return []
        return [other]

    def _came(self, step: Step) -> None:
        beside = step.way is Way.BESIDE
        self._progress.outcome(
            step.wanted.path,
            "beside" if beside else "restored",
            kind=Kind.FILE,
            size=step.wanted.size,
            reason=_where(step) if beside else "",
        )

    def _failed(self, step: Step, problem: DriveSyncError) -> None:
        if not isinstance(problem, FileProblem):  # it goes on another time
            self._unfinished.add(part_name(key_of(step.wanted)))
        self._progress.failed(step.wanted.path, problem, kind=Kind.FILE)

    def _arrived(self, count: int) -> None:
        with self._counting:  # several threads bring files
            self._progress.count("bytes", count)

    def _read(self, path: RelPath) -> Content | None:
        self._permit()
        try:
            found = self._home.digest(path)
        except FileProblem:
            return None
        return Content(found.md5, found.stat, found.racy)


def _refusal(site: Site, to: Path | None) -> Callable[[RelPath, Kind], str]:
    """Make a function that tells why nothing may be written at a path.

    What is never mirrored from a path never came from there: somebody on Drive has put it where it
    would be read as a key, or as our own records.
    """
    base: RelPath | None = RelPath("")
    if to is not None:
        try:
            below = to.resolve().relative_to(site.home.resolve())
            base = from_bytes(bytes(below)) if below != Path() else RelPath("")
        except ValueError:
            base = None
    anything = replace(site.settings, excludes=(), includes=(), default_excludes=False)
    rules = Selection(anything, state=state_below_home(site))

    def refuse(path: RelPath, kind: Kind) -> str:
        if base is None:
            return ""
        whole = RelPath(f"{base}/{path}") if base else path
        # Some disks do not tell A from a.
        for spelling in dict.fromkeys((whole, RelPath(whole.casefold()))):
            verdict = rules.judge(spelling, kind)
            if verdict is not None and verdict.reason in _NEVER:
                return Said(
                    f"never brought back to such a place ({verdict.rule})",
                    "skipped.place",
                    {"rule": verdict.rule},
                )
        return ""

    return refuse


def _where(step: Step) -> str:
    """Say where a file came to, when not to its own place."""
    near = parent_of(step.path) == parent_of(step.wanted.path)
    name = printable(RelPath(name_of(step.path)) if near else step.path)
    return Said(f"as {name}", "beside", {"name": name})


def _mb(count: int) -> str:
    return f"{max(0, count) / 1e6:,.0f} MB"
