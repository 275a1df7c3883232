"""Law 2 finds what was acknowledged and is nowhere, and who removed it."""

from __future__ import annotations

import pytest

from tests.laws.facts import Broken, Thing, Version
from tests.laws.law_02 import THIRTY_DAYS, Memory, aged, check_pass, check_request

HERE = {"1": Thing("1", versions=(Version("v1", "old"), Version("v2", "new")))}
NOBODY: frozenset[str] = frozenset()


def test_home_revision_and_trash_are_somewhere() -> None:
    memory = Memory()
    memory.acknowledge(["old", "new", "home"])
    memory.check({"home"}, HERE, 0)
    memory.check({"home"}, {"1": Thing("1", trashed=True, versions=HERE["1"].versions)}, 1)
    with pytest.raises(Broken, match="home was acknowledged and is nowhere"):
        memory.check(set(), HERE, 2)


def test_what_was_never_acknowledged_may_go() -> None:
    Memory().check(set(), {}, 0)


def test_thirty_days_and_a_persons_hand_end_it() -> None:
    memory = Memory()
    memory.acknowledge(["new", "gone"])
    memory.check({"gone"}, HERE, 0)
    memory.removed_by_a_person(["new"])
    memory.check({"gone"}, {}, 10)
    with pytest.raises(Broken):
        memory.check(set(), {}, THIRTY_DAYS)
    memory.check(set(), {}, 10 + THIRTY_DAYS)
    assert memory.acknowledged == set()


def test_a_replaced_content_may_go_after_thirty_days() -> None:
    newer = {"1": Thing("1", versions=HERE["1"].versions[1:])}
    assert aged(HERE, newer, THIRTY_DAYS) == {"old"}
    assert aged(HERE, newer, THIRTY_DAYS - 1) == set()
    assert aged(HERE, HERE, THIRTY_DAYS) == set()


def test_a_pass_deletes_nothing_and_trashes_no_folder() -> None:
    with pytest.raises(Broken, match="deleted for good"):
        check_pass(HERE, {}, touched=NOBODY)
    check_pass(HERE, {}, touched={"1"})
    check_pass({"1": Thing("1", trashed=True)}, {}, touched=NOBODY)
    folder, gone = Thing("1", folder=True), Thing("1", folder=True, trashed=True)
    with pytest.raises(Broken, match="folder"):
        check_pass({"1": folder}, {"1": gone}, touched=NOBODY)
    check_pass({"1": Thing("1")}, {"1": Thing("1", trashed=True)}, touched=NOBODY)


def test_no_request_of_ours_deletes() -> None:
    with pytest.raises(Broken):
        check_request("DELETE", "/drive/v3/files/1")
    check_request("DELETE", "/upload/drive/v3/files")
    check_request("PATCH", "/drive/v3/files/1")
