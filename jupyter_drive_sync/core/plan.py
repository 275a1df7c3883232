"""Three trees -> ordered operations: the whole of what a pass will do, before it does any of it.

:func:`make` is a pure function; the same trees give the same plan, operation by operation.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Final

from jupyter_drive_sync.core.decisions import Action, Decision, Local, Place, Remark, decide
from jupyter_drive_sync.core.matching import Moves, match
from jupyter_drive_sync.core.names import to_drive
from jupyter_drive_sync.core.tree import (
    ROOT,
    FileId,
    Kind,
    LedgerEntry,
    LedgerTree,
    LocalEntry,
    LocalTree,
    RelPath,
    Shadow,
    Standing,
    Stat,
    ancestors,
    depth_of,
    is_below,
    name_of,
    parent_of,
)

LATEST_MS: Final = 253_402_300_799_000
"""9999-12-31T23:59:59Z: the last second that RFC 3339, and so ``modifiedTime``, can say."""


class Verb(enum.StrEnum):
    """What an operation does, in the order of a pass."""

    SETTLE = "settle"
    """Only the ledger learns something."""
    CREATE_FOLDER = "create_folder"
    PATCH = "patch"
    """Metadata only: name, folder, modification time, out of the trash."""
    PIN = "pin"
    REPLACE = "replace"
    CREATE = "create"
    TRASH = "trash"


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a plan.

    ``entry`` is the ledger's entry before the step (None: there is none), ``local`` the disk's.
    """

    verb: Verb
    path: RelPath
    kind: Kind
    entry: LedgerEntry | None = None
    local: LocalEntry | None = None
    place: bool = False
    """PATCH: give it the name and the folder that its path asks for."""
    untrash: bool = False
    touch: bool = False
    """PATCH: send the modification time and the mode."""
    forget: bool = False
    """SETTLE: drop the entry."""
    standing: Standing | None = None
    """SETTLE: the entry's new standing."""
    refresh: bool = False
    """SETTLE, PATCH: remember the disk's stat; the content is as we know it."""
    revived: int = 0
    """CREATE: how often its forerunners were removed on Drive; PATCH with untrash: this one."""

    @property
    def size(self) -> int:
        """Bytes of content that the step is about."""
        if self.local is not None:
            return self.local.stat.size
        return self.entry.stat.size if self.entry is not None else 0

    @property
    def source(self) -> RelPath | None:
        """Where the object was before, when the step moves it."""
        if self.entry is None or self.entry.path == self.path:
            return None
        return self.entry.path


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person is told; it stays in the status until it is no longer true."""

    path: RelPath
    remark: Remark
    id: FileId


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a pass will do, in order; each tuple may be done at once within itself."""

    settle: tuple[Operation, ...] = ()
    untrash: tuple[Operation, ...] = ()
    folders: tuple[tuple[Operation, ...], ...] = ()
    """New folders, a tuple per level: a folder must exist before anything is made in it."""
    patches: tuple[tuple[Operation, ...], ...] = ()
    """Moves and touches, in rounds: within a round no order can put a folder into itself."""
    pins: tuple[Operation, ...] = ()
    contents: tuple[Operation, ...] = ()
    trashes: tuple[Operation, ...] = ()
    notes: tuple[Note, ...] = ()
    unknown: tuple[LocalEntry, ...] = ()
    """Files that could not be read: nothing is done to them."""
    moved_out: tuple[Operation, ...] = ()
    """Fresh copies that wait for an answer, because too many were moved out at once."""
    unchanged: int = 0
    """Files that are on Drive as they are here."""
    folder_ids: Mapping[RelPath, FileId] = field(default_factory=dict)
    """The folders that exist on Drive, by their path after this plan's moves."""

    def operations(self) -> Iterable[Operation]:
        """Yield all steps in order."""
        yield from self.settle
        yield from self.untrash
        for level in self.folders:
            yield from level
        for turn in self.patches:
            yield from turn
        yield from self.pins
        yield from self.contents
        yield from self.trashes

    @property
    def writes(self) -> int:
        """Count the steps that change something on Drive."""
        return sum(1 for step in self.operations() if step.verb is not Verb.SETTLE)


