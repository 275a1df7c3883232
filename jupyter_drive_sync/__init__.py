"""Mirror a Jupyter home to its owner's Google Drive."""

__version__ = "0.1.0"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell `jupyter-builder develop` where the front end is built."""
    return [{"src": "labextension", "dest": "jupyter-drive-sync"}]


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    """Tell a Jupyter server where our extension is; nothing of it is loaded before."""
    from importlib import import_module  # noqa: PLC0415 - nothing is imported with the package

    module = "jupyter_drive_sync.server.app"
    return [{"module": module, "app": import_module(module).DriveSyncApp}]
