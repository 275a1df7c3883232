"""OAuth as Google documents it, spoken by hand: code with PKCE, device, scopes, revocation.

Sources: Google Identity, "OAuth 2.0 for iOS & Desktop Apps", "OAuth 2.0 for TV and Limited-Input
Device Applications", "How to handle granular permissions"; RFC 7636, RFC 8628, RFC 7009.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest

from jupyter_drive_sync.localdrive.accounts import AUTH, DRIVE_FILE, Client
from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from tests.acceptance.browser import Person

ANN = "ann@example.edu"
VERIFIER = "v" * 64
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def clock() -> ManualClock:  # type: ignore[override]
    return ManualClock()


@pytest.fixture
def drive(clock: ManualClock) -> Iterator[LocalDrive]:
    with LocalDrive(seed=1, clock=clock) as whole:
        yield whole


@pytest.fixture
def server(drive: LocalDrive) -> Iterator[LocalDriveServer]:
    with LocalDriveServer(drive) as running:
        yield running


@pytest.fixture
def client(drive: LocalDrive) -> Client:
    return drive.oauth.client_of_kind("desktop")


def post(url: str, **form: str) -> tuple[int, dict[str, Any]]:
    """Post a form; return the status and the JSON that came back."""
    try:
        with urlopen(Request(url, urlencode(form).encode())) as reply:  # noqa: S310
            return reply.status, json.load(reply)
    except HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)


@contextlib.contextmanager
def landing() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A redirect address on the loopback, and what arrives there."""
    arrived: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            arrived.append({name: values[0] for name, values in query.items()})
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"done")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.server_port}/back", arrived
        finally:
            listener.shutdown()
            thread.join()


def ask(server: LocalDriveServer, client: Client, redirect: str, **more: str) -> str:
    """The address at which a person is asked for consent."""
    query = {
        "client_id": client.client_id,
        "redirect_uri": redirect,
        "response_type": "code",
        "scope": DRIVE_FILE,
        "access_type": "offline",
        "state": "as it was",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }
    return f"{server.url}/o/oauth2/v2/auth?{urlencode(query)}"


def exchange(
    server: LocalDriveServer, client: Client, code: str, redirect: str, verifier: str = VERIFIER
) -> tuple[int, dict[str, Any]]:
    return post(
        f"{server.url}/token",
        grant_type="authorization_code",
        code=code,
        redirect_uri=redirect,
        code_verifier=verifier,
        client_id=client.client_id,
        client_secret=client.secret,
    )


def consented(
    server: LocalDriveServer, client: Client, person: Person | None = None, **more: str
) -> tuple[dict[str, str], str]:
    """Let a person answer; return what came back and the redirect address."""
    with landing() as (redirect, arrived):
        (person or Person(ANN)).answer(ask(server, client, redirect, **more))
    (answer,) = arrived
    return answer, redirect


