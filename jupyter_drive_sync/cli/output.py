"""What a command says: sentences for people, one JSON object per line for programs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any, Final, TextIO

from jupyter_drive_sync.cli import words
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.runner.protocol import Event, Note, Progress, problem_of

_PLAIN_SECONDS: Final = 10.0
"""Where no line can be redrawn, progress is said so rarely."""
_CLEAR: Final = "\r\x1b[K"


class Output:
    """Where a command speaks to.

    Results go to stdout, progress and problems to stderr.

    Args:
        as_json: speak JSON: every object has ``event``, every key is always there.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._drawn = False
        self._said_phase = ""
        self._said_at = 0.0

    def say(self, text: str = "") -> None:
        """Tell a person."""
        if not self.as_json:
            self._clear()
            _print(words.presentable(text))

    def record(self, event: str, values: Mapping[str, Any]) -> None:
        """Tell a program."""
        if self.as_json:
            _print(json.dumps({"event": event, **values}))

    def problem(self, error: DriveSyncError) -> None:
        """Say what is wrong: a sentence on stderr, and an object with ``--json``."""
        self._clear()
        self.record("problem", vars_of(error))
        complain(error.sentence)

    def heard(self, event: Event) -> None:
        """Pass on what a child says on its way."""
        if isinstance(event, Progress):
            self._progress(event)
        elif isinstance(event, Note):
            self.say(event.text)
            self.record("note", {"code": event.code, "text": event.text, "values": event.values})

    def _progress(self, progress: Progress) -> None:
        if self.as_json:
            self.record("progress", {name: getattr(progress, name) for name in _PROGRESS})
            return
        line = words.progress_line(progress)
        if sys.stderr.isatty():
            width = max(20, shutil.get_terminal_size().columns - 1)
            _write(sys.stderr, _CLEAR + line[:width])
            self._drawn = True
            return
        now = time.monotonic()
        if progress.phase != self._said_phase or now - self._said_at >= _PLAIN_SECONDS:
            self._said_phase, self._said_at = progress.phase, now
            _write(sys.stderr, line + "\n")

    def _clear(self) -> None:
        if self._drawn:
            _write(sys.stderr, _CLEAR)
            self._drawn = False


_PROGRESS: Final = tuple(Progress.__dataclass_fields__)


def vars_of(error: DriveSyncError) -> dict[str, Any]:
    """Return the fields of an error, as ``--json`` shows them."""
    problem = problem_of(error)
    return {name: getattr(problem, name) for name in type(problem).__dataclass_fields__}


def complain(sentence: str) -> None:
    """Say one sentence on stderr."""
    _write(sys.stderr, words.presentable(sentence) + "\n")


def _print(line: str) -> None:
    try:
        print(line, flush=True)  # noqa: T201 - the command's output
    except BrokenPipeError:
        # Whoever read our output has enough; what we are doing goes on all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()
