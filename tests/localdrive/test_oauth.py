"""The ends of consent, what programs may ask, and Google's own libraries against LocalDrive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request as AuthRequest
from google_auth_oauthlib.flow import InstalledAppFlow
from oauthlib.oauth2 import InvalidGrantError

from jupyter_drive_sync.localdrive.accounts import DRIVE_FILE
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.oauth import TokenError
from jupyter_drive_sync.localdrive.replies import ApiError
from jupyter_drive_sync.localdrive.store import FolderStore
from jupyter_drive_sync.localdrive.wire import Request
from tests.localdrive.consenting import ANN, BEN, LOOPBACK, FormReader, Site, answer, start, text

# The ends of consent.


def test_revoking_one_token_ends_all_of_the_project(site: Site) -> None:
    desktop = site.consented()
    web = site.oauth.grant(ANN, site.client("web").client_id, [DRIVE_FILE])
    other_app = site.oauth.add_client(site.oauth.add_project("other", "Other").number, "desktop")
    theirs = site.oauth.grant(ANN, other_app.client_id, [DRIVE_FILE])
    bens = site.oauth.grant(BEN, site.client().client_id, [DRIVE_FILE])
    reply = site.post("/revoke", {"token": desktop["access_token"]})
    assert (reply.status, reply.json()) == (200, {})
    assert site.refresh(desktop["refresh_token"]).json()["error"] == "invalid_grant"
    assert site.oauth.authenticate(web.access_token) is None
    assert site.oauth.authenticate(theirs.access_token) is not None
    assert site.oauth.authenticate(bens.access_token) is not None
    again = site.get("/o/oauth2/revoke", token=desktop["refresh_token"])
    assert (again.status, again.json()["error"]) == (400, "invalid_token")
    assert site.post("/revoke", {}).json()["error"] == "invalid_request"
    assert "refresh_token" in site.consented()  # a first consent again


def test_a_person_removes_an_app_with_a_button(site: Site) -> None:
    tokens = site.consented()
    page = site.get("/permissions", account=ANN)
    assert "Remove access of Jupyter Drive Sync" in text(page)
    form = FormReader(text(page))
    gone = site.post(form.action, form.fields)
    assert gone.headers["Location"] == "/permissions?account=ann%40example.edu"
    assert site.oauth.authenticate(tokens["access_token"]) is None
    assert "No app has access" in text(site.get("/permissions", account=ANN))
    assert site.post(form.action, form.fields).status == 400  # the nonce is spent
    consent = FormReader(text(site.auth())).fields
    assert site.post(form.action, consent).status == 400  # another page's nonce


def test_deleted_clients_say_so(site: Site) -> None:
    token = site.consented()["refresh_token"]
    site.oauth.delete_client(site.client().client_id)
    reply = site.refresh(token)
    assert (reply.status, reply.json()["error"]) == (401, "deleted_client")
    page = site.auth()
    assert (page.status, "deleted_client" in text(page)) == (401, True)


def test_an_organisation_may_block_the_app(site: Site) -> None:
    tokens = site.consented()
    site.oauth.block(site.client().project, "example.edu")
    page = site.press(site.auth(prompt="consent"))
    assert (page.status, "admin_policy_enforced" in text(page)) == (400, True)
    assert site.refresh(tokens["refresh_token"]).json()["error"] == "admin_policy_enforced"
    with pytest.raises(ApiError) as refused:
        site.oauth.authenticate(tokens["access_token"])
    assert refused.value.reason == "domainPolicy"
    site.oauth.add_account("eve@gmail.com", "Eve")
    assert "code" in answer(site.press(site.auth(), account="eve@gmail.com"))


def test_a_project_without_the_drive_api(site: Site) -> None:
    tokens = site.consented()
    site.oauth.switch_drive(site.client().project, on=False)
    with pytest.raises(ApiError) as refused:
        site.oauth.authenticate(tokens["access_token"])
    assert (refused.value.status, refused.value.reason) == (403, "accessNotConfigured")
    site.oauth.switch_drive(site.client().project, on=True)
    assert site.oauth.authenticate(tokens["access_token"]) is not None


def test_suspended_accounts_and_ended_sessions(site: Site) -> None:
    tokens = site.consented()
    site.oauth.end_access_tokens(ANN)
    assert site.oauth.authenticate(tokens["access_token"]) is None
    assert site.refresh(tokens["refresh_token"]).status == 200
    site.oauth.end_session(ANN)
    assert site.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    again = site.consented(prompt="consent")
    site.oauth.disable_account(ANN)
    assert site.oauth.authenticate(again["access_token"]) is None
    assert site.refresh(again["refresh_token"]).json()["error"] == "invalid_grant"
    assert site.press(site.auth(prompt="consent")).status == 403


# What programs may ask.


def test_token_info_and_user_info(site: Site) -> None:
    tokens = site.consented(scope="openid email profile")
    info = site.get("/tokeninfo", access_token=tokens["access_token"]).json()
    assert info["aud"] == site.client().client_id
    assert info["expires_in"] == "3600"
    assert info["email"] == ANN
    assert info["access_type"] == "offline"
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    user = site.send(Request.make("GET", "/oauth2/v3/userinfo", headers=bearer)).json()
    assert user["name"] == "Ann Example"
    assert user["family_name"] == "Example"
    old = site.send(Request.make("GET", "/oauth2/v2/userinfo", headers=bearer)).json()
    assert (old["id"], old["verified_email"]) == (user["sub"], True)
    assert site.get("/tokeninfo", access_token="x").json()["error"] == "invalid_token"
    assert site.get("/oauth2/v3/userinfo", access_token="x").status == 401
    drive_only = site.oauth.grant(ANN, site.client().client_id, [DRIVE_FILE]).access_token
    assert site.get("/oauth2/v3/userinfo", access_token=drive_only).status == 401
    assert "email" not in site.get("/tokeninfo", access_token=drive_only).json()


def test_discovery_names_addresses_that_answer(site: Site) -> None:
    found = site.get("/.well-known/openid-configuration").json()
    addresses = {
        name: value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))
    }
    assert len(addresses) == 6
    for value in addresses.values():
        assert site.router.methods(urlsplit(value).path), value
    assert site.get("/oauth2/v3/certs").json() == {"keys": []}
    assert site.get("/oauth2/v1/certs").json() == {}


def test_client_files_are_like_the_consoles(site: Site) -> None:
    url = "http://127.0.0.1:4000"
    desktop = site.oauth.client_file(site.client().client_id, url)["installed"]
    assert desktop["redirect_uris"] == ["http://localhost"]
    assert desktop["token_uri"] == f"{url}/token"
    assert desktop["project_id"] == "drive-sync-demo"
    web = site.oauth.client_file(site.client("web").client_id, url)["web"]
    assert web["redirect_uris"] == list(site.client("web").redirect_uris)
    tv = site.oauth.client_file(site.client("tv").client_id, url)["installed"]
    assert "redirect_uris" not in tv
    for body in (desktop, web, tv):
        assert site.router.methods(urlsplit(body["auth_uri"]).path) == {"GET"}
        assert site.router.methods(urlsplit(body["token_uri"]).path) == {"POST"}


# Determinism and restarts.


def test_same_seed_same_values() -> None:
    assert Site().consented() == Site().consented()


def test_consent_survives_a_restart(tmp_path: Path) -> None:
    before = Site(FolderStore(tmp_path))
    tokens = before.consented()
    pending = start(before).json()
    store = FolderStore(tmp_path)
    after = Site(store)
    assert after.oauth.accounts == before.oauth.accounts
    assert after.oauth.clients == before.oauth.clients
    assert after.oauth.authenticate(tokens["access_token"]) is not None
    assert after.refresh(tokens["refresh_token"]).status == 200
    assert after.oauth.find_device(pending["user_code"]) is not None
    fresh = after.consented(prompt="consent")
    assert fresh["refresh_token"] != tokens["refresh_token"]  # the same values never come twice
    after.post("/revoke", {"token": tokens["refresh_token"]})
    third = Site(store)
    assert third.oauth.grants == ()
    with pytest.raises(TokenError, match="invalid_grant"):
        third.oauth.refresh(third.client(), tokens["refresh_token"])


def test_accounts_keep_their_number_when_renamed(site: Site) -> None:
    before = site.oauth.account(ANN)
    after = site.oauth.add_account(ANN, "Ann")
    assert (after.name, after.subject) == ("Ann", before.subject)
    with pytest.raises(KeyError):
        site.oauth.account("nobody@example.edu")
    tokens = site.oauth.grant(ANN, site.client().client_id, ["profile"])
    user = site.get("/oauth2/v3/userinfo", access_token=tokens.access_token).json()
    assert (user["given_name"], "family_name" in user) == ("Ann", False)


def test_very_many_open_pages_forget_the_oldest(site: Site) -> None:
    first = site.auth()
    pages = [site.auth() for _ in range(1_000)]
    assert site.press(first).status == 400
    assert site.press(pages[0]).status == 302


def test_an_answer_for_a_device_that_gave_up_is_out_of_date(site: Site) -> None:
    device = start(site).json()
    page = site.get("/device", user_code=device["user_code"])
    other = site.get("/device", user_code=device["user_code"])
    assert "Device connected" in text(site.press(page))
    assert site.press(other).status == 400  # decided meanwhile
    late = start(site).json()
    page = site.get("/device", user_code=late["user_code"])
    site.oauth.block(site.client().project, "example.edu")
    assert "admin_policy_enforced" in text(site.press(page))


def test_an_endless_answer_is_refused(site: Site) -> None:
    reply = site.post("/signin/oauth/consent", {"ticket": "x" * 70_000})
    assert (reply.status, "too large" in text(reply)) == (400, True)


# As Google's own client libraries see it, over HTTP.


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalDriveServer]:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # plain http, on the loopback only
    with LocalDrive() as drive, LocalDriveServer(drive) as started:
        yield started


def follow(address: str, **answer_with: str) -> str:
    """Consent over HTTP as a browser does; return the address that the app would be sent to."""
    session = requests.Session()
    page = session.get(address, timeout=10)
    form = FormReader(page.text)
    fields = [*form.fields, ("decision", "allow"), *answer_with.items()]
    action = urljoin(address, form.action)
    reply = session.post(action, data=fields, allow_redirects=False, timeout=10)
    session.close()
    return str(reply.headers["Location"])


@pytest.mark.usefixtures("silenced")
def test_googles_own_library_consents_refreshes_and_revokes(server: LocalDriveServer) -> None:
    oauth = server.drive.oauth
    config = oauth.client_file(oauth.client_of_kind("desktop").client_id, server.url)
    flow = InstalledAppFlow.from_client_config(config, [DRIVE_FILE], redirect_uri=LOOPBACK)
    address, state = flow.authorization_url(access_type="offline", prompt="consent")
    assert "code_challenge=" in address  # the library sends PKCE by itself
    returned = follow(address)
    assert parse_qs(urlsplit(returned).query)["state"] == [state]
    flow.fetch_token(authorization_response=returned)
    credentials = flow.credentials
    assert credentials.granted_scopes == [DRIVE_FILE]
    assert credentials.refresh_token
    old = credentials.token
    credentials.refresh(AuthRequest())
    assert credentials.token != old
    bearer = oauth.authenticate(credentials.token)
    assert bearer is not None
    assert bearer.account == ANN
    gone = requests.post(
        f"{server.url}/revoke", data={"token": credentials.refresh_token}, timeout=10
    )
    assert gone.status_code == 200
    with pytest.raises(RefreshError, match="invalid_grant"):
        credentials.refresh(AuthRequest())
    flow.oauth2session.close()


@pytest.mark.usefixtures("silenced")
def test_googles_own_library_meets_a_wrong_verifier(server: LocalDriveServer) -> None:
    oauth = server.drive.oauth
    config = oauth.client_file(oauth.client_of_kind("desktop").client_id, server.url)
    flow = InstalledAppFlow.from_client_config(config, [DRIVE_FILE], redirect_uri=LOOPBACK)
    returned = follow(flow.authorization_url()[0])
    flow.code_verifier = "w" * 64
    with pytest.raises(InvalidGrantError, match="code verifier"):
        flow.fetch_token(authorization_response=returned)
    flow.oauth2session.close()


def test_token_requests_are_counted_apart(server: LocalDriveServer) -> None:
    requests.post(f"{server.url}/token", data={"grant_type": "x"}, timeout=10)
    assert server.drive.log.count() == 0
    assert [record.endpoint for record in server.drive.log.records] == ["oauth.token"]
