"""The options that several commands have, and what becomes of them."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Concatenate, Final, Literal, ParamSpec

import click

from jupyter_drive_sync.cli.configuration import server_config
from jupyter_drive_sync.cli.output import Output
from jupyter_drive_sync.core.settings import from_mapping
from jupyter_drive_sync.core.storage import NoSuchStorage, Storage
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.runner import storages
from jupyter_drive_sync.runner.hub import follow_at, look
from jupyter_drive_sync.runner.parent import Child
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Job

P = ParamSpec("P")
_STOPPING: Final = b"\nStopping after the request at hand; Ctrl-C again stops at once.\n"
_FOLDER: Final = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works at.

    Attributes:
        place: the home, as the options name it, else the configuration of Jupyter servers.
        out: where it speaks to.
        configured: storages of that configuration.
        roots: where the folders of storages may lie, beside the home.
    """

    place: Place
    out: Output
    configured: tuple[Storage, ...] = ()
    roots: tuple[Path, ...] = ()

    def storages(self) -> tuple[Storage, ...]:
        """Return all storages (errors as :func:`storages.joined`)."""
        return storages.joined(self.place.state_dir, self.configured)

    def storage(self, name: str) -> Storage:
        """Return a storage.

        Raises:
            NoSuchStorage: there is none of that name.
        """
        return storages.find(self.storages(), name)

    def heeding_hub(self) -> Place:
        """Return the home with what the hub's admin sets for its person, where there is a hub.

        Raises:
            Relayed, HubSilent: the hub does not say.
            BadSettings: what it sets cannot be used.
        """
        if self.place.credentials != "broker":
            return self.place
        settings = {**self.place.settings, **look(self.place).settings}
        from_mapping(settings)
        return replace(self.place, settings=settings)

    def perform(self, job: Job) -> Mapping[str, Any]:
        """Run a job in a child; Ctrl-C and an ending terminal cancel it in order.

        Raises:
            DriveSyncError: what the job met.
        """
        with Child(job) as child, _ended_by_signals(child):
            return follow_at(self.place, child, self.out.heard)


STORAGE: Final = click.option(
    "--storage", default="", metavar="NAME", help="Of this storage, not of the home."
)
"""For commands that look into records, see :func:`of_storage`."""


def of_storage(desk: Desk, name: str) -> Desk:
    """Return the desk at which a storage's records lie; the home's where none is named.

    Raises:
        NoSuchStorage: there is none, and never was.
    """
    if not name:
        return desk
    folder = storages.folder_of(desk.place.state_dir, name)
    try:
        home = storages.local_of(desk.place, desk.storage(name), desk.roots)
    except NoSuchStorage:
        if name.startswith(".") or "/" in name or not folder.is_dir():
            raise
        home = desk.place.home  # of a server that was told of it on its own command line
    return replace(desk, place=replace(desk.place, state_dir=folder, home=home))


_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "home": {
        "type": _FOLDER,
        "metavar": "DIR",
        "help": "The folder to mirror.  [default: $HOME]",
    },
    "drive_folder": {
        "metavar": "home/NAME",
        "help": "Where the mirror lies on Drive.  [default: home/ and your user name]",
    },
    "state_dir": {
        "type": _FOLDER,
        "metavar": "DIR",
        "help": "Our own folder: grant, records, settings.  [default: "
        "$XDG_STATE_HOME/jupyter-drive-sync, else ~/.local/state/jupyter-drive-sync]",
    },
    "client_file": {
        "type": _FOLDER,
        "metavar": "FILE",
        "help": "Google's OAuth client file.  [default: $DRIVE_SYNC_CLIENT_FILE, else the one that "
        "was used last, else client_secrets.json in the state folder or here]",
    },
    "credentials": {
        "type": click.Choice(["auto", "grant", "broker", "adc"]),
        "default": "auto",
        "help": "Your own grant, that of the hub's broker, or Application Default Credentials "
        "(never used unless named).  [default: the broker's where there is one, else your own]",
    },
}
"""What names a home and all that belongs to it."""


def at_desk(
    *options: Literal["home", "drive_folder", "client_file", "credentials"],
) -> Callable[[Callable[Concatenate[Desk, P], int | None]], Callable[P, None]]:
    """Give a command the options that name a home, and ``--json``, as a :class:`Desk`.

    ``--help`` shows ``--state-dir`` and those that are named here. The others are taken as well and
    change nothing, so that one line of options serves for every command.

    What the command returns is the exit status; an error of ours is said in its sentence.
    """

    def decorate(command: Callable[Concatenate[Desk, P], int | None]) -> Callable[P, None]:
        @functools.wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            out = Output(as_json=bool(kwargs.pop("as_json")))
            named: dict[str, Any] = {name: kwargs.pop(name) for name in _OPTIONS}
            try:
                config = server_config()
                place = config.place(os.environ, named)
                desk = Desk(place, out, config.storages_read(), config.roots())
                status = command(desk, *args, **kwargs)
            except DriveSyncError as problem:
                out.problem(problem)
                status = problem.exit_code
            raise click.exceptions.Exit(status or 0)

        decorated: Callable[P, None] = click.option(
            "--json", "as_json", is_flag=True, help="Print one JSON object per line."
        )(run)
        shown = (*options, "state_dir")
        for name in reversed((*shown, *(name for name in _OPTIONS if name not in shown))):
            flag = f"--{name.replace('_', '-')}"
            decorated = click.option(flag, hidden=name not in shown, **_OPTIONS[name])(decorated)
        return decorated

    return decorate


@contextmanager
def _ended_by_signals(child: Child) -> Iterator[None]:
    """Turn the usual requests to end into a cancelled child, as long as it runs."""

    def cancel(*_: object) -> None:
        child.cancel()
        # Not through sys.stderr, which this signal may have interrupted in the middle of a write.
        os.write(2, _STOPPING)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # Who ignores a signal, as nohup does, goes on to do so.
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, cancel) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
