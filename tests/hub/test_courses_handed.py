"""Course material, end to end: the hub's service fetches it once, and a student's home has it.

The service runs here, with the hub as a dictionary and LocalDrive as Google; the student has a
terminal in a server on that hub: real commands, real children.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.drive.credentials.broker_at import BrokerAt
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import HubSilent
from jupyter_drive_sync.hub.courses import Courses
from jupyter_drive_sync.hub.nights import Nights
from jupyter_drive_sync.runner import hub
from jupyter_drive_sync.runner.place import Place
from tests.hub.conftest import PREFIX, Stage
from tests.hub.test_courses import Campus, application_of, campus, checksum, nights

pytestmark = pytest.mark.usefixtures("unmeasured_children")

__all__ = ["application_of", "campus", "nights"]

BIG = os.urandom(2_500_000)
"""More than two pieces."""


@pytest.fixture
def options(campus: Campus, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "pantry").mkdir()
    return {
        "courses": {"physics": campus.options(groups=["phys-101"])},
        "courses_dir": str(tmp_path / "courses"),
        "courses_pantry": str(tmp_path / "pantry"),
    }


@dataclass
class Student:
    """Somebody with a server on the hub.

    Attributes:
        home: theirs.
        environment: of their server.
    """

    home: Path
    environment: dict[str, str]
    sent: list[str] = field(default_factory=list)

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command in their terminal."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "jupyter_drive_sync.cli", *arguments,
            cwd=self.home, env=self.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert b"Traceback" not in out + err
        return process.returncode or 0, out.decode(), err.decode()

    async def well(self, *arguments: str) -> str:
        code, out, err = await self.run(*arguments)
        assert code == 0, err
        return out

    async def refused(self, *arguments: str) -> str:
        code, _, err = await self.run(*arguments)
        assert code != 0
        lines = err.splitlines()
        return lines[-1]

    def here(self) -> dict[str, bytes]:
        root = self.home / "course"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }


def student(stage: Stage, campus: Campus, name: str = "ann", group: str = "phys-101") -> Student:
    home = stage.folder / f"home-{name}"
    home.mkdir()
    token = stage.server(name, groups=(group,))
    environment = {
        **os.environ,
        "HOME": str(home),
        "JUPYTERHUB_USER": name,
        "JUPYTERHUB_API_TOKEN": token,
        "DRIVE_SYNC_BROKER_URL": f"{stage.url}{PREFIX}",
        "DRIVE_SYNC_API_ENDPOINT": campus.url,
        "NO_PROXY": "127.0.0.1",
    }
    environment.pop("XDG_STATE_HOME", None)
    return Student(home, environment)


async def fetched(
    campus: Campus, nights: list[Nights], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """A hub that has fetched the course; which contents it was asked for since."""
    monkeypatch.setenv("DRIVE_SYNC_API_ENDPOINT", campus.url)
    campus.teacher.create("big.bin", BIG, parents=[campus.course])
    await nights[0].nightly.prepare()
    await nights[0].courses.refresh("physics")
    assert campus.downloads() == 3
    campus.server.log.clear()
    asked: list[str] = []
    content = Courses.content

    def noted(self: Courses, name: str, md5: str, groups: tuple[str, ...]) -> Path | None:
        asked.append(md5)
        return content(self, name, md5, groups)

    monkeypatch.setattr(Courses, "content", noted)
    return asked


async def test_those_that_a_person_may_have_are_offered(
    campus: Campus, stage: Stage, nights: list[Nights], monkeypatch: pytest.MonkeyPatch
) -> None:
    await fetched(campus, nights, monkeypatch)

    async def offered(name: str, group: str, at: str = PREFIX) -> list[str]:
        broker = BrokerAt(f"{stage.url}{at}", Secret(stage.server(name, groups=(group,))))
        place = Place(stage.folder, stage.folder / "state", "home/x", Path("c"), broker=broker)
        return await asyncio.to_thread(hub.courses, place)

    assert await offered("ann", "phys-101") == ["physics"]
    assert await offered("ben", "chem-101") == []
    with pytest.raises(HubSilent):
        await offered("ann", "phys-101", "/elsewhere/")
    assert hub.courses(Place(stage.folder, stage.folder, "home/x", Path("c"))) == []


ADD = ("storages", "add", "physics", "course", "physics", "--with", "hub")
WHOLE = {"intro.txt": b"welcome", "week 1/lab.txt": b"measure", "big.bin": BIG}


async def test_over_http(
    campus: Campus, stage: Stage, nights: list[Nights], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is mounted: by the server's own token, and without a request to Google."""
    handed = await fetched(campus, nights, monkeypatch)
    ann = student(stage, campus)
    said = await ann.well(*ADD, "--schedule", "0 5 * * *")
    assert "It works: the hub found the folder physics, and read " in said
    handed.clear()
    await ann.well("storages", "run", "physics")
    assert ann.here() == WHOLE
    assert len(handed) == 5, "the big one in three pieces"
    assert list(campus.server.log.records) == []
    # Again: only what changed, and over nobody's work.
    (ann.home / "course/intro.txt").write_bytes(b"my notes")
    (lab,) = campus.teacher.search("name = 'lab.txt'")
    campus.teacher.replace(lab["id"], b"measure twice")
    (intro,) = campus.teacher.search("name = 'intro.txt'")
    campus.teacher.replace(intro["id"], b"welcome all")
    await nights[0].courses.refresh("physics")
    handed.clear()
    said = await ann.well("storages", "run", "physics")
    assert "1 unchanged" in said
    here = ann.here()
    assert here["intro.txt"] == b"my notes"
    assert here["week 1/lab.txt"] == b"measure twice"
    assert sorted(here.values()) == sorted([b"my notes", b"measure twice", b"welcome all", BIG])
    assert len(handed) == 2
    # What the server shows to the hub is in no file of the home.
    token = ann.environment["JUPYTERHUB_API_TOKEN"].encode()
    for path in ann.home.rglob("*"):
        assert not path.is_file() or token not in path.read_bytes()


