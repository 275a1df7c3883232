"""The service's process: wiring, and nothing else.

Where the service cannot work, it does not end: JupyterHub would start it again and again. It says
why, to everybody who comes and in the log.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth
from tornado import httpserver, web
from traitlets import Unicode, default
from traitlets.config import Application, Config

from jupyter_drive_sync.drive.discovery import ENVIRONMENT_VARIABLE, parse_endpoint
from jupyter_drive_sync.drive.oauth import ClientFile, load_client_file
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import BadClientFile, DriveSyncError
from jupyter_drive_sync.hub import broker, browsing, pages
from jupyter_drive_sync.hub.auth_state import HubLogins
from jupyter_drive_sync.hub.base import (
    PARTS,
    LoginCallback,
    Nothing,
    NothingForServers,
    Parts,
    ServerRoute,
)
from jupyter_drive_sync.hub.config import OPTIONS, DriveSyncHub, read_options
from jupyter_drive_sync.hub.consent import Consent
from jupyter_drive_sync.hub.database import open_database
from jupyter_drive_sync.hub.google import Google
from jupyter_drive_sync.hub.grants import Grants
from jupyter_drive_sync.hub.keys import read_keys
from jupyter_drive_sync.hub.nights import Nights, make_nights
from jupyter_drive_sync.hub.problems import HubRefuses
from jupyter_drive_sync.hub.service import Service, no_login
from jupyter_drive_sync.runner.clock import SystemClock

NEEDED: Final = frozenset({"list:users", "read:users:activity", "servers"})
"""Scopes of the hub that the service's role has to have."""
_CACHE: Final = 5
"""Seconds for which the hub's word on a browser counts; servers are asked about each time."""
_MOST_BYTES: Final = 1 << 20


