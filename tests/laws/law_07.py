"""Law 7: without a person's yes only few deletions, and none from a home that looks wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tests.laws.facts import Broken, Thing, Things

DAY = 86_400.0
NOTHING = hashlib.md5(b"", usedforsecurity=False).hexdigest()


def newly_trashed(before: Things, after: Things, *, touched: AbstractSet[str]) -> list[str]:
    """Return the files that a pass put into the trash; not an empty one that used up an id."""
    return [
        thing.id
        for thing in after.values()
        if thing.trashed
        and thing.id not in touched
        and (thing.id not in before or not before[thing.id].trashed)
        and not _only_used_up_an_id(thing)
    ]


def _only_used_up_an_id(thing: Thing) -> bool:
    return (
        thing.name.startswith("not needed (")
        and not thing.folder
        and all(version.md5 == NOTHING for version in thing.versions)
    )


@dataclass
class Guarded:
    """Counts what went to the trash unasked. Times are epoch seconds on the home's clock."""

    share: float = 0.25
    unasked: int = 3
    """So many are never too many."""
    _trashed: dict[str, float] = field(default_factory=dict)
    _mirrored: list[tuple[float, int]] = field(default_factory=list)
    _blind_until: float = 0.0

    def clock_set(self, now: float) -> None:
        """Somebody set the clock: for a day nobody knows what a day is."""
        self._trashed.clear()
        self._mirrored.clear()
        self._blind_until = now + DAY

    def take(
        self, now: float, trashed: Iterable[str], mirrored: int, in_trash: AbstractSet[str]
    ) -> None:
        """Judge a pass.

        Args:
            now: when it ended.
            trashed: files that it put into the trash unasked.
            mirrored: files that were mirrored when it began.
            in_trash: what is in the trash now; what a person took out again does not count.
        """
        self._mirrored.append((now, mirrored))
        self._trashed.update(dict.fromkeys(trashed, now))
        self._trashed = {
            i: at for i, at in self._trashed.items() if at > now - DAY and i in in_trash
        }
        older = [item for item in self._mirrored if item[0] <= now - DAY]
        self._mirrored = older[-1:] + [item for item in self._mirrored if item[0] > now - DAY]
        # The measure is what was mirrored when the day began; the most since then is the mildest.
        most = max(count for _, count in self._mirrored)
        limit = max(self.unasked, self.share * most)
        if len(self._trashed) > limit and now >= self._blind_until:
            raise Broken(7, f"{len(self._trashed)} of {most} files were trashed in a day unasked")


def check_home(trashed: Iterable[str], why: str) -> None:
    """Make sure that a home that looks wrong trashed nothing; ``why`` is empty for a sound one."""
    found = list(trashed)
    if why and found:
        raise Broken(7, f"{len(found)} files were trashed although {why}")


def check_folders(
    trashed: Iterable[str], tops: dict[str, set[str]], alive: AbstractSet[str]
) -> None:
    """Make sure that no top-level folder was trashed as a whole.

    Args:
        trashed: files that a pass put into the trash unasked.
        tops: the mirrored files by the top-level folder that they lay in before.
        alive: mirrored files that are in the home still, wherever it has them now.
    """
    gone = set(trashed)
    for top, files in tops.items():
        if files & gone and not files & alive:
            raise Broken(7, f"the whole top-level folder {top!r} was trashed unasked")
