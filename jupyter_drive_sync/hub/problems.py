"""What the hub service refuses, in a sentence each, and the HTTP status of each error."""

from __future__ import annotations

from typing import Final

from jupyter_drive_sync.errors import (
    DriveSyncError,
    NeedsAdmin,
    NeedsUser,
    RestartServer,
    UsageError,
    Who,
)


class BadRequest(UsageError):
    """The request is not what the route takes."""

    code = "request.invalid"
    template = "The request cannot be understood: {problem}."


class Forbidden(UsageError):
    """Nobody is logged in, or it is somebody else's."""

    code = "request.forbidden"
    template = "This is not allowed: {problem}."


class NoSuchThing(UsageError):
    """There is nothing at this address."""

    code = "request.unknown"
    template = "There is no {thing}."


class NoSuchMethod(UsageError):
    """The address knows other methods only."""

    code = "request.method"
    template = "This address does not know {method}."


class NoKey(NeedsAdmin):
    """Grants are never kept unencrypted."""

    code = "hub.no_key"
    template = (
        "The consents of people are kept encrypted, and {problem}. Make a key with `openssl rand "
        "-hex 32` and give it to the hub as DRIVE_SYNC_CRYPT_KEY; keep it, or everybody has to "
        "consent again."
    )


class WrongKey(NeedsAdmin):
    """A grant was encrypted with a key that we do not have."""

    code = "hub.wrong_key"
    template = (
        "A consent in the hub's database was encrypted with a key that is not in "
        "DRIVE_SYNC_CRYPT_KEY any more; put the old key behind the new one, with a semicolon "
        "between them."
    )


class BadCallback(NeedsAdmin):
    """Google cannot send people back to this hub."""

    code = "hub.bad_callback"
    template = "The Google client file {path} cannot be used for this hub: {problem}."


class HubRefuses(NeedsAdmin):
    """The hub does not let the service do its work."""

    code = "hub.refuses"
    template = "JupyterHub does not let Jupyter Drive Sync do its work: {problem}."


class WrongDomain(NeedsUser):
    """An account of another organisation was chosen."""

    code = "auth.wrong_domain"
    template = (
        "{email} is not an account of {domains}, and this hub allows no other. Nothing was kept; "
        "choose your school's account on Google's page."
    )


class ForeignAnswer(NeedsUser):
    """The identity in Google's answer is not to our question."""

    code = "auth.foreign_answer"
    template = "Google's answer does not belong to the question that was asked; nothing was kept."


_STATUSES: Final[tuple[tuple[type[DriveSyncError], int], ...]] = (
    (Forbidden, 403),
    (RestartServer, 403),
    (NoSuchThing, 404),
    (NoSuchMethod, 405),
    (UsageError, 400),
)
_BY_DUTY: Final[dict[Who, int]] = {"user": 409, "admin": 409, "wait": 503, "bug": 500}


def http_status(problem: DriveSyncError) -> int:
    """Return the status with which a route answers."""
    by_class = (status for kind, status in _STATUSES if isinstance(problem, kind))
    return next(by_class, _BY_DUTY[problem.who])
