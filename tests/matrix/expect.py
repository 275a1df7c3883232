"""The table itself: which faults cannot meet which request, and how the others end.

Both are explicit. What holds after every cell (nothing twice, nothing lost, a true status, settled
in two passes) is not said here: the test sees to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.matrix.columns import Column
from tests.matrix.courses import COURSES
from tests.matrix.jobs import JOBS
from tests.matrix.rows import PASSES

PARTS: Final = frozenset(row.name for row in PASSES if row.inner)
"""Requests inside batches."""
PUTS: Final = frozenset({"upload.put, chunk", "upload.put, last chunk", "upload.put, question"})
SESSIONS: Final = frozenset({"files.create, session", "files.update, session"})
CREATES: Final = frozenset({"files.create, folder", "files.create, content"})
"""Creates that a second try finds done: the 409 is the proof."""
UPDATES: Final = frozenset({"files.update, content", "files.update, session"})
CONTENTS: Final = CREATES | UPDATES | SESSIONS | PUTS
PATCHES: Final = frozenset({"files.update, rename", "files.update, trash"})
AFTER_409: Final = "files.get, after a 409"
PIN, WEEKLY, RESUME = (
    "revisions.update, pin",
    "revisions.list, weekly",
    "files.get, what was on its way",
)
LOOKS: Final = frozenset({"changes.getStartPageToken", "files.list", "files.generateIds", "batch"})
CANCEL: Final = "upload.cancel"
REFRESH: Final = "oauth.token, refresh"
OAUTH: Final = frozenset(
    {REFRESH, *(row.name for row in (*JOBS, *COURSES) if row.endpoint.startswith("oauth"))}
)
ABOUT: Final = frozenset(row.name for row in JOBS if row.endpoint == "about.get")
DOWNLOADS: Final = frozenset({"files.get, download", "revisions.get, download"})
VERSIONS: Final = "revisions.list, of a file"
NOBODY: Final = "about.get, without a token"
ALL_JOBS: Final = (*JOBS, *COURSES)
KEY: Final = "page.key, of a service account"
ASSERTION: Final = "oauth.token, assertion"
FOUND: Final = frozenset({"drives.list, of a name", "files.list, by a path", "files.get, a folder"})
LEVEL: Final = "files.list, of a level"
IMPORTED: Final = "files.get, import"
COURSE: Final = frozenset(row.name for row in COURSES)
ALL: Final = frozenset(row.name for row in (*PASSES, *ALL_JOBS))

_NET: Final = frozenset({"F1", "F2", "F3", "F4", "F5", "F19", "F21"})
_BUSY: Final = frozenset({"F9", "F10", "F17", "F18"})

_ABSENT: Final[tuple[tuple[str, Iterable[str], str], ...]] = (
    # The parts of a batch share a connection: the row "batch" has what may happen to that.
    *((fault, PARTS, "batch") for fault in ("F1", "F2", "F3", "F4", "F5", "F21")),
    # Answers without a body cannot be cut; a page of somebody else is another matter.
    *((fault, SESSIONS | {"upload.put, chunk", "upload.put, question", CANCEL}, "no-body")
      for fault in ("F4", "F5", "F19 truncated", "F19 wrong_json")),
    *((fault, {NOBODY}, "refused") for fault in ("F3", "F4", "F5", "F6", "F7", "F9", "F10", "F12",
      "F17", "F18 503 done", "F19")),
    # The reply to a cancelled session is an error by itself (499): there is nothing to spoil.
    *((fault, {CANCEL}, "499") for fault in ("F3", "F10", "F18 503 done", "F19")),
    ("F7", OAUTH | {KEY}, "no-bearer"),
    ("F8", ALL - {REFRESH, "oauth.token, code", "oauth.token, device", ASSERTION},
      "token-endpoint"),
    ("F10", OAUTH | {KEY}, "F9"),
    ("F11", ALL - CONTENTS - {PIN}, "no-space"),
    ("F13", LOOKS | OAUTH | ABOUT | {"changes.list", CANCEL, "drives.list, of a name"}, "no-id"),
    ("F13", PUTS, "F20"),
    ("F14", ALL - CREATES - {"files.create, session", "upload.put, last chunk"}, "no-new-id"),
    ("F15", ALL - {"changes.list"}, "no-page"),
    ("F16", LOOKS | OAUTH | ABOUT | DOWNLOADS, "reads"),
    ("F16", COURSE, "reads"),
    ("F16", {"changes.list", AFTER_409, RESUME, WEEKLY, VERSIONS, CANCEL}, "reads"),
    ("F20", ALL - PUTS, "no-session"),
    ("F20 keep", {"upload.put, question", "upload.put, last chunk"}, "keeps-all"),
    ("F22 corrupt", ALL - DOWNLOADS - {IMPORTED}, "no-content"),
    ("F22 checksum", ALL - {
        "files.list", "changes.list", AFTER_409, RESUME, "files.create, content",
        "files.update, content", "upload.put, last chunk", *PATCHES, LEVEL,
    }, "no-checksum"),
)  # fmt: skip
"""Fault (or fault and kind), rows, and in a word why it cannot be there."""

_WORDS: Final = {
    "F6": "invalid_request",
    "F9": "rate_limit_exceeded",
    "F12": "admin_policy_enforced",
}
"""How the token endpoints, which have words of their own, say it."""


def absent(row: str, column: Column) -> str:
    """Say in a word why a fault cannot meet a request; nothing where it can."""
    for fault, rows, why in _ABSENT:
        meant = {column.name, f"{column.fault} {column.kind}", column.fault}
        if fault in meant and row in rows:
            return why
    return ""


def reason(row: str, column: Column) -> str:
    """Return the word that the reply gives, where it is not LocalDrive's own choice."""
    return _WORDS.get(column.fault, "") if row in OAUTH else ""


