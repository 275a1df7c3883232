"""The program that writes while we read, and what it tells us; see ``racing_writer.py``."""

from __future__ import annotations

import mmap
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.home import racing_writer


class Writer:
    """The writing program, and what it has told."""

    def __init__(self, process: subprocess.Popen[bytes], counter: mmap.mmap) -> None:
        self._process = process
        self._counter = counter
        self._told = threading.Condition()
        self._versions = 0
        self._idle = True
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def burst(self) -> None:
        assert self._process.stdin is not None
        with self._told:
            self._idle = False
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def some_versions(self) -> None:
        """Wait until the burst is under way."""
        with self._told:
            seen = self._versions
            assert self._told.wait_for(lambda: self._idle or self._versions > seen, 60)

    def finish_version(self) -> None:
        """Wait until the version of this moment is whole."""
        now = self._counter[0]
        if now % 2:
            with self._told:
                assert self._told.wait_for(lambda: self._counter[0] != now, 60)

    def finish_burst(self) -> None:
        with self._told:
            assert self._told.wait_for(lambda: self._idle, 60)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._listener.join(60)
        assert self._process.wait(60) == 0

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while sign := self._process.stdout.read(1):
            with self._told:
                self._versions += sign == b"."
                self._idle = sign == b"\n"
                self._told.notify_all()
        with self._told:
            self._idle = True
            self._told.notify_all()


@contextmanager
def writing(kind: str, file: Path, counter: Path) -> Iterator[Writer]:
    counter.write_bytes(b"\0")
    program = [sys.executable, racing_writer.__file__, kind, str(file), str(counter)]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        writer = Writer(process, racing_writer.mapping(counter, 1))
        try:
            yield writer
        finally:
            writer.end()
