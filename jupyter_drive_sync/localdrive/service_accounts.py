"""Service accounts: a project's accounts without a person, their keys, and what admins delegate.

Sources: IAM documentation, "Service account names", "Create and delete service account keys" (a
private key is shown once and never kept; ten keys an account); Google Workspace admin help,
"Control API access with domain-wide delegation" (an organisation's admin lets a numeric client id
have some scopes). Keys need the `cryptography` package, imported when one is made or asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from jupyter_drive_sync.localdrive.accounts import full_scopes
from jupyter_drive_sync.localdrive.grants import Table
from jupyter_drive_sync.localdrive.store import Store

MOST_KEYS = 10
_BITS = 2048
_EXPONENT = 65_537


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """An account that belongs to a project.

    Attributes:
        email: Its address.
        name: What its project calls it.
        unique_id: Its number, which is also its client id.
        project: The project's number.
        enabled: False once it was disabled.
    """

    email: str
    name: str
    unique_id: str
    project: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """The public half of a key.

    Attributes:
        key_id: The `kid` of what it signs.
        account: Whose it is.
        public: The public key, PEM.
    """

    key_id: str
    account: str
    public: str


@dataclass(frozen=True, slots=True)
class Delegation:
    """What an organisation lets a service account do in the name of its people.

    Attributes:
        client_id: The service account's number.
        organisation: The Workspace domain.
        scopes: Full scopes.
    """

    client_id: str
    organisation: str
    scopes: tuple[str, ...]


class ServiceAccounts:
    """All service accounts.

    Args:
        store: Where they survive.
        digits: Makes a random number of so many digits, with a beginning.
        hexadecimal: Makes a random word of so many hexadecimal digits.
        lock: Guards the directory.
    """

    def __init__(
        self,
        store: Store,
        digits: Callable[[int, str], str],
        hexadecimal: Callable[[int], str],
        lock: threading.RLock,
    ) -> None:
        self._digits = digits
        self._hexadecimal = hexadecimal
        self._lock = lock
        self._accounts = Table(store, "oauth.services", ServiceAccount, lambda row: row.email)
        self._keys = Table(store, "oauth.service_keys", ServiceKey, lambda row: row.key_id)
        self._delegations = Table(
            store,
            "oauth.delegations",
            Delegation,
            lambda row: f"{row.client_id} {row.organisation}",
        )

    @property
    def all(self) -> tuple[ServiceAccount, ...]:
        """All of them, by address."""
        return tuple(sorted(self._accounts, key=lambda row: row.email))

    @property
    def delegations(self) -> tuple[Delegation, ...]:
        """All that was delegated."""
        return tuple(self._delegations)

    def add(self, project: str, project_id: str, name: str) -> ServiceAccount:
        """Make an account, or return the one of that name.

        Raises:
            ValueError: The name is none that Google takes.
        """
        if not (6 <= len(name) <= 30 and name[0].isalpha() and _is_plain(name)):
            raise ValueError("a name has 6 to 30 lower-case letters, digits and hyphens")
        email = f"{name}@{project_id}.iam.gserviceaccount.com"
        with self._lock:
            known = self._accounts.get(email)
            number = self._digits(21, "1")
            return known or self._accounts.put(ServiceAccount(email, name, number, project))

    def find(self, email: str) -> ServiceAccount | None:
        """Return an account by its address."""
        return self._accounts.get(email)

    def by_number(self, unique_id: str) -> ServiceAccount | None:
        """Return an account by its number."""
        return next((row for row in self._accounts if row.unique_id == unique_id), None)

    def enable(self, email: str, *, on: bool) -> None:
        """Enable or disable an account.

        Raises:
            KeyError: There is no such account.
        """
        with self._lock:
            self._accounts.put(replace(self._known(email), enabled=on))

    def new_key(self, email: str, project_id: str, base_url: str) -> dict[str, Any]:
        """Make a key and return the file that the console downloads; its private half is not kept.

        Args:
            email: Whose.
            project_id: The project's readable id.
            base_url: Scheme, host and port of LocalDrive.

        Raises:
            KeyError: There is no such account.
            ValueError: It has ten keys.
        """
        # Only service accounts need the cryptography package, which is an extra.
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

        account = self._known(email)
        if len(self.keys(email)) >= MOST_KEYS:
            raise ValueError(f"{email} has {MOST_KEYS} keys already")
        private = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        secret = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        with self._lock:
            key = self._keys.put(ServiceKey(self._hexadecimal(40), email, public.decode()))
        return {
            "type": "service_account",
            "project_id": project_id,
            "private_key_id": key.key_id,
            "private_key": secret.decode(),
            "client_email": account.email,
            "client_id": account.unique_id,
            "auth_uri": f"{base_url}/o/oauth2/auth",
            "token_uri": f"{base_url}/token",
            "auth_provider_x509_cert_url": f"{base_url}/oauth2/v1/certs",
            "client_x509_cert_url": f"{base_url}/robot/v1/metadata/x509/{account.email}",
            "universe_domain": "googleapis.com",
        }

    def keys(self, email: str) -> tuple[ServiceKey, ...]:
        """Return the keys of an account."""
        return tuple(row for row in self._keys if row.account == email)

    def delete_key(self, key_id: str) -> None:
        """Delete a key: what it signs is refused from then on."""
        with self._lock:
            self._keys.drop(key_id)

    def delegate(self, email: str, organisation: str, scopes: Iterable[str]) -> Delegation:
        """Let an account act for an organisation's people, as its admin does; replaces the last.

        Raises:
            KeyError: There is no such account.
        """
        number = self._known(email).unique_id
        with self._lock:
            return self._delegations.put(Delegation(number, organisation, full_scopes(scopes)))

    def undelegate(self, email: str, organisation: str) -> None:
        """End what `delegate` allowed.

        Raises:
            KeyError: There is no such account.
        """
        with self._lock:
            self._delegations.drop(f"{self._known(email).unique_id} {organisation}")

    def delegated(self, unique_id: str, organisation: str | None) -> frozenset[str]:
        """Return the scopes that an account may have for people of an organisation."""
        row = self._delegations.get(f"{unique_id} {organisation}")
        return frozenset(row.scopes if row else ())

    def _known(self, email: str) -> ServiceAccount:
        account = self._accounts.get(email)
        if account is None:
            raise KeyError(email)
        return account


def _is_plain(name: str) -> bool:
    return all(
        each.isascii() and (each.islower() or each.isdigit() or each == "-") for each in name
    )
