"""Two machines and a home that is lost: restored by a real child that is killed on the way."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.core.settings import MiB
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import JobKind
from tests.acceptance.real_child import Killer, WatchedDrive, connect, plain_environment
from tests.core.hostile_names import local_names

CHUNK = 8 * MiB
KILLS = 5


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


@pytest.mark.parametrize(
    ("names", "size"),
    [(200, 48 * MiB), pytest.param(10_000, 2000 * MiB, marks=pytest.mark.torture)],
)
def test_lost_and_restored(tmp_path: Path, names: int, size: int) -> None:
    drive = WatchedDrive(tmp_path / "drive")  # on disk: two gigabytes are no matter for memory
    for machine in ("old", "new"):
        (tmp_path / machine).mkdir()
    with drive, LocalDriveServer(drive) as server:
        old = connect(drive, server.url, tmp_path / "old")
        for number, name in enumerate(local_names(names, seed=10)):
            folder = old.home / f"d{number % 97}"
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(f"{number}".encode())
        with (old.home / "big.bin").open("wb") as file:
            file.writelines(blocks(size))
        (old.home / "big.bin").chmod(0o640)
        settings = {"default_excludes": False, "listing_lag": 0}
        old = Place(**{**_fields(old), "settings": settings})
        assert perform(old, server.url, "mirror")["outcome"] == "completed"
        left_out = perform(old, server.url, "check")
        assert left_out["faults"] == 0

        new = connect(drive, server.url, tmp_path / "new")
        new = Place(**{**_fields(new), "settings": settings})
        killer = Killer(drive)
        chunks = size // CHUNK
        for number in range(KILLS):
            at = 3 + (number + 1) * (chunks // 8 + 1)
            assert not killer.run(new, server.url, at=at, acted=number % 2 == 0, kind="restore")
        assert killer.run(new, server.url, at=None, kind="restore")
        mirrored = {p: v for p, v in tree(old.home).items() if p not in _secret(old)}
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


def _fields(place: Place) -> dict[str, Any]:
    return {name: getattr(place, name) for name in Place.__dataclass_fields__}


def _secret(place: Place) -> set[bytes]:
    """Return what was left out of the mirror by its name."""
    ledger, _ = Ledger.open(place.state_dir)
    with ledger:
        left_out = [o for o in ledger.outcomes(1) if o.outcome == "left_out"]
    assert len(left_out) < 5
    return {os.fsencode(outcome.path) for outcome in left_out}
