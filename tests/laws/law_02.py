"""Law 2: what was saved and acknowledged is somewhere, and only a person removes it."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tests.laws.facts import Broken, Things, live

THIRTY_DAYS = 30 * 86_400.0


def contents(things: Things) -> set[str]:
    """Return the checksum of every content that Drive holds: heads, revisions, trash."""
    return {version.md5 for thing in things.values() for version in thing.versions}


def aged(before: Things, after: Things, now: float) -> set[str]:
    """Return the contents that Drive let go of because newer ones had replaced them for 30 days."""
    found = set()
    for thing in before.values():
        left = {version.id for version in after.get(thing.id, thing).versions}
        for version, newer in zip(thing.versions, thing.versions[1:], strict=False):
            if version.id not in left and newer.at + THIRTY_DAYS <= now:
                found.add(version.md5)
    return found


@dataclass
class Memory:
    """Remembers what was acknowledged. Times are seconds on Drive's clock."""

    acknowledged: set[str] = field(default_factory=set)
    had: dict[str, float] = field(default_factory=dict)
    """When each was last in the home or a head."""

    def acknowledge(self, md5s: Iterable[str]) -> None:
        """Take note of contents that count as safe from now on."""
        self.acknowledged.update(md5s)

    def removed_by_a_person(self, md5s: Iterable[str]) -> None:
        """Take note of contents that a person removed on Drive for good."""
        self.acknowledged.difference_update(md5s)

    def check(self, home: AbstractSet[str], things: Things, now: float) -> None:
        """Look for each of them; what nobody had for 30 days may go."""
        held = contents(things)
        for thing in things.values():
            if thing.head is not None and not thing.trashed:
                self.had[thing.head.md5] = now
        for md5 in home:
            self.had[md5] = now
        for md5 in self.acknowledged - held - home:
            if now - self.had.get(md5, now) < THIRTY_DAYS:
                raise Broken(2, f"the content {md5} was acknowledged and is nowhere")
            self.acknowledged.discard(md5)


def check_request(method: str, path: str) -> None:
    """Make sure that a request of ours deletes nothing; an upload given up is nothing yet."""
    if method == "DELETE" and not path.startswith("/upload/"):
        raise Broken(2, f"we asked Drive to delete: {path}")


def check_pass(before: Things, after: Things, *, touched: AbstractSet[str]) -> None:
    """Make sure that a pass deleted nothing for good and put no folder into the trash.

    Args:
        before: everything on Drive when it began.
        after: when it ended.
        touched: what a person changed meanwhile.
    """
    for thing in before.values():
        now = after.get(thing.id)
        if thing.id in touched:
            continue
        if now is None and live(before, thing):  # what was in the trash may have been due
            raise Broken(2, f"{thing.name!r} was deleted for good by a pass")
        if now is not None and thing.folder and now.trashed and not thing.trashed:
            raise Broken(2, f"the folder {thing.name!r} was put into the trash by a pass")
