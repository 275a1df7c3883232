"""The change feed of one account: the latest entry per file, in the order in which they show.

Sources: Drive guide, "Retrieve changes" (a token points at a position; only the most recent change
of a file is listed; tokens do not expire; `newStartPageToken` comes with the last page). That the
feed lags behind writes is a matter of experience; how long is drawn by seed up to the setting.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from jupyter_drive_sync.localdrive.store import Store

ROOM = "changes"
_FIRST = 101


@dataclass(frozen=True, slots=True)
class Change:
    """One entry.

    Attributes:
        position: Its place in the feed; 0 while it does not show yet.
        file_id: What changed.
        time: When, in milliseconds since 1970.
        removed: Whether the account lost it: deleted for good, or no longer shared.
        apps: Projects that saw the file, for the entries of removed ones.
        shows_at: When it shows in the feed, in seconds since 1970.
    """

    position: int
    file_id: str
    time: int
    removed: bool
    apps: frozenset[str]
    shows_at: float = 0.0


class ChangeFeed:
    """One account's feed. Not locked: the model's lock guards it."""

    def __init__(self, account: str, store: Store) -> None:
        self._account = account
        self._store = store
        self._next = _FIRST
        self._latest: dict[str, Change] = {}
        self._order: list[tuple[int, str]] = []
        self._pending: list[Change] = []

    def restore(self, document: dict[str, Any]) -> None:
        """Take in an entry that the store kept. Call `restored` after the last."""
        change = Change(**{**document, "apps": frozenset(document["apps"])})
        if change.position:
            self._latest[change.file_id] = change
            self._next = max(self._next, change.position + 1)
        else:
            self._pending.append(change)

    def restored(self) -> None:
        """Put what was restored in order."""
        self._order = sorted((each.position, name) for name, each in self._latest.items())
        self._pending.sort(key=lambda each: each.shows_at)

    def record(self, change: Change, now: float) -> None:
        """Take in a change; it gets its position when it shows, never before an older one's."""
        older = [each.shows_at for each in self._pending if each.file_id == change.file_id]
        change = replace(change, shows_at=max([change.shows_at, *older]))
        if change.shows_at <= now and not self._pending:
            self._show(change)
        else:
            self._pending.append(change)
            self._pending.sort(key=lambda each: each.shows_at)
            self._keep(change)

    def start(self, now: float) -> int:
        """Return the position after everything that shows now."""
        self._settle(now)
        return self._next

    def since(self, position: int, now: float) -> Iterator[Change]:
        """Yield the entries from a position on."""
        self._settle(now)
        for place, name in self._order[bisect_left(self._order, (position, "")) :]:
            change = self._latest[name]
            if change.position == place:
                yield change

    def _settle(self, now: float) -> None:
        while self._pending and self._pending[0].shows_at <= now:
            self._show(self._pending.pop(0))

    def _show(self, change: Change) -> None:
        shown = Change(
            self._next, change.file_id, change.time, change.removed, change.apps, change.shows_at
        )
        self._next += 1
        self._latest[shown.file_id] = shown
        self._order.append((shown.position, shown.file_id))
        self._keep(shown)
        if len(self._order) > 2 * len(self._latest) + 1000:
            self.restored()

    def _keep(self, change: Change) -> None:
        self._store.put(
            ROOM,
            f"{self._account}\n{change.file_id}",
            {
                "position": change.position,
                "file_id": change.file_id,
                "time": change.time,
                "removed": change.removed,
                "apps": sorted(change.apps),
                "shows_at": change.shows_at,
            },
        )
