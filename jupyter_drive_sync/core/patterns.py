"""Ordered gitignore patterns, matched fast and one level at a time.

pathspec says what one pattern matches; here is what git does with a list of them (gitignore(5)):
the last pattern that matches a path decides, and whoever asks goes from the top down, because a
folder that is left out is not entered. pathspec matches what lies below a folder as well, so each
pattern is only shown what it is about: a bare name, or a path of as many parts as it has itself.
For patterns with ``**`` between slashes that cannot be told, they also match what lies below.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import pathspec

from jupyter_drive_sync.core.tree import Kind, RelPath, depth_of, name_of
from jupyter_drive_sync.errors import BadSettings

_MAGIC: Final = frozenset("*?[\\")


@dataclass(frozen=True, slots=True)
class Line:
    """One pattern as a person wrote it."""

    text: str
    source: str
    """Where it stands, for people: ``.driveignore, line 3``."""
    setting: str
    """Name of the setting or file, for an error."""

    @property
    def rule(self) -> str:
        """The pattern and where it stands."""
        return f"{self.text.strip()} ({self.source})"

    @property
    def lifts(self) -> bool:
        """Whether it begins with ``!``: what it matches is not left out after all."""
        return self.text.lstrip().startswith("!")

    @property
    def body(self) -> str:
        """The pattern without ``!`` and the spaces around it, as pathspec reads it."""
        body = self.text.lstrip().removeprefix("!")
        shorter = body.rstrip(" \t\r")
        return shorter + " " if shorter.endswith("\\") and body != shorter else shorter


class Patterns:
    """A list of gitignore patterns, compiled once.

    Args:
        lines: in order; blank ones and comments count for nothing.

    Raises:
        BadSettings: a line is no pattern, or one that can never match.
    """

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = [line for line in lines if not _is_blank(line.text)]
        self._names: dict[str, list[tuple[int, bool]]] = {}
        self._globs: dict[str, list[tuple[int, pathspec.Pattern]]] = {}
        self._levels: dict[int, list[tuple[int, pathspec.Pattern]]] = {}
        self._deep: list[tuple[int, pathspec.Pattern]] = []
        for index, line in enumerate(self.lines):
            self._add(index, line)

    def __bool__(self) -> bool:
        """Tell whether there is any pattern."""
        return bool(self.lines)

    def last(self, path: RelPath, kind: Kind) -> Line | None:
        """Return the last pattern that matches a path itself, not merely a folder above it."""
        name = name_of(path)
        end = "/" if kind is Kind.FOLDER else ""
        best = -1
        for index, folders_only in self._names.get(name, ()):
            if end or not folders_only:
                best = max(best, index)
        for index, pattern in (*self._globs.get(name[:1], ()), *self._globs.get("", ())):
            if index > best and pattern.match_file(name + end) is not None:
                best = index
        for index, pattern in (*self._levels.get(depth_of(path), ()), *self._deep):
            if index > best and pattern.match_file(path + end) is not None:
                best = index
        return self.lines[best] if best >= 0 else None

    def _add(self, index: int, line: Line) -> None:
        pattern = _compiled(line)
        body = line.body
        core = body.rstrip("/")
        if "/" not in core:
            if _MAGIC.isdisjoint(core):
                self._names.setdefault(core, []).append((index, body != core))
            else:
                first = "" if core[:1] in _MAGIC else core[:1]  # most begin with a dot
                self._globs.setdefault(first, []).append((index, pattern))
        elif "**" in core.split("/"):
            self._deep.append((index, pattern))
        else:
            depth = core.strip("/").count("/") + 1
            self._levels.setdefault(depth, []).append((index, pattern))


def leading(lines: Iterable[Line]) -> list[Line]:
    """Return patterns for the folders under which what ``lines`` match could lie.

    ``/a/*/c`` could lie under ``/a/`` and ``/a/*/``; ``*.csv`` and all after a ``**`` under any
    folder.
    """
    found = []
    for line in lines:
        if line.lifts or _is_blank(line.text):
            continue
        core = line.body.rstrip("/")
        above = core.lstrip("/").split("/")[:-1] if "/" in core else ["**"]
        for count, part in enumerate(above):
            start = "/".join(["", *above[:count]])
            text = f"{start}/{part}/" if part != "**" else f"{start}/**/*/"
            found.append(replace(line, text=text))
            if part == "**":
                break
    return found


def _is_blank(text: str) -> bool:
    return not text.strip() or text.lstrip().startswith("#")


def _compiled(line: Line) -> pathspec.Pattern:
    try:
        (pattern,) = pathspec.GitIgnoreSpec.from_lines([line.text]).patterns
    except ValueError as error:
        raise _bad(line, "is no pattern") from error
    if pattern.include is None or not line.body.strip("/"):
        raise _bad(line, "can never match")
    return pattern


def _bad(line: Line, what: str) -> BadSettings:
    return BadSettings(name=line.setting, problem=f"{line.rule} {what}")
