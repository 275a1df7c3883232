"""The routes of the file browser's part; ``openapi.yaml`` describes them."""

from __future__ import annotations

import json
from typing import Final

from jupyter_server.base.handlers import JupyterHandler

from jupyter_drive_sync.server.base import Route, guarded
from jupyter_drive_sync.server.body import is_path
from jupyter_drive_sync.server.problems import BadRequest


class DifferenceRoute(Route):
    """How a version differs from what is current."""

    @guarded
    async def get(self) -> None:
        """Return the lines that differ."""
        path = self.get_query_argument("path", "", strip=False)
        revision = self.get_query_argument("revision", "")
        if not path or not is_path(path):
            raise BadRequest(problem="path names no file below the home")
        if not 0 < len(revision) <= 200:
            raise BadRequest(problem="revision names no version")
        service = self.service
        found = await service.asked("difference", {"path": path, "revision": revision})
        self.reply_text(await service.off_loop(json.dumps, dict(found)))


class FolderRoute(Route):
    """How the entries of a folder stand."""

    @guarded
    async def get(self) -> None:
        """Return what is not plainly synced, and what Drive has."""
        path = self.get_query_argument("path", "", strip=False)
        if path and not is_path(path):
            raise BadRequest(problem="path names no folder below the home")
        service = self.service
        self.reply_text(await service.off_loop(service.browsing.folder, path, service.saved))


class ObjectRoute(Route):
    """Where a file or folder lies on Drive."""

    @guarded
    async def get(self) -> None:
        """Return its address."""
        path = self.get_query_argument("path", "", strip=False)
        if path and not is_path(path):
            raise BadRequest(problem="path names nothing below the home")
        service = self.service
        self.reply(await service.off_loop(service.browsing.on_drive, path))


BROWSER_ROUTES: Final[tuple[tuple[str, type[JupyterHandler]], ...]] = (
    ("drive-sync/api/difference", DifferenceRoute),
    ("drive-sync/api/folder", FolderRoute),
    ("drive-sync/api/object", ObjectRoute),
)
"""Below the base URL, which the extension manager puts in front."""
