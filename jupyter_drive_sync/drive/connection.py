"""One request on one connection: httplib2 as googleapiclient wants it, made honest.

httplib2 sends a request again by itself when a connection ends before its reply, which for an
upload's chunk would mean eight more megabytes and, in general, a second write that nobody counted.
The connections made here end such a request with an error instead; who may send again is decided
in :mod:`jupyter_drive_sync.drive.transport` alone.
"""

from __future__ import annotations

import http.client
import io
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass

import httplib2
from googleapiclient.http import build_http

from jupyter_drive_sync.drive.wire import Reply, is_loopback
from jupyter_drive_sync.errors import BadSettings

_DRIP_PATIENCE: Final = 10
"""A reply may take so many times the timeout; a server that drips is given up then."""


class HttpWire:
    """The real wire. Honours ``HTTPS_PROXY``, ``NO_PROXY`` and ``SSL_CERT_FILE``.

    Args:
        timeout: seconds without a byte after which a request is given up.
        most: bytes that a reply's body may have, as it comes over the line; None for any number.

    Raises:
        BadSettings: ``SSL_CERT_FILE`` names no readable file.
    """

    def __init__(self, timeout: float, *, most: int | None = None) -> None:
        limit = {} if most is None else {"most": most}
        self._plain, self._tls = (type("_Limited", (kind,), limit) for kind in (_Plain, _Tls))
        self._http = build_http()  # knows that 308 is no redirect here
        self._http.timeout = timeout
        self._http.follow_redirects = False
        self._http.proxy_info = proxy_for
        self._http.ca_certs = ca_file()

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        """Send once (see :meth:`Wire.request`)."""
        kind = self._tls if urlsplit(uri).scheme == "https" else self._plain
        sent = dict(headers)
        stream = None
        if body is not None:
            # As a stream it goes out in blocks, each with the whole timeout; as bytes the timeout
            # would be for all of it, and 8 MiB over a slow line would never arrive.
            stream = io.BytesIO(body)
            sent["content-length"] = str(len(body))
        response, content = self._http.request(
            uri, method, body=stream, headers=sent, connection_type=kind
        )
        return Reply(response.status, {k.lower(): v for k, v in response.items()}, content)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def ca_file() -> str | None:
    """Return the certificates of ``SSL_CERT_FILE``, None for the built-in ones.

    Raises:
        BadSettings: the file cannot be read.
    """
    name = os.environ.get("SSL_CERT_FILE")
    if not name:
        return None
    if not os.access(name, os.R_OK) or not Path(name).is_file():
        raise BadSettings(name="SSL_CERT_FILE", problem=f"there is no readable file {name}")
    return name


def proxy_for(scheme: str) -> httplib2.ProxyInfo | None:
    """Read the proxy of a scheme from the environment.

    Which hosts go around it is judged as the standard library does (suffixes, ``*``), not as
    httplib2 does; this machine itself never needs a proxy.
    """
    found = httplib2.proxy_info_from_environment(scheme)
    if found is None:
        return None
    user, password = found.proxy_user, found.proxy_pass
    return _Proxy(
        found.proxy_type,
        found.proxy_host,
        found.proxy_port,
        proxy_user=user and unquote(user),
        proxy_pass=password and unquote(password),
    )


class _Proxy(httplib2.ProxyInfo):  # type: ignore[misc]  # httplib2 has no types
    def applies_to(self, hostname: str) -> bool:
        return not (is_loopback(hostname) or proxy_bypass(hostname))


class ReplyTooLarge(OSError):
    """A reply has more bytes than we want to read."""


class _Response(http.client.HTTPResponse):
    """A reply with an end: a socket's timeout alone lets a drip of bytes go on for ever."""

    give_up_at = float("inf")
    most = float("inf")

    def read(self, amt: int | None = None) -> bytes:
        if amt is not None:
            return super().read(amt)
        pieces: list[bytes] = []
        size = 0
        while piece := self.read1(1 << 16):
            pieces.append(piece)
            size += len(piece)
            if size > self.most:
                raise ReplyTooLarge(f"more than {self.most} bytes")
            # A socket lives in real time, whatever clock the pass runs under.
            if time.monotonic() > self.give_up_at:
                raise TimeoutError("the reply came too slowly")
        super().read()  # tells the connection that it is free
        if self.length:
            raise http.client.IncompleteRead(b"", self.length)
        return b"".join(pieces)


class _Once:
    """Mixed into a connection: a request that got no reply is not sent again in silence."""

    response_class = _Response
    timeout: float
    most = float("inf")

    def getresponse(self) -> http.client.HTTPResponse:
        try:
            response = super().getresponse()  # type: ignore[misc]  # of the connection beside us
        except (http.client.BadStatusLine, http.client.ResponseNotReady) as problem:
            raise ConnectionResetError("the connection ended before the reply") from problem
        response.most = self.most
        response.give_up_at = time.monotonic() + self.timeout * _DRIP_PATIENCE
        return response  # type: ignore[no-any-return]


class _Plain(_Once, httplib2.HTTPConnectionWithTimeout):  # type: ignore[misc]
    pass


class _Tls(_Once, httplib2.HTTPSConnectionWithTimeout):  # type: ignore[misc]
    pass
