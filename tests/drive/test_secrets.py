"""Secrets that do not slip out, and the file that keeps them."""

from __future__ import annotations

import copy
import errno
import json
import logging
import os
import pickle
import stat
import threading
from pathlib import Path

import pytest

from jupyter_drive_sync.drive.secrets import Access, Grant, Secret, SecretsStore, redact
from jupyter_drive_sync.errors import StateFull, StateUnusable

GRANT = Grant(Secret("1//refresh"), ("scope-a", "scope-b"), "client", 1234.5)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_does_not_print(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret("s3cret")
    caplog.set_level(logging.DEBUG)
    logging.getLogger("x").warning("%s %r", secret, secret)
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>20}",
        "%s" % secret,  # noqa: UP031 - one more way to print
        repr([secret]),
        repr(GRANT),
        repr(Access(secret, 1.0)),
        caplog.text,
    ):
        assert "s3cret" not in shown
        assert "1//" not in shown


def test_a_secret_cannot_be_written() -> None:
    secret = Secret("s3cret")
    for write in (pickle.dumps, json.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(secret)
    assert not hasattr(secret, "__dict__")


def test_secrets_are_compared_by_content() -> None:
    assert Secret("é") == Secret("é")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) == hash(Secret("a"))
    assert not Secret("")
    assert Secret("a").reveal() == "a"


def test_redact_blots_out_what_looks_secret_and_what_is_known() -> None:
    text = "a ya29.x-Y_z b 1//0ab c GOCSPX-1-2 d Bearer q e upload_id=AEn? f code=4/0Abc&x=1 known"
    assert redact(text, [Secret("known"), Secret("")]) == "a … b … c … d … e … f …&x=1 …"


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "state"
    store = SecretsStore(folder)
    before = os.umask(0)
    try:
        store.keep_grant(GRANT)
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert mode(folder / "secrets.json") == 0o600
    assert mode(folder / "secrets.lock") == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["secrets.json", "secrets.lock"]


def test_a_grant_comes_back(tmp_path: Path) -> None:
    store = SecretsStore(tmp_path)
    assert store.grant() is None
    assert store.access() is None
    store.keep_grant(GRANT, Access(Secret("ya29.x"), 99.0))
    again = SecretsStore(tmp_path)
    assert again.grant() == GRANT
    assert again.access() == Access(Secret("ya29.x"), 99.0)
    again.keep_access(Access(Secret("ya29.y"), 100.0))
    assert store.access() == Access(Secret("ya29.y"), 100.0)
    store.keep_grant(GRANT)
    assert again.access() is None  # it was the earlier grant's
    store.drop_grant()
    assert again.grant() is None


def test_sessions_are_kept_by_key_beside_the_grant(tmp_path: Path) -> None:
    store = SecretsStore(tmp_path)
    store.keep_grant(GRANT)
    store.keep_session("k1", Secret("https://x/?upload_id=1"))
    store.keep_session("k2", Secret("https://x/?upload_id=2"))
    assert store.sessions() == ("k1", "k2")
    store.drop_session("k1")
    store.drop_session("k1")
    assert store.session("k1") is None
    assert SecretsStore(tmp_path).session("k2") == Secret("https://x/?upload_id=2")
    assert store.grant() == GRANT
    store.destroy()
    store.destroy()
    assert store.sessions() == ()
    assert store.grant() is None


def test_threads_do_not_lose_each_others_sessions(tmp_path: Path) -> None:
    store = SecretsStore(tmp_path)
    threads = [
        threading.Thread(target=store.keep_session, args=(f"k{number}", Secret("u")))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.sessions()) == 20


def test_two_processes_do_not_lose_each_others(tmp_path: Path) -> None:
    stores = [SecretsStore(tmp_path) for _ in range(8)]  # a lock of files knows no threads
    threads = [
        threading.Thread(target=store.keep_session, args=(f"k{number}", Secret("u")))
        for number, store in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stores[0].sessions()) == 8


def test_rights_that_others_got_are_taken_away(tmp_path: Path) -> None:
    store = SecretsStore(tmp_path)
    store.keep_grant(GRANT)
    path = tmp_path / "secrets.json"
    path.chmod(0o644)
    assert store.grant() == GRANT
    assert mode(path) == 0o600


def test_where_rights_cannot_be_taken_away_nothing_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SecretsStore(tmp_path)
    store.keep_grant(GRANT)
    (tmp_path / "secrets.json").chmod(0o644)
    monkeypatch.setattr(os, "fchmod", lambda *_: None)  # as on FAT
    with pytest.raises(StateUnusable, match="hidden from others"):
        store.grant()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"grant": {}}')
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "secrets.json").symlink_to(other)
    with pytest.raises(StateUnusable):
        SecretsStore(folder).grant()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"grant": 7, "sessions": [], "access": "x"}', '{"grant": {"scopes": 1}}'],
)
def test_a_torn_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets.json").write_text(text)
    (tmp_path / "secrets.json").chmod(0o600)
    store = SecretsStore(tmp_path)
    assert store.grant() is None
    assert store.access() is None
    assert store.sessions() == ()
    store.keep_session("k", Secret("u"))
    assert store.session("k") == Secret("u")


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    store = SecretsStore(tmp_path)
    store.keep_grant(GRANT)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if call == "replace":
            patch.setattr(Path, "replace", full)
        elif call == "fsync":
            patch.setattr(os, "fsync", full)
        else:
            patch.setattr(json, "dumps", full)
        with pytest.raises(StateFull):
            store.drop_grant()
    assert store.grant() == GRANT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secrets.json", "secrets.lock"]


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StateUnusable, match="file"):
        SecretsStore(tmp_path / "file").keep_grant(GRANT)
