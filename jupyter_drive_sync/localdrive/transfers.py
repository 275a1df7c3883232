"""Contents in and out: the upload paths, downloads and `files.get`.

Sources: Drive guides "Upload file data" and "Download and export files"; RFC 9110, section 14, for
`Range`. The guide limits `media` and `multipart` to 5 MB; rclone sends up to 8 MiB that way, and
its users rely on it, so the limit is a setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from jupyter_drive_sync.localdrive import (
    fields,
    metadata,
    multipart,
    parameters,
    replies,
    throttle,
)
from jupyter_drive_sync.localdrive.blobs import Blob
from jupyter_drive_sync.localdrive.files_api import BASE, file_reply, scene_of, viewer_of
from jupyter_drive_sync.localdrive.metadata import METADATA_LIMIT, Patch
from jupyter_drive_sync.localdrive.model import Content, Model
from jupyter_drive_sync.localdrive.objects import BINARY, Revision
from jupyter_drive_sync.localdrive.resource import Scene
from jupyter_drive_sync.localdrive.routing import Call, FaultHook, Route
from jupyter_drive_sync.localdrive.store import Store
from jupyter_drive_sync.localdrive.uploads import Order, Uploads
from jupyter_drive_sync.localdrive.visibility import (
    CONTENT,
    READING,
    WRITING,
    Viewer,
    require_content,
)
from jupyter_drive_sync.localdrive.wire import BodyTooLargeError, Response

UPLOAD = "/upload/drive/v3/files"
_BYTES = re.compile(r"bytes=(?P<first>\d*)-(?P<last>\d*)")
_RENDERED = (
    "fields",
    "addParents",
    "removeParents",
    "enforceSingleParent",
    "keepRevisionForever",
    "supportsAllDrives",
    "supportsTeamDrives",
)


@dataclass(frozen=True, slots=True)
class _Target:
    """What an upload is for."""

    scene: Scene
    file_id: str | None
    parameters: dict[str, str]

    @staticmethod
    def flags(given: Mapping[str, str]) -> set[str]:
        return {name for name, word in given.items() if word.lower() in {"true", "1"}}

    def flag(self, name: str) -> bool:
        return name in self.flags(self.parameters)

    def names(self, name: str) -> tuple[str, ...]:
        return tuple(each for each in self.parameters.get(name, "").split(",") if each)


class Transfers:
    """Handlers that move contents."""

    def __init__(self, model: Model, store: Store, faults: FaultHook) -> None:
        self._model = model
        self._faults = faults
        self.uploads = Uploads(
            blobs=model.blobs,
            store=store,
            clock=model.clock,
            life=model.settings.session_seconds,
            new_id=lambda: "AB" + model.settings.secret_mark + self._new_key(),
            finish=self._finish,
            show=self._show,
        )

    def routes(self) -> Iterable[Route]:
        """Return the routes."""
        one = "/{fileId}"
        yield Route("GET", BASE + one, "files.get", self.get, READING, throttle.GET, batchable=True)
        yield Route(
            "GET", BASE + one + "/export", "files.export", self.export, CONTENT, throttle.DOWNLOAD
        )
        for method, path, endpoint in (
            ("POST", UPLOAD, "files.create"),
            ("PATCH", UPLOAD + one, "files.update"),
        ):
            yield Route(method, path, endpoint, self.upload, WRITING, throttle.EDIT, upload=True)
        for path in (UPLOAD, UPLOAD + one):
            yield Route("PUT", path, "upload.put", self.put, upload=True)
            yield Route("DELETE", path, "upload.cancel", self.cancel, upload=True)

    # -- out --------------------------------------------------------------------------------

    def get(self, call: Call) -> Response:
        """files.get, metadata or content."""
        with self._model.lock:
            scene = scene_of(self._model, call)
            file = self._model.find(scene.viewer, call.arguments["fileId"])
            if not call.is_download:
                if parameters.flag(call.request, "acknowledgeAbuse"):
                    raise replies.forbidden(
                        "invalidAbuseAcknowledgment",
                        "The acknowledgeAbuse parameter is for downloads only.",
                        "acknowledgeAbuse",
                    )
                return file_reply(scene, file, call.request.parameter("fields"))
            require_content(scene.viewer, file)
            if file.head is None:
                raise replies.forbidden(
                    "fileNotDownloadable",
                    "Only files with binary content can be downloaded. Use Export with Docs "
                    "Editors files.",
                    "alt",
                )
            return self.download(call, file.head)

    def download(self, call: Call, revision: Revision) -> Response:
        """Build the reply that carries a content, or the part of it that `Range` names.

        Raises:
            ApiError: 416 for a range beyond the content.
        """
        headers = {"Content-Type": revision.mime_type or BINARY, "Accept-Ranges": "bytes"}
        span = _span(call.request.header("range"), revision.size)
        if span is None:
            whole = self._model.blobs.read(revision.blob, 0, revision.size)
            return Response(200, headers, whole)
        first, last = span
        headers["Content-Range"] = f"bytes {first}-{last}/{revision.size}"
        stretch = self._model.blobs.read(revision.blob, first, last - first + 1)
        return Response(206, headers, stretch)

    def export(self, call: Call) -> Response:
        """files.export: LocalDrive has no editors, so there is nothing that it can convert."""
        mime_type = call.request.parameter("mimeType")
        if mime_type is None:
            raise replies.required("mimeType")
        with self._model.lock:
            viewer = viewer_of(call)
            file = self._model.find(viewer, call.arguments["fileId"])
            require_content(viewer, file)
        if file.head is not None or file.is_folder:
            raise replies.forbidden("fileNotExportable", "Export only supports Docs Editors files.")
        raise replies.bad_request("The requested conversion is not supported.")

    # -- in ---------------------------------------------------------------------------------

    def upload(self, call: Call) -> Response:
        """files.create and files.update on the upload paths."""
        match call.upload_type:
            case "media":
                return self._media(call)
            case "multipart":
                return self._multipart(call)
            case "resumable":
                return self._start(call)
            case _:
                raise replies.bad_request("The uploadType parameter is missing or unknown.")

    def put(self, call: Call) -> Response:
        """A chunk, or a query for the state, of a resumable session."""
        return self.uploads.receive(
            _upload_id(call), call.request, lambda received: self._faults.kept(call, received)
        )

    def cancel(self, call: Call) -> Response:
        """The end of a resumable session before its time."""
        return self.uploads.cancel(_upload_id(call))

    def _media(self, call: Call) -> Response:
        body = self._read(call, self._model.settings.simple_upload_limit)
        return self._simple(call, metadata.NOTHING, body, call.request.header("content-type"))

    def _multipart(self, call: Call) -> Response:
        limit = self._model.settings.simple_upload_limit
        body = self._read(call, limit + METADATA_LIMIT)
        try:
            parts = multipart.parse(call.request.header("content-type"), body)
        except multipart.MultipartError:
            raise replies.bad_request("Malformed multipart body.") from None
        if len(parts) != 2:
            raise replies.bad_request("Malformed multipart body.")
        first, second = parts
        if len(second.content) > limit:
            raise _too_large()
        patch = metadata.parse(first.content, creating="fileId" not in call.arguments)
        return self._simple(call, patch, second.content, second.headers.get("content-type"))

    @staticmethod
    def _read(call: Call, limit: int) -> bytes:
        length = call.request.header("content-length")
        if length is not None and length.isdigit() and int(length) > limit:
            raise _too_large()
        try:
            return call.request.read_all(limit)
        except BodyTooLargeError:
            raise _too_large() from None

    def _simple(self, call: Call, patch: Patch, body: bytes, mime_type: str | None) -> Response:
        target = self._target(call)
        blob = self._model.blobs.keep(self._new_key(), body)
        with self._model.lock:
            try:
                return self._apply(target, patch, Content(blob, _type(mime_type)))[1]
            finally:
                self._model.blobs.drop_unowned(blob.key)

    def _start(self, call: Call) -> Response:
        """Open a resumable session, after checking what can be checked now."""
        request = call.request
        body = request.read_all(METADATA_LIMIT)
        patch = metadata.parse(body, creating="fileId" not in call.arguments)
        target = self._target(call)
        text = request.header("x-upload-content-length")
        if text is not None and not text.isdigit():
            raise replies.bad_request("Invalid X-Upload-Content-Length.", "invalid")
        total = None if text is None else int(text)
        mime_type = _type(request.header("x-upload-content-type"))
        with self._model.lock:
            self._check(target, patch, total, patch.mime_type or mime_type or BINARY)
        order = Order(
            call.caller,
            target.parameters,
            target.file_id,
            body.decode(),
            mime_type,
            request.base_url,
        )
        session = self.uploads.open(order, total)
        location = (
            f"{request.base_url}{quote(request.path, safe='/%')}"
            f"?uploadType=resumable&upload_id={session.id}"
        )
        return Response(200, {"Location": location, "X-GUploader-UploadID": session.id})

    def _check(self, target: _Target, patch: Patch, total: int | None, mime_type: str) -> None:
        model, viewer = self._model, target.scene.viewer
        if target.file_id is not None:
            file = model.find(viewer, target.file_id)
            model.check_change(viewer, file, patch, content=True)
            owner = file.owner
        else:
            model.claim_id(patch.id, mime_type)
            folder = model.folder(viewer, (patch.parents or ("root",))[0])
            model.check_owner(viewer, folder)
            owner = folder.drive_id or viewer.account
        limit = model.limit(owner)
        if limit is not None and (total or 0) + model.usage.get(owner, 0) > limit:
            raise replies.quota_exceeded()

    def _target(self, call: Call) -> _Target:
        fields.parse(call.request.parameter("fields"), fields.FILE, fields.FILE_DEFAULT)
        found = {name: call.request.parameter(name) for name in _RENDERED}
        found[parameters.RESOURCE_KEYS] = call.request.header(parameters.RESOURCE_KEYS)
        return _Target(
            scene_of(self._model, call),
            call.arguments.get("fileId"),
            {name: value for name, value in found.items() if value is not None},
        )

    def _apply(self, target: _Target, patch: Patch, content: Content) -> tuple[str, Response]:
        """Carry out an upload. The caller holds the model's lock."""
        model, viewer = self._model, target.scene.viewer
        pinned = target.flag("keepRevisionForever")
        if target.file_id is None:
            file = model.create(viewer, patch, content, pinned=pinned)
        else:
            file = model.update(
                viewer,
                model.find(viewer, target.file_id),
                patch,
                content,
                add_parents=target.names("addParents"),
                remove_parents=target.names("removeParents"),
                single_parent=target.flag("enforceSingleParent"),
                pinned=pinned,
            )
        return file.id, file_reply(target.scene, file, target.parameters.get("fields"))

    def _finish(self, order: Order, blob: Blob) -> tuple[str, Response]:
        with self._model.lock:
            patch = metadata.parse(order.metadata.encode(), creating=order.file_id is None)
            return self._apply(self._ordered(order), patch, Content(blob, order.mime_type))

    def _show(self, order: Order, file_id: str) -> Response:
        target = self._ordered(order)
        with self._model.lock:
            file = self._model.find(target.scene.viewer, file_id)
            return file_reply(target.scene, file, target.parameters.get("fields"))

    def _ordered(self, order: Order) -> _Target:
        known = _Target.flags(order.parameters)
        viewer = Viewer.of(
            order.principal,
            all_drives=bool({"supportsAllDrives", "supportsTeamDrives"} & known),
            keys=parameters.resource_keys(order.parameters.get(parameters.RESOURCE_KEYS)),
        )
        scene = Scene(self._model, viewer, self._model.lookup, order.base_url)
        return _Target(scene, order.file_id, dict(order.parameters))

    def _new_key(self) -> str:
        with self._model.lock:
            return self._model.token(40)


