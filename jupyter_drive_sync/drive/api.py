"""Typed calls to Drive v3; the only place that knows the shape of its requests.

Ids are made before anything is created (:meth:`Drive.generate_ids`), so every call here may be
sent twice without harm: a create that was carried out already answers 409, a change sets what is
set. Source: Drive guide, "Create and manage files" (pre-generated ids).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Any, Final

from googleapiclient.http import HttpRequest, MediaInMemoryUpload

from jupyter_drive_sync.core.tree import FileId, RemoteEntry
from jupyter_drive_sync.drive import resources
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.multipart import Part, mixed, parts_of, related
from jupyter_drive_sync.drive.problems import Verdict, judge_body, judge_reply
from jupyter_drive_sync.drive.replies import (
    change_page,
    page_of,
    part_of,
    reader,
    revision_page,
    same,
)
from jupyter_drive_sync.drive.transport import Call, Failed, Transport, units_of
from jupyter_drive_sync.drive.types import (
    BATCH_LIMIT,
    IDS_LIMIT,
    About,
    BatchCall,
    BatchResult,
    ChangePage,
    CreateFolder,
    Get,
    ListRevisions,
    NewFile,
    Page,
    Patch,
    PinRevision,
    Place,
    Revision,
)
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import Busy, DriveSyncError, FileProblem, Offline

_PAGE_SIZE: Final = 1000
_LIST_FIELDS: Final = f"nextPageToken,incompleteSearch,files({resources.FILE_FIELDS})"
_CHILDREN_FIELDS: Final = (
    f"nextPageToken,incompleteSearch,files({resources.FILE_FIELDS},resourceKey)"
)
_FEED_FIELDS: Final = (
    "nextPageToken,newStartPageToken,"
    f"changes(changeType,removed,fileId,file({resources.FILE_FIELDS}))"
)
_REVISIONS_FIELDS: Final = f"nextPageToken,revisions({resources.REVISION_FIELDS})"
_DOWNLOAD: Final = "files.download"
_KEPT_HEADERS: Final = frozenset({"accept", "content-type", "x-goog-api-client"})


def quote(value: str) -> str:
    r"""Write a text as a literal of a query, quotes included: ``it's`` gives ``'it\'s'``.

    Source: Drive guide, "Search for files and folders".
    """
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Drive:
    """Drive, as one account and one client see it. Safe for several threads.

    Errors are those of :mod:`jupyter_drive_sync.errors`; beside the ones named at each call, any
    of ``NeedsUser``, ``NeedsAdmin`` and ``Wait`` may come, and what the transport's permit raises.

    Args:
        transport: sends.
        endpoint: which server.
        random: makes boundaries of multipart bodies.
        drive_id: a shared drive, of which the account must be a member, that change feed and
            searches are of; ``""`` is My Drive. Objects are reached by id wherever they lie.
    """

    def __init__(
        self, transport: Transport, endpoint: Endpoint, random: Random, drive_id: str = ""
    ) -> None:
        service = endpoint.build()
        self._transport = transport
        self.endpoint = endpoint
        self._batch_uri = endpoint.batch_uri
        self._random = random
        # Kept, because making one costs more than making a request from it.
        self._files = service.files()
        self._revisions = service.revisions()
        self._changes = service.changes()
        self._about = service.about()
        self._drives = service.drives()
        self._within = {"driveId": drive_id} if drive_id else {}
        self._keys: dict[str, str] = {}

    def within(self, drive_id: str) -> Drive:
        """Return the same Drive, with change feed and searches of a shared drive."""
        other = Drive(self._transport, self.endpoint, self._random, drive_id)
        other._keys = self._keys
        return other

    @property
    def transport(self) -> Transport:
        """What sends; for its counters."""
        return self._transport

    def about(self) -> About:
        """Read whose Drive this is and how full it is."""
        request = self._about.get(fields=resources.ABOUT_FIELDS)
        return self._transport.send(_call(request), reader(resources.about_of))

    def start_token(self) -> str:
        """Read the token from which the change feed tells what happens from now on."""
        request = self._changes.getStartPageToken(
            supportsAllDrives=True, fields="startPageToken", **self._within
        )
        return self._transport.send(
            _call(request), reader(lambda page: resources.text_in(page, "startPageToken"))
        )

    def changes(self, token: str) -> ChangePage:
        """Read one page (up to 1,000) of the change feed.

        Not of My Drive alone: an object of ours that was moved out of it must be told too.

        Raises:
            FeedTokenRefused: Drive no longer knows the token.
        """
        request = self._changes.list(
            pageToken=token,
            pageSize=_PAGE_SIZE,
            includeRemoved=True,
            spaces="drive",
            supportsAllDrives=True,
            fields=_FEED_FIELDS,
            **self._all_of_it(),
        )
        return self._transport.send(_call(request), reader(change_page))

    def search(self, query: str, token: str | None = None) -> Page:
        """Read one page (up to 1,000) of what a query finds; trashed objects unless it says no.

        Args:
            query: in Drive's grammar; texts in it are written by :func:`quote`.
            token: of the page before.
        """
        more: dict[str, Any] = {} if token is None else {"pageToken": token}
        if self._within:
            more |= {"corpora": "drive", **self._all_of_it()}
        request = self._files.list(
            q=query,
            pageSize=_PAGE_SIZE,
            spaces="drive",
            supportsAllDrives=True,
            fields=_LIST_FIELDS,
            **more,
        )
        return self._transport.send(_call(request), reader(page_of))

    def children(
        self, folders: Sequence[FileId], token: str | None = None, *, also: str = ""
    ) -> Page:
        """Read one page (up to 1,000) of what lies in some folders and not in the trash.

        Finds also what is only shared by link, and what lies in a shared drive of which the account
        is no member, since the folders are named.

        Args:
            folders: their ids.
            token: of the page before.
            also: what else must hold, in Drive's grammar.

        Raises:
            Missing: one of the folders is gone, or not visible to us.
        """
        inside = " or ".join(f"{quote(each)} in parents" for each in folders)
        more = {} if token is None else {"pageToken": token}
        request = self._files.list(
            q=" and ".join(filter(None, (f"({inside})", "trashed = false", also))),
            pageSize=_PAGE_SIZE,
            spaces="drive",
            supportsAllDrives=True,
            includeItemsFromAllDrives=True,
            fields=_CHILDREN_FIELDS,
            **more,
        )
        call = _call(request, self._shown(*folders))
        return self._transport.send(call, reader(self._children_page))

    def place(self, id: FileId) -> Place:  # noqa: A002 - it is one
        """Read what can be done with a folder, or what else the id is of.

        Raises:
            Missing: there is none, or it is not visible to us.
        """
        request = self._files.get(fileId=id, supportsAllDrives=True, fields=resources.PLACE_FIELDS)
        return self._transport.send(_call(request, self._shown(id)), reader(resources.place_of))

    def drives_named(self, name: str) -> tuple[FileId, ...]:
        """Find the shared drives of a name of which the account is a member.

        Raises:
            ScopeMissing: the scope shows no shared drives.
        """
        request = self._drives.list(
            q=f"name = {quote(name)}", pageSize=100, fields="drives(id,name)"
        )
        found = self._transport.send(_call(request), reader(resources.drives_of))
        return tuple(each for each, called in found if called == name)

    def know_key(self, id: FileId, key: str) -> None:  # noqa: A002 - it is one
        """Take note of the resource key of something that is shared by link.

        Source: Drive guide, "Access link-shared Drive files using resource keys".
        """
        self._keys[id] = key

    def _shown(self, *ids: FileId) -> dict[str, str]:
        """Write the header that shows the resource keys of some objects."""
        pairs = [f"{each}/{self._keys[each]}" for each in ids if each in self._keys]
        return {"x-goog-drive-resource-keys": ",".join(pairs)} if pairs else {}

    def _children_page(self, page: Any) -> Page:
        found = page_of(page)
        self._keys.update(resources.keys_of(page))
        return found

    def _all_of_it(self) -> dict[str, Any]:
        return {"includeItemsFromAllDrives": True, **self._within} if self._within else {}

    def generate_ids(self, count: int) -> list[FileId]:
        """Have 1 to 1000 ids made for objects that are to be created."""
        if not 1 <= count <= IDS_LIMIT:
            raise ValueError(f"{count} ids at once")

        def read(page: Any) -> list[FileId]:
            ids = page["ids"]
            if len(set(ids)) != count or not all(isinstance(word, str) and word for word in ids):
                raise ValueError("not the ids that were asked for")
            return [FileId(word) for word in ids]

        request = self._files.generateIds(count=count, space="drive", type="files", fields="ids")
        return self._transport.send(_call(request), reader(read))

    def get(self, id: FileId) -> RemoteEntry:  # noqa: A002 - it is one
        """Read one object.

        Raises:
            Missing: there is none, or it is not visible to us.
        """
        return self._transport.send(_call(self._get(id), self._shown(id)), reader(same(id)))

    def create_file(self, new: NewFile, content: bytes) -> RemoteEntry:
        """Make a file with its content, in one request.

        Raises:
            Exists: the id is taken; an earlier try may have succeeded.
            Missing: the parent is gone.
            NotOurs, TreeLimit, Refused: it may not be made there.
        """
        mime = resources.mime_of(new.name)
        request = self._create(new, mime)
        return self._send_content(request, resources.new_file_body(new), content, mime, new.id)

    def replace_file(self, change: Patch, content: bytes) -> RemoteEntry:
        """Give a file new content (and what else ``change`` says), in one request.

        Args:
            change: names the file; its name is given too, since the content type follows it.
            content: the bytes.

        Raises:
            Missing: the file is gone.
            NotOurs, TreeLimit, Refused: it may not be changed.
        """
        mime = _mime_after(change)
        request = self._update(change, mime)
        return self._send_content(request, _content_body(change, mime), content, mime, change.id)

    def download(
        self,
        id: FileId,  # noqa: A002 - it is one
        *,
        size: int,
        offset: int = 0,
        most: int | None = None,
        revision: str = "",
    ) -> bytes:
        """Read a file's content, or a part of it.

        Not compressed on the way: a range counts the bytes of what is sent.

        Args:
            id: the file.
            size: bytes of the whole content, as the caller knows it.
            offset: where the part begins.
            most: bytes of the part; None is all that follows.
            revision: of which version; ``""`` is the head.

        Raises:
            Missing: the file or the version is gone.
            Damaged: the content has another size by now.
        """
        end = size if most is None else min(size, offset + most)
        if revision:
            request = self._revisions.get_media(fileId=id, revisionId=revision)
        else:
            request = self._files.get_media(fileId=id, supportsAllDrives=True)
        headers = {"accept": "*/*", "accept-encoding": "identity", **self._shown(id)}
        if (offset, end) != (0, size):
            headers["range"] = f"bytes={offset}-{end - 1}"
        call = Call(
            "GET",
            request.uri,
            _DOWNLOAD,
            headers,
            accept=frozenset({200, 206}),
            units=units_of(_DOWNLOAD),
        )
        return self._transport.send(call, lambda reply: part_of(reply, offset, end, size))

    def session_call(self, target: NewFile | Patch, size: int) -> Call:
        """Make the request that opens a resumable session for a file's content.

        Args:
            target: the file to make, or to give new content.
            size: bytes.
        """
        if isinstance(target, NewFile):
            mime = resources.mime_of(target.name)
            request = self._create(target, mime)
        else:
            mime = _mime_after(target)
            request = self._update(target, mime)
        return _call(
            request,
            {"x-upload-content-type": mime, "x-upload-content-length": str(size)},
        )

    def revisions(self, id: FileId) -> tuple[Revision, ...]:  # noqa: A002 - it is one
        """Read all revisions of a file, oldest first.

        Raises:
            Missing: the file is gone.
        """
        found: tuple[Revision, ...] = ()
        token: str | None = None
        while True:
            call = _call(self._list_revisions(id, token))
            page, token = self._transport.send(call, reader(revision_page))
            found += page
            if token is None:
                return found

    def batch(self, calls: Sequence[BatchCall]) -> list[BatchResult]:
        """Send up to 100 calls in one request, and those that failed for now again.

        Returns:
            One result per call, in their order. An error that concerns one object alone
            (:class:`~jupyter_drive_sync.errors.FileProblem`), or a part that stayed refused for
            now when our patience was over, is a value.

        Raises:
            Busy, Offline: nothing of it came through.
            DriveSyncError: what concerns all that comes after it, such as a full Drive. Parts
                beside it may have been carried out.
        """
        if not 1 <= len(calls) <= BATCH_LIMIT:
            raise ValueError(f"{len(calls)} calls in one batch")
        results: dict[int, BatchResult] = {}
        left = list(range(len(calls)))
        tries = 0
        renewed = False
        while left:
            try:
                outcomes = self._send_batch([calls[number] for number in left])
                again = _sorted_out(dict(zip(left, outcomes, strict=True)), results)
                left = list(again)
                tries += 1
                renewed = self._before_next(again.values(), tries, renewed=renewed)
            except (Busy, Offline) as problem:
                if not results:
                    raise
                results.update(dict.fromkeys(left, problem))
                left = []
        return [results[number] for number in range(len(calls))]

    def _before_next(self, verdicts: Collection[Verdict], tries: int, *, renewed: bool) -> bool:
        """Do what the failed parts need: a fresh token (once), or the longest wait of them.

        Returns:
            Whether the token was renewed by now.
        """
        refused = next((verdict for verdict in verdicts if verdict.token_refused), None)
        if refused is not None:
            if renewed:
                raise refused.error
            self._transport.renew_token()
            return True
        if verdicts:
            worst = max(verdicts, key=lambda verdict: verdict.after or 0.0)
            self._transport.recover(worst, tries)
        return renewed

    def _send_batch(self, calls: Sequence[BatchCall]) -> list[BatchResult | Failed]:
        """Send calls once as a batch (the batch itself until it gets through)."""
        requests = [self._inner(call) for call in calls]
        endpoints = [_endpoint(request) for request in requests]
        parts = [Part(request.method, request.uri, request.body) for request in requests]
        body, kind = mixed(parts, self._random)
        call = Call(
            "POST",
            self._batch_uri,
            "batch",
            {"content-type": kind},
            body,
            units=sum(map(units_of, endpoints)),
            inner=len(calls),
        )
        replies = self._transport.send(call, lambda reply: parts_of(reply, len(calls)))
        return [
            self._outcome(call, endpoint, reply)
            for call, endpoint, reply in zip(calls, endpoints, replies, strict=True)
        ]

    def _outcome(self, call: BatchCall, endpoint: str, reply: Reply | None) -> BatchResult | Failed:
        """Read the reply of one part."""
        if reply is None:
            return Failed(judge_body(ValueError("the batch has no reply to it"), endpoint))
        if reply.status != 200:
            verdict = judge_reply(reply, endpoint)
            if verdict.throttled:
                self._transport.pace.refused(verdict.after)
            return Failed(verdict)
        try:
            return _read_part(call, reply)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            return Failed(judge_body(ValueError(repr(problem)), endpoint))

    def _inner(self, call: BatchCall) -> HttpRequest:
        match call:
            case CreateFolder():
                return self._files.create(
                    body=resources.folder_body(call),
                    supportsAllDrives=True,
                    fields=resources.FILE_FIELDS,
                )
            case Patch():
                return self._update(call)
            case Get():
                return self._get(call.id)
            case ListRevisions():
                return self._list_revisions(call.id, None)
            case PinRevision():
                return self._revisions.update(
                    fileId=call.id,
                    revisionId=call.revision,
                    body={"keepForever": True},
                    fields=resources.REVISION_FIELDS,
                )

    def _get(self, id: FileId) -> HttpRequest:  # noqa: A002 - it is one
        return self._files.get(fileId=id, supportsAllDrives=True, fields=resources.FILE_FIELDS)

    def _list_revisions(self, id: FileId, token: str | None) -> HttpRequest:  # noqa: A002
        more = {} if token is None else {"pageToken": token}
        return self._revisions.list(
            fileId=id, pageSize=_PAGE_SIZE, fields=_REVISIONS_FIELDS, **more
        )

    def _create(self, new: NewFile, mime: str) -> HttpRequest:
        return self._files.create(
            body=resources.new_file_body(new),
            media_body=_media(mime),
            supportsAllDrives=True,
            fields=resources.FILE_FIELDS,
        )

    def _update(self, change: Patch, media: str | None = None) -> HttpRequest:
        more: dict[str, Any] = {}
        if change.add_parent is not None:
            more["addParents"] = change.add_parent
        if change.remove_parent is not None:
            more["removeParents"] = change.remove_parent
        if media is not None:
            more["media_body"] = _media(media)
        return self._files.update(
            fileId=change.id,
            body=resources.patch_body(change) if media is None else _content_body(change, media),
            supportsAllDrives=True,
            fields=resources.FILE_FIELDS,
            **more,
        )

    def _send_content(
        self,
        request: HttpRequest,
        metadata: dict[str, Any],
        content: bytes,
        mime: str,
        id: FileId,  # noqa: A002 - it is one
    ) -> RemoteEntry:
        body, kind = related(metadata, content, mime, self._random)
        call = Call(
            request.method,
            request.uri.replace("uploadType=resumable", "uploadType=multipart"),
            _endpoint(request),
            {"content-type": kind},
            body,
            units=units_of(_endpoint(request)),
        )
        return self._transport.send(call, reader(same(id)))


def _media(mime: str) -> MediaInMemoryUpload:
    """Say that there is content, which we send ourselves.

    As for a resumable upload: for one in a single request googleapiclient would put a body together
    that nobody needs.
    """
    return MediaInMemoryUpload(b"", mimetype=mime, resumable=True)


def _endpoint(request: HttpRequest) -> str:
    return str(request.methodId).removeprefix("drive.")


def _call(request: HttpRequest, headers: dict[str, str] | None = None) -> Call:
    """Take what googleapiclient has built, and nothing of how it would send it."""
    body = request.body
    kept = {name: value for name, value in request.headers.items() if name in _KEPT_HEADERS}
    return Call(
        request.method,
        request.uri,
        _endpoint(request),
        {**kept, **(headers or {})},
        body.encode() if isinstance(body, str) else body,
        units=units_of(_endpoint(request)),
    )


def _mime_after(change: Patch) -> str:
    if change.name is None:
        raise ValueError("new content needs the file's name: its content type follows it")
    return resources.mime_of(change.name)


def _content_body(change: Patch, mime: str) -> dict[str, Any]:
    """Write the metadata that goes with new content.

    The type is said, or Drive would choose one from the content.
    """
    return {**resources.patch_body(change), "mimeType": mime}


def _sorted_out(
    outcomes: Mapping[int, BatchResult | Failed], results: dict[int, BatchResult]
) -> dict[int, Verdict]:
    """Put what is settled into the results; return the rest, which may be sent again."""
    again: dict[int, Verdict] = {}
    for number, outcome in outcomes.items():
        if not isinstance(outcome, Failed):
            results[number] = outcome
        elif outcome.verdict.retry or outcome.verdict.token_refused:
            again[number] = outcome.verdict
        else:
            results[number] = _as_value(outcome.verdict.error)
    return again


def _as_value(error: DriveSyncError) -> DriveSyncError:
    """Give back the error of one object; raise one that concerns all that comes after it."""
    if isinstance(error, FileProblem):
        return error
    raise error


def _read_part(call: BatchCall, reply: Reply) -> BatchResult:
    match call:
        case ListRevisions():
            return resources.revisions_of(reply.json())
        case PinRevision():
            return resources.revision_of(reply.json())
        case _:
            return same(call.id)(reply.json())
