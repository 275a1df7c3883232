"""What each rule leaves out is measured, whole or as a lower bound."""

from __future__ import annotations

import contextlib

import pytest

from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.savings import MOST, Saving, savings
from jupyter_drive_sync.engine.survey import Survey, open_home
from jupyter_drive_sync.errors import RunCancelled
from tests.engine.world import World


def measured(world: World, most: int = MOST) -> dict[tuple[str, str], Saving]:
    with contextlib.closing(open_home(world.site)) as home:
        seen = Survey.make(world.site, home, Progress(world.clock), lambda: None)
        found = savings(home, seen.tree.left_out, lambda: None, most=most)
    assert [each.bytes for each in found] == sorted((each.bytes for each in found), reverse=True)
    return {(each.reason, each.rule): each for each in found}


def test_by_rule_with_all_that_lies_below(world: World) -> None:
    world.with_settings(excludes=["/big/", "*.bin"])
    world.write("big/deep/deeper/a", "x" * 100)
    world.write("big/b", "x" * 20)
    world.write("one.bin", "x" * 5)
    world.write("two.bin", "x" * 5)
    world.write(".cache/junk", "x" * 50)
    (world.home / "link").symlink_to("big")
    (world.home / "big" / "out").symlink_to("/")
    found = measured(world)
    big = found["excluded", "/big/ (excludes)"]
    assert (big.paths, big.files, big.whole) == (1, 3, True)
    assert 120 <= big.bytes < 200  # a link counts as itself
    assert found["excluded", "*.bin (excludes)"] == Saving("excluded", "*.bin (excludes)", 2, 2, 10)
    assert found["excluded", ".cache/ (default)"].bytes == 50
    assert found["link", ""].files == 1


def test_no_more_than_so_much_is_looked_at(world: World) -> None:
    world.with_settings(excludes=["/big/"])
    for number in range(30):
        world.write(f"big/{number}", "x")
    found = measured(world, most=10)["excluded", "/big/ (excludes)"]
    assert (found.files, found.whole) == (10, False)


def test_what_vanishes_meanwhile_or_cannot_be_read_is_a_lower_bound(world: World) -> None:
    world.with_settings(excludes=["/big/", "/gone/"])
    world.write("gone/sub/a", "x")
    with contextlib.closing(open_home(world.site)) as home:
        seen = Survey.make(world.site, home, Progress(world.clock), lambda: None)
        (world.home / "gone/sub/a").unlink()
        (world.home / "gone/sub").rmdir()
        (world.home / "gone").rmdir()
        (found,) = savings(home, seen.tree.left_out, lambda: None)
    assert (found.files, found.whole) == (0, False)


def test_it_can_be_ended(world: World) -> None:
    world.with_settings(excludes=["/big/"])
    for number in range(3):
        world.write(f"big/{number}", "x")

    def no() -> None:
        raise RunCancelled

    with contextlib.closing(open_home(world.site)) as home:
        seen = Survey.make(world.site, home, Progress(world.clock), lambda: None)
        with pytest.raises(RunCancelled):
            savings(home, seen.tree.left_out, no, most=1001)
