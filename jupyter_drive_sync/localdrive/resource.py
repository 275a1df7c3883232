"""How files, revisions, permissions and users look in a reply.

Each field is made only when it is wanted. Source: the reference pages of `files`, `revisions`,
`permissions` and `about`; which fields only binary files have is said there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_drive_sync.localdrive.clock import rfc3339
from jupyter_drive_sync.localdrive.fields import FILE, Selection, part, select
from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.objects import (
    FOLDER,
    ROLES,
    File,
    Permission,
    Revision,
    SharedDrive,
)
from jupyter_drive_sync.localdrive.visibility import (
    Lookup,
    Viewer,
    is_trashed,
    lineage,
    role_of,
    visibility_of,
)

_EXTENSION = re.compile(r"\.((?:tar\.)?[^.]+)$")
_TEXT_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Scene:
    """Who looks, at which state.

    Attributes:
        model: The drives.
        viewer: Who looks.
        lookup: Finds a file; listings that lag look at an older state.
        base_url: Where links lead.
    """

    model: Model
    viewer: Viewer
    lookup: Lookup
    base_url: str


class View:
    """A file as one caller sees it; also what searches ask (`query.Subject`)."""

    __slots__ = ("_role", "file", "scene")

    def __init__(self, file: File, scene: Scene) -> None:
        self.file = file
        self.scene = scene
        self._role: str | None = None

    @property
    def role(self) -> str:
        """The caller's role; a link alone makes a reader."""
        if self._role is None:
            self._role = role_of(self.file, self.scene.viewer, self.scene.lookup)
        return self._role or "reader"

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    @property
    def mime_type(self) -> str:
        """The MIME type."""
        return self.file.mime_type

    @property
    def times(self) -> Mapping[str, int | None]:
        """Times by search term."""
        return {
            "createdTime": self.file.created,
            "modifiedTime": self.file.modified,
            "viewedByMeTime": self.file.viewed,
            "sharedWithMeTime": self.file.shared_at.get(self.scene.viewer.account),
        }

    @property
    def trashed(self) -> bool:
        """Whether it or a folder above it is in the trash."""
        return is_trashed(self.file, self.scene.lookup)

    @property
    def starred(self) -> bool:
        """Whether the owner starred it, as only the owner sees."""
        return self.file.starred and self.file.owner == self.scene.viewer.account

    @property
    def shared_with_me(self) -> bool:
        """Whether the caller has it by a permission of the file's own."""
        return self.scene.viewer.account in self.file.shared_at

    @property
    def people(self) -> Mapping[str, Collection[str]]:
        """Addresses of owners, writers and readers; the caller is also `me`."""
        owner = set() if self.file.drive_id else {self.file.owner}
        found: dict[str, set[str]] = {
            "owners": owner,
            "writers": {*owner},
            "readers": {*owner},
        }
        for each in lineage(self.file, self.scene.lookup):
            for permission in each.permissions:
                if permission.address is not None:
                    found["readers"].add(permission.address)
                    if ROLES.index(permission.role) >= ROLES.index("writer"):
                        found["writers"].add(permission.address)
        for addresses in found.values():
            if self.scene.viewer.account in addresses:
                addresses.add("me")
        return found

    @property
    def parents(self) -> Collection[str]:
        """The parent folder; the caller's root is also `root`."""
        parent = self.file.parent
        if parent is None:
            return ()
        if parent == self.scene.model.account(self.scene.viewer.account).root:
            return (parent, "root")
        return (parent,)

    @property
    def properties(self) -> Mapping[str, str]:
        """Properties that every app sees."""
        return self.file.properties

    @property
    def app_properties(self) -> Mapping[str, str]:
        """Properties of the caller's app."""
        return self.file.app_properties.get(self.scene.viewer.project, {})

    @property
    def visibility(self) -> str:
        """One of the visibilities of the search guide."""
        return visibility_of(self.file, self.scene.lookup)

    @property
    def shortcut_target(self) -> str | None:
        """The id that a shortcut leads to."""
        return self.file.shortcut_target

    @property
    def text(self) -> str:
        """Description, and the content of small texts."""
        found = self.file.description or ""
        head = self.file.head
        if head is not None and head.mime_type.startswith("text/") and head.size <= _TEXT_LIMIT:
            stretch = self.scene.model.blobs.read(head.blob, 0, head.size)
            found += "\n" + b"".join(stretch).decode("utf-8", "replace")
        return found


