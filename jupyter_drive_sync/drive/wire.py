"""What the rest of this room needs of HTTP; no library shows through."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply that arrived whole."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes = b""

    def json(self) -> Any:
        """Parse the body.

        Raises:
            ValueError: it is no JSON.
        """
        return json.loads(self.body)


class Wire(Protocol):
    """What the transport needs of HTTP; one per thread. Redirects are replies like others."""

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        """Send once, and only once.

        Raises:
            OSError, httplib2.HttpLib2Error, http.client.HTTPException: no whole reply came.
        """

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine, without asking anybody."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
