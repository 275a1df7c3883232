"""What crosses the wire, as plain values: requests, replies, and how a reply is delivered.

Nothing here knows of sockets, files or Drive. The threaded server (`http`) and the in-process
caller of the tests speak the same two types, so that a whole Drive can run under a virtual clock.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

JSON_TYPE = "application/json; charset=UTF-8"


class BodyCutError(ConnectionError):
    """The sender of a request body vanished before its end."""


class Body(Protocol):
    """A request body that is read once, front to back."""

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, `b""` at the end.

        Raises:
            BodyCutError: The connection ended before the body did.
        """


class BytesBody:
    """A request body that is at hand; `cut_at` makes the sender vanish after so many bytes."""

    __slots__ = ("_content", "_cut_at", "_position")

    def __init__(self, content: bytes = b"", *, cut_at: int | None = None) -> None:
        self._content = content
        self._position = 0
        self._cut_at = cut_at

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes (see `Body.read`)."""
        end = self._position + size
        if self._cut_at is not None:
            if self._position >= self._cut_at:
                raise BodyCutError("the sender vanished")
            end = min(end, self._cut_at)
        piece = self._content[self._position : end]
        self._position += len(piece)
        return piece


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        method: Upper-case method.
        path: The path as sent, still percent-encoded, without the query.
        parameters: Query parameters, decoded; a repeated one keeps all its values.
        headers: Header values by lower-case name; repeated ones joined by ", ".
        body: The body, decoded from chunked transfer encoding.
        base_url: Scheme, host and port at which the client reached us, without a final slash.
    """

    method: str
    path: str
    parameters: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    body: Body
    base_url: str

    @classmethod
    def make(
        cls,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Body = b"",
        base_url: str = "http://localdrive",
    ) -> Request:
        """Build a request from a request target such as `/drive/v3/about?fields=user`."""
        path, _, query = target.partition("?")
        parameters: dict[str, tuple[str, ...]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            parameters[name] = (*parameters.get(name, ()), value)
        return cls(
            method=method.upper(),
            path=path,
            parameters=parameters,
            headers={name.lower(): value for name, value in (headers or {}).items()},
            body=BytesBody(body) if isinstance(body, bytes) else body,
            base_url=base_url,
        )

    def header(self, name: str) -> str | None:
        """Return a header's value, whatever its case."""
        return self.headers.get(name.lower())

    def parameter(self, name: str) -> str | None:
        """Return the last value of a query parameter, None when it was not sent."""
        values = self.parameters.get(name)
        return values[-1] if values else None

    def read_all(self, limit: int) -> bytes:
        """Read the body to its end.

        Raises:
            BodyCutError: The connection ended before the body did.
            BodyTooLargeError: The body is longer than `limit` bytes.
        """
        pieces: list[bytes] = []
        size = 0
        while piece := self.body.read(1 << 16):
            size += len(piece)
            if size > limit:
                raise BodyTooLargeError(limit)
            pieces.append(piece)
        return b"".join(pieces)


class BodyTooLargeError(ValueError):
    """A request body is longer than its endpoint takes."""


class Content(Protocol):
    """A reply body too large to hold: its size is known, its bytes come in pieces."""

    size: int

    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a reply travels; the default is whole and at once.

    Attributes:
        delay: Seconds to wait before the first byte.
        cut_after: The connection ends after so many bytes of the *body* (the head, which announces
            the full length, goes first); -1 ends it before the head: no byte of the reply.
        reset: Whether a cut is a TCP reset, or an orderly close that comes too early.
        drip: Bytes to send at a time, with `pause` seconds between; 0 sends as fast as possible.
        pause: Seconds between two drips.
    """

    delay: float = 0.0
    cut_after: int | None = None
    reset: bool = True
    drip: int = 0
    pause: float = 0.0


WHOLE = Delivery()
NEVER = Delivery(cut_after=-1)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP reply.

    Attributes:
        status: The status code.
        headers: Headers but for Content-Length, Date and Connection, which the server adds.
        body: The body.
        delivery: How it travels.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Content = b""
    delivery: Delivery = WHOLE

    @classmethod
    def of_json(
        cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Build a JSON reply (unindented: Python's fast encoder does not indent)."""
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return cls(status, {"Content-Type": JSON_TYPE, **(headers or {})}, body)

    @classmethod
    def of_text(cls, text: str, status: int = 200, kind: str = "text/html") -> Response:
        """Build a text reply in UTF-8."""
        return cls(status, {"Content-Type": f"{kind}; charset=UTF-8"}, text.encode())

    @classmethod
    def lost(cls) -> Response:
        """Build the reply that never comes: the connection is reset."""
        return cls(0, delivery=NEVER)

    @property
    def size(self) -> int:
        """Length of the body in bytes."""
        return len(self.body) if isinstance(self.body, bytes) else self.body.size

    def pieces(self) -> Iterator[bytes]:
        """Yield the body's bytes."""
        if isinstance(self.body, bytes):
            if self.body:
                yield self.body
        else:
            yield from self.body

    def content(self) -> bytes:
        """Return the whole body."""
        return b"".join(self.pieces())

    def json(self) -> Any:
        """Return the body parsed as JSON."""
        return json.loads(self.content())

    def with_delivery(self, delivery: Delivery) -> Response:
        """Return this reply, delivered otherwise."""
        return dataclasses.replace(self, delivery=delivery)


def received(response: Response) -> bytes:
    """Return the body that a caller in the same process would get of a reply.

    Raises:
        ConnectionResetError: The reply's delivery ends the connection on the way.
    """
    content = response.content()
    cut = response.delivery.cut_after
    if cut is not None and cut < len(content):
        raise ConnectionResetError("connection reset by peer")
    return content
