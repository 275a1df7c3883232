"""The JSON body of a create, update or copy, checked and typed.

Sources: the reference of `files` (types; what is writable where), Drive guide "Add custom file
properties" (limits: 30 private properties per app, 100 properties in all, key and value together at
most 124 bytes in UTF-8), rclone's documentation of its drive backend, "Metadata" (the time of
creation is taken at creation only), Drive guide "Create and populate folders" (parents are changed
by `addParents` and `removeParents` alone).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_drive_sync.localdrive import replies
from jupyter_drive_sync.localdrive.fields import FILE as KNOWN_FIELDS
from jupyter_drive_sync.localdrive.query import parse_time

PROPERTY_BYTES = 124
PRIVATE_PROPERTIES = 30
PROPERTIES = 100
METADATA_LIMIT = 1 << 20
"""Longest JSON body that is read, in bytes."""

_MIME_TYPE = re.compile(r"[!-~]+/[!-~][ -~]*")
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True, slots=True)
class Patch:
    """What a body sets. Times are milliseconds since 1970.

    Attributes:
        plain: Attributes of `objects.File` that are taken as they are.
        id: The id asked for.
        parents: Parents named at creation.
        mime_type: The MIME type named.
        trashed: Into the trash, or out of it.
        shortcut_target: Where a shortcut leads.
        properties: Public properties; None removes one.
        app_properties: Private properties; None removes one.
    """

    plain: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None
    parents: tuple[str, ...] | None = None
    mime_type: str | None = None
    trashed: bool | None = None
    shortcut_target: str | None = None
    properties: Mapping[str, str | None] = field(default_factory=dict)
    app_properties: Mapping[str, str | None] = field(default_factory=dict)


NOTHING = Patch()


def _wrong(name: str, kind: str, value: Any) -> replies.ApiError:
    return replies.invalid_body(f"Invalid value at '{name}' ({kind}), {json.dumps(value)[:100]}")


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "TYPE_STRING", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _wrong(name, "TYPE_STRING", ascii(value)) from None
    return value


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "TYPE_BOOL", value)
    return value


def _time(name: str, value: Any) -> int:
    stamp = parse_time(value) if isinstance(value, str) and "T" in value else None
    if stamp is None:
        raise _wrong(name, "type.googleapis.com/google.protobuf.Timestamp", value)
    return stamp


def check_mime_type(text: str) -> str:
    """Return a MIME type that may stand in a header.

    Raises:
        ApiError: 400 `badRequest`, in the words that Drive has for it.
    """
    if not _MIME_TYPE.fullmatch(text):
        raise replies.bad_request("Invalid MIME type provided for the uploaded content.")
    return text


def _mime_type(name: str, value: Any) -> str:
    return check_mime_type(_string(name, value))


def _color(name: str, value: Any) -> str:
    if not _COLOR.fullmatch(_string(name, value)):
        raise _wrong(name, "TYPE_STRING", value)
    return str(value).lower()


def _properties(name: str, value: Any) -> dict[str, str | None]:
    if not isinstance(value, dict):
        raise _wrong(name, "Map", value)
    found: dict[str, str | None] = {}
    for key, inner in value.items():
        if inner is not None:
            size = len(_string(name, key).encode()) + len(_string(name, inner).encode())
            if size > PROPERTY_BYTES:
                raise replies.ApiError(
                    403,
                    "propertyLengthLimitExceeded",
                    "The size of the property key and value exceeds the limit of "
                    f"{PROPERTY_BYTES} bytes.",
                )
        found[key] = inner
    return found


def _parents(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(name, "TYPE_STRING", value)
    return tuple(_string(name, each) for each in value)


def _target(name: str, value: Any) -> str | None:
    if not isinstance(value, dict):
        raise _wrong(name, "Map", value)
    if set(value) - {"targetId", "targetMimeType"}:
        raise replies.not_writable(_UNWRITABLE)
    target = value.get("targetId")
    return None if target is None else _string("shortcutDetails.targetId", target)


_UNWRITABLE = "The resource body includes fields which are not directly writable."

_Reader = Callable[[str, Any], Any]

# Body field -> attribute of `File` that it sets as it is, and how it is read.
_PLAIN: dict[str, tuple[str, _Reader]] = {
    "name": ("name", _string),
    "description": ("description", _string),
    "modifiedTime": ("modified", _time),
    "viewedByMeTime": ("viewed", _time),
    "starred": ("starred", _boolean),
    "originalFilename": ("original_name", _string),
    "folderColorRgb": ("folder_color", _color),
    "writersCanShare": ("writers_can_share", _boolean),
    "copyRequiresWriterPermission": ("copy_requires_writer", _boolean),
}
_PLAIN_AT_CREATION: dict[str, tuple[str, _Reader]] = {"createdTime": ("created", _time)}
_CLEARABLE = frozenset({"description", "viewedByMeTime", "folderColorRgb"})
_SPECIAL: dict[str, tuple[str, _Reader]] = {
    "mimeType": ("mime_type", _mime_type),
    "properties": ("properties", _properties),
    "appProperties": ("app_properties", _properties),
}
_AT_CREATION: dict[str, tuple[str, _Reader]] = {
    "id": ("id", _string),
    "parents": ("parents", _parents),
    "shortcutDetails": ("shortcut_target", _target),
}
_AT_UPDATE: dict[str, tuple[str, _Reader]] = {"trashed": ("trashed", _boolean)}
_ACCEPTED_UNUSED = frozenset({"kind", "contentHints", "viewersCanCopyContent"})


def parse(body: bytes, *, creating: bool) -> Patch:
    """Read a body; an empty one sets nothing.

    Args:
        body: The body as sent.
        creating: Whether it belongs to a create or copy, not to an update.

    Raises:
        ApiError: 400 `parseError`, 400 `invalid`, 403 `fieldNotWritable` or
            `propertyLengthLimitExceeded`.
    """
    if not body.strip():
        return NOTHING
    try:
        document = json.loads(body.decode())
    except ValueError:
        raise replies.parse_error() from None
    if not isinstance(document, dict):
        raise replies.parse_error()
    return from_document(document, creating=creating)


def from_document(document: Mapping[str, Any], *, creating: bool) -> Patch:
    """Read a body that is JSON already (see `parse`).

    A name that Drive does not know is passed over (googleworkspace/node-samples issue 202: v2's
    `title` leaves a file "Untitled").
    """
    plain: dict[str, Any] = {}
    special: dict[str, Any] = {}
    plain_readers = _PLAIN | _PLAIN_AT_CREATION if creating else _PLAIN
    special_readers = _SPECIAL | (_AT_CREATION if creating else _AT_UPDATE)
    for name, value in document.items():
        if name in plain_readers:
            attribute, read = plain_readers[name]
            if value is not None or name in _CLEARABLE:
                plain[attribute] = None if value is None else read(name, value)
        elif name in special_readers:
            attribute, read = special_readers[name]
            if value is not None:
                special[attribute] = read(name, value)
        elif name in KNOWN_FIELDS and name not in _ACCEPTED_UNUSED:
            raise _refused(name, creating)
    return Patch(plain=plain, **special)


def _refused(name: str, creating: bool) -> replies.ApiError:
    if name == "parents" and not creating:
        return replies.not_writable(
            "The parents field is not directly writable in update requests. Use the addParents and "
            "removeParents parameters instead."
        )
    return replies.not_writable(_UNWRITABLE)


def merged(old: Mapping[str, str], new: Mapping[str, str | None], limit: int) -> Mapping[str, str]:
    """Merge properties: what is not mentioned stays, None removes.

    Raises:
        ApiError: 403 when there would be more than `limit`.
    """
    if not new:
        return old
    found = {key: value for key, value in {**old, **new}.items() if value is not None}
    if len(found) > limit:
        raise too_many_properties(limit)
    return found


def too_many_properties(limit: int) -> replies.ApiError:
    """Build the refusal of one property too many."""
    return replies.forbidden(
        "propertiesLimitExceeded", f"The number of properties exceeds the limit of {limit}."
    )
