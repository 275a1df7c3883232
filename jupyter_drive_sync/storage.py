"""A folder on Google Drive from Python: for checkpoints, data and whatever a notebook needs.

::

    from jupyter_drive_sync.storage import open_storage

    storage = open_storage("config.json", folder="checkpoints")
    storage.import_("last.pt")   # what is newer on Drive comes to checkpoints/
    ...
    storage.export("last.pt")    # the same file on Drive gets a new version

``config.json`` (or a dictionary of the same form) says which folder, and with whose rights::

    {"external_storage": {"type": "GDriveStorage", "args": {
        "storage_folder_id": "1AbC…",
        "client_credentials_filepath": "client_secrets.json",
        "service_account_key_filepath": "key.json"}}}

All three may lie below ``"trainer"``, or the arguments stand alone. The folder is given by its id
(``storage_folder_id`` or ``storage_dir_id``), by its address, or by its path from My Drive on. With
a key, downloads are the service account's, and need nothing but a folder that is shared with it, or
with everybody who has the link. Uploads are those of the client's person where there is a client
file, since a service account owns no files in My Drive. With neither, it is the permission of the
home: the hub's, or the one that ``jupyter drive-sync authorize`` got.

What is cut short goes on when it is called again, a large file at the byte where it stopped.
Nothing that was edited here is ever overwritten; see ``docs/user/storages.md``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from jupyter_drive_sync.core.storage import (
    BadStorage,
    Incomplete,
    Storage,
    is_address,
    is_path,
    read,
)
from jupyter_drive_sync.core.tree import RelPath, is_below
from jupyter_drive_sync.runner import consent, storages
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.runner.hub import follow_at
from jupyter_drive_sync.runner.parent import Child
from jupyter_drive_sync.runner.place import Place, find_place
from jupyter_drive_sync.runner.protocol import Event, Job, JobKind, Progress

__all__ = ["Connection", "DriveStorage", "RemoteFile", "Transfer", "open_storage", "read_config"]

_TYPE: Final = "GDriveStorage"
_FOLDERS: Final = ("storage_folder_id", "storage_dir_id", "storage_folder_url", "storage_folder")
_CLIENT: Final = "client_credentials_filepath"
_KEY: Final = "service_account_key_filepath"
_SUBJECT: Final = "subject"
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file in the folder on Drive.

    Attributes:
        name: path below the folder.
        id: of the file on Drive.
        size: bytes.
        modified: when its content was changed, seconds since the epoch.
        md5: hexadecimal; ``""`` for documents of Google, which have no content of their own.
        link: its address on Drive.
    """

    name: str
    id: str
    size: int
    modified: float
    md5: str
    link: str


@dataclass(frozen=True, slots=True)
class Connection:
    """What :meth:`DriveStorage.validate_connection` found.

    Attributes:
        account: address of whoever acts.
        folder: name of the folder on Drive; ``""`` while it is still to be made.
        link: its address.
        sample: a file that was read as a trial; ``""`` where nothing is to be downloaded.
    """

    account: str
    folder: str
    link: str
    sample: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """What an import or an export did.

    Attributes:
        outcomes: what became of each file that was not simply there already, by its name; such as
            ``brought``, ``refreshed``, ``beside``, ``uploaded``, ``updated``.
        unchanged: files that were there already.
        bytes: that were transferred.
    """

    outcomes: Mapping[str, str]
    unchanged: int
    bytes: int


