"""Storages through the server: made, changed, run, and by themselves."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import REGISTRY
from traitlets.config import Config

from jupyter_drive_sync.core.storage import BadStorage
from jupyter_drive_sync.demo.ground import Ground
from jupyter_drive_sync.engine.report import Status
from jupyter_drive_sync.runner.storages import folder_of
from jupyter_drive_sync.server.config import DriveSync
from jupyter_drive_sync.server.service import Service
from tests.server.conftest import Api
from tests.storage.instructor import Instructor

COURSE = {"name": "course", "local": "material", "drive": "1AbCdEfGhIjKlMnOpQrSt"}
EVERY_MORNING = {**COURSE, "name": "morning", "schedule": "0 5 * * *"}


@pytest.fixture(autouse=True)
def child(request: pytest.FixtureRequest) -> None:
    """Children do small tricks, but for who wants real ones."""
    if request.node.name != "test_really":
        request.getfixturevalue("connected")
        request.getfixturevalue("fake_child")


async def finished(service: Service, api: Api, name: str = "course") -> Any:
    await service.storages.wait()
    return (await api.get(f"storages/{name}/run"))["last"]


async def put(api: Api, path: str, body: Any) -> Any:
    code, values = await api.call("PUT", path, body)
    assert code == 200, values
    return values


async def test_made_changed_and_removed(api: Api, state: Path) -> None:
    assert await api.get("storages") == {"storages": []}
    code, made = await api.call("POST", "storages", COURSE)
    assert code == 201
    assert (made["direction"], made["credentials"], made["scope"]) == (
        "import",
        "auto",
        "drive.file",
    )
    assert (made["by_admin"], made["connected"], made["status"]["status"]) == (
        False,
        True,
        "initialized",
    )
    assert (await api.get("storages"))["storages"] == [made]
    changed = await put(api, "storages/course", {"local": "other", "drive": COURSE["drive"]})
    assert changed["local"] == "other"
    assert json.loads((state / "settings.json").read_text())["storages"][0]["local"] == "other"
    assert await api.refused("POST", "storages", COURSE) == (400, "storage.invalid")
    # Settings of the home are kept beside it, and do not get into its way.
    code, _ = await api.call("PATCH", "settings", {"excludes": ["x"]})
    assert code == 200
    assert len((await api.get("storages"))["storages"]) == 1
    folder_of(state, "course").mkdir(parents=True)
    code, gone = await api.call("DELETE", "storages/course")
    assert (code, gone) == (200, {"name": "course"})
    assert await api.refused("GET", "storages/course") == (404, "storage.unknown")
    assert not folder_of(state, "course").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"local": "../x"}, "must not lead upwards"),
        ({"local": "/etc"}, "lies outside of the home"),
        ({"local": "."}, "is the home itself"),
        ({"name": "home"}, "is there already"),
        ({"name": "a/b"}, "is not made of"),
        ({"schedule": "at five"}, "has not the five fields"),
        ({"scope": "drive"}, "use a service account"),
        ({"credentials": "service_account"}, "needs its key_file"),
        ({"direction": "both"}, "is none of import, export"),
        ({"drive": ""}, "it has no drive"),
        ({"excludes": ["["]}, "cannot be used"),
    ],
)
async def test_what_cannot_be_used_is_one_sentence(
    api: Api, change: dict[str, Any], words: str
) -> None:
    code, said = await api.call("POST", "storages", {**COURSE, **change})
    assert (code, said["code"], said["who"]) == (400, "storage.invalid", "user")
    assert words in said["sentence"]
    (field,) = change  # which a form shows it at; a key is missing that depends on the credentials
    assert said["params"]["field"] == ("key_file" if field == "credentials" else field)
    assert (await api.get("storages")) == {"storages": []}
    code, said = await api.call("POST", "validate", {**COURSE, **change})
    assert (code, said["code"]) == (400, "storage.invalid")


async def test_one_that_does_not_work_is_not_kept(api: Api) -> None:
    broken = {**COURSE, "drive": "full"}
    assert await api.refused("POST", "storages", broken) == (409, "drive.full")
    assert await api.refused("POST", "validate", broken) == (409, "drive.full")
    assert await api.get("storages") == {"storages": []}
    code, _ = await api.call("POST", "storages", {**broken, "check": False})
    assert code == 201
    found = await api.post("validate", COURSE)
    assert found == {"account": "ann@example.edu", "folder": None, "sample": ""}


async def test_it_runs(api: Api, service: Service, home: Path) -> None:
    await api.call("POST", "storages", COURSE)
    assert (await api.get("storages/course/run")) == {"last": None}
    job = (await api.post("storages/course/run"))["job"]
    last = await finished(service, api)
    assert (last["job"], last["running"], last["problem"]) == (job, False, None)
    assert last["result"]["home"] == str(home / "material")
    assert await api.get("storages/course/history") == {"runs": [], "total": 0, "offset": 0}
    assert await api.refused("GET", "storages/course/history/1/files") == (404, "request.unknown")
    for verb, path in (
        ("POST", "storages/nope/run"),
        ("POST", "storages/nope/cancel"),
        ("GET", "storages/nope/history"),
        ("DELETE", "storages/nope"),
    ):
        assert await api.refused(verb, path) == (404, "storage.unknown")


async def test_runs_are_counted(api: Api, service: Service) -> None:
    def counted(**labels: str) -> float:
        return REGISTRY.get_sample_value("drive_sync_storage_runs_total", labels) or 0.0

    before = counted(direction="import", outcome="completed")
    failed = counted(direction="import", outcome="drive.full")
    await api.call("POST", "storages", COURSE)
    for paths in ([], ["full"]):
        await api.post("storages/course/run", {"paths": paths})
        await service.storages.wait()
    assert counted(direction="import", outcome="completed") == before + 1
    assert counted(direction="import", outcome="drive.full") == failed + 1


async def test_one_at_a_time_and_the_others_wait(api: Api, service: Service, state: Path) -> None:
    await api.call("POST", "storages", COURSE)
    await api.call("POST", "storages", {**COURSE, "name": "second", "local": "second"})
    job = (await api.post("storages/course/run", {"paths": ["waits"]}))["job"]
    again = await api.post("storages/course/run")
    assert again == {"job": job, "already": True}
    await api.post("storages/second/run")
    views = {item["name"]: item for item in (await api.get("storages"))["storages"]}
    assert {name: view["status"]["status"] for name, view in views.items()} == {
        "course": "queued",
        "second": "queued",
    }
    assert views["second"]["progress"]["phase"] == "starting"
    assert (await api.post("storages/course/cancel"))["job"] == job
    last = await finished(service, api)
    assert last["problem"]["code"] == "run.cancelled"
    assert (await finished(service, api, "second"))["problem"] is None
    assert Status.load(folder_of(state, "course")).status == "failed"
    assert await api.post("storages/course/cancel") == {"job": "", "cancelled": False}


async def test_a_killed_run_says_so(api: Api, service: Service) -> None:
    await api.call("POST", "storages", COURSE)
    await api.post("storages/course/run", {"paths": ["killed"]})
    await service.storages.wait()
    view = await api.get("storages/course")
    assert (view["status"]["status"], view["status"]["problem"]["code"]) == ("failed", "run.killed")


async def test_a_dry_run_leaves_the_status(api: Api, service: Service) -> None:
    await api.call("POST", "storages", COURSE)
    await api.post("storages/course/run", {"paths": ["full"], "dry_run": True})
    last = await finished(service, api)
    assert last["problem"]["code"] == "drive.full"
    assert (await api.get("storages/course"))["status"]["status"] == "initialized"


async def test_an_address_of_a_key_is_not_shown(api: Api, state: Path) -> None:
    keyed = {**COURSE, "key_file": "https://keys.example.edu/secret-path/key.json"}
    code, made = await api.call("POST", "storages", {**keyed, "check": False})
    assert code == 201
    assert made["key_file"] == "https://keys.example.edu/…"
    assert (made["credentials"], made["scope"]) == ("service_account", "drive.readonly")
    change = {name: made[name] for name in ("local", "drive", "key_file")}
    await put(api, "storages/course", {**change, "schedule": "0 6 * * *", "check": False})
    (kept,) = json.loads((state / "settings.json").read_text())["storages"]
    assert kept["key_file"] == keyed["key_file"]
    secret = {**keyed, "name": "b", "key_file": "https://k.example.edu/?sig=1", "check": False}
    code, said = await api.call("POST", "storages", secret)
    assert (code, "may be a secret" in said["sentence"]) == (400, True)


async def test_what_is_due_runs_by_itself(api: Api, service: Service) -> None:
    await service.start()
    code, made = await api.call("POST", "storages", EVERY_MORNING)
    assert code == 201
    assert made["next_run"] > service.wall()
    await service.storages._run_by_itself("morning")
    assert (await finished(service, api, "morning"))["problem"] is None
    await service.change({"paused_until": -1})
    before = service.storages.result("morning")
    await service.storages._run_by_itself("morning")
    await service.storages.wait()
    assert service.storages.result("morning") == before
    await service.change({"paused_until": None})
    await service.storages._run_by_itself("gone")  # removed a moment ago: no more than a line
    await service.storages.set_zone("Pacific/Auckland")
    assert (await api.get("storages/morning"))["next_run"] != made["next_run"]
    await api.call("DELETE", "storages/morning")
    assert service.storages._scheduler.get_job("morning") is None


async def test_a_schedule_is_read_in_the_browsers_time_zone(api: Api, service: Service) -> None:
    """Also where nothing is connected, and nobody has chosen one."""
    await service.start()
    code, made = await api.call(
        "POST", "storages", {**EVERY_MORNING, "time_zone": "Pacific/Auckland"}
    )
    assert code == 201
    assert (await api.get("status"))["time_zone"] == "Pacific/Auckland"
    at = datetime.fromtimestamp(made["next_run"], ZoneInfo("Pacific/Auckland"))
    assert at.hour == 5
    body = {**EVERY_MORNING, "time_zone": "Europe/Zurich"}
    del body["name"]
    await put(api, "storages/morning", body)  # from another place: what is known stays
    assert (await api.get("status"))["time_zone"] == "Pacific/Auckland"


class TestMissed:
    """A run that was due while the server was not there."""

    @pytest.fixture
    def drive_sync_config(self) -> dict[str, Any]:
        return {"storages": [EVERY_MORNING]}

    async def test_it_is_made_up_for(self, api: Api, service: Service, state: Path) -> None:
        folder = folder_of(state, "morning")
        folder.mkdir(parents=True)
        long_ago = service.wall() - 3 * 86_400
        Status(status="completed", last_sync=long_ago, started=long_ago).save(folder)
        await service.start()
        soon = (await api.get("storages/morning"))["next_run"]
        assert soon <= service.wall() + service.nights.catch_up

    async def test_one_that_ran_is_not(self, api: Api, service: Service, state: Path) -> None:
        folder = folder_of(state, "morning")
        folder.mkdir(parents=True)
        Status(status="completed", last_sync=service.wall()).save(folder)
        await service.start()
        assert service.storages._scheduler.get_job("missed morning") is None


class TestConfigured:
    """Storages of ``c.DriveSync``."""

    @pytest.fixture
    def drive_sync_config(self) -> dict[str, Any]:
        return {"storages": [COURSE], "storage_roots": ["/srv/shared"]}

    async def test_a_persons_values_win(self, api: Api) -> None:
        (view,) = (await api.get("storages"))["storages"]
        assert (view["by_admin"], view["own"], view["local"]) == (True, False, "material")
        assert await api.refused("DELETE", "storages/course") == (409, "settings.by_admin")
        await put(api, "storages/course", {"local": "mine", "drive": COURSE["drive"]})
        (view,) = (await api.get("storages"))["storages"]
        assert (view["by_admin"], view["own"], view["local"]) == (True, True, "mine")
        await api.call("DELETE", "storages/course")
        (view,) = (await api.get("storages"))["storages"]
        assert view["local"] == "material"

    async def test_other_roots(self, api: Api) -> None:
        code, _ = await api.call(
            "POST", "storages", {**COURSE, "name": "shared", "local": "/srv/shared/course"}
        )
        assert code == 201


@pytest.mark.parametrize("storages", [[{"name": "a"}], [COURSE, COURSE], [{**COURSE, "x": 1}]])
def test_a_configuration_that_cannot_be_used(storages: Any) -> None:
    config = DriveSync(config=Config({"DriveSync": {"storages": storages}}))
    with pytest.raises(BadStorage):
        config.storages_read()


async def test_a_broken_settings_file_is_said(api: Api, service: Service, state: Path) -> None:
    state.mkdir(parents=True, exist_ok=True)
    (state / "settings.json").write_text('{"storages": [{"name": "a"}]}')
    assert await api.refused("GET", "storages") == (400, "storage.invalid")
    await service.start()
    await asyncio.sleep(0)


async def test_really(api: Api, service: Service, ground: Ground, home: Path) -> None:
    """A real child, a service account, a folder that is shared by link, and no consent at all."""
    instructor = Instructor(ground)
    instructor.make_key(home / "key.json")
    instructor.put("lab.ipynb", "one")
    instructor.put_document("Syllabus")
    body = {"name": "a", "local": "a", "drive": instructor.link, "key_file": "key.json"}
    code, said = await api.call("POST", "storages", body)
    assert (code, said["code"]) == (409, "folder.not_found")
    assert instructor.email in said["sentence"]
    instructor.share()
    found = await api.post("validate", body)
    assert found["folder"]["name"] == "Course A"
    assert (found["account"], found["sample"]) == (instructor.email, "lab.ipynb")
    code, _ = await api.call("POST", "storages", body)
    assert code == 201
    await api.post("storages/a/run", {"dry_run": True})
    await service.storages.wait()
    last = (await api.get("storages/a/run"))["last"]
    assert last["problem"]["code"] == "restore.not_there"  # its folder is made by the first run
    await api.post("storages/a/run")
    last = await finished(service, api, "a")
    assert last["result"]["counters"]["brought"] == 1
    assert (home / "a/lab.ipynb").read_text() == "one"
    view = await api.get("storages/a")
    assert (view["status"]["status"], view["status"]["last_sync_count"]) == ("completed", 1)
    assert view["progress"] is None
    (run,) = (await api.get("storages/a/history"))["runs"][:1]
    files = (await api.get(f"storages/a/history/{run['id']}/files"))["files"]
    assert {file["path"]: file["code"] for file in files} == {
        "lab.ipynb": "",
        "Syllabus": "skipped.google_document",
    }
    only = await api.get(f"storages/a/history/{run['id']}/files?outcome=brought")
    assert only["total"] == 1
    assert await api.refused("POST", "storages/a/release", {"id": "abc", "choice": "keep"}) == (
        404,
        "hold.unknown",
    )
    assert (await api.get("status"))["state"] == "not_connected"
