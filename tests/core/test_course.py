"""What a hub says of a course's files, read strictly: paths of it become files of a home."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_drive_sync.core.course import HandedFile, read_file
from jupyter_drive_sync.core.tree import RelPath

GOOD: dict[str, Any] = {"path": "week 1/lab.txt", "size": 7, "mtime": 1.5, "md5": "0f" * 16}


def test_a_file() -> None:
    assert read_file(GOOD) == HandedFile(RelPath("week 1/lab.txt"), 7, 1500, b"\x0f" * 16)


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": ""},
        {"path": "/etc/passwd"},
        {"path": "../a"},
        {"path": "a/./b"},
        {"path": "a//b"},
        {"path": "a\0b"},
        {"size": -1},
        {"size": "many"},
        {"mtime": None},
        {"md5": "0f"},
        {"md5": "no"},
        {"md5": 5},
    ],
)
def test_what_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_file({**GOOD, **wrong})
    with pytest.raises(KeyError):
        read_file({name: value for name, value in GOOD.items() if name not in wrong})
