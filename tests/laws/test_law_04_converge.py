"""Law 4 compares home and Drive but for what is listed."""

from __future__ import annotations

import pytest

from tests.laws import law_04
from tests.laws.facts import Broken, Thing, Version

NONE: frozenset[str] = frozenset()
FOLDER = Thing("d", "d", "root", folder=True)
FILE = Thing("1", "f", "d", versions=(Version("v1", "md5"),))
ROOT = Thing("root", "ann", None, folder=True)
THERE = {"root": ROOT, "d": FOLDER, "1": FILE}


def judge(home: dict[str, str], *more: Thing, listed=NONE, noted=NONE) -> None:  # type: ignore[no-untyped-def]
    things = {**THERE, **{thing.id: thing for thing in more}}
    law_04.check(home, things, root="root", listed=listed, noted=noted)


def test_equal() -> None:
    judge({"d/f": "md5"})


@pytest.mark.parametrize(
    ("home", "what"),
    [
        ({"d/f": "other"}, "another content"),
        ({"d/f": "md5", "g": "x"}, "'g' is on Drive 0 times"),
        ({}, "on Drive only"),
    ],
)
def test_differences(home: dict[str, str], what: str) -> None:
    with pytest.raises(Broken, match=what):
        judge(home)
    judge(home, listed={"d", "g"})


def test_a_twin_has_to_be_noted() -> None:
    twin = Thing("2", "f", "d", versions=(Version("v9", "x"),))
    with pytest.raises(Broken, match="2 times"):
        judge({"d/f": "md5"}, twin)
    judge({"d/f": "md5"}, twin, noted={"2"})
    judge({"d/f": "md5"}, Thing("2", "f", "elsewhere"))
    judge({"d/f": "md5"}, Thing("2", "f", "d", trashed=True))


def test_rest() -> None:
    law_04.check_rest(0, {"changes.list": 1})
    for planned, sent in ((1, {}), (0, {"files.update": 1})):
        with pytest.raises(Broken, match="no rest"):
            law_04.check_rest(planned, sent)
