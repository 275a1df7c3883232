"""Opening what lies below the home, and nothing else."""

from __future__ import annotations

import errno
import os
import pwd
import socket
from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import pytest

from jupyter_drive_sync.core.tree import RelPath, Stat, from_bytes
from jupyter_drive_sync.errors import (
    BadSettings,
    ChangedWhileRead,
    FileProblem,
    HomeMissing,
    HomeRefused,
    NotRegular,
    Unreadable,
    Vanished,
)
from jupyter_drive_sync.home.read import Home
from tests.home.ground import LONG_AGO, path, snapshot, write
from tests.virtual_clock import VirtualClock


class TestHome:
    def test_must_be_there_and_a_folder(self, tmp_path: Path, clock: VirtualClock) -> None:
        with pytest.raises(HomeMissing):
            Home(tmp_path / "nothing", clock=clock)
        write(tmp_path, "file")
        with pytest.raises(HomeMissing) as caught:
            Home(tmp_path / "file", clock=clock)
        assert "is not there as a folder" in caught.value.sentence

    def test_may_itself_be_a_link(self, tmp_path: Path, clock: VirtualClock) -> None:
        write(tmp_path, "real/a.txt", b"1")
        (tmp_path / "link").symlink_to("real")
        with Home(tmp_path / "link", clock=clock) as home:
            assert home.digest(path("a.txt")).md5 == md5(b"1", usedforsecurity=False).digest()

    @pytest.mark.parametrize("folder", ["/", "/home", "/tmp/../home", "/tmp/.."])
    def test_is_no_folder_of_many_homes(self, folder: str, clock: VirtualClock) -> None:
        with Home(Path(folder), clock=clock) as home, pytest.raises(HomeRefused):
            home.check()

    def test_holds_no_other_accounts_home(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def account(name: str, uid: int, folder: Path) -> pwd.struct_passwd:
            return pwd.struct_passwd((name, "x", uid, uid, "", str(folder), "/bin/sh"))

        own, other = os.geteuid(), os.geteuid() + 1
        (root / "ann").mkdir()
        accounts = [account("ann", other, root / "ann"), account("gone", other, root / "gone")]
        monkeypatch.setattr(pwd, "getpwall", lambda: accounts)
        with pytest.raises(HomeRefused) as caught:
            home.check()
        assert "ann" in caught.value.sentence
        accounts.append(account("me", own, root))
        home.check()

    def test_an_ordinary_folder_is_fine(self, home: Home) -> None:
        home.check()

    def test_closing_twice_is_harmless(self, home: Home) -> None:
        home.close()
        home.close()


class TestDriveignore:
    def test_none_is_empty(self, home: Home) -> None:
        assert home.driveignore() == ""

    def test_is_read_as_it_stands(self, root: Path, home: Home) -> None:
        write(root, ".driveignore", "\ufeff*.zip\r\ncaf".encode() + b"\xe9\n")
        assert home.driveignore() == "*.zip\r\ncaf\udce9\n"

    def test_unreadable_rules_stop_everything(self, root: Path, home: Home) -> None:
        rules = root / ".driveignore"
        rules.symlink_to("/etc/passwd")
        with pytest.raises(BadSettings):
            home.driveignore()
        rules.unlink()
        rules.mkdir()
        with pytest.raises(BadSettings):
            home.driveignore()
        rules.rmdir()
        write(root, ".driveignore", b"#" * (1024 * 1024 + 1))
        with pytest.raises(BadSettings) as caught:
            home.driveignore()
        assert ".driveignore" in caught.value.sentence

    def test_no_permission_stops_everything(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(root, ".driveignore")
        failing_open(monkeypatch, b".driveignore", errno.EACCES)
        with pytest.raises(BadSettings) as caught:
            home.driveignore()
        assert "no permission" in caught.value.sentence


def failing_open(monkeypatch: pytest.MonkeyPatch, name: bytes, number: int) -> None:
    """Let the system refuse to open one name; root may read whatever chmod says."""
    really = os.open

    def refuse(target: bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if target == name:
            raise OSError(number, os.strerror(number))
        return really(target, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)


def every_way(home: Home, which: RelPath) -> list[Callable[[], object]]:
    return [
        lambda: home.digest(which),
        lambda: home.load(which, 1000),
        lambda: home.open(which).close(),
    ]


def expect(kind: type[FileProblem], home: Home, which: RelPath) -> None:
    for way in every_way(home, which):
        with pytest.raises(kind):
            way()


class TestOpening:
    @pytest.mark.parametrize(
        "name",
        [
            b"plain",
            b"a/b/c",
            b"new\nline",
            b" spaces ",
            b"caf\xe9",
            b"\xff\xfe",
            "e\u0301".encode(),
            "\u00e9".encode(),
            b"x" * 255,
            b"-rf",
            b"%s{}'\"",
            b"..a",
        ],
    )
    def test_whatever_it_is_called(self, root: Path, home: Home, name: bytes) -> None:
        target = Path(os.fsdecode(os.fsencode(root) + b"/" + name))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(name)
        content = home.load(from_bytes(name), 1000)
        assert content is not None
        assert content.data == name
        assert content.md5 == home.digest(from_bytes(name)).md5

    def test_a_deep_one(self, root: Path, home: Home) -> None:
        deep = "/".join(["d"] * 200)
        write(root, f"{deep}/file", b"deep")
        content = home.load(path(f"{deep}/file"), 10)
        assert content is not None
        assert content.data == b"deep"

    def test_missing(self, root: Path, home: Home) -> None:
        write(root, "file")
        expect(Vanished, home, path("nothing"))
        expect(Vanished, home, path("no/thing"))
        expect(Vanished, home, path("file/below"))

    def test_links_are_never_followed(self, root: Path, home: Home, tmp_path: Path) -> None:
        write(tmp_path, "outside/secret", b"secret")
        write(root, "folder/file")
        (root / "link").symlink_to(tmp_path / "outside/secret")
        (root / "near").symlink_to("folder/file")
        (root / "dangling").symlink_to("nowhere")
        (root / "loop").symlink_to("loop")
        (root / "way-out").symlink_to(tmp_path / "outside")
        (root / "way-in").symlink_to("folder")
        for name in ("link", "near", "dangling", "loop"):
            expect(NotRegular, home, path(name))
        expect(Vanished, home, path("way-out/secret"))
        expect(Vanished, home, path("way-in/file"))

    def test_nothing_special_is_opened_and_nothing_blocks(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        os.mkfifo(root / "fifo")
        (root / "folder").mkdir()
        monkeypatch.chdir(root)  # a socket's path must be short
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket")
            for name in ("fifo", "folder", "socket"):
                expect(NotRegular, home, path(name))

    @pytest.mark.parametrize("instead", ["fifo", "link", "folder", "nothing"])
    def test_what_is_swapped_between_look_and_open(
        self, root: Path, home: Home, instead: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = write(root, "file")
        really = os.lstat

        def swap(*args: object, **more: object) -> os.stat_result:
            status = really(*args, **more)  # type: ignore[arg-type]
            file.unlink()
            if instead == "fifo":
                os.mkfifo(file)
            elif instead == "link":
                file.symlink_to("/etc/passwd")
            elif instead == "folder":
                file.mkdir()
            return status

        monkeypatch.setattr(os, "lstat", swap)
        with pytest.raises(Vanished if instead == "nothing" else NotRegular):
            home.digest(path("file"))

    @pytest.mark.parametrize(
        ("number", "words"),
        [
            (errno.EACCES, "no permission"),
            (errno.EIO, "the disk reports an error"),
            (errno.ESTALE, "the network disk lost it"),
            (errno.EMFILE, "too many open files"),
        ],
    )
    def test_what_the_system_refuses(
        self, root: Path, home: Home, number: int, words: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(root, "folder/file")
        for name in (b"file", b"folder"):
            failing_open(monkeypatch, name, number)
            with pytest.raises(Unreadable) as caught:
                home.digest(path("folder/file"))
            assert caught.value.sentence == f"cannot be read ({words})"

    def test_a_file_of_somebody_else_is_read_all_the_same(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(root, "file", b"shared")
        really = os.open
        trace = getattr(os, "O_NOATIME", 0)

        def refuse(name: bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if flags & trace:  # open(2): only the owner may ask for it
                raise PermissionError(errno.EPERM, "not the owner")
            return really(name, flags, mode, dir_fd=dir_fd)

        monkeypatch.setattr(os, "open", refuse)
        content = home.load(path("file"), 10)
        assert content is not None
        assert content.data == b"shared"

    def test_an_error_in_the_middle(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(root, "file")

        def fail(fd: int, size: int, offset: int) -> bytes:
            raise OSError(errno.EIO, "I/O error")

        monkeypatch.setattr(os, "pread", fail)
        expect_ways = every_way(home, path("file"))[:2]
        for way in expect_ways:
            with pytest.raises(Unreadable):
                way()

    def test_no_descriptor_is_left_open(self, root: Path, home: Home) -> None:
        write(root, "a/file")
        os.mkfifo(root / "a/fifo")
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as cheap as it gets
        for _ in range(5):
            home.digest(path("a/file"))
            home.load(path("a/file"), 1)
            home.absent(path("a/file"))
            for problem in ("a/fifo", "a/nothing", "b/nothing", "a/file/below"):
                with pytest.raises(FileProblem):
                    home.digest(path(problem))
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


class TestContent:
    def test_what_is_said_of_a_file(self, root: Path, home: Home) -> None:
        file = write(root, "file", b"12345")
        file.chmod(0o640)
        os.utime(file, ns=(LONG_AGO, 1_600_000_000_123_456_789))
        read = home.digest(path("file"))
        assert read.stat == Stat(5, 1_600_000_000_123_456_789, file.stat().st_ino)
        assert read.mode == 0o640
        assert read.md5 == md5(b"12345", usedforsecurity=False).digest()
        assert not read.racy

    def test_more_than_the_limit_is_left_to_open(self, root: Path, home: Home) -> None:
        write(root, "file", b"12345")
        assert home.load(path("file"), 4) is None
        assert home.load(path("file"), 5) is not None

    def test_an_empty_file(self, root: Path, home: Home) -> None:
        write(root, "file", b"")
        content = home.load(path("file"), 0)
        assert content is not None
        assert content.data == b""
        with home.open(path("file")) as reading:
            assert reading.fingerprint() == content.md5
            assert reading.read_at(0, 100) == b""

    def test_racy_is_what_was_just_written_or_lies_in_the_future(
        self, root: Path, home: Home
    ) -> None:
        write(root, "new")
        write(root, "old", quiet=True)
        future = write(root, "future")
        os.utime(future, (LONG_AGO * 2, LONG_AGO * 2))
        assert home.digest(path("new")).racy
        assert home.digest(path("future")).racy
        assert not home.digest(path("old")).racy

    def test_without_a_probe_the_newest_file_is_racy(self, root: Path, clock: VirtualClock) -> None:
        write(root, "new")
        with Home(root, clock=clock) as home:
            assert home.digest(path("new")).racy

    def test_an_overlay_is_read_in_place_of_what_is_there(
        self, root: Path, state: Path, clock: VirtualClock
    ) -> None:
        bundle = write(state, "x.bundle", b"bundle")
        with Home(root, clock=clock, overlay={path("repo/repo.gitbundle"): bundle}) as home:
            content = home.load(path("repo/repo.gitbundle"), 10)
            assert content is not None
            assert content.data == b"bundle"
            assert content.stat.inode == bundle.stat().st_ino
            assert not home.absent(path("repo/repo.gitbundle"))
            bundle.unlink()
            expect(Vanished, home, path("repo/repo.gitbundle"))


class TestAbsent:
    def test_only_what_is_surely_not_there(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(root, "folder/file")
        (root / "dangling").symlink_to("nowhere")
        assert home.absent(path("nothing"))
        assert home.absent(path("no/thing"))
        assert not home.absent(path("folder"))
        assert not home.absent(path("folder/file"))
        assert not home.absent(path("dangling"))
        failing_open(monkeypatch, b"folder", errno.EIO)
        assert not home.absent(path("folder/nothing"))


class TestInParts:
    SIZE = 3 * 256 * 1024 + 17

    def data(self, seed: bytes = b"x") -> bytes:
        return (seed * self.SIZE)[: self.SIZE - 4] + b"last"

    @pytest.mark.parametrize("step", [256 * 1024, 100_000, 1_000_000, 10**9])
    def test_all_parts_make_the_whole(self, root: Path, home: Home, step: int) -> None:
        write(root, "large", self.data())
        with home.open(path("large")) as reading:
            parts = [reading.read_at(at, step) for at in range(0, self.SIZE, step)]
            assert b"".join(parts) == self.data()
            assert reading.read_at(self.SIZE, 10) == b""
            read = reading.settled()
        assert read.md5 == md5(self.data(), usedforsecurity=False).digest()
        assert read.stat.size == self.SIZE

    def test_a_part_that_changed_is_not_given_out(self, root: Path, home: Home) -> None:
        file = write(root, "large", self.data())
        times = file.stat()
        with home.open(path("large")) as reading:
            reading.fingerprint()
            first = reading.read_at(0, 256 * 1024)
            with file.open("r+b") as writer:
                writer.seek(300_000)
                writer.write(b"y")
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
            with pytest.raises(ChangedWhileRead):
                reading.read_at(256 * 1024, 256 * 1024)
            last = reading.read_at(2 * 256 * 1024, 10**9)
        assert first + self.data()[len(first) : 2 * 256 * 1024] + last == self.data()

    def test_a_cut_file_is_noticed(self, root: Path, home: Home) -> None:
        file = write(root, "large", self.data())
        with home.open(path("large")) as reading:
            reading.fingerprint()
            os.truncate(file, 256 * 1024)
            with pytest.raises(ChangedWhileRead):
                reading.read_at(256 * 1024, 256 * 1024)

    def test_a_replaced_or_growing_file_is_still_the_version_that_was_there(
        self, root: Path, home: Home
    ) -> None:
        file = write(root, "large", self.data())
        with home.open(path("large")) as reading:
            before = reading.settled()
            with file.open("ab") as writer:
                writer.write(b"more")
            file.rename(root / "elsewhere")
            write(root, "large", b"new")
            assert reading.read_at(0, 10**9) == self.data()
            assert reading.settled() == before
        assert home.digest(path("large")).stat.size == 3

    def test_a_large_one_is_not_kept_in_the_page_cache(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dropped: list[tuple[int, int]] = []
        monkeypatch.setattr(os, "posix_fadvise", lambda *given: dropped.append(given[1:3]))
        write(root, "small", b"x" * 1000)
        home.digest(path("small"))
        assert dropped == []
        write(root, "large", b"x" * (9 * 1024 * 1024), quiet=True)
        home.digest(path("large"))
        assert {at for at, _ in dropped} == {at * 1024 * 1024 for at in range(9)}


class TestChanges:
    """A writer that comes exactly between two looks of the reader."""

    def between_readings(self, clock: VirtualClock, *changes: Callable[[], object]) -> None:
        """Run one change in each pause that the reader makes."""
        left = list(changes)
        really = clock.sleep

        def pause(seconds: float) -> None:
            really(seconds)
            if left:
                left.pop(0)()

        clock.sleep = pause  # type: ignore[method-assign]

    def test_a_second_try_reads_the_new_version(
        self, root: Path, home: Home, clock: VirtualClock
    ) -> None:
        file = write(root, "file", b"one")
        self.between_readings(clock, lambda: file.write_bytes(b"two"))
        content = home.load(path("file"), 10)
        assert content is not None
        assert content.data == b"two"
        assert content.stat.mtime_ns == file.stat().st_mtime_ns

    def test_digest_too(self, root: Path, home: Home, clock: VirtualClock) -> None:
        file = write(root, "file", b"one")
        self.between_readings(clock, lambda: file.write_bytes(b"two"))
        assert home.digest(path("file")).md5 == md5(b"two", usedforsecurity=False).digest()

    def test_two_changes_are_too_many(self, root: Path, home: Home, clock: VirtualClock) -> None:
        file = write(root, "file", b"one")
        for way in every_way(home, path("file"))[:2]:
            self.between_readings(
                clock, lambda: file.write_bytes(b"two"), lambda: file.write_bytes(b"three")
            )
            file.write_bytes(b"one")
            with pytest.raises(ChangedWhileRead):
                way()

    def test_growth_of_an_empty_file_is_noticed(
        self, root: Path, home: Home, clock: VirtualClock
    ) -> None:
        file = write(root, "file", b"")
        self.between_readings(clock, lambda: file.write_bytes(b"whole"))
        content = home.load(path("file"), 10)
        assert content is not None
        assert content.data == b"whole"

    def test_in_parts_a_file_that_goes_on_growing_was_not_whole(
        self, root: Path, home: Home, clock: VirtualClock
    ) -> None:
        """A writer stopped in the middle of a write; its first half stays as it was."""
        file = write(root, "file", b"the first half")
        self.between_readings(clock, lambda: file.write_bytes(b"the first half and the other"))
        with home.open(path("file")) as reading:
            reading.fingerprint()
            assert reading.read_at(0, 100) == b"the first half and the other"
            assert reading.settled().stat.size == 28

    def test_same_size_and_times_do_not_hide_a_change(
        self, root: Path, home: Home, clock: VirtualClock
    ) -> None:
        file = write(root, "file", b"one")
        times = file.stat()

        def rewrite() -> None:
            file.write_bytes(b"two")
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

        self.between_readings(clock, rewrite)
        content = home.load(path("file"), 10)
        assert content is not None
        assert content.data == b"two"

    def test_a_quiet_file_is_read_once_for_its_checksum(
        self, root: Path, state: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = write(root, "file", b"quiet")
        later = file.stat().st_ctime_ns + 3_000_000_000
        reads: list[int] = []
        really = os.pread

        def pread(fd: int, size: int, offset: int) -> bytes:
            reads.append(offset)
            return really(fd, size, offset)

        monkeypatch.setattr(os, "pread", pread)
        with Home(root, clock=clock, probe=lambda: later) as home:
            assert not home.digest(path("file")).racy
        assert reads.count(0) == 1
        assert clock.slept == []

    def test_a_change_seen_by_its_time_alone(
        self, root: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = write(root, "file", b"one")
        later = file.stat().st_ctime_ns + 3_000_000_000
        really, left = os.pread, [b"two"]

        def pread(fd: int, size: int, offset: int) -> bytes:
            data = really(fd, size, offset)
            if left:
                file.write_bytes(left.pop())
            return data

        monkeypatch.setattr(os, "pread", pread)
        with Home(root, clock=clock, probe=lambda: later) as home:
            assert home.digest(path("file")).md5 == md5(b"two", usedforsecurity=False).digest()


def test_reading_leaves_no_trace(root: Path, home: Home) -> None:
    write(root, "a/file", b"x" * 1000)
    write(root, "a/large", b"x" * (9 * 1024 * 1024))
    before = snapshot(root)
    home.digest(path("a/file"))
    home.load(path("a/file"), 10_000)
    with home.open(path("a/large")) as reading:
        reading.read_at(0, 10**9)
        reading.settled()
    home.absent(path("a/nothing"))
    home.driveignore()
    home.check()
    assert snapshot(root) == before
