"""How somebody's backup stands, in one word and one sentence, with what can be done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from jupyter_drive_sync.hub.people import Hold, Person

_DAY: Final = 86_400.0

SYNCED: Final = "synced"
SYNCING: Final = "syncing"
WAITING: Final = "waiting"
NEEDS_PERSON: Final = "needs_person"
NEEDS_ADMIN: Final = "needs_admin"
HELD: Final = "held"
LEFT_OUT: Final = "left_out"
ARCHIVED: Final = "archived"

STATES: Final[Mapping[str, str]] = {
    NEEDS_ADMIN: "needs you",
    NEEDS_PERSON: "needs the person",
    WAITING: "waiting",
    SYNCING: "syncing",
    HELD: "held",
    LEFT_OUT: "left out",
    SYNCED: "synced",
    ARCHIVED: "archived",
}
"""The words, the most urgent first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one backup stands.

    Attributes:
        state: one of :data:`STATES`.
        sentence: what is so, and what can be done.
        since: epoch seconds since when; None where that says nothing.
        backed_up: whether all that we know of is on Drive.
    """

    state: str
    sentence: str
    since: float | None
    backed_up: bool


_RECONNECT: Final = "They reconnect with the cloud button in Jupyter; nothing is uploaded again."
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "auth.missing": (NEEDS_PERSON, f"Not connected any more. {_RECONNECT}"),
    "auth.expired": (NEEDS_PERSON, f"Google no longer accepts our access. {_RECONNECT}"),
    "auth.revoked": (NEEDS_PERSON, f"Google ended the permission. {_RECONNECT}"),
    "auth.scope_missing": (NEEDS_PERSON, f"The Drive box was not ticked. {_RECONNECT}"),
    "auth.testing_mode": (
        NEEDS_ADMIN,
        (
            'The Google app is in "Testing", where permissions end after 7 days: publish it in '
            "Google Auth Platform, Audience."
        ),
    ),
    "drive.full": (
        NEEDS_PERSON,
        (
            "Their Google account is full (Gmail and Photos count too); they make space or exclude "
            "large folders."
        ),
    ),
    "drive.daily_upload_limit": (
        WAITING,
        "Google's daily limit of uploads for this account is reached; it goes on by itself.",
    ),
    "drive.busy": (WAITING, "Google asked to go slower; it goes on by itself."),
    "net.offline": (
        WAITING,
        "Google could not be reached; where it is so for everybody, look at proxy and DNS.",
    ),
    "project.daily_limit": (
        NEEDS_ADMIN,
        (
            "The Google project's quota of the day is used up: raise it in Google Cloud, Quotas, "
            "or give the nights a smaller share."
        ),
    ),
    "project.client_gone": (
        NEEDS_ADMIN,
        (
            "Google does not know the client any more: restore it within 30 days, or make a new "
            "one; then all have to consent again."
        ),
    ),
    "project.api_off": (NEEDS_ADMIN, "Switch the Drive API on in the Google project, then retry."),
    "org.blocked": (
        NEEDS_ADMIN,
        (
            "The Google organisation does not allow this app: Workspace Admin, Security, API "
            "controls, App access."
        ),
    ),
    "state.unusable": (
        NEEDS_ADMIN,
        "The state folder in the home cannot be used: look at its owner and for links in it.",
    ),
    "state.full": (NEEDS_PERSON, "The home's disk is full; they delete something."),
    "home.missing": (NEEDS_ADMIN, "The home is not there: look at the mount and homes_name."),
    "home.refused": (
        NEEDS_ADMIN,
        "The home is not read so: look at its owner, at links, and at homes_user.",
    ),
    "home.too_large": (NEEDS_ADMIN, "The home has more files than max_files; raise it or exclude."),
    "settings.invalid": (NEEDS_PERSON, "Their settings or .driveignore cannot be read."),
    "run.busy": (WAITING, "Another sync of theirs was running."),
    "run.low_memory": (
        NEEDS_ADMIN,
        "Too little memory was free; give the night a profile with more.",
    ),
    "run.killed": (WAITING, "The sync was cut off; it goes on where it was in the next night."),
    "night.start_failed": (NEEDS_ADMIN, "Their server did not start: see the hub's log."),
    "night.start_refused": (
        NEEDS_ADMIN,
        (
            "The hub refused to start their server; where it says that auth has expired, set "
            "refresh_pre_spawn to False."
        ),
    ),
    "night.silent": (
        NEEDS_ADMIN,
        (
            "Their server started but never asked: its image lacks jupyter-drive-sync, or "
            "DRIVE_SYNC_BROKER_URL is not set in it."
        ),
    ),
    "night.server_gone": (
        WAITING,
        "Their server ended during the sync; it goes on where it was in the next night.",
    ),
    "night.late": (
        WAITING,
        "The sync took longer than the night gives; it goes on where it was in the next one.",
    ),
    "night.no_slot": (
        WAITING,
        "The hub had no place for their server; the next night tries again.",
    ),
    "night.stop_failed": (NEEDS_ADMIN, "Their server could not be stopped: see the hub's log."),
    "night.gone": (LEFT_OUT, "Not a user of the hub any more."),
    "night.hub_refuses": (
        NEEDS_ADMIN,
        "The hub refuses what the night needs: look at the role drive-sync.",
    ),
    "night.worker_gone": (WAITING, "The worker fell silent; the next night tries again."),
    "internal": (NEEDS_ADMIN, "Something went wrong that we did not foresee: see the log."),
}


def standing(
    person: Person, hold: Hold | None, *, under_way: bool, first_possible: str = ""
) -> Standing:
    """Say how somebody's backup stands.

    Args:
        person: who.
        hold: what holds them now.
        under_way: whether their turn has begun.
        first_possible: the next night, for those who wait.
    """
    complete = person.last_sync is not None and not person.unfinished and not person.problem
    rules: tuple[tuple[bool, Callable[[], Standing]], ...] = (
        (person.frozen_at is not None, lambda: _archived(person)),
        (under_way, lambda: Standing(SYNCING, "Syncing now.", None, complete)),
        (
            person.opted_out,
            lambda: Standing(LEFT_OUT, "Left out of the nights.", person.last_try, complete),
        ),
        (hold is not None, lambda: _held(hold, complete=complete)),
        (
            person.revoked and not person.problem.startswith("auth."),
            lambda: _worded(person, "auth.revoked", person.ended_at),
        ),
        (bool(person.problem), lambda: _worded(person, person.problem, person.problem_since)),
        (bool(person.holds), lambda: _asked(person)),
        (complete, lambda: Standing(SYNCED, "Everything is on Drive.", person.last_sync, True)),
    )
    for true, say in rules:
        if true:
            return say()
    return _waiting(person, first_possible)


def _archived(person: Person) -> Standing:
    return Standing(ARCHIVED, "Complete, verified, and closed.", person.frozen_at, True)


def _held(hold: Hold | None, *, complete: bool) -> Standing:
    assert hold is not None  # noqa: S101 - the rule says so
    reason = f": {hold.reason}" if hold.reason else ""
    return Standing(HELD, f"Held by {hold.by}{reason}.", hold.begin, complete)


def _waiting(person: Person, first_possible: str) -> Standing:
    when = f"; next: {first_possible}" if first_possible else ""
    if person.last_sync is not None:
        return Standing(WAITING, f"A part is still to be synced{when}.", person.last_sync, False)
    said = f"The first upload waits for its night{when}."
    if person.nights_waited:
        said = f"The first upload had no room in {person.nights_waited} nights{when}."
    return Standing(WAITING, said, person.granted_at or None, False)


def _worded(person: Person, code: str, since: float | None) -> Standing:
    if code.startswith("held."):
        return _asked(person)
    state, sentence = _WORDS.get(code, ("", ""))
    if not state:
        state = {"user": NEEDS_PERSON, "wait": WAITING}.get(person.problem_who, NEEDS_ADMIN)
        sentence = f"The sync ended with {code}."
    if person.problem_text and state == NEEDS_ADMIN:
        sentence = f"{sentence} ({person.problem_text})"
    if code == "auth.revoked" and died_at_seven_days(person):
        sentence = f"Google ended the permission after 7 days. {_RECONNECT}"
    return Standing(state, sentence, since, False)


def _asked(person: Person) -> Standing:
    said = "Deletions wait for their word in Jupyter; nothing was removed on Drive."
    return Standing(NEEDS_PERSON, said, person.problem_since, False)


def died_at_seven_days(person: Person) -> bool:
    """Tell whether a permission ended as those of an app in "Testing" do."""
    if person.ended_at is None or not person.granted_at:
        return False
    return 6.5 * _DAY <= person.ended_at - person.granted_at <= 8 * _DAY


def testing_mode(people: Iterable[Person], now: float) -> tuple[int, int]:
    """Count the permissions that ended lately, and those of them that ended at 7 days.

    Args:
        people: everybody.
        now: epoch seconds.

    Returns:
        How many died at seven days, and of how many that died within 30 days; zeros where that
        does not look like an app in "Testing".
    """
    dead = [
        person
        for person in people
        if person.ended_at is not None and now - person.ended_at < 30 * _DAY
    ]
    seven = sum(died_at_seven_days(person) for person in dead)
    return (seven, len(dead)) if seven >= 3 and 2 * seven >= len(dead) else (0, 0)


def counted(standings: Collection[Standing]) -> Mapping[str, int]:
    """Count the states, all of them, in their order."""
    found = dict.fromkeys(STATES, 0)
    for each in standings:
        found[each.state] += 1
    return found