class DriveSyncHubApp(Application):
    """The service of Jupyter Drive Sync beside a JupyterHub."""

    name = "jupyter-drive-sync-hub"
    description = "Keeps people's consents, and hands their servers short-lived access tokens."
    classes = [DriveSyncHub]  # noqa: RUF012 - as the base has it
    config_file = Unicode(help="Configuration file; empty for none.").tag(config=True)
    ip = Unicode(
        help="Address to listen at. Empty: that of the service's URL where it is this machine's "
        "own, else all."
    ).tag(config=True)
    aliases = {"config": "DriveSyncHubApp.config_file", "ip": "DriveSyncHubApp.ip"}  # noqa: RUF012

    @default("log_level")
    def _log_level(self) -> int:
        return logging.INFO

    def initialize(self, argv: Sequence[str] | None = None) -> None:
        """Read the configuration: the file, then what the hub hands on, then the command line."""
        super().initialize(list(argv) if argv is not None else None)
        if self.config_file:
            self.load_config_file(self.config_file)
        handed = json.loads(os.environ.get(OPTIONS) or "{}")
        self.update_config(Config({"DriveSyncHub": handed}))
        self.update_config(self.cli_config)

    def start(self) -> None:
        """Serve until told to end."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        service: Service | None = None
        nights: Nights | None = None
        try:
            parts = make_parts(self.config, os.environ, self.log)
            application, nights = make_all(parts, os.environ)
        except DriveSyncError as problem:
            self.log.critical("Jupyter Drive Sync does not work. %s", problem.sentence)
            application = broken_application(problem, os.environ)
        else:
            service = parts.service
            await service.start()
            await self._check_scopes(parts.hub_auth)
        address = urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL", "http://127.0.0.1:10101"))
        server = httpserver.HTTPServer(application, max_body_size=_MOST_BYTES, xheaders=True)
        local = address.hostname in ("127.0.0.1", "localhost", "::1")
        server.listen(address.port or 10101, self.ip or (address.hostname or "" if local else ""))
        self.log.info("Jupyter Drive Sync serves %s", address.geturl())
        if nights is not None:
            await nights.start()
        await ended.wait()
        if nights is not None:
            await nights.stop()
        server.stop()
        await server.close_all_connections()
        if service is not None:
            await service.stop()

    async def _check_scopes(self, hub_auth: HubOAuth) -> None:
        """Say at start what the hub does not allow."""
        try:
            model = await hub_auth.user_for_token(hub_auth.api_token, use_cache=False, sync=False)
        except web.HTTPError as problem:
            self.log.error("JupyterHub could not be asked what we may do: %s", problem)
            return
        lacking = sorted(NEEDED - {each.partition("!")[0] for each in (model or {})["scopes"]})
        if lacking:
            fault = HubRefuses(problem=f"the role drive-sync lacks {', '.join(lacking)}")
            self.log.error("%s", fault.sentence)


def make_parts(config: Config, environment: Mapping[str, str], log: logging.Logger) -> Parts:
    """Put the service together.

    Raises:
        DriveSyncError: something is set that cannot be used.
    """
    options = read_options(config)
    client = read_client(Path(options.client_file))
    keys = read_keys(environment, Path(options.crypt_key_file) if options.crypt_key_file else None)
    prefix = environment["JUPYTERHUB_SERVICE_PREFIX"]
    base_url = environment.get("JUPYTERHUB_BASE_URL", "/")
    google = Google(
        client=client,
        endpoint=parse_endpoint(environment.get(ENVIRONMENT_VARIABLE)),
        prefix=prefix,
        clock=SystemClock(),
        public=options.public_url,
        domains=tuple(options.domains),
    )
    engine = open_database(options.database)
    hub_auth = make_hub_auth(environment)
    logins = HubLogins(hub_auth.api_url, Secret(hub_auth.api_token))
    service = Service(
        engine=engine,
        grants=Grants(engine, keys),
        google=google,
        config=options,
        log=log,
        login=no_login if options.token_source == "consent" else logins,  # noqa: S105
    )
    return Parts(
        service=service,
        consent=Consent(service, google, base_url),
        hub_auth=hub_auth,
        prefix=prefix,
        base_url=base_url,
        secure=google.address.startswith("https:"),
        cookie_secret=keys.derive("cookies"),
    )


def make_hub_auth(environment: Mapping[str, str]) -> HubOAuth:
    """Return what asks the hub who somebody is. Source: JupyterHub, "Writing a service"."""
    name = environment.get("JUPYTERHUB_SERVICE_NAME", "drive-sync")
    said = environment.get("JUPYTERHUB_OAUTH_ACCESS_SCOPES")
    base_url = environment.get("JUPYTERHUB_BASE_URL", "/")
    return HubOAuth(
        cache_max_age=_CACHE,
        api_url=environment["JUPYTERHUB_API_URL"],
        api_token=environment["JUPYTERHUB_API_TOKEN"],
        base_url=environment["JUPYTERHUB_SERVICE_PREFIX"],
        hub_prefix=f"{base_url}hub/",
        hub_host=environment.get("JUPYTERHUB_HOST", ""),
        oauth_client_id=environment["JUPYTERHUB_CLIENT_ID"],
        access_scopes=set(json.loads(said)) if said else {f"access:services!service={name}"},
    )


def read_client(path: Path) -> ClientFile:
    """Read the client file, which students must not be able to.

    Raises:
        BadClientFile: it cannot be used, or everybody on this machine could read it.
    """
    client = load_client_file(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o007:
        raise BadClientFile(
            path=str(path), problem="everybody on this machine can read it; run chmod 600 on it"
        )
    return client


def make_all(parts: Parts, environment: Mapping[str, str]) -> tuple[web.Application, Nights]:
    """Return the web application with all its routes, and the nights behind some of them.

    Raises:
        BadSettings: an option cannot be used.
    """
    nights = make_nights(parts, environment)
    return make_application(parts, nights.routes), nights


def make_application(parts: Parts, more: Sequence[Any] = ()) -> web.Application:
    """Return the web application; ``more`` are routes of other rooms, below the prefix."""
    routes = [*browsing.ROUTES, ("oauth_callback", LoginCallback), *broker.ROUTES, *more]
    settings: dict[str, Any] = {
        "default_handler_class": Nothing,
        "log_function": log_request,
        "cookie_secret": parts.cookie_secret,
        PARTS: parts,
    }
    rules: list[Any] = [(f"{parts.prefix}{path}", handler) for path, handler in routes]
    rules.append((f"{parts.prefix}api/.*", NothingForServers))
    return web.Application(rules, **settings)


def broken_application(problem: DriveSyncError, environment: Mapping[str, str]) -> web.Application:
    """Return a web application that says that there is none.

    Never by 500 or more: JupyterHub itself would not start beside such a service.
    """
    prefix = environment.get("JUPYTERHUB_SERVICE_PREFIX", "/")

    class SaySo(ServerRoute):
        def prepare(self) -> None:
            said = "The hub's service for Google Drive is not set up rightly; tell your admin."
            self.reply({"code": problem.code, "who": "admin", "sentence": said, "params": {}}, 409)

    class ShowSo(web.RequestHandler):
        def prepare(self) -> None:
            page = pages.not_set_up()
            self.set_status(page.status)
            self.finish(page.render(environment.get("JUPYTERHUB_BASE_URL", "/")))

    return web.Application([(f"{prefix}api/.*", SaySo), (".*", ShowSo)], log_function=log_request)


def log_request(handler: web.RequestHandler) -> None:
    """Log a request without its query, which may hold a code."""
    write: Callable[..., None] = logging.getLogger("tornado.access").info
    request = handler.request
    write(
        "%d %s %s %.1f ms",
        handler.get_status(),
        request.method,
        request.path,
        1000 * request.request_time(),
    )


def main() -> None:
    """Run the service."""
    DriveSyncHubApp.launch_instance()
