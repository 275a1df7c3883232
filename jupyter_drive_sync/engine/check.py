"""Home against ledger against Drive, by content: all is read here, and all is listed there.

A pass trusts what the stat and the change feed say; a check trusts neither. It changes nothing;
:func:`distrust` makes the next pass find out everything anew.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jupyter_drive_sync.core.tree import (
    Kind,
    RelPath,
    RemoteEntry,
    Standing,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.listing import whole_tree
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.observe import paths_below
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.engine.survey import Survey, open_home
from jupyter_drive_sync.errors import FileProblem


class Finding(enum.StrEnum):
    """What a check says of one file."""

    NOT_ON_DRIVE = "not_on_drive"
    DIFFERS = "differs"
    NEWER_ON_DRIVE = "newer_on_drive"
    TWIN = "twin"
    """A second object of ours at the path."""
    ONLY_ON_DRIVE = "only_on_drive"
    ARCHIVED = "archived"
    DECLINED = "declined"
    LEDGER_WRONG = "ledger_wrong"
    """Drive has what it should have, but our records say otherwise."""
    UNREADABLE = "unreadable"


EXPECTED = frozenset({Finding.NEWER_ON_DRIVE, Finding.ARCHIVED, Finding.DECLINED})
"""Findings that are no fault: they differ on purpose, and the status lists them."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One finding."""

    path: RelPath
    finding: Finding
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found."""

    equal: int
    """Files that are on Drive byte for byte, by checksum."""
    bytes: int
    """Bytes that were read here."""
    findings: tuple[Checked, ...]

    @property
    def faults(self) -> tuple[Checked, ...]:
        """The findings that a sync has to mend."""
        return tuple(found for found in self.findings if found.finding not in EXPECTED)


def check(
    site: Site, drive: Drive, progress: Progress, permit: Callable[[], None] = lambda: None
) -> CheckReport:
    """Compare everything with everything.

    Args:
        site: the home.
        drive: one paged query lists the mirror.
        progress: is told how many files were read.
        permit: raises to end the check.

    Raises:
        HomeMissing, HomeRefused: there is no home to compare.
        DriveSyncError: Drive does not answer.
    """
    identity, _ = Identity.load(site)
    with Ledger.draft(site.state_dir) as ledger, open_home(site) as home:
        progress.enter("comparing")
        shown = tuple(whole_tree(drive, identity.home_id))
        progress.enter("scanning")
        survey = Survey.make(site, home, progress, permit)
        local = [entry for entry in survey.tree.entries.values() if entry.kind is Kind.FILE]
        progress.counts["total"] = len(local)
        progress.counts["bytes_total"] = sum(entry.stat.size for entry in local)
        progress.enter("checking")
        contents: dict[RelPath, bytes] = {}
        findings: list[Checked] = []
        for entry in local:
            permit()
            try:
                contents[entry.path] = home.digest(entry.path).md5
            except FileProblem as problem:
                findings.append(Checked(entry.path, Finding.UNREADABLE, problem.sentence))
            progress.count("done")
            progress.count("bytes", entry.stat.size)
        comparison = _Comparison(contents, ledger, shown)
        findings += comparison.findings()
    unreadable = {found.path for found in findings if found.finding is Finding.UNREADABLE}
    findings = [
        found
        for found in findings
        if found.finding is Finding.UNREADABLE or found.path not in unreadable
    ]
    return CheckReport(
        comparison.equal,
        sum(entry.stat.size for entry in local),
        tuple(sorted(findings, key=lambda found: (found.path, found.finding))),
    )


def distrust(site: Site) -> None:
    """Make the next pass read every file and the whole tree, and rebuild the ledger from them."""
    with Ledger.found(site.state_dir) as ledger:
        if ledger is not None:  # a new one trusts nothing by itself
            ledger.distrust()


class _Comparison:
    """The three sides of one mirror, by path."""

    def __init__(
        self,
        contents: dict[RelPath, bytes],
        ledger: Ledger,
        shown: tuple[RemoteEntry, ...],
    ) -> None:
        self._contents = contents
        self._ledger = ledger
        self._tree = ledger.tree()
        self._known = {entry.id: entry for entry in self._tree.files.values()}
        remotes = {remote.id: remote for remote in shown if remote.id != self._tree.root}
        self._remote: dict[RelPath, list[RemoteEntry]] = {}
        for file_id, path in paths_below(remotes, self._tree.root).items():
            if remotes[file_id].kind is Kind.FILE:
                self._remote.setdefault(path, []).append(remotes[file_id])
        self.equal = 0

    def findings(self) -> Iterator[Checked]:
        """Yield what is not plainly equal."""
        for path, md5 in self._contents.items():
            yield from self._here(path, md5, self._remote.get(path, []))
        for path, remotes in self._remote.items():
            if path not in self._contents:
                yield from self._there(path, remotes)

    def _here(self, path: RelPath, md5: bytes, remotes: list[RemoteEntry]) -> Iterator[Checked]:
        known = self._tree.files.get(path)
        if not remotes:
            declined = known is not None and known.standing is Standing.DECLINED
            yield Checked(path, Finding.DECLINED if declined else Finding.NOT_ON_DRIVE)
            return
        mine = next((r for r in remotes if known is not None and r.id == known.id), remotes[0])
        for other in remotes:
            if other.id != mine.id:
                yield Checked(path, Finding.TWIN, other.id)
        if mine.md5 != md5:
            yield Checked(path, self._why_different(mine, md5))
            return
        self.equal += 1
        if known is None or known.id != mine.id or known.md5 not in (md5, None):
            yield Checked(path, Finding.LEDGER_WRONG)

    def _why_different(self, mine: RemoteEntry, md5: bytes) -> Finding:
        known = self._ledger.entries([mine.id]).get(mine.id)  # with its nonce
        edited_there = known is not None and known.nonce == mine.nonce and known.md5 == md5
        return Finding.NEWER_ON_DRIVE if edited_there else Finding.DIFFERS

    def _there(self, path: RelPath, remotes: list[RemoteEntry]) -> Iterator[Checked]:
        for remote in remotes:
            known = self._known.get(remote.id)
            kept = known is not None and known.standing is Standing.ARCHIVED
            yield Checked(path, Finding.ARCHIVED if kept else Finding.ONLY_ON_DRIVE)
