"""Bodies of several parts: `multipart/related` uploads and `multipart/mixed` batches.

Source: RFC 2046, section 5.1. Line ends are CRLF there; google-api-python-client ends lines by LF
alone, and Google takes that too: the first boundary line tells which it is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message


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
    """Read header lines.

    Raises:
        MultipartError: A line is no header.
    """
    found: dict[str, str] = {}
    for line in lines:
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
    delimiter = b"--" + boundary_of(content_type).encode("latin-1")
    start = 0 if body.startswith(delimiter) else body.find(b"\n" + delimiter) + 1
    if not body.startswith(delimiter, start):
        raise MultipartError("boundary not found")
    after = body[start + len(delimiter) : start + len(delimiter) + 2]
    line_end = b"\r\n" if after == b"\r\n" else b"\n"
    pieces = (line_end + body[start:]).split(line_end + delimiter)
    if not pieces[-1].startswith(b"--"):
        raise MultipartError("the last boundary is missing")
    return [_part(piece, line_end) for piece in pieces[1:-1]]


def _part(piece: bytes, line_end: bytes) -> Part:
    piece = piece.lstrip(b" \t").removeprefix(line_end)
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
