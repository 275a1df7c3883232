"""The grants of all people of a hub: who allowed what for which home, encrypted.

Kept by hub user *and* home id, so that a new person under an old name is asked again. A refresh
token is sealed together with whose it is: rows that somebody swaps in the database open nobody
else's Drive.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.hub.database import Base
from jupyter_drive_sync.hub.keys import Keys
from jupyter_drive_sync.hub.problems import WrongKey

UNBOUND: Final = ""
"""Home id of a grant that was made without one; it is bound to the first home that asks."""


class GrantRow(Base):
    """A grant, as it lies in the database."""

    __tablename__ = "grants"

    user: Mapped[str] = mapped_column(primary_key=True)
    home_id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]
    sub: Mapped[str]
    permission_id: Mapped[str]
    sealed: Mapped[bytes]
    scope: Mapped[str]
    client_id: Mapped[str]
    created: Mapped[float]
    last_refresh: Mapped[float | None]
    dead_since: Mapped[float | None]
    dead_why: Mapped[str]


@dataclass(frozen=True, slots=True)
class HubGrant:
    """What one consent gave, without the secret.

    Attributes:
        user: hub user.
        home_id: which of the user's homes; ``""`` before it is bound.
        email: the Google account's address.
        sub: Google's number for the account.
        permission_id: Drive's number for it.
        scopes: full scope URLs.
        client_id: the OAuth client through which it was given.
        created: epoch seconds of the consent.
        last_refresh: epoch seconds of the last access token; None for never.
        dead_since: epoch seconds since when Google refuses it; None while it lives.
        dead_why: code of the error with which it died, or ``""``.
    """

    user: str
    home_id: str
    email: str
    sub: str
    permission_id: str
    scopes: tuple[str, ...]
    client_id: str
    created: float
    last_refresh: float | None = None
    dead_since: float | None = None
    dead_why: str = ""

    @property
    def project(self) -> str:
        """Number of the Cloud project; what another project's client made is invisible to us."""
        return self.client_id.partition("-")[0]


