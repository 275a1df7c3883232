"""``c.DriveSync``: what an administrator sets in a Jupyter server's configuration.

What is set here wins over what a person sets, and is then shown as set by the admin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from traitlets import Bool, Dict, Enum, Float, Int, List, TraitError, Unicode
from traitlets.config import Config, LoggingConfigurable

from jupyter_drive_sync.core import cron
from jupyter_drive_sync.core.settings import Settings, from_mapping
from jupyter_drive_sync.core.storage import Storage, read_all
from jupyter_drive_sync.errors import BadSettings
from jupyter_drive_sync.runner.place import Place, find_place
from jupyter_drive_sync.runner.storages import key_files

_DEFAULT: Final = Settings()
_PERSONAL: Final = frozenset({"paused_until", "ask_after"})
"""What only a person says."""


@dataclass(frozen=True, slots=True)
class Nights:
    """When a pass runs by itself.

    Attributes:
        jitter: seconds after the due time within which a server begins.
        catch_up: seconds after the start of a server within which a missed night is made up for;
            0 is never.
        busy_wait: seconds for which a due pass waits while kernels are busy.
    """

    jitter: int
    catch_up: int
    busy_wait: int


class DriveSync(LoggingConfigurable):
    """Mirrors the home to the person's own Google Drive."""

    home = Unicode(help="Folder that is mirrored. Empty: `$HOME`.").tag(config=True)
    drive_folder = Unicode(
        help="Where the mirror lies, from My Drive on. Empty: `home/` and the hub's user name, "
        "else the login name."
    ).tag(config=True)
    state_dir = Unicode(
        help="Our own folder: grant, records, settings. Empty: `jupyter-drive-sync` in "
        "`$XDG_STATE_HOME`, else in `~/.local/state`."
    ).tag(config=True)
    client_file = Unicode(
        help="Google's OAuth client file. Empty: `$DRIVE_SYNC_CLIENT_FILE`, else the one that the "
        "home was connected with, else `client_secrets.json` in the state folder or where the "
        "server was started."
    ).tag(config=True)
    credentials = Enum(
        ["auto", "grant", "broker", "adc"],
        "auto",
        help="Whose permission is used: the person's own `grant`; `broker`, the one that the hub's "
        "service keeps; or `adc`, Google's Application Default Credentials. `auto` is the hub's "
        "where there is such a service and no client file is named, else the person's own.",
    ).tag(config=True)

    schedule = Unicode(
        _DEFAULT.schedule,
        help="When everything is synced by itself: a cron expression (minute, hour, day, month, "
        "day of week), read in the time zone. Empty: never.",
    ).tag(config=True)
    time_zone = Unicode(
        _DEFAULT.time_zone,
        help="IANA name of the time zone of the schedule, such as `Europe/Zurich`. Empty: what the "
        "person set, else their browser's when they connected, else the system's.",
    ).tag(config=True)
    jitter = Int(
        600,
        help="Seconds: each server begins at a random moment within so many after the due time, so "
        "that a hub's servers do not begin at once.",
    ).tag(config=True)
    catch_up = Int(
        1800,
        help="Seconds: when a night was missed, it is made up for at a random moment within so "
        "many after the server's start. 0: it waits for the next night.",
    ).tag(config=True)
    busy_wait = Int(
        7200,
        help="Seconds for which a due sync waits while kernels are busy, before it begins anyway.",
    ).tag(config=True)
    paused = Bool(
        False,
        help="Whether nothing is synced for now. People see that their admin paused it.",
    ).tag(config=True)
    ask = Bool(
        True,
        help="Whether people who are not connected are asked once to connect. Without, they find "
        "it behind the cloud button.",
    ).tag(config=True)
    notify = Enum(
        ["problems", "never"],
        _DEFAULT.notify,
        help="Whether a notification tells a problem that the person or the admin has to mend. The "
        "cloud button shows it either way; a success of the night is never notified.",
    ).tag(config=True)

    storages = List(
        Dict(),
        help="Folders on Drive beside the mirror, such as course material that is brought each "
        "morning: dictionaries with `name`, `local`, `drive`, `direction`, `credentials`, "
        "`key_file`, `schedule` and more; see docs/user/storages.md. What a person sets for one of "
        "the same name wins.",
    ).tag(config=True)
    storage_roots = List(
        Unicode(),
        help="Folders outside of the home in which the folder of a storage may lie too.",
    ).tag(config=True)
    excludes = List(
        Unicode(), help="gitignore patterns, below the home, beside those of `.driveignore`."
    ).tag(config=True)
    includes = List(
        Unicode(), help="gitignore patterns; where there are any, only what they match is mirrored."
    ).tag(config=True)
    default_excludes = Bool(
        _DEFAULT.default_excludes,
        help="Whether caches, environments, `.git` and the like are left out.",
    ).tag(config=True)
    max_file_size = Int(
        _DEFAULT.max_file_size, help="Bytes; larger files are left out and listed."
    ).tag(config=True)
    git_bundles = Bool(
        _DEFAULT.git_bundles,
        help="Mirror one `git bundle` per repository in place of its `.git`.",
    ).tag(config=True)
    on_local_delete = Enum(
        ["trash", "keep"],
        _DEFAULT.on_local_delete,
        help="What a deletion here does on Drive: move the file to the trash, or keep it.",
    ).tag(config=True)
    keep_whole_folders = Bool(
        _DEFAULT.keep_whole_folders,
        help="Keep the files of a top-level folder that vanished as a whole, whatever "
        "`on_local_delete` says. On a hub the default is `true`: a course that is rotated out "
        "stays readable.",
    ).tag(config=True)
    guard_share = Float(
        _DEFAULT.guard_share,
        help="Share of the mirrored files that may be trashed in a day unasked.",
    ).tag(config=True)
    guard_share_from = Int(
        _DEFAULT.guard_share_from, help="Number of deletions from which that share counts."
    ).tag(config=True)
    guard_files = Int(_DEFAULT.guard_files, help="Files that may be trashed in a day unasked.").tag(
        config=True
    )
    guard_bytes = Int(_DEFAULT.guard_bytes, help="Bytes that may be trashed in a day unasked.").tag(
        config=True
    )
    hold_days = Int(
        _DEFAULT.hold_days, help="Days after which an unanswered question turns into *keep*."
    ).tag(config=True)
    moved_out_files = Int(
        _DEFAULT.moved_out_files,
        help="Files moved out of the mirror at once from which the person is asked.",
    ).tag(config=True)
    rehash_nights = Int(
        _DEFAULT.rehash_nights, help="Each night one of so many parts of the home is read again."
    ).tag(config=True)
    verify_days = Int(
        _DEFAULT.verify_days, help="Every so many days the whole tree is compared with Drive."
    ).tag(config=True)
    pinned_revisions = Int(
        _DEFAULT.pinned_revisions, help="Replaced edits that are kept for good, per file."
    ).tag(config=True)
    small_file = Int(
        _DEFAULT.small_file, help="Bytes up to which a file is sent in one request."
    ).tag(config=True)
    chunk_size = Int(
        _DEFAULT.chunk_size, help="Bytes of a part of a larger file; a multiple of 262144."
    ).tag(config=True)
    concurrency = Int(_DEFAULT.concurrency, help="Most requests at once.").tag(config=True)
    bandwidth = Int(_DEFAULT.bandwidth, help="Bytes per second sent at most; 0 is unlimited.").tag(
        config=True
    )
    memory_headroom = Int(
        _DEFAULT.memory_headroom,
        help="Bytes that must stay free in the container; with less, a sync is postponed.",
    ).tag(config=True)
    max_files = Int(_DEFAULT.max_files, help="Most paths of a home.").tag(config=True)
    lease_seconds = Int(
        _DEFAULT.lease_seconds, help="Seconds for which a silent writer is believed to be alive."
    ).tag(config=True)
    ping_seconds = Int(
        _DEFAULT.ping_seconds, help="Seconds between two signs of life of a running sync."
    ).tag(config=True)
    listing_lag = Int(
        _DEFAULT.listing_lag,
        help="Seconds after which a listing is believed to show a write of ours; a look at the "
        "whole tree that comes earlier waits.",
    ).tag(config=True)
    request_timeout = Int(
        _DEFAULT.request_timeout, help="Seconds without a byte after which a request is given up."
    ).tag(config=True)
    retries = Int(
        _DEFAULT.retries, help="Tries of one request before it is given up for this run."
    ).tag(config=True)

    def storages_read(self) -> tuple[Storage, ...]:
        """Return the storages of the configuration.

        Raises:
            BadStorage: one of them cannot be used.
        """
        return read_all(self.storages, check_schedule=cron.parse)

    def overrides(self) -> dict[str, Any]:
        """Return the settings that the configuration decides, those set to a default included."""
        named = {field.name for field in fields(Settings)} - _PERSONAL
        return {name: getattr(self, name) for name in sorted(named) if self._is_set(name)}

    def place(
        self, environment: Mapping[str, str], named: Mapping[str, Any] | None = None
    ) -> Place:
        """Say which home goes where.

        Args:
            environment: of this process.
            named: what somebody names for this time, by the names of :func:`find_place`; it wins.

        Raises:
            BadSettings, BadStorage: a value cannot be used.
        """

        def path(name: str) -> Path | None:
            text = getattr(self, name)
            return Path(text).expanduser() if text else None

        given: dict[str, Any] = {
            "home": path("home"),
            "state_dir": path("state_dir"),
            "drive_folder": self.drive_folder or None,
            "client_file": path("client_file"),
            "credentials": self.credentials,
            "settings": self.overrides(),
        }
        over = {name: it for name, it in (named or {}).items() if it not in (None, "auto")}
        place = find_place(environment, **{**given, **over})
        place = replace(place, keys=key_files(place.home, self.storages_read()))
        from_mapping(place.settings)
        check_time_zone(self.time_zone)
        return place

    def roots(self) -> tuple[Path, ...]:
        """Return where the folders of storages may lie, beside the home."""
        return tuple(Path(root).absolute() for root in self.storage_roots)

    def nights(self) -> Nights:
        """Say when passes run by themselves.

        Raises:
            BadSettings: a value cannot be used.
        """
        for name in ("jitter", "catch_up", "busy_wait"):
            if not 0 <= getattr(self, name) <= 86_400:
                raise BadSettings(name=name, problem="it is not between 0 and 86400 seconds")
        return Nights(self.jitter, self.catch_up, self.busy_wait)

    def _is_set(self, name: str) -> bool:
        section = self._find_my_config(self.config)
        return name in section


def read_config(parent: Any, config: Config) -> DriveSync:
    """Read the configuration.

    Raises:
        BadSettings: a value has the wrong type, or there is no such setting.
    """
    unknown = sorted(
        name for name in config.get("DriveSync", ()) if name not in DriveSync.class_trait_names()
    )
    if unknown:
        raise BadSettings(name=f"c.DriveSync.{unknown[0]}", problem="there is no such setting")
    try:
        return DriveSync(parent=parent)
    except TraitError as problem:
        words = " ".join(str(problem).split()).rstrip(".")
        raise BadSettings(name="c.DriveSync", problem=words) from problem


def check_time_zone(name: str) -> None:
    """Make sure that a time zone exists.

    Raises:
        BadSettings: it does not.
    """
    if not name:
        return
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        raise BadSettings(name="time_zone", problem=f"there is no time zone {name!r}") from problem
