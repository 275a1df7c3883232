"""Proxy mode: LocalDrive at Google's own addresses, for clients that know no other endpoint.

An HTTP proxy that takes CONNECT to Google's hosts only, ends TLS with a throw-away authority and
answers itself. A client is pointed at it with `HTTPS_PROXY` and told to trust it with
`SSL_CERT_FILE`; it then speaks to `www.googleapis.com` as ever. Nothing is ever passed on: another
host is refused, so that a test cannot leave the machine by mistake.

Source: RFC 9110, section 9.3.6 (CONNECT).
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from pathlib import Path

from jupyter_drive_sync.localdrive.certificates import Authority
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.google_hosts import is_google
from jupyter_drive_sync.localdrive.http import LocalDriveServer

_LONGEST_LINE = 8_192


class _RefusedError(Exception):
    """A request that this proxy does not take.

    Args:
        status: Status and phrase of the reply.
        sentence: Why, for the reply's body.
    """

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence

    def reply(self) -> bytes:
        """Return the whole reply."""
        body = f"{self.sentence}\n".encode()
        head = (
            f"HTTP/1.1 {self.status}\r\nContent-Type: text/plain; charset=UTF-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body


class LocalDriveProxy(LocalDriveServer):
    """Serves a LocalDrive at Google's names, through CONNECT.

    Args:
        drive: What answers; whoever made it closes it.
        host: Address to listen at.
        port: Port to listen at; 0 takes any free one.
        folder: Where the authority's certificate and keys are written; None is a temporary folder
            that ends with `stop`.

    Attributes:
        ca_file: The authority's certificate (PEM), for `SSL_CERT_FILE`.

    Raises:
        OSError: The port is in use, or the folder cannot be written.
    """

    def __init__(
        self,
        drive: LocalDrive,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        folder: Path | None = None,
    ) -> None:
        super().__init__(drive, host, port)
        self._temporary = (
            None if folder else tempfile.TemporaryDirectory(prefix="localdrive-authority-")
        )
        try:
            self._authority = Authority(
                folder or Path(self._temporary.name if self._temporary else "")
            )
        except OSError:
            self.stop()
            raise
        self.ca_file = self._authority.ca_file

    def stop(self) -> None:
        """End all connections, free the port and forget a temporary authority."""
        super().stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def serve(self, connection: socket.socket, scheme: str) -> None:
        """Answer one connection: CONNECT, then TLS, then requests as Google would get them.

        Args:
            connection: A connected socket; it is closed at the end.
            scheme: Not used: what follows a CONNECT is https.
        """
        del scheme
        try:
            connection = self._secured(connection, _read_connect(connection))
        except _RefusedError as refusal:
            with contextlib.suppress(OSError):
                connection.sendall(refusal.reply())
            self._end(connection)
        except OSError:  # the client left, or does not trust the authority
            self._end(connection)
        else:
            super().serve(connection, "https")

    def _secured(self, connection: socket.socket, host: str) -> socket.socket:
        """Say yes to a CONNECT and end TLS.

        Raises:
            OSError: The handshake failed; the connection is closed.
        """
        context = self._authority.context(host)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._connections[threading.current_thread()] = secured
        try:
            secured.do_handshake()
        except OSError:
            secured.close()
            raise
        return secured

    def _end(self, connection: socket.socket) -> None:
        connection.close()
        with self._lock:
            self._connections.pop(threading.current_thread(), None)


def _read_connect(connection: socket.socket) -> str:
    """Read the head of a CONNECT request and not one byte more; return the host asked for.

    Raises:
        _RefusedError: Another method, another host than Google's, or another port than 443.
        OSError: The connection ended.
    """
    with connection.makefile("rb", buffering=0) as unbuffered:
        words = unbuffered.readline(_LONGEST_LINE).decode("latin-1").split()
        while words and unbuffered.readline(_LONGEST_LINE).strip():
            pass  # headers say nothing that matters here
    if len(words) != 3:
        raise _RefusedError("400 Bad Request", "This is no HTTP request.")
    method, target, _ = words
    if method != "CONNECT":
        raise _RefusedError(
            "403 Forbidden", "LocalDrive's proxy takes CONNECT only; plain http is refused."
        )
    host, _, port = target.rpartition(":")
    if not is_google(host) or port != "443":
        raise _RefusedError(
            "403 Forbidden", f"LocalDrive's proxy leads to Google's hosts only, not to {target}."
        )
    return host.lower().rstrip(".")
