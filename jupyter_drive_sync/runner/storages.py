"""The storages of one home: what is kept of them, and the jobs that work on one. Parent's side.

Each has a folder of its own below the state folder, with its records, status and history, and a
grant where it has a client of its own. What a person has made lies in ``settings.json``.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.storage import (
    BadStorage,
    NoSuchStorage,
    Storage,
    is_address,
    place_of,
    read,
)
from jupyter_drive_sync.engine.site import make_state_dir, write_private
from jupyter_drive_sync.errors import StateUnusable
from jupyter_drive_sync.runner import settings_file
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.turns import changing

if TYPE_CHECKING:  # a server asks for its storages while it starts
    from jupyter_drive_sync.runner.protocol import Job, JobKind

_FOLDER: Final = "storages"
PYTHON: Final = ".python"
"""Folder of those used from Python; no name of a storage begins with a dot."""
_NOTED: Final = "keys.json"
_MOST_NOTED: Final = 1_000
_MOST_BYTES: Final = 5 * 1024**4
"""Largest file of Drive: a size limit of the home is none of a storage."""
_OF_HOME: Final = (
    "small_file", "chunk_size", "concurrency", "bandwidth", "memory_headroom", "max_files",
    "lease_seconds", "ping_seconds", "listing_lag", "request_timeout", "retries",
)  # fmt: skip
"""Settings of the home that hold for its storages too."""
_KINDS: Final = {"own": "grant", "client": "grant", "hub": "broker"}


def folder_of(state_dir: Path, name: str) -> Path:
    """Return the state folder of a storage."""
    return state_dir / _FOLDER / name


def load(state_dir: Path) -> tuple[Storage, ...]:
    """Return the storages that a person has made.

    Raises:
        BadStorage, BadSettings: the file was changed by hand, and not well.
        StateUnusable: it cannot be read.
    """
    kept = settings_file.stored(state_dir).get(settings_file.STORAGES, [])
    return tuple(read(values) for values in kept) if isinstance(kept, list) else ()


def joined(state_dir: Path, configured: Iterable[Storage]) -> tuple[Storage, ...]:
    """Return a person's storages and the configuration's; the person's own value of one wins.

    Raises:
        BadStorage, BadSettings, StateUnusable: as :func:`load`.
    """
    own = load(state_dir)
    names = {storage.name for storage in own}
    return (*(item for item in configured if item.name not in names), *own)


def find(storages: Iterable[Storage], name: str) -> Storage:
    """Return the storage of a name.

    Raises:
        NoSuchStorage: there is none.
    """
    for storage in storages:
        if storage.name == name:
            return storage
    raise NoSuchStorage(name=name)


def keep(state_dir: Path, storage: Storage) -> None:
    """Keep a storage, in place of one of the same name.

    Raises:
        BadStorage: its key is at an address that may be a secret itself.
        StateUnusable, StateFull: it cannot be written.
    """
    if is_address(storage.key_file) and "?" in storage.key_file:
        raise BadStorage(
            name=storage.name,
            problem="key_file has a query, which may be a secret, and would be written into "
            "settings.json; save the key in a file",
            field="key_file",
        )
    with changing(state_dir):
        before = load(state_dir)
        old = next((item for item in before if item.name == storage.name), None)
        if old is not None and _aim(old) != _aim(storage):
            forget_records(folder_of(state_dir, storage.name))
        others = [item.described() for item in before if item.name != storage.name]
        settings_file.keep_storages(state_dir, [*others, storage.described()])


def remove(state_dir: Path, name: str) -> None:
    """Forget a storage, its records and its grant; files here and on Drive stay.

    Raises:
        NoSuchStorage: a person has made none of that name.
        StateUnusable, StateFull: it cannot be written.
    """
    with changing(state_dir):
        before = load(state_dir)
        find(before, name)
        kept = [item.described() for item in before if item.name != name]
        settings_file.keep_storages(state_dir, kept)
    forget(state_dir, name)


def forget(state_dir: Path, name: str) -> None:
    """Forget the records and the grant of a storage."""
    shutil.rmtree(folder_of(state_dir, name), ignore_errors=True)


def forget_records(folder: Path) -> None:
    """Forget what a storage has done; its grant stays."""
    for name in ("ledger.sqlite", "ledger.sqlite-journal", "status.json", "home.json"):
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def key_files(home: Path, storages: Iterable[Storage]) -> tuple[Path, ...]:
    """Return the files that storages name as key or client: whoever has them has the rights."""
    named = [path for item in storages for path in (item.key_file, item.client_file)]
    return tuple(home / path for path in named if path and not is_address(path))


def known_keys(home: Path, state_dir: Path) -> tuple[Path, ...]:
    """Return the files that a home's storages name as keys, those used from Python among them.

    Raises:
        BadStorage, BadSettings, StateUnusable: what they are cannot be read.
    """
    return (*key_files(home, load(state_dir)), *_noted(state_dir))


def note_keys(state_dir: Path, keys: Iterable[Path]) -> None:
    """Remember the keys of a storage that is used from Python, which nothing else names.

    Raises:
        StateUnusable, StateFull: they cannot be written down.
    """
    wanted = dict.fromkeys(keys)
    if not wanted.keys() - set(_noted(state_dir)):
        return
    with changing(state_dir):
        before = _noted(state_dir)
        new = [key for key in wanted if key not in before]
        kept = [str(key) for key in (*new, *before)][:_MOST_NOTED]
        folder = folder_of(state_dir, PYTHON)
        for each in (folder.parent, folder):
            make_state_dir(each)
        write_private(folder / _NOTED, json.dumps(kept))


def _noted(state_dir: Path) -> tuple[Path, ...]:
    path = folder_of(state_dir, PYTHON) / _NOTED
    try:
        return tuple(Path(text) for text in json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, TypeError, ValueError):
        raise StateUnusable(path=str(path), problem="it cannot be read") from None


def local_of(place: Place, storage: Storage, roots: Sequence[Path] = ()) -> Path:
    """Return the folder of a storage here.

    Raises:
        BadStorage: it lies where it may not.
    """
    try:
        return Path(place_of(storage.local, str(place.home), [str(root) for root in roots]))
    except ValueError as problem:
        raise BadStorage(
            name=storage.name, problem=f"its folder here {problem}", field="local"
        ) from None


def job(
    place: Place,
    storage: Storage,
    kind: JobKind,
    *,
    args: Mapping[str, Any] | None = None,
    roots: Sequence[Path] = (),
    local: Path | None = None,
    state_dir: Path | None = None,
    grant_dir: Path | None = None,
) -> Job:
    """Describe a job on a storage, under a new id.

    Args:
        place: the home.
        storage: of it.
        kind: ``import``, ``export``, ``list``, ``validate_storage``; ``exchange``, ``device`` and
            ``revoke`` concern a grant of its own.
        args: what this kind of job alone wants.
        roots: where its folder may lie, beside the home.
        local: its folder here, where nobody has to be asked whether it may lie there.
        state_dir: its state folder, where it is none of the home's own storages.
        grant_dir: the state folder with its grant, likewise.

    Raises:
        BadStorage: its folder lies where it may not, or it needs a hub and there is none.
        BadSettings, StateUnusable: the home's settings cannot be used.
    """
    if storage.credentials == "hub" and place.broker is None:
        raise BadStorage(
            name=storage.name, problem="there is no service of a hub here that hands courses on"
        )
    here = local or local_of(place, storage, roots)
    folder = state_dir or folder_of(place.state_dir, storage.name)
    settings = settings_of(storage, place.load_settings())
    made = place.job(kind)
    own_client = storage.credentials == "client"
    credentials: Any = _KINDS.get(storage.credentials, storage.credentials)
    return replace(
        made,
        home=str(here),
        state_dir=str(folder),
        drive_folder=storage.drive,
        client_file=str(_here(place, storage.client_file)) if own_client else made.client_file,
        client_named=own_client or made.client_named,
        credentials=made.credentials if credentials == "auto" else credentials,
        settings=settings,
        defaults={},
        grant_dir=str(grant_dir or (folder if own_client else place.state_dir)),
        args={
            **(args or {}),
            "storage": {**storage.described(), "key_file": _key(place, storage)},
            "home": str(place.home),
            "pantry": str(place.pantry.absolute()) if place.pantry else "",
            "home_state": str(place.state_dir),
            "roots": [str(root) for root in (place.home, *roots)] if local is None else [],
        },
    )


def connecting(place: Place, storage: Storage) -> Place:
    """Return the place whose permission a storage with a client of its own has.

    Raises:
        BadStorage: it has no such client; it uses a permission that is given elsewhere.
    """
    if storage.credentials != "client":
        raise BadStorage(
            name=storage.name,
            problem=f"it uses {storage.credentials} credentials, and only one with a client of its "
            "own is connected by itself",
            field="credentials",
        )
    return replace(
        place,
        state_dir=folder_of(place.state_dir, storage.name),
        client_file=_here(place, storage.client_file),
        client_named=True,
        credentials="grant",
    )


def settings_of(storage: Storage, home: Settings) -> dict[str, Any]:
    """Return the settings of a storage's jobs, in a home with settings of its own."""
    return {
        **{name: getattr(home, name) for name in _OF_HOME},
        "includes": list(storage.includes),
        "excludes": list(storage.excludes),
        "default_excludes": storage.direction == "export",
        "max_file_size": _MOST_BYTES,
        # What is gone here stays on Drive: a storage is filled and emptied, a home is mirrored.
        "on_local_delete": "keep",
        "verify_days": home.verify_days,
    }


def _aim(storage: Storage) -> tuple[str, ...]:
    return storage.direction, storage.local, storage.drive


def _here(place: Place, path: str) -> Path:
    return Path(place.home / path)


def _key(place: Place, storage: Storage) -> str:
    key = storage.key_file
    return key if not key or is_address(key) else str(_here(place, key))
