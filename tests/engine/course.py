"""A folder that an instructor keeps on Drive, and a folder here that it is brought to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from jupyter_drive_sync.core.tree import FileId, RelPath, RemoteEntry
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.types import CreateFolder, NewFile, Patch
from jupyter_drive_sync.engine.importing import Import, ImportReport
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import Site, make_state_dir
from jupyter_drive_sync.home.pantry import Pantry
from tests.engine.world import World

READONLY = "https://www.googleapis.com/auth/drive.readonly"


@dataclass
class Course:
    """The instructor works with another program than ours, and sees the whole Drive."""

    world: World
    local: str = "course"
    name: str = "course-a"
    pantry: Pantry | None = None
    folders: dict[str, FileId] = field(default_factory=dict)
    files: dict[str, FileId] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.drive: Drive = self.world.foreign
        self.folders[""] = self._make_folder(self.name, None)
        self.settings = replace(
            self.world.settings, default_excludes=False, max_file_size=5 * 1024**4
        )
        make_state_dir(self.state)

    @property
    def state(self) -> Path:
        return self.world.state / "storages" / self.name

    @property
    def site(self) -> Site:
        return replace(
            self.world.site,
            home=self.world.home / self.local,
            state_dir=self.state,
            settings=self.settings,
        )

    def _make_folder(self, name: str, parent: FileId | None) -> FileId:
        (made,) = self.drive.generate_ids(1)
        (result,) = self.drive.batch([CreateFolder(made, name, parent)])
        assert isinstance(result, RemoteEntry), result
        return made

    def folder(self, path: str) -> FileId:
        if path not in self.folders:
            above, _, name = path.rpartition("/")
            self.folders[path] = self._make_folder(name, self.folder(above))
        return self.folders[path]

    def put(self, path: str, content: str | bytes = "", *, age: float = 3600) -> FileId:
        """Make a file on Drive, or give it new content."""
        data = content.encode() if isinstance(content, str) else content
        at = int((self.world.clock.wall() - age) * 1000)
        name = path.rpartition("/")[2]
        if path in self.files:
            self.drive.replace_file(Patch(self.files[path], name=name, mtime_ms=at), data)
        else:
            self.files[path] = self.twin(path, data, at)
        return self.files[path]

    def twin(self, path: str, data: bytes, at: int) -> FileId:
        """Make a file, whatever else has its name."""
        above, _, name = path.rpartition("/")
        (made,) = self.drive.generate_ids(1)
        self.drive.create_file(NewFile(made, name, self.folder(above), at), data)
        return made

    def change(self, file_id: FileId, **change: object) -> None:
        (result,) = self.drive.batch([Patch(file_id, **change)])  # type: ignore[arg-type]
        assert isinstance(result, RemoteEntry), result

    def remove(self, path: str) -> None:
        self.change(self.files.pop(path), trashed=True)

    def bring(self, *only: str, dry_run: bool = False) -> ImportReport:
        """Import, a minute after whatever was before."""
        world = self.world
        world.clock.advance(60)
        drive = world.connect(READONLY, wrap=world.wrap)
        world.server.log.clear()
        self.progress = Progress(world.clock)
        work = Import(
            self.site,
            world.site,
            drive,
            world.executor,
            self.progress,
            "job",
            roots=(world.home,),
            pantry=self.pantry,
        )
        folder = drive.place(self.folders[""])
        try:
            return work.run(folder, [RelPath(path) for path in only], dry_run=dry_run)
        finally:
            world.sent = world.server.log.counts()

    def here(self) -> dict[str, str]:
        """Read what lies here."""
        root = self.world.home / self.local
        return {
            str(path.relative_to(root)): path.read_text()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    def edit(self, path: str, content: str) -> None:
        self.world.write(f"{self.local}/{path}", content, age=0)

    def outcomes(self) -> dict[str, str]:
        """Return what the last import said of each file."""
        return {str(item.path): item.outcome for item in self.progress.outcomes}

    def ledger(self) -> Ledger:
        return Ledger.open(self.state)[0]
