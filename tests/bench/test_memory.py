"""What a pass costs in memory, measured on a real child process; printed by ``make bench``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import file_digest, md5
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.core.settings import GiB, MiB
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.wire import Request
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Started
from tests.acceptance.real_child import WatchedDrive, connect, plain_environment
from tests.figures import record

KiB = 1024
FILES = 10_000
CONSTANT = 8 * MiB
"""What threads, connections and Google's library take, however many files there are."""
MANY = 100_000
BIG = 512 * MiB
HUGE = 5 * GiB
MARK = 64 * MiB
"""Between two marks of a sparse file there is nothing."""


@dataclass(frozen=True)
class Run:
    """What a pass did, and its memory in bytes, once its libraries were there and at its peak."""

    result: Mapping[str, Any] | None
    """None: it was killed."""
    start: int
    peak: int

    @property
    def above(self) -> int:
        return self.peak - self.start


class Ground:
    """A home, a LocalDrive, and a child whose memory is watched."""

    def __init__(self, drive: WatchedDrive, url: str, place: Place) -> None:
        self.drive = drive
        self.url = url
        self.place = place

    def run(self, *, killed_at: int | None = None) -> Run:
        """Run a pass; with ``killed_at``, kill it when so many bytes were sent in chunks."""
        sizes: list[int] = []
        killed = False
        environment = {**plain_environment(), "DRIVE_SYNC_API_ENDPOINT": self.url}
        with Child(self.place.job("mirror"), environment=environment) as child:
            status = Path(f"/proc/{child.pid}/status")

            def look(event: object) -> None:
                if isinstance(event, Started) or killed:
                    return  # before the libraries are loaded, or after the end
                memory = dict(
                    line.split(":", 1) for line in status.read_text().splitlines() if ":" in line
                )
                # What the kernel has seen at the most; of the pass alone, since it began here.
                sizes.append(_kib(memory["VmRSS"]))
                sizes.append(_kib(memory["VmHWM"]) if len(sizes) > 1 else sizes[0])

            def at_request(request: Request) -> None:
                nonlocal killed
                if "/drive/v3" not in request.path:
                    return
                if killed_at is not None and self.drive.chunk_bytes >= killed_at and not killed:
                    look(request)
                    killed = True
                    child.kill()
                look(request)

            self.drive.before = at_request
            try:
                result = follow(child, look)
                assert result["outcome"] == "completed"
            except DriveSyncError:
                if not killed:
                    raise
                result = None
            finally:
                self.drive.before = lambda _: None
        return Run(result, sizes[0], max(sizes))


def _kib(words: str) -> int:
    return int(words.split(maxsplit=1)[0]) * 1024


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    drive = WatchedDrive(tmp_path / "drive")
    with drive, LocalDriveServer(drive) as server:
        yield Ground(drive, server.url, connect(drive, server.url, tmp_path))


def fill(home: Path, files: int) -> None:
    for number in range(files):
        folder = home / f"folder {number // 1000}"
        folder.mkdir(exist_ok=True)
        file = folder / f"file {number}.txt"
        file.write_text(str(number))
        os.utime(file, (1_700_000_000, 1_700_000_000))


def tell(line: str) -> None:
    print(f"\n{line}")  # noqa: T201 - what a benchmark is for


@pytest.mark.bench
def test_many_small_files(ground: Ground) -> None:
    fill(ground.place.home, FILES)
    for name in ("first pass", "nothing changed"):
        run = ground.run()
        assert run.result is not None
        per_path = run.above / FILES
        tell(
            f"{name}, {FILES} files: {run.result['counters']['requests']} requests, "
            f"{run.start / MiB:.1f} MiB at the start, {run.peak / MiB:.1f} MiB at the peak, "
            f"{per_path:.0f} bytes per path"
        )
        # A tenth of what is promised for: what does not grow counts ten times as much.
        assert run.above <= FILES * KiB + CONSTANT


@pytest.mark.torture
def test_very_many_small_files(ground: Ground) -> None:
    fill(ground.place.home, MANY)
    for name in ("first pass", "nothing changed"):
        run = ground.run()
        assert run.result is not None
        per_path = run.above / MANY
        tell(f"{name}, {MANY} files: {per_path:.0f} bytes per path")
        record("path memory", per_path)
        record("many files", MANY)
        assert per_path <= KiB


@pytest.mark.bench
def test_one_big_file(ground: Ground) -> None:
    sparse(ground.place.home / "big.bin", BIG)
    run = ground.run()
    assert run.result is not None
    tell(
        f"one file of {BIG // MiB} MiB: {run.result['counters']['requests']} requests, "
        f"{run.above / MiB:.1f} MiB above the start"
    )
    assert run.above <= 64 * MiB


@pytest.mark.torture
def test_a_huge_file_killed_on_its_way(ground: Ground) -> None:
    sparse(ground.place.home / "huge.bin", HUGE)
    ground.place = replace(ground.place, settings={"max_file_size": 2 * HUGE})
    first = ground.run(killed_at=HUGE * 3 // 5)
    assert first.result is None
    second = ground.run()
    assert second.result is not None
    again = ground.drive.chunk_bytes - HUGE
    tell(
        f"one file of {HUGE / GiB:.0f} GiB, killed: {again / MiB:.1f} MiB sent again, "
        f"{max(first.above, second.above) / MiB:.1f} MiB above the start"
    )
    (found,) = (file for file in ground.drive.model.files.values() if file.name == "huge.bin")
    assert found.head is not None
    assert found.head.size == HUGE
    assert found.head.md5 == md5_of(ground.place.home / "huge.bin")
    record("big upload", HUGE / GiB)
    record("sent again", again / MiB)
    record("big memory", max(first.above, second.above) / MiB)
    assert again <= 8 * MiB
    assert max(first.above, second.above) <= 64 * MiB


def sparse(file: Path, size: int) -> None:
    """Write a file with holes, of which no two parts are alike."""
    with file.open("wb") as written:
        for at in range(0, size, MARK):
            written.seek(at)
            written.write(str(at).encode())
        written.truncate(size)


def md5_of(file: Path) -> str:
    with file.open("rb") as read:
        return file_digest(read, partial(md5, usedforsecurity=False)).hexdigest()
