"""The two multipart forms that Drive speaks: a file with its metadata, and a batch of calls.

Sources: Drive guide, "Upload file data" (multipart upload); Drive guide, "Improve performance"
(batching requests); RFC 2387, RFC 2046.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from random import Random
from typing import Any
from urllib.parse import urlsplit

from jupyter_drive_sync.drive.wire import Reply


@dataclass(frozen=True, slots=True)
class Part:
    """One call of a batch."""

    method: str
    uri: str
    body: str | None
    """JSON, None for none."""


def related(
    metadata: Mapping[str, Any], content: bytes, mime: str, random: Random
) -> tuple[bytes, str]:
    """Join a file's metadata and content to a body.

    Returns:
        The body, and its content type.
    """
    boundary = _boundary(random, content)
    head = (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
        f"{json.dumps(metadata)}\r\n--{boundary}\r\nContent-Type: {mime}\r\n"
        "Content-Transfer-Encoding: binary\r\n\r\n"
    )
    body = b"".join((head.encode(), content, f"\r\n--{boundary}--\r\n".encode()))
    return body, f'multipart/related; boundary="{boundary}"'


def mixed(parts: Sequence[Part], random: Random) -> tuple[bytes, str]:
    """Join calls to the body of a batch.

    Returns:
        The body, and its content type.
    """
    boundary = _boundary(random, b"")
    pieces = []
    for number, part in enumerate(parts):
        address = urlsplit(part.uri)
        target = f"{address.path}?{address.query}" if address.query else address.path
        content = "" if part.body is None else f"Content-Type: application/json\r\n\r\n{part.body}"
        pieces.append(
            f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n"
            f"Content-Transfer-Encoding: binary\r\n\r\n"
            f"{part.method} {target} HTTP/1.1\r\n{content or chr(13) + chr(10)}\r\n"
        )
    pieces.append(f"--{boundary}--\r\n")
    return "".join(pieces).encode(), f'multipart/mixed; boundary="{boundary}"'


def parts_of(reply: Reply, count: int) -> list[Reply | None]:
    """Take the reply of a batch apart.

    Returns:
        The reply of each call in the order of the calls, None where there is none.

    Raises:
        ValueError: it is no multipart reply.
    """
    kind = reply.headers.get("content-type", "")
    message = BytesParser(policy=HTTP).parsebytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + reply.body
    )
    if not message.is_multipart():
        raise ValueError("no multipart reply")
    found: list[Reply | None] = [None] * count
    for part in message.iter_parts():
        number = str(part.get("Content-ID", "")).strip("<>").rpartition("-")[2]
        if number.isascii() and number.isdigit() and int(number) < count:
            found[int(number)] = _inner(_payload(part))
    return found


def _inner(raw: bytes) -> Reply | None:
    """Read the HTTP reply inside a part; None for a torn one."""
    line, _, rest = raw.partition(b"\r\n" if b"\r\n" in raw else b"\n")
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return None
    message = BytesParser(policy=HTTP).parsebytes(rest)
    headers = {name.lower(): str(value) for name, value in message.items()}
    return Reply(int(words[1]), headers, _payload(message))


def _payload(message: Message) -> bytes:
    payload = message.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _boundary(random: Random, content: bytes) -> str:
    while True:
        boundary = f"=={random.getrandbits(128):032x}=="
        if boundary.encode() not in content:
            return boundary
