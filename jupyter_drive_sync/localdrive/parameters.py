"""Typed query parameters, refused as Google refuses them.

A parameter that a method does not know is passed over, as Google does with the many that old
clients still send. Source of the sentences: brekkylab/backlot issues 337 and 339.
"""

from __future__ import annotations

from jupyter_drive_sync.localdrive import replies
from jupyter_drive_sync.localdrive.wire import Request

_TRUE = frozenset({"true", "1", "t", "y", "yes"})
_FALSE = frozenset({"false", "0", "f", "n", "no"})


def integer(request: Request, name: str, default: int, low: int, high: int) -> int:
    """Read an integer between two bounds.

    Raises:
        ApiError: 400.
    """
    text = request.parameter(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        raise replies.not_an_integer(name, text) from None
    if not low <= value <= high:
        raise replies.out_of_range(name, value, low, high)
    return value


def page_size(request: Request, default: int = 100) -> int:
    """Read `pageSize`; more than 1000 is taken for 1000. Source: drive.v3 discovery document.

    Raises:
        ApiError: 400.
    """
    return min(integer(request, "pageSize", default, 1, 2**31 - 1), 1000)


def flag(request: Request, name: str) -> bool:
    """Read a boolean that is false unless said otherwise.

    Raises:
        ApiError: 400.
    """
    text = request.parameter(name)
    if text is None:
        return False
    folded = text.lower()
    if folded not in _TRUE | _FALSE:
        raise replies.not_a_boolean(name, text)
    return folded in _TRUE


def names(request: Request, name: str) -> tuple[str, ...]:
    """Read a list of ids separated by commas."""
    return tuple(each.strip() for each in (request.parameter(name) or "").split(",") if each)


def check_shared_drives(request: Request) -> None:
    """Check the parameters of shared drives; there are none here.

    Source: brekkylab/backlot issue 339 for the refusal, Drive guide "Implement shared drive
    support" for the parameters.

    Raises:
        ApiError: 403 `supportsTeamDrivesRequired`, 404 for a shared drive.
    """
    supports = flag(request, "supportsAllDrives") or flag(request, "supportsTeamDrives")
    includes = flag(request, "includeItemsFromAllDrives") or flag(request, "includeTeamDriveItems")
    if includes and not supports:
        raise replies.forbidden(
            "supportsTeamDrivesRequired",
            "The supportsAllDrives parameter must be true when includeItemsFromAllDrives is.",
            "includeItemsFromAllDrives",
        )
    drive = request.parameter("driveId") or request.parameter("teamDriveId")
    if drive:
        raise replies.thing_not_found("Shared drive", drive, "driveId")
