"""How fast one user may go, and what the log counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.drive import LocalDrive
from tests.localdrive.caller import BEN, caller, target_of


def test_writes_are_throttled_by_user(
    make_drive: Callable[..., LocalDrive], clock: ManualClock
) -> None:
    drive = make_drive(writes_per_second=2, write_burst=3)
    ann, ben = caller(drive), caller(drive, BEN)
    for name in "abc":
        ann.create(name)
    assert ann.refused("POST", "/files") == (403, "userRateLimitExceeded")
    refusal = ann.send("POST", target_of("/files"))
    assert refusal.json()["error"]["errors"][0]["domain"] == "usageLimits"
    assert "Retry-After" not in refusal.headers
    ben.create("ben's")
    assert len(ann.names()) == 3
    clock.advance(0.5)
    ann.create("d")
    assert ann.refused("POST", "/files") == (403, "userRateLimitExceeded")
    clock.advance(60)
    for name in "efg":
        ann.create(name)
    assert ann.refused("POST", "/files")[0] == 403


def test_a_throttle_may_say_when_to_come_back(make_drive: Callable[..., LocalDrive]) -> None:
    drive = make_drive(
        writes_per_second=0.2, write_burst=1, throttle_status=429, throttle_retry_after=True
    )
    ann = caller(drive)
    ann.create("a")
    refusal = ann.send("POST", target_of("/files"))
    assert (refusal.status, refusal.headers["Retry-After"]) == (429, "5")
    assert ann.names() == ["a"]


def test_units_by_the_minute(make_drive: Callable[..., LocalDrive], clock: ManualClock) -> None:
    drive = make_drive(units_per_minute=205)
    ann = caller(drive)
    ann.names()
    file = ann.create("a")["id"]
    ann.create("b")
    ann.get(file)
    assert drive.log.units() == 205
    assert ann.refused("GET", f"/files/{file}") == (403, "userRateLimitExceeded")
    clock.advance(60)
    ann.get(file)


@pytest.mark.parametrize(
    ("method", "path", "units"),
    [
        ("GET", "/files/{file}", 5),
        ("GET", "/files", 100),
        ("GET", "/files/{file}?alt=media", 200),
        ("PATCH", "/files/{file}", 50),
        ("GET", "/about?fields=kind", 5),
        ("GET", "/files/generateIds", 5),
        ("GET", "/changes/startPageToken", 5),
        ("GET", "/files/{file}/revisions", 100),
        ("DELETE", "/files/{file}", 50),
    ],
)
def test_units_of_methods(drive: LocalDrive, method: str, path: str, units: int) -> None:
    ann = caller(drive)
    file = ann.create("file", b"x")["id"]
    drive.log.clear()
    ann.send(method, target_of(path.format(file=file)))
    (record,) = drive.log.records
    assert (record.units, record.account) == (units, "ann@example.edu")


def test_the_log_counts(drive: LocalDrive) -> None:
    ann = caller(drive)
    ann.create("plain")
    ann.create("with content", b"x")
    ann.send("GET", "/tokeninfo?access_token=x")
    ann.send("GET", "/nothing")
    assert drive.log.counts() == {"files.create": 2, "": 1}
    assert drive.log.count("files.create") == 2
    assert drive.log.count() == 3
    assert drive.log.token_count() == 1
    assert [each.upload_type for each in drive.log.records[:2]] == [None, "multipart"]
    drive.log.clear()
    assert drive.log.records == []


def test_latency(make_drive: Callable[..., LocalDrive], clock: ManualClock) -> None:
    ann = caller(make_drive(latency=0.25))
    before = clock.now()
    ann.names()
    ann.names()
    assert clock.now() == before + 0.5
