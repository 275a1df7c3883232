"""Law 1 tells twins from what a person put beside ours."""

from __future__ import annotations

import pytest

from tests.laws import law_01
from tests.laws.facts import Broken, Thing

NOBODY: frozenset[str] = frozenset()


def things(*each: Thing) -> dict[str, Thing]:
    return {thing.id: thing for thing in each}


def test_two_at_one_place() -> None:
    twins = things(Thing("1", nonce="a"), Thing("2", nonce="b"))
    with pytest.raises(Broken, match="2 times at one place"):
        law_01.check(twins, placed=NOBODY, copied=NOBODY)
    law_01.check(twins, placed={"2"}, copied=NOBODY)


def test_two_of_one_write() -> None:
    twins = things(Thing("1", nonce="a"), Thing("2", parent="other", nonce="a"))
    with pytest.raises(Broken, match="one write"):
        law_01.check(twins, placed={"1", "2"}, copied=NOBODY)
    law_01.check(twins, placed={"1", "2"}, copied={"2"})


@pytest.mark.parametrize(
    "other",
    [
        Thing("2", nonce="b", trashed=True),
        Thing("2", nonce="b", parent="bin"),
        Thing("2", nonce="b", name="g"),
        Thing("2", nonce="b", folder=True),
        Thing("2", nonce="b", ours=False),
        Thing("2", nonce="b", home="another"),
    ],
)
def test_no_twins(other: Thing) -> None:
    folder = Thing("bin", folder=True, trashed=True, name="bin", nonce="c")
    law_01.check(things(Thing("1", nonce="a"), other, folder), placed=NOBODY, copied=NOBODY)
