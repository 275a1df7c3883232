"""The ledger, as the panel reads it; all of it touches the file, so the server uses a thread."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import Any

from jupyter_drive_sync.core.tree import RelPath
from jupyter_drive_sync.engine.apart import KINDS, apart, children
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.undoable import Undoable
from jupyter_drive_sync.errors import NothingToUndo
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.server.problems import BadRequest


class Book:
    """Reads the ledger of one home.

    Args:
        place: the home.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def apart(self, kind: str) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """Return how many files of each kind are apart, and those of one kind.

        Raises:
            BadRequest: there is no such kind.
        """
        wanted = next((each for each in KINDS if each == kind), None)
        if wanted is None:
            raise BadRequest(problem="kind is none of " + ", ".join(KINDS))
        with self._ledger() as ledger:
            if ledger is None:
                return dict.fromkeys(KINDS, 0), []
            found = {each: apart(ledger, each) for each in KINDS}
        return (
            {each: len(files) for each, files in found.items()},
            [asdict(file) for file in found[wanted]],
        )

    def tree(self, path: str) -> list[dict[str, Any]]:
        """Return what the mirror holds in a folder."""
        with self._ledger() as ledger:
            found = children(ledger, RelPath(path)) if ledger else []
        return [asdict(child) for child in found]

    def undoable(self, run: int | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return what of a run can be taken back, and the files that it is about.

        Raises:
            NothingToUndo: nothing.
        """
        with self._ledger() as ledger:
            if ledger is None:
                raise NothingToUndo(problem="There was no sync of this home yet.")
            found = Undoable.of(ledger, ledger.get("home"), run)
            started = next((r.started for r in ledger.runs(limit=200) if r.id == found.run), None)
        files = [
            *({"path": i.path, "way": "untrash", "size": i.size} for i in found.trashed),
            *({"path": path, "way": "put_back", "size": 0} for path in found.replaced),
        ]
        return {"run": found.run, "started": started, "stays": found.stays}, files

    def _ledger(self) -> contextlib.AbstractContextManager[Ledger | None]:
        """Open the ledger as it is, None where there was no sync yet."""
        return Ledger.found(self._place.state_dir)
