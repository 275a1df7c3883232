"""How the entries of one folder stand, as a file browser shows them.

Looked at live: the folder on disk, the rules as they are now, the ledger, and what the last runs
could not do. The cost grows with the folder that is shown, never with the home.
"""

from __future__ import annotations

import contextlib
import os
import stat as stat_bits
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.selection import MARKERS, Selection
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    LeftOut,
    RelPath,
    Standing,
    Stat,
    ancestors,
    is_below,
    join,
    name_of,
    parent_of,
)
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import FileOutcome
from jupyter_drive_sync.engine.report import Status
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.engine.survey import keys_below_home, state_below_home, why_left_out
from jupyter_drive_sync.errors import FileProblem, Unreadable
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.reading import problem_of

_LOOKED_INTO: Final = 2000
"""Most entries that are looked at to see whether a new folder holds anything to be copied."""
_COLAB: Final = "https://colab.research.google.com/drive/"
_UNREADABLE: Final = Said.of(Unreadable(problem="no permission"))
_FOLDERS: Final = "/drive/folders/"
"""What comes before a folder's id in the address that Drive gives it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An entry that is not plainly synced.

    Attributes:
        outcome: its path, what is the matter (``waiting``, ``failed``, ``left_out``,
            ``newer_on_drive`` or ``declined``), and why. What one sync alone could not do waits for
            the next, with the reason; it has failed when that one could not either.
        folder: whether it is a folder; one that holds a failed file stands as that.
    """

    outcome: FileOutcome
    folder: bool


@dataclass(frozen=True, slots=True)
class FolderView:
    """A folder of the home.

    Attributes:
        path: which.
        known: whether there is a mirror at all that its entries could be in.
        left_out: why nothing of it is mirrored; None where it is.
        mirrored: the files that Drive has, each with the stat that was copied.
        marks: what is not plainly synced. A file that differs from what was copied, or that is not
            among ``mirrored``, waits: whoever sees it later than we did can tell.
    """

    path: RelPath
    known: bool
    left_out: Said | None = None
    mirrored: Mapping[str, Stat] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class OnDrive:
    """Where an entry of the home lies on Drive.

    Attributes:
        id: Drive's.
        link: opens it in a browser.
        colab: opens a notebook in Colab; ``""`` for anything else.
    """

    id: FileId
    link: str
    colab: str


def look(
    site: Site, home: Home, ledger: Ledger, path: RelPath, saved: Collection[RelPath] = ()
) -> FolderView:
    """Say how the entries of a folder stand.

    Args:
        site: the home and its rules.
        home: open.
        ledger: of its mirror.
        path: of the folder.
        saved: files that were saved since the last sync.

    Raises:
        Vanished: there is no such folder any more.
            Unreadable: no permission, or the disk fails.
        BadSettings: the rules cannot be used.
    """
    if not ledger.holds_objects():
        return FolderView(path, known=False)
    rules = Selection(
        site.settings,
        driveignore=home.driveignore(),
        state=state_below_home(site),
        keys=keys_below_home(site),
    )
    again = Status.load(site.state_dir).tries_again
    return _Look(site, home, ledger, rules, saved, again).at(path)


def find_on_drive(ledger: Ledger, path: RelPath) -> OnDrive | None:
    """Say where the mirror of a file or folder lies; None where Drive has none.

    Drive is not asked: the address of a file follows from its id and from that of the mirror.
    """
    root_link = ledger.get("root_link")
    base = root_link.partition(_FOLDERS)[0]
    if not root_link or not path:
        return OnDrive(FileId(ledger.get("root")), root_link, "") if root_link else None
    entries = ledger.at([path])
    for kind in (Kind.FILE, Kind.FOLDER):
        entry = entries.get((path, kind))
        if entry is None or entry.standing is Standing.DECLINED:
            continue
        if kind is Kind.FOLDER:
            return OnDrive(entry.id, f"{base}{_FOLDERS}{entry.id}", "")
        colab = f"{_COLAB}{entry.id}" if path.endswith(".ipynb") else ""
        return OnDrive(entry.id, f"{base}/file/d/{entry.id}/view", colab)
    return None


