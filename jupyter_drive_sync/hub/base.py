"""What all routes of the service share: who may, how errors are said, what a browser is told."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import web

from jupyter_drive_sync.errors import DriveSyncError, Internal
from jupyter_drive_sync.hub import pages
from jupyter_drive_sync.hub.consent import Consent
from jupyter_drive_sync.hub.identity import Caller, read_caller
from jupyter_drive_sync.hub.problems import (
    BadRequest,
    Forbidden,
    NoSuchMethod,
    NoSuchThing,
    http_status,
)
from jupyter_drive_sync.hub.service import Service
from jupyter_drive_sync.runner.page import Page

P = ParamSpec("P")
H = TypeVar("H", bound="ServerRoute")

PARTS: Final = "drive_sync_hub"
"""Where the web application keeps :class:`Parts`."""
_TOKEN: Final = re.compile(r"(?:token|bearer)\s+(\S+)", re.IGNORECASE)
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    # People's servers are pages of the same origin: none of them may hold a window of ours.
    "Cross-Origin-Opener-Policy": "noopener-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the callback's address holds the code
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Parts:
    """What routes work with.

    Attributes:
        service: grants and tokens.
        consent: the one callback.
        hub_auth: asks the hub who somebody is.
        prefix: path of the service, with a slash at both ends.
        base_url: of the whole hub, likewise.
        secure: whether browsers reach us by https.
        cookie_secret: signs cookies; the same after a restart, which so logs nobody out.
    """

    service: Service
    consent: Consent
    hub_auth: HubOAuth
    prefix: str
    base_url: str
    secure: bool
    cookie_secret: bytes


class _Quiet(web.RequestHandler):
    """Tells the log no query: the callback's holds the code."""

    def _request_summary(self) -> str:
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"

    @property
    def parts(self) -> Parts:
        """What the route works with."""
        found: Parts = self.settings[PARTS]
        return found


class PageRoute(HubOAuthenticated, _Quiet):  # type: ignore[misc]  # jupyterhub has no types
    """A page for a person who is logged in to the hub.

    Attributes:
        user: who it is, by the hub's name.
        admin: whether it is an administrator of the hub.
    """

    user: str
    admin: bool
    admins_only = False
    login_first = True
    """Whether somebody who is not logged in is sent to the login, or told so."""

    def initialize(self) -> None:
        """Take what asks the hub."""
        self.hub_auth = self.parts.hub_auth

    def set_default_headers(self) -> None:
        """Say what a browser may do with our pages: nothing but show them."""
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    async def prepare(self) -> None:
        """See who it is, before anything else is done."""
        model = await self.parts.hub_auth.get_user(self, sync=False)
        if model is None:
            self.current_user = None
            if self.request.method in ("GET", "HEAD") and self.login_first:
                self.redirect(self.get_login_url())
                return
            self.show(pages.LOGGED_OUT)
            return
        allowed = model.get("kind") == "user" and self.hub_auth.check_scopes(self.hub_scopes, model)
        if not allowed or (self.admins_only and not model.get("admin")):
            self.show(pages.NOT_ALLOWED)
            return
        self.current_user = model
        self.user, self.admin = str(model["name"]), bool(model.get("admin"))
        if self.request.method not in _SAFE:
            self.check_xsrf_cookie()

    def get_current_user(self) -> None:
        """Know nobody before :meth:`prepare` has asked; the base would stop the loop for it."""

    def show(self, page: Page, jupyter: str = "") -> None:
        """Answer with a page."""
        self.set_status(page.status)
        self.html(page.render(jupyter or self.parts.base_url))

    def html(self, text: str) -> None:
        """Answer with the text of a page."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(text)

    def form(self, action: str, jupyter: str = "") -> pages.Form:
        """Describe a form on a page of this person."""
        xsrf = self.xsrf_token
        text = xsrf.decode("ascii") if isinstance(xsrf, bytes) else str(xsrf)
        return pages.Form(f"{self.parts.prefix}{action}", text, jupyter or self.parts.base_url)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer with a page, whatever happens."""
        if status_code == 403:
            self.show(pages.NOT_ALLOWED)
        elif status_code == 404:
            self.show(pages.MISSING)
        else:
            self.show(replace(pages.BROKEN, status=status_code))


class ServerRoute(_Quiet):
    """A route for people's servers; cookies count for nothing here.

    Attributes:
        caller: whose server it is.
    """

    caller: Caller

    def check_xsrf_cookie(self) -> None:
        """Do without: no cookie opens this route."""

    def reply(self, values: Mapping[str, Any], status: int = 200) -> None:
        """Answer with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(json.dumps(values))

    def refuse(self, problem: DriveSyncError) -> None:
        """Answer with an error."""
        said = {
            "code": problem.code,
            "who": problem.who,
            "sentence": problem.sentence,
            "params": dict(problem.params),
        }
        self.reply(said, http_status(problem))

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say in our form what Tornado and the hub refuse."""
        kind: DriveSyncError
        if status_code == 404:
            kind = NoSuchThing(thing="such address")
        elif status_code == 405:
            kind = NoSuchMethod(method=self.request.method or "")
        elif status_code < 500:
            kind = BadRequest(problem=self._reason)
        else:
            kind = Internal()
        self.refuse(kind)

    def body(self) -> dict[str, Any]:
        """Return the JSON object of the request.

        Raises:
            BadRequest: there is none.
        """
        try:
            values = json.loads(self.request.body or b"{}")
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise BadRequest(problem="it is no JSON object")
        return values

    async def identify(self) -> Caller:
        """Tell whose server is asking; the hub is asked each time.

        Raises:
            Forbidden, RestartServer: see :func:`read_caller`.
        """
        found = _TOKEN.fullmatch(self.request.headers.get("Authorization", "").strip())
        if found is None:
            raise Forbidden(problem="there is no token in the header Authorization")
        hub_auth = self.parts.hub_auth
        return read_caller(await hub_auth.user_for_token(found[1], use_cache=False, sync=False))


def for_servers(
    method: Callable[Concatenate[H, P], Awaitable[None]],
) -> Callable[Concatenate[H, P], Awaitable[None]]:
    """Let a method be used by people's own servers alone, and say its errors in our form."""

    @functools.wraps(method)
    async def run(self: H, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            self.caller = await self.identify()
            await method(self, *args, **kwargs)
        except DriveSyncError as problem:
            if isinstance(problem, Forbidden):
                self.parts.service.audit("server.forbidden", why=str(problem.params["problem"]))
            self.refuse(problem)

    return cast("Callable[Concatenate[H, P], Awaitable[None]]", run)


class LoginCallback(HubOAuthCallbackHandler, _Quiet):  # type: ignore[misc]  # as above
    """Where the hub's login sends a browser back."""

    def initialize(self) -> None:
        """Take what asks the hub."""
        self.hub_auth = self.parts.hub_auth

    async def prepare(self) -> None:
        """See who is logged in already; the base would stop the loop for it."""
        self.current_user = await self.hub_auth.get_user(self, sync=False)

    def get_current_user(self) -> None:
        """Know nobody before :meth:`prepare` has asked."""


class NothingForServers(ServerRoute):
    """Any other address of the API."""

    def prepare(self) -> None:
        """Ask nobody who it is: there is nothing to be had."""
        self.refuse(NoSuchThing(thing="such address"))


class Nothing(PageRoute):
    """Any other address."""

    async def prepare(self) -> None:
        """Ask nobody who it is: there is nothing to be had."""
        self.show(pages.MISSING)
