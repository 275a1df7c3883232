"""What a page hears over the server's event socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jupyter_drive_sync.server.herald import SCHEMA_ID


@pytest.mark.usefixtures("connected")
async def test_a_page_that_was_there_before_us_hears_us(
    jp_serverapp: Any, jp_ws_fetch: Any, jp_fetch: Any
) -> None:
    """A page that connects right after the start hears of what happens later.

    Jupyter's socket passes on the events that are known when it opens, and tabs that are open while
    a server restarts are back before anything of ours was imported.
    """
    (app,) = jp_serverapp.extension_manager.extension_apps["jupyter_drive_sync"]
    assert app.startup._making is None
    socket = await jp_ws_fetch("api", "events", "subscribe")
    try:
        body = json.dumps({"paused_until": -1})
        await jp_fetch("drive-sync", "api", "settings", method="PATCH", body=body)
        async with asyncio.timeout(30):
            while True:
                event = json.loads(await socket.read_message())
                if event["schema_id"] == SCHEMA_ID:
                    break
        assert event["reason"] == "settings"
    finally:
        socket.close()
        await app.stop_extension()
