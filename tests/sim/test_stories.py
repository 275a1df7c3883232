"""What the simulation has found, each in the fewest steps: these broke a law before it was mended.

A story belongs to its seed: that decides how Drive lags and what is set.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim.runs import run_steps
from tests.sim.steps import Step

S = Step
STORIES: dict[str, tuple[int, list[Step]]] = {
    "a time and an inode beyond 63 bits end no pass": (0, [S("touch", 0, 5), S("sync")]),
    "a ledger lost while the listing lags makes no second mirror": (
        26, [S("break_ledger"), S("sync")],
    ),
    "a ledger lost right after a file was made makes no second file": (
        18, [S("sync", c=3), S("write", 0, 54250), S("sync"), S("break_ledger"), S("sync")],
    ),
    "an old ledger does not know what took a moved file's place": (
        43, [S("keep_state"), S("move_out"), S("sync"), S("bring_state_back")],
    ),
    "the mirror comes out of the trash while the listing lags": (
        2, [S("root_there", 2, 1), S("lose_ledger")],
    ),
    "an old ledger does not know what a folder took into the trash": (
        49,
        [
            S("write", 0, 1), S("keep_state"), S("folder", 1, 3), S("delete"), S("settle"),
            S("trash_there"), S("rename_there"), S("bring_state_back"),
        ],
    ),
    "what an old ledger finds in a renamed folder comes back with it": (
        49,
        [
            S("write", 0, 1), S("keep_state"), S("folder", 1, 3), S("delete"), S("settle"),
            S("trash_there", 1), S("rename_there", 0, 1), S("bring_state_back"),
        ],
    ),
    "an old ledger does not know that we moved a folder since": (
        49,
        [
            S("special", 1, 3), S("write", 0, 1), S("keep_state"), S("folder", 1, 5516),
            S("delete"), S("rename", 0, 0, 2), S("sync"), S("write", 1), S("bring_state_back"),
            S("edit", 2),
        ],
    ),
    "a listing shows the mirror's folder though it was deleted": (
        39, [S("wait", 2), S("lose_ledger"), S("root_there", 2), S("sync", c=2)],
    ),
    "what a claim replaces is pinned though the pass was cut off": (
        58,
        [
            S("sync", 43944), S("sync", 52838), S("lose_ledger"), S("edit_there"),
            S("sync", 35786),
        ],
    ),
    "a person takes a file out of the trash before we know that it is there": (
        55,
        [
            S("unmount"), S("unmount"), S("write", 0, 1), S("folder", 1, 3, 2), S("sync"),
            S("delete_tree", 1), S("edit"), S("sync", 36469), S("untrash_there", 1),
            S("delete"), S("sync"),
        ],
    ),
    "a lost ledger does not forget the deletions of the day": (
        62,
        [
            S("delete"), S("write", 1, 55556), S("root_there", 2, 1), S("delete", 1),
            S("folder", 0, 2), S("hard_link", 0, 0, 1), S("delete_tree", 1), S("edit", 1),
            S("rename", 2, 0, 2), S("root_there", 46720), S("sync"), S("break_ledger"),
            S("sync"), S("swap_kind", 2),
        ],
    ),
    "a folder that is not listed yet has not lost what is in it": (
        8,
        [
            S("move_out", 1), S("rename_there", 0, 1), S("root_there", 2), S("edit_there"),
            S("break_ledger"), S("sync"), S("move_in"), S("sync", c=3),
        ],
    ),
    "what was made anew is found in the trash of the folder above": (
        22,
        [
            S("keep_state"), S("edit", 1), S("delete_there", 1), S("settle"),
            S("root_there", 3), S("bring_state_back"),
        ],
    ),
    "what we moved is found in the trash of the folder above": (
        22,
        [
            S("unmount"), S("unmount"), S("unmount"), S("write", 0, 1), S("unmount"),
            S("keep_state"), S("edit"), S("sync_part"), S("rename", 1, 0, 1), S("settle"),
            S("root_there", 3), S("bring_state_back"),
        ],
    ),
    "two folders of ours at one place keep their files apart": (
        480,
        [
            S("keep_home"), S("write", 0, 1), S("delete"), S("move_out"), S("settle"),
            S("move_in"), S("delete"), S("other_home"), S("hard_link", 0, 0, 2),
            S("lose_ledger"), S("sync", c=3), S("rename", 0, 0, 3), S("sync"),
            S("bring_home_back"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_story(tmp_path: Path, name: str) -> None:
    seed, steps = STORIES[name]
    run_steps(tmp_path, seed, steps)
