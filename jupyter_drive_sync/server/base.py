"""What all routes share: who may, how errors are said, what counts as activity."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado import web

from jupyter_drive_sync.errors import DriveSyncError, Internal
from jupyter_drive_sync.server.problems import (
    BadRequest,
    Forbidden,
    NoSuchMethod,
    NoSuchThing,
    NotOwner,
    http_status,
)
from jupyter_drive_sync.server.startup import Startup

if TYPE_CHECKING:
    from jupyter_drive_sync.server.service import Service

P = ParamSpec("P")
H = TypeVar("H", bound="Route")

RESOURCE: Final = "drive_sync"
STARTUP: Final = "drive_sync_startup"
"""Where the web application keeps what makes the service."""


async def find_service(handler: JupyterHandler) -> Service:
    """Return what does the work.

    Raises:
        DriveSyncError: the configuration cannot be used.
    """
    startup = handler.settings[STARTUP]
    assert isinstance(startup, Startup)  # noqa: S101 - the app puts it there
    return await startup.start()  # a first answer that knows the next night already


def require_owner(handler: JupyterHandler) -> None:
    """On a hub, see that the person is the owner of the server.

    Raises:
        NotOwner: it is somebody else.
    """
    if not is_owner(handler):
        raise NotOwner(owner=os.environ["JUPYTERHUB_USER"])


def is_owner(handler: JupyterHandler) -> bool:
    """Tell whether the person is the server's owner; off a hub, whoever may log in is."""
    owner = os.environ.get("JUPYTERHUB_USER", "")
    return not owner or getattr(handler.current_user, "username", "") == owner


class Route(APIHandler):
    """A route of the REST API."""

    auth_resource = RESOURCE
    service: Service
    """What does the work; there as soon as the caller is known to be allowed."""
    is_activity = True
    """Whether its methods that change something show that a person is there."""

    async def prepare(self) -> None:  # type: ignore[override]  # as APIHandler has it
        """Decide what counts as activity: nobody is kept from being culled by our polling."""
        reading = self.request.method in ("GET", "HEAD", "OPTIONS")
        self._track_activity = self.is_activity and not reading
        await super().prepare()

    def reply(self, values: Any, status: int = 200) -> None:
        """Answer with JSON."""
        self.reply_text(json.dumps(values), status)

    def reply_text(self, text: str, status: int = 200) -> None:
        """Answer with what is JSON already."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(text)

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
        """Say in our form what Jupyter and Tornado refuse."""
        kind: DriveSyncError
        reason = self._reason if status_code < 500 else ""
        if status_code in (401, 403):
            kind = Forbidden(problem=reason or "it was refused")
        elif status_code == 404:
            kind = NoSuchThing(thing="such address")
        elif status_code == 405:
            kind = NoSuchMethod(method=self.request.method or "")
        elif status_code < 500:
            kind = BadRequest(problem=reason)
        else:
            kind = Internal()
        self.refuse(kind)


def guarded(
    method: Callable[Concatenate[H, P], Awaitable[None]],
) -> Callable[Concatenate[H, P], Awaitable[None]]:
    """Let a method of a route be used by those who may, and say its errors in our form."""

    @web.authenticated
    @authorized
    @functools.wraps(method)
    async def run(self: H, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            if self.request.method != "GET":
                require_owner(self)
            self.service = await find_service(self)
            await method(self, *args, **kwargs)
        except DriveSyncError as problem:
            self.refuse(problem)

    return cast("Callable[Concatenate[H, P], Awaitable[None]]", run)
