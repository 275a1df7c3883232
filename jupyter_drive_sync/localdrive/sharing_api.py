"""`revisions` and `permissions`: what hangs on a single file.

Sources: the reference pages of these methods; Drive guides "Manage file revisions" and "Share
files, folders, and drives". Ownership is not transferred here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from jupyter_drive_sync.localdrive import fields, parameters, replies, revisions, throttle
from jupyter_drive_sync.localdrive.fields import Selection, select
from jupyter_drive_sync.localdrive.files_api import BASE, scene_of
from jupyter_drive_sync.localdrive.metadata import METADATA_LIMIT
from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.objects import DRIVE_ROLES, ROLES, File, Permission, Revision
from jupyter_drive_sync.localdrive.resource import (
    Scene,
    all_permissions,
    permission,
    permission_id,
    revision,
)
from jupyter_drive_sync.localdrive.routing import Call, Route
from jupyter_drive_sync.localdrive.transfers import Transfers
from jupyter_drive_sync.localdrive.visibility import (
    READING,
    WRITING,
    require_change,
    require_content,
    require_role,
)
from jupyter_drive_sync.localdrive.wire import Response

_TYPES = frozenset({"user", "group", "domain", "anyone"})


def _document(call: Call) -> dict[str, Any]:
    """Read a JSON body that must be an object."""
    try:
        document = json.loads(call.request.read_all(METADATA_LIMIT) or b"{}")
    except ValueError:
        raise replies.parse_error() from None
    if not isinstance(document, dict):
        raise replies.parse_error()
    return document


def _check_drive_role(file: File, role: str) -> None:
    """Let roles of members be given in a shared drive's root alone.

    Source: the reference of permissions ("organizer" and "fileOrganizer" are of shared drives; that
    they are given for the whole drive is a guess).

    Raises:
        ApiError: 400.
    """
    if role in DRIVE_ROLES and file.id != file.drive_id:
        raise replies.bad_request("The specified role is for shared drives only.", "invalid")


def _revision_mask(call: Call) -> Selection:
    return fields.parse(call.request.parameter("fields"), fields.REVISION, fields.REVISION_DEFAULT)


def _permission_mask(call: Call) -> Selection:
    return fields.parse(
        call.request.parameter("fields"), fields.PERMISSION, fields.PERMISSION_DEFAULT
    )


class SharingApi:
    """Handlers of revisions and permissions."""

    def __init__(self, model: Model, transfers: Transfers) -> None:
        self._model = model
        self._transfers = transfers

    def routes(self) -> Iterable[Route]:
        """Return the routes."""
        base = BASE + "/{fileId}"
        get, listed, edit = throttle.GET, throttle.LIST, throttle.EDIT
        for method, path, endpoint, handler, units in (
            ("GET", "/revisions", "revisions.list", self.list_revisions, listed),
            ("GET", "/revisions/{revisionId}", "revisions.get", self.get_revision, get),
            ("PATCH", "/revisions/{revisionId}", "revisions.update", self.pin_revision, edit),
            ("DELETE", "/revisions/{revisionId}", "revisions.delete", self.drop_revision, edit),
            ("GET", "/permissions", "permissions.list", self.list_permissions, listed),
            ("GET", "/permissions/{permissionId}", "permissions.get", self.get_permission, get),
            ("POST", "/permissions", "permissions.create", self.share, edit),
            ("PATCH", "/permissions/{permissionId}", "permissions.update", self.reshare, edit),
            ("DELETE", "/permissions/{permissionId}", "permissions.delete", self.unshare, edit),
        ):
            scopes = READING if method == "GET" else WRITING
            yield Route(method, base + path, endpoint, handler, scopes, units, batchable=True)

    def _find(self, call: Call, scene: Scene) -> File:
        return self._model.find(scene.viewer, call.arguments["fileId"])

    # -- revisions --------------------------------------------------------------------------

    def _with_living(self, call: Call, scene: Scene) -> File:
        """Return the file of a call with the revisions that are still kept."""
        file = self._find(call, scene)
        if file.head is None:
            raise replies.forbidden("revisionsNotSupported", "The file does not support revisions.")
        kept = revisions.living(file, self._model.settings, self._model.clock.now())
        return replace(file, revisions=kept)

    def list_revisions(self, call: Call) -> Response:
        """revisions.list, oldest first."""
        size = parameters.page_size(call.request, 200)
        selection = fields.parse(
            call.request.parameter("fields"), fields.REVISION_LIST, fields.REVISION_LIST_DEFAULT
        )
        token = call.request.parameter("pageToken")
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._with_living(call, scene)
            ids = [each.id for each in file.revisions]
            if token is not None and token not in ids:
                raise replies.invalid_parameter("pageToken")
            start = ids.index(token) if token else 0
            reply: dict[str, Any] = {
                "kind": "drive#revisionList",
                "revisions": [
                    revision(scene, each) for each in file.revisions[start : start + size]
                ],
            }
        if start + size < len(ids):
            reply["nextPageToken"] = ids[start + size]
        return Response.of_json(select(reply, selection))

    def get_revision(self, call: Call) -> Response:
        """revisions.get, metadata or content."""
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._with_living(call, scene)
            found = revisions.find(file, call.arguments["revisionId"])
            if call.is_download:
                require_content(scene.viewer, file)
                return self._transfers.download(call, found)
            return self._revision_reply(scene, found, _revision_mask(call))

    @staticmethod
    def _revision_reply(scene: Scene, found: Revision, selection: Selection) -> Response:
        return Response.of_json(select(revision(scene, found), selection))

    def pin_revision(self, call: Call) -> Response:
        """revisions.update: `keepForever`."""
        document = _document(call)
        if set(document) - {"keepForever", "kind"}:
            raise replies.not_writable(
                "The resource body includes fields which are not directly writable."
            )
        keep = document.get("keepForever")
        if keep is not None and not isinstance(keep, bool):
            raise replies.invalid_body("Invalid value at 'keep_forever' (TYPE_BOOL)")
        selection = _revision_mask(call)
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._with_living(call, scene)
            found = revisions.find(file, call.arguments["revisionId"])
            require_change(scene.viewer, file, content=True)
            require_role(scene.viewer, file, self._model.lookup, "writer")
            if keep is False and found.keep_forever:
                raise replies.bad_request("A revision kept forever stays so.", "invalid")
            if keep and not found.keep_forever:
                self._check_quota(file, found)
                file = self._model.write(revisions.pinned(file, found, self._model.settings))
            return self._revision_reply(scene, revisions.find(file, found.id), selection)

    def _check_quota(self, file: File, found: Revision) -> None:
        limit = self._model.limit(file.owner)
        grows = 0 if found == file.head else found.size
        if limit is not None and self._model.usage[file.owner] + grows > limit:
            raise replies.quota_exceeded()

    def drop_revision(self, call: Call) -> Response:
        """revisions.delete: not the last one, and of files with binary content only."""
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._with_living(call, scene)
            found = revisions.find(file, call.arguments["revisionId"])
            require_change(scene.viewer, file, content=True)
            require_role(scene.viewer, file, self._model.lookup, "writer")
            if len(file.revisions) == 1:
                raise replies.forbidden(
                    "cannotDeleteOnlyRevision", "The only revision of a file cannot be deleted."
                )
            rest = tuple(each for each in file.revisions if each.id != found.id)
            self._model.write(replace(file, revisions=rest))
        return Response(204)

    # -- permissions ------------------------------------------------------------------------

    def list_permissions(self, call: Call) -> Response:
        """permissions.list."""
        selection = fields.parse(
            call.request.parameter("fields"),
            fields.PERMISSION_LIST,
            fields.PERMISSION_LIST_DEFAULT,
        )
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._find(call, scene)
            require_role(scene.viewer, file, self._model.lookup, "writer")
            found = [permission(scene, file, each) for each in all_permissions(scene, file)]
        reply = {"kind": "drive#permissionList", "permissions": found}
        return Response.of_json(select(reply, selection))

    def get_permission(self, call: Call) -> Response:
        """permissions.get."""
        selection = _permission_mask(call)
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._find(call, scene)
            require_role(scene.viewer, file, self._model.lookup, "writer")
            wanted = call.arguments["permissionId"]
            for each in all_permissions(scene, file):
                if each.id == wanted:
                    return self._permission_reply(scene, file, each, selection)
        raise replies.thing_not_found("Permission", wanted, "permissionId")

    @staticmethod
    def _permission_reply(
        scene: Scene, file: File, each: Permission, selection: Selection
    ) -> Response:
        return Response.of_json(select(permission(scene, file, each), selection))

    def share(self, call: Call) -> Response:
        """permissions.create."""
        selection = _permission_mask(call)
        given = self._read_permission(_document(call))
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._shareable(call, scene)
            _check_drive_role(file, given.role)
            others = tuple(each for each in file.permissions if each.id != given.id)
            shared_at = dict(file.shared_at)
            if given.address is not None and given.type == "user":
                shared_at[given.address] = self._model.now()
            file = self._model.write(
                replace(file, permissions=(*others, given), shared_at=shared_at)
            )
            return self._permission_reply(scene, file, given, selection)

    def reshare(self, call: Call) -> Response:
        """permissions.update: another role."""
        selection = _permission_mask(call)
        role = _document(call).get("role")
        if role not in ROLES or role == "owner":
            raise replies.invalid_body("Invalid value at 'permission.role'")
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._shareable(call, scene)
            _check_drive_role(file, role)
            old = self._own(file, call.arguments["permissionId"])
            new = replace(old, role=role)
            file = self._model.write(
                replace(
                    file,
                    permissions=tuple(new if each == old else each for each in file.permissions),
                )
            )
            return self._permission_reply(scene, file, new, selection)

    def unshare(self, call: Call) -> Response:
        """permissions.delete."""
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._shareable(call, scene)
            old = self._own(file, call.arguments["permissionId"])
            shared_at = {
                address: at for address, at in file.shared_at.items() if address != old.address
            }
            rest = tuple(each for each in file.permissions if each != old)
            self._model.write(replace(file, permissions=rest, shared_at=shared_at))
        return Response(204)

    def _shareable(self, call: Call, scene: Scene) -> File:
        file = self._find(call, scene)
        require_change(scene.viewer, file, content=True)
        least = "writer" if file.writers_can_share else "owner"
        if file.drive_id is not None:
            # Its members are its organizers' matter, its files also the writers'.
            least = "organizer" if self._model.is_root(file) else "writer"
        require_role(scene.viewer, file, self._model.lookup, least)
        return file

    @staticmethod
    def _own(file: File, wanted: str) -> Permission:
        for each in file.permissions:
            if each.id == wanted:
                return each
        raise replies.thing_not_found("Permission", wanted, "permissionId")

    def _read_permission(self, document: dict[str, Any]) -> Permission:
        kind, role = document.get("type"), document.get("role")
        if kind not in _TYPES or not isinstance(kind, str):
            raise replies.bad_request("The permission type field is required.", "required")
        if role not in ROLES or role == "owner" or not isinstance(role, str):
            raise replies.bad_request("The permission role field is required.", "required")
        discoverable = document.get("allowFileDiscovery") is True
        if kind == "anyone":
            name = "anyone" if discoverable else "anyoneWithLink"
            return Permission(name, kind, role, discoverable=discoverable)
        address = document.get("domain" if kind == "domain" else "emailAddress")
        if not isinstance(address, str) or not address:
            raise replies.bad_request("The permission needs an address.", "invalid")
        account = self._model.accounts.get(address)
        return Permission(
            account.permission_id if account else permission_id(address),
            kind,
            role,
            address,
            discoverable,
        )
