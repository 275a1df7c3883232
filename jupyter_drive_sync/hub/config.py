"""``c.DriveSyncHub``: what an administrator sets for the service of a hub."""

from __future__ import annotations

from typing import Any, Final

from traitlets import Dict, Enum, Int, List, TraitError, Unicode
from traitlets.config import Config, Configurable

from jupyter_drive_sync.core.settings import from_mapping
from jupyter_drive_sync.errors import BadSettings
from jupyter_drive_sync.hub.courses import read_courses
from jupyter_drive_sync.hub.night_config import NightConfig

OPTIONS: Final = "DRIVE_SYNC_HUB_OPTIONS"
"""Variable by which :mod:`.configure` hands the options on, as JSON."""


class DriveSyncHub(NightConfig, Configurable):
    """The service that keeps people's consents and runs their nights."""

    client_file = Unicode(
        help="Google's OAuth client file, of the kind `Web application`, readable by the service "
        "alone."
    ).tag(config=True)
    public_url = Unicode(
        help="Where browsers reach the hub, such as `https://hub.example.edu`. Empty: what the "
        "only fitting redirect address of the client file says."
    ).tag(config=True)
    database = Unicode(
        "sqlite:///drive-sync/hub.sqlite",
        help="Where consents and nights are kept, as SQLAlchemy writes it. A relative path of "
        "SQLite is one below the folder in which the hub was started; it has to be a local disk.",
    ).tag(config=True)
    crypt_key_file = Unicode(
        help="File with the keys that encrypt the consents. Empty: `$DRIVE_SYNC_CRYPT_KEY`."
    ).tag(config=True)
    domains = List(
        Unicode(),
        help="Google organisations, such as `uni.example`, whose accounts alone may be connected. "
        "Empty: any account.",
    ).tag(config=True)
    token_source = Enum(
        ["consent", "hub_auth_state"],
        "consent",
        help="Where permissions come from: `consent`, the service's own page; or "
        "`hub_auth_state`, first what people allowed when they logged in to the hub with Google "
        "(needs the scope `admin:auth_state` and the hub's own Google client).",
    ).tag(config=True)
    settings = Dict(
        help="Settings of the sync, such as `excludes`, for everybody's server; people see them "
        "as set by their admin."
    ).tag(config=True)
    group_settings = Dict(
        help="The same for the members of a group of the hub: a dictionary by the group's name. "
        "Lists are joined with those of `settings`, other values replace them."
    ).tag(config=True)

    courses = Dict(
        help="Folders on Drive that the service fetches once and hands on to people's servers: a "
        "dictionary by name, each with `drive` (address or id of the folder), `key_file` (of a "
        "service account that may read it), and if need be `groups` of the hub, `local` (folder in "
        "people's homes that the nights of mounted homes put it into), `subject`, `includes` and "
        "`excludes`."
    ).tag(config=True)
    courses_dir = Unicode(
        "drive-sync/courses",
        help="Folder in which they are kept; a relative one lies below the folder in which the "
        "hub was started.",
    ).tag(config=True)
    courses_pantry = Unicode(
        help="Folder that people's servers mount read-only and know as `DRIVE_SYNC_PANTRY`: what "
        "the courses hold is kept there too, and imports take it from there instead of Google. "
        "Empty: none."
    ).tag(config=True)
    courses_minutes = Int(360, help="Minutes after which they are looked at again.").tag(
        config=True
    )
    course_bytes = Int(
        20_000_000_000, help="Bytes that one course may have; one that grows beyond stays as it is."
    ).tag(config=True)

    def check(self) -> None:
        """See that the options can be used together.

        Raises:
            BadSettings: one cannot.
        """
        if not self.client_file:
            raise BadSettings(name="client_file", problem="no Google client file is named")
        if not all(isinstance(value, dict) for value in self.group_settings.values()):
            raise BadSettings(name="group_settings", problem="it is no dictionary by group")
        self.night_settings()
        read_courses(self.courses)
        for name in ("courses_minutes", "course_bytes"):
            if getattr(self, name) < 1:
                raise BadSettings(name=name, problem="it is not above 0")
        from_mapping(self.settings)
        for values in self.group_settings.values():
            from_mapping(values)

    def settings_for(self, groups: tuple[str, ...]) -> dict[str, Any]:
        """Return what is set for a member of some groups; groups count in the order of names."""
        found = dict(self.settings)
        for group in sorted(groups):
            for name, value in self.group_settings.get(group, {}).items():
                known = found.get(name)
                if isinstance(value, list) and isinstance(known, list):
                    value = [*known, *value]  # noqa: PLW2901 - joined
                found[name] = value
        return found


def read_options(config: Config) -> DriveSyncHub:
    """Read the options, and check them.

    Raises:
        BadSettings: there is no such option, or it cannot have this value.
    """
    unknown = sorted(set(config.get("DriveSyncHub", ())) - set(DriveSyncHub.class_trait_names()))
    if unknown:
        raise BadSettings(name=f"c.DriveSyncHub.{unknown[0]}", problem="there is no such option")
    try:
        options = DriveSyncHub(config=config)
    except TraitError as problem:
        words = " ".join(str(problem).split()).rstrip(".")
        raise BadSettings(name="c.DriveSyncHub", problem=words) from problem
    options.check()
    return options
