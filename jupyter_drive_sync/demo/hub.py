"""A JupyterHub of its own for the demo: three people with homes, our service, a LocalDrive."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import secrets
import site
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.request import ProxyHandler, Request, build_opener
from zoneinfo import ZoneInfo

from jupyter_drive_sync.demo.ground import CLIENT_FILE, Ground, local_drive
from jupyter_drive_sync.demo.lab import end, quiet_settings
from jupyter_drive_sync.demo.sample import SampleHome
from jupyter_drive_sync.errors import Internal, UsageError
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from jupyter_drive_sync.runner.confine import version

PEOPLE: Final = ("ann", "ben", "cleo")
ADMIN: Final = "teacher"
_NEEDED: Final = ("jupyterhub", "sqlalchemy", "configurable_http_proxy", "jupyterlab")
_BIG: Final = 2 * 1024 * 1024
_PATIENCE: Final = 180.0
"""Seconds that a slow machine may need until the hub answers."""
_GRACE: Final = 90.0
"""Seconds within which it ends, and the servers of its people with it."""
_LOOK_AGAIN: Final = 0.2
_PROXY: Final = "from configurable_http_proxy.cli import main; main()"
"""In pure Python: good for a demo, where no Node.js need be."""
_PORTS: Final = (20_000, 32_768)
"""Below the range of connections of their own. Source: ip(7), ``ip_local_port_range``."""
_WINDOW: Final = timedelta(hours=3)

_CONFIG: Final = '''\
"""The configuration of the demo's hub: a small hub as any, and at the end our three lines."""

from jupyterhub.auth import Authenticator

c = get_config()


class OnePassword(Authenticator):
    """Any authenticator will do; with this one everybody has the same password."""

    async def authenticate(self, handler, data):
        return data["username"] if data["password"] == {password!r} else None


c.JupyterHub.authenticator_class = OnePassword
c.Authenticator.allowed_users = {people!r}
c.Authenticator.admin_users = {{{admin!r}}}

c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = {hub_port}
c.JupyterHub.activity_resolution = 1  # seconds: people of a demo are quick
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}

c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.cmd = {server!r}
c.Spawner.args = {arguments!r}
c.Spawner.environment = {environment!r}
c.Spawner.start_timeout = c.Spawner.http_timeout = 300

# The demo looks on: who is there, and whose server is up.
c.JupyterHub.services = [{{"name": "demo", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "demo", "services": ["demo"], "scopes": ["list:users", "read:servers"]}}
]

from jupyter_drive_sync.hub.configure import drive_sync

