"""Bringing one file from Drive to its place: what runs in the executor's threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from jupyter_drive_sync.core.restore_plan import Step, Wanted, Way
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.errors import Damaged, DriveSyncError, GoneFromDrive, HomeFull, Missing
from jupyter_drive_sync.home.pantry import Pantry
from jupyter_drive_sync.home.write import Landing, Part


@dataclass(frozen=True, slots=True)
class Fetched:
    """How it went."""

    step: Step
    problem: DriveSyncError | None = None
    occupied: bool = False
    """Its place was taken meanwhile: it needs another one."""


class Fetcher:
    """Downloads files and puts them in place. Used by several threads at once.

    Args:
        drive: where they come from.
        landing: where they go.
        chunk: bytes of one request.
        arrived: is told of bytes that are here, also of those that an earlier try had brought.
        pantry: where contents may be that somebody has fetched before.
        handed: is told of each content that came from there.
    """

    def __init__(
        self,
        drive: Drive,
        landing: Landing,
        chunk: int,
        arrived: Callable[[int], None],
        *,
        pantry: Pantry | None = None,
        handed: Callable[[], None] = lambda: None,
    ) -> None:
        self._drive = drive
        self._landing = landing
        self._chunk = chunk
        self._arrived = arrived
        self._pantry = pantry
        self._handed = handed

    def fetch(self, step: Step) -> Fetched:
        """Bring one file; what goes wrong with it is a value."""
        try:
            return self._fetch(step)
        except Missing:
            return Fetched(step, GoneFromDrive())
        except DriveSyncError as problem:
            return Fetched(step, problem)

    def _fetch(self, step: Step) -> Fetched:
        try:
            return self._bring(step)
        except Damaged:
            # Somebody may have saved there since the tree was listed: take that version, once.
            return self._bring(self._renewed(step))

    def _renewed(self, step: Step) -> Step:
        if step.wanted.revision:
            return step
        now = self._drive.get(step.wanted.id)
        if now.md5 is None:
            raise Damaged
        fresh = replace(step.wanted, md5=now.md5, size=now.size, mtime_ms=now.mtime_ms)
        return replace(step, wanted=fresh)

    def _bring(self, step: Step) -> Fetched:
        wanted = step.wanted
        part = self._landing.begin(step.path, key_of(wanted))
        try:
            if not self._take(part, wanted):
                self.load(part, wanted)
                if self._pantry is not None:
                    self._pantry.put(wanted.md5, part.fd, wanted.size)
            self._landing.finish(part, mode=wanted.mode, mtime_ms=wanted.mtime_ms)
            if step.way is Way.REPLACE and step.expected is not None:
                done = self._landing.exchange(part, step.expected)
            else:
                done = self._landing.land(part, step.path)
        except HomeFull:
            self._landing.drop(part)  # nothing half, and some room
            raise
        finally:
            part.close()
        return Fetched(step, occupied=not done)

    def _take(self, part: Part, wanted: Wanted) -> bool:
        """Take a content from the pantry, if it is there, and right."""
        if self._pantry is None or part.size:
            return False
        for data in self._pantry.take(wanted.md5, wanted.size):
            self._landing.write(part, data)
        if part.size and part.md5 == wanted.md5:
            self._arrived(part.size)
            self._handed()
            return True
        if part.size:
            self._landing.restart(part)
        return False

    def load(self, part: Part, wanted: Wanted) -> None:
        """Get what is lacking; what an earlier try left counts if the whole is right.

        Raises:
            Damaged: it came otherwise than it should; nothing of it is kept.
            DriveSyncError: what else went wrong; what came is kept.
        """
        before = part.size
        self._arrived(part.size)
        try:
            self._get_rest(part, wanted)
            if part.md5 != wanted.md5 and before:
                self._arrived(-part.size)
                self._landing.restart(part)
                self._get_rest(part, wanted)
            if part.md5 != wanted.md5:
                raise Damaged
        except Damaged:
            self._arrived(-part.size)
            self._landing.drop(part)
            raise

    def _get_rest(self, part: Part, wanted: Wanted) -> None:
        while part.size < wanted.size:
            data = self._drive.download(
                wanted.id,
                size=wanted.size,
                offset=part.size,
                most=self._chunk,
                revision=wanted.revision,
            )
            self._landing.write(part, data)
            self._arrived(len(data))


def key_of(wanted: Wanted) -> str:
    """Name one content of one object: a half file goes on only with what it began with."""
    return f"{wanted.id} {wanted.revision} {wanted.md5.hex()}"
