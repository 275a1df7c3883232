"""Law 8 looks for edits on Drive that were replaced although they were to be seen."""

from __future__ import annotations

import pytest

from tests.laws import law_08
from tests.laws.facts import Broken, Thing, Version
from tests.laws.law_08 import Edit

SEEN = {"theirs": Edit("1", "theirs", seen_by=2)}
TOLD = frozenset({("1", "theirs")})


def judge(  # type: ignore[no-untyped-def]
    *, pinned: bool = True, edits=None, by: int = 2, told=TOLD, most: int = 9, before: str = "w"
) -> None:
    versions = (Version("first", before), Version("theirs", "x", pinned), Version("ours", "y"))
    law_08.check(
        {"1": Thing("1", versions=versions)}, SEEN if edits is None else edits, {"ours": by},
        told=told, most=most,
    )  # fmt: skip


def test_pinned_and_told() -> None:
    judge()
    with pytest.raises(Broken, match="not pinned"):
        judge(pinned=False)
    with pytest.raises(Broken, match="not told"):
        judge(told=frozenset())


def test_no_offence() -> None:
    judge(pinned=False, by=1)
    judge(pinned=False, before="x")
    judge(pinned=False, edits={"theirs": Edit("1", "theirs")})
    judge(pinned=False, edits={})
    judge(pinned=False, most=0)
