"""Random histories: a home and a Drive that people change as they like, with things going wrong.

One seed decides everything. A failing seed is replayed by
``pytest tests/sim -k 'history[SEED]'``; ``make torture`` tries many more.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from jupyter_drive_sync.core.decisions import Remark
from jupyter_drive_sync.core.names import to_local
from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.core.tree import FileId, Kind, RelPath, RemoteEntry, Standing
from jupyter_drive_sync.drive.types import Patch
from jupyter_drive_sync.engine.mirror import PassReport
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.engine.world import make_world
from tests.virtual_clock import VirtualClock

SEEDS = 60
NAMES = ("a", "b", "c", "notes.txt", "x'y", "ü", "e%2F", "lab 1.ipynb")
LISTED = frozenset({"newer_on_drive", "declined", "archived", "unclaimed", "kept_edited"})


class Crash(BaseException):
    """Our process is gone."""


class History:
    """One random history."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - repeatable on purpose
        clock = VirtualClock()
        lag = self.random.choice([0.0, 0.0, 90.0])
        settings = LocalDriveSettings(listing_lag=lag, changes_lag=lag)
        self.world = make_world(folder, clock, drive=settings)
        self.world.seed = seed
        self.world.with_settings(guard_share=1.0, guard_share_from=10_000)
        self.lag = lag
        self.number = 0
        self.trace: list[str] = []

    # -- the home ---------------------------------------------------------------------------------

    def _paths(self, *, folders: bool = False) -> list[Path]:
        return sorted(
            path
            for path in self.world.home.rglob("*")
            if (path.is_dir() if folders else path.is_file())
        )

    def _somewhere(self) -> Path:
        folder = self.random.choice([self.world.home, *self._paths(folders=True)])
        return folder / self.random.choice(NAMES)

    def _new_content(self) -> bytes:
        self.number += 1
        return f"content {self.number}".encode() * self.random.choice([1, 1, 1, 2000])

    def write(self) -> None:
        path = self._somewhere()
        if not path.is_dir():
            path.write_bytes(self._new_content())

    def make_folder(self) -> None:
        path = self._somewhere()
        if not path.exists():
            path.mkdir()
            (path / "inside").write_bytes(self._new_content())

    def rename(self) -> None:
        paths = self._paths() + self._paths(folders=True)
        target = self._somewhere()
        if paths and not target.exists():
            source = self.random.choice(paths)
            if source not in target.parents:
                source.rename(target)

    def delete(self) -> None:
        if paths := self._paths():
            self.random.choice(paths).unlink()

    def delete_folder(self) -> None:
        if folders := self._paths(folders=True):
            shutil.rmtree(self.random.choice(folders))

    def swap_kind(self) -> None:
        if paths := self._paths():
            path = self.random.choice(paths)
            path.unlink()
            path.mkdir()

    # -- Drive ------------------------------------------------------------------------------------

    def _object(self, *, kind: Kind | None = None) -> RemoteEntry | None:
        found = sorted(
            (e for e in self.world.objects() if kind in (None, e.kind) and e.id != self.world.root),
            key=lambda entry: entry.id,
        )
        return self.random.choice(found) if found else None

    def _act(self, entry: RemoteEntry | None, **change: object) -> None:
        if entry is not None:
            self.world.person.batch([Patch(entry.id, **change)])  # type: ignore[arg-type]

    def edit(self) -> None:
        entry = self._object(kind=Kind.FILE)
        if entry is not None:
            self.world.person.replace_file(Patch(entry.id, name=entry.name), self._new_content())

    def rename_there(self) -> None:
        self._act(self._object(), name=self.random.choice(NAMES))

    def move_there(self) -> None:
        entry, folder = self._object(), self._object(kind=Kind.FOLDER)
        if entry is not None and folder is not None and folder.id != entry.id:
            self._act(entry, add_parent=folder.id, remove_parent=entry.parent)

    def move_out(self) -> None:
        entry = self._object()
        if entry is not None:
            root = FileId(self.world.server.model.account("ann@example.edu").root)
            self._act(entry, add_parent=root, remove_parent=entry.parent)

    def trash_there(self) -> None:
        self._act(self._object(), trashed=True)

    # -- passes -----------------------------------------------------------------------------------

    def sync(self) -> None:
        calm = self.random.random() < 0.4
        if not calm:
            kind = self.random.choice(["lost", "503", "lost", "rate"])
            self.world.server.faults.add(
                Fault(kind, "*", probability=self.random.choice([0.05, 0.3]), times=6)
            )
        self.crash_at = self.random.randint(1, 30) if self.random.random() < 0.3 else 0
        try:
            self._pass()
        except (DriveSyncError, Crash) as problem:
            self.trace.append(f"  {type(problem).__name__}: {problem}")
        finally:
            self.world.server.faults.clear()

    def _pass(self) -> PassReport:
        """Run a pass; a crash strikes before or after the server has acted."""
        server, dispatch = self.world.server, self.world.server.dispatch
        left = getattr(self, "crash_at", 0)
        before = self.random.random() < 0.5

        def crashing(request: object) -> object:
            nonlocal left
            left -= 1
            if left == 0 and before:
                raise Crash
            response = dispatch(request)  # type: ignore[arg-type]
            if left == 0:
                raise Crash
            return response

        server.dispatch = crashing  # type: ignore[method-assign, assignment]
        try:
            return self.world.sync()
        finally:
            del server.dispatch  # type: ignore[method-assign]

    def wait(self) -> None:
        self.world.clock.advance(self.random.choice([10, 4000, 100_000]))

    def keep_state(self) -> None:
        """Take a snapshot of our state, as a volume's backup would."""
        self.forget_snapshot()
        shutil.copytree(self.world.state, self.snapshot)

    def bring_state_back(self) -> None:
        """Put the snapshot back: the ledger is older than Drive now."""
        if self.snapshot.exists():
            shutil.rmtree(self.world.state)
            shutil.copytree(self.snapshot, self.world.state)

    def forget_snapshot(self) -> None:
        shutil.rmtree(self.snapshot, ignore_errors=True)

    def lose_ledger(self) -> None:
        (self.world.state / "ledger.sqlite").unlink(missing_ok=True)

    def break_ledger(self) -> None:
        path = self.world.state / "ledger.sqlite"
        if path.exists():
            path.write_bytes(path.read_bytes()[: self.random.randint(1, 9000)])

    @property
    def snapshot(self) -> Path:
        return self.world.folder / "snapshot"

    def steps(self) -> list[Callable[[], None]]:
        here = [self.write] * 4 + [self.make_folder, self.rename, self.rename, self.delete]
        rare = [self.delete_folder, self.swap_kind, self.wait]
        there = [self.edit, self.edit, self.rename_there, self.move_there, self.trash_there]
        state = [self.keep_state, self.bring_state_back, self.lose_ledger, self.break_ledger]
        return here + rare + there + [self.move_out, self.random.choice(state)] + [self.sync] * 5

    def run(self, count: int) -> None:
        self.write()
        self.make_folder()
        self.sync()
        for _ in range(count):
            step = self.random.choice(self.steps())
            if not self._root_exists() and step.__name__ in (
                "edit", "rename_there", "move_there", "trash_there", "move_out",
            ):  # fmt: skip
                continue
            self.trace.append(step.__name__)
            step()

    def _root_exists(self) -> bool:
        return bool(self.world.root)

    # -- the laws ---------------------------------------------------------------------------------

    def converge(self) -> None:
        """Once nothing goes wrong any more, home and Drive are equal but for what is listed."""
        self.world.clock.advance(2 * self.lag + 1)
        self.crash_at = 0
        for _ in range(4):
            self._calm_pass()
            self.world.clock.advance(DAY)
        report = self._calm_pass()
        assert not report.plan.writes, list(report.plan.operations())
        noted = {note.id for note in report.plan.notes if note.remark is not Remark.NONE}
        listed = {outcome.path for outcome in report.outcomes if outcome.outcome in LISTED}
        objects = {entry.id: entry for entry in self.world.objects()}
        with self.world.ledger() as ledger:
            tree, theirs = ledger.tree(), ledger.released()
        mirrored = {
            path: entry for path, entry in tree.files.items() if entry.standing is Standing.MIRRORED
        }
        for path, content in self.world.local().items():
            if path in listed:
                continue
            assert RelPath(path) in mirrored, f"{path} is not on Drive"
            found = objects[mirrored[RelPath(path)].id]
            assert self.world.download(found.id) == content, f"{path} differs"
            assert self._path(found, objects) == path, f"{path} is at another place on Drive"
        ours = {entry.id for entry in mirrored.values()}
        for entry in objects.values():
            where = self._path(entry, objects)
            if entry.kind is Kind.FILE and where is not None and entry.id not in theirs:
                assert entry.id in ours | noted, f"{where} is only on Drive and not listed"

    def _path(self, entry: RemoteEntry, objects: dict[FileId, RemoteEntry]) -> str | None:
        """Return where an object lies below the mirror; None outside of it."""
        names: list[str] = []
        here: RemoteEntry | None = entry
        while here is not None and here.id != self.world.root:
            names.append(to_local(here.name))
            here = objects.get(here.parent) if here.parent else None
        return None if here is None else "/".join(reversed(names))

    def _calm_pass(self) -> PassReport:
        report = self._pass()
        for hold in report.holds:
            with self.world.ledger() as ledger:
                ledger.answer(hold.id, "keep", at=self.world.clock.wall())
        return report


@pytest.mark.parametrize("seed", range(SEEDS))
def test_history(tmp_path: Path, seed: int) -> None:
    history = History(tmp_path / "world", seed)
    with history.world.server:
        try:
            history.run(40)
            history.converge()
        except AssertionError as error:
            error.add_note("\n".join(history.trace))
            raise
