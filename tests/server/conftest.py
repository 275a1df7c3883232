"""A Jupyter server with our extension, a home, and a LocalDrive to mirror it to."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

# Not as a plugin of all tests: its hooks and fixtures are for this folder.
from pytest_jupyter.jupyter_server import *  # noqa: F403
from traitlets.config import Config

from jupyter_drive_sync.demo.ground import Ground, local_drive
from jupyter_drive_sync.drive.oauth import SCOPES
from jupyter_drive_sync.drive.secrets import Grant, Secret, SecretsStore
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.server.service import Service
from tests.acceptance.real_child import ANN, DRIVE_FILE
from tests.canary.watch import MARK
from tests.server.contract import check_reply

FAKE_CHILD = [sys.executable, "-P", "-m", "tests.server.fake_child"]
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def children(unmeasured_children: None) -> None:
    """Measure none: what they do, the command line's tests cover."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "ann"
    (folder / "course").mkdir(parents=True)
    (folder / "notes.txt").write_text("notes")
    (folder / "course" / "lab.ipynb").write_text("{}")
    (folder / "course" / "data.csv").write_text("1,2\n")
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state-of-ann"


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    with local_drive() as running:
        for name, value in running.environment({}).items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def client_file(ground: Ground) -> Path:
    return ground.client_file


@pytest.fixture
def drive_sync_config() -> dict[str, Any]:
    """What a test sets beside the usual."""
    return {}


@pytest.fixture
def jp_root_dir(home: Path) -> Path:
    return home


@pytest.fixture
def jp_server_config(
    home: Path, state: Path, client_file: Path, drive_sync_config: dict[str, Any]
) -> Config:
    return Config(
        {
            "ServerApp": {"jpserver_extensions": {"jupyter_drive_sync": True}},
            "DriveSync": {
                "home": str(home),
                "state_dir": str(state),
                "drive_folder": "home/ann",
                "client_file": str(client_file),
                **drive_sync_config,
            },
        }
    )


@pytest.fixture
def service(jp_serverapp: Any, jp_asyncio_loop: Any) -> Iterator[Service]:
    apps = jp_serverapp.extension_manager.extension_apps["jupyter_drive_sync"]
    (app,) = apps
    yield jp_asyncio_loop.run_until_complete(app.startup.service())
    jp_asyncio_loop.run_until_complete(app.stop_extension())


@pytest.fixture
def fake_child(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let passes be small tricks, named by the path that is synced."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    service.crew._options["command"] = FAKE_CHILD


class Api:
    """Calls routes, and holds every reply against the OpenAPI document."""

    def __init__(self, fetch: Callable[..., Any]) -> None:
        self._fetch = fetch

    async def call(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> tuple[int, Any]:
        raw = None if method in ("GET", "DELETE") else "" if body is None else json.dumps(body)
        parts = urlsplit(path)
        params = dict(pair.split("=") for pair in parts.query.split("&")) if parts.query else {}
        reply = await self._fetch(
            "drive-sync", "api", *parts.path.split("/"), method=method, body=raw,
            params=params, allow_nonstandard_methods=True, raise_error=False, **options,
        )  # fmt: skip
        values = json.loads(reply.body)
        check_reply(method, f"/drive-sync/api/{parts.path}", reply.code, values)
        return reply.code, values

    async def get(self, path: str) -> Any:
        code, values = await self.call("GET", path)
        assert code == 200, values
        return values

    async def post(self, path: str, body: Any = None) -> Any:
        code, values = await self.call("POST", path, body)
        assert code in (200, 202), values
        return values

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        code, values = await self.call(method, path, body)
        assert code >= 400, values
        return code, values["code"]


@pytest.fixture
def api(jp_fetch: Any, service: Service) -> Api:
    return Api(jp_fetch)


@pytest.fixture
def connected(state: Path, client_file: Path) -> None:
    """Leave a permission in the state folder; Google would not know it."""
    SecretsStore(state).keep_grant(Grant(Secret(f"1//{MARK}"), SCOPES, "client", 1.0))
    Account("1", "ann@example.edu", "Ann", str(client_file), 1_800_000_000.0).save(state)


@pytest.fixture
def really(ground: Ground, state: Path, connected: None) -> None:
    """Leave a permission that LocalDrive knows."""
    oauth = ground.drive.oauth
    client = oauth.client_of_kind("desktop").client_id
    tokens = oauth.grant(ANN, client, [DRIVE_FILE])
    assert tokens.refresh_token is not None
    grant = Grant(Secret(tokens.refresh_token), (DRIVE_FILE,), client, ground.drive.clock.now())
    SecretsStore(state).keep_grant(grant)
