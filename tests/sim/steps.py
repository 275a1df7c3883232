"""What can happen, as data: so a seed makes a story of it, and Hypothesis can shorten one."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

HERE = {
    "write": 8, "edit": 6, "same_size": 4, "save_anew": 4, "folder": 4, "rename": 8, "delete": 4,
    "delete_tree": 2, "swap_kind": 2, "hard_link": 1, "special": 2, "touch": 3, "copy": 3,
    "replace": 2, "refuse": 1, "mode": 1,
}  # fmt: skip
"""What a person does in the home, and how often."""
DISK = {"bump": 1, "renumber": 1, "reuse": 1, "coarse": 1, "unmount": 1, "keep_home": 1,
        "bring_home_back": 1, "replug": 1}  # fmt: skip
"""What happens to the disk."""
THERE = {
    "edit_there": 6, "rename_there": 3, "move_there": 3, "move_out": 2, "move_in": 1,
    "trash_there": 3, "untrash_there": 2, "delete_there": 1, "copy_there": 1, "stranger": 2,
    "empty_trash": 1, "root_there": 1,
}  # fmt: skip
"""What a person does on Drive."""
STATE = {"keep_state": 2, "bring_state_back": 2, "lose_ledger": 1, "break_ledger": 1,
         "lose_state": 1, "excludes": 2, "policy": 1, "answer": 8}  # fmt: skip
TIME = {"wait": 5, "clock": 1}
PASSES = {"sync": 30, "sync_part": 2, "dry_run": 1, "other_home": 2, "settle": 1}
KINDS = {**HERE, **DISK, **THERE, **STATE, **TIME, **PASSES}
MEANWHILE = (*HERE, *THERE)
"""What can also happen in the middle of a pass."""
MOST = 2**16


@dataclass(frozen=True, slots=True)
class Step:
    """One step. The numbers choose among what there is when it happens."""

    kind: str
    a: int = 0
    b: int = 0
    c: int = 0

    def __str__(self) -> str:
        return f"{self.kind}({self.a}, {self.b}, {self.c})"


def story(seed: int) -> list[Step]:
    """Tell the story of a seed: 50 to 200 steps."""
    random = Random(f"story {seed}")  # noqa: S311 - repeatable on purpose
    kinds, weights = list(KINDS), list(KINDS.values())
    return [
        Step(kind, *(random.randrange(MOST) for _ in range(3)))
        for kind in random.choices(kinds, weights, k=int(50 * 4 ** random.random()))
    ]


_NUMBERS = st.integers(0, 63)
STEPS = st.builds(
    Step, st.sampled_from([kind for kind, weight in KINDS.items() for _ in range(weight)]),
    _NUMBERS, _NUMBERS, _NUMBERS,
)  # fmt: skip
"""Steps for Hypothesis."""
