"""One home under simulation: its disk, its state, and what the laws have to remember of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import from_bytes
from jupyter_drive_sync.engine.site import make_state_dir
from tests.laws.law_07 import Guarded
from tests.sim.model_fs import ModelFs, ModelRoot, Node
from tests.sim.people import AtHome, Writer, md5_of
from tests.virtual_clock import VirtualClock


@dataclass
class Book:
    """What the ledger says, read from beside."""

    root: str = ""
    mirrored: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Path -> id and checksum."""
    known: dict[str, str] = field(default_factory=dict)
    """Id of every file that is known -> its path."""
    edits: set[tuple[str, str]] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    """Ids of the folders that are known."""


class Stead:
    """One home.

    Args:
        folder: for the state; the home is in memory.
        name: tells it from other homes.
        clock: time.
        settings: the knobs.
        writer: makes contents.
        seed: decides its nonces.
    """

    def __init__(
        self, folder: Path, name: str, *, clock: VirtualClock, settings: Settings,
        writer: Writer, seed: int,
    ) -> None:  # fmt: skip
        self.name = name
        self.fs = ModelFs(clock.wall)
        self.root = ModelRoot(f"/model/{name}")
        self.root.fs = self.fs
        self.person = AtHome(self.fs, writer)
        self.state = folder / name
        self.settings = settings
        self.rng = Random(f"home {name} {seed}")  # noqa: S311 - repeatable on purpose
        self.guarded = Guarded(settings.guard_share, settings.guard_share_from - 1)
        self.approved: set[str] = set()
        """Objects whose deletion a person has confirmed."""
        self.doubt = ""
        """Why the next passes may trash nothing, until one has come to its end."""
        self.told: set[tuple[str, str]] = set()
        self.rules: set[tuple[str, ...]] = {settings.excludes}
        """The rules of the last pass that came to its end, and of those that died since."""
        self.roots: set[int] = set()
        """Inodes of the home in those passes."""
        self.mirror = ""
        """Id of the mirror's folder, as far as it was told."""
        self.taking_over = False
        self.untrashing = False
        self.mirrored = 0
        self._stats: dict[tuple[int, int, int], str] = {}
        self._ambiguous: set[tuple[int, int, int]] = set()
        """Statuses under which a file has had more than one content."""
        self._snapshot = folder / f"{name}.snapshot"
        self._answers: tuple[set[str], bool, bool] = set(), False, False
        make_state_dir(self.state)

    def files(self) -> dict[str, str]:
        """Return the regular files: path to checksum."""
        return {path: md5_of(data) for path, data in self.fs.files().items()}

    def watch(self) -> None:
        """Notice changes that no status tells of: a person set the old time again."""
        now_ns = self.fs.now_ns()
        for _, node in self.fs.walk():
            if node.regular:
                key, md5 = _status(node), md5_of(node.data)
                old = node.mtime_ns < now_ns - 2_000_000_000
                if self._stats.get(key, md5) != md5 and old:
                    self._ambiguous.add(key)
                self._stats[key] = md5

    @property
    def silent(self) -> set[str]:
        """Files whose content changed and whose status tells nothing of it, wherever they lie."""
        files = ((path, node) for path, node in self.fs.walk() if node.regular)
        return {path for path, node in files if _status(node) in self._ambiguous}

    # -- the state folder -------------------------------------------------------------------------

    @property
    def home_id(self) -> str:
        """The id in ``home.json``; empty before there is one."""
        try:
            return str(json.loads((self.state / "home.json").read_text())["home_id"])
        except (OSError, ValueError, KeyError):
            return ""

    def book(self, *, mend: bool = False) -> Book:
        """Read the ledger, if there is one that can be read; one of a dead process is mended."""
        path = self.state / "ledger.sqlite"
        if not path.exists():
            return Book()
        try:
            with closing(
                sqlite3.connect(f"file:{path}?mode={'rw' if mend else 'ro'}", uri=True)
            ) as db:
                root = db.execute("SELECT value FROM meta WHERE key = 'root'").fetchone()
                rows = db.execute(
                    "SELECT path, id, md5 FROM objects WHERE kind='file' AND standing='mirrored'"
                )
                mirrored = {from_bytes(p): (i, (m or b"").hex()) for p, i, m in rows}
                paths = db.execute("SELECT id, path FROM objects WHERE kind='file'")
                known = {i: str(from_bytes(p)) for i, p in paths}
                folders = {i for (i,) in db.execute("SELECT id FROM objects WHERE kind='folder'")}
                edits = {(i, r) for i, r in db.execute("SELECT id, revision FROM edits")}
                released = {i for (i,) in db.execute(
                    "SELECT id FROM released UNION SELECT id FROM trashed"
                )}  # fmt: skip
        except sqlite3.DatabaseError:
            return Book()
        return Book(root[0] if root else "", mirrored, known, edits, released, folders)

    def keep_state(self) -> None:
        """Take a snapshot of the state, as a volume's backup would."""
        shutil.rmtree(self._snapshot, ignore_errors=True)
        shutil.copytree(self.state, self._snapshot)
        self._answers = set(self.approved), self.taking_over, self.untrashing

    def bring_state_back(self) -> bool:
        """Put the snapshot back: the ledger is older than Drive now."""
        if not self._snapshot.exists():
            return False
        shutil.rmtree(self.state)
        shutil.copytree(self._snapshot, self.state)
        return True

    def remember_answers(self) -> None:
        """Take the answers of the snapshot: a yes that it holds stands."""
        approved, self.taking_over, self.untrashing = self._answers
        self.approved = set(approved)

    def set(self, **changes: object) -> None:
        """Change settings."""
        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]


def _status(node: Node) -> tuple[int, int, int]:
    return node.ino, len(node.data), node.mtime_ns
