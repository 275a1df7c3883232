"""Faults strike where, when and as often as planned, the same way for one seed."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from jupyter_drive_sync.localdrive.accounts import DRIVE_FILE
from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.fault_kinds import KINDS
from jupyter_drive_sync.localdrive.fault_text import FaultSyntaxError, kinds_help, parse_fault
from jupyter_drive_sync.localdrive.faults import Fault, Faults
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.routing import Call, Route
from jupyter_drive_sync.localdrive.wire import Request, Response, received

GOOD = Response.of_json({"id": "1a", "md5Checksum": "0f" * 16, "files": [{"sha1Checksum": "ab"}]})
MEDIA = Response(200, {"Content-Type": "application/x-ipynb+json"}, b"0123456789" * 10)


def call(endpoint: str = "files.create", method: str = "POST") -> Call:
    route = Route(method, "/x", endpoint, lambda _: GOOD)
    return Call(Request.make(method, "/x/y"), route)


def through(faults: Faults, endpoint: str = "files.create", response: Response = GOOD) -> Response:
    """Send one call through all moments as the server does."""
    here = call(endpoint)
    return instead(faults, here) or faults.after(here, response)


def instead(faults: Faults, here: Call) -> Response | None:
    """Ask for what comes in place of an effect."""
    return faults.arriving(here) or faults.before(here)


def hits(fault: Fault, calls: int = 100, seed: int = 1) -> list[int]:
    faults = Faults(seed, [fault])
    return [n for n in range(1, calls + 1) if through(faults) is not GOOD]


def test_no_plan_no_fault() -> None:
    faults = Faults()
    assert through(faults) is GOOD
    assert faults.kept(call(), 5) == 5
    faults.assert_all_fired()


def test_nth_every_and_times() -> None:
    assert hits(Fault("503"), 3) == [1, 2, 3]
    assert hits(Fault("503", nth=7)) == [7]
    assert hits(Fault("503", every=40)) == [40, 80]
    assert hits(Fault("503", every=10, times=3)) == [10, 20, 30]
    assert hits(Fault("lost", times=2)) == [1, 2]


def test_chance_is_repeatable_and_about_as_asked() -> None:
    fault = Fault("503", probability=0.2)
    assert hits(fault, 1_000, seed=4) == hits(fault, 1_000, seed=4)
    assert hits(fault, 1_000, seed=4) != hits(fault, 1_000, seed=5)
    assert 150 < len(hits(fault, 1_000)) < 250
    assert hits(Fault("503", probability=0.0)) == []


def test_rules_fit_endpoint_and_method() -> None:
    faults = Faults(0, [Fault("404", "files.*", method="PUT")])
    assert faults.before(call("files.create", "POST")) is None
    assert faults.before(call("changes.list", "PUT")) is None
    hit = faults.before(call("files.update", "PUT"))
    assert hit is not None
    assert hit.json()["error"]["errors"][0]["reason"] == "notFound"


def test_rules_for_calls_inside_or_outside_a_batch() -> None:
    faults = Faults(0, [Fault("404", inner=True), Fault("409", inner=False)])
    alone = call()
    for here, status in ((alone, 409), (replace(alone, inner=True), 404)):
        hit = faults.before(here)
        assert hit is not None
        assert hit.status == status
    assert faults.fired() == {"*:404:inner": 1, "*:409:alone": 1}


def test_networks_and_front_ends_fail_whoever_calls() -> None:
    with LocalDrive() as drive:
        request = Request.make("GET", "/drive/v3/about?fields=user")
        assert drive.dispatch(request).status == 401
        for kind, status in (("refused", 0), ("hang", 0), ("503", 503), ("redirect", 307)):
            drive.faults.clear()
            drive.faults.add(Fault(kind))
            assert drive.dispatch(request).status == status
            drive.faults.assert_all_fired()
        drive.faults.clear()
        drive.faults.add(Fault("rate"))
        assert drive.dispatch(request).status == 401
        assert drive.faults.unfired()


def test_the_first_rule_that_strikes_takes_the_call() -> None:
    faults = Faults(0, [Fault("503", nth=1), Fault("429")])
    assert [through(faults).status for _ in range(3)] == [503, 429, 429]
    assert faults.fired() == {"*:503:nth=1": 1, "*:429": 2}


def test_what_never_struck_is_told() -> None:
    faults = Faults(0, [Fault("503", "files.list"), Fault("lost", "files.create")])
    through(faults)
    assert faults.unfired() == (Fault("503", "files.list"),)
    with pytest.raises(AssertionError, match=r"never struck: files\.list:503"):
        faults.assert_all_fired()
    faults.clear()
    faults.assert_all_fired()
    assert through(faults) is GOOD


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("400", 400, "badRequest"),
        ("401", 401, "authError"),
        ("rate", 403, "userRateLimitExceeded"),
        ("storage", 403, "storageQuotaExceeded"),
        ("policy", 403, "domainPolicy"),
        ("404", 404, "notFound"),
        ("409", 409, "fileIdInUse"),
        ("page_token", 400, "invalid"),
        ("412", 412, "conditionNotMet"),
        ("429", 429, "rateLimitExceeded"),
        ("500", 500, "internalError"),
        ("503", 503, "backendError"),
        ("504", 504, "gatewayTimeout"),
    ],
)
def test_refusals_before_and_after_the_effect(kind: str, status: int, reason: str) -> None:
    for parameters in ({}, {"done": True}):
        faults = Faults(0, [Fault(kind, parameters=parameters)])
        early = instead(faults, call())
        reply = faults.after(call(), GOOD) if early is None else early
        assert (early is None) == bool(parameters)
        assert reply.status == status
        assert reply.json()["error"]["code"] == status
        assert reply.json()["error"]["errors"][0]["reason"] == reason


def test_refusals_speak_the_language_of_consent() -> None:
    faults = Faults(0, [Fault("503", "oauth.token", times=1), Fault("invalid_grant", "oauth.*")])
    assert through(faults, "oauth.token").json()["error"] == "internal_failure"
    gone = through(faults, "oauth.token")
    assert (gone.status, gone.json()["error"]) == (400, "invalid_grant")


def test_502_is_a_page_and_retry_after_is_told() -> None:
    slow = {"retry_after": 7.0}
    page = through(Faults(0, [Fault("502", parameters=slow)]))
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Retry-After"] == "7"
    busy = through(Faults(0, [Fault("429", parameters={"retry_after": 0.5})]))
    assert busy.headers["Retry-After"] == "0.5"
    policy = through(Faults(0, [Fault("policy", parameters={"reason": "accessNotConfigured"})]))
    assert policy.json()["error"]["errors"][0]["reason"] == "accessNotConfigured"


@pytest.mark.parametrize("kind", ["refused", "hang", "lost"])
def test_no_reply_at_all(kind: str) -> None:
    faults = Faults(0, [Fault(kind)])
    assert (instead(faults, call()) is None) == (kind == "lost")
    assert through(faults).delivery.cut_after == -1


def test_hanging_takes_its_time() -> None:
    reply = through(Faults(0, [Fault("hang", parameters={"seconds": 3.0})]))
    assert reply.delivery.delay == 3.0


def test_cut_and_dripped_replies() -> None:
    cut = through(Faults(0, [Fault("cut", parameters={"bytes": 10.0})]))
    assert (cut.delivery.cut_after, cut.delivery.reset) == (10, True)
    assert cut.body == GOOD.body
    with pytest.raises(ConnectionResetError):
        received(cut)
    closed = through(Faults(0, [Fault("cut", parameters={"orderly": True})]))
    assert closed.delivery.cut_after is not None
    assert 0 <= closed.delivery.cut_after < GOOD.size
    assert not closed.delivery.reset
    drip = through(Faults(0, [Fault("drip", parameters={"bytes": 5.0, "seconds": 0.1})]))
    assert (drip.delivery.drip, drip.delivery.pause) == (5, 0.1)


def test_replies_that_are_not_what_was_asked() -> None:
    short = through(Faults(0, [Fault("truncated")]))
    assert short.status == 200
    assert GOOD.content().startswith(short.content())
    assert short.size < GOOD.size
    portal = through(Faults(0, [Fault("not_json")]))
    assert (portal.status, portal.headers["Content-Type"][:9]) == (200, "text/html")
    other = through(Faults(0, [Fault("wrong_json")]))
    assert "id" not in other.json()


def test_wrong_checksums_wherever_they_stand() -> None:
    bent = through(Faults(0, [Fault("checksum")])).json()
    true: Any = GOOD.json()
    assert bent["id"] == true["id"]
    assert bent["md5Checksum"] != true["md5Checksum"]
    assert len(bent["md5Checksum"]) == 32
    assert bent["files"][0]["sha1Checksum"] != true["files"][0]["sha1Checksum"]


def test_a_corrupt_download_differs_in_one_byte() -> None:
    bent = through(Faults(0, [Fault("corrupt")]), "files.get", MEDIA).content()
    assert sum(a != b for a, b in zip(bent, MEDIA.content(), strict=True)) == 1


def test_kinds_that_bend_wait_for_a_reply_that_they_can_bend() -> None:
    failed = Response.of_json({"error": {}}, 404)
    for kind in ("checksum", "truncated", "lost", "corrupt"):
        faults = Faults(0, [Fault(kind)])
        assert through(faults, response=failed) is failed
        assert faults.unfired()
    plain = Response.of_json({"id": "1a"})
    assert through(Faults(0, [Fault("checksum")]), response=plain) is plain
    assert through(Faults(0, [Fault("corrupt")]), response=GOOD) is GOOD


def test_fewer_bytes_kept() -> None:
    faults = Faults(0, [Fault("keep", times=1), Fault("keep", parameters={"bytes": 300_000.0})])
    here = call("files.create", "PUT")
    assert [faults.kept(here, size) for size in (500_000, 500_000, 100)] == [0, 300_000, 100]
    assert faults.before(here) is None


def test_redirects_lead_to_another_host() -> None:
    reply = through(Faults(0, [Fault("redirect", parameters={"to": "http://evil.example:1/"})]))
    assert (reply.status, reply.headers["Location"]) == (307, "http://evil.example:1/x/y")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_strike(kind: str) -> None:
    faults = Faults(0, [Fault(kind)])
    through(faults)
    through(faults, "files.get", MEDIA)
    faults.kept(call(), 10)
    faults.assert_all_fired()


def test_all_faults_of_http_have_a_kind() -> None:
    numbers = set(itertools.chain.from_iterable(k.number.split(", ") for k in KINDS.values()))
    assert numbers == {f"F{n}" for n in range(1, 23)}
    assert len(kinds_help().splitlines()) == len(KINDS)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("files.create:503", Fault("503", "files.create")),
        ("files.create:503:p=0.2", Fault("503", "files.create", probability=0.2)),
        (
            "*:lost:every=10:times=3:method=put",
            Fault("lost", "*", method="PUT", every=10, times=3),
        ),
        ("oauth.token:invalid_grant:nth=2", Fault("invalid_grant", "oauth.token", nth=2)),
        (
            "*:rate:done:retry_after=2.5",
            Fault("rate", parameters={"done": True, "retry_after": 2.5}),
        ),
        ("*:redirect:to=http://h:1/p", Fault("redirect", parameters={"to": "http://h:1/p"})),
        ("files.update:404:inner", Fault("404", "files.update", inner=True)),
        ("files.update:404:alone:nth=1", Fault("404", "files.update", nth=1, inner=False)),
        ("*:policy:reason=x", Fault("policy", parameters={"reason": "x"})),
    ],
)
def test_the_text_form_and_back(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must read ENDPOINT:KIND"),
        ("503", "must read ENDPOINT:KIND"),
        (":503", "must read ENDPOINT:KIND"),
        ("*:418", "no fault is called '418'; there are refused, hang"),
        ("*:503:p=often", "'p' needs a number, not 'often'"),
        ("*:503:p=nan", "'p' needs a number"),
        ("*:503:p=1.5", "must lie between 0 and 1"),
        ("*:503:nth=0", "nth=0 must be at least 1"),
        ("*:503:nth=x", "'nth' needs a whole number"),
        ("*:503:colour=red", "there is no option 'colour'"),
        ("*:503:done=yes", "'done' takes no value"),
        ("*:503:inner=yes", "'inner' takes no value"),
        ("*:lost:done", "'lost' does not take 'done'; it takes no parameters"),
        ("*:503:bytes=3", "'503' does not take 'bytes'; it takes done, reason, retry_after"),
    ],
)
def test_bad_text_gives_one_sentence(text: str, says: str) -> None:
    with pytest.raises(FaultSyntaxError) as error:
        parse_fault(text)
    assert says in str(error.value)
    assert repr(text) in str(error.value)
    assert "\n" not in str(error.value)


# On a whole LocalDrive.


@pytest.fixture
def drive() -> Iterator[LocalDrive]:
    with LocalDrive(clock=ManualClock()) as made:
        yield made


def authorized(drive: LocalDrive) -> dict[str, str]:
    client = drive.oauth.client_of_kind("desktop")
    tokens = drive.oauth.grant("ann@example.edu", client.client_id, [DRIVE_FILE])
    return {"Authorization": f"Bearer {tokens.access_token}", "Content-Type": "application/json"}


def create(drive: LocalDrive, name: str = "x") -> Response:
    body = json.dumps({"name": name}).encode()
    return drive.dispatch(
        Request.make("POST", "/drive/v3/files", headers=authorized(drive), body=body)
    )


def names(drive: LocalDrive) -> list[str]:
    return sorted(file.name for file in drive.model.files.values() if file.parent is not None)


def test_before_means_nothing_happened_and_done_means_it_did(drive: LocalDrive) -> None:
    for text in ("503", "rate", "429", "refused"):
        drive.faults.add(parse_fault(f"files.create:{text}:times=1"))
        assert create(drive).status != 200
        assert names(drive) == []
    happened = []
    for text in ("503:done", "rate:done", "lost", "truncated", "not_json"):
        drive.faults.add(parse_fault(f"files.create:{text}:times=1"))
        create(drive, text)
        happened.append(text)
        assert names(drive) == sorted(happened)
    drive.faults.assert_all_fired()


def test_a_batch_fails_in_parts(drive: LocalDrive) -> None:
    drive.faults.add(parse_fault("files.create:rate:nth=2"))
    part = (
        "--b\r\nContent-Type: application/http\r\nContent-ID: <{0}>\r\n\r\n"
        "POST /drive/v3/files\r\nContent-Type: application/json\r\n\r\n"
        '{{"name": "{0}"}}\r\n'
    )
    body = "".join(part.format(number) for number in range(4)) + "--b--\r\n"
    headers = {**authorized(drive), "Content-Type": "multipart/mixed; boundary=b"}
    reply = drive.dispatch(
        Request.make("POST", "/batch/drive/v3", headers=headers, body=body.encode())
    )
    assert reply.status == 200
    assert reply.content().count(b"HTTP/1.1 200") == 3
    assert reply.content().count(b"HTTP/1.1 403") == 1
    assert len(names(drive)) == 3


def test_a_chunk_is_kept_in_part_and_a_session_vanishes(drive: LocalDrive) -> None:
    headers = authorized(drive)
    begun = drive.dispatch(
        Request.make("POST", "/upload/drive/v3/files?uploadType=resumable", headers=headers)
    )
    session = urlsplit(begun.headers["Location"])
    target = f"{session.path}?{session.query}"

    def put(span: str, size: int) -> Response:
        return drive.dispatch(
            Request.make(
                "PUT", target, headers={"Content-Range": f"bytes {span}"}, body=b"x" * size
            )
        )

    granule = 256 * 1024
    drive.faults.add(parse_fault(f"*:keep:bytes={granule}:times=1"))
    partly = put(f"0-{2 * granule - 1}/{3 * granule}", 2 * granule)
    assert (partly.status, partly.headers["Range"]) == (308, f"bytes=0-{granule - 1}")
    drive.faults.add(parse_fault("upload.put:404:method=PUT:times=1"))
    assert put(f"{granule}-{3 * granule - 1}/{3 * granule}", 2 * granule).status == 404
    drive.faults.assert_all_fired()


def test_faults_on_the_wire(drive: LocalDrive) -> None:
    with LocalDriveServer(drive) as server:

        def ask(text: str) -> bytes:
            drive.faults.clear()
            drive.faults.add(parse_fault(text))
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
            try:
                connection.request("GET", "/drive/v3/about?fields=*", headers=authorized(drive))
                return connection.getresponse().read()
            finally:
                connection.close()
                drive.faults.assert_all_fired()

        whole = ask("about.get:drip:bytes=100:seconds=0.5")
        assert json.loads(whole)["user"]
        for text in ("refused", "lost", "hang:seconds=60", "cut:bytes=50"):
            with pytest.raises((ConnectionError, http.client.HTTPException)):
                ask(f"about.get:{text}")
        with pytest.raises(http.client.IncompleteRead):
            ask("about.get:cut:bytes=50:orderly")
