"""The model of a disk is one: it answers as the real one does."""

from __future__ import annotations

import os
import stat as bits
from pathlib import Path

import pytest

from tests.sim.model_fs import Disk, ModelFs, status_of

FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def grown(real: Path) -> tuple[Disk, ModelFs]:
    """Make the same things in a model and on the disk."""
    fs = ModelFs(lambda: 5.0)
    disk = Disk()
    disk.homes["/model"] = fs
    fs.make("d", bits.S_IFDIR | 0o755)
    (real / "d").mkdir()
    fs.write("d/f", b"content")
    (real / "d/f").write_bytes(b"content")
    fs.link("d/f", "d/g")
    os.link(real / "d/f", real / "d/g")
    fs.make("link", bits.S_IFLNK | 0o777)
    (real / "link").symlink_to("d")
    fs.make("fifo", bits.S_IFIFO | 0o644)
    os.mkfifo(real / "fifo")
    return disk, fs


@pytest.mark.parametrize("name", [b"d", b"link", b"fifo", b"nothing", b"."])
@pytest.mark.parametrize("flags", [FLAGS, FLAGS | os.O_DIRECTORY])
def test_opens_as_the_system_does(tmp_path: Path, name: bytes, flags: int) -> None:
    disk, _ = grown(tmp_path)
    outcomes = []
    for face, root in ((disk, "/model"), (os, str(tmp_path))):
        at = face.open(root, os.O_RDONLY)
        try:
            fd = face.open(name, flags, dir_fd=at)
            outcomes.append(bits.S_IFMT(face.fstat(fd).st_mode))
            face.close(fd)
        except OSError as error:
            outcomes.append(-(error.errno or 0))
        face.close(at)
    assert outcomes[0] == outcomes[1]
    assert disk.left_open() == 0


def test_reads_and_lists_as_the_system_does(tmp_path: Path) -> None:
    disk, _ = grown(tmp_path)
    seen = []
    for face, root in ((disk, "/model"), (os, str(tmp_path))):
        at = face.open(root, os.O_RDONLY)
        below = face.open(b"d", FLAGS | os.O_DIRECTORY, dir_fd=at)
        file = face.open(b"f", FLAGS, dir_fd=below)
        status = face.lstat(b"f", dir_fd=below)
        seen.append((
            sorted(face.listdir(at)), sorted(face.listdir(below)), face.pread(file, 3, 2),
            face.pread(file, 99, 0), status.st_size, status.st_nlink,
        ))  # fmt: skip
        for fd in (file, below, at):
            face.close(fd)
    assert seen[0] == seen[1]


def test_a_write_through_the_face_is_an_offence(tmp_path: Path) -> None:
    disk, _ = grown(tmp_path)
    at = disk.open("/model", os.O_RDONLY)
    with pytest.raises(AssertionError, match="law 11"):
        disk.open(b"new", os.O_WRONLY | os.O_CREAT, dir_fd=at)


def test_numbers_come_back_and_times_are_the_disks_own() -> None:
    at = 100.0
    fs = ModelFs(lambda: at)
    fs.grain_ns = 2_000_000_000
    fs.write("a", b"1")
    first = status_of(fs.node("a"))  # type: ignore[arg-type]
    assert (first.st_mtime_ns, first.st_mtime) == (100_000_000_000, 100.0)
    fs.reuse = True
    fs.remove("a")
    fs.write("b", b"2")
    assert fs.node("b").ino == first.st_ino  # type: ignore[union-attr]
    at = 103.0
    fs.bump()
    again = status_of(fs.node("b"))  # type: ignore[arg-type]
    assert (again.st_mtime_ns, again.st_ctime_ns) == (100_000_000_000, 102_000_000_000)


def test_a_snapshot_is_what_was_there() -> None:
    fs = ModelFs(lambda: 1.0)
    fs.write("a", b"old")
    kept = fs.snapshot()
    fs.write("a", b"new")
    fs.restore(kept)
    assert fs.files() == {"a": b"old"}
    fs.mounted = False
    assert fs.files() == {}
