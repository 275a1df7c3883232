"""`fields` masks: which parts of a reply the caller wants.

Sources: Drive guide, "Return specific fields" (grammar: `a,b`, `a/b`, `a(b,c)`, `*`); an unknown
name is 400 `invalidParameter` "Invalid field selection NAME" at `fields` (quoted in
googleworkspace/java-samples issue 1547); an empty mask selects nothing (brekkylab/backlot issue
337).
What comes back without a mask is in the reference page of each method.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from jupyter_drive_sync.localdrive.replies import ApiError

Schema: TypeAlias = "Mapping[str, Schema | None]"
"""The fields of a reply; None for a plain value, `ANY` for a map with keys of the caller's own."""

Selection: TypeAlias = "Mapping[str, Selection] | None"
"""What is wanted of a value: None is all of it."""

ANY: Schema = {}

_TOKEN = re.compile(r"\s*([A-Za-z_$][\w$.-]*|[*,/()])\s*")


def _flat(names: str, **nested: Schema) -> Schema:
    return {**dict.fromkeys(names.split()), **nested}


USER = _flat("displayName emailAddress kind me permissionId photoLink")
PERMISSION = _flat(
    "allowFileDiscovery deleted displayName domain emailAddress expirationTime id "
    "inheritedPermissionsDisabled kind pendingOwner photoLink role type view",
    permissionDetails=_flat("inherited inheritedFrom permissionType role"),
    teamDrivePermissionDetails=_flat("inherited inheritedFrom role teamDrivePermissionType"),
)
_RESTRICTION = _flat("restrictedForReaders restrictedForWriters")
_CAPABILITIES = (
    "canAcceptOwnership canAccessViaGenAi canAddChildren canAddFolderFromAnotherDrive "
    "canAddMyDriveParent canChangeCopyRequiresWriterPermission canChangeItemDownloadRestriction "
    "canChangeSecurityUpdateEnabled canChangeViewersCanCopyContent canComment canCopy canDelete "
    "canDeleteChildren canDisableInheritedPermissions canDownload canEdit "
    "canEnableInheritedPermissions canListChildren canModifyContent canModifyContentRestriction "
    "canModifyEditorContentRestriction canModifyLabels canModifyOwnerContentRestriction "
    "canMoveChildrenOutOfDrive canMoveChildrenOutOfTeamDrive canMoveChildrenWithinDrive "
    "canMoveChildrenWithinTeamDrive canMoveItemIntoTeamDrive canMoveItemOutOfDrive "
    "canMoveItemOutOfTeamDrive canMoveItemWithinDrive canMoveItemWithinTeamDrive "
    "canMoveTeamDriveItem canReadDrive canReadLabels canReadRevisions canReadTeamDrive "
    "canRemoveChildren canRemoveContentRestriction canRemoveMyDriveParent canRename canShare "
    "canStartApproval canTrash canTrashChildren canUntrash"
)
FILE = _flat(
    "copyRequiresWriterPermission createdTime description driveId explicitlyTrashed fileExtension "
    "folderColorRgb fullFileExtension hasAugmentedPermissions hasThumbnail headRevisionId iconLink "
    "id inheritedPermissionsDisabled isAppAuthorized kind md5Checksum mimeType modifiedByMe "
    "modifiedByMeTime modifiedTime name originalFilename ownedByMe parents permissionIds "
    "quotaBytesUsed resourceKey sha1Checksum sha256Checksum shared sharedWithMeTime size spaces "
    "starred teamDriveId thumbnailLink thumbnailVersion trashed trashedTime version viewedByMe "
    "viewedByMeTime viewersCanCopyContent webContentLink webViewLink writersCanShare",
    appProperties=ANY,
    capabilities=_flat(_CAPABILITIES),
    clientEncryptionDetails=_flat("encryptionState", decryptionMetadata=ANY),
    contentHints=_flat("indexableText", thumbnail=_flat("image mimeType")),
    contentRestrictions=_flat(
        "ownerRestricted readOnly reason restrictionTime systemRestricted type",
        restrictingUser=USER,
    ),
    downloadRestrictions={
        "effectiveDownloadRestrictionWithContext": _RESTRICTION,
        "itemDownloadRestriction": _RESTRICTION,
    },
    exportLinks=ANY,
    imageMediaMetadata=_flat(
        "aperture cameraMake cameraModel colorSpace exposureBias exposureMode exposureTime "
        "flashUsed focalLength height isoSpeed lens maxApertureValue meteringMode rotation sensor "
        "subjectDistance time whiteBalance width",
        location=_flat("altitude latitude longitude"),
    ),
    labelInfo={"labels": ANY},
    lastModifyingUser=USER,
    linkShareMetadata=_flat("securityUpdateEligible securityUpdateEnabled"),
    owners=USER,
    permissions=PERMISSION,
    properties=ANY,
    sharingUser=USER,
    shortcutDetails=_flat("targetId targetMimeType targetResourceKey"),
    trashingUser=USER,
    videoMediaMetadata=_flat("durationMillis height width"),
)
DRIVE = _flat(
    "backgroundImageLink colorRgb createdTime hidden id kind name orgUnitId themeId",
    backgroundImageFile=ANY,
    capabilities=ANY,
    restrictions=ANY,
)
TEAM_DRIVE: Schema = {name: inner for name, inner in DRIVE.items() if name != "hidden"}
FILE_LIST = _flat("incompleteSearch kind nextPageToken", files=FILE)
CHANGE = _flat(
    "changeType driveId fileId kind removed teamDriveId time type",
    drive=DRIVE,
    file=FILE,
    teamDrive=TEAM_DRIVE,
)
CHANGE_LIST = _flat("kind newStartPageToken nextPageToken", changes=CHANGE)
START_PAGE_TOKEN = _flat("kind startPageToken")
REVISION = _flat(
    "id keepForever kind md5Checksum mimeType modifiedTime originalFilename publishAuto published "
    "publishedLink publishedOutsideDomain size",
    exportLinks=ANY,
    lastModifyingUser=USER,
)
REVISION_LIST = _flat("kind nextPageToken", revisions=REVISION)
PERMISSION_LIST = _flat("kind nextPageToken", permissions=PERMISSION)
_THEME = _flat("backgroundImageLink colorRgb id")
ABOUT = _flat(
    "appInstalled canCreateDrives canCreateTeamDrives folderColorPalette kind maxUploadSize",
    driveThemes=_THEME,
    exportFormats=ANY,
    importFormats=ANY,
    maxImportSizes=ANY,
    storageQuota=_flat("limit usage usageInDrive usageInDriveTrash"),
    teamDriveThemes=_THEME,
    user=USER,
)
GENERATED_IDS = _flat("ids kind space")
DRIVE_LIST = _flat("kind nextPageToken", drives=DRIVE)

