"""Resumable upload sessions.

Sources: Drive guide, "Upload file data", sections on resumable uploads (308 with `Range`; chunks in
multiples of 256 KiB; state query; a session lives a week, then 404); Cloud Storage guide "Resumable
uploads", the same upload server (bytes sent again are passed over; a cancelled session answers
499); an offset beyond what is kept is answered 503 with the sentence quoted in Byron/google-apis-rs
issue 438; `X-GUploader-No-308` is sent by Google's own Go client.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_drive_sync.localdrive import replies
from jupyter_drive_sync.localdrive.blobs import PIECE, Blob, Blobs, Draft
from jupyter_drive_sync.localdrive.clock import Clock
from jupyter_drive_sync.localdrive.routing import Principal
from jupyter_drive_sync.localdrive.store import Store
from jupyter_drive_sync.localdrive.wire import Body, BodyCutError, Request, Response

GRANULE = 256 * 1024
ROOM = "sessions"
_RANGE = re.compile(r"bytes (?:(?P<first>\d+)-(?P<last>\d+)|\*)/(?P<total>\d+|\*)")


@dataclass(frozen=True, slots=True)
class Order:
    """What a session will carry out when its content is complete.

    Attributes:
        principal: Who asked; the session needs no token any more.
        parameters: Query parameters of the first request.
        file_id: The file to update, None to create one.
        metadata: The JSON body of the first request.
        mime_type: The content's type (`X-Upload-Content-Type`).
        base_url: Where links of the reply lead.
    """

    principal: Principal
    parameters: Mapping[str, str]
    file_id: str | None
    metadata: str
    mime_type: str | None
    base_url: str


@dataclass(slots=True)
class Session:
    """A session. Its lock is held while bytes come in.

    Attributes:
        id: The upload id.
        order: What to do at the end.
        created: Seconds since 1970.
        total: Bytes announced, None while unknown.
        done: The id of the file that came of it.
        cancelled: Whether it was cancelled.
    """

    id: str
    order: Order
    created: float
    total: int | None
    done: str | None = None
    cancelled: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class ContentRange:
    """A Content-Range: first and last byte of a chunk, none for a query; the total if known."""

    first: int | None
    last: int | None
    total: int | None


def content_range(request: Request) -> ContentRange | None:
    """Read the Content-Range of a request, None when there is none.

    Raises:
        ApiError: 400 for one that makes no sense.
    """
    text = request.header("content-range")
    if text is None:
        return None
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise replies.bad_request("Failed to parse Content-Range header.", "invalid")
    first, last, total = found["first"], found["last"], found["total"]
    return ContentRange(
        None if first is None else int(first),
        None if last is None else int(last),
        None if total == "*" else int(total),
    )


Finish = Callable[[Order, Blob], tuple[str, Response]]
Show = Callable[[Order, str], Response]
Keep = Callable[[int], int]


class Uploads:
    """The sessions of a Drive.

    Args:
        blobs: Where contents go.
        store: Where sessions survive a restart.
        clock: When they expire.
        life: For how long they live, in seconds.
        new_id: Makes upload ids.
        finish: Carries out an order with its content; returns the file's id and the reply.
        show: Builds the reply to whoever asks after the end.
    """

    def __init__(
        self,
        *,
        blobs: Blobs,
        store: Store,
        clock: Clock,
        life: float,
        new_id: Callable[[], str],
        finish: Finish,
        show: Show,
    ) -> None:
        self._blobs = blobs
        self._store = store
        self._clock = clock
        self._life = life
        self._new_id = new_id
        self._finish = finish
        self._show = show
        self._lock = threading.Lock()
        self._sessions = {key: _session(key, each) for key, each in store.items(ROOM)}
        # A process that died between two steps may have left a draft without a session.
        blobs.drop_drafts(self._sessions)

    def open(self, order: Order, total: int | None) -> Session:
        """Start a session."""
        session = Session(self._new_id(), order, self._clock.now(), total)
        with self._lock:
            self._sessions[session.id] = session
        self._keep(session)
        return session

    def find(self, upload_id: str) -> Session:
        """Return a living session.

        Raises:
            ApiError: 404 for one that never was or has expired, 499 for a cancelled one.
        """
        with self._lock:
            session = self._sessions.get(upload_id)
        if session is None:
            raise replies.ApiError(404, "notFound", "Not Found")
        if self._clock.now() > session.created + self._life:
            self.forget(upload_id)
            raise replies.ApiError(404, "notFound", "Not Found")
        if session.cancelled:
            raise _cancelled()
        return session

    def forget(self, upload_id: str) -> None:
        """End a session as if it had never been; for expiry and for faults."""
        with self._lock:
            session = self._sessions.pop(upload_id, None)
        if session is not None:
            self._store.drop(ROOM, upload_id)
            if session.done is None:
                self._blobs.draft(upload_id).discard()

    def cancel(self, upload_id: str) -> Response:
        """Cancel a session."""
        session = self.find(upload_id)
        with session.lock:
            if session.done is None:
                session.cancelled = True
                self._keep(session)
                self._blobs.draft(upload_id).discard()
        return _cancelled().response()

    def receive(self, upload_id: str, request: Request, keep: Keep) -> Response:
        """Take a chunk in, or answer a query for the state.

        Args:
            upload_id: The session.
            request: The PUT.
            keep: Says how many of a chunk's bytes are kept (`FaultHook.kept`).

        Raises:
            ApiError: A refusal.
            BodyCutError: The sender vanished; whole granules of what came are kept.
        """
        session = self.find(upload_id)
        with session.lock:
            if session.done is not None:
                _drain(request.body)
                return self._show(session.order, session.done)
            if session.cancelled:
                raise _cancelled()
            draft = self._blobs.draft(session.id)
            try:
                complete = self._take(session, draft, request, keep)
                received = draft.size
            except BaseException:
                draft.close()
                raise
            if not complete:
                draft.close()
                return _incomplete(received, request)
            return self._complete(session, draft)

    def _take(self, session: Session, draft: Draft, request: Request, keep: Keep) -> bool:
        """Take in what a request brings; return whether the content is complete."""
        span = content_range(request)
        received = draft.size
        if span is None:
            # The whole content in one request, from its first byte.
            draft.truncate(0)
            size = _receive(draft, request.body, None)
            _agree(session, size)
            return True
        if span.total is not None:
            _agree(session, span.total)
        if span.first is None or span.last is None:
            return session.total == received
        expected = span.last - span.first + 1
        ends = session.total == span.last + 1
        if expected <= 0 or (session.total is not None and span.last >= session.total):
            raise replies.bad_request("Failed to parse Content-Range header.", "invalid")
        if span.first > received:
            raise _gap(span.first, received)
        if not ends and (span.last + 1) % GRANULE:
            raise replies.bad_request(
                "Invalid request. The number of bytes uploaded is required to be equal or greater "
                f"than {GRANULE}, except for the final request (it's recommended to be the exact "
                f"multiple of {GRANULE}).",
                "invalid",
            )
        known = received - span.first
        came = _receive(draft, request.body, expected, skip=known)
        if came > expected:
            draft.truncate(received)
            raise replies.bad_request(
                "The request carries more bytes than its Content-Range says.", "invalid"
            )
        if came < expected:
            draft.truncate(max(received, draft.size - draft.size % GRANULE))
            return False
        if ends:
            return True
        kept = received + min(keep(draft.size - received), draft.size - received)
        draft.truncate(max(received, kept - kept % GRANULE))
        return False

    def _complete(self, session: Session, draft: Draft) -> Response:
        blob = self._blobs.adopt(session.id, draft)
        try:
            session.done, response = self._finish(session.order, blob)
        except replies.ApiError:
            # The upload server has the bytes, Drive refuses them: the session is spent.
            self._blobs.drop_unowned(blob.key)
            with self._lock:
                self._sessions.pop(session.id, None)
            self._store.drop(ROOM, session.id)
            raise
        self._keep(session)
        return response

    def _keep(self, session: Session) -> None:
        order = session.order
        self._store.put(
            ROOM,
            session.id,
            {
                "account": order.principal.account,
                "project": order.principal.project,
                "scopes": sorted(order.principal.scopes),
                "parameters": dict(order.parameters),
                "file_id": order.file_id,
                "metadata": order.metadata,
                "mime_type": order.mime_type,
                "base_url": order.base_url,
                "created": session.created,
                "total": session.total,
                "done": session.done,
                "cancelled": session.cancelled,
            },
        )


def _session(key: str, document: Mapping[str, Any]) -> Session:
    principal = Principal(document["account"], document["project"], frozenset(document["scopes"]))
    order = Order(
        principal,
        document["parameters"],
        document["file_id"],
        document["metadata"],
        document["mime_type"],
        document["base_url"],
    )
    return Session(
        key,
        order,
        document["created"],
        document["total"],
        document["done"],
        document["cancelled"],
    )


def _cancelled() -> replies.ApiError:
    return replies.ApiError(499, "cancelled", "Client Closed Request")


def _gap(offset: int, received: int) -> replies.ApiError:
    return replies.ApiError(
        503,
        "backendError",
        "Invalid request.  According to the Content-Range header, the upload offset is "
        f"{offset} byte(s), which exceeds already uploaded size of {received} byte(s).",
    )


def _agree(session: Session, total: int) -> None:
    """Check a total against what was announced before."""
    if session.total is None:
        session.total = total
    elif session.total != total:
        raise replies.bad_request(
            f"The total of {total} bytes differs from the {session.total} announced.", "invalid"
        )


def _receive(draft: Draft, body: Body, expected: int | None, *, skip: int = 0) -> int:
    """Append a body to a draft, its first `skip` bytes left out; return the bytes that came.

    Raises:
        BodyCutError: The sender vanished; the draft keeps whole granules.
    """
    before, came = draft.size, 0
    try:
        while piece := body.read(PIECE):
            fresh = piece[max(0, skip - came) :]
            came += len(piece)
            if expected is not None and came > expected:
                break
            if fresh:
                draft.append(fresh)
    except BodyCutError:
        draft.truncate(max(before, draft.size - draft.size % GRANULE))
        raise
    return came


def _drain(body: Body) -> None:
    while body.read(PIECE):
        pass


def _incomplete(received: int, request: Request) -> Response:
    """Build the 308: `Range` says what is kept, and is missing when nothing is."""
    headers = {"Range": f"bytes=0-{received - 1}"} if received else {}
    response = Response(308, {**headers, "X-GUploader-UploadID": "localdrive"})
    if request.header("x-guploader-no-308") == "yes":
        return replace(
            response,
            status=200,
            headers={**response.headers, "X-HTTP-Status-Code-Override": "308"},
        )
    return response
