"""What can be taken back of a run on Drive, by the ledger alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jupyter_drive_sync.core.tree import FileId, RelPath
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import Trashed
from jupyter_drive_sync.errors import NothingToUndo

_STAYS: Final = ("uploaded", "moved", "archived")
"""What a run did and nobody takes back: it is listed with its number."""


@dataclass(frozen=True, slots=True)
class Undoable:
    """What a run did on Drive that can be taken back.

    Attributes:
        run: its number.
        trashed: what it moved to the trash.
        made: the versions that it made, by file.
        replaced: the paths of those files.
        stays: how many files it uploaded, moved or archived, which stays as it is.
    """

    run: int
    trashed: tuple[Trashed, ...]
    made: dict[FileId, frozenset[str]]
    replaced: tuple[RelPath, ...]
    stays: dict[str, int]

    @classmethod
    def of(cls, ledger: Ledger, home_id: str, run: int | None = None) -> Undoable:
        """Look what of a run can be taken back; whether Drive still has it, only Drive knows.

        Args:
            ledger: of the mirror.
            home_id: the home that asks.
            run: its number; None is the last one that trashed or replaced anything.

        Raises:
            NothingToUndo: there is no such run, or nothing that could be taken back.
        """
        if ledger.get("home") != home_id:
            raise NothingToUndo(problem="There was no sync of this home yet.")
        wanted = run if run is not None else _last(ledger)
        if run is not None and all(each.id != run for each in ledger.runs(limit=200)):
            raise NothingToUndo(
                problem=f"There is no run {run}; `jupyter drive-sync history` lists them."
            )
        trashed = tuple(item for item in ledger.trashed_since(0) if item.run == wanted)
        made = ledger.revisions_of(wanted) if wanted else {}
        if not wanted or not (trashed or made):
            raise NothingToUndo(
                problem="No sync has trashed or replaced anything on Drive."
                if run is None
                else f"Run {run} has trashed and replaced nothing on Drive (any more)."
            )
        outcomes = ledger.outcomes(wanted)
        done = [outcome.outcome for outcome in outcomes]
        updated = {outcome.path for outcome in outcomes if outcome.outcome == "updated"}
        known = ledger.entries(made).values()
        return cls(
            run=wanted,
            trashed=trashed,
            made=made,
            replaced=tuple(sorted(e.path for e in known if not updated or e.path in updated)),
            stays={name: done.count(name) for name in _STAYS if name in done},
        )


def _last(ledger: Ledger) -> int:
    """Return the number of the last run that trashed or replaced anything; 0 for none."""
    trashed = max((item.run for item in ledger.trashed_since(0)), default=0)
    for run in ledger.runs():
        if run.id <= trashed:
            break
        if any(outcome.outcome == "updated" for outcome in ledger.outcomes(run.id)):
            return run.id
    return trashed
