"""``restore``, ``versions`` and ``undo``: what brings things back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from jupyter_drive_sync.cli import words
from jupyter_drive_sync.cli.options import Desk, at_desk
from jupyter_drive_sync.cli.output import Output
from jupyter_drive_sync.cli.paths import below_home
from jupyter_drive_sync.core.tree import RelPath
from jupyter_drive_sync.errors import UsageError

_SHOWN: Final = 20
_TOLD: Final = ("failed", "beside", "skipped", "untrashed", "put_back")
"""Outcomes that a person hears of unasked; the history lists the others too."""
_STAYS: Final = {
    "uploaded": "uploaded",
    "moved": "moved",
    "archived": "kept on Drive only",
}


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Bring the files into this folder, which must be there.  [default: where they were]",
)
@click.option(
    "--as-of",
    metavar="TIME",
    help="Take the versions that Drive had at this time, such as 2026-11-20 or "
    "2026-11-20T14:00; a day alone means its end.",
)
@click.option("--revision", default="", metavar="ID", help="Take this version of the one PATH.")
@click.option("--trashed", is_flag=True, help="Also bring back what lies in Drive's trash.")
@click.option("--dry-run", is_flag=True, help="Say what would come back, and do nothing.")
@at_desk("home", "drive_folder", "client_file", "credentials")
def restore(
    desk: Desk,
    *,
    paths: tuple[Path, ...],
    to: Path | None,
    as_of: str | None,
    revision: str,
    trashed: bool,
    dry_run: bool,
) -> int:
    """Bring back the home, or only the given files and folders, from Google Drive.

    Nothing of yours is moved or overwritten: where something else is in the way, what comes back
    gets a name that says so, beside it. A PATH that is only in Drive's trash comes from there. When
    it is interrupted, the same command goes on.
    """
    args = {
        "paths": _chosen(desk, paths),
        "to": str(Path.cwd() / to) if to is not None else None,
        "as_of": None if as_of is None else _moment(as_of),
        "revision": revision,
        "trashed": trashed,
        "dry_run": dry_run,
    }
    result = desk.perform(desk.place.job("restore", args=args))
    desk.out.record("preview" if dry_run else "run", result)
    if dry_run:
        _tell_preview(desk.out, result)
    else:
        _tell(desk.out, result)
        if not result["own"] and to is None:
            desk.out.say(
                "It was the mirror of another home. The next `sync` asks whether this home goes on "
                "with it."
            )
    return int(result["exit_code"])


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--keep", default="", metavar="ID", help="Keep this version for good.")
@click.option(
    "--put-back",
    default="",
    metavar="ID",
    help="Make this version current on Drive; the one that is current is kept for good first.",
)
@at_desk("home", "drive_folder", "client_file", "credentials")
def versions(desk: Desk, *, path: Path, keep: str, put_back: str) -> None:
    """List the versions of a file that Google Drive has, the newest first.

    Drive keeps each for 30 days or 100 later ones, and those that are kept for good, at most 200 a
    file, until they are removed there. `restore PATH --revision ID` brings one back.
    """
    if keep and put_back:
        raise UsageError(problem="--keep and --put-back cannot be used together.")
    (name,) = _chosen(desk, (path,)) or ("",)
    if not name:
        raise UsageError(problem="Name one file; the home itself has no versions.")
    args = {"path": name, "keep": keep, "put_back": put_back}
    result = desk.perform(desk.place.job("versions", args=args))
    desk.out.record("versions", result)
    for each in result["versions"]:
        marks = [word for word in ("current", "kept") if each[word]]
        author = f", {words.one_line(each['author'])}" if each["author"] else ""
        mark = f"  ({', '.join(marks)})" if marks else ""
        desk.out.say(
            f"{each['id']}  {words.moment(each['time'])}, {words.size(each['size'])}{author}{mark}"
        )
    if keep:
        desk.out.say(f"Kept for good; {result['kept']} of {result['most_kept']} are.")
    if put_back:
        desk.out.say(
            f"Put back on Drive. Here nothing has changed; `jupyter drive-sync restore "
            f"{words.one_line(name)}` brings it here."
        )


@click.command()
@click.argument("run", required=False, type=int)
@at_desk("home", "drive_folder", "client_file", "credentials")
def undo(desk: Desk, *, run: int | None) -> int:
    """Take back on Google Drive what the last sync, or RUN, trashed or replaced there.

    Files come out of Drive's trash, and replaced ones get the version that they had; the one that
    is current is kept for good first. The home is left alone, and so is what the sync uploaded or
    moved.
    """
    result = desk.perform(desk.place.job("undo", args={"run": run}))
    desk.out.record("run", result)
    _tell(desk.out, result)
    stays = [f"{count:,} {_STAYS[name]}" for name, count in result["stays"].items()]
    if stays:
        desk.out.say(f"Not undone of run {result['undone']}: {', '.join(stays)}.")
    return int(result["exit_code"])


def _tell(out: Output, result: Mapping[str, Any]) -> None:
    told = [file for file in result["files"] if file["outcome"] in _TOLD]
    for file in told[:_SHOWN]:
        out.say(words.outcome_line(file))
    if len(told) > _SHOWN:
        out.say(f"  … and more, see `jupyter drive-sync history {result['run']}`")
    counters = result["counters"]
    spent = (words.size(counters["bytes"]), words.duration(result["ended"] - result["started"]))
    out.say(f"{words.counters_line(counters)} ({', '.join(spent)})")
    if result["problem"]:
        out.say(result["problem"]["sentence"])


def _tell_preview(out: Output, result: Mapping[str, Any]) -> None:
    for step in result["steps"]:
        beside = f" (as {words.one_line(step['as'])})" if step["step"] == "beside" else ""
        out.say(f"  bring back: {words.one_line(step['path'])}{beside}")
    if result["steps_more"]:
        out.say(f"  … and {result['steps_more']:,} more")
    for file in result["files"][:_SHOWN]:
        out.say(words.outcome_line(file))
    count = len(result["steps"]) + result["steps_more"]
    out.say(
        f"Would bring back {words.number(count, 'file')} ({words.size(result['bytes'])}) to "
        f"{words.one_line(result['to'])}; {words.number(result['counters']['unchanged'], 'file')} "
        "here already. Nothing was done."
    )


def _chosen(desk: Desk, paths: tuple[Path, ...]) -> list[RelPath]:
    """Return paths below the home; none for the home itself. They need not be there any more."""
    home = desk.place.home
    chosen = []
    for path in paths:
        try:
            chosen.append(below_home(home, path))
        except UsageError:
            inside = Path(os.path.normpath(home / path))
            if path.is_absolute() or not inside.is_relative_to(home):
                raise
            chosen.append(RelPath(str(inside.relative_to(home))))
    return [] if "" in chosen or "." in chosen else chosen


def _moment(text: str) -> float:
    """Read a time as a person types it, in the local time zone where it names none.

    Raises:
        UsageError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            problem=f"--as-of {text!r} is no time such as 2026-11-20 or 2026-11-20T14:00."
        ) from None
    if len(text) <= len("2026-11-20"):
        moment += timedelta(days=1)
    try:
        return moment.astimezone(UTC).timestamp()
    except (OverflowError, OSError, ValueError):
        raise UsageError(problem=f"--as-of {text!r} is too far away.") from None
