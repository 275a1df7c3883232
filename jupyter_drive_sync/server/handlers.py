"""The routes. What they do is the service's; ``openapi.yaml`` describes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.runner.page import Page
from jupyter_drive_sync.server import body, pages
from jupyter_drive_sync.server.base import (
    RESOURCE,
    Route,
    find_service,
    guarded,
    is_owner,
    require_owner,
)
from jupyter_drive_sync.server.body import (
    SETTABLE,
    is_flag,
    is_path,
    is_path_list,
    is_text,
    is_time,
    one_of,
)
from jupyter_drive_sync.server.origin import COOKIE, Origin
from jupyter_drive_sync.server.problems import BadRequest, NotOwner

if TYPE_CHECKING:  # imported with the service, when the server has started
    from jupyter_drive_sync.server.consent import Attempt

CHOICES: Final = (
    "restore", "keep", "trash", "take_over", "second_folder", "start_afresh", "untrash",
    "disconnect",
)  # fmt: skip


class StatusRoute(Route):
    """How things stand."""

    @guarded
    async def get(self) -> None:
        """Return the status."""
        self.reply(await self.service.status(owner=is_owner(self)))


class PreviewRoute(Route):
    """What would be mirrored."""

    @guarded
    async def get(self) -> None:
        """Return what a look at the home found."""
        refresh = self.get_query_argument("refresh", "") == "1"
        self.reply(await self.service.preview(refresh=refresh))


class SyncRoute(Route):
    """Sync now."""

    @guarded
    async def post(self) -> None:
        """Begin a pass."""
        asked = body.read(self.request.body, {"paths": is_path_list})
        job, already = await self.service.sync(asked.get("paths", []))
        self.reply({"job": job, "already": already}, 202)


class CancelRoute(Route):
    """Stop the running pass."""

    @guarded
    async def post(self) -> None:
        """Stop it in order."""
        body.read(self.request.body, {})
        job = self.service.passes.cancel()
        self.reply({"job": job, "cancelled": bool(job)})


class AskingRoute(Route):
    """A route that begins an attempt to connect."""

    def ask(self, origin: Origin, attempt: Attempt, browser: Secret | None) -> None:
        """Tell where to go; bind the question to this browser."""
        if browser is not None:
            self.set_cookie(
                COOKIE,
                browser.reveal(),
                path=f"{self.base_url}drive-sync/",
                max_age=600,
                httponly=True,
                # Lax: Google's redirect is a navigation of this tab to our own site.
                samesite="Lax",
                secure=origin.address.startswith("https:"),
            )
        self.reply(
            {
                "flow": attempt.flow,
                "url": attempt.url,
                "user_code": attempt.user_code,
                "expires": attempt.expires,
            }
        )

    def origin(self) -> Origin:
        """Return where the browser reaches us: its own word, where that is plausible.

        Behind a proxy that ends TLS only the browser knows that it speaks https.
        """
        said = urlsplit(self.request.headers.get("Origin", ""))
        ours = said.scheme in ("http", "https") and said.netloc == self.request.host
        scheme = said.scheme if ours else self.request.protocol
        return Origin(f"{scheme}://{self.request.host}", self.base_url)


class AuthorizeRoute(AskingRoute):
    """Connect."""

    @guarded
    async def get(self) -> None:
        """Return how the attempt stands."""
        self.reply({"consent": self.service.consent.described(owner=is_owner(self))})

    @guarded
    async def post(self) -> None:
        """Begin an attempt, bound to this browser."""
        known = {"device": is_flag, "time_zone": is_text, "sync": is_flag}
        asked = body.read(self.request.body, known)
        origin = self.origin()
        attempt, browser = await self.service.authorize(
            origin,
            device=asked.get("device", False),
            time_zone=asked.get("time_zone", "")[:64],
            sync=asked.get("sync", True),
        )
        self.ask(origin, attempt, browser)

    @guarded
    async def delete(self) -> None:
        """Give the attempt up."""
        self.service.consent.abandon()
        self.service.herald.tell("consent")
        self.reply({"consent": self.service.consent.described(owner=is_owner(self))})


class DisconnectRoute(Route):
    """End the connection."""

    @guarded
    async def get(self) -> None:
        """Return what a person should know before."""
        self.reply(await self.service.about_disconnect())

    @guarded
    async def post(self) -> None:
        """Delete our access."""
        asked = body.read(self.request.body, {"revoke": is_flag})
        revoked = await self.service.disconnect(revoke=asked.get("revoke", False))
        self.reply({"revoked": revoked})


class ReleaseRoute(Route):
    """Answer what waits for the person."""

    @guarded
    async def post(self) -> None:
        """Take the answer."""
        known = {
            "id": is_text,
            "choice": one_of(*CHOICES),
            "paths": is_path_list,
            "sync": is_flag,
        }
        asked = body.read(self.request.body, known, needed=("id", "choice"))
        self.reply(
            await self.service.release(
                asked["id"],
                asked["choice"],
                asked.get("paths", []),
                sync=asked.get("sync", True),
            )
        )


class RestoreRoute(Route):
    """Bring files back."""

    @guarded
    async def get(self) -> None:
        """Return the last job that brought something back."""
        self.reply({"last": self.service.passes.brought})

    @guarded
    async def post(self) -> None:
        """Begin to bring files back."""
        known = {
            "paths": is_path_list,
            "to": lambda value: is_text(value) and is_path(value),
            "as_of": is_time,
            "revision": lambda value: is_text(value) and 0 < len(value) <= 200,
            "trashed": is_flag,
            "dry_run": is_flag,
        }
        asked = body.read(self.request.body, known)
        if "revision" in asked:
            if asked.get("as_of") is not None:
                raise BadRequest(problem="a version has an id or a time, not both")
            if len(asked.get("paths", [])) != 1:
                raise BadRequest(problem="a version is one of one file: paths must name that file")
        if "to" in asked:
            asked["to"] = str(self.service.place.home / asked["to"])
        self.reply({"job": await self.service.bring_back("restore", asked), "already": False}, 202)


class UndoRoute(Route):
    """Take a run back on Drive."""

    @guarded
    async def post(self) -> None:
        """Begin to."""
        known = {"run": lambda value: type(value) is int and 0 < value < 1 << 31}
        asked = body.read(self.request.body, known)
        self.reply({"job": await self.service.bring_back("undo", asked), "already": False}, 202)


class VersionsRoute(Route):
    """What Drive has of a file's past."""

    @guarded
    async def get(self) -> None:
        """Return the versions, newest first."""
        path = self.get_query_argument("path", "")
        if not path or not is_path(path):
            raise BadRequest(problem="path names no file below the home")
        self.reply(await self.service.versions(path))

    @guarded
    async def post(self) -> None:
        """Keep one for good, or make one current on Drive."""
        known = {
            "path": lambda value: is_text(value) and is_path(value),
            "revision": lambda value: is_text(value) and 0 < len(value) <= 200,
            "action": one_of("keep", "put_back"),
        }
        asked = body.read(self.request.body, known, needed=("path", "revision", "action"))
        args = {"path": asked["path"], asked["action"]: asked["revision"]}
        self.reply({"job": await self.service.bring_back("versions", args), "already": False}, 202)


