"""The last sync of a home, the proof that the service makes itself, and what follows from it."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.core.tree import FileId, RelPath, Standing
from jupyter_drive_sync.drive.types import Patch
from jupyter_drive_sync.engine import frozen, manifest
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.hub.database import open_database
from jupyter_drive_sync.hub.manifest import Graduations, verify_in_child
from jupyter_drive_sync.hub.people import Granted, Store
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from tests.drive.ground import ROOT, DriveTime
from tests.engine.world import World
from tests.hub.night_world import NightWorld
from tests.hub.test_homes import Homes
from tests.virtual_clock import VirtualClock


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = VirtualClock()
    with LocalDrive(clock=DriveTime(clock), seed=1) as server:
        world = World(tmp_path, clock, server)
        for path in ("data8/lab01.ipynb", "data8/lab02.ipynb", "own/notes.txt", "own/old.txt"):
            world.write(path, f"content of {path}")
        world.sync()
        yield world


def graduate(world: World, folder: str = "") -> dict[str, Any]:
    return manifest.make(
        world.site, world.connect(), RelPath(folder), Progress(world.clock), lambda: None
    )


def verify(world: World, folder: str = "", since: float = 0.0) -> manifest.Verdict:
    return manifest.verify(world.connect(), world.home_id, RelPath(folder), ROOT, since)


def test_the_manifest_names_every_file_with_its_checksum_and_is_proven(world: World) -> None:
    made = graduate(world)
    assert (made["files"], made["unreadable"]) == (4, 0)
    verdict = verify(world)
    assert verdict.proven
    assert (verdict.files, verdict.wrong) == (4, ())
    content = json.loads(verdict.text)
    assert {item["path"]: item["md5"] for item in content["files"]} == {
        path: hashlib.md5(data, usedforsecurity=False).hexdigest()
        for path, data in world.local().items()
    }
    assert verdict.sha256 == hashlib.sha256(verdict.text.encode()).hexdigest()
    assert world.download(verdict.id) == verdict.text.encode()  # type: ignore[arg-type]


def test_the_manifest_is_no_part_of_the_mirror(world: World) -> None:
    graduate(world)
    for _ in range(3):
        report = world.sync()
        assert [*report.plan.operations()] == []
    assert world.sync().run.outcome == "completed"
    assert verify(world).proven


def test_what_is_not_on_drive_is_not_proven(world: World) -> None:
    graduate(world)
    world.edit_on_drive("own/notes.txt", b"something else")
    world.change_on_drive(world.remote()["own/old.txt"].id, trashed=True)
    verdict = verify(world)
    assert not verdict.proven
    assert dict(verdict.wrong) == {
        "own/notes.txt": "its checksum on Drive is another one",
        "own/old.txt": "it is not on Drive",
    }
    assert verdict.files == 2


def test_a_forged_manifest_proves_nothing_of_files_that_are_not_there(world: World) -> None:
    """A server's word: the service compares with what Drive itself says."""
    made = graduate(world)
    content = json.loads(world.download(made["id"]))
    content["files"].append({"path": "secret", "size": 1, "md5": "0" * 32, "mtime_ns": 1})
    patch = Patch(FileId(made["id"]), name=made["name"])
    world.person.replace_file(patch, json.dumps(content).encode())
    assert verify(world).wrong == (("secret", "it is not on Drive"),)


def test_an_old_manifest_or_none_proves_nothing(world: World) -> None:
    assert not verify(world).proven
    graduate(world)
    assert verify(world, since=world.clock.wall()).proven
    world.clock.advance(3 * 86_400)
    assert not verify(world, since=world.clock.wall()).proven


def test_nothing_is_trashed_any_more(world: World) -> None:
    graduate(world)
    (world.home / "own/old.txt").unlink()
    world.write("own/new.txt", "new")
    world.sync()
    assert world.standing("own/old.txt") is Standing.ARCHIVED
    assert {"own/old.txt", "own/new.txt"} <= world.remote().keys()
    for path in ("data8/lab01.ipynb", "data8/lab02.ipynb", "own/notes.txt"):
        (world.home / path).unlink()
    world.sync()
    assert world.holds() == []
    assert {"data8/lab01.ipynb", "own/notes.txt"} <= world.remote().keys()


