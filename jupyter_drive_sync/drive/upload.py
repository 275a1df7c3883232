"""Large files: a resumable session that outlives the process.

Source: Drive guide, "Upload file data" (perform a resumable upload).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlsplit

from jupyter_drive_sync.core.tree import RemoteEntry
from jupyter_drive_sync.drive import resources
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.problems import Verdict, judge_body
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.drive.transport import Call, Failed
from jupyter_drive_sync.drive.types import NewFile, Patch
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import (
    ChangedWhileRead,
    DriveSyncError,
    FileProblem,
    Missing,
    Refused,
)

GRANULE: Final = 256 * 1024
"""Chunks but for the last are multiples of it."""
_MORE: Final = 308
_MOST_SESSIONS: Final = 3
"""Sessions that one upload may use up; beyond that Drive refuses the file, not the session."""
_RANGE: Final = re.compile(r"bytes=0-(\d+)")


class Source(Protocol):
    """What is uploaded. A file at hand while it may still change."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset`` on; fewer only when the file has shrunk."""

    def settled(self) -> object:
        """Make sure that the file is still the one whose first byte was read.

        Raises:
            ChangedWhileRead: it is not.
        """


class Sessions(Protocol):
    """Where session URIs are kept: they are credentials."""

    def session(self, key: str) -> Secret | None:
        """Return the URI kept under a key."""

    def keep_session(self, key: str, uri: Secret) -> None:
        """Keep a URI."""

    def drop_session(self, key: str) -> None:
        """Forget a URI."""


