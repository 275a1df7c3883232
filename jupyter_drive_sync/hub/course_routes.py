"""Courses for people's servers: which there are, what is in them, and each file by its checksum.

GET alone, with the server's own token, and nothing in a reply that opens anything at Google.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, BinaryIO, Final

from tornado import web

from jupyter_drive_sync.hub.base import ServerRoute, for_servers
from jupyter_drive_sync.hub.courses import Courses, Edition, described
from jupyter_drive_sync.hub.problems import BadRequest, NoSuchThing

_PIECE: Final = 1 << 18
_RANGE: Final = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")

Route = tuple[str, type[web.RequestHandler]]


class CoursesRoute(ServerRoute):
    """The courses of a person."""

    courses: Courses

    @for_servers
    async def get(self) -> None:
        """List them."""
        offered = self.courses.offered(self.caller.groups)
        self.reply({"courses": [{"name": name, **_outline(edition)} for name, edition in offered]})


class CourseRoute(ServerRoute):
    """One course."""

    courses: Courses

    @for_servers
    async def get(self) -> None:
        """List its files."""
        name = _named(self)
        edition = self.courses.edition(name, self.caller.groups)
        if edition is None:
            raise NoSuchThing(thing="such course")
        self.reply({"name": name, **_outline(edition), "files": described(edition)})


class CourseFileRoute(ServerRoute):
    """A file of a course."""

    courses: Courses

    @for_servers
    async def get(self) -> None:
        """Send its content, or the one part of it that ``Range`` names."""
        name, md5 = _named(self), self.get_query_argument("md5", "")
        off_loop = self.parts.service.off_loop
        path = await off_loop(self.courses.content, name, md5, self.caller.groups)
        if path is None:
            raise NoSuchThing(thing="such file")
        try:
            file = await off_loop(_opened, path)
        except OSError:
            raise NoSuchThing(thing="such file") from None
        try:
            await self._send(file, await off_loop(_size, file))
        finally:
            await off_loop(file.close)

    async def _send(self, file: BinaryIO, size: int) -> None:
        off_loop = self.parts.service.off_loop
        start, end = self._extent(size)
        if "Range" in self.request.headers:
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            await off_loop(file.seek, start)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Length", str(end - start))
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        while start < end and (piece := await off_loop(file.read, min(_PIECE, end - start))):
            self.write(piece)
            await self.flush()
            start += len(piece)
        self.finish()

    def _extent(self, size: int) -> tuple[int, int]:
        """Return the first byte that is wanted, and that behind the last.

        Raises:
            BadRequest: there are no such bytes.
        """
        said = self.request.headers.get("Range")
        if said is None:
            return 0, size
        found = _RANGE.fullmatch(said)
        if found is None or int(found[1]) >= size or int(found[2] or size) < int(found[1]):
            raise BadRequest(problem="it asks for bytes that are not there")
        return int(found[1]), min(size, int(found[2]) + 1) if found[2] else size


def course_routes(courses: Courses) -> list[Route]:
    """Return the routes, below the service's prefix."""
    kinds: dict[str, type[Any]] = {
        "api/courses": CoursesRoute,
        "api/course": CourseRoute,
        "api/course/file": CourseFileRoute,
    }
    return [
        (path, type(kind.__name__, (kind,), {"courses": courses})) for path, kind in kinds.items()
    ]


def _named(route: ServerRoute) -> str:
    """Return the name of a course that a request has.

    Raises:
        BadRequest: it has none.
    """
    name = route.get_query_argument("name", "")
    if not name:
        raise BadRequest(problem="it names no course")
    return name


def _outline(edition: Edition) -> dict[str, Any]:
    return {"version": edition.version, "count": len(edition.files), "bytes": edition.bytes}


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size
