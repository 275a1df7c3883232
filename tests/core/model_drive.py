"""A Drive and a ledger in a few lines: what a plan does to them, without requests or a database.

Only what a planner can get wrong is modelled: names, folders, trash, contents, and the rule that a
folder can neither be put into itself nor anything be made in what does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from jupyter_drive_sync.core.names import to_drive
from jupyter_drive_sync.core.plan import Operation, Plan, Verb, modified_ms
from jupyter_drive_sync.core.rivals import arrange
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    LedgerTree,
    LocalEntry,
    RelPath,
    RemoteEntry,
    Standing,
    Stat,
    is_below,
    name_of,
    parent_of,
)

MIRROR = FileId("mirror")
OUTSIDE = FileId("outside")
"""A folder of the person that is not below the mirror."""


class Crash(Exception):
    """The writer died."""


@dataclass
class Thing:
    """An object on Drive."""

    id: FileId
    kind: Kind
    name: str
    parent: FileId
    md5: bytes | None = None
    size: int = 0
    mtime_ms: int = 0
    trashed: bool = False
    """By itself, not by a folder above it."""
    deleted: bool = False
    revision: int = 0
    pinned: set[int] = field(default_factory=set)


class ModelDrive:
    """Drive, the ledger beside it, and a person who works on Drive."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.things: dict[FileId, Thing] = {}
        self.ledger: dict[FileId, LedgerEntry] = {}
        self.lost: list[tuple[FileId, bytes | None]] = []
        """Contents that were replaced without a pin though they were not ours."""
        self._next = 0

    # -- what is there ----------------------------------------------------------------------------

    def above(self, thing: Thing) -> Iterator[Thing]:
        """Yield the folders above a thing, as far as they are ours."""
        at = self.things.get(thing.parent)
        while at is not None:
            yield at
            at = self.things.get(at.parent)

    def gone(self, thing: Thing) -> bool:
        return thing.deleted or any(up.deleted for up in self.above(thing))

    def in_trash(self, thing: Thing) -> bool:
        return thing.trashed or any(up.trashed for up in self.above(thing))

    def inside(self, thing: Thing) -> bool:
        return [thing, *self.above(thing)][-1].parent == MIRROR

    def live(self, thing: Thing) -> bool:
        return self.inside(thing) and not self.in_trash(thing) and not self.gone(thing)

    def path(self, thing: Thing) -> str:
        return "/".join([up.name for up in (thing, *self.above(thing))][::-1])

    # -- the person -------------------------------------------------------------------------------

    def move(self, thing: Thing, parent: FileId) -> bool:
        """Put a thing into a folder; refused where the folder is in the thing."""
        to = self.things.get(parent)
        if to is not None and thing in (to, *self.above(to)):
            return False
        thing.parent = parent
        return True

    def edit(self, thing: Thing, md5: bytes, size: int) -> None:
        thing.md5, thing.size = md5, size
        thing.revision += 1

    # -- what the ledger is told ------------------------------------------------------------------

    def look(self, *, lag: float = 0.0) -> None:
        """Let the ledger see Drive; what only a folder above did to a thing may not be shown."""
        for entry in list(self.ledger.values()):
            thing = self.things[entry.id]
            inherited = not thing.deleted and not thing.trashed
            if inherited and self.rng.random() < lag and self._as_shown(entry, thing):
                continue
            self._see(entry, thing)

    def _as_shown(self, entry: LedgerEntry, thing: Thing) -> bool:
        """Tell whether nothing was done to the thing itself since Drive showed it."""
        seen = entry.seen
        if seen is None:
            return self._same_place(entry, thing)
        parent = None if thing.parent == OUTSIDE else thing.parent
        same = (parent, thing.name, thing.md5) == (seen.parent, seen.name, seen.md5)
        return same and not seen.explicitly_trashed

    @staticmethod
    def _same_place(entry: LedgerEntry, thing: Thing) -> bool:
        return (thing.parent, thing.name, thing.md5) == (entry.parent, entry.name, entry.md5)

    def _see(self, entry: LedgerEntry, thing: Thing) -> None:
        shown: RemoteEntry | None = None
        if self.gone(thing):
            shown = RemoteEntry(entry.id, deleted=True)
        elif self.in_trash(thing) or not self._same_place(entry, thing):
            shown = RemoteEntry(
                id=thing.id,
                name=thing.name,
                parent=None if thing.parent == OUTSIDE else thing.parent,
                kind=thing.kind,
                md5=thing.md5,
                size=thing.size,
                mtime_ms=thing.mtime_ms,
                trashed=self.in_trash(thing),
                explicitly_trashed=thing.trashed,
                revision=str(thing.revision),
            )
        self.ledger[entry.id] = replace(entry, seen=shown)

    def unclaim(self, things: Sequence[Thing]) -> None:
        """Forget all but what a query of the whole tree tells of live things.

        A folder is written down before what it holds, so no ledger knows a thing and not the folder
        in which that was put.
        """
        inside: dict[FileId, list[Thing]] = {}
        for entry in self.ledger.values():
            inside.setdefault(entry.parent, []).append(self.things[entry.id])

        def with_all_in_it(thing: Thing) -> list[Thing]:
            below = (with_all_in_it(each) for each in inside.get(thing.id, ()))
            return [thing, *(each for part in below for each in part)]

        groups = (with_all_in_it(thing) for thing in things)
        lost = {each.id: each for group in groups if all(map(self.live, group)) for each in group}
        for file_id in lost:
            del self.ledger[file_id]
        paths = [RelPath(self._path_for_us(thing)) for thing in lost.values()]
        for thing, path in zip(lost.values(), paths, strict=True):
            self.ledger[thing.id] = LedgerEntry(
                path=path,
                kind=thing.kind,
                standing=Standing.UNCLAIMED,
                id=thing.id,
                parent=thing.parent,
                name=thing.name,
                stat=Stat(thing.size, 0, 0),
                md5=thing.md5,
                nonce="",
                version=0,
                mtime_ms=thing.mtime_ms,
            )

    def _path_for_us(self, thing: Thing) -> str:
        """Return where a thing is found: a folder that is known has the path that it has here."""
        known = self.ledger.get(thing.id)
        if known is not None:
            return known.path
        above = self.things.get(thing.parent)
        return f"{self._path_for_us(above)}/{thing.name}" if above is not None else thing.name

    def tree(self) -> LedgerTree:
        """Give the ledger as a planner wants it: one file and one folder per path."""
        entries = sorted(self.ledger.values(), key=lambda entry: entry.id)
        return arrange(entries, MIRROR)

    # -- carrying a plan out ----------------------------------------------------------------------

    def apply(
        self,
        plan: Plan,
        content: dict[RelPath, bytes],
        *,
        steps: int | None = None,
        trash: bool = True,
    ) -> None:
        """Do what a plan says; within a batch in any order.

        Args:
            plan: the plan.
            content: checksums of the files on disk.
            steps: die after so many steps.
            trash: whether the guard lets deletions pass.
        """
        self._current: dict[FileId, LedgerEntry] = {}
        self._folders = dict(plan.folder_ids) | {RelPath(""): MIRROR}
        left = steps
        for group in (
            plan.settle,
            plan.untrash,
            *plan.folders,
            *plan.patches,
            plan.pins,
            plan.contents,
            plan.trashes if trash else (),
        ):
            for step in self.rng.sample(group, len(group)):
                if left == 0:
                    raise Crash
                left = None if left is None else left - 1
                self._carry_out(step, content)

    def _carry_out(self, step: Operation, content: dict[RelPath, bytes]) -> None:
        if step.verb in (Verb.CREATE, Verb.CREATE_FOLDER):
            self._create(step, content)
            return
        assert step.entry is not None
        entry = self._current.get(step.entry.id, step.entry)
        if step.verb is Verb.SETTLE:
            self._settle(step, entry)
            return
        thing = self.things[entry.id]
        if self.gone(thing):
            del self.ledger[entry.id]  # 404: no longer ours
        elif step.verb is Verb.PATCH:
            self._patch(step, entry, thing)
        elif step.verb is Verb.PIN:
            thing.pinned.add(thing.revision)
        elif step.verb is Verb.REPLACE:
            if thing.md5 != entry.md5 and thing.revision not in thing.pinned:
                self.lost.append((thing.id, thing.md5))
            assert step.local is not None
            assert not self.in_trash(thing), step
            self.edit(thing, content[step.path], step.local.stat.size)
            self._see(self._written(replace(entry, path=step.path), step.local, content), thing)
        else:
            assert thing.kind is Kind.FILE, step
            thing.trashed = True
            del self.ledger[entry.id]

    def _create(self, step: Operation, content: dict[RelPath, bytes]) -> None:
        assert step.local is not None
        parent = self._folders[parent_of(step.path)]
        if parent != MIRROR:
            folder = self.things[parent]
            assert folder.kind is Kind.FOLDER, step
            # It may still lie in a trashed folder of the person's, out of which it is moved next.
            assert self.inside(folder), step
            assert not folder.trashed, step
            assert not self.gone(folder), step
        self._next += 1
        thing = Thing(FileId(f"id{self._next:03}"), step.kind, to_drive(name_of(step.path)), parent)
        self.things[thing.id] = thing
        entry = LedgerEntry(
            path=step.path,
            kind=step.kind,
            standing=Standing.MIRRORED,
            id=thing.id,
            parent=parent,
            name=thing.name,
            stat=step.local.stat,
            md5=None,
            nonce="",
            version=0,
            revived=step.revived,
        )
        if step.kind is Kind.FILE:
            self.edit(thing, content[step.path], step.local.stat.size)
            entry = self._written(entry, step.local, content)
        else:
            self._folders[step.path] = thing.id
        self.ledger[thing.id] = entry

    @staticmethod
    def _written(
        entry: LedgerEntry, here: LocalEntry, content: dict[RelPath, bytes]
    ) -> LedgerEntry:
        return replace(
            entry,
            standing=Standing.MIRRORED,
            stat=here.stat,
            md5=content[here.path],
            mtime_ms=modified_ms(here.stat),
            mode=here.mode,
            racy=here.racy,
        )

    def _settle(self, step: Operation, entry: LedgerEntry) -> None:
        if step.forget:
            del self.ledger[entry.id]
            return
        entry = self._refreshed(step, entry)
        entry = replace(entry, standing=step.standing or entry.standing)
        self.ledger[entry.id] = self._current[entry.id] = entry

    @staticmethod
    def _refreshed(step: Operation, entry: LedgerEntry) -> LedgerEntry:
        if not step.refresh:
            return entry
        assert step.local is not None
        racy = step.local.racy if step.local.md5 is not None else entry.racy
        return replace(entry, stat=step.local.stat, racy=racy)

    def _patch(self, step: Operation, entry: LedgerEntry, thing: Thing) -> None:
        old = self.ledger[entry.id].path
        entry = replace(entry, path=step.path)
        if step.untrash:
            thing.trashed = False
            entry = replace(entry, revived=step.revived)
        if step.place:
            parent, name = self._folders[parent_of(step.path)], to_drive(name_of(step.path))
            assert self.move(thing, parent), ("into itself", step)
            thing.name = name
            entry = replace(entry, parent=parent, name=name)
        if step.touch:
            assert step.local is not None
            thing.mtime_ms = modified_ms(step.local.stat)
            entry = replace(entry, mtime_ms=thing.mtime_ms, mode=step.local.mode)
        self._see(self._refreshed(step, entry), thing)
        self._current[entry.id] = self.ledger[entry.id]
        if step.kind is Kind.FOLDER and old != step.path:
            self._rebase(old, step.path, entry.id)

    def _rebase(self, old: RelPath, new: RelPath, folder: FileId) -> None:
        """Move the paths below a folder; what lies in another one at its place stays in it."""
        entries = sorted(self.ledger.values(), key=lambda entry: entry.path)
        others = (e for e in entries if e.path == old and e.kind is Kind.FOLDER)
        stays = {entry.id for entry in others} - {folder}
        for entry in entries:
            if entry.parent in stays:
                stays.add(entry.id)
            elif entry.id != folder and entry.path != old and is_below(entry.path, old):
                path = RelPath(new + entry.path[len(old) :])
                self.ledger[entry.id] = replace(entry, path=path)


def tracked(ledger: Iterable[LedgerEntry], kind: Kind) -> dict[RelPath, list[LedgerEntry]]:
    """Group entries by their path."""
    found: dict[RelPath, list[LedgerEntry]] = {}
    for entry in ledger:
        if entry.kind is kind:
            found.setdefault(entry.path, []).append(entry)
    return found