class Uploads:
    """Sends large files in chunks, and goes on where Drive says that it stopped.

    Without faults an upload takes 1 + ceil(size / chunk) requests. After a cut or a kill at most
    one chunk travels again. One chunk is in memory at a time.

    Args:
        drive: makes the requests.
        sessions: keeps the URIs of unfinished uploads.
        chunk_size: bytes of a chunk, a multiple of 256 KiB.
    """

    def __init__(self, drive: Drive, sessions: Sessions, chunk_size: int) -> None:
        if chunk_size <= 0 or chunk_size % GRANULE:
            raise ValueError(f"a chunk of {chunk_size} bytes")
        self._drive = drive
        self._transport = drive.transport
        self._sessions = sessions
        self._chunk_size = chunk_size

    def send(
        self,
        key: str,
        target: NewFile | Patch,
        source: Source,
        size: int,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> RemoteEntry:
        """Upload a file's content, or what Drive lacks of it.

        Args:
            key: names this content of this target, such as the nonce of the write. A session
                that an earlier process left under it is gone on with; other content needs
                another key.
            target: the file to make under its own id, or to change (with its name, see
                :meth:`~jupyter_drive_sync.drive.api.Drive.replace_file`).
            source: the content.
            size: its bytes.
            progress: told how many bytes Drive has.

        Raises:
            ChangedWhileRead: the source changed; the session is ended, nothing has changed on
                Drive.
            Exists: the id of a new file is taken; an earlier try may have succeeded.
            DriveSyncError: what else went wrong. Where it goes away by itself, the session stays,
                and the next ``send`` under the key goes on with it.
        """
        uri = self._sessions.session(key)
        offset: int | None = None  # None: only Drive knows
        best = -1
        opened = tries = 0
        while True:
            if uri is None:
                uri, offset, opened = self._open(key, target, size), 0, opened + 1
                best = 0
            try:
                reply = self._next(key, uri, source, offset, size)
                if reply.status != _MORE:
                    entry = self._finished(reply, target)
                    self._sessions.drop_session(key)
                    progress(size)
                    return entry
                asked, offset = offset is None, _kept(reply, size)
                if offset > best:
                    best, tries = offset, 0
                    progress(offset)
                elif not asked:
                    raise Failed(judge_body(ValueError("nothing was kept"), _UPLOAD))
            except Failed as failure:
                if failure.verdict.retry:
                    tries += 1
                    self._transport.recover(failure.verdict, tries)
                    offset = None
                else:
                    self._sessions.drop_session(key)
                    uri = None
                    if not _is_lost(failure.verdict) or opened >= _MOST_SESSIONS:
                        raise _last_word(failure.verdict) from None

    def abandon(self, key: str) -> None:
        """End an unfinished upload, here and at Drive. Nothing to do when there is none."""
        uri = self._sessions.session(key)
        if uri is None:
            return
        call = Call(
            "DELETE",
            uri.reveal(),
            _UPLOAD,
            accept=frozenset({200, 204, 404, 410, 499}),
            units=0,
            authorized=False,
        )
        # If Drive does not hear it, the session ends by itself within a week.
        with contextlib.suppress(Failed):
            self._transport.once(call)
        self._sessions.drop_session(key)

    def _open(self, key: str, target: NewFile | Patch, size: int) -> Secret:
        call = self._drive.session_call(target, size)
        uri = self._transport.send(call, lambda reply: _location(reply, call.uri))
        self._sessions.keep_session(key, uri)
        return uri

    def _next(self, key: str, uri: Secret, source: Source, offset: int | None, size: int) -> Reply:
        """Send the next chunk, or ask where to go on."""
        if offset is None:
            return self._transport.once(_session_put(uri, f"bytes */{size}", b""))
        return self._put(key, uri, source, offset, size)

    def _put(self, key: str, uri: Secret, source: Source, offset: int, size: int) -> Reply:
        end = min(size, offset + self._chunk_size)
        try:
            chunk = source.read_at(offset, end - offset)
            if len(chunk) != end - offset:
                raise ChangedWhileRead
            if end == size:
                source.settled()
        except FileProblem:
            self.abandon(key)
            raise
        extent = f"{offset}-{end - 1}" if chunk else "*"
        return self._transport.once(_session_put(uri, f"bytes {extent}/{size}", chunk))

    @staticmethod
    def _finished(reply: Reply, target: NewFile | Patch) -> RemoteEntry:
        try:
            entry = resources.entry_of(reply.json())
        except (ValueError, TypeError, AttributeError) as problem:
            raise Failed(judge_body(ValueError(repr(problem)), _UPLOAD)) from None
        if entry.id != target.id:
            raise Failed(judge_body(ValueError("another file"), _UPLOAD))
        return entry


def _is_lost(verdict: Verdict) -> bool:
    """Tell whether a refusal is about the session alone, so that another one may help.

    A 401 is: the session's requests carry no token that could be too old.
    """
    return isinstance(verdict.error, FileProblem) or verdict.token_refused


def _last_word(verdict: Verdict) -> DriveSyncError:
    """Say what it means when one session after the other is lost: nothing about the file."""
    if verdict.token_refused or isinstance(verdict.error, Missing):
        return Refused(reason="its uploads are lost again and again", detail=verdict.error.detail)
    return verdict.error


_UPLOAD: Final = "files.upload"
"""Name of a session's requests in errors and counters; the discovery document has none."""


def _session_put(uri: Secret, extent: str, chunk: bytes) -> Call:
    return Call(
        "PUT",
        uri.reveal(),
        _UPLOAD,
        {"content-range": extent},
        chunk,
        accept=frozenset({200, 201, _MORE}),
        units=0,  # the session's opening was counted
        authorized=False,
    )


def _location(reply: Reply, opened_at: str) -> Secret:
    uri = reply.headers.get("location", "")
    parts = urlsplit(uri)
    if not parts.hostname or parts.scheme != urlsplit(opened_at).scheme:
        raise ValueError("no session")
    return Secret(uri)


def _kept(reply: Reply, size: int) -> int:
    """Read how many bytes Drive has. No ``Range`` means none."""
    said = reply.headers.get("range")
    if said is None:
        return 0
    match = _RANGE.fullmatch(said.strip())
    kept = int(match[1]) + 1 if match else -1
    if not 0 <= kept <= size:
        raise Failed(judge_body(ValueError("a Range that makes no sense"), _UPLOAD))
    return kept
