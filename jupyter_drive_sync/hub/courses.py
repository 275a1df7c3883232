"""Course material, fetched once for the whole hub: what an instructor shares, kept here by content.

Each course is an import storage of the service (see :mod:`jupyter_drive_sync.engine.importing`),
carried out in a child with the course's own service account. What came is linked under its checksum
as well, so that an edition that is handed on just now stays whole while the next one comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jupyter_drive_sync.core.storage import Storage, place_of, read
from jupyter_drive_sync.core.tree import Kind, LedgerEntry, Standing
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.site import make_state_dir
from jupyter_drive_sync.errors import BadSettings, DriveSyncError
from jupyter_drive_sync.home.pantry import Pantry
from jupyter_drive_sync.hub.budget import Cost
from jupyter_drive_sync.hub.problems import NoSuchThing
from jupyter_drive_sync.runner import storages
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Job

MD5: Final = re.compile(r"[0-9a-f]{32}")
_GIVEN: Final = frozenset({"drive", "key_file", "subject", "includes", "excludes"})
_FILE_UNITS: Final = 200
_LIST_UNITS: Final = 1_000
_LOOK: Final = 0.5

Fetch = Callable[[Job, threading.Event], Mapping[str, Any]]
OffLoop = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Course:
    """What the admin set for a course.

    Attributes:
        storage: the import.
        groups: groups of the hub whose members get it; none for everybody.
        local: folder in people's homes that nights put it into, where those are mounted; ``""``
            leaves it to people's own servers.
    """

    storage: Storage
    groups: frozenset[str] = frozenset()
    local: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.storage.name

    def is_for(self, groups: tuple[str, ...]) -> bool:
        """Tell whether a member of some groups gets it."""
        return not self.groups or bool(self.groups & set(groups))


@dataclass(frozen=True, slots=True)
class CourseFile:
    """A file of an edition: its path, bytes, time (milliseconds since the epoch) and checksum."""

    path: str
    size: int
    mtime_ms: int
    md5: str


@dataclass(frozen=True, slots=True)
class Edition:
    """A course as it was when a fetch ended.

    Attributes:
        version: changes with any file of it; ``""`` before the first.
        files: in the order of their paths.
    """

    version: str = ""
    files: tuple[CourseFile, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


class CourseFull(DriveSyncError):
    """A course has grown beyond what the admin allows it."""

    code = "course.full"
    who = "admin"
    template = (
        "The course {name} has {size} bytes to come, and c.DriveSyncHub.course_bytes allows "
        "{limit} in all; what was fetched before is still handed on."
    )


class CourseWaits(DriveSyncError):
    """Today's egress is used up."""

    code = "course.waits"
    who = "wait"
    template = (
        "The course {name} waits for tomorrow: today's traffic with Google is used up; what was "
        "fetched before is still handed on."
    )


def read_courses(values: Mapping[str, Any]) -> dict[str, Course]:
    """Read ``c.DriveSyncHub.courses``.

    Raises:
        BadSettings: a course cannot be used.
    """
    return {name: _read_course(name, given) for name, given in values.items()}


def _read_course(name: str, given: Any) -> Course:
    where = f"courses[{name!r}]"
    if not isinstance(given, Mapping):
        raise BadSettings(name=where, problem="it is no dictionary")
    rest = dict(given)
    groups = rest.pop("groups", [])
    if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups):
        raise BadSettings(name=where, problem="its groups are no list of names")
    local = rest.pop("local", "")
    if unknown := sorted(set(rest) - _GIVEN):
        raise BadSettings(name=where, problem=f"it has no setting {unknown[0]}")
    fixed = {
        "local": name,
        "direction": "import",
        "scope": "drive.readonly",
        "credentials": "service_account",
    }
    try:
        if local:
            place_of(given_storage(name, local).local, "/home")
        return Course(read({**rest, **fixed}, name=name), frozenset(groups), local)
    except DriveSyncError as problem:
        words = str(problem.params.get("problem", problem.sentence))
        raise BadSettings(name=where, problem=words) from None
    except ValueError as problem:
        raise BadSettings(name=where, problem=f"local {problem}") from None


def given_storage(name: str, local: str) -> Storage:
    """Describe a course as a storage of somebody's home.

    Raises:
        BadStorage: the folder is none.
    """
    return read({"local": local, "drive": name, "credentials": "hub"}, name=name)


def in_child(job: Job, over: threading.Event) -> Mapping[str, Any]:
    """Carry out a job in a child of ours, and wait for it; ``over`` ends it early."""
    ended = threading.Event()

    def watch(child: Child) -> None:
        while not ended.wait(_LOOK):
            if over.is_set():
                child.hang_up()
                return

    with Child(job) as child:
        watcher = threading.Thread(target=watch, args=(child,), daemon=True)
        watcher.start()
        try:
            return follow(child, lambda _event: None)
        finally:
            ended.set()
            watcher.join()


