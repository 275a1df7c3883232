"""What brings things back, through the server: its own result, and syncing stands as before."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.engine.report import Status
from jupyter_drive_sync.server.service import Service
from tests.server.conftest import Api


async def finished(service: Service, api: Api) -> Any:
    await service.passes.wait()
    return (await api.get("restore"))["last"]


@pytest.mark.usefixtures("really")
async def test_the_whole_story(api: Api, service: Service, home: Path, state: Path) -> None:
    """Really: mirror, lose, restore, older version, undo."""
    await api.post("sync")
    await service.passes.wait()
    before = Status.load(state)
    shutil.rmtree(home / "course")
    job = (await api.post("restore", {"paths": ["course"]}))["job"]
    last = await finished(service, api)
    assert (last["job"], last["kind"], last["running"], last["problem"]) == (
        job,
        "restore",
        False,
        None,
    )
    assert {f["path"] for f in last["result"]["files"]} == {"course/lab.ipynb", "course/data.csv"}
    assert (home / "course/lab.ipynb").read_text() == "{}"
    after = Status.load(state)
    assert (after.status, after.last_sync, after.job) == (
        "completed",
        before.last_sync,
        before.job,
    )
    assert after.seq > before.seq
    assert (await api.get("status"))["state"] == "synced"

    (home / "notes.txt").write_text("second")
    await api.post("sync")
    await service.passes.wait()
    found = await api.get("versions?path=notes.txt")
    assert [each["current"] for each in found["versions"]] == [True, False]
    oldest = found["versions"][1]["id"]
    await api.post("versions", {"path": "notes.txt", "revision": oldest, "action": "keep"})
    last = await finished(service, api)
    assert (last["kind"], last["result"]["kept"]) == ("versions", 1)
    shown = await api.get(f"difference?path=notes.txt&revision={oldest}")
    assert (shown["how"], shown["here"]) == ("text", True)
    assert [(line["sign"], line["text"]) for line in shown["lines"][1:]] == [
        ("-", "notes"),
        ("+", "second"),
    ]
    # As a copy: what is here keeps its name, though it is as it was synced.
    await api.post("restore", {"paths": ["notes.txt"], "revision": oldest})
    last = await finished(service, api)
    assert (home / "notes.txt").read_text() == "second"
    ((copy, outcome),) = [(f["path"], f["outcome"]) for f in last["result"]["files"]]
    assert outcome == "beside", (copy, outcome)
    (home / "copies").mkdir()
    body = {"paths": ["notes.txt"], "revision": oldest, "to": "copies"}
    await api.post("restore", body)
    await finished(service, api)
    assert (home / "copies/notes.txt").read_text() == "notes"
    await api.post("undo")
    last = await finished(service, api)
    assert [f["outcome"] for f in last["result"]["files"]] == ["put_back"]
    runs = (await api.get("history"))["runs"]
    assert len(runs) == 6  # two syncs, three restores, one undo


@pytest.mark.usefixtures("really")
async def test_bring_back_to_my_home(api: Api, service: Service, home: Path) -> None:
    """The button of a hold: the answer, and the sync that carries it out."""
    await api.post("sync")
    await service.passes.wait()
    shutil.rmtree(home / "course")
    await api.post("sync")
    await service.passes.wait()
    (hold,) = (await api.get("status"))["holds"]
    assert hold["choices"] == ["restore", "keep", "trash"]
    answer = await api.post("release", {"id": hold["id"], "choice": "restore"})
    assert answer["files"] == 2
    assert answer["job"]
    await service.passes.wait()
    assert (home / "course/data.csv").read_text() == "1,2\n"
    status = await api.get("status")
    assert (status["state"], status["holds"]) == ("synced", [])


@pytest.mark.usefixtures("connected", "fake_child")
class TestAsAJob:
    """With a child that does tricks."""

    async def test_a_difference(self, api: Api) -> None:
        found = await api.get("difference?path=a/b.ipynb&revision=r1")
        assert (found["path"], found["revision"]) == ("a/b.ipynb", "r1")
        assert [line["sign"] for line in found["lines"]] == ["-", "+"]

    @pytest.mark.parametrize("query", ["path=a", "revision=r", "path=../a&revision=r"])
    async def test_a_difference_of_nothing(self, api: Api, query: str) -> None:
        assert await api.refused("GET", f"difference?{query}") == (400, "request.invalid")

    async def test_nothing_yet(self, api: Api) -> None:
        assert await api.get("restore") == {"last": None}

    async def test_one_at_a_time(self, api: Api, service: Service) -> None:
        job = (await api.post("restore", {"paths": ["waits"]}))["job"]
        assert (await api.get("restore"))["last"] == {
            "job": job,
            "kind": "restore",
            "running": True,
            "problem": None,
        }
        for path, body in (
            ("restore", {}),
            ("undo", {}),
            ("versions", {"path": "a", "revision": "r", "action": "keep"}),
        ):
            status, said = await api.call("POST", path, body)
            assert (status, said["code"]) == (409, "run.busy")
        assert (await api.post("sync"))["already"]
        assert (await api.get("status"))["state"] == "syncing"
        assert (await api.post("cancel"))["job"] == job
        last = await finished(service, api)
        assert last["problem"]["code"] == "run.cancelled"
        assert (await api.get("status"))["problem"] is None

    async def test_a_failure_is_no_failed_sync(
        self, api: Api, service: Service, state: Path
    ) -> None:
        for trick, code in (("full", "drive.full"), ("killed", "run.killed")):
            await api.post("restore", {"paths": [trick]})
            last = await finished(service, api)
            assert last["problem"]["code"] == code
            assert "result" not in last
            assert Status.load(state).status == "initialized"

    async def test_a_night_waits_for_it(self, api: Api, service: Service) -> None:
        """What is due while something is brought back comes afterwards, and is a sync."""
        await api.post("restore", {"paths": ["waits"]})
        night = asyncio.get_running_loop().create_task(service._run_by_itself())
        await asyncio.sleep(0)
        service.passes.cancel()
        await night
        assert service.passes.brought is not None
        assert service.passes.brought["problem"]["code"] == "run.cancelled"
        assert service.passes.current is None

    async def test_what_is_asked_reaches_the_child(
        self, api: Api, service: Service, home: Path
    ) -> None:
        body = {"paths": ["a"], "to": "d/e", "as_of": 5.5, "trashed": True, "dry_run": True}
        await api.post("restore", body)
        last = await finished(service, api)
        assert last["result"]["args"] == {**body, "to": str(home / "d/e")}
        await api.post("undo", {"run": 7})
        assert (await finished(service, api))["result"]["args"] == {"run": 7}

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("restore", {"paths": ["../a"]}),
            ("restore", {"paths": ["/a"]}),
            ("restore", {"to": "../elsewhere"}),
            ("restore", {"to": "/etc"}),
            ("restore", {"revision": ""}),
            ("restore", {"revision": "r"}),
            ("restore", {"paths": ["a", "b"], "revision": "r"}),
            ("restore", {"paths": ["a"], "revision": "r", "as_of": 1}),
            ("restore", {"as_of": "yesterday"}),
            ("restore", {"trashed": 1}),
            ("restore", {"more": 1}),
            ("undo", {"run": 0}),
            ("undo", {"run": True}),
            ("undo", {"run": "last"}),
            ("versions", {"path": "a", "revision": "r"}),
            ("versions", {"path": "../a", "revision": "r", "action": "keep"}),
            ("versions", {"path": "a", "revision": "r", "action": "delete"}),
        ],
    )
    async def test_what_cannot_be_understood(
        self, api: Api, service: Service, path: str, body: Any
    ) -> None:
        status, said = await api.call("POST", path, body)
        assert (status, said["code"]) == (400, "request.invalid")
        assert service.passes.current is None

    @pytest.mark.parametrize("query", ["", "?path=", "?path=../a", "?path=/etc/passwd"])
    async def test_versions_of_no_file(self, api: Api, query: str) -> None:
        status, said = await api.call("GET", f"versions{query}")
        assert (status, said["code"]) == (400, "request.invalid")


async def test_without_consent(api: Api) -> None:
    for method, path in (
        ("POST", "restore"),
        ("POST", "undo"),
        ("GET", "versions?path=a"),
        ("GET", "difference?path=a&revision=r"),
    ):
        status, said = await api.call(method, path)
        assert (status, said["code"]) == (409, "auth.missing"), path
