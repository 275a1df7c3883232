"""Who may see and do what: roles that come down the tree, and what an app was given.

Sources: Drive guides "Share files, folders, and drives" (roles; inherited from folders), "Roles
and permissions" (what members of a shared drive may), "Implement shared drive support" (who does
not say `supportsAllDrives` sees nothing of them), "Access link-shared Drive files using resource
keys" and "Choose Google Drive API scopes" (`drive.file` reaches what the app made or opened, per
project and user).
That a token of `drive.file` alone gets 404 for `root` is the experience of rclone, whose drive
backend falls back to the alias `root` for that reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from jupyter_drive_sync.localdrive import replies
from jupyter_drive_sync.localdrive.objects import ROLES, File, Permission
from jupyter_drive_sync.localdrive.routing import Principal

SCOPE = "https://www.googleapis.com/auth/"
FULL = SCOPE + "drive"
PER_FILE = SCOPE + "drive.file"
READ_ONLY = SCOPE + "drive.readonly"
METADATA = SCOPE + "drive.metadata"
METADATA_READ_ONLY = SCOPE + "drive.metadata.readonly"

READING = frozenset({FULL, PER_FILE, READ_ONLY, METADATA, METADATA_READ_ONLY})
CONTENT = frozenset({FULL, PER_FILE, READ_ONLY})
WRITING = frozenset({FULL, PER_FILE})
CHANGING = frozenset({FULL, PER_FILE, METADATA})
_SEE_ALL = frozenset({FULL, READ_ONLY, METADATA, METADATA_READ_ONLY})

Lookup = Callable[[str], File | None]


@dataclass(frozen=True, slots=True)
class Viewer:
    """A principal, boiled down to what the model asks of it.

    Attributes:
        account: Who.
        project: Through which project's client.
        sees_all: Whether every file of the account is visible, or those given to the app.
        reads_all: Whether contents of every visible file may be read.
        writes_all: Whether every file may be changed.
        metadata_all: Whether metadata of every file may be changed.
        writes_own: Whether files given to the app may be changed.
        all_drives: Whether the caller said that it knows of shared drives.
        keys: Resource keys that it shows, by file.
    """

    account: str
    project: str
    sees_all: bool
    reads_all: bool
    writes_all: bool
    metadata_all: bool
    writes_own: bool
    all_drives: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        principal: Principal,
        *,
        all_drives: bool = False,
        keys: Mapping[str, str] | None = None,
    ) -> Viewer:
        """Read the scopes of a principal."""
        scopes = principal.scopes
        return cls(
            account=principal.account,
            project=principal.project,
            sees_all=bool(scopes & _SEE_ALL),
            reads_all=bool(scopes & {FULL, READ_ONLY}),
            writes_all=FULL in scopes,
            metadata_all=bool(scopes & {FULL, METADATA}),
            writes_own=PER_FILE in scopes,
            all_drives=all_drives,
            keys=keys or {},
        )


def lineage(file: File, lookup: Lookup) -> Iterator[File]:
    """Yield a file and the folders above it, nearest first."""
    current: File | None = file
    while current is not None:
        yield current
        current = lookup(current.parent) if current.parent is not None else None


def is_trashed(file: File, lookup: Lookup) -> bool:
    """Return whether a file or a folder above it is in the trash."""
    return any(each.trashed for each in lineage(file, lookup))


def _applies(permission: Permission, account: str) -> bool:
    if permission.type == "anyone":
        return True
    if permission.type == "domain":
        return account.endswith(f"@{permission.address}")
    return permission.address == account


def role_of(file: File, viewer: Viewer, lookup: Lookup) -> str | None:
    """Return an account's role on a file, None when it has none.

    Who has nothing but a link must show the file's resource key, if it has one.
    """
    account = viewer.account
    if file.owner == account:
        return "owner"
    linked = file.resource_key in {None, viewer.keys.get(file.id)}
    best = -1
    for each in lineage(file, lookup):
        if each.owner == account:
            best = max(best, ROLES.index("writer"))
        for permission in each.permissions:
            named = permission.type in {"user", "group"}
            if (named or linked) and _applies(permission, account):
                best = max(best, ROLES.index(permission.role))
    return ROLES[best] if best >= 0 else None


def is_listed(file: File, account: str, lookup: Lookup) -> bool:
    """Return whether a file belongs to an account's listing: owned, or shared by name."""
    return file.owner == account or any(
        each.owner == account
        or any(
            permission.address == account or (permission.discoverable and permission.type != "user")
            for permission in each.permissions
        )
        for each in lineage(file, lookup)
    )


def sees(viewer: Viewer, file: File, lookup: Lookup) -> bool:
    """Return whether a file exists for this caller."""
    return (
        (viewer.all_drives or file.drive_id is None)
        and (viewer.sees_all or viewer.project in file.apps)
        and role_of(file, viewer, lookup) is not None
    )


def require_role(viewer: Viewer, file: File, lookup: Lookup, least: str) -> None:
    """Check the account's role.

    Raises:
        ApiError: 403 `insufficientFilePermissions`.
    """
    role = role_of(file, viewer, lookup)
    if role is None or ROLES.index(role) < ROLES.index(least):
        raise replies.no_permission(file.id)


def require_change(viewer: Viewer, file: File, *, content: bool) -> None:
    """Check that the app was given the right to change a file.

    Raises:
        ApiError: 403 `appNotAuthorizedToFile`.
    """
    everything = viewer.writes_all if content else viewer.metadata_all
    if not everything and not (viewer.writes_own and viewer.project in file.apps):
        raise replies.app_not_authorized(viewer.project, file.id, "write")


def require_content(viewer: Viewer, file: File) -> None:
    """Check that the app was given the right to read a file's content.

    Raises:
        ApiError: 403 `appNotAuthorizedToFile`.
    """
    if not viewer.reads_all and not (viewer.writes_own and viewer.project in file.apps):
        raise replies.app_not_authorized(viewer.project, file.id, "read")


def visibility_of(file: File, lookup: Lookup) -> str:
    """Return a file's visibility as searches name it."""
    found = "limited"
    for each in lineage(file, lookup):
        for permission in each.permissions:
            if permission.type == "anyone":
                return "anyoneCanFind" if permission.discoverable else "anyoneWithLink"
            if permission.type == "domain":
                found = "domainCanFind" if permission.discoverable else "domainWithLink"
    return found
