"""Empty files that use up the ids of creates that may still be on their way, and are not wanted.

The last request of a writer that was cut off, or only froze, may arrive late (law 12). Where its
object is still to be made, that is made under the same id; where something else of ours is moved to
its place, a stopgap takes the id and goes to the trash: what comes late meets a 409. It is a file
whatever the create was to make, since no folder of ours is ever put into the trash (law 2).
"""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_drive_sync.core.tree import FileId, RelPath, RemoteEntry
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.types import BATCH_LIMIT, NewFile, Patch
from jupyter_drive_sync.engine.binding import marks
from jupyter_drive_sync.engine.records import Intent
from jupyter_drive_sync.errors import DailyUploadLimit, DriveFull, DriveSyncError, FileProblem


def is_stopgap(remote: object, intent: Intent) -> bool:
    """Tell whether what Drive shows under the id of a create is what only uses it up."""
    return isinstance(remote, RemoteEntry) and remote.name == _name(intent)


def remove(drive: Drive, intents: Sequence[Intent]) -> dict[RelPath, DriveSyncError]:
    """Move stopgaps to the trash; returns what Drive refused, by the path of the create."""
    refused: dict[RelPath, DriveSyncError] = {}
    for start in range(0, len(intents), BATCH_LIMIT):
        part = intents[start : start + BATCH_LIMIT]
        results = drive.batch([Patch(intent.entry.id, trashed=True) for intent in part])
        for intent, result in zip(part, results, strict=True):
            if isinstance(result, DriveSyncError):
                refused[intent.entry.path] = result
    return refused


def use_up(
    drive: Drive, intents: Sequence[Intent], parent: FileId, home_id: str
) -> dict[RelPath, DriveSyncError]:
    """Use up the ids of creates.

    Args:
        drive: the calls.
        intents: the creates; Drive showed nothing of them so far.
        parent: where the stopgaps lie until they are in the trash.
        home_id: whose mirror it is.

    Returns:
        Paths of creates whose id is not used up, with what stood in the way. An id that is taken is
        among them: the create has arrived, which the next pass sees.
    """
    refused: dict[RelPath, DriveSyncError] = {}
    used: list[Intent] = []
    for number, intent in enumerate(intents):
        app = marks(home_id, intent.nonce)
        file = NewFile(intent.entry.id, _name(intent), parent, intent.entry.mtime_ms, app)
        try:
            drive.create_file(file, b"")
            used.append(intent)
        except FileProblem as problem:
            refused[intent.entry.path] = problem
        except (DriveFull, DailyUploadLimit) as full:
            refused |= {late.entry.path: full for late in intents[number:]}
            break
    return refused | remove(drive, used)


def _name(intent: Intent) -> str:
    return f"not needed ({intent.nonce[:6]})"