def ending(row: str, column: Column, *, lasting: bool) -> str:  # noqa: PLR0911, C901
    """Say how the pass or job ends.

    Args:
        row: the request.
        column: the fault.
        lasting: whether it strikes each time, and not once.

    Returns:
        ``completed``, ``failed CODE``, or ``some CODE-OR-WORDS`` where the files that it concerns
        are not synced and say why, and the others are.
    """
    if row == CANCEL:
        return "some changed while it was read"
    if row in COURSE:
        return _of_course(row, column, lasting=lasting)
    if row in {job.name for job in JOBS}:
        return _of_job(row, column, lasting=lasting)
    passing = column.fault in _NET | _BUSY | {"F7", "F22"} or column.name == "F20 keep"
    if column.kind == "drip" and not column.more.get("bytes"):
        return "completed"
    if not lasting and (passing or column.fault == "F20"):
        return "completed"
    if not lasting and row in PUTS and column.fault in ("F6", "F14", "F16"):
        return "completed"  # in another session
    if lasting and column.acts and row in CREATES and passing:
        return "completed"
    if (row, column.kind) == ("batch", "truncated"):
        return "completed"  # the parts that came whole count; only the others are sent again
    if column.fault in _NET or column.name == "F20 keep":
        return "failed net.offline"
    if column.fault in _BUSY:
        alone = (CONTENTS - {"files.create, folder"}) | {AFTER_409}
        return "some drive.busy" if row in alone else "failed drive.busy"
    return _final(row, column, lasting=lasting)


def _final(row: str, column: Column, *, lasting: bool) -> str:  # noqa: PLR0911, PLR0912, C901
    match column.fault:
        case "F7":
            return "some lost again and again" if row in PUTS else "failed auth.expired"
        case "F8":
            return "failed auth.revoked"
        case "F11":
            return "some drive.full"
        case "F12":
            return "failed org.blocked"
        case "F13" if row in PATCHES or (lasting and row in UPDATES):
            return "some refused it (notFound)"
        case "F13" if lasting and row == PIN:
            return "some not found on Drive"  # what cannot be kept is not replaced
        case "F13" if row in UPDATES | {PIN, WEEKLY, RESUME}:
            return "completed"
        case "F13" if row == AFTER_409:
            return "some an earlier copy is gone from Drive" if lasting else "completed"
        case "F13":
            return "some not found on Drive"
        case "F14":
            return "some an earlier copy is gone from Drive"
        case "F15":
            return "completed"
        case "F20":
            return "some lost again and again"
        case "F22":
            return "some was not identical" if row in CONTENTS - CREATES else "completed"
        case _ if row == PIN:
            return "some Google refused it"  # what cannot be kept is not replaced
        case _ if row == WEEKLY or (row == "changes.list" and column.fault == "F6"):
            return "completed"
        case _ if row == REFRESH:
            return "failed auth.expired"
        case _ if row in LOOKS | {"changes.list", RESUME}:
            return "failed drive.refused"
        case _:
            return "some Google refused it"


