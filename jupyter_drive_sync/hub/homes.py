"""A turn in mounted mode."""

from __future__ import annotations

from jupyter_drive_sync.hub.people import Turn
from jupyter_drive_sync.hub.servers import Ending


class Homes:
    """Carries turns out on homes that are mounted here."""

    async def run(self, turn: Turn, until: float) -> Ending:
        """Carry a turn out."""
        raise NotImplementedError
