"""What is brought back, and where it is put: pure, like :mod:`~jupyter_drive_sync.core.plan`.

Three trees again, read the other way: what Drive holds, what lies here, and what we know. The rule
that decides every case: **nothing of the person's is moved or overwritten.** What is in the way
keeps its name, and what comes back gets a clear name beside it. The one exception is a file whose
content is known to be on Drive, and that somebody has edited there since: it is replaced in place.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from jupyter_drive_sync.core.names import labelled
from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.tree import (
    ROOT,
    FileId,
    Kind,
    LedgerEntry,
    RelPath,
    RemoteEntry,
    Standing,
    Stat,
    ancestors,
    depth_of,
    join,
    name_of,
    parent_of,
)

DEFAULT_MODE: Final = 0o644
"""Of a file whose mode nobody wrote down: somebody made it on Drive."""
_GOOGLE: Final = "application/vnd.google-apps."
_SHORTCUT: Final = "application/vnd.google-apps.shortcut"
_NOTHING: Final = Stat(0, 0, 0)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Thing(enum.Enum):
    """What can lie at a path."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    SPECIAL = "special"
    UNKNOWN = "unknown"
    """It could not be looked at."""


@dataclass(frozen=True, slots=True)
class Here:
    """What lies at a path now."""

    thing: Thing
    stat: Stat = _NOTHING


