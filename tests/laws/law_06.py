"""Law 6: "synced" is said after it was so, an error is never a success, every skip is listed."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from jupyter_drive_sync.engine.report import Status
from tests.laws.facts import Broken, Thing, Things, live
from tests.laws.law_04 import covered, path_of


def check_status(before: Status, after: Status, *, outcome: str, now: float) -> None:
    """Compare the status that others read with how the pass ended.

    Args:
        before: the status when it began.
        after: the status when it was over, as judged by a reader.
        outcome: ``completed``, ``completed_with_errors``, ``failed``, ``killed``, or ``busy``: it
            gave way to another writer.
        now: epoch seconds when it ended.
    """
    if outcome == "busy":
        return
    said = after.status
    if outcome == "killed":
        # It may have died after it had said how it ended; until then it reads as dead.
        if said == "in_progress":
            raise Broken(6, "a killed pass is said to be running")
        return
    if said != outcome:
        raise Broken(6, f"the pass ended as {outcome} and is said to be {said}")
    if outcome == "completed":
        if after.last_sync != now or after.problem is not None:
            raise Broken(6, "a completed pass is not told as one")
    elif after.last_sync != before.last_sync:
        raise Broken(6, f"a pass that ended as {outcome} counts as a success")
    elif after.problem is None and not after.meta.get("failed"):
        raise Broken(6, f"nothing is said about why a pass ended as {outcome}")


def check_synced(
    home: Mapping[str, str],
    things: Things,
    *,
    root: str,
    listed: AbstractSet[str],
    touched: AbstractSet[str],
) -> None:
    """After "completed": each file is on Drive with its content, or listed.

    Args:
        home: path to checksum, of the files that did not change since the pass began.
        things: everything on Drive.
        root: the mirror's folder.
        listed: paths that the report names, with all that is below them.
        touched: objects that a person changed so lately that Drive need not have shown it.
    """
    there: dict[str, list[Thing]] = {}
    for thing in things.values():
        if not thing.folder and live(things, thing):
            path = path_of(things, thing, root)
            if path is not None:
                there.setdefault(path, []).append(thing)
    hidden = bool(touched)
    for path, md5 in home.items():
        if covered(path, listed):
            continue
        heads = [thing.head.md5 for thing in there.get(path, []) if thing.head is not None]
        if md5 not in heads and not hidden:
            raise Broken(6, f"{path!r} is said to be synced and is not")
