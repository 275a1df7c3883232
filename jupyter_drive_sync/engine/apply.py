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
from functools import partial
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
    Stat,
    is_below,
    name_of,
    parent_of,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.types import (
    BATCH_LIMIT,
    IDS_LIMIT,
    BatchCall,
    BatchResult,
    CreateFolder,
    Patch,
    PinRevision,
)
from jupyter_drive_sync.engine.executor import Executor
from jupyter_drive_sync.engine.ledger import Confirmation, Ledger
from jupyter_drive_sync.engine.observe import with_seen
from jupyter_drive_sync.engine.records import Edit, Intent, Trashed
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.sending import Content, Sender, Sent
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.errors import (
    Busy,
    DailyUploadLimit,
    DriveFull,
    DriveSyncError,
    FileProblem,
    Missing,
    NotOurs,
)

T = TypeVar("T")

_NONE: Final = FileId("")

BUSY_LIMIT: Final = 5
"""Files given up in a row, each after all its retries, before the whole pass waits."""


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
            yield _chain_path(level), name


@dataclass
class _Mood:
    """What the uploads so far say about those to come."""

    busy: int = 0
    """Files in a row that Drive was too busy for."""
    full: DriveSyncError | None = None
    """No more content can be sent; moves and trashes can."""
    fatal: DriveSyncError | None = None
    """The pass ends here."""

    def take(self, problem: DriveSyncError | None) -> None:
        if isinstance(problem, DriveFull | DailyUploadLimit):
            self.full = problem
        elif isinstance(problem, Busy):
            self.busy += 1
            self.fatal = problem if self.busy >= BUSY_LIMIT else self.fatal
        elif problem is None:
            self.busy = 0
        elif not isinstance(problem, FileProblem):
            self.fatal = self.fatal or problem


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
        self._bound = {(intent.verb, intent.entry.path): intent for intent in bound}
        self._current: dict[FileId, LedgerEntry] = {}
        """Entries as this pass has changed them."""
        self._folders: dict[RelPath, FileId] = {}
        self._broken: list[tuple[RelPath, DriveSyncError]] = []
        """Folders that could not be made: nothing is tried below them."""

    def carry_out(self, plan: Plan, root: Root, folders: Mapping[RelPath, FileId]) -> None:
        """Do everything that a plan says.

        Args:
            plan: the steps.
            root: where the mirror hangs.
            folders: ids of the folders that exist, by their path after the plan's moves.

        Raises:
            DriveSyncError: what keeps the whole pass from going on; what was done stays done.
        """
        self._folders = dict(folders)
        self._settle(plan.settle)
        self._patch(plan.untrash)
        creates = [step for step in plan.contents if step.verb is Verb.CREATE]
        fresh = [step for level in plan.folders for step in level]
        intents = self._bind(root, fresh, creates)
        self._make_root(root, intents)
        for level in plan.folders:
            self._make_folders(level, intents)
        for turn in plan.patches:
            self._patch(turn)
        self._pin(plan.pins)
        self._send(plan.contents, intents)
        self._trash(plan.trashes)

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

    # -- ids --------------------------------------------------------------------------------------

    def _bind(
        self, root: Root, folders: Sequence[Operation], creates: Sequence[Operation]
    ) -> dict[tuple[str, RelPath], Intent]:
        """Give every new object its id and nonce, and record them before anything is sent."""
        wanted: list[tuple[str, RelPath, Operation | None]] = [
            (Verb.CREATE_FOLDER, path, None) for path, _ in root.chain()
        ]
        wanted += [(step.verb, step.path, step) for step in (*folders, *creates)]
        free = [key for key in wanted if (key[0], key[1]) not in self._bound]
        ids = self._new_ids(len(free))
        fresh: dict[tuple[str, RelPath], FileId] = {
            (verb, path): next(ids) for verb, path, _ in free
        }

        def id_of(verb: str, path: RelPath) -> FileId:
            bound = self._bound.get((verb, path))
            return bound.entry.id if bound else fresh[verb, path]

        parent = root.above or FileId("")
        chain: list[LedgerEntry] = []
        for path, name in root.chain():
            made = id_of(Verb.CREATE_FOLDER, path)
            chain.append(_blank(path, Kind.FOLDER, made, parent, name))
            parent = made
        self._folders[ROOT] = root.id or parent
        for step in folders:
            self._folders[step.path] = id_of(step.verb, step.path)

        targets = chain + [
            replace(
                _blank(
                    step.path,
                    step.kind,
                    id_of(step.verb, step.path),
                    self._folders[parent_of(step.path)],
                    to_drive(name_of(step.path)),
                ),
                stat=step.local.stat if step.local else Stat(0, 0, 0),
                revived=step.revived,
            )
            for step in (*folders, *creates)
        ]
        verbs = [verb for verb, _, _ in wanted]
        intents = {
            (verb, target.path): self._intent(verb, target)
            for verb, target in zip(verbs, targets, strict=True)
        }
        self._ledger.intend(intents.values())
        return intents

    def _intent(self, verb: str, target: LedgerEntry) -> Intent:
        """Make an intent; one of an earlier pass lends its nonce, and with it its session."""
        bound = self._bound.pop((verb, target.path), None)
        nonce = bound.nonce if bound else self._site.nonce()
        return Intent(nonce, self._run, verb, replace(target, nonce=nonce))

    def _new_ids(self, count: int) -> Iterator[FileId]:
        for start in range(0, count, IDS_LIMIT):
            yield from self._drive.generate_ids(min(IDS_LIMIT, count - start))

    def drop_unused(self) -> None:
        """Give up what an earlier pass had bound and no step of this one needs."""
        self._ledger.drop(intent.nonce for intent in self._bound.values())

    # -- batches ----------------------------------------------------------------------------------

    def _batches(
        self, items: Sequence[T], call: Callable[[T], BatchCall]
    ) -> Iterator[list[tuple[T, BatchResult]]]:
        for start in range(0, len(items), BATCH_LIMIT):
            part = items[start : start + BATCH_LIMIT]
            yield list(zip(part, self._drive.batch([call(item) for item in part]), strict=True))

    def _app(self, nonce: str, mode: int | None = None) -> dict[str, str]:
        app = {"jds": "1", "home": self._home_id, "w": nonce}
        if mode is not None:
            app["mode"] = f"{mode & 0o7777:o}"
        return app

    def _make_root(self, root: Root, intents: Mapping[tuple[str, RelPath], Intent]) -> None:
        for number, (path, _) in enumerate(root.chain(), 1):
            intent = intents[Verb.CREATE_FOLDER, path]
            last = number == len(root.missing)
            app = self._app(intent.nonce)
            if not last:
                del app["home"]  # what lies above the mirror may hold other homes' mirrors too
            self._create_folders([intent], partial(_always, app))
            if self._broken:
                raise self._broken[0][1]
            if last:
                self._ledger.remember(root=intent.entry.id)

    def _make_folders(
        self, steps: Sequence[Operation], intents: Mapping[tuple[str, RelPath], Intent]
    ) -> None:
        ready: list[Intent] = []
        for step in steps:
            intent = intents[step.verb, step.path]
            problem = self._problem_above(step.path)
            if problem is None:
                ready.append(intent)
            else:
                self._progress.failed(step.path, problem, kind=step.kind)
        self._create_folders(ready, lambda intent: self._app(intent.nonce))

    def _create_folders(
        self, intents: Sequence[Intent], app: Callable[[Intent], dict[str, str]]
    ) -> None:
        def call(intent: Intent) -> BatchCall:
            entry = intent.entry
            return CreateFolder(entry.id, entry.name, entry.parent or None, app(intent))

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
                confirmed = self._folder_made(intent, result)
                if isinstance(confirmed, RemoteEntry):
                    done.append(self._confirmation(intent.nonce, intent.entry, confirmed))
                else:
                    self._broken.append((intent.entry.path, confirmed))
                    self._progress.failed(intent.entry.path, confirmed, kind=Kind.FOLDER)
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
            there = self._drive.get(intent.entry.id)
        except DriveSyncError as error:
            return error
        # The next pass takes another id: the intent is gone, so nothing is bound any more.
        if there.nonce != intent.nonce:
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
            ready.append((step, before, self._intent(step.verb, target)))
        self._ledger.intend(intent for _, _, intent in ready)
        for part in self._batches(ready, lambda item: self._patch_call(*item)):
            done: list[Confirmation] = []
            for (step, _, intent), result in part:
                if isinstance(result, RemoteEntry):
                    done.append(self._confirmation(intent.nonce, intent.entry, result))
                    self._progress.outcome(step.path, _patch_outcome(step), kind=step.kind)
                elif isinstance(result, DriveSyncError):
                    self._give_up(step, intent, result)
            self._confirm(done, "")

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
            app=self._app(intent.nonce, target.mode if step.kind is Kind.FILE else None),
            trashed=False if step.untrash else None,
        )

    def _give_up(self, step: Operation, intent: Intent, problem: DriveSyncError) -> None:
        """Note that a part of a batch failed, and let go of what is no longer ours.

        What was refused for now may have been done all the same: the next pass asks.
        """
        if isinstance(problem, FileProblem):
            self._ledger.drop([intent.nonce])
        if isinstance(problem, Missing | NotOurs):
            self._ledger.forget([intent.entry.id])
        self._progress.failed(step.path, problem, kind=step.kind)

    def _pin(self, steps: Sequence[Operation]) -> None:
        """Keep Drive's heads for good before they are replaced, as far as the limit goes."""
        pinned = self._ledger.pins()
        now = self._site.clock.wall()
        edits: list[tuple[Operation, Edit]] = []
        for step in steps:
            entry = self._entry(step)
            head = entry.seen or entry
            if head.revision:
                size = entry.seen.size if entry.seen else entry.stat.size
                edit = Edit(entry.id, head.revision, step.path, now, size, False, self._run)
                edits.append((step, edit))
        limit = self._site.settings.pinned_revisions
        room = [item for item in edits if pinned.get(item[1].id, 0) < limit]
        rest = [item for item in edits if pinned.get(item[1].id, 0) >= limit]
        self._ledger.record_edits(edit for _, edit in rest)
        for part in self._batches(room, lambda item: PinRevision(item[1].id, item[1].revision)):
            self._ledger.record_edits(
                replace(edit, pinned=not isinstance(result, DriveSyncError))
                for (_, edit), result in part
            )
        for step, _ in edits:
            self._progress.outcome(step.path, "replaced_edit", kind=step.kind)

    def _trash(self, steps: Sequence[Operation]) -> None:
        ready = [
            (step, self._intent(step.verb, replace(self._entry(step), path=step.path)))
            for step in steps
        ]
        self._ledger.intend(intent for _, intent in ready)

        def call(item: tuple[Operation, Intent]) -> BatchCall:
            return Patch(item[1].entry.id, app=self._app(item[1].nonce), trashed=True)

        for part in self._batches(ready, call):
            done: list[Confirmation] = []
            for (step, intent), result in part:
                if isinstance(result, RemoteEntry):
                    done.append(self._trashed(intent))
                    self._progress.outcome(step.path, "trashed", kind=step.kind, size=step.size)
                elif isinstance(result, DriveSyncError):
                    self._give_up(step, intent, result)
            self._ledger.confirm(done)

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

    # -- contents ---------------------------------------------------------------------------------

    def _send(
        self, steps: Sequence[Operation], bound: Mapping[tuple[str, RelPath], Intent]
    ) -> None:
        ready: list[Content] = []
        replaced: list[Intent] = []
        for step in steps:
            problem = self._problem_above(step.path)
            if problem is not None:
                self._progress.failed(step.path, problem, kind=step.kind)
                continue
            if step.verb is Verb.CREATE:
                intent = bound[step.verb, step.path]
            else:
                entry = replace(self._entry(step), path=step.path)
                intent = self._intent(step.verb, replace(entry, seen=None))
                replaced.append(intent)
            ready.append(Content(step, intent, self._app(intent.nonce)))
        self._ledger.intend(replaced)
        while ready:
            ready = self._send_round(ready)

    def _send_round(self, contents: Sequence[Content]) -> list[Content]:
        """Send contents; return those that need another id.

        What ends the pass lets the uploads under way come to their end first: their replies count.
        """
        anew: list[Content] = []
        mood = _Mood()

        def tasks() -> Iterator[Callable[[], Sent]]:
            for content in contents:
                if mood.fatal is not None:
                    return
                if mood.full is not None:
                    self._progress.failed(content.step.path, mood.full, kind=Kind.FILE)
                else:
                    yield partial(self._sender.send, content)

        for sent in self._executor.run(tasks()):
            if sent.anew:
                anew.append(sent.content)
                continue
            self._sent(sent)
            mood.take(sent.problem)
        if mood.full is not None:
            self._progress.trouble(mood.full)
        if mood.fatal is not None:
            raise mood.fatal
        return self._under_new_ids(anew)

    def _sent(self, sent: Sent) -> None:
        step = sent.content.step
        if sent.remote is not None:
            nonce = sent.content.intent.nonce
            self._confirm([self._confirmation(nonce, sent.entry, sent.remote)], "")
        if sent.problem is not None:
            self._progress.failed(step.path, sent.problem, kind=Kind.FILE)
        else:
            outcome = "uploaded" if step.verb is Verb.CREATE else "updated"
            size = sent.entry.stat.size
            self._progress.outcome(step.path, outcome, kind=Kind.FILE, size=size)

    def _under_new_ids(self, contents: Sequence[Content]) -> list[Content]:
        """Bind new ids to files whose old one is taken, gone, or no longer ours."""
        if not contents:
            return []
        ids = self._new_ids(len(contents))
        again: list[Content] = []
        for content in contents:
            old = content.intent
            self._ledger.drop([old.nonce])
            if content.step.verb is Verb.REPLACE:
                self._ledger.forget([old.entry.id])
            target = replace(
                old.entry,
                id=next(ids),
                parent=self._folders[parent_of(content.step.path)],
                name=to_drive(name_of(content.step.path)),
            )
            intent = self._intent(Verb.CREATE, target)
            step = replace(content.step, verb=Verb.CREATE)
            again.append(Content(step, intent, self._app(intent.nonce)))
        self._ledger.intend(content.intent for content in again)
        return again

    # -- confirmations ----------------------------------------------------------------------------

    def _confirmation(self, nonce: str, target: LedgerEntry, remote: RemoteEntry) -> Confirmation:
        entry = with_seen(
            replace(target, nonce=remote.nonce or nonce, revision=remote.revision), remote
        )
        chain = is_chain(entry.path)
        return Confirmation(nonce, entry, self._run, chain=chain, link=remote.link)

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


def _chain_path(level: int) -> RelPath:
    """Name a folder above the mirror in the ledger; no real path begins with ``/``."""
    return RelPath(f"/{level}")


def is_chain(path: RelPath) -> bool:
    """Tell whether an intent is about a folder of the chain down to the mirror."""
    return path.startswith("/")


def _always(app: dict[str, str], _: Intent) -> dict[str, str]:
    return app


def _blank(path: RelPath, kind: Kind, file_id: FileId, parent: FileId, name: str) -> LedgerEntry:
    return LedgerEntry(
        path=path,
        kind=kind,
        standing=Standing.MIRRORED,
        id=file_id,
        parent=parent,
        name=name,
        stat=Stat(0, 0, 0),
        md5=None,
        nonce="",
        version=0,
    )


def _refreshed(entry: LedgerEntry, here: LocalEntry) -> LedgerEntry:
    racy = here.racy if here.md5 is not None else entry.racy
    return replace(entry, stat=here.stat, racy=racy)


def _patch_outcome(step: Operation) -> str:
    if step.untrash:
        return "untrashed"
    if step.source is not None:
        return "moved"
    return "put_back" if step.place else "touched"
