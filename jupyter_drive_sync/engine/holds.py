"""What waits for a person, in words: made, kept up to date, answered, dissolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from jupyter_drive_sync.core.decisions import Remark
from jupyter_drive_sync.core.guard import Alarm, Held, Verdict
from jupyter_drive_sync.core.plan import Note, Operation, Plan, Verb
from jupyter_drive_sync.core.said import Said
from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.core.tree import FileId, Standing, printable
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import Hold, HoldItem
from jupyter_drive_sync.engine.site import Site
from jupyter_drive_sync.errors import MirrorHeld

DELETIONS: Final = "deletions"
MOVED_OUT: Final = "moved_out"

_CAUSES: Final = {
    Alarm.HOME_EMPTY: "it is empty, as if it were not mounted",
    Alarm.HOME_UNREADABLE: "it cannot be read",
    Alarm.HOME_REPLACED: "it is not the folder that was copied last",
    Alarm.RULES_CHANGED: "the rules of what is copied have changed",
    Alarm.LEDGER_REBUILT: "our own records had to be made anew",
    Alarm.WHOLE_FOLDER: "{} as a whole",
    Alarm.SHARE: "more than a quarter at once",
    Alarm.FILES: "very many at once",
    Alarm.BYTES: "more than a gigabyte at once",
}

CHOICES: Final = {
    DELETIONS: ("restore", "keep", "trash"),
    MOVED_OUT: ("keep", "start_afresh"),
    "other_home": ("restore", "take_over", "second_folder", "disconnect"),
    "root_gone": ("untrash", "start_afresh", "disconnect"),
    "other_account": ("start_afresh", "disconnect"),
    "changed_client": ("start_afresh", "disconnect"),
}
"""What a person can answer, by kind; ``untrash`` only while the folder is in the trash."""
_OF_HOME: Final = frozenset({"disconnect"})
"""What only a home can be answered: a storage is removed instead."""


def whole(
    site: Site, ledger: Ledger, kind: str, reason: str, choices: tuple[str, ...] = ()
) -> MirrorHeld:
    """Hold the whole mirror, and return the error that says so."""
    offered = choices or CHOICES[kind]
    hold = ledger.hold(
        Hold(
            id=site.nonce()[:8],
            kind=kind,
            since=site.clock.wall(),
            reason=reason,
            choices=tuple(each for each in offered if not (site.storage and each in _OF_HOME)),
        )
    )
    which = f"--storage {site.storage} " if site.storage else ""
    return MirrorHeld(kind=kind, reason=reason, hold=hold.id, which=which)


def expire(site: Site, ledger: Ledger) -> None:
    """Turn holds on deletions that nobody answered into *keep*."""
    now = site.clock.wall()
    for hold in ledger.holds():
        if hold.kind == DELETIONS and now - hold.since > site.settings.hold_days * DAY:
            ledger.answer(hold.id, "keep", at=now)


def held_before(ledger: Ledger) -> dict[FileId, HoldItem]:
    """Return the files that already wait: nothing but an answer releases them."""
    return {
        item.id: item
        for hold in ledger.holds()
        if hold.kind == DELETIONS
        for item in ledger.hold_items(hold.id)
    }


def deletions(
    site: Site, ledger: Ledger, waiting: Iterable[HoldItem], verdict: Verdict, mirrored: int
) -> int:
    """Bring the hold on deletions up to date.

    Args:
        site: the home.
        ledger: keeps the hold.
        waiting: what was held before and still is gone, for all that is known.
        verdict: what the guard says of the others.
        mirrored: files that are mirrored.

    Returns:
        How many files wait.
    """
    items = [*waiting, *_items(verdict.held.operations if verdict.held else ())]
    if not items:
        ledger.dissolve(DELETIONS)
        return 0
    known = next((hold for hold in ledger.holds() if hold.kind == DELETIONS), None)
    reason = (
        known.reason if known and not verdict.held else _reason(verdict.held, len(items), mirrored)
    )
    ledger.hold(
        Hold(
            id=site.nonce()[:8],
            kind=DELETIONS,
            since=site.clock.wall(),
            reason=reason,
            choices=CHOICES[DELETIONS],
        ),
        items,
    )
    return len(items)


def _reason(held: Held | None, count: int, mirrored: int) -> Said:
    names = ""
    if held and held.folders:
        more = f" and {len(held.folders) - 3} more" if len(held.folders) > 3 else ""
        names = ", ".join(printable(folder) for folder in held.folders[:3]) + more
    causes = [_CAUSES[alarm].format(names) for alarm in held.alarms] if held else []
    why = f" ({'; '.join(causes)})" if causes else ""
    what = f"{count:,} of {mirrored:,} files {'is' if count == 1 else 'are'}"
    return Said(
        f"{what} gone from your home{why}. Nothing was removed on Drive.",
        "held.deletions",
        {
            "mirrored": mirrored,
            "causes": [alarm.value for alarm in held.alarms] if held else [],
            "folders": [printable(folder) for folder in held.folders[:3]] if held else [],
            "folders_more": max(0, len(held.folders) - 3) if held else 0,
        },
    )


def moved_out(site: Site, ledger: Ledger, plan: Plan) -> Plan:
    """Ask before very many files are copied anew because somebody moved them out of the mirror."""
    if not plan.moved_out:
        ledger.dissolve(MOVED_OUT)
        return plan
    waiting = {step.entry.id for step in plan.moved_out if step.entry}
    notes = tuple(note for note in plan.notes if note.id not in waiting)
    if ledger.answered(MOVED_OUT) == "keep":
        ledger.dissolve(MOVED_OUT)
        left = tuple(
            replace(step, verb=Verb.SETTLE, standing=Standing.DECLINED) for step in plan.moved_out
        )
        said = tuple(Note(step.path, Remark.DECLINED, step.entry.id) for step in left if step.entry)
        return replace(plan, settle=(*plan.settle, *left), moved_out=(), notes=(*notes, *said))
    count = len(plan.moved_out)
    ledger.hold(
        Hold(
            id=site.nonce()[:8],
            kind=MOVED_OUT,
            since=site.clock.wall(),
            reason=Said(
                f"{count:,} files were moved elsewhere on your Drive; no new copies were made.",
                "held.moved_out",
            ),
            choices=CHOICES[MOVED_OUT],
        ),
        _items(plan.moved_out),
    )
    return replace(plan, notes=notes)


def _items(steps: Iterable[Operation]) -> list[HoldItem]:
    return [HoldItem(step.entry.id, step.path, step.size) for step in steps if step.entry]


def day_of(milliseconds: int) -> str:
    """Write the day (UTC) of a time in milliseconds since the epoch, for a sentence."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()
