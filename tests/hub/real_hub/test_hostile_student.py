"""A student with a terminal, and with own code in the server's configuration, against everybody.

Eve's server writes down whatever reaches it. She then replays that, and tries whatever else she can
think of: for the client secret, a refresh token, another's access token, the admin's page, a forged
report. Each test is one line of thought; the last one is that the honest part still works.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.hub.real import ADMIN, KEY, Browser, RealHub, Reply, call

EVES, BOBS = "eve@example.edu", "bob@example.edu"
HOMES = {"eve": "eeeeeeeeeeeeeeee", "bob": "bbbbbbbbbbbbbbbb"}

SPY = """
import json, os
from tornado import web
from jupyterhub.services.auth import HubOAuth

def write(**said):
    with open(os.path.expanduser("~/captured.jsonl"), "a") as file:
        file.write(json.dumps(said) + "\\n")

execute = web.RequestHandler._execute
async def spied(self, *args, **kwargs):
    write(path=self.request.uri, headers=dict(self.request.headers.get_all()))
    return await execute(self, *args, **kwargs)
web.RequestHandler._execute = spied

set_cookie = HubOAuth.set_cookie
def spied_cookie(self, handler, token):
    write(visitor_token=token)
    return set_cookie(self, handler, token)
HubOAuth.set_cookie = spied_cookie
"""
"""Ten lines in `~/.jupyter/jupyter_server_config.py`: every header, and every visitor's token."""


class Loot:
    """What Eve has."""

    def __init__(self, hub: RealHub) -> None:
        self.hub = hub
        self.environment = hub.server_environment("eve")
        self.server_token = self.environment["JUPYTERHUB_API_TOKEN"]
        self.own_token = str(hub.new_token("eve").json["token"])

    def captured(self) -> list[dict[str, Any]]:
        path = self.hub.folder / "homes" / "eve" / "captured.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def tokens(self) -> set[str]:
        """Return every token that was ever shown to her server."""
        found = {str(each["visitor_token"]) for each in self.captured() if "visitor_token" in each}
        for each in self.captured():
            said = each.get("headers", {}).get("Authorization", "")
            found |= set(re.findall(r"(?i)(?:token|bearer)\s+(\S+)", said))
        return found - {self.server_token, self.own_token}


@pytest.fixture(scope="module", autouse=True)
def eve(hub: RealHub) -> None:
    """Let her have her server, with her own lines in its configuration."""
    spy = hub.folder / "homes" / "eve" / ".jupyter" / "jupyter_server_config.py"
    spy.parent.mkdir(parents=True)
    spy.write_text(SPY)
    for user, account in (("eve", EVES), ("bob", BOBS)):
        hub.add_user(user)
        assert hub.consent(user, HOMES[user], account) == "connected"
    hub.start_server("eve")


@pytest.fixture(scope="module")
def loot(hub: RealHub) -> Loot:
    """Have everybody come by whom she can lure."""
    found = Loot(hub)
    # The admin looks after her server, as admins do.
    admin = hub.log_in(ADMIN)
    page = admin.send("services/drive-sync/")
    assert page.verdict == "overview"
    reply = admin.send("user/eve/lab")
    if "oauth2/authorize" in reply.url:
        reply = admin.submit(reply)  # the hub asks whether her server may know who he is
    assert reply.status == 200, reply.text
    # Her own server syncs, with whatever the hub sends on that occasion.
    status = hub.page("eve", "drive-sync/api/status", found.own_token)
    assert status.status == 200
    return found


def secrets_of(hub: RealHub) -> list[str]:
    """Return what nobody may have but the service."""
    client = json.loads((hub.folder / "client_secrets.json").read_text())["web"]
    refresh = [row.token for row in hub.drive.oauth._refresh]
    whose = {row.account for row in hub.drive.oauth._refresh}
    assert {EVES, BOBS} <= whose
    return [client["client_secret"], KEY, *refresh]


def broker(hub: RealHub, token: str, home: str, **more: Any) -> Reply:
    return hub.broker("api/token", token, {"home_id": home, **more})


def test_what_reaches_her_server_opens_nothing(hub: RealHub, loot: Loot) -> None:
    assert loot.tokens(), "the spy has the token that her server holds of the admin"
    for token in loot.tokens():
        for home in HOMES.values():
            assert broker(hub, token, home).status == 403
        # Nor the Hub API of others, nor their servers.
        assert hub.api("users/bob", token=token).status in (403, 404)
        assert hub.api("users/bob/server", "POST", token, {}).status in (403, 404)
        page = call(f"{hub.url}services/drive-sync/", "GET", token)
        assert page.verdict not in ("overview", "ask")


def test_the_service_sends_nothing_to_her_server(hub: RealHub, loot: Loot) -> None:
    theirs = hub.service_environment()["JUPYTERHUB_API_TOKEN"]
    raw = json.dumps(loot.captured())
    assert theirs not in raw
    model = hub.api("user", token=theirs).json
    assert not [scope for scope in model["scopes"] if scope.startswith("access:")]


