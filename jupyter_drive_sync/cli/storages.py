"""``storages`` and ``download``: folders on Drive beside the mirror of the home."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from jupyter_drive_sync.cli import words
from jupyter_drive_sync.cli.options import Desk, at_desk
from jupyter_drive_sync.cli.output import Output
from jupyter_drive_sync.core import cron
from jupyter_drive_sync.core.storage import HOME, BadStorage, Storage, read
from jupyter_drive_sync.engine.report import read_status
from jupyter_drive_sync.runner import consent, storages
from jupyter_drive_sync.runner.clock import SystemClock
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Job, JobKind
from jupyter_drive_sync.server.problems import SetByAdmin
from jupyter_drive_sync.storage import open_storage

_SHOWN: Final = 20
_TOLD: Final = ("failed", "beside", "edited_here", "gone_on_drive", "skipped", "held")
"""Outcomes that a person hears of unasked; --json lists the others too."""
_FILE: Final = click.Path(path_type=Path)


@click.group("storages")
def storages_() -> None:
    """Folders on Drive beside the mirror: course material that comes in, results that go out."""


@storages_.command("list")
@at_desk("home")
def list_(desk: Desk) -> None:
    """List the storages, with how each stands."""
    for storage in desk.storages():
        status = _status(desk.place, storage)
        desk.out.record("storage", {**storage.shown(), "status": status})
        desk.out.say(f"{storage.name}  {_arrow(storage)}  ({_standing(status)})")
    desk.out.say(f"{HOME}  the mirror of your home; see `jupyter drive-sync status`")


@storages_.command()
@click.argument("name")
@at_desk("home")
def show(desk: Desk, *, name: str) -> None:
    """Show one storage: what it is, and how it stands."""
    storage = desk.storage(name)
    status = _status(desk.place, storage)
    desk.out.record("storage", {**storage.shown(), "status": status})
    for key, value in storage.shown().items():
        if value:
            shown = ", ".join(value) if isinstance(value, list) else value
            desk.out.say(f"{key}: {words.one_line(str(shown))}")
    desk.out.say(f"status: {_standing(status)}")


@storages_.command()
@click.argument("name")
@click.argument("local", metavar="FOLDER")
@click.argument("drive", metavar="DRIVE_FOLDER")
@click.option(
    "--export", "export_", is_flag=True, help="Mirror FOLDER to Drive, not the other way."
)
@click.option("--scope", metavar="SCOPE", help="drive.file, drive.readonly or drive.")
@click.option(
    "--with",
    "kind",
    type=click.Choice(["auto", "own", "broker", "adc", "service_account", "client", "hub"]),
    help="Whose rights.  [default: of the key or client that is named, else those of the home]",
)
@click.option("--key", metavar="FILE", help="Key of a service account, or its https address.")
@click.option("--client", metavar="FILE", help="An OAuth client of its own for this storage.")
@click.option("--subject", metavar="ADDRESS", help="The person for whom a service account acts.")
@click.option("--schedule", metavar="CRON", help='When it runs by itself, such as "0 5 * * *".')
@click.option("--include", "includes", multiple=True, metavar="PATTERN", help="Only what matches.")
@click.option("--exclude", "excludes", multiple=True, metavar="PATTERN", help="Leave this out.")
@click.option("--replace", "again", is_flag=True, help="Change a storage of that name.")
@click.option("--no-check", is_flag=True, help="Keep it without a look at Drive.")
@at_desk("home", "client_file", "credentials")
def add(
    desk: Desk,
    *,
    name: str,
    local: str,
    drive: str,
    export_: bool,
    scope: str | None,
    kind: str | None,
    key: str | None,
    client: str | None,
    subject: str | None,
    schedule: str | None,
    includes: tuple[str, ...],
    excludes: tuple[str, ...],
    again: bool,
    no_check: bool,
) -> None:
    """Make a storage NAME: FOLDER of your home, and DRIVE_FOLDER by its address, id or path.

    Whether it works is tried before it is kept. An import brings what is new in DRIVE_FOLDER, and
    never over what you edited; an export mirrors FOLDER, and makes DRIVE_FOLDER when it is a path
    that is not there.
    """
    given = {
        "name": name,
        "local": local,
        "drive": drive,
        "direction": "export" if export_ else "import",
        "scope": scope,
        "credentials": kind,
        "key_file": _absolute(key),
        "client_file": _absolute(client),
        "subject": subject,
        "schedule": schedule,
        "includes": list(includes),
        "excludes": list(excludes),
    }
    storage = read({key: value for key, value in given.items() if value}, check_schedule=cron.parse)
    known = {item.name.lower() for item in desk.storages()}
    if name.lower() in known and not again:
        raise BadStorage(name=name, problem="there is one of that name; change it with --replace")
    if no_check:
        storages.local_of(desk.place, storage, desk.roots)
    else:
        _tell_valid(desk, desk.perform(_job(desk, storage, "validate_storage")))
    storages.keep(desk.place.state_dir, storage)
    desk.out.record("storage", {**storage.shown(), "status": _status(desk.place, storage)})
    desk.out.say(f"Kept. `jupyter drive-sync storages run {storage.name}` runs it.")


@storages_.command()
@click.argument("name")
@at_desk("home", "client_file", "credentials")
def validate(desk: Desk, *, name: str) -> None:
    """Try whether a storage works: credentials, folder, and one file that can be read."""
    storage = desk.storage(name)
    _tell_valid(desk, desk.perform(_job(desk, storage, "validate_storage")))


@storages_.command("run")
@click.argument("name")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@at_desk("home", "client_file", "credentials")
def run_(desk: Desk, *, name: str, paths: tuple[str, ...], dry_run: bool) -> int:
    """Run a storage now, or only the given PATHs below its folder. Goes on where it stopped."""
    storage = desk.storage(name)
    args = {"only": [path.strip("/") for path in paths], "dry_run": dry_run}
    result = desk.perform(_job(desk, storage, storage.direction, args=args))
    desk.out.record("run", result)
    _tell(desk.out, storage, result, dry_run=dry_run)
    return int(result["exit_code"])


@storages_.command()
@click.argument("name")
@click.option("--no-browser", is_flag=True, help="Only print the address, open no browser.")
@at_desk("home")
def authorize(desk: Desk, *, name: str, no_browser: bool) -> None:
    """Connect a storage that has an OAuth client of its own, with the scope that it needs."""
    storage = desk.storage(name)
    place = storages.connecting(desk.place, storage)

    def ask(address: str) -> None:
        desk.out.record("consent", {"url": address})
        desk.out.say(f"Open this address to connect the storage {name}:\n\n    {address}\n")
        if not no_browser and not desk.out.as_json:
            webbrowser.open(address)

    scopes = consent.scopes_for(storage)
    account = consent.by_browser(place, ask, patience=consent.PATIENCE, scopes=scopes)
    desk.out.record("connected", account)
    desk.out.say(f"Connected as {account['email']}, for the storage {name} alone.")


@storages_.command()
@click.argument("name")
@at_desk("home")
def remove(desk: Desk, *, name: str) -> None:
    """Forget a storage and its permission. Files stay, here and on Drive."""
    if all(item.name != name for item in storages.load(desk.place.state_dir)):
        desk.storage(name)
        raise SetByAdmin(name=f"c.DriveSync.storages[{name!r}]")
    storages.remove(desk.place.state_dir, name)
    desk.out.record("removed", {"name": name})
    desk.out.say(f"Forgot the storage {name}. Its files stay, here and on Drive.")


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--config", required=True, type=_FILE, metavar="FILE", help="JSON of the storage.")
@click.option(
    "--to",
    type=_FILE,
    default=Path(),
    metavar="DIR",
    help="Bring the files into this folder.  [default: the current one]",
)
@at_desk("credentials")
def download(desk: Desk, *, names: tuple[str, ...], config: Path, to: Path) -> int:
    """Bring files from the folder on Drive that a training's configuration names.

    FILE has the form {"external_storage": {"type": "GDriveStorage", "args": {…}}}. A file that lies
    there with other content is left, and the one of Drive gets a name beside it.
    """
    storage = open_storage(config, folder=to, state_dir=desk.place.state_dir)
    job = storage.job("import", only=names)
    result = desk.perform(job)
    desk.out.record("run", result)
    _tell(desk.out, storage.source, result, dry_run=False)
    return int(result["exit_code"])


def _job(desk: Desk, storage: Storage, kind: JobKind, **more: Any) -> Job:
    return storages.job(desk.place, storage, kind, roots=desk.roots, **more)


def _absolute(path: str | None) -> str | None:
    """Take a file as the shell means it, not below the home."""
    return path if not path or "://" in path else os.path.abspath(path)  # noqa: PTH100 - text


def _status(place: Place, storage: Storage) -> dict[str, Any]:
    folder = storages.folder_of(place.state_dir, storage.name)
    now = SystemClock().wall()
    status = read_status(folder, now, ping_seconds=place.load_settings().ping_seconds)
    return {
        "status": status.status,
        "last_sync": status.last_sync,
        "last_sync_count": status.last_sync_count,
        "last_sync_job": status.last_sync_job,
        "problem": status.problem,
        "meta": status.meta,
    }


def _arrow(storage: Storage) -> str:
    way = "<-" if storage.direction == "import" else "->"
    return words.one_line(f"{storage.local} {way} {storage.drive}")


def _standing(status: Mapping[str, Any]) -> str:
    if status["problem"]:
        return str(status["problem"]["sentence"])
    if status["last_sync"] is None:
        return "never ran" if status["status"] == "initialized" else str(status["status"])
    count = words.number(status["last_sync_count"], "file")
    return f"{count}, {words.moment(status['last_sync'])}"


def _tell_valid(desk: Desk, found: Mapping[str, Any]) -> None:
    desk.out.record("valid", found)
    folder = found["folder"]
    where = f"the folder {words.one_line(folder['name'])}" if folder else "a folder to be made"
    sample = f", and read {words.one_line(found['sample'])}" if found["sample"] else ""
    desk.out.say(f"It works: {found['account']} found {where}{sample}.")


def _tell(out: Output, storage: Storage, result: Mapping[str, Any], *, dry_run: bool) -> None:
    for step in result.get("steps", ()):
        beside = f" (as {words.one_line(step['as'])})" if step["step"] == "beside" else ""
        out.say(f"  bring: {words.one_line(step['path'])}{beside}")
    told = [file for file in result["files"] if file["outcome"] in _TOLD]
    for file in told[:_SHOWN]:
        out.say(words.outcome_line(file))
    if len(told) > _SHOWN:
        out.say(f"  … and {len(told) - _SHOWN:,} more; --json lists them all")
    counters = result["counters"]
    out.say(f"{words.counters_line(counters)} ({words.size(counters['bytes'])})")
    if result["problem"]:
        out.say(result["problem"]["sentence"])
    if dry_run:
        out.say("Nothing was done.")
    elif result["outcome"] == "completed":
        out.say(f"Done: {words.number(result['objects'], 'file')} in {_arrow(storage)}.")
