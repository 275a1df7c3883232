"""Which home, state folder, Drive folder and client file, when nobody names them."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.errors import BadSettings, NoClient, StateUnusable, UsageError
from jupyter_drive_sync.runner import settings_file
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.runner.place import find_place, user_name


def test_the_usual_places(tmp_path: Path) -> None:
    place = find_place({"HOME": str(tmp_path), "JUPYTERHUB_USER": "ann"})
    assert place.home == tmp_path
    assert place.state_dir == tmp_path / ".local/state/jupyter-drive-sync"
    assert place.drive_folder == "home/ann"
    assert place.client_file == place.state_dir / "client_secrets.json"
    assert not place.client_named
    with pytest.raises(NoClient):
        place.client()


def test_xdg_names_the_state_folder_if_it_is_absolute(tmp_path: Path) -> None:
    """Source: XDG Base Directory Specification: relative paths are to be ignored."""
    base = {"HOME": str(tmp_path), "XDG_STATE_HOME": "/var/xdg"}
    assert find_place(base).state_dir == Path("/var/xdg/jupyter-drive-sync")
    relative = find_place({**base, "XDG_STATE_HOME": "xdg"})
    assert relative.state_dir == tmp_path / ".local/state/jupyter-drive-sync"


def test_the_client_file_named_remembered_or_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    base = {"HOME": str(tmp_path)}
    here = tmp_path / "client_secrets.json"
    here.write_text("{}")
    assert find_place(base, state_dir=state).client_file == here
    usual = state / "client_secrets.json"
    usual.write_text("{}")
    assert find_place(base, state_dir=state).client_file == usual
    used = tmp_path / "used.json"
    used.write_text("{}")
    account = Account("1", "ann@example.edu", "Ann", str(used), 0.0)
    account.save(state)
    assert Account.load(state) == account
    assert find_place(base, state_dir=state).client_file == used
    used.unlink()
    assert find_place(base, state_dir=state).client_file == usual
    named = {**base, "DRIVE_SYNC_CLIENT_FILE": "named.json"}
    assert find_place(named, state_dir=state).client_file == tmp_path / "named.json"
    option = find_place(named, state_dir=state, client_file=Path("option.json"))
    assert option.client_file == tmp_path / "option.json"
    assert option.client_named


def test_on_a_hub_whole_folders_are_kept_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    """Design section 4: a course that is rotated out has to stay readable."""

    def keeps(**more: bool) -> bool:
        place = find_place({**base, "XDG_STATE_HOME": str(tmp_path)}, settings=more)
        assert place.job("mirror").defaults == place.defaults
        return place.load_settings().keep_whole_folders

    base = {"HOME": str(tmp_path)}
    assert not keeps()
    base["JUPYTERHUB_USER"] = "ann"
    assert keeps()
    assert not keeps(keep_whole_folders=False)
    settings_file.store(tmp_path / "jupyter-drive-sync", "keep_whole_folders", "false")
    assert not keeps()


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers run with user ids that no account has."""

    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert user_name({"USER": "jovyan"}) == "jovyan"
    assert user_name({}) == f"user-{os.getuid()}"


@pytest.mark.parametrize("folder", ["..", "home/./ann", "a//b", "/"])
def test_a_drive_folder_must_be_a_path_of_names(folder: str) -> None:
    with pytest.raises(UsageError):
        find_place({"HOME": "/h"}, drive_folder=folder)


def test_settings_are_stored_checked_and_laid_over(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert settings_file.load(state) == Settings()
    settings_file.store(state, "concurrency", "3")
    settings_file.store(state, "on_local_delete", "keep")
    assert settings_file.load(state, {"bandwidth": 5}) == replace(
        Settings(), concurrency=3, on_local_delete="keep", bandwidth=5
    )
    settings_file.store(state, "concurrency", None)
    assert settings_file.load(state).concurrency == Settings().concurrency
    with pytest.raises(BadSettings):
        settings_file.store(state, "nonsense", "1")
    with pytest.raises(BadSettings):
        settings_file.store(state, "concurrency", "0")
    assert settings_file.stored(state) == {"on_local_delete": "keep"}


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "settings.json").mkdir()
    with pytest.raises(StateUnusable):
        settings_file.load(tmp_path)
