"""The routes that the panel alone needs; ``openapi.yaml`` describes them."""

from __future__ import annotations

from typing import Final

from jupyter_server.base.handlers import JupyterHandler

from jupyter_drive_sync.server.base import Route, guarded


class SpaceRoute(Route):
    """How full the account is."""

    @guarded
    async def get(self) -> None:
        """Return what Google said a while ago at most."""
        refresh = self.get_query_argument("refresh", "") == "1"
        self.reply(await self.service.looks.space(refresh=refresh))


PANEL_ROUTES: Final[tuple[tuple[str, type[JupyterHandler]], ...]] = (
    ("drive-sync/api/space", SpaceRoute),
)
"""Below the base URL, which the extension manager puts in front."""
