"""The consoles behind consent: accounts, Cloud projects and OAuth clients, kept and changed."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

from jupyter_drive_sync.localdrive.accounts import (
    Account,
    Client,
    ClientKind,
    Project,
    Publishing,
    check_registrable,
)
from jupyter_drive_sync.localdrive.clock import Clock
from jupyter_drive_sync.localdrive.grants import Table
from jupyter_drive_sync.localdrive.service_accounts import ServiceAccount, ServiceAccounts
from jupyter_drive_sync.localdrive.store import MemoryStore, Store

_LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"
_URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

T = TypeVar("T")


def known(row: T | None, name: str) -> T:
    """Return a row that must be there.

    Raises:
        KeyError: It is not; the error carries the name.
    """
    if row is None:
        raise KeyError(name)
    return row


class Directory:
    """Accounts, projects and clients, and what an administrator's consoles do to them.

    A new directory holds `ann@example.edu`, `ben@example.edu` and one project with a desktop, a
    web and a TV client.

    Args:
        clock: Where the time comes from.
        seed: What ids and token values are drawn from.
        store: What survives a restart.
        mark: Stands in every secret (`LocalDriveSettings.secret_mark`).
    """

    def __init__(
        self, clock: Clock, seed: int = 0, store: Store | None = None, mark: str = ""
    ) -> None:
        self._mark = mark
        self._store = store if store is not None else MemoryStore()
        self._clock = clock
        self._lock = threading.RLock()
        self._accounts = Table(self._store, "oauth.accounts", Account, lambda row: row.email)
        self._projects = Table(self._store, "oauth.projects", Project, lambda row: row.number)
        self._clients = Table(self._store, "oauth.clients", Client, lambda row: row.client_id)
        self.services = ServiceAccounts(self._store, self._digits, self._hexadecimal, self._lock)
        if len(self._accounts):
            # Started again over a folder: the same values must not come twice.
            self._random = Random(f"{seed} {clock.now()}")  # noqa: S311 - values are worthless
        else:
            self._random = Random(seed)  # noqa: S311 - token values are worthless outside
            self._set_up()

    def _set_up(self) -> None:
        self.add_account("ann@example.edu", "Ann Example")
        self.add_account("ben@example.edu", "Ben Example")
        project = self.add_project("drive-sync-demo", "Jupyter Drive Sync")
        self.add_client(project.number, "desktop")
        self.add_client(
            project.number, "web", ("http://localhost:8000/services/drive-sync/oauth2callback",)
        )
        self.add_client(project.number, "tv")

    def add_account(self, email: str, name: str) -> Account:
        """Make an account, or rename one. Its storage is the model's matter."""
        with self._lock:
            old = self._accounts.get(email)
            subject = old.subject if old else "1" + self._digits(20)
            return self._accounts.put(Account(email, name, subject))

    def add_project(self, project_id: str, name: str) -> Project:
        """Make a Cloud project, published to production, its Drive API on."""
        with self._lock:
            return self._projects.put(Project(self._digits(12, first="1"), project_id, name))

    def add_client(
        self, project: str, kind: ClientKind, redirect_uris: Iterable[str] = ()
    ) -> Client:
        """Make an OAuth client.

        Args:
            project: The project's number.
            kind: `desktop`, `web` or `tv`.
            redirect_uris: Addresses of a web client.

        Raises:
            KeyError: There is no such project.
            ValueError: Google's console would refuse one of the addresses.
        """
        uris = tuple(redirect_uris)
        for uri in uris:
            check_registrable(uri)
        with self._lock:
            number = self.project(project).number
            label = "".join(self._random.choices(_LOWER, k=32))
            client_id = f"{number}-{label}.apps.googleusercontent.com"
            return self._clients.put(
                Client(
                    client_id=client_id,
                    secret=self._secret("GOCSPX-", 28),
                    kind=kind,
                    project=number,
                    serial=len(self._clients) + 1,
                    redirect_uris=uris,
                )
            )

    def add_redirect_uri(self, client_id: str, uri: str) -> Client:
        """Register one more address with a web client.

        Raises:
            KeyError: There is no such client.
            ValueError: Google's console would refuse the address.
        """
        check_registrable(uri)
        with self._lock:
            client = self.client(client_id)
            uris = tuple(dict.fromkeys((*client.redirect_uris, uri)))
            return self._clients.put(replace(client, redirect_uris=uris))

    @property
    def accounts(self) -> tuple[Account, ...]:
        """All accounts by address."""
        return tuple(sorted(self._accounts, key=lambda row: row.email))

    @property
    def projects(self) -> tuple[Project, ...]:
        """All projects."""
        return tuple(self._projects)

    @property
    def clients(self) -> tuple[Client, ...]:
        """All clients in the order in which they were made, deleted ones too."""
        return tuple(sorted(self._clients, key=lambda row: row.serial))

    def account(self, email: str) -> Account:
        """Return an account, a person's or a service's.

        Raises:
            KeyError: There is no such account.
        """
        service = self.services.find(email)
        if service is not None:
            return Account(email, service.name, service.unique_id, service.enabled)
        return known(self._accounts.get(email), email)

    def project(self, number: str) -> Project:
        """Return a project.

        Raises:
            KeyError: There is no such project.
        """
        return known(self._projects.get(number), number)

    def client(self, client_id: str) -> Client:
        """Return a client, also a deleted one.

        Raises:
            KeyError: There is no such client.
        """
        return known(self._clients.get(client_id), client_id)

    def project_of(self, client_id: str) -> Project:
        """Return the project of a client, or of a service account by its number.

        Raises:
            KeyError: There is neither.
        """
        service = self.services.by_number(client_id)
        return self.project(service.project if service else self.client(client_id).project)

    def add_service_account(self, name: str, project: str | None = None) -> ServiceAccount:
        """Make a service account, or return the one of that name.

        Args:
            name: The first part of its address, 6 to 30 characters.
            project: The project's number; the first project's without.

        Raises:
            KeyError: There is no such project.
            ValueError: Google takes no such name.
        """
        owner = self.project(project) if project else self.projects[0]
        return self.services.add(owner.number, owner.project_id, name)

    def service_account_file(self, email: str, base_url: str) -> dict[str, Any]:
        """Make a key of a service account and return its file, pointing at LocalDrive.

        Raises:
            KeyError: There is no such account.
            ValueError: It has ten keys.
        """
        service = known(self.services.find(email), email)
        project = self.project(service.project)
        return self.services.new_key(email, project.project_id, base_url)

    def client_of_kind(self, kind: ClientKind) -> Client:
        """Return the first client of a kind.

        Raises:
            KeyError: There is none.
        """
        return known(next((row for row in self.clients if row.kind == kind), None), kind)

    def client_file(self, client_id: str, base_url: str) -> dict[str, dict[str, Any]]:
        """Return a client file as Google's console downloads it, pointing at LocalDrive.

        Raises:
            KeyError: There is no such client.
        """
        client = self.client(client_id)
        return client.console_file(base_url, self.project(client.project).project_id)

    def publish(
        self, project: str, status: Publishing, test_users: Iterable[str] | None = None
    ) -> None:
        """Set a project's publishing status; tokens already out keep the life they were given.

        Args:
            project: The project's number.
            status: `testing` or `production`.
            test_users: Who may consent while testing; None is everybody.
        """
        users = None if test_users is None else tuple(test_users)
        self._change_project(project, publishing=status, test_users=users)

    def switch_drive(self, project: str, on: bool) -> None:
        """Switch the Drive API on or off in a project (off: `accessNotConfigured`)."""
        self._change_project(project, drive_enabled=on)

    def block(self, project: str, organisation: str) -> None:
        """Let an organisation's admin block the app: `admin_policy_enforced` from now on."""
        blocked = (*self.project(project).blocked_by, organisation)
        self._change_project(project, blocked_by=tuple(dict.fromkeys(blocked)))

    def _change_project(self, number: str, **changes: Any) -> None:
        with self._lock:
            self._projects.put(replace(self.project(number), **changes))

    def delete_client(self, client_id: str) -> None:
        """Delete a client, as Google does after six months without use: `deleted_client`."""
        with self._lock:
            self._clients.put(replace(self.client(client_id), deleted=True))

    def disable_account(self, email: str) -> None:
        """Suspend an account: its tokens are dead, at once."""
        with self._lock:
            self._accounts.put(replace(self.account(email), enabled=False))

    def _secret(self, prefix: str, length: int) -> str:
        return prefix + self._mark + "".join(self._random.choices(_URL_SAFE, k=length))

    def _hexadecimal(self, length: int) -> str:
        return "".join(self._random.choices("0123456789abcdef", k=length))

    def _digits(self, length: int, first: str = "") -> str:
        rest = self._random.choices("0123456789", k=length - len(first))
        return first + "".join(rest)
