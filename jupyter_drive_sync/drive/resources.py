"""Between Drive's JSON and our types: pure functions both ways."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jupyter_drive_sync.core.tree import FileId, Kind, RemoteEntry
from jupyter_drive_sync.drive.types import (
    FOLDER_MIME,
    About,
    CreateFolder,
    NewFile,
    Patch,
    Place,
    Revision,
)

FILE_FIELDS: Final = (
    "id,name,parents,mimeType,md5Checksum,size,modifiedTime,version,headRevisionId,"
    "trashed,explicitlyTrashed,appProperties,webViewLink"
)
REVISION_FIELDS: Final = (
    "id,modifiedTime,md5Checksum,size,keepForever,lastModifyingUser(displayName)"
)
PLACE_FIELDS: Final = (
    "id,name,mimeType,trashed,driveId,webViewLink,resourceKey,"
    "shortcutDetails(targetId,targetResourceKey),"
    "capabilities(canAddChildren,canTrashChildren)"
)
ABOUT_FIELDS: Final = "user(emailAddress,displayName,permissionId),storageQuota"

NOTEBOOK_MIME: Final = "application/x-ipynb+json"
BINARY_MIME: Final = "application/octet-stream"
_NATIVE: Final = "application/vnd.google-apps"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MODE: Final = re.compile("[0-7]{1,4}")
_MD5: Final = re.compile("[0-9a-f]{32}")
_LATEST_MS: Final = 253_402_300_799_999
"""The end of the year 9999, where RFC 3339 ends."""
_EARLIEST_MS: Final = -62_135_596_800_000

# Only the table that ships with Python: the machine's own would make the type depend on it.
_TYPES: Final = mimetypes.MimeTypes()
_TYPES.add_type(NOTEBOOK_MIME, ".ipynb")
_TYPES.add_type("text/markdown", ".md")


def rfc3339(ms: int) -> str:
    """Write a time (milliseconds since the epoch) as Drive takes it, in UTC."""
    moment = _EPOCH + max(_EARLIEST_MS, min(_LATEST_MS, ms)) * _MILLISECOND
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def milliseconds(text: str) -> int:
    """Read an RFC 3339 time as milliseconds since the epoch.

    Raises:
        ValueError: it is none.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {text}")
    return (moment - _EPOCH) // _MILLISECOND


def mime_of(name: str) -> str:
    """Choose the content type of a file by its name; never one of Google's own documents.

    A blob sent under a type of Google's own would be converted.
    Source: Drive guide, "Upload file data" (import to Google Docs types).
    """
    stem, dot, extension = name.rpartition(".")
    guess, encoding = _TYPES.guess_type(f"x.{extension}") if stem and dot else (None, None)
    if guess is None or encoding is not None or guess.startswith(_NATIVE):
        return BINARY_MIME
    return guess


def entry_of(file: Any) -> RemoteEntry:
    """Read a ``files`` resource.

    Raises:
        ValueError: it is none.
    """
    app = _mapping(file, "file").get("appProperties") or {}
    md5 = file.get("md5Checksum")
    parents = file.get("parents") or []
    mime = file.get("mimeType", "")
    return RemoteEntry(
        id=FileId(_text(file, "id")),
        name=_text(file, "name"),
        parent=FileId(parents[0]) if parents else None,
        kind=Kind.FOLDER if mime == FOLDER_MIME else Kind.FILE,
        md5=bytes.fromhex(md5) if md5 else None,
        size=int(file.get("size", 0)),
        mtime_ms=milliseconds(_text(file, "modifiedTime")),
        version=int(_text(file, "version")),
        revision=file.get("headRevisionId", ""),
        trashed=bool(file.get("trashed", False)),
        explicitly_trashed=bool(file.get("explicitlyTrashed", False)),
        home=app.get("home", ""),
        nonce=app.get("w", ""),
        sent=sent if _MD5.fullmatch(sent := app.get("md5", "")) and sent != md5 else "",
        ours=app.get("jds") == "1",
        root=app.get("root") == "1",
        mime=mime,
        link=file.get("webViewLink", ""),
        mode=int(mode, 8) if _MODE.fullmatch(mode := app.get("mode", "")) else None,
    )


def change_of(change: Any) -> RemoteEntry | None:
    """Read an entry of the change feed; None for one about a shared drive itself.

    Raises:
        ValueError: it is none.
    """
    if _mapping(change, "change").get("changeType", "file") != "file":
        return None
    if change.get("removed") or "file" not in change:
        return RemoteEntry(id=FileId(_text(change, "fileId")), deleted=True)
    return entry_of(change["file"])


