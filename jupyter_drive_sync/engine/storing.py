"""What a storage needs beyond a pass over the home: its aim, and whether it would work."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from jupyter_drive_sync.core.restore_plan import Wanted, choose
from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.storage import Storage
from jupyter_drive_sync.core.tree import Kind, RelPath, RemoteEntry, printable
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.engine import folder as folders
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.errors import NotThere


def aim(site: Site, direction: str) -> None:
    """Forget what a storage did in the other direction: the records mean something else there."""
    ledger, _ = Ledger.open(site.state_dir)
    with ledger:
        if ledger.get("direction") not in ("", direction):
            ledger.clear()
        ledger.remember(direction=direction)


def export_site(site: Site, drive: Drive, storage: Storage) -> Site:
    """Aim a pass at the folder of an export.

    A path names a folder of our own, made when first written. An address or an id names one that is
    there, whoever made it: then the home id follows from it, so that a second machine that exports
    there goes on with the same files, instead of making each a second time.

    Raises:
        NotThere: there is no folder of that address or id.
    """
    if not folders.is_id(storage.drive):
        return replace(site, drive_folder=storage.drive.strip("/"))
    found = folders.find(drive, storage.drive)
    home_id = hashlib.sha256(f"storage {found.id}".encode()).hexdigest()[:16]
    identity, _ = Identity.load(site)
    if identity.home_id != home_id:
        Identity(home_id).save(site)
    return replace(site, drive_folder=found.name, root=found.id)


def probe_source(
    drive: Drive, folder: RemoteEntry, settings: Settings, permit: Callable[[], None]
) -> str:
    """Read the first bytes of a file that an import would bring; returns its path.

    Raises:
        NotThere: it would bring nothing.
        DriveSyncError: it cannot be read.
    """
    entries, paths = folders.tree(drive, folder.id, permit=permit, most=settings.max_files)
    choice = choose(entries, paths)
    rules = Selection(settings)
    wanted = next((file for file in choice.files if _is_wanted(rules, file)), None)
    if wanted is None:
        raise NotThere(problem=_nothing(folder, len(choice.files), len(choice.skipped)))
    drive.download(wanted.id, size=wanted.size, most=1)
    return printable(wanted.path)


def _is_wanted(rules: Selection, file: Wanted) -> bool:
    return rules.judge(file.path, Kind.FILE, file.size) is None


def _nothing(folder: RemoteEntry, files: int, others: int) -> str:
    """Say why a folder has nothing for an import."""
    if files:
        why = f"its rules leave out each of the {files:,} files there"
    elif others:
        why = f"the {others:,} documents of Google there have no content that could be downloaded"
    else:
        why = "it is empty, or what is in it is not shared with us"
    return f"Nothing would come from the folder {printable(RelPath(folder.name))}: {why}."
