"""The server extension: wiring, and nothing else."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_events import EventLogger
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp

from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.server.base import STARTUP
from jupyter_drive_sync.server.browser_routes import BROWSER_ROUTES
from jupyter_drive_sync.server.config import DriveSync, read_config
from jupyter_drive_sync.server.handlers import ROUTES
from jupyter_drive_sync.server.herald import register
from jupyter_drive_sync.server.panel_routes import PANEL_ROUTES
from jupyter_drive_sync.server.startup import Startup
from jupyter_drive_sync.server.storage_routes import ROUTES as STORAGE_ROUTES

_ACTIVITY = "drive_sync"
_SETTLED = 2.0
"""Seconds after the start of the loop before anything of ours is imported or looked at."""


class DriveSyncApp(ExtensionApp):
    """Jupyter Drive Sync, inside a Jupyter server."""

    name = "jupyter_drive_sync"
    load_other_extensions = True
    classes = [*ExtensionApp.classes, DriveSync]  # noqa: RUF012 - as the base has it

    def initialize_settings(self) -> None:
        """Read the configuration; one that cannot be used is refused in a sentence.

        Jupyter goes on without us then, and the routes say the same sentence.
        """
        try:
            parts = self._parts(read_config(self, self.config))
            register(parts["events"])
            startup = Startup(parts)
            self._server.io_loop.call_later(_SETTLED, startup.start)
        except DriveSyncError as problem:
            self.log.critical("Jupyter Drive Sync does not start. %s", problem.sentence)
            startup = Startup(problem=problem)
        self.settings[STARTUP] = startup

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend((*ROUTES, *STORAGE_ROUTES, *BROWSER_ROUTES, *PANEL_ROUTES))

    async def stop_extension(self) -> None:
        """End what runs, in order."""
        await self.startup.stop()

    @property
    def startup(self) -> Startup:
        """What makes the service."""
        startup: Startup = self.settings[STARTUP]
        return startup

    @property
    def _server(self) -> ServerApp:
        assert self.serverapp is not None  # noqa: S101 - extensions are loaded by a server
        return self.serverapp

    def _parts(self, config: DriveSync) -> dict[str, Any]:
        server = self._server
        return {
            "place": config.place(os.environ),
            "nights": config.nights(),
            "configured": config.storages_read(),
            "roots": config.roots(),
            "base_url": server.base_url,
            "root_dir": Path(server.root_dir),
            "events": self._events,
            "busy": self._computes,
            "log": self.log,
            "paused": config.paused,
            "ask": config.ask,
            "alive": self._alive,
        }

    @property
    def _events(self) -> EventLogger:
        logger = self._server.event_logger
        assert logger is not None  # noqa: S101 - made before extensions are loaded
        return logger

    def _alive(self, syncing: bool) -> None:
        """Count a sync as activity, so that a long first upload is not culled.

        ``last_activity_times`` is Jupyter Server's own place for that.
        """
        times = self._server.web_app.settings.setdefault("last_activity_times", {})
        if syncing:
            times[_ACTIVITY] = datetime.now(UTC)
        else:
            times.pop(_ACTIVITY, None)

    def _computes(self) -> bool:
        """Tell whether a kernel is busy."""
        kernels: Any = self._server.kernel_manager
        return any(
            getattr(kernels.get_kernel(kernel), "execution_state", "idle") == "busy"
            for kernel in kernels.list_kernel_ids()
        )
