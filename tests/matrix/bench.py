"""A home, its mirror and its owner's consent, whole: pass by pass and job by job, under faults.

Unlike the engine's world, passes run here as the runner runs them: under a lease, with the owner's
own grant, and leaving a status. Real is all but the socket and the time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.credentials.chain import Source, choose
from jupyter_drive_sync.drive.oauth import ClientFile, load_client_file
from jupyter_drive_sync.drive.secrets import Grant, Secret, SecretsStore
from jupyter_drive_sync.drive.transport import Transport
from jupyter_drive_sync.drive.wire import Reply, Wire
from jupyter_drive_sync.engine.executor import InOrder
from jupyter_drive_sync.engine.mirror import Mirror, PassReport
from jupyter_drive_sync.engine.report import Progress, Status, people_state
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.objects import File
from jupyter_drive_sync.localdrive.wire import Request
from jupyter_drive_sync.runner.assembly import World as JobWorld
from tests.drive.ground import ANN, DRIVE_FILE, ENDPOINT, ROOT, seeded
from tests.engine.world import World
from tests.virtual_clock import VirtualClock

_PING = 20.0
"""Virtual seconds between two beats of the lease."""


class Line:
    """A line to a LocalDrive on which time passes as it would on a socket.

    Args:
        server: the other end.
        clock: what passes.
        patience: seconds without a byte after which a request is given up.
        strays: gets the address of every request that would go to another host.
        beat: called each second that somebody waits.
    """

    def __init__(
        self,
        server: LocalDrive,
        clock: VirtualClock,
        patience: float,
        strays: list[str],
        beat: Callable[[], None],
    ) -> None:
        self._server = server
        self._clock = clock
        self._patience = patience
        self._strays = strays
        self._beat = beat

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        parts = urlsplit(uri)
        if f"{parts.scheme}://{parts.netloc}" != ROOT:
            self._strays.append(uri)
            raise ConnectionRefusedError("another host")
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        plain = {name: value for name, value in headers.items() if name != "accept-encoding"}
        sent = {"content-length": str(len(body or b"")), **plain}
        response = self._server.dispatch(
            Request.make(method, target, headers=sent, body=body or b"", base_url=ROOT)
        )
        delivery = response.delivery
        self._wait(delivery.delay, self._patience)
        content = response.content()
        if delivery.drip:
            pieces = -(-len(content) // delivery.drip)
            self._wait(delivery.pause, self._patience)
            self._wait(delivery.pause * (pieces - 1), 10 * self._patience)
        if delivery.cut_after is not None and delivery.cut_after < max(1, len(content)):
            raise ConnectionResetError("connection reset by peer")
        got = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status, {"date": formatdate(self._clock.wall()), **got}, content)

    def _wait(self, seconds: float, patience: float) -> None:
        left = min(seconds, patience)
        while left > 0:
            self._clock.advance(min(left, 5.0))
            self._beat()
            left -= 5.0
        if seconds > patience:
            raise TimeoutError("timed out")

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Ended:
    """How a pass or a job ended, as everybody may read it."""

    outcome: str
    """``completed``, ``completed_with_errors`` or ``failed``."""
    code: str = ""
    """Of the problem, if there is one."""
    problem: DriveSyncError | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    """Files that failed, with the reason that the report gives."""
    report: PassReport | None = None


@dataclass
class Bench(World):
    """A home whose owner has consented."""

    key: str = ""
    """Address of a service account's key."""
    saved: set[bytes] = field(default_factory=set)
    """Checksums of all content that was ever said to be synced, and of edits made on Drive."""
    strays: list[str] = field(default_factory=list)
    beat: Callable[[], None] = lambda: None
    """What goes on while the pass waits: the heartbeat of its turn."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._clients: dict[str, ClientFile] = {}
        desktop = self.client_of("desktop")
        tokens = self.server.oauth.grant(ANN, desktop.client_id, [DRIVE_FILE])
        assert tokens.refresh_token is not None
        grant = Grant(
            Secret(tokens.refresh_token), (DRIVE_FILE,), desktop.client_id, self.clock.wall()
        )
        SecretsStore(self.state).keep_grant(grant)

    # -- what a pass stands on --------------------------------------------------------------------

    def client_of(self, kind: str) -> ClientFile:
        """Download a client file from the console, and read it."""
        if kind not in self._clients:
            known = self.server.oauth.client_of_kind(kind)  # type: ignore[arg-type]
            path = self.folder / f"{kind}.json"
            path.write_text(json.dumps(self.server.oauth.client_file(known.client_id, ROOT)))
            self._clients[kind] = load_client_file(path)
        return self._clients[kind]

    def wire(self) -> Wire:
        patience = self.settings.request_timeout

        def beat() -> None:
            self.beat()  # that of the pass which waits by then

        return self.wrap(Line(self.server, self.clock, patience, self.strays, beat))

    def drive(self, turn: Turn) -> Drive:
        """Connect for a pass, whose turn goes on while it waits."""
        beaten = self.clock.monotonic()

        def beat() -> None:
            nonlocal beaten
            if self.clock.monotonic() - beaten > _PING:
                beaten = self.clock.monotonic()
                turn.pulse()  # in life a thread of its own does

        def permit() -> None:
            beat()
            turn.lease.check()

        self.beat = beat
        return self.drive_with(permit)

    def drive_with(self, permit: Callable[[], None] = lambda: None) -> Drive:
        """Connect with the owner's own grant."""

        def count() -> None:
            transport.count_token()

        source = Source(
            ENDPOINT,
            self.state,
            lambda: self.client_of("desktop"),
            self.clock,
            seeded(self.seed),
            self.wire,
            on_request=count,
            permit=permit,
        )
        transport = Transport(
            choose("grant", source),
            self.wire,
            self.clock,
            seeded(self.seed),
            self.settings,
            permit=permit,
        )
        return Drive(transport, ENDPOINT, seeded(self.seed))

    def run(self) -> Ended:
        """Run one pass as the runner does, a minute after whatever was before it."""
        self.clock.advance(60)
        self.server.log.clear()
        progress = Progress(self.clock)
        turn = Turn(self.site, "job", progress)
        report, problem = None, None
        try:
            with turn.taken():
                report = Mirror(
                    self.site,
                    self.drive(turn),
                    SecretsStore(self.state),
                    InOrder(),
                    progress,
                    "job",
                    turn.lease.check,
                ).run()
                turn.completed(report.run.outcome, report.objects)
        except DriveSyncError as caught:
            problem = caught
        self.beat = lambda: None
        self.sent = self.server.log.counts()
        status = Status.load(self.state)
        code = status.problem["code"] if status.problem else ""
        failed = {
            each.path: each.reason
            for each in (report.outcomes if report else ())
            if each.outcome == "failed"
        }
        if status.status == "completed":
            self.remember(self.local().values())
        return Ended(status.status, code, problem, failed, report)

    # -- what must hold ---------------------------------------------------------------------------

    def remember(self, contents: Iterable[bytes]) -> None:
        """Note content that nobody may lose from now on."""
        from hashlib import md5  # noqa: PLC0415

        self.saved |= {md5(content, usedforsecurity=False).digest() for content in contents}

    def files(self) -> list[File]:
        """List what the server holds of the account, in the trash or not, whoever asks."""
        return [file for file in self.server.model.files.values() if file.owner == ANN]

    def assert_nothing_lost(self) -> None:
        """Law 2: every content that was ever synced is still somewhere."""
        from hashlib import md5  # noqa: PLC0415

        there = {
            bytes.fromhex(revision.md5) for file in self.files() for revision in file.revisions
        }
        here = {md5(each, usedforsecurity=False).digest() for each in self.local().values()}
        assert not self.saved - there - here

    def assert_told(self, ended: Ended) -> None:
        """Law 6: the status, the history and the sentence agree, and say nothing untrue."""
        status = Status.load(self.state)
        with self.ledger() as ledger:
            (run,) = ledger.runs(1)
        assert status.status == run.outcome == ended.outcome
        assert status.process is None
        state = people_state(status, connected=True)
        if ended.outcome == "completed":
            assert state == "synced"
            assert status.problem is None
            self.assert_mirrored()
            return
        assert state != "synced"
        assert status.last_sync != self.clock.wall()
        if ended.problem is not None:
            assert ended.outcome == "failed"
            assert ended.code == ended.problem.code
        else:
            assert ended.files
            assert all(ended.files.values()), "each file that failed has its reason"
        if status.problem:
            assert status.problem["who"] in ("user", "admin", "wait", "bug")
            assert len(status.problem["sentence"]) > 20
            assert "{" not in status.problem["sentence"]

    def converge(self) -> None:
        """Law 4: without faults two passes are enough, and the next one has nothing to do."""
        self.server.faults.clear()
        for _ in range(2):
            if self.run().outcome == "completed" and self.mirrored() == self.local():
                break
        self.assert_mirrored()
        # A ledger that was rebuilt is compared once more, when listings have caught up.
        self.clock.advance(self.settings.listing_lag)
        self.run()
        ended = self.run()
        assert ended.outcome == "completed"
        assert set(self.sent) <= {"changes.list"}, self.sent


@dataclass(frozen=True)
class OfBench(JobWorld):
    """A job's world that leads to the bench's LocalDrive."""

    bench: Bench | None = None

    def wire(self) -> Wire:
        assert self.bench is not None
        return self.bench.wire()


def job_world(bench: Bench) -> type[JobWorld]:
    """Make the class that stands in for the jobs' world."""

    class Here(OfBench):
        @classmethod
        def of(cls, job: Any, context: Any) -> OfBench:
            made = JobWorld.of(job, context)
            return OfBench(
                job=made.job,
                context=made.context,
                settings=made.settings,
                endpoint=made.endpoint,
                clock=bench.clock,  # type: ignore[arg-type]
                rng=seeded(bench.seed),
                bench=bench,
            )

    return Here
