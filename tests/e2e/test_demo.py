"""`make demo` as a newcomer uses it: from the question to the mirrored tree on its LocalDrive."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.jupyter_page import answer, new_context


@pytest.fixture
def said() -> Iterator[str]:
    """Run the demo; what it told its newcomer."""
    command = [sys.executable, "-m", "jupyter_drive_sync.cli", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        while "Ctrl-C" not in text:
            line = process.stdout.readline()
            assert line, text
            text += line
        yield text
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_from_the_question_to_the_mirrored_tree(browser: Browser, said: str) -> None:
    lab = re.search(r"JupyterLab, with a sample home:\s+(\S+)", said)
    drive = re.search(r"LocalDrive, as a browser shows it:\s+(\S+)", said)
    assert lab is not None
    assert drive is not None
    window = new_context(browser)
    page = window.new_page()
    page.goto(lab[1])
    question = page.get_by_text("Back up your files to your own Google Drive?")
    expect(question).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Authorize Google Drive").last.click()
    dialog = page.get_by_role("dialog")
    with window.expect_page() as consent:
        dialog.get_by_role("button", name="Continue to Google").click()
    answer(consent.value, "Allow")
    expect(consent.value.get_by_role("heading")).to_contain_text("You can close this tab")
    consent.value.close()
    panel = page.get_by_role("region", name="Google Drive")
    expect(panel.get_by_role("progressbar")).to_be_visible()
    expect(panel.get_by_role("heading", name=re.compile("^Synced "))).to_be_visible(timeout=60_000)

    # The tree, as LocalDrive shows it: by our button, and by the address that the demo told.
    with window.expect_page() as opened:
        panel.get_by_role("button", name="Open in Google Drive").first.click()
    shown = opened.value
    for name in ("data8", "lab01"):
        shown.get_by_role("link", name=name, exact=True).first.click()
    expect(shown.get_by_role("link", name="lab01.ipynb", exact=True).first).to_be_visible()
    shown.goto(drive[1])
    expect(shown.get_by_role("link", name="home", exact=True).first).to_be_visible()
    window.close()
