"""A person's Jupyter server and the hub's service together: what the person sees, what leaks."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403
from traitlets.config import Config

from jupyter_drive_sync.core.relayed import Relayed
from jupyter_drive_sync.drive.credentials.broker_at import BrokerAt, find_broker
from jupyter_drive_sync.drive.credentials.hub import Broker
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import BadSettings, HubSilent, UsageError
from jupyter_drive_sync.hub.base import ServerRoute, for_servers
from jupyter_drive_sync.runner import hub as runner_hub
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.runner.parent import child_environment
from jupyter_drive_sync.runner.place import find_place
from jupyter_drive_sync.server import consent as server_consent
from jupyter_drive_sync.server.service import Service
from tests.hub.conftest import ANN, BEN, HOME, Stage, Tab, verdict
from tests.server.conftest import Api

pytestmark = pytest.mark.usefixtures("unmeasured_children")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "homes" / "ann"
    (folder / "course").mkdir(parents=True)
    (folder / "notes.txt").write_text("notes")
    (folder / "course" / "lab.ipynb").write_text("{}")
    return folder


@pytest.fixture
def jp_root_dir(home: Path) -> Path:
    return home


@pytest.fixture
def service(jp_serverapp: Any, jp_asyncio_loop: Any) -> Iterator[Service]:
    (app,) = jp_serverapp.extension_manager.extension_apps["jupyter_drive_sync"]
    yield jp_asyncio_loop.run_until_complete(app.startup.service())
    jp_asyncio_loop.run_until_complete(app.stop_extension())


class Night:
    """The hub's night, as far as a server meets it."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {"due": False, "night": None, "held": False, "message": ""}
        self.reports: list[Any] = []
        self.silent = 0

    def comes(self) -> None:
        """Be due from now on; what was reported before is of no account."""
        self.answer.update(due=True, night="n7")
        self.reports.clear()

    def hears(self) -> bool:
        """Tell whether the service is there for the next question."""
        self.silent -= 1
        return self.silent < 0

    @property
    def ended(self) -> list[Any]:
        return [each for each in self.reports if each["status"]["outcome"] != "in_progress"]


@pytest.fixture
def night() -> Night:
    return Night()


@pytest.fixture
def more_routes(night: Night) -> list[Any]:
    class StateRoute(ServerRoute):
        @for_servers
        async def get(self) -> None:
            if not night.hears():
                self.detach().close()
                return
            self.reply(night.answer)

        @for_servers
        async def put(self) -> None:
            if not night.hears():
                self.detach().close()
                return
            night.reports.append(self.body())
            self.reply({})

    return [("api/state", StateRoute)]


