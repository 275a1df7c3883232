"""Bad inputs: each gives one sentence, the right exit code, no traceback, and loses nothing."""

from __future__ import annotations

import json
import socket
import sqlite3
from pathlib import Path

import pytest

from jupyter_drive_sync.demo.ground import local_drive
from jupyter_drive_sync.drive.oauth import SCOPES, consent_url
from jupyter_drive_sync.localdrive.accounts import AUTH
from jupyter_drive_sync.localdrive.fault_text import parse_fault
from tests.acceptance.browser import Person
from tests.cli.conftest import ANN, BEN, Desk

pytestmark = pytest.mark.usefixtures("unmeasured_children")


def test_no_client_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRIVE_SYNC_CLIENT_FILE")
    said = desk.run("authorize")
    assert said.code == 2
    assert "No Google client is set up here" in said.sentence


def test_a_client_file_that_is_not_there(desk: Desk) -> None:
    said = desk.run("authorize", "--client-file", "/nowhere/client.json")
    assert said.code == 2
    assert "/nowhere/client.json cannot be used: there is no such file" in said.sentence


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "it is not JSON"),
        ("[]", "not what Google's console downloads"),
        ("{}", 'neither an "installed" nor a "web" section'),
        ('{"installed": {"client_id": "x"}}', "it has no token_uri"),
        ('{"type": "service_account"}', "service account"),
    ],
)
def test_a_malformed_client_file(desk: Desk, tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    said = desk.run("authorize", "--client-file", str(path))
    assert said.code == 2
    assert why in said.sentence


def test_a_device_client_without_device(desk: Desk) -> None:
    said = desk.run("authorize", "--client-file", str(desk.ground.device_file))
    assert said.code == 2
    assert "--device" in said.sentence


def test_a_client_file_of_another_server(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRIVE_SYNC_API_ENDPOINT")
    said = desk.connect()
    assert said.code == 2
    assert said.sentence.startswith("DRIVE_SYNC_API_ENDPOINT cannot be used")


def test_a_revoked_grant(connected: Desk) -> None:
    connected.run("sync")
    secrets = connected.state / "secrets.json"
    content = json.loads(secrets.read_text())
    connected.ground.drive.oauth.revoke(content["grant"]["refresh_token"])
    said = connected.run("sync")
    assert said.code == 3
    assert said.sentence.startswith("Google ended our permission")
    status = connected.run("status", "--json").record("status")
    assert status["state"] == "needs_you"
    assert status["problem"]["code"] == "auth.revoked"
    assert connected.run("history").code == 0


def test_fewer_scopes_granted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google shows a box for each scope once several are asked for; the person leaves Drive's."""
    extra = AUTH + "drive.appdata"
    monkeypatch.setattr("jupyter_drive_sync.runner.consent.consent_url", _asking_for_more(extra))
    person = Person(ANN, ticks=lambda scope: scope == extra)
    said = desk.authorize(person.answer)
    assert said.code == 3
    assert "The Drive box was not ticked" in said.sentence
    assert not (desk.state / "secrets.json").exists()


def _asking_for_more(scope: str):  # type: ignore[no-untyped-def]

    return lambda *args, scopes=SCOPES: consent_url(*args, scopes=(*scopes, scope))


def clock_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let every child's clock be off: a module that Python imports at its start sets it."""
    _at_start(
        tmp_path,
        monkeypatch,
        f"import time\n_true = time.time\ntime.time = lambda: _true() + {seconds}\n",
    )


def _at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_a_wrong_clock(connected: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock_off(tmp_path, monkeypatch, -7200)
    connected.ground.drive.faults.add(parse_fault("files.list:401"))
    said = connected.run("sync")
    assert said.code == 3
    assert said.sentence.startswith("This machine's clock is off by 120 minutes")


def test_an_unreachable_drive(connected: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    connected.run("sync")
    connected.write("new.txt")
    connected.ground.drive.faults.add(parse_fault("*:refused"))
    said = connected.run("sync")
    assert said.code == 4
    assert said.sentence.startswith("There is no connection to Google right now")
    assert connected.run("status", "--json").record("status")["state"] == "offline"
    connected.ground.drive.faults.clear()
    assert connected.run("sync").code == 0
    assert set(connected.on_drive()) == {"notes.txt", "new.txt"}


def test_a_full_drive(connected: Desk) -> None:
    connected.run("sync")
    connected.ground.drive.model.open_account(ANN, limit=100)
    connected.write("large.bin", b"x" * 5_000)
    (connected.home / "notes.txt").rename(connected.home / "renamed.txt")
    said = connected.run("sync")
    assert said.code == 3
    assert "no space left" in said.out + said.err
    assert set(connected.on_drive()) == {"renamed.txt"}  # what needs no space went on


def test_a_home_that_is_not_there(connected: Desk) -> None:
    connected.run("sync")
    connected.home.rename(connected.home.with_name("elsewhere"))
    said = connected.run("sync")
    assert said.code == 2
    assert "is not there" in said.sentence
    assert set(connected.on_drive()) == {"notes.txt"}


@pytest.mark.parametrize("home", ["/", "/home"])
def test_a_folder_that_is_no_ones_home(connected: Desk, home: str) -> None:
    said = connected.run("sync", "--home", home)
    assert said.code == 2
    assert "cannot be mirrored" in said.sentence


def test_an_empty_home(connected: Desk) -> None:
    connected.write("more.txt")
    connected.run("sync")
    for path in connected.home.iterdir():
        path.unlink()
    said = connected.run("sync")
    assert said.code == 3
    assert "your home (it is empty" in said.out
    assert set(connected.on_drive()) == {"notes.txt", "more.txt"}


def test_another_homes_mirror_at_the_target(connected: Desk, tmp_path: Path) -> None:
    connected.run("sync")
    other = tmp_path / "other"
    other.mkdir()
    (other / "laptop.txt").write_text("x")
    state = tmp_path / "other-state"
    state.mkdir(mode=0o700)
    for name in ("secrets.json", "account.json"):
        (state / name).write_bytes((connected.state / name).read_bytes())
        (state / name).chmod(0o600)
    there = ("--home", str(other), "--state-dir", str(state))
    said = connected.run("sync", *there)
    assert said.code == 3
    assert "backup of another home" in said.sentence
    assert set(connected.on_drive()) == {"notes.txt"}
    listed = connected.run("release", "--json", "--home", str(other), "--state-dir", str(state))
    (hold,) = listed.records
    assert hold["kind"] == "other_home"
    assert connected.run("release", hold["id"], "second_folder", *there).code == 0
    assert connected.run("sync", *there).code == 0
    assert set(connected.on_drive(folder="home/ann (2)")) == {"laptop.txt"}


def test_a_truncated_ledger(connected: Desk) -> None:
    connected.write("more.txt")
    connected.run("sync")
    ledger = connected.state / "ledger.sqlite"
    ledger.write_bytes(ledger.read_bytes()[:5000])
    assert_rebuilt(connected)


def test_a_ledger_of_a_newer_version(connected: Desk) -> None:
    connected.write("more.txt")
    connected.run("sync")
    with sqlite3.connect(connected.state / "ledger.sqlite") as ledger:
        ledger.execute("PRAGMA user_version = 999")
    ledger.close()
    assert_rebuilt(connected)
    assert (connected.state / "ledger.newer.sqlite").exists()


def test_a_ledger_older_than_drive(connected: Desk) -> None:
    connected.run("sync")
    old = (connected.state / "ledger.sqlite").read_bytes()
    connected.write("more.txt")
    connected.run("sync")
    (connected.state / "ledger.sqlite").write_bytes(old)
    assert_rebuilt(connected)


def assert_rebuilt(desk: Desk) -> None:
    # This Drive's listing never lags, so there is nothing to wait for.
    assert desk.run("settings", "listing_lag", "0").code == 0
    before = desk.on_drive()
    said = desk.run("sync", "--json")
    assert said.code == 0, said.err
    counters = said.record("run")["counters"]
    assert (counters["uploaded"], counters["updated"], counters["trashed"]) == (0, 0, 0)
    assert desk.on_drive() == before
    again = desk.run("sync", "--json")
    assert again.record("run")["counters"]["unchanged"] == len(before)


def test_a_state_folder_that_is_a_file(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = desk.run("sync", "--state-dir", str(tmp_path / "file"))
    assert said.code == 4
    assert "The state folder" in said.sentence


def test_a_state_folder_that_cannot_be_written(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused by the system itself, since tests may run as root, who may write everywhere."""
    _at_start(
        tmp_path,
        monkeypatch,
        "import os\n_true = os.mkdir\n"
        "def mkdir(path, *args, **kwargs):\n"
        "    if 'locked' in str(path):\n        raise OSError(30, 'Read-only file system')\n"
        "    return _true(path, *args, **kwargs)\n"
        "os.mkdir = mkdir\n",
    )
    said = desk.run("sync", "--state-dir", str(tmp_path / "locked"))
    assert said.code == 4
    assert "cannot be used: Read-only file system" in said.sentence


def test_an_unreadable_file(
    connected: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected.write("locked.txt")
    _at_start(
        tmp_path,
        monkeypatch,
        "import os\n_true = os.open\n"
        "def refuse(path, *args, **kwargs):\n"
        "    if 'locked' in os.fsdecode(path):\n        raise PermissionError(13, 'No')\n"
        "    return _true(path, *args, **kwargs)\n"
        "os.open = refuse\n",
    )
    said = connected.run("sync")
    assert said.code == 1
    assert "locked.txt  (not synced: " in said.out
    assert set(connected.on_drive()) == {"notes.txt"}
    monkeypatch.delenv("PYTHONPATH")
    assert connected.run("sync").code == 0
    assert set(connected.on_drive()) == {"notes.txt", "locked.txt"}


def test_a_full_disk(connected: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connected.run("sync")
    connected.write("more.txt")
    _at_start(
        tmp_path,
        monkeypatch,
        "import os\n"
        "def fsync(descriptor):\n    raise OSError(28, 'No space left on device')\n"
        "os.fsync = fsync\n",
    )
    said = connected.run("sync")
    assert said.code == 4
    assert "is full, so the sync stopped" in said.sentence
    monkeypatch.delenv("PYTHONPATH")
    assert connected.run("sync").code == 0
    assert set(connected.on_drive()) == {"notes.txt", "more.txt"}


def test_a_port_in_use(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in (("localdrive", "--port", port), ("demo", "--port", port)):
            said = desk.run(*command)
            assert said.code == 2
            assert f"Port {port} cannot be used" in said.sentence


def test_a_fault_that_means_nothing(desk: Desk) -> None:
    said = desk.run("localdrive", "--fault", "files.create")
    assert said.code == 2
    assert "must read ENDPOINT:KIND" in said.sentence


@pytest.mark.parametrize(
    "arguments",
    [
        ("sync", "--unknown"),
        ("unknown",),
        ("sync", "--credentials", "magic"),
        ("history", "x"),
        ("localdrive", "--port", "70000"),
    ],
)
def test_unknown_options_and_commands(desk: Desk, arguments: tuple[str, ...]) -> None:
    said = desk.run(*arguments)
    assert said.code == 2
    assert "--help`." in said.sentence


def test_paths_outside_the_home(connected: Desk) -> None:
    said = connected.run("sync", "/etc/passwd")
    assert said.code == 2
    assert "does not lie in the home" in said.sentence


@pytest.mark.parametrize("folder", ["", "/", "home/../ann", "home//ann"])
def test_a_drive_folder_that_is_no_path(desk: Desk, folder: str) -> None:
    said = desk.run("sync", "--drive-folder", folder or "/")
    assert said.code == 2
    assert "no path such as home/ann" in said.sentence


@pytest.mark.parametrize(
    ("content", "why"),
    [("{", "is not JSON"), ("[]", "no JSON object"), ('{"x": 1}', "there is no such setting")],
)
def test_settings_that_cannot_be_used(desk: Desk, content: str, why: str) -> None:
    desk.state.mkdir(mode=0o700)
    (desk.state / "settings.json").write_text(content)
    for command in ("sync", "status", "settings"):
        said = desk.run(command)
        assert said.code == 2
        assert why in said.sentence


@pytest.mark.parametrize("value", ["0", "many", "true", '"8"'])
def test_a_setting_that_cannot_have_the_value(desk: Desk, value: str) -> None:
    said = desk.run("settings", "concurrency", value)
    assert said.code == 2
    assert said.sentence.startswith("The setting concurrency cannot be used")
    assert not (desk.state / "settings.json").exists()


def test_a_hold_that_does_not_exist(connected: Desk) -> None:
    assert connected.run("release", "h1", "keep").sentence.startswith("Nothing waits for you")
    connected.run("sync")
    said = connected.run("release", "h1", "keep")
    assert said.code == 2
    assert said.sentence == "There is no hold with the id h1."
    assert connected.run("release", "h1").code == 2


def test_default_credentials_for_another_server(desk: Desk) -> None:
    said = desk.run("sync", "--credentials", "adc")
    assert said.code == 2
    assert "Application Default Credentials are for Google alone" in said.sentence


def test_another_account_at_the_second_consent(connected: Desk) -> None:
    """F51."""
    connected.run("sync")
    connected.connect(BEN)
    said = connected.run("sync")
    assert said.code == 3
    assert "release" in said.sentence
    assert connected.on_drive(BEN) == {}


def test_another_project_s_client(connected: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one project's client made, another's cannot see: said before anything is sent."""
    connected.run("sync")
    oauth = connected.ground.drive.oauth
    project = oauth.add_project("other", "Other")
    client = oauth.add_client(project.number, "desktop")
    path = connected.ground.client_file.with_name("other.json")
    path.write_text(json.dumps(oauth.client_file(client.client_id, connected.ground.url)))
    monkeypatch.setenv("DRIVE_SYNC_CLIENT_FILE", str(path))
    assert connected.run("sync").code == 3  # the grant is the other client's
    connected.connect()
    said = connected.run("sync")
    assert said.code == 3
    assert len(connected.on_drive()) == 1


def test_two_localdrives_do_not_share_a_state(tmp_path: Path) -> None:
    with local_drive(folder=tmp_path / "kept") as first:
        client = json.loads(first.client_file.read_text())["installed"]["client_id"]
    with local_drive(folder=tmp_path / "kept") as second:
        again = json.loads(second.client_file.read_text())["installed"]["client_id"]
    assert client == again
