"""Consent, tokens and their ends, at LocalDrive's addresses and under a clock that tests turn."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request as AuthRequest
from google_auth_oauthlib.flow import InstalledAppFlow
from oauthlib.oauth2 import InvalidGrantError

from jupyter_drive_sync.localdrive.accounts import DRIVE_FILE, Client, check_registrable
from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.oauth import DAY, OAuth, TokenError
from jupyter_drive_sync.localdrive.oauth_routes import ConsentRoutes
from jupyter_drive_sync.localdrive.replies import ApiError
from jupyter_drive_sync.localdrive.routing import Principal, Router
from jupyter_drive_sync.localdrive.store import FolderStore
from jupyter_drive_sync.localdrive.wire import Request, Response

ANN, BEN = "ann@example.edu", "ben@example.edu"
DRIVE = "https://www.googleapis.com/auth/drive"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
LOOPBACK = "http://127.0.0.1:8765/callback"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class FormReader(HTMLParser):
    """Collects what a browser would send with the page's form, untouched by its user."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.boxes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        if tag != "input":
            return
        if given["type"] == "checkbox":
            self.boxes.append(given["value"])
        if given["type"] in ("hidden", "text") or "checked" in given:
            self.fields.append((given["name"], given["value"]))


class Site:
    """LocalDrive's consent, called in process as a browser and a program would call it."""

    def __init__(self, store: FolderStore | None = None) -> None:
        self.clock = ManualClock()
        self.oauth = OAuth(self.clock, 7, store)
        self.router = Router(ConsentRoutes(self.oauth, self.clock).routes())

    def client(self, kind: str = "desktop") -> Client:
        return next(client for client in self.oauth.clients if client.kind == kind)

    def send(self, request: Request) -> Response:
        call = self.router.find(request)
        assert call is not None, request.path
        return call.route.handler(call)

    def get(self, path: str, **parameters: str) -> Response:
        return self.send(Request.make("GET", f"{path}?{urlencode(parameters)}"))

    def post(
        self,
        path: str,
        form: Mapping[str, str] | list[tuple[str, str]],
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        return self.send(Request.make("POST", path, headers={**kind, **(headers or {})}, body=body))

    def auth(self, kind: str = "desktop", **parameters: str) -> Response:
        """Open the authorization endpoint; a parameter of "" is left out."""
        asked = {
            "client_id": self.client(kind).client_id,
            "redirect_uri": LOOPBACK,
            "response_type": "code",
            "scope": DRIVE_FILE,
            "access_type": "offline",
            **parameters,
        }
        return self.get("/o/oauth2/v2/auth", **{k: v for k, v in asked.items() if v})

    def press(
        self, page: Response, decision: str = "allow", account: str = ANN, **more: str
    ) -> Response:
        """Answer a consent page."""
        form = FormReader(page.content().decode())
        fields = [(name, value) for name, value in form.fields if name != "account"]
        fields += [("account", account), ("decision", decision), *more.items()]
        return self.post(form.action, fields)

    def token(self, kind: str = "desktop", **form: str) -> Response:
        client = self.client(kind)
        secret = {"client_id": client.client_id, "client_secret": client.secret}
        return self.post("/token", {**secret, **form})

    def exchange(self, code: str, **form: str) -> Response:
        given = {"grant_type": "authorization_code", "redirect_uri": LOOPBACK, **form}
        return self.token(code=code, **given)

    def refresh(self, token: str, kind: str = "desktop", **form: str) -> Response:
        return self.token(kind, grant_type="refresh_token", refresh_token=token, **form)

    def consented(self, account: str = ANN, **parameters: str) -> dict[str, Any]:
        """Go all the way and return the token reply."""
        reply = self.auth(**parameters)
        if reply.status == 200:
            reply = self.press(reply, account=account)
        return dict(self.exchange(answer(reply)["code"]).json())


def answer(reply: Response) -> dict[str, str]:
    """Return what a redirect carries to the app."""
    assert reply.status == 302, reply.content()
    query = parse_qs(urlsplit(reply.headers["Location"]).query, keep_blank_values=True)
    return {name: values[0] for name, values in query.items()}


def text(reply: Response) -> str:
    return reply.content().decode()


@pytest.fixture
def site() -> Site:
    return Site()


# Consent in a browser.


def test_consent_from_page_to_principal(site: Site) -> None:
    page = site.auth(state="a b&c=ü")
    assert page.status == 200
    assert "Jupyter Drive Sync" in text(page)
    assert "only those Drive files" in text(page)
    assert FormReader(text(page)).boxes == []  # a single scope comes with Allow
    carried = answer(site.press(page))
    assert carried["state"] == "a b&c=ü"
    assert carried["scope"] == DRIVE_FILE
    reply = site.exchange(carried["code"])
    assert reply.headers["Cache-Control"].startswith("no-cache")
    tokens = reply.json()
    assert tokens["expires_in"] == 3599
    assert tokens["token_type"] == "Bearer"
    assert tokens["scope"] == DRIVE_FILE
    assert "id_token" not in tokens
    assert "refresh_token_expires_in" not in tokens
    project = site.client().project
    bearer = site.oauth.authenticate(tokens["access_token"])
    assert bearer == Principal(ANN, project, frozenset({DRIVE_FILE}))


def test_cancel_is_access_denied(site: Site) -> None:
    carried = answer(site.press(site.auth(state="s"), "deny"))
    assert carried == {"state": "s", "error": "access_denied"}
    assert site.oauth.grants == ()


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"redirect_uri": ""}, 400, "invalid_request"),
        ({"redirect_uri": "urn:ietf:wg:oauth:2.0:oob"}, 400, "invalid_request"),
        ({"redirect_uri": "urn:ietf:wg:oauth:2.0:oob:auto"}, 400, "invalid_request"),
        ({"redirect_uri": "https://example.edu/callback"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://127.0.0.1.evil.example/"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://localhost@evil.example/"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://127.0.0.1:99999/"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://127.0.0.1:8765/"}, 400, "redirect_uri_mismatch"),
        ({"response_type": ""}, 400, "invalid_request"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": ""}, 400, "invalid_request"),
        ({"scope": "drive.file"}, 400, "invalid_scope"),
        ({"access_type": "always"}, 400, "invalid_request"),
        ({"prompt": "none consent"}, 400, "invalid_request"),
        ({"prompt": "login"}, 400, "invalid_request"),
        ({"code_challenge": "short"}, 400, "invalid_request"),
        ({"code_challenge": "x" * 43, "code_challenge_method": "S512"}, 400, "invalid_request"),
        ({"code_challenge_method": "S256"}, 400, "invalid_request"),
    ],
)
def test_bad_requests_end_in_a_page_never_in_a_redirect(
    site: Site, changed: dict[str, str], status: int, code: str
) -> None:
    reply = site.auth(**changed)
    assert reply.status == status
    assert f"Error {status}: {code}" in text(reply)
    assert "Location" not in reply.headers


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:1/", "http://[::1]:2/x", "http://localhost:3", "http://127.0.0.1"]
)
def test_desktop_clients_return_to_any_loopback_port(site: Site, uri: str) -> None:
    carried = site.press(site.auth(redirect_uri=uri))
    assert carried.headers["Location"].startswith(uri)


