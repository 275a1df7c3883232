"""A night on a real JupyterHub: its proxy, its servers, our extension in them, LocalDrive."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_drive_sync.demo.proof import mirrored
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.hub.database import open_database
from jupyter_drive_sync.hub.grants import Grants, HubGrant
from jupyter_drive_sync.hub.keys import read_keys
from jupyter_drive_sync.hub.people import Store
from tests.hub.real import ADMIN, KEY, LINES, RealHub, real_hub

DRIVE_FILE = "https://www.googleapis.com/auth/drive.file"
PEOPLE = ("ann", "bob", "cid", "gone")
NIGHT = """    nightly_window="{begin}-{end}",
    nightly_spread=0.0,
    nightly_concurrency=2,
    nightly_pass_seconds=120.0,
    nightly_quiet_seconds=20.0,
)
"""
PATIENT = """
c.JupyterHub.service_check_interval = 3
c.Spawner.http_timeout = c.Spawner.start_timeout = 300
"""
"""A busy machine takes a while to start servers. A service that died would be missed after up to a
minute; here it is at once."""


@pytest.fixture(scope="module")
def hub() -> Iterator[RealHub]:
    now = datetime.now(UTC)
    night = NIGHT.format(
        begin=f"{now - timedelta(minutes=2):%H:%M}", end=f"{now + timedelta(hours=3):%H:%M}"
    )
    lines = LINES.rstrip().removesuffix(")") + night.replace("{", "{{").replace("}", "}}")
    # The night waits until everybody has consented.
    lines = lines.replace("    nightly_spread", "    nightly_paused=True,\n    nightly_spread")
    with (
        tempfile.TemporaryDirectory(prefix="hub-") as folder,
        real_hub(Path(folder), before=PATIENT, lines=lines) as running,
    ):
        yield running


def consent(hub: RealHub, name: str) -> None:
    """Put a consent where the service keeps it, as its own page does."""
    email = f"{name}@example.edu"
    oauth = hub.drive.oauth
    oauth.add_account(email, name)
    client = oauth.client_of_kind("web").client_id
    tokens = oauth.grant(email, client, [DRIVE_FILE])
    assert tokens.refresh_token is not None
    if name == "gone":
        oauth.revoke(tokens.refresh_token)
    engine = open_database(f"sqlite:///{hub.folder}/drive-sync/hub.sqlite")
    keys = read_keys({"DRIVE_SYNC_CRYPT_KEY": KEY}, None)
    grant = HubGrant(name, "", email, "", "", (DRIVE_FILE,), client, hub.drive.clock.now())
    Grants(engine, keys).keep(grant, Secret(tokens.refresh_token))
    engine.dispose()


def service_pid(hub: RealHub) -> int:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            below = str(hub.folder) in (entry / "cwd").readlink().as_posix()
        except OSError:
            continue
        if b"jupyter_drive_sync.hub" in words and below:
            return int(entry.name)
    return 0


def test_a_night(hub: RealHub) -> None:
    for name in PEOPLE:
        assert hub.api(f"users/{name}", "POST").status == 201
        home = hub.folder / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        (home / "lab.ipynb").write_text(f"{name}'s work")
        consent(hub, name)
    hub.start_server("cid")
    store = Store(open_database(f"sqlite:///{hub.folder}/drive-sync/hub.sqlite"))
    browser = hub.log_in(ADMIN)
    page = browser.send("services/drive-sync/admin")
    assert page.status == 200, page.text
    assert "The nights are paused." in page.text
    done = browser.submit(page, 0)
    assert "The nights go on." in done.text

    # Killed while it starts somebody's server; the hub starts it again.
    hub.until(lambda: bool(_states(store) & {"starting", "syncing"}))
    killed = service_pid(hub)
    os.kill(killed, signal.SIGKILL)
    hub.until(lambda: service_pid(hub) not in (0, killed))
    hub.until(lambda: bool(store.nights(1)) and _outcomes(store).keys() >= set(PEOPLE), 240)
    outcomes = _outcomes(store)
    assert outcomes["cid"] == "theirs"
    assert outcomes["ann"] == outcomes["bob"] == "synced", (_problems(store), hub.log)
    assert outcomes["gone"] == "failed"
    # No server is left but the one that somebody works on.
    running = {user["name"] for user in hub.api("users").json if user["servers"]}
    assert running == {"cid"}
    for name in ("ann", "bob"):
        found, twins = mirrored(hub.drive, f"{name}@example.edu", f"home/{name}")
        assert found.keys() == {"lab.ipynb"}
        assert twins == []

    page = browser.send("services/drive-sync/admin")
    assert "Google ended the permission" in page.text
    people = json.loads(browser.send("services/drive-sync/admin/people.json").text)
    states = {row["user"]: row["state"] for row in people["people"]}
    assert (states["ann"], states["gone"]) == ("synced", "needs_person")
    figures = browser.send("services/drive-sync/metrics").text
    assert 'drive_sync_hub_people{state="synced"} 2.0' in figures


def test_only_administrators_see_the_page(hub: RealHub) -> None:
    student = hub.log_in("ann")
    for path in ("admin", "admin/people.json", "admin/people.csv", "metrics"):
        assert student.send(f"services/drive-sync/{path}").status == 403, path


def _states(store: Store) -> set[str]:
    nights = store.nights(1)
    return {turn.state for turn in store.turns(nights[0].id)} if nights else set()


def _outcomes(store: Store) -> dict[str, str]:
    return {turn.user: turn.outcome for turn in store.turns(store.nights(1)[0].id, ["done"])}


def _problems(store: Store) -> dict[str, str]:
    return {turn.user: turn.problem for turn in store.turns(store.nights(1)[0].id, ["done"])}
