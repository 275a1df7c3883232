"""Everything that the service does with grants, without HTTP."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, ParamSpec, Protocol, TypeVar

from sqlalchemy import Engine

from jupyter_drive_sync.drive.oauth import DRIVE_FILE, ClientFile
from jupyter_drive_sync.drive.secrets import Access, Grant, Secret
from jupyter_drive_sync.drive.types import About
from jupyter_drive_sync.errors import (
    AuthExpired,
    AuthRevoked,
    DriveSyncError,
    NotConnected,
    ScopeMissing,
    TestingMode,
)
from jupyter_drive_sync.hub.audit import Audit
from jupyter_drive_sync.hub.config import DriveSyncHub
from jupyter_drive_sync.hub.google import Consented
from jupyter_drive_sync.hub.grants import UNBOUND, Grants, HubGrant

P = ParamSpec("P")
R = TypeVar("R")

MARGIN: Final = 600.0
"""Seconds before its end from which an access token is replaced; more than a server's own."""
_FORCED: Final = 60.0
"""Seconds within which a token is not made anew because somebody says that Drive refused it."""
_REMEMBERED: Final = 30.0
"""Seconds for which Google is not asked again for what it has just refused, or did not answer."""
_THREADS: Final = 16
_KEPT: Final = 20_000
"""Homes whose access tokens are kept in memory."""

_LOGIN: Final = "hub_auth_state"

_DEAD: Final[dict[str, type[DriveSyncError]]] = {
    AuthRevoked.code: AuthRevoked,
    TestingMode.code: TestingMode,
    ScopeMissing.code: ScopeMissing,
    AuthExpired.code: AuthExpired,
}
"""What a grant does not come back from."""


class Dealings(Protocol):
    """What the service wants of Google; :class:`.google.Google` is the real one."""

    @property
    def client(self) -> ClientFile:
        """The hub's OAuth client."""

    def refresh(self, grant: Grant) -> Access:
        """Make a new access token."""

    def revoke(self, grant: Grant) -> None:
        """End a grant at Google."""

    def whose(self, token: Secret) -> About:
        """Ask whose Drive a token opens."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a server gets.

    Attributes:
        token: opens the user's Drive, as far as we made it.
        expires_at: epoch seconds.
        grant: whose it is.
    """

    token: Secret
    expires_at: float
    grant: HubGrant


@dataclass
class _Kept:
    access: AccessToken
    made: float


@dataclass
class _Refused:
    problem: DriveSyncError
    at: float


Found = tuple[HubGrant, Secret]
Login = Callable[[str], Awaitable[tuple[str, Secret, tuple[str, ...]] | None]]
"""Asks the hub for what a user allowed at login: address, refresh token and scopes."""


async def no_login(_user: str) -> None:
    """Know of no permission from the hub's login."""


