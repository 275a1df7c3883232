"""What the panel asks for: what the ledger or a child knows."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_drive_sync.server.service import Service
from tests.server.conftest import Api


class TestSpace:
    """How full the account is."""

    async def test_of_nobody(self, api: Api) -> None:
        assert await api.refused("GET", "space") == (409, "auth.missing")

    @pytest.mark.usefixtures("really")
    async def test_is_asked_once_in_a_while(self, api: Api, service: Service) -> None:
        asked = _counted(service)
        first = await api.get("space")
        assert first["limit"] - first["usage"] == first["free"]
        assert await api.get("space") == first
        assert asked == ["validate"]
        assert await api.get("space?refresh=1") != first
        assert asked == ["validate", "validate"]

    @pytest.mark.usefixtures("connected")
    async def test_a_refusal_is_said_and_not_kept(self, api: Api, service: Service) -> None:
        asked = _counted(service)
        for _ in range(2):
            assert (await api.refused("GET", "space"))[1] == "auth.expired"
        assert len(asked) == 2


def _counted(service: Service) -> list[str]:
    """Have the jobs counted that children are given."""
    asked: list[str] = []
    perform = service.crew.perform

    async def counted(job: Any, *args: Any, **named: Any) -> Any:
        asked.append(job.kind)
        return await perform(job, *args, **named)

    service.crew.perform = counted  # type: ignore[method-assign]
    return asked
