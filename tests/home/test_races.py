"""A program writes while we read: whatever we return is one whole version (law: never half).

The reader's clock does not guess how long a writer may be stopped in the middle: its pause lasts
until the writer has finished the version that it is at.
"""

from __future__ import annotations

import time
from contextlib import suppress
from hashlib import md5
from pathlib import Path

import pytest

from jupyter_drive_sync.errors import ChangedWhileRead, NotRegular, Vanished
from jupyter_drive_sync.home.fstime import probe_in
from jupyter_drive_sync.home.read import Home
from tests.home import racing_writer
from tests.home.ground import path, write
from tests.home.racing_writer import KINDS, SIZE, is_whole
from tests.home.writing import Writer, writing

TRIALS = 36
CHUNK = 128 * 1024
FILE = path("folder/file")


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


def load(home: Home) -> bytes:
    content = home.load(FILE, 10 * SIZE)
    assert content is not None
    assert content.md5 == md5(content.data, usedforsecurity=False).digest()
    assert content.stat.size == len(content.data)
    return content.data


def in_parts(home: Home) -> bytes:
    with home.open(FILE) as reading:
        reading.fingerprint()
        size = reading.stat.size
        data = b"".join(reading.read_at(at, CHUNK) for at in range(0, size, CHUNK))
        assert reading.settled().md5 == md5(data, usedforsecurity=False).digest()
    return data


@pytest.mark.parametrize("kind", [*KINDS])
def test_nothing_torn_is_returned(kind: str, root: Path, state: Path) -> None:
    file = write(root, FILE, racing_writer.version(0))
    write(root.parent, "outside/file", b"outside")
    with writing(kind, file, root.parent / "counter") as writer:
        clock = PatientClock(writer)
        with Home(root, clock=clock, probe=probe_in(state, root)) as home:
            for trial in range(TRIALS):
                writer.burst()
                writer.some_versions()
                try:
                    data = (load, in_parts)[trial % 2](home)
                    assert is_whole(kind, data), f"torn in trial {trial}"
                except (ChangedWhileRead, Vanished):
                    pass
                except NotRegular:
                    assert kind in {"swap", "elsewhere"}
                writer.finish_burst()
                at_rest = file.read_bytes()
                assert is_whole(kind, at_rest)
                assert at_rest
                assert load(home) == in_parts(home) == at_rest
                assert home.digest(FILE).md5 == (md5(at_rest, usedforsecurity=False).digest())


@pytest.mark.parametrize("kind", ["in_place", "mapped"])
def test_the_checksum_alone_is_that_of_a_version(kind: str, root: Path, state: Path) -> None:
    file = write(root, FILE, racing_writer.version(0))
    write(root.parent, "outside/file", b"outside")
    versions = {
        md5(racing_writer.version(number), usedforsecurity=False).digest()
        for number in range(TRIALS * racing_writer.BURST)
    }
    with writing(kind, file, root.parent / "counter") as writer:
        clock = PatientClock(writer)
        with Home(root, clock=clock, probe=probe_in(state, root)) as home:
            for _ in range(TRIALS):
                writer.burst()
                writer.some_versions()
                with suppress(ChangedWhileRead, Vanished):
                    assert home.digest(FILE).md5 in versions
                writer.finish_burst()


def test_the_judge_knows_a_torn_one() -> None:
    one, two, three = (racing_writer.version(number) for number in (5, 6, 8))
    for kind in KINDS:
        assert is_whole(kind, one)
        assert not is_whole(kind, one[: SIZE // 2] + two[SIZE // 2 :])
        assert not is_whole(kind, one[:-1])
        assert not is_whole(kind, b"outside")
        assert is_whole(kind, one + two) == (kind == "append")
        assert is_whole(kind, b"") == (kind in {"append", "truncate"})
    assert not is_whole("append", one + two[:10])
    assert not is_whole("append", two), "the beginning is missing"
    assert not is_whole("append", one + three), "the middle is missing"
