"""Drive -> a folder here, again and again: only what changed comes, and over nobody's work.

The ledger remembers of each file what came and how the file here looked then. So a run that finds
nothing new costs the listing and one look per file, a newer version takes the place of one that is
as it came, and one that a person has edited keeps its place: the newer one comes beside it, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from jupyter_drive_sync.core.import_plan import Sorted, record, sort
from jupyter_drive_sync.core.restore_plan import (
    COMING,
    Choice,
    Planner,
    RestorePlan,
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
    LedgerEntry,
    RelPath,
    RemoteEntry,
    Standing,
    ancestors,
    printable,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.types import Place
from jupyter_drive_sync.engine.bringing import Bringing, refusal
from jupyter_drive_sync.engine.closing import close
from jupyter_drive_sync.engine.executor import Executor
from jupyter_drive_sync.engine.folder import tree
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import FileOutcome, Run
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.engine.survey import why_left_out
from jupyter_drive_sync.errors import (
    DriveSyncError,
    HomeMissing,
    HomeUnwritable,
    NotThere,
    UsageError,
)
from jupyter_drive_sync.home.fstime import probe_in
from jupyter_drive_sync.home.pantry import Pantry
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.write import Landing

_BROUGHT: Final = {Way.BRING: "brought", Way.REPLACE: "refreshed", Way.BESIDE: "beside"}
_RECORDS: Final = 50
"""Files that came and are written down together; what a crash forgets is known by its content."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came, or, in a dry run, would come."""

    run: Run
    outcomes: tuple[FileOutcome, ...]
    plan: RestorePlan
    objects: int
    """Files of Drive that are here, when the run ended."""


@dataclass(frozen=True)
class Import:
    """One import.

    Attributes:
        site: its ``home`` is the folder that is filled, its ``state_dir`` that of the storage.
        home: the home around it, whose secrets and state nothing is written over.
        drive: the calls; its transport asks the lease before each request.
        executor: runs downloads.
        progress: is told what happens.
        job: id of the run.
        permit: asked now and then; raises to end the run.
        exported: state folder of an export of the same two folders, if there is one: what that has
            sent is known to be on Drive.
        pantry: where contents may be that another home has fetched before.
        roots: folders in one of which the one that is filled has to lie, links resolved; none
            where anywhere will do.
    """

    site: Site
    home: Site
    drive: Drive
    executor: Executor
    progress: Progress
    job: str
    permit: Callable[[], None] = lambda: None
    roots: tuple[Path, ...] = ()
    exported: Path | None = None
    pantry: Pantry | None = None

    def run(
        self, folder: Place, only: Iterable[RelPath] = (), *, dry_run: bool = False
    ) -> ImportReport:
        """Bring what is new in a folder of Drive. The caller holds the lease.

        Args:
            folder: of Drive.
            only: of these files and folders below it alone.
            dry_run: only plan.

        Raises:
            NotThere: one of ``only`` is not there.
            HomeFull, HomeUnwritable: the disk does not take it.
            DriveSyncError: what else ended it; the history has it too.
        """
        state = self.site.state_dir
        with Ledger.draft(state) if dry_run else Ledger.open(state)[0] as book:
            number = book.begin(self.job, self.site.clock.wall())
            try:
                plan = self._bring(book, folder, tuple(only), dry_run=dry_run)
            except DriveSyncError as problem:
                close(self, book, number, problem)
                raise
            outcomes = tuple(self.progress.outcomes)
            return ImportReport(close(self, book, number, None), outcomes, plan, book.mirrored())

    def _bring(
        self, ledger: Ledger, folder: Place, only: tuple[RelPath, ...], *, dry_run: bool
    ) -> RestorePlan:
        if ledger.get("root") not in ("", folder.id):
            ledger.clear()  # aimed at another folder since; what came from the old one stays
        ledger.remember(root=folder.id, root_link=folder.link)
        self.progress.enter("comparing")
        most = self.site.settings.max_files
        entries, paths = tree(self.drive, folder.id, permit=self.permit, most=most)
        known = ledger.entries()
        choice = self._chosen(entries, paths, only, known.keys())
        self.progress.enter("scanning")
        with self._open(dry_run=dry_run) as home:
            known |= self._sent(Landing(home))
            work = _Importing(self, home, ledger, entries, known)
            plan = work.plan(choice, whole=not only)
            if not dry_run:
                work.carry_out(plan)
                if self.pantry is not None:
                    self.pantry.prune()
        return plan

    def _chosen(
        self,
        entries: dict[FileId, RemoteEntry],
        paths: dict[FileId, RelPath],
        only: tuple[RelPath, ...],
        known: Iterable[FileId],
    ) -> Choice:
        choice = choose(entries, paths, only, known=frozenset(known))
        if choice.missing:
            name = printable(choice.missing[0])
            raise NotThere(problem=f"There is no {name} in that folder on Drive.")
        settings = self.site.settings
        rules = Selection(settings)
        files: list[Wanted] = []
        for wanted in choice.files:
            verdict = rules.judge(wanted.path, Kind.FILE, wanted.size)
            if verdict is None:
                files.append(wanted)
            else:
                why = why_left_out(verdict, settings.max_file_size)
                self.progress.outcome(
                    wanted.path, "left_out", kind=Kind.FILE, size=wanted.size, reason=why
                )
        for item in choice.skipped:
            if rules.judge(item.path, Kind.FILE) is None:
                self.progress.outcome(item.path, "skipped", kind=Kind.FILE, reason=item.reason)
        holding = {folder for wanted in files for folder in ancestors(wanted.path)}
        folders = tuple(
            folder
            for folder in choice.folders
            if folder in holding
            or (rules.judge(folder, Kind.FOLDER) is None and not rules.only_leads(folder))
        )
        return replace(choice, files=tuple(files), folders=folders)

    def _sent(self, landing: Landing) -> dict[FileId, LedgerEntry]:
        """Return what an export has sent, and what is here as it was then."""
        if self.exported is None:
            return {}
        with Ledger.found(self.exported) as ledger:
            found = ledger.tree().files.values() if ledger else ()
        return {
            entry.id: entry
            for entry in found
            if entry.standing is Standing.MIRRORED
            and (here := landing.look(entry.path)) is not None
            and here.stat == entry.stat
        }

    def _open(self, *, dry_run: bool) -> Home:
        """Open the folder that is filled, made when it is missing.

        Raises:
            UsageError: it is one of ours, or lies where it may not.
            HomeUnwritable: it cannot be made.
            NotThere: in a dry run, which makes nothing.
        """
        folder = self.site.home
        real = folder.resolve()
        if real.is_relative_to(self.home.state_dir.resolve()):
            raise UsageError(problem=f"{folder} is our own state folder; name another one.")
        if self.roots and not any(real.is_relative_to(root.resolve()) for root in self.roots):
            raise UsageError(problem=f"{folder} leads out of the home, to {real}.")
        try:
            if not dry_run:
                folder.mkdir(parents=True, exist_ok=True)
            return Home(folder, clock=self.site.clock, probe=self._probe(folder))
        except HomeMissing:
            raise NotThere(
                problem=f"There is no folder {folder} yet; an import makes it."
            ) from None
        except OSError as problem:
            words = (problem.strerror or "no access").lower()
            raise HomeUnwritable(folder=str(folder), problem=words) from None

    def _probe(self, folder: Path) -> Callable[[], int] | None:
        return probe_in(self.site.state_dir, folder) if folder.is_dir() else None