def user(scene: Scene, address: str) -> dict[str, Any]:
    """Render a user. Source: the `User` schema of the discovery document."""
    account = scene.model.accounts.get(address)
    return {
        "kind": "drive#user",
        "displayName": account.name if account else address.partition("@")[0],
        "me": address == scene.viewer.account,
        "permissionId": account.permission_id if account else permission_id(address),
        "emailAddress": address,
    }


def drive(scene: Scene, each: SharedDrive) -> dict[str, Any]:
    """Render a shared drive. Source: the `Drive` schema of the discovery document."""
    rank = ROLES.index(role_of(scene.model.files[each.id], scene.viewer, scene.lookup) or "reader")
    organizer, keeps = rank >= ROLES.index("organizer"), rank >= ROLES.index("fileOrganizer")
    writer = rank >= ROLES.index("writer")
    return {
        "kind": "drive#drive",
        "id": each.id,
        "name": each.name,
        "createdTime": rfc3339(each.created),
        "hidden": False,
        "capabilities": {
            "canAddChildren": writer,
            "canComment": rank >= ROLES.index("commenter"),
            "canDeleteChildren": organizer,
            "canDeleteDrive": organizer,
            "canDownload": True,
            "canEdit": writer,
            "canListChildren": True,
            "canManageMembers": organizer,
            "canReadRevisions": writer,
            "canRename": writer,
            "canRenameDrive": organizer,
            "canShare": writer,
            "canTrashChildren": keeps,
        },
        "restrictions": {
            "adminManagedRestrictions": False,
            "copyRequiresWriterPermission": False,
            "domainUsersOnly": False,
            "driveMembersOnly": False,
            "sharingFoldersRequiresOrganizerPermission": False,
        },
    }


def permission_id(address: str) -> str:
    """Return the id of somebody who has no account here: stable, made of digits."""
    return str(int.from_bytes(address.encode()[:48], "big"))[-20:].zfill(20)


def permission(scene: Scene, file: File, each: Permission) -> dict[str, Any]:
    """Render a permission."""
    found: dict[str, Any] = {
        "kind": "drive#permission",
        "id": each.id,
        "type": each.type,
        "role": each.role,
    }
    if each.type == "user" and each.address is not None:
        found["emailAddress"] = each.address
        found["displayName"] = user(scene, each.address)["displayName"]
        found["deleted"] = False
        found["pendingOwner"] = False
    elif each.type == "domain":
        found["domain"] = each.address
    if each.type in {"anyone", "domain"}:
        found["allowFileDiscovery"] = each.discoverable
    inherited = each not in file.permissions and each.role != "owner"
    details: dict[str, Any] = {
        "permissionType": "file",
        "role": each.role,
        "inherited": inherited,
    }
    root = scene.lookup(file.drive_id) if file.drive_id else None
    if root is not None and each in root.permissions:
        details["permissionType"] = "member"
        if inherited:
            details["inheritedFrom"] = root.id
    found["permissionDetails"] = [details]
    return found


def all_permissions(scene: Scene, file: File) -> list[Permission]:
    """Return a file's permissions, an owner's first, then own and inherited ones."""
    found: dict[str, Permission] = {}
    if file.drive_id is None:
        owner = scene.model.account(file.owner)
        number = owner.permission_id
        found[number] = Permission(number, "user", "owner", owner.address)
    for each in lineage(file, scene.lookup):
        for given in each.permissions:
            found.setdefault(given.id, given)
    return list(found.values())


def revision(scene: Scene, each: Revision) -> dict[str, Any]:
    """Render a revision."""
    return {
        "kind": "drive#revision",
        "id": each.id,
        "mimeType": each.mime_type,
        "modifiedTime": rfc3339(each.modified),
        "keepForever": each.keep_forever,
        "published": False,
        "lastModifyingUser": user(scene, each.author),
        "originalFilename": each.original_name,
        "md5Checksum": each.md5,
        "size": str(each.size),
    }


def _parents(view: View) -> list[str] | None:
    """The parent, if the account sees it; whether the app does makes no difference.

    Source: Drive guide "Share files, folders, and drives" for the account; for the app a guess,
    after reports of `drive.file` clients that know the parent's id and get 404 for it.
    """
    parent = view.scene.lookup(view.file.parent) if view.file.parent is not None else None
    if parent is None or role_of(parent, view.scene.viewer, view.scene.lookup) is None:
        return None
    return [parent.id]


