"""Client files, consent addresses and answers, without any network or library of Google."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_drive_sync.drive import oauth
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import BadClientFile, ConsentDenied, NoClient, OrgBlocked


def client_json(section: str = "installed", **changes: object) -> bytes:
    client = {
        "client_id": "123456-abc.apps.googleusercontent.com",
        "project_id": "demo",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "client_secret": "GOCSPX-s3cret",
        "redirect_uris": ["http://localhost"],
    }
    content = {**client, **changes}
    return json.dumps(
        {section: {name: value for name, value in content.items() if value is not None}}
    ).encode()


def test_the_three_kinds_of_client() -> None:
    desktop = oauth.parse_client_file(client_json(), "c.json")
    assert (desktop.kind, desktop.project, desktop.is_google) == ("desktop", "123456", True)
    tv = oauth.parse_client_file(client_json(redirect_uris=None), "c.json")
    assert tv.kind == "tv"
    assert tv.device_uri == "https://oauth2.googleapis.com/device/code"
    assert tv.revoke_uri == "https://oauth2.googleapis.com/revoke"
    web = oauth.parse_client_file(client_json("web", redirect_uris=["https://hub/cb"]), "c.json")
    assert (web.kind, web.redirect_uris) == ("web", ("https://hub/cb",))
    assert "s3cret" not in repr(desktop)


def test_old_addresses_of_google_become_the_present_ones() -> None:
    old = oauth.parse_client_file(
        client_json(token_uri="https://accounts.google.com/o/oauth2/token"), "c.json"
    )
    assert old.token_uri == "https://oauth2.googleapis.com/token"
    assert old.auth_uri == "https://accounts.google.com/o/oauth2/v2/auth"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not what Google's console downloads"),
        (b'"x"', "not what Google's console downloads"),
        (b" " * 70_000, "not what Google's console downloads"),
        (b"{}", 'neither an "installed" nor a "web"'),
        (b'{"installed": []}', 'neither an "installed" nor a "web"'),
        (b'{"type": "service_account", "private_key": "x"}', "service account"),
        (b'{"type": "authorized_user", "refresh_token": "x"}', "permission"),
        (client_json(client_id=None), "no client_id"),
        (client_json(client_secret=""), "no client_secret"),
        (client_json(token_uri=7), "no token_uri"),
        (client_json(token_uri="http://evil.test/token"), "token_uri is no https"),
        (client_json(auth_uri="javascript:x"), "auth_uri is no https"),
        (client_json("web", redirect_uris=None), "no redirect address"),
    ],
)
def test_what_is_no_client_file_gets_one_sentence(raw: bytes, words: str) -> None:
    with pytest.raises(BadClientFile) as caught:
        oauth.parse_client_file(raw, "c.json")
    assert words in caught.value.sentence
    assert "c.json" in caught.value.sentence
    assert "private_key" not in caught.value.sentence


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    with pytest.raises(BadClientFile, match="no such file"):
        oauth.load_client_file(path)
    with pytest.raises(NoClient, match="there is no"):
        oauth.load_client_file(path, named=False)
    with pytest.raises(BadClientFile, match="directory"):
        oauth.load_client_file(tmp_path)
    path.write_bytes(client_json())
    assert oauth.load_client_file(path).path == str(path)


def test_the_consent_address() -> None:
    client = oauth.parse_client_file(client_json(), "c.json")
    pkce, state = oauth.new_pkce(), oauth.new_state()
    url = oauth.consent_url(
        client, "http://127.0.0.1:5/back", state, pkce.challenge, account="ann@example.edu"
    )
    query = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
    digest = hashlib.sha256(pkce.verifier.reveal().encode()).digest()
    assert query == {
        "client_id": client.client_id,
        "redirect_uri": "http://127.0.0.1:5/back",
        "response_type": "code",
        "scope": "https://www.googleapis.com/auth/drive.file",
        "access_type": "offline",
        "prompt": "consent",
        "login_hint": "ann@example.edu",
        "state": state.reveal(),
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    assert 43 <= len(pkce.verifier.reveal()) <= 128
    assert oauth.new_pkce().challenge != pkce.challenge
    assert oauth.new_state() != state
    assert "prompt" not in oauth.consent_url(client, "x", state, "c", consent=False)


def test_the_answer() -> None:
    state = Secret("st")
    assert oauth.read_answer("state=st&code=4%2F0AbC", state) == Secret("4/0AbC")


@pytest.mark.parametrize(
    ("query", "error", "words"),
    [
        ("code=x", ConsentDenied, "does not belong"),
        ("state=other&code=x", ConsentDenied, "does not belong"),
        ("state=st", ConsentDenied, "no code"),
        ("state=st&error=access_denied", ConsentDenied, "not allowed"),
        ("state=st&error=server_error", ConsentDenied, "server_error"),
        ("state=st&error=%3Cscript%3E", ConsentDenied, "an error"),
        ("state=st&error=admin_policy_enforced", OrgBlocked, "administrator"),
    ],
)
def test_answers_that_are_none(query: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        oauth.read_answer(query, Secret("st"))


def test_no_google_library_is_needed_for_it() -> None:
    program = (
        "import sys; import jupyter_drive_sync.drive.oauth, jupyter_drive_sync.drive.secrets;"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('google', 'googleapiclient', 'google_auth_oauthlib', 'httplib2', 'requests')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
