"""Where the contract stands: LocalDrive, or Google when `DRIVE_SYNC_LIVE_CLIENT` says so."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.drives import LAG, Local, live, local
from tests.contract.ground import FOLDER, Ground

HERE = Path(__file__).parent
LIVE_CLIENT = os.environ.get("DRIVE_SYNC_LIVE_CLIENT", "")
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let these tests, and no others, reach Google when they are to."""
    for item in items:
        if LIVE_CLIENT and HERE in item.path.parents:
            item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(scope="session", params=["Google"] if LIVE_CLIENT else ["prompt", "late"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which Drive: the real one, or a LocalDrive whose listings and feed are prompt, or late."""
    return str(request.param)


@pytest.fixture(scope="session")
def served(kind: str) -> Iterator[Local | None]:
    """LocalDrive, running; None where Google is judged."""
    if kind == "Google":
        yield None
        return
    with local(LAG if kind == "late" else 0.0) as drive:
        yield drive


@pytest.fixture(scope="session")
def local_drive(served: Local | None) -> Local:
    """LocalDrive, for what cannot be asked of a real account."""
    if served is None:
        pytest.skip("needs a second client or account, or rights over a whole Drive")
    return served


@pytest.fixture(scope="session")
def drive(served: Local | None) -> Iterator[Ground]:
    """The Drive under judgement, through our client."""
    with contextlib.ExitStack() as ends:
        ground = served.ours() if served else ends.enter_context(live(Path(LIVE_CLIENT)))
        ends.enter_context(contextlib.closing(ground.service))
        yield ground


@pytest.fixture(scope="session")
def run_ground(drive: Ground) -> Iterator[Ground]:
    """The one folder that a run makes, deleted at its end."""
    made = drive.files.create(
        body={"name": "Contract tests (safe to delete)", "mimeType": FOLDER}
    ).execute()
    yield dataclasses.replace(drive, folder=made["id"])
    drive.files.delete(fileId=made["id"]).execute()


@pytest.fixture
def ground(run_ground: Ground) -> Ground:
    """A folder of the test's own."""
    folder = run_ground.make_folder(f"test {next(_numbers)}")
    return dataclasses.replace(run_ground, folder=folder["id"])


@pytest.fixture
def other(local_drive: Local) -> Iterator[Callable[[Ground], Ground]]:
    """Give others a folder of their own and end their connections."""
    with contextlib.ExitStack() as ends:

        def admit(ground: Ground) -> Ground:
            ends.enter_context(contextlib.closing(ground.service))
            made = ground.files.create(body={"name": "theirs", "mimeType": FOLDER}).execute()
            return dataclasses.replace(ground, folder=made["id"])

        yield admit


@pytest.fixture
def whole_drive(local_drive: Local, other: Callable[[Ground], Ground]) -> Ground:
    """The account's whole Drive, as its owner sees it."""
    return other(local_drive.whole_drive())


@pytest.fixture
def stranger(local_drive: Local, other: Callable[[Ground], Ground]) -> Ground:
    """The same account through another project's client."""
    return other(local_drive.stranger())


@pytest.fixture
def other_account(local_drive: Local, other: Callable[[Ground], Ground]) -> Ground:
    """Another account through our client."""
    return other(local_drive.other_account())


@pytest.fixture
def friend(local_drive: Local) -> Iterator[Ground]:
    """Another account's whole Drive, without a folder of its own."""
    ground = local_drive.friend()
    with contextlib.closing(ground.service):
        yield ground


@pytest.fixture
def service(local_drive: Local) -> Iterator[Ground]:
    """A service account that reads."""
    ground, _ = local_drive.service()
    with contextlib.closing(ground.service):
        yield ground


@pytest.fixture
def reader(local_drive: Local) -> Iterator[Ground]:
    """The account's whole Drive, to be read only."""
    ground = local_drive.reader()
    with contextlib.closing(ground.service):
        yield ground
