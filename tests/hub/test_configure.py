"""Three lines in a hub's configuration: added to what is there, wherever it stands."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.spawner import LocalProcessSpawner, Spawner
from traitlets.config import Config

from jupyter_drive_sync.errors import BadSettings
from jupyter_drive_sync.hub.additions import SERVER_SCOPE, USER_SCOPES
from jupyter_drive_sync.hub.config import DriveSyncHub
from jupyter_drive_sync.hub.configure import drive_sync

LINES = """
from jupyter_drive_sync.hub.config import DriveSyncHub
from jupyter_drive_sync.hub.configure import drive_sync
drive_sync(c, "client_secrets.json")
"""


class Custom(LocalProcessSpawner):
    """A spawner of an admin, with a default of its own."""

    def _environment_default(self) -> dict[str, str]:
        return {"OURS": "kept"}


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Any]:
    """Have a hub read a configuration."""

    def read_text(text: str) -> JupyterHub:
        JupyterHub.clear_instance()
        app = JupyterHub.instance()
        path = tmp_path / "jupyterhub_config.py"
        path.write_text(text)
        app.load_config_file(str(path))
        app.session_factory = object()  # as `init_db`; tests/hub/real_hub shows that it is so
        return app

    yield read_text
    JupyterHub.clear_instance()


def roles(app: JupyterHub) -> dict[str, Any]:
    names = [role["name"] for role in app.load_roles]
    assert len(set(names)) == len(names), "multiply defined"
    return {role["name"]: role for role in app.load_roles}


def user_scopes(app: JupyterHub) -> set[str]:
    """Return what users get beside `self`, whichever way this JupyterHub has."""
    if "user" in roles(app):
        assert "self" in roles(app)["user"]["scopes"]
        return set(roles(app)["user"]["scopes"])
    return set(app.extra_user_scopes)


def whole(app: JupyterHub) -> None:
    """See that everything of ours is there."""
    assert "custom:drive-sync:token" in app.custom_scopes
    (service,) = [each for each in app.services if each["name"] == "drive-sync"]
    assert service["oauth_no_confirm"]
    assert service["command"][1:] == ["-m", "jupyter_drive_sync.hub"]
    found = roles(app)
    assert set(found["drive-sync"]["scopes"]) == {
        "list:users", "read:users:activity", "read:users:groups", "servers",
    }  # fmt: skip
    assert found["drive-sync"]["services"] == ["drive-sync"]
    assert {SERVER_SCOPE, "access:servers!server", "users:activity!user"} <= set(
        found["server"]["scopes"]
    )
    assert set(USER_SCOPES) <= user_scopes(app)
    assert not any("access:servers" in scope for scope in found["drive-sync"]["scopes"])


def test_the_page_has_every_option_with_its_default_and_help() -> None:
    page = (Path(__file__).parents[2] / "docs/admin/jupyterhub.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*) \|$", page, re.MULTILINE)
    known = {name: (default, text) for name, default, text in rows}
    for name, trait in DriveSyncHub.class_own_traits(config=True).items():
        assert known[name] == (json.dumps(trait.default()), trait.help), name


def test_alone(read: Any) -> None:
    app = read(LINES)
    whole(app)
    (service,) = app.services
    options = json.loads(service["environment"]["DRIVE_SYNC_HUB_OPTIONS"])
    assert options == {"client_file": str(Path("client_secrets.json").absolute())}


OWN = """
c.JupyterHub.load_roles = [
    {"name": "teachers", "groups": ["t"], "scopes": ["list:users"]},
    {"name": "user", "description": "ours", "scopes": ["self", "shares!user"]},
    {"name": "server", "scopes": ["users:activity!user", "access:servers!server", "shares!user"]},
]
c.JupyterHub.services = [{"name": "culler", "command": ["cull"]}]
c.JupyterHub.custom_scopes = {"custom:theirs:read": {"description": "theirs"}}
c.Spawner.environment = {"A": "1"}
"""


@pytest.mark.parametrize("text", [OWN + LINES, LINES + OWN], ids=["before", "after"])
def test_what_an_admin_has_is_kept(read: Any, text: str) -> None:
    app = read(text)
    whole(app)
    found = roles(app)
    assert found["teachers"] == {"name": "teachers", "groups": ["t"], "scopes": ["list:users"]}
    assert "shares!user" in found["user"]["scopes"]
    assert found["user"]["description"] == "ours"
    assert "shares!user" in found["server"]["scopes"]
    assert {service["name"] for service in app.services} == {"culler", "drive-sync"}
    assert "custom:theirs:read" in app.custom_scopes
    spawner = Spawner(config=app.config)
    assert spawner.environment == {
        "A": "1", "DRIVE_SYNC_BROKER_URL": "http://127.0.0.1:10101/services/drive-sync/",
    }  # fmt: skip


@pytest.mark.parametrize(
    "after",
    [
        "c.JupyterHub.load_roles = []",
        "c.JupyterHub.services = []",
        "c.JupyterHub.custom_scopes = {}",
        'c.JupyterHub.load_roles.append({"name": "user", "scopes": ["self"]})',
        'c.JupyterHub.load_roles.append({"name": "server", "scopes": ["shares!user"]})',
        'c.JupyterHub.load_roles = [{"name": "user"}, {"name": "server"}]',
        'c.JupyterHub.load_roles += [{"name": "drive-sync", "scopes": ["list:users"]}]',
        'c.JupyterHub.base_url = "/base/"',
        'c.JupyterHub.bind_url = "http://:8000/base"',
    ],
)
def test_what_an_admin_says_later(read: Any, after: str) -> None:
    app = read(LINES + after)
    whole(app)
    base = "/base/" if "base" in after else "/"
    assert Spawner(config=app.config).environment["DRIVE_SYNC_BROKER_URL"] == (
        f"http://127.0.0.1:10101{base}services/drive-sync/"
    )


def test_a_configuration_of_several_files(read: Any, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(OWN)
    app = read(f'{LINES}\nload_subconfig("{tmp_path}/other.py")')
    whole(app)
    assert "teachers" in roles(app)


def test_scopes_that_users_get_otherwise_stay_in_force(read: Any) -> None:
    if "extra_user_scopes" not in JupyterHub.class_trait_names():  # JupyterHub 5
        assert set(USER_SCOPES) < set(roles(read(LINES))["user"]["scopes"])
        return
    app = read(f'c.JupyterHub.extra_user_scopes = {{"shares!user"}}\n{LINES}')
    assert "user" not in roles(app), "it would put them out of force"
    assert {"shares!user", *USER_SCOPES} <= set(app.extra_user_scopes)


def test_a_service_of_our_name_is_completed(read: Any) -> None:
    own = (
        'c.JupyterHub.services = [{"name": "drive-sync", "url": "http://hub:9", "display": False}]'
    )
    (service,) = read(own + LINES).services
    assert (service["url"], service["display"]) == ("http://hub:9", False)
    assert "command" in service


def test_a_service_that_runs_elsewhere_is_not_started_here(read: Any) -> None:
    own = 'c.JupyterHub.services = [{"name": "drive-sync", "api_token": "x" * 32}]'
    (service,) = read(own + LINES).services
    assert "command" not in service
    assert service["url"] == "http://127.0.0.1:10101"


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_spawner_of_another_class(read: Any, place: str) -> None:
    """z2jh sets `c.KubeSpawner.environment`, which hides that of `c.Spawner`."""
    own = 'c.LocalProcessSpawner.environment = {"B": "2"}\n'
    app = read(own + LINES if place == "before" else LINES + own)
    found = LocalProcessSpawner(config=app.config).environment
    assert found["B"] == "2"
    assert "DRIVE_SYNC_BROKER_URL" in found


def test_a_spawners_own_default_is_kept(read: Any) -> None:
    found = Custom(config=read(LINES).config).environment
    assert found["OURS"] == "kept"
    assert "DRIVE_SYNC_BROKER_URL" in found


def test_scopes_of_servers_tokens(read: Any) -> None:
    own = 'c.Spawner.server_token_scopes = ["access:servers!server", "users:activity!user"]\n'
    app = read(LINES + own)
    assert SERVER_SCOPE in app.config.Spawner.server_token_scopes


def test_scopes_that_a_function_decides_are_said(
    read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    JupyterHub.clear_instance()
    monkeypatch.setattr(
        type(JupyterHub.instance().log), "critical", lambda _s, text, *a: said.append(text % a)
    )
    read(f"{LINES}c.Spawner.server_token_scopes = lambda spawner: []")
    assert said
    assert SERVER_SCOPE in said[0]


def test_what_cannot_be_added_to_is_a_sentence(read: Any) -> None:
    for name, value in (("load_roles", "7"), ("services", "{}"), ("custom_scopes", "[]")):
        with pytest.raises(BadSettings, match=f"c.JupyterHub.{name}"):
            drive_sync(Config({"JupyterHub": {name: json.loads(value)}}), "x.json")


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"domain": ["x"]}, "c.DriveSyncHub.domain"),
        ({"domains": 7}, "c.DriveSyncHub"),
        ({"token_source": "x"}, "c.DriveSyncHub"),
        ({"settings": {"exclude": []}}, "exclude"),
        ({"group_settings": {"g": 7}}, "group_settings"),
        ({"url": "hub:10101"}, "url"),
        ({"broker_url": "http://hub/path"}, "broker_url"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], name: str) -> None:
    with pytest.raises(BadSettings, match=name):
        drive_sync(Config(), "client_secrets.json", **options)


def test_the_service_gets_what_it_needs_and_a_server_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DRIVE_SYNC_CRYPT_KEY", "ab" * 32)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    c = Config()
    drive_sync(c, "x.json", environment={"MORE": "1"}, token_source="hub_auth_state")
    (service,) = c.JupyterHub.services
    handed = service["environment"]
    assert handed["DRIVE_SYNC_CRYPT_KEY"] == "ab" * 32
    assert (handed["HTTPS_PROXY"], handed["MORE"]) == ("http://proxy:3128", "1")
    assert "admin:auth_state" in c.JupyterHub.load_roles[0]["scopes"]
    assert "DRIVE_SYNC_CRYPT_KEY" not in Spawner.env_keep.default_args[0]
    assert os.environ["DRIVE_SYNC_CRYPT_KEY"] not in str(c.get("Spawner"))
