"""A hub's story from start to end: everybody consents once, then a night in both modes."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

from jupyter_drive_sync.demo import proof
from jupyter_drive_sync.demo.browser import Browser
from jupyter_drive_sync.demo.hub import (
    ADMIN,
    PEOPLE,
    Campus,
    Night,
    account,
    campus,
    jupyterhub,
)
from jupyter_drive_sync.demo.sample import LEFT_OUT
from jupyter_drive_sync.demo.story import judged
from jupyter_drive_sync.errors import Internal

_PATIENCE: Final = 600.0
"""Seconds that a night of three may take on a slow machine."""
_LOOK_AGAIN: Final = 0.25
_MOUNTED: Final = Night("mounted", "Etc/GMT-14")

Say = Callable[[str], None]


def tell(say: Say) -> bool:
    """Play the whole story and tell it.

    Args:
        say: takes one line after the other.

    Returns:
        Whether all went as it has to: homes and Drives equal, no server left running.

    Raises:
        DriveSyncError: the hub did not start, or a night came to no end.
    """
    with campus() as place:
        say(f"A LocalDrive answers at {place.ground.url} in place of Google.")
        say(f"Three people have homes in {place.folder / 'homes'}: {', '.join(PEOPLE)}.\n")
        with jupyterhub(place, Night()):
            say(f"A JupyterHub runs at {place.url}, with the service of Jupyter Drive Sync.")
            good = [consent(place, person, say) for person in PEOPLE]
            say("\nFirst night, mode `servers`. Nobody's server is up; the night starts each.")
            good.append(_night(place, say, due=PEOPLE, servers=True))
            _press(place, log_in(place, ADMIN), "Pause the nights", say)
        for person in PEOPLE[:2]:
            place.homes[person].change()
        workers = " and ".join(PEOPLE[:2])
        say("\nThe hub is stopped, and started again as one that has all homes mounted; the pause")
        say(f"outlives that. Meanwhile {workers} have worked, and {PEOPLE[2]} has not.")
        with jupyterhub(place, _MOUNTED):
            for person in PEOPLE[:2]:
                log_in(place, person)
            say("\nSecond night, mode `mounted`. No server is started.")
            good.append(_night(place, say, due=PEOPLE[:2], servers=False))
        good.append(_one_permission_each(place))
    say("\nThe hub has ended, and nothing is left of it.")
    return all(good)


def log_in(place: Campus, person: str) -> Browser:
    """Log somebody in at the hub, and return the browser.

    Raises:
        OSError: the hub did not answer, or refused.
    """
    browser = Browser(account(person))
    page = browser.visit(f"{place.url}hub/login?next=/hub/home")
    browser.submit(page, username=person, password=place.password)
    return browser


def consent(place: Campus, person: str, say: Say) -> bool:
    """Have somebody consent, as a person does with a browser; tell whether it went well.

    Raises:
        OSError: something did not answer, or refused.
    """
    browser = log_in(place, person)
    asked = browser.visit(f"{place.service}connect")
    end = browser.decide(browser.onward(browser.submit(asked)))
    verdict = re.search(r'data-drive-sync="([^"]+)"', end.text)
    good = verdict is not None and verdict[1] == "connected" and account(person) in end.text
    said = f"the hub keeps {account(person)}'s permission, encrypted" if good else "NOT CONNECTED"
    say(f"  {person} logs in, presses Connect, and allows it on Google's page: {said}.")
    return good


def _one_permission_each(place: Campus) -> bool:
    """Tell whether everybody was asked once: the second night needed no further consent."""
    given = [line for line in place.log.read_text("utf-8").splitlines() if "grant.made" in line]
    return len(given) == len(PEOPLE)


def _night(place: Campus, say: Say, *, due: tuple[str, ...], servers: bool) -> bool:
    """Let a night begin, watch it, and verify it by neither side's own word."""
    admin = log_in(place, ADMIN)
    before = _last(admin, place)
    begun = monotonic()
    _press(place, admin, "Resume", say)
    seen = _watch(place, admin, before, say)
    took = monotonic() - begun
    last = _last(admin, place)
    done = ", ".join(f"{number} {outcome}" for outcome, number in last["outcomes"].items())
    say(f"  The night is over after {took:.0f} seconds: {done}.")
    good = [
        last["outcomes"] == {"synced": len(due)},
        seen == (set(due) if servers else set()),
        not [user["name"] for user in place.users() if user["servers"]],
    ]
    started = ", ".join(sorted(seen)) or "nobody's"
    say(f"  Servers that were started: {started}. Still running: {'none' if good[2] else 'SOME'}.")
    people = json.loads(admin.visit(f"{place.service}admin/people.json").text)
    for row in people["people"]:
        comparison = _compare(place, row["user"])
        good += [comparison.equal, row["state"] == "synced"]
        say(f"  {row['user']}: {row['sentence']} Checked: {judged(comparison)}.")
    return all(good) and len(people["people"]) == len(PEOPLE)


