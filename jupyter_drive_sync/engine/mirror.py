"""One pass: home -> Drive.

The order is the safety: lease, what was interrupted, whose mirror it is, what is on disk, what
Drive shows, plan, guard, apply, settle. Each part lives in a module of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from jupyter_drive_sync.core.estimate import Estimate, estimate
from jupyter_drive_sync.core.guard import Day, Verdict, judge
from jupyter_drive_sync.core.guard import Home as HomeState
from jupyter_drive_sync.core.matching import suspects
from jupyter_drive_sync.core.plan import Operation, Plan, Verb, make
from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.core.tree import (
    Kind,
    LedgerTree,
    LocalEntry,
    LocalTree,
    RelPath,
    Standing,
    from_bytes,
    top_of,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.drive.upload import Uploads
from jupyter_drive_sync.engine import holds, takeover
from jupyter_drive_sync.engine.apply import Apply, Root
from jupyter_drive_sync.engine.executor import Executor
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.look import Look, View
from jupyter_drive_sync.engine.observe import RootState
from jupyter_drive_sync.engine.records import FileOutcome, Hold, Intent, Run
from jupyter_drive_sync.engine.report import Progress, describe
from jupyter_drive_sync.engine.resume import resume
from jupyter_drive_sync.engine.root import Foreign
from jupyter_drive_sync.engine.sending import Sender
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.errors import DriveSyncError, FileProblem
from jupyter_drive_sync.home.fstime import probe_in
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.scan import scan

REMARKS_LISTED: Final = frozenset(
    {"newer_on_drive", "unclaimed", "declined", "moved_out", "kept_edited", "revived", "archived"}
)


@dataclass(frozen=True, slots=True)
class PassReport:
    """What a pass did, or, in a dry run, would do."""

    run: Run
    outcomes: tuple[FileOutcome, ...]
    holds: tuple[Hold, ...]
    plan: Plan
    estimate: Estimate
    objects: int
    """Files on Drive that are the mirror of a file here, when the pass ended."""
    folder: str
    link: str
    """Address of the mirror's folder on Drive."""


