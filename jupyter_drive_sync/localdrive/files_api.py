"""The methods of `files` that move no content, and `files.list`.

Source: the reference pages of `files`; the defaults of `fields` are named in `fields`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from jupyter_drive_sync.localdrive import fields, metadata, parameters, replies, throttle
from jupyter_drive_sync.localdrive.listing import Listings
from jupyter_drive_sync.localdrive.metadata import METADATA_LIMIT, Patch
from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.objects import File
from jupyter_drive_sync.localdrive.resource import Scene, View
from jupyter_drive_sync.localdrive.resource import file as file_resource
from jupyter_drive_sync.localdrive.routing import Call, Route
from jupyter_drive_sync.localdrive.visibility import CHANGING, FULL, READING, WRITING, Viewer
from jupyter_drive_sync.localdrive.wire import Response

BASE = "/drive/v3/files"

# What a page token of files.list is bound to: all that shapes the result but the page's size.
_BINDING = ("q", "orderBy", "spaces", "corpora", "corpus", "driveId", "includeItemsFromAllDrives")


# Methods without a parameter for shared drives, which know them all the same.
# Source: Drive guide, "Implement shared drive support", which names those that need it.
_WITHOUT_ASKING = ("revisions.", "files.export")


def viewer_of(call: Call) -> Viewer:
    """Return who calls, with what they said of shared drives and the keys that they show.

    Raises:
        ApiError: 400 for a flag that is none.
    """
    return Viewer.of(
        call.caller,
        all_drives=call.endpoint.startswith(_WITHOUT_ASKING)
        or parameters.supports_all_drives(call.request),
        keys=parameters.resource_keys(call.request.header(parameters.RESOURCE_KEYS)),
    )


def scene_of(model: Model, call: Call) -> Scene:
    """Return who calls and what they look at (errors as `viewer_of`)."""
    return Scene(model, viewer_of(call), model.lookup, call.request.base_url)


def read_patch(call: Call, *, creating: bool) -> Patch:
    """Read the JSON body of a call.

    Raises:
        ApiError: See `metadata.parse`.
    """
    return metadata.parse(call.request.read_all(METADATA_LIMIT), creating=creating)


def file_reply(scene: Scene, file: File, mask: str | None) -> Response:
    """Build the reply that shows a file.

    Raises:
        ApiError: 400 for a bad mask.
    """
    selection = fields.parse(mask, fields.FILE, fields.FILE_DEFAULT)
    return Response.of_json(file_resource(View(file, scene), selection))


class FilesApi:
    """Handlers of `files`."""

    def __init__(self, model: Model, listings: Listings) -> None:
        self._model = model
        self._listings = listings

    def routes(self) -> Iterable[Route]:
        """Return the routes; `files.get` is the downloads' (`transfers`)."""
        one, edit = BASE + "/{fileId}", throttle.EDIT
        yield Route("POST", BASE, "files.create", self.create, WRITING, units=edit, batchable=True)
        yield Route(
            "GET", BASE, "files.list", self.list, READING, units=throttle.LIST, batchable=True
        )
        yield Route("PATCH", one, "files.update", self.update, CHANGING, edit, batchable=True)
        yield Route("DELETE", one, "files.delete", self.delete, WRITING, edit, batchable=True)
        yield Route("POST", one + "/copy", "files.copy", self.copy, WRITING, edit, batchable=True)
        yield Route(
            "DELETE",
            BASE + "/trash",
            "files.emptyTrash",
            self.empty_trash,
            frozenset({FULL}),
            edit,
            batchable=True,
        )
        yield Route(
            "GET",
            BASE + "/generateIds",
            "files.generateIds",
            self.generate_ids,
            WRITING,
            throttle.OTHER,
            batchable=True,
        )

    def create(self, call: Call) -> Response:
        """files.create without content."""
        patch = read_patch(call, creating=True)
        mask = call.request.parameter("fields")
        fields.parse(mask, fields.FILE, fields.FILE_DEFAULT)
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._model.create(scene.viewer, patch, None, pinned=_pins(call))
            return file_reply(scene, file, mask)

    def update(self, call: Call) -> Response:
        """files.update without content."""
        patch = read_patch(call, creating=False)
        mask = call.request.parameter("fields")
        fields.parse(mask, fields.FILE, fields.FILE_DEFAULT)
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._model.find(scene.viewer, call.arguments["fileId"])
            file = self._model.update(
                scene.viewer,
                file,
                patch,
                None,
                add_parents=parameters.names(call.request, "addParents"),
                remove_parents=parameters.names(call.request, "removeParents"),
                single_parent=parameters.flag(call.request, "enforceSingleParent"),
                pinned=_pins(call),
            )
            return file_reply(scene, file, mask)

    def copy(self, call: Call) -> Response:
        """files.copy."""
        patch = read_patch(call, creating=True)
        mask = call.request.parameter("fields")
        fields.parse(mask, fields.FILE, fields.FILE_DEFAULT)
        with self._model.lock:
            scene = scene_of(self._model, call)
            source = self._model.find(scene.viewer, call.arguments["fileId"])
            file = self._model.copy(scene.viewer, source, patch, pinned=_pins(call))
            return file_reply(scene, file, mask)

    def delete(self, call: Call) -> Response:
        """files.delete."""
        with self._model.lock:
            viewer = viewer_of(call)
            self._model.delete(viewer, self._model.find(viewer, call.arguments["fileId"]))
        return Response(204)

    def empty_trash(self, call: Call) -> Response:
        """files.emptyTrash."""
        drive = parameters.drive_id(call.request)
        with self._model.lock:
            viewer = replace(viewer_of(call), all_drives=True)
            if drive is not None:
                self._model.shared_drive(viewer, drive)
            self._model.empty_trash(viewer, drive)
        return Response(204)

    def generate_ids(self, call: Call) -> Response:
        """files.generateIds."""
        request = call.request
        count = parameters.integer(request, "count", 10, 1, 1000)
        space = request.parameter("space") or "drive"
        kind = request.parameter("type") or "files"
        check_spaces(space, "space")
        if kind not in {"files", "shortcuts"}:
            raise replies.invalid_parameter("type")
        selection = fields.parse(request.parameter("fields"), fields.GENERATED_IDS)
        with self._model.lock:
            ids = self._model.issue_ids(count, kind)
        reply = {"kind": "drive#generatedIds", "space": space, "ids": ids}
        return Response.of_json(fields.select(reply, selection))

    def list(self, call: Call) -> Response:
        """files.list."""
        request = call.request
        _check_corpora(request.parameter("corpora") or request.parameter("corpus") or "user")
        reach = parameters.reach(request, listing=True)
        check_spaces(request.parameter("spaces") or "drive", "spaces")
        size = parameters.page_size(request)
        selection = fields.parse(
            request.parameter("fields"), fields.FILE_LIST, fields.FILE_LIST_DEFAULT
        )
        with self._model.lock:
            scene = scene_of(self._model, call)
            if reach.drive is not None:
                self._model.shared_drive(scene.viewer, reach.drive)
            page = self._listings.page(
                scene,
                reach=reach,
                q=request.parameter("q") or "",
                order_by=request.parameter("orderBy"),
                size=size,
                token=request.parameter("pageToken"),
                bound_to={name: request.parameter(name) or "" for name in _BINDING},
            )
            wanted = fields.part(selection, "files")
            reply = {
                "kind": "drive#fileList",
                "incompleteSearch": False,
                "files": [file_resource(view, wanted) for view in page.views],
            }
        if page.next_token is not None:
            reply["nextPageToken"] = page.next_token
        return Response.of_json(
            {name: value for name, value in reply.items() if fields.wants(selection, name)}
        )


def _pins(call: Call) -> bool:
    return parameters.flag(call.request, "keepRevisionForever")


def _check_corpora(corpora: str) -> None:
    if corpora not in {"user", "domain", "drive", "allDrives"}:
        raise replies.invalid_parameter("corpora")


def check_spaces(spaces: str, parameter: str) -> None:
    """Check a list of spaces.

    The application data folder needs the scope `drive.appdata`, which no client of LocalDrive has.

    Raises:
        ApiError: 400 `invalid` or 403 `insufficientScopes`.
    """
    for space in spaces.split(","):
        if space in {"appDataFolder", "photos"}:
            raise replies.forbidden(
                "insufficientScopes",
                "The granted scopes do not give access to all of the requested spaces.",
                parameter,
            )
        if space != "drive":
            raise replies.invalid_parameter(parameter)
