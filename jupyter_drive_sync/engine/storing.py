"""What a storage needs beyond a pass over the home: its aim, and whether it would work."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from jupyter_drive_sync.core.restore_plan import Wanted, choose
from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.storage import Storage
from jupyter_drive_sync.core.tree import Kind, RelPath, printable
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.denied import BadFolder, FolderNotFound, OwnsNothing
from jupyter_drive_sync.drive.folders import (
    find_folder,
    is_service_account,
    parse_folder,
    require_writable,
)
from jupyter_drive_sync.drive.types import Place
from jupyter_drive_sync.engine.folder import tree
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.errors import (
    NotThere,
)


def aim(site: Site, direction: str) -> None:
    """Forget what a storage did in the other direction: the records mean something else there.

    The caller holds the lease.
    """
    ledger, _ = Ledger.open(site.state_dir)
    with ledger:
        if ledger.get("direction") not in ("", direction):
            ledger.clear()
        ledger.remember(direction=direction)


def find_target(drive: Drive, storage: Storage) -> Place | None:
    """Find the folder that an export writes to; None where a folder of our own is to be made.

    Raises:
        FolderNotFound, NotAFolder, FolderTrashed, FolderAmbiguous: there is no such folder.
        BadFolder: it is no folder, or all of My Drive.
        OwnsNothing: a service account would own what is written.
        FolderReadOnly: we may not write there.
    """
    name = parse_folder(storage.drive, drive.endpoint)
    if not (name.id or name.path or name.drive):
        raise BadFolder(folder=name.text, problem="it is all of My Drive; name a folder in it")
    found = None
    if name.id or name.drive:
        found = find_folder(drive, name)
    elif storage.scope == "drive":
        # Somebody may have made it; with less to see, only our own can be found, and by a pass.
        try:
            found = find_folder(drive, name)
        except FolderNotFound:
            found = None
    if found is not None:
        require_writable(drive, found, name.text)
    elif is_service_account(email := drive.about().email):
        raise OwnsNothing(email=email, folder=name.text)
    return found


def export_site(site: Site, storage: Storage, target: Place | None) -> Site:
    """Aim a pass at the folder of an export.

    In a folder that is there, whoever made it, the home id follows from the folder: a second
    machine that exports there goes on with the same files, instead of making each a second time.

    Args:
        site: with the state folder of the storage.
        storage: of which.
        target: as :func:`find_target` found it.
    """
    if target is None:
        path = parse_folder(storage.drive).path
        return replace(site, drive_folder="/".join(path), storage=storage.name)
    home_id = hashlib.sha256(f"storage {target.id}".encode()).hexdigest()[:16]
    if Identity.load(site)[0].home_id != home_id:
        Identity(home_id).save(site)
    return replace(site, drive_folder=target.name, root=target.id, storage=storage.name)


def probe_source(
    drive: Drive, folder: Place, settings: Settings, permit: Callable[[], None]
) -> str:
    """Read the first bytes of a file that an import would bring; returns its path.

    Raises:
        NotThere: it would bring nothing.
        DriveSyncError: it cannot be read.
    """
    entries, paths = tree(drive, folder.id, permit=permit, most=settings.max_files)
    choice = choose(entries, paths)
    rules = Selection(settings)
    wanted = next((file for file in choice.files if _is_wanted(rules, file)), None)
    if wanted is None:
        raise NotThere(
            problem=_nothing(folder, files=bool(choice.files), others=bool(choice.skipped))
        )
    drive.download(wanted.id, size=wanted.size, most=1)
    return printable(wanted.path)


def _is_wanted(rules: Selection, file: Wanted) -> bool:
    return rules.judge(file.path, Kind.FILE, file.size) is None


def _nothing(folder: Place, *, files: bool, others: bool) -> str:
    """Say why a folder has nothing for an import."""
    if files:
        why = "its rules leave out all that is there"
    elif others:
        why = "what is there are documents of Google, which have no content to download"
    else:
        why = "it is empty, or what is in it is not shared with us"
    return f"Nothing would come from the folder {printable(RelPath(folder.name))}: {why}."
