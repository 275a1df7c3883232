"""What an import has to bring: pure, and laid before :class:`.restore_plan.Planner`.

| known | here | on Drive | then |
|---|---|---|---|
| no | nothing | there | bring |
| no | a file of equal content | there | know it |
| no | something else | there | bring beside |
| yes | as it came | as it was | nothing |
| yes | as it came | newer | replace |
| yes | edited | as it was | nothing: it is a person's work now |
| yes | edited | newer | bring beside, once |
| yes | nothing | there | bring |
| yes | there | gone, or elsewhere | leave, report |
| yes | there | gone, another file in its place | as if it were that one |
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from jupyter_drive_sync.core.restore_plan import Content, Here, Step, Thing, Wanted, Way
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    RelPath,
    RemoteEntry,
    Standing,
    Stat,
    name_of,
)

_UNKNOWN = Stat(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Gone:
    """A file that an import brought, and that is no longer at its place on Drive."""

    path: RelPath
    moved: bool
    """It is elsewhere in the same folder by now."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """An import, before places are found."""

    coming: tuple[Wanted, ...]
    """What has to be brought, or looked at."""
    unchanged: int
    edited: tuple[RelPath, ...]
    """Edited here, and nothing newer on Drive that was not brought beside already."""
    gone: tuple[Gone, ...]
    known: Mapping[RelPath, LedgerEntry]
    """What lies here as it came, or was edited since: by path, with the id that Drive has now."""
    touched: tuple[LedgerEntry, ...]
    """As they came, under another time or inode: worth to be remembered."""
    forgotten: tuple[FileId, ...]
    """Objects that are no longer of interest."""


def sort(
    files: Iterable[tuple[Wanted, RelPath]],
    known: Mapping[FileId, LedgerEntry],
    look: Callable[[RelPath], Here | None],
    read: Callable[[RelPath], Content | None],
) -> Sorted:
    """Tell what is as it was from what has to be brought.

    Args:
        files: what Drive has, with the place of each here.
        known: what earlier imports brought, by id.
        look: what lies at a path.
        read: the content of a file here; None where it cannot be read.
    """
    files = tuple(files)
    by_path, gone, forgotten = _compare(files, known, look)
    coming: list[Wanted] = []
    edited: list[RelPath] = []
    touched: list[LedgerEntry] = []
    unchanged = 0
    for wanted, place in files:
        known_as = known.get(wanted.id)
        verdict, content = _judge(wanted, place, known_as, look, read)
        if verdict is _Verdict.COMING or known_as is None:
            coming.append(wanted)
        elif verdict is _Verdict.EDITED:
            edited.append(place)
        else:
            unchanged += 1
            if content is not None:
                touched.append(replace(known_as, stat=content.stat, racy=content.racy))
    return Sorted(
        tuple(coming),
        unchanged,
        tuple(edited),
        tuple(gone),
        by_path,
        tuple(touched),
        tuple(forgotten),
    )


def _compare(
    files: Iterable[tuple[Wanted, RelPath]],
    known: Mapping[FileId, LedgerEntry],
    look: Callable[[RelPath], Here | None],
) -> tuple[dict[RelPath, LedgerEntry], list[Gone], list[FileId]]:
    """Tell what is still in its place on Drive, what is not, and what is no longer of interest."""
    places = {wanted.id: place for wanted, place in files}
    taken = {place: wanted.id for wanted, place in files}
    by_path: dict[RelPath, LedgerEntry] = {}
    gone: list[Gone] = []
    forgotten: list[FileId] = []
    for entry in known.values():
        place = places.get(entry.id)
        base = entry.md5 is not None
        if place == entry.path:
            if base:
                by_path[entry.path] = entry
            continue
        other = taken.get(entry.path)
        if base and other is not None and other not in known:
            # Put there anew, by whoever removed the file before: it is a newer version of it.
            by_path[entry.path] = replace(entry, id=other)
        if other is None and look(entry.path) is not None:
            gone.append(Gone(entry.path, moved=place is not None))
        elif place is None:
            forgotten.append(entry.id)
    return by_path, gone, forgotten


class _Verdict(enum.Enum):
    COMING = enum.auto()
    EDITED = enum.auto()
    UNCHANGED = enum.auto()


def _judge(
    wanted: Wanted,
    place: RelPath,
    entry: LedgerEntry | None,
    look: Callable[[RelPath], Here | None],
    read: Callable[[RelPath], Content | None],
) -> tuple[_Verdict, Content | None]:
    """Judge one file; with its content where that had to be read, and is as it came."""
    if entry is None or entry.path != place:
        return _Verdict.COMING, None
    beside = entry.seen is not None and entry.seen.md5 == wanted.md5
    here = look(place)
    if here is None or not (beside or wanted.md5 == entry.md5):
        return _Verdict.COMING, None
    if wanted.md5 != entry.md5 or here.thing is not Thing.FILE:
        return _Verdict.EDITED, None
    if here.stat == entry.stat and not entry.racy:
        return _Verdict.UNCHANGED, None
    content = read(place) if here.stat.size == wanted.size else None
    if content is None or content.md5 != wanted.md5:
        return _Verdict.EDITED, None
    return _Verdict.UNCHANGED, content


def record(
    remote: RemoteEntry,
    step: Step,
    place: RelPath,
    before: LedgerEntry | None,
    here: Here | None,
    *,
    racy: bool,
) -> LedgerEntry:
    """Write down what an import has brought.

    Args:
        remote: the object, as it was listed.
        step: how it came; its ``wanted`` is the version that came.
        place: where the file belongs.
        before: what was known of the place.
        here: what lies where it came to.
        racy: whether a later change may leave ``here`` as it is.
    """
    wanted = step.wanted
    shown = replace(remote, md5=wanted.md5, size=wanted.size, mtime_ms=wanted.mtime_ms)
    entry = LedgerEntry(
        path=place,
        kind=Kind.FILE,
        standing=Standing.MIRRORED,
        id=remote.id,
        parent=remote.parent or FileId(""),
        name=name_of(place),
        stat=_UNKNOWN,
        md5=None,
        nonce="",
        version=remote.version,
        revision=remote.revision,
        mtime_ms=wanted.mtime_ms,
        mode=wanted.mode,
    )
    if step.path == place and step.way is not Way.SKIP:
        stat = here.stat if here is not None else _UNKNOWN
        return replace(entry, stat=stat, md5=wanted.md5, racy=racy)
    if before is None:
        return replace(entry, seen=shown)
    return replace(
        entry, stat=before.stat, md5=before.md5, racy=before.racy, mode=before.mode, seen=shown
    )
