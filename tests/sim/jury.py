"""Judges what a simulation's passes did, by what Drive and the homes hold.

It remembers what the laws have to know: who wrote what and when, what a person touched, where
nobody can tell yet because listings lag. The program is believed in nothing but its claims.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jupyter_drive_sync.core.decisions import Remark
from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.engine.mirror import PassReport
from jupyter_drive_sync.engine.report import Status, read_status
from tests.laws import law_01, law_02, law_03, law_04, law_06, law_07, law_08, law_09, law_11
from tests.laws.facts import Reader, Thing, Things, above, within
from tests.sim.flight import End, Flight
from tests.sim.ground import DriveTime
from tests.sim.people import OnDrive, Writer, md5_of
from tests.sim.stead import Book, Stead
from tests.virtual_clock import VirtualClock

LISTED = frozenset(
    {"newer_on_drive", "declined", "archived", "unclaimed", "moved_out", "left_out", "failed",
     "held"}
)  # fmt: skip
"""Outcomes that say that a file here and Drive are not equal."""


@dataclass
class Outset:
    """How things stood when a pass began."""

    things: Things
    book: Book
    home_id: str
    status: Status
    files: dict[str, str]
    why: str
    """Why it may trash nothing; empty where it may."""
    started: float
    touched: int
    changes: int


class Jury:
    """Judges one simulation.

    Args:
        clock: the homes' time.
        time: Drive's.
        lag: seconds for which listings and feed may lag.
        reader: shows what Drive holds.
        there: the people on Drive.
        writer: knows every content that was whole.
        steads: the homes; one may be added.
        pins: how many replaced edits of a file are kept.
    """

    def __init__(
        self, *, clock: VirtualClock, time: DriveTime, lag: float, reader: Reader,
        there: OnDrive, writer: Writer, steads: list[Stead], pins: int,
    ) -> None:  # fmt: skip
        self.pins = pins
        self._clock = clock
        self._time = time
        self._lag = lag
        self._reader = reader
        self._there = there
        self._writer = writer
        self._steads = steads
        self._memory = law_02.Memory()
        self._edits: dict[str, law_08.Edit] = {}
        self._edited_at: dict[str, float] = {}
        self._wrote: dict[str, int] = {}
        self._out_since: dict[str, float] = {}
        self._touched_at: dict[str, float] = {}
        self._makers: dict[str, str] = {}
        """Which home made a folder, where listings lag."""
        self._before: Things = {}
        self._mirrors: set[str] = set()
        """Every folder that was a home's mirror at some time."""

    # -- what the laws have to know ---------------------------------------------------------------

    def notice(self, *, edits: int, touched: int) -> None:
        """Take note of what people did on Drive beyond the first so many edits and touches."""
        there, now = self._there, self._time.now()
        for version in list(there.edits)[edits:]:
            self._edits[version] = law_08.Edit(there.edits[version], version)
            self._edited_at[version] = now
            thing = self._reader.things()[there.edits[version]]
            self._memory.acknowledge(v.md5 for v in thing.versions if v.id == version)
        for file_id in there.touched[touched:]:
            self._touched_at[file_id] = now
        if there.removed:
            self._memory.removed_by_a_person(there.removed - law_02.contents(self._reader.things()))
            there.removed.clear()

    def doubt(self, stead: Stead, why: str) -> None:
        """The ledger is not what it was: nothing may be trashed, and nothing old is remembered."""
        # A rebuild believes a listing that may lag; what it hid is found a day later.
        now = self._time.now()
        for file_id, at in self._touched_at.items():
            if at + self._lag + 1 >= now:
                self._touched_at[file_id] = now + 1.5 * DAY
        stead.doubt = why
        stead.approved.clear()
        stead.told |= {(edit.file, edit.version) for edit in self._edits.values()}

    @property
    def waits(self) -> bool:
        """Whether something that a listing may have hidden will be found only later."""
        return any(at > self._time.now() for at in self._touched_at.values())

    def sign(self, number: int) -> None:
        """Note which pass wrote what is new on Drive."""
        for thing in self._reader.things().values():
            for version in thing.versions:
                if version.id not in self._edits:
                    self._wrote.setdefault(version.id, number)

    # -- a pass -----------------------------------------------------------------------------------

    def before(self, flight: Flight) -> Outset:
        """Look around before a pass begins; what was edited long enough ago it cannot overlook."""
        stead, now = flight.stead, self._time.now()
        for version, edit in self._edits.items():
            if edit.seen_by is None and self._edited_at[version] + self._lag < now:
                self._edits[version] = law_08.Edit(edit.file, version, flight.number)
        return Outset(
            self._reader.things(), stead.book(), stead.home_id, Status.load(stead.state),
            stead.files(), self._looks_wrong(stead), now, len(self._there.touched),
            stead.fs.changes,
        )  # fmt: skip

    def after(
        self, flight: Flight, outset: Outset, end: End, *, dry: bool, only: tuple[str, ...]
    ) -> None:
        """Judge a pass that has ended."""
        stead, before = flight.stead, outset.things
        if end.outcome == "killed":
            left = stead.book(mend=True)
            self._mirrors.add(left.root)
            stead.told |= left.edits
            stead.doubt = "" if left.root else stead.doubt
            stead.rules.add(stead.settings.excludes)
            stead.roots.add(stead.fs.root.ino)
        elif end.report is None:
            stead.told |= stead.book().edits
        after = self._reader.things()
        touched = set(self._there.touched[outset.touched :])
        if self._lag:
            made = (i for i, thing in after.items() if thing.folder and i not in before)
            self._makers.update(dict.fromkeys(made, stead.name))
        self.sign(flight.number)
        if not flight.disturbed:
            law_11.check(outset.changes, stead.fs.changes)
        law_02.check_pass(before, after, touched=touched)
        if not flight.frozen:  # the pass that took over in between was judged by itself
            law_09.check(before, after, mine=self._mine(stead, outset), touched=touched)
            self._judge_deletions(flight, outset, after, touched)
        self._judge_status(flight, outset.status, end, dry=dry, part=bool(only))
        if end.report is not None and not dry:
            self._learn(flight, end, end.report, outset, only=only)

    @staticmethod
    def _looks_wrong(stead: Stead) -> str:
        if not stead.fs.mounted or not stead.fs.files():
            return "the home is empty"
        if stead.roots and stead.fs.root.ino not in stead.roots:
            return "the home is another folder"
        if stead.settings.excludes not in stead.rules:
            return "the rules have changed"
        return stead.doubt

    def _mine(self, stead: Stead, outset: Outset) -> Callable[[Thing], bool]:
        ids = {outset.home_id, stead.home_id}
        before, root = outset.things, outset.book.root

        def mine(thing: Thing) -> bool:
            if not thing.ours:
                return False
            if stead.taking_over:
                return True
            if not thing.home:
                return stead.untrashing
            out = self._out_since.get(thing.id)
            if out is not None and out + self._lag < outset.started and not stead.untrashing:
                return False
            # A mirror that was taken over in part only is whose its folder is.
            return thing.home in ids or (owned and within(before, thing, root))

        owned = root in before and before[root].home in ids
        return mine

    def _judge_deletions(
        self, flight: Flight, outset: Outset, after: Things, touched: set[str]
    ) -> None:
        stead, mirrored = flight.stead, outset.book.mirrored
        trashed = law_07.newly_trashed(outset.things, after, touched=touched)
        unasked = [file_id for file_id in trashed if file_id not in stead.approved]
        in_trash = {thing.id for thing in after.values() if thing.trashed}
        stead.guarded.take(self._clock.wall(), unasked, len(mirrored), in_trash)
        if flight.disturbed:
            return
        law_07.check_home(unasked, outset.why)
        tops: dict[str, set[str]] = {}
        here = stead.fs.files()
        for path, (file_id, _) in mirrored.items():
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
            self._clock.wall(),
            ping_seconds=stead.settings.ping_seconds,
            is_dead=lambda _: end.outcome == "killed",
        )
        law_06.check_status(before, after, outcome=end.outcome, now=self._clock.wall())

    def _learn(
        self, flight: Flight, end: End, report: PassReport, outset: Outset, *, only: tuple[str, ...]
    ) -> None:
        """After a pass that came to its end: what it claims is acknowledged, and has to be true."""
        stead = flight.stead
        book = stead.book()
        stead.mirror = book.root or stead.mirror
        self._mirrors.add(book.root)
        stead.told |= book.edits
        self._memory.acknowledge(
            {md5 for _, md5 in book.mirrored.values()} & law_02.contents(self._reader.things())
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
        lately = {i for i, at in self._touched_at.items() if at + self._lag + 1 >= outset.started}
        law_06.check_synced(
            {path: md5 for path, md5 in outset.files.items() if path not in stead.silent},
            self._reader.things(),
            root=book.root,
            listed=self._named(report),
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
        things, now = self._reader.things(), self._time.now()
        # What the trash was emptied of after 30 days, nobody has to have any more.
        purged = {i: thing for i, thing in self._before.items() if i not in things}
        aged = law_02.aged(self._before, things, now)
        self._memory.removed_by_a_person((law_02.contents(purged) | aged) - law_02.contents(things))
        self._before = things
        law_01.check(
            things, placed=self._there.placed, copied=self._there.copied, makers=self._makers
        )
        here = {md5_of(data) for stead in self._steads for data in stead.fs.files().values()}
        here |= {
            md5 for stead in self._steads if not stead.fs.mounted for md5 in self._under(stead)
        }
        self._memory.check(here, things, now)
        law_03.check(things, self._writer.whole)
        law_08.check(
            things,
            self._edits,
            self._wrote,
            told=set().union(*(stead.told for stead in self._steads)),
            most=self.pins,
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

    def judge_rest(self, stead: Stead, report: PassReport) -> None:
        """Judge whether home and Drive are equal, but for what a report lists."""
        book, named = stead.book(), self._named(report)
        noted = {note.id for note in report.plan.notes if note.remark is not Remark.NONE}
        ours = {i for path, (i, _) in book.mirrored.items() if not law_04.covered(path, named)}
        noted |= {i for i, path in book.known.items() if law_04.covered(path, named)}
        # Of a file and a person's copy of it, nothing tells the ledger which one was first.
        things = self._reader.things()
        copied = {things[i].nonce for i in self._there.copied if i in things}
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
            noted=(noted | book.released | self._there.copied) - ours,
        )