@dataclass
class _Importing:
    """The state of one import, once it is known what Drive has."""

    work: Import
    home: Home
    ledger: Ledger
    entries: dict[FileId, RemoteEntry]
    known: dict[FileId, LedgerEntry]
    _places: dict[FileId, RelPath] = field(default_factory=dict)
    _came: list[LedgerEntry] = field(default_factory=list)
    _by_path: dict[RelPath, LedgerEntry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put together what brings files."""
        work = self.work
        self._bringing = Bringing(
            work,
            self.home,
            self._by_path,
            refusal(work.home, work.site.home),
            came=self._note,
            outcomes=_BROUGHT,
            pantry=work.pantry,
        )

    def plan(self, choice: Choice, *, whole: bool) -> RestorePlan:
        """Find out what has to come, and tell of what does not."""
        planner: Planner = self._bringing.planner
        steps: list[Step] = []
        allowed: list[Wanted] = []
        for wanted in choice.files:
            why = planner.refuse(wanted.path, Kind.FILE)
            if why:
                steps.append(Step(Way.SKIP, wanted.path, wanted, reason=why))
            else:
                allowed.append(wanted)
                self._places[wanted.id] = planner.place_of(wanted)
        known = self.known
        if not whole:  # nothing is known of what was not asked for
            known = {i: entry for i, entry in known.items() if i in self._places}
        places = [(wanted, self._places[wanted.id]) for wanted in allowed]
        found = sort(places, known, self._bringing.landing.look, self._bringing.read)
        self._by_path.update(found.known)
        self._tell(found)
        plan = planner.plan(replace(choice, files=found.coming))
        plan = replace(plan, steps=(*steps, *plan.steps))
        self._bringing.announce(plan)
        self.ledger.put(found.touched)
        self.ledger.forget(found.forgotten)
        return plan

    def carry_out(self, plan: RestorePlan) -> None:
        """Bring files, and write down each that is here."""
        try:
            for step in plan.steps:
                if step.way is Way.HERE:
                    self._note(step)
            self._bringing.carry_out(plan)
        finally:
            self._write_down()

    def _tell(self, found: Sorted) -> None:
        progress = self.work.progress
        progress.counts["unchanged"] += found.unchanged
        for path in found.edited:
            why = Said("edited here, and left so", "import.edited_here")
            progress.outcome(path, "edited_here", kind=Kind.FILE, reason=why)
        for item in found.gone:
            why = (
                Said("elsewhere on Drive by now; the one here stays", "import.moved_on_drive")
                if item.moved
                else Said("no longer on Drive; the one here stays", "import.gone_on_drive")
            )
            progress.outcome(item.path, "gone_on_drive", kind=Kind.FILE, reason=why)

    def _note(self, step: Step) -> None:
        """Remember a file that came, or turned out to be here already."""
        if step.way not in COMING and step.way is not Way.HERE:
            return
        remote = self.entries[step.wanted.id]
        place = self._places[remote.id]
        here = self._bringing.landing.look(step.path)
        racy = here is None or not self.home.time.passed(here.stat.mtime_ns)
        before = self._by_path.get(place)
        self._came.append(record(remote, step, place, before, here, racy=racy))
        if len(self._came) >= _RECORDS:
            self._write_down()

    def _write_down(self) -> None:
        came, self._came = self._came, []
        self.ledger.put(came)
        ids = {entry.id for entry in came}
        taken = {entry.path for entry in came}
        # Put there anew on Drive: the object that was known at the place is no more.
        self.ledger.forget(
            entry.id
            for entry in self.known.values()
            if entry.path in taken and entry.id not in ids and entry.id not in self._places
        )
