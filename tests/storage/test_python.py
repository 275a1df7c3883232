"""The Python API, as a notebook uses it: real children, a real socket."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.core.storage import BadStorage, Incomplete
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.runner import settings_file
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import find_place
from jupyter_drive_sync.storage import DriveStorage, Transfer, open_storage, read_config
from tests.storage.instructor import Instructor


def config_of(instructor: Instructor, **more: str) -> dict[str, Any]:
    args = {"storage_folder_id": instructor.folder, "service_account_key_filepath": "key.json"}
    return {"external_storage": {"type": "GDriveStorage", "args": {**args, **more}}}


@pytest.fixture
def shared(instructor: Instructor) -> Instructor:
    instructor.put("best.json", '{"step": 9}')
    instructor.put("last.bin", b"x" * 70_000)
    instructor.put_document("Notes")
    instructor.share()
    return instructor


def test_downloads_of_what_is_shared_by_link_need_a_key_alone(
    shared: Instructor, home: Path
) -> None:
    storage = open_storage(config_of(shared), folder="models")
    found = storage.validate_connection()
    assert (found.account, found.folder) == (shared.email, "Course A")
    assert found.sample in ("best.json", "last.bin")
    listed = {file.name: file.size for file in storage.list()}
    assert listed == {"best.json": 11, "last.bin": 70_000, "Notes": 0}
    done = storage.import_("best.json")
    assert done.outcomes == {"best.json": "brought"}
    assert (home / "models/best.json").read_text() == '{"step": 9}'
    done = storage.import_()
    assert done.outcomes == {"last.bin": "brought", "Notes": "skipped"}
    assert (done.unchanged, done.bytes) == (1, 70_000)
    assert storage.import_(to=home / "elsewhere").outcomes["best.json"] == "brought"
    shared.put("best.json", '{"step": 10}')
    assert storage.import_("best.json").outcomes == {"best.json": "refreshed"}
    (home / "models/best.json").write_text("mine")
    shared.put("best.json", '{"step": 11}')
    assert storage.import_("best.json").outcomes == {"best.json": "beside"}
    assert (home / "models/best.json").read_text() == "mine"


def test_an_export_into_a_shared_drive_updates_in_place(instructor: Instructor, home: Path) -> None:
    folder = instructor.shared_folder("Lab", "runs")
    storage = open_storage(
        {"storage_dir_id": folder, "service_account_key_filepath": str(home / "key.json")},
        folder=home / "runs",
        progress=False,
    )
    (home / "runs/deep").mkdir(parents=True)
    (home / "runs/last.json").write_text("1")
    (home / "runs/deep/a.bin").write_bytes(b"a")
    assert storage.validate_connection(writing=True).folder == "runs"
    assert storage.export("last.json").outcomes == {"last.json": "uploaded"}
    (before,) = storage.list()
    (home / "runs/last.json").write_text("12")
    assert storage.export("last.json").outcomes == {"last.json": "updated"}
    (after,) = storage.list()
    assert (after.id, after.size) == (before.id, 2)
    assert storage.export().outcomes == {"deep/a.bin": "uploaded"}
    # A second machine goes on with the same file.
    settings_file.change(home / "other-state", {"listing_lag": 0})
    other = open_storage(
        {"storage_dir_id": folder, "service_account_key_filepath": str(home / "key.json")},
        folder=home / "other",
        state_dir=home / "other-state",
        progress=False,
    )
    assert set(other.import_().outcomes) == {"last.json", "deep/a.bin"}
    (home / "other/last.json").write_text("123")
    assert other.export("last.json").outcomes["last.json"] == "updated"
    assert {file.name: file.id for file in other.list()}["last.json"] == before.id
    # What was exported is known to be on Drive, so a newer one takes its place.
    an_hour_ago = time.time() - 3600
    os.utime(home / "runs/last.json", (an_hour_ago, an_hour_ago))
    storage.export("last.json")
    (home / "other/last.json").write_text("1234")
    other.export("last.json")
    assert storage.import_("last.json").outcomes == {"last.json": "refreshed"}
    assert (home / "runs/last.json").read_text() == "1234"


def test_an_export_to_a_folder_in_the_trash_says_so_until_it_is_back(
    instructor: Instructor, home: Path
) -> None:
    folder = instructor.shared_folder("Lab", "runs")
    storage = open_storage(
        {"storage_dir_id": folder, "service_account_key_filepath": str(home / "key.json")},
        folder=home / "runs",
        progress=False,
    )
    (home / "runs").mkdir()
    (home / "runs/a.txt").write_text("1")
    storage.export()
    (before,) = storage.list()
    (home / "runs/a.txt").write_text("12")

    def trash(trashed: bool) -> None:
        address = f"/files/{folder}"
        instructor.drive.ask("PATCH", address, {"trashed": trashed}, supportsAllDrives="true")

    trash(True)
    for _ in range(2):
        with pytest.raises(DriveSyncError, match="is in Google Drive's trash; bring it back"):
            storage.export()
    trash(False)
    assert storage.export().outcomes == {"a.txt": "updated"}
    assert [file.id for file in storage.list()] == [before.id]


def test_a_service_account_that_would_own_files_is_refused(shared: Instructor) -> None:
    shared.share(type="user", role="writer", emailAddress=shared.email)
    storage = open_storage(config_of(shared))
    with pytest.raises(DriveSyncError, match="it would own the files there") as caught:
        storage.validate_connection(writing=True)
    assert caught.value.code == "service_account.owns_nothing"
    Path("a.json").write_text("1")
    with pytest.raises(DriveSyncError, match="it would own the files there"):
        storage.export("a.json")


def test_what_cannot_come_is_one_sentence(shared: Instructor, home: Path) -> None:
    storage = open_storage(config_of(shared), folder="models", progress=False)
    shared.drive.ask("PATCH", f"/files/{shared.files['last.bin']}", {"name": "a/b.bin"})
    with pytest.raises(DriveSyncError, match=r"There is no last\.bin in that folder"):
        storage.import_("last.bin")
    (home / "models").write_text("a file where the folder should be")
    with pytest.raises(DriveSyncError, match="Nothing can be written"):
        storage.import_()


def test_incomplete_is_one_sentence() -> None:
    from jupyter_drive_sync.storage import _transfer  # noqa: PLC0415

    failed = {"path": "a", "outcome": "failed", "reason": "is no longer on Drive"}
    with pytest.raises(Incomplete) as caught:
        _transfer({"files": [failed], "counters": {"failed": 2, "unchanged": 0, "bytes": 0}})
    assert caught.value.sentence == (
        "Not everything was transferred: a is no longer on Drive (2 in all)."
    )
    done = {"files": [], "counters": {"failed": 0, "unchanged": 3, "bytes": 5}}
    assert _transfer(done) == Transfer({}, 3, 5)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "needs one of storage_folder_id, storage_dir_id"),
        ({"external_storage": {"type": "S3"}}, "its type 'S3' is not GDriveStorage"),
        ({"external_storage": {"type": "GDriveStorage"}}, "has no arguments of a storage"),
        ({"trainer": {"external_storage": []}}, "there is no argument external_storage"),
        ({"storage_folder_id": "a", "bucket": "b"}, "there is no argument bucket"),
        ({"storage_folder_id": 5}, "storage_folder_id is no text"),
        ({"storage_folder_id": "a", "storage_dir_id": "b"}, "needs one of"),
        ({"storage_folder_id": ""}, "needs one of"),
        ({"storage_folder_id": "a\nb"}, "has characters that nobody can see"),
    ],
)
def test_a_configuration_that_cannot_be_used(config: dict[str, Any], words: str) -> None:
    with pytest.raises(BadStorage) as caught:
        open_storage(config)
    assert words in caught.value.sentence
    assert caught.value.sentence.count(".") == 1 or words in caught.value.sentence


def test_forms_of_a_configuration(tmp_path: Path) -> None:
    args = {"storage_dir_id": "abc", "client_credentials_filepath": None}
    inner = {"type": "GDriveStorage", "args": args}
    forms = (args, inner, {"external_storage": inner}, {"trainer": {"external_storage": inner}})
    for form in forms:
        assert read_config(form)[0] == {"storage_dir_id": "abc"}
        path = tmp_path / "config.json"
        path.write_text(json.dumps(form))
        assert read_config(path) == ({"storage_dir_id": "abc"}, tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "there is no file"), ("{", "is not JSON"), ("[]", "has no arguments of a storage")],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadStorage, match=words):
        open_storage(path)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadStorage, match="cannot be read"):
        open_storage(tmp_path)


def test_names_to_export(home: Path) -> None:
    storage = open_storage({"storage_folder": "models"}, folder=home / "models")
    (home / "models").mkdir()
    (home / "outside").write_text("x")
    with pytest.raises(BadStorage, match=r"there is no .*nope to export"):
        storage.export("nope")
    with pytest.raises(BadStorage, match="does not lie below"):
        storage.export(home / "outside")
    assert storage._name(".") == ""


def test_a_client_needs_to_be_named_to_be_connected(home: Path) -> None:
    storage = open_storage({"storage_folder": "models"})
    with pytest.raises(BadStorage, match="no client_credentials_filepath"):
        storage.authorize()


def test_whose_rights(home: Path) -> None:
    def kinds(**args: str) -> tuple[str, str, str, str]:
        storage: DriveStorage = open_storage({"storage_folder_id": "1" + "A" * 30, **args})
        source, target = storage.source, storage.target
        return source.credentials, source.scope, target.credentials, target.scope

    key = {"service_account_key_filepath": "key.json"}
    client = {"client_credentials_filepath": "client.json"}
    assert kinds() == ("auto", "drive.file", "auto", "drive.file")
    assert kinds(**key) == ("service_account", "drive.readonly", "service_account", "drive")
    assert kinds(**client) == ("client", "drive.readonly", "client", "drive")
    assert kinds(**key, **client) == ("service_account", "drive.readonly", "client", "drive")


def test_a_key_that_only_a_program_names_is_not_mirrored(
    shared: Instructor, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 13: the mirror of the home knows which files programs have used as keys."""
    (home / "odd name").write_text((home / "key.json").read_text())
    config = {**config_of(shared)["external_storage"]["args"]}
    config["service_account_key_filepath"] = "odd name"
    open_storage(config, folder="models", progress=False).import_("best.json")
    kept = Path(os.environ["XDG_STATE_HOME"]) / "jupyter-drive-sync/storages/.python/keys.json"
    assert json.loads(kept.read_text()) == [str(home / "odd name")]
    place = find_place(os.environ)
    with Child(place.job("survey")) as child:
        found = follow(child, lambda _: None)
    left_out = {item["path"]: item["reason"] for item in found["left_out"]}
    assert left_out["odd name"] == "secrets are never copied (named as a key or an OAuth client)"
    assert "key.json" not in left_out
    kept.write_text("{")
    with Child(place.job("survey")) as child, pytest.raises(DriveSyncError, match="cannot be read"):
        follow(child, lambda _: None)
