"""Everything that the server extension does, without HTTP."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from jupyter_events import EventLogger

from jupyter_drive_sync.core.storage import Storage
from jupyter_drive_sync.engine.report import Status
from jupyter_drive_sync.errors import DriveSyncError, HubSilent, NotConnected
from jupyter_drive_sync.runner import hub
from jupyter_drive_sync.runner.hub import supplier
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import JobKind
from jupyter_drive_sync.server.book import Book
from jupyter_drive_sync.server.browsing import Browsing
from jupyter_drive_sync.server.config import Nights
from jupyter_drive_sync.server.consent import Attempt, Consent
from jupyter_drive_sync.server.desk import FOREVER, Desk, View, below
from jupyter_drive_sync.server.herald import Herald
from jupyter_drive_sync.server.hublink import Due, HubLink, ended, running
from jupyter_drive_sync.server.looks import Looks
from jupyter_drive_sync.server.metrics import Metrics
from jupyter_drive_sync.server.origin import Origin
from jupyter_drive_sync.server.passes import Crew, Passes
from jupyter_drive_sync.server.problems import Occupied, Paused, PausedByAdmin
from jupyter_drive_sync.server.prompt import LATER, Claim
from jupyter_drive_sync.server.schedule import Schedule
from jupyter_drive_sync.server.storages import Storages

P = ParamSpec("P")
R = TypeVar("R")

CONTENTS_EVENTS: Final = "https://events.jupyter.org/jupyter_server/contents_service/v1"
_VERSIONS: Final = ("path", "link", "trashed", "kept", "most_kept", "versions")
"""What the route of versions tells."""
_SAVED: Final = 1000
"""Saved files that are told apart."""
_REVOKE_ENDS: Final = {
    "others": "Every other computer and hub that uses the same Google project for your account "
    "ends too.",
    "consent": "Google forgets what this app may do: connecting again asks for your consent anew.",
}
_STAYS: Final = "Your files stay on Drive and here; nothing is deleted. Our access here is deleted."


@dataclass
class Service:
    """One home, as a running server looks after it. All methods belong on the event loop.

    Attributes:
        place: the home.
        nights: when passes run by themselves.
        base_url: of this server.
        root_dir: what the file browser shows.
        events: the server's event bus.
        busy: whether a kernel computes.
        log: the server's log.
        paused: whether the administrator paused everything.
        ask: whether people may be asked to connect.
        wall: seconds since the epoch.
        clock: monotonic seconds.
        rng: spreads the nights.
        crew: runs the children.
        alive: keeps the server from being culled as idle; told whether a pass runs.
        configured: the storages of the configuration.
        roots: where their folders may lie, beside the home.
    """

    place: Place
    nights: Nights
    base_url: str
    root_dir: Path
    events: EventLogger
    busy: Callable[[], bool]
    log: logging.Logger
    paused: bool = False
    ask: bool = True
    wall: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    rng: random.Random = field(default_factory=random.SystemRandom)
    crew: Crew = field(default_factory=Crew)
    alive: Callable[[bool], None] = lambda _: None
    configured: tuple[Storage, ...] = ()
    roots: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Put the parts together; nothing runs yet."""
        # One dictionary for all: what the hub's admin sets is laid into it.
        settings = dict(self.place.settings)
        self.place = replace(self.place, settings=settings)
        self.crew.supply = supplier(self.place)
        self.desk = Desk(self.place, self.wall, paused=self.paused)
        self.browsing = Browsing(self.place, self.desk)
        self.metrics = Metrics()
        self.herald = Herald(
            self.events, self._compose, wall=self.wall, clock=self.clock, log=self.log.error
        )
        self.passes = Passes(
            self.place, self.desk, self.crew, self, log=self.log.error, wall=self.wall
        )
        self.book = Book(self.place)
        self.looks = Looks(self.place, self.desk, self.crew, self.passes, wall=self.wall)
        self.consent = Consent(
            self.place,
            self.crew,
            wall=self.wall,
            clock=self.clock,
            told=partial(self.herald.tell, "consent"),
            connected=self._connected,
        )
        self.hub = HubLink(
            self.place,
            self.desk,
            settings,
            clock=self.clock,
            changed=partial(self.herald.tell, "consent"),
            log=self.log,
        )
        self.claim = Claim(self.clock)
        self.schedule = Schedule(
            self.nights,
            run=self._run_by_itself,
            last_run=self._last_run,
            busy=self.busy,
            changed=partial(self.herald.tell, "settings"),
            wall=self.wall,
            rng=self.rng,
        )
        self.storages = Storages(
            self.place,
            self.configured,
            self.roots,
            self.crew,
            told=partial(self.herald.tell, "storages"),
            paused=self._is_paused,
            wall=self.wall,
            jitter=self.nights.jitter,
            catch_up=self.nights.catch_up,
            log=self.log.error,
            ended=self.metrics.storage_ended,
            rng=self.rng,
        )
        self._saved: set[str] = set()
        self._known_holds: tuple[str, ...] = ()
        self._night: str | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._root = below(self.root_dir, self.place.home)

    # -- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to wait for the nights."""
        if self._root is not None and CONTENTS_EVENTS in self.events.schemas.schema_ids:
            self.events.add_listener(schema_id=CONTENTS_EVENTS, listener=self._heard_contents)
        await self.hub.look()
        view = await self.look()
        self.metrics.succeeded(view.status.last_sync)
        await self.schedule.start(*view.timed)
        await self.storages.start(self.schedule.zone)
        if self.hub.on:
            self._in_background(self._ask_for_night())

    async def stop(self) -> None:
        """End all that runs: no child outlives the server."""
        await self.schedule.stop()
        await self.crew.close()
        await self.storages.stop()
        await self.passes.wait()
        await self.consent.close()
        await self.hub.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.herald.close()

    @property
    def saved(self) -> list[str]:
        """The files that were saved since the last sync, below the home."""
        return [f"{self._root}/{each}".lstrip("/") for each in self._saved]

    # -- looking ----------------------------------------------------------------------------------

    async def look(self) -> View:
        """See how things stand."""
        run = self.passes.current
        return await self.off_loop(self.desk.look, run.job if run else "", len(self._saved))

    async def _is_paused(self) -> bool:
        return bool((await self.look()).paused_by)

    async def off_loop(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call something that touches files or the database, in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, partial(call, *args, **kwargs))

    async def status(self, *, owner: bool) -> dict[str, Any]:
        """Return the reply of the status route, to the owner or to somebody who may look."""
        seq = self.herald.seq
        self.hub.look_again()
        view = await self.look()
        status, account = view.status, view.account
        return {
            "seq": seq,
            "time": self.wall(),
            "state": view.state,
            "status": status.status,
            "connected": view.connected,
            "account": {"email": account.email, "name": account.name} if account else None,
            "home": str(self.place.home),
            "root": self._root,
            "drive_folder": self.place.drive_folder,
            "link": view.link,
            "problem": view.problem,
            "incident": self._incident(view),
            "holds": [
                {"params": {}, **hold, "paths_href": self._href(hold["id"])}
                for hold in status.holds
            ],
            "last_sync": status.last_sync,
            "last_sync_count": status.last_sync_count,
            "last_sync_job": status.last_sync_job,
            "job": status.job,
            "started": status.started,
            "traceback": status.traceback,
            "meta": status.meta,
            "progress": self._progress(),
            "saved_since": len(self._saved),
            **self._timing(view),
            "waiting_for": self.schedule.waiting_for,
            "paused": bool(view.paused_by),
            "paused_until": (view.settings.paused_until or None) if view.paused_by else None,
            "paused_by": view.paused_by,
            "consent": self.consent.described(owner=owner),
            "ask": self._may_ask(view),
        }

    async def settings(self) -> dict[str, Any]:
        """Return the reply of the settings route."""
        view = await self.look()
        timing = self._timing(view)
        return {
            "excludes": list(view.settings.excludes),
            "includes": list(view.settings.includes),
            "max_file_size": view.settings.max_file_size,
            "bandwidth": view.settings.bandwidth,
            "notify": view.settings.notify,
            "time_zone": view.settings.time_zone,
            "paused_until": view.settings.paused_until or None,
            "schedule": timing["schedule"],
            "effective_time_zone": timing["time_zone"],
            "next_run": timing["next_run"],
            "by_admin": sorted(self.place.settings),
        }

    async def prompt(self, tab: str = "") -> dict[str, Any]:
        """Return the reply of the prompt route, to one tab."""
        view = await self.look()
        after = view.settings.ask_after
        return {
            "ask": self._may_ask(view),
            "claimed": bool(self.claim.tab),
            "mine": bool(tab) and self.claim.tab == tab,
            "not_before": after if after > self.wall() else None,
            "never": after == FOREVER,
        }

    async def about_disconnect(self) -> dict[str, Any]:
        """Return what a person should know before disconnecting."""
        view = await self.look()
        account = view.account
        return {
            "connected": view.connected,
            "account": {"email": account.email, "name": account.name} if account else None,
            "files": view.status.last_sync_count,
            "stays": _STAYS,
            "revoke_ends": [
                {"code": code, "sentence": sentence} for code, sentence in _REVOKE_ENDS.items()
            ],
        }

    async def preview(self, *, refresh: bool) -> dict[str, Any]:
        """Return the reply of the preview route."""
        found = await self.passes.survey(refresh=refresh)
        where = {"home": str(self.place.home), "drive_folder": self.place.drive_folder}
        return {**where, **found}

    # -- acting -----------------------------------------------------------------------------------

    async def sync(
        self, paths: Sequence[str] = (), *, final: str | None = None
    ) -> tuple[str, bool]:
        """Begin a pass, or say which one runs; its job, and whether it ran before.

        Args:
            paths: what to sync; all when empty.
            final: folder of which this is the last sync, ``""`` for all.

        Raises:
            NotConnected, Paused, PausedByAdmin: not now.
        """
        view = await self.look()
        if not view.connected:
            raise NotConnected
        if view.paused_by:
            raise PausedByAdmin if view.paused_by == "admin" else Paused
        if view.status.running and self.passes.current is None:
            return view.status.job, True  # somebody else's, such as of the command line
        run, already = self.passes.start(paths, final=final)
        return run.job, already

    async def bring_back(self, kind: JobKind, args: Mapping[str, Any]) -> str:
        """Begin a restore, an undo or a change of versions; returns its job.

        Raises:
            NotConnected, Occupied: not now.
        """
        view = await self.look()
        if not view.connected:
            raise NotConnected
        if view.status.running and self.passes.current is None:
            raise Occupied  # somebody else's, such as of the command line
        return self.passes.bring(kind, args).job

    async def versions(self, path: str) -> Mapping[str, Any]:
        """Ask Drive for the versions of a file.

        Raises:
            NotConnected: there is nobody to ask.
            Reported: there is no such file.
        """
        found = dict(await self.asked("versions", {"path": path}))
        return {name: found[name] for name in _VERSIONS}

    async def asked(self, kind: JobKind, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask Drive for something, in a child.

        Raises:
            NotConnected: there is nobody to ask.
            DriveSyncError: what the child met.
        """
        view = await self.look()
        if not view.connected:
            raise NotConnected
        return await self.crew.perform(self.place.job(kind, args=args))

    async def release(self, hold: str, choice: str, paths: Sequence[str], *, sync: bool) -> Any:
        """Answer a hold, and carry the answer out.

        Raises:
            NoSuchHold: there is no such hold, choice or path.
        """
        count = await self.off_loop(self.desk.release, hold, choice, paths)
        self.desk.forget_link()
        job = ""
        if choice == "disconnect":
            await self.disconnect(revoke=False)
        elif sync:
            try:
                job, _ = await self.sync()
            except (NotConnected, Paused, PausedByAdmin):
                job = ""  # the next one carries it out
        self.herald.tell("holds")
        return {"files": count, "job": job}

    async def disconnect(self, *, revoke: bool) -> bool:
        """Delete our access; tells whether Google was told.

        Raises:
            NotConnected: there is none.
            Reported: Google could not be told; nothing was changed.
        """
        self.consent.abandon()
        self.passes.cancel()
        await self.passes.wait()
        if self.hub.on:
            revoked = await self.off_loop(partial(hub.disconnect, self.place, revoke=revoke))
            await self.hub.look()
        else:
            job = self.place.job("revoke", args={"at_google": revoke})
            revoked = bool((await self.crew.perform(job))["revoked"])
        self.desk.forget_link()
        self.herald.tell("consent")
        return revoked

    async def authorize(
        self, origin: Origin, *, device: bool, time_zone: str, sync: bool
    ) -> tuple[Attempt, Any]:
        """Begin to connect (see :meth:`Consent.begin`).

        Raises:
            NoClient, BadClientFile: no client, or one that cannot be answered here.
            PausedByAdmin: not here, not now.
        """
        if self.paused:
            raise PausedByAdmin
        if self.hub.on:
            return await self._authorize_at_hub(time_zone, sync=sync), None
        client = await self.off_loop(self.place.client)
        return await self.consent.begin(
            client, origin, device=device, time_zone=time_zone, sync=sync
        )

    async def change(self, values: Mapping[str, Any]) -> None:
        """Set what a person may set.

        Raises:
            SetByAdmin, BadSettings: not this, or not so.
        """
        await self.off_loop(self.desk.change, values)
        self.passes.forget_survey()
        await self._read_schedules()
        self.herald.tell("settings")

    async def learn_zone(self, zone: str) -> None:
        """Read schedules in the time zone of a browser, where nothing better is known."""
        view = await self.look()
        if zone and not view.memo.browser_time_zone:
            await self.off_loop(self.desk.remember, browser_time_zone=zone)
            await self._read_schedules()

    async def answer_prompt(self, action: str, tab: str) -> None:
        """Keep what a tab or its person answered."""
        if action == "claim":
            if self._may_ask(await self.look()):
                self.claim.take(tab)
            return
        if action == "release":
            self.claim.give_back(tab)
            return
        after = {"later": self.wall() + LATER, "never": FOREVER, "reset": None}[action]
        await self.off_loop(self.desk.change, {"ask_after": after})
        self.claim.give_back()
        self.herald.tell("prompt")

    async def acknowledge(self, incident: str) -> dict[str, Any] | None:
        """Take note that the person was told; returns the incident as it is now."""
        view = await self.look()
        if view.incident is not None and view.incident["id"] == incident:
            await self.off_loop(self.desk.told, view)
            self.herald.tell("run")
            view = await self.look()
        return self._incident(view)

    # -- the audience of passes -------------------------------------------------------------------

    def began(self) -> None:
        """Take note that a pass was begun."""
        self._saved.clear()
        self.alive(True)
        self.metrics.began()
        self.herald.tell("run")

    def got_on(self) -> None:
        """Take note that the running pass got on."""
        self.alive(True)
        self.herald.tell("progress")

    def ended(self, outcome: str, seconds: float, status: Status) -> None:
        """Take note that the pass ended."""
        self.alive(False)
        self.metrics.ended(outcome, seconds, status.meta)
        self.metrics.succeeded(status.last_sync)
        self.brought(status)

    def brought(self, status: Status) -> None:
        """Take note that a job ended that was no sync, or was one."""
        self.herald.tell("run")
        holds = tuple(str(hold["id"]) for hold in status.holds)
        if holds != self._known_holds:
            self._known_holds = holds
            self.herald.tell("holds")
        if self.hub.on:
            self._in_background(self._after_pass(status, told=self._night is not None))

    # -- parts ------------------------------------------------------------------------------------

    async def _authorize_at_hub(self, time_zone: str, *, sync: bool) -> Attempt:
        """Send the person to the hub's page, and look until they have consented there.

        Raises:
            DriveSyncError: the hub does not want to hear of this server, or does not answer.
        """
        await self.hub.look()
        if self.hub.standing is None or isinstance(self.desk.hub_problem, HubSilent):
            raise self.desk.hub_problem or HubSilent(problem="no answer")
        standing = self.hub.standing
        url = await self.off_loop(hub.address, self.place, standing, self.base_url)

        async def consented() -> bool:
            await self.hub.look()
            now = self.hub.standing
            return now is not None and hub.is_new(standing, now)

        return self.consent.begin_at_hub(url, consented, time_zone=time_zone, sync=sync)

    async def _ask_for_night(self) -> None:
        """Ask the hub whether this server was started for its night, and do what it wants."""
        found = await self.hub.due()
        if not found.due:
            return
        self._night = found.night or ""
        problem = await self._sync_for_night(found)
        for pause in self.hub.pauses:
            # The hub's service may end and come back between its answer and our asking for a token.
            met = (await self.look()).status.problem
            silent = problem is None and met is not None and met["code"] == HubSilent.code
            if not silent or not await self.hub.open_after(pause):
                break
            problem = await self._sync_for_night(found)
        self._night = None
        view = await self.look()
        await self.hub.report(found.night, ended(view, in_use=self.busy(), problem=problem))

    async def _sync_for_night(self, found: Due) -> DriveSyncError | None:
        """Run the night's pass; returns what kept it from beginning."""
        if self.hub.standing is None:  # the service was silent when we asked at our start
            await self.hub.look()
        try:
            await self.sync(final=found.final)
            started = self.wall()
            await self.hub.while_reporting(
                found.night,
                lambda: running(started, in_use=self.busy()),
                self.passes.wait(),
            )
        except DriveSyncError as met:
            return met
        return None

    async def _after_pass(self, status: Status, *, told: bool) -> None:
        """Tell the hub of a pass that was not its own, and see what it knows of our permission."""
        if status.problem and str(status.problem["code"]).startswith(("auth.", "broker.")):
            await self.hub.look()
        if not told:
            view = await self.look()
            await self.hub.report(None, ended(view, in_use=self.busy()))

    def _connected(self, attempt: Attempt) -> None:
        name = attempt.purpose.storage
        after = self.storages.connected(name) if name else self._after_consent(attempt)
        self._in_background(after)

    async def _after_consent(self, attempt: Attempt) -> None:
        self.desk.forget_link()
        if attempt.time_zone:
            await self.off_loop(self.desk.remember, browser_time_zone=attempt.time_zone)
        await self.off_loop(self.desk.change, {"ask_after": None})
        await self._read_schedules()
        if attempt.sync:
            await self.sync()

    async def _read_schedules(self) -> None:
        view = await self.look()
        await self.schedule.change(*view.timed)
        await self.storages.set_zone(self.schedule.zone)

    async def _run_by_itself(self) -> None:
        if (await self.hub.due()).held:
            return
        if self.passes.current is not None and self.passes.current.kind != "mirror":
            await self.passes.wait()  # what is brought back first is no sync
        try:
            await self.sync()
        except (NotConnected, Paused, PausedByAdmin):
            return
        await self.passes.wait()

    async def _last_run(self) -> float | None:
        view = await self.look()
        if not view.connected:
            return None
        status = view.status
        killed = status.problem is not None and status.problem["code"] == "run.killed"
        begun = None if killed else status.started
        connected = view.account.connected_at if view.account else None
        return max(filter(None, (status.last_sync, begun, connected)), default=None)

    async def _compose(self, reason: str) -> dict[str, Any]:
        run = self.passes.current
        if reason == "progress" and run is not None:
            return {"state": "syncing", "status": "in_progress", **run.counts}
        view = await self.look()
        said = {"state": view.state, "status": view.status.status, "job": view.status.job}
        return {
            **said,
            **(run.counts if run else {}),
            "code": view.problem["code"] if view.problem else "",
            "failed": int(view.status.meta.get("failed", 0)),
            "held": len(view.status.holds),
            "saved_since": len(self._saved),
        }

    def _progress(self) -> dict[str, Any] | None:
        run = self.passes.current
        if run is None:
            return None
        return {name: value for name, value in run.counts.items() if name != "job"}

    def _timing(self, view: View) -> dict[str, Any]:
        until = view.settings.paused_until
        idle = not view.connected or view.paused_by == "admin" or until == FOREVER
        return {
            "schedule": view.settings.schedule,
            "time_zone": self.schedule.zone,
            "next_run": None if idle else self.schedule.next_run(until),
        }

    def _incident(self, view: View) -> dict[str, Any] | None:
        if view.incident is None:
            return None
        return {**view.incident, "tell": view.incident["tell"] and view.settings.notify != "never"}

    def _may_ask(self, view: View) -> bool:
        after = view.settings.ask_after
        return self.ask and view.can_ask and after != FOREVER and after <= self.wall()

    def _href(self, hold: str) -> str:
        return f"{self.base_url}drive-sync/api/holds/{hold}/files"

    async def _heard_contents(
        self, logger: EventLogger, schema_id: str, data: Mapping[str, Any]
    ) -> None:
        """Count what is saved through the server, so that nobody believes it to be on Drive."""
        del logger, schema_id
        if data.get("action") == "save" and len(self._saved) < _SAVED:
            known = len(self._saved)
            self._saved.add(str(data.get("path", "")))
            if len(self._saved) > known and self.passes.current is None:
                self.herald.tell("saved")

    def _in_background(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        problem = None if task.cancelled() else task.exception()
        if isinstance(problem, DriveSyncError):
            self.log.warning("After the consent: %s", problem.sentence)
        elif problem is not None:
            self.log.error("After the consent: %r", problem)