def test_web_clients_match_letter_by_letter(site: Site) -> None:
    registered = site.client("web").redirect_uris[0]
    assert site.auth("web", redirect_uri=registered).status == 200
    for other in (registered + "/", registered.upper(), registered + "?x=1", LOOPBACK):
        assert "redirect_uri_mismatch" in text(site.auth("web", redirect_uri=other))
    uri = "https://hub.example.edu/callback?kept=1"
    site.oauth.add_redirect_uri(site.client("web").client_id, uri)
    location = site.press(site.auth("web", redirect_uri=uri, state="s")).headers["Location"]
    assert location.startswith(uri + "&state=s&code=")


@pytest.mark.parametrize(
    "uri",
    [
        "http://example.edu/cb",
        "https://example.edu/*",
        "https://example.edu/cb#top",
        "https://10.0.0.1/cb",
        "https://user@example.edu/cb",
        "/cb",
    ],
)
def test_the_console_refuses_addresses_that_google_refuses(uri: str) -> None:
    with pytest.raises(ValueError, match="redirect address"):
        check_registrable(uri)


def test_tv_clients_have_no_redirect(site: Site) -> None:
    assert "redirect_uri_mismatch" in text(site.auth("tv"))


def test_a_page_is_answered_once_and_only_while_fresh(site: Site) -> None:
    page = site.auth()
    assert site.press(page).status == 302
    again = site.press(page)
    assert (again.status, "stale_page" in text(again)) == (400, True)
    old = site.auth(prompt="consent")
    site.clock.advance(1_801)
    assert site.press(old).status == 400
    forged = site.post("/signin/oauth/consent", {"decision": "allow", "account": ANN})
    assert forged.status == 400
    assert site.press(site.auth(prompt="consent"), account="eve@example.edu").status == 400
    assert site.press(site.auth(prompt="consent"), decision="perhaps").status == 400