@dataclass
class _Look:
    site: Site
    home: Home
    ledger: Ledger
    rules: Selection
    saved: Collection[RelPath]
    again: bool

    def at(self, path: RelPath) -> FolderView:
        try:
            above = self._above(path)
            return self._listed(path) if above is None else self._out(path, self._why(above))
        except FileProblem:
            if self._is_behind_a_link(path):
                return self._out(path, self._why(LeftOut(path, "link")))
            raise

    def _is_behind_a_link(self, path: RelPath) -> bool:
        for each in (*reversed([*ancestors(path)]), path):
            with self._opened(parent_of(each)) as fd:
                status = _status(name_of(each), fd)
            if status is not None and stat_bits.S_ISLNK(status.st_mode):
                return True
        return False

    def _out(self, path: RelPath, why: Said) -> FolderView:
        return FolderView(path, known=True, left_out=why)

    def _listed(self, path: RelPath) -> FolderView:
        with self._opened(path) as fd:
            names = os.listdir(fd)  # noqa: PTH208 - pathlib cannot list a descriptor
            found = {name: status for name in names if (status := _status(name, fd)) is not None}
            entries = self.ledger.at([join(path, name) for name in found])
            failed = self._failed_below(path)
            mirrored: dict[str, Stat] = {}
            marks: list[Mark] = []
            for name in sorted(found):
                each = join(path, name)
                is_folder = stat_bits.S_ISDIR(found[name].st_mode)
                entry = entries.get((each, Kind.FOLDER if is_folder else Kind.FILE))
                if not is_folder and entry is not None and entry.standing is Standing.MIRRORED:
                    mirrored[name] = entry.stat
                left_out = self._left_out(each, found[name])
                if left_out is not None:
                    outcome: FileOutcome | None = FileOutcome(each, "left_out", left_out)
                elif is_folder:
                    outcome = self._folder(each, entry, failed)
                elif not os.access(os.fsencode(name), os.R_OK, dir_fd=fd):
                    outcome = FileOutcome(each, "failed", _UNREADABLE)
                else:
                    outcome = self._file(each, found[name], entry, failed)
                if outcome is not None:
                    marks.append(Mark(outcome, is_folder))
        return FolderView(path, known=True, mirrored=mirrored, marks=tuple(marks))

    @contextlib.contextmanager
    def _opened(self, path: RelPath) -> Iterator[int]:
        try:
            fd = self.home.open_folder(path)
        except OSError as error:
            raise problem_of(error) from error
        try:
            yield fd
        except OSError as error:
            raise problem_of(error) from error
        finally:
            os.close(fd)

    def _above(self, path: RelPath) -> LeftOut | None:
        """Say which rule leaves the folder out as a whole, or one that it lies in."""
        if not path:
            return None
        for folder in (*reversed([*ancestors(path)]), path):
            found = self.rules.judge(folder, Kind.FOLDER) or self._environment(folder)
            if found is not None:
                return found
        return None

    def _environment(self, path: RelPath) -> LeftOut | None:
        try:
            with self._opened(path) as fd:
                markers = [name for name in MARKERS if _status(name, fd) is not None]
        except FileProblem:
            return None  # said otherwise
        return self.rules.judge_environment(path, markers)

    def _left_out(self, path: RelPath, status: os.stat_result) -> Said | None:
        if stat_bits.S_ISLNK(status.st_mode):
            return self._why(LeftOut(path, "link"))
        if not (stat_bits.S_ISREG(status.st_mode) or stat_bits.S_ISDIR(status.st_mode)):
            return self._why(LeftOut(path, "special"))
        is_folder = stat_bits.S_ISDIR(status.st_mode)
        size = 0 if is_folder else status.st_size
        found = self.rules.judge(path, Kind.FOLDER if is_folder else Kind.FILE, size)
        if found is None and is_folder:
            found = self._environment(path)
        return self._why(found) if found is not None else None

    def _why(self, item: LeftOut) -> Said:
        return why_left_out(item, self.site.settings.max_file_size)

    def _failed_below(self, path: RelPath) -> dict[RelPath, FileOutcome]:
        """Return the failures in the folder that nothing has mended since."""
        newest = max((run.id for run in self.ledger.runs(limit=1)), default=0)
        below = {
            RelPath(each.removesuffix("/")): (run, outcome)
            for each, (run, outcome) in self.ledger.failures().items()
            if is_below(each, path)
        }
        # A later run that was about other files says nothing of these.
        older = [each for each, (run, _) in below.items() if run != newest]
        known = self.ledger.at(older)
        mended = {each for each in older if not self._differs(each, known)}
        return {
            each: replace(outcome, outcome="waiting") if self.again else outcome
            for each, (_, outcome) in below.items()
            if each not in mended
        }

    def _differs(self, path: RelPath, known: Mapping[tuple[RelPath, Kind], LedgerEntry]) -> bool:
        """Tell whether there is something here that was not copied as it is."""
        try:
            with self._opened(parent_of(path)) as fd:
                status = _status(name_of(path), fd)
        except FileProblem:
            return False
        if status is None:
            return False
        if stat_bits.S_ISDIR(status.st_mode):
            return (path, Kind.FOLDER) not in known
        return not _is_same(status, known.get((path, Kind.FILE)))

    def _folder(
        self, path: RelPath, entry: LedgerEntry | None, failed: Mapping[RelPath, FileOutcome]
    ) -> FileOutcome | None:
        inside = next((each for each in failed if is_below(each, path)), None)
        if inside is not None:
            return FileOutcome(path, failed[inside].outcome, failed[inside].reason)
        waits = any(is_below(each, path) for each in self.saved)
        if waits or (entry is None and self._holds_something(path)):
            return FileOutcome(path, "waiting")
        return None

    def _holds_something(self, folder: RelPath) -> bool:
        """Tell whether a folder that is new holds a file to be copied: empty ones are not."""
        left = _LOOKED_INTO
        pending = [folder]
        while pending:
            try:
                at = pending.pop()
                with self._opened(at) as fd:
                    names = os.listdir(fd)  # noqa: PTH208 - pathlib cannot list a descriptor
                    for name in names[:left]:
                        status = _status(name, fd)
                        each = join(at, name)
                        if status is None or self._left_out(each, status) is not None:
                            continue
                        if not stat_bits.S_ISDIR(status.st_mode):
                            return True
                        pending.append(each)
            except FileProblem:
                continue
            left -= len(names)
            if left <= 0:
                return True  # so much can hardly be nothing
        return False

    def _file(
        self,
        path: RelPath,
        status: os.stat_result,
        entry: LedgerEntry | None,
        failed: Mapping[RelPath, FileOutcome],
    ) -> FileOutcome | None:
        if path in failed:
            return failed[path]
        if entry is None:
            return None
        if entry.standing is Standing.DECLINED:
            return FileOutcome(path, "declined")
        seen = entry.seen
        if seen is None or not _is_same(status, entry):
            return None
        if seen.trashed or seen.deleted:
            return FileOutcome(path, "waiting")
        edited = seen.md5 is not None and seen.md5 != entry.md5
        return FileOutcome(path, "newer_on_drive") if edited else None


def _is_same(status: os.stat_result, entry: LedgerEntry | None) -> bool:
    """Tell whether a file is as it was when it was copied."""
    if entry is None:
        return False
    now = Stat.given(status.st_size, status.st_mtime_ns, status.st_ino)
    return entry.stat[:2] == now[:2]


def _status(name: str, folder: int) -> os.stat_result | None:
    """Return the status of an entry; None where there is none any more, or none to be had."""
    try:
        return os.lstat(os.fsencode(name), dir_fd=folder)
    except OSError:
        return None
