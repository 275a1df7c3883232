"""Looking at the whole home."""

from __future__ import annotations

import errno
import os
import socket
import time
import tracemalloc
from pathlib import Path

import pytest

from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.settings import GiB, Settings
from jupyter_drive_sync.core.tree import Kind, RelPath, Stat, from_bytes, printable, to_bytes
from jupyter_drive_sync.errors import HomeMissing, HomeTooLarge, RunCancelled
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.scan import scan
from tests.home.ground import PLAIN, look, path, reasons, snapshot, write
from tests.home.test_read import failing_open
from tests.virtual_clock import VirtualClock


def test_what_is_said_of_files_and_folders(root: Path, home: Home) -> None:
    file = write(root, "folder/file", b"12345")
    file.chmod(0o640)
    (root / "empty").mkdir()
    tree = look(home)
    assert [*tree.entries] == ["empty", "folder", "folder/file"]
    entry = tree.entries[path("folder/file")]
    status = file.stat()
    assert entry.kind is Kind.FILE
    assert entry.stat == Stat(5, status.st_mtime_ns, status.st_ino)
    assert (entry.mode, entry.links, entry.md5, entry.problem) == (0o640, 1, None, None)
    folder = tree.entries[path("folder")]
    assert (folder.kind, folder.stat.size, folder.links) == (Kind.FOLDER, 0, 1)
    assert tree.left_out == ()
    assert tree.unreadable == frozenset()


def test_an_empty_home(home: Home) -> None:
    assert look(home).entries == {}


def test_the_order_is_that_of_the_bytes_and_always_the_same(root: Path, home: Home) -> None:
    names = [b"a", b"B", b"\xff", b"\xc3\xa9", b"\xf0\x9f\x98\x80", b"\xef\xbf\xbd", b"e\xcc\x81"]
    for name in names:
        write(root, os.fsdecode(name))
    write(root, "a-folder/z")
    write(root, "a-folder/a/deep")
    tree = look(home)
    top = [to_bytes(p) for p in tree.entries if "/" not in p]
    assert top == sorted([*names, b"a-folder"])
    assert [*look(home).entries] == [*tree.entries]
    seen: set[str] = {""}
    for entry in tree.entries:
        assert entry.rpartition("/")[0] in seen, "folders come before what they hold"
        seen.add(entry)


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9",
        b"new\nline",
        b" trailing ",
        b"x" * 255,
        b"\x1b[31mred",
        b"*",
        b"\\",
        b"\xe2\x80\xaegnp.exe",
        b"\xed\xa0\x80",
    ],
)
def test_hostile_names_keep_their_bytes(root: Path, home: Home, name: bytes) -> None:
    write(root, os.fsdecode(name), b"x")
    (found,) = look(home).entries
    assert to_bytes(found) == name
    assert found == from_bytes(name)
    assert printable(found).isprintable()
    assert home.digest(found).stat == look(home).entries[found].stat


def test_twins_in_case_and_in_accents_are_two(root: Path, home: Home) -> None:
    for name in ("A", "a", "\u00e9", "e\u0301"):
        write(root, name)
    assert len(look(home).entries) == 4


def test_links_and_special_files_are_listed_and_not_followed(
    root: Path, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "outside/secret")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "file-out").symlink_to(tmp_path / "outside/secret")
    (root / "loop").symlink_to(".")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "fifo")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        tree = look(home)
    assert tree.entries == {}
    assert reasons(tree) == {
        "out": "link",
        "file-out": "link",
        "loop": "link",
        "dangling": "link",
        "fifo": "special",
        "socket": "special",
    }


def test_a_left_out_folder_is_named_once_and_not_entered(
    root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, "site/node_modules/a/b/c")
    write(root, ".ssh/id_ed25519")
    write(root, "course/.ipynb_checkpoints/x.ipynb")
    write(root, "course/x.ipynb")
    for name in (b"node_modules", b".ssh", b".ipynb_checkpoints"):
        failing_open(monkeypatch, name, errno.EIO)
    tree = look(home)
    assert [*tree.entries] == ["course", "site", "course/x.ipynb"]
    assert reasons(tree) == {
        ".ssh": "secret",
        "course/.ipynb_checkpoints": "excluded",
        "site/node_modules": "excluded",
    }
    assert tree.unreadable == frozenset()


