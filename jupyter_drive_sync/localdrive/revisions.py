"""Which contents of a file are kept.

Sources: Drive guide, "Manage file revisions" (unpinned revisions beyond 100 go; a pinned one ends
only by being deleted), and the reference of revisions (an unpinned one goes 30 days after newer
content was uploaded; at most 200 are pinned).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from jupyter_drive_sync.localdrive import replies
from jupyter_drive_sync.localdrive.clock import milliseconds
from jupyter_drive_sync.localdrive.objects import File, Revision
from jupyter_drive_sync.localdrive.settings import DAY, LocalDriveSettings


def living(
    file: File, settings: LocalDriveSettings, now: float, *, room_for: int = 0
) -> tuple[Revision, ...]:
    """Return the revisions of a file that are still kept; the head always is.

    Args:
        file: The file.
        settings: For how long, and how many.
        now: Seconds since 1970.
        room_for: Revisions that are about to be added.
    """
    oldest = milliseconds(now - settings.revision_days * DAY)
    loose = [
        each
        for each, newer in pairwise(file.revisions)
        if not each.keep_forever and newer.modified > oldest
    ]
    surplus = len(loose) + 1 + room_for - settings.max_revisions
    kept = {each.id for each in loose[max(0, surplus) :]}
    return tuple(
        each for each in file.revisions if each is file.head or each.keep_forever or each.id in kept
    )


def pinned(file: File, revision: Revision, settings: LocalDriveSettings) -> File:
    """Return the file with one of its revisions kept forever.

    Raises:
        ApiError: 403 when there are too many already.
    """
    count = sum(each.keep_forever for each in file.revisions)
    if not revision.keep_forever and count >= settings.max_pinned:
        raise replies.forbidden(
            "revisionsLimitExceeded",
            f"Only {settings.max_pinned} revisions of a file can be kept forever.",
        )
    return replace(
        file,
        revisions=tuple(
            replace(each, keep_forever=True) if each.id == revision.id else each
            for each in file.revisions
        ),
    )


def find(file: File, revision_id: str) -> Revision:
    """Return a revision of a file; `head` is not an alias in v3.

    Raises:
        ApiError: 404 `notFound`.
    """
    for revision in file.revisions:
        if revision.id == revision_id:
            return revision
    raise replies.thing_not_found("Revision", revision_id, "revisionId")
