"""What the calls of :mod:`jupyter_drive_sync.drive.api` make of a reply; some make no sense."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from jupyter_drive_sync.core.tree import FileId, RemoteEntry
from jupyter_drive_sync.drive import resources
from jupyter_drive_sync.drive.types import ChangePage, Page, Revision
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import Damaged

T = TypeVar("T")

_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def reader(read: Callable[[Any], T]) -> Callable[[Reply], T]:
    """Read the JSON of a reply."""
    return lambda reply: read(reply.json())


def same(id: FileId) -> Callable[[Any], RemoteEntry]:  # noqa: A002 - it is one
    """Read an entry and make sure that it is the one that was asked for."""

    def read(file: Any) -> RemoteEntry:
        entry = resources.entry_of(file)
        if entry.id != id:
            raise ValueError("another file than the one asked for")
        return entry

    return read


def part_of(reply: Reply, offset: int, end: int, size: int) -> bytes:
    """Take the bytes ``offset`` to ``end`` out of the reply to a download."""
    body = reply.body
    if reply.status == 200:  # the whole content, whatever part was asked for
        if len(body) != size:
            raise Damaged
        return body[offset:end]
    said = _CONTENT_RANGE.fullmatch(reply.headers.get("content-range", "").strip())
    if said is None:
        raise ValueError("a part that does not say which")
    if int(said[3]) != size:
        raise Damaged
    if (int(said[1]), int(said[2]) + 1) != (offset, end) or len(body) != end - offset:
        raise ValueError("another part than the one asked for")
    return body


def change_page(page: Any) -> ChangePage:
    """Read a page of the change feed.

    Raises:
        ValueError: it is none.
    """
    entries = resources.changes_of(page)
    following, start = page.get("nextPageToken"), page.get("newStartPageToken")
    if not following and not start:
        raise ValueError("a page of changes without a token")
    return ChangePage(entries, following, None if following else start)


def page_of(page: Any) -> Page:
    """Read a page of a search; one that was not made everywhere is none.

    Raises:
        ValueError: it is none.
    """
    if isinstance(page, dict) and page.get("incompleteSearch"):
        raise ValueError("an incomplete search")
    return Page(resources.entries_of(page), page.get("nextPageToken"))


def revision_page(page: Any) -> tuple[tuple[Revision, ...], str | None]:
    """Read a page of revisions, and the token of the next one.

    Raises:
        ValueError: it is none.
    """
    return resources.revisions_of(page), page.get("nextPageToken")
