"""Law 7 counts what went to the trash unasked within a day."""

from __future__ import annotations

import hashlib

import pytest

from tests.laws import law_07
from tests.laws.facts import Broken, Thing, Version
from tests.laws.law_07 import DAY, Guarded

TEN = [str(number) for number in range(10)]


def test_three_are_never_too_many_and_a_quarter_is_the_most() -> None:
    Guarded().take(0, TEN[:3], 3, set(TEN))
    Guarded().take(0, TEN, 40, set(TEN))
    with pytest.raises(Broken, match="10 of 39"):
        Guarded().take(0, TEN, 39, set(TEN))


def test_slices_of_a_day_add_up() -> None:
    guarded = Guarded()
    guarded.take(0, TEN[:3], 10, set(TEN))
    guarded.take(DAY + 1, TEN[3:6], 10, set(TEN))
    with pytest.raises(Broken):
        guarded.take(DAY + 2, TEN[6:], 10, set(TEN))


def test_what_a_person_took_out_of_the_trash_does_not_count() -> None:
    guarded = Guarded()
    guarded.take(0, TEN[:3], 10, set(TEN))
    guarded.take(1, TEN[3:5], 10, set(TEN[2:5]))


def test_nobody_knows_a_day_after_the_clock_was_set() -> None:
    guarded = Guarded()
    guarded.clock_set(0)
    guarded.take(1, TEN, 10, set(TEN))


def test_newly_trashed() -> None:
    before = {"1": Thing("1"), "2": Thing("2", trashed=True), "3": Thing("3")}
    after = {i: Thing(i, trashed=True) for i in "1234"}
    assert law_07.newly_trashed(before, after, touched={"3"}) == ["1", "4"]


def test_an_empty_file_that_used_up_an_id_is_no_deletion_but_anything_in_it_is() -> None:
    def named(name: str, *contents: bytes, folder: bool = False) -> list[str]:
        versions = tuple(
            Version("v", hashlib.md5(each, usedforsecurity=False).hexdigest()) for each in contents
        )
        after = {"1": Thing("1", name, folder=folder, trashed=True, versions=versions)}
        return law_07.newly_trashed({}, after, touched=set())

    assert named("not needed (a)", b"") == []
    assert named("not needed (a)", b"text") == ["1"]
    assert named("not needed (a)", b"text", b"") == ["1"]
    assert named("not needed (a)", folder=True) == ["1"]
    assert named("empty.txt", b"") == ["1"]


def test_a_home_that_looks_wrong_and_whole_folders() -> None:
    law_07.check_home(["1"], "")
    law_07.check_home([], "the home is empty")
    with pytest.raises(Broken, match="although the home is empty"):
        law_07.check_home(["1"], "the home is empty")
    law_07.check_folders(["1"], {"d": {"1", "2"}}, {"2"})
    with pytest.raises(Broken, match="whole top-level folder"):
        law_07.check_folders(["1"], {"d": {"1", "2"}}, set())
