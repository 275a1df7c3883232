"""Law 3 finds a content that nobody ever saved."""

from __future__ import annotations

import pytest

from tests.laws import law_03
from tests.laws.facts import Broken, Thing, Version


def test_half_a_file() -> None:
    torn = Thing("1", versions=(Version("v1", "whole"), Version("v2", "half")))
    law_03.check({"1": torn}, {"whole", "half"})
    with pytest.raises(Broken, match="never existed"):
        law_03.check({"1": torn}, {"whole"})