def test_a_course_is_archived_and_the_rest_goes_on(world: World) -> None:
    made = graduate(world, "data8")
    assert made["files"] == 2
    assert verify(world, "data8").proven
    assert not verify(world).proven  # a part is no proof of the whole
    (world.home / "data8/lab01.ipynb").unlink()
    (world.home / "own/old.txt").unlink()
    world.sync()
    assert "data8/lab01.ipynb" in world.remote()
    assert "own/old.txt" not in world.remote()
    with world.ledger() as ledger:
        assert frozen.frozen_folders(ledger) == ("data8",)


def test_large_manifests_are_compressed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "_PLAIN", 100)
    assert graduate(world)["name"].endswith(".json.gz")
    assert verify(world).proven


# -- with real processes, on mounted homes ---------------------------------------------------------


def test_a_home_graduates() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="homes-") as folder,
        LocalDrive(seed=3) as drive,
        LocalDriveServer(drive) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        Path(folder).chmod(0o755)
        homes = Homes(Path(folder), drive, server.url)
        homes.make("ann", 61_001)
        order = homes.order("ann", args={"by_night": True, "final": ""})
        values = homes.runner.sync(order, homes.tokens, lambda _: None, threading.Event())
        assert values["manifest"]["files"] == 1
        home_id = homes.asked[0][0]
        patch.setenv("DRIVE_SYNC_API_ENDPOINT", server.url)
        patch.setenv("no_proxy", "*")
        found = verify_in_child(homes.tokens, home_id, "", 0.0)
        assert (found["proven"], found["files"]) == (True, 1)
        assert not verify_in_child(homes.tokens, "another home", "", 0.0)["proven"]


# -- in the service --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["servers", "mounted"])
def test_the_night_of_a_graduation(tmp_path: Path, mode: str) -> None:
    world = NightWorld(tmp_path, mode=mode)
    world.person("ann")
    world.person("bob")
    proven = {"ann": True, "bob": False}
    asked: list[tuple[str, str, str]] = []

    async def check(user: str, home_id: str, folder: str, since: float) -> Any:
        asked.append((user, home_id, folder))
        wrong = [] if proven[user] else [["lab.ipynb", "it is not on Drive"]]
        return {
            "proven": proven[user],
            "files": 20,
            "manifest": '{"files": []}',
            "sha256": "s",
            "wrong": wrong,
            "wrong_count": len(wrong),
        }

    async def nights() -> None:
        service = world.make()
        graduations = Graduations(
            engine=world.engine,
            journal=service.journal,
            verify=check,
            wall=world.clock.wall,
            log=logging.getLogger("night"),
        )
        service.graduated = graduations.synced
        await service.start()
        await service.meet()
        with pytest.raises(ValueError, match="no path below"):
            await graduations.ask([("ann", "")], "../bob", "root")
        assert await graduations.ask([("ann", ""), ("bob", ""), ("x", "")], "", "root") == 2
        await world.until_over(service)
        people = world.people()
        assert people["ann"].frozen_at
        assert not people["ann"].final
        assert not people["bob"].frozen_at
        assert people["bob"].final
        listed = {row["user"]: row for row in await graduations.listed()}
        assert listed["ann"]["state"] == "proven"
        assert listed["bob"]["problem"] == "1 not proven. lab.ipynb: it is not on Drive"
        assert await graduations.manifest(listed["ann"]["id"]) == '{"files": []}'
        assert await graduations.manifest(listed["bob"]["id"]) is None
        # Who is archived is left alone; who is not is tried again.
        proven["bob"] = True
        world.hub.users["ann"].last_activity = world.clock.wall()
        await world.until_over(service)
        assert world.people()["bob"].frozen_at
        await service.stop()

    world.run(nights())
    assert world.passes == {"ann": 1, "bob": 2}
    assert sorted(asked) == [("ann", "h-ann", ""), ("bob", "h-bob", ""), ("bob", "h-bob", "")]


def test_a_new_consent_does_not_forget_what_was_archived(tmp_path: Path) -> None:
    store = Store(open_database(f"sqlite:///{tmp_path}/hub.sqlite"))
    store.meet([Granted("ann", "h")])
    store.change_person("ann", "", {"frozen_at": 5.0})
    store.meet([])
    assert [person.frozen_at for person in store.people()] == [5.0]
