"""Three lines of ``jupyterhub_config.py`` that add everything to a hub.

They are::

    from jupyter_drive_sync.hub.configure import drive_sync

    drive_sync(c, client_file="/srv/jupyterhub/client_secrets.json")

What the configuration says before *and after* these lines is kept and added to: while a hub reads
its configuration, the application that will use it can be listened to.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jupyterhub.app import JupyterHub
from jupyterhub.roles import get_default_roles
from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from jupyter_drive_sync.errors import BadSettings
from jupyter_drive_sync.hub.additions import NAME, SERVER_SCOPE, USER_SCOPES, Additions
from jupyter_drive_sync.hub.config import OPTIONS, read_options

BROKER: Final = "DRIVE_SYNC_BROKER_URL"
"""Variable by which people's servers find the service."""
_READ: Final = "session_factory"
"""What a JupyterHub sets when it opens its database: everything is read, and nothing used yet."""
_SCOPES: Final = ("list:users", "read:users:activity", "read:users:groups", "servers")
_LOGIN_SCOPE: Final = "admin:auth_state"
_ENDPOINT: Final = "DRIVE_SYNC_API_ENDPOINT"
_HANDED_ON: Final = ("DRIVE_SYNC_CRYPT_KEY", "DRIVE_SYNC_WORKER_TOKEN", _ENDPOINT, "SSL_CERT_FILE")
_PROXIES: Final = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


def drive_sync(
    c: Config,
    client_file: str | Path,
    *,
    url: str = "http://127.0.0.1:10101",
    broker_url: str = "",
    command: Sequence[str] = (sys.executable, "-m", "jupyter_drive_sync.hub"),
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> None:
    """Add Jupyter Drive Sync to a hub.

    Args:
        c: the hub's configuration.
        client_file: Google's OAuth client file, of the kind *Web application*.
        url: where the service listens, as the hub and its proxy reach it.
        broker_url: scheme, host and port at which people's servers reach it; ``url`` when empty.
        command: starts the service.
        environment: for the service, beside what is handed on by itself.
        options: traits of ``c.DriveSyncHub``.

    Raises:
        BadSettings: an option is wrong, or the configuration is not one that can be added to.
    """
    given = {"client_file": str(Path(client_file).absolute()), **options}
    read_options(Config({"DriveSyncHub": given}))
    for name, address in (("url", url), ("broker_url", broker_url or url)):
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise BadSettings(name=name, problem="it is no address such as http://hub:10101")
    login = options.get("token_source") == "hub_auth_state"
    additions = Additions(
        service={
            "name": NAME,
            "url": url,
            "command": list(command),
            "oauth_no_confirm": True,
            "environment": {**_handed_on(os.environ), OPTIONS: json.dumps(given)}
            | dict(environment or {}),
        },
        scopes=(*_SCOPES, *((_LOGIN_SCOPE,) if login else ())),
        defaults={role["name"]: role["scopes"] for role in get_default_roles()},
    )
    broker = (broker_url or url).rstrip("/")
    _add_to_config(c, additions, broker)
    if JupyterHub.initialized():
        app = JupyterHub.instance()
        app.observe(lambda _change: _add_to_app(app, additions, broker), _READ)


def _add_to_config(c: Config, additions: Additions, broker: str) -> None:
    """Add to what was said before our lines; also for whoever reads the configuration alone."""
    hub = c.JupyterHub
    hub.custom_scopes = additions.custom_scopes(_plain(hub, "custom_scopes", {}))
    hub.services = additions.services(_plain(hub, "services", []))
    roles = _plain(hub, "load_roles", [])
    extra = _has_extra_scopes() and all(role.get("name") != "user" for role in _dicts(roles))
    if extra:
        hub.extra_user_scopes = {*_plain(hub, "extra_user_scopes", set()), *USER_SCOPES}
    hub.load_roles = additions.roles(roles, user_scopes_elsewhere=extra)
    base_url = hub.base_url if "base_url" in hub else "/"
    _add_to_spawners(c, _broker_variable(broker, str(base_url)))


def _add_to_app(app: Any, additions: Additions, broker: str) -> None:
    """Add to what the application has read, wherever in the configuration it stood."""
    app.custom_scopes = additions.custom_scopes(app.custom_scopes)
    app.services = additions.services(app.services)
    extra = _has_extra_scopes() and all(
        role.get("name") != "user" for role in _dicts(app.load_roles)
    )
    if extra:
        app.extra_user_scopes = {*app.extra_user_scopes, *USER_SCOPES}
    elif _has_extra_scopes():
        app.extra_user_scopes = {*app.extra_user_scopes} - {*USER_SCOPES}
    app.load_roles = additions.roles(app.load_roles, user_scopes_elsewhere=extra)
    unclear = _add_to_spawners(app.config, _broker_variable(broker, app.base_url))
    for section in unclear:
        app.log.critical(
            "c.%s.server_token_scopes is a function, so drive_sync cannot add to it: have it "
            "return %s too, or people's servers get no access to their Drive.",
            section,
            SERVER_SCOPE,
        )


def _add_to_spawners(c: Config, variables: Mapping[str, str]) -> list[str]:
    """Let people's servers know where the service is.

    Returns:
        The sections whose servers get tokens with scopes that we cannot add to.
    """
    c.Spawner.environment  # noqa: B018 - makes one that adds to the spawner's own default
    unclear = []
    for name, section in c.items():
        if not isinstance(section, Config) or name in ("JupyterHub", "DriveSyncHub"):
            continue
        if "environment" in section:
            there = section.environment
            if isinstance(there, LazyConfigValue):
                there.update(dict(variables))
            elif isinstance(there, Mapping):
                section.environment = {**variables, **there}
        if "server_token_scopes" in section:
            there = section.server_token_scopes
            if isinstance(there, list | tuple | set):
                section.server_token_scopes = list(dict.fromkeys([*there, SERVER_SCOPE]))
            elif isinstance(there, LazyConfigValue):
                there.extend([SERVER_SCOPE])
            else:
                unclear.append(name)
    return unclear


def _broker_variable(broker: str, base_url: str) -> dict[str, str]:
    path = f"/{base_url.strip('/')}/".replace("//", "/")
    # Where the hub's Google is a LocalDrive, that of the servers is the same.
    elsewhere = os.environ.get(_ENDPOINT)
    return {
        BROKER: f"{broker}{path}services/{NAME}/",
        **({_ENDPOINT: elsewhere} if elsewhere else {}),
    }


def _handed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a managed service would not get by itself."""
    return {
        name: value
        for name, value in environment.items()
        if name in _HANDED_ON or name.lower() in _PROXIES
    }


def _has_extra_scopes() -> bool:
    """Tell whether this JupyterHub can add to what users may; it is one of 6.0 or later then."""
    return "extra_user_scopes" in JupyterHub.class_trait_names()


def _plain(section: Config, name: str, default: Any) -> Any:
    """Return what a section says, of additions too."""
    if name not in section:
        return default
    value = section[name]
    return value.get_value(default) if isinstance(value, LazyConfigValue) else value


def _dicts(roles: Any) -> list[Mapping[str, Any]]:
    there = roles if isinstance(roles, list | tuple) else ()
    return [role for role in there if isinstance(role, Mapping)]