@pytest.fixture
def jp_server_config(
    stage: Stage, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Config:
    monkeypatch.setattr(server_consent, "LOOK", 0.01)
    monkeypatch.setenv("DRIVE_SYNC_BROKER_URL", f"{stage.url}/services/drive-sync/")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", stage.server("ann"))
    monkeypatch.setenv("DRIVE_SYNC_API_ENDPOINT", stage.google)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Config(
        {
            "ServerApp": {"jpserver_extensions": {"jupyter_drive_sync": True}},
            "DriveSync": {
                "home": str(home),
                "state_dir": str(tmp_path / "state"),
                "drive_folder": "home/ann",
                "schedule": "",
            },
        }
    )


@pytest.fixture
def api(jp_fetch: Any, service: Service) -> Api:
    return Api(jp_fetch)


async def settle(service: Service) -> None:
    """Wait for everything that is under way."""
    while service._tasks or service.passes.current:
        await service.passes.wait()
        await asyncio.gather(*service._tasks, return_exceptions=True)


async def connect(stage: Stage, api: Api, service: Service, account: str = ANN) -> Any:
    """Press Authorize in Jupyter, and consent at the hub."""
    asked = await api.post("authorize", {"sync": True})
    assert asked["flow"] == "hub"
    parts = urlsplit(asked["url"])
    assert parts.path == "/services/drive-sync/connect"
    tab = stage.browser("ann")
    page = await tab.get(f"connect?{parts.query}")
    assert verdict(page) == "ask"
    assert verdict(await tab.consent(parse_qs(parts.query)["home"][0], account)) == "connected"
    assert service.consent._watch is not None
    await service.consent._watch
    await settle(service)
    return asked


async def test_from_authorize_to_synced(stage: Stage, api: Api, service: Service) -> None:
    status = await api.get("status")
    assert (status["state"], status["problem"], status["ask"]) == ("not_connected", None, True)
    asked = await connect(stage, api, service)
    status = await api.get("status")
    assert (status["state"], status["last_sync_count"]) == ("synced", 2)
    assert status["account"]["email"] == ANN
    assert status["consent"]["state"] == "connected"
    names = {file.name for file in stage.drive.model.files.values()}
    assert {"ann", "notes.txt", "course", "lab.ipynb"} <= names
    (grant,) = stage.parts.service.grants.of_user("ann")
    assert parse_qs(urlsplit(asked["url"]).query)["home"] == [grant.home_id]
    assert service.place.identity().home_id == grant.home_id


async def test_no_secret_lies_in_the_home(
    stage: Stage,
    api: Api,
    service: Service,
    tmp_path: Path,
) -> None:
    await connect(stage, api, service)
    grants = stage.parts.service.grants
    (grant,) = grants.of_user("ann")
    refresh = grants.secret("ann", grant.home_id)
    assert refresh is not None
    access = stage.parts.service._kept["ann", grant.home_id].access.token.reveal()
    secrets = (
        refresh.reveal(), access, os.environ["JUPYTERHUB_API_TOKEN"],
        stage.parts.service.google.client.client_secret.reveal(),
    )  # fmt: skip
    seen = 0
    for folder in (tmp_path / "state", tmp_path / "homes"):
        for path in folder.rglob("*"):
            if path.is_file():
                raw = path.read_bytes()
                seen += 1
                assert not any(secret.encode() in raw for secret in secrets), path
    assert seen > 3


def test_the_servers_token_never_reaches_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    monkeypatch.setenv("DRIVE_SYNC_BROKER_URL", "http://hub:10101/")
    handed = child_environment(os.environ)
    assert not {"JUPYTERHUB_API_TOKEN", "DRIVE_SYNC_BROKER_URL"} & set(handed)


async def test_revoked_at_google(stage: Stage, api: Api, service: Service) -> None:
    await connect(stage, api, service)
    stage.drive.oauth.end_session(ANN)
    stage.parts.service._kept.clear()
    await api.post("sync")
    await settle(service)
    status = await api.get("status")
    assert (status["state"], status["problem"]["code"]) == ("needs_you", "auth.revoked")
    await connect(stage, api, service)
    assert (await api.get("status"))["state"] == "synced"


async def test_another_account_at_the_second_consent_is_held(
    stage: Stage,
    api: Api,
    service: Service,
) -> None:
    await connect(stage, api, service)
    await connect(stage, api, service, BEN)
    status = await api.get("status")
    assert (status["state"], status["problem"]["code"]) == ("needs_you", "held.other_account")
    (hold,) = status["holds"]
    assert "start_afresh" in hold["choices"]
    await api.post("release", {"id": hold["id"], "choice": "start_afresh"})
    await settle(service)
    status = await api.get("status")
    assert (status["state"], status["account"]["email"]) == ("synced", BEN)
    # The home has a new id now, and the hub knows its permission by the old one.
    await service.hub.look()
    assert service.hub.standing is not None
    assert service.hub.standing.connected
    (grant,) = stage.parts.service.grants.of_user("ann")
    assert grant.home_id == service.place.identity().home_id


async def test_two_homes_one_mirror(
    stage: Stage,
    api: Api,
    service: Service,
    tmp_path: Path,
) -> None:
    """A named server with its own volume, or a reused name: asked anew, then held."""
    await connect(stage, api, service)
    place = find_place(
        os.environ, home=tmp_path / "homes" / "ann", state_dir=tmp_path / "other-state",
        drive_folder="home/ann",
    )  # fmt: skip
    other = place.identity().home_id
    standing = await asyncio.to_thread(runner_hub.look, place)
    assert not standing.connected
    assert verdict(await stage.browser("ann").consent(other)) == "connected"
    service.crew.supply = runner_hub.supplier(place)
    with pytest.raises(Exception, match="another home") as caught:
        await service.crew.perform(place.job("mirror"))
    assert caught.value.code == "held.other_home"  # type: ignore[attr-defined]


async def test_disconnected_in_jupyter(
    stage: Stage,
    api: Api,
    service: Service,
    tmp_path: Path,
) -> None:
    await connect(stage, api, service)
    assert await api.post("disconnect", {"revoke": True}) == {"revoked": True}
    assert (await api.get("status"))["state"] == "not_connected"
    assert stage.parts.service.grants.of_user("ann") == []
    assert stage.drive.oauth.grants == ()
    assert not (tmp_path / "state" / "account.json").exists()
    code, said = await api.call("POST", "sync")
    assert (code, said["code"]) == (409, "auth.missing")


async def test_disconnected_at_the_hub(stage: Stage, api: Api, service: Service) -> None:
    await connect(stage, api, service)
    tab = stage.browser("ann")
    assert verdict(await tab.submit(await tab.get())) == "disconnected"
    await api.post("sync")
    await settle(service)
    assert (await api.get("status"))["state"] == "not_connected"


async def test_a_server_older_than_the_roll_out(
    stage: Stage,
    api: Api,
    service: Service,
) -> None:
    token = os.environ["JUPYTERHUB_API_TOKEN"]
    stage.hub.known[token]["scopes"] = ["access:servers!server=ann/", "users:activity!user=ann"]
    await service.hub.look()
    status = await api.get("status")
    assert (status["state"], status["problem"]["code"]) == ("not_connected", "broker.restart")
    assert "Stop My Server, then Start My Server" in status["problem"]["sentence"]
    assert not status["ask"]
    code, said = await api.call("POST", "authorize", {})
    assert (code, said["code"]) == (409, "broker.restart")


async def test_the_hubs_service_does_not_answer(
    stage: Stage,
    api: Api,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await connect(stage, api, service)
    service.hub.pauses = (0.01,)
    real = Broker._call

    def silent(self: Broker, *_: Any) -> Any:
        raise HubSilent(problem="no answer")

    monkeypatch.setattr(Broker, "_call", silent)
    await api.post("sync")
    await settle(service)
    status = await api.get("status")
    assert (status["state"], status["connected"]) == ("offline", True)
    assert status["problem"]["code"] == "broker.silent"
    monkeypatch.setattr(Broker, "_call", real)
    await api.post("sync")
    await settle(service)
    assert (await api.get("status"))["state"] == "synced"


async def test_what_the_hubs_admin_sets(
    stage: Stage,
    api: Api,
    service: Service,
    home: Path,
) -> None:
    stage.parts.service.config.settings = {"excludes": ["course/"]}
    await connect(stage, api, service)
    assert (await api.get("status"))["last_sync_count"] == 1
    settings = await api.get("settings")
    assert settings["excludes"] == ["course/"]
    assert "excludes" in settings["by_admin"]
    code, said = await api.call("PATCH", "settings", {"excludes": []})
    assert (code, said["code"]) == (409, "settings.by_admin")
    stage.parts.service.config.settings = {"excludes": 7}
    await service.hub.look()
    assert (await api.get("settings"))["excludes"] == ["course/"]


# -- the night -------------------------------------------------------------------------------------


async def test_started_for_its_night(
    stage: Stage,
    api: Api,
    service: Service,
    night: Night,
) -> None:
    await connect(stage, api, service)
    assert [report["night"] for report in night.ended] == [None]
    night.comes()
    await service._ask_for_night()
    await settle(service)
    (report,) = night.ended
    assert (report["night"], report["home_id"]) == ("n7", service.place.identity().home_id)
    status = report["status"]
    assert (status["outcome"], status["problem"], status["in_use"]) == ("completed", "", False)
    assert status["counts"]["objects"] == 2
    assert status["last_sync"] is not None
    assert "notes.txt" not in json.dumps(night.reports)


async def test_a_service_that_is_just_being_restarted_is_asked_again(
    stage: Stage,
    api: Api,
    service: Service,
    night: Night,
) -> None:
    await connect(stage, api, service)
    service.hub.pauses = (0.01, 0.01)
    night.comes()
    night.silent = 2
    real = service.hub.report

    async def report(of: str | None, status: Any) -> None:
        night.silent = 2  # dead again when it is told of the end
        await real(of, status)

    service.hub.report = report
    await service._ask_for_night()
    await settle(service)
    (report,) = night.ended
    assert (report["night"], report["status"]["outcome"]) == ("n7", "completed")


async def test_a_service_that_ends_before_it_hands_out_a_token_is_waited_for(
    stage: Stage, api: Api, service: Service, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connect(stage, api, service)
    service.hub.pauses = (0.01, 0.01)
    night.comes()
    real, refused = Broker.access, []

    def silent_at_first(self: Broker, *args: Any, **more: Any) -> Any:
        if not refused:
            refused.append(True)
            raise HubSilent(problem="no answer")
        return real(self, *args, **more)

    monkeypatch.setattr(Broker, "access", silent_at_first)
    await service._ask_for_night()
    await settle(service)
    (report,) = night.ended
    assert refused
    assert (report["night"], report["status"]["outcome"]) == ("n7", "completed")


async def test_a_service_that_was_silent_at_our_start_is_asked_how_we_stand(
    stage: Stage, api: Api, service: Service, night: Night
) -> None:
    await connect(stage, api, service)
    Account.forget(service.place.state_dir)
    service.hub.standing = None
    night.comes()
    await service._ask_for_night()
    await settle(service)
    (report,) = night.ended
    assert (report["status"]["outcome"], report["status"]["problem"]) == ("completed", "")


async def test_a_service_that_stays_silent_wants_nothing(service: Service, night: Night) -> None:
    service.hub.pauses = (0.01, 0.01)
    night.comes()
    night.silent = 3
    assert (await service.hub.due()).due is False
    assert night.silent == 0


async def test_a_server_that_ends_does_not_wait_for_the_service(
    service: Service, night: Night
) -> None:
    service.hub.pauses = (3600.0,)
    night.silent = 2
    asking = asyncio.create_task(service.hub.due())
    while night.silent == 2:
        await asyncio.sleep(0)
    await service.hub.close()
    assert (await asking).due is False


async def test_a_night_without_consent_is_told_at_once(
    service: Service,
    night: Night,
) -> None:
    night.comes()
    await service._ask_for_night()
    (report,) = night.ended
    assert (report["status"]["outcome"], report["status"]["problem"]) == ("failed", "auth.missing")


async def test_a_paused_person_is_no_failure(
    stage: Stage,
    api: Api,
    service: Service,
    night: Night,
) -> None:
    await connect(stage, api, service)
    await service.change({"paused_until": -1.0})
    night.comes()
    await service._ask_for_night()
    (report,) = night.ended
    assert (report["status"]["outcome"], report["status"]["opted_out"]) == ("cancelled", True)


async def test_held_by_the_hub(
    stage: Stage,
    api: Api,
    service: Service,
    night: Night,
) -> None:
    await connect(stage, api, service)
    before = (await api.get("status"))["last_sync"]
    night.answer.update(held=True, message="exam")
    await service._run_by_itself()
    await settle(service)
    assert (await api.get("status"))["last_sync"] == before
    night.answer.update(held=False)
    await service._run_by_itself()
    assert (await api.get("status"))["last_sync"] > before


async def test_a_pass_counts_as_activity(
    stage: Stage,
    api: Api,
    service: Service,
    jp_web_app: Any,
) -> None:
    times = jp_web_app.settings["last_activity_times"]
    seen: list[bool] = []
    real = service.alive

    def alive(syncing: bool) -> None:
        real(syncing)
        seen.append("drive_sync" in times)

    service.alive = alive
    await connect(stage, api, service)
    assert seen[0] is True
    assert seen[-1] is False


# -- which permission ------------------------------------------------------------------------------


def test_the_chain(tmp_path: Path) -> None:
    on_a_hub = {"DRIVE_SYNC_BROKER_URL": "http://hub:1/x", "JUPYTERHUB_API_TOKEN": "t"}
    assert find_place({"HOME": str(tmp_path)}).credentials == "grant"
    place = find_place({**on_a_hub, "HOME": str(tmp_path)})
    assert (place.credentials, place.broker) == ("broker", BrokerAt("http://hub:1/x/", Secret("t")))
    assert "t'" not in repr(place.broker)
    named = find_place({**on_a_hub, "HOME": str(tmp_path)}, client_file=tmp_path / "c.json")
    assert named.credentials == "grant"
    by_variable = {**on_a_hub, "DRIVE_SYNC_CLIENT_FILE": "c.json", "HOME": str(tmp_path)}
    assert find_place(by_variable).credentials == "grant"
    assert find_place(by_variable, credentials="broker").credentials == "broker"
    assert find_place({**on_a_hub, "HOME": "/h"}, credentials="adc").credentials == "adc"
    with pytest.raises(UsageError):
        find_place({"HOME": str(tmp_path)}, credentials="broker")


@pytest.mark.parametrize("url", ["hub:10101", "ftp://hub/", "http://", "http://a:b@hub/"])
def test_an_address_of_the_service_that_is_none(url: str) -> None:
    with pytest.raises(BadSettings):
        find_broker({"DRIVE_SYNC_BROKER_URL": url, "JUPYTERHUB_API_TOKEN": "t"})


async def test_strange_answers_of_the_service(stage: Stage) -> None:
    token = stage.server("ann")
    broker = Broker(BrokerAt(f"{stage.url}/services/drive-sync/", Secret(token)))
    with pytest.raises(Relayed) as caught:
        await asyncio.to_thread(broker.access, HOME)
    assert (caught.value.code, caught.value.exit_code) == ("auth.missing", 3)
    assert (await asyncio.to_thread(broker.due, HOME)).get("due") is False
    astray = Broker(BrokerAt(f"{stage.url}/elsewhere/", Secret(token)))
    with pytest.raises(HubSilent, match="status 404"):
        await asyncio.to_thread(astray.access, HOME)
    # A redirect would carry the token elsewhere.
    login = Broker(BrokerAt(f"{stage.url}/services/drive-sync/connect?", Secret(token)))
    with pytest.raises(HubSilent, match="status"):
        await asyncio.to_thread(login.access, HOME)
    nobody = Broker(BrokerAt("http://127.0.0.1:9/", Secret(token)), patience=2)
    with pytest.raises(HubSilent):
        await asyncio.to_thread(nobody.access, HOME)
    assert Tab(stage, "").cookies  # the stage is still there
