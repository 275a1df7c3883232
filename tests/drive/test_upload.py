"""Resumable uploads: through cuts, kills, lost sessions and changing files."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.drive.transport import Transport
from jupyter_drive_sync.drive.types import NewFile, Patch
from jupyter_drive_sync.drive.upload import GRANULE, Uploads
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import (
    ChangedWhileRead,
    DriveFull,
    DriveSyncError,
    Exists,
    Offline,
    Refused,
    RunCancelled,
)
from tests.drive.ground import Ground, LocalWire, seeded, stand
from tests.virtual_clock import VirtualClock

CHUNK = 4 * GRANULE


@dataclass
class Bytes:
    """A source in memory."""

    content: bytes
    reads: list[tuple[int, int]] = field(default_factory=list)
    changed: bool = False

    def read_at(self, offset: int, size: int) -> bytes:
        self.reads.append((offset, size))
        return self.content[offset : offset + size]

    def settled(self) -> None:
        if self.changed:
            raise ChangedWhileRead


@dataclass
class Keys:
    """Session URIs in memory: what outlives a process."""

    uris: dict[str, Secret] = field(default_factory=dict)

    def session(self, key: str) -> Secret | None:
        return self.uris.get(key)

    def keep_session(self, key: str, uri: Secret) -> None:
        self.uris[key] = uri

    def drop_session(self, key: str) -> None:
        self.uris.pop(key, None)


def content_of(size: int, seed: int = 0) -> bytes:
    return seeded(seed).randbytes(size)


def md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


@pytest.mark.parametrize("size", [0, 1, GRANULE, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_a_faultless_upload_takes_one_request_and_one_per_chunk(ground: Ground, size: int) -> None:
    parent = ground.folder()
    new = ground.new("big.bin", parent)
    source = Bytes(content_of(size))
    keys = Keys()
    done: list[int] = []
    ground.server.log.clear()
    before = ground.transport.traffic.requests
    made = Uploads(ground.drive, keys, CHUNK).send("k", new, source, size, done.append)
    assert ground.server.log.count() == 1 + max(1, math.ceil(size / CHUNK))
    assert ground.transport.traffic.requests - before == ground.server.log.count()
    assert (made.id, made.md5, made.size) == (new.id, md5(source.content), size)
    assert (made.name, made.parent, made.nonce) == ("big.bin", parent, "n1")
    assert made.mtime_ms == new.mtime_ms
    assert keys.uris == {}
    assert done == sorted(done)
    assert done[-1] == size
    assert all(read <= CHUNK for _, read in source.reads)


def test_new_content_of_a_file(ground: Ground) -> None:
    made = ground.drive.create_file(ground.new("a.ipynb", ground.folder()), b"one")
    source = Bytes(content_of(2 * CHUNK + 1))
    change = Patch(made.id, name="a.ipynb", mtime_ms=made.mtime_ms + 7, app={"w": "n2"})
    replaced = Uploads(ground.drive, Keys(), CHUNK).send("k", change, source, 2 * CHUNK + 1)
    assert (replaced.id, replaced.md5) == (made.id, md5(source.content))
    assert (replaced.mime, replaced.nonce) == (made.mime, "n2")
    assert replaced.mtime_ms == made.mtime_ms + 7


def test_units_are_counted_as_drive_counts_them(ground: Ground) -> None:
    new = ground.new("a", ground.folder())
    Uploads(ground.drive, Keys(), CHUNK).send("k", new, Bytes(bytes(CHUNK + 1)), CHUNK + 1)
    assert ground.transport.traffic.units == ground.server.log.units()


FAULTS = [
    ("lost", {}),
    ("refused", {}),
    ("500", {}),
    ("503", {}),
    ("503", {"done": True}),
    ("rate", {}),
    ("429", {"retry_after": 5}),
    ("redirect", {}),
    ("keep", {"bytes": GRANULE}),
    ("keep", {"bytes": 0}),
]


def put_name(ground: Ground) -> str:
    """Return how LocalDrive calls a request of a session."""
    ground.server.log.clear()
    probe = ground.new("probe", ground.folder())
    Uploads(ground.drive, Keys(), CHUNK).send("p", probe, Bytes(b"x"), 1)
    return ground.server.log.records[-1].endpoint


@pytest.mark.parametrize(("kind", "more"), FAULTS, ids=str)
@pytest.mark.parametrize("nth", [1, 2, 4])
def test_a_fault_at_any_chunk_leaves_one_whole_file(
    ground: Ground, kind: str, more: Mapping[str, object], nth: int
) -> None:
    name = put_name(ground)
    size = 4 * CHUNK - 11
    source = Bytes(content_of(size))
    new = ground.new("big.bin", ground.folder())
    if kind == "keep" and nth == 4:
        nth = 3  # a chunk that completes the file is kept whole
    ground.plan(kind, name, method="PUT", nth=nth, **more)
    made = Uploads(ground.drive, Keys(), CHUNK).send("k", new, source, size)
    assert made.md5 == md5(source.content)
    assert ground.content(new.id) == source.content
    ground.server.faults.assert_all_fired()
    assert sum(read for _, read in source.reads) <= size + CHUNK


@pytest.mark.parametrize("kind", ["cut", "truncated", "not_json", "wrong_json"])
def test_a_last_reply_that_makes_no_sense_is_asked_for_again(ground: Ground, kind: str) -> None:
    name = put_name(ground)
    source = Bytes(content_of(2 * CHUNK))
    new = ground.new("big.bin", ground.folder())
    ground.plan(kind, name, method="PUT", times=1)
    made = Uploads(ground.drive, Keys(), CHUNK).send("k", new, source, 2 * CHUNK)
    assert made.md5 == md5(source.content)
    ground.server.faults.assert_all_fired()
    assert sum(read for _, read in source.reads) == 2 * CHUNK


def test_a_lost_session_begins_again(ground: Ground) -> None:
    name = put_name(ground)
    source = Bytes(content_of(3 * CHUNK))
    new = ground.new("big.bin", ground.folder())
    ground.plan("404", name, method="PUT", nth=2)
    made = Uploads(ground.drive, Keys(), CHUNK).send("k", new, source, 3 * CHUNK)
    assert made.md5 == md5(source.content)
    ground.server.faults.assert_all_fired()


def test_a_file_that_drive_refuses_does_not_go_round_in_circles(ground: Ground) -> None:
    name = put_name(ground)
    ground.server.log.clear()
    ground.plan("400", name, method="PUT")
    keys = Keys()
    with pytest.raises(Refused):
        Uploads(ground.drive, keys, CHUNK).send(
            "k", ground.new("a", ground.folder()), Bytes(b"x"), 1
        )
    assert ground.server.log.count() < 15
    assert keys.uris == {}


def test_a_full_drive_ends_the_upload(ground: Ground) -> None:
    name = put_name(ground)
    ground.plan("storage", name, method="PUT")
    with pytest.raises(DriveFull):
        Uploads(ground.drive, Keys(), CHUNK).send(
            "k", ground.new("a", ground.folder()), Bytes(b"x"), 1
        )


def test_a_taken_id_is_told(ground: Ground) -> None:
    new = ground.new("a", ground.folder())
    ground.drive.create_file(new, b"one")
    with pytest.raises(Exists):
        Uploads(ground.drive, Keys(), CHUNK).send("k", new, Bytes(b"x"), 1)


def test_an_expired_session_is_replaced(ground: Ground) -> None:
    keys, new, source = Keys(), ground.new("a", ground.folder()), Bytes(content_of(2 * CHUNK))
    begin_and_die(ground, keys, new, source)
    ground.clock.advance(8 * 86_400)
    fresh = stand_again(ground)
    made = Uploads(fresh.drive, keys, CHUNK).send("k", new, source, 2 * CHUNK)
    assert made.md5 == md5(source.content)


def begin_and_die(ground: Ground, keys: Keys, new: NewFile, source: Bytes) -> None:
    """Send one chunk, then end as a killed process does: nothing is tidied up."""
    sent = 0

    class KilledError(BaseException):
        pass

    def progress(_done: int) -> None:
        nonlocal sent
        sent += 1
        if sent == 1:
            raise KilledError

    with pytest.raises(KilledError):
        Uploads(ground.drive, keys, CHUNK).send("k", new, source, len(source.content), progress)
    assert list(keys.uris) == ["k"]


def stand_again(ground: Ground) -> Ground:
    """Be the next process: the same Drive, a fresh token, nothing remembered."""
    client = ground.server.oauth.client_of_kind("desktop").client_id
    scope = "https://www.googleapis.com/auth/drive.file"
    ground.tokens.values = [
        ground.server.oauth.grant("ann@example.edu", client, [scope]).access_token
    ]
    return ground


def test_the_next_process_goes_on_where_this_one_died(ground: Ground) -> None:
    size = 5 * CHUNK
    keys, new, source = Keys(), ground.new("a", ground.folder()), Bytes(content_of(size))
    begin_and_die(ground, keys, new, source)
    source.reads.clear()
    ground.server.log.clear()
    made = Uploads(ground.drive, keys, CHUNK).send("k", new, source, size)
    assert made.md5 == md5(source.content)
    assert source.reads[0] == (CHUNK, CHUNK)
    assert ground.server.log.count() == 1 + 4  # one question, four chunks


def test_a_finished_upload_whose_end_was_not_heard_is_not_sent_again(ground: Ground) -> None:
    keys, new, source = Keys(), ground.new("a", ground.folder()), Bytes(content_of(CHUNK))
    name = put_name(ground)
    ground.plan("lost", name, method="PUT", nth=1)
    stop = RunCancelled()

    class Waiting:
        def __call__(self) -> None:
            if ground.clock.slept:
                raise stop

    ground.transport.pace._permit = Waiting()
    with pytest.raises(RunCancelled):
        Uploads(ground.drive, keys, CHUNK).send("k", new, source, CHUNK)
    ground.transport.pace._permit = lambda: None
    source.reads.clear()
    made = Uploads(ground.drive, keys, CHUNK).send("k", new, source, CHUNK)
    assert made.md5 == md5(source.content)
    assert source.reads == []


def test_a_file_that_changed_is_not_sent_to_its_end(ground: Ground) -> None:
    keys, new = Keys(), ground.new("a", ground.folder())
    source = Bytes(content_of(2 * CHUNK), changed=True)
    ground.server.log.clear()
    with pytest.raises(ChangedWhileRead):
        Uploads(ground.drive, keys, CHUNK).send("k", new, source, 2 * CHUNK)
    assert keys.uris == {}
    methods = [record.method for record in ground.server.log.records]
    assert methods == ["POST", "PUT", "DELETE"]
    with pytest.raises(DriveSyncError):
        ground.drive.get(new.id)


def test_a_file_that_shrank_is_not_sent(ground: Ground) -> None:
    keys, new = Keys(), ground.new("a", ground.folder())
    with pytest.raises(ChangedWhileRead):
        Uploads(ground.drive, keys, CHUNK).send("k", new, Bytes(bytes(CHUNK)), 2 * CHUNK)
    assert keys.uris == {}


def test_abandon_is_silent_about_what_is_gone(ground: Ground) -> None:
    keys = Keys({"k": Secret("http://127.0.0.1:9/upload/drive/v3/files?upload_id=x")})
    uploads = Uploads(ground.drive, keys, CHUNK)
    uploads.abandon("k")
    uploads.abandon("k")
    assert keys.uris == {}


def test_no_log_and_no_error_holds_token_or_session(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    name = put_name(ground)
    keys, new = Keys(), ground.new("a", ground.folder())
    told = []
    for kind in ("503", "400", "not_json", "404", "401"):
        ground.server.faults.clear()
        ground.plan(kind, name, method="PUT")
        with pytest.raises(DriveSyncError) as caught:
            Uploads(ground.drive, keys, CHUNK).send("k", new, Bytes(b"x"), 1)
        uri = keys.uris.get("k")
        told.append(f"{caught.value!r} {caught.value.detail} {ground.calls[-1]!r} {uri!r}")
    shown = caplog.text + "".join(told)
    assert "upload_id" not in shown
    assert ground.tokens.values[0] not in shown


def test_offline_keeps_the_session_for_the_next_run(ground: Ground) -> None:
    name = put_name(ground)
    keys, new, source = Keys(), ground.new("a", ground.folder()), Bytes(content_of(2 * CHUNK))
    ground.plan("refused", name, method="PUT")
    with pytest.raises(Offline):
        Uploads(ground.drive, keys, CHUNK).send("k", new, source, 2 * CHUNK)
    assert list(keys.uris) == ["k"]
    ground.server.faults.clear()
    assert Uploads(ground.drive, keys, CHUNK).send("k", new, source, 2 * CHUNK).size == 2 * CHUNK


def test_a_drive_that_keeps_nothing_is_given_up(ground: Ground) -> None:
    name = put_name(ground)
    new = ground.new("a", ground.folder())
    ground.server.log.clear()
    ground.plan("keep", name, bytes=0)
    with pytest.raises(Offline):
        Uploads(ground.drive, Keys(), CHUNK).send("k", new, Bytes(bytes(3 * CHUNK)), 3 * CHUNK)
    assert ground.server.log.count() < 30


def test_a_line_that_lets_only_questions_through_is_given_up(ground: Ground) -> None:
    class Narrow(LocalWire):
        def request(
            self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
        ) -> Reply:
            if len(body or b"") > CHUNK // 2:
                raise ConnectionResetError
            return super().request(method, uri, headers, body)

    new = ground.new("a", ground.folder())
    ground.server.log.clear()
    ground.transport._new_wire = lambda: Narrow(ground.server, ground.clock)
    ground.transport.close()
    keys = Keys()
    with pytest.raises(Offline):
        Uploads(ground.drive, keys, CHUNK).send("k", new, Bytes(bytes(3 * CHUNK)), 3 * CHUNK)
    assert ground.server.log.count() < 30
    assert list(keys.uris) == ["k"]


@pytest.mark.parametrize("size", [0, -1, 100, GRANULE + 1])
def test_a_chunk_is_made_of_granules(ground: Ground, size: int) -> None:
    with pytest.raises(ValueError, match="chunk"):
        Uploads(ground.drive, Keys(), size)


class Torn(LocalWire):
    """Breaks every so many PUTs, after Drive has got them, and measures what is sent."""

    every = 2
    puts = 0
    largest = 0

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        reply = super().request(method, uri, headers, body)
        if method == "PUT":
            self.puts += 1
            self.largest = max(self.largest, len(body or b""))
            if self.puts % self.every == 0:
                raise ConnectionResetError
        return reply


def test_50_mb_cut_again_and_again(clock: VirtualClock) -> None:
    ground = stand(clock)
    chunk = 8 << 20
    size = 50_000_000
    with ground.server:
        wire = Torn(ground.server, clock)
        new = ground.new("big.bin", ground.folder())
        torn: Transport = ground.transport
        torn._new_wire = lambda: wire
        torn.close()
        source = Bytes(content_of(size))
        made = Uploads(ground.drive, Keys(), chunk).send("k", new, source, size)
        cuts = wire.puts // wire.every
    assert made.md5 == md5(source.content)
    assert cuts >= 3
    assert wire.largest == chunk
    assert sum(read for _, read in source.reads) <= size + cuts * chunk


class Odd(LocalWire):
    """A wire whose replies to a session are bent once."""

    bend: Callable[[Reply], Reply] = staticmethod(lambda reply: reply)
    which = 308
    bent = False

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        reply = super().request(method, uri, headers, body)
        if not self.bent and "uploadType=resumable" in uri and reply.status == self.which:
            self.bent = True
            return self.bend(reply)
        return reply


def header(name: str, value: str) -> Callable[[Reply], Reply]:
    return lambda reply: replace(reply, headers={**reply.headers, name: value})


@pytest.mark.parametrize(
    ("which", "bend"),
    [
        (308, header("range", "bytes=0-99999999")),
        (308, header("range", "bytes=5-9")),
        (308, header("range", "nonsense")),
        (200, header("location", "ftp://elsewhere/")),
        (200, header("location", "")),
    ],
    ids=["too much", "not from the start", "nonsense", "other scheme", "no address"],
)
def test_what_makes_no_sense_is_asked_again(
    ground: Ground, which: int, bend: Callable[[Reply], Reply]
) -> None:
    new, source = ground.new("a", ground.folder()), Bytes(content_of(3 * CHUNK))
    wire = Odd(ground.server, ground.clock)
    wire.which, wire.bend = which, bend
    ground.transport._new_wire = lambda: wire
    ground.transport.close()
    made = Uploads(ground.drive, Keys(), CHUNK).send("k", new, source, 3 * CHUNK)
    assert wire.bent
    assert made.md5 == md5(source.content)