@dataclass(frozen=True)
class DriveStorage:
    """A folder here and a folder on Drive. Made by :func:`open_storage`.

    Attributes:
        place: the home whose state folder and, where nothing else is named, rights are used.
        folder: the folder here.
        drive: the folder on Drive.
        source: describes how it is read.
        target: describes how it is written.
        progress: whether a bar shows how far a transfer is.
    """

    place: Place
    folder: Path
    drive: str
    source: Storage
    target: Storage
    progress: bool = True

    def validate_connection(self, *, writing: bool = False) -> Connection:
        """See whether the folder can be used: credentials, folder, and one file that can be read.

        Args:
            writing: whether it is to be exported to.

        Raises:
            DriveSyncError: says in a sentence what stands in the way.
        """
        found = self._perform(self.job("validate_storage", writing=writing))
        folder = found["folder"] or {"name": "", "link": ""}
        return Connection(found["account"], folder["name"], folder["link"], found["sample"])

    def list(self) -> list[RemoteFile]:
        """List the files in the folder on Drive and below it.

        Raises:
            DriveSyncError: it cannot be read.
        """
        found = self._perform(self.job("list"))
        return [
            RemoteFile(
                item["path"], item["id"], item["size"], item["mtime"], item["md5"], item["link"]
            )
            for item in found["files"]
            if not item["folder"]
        ]

    def import_(self, *names: str, to: str | os.PathLike[str] | None = None) -> Transfer:
        """Bring what is new in the folder on Drive.

        A file that was edited here keeps its place; a newer one of Drive comes beside it.

        Args:
            names: files and folders below the folder on Drive; none means all.
            to: folder to bring them to, made when it is missing; by default the storage's own.

        Raises:
            NotThere: one of the names is not there.
            Incomplete: some of it did not come; called again, it goes on.
            DriveSyncError: what else stands in the way.
        """
        here = None if to is None else Path(to).absolute()
        return _transfer(self._perform(self.job("import", here=here, only=names)))

    def export(self, *names: str | os.PathLike[str]) -> Transfer:
        """Mirror what is here to the folder on Drive: each file keeps its id there.

        What was removed here stays on Drive.

        Args:
            names: files and folders below the storage's folder here; none means all.

        Raises:
            BadStorage: one of the names lies elsewhere, or is not there.
            Incomplete: some of it did not go; called again, it goes on.
            DriveSyncError: what else stands in the way.
        """
        only = [self._name(name) for name in names]
        return _transfer(self._perform(self.job("export", only=only, writing=True)), only)

    def authorize(self) -> str:
        """Have the person of the client file consent, in a browser; returns the account's address.

        Needed once, where a client file is named that the home was not connected with.

        Raises:
            BadStorage: no client file is named.
            DriveSyncError: consent was not given.
        """
        target = self.target
        if target.credentials != "client":
            raise BadStorage(name=self.drive, problem=f"it has no {_CLIENT} to connect with")
        place = replace(
            self.place,
            state_dir=self._own_grant(target),
            client_file=Path(target.client_file),
            client_named=True,
            credentials="grant",
        )
        account = consent.by_browser(
            place, _open_browser, patience=consent.PATIENCE, scopes=consent.scopes_for(target)
        )
        return str(account["email"])

    def _name(self, name: str | os.PathLike[str]) -> str:
        path = self.folder / name
        if not path.exists():
            raise BadStorage(name=self.drive, problem=f"there is no {path} to export")
        inside = os.path.normpath(path.absolute())
        below = os.path.relpath(inside, self.folder)
        if below.startswith(".."):
            raise BadStorage(name=self.drive, problem=f"{path} does not lie below {self.folder}")
        return "" if below == "." else below

    def job(
        self,
        kind: JobKind,
        *,
        here: Path | None = None,
        only: Sequence[str] = (),
        writing: bool = False,
    ) -> Job:
        """Describe a job on this storage, for whoever runs it in another way.

        Args:
            kind: see :func:`.runner.storages.job`.
            here: the folder here, where it is not the storage's own.
            only: names that it is about; none means all.
            writing: whether it writes to Drive.

        Raises:
            BadStorage, StateUnusable, StateFull: it cannot be described, or not be written down
                which files are its keys.
        """
        storage = self.target if writing else self.source
        here = here or self.folder
        storages.note_keys(
            self.place.state_dir, storages.key_files(self.place.home, [self.source, self.target])
        )
        return storages.job(
            self.place,
            storage,
            kind,
            args={
                "only": [] if "" in only else [*only],
                "exported": str(self._state(here, "export")),
            },
            local=here,
            state_dir=self._state(here, storage.direction),
            grant_dir=self._grant_dir(storage),
        )

    def _perform(self, job: Job) -> Mapping[str, Any]:
        with Child(job) as child, _bar(job, shown=self.progress) as heard:
            return follow_at(self.place, child, heard)

    def _state(self, here: Path, direction: str) -> Path:
        key = json.dumps([self.drive, str(here), direction])
        return self._below(hashlib.sha256(key.encode()).hexdigest()[:16])

    def _below(self, name: str) -> Path:
        return storages.folder_of(self.place.state_dir, storages.PYTHON) / name

    def _own_grant(self, storage: Storage) -> Path:
        return self._below(hashlib.sha256(storage.client_file.encode()).hexdigest()[:16])

    def _grant_dir(self, storage: Storage) -> Path | None:
        """Return where the grant lies; a client that the home is connected with has it there."""
        if storage.credentials != "client":
            return None
        own = self._own_grant(storage)
        home = Account.load(self.place.state_dir)
        at_home = home is not None and home.client_file == storage.client_file
        return self.place.state_dir if at_home and Account.load(own) is None else own


