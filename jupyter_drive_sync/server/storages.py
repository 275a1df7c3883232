"""The storages of a running server: what there is, how each stands, and when one runs."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from jupyter_drive_sync.core import cron
from jupyter_drive_sync.core.storage import BadStorage, NoSuchStorage, Storage, read, shown_key
from jupyter_drive_sync.drive.secrets import Secret, SecretsStore
from jupyter_drive_sync.engine.report import Status, describe, read_status
from jupyter_drive_sync.engine.site import make_state_dir
from jupyter_drive_sync.errors import DriveSyncError, Internal
from jupyter_drive_sync.runner import hub
from jupyter_drive_sync.runner import storages as kept
from jupyter_drive_sync.runner.consent import scopes_for
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Event, Job, Progress
from jupyter_drive_sync.server.consent import Attempt, Consent, Purpose
from jupyter_drive_sync.server.desk import Desk
from jupyter_drive_sync.server.origin import Origin
from jupyter_drive_sync.server.passes import Crew, Pass
from jupyter_drive_sync.server.problems import SetByAdmin

P = ParamSpec("P")
R = TypeVar("R")

_TELL: Final = 1.0
"""Seconds between two events of a running storage."""


@dataclass
class Storages:
    """All storages of one home. The methods belong on the event loop, but for those it says so of.

    Attributes:
        place: the home.
        configured: those of the configuration.
        roots: where their folders may lie, beside the home.
        crew: runs the children.
        told: called when something changed.
        paused: whether nothing may run by itself now.
        wall: seconds since the epoch.
        jitter: seconds within which a due one begins.
        catch_up: seconds after the start within which one that was missed is made up for; 0 never.
        log: takes what nobody foresaw.
        ended: is told direction, outcome and bytes of each run.
        rng: spreads the beginnings.
    """

    place: Place
    configured: tuple[Storage, ...]
    roots: tuple[Path, ...]
    crew: Crew
    told: Callable[[], None]
    paused: Callable[[], Awaitable[bool]]
    wall: Callable[[], float]
    jitter: int = 0
    catch_up: int = 0
    log: Callable[[str], None] = lambda _: None
    ended: Callable[[str, str, int], None] = lambda _direction, _outcome, _bytes: None
    rng: random.Random = field(default_factory=random.SystemRandom)
    _running: dict[str, Pass] = field(default_factory=dict)
    _results: dict[str, dict[str, Any]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _told_at: float = float("-inf")
    _nightly: Any = None
    _scheduler: Any = None
    _zone: str = "UTC"

    # -- what there is (in a thread) --------------------------------------------------------------

    def all(self) -> tuple[Storage, ...]:
        """Return all storages: a person's own value of one wins over the configuration's."""
        return kept.joined(self.place.state_dir, self.configured)

    def find(self, name: str) -> Storage:
        """Return the storage of a name.

        Raises:
            NoSuchStorage: there is none.
        """
        return kept.find(self.all(), name)

    def views(self) -> list[dict[str, Any]]:
        """Return how all of them stand."""
        return [self._view(storage) for storage in self.all()]

    def view(self, name: str) -> dict[str, Any]:
        """Return how one stands.

        Raises:
            NoSuchStorage: there is none.
        """
        return self._view(self.find(name))

    def courses(self) -> list[str]:
        """Return the names of the courses that the hub hands on to this person.

        Raises:
            Relayed, HubSilent: the hub does not say.
        """
        return hub.courses(self.place)

    def desk(self, name: str) -> Desk:
        """Return the records of a storage.

        Raises:
            NoSuchStorage: there is none.
        """
        self.find(name)
        return self._desk(name)

    def _desk(self, name: str) -> Desk:
        folder = kept.folder_of(self.place.state_dir, name)
        return Desk(replace(self.place, state_dir=folder), self.wall)

    def _view(self, storage: Storage) -> dict[str, Any]:
        folder = kept.folder_of(self.place.state_dir, storage.name)
        settings = self.place.load_settings()
        status = read_status(folder, self.wall(), ping_seconds=settings.ping_seconds)
        run = self._running.get(storage.name)
        if run is not None and not (status.running and status.job == run.job):
            status = replace(status, status="queued", job=run.job, problem=None, meta={})
        configured = [item for item in self.configured if item.name == storage.name]
        return {
            **storage.shown(),
            "by_admin": bool(configured),
            "own": storage not in configured,
            "connected": self._connected(storage, folder),
            "status": _described(status),
            "progress": _progress(run),
            "next_run": self._next_run(storage.name),
        }

    def _connected(self, storage: Storage, folder: Path) -> bool:
        if storage.credentials == "client":
            return SecretsStore(folder).grant() is not None
        if storage.credentials in ("service_account", "adc"):
            return True
        if storage.credentials == "hub":
            return self.place.broker is not None
        return Desk(self.place, self.wall).connected()

    # -- making and changing ----------------------------------------------------------------------

    def read(self, values: Mapping[str, Any], *, name: str = "") -> Storage:
        """Read what a person has filled in (in a thread).

        A key that was shown shortened and comes back so is the one that there is.

        Raises:
            BadStorage: it cannot be used.
        """
        storage = read({**values, "name": name} if name else values, check_schedule=cron.parse)
        with contextlib.suppress(NoSuchStorage):
            before = self.find(storage.name)
            if storage.key_file and storage.key_file == shown_key(before.key_file):
                storage = replace(storage, key_file=before.key_file)
        kept.local_of(self.place, storage, self.roots)
        return storage

    def new(self, values: Mapping[str, Any]) -> Storage:
        """Read a storage that is to be made (in a thread).

        Raises:
            BadStorage: it cannot be used, or there is one of that name.
        """
        storage = self.read(values)
        if any(item.name.lower() == storage.name.lower() for item in self.all()):
            raise BadStorage(name=storage.name, problem="there is one of that name", field="name")
        return storage

    async def validate(self, storage: Storage) -> dict[str, Any]:
        """See whether a storage works.

        Raises:
            DriveSyncError: says what stands in its way.
        """
        job = await self._off_loop(self._job, storage, "validate_storage", {})
        found = await self.crew.perform(job)
        return {name: found[name] for name in ("account", "folder", "sample")}

    async def keep(self, storage: Storage, *, check: bool) -> dict[str, Any]:
        """Keep a storage that works; returns how it stands.

        Raises:
            DriveSyncError: it does not work; nothing was kept.
        """
        if check:
            await self.validate(storage)
        await self._off_loop(kept.keep, self.place.state_dir, storage)
        await self._plan()
        self.told()
        return await self._off_loop(self.view, storage.name)

    async def remove(self, name: str) -> None:
        """Forget a storage of a person's.

        Raises:
            NoSuchStorage: there is none.
            SetByAdmin: it is the configuration's alone.
        """
        self.cancel(name)
        own = await self._off_loop(kept.load, self.place.state_dir)
        if all(item.name != name for item in own):
            await self._off_loop(self.find, name)
            raise SetByAdmin(name=f"c.DriveSync.storages[{name!r}]")
        await self._off_loop(kept.remove, self.place.state_dir, name)
        self._results.pop(name, None)
        await self._plan()
        self.told()

    async def authorize(
        self, name: str, consent: Consent, origin: Origin, *, device: bool
    ) -> tuple[Attempt, Secret | None]:
        """Begin to connect a storage that has a client of its own (see :meth:`Consent.begin`).

        Raises:
            NoSuchStorage, BadStorage: there is none, or it has no client of its own.
            NoClient, BadClientFile: its client cannot be used, or not be answered here.
        """
        storage = await self._off_loop(self.find, name)
        place = kept.connecting(self.place, storage)
        client = await self._off_loop(place.client)
        purpose = Purpose(place, name, scopes_for(storage))
        return await consent.begin(client, origin, device=device, purpose=purpose)

    async def connected(self, name: str) -> None:
        """Take note that a storage has got a permission of its own."""
        try:
            await self._off_loop(self.find, name)
        except NoSuchStorage:  # removed while the person was at Google
            await self._off_loop(kept.forget, self.place.state_dir, name)
        self.told()

    # -- running ----------------------------------------------------------------------------------

    async def run(
        self, name: str, paths: Sequence[str] = (), *, dry_run: bool = False
    ) -> tuple[str, bool]:
        """Begin a run, or say which one is under way; its job, and whether it was before.

        Raises:
            NoSuchStorage, BadStorage: there is none, or its folder lies where it may not.
        """
        storage = await self._off_loop(self.find, name)
        if name in self._running:
            return self._running[name].job, True
        args = {"only": list(paths), "dry_run": dry_run}
        job = await self._off_loop(self._job, storage, storage.direction, args)
        if name in self._running:  # somebody else was faster
            return self._running[name].job, True
        run = self._running[name] = Pass(job.id, tuple(paths), job.kind)
        task = asyncio.get_running_loop().create_task(self._run(name, job, run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.told()
        return job.id, False

    def cancel(self, name: str) -> str:
        """Stop a run in order; returns its job, or ``""``."""
        run = self._running.get(name)
        if run is None:
            return ""
        run.cancel()
        return run.job

    def result(self, name: str) -> dict[str, Any] | None:
        """Return the last run of this server."""
        return self._results.get(name)

    async def wait(self) -> None:
        """Wait until nothing runs."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, name: str, job: Job, run: Pass) -> None:
        self._results[name] = {"job": job.id, "running": True, "problem": None}

        def heard(event: Event) -> None:
            if isinstance(event, Progress):
                run.progress = event
                self._got_on()

        result: Mapping[str, Any] = {}
        problem: DriveSyncError | None = None
        try:
            async with self._turn:  # one after the other: memory is short where many share a host
                result = await self.crew.perform(job, heard, run.born)
        except DriveSyncError as met:
            problem = met
            if met.code == Internal.code:
                self.log(f"The storage {name} failed: {met.detail}")
        if not job.args.get("dry_run"):
            counters = result.get("counters", {})
            outcome = problem.code if problem is not None else str(result.get("outcome", ""))
            self.ended(job.kind, outcome, int(counters.get("bytes", 0)))
            with contextlib.suppress(DriveSyncError):
                await self._off_loop(self._settle, name, job.id, problem)
        self._results[name] = {
            "job": job.id,
            "running": False,
            "problem": describe(problem) if problem is not None else None,
            **({"result": {**result}} if result else {}),
        }
        self._running.pop(name, None)
        self.told()

    def _settle(self, name: str, job: str, problem: DriveSyncError | None) -> None:
        make_state_dir(kept.folder_of(self.place.state_dir, name))
        self._desk(name).settle(job, problem)

    def _got_on(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= _TELL:
            self._told_at = now
            self.told()

    def _job(self, storage: Storage, kind: Any, args: Mapping[str, Any]) -> Job:
        return kept.job(self.place, storage, kind, args=args, roots=self.roots)

    # -- by itself --------------------------------------------------------------------------------

    async def start(self, zone: str) -> None:
        """Begin to wait for what is due.

        Args:
            zone: IANA name of the time zone that schedules are read in.
        """
        name = "jupyter_drive_sync.server.nightly"
        self._nightly = await self._off_loop(importlib.import_module, name)
        self._zone = zone or "UTC"
        self._scheduler = self._nightly.AsyncIOScheduler(timezone=UTC)
        self._scheduler.start()
        await self._plan()
        if self.catch_up:
            await self._plan_missed()

    async def stop(self) -> None:
        """Wait for nothing more; what runs was told to end."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        await self.wait()

    async def set_zone(self, zone: str) -> None:
        """Read schedules in another time zone from now on."""
        if zone and zone != self._zone:
            self._zone = zone
            await self._plan()

    async def _plan(self) -> None:
        if self._scheduler is None:
            return
        due = {item.name: item for item in await self._all() if item.schedule}
        for job in self._scheduler.get_jobs():
            if job.id not in due and not job.id.startswith("missed "):
                job.remove()
        for storage in due.values():
            self._scheduler.add_job(
                partial(self._run_by_itself, storage.name),
                self._trigger(storage),
                id=storage.name,
                replace_existing=True,
                coalesce=True,
                misfire_grace_time=None,
            )

    async def _plan_missed(self) -> None:
        for storage in await self._all():
            if not storage.schedule:
                continue
            folder = kept.folder_of(self.place.state_dir, storage.name)
            status = await self._off_loop(Status.load, folder)
            since = max(filter(None, (status.last_sync, status.started)), default=None)
            if since is None or not self._trigger(storage).missed(since, self.wall()):
                continue
            at = self.wall() + self.rng.uniform(0, self.catch_up)
            self._scheduler.add_job(
                partial(self._run_by_itself, storage.name),
                self._nightly.DateTrigger(datetime.fromtimestamp(at, UTC)),
                id=f"missed {storage.name}",
                misfire_grace_time=None,
            )

    async def _all(self) -> tuple[Storage, ...]:
        """Return all storages; a settings file that cannot be read has none that run."""
        try:
            return await self._off_loop(self.all)
        except DriveSyncError as problem:
            self.log(problem.sentence)
            return self.configured

    def _trigger(self, storage: Storage) -> Any:
        offset = self.rng.uniform(0, self.jitter)
        return self._nightly.Nightly(cron.parse(storage.schedule), self._zone, offset)

    async def _run_by_itself(self, name: str) -> None:
        if await self.paused():
            return
        try:
            await self.run(name)
        except DriveSyncError as problem:
            self.log(problem.sentence)

    def _next_run(self, name: str) -> float | None:
        if self._scheduler is None:
            return None
        times = [
            job.next_run_time.timestamp()
            for key in (name, f"missed {name}")
            if (job := self._scheduler.get_job(key)) is not None and job.next_run_time is not None
        ]
        return min(times, default=None)

    async def _off_loop(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(
            None, partial(call, *args, **kwargs)
        )


def _described(status: Status) -> dict[str, Any]:
    return {
        "status": status.status,
        "last_sync": status.last_sync,
        "last_sync_count": status.last_sync_count,
        "last_sync_job": status.last_sync_job,
        "job": status.job,
        "started": status.started,
        "traceback": status.traceback,
        "problem": status.problem,
        "holds": [{"params": {}, **hold} for hold in status.holds],
        "meta": status.meta,
    }


def _progress(run: Pass | None) -> dict[str, Any] | None:
    if run is None:
        return None
    progress = run.progress
    return {
        "phase": progress.phase,
        "done": progress.done,
        "total": progress.total,
        "bytes_done": progress.bytes_done,
        "bytes_total": progress.bytes_total,
        "eta_seconds": progress.eta_seconds,
        "slowed": progress.slowed,
    }
