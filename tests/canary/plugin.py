"""The canary of the suite (law 13): a test during which a secret slips out fails, by its name."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests import figures
from tests.canary import hooks
from tests.canary.watch import current, renew

FIXTURES_OF_A_SERVER = frozenset({"jp_serverapp", "jp_web_app", "service"})


hooks.install()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin with a test."""
    renew()
    hooks.install_late()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """Watch also what the fixtures have brought in."""
    hooks.install_late()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at what was said, and at the end at what was left behind."""
    report = yield
    watch = current()
    for title, content in report.sections:
        watch.look("output", title, content)
    if report.when == "teardown":
        if FIXTURES_OF_A_SERVER & set(getattr(item, "fixturenames", ())):
            hooks.look_at_metrics()
        found = watch.finish()
        figures.record("canary tests", 1)
        figures.record("canary hits", len(found))
        if found:
            report.outcome = "failed"
            before = f"{report.longrepr}\n" if report.longrepr else ""
            report.longrepr = before + "A secret has slipped out:\n  " + "\n  ".join(found)
    return report
