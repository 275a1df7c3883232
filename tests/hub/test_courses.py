"""Courses: fetched once, bounded and charged, and handed on to those who may have them."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
from tornado.web import Application

from jupyter_drive_sync.errors import BadSettings, DriveSyncError
from jupyter_drive_sync.home.pantry import Pantry
from jupyter_drive_sync.hub.app import make_all
from jupyter_drive_sync.hub.budget import Cost
from jupyter_drive_sync.hub.courses import Courses, in_child, read_courses
from jupyter_drive_sync.hub.nights import Nights
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.runner.protocol import Job
from tests.hub.conftest import PREFIX, Stage, fetch
from tests.localdrive.caller import BEN, Caller, caller

pytestmark = pytest.mark.usefixtures("unmeasured_children")


def checksum(content: bytes) -> str:
    return md5(content, usedforsecurity=False).hexdigest()


async def off_loop(call: Callable[..., Any], *args: Any) -> Any:
    return await asyncio.to_thread(call, *args)


@dataclass
class Campus:
    """An instructor's folder on a LocalDrive, and a hub's shelf for it."""

    server: LocalDrive
    url: str
    folder: Path
    teacher: Caller
    course: str
    key: Path
    room: bool = True
    charged: list[Cost] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    def options(self, **more: Any) -> dict[str, Any]:
        return {"drive": self.course, "key_file": str(self.key), **more}

    def courses(self, most: int = 10**9, pantry: Path | None = None, **more: Any) -> Courses:
        def carry_out(job: Job, over: threading.Event) -> Mapping[str, Any]:
            self.jobs.append(job)
            return in_child(job, over)

        def tell(name: str, problem: DriveSyncError) -> None:
            self.told.append((name, problem.code))

        return Courses(
            read_courses({"physics": self.options(**more)}),
            self.folder / "courses",
            most=most,
            room=lambda _cost: self.room,
            charge=self.charged.append,
            off_loop=off_loop,
            tell=tell,
            pantry=pantry,
            fetch=carry_out,
        )

    def downloads(self) -> int:
        records = self.server.log.records
        return sum(each.endpoint == "files.get" and each.units == 200 for each in records)


@pytest.fixture
def campus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Campus]:
    with LocalDrive(seed=5) as server, LocalDriveServer(server) as served:
        monkeypatch.setenv("DRIVE_SYNC_API_ENDPOINT", served.url)
        teacher = caller(server, BEN, scopes=("drive",))
        folder = teacher.folder("Physics")
        week = teacher.folder("week 1", parents=[folder])
        teacher.create("intro.txt", b"welcome", parents=[folder])
        teacher.create("lab.txt", b"measure", parents=[week])
        server.model.share_by_link(folder)
        account = server.oauth.add_service_account("course-reader")
        key = tmp_path / "service_account.json"
        key.write_text(json.dumps(server.oauth.service_account_file(account.email, served.url)))
        yield Campus(server, served.url, tmp_path, teacher, folder, key)


async def test_it_is_fetched_once_and_then_what_changed(campus: Campus) -> None:
    courses = campus.courses()
    await courses.start()
    assert courses.offered(()) == []
    await courses.refresh("physics")
    assert campus.told == []
    ((name, edition),) = courses.offered(())
    assert name == "physics"
    assert [(file.path, file.size) for file in edition.files] == [
        ("intro.txt", 7),
        ("week 1/lab.txt", 7),
    ]
    assert campus.downloads() == 2
    assert [cost.bytes for cost in campus.charged] == [14]
    found = courses.content("physics", checksum(b"welcome"), ())
    assert found is not None
    assert found.read_bytes() == b"welcome"
    campus.server.log.clear()
    await courses.refresh("physics")
    assert campus.downloads() == 0
    assert courses.edition("physics", ()) == edition
    (lab,) = campus.teacher.search("name = 'lab.txt'")
    campus.teacher.replace(lab["id"], b"measure twice")
    await courses.refresh("physics")
    newer = courses.edition("physics", ())
    assert newer is not None
    assert newer.version != edition.version
    assert campus.downloads() == 1
    # Who began with the old edition comes to its end.
    for content in (b"measure", b"measure twice", b"welcome"):
        path = courses.content("physics", checksum(content), ())
        assert path is not None
        assert path.read_bytes() == content
    await courses.refresh("physics")
    assert courses.content("physics", checksum(b"measure"), ()) is None


async def test_what_people_s_imports_take_is_put_into_the_pantry(campus: Campus) -> None:
    folder = campus.folder / "pantry"
    folder.mkdir()
    courses = campus.courses(pantry=folder)
    await courses.refresh("physics")
    pantry = Pantry(folder)
    for content in (b"welcome", b"measure"):
        digest = bytes.fromhex(checksum(content))
        assert b"".join(pantry.take(digest, len(content))) == content
    (kept,) = folder.rglob(checksum(b"welcome"))
    os.utime(kept, (0, 0))
    await courses.refresh("physics")
    assert kept.stat().st_mtime > 0, "what is in use is not thrown away"
    kept.unlink()
    await courses.refresh("physics")
    assert kept.read_bytes() == b"welcome"
    assert campus.downloads() == 2


async def test_a_restart_hands_on_what_was_fetched(campus: Campus) -> None:
    courses = campus.courses()
    await courses.refresh("physics")
    again = campus.courses()
    await again.start()
    assert again.offered(()) == courses.offered(())
    (intro,) = campus.teacher.search("name = 'intro.txt'")
    campus.teacher.ask("PATCH", f"/files/{intro['id']}", {"trashed": True})
    await again.refresh("physics")
    edition = again.edition("physics", ())
    assert edition is not None
    assert [file.path for file in edition.files] == ["week 1/lab.txt"]


async def test_it_is_bounded_and_budgeted(campus: Campus) -> None:
    small = campus.courses(most=10)
    await small.refresh("physics")
    assert campus.told == [("physics", "course.full")]
    campus.room = False
    courses = campus.courses()
    await courses.refresh("physics")
    assert campus.told[1:] == [("physics", "course.waits")]
    assert campus.downloads() == 0
    assert campus.charged == []
    campus.room = True
    await courses.refresh("physics")
    assert courses.edition("physics", ()) is not None


async def test_what_goes_wrong_leaves_the_last_edition(campus: Campus) -> None:
    courses = campus.courses()
    await courses.refresh("physics")
    before = courses.offered(())
    key = campus.key.read_text()
    campus.key.write_text("{}")
    await courses.refresh("physics")
    assert campus.told == [("physics", "service_account.invalid")]
    campus.key.write_text(key)
    campus.teacher.ask("PATCH", f"/files/{campus.course}", {"trashed": True})
    await courses.refresh("physics")
    assert [code for _, code in campus.told[1:]] == ["folder.trashed"]
    assert courses.offered(()) == before


async def test_a_service_that_stops_ends_the_fetch(campus: Campus) -> None:
    courses = campus.courses()
    courses.stop()
    await courses.refresh("physics")
    assert courses.offered(()) == [] or campus.told == []


async def test_groups(campus: Campus) -> None:
    courses = campus.courses(groups=["phys-101"])
    await courses.refresh("physics")
    assert courses.offered(()) == []
    assert courses.edition("physics", ("chem",)) is None
    assert courses.content("physics", checksum(b"welcome"), ("chem",)) is None
    assert courses.edition("physics", ("chem", "phys-101")) is not None
    assert courses.content("other", checksum(b"welcome"), ("phys-101",)) is None
    for odd in ("", "../state", "x" * 32, checksum(b"nothing")):
        assert courses.content("physics", odd, ("phys-101",)) is None


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"a": []}, "no dictionary"),
        ({"a": {}}, "drive"),
        ({"a": {"drive": "x", "key_file": "k", "groups": "g"}}, "groups"),
        ({"a": {"drive": "x", "key_file": "k", "direction": "y"}}, "no setting direction"),
        ({"a": {"drive": "x", "key_file": "k", "local": "../y"}}, "upwards"),
        ({"a": {"drive": "x", "key_file": "k", "local": "/etc"}}, "outside of the home"),
        ({"a": {"drive": "x", "key_file": "k", "local": 5}}, "local is no text"),
        ({"a": {"drive": "x"}}, "key"),
        ({"a/b": {"drive": "x", "key_file": "k"}}, "name"),
    ],
)
def test_senseless_courses(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadSettings, match=problem):
        read_courses(values)


# -- handed on ------------------------------------------------------------------------------------


@pytest.fixture
def options(campus: Campus, tmp_path: Path) -> dict[str, Any]:
    return {
        "courses": {"physics": campus.options(groups=["phys-101"])},
        "courses_dir": str(tmp_path / "courses"),
    }


@pytest.fixture
def nights() -> Iterator[list[Nights]]:
    made: list[Nights] = []
    yield made
    for each in made:
        each.courses.stop()
        each.nightly.journal.close()
        each.http.close()


@pytest.fixture
def application_of(nights: list[Nights]) -> Callable[[Stage], Application]:
    def make(stage: Stage) -> Application:
        application, made = make_all(stage.parts, stage.environment)
        nights.append(made)
        return application

    return make


async def test_servers_get_their_courses(
    campus: Campus, stage: Stage, nights: list[Nights], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIVE_SYNC_API_ENDPOINT", campus.url)
    await nights[0].nightly.prepare()
    await nights[0].courses.refresh("physics")
    ann = stage.server("ann", groups=("phys-101",))
    status, said = await stage.call("api/courses", ann, method="GET")
    assert status == 200
    (course,) = said["courses"]
    assert (course["name"], course["count"], course["bytes"]) == ("physics", 2, 14)
    status, said = await stage.call("api/course?name=physics", ann, method="GET")
    assert status == 200
    assert [file["path"] for file in said["files"]] == ["intro.txt", "week 1/lab.txt"]
    text = json.dumps(said)
    assert campus.course not in text
    assert "gserviceaccount" not in text
    url = f"{stage.url}{PREFIX}api/course/file?name=physics&md5={said['files'][0]['md5']}"
    headers = {"Authorization": f"token {ann}"}
    whole = await fetch(url, headers=headers)
    assert (whole.code, whole.body) == (200, b"welcome")
    assert whole.headers["Cache-Control"] == "no-store"
    rest = await fetch(url, headers={**headers, "Range": "bytes=3-"})
    assert (rest.code, rest.body) == (206, b"come")
    assert rest.headers["Content-Range"] == "bytes 3-6/7"
    part = await fetch(url, headers={**headers, "Range": "bytes=1-2"})
    assert (part.code, part.body, part.headers["Content-Range"]) == (206, b"el", "bytes 1-2/7")
    past = await fetch(url, headers={**headers, "Range": "bytes=3-99"})
    assert (past.code, past.body, past.headers["Content-Range"]) == (206, b"come", "bytes 3-6/7")
    for odd in ("bytes=7-", "bytes=-1", "bytes=2-1", "bytes=0-1,3-4", "x"):
        assert (await fetch(url, headers={**headers, "Range": odd})).code == 400
    spent = nights[0].nightly.spent
    assert spent["bytes"] == 14


async def test_nobody_else_gets_them(
    campus: Campus, stage: Stage, nights: list[Nights], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIVE_SYNC_API_ENDPOINT", campus.url)
    await nights[0].nightly.prepare()
    await nights[0].courses.refresh("physics")
    ben = stage.server("ben", groups=("chem",))
    assert await stage.call("api/courses", ben, method="GET") == (200, {"courses": []})
    content = checksum(b"welcome")
    for path in ("api/course?name=physics", f"api/course/file?name=physics&md5={content}"):
        assert (await stage.call(path, ben, method="GET"))[0] == 404
        assert (await stage.call(path, "unknown", method="GET"))[0] == 403
        assert (await fetch(f"{stage.url}{PREFIX}{path}")).code == 403
        assert (await stage.call(path, ben))[0] == 405
    assert (await stage.call("api/course", ben, method="GET"))[0] == 400
    odd = "api/course/file?name=physics&md5=..%2Fstate%2Fledger.sqlite"
    ann = stage.server("ann", groups=("phys-101",))
    assert (await stage.call(odd, ann, method="GET"))[0] == 404
