"""Promise 9: without consent, network or space, or blocked: one sentence says what, who and how."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from jupyter_drive_sync.core.tree import FileId
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.drive.types import NewFile
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.errors import (
    AuthExpired,
    AuthRevoked,
    Busy,
    DriveFull,
    DriveSyncError,
    HomeMissing,
    HomeTooLarge,
    Offline,
    OrgBlocked,
    StateFull,
)
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.engine import world as world_module
from tests.engine.world import World, make_world


@pytest.fixture
def filled(world: World) -> World:
    for number in range(6):
        world.write(f"d/f{number}.txt", f"content {number}")
    world.sync()
    world.write("d/f0.txt", "changed")
    world.write("new/n.txt", "new")
    (world.home / "d/f1.txt").rename(world.home / "d/renamed.txt")
    return world


def fails(world: World, kind: type[DriveSyncError], who: str) -> DriveSyncError:
    """Run a pass that fails: with a sentence for people, in the history, and the home untouched."""
    before = world.local()
    with pytest.raises(kind) as caught:
        world.sync()
    problem = caught.value
    assert problem.who == who
    assert len(problem.sentence) > 20
    assert "{" not in problem.sentence
    assert world.local() == before
    with world.ledger() as ledger:
        (run,) = ledger.runs(1)
    assert run.outcome == "failed"
    assert run.problem is not None
    assert (run.problem["code"], run.problem["who"]) == (problem.code, who)
    return problem


def recovers(world: World) -> None:
    world.server.faults.clear()
    world.sync()
    world.assert_mirrored()


class _NoTokens:
    def __init__(self, problem: DriveSyncError) -> None:
        self._problem = problem

    def token(self) -> Secret:
        raise self._problem

    def renew(self, refused: Secret) -> None:
        raise self._problem


def test_without_consent(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = filled
    with monkeypatch.context() as patched:
        patched.setattr(
            world_module, "GrantedTokens", lambda *_: _Blank(AuthRevoked(detail="invalid_grant"))
        )
        problem = fails(world, AuthRevoked, "user")
        assert "authorize" in problem.sentence
        assert world.requests() == 0
    recovers(world)


class _Blank(_NoTokens):
    """The first token is asked for by the world itself."""

    asked = False

    def token(self) -> Secret:
        if not self.asked:
            self.asked = True
            return Secret("none")
        return super().token()


def test_access_is_no_longer_accepted(filled: World) -> None:
    filled.server.faults.add(Fault("401"))
    problem = fails(filled, AuthExpired, "user")
    assert "reconnect" in problem.sentence
    assert filled.requests() == 2  # refreshed once, then told
    recovers(filled)


def test_without_network(filled: World) -> None:
    filled.server.faults.add(Fault("refused"))
    problem = fails(filled, Offline, "wait")
    assert "nothing is lost" in problem.sentence
    recovers(filled)


def test_the_network_goes_in_the_middle(filled: World) -> None:
    filled.server.faults.add(Fault("refused", "files.*"))
    fails(filled, Offline, "wait")
    recovers(filled)


@pytest.mark.parametrize("kind", ["not_json", "redirect"])
def test_a_portal_of_the_network_answers(filled: World, kind: str) -> None:
    filled.server.faults.add(Fault(kind))
    fails(filled, Offline, "wait")
    recovers(filled)


@pytest.mark.parametrize("kind", ["rate", "429", "503"])
def test_google_asks_for_patience_for_longer_than_we_have(filled: World, kind: str) -> None:
    filled.server.faults.add(Fault(kind))
    fails(filled, Busy, "wait")
    assert filled.requests() <= filled.settings.retries
    recovers(filled)


def test_a_moment_of_trouble_is_not_worth_a_word(filled: World) -> None:
    filled.server.faults.add(Fault("503", every=3))
    filled.server.faults.add(Fault("rate", every=4, parameters={"done": True}))
    assert filled.sync().run.outcome == "completed"
    filled.server.faults.assert_all_fired()
    recovers(filled)


def test_a_blocked_drive(filled: World) -> None:
    filled.server.faults.add(Fault("policy"))
    problem = fails(filled, OrgBlocked, "admin")
    assert "administrator" in problem.sentence
    assert filled.requests() == 1  # no retry
    recovers(filled)


def test_a_full_drive_stops_uploads_while_moves_and_trashes_go_on(filled: World) -> None:
    world = filled
    (world.home / "d/f2.txt").unlink()
    sent = dict(world.mirrored())
    world.server.faults.add(Fault("storage", "files.create"))
    world.server.faults.add(Fault("storage", "files.update", method="PATCH", nth=2))
    report = world.sync()
    assert report.run.outcome == "completed_with_errors"
    assert report.run.problem is not None
    assert report.run.problem["code"] == DriveFull.code
    assert report.run.problem["who"] == "user"
    assert report.run.counters["trashed"] == 1
    remote = world.remote()
    assert "d/renamed.txt" in remote
    assert "d/f1.txt" not in remote
    assert "d/f2.txt" not in remote
    failed = [outcome.path for outcome in report.outcomes if outcome.outcome == "failed"]
    assert "new/n.txt" in failed
    assert world.content("d/f0.txt") in (b"changed", sent["d/f0.txt"])
    world.server.faults.clear()
    world.sync()
    world.assert_mirrored()


def test_a_truly_full_drive(world: World) -> None:
    """No fault but the account's own limit; one refusal is enough to stop."""
    tight = make_world(
        world.folder / "tight", world.clock, drive=LocalDriveSettings(storage_limit=1500)
    )
    with tight.server:
        for number in range(6):
            tight.write(f"f{number}", f"{number}" * 500)
        report = tight.sync()
        assert len(tight.mirrored()) == 3
        assert tight.sent["files.create"] == 4
        assert report.run.counters["failed"] == 3
        assert report.run.problem is not None
        assert report.run.problem["code"] == DriveFull.code
        for number in (0, 1):
            (tight.home / f"f{number}").unlink()
        report = tight.sync()
        assert report.run.counters["trashed"] == 2


