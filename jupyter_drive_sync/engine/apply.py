"""Carrying a plan out: intent -> request -> confirmation -> commit, for every single write.

Before anything is sent, the ledger holds what will be true once Drive confirms it, with the nonce
that travels in ``appProperties``. So whatever happens to the reply (or to us), the next pass asks
Drive for the object, compares the nonce, and knows. Ids are bound to their paths in the same way,
before the create is sent: a retry meets 409 and makes no copy (Drive guide, "Create and manage
files").

Only this thread touches the ledger; tasks that run elsewhere get all they need and return a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from jupyter_drive_sync.core.names import to_drive
from jupyter_drive_sync.core.plan import Operation, Plan, Verb, modified_ms
from jupyter_drive_sync.core.tree import (
    ROOT,
    FileId,
    Kind,
    LedgerEntry,
    LocalEntry,
    RelPath,
    RemoteEntry,
    Standing,
    is_below,
    name_of,
    parent_of,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.types import (
    BATCH_LIMIT,
    BatchCall,
    BatchResult,
    CreateFolder,
    Get,
    Patch,
    PinRevision,
)
from jupyter_drive_sync.engine import doubts, stopgap
from jupyter_drive_sync.engine.binding import (
    Binding,
    blank,
    chain_path,
    confirmed,
    is_chain,
    marks,
    new_entry,
)
from jupyter_drive_sync.engine.contents import Contents
from jupyter_drive_sync.engine.executor import Executor
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import Confirmation, Edit, Intent, Trashed
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.sending import Sender
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.errors import (
    DailyUploadLimit,
    DriveFull,
    DriveSyncError,
    Exists,
    FileProblem,
    Missing,
    NotOurs,
    Refused,
)

T = TypeVar("T")

_NONE: Final = FileId("")


@dataclass(frozen=True, slots=True)
class Root:
    """Where the mirror hangs: its id, and the folders that are still to be made above it."""

    id: FileId = _NONE
    missing: tuple[str, ...] = ()
    """Names of the folders to make, the mirror's own last."""
    above: FileId | None = None
    """Folder in which the first of them is made; None is My Drive."""
    level: int = 0
    """Level of the first of them, counted from My Drive: what a later pass knows them by."""

    def chain(self) -> Iterator[tuple[RelPath, str]]:
        """Yield the folders to make: their path in the ledger, and their name."""
        for level, name in enumerate(self.missing, self.level):
            yield chain_path(level), name


