"""A real small disk that fills up or turns read-only; run by ``test_full_disk.py``.

Usage: ``on_tmpfs.py FOLDER``, as whoever may mount: the program is started in a mount namespace of
its own, so that nothing of it is left when it ends, however it ends. For each trial it prints a
line of JSON on stdout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from jupyter_drive_sync.errors import DriveSyncError
from tests.engine.test_full_disk import prepare, turn
from tests.engine.world import World
from tests.home.ground import snapshot

SIZE = 1024 * 1024
PAGE = 4096


def mount(folder: Path, options: str) -> None:
    """Mount or remount a tmpfs."""
    command = ["mount", "-t", "tmpfs", "-o", options, "drive-sync-test", str(folder)]
    subprocess.run(command, check=True)


def trial(folder: Path, name: str, spoil: Callable[[World], Callable[[], None]]) -> None:
    """Prepare a home whose state lies on a small disk, spoil that, sync, mend it, sync twice."""
    (folder / "state").mkdir(parents=True)
    mount(folder / "state", f"size={SIZE},mode=0700")
    world = prepare(folder)
    with world.server:
        before = snapshot(world.home)
        mend = spoil(world)
        said = ""
        try:
            turn(world)
        except DriveSyncError as problem:
            said = problem.code
        mend()
        turn(world)
        turn(world)
        world.assert_mirrored()
        same = snapshot(world.home) == before
    found = {"trial": name, "said": said, "home untouched": same}
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    subprocess.run(["umount", str(folder / "state")], check=True)


def full(pages: int) -> Callable[[World], Callable[[], None]]:
    """Leave so many pages free."""

    def spoil(world: World) -> Callable[[], None]:
        filler = world.state / "filler"
        free = os.statvfs(world.state).f_bavail * os.statvfs(world.state).f_frsize
        filler.write_bytes(b"x" * (free - pages * PAGE))
        return filler.unlink

    return spoil


def read_only(world: World) -> Callable[[], None]:
    """Turn the state's disk read-only, as a kernel does after an error."""
    mount(world.state, "remount,ro")
    return lambda: mount(world.state, "remount,rw")


def read_only_home(world: World) -> Callable[[], None]:
    """Make the home read-only, by a mount over itself."""
    subprocess.run(["mount", "--bind", str(world.home), str(world.home)], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", str(world.home)], check=True)
    try:
        (world.home / "probe").touch()
    except OSError:
        return lambda: None
    raise AssertionError("the home can be written")


def main() -> None:
    """Run all trials."""
    folder = Path(sys.argv[1])
    for pages in range(0, 24, 2):
        trial(folder / f"full {pages}", f"{pages} pages free", full(pages))
    trial(folder / "read-only state", "state read-only", read_only)
    trial(folder / "read-only home", "home read-only", read_only_home)


if __name__ == "__main__":
    main()
