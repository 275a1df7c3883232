"""The nights of a hub: begun by the clock, taken up again after a crash, asked and told by servers.

What lives here is the service's own view; how one night goes is the matter of :mod:`.wave`, how one
person's turn goes that of :mod:`.servers` and :mod:`.homes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from logging import Logger
from random import Random
from typing import Any, Final

from sqlalchemy import Engine

from jupyter_drive_sync.hub.budget import Budget, Cost, Spent, google_day
from jupyter_drive_sync.hub.due import DUE, Due, Planned, count, holding, judge, spread
from jupyter_drive_sync.hub.homes import Homes
from jupyter_drive_sync.hub.hub_api import HubApi, HubDown, HubRefused, HubUser
from jupyter_drive_sync.hub.journal import Journal
from jupyter_drive_sync.hub.night_config import NightSettings
from jupyter_drive_sync.hub.night_metrics import NightMetrics
from jupyter_drive_sync.hub.people import Granted, Hold, NightRow, Person, Store, Turn
from jupyter_drive_sync.hub.reports import Report, consequences, parse, troubled
from jupyter_drive_sync.hub.servers import Ending, Servers, Words
from jupyter_drive_sync.hub.wave import Mode, Wave
from jupyter_drive_sync.hub.window import Night

_LOOK: Final = 60.0
"""Seconds between two looks at the clock: a timer may stand still, and a clock be set."""
_UNPLANNED_A_DAY: Final = 5_000_000
"""Quota units that one person's servers may report in a day outside of the nights."""
_EVER: Final = "until it is lifted"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which server is asking, as the broker has made sure of.

    Attributes:
        user: whose.
        server: its name; ``""`` is the default one.
        home_id: the home that it says it has.
        groups: of the user; None where they are not known.
    """

    user: str
    server: str = ""
    home_id: str = ""
    groups: tuple[str, ...] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Whose turn it may be."""
        return self.user, self.server


GrantedPeople = Callable[[], Awaitable[Sequence[Granted]]]


