"""Law 17: disconnecting deletes the secrets and revokes at Google when asked; what is there stays.

That the timers stop is seen in a running server (tests/server/test_flow.py); on a hub, in
tests/hub/test_broker.py and tests/hub/real_hub.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_drive_sync.drive.secrets import Secret, SecretsStore
from jupyter_drive_sync.localdrive.faults import Fault
from tests.canary.watch import MARK
from tests.cli.conftest import Desk, connected, desk, ground

__all__ = ["connected", "desk", "ground"]


def secrets_in(folder: Path, *secrets: str) -> list[str]:
    """Name the files of a folder that hold one of the secrets."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets)
    ]


def refresh_token(desk: Desk) -> str:
    content = json.loads((desk.state / "secrets.json").read_text())
    return str(content["grant"]["refresh_token"])


@pytest.mark.parametrize("revoke", [False, True])
def test_secrets_go_and_the_mirror_stays(connected: Desk, *, revoke: bool) -> None:
    assert connected.run("sync").code == 0
    token, session = refresh_token(connected), f"https://upload/{MARK}"
    SecretsStore(connected.state).keep_session("a big file", Secret(session))
    assert secrets_in(connected.state, token) == secrets_in(connected.state, session)
    before, log = connected.on_drive(), connected.ground.drive.log
    said = connected.run("disconnect", *(["--revoke"] if revoke else []))
    assert said.code == 0
    assert "everywhere" in said.out or "other computers and hubs" in said.out
    assert secrets_in(connected.state, token, session) == []
    log.clear()
    assert connected.run("sync").code == 3
    assert log.counts() == {}
    assert connected.on_drive() == before
    alive = any(grant.token == token for grant in connected.ground.drive.oauth._refresh)
    assert alive is not revoke


def test_a_revocation_that_google_did_not_take_is_not_said_to_be_done(connected: Desk) -> None:
    """The permission stays in our hands: without it nobody could try again."""
    token = refresh_token(connected)
    connected.ground.drive.faults.add(Fault("policy", "oauth.revoke"))
    said = connected.run("disconnect", "--revoke")
    assert said.code != 0
    assert said.sentence
    assert secrets_in(connected.state, token) == ["secrets.json"]
    connected.ground.drive.faults.clear()
    assert connected.run("disconnect", "--revoke").code == 0
    assert secrets_in(connected.state, token) == []


def test_disconnecting_twice_is_one_sentence(connected: Desk) -> None:
    assert connected.run("disconnect").code == 0
    again = connected.run("disconnect")
    assert again.code == 3
    assert again.sentence.startswith("Google Drive is not connected")
