"""What the ledger remembers beside the objects themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jupyter_drive_sync.core.tree import FileId, LedgerEntry, RelPath


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that is about to be sent: the entry that will be true once Drive confirms it."""

    nonce: str
    """Goes into ``appProperties`` with the write, so that a lost reply can be recognised later."""
    run: int
    verb: str
    entry: LedgerEntry
    session: bool = False
    """A resumable session is open for it; its URI lies in ``secrets.json`` under the nonce."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Somebody's edit on Drive that a later change here replaced."""

    id: FileId
    revision: str
    path: RelPath
    at: float
    """Epoch seconds when it was replaced."""
    size: int
    pinned: bool
    """Kept for good; otherwise Drive keeps it for 30 days or 100 revisions."""
    run: int


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file that we moved to Drive's trash."""

    id: FileId
    path: RelPath
    size: int
    at: float
    run: int
    approved: bool
    """A person had confirmed it; such deletions do not count for the guard."""


@dataclass(frozen=True, slots=True)
class HoldItem:
    """One file of a hold."""

    id: FileId
    path: RelPath
    size: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Something that waits for a person."""

    id: str
    kind: str
    """``deletions``, ``other_home``, ``root_gone``, ``other_account``, ``moved_out``,
    ``changed_client``."""
    since: float
    reason: str
    """One sentence: what happened, and that nothing was done (:class:`.Said`, with values)."""
    choices: tuple[str, ...]
    count: int = 0
    bytes: int = 0
    answer: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing at all is mirrored until it is answered."""
        return self.kind in ("other_home", "root_gone", "other_account", "changed_client")


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What a run did with one file."""

    path: RelPath
    outcome: str
    """``uploaded``, ``updated``, ``moved``, ``trashed``, ``archived``, ``left_out``, ``held``,
    ``newer_on_drive``, ``replaced_edit``, ``failed``, and the other remarks."""
    reason: str = ""
    """Why, in a sentence (:class:`.Said`, where it has a code)."""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as the history shows it."""

    id: int
    job: str
    started: float
    ended: float | None = None
    outcome: str = "running"
    counters: dict[str, Any] = field(default_factory=dict)
    problem: dict[str, Any] | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """Where the next pass reads the change feed from, and what it would meet there."""

    token: str
    """Empty: there is none, the whole tree is compared."""
    own_changes: int
    """Objects that we changed since that token."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a reply of Drive made true."""

    nonce: str
    entry: LedgerEntry
    run: int
    chain: bool = False
    """It is the mirror's own folder or one above it: no object of the mirror."""
    link: str = ""
    """``webViewLink``."""
    trashed: Trashed | None = None
    edit: Edit | None = None
