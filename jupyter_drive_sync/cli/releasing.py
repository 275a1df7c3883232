"""``release``: a person's answer to what waits for it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from jupyter_drive_sync.cli import words
from jupyter_drive_sync.cli.options import STORAGE, Desk, at_desk, of_storage
from jupyter_drive_sync.cli.paths import below_home
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import Hold
from jupyter_drive_sync.errors import NoSuchHold, UsageError
from jupyter_drive_sync.runner import hub
from jupyter_drive_sync.runner.clock import SystemClock

_SHOWN = 10

CHOICES = {
    "keep": "keep the files on Drive, as archived",
    "trash": "move the files to Drive's trash (30 days)",
    "restore": "bring the files back from Drive",
    "take_over": "make this home the owner of that mirror",
    "second_folder": "mirror this home into a second folder beside it",
    "start_afresh": "leave everything as it is and begin a new mirror",
    "untrash": "take the folder out of the trash and go on",
    "disconnect": "forget the permission; nothing is changed on Drive",
}
_MOVED_OUT = {
    "keep": "leave the files where they are, and do not copy them again",
    "start_afresh": "copy the files to Drive again",
}
"""What two of them mean where files were moved elsewhere on Drive."""


def _meaning(kind: str, choice: str) -> str:
    own = _MOVED_OUT if kind == "moved_out" else {}
    return own.get(choice) or CHOICES.get(choice, choice)


@click.command()
@click.argument("hold", required=False)
@click.argument("choice", required=False)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@STORAGE
@at_desk("home", "client_file")
def release(
    desk: Desk,
    *,
    hold: str | None,
    choice: str | None,
    paths: tuple[Path, ...],
    storage: str,
) -> int:
    """Answer what the guard holds; without arguments, list it.

    HOLD is an id from that list, CHOICE one of its choices. With PATHs the answer is about these
    files and folders alone.
    """
    desk = of_storage(desk, storage)
    with Ledger.found(desk.place.state_dir) as ledger:
        if ledger is None:
            if hold is not None:
                raise NoSuchHold(problem="Nothing waits for you: there was no sync yet.")
            desk.out.say("Nothing waits for you.")
            return 0
        if hold is None:
            return _list(desk, ledger, storage)
        if choice is None:
            raise UsageError(
                problem=f"Say which choice, as in `jupyter drive-sync release {hold} keep`."
            )
        only = [below_home(desk.place.home, path) for path in paths]
        kind = next((each.kind for each in ledger.holds() if each.id == hold), "")
        count = ledger.answer(hold, choice, [] if "" in only else only, at=SystemClock().wall())
    if choice == "disconnect" and not storage:
        if desk.place.credentials == "broker":
            hub.disconnect(desk.place, revoke=False)
        else:
            desk.perform(desk.place.job("revoke"))
    desk.out.record("answered", {"hold": hold, "choice": choice, "files": count})
    about = f" for {words.number(count, 'file')}" if count else ""
    then = "" if choice == "disconnect" else " The next sync carries it out."
    if storage:
        then = f" `jupyter drive-sync storages run {storage}` carries it out."
    desk.out.say(f"Answered{about}: {_meaning(kind, choice)}.{then}")
    return 0


def _list(desk: Desk, ledger: Ledger, storage: str) -> int:
    holds = [hold for hold in ledger.holds() if not hold.answer]
    for hold in holds:
        items = ledger.hold_items(hold.id)
        desk.out.record("hold", {**asdict(hold), "paths": [item.path for item in items]})
        _tell(desk, hold, [item.path for item in items], storage)
    if not holds:
        desk.out.say("Nothing waits for you.")
    return 3 if holds else 0


def _tell(desk: Desk, hold: Hold, paths: list[str], storage: str) -> None:
    desk.out.say(f"{hold.id}, since {words.moment(hold.since)}: {hold.reason}")
    for path in paths[:_SHOWN]:
        desk.out.say(f"    {words.one_line(path)}")
    if len(paths) > _SHOWN:
        desk.out.say(f"    … and {len(paths) - _SHOWN:,} more ({words.size(hold.bytes)} in all)")
    which = f"--storage {storage} " if storage else ""
    for choice in hold.choices:
        command = f"jupyter drive-sync release {which}{hold.id} {choice}"
        desk.out.say(f"  {command}   # {_meaning(hold.kind, choice)}")
