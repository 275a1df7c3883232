"""Law 1: at most one live Drive object per mirrored path and per intent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from tests.laws.facts import Broken, Things, live


def check(
    things: Things,
    *,
    placed: AbstractSet[str],
    copied: AbstractSet[str],
    makers: Mapping[str, str] | None = None,
) -> None:
    """Look for twins.

    Args:
        things: everything on Drive.
        placed: what a person put where it is: of two at one place one may be theirs.
        copied: what a person made as a copy, with all the marks of its original.
        makers: which home made a folder above the mirrors, where a listing lags: of two homes that
            begin within that time each makes one, and nothing tells it of the other.
    """
    places: dict[tuple[str | None, str, bool, str], list[str]] = defaultdict(list)
    writes: dict[str, list[str]] = defaultdict(list)
    for thing in things.values():
        if not thing.ours or not live(things, thing):
            continue
        if thing.id not in placed:
            maker = thing.home or (makers or {}).get(thing.id, "")
            places[thing.parent, thing.name, thing.folder, maker].append(thing.id)
        if thing.nonce and thing.id not in copied:
            writes[thing.nonce].append(thing.id)
    for (_, name, *_), ids in places.items():
        if len(ids) > 1:
            raise Broken(1, f"{name!r} is on Drive {len(ids)} times at one place: {ids}")
    for nonce, ids in writes.items():
        if len(ids) > 1:
            raise Broken(1, f"one write ({nonce}) made {len(ids)} objects: {ids}")
