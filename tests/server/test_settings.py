"""Settings, pause, prompt: what a person says, and what the admin says louder."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.runner import settings_file
from jupyter_drive_sync.server.service import Service
from tests.server.conftest import Api


async def patch(api: Api, **values: Any) -> tuple[int, Any]:
    return await api.call("PATCH", "settings", values)


async def test_a_person_sets_and_the_command_line_reads(api: Api, state: Path) -> None:
    code, now = await patch(api, excludes=["scratch/"], time_zone="Europe/Zurich")
    assert (code, now["excludes"], now["time_zone"]) == (200, ["scratch/"], "Europe/Zurich")
    stored = settings_file.load(state)
    assert (stored.excludes, stored.time_zone) == (("scratch/",), "Europe/Zurich")
    assert await api.get("settings") == now


async def test_all_that_the_settings_editor_sets(api: Api, state: Path, service: Service) -> None:
    await service.start()
    values = {
        "max_file_size": 10**9, "bandwidth": 10**6, "notify": "never", "schedule": "15 4 * * 1-5",
    }  # fmt: skip
    code, now = await patch(api, **values)
    assert code == 200
    assert {name: now[name] for name in values} == values
    stored = settings_file.load(state)
    assert {name: getattr(stored, name) for name in values} == values
    assert service.schedule.expression == "15 4 * * 1-5"
    assert (await api.get("status"))["schedule"] == "15 4 * * 1-5"
    # Back to what is usual.
    _, now = await patch(api, **dict.fromkeys(values))
    assert (now["schedule"], now["notify"], now["bandwidth"]) == ("0 3 * * *", "problems", 0)
    assert settings_file.stored(state) == {}


async def test_changes_at_the_same_time_are_all_kept(api: Api, state: Path) -> None:
    """As of one tab whose fields are left one after the other, and of two tabs."""
    for turn in range(1, 6):
        values = {
            "max_file_size": turn, "bandwidth": turn, "excludes": [f"{turn}/"],
            "time_zone": "Europe/Zurich", "schedule": f"{turn} 4 * * *", "paused_until": turn,
        }  # fmt: skip
        answers = await asyncio.gather(
            *(patch(api, **{name: value}) for name, value in values.items())
        )
        assert [code for code, _ in answers] == [200] * len(values)
        assert settings_file.stored(state) == values
        await patch(api, **dict.fromkeys(values))


async def test_excludes_change_the_preview_at_once(api: Api) -> None:
    before = await api.get("preview")
    await patch(api, excludes=["course/"])
    after = await api.get("preview")
    assert (before["files"], after["files"]) == (3, 1)
    assert [item["path"] for item in after["left_out"]] == ["course"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"time_zone": "Mars/Olympus"}, "settings.invalid"),
        ({"time_zone": "../../etc/passwd"}, "settings.invalid"),
        ({"excludes": "a"}, "request.invalid"),
        ({"paused_until": True}, "request.invalid"),
        ({"paused_until": -2}, "settings.invalid"),
        ({"retries": 1}, "request.invalid"),
        ({"schedule": "at three"}, "settings.invalid"),
        ({"schedule": 3}, "request.invalid"),
        ({"max_file_size": 0}, "settings.invalid"),
        ({"max_file_size": 1.5}, "request.invalid"),
        ({"bandwidth": -1}, "request.invalid"),
        ({"bandwidth": True}, "request.invalid"),
        ({"notify": "always"}, "request.invalid"),
        ({}, "request.invalid"),
    ],
)
async def test_bad_values(api: Api, state: Path, values: Any, code: str) -> None:
    assert await api.refused("PATCH", "settings", values) == (400, code)
    assert settings_file.stored(state) == {}


class TestAdmin:
    @pytest.fixture
    def drive_sync_config(self) -> dict[str, Any]:
        return {
            "excludes": ["secret/"], "time_zone": "UTC", "ask": False, "notify": "never",
            "schedule": "30 2 * * *",
        }  # fmt: skip

    async def test_the_admins_word_wins(self, api: Api, state: Path) -> None:
        settings_file.change(state, {"excludes": ["mine/"], "includes": ["course/"]})
        now = await api.get("settings")
        assert (now["excludes"], now["includes"]) == (["secret/"], ["course/"])
        assert now["by_admin"] == ["excludes", "notify", "schedule", "time_zone"]
        assert now["schedule"] == "30 2 * * *"
        for name in ("schedule", "notify"):
            assert await api.refused("PATCH", "settings", {name: None}) == (
                409,
                "settings.by_admin",
            )
        assert await api.refused("PATCH", "settings", {"excludes": []}) == (
            409,
            "settings.by_admin",
        )

    async def test_nobody_is_asked(self, api: Api) -> None:
        assert (await api.get("prompt"))["ask"] is False
        assert (await api.post("prompt", {"action": "claim", "tab": "a"}))["mine"] is False

    async def test_nobody_is_told(self, api: Api, service: Service, connected: None) -> None:
        service.desk.settle("job", _full())
        assert (await api.get("status"))["incident"]["tell"] is False


def _full() -> Any:
    from jupyter_drive_sync.errors import DriveFull  # noqa: PLC0415

    return DriveFull()


@pytest.mark.usefixtures("connected", "fake_child")
async def test_paused_and_resumed(api: Api, service: Service) -> None:
    await patch(api, paused_until=service.wall() + 3600)
    status = await api.get("status")
    assert (status["state"], status["paused_by"]) == ("paused", "user")
    assert await api.refused("POST", "sync") == (409, "run.paused")
    await patch(api, paused_until=-1)
    assert (await api.get("status"))["paused_until"] == -1
    await patch(api, paused_until=None)
    status = await api.get("status")
    assert (status["paused"], status["paused_until"]) == (False, None)
    await patch(api, paused_until=service.wall() - 1)
    assert (await api.get("status"))["paused"] is False
    assert not (await api.post("sync"))["already"]
    await service.passes.wait()


@pytest.mark.usefixtures("connected")
class TestPausedByAdmin:
    @pytest.fixture
    def drive_sync_config(self) -> dict[str, Any]:
        return {"paused": True}

    async def test_says_so(self, api: Api) -> None:
        status = await api.get("status")
        assert (status["state"], status["paused_by"], status["next_run"]) == (
            "paused",
            "admin",
            None,
        )
        assert await api.refused("POST", "sync") == (409, "run.paused")
        assert await api.refused("POST", "authorize") == (409, "run.paused")


async def test_one_tab_asks(api: Api, service: Service) -> None:
    assert (await api.get("prompt")) == {
        "ask": True,
        "claimed": False,
        "mine": False,
        "not_before": None,
        "never": False,
    }
    assert (await api.post("prompt", {"action": "claim", "tab": "a"}))["mine"] is True
    assert (await api.post("prompt", {"action": "claim", "tab": "b"}))["mine"] is False
    assert (await api.get("prompt"))["claimed"] is True
    await api.post("prompt", {"action": "release", "tab": "b"})
    assert (await api.post("prompt", {"action": "claim", "tab": "a"}))["mine"] is True
    await api.post("prompt", {"action": "release", "tab": "a"})
    assert (await api.post("prompt", {"action": "claim", "tab": "b"}))["mine"] is True
    now = service.claim.clock()
    service.claim.clock = lambda: now + 61
    assert (await api.post("prompt", {"action": "claim", "tab": "a"}))["mine"] is True


async def test_not_now_is_a_week(api: Api, service: Service, state: Path) -> None:
    said = await api.post("prompt", {"action": "later"})
    assert said["ask"] is False
    assert said["not_before"] == pytest.approx(service.wall() + 7 * 86_400, abs=5)
    assert (await api.get("status"))["ask"] is False
    later = said["not_before"] + 1
    service.wall = lambda: later
    assert (await api.get("prompt"))["ask"] is True


async def test_never_is_for_good_and_can_be_taken_back(api: Api, state: Path) -> None:
    said = await api.post("prompt", {"action": "never"})
    assert (said["ask"], said["never"]) == (False, True)
    assert json.loads((state / "settings.json").read_text()) == {"ask_after": -1.0}
    assert (await api.post("prompt", {"action": "reset"}))["ask"] is True


@pytest.mark.parametrize(
    "body", [{}, {"action": "claim"}, {"action": "ask"}, {"action": "claim", "tab": "x" * 65}]
)
async def test_bad_prompts(api: Api, body: Any) -> None:
    assert await api.refused("POST", "prompt", body) == (400, "request.invalid")


async def test_without_a_client_the_admin_is_named(
    api: Api, client_file: Path, service: Service
) -> None:
    client_file.unlink()
    status = await api.get("status")
    assert status["state"] == "not_connected"
    assert (status["problem"]["code"], status["ask"]) == ("client_file.invalid", False)
    assert await api.refused("POST", "authorize") == (400, "client_file.invalid")


async def test_a_broken_settings_file_is_said(api: Api, connected: None, state: Path) -> None:
    (state / "settings.json").write_text('{"retries": "many"}')
    status = await api.get("status")
    assert (status["status"], status["problem"]["code"]) == ("failed", "settings.invalid")


async def test_history_before_the_first_sync(api: Api, state: Path) -> None:
    assert await api.get("history") == {"runs": [], "total": 0, "offset": 0}
    assert await api.refused("GET", "history/1/files") == (404, "request.unknown")
    assert await api.refused("GET", "holds/abc/files") == (404, "hold.unknown")
    assert await api.refused("POST", "release", {"id": "a", "choice": "keep"}) == (
        404,
        "hold.unknown",
    )
    assert not (state / "ledger.sqlite").exists(), "a look makes nothing"


@pytest.mark.parametrize("query", ["limit=501", "limit=0", "limit=x", "offset=-1", "offset=²"])
async def test_bad_pages(api: Api, query: str) -> None:
    assert await api.refused("GET", f"history?{query}") == (400, "request.invalid")


async def test_looking_writes_nothing(api: Api, state: Path) -> None:
    for path in ("status", "settings", "prompt", "history", "authorize", "disconnect"):
        await api.get(path)
    assert not state.exists()
