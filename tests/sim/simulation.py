"""The whole engine, a Drive, two homes and the people around them, from one seed.

Nothing here is real but the program and its state folder: the home is in memory, Drive is a
LocalDrive of the same process, time is virtual. After every step the laws of ``tests/laws`` are
judged by what Drive and the home hold, whatever the program says of itself.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from jupyter_drive_sync.core.decisions import Remark
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
from jupyter_drive_sync.engine.mirror import Mirror, PassReport
from jupyter_drive_sync.engine.report import Progress, Status, read_status
from jupyter_drive_sync.engine.site import Site, make_state_dir
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import DriveSyncError, LeaseLost, MirrorHeld, RunBusy
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from jupyter_drive_sync.localdrive.wire import Request
from tests.drive.ground import ANN, DRIVE_FILE
from tests.laws import law_01, law_02, law_03, law_04, law_06, law_07, law_08, law_09, law_11
from tests.laws.facts import Reader, Thing, Things, above, within
from tests.laws.law_12 import Writers
from tests.laws.law_16 import Trace
from tests.sim import faults
from tests.sim.boundaries import Boundaries, Life
from tests.sim.ground import (
    BEGINNING,
    ENDPOINT,
    DriveTime,
    SimWire,
    client_of,
    exchange_of,
    home_in_memory,
)
from tests.sim.model_fs import Disk
from tests.sim.people import OnDrive, Writer, md5_of
from tests.sim.stead import Book, Stead
from tests.sim.steps import DISK, HERE, MEANWHILE, THERE, Step
from tests.virtual_clock import VirtualClock

LISTED = frozenset(
    {"newer_on_drive", "declined", "archived", "unclaimed", "moved_out", "left_out", "failed",
     "held"}
)  # fmt: skip
"""Outcomes that say that a file here and Drive are not equal."""
PATIENCE = 90.0
"""Seconds for which a process watches another writer."""


@dataclass
class End:
    """How a pass ended."""

    outcome: str
    """``completed``, ``completed_with_errors``, ``failed``, ``busy``, ``killed``, ``previewed``."""
    report: PassReport | None = None
    problem: DriveSyncError | None = None


@dataclass
class Flight:
    """A pass under way."""

    stead: Stead
    number: int
    turn: Turn
    beaten: float
    meanwhile: dict[int, Step] = field(default_factory=dict)
    """What happens at which of its requests."""
    requests: int = 0
    disturbed: bool = False
    """Something happened in the home while it ran."""
    frozen: bool = False


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
        self.memory = law_02.Memory()
        self.edits: dict[str, law_08.Edit] = {}
        self._edited_at: dict[str, float] = {}
        self._wrote: dict[str, int] = {}
        self._out_since: dict[str, float] = {}
        self._touched_at: dict[str, float] = {}
        self._writers: dict[str, Writers] = {}
        self._flights: list[Flight] = []
        self._passes = 0
        self._makers: dict[str, str] = {}
        """Which home made a folder, where listings lag."""
        self._before: Things = {}
        self._mirrors: set[str] = set()
        """Every folder that was a home's mirror at some time."""
        self.counted: Counter[str] = Counter()
        """The boundaries of the last pass."""
        self.figures = {"steps": 0, "passes": 0, "kills": 0, "faults": 0}
        self.steads = [self._settle_down("first")]

    def calm(self) -> None:
        """Take the usual settings, for a story that is told by hand."""
        self.settings = Settings(small_file=4_000, chunk_size=256 * 1024, retries=4)
        self.first.settings = self.settings

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
        self.judge()

    def _outside(self, step: Step) -> None:
        """What people and disks do; it may also happen while a pass runs."""
        with self.boundaries.asleep():
            if step.kind in THERE:
                self._on_drive(step)
            else:
                stead = self._stead(step.a // 7)
                before = stead.fs.changes
                stead.person.act(step)
                stead.watch()
                for flight in self._flights:
                    flight.disturbed |= flight.stead is stead and stead.fs.changes != before

    def _on_drive(self, step: Step) -> None:
        there, now = self.there, self.time.now()
        start, first = len(there.edits), len(there.touched)
        there.act(step, self.first.mirror)
        for version in list(there.edits)[start:]:
            self.edits[version] = law_08.Edit(there.edits[version], version)
            self._edited_at[version] = now
            thing = self.reader.things()[there.edits[version]]
            self.memory.acknowledge(v.md5 for v in thing.versions if v.id == version)
        for file_id in there.touched[first:]:
            self._touched_at[file_id] = now
        if there.removed:
            self.memory.removed_by_a_person(there.removed - law_02.contents(self.reader.things()))
            there.removed.clear()

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
            self._doubt(stead, "")
            stead.remember_answers()

    def _lose_ledger(self, step: Step) -> None:
        stead = self._stead(step.a)
        (stead.state / "ledger.sqlite").unlink(missing_ok=True)
        self._doubt(stead, "the ledger was lost")

    def _break_ledger(self, step: Step) -> None:
        stead = self._stead(step.a)
        path = stead.state / "ledger.sqlite"
        if path.exists():
            path.write_bytes(path.read_bytes()[: 1 + step.b % 9000])
            self._doubt(stead, "the ledger was broken")

    def _lose_state(self, step: Step) -> None:
        stead = self._stead(step.a)
        if step.b % 3 == 0:
            # Who connects anew needs longer than the seconds for which a listing lags.
            self.clock.advance(2 * self.lag)
            shutil.rmtree(stead.state)
            self._consent(stead)
            self._doubt(stead, "the state was lost")

    def _doubt(self, stead: Stead, why: str) -> None:
        """The ledger is not what it was: nothing may be trashed, and nothing old is remembered."""
        # A rebuild believes a listing that may lag; what it hid is found a day later.
        now = self.time.now()
        for file_id, at in self._touched_at.items():
            if at + self.lag + 1 >= now:
                self._touched_at[file_id] = now + 1.5 * DAY
        stead.doubt = why
        stead.approved.clear()
        stead.told |= {(edit.file, edit.version) for edit in self.edits.values()}

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
        before, book = self.reader.things(), stead.book()
        home_id, status = stead.home_id, Status.load(stead.state)
        files, why = stead.files(), self._looks_wrong(stead)
        started = self.time.now()
        touched_from = len(self.there.touched)
        self._notice_edits(number, started)
        progress = Progress(self.clock)
        process = Process(f"pod-{number}", "boot", number, "1")
        turn = Turn(self._site(stead), f"job{number}", progress, process=process)
        flight = Flight(stead, number, turn, self.clock.monotonic(), dict(meanwhile or {}))
        life = Life(stead.state, kill_at, phase)
        changes = stead.fs.changes
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
            left = stead.book(mend=True)
            self._mirrors.add(left.root)
            stead.told |= left.edits
            stead.doubt = "" if left.root else stead.doubt
            stead.rules.add(stead.settings.excludes)
            stead.roots.add(stead.fs.root.ino)
        elif end.report is None:
            stead.told |= stead.book().edits
        self.told.append(f"  {stead.name} pass {number}: {end.outcome} {end.problem or ''}")
        assert self._flights or self.disk.left_open() == 0 or life.killed, (
            "a descriptor was left open"
        )
        after = self.reader.things()
        touched = set(self.there.touched[touched_from:])
        if self.lag:
            made = (i for i, thing in after.items() if thing.folder and i not in before)
            self._makers.update(dict.fromkeys(made, stead.name))
        self._sign(number, after)
        if not flight.disturbed:
            law_11.check(changes, stead.fs.changes)
        law_02.check_pass(before, after, touched=touched)
        mine = self._mine(stead, {home_id, stead.home_id}, before, book, started)
        if not flight.frozen:  # the pass that took over in between was judged by itself
            law_09.check(before, after, mine=mine, touched=touched)
            self._judge_deletions(flight, before, after, book=book, touched=touched, why=why)
        self._judge_status(flight, status, end, dry=dry, part=bool(only))
        if end.report is not None and not dry:
            self._learn(flight, end, files=files, started=started, only=only)
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
        self._sign(flight.number, self.reader.things())  # not the work of the one that takes over
        self.fly(flight.stead)
        self.server.faults = kept

    # -- what the laws have to know ---------------------------------------------------------------

    def _sign(self, number: int, things: Things) -> None:
        """Note which pass wrote what is new on Drive."""
        for thing in things.values():
            for version in thing.versions:
                if version.id not in self.edits:
                    self._wrote.setdefault(version.id, number)

    def _notice_edits(self, number: int, now: float) -> None:
        """Note which edits a pass that begins now cannot overlook."""
        for version, edit in self.edits.items():
            if edit.seen_by is None and self._edited_at[version] + self.lag < now:
                self.edits[version] = law_08.Edit(edit.file, version, number)

    @staticmethod
    def _looks_wrong(stead: Stead) -> str:
        if not stead.fs.mounted or not stead.fs.files():
            return "the home is empty"
        if stead.roots and stead.fs.root.ino not in stead.roots:
            return "the home is another folder"
        if stead.settings.excludes not in stead.rules:
            return "the rules have changed"
        return stead.doubt

    def _mine(
        self, stead: Stead, ids: set[str], before: Things, book: Book, started: float
    ) -> law_09.Callable[[Thing], bool]:
        def mine(thing: Thing) -> bool:
            if not thing.ours:
                return False
            if stead.taking_over:
                return True
            if not thing.home:
                return stead.untrashing
            out = self._out_since.get(thing.id)
            if out is not None and out + self.lag < started and not stead.untrashing:
                return False
            # A mirror that was taken over in part only is whose its folder is.
            return thing.home in ids or (owned and within(before, thing, book.root))

        root = before.get(book.root)
        owned = root is not None and root.home in ids
        return mine

    def _judge_deletions(
        self, flight: Flight, before: Things, after: Things, *, book: Book,
        touched: set[str], why: str,
    ) -> None:  # fmt: skip
        stead = flight.stead
        trashed = law_07.newly_trashed(before, after, touched=touched)
        unasked = [file_id for file_id in trashed if file_id not in stead.approved]
        in_trash = {thing.id for thing in after.values() if thing.trashed}
        stead.guarded.take(self.clock.wall(), unasked, len(book.mirrored), in_trash)
        if flight.disturbed:
            return
        law_07.check_home(unasked, why)
        tops: dict[str, set[str]] = {}
        here = stead.fs.files()
        for path, (file_id, _) in book.mirrored.items():
            if "/" in path and not any(p.startswith(path.partition("/")[0] + "/") for p in here):
                tops.setdefault(path.partition("/")[0], set()).add(file_id)
        now = stead.book().mirrored
        alive = {file_id for path, (file_id, _) in now.items() if path in here}
        # What a person deleted for good may have a new copy, wherever its folder is now.
        alive |= {file_id for files in tops.values() for file_id in files if file_id not in after}
        law_07.check_folders(unasked, tops, alive)

    def _judge_status(
        self, flight: Flight, before: Status, end: End, *, dry: bool, part: bool
    ) -> None:
        stead = flight.stead
        if dry or flight.frozen or part:
            return
        after = read_status(
            stead.state,
            self.clock.wall(),
            ping_seconds=stead.settings.ping_seconds,
            is_dead=lambda _: end.outcome == "killed",
        )
        law_06.check_status(before, after, outcome=end.outcome, now=self.clock.wall())

    def _learn(
        self, flight: Flight, end: End, *, files: dict[str, str], started: float,
        only: tuple[str, ...],
    ) -> None:  # fmt: skip
        """After a pass that came to its end: what it claims is acknowledged, and has to be true."""
        assert end.report is not None
        stead = flight.stead
        book = stead.book()
        stead.mirror = book.root or stead.mirror
        self._mirrors.add(book.root)
        stead.told |= book.edits
        self.memory.acknowledge(
            {md5 for _, md5 in book.mirrored.values()} & law_02.contents(self.reader.things())
        )
        stead.doubt = ""  # the ledger has been rebuilt: what is mirrored now was seen to be
        if only:
            return
        stead.taking_over = stead.untrashing = False
        stead.rules, stead.roots = {stead.settings.excludes}, {stead.fs.root.ino}
        here = stead.fs.files()
        stead.approved = {
            file_id for path, (file_id, _) in book.mirrored.items() if path not in here
        } & stead.approved
        if end.outcome != "completed" or flight.disturbed or flight.frozen:
            return
        lately = {i for i, at in self._touched_at.items() if at + self.lag + 1 >= started}
        law_06.check_synced(
            {path: md5 for path, md5 in files.items() if path not in stead.silent},
            self.reader.things(),
            root=book.root,
            listed=self._named(end.report),
            touched=lately,
        )

    @staticmethod
    def _named(report: PassReport) -> set[str]:
        """Return the paths that a report names as not equal."""
        named = {outcome.path for outcome in report.outcomes if outcome.outcome in LISTED}
        named |= {entry.path for entry in report.plan.unknown}
        named |= {step.path for step in report.plan.moved_out}
        return {str(path) for path in named}

    # -- the laws, after every step ---------------------------------------------------------------

    def judge(self) -> None:
        """Judge what can be seen from outside at any moment."""
        things, now = self.reader.things(), self.time.now()
        # What the trash was emptied of after 30 days, nobody has to have any more.
        purged = {i: thing for i, thing in self._before.items() if i not in things}
        aged = law_02.aged(self._before, things, now)
        self.memory.removed_by_a_person((law_02.contents(purged) | aged) - law_02.contents(things))
        self._before = things
        law_01.check(
            things, placed=self.there.placed, copied=self.there.copied, makers=self._makers
        )
        here = {md5_of(data) for stead in self.steads for data in stead.fs.files().values()}
        here |= {md5 for stead in self.steads if not stead.fs.mounted for md5 in self._under(stead)}
        self.memory.check(here, things, now)
        law_03.check(things, self.writer.whole)
        law_08.check(
            things,
            self.edits,
            self._wrote,
            told=set().union(*(stead.told for stead in self.steads)),
            most=self.settings.pinned_revisions,
        )
        mirrors = self._mirrors
        for thing in things.values():
            if not thing.ours or not thing.home or thing.id in mirrors:
                continue
            if any(within(things, thing, mirror) for mirror in mirrors):
                self._out_since.pop(thing.id, None)
            else:
                self._out_since.setdefault(thing.id, now)

    @staticmethod
    def _under(stead: Stead) -> set[str]:
        return {md5_of(node.data) for _, node in stead.fs.walk() if node.regular}

    # -- coming to rest ---------------------------------------------------------------------------

    def _settle(self, _step: Step) -> None:
        self.rest()

    def rest(self) -> None:
        """Law 4: once nothing goes wrong any more, two passes are enough."""
        stead = self.first
        stead.fs.mounted = True
        if any(at > self.time.now() for at in self._touched_at.values()):
            self.fly(stead)
            self.clock.advance(2 * DAY)
        passes = 0
        for _ in range(16):
            self.clock.advance(2 * self.lag + 61)
            self.server.log.clear()
            end = self.fly(stead)
            self.judge()
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
                self._equal(stead, end.report)
                return
        raise AssertionError("no rest: questions without end")

    def _equal(self, stead: Stead, report: PassReport) -> None:
        book, named = stead.book(), self._named(report)
        noted = {note.id for note in report.plan.notes if note.remark is not Remark.NONE}
        ours = {i for path, (i, _) in book.mirrored.items() if not law_04.covered(path, named)}
        noted |= {i for i, path in book.known.items() if law_04.covered(path, named)}
        # Of a file and a person's copy of it, nothing tells the ledger which one was first.
        things = self.reader.things()
        copied = {things[i].nonce for i in self.there.copied if i in things}
        noted |= {i for i, thing in things.items() if thing.nonce in copied}
        # What was moved out is theirs, also where they move it back with all that is in it.
        let_go = {i for i, thing in things.items() if thing.folder and i in book.released}
        noted |= {
            i for i, thing in things.items() if any(up.id in let_go for up in above(things, thing))
        }
        law_04.check(
            {path: md5 for path, md5 in stead.files().items() if path not in stead.silent},
            {
                i: thing
                for i, thing in things.items()
                if thing.home == stead.home_id or i == book.root or i in ours | book.folders
            },
            root=book.root,
            listed=named | stead.silent,
            noted=(noted | book.released | self.there.copied) - ours,
        )

    def _answer_for_rest(self, stead: Stead) -> bool:
        answered = False
        while self._answer_hold(stead, 0, 0):
            answered = True
        return answered


__all__ = ["End", "Fault", "MirrorHeld", "Simulation"]
