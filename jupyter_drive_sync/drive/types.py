"""What goes into the calls of :class:`jupyter_drive_sync.drive.api.Drive` and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from jupyter_drive_sync.core.tree import FileId, RemoteEntry
from jupyter_drive_sync.errors import DriveSyncError

FOLDER_MIME: Final = "application/vnd.google-apps.folder"
BATCH_LIMIT: Final = 100
"""Calls in one batch. Source: Drive guide, "Improve performance"."""
IDS_LIMIT: Final = 1000
"""Ids of one ``files.generateIds``. Source: Drive reference, ``files.generateIds``."""


@dataclass(frozen=True, slots=True)
class About:
    """The account, and how full it is.

    Attributes:
        email: address of the account.
        name: what the account calls itself.
        permission_id: identifies the account for good; an address may change.
        limit: bytes that the account may hold; None is unlimited.
        usage: bytes held by all of the account's services.
        in_drive: bytes held by Drive, its trash among them.
        in_trash: bytes held by Drive's trash.
    """

    email: str
    name: str
    permission_id: str
    limit: int | None
    usage: int
    in_drive: int
    in_trash: int

    @property
    def free(self) -> int | None:
        """Bytes that are left, None where there is no limit."""
        return None if self.limit is None else max(0, self.limit - self.usage)


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One page of the change feed: exactly one of the two tokens is there."""

    entries: tuple[RemoteEntry, ...]
    next: str | None
    """Token of the next page."""
    new_start: str | None
    """On the last page: where the next reading begins."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search."""

    entries: tuple[RemoteEntry, ...]
    next: str | None
    """Token of the next page, None on the last."""


@dataclass(frozen=True, slots=True)
class Place:
    """Something on Drive that may be a folder to read from or to write to.

    Attributes:
        id: its id.
        name: its name; of a shared drive's root Google gives ``Drive``.
        mime: its type.
        trashed: whether it lies in the trash, by itself or by a folder above.
        drive_id: the shared drive that it lies in, ``""`` for My Drive.
        can_add: whether we may put things into it.
        can_trash: whether we may put what lies in it into the trash.
        link: where a browser shows it.
        resource_key: what a link to it carries, ``""`` for nothing.
        target: where a shortcut leads.
        target_key: the resource key of that.
    """

    id: FileId
    name: str
    mime: str
    trashed: bool = False
    drive_id: str = ""
    can_add: bool = False
    can_trash: bool = False
    link: str = ""
    resource_key: str = ""
    target: FileId | None = None
    target_key: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether it can hold files."""
        return self.mime == FOLDER_MIME


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a file's content that Drive still has."""

    id: str
    mtime_ms: int
    """When it was made, milliseconds since the epoch."""
    md5: bytes | None
    size: int
    pinned: bool
    """``keepForever``."""
    author: str = ""
    """Display name of who made it."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is to be made under an id that was generated before."""

    id: FileId
    name: str
    parent: FileId
    mtime_ms: int
    """``modifiedTime``, milliseconds since the epoch."""
    app: Mapping[str, str] = field(default_factory=dict)
    """``appProperties``."""


@dataclass(frozen=True, slots=True)
class CreateFolder:
    """A folder that is to be made under an id that was generated before.

    A ``parent`` of None is My Drive itself, which ``drive.file`` can write to but not read.
    """

    id: FileId
    name: str
    parent: FileId | None
    app: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of an object's metadata; what is None stays as it is."""

    id: FileId
    name: str | None = None
    add_parent: FileId | None = None
    remove_parent: FileId | None = None
    mtime_ms: int | None = None
    app: Mapping[str, str] | None = None
    """``appProperties`` to set; the others stay."""
    trashed: bool | None = None


@dataclass(frozen=True, slots=True)
class Get:
    """Read one object."""

    id: FileId


@dataclass(frozen=True, slots=True)
class ListRevisions:
    """Read the revisions of a file."""

    id: FileId


@dataclass(frozen=True, slots=True)
class PinRevision:
    """Keep a revision for good. Cannot be taken back, and at most 200 a file."""

    id: FileId
    revision: str


BatchCall = CreateFolder | Patch | Get | ListRevisions | PinRevision
"""What may travel in a batch: no media, hence no file contents."""

BatchResult = RemoteEntry | Revision | tuple[Revision, ...] | DriveSyncError
"""An entry for ``CreateFolder``, ``Patch`` and ``Get``, a tuple for ``ListRevisions``, a revision
for ``PinRevision``; an error as a value for a part that failed."""


@dataclass(slots=True)
class Traffic:
    """What was sent, counted."""

    requests: int = 0
    """HTTP requests to the Drive API; a batch is one."""
    inner: int = 0
    """Calls within batches."""
    tokens: int = 0
    """Requests for access tokens."""
    units: int = 0
    sent: int = 0
    """Bytes of bodies."""
    received: int = 0
    """Bytes of bodies, decompressed."""
    retries: int = 0
    waited: float = 0.0
    """Seconds spent waiting for a turn or before a retry, all threads together."""
