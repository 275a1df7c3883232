"""The disk of our state is full, read-only or failing, at each single write of a pass (F41, F42).

Whatever is refused: the pass ends in a sentence or goes on without what it could not keep, the home
is not touched, and once the disk is well again two passes reach home = Drive, nothing twice.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.engine.executor import InOrder
from jupyter_drive_sync.engine.mirror import Mirror
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import make_state_dir
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import DriveSyncError, StateFull, StateUnusable
from tests.engine.refusing_disk import RefusingDisk, refusing_disk
from tests.engine.world import World, make_world
from tests.home.ground import snapshot
from tests.virtual_clock import VirtualClock

__all__ = ["refusing_disk"]

on_tmpfs = str(Path(__file__).with_name("on_tmpfs.py"))

SAID = {
    errno.ENOSPC: (StateFull,),
    errno.EROFS: (StateUnusable,),
    errno.EIO: (StateUnusable,),
}

WAYS = [(error, once) for once in (False, True) for error in SAID]


def turn(world: World) -> None:
    """Run a pass as the child does: state folder, lease, status, a ping."""
    world.clock.advance(60)
    site = world.site
    make_state_dir(world.state)
    progress = Progress(world.clock)
    own = Turn(site, "job", progress)
    with own.taken(patience=2 * site.settings.lease_seconds):
        own.pulse()
        mirror = Mirror(
            site, world.connect(), SecretsStore(world.state), InOrder(), progress, "job",
            permit=own.lease.check,
        )  # fmt: skip
        report = mirror.run()
        own.pulse()
        own.completed(report.run.outcome, report.objects)


def prepare(folder: Path) -> World:
    """Make a mirrored home in which every kind of work waits: new, changed, moved, gone, large."""
    clock = VirtualClock(1_700_000_000.0)
    world = make_world(folder, clock)
    world.with_settings(small_file=1000, chunk_size=256 * 1024, git_bundles=False)
    for number in range(4):
        world.write(f"lab/{number}.txt", f"{number}")
    world.write("lab/to move.txt", "moved")
    turn(world)
    world.write("new/folder/file.txt", "new")
    world.write("lab/1.txt", "changed", age=600)
    world.write("lab/large.bin", b"x" * 300_000)
    (world.home / "lab/to move.txt").rename(world.home / "new/moved.txt")
    (world.home / "lab/2.txt").unlink()
    return world


def writes_of_a_pass(folder: Path, make: Callable[[object], RefusingDisk]) -> int:
    world = prepare(folder)
    with world.server:
        disk = make(world.state)
        with disk.counting():
            turn(world)
        world.assert_mirrored()
    return disk.writes


def refuse(disk: RefusingDisk, world: World, at: int, error: int, *, once: bool) -> str:
    """Run a pass of which one write is refused, then two on a disk that is well again."""
    before = snapshot(world.home)
    said: DriveSyncError | None = None
    with disk.refusing(at, error, once=once):
        try:
            turn(world)
        except DriveSyncError as problem:
            said = problem
    note = f"write {at}, {errno.errorcode[error]}{' once' if once else ''}: {said!r}"
    assert disk.refused, note
    assert said is None or isinstance(said, SAID[error]), note
    assert snapshot(world.home) == before, note
    turn(world)
    turn(world)
    world.assert_mirrored()
    assert json.loads((world.state / "status.json").read_text())["status"] == "completed", note
    if once or error == errno.ENOSPC:  # a read-only disk does not let go of anything either
        left = {path.name for path in world.state.iterdir() if path.name.startswith((".", "le"))}
        assert left <= {".secrets.lock", "ledger.sqlite", "ledger.sqlite-journal"}, note
    return note if said is None else ""


@pytest.mark.parametrize(
    "each",
    [1, pytest.param(len(WAYS), marks=pytest.mark.torture)],
    ids=["in_turn", "every_way"],
)
def test_each_write_refused(
    each: int, tmp_path: Path, refusing_disk: Callable[[object], RefusingDisk]
) -> None:
    total = writes_of_a_pass(tmp_path / "counted", refusing_disk)
    assert total > 60
    silent = []
    for at in range(1, total + 1):
        for turn_of in range(each):
            error, once = WAYS[(at + turn_of) % len(WAYS)]
            world = prepare(tmp_path / f"world {at} {turn_of}")
            with world.server:
                disk = refusing_disk(world.state)
                silent.append(refuse(disk, world, at, error, once=once))
    unsaid = [note for note in silent if note]
    assert len(unsaid) < len(silent) / 4, "\n".join(unsaid)


def namespace() -> list[str]:
    """Return the command under which mounting is allowed here, or nothing."""
    for way in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        command = [*way, "mount", "-t", "tmpfs", "none", "/mnt"]
        with contextlib.suppress(OSError):
            if not subprocess.run(command, capture_output=True, check=False).returncode:
                return way
    return []


def test_a_real_small_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    way = namespace()
    if not way:
        with capsys.disabled():
            print(  # noqa: T201 - nobody shall think that it was tried
                "\n*** NO TMPFS MAY BE MOUNTED HERE: A FULL AND A READ-ONLY DISK WERE TRIED BY "
                "INJECTED ERRORS ALONE. ***"
            )
        return
    command = [*way, sys.executable, on_tmpfs, str(tmp_path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [trial["home untouched"] for trial in found] == [True] * 14
    *full, state, home = (trial["said"] for trial in found)
    assert (state, home) == ("state.unusable", "")
    assert full[0] == "state.full"
    assert full[-1] == "", "the sweep has to go on until a pass fits"
    assert set(full) == {"state.full", ""}
