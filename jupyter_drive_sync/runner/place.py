"""Which home, to which Drive folder, with which client and state: asked once, used by every job.

A Jupyter server asks while it starts, so what only a job or a client file needs is imported when
there is one.
"""

from __future__ import annotations

import os
import pwd
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.drive.credentials.broker_at import BrokerAt, find_broker
from jupyter_drive_sync.engine.site import Identity, Site, make_state_dir
from jupyter_drive_sync.errors import UsageError
from jupyter_drive_sync.runner import settings_file
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.runner.clock import SystemClock

if TYPE_CHECKING:
    from jupyter_drive_sync.drive.oauth import ClientFile
    from jupyter_drive_sync.runner.protocol import Job, JobKind

CLIENT_FILE: Final = "client_secrets.json"
CLIENT_FILE_VARIABLE: Final = "DRIVE_SYNC_CLIENT_FILE"
PANTRY_VARIABLE: Final = "DRIVE_SYNC_PANTRY"
"""Folder with contents that were fetched once, for the imports of all homes of a hub."""

HUB_DEFAULTS: Final[Mapping[str, Any]] = {"keep_whole_folders": True}
"""On a hub a course that is rotated out has to stay readable."""

Credentials = Literal["grant", "adc", "broker"]


@dataclass(frozen=True, slots=True)
class Place:
    """One home and all that belongs to it.

    Attributes:
        home: the folder that is mirrored, absolute.
        state_dir: the state folder, absolute.
        drive_folder: where the mirror lies, from My Drive on.
        client_file: Google's client file, absolute.
        client_named: whether a person named it; of the default place its absence is no mistake.
        credentials: whose permission is used: the person's own ``grant``, that of the hub's
            ``broker``, or ``adc``.
        settings: laid over ``settings.json`` for this time.
        defaults: laid under it.
        broker: the hub's service, where there is one.
        pantry: folder with contents that were fetched for all homes of a hub, where there is one.
        keys: files that a server's configuration names as keys; never mirrored.
    """

    home: Path
    state_dir: Path
    drive_folder: str
    client_file: Path
    client_named: bool = False
    credentials: Credentials = "grant"
    settings: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    broker: BrokerAt | None = None
    pantry: Path | None = None
    keys: tuple[Path, ...] = ()

    def job(
        self,
        kind: JobKind,
        *,
        args: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Job:
        """Describe a job for this home, under a new id."""
        from jupyter_drive_sync.runner.protocol import Job  # noqa: PLC0415 - see above

        return Job(
            kind=kind,
            id=uuid.uuid4().hex[:12],
            home=str(self.home),
            state_dir=str(self.state_dir),
            drive_folder=self.drive_folder,
            client_file=str(self.client_file),
            client_named=self.client_named,
            credentials=self.credentials,
            settings=dict(self.settings),
            defaults=dict(self.defaults),
            args=dict(args or {}),
            secrets=dict(secrets or {}),
            keys=tuple(str(path) for path in (self.client_file, *self.keys)),
        )

    def client(self) -> ClientFile:
        """Read the client file.

        Raises:
            BadClientFile, NoClient: see :func:`load_client_file`.
        """
        from jupyter_drive_sync.drive.oauth import load_client_file  # noqa: PLC0415 - see above

        return load_client_file(self.client_file, named=self.client_named)

    def identity(self) -> Identity:
        """Return who the home is; it is made where nobody looked at it before.

        Raises:
            StateUnusable, StateFull: the state folder cannot be used.
        """
        make_state_dir(self.state_dir)
        site = Site(self.home, self.drive_folder, self.state_dir, Settings(), SystemClock())
        return Identity.load(site)[0]

    def load_settings(self) -> Settings:
        """Return the settings of this home.

        Raises:
            BadSettings, StateUnusable: see :func:`settings_file.load`.
        """
        return settings_file.load(self.state_dir, self.settings, self.defaults)


def find_place(
    environment: Mapping[str, str],
    *,
    home: Path | None = None,
    state_dir: Path | None = None,
    drive_folder: str | None = None,
    client_file: Path | None = None,
    credentials: Credentials | Literal["auto"] = "auto",
    settings: Mapping[str, Any] | None = None,
) -> Place:
    """Fill in what nobody named.

    The home is ``$HOME``; the Drive folder ``home/NAME`` with the hub's user name, else the login
    name; the client file that of ``DRIVE_SYNC_CLIENT_FILE``, else the one that the home was
    connected with, else ``client_secrets.json`` in the state folder, else in the current folder.
    The permission is that of the hub's broker, where there is one and nobody named a client file;
    else the person's own grant.

    Raises:
        UsageError: the Drive folder is no path of names, or there is no broker.
        BadSettings: the broker's address is none.
    """
    state = (state_dir or default_state_dir(environment)).absolute()
    named = client_file or _path(environment.get(CLIENT_FILE_VARIABLE))
    broker = None
    if credentials == "broker" or (credentials == "auto" and named is None):
        broker = find_broker(environment)
    if credentials == "broker" and broker is None:
        raise UsageError(problem="There is no service of a hub here that could be asked.")
    if credentials == "auto":
        credentials = "broker" if broker else "grant"
    return Place(
        home=(home or default_home(environment)).absolute(),
        state_dir=state,
        drive_folder=_checked(drive_folder or f"home/{user_name(environment)}"),
        client_file=(named or _usual_client_file(state)).absolute(),
        client_named=named is not None,
        credentials=credentials,
        settings=settings or {},
        defaults=HUB_DEFAULTS if environment.get("JUPYTERHUB_USER") else {},
        broker=broker,
        pantry=_path(environment.get(PANTRY_VARIABLE)),
    )


def default_home(environment: Mapping[str, str]) -> Path:
    """Return ``$HOME``, else the account's own home."""
    return _path(environment.get("HOME")) or Path(pwd.getpwuid(os.getuid()).pw_dir)


def default_state_dir(environment: Mapping[str, str]) -> Path:
    """Return our folder below ``$XDG_STATE_HOME`` (XDG Base Directory Specification)."""
    base = _path(environment.get("XDG_STATE_HOME"))
    if base is None or not base.is_absolute():
        base = default_home(environment) / ".local" / "state"
    return base / "jupyter-drive-sync"


def user_name(environment: Mapping[str, str]) -> str:
    """Return the hub's name for the person, else the login name."""
    named = environment.get("JUPYTERHUB_USER")
    if named:
        return named
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container with a made-up user id
        return environment.get("USER") or f"user-{os.getuid()}"


def _usual_client_file(state: Path) -> Path:
    account = Account.load(state)
    usual = state / CLIENT_FILE
    candidates = [Path(account.client_file)] if account and account.client_file else []
    candidates += [usual, Path(CLIENT_FILE)]
    return next((path for path in candidates if path.is_file()), usual)


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _checked(folder: str) -> str:
    names = folder.strip("/").split("/")
    if any(name in ("", ".", "..") for name in names):
        raise UsageError(problem=f"--drive-folder {folder!r} is no path such as home/ann.")
    return "/".join(names)
