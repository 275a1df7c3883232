"""What the tests of restores share: a tree, a cut network, a full disk."""

from __future__ import annotations

import errno
import os
from typing import Any

from jupyter_drive_sync.core.tree import RelPath
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.engine.check import check
from jupyter_drive_sync.engine.versions import Versions
from tests.engine.world import World

TREE = {
    "notes.txt": "notes",
    "course/lab1.ipynb": '{"cells": []}',
    "course/data/raw.csv": "1,2\n" * 300,
    "tools/run.sh": "#!/bin/sh\n",
    ".profile": "export A=1\n",
    "na\u00efve \u2013 \u65e5\u672c.txt": "odd",
}


def written(world: World) -> dict[str, bytes]:
    for number, (path, content) in enumerate(TREE.items()):
        world.write(path, content, age=1000 + number)
    (world.home / "tools/run.sh").chmod(0o750)
    (world.home / "empty/deep").mkdir(parents=True)
    return {path: content.encode() for path, content in TREE.items()}


def assert_equal(world: World) -> None:
    """What a person would ask next: `check` says that all is equal."""
    found = check(world.site, world.connect(), world.progress)
    assert found.findings == ()
    assert found.equal == len(world.local())


def cut_after(downloads: int) -> Any:
    """Let the network go after so many downloads."""
    left = downloads

    class Cut:
        def __init__(self, wire: Any) -> None:
            self._wire = wire

        def request(self, method: str, uri: str, headers: Any, body: Any) -> Any:
            nonlocal left
            left -= "alt=media" in uri
            if left < 0:
                raise ConnectionResetError
            return self._wire.request(method, uri, headers, body)

        def close(self) -> None:
            self._wire.close()

    return Cut


def versions(world: World, path: str) -> list[str]:
    """Return the ids of a file's versions, newest first."""
    room = Versions(world.site, world.connect(), SecretsStore(world.state))
    return [each.id for each in room.of(RelPath(path)).revisions]


class FullDisk:
    """``os`` of a disk that has room for a few more writes."""

    def __init__(self, call: str, room: int, code: int = errno.ENOSPC) -> None:
        self._call, self.room, self._code = call, room, code

    def __getattr__(self, call: str) -> Any:
        real = getattr(os, call)
        if call != self._call:
            return real

        def limited(*args: Any, **options: Any) -> Any:
            self.room -= 1
            if self.room < 0:
                raise OSError(self._code, os.strerror(self._code))
            return real(*args, **options)

        return limited