@dataclass(frozen=True, slots=True)
class Content:
    """What a file here holds."""

    md5: bytes
    stat: Stat
    racy: bool
    """A later change may leave ``stat`` as it is."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file of Drive, in the version that is to come back."""

    path: RelPath
    id: FileId
    md5: bytes
    size: int
    mtime_ms: int
    mode: int = DEFAULT_MODE
    revision: str = ""
    """Of an older version; ``""`` is the head."""
    trashed: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that does not come back, and why."""

    path: RelPath
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What of Drive is brought back."""

    files: tuple[Wanted, ...] = ()
    folders: tuple[RelPath, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    missing: tuple[RelPath, ...] = ()
    """Paths that were asked for and that Drive does not have, not even in its trash."""


class Way(enum.StrEnum):
    """What is done with one file."""

    BRING = "bring"
    BESIDE = "beside"
    """Something is in the way: it comes back under a name that says where it is from."""
    REPLACE = "replace"
    """In place of a file whose content is on Drive."""
    HERE = "here"
    """It is here already."""
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Step:
    """One file's way."""

    way: Way
    path: RelPath
    """Where it will lie; for ``HERE`` where it lies."""
    wanted: Wanted
    expected: Stat | None = None
    """``REPLACE``: of the file that is replaced."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What is to be done."""

    folders: tuple[RelPath, ...]
    """To make, those above first."""
    steps: tuple[Step, ...]

    @property
    def bytes(self) -> int:
        """Bytes that come from Drive."""
        return sum(step.wanted.size for step in self.steps if step.way in COMING)


COMING: Final = frozenset({Way.BRING, Way.BESIDE, Way.REPLACE})


# -- what of Drive ---------------------------------------------------------------------------------


def choose(
    entries: Mapping[FileId, RemoteEntry],
    paths: Mapping[FileId, RelPath],
    asked: Sequence[RelPath] = (),
    *,
    trashed: bool = False,
    gone_since: AbstractSet[FileId] = frozenset(),
    known: Collection[FileId] = (),
) -> Choice:
    """Choose what is brought back.

    What lies in Drive's trash comes only where nothing else is to be had: at a path that has
    nothing but that, with ``trashed`` at every path without a living file, and of ``gone_since``.

    Args:
        entries: the mirror's objects, trashed ones too.
        paths: where they lie, or lay.
        asked: files and folders; none means everything.
        trashed: bring back from the trash too.
        gone_since: objects that were put into the trash after the time that is asked for.
        known: objects of which we know that they are the mirror of a path: of twins, they win.
    """
    tops = tuple(dict.fromkeys(asked)) or (ROOT,)
    found = _grouped(paths, tops)
    files: dict[FileId, RemoteEntry] = {}
    folders: set[RelPath] = set()
    missing = []
    for top in tops:
        below = [entries[file_id] for file_id in found[top]]
        living = [entry for entry in below if not entry.trashed]
        trash = [entry for entry in below if entry.trashed]
        back = [entry for entry in trash if trashed or entry.id in gone_since]
        if not back and all(entry.kind is Kind.FOLDER for entry in living):
            back = trash
        taken = _without_rivals(living, back, paths)
        if not taken and top:
            missing.append(top)
        for entry in taken:
            if entry.kind is Kind.FOLDER:
                folders.add(paths[entry.id])
            else:
                files[entry.id] = entry
    skipped = []
    wanted = []
    for entry in sorted(files.values(), key=lambda e: _rank(e, paths[e.id], known)):
        path = paths[entry.id]
        if entry.md5 is None:
            skipped.append(Skipped(path, _no_content(entry.mime)))
        else:
            wanted.append(_wanted(entry, path, entry.md5))
        folders.update(ancestors(path))
    return Choice(
        tuple(_newest_of_trash(wanted)), tuple(sorted(folders)), tuple(skipped), tuple(missing)
    )


def _grouped(
    paths: Mapping[FileId, RelPath], tops: Sequence[RelPath]
) -> dict[RelPath, list[FileId]]:
    """Sort objects under the paths that ask for them."""
    found: dict[RelPath, list[FileId]] = defaultdict(list)
    wanted = set(tops)
    for file_id, path in paths.items():
        for top in (path, *ancestors(path), ROOT) if path else (ROOT,):
            if top in wanted:
                found[top].append(file_id)
    return found


def _without_rivals(
    living: list[RemoteEntry], back: list[RemoteEntry], paths: Mapping[FileId, RelPath]
) -> list[RemoteEntry]:
    """Put to the living what comes out of the trash at paths where nothing lives."""
    occupied = {paths[entry.id] for entry in living}
    return living + [entry for entry in back if paths[entry.id] not in occupied]


def _rank(entry: RemoteEntry, path: RelPath, known: Collection[FileId]) -> tuple[object, ...]:
    return path, entry.trashed, entry.id not in known, -entry.mtime_ms, entry.id


def _newest_of_trash(files: Iterable[Wanted]) -> Iterable[Wanted]:
    """Of several files that were trashed at one path, the newest comes back."""
    seen: set[RelPath] = set()
    for file in files:
        if not file.trashed or file.path not in seen:
            yield file
        seen.add(file.path)


def _wanted(entry: RemoteEntry, path: RelPath, md5: bytes) -> Wanted:
    mode = DEFAULT_MODE if entry.mode is None else entry.mode
    return Wanted(path, entry.id, md5, entry.size, entry.mtime_ms, mode, trashed=entry.trashed)


def _no_content(mime: str) -> str:
    if mime == _SHORTCUT:
        return Said("a shortcut, which has no content of its own", "skipped.shortcut")
    if mime.startswith(_GOOGLE):
        return Said("a Google document; it can be opened on Drive", "skipped.google_document")
    return Said("Drive has no content of it", "skipped.no_content")


# -- where it is put -------------------------------------------------------------------------------


@dataclass
class Planner:
    """Finds a place for each file. Asked again for one whose place was taken meanwhile.

    Args:
        look: what lies at a path.
        read: the content of a file here; None where it cannot be read.
        known: the ledger's files by path, where the home is restored to itself.
        refuse: why nothing may be written at a path (or below it), or ``""``.
    """

    look: Callable[[RelPath], Here | None]
    read: Callable[[RelPath], Content | None]
    known: Mapping[RelPath, LedgerEntry] = field(default_factory=dict)
    refuse: Callable[[RelPath, Kind], str] = lambda _path, _kind: ""
    _folders: dict[RelPath, RelPath] = field(default_factory=lambda: {ROOT: ROOT})
    _to_make: dict[RelPath, None] = field(default_factory=dict)
    _taken: dict[RelPath, bytes] = field(default_factory=dict)
    """Paths that this plan gives to files, with what they will hold."""

    def plan(self, choice: Choice) -> RestorePlan:
        """Place everything."""
        for folder in sorted(choice.folders, key=lambda path: (depth_of(path), path)):
            if not self.refuse(folder, Kind.FOLDER):
                self._folder(folder)
        steps = [self.place(file) for file in choice.files]
        return RestorePlan(tuple(self._to_make), tuple(steps))

    def place(self, wanted: Wanted, *, beside: bool = False) -> Step:
        """Find the place of one file, as things are now.

        Args:
            wanted: the file.
            beside: never in the place of another one.
        """
        why = self.refuse(wanted.path, Kind.FILE)
        if why:
            return Step(Way.SKIP, wanted.path, wanted, reason=why)
        path = self.place_of(wanted)
        moved = path != wanted.path
        step = self._at(path, wanted)
        if step is not None and step.way is Way.REPLACE and beside:
            self.give_back(step)
            step = None
        if step is not None:
            return replace(step, way=Way.BESIDE) if moved and step.way is Way.BRING else step
        return self._beside(path, wanted)

    def place_of(self, wanted: Wanted) -> RelPath:
        """Return where a file belongs, whatever lies there: its folder may be beside another."""
        return join(self._folder(parent_of(wanted.path)), name_of(wanted.path))

    def give_back(self, step: Step) -> None:
        """Take note that a file did not come to the place that it was given."""
        self._taken.pop(step.path, None)

    def _at(self, path: RelPath, wanted: Wanted) -> Step | None:
        """Place a file at a path; None where something else is there."""
        planned = self._taken.get(path)
        if planned is not None or path in self._to_make:
            return Step(Way.HERE, path, wanted) if planned == wanted.md5 else None
        here = self.look(path)
        if here is None:
            step: Step | None = Step(Way.BRING, path, wanted)
        elif here.thing is Thing.FILE:
            step = self._at_file(path, here, wanted)
        else:
            step = None
        if step is not None:
            self._taken[path] = wanted.md5
        return step

    def _at_file(self, path: RelPath, here: Here, wanted: Wanted) -> Step | None:
        entry = self.known.get(path)
        replaceable = _replaceable(entry, here, wanted)
        if here.stat.size != wanted.size and not replaceable:
            return None
        content = self.read(path)
        if content is None:
            return None
        if content.md5 == wanted.md5:
            return Step(Way.HERE, path, wanted)
        if entry is None or not replaceable or content.racy or content.md5 != entry.md5:
            return None
        return Step(Way.REPLACE, path, wanted, expected=content.stat)

    def _beside(self, path: RelPath, wanted: Wanted) -> Step:
        number = 1
        while True:
            label = f"from Drive, {_moment(wanted.mtime_ms)}"
            label += f", {number}" if number > 1 else ""
            other = join(parent_of(path), labelled(name_of(path), label))
            step = self._at(other, wanted)
            if step is not None:
                return replace(step, way=Way.BESIDE) if step.way is Way.BRING else step
            number += 1

    def _folder(self, path: RelPath) -> RelPath:
        """Say where a folder's content goes, from the top down and without recursion."""
        for folder in (*reversed([*ancestors(path)]), *((path,) if path else ())):
            if folder not in self._folders:
                self._folders[folder] = self._open(
                    join(self._folders[parent_of(folder)], name_of(folder))
                )
        return self._folders[path]

    def _open(self, path: RelPath) -> RelPath:
        """Find the folder of this name, or one beside what has the name and is none."""
        number = 0
        target = path
        while True:
            here = None if target in self._to_make else self.look(target)
            if here is None:
                self._to_make.setdefault(target)
                return target
            if here.thing is Thing.FOLDER:
                return target
            number += 1
            label = "from Drive" if number == 1 else f"from Drive, {number}"
            target = join(parent_of(path), labelled(name_of(path), label))


def _replaceable(entry: LedgerEntry | None, here: Here, wanted: Wanted) -> bool:
    """Tell whether Drive holds what a file here seems to hold, and a newer edit as well.

    The head is what somebody made of the very content that we had sent, so the one here is an
    older version of it, and Drive keeps that.
    """
    return (
        entry is not None
        and entry.id == wanted.id
        and entry.standing is Standing.MIRRORED
        and not wanted.revision
        and not wanted.trashed
        and entry.md5 is not None
        and entry.md5 != wanted.md5
        and here.stat.size == entry.stat.size
    )


def _moment(ms: int) -> str:
    """Write a time as a part of a file's name; UTC, since names travel."""
    try:
        moment = _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return "undated"
    return moment.strftime("%Y-%m-%d %H.%M UTC")
