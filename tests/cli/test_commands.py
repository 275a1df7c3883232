"""The commands, one after the other, as a person uses them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import ANN, Desk


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_authorize_then_sync_then_nothing_to_do(desk: Desk) -> None:
    said = desk.connect()
    assert said.code == 0
    assert f"Connected as {ANN}" in said.out
    first = desk.run("sync", "--json")
    assert first.code == 0
    run = first.record("run")
    assert (run["outcome"], run["counters"]["uploaded"]) == ("completed", 1)
    assert desk.on_drive() == {"notes.txt": md5("notes\n")}
    desk.ground.drive.log.clear()
    second = desk.run("sync")
    assert second.code == 0
    assert "1 unchanged" in second.out
    assert desk.ground.drive.log.count() == 1
    assert desk.ground.drive.log.token_count() == 0  # the token of the first pass still lasts


def test_the_state_is_for_its_owner_alone(connected: Desk) -> None:
    """Law 13."""
    connected.run("sync")
    assert connected.state.stat().st_mode & 0o777 == 0o700
    for path in connected.state.iterdir():
        if path.name in ("secrets.json", "home.json", "status.json", "account.json"):
            assert path.stat().st_mode & 0o077 == 0, path


def test_no_secret_is_said_or_stored_elsewhere(connected: Desk) -> None:
    """Law 13: the token is in ``secrets.json`` and nowhere else."""
    said = connected.run("sync", "--json")
    secret = json.loads((connected.state / "secrets.json").read_text())["grant"]["refresh_token"]
    assert secret not in said.out + said.err
    for path in connected.state.iterdir():
        if path.is_file() and path.name != "secrets.json":
            assert secret.encode() not in path.read_bytes(), path


def test_status_before_and_after(desk: Desk) -> None:
    before = desk.run("status", "--json")
    assert before.code == 3
    assert before.record("status")["state"] == "not_connected"
    desk.connect()
    assert desk.run("status", "--json").record("status")["state"] == "waiting"
    desk.run("sync")
    after = desk.run("status", "--json")
    assert after.code == 0
    status = after.record("status")
    assert (status["state"], status["account"], status["last_sync_count"]) == ("synced", ANN, 1)
    told = desk.run("status")
    assert "Drive:      synced, " in told.out


def test_dry_run_touches_nothing(connected: Desk) -> None:
    said = connected.run("sync", "--dry-run", "--json")
    assert said.code == 0
    preview = said.record("preview")
    assert [(step["step"], step["path"]) for step in preview["steps"]][-1] == (
        "create",
        "notes.txt",
    )
    assert preview["estimate"]["files"] == 1
    assert connected.on_drive() == {}
    assert "Nothing was done" in connected.run("sync", "--dry-run").out
    assert connected.run("status", "--json").record("status")["state"] == "waiting"


def test_only_the_named_paths(connected: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    connected.write("course/lab.ipynb")
    monkeypatch.chdir(connected.home / "course")
    assert connected.run("sync", "lab.ipynb").code == 0
    assert set(connected.on_drive()) == {"course/lab.ipynb"}
    assert connected.run("sync", str(connected.home)).code == 0
    assert set(connected.on_drive()) == {"course/lab.ipynb", "notes.txt"}


def test_history_names_runs_and_files(connected: Desk) -> None:
    assert "no sync yet" in connected.run("history").out
    connected.write("two\nlines.txt")
    connected.run("sync")
    said = connected.run("history", "--json")
    assert [run["outcome"] for run in said.records] == ["completed"]
    number = said.records[0]["id"]
    files = connected.run("history", str(number), "--json")
    assert {r["path"] for r in files.records if r["event"] == "file"} == {
        "notes.txt",
        "two\nlines.txt",
    }
    assert "two\\nlines.txt  (uploaded)" in connected.run("history", str(number)).out
    assert connected.run("history", "99").sentence.startswith("There is no run 99")


def test_release_lists_and_answers(connected: Desk) -> None:
    for number in range(9):
        connected.write(f"course/{number}.txt", f"{number}\n")
    connected.run("sync")
    assert connected.run("release").out == "Nothing waits for you.\n"
    for number in range(8):
        (connected.home / f"course/{number}.txt").unlink()
    held = connected.run("sync", "--json")
    assert held.code == 3
    (hold,) = held.record("run")["holds"]
    assert hold["choices"] == ["restore", "keep", "trash"]
    assert len(connected.on_drive()) == 10
    listed = connected.run("release")
    assert listed.code == 3
    assert f"jupyter drive-sync release {hold['id']} trash" in listed.out
    one = connected.run(
        "release", hold["id"], "keep", str(connected.home / "course/0.txt"), "--json"
    )
    assert one.record("answered") == {
        "event": "answered",
        "hold": hold["id"],
        "choice": "keep",
        "files": 1,
    }
    assert connected.run("release", hold["id"], "trash").code == 0
    assert connected.run("sync").code == 0
    assert set(connected.on_drive()) == {"notes.txt", "course/0.txt", "course/8.txt"}


def test_check_finds_and_repairs(connected: Desk) -> None:
    connected.run("sync")
    sound = connected.run("check", "--json")
    assert sound.code == 0
    assert sound.record("check")["findings"] == []
    # The same size, inode and time, another content: only reading it tells.
    path = connected.home / "notes.txt"
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"NOTES\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = connected.run("check")
    assert found.code == 1
    assert "notes.txt: differs" in found.out
    repaired = connected.run("check", "--repair", "--json")
    assert repaired.code == 0
    assert repaired.record("check")["faults"] == 0
    assert connected.on_drive() == {"notes.txt": md5("NOTES\n")}


def test_settings_are_shown_set_and_used(connected: Desk) -> None:
    assert "  excludes             []" in connected.run("settings").out
    assert connected.run("settings", "excludes", "*.csv").out.startswith("* excludes")
    connected.write("data.csv")
    connected.run("sync")
    assert set(connected.on_drive()) == {"notes.txt"}
    assert connected.run("settings", "excludes", '["*.txt", "x"]').code == 0
    said = connected.run("settings", "excludes", "--json")
    assert said.record("setting")["value"] == ["*.txt", "x"]
    assert connected.run("settings", "excludes", "--unset", "--json").record("setting") == {
        "event": "setting",
        "name": "excludes",
        "value": [],
        "set": False,
    }


def test_disconnect_keeps_what_is_on_drive(connected: Desk) -> None:
    connected.run("sync")
    said = connected.run("disconnect")
    assert said.code == 0
    assert "ends it everywhere" in said.out
    assert not (connected.state / "secrets.json").exists()
    assert set(connected.on_drive()) == {"notes.txt"}
    again = connected.run("sync")
    assert again.code == 3
    assert again.sentence.startswith("Google Drive is not connected yet")


def test_disconnect_and_revoke(connected: Desk) -> None:
    token = json.loads((connected.state / "secrets.json").read_text())["grant"]["refresh_token"]
    assert connected.run("disconnect", "--revoke").code == 0
    assert connected.ground.drive.log.counts() == {"about.get": 1}  # that of the consent
    assert not any(grant.token == token for grant in connected.ground.drive.oauth._refresh)


def test_reconnecting_uploads_nothing_again(connected: Desk) -> None:
    connected.run("sync")
    connected.run("disconnect", "--revoke")
    connected.connect()
    said = connected.run("sync", "--json")
    assert said.code == 0
    assert said.record("run")["counters"]["uploaded"] == 0


def test_another_folder_on_drive(connected: Desk) -> None:
    assert connected.run("sync", "--drive-folder", "home/laptop of ann").code == 0
    assert set(connected.on_drive(folder="home/laptop of ann")) == {"notes.txt"}


def test_the_client_file_of_authorize_is_remembered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = desk.ground.client_file
    monkeypatch.delenv("DRIVE_SYNC_CLIENT_FILE")
    assert desk.run("sync").code == 2
    from jupyter_drive_sync.demo.browser import Browser  # noqa: PLC0415

    desk.authorize(lambda url: Browser(ANN).allow(url), "--client-file", str(named))
    assert desk.run("sync").code == 0


def test_help_and_version(desk: Desk) -> None:
    assert "authorize" in desk.run("--help").out
    assert desk.run("--version").out.startswith("jupyter drive-sync, version ")
    nothing = desk.run()
    assert nothing.code == 2
    assert "Commands:" in nothing.out


def test_places_that_nobody_named(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    desk.connect()
    assert (desk.home / ".local/state/jupyter-drive-sync/secrets.json").exists()
    desk.run("sync")
    assert set(desk.on_drive()) == {"notes.txt"}  # our own state is never mirrored
