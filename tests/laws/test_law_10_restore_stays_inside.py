"""Law 10: a restore writes nowhere but in its folder, follows no link, overwrites nothing newer.

The names are those that a hostile Drive could send (fault F48), the folder one that somebody has
prepared with links, and the moment of each step one that somebody chose.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from jupyter_drive_sync.core.names import to_drive, to_local
from jupyter_drive_sync.core.tree import RelPath, from_bytes
from jupyter_drive_sync.engine.site import make_state_dir
from jupyter_drive_sync.home import write
from jupyter_drive_sync.home.write import Landing
from tests.core.hostile_names import drive_trees, is_text
from tests.engine.bringing import outcomes, restore
from tests.engine.conftest import clock, world
from tests.engine.hostile import grow
from tests.engine.world import World
from tests.figures import record

__all__ = ["clock", "world"]

NAMES: Final = 10_000
TAKES_A_NAME: Final = {"open": (0,), "mkdir": (0,), "link": (0, 1), "unlink": (0,), "lstat": (0,)}


class WatchedDisk:
    """``os``, but each name that is used below a folder is looked at."""

    def __init__(self) -> None:
        self.used = Counter[str]()

    def __getattr__(self, call: str) -> Any:
        real = getattr(os, call)
        if call == "fsync":
            return lambda _: None  # twenty thousand of them take minutes, and say nothing here
        places = TAKES_A_NAME.get(call)
        if places is None:
            return real

        def watched(*args: Any, **options: Any) -> Any:
            for place in places:
                name = os.fsencode(args[place])
                assert name not in (b"", b".", b".."), call
                assert b"/" not in name, call
                assert b"\0" not in name, call
                assert len(name) <= 255, call
            assert set(options) & {"dir_fd", "src_dir_fd"}, call
            self.used[call] += 1
            return real(*args, **options)

        return watched


def snapshot(folder: Path) -> dict[bytes, tuple[int, int, bytes]]:
    """Return everything below a folder: kind, inode and what it holds."""
    found = {}
    for above, names, files in os.walk(os.fsencode(folder)):
        for name in (*names, *files):
            path = above + b"/" + name
            status = os.lstat(path)
            plain = stat.S_ISREG(status.st_mode)
            content = Path(os.fsdecode(path)).read_bytes() if plain else b""
            found[path] = (status.st_mode, status.st_ino, content)
    return found


@pytest.mark.figure
@pytest.mark.no_cover
def test_hostile_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand generated names: each file is inside, whole, and under a name that says it."""
    world.write("seed.txt", "s")
    world.sync()
    paths = [path for path in drive_trees(NAMES) if all(map(is_text, path))]
    assert len(paths) > NAMES * 0.8
    trees = {path: f"{number} {path!r}".encode() for number, path in enumerate(paths)}
    grow(world, trees)
    other = world.other("other")
    outside = snapshot(world.folder)
    outside = {p: s for p, s in outside.items() if not p.startswith(os.fsencode(other.folder))}
    disk = WatchedDisk()
    monkeypatch.setattr(write, "os", disk)
    report = restore(other)
    assert report.run.outcome == "completed"
    assert disk.used["link"] == len(trees) + 1
    monkeypatch.undo()

    after = snapshot(world.folder)
    inside = os.fsencode(other.home) + b"/"
    ours = os.fsencode(other.folder)
    changed = {p: s for p, s in after.items() if not p.startswith(ours) and outside.get(p) != s}
    record("bytes outside", sum(max(1, len(content)) for _, _, content in changed.values()))
    assert {p: s for p, s in after.items() if not p.startswith(ours)} == outside
    files = {
        from_bytes(path[len(inside) :]): content
        for path, (_, _, content) in after.items()
        if path.startswith(inside) and content
    }
    assert Counter(files.values()) == Counter([*trees.values(), b"s"])
    # Where nothing was in the way, the path is the Drive path, part by part, and leads back to it.
    stand_ins = {file.path for file in report.outcomes if file.outcome == "beside"}
    holds = {content: path for path, content in files.items()}
    for names, content in trees.items():
        local = RelPath("/".join(map(to_local, names)))
        if local not in stand_ins:
            assert holds[content] == local
            assert all(len(to_local(n).encode("utf-8", "surrogateescape")) <= 255 for n in names)
    kept = [n for names in trees for n in names if to_drive(to_local(n)) == n]
    assert len(kept) > NAMES / 2
    # And a second restore finds everything where it is.
    again = restore(other)
    assert again.run.counters["unchanged"] == len(trees) + 1
    assert snapshot(other.home).keys() == {p for p in after if p.startswith(inside)}


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ((".local", "state", "jupyter-drive-sync", "secrets.json"), True),
        ((".LOCAL", "state", "Jupyter-Drive-Sync", "settings.json"), True),
        ((".ssh", "authorized_keys"), True),
        ((".Ssh", "authorized_keys"), True),
        (("deep", ".aws", "credentials"), True),
        ((".0123456789abcdef01234567.drive-sync-part",), True),
        ((".0123456789abcdef01234567.drive-sync-swap",), True),
        ((".local", "state", "other", "secrets.json"), False),
        ((".local/state/jupyter-drive-sync/secrets.json",), False),
    ],
)
def test_what_never_came_from_here_is_not_put_there(
    world: World, path: tuple[str, ...], refused: bool
) -> None:
    """Whoever may write into the mirror on Drive cannot plant a key, nor our own records."""
    world.inside = True
    make_state_dir(world.state)
    world.write("seed.txt", "s")
    world.sync()
    grow(world, {path: b"planted"})
    before = {p for p in world.local() if not p.startswith(".local/state/jupyter-drive-sync")}
    report = restore(world)
    assert ("skipped" in outcomes(report).values()) is refused
    here = {p for p in world.local() if not p.startswith(".local/state/jupyter-drive-sync")}
    assert here - before == (set() if refused else {"/".join(map(to_local, path))})
    assert not any(content == b"planted" for content in world.local().values()) or not refused


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder that is nobody's business."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "precious.txt").write_text("precious")
    return folder


