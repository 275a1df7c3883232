"""`files.list`: search, order, pages, and how far the listing lags behind.

Sources: the reference of files.list (orders; page size 1 to 1000; a page token goes with the query
that gave it) and Drive guide "Search for files and folders". Without `orderBy` the order is not
documented: here it is random, but stable per file. That listings lag is experience.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jupyter_drive_sync.localdrive import query, replies
from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.objects import File
from jupyter_drive_sync.localdrive.parameters import Reach
from jupyter_drive_sync.localdrive.resource import Scene, View
from jupyter_drive_sync.localdrive.visibility import Lookup, Viewer, is_listed, sees

_MARK = "~!!~"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing."""

    views: list[View]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class _Order:
    """One sort key."""

    name: str
    descending: bool


def _orders(text: str | None) -> tuple[_Order, ...]:
    found = []
    for item in (text or "").split(","):
        words = item.split()
        if not words and not text:
            continue
        if not words or words[0] not in _KEYS or words[1:] not in ([], ["desc"]):
            raise replies.invalid_parameter("orderBy")
        found.append(_Order(words[0], len(words) == 2))
    return tuple(found)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Split a name so that numbers in it sort by value."""
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for character in name.casefold() + "\0":
        if character.isascii() and character.isdigit():
            digits += character
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        parts.append((1, 0, character))
    return parts


_KEYS: Mapping[str, Callable[[View], Any]] = {
    "folder": lambda view: 0 if view.file.is_folder else 1,
    "name": lambda view: view.file.name.casefold(),
    "name_natural": lambda view: _natural(view.file.name),
    "quotaBytesUsed": lambda view: view.file.quota,
    "starred": lambda view: 0 if view.starred else 1,
    "createdTime": lambda view: view.file.created,
    "modifiedTime": lambda view: view.file.modified,
    "modifiedByMeTime": lambda view: (
        view.file.modified if view.file.modified_by == view.scene.viewer.account else 0
    ),
    "recency": lambda view: max(view.file.modified, view.file.viewed or 0),
    "sharedWithMeTime": lambda view: view.times["sharedWithMeTime"] or 0,
    "viewedByMeTime": lambda view: view.file.viewed or 0,
}


def _key(view: View, order: _Order) -> Any:
    return _KEYS[order.name](view)


def _sorted(views: list[View], orders: tuple[_Order, ...]) -> list[View]:
    views.sort(key=lambda view: (view.file.order, view.file.id))
    for order in reversed(orders):
        views.sort(key=lambda view: _key(view, order), reverse=order.descending)
    return views


class Listings:
    """Answers `files.list`. The caller holds the model's lock."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def page(
        self,
        scene: Scene,
        *,
        reach: Reach,
        q: str,
        order_by: str | None,
        size: int,
        token: str | None,
        bound_to: Mapping[str, str],
    ) -> Page:
        """Return one page.

        Args:
            scene: Who asks.
            reach: How far the search goes.
            q: The search, empty for everything.
            order_by: The order.
            size: Most entries on the page.
            token: The page token, None for the first page.
            bound_to: The parameters that a token is bound to.

        Raises:
            ApiError: 400 `invalid` at `q`, `orderBy` or `pageToken`, 404 for a folder in `q` that
                is not there.
        """
        search = query.parse(q, fold_names=self._model.settings.fold_names)
        orders = _orders(order_by)
        if search.ranked and orders:
            raise replies.invalid_parameter("orderBy")
        for name in search.named:
            self._check_named(scene.viewer, name)
        digest = _digest(scene.viewer, bound_to)
        after = None if token is None else self._read(token, digest)
        scene = replace(scene, lookup=self._lookup())
        views = _sorted(
            [
                view
                for file in self._candidates(scene, search, reach)
                if search.matches(view := View(file, scene))
            ],
            orders,
        )
        if after is not None:
            views = self._after(views, after, orders)
        shown = views[:size]
        if len(views) <= size:
            return Page(shown, None)
        overlap = min(self._model.settings.page_overlap, size - 1)
        return Page(shown, self._token(digest, shown[-1 - overlap], orders))

    def _check_named(self, viewer: Viewer, folder: str) -> None:
        """Refuse a search in a folder that is not there, as Drive does.

        Seen in RobinBobin/react-native-google-drive-api-wrapper issue 61, sentence included.
        """
        root = self._model.account(viewer.account).root
        if folder in {"root", root}:
            return
        file = self._model.lookup(folder)
        if file is None or not sees(viewer, file, self._model.lookup):
            raise replies.ApiError(
                404, "notFound", "File not found: .", location=("fileId", "parameter")
            )

    def _candidates(self, scene: Scene, search: query.Query, reach: Reach) -> list[File]:
        """Return the visible files among which a search has to look."""
        model, viewer = self._model, scene.viewer
        ids: Iterable[str]
        if search.within is not None and not model.history:
            root = model.account(viewer.account).root
            folders = {root if each == "root" else each for each in search.within}
            ids = [child for each in folders for child in model.children.get(each, ())]
        else:
            ids = model.files.keys() | model.history.keys()
        found = []
        for file_id in ids:
            file = scene.lookup(file_id)
            if (
                file is not None
                and not model.is_root(file)
                and (viewer.sees_all or viewer.project in file.apps)
                and self._is_reached(scene, search, reach, file)
            ):
                found.append(file)
        return found

    @staticmethod
    def _is_reached(scene: Scene, search: query.Query, reach: Reach, file: File) -> bool:
        """Return whether a search of this reach finds a file at all.

        Sources: the reference of files.list (corpora); what is only shared by link is found by
        naming its folder (googleapis/google-api-python-client issue 1602: not otherwise). A guess:
        without a corpus named, things in shared drives are found by naming their folder, and those
        that the account made or changed last or was given by name.
        """
        viewer, lookup = scene.viewer, scene.lookup
        # Whoever may see a folder is shown what lies in it, with the keys that its links carry.
        keyed = replace(viewer, keys={file.id: file.resource_key or ""})
        by_folder = file.parent in search.named and sees(keyed, file, lookup)
        if file.drive_id is None:
            listed = is_listed(file, viewer.account, lookup)
            return reach.drive is None and (listed or by_folder)
        if not reach.includes or not sees(viewer, file, lookup):
            return False
        if reach.drive is not None:
            return file.drive_id == reach.drive
        mine = viewer.account in {file.modified_by, *file.shared_at}
        return by_folder or mine or (reach.everywhere and is_listed(file, viewer.account, lookup))

    def _lookup(self) -> Lookup:
        """Return what finds a file in the state that listings show."""
        model = self._model
        now = model.clock.now()
        for file_id, states in [*model.history.items()]:
            shown = sum(1 for shows_at, _ in states if shows_at <= now)
            del states[: shown - 1]
            if len(states) == 1:
                del model.history[file_id]
        if not model.history:
            return model.lookup

        def lookup(file_id: str) -> File | None:
            states = model.history.get(file_id)
            return states[0][1] if states else model.files.get(file_id)

        return lookup

    # -- page tokens ------------------------------------------------------------------------

    def _token(self, digest: str, last: View, orders: tuple[_Order, ...]) -> str:
        keys = [_key(last, order) for order in orders]
        place = [digest, self._model.clock.now(), keys, last.file.order, last.file.id]
        return _MARK + base64.urlsafe_b64encode(json.dumps(place).encode()).decode()

    def _read(self, token: str, digest: str) -> tuple[list[Any], float, str]:
        try:
            place = json.loads(base64.urlsafe_b64decode(token.removeprefix(_MARK)))
        except ValueError:
            raise replies.invalid_parameter("pageToken") from None
        # Whoever forges the digest of his own search may forge the rest.
        if not isinstance(place, list) or len(place) != 5 or place[0] != digest:
            raise replies.invalid_parameter("pageToken")
        _, issued, keys, order, file_id = place
        if self._model.clock.now() > issued + self._model.settings.page_token_seconds:
            raise replies.invalid_parameter("pageToken")
        return keys, order, file_id

    @staticmethod
    def _after(
        views: list[View],
        after: tuple[list[Any], float, str],
        orders: tuple[_Order, ...],
    ) -> list[View]:
        """Return what comes after the entry that a token remembers."""
        keys, tie, file_id = after

        def is_later(view: View) -> bool:
            for order, key in zip(orders, keys, strict=True):
                own = json.loads(json.dumps(_key(view, order)))
                if own != key:
                    return bool((own > key) != order.descending)
            return (view.file.order, view.file.id) > (tie, file_id)

        return [view for view in views if is_later(view)]


def _digest(viewer: Viewer, bound_to: Mapping[str, str]) -> str:
    text = json.dumps([viewer.account, viewer.project, sorted(bound_to.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
