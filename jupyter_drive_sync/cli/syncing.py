"""``sync`` and ``check``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from jupyter_drive_sync.cli import words
from jupyter_drive_sync.cli.options import Desk, at_desk
from jupyter_drive_sync.cli.output import Output
from jupyter_drive_sync.cli.paths import below_home

_SHOWN: Final = 20
_TOLD: Final = ("failed", "held", "replaced_edit", "newer_on_drive", "moved_out", "declined")
"""Outcomes that a person hears of unasked; the history lists the others too."""

_STEPS: Final = {
    "create_folder": "make folder",
    "patch": "move or rename",
    "pin": "keep the edit of",
    "replace": "update",
    "create": "upload",
    "trash": "move to Drive's trash",
}


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@at_desk("home", "drive_folder", "client_file", "credentials")
def sync(desk: Desk, *, paths: tuple[Path, ...], dry_run: bool) -> int:
    """Mirror the home, or only the given files and folders of it, to Google Drive.

    Goes on where an earlier sync was interrupted. Deletions that look like an accident wait for
    your answer (see `release`).
    """
    only = [below_home(desk.place.home, path) for path in paths]
    only = [] if "" in only else only
    job = desk.heeding_hub().job("preview" if dry_run else "mirror", args={"only": only})
    result = desk.perform(job)
    desk.out.record("preview" if dry_run else "run", result)
    if dry_run:
        _tell_preview(desk.out, result)
        return 0
    _tell_run(desk.out, result)
    return int(result["exit_code"])


def _tell_preview(out: Output, result: Mapping[str, Any]) -> None:
    for step in result["steps"]:
        source = f" (from {words.one_line(step['from'])})" if step["from"] else ""
        folder = "/" if step["kind"] == "folder" else ""
        path = words.one_line(step["path"])
        out.say(f"  {_STEPS[step['step']]}: {path}{folder}{source}")
    if result["steps_more"]:
        out.say(f"  … and {result['steps_more']:,} more")
    cost = result["estimate"]
    out.say(
        f"Would send {words.number(cost['files'], 'file')} ({words.size(cost['size'])}) in "
        f"{words.number(cost['requests'], 'request')}, {words.duration(cost['minutes'] * 60)}; "
        f"{words.number(result['counters']['unchanged'], 'file')} unchanged. Nothing was done."
    )
    _tell_holds(out, result["holds"])


def _tell_run(out: Output, result: Mapping[str, Any]) -> None:
    told = [file for file in result["files"] if file["outcome"] in _TOLD]
    for file in told[:_SHOWN]:
        out.say(words.outcome_line(file))
    if len(told) > _SHOWN:
        out.say(f"  … and more, see `jupyter drive-sync history {result['run']}`")
    counters = result["counters"]
    spent = (
        words.number(counters["requests"], "request"),
        words.size(counters["bytes"]),
        words.duration(result["ended"] - result["started"]),
    )
    out.say(f"{words.counters_line(counters)} ({', '.join(spent)})")
    if result["problem"]:
        out.say(result["problem"]["sentence"])
    _tell_holds(out, result["holds"])
    if result["outcome"] == "completed" and not result["holds"]:
        out.say(
            f"Synced {words.moment(result['ended'])}: "
            f"{words.number(result['objects'], 'file')} in {result['folder']} on Drive."
        )
    if result["link"]:
        out.say(result["link"])


def _tell_holds(out: Output, holds: list[Mapping[str, Any]]) -> None:
    for hold in holds:
        out.say(f"Waits for you: {hold['reason']}")
        for choice in hold["choices"]:
            out.say(f"    jupyter drive-sync release {hold['id']} {choice}")


@click.command()
@click.option(
    "--repair", is_flag=True, help="Mend what differs: a sync that reads and compares everything."
)
@at_desk("home", "drive_folder", "client_file", "credentials")
def check(desk: Desk, *, repair: bool) -> int:
    """Compare home, records and Drive by content.

    Reads every file and asks Drive for the whole tree, so it takes longer than a sync. Without
    --repair nothing is changed.
    """
    result = desk.perform(desk.heeding_hub().job("check", args={"repair": repair}))
    out = desk.out
    out.record("check", result)
    if result["repaired"] is not None:
        out.say("Repaired by a sync that trusted nothing:")
        _tell_run(out, result["repaired"])
    for found in result["findings"][:_SHOWN]:
        detail = f" ({words.one_line(found['detail'])})" if found["detail"] else ""
        said = words.FINDINGS[found["finding"]]
        out.say(f"  {words.one_line(found['path'])}: {said}{detail}")
    if len(result["findings"]) > _SHOWN:
        out.say(f"  … and {len(result['findings']) - _SHOWN:,} more; --json lists them all")
    same = f"{words.number(result['equal'], 'file')} on Drive byte for byte as here"
    if result["faults"]:
        mend = "" if repair else " `check --repair` mends that."
        out.say(f"{same}; {words.number(result['faults'], 'file')} not.{mend}")
    else:
        out.say(f"{same} ({words.size(result['bytes'])} compared by checksum).")
    return int(result["exit_code"])