def test_several_scopes_have_boxes_that_are_not_ticked(site: Site) -> None:
    scopes = f"openid email {DRIVE_FILE} {DRIVE}.appdata"
    page = site.auth(scope=scopes)
    assert FormReader(text(page)).boxes == ["all", DRIVE_FILE, f"{DRIVE}.appdata"]
    untouched = site.exchange(answer(site.press(page))["code"]).json()
    assert untouched["scope"] == f"openid {EMAIL}"
    ticked = site.press(site.auth(scope=scopes), scope=DRIVE_FILE)
    assert answer(ticked)["scope"] == f"openid {EMAIL} {DRIVE_FILE}"
    everything = site.press(site.auth(scope=scopes), account=BEN, scope="all")
    assert answer(everything)["scope"] == f"openid {EMAIL} {DRIVE_FILE} {DRIVE}.appdata"


def test_nothing_ticked_is_a_refusal_and_extra_ticks_give_nothing(site: Site) -> None:
    scopes = f"{DRIVE_FILE} {DRIVE}.appdata"
    assert answer(site.press(site.auth(scope=scopes)))["error"] == "access_denied"
    more = site.press(site.auth(scope=scopes), scope=DRIVE)
    assert answer(more)["error"] == "access_denied"


def test_restricted_scopes_are_said_to_be_so(site: Site) -> None:
    assert 'class="note"' in text(site.auth(scope=DRIVE))
    assert 'class="note"' not in text(site.auth())


def test_a_refresh_token_comes_at_first_consent_and_when_asked_for(site: Site) -> None:
    assert "refresh_token" in site.consented()
    silent = site.auth(login_hint=ANN)
    assert silent.status == 302  # allowed before: no page
    assert "refresh_token" not in site.exchange(answer(silent)["code"]).json()
    assert "refresh_token" not in site.consented()  # by the account chooser
    assert "refresh_token" in site.consented(prompt="consent", login_hint=ANN)
    assert "refresh_token" in site.consented(approval_prompt="force")
    assert "refresh_token" in site.consented(scope=f"{DRIVE}.appdata")  # a new scope
    assert "refresh_token" not in site.consented(BEN, access_type="online")


def test_login_hint_takes_the_account_and_select_account_asks(site: Site) -> None:
    by_number = site.auth(login_hint=site.oauth.account(BEN).subject)
    assert BEN in text(by_number)
    assert ANN not in text(by_number)
    assert "Choose an account" in text(site.auth())
    assert "Choose an account" in text(site.auth(login_hint="nobody@example.edu"))
    site.consented()
    assert "Choose an account" in text(site.auth(login_hint=ANN, prompt="select_account"))


def test_prompt_none_never_shows_a_page(site: Site) -> None:
    assert answer(site.auth(prompt="none", login_hint=ANN))["error"] == "interaction_required"
    site.consented()
    assert "code" in answer(site.auth(prompt="none", login_hint=ANN))
    assert answer(site.auth(prompt="none"))["error"] == "interaction_required"  # which account?


def test_earlier_grants_join_when_asked(site: Site) -> None:
    site.consented(scope=f"{DRIVE}.appdata")
    joined = site.consented(include_granted_scopes="true")
    assert joined["scope"] == f"{DRIVE_FILE} {DRIVE}.appdata"
    alone = site.consented(prompt="consent")
    assert alone["scope"] == DRIVE_FILE


def test_hostile_names_are_shown_not_run(site: Site) -> None:
    hostile = "<script>alert(1)</script>\u202egnp\x00"
    project = site.oauth.add_project("evil", hostile)
    client = site.oauth.add_client(project.number, "desktop")
    page = text(site.auth(client_id=client.client_id))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    mismatch = text(site.auth(redirect_uri="http://x/<img src=x>"))
    assert "<img" not in mismatch


def test_pages_forbid_scripts_and_frames(site: Site) -> None:
    for page in (site.auth(), site.auth(scope=""), site.get("/device"), site.get("/permissions")):
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Cache-Control"] == "no-store"


# The token endpoint.


def test_a_code_works_once(site: Site) -> None:
    code = answer(site.press(site.auth()))["code"]
    assert site.exchange(code).status == 200
    again = site.exchange(code)
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_lives_ten_minutes_and_fits_its_request_only(site: Site) -> None:
    code = answer(site.press(site.auth()))["code"]
    elsewhere = site.exchange(code, redirect_uri="http://127.0.0.1:1/")
    assert (elsewhere.status, elsewhere.json()["error"]) == (400, "redirect_uri_mismatch")
    other = site.token("web", grant_type="authorization_code", code=code, redirect_uri=LOOPBACK)
    assert other.json()["error"] == "invalid_grant"
    site.clock.advance(601)
    assert site.exchange(code).json()["error"] == "invalid_grant"


