"""Folders on Drive as people name them: by address, by id, or by path.

Sources: what Drive's page shows in the browser's address line; Drive guide, "Search for files and
folders".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from jupyter_drive_sync.core.tree import FileId
from jupyter_drive_sync.drive.api import Drive, quote
from jupyter_drive_sync.drive.denied import (
    BadFolder,
    FolderAmbiguous,
    FolderNotFound,
    FolderReadOnly,
    FolderTrashed,
    NotAFolder,
    OwnsNothing,
)
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.types import FOLDER_MIME, Place
from jupyter_drive_sync.errors import (
    DriveSyncError,
    Missing,
)

ROOT: Final = FileId("root")
"""My Drive itself, by its alias."""
SHARED: Final = "Shared drives"
"""First part of a path into a shared drive, as Drive's page calls them."""
_MINE: Final = "My Drive"
_ID: Final = re.compile(r"1[\w-]{24,}|0[AB][\w-]{14,}", re.ASCII)
_WORD: Final = re.compile(r"[\w-]{10,}", re.ASCII)
_KEY: Final = re.compile(r"[\w-]{1,100}", re.ASCII)
_FOLDER_PATH: Final = re.compile(
    r"(?:/a/[\w.-]+)?/drive(?:/mobile)?(?:/u/\d+)?(?:/mobile)?/folders/([^/]+)/?", re.ASCII
)
_ROOT_PATH: Final = re.compile(r"(?:/a/[\w.-]+)?/drive(?:/u/\d+)?(?:/my-drive)?/?", re.ASCII)
_OPEN_PATH: Final = re.compile(r"(?:/a/[\w.-]+)?(?:/drive)?(?:/u/\d+)?/(?:open|folderview)/?")
_FILE_PATH: Final = re.compile(r"(?:/a/[\w.-]+)?/(?:file|document|spreadsheets|presentation)/.*")
_GOOGLE_HOST: Final = "drive.google.com"
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class FolderName:
    """How somebody names a folder: by id, or by path.

    Attributes:
        text: as it was given, for messages.
        id: its id; ``""`` where a path is given.
        resource_key: what its link carries.
        drive: name of the shared drive in which the path begins; ``""`` is My Drive.
        path: names of the folders on the way, its own last; none is the root.
    """

    text: str
    id: str = ""
    resource_key: str = ""
    drive: str = ""
    path: tuple[str, ...] = ()


def parse_folder(text: str, endpoint: Endpoint | None = None) -> FolderName:
    """Read how a folder is named.

    Args:
        text: ``https://drive.google.com/drive/folders/ID?resourcekey=…`` and its kin, an id, or a
            path such as ``Courses/2026`` or ``Shared drives/Physics/Lab``.
        endpoint: whose page's addresses count beside Google's.

    Raises:
        BadFolder: it names none.
    """
    given = text.strip()
    shown = given[:100]
    if not given or len(given) > _LONGEST or not given.isprintable():
        raise BadFolder(folder=repr(shown), problem="it is empty, too long or no plain text")
    if "://" in given or given.startswith(f"{_GOOGLE_HOST}/"):
        return _from_address(given, shown, endpoint or Endpoint())
    if given == ROOT:
        return FolderName(shown)
    if _ID.fullmatch(given):
        return FolderName(shown, id=given)
    return _from_path(given, shown)


def _from_address(given: str, shown: str, endpoint: Endpoint) -> FolderName:
    if "://" not in given:
        given = f"https://{given}"
    try:
        parts = urlsplit(given)
        host = (parts.hostname or "").lower()
        root = f"{parts.scheme}://{parts.netloc.lower()}"
    except ValueError:
        raise BadFolder(folder=shown, problem="it is no address") from None
    ours = not endpoint.is_google and root == endpoint.root
    if not ours and (host != _GOOGLE_HOST or parts.scheme not in ("http", "https")):
        raise BadFolder(folder=shown, problem=f"it is no address at {_GOOGLE_HOST}")
    query = parse_qs(parts.query)
    key = query.get("resourcekey", [""])[-1]
    if key and not _KEY.fullmatch(key):
        raise BadFolder(folder=shown, problem="its resourcekey is none")
    if _ROOT_PATH.fullmatch(parts.path):
        return FolderName(shown)
    if _FILE_PATH.fullmatch(parts.path):
        raise BadFolder(folder=shown, problem="it is the address of a file")
    named = _FOLDER_PATH.fullmatch(parts.path)
    found = named[1] if named else ""
    if _OPEN_PATH.fullmatch(parts.path):
        found = query.get("id", [""])[-1]
    if not _WORD.fullmatch(found):
        raise BadFolder(folder=shown, problem="there is no folder's id in that address")
    return FolderName(shown, id=found, resource_key=key)


