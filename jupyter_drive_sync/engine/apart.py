"""What is not the same here and on Drive, by the ledger alone: nobody is asked, nothing is read.

A sync says of each what it found; this is what of that still stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    RelPath,
    Standing,
    name_of,
)
from jupyter_drive_sync.engine.ledger import Ledger

ApartKind = Literal["replaced", "newer", "archived", "unclaimed", "declined"]
KINDS: Final[tuple[ApartKind, ...]] = ("replaced", "newer", "archived", "unclaimed", "declined")
_OF_STANDING: Final[dict[ApartKind, Standing]] = {
    "archived": Standing.ARCHIVED,
    "unclaimed": Standing.UNCLAIMED,
    "declined": Standing.DECLINED,
}
_FOLDERS: Final = "/drive/folders/"
"""What comes before a folder's id in the address that Drive gives it."""


@dataclass(frozen=True, slots=True)
class Apart:
    """A file that is not the same here and on Drive.

    Attributes:
        path: its place below the home.
        size: bytes on Drive; of a replaced edit, those of the edit.
        at: epoch seconds when that happened; None where nobody knows.
        revision: of a replaced edit; ``""`` for the others.
        kept: whether that version is kept for good.
        link: opens it in a browser; ``""`` where it is gone.
    """

    path: RelPath
    size: int
    at: float | None
    revision: str
    kept: bool
    link: str


@dataclass(frozen=True, slots=True)
class Child:
    """A file or folder of the mirror, as a tree shows it.

    Attributes:
        path: its place below the home.
        name: the last part of it.
        folder: whether it is one.
        size: bytes; 0 for folders.
        modified: epoch seconds when it was changed last; 0 for folders.
        here: whether it is the mirror of something here, not only on Drive.
    """

    path: RelPath
    name: str
    folder: bool
    size: int
    modified: float
    here: bool


def apart(ledger: Ledger, kind: ApartKind) -> list[Apart]:
    """List what is not the same here and on Drive, of one kind: edits the newest first."""
    base = ledger.get("root_link").partition(_FOLDERS)[0]

    def link(file_id: FileId) -> str:
        return f"{base}/file/d/{file_id}/view" if base else ""

    if kind == "replaced":
        return [
            Apart(edit.path, edit.size, edit.at, edit.revision, edit.pinned, link(edit.id))
            for edit in ledger.edits()
        ]
    if kind == "newer":
        found = [
            Apart(entry.path, seen.size, seen.mtime_ms / 1000, "", kept=False, link=link(entry.id))
            for entry in ledger.odd().values()
            if (seen := entry.seen) is not None and _is_newer(entry)
        ]
    else:
        found = [
            Apart(
                entry.path,
                entry.stat.size or (entry.seen.size if entry.seen else 0),
                entry.mtime_ms / 1000 or None,
                "",
                kept=False,
                link="" if kind == "declined" else link(entry.id),
            )
            for entry in ledger.standing(_OF_STANDING[kind])
        ]
    return sorted(found, key=lambda item: item.path)


def _is_newer(entry: LedgerEntry) -> bool:
    """Tell whether somebody has changed the content on Drive since we wrote it."""
    seen = entry.seen
    return (
        entry.kind is Kind.FILE
        and entry.standing is Standing.MIRRORED
        and seen is not None
        and not (seen.trashed or seen.deleted)
        and seen.md5 is not None
        and seen.md5 != entry.md5
    )


def children(ledger: Ledger, folder: RelPath) -> list[Child]:
    """List what the mirror holds in a folder, folders first; [] where it has no such folder."""
    if folder:
        entry = ledger.at([folder]).get((folder, Kind.FOLDER))
        where = entry.id if entry is not None else FileId("")
    else:
        where = FileId(ledger.get("root"))
    found: dict[tuple[RelPath, Kind], Child] = {}
    for entry in ledger.inside(where) if where else ():
        if entry.standing is not Standing.DECLINED:
            found.setdefault((entry.path, entry.kind), _child(entry))
    return sorted(found.values(), key=lambda child: (not child.folder, child.name.casefold()))


def _child(entry: LedgerEntry) -> Child:
    return Child(
        path=entry.path,
        name=name_of(entry.path),
        folder=entry.kind is Kind.FOLDER,
        size=entry.stat.size or (entry.seen.size if entry.seen else 0),
        modified=entry.mtime_ms / 1000,
        here=entry.standing is Standing.MIRRORED,
    )