def test_pkce_needs_the_verifier(site: Site) -> None:
    verifier = "v" * 50
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    s256 = {"code_challenge": hashed.decode().rstrip("="), "code_challenge_method": "S256"}
    plain = {"code_challenge": verifier, "prompt": "consent"}

    def code(**challenge: str) -> str:
        return answer(site.press(site.auth(**challenge)))["code"]

    assert site.exchange(code(**s256), code_verifier=verifier).status == 200
    assert site.exchange(code(**plain), code_verifier=verifier).status == 200
    for bad in ("w" * 50, ""):
        spent = code(**s256)
        assert site.exchange(spent, code_verifier=bad).json()["error"] == "invalid_grant"
        assert site.exchange(spent, code_verifier=verifier).status == 400
    assert site.exchange(code(), code_verifier=verifier).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"refresh_token": "1//unknown"}, 400, "invalid_grant"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"scope": DRIVE}, 400, "invalid_scope"),
    ],
)
def test_bad_token_requests(site: Site, form: dict[str, str], status: int, error: str) -> None:
    token = site.consented()["refresh_token"]
    reply = site.token(**{"grant_type": "refresh_token", "refresh_token": token, **form})
    assert (reply.status, reply.json()["error"]) == (status, error)
    assert reply.json()["error_description"]


def test_clients_may_show_their_secret_in_the_header(site: Site) -> None:
    token = site.consented()["refresh_token"]
    client = site.client()
    form = {"grant_type": "refresh_token", "refresh_token": token}

    def basic(word: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(word.encode()).decode()}

    good = site.post("/oauth2/v4/token", form, basic(f"{client.client_id}:{client.secret}"))
    assert good.status == 200
    wrong = site.post("/token", form, basic(f"{client.client_id}:wrong"))
    assert (wrong.status, wrong.json()["error"]) == (401, "invalid_client")
    broken = site.post("/token", form, {"Authorization": "Basic ???"})
    assert broken.json()["error"] == "invalid_client"


def test_a_body_that_is_no_form_or_too_long_is_refused(site: Site) -> None:
    request = Request.make(
        "POST", "/token", headers={"Content-Type": "application/json"}, body=b'{"grant_type": "x"}'
    )
    assert site.send(request).json()["error"] == "invalid_request"
    assert site.post("/token", {"code": "x" * 70_000}).status == 413


def test_refresh_gives_an_hour_and_can_narrow(site: Site) -> None:
    first = site.consented(BEN, scope=f"openid {DRIVE_FILE}", prompt="consent")
    assert first["scope"] == "openid"  # the box was left as it was
    tokens = site.oauth.grant(ANN, site.client().client_id, ["email", DRIVE_FILE])
    assert tokens.refresh_token is not None
    fresh = site.refresh(tokens.refresh_token).json()
    assert fresh["scope"] == f"{EMAIL} {DRIVE_FILE}"
    assert "refresh_token" not in fresh
    narrow = site.refresh(tokens.refresh_token, scope=DRIVE_FILE).json()
    bearer = site.oauth.authenticate(narrow["access_token"])
    assert bearer is not None
    assert bearer.scopes == {DRIVE_FILE}
    site.clock.advance(3_599)
    assert site.oauth.authenticate(fresh["access_token"]) is not None
    site.clock.advance(1)
    assert site.oauth.authenticate(fresh["access_token"]) is None


def test_another_clients_refresh_token_is_unauthorized(site: Site) -> None:
    token = site.consented()["refresh_token"]
    reply = site.refresh(token, "web")
    assert (reply.status, reply.json()["error"]) == (401, "unauthorized_client")


def test_while_testing_a_refresh_token_dies_after_seven_days(site: Site) -> None:
    project = site.client().project
    site.oauth.publish(project, "testing")
    tokens = site.consented()
    assert tokens["refresh_token_expires_in"] == 7 * 86_400 - 1
    site.clock.advance(7 * DAY - 1)
    assert site.refresh(tokens["refresh_token"]).status == 200
    site.clock.advance(1)
    dead = site.refresh(tokens["refresh_token"])
    assert (dead.status, dead.json()["error"]) == (400, "invalid_grant")
    site.oauth.publish(project, "production")
    lasting = site.consented(prompt="consent")["refresh_token"]
    site.clock.advance(8 * DAY)
    assert site.refresh(lasting).status == 200