def test_environments_are_left_out_whatever_they_are_called(root: Path, home: Home) -> None:
    write(root, "work/env/pyvenv.cfg")
    write(root, "work/env/bin/python")
    write(root, "work/notes/env/todo.md")
    (root / "conda/conda-meta").mkdir(parents=True)
    tree = look(home)
    assert reasons(tree) == {"conda": "excluded", "work/env": "excluded"}
    assert [*tree.entries] == ["work", "work/notes", "work/notes/env", "work/notes/env/todo.md"]


def test_a_file_that_is_too_large_is_listed_with_its_size_and_not_read(
    root: Path, home: Home
) -> None:
    with (root / "sparse").open("wb") as sparse:
        sparse.truncate(5 * GiB)
    (left_out,) = look(home).left_out
    assert (left_out.path, left_out.reason, left_out.size) == ("sparse", "too_large", 5 * GiB)
    tree = look(home, Selection(Settings(max_file_size=6 * GiB)))
    assert tree.entries[path("sparse")].stat.size == 5 * GiB


def test_driveignore_is_mirrored_itself(root: Path, home: Home) -> None:
    write(root, ".driveignore", b"*.csv\n")
    write(root, "a.csv")
    tree = look(home, Selection(Settings(), driveignore=home.driveignore()))
    assert [*tree.entries] == [".driveignore"]
    assert tree.left_out[0].rule == "*.csv (.driveignore, line 1)"


def test_only_the_chosen_folders_and_no_empty_ones_on_the_way(root: Path, home: Home) -> None:
    write(root, "courses/data8/hw/1.ipynb")
    write(root, "courses/cs61a/hw.py")
    write(root, "other/x.txt")
    (root / "courses/data8/empty").mkdir()
    tree = look(home, Selection(Settings(includes=("/courses/data8/",))))
    assert [*tree.entries] == [
        "courses",
        "courses/data8",
        "courses/data8/empty",
        "courses/data8/hw",
        "courses/data8/hw/1.ipynb",
    ]
    tree = look(home, Selection(Settings(includes=("*.py",))))
    assert [*tree.entries] == ["courses", "courses/cs61a", "courses/cs61a/hw.py"]
    assert reasons(tree)["other"] == "not_included"
    assert reasons(tree)["courses/data8/hw/1.ipynb"] == "not_included"


def test_hard_links_are_counted(root: Path, home: Home) -> None:
    first = write(root, "first")
    for number in range(99):
        (root / f"link {number}").hardlink_to(first)
    tree = look(home)
    assert {entry.links for entry in tree.entries.values()} == {100}
    assert len({entry.stat.inode for entry in tree.entries.values()}) == 1


def test_depth_200_with_few_descriptors(root: Path, home: Home) -> None:
    write(root, "/".join(["d"] * 200) + "/file")
    assert len(look(home).entries) == 201


def test_deeper_than_a_path_may_be(root: Path, home: Home) -> None:
    before = os.open(root, os.O_RDONLY)
    for _ in range(60):  # 60 x 100 bytes: more than PATH_MAX
        os.mkdir("d" * 100, dir_fd=before)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=before)
        os.close(before)
        before = below
    os.close(before)
    tree = look(home)
    assert len(tree.entries) == 60
    assert tree.unreadable == frozenset()


