"""``authorize``, all the ways in which it can go."""

from __future__ import annotations

import json
import re

import pytest

from jupyter_drive_sync.runner import consent
from tests.acceptance.browser import Person
from tests.cli.conftest import ANN, BEN, Desk
from tests.cli.test_process import running


def test_the_person_refuses(desk: Desk) -> None:
    said = desk.authorize(Person(ANN, button="Cancel").answer)
    assert said.code == 3
    assert said.sentence.startswith("Google Drive was not connected, because it was not allowed")
    assert not (desk.state / "secrets.json").exists()


def test_nobody_answers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "PATIENCE", 0.05)
    said = desk.authorize(lambda _: None)
    assert said.code == 3
    assert said.sentence.startswith("Nobody answered on Google's page within 1 minutes")


def test_the_account_that_the_person_chose(desk: Desk) -> None:
    assert f"Connected as {BEN}" in desk.connect(BEN).out
    assert desk.run("status", "--json").record("status")["account"] == BEN


def test_the_question_carries_a_proof_key_and_a_state(desk: Desk) -> None:
    """F52, F53; RFC 7636."""
    seen: list[str] = []

    def visit(url: str) -> None:
        seen.append(url)
        Person(ANN).answer(url)

    said = desk.authorize(visit)
    assert said.code == 0
    assert "code_challenge_method=S256" in seen[0]
    assert re.search(r"[?&]state=[\w-]{40,}", seen[0])
    assert "drive.file&" in seen[0]


def test_json_opens_no_browser_and_names_the_address(desk: Desk) -> None:
    with running("authorize", "--json") as process:
        assert process.stdout is not None
        asked = json.loads(process.stdout.readline())
        assert asked["event"] == "consent"
        Person(ANN).answer(asked["url"])
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["email"] == ANN


def test_a_code_typed_elsewhere(desk: Desk) -> None:
    """The device flow; a device asks every five seconds, as Google tells it to."""
    arguments = ("--device", "--client-file", str(desk.ground.device_file), "--json")
    with running("authorize", *arguments) as process:
        assert process.stdout is not None
        asked = json.loads(process.stdout.readline())
        Person(ANN).answer(f"{asked['url']}?user_code={asked['code']}")
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["email"] == ANN
    said = desk.run("sync", "--client-file", str(desk.ground.device_file))
    assert said.code == 0


def test_device_with_a_desktop_client(desk: Desk) -> None:
    said = desk.run("authorize", "--device")
    assert said.code == 2
    assert "TVs and Limited Input devices" in said.sentence
