"""Typed query parameters, refused as Google refuses them.

A parameter that a method does not know is passed over, as Google does with the many that old
clients still send. Source of the sentences: brekkylab/backlot issues 337 and 339.
"""

from __future__ import annotations

from dataclasses import dataclass

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


RESOURCE_KEYS = "x-goog-drive-resource-keys"
"""The header with which a link's keys are shown."""


def resource_keys(text: str | None) -> dict[str, str]:
    """Read resource keys by file from their header: `ID/KEY,ID/KEY`.

    Source: Drive guide "Access link-shared Drive files using resource keys". What is no such pair
    is passed over.
    """
    pairs = (each.strip().partition("/") for each in (text or "").split(","))
    return {file: key for file, _, key in pairs if file and key}


def supports_all_drives(request: Request) -> bool:
    """Return whether the caller says that it knows of shared drives.

    Raises:
        ApiError: 400 for a word that is no boolean.
    """
    return flag(request, "supportsAllDrives") or flag(request, "supportsTeamDrives")


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a list or a feed reaches.

    Attributes:
        includes: Whether things in shared drives are told.
        drive: The only drive that is asked about, None for no particular one.
        everywhere: Whether all drives of the account are searched (`corpora=allDrives`).
    """

    includes: bool = False
    drive: str | None = None
    everywhere: bool = False


def drive_id(request: Request) -> str | None:
    """Return the shared drive that a request is about."""
    return request.parameter("driveId") or request.parameter("teamDriveId") or None


def reach(request: Request, *, listing: bool) -> Reach:
    """Read the parameters of shared drives of a list of files, or else of a feed.

    Sources: Drive guide "Implement shared drive support" for the parameters; for the refusals
    brekkylab/backlot issue 339, googleapis/google-api-php-client issue 1825 (reason and sentence of
    an id without its corpus), and of the missing `includeItemsFromAllDrives` the reason alone, as
    clients name it.

    Raises:
        ApiError: 400 or 403 for what does not go together.
    """
    supports = supports_all_drives(request)
    includes = flag(request, "includeItemsFromAllDrives") or flag(request, "includeTeamDriveItems")
    if includes and not supports:
        raise replies.forbidden(
            "supportsTeamDrivesRequired",
            "The supportsAllDrives parameter must be true when includeItemsFromAllDrives is.",
            "includeItemsFromAllDrives",
        )
    drive = drive_id(request)
    corpora = request.parameter("corpora") or request.parameter("corpus") or "user"
    everywhere = corpora == "allDrives"
    if listing and (drive is not None) != (corpora == "drive"):
        raise replies.ApiError(
            400,
            "teamDriveIdRequiresTeamDriveCorpora",
            "The driveId parameter must be specified if and only if corpora is set to drive.",
            location=("driveId", "parameter"),
        )
    if (drive or everywhere) and not includes:
        raise replies.forbidden(
            "includeTeamDriveItemsRequired",
            "The includeItemsFromAllDrives parameter must be set to true when driveId is specified "
            "or if corpora contains drive or allDrives.",
            "includeItemsFromAllDrives",
        )
    return Reach(includes, drive, everywhere)
