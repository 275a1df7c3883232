"""One pass: home -> Drive.

The order is the safety: what was interrupted, whose mirror it is, what Drive shows, what is on
disk, plan, guard, apply, settle. Each part lives in a module of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from jupyter_drive_sync.core.decisions import Remark
from jupyter_drive_sync.core.estimate import Estimate, estimate
from jupyter_drive_sync.core.guard import Day, Verdict, judge
from jupyter_drive_sync.core.plan import Note, Operation, Plan, Verb, make
from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.core.tree import Kind, LedgerTree, RelPath, Standing, name_of
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.drive.upload import Uploads
from jupyter_drive_sync.engine import holds, takeover
from jupyter_drive_sync.engine.apply import Apply, Root
from jupyter_drive_sync.engine.closing import close
from jupyter_drive_sync.engine.executor import Executor
from jupyter_drive_sync.engine.frozen import frozen_folders, is_frozen
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.look import Look, View
from jupyter_drive_sync.engine.observe import RootState
from jupyter_drive_sync.engine.records import FileOutcome, Hold, Intent, Run
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.restore import Restore
from jupyter_drive_sync.engine.resume import resume
from jupyter_drive_sync.engine.root import Foreign
from jupyter_drive_sync.engine.sending import Sender, nonce_of
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.engine.survey import Survey, open_home
from jupyter_drive_sync.errors import DriveSyncError, StateFull, StateUnusable
from jupyter_drive_sync.home.read import Home

_OUTCOMES: Final = {
    Remark.NEWER_ON_DRIVE: "newer_on_drive",
    Remark.UNCLAIMED: "unclaimed",
    Remark.DECLINED: "declined",
    Remark.MOVED_OUT: "moved_out",
    Remark.REVIVED: "revived",
    Remark.ARCHIVED: "archived",
    Remark.KEPT_EDITED: "archived",
    Remark.LEFT_OUT: "archived",
}
"""Remarks that are outcomes of their own; the others go with an operation that is listed."""


def _said(remark: Remark) -> Said:
    return Said(remark.value, f"remark.{remark.name.lower()}")


_DONE: Final = frozenset({Verb.PATCH, Verb.REPLACE, Verb.CREATE, Verb.TRASH})


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
    """Address of the mirror's folder on Drive; ``""`` while Drive has not shown it."""


@dataclass(frozen=True)
class Mirror:
    """One pass over one home.

    Attributes:
        site: the home.
        drive: the calls; its transport asks the lease before each request.
        secrets: keeps upload sessions.
        executor: runs uploads.
        progress: is told what happens.
        job: id of the pass.
        permit: asked now and then; raises to end the pass.
    """

    site: Site
    drive: Drive
    secrets: SecretsStore
    executor: Executor
    progress: Progress
    job: str
    permit: Callable[[], None] = lambda: None

    def run(self, *, only: Iterable[RelPath] = (), dry_run: bool = False) -> PassReport:
        """Carry a pass out. The caller holds the lease.

        Args:
            only: these files or folders alone.
            dry_run: plan, and change nothing: not on Drive, not in the ledger.

        Raises:
            MirrorHeld: the whole mirror waits for an answer.
            DriveSyncError: what ended the pass; the history has it too.
        """
        identity, _ = Identity.load(self.site)
        folder = self.site.state_dir
        with Ledger.draft(folder) if dry_run else Ledger.open(folder)[0] as book:
            number = book.begin(self.job, self.site.clock.wall())
            try:
                with open_home(self.site) as home:
                    work = _Pass(self, identity, book, number, home)
                    return work.dry(tuple(only)) if dry_run else work.wet(tuple(only))
            except DriveSyncError as problem:
                # A ledger that cannot be written must not hide what ended the pass.
                with contextlib.suppress(StateFull, StateUnusable):
                    close(self, book, number, problem)
                raise