drive_sync(
    c,
    client_file={client_file!r},
    url="http://127.0.0.1:{service_port}",
    public_url="http://127.0.0.1:{port}",
    environment={service_environment!r},
{options}
)
'''


@dataclass(frozen=True, slots=True)
class Night:
    """When and how the demo's night goes.

    Attributes:
        mode: of ``c.DriveSyncHub.nightly_mode``.
        zone: whose clock; two nights of one evening need clocks that are days apart.
    """

    mode: str = "servers"
    zone: str = "Etc/GMT+12"

    def options(self, homes: Path) -> dict[str, Any]:
        """Return what an admin would set: a night that is now, and waits for *Resume*."""
        now = datetime.now(ZoneInfo(self.zone))
        begin, end = now - timedelta(minutes=2), now + _WINDOW
        return {
            "nightly_mode": self.mode,
            "nightly_window": f"{begin:%H:%M}-{end:%H:%M}",
            "nightly_time_zone": self.zone,
            "nightly_paused": True,
            "nightly_spread": 0.0,
            "nightly_concurrency": 2,
            "homes_root": str(homes),
            "homes_user": "same",  # all homes are of whoever runs the demo
            "homes_confine": version() > 0,
        }


@dataclass(frozen=True, slots=True)
class Campus:
    """Everything that is there before and after a hub runs.

    Attributes:
        folder: where all lies.
        ground: the LocalDrive.
        homes: the home of each person.
        made: the names at the top of a home, before a server has put its own there.
        ports: of proxy, hub, the proxy's API, and our service.
        password: everybody's.
        token: with which the demo asks the hub.
        key: encrypts the consents.
    """

    folder: Path
    ground: Ground
    homes: Mapping[str, SampleHome]
    made: frozenset[str]
    ports: Sequence[int]
    password: str = field(default_factory=lambda: secrets.token_hex(4))
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    key: str = field(default_factory=lambda: secrets.token_hex(32))

    @property
    def url(self) -> str:
        """The hub's address."""
        return f"http://127.0.0.1:{self.ports[0]}/"

    @property
    def service(self) -> str:
        """Address of our service's pages."""
        return f"{self.url}services/drive-sync/"

    @property
    def config(self) -> Path:
        """The hub's configuration."""
        return self.folder / "jupyterhub_config.py"

    @property
    def log(self) -> Path:
        """What the hub says, and all that it starts."""
        return self.folder / "jupyterhub.log"

    def users(self) -> list[dict[str, Any]]:
        """Ask the hub who is there.

        Raises:
            OSError: it does not answer.
        """
        found: list[dict[str, Any]] = self._ask("users")
        return found

    def _ask(self, path: str) -> Any:
        request = Request(
            f"http://127.0.0.1:{self.ports[1]}/hub/api/{path}",
            headers={"Authorization": f"token {self.token}"},
        )
        with build_opener(ProxyHandler({})).open(request, timeout=_PATIENCE) as reply:
            return json.loads(reply.read())

    def answers(self) -> bool:
        """Tell whether the hub and our service are there."""
        with contextlib.suppress(OSError):
            self._ask("")
            with build_opener(ProxyHandler({})).open(self.service, timeout=_PATIENCE):
                return True
        return False


def account(person: str) -> str:
    """Return the address of a person's Google account."""
    return f"{person}@example.edu"


def check() -> None:
    """See that what a hub needs is installed.

    Raises:
        UsageError: it is not.
    """
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        raise UsageError(
            problem="A hub is not installed here: pip install 'jupyter-drive-sync[demo,hub]'."
        )


@contextlib.contextmanager
def campus(port: int = 0, latency: float = 0.0) -> Iterator[Campus]:
    """Make people with homes in a temporary folder; nothing is left of it at the end.

    Args:
        port: of the LocalDrive; 0 takes any free one.
        latency: seconds that each of its answers takes.

    Raises:
        UsageError: the port is in use.
    """
    with (
        TemporaryDirectory(prefix="drive-sync-hub-") as name,
        local_drive(port=port, settings=LocalDriveSettings(latency=latency)) as ground,
    ):
        folder = Path(name).resolve()
        homes = {}
        for number, person in enumerate(PEOPLE):
            ground.drive.oauth.add_account(account(person), person.title())
            homes[person] = SampleHome(folder / "homes" / person, seed=number, big=_BIG)
            homes[person].make()
        quiet_settings(folder / "settings")
        tops = frozenset(each.name for each in homes[PEOPLE[0]].root.iterdir())
        made = Campus(folder, ground, homes, tops, free_ports(4))
        ground.web_client(f"{made.service}oauth2callback", folder / CLIENT_FILE)
        yield made


@contextlib.contextmanager
def jupyterhub(
    place: Campus, night: Night, ended: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Run a hub for a block; it ends with all that it started.

    Args:
        place: its people, and their Drive.
        night: how its night goes.
        ended: is told, in a thread, when it has ended.

    Raises:
        Internal: it did not start.
    """
    place.config.write_text(_config(place, night), "utf-8")
    with place.log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "jupyterhub", "--config", str(place.config)],
            env=_environment(place),
            cwd=place.folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C is for us, and we end it in order
        )

    def tell_end() -> None:
        process.wait()
        ended()

    watch = threading.Thread(target=tell_end, daemon=True)
    watch.start()
    try:
        _await(process, place)
        yield
    finally:
        end(process, _GRACE)
        watch.join()


def _config(place: Campus, night: Night) -> str:
    port, hub_port, api_port, service_port = place.ports
    base = {"PYTHONUSERBASE": site.getuserbase()}  # else it would move with HOME
    homes = place.folder / "homes"
    options = night.options(homes).items()
    return _CONFIG.format(
        password=place.password,
        people=set(PEOPLE),
        admin=ADMIN,
        port=port,
        hub_port=hub_port,
        api_port=api_port,
        service_port=service_port,
        proxy=[sys.executable, "-c", _PROXY, "--proxy-timeout=3600000"],
        homes=str(homes),
        server=[sys.executable, "-m", "jupyterhub.singleuser"],
        arguments=["--allow-root"] if os.geteuid() == 0 else [],
        environment={**base, "JUPYTERLAB_SETTINGS_DIR": str(place.folder / "settings")},
        token=place.token,
        client_file=str(place.folder / CLIENT_FILE),
        service_environment=base,
        options="\n".join(f"    {name}={value!r}," for name, value in options),
    )


def _environment(place: Campus) -> dict[str, str]:
    """Return an environment in which a hub reads and writes nothing of the person's own."""
    foreign = ("JUPYTER", "XDG_", "DRIVE_SYNC_", "CONFIGPROXY_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {
        **place.ground.environment(inherited),
        "HOME": str(place.folder),
        "PYTHONUSERBASE": site.getuserbase(),
        "DRIVE_SYNC_CRYPT_KEY": place.key,
    }


def _await(process: subprocess.Popen[bytes], place: Campus) -> None:
    pause = threading.Event()
    for _ in range(int(_PATIENCE / _LOOK_AGAIN)):
        if process.poll() is not None:
            break
        if place.answers():
            return
        pause.wait(_LOOK_AGAIN)
    text = place.log.read_text("utf-8", "replace")
    raise Internal(detail=f"JupyterHub did not start:\n{text}")


def free_ports(count: int) -> list[int]:
    """Find ports at which nobody listens, of those that the system gives to no connection.

    So none is taken between its being found and its being used, but by somebody who looks for
    one in the same way.
    """
    chance = random.SystemRandom()
    with contextlib.ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            port = chance.randrange(*_PORTS)
            with contextlib.suppress(OSError):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
        return found