def _press(place: Campus, admin: Browser, button: str, say: Say) -> None:
    """Press the first button on the page for administrators, which has to be this one."""
    page = admin.visit(f"{place.service}admin")
    first = re.search(r"<button>([^<]*)</button>", page.text)
    if first is None or first[1] != button:
        raise Internal(detail=f"There is no button {button}, but {first and first[1]}.")
    admin.submit(page)
    say(f"  {ADMIN} presses *{button}* on the page for administrators.")


def _watch(place: Campus, admin: Browser, before: Mapping[str, Any], say: Say) -> set[str]:
    """Wait for the end of a night; returns whose servers were up meanwhile."""
    seen: set[str] = set()
    up: set[str] = set()
    pause = threading.Event()
    end = monotonic() + _PATIENCE
    while monotonic() < end:
        now = {str(user["name"]) for user in place.users() if user["servers"]}
        for person in sorted(now - up):
            say(f"  {person}'s server is started.")
        for person in sorted(up - now):
            say(f"  {person}'s server has synced, and is stopped.")
        seen, up = seen | now, now
        if _last(admin, place)["id"] != before["id"]:
            return seen
        pause.wait(_LOOK_AGAIN)
    log = place.log.read_text("utf-8", "replace").splitlines()[-40:]
    say("\n".join(("The night came to no end. What the hub said last:", *log)))
    raise Internal(detail="the night came to no end")


def _last(admin: Browser, place: Campus) -> dict[str, Any]:
    """Return what the service says of the last night that is over."""
    night = json.loads(admin.visit(f"{place.service}admin/night.json").text)
    return night["last"] or {"id": None, "outcomes": {}}


def _compare(place: Campus, person: str) -> proof.Comparison:
    """Compare a home with its mirror, but for what the person's server made there for itself."""
    there, twins = proof.mirrored(place.ground.drive, account(person), f"home/{person}")
    here = proof.expected(place.homes[person].root, LEFT_OUT)
    ours, theirs = (
        {path: held for path, held in side.items() if path.partition("/")[0] in place.made}
        for side in (here, there)
    )
    return proof.compare(ours, theirs, twins)


def first_steps(place: Campus) -> list[str]:
    """Return what a person can try with a hub that runs."""
    return [
        f"1. Log in at the hub as {PEOPLE[0]}. JupyterLab asks after some seconds: authorize, look",
        "   at what goes, and allow it. The permission stays with the hub; the first sync runs.",
        f"2. In a private window log in as {ADMIN}, open the page for administrators, and press",
        f"   Resume: it is night. It starts the servers of {' and '.join(PEOPLE[1:])}, who have",
        "   consented already; they sync, report, and are stopped.",
        f"3. See on LocalDrive's page what arrived, and in {place.config}",
        "   the three lines that an administrator adds, at its end.",
    ]
