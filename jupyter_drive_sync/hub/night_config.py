"""The options of the night: ``c.DriveSyncHub.nightly_...`` and what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from traitlets import Bool, Dict, Enum, Float, HasTraits, Int, Unicode

from jupyter_drive_sync.errors import BadSettings
from jupyter_drive_sync.hub.window import Window

Mode = Literal["off", "servers", "mounted"]


@dataclass(frozen=True, slots=True)
class Quota:
    """What the Google project, and the hub's line, may be charged with.

    Attributes:
        units_per_minute: quota units of the whole project in a minute.
        user_units_per_minute: what one person's sync is reckoned to use at most in a minute.
        units_per_day: quota units of the whole project in a day of Google's.
        bytes_per_day: bytes to and from Drive in a day of Google's; 0 is unlimited.
        first_units: what a first upload is reckoned to cost while nothing is known.
        first_bytes: the same, in bytes.
    """

    units_per_minute: int = 800_000
    user_units_per_minute: int = 12_500
    units_per_day: int = 320_000_000
    bytes_per_day: int = 1_000_000_000_000
    first_units: int = 60_000
    first_bytes: int = 300_000_000


@dataclass(frozen=True, slots=True)
class NightSettings:
    """How the night goes; the options as one frozen value.

    Attributes:
        mode: how homes are reached; ``off`` for no nights.
        window: its hours.
        concurrency: people at once.
        spread: share of the window over which the starts are spread.
        spawn_options: what the hub is given with each start.
        spawn_seconds: patience with a server that starts.
        pass_seconds: a person's time, from the start of their sync.
        quiet_seconds: how long a server in doubt is watched before it is stopped.
        tries: starts of one person's server in one night.
        idle_days: mounted: days after which somebody without activity is synced all the same.
        paused: no night begins.
        quota: the project's.
        homes_root: mounted: the folder of the homes.
        homes_name: mounted: a home's name below it.
        homes_user: mounted: whose rights a sync has.
        homes_confine: mounted: whether the kernel holds a sync inside its home.
        drive_folder: where a mirror lies on Drive, ``{username}`` in it.
        settings: mounted: settings of every sync.
    """

    mode: Mode
    window: Window
    concurrency: int = 8
    spread: float = 0.7
    spawn_options: Mapping[str, Any] = field(default_factory=dict)
    spawn_seconds: float = 600.0
    pass_seconds: float = 3600.0
    quiet_seconds: float = 660.0
    tries: int = 3
    idle_days: int = 1
    paused: bool = False
    quota: Quota = Quota()
    homes_root: str = "/homes"
    homes_name: str = "{username}"
    homes_user: str = "owner"
    homes_confine: bool = True
    drive_folder: str = "home/{username}"
    settings: Mapping[str, Any] = field(default_factory=dict)


class NightConfig(HasTraits):
    """The options; mixed into the service's own class, ``c.DriveSyncHub``."""

    nightly_mode = Enum(
        ["off", "servers", "mounted"],
        "servers",
        help="How the night reaches homes: `servers` starts each person's server, `mounted` reads "
        "homes on a file system that this service or its workers have mounted, `off` leaves "
        "everything to the people's own servers.",
    ).tag(config=True)
    nightly_window = Unicode(
        "01:00-07:00", help="The hours of the night, begin and end; both may lie around midnight."
    ).tag(config=True)
    nightly_time_zone = Unicode(
        "UTC", help="IANA name of the time zone of these hours, such as `Europe/Zurich`."
    ).tag(config=True)
    nightly_concurrency = Int(
        8,
        help="People at once. With servers on Kubernetes up to the hub's `concurrent_spawn_limit` "
        "(z2jh: 64); on one machine about twice its cores. 0, in mounted mode: none in this "
        "process, all by workers.",
    ).tag(config=True)
    nightly_spread = Float(
        0.7,
        help="Share of the window over which the starts are spread, so that neither the hub nor "
        "Google has them all at once; the rest is for those that take longer.",
    ).tag(config=True)
    nightly_profile = Dict(
        help="What the hub is given with each start (`user_options`), such as "
        '`{"profile": "small"}`. Name one wherever people choose among profiles: without it the '
        "start fails, or takes the first one, perhaps with a GPU.",
    ).tag(config=True)
    nightly_spawn_seconds = Float(
        600.0, help="Seconds within which a server has to start before it counts as failed."
    ).tag(config=True)
    nightly_pass_seconds = Float(
        3600.0,
        help="Seconds that one person's sync may take in one night; what is left follows in the "
        "next.",
    ).tag(config=True)
    nightly_quiet_seconds = Float(
        660.0,
        help="Seconds for which a server is watched before the night stops it, when it is in "
        "doubt whether somebody has begun to use it. More than twice the hub's interval of "
        "activity reports (300 s).",
    ).tag(config=True)
    nightly_tries = Int(3, help="Tries to start one person's server in one night.").tag(config=True)
    nightly_idle_days = Int(
        1,
        help="Mounted mode: days after which somebody who was not active on the hub is synced all "
        "the same; homes can change in other ways. An idle sync costs one request.",
    ).tag(config=True)
    nightly_paused = Bool(False, help="Whether no night begins for now.").tag(config=True)
    quota_units_per_minute = Int(
        1_000_000, help="Quota units that the Google project has in a minute."
    ).tag(config=True)
    quota_units_per_day = Int(
        400_000_000, help="Quota units that the Google project has in a day, before it is billed."
    ).tag(config=True)
    quota_units_per_minute_per_user = Int(
        12_500,
        help="Quota units that one sync is reckoned to use in a minute; Google lets one account "
        "write a few files a second, 50 units each.",
    ).tag(config=True)
    quota_share = Float(
        0.8, help="Share of the project's quota that the nights may use; the rest is for the day."
    ).tag(config=True)
    bytes_per_day = Int(
        1_000_000_000_000,
        help="Bytes to and from Drive in a day, for the hub's line and Google's limit of 1 TB of "
        "downloads. 0: unlimited.",
    ).tag(config=True)
    first_upload_units = Int(
        60_000, help="Quota units that a first upload is reckoned to cost: files x 50, and some."
    ).tag(config=True)
    first_upload_bytes = Int(
        300_000_000, help="Bytes that a first upload is reckoned to send."
    ).tag(config=True)
    homes_root = Unicode("/homes", help="Mounted mode: the folder in which the homes lie.").tag(
        config=True
    )
    homes_name = Unicode(
        "{username}",
        help="Mounted mode: a home below that folder. `{username}` is the hub's name, `{escaped}` "
        "the same as KubeSpawner writes it in volume names.",
    ).tag(config=True)
    homes_user = Unicode(
        "owner",
        help="Mounted mode: whose rights a sync has: `owner` of the home's folder, a user id, or "
        "`same` as the service. Only root can take another's.",
    ).tag(config=True)

    homes_confine = Bool(
        True,
        help="Mounted mode: whether the kernel holds each sync inside its home (Landlock, Linux "
        "5.13), so that no link leads out of it. Without, a link can reach whatever the sync's "
        "user id can: turn it off only where each home has a user id of its own.",
    ).tag(config=True)

    def night_settings(
        self, *, drive_folder: str = "home/{username}", settings: Mapping[str, Any] | None = None
    ) -> NightSettings:
        """Put the options together.

        Args:
            drive_folder: where a mirror lies on Drive, ``{username}`` in it.
            settings: what an admin set for every sync.

        Raises:
            BadSettings: a value cannot be used.
        """
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise BadSettings(name=name, problem=f"it is not between {low} and {high}")
        mode = cast("Mode", self.nightly_mode)
        if mode != "mounted" and not self.nightly_concurrency:
            raise BadSettings(name="nightly_concurrency", problem="nobody would be synced")
        if self.homes_user not in ("owner", "same") and not self.homes_user.isdigit():
            raise BadSettings(
                name="homes_user", problem="it is neither `owner` nor `same` nor a user id"
            )
        return NightSettings(
            mode=mode,
            window=Window.parse(self.nightly_window, self.nightly_time_zone),
            concurrency=self.nightly_concurrency,
            spread=self.nightly_spread,
            spawn_options=dict(self.nightly_profile),
            spawn_seconds=self.nightly_spawn_seconds,
            pass_seconds=self.nightly_pass_seconds,
            quiet_seconds=self.nightly_quiet_seconds,
            tries=self.nightly_tries,
            idle_days=self.nightly_idle_days,
            paused=self.nightly_paused,
            quota=Quota(
                units_per_minute=int(self.quota_units_per_minute * self.quota_share),
                user_units_per_minute=self.quota_units_per_minute_per_user,
                units_per_day=int(self.quota_units_per_day * self.quota_share),
                bytes_per_day=self.bytes_per_day,
                first_units=self.first_upload_units,
                first_bytes=self.first_upload_bytes,
            ),
            homes_root=self.homes_root,
            homes_name=self.homes_name,
            homes_user=self.homes_user,
            homes_confine=self.homes_confine,
            drive_folder=drive_folder,
            settings=dict(settings or {}),
        )


_RANGES: dict[str, tuple[float, float]] = {
    "nightly_concurrency": (0, 10_000),
    "nightly_spread": (0.0, 0.95),
    "nightly_spawn_seconds": (10, 86_400),
    "nightly_pass_seconds": (10, 86_400),
    "nightly_quiet_seconds": (0, 86_400),
    "nightly_tries": (1, 100),
    "nightly_idle_days": (1, 3650),
    "quota_units_per_minute": (1_000, 10**12),
    "quota_units_per_day": (10_000, 10**15),
    "quota_units_per_minute_per_user": (100, 325_000),
    "quota_share": (0.01, 1.0),
    "bytes_per_day": (0, 10**18),
    "first_upload_units": (100, 10**9),
    "first_upload_bytes": (0, 10**15),
}
