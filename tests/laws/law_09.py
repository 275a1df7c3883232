"""Law 9: what we did not make, or what lies outside the mirror, is left alone."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from tests.laws.facts import Broken, Thing, Things


def check(
    before: Things, after: Things, *, mine: Callable[[Thing], bool], touched: AbstractSet[str]
) -> None:
    """Compare before and after a pass.

    Args:
        before: everything on Drive when it began.
        after: when it ended.
        mine: tells what the pass may change, as of when it began.
        touched: what a person changed meanwhile.
    """
    for thing in before.values():
        if thing.id in touched or mine(thing):
            continue
        now = after.get(thing.id)
        if now is not None and now != thing:  # what is gone is law 2's matter
            raise Broken(9, f"a stranger was changed: {thing} is {now}")
