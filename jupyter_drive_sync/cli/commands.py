"""The commands, put together, and the last line of defence around them."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from jupyter_drive_sync import __version__
from jupyter_drive_sync.cli.access import authorize, disconnect
from jupyter_drive_sync.cli.local import demo, localdrive
from jupyter_drive_sync.cli.looking import doctor, history, status
from jupyter_drive_sync.cli.output import complain
from jupyter_drive_sync.cli.releasing import release
from jupyter_drive_sync.cli.restoring import restore, undo, versions
from jupyter_drive_sync.cli.setting import settings
from jupyter_drive_sync.cli.storages import download, storages_
from jupyter_drive_sync.cli.syncing import check, sync
from jupyter_drive_sync.errors import DriveSyncError, Internal, RunCancelled, UsageError

PROGRAM = "jupyter drive-sync"


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 synced, 1 completed with errors, 2 usage, 3 needs you, 4 failed.",
)
@click.version_option(__version__, prog_name=PROGRAM)
def commands() -> None:
    """Your Jupyter home, on your own Google Drive.

    Connect once with `authorize`, then `sync`. Nothing in your home is changed but by `restore`.
    """


for command in (
    authorize,
    sync,
    status,
    check,
    history,
    release,
    restore,
    versions,
    undo,
    storages_,
    download,
    settings,
    disconnect,
    doctor,
    demo,
    localdrive,
):
    commands.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run a command line.

    Returns:
        The exit status; every failure has been said in one sentence on stderr.
    """
    try:
        return int(commands.main(list(arguments), PROGRAM, standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as problem:
        click.echo(problem.format_message())
        return UsageError.exit_code
    except (Exception, KeyboardInterrupt) as problem:
        sentence, status = _explained(problem)
        complain(sentence)
        return status


def _explained(problem: BaseException) -> tuple[str, int]:
    """Return the sentence and the exit status for whatever ended a command."""
    match problem:
        case click.Abort() | KeyboardInterrupt():
            return "You stopped it.", RunCancelled.exit_code
        case click.ClickException():
            context = getattr(problem, "ctx", None)
            command = context.command_path if context else PROGRAM
            return f"{problem.format_message()} See `{command} --help`.", UsageError.exit_code
        case DriveSyncError():
            return problem.sentence, problem.exit_code
    where = traceback.extract_tb(problem.__traceback__)[-1]
    place = f"{Path(where.filename).name}:{where.lineno}"
    return f"{Internal().sentence} ({type(problem).__name__} at {place})", Internal.exit_code
