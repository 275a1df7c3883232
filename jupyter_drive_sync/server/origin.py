"""Where a browser reaches this server, and is answered by Google."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COOKIE: Final = "drive-sync-consent"
"""Binds a question to the browser that asked it."""
CALLBACK: Final = "drive-sync/oauth2callback"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a browser reaches this server.

    Attributes:
        address: scheme, host and port, as the browser writes them.
        base_url: path of this server, with a slash at both ends.
    """

    address: str
    base_url: str

    @property
    def redirect_uri(self) -> str:
        """Where Google shall send the browser back."""
        return f"{self.address}{self.base_url}{CALLBACK}"
