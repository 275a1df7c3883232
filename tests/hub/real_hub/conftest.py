"""One hub for all tests in here: a hub that was there before, to which our lines were added.

Its admin has a custom authenticator, roles, a service and variables of servers, assigned *after*
our lines; it has a base URL; and while the lines are added, somebody's server is up. The tests take
people of their own each, and the nights are paused until one of them presses Resume.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.hub.real import ADMIN_TOKEN, LINES, RealHub, real_hub

BEFORE = """
from jupyterhub.auth import DummyAuthenticator
class Ours(DummyAuthenticator):
    async def authenticate(self, handler, data):
        return data["username"].lower()
c.JupyterHub.authenticator_class = Ours
c.Authenticator.admin_users = {"root-admin"}
# A service that died would be missed after up to half a minute; here it is at once.
from jupyterhub.services.service import _ServiceSpawner
start_polling = _ServiceSpawner.start_polling
def start_polling_soon(spawner):
    spawner.poll_interval = 1
    start_polling(spawner)
_ServiceSpawner.start_polling = start_polling_soon
# A busy machine takes a while to start servers.
c.Spawner.http_timeout = c.Spawner.start_timeout = 300
"""
AFTER = f"""
c.JupyterHub.load_groups = {{"lab-3": {{"users": ["ann"]}}}}
c.JupyterHub.load_roles = [
    {{"name": "teachers", "users": ["teacher"], "scopes": ["list:users"]}},
    {{"name": "user", "description": "the admin's own", "scopes": ["self", "list:services"]}},
]
c.JupyterHub.services = [{{"name": "other", "api_token": "token-of-another-service"}}]
c.Spawner.environment = {{"ADMINS_OWN": "kept"}}
c.JupyterHub.services.append({{"name": "tests", "api_token": "{ADMIN_TOKEN}"}})
c.JupyterHub.load_roles.append({{"name": "tests", "services": ["tests"], "scopes": [
    "admin:users", "admin:servers", "tokens", "list:services", "read:services",
    "admin:server_state", "access:servers"]}})
"""
NIGHT = """    nightly_window="{begin}-{end}",
    nightly_paused=True,
    nightly_spread=0.0,
    nightly_concurrency=2,
    nightly_pass_seconds=120.0,
    nightly_quiet_seconds=5.0,
)
"""


def lines() -> str:
    """Return our lines, with a night that is now, and waits."""
    now = datetime.now(UTC)
    night = NIGHT.format(
        begin=f"{now - timedelta(minutes=2):%H:%M}", end=f"{now + timedelta(hours=3):%H:%M}"
    )
    return LINES.rstrip().removesuffix(")") + night


def as_it_was(hub: RealHub) -> None:
    """Let the hub be used before it knows of us."""
    hub.add_user("teacher")
    hub.start_server("alice")
    seen = hub.server_environment("alice")
    assert seen["ADMINS_OWN"] == "kept"
    assert "DRIVE_SYNC_BROKER_URL" not in seen


@pytest.fixture(scope="package")
def hub() -> Iterator[RealHub]:
    with (
        tempfile.TemporaryDirectory(prefix="hub-") as folder,
        real_hub(
            Path(folder),
            existing=as_it_was,
            before=BEFORE,
            lines=lines(),
            after=AFTER,
            base_url="/jh/",
        ) as running,
    ):
        yield running
