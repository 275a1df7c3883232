"""`about`, `changes` and `drives`: what concerns an account as a whole.

Sources: the reference pages of these methods; Drive guides "Return user info" (`fields` is required
by about.get) and "Retrieve changes".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jupyter_drive_sync.localdrive import fields, parameters, replies, throttle
from jupyter_drive_sync.localdrive.changes import Change
from jupyter_drive_sync.localdrive.clock import rfc3339
from jupyter_drive_sync.localdrive.fields import Selection, part, select, wants
from jupyter_drive_sync.localdrive.files_api import check_spaces, scene_of
from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.resource import Scene, View, user
from jupyter_drive_sync.localdrive.resource import file as file_resource
from jupyter_drive_sync.localdrive.routing import Call, Route
from jupyter_drive_sync.localdrive.visibility import FULL, READ_ONLY, READING, sees
from jupyter_drive_sync.localdrive.wire import Response

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
        parameters.check_shared_drives(call.request)
        selection = fields.parse(call.request.parameter("fields"), fields.START_PAGE_TOKEN)
        with self._model.lock:
            feed = self._model.feed(call.caller.account)
            position = feed.start(self._model.clock.now())
        reply = {"kind": "drive#startPageToken", "startPageToken": str(position)}
        return Response.of_json(select(reply, selection))

    def changes(self, call: Call) -> Response:
        """changes.list."""
        request = call.request
        parameters.check_shared_drives(request)
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
            feed = self._model.feed(scene.viewer.account)
            now = self._model.clock.now()
            end = feed.start(now)
            # Google's tokens are decimal numbers that nobody may rely on; ours are too.
            if not token.isascii() or not token.isdigit() or not 1 <= int(token) <= end:
                raise replies.invalid_parameter("pageToken")
            wanted = part(selection, "changes")
            shown: list[dict[str, Any]] = []
            following: int | None = None
            for change in feed.since(int(token), now):
                entry = self._entry(scene, change, wanted)
                if entry is None or (not with_removed and change.removed):
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

    def _entry(self, scene: Scene, change: Change, wanted: Selection) -> dict[str, Any] | None:
        """Render an entry, None when the caller has no business with it.

        What was removed shows without a body to the apps that saw it.
        """
        model, viewer = self._model, scene.viewer
        file = model.lookup(change.file_id)
        if change.removed or file is None:
            if not viewer.sees_all and viewer.project not in change.apps:
                return None
            file = None
        elif not sees(viewer, file, model.lookup) or file.id == model.account(file.owner).root:
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
        """drives.list: there are no shared drives here."""
        parameters.integer(call.request, "pageSize", 10, 1, 100)
        selection = fields.parse(
            call.request.parameter("fields"), fields.DRIVE_LIST, fields.DRIVE_LIST_DEFAULT
        )
        return Response.of_json(select({"kind": "drive#driveList", "drives": []}, selection))

    @staticmethod
    def drive(call: Call) -> Response:
        """drives.get: there are no shared drives here."""
        raise replies.thing_not_found("Shared drive", call.arguments["driveId"], "driveId")