def test_the_disk_of_our_state_is_full(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = filled

    def full(*_: object, **__: object) -> None:
        raise StateFull(path=str(world.state))

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "intend", full)
        problem = fails(world, StateFull, "admin")
        assert "nothing was lost" in problem.sentence
    recovers(world)


def test_a_home_that_is_not_there(filled: World) -> None:
    world = filled
    world.home.rename(world.folder / "away")
    fails(world, HomeMissing, "user")
    (world.folder / "away").rename(world.home)
    recovers(world)


def test_a_home_beyond_the_limit(filled: World) -> None:
    world = filled
    world.with_settings(max_files=5)
    fails(world, HomeTooLarge, "admin")
    world.with_settings(max_files=500)
    recovers(world)


def test_a_lost_reply_makes_no_copy(world: World) -> None:
    world.write("d/a.txt", "a")
    world.write("big.bin", b"x" * 6_000_000)
    for endpoint in ("files.generateIds", "batch", "files.create"):
        world.server.faults.add(Fault("lost", endpoint, times=2))
    assert world.sync().run.outcome == "completed"
    world.server.faults.assert_all_fired()
    world.assert_mirrored()


def test_refused_but_done(world: World) -> None:
    """Of a hundred creates that were refused for their rate, some had been carried out."""
    for number in range(5):
        world.write(f"f{number}.txt", f"{number}")
    world.server.faults.add(Fault("rate", "files.create", every=2, parameters={"done": True}))
    assert world.sync().run.outcome == "completed"
    world.server.faults.assert_all_fired()
    world.assert_mirrored()


