"""The whole story at a LocalDrive, through the routes alone, as the front end uses them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.demo import proof
from jupyter_drive_sync.demo.ground import Ground, local_drive
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from jupyter_drive_sync.runner.storages import folder_of
from jupyter_drive_sync.server.herald import SCHEMA_ID
from jupyter_drive_sync.server.origin import COOKIE
from jupyter_drive_sync.server.passes import Crew
from jupyter_drive_sync.server.service import Service
from tests.server.conftest import Api
from tests.server.web import ANN, Person, in_thread
from tests.storage.instructor import Instructor


@pytest.fixture
def told(jp_serverapp: Any) -> list[dict[str, Any]]:
    """What the event bus carried."""
    events: list[dict[str, Any]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        events.append(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    return events


@pytest.fixture
def address(jp_http_port: int) -> str:
    return f"http://127.0.0.1:{jp_http_port}"


@pytest.fixture
def person(jp_serverapp: Any) -> Person:
    return Person(jp_serverapp.identity_provider.token)


Ask = Callable[..., Any]


@pytest.fixture
def ask(jp_fetch: Any, person: Person, address: str, service: Service) -> Ask:
    """Press *Authorize*: the browser takes the cookie; returns the address of Google's page."""

    async def press(*storage: str, **body: Any) -> str:
        path = ("storages", *storage, "authorize") if storage else ("authorize",)
        reply = await jp_fetch(
            "drive-sync", "api", *path, method="POST", body=json.dumps(body),
            headers={"Origin": address},
        )  # fmt: skip
        person.take_cookies(reply.headers)
        return str(json.loads(reply.body)["url"])

    return press


async def until(api: Api, **wanted: Any) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            status: dict[str, Any] = await api.get("status")
            if all(status[name] == value for name, value in wanted.items()):
                return status
            await asyncio.sleep(0.02)


async def test_from_the_prompt_to_the_end(  # noqa: PLR0917
    api: Api,
    ask: Ask,
    person: Person,
    ground: Ground,
    home: Path,
    state: Path,
    told: list[dict[str, Any]],
    service: Service,
    jp_base_url: str,
) -> None:
    status = await api.get("status")
    assert (status["state"], status["ask"], status["account"]) == ("not_connected", True, None)
    preview = await api.get("preview")
    assert (preview["files"], preview["drive_folder"]) == (3, "home/ann")
    assert [folder["name"] for folder in preview["folders"]] == ["course", ""]
    assert not ground.drive.log.count(), "a look at the home asks nobody"

    url = await ask(time_zone="Europe/Zurich")
    assert url.startswith(ground.url)
    code, page, _ = await in_thread(person.decide, url, "allow")
    assert (code, "Connected. You can close this tab." in page) == (200, True)
    assert f'href="{jp_base_url}"' in page
    status = await until(api, state="synced")
    assert status["account"]["email"] == ANN
    assert status["consent"]["state"] == "connected"
    assert (status["last_sync_count"], status["problem"], status["ask"]) == (3, None, False)
    there, _ = proof.mirrored(ground.drive, ANN, "home/ann")
    assert proof.compare(proof.expected(home, ()), there, []).equal
    assert status["link"].startswith("http")

    reasons = [event["reason"] for event in told]
    assert reasons.index("consent") < reasons.index("run")
    assert "progress" in reasons
    assert [event["seq"] for event in told] == sorted({event["seq"] for event in told})
    assert told[-1]["seq"] <= (await api.get("status"))["seq"]
    spoken = json.dumps(told)
    assert not any(word in spoken for word in ("lab.ipynb", "ann", "4/", "ya29"))

    (home / "course" / "lab.ipynb").write_text('{"edited": true}')
    # Both of the whole home: a sync of some paths, were it the first, would not be the last sync.
    first, second = await asyncio.gather(api.post("sync"), api.post("sync"))
    assert first["job"] == second["job"]
    assert {first["already"], second["already"]} == {True, False}
    await until(api, state="synced", last_sync_job=first["job"])
    history = await api.get("history")
    assert [run["outcome"] for run in history["runs"]] == ["completed", "completed"]
    newest = history["runs"][0]["id"]
    files = await api.get(f"history/{newest}/files?outcome=updated")
    assert [(file["path"], file["outcome"]) for file in files["files"]] == [
        ("course/lab.ipynb", "updated")
    ]
    page_of_one = await api.get(f"history/{history['runs'][1]['id']}/files?offset=1&limit=1")
    assert (len(page_of_one["files"]), page_of_one["offset"]) == (1, 1)

    for path in [*home.rglob("*.*")]:
        path.unlink()
    await api.post("sync")
    status = await until(api, state="needs_you")
    (hold,) = status["holds"]
    assert hold["paths_href"] == f"{jp_base_url}drive-sync/api/holds/{hold['id']}/files"
    held = await api.get(f"holds/{hold['id']}/files")
    assert [file["path"] for file in held["files"]] == [
        "course/data.csv",
        "course/lab.ipynb",
        "notes.txt",
    ]
    one = await api.post(
        "release", {"id": hold["id"], "choice": "trash", "paths": ["notes.txt"], "sync": False}
    )
    assert one == {"files": 1, "job": ""}
    rest = await api.post("release", {"id": hold["id"], "choice": "keep"})
    assert rest["files"] == 2
    assert rest["job"]
    status = await until(api, status="completed", holds=[])
    there, _ = proof.mirrored(ground.drive, ANN, "home/ann")
    assert set(there) == {"course/data.csv", "course/lab.ipynb"}

    about = await api.get("disconnect")
    assert about["connected"]
    assert about["revoke_ends"]
    assert await api.post("disconnect", {"revoke": True}) == {"revoked": True}
    status = await api.get("status")
    assert (status["state"], status["next_run"]) == ("not_connected", None)
    assert not (state / "secrets.json").exists()
    assert (await api.get("history"))["total"] == 4
    assert await api.refused("POST", "sync") == (409, "auth.missing")


