"""The whole engine, a Drive, two homes and the people around them, from one seed.

Nothing here is real but the program and its state folder: the home is in memory, Drive is a
LocalDrive of the same process, time is virtual. A jury judges every pass and every step.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from jupyter_drive_sync.core.plan import Verb
from jupyter_drive_sync.core.settings import DAY, Settings
from jupyter_drive_sync.core.tree import RelPath
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.credentials.grant import OwnGrant
from jupyter_drive_sync.drive.secrets import Grant, Secret, SecretsStore
from jupyter_drive_sync.drive.transport import Transport
from jupyter_drive_sync.engine.executor import InOrder
from jupyter_drive_sync.engine.lease import Process
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.mirror import Mirror
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import Site, make_state_dir
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import DriveSyncError, LeaseLost, RunBusy
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from jupyter_drive_sync.localdrive.wire import Request
from tests.drive.ground import ANN, DRIVE_FILE, ENDPOINT
from tests.laws import law_02, law_04
from tests.laws.facts import Reader
from tests.laws.law_12 import Writers
from tests.laws.law_16 import Trace
from tests.sim import faults
from tests.sim.boundaries import Boundaries, Life
from tests.sim.flight import End, Flight
from tests.sim.ground import (
    BEGINNING,
    DriveTime,
    SimWire,
    client_of,
    exchange_of,
    home_in_memory,
)
from tests.sim.jury import Jury
from tests.sim.model_fs import Disk
from tests.sim.people import OnDrive, Writer
from tests.sim.stead import Stead
from tests.sim.steps import DISK, HERE, MEANWHILE, THERE, Step
from tests.virtual_clock import VirtualClock

PATIENCE = 90.0
"""Seconds for which a process watches another writer."""


class Simulation:
    """One simulation.

    Args:
        folder: for the state folders; removed at the end.
        seed: decides whatever the steps do not.
        trace: takes down what happens, where wanted.
    """

    def __init__(self, folder: Path, seed: int, trace: Trace | None = None) -> None:
        random = Random(f"simulation {seed}")  # noqa: S311 - repeatable on purpose
        self.folder = folder
        self.seed = seed
        self.told: list[str] = []
        """What happened, for whoever has to find out why."""
        self.clock = VirtualClock(BEGINNING)
        self.time = DriveTime(self.clock)
        self.lag = random.choice([0.0, 0.0, 0.0, 5.0, 90.0])
        self.server = LocalDrive(
            clock=self.time,
            seed=seed,
            settings=LocalDriveSettings(
                listing_lag=self.lag,
                changes_lag=random.choice([self.lag, self.lag, 0.0]),
                page_overlap=random.choice([0, 0, 1]),
            ),
        )
        self.settings = Settings(
            small_file=4_000,
            chunk_size=256 * 1024,
            verify_days=random.choice([1, 7, 7, 3650]),
            rehash_nights=random.choice([3, 30]),
            retries=4,
            moved_out_files=random.choice([2, 20]),
            pinned_revisions=random.choice([1, 20]),
            keep_whole_folders=random.random() < 0.2,
        )
        self.client = client_of(self.server)
        project = self.server.oauth.client(self.client.client_id).project
        self.writer = Writer()
        self.there = OnDrive(self.server, ANN, project, self.writer)
        self.reader = Reader(self.server.model, ANN, project)
        self.disk = Disk()
        self.boundaries = Boundaries()
        self.boundaries.trace = trace
        self.trace = trace
        self._writers: dict[str, Writers] = {}
        self._flights: list[Flight] = []
        self._passes = 0
        self.counted: Counter[str] = Counter()
        """The boundaries of the last pass."""
        self.figures = {"steps": 0, "passes": 0, "kills": 0, "faults": 0}
        self.steads = [self._settle_down("first")]
        self.jury = Jury(
            clock=self.clock, time=self.time, lag=self.lag, reader=self.reader, there=self.there,
            writer=self.writer, steads=self.steads, pins=self.settings.pinned_revisions,
        )  # fmt: skip

    def calm(self) -> None:
        """Take the usual settings, for a story that is told by hand."""
        self.settings = Settings(small_file=4_000, chunk_size=256 * 1024, retries=4)
        self.first.settings = self.settings
        self.jury.pins = self.settings.pinned_revisions

    def _settle_down(self, name: str) -> Stead:
        stead = Stead(
            self.folder, name, clock=self.clock, settings=self.settings, writer=self.writer,
            seed=self.seed,
        )  # fmt: skip
        self.disk.homes[str(stead.root)] = stead.fs
        self._consent(stead)
        return stead

    def _consent(self, stead: Stead) -> None:
        """Give a home a grant, as a person does who connects."""
        make_state_dir(stead.state)
        tokens = self.server.oauth.grant(ANN, self.client.client_id, [DRIVE_FILE])
        assert tokens.refresh_token is not None
        SecretsStore(stead.state).keep_grant(
            Grant(
                Secret(tokens.refresh_token),
                (DRIVE_FILE,),
                self.client.client_id,
                self.clock.wall(),
            )
        )

    @contextmanager
    def running(self) -> Iterator[Simulation]:
        """Put the seams in place for a block."""
        with ExitStack() as stack:
            stack.enter_context(self.server)
            stack.enter_context(home_in_memory(self.disk))
            stack.enter_context(self.boundaries.installed())
            if self.trace is not None:
                trace = self.trace
                self.disk.touched = lambda call, what: trace.add(f"{call} {what}")
            try:
                yield self
            finally:
                shutil.rmtree(self.folder, ignore_errors=True)

    # -- steps ------------------------------------------------------------------------------------

    @property
    def first(self) -> Stead:
        return self.steads[0]

    def _stead(self, number: int) -> Stead:
        return self.steads[-1] if number % 5 == 4 else self.first

    def play(self, steps: list[Step]) -> None:
        """Play a story, and let it come to rest."""
        for step in [Step("folder", c=3), Step("write"), Step("sync", c=3), *steps]:
            self.step(step)
        self.rest()

    def step(self, step: Step) -> None:
        """Carry one step out, and judge what came of it."""
        self.told.append(str(step))
        self.figures["steps"] += 1
        if self.trace is not None:
            self.trace.add(f"-- {step}")
        if step.kind in HERE or step.kind in DISK or step.kind in THERE:
            self._outside(step)
        else:
            getattr(self, f"_{step.kind}")(step)
        self.jury.judge()

    def _outside(self, step: Step) -> None:
        """What people and disks do; it may also happen while a pass runs."""
        with self.boundaries.asleep():
            if step.kind in THERE:
                edits, touched = len(self.there.edits), len(self.there.touched)
                self.there.act(step, self.first.mirror)
                self.jury.notice(edits=edits, touched=touched)
            else:
                stead = self._stead(step.a // 7)
                before = stead.fs.changes
                stead.person.act(step)
                stead.watch()
                for flight in self._flights:
                    flight.disturbed |= flight.stead is stead and stead.fs.changes != before

    def _wait(self, step: Step) -> None:
        spans = (10, 70, 3_700, DAY, 2 * DAY, 8 * DAY, 15 * DAY, 31 * DAY)
        self.clock.advance(spans[step.a % (5 if step.b % 4 else 8)])

    def _clock(self, step: Step) -> None:
        spans = (3_600, -3_600, 40, -40, 3 * DAY, -3 * DAY, 400 * DAY, -400 * DAY)
        self.clock.jump(spans[step.a % (6 if step.b % 4 else 8)])
        for stead in self.steads:
            stead.guarded.clock_set(self.clock.wall())

    # -- our own state ----------------------------------------------------------------------------

    def _keep_state(self, step: Step) -> None:
        self._stead(step.a).keep_state()

    def _bring_state_back(self, step: Step) -> None:
        stead = self._stead(step.a)
        if stead.bring_state_back():
            # Nobody brings a volume back within the seconds for which a listing lags.
            self.clock.advance(2 * self.lag)
            self.jury.doubt(stead, "")
            stead.remember_answers()

    def _lose_ledger(self, step: Step) -> None:
        stead = self._stead(step.a)
        (stead.state / "ledger.sqlite").unlink(missing_ok=True)
        self.jury.doubt(stead, "the ledger was lost")

    def _break_ledger(self, step: Step) -> None:
        stead = self._stead(step.a)
        path = stead.state / "ledger.sqlite"
        if path.exists():
            path.write_bytes(path.read_bytes()[: 1 + step.b % 9000])
            self.jury.doubt(stead, "the ledger was broken")

    def _lose_state(self, step: Step) -> None:
        stead = self._stead(step.a)
        if step.b % 3 == 0:
            # Who connects anew needs longer than the seconds for which a listing lags.
            self.clock.advance(2 * self.lag)
            shutil.rmtree(stead.state)
            self._consent(stead)
            self.jury.doubt(stead, "the state was lost")

    def _excludes(self, step: Step) -> None:
        rules = ((), ("b",), ("*.txt",), ("/a/",))
        self._stead(step.a).set(excludes=rules[step.b % 4])

    def _policy(self, step: Step) -> None:
        stead = self._stead(step.a)
        if step.b % 2:
            stead.set(on_local_delete=("trash", "keep")[step.c % 2])
        else:
            stead.set(keep_whole_folders=bool(step.c % 2))

    def _answer(self, step: Step) -> None:
        self._answer_hold(self._stead(step.a), step.b, step.c)

    def _answer_hold(self, stead: Stead, which: int, choice: int) -> str:
        """Answer one of the holds; return the choice."""
        if not (stead.state / "ledger.sqlite").exists():
            return ""
        ledger, _ = Ledger.open(stead.state)
        with ledger:
            holds = [hold for hold in ledger.holds() if not hold.answer]
            if not holds:
                return ""
            hold = holds[which % len(holds)]
            choices = [each for each in hold.choices if each not in ("disconnect", "restore")]
            chosen = choices[choice % len(choices)]
            items = ledger.hold_items(hold.id)
            paths = [items[choice % len(items)].path] if items and choice % 7 == 6 else []
            if hold.kind != "deletions":
                paths = []
            ledger.answer(hold.id, chosen, paths, at=self.clock.wall())
        if chosen == "trash":
            wanted = {i.id for i in items if not paths or i.path == paths[0]}
            stead.approved |= wanted
        stead.taking_over |= chosen == "take_over"
        stead.untrashing |= chosen == "untrash"
        self.told.append(f"  {hold.kind}: {chosen}")
        return chosen

    # -- passes -----------------------------------------------------------------------------------

    def _sync(self, step: Step) -> None:
        stead = self.first
        self.clock.advance((0.0, 0.001, 1.0, 60.0)[step.c % 4])
        for fault in faults.chosen(step.a):
            self.server.faults.add(fault)
        kill_at = 1 + step.b // 10 % 70 if step.b % 10 > 6 else 0
        self.fly(stead, kill_at=kill_at, meanwhile=self._meanwhile(step.c // 4))

    def _meanwhile(self, number: int) -> dict[int, Step]:
        kind, number = number % 10, number // 10
        at = 1 + number % 12
        if kind in (7, 8):
            return {at: Step(MEANWHILE[number % len(MEANWHILE)], number, number // 3, number // 5)}
        return {at: Step("freeze", number)} if kind == 9 else {}

    def _sync_part(self, step: Step) -> None:
        paths = [path for path, _ in self.first.fs.walk()]
        self.clock.advance(60)
        if paths:
            self.fly(self.first, only=(paths[step.a % len(paths)],))

    def _dry_run(self, _step: Step) -> None:
        self.clock.advance(60)
        self.fly(self.first, dry=True)

    def _other_home(self, step: Step) -> None:
        if len(self.steads) == 1:
            self.steads.append(self._settle_down("second"))
            self.steads[1].fs.write("a", self.writer.content(step.b))
        self.clock.advance(60)
        self.fly(self.steads[1])

    def fly(
        self,
        stead: Stead,
        *,
        only: tuple[str, ...] = (),
        dry: bool = False,
        kill_at: int = 0,
        phase: str = "",
        meanwhile: dict[int, Step] | None = None,
    ) -> End:
        """Run a pass, with the faults that are planned, and judge it."""
        self._passes += 1
        number = self._passes
        progress = Progress(self.clock)
        process = Process(f"pod-{number}", "boot", number, "1")
        turn = Turn(self._site(stead), f"job{number}", progress, process=process)
        flight = Flight(stead, number, turn, self.clock.monotonic(), dict(meanwhile or {}))
        outset = self.jury.before(flight)
        life = Life(stead.state, kill_at, phase)
        end = End("killed")
        self._flights.append(flight)
        with self.boundaries.life(life):
            end = self._fly(flight, progress, only, dry=dry)
        self._flights.remove(flight)
        self.server.faults.clear()
        self.figures["passes"] += 1
        self.figures["kills"] += life.killed
        self.counted = life.by_phase
        if life.killed:
            end = End("killed")
        self.told.append(f"  {stead.name} pass {number}: {end.outcome} {end.problem or ''}")
        assert self._flights or self.disk.left_open() == 0 or life.killed, (
            "a descriptor was left open"
        )
        self.jury.after(flight, outset, end, dry=dry, only=only)
        return end

    def _site(self, stead: Stead) -> Site:
        return Site(
            stead.root, "home/ann", stead.state, stead.settings, self.clock, stead.rng,
            client=self.client.project,
        )  # fmt: skip

    def _fly(self, flight: Flight, progress: Progress, only: tuple[str, ...], *, dry: bool) -> End:
        stead, turn = flight.stead, flight.turn
        try:
            mirror = Mirror(
                self._site(stead),
                self._connect(flight, dry=dry),
                SecretsStore(stead.state),
                InOrder(),
                progress,
                f"job{flight.number}",
            )
            paths = [RelPath(path) for path in only]
            if dry:
                return End("previewed", mirror.run(only=paths, dry_run=True))
            with turn.taken(patience=PATIENCE):
                flight.beaten = self.clock.monotonic()
                report = mirror.run(only=paths)
                turn.completed(report.run.outcome, report.objects, whole=not only)
            return End(report.run.outcome, report)
        except RunBusy as problem:
            return End("busy", problem=problem)
        except DriveSyncError as problem:
            return End("previewed" if dry else "failed", problem=problem)

    def _connect(self, flight: Flight, *, dry: bool) -> Drive:
        stead = flight.stead
        random = Random(f"transport {self.seed} {flight.number}")  # noqa: S311 - repeatable

        def permit() -> None:
            if not dry:
                self._pulse(flight)
                flight.turn.lease.check()

        def wire() -> SimWire:
            return SimWire(
                self.server, self.time, lambda span: self._pass_time(flight, span, dry=dry),
                lambda phase, request: self._instant(flight, phase, request),
            )  # fmt: skip

        exchange = exchange_of(self.client, wire, self.clock, random)
        transport = Transport(
            OwnGrant(SecretsStore(stead.state), exchange, stead.state),
            wire,
            self.clock,
            random,
            stead.settings,
            permit=permit,
        )
        return Drive(transport, ENDPOINT, random)

    def _pulse(self, flight: Flight) -> None:
        """Beat as the thread does that beats, whatever the pass is waiting for."""
        if self.clock.monotonic() - flight.beaten >= flight.stead.settings.ping_seconds:
            flight.beaten = self.clock.monotonic()
            flight.turn.pulse()

    def _pass_time(self, flight: Flight, span: float, *, dry: bool) -> None:
        while span > 0:
            self.clock.advance(min(span, 10.0))
            span -= 10.0
            if not dry:
                try:
                    self._pulse(flight)
                except LeaseLost:
                    return  # the next request finds out

    def _instant(self, flight: Flight, phase: str, request: Request) -> None:
        """A request is about to be sent, or the server has acted."""
        if phase == "send":
            law_02.check_request(request.method, request.path)
            flight.requests += 1
            self._writers.setdefault(flight.stead.name, Writers()).sends(f"pass {flight.number}")
            step = flight.meanwhile.pop(flight.requests, None)
            if step is not None:
                self.told.append(f"  at request {flight.requests}: {step}")
                if step.kind == "freeze":
                    self._freeze(flight, step)
                else:
                    self._outside(step)
        self.boundaries.reach(phase, f"{request.method} {request.path}")

    def _freeze(self, flight: Flight, step: Step) -> None:
        """The process stands still while another one takes over, or tries to."""
        flight.frozen = True
        if step.a % 3:
            self.clock.advance(200)
        kept = self.server.faults
        self.jury.sign(flight.number)  # not the work of the one that takes over
        self.fly(flight.stead)
        self.server.faults = kept

    # -- coming to rest ---------------------------------------------------------------------------

    def _settle(self, _step: Step) -> None:
        self.rest()

    def rest(self) -> None:
        """Law 4: once nothing goes wrong any more, two passes are enough."""
        stead = self.first
        stead.fs.mounted = True
        if self.jury.waits:
            self.fly(stead)
            self.clock.advance(2 * DAY)
        passes = 0
        for _ in range(16):
            self.clock.advance(2 * self.lag + 61)
            self.server.log.clear()
            end = self.fly(stead)
            self.jury.judge()
            if self._answer_for_rest(stead):
                passes = 0
                continue
            assert end.report is not None, end.problem
            passes += 1
            failed = {each.path for each in end.report.outcomes if each.outcome == "failed"}
            steps = [s for s in end.report.plan.operations() if s.verb is not Verb.SETTLE]
            writes = sum(step.path not in failed for step in steps)
            sent = self.server.log.counts() + self.server.log.inner_counts()
            if passes > 2 or (not writes and not law_04.writes(sent)):
                law_04.check_rest(writes, sent)
                self.jury.judge_rest(stead, end.report)
                return
        raise AssertionError("no rest: questions without end")

    def _answer_for_rest(self, stead: Stead) -> bool:
        answered = False
        while self._answer_hold(stead, 0, 0):
            answered = True
        return answered