def test_a_code_becomes_tokens_once(server: LocalDriveServer, client: Client) -> None:
    """Source: OAuth 2.0 for Desktop Apps, steps 2 to 5; a code is good once (RFC 6749, 4.1.2)."""
    answer, redirect = consented(server, client)
    assert answer["state"] == "as it was"
    status, tokens = exchange(server, client, answer["code"], redirect)
    assert status == 200
    assert tokens["token_type"] == "Bearer"
    assert tokens["scope"] == DRIVE_FILE
    assert 3500 < tokens["expires_in"] <= 3600
    assert {"access_token", "refresh_token"} <= tokens.keys()
    status, again = exchange(server, client, answer["code"], redirect)
    assert (status, again["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("verifier", ["", "w" * 64])
def test_the_verifier_must_fit(server: LocalDriveServer, client: Client, verifier: str) -> None:
    """Source: RFC 7636, section 4.6: invalid_grant."""
    answer, redirect = consented(server, client)
    status, refusal = exchange(server, client, answer["code"], redirect, verifier)
    assert (status, refusal["error"]) == (400, "invalid_grant")


def test_a_person_may_say_no(server: LocalDriveServer, client: Client) -> None:
    """Source: OAuth 2.0 for Desktop Apps, "Handling the OAuth 2.0 server response"."""
    answer, _ = consented(server, client, Person(ANN, "Cancel"))
    assert (answer["error"], answer["state"]) == ("access_denied", "as it was")


def test_a_scope_may_be_left_out(server: LocalDriveServer, client: Client) -> None:
    """Source: How to handle granular permissions: the reply's scope says what was granted."""
    readonly = f"{AUTH}drive.readonly"
    person = Person(ANN, ticks=lambda value: value == readonly)
    answer, redirect = consented(server, client, person, scope=f"{DRIVE_FILE} {readonly}")
    _, tokens = exchange(server, client, answer["code"], redirect)
    assert tokens["scope"] == readonly


def test_a_refresh_token_comes_at_the_first_consent_only(
    server: LocalDriveServer, client: Client
) -> None:
    """Source: Google, "Using OAuth 2.0": prompt=consent brings another one."""
    first, redirect = consented(server, client, login_hint=ANN)
    assert "refresh_token" in exchange(server, client, first["code"], redirect)[1]
    with landing() as (redirect, arrived):
        Person(ANN).visit(ask(server, client, redirect, login_hint=ANN))
    assert "refresh_token" not in exchange(server, client, arrived[0]["code"], redirect)[1]
    third, redirect = consented(server, client, login_hint=ANN, prompt="consent")
    assert "refresh_token" in exchange(server, client, third["code"], redirect)[1]


@pytest.mark.parametrize(
    "redirect",
    ["http://127.0.0.1.example.org/back", "https://example.org/", "urn:ietf:wg:oauth:2.0:oob"],
)
def test_a_foreign_redirect_gets_a_page_and_no_code(
    server: LocalDriveServer, client: Client, redirect: str
) -> None:
    """Source: Google, "Authorization errors": redirect_uri_mismatch is shown, never redirected."""
    with pytest.raises(HTTPError) as caught:
        urlopen(ask(server, client, redirect))  # noqa: S310 - a loopback address
    with caught.value as page:
        assert page.code == 400
        assert page.geturl().startswith(server.url)


def refresh(server: LocalDriveServer, client: Client, token: str) -> tuple[int, dict[str, Any]]:
    return post(
        f"{server.url}/token",
        grant_type="refresh_token",
        refresh_token=token,
        client_id=client.client_id,
        client_secret=client.secret,
    )


def status_of(server: LocalDriveServer, access_token: str) -> int:
    headers = {"Authorization": f"Bearer {access_token}"}
    try:
        with urlopen(Request(f"{server.url}/drive/v3/files", headers=headers)) as reply:  # noqa: S310
            return int(reply.status)
    except HTTPError as refusal:
        with refusal:
            return refusal.code


def test_an_access_token_lives_an_hour_and_is_refreshed(
    drive: LocalDrive, server: LocalDriveServer, client: Client, clock: ManualClock
) -> None:
    """Source: Google, "Using OAuth 2.0", refresh."""
    tokens = drive.oauth.grant(ANN, client.client_id, [DRIVE_FILE])
    assert status_of(server, tokens.access_token) == 200
    clock.advance(3601)
    assert status_of(server, tokens.access_token) == 401
    status, renewed = refresh(server, client, tokens.refresh_token or "")
    assert status == 200
    assert status_of(server, renewed["access_token"]) == 200


def test_revoking_one_token_ends_the_whole_grant(
    drive: LocalDrive, server: LocalDriveServer, client: Client
) -> None:
    """Source: Google, "Revoking a token"; all grants of the project for that user go."""
    one, two = (drive.oauth.grant(ANN, client.client_id, [DRIVE_FILE]) for _ in range(2))
    assert post(f"{server.url}/revoke", token=one.access_token)[0] == 200
    for tokens in (one, two):
        assert status_of(server, tokens.access_token) == 401
        status, refusal = refresh(server, client, tokens.refresh_token or "")
        assert (status, refusal["error"]) == (400, "invalid_grant")
    status, refusal = post(f"{server.url}/revoke", token=one.access_token)
    assert (status, refusal["error"]) == (400, "invalid_token")


def test_a_grant_in_testing_lives_seven_days(
    drive: LocalDrive, server: LocalDriveServer, client: Client, clock: ManualClock
) -> None:
    """Source: Google, "Using OAuth 2.0", refresh token expiration: seven days in "Testing"."""
    drive.oauth.publish(client.project, "testing")
    tokens = drive.oauth.grant(ANN, client.client_id, [DRIVE_FILE])
    clock.advance(6.9 * 86_400)
    assert refresh(server, client, tokens.refresh_token or "")[0] == 200
    clock.advance(0.2 * 86_400)
    status, refusal = refresh(server, client, tokens.refresh_token or "")
    assert (status, refusal["error"]) == (400, "invalid_grant")


def test_the_hundred_and_first_grant_ends_the_first(
    drive: LocalDrive, server: LocalDriveServer, client: Client
) -> None:
    """Source: Google, "Using OAuth 2.0": 100 refresh tokens per account and client."""
    grant = drive.oauth.grant
    tokens = [grant(ANN, client.client_id, [DRIVE_FILE]).refresh_token or "" for _ in range(101)]
    assert refresh(server, client, tokens[0])[1]["error"] == "invalid_grant"
    assert refresh(server, client, tokens[1])[0] == refresh(server, client, tokens[100])[0] == 200


@pytest.fixture
def tv(drive: LocalDrive) -> Client:
    return drive.oauth.client_of_kind("tv")


def poll(server: LocalDriveServer, tv: Client, device_code: str) -> tuple[int, dict[str, Any]]:
    return post(
        f"{server.url}/token",
        grant_type=DEVICE,
        device_code=device_code,
        client_id=tv.client_id,
        client_secret=tv.secret,
    )


def test_a_device(server: LocalDriveServer, tv: Client, clock: ManualClock) -> None:
    """Source: OAuth 2.0 for TV and Limited-Input Devices, steps 1 to 6."""
    status, asked = post(f"{server.url}/device/code", client_id=tv.client_id, scope=DRIVE_FILE)
    assert status == 200
    assert {
        "device_code",
        "user_code",
        "verification_url",
        "expires_in",
        "interval",
    } <= asked.keys()
    status, answer = poll(server, tv, asked["device_code"])
    assert (status, answer["error"]) == (428, "authorization_pending")
    status, answer = poll(server, tv, asked["device_code"])
    assert (status, answer["error"]) == (403, "slow_down")
    page = f"{asked['verification_url']}?{urlencode({'user_code': asked['user_code']})}"
    Person(ANN).answer(page)
    clock.advance(60)
    status, tokens = poll(server, tv, asked["device_code"])
    assert status == 200
    assert tokens["refresh_token"]
    assert status_of(server, tokens["access_token"]) == 200


def test_a_device_that_is_refused(server: LocalDriveServer, tv: Client, clock: ManualClock) -> None:
    """Source: OAuth 2.0 for TV and Limited-Input Devices: 403 access_denied."""
    _, asked = post(f"{server.url}/device/code", client_id=tv.client_id, scope=DRIVE_FILE)
    page = f"{asked['verification_url']}?{urlencode({'user_code': asked['user_code']})}"
    Person(ANN, "Cancel").answer(page)
    clock.advance(60)
    status, answer = poll(server, tv, asked["device_code"])
    assert (status, answer["error"]) == (403, "access_denied")


def test_a_device_may_not_ask_for_the_whole_drive(server: LocalDriveServer, tv: Client) -> None:
    """Source: OAuth 2.0 for TV and Limited-Input Devices, "Allowed scopes"."""
    status, refusal = post(
        f"{server.url}/device/code", client_id=tv.client_id, scope=f"{AUTH}drive"
    )
    assert (status, refusal["error"]) == (400, "invalid_scope")