class Paged(Route):
    """A route that answers with a part of a list."""

    def part(self, name: str, items: Sequence[Any]) -> None:
        """Answer with the part that was asked for."""
        offset, limit = body.read_page(
            self.get_query_argument("offset", "0"),
            self.get_query_argument("limit", str(body.PAGE)),
        )
        part = list(items[offset : offset + limit])
        self.reply({name: part, "total": len(items), "offset": offset})


class HoldFilesRoute(Paged):
    """The files of a hold."""

    @guarded
    async def get(self, hold: str) -> None:
        """Return a page of them."""
        service = self.service
        self.part("files", await service.off_loop(service.desk.hold_files, hold))


class HistoryRoute(Paged):
    """The last runs."""

    @guarded
    async def get(self) -> None:
        """Return a page of them."""
        service = self.service
        self.part("runs", await service.off_loop(service.desk.runs))


class RunFilesRoute(Paged):
    """What a run did with each file."""

    @guarded
    async def get(self, run: str) -> None:
        """Return a page of it."""
        service = self.service
        outcome = self.get_query_argument("outcome", "")
        self.part("files", await service.off_loop(service.desk.run_files, int(run), outcome))


class SettingsRoute(Route):
    """What a person may set."""

    @guarded
    async def get(self) -> None:
        """Return what is set."""
        self.reply(await self.service.settings())

    @guarded
    async def patch(self) -> None:
        """Change some of it."""
        asked = body.read(self.request.body, SETTABLE)
        if not asked:
            raise BadRequest(problem="it changes nothing")
        await self.service.change(asked)
        self.reply(await self.service.settings())


