"""Law 4: once faults stop, home and Drive are equal but for what is listed."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from jupyter_drive_sync.core.names import to_drive, to_local
from tests.laws.facts import Broken, Thing, Things, above, live


def path_of(things: Things, thing: Thing, root: str) -> str | None:
    """Return where a live thing lies below the mirror; None outside of it."""
    names = [thing.name]
    for up in above(things, thing):
        if up.id == root:
            return "/".join(map(to_local, reversed(names)))
        names.append(up.name)
    return None


def covered(path: str, named: AbstractSet[str]) -> bool:
    """Tell whether a report names a path, or a folder above it."""
    parts = path.split("/")
    return any("/".join(parts[:count]) in named for count in range(1, len(parts) + 1))


def check(
    home: Mapping[str, str],
    things: Things,
    *,
    root: str,
    listed: AbstractSet[str],
    noted: AbstractSet[str],
) -> None:
    """Compare.

    Args:
        home: the files that are to be mirrored: path to checksum.
        things: everything on Drive.
        root: the mirror's folder.
        listed: paths that the report says are not equal, with all that is below them.
        noted: ids of objects that the report says are on Drive only.
    """
    there: dict[str, list[Thing]] = {}
    for thing in things.values():
        if thing.ours and not thing.folder and thing.id not in noted and live(things, thing):
            path = path_of(things, thing, root)
            if path is not None:
                there.setdefault(path, []).append(thing)
    for path, md5 in home.items():
        if not covered(path, listed):
            _same(path, md5, there.get(path, []))
    for path, found in there.items():
        if path not in home and not covered(path, listed):
            raise Broken(4, f"{path!r} is on Drive only and not listed: {found[0].id}")


def _same(path: str, md5: str, found: list[Thing]) -> None:
    if len(found) != 1:
        raise Broken(4, f"{path!r} is on Drive {len(found)} times")
    if found[0].head is None or found[0].head.md5 != md5:
        raise Broken(4, f"{path!r} has another content on Drive")
    if found[0].name != to_drive(path.rpartition("/")[2]):
        raise Broken(4, f"{path!r} has another name on Drive: {found[0].name!r}")


def writes(sent: Mapping[str, int]) -> int:
    """Count the requests that changed something."""
    return sum(count for name, count in sent.items() if name in _WRITES)


def check_rest(planned: int, sent: Mapping[str, int]) -> None:
    """Make sure that a pass after the dust has settled neither planned nor wrote anything."""
    if planned or writes(sent):
        raise Broken(4, f"no rest: {planned} writes planned, sent: {dict(sent)}")


_WRITES = frozenset({"files.create", "files.update", "files.upload", "revisions.update"})
