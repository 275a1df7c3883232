"""A night on a real JupyterHub: its proxy, its servers, our extension in them, LocalDrive."""

from __future__ import annotations

import hashlib
import json
import os
import signal

from jupyter_drive_sync.demo.proof import mirrored
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.hub.database import open_database
from jupyter_drive_sync.hub.grants import Grants, HubGrant
from jupyter_drive_sync.hub.keys import read_keys
from jupyter_drive_sync.hub.people import Store
from tests.hub.real import ADMIN, KEY, RealHub

DRIVE_FILE = "https://www.googleapis.com/auth/drive.file"
PEOPLE = ("ann", "nora", "cid", "gone")


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


def test_a_night(hub: RealHub) -> None:
    for name in PEOPLE:
        hub.add_user(name)
        home = hub.folder / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        (home / "lab.ipynb").write_text(f"{name}'s work")
        consent(hub, name)
    hub.start_server("cid")
    store = Store(open_database(f"sqlite:///{hub.folder}/drive-sync/hub.sqlite"))
    browser = hub.log_in(ADMIN)
    page = browser.send("services/drive-sync/admin")
    assert page.status == 200, hub.log[-6000:]
    assert "The nights are paused." in page.text
    assert '<option value="lab-3">' not in page.text, "the hub has not been asked yet"
    # Ann graduates: her server writes a manifest, and the service verifies it.
    sure = browser.send(
        "services/drive-sync/admin/act",
        form={"_xsrf": _xsrf(page.text), "action": "graduate", "who": "ann/"},
    )
    assert "synced a last time" in browser.submit(sure).text
    done = browser.submit(page, 0)
    assert "The nights go on." in done.text

    # Killed while it starts somebody's server; the hub starts it again.
    hub.until(lambda: bool(_states(store) & {"starting", "syncing"}))
    killed = hub.service_process()
    assert killed is not None
    os.kill(int(killed.name), signal.SIGKILL)
    hub.until(lambda: hub.service_process() not in (None, killed))
    hub.until(lambda: bool(store.nights(1)) and _outcomes(store).keys() >= set(PEOPLE), 240)
    outcomes = _outcomes(store)
    assert outcomes["cid"] == "theirs"
    assert outcomes["ann"] == outcomes["nora"] == "synced", (_problems(store), hub.log)
    assert outcomes["gone"] == "failed"
    # No server is left but the one that somebody works on.
    running = {user["name"] for user in hub.api("users").json if user["servers"]}
    assert running & {*PEOPLE} == {"cid"}
    for name in ("ann", "nora"):
        found, twins = mirrored(hub.drive, f"{name}@example.edu", f"home/{name}")
        assert {path for path in found if "manifest" not in path} == {"lab.ipynb"}
        assert twins == []
    graduations = "services/drive-sync/admin/graduations.json"
    hub.until(lambda: json.loads(browser.send(graduations).text)[0]["state"] != "asked")
    (proof,) = json.loads(browser.send(graduations).text)
    assert (proof["user"], proof["state"], proof["files"]) == ("ann", "proven", 1)
    manifest = browser.send(f"services/drive-sync/admin/manifest/{proof['id']}").text
    assert hashlib.sha256(manifest.encode()).hexdigest() == proof["sha256"]
    assert "lab.ipynb" in manifest

    page = browser.send("services/drive-sync/admin")
    assert "Google ended the permission" in page.text
    people = json.loads(browser.send("services/drive-sync/admin/people.json").text)
    states = {row["user"]: row["state"] for row in people["people"]}
    wanted = {"ann": "archived", "nora": "synced", "gone": "needs_person"}
    assert {name: states[name] for name in wanted} == wanted
    figures = browser.send("services/drive-sync/metrics").text
    assert 'drive_sync_hub_people{state="archived"} 1.0' in figures
    assert '<option value="lab-3">' in page.text, "a group that can be held"
    assert "read:users:groups" not in page.text


def test_only_administrators_see_the_page(hub: RealHub) -> None:
    student = hub.log_in("ann")
    for path in ("admin", "admin/people.json", "admin/people.csv", "metrics"):
        assert student.send(f"services/drive-sync/{path}").status == 403, path


def _xsrf(text: str) -> str:
    return text.partition('name="_xsrf" value="')[2].partition('"')[0]


def _states(store: Store) -> set[str]:
    nights = store.nights(1)
    return {turn.state for turn in store.turns(nights[0].id)} if nights else set()


def _outcomes(store: Store) -> dict[str, str]:
    return {turn.user: turn.outcome for turn in store.turns(store.nights(1)[0].id, ["done"])}


def _problems(store: Store) -> dict[str, str]:
    return {turn.user: turn.problem for turn in store.turns(store.nights(1)[0].id, ["done"])}
