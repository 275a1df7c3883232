"""The ledger: what Drive holds for each path, what we are about to do, what we did.

The file itself is the matter of :mod:`ledger_file`; who may write it, that of :mod:`lease`.

Each method that writes is one transaction. A ledger that is missing, broken or from a newer version
is set aside and begun anew; the next pass fills it from Drive.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final

from jupyter_drive_sync.core.rivals import RANK, arrange
from jupyter_drive_sync.core.said import packed
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    LedgerTree,
    RelPath,
    Standing,
    from_bytes,
    is_below,
    to_bytes,
)
from jupyter_drive_sync.engine.ledger_file import find_file, in_memory, open_file, plain_words
from jupyter_drive_sync.engine.ledger_rows import (
    PUT,
    TREE,
    answer_deletions,
    dump,
    find_at,
    find_failures,
    find_outcomes,
    find_tokens,
    find_unasked,
    from_hold,
    load,
    put_edit,
    rebase,
    remember_chain,
    to_entry,
    to_hold,
    to_row,
    to_run,
    to_trashed,
)
from jupyter_drive_sync.engine.records import (
    Confirmation,
    Edit,
    FileOutcome,
    Hold,
    HoldItem,
    Intent,
    Run,
    Tokens,
    Trashed,
)
from jupyter_drive_sync.errors import NoSuchHold

_FILE: Final = "ledger.sqlite"
_RUNS_KEPT: Final = 200
_OUTCOME_RUNS_KEPT: Final = 30


class Ledger:
    """The ledger of one mirror. Not for use by several threads at once."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self._path = path

    # -- opening ----------------------------------------------------------------------------------

    @classmethod
    def open(cls, folder: Path) -> tuple[Ledger, str]:
        """Open the ledger of a state folder, making it where there is none; the lease is held.

        Returns:
            The ledger, and why it was begun anew: ``""`` (it was not), ``"new"``, ``"broken"`` or
            ``"newer"``. What was there is set aside under a name that says why.

        Raises:
            StateUnusable: the folder cannot be written.
            StateFull: its disk is full.
        """
        connection, why = open_file(folder / _FILE)
        return cls(connection, folder / _FILE), why

    @classmethod
    @contextlib.contextmanager
    def found(cls, folder: Path) -> Iterator[Ledger | None]:
        """Open what there is, beside whoever holds the lease; None where there was no run yet."""
        connection = find_file(folder / _FILE)
        if connection is None:
            yield None
            return
        with cls(connection, folder / _FILE) as ledger:
            yield ledger

    @classmethod
    def draft(cls, folder: Path) -> Ledger:
        """Return a copy in memory, for a dry run, which has no lease; empty where there is none."""
        path, memory = folder / _FILE, in_memory()
        connection = find_file(path)
        if connection is not None:
            with contextlib.closing(connection), plain_words(path):
                connection.backup(memory)
        return cls(memory, path)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Close the file; what it refused to a reader is said in plain words as well."""
        self.close()
        if isinstance(error, sqlite3.DatabaseError):
            with plain_words(self._path):
                raise error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with plain_words(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.commit()
            except BaseException:
                self._db.rollback()
                raise

    # -- single values ----------------------------------------------------------------------------

    def get(self, key: str) -> str:
        """Return a remembered value, or ``""``."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    def remember(self, **values: str) -> None:
        """Remember values; an empty one is forgotten."""
        with self._transaction() as db:
            for key, value in values.items():
                if value:
                    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
                else:
                    db.execute("DELETE FROM meta WHERE key = ?", (key,))

    # -- objects ----------------------------------------------------------------------------------

    def tree(self) -> LedgerTree:
        """Read everything that we know of the mirror."""
        shared: dict[object, object] = {}
        rows = self._db.execute(TREE)
        return arrange((to_entry(row, shared) for row in rows), FileId(self.get("root")))

    def entries(self, ids: Iterable[FileId] | None = None) -> dict[FileId, LedgerEntry]:
        """Return objects by id: all of them, or those of the given ids that we know."""
        if ids is None:
            rows = self._db.execute("SELECT * FROM objects")
            return {entry.id: entry for entry in map(to_entry, rows)}
        found = (
            self._db.execute("SELECT * FROM objects WHERE id = ?", (i,)).fetchone() for i in ids
        )
        return {entry.id: entry for entry in (to_entry(row) for row in found if row is not None)}

    def holds_objects(self) -> bool:
        """Tell whether anything at all is known of the mirror."""
        return self._db.execute("SELECT 1 FROM objects LIMIT 1").fetchone() is not None

    def file_at(self, path: RelPath) -> LedgerEntry | None:
        """Return the file of ours at a path, the mirrored one where there are several."""
        return self.at([path]).get((path, Kind.FILE))

    def at(self, paths: Sequence[RelPath]) -> dict[tuple[RelPath, Kind], LedgerEntry]:
        """Return what is known at some paths, of several of a kind the one that matters most."""
        found: dict[tuple[RelPath, Kind], LedgerEntry] = {}
        for entry in sorted(
            find_at(self._db, paths), key=lambda each: (RANK[each.standing], each.id)
        ):
            found.setdefault((entry.path, entry.kind), entry)
        return found

    def odd(self) -> dict[FileId, LedgerEntry]:
        """Return the objects that Drive shows otherwise than we left them, by id."""
        rows = self._db.execute("SELECT * FROM objects WHERE seen IS NOT NULL")
        return {entry.id: entry for entry in map(to_entry, rows)}

    def standing(self, standing: Standing) -> list[LedgerEntry]:
        """Return the files of a standing."""
        rows = self._db.execute(
            "SELECT * FROM objects WHERE standing = ? AND kind = ?",
            (standing.value, Kind.FILE.value),
        )
        return [to_entry(row) for row in rows]

    def inside(self, folder: FileId) -> list[LedgerEntry]:
        """Return what lies in a folder of the mirror, what matters most first."""
        rows = self._db.execute("SELECT * FROM objects WHERE parent = ?", (folder,))
        found = map(to_entry, rows)
        return sorted(found, key=lambda entry: (RANK[entry.standing], entry.id))

    def known_nonces(self, nonces: Iterable[str]) -> frozenset[str]:
        """Return those of some nonces that an object of ours carries, or carried once."""
        wanted = set(nonces)
        query = "SELECT nonce FROM objects UNION SELECT nonce FROM nonces"
        rows = self._db.execute(query) if wanted else ()
        return frozenset(nonce for (nonce,) in rows if nonce in wanted)

    def mirrored(self) -> int:
        """Count the files on Drive that are the mirror of a file here."""
        (count,) = self._db.execute(
            "SELECT count(*) FROM objects WHERE kind = ? AND standing = ?",
            (Kind.FILE.value, Standing.MIRRORED.value),
        ).fetchone()
        return int(count)

    def put(self, entries: Iterable[LedgerEntry], *, run: int = 0) -> None:
        """Store entries; ``run`` marks them as changed on Drive by that run (0: not by us)."""
        with self._transaction() as db:
            db.executemany(PUT, (to_row(entry, run) for entry in entries))

    def forget(self, ids: Iterable[FileId]) -> None:
        """Let go of objects; Drive is not touched, and they may live on there."""
        rows = [(i,) for i in ids]
        with self._transaction() as db:
            db.executemany("DELETE FROM objects WHERE id = ?", rows)
            db.executemany("INSERT OR IGNORE INTO released VALUES (?)", rows)

    def trashed_paths(self) -> dict[FileId, RelPath]:
        """Return what we moved to the trash, with the path that it had."""
        rows = self._db.execute("SELECT id, path FROM trashed ORDER BY run")
        return {FileId(i): from_bytes(path) for i, path in rows}

    def taken_back(self, entries: Iterable[LedgerEntry]) -> None:
        """Know files again that somebody took out of the trash."""
        with self._transaction() as db:
            for entry in entries:
                db.execute("DELETE FROM trashed WHERE id = ?", (entry.id,))
                db.execute(PUT, to_row(entry, 0))

    def released(self) -> frozenset[FileId]:
        """Return objects that carry our marks and are none of ours any more, or in the trash."""
        rows = self._db.execute("SELECT id FROM released UNION SELECT id FROM trashed")
        return frozenset(FileId(i) for (i,) in rows)

    def distrust(self) -> None:
        """Have every file read again and the whole tree compared by the next pass."""
        with self._transaction() as db:
            db.execute("UPDATE objects SET racy = 1")
            db.execute("UPDATE runs SET token = '', drained = 0")

    def clear(self, *, root: str = "") -> None:
        """Forget the whole mirror, but not the history: it is begun afresh.

        Args:
            root: the folder in which it is begun, where there is one.
        """
        with self._transaction() as db:
            # A new mirror is no new day: what went to the trash unasked still counts.
            db.execute("INSERT INTO unasked SELECT at, size FROM trashed WHERE NOT approved")
            db.execute("DELETE FROM meta WHERE key != 'rebuilt_at'")
            for table in ("objects", "intents", "revisions", "holds", "hold_items",
                          "approvals", "released", "trashed"):  # fmt: skip
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            db.execute("UPDATE runs SET token = '', drained = 0")
            if root:
                db.execute("INSERT INTO meta VALUES ('root', ?)", (root,))

    def observe(
        self,
        seen: Iterable[LedgerEntry],
        *,
        run: int,
        token: str,
        drained: bool = False,
        forget: Iterable[FileId] = (),
    ) -> None:
        """Store what Drive showed together with the page token that it came up to.

        One transaction: a token never runs ahead of what was read with it.

        Args:
            seen: entries to store.
            run: number of the run.
            token: what the next reading goes on from.
            drained: see :meth:`tokens`.
            forget: objects to let go of, as by :meth:`forget`.
        """
        rows = [(i,) for i in forget]
        with self._transaction() as db:
            db.executemany(PUT, (to_row(entry, 0) for entry in seen))
            db.executemany("DELETE FROM objects WHERE id = ?", rows)
            db.executemany("INSERT OR IGNORE INTO released VALUES (?)", rows)
            db.execute("UPDATE runs SET token = ?, drained = ? WHERE id = ?", (token, drained, run))

    # -- intents: what is on its way --------------------------------------------------------------

    def intend(self, intents: Iterable[Intent]) -> None:
        """Record what is about to be sent, before it is."""
        with self._transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO intents VALUES (?,?,?,?,?,?,?)",
                (
                    (
                        intent.nonce,
                        intent.run,
                        intent.verb,
                        to_bytes(intent.entry.path),
                        intent.entry.id,
                        dump(intent.entry),
                        intent.session,
                    )
                    for intent in intents
                ),
            )

    def intents(self) -> list[Intent]:
        """Return what was on its way when the last writer stopped."""
        rows = self._db.execute("SELECT nonce, run, verb, entry, session FROM intents")
        return [
            Intent(nonce, run, verb, load(entry), bool(session))
            for nonce, run, verb, entry, session in rows
        ]

    def drop(self, nonces: Iterable[str]) -> None:
        """Give intents up: they never reached Drive, or no longer matter."""
        with self._transaction() as db:
            db.executemany("DELETE FROM intents WHERE nonce = ?", ((n,) for n in nonces))

    def confirm(self, done: Iterable[Confirmation]) -> None:
        """Turn intents into entries, in one transaction."""
        with self._transaction() as db:
            for item in done:
                db.execute("DELETE FROM intents WHERE nonce = ?", (item.nonce,))
                db.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?)", (item.nonce, item.run))
                if item.chain:
                    remember_chain(db, item)
                    continue
                if item.entry.kind is Kind.FOLDER:
                    rebase(db, item.entry)
                if item.trashed is not None:
                    t = item.trashed
                    db.execute(
                        "INSERT OR REPLACE INTO trashed VALUES (?,?,?,?,?,?)",
                        (t.id, to_bytes(t.path), t.size, t.at, t.run, t.approved),
                    )
                    db.execute("DELETE FROM objects WHERE id = ?", (t.id,))
                    db.execute("DELETE FROM approvals WHERE id = ?", (t.id,))
                else:
                    db.execute(PUT, to_row(item.entry, item.run))
                if item.edit is not None:
                    put_edit(db, item.edit)
                if item.entry.revision:
                    db.execute(
                        "INSERT OR IGNORE INTO revisions VALUES (?,?,?)",
                        (item.entry.id, item.entry.revision, item.run),
                    )

    # -- revisions and replaced edits -------------------------------------------------------------

    def replaced_since(self, run: int) -> dict[FileId, frozenset[str]]:
        """Return files with a revision of ours from after ``run``: id -> all our revisions."""
        rows = self._db.execute(
            "SELECT id, revision FROM revisions WHERE id IN"
            " (SELECT id FROM revisions WHERE run > ? GROUP BY id)",
            (run,),
        )
        found: dict[FileId, set[str]] = {}
        for file_id, revision in rows:
            found.setdefault(FileId(file_id), set()).add(revision)
        return {file_id: frozenset(revisions) for file_id, revisions in found.items()}

    def revisions_of(self, run: int) -> dict[FileId, frozenset[str]]:
        """Return the versions that a run made, by file."""
        found: dict[FileId, frozenset[str]] = {}
        for file_id, revision in self._db.execute(
            "SELECT id, revision FROM revisions WHERE run = ?", (run,)
        ):
            found[file_id] = found.get(file_id, frozenset()) | {revision}
        return found

    def record_edits(self, edits: Iterable[Edit]) -> None:
        """Remember edits on Drive that were replaced."""
        with self._transaction() as db:
            for edit in edits:
                put_edit(db, edit)

    def edits(self) -> list[Edit]:
        """Return the edits on Drive that were replaced, newest first."""
        rows = self._db.execute(
            "SELECT id, revision, path, at, size, pinned, run FROM edits ORDER BY at DESC, id"
        )
        return [
            Edit(FileId(i), revision, from_bytes(path), at, size, bool(pinned), run)
            for i, revision, path, at, size, pinned, run in rows
        ]

    def pins(self) -> dict[FileId, int]:
        """Count the pinned revisions per file."""
        rows = self._db.execute("SELECT id, count(*) FROM edits WHERE pinned GROUP BY id")
        return {FileId(i): count for i, count in rows}

    # -- deletions and holds ----------------------------------------------------------------------

    def trashed_since(self, at: float) -> list[Trashed]:
        """Return what we moved to the trash since a time (epoch seconds)."""
        rows = self._db.execute(
            "SELECT id, path, size, at, run, approved FROM trashed WHERE at >= ?", (at,)
        )
        return [to_trashed(row) for row in rows]

    def unasked_since(self, at: float) -> list[int]:
        """Return the sizes of what went to the trash unasked, out of earlier mirrors too."""
        return find_unasked(self._db, at)

    def mirrored_at(self, at: float) -> int | None:
        """Return how many files were mirrored at a time; None when no run is that old."""
        row = self._db.execute(
            "SELECT mirrored FROM runs WHERE ended <= ? AND outcome != 'interrupted'"
            " ORDER BY id DESC LIMIT 1",
            (at,),
        ).fetchone()
        return int(row[0]) if row else None

    def disapprove(self, ids: Iterable[FileId]) -> None:
        """Let confirmations lapse: what they were about is no deletion any more."""
        with self._transaction() as db:
            db.executemany("DELETE FROM approvals WHERE id = ?", ((i,) for i in ids))

    def approvals(self) -> frozenset[FileId]:
        """Return the objects whose deletion a person has confirmed."""
        return frozenset(FileId(i) for (i,) in self._db.execute("SELECT id FROM approvals"))

    def holds(self) -> list[Hold]:
        """Return what waits for a person, oldest first."""
        rows = self._db.execute(
            "SELECT h.id, h.kind, h.since, h.reason, h.said, h.choices, h.answer, count(i.id),"
            " coalesce(sum(i.size), 0) FROM holds h LEFT JOIN hold_items i ON i.hold = h.id"
            " GROUP BY h.id ORDER BY h.since, h.id"
        )
        return [to_hold(row) for row in rows]

    def hold_items(self, hold: str) -> list[HoldItem]:
        """Return the files of a hold, by path."""
        rows = self._db.execute(
            "SELECT id, path, size FROM hold_items WHERE hold = ? ORDER BY path", (hold,)
        )
        return [HoldItem(FileId(i), from_bytes(path), size) for i, path, size in rows]

    def hold(self, hold: Hold, items: Iterable[HoldItem] = ()) -> Hold:
        """Make a hold, or bring the open one of the same kind up to date (it keeps id and age)."""
        with self._transaction() as db:
            row = db.execute(
                "SELECT id, since FROM holds WHERE kind = ? AND answer = ''", (hold.kind,)
            ).fetchone()
            if row:
                hold = replace(hold, id=row[0], since=row[1])
            db.execute(
                "INSERT OR REPLACE INTO holds VALUES (?,?,?,?,?,?,?)",
                from_hold(hold),
            )
            db.execute("DELETE FROM hold_items WHERE hold = ?", (hold.id,))
            db.executemany(
                "INSERT INTO hold_items VALUES (?,?,?,?)",
                ((hold.id, item.id, to_bytes(item.path), item.size) for item in items),
            )
        return next(found for found in self.holds() if found.id == hold.id)

    def dissolve(self, kind: str) -> None:
        """Drop the hold of a kind: its cause is gone."""
        with self._transaction() as db:
            db.execute(
                "DELETE FROM hold_items WHERE hold IN (SELECT id FROM holds WHERE kind = ?)",
                (kind,),
            )
            db.execute("DELETE FROM holds WHERE kind = ?", (kind,))

    def answer(self, hold_id: str, choice: str, paths: Iterable[RelPath] = (), *, at: float) -> int:
        """Carry a person's answer into the ledger; the next pass acts on it.

        Args:
            hold_id: which hold.
            choice: one of its choices.
            paths: only these files or folders of it; none means all.
            at: epoch seconds of the answer.

        Returns:
            How many files the answer is about.

        Raises:
            NoSuchHold: there is no such hold, or it does not offer that choice or hold that path.
        """
        hold, items = self._asked(hold_id, choice, tuple(paths))
        if choice == "restore" and hold.kind == "deletions":
            # They wait on, guarded, until they are back.
            self.wish([*self.wishes(), *(item.path for item in items)])
            return len(items)
        with self._transaction() as db:
            if hold.kind == "deletions":
                answer_deletions(db, choice, items, at)
            for item in items:
                db.execute("DELETE FROM hold_items WHERE id = ?", (item.id,))
            (left,) = db.execute(
                "SELECT count(*) FROM hold_items WHERE hold = ?", (hold_id,)
            ).fetchone()
            if hold.kind == "deletions" and not left:
                db.execute("DELETE FROM holds WHERE id = ?", (hold_id,))
            elif hold.kind != "deletions":
                db.execute("UPDATE holds SET answer = ? WHERE id = ?", (choice, hold_id))
        return len(items)

    def _asked(
        self, hold_id: str, choice: str, wanted: tuple[RelPath, ...]
    ) -> tuple[Hold, list[HoldItem]]:
        """Return the hold that an answer is about, and those of its files that it is about."""
        hold = next((found for found in self.holds() if found.id == hold_id), None)
        if hold is None:
            raise NoSuchHold(problem=f"There is no hold with the id {hold_id}.")
        if choice not in hold.choices:
            offered = ", ".join(hold.choices)
            raise NoSuchHold(problem=f"This hold can be answered with: {offered}.")
        items = self.hold_items(hold_id)
        if wanted and hold.kind != "deletions":
            raise NoSuchHold(problem="This hold can only be answered as a whole.")
        if wanted:
            items = [i for i in items if any(is_below(i.path, path) for path in wanted)]
            if not items:
                raise NoSuchHold(problem="This hold has no file at the given path.")
        return hold, items

    def wish(self, paths: Iterable[RelPath]) -> None:
        """Remember what the next pass has to bring back first; nothing ends that."""
        wanted = [*dict.fromkeys(paths)]
        self.remember(wishes=json.dumps(wanted) if wanted else "")

    def wishes(self) -> list[RelPath]:
        """Return what has to be brought back."""
        return [RelPath(path) for path in json.loads(self.get("wishes") or "[]")]

    def answered(self, kind: str) -> str:
        """Return a person's answer to a hold of the whole mirror, or ``""``."""
        row = self._db.execute(
            "SELECT answer FROM holds WHERE kind = ? AND answer != ''", (kind,)
        ).fetchone()
        return str(row[0]) if row else ""

    def change_answer(self, kind: str, choice: str) -> None:
        """Go on with a hold of the whole mirror: a part of its answer was carried out."""
        with self._transaction() as db:
            db.execute("UPDATE holds SET answer = ? WHERE kind = ?", (choice, kind))

    # -- runs -------------------------------------------------------------------------------------

    def begin(self, job: str, at: float) -> int:
        """Open a run and return its number."""
        with self._transaction() as db:
            db.execute(
                "UPDATE runs SET outcome = 'interrupted', ended = started WHERE ended IS NULL"
            )
            cursor = db.execute(
                "INSERT INTO runs (job, started, outcome, counters) VALUES (?, ?, 'running', '{}')",
                (job, at),
            )
            return int(cursor.lastrowid or 0)

    def end(self, run: Run, outcomes: Iterable[FileOutcome], *, mirrored: int) -> None:
        """Close a run with its counters and its files' outcomes, and thin the history out."""
        with self._transaction() as db:
            db.execute(
                "UPDATE runs SET ended = ?, outcome = ?, counters = ?, problem = ?, verified = ?,"
                " mirrored = ? WHERE id = ?",
                (
                    run.ended,
                    run.outcome,
                    json.dumps(run.counters),
                    json.dumps(run.problem) if run.problem else None,
                    run.verified,
                    mirrored,
                    run.id,
                ),
            )
            db.executemany(
                "INSERT INTO outcomes VALUES (?,?,?,?,?,?)",
                (
                    (run.id, to_bytes(o.path), o.outcome, str(o.reason), o.size, packed(o.reason))
                    for o in outcomes
                ),
            )
            db.execute("DELETE FROM outcomes WHERE run <= ?", (run.id - _OUTCOME_RUNS_KEPT,))
            db.execute("DELETE FROM runs WHERE id <= ?", (run.id - _RUNS_KEPT,))
            db.execute("DELETE FROM nonces WHERE run <= ?", (run.id - _RUNS_KEPT,))

    def runs(self, limit: int = 30) -> list[Run]:
        """Return the last runs, newest first."""
        rows = self._db.execute(
            "SELECT id, job, started, ended, outcome, counters, problem, verified FROM runs"
            " ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [to_run(row) for row in rows]

    def outcomes(self, run: int) -> list[FileOutcome]:
        """Return the files of a run that were not simply unchanged, failed ones first."""
        return find_outcomes(self._db, run)

    def failures(self) -> dict[RelPath, tuple[int, FileOutcome]]:
        """Return the files whose newest outcome is a failure, each with its run."""
        return find_failures(self._db)

    def verified_run(self) -> int:
        """Return the number of the last run that compared the whole tree; 0 for none."""
        row = self._db.execute("SELECT max(id) FROM runs WHERE verified").fetchone()
        return int(row[0] or 0)

    def token_of(self, run: int) -> str:
        """Return the token that a run's look came up to."""
        row = self._db.execute("SELECT token FROM runs WHERE id = ?", (run,)).fetchone()
        return str(row[0]) if row else ""

    def tokens(self, current: int) -> Tokens:
        """Say where the pass ``current`` reads the feed from.

        It is the token of the pass before the last, so that late entries are not lost; right after
        a drain it is the drain's end token, since everything before it is known.
        """
        return find_tokens(self._db, current)
