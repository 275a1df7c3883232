"""A person's own grant as the source of access tokens."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.drive.exchange import Exchange
from jupyter_drive_sync.drive.secrets import Access, Grant, Secret, SecretsStore
from jupyter_drive_sync.errors import AuthExpired, NotConnected

MARGIN: Final = 300.0
"""Seconds before its end from which an access token is replaced."""
_PATIENCE: Final = 20.0
_STEP: Final = 0.1


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
        with single_flight(self._lock_path, self._clock):
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


@contextlib.contextmanager
def single_flight(path: Path, clock: Clock) -> Iterator[None]:
    """Let one process of this machine in at a time, by a lock on a file.

    It spares Google a request, it guards nothing: where locks do not work, or somebody holds one
    for too long, we go on without.
    """
    handle = -1
    try:
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            _lock(handle, clock)
        yield
    finally:
        if handle >= 0:
            os.close(handle)  # and with it the lock


def _lock(handle: int, clock: Clock) -> None:
    end = clock.monotonic() + _PATIENCE
    while clock.monotonic() < end:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            clock.sleep(_STEP)
        else:
            return
