"""What every test stands on: no real home, no secrets from outside, fixed seeds, own clock."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import figures
from tests.canary import plugin
from tests.matrix import printing
from tests.virtual_clock import VirtualClock

settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,  # a busy machine is no bug
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

_KEPT = ("DRIVE_SYNC_LIVE_CLIENT", "DRIVE_SYNC_SEED", "DRIVE_SYNC_TORTURE", figures.JOURNAL)
_FOREIGN = ("DRIVE_SYNC_", "JUPYTERHUB_", "GOOGLE_", "CLOUDSDK_", "XDG_", "RCLONE_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir")


def is_foreign(name: str) -> bool:
    """Tell whether a variable of the machine could change what a test sees."""
    if name in _KEPT:
        return False
    return name.startswith(_FOREIGN) or name.lower() in _PROXIES


def pytest_configure(config: pytest.Config) -> None:
    """Heed Ctrl-C: a run in the background of a shell ignores it, and so would our children."""
    config.pluginmanager.register(printing)
    config.pluginmanager.register(plugin, "canary")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """Say which Drives the contract suite judges."""
    client = os.environ.get("DRIVE_SYNC_LIVE_CLIENT")
    if client:
        return f"contract: the real Google, by {client}"
    return (
        "contract: LocalDrive only; set DRIVE_SYNC_LIVE_CLIENT to a credentials file to judge "
        "the real Google too (tests/contract/README.md)"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what an interrupted `make torture` has passed already."""
    done = figures.done()
    again = [item for item in items if item.nodeid not in done]
    if len(again) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in done])
        items[:] = again


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin a test's page in the journal of figures."""
    figures.began(item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note in the journal of figures that a test passed."""
    report = yield
    if report.when == "call" and report.passed:
        figures.passed(item.nodeid)
    return report


@pytest.fixture
def unmeasured_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let children run without the tracer, which takes a third: others cover what they do."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture(autouse=True)
def sealed_world(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give each test a world of its own; its folder holds HOME and the XDG folders."""
    for name in list(os.environ):
        if is_foreign(name):
            monkeypatch.delenv(name)
    world = tmp_path_factory.mktemp("world")
    monkeypatch.setenv("HOME", str(world))
    monkeypatch.setenv("XDG_STATE_HOME", str(world / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(world / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(world / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(world / "data"))
    random.seed(0)
    return world


@pytest.fixture
def clock() -> VirtualClock:
    """Give a clock that nobody waits for."""
    return VirtualClock()


@pytest.fixture(scope="session")
def torture() -> int:
    """Say how many random cases a long test tries: `make torture N=...`."""
    return int(os.environ.get("DRIVE_SYNC_TORTURE", "20000"))


@pytest.fixture
def silenced() -> Iterator[None]:
    """Google's own library tells tokens and codes at DEBUG: whoever uses it has to silence it."""
    from jupyter_drive_sync.drive.exchange import quiet  # noqa: PLC0415 - brings that library in

    with quiet():
        yield
