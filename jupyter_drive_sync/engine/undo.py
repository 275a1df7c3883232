"""Taking back on Drive what one run trashed or replaced there. The home is left alone.

What comes out of the trash is archived from then on: on Drive, gone from disk, kept on purpose, or
the next sync would trash it again. What was replaced is put back as an edit on Drive
(:mod:`~jupyter_drive_sync.engine.versions`), so the next sync lists it as newer there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.tree import FileId, Kind, LedgerEntry, RemoteEntry, Standing
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.drive.types import BATCH_LIMIT, Get, ListRevisions, Patch
from jupyter_drive_sync.engine.closing import close
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.observe import unclaimed
from jupyter_drive_sync.engine.records import FileOutcome, Run, Trashed
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.engine.undoable import Undoable
from jupyter_drive_sync.engine.versions import FileVersions, Versions, predecessor
from jupyter_drive_sync.errors import (
    CannotPin,
    DriveSyncError,
    FileProblem,
    GoneFromDrive,
    Missing,
)

_IN_TRASHED_FOLDER = Said("its folder lies in Drive's trash", "skipped.folder_in_trash")


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What was taken back."""

    run: Run
    of: int
    """Number of the run that was undone."""
    outcomes: tuple[FileOutcome, ...]
    stays: dict[str, int]
    """How many files the run had uploaded, moved or archived, which stays as it is."""


@dataclass(frozen=True)
class Undo:
    """One undoing.

    Attributes:
        site: the home.
        drive: the calls; its transport asks the lease before each request.
        secrets: keeps upload sessions.
        progress: is told what happens.
        job: id of the run.
        permit: asked now and then; raises to end the run.
    """

    site: Site
    drive: Drive
    secrets: SecretsStore
    progress: Progress
    job: str
    permit: Callable[[], None] = lambda: None

    def run(self, of: int | None = None) -> UndoReport:
        """Take a run back. The caller holds the lease.

        Args:
            of: its number; None is the last one that trashed or replaced anything.

        Raises:
            NothingToUndo: there is no such run, or nothing that could be taken back.
            DriveSyncError: what ended it; what was taken back stays so.
        """
        identity, _ = Identity.load(self.site)
        ledger, _ = Ledger.open(self.site.state_dir)
        with ledger:
            wanted = Undoable.of(ledger, identity.home_id, of)
            number = ledger.begin(self.job, self.site.clock.wall())
            try:
                self._carry_out(ledger, wanted)
            except DriveSyncError as problem:
                close(self, ledger, number, problem)
                raise
            return UndoReport(
                close(self, ledger, number, None),
                wanted.run,
                tuple(self.progress.outcomes),
                wanted.stays,
            )

    def _carry_out(self, ledger: Ledger, of: Undoable) -> None:
        trashed, made = list(of.trashed), of.made
        self.progress.counts["total"] = len(trashed) + len(made)
        self.progress.enter("copying")
        for start in range(0, len(trashed), BATCH_LIMIT):
            self._untrash(ledger, trashed[start : start + BATCH_LIMIT])
        self._put_back(ledger, made)

    # -- out of the trash -------------------------------------------------------------------------

    def _untrash(self, ledger: Ledger, items: list[Trashed]) -> None:
        self.permit()
        ready: list[Trashed] = []
        for item, result in zip(
            items, self.drive.batch([Get(item.id) for item in items]), strict=True
        ):
            there = ledger.file_at(item.path)
            if isinstance(result, Missing):
                self._left(item, "gone from Drive's trash for good")
            elif isinstance(result, DriveSyncError):
                self._left(item, result.sentence)
            elif there is not None and there.id != item.id:
                self._left(item, "another file has its place by now")
            else:
                ready.append(item)
        if not ready:
            return
        results = self.drive.batch([Patch(item.id, trashed=False) for item in ready])
        back: list[LedgerEntry] = []
        for item, result in zip(ready, results, strict=True):
            if not isinstance(result, RemoteEntry):
                problem = Said.of(result) if isinstance(result, DriveSyncError) else ""
                self._left(item, problem)
            elif result.trashed:
                self._left(item, _IN_TRASHED_FOLDER)
            else:
                entry = unclaimed(result, item.path)
                back.append(replace(entry, standing=Standing.ARCHIVED))
                self.progress.outcome(item.path, "untrashed", kind=Kind.FILE, size=item.size)
        ledger.taken_back(back)

    def _left(self, item: Trashed, why: str) -> None:
        self.progress.outcome(item.path, "skipped", kind=Kind.FILE, reason=why)

    # -- in place of what replaced it -------------------------------------------------------------

    def _put_back(self, ledger: Ledger, made: dict[FileId, frozenset[str]]) -> None:
        versions = Versions(self.site, self.drive, self.secrets)
        for known, found in self._replaced(ledger, made):
            self.permit()
            older, why = predecessor(found.revisions[::-1], made[known.id])
            if older is not None:
                try:
                    versions.make_current(found, older)
                except (FileProblem, CannotPin) as problem:
                    why = Said.of(problem)
                else:
                    self.progress.outcome(known.path, "put_back", kind=Kind.FILE, size=older.size)
            if why:
                self.progress.outcome(known.path, "skipped", kind=Kind.FILE, reason=why)

    def _replaced(
        self, ledger: Ledger, made: dict[FileId, frozenset[str]]
    ) -> Iterator[tuple[LedgerEntry, FileVersions]]:
        """Yield the files of which a run has made a version, with all that Drive has of them."""
        known = ledger.entries(made)
        ids = sorted(known, key=lambda file_id: known[file_id].path)
        for start in range(0, len(ids), BATCH_LIMIT // 2):
            part = ids[start : start + BATCH_LIMIT // 2]
            results = self.drive.batch(
                [call for file_id in part for call in (Get(file_id), ListRevisions(file_id))]
            )
            for file_id, entry, revisions in zip(part, results[::2], results[1::2], strict=True):
                path = known[file_id].path
                if isinstance(entry, RemoteEntry) and isinstance(revisions, tuple):
                    yield known[file_id], FileVersions(path, entry, revisions[::-1])
                elif isinstance(entry, Missing):
                    self.progress.outcome(
                        path, "skipped", kind=Kind.FILE, reason=Said.of(GoneFromDrive())
                    )
                elif isinstance(entry, DriveSyncError):
                    raise entry
