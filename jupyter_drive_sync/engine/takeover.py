"""What a person answered to a hold of the whole mirror, carried out before anything else."""

from __future__ import annotations

import re
from dataclasses import replace

from jupyter_drive_sync.core.tree import FileId
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.listing import whole_tree
from jupyter_drive_sync.drive.types import BATCH_LIMIT, BatchResult, Patch
from jupyter_drive_sync.engine import holds
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.errors import DriveSyncError, FileProblem, Missing


def own(ledger: Ledger, identity: Identity) -> None:
    """Let go of a ledger that was kept under another home id.

    A home that lost its id is not known to be the one that was mirrored: it may not write there,
    or trash anything, before a person has said so.
    """
    kept = ledger.get("home")
    if kept == identity.home_id:
        return
    if kept:
        ledger.clear()
    ledger.remember(home=identity.home_id)


def answers(site: Site, identity: Identity, ledger: Ledger, drive: Drive) -> Identity:
    """Carry out what was answered since the last pass.

    Returns:
        The identity as it is afterwards.
    """
    other = ledger.answered("other_home")
    if other == "take_over":
        identity = replace(identity, taking_over=ledger.get("other_home")).save(site)
    elif other == "second_folder":
        folder = _second(identity.drive_folder or site.drive_folder)
        identity = replace(identity, drive_folder=folder, root="", written=0.0).save(site)
        ledger.clear()
    if identity.taking_over:
        # A try that was cut short may have got as far as the new ledger.
        root = FileId(ledger.get("other_root") or ledger.get("root")) or _found(drive, identity)
        if root and _holder(drive, root) in ("", identity.taking_over, identity.home_id):
            _restamp(site, identity, drive, root)
            ledger.clear(root=root)
            now = drive.transport.google_time()
            identity = replace(identity, taking_over="", root=root, written=now).save(site)
        else:  # it is gone, or a third home has it, of which nobody has said a word: ask again
            identity = replace(identity, taking_over="").save(site)
            ledger.dissolve("other_home")

    if ledger.answered("root_gone") == "untrash":
        _untrash(site, identity, drive, FileId(ledger.get("root")))
        identity = replace(identity, written=drive.transport.google_time()).save(site)
        ledger.dissolve("root_gone")
        ledger.remember(root_state="")
    kinds = ("root_gone", "other_account", "changed_client")
    if any(ledger.answered(kind) == "start_afresh" for kind in kinds):
        # The folders above the mirror are there still, if it is the same Drive.
        same = ledger.answered("root_gone") == "start_afresh"
        identity = identity.afresh(site, written=identity.written if same else 0.0)
        ledger.clear()
    return identity


def refuse_changes(site: Site, identity: Identity, ledger: Ledger) -> None:
    """Hold the mirror before anything is sent by a client or to an account that is not its own.

    Another Google project does not see the mirror under ``drive.file`` and would copy everything
    once more; another account has no mirror at all.

    Raises:
        MirrorHeld: until a person answers.
    """
    if identity.client and site.client and identity.client != site.client:
        raise holds.whole(
            site,
            ledger,
            "changed_client",
            "The Google client was changed, and the new one cannot see the mirror that the old "
            "one made; nothing was sent.",
        )
    ledger.dissolve("changed_client")
    if identity.account and site.account and identity.account != site.account:
        raise holds.whole(
            site,
            ledger,
            "other_account",
            "Another Google account is connected than the one that holds the mirror; nothing was "
            "sent.",
        )
    ledger.dissolve("other_account")


def _second(folder: str) -> str:
    """Count the folder's name on: ``home/ann`` -> ``home/ann (2)`` -> ``home/ann (3)``."""
    counted = re.fullmatch(r"(.*) \((\d+)\)", folder)
    if counted:
        return f"{counted[1]} ({int(counted[2]) + 1})"
    return f"{folder} (2)"


def _untrash(site: Site, identity: Identity, drive: Drive, root: FileId) -> None:
    """Take the mirror out of the trash: its own folder, or the one above it that was put there.

    My Drive itself is not visible to us, so the way up ends below it. What another home has taken
    over since the question was asked is left alone.
    """
    here: FileId | None = root
    while here is not None:
        try:
            folder = drive.get(here)
        except Missing:
            return
        if here == root and folder.home != identity.home_id:
            return
        if folder.explicitly_trashed:
            (result,) = drive.batch([Patch(here, app={"w": site.nonce()}, trashed=False)])
            if isinstance(result, DriveSyncError):
                raise result
        here = folder.parent


def _found(drive: Drive, identity: Identity) -> FileId:
    """Find the mirror that is to be taken over, where the ledger that knew it was lost."""
    for home_id in (identity.taking_over, identity.home_id):
        for entry in whole_tree(drive, home_id):
            if entry.root and not entry.trashed:
                return entry.id
    return FileId("")


def _holder(drive: Drive, root: FileId) -> str:
    """Return the id of the home that a mirror's folder belongs to; ``""`` for one that is gone."""
    try:
        return drive.get(root).home
    except Missing:
        return ""


def _restamp(site: Site, identity: Identity, drive: Drive, root: FileId) -> None:
    """Give everything of another home our home id, its root first: that stops the other one.

    Repeating it does no harm; what has our id already is no longer found.

    Raises:
        DriveSyncError: the root's was refused, or Drive was not to be reached.
    """

    def give(ids: list[FileId]) -> list[BatchResult]:
        app = {"home": identity.home_id}
        return drive.batch([Patch(i, app={**app, "w": site.nonce()}) for i in ids])

    # In a batch of its own: what stands beside it in one may be done though it is refused.
    (of_root,) = give([root])
    gone = isinstance(of_root, Missing) and not _holder(drive, root)
    if isinstance(of_root, DriveSyncError) and not gone:
        raise of_root
    # The other one writes no more; what it wrote last has to be listed to be found.
    drive.transport.pace.wait(site.settings.listing_lag)
    ids = [entry.id for entry in whole_tree(drive, identity.taking_over) if entry.id != root]
    for start in range(0, len(ids), BATCH_LIMIT):
        for result in give(ids[start : start + BATCH_LIMIT]):
            if isinstance(result, DriveSyncError) and not isinstance(result, FileProblem):
                raise result
