"""What was on its way when the last writer stopped: asked for, one by one, before anything else.

Each intent names an object and the nonce that the write carries. If Drive shows the nonce, the
write was done, whatever became of its reply; else it was not. A create that was not done keeps its
id bound, so that one that is still on its way meets a 409 rather than making a twin.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import replace

from jupyter_drive_sync.core.plan import Verb
from jupyter_drive_sync.core.tree import FileId, Kind, RemoteEntry, Standing, Stat
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.types import BATCH_LIMIT, BatchResult, Get
from jupyter_drive_sync.engine import stopgap
from jupyter_drive_sync.engine.binding import is_chain
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.observe import with_seen
from jupyter_drive_sync.engine.records import Confirmation, Intent, Trashed
from jupyter_drive_sync.engine.sending import nonce_of
from jupyter_drive_sync.errors import DriveSyncError, Missing


def resume(
    ledger: Ledger, drive: Drive, run: int, now: float, sessions: Iterable[str]
) -> list[Intent]:
    """Settle the intents of the last pass.

    Args:
        ledger: holds them.
        drive: is asked for each object, a batch per 100.
        run: number of the run that settles them.
        now: epoch seconds.
        sessions: keys of unfinished uploads.

    Returns:
        Intents to use again: creates that were not done, and uploads that can go on.
    """
    intents = ledger.intents()
    approved = ledger.approvals()
    unfinished = {nonce_of(key) for key in sessions}
    bound: list[Intent] = []
    for start in range(0, len(intents), BATCH_LIMIT):
        part = intents[start : start + BATCH_LIMIT]
        results = drive.batch([Get(intent.entry.id) for intent in part])
        done: list[Confirmation] = []
        given_up: list[str] = []
        stopgaps: list[Intent] = []
        for intent, result in zip(part, results, strict=True):
            if stopgap.is_stopgap(result, intent):
                stopgaps.append(intent)
                given_up.append(intent.nonce)
            elif isinstance(result, RemoteEntry) and result.nonce == intent.nonce:
                done.append(_done(intent, result, run, now, approved))
            elif _goes_on(intent, result, unfinished):
                bound.append(intent)
            else:
                given_up.append(intent.nonce)
        stopgap.remove(drive, stopgaps)
        ledger.confirm(done)
        ledger.drop(given_up)
    return bound


def _goes_on(intent: Intent, result: BatchResult, unfinished: set[str]) -> bool:
    if isinstance(result, DriveSyncError) and not isinstance(result, Missing):
        raise result
    if intent.verb in (Verb.CREATE, Verb.CREATE_FOLDER):
        return isinstance(result, Missing)
    return intent.verb == Verb.REPLACE and intent.nonce in unfinished


def _done(
    intent: Intent, remote: RemoteEntry, run: int, now: float, approved: Set[FileId]
) -> Confirmation:
    entry = replace(intent.entry, nonce=remote.nonce, revision=remote.revision)
    if intent.verb == Verb.TRASH and remote.trashed:
        yes = entry.id in approved
        gone = Trashed(entry.id, entry.path, entry.stat.size, now, run, approved=yes)
        return Confirmation(intent.nonce, entry, run, trashed=gone)
    if intent.verb == Verb.TRASH:
        # Done, and undone by a person since: what they took out of the trash is theirs to remove.
        entry = replace(entry, standing=Standing.UNCLAIMED)
    if entry.kind is Kind.FILE and intent.verb in (Verb.CREATE, Verb.REPLACE):
        # Which version of the file was sent is known by its checksum alone: read the file again.
        entry = replace(
            entry, md5=remote.md5, mtime_ms=remote.mtime_ms, stat=Stat(remote.size, 0, 0)
        )
        if remote.sent:  # done, and edited by a person since: the head is theirs
            entry = replace(entry, md5=bytes.fromhex(remote.sent), revision="")
    chain = is_chain(entry.path)
    return Confirmation(intent.nonce, with_seen(entry, remote), run, chain=chain, link=remote.link)
