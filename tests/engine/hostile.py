"""A Drive on which somebody has named everything as badly as Drive allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_drive_sync.core.tree import FileId
from jupyter_drive_sync.drive.types import BATCH_LIMIT, CreateFolder, NewFile
from tests.engine.world import World

_MADE_MS = 1_700_000_000_000


def grow(world: World, trees: Mapping[tuple[str, ...], bytes]) -> dict[FileId, bytes]:
    """Make files with our marks under paths of Drive names; return what each one holds."""
    drive = world.connect()
    app = {"jds": "1", "home": world.home_id, "w": "a person's"}
    levels: dict[int, dict[tuple[str, ...], None]] = {}
    for path in trees:
        for depth in range(1, len(path)):
            levels.setdefault(depth, {})[path[:depth]] = None
    ids = iter(_ids(world, sum(map(len, levels.values())) + len(trees)))
    folders: dict[tuple[str, ...], FileId] = {(): world.root}
    for depth in sorted(levels):
        paths = [*levels[depth]]
        folders |= {path: next(ids) for path in paths}
        for start in range(0, len(paths), BATCH_LIMIT):
            part = paths[start : start + BATCH_LIMIT]
            made = drive.batch(
                [CreateFolder(folders[p], p[-1], folders[p[:-1]], app) for p in part]
            )
            assert not [result for result in made if isinstance(result, Exception)]
    contents: dict[FileId, bytes] = {}
    for path, content in trees.items():
        new = NewFile(next(ids), path[-1], folders[path[:-1]], _MADE_MS, app)
        drive.create_file(new, content)
        contents[new.id] = content
    return contents


def _ids(world: World, count: int) -> Sequence[FileId]:
    drive = world.connect()
    ids: list[FileId] = []
    while len(ids) < count:
        ids += drive.generate_ids(min(1000, count - len(ids)))
    return ids