def modified_ms(stat: Stat) -> int:
    """Return the modification time as Drive can hold it: whole milliseconds from 1970 to 9999."""
    return max(0, min(stat.mtime_ns // 1_000_000, LATEST_MS))


def make(
    local: LocalTree,
    ledger: LedgerTree,
    *,
    keep_deleted: bool = False,
    moved_out_limit: int = 20,
    only: Iterable[RelPath] = (),
) -> Plan:
    """Plan a pass.

    Args:
        local: the disk; files that :func:`matching.suspects` names carry a checksum or a problem.
        ledger: what we know, with what Drive showed last.
        keep_deleted: a deletion here keeps the file on Drive (policy ``keep``).
        moved_out_limit: most files that are copied anew unasked after they were moved out.
        only: where given, only these paths and what lies below them.
    """
    return _Planner(local, ledger, keep_deleted=keep_deleted).plan(moved_out_limit, tuple(only))


@dataclass
class _Planner:
    local: LocalTree
    ledger: LedgerTree
    keep_deleted: bool
    steps: list[Operation] = field(default_factory=list)
    fresh: list[Operation] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    unknown: list[LocalEntry] = field(default_factory=list)
    unchanged: int = 0

    def __post_init__(self) -> None:
        self.shadow = Shadow(self.local)
        self.moves: Moves = match(self.local, self.ledger)
        twins = (entry for entry in self.ledger.twins if entry.kind is Kind.FOLDER)
        self.by_id = {entry.id: entry for entry in (*self.ledger.folders.values(), *twins)}
        self.fates: dict[FileId, Place] = {}
        """Where what lies in a folder is to be found; filled on demand."""
        self.present: set[FileId] = set()
        """Folders of ours that are on disk."""
        self.folder_ids: dict[RelPath, FileId | None] = {ROOT: self.ledger.root}
        """Folders as they will be: path -> id, None for one that this plan makes."""
        self.heirs: set[FileId] = set()
        """Further files at a path that took the place of one which left it."""
        self.declined: set[RelPath] = set()
        """Folders that somebody removed on Drive twice: respected, with all that is in them."""

    def plan(self, moved_out_limit: int, only: tuple[RelPath, ...]) -> Plan:
        """Decide on every object, then put the steps in order."""
        self._folders()
        self._files()
        held: tuple[Operation, ...] = ()
        outs = [step for step in self.fresh if step.kind is Kind.FILE]
        if len(outs) > moved_out_limit:
            held = tuple(sorted(outs, key=lambda step: step.path))
            waiting = {step.entry.id for step in outs if step.entry is not None}
            self.steps = [s for s in self.steps if s.entry is None or s.entry.id not in waiting]
            self.notes = [note for note in self.notes if note.id not in waiting]
        return _ordered(self, held, only)

    # -- folders, shallow first: where a folder went decides where its files are -----------------

    def _folders(self) -> None:
        meetings = _Meetings(self.ledger.folders, self.moves.rebase, self.local, Kind.FOLDER)
        met = [*meetings.all()]
        self.present = {item.entry.id for item in met if item.here is not None}
        for item in sorted(met, key=lambda item: (depth_of(item.path), item.path)):
            self._decide(item)
        for path, here in sorted(self.local.entries.items()):
            if here.kind is not Kind.FOLDER or path in self.folder_ids:
                continue
            if self._below_declined(path):
                self.declined.add(path)
            else:
                self.folder_ids[path] = None
                self.steps.append(Operation(Verb.CREATE_FOLDER, path, Kind.FOLDER, local=here))

    # -- files ------------------------------------------------------------------------------------

    def _files(self) -> None:
        meetings = _Meetings(self.ledger.files, self.moves.path_of, self.local, Kind.FILE)
        for item in meetings.all():
            self._decide(item)
        for twin in self.ledger.twins:
            if twin.kind is Kind.FILE and twin.id not in self.heirs:
                self._twin(twin)
        for path, here in self.local.entries.items():
            if here.kind is not Kind.FILE or meetings.found(path):
                continue
            if here.problem is not None:
                self.unknown.append(here)
            elif self._below_declined(path):
                self.notes.append(Note(path, Remark.DECLINED, FileId("")))
            else:
                self.steps.append(Operation(Verb.CREATE, path, Kind.FILE, local=here))

    def _twin(self, twin: LedgerEntry) -> None:
        """Show a further object at a path for as long as it is there; it is never trashed."""
        kept = replace(twin, standing=Standing.UNCLAIMED)
        place = self._place(twin)
        decision = decide(kept.standing, Local.ABSENT, place, edited=False, again=False)
        step = Operation(Verb.SETTLE, twin.path, twin.kind, twin)
        if Action.FORGET in decision.actions and not _dragged(twin, place):
            self.steps.append(replace(step, forget=True))
            return
        if twin.standing is not kept.standing:
            self.steps.append(replace(step, standing=kept.standing))
        self._note(kept, twin.path, decision)

    def _below_declined(self, path: RelPath) -> bool:
        return bool(self.declined) and any(up in self.declined for up in ancestors(path))

    # -- one object -------------------------------------------------------------------------------

    def _decide(self, item: _Meeting) -> None:
        entry, path, here = item.entry, item.path, item.here
        state = self._local_state(item)
        place = self._place(entry)
        edited = (
            entry.kind is Kind.FILE
            and place is not Place.GONE
            and entry.seen is not None
            and entry.seen.md5 != entry.md5
        )
        if state in (Local.SAME, Local.CHANGED) and self._below_declined(path):
            decision = _decline(entry.standing)
        else:
            again = entry.revived > 0
            decision = decide(entry.standing, state, place, edited=edited, again=again)
        if entry.kind is Kind.FOLDER:
            self._know_folder(item, decision)
        if here is not None and here.problem is not None:
            self.unknown.append(here)
        self._note(entry, path, decision)
        self._carry_out(item, place, decision, edited=edited)

    def _local_state(self, item: _Meeting) -> Local:
        entry, here = item.entry, item.here
        if here is None:
            if self.shadow.unreadable(item.path):
                return Local.UNKNOWN
            return Local.LEFT_OUT if self.shadow.left_out(item.path) else Local.ABSENT
        if here.problem is not None:
            return Local.UNKNOWN
        if entry.kind is Kind.FOLDER or (here.stat == entry.stat and here.md5 is None):
            return Local.SAME
        known = entry.md5
        if entry.standing is not Standing.MIRRORED and entry.seen is not None:
            known = entry.seen.md5  # what would be claimed is what Drive holds now
        return Local.SAME if here.md5 is not None and here.md5 == known else Local.CHANGED

    def _place(self, entry: LedgerEntry) -> Place:
        """Say where Drive shows an object, its folders' fate included."""
        seen = entry.seen
        if seen is not None and seen.deleted:
            return Place.GONE
        above = self._fate(entry.parent if seen is None else seen.parent)
        if above is not Place.HERE and above is not Place.TRASHED:
            return above
        if above is Place.TRASHED or (seen is not None and seen.explicitly_trashed):
            return Place.TRASHED
        return Place.ELSEWHERE if _astray(entry) else Place.HERE

    def _fate(self, folder: FileId | None) -> Place:
        """Say what the objects in a folder inherit from it: HERE, OUT, TRASHED or GONE."""
        if folder == self.ledger.root:
            return Place.HERE
        entry = self.by_id.get(folder) if folder is not None else None
        if entry is None:
            return Place.OUT
        if entry.id not in self.fates:
            self.fates[entry.id] = Place.HERE  # ends a loop; lagging views can show one
            place = self._place(entry)
            if place is Place.ELSEWHERE or (place is Place.TRASHED and self._comes_back(entry)):
                place = Place.HERE
            self.fates[entry.id] = place
        return self.fates[entry.id]

    def _comes_back(self, folder: LedgerEntry) -> bool:
        """Tell whether this plan takes a folder out of the trash, and with it what is in it."""
        again = folder.revived > 0
        back = decide(folder.standing, Local.SAME, Place.TRASHED, edited=False, again=again)
        return folder.id in self.present and Action.UNTRASH in back.actions

    def _know_folder(self, item: _Meeting, decision: Decision) -> None:
        """Record under which id the objects in a folder will find it."""
        if decision.remark is Remark.DECLINED:
            self.declined.add(item.path)
        if item.here is not None:
            forgotten = Action.FORGET in decision.actions
            self.folder_ids[item.path] = None if forgotten else item.entry.id

    def _note(self, entry: LedgerEntry, path: RelPath, decision: Decision) -> None:
        # Folders are never trashed, so what stays of them needs no word.
        if decision.remark is not Remark.NONE and entry.kind is Kind.FILE:
            self.notes.append(Note(path, decision.remark, entry.id))

    def _carry_out(self, item: _Meeting, place: Place, decision: Decision, *, edited: bool) -> None:
        entry, path, here = item.entry, item.path, item.here
        actions = decision.actions
        step = Operation(Verb.SETTLE, path, entry.kind, entry, here)
        if Action.CREATE in actions:
            heir = self._heir(entry)
            if heir is None:
                self._anew(step, place)
            else:
                if decision.remark is not Remark.NONE:
                    self.notes.pop()  # it said that there is a new copy
                self.steps.append(replace(step, forget=True))
                self._decide(replace(item, entry=heir, agreed=False))
            return
        if Action.FORGET in actions:
            self._let_go(step, entry, place)
            return
        if Action.TRASH in actions:
            keep = self.keep_deleted or entry.kind is Kind.FOLDER
            self.steps.append(
                replace(step, standing=Standing.ARCHIVED)
                if keep
                else replace(step, verb=Verb.TRASH)
            )
            if keep and entry.kind is Kind.FILE:
                self.notes.append(Note(path, Remark.ARCHIVED, entry.id))
            return
        for action, standing in (
            (Action.ARCHIVE, Standing.ARCHIVED),
            (Action.DECLINE, Standing.DECLINED),
        ):
            if action in actions:
                self.steps.append(replace(step, standing=standing))
                return
        left_alone = entry.standing is Standing.DECLINED and not actions
        if here is None or here.problem is not None or left_alone:
            return
        self._keep_up(step, here, actions, edited=edited, agreed=item.agreed)

    def _let_go(self, step: Operation, entry: LedgerEntry, place: Place) -> None:
        """Forget an object, unless a folder can bring it back."""
        if not _dragged(entry, place):
            self.steps.append(replace(step, forget=True))
        elif entry.standing is not Standing.UNCLAIMED:
            self.steps.append(replace(step, standing=Standing.ARCHIVED))

    def _heir(self, gone: LedgerEntry) -> LedgerEntry | None:
        """Find a further file of ours at the path of one that left: a third one would be a twin."""
        for twin in self.ledger.twins:
            same = twin.kind is gone.kind is Kind.FILE and twin.path == gone.path
            if same and self._place(twin) is Place.HERE and twin.id not in self.heirs:
                self.heirs.add(twin.id)
                return replace(twin, standing=Standing.UNCLAIMED)
        return None

    def _anew(self, step: Operation, place: Place) -> None:
        """Forget the object and make a new one at its path."""
        assert step.entry is not None  # noqa: S101 - for the type checker
        again = step.entry.revived + 1 if place is Place.GONE else step.entry.revived
        folder = step.kind is Kind.FOLDER
        fresh = replace(
            step,
            verb=Verb.CREATE_FOLDER if folder else Verb.CREATE,
            revived=again,
        )
        self.steps.append(replace(step, forget=True))
        self.steps.append(fresh)
        if place is Place.OUT:
            self.fresh.append(fresh)

    def _keep_up(
        self,
        step: Operation,
        here: LocalEntry,
        actions: tuple[Action, ...],
        *,
        edited: bool,
        agreed: bool,
    ) -> None:
        """Bring name, folder, trash, content and times of a living object up to date."""
        entry = step.entry
        assert entry is not None  # noqa: S101 - for the type checker
        replaced = Action.REPLACE in actions
        # What Drive holds under a claim that replaces it is somebody's until ours has arrived: were
        # it claimed before, a pass that is cut off would leave it for a content of our own.
        if Action.CLAIM in actions and not replaced:
            self.steps.append(replace(step, standing=Standing.MIRRORED, refresh=True))
        if Action.UNTRASH in actions:
            self.steps.append(
                replace(step, verb=Verb.PATCH, untrash=True, revived=entry.revived + 1)
            )
        misplaced = (
            Action.PUT_BACK in actions
            or (Action.UNTRASH in actions and _astray(entry))
            or self.folder_ids.get(parent_of(step.path)) != entry.parent
            or to_drive(name_of(step.path)) != entry.name
        )
        file = step.kind is Kind.FILE
        touched = file and not replaced and not edited and _times_differ(entry, here)
        if misplaced or touched:
            patch = replace(step, verb=Verb.PATCH, place=misplaced, touch=touched)
            self.steps.append(replace(patch, refresh=file and not replaced))
        if Action.PIN in actions:
            self.steps.append(replace(step, verb=Verb.PIN))
        if replaced:
            self.steps.append(replace(step, verb=Verb.REPLACE))
            return
        self.unchanged += file and not (actions or misplaced or touched or edited)
        told = Action.CLAIM in actions or (file and (misplaced or touched))
        if not told and (agreed or _stat_differs(entry, here)):
            self.steps.append(replace(step, refresh=True))


@dataclass(frozen=True, slots=True)
class _Meeting:
    """An object of ours, the path that it has now, and what the disk has there."""

    entry: LedgerEntry
    path: RelPath
    here: LocalEntry | None
    agreed: bool = False
    """Drive's content is no longer ours, but that of the file here."""


_CLAIMS: Final = tuple(Standing)
"""Where two objects of ours could be the same local one, the mirrored one is."""


@dataclass
class _Meetings:
    """Finds the local object of each object of ours; none is found twice.

    Two of ours can only come to one path where one of them moved, so only such paths are kept in
    mind: there may be 100,000 others.
    """

    known: Mapping[RelPath, LedgerEntry]
    path_of: Callable[[RelPath], RelPath]
    local: LocalTree
    kind: Kind

    def __post_init__(self) -> None:
        moved = {old: now for old in self.known if (now := self.path_of(old)) != old}
        self.moved: frozenset[RelPath] = frozenset(moved)
        self.contested: frozenset[RelPath] = frozenset(moved.values())
        self.met: set[RelPath] = set()
        """Of the contested paths those that were found."""

    def all(self) -> Iterator[_Meeting]:
        """Yield each object of ours with what the disk has of it."""
        entries = sorted(self.known.values(), key=attrgetter("path"))
        entries.sort(key=lambda entry: _CLAIMS.index(entry.standing))
        for entry in entries:
            path = self.path_of(entry.path)
            here = self.local.entries.get(path)
            if here is None or here.kind is not self.kind:
                here = None
            elif path in self.met:
                path, here = entry.path, None
            elif path in self.contested:
                self.met.add(path)
            agreed = here is not None and _agreed(entry, here)
            yield _Meeting(_adopted(entry) if agreed else entry, path, here, agreed)

    def found(self, path: RelPath) -> bool:
        """Tell, after all of them, whether what the disk has at a path is one of ours."""
        if path in self.contested:
            return path in self.met
        return path in self.known and path not in self.moved


def _agreed(entry: LedgerEntry, here: LocalEntry) -> bool:
    """Tell whether the file here has come to the very content that somebody made on Drive."""
    seen = entry.seen
    return here.md5 is not None and seen is not None and entry.md5 != seen.md5 == here.md5


def _adopted(entry: LedgerEntry) -> LedgerEntry:
    """Take the content that Drive shows for our own."""
    seen = entry.seen
    assert seen is not None  # noqa: S101 - for the type checker
    else_same = not seen.trashed and not _astray(entry)
    return replace(
        entry,
        md5=seen.md5,
        mtime_ms=seen.mtime_ms,
        revision=seen.revision,
        seen=None if else_same else seen,
    )


def _astray(entry: LedgerEntry) -> bool:
    """Tell whether Drive shows an object under another name or in another folder than we gave."""
    seen = entry.seen
    return seen is not None and (seen.parent, seen.name) != (entry.parent, entry.name)


def _dragged(entry: LedgerEntry, place: Place) -> bool:
    """Tell whether only a folder took an object into the trash.

    It comes back with that folder, so it has to be known by then: else it would get a twin.
    """
    alone = entry.seen is not None and entry.seen.explicitly_trashed
    return place is Place.TRASHED and not alone


def _decline(standing: Standing) -> Decision:
    """Decide on what lies in a folder that somebody removed on Drive twice.

    The folder's removal holds for all that is in it here, wherever Drive shows it by now.
    """
    known = Standing.DECLINED if standing is Standing.DECLINED else Standing.MIRRORED
    return decide(known, Local.SAME, Place.TRASHED, edited=False, again=True)


def _times_differ(entry: LedgerEntry, here: LocalEntry) -> bool:
    """Compare what Drive keeps of a file beside its content.

    Of the mode only the owner's execute bit counts: Kubernetes' ``fsGroup`` changes group bits.
    """
    return modified_ms(here.stat) != entry.mtime_ms or bool((here.mode ^ entry.mode) & 0o100)


def _stat_differs(entry: LedgerEntry, here: LocalEntry) -> bool:
    """Compare what the ledger keeps of a file to know it again; of a folder only the inode."""
    if entry.kind is Kind.FOLDER:
        return entry.stat.inode != here.stat.inode
    return entry.stat != here.stat or (here.md5 is not None and entry.racy != here.racy)


def _line_up(steps: list[Operation]) -> None:
    """Sort by path, kind and id; one after the other, so that no key is kept per step."""
    steps.sort(key=lambda step: step.entry.id if step.entry is not None else "")
    steps.sort(key=attrgetter("kind"))
    steps.sort(key=attrgetter("path"))


def _ordered(planner: _Planner, held: tuple[Operation, ...], only: tuple[RelPath, ...]) -> Plan:
    def wanted(step: Operation) -> bool:
        if not only or any(is_below(step.path, path) for path in only):
            return True
        return step.kind is Kind.FOLDER and any(is_below(path, step.path) for path in only)

    by_verb: dict[Verb, list[Operation]] = defaultdict(list)
    for step in planner.steps:
        if wanted(step):
            by_verb[step.verb].append(step)
    for steps in by_verb.values():
        _line_up(steps)

    levels: dict[int, list[Operation]] = defaultdict(list)
    for step in by_verb[Verb.CREATE_FOLDER]:
        levels[depth_of(step.path)].append(step)
    patches = [step for step in by_verb[Verb.PATCH] if not step.untrash]
    return Plan(
        settle=tuple(by_verb[Verb.SETTLE]),
        untrash=tuple(step for step in by_verb[Verb.PATCH] if step.untrash),
        folders=tuple(tuple(levels[depth]) for depth in sorted(levels)),
        patches=_rounds(patches),
        pins=tuple(by_verb[Verb.PIN]),
        contents=tuple(
            sorted([*by_verb[Verb.CREATE], *by_verb[Verb.REPLACE]], key=attrgetter("path"))
        ),
        trashes=tuple(by_verb[Verb.TRASH]),
        notes=tuple(
            sorted(planner.notes, key=lambda note: (note.path, note.remark.value, note.id))
        ),
        unknown=tuple(sorted(planner.unknown, key=lambda entry: entry.path)),
        moved_out=held,
        unchanged=planner.unchanged,
        folder_ids={path: found for path, found in planner.folder_ids.items() if found},
    )


def _rounds(patches: list[Operation]) -> tuple[tuple[Operation, ...], ...]:
    """Split moves of folders so that none can be put into itself, in whatever order.

    A batch promises no order (Drive guide, "Batch requests"). So a folder waits until all folders
    above its new place have come to theirs: from then on nothing of what is above is below it.
    """
    moving = {step.path for step in patches if step.kind is Kind.FOLDER and step.place}
    rounds: dict[int, list[Operation]] = defaultdict(list)
    for step in patches:
        waits = step.path in moving and step.kind is Kind.FOLDER
        turn = sum(up in moving for up in ancestors(step.path)) if waits else 0
        rounds[turn].append(step)
    return tuple(tuple(rounds[turn]) for turn in sorted(rounds))
