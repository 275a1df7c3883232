"""Ids and nonces: bound to what they are for, in the ledger, before anything is sent.

Ids come from ``files.generateIds``, up to 1,000 a request, and only as many as are needed. One
that was bound stays bound until Drive has confirmed the object, however many passes that takes;
one that was not is forgotten with the pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from jupyter_drive_sync.core.names import to_drive
from jupyter_drive_sync.core.plan import Operation, Verb
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    RelPath,
    RemoteEntry,
    Standing,
    Stat,
    name_of,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.types import IDS_LIMIT
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.observe import with_seen
from jupyter_drive_sync.engine.records import Confirmation, Intent
from jupyter_drive_sync.engine.site import Site


class Binding:
    """Makes the intents of one pass.

    Args:
        site: for nonces.
        ledger: records the intents.
        drive: makes ids.
        run: number of the run.
        bound: intents of an earlier pass whose ids, nonces or sessions are used again.
    """

    def __init__(
        self, site: Site, ledger: Ledger, drive: Drive, run: int, bound: Iterable[Intent]
    ) -> None:
        self._site = site
        self._ledger = ledger
        self._drive = drive
        self._run = run
        self._bound = {(intent.verb, intent.entry.path): intent for intent in bound}
        self._ids: list[FileId] = []
        self._expected = 0

    def expect(self, objects: Iterable[tuple[str, RelPath]]) -> None:
        """Announce the objects that will be made, so that ids are asked for in large lots."""
        self._expected += sum(1 for key in objects if key not in self._bound)

    def id_for(self, verb: str, path: RelPath) -> FileId:
        """Return the id that an earlier pass bound to an object, or a new one."""
        bound = self._bound.get((verb, path))
        return bound.entry.id if bound else self.new_id()

    def new_id(self) -> FileId:
        """Return an id that nobody has used."""
        if not self._ids:
            lot = min(IDS_LIMIT, max(1, self._expected))
            self._ids = self._drive.generate_ids(lot)[::-1]
        self._expected -= 1
        return self._ids.pop()

    def intent(self, verb: str, target: LedgerEntry) -> Intent:
        """Make an intent; one of an earlier pass lends its nonce, and with it its session.

        The caller records it (:meth:`Ledger.intend`) before it sends anything.
        """
        bound = self._bound.pop((verb, target.path), None)
        nonce = bound.nonce if bound else self._site.nonce()
        return Intent(nonce, self._run, verb, replace(target, nonce=nonce))

    def creates_at(self, paths: Collection[RelPath]) -> list[Intent]:
        """Return the creates of an earlier pass at some paths that Drive did not show so far."""
        makes = (Verb.CREATE, Verb.CREATE_FOLDER)
        bound = self._bound.items()
        return [intent for (verb, path), intent in bound if verb in makes and path in paths]

    def keep(self, paths: Iterable[RelPath]) -> None:
        """Leave the creates at some paths to the next pass."""
        for path in paths:
            for verb in (Verb.CREATE, Verb.CREATE_FOLDER):
                self._bound.pop((verb, path), None)

    def drop_unused(self) -> None:
        """Give up what an earlier pass had bound and no step of this one needed."""
        self._ledger.drop(intent.nonce for intent in self._bound.values())


def marks(
    home_id: str, nonce: str, mode: int | None = None, *, root: bool = False
) -> dict[str, str]:
    """Return the ``appProperties`` of a write of ours.

    Args:
        home_id: whose mirror it is; ``""`` for a folder that may hold several.
        nonce: of the intent.
        mode: permission bits of a file.
        root: it is the mirror's folder itself.
    """
    app = {"jds": "1", "w": nonce}
    if home_id:
        app["home"] = home_id
    if root:
        app["root"] = "1"
    if mode is not None:
        app["mode"] = f"{mode & 0o7777:o}"
    return app


def new_entry(step: Operation, file_id: FileId, parent: FileId) -> LedgerEntry:
    """Return the entry of a file or folder that is about to be made."""
    entry = blank(step.path, step.kind, file_id, parent, to_drive(name_of(step.path)))
    stat = step.local.stat if step.local else entry.stat
    return replace(entry, stat=stat, revived=step.revived)


def blank(path: RelPath, kind: Kind, file_id: FileId, parent: FileId, name: str) -> LedgerEntry:
    """Return an entry of which nothing but its place is known."""
    return LedgerEntry(
        path=path,
        kind=kind,
        standing=Standing.MIRRORED,
        id=file_id,
        parent=parent,
        name=name,
        stat=Stat(0, 0, 0),
        md5=None,
        nonce="",
        version=0,
    )


def chain_path(level: int) -> RelPath:
    """Name a folder above the mirror in the ledger; no real path begins with ``/``."""
    return RelPath(f"/{level}")


def is_chain(path: RelPath) -> bool:
    """Tell whether an intent is about a folder of the chain down to the mirror."""
    return path.startswith("/")


def confirmed(nonce: str, target: LedgerEntry, remote: RemoteEntry, run: int) -> Confirmation:
    """Say what a reply of Drive made true of an intent's target."""
    if remote.parent is None:
        # It does not say where the object lies: that is where we put it, until the feed tells.
        remote = replace(remote, parent=target.parent, version=remote.version - 1)
    entry = with_seen(
        replace(target, nonce=remote.nonce or nonce, revision=remote.revision), remote
    )
    return Confirmation(nonce, entry, run, chain=is_chain(entry.path), link=remote.link)
