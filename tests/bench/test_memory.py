"""What a pass costs in memory, measured on a real child process; printed by ``make bench``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_drive_sync.core.settings import MiB
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.wire import Request
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Started
from tests.acceptance.real_child import WatchedDrive, connect

pytestmark = pytest.mark.bench

FILES = 10_000
BIG = 512 * MiB


class Ground:
    """A home, a LocalDrive, and a child whose memory is watched."""

    def __init__(self, drive: WatchedDrive, url: str, place: Place) -> None:
        self.drive = drive
        self.url = url
        self.place = place

    def run(self) -> tuple[dict[str, int], int, int]:
        """Run a pass; return its counters, and the memory at its start and at its peak (bytes)."""
        sizes: list[int] = []
        environment = {**os.environ, "DRIVE_SYNC_API_ENDPOINT": self.url}
        with Child(self.place.job("mirror"), environment=environment) as child:
            status = Path(f"/proc/{child.pid}/status")

            def look(event: object) -> None:
                if isinstance(event, Started):
                    return  # before the libraries are loaded
                lines = status.read_text().splitlines()
                resident = next(line for line in lines if line.startswith("VmRSS"))
                sizes.append(int(resident.split()[1]) * 1024)

            def at_request(request: Request) -> None:
                if "/drive/v3" in request.path:
                    look(request)

            self.drive.before = at_request
            result = follow(child, look)
        assert result["outcome"] == "completed"
        return result["counters"], sizes[0], max(sizes)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    drive = WatchedDrive()
    with drive, LocalDriveServer(drive) as server:
        yield Ground(drive, server.url, connect(drive, server.url, tmp_path))


def test_many_small_files(ground: Ground) -> None:
    for number in range(FILES):
        folder = ground.place.home / f"folder {number // 1000}"
        folder.mkdir(exist_ok=True)
        file = folder / f"file {number}.txt"
        file.write_text(str(number))
        os.utime(file, (1_700_000_000, 1_700_000_000))
    for name in ("first pass", "nothing changed"):
        counters, start, peak = ground.run()
        per_path = (peak - start) / FILES
        print(  # noqa: T201 - what a benchmark is for
            f"\n{name}, {FILES} files: {counters['requests']} requests, "
            f"{start / MiB:.1f} MiB at the start, {peak / MiB:.1f} MiB at the peak, "
            f"{per_path:.0f} bytes per path"
        )
        assert per_path <= 1100, "the promise is 1 KiB per path, beside what does not grow"


def test_one_big_file(ground: Ground) -> None:
    with (ground.place.home / "big.bin").open("wb") as file:
        file.truncate(BIG)
    counters, start, peak = ground.run()
    print(  # noqa: T201 - what a benchmark is for
        f"\none file of {BIG // MiB} MiB: {counters['requests']} requests, "
        f"{(peak - start) / MiB:.1f} MiB above the start"
    )
    assert peak - start <= 64 * MiB
