"""Sends to the Hub API with tornado's client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from jupyter_drive_sync.hub.hub_api import HubDown, HubRefused, HubReply

_TIMEOUT: Final = 60.0
_CONNECT: Final = 10.0


class TornadoHttp:
    """The hub by HTTP.

    Args:
        url: of the API, such as ``http://127.0.0.1:8081/hub/api``.
        token: the service's own.
        streams: starts that may be watched at once; tornado's own client has 10 for everything.
    """

    def __init__(self, url: str, token: str, *, streams: int = 200) -> None:
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"token {token}"}
        # Clients of our own: streams must not starve the short calls, nor those of others.
        self._calls: AsyncHTTPClient = SimpleAsyncHTTPClient(force_instance=True, max_clients=50)
        self._streams: AsyncHTTPClient = SimpleAsyncHTTPClient(
            force_instance=True, max_clients=streams
        )

    async def send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> HubReply:
        """Send one request (see :class:`HubHttp`)."""
        request = HTTPRequest(
            self._url + path,
            method=method,
            body=body,
            headers={**headers, **self._headers},
            allow_nonstandard_methods=True,
            follow_redirects=False,
            connect_timeout=_CONNECT,
            request_timeout=_TIMEOUT,
        )
        try:
            reply = await self._calls.fetch(request, raise_error=False)
        except (OSError, HTTPClientError) as problem:
            raise HubDown(str(problem)) from problem
        named = {name.lower(): value for name, value in reply.headers.items()}
        return HubReply(reply.code, reply.body or b"", named)

    async def lines(self, path: str, seconds: float) -> AsyncIterator[str]:
        """Yield the lines of a stream (see :class:`HubHttp`)."""
        came: asyncio.Queue[bytes | None] = asyncio.Queue()
        request = HTTPRequest(
            self._url + path,
            headers=dict(self._headers),
            streaming_callback=came.put_nowait,
            follow_redirects=False,
            connect_timeout=_CONNECT,
            request_timeout=seconds,
        )
        fetch = asyncio.ensure_future(self._streams.fetch(request, raise_error=False))
        fetch.add_done_callback(lambda _: came.put_nowait(None))
        rest = b""
        try:
            while (part := await came.get()) is not None:
                *whole, rest = (rest + part).split(b"\n")
                for line in whole:
                    yield line.decode("utf-8", "replace").strip()
        finally:
            fetch.cancel()
        problem = fetch.exception()
        status = 599 if problem else fetch.result().code
        if 400 <= status < 500:
            raise HubRefused(status, f"HTTP {status}")
        if status != 200 and not _is_timeout(problem, fetch.result() if not problem else None):
            raise HubDown(f"the stream ended with {status}")

    def close(self) -> None:
        """Let go of all connections."""
        self._calls.close()
        self._streams.close()


def _is_timeout(problem: BaseException | None, reply: object) -> bool:
    error = problem or getattr(reply, "error", None)
    return isinstance(error, HTTPClientError) and "imeout" in str(error)
