"""LocalDrive's token endpoint: codes, PKCE, refresh tokens and their lives."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from jupyter_drive_sync.localdrive.accounts import DRIVE_FILE
from jupyter_drive_sync.localdrive.oauth import DAY
from jupyter_drive_sync.localdrive.wire import Request
from tests.localdrive.consenting import (
    ANN,
    BEN,
    DRIVE,
    EMAIL,
    LOOPBACK,
    Site,
    answer,
    text,
)


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
