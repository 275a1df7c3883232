"""The routes that the panel alone needs; ``openapi.yaml`` describes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from jupyter_server.base.handlers import JupyterHandler

from jupyter_drive_sync.server import body
from jupyter_drive_sync.server.base import Route, guarded
from jupyter_drive_sync.server.body import is_path
from jupyter_drive_sync.server.problems import BadRequest


class _Look(Route):
    """A route that a look answers, which may be asked to look again."""

    @property
    def refresh(self) -> bool:
        """Whether an answer that is kept will not do."""
        return self.get_query_argument("refresh", "") == "1"

    def part(self, items: Sequence[Any]) -> dict[str, Any]:
        """Return the part of a list that is asked for."""
        offset, limit = body.read_page(
            self.get_query_argument("offset", "0"),
            self.get_query_argument("limit", str(body.PAGE)),
        )
        return {
            "files": list(items[offset : offset + limit]),
            "total": len(items),
            "offset": offset,
        }


class SpaceRoute(_Look):
    """How full the account is."""

    @guarded
    async def get(self) -> None:
        """Return what Google said a while ago at most."""
        self.reply(await self.service.looks.space(refresh=self.refresh))


class PlanRoute(_Look):
    """What the next sync would do."""

    @guarded
    async def get(self) -> None:
        """Return its steps and its cost."""
        self.reply(await self.service.looks.plan(refresh=self.refresh))


class RulesRoute(_Look):
    """What is left out."""

    @guarded
    async def get(self) -> None:
        """Return each rule with what it saves."""
        self.reply(await self.service.looks.rules(refresh=self.refresh))


class ApartRoute(_Look):
    """What is not the same here and on Drive."""

    @guarded
    async def get(self) -> None:
        """Return a page of one kind, and how many there are of each."""
        kind = self.get_query_argument("kind", "replaced")
        service = self.service
        counts, found = await service.off_loop(service.book.apart, kind)
        self.reply({"counts": counts, "kind": kind, **self.part(found)})


class TreeRoute(_Look):
    """What the mirror holds."""

    @guarded
    async def get(self) -> None:
        """Return a page of one folder."""
        path = self.get_query_argument("path", "", strip=False)
        if path and not is_path(path):
            raise BadRequest(problem="path names no folder below the home")
        service = self.service
        self.reply({"path": path, **self.part(await service.off_loop(service.book.tree, path))})


class UndoableRoute(_Look):
    """What of a run can be taken back."""

    @guarded
    async def get(self) -> None:
        """Return a page of it."""
        text = self.get_query_argument("run", "")
        if text and not (text.isascii() and text.isdecimal() and 0 < int(text) < 1 << 31):
            raise BadRequest(problem="run is no number of a run")
        service = self.service
        found, files = await service.off_loop(service.book.undoable, int(text) if text else None)
        self.reply({**found, **self.part(files)})


PANEL_ROUTES: Final[tuple[tuple[str, type[JupyterHandler]], ...]] = (
    ("drive-sync/api/space", SpaceRoute),
    ("drive-sync/api/plan", PlanRoute),
    ("drive-sync/api/rules", RulesRoute),
    ("drive-sync/api/apart", ApartRoute),
    ("drive-sync/api/tree", TreeRoute),
    ("drive-sync/api/undoable", UndoableRoute),
)
"""Below the base URL, which the extension manager puts in front."""
