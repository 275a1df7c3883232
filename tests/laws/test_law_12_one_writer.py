"""Law 12 finds a writer that goes on after another one took over."""

from __future__ import annotations

import pytest

from tests.laws.facts import Broken
from tests.laws.law_12 import Writers


def test_one_after_the_other_with_one_request_in_flight() -> None:
    writers = Writers()
    for name in ("a", "a", "b", "a", "b", "c"):
        writers.sends(name)


def test_two_at_once() -> None:
    writers = Writers()
    for name in ("a", "b", "a"):
        writers.sends(name)
    with pytest.raises(Broken, match="a goes on writing after b"):
        writers.sends("a")