def _of_course(row: str, column: Column, *, lasting: bool) -> str:  # noqa: PLR0911, PLR0912, C901
    """Say how an import with a service account ends."""
    if column.kind == "drip" and not column.more.get("bytes"):
        return "completed"
    if row == KEY and column.fault not in {"F1", "F2", "F3", "F4", "F5", "F17", "F18"}:
        return "failed service_account.invalid"  # something came, and it is no key
    if column.fault in _NET | _BUSY:
        if not lasting:
            return "completed"
        if row == KEY:
            return "failed service_account.unreachable"
        return "failed net.offline" if column.fault in _NET else "failed drive.busy"
    match column.fault:
        case "F7":
            return "failed auth.expired" if lasting else "completed"
        case "F12":
            return "failed org.blocked"
        case "F13" if row == IMPORTED and not lasting:
            return "some no longer on Drive"
        case "F13":
            return f"failed {_gone(row, lasting=lasting)}"
        case "F22":
            corrupt = lasting and row == IMPORTED
            return "some otherwise than Drive's checksum" if corrupt else "completed"
        case _ if row == ASSERTION:
            return "failed service_account.refused"
        case _ if row == IMPORTED and not lasting:
            return "some Google refused it"
        case _:
            return "failed drive.refused"


def _gone(row: str, *, lasting: bool) -> str:
    """Say whether the course was never there, or is no longer."""
    return "restore.not_there" if row == LEVEL and not lasting else "folder.not_found"


def _of_job(row: str, column: Column, *, lasting: bool) -> str:  # noqa: PLR0911, C901
    spends = row in ("oauth.token, code", "oauth.token, device")
    slow_only = column.kind == "drip" and not column.more.get("bytes")
    if slow_only or (column.kind == "drip" and row in DOWNLOADS):
        return "completed"
    if row in DOWNLOADS and not (column.fault in _NET and column.fault != "F19"):
        return _of_download(row, column, lasting=lasting)
    if column.fault in _NET | _BUSY:
        if spends and column.acts:
            return "failed auth.denied"  # the code is good once, and was taken
        if not lasting or (row == "oauth.revoke" and column.acts):
            return "completed"
        return "failed net.offline" if column.fault in _NET else "failed drive.busy"
    if row == "oauth.revoke":
        return "failed drive.refused"
    if column.fault == "F7":
        return "failed auth.expired" if lasting else "completed"
    if column.fault == "F12":
        return "failed org.blocked"
    if column.fault == "F13":
        return "failed restore.not_there"
    if row in ABOUT | {VERSIONS}:
        return "failed drive.refused"
    return "failed auth.denied"


def _of_download(row: str, column: Column, *, lasting: bool) -> str:  # noqa: PLR0911
    """Say how a restore ends: what arrives otherwise than Drive's checksum says is thrown away."""
    if column.fault == "F6":
        return "some Google refused it"
    if column.fault == "F13":
        return "some no longer on Drive"
    if column.fault == "F12":
        return "failed org.blocked"
    if not lasting:
        return "completed"
    if column.fault == "F7":
        return "failed auth.expired"
    if column.fault in _BUSY:
        return "some drive.busy"
    # Of a version the size is not known beforehand, so that its checksum alone tells.
    of_another_size = column.fault == "F19" and row == "files.get, download"
    return "failed net.offline" if of_another_size else "some otherwise than Drive's checksum"