class _Pass:
    """The state of one pass."""

    def __init__(
        self, mirror: Mirror, identity: Identity, ledger: Ledger, number: int, home: Home
    ) -> None:
        self._mirror = mirror
        self._site = mirror.site
        self._drive = mirror.drive
        self._progress = mirror.progress
        self._identity = identity
        self._ledger = ledger
        self._number = number
        self._home = home

    def wet(self, only: tuple[RelPath, ...]) -> PassReport:
        """Plan and carry out."""
        takeover.own(self._ledger, self._identity)
        Restore(
            self._site,
            self._drive,
            self._mirror.executor,
            self._progress,
            self._mirror.job,
            self._mirror.permit,
        ).bring_wishes(self._ledger)
        self._identity = takeover.answers(self._site, self._identity, self._ledger, self._drive)
        takeover.refuse_changes(self._site, self._identity, self._ledger)
        self._progress.enter("comparing")
        bound = resume(
            self._ledger,
            self._drive,
            self._number,
            self._site.clock.wall(),
            self._mirror.secrets.sessions(),
        )
        look = Look(self._site, self._identity, self._ledger, self._drive, self._number)
        view = look.look()
        root = self._root(view)
        holds.expire(self._site, self._ledger)
        tree = self._ledger.tree()
        survey = self._survey(tree)
        plan = self._plan(view, survey, tree, only)
        self._announce(plan, survey)
        self._remember_first(survey)
        self._apply(plan, root, bound, whole=not only)
        self._progress.enter("checking")
        look.drain()
        self._remember(survey, whole=not only)
        return self._report(plan, verified=view.verified)

    def dry(self, only: tuple[RelPath, ...]) -> PassReport:
        """Plan, on a copy of the ledger."""
        takeover.own(self._ledger, self._identity)
        takeover.refuse_changes(self._site, self._identity, self._ledger)
        self._progress.enter("comparing")
        view = Look(self._site, self._identity, self._ledger, self._drive, self._number).look()
        self._root(view)
        holds.expire(self._site, self._ledger)
        tree = self._ledger.tree()
        survey = self._survey(tree)
        plan = self._plan(view, survey, tree, only)
        self._announce(plan, survey)
        return self._report(plan, verified=False)

    # -- whose mirror it is -----------------------------------------------------------------------

    @property
    def _folder(self) -> str:
        return self._identity.drive_folder or self._site.drive_folder

    def _root(self, view: View) -> Root:
        """Return where the mirror hangs.

        Raises:
            MirrorHeld: it is another home's, or gone.
        """
        if isinstance(view.root, Foreign):
            raise self._other_home(view.root.folder.home, view.root.folder.id, view.root.changed)
        if view.state is RootState.TAKEN:
            raise self._other_home(
                self._ledger.get("root_home"),
                self._ledger.get("root"),
                int(self._ledger.get("root_changed")),
            )
        self._ledger.dissolve("other_home")
        if view.state in (RootState.TRASHED, RootState.DELETED):
            trashed = view.state is RootState.TRASHED
            choices = holds.CHOICES["root_gone"][0 if trashed else 1 :]
            where = "is in Drive's trash" if trashed else "was deleted on Drive"
            said = f"The folder {self._folder} {where}; nothing is copied until you choose."
            values = {"folder": self._folder, "trashed": trashed}
            reason = Said(said, "held.root_gone", values)
            raise holds.whole(self._site, self._ledger, "root_gone", reason, choices)
        self._ledger.dissolve("root_gone")
        return view.root

    def _other_home(self, home: str, root: str, changed_ms: int) -> DriveSyncError:
        self._ledger.remember(other_home=home, other_root=root)
        empty = self._empty()
        new = ", perhaps the one that you had before this one" if empty else ""
        reason = Said(
            f"The folder {self._folder} on your Drive is the backup of another home{new}, last "
            f"changed on {holds.day_of(changed_ms)}; nothing was changed there.",
            "held.other_home",
            {"folder": self._folder, "new": empty, "changed": changed_ms / 1000},
        )
        return holds.whole(self._site, self._ledger, "other_home", reason)

    def _empty(self) -> bool:
        """Tell whether the home is new: it has nothing that anybody could have worked on."""
        survey = Survey.make(self._site, self._home, self._progress, self._mirror.permit)
        return not any(
            entry.kind is Kind.FILE and not name_of(entry.path).startswith(".")
            for entry in survey.tree.entries.values()
        )

    # -- what is to be done -----------------------------------------------------------------------

    def _survey(self, tree: LedgerTree) -> Survey:
        self._progress.enter("scanning")
        permit = self._mirror.permit
        survey = Survey.make(self._site, self._home, self._progress, permit, tree)
        survey.read_suspects(self._ledger, tree, self._progress, permit)
        return survey

    def _plan(
        self, view: View, survey: Survey, tree: LedgerTree, only: tuple[RelPath, ...]
    ) -> Plan:
        settings = self._site.settings
        released = self._ledger.answered(holds.MOVED_OUT) == "start_afresh"
        plan = make(
            survey.tree,
            tree,
            keep_deleted=settings.on_local_delete == "keep",
            moved_out_limit=settings.max_files if released else settings.moved_out_files,
            only=only,
        )
        plan = holds.moved_out(self._site, self._ledger, plan)
        return _unclaimed(plan) if view.rebuilt else self._guarded(plan, survey, only)

    def _guarded(self, plan: Plan, survey: Survey, only: tuple[RelPath, ...]) -> Plan:
        # A last look: while an editor replaces a file, there may be none for an instant.
        gone = [
            step
            for step in plan.trashes
            if survey.tree.supplants(step.path) or self._home.absent(step.path)
        ]
        ids = {step.entry.id for step in gone if step.entry}
        before = holds.held_before(self._ledger)
        hidden = survey.hidden(only)
        if not only:
            planned = {step.entry.id for step in plan.trashes if step.entry}
            self._ledger.disapprove(sorted(self._ledger.approvals() - planned))
        approved = self._ledger.approvals()
        frozen = frozen_folders(self._ledger)
        closed = tuple(step for step in gone if is_frozen(step.path, frozen))
        gone = [step for step in gone if step not in closed]
        waiting = [item for item in before.values() if item.id in ids or hidden(item.path)]
        verdict = judge(
            tuple(step for step in gone if step.entry and step.entry.id not in before),
            home=survey.state(self._identity, self._ledger),
            day=self._day(),
            approved=approved,
            settings=self._site.settings,
        )
        mirrored = self._ledger.mirrored()
        held = holds.deletions(self._site, self._ledger, waiting, verdict, mirrored)
        self._progress.counts["held"] = held + len(plan.moved_out)
        return _with_verdict(plan, replace(verdict, kept=(*verdict.kept, *closed)))

    def _day(self) -> Day:
        begin = self._site.clock.wall() - DAY
        trashed = self._ledger.unasked_since(begin)
        mirrored = self._ledger.mirrored_at(begin)
        if mirrored is None:
            mirrored = self._ledger.mirrored() + len(trashed)
        return Day(mirrored, len(trashed), sum(trashed))

    def _announce(self, plan: Plan, survey: Survey) -> None:
        """Count and list what is known before anything is done."""
        progress = self._progress
        left_out = survey.left_out()
        files = [step for step in plan.operations() if step.kind is Kind.FILE]
        progress.counts["unchanged"] = plan.unchanged
        progress.counts["left_out"] = len(left_out)
        progress.counts["total"] += sum(1 for step in files if step.verb in _DONE)
        progress.counts["bytes_total"] += sum(step.size for step in plan.contents)
        progress.outcomes += left_out
        failed = {item.path: item for item in survey.unreadable()}
        for entry in plan.unknown:
            problem = entry.problem or ""
            failed[entry.path] = FileOutcome(entry.path, "failed", problem, entry.stat.size)
        progress.counts["failed"] += len(failed)
        progress.outcomes += failed.values()
        for note in plan.notes:
            if outcome := _OUTCOMES.get(note.remark):
                progress.counts[outcome] += 1
                progress.outcomes.append(FileOutcome(note.path, outcome, _said(note.remark)))

    # -- doing it ---------------------------------------------------------------------------------

    def _apply(self, plan: Plan, root: Root, bound: list[Intent], *, whole: bool) -> None:
        self._progress.enter("copying")
        uploads = Uploads(self._drive, self._mirror.secrets, self._site.settings.chunk_size)
        work = Apply(
            self._site,
            self._identity.home_id,
            self._ledger,
            self._drive,
            Sender(self._site, self._home, self._drive, uploads),
            executor=self._mirror.executor,
            run=self._number,
            progress=self._progress,
            bound=bound,
            approved=self._ledger.approvals(),
        )
        writes = bool(plan.writes or root.missing)
        self._note_writing(writes)
        try:
            work.carry_out(plan, root, whole=whole)
        finally:
            self._note_writing(writes)
        self._drop_sessions()

    def _note_writing(self, writes: bool) -> None:
        """Remember outside of the ledger when and where this home wrote last."""
        known = replace(self._identity, root=self._ledger.get("root") or self._identity.root)
        if writes:
            known = replace(known, written=self._drive.transport.google_time())
        if known != self._identity:
            self._identity = known.save(self._site)

    def _drop_sessions(self) -> None:
        """Forget the uploads that nobody will go on with; Drive drops them within a week."""
        alive = {intent.nonce for intent in self._ledger.intents()}
        for key in self._mirror.secrets.sessions():
            if nonce_of(key) not in alive:
                self._mirror.secrets.drop_session(key)

    def _remember_first(self, survey: Survey) -> None:
        """Take rules and home for the mirrored ones where none were yet: a pass can be cut off."""
        if not self._ledger.get("rules"):
            self._ledger.remember(rules=survey.selection.signature)
        if not self._identity.root_inode:
            self._identity = replace(self._identity, root_inode=survey.root_inode).save(self._site)

    def _remember(self, survey: Survey, *, whole: bool) -> None:
        """Take the rules and the home as those that were mirrored; a part of it tells nothing."""
        if whole:
            self._ledger.remember(rules=survey.selection.signature, rebuilding="")
        if self._ledger.answered(holds.MOVED_OUT):
            self._ledger.dissolve(holds.MOVED_OUT)
        known = replace(
            self._identity,
            root_inode=survey.root_inode if whole else self._identity.root_inode,
            client=self._site.client or self._identity.client,
            account=self._site.account or self._identity.account,
        )
        if known != self._identity:
            known.save(self._site)

    def _report(self, plan: Plan, *, verified: bool) -> PassReport:
        run = close(self._mirror, self._ledger, self._number, None, verified=verified)
        return PassReport(
            run=run,
            outcomes=tuple(self._progress.outcomes),
            holds=tuple(self._ledger.holds()),
            plan=plan,
            estimate=estimate(plan, self._site.settings),
            objects=self._ledger.mirrored(),
            folder=self._folder,
            link=self._ledger.get("root_link"),
        )


def _unclaimed(plan: Plan) -> Plan:
    """After a rebuild nothing is trashed: what has no local file is shown as unclaimed."""
    left = tuple(
        replace(step, verb=Verb.SETTLE, standing=Standing.UNCLAIMED) for step in plan.trashes
    )
    notes = tuple(Note(step.path, Remark.UNCLAIMED, step.entry.id) for step in left if step.entry)
    return replace(plan, trashes=(), settle=(*plan.settle, *left), notes=(*plan.notes, *notes))


def _with_verdict(plan: Plan, verdict: Verdict) -> Plan:
    def keep(step: Operation) -> Operation:
        return replace(step, verb=Verb.SETTLE, standing=Standing.ARCHIVED)

    kept = tuple(keep(step) for step in verdict.kept)
    notes = tuple(Note(step.path, Remark.ARCHIVED, step.entry.id) for step in kept if step.entry)
    return replace(
        plan,
        trashes=verdict.allowed,
        settle=(*plan.settle, *kept),
        notes=(*plan.notes, *notes),
    )