def open_storage(
    config: Mapping[str, Any] | str | os.PathLike[str],
    *,
    folder: str | os.PathLike[str] = ".",
    progress: bool = True,
    state_dir: str | os.PathLike[str] | None = None,
) -> DriveStorage:
    """Open a storage; nothing is sent yet.

    Args:
        config: a dictionary, or the path of a JSON file; see the module.
        folder: the folder here; made when something comes.
        progress: show a bar while files travel.
        state_dir: the state folder; by default that of the home.

    Raises:
        BadStorage: the configuration cannot be used; says why.
    """
    args, base = read_config(config)
    drive = next(str(args[name]) for name in _FOLDERS if name in args)
    key, client = (_file(base, args.get(name, "")) for name in (_KEY, _CLIENT))
    common = {"local": "folder", "drive": drive}
    reading = {"key_file": key, "subject": args.get(_SUBJECT, "")} if key else {}
    writing = {"client_file": client} if client else reading
    source = read({**common, "direction": "import", **(reading or writing)}, name="source")
    if client and not is_path(drive):
        # The folder was made by somebody else, so what we make is too little to see.
        writing = {**writing, "scope": "drive"}
    target = read({**common, "direction": "export", **writing}, name="target")
    place = find_place(
        os.environ,
        state_dir=Path(state_dir) if state_dir is not None else None,
    )
    return DriveStorage(place, Path(folder).absolute(), drive, source, target, progress)


def read_config(
    config: Mapping[str, Any] | str | os.PathLike[str],
) -> tuple[Mapping[str, Any], Path]:
    """Find the arguments of a storage in a configuration.

    Returns:
        The arguments, and the folder that relative paths in them belong to.

    Raises:
        BadStorage: there are none, or some that nobody knows.
    """
    values, label, base = _load(config)
    try:
        given = _arguments(values)
    except ValueError as problem:
        raise BadStorage(name=label, problem=str(problem)) from None
    return given, base


def _arguments(values: Any) -> dict[str, str]:
    """Find the arguments; a ``ValueError`` says what is wrong."""
    for name in ("trainer", "external_storage"):
        if isinstance(values, Mapping) and isinstance(values.get(name), Mapping):
            values = values[name]
    if isinstance(values, Mapping) and "type" in values:
        if values["type"] != _TYPE:
            raise ValueError(f"its type {values['type']!r} is not {_TYPE}")
        values = values.get("args")
    if not isinstance(values, Mapping):
        raise ValueError("it has no arguments of a storage")
    for name, value in values.items():
        if name not in (*_FOLDERS, _CLIENT, _KEY, _SUBJECT):
            raise ValueError(f"there is no argument {name}")
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name} is no text")
    given = {name: value for name, value in values.items() if value}
    if sum(name in given for name in _FOLDERS) != 1:
        raise ValueError(f"it needs one of {', '.join(_FOLDERS[:2])} or an address in their place")
    return given


def _load(config: Mapping[str, Any] | str | os.PathLike[str]) -> tuple[Any, str, Path]:
    if isinstance(config, Mapping):
        return config, "given", Path.cwd()
    path = Path(config).absolute()
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_MOST_BYTES)), path.name, path.parent
    except FileNotFoundError:
        problem = f"there is no file {path}"
    except OSError as error:
        problem = f"{path} cannot be read ({(error.strerror or 'no access').lower()})"
    except ValueError:
        problem = f"{path} is not JSON"
    raise BadStorage(name=path.name, problem=problem) from None


def _file(base: Path, name: str) -> str:
    return name if not name or is_address(name) else str(base / Path(name).expanduser())


def _transfer(result: Mapping[str, Any], only: Sequence[str] = ()) -> Transfer:
    """Read how it went; of ``only`` alone, where names are given: an export sees more."""

    def asked(item: Mapping[str, Any]) -> bool:
        path = RelPath(item["path"])
        return not only or any(is_below(path, RelPath(name)) for name in only)

    failed = [item for item in result["files"] if item["outcome"] == "failed"]
    if failed:
        first = failed[0]
        count = result["counters"]["failed"]
        raise Incomplete(path=first["path"], reason=first["reason"], count=count)
    return Transfer(
        {item["path"]: item["outcome"] for item in result["files"] if asked(item)},
        result["counters"]["unchanged"],
        result["counters"]["bytes"],
    )


@contextlib.contextmanager
def _bar(job: Job, *, shown: bool) -> Iterator[Any]:
    """Show a bar for a block; yields what is told of events."""
    if not shown or job.kind not in ("import", "export"):
        yield lambda _: None
        return
    from tqdm.auto import tqdm  # noqa: PLC0415 - slow, and only for whoever looks on

    with tqdm(desc=job.kind, unit="B", unit_scale=True, unit_divisor=1000, leave=False) as bar:

        def heard(event: Event) -> None:
            if isinstance(event, Progress) and event.bytes_total:
                bar.total = event.bytes_total
                bar.update(event.bytes_done - bar.n)

        yield heard


def _open_browser(address: str) -> None:
    import webbrowser  # noqa: PLC0415 - of no use but here

    print(f"Open this address to connect your Google Drive:\n\n    {address}\n")  # noqa: T201
    webbrowser.open(address)