def _type(mime_type: str | None) -> str | None:
    """Return a Content-Type without its parameters, None for none."""
    found = (mime_type or "").partition(";")[0].strip()
    return metadata.check_mime_type(found) if found else None


def _too_large() -> replies.ApiError:
    return replies.ApiError(
        413, "uploadTooLarge", "The content is too large for this kind of upload: use resumable."
    )


def _upload_id(call: Call) -> str:
    upload_id = call.request.parameter("upload_id")
    if upload_id is None:
        raise replies.required("upload_id")
    return upload_id


def _span(text: str | None, size: int) -> tuple[int, int] | None:
    """Read a Range header; None stands for the whole content, as for a range of several parts."""
    found = _BYTES.fullmatch(text.strip()) if text else None
    if found is None or (not found["first"] and not found["last"]):
        return None
    if found["first"]:
        first = int(found["first"])
        last = min(int(found["last"]), size - 1) if found["last"] else size - 1
        if found["last"] and int(found["last"]) < first:
            return None
    else:
        first, last = max(0, size - int(found["last"])), size - 1
    if first >= size or first > last:
        raise replies.ApiError(
            416,
            "requestedRangeNotSatisfiable",
            "Request range not satisfiable",
            location=("Range", "header"),
            headers={"Content-Range": f"bytes */{size}"},
        )
    return first, last
