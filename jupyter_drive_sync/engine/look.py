"""Looking at Drive: one request when nothing is wrong, one paged query when something is.

The change feed is read from the token of the pass before the last, so that entries which appear
late are not lost; those that are known by their version cost nothing. The whole tree is compared
once a week, and whenever there is no token, Drive refuses it, or the feed shows writes of ours that
the ledger does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.core.tree import FileId, Kind, LedgerEntry, RemoteEntry
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.listing import feed, feed_pages, whole_tree
from jupyter_drive_sync.drive.types import BATCH_LIMIT, Get, ListRevisions, PinRevision, Revision
from jupyter_drive_sync.engine import doubts
from jupyter_drive_sync.engine.apply import Root
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.observe import (
    Known,
    Observation,
    RootState,
    compare,
    rebuild,
    root_state,
    superseded,
    unclaimed,
    with_seen,
)
from jupyter_drive_sync.engine.records import Edit
from jupyter_drive_sync.engine.root import Foreign, find, folder_names
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.errors import DriveSyncError, FeedTokenRefused, FileProblem, Missing

DRAIN_FROM: Final = 1000
"""Own changes since the next pass's token from which on the feed is read to its end."""


@dataclass(frozen=True, slots=True)
class View:
    """What a look at Drive found; the details are in the ledger by then."""

    root: Root | Foreign
    state: RootState = RootState.FINE
    rebuilt: bool = False
    """The ledger was filled from Drive: nothing that is missing here may be trashed."""
    verified: bool = False
    """The whole tree was compared."""


