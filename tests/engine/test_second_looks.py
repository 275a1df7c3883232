"""Things that come back: from the trash, after a limit, in another shape."""

from __future__ import annotations

import json
from collections.abc import Mapping

from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.drive.wire import Reply, Wire
from jupyter_drive_sync.localdrive.faults import Fault
from tests.engine.world import World


def test_what_a_person_takes_out_of_the_trash_gets_no_second_copy(world: World) -> None:
    for number in range(6):
        world.write(f"lab/f{number}.txt", str(number))
    world.sync()
    file_id = world.remote()["lab/f0.txt"].id
    (world.home / "lab/f0.txt").unlink()
    world.sync()
    assert "lab/f0.txt" not in world.remote()
    world.sync()

    world.change_on_drive(file_id, trashed=False)
    report = world.sync()
    assert not report.run.verified
    assert report.run.counters["unclaimed"] == 1
    world.write("lab/f0.txt", "0")
    world.sync()
    assert world.remote()["lab/f0.txt"].id == file_id
    assert world.mirrored() == world.local()
    world.sync()
    assert world.requests() == 1


def test_a_folder_in_a_files_place_and_back(world: World) -> None:
    for number in range(6):
        world.write(f"lab/f{number}.txt", str(number))
    world.sync()
    (world.home / "lab/f0.txt").unlink()
    world.write("lab/f0.txt/inside.txt", "in a folder")
    world.sync()
    assert world.mirrored() == world.local()

    (world.home / "lab/f0.txt/inside.txt").unlink()
    (world.home / "lab/f0.txt").rmdir()
    world.write("lab/f0.txt", "a file again")
    world.sync()
    assert world.mirrored() == world.local()
    assert not world.sync().plan.writes


class Limited:
    """A Drive that takes no more content today."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        if "/upload/" not in uri:
            return self._wire.request(method, uri, headers, body)
        error = {
            "domain": "usageLimits",
            "reason": "userRateLimitExceeded",
            "message": "User rate limit exceeded: the daily upload limit is reached.",
        }
        content = {"error": {"code": 403, "message": error["message"], "errors": [error]}}
        return Reply(403, {"content-type": "application/json"}, json.dumps(content).encode())

    def close(self) -> None:
        self._wire.close()


def test_googles_daily_limit_parks_uploads_for_a_day(world: World) -> None:
    world.write("a.txt", "a")
    world.sync()
    world.write("b.txt", "b")
    world.wrap = Limited
    report = world.sync()
    assert report.run.outcome == "completed_with_errors"
    assert report.run.problem is not None
    assert report.run.problem["code"] == "drive.daily_upload_limit"
    world.wrap = lambda wire: wire

    (world.home / "a.txt").rename(world.home / "moved.txt")
    report = world.sync()
    assert [o.outcome for o in report.outcomes if o.path == "moved.txt"] == ["moved"]
    assert world.server.log.count("files.create") == 0
    world.clock.advance(DAY)
    assert world.sync().run.outcome == "completed"
    assert world.mirrored() == world.local()


def test_uploads_that_nobody_goes_on_with_are_forgotten(world: World) -> None:
    world.with_settings(small_file=1000, chunk_size=256 * 1024)
    world.write("big.bin", b"x" * 600_000)
    world.server.faults.add(Fault("storage", "upload.put"))
    world.sync()
    world.server.faults.clear()
    (world.home / "big.bin").unlink()
    world.sync()
    assert SecretsStore(world.state).sessions() == ()
