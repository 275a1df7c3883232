"""`about`, `changes` and `drives`: what concerns an account as a whole.

Sources: the reference pages of these methods; Drive guides "Return user info" (`fields` is required
by about.get) and "Retrieve changes".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from jupyter_drive_sync.localdrive import fields, parameters, replies, throttle
from jupyter_drive_sync.localdrive.changes import Change
from jupyter_drive_sync.localdrive.clock import rfc3339
from jupyter_drive_sync.localdrive.fields import Selection, part, select, wants
from jupyter_drive_sync.localdrive.files_api import check_spaces, scene_of, viewer_of
from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.objects import SharedDrive
from jupyter_drive_sync.localdrive.parameters import Reach
from jupyter_drive_sync.localdrive.resource import Scene, View, user
from jupyter_drive_sync.localdrive.resource import drive as drive_resource
from jupyter_drive_sync.localdrive.resource import file as file_resource
from jupyter_drive_sync.localdrive.routing import Call, Route
from jupyter_drive_sync.localdrive.visibility import (
    FULL,
    READ_ONLY,
    READING,
    Viewer,
    role_of,
    sees,
)
from jupyter_drive_sync.localdrive.wire import Response

_DRIVE_SEARCH = re.compile(r"name\s*(?P<operator>=|contains)\s*'(?P<text>(?:[^'\\]|\\.)*)'")
_LARGEST_UPLOAD = 5 * 1024**4
"""5 TB. Source: Drive guide, "Store and manage files"."""


class AccountApi:
    """Handlers of what concerns an account."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def routes(self) -> Iterable[Route]:
        """Return the routes."""
        base = "/drive/v3"
        drives = frozenset({FULL, READ_ONLY})
        for path, endpoint, handler, scopes, units in (
            ("/about", "about.get", self.about, READING, throttle.OTHER),
            (
                "/changes/startPageToken",
                "changes.getStartPageToken",
                self.start_page_token,
                READING,
                throttle.OTHER,
            ),
            ("/changes", "changes.list", self.changes, READING, throttle.LIST),
            ("/drives", "drives.list", self.drives, drives, throttle.LIST),
            ("/drives/{driveId}", "drives.get", self.drive, drives, throttle.GET),
        ):
            yield Route("GET", base + path, endpoint, handler, scopes, units, batchable=True)

    def about(self, call: Call) -> Response:
        """about.get."""
        mask = call.request.parameter("fields")
        if mask is None or not mask.strip():
            raise replies.ApiError(
                400,
                "required",
                "The 'fields' parameter is required for this method.",
                location=("fields", "parameter"),
            )
        selection = fields.parse(mask, fields.ABOUT)
        with self._model.lock:
            scene = scene_of(self._model, call)
            reply = {
                "kind": "drive#about",
                "user": user(scene, scene.viewer.account),
                "storageQuota": self._quota(scene.viewer.account),
                "importFormats": {},
                "exportFormats": {},
                "maxImportSizes": {},
                "maxUploadSize": str(_LARGEST_UPLOAD),
                "appInstalled": True,
                "folderColorPalette": ["#ac725e", "#d06b64", "#8f8f8f"],
                "driveThemes": [],
                "teamDriveThemes": [],
                "canCreateDrives": False,
                "canCreateTeamDrives": False,
            }
        return Response.of_json(select(reply, selection))

    def _quota(self, account: str) -> dict[str, str]:
        model = self._model
        usage = model.usage.get(account, 0)
        in_trash = sum(
            file.quota
            for file in model.files.values()
            if file.owner == account and file.revisions and model.trashed(file)
        )
        found = {
            "usage": str(usage),
            "usageInDrive": str(usage),
            "usageInDriveTrash": str(in_trash),
        }
        limit = model.limit(account)
        return found if limit is None else {"limit": str(limit), **found}

    def start_page_token(self, call: Call) -> Response:
        """changes.getStartPageToken."""
        drive = parameters.drive_id(call.request)
        selection = fields.parse(call.request.parameter("fields"), fields.START_PAGE_TOKEN)
        with self._model.lock:
            viewer = viewer_of(call)
            if drive is not None:
                self._need_drive(viewer, drive)
            feed = self._model.feed(drive or viewer.account)
            position = feed.start(self._model.clock.now())
        reply = {"kind": "drive#startPageToken", "startPageToken": str(position)}
        return Response.of_json(select(reply, selection))

    def changes(self, call: Call) -> Response:
        """changes.list."""
        request = call.request
        reach = parameters.reach(request, listing=False)
        check_spaces(request.parameter("spaces") or "drive", "spaces")
        size = parameters.page_size(request)
        removed = request.parameter("includeRemoved")
        with_removed = removed is None or parameters.flag(request, "includeRemoved")
        selection = fields.parse(
            request.parameter("fields"), fields.CHANGE_LIST, fields.CHANGE_LIST_DEFAULT
        )
        token = request.parameter("pageToken")
        if token is None:
            raise replies.required("pageToken")
        with self._model.lock:
            scene = scene_of(self._model, call)
            if reach.drive is not None:
                self._need_drive(scene.viewer, reach.drive)
            feed = self._model.feed(reach.drive or scene.viewer.account)
            now = self._model.clock.now()
            end = feed.start(now)
            # Google's tokens are decimal numbers that nobody may rely on; ours are too.
            if not token.isascii() or not token.isdigit() or not 1 <= int(token) <= end:
                raise replies.invalid_parameter("pageToken")
            wanted = part(selection, "changes")
            shown: list[dict[str, Any]] = []
            following: int | None = None
            for change in feed.since(int(token), now):
                entry = self._entry(scene, change, wanted, reach)
                # What is gone by now is told as removed, whatever the entry was about.
                gone = change.removed or self._model.lookup(change.file_id) is None
                if entry is None or (not with_removed and gone):
                    continue
                if len(shown) == size:
                    following = change.position
                    break
                shown.append(entry)
        reply: dict[str, Any] = {"kind": "drive#changeList"}
        if following is None:
            reply["newStartPageToken"] = str(end)
        else:
            reply["nextPageToken"] = str(following)
        reply["changes"] = shown
        return Response.of_json(
            {name: value for name, value in reply.items() if wants(selection, name)}
        )

    def _need_drive(self, viewer: Viewer, drive: str) -> None:
        """Demand a shared drive, from who says that it knows of them.

        Raises:
            ApiError: 404.
        """
        if not viewer.all_drives:
            raise replies.thing_not_found("Shared drive", drive, "driveId")
        self._model.shared_drive(viewer, drive)

    def _entry(
        self, scene: Scene, change: Change, wanted: Selection, reach: Reach
    ) -> dict[str, Any] | None:
        """Render an entry, None when the caller has no business with it.

        What was removed shows without a body to the apps that saw it. Things in shared drives are
        told to who asks for them (Drive guide, "Implement shared drive support").
        """
        model, viewer = self._model, scene.viewer
        file = model.lookup(change.file_id)
        if change.removed or file is None:
            if not viewer.sees_all and viewer.project not in change.apps:
                return None
            file = None
        elif (
            model.is_root(file)
            or not sees(viewer, file, model.lookup)
            or (file.drive_id is not None and not reach.includes)
        ):
            return None
        entry: dict[str, Any] = {
            "kind": "drive#change",
            "type": "file",
            "changeType": "file",
            "time": rfc3339(change.time),
            "removed": file is None,
            "fileId": change.file_id,
        }
        found = select(entry, wanted)
        if file is not None and wants(wanted, "file"):
            found["file"] = file_resource(View(file, scene), part(wanted, "file"))
        return dict(found)

    def drives(self, call: Call) -> Response:
        """drives.list: those of which the caller is a member, by name (a guess)."""
        size = parameters.integer(call.request, "pageSize", 10, 1, 100)
        selection = fields.parse(
            call.request.parameter("fields"), fields.DRIVE_LIST, fields.DRIVE_LIST_DEFAULT
        )
        token = call.request.parameter("pageToken")
        search = call.request.parameter("q") or ""
        with self._model.lock:
            model, scene = self._model, scene_of(self._model, call)
            found = sorted(
                (
                    each
                    for each in model.drives.values()
                    if role_of(model.files[each.id], scene.viewer, model.lookup) is not None
                    and drive_search(search, each)
                ),
                key=lambda each: (each.name.casefold(), each.id),
            )
            ids = [each.id for each in found]
            if token is not None and token not in ids:
                raise replies.invalid_parameter("pageToken")
            start = ids.index(token) if token else 0
            reply: dict[str, Any] = {
                "kind": "drive#driveList",
                "drives": [drive_resource(scene, each) for each in found[start : start + size]],
            }
        if start + size < len(ids):
            reply["nextPageToken"] = ids[start + size]
        return Response.of_json(select(reply, selection))

    def drive(self, call: Call) -> Response:
        """drives.get."""
        selection = fields.parse(call.request.parameter("fields"), fields.DRIVE, fields.DRIVE_ONE)
        with self._model.lock:
            scene = scene_of(self._model, call)
            found = self._model.shared_drive(scene.viewer, call.arguments["driveId"])
            return Response.of_json(select(drive_resource(scene, found), selection))


def drive_search(text: str, drive: SharedDrive) -> bool:
    """Return whether a shared drive fits a search: `name = 'x'` or `name contains 'x'`, or none.

    Source: Drive guide "Search for shared drives", of whose terms these are here.

    Raises:
        ApiError: 400 `invalid` at `q`: another search.
    """
    if not text.strip():
        return True
    found = _DRIVE_SEARCH.fullmatch(text.strip())
    if found is None:
        raise replies.invalid_parameter("q")
    wanted = re.sub(r"\\(.)", r"\1", found["text"]).casefold()
    name = drive.name.casefold()
    return name == wanted if found["operator"] == "=" else wanted in name
