"""The audit: who got what, when; never what it was."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable


class Audit:
    """Writes one line of JSON for each event.

    Args:
        log: where the lines go.
        wall: seconds since the epoch.
    """

    def __init__(self, log: logging.Logger, wall: Callable[[], float]) -> None:
        self._log = log
        self._wall = wall

    def __call__(self, event: str, **said: str | float | bool | None) -> None:
        """Note an event. JSON keeps what people chose, such as names, on its line."""
        line = {"event": event, "at": round(self._wall(), 3), **said}
        self._log.info("audit %s", json.dumps(line, sort_keys=True))
