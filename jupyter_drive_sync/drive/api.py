"""Typed calls to Drive v3; the only place that knows the shape of its requests.

Ids are made before anything is created (``generate_ids``), so every call here may be sent twice
without harm: a create that was carried out already answers 409, a change sets what is set.
Source: Drive guide, "Create and manage files" (pre-generated ids).
"""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_drive_sync.core.tree import FileId, RemoteEntry
from jupyter_drive_sync.drive.types import (
    About,
    BatchCall,
    BatchResult,
    ChangePage,
    NewFile,
    Page,
    Patch,
    Revision,
)


class Drive:
    """Drive, as one account and one client see it."""

    def about(self) -> About:
        """Read whose Drive this is and how full it is."""

    def start_token(self) -> str:
        """Read the token from which the change feed tells what happens from now on."""

    def changes(self, token: str) -> ChangePage:
        """Read one page (up to 1,000) of the change feed.

        Raises:
            FeedTokenRefused: Drive no longer knows the token.
        """

    def search(self, query: str, token: str | None = None) -> Page:
        """Read one page (up to 1,000) of what a query finds, trashed objects included.

        Values in the query must have gone through :func:`quote`.
        """

    def generate_ids(self, count: int) -> list[FileId]:
        """Have 1 to 1000 ids made for objects that are to be created."""

    def get(self, id: FileId) -> RemoteEntry:
        """Read one object.

        Raises:
            Missing: there is none, or it is not visible to us.
        """

    def create_file(self, new: NewFile, content: bytes) -> RemoteEntry:
        """Make a file with its content, in one request.

        Raises:
            Exists: the id is taken; an earlier try may have succeeded.
        """

    def replace_file(self, change: Patch, content: bytes) -> RemoteEntry:
        """Give a file new content (and what else ``change`` says), in one request."""

    def batch(self, calls: Sequence[BatchCall]) -> list[BatchResult]:
        """Send up to 100 calls in one request, and only what failed for now again.

        Returns:
            One result per call, in order; errors that concern one part are values.

        Raises:
            DriveSyncError: what concerns the whole request, or all that comes after it.
        """

    def revisions(self, id: FileId) -> tuple[Revision, ...]:
        """Read all revisions of a file, oldest first."""