def test_cookies_of_visitors_open_no_page_of_ours(hub: RealHub, loot: Loot) -> None:
    cookies = {
        each["headers"]["Cookie"] for each in loot.captured() if "Cookie" in each.get("headers", {})
    }
    assert cookies, "the admin's browser came by"
    for cookie in cookies:
        assert "service-drive-sync" not in cookie
        browser = Browser(hub.url)
        for path in ("services/drive-sync/", "services/drive-sync/connect"):
            reply = browser.send(path, headers={"Cookie": cookie})
            assert reply.verdict not in ("overview", "ask"), path


def test_the_client_secret_and_refresh_tokens_are_nowhere_she_can_look(
    hub: RealHub, loot: Loot
) -> None:
    said = [
        json.dumps(loot.environment),
        broker(hub, loot.server_token, HOMES["eve"]).text,
        hub.broker(f"api/grant?home_id={HOMES['eve']}", loot.server_token, method="GET").text,
        hub.api("user", token=loot.server_token).text,
        hub.api("users/eve", token=loot.own_token).text,
        hub.log_in("eve").send("services/drive-sync/").text,
    ]
    for text in said:
        for secret in secrets_of(hub):
            assert secret not in text
    # By her own user id she could not even open the files; here all processes have one.
    for path in (hub.folder / "client_secrets.json", hub.folder / "drive-sync" / "hub.sqlite"):
        assert path.stat().st_mode & 0o077 == 0
    database = (hub.folder / "drive-sync" / "hub.sqlite").read_bytes()
    for secret in secrets_of(hub):
        assert secret.encode() not in database


def test_her_own_access_token_opens_what_we_made_and_not_her_drive(
    hub: RealHub, loot: Loot
) -> None:
    """That she can get one is not to be avoided; what it opens is bounded by its scope."""
    token = broker(hub, loot.server_token, HOMES["eve"]).json["access_token"]
    (row,) = [each for each in hub.drive.oauth._access if each.token == token]
    assert {scope.rpartition("/")[2] for scope in row.scopes} == {
        "drive.file", "openid", "userinfo.email",
    }  # fmt: skip
    assert row.account == EVES


@pytest.mark.parametrize(
    "asked",
    [
        {"home_id": HOMES["bob"]},
        {"home_id": HOMES["eve"], "before": HOMES["bob"]},
        {"home_id": HOMES["bob"], "refused": True},
    ],
)
def test_the_id_of_another_home(hub: RealHub, loot: Loot, asked: dict[str, Any]) -> None:
    reply = hub.broker("api/token", loot.server_token, asked)
    assert "access_token" not in reply.text or reply.json["email"] == EVES


@pytest.mark.parametrize(
    "asked",
    [{"user": "bob"}, {"name": "bob"}, {"home_id": "../bob"}, {"home_id": ["b"]}, {"email": BOBS}],
)
def test_the_name_of_another_person(hub: RealHub, loot: Loot, asked: dict[str, Any]) -> None:
    reply = broker(hub, loot.server_token, HOMES["bob"], **asked)
    assert reply.status == 400


def test_headers_that_claim_to_be_somebody(hub: RealHub, loot: Loot) -> None:
    import urllib.request  # noqa: PLC0415

    for name in ("X-Forwarded-User", "X-JupyterHub-User", "Remote-User", "X-Remote-User"):
        request = urllib.request.Request(  # noqa: S310 - this machine
            f"{hub.service}api/token",
            data=json.dumps({"home_id": HOMES["bob"]}).encode(),
            headers={"Authorization": f"token {loot.server_token}", name: "bob"},
        )
        with pytest.raises(urllib.request.HTTPError) as refused:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30)
        with refused.value:
            assert refused.value.code == 409


def test_a_token_that_she_makes_herself(hub: RealHub, loot: Loot) -> None:
    wanted = [
        ["custom:drive-sync:token!server=bob/"],
        ["custom:drive-sync:token!user=bob"],
        ["custom:drive-sync:token"],
        ["admin:users"],
        ["access:servers!user=bob"],
    ]
    for scopes in wanted:
        for asked_with in (loot.own_token, loot.server_token):
            made = hub.new_token("eve", *scopes, asked_with=asked_with)
            if made.status == 201:
                assert broker(hub, made.json["token"], HOMES["bob"]).status in (403, 409)
    assert hub.new_token("bob", asked_with=loot.own_token).status in (403, 404)


def test_the_admins_page(hub: RealHub, loot: Loot) -> None:
    eve = hub.log_in("eve")
    for path in ("admin", "admin/", "admin?user=bob", "api/admin"):
        reply = eve.send(f"services/drive-sync/{path}")
        assert reply.status in (403, 404), path
        for token in (loot.server_token, loot.own_token, *loot.tokens()):
            assert call(f"{hub.url}services/drive-sync/{path}", "GET", token).status in (403, 404)
            assert call(f"{hub.service}{path}", "POST", token).status in (403, 404, 405)


