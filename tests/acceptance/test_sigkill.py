"""SIGKILL a real pass at random moments: one copy of each file, nothing sent twice in vain."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from jupyter_drive_sync.core.settings import MiB
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from tests.acceptance.real_child import ANN, Killer, WatchedDrive, connect
from tests.figures import record

FILES = 300
BIG = 60 * MiB
CHUNK = 8 * MiB


def make_home(home: Path, random: Random) -> dict[str, str]:
    """Write 300 small files and a big one; return their checksums by name."""
    contents = {f"lab{i % 7}/note{i}.txt": f"{i} {random.random()}".encode() for i in range(FILES)}
    contents["data/big.bin"] = random.randbytes(BIG)
    for path, content in contents.items():
        file = home / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    return {path: hashlib.md5(content).hexdigest() for path, content in contents.items()}  # noqa: S324 - Drive's


def mirrored(drive: WatchedDrive) -> Counter[tuple[str, str]]:
    """Count the live files of the account by name and checksum."""
    return Counter(
        (file.name, file.head.md5)
        for file in drive.model.files.values()
        if file.owner == ANN and file.head is not None and not drive.model.trashed(file)
    )


def change_some(home: Path, random: Random, want: dict[str, str]) -> None:
    """Change and add files, so that there is work for the next pass."""
    for number in range(30):
        path = f"lab{number % 7}/{random.choice(['note', 'new'])}{random.randrange(400)}.txt"
        content = random.randbytes(40)
        (home / path).write_bytes(content)
        want[path] = hashlib.md5(content).hexdigest()  # noqa: S324 - Drive's


@pytest.mark.figure
@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.torture)])
def test_killed_again_and_again(tmp_path: Path, kills: int) -> None:
    random = Random(kills)  # noqa: S311 - repeatable on purpose
    drive = WatchedDrive()
    drive.faults.add(Fault("lost", "*", probability=0.03))
    with drive, LocalDriveServer(drive) as server:
        place = connect(drive, server.url, tmp_path)
        want = make_home(place.home, random)
        killer = Killer(drive)
        done = 0
        while done < kills:
            at = random.randint(1, 40)
            if killer.run(place, server.url, at=at, acted=random.random() < 0.5):
                change_some(place.home, random, want)
            else:
                done += 1
        while not killer.run(place, server.url, at=None):
            pass
        assert killer.run(place, server.url, at=None)
        found = mirrored(drive)
    wanted = Counter((path.rpartition("/")[2], md5) for path, md5 in want.items())
    record("duplicates", sum((found - wanted).values()))
    record("lost", sum((wanted - found).values()))
    assert found == wanted
    assert drive.faults.unfired() == ()
    assert drive.chunk_bytes <= BIG + done * CHUNK, "more than a chunk was sent again per kill"
    record("sigkills", done)
