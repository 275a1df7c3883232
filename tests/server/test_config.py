"""``c.DriveSync``: traits, their page, and what is refused."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config, LoggingConfigurable

from jupyter_drive_sync.core import cron
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.errors import BadSettings, UsageError
from jupyter_drive_sync.server.config import DriveSync, read_config
from jupyter_drive_sync.server.nightly import Nightly

PAGE = Path(__file__).parents[2] / "docs" / "admin" / "configuration.md"
TRAITS = DriveSync.class_own_traits(config=True)


def configured(**values: Any) -> DriveSync:
    config = Config({"DriveSync": values})
    return read_config(_Parent(config=config), config)


class _Parent(LoggingConfigurable):
    """Something with a configuration, as the extension is."""


def test_every_setting_of_a_pass_is_a_trait_with_the_same_default() -> None:
    for field in fields(Settings):
        if field.name in ("paused_until", "ask_after"):
            assert field.name not in TRAITS, "a person says this"
            continue
        default = TRAITS[field.name].default()
        default = tuple(default) if isinstance(default, list) else default
        assert default == field.default, field.name


def test_every_trait_has_help() -> None:
    for name, trait in TRAITS.items():
        assert len(trait.help) > 10, name
        assert trait.help.rstrip().endswith("."), name


def test_the_page_has_every_trait_with_its_default_and_help() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {name: (default, text) for name, default, text in rows} == {
        name: (json.dumps(trait.default()), trait.help) for name, trait in TRAITS.items()
    }


def test_the_page_names_every_metric() -> None:
    import prometheus_client  # noqa: PLC0415

    import jupyter_drive_sync.server.metrics  # noqa: F401, PLC0415

    ours = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in prometheus_client.REGISTRY.collect()
        if family.name.startswith("drive_sync_")
    }
    assert ours == set(re.findall(r"`(drive_sync_\w+)`", PAGE.read_text("utf-8")))


def test_what_is_set_to_its_default_is_set_too() -> None:
    assert configured(retries=8).overrides() == {"retries": 8}
    assert configured(schedule="").overrides() == {"schedule": ""}
    assert configured(jitter=0).overrides() == {}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"retries": "many"}, "retries"),
        ({"retries": 0}, "retries"),
        ({"chunk_size": 1000}, "chunk_size"),
        ({"guard_share": 2.0}, "guard_share"),
        ({"on_local_delete": "burn"}, "on_local_delete"),
        ({"schedule": "at night"}, "schedule"),
        ({"schedule": "0 25 * * *"}, "25 is no hour"),
        ({"time_zone": "Mars"}, "no time zone"),
        ({"jitter": -1}, "jitter"),
        ({"catch_up": 1 << 20}, "catch_up"),
        ({"retrys": 1}, "no such setting"),
    ],
)
def test_bad_values_are_refused_in_one_sentence(values: dict[str, Any], said: str) -> None:
    def start() -> None:
        config = configured(**values)
        config.place({"HOME": "/home/ann", "USER": "ann"})
        config.nights()

    with pytest.raises(BadSettings) as caught:
        start()
    assert said in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_a_drive_folder_that_is_none() -> None:
    with pytest.raises(UsageError):
        configured(drive_folder="../up").place({"HOME": "/home/ann"})


class TestBrokenConfiguration:
    """Jupyter starts; our routes say the sentence."""

    @pytest.fixture
    def jp_server_config(self, home: Path) -> Config:
        extensions = {"jpserver_extensions": {"jupyter_drive_sync": True}}
        return Config({"ServerApp": extensions, "DriveSync": {"schedule": "whenever"}})

    async def test_jupyter_starts(self, jp_fetch: Any, caplog: pytest.LogCaptureFixture) -> None:
        assert (await jp_fetch("api", "status")).code == 200
        reply = await jp_fetch("drive-sync", "api", "status", raise_error=False)
        said = json.loads(reply.body)
        assert (reply.code, said["code"]) == (400, "settings.invalid")
        assert "whenever" in said["sentence"]
        page = await jp_fetch("drive-sync", "oauth2callback", raise_error=False)
        assert b"data-drive-sync" in page.body


@pytest.mark.parametrize(
    ("text", "day_of_week"),
    [
        ("0 3 * * 0", "sun"),
        ("0 3 * * 7", "sun"),
        ("0 3 * * 1-5", "mon,tue,wed,thu,fri"),
        ("0 3 * * MON,wed", "mon,wed"),
        ("0 3 * * */2", "sun,tue,thu,sat"),
        ("0 3 * * *", "*"),
    ],
)
def test_days_of_the_week_are_those_of_crontab(text: str, day_of_week: str) -> None:
    parsed = cron.parse(text)
    assert parsed["day_of_week"] == day_of_week
    Nightly(parsed, "UTC", 0)


def test_cron_fields() -> None:
    assert cron.parse("*/15 0-4/2 1,15 jan-mar *") == {
        "minute": "0,15,30,45",
        "hour": "0,2,4",
        "day": "1,15",
        "month": "1,2,3",
        "day_of_week": "*",
    }
    assert cron.parse("50/5 3 * * *")["minute"] == "50,55"


@pytest.mark.parametrize(
    "text",
    ["", "0 3 * *", "0 3 * * * *", "60 3 * * *", "0 3 0 * *", "a 3 * * *", "0 3 * 13 *",
     "0 5-3 * * *", "*/0 3 * * *", "0 3 * * 8", "0 *-3 * * *", "0 3 , * *", "² 3 * * *"],
)  # fmt: skip
def test_what_is_no_cron_expression(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cron.parse(text)
