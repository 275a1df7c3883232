"""``settings.json`` in the state folder: what a person has set, read alike by every surface."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from jupyter_drive_sync.core.settings import Settings, from_mapping
from jupyter_drive_sync.engine.site import write_private
from jupyter_drive_sync.errors import BadSettings, StateUnusable
from jupyter_drive_sync.runner.turns import changing

FILE_NAME: Final = "settings.json"
STORAGES: Final = "storages"
"""Name under which the file keeps storages, which are no settings of the home."""


def stored(state_dir: Path) -> dict[str, Any]:
    """Return what a person has set, unchecked.

    Raises:
        BadSettings: the file is no JSON object.
        StateUnusable: the file cannot be read.
    """
    path = state_dir / FILE_NAME
    try:
        values = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as problem:
        raise StateUnusable(
            path=str(state_dir), problem=problem.strerror or "no access"
        ) from problem
    except ValueError as problem:
        raise BadSettings(name=FILE_NAME, problem=f"{path} is not JSON") from problem
    if not isinstance(values, dict):
        raise BadSettings(name=FILE_NAME, problem=f"{path} holds no JSON object")
    return values


def load(
    state_dir: Path,
    over: Mapping[str, Any] | None = None,
    under: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings of a home.

    Args:
        state_dir: the state folder.
        over: what is laid over the file for this time.
        under: what counts in this place where nobody has set anything.

    Raises:
        BadSettings: a name or a value is wrong, in the file or around it.
        StateUnusable: the file cannot be read.
    """
    own = {name: value for name, value in stored(state_dir).items() if name != STORAGES}
    return from_mapping({**(under or {}), **own, **(over or {})})


def store(state_dir: Path, name: str, text: str | None) -> Settings:
    """Set one setting, or with None take it back to its default.

    Args:
        state_dir: the state folder; made when missing.
        name: of the setting.
        text: the value as JSON; a text without quotes is taken as it is, and for a list of
            patterns as its only item.

    Raises:
        BadSettings: there is no such setting, or it cannot have this value.
        StateUnusable, StateFull: the file cannot be written.
    """
    if name not in {field.name for field in fields(Settings)}:
        raise BadSettings(name=name, problem="there is no such setting")
    return change(state_dir, {name: None if text is None else _value(name, text)})


def change(state_dir: Path, new: Mapping[str, Any]) -> Settings:
    """Set settings, all of them or none; those that are None are taken back to their defaults.

    Raises:
        BadSettings: there is no such setting, or it cannot have this value.
        StateUnusable, StateFull: the file cannot be written.
    """
    with changing(state_dir):
        values = {**stored(state_dir), **new}
        values = {name: value for name, value in values.items() if value is not None}
        settings = from_mapping({name: value for name, value in values.items() if name != STORAGES})
        _write(state_dir, values)
        return settings


def keep_storages(state_dir: Path, storages: Sequence[Mapping[str, Any]]) -> None:
    """Keep storages beside the settings; the caller has checked them, and has its turn.

    Raises:
        StateUnusable, StateFull: the file cannot be written.
    """
    _write(state_dir, {**stored(state_dir), STORAGES: list(storages)})


def _write(state_dir: Path, values: Mapping[str, Any]) -> None:
    write_private(state_dir / FILE_NAME, json.dumps(values, indent=1) + "\n")


def _value(name: str, text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if isinstance(value, str) and isinstance(getattr(Settings(), name), tuple):
        return [value]
    return value
