"""Service accounts: signed assertions, delegation, and that they own nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from google.auth import crypt, jwt

from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.service_accounts import MOST_KEYS
from jupyter_drive_sync.localdrive.store import FolderStore
from jupyter_drive_sync.localdrive.wire import Request, Response
from tests.localdrive import discovery
from tests.localdrive.caller import ANN, BEN, SCOPE, Caller, caller, multipart, upload_target

BASE = "http://127.0.0.1:9"
AUDIENCE = "https://oauth2.googleapis.com/token"
READING = f"{SCOPE}drive.readonly"
TIME = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


@pytest.fixture
def key(drive: LocalDrive) -> dict[str, Any]:
    """A service account's key file."""
    account = drive.oauth.add_service_account("course-reader")
    return drive.oauth.service_account_file(account.email, BASE)


def assertion(drive: LocalDrive, key: Mapping[str, Any], **claims: Any) -> str:
    """Sign an assertion as google-auth does; a claim of None is left out."""
    now = int(drive.clock.now())
    payload = {
        "iss": key["client_email"],
        "aud": AUDIENCE,
        "scope": READING,
        "iat": now,
        "exp": now + 3600,
        **claims,
    }
    signer = crypt.RSASigner.from_service_account_info(key)
    kept = {name: value for name, value in payload.items() if value is not None}
    return str(jwt.encode(signer, kept).decode())


def ask(drive: LocalDrive, signed: str) -> Response:
    form = f"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={signed}"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    request = Request.make("POST", "/token", headers=headers, body=form.encode(), base_url=BASE)
    return drive.dispatch(request)


def service(drive: LocalDrive, key: Mapping[str, Any], scope: str = READING, **more: Any) -> Caller:
    """The access that a key gives."""

    def renew() -> str:
        reply = ask(drive, assertion(drive, key, scope=scope, **more))
        assert reply.status == 200, reply.content()
        return str(reply.json()["access_token"])

    return Caller(drive, renew, renew())


def test_a_key_file_is_as_googles_console_writes_it(key: dict[str, Any]) -> None:
    assert set(key) == {
        "type",
        "project_id",
        "private_key_id",
        "private_key",
        "client_email",
        "client_id",
        "auth_uri",
        "token_uri",
        "auth_provider_x509_cert_url",
        "client_x509_cert_url",
        "universe_domain",
    }
    assert key["client_email"] == "course-reader@drive-sync-demo.iam.gserviceaccount.com"
    assert len(key["client_id"]) == 21


def test_a_signed_assertion_gives_a_token(drive: LocalDrive, key: dict[str, Any]) -> None:
    reply = ask(drive, assertion(drive, key))
    assert reply.status == 200
    said = reply.json()
    assert said["token_type"] == "Bearer"
    assert said["scope"] == READING
    assert said["expires_in"] == 3599
    assert "refresh_token" not in said
    reader = service(drive, key)
    about = reader.ask("GET", "/about", fields="user,storageQuota")
    assert about["user"]["emailAddress"] == key["client_email"]
    assert about["storageQuota"] == {
        "limit": "0",
        "usage": "0",
        "usageInDrive": "0",
        "usageInDriveTrash": "0",
    }
    here = assertion(drive, key, aud=f"{BASE}/token")
    assert ask(drive, here).status == 200


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "nobody@x.iam.gserviceaccount.com"}, "Invalid grant: account not found"),
        ({"iss": "nobody"}, "Not a valid email."),
        ({"iss": None}, "Not a valid email."),
        ({"aud": "https://elsewhere.test/token"}, "Invalid JWT: Failed audience check."),
        ({"aud": None}, "Invalid JWT: Failed audience check."),
        ({"iat": None}, TIME),
        ({"exp": None}, TIME),
        ({"exp": True}, TIME),
    ],
)
def test_senseless_claims(
    drive: LocalDrive, key: dict[str, Any], claims: dict[str, Any], said: str
) -> None:
    reply = ask(drive, assertion(drive, key, **claims))
    assert reply.status == 400
    assert reply.json() == {"error": "invalid_grant", "error_description": said}


