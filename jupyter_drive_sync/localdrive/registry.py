"""What is there: accounts, files and feeds in memory, indexed, and written through to a store.

The caller holds `lock` around every method: `Api` does. Time comes from the injected clock, chance
(ids, order of listings, lag) from the injected random source, so that a run can be repeated.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random

from jupyter_drive_sync.localdrive.blobs import Blobs
from jupyter_drive_sync.localdrive.changes import ROOM as CHANGES
from jupyter_drive_sync.localdrive.changes import Change, ChangeFeed
from jupyter_drive_sync.localdrive.clock import Clock, milliseconds
from jupyter_drive_sync.localdrive.objects import (
    FOLDER,
    ROLES,
    Account,
    File,
    Permission,
    SharedDrive,
    account_document,
    drive_document,
    file_document,
    file_from,
    is_service_account,
)
from jupyter_drive_sync.localdrive.settings import DAY, LocalDriveSettings
from jupyter_drive_sync.localdrive.store import Store
from jupyter_drive_sync.localdrive.visibility import is_trashed, lineage

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Registry:
    """Everything that all accounts' drives hold."""

    def __init__(
        self,
        *,
        clock: Clock,
        random: Random,
        settings: LocalDriveSettings,
        store: Store,
        blobs: Blobs,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.random = random
        self.settings = settings
        self.blobs = blobs
        self.accounts: dict[str, Account] = {}
        self.drives: dict[str, SharedDrive] = {}
        self.files: dict[str, File] = {}
        self.children: dict[str, dict[str, None]] = {}
        self.usage: dict[str, int] = {}
        self.items: dict[str, int] = {}
        self.limits: dict[str, int | None] = {}
        self.feeds: dict[str, ChangeFeed] = {}
        self.history: dict[str, list[tuple[float, File | None]]] = {}
        self._issued: dict[str, str] = {}
        self._spent: set[str] = set()
        self.purge_at: float | None = None
        self._store = store
        self._restore()

    # -- accounts ---------------------------------------------------------------------------

    def account(self, address: str) -> Account:
        """Return an account, opened on first use."""
        return self.accounts.get(address) or self.open_account(address)

    def open_account(
        self, address: str, *, name: str | None = None, limit: int | None = None
    ) -> Account:
        """Open an account or give it another name or storage limit (bytes)."""
        old = self.accounts.get(address)
        if old is None:
            account = Account(
                address,
                name or address.partition("@")[0].replace(".", " ").title(),
                "".join(self.random.choices("0123456789", k=20)),
                "0A" + self.token(17),
            )
            self.accounts[address] = account
            now = self.now()
            self._keep(
                File(
                    id=account.root,
                    owner=address,
                    name="My Drive",
                    mime_type=FOLDER,
                    parent=None,
                    created=now,
                    modified=now,
                    modified_by=address,
                    order=self.random.random(),
                )
            )
        else:
            account = replace(old, name=name or old.name)
        if limit is not None:
            self.limits[address] = limit
        self.accounts[address] = account
        self._store.put(
            "accounts", address, {**account_document(account), "limit": self.limits.get(address)}
        )
        return account

    def limit(self, owner: str) -> int | None:
        """Return what an account or a shared drive may store, None for any amount.

        Sources: Drive guide "Shared drives overview" (its files belong to the organisation, and a
        service account has no storage).
        """
        if owner in self.drives:
            return None
        if is_service_account(owner):
            return 0
        return self.limits.get(owner) or self.settings.storage_limit

    # -- shared drives ----------------------------------------------------------------------

    def make_drive(self, name: str, members: Mapping[str, str]) -> SharedDrive:
        """Make a shared drive, as a person does in Drive's own page.

        Args:
            name: Its name.
            members: Roles by address; somebody must be its organizer.

        Raises:
            ValueError: Nobody is, or a role is none.
        """
        if "organizer" not in members.values():
            raise ValueError("a shared drive needs an organizer")
        now = self.now()
        drive = SharedDrive("0A" + self.token(13) + "9PVA", name, now)
        self.drives[drive.id] = drive
        self._store.put("drives", drive.id, drive_document(drive))
        self._keep(
            File(
                id=drive.id,
                owner=drive.id,
                name="Drive",
                mime_type=FOLDER,
                parent=None,
                created=now,
                modified=now,
                modified_by=next(iter(members)),
                order=self.random.random(),
            )
        )
        for address, role in members.items():
            self.set_member(drive.id, address, role)
        return drive

    def set_member(self, drive_id: str, address: str, role: str | None) -> None:
        """Give somebody a role in a shared drive; None takes them out of it.

        Raises:
            KeyError: There is no such drive.
            ValueError: There is no such role in one.
        """
        if role is not None and role not in ROLES[:-1]:
            raise ValueError(f"{role} is no role in a shared drive")
        root = self.files[self.drives[drive_id].id]
        permissions = [each for each in root.permissions if each.address != address]
        if role is not None:
            number = self.account(address).permission_id
            permissions.append(Permission(number, "user", role, address))
        self.write(replace(root, permissions=tuple(permissions)))

    def share_by_link(self, file_id: str, role: str = "reader", *, with_key: bool = False) -> File:
        """Give whoever has the link a role, as a person does in Drive's own page.

        Args:
            file_id: What is shared.
            role: `reader`, `commenter` or `writer`.
            with_key: Whether the link carries a resource key that must be shown.

        Raises:
            KeyError: There is no such file.
            ValueError: A link gives no such role.
        """
        if role not in {"reader", "commenter", "writer"}:
            raise ValueError(f"a link makes nobody {role}")
        file = self.files[file_id]
        link = Permission("anyoneWithLink", "anyone", role)
        others = tuple(each for each in file.permissions if each.id != link.id)
        key = "0-" + self.token(20) if with_key else None
        return self.write(replace(file, permissions=(*others, link), resource_key=key))

    def is_root(self, file: File) -> bool:
        """Return whether a file is the root folder of My Drive or of a shared drive."""
        if file.parent is not None:
            return False
        return file.id == file.drive_id or (
            file.drive_id is None and file.id == self.account(file.owner).root
        )

    # -- finding ----------------------------------------------------------------------------

    def lookup(self, file_id: str) -> File | None:
        """Return a file whoever asks."""
        return self.files.get(file_id)

    def descendants(self, file: File) -> Iterator[File]:
        """Yield everything below a file, parents before children."""
        waiting = list(self.children.get(file.id, ()))
        while waiting:
            child = self.files[waiting.pop()]
            yield child
            waiting.extend(self.children.get(child.id, ()))

    def trashed(self, file: File) -> bool:
        """Return whether a file is in the trash, itself or by a folder above it."""
        return is_trashed(file, self.lookup)

    # -- ids --------------------------------------------------------------------------------

    def now(self) -> int:
        """Return the time in milliseconds since 1970."""
        return milliseconds(self.clock.now())

    def token(self, length: int) -> str:
        """Return a random word of the alphabet of Drive's ids."""
        return "".join(self.random.choices(_ALPHABET, k=length))

    def issued(self, file_id: str) -> str | None:
        """Return the kind of an id that was issued and not used yet."""
        return self._issued.get(file_id)

    def is_spent(self, file_id: str) -> bool:
        """Return whether an id belongs or belonged to a file."""
        return file_id in self.files or file_id in self._spent

    def new_id(self) -> str:
        """Return an id for a file."""
        return "1" + self.token(32)

    def issue_ids(self, count: int, kind: str) -> list[str]:
        """Return ids that a later create may use. `kind` is `files` or `shortcuts`."""
        ids = [self.new_id() for _ in range(count)]
        self._issued.update(dict.fromkeys(ids, kind))
        self._store.put("ids", ids[0], {"ids": ids, "kind": kind})
        return ids

    # -- keeping ----------------------------------------------------------------------------

    def write(self, file: File) -> File:
        """Keep a new or changed file as its next version; tell the feeds of all who see it."""
        old = self.files.get(file.id)
        if old is None:
            self._spent.add(file.id)
            self._issued.pop(file.id, None)
        else:
            file = replace(file, version=old.version + self.random.randint(1, 3))
        before = self.audience(old) if old else set()
        self._keep(file)
        after = self.audience(file)
        for account in sorted(after):
            self.tell(account, file, removed=False)
        for account in sorted(before - after):
            self.tell(account, file, removed=True)
        return file

    def _keep(self, file: File) -> None:
        old = self.files.get(file.id)
        self._remember(file.id, old, file)
        self._index(old, file)
        self._store.put("files", file.id, file_document(file))
        if file.trashed_at is not None:
            self._expect_purge(file.trashed_at)

    def forget(self, file: File) -> None:
        """Drop a file and tell the feeds of all who saw it."""
        audience = self.audience(file)
        self._remember(file.id, file, None)
        self._index(file, None)
        self.children.pop(file.id, None)
        self._spent.add(file.id)
        self._store.drop("files", file.id)
        self._store.put("spent", file.id, True)
        for account in sorted(audience):
            self.tell(account, file, removed=True)

    def _index(self, old: File | None, new: File | None) -> None:
        """Keep the indexes, the usage and the counts of contents in step."""
        for revision in new.revisions if new else ():
            self.blobs.refer(revision.blob)
        for revision in old.revisions if old else ():
            self.blobs.release(revision.blob)
        if old is not None:
            self.usage[old.owner] = self.usage.get(old.owner, 0) - old.quota
            self.items[old.owner] = self.items.get(old.owner, 0) - 1
            if old.parent is not None and (new is None or new.parent != old.parent):
                self.children.get(old.parent, {}).pop(old.id, None)
            del self.files[old.id]
        if new is not None:
            self.usage[new.owner] = self.usage.get(new.owner, 0) + new.quota
            self.items[new.owner] = self.items.get(new.owner, 0) + 1
            if new.parent is not None:
                self.children.setdefault(new.parent, {})[new.id] = None
            self.files[new.id] = new

    def _remember(self, file_id: str, old: File | None, new: File | None) -> None:
        """Keep what listings still show of a file for a while."""
        lag = self.settings.listing_lag
        if lag <= 0:
            return
        states = self.history.setdefault(file_id, [(float("-inf"), old)])
        shows_at = self.clock.now() + self.random.uniform(0, lag)
        states.append((max(shows_at, states[-1][0]), new))

    def audience(self, file: File) -> set[str]:
        """Return the accounts, and the shared drive, whose feeds tell of a file."""
        found = {file.owner}
        for each in lineage(file, self.lookup):
            found.add(each.owner)
            found.update(
                permission.address
                for permission in each.permissions
                if permission.type == "user" and permission.address is not None
            )
        return {each for each in found if each in self.accounts or each in self.drives}

    def tell(self, account: str, file: File, *, removed: bool) -> None:
        """Put a change into an account's feed."""
        now = self.clock.now()
        lag = self.settings.changes_lag
        shows_at = now + self.random.uniform(0, lag) if lag > 0 else now
        self.feed(account).record(
            Change(0, file.id, milliseconds(now), removed, file.apps, shows_at), now
        )

    def feed(self, account: str) -> ChangeFeed:
        """Return an account's change feed."""
        found = self.feeds.get(account)
        if found is None:
            found = self.feeds[account] = ChangeFeed(account, self._store)
        return found

    def expect_purges(self) -> None:
        """Find out anew when the oldest trashed file is due."""
        self.purge_at = None
        for file in self.files.values():
            if file.trashed_at is not None:
                self._expect_purge(file.trashed_at)

    def _expect_purge(self, trashed_at: int) -> None:
        due = trashed_at / 1000 + self.settings.trash_days * DAY
        self.purge_at = due if self.purge_at is None else min(self.purge_at, due)

    def _restore(self) -> None:
        for address, document in self._store.items("accounts"):
            limit = document.pop("limit")
            self.accounts[address] = Account(**document)
            if limit is not None:
                self.limits[address] = limit
        for drive_id, document in self._store.items("drives"):
            self.drives[drive_id] = SharedDrive(**document)
        for _, document in self._store.items("files"):
            file = file_from(document)
            self._index(None, file)
            if file.trashed_at is not None:
                self._expect_purge(file.trashed_at)
        self._spent = {key for key, _ in self._store.items("spent")}
        for _, document in self._store.items("ids"):
            self._issued.update(dict.fromkeys(document["ids"], document["kind"]))
        for key, document in self._store.items(CHANGES):
            self.feed(key.partition("\n")[0]).restore(document)
        for feed in self.feeds.values():
            feed.restored()
