"""How the web page looks: plain values in, one document out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from jupyter_drive_sync.localdrive.clock import rfc3339
from jupyter_drive_sync.localdrive.document import Markup, document, element, join
from jupyter_drive_sync.localdrive.wire import Response

_SHAPES = {
    "folder": "M1.5 3.5h4.6l1.6 1.9h6.8v8.1h-13z",
    "file": "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3",
    "shortcut": "M3.5 1.5h6l3 3v10h-9zM6 11l4-4M7 7h3v3",
}


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the way from the root to what is shown."""

    path: str
    name: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around every page of an account.

    Attributes:
        address: Whose Drive is shown.
        accounts: Everybody's addresses.
        place: `files` or `trash`.
        used: Bytes stored.
        limit: Bytes that may be stored; None for any amount.
        in_trash: Things that were trashed.
    """

    address: str
    accounts: Sequence[str]
    place: str
    used: int
    limit: int | None
    in_trash: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a folder. Times are milliseconds since 1970."""

    path: str
    name: str
    kind: str
    size: int | None
    modified: int
    badges: tuple[str, ...] = ()
    trashed: bool = False

    @property
    def order(self) -> tuple[bool, str, str, str]:
        """Folders first, then by name as people read it."""
        return (self.kind != "folder", self.name.casefold(), self.name, self.path)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a file's content."""

    path: str
    modified: int
    size: int
    md5: str
    pinned: bool


def folder_view(
    around: Surroundings,
    crumbs: Sequence[Crumb],
    rows: Sequence[Row],
    *,
    page: int,
    pages: int,
    trashed: bool,
) -> Response:
    """Build the page of a folder."""
    here = crumbs[-1]
    steps = [
        element("a", text, href=f"{here.path}?page={number}")
        for text, number in (("Previous page", page - 1), ("Next page", page + 1))
        if 1 <= number <= pages
    ]
    return _page(
        here.name,
        around,
        _way(crumbs),
        element("h1", here.name),
        _trash_note("This folder is in the trash.") if trashed else None,
        _table(rows, here.name) if rows else element("p", "This folder is empty.", class_="soft"),
        element("nav", f"Page {page} of {pages}", *steps, aria_label="Pages") if steps else None,
    )


def trash_view(around: Surroundings, rows: Sequence[Row], count: int) -> Response:
    """Build the page of an account's trash."""
    more = count - len(rows)
    return _page(
        "Trash",
        around,
        element("h1", "Trash"),
        element("p", "What lies here is deleted after 30 days and counts as storage until then."),
        _table(rows, "Trash") if rows else element("p", "The trash is empty.", class_="soft"),
        element("p", f"{more:,} more are not shown.", class_="soft") if more else None,
    )


def file_view(
    around: Surroundings,
    crumbs: Sequence[Crumb],
    *,
    modified: int,
    created: int,
    details: Mapping[str, str],
    properties: Mapping[str, str],
    versions: Sequence[Version],
    trashed: bool,
) -> Response:
    """Build the page of a file."""
    name = crumbs[-1].name
    return _page(
        name,
        around,
        _way(crumbs),
        element("h1", name),
        _trash_note("This file is in the trash.") if trashed else None,
        element(
            "dl",
            element("dt", "Modified"),
            element("dd", moment(modified)),
            element("dt", "Created"),
            element("dd", moment(created)),
            *_terms(details),
        ),
        _versions(versions, name) if versions else None,
        element("h2", "Properties") if properties else None,
        element("dl", *_terms(properties)) if properties else None,
    )


def missing_view() -> Response:
    """Build the page for what is not there."""
    return document(
        "Not found",
        element("h1", "There is nothing here"),
        element("p", "It was never here, or it was deleted for good."),
        element("p", element("a", "To the files", href="/")),
        status=404,
        narrow=True,
    )


def icon(kind: str) -> Markup:
    """Build a picture of a folder, a file or a shortcut."""
    path = element(
        "path", d=_SHAPES[kind], fill="none", stroke="currentColor", stroke_linejoin="round"
    )
    return element(
        "svg",
        path,
        xmlns="http://www.w3.org/2000/svg",
        viewBox="0 0 16 16",
        width="18",
        height="18",
        aria_hidden="true",
    )


