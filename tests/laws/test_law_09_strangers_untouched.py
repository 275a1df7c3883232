"""Law 9 compares what is not ours before and after a pass."""

from __future__ import annotations

import pytest

from tests.laws import law_09
from tests.laws.facts import Broken, Thing

BEFORE = {"1": Thing("1", ours=False)}
AFTER = {"1": Thing("1", name="other", ours=False)}


def test_a_stranger_that_was_changed() -> None:
    nobody: frozenset[str] = frozenset()
    law_09.check(BEFORE, BEFORE, mine=lambda _: False, touched=nobody)
    law_09.check(BEFORE, AFTER, mine=lambda _: True, touched=nobody)
    law_09.check(BEFORE, AFTER, mine=lambda _: False, touched={"1"})
    with pytest.raises(Broken, match="stranger"):
        law_09.check(BEFORE, AFTER, mine=lambda _: False, touched=nobody)
