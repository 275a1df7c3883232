"""Every knob of a pass, frozen, with its unit, its default and the reason for the default.

``settings.json`` in the state folder, the command line and (later) traitlets all end here, so the
names are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, get_args, get_type_hints

from jupyter_drive_sync.core import cron
from jupyter_drive_sync.errors import BadSettings

MiB: Final = 1024 * 1024
GiB: Final = 1024 * MiB
DAY: Final = 86_400

DeletePolicy = Literal["trash", "keep"]
Notify = Literal["problems", "never"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How one home is mirrored.

    Attributes:
        excludes: gitignore patterns, below the home, beside those of ``.driveignore``.
        includes: gitignore patterns; where there are any, only what they match is mirrored.
        default_excludes: whether caches, environments, ``.git`` and the like are left out.
        max_file_size: bytes; larger files are left out and listed.
        git_bundles: mirror one ``git bundle`` per repository in place of its ``.git``.
        on_local_delete: what a deletion here does on Drive.
        keep_whole_folders: keep the files of a top-level folder that vanished as a whole, whatever
            ``on_local_delete`` says (the default on a hub: a course rotated out stays readable).
        guard_share: share of the mirrored files that may be trashed in a day unasked.
        guard_share_from: number of deletions from which the share counts.
        guard_files: files that may be trashed in a day unasked.
        guard_bytes: bytes that may be trashed in a day unasked.
        hold_days: days after which an unanswered hold turns into *keep*.
        moved_out_files: files moved out of the mirror at once from which a hold is made.
        rehash_nights: each night one of so many parts of the home is read again.
        verify_days: every so many days the whole tree is compared with Drive.
        pinned_revisions: pins of replaced edits per file (Drive's limit is 200 altogether).
        small_file: bytes up to which a file is sent in one multipart request.
        chunk_size: bytes of a chunk of a resumable upload; a multiple of 256 KiB.
        concurrency: most requests at once.
        bandwidth: bytes per second sent at most; 0 is unlimited.
        memory_headroom: bytes that must stay free in the container.
        max_files: most paths of a home.
        lease_seconds: how long a silent writer is believed to be alive.
        ping_seconds: how often a running pass says that it lives.
        listing_lag: seconds after which a listing is believed to show a write of ours, where
            nothing else tells; nobody states how long it takes.
        request_timeout: seconds without a byte after which a request is given up.
        retries: tries of one request before it is given up for this run.
        schedule: when everything is synced by itself: a cron expression (see :mod:`cron`); ``""``
            is never.
        time_zone: IANA name that a schedule is read in; ``""`` is the browser's, else the system's.
        notify: which notifications are shown: of ``problems``, or ``never`` any.
        paused_until: seconds since the epoch until which nothing runs by itself; 0 is not paused,
            -1 until somebody resumes it.
        ask_after: seconds since the epoch before which nobody is asked to connect; -1 is never.
    """

    excludes: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    default_excludes: bool = True
    max_file_size: int = 2 * GiB
    git_bundles: bool = False
    on_local_delete: DeletePolicy = "trash"
    keep_whole_folders: bool = False
    guard_share: float = 0.25
    guard_share_from: int = 4
    guard_files: int = 100
    guard_bytes: int = GiB
    hold_days: int = 14
    moved_out_files: int = 20
    rehash_nights: int = 30
    verify_days: int = 7
    pinned_revisions: int = 20
    small_file: int = 5_000_000
    chunk_size: int = 8 * MiB
    concurrency: int = 8
    bandwidth: int = 0
    memory_headroom: int = 200 * MiB
    max_files: int = 500_000
    lease_seconds: int = 60
    ping_seconds: int = 10
    listing_lag: int = 120
    request_timeout: int = 60
    retries: int = 8
    schedule: str = "0 3 * * *"
    time_zone: str = ""
    notify: Notify = "problems"
    paused_until: float = 0.0
    ask_after: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that no pass could work with.

        Raises:
            BadSettings: names the setting and says why.
        """
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadSettings(name=name, problem=f"{value} is not between {low} and {high}")
        if self.chunk_size % (256 * 1024):
            raise BadSettings(name="chunk_size", problem="it is no multiple of 262144 bytes")
        if self.schedule.strip():
            try:
                cron.parse(self.schedule)
            except ValueError as problem:
                raise BadSettings(name="schedule", problem=str(problem)) from problem


_RANGES: Final[dict[str, tuple[float, float]]] = {
    "max_file_size": (1, 5 * 1024 * GiB),
    "guard_share": (0.0, 1.0),
    "guard_share_from": (1, 1_000_000),
    "guard_files": (0, 1_000_000),
    "guard_bytes": (0, 5 * 1024 * GiB),
    "hold_days": (1, 3650),
    "moved_out_files": (0, 1_000_000),
    "rehash_nights": (1, 3650),
    "verify_days": (1, 3650),
    "pinned_revisions": (0, 150),
    "small_file": (0, 5_000_000),
    "chunk_size": (256 * 1024, 256 * MiB),
    "concurrency": (1, 64),
    "bandwidth": (0, 1024 * GiB),
    "memory_headroom": (0, 1024 * GiB),
    "max_files": (1, 100_000_000),
    "lease_seconds": (10, 3600),
    "ping_seconds": (1, 600),
    "listing_lag": (0, 3600),
    "request_timeout": (1, 3600),
    "retries": (1, 100),
    "paused_until": (-1, 1e11),
    "ask_after": (-1, 1e11),
}


_WORDS: Final = (DeletePolicy, Notify)
_WANTED: Final[dict[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    DeletePolicy: '"trash" or "keep"',
    Notify: '"problems" or "never"',
}


def from_mapping(values: Mapping[str, Any], base: Settings | None = None) -> Settings:
    """Check values that came from a file or a command line and lay them over ``base``.

    Raises:
        BadSettings: for an unknown name, a wrong type or a value out of range.
    """
    hints = get_type_hints(Settings)
    known = {field.name for field in fields(Settings)}
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise BadSettings(name=name, problem="there is no such setting")
        checked[name] = _checked(name, value, hints[name])
    return replace(base or Settings(), **checked)


def _checked(name: str, value: Any, hint: Any) -> Any:
    if hint is bool:
        good = isinstance(value, bool)
    elif hint is int:
        good = isinstance(value, int) and not isinstance(value, bool)
    elif hint is float:
        good = isinstance(value, int | float) and not isinstance(value, bool)
    elif hint is str:
        good = isinstance(value, str)
    elif hint in _WORDS:
        good = value in get_args(hint)
    else:
        good = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
        value = tuple(value) if good else value
    if not good:
        wanted = _WANTED.get(hint, "a list of texts")
        raise BadSettings(name=name, problem=f"{value!r} is not {wanted}")
    return value