@pytest.mark.parametrize("scope", ["", None, "https://www.googleapis.com/auth/nonsense", 5])
def test_a_scope_is_needed(drive: LocalDrive, key: dict[str, Any], scope: Any) -> None:
    reply = ask(drive, assertion(drive, key, scope=scope))
    assert (reply.status, reply.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("issued", "expires", "good"),
    [
        (0, 3600, True),
        (-299, 3300, True),
        (299, 3600, True),
        (301, 3600, False),
        (-3600, -301, False),
        (-3600, -299, True),
        (0, 3601, False),
        (10, 10, False),
    ],
)
def test_the_time_and_its_tolerance(
    drive: LocalDrive, key: dict[str, Any], issued: int, expires: int, good: bool
) -> None:
    now = int(drive.clock.now())
    reply = ask(drive, assertion(drive, key, iat=now + issued, exp=now + expires))
    assert reply.status == (200 if good else 400)
    if not good:
        assert reply.json()["error_description"] == TIME


def test_signatures_are_checked(drive: LocalDrive, key: dict[str, Any]) -> None:
    other = drive.oauth.add_service_account("other-reader")
    others = drive.oauth.service_account_file(other.email, BASE)
    head, body, tail = assertion(drive, key).split(".")
    forged = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged["scope"] = f"{SCOPE}drive"
    changed = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    stolen = {**others, "client_email": key["client_email"]}
    for bad in (
        f"{head}.{changed}.{tail}",
        f"{unsigned}.{body}.",
        assertion(drive, stolen),
        assertion(drive, {**stolen, "private_key_id": key["private_key_id"]}),
    ):
        reply = ask(drive, bad)
        assert reply.status == 400
        assert reply.json()["error_description"] == "Invalid JWT Signature."
    for bad in ("", "x", "a.b.c", "e30.e30", "e30.W10.e30", "!.!.!"):
        assert ask(drive, bad).status == 400


def test_keys_and_accounts_end(drive: LocalDrive, key: dict[str, Any]) -> None:
    services, email = drive.oauth.services, key["client_email"]
    reader = service(drive, key)
    services.enable(email, on=False)
    assert ask(drive, assertion(drive, key)).json()["error_description"].endswith("not found")
    gone = reader.send("GET", "/drive/v3/files", authorization=f"Bearer {reader.token}")
    assert gone.status == 401
    services.enable(email, on=True)
    assert ask(drive, assertion(drive, key)).status == 200
    services.delete_key(key["private_key_id"])
    said = ask(drive, assertion(drive, key)).json()
    assert said["error_description"] == "Invalid JWT Signature."
    for _ in range(MOST_KEYS):
        drive.oauth.service_account_file(email, BASE)
    with pytest.raises(ValueError, match="keys already"):
        drive.oauth.service_account_file(email, BASE)


@pytest.mark.parametrize("name", ["short", "x" * 31, "Upper-case", "1digits", "with space"])
def test_names_of_accounts(drive: LocalDrive, name: str) -> None:
    with pytest.raises(ValueError, match="6 to 30"):
        drive.oauth.add_service_account(name)
    with pytest.raises(KeyError):
        drive.oauth.services.enable("nobody@x", on=True)
    with pytest.raises(KeyError):
        drive.oauth.services.delegate("nobody@x", "example.edu", [READING])


def test_an_account_is_made_once(drive: LocalDrive) -> None:
    first = drive.oauth.add_service_account("course-reader")
    assert drive.oauth.add_service_account("course-reader") == first
    assert first.email not in {each.email for each in drive.oauth.accounts}
    assert drive.oauth.services.all == (first,)


def test_tokens_end_with_their_hour_or_before(
    drive: LocalDrive, key: dict[str, Any], clock: ManualClock
) -> None:
    reader = service(drive, key)
    said = drive.oauth.access_token(reader.token)
    assert said is not None
    clock.advance(3601)
    assert drive.oauth.authenticate(reader.token) is None
    reader = service(drive, key)
    drive.oauth.revoke(reader.token)
    assert drive.oauth.authenticate(reader.token) is None
    project = drive.oauth.projects[0].number
    reader = service(drive, key)
    drive.oauth.switch_drive(project, on=False)
    found = reader.send("GET", "/drive/v3/files", authorization=f"Bearer {reader.token}")
    assert found.json()["error"]["errors"][0]["reason"] == "accessNotConfigured"


# -- delegation -----------------------------------------------------------------------------------


