"""Sending the contents of files, many at once, and deciding when to stop.

A slice of files at a time is bound and sent, so that what a pass remembers of its uploads does not
grow with the home.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from jupyter_drive_sync.core.names import to_drive
from jupyter_drive_sync.core.plan import Operation, Verb
from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.core.tree import (
    FileId,
    Kind,
    LedgerEntry,
    RelPath,
    Standing,
    name_of,
    parent_of,
)
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.engine import doubts
from jupyter_drive_sync.engine.binding import Binding, confirmed, marks, new_entry
from jupyter_drive_sync.engine.executor import Executor
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.records import Intent
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.sending import Content, Sender, Sent
from jupyter_drive_sync.errors import (
    Busy,
    DailyUploadLimit,
    DriveFull,
    DriveSyncError,
    Exists,
    FileProblem,
    Missing,
)

SLICE: Final = 1000
"""Files that are bound and sent together."""
BUSY_LIMIT: Final = 5
"""Files given up in a row, each after all its retries, before the whole pass waits."""


@dataclass
class _Mood:
    """What the uploads so far say about those to come."""

    busy: int = 0
    """Files in a row that Drive was too busy for."""
    full: DriveSyncError | None = None
    """No more content can be sent; moves and trashes can."""
    fatal: DriveSyncError | None = None
    """The pass ends here."""

    def take(self, problem: DriveSyncError | None) -> None:
        if isinstance(problem, DriveFull | DailyUploadLimit):
            self.full = problem
        elif isinstance(problem, Busy):
            self.busy += 1
            self.fatal = problem if self.busy >= BUSY_LIMIT else self.fatal
        elif problem is None:
            self.busy = 0
        elif not isinstance(problem, FileProblem):
            self.fatal = self.fatal or problem


class Contents:
    """Sends the contents of one plan.

    Args:
        ledger: records what is sent and what was confirmed.
        drive: is asked what became of files that it does not find.
        binding: makes the intents.
        sender: reads a file and sends it, in the executor's threads.
        executor: runs it.
        progress: is told how it goes.
        run: number of the run.
        home_id: goes into what is made.
        folders: ids of all folders, by path.
        now: epoch seconds, when it begins.
        full: why no content can be sent at all, if that is known already.
    """

    def __init__(
        self,
        ledger: Ledger,
        drive: Drive,
        binding: Binding,
        sender: Sender,
        *,
        executor: Executor,
        progress: Progress,
        run: int,
        home_id: str,
        folders: Mapping[RelPath, FileId],
        now: float,
        full: DriveSyncError | None = None,
    ) -> None:
        self._ledger = ledger
        self._drive = drive
        self._binding = binding
        self._sender = sender
        self._executor = executor
        self._progress = progress
        self._run = run
        self._home_id = home_id
        self._folders = folders
        self._now = now
        # Google's daily limit was met: until it is over, every upload would be refused.
        self._parked = now < float(ledger.get("parked_until") or 0)
        self._mood = _Mood(full=full or (DailyUploadLimit() if self._parked else None))

    def send(self, steps: Sequence[Operation], current: Mapping[FileId, LedgerEntry]) -> None:
        """Send what can be sent.

        Args:
            steps: creates and replacements.
            current: entries that this pass has changed already.

        Raises:
            DriveSyncError: what ends the pass; what was confirmed stays done.
        """
        for start in range(0, len(steps), SLICE):
            part = steps[start : start + SLICE]
            if self._mood.full is not None:
                for step in part:
                    self._progress.failed(step.path, self._mood.full, kind=Kind.FILE)
                continue
            ready = self._bound(part, current)
            while ready:
                ready = self._round(ready)
        if steps and self._mood.full is not None:
            self._progress.trouble(self._mood.full)
            if isinstance(self._mood.full, DailyUploadLimit) and not self._parked:
                self._ledger.remember(parked_until=str(self._now + DAY))

    def _bound(
        self, steps: Sequence[Operation], current: Mapping[FileId, LedgerEntry]
    ) -> list[Content]:
        contents = [self._content(step, self._intent(step, current)) for step in steps]
        self._ledger.intend(content.intent for content in contents)
        return contents

    def _intent(self, step: Operation, current: Mapping[FileId, LedgerEntry]) -> Intent:
        if step.verb is Verb.CREATE or step.entry is None:
            file_id = self._binding.id_for(Verb.CREATE, step.path)
            target = new_entry(step, file_id, self._folders[parent_of(step.path)])
            return self._binding.intent(Verb.CREATE, target)
        entry = current.get(step.entry.id, step.entry)
        target = replace(entry, path=step.path, seen=None, standing=Standing.MIRRORED)
        return self._binding.intent(step.verb, target)

    def _content(self, step: Operation, intent: Intent) -> Content:
        return Content(step, intent, marks(self._home_id, intent.nonce))

    def _round(self, contents: Sequence[Content]) -> list[Content]:
        """Send contents; return those that need another id.

        What ends the pass lets the uploads under way come to their end first: their replies count.
        """
        anew: list[Content] = []
        missing: list[Sent] = []
        for sent in self._executor.run(self._tasks(contents)):
            if sent.anew and not sent.content.renewed:
                anew.append(sent.content)
            elif isinstance(sent.problem, Exists) or (
                isinstance(sent.problem, Missing) and sent.content.step.verb is Verb.REPLACE
            ):
                missing.append(sent)
            elif sent.anew:  # a Drive that takes no id is not asked for ever
                self._ledger.drop([sent.content.intent.nonce])
                self._sent(replace(sent, problem=Exists()))
            else:
                self._sent(sent)
                self._mood.take(sent.problem)
        if self._mood.fatal is not None:
            raise self._mood.fatal
        return self._under_new_ids([*anew, *self._gone(missing)])

    def _gone(self, missing: Sequence[Sent]) -> list[Content]:
        """Return what needs another id of that which Drive does not find; the rest has to wait."""
        replaced = {each.content.intent.entry.id: each for each in missing if _is_replaced(each)}
        made = {each.content.intent.entry.id: each for each in missing if not _is_replaced(each)}
        gone = frozenset[FileId]()
        if replaced:
            gone = doubts.gone(self._ledger, self._drive, self._run, replaced.keys())
            self._ledger.drop(each.content.intent.nonce for each in replaced.values())
            doubts.doubt(self._ledger, replaced.keys() - gone)
        gone |= doubts.used_up(self._ledger, self._drive, self._run, made.keys())
        for file_id, sent in {**replaced, **made}.items():
            if file_id not in gone:
                self._sent(sent)
        return [sent.content for file_id, sent in {**replaced, **made}.items() if file_id in gone]

    def _tasks(self, contents: Sequence[Content]) -> Iterator[Callable[[], Sent]]:
        for content in contents:
            if self._mood.fatal is not None:
                return
            if self._mood.full is not None:
                self._progress.failed(content.step.path, self._mood.full, kind=Kind.FILE)
            else:
                yield partial(self._sender.send, content)

    def _sent(self, sent: Sent) -> None:
        step = sent.content.step
        if sent.remote is not None:
            nonce = sent.content.intent.nonce
            self._ledger.confirm([confirmed(nonce, sent.entry, sent.remote, self._run)])
        if sent.problem is not None:
            self._progress.failed(step.path, sent.problem, kind=Kind.FILE)
        else:
            outcome = "uploaded" if step.verb is Verb.CREATE else "updated"
            size = sent.entry.stat.size
            self._progress.outcome(step.path, outcome, kind=Kind.FILE, size=size)

    def _under_new_ids(self, contents: Sequence[Content]) -> list[Content]:
        """Bind new ids to files whose old one is taken, gone, or no longer ours."""
        again: list[Content] = []
        for content in contents:
            old, step = content.intent, replace(content.step, verb=Verb.CREATE)
            self._ledger.drop([old.nonce])
            if content.step.verb is Verb.REPLACE:
                self._ledger.forget([old.entry.id])
            target = replace(
                old.entry,
                id=self._binding.new_id(),
                parent=self._folders[parent_of(step.path)],
                name=to_drive(name_of(step.path)),
            )
            made = self._content(step, self._binding.intent(Verb.CREATE, target))
            again.append(replace(made, renewed=True))
        self._ledger.intend(content.intent for content in again)
        return again


def _is_replaced(sent: Sent) -> bool:
    return sent.content.step.verb is Verb.REPLACE
