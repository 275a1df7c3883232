"""Reads the bodies and the queries of requests, as the OpenAPI document describes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from jupyter_drive_sync.server.problems import BadRequest

Check = Callable[[Any], bool]
PAGE: Final = 500
"""Most items of a page."""
_MOST_PATHS: Final = 1000


def is_text(value: Any) -> bool:
    """Tell whether it is a text."""
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    """Tell whether it is true or false."""
    return isinstance(value, bool)


def is_texts(value: Any) -> bool:
    """Tell whether it is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_time(value: Any) -> bool:
    """Tell whether it is a number, or null."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def is_whole(value: Any) -> bool:
    """Tell whether it is a whole number that is not negative."""
    return type(value) is int and 0 <= value < 1 << 63


def is_path_list(value: Any) -> bool:
    """Tell whether it is a list of paths below the home."""
    return is_texts(value) and len(value) <= _MOST_PATHS and all(map(is_path, value))


def is_path(path: str) -> bool:
    """Tell whether a text is a path below the home, in its plain form."""
    return "\0" not in path and all(part not in ("", ".", "..") for part in path.split("/"))


SETTABLE: Final[Mapping[str, Check]] = {
    "excludes": is_texts,
    "includes": is_texts,
    "max_file_size": lambda value: value is None or is_whole(value),
    "bandwidth": lambda value: value is None or is_whole(value),
    "schedule": lambda value: value is None or is_text(value),
    "time_zone": is_text,
    "notify": lambda value: value in (None, "problems", "never"),
    "paused_until": is_time,
}
"""What a person sets through the front end."""


def one_of(*words: str) -> Check:
    """Make a check for one of some words."""
    return lambda value: value in words


def read(raw: bytes, known: Mapping[str, Check], *, needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read a body: a JSON object, or nothing.

    Args:
        raw: as it came.
        known: what it may hold.
        needed: what it must hold.

    Raises:
        BadRequest: it is something else.
    """
    try:
        values = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError):
        raise BadRequest(problem="its body is not JSON") from None
    if not isinstance(values, dict):
        raise BadRequest(problem="its body is no JSON object")
    for name in needed:
        if name not in values:
            raise BadRequest(problem=f"{name} is missing")
    for name, value in values.items():
        if name not in known:
            raise BadRequest(problem=f"{name[:40]!r} is not known here")
        if not known[name](value):
            raise BadRequest(problem=f"{name} cannot have this value")
    return values


def read_page(offset: str, limit: str) -> tuple[int, int]:
    """Read which part of a list is wanted.

    Raises:
        BadRequest: the numbers are none.
    """
    numbers = []
    for name, text, low, high in (("offset", offset, 0, 10**9), ("limit", limit, 1, PAGE)):
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise BadRequest(problem=f"{name} is no number between {low} and {high}")
        numbers.append(int(text))
    return numbers[0], numbers[1]
