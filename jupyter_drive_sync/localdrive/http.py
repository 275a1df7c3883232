"""A LocalDrive on a socket: a small threaded HTTP/1.1 server.

One thread per connection, kept alive; bodies stream in both directions. A reply's `Delivery` is
carried out to the letter: delays, drips, resets. Source of gzip's condition: Drive guide "Improve
performance" (Accept-Encoding, and the word gzip in the User-Agent).
"""

from __future__ import annotations

import contextlib
import gzip
import logging
import selectors
import socket
import struct
import threading
from collections.abc import Mapping
from email.utils import formatdate
from io import BufferedReader
from typing import Self

from jupyter_drive_sync.localdrive.batch import reason_phrase
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.replies import error_response
from jupyter_drive_sync.localdrive.wire import BodyCutError, Delivery, Request, Response

_LONGEST_LINE = 1 << 16
_MOST_HEADERS = 100
_DRAIN_LIMIT = 64 << 20
_GZIP_FROM = 1024
_NO_BODY = frozenset({204, 304})
_log = logging.getLogger(__name__)


class _BadRequestError(Exception):
    """What came is no HTTP request."""


class _CutError(Exception):
    """The reply's delivery ends the connection."""


class _Incoming:
    """A request body on a connection, of known length or chunked."""

    def __init__(self, connection: _Connection, headers: Mapping[str, str]) -> None:
        self._connection = connection
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length", "0")
        if not length.isdigit():
            raise _BadRequestError("Content-Length")
        self._left = 0 if self._chunked else int(length)
        self._ended = not self._chunked and self._left == 0
        self._awaits = "100-continue" in headers.get("expect", "").lower()

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes (see `wire.Body`)."""
        if self._ended:
            return b""
        if self._awaits:
            self._awaits = False
            self._connection.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            if self._chunked and not self._left:
                self._next_chunk()
                if self._ended:
                    return b""
            piece = self._connection.file.read1(min(size, self._left))
        except OSError as error:
            raise BodyCutError("the connection failed") from error
        if not piece:
            raise BodyCutError("the connection ended")
        self._left -= len(piece)
        if not self._left:
            if self._chunked:
                self._connection.line()
            else:
                self._ended = True
        return piece

    def _next_chunk(self) -> None:
        try:
            self._left = int(self._connection.line().partition(b";")[0], 16)
        except ValueError as error:
            raise BodyCutError("malformed chunk") from error
        if self._left == 0:
            while self._connection.line():
                pass
            self._ended = True

    def drain(self) -> bool:
        """Read what nobody read; return whether the connection can go on."""
        if self._awaits:
            return self._ended
        size = 0
        try:
            while piece := self.read(1 << 16):
                size += len(piece)
                if size > _DRAIN_LIMIT:
                    return False
        except BodyCutError:
            return False
        return True


class _Connection:
    """One connection and its requests."""

    def __init__(self, drive: LocalDrive, connection: socket.socket, scheme: str) -> None:
        self.socket = connection
        self.file: BufferedReader = connection.makefile("rb")
        self._drive = drive
        self._scheme = scheme

    def line(self) -> bytes:
        """Read one line without its end.

        Raises:
            BodyCutError: The connection ended.
        """
        text = self.file.readline(_LONGEST_LINE)
        if not text.endswith(b"\n"):
            raise BodyCutError("the connection ended")
        return text.rstrip(b"\r\n")

    def run(self) -> None:
        """Answer requests until either side has enough."""
        try:
            while self._one():
                pass
        except (OSError, _CutError):
            pass
        except _BadRequestError:
            with contextlib.suppress(OSError):
                self.socket.sendall(
                    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
        finally:
            self.close()

    def close(self) -> None:
        """End the connection."""
        self.file.close()
        self.socket.close()

    def _one(self) -> bool:
        """Answer one request; return whether another may follow."""
        first = self.file.readline(_LONGEST_LINE)
        if not first.strip():
            return bool(first)
        words = first.split()
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            raise _BadRequestError("request line")
        headers = self._headers()
        body = _Incoming(self, headers)
        request = Request.make(
            words[0].decode("latin-1"),
            words[1].decode("latin-1"),
            headers=headers,
            body=body,
            base_url=f"{self._scheme}://{headers.get('host', 'localhost')}",
        )
        response = self._answer(request)
        keeps = self._keeps_alive(words[2], headers)
        if response.delivery.delay:
            self._drive.clock.sleep(response.delivery.delay)
        if response.delivery.cut_after == -1:
            self._reset(response.delivery)
        keeps = body.drain() and keeps
        self._send(request, response, keeps=keeps)
        return keeps

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for _ in range(_MOST_HEADERS):
            text = self.line().decode("latin-1")
            if not text:
                return found
            name, colon, value = text.partition(":")
            if not colon:
                raise _BadRequestError("header")
            key = name.strip().lower()
            found[key] = f"{found[key]}, {value.strip()}" if key in found else value.strip()
        raise _BadRequestError("too many headers")

    @staticmethod
    def _keeps_alive(version: bytes, headers: Mapping[str, str]) -> bool:
        wish = headers.get("connection", "").lower()
        return "keep-alive" in wish if version == b"HTTP/1.0" else "close" not in wish

    def _answer(self, request: Request) -> Response:
        try:
            return self._drive.dispatch(request)
        except Exception:
            _log.exception("LocalDrive failed on %s %s", request.method, request.path)
            return error_response(500, "internalError", "Internal Error")

    def _send(self, request: Request, response: Response, *, keeps: bool) -> None:
        delivery = response.delivery
        response = _packed(request, response)
        head = _head(response, keeps=keeps)
        left = delivery.cut_after
        for piece in response.pieces():
            part = piece if left is None else piece[:left]
            self._drip(head + part, delivery)
            head = b""
            if left is not None:
                left -= len(part)
                if not left:
                    break
        if head:
            self.socket.sendall(head)
        if delivery.cut_after is not None and delivery.cut_after < response.size:
            self._reset(delivery)

    def _drip(self, content: bytes, delivery: Delivery) -> None:
        if not delivery.drip:
            self.socket.sendall(content)
            return
        for start in range(0, len(content), delivery.drip):
            self.socket.sendall(content[start : start + delivery.drip])
            self._drive.clock.sleep(delivery.pause)

    def _reset(self, delivery: Delivery) -> None:
        """End the connection: at once and rudely, or in order but too early."""
        if delivery.reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _CutError


def _packed(request: Request, response: Response) -> Response:
    """Compress a reply, where the client asks for it in the way that Google wants."""
    if (
        not isinstance(response.body, bytes)
        or len(response.body) < _GZIP_FROM
        or response.delivery.cut_after is not None
        or "gzip" not in (request.header("accept-encoding") or "")
        or "gzip" not in (request.header("user-agent") or "")
        or not response.headers.get("Content-Type", "").startswith("application/json")
    ):
        return response
    headers = {**response.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(
        response.status,
        headers,
        gzip.compress(response.body, compresslevel=1, mtime=0),
        response.delivery,
    )


def _head(response: Response, *, keeps: bool) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {reason_phrase(response.status)}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines.append(f"Date: {formatdate(usegmt=True)}")
    if response.status not in _NO_BODY:
        lines.append(f"Content-Length: {response.size}")
    if not keeps:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


class LocalDriveServer:
    """Serves a LocalDrive at an address of this machine.

    Args:
        drive: What is served; whoever made it closes it.
        host: Address to listen at.
        port: Port to listen at; 0 takes any free one.

    Attributes:
        drive: What is served.

    Raises:
        OSError: The port is in use.
    """

    def __init__(self, drive: LocalDrive, host: str = "127.0.0.1", port: int = 0) -> None:
        self.drive = drive
        self._listener = socket.create_server((host, port), backlog=128)
        self._host = host
        self._port = int(self._listener.getsockname()[1])
        self._wake, self._woken = socket.socketpair()
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that is listened at."""
        return self._port

    @property
    def url(self) -> str:
        """Where clients find it, without a final slash."""
        return f"http://{self._host}:{self._port}"

    def start(self) -> Self:
        """Begin to answer, in threads of its own."""
        self._thread = threading.Thread(target=self._accept, name="localdrive", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End all connections and free the port; a second time does nothing."""
        if self._thread is not None:
            self._wake.send(b"\0")
            self._thread.join()
            self._thread = None
        for each in (self._listener, self._wake, self._woken):
            each.close()
        with self._lock:
            connections = dict(self._connections)
        for connection in connections.values():
            _hang_up(connection)
        for thread in connections:
            thread.join()

    def serve(self, connection: socket.socket, scheme: str) -> None:
        """Answer the requests of one connection, until it ends.

        Args:
            connection: A connected socket, TLS ended or not; it is closed at the end.
            scheme: `http` or `https`, for links in the replies.
        """
        thread = threading.current_thread()
        with self._lock:
            self._connections[thread] = connection
        try:
            _Connection(self.drive, connection, scheme).run()
        finally:
            with self._lock:
                self._connections.pop(thread, None)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._woken in ready:
                    return
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                thread = threading.Thread(target=self.serve, args=(connection, "http"), daemon=True)
                with self._lock:
                    self._connections[thread] = connection
                thread.start()


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
