"""Objects that Drive did not find when we changed them.

Drive now and then knows nothing of an object for a while (eventual consistency), and whoever makes
it anew at once leaves two of it for good. So it is gone when the change feed says so as well; else
the next pass asks again, and believes what it is told then.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from contextlib import suppress

from jupyter_drive_sync.core.tree import FileId, LedgerEntry, RemoteEntry
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.listing import feed
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.errors import DriveSyncError, Missing

_KEY = "doubted"
_MET = "met_used_up"
_REMEMBERED = 50
"""Runs for which an id is remembered that was met once: one that was found is met no more."""


def gone(ledger: Ledger, drive: Drive, run: int, ids: Collection[FileId]) -> frozenset[FileId]:
    """Return which of the objects Drive has deleted, by what it fed since a pass before."""
    with suppress(DriveSyncError):  # not told is not known
        news = feed(drive, ledger.tokens(run).token or ledger.token_of(run))
        return frozenset(each.id for each in news.entries if each.deleted).intersection(ids)
    return frozenset()


def find(drive: Drive, file_id: FileId) -> RemoteEntry | None:
    """Ask for what an id was given to; None when Drive says twice that it is gone again."""
    for _ in range(2):
        with suppress(Missing):
            return drive.get(file_id)
    return None


def used_up(ledger: Ledger, drive: Drive, run: int, ids: Collection[FileId]) -> frozenset[FileId]:
    """Return which ids can never be used: Drive says of them that they exist, and finds nothing.

    What was made under them has been deleted, so the feed says, or a pass before this one met the
    same. Else what is there may only not be found yet, and another id would give it a twin.
    """
    if not ids:
        return frozenset()
    met: dict[str, int] = json.loads(ledger.get(_MET) or "{}")
    sure = gone(ledger, drive, run, ids) | {each for each in ids if met.get(each, run) < run}
    recent = {each for each, at in met.items() if at > run - _REMEMBERED}
    left = {each: met.get(each, run) for each in {*recent, *ids} - sure}
    ledger.remember(**{_MET: json.dumps(left) if left else ""})
    return frozenset(sure)


def doubt(ledger: Ledger, ids: Iterable[FileId]) -> None:
    """Have the next pass ask for objects; what it knows of them stays until then."""
    new = [*ids]
    if new:
        ledger.remember(**{_KEY: json.dumps(sorted({*_ids(ledger), *new}))})


def doubted(ledger: Ledger) -> list[LedgerEntry]:
    """Return the objects to be asked for."""
    return [*ledger.entries(_ids(ledger)).values()]


def believe(ledger: Ledger) -> None:
    """Be done with the doubts: what was found out is in the ledger."""
    if ledger.get(_KEY):
        ledger.remember(**{_KEY: ""})


def _ids(ledger: Ledger) -> list[FileId]:
    return [FileId(each) for each in json.loads(ledger.get(_KEY) or "[]")]
