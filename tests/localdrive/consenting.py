"""A browser and a program at LocalDrive's consent, in one process, by a clock that tests turn."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from jupyter_drive_sync.localdrive.accounts import DRIVE_FILE, Client
from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.oauth import OAuth
from jupyter_drive_sync.localdrive.oauth_routes import ConsentRoutes
from jupyter_drive_sync.localdrive.routing import Router
from jupyter_drive_sync.localdrive.store import FolderStore
from jupyter_drive_sync.localdrive.wire import Request, Response

ANN, BEN = "ann@example.edu", "ben@example.edu"
DRIVE = "https://www.googleapis.com/auth/drive"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
LOOPBACK = "http://127.0.0.1:8765/callback"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class FormReader(HTMLParser):
    """Collects what a browser would send with the page's form, untouched by its user."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.boxes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        if tag != "input":
            return
        if given["type"] == "checkbox":
            self.boxes.append(given["value"])
        if given["type"] in ("hidden", "text") or "checked" in given:
            self.fields.append((given["name"], given["value"]))


class Site:
    """LocalDrive's consent, called in process as a browser and a program would call it."""

    def __init__(self, store: FolderStore | None = None) -> None:
        self.clock = ManualClock()
        self.oauth = OAuth(self.clock, 7, store)
        self.router = Router(ConsentRoutes(self.oauth, self.clock).routes())

    def client(self, kind: str = "desktop") -> Client:
        return next(client for client in self.oauth.clients if client.kind == kind)

    def send(self, request: Request) -> Response:
        call = self.router.find(request)
        assert call is not None, request.path
        return call.route.handler(call)

    def get(self, path: str, **parameters: str) -> Response:
        return self.send(Request.make("GET", f"{path}?{urlencode(parameters)}"))

    def post(
        self,
        path: str,
        form: Mapping[str, str] | list[tuple[str, str]],
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        return self.send(Request.make("POST", path, headers={**kind, **(headers or {})}, body=body))

    def auth(self, kind: str = "desktop", **parameters: str) -> Response:
        """Open the authorization endpoint; a parameter of "" is left out."""
        asked = {
            "client_id": self.client(kind).client_id,
            "redirect_uri": LOOPBACK,
            "response_type": "code",
            "scope": DRIVE_FILE,
            "access_type": "offline",
            **parameters,
        }
        return self.get("/o/oauth2/v2/auth", **{k: v for k, v in asked.items() if v})

    def press(
        self, page: Response, decision: str = "allow", account: str = ANN, **more: str
    ) -> Response:
        """Answer a consent page."""
        form = FormReader(page.content().decode())
        fields = [(name, value) for name, value in form.fields if name != "account"]
        fields += [("account", account), ("decision", decision), *more.items()]
        return self.post(form.action, fields)

    def token(self, kind: str = "desktop", **form: str) -> Response:
        client = self.client(kind)
        secret = {"client_id": client.client_id, "client_secret": client.secret}
        return self.post("/token", {**secret, **form})

    def exchange(self, code: str, **form: str) -> Response:
        given = {"grant_type": "authorization_code", "redirect_uri": LOOPBACK, **form}
        return self.token(code=code, **given)

    def refresh(self, token: str, kind: str = "desktop", **form: str) -> Response:
        return self.token(kind, grant_type="refresh_token", refresh_token=token, **form)

    def consented(self, account: str = ANN, **parameters: str) -> dict[str, Any]:
        """Go all the way and return the token reply."""
        reply = self.auth(**parameters)
        if reply.status == 200:
            reply = self.press(reply, account=account)
        return dict(self.exchange(answer(reply)["code"]).json())


def answer(reply: Response) -> dict[str, str]:
    """Return what a redirect carries to the app."""
    assert reply.status == 302, reply.content()
    query = parse_qs(urlsplit(reply.headers["Location"]).query, keep_blank_values=True)
    return {name: values[0] for name, values in query.items()}


def text(reply: Response) -> str:
    return reply.content().decode()


def start(site: Site, scope: str = DRIVE_FILE, kind: str = "tv") -> Response:
    form = {"client_id": site.client(kind).client_id, "scope": scope}
    return site.post("/device/code", form)


def poll(site: Site, device_code: str) -> Response:
    return site.token("tv", grant_type=DEVICE_GRANT, device_code=device_code)
