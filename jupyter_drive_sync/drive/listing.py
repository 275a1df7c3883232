"""The whole tree by one paged query, and the change feed to its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jupyter_drive_sync.core.tree import FileId, RemoteEntry
from jupyter_drive_sync.drive.api import Drive, quote
from jupyter_drive_sync.drive.types import FOLDER_MIME, ChangePage


@dataclass(frozen=True, slots=True)
class Feed:
    """What changed since a token.

    Attributes:
        entries: the latest version of each object, in the order of its last appearance.
        token: where the next reading begins.
    """

    entries: tuple[RemoteEntry, ...]
    token: str


def feed_pages(drive: Drive, token: str) -> Iterator[ChangePage]:
    """Yield the pages of the change feed from a token to its end.

    Raises:
        FeedTokenRefused: Drive no longer knows the token.
    """
    while True:
        page = drive.changes(token)
        yield page
        if page.new_start is not None:
            return
        if page.next is not None:
            token = page.next


def feed(drive: Drive, token: str) -> Feed:
    """Read the change feed from a token to its end.

    Raises:
        FeedTokenRefused: Drive no longer knows the token.
    """
    latest: dict[FileId, RemoteEntry] = {}
    for page in feed_pages(drive, token):
        for entry in page.entries:
            # A deletion has no version: where it comes after others, it is the last word.
            _keep(latest, entry, last_word=entry.deleted)
        token = page.new_start or token
    return Feed(tuple(latest.values()), token)


def whole_tree(
    drive: Drive, home_id: str, extra_names: Iterable[str] = ()
) -> Iterator[RemoteEntry]:
    """Read all objects of ours that carry a home's id, trashed ones among them.

    Pages may repeat or reorder entries; each object comes once, in its highest version. Two
    objects with one name in one folder are two entries: what to do about twins is not decided
    here.

    Args:
        drive: what to read.
        home_id: the home's id.
        extra_names: names of folders of ours that are wanted too, whatever home they belong to:
            the chain from My Drive down to the mirror.
    """
    latest: dict[FileId, RemoteEntry] = {}
    token: str | None = None
    query = tree_query(home_id, extra_names)
    while True:
        page = drive.search(query, token)
        for entry in page.entries:
            _keep(latest, entry)
        token = page.next
        if token is None:
            return iter(latest.values())


def tree_query(home_id: str, extra_names: Iterable[str] = ()) -> str:
    """Write the query of :func:`whole_tree`."""
    query = f"appProperties has {{key='home' and value={quote(home_id)}}}"
    names = " or ".join(f"name = {quote(name)}" for name in extra_names)
    if not names:
        return query
    ours = "appProperties has {key='jds' and value='1'}"
    return f"{query} or ({ours} and mimeType = {quote(FOLDER_MIME)} and ({names}))"


def _keep(
    latest: dict[FileId, RemoteEntry], entry: RemoteEntry, *, last_word: bool = False
) -> None:
    known = latest.get(entry.id)
    if known is None or last_word or entry.version >= known.version:
        latest.pop(entry.id, None)  # so that it moves to the end
        latest[entry.id] = entry