def moment(stamp: int) -> Markup:
    """Write milliseconds since 1970 for people, to the second, in UTC."""
    shown = datetime.fromtimestamp(stamp // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return element("time", shown, datetime=rfc3339(stamp), title=f"{rfc3339(stamp)} (UTC)")


def readable_size(size: int) -> str:
    """Write a number of bytes for people, such as `1.2 MB`, in steps of 1,024."""
    if size < 1024:
        return f"{size} B"
    value = float(size)
    for unit in ("KB", "MB", "GB", "TB"):
        value /= 1024
        if value < 999.5 or unit == "TB":
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def _page(title: str, around: Surroundings, *body: Markup | None) -> Response:
    account = quote(around.address)
    accounts = [
        _link(each, f"/?account={quote(each)}", current=each == around.address)
        for each in around.accounts
    ]
    trash = f"Trash ({around.in_trash:,})" if around.in_trash else "Trash"
    places = [
        _link("My Drive", f"/?account={account}", current=around.place == "files"),
        _link(trash, f"/drive/trash?account={account}", current=around.place == "trash"),
        _link("Connected apps", f"/permissions?account={account}", current=False),
        _link("Console", "/console", current=False),
    ]
    return document(
        title,
        element("nav", *accounts, aria_label="Accounts") if len(accounts) > 1 else None,
        element("nav", *places, _storage(around), aria_label="Places"),
        *body,
        crumb="" if len(accounts) > 1 else around.address,
    )


def _storage(around: Surroundings) -> Markup:
    used = readable_size(around.used)
    if around.limit is None:
        return element("span", f"{used} stored", class_="soft")
    text = f"{used} of {readable_size(around.limit)} used"
    share = around.used / around.limit if around.limit else 1.0
    meter = element("meter", text, min="0", max="1", high="0.9", value=f"{share:.4f}")
    return element("span", meter, " ", text, class_="soft")


def _link(text: str, path: str, *, current: bool) -> Markup:
    return element("a", text, href=path, aria_current="page" if current else None)


def _way(crumbs: Sequence[Crumb]) -> Markup:
    steps = [element("li", element("a", each.name, href=each.path)) for each in crumbs[:-1]]
    last = element("li", element("span", crumbs[-1].name, aria_current="page"))
    return element("nav", element("ol", *steps, last, class_="way"), aria_label="Where you are")


def _trash_note(sentence: str) -> Markup:
    return element("p", sentence, " It will be deleted after 30 days.", class_="note bad")


def _table(rows: Sequence[Row], caption: str) -> Markup:
    lines = [
        element(
            "tr",
            element(
                "th",
                icon(row.kind),
                element("a", row.name, href=row.path),
                element("span", "trashed", class_="badge bad") if row.trashed else None,
                *(element("span", badge, class_="badge") for badge in row.badges),
                scope="row",
            ),
            element("td", _size(row.size), class_="number"),
            element("td", moment(row.modified), class_="wide"),
            class_=row.kind,
        )
        for row in rows
    ]
    return element(
        "div",
        element(
            "table",
            element("caption", f"{len(rows):,} in {caption}", class_="unseen"),
            element(
                "thead",
                element(
                    "tr",
                    element("th", "Name", scope="col"),
                    element("th", "Size", scope="col", class_="number"),
                    element("th", "Modified (UTC)", scope="col", class_="wide"),
                ),
            ),
            element("tbody", *lines),
        ),
        class_="sheet",
    )


def _size(size: int | None) -> Markup:
    if size is None:
        return element("span", "\N{EN DASH}", class_="soft")
    return element("span", readable_size(size), title=f"{size:,} bytes")


def _versions(versions: Sequence[Version], name: str) -> Markup:
    lines = [
        element(
            "tr",
            element(
                "th",
                moment(each.modified),
                element("span", "current", class_="badge") if index == 0 else None,
                element("span", "kept forever", class_="badge") if each.pinned else None,
                scope="row",
            ),
            element("td", _size(each.size), class_="number"),
            element("td", element("code", each.md5), class_="wide"),
            element("td", element("a", "Download", href=each.path)),
        )
        for index, each in enumerate(versions)
    ]
    head = element(
        "tr",
        element("th", "Saved (UTC)", scope="col"),
        element("th", "Size", scope="col", class_="number"),
        element("th", "MD5", scope="col", class_="wide"),
        element("th", "Content", scope="col"),
    )
    return join(
        element("h2", "Versions"),
        element(
            "div",
            element(
                "table",
                element("caption", f"Versions of {name}", class_="unseen"),
                element("thead", head),
                element("tbody", *lines),
            ),
            class_="sheet",
        ),
    )


def _terms(pairs: Mapping[str, str]) -> list[Markup]:
    return [
        part
        for name, value in pairs.items()
        for part in (element("dt", name), element("dd", element("code", value)))
    ]