def test_while_testing_only_test_users_get_in(site: Site) -> None:
    site.oauth.publish(site.client().project, "testing", [BEN])
    page = site.press(site.auth())
    assert (page.status, "Error 403: access_denied" in text(page)) == (403, True)
    assert site.press(site.auth(), account=BEN).status == 302


def test_sign_in_alone_does_not_die_while_testing(site: Site) -> None:
    site.oauth.publish(site.client().project, "testing")
    token = site.consented(scope="openid email")["refresh_token"]
    site.clock.advance(8 * DAY)
    assert site.refresh(token).status == 200


def test_six_months_unused_is_the_end(site: Site) -> None:
    used, unused = (site.consented(prompt="consent")["refresh_token"] for _ in range(2))
    for _ in range(2):
        site.clock.advance(91 * DAY)
        site.refresh(used)
    assert site.refresh(used).status == 200
    assert site.refresh(unused).json()["error"] == "invalid_grant"


def test_the_hundred_and_first_refresh_token_ends_the_oldest(site: Site) -> None:
    client = site.client().client_id
    tokens = [site.oauth.grant(ANN, client, [DRIVE_FILE]).refresh_token for _ in range(101)]
    other = site.oauth.grant(BEN, client, [DRIVE_FILE]).refresh_token
    alive = [token for token in tokens if token and site.refresh(token).status == 200]
    assert alive == tokens[1:]
    assert other is not None
    assert site.refresh(other).status == 200


def test_id_tokens_say_who(site: Site) -> None:
    tokens = site.consented(scope="openid email profile", nonce="n1")
    parts = tokens["id_token"].split(".")
    head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in parts[:2])
    assert head["alg"] == "HS256"
    assert claims["aud"] == site.client().client_id
    assert claims["email"] == ANN
    assert claims["nonce"] == "n1"
    assert claims["hd"] == "example.edu"
    assert claims["sub"] == site.oauth.account(ANN).subject
    assert claims["exp"] - claims["iat"] == 3_600


# Devices.


def start(site: Site, scope: str = DRIVE_FILE, kind: str = "tv") -> Response:
    form = {"client_id": site.client(kind).client_id, "scope": scope}
    return site.post("/device/code", form)


def poll(site: Site, device_code: str) -> Response:
    return site.token("tv", grant_type=DEVICE_GRANT, device_code=device_code)


def test_a_device_waits_for_its_user(site: Site) -> None:
    device = start(site).json()
    assert device["verification_url"] == "http://localdrive/device"
    assert (device["interval"], device["expires_in"]) == (5, 1_800)
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", device["user_code"])
    waiting = poll(site, device["device_code"])
    assert (waiting.status, waiting.json()["error"]) == (428, "authorization_pending")
    hasty = poll(site, device["device_code"])
    assert (hasty.status, hasty.json()["error"]) == (403, "slow_down")
    site.clock.advance(9)
    assert poll(site, device["device_code"]).json()["error"] == "slow_down"  # now 10 s apart
    typed = device["user_code"].lower().replace("-", " ")
    told = site.press(site.get("/device", user_code=typed), account=BEN)
    assert "Device connected" in text(told)
    site.clock.advance(20)
    tokens = poll(site, device["device_code"]).json()
    assert tokens["scope"] == DRIVE_FILE
    assert site.refresh(tokens["refresh_token"], "tv").status == 200
    assert poll(site, device["device_code"]).json()["error"] == "invalid_grant"


def test_a_device_may_be_refused_or_forgotten(site: Site) -> None:
    denied, late = start(site).json(), start(site).json()
    page = site.get("/device", user_code=denied["user_code"])
    assert "not connected" in text(site.press(page, "deny"))
    reply = poll(site, denied["device_code"])
    assert (reply.status, reply.json()["error"]) == (403, "access_denied")
    site.clock.advance(1_800)
    assert poll(site, late["device_code"]).json()["error"] == "expired_token"
    assert "too old" in text(site.get("/device", user_code=late["user_code"]))
    assert 'type="text"' in text(site.get("/device"))


@pytest.mark.parametrize(
    ("scope", "kind", "status", "error"),
    [
        (DRIVE, "tv", 400, "invalid_scope"),
        (f"{DRIVE_FILE} {DRIVE}", "tv", 400, "invalid_scope"),
        ("", "tv", 400, "invalid_request"),
        (DRIVE_FILE, "desktop", 401, "invalid_client"),
    ],
)
def test_what_devices_may_not_have(
    site: Site, scope: str, kind: str, status: int, error: str
) -> None:
    reply = start(site, scope, kind)
    assert (reply.status, reply.json()["error"]) == (status, error)


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
