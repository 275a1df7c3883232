"""The versions of one file that Drive has: listed, kept for good, put back in place.

Putting one back is an edit on Drive, as if its owner had made it there: our own marks stay as they
are, so the next sync sees that Drive is newer and leaves it so, and a restore brings it here. What
is current before is kept for good first.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jupyter_drive_sync.core.restore_plan import Wanted, choose
from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.tree import RelPath, RemoteEntry, printable
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.drive.types import Patch, PinRevision, Revision
from jupyter_drive_sync.drive.upload import Uploads
from jupyter_drive_sync.engine.difference import LIMIT, Difference, compare
from jupyter_drive_sync.engine.fetch import Fetcher, key_of
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.restore_source import find_source, list_source
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.errors import (
    CannotPin,
    DriveSyncError,
    Mismatch,
    Missing,
    NoSuchRevision,
    NotRegular,
    NotThere,
    Refused,
    UsageError,
    Vanished,
)
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.write import Landing, Part

MOST_PINNED: Final = 200
"""Source: Drive guide, "Manage file revisions"."""


@dataclass(frozen=True, slots=True)
class FileVersions:
    """A file on Drive, and what Drive has of its past."""

    path: RelPath
    entry: RemoteEntry
    revisions: tuple[Revision, ...]
    """Newest first; the first one is current."""

    @property
    def pinned(self) -> int:
        """How many are kept for good."""
        return sum(revision.pinned for revision in self.revisions)

    def find(self, revision: str) -> Revision:
        """Return a version by its id.

        Raises:
            NoSuchRevision: there is none.
        """
        for each in self.revisions:
            if each.id == revision:
                return each
        raise NoSuchRevision(path=printable(self.path), revision=revision)


@dataclass(frozen=True)
class Versions:
    """Deals with the versions of files.

    Attributes:
        site: the home.
        drive: the calls.
        secrets: keeps upload sessions.
    """

    site: Site
    drive: Drive
    secrets: SecretsStore

    def of(self, path: RelPath) -> FileVersions:
        """List the versions of a file.

        Raises:
            NotThere: Drive has no such file.
            UsageError: it has no versions.
        """
        entry = self._find(path)
        if entry.md5 is None:
            raise UsageError(problem=f"{printable(path)} is no file with versions.")
        try:
            return FileVersions(path, entry, self.drive.revisions(entry.id)[::-1])
        except Missing:
            raise _not_there(path) from None

    def keep(self, path: RelPath, revision: str) -> FileVersions:
        """Keep a version for good, which nobody but its owner on Drive can undo.

        Raises:
            NotThere, NoSuchRevision: there is none.
            CannotPin: there are too many.
        """
        versions = self.of(path)
        self._pin(versions, versions.find(revision))
        return self.of(path)

    def difference(self, path: RelPath, revision: str) -> tuple[Difference, bool]:
        """Say how a version differs from the file as it is here, else from Drive's current one.

        Returns:
            The difference, and whether the later side is the file here.

        Raises:
            NotThere, NoSuchRevision: there is none.
            FileProblem: the file here cannot be read.
        """
        versions = self.of(path)
        older = versions.find(revision)
        current = versions.revisions[0]
        try:
            with Home(self.site.home, clock=self.site.clock) as home:
                found = home.load(path, LIMIT)
            here, large = True, found is None
        except (Vanished, NotRegular):
            found, here, large = None, False, current.size > LIMIT
        if large or older.size > LIMIT:
            return Difference("large"), here
        after = found.data if found is not None else self._content(versions, current)
        before = self._content(versions, older)
        return compare(before, after, notebook=path.endswith(".ipynb")), here

    def _content(self, versions: FileVersions, revision: Revision) -> bytes:
        try:
            return self.drive.download(versions.entry.id, size=revision.size, revision=revision.id)
        except Missing:
            raise NoSuchRevision(path=printable(versions.path), revision=revision.id) from None

    def put_back(self, path: RelPath, revision: str) -> FileVersions:
        """Make an older version current on Drive, after keeping the one that is.

        Raises:
            NotThere, NoSuchRevision: there is none.
            UsageError: it is current already.
            CannotPin: the current one cannot be kept, so nothing was changed.
        """
        versions = self.of(path)
        self.make_current(versions, versions.find(revision))
        return self.of(path)

    def make_current(self, versions: FileVersions, older: Revision) -> None:
        """Do the work of :meth:`put_back`; may be repeated.

        Raises:
            DriveSyncError: as :meth:`put_back`.
        """
        current = versions.revisions[0]
        if older.id == current.id or older.md5 is None:
            raise UsageError(
                problem=f"Version {older.id} of {printable(versions.path)} is current already."
            )
        self._pin(versions, current)
        wanted = Wanted(
            versions.path,
            versions.entry.id,
            older.md5,
            older.size,
            older.mtime_ms,
            revision=older.id,
        )
        with Home(self.site.state_dir, clock=self.site.clock) as state:
            landing = Landing(state)
            fetcher = Fetcher(self.drive, landing, self.site.settings.chunk_size, lambda _: None)
            part = landing.begin(RelPath("version"), key_of(wanted))
            try:
                fetcher.load(part, wanted)
                made = self._send(versions.entry, part, wanted)
            finally:
                part.close()
            landing.drop(part)
        if made.md5 != older.md5:
            raise Mismatch

    def _send(self, entry: RemoteEntry, part: Part, wanted: Wanted) -> RemoteEntry:
        change = Patch(entry.id, name=entry.name)
        if part.size <= self.site.settings.small_file:
            return self.drive.replace_file(change, os.pread(part.fd, part.size, 0))
        uploads = Uploads(self.drive, self.secrets, self.site.settings.chunk_size)
        return uploads.send(f"version {key_of(wanted)}", change, _Stored(part), part.size)

    def _pin(self, versions: FileVersions, revision: Revision) -> None:
        if revision.pinned:
            return
        full = CannotPin(path=printable(versions.path), count=MOST_PINNED)
        if versions.pinned >= MOST_PINNED:
            raise full
        (result,) = self.drive.batch([PinRevision(versions.entry.id, revision.id)])
        if isinstance(result, Refused):
            raise full
        if isinstance(result, Missing):
            raise NoSuchRevision(path=printable(versions.path), revision=revision.id)
        if isinstance(result, DriveSyncError):
            raise result

    def _find(self, path: RelPath) -> RemoteEntry:
        identity, _ = Identity.load(self.site)
        with Ledger.draft(self.site.state_dir) as ledger:
            own = ledger.get("home") == identity.home_id
            known = ledger.file_at(path) if own else None
            if known is not None:
                try:
                    return self.drive.get(known.id)
                except Missing:
                    raise _not_there(path) from None
            source = find_source(self.site, identity, ledger, self.drive)
            listing = list_source(source, ledger, self.drive)
        choice = choose(listing.entries, listing.paths, (path,))
        found = [file for file in choice.files if file.path == path]
        if found:
            return listing.entries[found[0].id]
        if choice.missing:
            raise _not_there(path)
        raise UsageError(problem=f"{printable(path)} is no file with versions.")


@dataclass(frozen=True, slots=True)
class _Stored:
    """A version in our state folder, which nobody changes."""

    part: Part

    def read_at(self, offset: int, size: int) -> bytes:
        """Read a part of it."""
        return os.pread(self.part.fd, size, offset)

    def settled(self) -> None:
        """Say that it is still the same."""


def _not_there(path: RelPath) -> NotThere:
    return NotThere(problem=f"There is no {printable(path)} in the mirror on Drive.")


def predecessor(revisions: Sequence[Revision], ours: frozenset[str]) -> tuple[Revision | None, str]:
    """Find the version that a run of ours replaced.

    Args:
        revisions: of the file, oldest first.
        ours: those that the run made.

    Returns:
        The version, or None and the reason: ``""`` where the run replaced nothing.
    """
    places = [index for index, revision in enumerate(revisions) if revision.id in ours]
    if not places:
        return None, Said(
            "Drive no longer has the version that the sync made", "skipped.no_version"
        )
    if places[-1] != len(revisions) - 1:
        return None, Said("changed again since", "skipped.changed_since")
    if places[0] == 0:
        return None, ""
    return revisions[places[0] - 1], ""
