"""What we cost a page before it stands: script time of our own, and what is loaded for it."""

from __future__ import annotations

import gzip
import statistics
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Response, expect

from tests.e2e.jupyter_page import jupyter, new_context, open_page
from tests.e2e.test_panel import LAB, SCROLL, many

_LOADS = 10
_MOST_MS = 30.0
_MOST_BYTES = 60_000
_MOST_SCROLL_MS = 50.0
_MOST_ROWS = 80

_SPENT = """() => {
  const until = performance.getEntriesByName('drive-sync:restored')[0].startTime;
  return performance.getEntriesByType('measure')
    .filter(each => each.name.startsWith('drive-sync:') && each.startTime <= until)
    .map(each => [each.name, each.duration]);
}"""
_STANDS = "() => performance.getEntriesByName('drive-sync:restored').length > 0"


@pytest.mark.bench
def test_what_a_page_pays(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At most 30 ms of script before the page stands (median of 10), 60 KB of gzip loaded first."""
    spent: list[float] = []
    first: dict[str, int] = {}
    with jupyter(tmp_path) as server:
        for _ in range(_LOADS):
            context = new_context(browser)
            answers = _answers(context)
            page = open_page(context, server, "/lab")
            page.wait_for_function(_STANDS)
            entries: list[list[Any]] = page.evaluate(_SPENT)
            assert {name.split(" ")[0] for name, _ in entries} == {
                "drive-sync:load",
                "drive-sync:activate",
            }
            assert len(entries) == 5  # the modules, and four plugins
            spent.append(sum(duration for _, duration in entries))
            if not first:
                first = _sizes(answers)
            expect(page.locator(".jp-DriveSync-stateButton").first).to_be_visible()
            context.close()
    median, size = statistics.median(spent), sum(first.values())
    with capsys.disabled():
        print(  # noqa: T201
            f"\nbefore the page stands: {median:.1f} ms of our script (median of {_LOADS}, "
            f"{min(spent):.1f} to {max(spent):.1f}), "
            f"{size / 1000:.1f} KB gzip in {len(first)} files"
        )
    assert len(first) >= 2, first  # the entry, and what it brings
    assert median <= _MOST_MS
    assert size <= _MOST_BYTES, first


@pytest.mark.bench
def test_ten_thousand_rows(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two frames a step, as a screen draws them (33 ms), and no more rows than are seen."""
    with jupyter(tmp_path) as server:
        context = new_context(browser)
        page = open_page(context, server, LAB)
        page.route("**/drive-sync/api/**", many)
        page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
        page.locator(".jp-DriveSync-statusButton").click()
        files = page.get_by_role("list", name="Files of this sync")
        expect(files.get_by_role("listitem").first).to_contain_text("file 0.csv")
        found = files.evaluate(SCROLL)
        with capsys.disabled():
            print(  # noqa: T201
                f"\n10,000 rows: {found['median']:.1f} ms for two frames of a scroll of 240 rows "
                f"(median of 40), at most {found['most']} rows drawn"
            )
        context.close()
    assert found["median"] < _MOST_SCROLL_MS
    assert found["most"] < _MOST_ROWS


def _answers(context: BrowserContext) -> list[Response]:
    """Return a list to which each answer of a server is added."""
    answers: list[Response] = []
    # Playwright cannot take the bound method itself: it has no room for its mark.
    context.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108
    return answers


def _sizes(answers: list[Response]) -> dict[str, int]:
    """Return how large our files are that were loaded so far, compressed."""
    return {
        answer.url.split("?")[0].rsplit("/", 1)[1]: len(gzip.compress(answer.body()))
        for answer in answers
        if "/extensions/jupyter-drive-sync/" in answer.url and answer.ok
    }
