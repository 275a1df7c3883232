"""The browser, once for all tests; a page's failure leaves a picture beside its log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright

from tests.e2e.jupyter_page import CHROMIUM, LEAKS, new_context


@pytest.fixture(autouse=True)
def no_secret_in_the_console() -> Iterator[None]:
    """Fail a test in which a page wrote a secret to its console."""
    LEAKS.clear()
    yield
    assert LEAKS == []


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Start what drives a browser."""
    if not CHROMIUM:
        pytest.skip("NO BROWSER TESTS: Chromium is not installed (Debian: apt install chromium)")
    expect.set_options(timeout=90_000)  # a busy machine is no bug
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Start Chromium."""
    chromium = playwright.chromium.launch(executable_path=CHROMIUM)
    yield chromium
    chromium.close()


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    """Open a window of its own for a test."""
    context = new_context(browser)
    yield context
    context.close()
