"""What the panel asks for: what the ledger or a child knows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.server.service import Service
from tests.server.conftest import Api
from tests.server.routes import snapshot


class TestSpace:
    """How full the account is."""

    async def test_of_nobody(self, api: Api) -> None:
        assert await api.refused("GET", "space") == (409, "auth.missing")

    @pytest.mark.usefixtures("really")
    async def test_is_asked_once_in_a_while(self, api: Api, service: Service) -> None:
        asked = _counted(service)
        first = await api.get("space")
        assert first["limit"] - first["usage"] == first["free"]
        assert await api.get("space") == first
        assert asked == ["validate"]
        assert await api.get("space?refresh=1") != first
        assert asked == ["validate", "validate"]

    @pytest.mark.usefixtures("connected")
    async def test_a_refusal_is_said_and_not_kept(self, api: Api, service: Service) -> None:
        asked = _counted(service)
        for _ in range(2):
            assert (await api.refused("GET", "space"))[1] == "auth.expired"
        assert len(asked) == 2


@pytest.mark.usefixtures("really")
class TestReally:
    """At a LocalDrive."""

    async def test_the_plan_says_what_the_sync_then_does(
        self, api: Api, service: Service, state: Path, home: Path
    ) -> None:
        plan = await api.get("plan")
        assert plan["counts"] == {"create_folder": 1, "create": 3}
        assert {step["path"] for step in plan["steps"]} == {
            "course", "course/data.csv", "course/lab.ipynb", "notes.txt",
        }  # fmt: skip
        assert plan["estimate"]["files"] == 3
        assert (await api.get("history"))["runs"] == []  # a look is no run
        await api.post("sync")
        await service.passes.wait()
        before = snapshot(state)
        plan = await api.get("plan")
        assert (plan["counts"], plan["steps"], plan["holds"]) == ({}, [], [])
        assert await api.get("plan") == plan  # for a while nobody looks again
        shutil.rmtree(home / "course")
        plan = await api.get("plan?refresh=1")
        assert [hold["kind"] for hold in plan["holds"]] == ["deletions"]
        assert snapshot(state).keys() == before.keys()

    async def test_the_ledger_as_a_person_reads_it(
        self, api: Api, service: Service, home: Path
    ) -> None:
        for path in ("apart", "tree"):
            assert (await api.get(path))["total"] == 0
        assert await api.refused("GET", "undoable") == (400, "undo.nothing")
        await api.post("sync")
        await service.passes.wait()
        assert await api.refused("GET", "undoable") == (400, "undo.nothing")
        (home / "notes.txt").write_text("second")
        await api.post("sync")
        await service.passes.wait()
        found = await api.get("undoable")
        assert [(f["path"], f["way"]) for f in found["files"]] == [("notes.txt", "put_back")]
        assert found == await api.get(f"undoable?run={found['run']}")
        tree = await api.get("tree")
        assert [child["name"] for child in tree["files"]] == ["course", "notes.txt"]
        assert (await api.get("tree?path=course&limit=1"))["total"] == 2
        assert (await api.get("apart?kind=newer"))["counts"] == dict.fromkeys(
            ("replaced", "newer", "archived", "unclaimed", "declined"), 0
        )


class TestRules:
    """What is left out, measured."""

    async def test_with_the_own_that_leave_nothing_out(self, api: Api, home: Path) -> None:
        (home / ".cache").mkdir()
        (home / ".cache" / "junk").write_text("x" * 70)
        await api.call("PATCH", "settings", {"excludes": ["/course/", "/nothing/"]})
        found = await api.get("rules")
        by_rule = {rule["rule"]: rule for rule in found["rules"]}
        assert by_rule[".cache/ (default)"]["bytes"] == 70
        assert by_rule["/course/ (excludes)"]["files"] == 2
        assert found["idle"] == ["/nothing/"]
        # Other rules are looked at anew at once.
        await api.call("PATCH", "settings", {"excludes": []})
        assert (await api.get("rules"))["idle"] == []


@pytest.mark.usefixtures("connected", "fake_child")
async def test_no_plan_while_something_runs(api: Api, service: Service) -> None:
    await api.post("sync", {"paths": ["waits"]})
    assert await api.refused("GET", "plan") == (409, "run.busy")
    service.passes.cancel()
    await service.passes.wait()


async def test_no_plan_without_consent(api: Api) -> None:
    assert await api.refused("GET", "plan") == (409, "auth.missing")


@pytest.mark.parametrize(
    "path",
    ["apart?kind=other", "tree?path=../a", "tree?path=/etc", "undoable?run=x", "undoable?run=0"],
)
async def test_what_cannot_be_understood(api: Api, path: str) -> None:
    assert await api.refused("GET", path) == (400, "request.invalid")


def _counted(service: Service) -> list[str]:
    """Have the jobs counted that children are given."""
    asked: list[str] = []
    perform = service.crew.perform

    async def counted(job: Any, *args: Any, **named: Any) -> Any:
        asked.append(job.kind)
        return await perform(job, *args, **named)

    service.crew.perform = counted  # type: ignore[method-assign]
    return asked
