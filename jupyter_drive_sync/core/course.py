"""A file of a course as it is handed on: what travels between a hub, a server and its child."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jupyter_drive_sync.core.tree import RelPath

PIECE: Final = 1024 * 1024
"""Most bytes that are handed on at once: each piece is in the memory of a person's server."""


@dataclass(frozen=True, slots=True)
class HandedFile:
    """A file of a course: its path, bytes, time (milliseconds since the epoch) and checksum."""

    path: RelPath
    size: int
    mtime_ms: int
    md5: bytes


def read_file(said: Mapping[str, Any]) -> HandedFile:
    """Read a file as a hub describes it: ``path``, ``size``, ``mtime`` (seconds), ``md5`` (hex).

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    path, size, md5 = str(said["path"]), int(said["size"]), bytes.fromhex(said["md5"])
    if "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError("the path is none")
    if len(md5) != 16 or size < 0:
        raise ValueError("the checksum or the size is none")
    return HandedFile(RelPath(path), size, round(float(said["mtime"]) * 1000), md5)
