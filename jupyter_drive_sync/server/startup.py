"""Makes the service once the server has started: nobody waits for its imports.

They take longer than a callback may hold the event loop, so they are done in a thread; a request
that comes earlier waits for them.
"""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_drive_sync.errors import DriveSyncError

if TYPE_CHECKING:
    from jupyter_drive_sync.server.service import Service

_MODULE = "jupyter_drive_sync.server.service"


@dataclass
class Startup:
    """The service, or what keeps it from being.

    Attributes:
        parts: what the service is made of, by the names of its attributes.
        problem: why there is none: the configuration cannot be used.
    """

    parts: dict[str, Any] = field(default_factory=dict)
    problem: DriveSyncError | None = None
    _making: asyncio.Task[Service] | None = None
    _starting: asyncio.Task[Service] | None = None

    async def service(self) -> Service:
        """Return the service; the first who asks has it made.

        Raises:
            DriveSyncError: the configuration cannot be used.
        """
        if self.problem is not None:
            raise self.problem
        if self._making is None:
            self._making = asyncio.get_running_loop().create_task(self._make())
        return await asyncio.shield(self._making)

    async def start(self) -> Service:
        """Begin what runs by itself, once; return the service that knows when it will.

        Raises:
            DriveSyncError: the configuration cannot be used.
        """
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
        return await asyncio.shield(self._starting)

    async def stop(self) -> None:
        """End what runs, in order."""
        if self._making is not None:
            service = await self._making
            await service.stop()

    async def _start(self) -> Service:
        service = await self.service()
        await service.start()
        return service

    async def _make(self) -> Service:
        return await asyncio.get_running_loop().run_in_executor(None, self._import_and_make)

    def _import_and_make(self) -> Service:
        service: Service = importlib.import_module(_MODULE).Service(**self.parts)
        return service
