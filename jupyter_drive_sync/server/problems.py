"""What the routes refuse, and the HTTP status of each error."""

from __future__ import annotations

from typing import Final

from jupyter_drive_sync.core.storage import NoSuchStorage
from jupyter_drive_sync.errors import (
    DriveSyncError,
    NeedsAdmin,
    NeedsUser,
    NoSuchHold,
    RunBusy,
    StateFull,
    StateUnusable,
    UsageError,
    Who,
)


class BadRequest(UsageError):
    """The request is not what the OpenAPI document says."""

    code = "request.invalid"
    template = "The request cannot be understood: {problem}."


class Forbidden(UsageError):
    """Not logged in, not allowed, or without the token against forged requests."""

    code = "request.forbidden"
    template = "This needs a login and permission: {problem}."


class NotOwner(UsageError):
    """On a hub, somebody else than the owner of the server wants to change something."""

    code = "request.not_owner"
    template = "Only {owner}, whose server this is, can do this."


class NoSuchThing(UsageError):
    """There is nothing at this address."""

    code = "request.unknown"
    template = "There is no {thing}."


class NoSuchMethod(UsageError):
    """The address knows other methods only."""

    code = "request.method"
    template = "This address does not know {method}."


class Paused(NeedsUser):
    """Syncing is paused."""

    code = "run.paused"
    template = "Syncing is paused; nothing is copied until it is resumed."


class PausedByAdmin(NeedsAdmin):
    """Syncing is paused by the configuration."""

    code = "run.paused"
    template = "Syncing is paused by your admin; nothing is copied until it is resumed."


class Occupied(RunBusy):
    """This server syncs, or brings something back, already."""

    template = "Another sync of this home is running; wait for it or cancel it."


class SetByAdmin(NeedsAdmin):
    """The configuration decides this setting."""

    code = "settings.by_admin"
    template = "The setting {name} was set by your admin and cannot be changed here."


_STATUSES: Final[tuple[tuple[type[DriveSyncError], int], ...]] = (
    (Forbidden, 403),
    (NotOwner, 403),
    (NoSuchThing, 404),
    (NoSuchHold, 404),
    (NoSuchStorage, 404),
    (NoSuchMethod, 405),
    (Occupied, 409),
    (UsageError, 400),
    (StateUnusable, 500),
    (StateFull, 500),
)
_BY_DUTY: Final[dict[Who, int]] = {"user": 409, "admin": 409, "wait": 503, "bug": 500}
"""For the others, those that a child reports among them: who can act says whose fault it is."""


def http_status(problem: DriveSyncError) -> int:
    """Return the status with which a route answers."""
    by_class = (status for kind, status in _STATUSES if isinstance(problem, kind))
    return next(by_class, _BY_DUTY[problem.who])
