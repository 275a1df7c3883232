"""The home's disk fails at one place (F35): the rest is mirrored, nothing counts as deleted."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from tests.engine.world import World

FAILURES = (errno.EIO, errno.ESTALE, errno.EACCES, errno.ETIMEDOUT)
PLACES = ("open", "lstat", "pread", "listdir")


def fails(monkeypatch: pytest.MonkeyPatch, world: World, place: str, error: int) -> None:
    """Let one call fail for one file, or for the folder that holds it."""
    inodes = {(world.home / path).stat().st_ino for path in ("bad/file", "bad")}
    really: Callable[..., object] = getattr(os, place)

    def call(target: object, *given: object, **named: object) -> object:
        if place in ("open", "lstat"):
            bad = target in (b"file", "file")
        else:
            bad = os.fstat(target).st_ino in inodes  # type: ignore[arg-type]
        if bad:
            raise OSError(error, os.strerror(error))
        return really(target, *given, **named)

    monkeypatch.setattr(os, place, call)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("error", FAILURES, ids=errno.errorcode.get)
def test_a_place_that_fails(
    world: World, place: str, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bad/file", "good/1", "good/2"):
        world.write(name, "first")
    world.sync()
    for name in ("bad/file", "good/1"):
        world.write(name, "second", age=60)
    with monkeypatch.context() as failing:
        fails(failing, world, place, error)
        report = world.sync()
    said = {item.path: item for item in report.outcomes}
    named = said["bad/file"] if place != "listdir" else said["bad"]
    assert named.outcome == "failed", "an error is no choice of anybody"
    assert named.reason.startswith("cannot be read (")
    assert [item.outcome for item in report.outcomes].count("failed") == 1
    assert report.run.outcome == "completed_with_errors"
    assert world.mirrored() == {"bad/file": b"first", "good/1": b"second", "good/2": b"first"}
    assert world.holds() == []
    world.sync()
    world.assert_mirrored()


@pytest.mark.parametrize("error", FAILURES, ids=errno.errorcode.get)
def test_a_file_that_is_gone_from_a_failing_folder_is_not_believed_to_be(
    world: World, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bad/file", "bad/other", "good/1"):
        world.write(name, "first")
    world.sync()
    (world.home / "bad/file").unlink()
    really, inode = os.listdir, (world.home / "bad").stat().st_ino

    def listdir(fd: int) -> list[str]:
        if os.fstat(fd).st_ino == inode:
            raise OSError(error, os.strerror(error))
        return really(fd)

    with monkeypatch.context() as failing:
        failing.setattr(os, "listdir", listdir)
        world.sync()
    assert set(world.mirrored()) == {"bad/file", "bad/other", "good/1"}
    world.sync()
    world.assert_mirrored()
