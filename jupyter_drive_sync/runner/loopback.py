"""The address to which Google sends the browser back: one question, one answer, this machine only.

Source: Google Identity guide, "OAuth 2.0 for iOS & Desktop Apps" (loopback address); RFC 8252,
sections 7.3 and 8.3.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from jupyter_drive_sync.drive.oauth import read_answer
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import ConsentTimeout, DriveSyncError, UsageError

_PATIENCE: Final = 60.0
"""Seconds for which a browser is kept waiting while the code is exchanged."""
_LAST_WORD: Final = 2.0
"""Seconds that the browser has to take the page on which it says how it ended."""

_FINAL: Final = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.ACCEPTED)
"""Statuses of the page that the one true answer gets."""

_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; }}
body {{ padding: 0 1rem; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.4rem; }}
</style></head><body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""


class Loopback:
    """Waits at a loopback port for the one answer to one question. Use it in a ``with``.

    Args:
        state: the question's; an answer without it is turned away and the waiting goes on.
        port: 0 takes any free one.
        path: where the answer comes to.

    Raises:
        UsageError: the port is in use.
    """

    def __init__(self, state: Secret, *, port: int = 0, path: str = "/") -> None:
        self._state = state
        self._path = path
        self._lock = threading.Lock()
        self._query: str | None = None
        self._answered = threading.Event()
        self._verdict: tuple[HTTPStatus, str, str] | None = None
        self._judged = threading.Event()
        self._told = threading.Event()
        loopback = self

        class Handler(_Handler):
            answer = loopback._answer
            told = loopback._told

        try:
            self._server = _Server(("127.0.0.1", port), Handler)
        except OSError as problem:
            raise UsageError(
                problem=f"Port {port} on this machine cannot be used ({problem.strerror}), so "
                "Google's answer could not arrive."
            ) from problem
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="loopback"
        )

    @property
    def redirect_uri(self) -> str:
        """Where Google shall send the browser."""
        return f"http://127.0.0.1:{self._server.server_port}{self._path}"

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._judged.is_set():
            if isinstance(error, DriveSyncError):
                self.refuse(error)
            else:
                self._judge(
                    HTTPStatus.BAD_REQUEST,
                    "Google Drive is not connected",
                    "It was stopped. Start again where you began.",
                )
        if self._query is not None:
            self._told.wait(_LAST_WORD)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, seconds: float) -> Secret:
        """Wait for the answer.

        Returns:
            The authorization code.

        Raises:
            ConsentTimeout: nobody answered.
            ConsentDenied, OrgBlocked: the answer is no.
        """
        if not self._answered.wait(seconds):
            raise ConsentTimeout(minutes=max(1, round(seconds / 60)))
        assert self._query is not None  # noqa: S101 - set before the event
        return read_answer(self._query, self._state)

    def welcome(self, text: str) -> None:
        """Let the browser say that it worked."""
        self._judge(HTTPStatus.OK, "Google Drive is connected", text)

    def refuse(self, problem: DriveSyncError) -> None:
        """Let the browser say why it did not."""
        self._judge(HTTPStatus.BAD_REQUEST, "Google Drive is not connected", problem.sentence)

    def _judge(self, status: HTTPStatus, title: str, text: str) -> None:
        self._verdict = (status, title, text)
        self._judged.set()

    def _answer(self, host: str, target: str) -> tuple[HTTPStatus, str, str]:
        """Say what a request of a browser gets."""
        parts = urlsplit(target)
        if host not in self._names or parts.path != self._path:
            return HTTPStatus.NOT_FOUND, "Nothing here", "There is nothing at this address."
        state = parse_qs(parts.query).get("state", [""])[0]
        if Secret(state) != self._state:
            return (
                HTTPStatus.FORBIDDEN,
                "This answer was not asked for",
                "It belongs to no question that is open here, so nothing was done with it.",
            )
        with self._lock:
            if self._query is not None:
                return (
                    HTTPStatus.GONE,
                    "This page was used already",
                    "An answer counts once. Look where you started for how it ended.",
                )
            self._query = parts.query
        self._answered.set()
        if self._judged.wait(_PATIENCE) and self._verdict is not None:
            return self._verdict
        return HTTPStatus.ACCEPTED, "Still at work", "Look where you started for how it ends."

    @property
    def _names(self) -> tuple[str, str]:
        """Our own names; another one is a page elsewhere that had its name lead here."""
        port = self._server.server_port
        return f"127.0.0.1:{port}", f"localhost:{port}"


class _Server(ThreadingHTTPServer):
    """Without the base's question for the full name of 127.0.0.1, which may take DNS seconds."""

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class _Handler(BaseHTTPRequestHandler):
    answer: Callable[[str, str], tuple[HTTPStatus, str, str]]
    told: threading.Event
    protocol_version = "HTTP/1.1"
    timeout = 10.0

    def do_GET(self) -> None:
        status, title, text = type(self).answer(self.headers.get("Host", ""), self.path)
        body = _PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",  # the address holds the code
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
            "Connection": "close",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if status in _FINAL:
            self.told.set()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing: the request line holds the code."""