class Mirror:
    """One pass over one home.

    Args:
        site: the home.
        drive: the calls; its transport asks the lease before each request.
        secrets: keeps upload sessions.
        executor: runs uploads.
        progress: is told what happens.
        job: id of the pass.
        permit: asked now and then; raises to end the pass.
    """

    def __init__(
        self,
        site: Site,
        drive: Drive,
        secrets: SecretsStore,
        executor: Executor,
        progress: Progress,
        job: str,
        *,
        permit: Callable[[], None] = lambda: None,
    ) -> None:
        self._site = site
        self._drive = drive
        self._secrets = secrets
        self._executor = executor
        self._progress = progress
        self._job = job
        self._permit = permit

    def run(self, *, only: Iterable[RelPath] = (), dry_run: bool = False) -> PassReport:
        """Carry a pass out. The caller holds the lease.

        Args:
            only: these files or folders alone.
            dry_run: plan, and change nothing: not on Drive, not in the ledger.

        Raises:
            MirrorHeld: the whole mirror waits for an answer.
            DriveSyncError: what ended the pass; the history has it too.
        """
        identity, _ = Identity.load(self._site)
        ledger, _ = Ledger.open(self._site.state_dir)
        with ledger:
            book = ledger.copy() if dry_run else ledger
            number = book.begin(self._job, self._site.clock.wall())
            try:
                return self._pass(identity, book, number, tuple(only), dry_run=dry_run)
            except DriveSyncError as problem:
                self._close(book, number, problem, verified=False)
                raise

    def _pass(
        self,
        identity: Identity,
        ledger: Ledger,
        number: int,
        only: tuple[RelPath, ...],
        *,
        dry_run: bool,
    ) -> PassReport:
        site = self._site
        with self._open_home() as home:
            home.check()
            if not dry_run:
                identity = takeover.answers(site, identity, ledger, self._drive)
            takeover.refuse_changes(site, identity, ledger)
            holds.expire(site, ledger)
            self._progress.enter("comparing")
            bound = (
                []
                if dry_run
                else resume(
                    ledger, self._drive, number, site.clock.wall(), self._secrets.sessions()
                )
            )
            look = Look(site, identity, ledger, self._drive, number)
            view = look.look()
            root = self._root(ledger, view, identity)
            local, selection = self._scan(home)
            tree = ledger.tree()
            local = self._read_suspects(home, local, tree, ledger)
            plan = self._plan(home, identity, ledger, view, local, tree, selection, only)
            cost = estimate(plan, site.settings)
            self._announce(plan, local)
            if not dry_run:
                self._apply(home, identity, ledger, plan, root, bound, number)
                self._progress.enter("checking")
                look.drain()
                self._remember(ledger, selection, home, identity)
            run = self._close(ledger, number, None, verified=view.verified)
            return PassReport(
                run=run,
                outcomes=tuple(self._progress.outcomes),
                holds=tuple(ledger.holds()),
                plan=plan,
                estimate=cost,
                objects=_mirrored(ledger.tree()),
                folder=identity.drive_folder or site.drive_folder,
                link=ledger.get("root_link"),
            )

    # -- the parts --------------------------------------------------------------------------------

    def _open_home(self) -> Home:
        probe = (
            probe_in(self._site.state_dir, self._site.home) if self._site.home.is_dir() else None
        )
        return Home(self._site.home, clock=self._site.clock, probe=probe)

    def _root(self, ledger: Ledger, view: View, identity: Identity) -> Root:
        """Return where the mirror hangs, or hold the whole mirror."""
        folder = identity.drive_folder or self._site.drive_folder
        if isinstance(view.root, Foreign) or view.state is RootState.TAKEN:
            foreign = view.root.folder if isinstance(view.root, Foreign) else None
            changed = str(foreign.mtime_ms) if foreign else ledger.get("root_changed")
            ledger.remember(
                other_home=foreign.home if foreign else ledger.get("root_home"),
                other_root=foreign.id if foreign else ledger.get("root"),
            )
            reason = (
                f"The folder {folder} on your Drive mirrors another home, last changed on "
                f"{holds.day_of(changed)}; nothing was changed there."
            )
            raise holds.whole(self._site, ledger, "other_home", reason)
        ledger.dissolve("other_home")
        if view.state in (RootState.TRASHED, RootState.DELETED):
            trashed = view.state is RootState.TRASHED
            choices = holds.CHOICES["root_gone"][0 if trashed else 1 :]
            where = "is in Drive's trash" if trashed else "was deleted on Drive"
            reason = f"The folder {folder} {where}; nothing is copied until you choose."
            raise holds.whole(self._site, ledger, "root_gone", reason, choices)
        ledger.dissolve("root_gone")
        return view.root

    def _scan(self, home: Home) -> tuple[LocalTree, Selection]:
        self._progress.enter("scanning")
        selection = Selection(
            self._site.settings, driveignore=home.driveignore(), state=self._state_below_home()
        )
        local = scan(
            home,
            selection,
            max_files=self._site.settings.max_files,
            progress=self._scanned,
        )
        return local, selection

    def _scanned(self, paths: int) -> None:
        self._permit()
        self._progress.note("scanned", paths)

    def _state_below_home(self) -> RelPath | None:
        try:
            below = self._site.state_dir.resolve().relative_to(self._site.home.resolve())
        except ValueError:
            return None
        return from_bytes(bytes(below)) if below != Path() else None

    def _read_suspects(
        self, home: Home, local: LocalTree, tree: LedgerTree, ledger: Ledger
    ) -> LocalTree:
        """Read what the stat alone cannot settle."""
        day = int(self._site.clock.wall() // DAY)
        night = day if ledger.get("rehashed") != str(day) else None
        read: dict[RelPath, LocalEntry] = {}
        paths = suspects(local, tree, night=night, nights=self._site.settings.rehash_nights)
        for path in paths:
            self._permit()
            self._progress.count("read")
            entry = local.entries[path]
            try:
                found = home.digest(path)
            except FileProblem as problem:
                read[path] = replace(entry, problem=problem.sentence)
                continue
            read[path] = replace(
                entry, stat=found.stat, mode=found.mode, md5=found.md5, racy=found.racy
            )
        ledger.remember(rehashed=str(day))
        return replace(local, entries={**local.entries, **read}) if read else local

    def _plan(
        self,
        home: Home,
        identity: Identity,
        ledger: Ledger,
        view: View,
        local: LocalTree,
        tree: LedgerTree,
        selection: Selection,
        only: tuple[RelPath, ...],
    ) -> Plan:
        settings = self._site.settings
        released = ledger.answered(holds.MOVED_OUT) == "start_afresh"
        plan = make(
            local,
            tree,
            keep_deleted=settings.on_local_delete == "keep",
            moved_out_limit=settings.max_files if released else settings.moved_out_files,
            only=only,
        )
        plan = holds.moved_out(self._site, ledger, plan)
        if view.rebuilt:
            return _unclaim(plan)
        return self._guarded(home, identity, ledger, view, local, selection, plan)

    def _guarded(
        self,
        home: Home,
        identity: Identity,
        ledger: Ledger,
        view: View,
        local: LocalTree,
        selection: Selection,
        plan: Plan,
    ) -> Plan:
        # A last look: while an editor replaces a file, there may be none for an instant.
        gone = [step for step in plan.trashes if home.absent(step.path)]
        approved = ledger.approvals()
        before = holds.held_before(ledger) - approved
        waiting = [step for step in gone if step.entry and step.entry.id in before]
        verdict = judge(
            tuple(step for step in gone if step.entry and step.entry.id not in before),
            home=self._home_state(identity, ledger, view, local, selection),
            day=self._day(ledger),
            approved=approved,
            settings=self._site.settings,
        )
        mirrored = _mirrored(ledger.tree())
        held = holds.deletions(self._site, ledger, waiting, verdict, mirrored)
        self._progress.counts["held"] = held
        return _with_verdict(plan, verdict)

    def _home_state(
        self,
        identity: Identity,
        ledger: Ledger,
        view: View,
        local: LocalTree,
        selection: Selection,
    ) -> HomeState:
        files = [path for path, entry in local.entries.items() if entry.kind is Kind.FILE]
        inode = self._site.home.stat().st_ino
        return HomeState(
            empty=not files,
            unreadable=bool(local.unreadable & {RelPath("")}),
            replaced=identity.root_inode not in (0, inode),
            rules_changed=ledger.get("rules") not in ("", selection.signature),
            rebuilt=view.rebuilt,
            folders=frozenset(top for path in files if (top := top_of(path)) != path),
        )

    def _day(self, ledger: Ledger) -> Day:
        begin = self._site.clock.wall() - DAY
        trashed = [item for item in ledger.trashed_since(begin) if not item.approved]
        mirrored = ledger.mirrored_at(begin)
        if mirrored is None:
            mirrored = _mirrored(ledger.tree()) + len(trashed)
        return Day(mirrored, len(trashed), sum(item.size for item in trashed))

    def _announce(self, plan: Plan, local: LocalTree) -> None:
        """Count what is known before anything is done."""
        counts = self._progress.counts
        counts["unchanged"] = plan.unchanged
        counts["left_out"] = len(local.left_out)
        counts["total"] = sum(
            1 for step in plan.operations() if step.kind is Kind.FILE and step.verb is not Verb.PIN
            and step.verb is not Verb.SETTLE
        )  # fmt: skip
        counts["bytes_total"] = sum(step.size for step in plan.contents)
        self._progress.outcomes += [
            FileOutcome(item.path, "left_out", _why(item.reason, item.rule), item.size)
            for item in local.left_out
        ]
        for entry in plan.unknown:
            self._progress.counts["failed"] += 1
            self._progress.outcomes.append(
                FileOutcome(entry.path, "failed", entry.problem or "", entry.stat.size)
            )
        for note in plan.notes:
            outcome = note.remark.name.lower()
            if outcome in REMARKS_LISTED:
                counts[outcome] += 1
                self._progress.outcomes.append(
                    FileOutcome(note.path, outcome, note.remark.value, 0)
                )

    def _apply(
        self,
        home: Home,
        identity: Identity,
        ledger: Ledger,
        plan: Plan,
        root: Root,
        bound: list[Intent],
        number: int,
    ) -> None:
        self._progress.enter("copying")
        uploads = Uploads(self._drive, self._secrets, self._site.settings.chunk_size)
        work = Apply(
            self._site,
            identity.home_id,
            ledger,
            self._drive,
            Sender(self._site, home, self._drive, uploads),
            self._executor,
            number,
            self._progress,
            bound=bound,
            approved=ledger.approvals(),
        )
        work.carry_out(plan, root, plan.folder_ids)
        work.drop_unused()

    def _remember(
        self, ledger: Ledger, selection: Selection, home: Home, identity: Identity
    ) -> None:
        ledger.remember(rules=selection.signature)
        if ledger.answered(holds.MOVED_OUT):
            ledger.dissolve(holds.MOVED_OUT)
        inode = home.root.stat().st_ino
        known = replace(
            identity,
            root_inode=inode,
            client=self._site.client or identity.client,
            account=self._site.account or identity.account,
        )
        if known != identity:
            known.save(self._site)

    def _close(
        self, ledger: Ledger, number: int, problem: DriveSyncError | None, *, verified: bool
    ) -> Run:
        counts = self._progress.counts
        self._progress.traffic(self._drive.transport.traffic)
        trouble = problem or next(iter(self._progress.problems), None)
        outcome = "completed"
        if counts["failed"] or trouble:
            outcome = "completed_with_errors"
        if problem is not None:
            outcome = "failed"
        run = Run(
            number,
            self._job,
            self._progress.started,
            self._site.clock.wall(),
            outcome,
            self._progress.snapshot(),
            describe(trouble) if trouble else None,
            verified,
        )
        ledger.end(run, self._progress.outcomes, mirrored=_mirrored(ledger.tree()))
        return run


def _mirrored(tree: LedgerTree) -> int:
    return sum(1 for entry in tree.files.values() if entry.standing is Standing.MIRRORED)


def _unclaim(plan: Plan) -> Plan:
    """After a rebuild nothing is trashed: what has no local file is shown as unclaimed."""
    left = tuple(
        replace(step, verb=Verb.SETTLE, standing=Standing.UNCLAIMED) for step in plan.trashes
    )
    return replace(plan, trashes=(), settle=(*plan.settle, *left))


def _with_verdict(plan: Plan, verdict: Verdict) -> Plan:
    def keep(step: Operation) -> Operation:
        return replace(step, verb=Verb.SETTLE, standing=Standing.ARCHIVED)

    return replace(
        plan,
        trashes=verdict.allowed,
        settle=(*plan.settle, *(keep(step) for step in verdict.kept)),
    )


_REASONS: Final[dict[str, Callable[[str], str]]] = {
    "excluded": lambda rule: f'excluded by rule "{rule}"',
    "not_included": lambda _: "not among the chosen folders",
    "too_large": lambda rule: f"larger than {rule} (your limit)",
    "link": lambda _: "link, not followed",
    "special": lambda _: "special file",
    "secret": lambda rule: f"secrets are never copied ({rule})",
    "state": lambda _: "our own state folder",
    "filesystem": lambda _: "the same folder again, mounted below itself",
    "unreadable": lambda _: "no permission to read",
}


def _why(reason: str, rule: str) -> str:
    return _REASONS[reason](rule)
