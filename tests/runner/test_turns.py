"""The small files of the state folder, when several change them at the same time."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_drive_sync.core.storage import Storage
from jupyter_drive_sync.drive import turns
from jupyter_drive_sync.engine.site import write_private
from jupyter_drive_sync.errors import BadSettings, StateFull, StateUnusable
from jupyter_drive_sync.runner import settings_file, storages
from jupyter_drive_sync.runner.turns import changing


def _taken(state: Path) -> bool:
    """Whether somebody has the turn."""
    with (state / ".changing").open("w") as mine:
        try:
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _storage(name: str) -> Storage:
    return Storage(name=name, local=name, drive=f"Course/{name}")


def _keep(state: Path) -> None:
    storages.keep(state, _storage("one"))


def _remove(state: Path) -> None:
    storages.remove(state, "before")


def _change(state: Path) -> None:
    settings_file.store(state, "concurrency", "3")


@pytest.mark.parametrize("change", [_keep, _remove, _change])
def test_what_is_changed_is_read_in_ones_own_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    storages.keep(tmp_path, _storage("before"))
    read, seen = settings_file.stored, []

    def noting(state: Path) -> object:
        seen.append(_taken(state))
        return read(state)

    monkeypatch.setattr(settings_file, "stored", noting)
    change(tmp_path)
    assert seen
    assert all(seen)
    assert not _taken(tmp_path)


def test_none_of_many_changes_is_lost(tmp_path: Path) -> None:
    def both(number: int) -> None:
        storages.keep(tmp_path, _storage(f"s{number}"))
        settings_file.store(tmp_path, "concurrency", str(1 + number % 3))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(both, range(40)))
    assert {each.name for each in storages.load(tmp_path)} == {f"s{n}" for n in range(40)}
    assert settings_file.load(tmp_path).concurrency in (1, 2, 3)


def test_writers_of_one_file_leave_one_whole_text(tmp_path: Path) -> None:
    texts = [str(number) * 5000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_private(tmp_path / "a.json", text), texts * 10))
    assert (tmp_path / "a.json").read_text() in texts
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_turn_ends_with_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(BadSettings):
        settings_file.change(tmp_path, {"concurrency": 0})
    assert not _taken(tmp_path)
    assert settings_file.stored(tmp_path) == {}


def test_where_the_file_system_knows_no_locks_there_are_no_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unknown)
    settings_file.store(tmp_path, "concurrency", "3")
    assert settings_file.load(tmp_path).concurrency == 3


def test_nobody_waits_for_ever_for_one_who_is_frozen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_PATIENCE", 0.0)
    with changing(tmp_path):
        settings_file.store(tmp_path, "concurrency", "3")
    assert settings_file.load(tmp_path).concurrency == 3


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_refuses_is_met_by_the_one_who_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refusing(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refusing)
    refusal = StateFull if number == errno.ENOSPC else StateUnusable
    with pytest.raises(refusal):
        settings_file.store(tmp_path, "concurrency", "3")
