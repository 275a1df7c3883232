"""HTML documents of LocalDrive: escaped by construction, one style, no script.

A child that is a plain `str` is text and gets escaped; only what `element` made is markup. So a
file named `<script>` is shown, never run.
"""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

from jupyter_drive_sync.localdrive.wire import Response

_VOID: Final = frozenset({"input", "meta", "br", "hr", "link"})
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str | None, **attributes: str | bool | None) -> Markup:
    """Build an element.

    Args:
        tag: Its name.
        *children: Text, or markup made by this function; None is left out.
        **attributes: A final underscore is dropped and others become hyphens (`class_`,
            `aria_label`); True is an attribute without a value, False and None none at all.
    """
    inside = "".join(
        child if isinstance(child, Markup) else escape(_visible(child))
        for child in children
        if child is not None
    )
    words = [tag]
    for name, value in attributes.items():
        label = name.rstrip("_").replace("_", "-")
        if value is True:
            words.append(label)
        elif value not in (None, False):
            words.append(f'{label}="{escape(str(value))}"')
    start = f"<{' '.join(words)}>"
    return Markup(start if tag in _VOID else f"{start}{inside}</{tag}>")


def join(*parts: Markup | None) -> Markup:
    """Put pieces of markup one after the other; None is left out."""
    return Markup("".join(part for part in parts if part is not None))


@cache
def _style() -> str:
    return files(__package__).joinpath("style.css").read_text(encoding="utf-8")


def _visible(text: str) -> str:
    """Show what would be invisible or turn a line around: controls, surrogates, bidi marks."""
    return "".join(char if _is_plain(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _is_plain(char: str) -> bool:
    code = ord(char)
    control = code < 0x20 or 0x7F <= code < 0xA0
    bidi = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 or code in (0x200E, 0x200F)
    return not (control or bidi or 0xD800 <= code <= 0xDFFF)


def document(
    title: str, *body: Markup | None, status: int = 200, narrow: bool = False, crumb: str = ""
) -> Response:
    """Build a page.

    Args:
        title: The window's title.
        *body: What stands in the page's main part.
        status: The HTTP status.
        narrow: A single card in the middle, for questions; else the page's full width.
        crumb: What stands beside the name in the head line.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title} \N{EN DASH} LocalDrive"),
        element("style", Markup(_style())),
    )
    banner = element(
        "header",
        element("a", element("b", "LocalDrive"), href="/"),
        element("span", crumb) if crumb else None,
        element(
            "small",
            "a stand-in for Google Drive on this machine; nothing here is Google's",
        ),
    )
    main = element("main", *body, class_="narrow" if narrow else None)
    page = "<!DOCTYPE html>\n" + element("html", head, element("body", banner, main), lang="en")
    reply = Response.of_text(page, status)
    return Response(status, {**reply.headers, **_HEADERS}, reply.body)
