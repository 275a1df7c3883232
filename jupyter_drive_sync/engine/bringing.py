"""How a file comes from Drive to its place: what restore and import share.

Whatever is cut short goes on when it is asked for again: what is here already is seen by its
checksum, and a half download by its name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from jupyter_drive_sync.core.restore_plan import (
    COMING,
    Content,
    Planner,
    RestorePlan,
    Step,
    Way,
)
from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.tree import (
    Kind,
    LedgerEntry,
    RelPath,
    from_bytes,
    join,
    name_of,
    parent_of,
    printable,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.engine.contents import BUSY_LIMIT
from jupyter_drive_sync.engine.executor import Executor
from jupyter_drive_sync.engine.fetch import Fetched, Fetcher, key_of
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.engine.survey import keys_below_home, state_below_home
from jupyter_drive_sync.errors import (
    Busy,
    DriveSyncError,
    FileProblem,
    HomeFull,
    NotTaken,
)
from jupyter_drive_sync.home.pantry import Pantry
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.write import Landing, part_name

_PLACES_TRIED: Final = 5
"""Times that a file's place may be taken under its hands before it is left for another run."""
_NEVER: Final = frozenset({"secret", "state", "part"})
"""Reasons for which a path is never mirrored; what Drive has there did not come from here."""


class Work(Protocol):
    """What brings files: a restore, an import."""

    @property
    def site(self) -> Site:
        """Where to, and the knobs."""

    @property
    def drive(self) -> Drive:
        """The calls."""

    @property
    def executor(self) -> Executor:
        """Runs downloads."""

    @property
    def progress(self) -> Progress:
        """Is told what happens."""

    @property
    def permit(self) -> Callable[[], None]:
        """Asked now and then; raises to end the run."""


RESTORED: Final[Mapping[Way, str]] = {
    Way.BRING: "restored",
    Way.REPLACE: "restored",
    Way.BESIDE: "beside",
}
"""What a restore calls what it did with a file."""


class Bringing:
    """Files on their way from Drive into a folder, once it is known which.

    Args:
        work: what for.
        home: the folder, open.
        known: what is known to be on Drive as it is here, by path.
        refuse: why nothing may be written at a path, or ``""``.
        came: is told of each file that came, or turned out to be here.
        outcomes: what is said of a file that came in each way.
        pantry: where contents may be that somebody has fetched before.
    """

    def __init__(
        self,
        work: Work,
        home: Home,
        known: Mapping[RelPath, LedgerEntry],
        refuse: Callable[[RelPath, Kind], str],
        *,
        came: Callable[[Step], None] = lambda _: None,
        outcomes: Mapping[Way, str] = RESTORED,
        pantry: Pantry | None = None,
    ) -> None:
        self._home = home
        self._executor = work.executor
        self._progress = work.progress
        self._permit = work.permit
        self._small = work.site.settings.small_file
        self._came_to = came
        self._outcomes = outcomes
        self._counting = threading.Lock()
        self.landing = Landing(home)
        self._fetcher = Fetcher(
            work.drive,
            self.landing,
            work.site.settings.chunk_size,
            self._arrived,
            pantry=pantry,
            handed=self._handed,
        )
        self.planner = Planner(self.landing.look, self.read, known, refuse)
        self._busy = 0
        self._fatal: DriveSyncError | None = None
        self._unfinished: set[bytes] = set()

    def announce(self, plan: RestorePlan) -> None:
        """Count and list what is known before anything is done."""
        progress = self._progress
        progress.counts["total"] += sum(1 for step in plan.steps if step.way in COMING)
        progress.counts["bytes_total"] += plan.bytes
        for step in plan.steps:
            if step.way is Way.HERE:
                progress.counts["unchanged"] += 1
            elif step.way is Way.SKIP:
                progress.outcome(step.path, "skipped", kind=Kind.FILE, reason=step.reason)

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
            self._came_to(other)
            self._progress.count("unchanged")
            return []
        return [other]

    def _came(self, step: Step) -> None:
        self._came_to(step)
        beside = step.way is Way.BESIDE
        self._progress.outcome(
            step.wanted.path,
            self._outcomes[step.way],
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

    def _handed(self) -> None:
        with self._counting:
            self._progress.count("handed_on")

    def read(self, path: RelPath) -> Content | None:
        """Return what a file here holds; None where it cannot be read."""
        self._permit()
        try:
            found = self._home.digest(path)
        except FileProblem:
            return None
        return Content(found.md5, found.stat, found.racy)


def refusal(site: Site, to: Path | None) -> Callable[[RelPath, Kind], str]:
    """Make a function that tells why nothing may be written at a path.

    Args:
        site: the home.
        to: the folder that is written to; None is the home itself.

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
    rules = Selection(anything, state=state_below_home(site), keys=keys_below_home(site))

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
