"""Drive -> home: what is asked for comes back, whole, over nothing, and nothing is sent.

Whatever is cut short goes on when it is asked for again: what is here already is seen by its
checksum, and a half download by its name. So a restore keeps no record of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_drive_sync.core.restore_plan import (
    Choice,
    RestorePlan,
    Skipped,
    Wanted,
    choose,
)
from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    RelPath,
    is_below,
    printable,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.types import BATCH_LIMIT, ListRevisions, Revision
from jupyter_drive_sync.engine.bringing import Bringing, refusal
from jupyter_drive_sync.engine.closing import close
from jupyter_drive_sync.engine.executor import Executor
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import FileOutcome, Run
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.restore_source import Listing, Source, find_source, list_source
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.engine.survey import LINK, open_home
from jupyter_drive_sync.errors import (
    DriveSyncError,
    FileProblem,
    HomeMissing,
    Missing,
    NoSuchRevision,
    NotThere,
    UsageError,
)
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.write import Landing


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
        folder = self.site.state_dir
        with Ledger.draft(folder) if dry_run else Ledger.open(folder)[0] as book:
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
            own = source.own and request.to is None
            known = ledger.tree().files if own else {}
            work = Bringing(self, home, known, refusal(self.site, request.to))
            plan = work.planner.plan(choice)
            work.announce(plan)
            if own:
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
