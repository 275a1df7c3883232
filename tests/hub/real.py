"""A real JupyterHub on this machine: hub, pure-Python proxy, our service, people's servers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

from jupyter_drive_sync.demo.hub import free_ports
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer

ROOT = Path(__file__).parents[2]
KEY = "0123456789abcdef" * 4
ADMIN, ADMIN_TOKEN = "root-admin", "admin-token-of-the-tests"
PATIENCE = 240.0

BEFORE = """
import os, sys
c = get_config()
bin = os.path.dirname(sys.executable)
c.JupyterHub.bind_url = "http://127.0.0.1:{port}{base_url}"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = {hub_port}
c.JupyterHub.db_url = "sqlite:///{folder}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.command = [
    os.path.join(bin, "configurable-http-proxy"), "--proxy-timeout=3600000"
]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {{"{admin}"}}
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/homes/{{username}}"
c.Spawner.args = ["--allow-root"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.Spawner.cmd = [os.path.join(bin, "jupyterhub-singleuser")]
c.JupyterHub.allow_named_servers = True
c.JupyterHub.log_level = "INFO"
"""
LINES = """
from jupyter_drive_sync.hub.configure import drive_sync
drive_sync(
    c,
    client_file="{client_file}",
    url="http://127.0.0.1:{service_port}",
    database="sqlite:///{folder}/drive-sync/hub.sqlite",
    public_url="http://127.0.0.1:{port}",
)
"""


@dataclass
class Reply:
    """What came back at the end of all redirects."""

    status: int
    text: str
    url: str
    headers: Any = None

    @property
    def verdict(self) -> str:
        """The one word of a page of ours."""
        found = re.search(r'data-drive-sync="([^"]+)"', self.text)
        return found[1] if found else ""

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, list[tuple[str, str]]]] = []
        self.onward = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((said.get("action", ""), []))
        elif tag == "input" and self.forms and said.get("name"):
            if said.get("type") not in ("submit", "checkbox", "radio") or "checked" in said:
                self.forms[-1][1].append((said["name"], said.get("value", "")))
        elif tag == "meta" and said.get("http-equiv", "").lower() == "refresh":
            self.onward = said["content"].partition("url=")[2]


class Browser:
    """A person's browser: keeps cookies, follows redirects, fills in forms."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.jar = CookieJar()
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.jar))

    def send(
        self,
        path: str,
        *,
        method: str = "GET",
        form: Mapping[str, str] | list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send as a navigation of a tab."""
        body = None if form is None else urlencode(form).encode()
        sent = {"Sec-Fetch-Mode": "navigate", **(headers or {})}
        request = Request(  # noqa: S310 - this machine
            urljoin(self.base, path), data=body, headers=sent, method="POST" if body else method
        )
        try:
            with self._opener.open(request, timeout=PATIENCE) as page:
                return Reply(page.status, page.read().decode(), page.geturl(), page.headers)
        except HTTPError as refusal:
            with refusal:
                text = refusal.read().decode()
                return Reply(refusal.code, text, refusal.geturl(), refusal.headers)

    def submit(self, page: Reply, number: int = 0, **more: str) -> Reply:
        """Press the button of a form."""
        forms = _Forms()
        forms.feed(page.text)
        action, fields = forms.forms[number]
        filled = [(name, more.pop(name, value)) for name, value in fields]
        return self.send(urljoin(page.url, action), form=[*filled, *more.items()])

    def onward(self, page: Reply) -> Reply:
        """Go where a page brings the browser by itself."""
        forms = _Forms()
        forms.feed(page.text)
        return self.send(forms.onward)

    def cookie(self, name: str) -> str:
        """Return a cookie's value."""
        return next((each.value or "" for each in self.jar if each.name == name), "")


@dataclass
class RealHub:
    """A hub that answers.

    Attributes:
        folder: where it lives.
        url: its address, base URL and all.
        service: address of our service, past the proxy.
        drive: the Google of this hub.
    """

    folder: Path
    url: str
    service: str
    drive: LocalDrive
    process: subprocess.Popen[bytes] | None = None
    begun: int = 0
    """Length of the log when the hub began with our lines in it; ``ready`` when it answered."""
    ready: int = 0

    def api(
        self, path: str, method: str = "GET", token: str = ADMIN_TOKEN, body: Any = None
    ) -> Reply:
        """Call the hub's API."""
        return call(f"{self.url}hub/api/{path}", method, token, body)

    def broker(self, path: str, token: str, body: Any = None, method: str = "POST") -> Reply:
        """Call our service as a server does."""
        return call(f"{self.service}{path}", method, token, body)

    def log_in(self, user: str) -> Browser:
        """Log a person in."""
        browser = Browser(self.url)
        home = f"{urlsplit(self.url).path}hub/home"
        page = browser.send(f"hub/login?{urlencode({'next': home})}")
        reply = browser.submit(page, username=user, password="any")
        assert reply.status == 200, reply.text
        assert browser.cookie("jupyterhub-session-id")
        return browser

    def add_user(self, user: str) -> None:
        """Make a person known to the hub."""
        assert self.api(f"users/{user}", "POST").status in (201, 409)

    def start_server(self, user: str, name: str = "") -> None:
        """Start a person's server, and wait for it."""
        self.add_user(user)
        where = f"users/{user}/servers/{name}" if name else f"users/{user}/server"
        reply = self.api(where, "POST", body={})
        running = reply.status == 400 and "already running" in reply.text
        assert running or reply.status in (201, 202), reply.text
        self.until(lambda: self.server(user, name).get("ready"))

    def page(
        self, user: str, path: str, token: str, method: str = "GET", body: Any = None
    ) -> Reply:
        """Call a person's own server."""
        return call(f"{self.url}user/{user}/{path}", method, token, body)

    def new_token(self, user: str, *scopes: str, asked_with: str = ADMIN_TOKEN) -> Reply:
        """Make a token of a person; without scopes one that may do all that the person may."""
        body = {"scopes": list(scopes)} if scopes else {}
        return self.api(f"users/{user}/tokens", "POST", asked_with, body)

    def consent(self, user: str, home: str, account: str) -> str:
        """Have a person consent by a browser; returns the verdict of the last page."""
        browser = self.log_in(user)
        page = browser.send(f"services/drive-sync/connect?home={home}")
        assert page.verdict == "ask", page.text
        self.drive.oauth.add_account(account, user)
        google = browser.onward(browser.submit(page))
        end = browser.submit(google, account=account, scope="all", decision="allow")
        assert account in end.text
        return end.verdict

    def service_process(self) -> Path | None:
        """Find the process of our service."""
        for path in Path("/proc").iterdir():
            if path.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (path / "cmdline").read_bytes().split(b"\0")
                    if (
                        b"jupyter_drive_sync.hub" in words
                        and self.folder == (path / "cwd").readlink()
                    ):
                        return path
        return None

    def service_environment(self) -> dict[str, str]:
        """Return what our service was given."""
        process = self.service_process()
        assert process is not None, self.log[-6000:]
        return environment_of(process)

    def stop_server(self, user: str) -> None:
        """Stop it, and wait for its end."""
        assert self.api(f"users/{user}/server", "DELETE").status in (202, 204)
        self.until(lambda: not self.api(f"users/{user}").json["servers"])

    def server(self, user: str, name: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.api(f"users/{user}").json["servers"].get(name, {})
        return found

    def server_environment(self, user: str, name: str = "") -> dict[str, str]:
        """Return what a student sees in a terminal of the own server."""
        state = self.api(f"users/{user}?include_stopped_servers").json["servers"][name]
        pid = int(state["state"]["pid"])
        return environment_of(Path(f"/proc/{pid}"))

    def until(self, true: Any, seconds: float = PATIENCE) -> None:
        """Wait for something that another process brings about."""
        pause = threading.Event()
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise AssertionError(self.log[-6000:])
            pause.wait(0.2)

    @property
    def log(self) -> str:
        return (self.folder / "hub.log").read_text("utf-8", "replace")

    def stop(self) -> None:
        """End it, and all that belongs to it."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.process = None


def environment_of(process: Path) -> dict[str, str]:
    """Return the environment of a process."""
    raw = (process / "environ").read_bytes().decode()
    return dict(pair.split("=", 1) for pair in raw.split("\0") if "=" in pair)


def call(url: str, method: str, token: str, body: Any = None) -> Reply:
    """Send a request of a program."""
    request = Request(  # noqa: S310 - this machine
        url,
        method=method,
        data=json.dumps(body or {}).encode() if method in ("POST", "PUT", "PATCH") else None,
        headers={"Authorization": f"token {token}"} if token else {},
    )
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=PATIENCE) as reply:
            return Reply(reply.status, reply.read().decode(), url, reply.headers)
    except HTTPError as refusal:
        with refusal:
            return Reply(refusal.code, refusal.read().decode(), url, refusal.headers)


def hub_environment(folder: Path, drive_url: str) -> dict[str, str]:
    """Return the environment of a hub, in which nothing of ours but the key is set."""
    kept = {
        name: os.environ[name] for name in ("LANG", "COVERAGE_PROCESS_START") if name in os.environ
    }
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        "HOME": str(folder),
        "DRIVE_SYNC_CRYPT_KEY": KEY,
        "DRIVE_SYNC_API_ENDPOINT": drive_url,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "JUPYTER_PLATFORM_DIRS": "0",
        "PYTHONWARNINGS": "ignore",
    }


@contextlib.contextmanager
def real_hub(
    folder: Path,
    *,
    existing: Callable[[RealHub], None],
    before: str = "",
    after: str = "",
    lines: str = LINES,
    base_url: str = "/",
) -> Iterator[RealHub]:
    """Run a hub for a block, which has been there without our lines before.

    Args:
        folder: where everything lies.
        existing: what happens on the hub before our lines are added.
        before: configuration before our lines.
        after: configuration after them.
        lines: ours.
        base_url: of the hub.
    """
    port, hub_port, api_port, service_port = free_ports(4)
    homes = folder / "homes"
    homes.mkdir(parents=True)
    with LocalDrive(None, seed=5) as drive, LocalDriveServer(drive) as google:
        web_client = drive.oauth.client_of_kind("web")
        redirect = f"http://127.0.0.1:{port}{base_url}services/drive-sync/oauth2callback"
        drive.oauth.add_redirect_uri(web_client.client_id, redirect)
        client_file = folder / "client_secrets.json"
        client_file.touch(0o600)
        client_file.write_text(
            json.dumps(drive.oauth.client_file(web_client.client_id, google.url))
        )
        values = {
            "port": port, "hub_port": hub_port, "api_port": api_port, "folder": folder,
            "service_port": service_port, "client_file": client_file, "admin": ADMIN,
            "base_url": base_url,
        }  # fmt: skip
        admin = (
            f'c.JupyterHub.services.append({{"name": "tests", "api_token": "{ADMIN_TOKEN}"}})\n'
            'c.JupyterHub.load_roles.append({"name": "tests", "services": ["tests"], "scopes": '
            '["admin:users", "admin:servers", "tokens", "list:services", "read:services", '
            '"admin:server_state"]})\n'
        )
        hub = RealHub(
            folder,
            f"http://127.0.0.1:{port}{base_url}",
            f"http://127.0.0.1:{service_port}{base_url}services/drive-sync/",
            drive,
        )
        own = BEFORE.format(**values) + before + admin
        try:
            # Its people's servers stay up while the hub is down, as pods do.
            _begin(hub, own + "c.JupyterHub.cleanup_servers = False\n" + after, google.url)
            hub.until(lambda: _hub_answers(hub, hub_port))
            existing(hub)
            hub.stop()
            hub.begun = len(hub.log)
            _begin(hub, own + lines.format(**values) + after, google.url)
            hub.until(lambda: _hub_answers(hub, hub_port) and _answers(hub))
            hub.ready = len(hub.log)
            yield hub
        finally:
            hub.stop()


def _begin(hub: RealHub, config: str, google: str) -> None:
    path = hub.folder / "jupyterhub_config.py"
    path.write_text(config)
    # Into a file: of a pipe, a server that outlives the hub would keep the other end.
    with (hub.folder / "hub.log").open("ab") as log:
        hub.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(path)],
            cwd=hub.folder,
            env=hub_environment(hub.folder, google),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _hub_answers(hub: RealHub, hub_port: int) -> bool:
    """Ask the hub itself: its proxy complains of each question that it cannot pass on."""
    if hub.process is not None and hub.process.poll() is not None:
        raise AssertionError(hub.log)
    base = f"/{urlsplit(hub.url).path.strip('/')}/".replace("//", "/")
    try:
        return call(f"http://127.0.0.1:{hub_port}{base}hub/api/", "GET", "").status == 200
    except URLError:
        return False


def _answers(hub: RealHub) -> bool:
    return call(f"{hub.url}services/drive-sync/api/token", "POST", "").status == 403