def test_a_forged_report_is_about_herself_alone(hub: RealHub, loot: Loot) -> None:
    """Whatever she reports, it names no user; the route knows her by her token."""
    forged = {
        "night": "n1", "home_id": HOMES["bob"], "user": "bob",
        "status": {"outcome": "completed", "last_sync": 2e9, "problem": "<script>", "counts": []},
    }  # fmt: skip
    reply = hub.broker("api/state", loot.server_token, forged, "PUT")
    assert reply.status in (200, 400, 404)
    for token in (loot.own_token, *loot.tokens()):
        assert hub.broker("api/state", token, forged, "PUT").status in (403, 404)
    said = hub.broker("api/disconnect", loot.server_token, {"home_id": HOMES["bob"]})
    assert (said.status, said.json["code"]) == (409, "auth.missing")
    assert hub.broker("api/disconnect", loot.own_token, {"home_id": HOMES["bob"]}).status == 403


def test_her_google_account_in_bobs_place(hub: RealHub) -> None:
    """She has Bob's browser answer her question: his files would go to her Drive."""
    eve, bob = hub.log_in("eve"), hub.log_in("bob")
    assert bob.send("services/drive-sync/").verdict == "overview"
    page = eve.send(f"services/drive-sync/connect?home={HOMES['bob']}")
    google = eve.onward(eve.submit(page))
    opener = Stopped(hub.url)
    answer = opener.location(google, account=EVES)
    lured = bob.send(answer)
    assert (lured.status, lured.verdict) == (403, "forged")
    mine = bob.send("services/drive-sync/").text
    assert BOBS in mine
    assert EVES not in mine


class Stopped(Browser):
    """A browser that does not follow Google's answer, but keeps its address."""

    def location(self, page: Reply, account: str) -> str:
        from urllib.error import HTTPError  # noqa: PLC0415
        from urllib.parse import urljoin  # noqa: PLC0415
        from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener  # noqa: PLC0415

        from tests.hub.real import _Forms  # noqa: PLC0415

        class Stay(HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        forms = _Forms()
        forms.feed(page.text)
        action, fields = forms.forms[0]
        filled = [(name, account if name == "account" else value) for name, value in fields]
        body = urlencode([*filled, ("scope", "all"), ("decision", "allow")]).encode()
        with pytest.raises(HTTPError) as caught:
            build_opener(ProxyHandler({}), Stay()).open(urljoin(page.url, action), body)
        with caught.value:
            return str(caught.value.headers["Location"])


def test_a_page_of_hers_in_bobs_browser(hub: RealHub) -> None:
    """Her server's pages are of the same origin: their scripts run with Bob's cookies."""
    bob = hub.log_in("bob")
    page = bob.send("services/drive-sync/")
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cross-Origin-Opener-Policy"] == "noopener-allow-popups"
    script = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    for path in ("services/drive-sync/", "services/drive-sync/connect"):
        assert BOBS not in bob.send(path, headers=script).text
    for path in ("services/drive-sync/disconnect", "services/drive-sync/connect"):
        reply = bob.send(path, form={"home": HOMES["bob"]}, headers=script)
        assert reply.status == 403
    stolen = bob.cookie("_xsrf")
    reply = bob.send(
        "services/drive-sync/disconnect", form={"home": HOMES["bob"], "_xsrf": stolen + "x"}
    )
    assert reply.status == 403
    assert BOBS in bob.send("services/drive-sync/").text


def test_where_her_links_lead(hub: RealHub) -> None:
    bob = hub.log_in("bob")
    for wanted in ("https://evil.example/", "//evil.example", "/jh/user/eve/lab", "javascript:x"):
        page = bob.send(f"services/drive-sync/connect?{urlencode({'next': wanted})}")
        assert wanted not in page.text
        assert 'href="/jh/user/bob/"' in page.text


def test_asking_again_and_again_does_not_reach_google(hub: RealHub, loot: Loot) -> None:
    before = hub.drive.log.count()
    asked = len([*hub.drive.oauth._access])
    for _ in range(20):
        assert broker(hub, loot.server_token, HOMES["eve"], refused=True).status == 200
    assert len([*hub.drive.oauth._access]) - asked <= 1
    assert hub.drive.log.count() == before


def test_bob_is_served_all_the_same(hub: RealHub) -> None:
    hub.start_server("bob")
    token = hub.server_environment("bob")["JUPYTERHUB_API_TOKEN"]
    reply = broker(hub, token, HOMES["bob"])
    assert (reply.status, reply.json["email"]) == (200, BOBS)
    assert os.environ.get("DRIVE_SYNC_CRYPT_KEY") is None