class Apply:
    """Carries one plan out.

    Args:
        site: the home.
        home_id: goes into everything that we make.
        ledger: what is known.
        drive: the calls.
        sender: reads content and sends it.
        executor: runs uploads.
        run: number of the run.
        progress: is told what was done.
        bound: intents of an earlier pass whose ids, nonces or sessions are used again.
        approved: objects whose deletion a person has confirmed.
    """

    def __init__(
        self,
        site: Site,
        home_id: str,
        ledger: Ledger,
        drive: Drive,
        sender: Sender,
        *,
        executor: Executor,
        run: int,
        progress: Progress,
        bound: Iterable[Intent] = (),
        approved: frozenset[FileId] = frozenset(),
    ) -> None:
        self._site = site
        self._home_id = home_id
        self._ledger = ledger
        self._drive = drive
        self._sender = sender
        self._executor = executor
        self._run = run
        self._progress = progress
        self._approved = approved
        self._binding = Binding(site, ledger, drive, run, bound)
        self._current: dict[FileId, LedgerEntry] = {}
        """Entries as this pass has changed them."""
        self._folders: dict[RelPath, FileId] = {}
        self._broken: list[tuple[RelPath, DriveSyncError]] = []
        """Folders that could not be made: nothing is tried below them."""
        self._unkept: dict[RelPath, DriveSyncError] = {}
        """Files whose edit on Drive could not be pinned: it is not replaced in this pass."""

    def carry_out(self, plan: Plan, root: Root, *, whole: bool) -> None:
        """Do everything that a plan says.

        Args:
            plan: the steps.
            root: where the mirror hangs.
            whole: the plan is about the whole home, so what it does not need, nobody needs.

        Raises:
            DriveSyncError: what keeps the whole pass from going on; what was done stays done.
        """
        self._folders = dict(plan.folder_ids)
        self._settle(plan.settle)
        self._patch(plan.untrash)
        fresh = [step for level in plan.folders for step in level]
        creates = (step for step in plan.contents if step.verb is Verb.CREATE)
        self._binding.expect((Verb.CREATE_FOLDER, path) for path, _ in root.chain())
        self._binding.expect((step.verb, step.path) for step in (*fresh, *creates))
        intents = self._bind_folders(root, fresh)
        self._make_root(root, intents)
        for level in plan.folders:
            self._make_folders(level, intents)
        goals = {step.path for turn in plan.patches for step in turn if step.place}
        late = self._binding.creates_at(goals)
        refused = stopgap.use_up(self._drive, late, self._folders[ROOT], self._home_id)
        self._broken += refused.items()
        self._binding.keep(refused)
        for turn in plan.patches:
            self._patch(turn)
        self._send(plan.contents, full=self._pinned(plan.pins))
        self._trash(plan.trashes)
        if whole:
            self._binding.drop_unused()

    def _send(self, steps: Sequence[Operation], *, full: DriveSyncError | None) -> None:
        ready: list[Operation] = []
        for step in steps:
            problem = self._problem_above(step.path) or self._unkept.get(step.path)
            if problem is None:
                ready.append(step)
            else:
                self._progress.failed(step.path, problem, kind=step.kind)
        contents = Contents(
            self._ledger,
            self._drive,
            self._binding,
            self._sender,
            executor=self._executor,
            progress=self._progress,
            run=self._run,
            home_id=self._home_id,
            folders=self._folders,
            now=self._site.clock.wall(),
            full=full,
        )
        contents.send(ready, self._current)

    # -- the ledger alone -------------------------------------------------------------------------

    def _settle(self, steps: Sequence[Operation]) -> None:
        changed: list[LedgerEntry] = []
        gone: list[FileId] = []
        for step in steps:
            entry = self._entry(step)
            if step.forget:
                gone.append(entry.id)
                continue
            standing = step.standing or entry.standing
            if standing is Standing.MIRRORED and entry.standing is not Standing.MIRRORED:
                self._progress.outcome(step.path, "claimed", kind=step.kind)
            entry = replace(entry, standing=standing)
            if step.refresh and step.local is not None:
                entry = _refreshed(entry, step.local)
            self._current[entry.id] = entry
            changed.append(entry)
        if changed:
            self._ledger.put(changed)
        if gone:
            self._ledger.forget(gone)

    def _entry(self, step: Operation) -> LedgerEntry:
        if step.entry is None:
            raise AssertionError(step)
        return self._current.get(step.entry.id, step.entry)

    # -- new folders ------------------------------------------------------------------------------

    def _bind_folders(self, root: Root, folders: Sequence[Operation]) -> dict[RelPath, Intent]:
        """Give every new folder its id, so that each one below knows where it will lie."""
        parent = root.above or FileId("")
        targets: list[LedgerEntry] = []
        for path, name in root.chain():
            made = self._binding.id_for(Verb.CREATE_FOLDER, path)
            targets.append(blank(path, Kind.FOLDER, made, parent, name))
            parent = made
        self._folders[ROOT] = root.id or parent
        for step in folders:
            self._folders[step.path] = self._binding.id_for(step.verb, step.path)
        targets += [
            new_entry(step, self._folders[step.path], self._folders[parent_of(step.path)])
            for step in folders
        ]
        intents = {
            target.path: self._binding.intent(Verb.CREATE_FOLDER, target) for target in targets
        }
        self._ledger.intend(intents.values())
        return intents

    # -- batches ----------------------------------------------------------------------------------

    def _batches(
        self, items: Sequence[T], call: Callable[[T], BatchCall]
    ) -> Iterator[list[tuple[T, BatchResult]]]:
        for start in range(0, len(items), BATCH_LIMIT):
            part = items[start : start + BATCH_LIMIT]
            yield list(zip(part, self._drive.batch([call(item) for item in part]), strict=True))

    def _make_root(self, root: Root, intents: Mapping[RelPath, Intent]) -> None:
        parent = root.above
        for number, (path, _) in enumerate(root.chain(), 1):
            last = number == len(root.missing)
            # What lies above the mirror may hold other homes' mirrors too.
            parent = self._make_level(_within(intents[path], parent), self._home_id if last else "")
            if last:
                self._ledger.remember(root=parent)
                self._folders[ROOT] = parent

    def _make_level(self, intent: Intent, home_id: str) -> FileId:
        """Make a folder of the chain; under another id where its own was used up: made, deleted."""
        made = self._try_level(intent, home_id)
        if isinstance(made, Exists) and all(
            each.nonce != intent.nonce for each in self._ledger.intents()
        ):
            target = replace(intent.entry, id=self._binding.new_id())
            intent = self._binding.intent(intent.verb, target)
            self._ledger.intend([intent])
            made = self._try_level(intent, home_id)
        if isinstance(made, DriveSyncError):
            self._progress.failed(intent.entry.path, made, kind=Kind.FOLDER)
            raise made
        self._confirm([confirmed(intent.nonce, intent.entry, made, self._run)], "created")
        return intent.entry.id

    def _try_level(self, intent: Intent, home_id: str) -> RemoteEntry | DriveSyncError:
        try:
            (result,) = self._drive.batch([_create(intent, home_id)])
        except (DriveFull, DailyUploadLimit) as full:
            self._progress.trouble(full)
            return full
        return self._folder_made(intent, result)

    def _make_folders(self, steps: Sequence[Operation], intents: Mapping[RelPath, Intent]) -> None:
        ready: list[Intent] = []
        for step in steps:
            intent = intents[step.path]
            problem = self._problem_above(step.path)
            if problem is None:
                ready.append(_within(intent, self._folders[parent_of(step.path)]))
            else:
                self._progress.failed(step.path, problem, kind=step.kind)
        self._create_folders(ready, home_id=self._home_id)

    def _create_folders(self, intents: Sequence[Intent], *, home_id: str) -> None:
        def call(intent: Intent) -> BatchCall:
            return _create(intent, home_id)

        waiting = {intent.entry.path: None for intent in intents}
        try:
            self._create_parts(self._batches(intents, call), waiting)
        except (DriveFull, DailyUploadLimit) as full:
            # Moves and trashes go on: they need no space, or make some.
            self._progress.trouble(full)
            for path in waiting:
                self._broken.append((path, full))
                self._progress.failed(path, full, kind=Kind.FOLDER)

    def _create_parts(
        self,
        parts: Iterable[list[tuple[Intent, BatchResult]]],
        waiting: dict[RelPath, None],
    ) -> None:
        for part in parts:
            done: list[Confirmation] = []
            for intent, result in part:
                del waiting[intent.entry.path]
                made = self._folder_made(intent, result)
                if isinstance(made, RemoteEntry):
                    done.append(confirmed(intent.nonce, intent.entry, made, self._run))
                else:
                    self._broken.append((intent.entry.path, made))
                    self._progress.failed(intent.entry.path, made, kind=Kind.FOLDER)
            self._confirm(done, "created")

    def _folder_made(self, intent: Intent, result: BatchResult) -> RemoteEntry | DriveSyncError:
        """Settle a create: a 409 whose object carries our nonce was an earlier try of ours."""
        if isinstance(result, RemoteEntry):
            return result
        if not isinstance(result, DriveSyncError):
            raise AssertionError(result)
        if result.code != "drive.exists":
            return result
        try:
            there = doubts.find(self._drive, intent.entry.id)
        except DriveSyncError as error:
            return error
        if there is None:
            ids = [intent.entry.id]
            if not doubts.used_up(self._ledger, self._drive, self._run, ids):
                return result
        # The next pass takes another id: the intent is gone, so nothing is bound any more.
        if there is None or there.nonce != intent.nonce:
            self._ledger.drop([intent.nonce])
            return result
        return there

    def _patch(self, steps: Sequence[Operation]) -> None:
        ready: list[tuple[Operation, LedgerEntry, Intent]] = []
        for step in steps:
            problem = self._problem_above(step.path)
            if problem is not None:
                self._progress.failed(step.path, problem, kind=step.kind)
                continue
            before = self._entry(step)
            target = self._patched(step, before)
            ready.append((step, before, self._binding.intent(step.verb, target)))
        self._ledger.intend(intent for _, _, intent in ready)
        for part in self._batches(ready, lambda item: self._patch_call(*item)):
            done: list[Confirmation] = []
            refused: list[tuple[Operation, Intent, DriveSyncError]] = []
            for (step, _, intent), result in part:
                if isinstance(result, RemoteEntry):
                    done.append(confirmed(intent.nonce, intent.entry, result, self._run))
                    self._progress.outcome(step.path, _patch_outcome(step), kind=step.kind)
                elif isinstance(result, DriveSyncError):
                    refused.append((step, intent, result))
            self._confirm(done, "")
            self._give_up(refused)

    def _patched(self, step: Operation, before: LedgerEntry) -> LedgerEntry:
        target = replace(before, path=step.path)
        if step.place:
            target = replace(
                target,
                parent=self._folders[parent_of(step.path)],
                name=to_drive(name_of(step.path)),
            )
        if step.touch and step.local is not None:
            target = replace(target, mtime_ms=modified_ms(step.local.stat), mode=step.local.mode)
        if step.refresh and step.local is not None:
            target = _refreshed(target, step.local)
        if step.untrash:
            target = replace(target, revived=step.revived)
        return target

    def _patch_call(self, step: Operation, before: LedgerEntry, intent: Intent) -> Patch:
        target = intent.entry
        lies_in = before.parent if before.seen is None else before.seen.parent
        moves = step.place and lies_in != target.parent
        edited = before.seen is not None and before.seen.md5 != before.md5
        # A new name makes Drive set the time to now.
        timed = step.touch or (step.place and step.kind is Kind.FILE and not edited)
        return Patch(
            target.id,
            name=target.name if step.place else None,
            add_parent=target.parent if moves else None,
            remove_parent=lies_in if moves else None,
            mtime_ms=target.mtime_ms if timed else None,
            app=marks(self._home_id, intent.nonce, target.mode if step.kind is Kind.FILE else None),
            trashed=False if step.untrash else None,
        )

    def _give_up(self, refused: Sequence[tuple[Operation, Intent, DriveSyncError]]) -> None:
        """Note which parts of a batch failed, and let go of what is no longer ours.

        What was refused for now may have been done all the same: the next pass asks.
        """
        gone = self._gone([item.entry.id for _, item, each in refused if isinstance(each, Missing)])
        for step, intent, said in refused:
            there = isinstance(said, Missing) and intent.entry.id not in gone
            problem = Refused(reason="notFound") if there else said
            if isinstance(problem, FileProblem):
                self._ledger.drop([intent.nonce])
            if isinstance(problem, NotOurs):
                self._ledger.forget([intent.entry.id])
            self._progress.failed(step.path, problem, kind=step.kind)
        doubts.doubt(self._ledger, gone)

    def _gone(self, ids: Sequence[FileId]) -> set[FileId]:
        """Ask for objects that Drive did not find: forgotten by mistake, they would get a twin."""
        if not ids:
            return set()
        results = self._drive.batch([Get(file_id) for file_id in ids])
        return {
            file_id
            for file_id, result in zip(ids, results, strict=True)
            if isinstance(result, Missing)
        }

    def _pinned(self, steps: Sequence[Operation]) -> DriveSyncError | None:
        """Pin what is about to be replaced.

        Returns:
            Why nothing may be replaced now: what is kept for good takes space as well.
        """
        try:
            self._pin(steps)
        except (DriveFull, DailyUploadLimit) as full:
            self._progress.trouble(full)
            return full
        return None

    def _pin(self, steps: Sequence[Operation]) -> None:
        """Keep Drive's heads for good before they are replaced, as far as the limit goes."""
        pinned = self._ledger.pins()
        now = self._site.clock.wall()
        edits: list[tuple[Operation, Edit]] = []
        recorded = self._ledger.entries(self._entry(step).id for step in steps)
        for step in steps:
            entry = self._entry(step)
            head = entry.seen or recorded.get(entry.id)  # which has its revision, unlike a tree's
            if head is not None and head.revision:
                size = entry.seen.size if entry.seen else entry.stat.size
                edit = Edit(entry.id, head.revision, step.path, now, size, False, self._run)
                edits.append((step, edit))
        # A pass that could not replace it then has kept it already.
        known = {(edit.id, edit.revision) for edit in self._ledger.edits() if edit.pinned}
        fresh = [item for item in edits if (item[1].id, item[1].revision) not in known]
        limit = self._site.settings.pinned_revisions
        room = [item for item in fresh if pinned.get(item[1].id, 0) < limit]
        rest = [item for item in fresh if pinned.get(item[1].id, 0) >= limit]
        self._ledger.record_edits(edit for _, edit in rest)
        missing = self._keep(room)
        for step, _ in self._keep(missing):
            # A head that is not found twice is another one by now: the next pass looks.
            self._unkept[step.path] = Missing()
        for step, _ in edits:
            if step.path not in self._unkept:
                self._progress.outcome(step.path, "replaced_edit", kind=step.kind)

    def _keep(self, items: Sequence[tuple[Operation, Edit]]) -> list[tuple[Operation, Edit]]:
        """Pin revisions; return those that Drive does not find."""
        missing: list[tuple[Operation, Edit]] = []
        for part in self._batches(items, lambda item: PinRevision(item[1].id, item[1].revision)):
            kept: list[Edit] = []
            for (step, edit), result in part:
                if isinstance(result, Missing):
                    missing.append((step, edit))
                elif isinstance(result, DriveSyncError):
                    self._unkept[step.path] = result
                else:
                    kept.append(replace(edit, pinned=True))
            self._ledger.record_edits(kept)
        return missing

    def _trash(self, steps: Sequence[Operation]) -> None:
        ready = [
            (step, self._binding.intent(step.verb, replace(self._entry(step), path=step.path)))
            for step in steps
        ]
        self._ledger.intend(intent for _, intent in ready)

        def call(item: tuple[Operation, Intent]) -> BatchCall:
            return Patch(item[1].entry.id, app=marks(self._home_id, item[1].nonce), trashed=True)

        for part in self._batches(ready, call):
            done: list[Confirmation] = []
            refused: list[tuple[Operation, Intent, DriveSyncError]] = []
            for (step, intent), result in part:
                if isinstance(result, RemoteEntry):
                    done.append(self._trashed(intent))
                    self._progress.outcome(step.path, "trashed", kind=step.kind, size=step.size)
                elif isinstance(result, DriveSyncError):
                    refused.append((step, intent, result))
            self._ledger.confirm(done)
            self._give_up(refused)

    def _trashed(self, intent: Intent) -> Confirmation:
        entry = intent.entry
        return Confirmation(
            intent.nonce,
            entry,
            self._run,
            trashed=Trashed(
                entry.id,
                entry.path,
                entry.stat.size,
                self._site.clock.wall(),
                self._run,
                entry.id in self._approved,
            ),
        )

    # -- confirmations ----------------------------------------------------------------------------

    def _confirm(self, done: Sequence[Confirmation], outcome: str) -> None:
        self._ledger.confirm(done)
        for item in done:
            self._current[item.entry.id] = item.entry
            if outcome and not is_chain(item.entry.path):
                self._progress.outcome(item.entry.path, outcome, kind=item.entry.kind)

    def _problem_above(self, path: RelPath) -> DriveSyncError | None:
        for folder, problem in self._broken:
            if is_below(path, folder):
                return problem
        return None


def _refreshed(entry: LedgerEntry, here: LocalEntry) -> LedgerEntry:
    racy = here.racy if here.md5 is not None else entry.racy
    return replace(entry, stat=here.stat, racy=racy)


def _patch_outcome(step: Operation) -> str:
    if step.untrash:
        return "untrashed"
    if step.source is not None:
        return "moved"
    return "put_back" if step.place else "touched"


def _create(intent: Intent, home_id: str) -> CreateFolder:
    entry = intent.entry
    # Of the chain only the mirror's own folder has a home.
    app = marks(home_id, intent.nonce, root=bool(home_id) and is_chain(entry.path))
    return CreateFolder(entry.id, entry.name, entry.parent or None, app)


def _within(intent: Intent, parent: FileId | None) -> Intent:
    """Say where a folder will lie; what is above it may have got another id than it was to have."""
    return replace(intent, entry=replace(intent.entry, parent=parent or FileId("")))
