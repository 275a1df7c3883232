"""Application Default Credentials: only for Google, only when asked for, from where Google says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.connection import HttpWire
from jupyter_drive_sync.drive.credentials.adc import PROBE_TIMEOUT
from jupyter_drive_sync.drive.credentials.chain import Source, choose
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.oauth import ClientFile
from jupyter_drive_sync.drive.transport import Transport
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import AuthRevoked, BadEndpoint, BadSettings, Offline, ScopeMissing
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.proxy import LocalDriveProxy
from tests.drive.ground import ANN, DRIVE_FILE, seeded
from tests.virtual_clock import VirtualClock

USER = {
    "type": "authorized_user",
    "client_id": "123-x.apps.googleusercontent.com",
    "client_secret": "GOCSPX-s3cret",
    "refresh_token": "1//refresh",
}


@dataclass
class Answers:
    """A wire that answers by address."""

    replies: Mapping[str, Reply]
    sent: list[tuple[str, str, bytes | None]] = field(default_factory=list)

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        self.sent.append((method, uri, body))
        for start, reply in self.replies.items():
            if uri.startswith(start):
                return reply
        raise OSError("no route")

    def close(self) -> None:
        pass


def no_client() -> ClientFile:
    raise AssertionError("a client file is not needed")


def source(
    wire: Answers, clock: VirtualClock, tmp_path: Path, endpoint: Endpoint | None = None
) -> Source:
    return Source(
        endpoint or Endpoint(),
        tmp_path,
        no_client,
        clock,
        seeded(1),
        lambda: wire,
        probe=lambda: wire,
    )


def token_reply(**content: object) -> Reply:
    return Reply(200, {"content-type": "application/json"}, json.dumps(content).encode())


GOOD = token_reply(access_token="ya29.made", expires_in=3599, scope=DRIVE_FILE)
TOKEN = "https://oauth2.googleapis.com/token"


@pytest.mark.parametrize("where", ["variable", "gcloud"])
def test_user_credentials_of_a_file(
    clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    path = tmp_path / "application_default_credentials.json"
    path.write_text(json.dumps(USER))
    if where == "variable":
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    else:
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    wire = Answers({TOKEN: GOOD})
    tokens = choose("adc", source(wire, clock, tmp_path))
    token = tokens.token()
    assert token.reveal() == "ya29.made"
    assert tokens.token() == token
    assert [uri for _, uri, _ in wire.sent] == [TOKEN]
    assert wire.sent[0][2] is not None
    assert b"drive.file" in wire.sent[0][2]
    tokens.renew(token)
    assert len(wire.sent) == 2


def test_a_token_address_in_the_file_is_not_believed(
    clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "adc.json"
    path.write_text(json.dumps({**USER, "token_uri": "https://evil.test/token"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    wire = Answers({TOKEN: GOOD})
    choose("adc", source(wire, clock, tmp_path)).token()
    assert {uri for _, uri, _ in wire.sent} == {TOKEN}


def test_another_drive_never_gets_them(clock: VirtualClock, tmp_path: Path) -> None:
    wire = Answers({})
    with pytest.raises(BadEndpoint, match="Google alone"):
        choose("adc", source(wire, clock, tmp_path, Endpoint("http://127.0.0.1:1")))
    assert wire.sent == []


def test_the_metadata_server_is_looked_for_once(clock: VirtualClock, tmp_path: Path) -> None:
    wire = Answers({})
    with pytest.raises(BadSettings, match="no Application Default Credentials"):
        choose("adc", source(wire, clock, tmp_path))
    assert [uri for _, uri, _ in wire.sent] == [
        "http://metadata.google.internal/computeMetadata/v1/"
    ]
    assert PROBE_TIMEOUT == 1.0
    assert clock.slept == []


def test_a_machine_in_googles_cloud(clock: VirtualClock, tmp_path: Path) -> None:
    json_type = {"metadata-flavor": "Google", "content-type": "application/json"}
    account = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default"
    token = {"access_token": "ya29.machine", "expires_in": 3600, "token_type": "Bearer"}
    who = {"email": "robot@example.edu", "scopes": [DRIVE_FILE]}
    wire = Answers(
        {
            f"{account}/token": Reply(200, json_type, json.dumps(token).encode()),
            f"{account}/?": Reply(200, json_type, json.dumps(who).encode()),
            "http://metadata.google.internal/computeMetadata/v1/universe": Reply(404, json_type),
            "http://metadata.google.internal/": Reply(200, {"metadata-flavor": "Google"}, b"0.1/"),
        }
    )
    tokens = choose("adc", source(wire, clock, tmp_path))
    assert tokens.token().reveal() == "ya29.machine"
    assert any("drive.file" in uri for _, uri, _ in wire.sent)


def test_a_portal_is_no_metadata_server(clock: VirtualClock, tmp_path: Path) -> None:
    wire = Answers({"http://metadata": Reply(200, {}, b"<html>")})
    with pytest.raises(BadSettings):
        choose("adc", source(wire, clock, tmp_path))


@pytest.mark.parametrize("content", ["", "{", "{}", '{"type": "authorized_user"}'])
def test_a_broken_file_is_named(
    clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    path = tmp_path / "adc.json"
    path.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    with pytest.raises(BadSettings, match=r"GOOGLE_APPLICATION_CREDENTIALS.*adc\.json"):
        choose("adc", source(Answers({}), clock, tmp_path))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(BadSettings, match=r"none\.json"):
        choose("adc", source(Answers({}), clock, tmp_path))


@pytest.mark.parametrize(
    ("word", "error"), [("invalid_grant", AuthRevoked), ("invalid_scope", ScopeMissing)]
)
def test_refusals(
    clock: VirtualClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    word: str,
    error: type[Exception],
) -> None:
    path = tmp_path / "adc.json"
    path.write_text(json.dumps(USER))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    wire = Answers({TOKEN: Reply(400, {}, json.dumps({"error": word}).encode())})
    tokens = choose("adc", source(wire, clock, tmp_path))
    with pytest.raises(error):
        tokens.token()
    wire.replies = {}
    with pytest.raises(Offline):
        tokens.token()


def test_they_work_through_the_proxy(
    clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalDrive(seed=1) as server, LocalDriveProxy(server) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.ca_file))
        client = server.oauth.client_of_kind("desktop")
        granted = server.oauth.grant(ANN, client.client_id, [DRIVE_FILE])
        path = tmp_path / "adc.json"
        user = {
            **USER,
            "client_id": client.client_id,
            "client_secret": client.secret,
            "refresh_token": granted.refresh_token,
        }
        path.write_text(json.dumps(user))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        made = Source(Endpoint(), tmp_path, no_client, clock, seeded(1), lambda: HttpWire(10))
        transport = Transport(
            choose("adc", made), lambda: HttpWire(10), clock, seeded(1), Settings()
        )
        assert Drive(transport, Endpoint(), seeded(1)).about().email == ANN
        transport.close()