class PromptRoute(Route):
    """Whether somebody is asked to connect."""

    is_activity = False  # a tab that shows a question says so by itself

    @guarded
    async def get(self) -> None:
        """Return whether."""
        self.reply(await self.service.prompt())

    @guarded
    async def post(self) -> None:
        """Claim the right to ask, or keep the answer."""
        known = {
            "action": one_of("claim", "release", "later", "never", "reset"),
            "tab": lambda value: is_text(value) and 0 < len(value) <= 64,
        }
        asked = body.read(self.request.body, known, needed=("action",))
        tab = asked.get("tab", "")
        if asked["action"] in ("claim", "release") and not tab:
            raise BadRequest(problem="tab is missing")
        await self.service.answer_prompt(asked["action"], tab)
        self.reply(await self.service.prompt(tab))


class AcknowledgeRoute(Route):
    """A person was told of a problem."""

    is_activity = False

    @guarded
    async def post(self) -> None:
        """Take note of it."""
        asked = body.read(self.request.body, {"id": is_text}, needed=("id",))
        self.reply({"incident": await self.service.acknowledge(asked["id"])})


class CallbackRoute(JupyterHandler):
    """Where Google sends the browser back; answers with a page.

    The one GET that changes something: the state in it, bound to the browser, counts once.
    """

    auth_resource = RESOURCE

    @web.authenticated
    @authorized(action="write")  # type: ignore[untyped-decorator]  # jupyter_server has no type for it
    async def get(self) -> None:
        """Take Google's answer."""
        try:
            require_owner(self)
            browser = Secret(self.get_cookie(COOKIE) or "")
            service = await find_service(self)
            page = await service.consent.answer(self.request.query, browser)
        except NotOwner:
            page = pages.FORBIDDEN
        except DriveSyncError as problem:
            page = pages.failed(problem.sentence)
        self._show(page)

    def get_login_url(self) -> str:
        """Send nobody to the login: the address with the code would travel along."""
        raise web.HTTPError(403)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer with a page, whatever happens."""
        if status_code != 403:
            self._show(replace(pages.BROKEN, status=status_code))
        elif self.current_user is None:
            self._show(pages.LOGGED_OUT)
        else:
            self._show(pages.FORBIDDEN)

    def _show(self, page: Page) -> None:
        self.set_status(page.status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",  # the address holds the code
        }.items():
            self.set_header(name, value)
        self.finish(page.render(self.base_url))

    def _request_summary(self) -> str:
        """Describe the request for the log, without the code in its query."""
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"


ROUTES: Final[tuple[tuple[str, type[JupyterHandler]], ...]] = (
    ("drive-sync/api/status", StatusRoute),
    ("drive-sync/api/preview", PreviewRoute),
    ("drive-sync/api/sync", SyncRoute),
    ("drive-sync/api/cancel", CancelRoute),
    ("drive-sync/api/authorize", AuthorizeRoute),
    ("drive-sync/api/disconnect", DisconnectRoute),
    ("drive-sync/api/release", ReleaseRoute),
    ("drive-sync/api/restore", RestoreRoute),
    ("drive-sync/api/undo", UndoRoute),
    ("drive-sync/api/versions", VersionsRoute),
    (r"drive-sync/api/holds/(?P<hold>[0-9a-f]{1,32})/files", HoldFilesRoute),
    ("drive-sync/api/history", HistoryRoute),
    (r"drive-sync/api/history/(?P<run>[1-9][0-9]{0,9})/files", RunFilesRoute),
    ("drive-sync/api/settings", SettingsRoute),
    ("drive-sync/api/prompt", PromptRoute),
    ("drive-sync/api/acknowledge", AcknowledgeRoute),
    ("drive-sync/oauth2callback", CallbackRoute),
)
"""Below the base URL, which the extension manager puts in front."""
