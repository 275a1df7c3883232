"""What a Jupyter server's configuration sets, for commands beside it: one home, one set of rules.

Read are the files that a server reads: ``jupyter_server_config`` and ``jupyter_drive_sync_config``,
``.py`` and ``.json``, on Jupyter's configuration path. What stands on the command line of a server
alone, nobody else can know.
"""

from __future__ import annotations

from typing import Final

from jupyter_core.application import JupyterApp

from jupyter_drive_sync.errors import UsageError
from jupyter_drive_sync.server.config import DriveSync, read_config

_FILES: Final = ("jupyter_server_config", "jupyter_drive_sync_config")


class _Files(JupyterApp):
    """Finds the files as Jupyter does; is no application otherwise."""

    name = "jupyter-drive-sync"
    raise_config_file_errors = True


def server_config() -> DriveSync:
    """Read the configuration of the Jupyter servers of this environment.

    Raises:
        UsageError: a file fails.
        BadSettings: a value cannot be used.
    """
    files = _Files()
    for name in _FILES:
        files.config_file_name = name
        try:
            files.load_config_file(suppress_errors=False)
        except Exception as problem:
            words = " ".join(f"{type(problem).__name__}: {problem}".split())
            raise UsageError(
                problem=f"Jupyter's configuration {name} cannot be read ({words}); what your admin "
                "sets there would not be heeded, so nothing is done."
            ) from None
    return read_config(files, files.config)