def test_delegation(drive: LocalDrive, key: dict[str, Any], owner: Caller) -> None:
    file = owner.create("anns", b"x")["id"]
    signed = assertion(drive, key, sub=ANN)
    refused = ask(drive, signed)
    assert (refused.status, refused.json()["error"]) == (401, "unauthorized_client")
    assert refused.json()["error_description"].startswith("Client is unauthorized to retrieve")
    row = drive.oauth.services.delegate(key["client_email"], "example.edu", [READING])
    assert drive.oauth.services.delegations == (row,)
    acting = service(drive, key, sub=ANN)
    assert acting.download(file) == b"x"
    about = acting.ask("GET", "/about", fields="user")
    assert (about["user"]["emailAddress"], about["user"]["me"]) == (ANN, True)
    for scope in (f"{SCOPE}drive", f"{READING} {SCOPE}drive"):
        assert ask(drive, assertion(drive, key, sub=ANN, scope=scope)).status == 401
    drive.oauth.services.undelegate(key["client_email"], "example.edu")
    assert ask(drive, assertion(drive, key, sub=ANN)).status == 401
    assert ask(drive, assertion(drive, key, sub=key["client_email"])).status == 200


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("nobody@example.edu", "Invalid email or User ID"),
        ("stranger@gmail.com", "Client is unauthorized"),
        ("ann", "Invalid impersonation"),
        (5, "Invalid impersonation"),
        (BEN, "The account has been deleted"),
    ],
)
def test_subjects(drive: LocalDrive, key: dict[str, Any], subject: Any, said: str) -> None:
    drive.oauth.services.delegate(key["client_email"], "example.edu", [READING])
    drive.oauth.disable_account(BEN)
    reply = ask(drive, assertion(drive, key, sub=subject))
    assert reply.status in {400, 401}
    assert reply.json()["error_description"].startswith(said)


def test_who_is_acted_for_owns_what_is_made(drive: LocalDrive, key: dict[str, Any]) -> None:
    drive.oauth.services.delegate(key["client_email"], "example.edu", [f"{SCOPE}drive"])
    acting = service(drive, key, f"{SCOPE}drive", sub=ANN)
    made = acting.create("by the service", b"x")
    assert made["owners"][0]["emailAddress"] == ANN


# -- no storage -----------------------------------------------------------------------------------


def test_a_service_account_owns_nothing(
    drive: LocalDrive, key: dict[str, Any], owner: Caller
) -> None:
    writer = service(drive, key, f"{SCOPE}drive")
    folder = owner.folder("folder")
    file = owner.create("anns", b"x", parents=[folder])["id"]
    share = {"type": "user", "role": "writer", "emailAddress": key["client_email"]}
    owner.ask("POST", f"/files/{folder}/permissions", share)
    refusal = (403, "storageQuotaExceeded")
    for parents in ({}, {"parents": [folder]}):
        assert writer.refused("POST", "/files", {"name": "n", **parents}) == refusal
    kind, body = multipart({"name": "n", "parents": [folder]}, b"content")
    for how in ("multipart", "resumable"):
        target = upload_target("/files", uploadType=how)
        sent = body if how == "multipart" else json.dumps({"parents": [folder]}).encode()
        reply = writer.send("POST", target, sent, content_type=kind)
        assert reply.status == 403
        assert reply.json()["error"]["message"].startswith("Service Accounts do not have storage")
    assert writer.refused("POST", f"/files/{file}/copy") == refusal
    assert writer.replace(file, b"by the service")["size"] == "14"
    assert owner.download(file) == b"by the service"
    assert writer.names("'me' in owners") == []


def test_everything_survives_a_restart(tmp_path: Any, clock: ManualClock) -> None:
    with LocalDrive(tmp_path, clock=clock) as drive:
        account = drive.oauth.add_service_account("course-reader")
        key = drive.oauth.service_account_file(account.email, BASE)
        drive.oauth.services.delegate(account.email, "example.edu", [READING])
        team = drive.model.make_drive("Course", {ANN: "organizer", account.email: "reader"})
    store = FolderStore(tmp_path)
    kept = json.dumps(
        [dict(store.items(room)) for room in ("oauth.service_keys", "oauth.services")]
    )
    store.close()
    assert "PRIVATE" not in kept
    with LocalDrive(tmp_path, clock=clock) as drive:
        assert drive.oauth.services.all == (account,)
        reader = service(drive, key)
        assert [each["id"] for each in reader.ask("GET", "/drives")["drives"]] == [team.id]
        assert service(drive, key, sub=ANN).ask("GET", "/about", fields="user")
        discovery.check(reader.ask("GET", f"/drives/{team.id}", fields="*"), "Drive")
        owner = caller(drive, scopes=("drive",))
        assert owner.create("in it", b"x", parents=[owner.folder("folder")])