async def test_denied_on_googles_page(api: Api, ask: Ask, person: Person) -> None:
    code, page, _ = await in_thread(person.decide, await ask(), "deny")
    assert code == 400
    assert "press Authorize again" in page
    consent = (await api.get("authorize"))["consent"]
    assert (consent["state"], consent["problem"]["code"]) == ("failed", "auth.denied")
    assert (await api.get("status"))["state"] == "not_connected"


async def test_replayed(api: Api, ask: Ask, person: Person) -> None:
    _, _, last = await in_thread(person.decide, await ask(sync=False), "allow")
    code, page = await in_thread(person.visit, last)
    assert code == 409
    assert 'data-drive-sync="replayed"' in page
    assert (await api.get("status"))["connected"]


async def test_an_answer_in_another_browser_is_forged(
    api: Api, ask: Ask, person: Person, jp_serverapp: Any
) -> None:
    url = await ask()
    other = Person(jp_serverapp.identity_provider.token)
    code, page, last = await in_thread(other.decide, url, "allow")
    assert code == 403
    assert 'data-drive-sync="forged"' in page
    assert not (await api.get("status"))["connected"]
    # The question is still open for the browser that asked.
    code, page = await in_thread(person.visit, last)
    assert code == 200


async def test_an_answer_after_ten_minutes(
    api: Api, ask: Ask, person: Person, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await ask()
    now = service.clock()
    monkeypatch.setattr(service.consent, "_clock", lambda: now + 601)
    assert (await api.get("authorize"))["consent"]["state"] == "expired"
    code, page, _ = await in_thread(person.decide, url, "allow")
    assert code == 410
    assert 'data-drive-sync="expired"' in page


async def test_an_older_question_ends_with_a_new_one(ask: Ask, person: Person, api: Api) -> None:
    old = await ask()
    cookies = [*person.jar]
    await ask()
    for each in cookies:
        person.jar.set_cookie(each)
    code, page, _ = await in_thread(person.decide, old, "allow")
    assert (code, 'data-drive-sync="expired"' in page) == (410, True)


async def test_given_up(api: Api, ask: Ask, person: Person) -> None:
    url = await ask()
    code, said = await api.call("DELETE", "authorize")
    assert (code, said) == (200, {"consent": None})
    code, _, _ = await in_thread(person.decide, url, "allow")
    assert code == 410


async def test_logged_out_meanwhile(api: Api, ask: Ask, person: Person) -> None:
    url = await ask()
    stranger = Person()
    for each in person.jar:
        if each.name == COOKIE:
            stranger.jar.set_cookie(each)
    code, page, _ = await in_thread(stranger.decide, url, "allow")
    assert (code, 'data-drive-sync="logged_out"' in page) == (403, True)
    assert not (await api.get("status"))["connected"]


async def test_no_secret_is_logged(
    api: Api, ask: Ask, person: Person, caplog: pytest.LogCaptureFixture, service: Service
) -> None:
    caplog.set_level("DEBUG")
    url = await ask(sync=False)
    _, _, last = await in_thread(person.decide, url, "allow")
    await in_thread(Person().visit, last)
    await in_thread(Person("wrong").visit, last)
    code = last.split("code=")[1].split("&")[0]
    assert len(code) > 10
    assert code not in caplog.text
    assert (await api.get("status"))["connected"]


class TestStorage:
    """A storage with a client of its own gets a permission of its own, and nothing else does."""

    @pytest.fixture
    def instructor(self, ground: Ground) -> Instructor:
        teacher = Instructor(ground)
        teacher.put("welcome.md", "# Welcome")
        teacher.share()  # by its link: what is the student's own would do as well
        return teacher

    @pytest.fixture
    def data(
        self,
        api: Api,
        instructor: Instructor,
        ground: Ground,
        home: Path,
        jp_asyncio_loop: asyncio.AbstractEventLoop,
    ) -> None:
        jp_asyncio_loop.run_until_complete(self._make(api, instructor, ground, home))

    async def _make(self, api: Api, instructor: Instructor, ground: Ground, home: Path) -> None:
        (home / "own.json").write_text(ground.client_file.read_text())
        body = {"name": "data", "local": "data", "drive": instructor.link}
        code, made = await api.call(
            "POST", "storages", {**body, "client_file": "own.json", "check": False}
        )
        assert (code, made["connected"], made["scope"]) == (201, False, "drive.readonly")

    async def test_yes(  # noqa: PLR0917
        self,
        api: Api,
        ask: Ask,
        person: Person,
        data: None,
        service: Service,
        home: Path,
        state: Path,
        told: list[dict[str, Any]],
    ) -> None:
        url = await ask("data")
        waiting = (await api.get("authorize"))["consent"]
        assert (waiting["storage"], waiting["state"]) == ("data", "waiting")
        code, page, _ = await in_thread(person.decide, url, "allow")
        assert (code, "for the storage data alone" in page) == (200, True)
        assert (await api.get("storages/data"))["connected"]
        await asyncio.gather(*service._tasks)
        assert told[-1]["reason"] == "storages" or "storages" in {each["reason"] for each in told}
        assert not (await api.get("status"))["connected"], "the home got nothing"
        assert not (state / "secrets.json").exists()
        await api.post("storages/data/run")
        await service.storages.wait()
        assert (home / "data/welcome.md").read_text() == "# Welcome"

    async def test_no_and_in_another_browser(
        self, api: Api, ask: Ask, person: Person, data: None, jp_serverapp: Any
    ) -> None:
        url = await ask("data")
        other = Person(jp_serverapp.identity_provider.token)
        code, page, _ = await in_thread(other.decide, url, "allow")
        assert (code, 'data-drive-sync="forged"' in page) == (403, True)
        code, _, _ = await in_thread(person.decide, await ask("data"), "deny")
        assert code == 400
        consent = (await api.get("authorize"))["consent"]
        assert (consent["storage"], consent["problem"]["code"]) == ("data", "auth.denied")
        assert not (await api.get("storages/data"))["connected"]

    async def test_removed_meanwhile(
        self, api: Api, ask: Ask, person: Person, data: None, service: Service
    ) -> None:
        url = await ask("data")
        await api.call("DELETE", "storages/data")
        await in_thread(person.decide, url, "allow")
        await asyncio.gather(*service._tasks)
        assert not folder_of(service.place.state_dir, "data").exists()

    async def test_what_stands_in_its_way(self, api: Api, data: None, home: Path) -> None:
        assert await api.refused("POST", "storages/nope/authorize") == (404, "storage.unknown")
        plain = {"name": "plain", "local": "plain", "drive": "home/x", "check": False}
        await api.call("POST", "storages", plain)
        code, said = await api.call("POST", "storages/plain/authorize")
        assert (code, said["code"], said["params"]["field"]) == (
            400,
            "storage.invalid",
            "credentials",
        )
        (home / "own.json").unlink()
        code, said = await api.call("POST", "storages/data/authorize")
        assert (code, said["code"]) == (400, "client_file.invalid")
        assert "own.json" in said["sentence"]

    async def test_nothing_is_held(self, api: Api, data: None) -> None:
        path = "storages/data/holds/abc/files"
        assert await api.refused("GET", path) == (404, "hold.unknown")


class TestRestart:
    """A server that stops in the middle of a real pass, and the one that comes after it."""

    @pytest.fixture
    def ground(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
        with local_drive(settings=LocalDriveSettings(latency=0.15)) as running:
            for name, value in running.environment({}).items():
                monkeypatch.setenv(name, value)
            yield running

    async def test_the_next_one_goes_on(  # noqa: PLR0917
        self,
        api: Api,
        ask: Ask,
        person: Person,
        ground: Ground,
        home: Path,
        service: Service,
        told: list[dict[str, Any]],
    ) -> None:
        for number in range(60):
            (home / "course" / f"{number}.txt").write_text(f"file {number}")
        await in_thread(person.decide, await ask(sync=False), "allow")
        await api.post("sync")
        async with asyncio.timeout(60):
            while not ((run := service.passes.current) and run.progress.done >= 10):
                await asyncio.sleep(0.01)
        await service.stop()
        status = await api.get("status")
        assert (status["status"], status["problem"]["code"]) == ("failed", "run.killed")
        assert status["last_sync"] is None
        done_before = status["meta"]["done"]
        there, _ = proof.mirrored(ground.drive, ANN, "home/ann")
        assert 10 <= len(there) < 63

        service.crew = service.passes._crew = Crew()  # that of the next server
        told.clear()
        await api.post("sync")
        await until(api, state="synced", last_sync_count=63)
        steps = [(event["done"], event["total"]) for event in told if event.get("total")]
        assert min(done for done, _ in steps) >= done_before, "what was done counts as done"
        assert {total for _, total in steps} == {63}
        there, twins = proof.mirrored(ground.drive, ANN, "home/ann")
        assert proof.compare(proof.expected(home, ()), there, twins).equal


class TestDevice:
    """A client of the device flow."""

    @pytest.fixture
    def client_file(self, ground: Ground) -> Path:
        return ground.device_file

    async def test_a_code_typed_elsewhere(
        self, api: Api, ground: Ground, told: list[dict[str, Any]]
    ) -> None:
        asked = await api.post("authorize", {"sync": False})
        assert asked["flow"] == "device"
        assert asked["user_code"]
        waiting = (await api.get("authorize"))["consent"]
        assert (waiting["state"], waiting["user_code"]) == ("waiting", asked["user_code"])
        oauth = ground.drive.oauth
        request = oauth.find_device(asked["user_code"])
        assert request is not None
        oauth.decide_device(request.device_code, ANN, request.scopes)
        async with asyncio.timeout(60):
            while (await api.get("authorize"))["consent"]["state"] != "connected":
                await asyncio.sleep(0.02)
        assert (await api.get("status"))["account"]["email"] == ANN
        assert "run" not in {event["reason"] for event in told}, "no sync was asked for"

    async def test_a_new_attempt_ends_the_old_one(self, api: Api, service: Service) -> None:
        await api.post("authorize")
        old = service.consent.attempt
        await api.post("authorize")
        assert old is not None
        assert old.state == "expired"
