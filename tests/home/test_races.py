"""A program writes while we read: whatever we return is one whole version (law: never half).

The reader's clock does not guess how long a writer may be stopped in the middle: its pause lasts
until the writer has finished the version that it is at.
"""

from __future__ import annotations

import mmap
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import md5
from pathlib import Path

import pytest

from jupyter_drive_sync.errors import ChangedWhileRead, NotRegular, Vanished
from jupyter_drive_sync.home.fstime import probe_in
from jupyter_drive_sync.home.read import Home
from tests.home import racing_writer
from tests.home.ground import path
from tests.home.racing_writer import KINDS, SIZE, is_whole

TRIALS = 36
CHUNK = 128 * 1024


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


class PatientClock:
    """A clock whose sleep lasts until the writer has gone on."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self._writer.finish_version()


@contextmanager
def writing(kind: str, file: Path) -> Iterator[Writer]:
    counter = file.parent.parent / "counter"
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


def load(home: Home) -> bytes:
    content = home.load(path("file"), 10 * SIZE)
    assert content is not None
    assert content.md5 == md5(content.data, usedforsecurity=False).digest()
    assert content.stat.size == len(content.data)
    return content.data


def in_parts(home: Home) -> bytes:
    with home.open(path("file")) as reading:
        reading.fingerprint()
        size = reading.stat.size
        data = b"".join(reading.read_at(at, CHUNK) for at in range(0, size, CHUNK))
        assert reading.settled().md5 == md5(data, usedforsecurity=False).digest()
    return data


@pytest.mark.parametrize("kind", [*KINDS])
def test_nothing_torn_is_returned(kind: str, root: Path, state: Path) -> None:
    file = root / "file"
    with writing(kind, file) as writer:
        clock = PatientClock(writer)
        with Home(root, clock=clock, probe=probe_in(state, root)) as home:
            for trial in range(TRIALS):
                writer.burst()
                writer.some_versions()
                try:
                    data = (load, in_parts)[trial % 2](home)
                    assert is_whole(data), f"torn in trial {trial}"
                except (ChangedWhileRead, Vanished):
                    pass
                except NotRegular:
                    assert kind == "swap"
                writer.finish_burst()
                at_rest = file.read_bytes()
                assert is_whole(at_rest)
                assert at_rest
                assert load(home) == in_parts(home) == at_rest
                assert home.digest(path("file")).md5 == (
                    md5(at_rest, usedforsecurity=False).digest()
                )


@pytest.mark.parametrize("kind", ["in_place", "mapped"])
def test_the_checksum_alone_is_that_of_a_version(kind: str, root: Path, state: Path) -> None:
    file = root / "file"
    versions = {
        md5(racing_writer.version(number), usedforsecurity=False).digest()
        for number in range(TRIALS * racing_writer.BURST)
    }
    with writing(kind, file) as writer:
        clock = PatientClock(writer)
        with Home(root, clock=clock, probe=probe_in(state, root)) as home:
            for _ in range(TRIALS):
                writer.burst()
                writer.some_versions()
                with suppress(ChangedWhileRead, Vanished):
                    assert home.digest(path("file")).md5 in versions
                writer.finish_burst()


def test_the_judge_knows_a_torn_one() -> None:
    one, other = racing_writer.version(1), racing_writer.version(2)
    assert is_whole(one)
    assert is_whole(one + other)
    assert is_whole(b"")
    assert not is_whole(one[: SIZE // 2] + other[SIZE // 2 :])
    assert not is_whole(one[:-1])
    assert not is_whole(one + other[:10])