@dataclass
class Service:
    """The grants of a hub, and the access tokens that are made of them. Belongs on the event loop.

    Attributes:
        engine: the database.
        grants: what is in it.
        google: who makes tokens.
        config: the options.
        log: the service's log.
        login: asks the hub for a permission that was given at login.
        wall: seconds since the epoch.
        clock: monotonic seconds.
        rng: chance.
    """

    engine: Engine
    grants: Grants
    google: Dealings
    config: DriveSyncHub
    log: logging.Logger
    login: Login = no_login
    wall: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    rng: random.Random = field(default_factory=random.SystemRandom)

    def __post_init__(self) -> None:
        """Put the parts together; nothing runs yet."""
        self.audit = Audit(self.log, self.wall)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="drive-sync-hub")
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._refused: OrderedDict[tuple[str, str], _Refused] = OrderedDict()
        self._flights: dict[tuple[str, str], asyncio.Task[AccessToken]] = {}

    async def off_loop(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call something that waits, for the database or for Google, in a thread."""
        work = partial(call, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def start(self) -> None:
        """Seal all grants with the present key."""
        renewed, lost = await self.off_loop(self.grants.rotate)
        if renewed:
            self.audit("keys.rotated", grants=renewed)
        if lost:
            self.log.error(
                "%d consents were encrypted with a key that is not in DRIVE_SYNC_CRYPT_KEY any "
                "more; put the old key behind the new one, or these people have to consent again.",
                lost,
            )

    async def stop(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._flights.values(), return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    # -- grants -----------------------------------------------------------------------------------

    async def find(self, user: str, home_id: str, before: str = UNBOUND) -> HubGrant | None:
        """Return the grant for a home, bound to it if need be.

        Args:
            user: hub user.
            home_id: the home that asks.
            before: the id that the home had before, ``""`` for none.
        """
        grant = await self.off_loop(self.grants.bind, user, home_id, before)
        if grant is None and before:
            grant = await self.off_loop(self.grants.bind, user, home_id)
        if grant is None and self.config.token_source == _LOGIN:
            grant = await self._from_login(user, home_id)
        return grant

    async def connect(self, user: str, home_id: str, consented: Consented) -> HubGrant | None:
        """Keep what a consent brought.

        Returns:
            The grant that it replaces, None where there was none.
        """
        before = await self.off_loop(self.grants.get, user, home_id)
        grant = HubGrant(
            user=user,
            home_id=home_id,
            email=consented.email,
            sub=consented.sub,
            permission_id=consented.permission_id,
            scopes=consented.grant.scopes,
            client_id=consented.grant.client_id,
            created=consented.grant.obtained_at,
            last_refresh=self.wall(),
        )
        await self.off_loop(self.grants.keep, grant, consented.grant.refresh_token)
        self._forget(user, home_id)
        self._keep(grant, consented.access)
        self.audit("grant.made", user=user, home=home_id, account=consented.email)
        return before

    async def disconnect(self, user: str, home_id: str, *, revoke: bool) -> bool:
        """Delete a grant; tells whether Google was told.

        Raises:
            NotConnected: there is none.
            Offline, Busy: Google could not be told; nothing was changed.
        """
        found = await self.off_loop(self._read, user, home_id)
        if found is None:
            raise NotConnected
        if revoke:
            await self.off_loop(self.google.revoke, _as_grant(*found))
        await self.off_loop(self.grants.drop, user, home_id)
        self._forget(user, home_id)
        self.audit("grant.dropped", user=user, home=home_id, revoked=revoke)
        return revoke

    # -- access tokens ----------------------------------------------------------------------------

    async def access_token(
        self, user: str, home_id: str, *, before: str = UNBOUND, refused: bool = False
    ) -> AccessToken:
        """Return an access token for one user's one home; several who ask share one refresh.

        Args:
            user: hub user.
            home_id: which home.
            before: the id that the home had before.
            refused: whether Drive refused the one that was given last.

        Raises:
            NotConnected: nobody consented for this home.
            AuthRevoked, TestingMode, ScopeMissing, AuthExpired: the grant is no longer good.
            ClientGone, OrgBlocked, WrongKey: an administrator has to act.
            Offline, Busy: Google could not be asked.
        """
        key = (user, home_id)
        if (kept := self._fresh(key, refused=refused)) is not None:
            return kept
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.get_running_loop().create_task(self._refresh(key, before))
            self._flights[key] = flight
            flight.add_done_callback(partial(self._landed, key))
        return await asyncio.shield(flight)

    async def _refresh(self, key: tuple[str, str], before: str) -> AccessToken:
        grant = await self.find(*key, before)
        if grant is None:
            raise NotConnected
        if grant.dead_since is not None:
            raise _DEAD.get(grant.dead_why, AuthRevoked)
        refusal = self._refused.get(key)
        if refusal is not None and self.clock() - refusal.at < _REMEMBERED:
            raise refusal.problem
        found = await self.off_loop(self._read, *key)
        if found is None:
            raise NotConnected
        try:
            access = await self.off_loop(self.google.refresh, _as_grant(*found))
        except DriveSyncError as problem:
            await self._failed(grant, problem)
            raise
        self._refused.pop(key, None)
        if not await self.off_loop(self.grants.refreshed, grant, self.wall()):
            raise NotConnected  # somebody disconnected, or connected anew, meanwhile
        self.audit("token.made", user=key[0], home=key[1])
        return self._keep(replace(grant, last_refresh=self.wall()), access)

    def _landed(self, key: tuple[str, str], flight: asyncio.Task[AccessToken]) -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # whoever asked may be gone

    async def _failed(self, grant: HubGrant, problem: DriveSyncError) -> None:
        key = (grant.user, grant.home_id)
        self._kept.pop(key, None)
        self.audit("token.refused", user=key[0], home=key[1], why=problem.code)
        if problem.code in _DEAD:
            await self.off_loop(self.grants.died, grant, self.wall(), problem.code)
            return
        self._refused[key] = _Refused(problem, self.clock())
        while len(self._refused) > _KEPT:
            self._refused.popitem(last=False)

    def _fresh(self, key: tuple[str, str], *, refused: bool) -> AccessToken | None:
        kept = self._kept.get(key)
        if kept is None or self.wall() >= kept.access.expires_at - MARGIN:
            return None
        if refused and self.clock() - kept.made >= _FORCED:
            return None
        return kept.access

    def _keep(self, grant: HubGrant, access: Access) -> AccessToken:
        made = AccessToken(access.token, access.expires_at, grant)
        key = (grant.user, grant.home_id)
        self._kept[key] = _Kept(made, self.clock())
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return made

    def _forget(self, user: str, home_id: str) -> None:
        self._kept.pop((user, home_id), None)
        self._refused.pop((user, home_id), None)

    def _read(self, user: str, home_id: str) -> Found | None:
        grant = self.grants.get(user, home_id)
        token = self.grants.secret(user, home_id)
        return None if grant is None or token is None else (grant, token)

    # -- permissions of the hub's login -----------------------------------------------------------

    async def _from_login(self, user: str, home_id: str) -> HubGrant | None:
        """Take over what a user allowed at login; kept here, since the next login may lose it.

        Raises:
            ScopeMissing: Drive was unticked.
        """
        found = await self.login(user)
        if found is None or not home_id:
            return None
        email, token, scopes = found
        if DRIVE_FILE not in scopes:
            raise ScopeMissing(detail="of the hub's login")
        lasting = Grant(token, scopes, self.google.client.client_id, self.wall())
        access = await self.off_loop(self.google.refresh, lasting)
        about = await self.off_loop(self.google.whose, access.token)
        consented = Consented(lasting, access, email or about.email, "", about.permission_id)
        await self.connect(user, home_id, consented)
        return await self.off_loop(self.grants.get, user, home_id)


def _as_grant(grant: HubGrant, token: Secret) -> Grant:
    return Grant(token, grant.scopes, grant.client_id, grant.created)


def described(grant: HubGrant | None) -> dict[str, Any]:
    """Put a grant into the form in which servers and pages read it."""
    if grant is None:
        return {"connected": False, "problem": None}
    problem = None
    if grant.dead_since is not None:
        died = _DEAD.get(grant.dead_why, AuthRevoked)()
        problem = {"code": died.code, "who": died.who, "sentence": died.sentence, "params": {}}
    return {
        "connected": True,
        "email": grant.email,
        "permission_id": grant.permission_id,
        "project": grant.project,
        "connected_at": grant.created,
        "dead_since": grant.dead_since,
        "problem": problem,
    }
