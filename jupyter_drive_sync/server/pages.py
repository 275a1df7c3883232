"""The pages on which a browser ends that comes back from Google."""

from __future__ import annotations

from typing import Final

from jupyter_drive_sync.runner.page import Page

_AGAIN: Final = "Go back to Jupyter and press Authorize again."


def connected(email: str, storage: str = "") -> Page:
    """Say that it worked, for the mirror of the home or for one storage."""
    title = "Connected. You can close this tab."
    if storage:
        said = f"Jupyter may now use the Google Drive of {email} for the storage {storage} alone."
        return Page("connected", 200, title, said)
    return Page(
        "connected",
        200,
        title,
        f"Jupyter may now copy your files to the Google Drive of {email}. It sees only what it "
        "copied there itself.",
    )


def denied(sentence: str) -> Page:
    """Say that the answer was no."""
    again = f"If you change your mind, {_AGAIN[0].lower()}{_AGAIN[1:]}"
    return Page("denied", 400, "Not connected", f"{_plain(sentence)} {again}")


def failed(sentence: str) -> Page:
    """Say that Google's yes could not be used."""
    return Page("failed", 502, "Not connected", f"{_plain(sentence)} {_AGAIN}")


def _plain(sentence: str) -> str:
    """Leave out what would be typed in a terminal: who reads this has a browser."""
    parts = [part for part in sentence.split(". ") if "`" not in part and "--" not in part]
    return ". ".join(parts).removesuffix(".") + "." if parts else sentence


EXPIRED: Final = Page(
    "expired",
    410,
    "This took too long",
    f"The question to Google was open for more than 10 minutes, or was asked anew. {_AGAIN}",
)
REPLAYED: Final = Page(
    "replayed",
    409,
    "This page was used already",
    "An answer from Google counts once; nothing was done a second time. Go back to Jupyter: it "
    "shows whether it is connected. If it is not, press Authorize again.",
)
FORGED: Final = Page(
    "forged",
    403,
    "This answer was not asked for",
    "It belongs to no question that this browser asked, so nothing was done with it. If you wanted "
    "to connect your Google Drive, go back to Jupyter, in this browser, and press Authorize.",
)
LOGGED_OUT: Final = Page(
    "logged_out",
    403,
    "You are not logged in here",
    "Nothing was done with Google's answer. Open Jupyter in this browser, log in, and press "
    "Authorize again.",
)
FORBIDDEN: Final = Page(
    "forbidden",
    403,
    "This is not your server",
    "Only its owner can connect a Google Drive here; nothing was done with Google's answer.",
)
BROKEN: Final = Page(
    "broken",
    500,
    "Something went wrong",
    f"We did not foresee this; your files are untouched. {_AGAIN}",
)