class Grants:
    """Keeps grants. Its methods touch the database: call them in a thread.

    Args:
        engine: the database.
        keys: what seals.
    """

    def __init__(self, engine: Engine, keys: Keys) -> None:
        self._engine = engine
        self._keys = keys

    def get(self, user: str, home_id: str) -> HubGrant | None:
        """Return a grant, without its secret."""
        with Session(self._engine) as session:
            row = session.get(GrantRow, (user, home_id))
            return _described(row) if row else None

    def of_user(self, user: str) -> list[HubGrant]:
        """Return all grants of a user, the newest first."""
        with Session(self._engine) as session:
            found = session.scalars(
                select(GrantRow).where(GrantRow.user == user).order_by(GrantRow.created.desc())
            )
            return [_described(row) for row in found]

    def secret(self, user: str, home_id: str) -> Secret | None:
        """Return a refresh token.

        Raises:
            WrongKey: it was sealed with a key that we do not have, or for somebody else.
        """
        with Session(self._engine) as session:
            row = session.get(GrantRow, (user, home_id))
            return None if row is None else self._open(row)

    def keep(self, grant: HubGrant, refresh_token: Secret) -> None:
        """Keep a grant, in place of an earlier one for that home."""
        row = GrantRow(
            user=grant.user,
            home_id=grant.home_id,
            email=grant.email,
            sub=grant.sub,
            permission_id=grant.permission_id,
            sealed=self._seal(grant.user, grant.home_id, refresh_token),
            scope=" ".join(grant.scopes),
            client_id=grant.client_id,
            created=grant.created,
            last_refresh=grant.last_refresh,
            dead_since=grant.dead_since,
            dead_why=grant.dead_why,
        )
        with Session(self._engine) as session, session.begin():
            session.merge(row)

    def bind(self, user: str, home_id: str, before: str = UNBOUND) -> HubGrant | None:
        """Give a grant to a home that has none: one made without a home, or that of its old id.

        Whoever names the old id of a home has that home: ids are random and never told.

        Args:
            user: hub user.
            home_id: the home that asks.
            before: the id that it had before; ``""`` for a grant that was made without one.

        Returns:
            The home's grant; None where there is nothing to bind.
        """
        with Session(self._engine) as session, session.begin():
            known = session.get(GrantRow, (user, home_id))
            if known is not None:
                return _described(known)
            row = session.get(GrantRow, (user, before))
            if row is None or not home_id:
                return None
            token = self._open(row)
            values = {"home_id": home_id, "sealed": self._seal(user, home_id, token)}
            # By its old key: of two homes that ask at once, one finds nothing left.
            done: CursorResult[Any] = session.execute(  # type: ignore[assignment]
                update(GrantRow)
                .where(GrantRow.user == user, GrantRow.home_id == before)
                .values(**values)
                .execution_options(synchronize_session=False)
            )
            session.expunge_all()
            bound = session.get(GrantRow, (user, home_id)) if done.rowcount else None
            return _described(bound) if bound else None

    def refreshed(self, grant: HubGrant, at: float) -> bool:
        """Note that Google gave an access token; tells whether the grant is still the one kept."""
        return self._set(grant, last_refresh=at, dead_since=None, dead_why="")

    def died(self, grant: HubGrant, at: float, why: str) -> bool:
        """Note that Google ended a grant, unless another one was kept meanwhile."""
        return self._set(grant, dead_since=at, dead_why=why)

    def drop(self, user: str, home_id: str) -> bool:
        """Delete a grant; tells whether there was one."""
        with Session(self._engine) as session, session.begin():
            done: CursorResult[Any] = session.execute(  # type: ignore[assignment]
                delete(GrantRow).where(GrantRow.user == user, GrantRow.home_id == home_id)
            )
            return bool(done.rowcount)

    def rotate(self) -> tuple[int, int]:
        """Seal all grants with the present key.

        Returns:
            How many were sealed anew, and how many cannot be opened with any key.
        """
        renewed = lost = 0
        with Session(self._engine) as session:
            names: Sequence[Any] = session.execute(select(GrantRow.user, GrantRow.home_id)).all()
        for user, home_id in names:
            with Session(self._engine) as session, session.begin():
                row = session.get(GrantRow, (user, home_id))
                if row is None or self._keys.is_present(row.sealed):
                    continue
                try:
                    row.sealed = self._seal(user, home_id, self._open(row))
                    renewed += 1
                except WrongKey:
                    lost += 1
        return renewed, lost

    def _set(self, grant: HubGrant, **values: Any) -> bool:
        with Session(self._engine) as session, session.begin():
            done: CursorResult[Any] = session.execute(  # type: ignore[assignment]
                update(GrantRow)
                .where(
                    GrantRow.user == grant.user,
                    GrantRow.home_id == grant.home_id,
                    GrantRow.created == grant.created,
                )
                .values(**values)
            )
            return bool(done.rowcount)

    def _seal(self, user: str, home_id: str, token: Secret) -> bytes:
        return self._keys.encrypt(json.dumps([user, home_id, token.reveal()]))

    def _open(self, row: GrantRow) -> Secret:
        user, home_id, token = json.loads(self._keys.decrypt(row.sealed))
        if (user, home_id) != (row.user, row.home_id):
            raise WrongKey(detail="a grant was sealed for another user or home")
        return Secret(token)


def _described(row: GrantRow) -> HubGrant:
    return HubGrant(
        user=row.user,
        home_id=row.home_id,
        email=row.email,
        sub=row.sub,
        permission_id=row.permission_id,
        scopes=tuple(row.scope.split()),
        client_id=row.client_id,
        created=row.created,
        last_refresh=row.last_refresh,
        dead_since=row.dead_since,
        dead_why=row.dead_why,
    )
