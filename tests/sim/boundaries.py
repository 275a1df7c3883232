"""Every place at which a process can die: counted, written down, and struck.

Who dies here leaves behind what was on disk at that instant: whatever the program still does on
its way out (release the lease, write a status, roll back) happens to a folder that is thrown away.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from jupyter_drive_sync.engine import ledger as ledger_module
from jupyter_drive_sync.engine.ledger import Ledger
from tests.laws.law_16 import Trace

_WRITES = os.O_WRONLY | os.O_RDWR
_OWN = re.compile(r"\.\d+(\.\d+)?$")
"""What process and thread add to the names of temporary files."""


class Killed(BaseException):
    """The process is gone: nobody catches this."""


@dataclass
class Life:
    """One process's time over one state folder.

    Args:
        folder: the state folder.
        kill_at: dies at so many boundaries; 0 lives on.
        phase: counts the boundaries of one kind only; empty counts all.
    """

    folder: Path
    kill_at: int = 0
    phase: str = ""
    seen: int = 0
    by_phase: Counter[str] = field(default_factory=Counter)
    killed: bool = False

    @property
    def remains(self) -> Path:
        """Where the folder is kept as it was at the instant of death."""
        return self.folder.with_name(self.folder.name + ".remains")

    def reach(self, phase: str) -> None:
        """Pass a boundary, or die there.

        Raises:
            Killed: this was the one.
        """
        if self.killed:
            return
        self.by_phase[phase] += 1
        if self.phase and phase != self.phase:
            return
        self.seen += 1
        if self.seen == self.kill_at:
            self.killed = True
            shutil.copytree(self.folder, self.remains)
            raise Killed

    def bury(self) -> None:
        """After a death: let the folder be what it was at that instant."""
        if self.killed:
            shutil.rmtree(self.folder)
            self.remains.rename(self.folder)


class Boundaries:
    """Watches the state folder of whoever lives."""

    def __init__(self) -> None:
        self.lives: list[Life] = []
        self.trace: Trace | None = None

    @contextmanager
    def life(self, life: Life) -> Iterator[Life]:
        """Let a process live for a block; one may live within another's frozen instant."""
        self.lives.append(life)
        try:
            yield life
        except Killed:
            if not life.killed:
                raise
        finally:
            self.lives.remove(life)
            life.bury()

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """For what is not done by a process of ours."""
        lives, self.lives = self.lives, []
        try:
            yield
        finally:
            self.lives = lives

    def reach(self, phase: str, what: str = "") -> None:
        """Note a boundary of the innermost life."""
        if self.lives and not self.lives[-1].killed:
            if self.trace is not None:
                self.trace.add(f"{phase} {what}")
            self.lives[-1].reach(phase)

    def _file(self, verb: str, path: Any) -> None:
        if not self.lives or isinstance(path, int):
            return
        text = os.fsdecode(path)
        folder = str(self.lives[-1].folder)
        if text.startswith(folder + "/"):
            name = _OWN.sub("", text[len(folder) + 1 :])
            self.reach("file", f"{verb} {name}")

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Stand between the program and its folder for a block."""
        with ExitStack() as stack:
            stack.enter_context(patch.object(os, "open", self._opening(os.open)))
            stack.enter_context(patch.object(os, "fsync", self._fsync))
            for name in ("replace", "rename", "link", "unlink"):
                stack.enter_context(patch.object(os, name, self._before(name)))
            stack.enter_context(
                patch.object(Ledger, "_transaction", self._committing(Ledger._transaction))
            )
            stack.enter_context(
                patch.object(ledger_module, "open_file", self._ledger(ledger_module.open_file))
            )
            yield

    def _opening(self, real: Callable[..., int]) -> Callable[..., int]:
        def opened(path: Any, flags: int, *more: Any, **named: Any) -> int:
            if flags & _WRITES and not str(path).endswith((".sqlite", ".lock")):
                self._file("open", path)
            return real(path, flags, *more, **named)

        return opened

    def _before(self, name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(path: Any, *more: Any, **named: Any) -> Any:
            self._file(name, path)
            return real(path, *more, **named)

        return call

    def _fsync(self, _fd: int) -> None:
        """What was written is there, for a process that dies; the disk is no matter here."""
        if self.lives:
            self.reach("file", "fsync")

    def _committing(self, real: Any) -> Any:
        @contextmanager
        def transaction(ledger: Ledger) -> Iterator[sqlite3.Connection]:
            with real(ledger) as db:
                yield db
                self.reach("commit")

        return transaction

    def _ledger(self, real: Any) -> Callable[[Path], tuple[sqlite3.Connection, str]]:
        def opened(path: Path) -> tuple[sqlite3.Connection, str]:
            connection, why = real(path)
            # Who dies here dies before a commit: nothing of it has reached the file by then.
            connection.execute("PRAGMA journal_mode = MEMORY").fetchall()
            connection.execute("PRAGMA synchronous = OFF").fetchall()
            if self.trace is not None and self.lives:
                connection.set_trace_callback(self._statement)
            return connection, why

        return opened

    def _statement(self, text: str) -> None:
        if self.trace is not None and self.lives and not self.lives[-1].killed:
            self.trace.add(text)
