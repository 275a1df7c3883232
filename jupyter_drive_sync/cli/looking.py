"""``status``, ``history`` and ``doctor``: reading only."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Final

import click

from jupyter_drive_sync import doctor as examination
from jupyter_drive_sync.cli import words
from jupyter_drive_sync.cli.options import STORAGE, Desk, at_desk, of_storage
from jupyter_drive_sync.cli.output import Output
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import Run
from jupyter_drive_sync.engine.report import Status, describe_file, people_state, read_status
from jupyter_drive_sync.errors import UsageError
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.runner.clock import SystemClock

_STATUS_CODES: Final = {"needs_you": 3, "not_connected": 3, "cant_sync": 4}
_MARKS: Final = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


@click.command()
@at_desk("home", "drive_folder", "client_file")
def status(desk: Desk) -> int:
    """Say how things stand: state, last sync, what waits for you."""
    place = desk.place
    account = Account.load(place.state_dir)
    connected = SecretsStore(place.state_dir).grant() is not None
    now = read_status(
        place.state_dir,
        SystemClock().wall(),
        ping_seconds=place.load_settings().ping_seconds,
    )
    state = people_state(now, connected=connected)
    email = account.email if account and connected else ""
    desk.out.record(
        "status",
        {
            "state": state,
            "account": email,
            "home": str(place.home),
            "drive_folder": place.drive_folder,
            **asdict(now),
        },
    )
    _tell_status(desk, now, state, email)
    return _STATUS_CODES.get(state, 0)


def _tell_status(desk: Desk, now: Status, state: str, email: str) -> None:
    out, place = desk.out, desk.place
    since = f", {words.moment(now.last_sync)}" if state == "synced" else ""
    out.say(f"Drive:      {words.STATES[state]}{since}")
    account = f" of {email}" if email else ""
    out.say(f"Mirror:     {place.home} to {place.drive_folder}{account}")
    files = f", {words.number(now.last_sync_count, 'file')}" if now.last_sync else ""
    out.say(f"Last sync:  {words.moment(now.last_sync)}{files}")
    if now.meta:
        out.say(f"Last run:   {words.counters_line(now.meta)}")
    if now.problem:
        out.say(now.problem["sentence"])
    for hold in now.holds:
        out.say(f"Waits for you: {hold['reason']} See `jupyter drive-sync release`.")


@click.command()
@click.argument("run", required=False, type=int)
@click.option(
    "--limit",
    default=20,
    show_default=True,
    type=click.IntRange(1, 200),
    metavar="N",
    help="How many runs to list.",
)
@STORAGE
@at_desk()
def history(desk: Desk, *, run: int | None, limit: int, storage: str) -> None:
    """List the last runs, or what RUN did with each file."""
    desk = of_storage(desk, storage)
    with Ledger.found(desk.place.state_dir) as ledger:
        runs = ledger.runs(limit=200) if ledger else []
        done = ledger.outcomes(run) if ledger and run is not None else []
    if run is None:
        for each in runs[:limit]:
            desk.out.record("run", asdict(each))
            _tell_run(desk.out, each)
        if not runs:
            desk.out.say("There was no sync yet.")
        return
    found = next((each for each in runs if each.id == run), None)
    if found is None:
        raise UsageError(problem=f"There is no run {run}; `jupyter drive-sync history` lists them.")
    _tell_run(desk.out, found)
    desk.out.record("run", asdict(found))
    for file in map(describe_file, done):
        desk.out.record("file", file)
        desk.out.say(words.outcome_line(file))


def _tell_run(out: Output, run: Run) -> None:
    outcome = run.outcome.replace("_", " ")
    out.say(
        f"{run.id:>5}  {words.moment(run.started)}  {outcome}: {words.counters_line(run.counters)}"
    )
    if run.problem:
        out.say(f"       {run.problem['sentence']}")


@click.command()
@at_desk("home", "drive_folder", "client_file", "credentials")
def doctor(desk: Desk) -> int:
    """Look for what is wrong, and say how to mend it.

    Sends two or three harmless requests to Google and changes nothing.
    """
    worst = 0
    found = examination.examine(desk.place, os.environ, desk.perform, configured=desk.configured)
    for finding in found:
        desk.out.record("finding", asdict(finding))
        desk.out.say(f"{_MARKS[finding.level]}  {finding.check:<12}  {finding.text}")
        if finding.mend:
            desk.out.say(f"{'':20}→ {finding.mend}")
        worst = max(worst, ("ok", "warn", "fail").index(finding.level))
    return {0: 0, 1: 0, 2: 4}[worst]
