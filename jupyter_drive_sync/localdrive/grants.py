"""What consent leaves behind: grants, codes and tokens, kept in tables that survive a restart."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Protocol, Self, TypeVar

from jupyter_drive_sync.localdrive.store import Store


@dataclass(frozen=True, slots=True)
class Grant:
    """What an account has allowed a project.

    Attributes:
        account: The account's address.
        project: The project's number.
        scopes: Everything allowed so far.
        since: When it was first allowed, in seconds since 1970.
    """

    account: str
    project: str
    scopes: tuple[str, ...]
    since: float


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code: good once, for ten minutes.

    Attributes:
        code: The code.
        account: Who consented.
        client_id: The client that asked.
        redirect_uri: Where the code was sent; the exchange must repeat it.
        scopes: What was allowed.
        offline: Whether a refresh token is due.
        challenge: PKCE code challenge, None when none was sent.
        challenge_method: `S256` or `plain`.
        nonce: OpenID Connect nonce for the id token.
        expires_at: In seconds since 1970.
    """

    code: str
    account: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    offline: bool
    challenge: str | None
    challenge_method: str
    nonce: str | None
    expires_at: float


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token.

    Attributes:
        token: The token.
        account: Whose it is.
        client_id: The only client that may use it.
        scopes: What its access tokens may do.
        issued_at: In seconds since 1970.
        used_at: When it was last used; six months later it is dead.
        expires_at: A fixed end, for projects in testing; else None.
        serial: Counts tokens, so that the oldest is known.
    """

    token: str
    account: str
    client_id: str
    scopes: tuple[str, ...]
    issued_at: float
    used_at: float
    expires_at: float | None
    serial: int


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token: good for an hour."""

    token: str
    account: str
    client_id: str
    scopes: tuple[str, ...]
    offline: bool
    expires_at: float


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A limited-input device that waits for its user.

    Attributes:
        device_code: What the device polls with.
        user_code: What the person types.
        client_id: The client that asked.
        scopes: What it asked for.
        asked_at: In seconds since 1970.
        expires_at: In seconds since 1970.
        interval: Seconds between two polls.
        polled_at: The last poll, None before the first.
        state: `pending`, `approved` or `denied`.
        account: Who approved.
    """

    device_code: str
    user_code: str
    client_id: str
    scopes: tuple[str, ...]
    asked_at: float
    expires_at: float
    interval: float
    polled_at: float | None = None
    state: Literal["pending", "approved", "denied"] = "pending"
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token reply carries.

    Attributes:
        access_token: The access token.
        expires_in: Seconds that the access token has left.
        scopes: What it may do.
        refresh_token: The refresh token, where one is due.
        refresh_expires_in: Seconds until the refresh token ends; None for those without an end.
        id_token: OpenID Connect id token, where `openid` was asked for.
    """

    access_token: str
    expires_in: int
    scopes: tuple[str, ...]
    refresh_token: str | None = None
    refresh_expires_in: int | None = None
    id_token: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the token endpoint's reply."""
        reply: dict[str, Any] = {
            "access_token": self.access_token,
            "expires_in": self.expires_in,
            "refresh_token": self.refresh_token,
            "refresh_token_expires_in": self.refresh_expires_in,
            "scope": " ".join(self.scopes),
            "token_type": "Bearer",
            "id_token": self.id_token,
        }
        return {name: value for name, value in reply.items() if value is not None}


class _Row(Protocol):
    """Any frozen dataclass of plain values."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


R = TypeVar("R", bound=_Row)


class Table(Generic[R]):
    """Rows of one kind by key, in memory and written through to a store.

    Args:
        store: Where rows survive.
        room: The store's room for them.
        kind: The rows' dataclass.
        key: Gives a row's key.
    """

    def __init__(self, store: Store, room: str, kind: type[R], key: Callable[[R], str]) -> None:
        self._store = store
        self._room = room
        self._kind = kind
        self._key = key
        self._rows: dict[str, R] = {k: self._read(d) for k, d in store.items(room)}

    def _read(self, document: dict[str, Any]) -> R:
        values = {n: tuple(v) if isinstance(v, list) else v for n, v in document.items()}
        return self._kind(**values)

    def put(self, row: R) -> R:
        """Keep a row, replacing the one with the same key, and return it."""
        key = self._key(row)
        self._rows[key] = row
        self._store.put(self._room, key, dataclasses.asdict(row))
        return row

    def get(self, key: str) -> R | None:
        """Return the row with a key, None when there is none."""
        return self._rows.get(key)

    def drop(self, key: str) -> R | None:
        """Forget a row and return it, None when there was none."""
        row = self._rows.pop(key, None)
        if row is not None:
            self._store.drop(self._room, key)
        return row

    def drop_where(self, doomed: Callable[[R], bool]) -> int:
        """Forget the rows for which `doomed` says so; return how many there were."""
        keys = [key for key, row in self._rows.items() if doomed(row)]
        for key in keys:
            self.drop(key)
        return len(keys)

    def order(self, by: Callable[[R], float]) -> Self:
        """Sort the rows once, after loading, and return the table."""
        self._rows = dict(sorted(self._rows.items(), key=lambda item: by(item[1])))
        return self

    def __iter__(self) -> Iterator[R]:
        return iter(tuple(self._rows.values()))

    def oldest(self) -> R | None:
        """Return the row that was put first, None when there is none."""
        return next(iter(self._rows.values()), None)

    def __len__(self) -> int:
        return len(self._rows)
