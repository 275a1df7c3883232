"""A LocalDrive under a clock that stands still, and one on a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.localdrive.caller import Caller, caller
from tests.localdrive.consenting import Site


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make_drive(clock: ManualClock) -> Iterator[Callable[..., LocalDrive]]:
    """Make Drives with settings of one's own: `make_drive(listing_lag=5)`."""
    made: list[LocalDrive] = []

    def make(seed: int = 0, **settings: object) -> LocalDrive:
        drive = LocalDrive(clock=clock, seed=seed, settings=LocalDriveSettings(**settings))  # type: ignore[arg-type]
        made.append(drive)
        return drive

    yield make
    for drive in made:
        drive.close()


@pytest.fixture
def drive(make_drive: Callable[..., LocalDrive]) -> LocalDrive:
    return make_drive()


@pytest.fixture
def server(drive: LocalDrive) -> Iterator[LocalDriveServer]:
    with LocalDriveServer(drive) as running:
        yield running


@pytest.fixture
def ann(drive: LocalDrive) -> Caller:
    """Ann through our client, with `drive.file`."""
    return caller(drive)


@pytest.fixture
def owner(drive: LocalDrive) -> Caller:
    """Ann with her whole Drive."""
    return caller(drive, scopes=("drive",))


@pytest.fixture
def site() -> Site:
    """Give LocalDrive's consent."""
    return Site()
