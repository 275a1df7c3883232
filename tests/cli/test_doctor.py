"""The doctor: each thing that can be wrong, found and given its cure."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.core.storage import read
from jupyter_drive_sync.doctor import Finding, examine
from jupyter_drive_sync.drive.oauth import SCOPES
from jupyter_drive_sync.drive.secrets import Grant, Secret, SecretsStore
from jupyter_drive_sync.engine.report import Status, describe
from jupyter_drive_sync.errors import Offline
from jupyter_drive_sync.runner.clock import SystemClock
from jupyter_drive_sync.runner.memory import Memory
from jupyter_drive_sync.runner.place import Place, find_place
from jupyter_drive_sync.runner.protocol import Job
from jupyter_drive_sync.runner.storages import folder_of, keep
from tests.cli.conftest import ANN, Desk

pytestmark = pytest.mark.usefixtures("unmeasured_children")

DAY = 86_400
GOOGLE_CLIENT = {
    "installed": {
        "client_id": "123-abc.apps.googleusercontent.com",
        "client_secret": "s",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "redirect_uris": ["http://localhost"],
    }
}
HEALTHY: dict[str, Any] = {
    "skew": 0.4,
    "problem": None,
    "account": {"email": ANN, "name": "Ann", "permission_id": "1"},
    "space": {"limit": 15 * 10**9, "usage": 10**9, "free": 14 * 10**9, "in_trash": 0},
    "folder": "there",
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    home, state = tmp_path / "ann", tmp_path / "state"
    home.mkdir()
    state.mkdir(mode=0o700)
    client = tmp_path / "client.json"
    client.write_text(json.dumps(GOOGLE_CLIENT))
    return find_place({"HOME": str(home)}, state_dir=state, client_file=client)


def connect(place: Place, **changes: Any) -> None:
    client_id = GOOGLE_CLIENT["installed"]["client_id"]
    assert isinstance(client_id, str)
    age = changes.pop("days", 30) * DAY
    grant = Grant(Secret("1//token"), SCOPES, client_id, SystemClock().wall() - age)
    SecretsStore(place.state_dir).keep_grant(replace(grant, **changes))


def findings(
    place: Place,
    environment: dict[str, str] | None = None,
    memory: Memory | None = None,
    **answer: Any,
) -> dict[str, Finding]:
    def ask(job: Job) -> dict[str, Any]:
        assert job.kind == "validate"
        return {**HEALTHY, **answer}

    told = list(examine(place, {"TZ": "UTC", **(environment or {})}, ask, memory=memory))
    return {finding.check: finding for finding in told}


def test_all_is_well(place: Place) -> None:
    connect(place)
    told = findings(place)
    assert {finding.level for finding in told.values()} == {"ok"}
    assert set(told) == {
        "home", "state folder", "settings", "memory", "time zone", "proxy", "records", "running",
        "client file", "redirect", "permission", "publishing", "clock", "connection", "space",
        "folder",
    }  # fmt: skip


def test_looking_changes_nothing(place: Place) -> None:
    connect(place)
    before = sorted(place.state_dir.iterdir())
    findings(place)
    assert sorted(place.state_dir.iterdir()) == before
    missing = replace(place, state_dir=place.state_dir / "none")
    findings(missing)
    assert not missing.state_dir.exists()


@pytest.mark.parametrize("home", ["/", "/nowhere"])
def test_a_home_that_will_not_do(place: Place, home: str) -> None:
    assert findings(replace(place, home=Path(home)))["home"].level == "fail"


def test_a_state_folder_that_others_can_read(place: Place) -> None:
    place.state_dir.chmod(0o755)
    found = findings(place)["state folder"]
    assert (found.level, found.mend) == ("warn", f"chmod -R go= {place.state_dir}")


def test_a_state_folder_that_is_none(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert findings(replace(place, state_dir=tmp_path / "file"))["state folder"].level == "fail"


def test_settings_that_cannot_be_used(place: Place) -> None:
    (place.state_dir / "settings.json").write_text('{"retries": 0}')
    found = findings(place)["settings"]
    assert found.level == "fail"
    assert "retries" in found.text


def test_too_little_memory(place: Place, tmp_path: Path) -> None:
    (tmp_path / "root/proc").mkdir(parents=True)
    (tmp_path / "root/proc/meminfo").write_text("MemAvailable: 102400 kB\n")
    found = findings(place, memory=Memory(tmp_path / "root"))["memory"]
    assert found.level == "fail"
    assert "100 MB" in found.text


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set the zone of this process, for one test."""

    def put(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield put
    monkeypatch.undo()
    time.tzset()


def test_the_time_zone(place: Place, zone: Callable[[str], None]) -> None:
    def look(environment: dict[str, str]) -> Finding:
        told = examine(place, environment, lambda _: HEALTHY)
        return next(finding for finding in told if finding.check == "time zone")

    zone("UTC0")
    assert look({}).level == "warn"  # as containers are, and nobody chose it
    assert look({"TZ": "UTC0"}).level == "ok"
    zone("CET-1")
    assert look({}).level == "ok"
    assert "CET" in look({}).text


def test_proxies_and_certificates(place: Place, tmp_path: Path) -> None:
    found = findings(place, {"HTTPS_PROXY": "http://ann:secret@proxy.example:3128"})["proxy"]
    assert (found.level, "proxy.example" in found.text) == ("ok", True)
    assert "secret" not in found.text
    assert findings(place, {"https_proxy": "proxy"})["proxy"].level == "fail"
    named = {"SSL_CERT_FILE": str(tmp_path / "none.pem")}
    assert findings(place, named)["certificates"].level == "fail"


def test_no_client_and_other_clients(place: Place, tmp_path: Path) -> None:
    assert findings(replace(place, client_file=tmp_path / "none"))["client file"].level == "fail"
    web = tmp_path / "web.json"
    content = {**GOOGLE_CLIENT["installed"], "redirect_uris": ["https://hub.example/callback"]}
    web.write_text(json.dumps({"web": content}))
    found = findings(replace(place, client_file=web))["redirect"]
    assert (found.level, "Desktop app" in found.mend) == ("fail", True)
    content["redirect_uris"] = ["http://127.0.0.1:8080/back"]
    web.write_text(json.dumps({"web": content}))
    assert findings(replace(place, client_file=web))["redirect"].level == "ok"


def test_permissions(place: Place) -> None:
    assert "authorize" in findings(place)["permission"].mend
    connect(place, client_id="another")
    assert "another client" in findings(place)["permission"].text
    connect(place, scopes=("openid",))
    assert "does not cover Drive" in findings(place)["permission"].text


def test_a_grant_that_may_die_of_testing(place: Place) -> None:
    connect(place, days=3)
    found = findings(place)["publishing"]
    assert (found.level, "In production" in found.mend) == ("warn", True)
    connect(place, days=8)
    assert findings(place)["publishing"].level == "ok"


@pytest.mark.parametrize(
    ("skew", "level", "word"),
    [(2.0, "ok", ""), (-45.0, "warn", "45 seconds behind"), (900.0, "fail", "900 seconds ahead")],
)
def test_the_clock(place: Place, skew: float, level: str, word: str) -> None:
    found = findings(place, skew=skew)["clock"]
    assert found.level == level
    assert word in found.text


@pytest.mark.parametrize(
    ("folder", "level"), [("none", "ok"), ("there", "ok"), ("trashed", "fail"), ("gone", "fail")]
)
def test_the_folder(place: Place, folder: str, level: str) -> None:
    assert findings(place, folder=folder)["folder"].level == level


@pytest.mark.parametrize(
    ("free", "limit", "level"),
    [(0, 15 * 10**9, "fail"), (10**8, 15 * 10**9, "warn"), (None, None, "ok")],
)
def test_the_space(place: Place, free: int | None, limit: int | None, level: str) -> None:
    assert findings(place, space={"free": free, "limit": limit})["space"].level == level


def test_what_google_says(place: Place) -> None:
    problem = {"code": "auth.testing_mode", "sentence": "Google ended our permission."}
    told = findings(place, problem=problem)
    assert told["connection"] == Finding("connection", "fail", "Google ended our permission.")
    assert told["clock"].level == "ok"
    assert "space" not in told


def test_nobody_answers(place: Place) -> None:
    def ask(job: Job) -> dict[str, Any]:
        raise Offline(problem="no route")

    told = {finding.check: finding for finding in examine(place, {}, ask)}
    assert told["connection"].level == "fail"
    assert "clock" not in told


def test_records_that_are_damaged_or_newer(place: Place) -> None:
    path = place.state_dir / "ledger.sqlite"
    path.write_bytes(b"nonsense" * 1000)
    assert "damaged" in findings(place)["records"].text
    path.unlink()
    with sqlite3.connect(path) as ledger:
        ledger.execute("PRAGMA user_version = 999")
    ledger.close()
    before = path.read_bytes()
    assert "newer version" in findings(place)["records"].text
    assert path.read_bytes() == before


def test_records_that_are_in_use_or_older_are_not_called_damaged(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place.state_dir / "ledger.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as ledger:
        ledger.execute("PRAGMA user_version = 1")
        assert findings(place)["records"].level == "ok"
        real = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda *a, **b: real(*a, **{**b, "timeout": 0}))
        ledger.execute("BEGIN EXCLUSIVE")
        found = findings(place)["records"]
        assert "cannot be read just now: database is locked" in found.text


def test_a_sync_that_died(place: Place) -> None:
    process = {"host": os.uname().nodename, "boot": "another", "pid": 1, "started": "1"}
    status = {"status": "in_progress", "process": process, "holds": [], "meta": {}}
    (place.state_dir / "status.json").write_text(json.dumps(status))
    assert findings(place)["running"].level == "warn"


def test_the_command(connected: Desk) -> None:
    connected.run("sync")
    said = connected.run("doctor", "--json")
    assert said.code == 0
    levels = {record["check"]: record["level"] for record in said.records}
    assert {levels[name] for name in ("permission", "connection", "space", "folder", "clock")} == {
        "ok"
    }
    told = connected.run("doctor")
    assert f"ok    connection    Google answers for {ANN}." in told.out


def test_the_command_before_anything_is_set_up(desk: Desk) -> None:
    said = desk.run("doctor")
    assert said.code == 4
    assert "FAIL  permission    Google Drive is not connected yet." in said.out
    assert "→ Run `jupyter drive-sync authorize`." in said.out


def test_storages(place: Place) -> None:
    def looked() -> list[tuple[str, str]]:
        found = examine(place, {}, lambda _: HEALTHY)
        return [
            (each.level, each.text + " " + each.mend) for each in found if each.check == "storages"
        ]

    assert looked() == []
    key = place.home / "key.json"
    key.write_text("{}")
    key.chmod(0o644)
    keep(place.state_dir, read({"name": "c", "local": "c", "drive": "d", "key_file": "key.json"}))
    (open_key, never) = looked()
    assert open_key[0] == never[0] == "warn"
    assert f"chmod 600 {key}" in open_key[1]
    assert "has never run" in never[1]
    key.chmod(0o600)
    folder = folder_of(place.state_dir, "c")
    folder.mkdir(parents=True)
    Status(status="completed", last_sync=0.0, last_sync_count=1200).save(folder)
    ((level, text),) = looked()
    assert (level, "1,200 files" in text) == ("ok", True)
    Status(status="failed", problem=describe(Offline(problem="no way"))).save(folder)
    ((level, text),) = looked()
    assert (level, "no way" in text, "storages validate c" in text) == ("warn", True, True)
    (place.state_dir / "settings.json").write_text('{"storages": [{}]}')
    ((level, text),) = looked()
    assert (level, "it has no name" in text) == ("fail", True)
