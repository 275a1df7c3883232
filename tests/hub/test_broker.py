"""The broker: whose token opens which Drive, and how often Google is asked."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from jupyter_drive_sync.drive.secrets import Access, Grant, Secret
from jupyter_drive_sync.errors import AuthRevoked, ClientGone, NotConnected, Offline, RestartServer
from jupyter_drive_sync.hub.auth_state import read_auth_state
from jupyter_drive_sync.hub.identity import read_caller
from jupyter_drive_sync.hub.problems import Forbidden
from tests.hub.conftest import ACCESS, ANN, BEN, HOME, OTHER_HOME, Stage, person, server

OWN = "custom:drive-sync:token"


def about(stage: Stage, token: str) -> Any:
    """Ask LocalDrive whose Drive a token opens."""
    request = Request(  # noqa: S310 - this machine
        f"{stage.google}/drive/v3/about?fields=user", headers={"Authorization": f"Bearer {token}"}
    )
    with build_opener(ProxyHandler({})).open(request) as reply:
        return json.loads(reply.read())["user"]["emailAddress"]


async def test_a_server_gets_its_own_users_token(stage: Stage) -> None:
    await stage.connect("ann", HOME, ANN)
    await stage.connect("ben", HOME, BEN)
    for name, account in (("ann", ANN), ("ben", BEN)):
        status, said = await stage.call("api/token", stage.server(name), {"home_id": HOME})
        assert status == 200
        assert await asyncio.to_thread(about, stage, said["access_token"]) == account
        assert 0 < said["expires_in"] <= 3600
        assert said["email"] == account
        assert said["project"] == stage.parts.service.google.client.project
        assert "refresh" not in json.dumps(said)
        assert stage.parts.service.google.client.client_secret.reveal() not in json.dumps(said)


async def test_a_named_server_too(stage: Stage) -> None:
    await stage.connect("ann", HOME)
    status, _ = await stage.call("api/token", stage.server("ann", "lab2"), {"home_id": HOME})
    assert status == 200


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, Forbidden),
        # A narrow token that identifies somebody: what any server holds of a visitor.
        ({**server("ben"), "scopes": ["read:users:name!user=ben"]}, Forbidden),
        # A personal token: everything that the person may.
        ({**server("ann"), "scopes": [f"{OWN}!user=ann", ACCESS, "self"]}, Forbidden),
        ({**server("ann"), "scopes": [OWN]}, Forbidden),
        # An admin's own token, held by the server that he visits.
        (
            {**person("root", admin=True), "scopes": ["access:servers!server=ann/",
                                                     "read:users:name!user=root"]},
            Forbidden,
        ),
        # Somebody whose name begins like another's, or has a server that is called so.
        ({**server("ann"), "scopes": [f"{OWN}!server=anna/"]}, Forbidden),
        ({**server("ann"), "scopes": [f"{OWN}!server=ben/ann/"]}, Forbidden),
        ({**server("ann"), "scopes": [f"{OWN}!server=ann"]}, Forbidden),
        ({**server("ann"), "kind": "service"}, Forbidden),
        ({**server("ann"), "name": ""}, Forbidden),
        ({**server("ann"), "name": None}, Forbidden),
        ({**server("ann"), "scopes": [7]}, Forbidden),
        # A server that was started before the hub knew of us.
        (
            {**server("ann"), "scopes": ["access:servers!server=ann/",
                                         "users:activity!user=ann"]},
            RestartServer,
        ),
    ],
)  # fmt: skip
async def test_every_other_kind_of_token_is_refused(
    stage: Stage, said: dict[str, Any] | None, why: type[Exception]
) -> None:
    with pytest.raises(why):
        read_caller(said)
    await stage.connect("ann")
    token = "some-token"
    if said is not None:
        stage.hub.known[token] = said
    for path, method in (("api/token", "POST"), (f"api/grant?home_id={HOME}", "GET"),
                         ("api/disconnect", "POST")):  # fmt: skip
        status, reply = await stage.call(path, token, {"home_id": HOME}, method)
        assert status == 403
        assert reply["code"] == ("broker.restart" if why is RestartServer else "request.forbidden")
    assert len(stage.parts.service.grants.of_user("ann")) == 1


async def test_a_cookie_opens_nothing(stage: Stage) -> None:
    await stage.connect("ann")
    tab = stage.browser("ann")
    cookie = "; ".join(f"{name}={value}" for name, value in tab.cookies.items())
    status, said = await stage.call("api/token", body={"home_id": HOME}, Cookie=cookie)
    assert (status, said["code"]) == (403, "request.forbidden")


async def test_no_request_names_a_user(stage: Stage) -> None:
    await stage.connect("ann")
    token = stage.server("eve")
    for more in ({"user": "ann"}, {"name": "ann"}, {"home_id": "ann/" + HOME}, {"email": ANN}):
        status, _ = await stage.call("api/token", token, {"home_id": HOME, **more})
        assert status == 400
    status, said = await stage.call("api/token", token, {"home_id": HOME})
    assert (status, said["code"]) == (409, "auth.missing")


@pytest.mark.parametrize("home_id", ["", None, 7, "x" * 16, "0123456789ABCDEF", "0" * 17, ["a"]])
async def test_what_is_no_home_id(stage: Stage, home_id: Any) -> None:
    status, said = await stage.call("api/token", stage.server("ann"), {"home_id": home_id})
    assert (status, said["code"]) == (400, "request.invalid")


async def test_the_hub_is_asked_each_time(stage: Stage) -> None:
    await stage.connect("ann")
    token = stage.server("ann")
    assert (await stage.call("api/token", token, {"home_id": HOME}))[0] == 200
    del stage.hub.known[token]  # revoked
    assert (await stage.call("api/token", token, {"home_id": HOME}))[0] == 403


async def test_a_home_of_the_same_person_without_a_grant(stage: Stage) -> None:
    await stage.connect("ann", HOME)
    token = stage.server("ann")
    status, said = await stage.call("api/token", token, {"home_id": OTHER_HOME})
    assert (status, said["code"]) == (409, "auth.missing")
    status, said = await stage.call("api/token", token, {"home_id": OTHER_HOME, "before": HOME})
    assert status == 200


async def test_a_grant_without_a_home_is_bound(stage: Stage) -> None:
    await stage.connect("ann", home="")
    token = stage.server("ann")
    assert (await stage.call("api/token", token, {"home_id": HOME}))[0] == 200
    assert (await stage.call("api/token", token, {"home_id": OTHER_HOME}))[0] == 409


async def test_how_a_home_stands(stage: Stage) -> None:
    token = stage.server("ann")
    status, said = await stage.call(f"api/grant?home_id={HOME}", token, method="GET")
    assert status == 200
    assert said["connected"] is False
    assert said["connect_url"] == "http://127.0.0.1:9/services/drive-sync/connect"
    await stage.connect("ann")
    _, said = await stage.call(f"api/grant?home_id={HOME}", token, method="GET")
    assert (said["connected"], said["email"], said["problem"]) == (True, ANN, None)
    stage.drive.oauth.end_session(ANN)
    stage.parts.service._kept.clear()
    assert (await stage.call("api/token", token, {"home_id": HOME}))[1]["code"] == "auth.revoked"
    _, said = await stage.call(f"api/grant?home_id={HOME}", token, method="GET")
    assert said["problem"]["code"] == "auth.revoked"


@pytest.mark.parametrize(
    "options",
    [{"settings": {"excludes": ["a"], "max_file_size": 5},
      "group_settings": {"course": {"excludes": ["b"], "max_file_size": 6}}}],
)  # fmt: skip
async def test_what_the_admin_sets_for_all_and_for_a_group(stage: Stage) -> None:
    for groups, excludes, size in (((), ["a"], 5), (("course", "other"), ["a", "b"], 6)):
        token = stage.server("ann", groups=groups)
        _, said = await stage.call(f"api/grant?home_id={HOME}", token, method="GET")
        assert said["settings"] == {"excludes": excludes, "max_file_size": size}


async def test_disconnect_by_the_server(stage: Stage) -> None:
    await stage.connect("ann")
    token = stage.server("ann")
    assert (await stage.call("api/token", token, {"home_id": HOME}))[0] == 200
    status, said = await stage.call("api/disconnect", token, {"home_id": HOME, "revoke": True})
    assert (status, said) == (200, {"revoked": True})
    assert stage.drive.oauth.grants == ()
    status, said = await stage.call("api/token", token, {"home_id": HOME})
    assert (status, said["code"]) == (409, "auth.missing")  # not even from memory


async def test_the_audit_says_who_and_what_and_no_secret(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await stage.connect("ann")
    token = stage.server("ann")
    _, said = await stage.call("api/token", token, {"home_id": HOME})
    await stage.call("api/token", "unknown-token", {"home_id": HOME})
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("audit ")]
    events = [json.loads(line.removeprefix("audit ")) for line in lines]
    assert [event["event"] for event in events] == [
        "consent.asked", "grant.made", "token.given", "server.forbidden",
    ]  # fmt: skip
    assert (events[2]["user"], events[2]["server"], events[2]["home"]) == ("ann", "ann/", HOME)
    text = caplog.text
    for secret in (said["access_token"], token, "unknown-token"):
        assert secret not in text


# -- how often Google is asked ---------------------------------------------------------------------


class Counted:
    """Google, with a gate and a count."""

    def __init__(self, stage: Stage) -> None:
        self.real = stage.parts.service.google
        self.client = self.real.client
        self.asked = 0
        self.problem: Exception | None = None
        self.lifetime = 3600.0
        stage.parts.service.google = self
        self.stage = stage

    def refresh(self, grant: Grant) -> Access:
        self.asked += 1
        if self.problem is not None:
            raise self.problem
        return Access(
            Secret(f"token-{self.asked}"), self.stage.parts.service.wall() + self.lifetime
        )

    def revoke(self, grant: Grant) -> None:
        raise AssertionError

    def whose(self, token: Secret) -> Any:
        return self.real.whose(token)


@pytest.fixture
def counted(stage: Stage, jp_asyncio_loop: Any) -> Counted:
    jp_asyncio_loop.run_until_complete(stage.connect("ann"))
    stage.parts.service._kept.clear()
    return Counted(stage)


async def token_of(stage: Stage, **more: Any) -> str:
    made = await stage.parts.service.access_token("ann", HOME, **more)
    return made.token.reveal()


async def test_many_who_ask_at_once_share_one_refresh(stage: Stage, counted: Counted) -> None:
    tokens = await asyncio.gather(*(token_of(stage) for _ in range(100)))
    assert set(tokens) == {"token-1"}
    assert await token_of(stage) == "token-1"
    assert counted.asked == 1


async def test_renewed_before_its_end(stage: Stage, counted: Counted) -> None:
    service = stage.parts.service
    now = service.wall()
    assert await token_of(stage) == "token-1"
    service.wall = lambda: now + 2900
    assert await token_of(stage) == "token-1"
    service.wall = lambda: now + 3001
    assert await token_of(stage) == "token-2"


async def test_refused_by_drive(stage: Stage, counted: Counted) -> None:
    service = stage.parts.service
    now = service.clock()
    assert await token_of(stage) == "token-1"
    service.clock = lambda: now + 61
    assert await token_of(stage, refused=True) == "token-2"
    for _ in range(20):  # whoever says so again and again does not make us ask Google each time
        assert await token_of(stage, refused=True) == "token-2"


async def test_a_dead_grant_is_never_tried_again(stage: Stage, counted: Counted) -> None:
    counted.problem = AuthRevoked()
    for _ in range(3):
        with pytest.raises(AuthRevoked):
            await token_of(stage)
    assert counted.asked == 1
    counted.problem = None
    await stage.connect("ann")  # the real Google's part is in the consent, not in `counted`
    stage.parts.service._kept.clear()
    assert await token_of(stage) == "token-2"


@pytest.mark.parametrize("problem", [Offline(problem="x"), ClientGone(path="x")])
async def test_other_trouble_is_tried_again_after_a_while(
    stage: Stage, counted: Counted, problem: Exception
) -> None:
    service = stage.parts.service
    counted.problem = problem
    now = service.clock()
    service.clock = lambda: now
    for _ in range(5):
        with pytest.raises(type(problem)):
            await token_of(stage)
    assert counted.asked == 1
    counted.problem = None
    service.clock = lambda: now + 31
    assert await token_of(stage) == "token-2"


async def test_disconnected_while_google_is_asked(stage: Stage, counted: Counted) -> None:
    """Law 17: what was on its way is not handed out, nor kept."""
    service = stage.parts.service
    real = counted.refresh

    def refresh(grant: Grant) -> Access:
        service.grants.drop("ann", HOME)
        return real(grant)

    counted.refresh = refresh  # type: ignore[method-assign]
    with pytest.raises(NotConnected):
        await token_of(stage)
    assert service._kept == {}


async def test_one_who_hangs_up_does_not_end_it_for_others(stage: Stage, counted: Counted) -> None:
    first = asyncio.ensure_future(token_of(stage))
    second = asyncio.ensure_future(token_of(stage))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "token-1"


# -- permissions of the hub's login ----------------------------------------------------------------


def test_what_the_login_left_behind() -> None:
    state = {"refresh_token": "1//x", "scope": ["a", "b"], "google_user": {"email": ANN}}
    assert read_auth_state(state) == (ANN, Secret("1//x"), ("a", "b"))
    assert read_auth_state({**state, "scope": "a b"}) == (ANN, Secret("1//x"), ("a", "b"))
    for lost in (None, {}, {**state, "refresh_token": None}, {**state, "refresh_token": ""}):
        assert read_auth_state(lost) is None


@pytest.mark.parametrize("options", [{"token_source": "hub_auth_state"}])
async def test_the_login_in_place_of_a_consent(stage: Stage) -> None:
    client = stage.parts.service.google.client.client_id
    scopes = ["openid", "email", "https://www.googleapis.com/auth/drive.file"]
    lasting = stage.drive.oauth.grant(ANN, client, scopes).refresh_token
    model: dict[str, Any] = {
        "auth_state": {
            "refresh_token": lasting, "scope": scopes, "google_user": {"email": ANN},
        }
    }  # fmt: skip
    stage.hub.users["ann"] = model
    token = stage.server("ann")
    status, said = await stage.call("api/token", token, {"home_id": HOME})
    assert (status, said["email"]) == (200, ANN)
    # The second login of the hub left none: ours stays.
    model["auth_state"]["refresh_token"] = None
    stage.parts.service._kept.clear()
    status, said = await stage.call("api/token", token, {"home_id": HOME})
    assert status == 200
    assert await asyncio.to_thread(about, stage, said["access_token"]) == ANN


@pytest.mark.parametrize("options", [{"token_source": "hub_auth_state"}])
@pytest.mark.parametrize(
    ("model", "code"),
    [
        ({"auth_state": None}, "auth.missing"),
        ({}, "hub.refuses"),
        ({"auth_state": {"refresh_token": "1//x", "scope": ["openid"]}}, "auth.scope_missing"),
        ({"auth_state": {"refresh_token": "1//dead", "scope": [
            "https://www.googleapis.com/auth/drive.file"]}}, "auth.revoked"),
    ],
)  # fmt: skip
async def test_a_login_that_is_of_no_use(stage: Stage, model: dict[str, Any], code: str) -> None:
    stage.hub.users["ann"] = model
    status, said = await stage.call("api/token", stage.server("ann"), {"home_id": HOME})
    assert (status, said["code"]) == (409, code)
