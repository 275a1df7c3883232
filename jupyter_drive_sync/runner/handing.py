"""Courses across the seam: the child asks, its parent has them from the hub.

The server's token at the hub stays with the parent (it never reaches a child), and nothing is laid
down on the way: a child asks for a list, and for pieces of contents.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, Protocol

from jupyter_drive_sync.core.course import PIECE, HandedFile, read_file
from jupyter_drive_sync.errors import DriveSyncError, Internal, Missing
from jupyter_drive_sync.runner.child import Context
from jupyter_drive_sync.runner.protocol import Garbled, Problem, Reported, problem_of

_ASKED: Final = "course "
"""What a need for something of a course begins with."""
GONE: Final = "request.unknown"
"""Code of the hub's service for what it does not have."""


class Shelf(Protocol):
    """Where the parent has courses from."""

    def course(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return its files: ``path``, ``size``, ``mtime`` (seconds), ``md5`` (hex).

        Raises:
            DriveSyncError: there is none for this person, or nobody answers.
        """
        ...

    def piece(self, name: str, md5: str, offset: int, length: int) -> bytes:
        """Return a piece of a content (errors as :meth:`course`)."""
        ...


class FromParent:
    """The child's side: a course, piece by piece, from the parent. Threads may share it.

    Args:
        context: asks.
        name: of the course.
    """

    def __init__(self, context: Context, name: str) -> None:
        self._context = context
        self._name = name
        self._turn = threading.Lock()

    def files(self) -> list[HandedFile]:
        """List what it holds (see :class:`.courses.Handing`)."""
        said = self._ask({"name": self._name})
        try:
            return [read_file(each) for each in said["files"]]
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Garbled("the line is no course") from None

    def piece(self, md5: bytes, offset: int, length: int) -> bytes:
        """Return a piece of a content (see :class:`.courses.Handing`)."""
        wanted = {"name": self._name, "md5": md5.hex(), "offset": offset, "length": length}
        try:
            return base64.b64decode(self._ask(wanted)["piece"], validate=True)
        except Reported as problem:
            if problem.code == GONE:
                raise Missing(detail=problem.sentence) from None
            raise
        except (KeyError, TypeError, ValueError):
            raise Garbled("the line is no piece of a course") from None

    def _ask(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        with self._turn:
            line = self._context.ask(_ASKED + json.dumps(wanted)).reveal()
        said = json.loads(line)
        if "problem" in said:
            raise Reported(Problem(**said["problem"]))
        return dict(said)


def handing(shelf: Shelf, otherwise: Callable[[str], str] | None = None) -> Callable[[str], str]:
    """Make what answers a child's questions for courses.

    Args:
        shelf: has them.
        otherwise: answers everything else that a child needs.
    """

    def supply(what: str) -> str:
        if not what.startswith(_ASKED):
            if otherwise is None:
                raise Internal(detail=f"the child asked for {what}, which nobody has")
            return otherwise(what)
        try:
            return json.dumps(_answer(shelf, json.loads(what.removeprefix(_ASKED))))
        except DriveSyncError as problem:
            return json.dumps({"problem": asdict(problem_of(problem))})

    return supply


def _answer(shelf: Shelf, wanted: Mapping[str, Any]) -> dict[str, Any]:
    name = str(wanted["name"])
    if "md5" not in wanted:
        return {"files": [dict(each) for each in shelf.course(name)]}
    offset, length = max(0, int(wanted["offset"])), max(0, min(PIECE, int(wanted["length"])))
    data = shelf.piece(name, str(wanted["md5"]), offset, length)
    return {"piece": base64.b64encode(data).decode("ascii")}
