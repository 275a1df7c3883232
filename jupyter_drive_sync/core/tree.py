"""The three trees: what is on disk, what we remember (the ledger), what Drive shows.

All types are frozen and cheap: a pass may hold 500,000 of each.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, NamedTuple, NewType

RelPath = NewType("RelPath", str)
"""A path below the home, ``/`` between its parts, no leading or trailing ``/``; ``""`` is the home.

It is what :func:`os.fsdecode` gives, so bytes that are no UTF-8 live in it as lone surrogates
(PEP 383) and :func:`to_bytes` gives the very bytes back. Never send it anywhere: Drive gets
:func:`jupyter_drive_sync.core.names.to_drive`, people get :func:`printable`.
"""

FileId = NewType("FileId", str)
"""A Drive file id."""

ROOT = RelPath("")


def from_bytes(raw: bytes) -> RelPath:
    """Turn the bytes of a path into a :data:`RelPath`."""
    return RelPath(raw.decode("utf-8", "surrogateescape"))


def to_bytes(path: RelPath) -> bytes:
    """Give the exact bytes of a path back."""
    return path.encode("utf-8", "surrogateescape")


def printable(path: RelPath) -> str:
    """Make a path safe for a terminal, a log or JSON: no surrogates, no control characters."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def join(parent: RelPath, name: str) -> RelPath:
    """Append one name to a path."""
    return RelPath(f"{parent}/{name}" if parent else name)


def parent_of(path: RelPath) -> RelPath:
    """Return the folder that holds a path; the home is its own parent."""
    return RelPath(path.rpartition("/")[0])


def name_of(path: RelPath) -> str:
    """Return the last part of a path."""
    return path.rpartition("/")[2]


def top_of(path: RelPath) -> RelPath:
    """Return the top-level part of a path."""
    return RelPath(path.partition("/")[0])


def ancestors(path: RelPath) -> Iterator[RelPath]:
    """Yield the folders above a path, nearest first, without the home itself."""
    while path := parent_of(path):
        yield path


def is_below(path: RelPath, folder: RelPath) -> bool:
    """Tell whether a path is a folder's descendant (or the folder itself)."""
    return not folder or path == folder or path.startswith(folder + "/")


def depth_of(path: RelPath) -> int:
    """Count the parts of a path."""
    return path.count("/") + 1 if path else 0


class Kind(enum.StrEnum):
    """What a tree holds; everything else is left out at the scan."""

    FILE = "file"
    FOLDER = "folder"


class Stat(NamedTuple):
    """What tells an unchanged file: equal in all three and not racily clean.

    ``st_dev`` and ``ctime`` are not in it: both change at a remount or an ``fsGroup`` change.
    """

    size: int
    """Bytes; 0 for folders."""
    mtime_ns: int
    """Nanoseconds since the epoch."""
    inode: int

    @classmethod
    def given(cls, size: int, mtime_ns: int, inode: int) -> Stat:
        """Take what a file system gave, as numbers that the ledger can keep.

        Times are cut to 64 bits with their sign (from 1677 to 2262, in nanoseconds), while some
        file systems hold any year; inodes have 64 bits without a sign and many network disks use
        them all, so the upper half counts from below.
        """
        if not -_HALF <= mtime_ns < _HALF:
            mtime_ns = max(-_HALF, min(mtime_ns, _HALF - 1))
        return cls(size, mtime_ns, inode if inode < _HALF else inode - 2 * _HALF)


_HALF: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class LocalEntry:
    """A file or folder as the scan saw it."""

    path: RelPath
    kind: Kind
    stat: Stat
    mode: int = 0o644
    """Permission bits, for restore."""
    links: int = 1
    """Hard links; with several, the inode says nothing about identity."""
    md5: bytes | None = None
    """16 bytes when this pass has read the content, else None."""
    racy: bool = False
    """That reading happened so soon after the mtime that it must be repeated at the next pass."""
    problem: str | None = None
    """Why it could not be read, in words; such an entry is neither same nor changed."""


