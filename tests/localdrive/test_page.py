"""The web page shows a Drive as a person would see it, shows only, and runs nothing it is told."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from random import Random
from typing import Any

import pytest

from jupyter_drive_sync.localdrive.blobs import Blobs
from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.document import element
from jupyter_drive_sync.localdrive.drive_views import readable_size
from jupyter_drive_sync.localdrive.google_hosts import is_google, is_loopback_host
from jupyter_drive_sync.localdrive.metadata import Patch
from jupyter_drive_sync.localdrive.model import Content, Model
from jupyter_drive_sync.localdrive.objects import FOLDER, SHORTCUT, File
from jupyter_drive_sync.localdrive.page import PAGE_ROWS, DrivePage
from jupyter_drive_sync.localdrive.routing import Principal, Router
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from jupyter_drive_sync.localdrive.store import MemoryStore
from jupyter_drive_sync.localdrive.visibility import FULL, Viewer
from jupyter_drive_sync.localdrive.wire import Request, Response

ANN, BEN = "ann@example.edu", "ben@example.edu"
HOSTILE = '<img src=x onerror="alert(1)">\u202egnp.\x07\ud800 & "quoted" \'too\''


class Seen(HTMLParser):
    """Collects what matters of a page: elements with attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for attributes in self.named("a")]