async def test_from_the_pantry(
    campus: Campus,
    stage: Stage,
    nights: list[Nights],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Where the pantry is mounted, contents come from there: of an import by the hub, and of one
    by the instructor's link alike.
    """
    handed = await fetched(campus, nights, monkeypatch)
    ann = student(stage, campus)
    ann.environment["DRIVE_SYNC_PANTRY"] = str(tmp_path / "pantry")
    await ann.well(*ADD)
    handed.clear()
    await ann.well("storages", "run", "physics")
    assert ann.here() == WHOLE
    assert handed == []
    key = ("--key", str(campus.key))
    await ann.well("storages", "add", "link", "again", campus.course, *key)
    campus.server.log.clear()
    await ann.well("storages", "run", "link")
    assert (ann.home / "again/big.bin").read_bytes() == BIG
    assert campus.downloads() == 0, "Google was asked for the listing alone"


async def test_what_is_cut_short_goes_on(
    campus: Campus, stage: Stage, nights: list[Nights], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service dies while it hands on the last piece of a file; two are here already."""
    handed = await fetched(campus, nights, monkeypatch)
    ann = student(stage, campus)
    await ann.well(*ADD)
    big = checksum(BIG)
    handed.clear()
    content = Courses.content

    def dying(self: Courses, name: str, md5: str, groups: tuple[str, ...]) -> Path | None:
        found = content(self, name, md5, groups)
        if handed.count(big) == 3:
            raise OSError("the service is being restarted")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Courses, "content", dying)
        code, _, err = await ann.run("storages", "run", "physics")
    assert code != 0
    assert "big.bin" not in ann.here()
    assert len(handed) <= 5, err
    handed.clear()
    await ann.well("storages", "run", "physics")
    assert ann.here() == WHOLE
    assert handed.count(big) == 1


async def test_a_content_that_is_not_what_it_should_be(
    campus: Campus,
    stage: Stage,
    nights: list[Nights],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    await fetched(campus, nights, monkeypatch)
    ann = student(stage, campus)
    await ann.well(*ADD)
    kept = next((tmp_path / "courses").rglob("big.bin"))
    with kept.open("r+b") as file:
        file.write(b"torn")
    code, out, _ = await ann.run("storages", "run", "physics")
    assert code == 1
    assert "big.bin" in out
    assert set(ann.here()) == {"intro.txt", "week 1/lab.txt"}


async def test_whose_course_it_is_not(
    campus: Campus, stage: Stage, nights: list[Nights], monkeypatch: pytest.MonkeyPatch
) -> None:
    await fetched(campus, nights, monkeypatch)
    ben = student(stage, campus, "ben", "chem")
    assert "no such course" in await ben.refused(*ADD)
    assert "no such course" in await ben.refused(*ADD[:4], "nonsense", *ADD[5:])
    assert "no name of a course" in await ben.refused(*ADD[:4], "a/b", *ADD[5:])
    assert "only brought" in await ben.refused(*ADD, "--export")
    assert "no service of a hub here" in await _alone(ben)
    assert not (ben.home / "course").exists()
    # A group that is left ends it; what came stays.
    ann = student(stage, campus)
    await ann.well(*ADD)
    await ann.well("storages", "run", "physics")
    ann.environment["JUPYTERHUB_API_TOKEN"] = stage.server("ann", "later", groups=())
    assert "no such course" in await ann.refused("storages", "run", "physics")
    assert ann.here() == WHOLE
    status = json.loads(await ann.well("storages", "show", "physics", "--json"))
    assert "no such course" in status["status"]["problem"]["sentence"]


async def _alone(somebody: Student) -> str:
    alone = Student(
        somebody.home,
        {n: v for n, v in somebody.environment.items() if n != "DRIVE_SYNC_BROKER_URL"},
    )
    return await alone.refused(*ADD)