def test_an_id_that_somebody_else_has_is_replaced(world: World) -> None:
    """409, and what is there is not ours: another id is taken; nothing of theirs is touched."""
    world.write("a.txt", "mine")
    world.sync()
    stolen: list[str] = []

    class Thief:
        def __init__(self, wire: object) -> None:
            self.wire = wire

        def request(
            self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
        ) -> Reply:
            reply = self.wire.request(method, uri, headers, body)  # type: ignore[attr-defined]
            if "generateIds" in uri and not stolen:
                stolen.extend(reply.json()["ids"])
                world.person.create_file(_new(world, stolen[0]), b"theirs")
            return reply  # type: ignore[no-any-return]

        def close(self) -> None:
            pass

    world.write("b.txt", "new")
    world.wrap = Thief  # type: ignore[assignment]
    assert world.sync().run.outcome == "completed"
    assert stolen
    assert world.remote()["b.txt"].id != stolen[0]
    world.assert_mirrored()


def _new(world: World, file_id: str) -> NewFile:
    return NewFile(FileId(file_id), "theirs", world.root, 0)


def test_limits_of_the_tree_skip_that_part_and_name_it(world: World) -> None:
    shallow = make_world(
        world.folder / "shallow", world.clock, drive=LocalDriveSettings(max_depth=4)
    )
    with shallow.server:
        shallow.write("a/b/c/d/e/deep.txt", "deep")
        shallow.write("a/high.txt", "high")
        report = shallow.sync()
        assert report.run.outcome == "completed_with_errors"
        assert shallow.mirrored() == {"a/high.txt": b"high"}
        failed = {o.path: o.reason for o in report.outcomes if o.outcome == "failed"}
        assert "a/b/c/d/e/deep.txt" in failed
        assert "levels" in failed["a/b/c/d/e/deep.txt"]
        before = report.run.counters["retries"]
        assert before == 0
        shallow.sync()
        shallow.assert_no_twins()


def test_what_we_may_no_longer_touch_is_made_anew(world: World) -> None:
    world.write("a.txt", "one")
    world.write("b.txt", "b")
    world.sync()
    first = world.remote()["a.txt"].id
    refusal = {"reason": "insufficientFilePermissions"}
    world.server.faults.add(
        Fault("policy", "files.update", method="PATCH", nth=1, parameters=refusal)
    )
    world.write("a.txt", "two")
    report = world.sync()
    world.server.faults.assert_all_fired()
    assert report.run.outcome == "completed"
    contents = {entry.id: world.download(entry.id) for entry in world.everything() if entry.md5}
    assert contents[first] == b"one"
    assert sorted(contents.values()) == [b"b", b"one", b"two"]


def test_a_404_on_our_file_makes_it_anew(world: World) -> None:
    world.write("a.txt", "one")
    world.sync()
    world.sync()
    world.write("a.txt", "two")
    real = world.remote()["a.txt"].id

    class Late:
        """It is deleted on Drive right after the feed was read."""

        def __init__(self, wire: object) -> None:
            self.wire = wire

        def request(
            self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
        ) -> Reply:
            if "/upload/" in uri and real in uri:
                world.delete_on_drive(real)
            return self.wire.request(method, uri, headers, body)  # type: ignore[attr-defined,no-any-return]

        def close(self) -> None:
            pass

    world.wrap = Late  # type: ignore[assignment]
    report = world.sync()
    world.wrap = lambda wire: wire
    assert report.run.outcome == "completed"
    world.assert_mirrored()
    assert world.remote()["a.txt"].id != real
    world.sync()
    world.assert_mirrored()


def test_the_daily_upload_limit_parks_uploads(filled: World) -> None:
    world = filled
    (world.home / "d/f3.txt").unlink()
    world.server.faults.add(
        Fault("policy", "files.create", parameters={"reason": "uploadLimitExceeded"})
    )
    report = world.sync()
    assert report.run.problem is not None
    assert report.run.problem["code"] == "drive.daily_upload_limit"
    assert report.run.problem["who"] == "wait"
    assert report.run.counters["trashed"] == 1
    recovers(world)


def test_the_projects_daily_limit_ends_the_pass(filled: World) -> None:
    filled.server.faults.add(
        Fault("policy", "files.create", parameters={"reason": "dailyLimitExceeded"})
    )
    with pytest.raises(DriveSyncError) as caught:
        filled.sync()
    assert caught.value.code == "project.daily_limit"
    recovers(filled)
