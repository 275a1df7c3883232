"""A Drive as a state machine: what is there, and what each write makes of it.

Nothing here knows of HTTP or JSON. Time comes from the injected clock, chance (ids, order of
listings, lag) from the injected random source, so that a run can be repeated. The caller holds
`lock` around every method: `Api` does.

Sources: the reference pages of `files`; Drive guides "Create and populate folders", "Trash or
delete files and folders", "Upload file data" (pre-generated ids), "Create a shortcut".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from jupyter_drive_sync.localdrive import metadata, replies, revisions
from jupyter_drive_sync.localdrive.blobs import Blob, Digest
from jupyter_drive_sync.localdrive.clock import milliseconds
from jupyter_drive_sync.localdrive.metadata import Patch
from jupyter_drive_sync.localdrive.objects import (
    BINARY,
    FOLDER,
    GOOGLE_TYPES,
    SHORTCUT,
    File,
    Revision,
    SharedDrive,
    is_service_account,
)
from jupyter_drive_sync.localdrive.registry import Registry
from jupyter_drive_sync.localdrive.settings import DAY
from jupyter_drive_sync.localdrive.visibility import (
    Viewer,
    lineage,
    require_change,
    require_role,
    role_of,
    sees,
)


@dataclass(frozen=True, slots=True)
class Content:
    """A content that came with a create or update.

    Attributes:
        blob: Where it is kept.
        mime_type: The type that its upload named, None when it named none.
    """

    blob: Blob
    mime_type: str | None


class Model(Registry):
    """All accounts' drives."""

    # -- finding ----------------------------------------------------------------------------

    def find(self, viewer: Viewer, file_id: str) -> File:
        """Return a file that the caller can see; `root` is the caller's root folder.

        Raises:
            ApiError: 404 `notFound`.
        """
        real = self.account(viewer.account).root if file_id == "root" else file_id
        file = self.files.get(real)
        if file is None or not sees(viewer, file, self.lookup):
            raise replies.not_found(real)
        return file

    def folder(self, viewer: Viewer, file_id: str) -> File:
        """Return a folder in which the caller can put something.

        The root folder takes files of every app, also of those that cannot see it.

        Raises:
            ApiError: 404 `notFound`, 403 `parentNotAFolder` or `insufficientFilePermissions`.
        """
        root = self.account(viewer.account).root
        folder = self.files[root] if file_id in {"root", root} else self.find(viewer, file_id)
        if not folder.is_folder:
            raise replies.forbidden("parentNotAFolder", "The specified parent is not a folder.")
        require_role(viewer, folder, self.lookup, "writer")
        return folder

    def shared_drive(self, viewer: Viewer, drive_id: str) -> SharedDrive:
        """Return a shared drive of which the caller is a member.

        Who was given only a folder or a file in it is none (tidyverse/googledrive issues 402, 463).

        Raises:
            ApiError: 404 `notFound`.
        """
        drive = self.drives.get(drive_id)
        if drive is None or role_of(self.files[drive_id], viewer, self.lookup) is None:
            raise replies.thing_not_found("Shared drive", drive_id, "driveId")
        return drive

    # -- ids --------------------------------------------------------------------------------

    def claim_id(self, wanted: str | None, mime_type: str) -> str:
        """Return the id of a new file.

        Sources: Drive guide, "Upload file data" (ids come from `generateIds`; a used one is a
        conflict, also when it was used by a try that seemed to fail) and the discovery document
        (ids for shortcuts are a kind of their own). The refusals of Google types, with their
        sentences, were observed live in mmedum/google-drive-mcp.

        Raises:
            ApiError: 409 `fileIdInUse`, 400 `invalid`, 403 `insufficientFilePermissions`.
        """
        if wanted is None:
            return self.new_id()
        kind = "shortcuts" if mime_type == SHORTCUT else "files"
        if mime_type.startswith(GOOGLE_TYPES) and mime_type not in {FOLDER, SHORTCUT}:
            raise replies.forbidden(
                "insufficientFilePermissions",
                "Generated IDs are not supported for Docs Editors formats.",
            )
        if self.is_spent(wanted):
            raise replies.ApiError(
                409, "fileIdInUse", "A file already exists with the provided ID."
            )
        if self.issued(wanted) != kind:
            raise replies.ApiError(
                400,
                "invalid",
                "The provided file ID is not usable.",
                location=("file.id", "other"),
            )
        return wanted

    # -- writes -----------------------------------------------------------------------------

    def create(
        self, viewer: Viewer, patch: Patch, content: Content | None, *, pinned: bool = False
    ) -> File:
        """Make a file, folder or shortcut.

        Raises:
            ApiError: A refusal; nothing was made.
        """
        parents = patch.parents or ("root",)
        if len(parents) > 1:
            raise _too_many_parents()
        mime_type = patch.mime_type or (content and content.mime_type) or BINARY
        if content is not None and mime_type in {FOLDER, SHORTCUT}:
            raise replies.bad_request(f"A file of type {mime_type} takes no content.", "invalid")
        file_id = self.claim_id(patch.id, mime_type)
        folder = self.folder(viewer, parents[0])
        self.check_owner(viewer, folder)
        self._check_room(folder.drive_id or viewer.account, folder, mime_type)
        now = self.now()
        name = patch.plain.get("name", "Untitled")
        file = File(
            id=file_id,
            owner=folder.drive_id or viewer.account,
            name=name,
            mime_type=mime_type,
            parent=folder.id,
            created=now,
            modified=now,
            modified_by=viewer.account,
            order=self.random.random(),
            apps=frozenset({viewer.project}),
            original_name=None if mime_type.startswith(GOOGLE_TYPES) else name,
            shortcut_target=self._shortcut_target(viewer, patch, mime_type),
        )
        file = self._patched(viewer, file, patch)
        if not file.is_google:
            blob = content.blob if content else self.blobs.keep(self.token(28), b"")
            file = self._with_content(viewer, file, blob, pinned=pinned)
        return self.write(file)

    def update(
        self,
        viewer: Viewer,
        file: File,
        patch: Patch,
        content: Content | None,
        *,
        add_parents: tuple[str, ...] = (),
        remove_parents: tuple[str, ...] = (),
        single_parent: bool = False,
        pinned: bool = False,
    ) -> File:
        """Change a file's metadata, place, trash state and content, all or nothing.

        Raises:
            ApiError: A refusal; nothing has changed.
        """
        self.check_change(viewer, file, patch, content=content is not None)
        new = self._moved(viewer, file, add_parents, remove_parents, single_parent=single_parent)
        new = self._patched(viewer, new, patch)
        if new.name != file.name and "modified" not in patch.plain:
            new = replace(new, modified=self.now(), modified_by=viewer.account)
        if content is not None:
            if "modified" not in patch.plain:
                new = replace(new, modified=self.now())
            mime_type = patch.mime_type or content.mime_type or file.mime_type
            new = replace(new, mime_type=mime_type, modified_by=viewer.account)
            new = self._with_content(viewer, new, content.blob, pinned=pinned)
        elif pinned and new.head is not None:
            new = revisions.pinned(new, new.head, self.settings)
        if patch.trashed is not None and patch.trashed != file.trashed:
            self._require_keeper(viewer, file, "fileOrganizer")
            new = replace(
                new,
                trashed=patch.trashed,
                trashed_at=self.now() if patch.trashed else None,
                trashed_by=viewer.account if patch.trashed else None,
            )
        if new != file:
            new = self.write(new)
            if patch.trashed is not None and patch.trashed != file.trashed:
                self._tell_some_below(new)
        return new

    def check_change(self, viewer: Viewer, file: File, patch: Patch, *, content: bool) -> None:
        """Check what can be checked of an update before its content has come.

        Raises:
            ApiError: A refusal.
        """
        require_change(viewer, file, content=content)
        require_role(viewer, file, self.lookup, "writer")
        if self.is_root(file):
            raise replies.no_permission(file.id)
        if content and file.is_google:
            raise replies.bad_request(
                f"A file of type {file.mime_type} takes no content.", "invalid"
            )
        if not content and patch.mime_type not in {None, file.mime_type}:
            raise replies.bad_request("The MIME type changes with the content only.", "invalid")

    def copy(self, viewer: Viewer, source: File, patch: Patch, *, pinned: bool = False) -> File:
        """Copy a file's content and metadata, not its revisions and roles.

        Source: the reference of files.copy (a copy inherits discoverable parents).

        Raises:
            ApiError: 403 `cannotCopyFile` for folders, and the refusals of `create`.
        """
        if source.is_folder:
            raise replies.forbidden("cannotCopyFile", "This file cannot be copied by the user.")
        if patch.mime_type not in {None, source.mime_type}:
            raise replies.bad_request("The requested conversion is not supported.")
        parent = source.parent
        if parent is not None and not role_of(self.files[parent], viewer, self.lookup):
            parent = None
        inherited = {
            "name": f"Copy of {source.name}",
            "description": source.description,
            "folder_color": source.folder_color,
            **patch.plain,
        }
        head = source.head
        content = None
        if head is not None:
            digest = Digest(head.size, head.md5, head.sha1, head.sha256)
            content = Content(Blob(head.blob, digest), head.mime_type)
        return self.create(
            viewer,
            replace(
                patch,
                plain=inherited,
                parents=patch.parents or ((parent,) if parent else None),
                mime_type=source.mime_type,
                shortcut_target=source.shortcut_target,
                properties={**source.properties, **patch.properties},
                app_properties={
                    **source.app_properties.get(viewer.project, {}),
                    **patch.app_properties,
                },
            ),
            content,
            pinned=pinned,
        )

    def delete(self, viewer: Viewer, file: File) -> None:
        """Delete for good, with everything below that has the same owner.

        Source: the reference of files.delete.

        Raises:
            ApiError: A refusal; nothing has changed.
        """
        require_change(viewer, file, content=True)
        self._require_keeper(viewer, file, "organizer")
        if self.is_root(file):
            raise replies.no_permission(file.id)
        self.erase(file)

    def erase(self, file: File) -> None:
        """Remove a file and what is below it; what others own there loses its parent."""
        for each in [*self.descendants(file)][::-1]:
            if each.owner == file.owner:
                self.forget(each)
            else:
                self.write(replace(each, parent=None))
        self.forget(file)

    def empty_trash(self, viewer: Viewer, drive_id: str | None = None) -> None:
        """Delete what the account, or a shared drive, has in its trash.

        Source: the reference of files.emptyTrash.

        Raises:
            ApiError: 403: the caller is no organizer of the shared drive.
        """
        if drive_id is not None:
            require_role(viewer, self.files[drive_id], self.lookup, "organizer")
        owner = drive_id or viewer.account
        for file in [each for each in self.files.values() if each.owner == owner]:
            if file.trashed and file.id in self.files:
                self.erase(file)

    def purge_trash(self) -> None:
        """Delete what has been in the trash for too long."""
        now = self.clock.now()
        if self.purge_at is None or now < self.purge_at:
            return
        oldest = milliseconds(now - self.settings.trash_days * DAY)
        for file in [each for each in self.files.values() if each.trashed]:
            due = file.trashed_at is not None and file.trashed_at <= oldest
            if due and file.id in self.files:
                self.erase(file)
        self.expect_purges()

    # -- steps of a write -------------------------------------------------------------------

    def check_owner(self, viewer: Viewer, folder: File) -> None:
        """Check that who would own a new file in a folder can own one.

        Raises:
            ApiError: 403 `storageQuotaExceeded`: it would be a service account.
        """
        if folder.drive_id is None and is_service_account(viewer.account):
            raise replies.service_account_owns_nothing()

    def _require_keeper(self, viewer: Viewer, file: File, member: str) -> None:
        """Demand the owner of a file, or of what lies in a shared drive a member with a role.

        Source: Drive guide "Roles and permissions" (who trashes, who deletes).
        """
        least = "owner" if file.drive_id is None else member
        require_role(viewer, file, self.lookup, least)

    def _shortcut_target(self, viewer: Viewer, patch: Patch, mime_type: str) -> str | None:
        if mime_type != SHORTCUT:
            return None
        if patch.shortcut_target is None:
            raise replies.required("shortcutDetails.targetId")
        return self.find(viewer, patch.shortcut_target).id

    def _patched(self, viewer: Viewer, file: File, patch: Patch) -> File:
        private = file.app_properties
        if patch.app_properties:
            own = metadata.merged(
                private.get(viewer.project, {}), patch.app_properties, metadata.PRIVATE_PROPERTIES
            )
            private = {**private, viewer.project: own}
        properties = metadata.merged(file.properties, patch.properties, metadata.PRIVATE_PROPERTIES)
        total = len(properties) + sum(len(each) for each in private.values())
        if total > metadata.PROPERTIES:
            raise metadata.too_many_properties(metadata.PROPERTIES)
        changes: dict[str, Any] = dict(patch.plain)
        if "modified" in changes:
            changes["modified_by"] = viewer.account
        return replace(file, **changes, properties=properties, app_properties=private)

    def _moved(
        self,
        viewer: Viewer,
        file: File,
        add: tuple[str, ...],
        remove: tuple[str, ...],
        *,
        single_parent: bool,
    ) -> File:
        """Apply addParents and removeParents: one parent before, one after.

        Sources: Drive guide, "Create and populate folders"; the sentence for a second parent is
        seen wherever a client forgets `removeParents`; `enforceSingleParent` as the guide on
        single-parenting has it.
        """
        if not add and not remove:
            return file
        root = self.account(viewer.account).root
        added = {self.folder(viewer, each).id for each in add}
        removed = {root if each == "root" else each for each in remove}
        if len(added) > 1:
            raise _too_many_parents()
        if not added:
            if file.parent in removed:
                raise replies.forbidden(
                    "cannotRemoveLastParent", "A file must have a parent: add another one."
                )
            return file
        (target,) = added
        if target == file.parent:
            return file
        if file.parent not in removed and file.parent is not None and not single_parent:
            raise _too_many_parents()
        folder = self.files[target]
        if folder.drive_id != file.drive_id:
            raise replies.forbidden(
                "cannotMoveAcrossDrives", "LocalDrive moves nothing from one drive to another."
            )
        if file.drive_id is not None:
            require_role(viewer, file, self.lookup, "fileOrganizer")
        if any(each.id == file.id for each in lineage(folder, self.lookup)):
            raise replies.forbidden(
                "cannotAddParent", "A folder cannot be moved into itself or below itself."
            )
        deepest = max(
            (self._depth(each) for each in self.descendants(file) if each.is_folder),
            default=self._depth(file),
        )
        self._check_place(folder, file.mime_type, deepest - self._depth(file))
        return replace(file, parent=target)

    def _with_content(self, viewer: Viewer, file: File, blob: Blob, *, pinned: bool) -> File:
        revision = Revision(
            id="0B" + self.token(50),
            blob=blob.key,
            size=blob.digest.size,
            md5=blob.digest.md5,
            sha1=blob.digest.sha1,
            sha256=blob.digest.sha256,
            mime_type=file.mime_type,
            modified=self.now(),
            author=viewer.account,
            original_name=file.original_name or file.name,
        )
        kept = revisions.living(file, self.settings, self.clock.now(), room_for=1)
        new = replace(file, revisions=(*kept, revision))
        if pinned:
            new = revisions.pinned(new, revision, self.settings)
        limit = self.limit(file.owner)
        grows = new.quota - file.quota
        if limit is not None and grows > 0 and self.usage.get(file.owner, 0) + grows > limit:
            raise replies.quota_exceeded()
        return new

    def _tell_some_below(self, folder: File) -> None:
        """Announce a random part of what a trashed folder holds.

        The guide does not say whether files that are trashed by their folder are in the feed.
        """
        for file in [*self.descendants(folder)]:
            if self.random.random() < 0.5:
                for account in sorted(self.audience(file)):
                    self.tell(account, file, removed=False)

    def _check_room(self, owner: str, folder: File, mime_type: str) -> None:
        count = self.items.get(owner, 0)
        if folder.drive_id is not None and count > self.settings.max_drive_items:
            raise replies.forbidden(
                "teamDriveFileLimitExceeded",
                "The file limit for this shared drive has been exceeded.",
            )
        if folder.drive_id is None and count > self.settings.max_items:
            raise replies.forbidden(
                "activeItemCreationLimitExceeded",
                "The limit for the number of items created by this account has been exceeded.",
            )
        self._check_place(folder, mime_type, 0)

    def _check_place(self, folder: File, mime_type: str, below: int) -> None:
        if (
            not self.is_root(folder)
            and len(self.children.get(folder.id, ())) >= self.settings.max_children
        ):
            raise replies.forbidden(
                "numChildrenInNonRootLimitExceeded",
                "The limit for this folder's number of children (files and folders) has been "
                "exceeded.",
            )
        if mime_type == FOLDER and self._depth(folder) + 1 + below > self.settings.max_depth:
            if folder.drive_id is not None:
                raise replies.forbidden(
                    "teamDriveHierarchyTooDeep",
                    "The shared drive hierarchy depth will exceed the limit.",
                )
            raise replies.forbidden(
                "myDriveHierarchyDepthLimitExceeded",
                f"Your My Drive can't contain more than {self.settings.max_depth} levels of "
                "folders.",
            )

    def _depth(self, file: File) -> int:
        return sum(1 for _ in lineage(file, self.lookup)) - 1


def _too_many_parents() -> replies.ApiError:
    return replies.forbidden("cannotAddParent", "Increasing the number of parents is not allowed")
