"""Consent in a browser: what LocalDrive's pages ask, show, and answer."""

from __future__ import annotations

import pytest

from jupyter_drive_sync.localdrive.accounts import DRIVE_FILE, check_registrable
from jupyter_drive_sync.localdrive.routing import Principal
from tests.localdrive.consenting import (
    ANN,
    BEN,
    DRIVE,
    EMAIL,
    LOOPBACK,
    FormReader,
    Site,
    answer,
    text,
)


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