def _extension(view: View) -> str | None:
    found = _EXTENSION.search(view.file.name)
    return found.group(1) if found and view.file.head else None


def _link(view: View) -> str:
    key = view.file.resource_key
    if view.file.mime_type == FOLDER:
        shown = f"?resourcekey={key}" if key else ""
        return f"{view.scene.base_url}/drive/folders/{view.file.id}{shown}"
    shown = f"&resourcekey={key}" if key else ""
    return f"{view.scene.base_url}/file/d/{view.file.id}/view?usp=drivesdk{shown}"


def _content_link(view: View) -> str | None:
    if view.file.head is None:
        return None
    return f"{view.scene.base_url}/uc?id={view.file.id}&export=download"


def _shortcut(view: View) -> dict[str, str] | None:
    if view.file.shortcut_target is None:
        return None
    target = view.scene.lookup(view.file.shortcut_target)
    found = {"targetId": view.file.shortcut_target}
    if target is not None:
        found["targetMimeType"] = target.mime_type
        if target.resource_key is not None:
            found["targetResourceKey"] = target.resource_key
    return found


def _capabilities(view: View) -> dict[str, bool]:
    """What the caller may do.

    Sources: Drive guides "Understand file capabilities", "Roles and permissions" (who moves,
    trashes and deletes in a shared drive) and "Shared drive versus My Drive API differences"
    (which of them only shared drives have).
    """
    file, rank = view.file, ROLES.index(view.role)
    writer, organizes = rank >= ROLES.index("writer"), rank >= ROLES.index("fileOrganizer")
    deletes = rank >= ROLES.index("owner" if file.drive_id is None else "organizer")
    owner = organizes if file.drive_id else view.role == "owner"
    root = view.scene.model.is_root(file)
    folder, blob = file.is_folder, file.head is not None
    changes = writer and not root
    moves = changes and (organizes or file.drive_id is None)
    shared: dict[str, bool] = {}
    if file.drive_id is not None:
        shared = {
            "canAddFolderFromAnotherDrive": False,
            "canDeleteChildren": deletes and folder,
            "canMoveChildrenOutOfDrive": deletes and folder,
            "canReadDrive": any(
                each.address == view.scene.viewer.account
                for each in view.scene.model.files[file.drive_id].permissions
            ),
            "canTrashChildren": organizes and folder,
        }
    return {
        **shared,
        "canAcceptOwnership": False,
        "canAddChildren": writer and folder,
        "canAddMyDriveParent": False,
        "canChangeCopyRequiresWriterPermission": changes,
        "canComment": rank >= ROLES.index("commenter") and not folder,
        "canCopy": not folder,
        "canDelete": deletes and not root,
        "canDownload": blob,
        "canEdit": writer,
        "canListChildren": folder,
        "canModifyContent": writer and not folder,
        "canMoveChildrenWithinDrive": folder and (organizes if file.drive_id else writer),
        "canMoveItemOutOfDrive": deletes and not root,
        "canMoveItemWithinDrive": moves,
        "canReadRevisions": writer and blob,
        "canRemoveChildren": writer and folder and file.drive_id is None,
        "canRemoveMyDriveParent": changes and file.drive_id is None,
        "canRename": changes,
        "canShare": changes and (owner or file.writers_can_share),
        "canTrash": owner and not root,
        "canUntrash": owner and not root,
    }


def _permissions(view: View) -> list[dict[str, Any]] | None:
    if ROLES.index(view.role) < ROLES.index("writer") or view.file.drive_id:
        return None
    return [
        permission(view.scene, view.file, each) for each in all_permissions(view.scene, view.file)
    ]


def _head(attribute: str) -> Callable[[View], Any]:
    def read(view: View) -> Any:
        head = view.file.head
        return getattr(head, attribute) if head else None

    return read


def _time(stamp: int | None) -> str | None:
    return None if stamp is None else rfc3339(stamp)


def _is_mine(view: View) -> bool:
    return view.file.owner == view.scene.viewer.account


def _modified_by_me(view: View) -> bool:
    return view.file.modified_by == view.scene.viewer.account


def _size(view: View) -> str | None:
    head = view.file.head
    return str(head.size) if head else None


def _always(value: Any) -> Callable[[View], Any]:
    return lambda _: value


def _of_people(make: Callable[[View], Any]) -> Callable[[View], Any]:
    """Leave a field out of what lies in a shared drive.

    Source: Drive guide "Shared drive versus My Drive API differences".
    """
    return lambda view: None if view.file.drive_id else make(view)


