"""The routes of storages; ``openapi.yaml`` describes them."""

from __future__ import annotations

from typing import Final

from jupyter_server.base.handlers import JupyterHandler

from jupyter_drive_sync.server import body
from jupyter_drive_sync.server.base import Route, guarded
from jupyter_drive_sync.server.body import is_flag, is_path_list, is_text, is_texts, one_of
from jupyter_drive_sync.server.handlers import CHOICES, AskingRoute, Paged

_VALUES: Final = {
    "local": is_text,
    "drive": is_text,
    "direction": is_text,
    "scope": is_text,
    "credentials": is_text,
    "key_file": is_text,
    "client_file": is_text,
    "subject": is_text,
    "schedule": is_text,
    "includes": is_texts,
    "excludes": is_texts,
}
_BESIDE: Final = {"check": is_flag, "time_zone": is_text}
_NAMED: Final = {"name": is_text, **_VALUES}
_NAME: Final = r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,63})"


class StoragesRoute(Route):
    """All storages."""

    @guarded
    async def get(self) -> None:
        """Return how each stands."""
        service = self.service
        self.reply({"storages": await service.off_loop(service.storages.views)})

    @guarded
    async def post(self) -> None:
        """Make one."""
        service = self.service
        known = {**_NAMED, **_BESIDE}
        asked = body.read(self.request.body, known, needed=("name", "local", "drive"))
        check, zone = asked.pop("check", True), asked.pop("time_zone", "")[:64]
        storage = await service.off_loop(service.storages.new, asked)
        await service.learn_zone(zone)
        self.reply(await service.storages.keep(storage, check=check), 201)


class StorageRoute(Route):
    """One storage."""

    @guarded
    async def get(self, name: str) -> None:
        """Return how it stands."""
        service = self.service
        self.reply(await service.off_loop(service.storages.view, name))

    @guarded
    async def put(self, name: str) -> None:
        """Change it, as a whole."""
        service = self.service
        known = {**_VALUES, **_BESIDE}
        asked = body.read(self.request.body, known, needed=("local", "drive"))
        check, zone = asked.pop("check", True), asked.pop("time_zone", "")[:64]
        await service.off_loop(service.storages.find, name)
        storage = await service.off_loop(service.storages.read, asked, name=name)
        await service.learn_zone(zone)
        self.reply(await service.storages.keep(storage, check=check))

    @guarded
    async def delete(self, name: str) -> None:
        """Forget it."""
        await self.service.storages.remove(name)
        self.reply({"name": name})


class CoursesRoute(Route):
    """The courses that a hub hands on."""

    @guarded
    async def get(self) -> None:
        """Return the names of those that this person may have."""
        service = self.service
        self.reply({"courses": await service.off_loop(service.storages.courses)})


class ValidateRoute(Route):
    """Whether a storage would work."""

    @guarded
    async def post(self) -> None:
        """Try it; nothing is kept."""
        service = self.service
        asked = body.read(self.request.body, _NAMED, needed=("name", "local", "drive"))
        storage = await service.off_loop(service.storages.read, asked)
        self.reply(await service.storages.validate(storage))


class RunRoute(Route):
    """Running a storage."""

    @guarded
    async def get(self, name: str) -> None:
        """Return the last run of this server."""
        service = self.service
        await service.off_loop(service.storages.find, name)
        self.reply({"last": service.storages.result(name)})

    @guarded
    async def post(self, name: str) -> None:
        """Begin."""
        asked = body.read(self.request.body, {"paths": is_path_list, "dry_run": is_flag})
        job, already = await self.service.storages.run(
            name, asked.get("paths", []), dry_run=asked.get("dry_run", False)
        )
        self.reply({"job": job, "already": already}, 202)


class CancelRunRoute(Route):
    """Stopping a storage."""

    @guarded
    async def post(self, name: str) -> None:
        """Stop it in order."""
        body.read(self.request.body, {})
        service = self.service
        await service.off_loop(service.storages.find, name)
        job = service.storages.cancel(name)
        self.reply({"job": job, "cancelled": bool(job)})


class StorageReleaseRoute(Route):
    """Answering what an export holds."""

    @guarded
    async def post(self, name: str) -> None:
        """Take the answer, and carry it out."""
        known = {"id": is_text, "choice": one_of(*CHOICES), "paths": is_path_list}
        asked = body.read(self.request.body, known, needed=("id", "choice"))
        service = self.service
        desk = await service.off_loop(service.storages.desk, name)
        count = await service.off_loop(
            desk.release, asked["id"], asked["choice"], asked.get("paths", [])
        )
        job, _ = await service.storages.run(name)
        self.reply({"files": count, "job": job})


class StorageAuthorizeRoute(AskingRoute):
    """Connecting a storage that has a client of its own."""

    @guarded
    async def post(self, name: str) -> None:
        """Begin an attempt, bound to this browser."""
        asked = body.read(self.request.body, {"device": is_flag})
        origin = self.origin()
        attempt, browser = await self.service.storages.authorize(
            name, self.service.consent, origin, device=asked.get("device", False)
        )
        self.ask(origin, attempt, browser)


class StorageHoldFilesRoute(Paged):
    """The files that a storage holds back."""

    @guarded
    async def get(self, name: str, hold: str) -> None:
        """Return a page of them."""
        service = self.service
        desk = await service.off_loop(service.storages.desk, name)
        self.part("files", await service.off_loop(desk.hold_files, hold))


class StorageHistoryRoute(Paged):
    """The last runs of a storage."""

    @guarded
    async def get(self, name: str) -> None:
        """Return a page of them."""
        service = self.service
        desk = await service.off_loop(service.storages.desk, name)
        self.part("runs", await service.off_loop(desk.runs))


class StorageRunFilesRoute(Paged):
    """What a run of a storage did with each file."""

    @guarded
    async def get(self, name: str, run: str) -> None:
        """Return a page of it."""
        service = self.service
        outcome = self.get_query_argument("outcome", "")
        desk = await service.off_loop(service.storages.desk, name)
        self.part("files", await service.off_loop(desk.run_files, int(run), outcome))


ROUTES: Final[tuple[tuple[str, type[JupyterHandler]], ...]] = (
    ("drive-sync/api/storages", StoragesRoute),
    ("drive-sync/api/courses", CoursesRoute),
    ("drive-sync/api/validate", ValidateRoute),
    (rf"drive-sync/api/storages/{_NAME}", StorageRoute),
    (rf"drive-sync/api/storages/{_NAME}/run", RunRoute),
    (rf"drive-sync/api/storages/{_NAME}/cancel", CancelRunRoute),
    (rf"drive-sync/api/storages/{_NAME}/release", StorageReleaseRoute),
    (rf"drive-sync/api/storages/{_NAME}/authorize", StorageAuthorizeRoute),
    (
        rf"drive-sync/api/storages/{_NAME}/holds/(?P<hold>[0-9a-f]{{1,32}})/files",
        StorageHoldFilesRoute,
    ),
    (rf"drive-sync/api/storages/{_NAME}/history", StorageHistoryRoute),
    (
        rf"drive-sync/api/storages/{_NAME}/history/(?P<run>[1-9][0-9]{{0,9}})/files",
        StorageRunFilesRoute,
    ),
)
"""Below the base URL, which the extension manager puts in front."""