class Shelf:
    """Where one course lies. Its methods wait for the disk.

    Args:
        folder: of the course alone; made when it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = folder / "files"
        self.state = folder / "state"
        self._contents = folder / "contents"

    def prepare(self) -> None:
        """Make the folders, for the service alone.

        Raises:
            StateUnusable: they cannot be made.
        """
        for each in (self._folder, self.state, self.files, self._contents):
            make_state_dir(each)

    def content(self, md5: str) -> Path:
        """Return where a content of the last editions lies, if it does."""
        if not MD5.fullmatch(md5):
            raise ValueError("no checksum")
        return self._contents / md5

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files that are no longer on Drive; an import leaves them where people work."""
        for path in paths:
            if ".." not in path.split("/"):
                (self.files / path.lstrip("/")).unlink(missing_ok=True)

    def stock(self, pantry: Pantry, edition: Edition) -> None:
        """Keep the contents of an edition where people's servers take them from.

        Args:
            pantry: the folder that they have mounted.
            edition: what is in use.
        """
        for file in edition.files:
            digest = bytes.fromhex(file.md5)
            if next(pantry.take(digest, file.size), None) is None:
                with contextlib.suppress(OSError), self.content(file.md5).open("rb") as source:
                    pantry.put(digest, source.fileno(), file.size)
        pantry.prune()

    def publish(self, before: Edition) -> Edition:
        """Take stock of what is here after a fetch; contents of older editions are forgotten.

        Args:
            before: the edition that is handed on meanwhile.
        """
        linked = (self._link(entry) for entry in self._known())
        found = sorted((file for file in linked if file is not None), key=lambda file: file.path)
        digest = hashlib.sha256(repr(found).encode("utf-8", "backslashreplace")).hexdigest()[:16]
        edition = Edition(digest, tuple(found))
        wanted = {file.md5 for file in (*before.files, *edition.files)}
        for path in list(self._contents.iterdir()):
            if path.name not in wanted:
                path.unlink(missing_ok=True)
        return edition

    def _known(self) -> Iterator[LedgerEntry]:
        with Ledger.found(self.state) as ledger:
            entries = ledger.entries() if ledger else {}
        for entry in entries.values():
            if entry.kind is Kind.FILE and entry.standing is Standing.MIRRORED and entry.md5:
                yield entry

    def _link(self, entry: LedgerEntry) -> CourseFile | None:
        """Link a file under its checksum; None for one that is not as it came."""
        assert entry.md5 is not None  # noqa: S101 - seen before
        path, name = self.files / entry.path, entry.md5.hex()
        try:
            status = path.lstat()
            if (status.st_size, status.st_ino) != (entry.stat.size, entry.stat.inode):
                return None
            place = self._contents / name
            if not place.exists():
                os.link(path, place)
        except OSError:
            return None
        return CourseFile(str(entry.path), status.st_size, status.st_mtime_ns // 10**6, name)


class Assigned:
    """Courses that somebody may have (see :class:`.handing.Shelf`)."""

    def __init__(self, courses: Mapping[str, tuple[Shelf, Edition]]) -> None:
        self._courses = courses

    def course(self, name: str) -> list[dict[str, Any]]:
        """Return the files of a course.

        Raises:
            NoSuchThing: it is not theirs.
        """
        if name not in self._courses:
            raise NoSuchThing(thing="such course")
        return described(self._courses[name][1])

    def piece(self, name: str, md5: str, offset: int, length: int) -> bytes:
        """Return a piece of a content.

        Raises:
            NoSuchThing: it is not theirs, or not there.
        """
        if name not in self._courses or not MD5.fullmatch(md5):
            raise NoSuchThing(thing="such file")
        try:
            with self._courses[name][0].content(md5).open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError:
            raise NoSuchThing(thing="such file") from None


def described(edition: Edition) -> list[dict[str, Any]]:
    """Return the files of an edition as they are handed on."""
    return [
        {"path": file.path, "size": file.size, "mtime": file.mtime_ms / 1000, "md5": file.md5}
        for file in edition.files
    ]


class Courses:
    """All courses of a hub. Belongs on the event loop.

    Args:
        courses: what the admin set.
        folder: where they lie.
        most: bytes that one course may have.
        room: whether today's traffic with Google has room for some cost.
        charge: takes note of traffic with Google.
        off_loop: calls something that waits, in a thread.
        tell: told of each course that could not be fetched, with the reason.
        pantry: folder that people's servers have mounted, where there is one.
        fetch: carries out an import.
    """

    def __init__(
        self,
        courses: Mapping[str, Course],
        folder: Path,
        *,
        most: int,
        room: Callable[[Cost], bool],
        charge: Callable[[Cost], None],
        off_loop: OffLoop,
        tell: Callable[[str, DriveSyncError], None],
        pantry: Path | None = None,
        fetch: Fetch = in_child,
    ) -> None:
        self._courses = dict(courses)
        self._folder = folder
        self._most = most
        self._room = room
        self._charge = charge
        self._off_loop = off_loop
        self._tell = tell
        self._pantry = pantry
        self._fetch = fetch
        self._editions: dict[str, Edition] = {}
        self._over = threading.Event()

    def stop(self) -> None:
        """End a fetch under way; the next one goes on where it was."""
        self._over.set()

    async def start(self) -> None:
        """Find what was fetched before this process began."""
        for name in self._courses:
            try:
                self._editions[name] = await self._off_loop(self._found, name)
            except DriveSyncError as problem:
                self._tell(name, problem)

    async def live(self, seconds: float) -> None:
        """Fetch all courses, again and again.

        Args:
            seconds: between two times.
        """
        while True:
            for name in self._courses:
                await self.refresh(name)
            await asyncio.sleep(seconds)

    async def refresh(self, name: str) -> None:
        """Fetch what is new of a course; whatever goes wrong, the last edition stays."""
        try:
            await self._fetched(self._courses[name])
        except DriveSyncError as problem:
            self._tell(name, problem)

    def offered(self, groups: tuple[str, ...]) -> list[tuple[str, Edition]]:
        """Return the courses of a member of some groups, in the order of their names."""
        return [
            (name, self._editions[name])
            for name, course in sorted(self._courses.items())
            if course.is_for(groups) and self._editions.get(name, Edition()).version
        ]

    def edition(self, name: str, groups: tuple[str, ...]) -> Edition | None:
        """Return a course as it is now; None where there is none for a member of some groups."""
        return dict(self.offered(groups)).get(name)

    def content(self, name: str, md5: str, groups: tuple[str, ...]) -> Path | None:
        """Return where a content of a course lies; None where there is none for these groups."""
        edition = self.edition(name, groups)
        if edition is None or not MD5.fullmatch(md5):
            return None
        path = self._shelf(name).content(md5)
        return path if path.is_file() else None

    def given(self, groups: tuple[str, ...]) -> list[dict[str, str]]:
        """Return what nights put into the home of a member of some groups: name and folder."""
        return [
            {"name": name, "local": self._courses[name].local}
            for name, _ in self.offered(groups)
            if self._courses[name].local
        ]

    def shelf(self, names: Iterable[str]) -> Assigned:
        """Return some courses, as they are handed on to a child. Its methods wait for the disk."""
        known = {name: self._editions[name] for name in names if name in self._editions}
        return Assigned({name: (self._shelf(name), it) for name, it in known.items()})

    async def _fetched(self, course: Course) -> None:
        shelf = self._shelf(course.name)
        await self._off_loop(shelf.prepare)
        planned = await self._off_loop(self._import, course, True)
        coming, files = int(planned["bytes"]), len(planned["steps"]) + int(planned["steps_more"])
        before = self._editions.get(course.name, Edition())
        if before.bytes + coming > self._most:
            raise CourseFull(name=course.name, size=coming, limit=self._most)
        cost = Cost(_LIST_UNITS + files * _FILE_UNITS, coming)
        if not self._room(cost):
            raise CourseWaits(name=course.name)
        self._charge(cost)
        # Also where nothing is to come: what is gone on Drive is no longer handed on.
        done = await self._off_loop(self._import, course, False)
        gone = [each["path"] for each in done["files"] if each["outcome"] == "gone_on_drive"]
        await self._off_loop(shelf.remove, gone)
        edition = await self._off_loop(shelf.publish, before)
        self._editions[course.name] = edition
        if self._pantry is not None:
            await self._off_loop(shelf.stock, Pantry(self._pantry), edition)

    def _import(self, course: Course, dry_run: bool) -> Mapping[str, Any]:
        shelf = self._shelf(course.name)
        around = Place(self._folder, self._folder / "home-state", "", Path())
        return self._fetch(
            storages.job(
                around,
                course.storage,
                "import",
                args={"dry_run": dry_run},
                local=shelf.files,
                state_dir=shelf.state,
            ),
            self._over,
        )

    def _found(self, name: str) -> Edition:
        shelf = self._shelf(name)
        shelf.prepare()
        return shelf.publish(Edition()) if any(shelf.files.iterdir()) else Edition()

    def _shelf(self, name: str) -> Shelf:
        return Shelf(self._folder / name)
