"""Course material that is fetched once for all homes of a hub, and handed on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.home.pantry import KEPT_DAYS, Pantry
from tests.engine.course import Course
from tests.engine.world import World

DAY = 86_400


def shelf(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pantry"
    made.mkdir()
    return made


def student(course: Course, name: str, folder: Path) -> Course:
    """Make another home that brings the same folder."""
    other = course.world.other(name)
    made = Course(other, name=course.name, pantry=Pantry(folder))
    made.folders[""] = course.folders[""]
    return made


def test_a_content_is_fetched_once(world: World, folder: Path) -> None:
    course = Course(world, pantry=Pantry(folder))
    course.put("lab.ipynb", "one")
    course.put("d/a.csv", b"x" * 300_000)
    course.put("empty", "")
    course.bring()
    assert len(shelf(folder)) == 3
    ben = student(course, "ben", folder)
    ben.bring()
    assert ben.here() == course.here()
    assert ben.progress.counts["handed_on"] == 2
    assert dict(ben.world.sent) == {"files.get": 1, "files.list": 2}  # the folder, and its lists
    assert ben.progress.counts["bytes"] == 300_003
    course.put("lab.ipynb", "two")
    student(course, "ben", folder).bring()
    assert len(shelf(folder)) == 4


def test_who_may_only_read_takes_and_puts_nothing(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course(world, pantry=Pantry(folder))
    course.put("a", "1")
    course.bring()
    course.put("b", "2")
    monkeypatch.setattr(os, "access", lambda *_: False)
    reader = Pantry(folder)
    monkeypatch.undo()
    ben = student(course, "ben", folder)
    ben.pantry = reader
    ben.bring()
    assert (ben.here(), ben.progress.counts["handed_on"]) == ({"a": "1", "b": "2"}, 1)
    assert len(shelf(folder)) == 1
    assert reader.prune(now=1e12) == 0


@pytest.mark.parametrize("spoilt", [b"", b"9", b"12"])
def test_what_is_not_right_is_fetched(world: World, folder: Path, spoilt: bytes) -> None:
    course = Course(world, pantry=Pantry(folder))
    course.put("a", "1")
    course.bring()
    (path,) = [path for path in folder.rglob("*") if path.is_file()]
    path.write_bytes(spoilt)
    ben = student(course, "ben", folder)
    ben.bring()
    assert (ben.here(), ben.progress.counts["handed_on"]) == ({"a": "1"}, 0)


def test_links_and_folders_there_are_nothing(world: World, folder: Path, tmp_path: Path) -> None:
    pantry = Pantry(folder)
    (tmp_path / "secret").write_bytes(b"1")
    md5 = bytes(16)
    place = folder / "00" / md5.hex()
    place.parent.mkdir()
    place.symlink_to(tmp_path / "secret")
    assert list(pantry.take(md5, 1)) == []
    place.unlink()
    place.mkdir()
    assert list(pantry.take(md5, place.stat().st_size)) == []
    assert list(Pantry(tmp_path / "nowhere").take(md5, 1)) == []


def test_a_disk_that_fails_is_no_matter(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pantry = Pantry(folder)
    source = tmp_path / "source"
    source.write_bytes(b"123")
    with source.open("rb") as file:
        pantry.put(bytes(16), file.fileno(), 4)  # became shorter
        assert shelf(folder) == {}

        def full(*_: Any) -> int:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            pantry.put(bytes(16), file.fileno(), 3)
        assert shelf(folder) == {}
        pantry.put(bytes(16), file.fileno(), 3)
    assert b"".join(pantry.take(bytes(16), 3)) == b"123"
    with monkeypatch.context() as patch:
        patch.setattr(os, "read", full)
        assert list(pantry.take(bytes(16), 3)) == []


def test_what_nobody_asks_for_is_thrown_away(folder: Path, tmp_path: Path) -> None:
    pantry = Pantry(folder)
    source = tmp_path / "source"
    source.write_bytes(b"123")
    with source.open("rb") as file:
        for number in (0, 1):
            pantry.put(bytes([number] * 16), file.fileno(), 3)
    now = source.stat().st_mtime
    for path in folder.rglob("*"):
        os.utime(path, (now - 40 * DAY, now - 40 * DAY))
    assert list(pantry.take(bytes(16), 3)) == [b"123"]  # and is wanted still
    assert KEPT_DAYS == 30
    assert pantry.prune(now) == 1
    assert len(shelf(folder)) == 1
