"""Law 8: an edit on Drive that was to be seen before we wrote is kept for good, and told."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tests.laws.facts import Broken, Things


@dataclass(frozen=True, slots=True)
class Edit:
    """A content that a person put on Drive."""

    file: str
    version: str
    seen_by: int | None = None
    """The first pass that must have seen it before it wrote; None: none so far."""


def check(
    things: Things,
    edits: Mapping[str, Edit],
    writers: Mapping[str, int],
    *,
    told: AbstractSet[tuple[str, str]],
    most: int,
) -> None:
    """Look at each edit that something replaced.

    Args:
        things: everything on Drive.
        edits: by the id of their version.
        writers: which pass wrote a version, by its id; a person's have none.
        told: (file, version) of the replaced edits that the program remembers.
        most: pins of a file; beyond that an edit is told only.
    """
    for thing in things.values():
        pins = sum(version.pinned for version in thing.versions)
        before = (None, *(version.md5 for version in thing.versions))
        for older, version, newer in zip(before, thing.versions, thing.versions[1:], strict=False):
            if version.md5 == older:
                continue  # the content that was there already, once more
            edit = edits.get(version.id)
            writer = writers.get(newer.id)
            if edit is None or edit.seen_by is None or writer is None or writer < edit.seen_by:
                continue
            if not version.pinned and pins < most:
                raise Broken(8, f"an edit of {thing.name!r} was replaced and is not pinned")
            if (thing.id, version.id) not in told:
                raise Broken(8, f"an edit of {thing.name!r} was replaced and is not told")
