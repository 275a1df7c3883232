"""What a file browser wants to know, read in a thread; large replies are written there too."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from jupyter_drive_sync.core.tree import RelPath, printable
from jupyter_drive_sync.engine.marks import FolderView, find_on_drive, look
from jupyter_drive_sync.engine.records import FileOutcome
from jupyter_drive_sync.engine.report import describe_file
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.errors import Vanished
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.runner import storages
from jupyter_drive_sync.runner.clock import SystemClock
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.server.desk import Desk
from jupyter_drive_sync.server.problems import NoSuchThing


@dataclass(frozen=True, slots=True)
class Browsing:
    """Looks into the home and the ledger for a file browser.

    Attributes:
        place: the home.
        desk: its state folder.
    """

    place: Place
    desk: Desk

    def folder(self, path: str, saved: Collection[str] = ()) -> str:
        """Return how the entries of a folder stand, as the JSON that the route answers with.

        Args:
            path: of the folder.
            saved: files that were saved since the last sync.

        Raises:
            NoSuchThing: there is no such folder.
            DriveSyncError: it cannot be looked at.
        """
        where, place, clock = RelPath(path), self.place, SystemClock()
        site = Site(
            place.home,
            place.drive_folder,
            place.state_dir,
            place.load_settings(),
            clock,
            keys=(
                place.client_file,
                *place.keys,
                *storages.known_keys(place.home, place.state_dir),
            ),
        )
        with self.desk.ledger() as ledger, Home(place.home, clock=clock) as home:
            if ledger is None:
                return json.dumps(_described(FolderView(where, known=False)))
            try:
                view = look(site, home, ledger, where, [*map(RelPath, saved)])
            except Vanished:
                raise NoSuchThing(thing=f"folder {printable(where)}") from None
        return json.dumps(_described(view))

    def on_drive(self, path: str) -> dict[str, Any]:
        """Return where a file or folder lies on Drive; empty texts where Drive has none."""
        with self.desk.ledger() as ledger:
            found = find_on_drive(ledger, RelPath(path)) if ledger else None
        values = asdict(found) if found else {"id": "", "link": "", "colab": ""}
        return {"path": path, **values}


def _described(view: FolderView) -> dict[str, Any]:
    why = view.left_out
    return {
        "path": view.path,
        "known": view.known,
        "left_out": describe_file(FileOutcome(view.path, "left_out", why)) if why else None,
        "mirrored": [
            [name, stat.size, stat.mtime_ns // 1_000_000] for name, stat in view.mirrored.items()
        ],
        "marks": [{**describe_file(mark.outcome), "folder": mark.folder} for mark in view.marks],
    }