def _of_drives(make: Callable[[View], Any]) -> Callable[[View], Any]:
    """Show a field of what lies in a shared drive alone (source as `_of_people`)."""
    return lambda view: make(view) if view.file.drive_id else None


def _trashing_user(view: View) -> dict[str, Any] | None:
    who = view.file.trashed_by
    return user(view.scene, who) if view.file.trashed and who else None


_FIELDS: Mapping[str, Callable[[View], Any]] = {
    "kind": _always("drive#file"),
    "id": lambda view: view.file.id,
    "name": lambda view: view.file.name,
    "mimeType": lambda view: view.file.mime_type,
    "description": lambda view: view.file.description,
    "starred": lambda view: view.starred,
    "trashed": lambda view: view.trashed,
    "explicitlyTrashed": lambda view: view.file.trashed,
    "parents": _parents,
    "properties": lambda view: dict(view.file.properties) or None,
    "appProperties": lambda view: dict(view.app_properties) or None,
    "spaces": _always(["drive"]),
    "version": lambda view: str(view.file.version),
    "webContentLink": _content_link,
    "webViewLink": _link,
    "viewedByMe": lambda view: view.file.viewed is not None,
    "viewedByMeTime": lambda view: _time(view.file.viewed),
    "createdTime": lambda view: rfc3339(view.file.created),
    "modifiedTime": lambda view: rfc3339(view.file.modified),
    "modifiedByMe": _modified_by_me,
    "modifiedByMeTime": lambda view: _time(view.file.modified if _modified_by_me(view) else None),
    "sharedWithMeTime": lambda view: _time(view.times["sharedWithMeTime"]),
    "owners": _of_people(lambda view: [user(view.scene, view.file.owner)]),
    "lastModifyingUser": lambda view: user(view.scene, view.file.modified_by),
    "shared": _of_people(lambda view: len(all_permissions(view.scene, view.file)) > 1),
    "ownedByMe": _of_people(_is_mine),
    "driveId": lambda view: view.file.drive_id,
    "teamDriveId": lambda view: view.file.drive_id,
    "hasAugmentedPermissions": _of_drives(
        lambda view: bool(view.file.permissions) and view.file.parent is not None
    ),
    "trashedTime": _of_drives(lambda view: _time(view.file.trashed_at)),
    "trashingUser": _of_drives(_trashing_user),
    "resourceKey": lambda view: view.file.resource_key,
    "capabilities": _capabilities,
    "viewersCanCopyContent": lambda view: not view.file.copy_requires_writer,
    "copyRequiresWriterPermission": lambda view: view.file.copy_requires_writer,
    "writersCanShare": _of_people(lambda view: view.file.writers_can_share),
    "permissions": _permissions,
    "permissionIds": lambda view: [each.id for each in all_permissions(view.scene, view.file)],
    "folderColorRgb": _of_people(
        lambda view: view.file.folder_color or ("#8f8f8f" if view.file.is_folder else None)
    ),
    "originalFilename": lambda view: view.file.original_name if view.file.head else None,
    "fullFileExtension": _extension,
    "fileExtension": lambda view: (_extension(view) or "").rpartition(".")[2] or None,
    "md5Checksum": _head("md5"),
    "sha1Checksum": _head("sha1"),
    "sha256Checksum": _head("sha256"),
    "size": _size,
    "quotaBytesUsed": lambda view: str(view.file.quota),
    "headRevisionId": _head("id"),
    "hasThumbnail": _always(False),
    "thumbnailVersion": _always("0"),
    "iconLink": lambda view: f"{view.scene.base_url}/icon?type={view.file.mime_type}",
    "isAppAuthorized": lambda view: view.scene.viewer.project in view.file.apps,
    "shortcutDetails": _shortcut,
    "linkShareMetadata": _always(
        {
            "securityUpdateEligible": False,
            "securityUpdateEnabled": True,
        }
    ),
    "inheritedPermissionsDisabled": _always(False),
}


def file(view: View, selection: Selection) -> dict[str, Any]:
    """Render the wanted part of a file; fields without a value are left out."""
    found: dict[str, Any] = {}
    for name in FILE if selection is None else selection:
        make = _FIELDS.get(name)
        value = make(view) if make else None
        if value is not None:
            found[name] = select(value, part(selection, name))
    return found
