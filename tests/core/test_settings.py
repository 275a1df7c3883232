"""Settings: defaults that work, values from files checked, one sentence for each bad one."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from jupyter_drive_sync.core.settings import DAY, GiB, MiB, Settings, from_mapping
from jupyter_drive_sync.errors import BadSettings


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(BadSettings) as caught:
        from_mapping(values)
    assert caught.value.params["name"] == next(iter(values))
    return str(caught.value.params["problem"])


def test_the_defaults_are_those_of_the_promise() -> None:
    settings = Settings()
    assert settings.on_local_delete == "trash"
    assert not settings.keep_whole_folders
    assert (settings.guard_share, settings.guard_share_from) == (0.25, 4)
    assert (settings.guard_files, settings.guard_bytes) == (100, GiB)
    assert (settings.chunk_size, settings.small_file) == (8 * MiB, 5_000_000)
    assert DAY == 24 * 60 * 60


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().retries = 1  # type: ignore[misc]


def test_nothing_given_is_the_default() -> None:
    assert from_mapping({}) == Settings()


def test_values_lie_over_a_base() -> None:
    base = Settings(retries=3, concurrency=2)
    assert from_mapping({"retries": 5}, base) == Settings(retries=5, concurrency=2)


@pytest.mark.parametrize(
    "values",
    [
        {"excludes": ["*.tmp", "data/"]},
        {"includes": ("course/",)},
        {"default_excludes": False},
        {"max_file_size": 1},
        {"on_local_delete": "keep"},
        {"guard_share": 0},
        {"guard_share": 1},
        {"guard_share": 0.5},
        {"bandwidth": 0},
    ],
)
def test_good_values(values: dict[str, Any]) -> None:
    (name, value) = next(iter(values.items()))
    given = tuple(value) if isinstance(value, list) else value
    assert getattr(from_mapping(values), name) == given


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"exclude": []}, "there is no such setting"),
        ({"excludes": "*.tmp"}, "'*.tmp' is not a list of texts"),
        ({"excludes": ["*.tmp", 1]}, "['*.tmp', 1] is not a list of texts"),
        ({"default_excludes": 1}, "1 is not true or false"),
        ({"retries": True}, "True is not a whole number"),
        ({"retries": 2.0}, "2.0 is not a whole number"),
        ({"retries": None}, "None is not a whole number"),
        ({"guard_share": "0.25"}, "'0.25' is not a number"),
        ({"guard_share": False}, "False is not a number"),
        ({"on_local_delete": "purge"}, '\'purge\' is not "trash" or "keep"'),
        ({"on_local_delete": ["trash"]}, '[\'trash\'] is not "trash" or "keep"'),
        ({"retries": 0}, "0 is not between 1 and 100"),
        ({"retries": 101}, "101 is not between 1 and 100"),
        ({"guard_share": math.nan}, "nan is not between 0.0 and 1.0"),
        ({"guard_share": 1.1}, "1.1 is not between 0.0 and 1.0"),
        ({"chunk_size": 256 * 1024 + 1}, "it is no multiple of 262144 bytes"),
        ({"small_file": 5_000_001}, "5000001 is not between 0 and 5000000"),
    ],
)
def test_bad_values(values: dict[str, Any], problem: str) -> None:
    assert refused(values) == problem


def test_every_number_has_its_range() -> None:
    for field in fields(Settings):
        if field.type in ("int", "float"):
            for extreme in (-2, 10**30):
                with pytest.raises(BadSettings):
                    from_mapping({field.name: extreme})


def test_every_setting_is_explained() -> None:
    assert Settings.__doc__ is not None
    for field in fields(Settings):
        assert f"        {field.name}: " in Settings.__doc__, field.name


@pytest.mark.parametrize("value", [1, None, ["UTC"]])
def test_a_text_is_a_text(value: object) -> None:
    with pytest.raises(BadSettings, match="a text"):
        from_mapping({"time_zone": value})
    assert from_mapping({"time_zone": "Europe/Zurich"}).time_zone == "Europe/Zurich"