def _from_path(given: str, shown: str) -> FolderName:
    names = tuple(given.strip("/").split("/"))
    if any(name in ("", ".", "..") for name in names):
        raise BadFolder(folder=shown, problem="its path has an empty name, '.' or '..' in it")
    if names[0] == SHARED:
        if len(names) == 1:
            raise BadFolder(folder=shown, problem="it does not say which shared drive")
        return FolderName(shown, drive=names[1], path=names[2:])
    return FolderName(shown, path=names[1:] if names[0] == _MINE else names)


def find_folder(drive: Drive, name: FolderName) -> Place:
    """Find a folder, following a shortcut to it.

    Raises:
        FolderNotFound: there is none, or these credentials may not see it.
        FolderAmbiguous: there are several of that path.
        NotAFolder: it is a file.
        FolderTrashed: it is in the trash.
        ScopeMissing: a shared drive is named, and the scope shows none.
    """
    if name.resource_key:
        drive.know_key(FileId(name.id), name.resource_key)
    place = _seen(drive, name, FileId(name.id) if name.id else _by_path(drive, name))
    if place.target is not None:
        if place.target_key:
            drive.know_key(place.target, place.target_key)
        place = _seen(drive, name, place.target)
    if not place.is_folder:
        raise NotAFolder(folder=name.text, name=place.name)
    if place.trashed:
        raise FolderTrashed(folder=name.text, name=place.name)
    return place


def _seen(drive: Drive, name: FolderName, id: FileId) -> Place:  # noqa: A002 - it is one
    try:
        return drive.place(id)
    except Missing as problem:
        raise _not_found(drive, name, problem) from None


def _by_path(drive: Drive, name: FolderName) -> FileId:
    """Walk down a path."""
    here = _root_of(drive, name)
    for each in name.path:
        found = _folders_in(drive, name, here, each)
        if len(found) > 1:
            raise FolderAmbiguous(folder=name.text, count=len(found))
        if not found:
            raise _not_found(drive, name)
        here = found[0]
    return here


def _root_of(drive: Drive, name: FolderName) -> FileId:
    if not name.drive:
        return ROOT
    found = drive.drives_named(name.drive)
    if len(found) > 1:
        raise FolderAmbiguous(folder=name.text, count=len(found))
    if not found:
        raise _not_found(drive, name)
    return found[0]


def _folders_in(drive: Drive, name: FolderName, parent: FileId, called: str) -> list[FileId]:
    """List the folders of a name in a folder; Google's search may disregard case, so look again."""
    query = f"name = {quote(called)} and mimeType = {quote(FOLDER_MIME)}"
    found: list[FileId] = []
    token: str | None = None
    while True:
        try:
            page = drive.children([parent], token, also=query)
        except Missing as problem:
            raise _not_found(drive, name, problem) from None
        found += [each.id for each in page.entries if each.name == called]
        token = page.next
        if token is None:
            return found


def _not_found(
    drive: Drive, name: FolderName, problem: DriveSyncError | None = None
) -> FolderNotFound:
    who = drive.about().email or "this account"
    return FolderNotFound(folder=name.text, who=who, detail=problem.detail if problem else "")


def require_writable(drive: Drive, place: Place, folder: str) -> None:
    """Say now why a folder cannot be written to, before anything is sent.

    Args:
        drive: with the credentials that would write.
        place: the folder.
        folder: as it was named.

    Raises:
        OwnsNothing: a service account would own the files.
        FolderReadOnly: the account may only read there.
    """
    who = drive.about().email
    if not place.drive_id and is_service_account(who):
        raise OwnsNothing(email=who, folder=folder)
    if not place.can_add:
        raise FolderReadOnly(who=who or "This account", folder=folder, name=place.name)


def is_service_account(email: str) -> bool:
    """Tell whether an address is a service account's.

    Source: IAM documentation, "Service account names".
    """
    return email.endswith(".gserviceaccount.com")
