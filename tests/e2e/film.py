"""The animated picture that opens the README: `python -m tests.e2e.film PICTURE.webp`.

From the question over consent to "synced", of a real first sync against LocalDrive.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.jupyter_page import answer, new_context, open_page, shows
from tests.e2e.stills import LAB, slowly

SIZE: Final = {"width": 960, "height": 560}
MOST_BYTES: Final = 1_500_000
_POINT: Final = """([x, y]) => {
  const dot = document.createElement('div');
  dot.className = 'the-pointer';
  dot.style.cssText = `position: fixed; left: ${x - 13}px; top: ${y - 13}px; width: 26px;
    height: 26px; border-radius: 50%; background: #f379; border: 2px solid #c2410c;
    box-sizing: border-box; z-index: 2147483647; pointer-events: none`;
  (document.querySelector('dialog[open]') ?? document.body).append(dot);
}"""
_NO_POINTER: Final = "() => document.querySelectorAll('.the-pointer').forEach(dot => dot.remove())"
Frame = tuple[Image.Image, int]


def _frame(page: Page, milliseconds: int) -> Frame:
    page.evaluate(
        "() => Promise.all([...document.querySelectorAll('.jp-DriveSync-toast')]"
        ".flatMap(node => node.getAnimations()).map(each => each.finished.catch(() => undefined)))"
    )
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB"), milliseconds


def _press(page: Page, button: Locator) -> Frame:
    """Show where somebody presses; the press itself is left to the caller."""
    box = button.bounding_box()
    assert box is not None
    page.evaluate(_POINT, [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    frame = _frame(page, 900)
    page.evaluate(_NO_POINTER)
    return frame


def frames(page: Page) -> Iterator[Frame]:
    """Go from the question to the first sync's end, and show each step."""
    toast = page.locator(".jp-DriveSync-toast")
    expect(toast).to_be_visible()
    page.wait_for_load_state("networkidle")
    yield _frame(page, 2200)
    authorize = toast.get_by_role("button", name="Authorize Google Drive")
    yield _press(page, authorize)
    authorize.click()
    dialog = page.locator(".jp-DriveSync-dialog")
    expect(dialog).to_contain_text("My Drive/home/ann")
    onward = dialog.get_by_role("button", name="Continue to Google")
    yield _frame(page, 2600)
    yield _press(page, onward)
    with page.context.expect_page() as opened:
        onward.click()
    consent = opened.value
    consent.set_viewport_size(SIZE)
    consent.wait_for_load_state("networkidle")
    allow = consent.get_by_role("button", name="Allow")
    allow.scroll_into_view_if_needed()
    yield _frame(consent, 1800)
    yield _press(consent, allow)
    answer(consent, "Allow")
    consent.wait_for_url("**/drive-sync/oauth2callback*")
    yield _frame(consent, 1500)
    consent.close()
    heading = page.locator(".jp-DriveSync-panel").get_by_role("heading", level=2)
    for tens in range(1, 8):
        expect(heading).to_contain_text(re.compile(rf"{tens}\d of \d\d"))
        yield _frame(page, 450)
    shows(page, "synced", seconds=240)
    expect(heading).to_contain_text("Synced")
    expect(page.locator(".jp-DriveSync-panel").get_by_role("meter")).to_be_attached()
    page.wait_for_load_state("networkidle")
    yield _frame(page, 3500)


def main(picture: Path) -> None:
    """Take it.

    Raises:
        SystemExit: it became too large.
    """
    with slowly(latency=0.3) as (server, browser):
        page = open_page(new_context(browser), server, LAB)
        page.set_viewport_size(SIZE)
        taken = list(frames(page))
    first, *rest = [image for image, _ in taken]
    durations = [milliseconds for _, milliseconds in taken]
    first.save(picture, save_all=True, append_images=rest, duration=durations, loop=0, quality=80,
               method=6)  # fmt: skip
    if picture.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{picture} has {picture.stat().st_size} bytes, more than {MOST_BYTES}.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