def revision_of(revision: Any) -> Revision:
    """Read a ``revisions`` resource.

    Raises:
        ValueError: it is none.
    """
    md5 = _mapping(revision, "revision").get("md5Checksum")
    return Revision(
        id=_text(revision, "id"),
        mtime_ms=milliseconds(_text(revision, "modifiedTime")),
        md5=bytes.fromhex(md5) if md5 else None,
        size=int(revision.get("size", 0)),
        pinned=bool(revision.get("keepForever", False)),
        author=(revision.get("lastModifyingUser") or {}).get("displayName", ""),
    )


def revisions_of(page: Any) -> tuple[Revision, ...]:
    """Read a list of revisions.

    Raises:
        ValueError: it is none.
    """
    return tuple(revision_of(item) for item in _items(page, "revisions"))


def place_of(file: Any) -> Place:
    """Read a ``files`` resource as a place.

    In My Drive only the owner of a thing trashes it, and what we make is ours.

    Raises:
        ValueError: it is none.
    """
    may = _mapping(file, "file").get("capabilities") or {}
    leads = file.get("shortcutDetails") or {}
    drive, can_add = file.get("driveId", ""), bool(may.get("canAddChildren", False))
    return Place(
        id=FileId(_text(file, "id")),
        name=_text(file, "name"),
        mime=_text(file, "mimeType"),
        trashed=bool(file.get("trashed", False)),
        drive_id=drive,
        can_add=can_add,
        can_trash=bool(may.get("canTrashChildren", False)) if drive else can_add,
        link=file.get("webViewLink", ""),
        resource_key=file.get("resourceKey", ""),
        target=FileId(leads["targetId"]) if leads.get("targetId") else None,
        target_key=leads.get("targetResourceKey", ""),
    )


def keys_of(page: Any) -> dict[str, str]:
    """Read the resource keys of a page of files, by id.

    Raises:
        ValueError: it is none.
    """
    files = _items(page, "files")
    return {_text(file, "id"): file["resourceKey"] for file in files if file.get("resourceKey")}


def drives_of(page: Any) -> list[tuple[FileId, str]]:
    """Read ids and names of a list of shared drives.

    Raises:
        ValueError: it is none.
    """
    return [(FileId(_text(each, "id")), _text(each, "name")) for each in _items(page, "drives")]


def about_of(about: Any) -> About:
    """Read an ``about`` resource.

    Raises:
        ValueError: it is none.
    """
    user = _mapping(_mapping(about, "about").get("user"), "user")
    quota = _mapping(about.get("storageQuota"), "storageQuota")
    return About(
        email=user.get("emailAddress", ""),
        name=user.get("displayName", ""),
        permission_id=user.get("permissionId", ""),
        limit=int(quota["limit"]) if "limit" in quota else None,
        usage=int(quota.get("usage", 0)),
        in_drive=int(quota.get("usageInDrive", 0)),
        in_trash=int(quota.get("usageInDriveTrash", 0)),
    )


def entries_of(page: Any) -> tuple[RemoteEntry, ...]:
    """Read a page of files.

    Raises:
        ValueError: it is none.
    """
    return tuple(entry_of(item) for item in _items(page, "files"))


def changes_of(page: Any) -> tuple[RemoteEntry, ...]:
    """Read the entries of a page of changes.

    Raises:
        ValueError: it is none.
    """
    found = (change_of(item) for item in _items(page, "changes"))
    return tuple(entry for entry in found if entry is not None)


def text_in(resource: Any, name: str) -> str:
    """Read a text of a resource.

    Raises:
        ValueError: it is not there.
    """
    return _text(_mapping(resource, "resource"), name)


def new_file_body(new: NewFile) -> dict[str, Any]:
    """Write the metadata of a file that is made."""
    return {
        "id": new.id,
        "name": new.name,
        "parents": [new.parent],
        "mimeType": mime_of(new.name),
        "modifiedTime": rfc3339(new.mtime_ms),
        "appProperties": dict(new.app),
    }


def folder_body(folder: CreateFolder) -> dict[str, Any]:
    """Write the metadata of a folder that is made."""
    body = {
        "id": folder.id,
        "name": folder.name,
        "mimeType": FOLDER_MIME,
        "appProperties": dict(folder.app),
    }
    return body if folder.parent is None else {**body, "parents": [folder.parent]}


def patch_body(change: Patch) -> dict[str, Any]:
    """Write the metadata that a change sets; parents travel in the query."""
    body = {
        "name": change.name,
        "modifiedTime": None if change.mtime_ms is None else rfc3339(change.mtime_ms),
        "appProperties": None if change.app is None else dict(change.app),
        "trashed": change.trashed,
    }
    return {name: value for name, value in body.items() if value is not None}


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"no {what}")
    return value


def _items(page: Any, name: str) -> list[Any]:
    items = _mapping(page, "page").get(name)
    if not isinstance(items, list):
        raise ValueError(f"no list of {name}")
    return items


def _text(resource: Mapping[str, Any], name: str) -> str:
    value = resource.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"no {name}")
    return value
