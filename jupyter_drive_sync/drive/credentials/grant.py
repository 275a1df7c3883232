"""A person's own grant as the source of access tokens."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.drive.exchange import Exchange
from jupyter_drive_sync.drive.secrets import Access, Grant, Secret, SecretsStore
from jupyter_drive_sync.drive.turns import one_at_a_time
from jupyter_drive_sync.errors import AuthExpired, NotConnected

MARGIN: Final = 300.0
"""Seconds before its end from which an access token is replaced."""


class OwnGrant:
    """Makes access tokens from the refresh token in ``secrets.json``.

    One refresh at a time: threads wait for each other, and so do processes, by a lock file in the
    state folder; who waited takes the token that the other one has left in ``secrets.json``.

    Args:
        store: has the grant.
        exchange: refreshes.
        folder: the state folder, for the lock file.
    """

    def __init__(self, store: SecretsStore, exchange: Exchange, folder: Path) -> None:
        self._store = store
        self._exchange = exchange
        self._lock_path = folder / "token.lock"
        self._clock: Clock = exchange.tokens.clock
        self._lock = threading.Lock()
        self._access: Access | None = None

    def token(self) -> Secret:
        """Return an access token that will last for some minutes.

        Raises:
            NotConnected: there is no grant.
            AuthRevoked, TestingMode, ClientGone, OrgBlocked, ClockWrong: it is no longer good.
            Offline, Busy: Google could not be asked.
        """
        with self._lock:
            if self._access is None or not self._is_fresh(self._access):
                self._access = self._renewed(None)
            return self._access.token

    def renew(self, refused: Secret) -> None:
        """Replace an access token that Drive refused (errors as :meth:`token`)."""
        with self._lock:
            if self._access is None or self._access.token == refused:
                self._access = self._renewed(refused)

    def _renewed(self, refused: Secret | None) -> Access:
        grant = self._grant()
        with one_at_a_time(self._lock_path, self._clock):
            kept = self._store.access()
            if kept is not None and self._is_fresh(kept) and kept.token != refused:
                return kept
            access = self._exchange.refresh(grant)
            self._store.keep_access(access)
            return access

    def _grant(self) -> Grant:
        grant = self._store.grant()
        if grant is None:
            raise NotConnected
        if grant.client_id != self._exchange.client.client_id:
            # Another client cannot refresh it; to try would only show it to a stranger.
            raise AuthExpired(detail="the grant was given to another client")
        return grant

    def _is_fresh(self, access: Access) -> bool:
        return self._clock.wall() < access.expires_at - MARGIN
