"""The one way to send: what is sent again, how long it waits, and what it never does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.drive.pace import Pace, backoff
from jupyter_drive_sync.drive.transport import Call, Failed, Transport
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import (
    AuthExpired,
    Busy,
    ClockWrong,
    LeaseLost,
    Missing,
    Offline,
    RunCancelled,
)
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.drive.ground import FixedTokens, Ground, seeded, stand
from tests.virtual_clock import VirtualClock

GET = Call("GET", "https://drive.test/x", "files.get", units=5)


@dataclass
class Script:
    """A wire that plays back replies and failures."""

    steps: list[Reply | Exception]
    sent: list[tuple[str, str, Mapping[str, str], bytes | None]] = field(default_factory=list)
    closed: int = 0

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        self.sent.append((method, uri, headers, body))
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed += 1


def ok(**content: Any) -> Reply:
    return Reply(200, {}, json.dumps(content).encode())


def status(code: int, reason: str = "", **headers: str) -> Reply:
    body = json.dumps({"error": {"errors": [{"reason": reason}]}}).encode()
    return Reply(code, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def transport(
    script: Script,
    clock: VirtualClock,
    tokens: FixedTokens | None = None,
    permit: Callable[[], None] = lambda: None,
    **settings: Any,
) -> Transport:
    return Transport(
        tokens or FixedTokens(["token-one"]),
        lambda: script,
        clock,
        seeded(7),
        Settings(**settings),
        permit=permit,
    )


def read(reply: Reply) -> Any:
    return reply.json()


def test_a_request_carries_token_and_asks_for_gzip(clock: VirtualClock) -> None:
    script = Script([ok(a=1)])
    assert transport(script, clock).send(GET, read) == {"a": 1}
    ((method, uri, headers, body),) = script.sent
    assert (method, uri, body) == ("GET", GET.uri, None)
    assert headers["authorization"] == "Bearer token-one"
    assert headers["accept-encoding"] == "gzip"
    assert "gzip" in headers["user-agent"]


def test_a_session_never_sees_the_token(clock: VirtualClock) -> None:
    script = Script([ok()])
    transport(script, clock).send(Call("PUT", "https://x/", "files.upload", authorized=False), read)
    assert "authorization" not in script.sent[0][2]


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionResetError(),
        TimeoutError(),
        status(500),
        status(502),
        status(503),
        status(504),
        status(429),
        status(403, "userRateLimitExceeded"),
        Reply(200, {}, b'{"a"'),
        Reply(200, {}, b"<html>"),
        Reply(307, {"location": "http://elsewhere/"}),
    ],
)
def test_what_may_pass_is_sent_again_after_a_wait(
    clock: VirtualClock, failure: Reply | Exception
) -> None:
    script = Script([ok(), failure, failure, ok(a=1)])
    sender = transport(script, clock)
    sender.send(GET, read)
    assert sender.send(GET, read) == {"a": 1}
    assert len(script.sent) == 4
    assert sender.traffic.retries == 2
    assert 0 < sum(clock.slept) <= 3
    assert sender.traffic.waited == pytest.approx(sum(clock.slept))


def test_the_connection_of_a_lost_reply_is_not_used_again(clock: VirtualClock) -> None:
    script = Script([ConnectionResetError(), ok()])
    transport(script, clock).send(GET, read)
    assert script.closed == 1


def test_patience_ends(clock: VirtualClock) -> None:
    script = Script([ok(), *[status(503)] * 99])
    sender = transport(script, clock, retries=5)
    sender.send(GET, read)
    with pytest.raises(Busy):
        sender.send(GET, read)
    assert len(script.sent) == 1 + 5


def test_where_nothing_ever_answered_patience_is_short(clock: VirtualClock) -> None:
    script = Script([ConnectionRefusedError()] * 99)
    with pytest.raises(Offline, match="refused"):
        transport(script, clock).send(GET, read)
    assert len(script.sent) == 3
    assert sum(clock.slept) <= 3


def test_a_final_refusal_is_not_sent_again(clock: VirtualClock) -> None:
    script = Script([status(404)])
    with pytest.raises(Missing):
        transport(script, clock).send(GET, read)
    assert clock.slept == []


def test_retry_after_is_obeyed_by_everybody(clock: VirtualClock) -> None:
    script = Script([ok(), status(429, retry_after="120"), ok(), ok()])
    sender = transport(script, clock)
    sender.send(GET, read)
    start = clock.monotonic()
    sender.send(GET, read)
    assert clock.monotonic() - start >= 120
    sender.send(GET, read)
    assert clock.monotonic() - start < 130


def test_a_retry_after_of_hours_ends_the_run(clock: VirtualClock) -> None:
    script = Script([status(503, retry_after="7200")])
    with pytest.raises(Busy):
        transport(script, clock).send(GET, read)
    assert sum(clock.slept) == 0


def test_a_refused_token_is_renewed_once(clock: VirtualClock) -> None:
    tokens = FixedTokens(["old", "new"])
    script = Script([status(401), ok(a=1)])
    assert transport(script, clock, tokens).send(GET, read) == {"a": 1}
    assert [sent[2]["authorization"] for sent in script.sent] == ["Bearer old", "Bearer new"]
    assert tokens.renewed == 1
    script.steps = [status(401), status(401)]
    with pytest.raises(AuthExpired):
        transport(script, clock, tokens).send(GET, read)
    assert clock.slept == []


def test_a_refused_token_under_a_wrong_clock_names_the_clock(clock: VirtualClock) -> None:
    date = formatdate(clock.wall() - 7200)
    script = Script([status(401, date=date), status(401, date=date)])
    with pytest.raises(ClockWrong) as caught:
        transport(script, clock).send(GET, read)
    assert caught.value.params["minutes"] == 120


def test_a_redirect_is_never_followed(ground: Ground) -> None:
    made = ground.folder()
    ground.calls.clear()
    ground.plan("redirect", "files.get", times=1, to="http://localhost:9")
    assert ground.drive.get(made).id == made
    assert len({call.uri for call in ground.calls}) == 1


def test_permission_is_asked_before_each_request(clock: VirtualClock) -> None:
    asked: list[int] = []
    script = Script([status(503), ok()])

    def permit() -> None:
        asked.append(len(script.sent))

    transport(script, clock, permit=permit).send(GET, read)
    assert {0, 1} <= set(asked)


def test_a_lost_lease_sends_nothing(clock: VirtualClock) -> None:
    script = Script([ok()])

    def permit() -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        transport(script, clock, permit=permit).send(GET, read)
    assert script.sent == []


def test_cancelling_ends_a_long_wait_within_a_second(clock: VirtualClock) -> None:
    script = Script([ok(), status(503, retry_after="300"), ok()])
    deadline = clock.monotonic() + 100

    def permit() -> None:
        if clock.monotonic() >= deadline:
            raise RunCancelled

    sender = transport(script, clock, permit=permit)
    sender.send(GET, read)
    with pytest.raises(RunCancelled):
        sender.send(GET, read)
    assert clock.monotonic() <= deadline + 1


def test_bytes_up_and_down_are_counted(clock: VirtualClock) -> None:
    script = Script([status(503), ok(a=1)])
    sender = transport(script, clock)
    sender.send(Call("POST", "https://x/", "files.create", body=b"12345", units=50), read)
    traffic = sender.traffic
    assert (traffic.requests, traffic.sent, traffic.units, traffic.retries) == (2, 10, 100, 1)
    assert traffic.received == len(status(503).body) + len(ok(a=1).body)


def test_bandwidth_is_kept(clock: VirtualClock) -> None:
    script = Script([ok()] * 5)
    sender = transport(script, clock, bandwidth=1000)
    start = clock.monotonic()
    for _ in range(5):
        sender.send(Call("POST", "https://x/", "files.create", body=bytes(2000)), read)
    assert clock.monotonic() - start == pytest.approx(8.0)  # the last one's own time is not waited


def test_backoff_is_truncated_and_jittered() -> None:
    random = seeded(1)
    waits = [backoff(tries, random) for tries in range(1, 200)]
    assert all(0 <= wait <= min(64, 2 ** min(tries, 99)) for tries, wait in enumerate(waits))
    assert max(waits) <= 64
    assert max(waits[10:]) > 60
    assert min(waits[10:]) < 4


def test_pace_grows_slowly_and_halves_at_once(clock: VirtualClock) -> None:
    pace = Pace(clock, lambda: None, most=16)
    assert pace.limit == 4
    for _ in range(200):
        pace.succeeded()
    assert pace.limit == 16
    pace.refused(None)
    pace.refused(None)  # of the same burst
    assert pace.limit == 8
    for _ in range(5):
        clock.advance(2)
        pace.refused(None)
    assert pace.limit == 1


def test_refused_even_one_by_one_requests_keep_a_distance(clock: VirtualClock) -> None:
    pace = Pace(clock, lambda: None, most=1)
    for _ in range(3):
        clock.advance(2)
        pace.refused(None)
    start = clock.monotonic()
    for _ in range(4):
        with pace.turn():
            pass
    assert clock.monotonic() - start == pytest.approx(3 * 0.4)


def test_who_is_refused_is_slowed_until_it_is_calm(clock: VirtualClock) -> None:
    pace = Pace(clock, lambda: None, most=8)
    assert not pace.slowed
    pace.refused(None)
    assert pace.slowed
    clock.advance(9.5)
    assert pace.slowed
    clock.advance(1)
    assert not pace.slowed
    pace.refused(30.0)  # told to wait: slowed while it does
    clock.advance(39)
    assert pace.slowed
    pace.wait(2)
    assert not pace.slowed
    pace.wait(60)  # for our own reasons
    assert not pace.slowed


def test_a_busy_drive_slows_and_a_cut_line_does_not(clock: VirtualClock) -> None:
    for failure, slowed in ((status(503), True), (status(429), True), (OSError("cut"), False)):
        sender = transport(Script([ok(), failure, ok()]), clock)
        sender.send(GET, read)
        sender.send(GET, read)
        assert sender.pace.slowed is slowed


def test_no_more_at_once_than_the_gate_lets_in(clock: VirtualClock) -> None:
    pace = Pace(clock, lambda: None, most=3)
    lock = threading.Lock()
    everybody = threading.Barrier(3)
    inside = most = 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with pace.turn():
                with lock:
                    inside += 1
                    most = max(most, inside)
                everybody.wait(10)  # three come together, a fourth would be counted
                with lock:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3


def test_a_write_throttle_is_lived_with(clock: VirtualClock) -> None:
    ground = stand(clock, drive=LocalDriveSettings(writes_per_second=3.0, write_burst=3))
    with ground.server:
        parent = ground.folder()
        start = clock.monotonic()
        for number in range(60):
            ground.drive.create_file(ground.new(f"f{number}", parent), b"x")
        seconds = clock.monotonic() - start
    assert seconds < 60  # 20 s is what the throttle itself takes
    assert ground.transport.traffic.retries < 60


def test_once_tells_rather_than_waits(clock: VirtualClock) -> None:
    script = Script([status(503)])
    with pytest.raises(Failed) as caught:
        transport(script, clock).once(GET)
    assert caught.value.verdict.retry
    assert clock.slept == []


def test_a_call_shows_neither_address_nor_token() -> None:
    call = Call("PUT", "https://x/?upload_id=AbC", "files.upload", {"authorization": "Bearer t"})
    assert "AbC" not in repr(call)
    assert "Bearer" not in repr(call)