class Desk:
    """A Drive and its page, without a server."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.blobs = Blobs(None)
        self.model = Model(
            clock=self.clock,
            random=Random(3),  # noqa: S311 - chance that can be repeated
            settings=LocalDriveSettings(),
            store=MemoryStore(),
            blobs=self.blobs,
        )
        for address in (ANN, BEN):
            self.model.open_account(address)
        self.ann = Viewer.of(Principal(ANN, "1", frozenset({FULL})))
        self.router = Router(DrivePage(self.model).routes())
        self._blobs = 0

    def content(self, body: bytes) -> Content:
        self._blobs += 1
        return Content(self.blobs.keep(f"b{self._blobs}", body), None)

    def folder(self, name: str, parent: str = "root") -> File:
        patch = Patch(plain={"name": name}, mime_type=FOLDER, parents=(parent,))
        return self.model.create(self.ann, patch, None)

    def file(self, name: str, body: bytes = b"x", parent: str = "root", **more: Any) -> File:
        patch = Patch(plain={"name": name}, parents=(parent,), **more)
        return self.model.create(self.ann, patch, self.content(body))

    def change(self, file: File, patch: Patch, body: bytes | None = None) -> File:
        content = None if body is None else self.content(body)
        return self.model.update(self.ann, file, patch, content)

    def get(self, target: str, base_url: str = "http://127.0.0.1:8000") -> Response:
        call = self.router.find(Request.make("GET", target, base_url=base_url))
        assert call is not None, target
        return call.route.handler(call)

    def see(self, target: str) -> Seen:
        reply = self.get(target)
        assert reply.status == 200, target
        return Seen(reply.content().decode())


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.blobs.close()


def test_the_root_shows_folders_first_then_names_as_people_sort_them(desk: Desk) -> None:
    for name in ("zebra.txt", "Apple.txt", "banana.txt"):
        desk.file(name)
    for name in ("work", "Archive"):
        desk.folder(name)
    rows = [words for words in desk.see("/").words if words.strip()]
    order = ["Archive", "work", "Apple.txt", "banana.txt", "zebra.txt"]
    assert [word for word in rows if word in order] == order


def test_every_link_of_every_page_leads_somewhere(desk: Desk) -> None:
    inner = desk.folder("inner", desk.folder("outer").id)
    file = desk.file("a b#c?d%.ipynb", b"{}", inner.id)
    desk.change(file, Patch(), b"{1}")
    desk.change(desk.file("gone.txt"), Patch(trashed=True))
    waiting, done = ["/"], set()
    while waiting:
        target = waiting.pop()
        if target in done or target.startswith(("/permissions", "/console")):
            continue
        done.add(target)
        reply = desk.get(target)
        assert reply.status == 200, target
        if reply.headers["Content-Type"].startswith("text/html"):
            waiting += Seen(reply.content().decode()).links
    assert f"/file/d/{file.id}/view" in done
    assert sum("/revisions/" in target for target in done) == 3


def test_links_of_the_api_lead_to_the_page(desk: Desk) -> None:
    folder, file = desk.folder("f"), desk.file("n.txt", b"hello")
    assert desk.get(f"/drive/folders/{folder.id}").status == 200
    assert desk.get(f"/file/d/{file.id}/view?usp=drivesdk").status == 200
    assert desk.get(f"/drive/folders/{file.id}").status == 200
    assert desk.get(f"/uc?id={file.id}&export=download").content() == b"hello"
    icon = desk.get(f"/icon?type={FOLDER}")
    assert icon.headers["Content-Type"].startswith("image/svg+xml")
    assert icon.content() != desk.get("/icon?type=text/plain").content()


def test_a_file_shows_its_versions_and_gives_each(desk: Desk) -> None:
    file = desk.file("n.ipynb", b"one")
    desk.clock.advance(60)
    file = desk.change(file, Patch(), b"second")
    page = desk.see(f"/file/d/{file.id}/view")
    assert file.head is not None
    assert file.head.md5 in page.words
    assert "current" in page.words
    downloads = [link for link in page.links if "/revisions/" in link]
    assert [desk.get(link).content() for link in downloads] == [b"second", b"one"]
    assert "2 versions" in desk.see("/").words
    missing = desk.get(f"/file/d/{file.id}/revisions/none")
    assert missing.status == 404


def test_downloads_are_saved_never_shown(desk: Desk) -> None:
    file = desk.file(HOSTILE, b"<script>alert(1)</script>")
    reply = desk.get(f"/uc?id={file.id}")
    assert reply.headers["Content-Type"] == "application/octet-stream"
    disposition = reply.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''%3Cimg")
    assert disposition.isascii()
    assert disposition.isprintable()
    assert "sandbox" in reply.headers["Content-Security-Policy"]


def test_the_trash_lists_what_was_trashed_itself(desk: Desk) -> None:
    folder = desk.folder("old")
    inside = desk.file("inside.txt", parent=folder.id)
    desk.change(folder, Patch(trashed=True))
    root, trash = desk.see("/"), desk.see(f"/drive/trash?account={ANN}")
    assert "old" not in root.words
    assert "Trash (1)" in root.words
    assert "old" in trash.words
    assert "inside.txt" not in trash.words
    assert "inside.txt" in desk.see(f"/drive/folders/{folder.id}").words
    note = "This file is in the trash."
    assert note in "".join(desk.see(f"/file/d/{inside.id}/view").words)
    assert "The trash is empty." in desk.see(f"/drive/trash?account={BEN}").words


def test_the_account_with_most_is_shown_first_and_others_on_request(desk: Desk) -> None:
    desk.file("hers.txt")
    assert "hers.txt" in desk.see("/").words
    assert "This folder is empty." in desk.see(f"/?account={BEN}").words
    assert f"/?account={BEN.replace('@', '%40')}" in desk.see("/").links
    assert desk.get("/?account=eve@example.edu").status == 404


def test_large_folders_come_in_pages(desk: Desk) -> None:
    folder = desk.folder("large")
    for number in range(PAGE_ROWS + 3):
        desk.file(f"f{number:04}", parent=folder.id)
    first, last = (desk.see(f"/drive/folders/{folder.id}?page={page}") for page in (1, 99))
    assert f"f{PAGE_ROWS - 1:04}" in first.words
    assert f"f{PAGE_ROWS:04}" not in first.words
    assert f"f{PAGE_ROWS + 2:04}" in last.words
    assert "Next page" in first.words
    assert "Previous page" in last.words
    assert "f0000" in desk.see(f"/drive/folders/{folder.id}?page=x").words


def test_hostile_names_are_shown_not_run(desk: Desk) -> None:
    folder = desk.folder(HOSTILE)
    file = desk.file(HOSTILE, parent=folder.id, properties={HOSTILE: HOSTILE})
    desk.change(desk.file(HOSTILE), Patch(trashed=True))
    for target in (
        "/",
        f"/drive/folders/{folder.id}",
        f"/file/d/{file.id}/view",
        f"/drive/trash?account={ANN}",
    ):
        page = desk.see(target)
        assert not page.named("img")
        assert not page.named("script")
        assert all(not name.startswith("on") for _, given in page.tags for name in given)
        assert not {"\u202e", "\x07", "\ud800"} & set("".join(page.words))
        assert any('<img src=x onerror="alert(1)">' in word for word in page.words)


def test_shortcuts_and_what_is_not_there(desk: Desk) -> None:
    target = desk.file("target.txt")
    patch = Patch(
        plain={"name": "way"}, mime_type=SHORTCUT, parents=("root",), shortcut_target=target.id
    )
    shortcut = desk.model.create(desk.ann, patch, None)
    page = desk.see(f"/file/d/{shortcut.id}/view")
    assert target.id in page.words
    assert not [link for link in page.links if "/revisions/" in link]
    for missing in ("/file/d/none/view", "/drive/folders/none", "/uc?id=none", "/uc"):
        assert desk.get(missing).status == 404
    assert desk.get(f"/uc?id={shortcut.id}").status == 404


def test_the_page_answers_here_only_and_only_to_get(desk: Desk) -> None:
    for here in ("http://localhost:1", "http://[::1]:1", "https://drive.google.com"):
        assert desk.get("/", here).status == 200
    for there in ("http://evil.example", "http://192.168.0.7:80", "http://google.com.evil.example"):
        reply = desk.get("/", there)
        assert (reply.status, reply.headers["Content-Type"][:10]) == (403, "text/plain")
    for target in ("/", "/drive/trash", "/uc", "/drive/folders/x", "/file/d/x/view"):
        assert desk.router.methods(target) == {"GET"}


def test_pages_can_be_read_without_seeing_them(desk: Desk) -> None:
    file = desk.file("n.txt", parent=desk.folder("f").id)
    for target in ("/", f"/file/d/{file.id}/view"):
        page = desk.see(target)
        assert page.named("html")[0]["lang"] == "en"
        assert len(page.named("h1")) == 1
        assert len(page.named("main")) == 1
        assert all(given["scope"] in ("col", "row") for given in page.named("th"))
        assert all(given.get("aria-hidden") == "true" for given in page.named("svg"))
        assert len(page.named("caption")) == len(page.named("table"))
        assert all("aria-label" in given for given in page.named("nav"))


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KB"),
        (10 * 1024, "10 KB"),
        (1023 * 1024, "1.0 MB"),
        (15 * 1024**3, "15 GB"),
        (5 * 1024**4, "5.0 TB"),
        (5000 * 1024**4, "5000 TB"),
    ],
)
def test_sizes_for_people(size: int, shown: str) -> None:
    assert readable_size(size) == shown


def test_elements_escape_text_and_attributes() -> None:
    made = element("a", "<b>", element("br"), None, href='"><x>', hidden=True, title=None)
    assert made == '<a href="&quot;&gt;&lt;x&gt;" hidden>&lt;b&gt;<br></a>'


@pytest.mark.parametrize(
    ("host", "google"),
    [
        ("www.googleapis.com", True),
        ("OAUTH2.GOOGLEAPIS.COM.", True),
        ("accounts.google.com", True),
        ("drive.usercontent.google.com", True),
        ("googleapis.com.evil.example", False),
        ("notgoogle.com", False),
        ("", False),
    ],
)
def test_which_hosts_are_googles(host: str, google: bool) -> None:
    assert is_google(host) is google
    assert not is_loopback_host(host)