class TestUnreadable:
    def test_a_folder_that_cannot_be_listed(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(root, "closed/file")
        write(root, "open/file")
        failing_open(monkeypatch, b"closed", errno.EACCES)
        tree = look(home)
        assert tree.unreadable == {"closed"}
        assert [*tree.entries] == ["closed", "open", "open/file"]
        assert tree.entries[path("closed")].problem == "cannot be read (no permission)"
        (left_out,) = tree.left_out
        assert (left_out.reason, left_out.rule) == ("unreadable", "cannot be read (no permission)")

    def test_a_folder_that_goes_away_or_turns_into_a_link_is_not_known(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(root, "a/file")
        write(root, "b/file")
        really = home.open_folder

        def swap(which: RelPath) -> int:
            if which == "a":
                (root / "a").rename(root / "z")
                (root / "a").symlink_to("b")
            return really(which)

        monkeypatch.setattr(home, "open_folder", swap)
        tree = look(home)
        assert tree.unreadable == {"a"}
        assert "a/file" not in tree.entries
        assert tree.entries[path("a")].problem == "vanished before it was read"

    def test_an_error_in_the_middle_of_a_listing(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(root, "folder/a")
        write(root, "folder/b")
        really = os.lstat

        def fail(name: bytes, *, dir_fd: int | None = None) -> os.stat_result:
            if name == b"a":
                raise OSError(errno.ESTALE, "stale")
            if name == b"b":
                raise FileNotFoundError(errno.ENOENT, "gone")
            return really(name, dir_fd=dir_fd)

        monkeypatch.setattr(os, "lstat", fail)
        tree = look(home)
        assert tree.unreadable == {"folder/a"}
        assert [*tree.entries] == ["folder"]

    def test_a_listing_that_breaks_off(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(root, "folder/a")
        really = os.listdir
        inode = (root / "folder").stat().st_ino

        def fail(fd: int) -> list[str]:
            if os.fstat(fd).st_ino == inode:
                raise OSError(errno.EIO, "I/O error")
            return really(fd)

        monkeypatch.setattr(os, "listdir", fail)
        tree = look(home)
        assert tree.unreadable == {"folder"}
        assert [*tree.entries] == ["folder"]

    def test_a_home_that_cannot_be_listed_is_missing_not_empty(
        self, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(fd: int) -> list[str]:
            raise OSError(errno.EIO, "I/O error")

        monkeypatch.setattr(os, "listdir", fail)
        with pytest.raises(HomeMissing):
            look(home)
        failing_open(monkeypatch, b".", errno.ESTALE)
        with pytest.raises(HomeMissing):
            look(home)


def test_a_folder_mounted_below_itself_is_not_entered_again(
    root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, "a/b/file")
    really = os.lstat
    above = (root / "a").lstat()

    def mounted(name: bytes, *, dir_fd: int | None = None) -> os.stat_result:
        return above if name == b"b" else really(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "lstat", mounted)
    tree = look(home)
    assert [*tree.entries] == ["a"]
    assert reasons(tree) == {"a/b": "filesystem"}


def test_too_many_paths_are_a_sentence(root: Path, home: Home) -> None:
    for number in range(10):
        write(root, f"{number}")
    write(root, "node_modules/1/2/3")
    assert len(look(home, max_files=11).entries) == 10
    with pytest.raises(HomeTooLarge) as caught:
        look(home, max_files=10)
    assert "more than 10 files" in caught.value.sentence


def test_progress_is_told_and_a_stop_is_obeyed(root: Path, home: Home) -> None:
    for number in range(2001):
        write(root, f"{number // 1000}/{number}")
    told: list[int] = []
    scan(home, PLAIN, max_files=10**6, progress=told.append)
    assert told == [1000, 2000]
    answers = iter([False, False, True])
    with pytest.raises(RunCancelled):
        scan(home, PLAIN, max_files=10**6, cancelled=lambda: next(answers))
    assert next(answers, None) is None


def test_without_a_probe_the_time_comes_from_the_files(root: Path, clock: VirtualClock) -> None:
    newest = max(write(root, name).stat().st_ctime_ns for name in ("a", "b/c"))
    with Home(root, clock=clock) as home:
        assert newest <= look(home).newest_ns <= newest + 10**9


def test_the_probe_tells_the_time_of_the_scan(root: Path, clock: VirtualClock) -> None:
    with Home(root, clock=clock, probe=lambda: 12_345) as home:
        assert look(home).newest_ns == 12_345


def test_scanning_leaves_no_trace(root: Path, home: Home) -> None:
    write(root, "a/b/file")
    write(root, ".driveignore", b"*.csv\n")
    os.mkfifo(root / "fifo")
    (root / "link").symlink_to("a")
    before = snapshot(root)
    times = [item.lstat().st_atime_ns for item in (root, root / "a", root / "a/b")]
    look(home)
    assert snapshot(root) == before
    if hasattr(os, "O_NOATIME"):
        assert [item.lstat().st_atime_ns for item in (root, root / "a", root / "a/b")] == times


def test_many_files_are_fast_and_small(root: Path, home: Home) -> None:
    for folder in range(20):
        (root / f"folder {folder}").mkdir()
        for number in range(500):
            os.close(os.open(root / f"folder {folder}/notebook {number}.ipynb", os.O_CREAT))
    started = time.process_time()
    look(home)
    assert time.process_time() - started < 2  # a tenth of a second alone on a slow machine
    tracemalloc.start()
    try:
        tree = look(home)
        assert tracemalloc.get_traced_memory()[1] < 512 * len(tree.entries)
    finally:
        tracemalloc.stop()
