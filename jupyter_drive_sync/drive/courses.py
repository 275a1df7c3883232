"""A course that the hub fetched once and hands on, as an import sees Drive.

Only what an import asks for is here: the folder, what lies in it, and contents. Google is not
asked, and no permission of anybody is needed; what comes is compared with Drive's checksum, which
the hub hands on too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Protocol

from jupyter_drive_sync.core.course import PIECE, HandedFile
from jupyter_drive_sync.core.names import to_drive
from jupyter_drive_sync.core.tree import (
    ROOT,
    FileId,
    Kind,
    RelPath,
    RemoteEntry,
    ancestors,
    name_of,
    parent_of,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.transport import Transport
from jupyter_drive_sync.drive.types import FOLDER_MIME, About, Page, Place
from jupyter_drive_sync.errors import Missing


class Handing(Protocol):
    """Whoever has the course."""

    def files(self) -> Sequence[HandedFile]:
        """List what it holds.

        Raises:
            DriveSyncError: there is no such course, or nobody answers.
        """
        ...

    def piece(self, md5: bytes, offset: int, length: int) -> bytes:
        """Return a piece of a content.

        Raises:
            Missing: it is no longer there.
            DriveSyncError: nobody answers.
        """
        ...


class CourseDrive(Drive):
    """A course, with those calls of a Drive that an import makes. Ids follow from paths.

    Args:
        name: of the course.
        handing: has it.
        transport: has what counts; nothing is sent by it.
        endpoint: likewise.
        random: likewise.
        permit: called before each question; raises what ends the run.
    """

    def __init__(
        self,
        name: str,
        handing: Handing,
        transport: Transport,
        endpoint: Endpoint,
        random: Random,
        *,
        permit: Callable[[], None],
    ) -> None:
        super().__init__(transport, endpoint, random)
        self._name = name
        self._handing = handing
        self._permit = permit
        self._entries: dict[FileId, RemoteEntry] = {}

    def about(self) -> About:
        """Say who hands it on."""
        return About("the hub", "the hub", "", None, 0, 0, 0)

    def course(self) -> Place:
        """Return the course itself, and learn what it holds now.

        Raises:
            DriveSyncError: there is no such course, or nobody answers.
        """
        self._permit()
        self._entries = {entry.id: entry for entry in self._listed(self._handing.files())}
        return Place(self._id(ROOT), self._name, FOLDER_MIME)

    def children(
        self,
        folders: Sequence[FileId],
        token: str | None = None,  # noqa: ARG002 - all is one page
        *,
        also: str = "",  # noqa: ARG002 - nobody searches here
    ) -> Page:
        """Return what lies in some folders."""
        wanted = frozenset(folders)
        return Page(tuple(each for each in self._entries.values() if each.parent in wanted), None)

    def get(self, id: FileId) -> RemoteEntry:  # noqa: A002 - it is one
        """Return a file as it is now.

        Raises:
            Missing: there is none.
        """
        self.course()
        if id not in self._entries:
            raise Missing
        return self._entries[id]

    def download(
        self,
        id: FileId,  # noqa: A002 - it is one
        *,
        size: int,
        offset: int = 0,
        most: int | None = None,
        revision: str = "",  # noqa: ARG002 - a course has the newest alone
    ) -> bytes:
        """Return a piece of a file, of at most :data:`.course.PIECE` bytes.

        Raises:
            Missing: it is no longer there.
        """
        self._permit()
        entry = self._entries[id]
        assert entry.md5 is not None  # noqa: S101 - only files are downloaded
        length = min(PIECE, size - offset, size if most is None else most)
        data = self._handing.piece(entry.md5, offset, length)
        if not data and length:
            raise Missing
        self.transport.traffic.received += len(data)
        return data

    def _listed(self, files: Sequence[HandedFile]) -> Iterator[RemoteEntry]:
        folders = {folder for file in files for folder in ancestors(file.path)}
        for folder in sorted(folders):
            yield RemoteEntry(
                id=self._id(folder),
                name=to_drive(name_of(folder)),
                parent=self._id(parent_of(folder)),
                kind=Kind.FOLDER,
                mime=FOLDER_MIME,
            )
        for file in files:
            yield RemoteEntry(
                id=self._id(file.path),
                name=to_drive(name_of(file.path)),
                parent=self._id(parent_of(file.path)),
                md5=file.md5,
                size=file.size,
                mtime_ms=file.mtime_ms,
            )

    def _id(self, path: RelPath) -> FileId:
        raw = f"{self._name}/{path}".encode("utf-8", "surrogateescape")
        return FileId(f"course-{hashlib.sha256(raw).hexdigest()[:32]}")
