"""``jupyter drive-sync``: the way in."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from jupyter_drive_sync.errors import PlatformUnsupported


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit: 0 synced, 1 with errors, 2 usage, 3 needs the user, 4 failed.

    Args:
        arguments: those of the process when None.
    """
    if sys.platform == "win32":
        problem = PlatformUnsupported(platform="Windows")
        print(problem.sentence, file=sys.stderr)  # noqa: T201 - nothing else can be imported
        sys.exit(problem.exit_code)
    # What follows needs modules that Windows does not have.
    from jupyter_drive_sync.cli.commands import run  # noqa: PLC0415

    sys.exit(run(sys.argv[1:] if arguments is None else arguments))