class Nightly:
    """Decides when it is night, and what a server hears that asks.

    Args:
        engine: the database, its tables made.
        api: the hub.
        granted: lists who has consented.
        settings: the options.
        homes: carries turns out in mounted mode.
        wall: seconds since the epoch.
        rng: chance.
        log: for the admin.
        metrics: figures.
        journal: writes things down; one on ``engine`` when None.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        api: HubApi,
        granted: GrantedPeople,
        settings: NightSettings,
        wall: Callable[[], float],
        rng: Random,
        log: Logger,
        homes: Homes | None = None,
        metrics: NightMetrics | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.journal = journal or Journal(Store(engine))
        self.settings = settings
        self.api = api
        self.wave: Wave | None = None
        self.homes = homes
        self.metrics = metrics or NightMetrics()
        self.graduated: Callable[[Person], Awaitable[object]] | None = None
        """Told of each last sync that came to its end."""
        self._granted = granted
        self._wall = wall
        self._rng = rng
        self._log = log
        self._words = Words()
        self._holds: list[Hold] = []
        self._groups: dict[str, tuple[str, ...] | None] = {}
        self._homes: set[tuple[str, str]] = set()
        self._paused = settings.paused
        self._resumed = asyncio.Event()
        self._unplanned: dict[tuple[str, str], tuple[str, int]] = {}
        self._budget: Budget | None = None
        self._task: asyncio.Task[None] | None = None

    # -- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to wait for the nights, and finish what a killed service left."""
        await self.prepare()
        self._task = asyncio.get_running_loop().create_task(self._live())

    async def stop(self) -> None:
        """Stop where we are; whoever starts next goes on from what is written down."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.journal.close()

    async def prepare(self) -> None:
        """Read what is known."""
        day = google_day(self._wall())
        spent = await self.journal.do(self.journal.store.spent, day)
        self._budget = Budget(self.settings.quota, self._wall, spent)
        self._paused = await self.journal.do(self.journal.store.paused, self.settings.paused)
        await self._read_holds()

    async def _live(self) -> None:
        while True:
            try:
                await self.resume()
                break
            except (HubDown, HubRefused) as problem:
                self._log.warning("The hub cannot be asked what the last night left: %s", problem)
                await asyncio.sleep(_LOOK)
        while self.settings.mode != "off":
            night = await self._next()
            while (seconds := night.begin - self._wall()) > 0:
                await asyncio.sleep(min(seconds, _LOOK))
            await self._read_holds()
            if self._paused:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._resumed.wait(), _LOOK)
                continue
            try:
                await self.run(night)
            except (HubDown, HubRefused) as problem:
                self._log.warning("The night waits for the hub: %s", problem)
                await asyncio.sleep(_LOOK)
            except Exception:
                self._log.exception("The night failed; it is tried again")
                await asyncio.sleep(_LOOK)

    async def _next(self) -> Night:
        night = self.settings.window.at(self._wall())
        row = await self.journal.do(self.journal.store.night, night.id)
        if row is not None and row.state != "running":
            return self.settings.window.after(night)
        return night

    # -- a night ----------------------------------------------------------------------------------

    async def resume(self) -> None:
        """Finish what a killed service left: its servers are stopped, its night goes on."""
        for row in await self.journal.do(self.journal.store.unfinished):
            night = Night(row.id, row.begin, row.end)
            turns = await self.journal.do(self.journal.store.turns, row.id)
            wave = self._wave(night, row.mode)
            self.wave = wave
            begun = [turn for turn in turns if turn.state != "planned"]
            waiting = [turn for turn in turns if turn.state == "planned"]
            self._log.info(
                "Night %s goes on: %d under way, %d to come.", row.id, len(begun), len(waiting)
            )
            wave.add(waiting)
            async with asyncio.TaskGroup() as both:
                both.create_task(wave.finish(begun))
                both.create_task(wave.run())
            await self._over(wave)

    async def run(self, night: Night) -> None:
        """Carry out one night.

        Raises:
            HubDown, HubRefused: the hub does not tell who there is.
        """
        people = await self.meet()
        dues = await self._judge(people)
        # What begins late, since the service was down, is spread over what is left.
        now = max(self._wall(), night.begin)
        seconds = max(0.0, night.end - now) * self.settings.spread
        planned = spread(dues, now, seconds, self._rng)
        row = NightRow(
            id=night.id,
            mode=self.settings.mode,
            begin=night.begin,
            end=night.end,
            state="running",
            people=len(people),
            due=len(planned),
        )
        rows = [_row(night.id, each) for each in planned]
        await self.journal.do(self.journal.store.begin, row, rows)
        self._log.info("Night %s: %s", night.id, dict(count(dues)))
        wave = self._wave(night, self.settings.mode)
        self.wave = wave
        wave.add(await self.journal.do(self.journal.store.turns, night.id))
        await wave.run()
        await self._over(wave)

    async def _judge(self, people: Sequence[Person]) -> list[Due]:
        by_user: dict[str, list[Person]] = {}
        for person in people:
            by_user.setdefault(person.user, []).append(person)
        dues: list[Due] = []
        now = self._wall()
        holds = self._in_force(now)

        def see(name: str, user: HubUser | None) -> None:
            theirs = by_user.pop(name, ())
            dues.extend(judge(person, user, self.settings, holds, now) for person in theirs)

        async for user in self.api.users():
            if user.name in by_user:
                # Where the hub does not say, a server's own token may have said it.
                groups = self._groups.get(user.name) if user.groups is None else user.groups
                self._groups[user.name] = groups
                see(user.name, replace(user, groups=groups))
        for name in [*by_user]:
            see(name, None)
        return dues

    def _wave(self, night: Night, mode: str) -> Wave:
        assert self._budget is not None  # noqa: S101 - prepared
        wave = Wave(
            night,
            self._mode(mode),
            self.journal,
            self._budget,
            self._close,
            self._wall,
            self._log,
            self.settings.concurrency,
            tries=self.settings.tries,
            trusted=mode == "mounted",
        )
        wave.hold(lambda turn: self._is_held(turn.user))
        return wave

    def _mode(self, mode: str) -> Mode:
        if mode == "mounted":
            if self.homes is None:
                raise ValueError("mounted mode without homes")
            self.homes.heard = self._heard
            return self.homes
        return Servers(
            api=self.api,
            journal=self.journal,
            settings=self.settings,
            words=self._words,
            wall=self._wall,
            rng=self._rng,
            log=self._log,
        )

    def _heard(self, key: tuple[str, str], report: Report) -> None:
        if self.wave is not None:
            self.wave.heard(key, report)

    async def _close(self, turn: Turn, ending: Ending) -> None:
        """Write down how a turn ended, and what that means for the person."""
        now = self._wall()
        turn_values = {
            "outcome": ending.outcome,
            "problem": ending.problem,
            "ended": now,
            "units": turn.units,
        }
        person = await self.journal.do(self.journal.store.person, *turn.key)
        changes: dict[str, Any] = {}
        if person is not None:
            report = ending.report
            if report is not None and report.final:
                # What a server said was written down before it was acknowledged.
                changes = {} if turn.reported else consequences(person, report, now)
            elif ending.outcome in ("failed", "late"):
                failed = ending.outcome == "failed"
                changes = {"last_try": now, "outcome": ending.outcome, "unfinished": True}
                changes |= troubled(person, ending.problem, now, failed=failed, text=ending.text)
            if ending.baseline is not None and ending.outcome != "theirs":
                changes["baseline"] = max(person.baseline, ending.baseline)
        await self.journal.do(
            self.journal.store.take_word,
            turn.key,
            changes,
            night=turn.night,
            turn={"state": "done", **turn_values},
            spent=self._budget.spent if self._budget else None,
        )
        self.metrics.turn(turn, ending, now)
        synced = turn.outcome == "synced" or ending.outcome == "synced"
        if person is not None and person.final and synced and self.graduated is not None:
            try:
                await self.graduated(person)
            except Exception:
                self._log.exception("The last sync of %s was not verified", person.user)

    async def _over(self, wave: Wave) -> None:
        state = "stopped" if wave.stopped else "done"
        values = {"state": state, "ended": self._wall(), "reason": wave.stopped}
        await self.journal.do(self.journal.store.change_night, wave.night.id, values)
        self.wave = None
        self._log.info("Night %s is over: %s", wave.night.id, dict(wave.counts))
        self.metrics.night(wave)

    # -- what servers ask and say -----------------------------------------------------------------

    async def get_state(self, identity: Identity) -> dict[str, Any]:
        """Answer a server that asks whether it is due."""
        person = await self.journal.do(self.journal.store.person, *identity.key)
        turn = self.wave.turn_of(identity.key) if self.wave else None
        if identity.groups is not None:
            self._groups[identity.user] = identity.groups
        if person is None and (identity.user, identity.home_id) in self._homes:
            await self.journal.do(self.journal.store.learn, *identity.key, identity.home_id)
        if person is not None and person.frozen_at is not None:
            return _answer(held=True, message="Your backup is complete, and closed.")
        groups = self._groups.get(identity.user)
        hold = holding(self._in_force(self._wall()), identity.user, groups)
        if turn is not None:
            self._words.asked.add(turn.key)
            if identity.home_id and person is not None and person.home_id != identity.home_id:
                known = {"home_id": identity.home_id}
                await self.journal.do(self.journal.store.change_person, *identity.key, known)
            # A turn that has begun is carried out: the hold came after it.
            final = {"final": person.final_folder} if person and person.final else {}
            return _answer(due=True, night=turn.night) | final
        if hold is not None:
            reason = f" ({hold.reason})" if hold.reason else ""
            return _answer(held=True, message=f"Your admin has paused the nightly sync{reason}.")
        return _answer()

    async def put_state(self, identity: Identity, body: object) -> None:
        """Take a server's word on its sync.

        Raises:
            NoReport: it is none.
        """
        values = body if isinstance(body, dict) else {}
        report = parse(values.get("status"))
        wave = self.wave
        turn = wave.turn_of(identity.key) if wave else None
        if wave is not None and turn is not None and not turn.reported:
            # Kept before it is acknowledged: a service that dies now finds it again.
            if report.final:
                await self._keep(identity, report, turn)
            wave.heard(identity.key, report)
            self._words.say(identity.key, report)
            return
        await self._keep(identity, report, None)

    async def _keep(self, identity: Identity, report: Report, turn: Turn | None) -> None:
        person = await self.journal.do(self.journal.store.person, *identity.key)
        if person is None:
            return
        now = self._wall()
        changes = consequences(person, report, now)
        if identity.home_id and not person.home_id:
            changes["home_id"] = identity.home_id
        said: dict[str, Any] = {}
        spent = None
        if turn is not None:
            said = {"reported": True, "outcome": report.outcome, "problem": report.problem}
        elif report.final:
            spent = self._charge(identity.key, report)
            if report.outcome == "synced" and 0 < report.started <= now:
                # What was done on the hub after the sync began is not covered by it.
                changes["baseline"] = max(person.baseline, report.started)
        if changes or said:
            night = turn.night if turn else ""
            await self.journal.do(
                self.journal.store.take_word,
                identity.key,
                changes,
                night=night,
                turn=said,
                spent=spent,
            )
        for name, value in said.items():
            setattr(turn, name, value)

    def _charge(self, key: tuple[str, str], report: Report) -> Spent | None:
        """Count a sync that ran by day, as far as one person's word goes."""
        if self._budget is None:
            return None
        today = google_day(self._wall())
        day, so_far = self._unplanned.get(key, (today, 0))
        so_far = so_far if day == today else 0
        units = min(report.cost.units, _UNPLANNED_A_DAY - so_far)
        self._unplanned[key] = (today, so_far + units)
        self._budget.charge(Cost(units, min(report.cost.bytes, 10**11)))
        return self._budget.spent

    def has_room(self, cost: Cost) -> bool:
        """Tell whether today has room for traffic that is of no person's sync."""
        return self._budget is not None and self._budget.room(cost)

    def charge(self, cost: Cost) -> None:
        """Count such traffic."""
        if self._budget is not None:
            self._budget.charge(cost)

    # -- what an admin does -----------------------------------------------------------------------

    async def retry(self, users: Collection[str]) -> int:
        """Have people synced as soon as may be, whatever was wrong; return how many homes."""
        values = {"retry": True, "parked_until": 0.0, "revoked": False}
        number = await self.journal.do(self.journal.store.change_people, users, values)
        if self.wave is not None and not self.wave.stopped:
            await self._join(self.wave, users)
        return number

    async def _join(self, wave: Wave, users: Collection[str]) -> None:
        """Give people a turn in the night that is under way."""
        now = self._wall()
        begun = {turn.key for turn in wave.under_way}
        for person in await self.journal.do(self.journal.store.people):
            key = (person.user, person.server)
            if person.user not in users or key in begun or wave.has(key):
                continue
            user = await self.api.user(person.user)
            due = judge(person, user, self.settings, self._in_force(now), now)
            if due.why in DUE:
                row = _row(wave.night.id, Planned(due, now))
                await self.journal.do(self.journal.store.add_turn, row)
                wave.add([Turn(**row)])

    async def hold(
        self, kind: str, name: str, *, begin: float, end: float, reason: str, by: str
    ) -> int:
        """Disturb nobody, a group or one person for a while.

        Args:
            kind: ``all``, ``group`` or ``user``.
            name: of the group or user.
            begin: epoch seconds.
            end: epoch seconds; 0 until it is lifted.
            reason: shown to the people.
            by: who decided it.

        Returns:
            The id of the hold.

        Raises:
            ValueError: the kind or the times make no sense.
        """
        if kind not in ("all", "group", "user") or (kind != "all") != bool(name):
            raise ValueError("a hold is for all, for a group or for a user")
        if end and end <= begin:
            raise ValueError("the hold ends before it begins")
        values = {
            "kind": kind,
            "name": name,
            "begin": begin,
            "end": end,
            "reason": reason[:300],
            "by": by,
        }
        made = await self.journal.do(self.journal.store.add_hold, values)
        await self._read_holds()
        return made

    async def lift(self, hold: int) -> bool:
        """End a hold; tell whether there was one."""
        lifted = await self.journal.do(self.journal.store.lift_hold, hold)
        await self._read_holds()
        return lifted

    async def opt(self, users: Collection[str], *, out: bool) -> int:
        """Leave people out of the nights, or have them again."""
        values = {"opted_out": out}
        return await self.journal.do(self.journal.store.change_people, users, values)

    async def pause(self, *, paused: bool) -> None:
        """Begin no night, and no further turn of this one, until it is resumed."""
        keep = self.journal.store.keep_paused
        await self.journal.do(keep, paused, self.settings.paused)
        self._paused = paused
        if paused:
            self._resumed.clear()
        else:
            self._resumed.set()
        if paused and self.wave is not None:
            self.wave.stop("an admin paused it")

    @property
    def paused(self) -> bool:
        """Whether no night begins."""
        return self._paused

    def upcoming(self, now: float) -> float | None:
        """Return when the next night begins, epoch seconds; None where there are none."""
        if self.settings.mode == "off" or self._paused:
            return None
        night = self.settings.window.at(now)
        return night.begin if night.begin > now else self.settings.window.after(night).begin

    @property
    def groups_unknown(self) -> bool:
        """Whether a group is held, and the hub does not say who is in it."""
        held = any(hold.kind == "group" for hold in self._in_force(self._wall()))
        return held and bool(self._groups) and all(each is None for each in self._groups.values())

    @property
    def group_names(self) -> Sequence[str]:
        """The groups in which people are that we have met, as far as the hub says."""
        return sorted({name for groups in self._groups.values() for name in groups or ()})

    def groups_of(self, user: str) -> tuple[str, ...]:
        """Return the groups of a user, as far as they are known."""
        return self._groups.get(user) or ()

    async def meet(self) -> list[Person]:
        """Read who has consented, and return them."""
        granted = await self._granted()
        self._homes = {(each.user, each.home_id) for each in granted if each.home_id}
        return await self.journal.do(self.journal.store.meet, granted)

    @property
    def holds(self) -> Sequence[Hold]:
        """The holds that are, or will be, in force."""
        return self._holds

    def held_by(self, user: str) -> Hold | None:
        """Return what holds somebody now."""
        return holding(self._in_force(self._wall()), user, self._groups.get(user, ()))

    @property
    def spent(self) -> Mapping[str, Any]:
        """What today has cost, and what it may."""
        quota = self.settings.quota
        spent = self._budget.spent if self._budget else None
        return {
            "day": spent.day if spent else "",
            "units": spent.units if spent else 0,
            "units_limit": quota.units_per_day,
            "bytes": spent.bytes if spent else 0,
            "bytes_limit": quota.bytes_per_day,
        }

    def _in_force(self, now: float) -> list[Hold]:
        return [
            hold for hold in self._holds if hold.begin <= now and (not hold.end or now < hold.end)
        ]

    def _is_held(self, user: str) -> bool:
        holds = self._in_force(self._wall())
        return bool(holds) and holding(holds, user, self._groups.get(user)) is not None

    async def _read_holds(self) -> None:
        self._holds = await self.journal.do(self.journal.store.holds, self._wall())


def _row(night: str, planned: Planned) -> dict[str, Any]:
    """Write a turn as a row, every column of it: it is also used as it is."""
    due = planned.due
    values: dict[str, Any] = {
        column.key: column.default.arg
        for column in Turn.__table__.columns
        if column.default is not None
    }
    return values | {
        "night": night,
        "user": due.person.user,
        "server": due.person.server,
        "why": due.why.value,
        "at": planned.at,
        "state": "planned",
        "activity": due.activity,
        "reckoned_units": due.cost.units,
        "reckoned_bytes": due.cost.bytes,
    }


def _answer(
    *, due: bool = False, night: str | None = None, held: bool = False, message: str = ""
) -> dict[str, Any]:
    return {"due": due, "night": night, "held": held, "message": message}
