"""What is on disk: the scan, the rules, and the files whose content has to be read to know."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from jupyter_drive_sync.core.guard import Home as HomeState
from jupyter_drive_sync.core.matching import suspects
from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.core.tree import (
    ROOT,
    Kind,
    LedgerTree,
    LeftOut,
    LocalEntry,
    LocalTree,
    RelPath,
    Shadow,
    Stat,
    from_bytes,
    is_below,
    top_of,
)
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import FileOutcome
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.errors import FileProblem
from jupyter_drive_sync.home.bundles import bundle
from jupyter_drive_sync.home.fstime import probe_in
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.scan import scan


def open_home(site: Site) -> Home:
    """Open the home for reading.

    Raises:
        HomeMissing: it is not there.
        HomeRefused: it is not one person's home.
    """
    probe = probe_in(site.state_dir, site.home) if site.home.is_dir() else None
    home = Home(site.home, clock=site.clock, probe=probe)
    try:
        home.check()
    except BaseException:
        home.close()
        raise
    return home


@dataclass
class Survey:
    """One look at the disk.

    Attributes:
        site: the home.
        home: open for reading.
        selection: what is mirrored.
        tree: what is there.
    """

    site: Site
    home: Home
    selection: Selection
    tree: LocalTree

    @classmethod
    def make(
        cls,
        site: Site,
        home: Home,
        progress: Progress,
        permit: Callable[[], None],
        known: LedgerTree | None = None,
    ) -> Survey:
        """Scan the home.

        Args:
            site: where it is, and its rules.
            home: open for reading.
            progress: is told how many paths were seen.
            permit: raises to end the scan.
            known: the ledger; what is as it says shares its memory.
        """
        files = known.files if known is not None else {}
        selection = Selection(
            site.settings,
            driveignore=home.driveignore(),
            state=state_below_home(site),
            keys=keys_below_home(site),
        )

        def seen(paths: int) -> None:
            permit()
            progress.note("scanned", paths)

        def share(path: RelPath, stat: Stat) -> tuple[RelPath, Stat]:
            entry = files.get(path)
            if entry is None:
                return path, stat
            return entry.path, entry.stat if entry.stat == stat else stat

        tree = scan(home, selection, max_files=site.settings.max_files, progress=seen, share=share)
        if site.settings.git_bundles:
            bundled = bundle(home, tree, selection, site.state_dir)
            home.overlay = bundled.overlay
            tree = bundled.tree
        return cls(site, home, selection, tree)

    def read_suspects(
        self, ledger: Ledger, known: LedgerTree, progress: Progress, permit: Callable[[], None]
    ) -> None:
        """Read what the stat alone cannot settle; once a day also the part that has its turn."""
        day = int(self.site.clock.wall() // DAY)
        night = day if ledger.get("rehashed") != str(day) else None
        read: dict[RelPath, LocalEntry] = {}
        for path in suspects(
            self.tree, known, night=night, nights=self.site.settings.rehash_nights
        ):
            permit()
            progress.count("read")
            read[path] = self._read(self.tree.entries[path])
        ledger.remember(rehashed=str(day))
        if read:
            self.tree = replace(self.tree, entries={**self.tree.entries, **read})

    def _read(self, entry: LocalEntry) -> LocalEntry:
        try:
            found = self.home.digest(entry.path)
        except FileProblem as problem:
            return replace(entry, problem=Said.of(problem))
        return replace(entry, stat=found.stat, mode=found.mode, md5=found.md5, racy=found.racy)

    def state(self, identity: Identity, ledger: Ledger) -> HomeState:
        """Say what the guard has to know of the home as a whole."""
        files = [path for path, entry in self.tree.entries.items() if entry.kind is Kind.FILE]
        return HomeState(
            empty=not files,
            unreadable=ROOT in self.tree.unreadable,
            replaced=identity.root_inode not in (0, self.root_inode),
            # With the ledger went what it knew of the day's deletions; a pass that rebuilt it and
            # died before its end has taken nothing of the home as known.
            rebuilt=ledger.get("rebuilding") != ""
            or self.site.clock.wall() < float(ledger.get("rebuilt_at") or "-inf") + DAY,
            rules_changed=ledger.get("rules") not in ("", self.selection.signature),
            folders=frozenset(top for path in files if (top := top_of(path)) != path),
        )

    def hidden(self, only: Collection[RelPath]) -> Callable[[RelPath], bool]:
        """Make a function that tells of which paths this pass cannot know whether they are gone.

        Args:
            only: where given, the paths that the pass is about.
        """
        shadow = Shadow(self.tree)
        return lambda path: (
            shadow.unreadable(path)
            or (bool(only) and not any(is_below(path, folder) for folder in only))
        )

    @property
    def root_inode(self) -> int:
        """Inode of the home itself."""
        return self.home.root.stat().st_ino

    def left_out(self) -> list[FileOutcome]:
        """List what is not mirrored by a rule, each with its reason in words."""
        limit = self.site.settings.max_file_size
        return [
            FileOutcome(item.path, "left_out", why_left_out(item, limit), item.size)
            for item in self.tree.left_out
            if item.reason in _REASONS
        ]

    def unreadable(self) -> list[FileOutcome]:
        """List what could not be looked at: nobody knows whether it is in sync."""
        return [
            FileOutcome(item.path, "failed", item.rule)
            for item in self.tree.left_out
            if item.reason not in _REASONS
        ]


LINK: Final = "link, not followed"
_REASONS: Final = {
    "excluded": 'excluded by rule "{rule}"',
    "not_included": "not among the chosen folders",
    "too_large": "larger than {limit} (your limit)",
    "link": LINK,
    "special": "special file",
    "secret": "secrets are never copied ({rule})",
    "state": "our own state folder",
    "part": "a file on its way back from Drive",
    "filesystem": "the same folder again, mounted below itself",
}


def why_left_out(item: LeftOut, limit: int) -> Said:
    """Say why a rule leaves a path out.

    Args:
        item: the path, not one that is merely unreadable.
        limit: bytes of the largest file that is mirrored.
    """
    values = {"limit": limit} if item.reason == "too_large" else {"rule": item.rule}
    sentence = _REASONS[item.reason].format(rule=item.rule, limit=_amount(limit))
    return Said(sentence, f"left_out.{item.reason}", values)


def _amount(size: int) -> str:
    if size < 1_000_000:
        return f"{size:,} bytes"
    return f"{size / 1e9:,.3g} GB" if size >= 1e9 else f"{size / 1e6:,.3g} MB"


def state_below_home(site: Site) -> RelPath | None:
    """Return where our state folder lies below the home, None where it does not."""
    return _below(site.state_dir.resolve(), site.home.resolve())


def keys_below_home(site: Site) -> frozenset[RelPath]:
    """Return which of the files that are named as keys lie below the home."""
    root = site.home.resolve()
    # A path that leads through a link, and the file itself: both may be seen by the scan.
    found = [_below(key.resolve(), root) for key in site.keys]
    found += [_below(key, site.home) for key in site.keys]
    return frozenset(path for path in found if path is not None)


def _below(path: Path, root: Path) -> RelPath | None:
    try:
        below = path.relative_to(root)
    except ValueError:
        return None
    return from_bytes(bytes(below)) if below != Path() else None
