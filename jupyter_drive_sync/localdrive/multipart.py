"""Bodies of several parts: `multipart/related` uploads and `multipart/mixed` batches.

Source: RFC 2046, section 5.1. Line ends are CRLF there; google-api-python-client ends lines by LF
alone, and Google takes that too: the first boundary line tells which it is.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

_FOLD = re.compile(r"\n[ \t]+")


class MultipartError(ValueError):
    """A body that is not what its Content-Type says."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        headers: Values by lower-case name.
        content: The part's bytes, decoded from base64 if it says so.
    """

    headers: Mapping[str, str]
    content: bytes


def boundary_of(content_type: str | None) -> str:
    """Return the boundary that a Content-Type names.

    Raises:
        MultipartError: There is none.
    """
    message = Message()
    message["content-type"] = content_type or ""
    boundary = message.get_boundary()
    if message.get_content_maintype() != "multipart" or not boundary:
        raise MultipartError("no boundary")
    return boundary


def split_head(text: bytes) -> tuple[list[str], bytes]:
    """Split a message into the lines of its head and its body."""
    found = [(text.find(mark), len(mark)) for mark in (b"\r\n\r\n", b"\n\n") if mark in text]
    at, length = min(found, default=(len(text), 0))
    return text[:at].decode("latin-1").splitlines(), text[at + length :]


def headers_of(lines: list[str]) -> dict[str, str]:
    """Read header lines; a folded one goes on in lines that begin with a blank (RFC 2046).

    Raises:
        MultipartError: A line is no header.
    """
    found: dict[str, str] = {}
    for line in _FOLD.sub(" ", "\n".join(lines)).split("\n") if lines else ():
        name, colon, value = line.partition(":")
        if not colon:
            raise MultipartError("malformed header")
        found[name.strip().lower()] = value.strip()
    return found


def parse(content_type: str | None, body: bytes) -> list[Part]:
    """Split a body into its parts.

    Raises:
        MultipartError: It has no boundary, no end, or a malformed part.
    """
    delimiter = re.escape(b"--" + boundary_of(content_type).encode("latin-1"))
    first = re.search(rb"(?:^|\n)" + delimiter + rb"[ \t]*(\r?\n)", body)
    if first is None:
        raise MultipartError("boundary not found")
    line_end: bytes = first[1]
    lines = re.compile(line_end + delimiter + rb"(--)?[ \t]*(?:" + line_end + rb"|\Z)")
    parts: list[Part] = []
    # A part may be empty: the line end before it serves for the next boundary too.
    start = first.end() - len(line_end)
    while (found := lines.search(body, start)) is not None:
        parts.append(_part(body[start + len(line_end) : found.start()], line_end))
        if found[1] is not None:
            return parts
        start = found.end() - len(line_end)
    raise MultipartError("the last boundary is missing")


def _part(piece: bytes, line_end: bytes) -> Part:
    if piece.startswith(line_end):
        return Part({}, piece[len(line_end) :])
    head, _, content = piece.partition(line_end + line_end)
    headers = headers_of(head.decode("latin-1").splitlines())
    if headers.get("content-transfer-encoding", "").lower() == "base64":
        try:
            content = base64.b64decode(content, validate=False)
        except binascii.Error as error:
            raise MultipartError("malformed base64") from error
    return Part(headers, content)