class Standing(enum.StrEnum):
    """What we remember of an object of ours on Drive."""

    MIRRORED = "mirrored"
    ARCHIVED = "archived"
    """On Drive, gone from disk, kept on purpose."""
    UNCLAIMED = "unclaimed"
    """Ours on Drive, found when the ledger was rebuilt, without a local file so far."""
    DECLINED = "declined"
    """On disk, trashed or deleted on Drive for the second time: respected, listed, left alone."""


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One Drive object as Drive showed it (a ``files`` resource, or a change without a file)."""

    id: FileId
    name: str = ""
    parent: FileId | None = None
    """None where the client may not see the parent, or for a deleted object."""
    kind: Kind = Kind.FILE
    md5: bytes | None = None
    """16 bytes; None for folders, Google-native documents and shortcuts."""
    size: int = 0
    mtime_ms: int = 0
    """``modifiedTime``, milliseconds since the epoch."""
    version: int = 0
    """Grows with every change of the object; orders late and repeated feed entries."""
    revision: str = ""
    """``headRevisionId``."""
    trashed: bool = False
    explicitly_trashed: bool = False
    deleted: bool = False
    """The feed said ``removed``: deleted for good, or no longer visible to us."""
    home: str = ""
    """Home id in ``appProperties``; empty for objects that are not ours."""
    nonce: str = ""
    """Nonce of our last write in ``appProperties`` (``w``); a person's edit leaves it."""
    sent: str = ""
    """Checksum (hex) in ``appProperties`` of the content that our last write carried, where the
    content is another one by now: somebody edited it since."""
    ours: bool = False
    """``appProperties`` has ``jds=1``: our client made it."""
    root: bool = False
    """``appProperties`` has ``root=1``: it was made as the folder of a mirror."""
    mime: str = ""
    link: str = ""
    """``webViewLink``."""
    mode: int | None = None
    """Permission bits in ``appProperties``; None where there are none."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What we know that Drive holds for a path: written by us, confirmed by a reply or a query."""

    path: RelPath
    kind: Kind
    standing: Standing
    id: FileId
    parent: FileId
    """Id of the folder in which we put it."""
    name: str
    """The name that we gave it on Drive."""
    stat: Stat
    """Of the local file when its content was read; all zero when unknown (adopted, unclaimed)."""
    md5: bytes | None
    """Of the content that we wrote last; None for folders."""
    nonce: str | None
    """That our last write carried; None in a tree: nothing there asks for it, and a hundred
    thousand of them weigh. A ledger that is given none keeps the one that it has."""
    version: int
    """Newest version of the object that we know of."""
    revision: str | None = ""
    """``headRevisionId`` of our last write; None as for the nonce."""
    racy: bool = False
    """Read so soon after its mtime that a later change could have left the mtime as it is."""
    revived: int = 0
    """How often we brought it back after somebody trashed or deleted it on Drive."""
    mtime_ms: int = 0
    """``modifiedTime`` that we wrote."""
    mode: int = 0o644
    """Permission bits that we wrote."""
    seen: RemoteEntry | None = None
    """What Drive showed last where it differs from what we wrote; else None."""


@dataclass(frozen=True, slots=True)
class LedgerTree:
    """All that we know of one mirror.

    A path holds at most one file and one folder of ours that matter to a plan. Further live objects
    at the same path (made by somebody else, or found at a rebuild) are ``twins``: reported, left.
    """

    files: dict[RelPath, LedgerEntry] = field(default_factory=dict)
    folders: dict[RelPath, LedgerEntry] = field(default_factory=dict)
    twins: tuple[LedgerEntry, ...] = ()
    root: FileId = FileId("")
    """Id of the folder that holds the mirror; empty before it is made."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A path that is not mirrored, and why."""

    path: RelPath
    reason: str
    """``excluded``, ``not_included``, ``too_large``, ``link``, ``special``, ``secret``, ``state``,
    ``part``, ``filesystem``, ``unreadable``."""
    rule: str = ""
    """The pattern or limit that did it, in the person's own spelling."""
    size: int = 0
    """Bytes, where the scan knows it without walking into a folder."""


@dataclass(frozen=True, slots=True)
class LocalTree:
    """The whole of a scan."""

    entries: dict[RelPath, LocalEntry] = field(default_factory=dict)
    """Files and folders that are mirrored, the home itself not among them."""
    left_out: tuple[LeftOut, ...] = ()
    unreadable: frozenset[RelPath] = frozenset()
    """Folders that could not be listed: nothing is known about what lies below."""
    newest_ns: int = 0
    """The newest time that the home's file system gave during the scan; judges racy files."""

    def supplants(self, path: RelPath) -> bool:
        """Tell whether a folder took a file's place, or a file that of a folder above it."""
        here = self.entries.get(path)
        above = (self.entries.get(up) for up in ancestors(path))
        return (here is not None and here.kind is Kind.FOLDER) or any(
            entry is not None and entry.kind is Kind.FILE for entry in above
        )


class Shadow:
    """Why a path is not among a scan's entries, when it is not simply absent."""

    def __init__(self, local: LocalTree) -> None:
        self._unreadable = local.unreadable | {
            item.path for item in local.left_out if item.reason == "unreadable"
        }
        self._left_out = {item.path for item in local.left_out} - self._unreadable

    def left_out(self, path: RelPath) -> bool:
        """Tell whether a rule hides the path or a folder above it."""
        return bool(self._left_out) and self._covers(self._left_out, path)

    def unreadable(self, path: RelPath) -> bool:
        """Tell whether nothing can be known about the path."""
        return bool(self._unreadable) and self._covers(self._unreadable, path)

    @staticmethod
    def _covers(paths: AbstractSet[RelPath], path: RelPath) -> bool:
        return path in paths or ROOT in paths or any(up in paths for up in ancestors(path))


def fs_path(root: str | os.PathLike[str], path: RelPath) -> str:
    """Return the absolute path of an entry, for messages and for opening beneath ``root``."""
    base = os.fspath(root)
    return os.path.join(base, path) if path else base  # noqa: PTH118 - lone surrogates