def assert_precious(elsewhere: Path) -> None:
    assert [path.name for path in elsewhere.iterdir()] == ["precious.txt"]
    assert (elsewhere / "precious.txt").read_text() == "precious"


def mirrored(world: World) -> None:
    for path in ("d/precious.txt", "d/e/f.txt", "link/precious.txt", "precious.txt"):
        world.write(path, f"from Drive: {path}")
    world.sync()


def test_links_in_the_way_are_not_followed(world: World, elsewhere: Path) -> None:
    """A link to a file, a link to a folder, and a link that leads nowhere."""
    mirrored(world)
    other = world.other("other")
    (other.home / "d").symlink_to(elsewhere)
    (other.home / "precious.txt").symlink_to(elsewhere / "precious.txt")
    (other.home / "link").symlink_to(elsewhere / "not there")
    report = restore(other)
    assert_precious(elsewhere)
    assert set(outcomes(report).values()) == {"beside"}
    assert other.local() == {
        "d (from Drive)/precious.txt": b"from Drive: d/precious.txt",
        "d (from Drive)/e/f.txt": b"from Drive: d/e/f.txt",
        "link (from Drive)/precious.txt": b"from Drive: link/precious.txt",
        "precious (from Drive, 2023-11-14 21.13 UTC).txt": b"from Drive: precious.txt",
    }
    assert (other.home / "d").is_symlink()
    assert (other.home / "link").is_symlink()


