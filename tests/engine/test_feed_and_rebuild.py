"""Looking at Drive: feeds and listings that lag, refused tokens, ledgers that are old or gone."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from jupyter_drive_sync.core.tree import Standing
from jupyter_drive_sync.errors import MirrorHeld
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.engine.world import World, make_world
from tests.virtual_clock import VirtualClock


@pytest.fixture
def filled(world: World) -> World:
    return fill(world)


def fill(world: World) -> World:
    for number in range(10):
        world.write(f"d/f{number}.txt", f"content {number}")
    world.write("top.txt", "top")
    world.sync()
    return world


@pytest.fixture(params=[(0.0, 200.0), (200.0, 0.0), (500.0, 500.0)], ids=str)
def lagging(tmp_path: Path, clock: VirtualClock, request: pytest.FixtureRequest) -> Iterator[World]:
    listing, changes = request.param
    settings = LocalDriveSettings(listing_lag=listing, changes_lag=changes)
    world = make_world(tmp_path / "world", clock, drive=settings)
    with world.server:
        yield fill(world)


def snapshot(world: World) -> Path:
    return Path(shutil.copytree(world.state, world.folder / "snapshot"))


def put_back(world: World) -> None:
    shutil.rmtree(world.state)
    (world.folder / "snapshot").rename(world.state)


def nothing_sent(world: World) -> None:
    counters = world.progress.counts
    assert (counters["uploaded"], counters["updated"], counters["trashed"]) == (0, 0, 0)


def quiet(world: World) -> None:
    """The next passes do nothing but look."""
    for _ in range(3):
        report = world.sync()
        nothing_sent(world)
    assert report.plan.writes == 0
    assert world.requests() == 1


# -- lag -------------------------------------------------------------------------------------------


def test_our_own_writes_under_lag_are_no_news(lagging: World) -> None:
    world = lagging
    for round_ in range(6):
        world.write("d/f0.txt", f"round {round_}")
        report = world.sync()
        assert report.run.counters["uploaded"] == 0
        assert report.run.counters["updated"] == 1
        assert not report.run.verified
        world.clock.advance(90 * round_)
    world.clock.advance(1000)
    world.sync()
    world.assert_mirrored()
    quiet(world)


def test_an_edit_that_shows_late_is_not_lost(lagging: World) -> None:
    world = lagging
    world.clock.advance(1000)
    world.sync()
    world.edit_on_drive("d/f1.txt", b"by a person")
    for _ in range(3):
        world.sync()
    world.clock.advance(1000)
    report = world.sync()
    assert report.run.counters["newer_on_drive"] == 1
    world.write("d/f1.txt", "local")
    assert world.sync().run.counters["replaced_edit"] == 1


def test_deletions_under_lag(lagging: World) -> None:
    world = lagging
    world.clock.advance(1000)
    world.sync()
    (world.home / "d/f1.txt").unlink()
    world.sync()
    for _ in range(3):
        world.sync()
        nothing_sent(world)
    world.clock.advance(1000)
    quiet(world)
    assert set(world.remote()) == set(world.local())


def test_a_verification_while_the_listing_lags(tmp_path: Path, clock: VirtualClock) -> None:
    world = make_world(tmp_path / "world", clock, drive=LocalDriveSettings(listing_lag=10_000.0))
    with world.server:
        fill(world)
        world.with_settings(verify_days=1)
        world.clock.advance(2 * 86_400)
        world.sync()
        world.write("d/f0.txt", "changed")
        world.write("d/new.txt", "new")
        (world.home / "d/f1.txt").unlink()
        world.sync()
        world.with_settings(verify_days=1)
        with world.ledger() as ledger:
            ledger.remember(verified_at="0")
        assert not world.sync().run.verified  # not while its own writes need not be listed yet
        world.clock.advance(world.site.settings.listing_lag)
        report = world.sync()
        assert report.run.verified
        nothing_sent(world)
        world.clock.advance(20_000)
        world.sync()
        nothing_sent(world)
        assert set(world.remote()) == set(world.local())


def test_a_lost_ledger_while_the_listing_lags_behind_the_last_writes(
    tmp_path: Path, clock: VirtualClock
) -> None:
    """What Drive does not list yet cannot be known; it must not be a mess for ever either."""
    world = make_world(tmp_path / "world", clock, drive=LocalDriveSettings(listing_lag=300.0))
    with world.server:
        fill(world)
        world.clock.advance(1000)
        world.sync()
        (world.state / "ledger.sqlite").unlink()
        world.sync()
        nothing_sent(world)
        quiet(world)
        world.assert_mirrored()


# -- tokens ----------------------------------------------------------------------------------------


def test_a_refused_token(filled: World) -> None:
    world = filled
    world.write("d/new.txt", "new")
    world.edit_on_drive("d/f1.txt", b"by a person")
    world.server.faults.add(Fault("page_token", "changes.list", times=1))
    report = world.sync()
    world.server.faults.assert_all_fired()
    assert report.run.verified
    assert report.run.counters["uploaded"] == 1
    assert report.run.counters["newer_on_drive"] == 1
    assert report.run.outcome == "completed"
    quiet(world)


def test_nothing_is_trashed_in_a_pass_that_rebuilt(filled: World) -> None:
    world = filled
    (world.home / "d/f1.txt").unlink()
    world.server.faults.add(Fault("page_token", "changes.list", times=1))
    report = world.sync()
    assert report.run.counters["trashed"] == 0
    assert world.standing("d/f1.txt") is Standing.UNCLAIMED
    quiet(world)
    assert "d/f1.txt" in world.remote()


# -- ledgers that are gone -------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["deleted", "empty", "truncated", "garbage", "newer"])
def test_a_ledger_that_cannot_be_used_is_filled_from_drive(filled: World, how: str) -> None:
    world = filled
    path = world.state / "ledger.sqlite"
    before = world.remote()
    if how == "deleted":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif how == "garbage":
        path.write_bytes(b"not a database" * 1000)
    else:
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
    world.sync()
    nothing_sent(world)
    assert world.remote() == before
    world.assert_mirrored()
    quiet(world)
    world.write("d/f0.txt", "changed")
    assert world.sync().run.counters["updated"] == 1
    world.assert_mirrored()


def test_changes_made_while_there_was_no_ledger(filled: World) -> None:
    world = filled
    theirs = world.remote()["d/f2.txt"]
    (world.state / "ledger.sqlite").unlink()
    world.write("d/f2.txt", "changed here")
    (world.home / "d/f3.txt").unlink()
    world.write("d/new.txt", "new")
    report = world.sync()
    counters = report.run.counters
    assert (counters["uploaded"], counters["updated"], counters["trashed"]) == (1, 1, 0)
    assert world.remote()["d/f2.txt"].id == theirs.id
    # Drive's content may be somebody's work, as far as we know: it can be brought back.
    assert [r.id for r in world.person.revisions(theirs.id) if r.pinned] == [theirs.revision]
    assert "d/f3.txt" in world.remote()
    quiet(world)


def test_a_renamed_folder_while_there_was_no_ledger(filled: World) -> None:
    world = filled
    (world.state / "ledger.sqlite").unlink()
    (world.home / "d").rename(world.home / "e")
    world.sync()
    nothing_sent(world)
    world.assert_mirrored()
    quiet(world)


def test_ledger_and_identity_both_gone_is_another_home(filled: World) -> None:
    world = filled
    shutil.rmtree(world.state)
    world.state.mkdir(mode=0o700)
    with pytest.raises(MirrorHeld):
        world.sync()
    world.answer("take_over")
    world.sync()
    nothing_sent(world)
    world.assert_mirrored()


# -- ledgers that are old --------------------------------------------------------------------------


def test_an_old_ledger_brought_back(filled: World) -> None:
    world = filled
    snapshot(world)
    world.write("d/f0.txt", "changed since")
    world.write("d/new.txt", "new since")
    world.write("e/deep/new.txt", "new folder since")
    (world.home / "d/f1.txt").unlink()
    (world.home / "top.txt").rename(world.home / "d/moved.txt")
    world.sync()
    world.sync()
    before = world.remote()
    put_back(world)
    world.sync()
    nothing_sent(world)
    assert world.remote() == before
    quiet(world)
    world.assert_mirrored()


def test_an_old_ledger_and_an_old_home(filled: World) -> None:
    """The whole disk was restored: what is missing here now was not deleted by anybody."""
    world = filled
    snapshot(world)
    shutil.copytree(world.home, world.folder / "old home", symlinks=True)
    world.write("d/f0.txt", "changed since")
    world.write("d/new.txt", "new since")
    (world.home / "d/f1.txt").unlink()
    world.sync()
    newest = world.remote()["d/f0.txt"]
    put_back(world)
    shutil.rmtree(world.home)
    (world.folder / "old home").rename(world.home)
    for _ in range(3):
        report = world.sync()
        assert report.run.counters["trashed"] == 0
    assert world.content("d/new.txt") == b"new since"
    assert world.standing("d/new.txt") is Standing.UNCLAIMED
    assert newest.md5 in {r.md5 for r in world.person.revisions(newest.id)}
    mirrored = world.mirrored()
    assert {path: mirrored[path] for path in world.local()} == world.local()
    world.assert_no_twins()


def test_an_old_ledger_with_intents_whose_ids_were_used_since(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = filled

    class Crash(BaseException):
        pass

    class Dying:
        def __init__(self, wire: object) -> None:
            self.wire = wire

        def request(self, method: str, uri: str, headers: object, body: object) -> object:
            if "/upload/" in uri:
                raise Crash
            return self.wire.request(method, uri, headers, body)  # type: ignore[attr-defined]

        def close(self) -> None:
            pass

    world.write("d/new.txt", "new")
    world.wrap = Dying  # type: ignore[assignment]
    with pytest.raises(Crash):
        world.sync()
    snapshot(world)
    world.wrap = lambda wire: wire
    world.sync()
    world.write("d/new.txt", "newer")
    world.sync()
    before = world.remote()
    put_back(world)
    world.sync()
    assert world.remote().keys() == before.keys()
    world.sync()
    quiet(world)
    world.assert_mirrored()


# -- once a week -----------------------------------------------------------------------------------


def test_verified_weekly_and_spread_by_home(tmp_path: Path, clock: VirtualClock) -> None:
    nights: set[int] = set()
    for number in range(6):
        world = make_world(tmp_path / f"world{number}", VirtualClock(clock.wall()))
        world.seed = number
        with world.server:
            world.rng.seed(number)
            world.with_settings(verify_days=7)
            fill(world)
            verified = []
            for night in range(1, 23):
                world.clock.advance(86_400 - 60)
                if world.sync().run.verified:
                    verified.append(night)
            assert len(verified) >= 3
            gaps = {later - earlier for earlier, later in pairwise(verified)}
            assert gaps == {7}
            nights.add(verified[0])
            quiet(world)
    assert len(nights) > 1


def test_what_the_feed_never_showed_is_found_by_the_weekly_look(filled: World) -> None:
    world = filled
    world.edit_on_drive("d/f1.txt", b"by a person")
    with world.ledger() as ledger:  # as if the entry had been lost
        token = world.connect().start_token()
        for run in ledger.runs():
            ledger.observe([], run=run.id, token=token)
    assert world.sync().run.counters["newer_on_drive"] == 0
    with world.ledger() as ledger:
        ledger.remember(verified_at="0")
    world.with_settings(verify_days=7)
    report = world.sync()
    assert report.run.verified
    assert report.run.counters["newer_on_drive"] == 1


def test_an_edit_that_raced_our_write_is_found_by_revisions(filled: World) -> None:
    world = filled
    world.write("d/f1.txt", "local one")
    world.sync()
    file_id = world.remote()["d/f1.txt"].id
    raced: list[str] = []

    class Racing:
        """A person saves on Drive right before our write arrives."""

        def __init__(self, wire: object) -> None:
            self.wire = wire

        def request(self, method: str, uri: str, headers: object, body: object) -> object:
            if "/upload/" in uri and not raced:
                raced.append("now")
                world.edit_on_drive("d/f1.txt", b"saved in between")
            return self.wire.request(method, uri, headers, body)  # type: ignore[attr-defined]

        def close(self) -> None:
            pass

    world.write("d/f1.txt", "local two")
    world.wrap = Racing  # type: ignore[assignment]
    world.sync()
    world.wrap = lambda wire: wire
    assert raced
    world.sync()
    with world.ledger() as ledger:
        assert ledger.edits() == []
        ledger.remember(verified_at="0")
    world.with_settings(verify_days=7)
    assert world.sync().run.verified
    with world.ledger() as ledger:
        (edit,) = ledger.edits()
    assert edit.path == "d/f1.txt"
    assert edit.pinned
    pinned = [r.id for r in world.person.revisions(file_id) if r.pinned]
    assert pinned == [edit.revision]
    world.assert_mirrored()


def test_a_persons_copy_is_no_forgotten_write_even_when_its_original_has_changed_since(
    filled: World,
) -> None:
    """The copy carries a nonce of ours that no object of ours carries any more."""
    world = filled
    world.sync()
    copy = world.copy_on_drive("d/f0.txt", "Copy of f0.txt")
    for number in range(4):
        world.write("d/f0.txt", f"changed {number}")
        (world.home / f"d/f{number + 1}.txt").unlink()
        report = world.sync()
        assert not report.run.verified
        assert report.run.counters["trashed"] == 1
        world.clock.advance(86_400)
    world.change_on_drive(copy, name="My copy")
    assert not world.sync().run.verified
    assert world.download(copy) == b"content 0"
