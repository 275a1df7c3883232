"""Law 16 finds the first event at which two traces differ."""

from __future__ import annotations

import pytest

from tests.laws import law_16
from tests.laws.facts import Broken
from tests.laws.law_16 import Trace


def traced(*lines: str, keep: bool = True) -> Trace:
    trace = Trace(keep=keep)
    for line in lines:
        trace.add(line)
    return trace


def test_same_and_other() -> None:
    law_16.check(traced("a", "b"), traced("a", "b"))
    with pytest.raises(Broken, match=r"event 1: b \| c"):
        law_16.check(traced("a", "b"), traced("a", "c"))
    with pytest.raises(Broken, match=r"event 1: None \| b"):
        law_16.check(traced("a"), traced("a", "b"))
    with pytest.raises(Broken, match="1 events, 2 events"):
        law_16.check(traced("a", keep=False), traced("a", "b", keep=False))
