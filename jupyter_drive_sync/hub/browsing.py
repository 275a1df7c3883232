"""The pages' routes: what is connected, connect, Google's answer, disconnect."""

from __future__ import annotations

from typing import Final

from tornado import web

from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.hub import pages
from jupyter_drive_sync.hub.base import PageRoute
from jupyter_drive_sync.hub.consent import PATIENCE, check_home_id
from jupyter_drive_sync.hub.google import CALLBACK

_COOKIE: Final = "drive-sync-consent"
"""Binds a question to the browser that asked it."""


class OverviewRoute(PageRoute):
    """What is connected."""

    async def get(self) -> None:
        """Show it."""
        service = self.parts.service
        grants = await service.off_loop(service.grants.of_user, self.user)
        prefix = self.parts.prefix
        form = self.form("", self.parts.consent.default_jupyter(self.user))
        self.html(
            pages.overview(self.user, grants, form, f"{prefix}connect", f"{prefix}disconnect")
        )


class ConnectRoute(PageRoute):
    """Go on to Google."""

    async def get(self) -> None:
        """Ask whether to; a mere visit changes nothing."""
        try:
            home_id = check_home_id(self.get_query_argument("home", ""), empty=True)
        except DriveSyncError:
            self.show(pages.MISSING)
            return
        jupyter = self._jupyter(self.get_query_argument("next", ""))
        service = self.parts.service
        known = await service.off_loop(service.grants.get, self.user, home_id)
        self.html(pages.ask(self.user, home_id, jupyter, known, self.form("connect", jupyter)))

    async def post(self) -> None:
        """Ask Google, from this browser."""
        try:
            home_id = check_home_id(self.get_body_argument("home", ""), empty=True)
        except DriveSyncError:
            self.show(pages.MISSING)
            return
        jupyter = self._jupyter(self.get_body_argument("next", ""))
        service = self.parts.service
        known = await service.off_loop(service.grants.get, self.user, home_id)
        url, browser = self.parts.consent.begin(
            self.user, home_id, jupyter, known.email if known else ""
        )
        self.set_signed_cookie(
            _COOKIE,
            browser.reveal(),
            expires_days=None,
            max_age=int(PATIENCE),
            path=self.parts.prefix,
            httponly=True,
            # Lax: Google's redirect is a navigation of this tab to our own site.
            samesite="Lax",
            secure=self.parts.secure,
        )
        self.html(pages.onward(url, jupyter))

    def _jupyter(self, wanted: str) -> str:
        return self.parts.consent.check_jupyter(self.user, wanted)


class CallbackRoute(PageRoute):
    """Where Google sends everybody back.

    The one GET that changes something: the state in it, bound to user and browser, counts once.
    Nobody is sent to the login from here: the address with the code would travel along.
    """

    login_first = False

    async def get(self) -> None:
        """Take Google's answer."""
        cookie = self.get_signed_cookie(_COOKIE, max_age_days=1) or b""
        page, jupyter = await self.parts.consent.answer(
            self.request.query, self.user, Secret(cookie.decode("ascii", "replace"))
        )
        self.show(page, jupyter)


class EndRoute(PageRoute):
    """Disconnect."""

    async def post(self) -> None:
        """Delete the grant."""
        home = self.parts.consent.default_jupyter(self.user)
        try:
            home_id = check_home_id(self.get_body_argument("home", ""), empty=True)
            revoke = self.get_body_argument("revoke", "") == "1"
            revoked = await self.parts.service.disconnect(self.user, home_id, revoke=revoke)
        except DriveSyncError as problem:
            self.show(pages.refused(problem), home)
        else:
            self.show(pages.disconnected(revoked=revoked), home)


ROUTES: Final[tuple[tuple[str, type[web.RequestHandler]], ...]] = (
    ("", OverviewRoute),
    ("connect", ConnectRoute),
    (CALLBACK, CallbackRoute),
    ("disconnect", EndRoute),
)
"""Below the service's prefix."""
