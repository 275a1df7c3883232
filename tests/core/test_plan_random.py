"""Random homes, random Drives, random memories: what holds for every plan.

One case is one turn of a story: things happen in the home and on Drive, then a pass is planned and
carried out on a model. A story has several turns, so that its states pile up (archived, declined,
brought back, found again). A failure names its story: ``play(seed)`` repeats it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from jupyter_drive_sync.core.decisions import Remark
from jupyter_drive_sync.core.plan import Operation, Plan, Verb, make
from jupyter_drive_sync.core.tree import (
    ROOT,
    Kind,
    LedgerEntry,
    LedgerTree,
    LocalTree,
    RelPath,
    Shadow,
    Standing,
    depth_of,
    is_below,
    parent_of,
)
from tests.core.model_drive import MIRROR, OUTSIDE, Crash, ModelDrive, Thing, tracked
from tests.core.model_home import NAMES, ModelHome, checksum, size_of
from tests.figures import record

pytestmark = pytest.mark.no_cover
"""Others cover what these run; here the tracer would cost a third of the time."""
TURNS = 8
"""Turns of one story."""
CASES = 10_000
"""Turns that `make test` plays."""
LANES = 5
"""Tests that share them."""
TORTURE_LANES = 50
"""Those of `make torture`; an interrupted one is gone on with lane by lane."""


@dataclass
class Story:
    """A home and a Drive, and what happens to them."""

    rng: Random
    held: bool = False
    """The guard holds every deletion."""
    keep: bool = False
    home: ModelHome = field(init=False)
    drive: ModelDrive = field(init=False)

    def __post_init__(self) -> None:
        self.home = ModelHome(self.rng)
        self.drive = ModelDrive(self.rng)
        for _ in range(self.rng.randrange(12)):
            self.rng.choice([self.home._write, self.home._write, self.home._folder])()
        self.pass_()

    # -- events -----------------------------------------------------------------------------------

    def happen(self) -> None:
        for _ in range(self.rng.randrange(5)):
            self.home.act()
        for _ in range(self.rng.choice([0, 0, 1, 2, 3])):
            self.person()
        odd = self.rng.random()
        self.home.excluded = frozenset(self.rng.sample(NAMES, 1) if odd < 0.1 else ())
        closed = [path for path in self.home.folders if 0.1 < odd < 0.2]
        self.home.unreadable = frozenset(closed[:1])
        self.home.broken = frozenset(path for path in self.home.files if 0.2 < odd < 0.25)
        if 0.25 < odd < 0.3:
            self.rebuild()

    def rebuild(self) -> None:
        """Lose the ledger of some things; a query of the whole tree finds the live ones again."""
        known = [thing for thing in self.drive.things.values() if thing.id in self.drive.ledger]
        self.drive.unclaim([thing for thing in known if self.rng.random() >= 0.5])

    def person(self) -> None:
        """Do what people do on Drive."""
        drive, rng = self.drive, self.rng
        things = [thing for thing in drive.things.values() if not drive.gone(thing)]
        if not things:
            return
        thing = rng.choice(things)
        act = rng.randrange(8)
        if act == 0:
            thing.trashed = True
        elif act == 1:
            thing.trashed = False
        elif act == 2:
            thing.deleted = True
        elif act == 3:
            thing.name = rng.choice(NAMES)
        elif act == 4:
            drive.move(thing, OUTSIDE)
        elif act == 5 and thing.kind is Kind.FILE:
            content = self.home.content()
            drive.edit(thing, checksum(content), size_of(content))
        else:
            folders = [each.id for each in things if each.kind is Kind.FOLDER]
            drive.move(thing, rng.choice([MIRROR, *folders]))

    # -- passes -----------------------------------------------------------------------------------

    def plan(self, only: tuple[RelPath, ...] = (), limit: int = 20) -> Plan:
        ledger = self.drive.tree()
        local = self.home.scan(ledger)
        plan = make(local, ledger, keep_deleted=self.keep, only=only, moved_out_limit=limit)
        again = make(
            _shuffled_local(local, self.rng), _shuffled_ledger(ledger, self.rng),
            keep_deleted=self.keep, only=only, moved_out_limit=limit,
        )  # fmt: skip
        assert plan == again, "the same trees gave another plan"
        judge(plan, local, ledger, only)
        return plan

    def pass_(self, plan: Plan | None = None, steps: int | None = None) -> Plan:
        plan = plan or self.plan()
        self.drive.apply(plan, self.home.contents(), steps=steps, trash=not self.held)
        assert self.drive.lost == []
        return plan

    def turn(self) -> None:
        """Let things happen, then let passes come to rest."""
        self.happen()
        self.drive.look(lag=0.5)
        odd = self.rng.random()
        if odd < 0.1 and self.home.paths():
            only = (self.rng.choice(self.home.paths()),)
            self.pass_(self.plan(only))
            self.drive.look(lag=0.5)
        elif odd < 0.2:
            try:
                self.pass_(steps=self.rng.randrange(6))
            except Crash:
                self.drive.look()
        plan = self.pass_(self.plan(limit=self.rng.choice([0, 1, 20])))
        self.drive.look(lag=0.5)
        if self.writes(self.pass_()):
            self.drive.look()
        rest = self.plan()
        assert not self.writes(rest), ("no rest", plan, rest)
        self.converged(rest)

    def writes(self, plan: Plan) -> int:
        return plan.writes - (len(plan.trashes) if self.held else 0)

    def converged(self, plan: Plan) -> None:
        """Compare home and Drive after the dust has settled."""
        drive = self.drive
        idle = {note.path for note in plan.notes if note.remark is Remark.DECLINED}
        newer = {note.path for note in plan.notes if note.remark is Remark.NEWER_ON_DRIVE}
        idle |= {entry.path for entry in plan.unknown}
        mirrored = [e for e in drive.ledger.values() if e.standing is Standing.MIRRORED]
        files = tracked(mirrored, Kind.FILE)
        for path, inode in self.home.files.items():
            if self.home.hidden(path) or path in idle:
                continue
            (entry,) = files[path]
            thing = drive.things[entry.id]
            assert drive.live(thing), path
            assert drive.path(thing) == path
            assert thing.md5 == checksum(inode.content) or path in newer, path
        places = Counter(
            drive.path(thing)
            for thing in drive.things.values()
            if thing.kind is Kind.FILE and drive.live(thing) and self._wanted(thing, idle)
        )
        assert all(count == 1 for count in places.values()), places

    def _wanted(self, thing: Thing, idle: set[RelPath]) -> bool:
        """Tell whether a thing on Drive is there because a file is here."""
        entry = self.drive.ledger.get(thing.id)
        return (
            entry is not None
            and entry.standing is Standing.MIRRORED
            and entry.path in self.home.files
            and entry.path not in idle
            and not self.home.hidden(entry.path)
        )


def _shuffled_local(local: LocalTree, rng: Random) -> LocalTree:
    items = list(local.entries.items())
    rng.shuffle(items)
    return replace(local, entries=dict(items), left_out=local.left_out[::-1])


def _shuffled_ledger(ledger: LedgerTree, rng: Random) -> LedgerTree:
    files, folders = list(ledger.files.items()), list(ledger.folders.items())
    rng.shuffle(files)
    rng.shuffle(folders)
    return replace(ledger, files=dict(files), folders=dict(folders), twins=ledger.twins[::-1])


# -- what holds for each plan ---------------------------------------------------------------------


def judge(plan: Plan, local: LocalTree, ledger: LedgerTree, only: tuple[RelPath, ...]) -> None:
    _trashes_are_innocent(plan, local)
    _contents_are_safe(plan, local)
    _folders_come_in_order(plan)
    _nothing_happens_twice(plan)
    if only:
        for step in plan.operations():
            above = step.kind is Kind.FOLDER and any(is_below(p, step.path) for p in only)
            assert above or any(is_below(step.path, p) for p in only), step
    else:
        _no_file_is_forgotten(plan, local)


def _edited(entry: LedgerEntry) -> bool:
    return entry.seen is not None and entry.seen.md5 != entry.md5


def _trashes_are_innocent(plan: Plan, local: LocalTree) -> None:
    shadow = Shadow(local)
    for step in plan.trashes:
        entry = step.entry
        assert entry is not None
        assert step.kind is entry.kind is Kind.FILE
        assert entry.standing is Standing.MIRRORED
        assert not _edited(entry)
        if entry.seen is not None:
            assert (entry.seen.parent, entry.seen.name) == (entry.parent, entry.name)
            assert not entry.seen.explicitly_trashed
        here = local.entries.get(step.path)
        assert here is None or here.kind is Kind.FOLDER
        for path in (entry.path, step.path):
            assert not shadow.left_out(path)
            assert not shadow.unreadable(path)


def _contents_are_safe(plan: Plan, local: LocalTree) -> None:
    pinned = {step.entry.id for step in plan.pins if step.entry is not None}
    for step in plan.contents:
        here = local.entries[step.path]
        assert here is step.local or here == step.local
        assert here.problem is None
        if step.verb is Verb.REPLACE:
            assert step.entry is not None
            theirs = _edited(step.entry) or step.entry.standing is not Standing.MIRRORED
            assert not theirs or step.entry.id in pinned
        elif step.entry is not None:
            forgotten = {s.entry.id for s in plan.settle if s.forget and s.entry is not None}
            assert step.entry.id in forgotten


def _folders_come_in_order(plan: Plan) -> None:
    known = {ROOT, *plan.folder_ids}
    for level in plan.folders:
        assert len({depth_of(step.path) for step in level}) == 1
        for step in level:
            assert parent_of(step.path) in known
            assert step.path not in plan.folder_ids
        known |= {step.path for step in level}
    for step in (*plan.contents, *(step for turn in plan.patches for step in turn)):
        assert parent_of(step.path) in known or step.untrash


def _nothing_happens_twice(plan: Plan) -> None:
    makers = (Verb.CREATE, Verb.CREATE_FOLDER, Verb.REPLACE, Verb.PATCH)
    places: Counter[tuple[Kind, RelPath]] = Counter()
    owners: dict[tuple[Kind, RelPath], set[str]] = {}
    for step in plan.operations():
        if step.verb in makers and not step.untrash:
            entry = None if step.verb in makers[:2] else step.entry
            owners.setdefault((step.kind, step.path), set()).add("" if entry is None else entry.id)
            places[step.kind, step.path] += step.verb is not Verb.PATCH
    assert all(len(owner) == 1 for owner in owners.values()), owners
    assert all(count <= 1 for count in places.values()), places


def _no_file_is_forgotten(plan: Plan, local: LocalTree) -> None:
    files = {path for path, entry in local.entries.items() if entry.kind is Kind.FILE}
    told = {entry.path for entry in plan.unknown} | {step.path for step in plan.moved_out}
    told |= {
        note.path for note in plan.notes if note.remark in (Remark.DECLINED, Remark.NEWER_ON_DRIVE)
    }
    told |= {step.path for step in plan.operations() if step.kind is Kind.FILE and _acts(step)}
    assert len(files - told) == plan.unchanged, (files - told, plan.unchanged)


def _acts(step: Operation) -> bool:
    return step.local is not None and (step.verb is not Verb.SETTLE or step.standing is not None)


# -- the stories ----------------------------------------------------------------------------------


def play(seed: int, turns: int = TURNS) -> None:
    """Play one story."""
    rng = Random(seed)  # noqa: S311 - to be repeatable is the point
    story = Story(rng, held=rng.random() < 0.2, keep=rng.random() < 0.2)
    for turn in range(turns):
        try:
            story.turn()
        except Exception as error:
            error.add_note(f"story {seed}, turn {turn}")
            raise


def test_a_few_random_cases() -> None:
    """For `make mutation`, which asks once per mutant."""
    for seed in range(300 // TURNS):
        play(seed)


@pytest.mark.figure
@pytest.mark.parametrize("lane", range(LANES))
def test_ten_thousand_random_cases(lane: int) -> None:
    stories = range(lane, CASES // TURNS, LANES)
    for seed in stories:
        play(seed)
    record("planner cases", len(stories) * TURNS)


@pytest.mark.torture
@pytest.mark.parametrize("lane", range(TORTURE_LANES))
def test_very_many_random_cases(torture: int, lane: int) -> None:
    first = CASES // TURNS
    stories = range(first + lane, first + torture // TURNS, TORTURE_LANES)
    for seed in stories:
        play(seed)
    record("planner cases", len(stories) * TURNS)