FILE_DEFAULT = "kind,id,name,mimeType"
FILE_LIST_DEFAULT = "kind,incompleteSearch,nextPageToken,files(kind,id,name,mimeType)"
CHANGE_LIST_DEFAULT = (
    "kind,newStartPageToken,nextPageToken,"
    "changes(kind,type,changeType,time,removed,fileId,file(kind,id,name,mimeType))"
)
REVISION_DEFAULT = "kind,id,mimeType,modifiedTime"
REVISION_LIST_DEFAULT = "kind,nextPageToken,revisions(kind,id,mimeType,modifiedTime)"
PERMISSION_DEFAULT = "kind,id,type,role"
PERMISSION_LIST_DEFAULT = "kind,nextPageToken,permissions(kind,id,type,role)"
DRIVE_ONE = "kind,id,name"
DRIVE_LIST_DEFAULT = "kind,nextPageToken,drives(kind,id,name)"


def bad_selection(name: str) -> ApiError:
    """A mask that names something the reply does not have, or that cannot be read."""
    return ApiError(
        400,
        "invalidParameter",
        f"Invalid field selection {name}",
        location=("fields", "parameter"),
    )


class _Parser:
    """Reads one mask."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        position = 0
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None:
                raise bad_selection(text)
            self._tokens.append(token.group(1))
            position = token.end()
        self._at = 0

    def whole(self, schema: Schema) -> dict[str, Any]:
        """Read the mask to its end."""
        found = self._items(schema)
        if self._at != len(self._tokens):
            raise bad_selection(self._text)
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _items(self, schema: Schema) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            self._item(schema, found)
            if self._peek() != ",":
                return found
            self._take()

    def _item(self, schema: Schema, found: dict[str, Any]) -> None:
        name = self._take()
        if name in {"", ",", "/", "(", ")"}:
            raise bad_selection(self._text)
        if name != "*":
            if name not in schema and schema is not ANY:
                raise bad_selection(name)
            _merge(found, name, self._below(name, schema.get(name)))
            return
        if schema is ANY:
            found[name] = None
            return
        # A mask below a star holds for every member that has such a part.
        start, end = self._at, None
        for member, inner in schema.items():
            self._at = start
            try:
                _merge(found, member, self._below(member, inner))
            except ApiError:
                continue
            end = self._at
        if end is None:
            raise bad_selection(self._text)
        self._at = end

    def _below(self, name: str, schema: Schema | None) -> dict[str, Any] | None:
        mark = self._peek()
        if mark not in {"/", "("}:
            return None
        if schema is None:
            raise bad_selection(name)
        self._take()
        if mark == "/":
            found: dict[str, Any] = {}
            self._item(schema, found)
            return found
        found = self._items(schema)
        if self._take() != ")":
            raise bad_selection(self._text)
        return found


def _merge(found: dict[str, Any], name: str, below: dict[str, Any] | None) -> None:
    """Join two selections of one member: the wider one wins, parts add up."""
    if name not in found:
        found[name] = below
    elif found[name] is not None:
        if below is None:
            found[name] = None
        else:
            for member, inner in below.items():
                _merge(found[name], member, inner)


@lru_cache(maxsize=512)
def _parsed(text: str, schema_id: int) -> Selection:
    return _Parser(text).whole(_SCHEMAS[schema_id])


_SCHEMAS: dict[int, Schema] = {
    id(schema): schema
    for schema in (
        ABOUT,
        CHANGE_LIST,
        DRIVE,
        DRIVE_LIST,
        FILE,
        FILE_LIST,
        GENERATED_IDS,
        PERMISSION,
        PERMISSION_LIST,
        REVISION,
        REVISION_LIST,
        START_PAGE_TOKEN,
    )
}


def parse(text: str | None, schema: Schema, default: str = "*") -> Selection:
    """Read a mask.

    Args:
        text: The `fields` parameter; None when it was not sent.
        schema: One of this module's schemas of a whole reply.
        default: The mask that Google applies when none is sent.

    Raises:
        ApiError: 400 `invalidParameter`.
    """
    if text is None:
        text = default
    if not text.strip():
        return {}
    return _parsed(text, id(schema))


def part(selection: Selection, name: str) -> Selection:
    """Return what is wanted of one member; `{}` when it is not wanted at all."""
    if selection is None:
        return None
    return selection.get(name, {})


def wants(selection: Selection, name: str) -> bool:
    """Return whether a member is wanted."""
    return selection is None or name in selection


def select(value: Any, selection: Selection) -> Any:
    """Return the wanted part of a value; a star in a map of the caller's own keys is all of it."""
    if selection is None or "*" in selection:
        return value
    if isinstance(value, list):
        return [select(item, selection) for item in value]
    if isinstance(value, dict):
        return {
            name: select(inner, selection[name])
            for name, inner in value.items()
            if name in selection
        }
    return value
