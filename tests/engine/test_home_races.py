"""A program writes in the home during whole passes: all that Drive ever holds are whole versions.

1,000 passes over a real file system; the writer is a process of its own, see
``tests/home/racing_writer.py``. Every content that reaches Drive is judged at the instant it does,
a replaced one too, and when the writer rests, the passes of a day must mirror what is there: a
change that left size and times as they were is found by the day's part of the home that is read
again, which is all of it here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_drive_sync.core.settings import DAY, Settings
from jupyter_drive_sync.localdrive.blobs import Blob, Draft
from jupyter_drive_sync.localdrive.drive import LocalDrive
from tests.engine.world import make_world
from tests.figures import record
from tests.home.racing_writer import KINDS, is_whole, version
from tests.home.writing import Writer, writing
from tests.virtual_clock import VirtualClock

pytestmark = pytest.mark.no_cover
"""Others cover what these run; here the tracer would cost a third of the time."""
TRIALS = 20
"""With each kind of writer in `make test`."""
MANY_TRIALS = 1000 // len(KINDS) + 1
"""In `make torture`."""
REST_EVERY = 10
FILE = "folder/file"


class PatientClock(VirtualClock):
    """A clock whose sleep lasts until the writer has finished the version that it is at."""

    writer: Writer | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.writer is not None:
            self.writer.finish_version()


class Judge:
    """Sees every content that a Drive takes in."""

    def __init__(self, drive: LocalDrive, kind: str, steady: bytes) -> None:
        self._kind = kind
        self._steady = steady
        self.seen = 0
        self.torn = 0
        blobs = drive._blobs
        keep, adopt = blobs.keep, blobs.adopt

        def judged_keep(key: str, content: bytes) -> Blob:
            self._judge(content)
            return keep(key, content)

        def judged_adopt(key: str, draft: Draft) -> Blob:
            self._judge(b"".join(draft.pieces()))
            return adopt(key, draft)

        blobs.keep, blobs.adopt = judged_keep, judged_adopt  # type: ignore[method-assign]

    def _judge(self, content: bytes) -> None:
        if content != self._steady:
            self.seen += 1
            self.torn += not is_whole(self._kind, content)


@pytest.mark.figure
@pytest.mark.parametrize("kind", [*KINDS])
@pytest.mark.parametrize("trials", [TRIALS, pytest.param(MANY_TRIALS, marks=pytest.mark.torture)])
def test_whatever_reaches_drive_is_a_whole_version(kind: str, trials: int, tmp_path: Path) -> None:
    clock = PatientClock(1_700_000_000.0)
    world = make_world(tmp_path / "world", clock)
    file = world.write(FILE, version(0))
    world.write("folder/steady", b"steady")
    outside = tmp_path / "world/outside/file"
    outside.parent.mkdir()
    outside.write_bytes(b"outside")
    with world.server, writing(kind, file, tmp_path / "counter") as writer:
        judge = Judge(world.server, kind, b"steady")
        clock.writer = writer
        for trial in range(trials):
            chunks = {"small_file": 0, "chunk_size": 256 * 1024} if trial % 2 else {}
            world.settings = Settings(verify_days=3650, rehash_nights=1, **chunks)
            clock.advance(DAY)
            writer.burst()
            writer.some_versions()
            world.sync()
            writer.finish_burst()
            assert judge.torn == 0, f"torn in trial {trial}"
            if trial % REST_EVERY == 0:
                clock.advance(DAY)
                world.sync()
                world.assert_mirrored()
    assert judge.seen >= trials / 10, "the passes sent next to nothing"
    record("race trials", trials)
    record("torn", judge.torn)


def test_the_judge_sees_what_is_torn(tmp_path: Path, clock: VirtualClock) -> None:
    world = make_world(tmp_path / "world", clock)
    with world.server:
        judge = Judge(world.server, "replace", b"steady")
        world.write("steady", b"steady")
        world.write("whole", version(1))
        world.sync()
        assert (judge.seen, judge.torn) == (1, 0)
        world.write("torn", version(1)[:-1])
        world.sync()
        world.with_settings(small_file=0)
        world.write("torn in chunks", version(2)[:-2])
        world.sync()
        assert (judge.seen, judge.torn) == (3, 2)
