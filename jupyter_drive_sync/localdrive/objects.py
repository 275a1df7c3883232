"""What a Drive is made of, as frozen values that can be written to a store and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

FOLDER = "application/vnd.google-apps.folder"
SHORTCUT = "application/vnd.google-apps.shortcut"
GOOGLE_TYPES = "application/vnd.google-apps."
BINARY = "application/octet-stream"

ROLES = ("reader", "commenter", "writer", "fileOrganizer", "organizer", "owner")
"""Roles, weakest first: the two organizers are of shared drives, the owner is of My Drive.

Source: Drive guide "Roles and permissions".
"""
DRIVE_ROLES = frozenset({"fileOrganizer", "organizer"})
"""Roles that only members of a shared drive have."""
_SERVICE = ".gserviceaccount.com"


def is_service_account(address: str) -> bool:
    """Return whether an address is a service account's.

    Source: IAM documentation, "Service account names": `NAME@PROJECT.iam.gserviceaccount.com`.
    """
    return address.endswith(_SERVICE)


@dataclass(frozen=True, slots=True)
class Account:
    """A Google account.

    Attributes:
        address: E-mail address, which is also our key.
        name: Display name.
        permission_id: The id that Drive shows for this user.
        root: Id of My Drive's root folder.
    """

    address: str
    name: str
    permission_id: str
    root: str


@dataclass(frozen=True, slots=True)
class SharedDrive:
    """A shared drive. What lies in it is owned by it; its members stand in its root's permissions.

    Attributes:
        id: Its id, which is also that of its root folder.
        name: Its name.
        created: Milliseconds since 1970.
    """

    id: str
    name: str
    created: int


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a file's content.

    `modified` is when it was uploaded, in milliseconds since 1970, whatever time the client gave
    the file.
    """

    id: str
    blob: str
    size: int
    md5: str
    sha1: str
    sha256: str
    mime_type: str
    modified: int
    author: str
    original_name: str
    keep_forever: bool = False


@dataclass(frozen=True, slots=True)
class Permission:
    """A role given to somebody beside the owner.

    Attributes:
        id: Drive's id for it: the user's, or `anyoneWithLink`, or `anyone`.
        type: `user`, `group`, `domain` or `anyone`.
        role: One of `ROLES`.
        address: Who, for a user or group; the domain for a domain.
        discoverable: Whether an `anyone` or `domain` one can be found by search.
    """

    id: str
    type: str
    role: str
    address: str | None = None
    discoverable: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file, folder, shortcut or Google document. Times are milliseconds since 1970.

    Attributes:
        id: Drive's id.
        owner: Address of the owner; the id of the shared drive for what lies in one.
        name: Its name; not unique.
        mime_type: Its MIME type.
        parent: The folder that holds it; None for a root.
        created: When it was made.
        modified: When its content or metadata was last said to be modified.
        modified_by: Who did so.
        order: A random number that orders listings for which nobody asked an order.
        apps: Cloud projects that made or opened it: those whose `drive.file` tokens see it.
        version: Rises with every change.
        revisions: Contents, oldest first; the last is the head. Empty unless it has binary content.
        trashed: Whether it was trashed itself (`explicitlyTrashed`).
        trashed_at: When.
        trashed_by: Who trashed it.
        properties: Properties that every app sees.
        app_properties: Properties by project.
        permissions: Roles beside the owner's.
        shared_at: When each user got their permission, by address.
        resource_key: What those must show who have nothing but a link to it; None for nothing.
    """

    id: str
    owner: str
    name: str
    mime_type: str
    parent: str | None
    created: int
    modified: int
    modified_by: str
    order: float
    apps: frozenset[str] = frozenset()
    version: int = 1
    revisions: tuple[Revision, ...] = ()
    trashed: bool = False
    trashed_at: int | None = None
    trashed_by: str | None = None
    starred: bool = False
    description: str | None = None
    original_name: str | None = None
    shortcut_target: str | None = None
    folder_color: str | None = None
    viewed: int | None = None
    writers_can_share: bool = True
    copy_requires_writer: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)
    app_properties: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    permissions: tuple[Permission, ...] = ()
    shared_at: Mapping[str, int] = field(default_factory=dict)
    resource_key: str | None = None

    @property
    def drive_id(self) -> str | None:
        """The shared drive that it lies in, None for My Drive."""
        return None if "@" in self.owner else self.owner

    @property
    def is_folder(self) -> bool:
        """Whether it can hold files."""
        return self.mime_type == FOLDER

    @property
    def is_google(self) -> bool:
        """Whether it has no binary content: a folder, a shortcut, a Google document."""
        return self.mime_type.startswith(GOOGLE_TYPES)

    @property
    def head(self) -> Revision | None:
        """The current content."""
        return self.revisions[-1] if self.revisions else None

    @property
    def quota(self) -> int:
        """Bytes that count as storage: the head and the pinned revisions.

        Source: `quotaBytesUsed` in the reference of files.
        """
        pinned = sum(revision.size for revision in self.revisions[:-1] if revision.keep_forever)
        return pinned + (self.revisions[-1].size if self.revisions else 0)


def _shallow(value: Any) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in fields(value)}


def file_document(file: File) -> dict[str, Any]:
    """Write a file as a JSON document."""
    return {
        **_shallow(file),
        "apps": sorted(file.apps),
        "revisions": [_shallow(revision) for revision in file.revisions],
        "permissions": [_shallow(permission) for permission in file.permissions],
    }


def file_from(document: Mapping[str, Any]) -> File:
    """Read a file from its document."""
    return File(
        **{
            **document,
            "apps": frozenset(document["apps"]),
            "revisions": tuple(Revision(**each) for each in document["revisions"]),
            "permissions": tuple(Permission(**each) for each in document["permissions"]),
        }
    )


def drive_document(drive: SharedDrive) -> dict[str, Any]:
    """Write a shared drive as a JSON document."""
    return _shallow(drive)


def account_document(account: Account) -> dict[str, Any]:
    """Write an account as a JSON document."""
    return _shallow(account)
