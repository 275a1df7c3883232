"""The hours of the night, the budget, who is due, and what a server may say."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jupyter_drive_sync.errors import BadSettings
from jupyter_drive_sync.hub.budget import Budget, Cost, Spent, google_day
from jupyter_drive_sync.hub.database import open_database
from jupyter_drive_sync.hub.due import Why, holding, judge, spread
from jupyter_drive_sync.hub.hub_api import HubUser
from jupyter_drive_sync.hub.night_config import NightConfig, Quota
from jupyter_drive_sync.hub.people import Granted, Hold, Person, Store, _fill
from jupyter_drive_sync.hub.reports import NoReport, consequences, parse
from jupyter_drive_sync.hub.window import Window
from tests.drive.ground import seeded
from tests.hub.night_world import settings
from tests.virtual_clock import VirtualClock

ZURICH = ZoneInfo("Europe/Zurich")


def at(text: str, zone: ZoneInfo = ZURICH) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def test_a_moment_lies_in_a_night_or_before_one() -> None:
    window = Window.parse("01:00\u201307:00", "Europe/Zurich")
    assert window.at(at("2027-01-15T21:00")).id == "2027-01-16"
    assert window.at(at("2027-01-16T06:59")).id == "2027-01-16"
    assert window.at(at("2027-01-16T07:00")).id == "2027-01-17"
    night = window.at(at("2027-01-16T03:00"))
    assert (night.begin, night.end) == (at("2027-01-16T01:00"), at("2027-01-16T07:00"))
    assert window.after(night).id == "2027-01-17"


def test_a_night_around_midnight_belongs_to_its_evening() -> None:
    window = Window.parse("22:30-05:00", "Europe/Zurich")
    for moment in ("2027-01-15T23:00", "2027-01-16T04:59"):
        assert window.at(at(moment)).id == "2027-01-15"
    assert window.at(at("2027-01-16T05:00")).id == "2027-01-16"


def test_nights_in_which_clocks_change() -> None:
    window = Window.parse("01:00-07:00", "Europe/Zurich")
    assert window.at(at("2027-03-28T00:30")).seconds == 5 * 3600
    assert window.at(at("2027-10-31T00:30")).seconds == 7 * 3600


@pytest.mark.parametrize("text", ["", "1-7", "01:00", "25:00-07:00", "01:00-01:00", "01:60-02:00"])
def test_hours_that_are_none(text: str) -> None:
    with pytest.raises(BadSettings):
        Window.parse(text, "UTC")
    with pytest.raises(BadSettings):
        Window.parse("01:00-07:00", "Mars/Base")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nightly_spread", 1.0),
        ("quota_share", 0.0),
        ("nightly_concurrency", 0),
        ("homes_user", "x"),
    ],
)
def test_options_that_make_no_sense(name: str, value: Any) -> None:
    options = NightConfig()
    setattr(options, name, value)
    with pytest.raises(BadSettings):
        options.night_settings()


# -- budget ----------------------------------------------------------------------------------------


def test_the_days_units_are_never_exceeded_by_estimates() -> None:
    clock = VirtualClock()
    budget = Budget(Quota(units_per_day=1_000, bytes_per_day=100), clock.wall)
    first = budget.reserve(Cost(600, 10))
    assert not budget.room(Cost(401))
    assert not budget.room(Cost(1, 91))
    assert budget.room(Cost(400, 90))
    assert not budget.room(Cost(300), keep_free=Cost(101))
    budget.used(first, Cost(100, 5))
    budget.close(first)
    budget.close(first)
    assert budget.spent == Spent(google_day(clock.wall()), 100, 5)
    assert budget.room(Cost(900))
    clock.advance(86_400)
    assert budget.spent.units == 0


def test_one_that_is_larger_than_a_day_has_its_turn_all_the_same() -> None:
    budget = Budget(Quota(units_per_day=1_000), VirtualClock().wall)
    assert budget.room(Cost(5_000))
    budget.reserve(Cost(5_000))
    assert not budget.room(Cost(1))


def test_no_minute_is_exceeded() -> None:
    clock = VirtualClock()
    budget = Budget(Quota(units_per_minute=100, user_units_per_minute=40), clock.wall)
    first, second = budget.reserve(Cost(1_000)), budget.reserve(Cost(30))
    assert budget.wait(Cost(30)) == 0
    assert budget.wait(Cost(31)) > 0
    budget.used(second, Cost(30))
    budget.close(second)
    # What it used may all have been used just now.
    assert budget.wait(Cost(31)) == 60
    clock.advance(60)
    assert budget.wait(Cost(31)) == 0
    budget.close(first)
    # One that used nothing leaves its place at once.
    budget.close(budget.reserve(Cost(1_000)))
    assert budget.wait(Cost(100)) == 0


def test_what_nobody_can_have_used_is_not_believed() -> None:
    clock = VirtualClock()
    budget = Budget(Quota(), clock.wall)
    mine = budget.reserve(Cost(100))
    budget.used(mine, Cost(10**15, 10**15))
    budget.close(mine)
    assert budget.spent.units == 325_000
    assert budget.spent.bytes == 750 * 10**9


def test_googles_day_begins_at_midnight_in_california() -> None:
    assert google_day(at("2027-01-16T08:59")) == "2027-01-15"
    assert google_day(at("2027-01-16T09:00")) == "2027-01-16"


def test_a_day_that_google_says_is_used_up() -> None:
    clock = VirtualClock()
    budget = Budget(Quota(), clock.wall)
    budget.stop_for_today()
    assert not budget.room(Cost(1))
    clock.advance(86_400)
    assert budget.room(Cost(1))


# -- who is due ------------------------------------------------------------------------------------


def person(**values: Any) -> Person:
    made = Person(user="ann", server="")
    _fill(made)
    for name, value in values.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("values", "activity", "why"),
    [
        ({}, 0, Why.FIRST),
        ({"last_sync": 50.0, "baseline": 100.0}, 100, Why.IDLE),
        ({"last_sync": 50.0, "baseline": 100.0}, 101, Why.ACTIVE),
        ({"last_sync": 50.0, "baseline": 100.0, "unfinished": True}, 100, Why.UNFINISHED),
        ({"last_sync": None, "outcome": "with_errors", "unfinished": True}, 1, Why.UNFINISHED),
        ({"last_sync": 50.0, "baseline": 100.0, "retry": True}, 100, Why.ASKED),
        ({"revoked": True}, 1, Why.REVOKED),
        ({"opted_out": True, "retry": True}, 1, Why.OPTED_OUT),
        ({"parked_until": 2e9}, 1, Why.PARKED),
        ({"frozen_at": 5.0, "retry": True}, 1, Why.FROZEN),
        ({"last_sync": 1.0, "baseline": 9e9, "final": True}, 1, Why.FINAL),
    ],
)
def test_who_is_due(values: dict[str, Any], activity: float, why: Why) -> None:
    user = HubUser("ann", last_activity=activity, groups=())
    assert judge(person(**values), user, settings(), [], 1_800_000_000.0).why is why


def test_who_left_the_hub() -> None:
    assert judge(person(), None, settings(), [], 0.0).why is Why.GONE


def test_holds() -> None:
    group = Hold(1, "group", "exam", 0, 0, "", "root")
    assert holding([group], "ann", ("exam", "x")) is group
    assert holding([group], "ann", ("x",)) is None
    assert holding([group], "ann", None) is group
    assert holding([Hold(2, "user", "bob", 0, 0, "", "")], "ann", ()) is None


def test_starts_are_spread_and_shuffled() -> None:
    dues = [
        judge(
            person(user=f"u{number}", last_sync=1.0),
            HubUser(f"u{number}", last_activity=5.0, groups=()),
            settings(),
            [],
            1e9,
        )
        for number in range(200)
    ]
    planned = spread(dues, 1_000.0, 2_000.0, seeded(1))
    moments = [each.at for each in planned]
    assert moments == sorted(moments)
    assert moments[0] >= 1_000
    assert moments[-1] <= 3_000
    quarter = sum(moment < 1_500 for moment in moments)
    assert 48 <= quarter <= 52
    assert [each.due.person.user for each in planned] != [f"u{number}" for number in range(200)]


# -- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status",
    [None, [], "x", {}, {"outcome": "great"}, {"outcome": 5}, {"outcome": "failed", "counts": [1]}],
)
def test_words_that_are_none(status: object) -> None:
    with pytest.raises(NoReport):
        parse(status)


@pytest.mark.parametrize("number", [-5, 1e400, float("nan"), "7", None, True, [], 10**40])
def test_numbers_are_bounded(number: object) -> None:
    report = parse({"outcome": "completed", "counts": {"quota_units": number}})
    assert 0 <= report.cost.units <= 10**15


def test_only_our_own_codes_are_taken() -> None:
    assert parse({"outcome": "failed", "problem": "drive.full"}).problem == "drive.full"
    assert parse({"outcome": "failed", "problem": {"code": "held.deletions"}}).problem.startswith(
        "held."
    )
    for code in ("<script>", "=1+1", {"code": ["x"]}, 5, "held.<b>", "held." + "x" * 99):
        assert parse({"outcome": "failed", "problem": code}).problem == "internal"


def test_what_a_person_stopped_is_no_failure() -> None:
    report = parse({"outcome": "cancelled", "problem": "run.cancelled", "opted_out": True})
    changes = consequences(person(failures=2), report, 5.0)
    assert changes["opted_out"]
    assert "problem" not in changes
    assert "failures" not in changes


# -- who has consented -----------------------------------------------------------------------------


def test_two_homes_of_one_person_are_met_without_harm(tmp_path: Path) -> None:
    """Consents for a named server's home come before anybody knows whose home it is."""
    store = Store(open_database(f"sqlite:///{tmp_path}/hub.sqlite"))
    granted = [Granted("ann", "first"), Granted("ann", "second"), Granted("ben", "other")]
    for _ in range(2):
        met = {(each.user, each.server): each.home_id for each in store.meet(granted)}
        assert met == {("ann", ""): "first", ("ben", ""): "other"}
    store.learn("ann", "lab", "second")
    met = {(each.user, each.server): each.home_id for each in store.meet(granted)}
    assert met == {("ann", ""): "first", ("ann", "lab"): "second", ("ben", ""): "other"}


def test_an_older_consent_does_not_take_the_place_of_a_known_home(tmp_path: Path) -> None:
    store = Store(open_database(f"sqlite:///{tmp_path}/hub.sqlite"))
    store.meet([Granted("ann", "mine")])
    (met,) = store.meet([Granted("ann", "older"), Granted("ann", "mine")])
    assert met.home_id == "mine"
