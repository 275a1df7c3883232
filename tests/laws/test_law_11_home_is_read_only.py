"""Law 11: a pass over a real home leaves everything in it but our state as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engine.world import World, make_world
from tests.laws import law_11
from tests.laws.facts import Broken
from tests.virtual_clock import VirtualClock


def test_a_pass_changes_nothing(tmp_path: Path, clock: VirtualClock) -> None:
    world = make_world(tmp_path, clock)
    inside = World(tmp_path / "other", clock, world.server, inside=True)
    with world.server:
        inside.write("a.txt", "a")
        inside.write("d/b.txt", "b")
        (inside.home / "link").symlink_to("a.txt")
        before = law_11.fingerprint(inside.home, state=inside.state)
        inside.sync()
        inside.write("a.txt", "changed")
        (inside.home / "d/b.txt").unlink()
        changed = law_11.fingerprint(inside.home, state=inside.state)
        inside.sync()
        law_11.check(changed, law_11.fingerprint(inside.home, state=inside.state))
        with pytest.raises(Broken):
            law_11.check(before, changed)


def test_the_fingerprint_sees_a_touch(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    before = law_11.fingerprint(tmp_path)
    os.utime(tmp_path / "f", (1, 1))
    with pytest.raises(Broken):
        law_11.check(before, law_11.fingerprint(tmp_path))
