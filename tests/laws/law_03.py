"""Law 3: the content of a file on Drive is always one complete version that existed."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from tests.laws.facts import Broken, Things


def check(things: Things, whole: AbstractSet[str]) -> None:
    """Compare every content with those that ever existed, here or by a person's hand on Drive."""
    for thing in things.values():
        for version in thing.versions:
            if version.md5 not in whole:
                raise Broken(3, f"{thing.name!r} has a content that never existed: {version.md5}")
