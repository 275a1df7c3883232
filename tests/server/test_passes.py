"""Passes: one at a time, cancelled, killed, cut off by a server that stops."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.engine.lease import Process
from jupyter_drive_sync.engine.report import Status
from jupyter_drive_sync.server.herald import SCHEMA_ID
from jupyter_drive_sync.server.service import Service
from tests.server.conftest import Api

pytestmark = pytest.mark.usefixtures("connected", "fake_child")


async def under_way(service: Service) -> int:
    """Wait until the running pass has a child that talks; return its process."""
    async with asyncio.timeout(30):
        while not (
            (run := service.passes.current) and run.child and run.progress.phase == "copying"
        ):
            await asyncio.sleep(0.01)
    return run.child.pid


async def test_two_at_once_are_one(api: Api, service: Service) -> None:
    first, second = await asyncio.gather(
        api.post("sync", {"paths": ["waits"]}), api.post("sync", {"paths": ["waits"]})
    )
    assert first["job"] == second["job"]
    assert [first["already"], second["already"]].count(True) == 1
    status = await api.get("status")
    assert (status["state"], status["status"], status["job"]) == (
        "syncing",
        "queued",
        first["job"],
    )
    await under_way(service)
    progress = (await api.get("status"))["progress"]
    assert (progress["done"], progress["total"], progress["bytes_total"]) == (1, 9, 90)
    assert progress["slowed"] is True
    assert (await api.post("cancel"))["cancelled"]
    await service.passes.wait()


async def test_cancelled_is_no_failure(api: Api, service: Service) -> None:
    job = (await api.post("sync", {"paths": ["waits"]}))["job"]
    pid = await under_way(service)
    assert await api.post("cancel") == {"job": job, "cancelled": True}
    await service.passes.wait()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    status = await api.get("status")
    assert (status["state"], status["problem"]["code"]) == ("waiting", "run.cancelled")
    assert status["incident"]["tell"] is False
    assert await api.post("cancel") == {"job": "", "cancelled": False}


async def test_cancelled_before_there_is_a_child(api: Api, service: Service) -> None:
    await api.post("sync", {"paths": ["waits"]})
    service.passes.cancel()
    await service.passes.wait()
    assert (await api.get("status"))["problem"]["code"] == "run.cancelled"


async def test_a_killed_child_is_noticed(api: Api, service: Service) -> None:
    await api.post("sync", {"paths": ["killed"]})
    await service.passes.wait()
    status = await api.get("status")
    assert (status["status"], status["problem"]["code"]) == ("failed", "run.killed")
    assert status["problem"]["params"]["cause"] == "killed"


async def test_a_status_that_a_dead_child_left_is_mended(
    api: Api, service: Service, state: Path
) -> None:
    started = asyncio.Event()
    service.passes._audience.began = started.set  # type: ignore[method-assign]
    job = (await api.post("sync", {"paths": ["waits"]}))["job"]
    pid = await under_way(service)
    Status(status="in_progress", job=job, process=Process.current(), started=1.0).save(state)
    os.kill(pid, signal.SIGKILL)
    await service.passes.wait()
    left = Status.load(state)
    assert (left.status, left.process, left.started) == ("failed", None, 1.0)
    assert left.problem is not None
    assert left.problem["code"] == "run.killed"


async def test_a_server_that_stops_ends_its_child_in_order(
    api: Api, service: Service, state: Path
) -> None:
    await api.post("sync", {"paths": ["waits"]})
    pid = await under_way(service)
    await service.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    problem = Status.load(state).problem
    assert problem is not None
    assert problem["code"] == "run.killed"  # not "you stopped it": nobody did
    assert service.passes.current is None


async def test_after_a_restart_the_cut_off_pass_reads_as_stopped(api: Api, state: Path) -> None:
    gone = Process("host", "boot", 1, "1")
    here = Process.current()
    Status(
        status="in_progress",
        job="old",
        started=1.0,
        process=Process(here.host, here.boot, here.pid, "another start"),
        meta={"time_last_ping": 1e12},
    ).save(state)
    status = await api.get("status")
    assert (status["status"], status["problem"]["code"]) == ("failed", "run.killed")
    assert status["state"] == "cant_sync"
    Status(status="in_progress", job="old", process=gone, meta={"time_last_ping": 0}).save(state)
    assert (await api.get("status"))["problem"]["params"]["cause"] == "silence"


async def test_somebody_elses_pass_is_the_answer(api: Api, service: Service, state: Path) -> None:
    meta = {"time_last_ping": service.wall()}
    Status(status="in_progress", job="theirs", process=Process.current(), meta=meta).save(state)
    assert await api.post("sync") == {"job": "theirs", "already": True}
    assert service.passes.current is None


async def test_a_problem_is_said_once(api: Api, service: Service) -> None:
    for _ in range(2):
        await api.post("sync", {"paths": ["full"]})
        await service.passes.wait()
    status = await api.get("status")
    assert (status["state"], status["problem"]["code"]) == ("needs_you", "drive.full")
    incident = status["incident"]
    assert (incident["code"], incident["tell"]) == ("drive.full", True)
    told = await api.post("acknowledge", {"id": incident["id"]})
    assert told["incident"] == {**incident, "tell": False}
    await api.post("sync", {"paths": ["full"]})
    await service.passes.wait()
    assert (await api.get("status"))["incident"]["tell"] is False
    service.desk._wall = lambda: 8 * 86_400 + service.wall()
    assert (await api.get("status"))["incident"]["tell"] is True, "once more after a week"


async def test_an_incident_that_nobody_has_is_not_taken(api: Api) -> None:
    assert await api.post("acknowledge", {"id": "none"}) == {"incident": None}


async def test_another_process_that_was_quicker_leaves_no_failure(
    api: Api, service: Service, state: Path
) -> None:
    await api.post("sync", {"paths": ["busy"]})
    await service.passes.wait()
    assert Status.load(state).problem is None


async def test_a_fault_of_ours(
    api: Api, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await api.post("sync", {"paths": ["crashes"]})
    await service.passes.wait()
    status = await api.get("status")
    assert (status["problem"]["code"], status["problem"]["who"]) == ("internal", "bug")
    assert "ZeroDivisionError" in status["traceback"]
    assert "ZeroDivisionError" in caplog.text


async def test_a_child_that_cannot_start(api: Api, service: Service) -> None:
    service.crew._options["command"] = ["/nonexistent"]
    await api.post("sync")
    await service.passes.wait()
    assert (await api.get("status"))["problem"]["code"] == "internal"


async def test_progress_is_told_four_times_a_second_at_most(
    api: Api, service: Service, jp_serverapp: Any
) -> None:
    told: list[tuple[float, dict[str, Any]]] = []
    loop = asyncio.get_running_loop()

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        told.append((loop.time(), data))

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    await api.post("sync", {"paths": ["many"]})
    async with asyncio.timeout(30):
        while not any(data.get("done") == 1 and data["total"] == 9 for _, data in told):
            await asyncio.sleep(0.01)
    times = [at for at, data in told if data["reason"] == "progress"]
    assert 1 <= len(times) <= 3
    assert all(later - sooner > 0.2 for sooner, later in itertools.pairwise(times))
    await api.post("cancel")
    await service.passes.wait()


async def test_what_is_saved_is_not_called_synced(
    api: Api, service: Service, jp_fetch: Any, state: Path, home: Path
) -> None:
    await api.get("status")
    Status(status="completed", last_sync=service.wall(), job="j").save(state)
    assert (await api.get("status"))["state"] == "synced"
    body = '{"type": "file", "format": "text", "content": "new"}'
    await jp_fetch("api", "contents", "notes.txt", method="PUT", body=body)
    await jp_fetch("api", "contents", "notes.txt", method="PUT", body=body)
    status = await api.get("status")
    assert (status["state"], status["saved_since"]) == ("waiting", 1)
    await api.post("sync", {"paths": ["done"]})
    await service.passes.wait()
    assert (await api.get("status"))["saved_since"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"paths": "notes.txt"},
        {"paths": ["/etc/passwd"]},
        {"paths": ["../bob"]},
        {"paths": ["a//b"]},
        {"paths": [""]},
        {"paths": [1]},
        {"path": "notes.txt"},
        [],
    ],
)
async def test_bad_bodies(api: Api, body: Any) -> None:
    assert await api.refused("POST", "sync", body) == (400, "request.invalid")


async def test_a_body_that_is_no_json(jp_fetch: Any, api: Api) -> None:
    reply = await jp_fetch(
        "drive-sync", "api", "sync", method="POST", body=b"{" * 100_000, raise_error=False
    )
    assert reply.code == 400


async def test_a_sync_that_meets_a_server_on_its_way_out(service: Service, state: Path) -> None:
    """Its child never began: nobody's bug, and the next run goes on."""
    await service.crew.close()
    service.passes.start()
    await service.passes.wait()
    problem = Status.load(state).problem
    assert problem is not None
    assert (problem["code"], problem["params"]["cause"]) == ("run.killed", "parent")
