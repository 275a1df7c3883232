"""Two machines and a home that is lost: restored by a real child that is killed on the way."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.core.settings import MiB
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.wire import Request, Response
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import JobKind
from tests.acceptance.real_child import Killer, WatchedDrive, connect, plain_environment
from tests.core.hostile_names import local_names
from tests.figures import record

CHUNK = 8 * MiB
KILLS = 5


class WatchedContents(WatchedDrive):
    """Counts also what leaves of one large file."""

    big = 0
    """Bytes of pieces of a whole chunk, which only the large file has."""

    def dispatch(self, request: Request) -> Response:
        extent = re.fullmatch(r"bytes=(\d+)-(\d+)", request.header("range") or "")
        if extent and (length := int(extent[2]) - int(extent[1]) + 1) == CHUNK:
            self.big += length
        return super().dispatch(request)


def blocks(size: int) -> Iterator[bytes]:
    """Yield bytes that repeat nowhere, without much work."""
    seed = hashlib.shake_128(b"big").digest(MiB)
    for number in range(size // MiB):
        yield number.to_bytes(8, "big") + seed[8:]


def tree(home: Path) -> dict[bytes, tuple[bytes, int]]:
    """Return the checksum and the mode of each file."""
    found = {}
    for above, _, names in os.walk(os.fsencode(home)):
        for name in names:
            path = Path(os.fsdecode(above + b"/" + name))
            with path.open("rb") as file:
                md5 = hashlib.file_digest(file, "md5").digest()
            found[os.fsencode(path.relative_to(home))] = (md5, path.stat().st_mode)
    return found


def perform(place: Place, url: str, kind: JobKind, **args: Any) -> Mapping[str, Any]:
    environment = {**plain_environment(), "DRIVE_SYNC_API_ENDPOINT": url}
    with Child(place.job(kind, args=args), environment=environment) as child:
        return follow(child, lambda _: None)


def killed_on_the_way(
    drive: WatchedDrive, url: str, place: Place, kind: JobKind, requests: int
) -> None:
    """Carry a job out that is killed again and again, each time about as far from the last."""
    killer = Killer(drive)
    share = max(3, requests // (KILLS + 1))
    for number in range(KILLS):
        assert not killer.run(place, url, at=share, acted=number % 2 == 0, kind=kind)
    assert killer.run(place, url, at=None, kind=kind)
    record("sigkills", KILLS)


@pytest.mark.parametrize(
    ("names", "size"),
    [(200, 48 * MiB), pytest.param(10_010, 2000 * MiB, marks=pytest.mark.torture)],
)
def test_lost_and_restored(tmp_path: Path, names: int, size: int) -> None:
    """Both ways with five kills: into Drive from one machine, out of it on another."""
    drive = WatchedContents(tmp_path / "drive")  # on disk: 2 GB are no matter for memory
    for machine in ("old", "new"):
        (tmp_path / machine).mkdir()
    settings = {"default_excludes": False, "listing_lag": 0}
    with drive, LocalDriveServer(drive) as server:
        old = connect(drive, server.url, tmp_path / "old")
        for number, name in enumerate(local_names(names, seed=10)):
            folder = old.home / f"d{number % 97}"
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(f"{number}".encode())
        with (old.home / "big.bin").open("wb") as file:
            file.writelines(blocks(size))
        (old.home / "big.bin").chmod(0o640)
        requests = names + size // CHUNK
        old = replace(old, settings=settings)
        killed_on_the_way(drive, server.url, old, "mirror", requests)
        assert size <= drive.chunk_bytes <= size + KILLS * CHUNK
        assert perform(old, server.url, "check")["faults"] == 0

        new = replace(connect(drive, server.url, tmp_path / "new"), settings=settings)
        drive.big = 0
        killed_on_the_way(drive, server.url, new, "restore", requests)
        assert size <= drive.big <= size + KILLS * CHUNK
        left_out = _left_out(old)
        mirrored = {p: v for p, v in tree(old.home).items() if p not in left_out}
        assert len(mirrored) > names - 5
        assert tree(new.home) == mirrored

        with pytest.raises(Exception, match="another home"):
            perform(new, server.url, "mirror")
        ledger, _ = Ledger.open(new.state_dir)
        with ledger:
            ledger.answer(ledger.holds()[0].id, "take_over", at=1.0)
        run = perform(new, server.url, "mirror")
        assert (run["outcome"], run["counters"]["uploaded"]) == ("completed", 0)
        checked = perform(new, server.url, "check")
        assert (checked["equal"], checked["findings"]) == (len(mirrored), [])
        record("restored", len(mirrored))
        record("kills restored", KILLS)


def _left_out(place: Place) -> set[bytes]:
    """Return what the last pass left out by its name."""
    ledger, _ = Ledger.open(place.state_dir)
    with ledger:
        last = ledger.runs(1)[0].id
        left_out = [o for o in ledger.outcomes(last) if o.outcome == "left_out"]
    assert len(left_out) < 5
    return {os.fsencode(outcome.path) for outcome in left_out}
