"""A real JupyterHub, proxy and single-user servers: an admin adds the lines, and people consent."""

from __future__ import annotations

import json
import stat
from typing import Any

from tests.hub.real import ADMIN, ADMIN_TOKEN, RealHub, call

ALICE, ROBIN = "alice@example.edu", "robin@example.edu"
HOME = "0123456789abcdef"


def test_what_the_admin_has_is_kept(hub: RealHub) -> None:
    names = {service["name"] for service in _values(hub.api("services").json)}
    assert {"other", "tests", "drive-sync"} <= names
    other = hub.api("services/other", token="token-of-another-service")
    assert other.status == 403, "it may do at the hub what it could before: nothing"
    scopes = set(hub.api("user", token=hub.new_token("teacher").json["token"]).json["scopes"])
    assert "list:services" in scopes, "of the admin's own role for everybody"
    assert "list:users" in scopes, "of the role for teachers"
    assert "access:services!service=drive-sync" in scopes
    started = hub.log[hub.begun : hub.ready]
    assert "Ours" in started
    for word in ("multiply defined", "Traceback", "lacks", "CRITICAL"):
        assert word not in started


def test_a_server_that_was_up_before_works_on_and_says_restart(hub: RealHub) -> None:
    """It has no variable of ours and a token without our scope; nobody else notices."""
    token = hub.server_environment("alice")["JUPYTERHUB_API_TOKEN"]
    assert "DRIVE_SYNC_BROKER_URL" not in hub.server_environment("alice")
    reply = hub.broker("api/token", token, {"home_id": HOME})
    assert (reply.status, reply.json["code"]) == (403, "broker.restart")
    own = hub.new_token("alice").json["token"]
    status = hub.page("alice", "drive-sync/api/status", own)
    assert (status.status, status.json["connected"]) == (200, False)
    assert hub.page("alice", "api/contents", own).status == 200
    assert hub.log_in("alice").send("services/drive-sync/").verdict == "overview"
    hub.stop_server("alice")


def test_consent_as_a_browser_does_it_and_a_sync_in_a_real_server(hub: RealHub) -> None:
    notes = hub.folder / "homes" / "alice" / "notes.txt"
    notes.parent.mkdir(exist_ok=True)
    notes.write_text("notes")
    hub.start_server("alice")
    seen = hub.server_environment("alice")
    assert seen["ADMINS_OWN"] == "kept"
    assert seen["DRIVE_SYNC_BROKER_URL"] == hub.service
    token = hub.new_token("alice").json["token"]
    asked = hub.page("alice", "drive-sync/api/authorize", token, "POST", {"sync": True}).json
    assert asked["flow"] == "hub"
    browser = hub.log_in("alice")
    page = browser.send(asked["url"])
    assert page.verdict == "ask"
    hub.drive.oauth.add_account(ALICE, "Alice")
    google = browser.onward(browser.submit(page))
    end = browser.submit(google, account=ALICE, scope="all", decision="allow")
    assert (end.status, end.verdict) == (200, "connected")
    assert ALICE in end.text
    assert 'href="/jh/user/alice/"' in end.text
    try:
        hub.until(lambda: _state(hub, token) == "synced")
    except AssertionError:
        raise AssertionError(hub.page("alice", "drive-sync/api/status", token).text) from None
    names = {file.name for file in hub.drive.model.files.values()}
    assert {"alice", "notes.txt"} <= names


def _state(hub: RealHub, token: str) -> str:
    return str(hub.page("alice", "drive-sync/api/status", token).json["state"])


def test_tokens_of_every_kind_at_the_broker(hub: RealHub) -> None:
    """Table 2b of the trial: only a server's own token opens its own user's Drive."""
    for user, account in (("alice", ALICE), ("robin", ROBIN)):
        hub.start_server(user)
        assert hub.consent(user, HOME, account) == "connected"
    own = {
        user: hub.server_environment(user)["JUPYTERHUB_API_TOKEN"] for user in ("alice", "robin")
    }
    for user, account in (("alice", ALICE), ("robin", ROBIN)):
        reply = hub.broker("api/token", own[user], {"home_id": HOME})
        assert (reply.status, reply.json["email"]) == (200, account)
    others = {
        "a narrow token of robin": hub.new_token("robin", "read:users:name!user=robin"),
        "a personal token of alice": hub.new_token("alice"),
        "an admin's": hub.new_token(ADMIN),
    }
    made = {name: reply.json["token"] for name, reply in others.items()}
    made["another service's"] = "token-of-another-service"
    made["the tests' service's"] = ADMIN_TOKEN
    made["nobody's"] = "0" * 32
    for name, token in made.items():
        reply = hub.broker("api/token", token, {"home_id": HOME})
        assert (reply.status, reply.json["code"]) == (403, "request.forbidden"), name
    # Robin narrows nothing to alice's server: he may give away only what he has.
    wanted = "custom:drive-sync:token!server=alice/"
    assert hub.new_token("robin", wanted, asked_with=made["a personal token of alice"]).status in (
        403,
        404,
    )
    robins = hub.new_token("robin").json["token"]
    assert hub.new_token("robin", wanted, asked_with=robins).status in (400, 403)
    # A server that has ended has no token any more.
    hub.stop_server("robin")
    assert hub.broker("api/token", own["robin"], {"home_id": HOME}).status == 403


def test_a_named_server_is_a_home_of_its_own(hub: RealHub) -> None:
    hub.start_server("alice", "second")
    token = hub.server_environment("alice", "second")["JUPYTERHUB_API_TOKEN"]
    scopes = hub.api("user", token=token).json["scopes"]
    assert "custom:drive-sync:token!server=alice/second" in scopes
    reply = hub.broker("api/token", token, {"home_id": "fedcba9876543210"})
    assert (reply.status, reply.json["code"]) == (409, "auth.missing")


def test_what_the_service_may_do_at_the_hub(hub: RealHub) -> None:
    """Never `access:servers`: what it would show a server, the server could replay."""
    environment = hub.service_environment()
    model = hub.api("user", token=environment["JUPYTERHUB_API_TOKEN"]).json
    assert model["kind"] == "service"
    scopes = {scope.partition("!")[0] for scope in model["scopes"]}
    assert {"list:users", "read:users:activity", "read:users:groups", "servers"} <= scopes
    assert not {scope for scope in scopes if scope.startswith(("access:", "admin:"))}
    assert "DRIVE_SYNC_CRYPT_KEY" in environment
    assert environment["DRIVE_SYNC_CRYPT_KEY"] not in str(hub.server_environment("alice"))


def test_what_lies_on_disk(hub: RealHub) -> None:
    for path in [hub.folder / "drive-sync", *(hub.folder / "drive-sync").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_no_secret_is_in_the_log(hub: RealHub) -> None:
    secret = json.loads((hub.folder / "client_secrets.json").read_text())["web"]["client_secret"]
    log = hub.log
    for word in (secret, "1//0", "ya29.", "code=4", ADMIN_TOKEN):
        assert word not in log


def test_the_pages_are_there_past_the_proxy(hub: RealHub) -> None:
    browser = hub.log_in("carol")
    page = browser.send("services/drive-sync/")
    assert (page.status, page.verdict) == (200, "overview")
    assert "carol" in page.text
    assert call(f"{hub.url}services/drive-sync/nothing", "GET", "").status == 404


def _values(found: Any) -> Any:
    return found.values() if isinstance(found, dict) else found
