"""Access tokens that somebody else makes: the broker of a hub, through our parent process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.drive.discovery import Endpoint, require_same_origin
from jupyter_drive_sync.drive.secrets import Access, Secret

MARGIN = 120.0
"""Seconds before its end from which a token is replaced; the broker's own margin is wider."""


class Handed:
    """Asks for each token, and for another one before it ends or when Drive refuses it.

    Args:
        ask: brings a token and the address at which its client gets tokens; told whether Drive
            refused the last one.
        endpoint: the Drive server; tokens of another server's client are not sent there.
        clock: time.
    """

    def __init__(
        self, ask: Callable[[bool], tuple[Access, str]], endpoint: Endpoint, clock: Clock
    ) -> None:
        self._ask = ask
        self._endpoint = endpoint
        self._clock = clock
        self._lock = threading.Lock()
        self._access: Access | None = None

    def token(self) -> Secret:
        """Return an access token that will last for some minutes.

        Raises:
            DriveSyncError: what whoever makes the tokens met.
            BadEndpoint: the token is for another server.
        """
        with self._lock:
            if self._access is None or self._clock.wall() >= self._access.expires_at - MARGIN:
                self._access = self._fetched(refused=False)
            return self._access.token

    def renew(self, refused: Secret) -> None:
        """Replace an access token that Drive refused (errors as :meth:`token`)."""
        with self._lock:
            if self._access is None or self._access.token == refused:
                self._access = self._fetched(refused=True)

    def _fetched(self, *, refused: bool) -> Access:
        access, token_uri = self._ask(refused)
        require_same_origin(self._endpoint, token_uri)
        return access