@pytest.mark.parametrize("call", ["begin", "land", "make_folder", "look"])
def test_a_folder_that_becomes_a_link_under_our_hands(
    world: World, elsewhere: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two steps somebody puts a link in place of a folder."""
    mirrored(world)
    other = world.other("other")
    (other.home / "d").mkdir()
    _once_before(monkeypatch, call, lambda: _swap(other.home / "d", elsewhere))
    restore(other)
    assert_precious(elsewhere)
    assert (other.home / "d").is_symlink()
    assert other.local()["precious.txt"] == b"from Drive: precious.txt"


@pytest.mark.parametrize("call", ["land", "finish"])
def test_a_folder_that_is_moved_away_while_a_file_comes(
    world: World, elsewhere: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half file moves along, as it must; its name it gets inside or not at all."""
    mirrored(world)
    other = world.other("other")
    away = elsewhere.parent / "away"
    other.write("d/here.txt", "here")
    _once_before(monkeypatch, call, lambda: (other.home / "d").rename(away), path="d/precious.txt")
    report = restore(other)
    assert outcomes(report)["d/precious.txt"] == "failed"
    assert not (away / "precious.txt").exists()
    assert (away / "here.txt").read_text() == "here"
    restore(other)
    assert other.local()["d/precious.txt"] == b"from Drive: d/precious.txt"


def test_nothing_newer_is_overwritten_whatever_the_moment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that appears between any two steps keeps its name and every byte."""
    mirrored(world)
    for call in ("look", "make_folder", "begin", "finish", "land"):
        other = world.other(f"other-{call}")
        other.write("d/e/seed.txt", "seed")

        def save(home: Path = other.home) -> None:
            (home / "d/e/f.txt").write_text("saved just now")

        with monkeypatch.context() as patch:
            _once_before(patch, call, save)
            restore(other)
        local = other.local()
        assert local.pop("d/e/f.txt") == b"saved just now", call
        assert b"from Drive: d/e/f.txt" in local.values(), call
        assert len(local) == 5, call


def test_sizes_that_lie_stay_what_they_are(world: World) -> None:
    """The head becomes longer while it is read: the file here is a whole one, old or new."""
    world.with_settings(small_file=1000, chunk_size=256 * 1024)
    content = hashlib.shake_128(b"old").digest(700_000)
    world.write("big.bin", content)
    world.sync()
    longer = hashlib.shake_128(b"new").digest(900_000)
    other = world.other("other")
    asked = 0

    def edit(wire: Any) -> Any:
        class Meddling:
            def request(self, method: str, uri: str, headers: Any, body: Any) -> Any:
                nonlocal asked
                if "alt=media" in uri:
                    asked += 1
                    if asked == 2:
                        world.edit_on_drive("big.bin", longer)
                return wire.request(method, uri, headers, body)

            def close(self) -> None:
                wire.close()

        return Meddling()

    other.wrap = edit
    restore(other)
    assert other.local() == {"big.bin": longer}


def _swap(folder: Path, elsewhere: Path) -> None:
    folder.rename(folder.with_name("was a folder"))
    folder.symlink_to(elsewhere)


def _once_before(
    monkeypatch: pytest.MonkeyPatch, call: str, act: Callable[[], object], path: str = ""
) -> None:
    """Do something right before the first call of a step, or the first about one path."""
    real = getattr(Landing, call)
    done = False

    def wrapped(self: Landing, *args: Any, **options: Any) -> Any:
        nonlocal done
        about = getattr(args[0], "path", args[0])
        if not done and path in ("", about):
            done = True
            act()
        return real(self, *args, **options)

    monkeypatch.setattr(Landing, call, wrapped)


def test_the_time_that_somebody_wrote_on_drive_does_no_harm(world: World) -> None:
    world.write("a.txt", "a")
    world.sync()
    world.change_on_drive(world.remote()["a.txt"].id, mtime_ms=-2_208_988_800_000)
    other = world.other("other")
    restore(other)
    assert other.local() == {"a.txt": b"a"}
    other.write("a.txt", "mine")
    restore(other)
    assert other.local() == {"a.txt": b"mine", "a (from Drive, 1900-01-01 00.00 UTC).txt": b"a"}


def test_a_mode_gives_nobody_more_than_permissions(world: World) -> None:
    world.write("a.sh", "a").chmod(0o755)
    world.sync()
    entry = world.remote()["a.sh"]
    world.change_on_drive(entry.id, app={"mode": "6755"})
    other = world.other("other")
    restore(other)
    assert (other.home / "a.sh").stat().st_mode & 0o7777 == 0o755
