"""LocalDrive's knobs: what a Drive is like, how slow it is, how much it takes."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class LocalDriveSettings:
    """How a LocalDrive behaves. Times are seconds, sizes bytes.

    Attributes:
        latency: Added to every call.
        writes_per_second: Sustained writes that one user may make; None is unlimited. Google
            publishes no figure; rclone's documentation of its drive backend measures 2 to 3.
        write_burst: Writes that a rested user may make at once.
        throttle_status: 403 (`userRateLimitExceeded`) or 429 (`rateLimitExceeded`).
        throttle_retry_after: Whether a throttled reply says when to come back.
        units_per_minute: Quota units that one user and project may spend in a minute; None is
            unlimited. Source: Drive guide, "Usage limits".
        listing_lag: Longest time after which a change shows in `files.list`.
        changes_lag: Longest time after which a change shows in the change feed.
        storage_limit: What an account may store; None is unlimited.
        trash_days: When the trash is purged. Source: Drive help, "Delete and restore files".
        session_seconds: Life of a resumable session. Source: Drive guide, "Upload file data".
        page_token_seconds: Life of a `files.list` page token ("typically valid for several hours").
        page_overlap: Entries of a page that the next page shows again (faults, F46).
        simple_upload_limit: Largest media of a `media` or `multipart` upload. The guide says 5 MB;
            rclone sends up to 8 MiB so by default and Google takes it.
        max_children: Children of a folder that is not the root. Source: Drive guide, "Create and
            populate folders".
        max_depth: Levels of folders. Same source.
        max_items: Items of an account. Source: Drive guide, "Resolve errors"
            (activeItemCreationLimitExceeded); Google's own figure is 500 million.
        max_drive_items: Items of a shared drive. Source: Drive guide, "Resolve errors"
            (teamDriveFileLimitExceeded); Google's figure is 500,000.
        max_pinned: Revisions of a file that can be kept forever. Source: `keepRevisionForever` in
            the reference.
        max_revisions: Unpinned revisions that are kept. Source: Drive guide, "Manage file
            revisions".
        revision_days: Days after which an unpinned revision that is not the head goes.
        fold_names: Whether `name = 'x'` in a search disregards case.
        secret_mark: Letters and digits that stand in every token, code, client secret and session
            URI made here, so that a program that lets one slip out is found out.
    """

    latency: float = 0.0
    writes_per_second: float | None = None
    write_burst: int = 10
    throttle_status: int = 403
    throttle_retry_after: bool = False
    units_per_minute: int | None = None
    listing_lag: float = 0.0
    changes_lag: float = 0.0
    storage_limit: int | None = 15 * GIB
    trash_days: float = 30.0
    session_seconds: float = 7 * DAY
    page_token_seconds: float = DAY / 4
    page_overlap: int = 0
    simple_upload_limit: int = 8 * MIB
    max_children: int = 500_000
    max_depth: int = 100
    max_items: int = 500_000_000
    max_drive_items: int = 500_000
    max_pinned: int = 200
    max_revisions: int = 100
    revision_days: float = 30.0
    fold_names: bool = False
    secret_mark: str = ""
