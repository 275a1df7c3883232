"""Reading one file and sending it: what runs in the executor's threads.

A file is sent as some complete version of itself or not at all, and Drive's checksum is compared
with that of the bytes that were read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from jupyter_drive_sync.core.plan import Operation, Verb, modified_ms
from jupyter_drive_sync.core.tree import LedgerEntry, RemoteEntry, Stat
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.types import NewFile, Patch
from jupyter_drive_sync.drive.upload import Uploads
from jupyter_drive_sync.engine import doubts
from jupyter_drive_sync.engine.records import Intent
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.errors import (
    DriveSyncError,
    Exists,
    Mismatch,
    Missing,
    NotOurs,
    Refused,
)
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.home.reading import Read


@dataclass(frozen=True, slots=True)
class Content:
    """One file to send, under the intent that the ledger holds for it."""

    step: Operation
    intent: Intent
    app: Mapping[str, str]
    """``appProperties`` but for the mode, which the reading tells."""
    renewed: bool = False
    """It has got another id in this pass already."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How it went."""

    content: Content
    entry: LedgerEntry
    """What is true now, if ``remote`` is there."""
    remote: RemoteEntry | None = None
    problem: DriveSyncError | None = None
    anew: bool = False
    """The id is of no use any more: bind another one and try again."""


class Sender:
    """Reads files and sends them. Used by several threads at once.

    Args:
        site: the home's settings.
        home: the files.
        drive: for what goes in one request.
        uploads: for what goes in chunks.
    """

    def __init__(self, site: Site, home: Home, drive: Drive, uploads: Uploads) -> None:
        self._small = site.settings.small_file
        self._home = home
        self._drive = drive
        self._uploads = uploads

    def send(self, content: Content) -> Sent:
        """Send one file; what goes wrong with it is a value."""
        try:
            sent = self._send(content)
            if sent.remote is None or sent.remote.md5 == sent.entry.md5:
                return sent
            sent = self._send(self._once_more(content))
        except DriveSyncError as problem:
            return Sent(content, content.intent.entry, problem=problem)
        if sent.remote is None or sent.remote.md5 == sent.entry.md5:
            return replace(sent, content=content)
        # Remember what Drive holds, and no stat: the next pass reads the file and sends it again.
        wrong = replace(sent.entry, md5=sent.remote.md5, stat=Stat(0, 0, 0))
        return Sent(content, wrong, sent.remote, problem=Mismatch())

    @staticmethod
    def _once_more(content: Content) -> Content:
        """The object exists by now, so a second try replaces its content."""
        return replace(content, step=replace(content.step, verb=Verb.REPLACE))

    def _send(self, content: Content) -> Sent:
        size = content.step.size
        loaded = self._home.load(content.step.path, self._small) if size <= self._small else None
        if loaded is not None:
            data = loaded.data
            entry = _read(content, loaded)
            return self._settled(
                content, entry, lambda new: self._drive.create_file(new, data),
                lambda change: self._drive.replace_file(change, data),
            )  # fmt: skip
        with self._home.open(content.step.path) as reading:
            reading.fingerprint()
            version = reading.settled()
            entry = _read(content, version)
            # The key names the content too: a session goes on only with what it began with.
            key = session_key(content.intent.nonce, version.md5)

            def upload(target: NewFile | Patch) -> RemoteEntry:
                return self._uploads.send(key, target, reading, version.stat.size)

            return self._settled(content, entry, upload, upload)

    def _settled(
        self,
        content: Content,
        entry: LedgerEntry,
        create: Callable[[NewFile], RemoteEntry],
        change: Callable[[Patch], RemoteEntry],
    ) -> Sent:
        """Send, and settle what an earlier try of ours may have done already."""
        app = {**content.app, "mode": f"{entry.mode & 0o7777:o}"}
        if entry.md5 is not None:
            app["md5"] = entry.md5.hex()
        patch = Patch(entry.id, name=entry.name, mtime_ms=entry.mtime_ms, app=app)
        if content.step.verb is Verb.REPLACE:
            return self._replaced(content, entry, partial(change, patch))
        try:
            new = NewFile(entry.id, entry.name, entry.parent, entry.mtime_ms, app)
            return Sent(content, entry, create(new))
        except Exists:
            there = doubts.find(self._drive, entry.id)
        if there is None:
            raise Exists
        if there.nonce != content.intent.nonce:
            return Sent(content, entry, anew=True)
        if there.md5 == entry.md5:
            return Sent(content, entry, there)
        return Sent(content, entry, change(patch))

    def _replaced(
        self, content: Content, entry: LedgerEntry, change: Callable[[], RemoteEntry]
    ) -> Sent:
        """Change what is there.

        Raises:
            Missing: Drive says twice that it is gone (see :mod:`.doubts`).
            Refused: it says so of the change alone.
        """
        for _ in range(2):
            try:
                return Sent(content, entry, change())
            except NotOurs:
                return Sent(content, entry, anew=True)
            except Missing:
                self._drive.get(entry.id)
        raise Refused(reason="notFound")


def session_key(nonce: str, md5: bytes) -> str:
    """Name the upload session of one content under one intent."""
    return f"{nonce}.{md5.hex()}"


def nonce_of(key: str) -> str:
    """Return the nonce of the intent that an upload session belongs to."""
    return key.partition(".")[0]


def _read(content: Content, version: Read) -> LedgerEntry:
    """Say what will be true once Drive has confirmed this version."""
    return replace(
        content.intent.entry,
        stat=version.stat,
        md5=version.md5,
        racy=version.racy,
        mode=version.mode,
        mtime_ms=modified_ms(version.stat),
    )