class Look:
    """One look at Drive, at the start of a pass.

    Args:
        site: the home.
        identity: whose mirror it is.
        ledger: is compared and brought up to date.
        drive: is asked.
        run: number of the run.
    """

    def __init__(
        self, site: Site, identity: Identity, ledger: Ledger, drive: Drive, run: int
    ) -> None:
        self._site = site
        self._identity = identity
        self._ledger = ledger
        self._drive = drive
        self._run = run
        self._names = () if site.root else folder_names(identity.drive_folder or site.drive_folder)

    def look(self) -> View:
        """Bring the ledger up to date with Drive."""
        self._settle_doubts()
        token = self._ledger.tokens(self._run).token
        if not token or not self._ledger.get("root"):
            # One that a person distrusts is not old: what a listing lacks is known, and asked for.
            return self._whole(token="", trust=False, wait=not self._ledger.holds_objects())
        try:
            news = feed(self._drive, token)
        except FeedTokenRefused:
            return self._whole(token="", trust=False)
        seen = compare(news.entries, self._known(news.entries))
        if seen.root is None and any(map(_lies_above, news.entries)):
            # What lies in a folder that goes to the trash need not be in the feed itself.
            seen.root = self._ask_root()
        self._note_root(seen)
        if seen.ledger_is_old:
            return self._whole(token=news.token, trust=False, news=news.entries)
        self._know_again(sorted(seen.taken_back))
        self._ledger.observe(self._not_gone(seen.changed.values()), run=self._run, token=news.token)
        if self._verification_due():
            return self._whole(token=news.token, trust=True, news=news.entries)
        self._explain_trash()
        return self._view()

    def drain(self) -> None:
        """Read our own writes off the feed, so that the next pass need not."""
        ahead = self._ledger.tokens(self._run + 1)
        current = self._ledger.token_of(self._run)
        if ahead.own_changes <= DRAIN_FROM or not current:
            return
        seen = Observation()
        for page in feed_pages(self._drive, current):  # there are many: never all at once
            compare(page.entries, self._known(page.entries), seen)
            current = page.new_start or current
        if not seen.ledger_is_old:
            self._note_root(seen)
            self._ledger.observe(seen.changed.values(), run=self._run, token=current, drained=True)

    # -- the whole tree ---------------------------------------------------------------------------

    def _whole(
        self, *, token: str, trust: bool, news: Sequence[RemoteEntry] = (), wait: bool = True
    ) -> View:
        # The token comes first: what changes while the pages are read is in the feed as well.
        token = token or self._drive.start_token()
        if wait:
            self._let_drive_catch_up()
        listed = whole_tree(self._drive, self._identity.home_id, self._names)
        shown = self._newest(listed, news)
        place = self._place(shown)
        if isinstance(place, Foreign):
            return View(place, RootState.TAKEN)
        known = replace(self._known(), root=place.id)
        mine = [entry for entry in shown if entry.home == self._identity.home_id]
        result = rebuild(mine, known, trust=trust)
        lost = [known.entries[file_id] for file_id in result.dropped]
        if place.id:
            self._ledger.remember(root=place.id)
            self._note_root(compare([e for e in shown if e.id == place.id], known))
            if all(entry.id != place.id for entry in shown):
                self._note_root(Observation(root=self._ask_root()))  # gone, or not listed yet
        entries = (*self._not_gone(result.entries), *self._asked(lost))
        gone = superseded(entries, result.paths, {entry.id for entry in mine}, place.id)
        # Where all of it is in the trash, what went there today is not known any more either.
        if not trust and (entries or any(entry.id != place.id for entry in mine)):
            self._ledger.remember(rebuilt_at=str(self._site.clock.wall()), rebuilding="1")
        self._ledger.observe(entries, run=self._run, token=token, forget=gone)
        self._explain_trash()
        if trust:
            self._find_raced_edits(result.paths.keys())
        rebuilt = not trust and bool(result.entries)
        first = not known.entries and not result.entries
        self._mark_verified(first=first, rebuilt=rebuilt and wait)
        return self._view(root=place, rebuilt=rebuilt, verified=True)

    def _newest(
        self, listed: Iterable[RemoteEntry], news: Sequence[RemoteEntry]
    ) -> tuple[RemoteEntry, ...]:
        """Put what the feed has just told over a listing, which may lag behind it."""
        newest = {entry.id: entry for entry in listed}
        for entry in news:
            if entry.home == self._identity.home_id and not entry.deleted:
                there = newest.get(entry.id)
                if there is None or there.version <= entry.version:
                    newest[entry.id] = entry
        return tuple(newest.values())

    def _let_drive_catch_up(self) -> None:
        """Wait until a listing shows what we wrote last: what it leaves out would be sent again."""
        self._drive.transport.pace.wait(self._behind())

    def _behind(self) -> float:
        """Return the seconds for which a listing need not show what we wrote last."""
        since = self._drive.transport.google_time() - self._identity.written
        lag = self._site.settings.listing_lag
        # Google's time is known to a second: what was just written may seem to be still to come.
        return lag - max(since, 0.0) if abs(since) < lag else 0.0

    def _place(self, shown: tuple[RemoteEntry, ...]) -> Root | Foreign:
        root = FileId(self._site.root or self._ledger.get("root"))
        if root:
            return Root(root)
        mine = self._remembered_root()
        if mine is not None:
            return Root(mine.id)
        remembered = {
            level: FileId(found)
            for level in range(len(self._names))
            if (found := self._ledger.get(f"chain/{level}"))
        }
        place = find(shown, self._identity.home_id, self._names, remembered)
        if isinstance(place, Root) and place.id and self._asked_folder(place.id) is None:
            others = tuple(entry for entry in shown if entry.id != place.id)
            return find(others, self._identity.home_id, self._names, {})
        return place

    def _remembered_root(self) -> RemoteEntry | None:
        """Find the mirror's folder again by its id, after the ledger was lost.

        A listing that lags may not show it, and one that is in the trash is not to be replaced.
        """
        root = FileId(self._identity.root)
        folder = self._asked_folder(root) if root else None
        if folder is None or folder.home != self._identity.home_id:
            return None
        self._note_root(Observation(root=folder))
        return folder

    def _asked_folder(self, file_id: FileId) -> RemoteEntry | None:
        """Ask for a folder; what a listing shows may have been deleted a moment ago."""
        try:
            return self._drive.get(file_id)
        except Missing:
            return None

    def _known(self, shown: Sequence[RemoteEntry] | None = None) -> Known:
        """Return what the ledger knows of the shown objects; of all where None is given."""
        entries = self._ledger.entries(None if shown is None else [e.id for e in shown])
        strange = {entry.nonce for entry in shown or () if entry.id not in entries}
        return Known(
            entries=entries,
            root=FileId(self._ledger.get("root")),
            home_id=self._identity.home_id,
            nonces=frozenset(intent.nonce for intent in self._ledger.intents()),
            released=self._ledger.released(),
            ours=self._ledger.known_nonces(strange - {""}),
            trashed=self._ledger.trashed_paths().keys(),
        )

    # -- objects that are not shown, or shown as deleted ------------------------------------------

    def _settle_doubts(self) -> None:
        """Ask for what Drive did not find when the last pass changed it."""
        entries = doubts.doubted(self._ledger)
        if entries:
            self._ledger.put(self._asked(entries))
        doubts.believe(self._ledger)

    def _not_gone(self, entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
        """Ask for each object that is said to be deleted, or to lie nowhere: that can be wrong."""
        kept: list[LedgerEntry] = []
        gone: list[LedgerEntry] = []
        for entry in entries:
            nowhere = entry.seen is not None and (entry.seen.deleted or entry.seen.parent is None)
            (gone if nowhere else kept).append(entry)
        return kept + self._asked(gone)

    def _asked(self, entries: list[LedgerEntry], *, once_more: bool = True) -> list[LedgerEntry]:
        """Ask for objects that a listing does not show, or that the feed calls deleted.

        That one is gone is believed when Drive says so twice: a second copy would stay for good.
        """
        found: list[LedgerEntry] = []
        missing: list[LedgerEntry] = []
        for start in range(0, len(entries), BATCH_LIMIT):
            part = entries[start : start + BATCH_LIMIT]
            results = self._drive.batch([Get(entry.id) for entry in part])
            for entry, result in zip(part, results, strict=True):
                if isinstance(result, RemoteEntry):
                    found.append(with_seen(entry, result))
                elif isinstance(result, Missing):
                    missing.append(entry)
                elif isinstance(result, DriveSyncError):
                    raise result
        if once_more:
            return found + (self._asked(missing, once_more=False) if missing else [])
        gone = (replace(each, seen=RemoteEntry(each.id, deleted=True)) for each in missing)
        return [*found, *gone]

    def _know_again(self, ids: list[FileId]) -> None:
        """Claim nothing, but know, what somebody took out of the trash after we had put it there.

        Otherwise a file that comes back here as well would get a second copy.
        """
        paths = self._ledger.trashed_paths()
        for start in range(0, len(ids), BATCH_LIMIT):
            part = ids[start : start + BATCH_LIMIT]
            results = self._drive.batch([Get(file_id) for file_id in part])
            self._ledger.taken_back(
                unclaimed(result, paths[result.id])
                for result in results
                if isinstance(result, RemoteEntry) and not result.trashed
            )

    def _explain_trash(self) -> None:
        """Find out which folder took an object into the trash with it.

        A lagging listing can hide that a folder was trashed; what is made in such a folder is born
        in the trash, and says so. The folders above it are asked until one of them explains it.
        """
        asked: set[FileId] = set()
        while True:
            dragged = [entry for entry in self._ledger.odd().values() if _was_dragged(entry)]
            above = {entry.seen.parent for entry in dragged if entry.seen and entry.seen.parent}
            folders = [*self._ledger.entries(sorted(above - asked)).values()]
            folders = [entry for entry in folders if entry.seen is None or not entry.seen.trashed]
            if not folders:
                return
            asked |= {entry.id for entry in folders}
            answers = self._asked(folders)
            # A folder that is not in the trash by now has taken its content out with it.
            out = {entry.id for entry in answers if entry.seen is None or not entry.seen.trashed}
            old = [entry for entry in dragged if entry.seen and entry.seen.parent in out]
            self._ledger.put([*answers, *self._asked(old)])

    # -- the root ---------------------------------------------------------------------------------

    def _note_root(self, seen: Observation) -> None:
        if seen.root is None:
            return
        root = seen.root
        # The feed gives no version of what is deleted.
        if not root.deleted and root.version < int(self._ledger.get("root_version") or 0):
            return
        if root.deleted:
            root = self._ask_root()
        self._ledger.remember(
            root_state=root_state(root, self._identity.home_id).value,
            root_version=str(root.version),
            root_name=root.name,
            root_link=root.link,
            root_home=root.home,
            root_changed=str(root.mtime_ms),
        )

    def _ask_root(self) -> RemoteEntry:
        root = FileId(self._ledger.get("root"))
        try:
            return self._drive.get(root)
        except Missing:
            return RemoteEntry(root, deleted=True)

    def _view(
        self, *, root: Root | None = None, rebuilt: bool = False, verified: bool = False
    ) -> View:
        state = RootState(self._ledger.get("root_state"))
        place = root or Root(FileId(self._ledger.get("root")))
        return View(place, state, rebuilt, verified)

    # -- once a week ------------------------------------------------------------------------------

    def _verification_due(self) -> bool:
        last = float(self._ledger.get("verified_at") or 0)
        if self._behind() and not self._looks_again():
            return False  # the next pass compares without having to wait
        # Half a day early: nights are jittered, and a week must not become eight days.
        now = self._drive.transport.google_time()  # a clock here that jumps must not put it off
        return now - last >= self._site.settings.verify_days * DAY - DAY / 2

    def _looks_again(self) -> bool:
        """Tell whether a rebuild had to believe a listing that may not have caught up yet."""
        until = float(self._ledger.get("look_again_until") or 0)
        return self._drive.transport.google_time() < until

    def _mark_verified(self, *, first: bool, rebuilt: bool) -> None:
        at = self._drive.transport.google_time()
        days = self._site.settings.verify_days
        if rebuilt:
            # A listing lags, and this one had to be believed: look again until it has caught up.
            lag = self._site.settings.listing_lag
            self._ledger.remember(look_again_until=str(at + lag))
        if first:
            # Spread by home, so that a hub's thousands do not all compare in the same night.
            at -= int(self._identity.home_id, 16) % days * DAY if days > 1 else 0
        elif self._looks_again():
            at -= days * DAY
        self._ledger.remember(verified_at=str(at))

    def _find_raced_edits(self, inside: Set[FileId]) -> None:
        """Find edits that slipped in between the feed and our write: revisions that are not ours.

        Between two revisions of ours lies nothing but somebody's edit that we replaced unseen. What
        was moved out of the mirror since is not ours to pin: there it is told only.

        Args:
            inside: what lies in the mirror.
        """
        replaced = self._ledger.replaced_since(self._ledger.verified_run())
        entries = self._ledger.entries(replaced)
        ids = [file_id for file_id in replaced if file_id in entries]
        raced: list[Edit] = []
        for start in range(0, len(ids), BATCH_LIMIT):
            part = ids[start : start + BATCH_LIMIT]
            results = self._drive.batch([ListRevisions(file_id) for file_id in part])
            for file_id, result in zip(part, results, strict=True):
                if isinstance(result, DriveSyncError) and not isinstance(result, FileProblem):
                    raise result  # not asked is not verified
                if isinstance(result, tuple):
                    path = entries[file_id].path
                    raced += [
                        Edit(
                            file_id,
                            revision.id,
                            path,
                            self._site.clock.wall(),
                            revision.size,
                            revision.pinned,
                            self._run,
                        )
                        for revision in _between(result, replaced[file_id])
                    ]
        known = {(edit.id, edit.revision) for edit in self._ledger.edits()}
        raced = [edit for edit in raced if (edit.id, edit.revision) not in known]
        self._ledger.record_edits(edit for edit in raced if edit.id not in inside)
        raced = [edit for edit in raced if edit.id in inside]
        for start in range(0, len(raced), BATCH_LIMIT):
            edits = raced[start : start + BATCH_LIMIT]
            results = self._drive.batch([PinRevision(edit.id, edit.revision) for edit in edits])
            self._ledger.record_edits(
                replace(edit, pinned=not isinstance(result, DriveSyncError))
                for edit, result in zip(edits, results, strict=True)
            )


def _was_dragged(entry: LedgerEntry) -> bool:
    """Tell whether an object lies in the trash only because a folder above it does."""
    return entry.seen is not None and entry.seen.trashed and not entry.seen.explicitly_trashed


def _lies_above(entry: RemoteEntry) -> bool:
    """Tell whether it is a folder of ours above a mirror: those carry no home id."""
    return entry.kind is Kind.FOLDER and entry.ours and not entry.home


def _between(revisions: tuple[Revision, ...], ours: frozenset[str]) -> list[Revision]:
    """Return the revisions of others that lie between the first and the last one of ours."""
    places = [index for index, revision in enumerate(revisions) if revision.id in ours]
    if not places:
        return []
    inner = pairwise(revisions[places[0] : places[-1] + 1])
    # The same content once more is a write of ours whose reply was lost: nothing was replaced.
    return [each for each, after in inner if each.id not in ours and each.md5 != after.md5]
