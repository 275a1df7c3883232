"""Folders as people name them, what they may be instead, and everything below them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import FileId, Kind
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.denied import (
    BadFolder,
    FolderAmbiguous,
    FolderNotFound,
    FolderReadOnly,
    FolderTrashed,
    NotAFolder,
    OwnsNothing,
)
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.folders import (
    FolderName,
    find_folder,
    parse_folder,
    require_writable,
)
from jupyter_drive_sync.drive.listing import feed, whole_tree
from jupyter_drive_sync.drive.transport import Call, Transport
from jupyter_drive_sync.drive.types import CreateFolder, NewFile, Patch
from jupyter_drive_sync.drive.walk import FOLDERS_AT_ONCE, walk
from jupyter_drive_sync.errors import (
    Missing,
    ScopeMissing,
)
from jupyter_drive_sync.localdrive import resource
from jupyter_drive_sync.localdrive.drive import LocalDrive
from tests.drive.ground import ANN, ROOT, DriveTime, FixedTokens, LocalWire, ours, seeded
from tests.localdrive.caller import BEN, FOLDER, Caller, caller
from tests.localdrive.test_service_accounts import ask, assertion
from tests.virtual_clock import VirtualClock

ID = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456"
KEY = "0-abcDEF_123"
SHORTCUT = "application/vnd.google-apps.shortcut"
SCOPE = "https://www.googleapis.com/auth/"
ALL: dict[str, Any] = {"supportsAllDrives": "true"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"https://drive.google.com/drive/folders/{ID}", (ID, "", ())),
        (f"https://drive.google.com/drive/folders/{ID}?usp=sharing", (ID, "", ())),
        (f"https://drive.google.com/drive/u/0/folders/{ID}", (ID, "", ())),
        (f"https://drive.google.com/drive/u/12/folders/{ID}/", (ID, "", ())),
        (f"https://drive.google.com/drive/mobile/folders/{ID}", (ID, "", ())),
        (f"https://drive.google.com/a/example.edu/drive/folders/{ID}", (ID, "", ())),
        (f"https://drive.google.com/open?id={ID}", (ID, "", ())),
        (f"https://drive.google.com/folderview?id={ID}&resourcekey={KEY}", (ID, KEY, ())),
        (f"https://drive.google.com/drive/folders/{ID}?resourcekey={KEY}&usp=x", (ID, KEY, ())),
        (f"drive.google.com/drive/folders/{ID}", (ID, "", ())),
        (f"http://DRIVE.google.com/drive/folders/{ID}#x", (ID, "", ())),
        (
            "https://drive.google.com/drive/folders/0ABcdefghijklmnUk9PVA",
            ("0ABcdefghijklmnUk9PVA", "", ()),
        ),
        ("https://drive.google.com/drive/my-drive", ("", "", ())),
        ("https://drive.google.com/drive/u/0/my-drive", ("", "", ())),
        (f"  {ID}\n", (ID, "", ())),
        ("0ABcdefghijklmnUk9PVA", ("0ABcdefghijklmnUk9PVA", "", ())),
        ("root", ("", "", ())),
        ("Courses/2026", ("", "", ("Courses", "2026"))),
        ("/Courses/2026/", ("", "", ("Courses", "2026"))),
        ("My Drive/Courses", ("", "", ("Courses",))),
        ("My Drive", ("", "", ())),
        ("coursework", ("", "", ("coursework",))),
        ("1-introduction", ("", "", ("1-introduction",))),
        ("it's \\ a & folder", ("", "", ("it's \\ a & folder",))),
    ],
)
def test_folders_are_named_in_many_ways(text: str, found: tuple[str, str, tuple[str, ...]]) -> None:
    name = parse_folder(text)
    assert (name.id, name.resource_key, name.path) == found
    assert name.drive == ""


def test_paths_into_shared_drives() -> None:
    assert parse_folder("Shared drives/Physics/Lab 1") == FolderName(
        "Shared drives/Physics/Lab 1", drive="Physics", path=("Lab 1",)
    )
    assert parse_folder("Shared drives/Physics").path == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("x" * 5000, "too long"),
        ("a\x1bb", "no plain text"),
        ("https://example.com/drive/folders/" + ID, "no address at drive.google.com"),
        ("ftp://drive.google.com/drive/folders/" + ID, "no address at drive.google.com"),
        ("https://drive.google.com.evil.test/drive/folders/" + ID, "no address at"),
        ("https://[x/", "it is no address"),
        (f"https://drive.google.com/file/d/{ID}/view", "the address of a file"),
        (f"https://drive.google.com/document/d/{ID}/edit", "the address of a file"),
        ("https://drive.google.com/drive/folders/", "no folder's id"),
        ("https://drive.google.com/drive/folders/a%20b", "no folder's id"),
        ("https://drive.google.com/drive/recent", "no folder's id"),
        ("https://drive.google.com/open", "no folder's id"),
        (f"https://drive.google.com/open?id={ID}&resourcekey=a/b", "resourcekey"),
        ("a//b", "empty name"),
        ("a/../b", "'..'"),
        ("./a", "'.'"),
        ("/", "empty name"),
        ("Shared drives", "which shared drive"),
    ],
)
def test_what_names_no_folder(text: str, problem: str) -> None:
    with pytest.raises(BadFolder) as caught:
        parse_folder(text)
    assert problem in caught.value.sentence
    assert caught.value.exit_code == 2


def test_a_page_of_another_server_counts_where_that_is_ours() -> None:
    address = f"{ROOT}/drive/folders/{ID}"
    assert parse_folder(address, Endpoint(ROOT)).id == ID
    with pytest.raises(BadFolder):
        parse_folder(address)


@given(st.text(max_size=200))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    with contextlib.suppress(BadFolder):
        name = parse_folder(text)
        assert "/" not in name.id
        assert not {"", ".", ".."} & {*name.path}


# -- on a Drive -----------------------------------------------------------------------------------


@dataclass
class Bench:
    """A LocalDrive, its owner, and our client for whoever it is to be."""

    server: LocalDrive
    clock: VirtualClock
    owner: Caller
    calls: list[Call] = field(default_factory=list)

    def drive(self, token: str, drive_id: str = "") -> Drive:
        transport = Transport(
            FixedTokens([token]),
            lambda: LocalWire(self.server, self.clock),
            self.clock,
            seeded(1),
            Settings(),
            on_request=self.calls.append,
        )
        return Drive(transport, Endpoint(ROOT), seeded(1), drive_id)

    def of(self, address: str, scope: str = "drive", drive_id: str = "") -> Drive:
        client = self.server.oauth.client_of_kind("desktop").client_id
        tokens = self.server.oauth.grant(address, client, [SCOPE + scope])
        return self.drive(tokens.access_token, drive_id)

    def link(self, folder: str) -> str:
        shown = str(self.owner.get(folder)["webViewLink"])
        return shown.replace("http://localdrive", ROOT)

    def service(self, scope: str = "drive.readonly", **claims: Any) -> tuple[Drive, str]:
        account = self.server.oauth.add_service_account("course-reader")
        key = self.server.oauth.service_account_file(account.email, ROOT)
        reply = ask(self.server, assertion(self.server, key, scope=SCOPE + scope, **claims))
        return self.drive(str(reply.json()["access_token"])), account.email


@pytest.fixture
def bench(clock: VirtualClock) -> Iterator[Bench]:
    with LocalDrive(clock=DriveTime(clock), seed=1) as server:
        yield Bench(server, clock, caller(server, scopes=("drive",)))


def test_by_path(bench: Bench) -> None:
    courses = bench.owner.folder("Courses")
    year = bench.owner.folder("it's 2026", parents=[courses])
    bench.owner.create("it's 2026", b"x", parents=[courses])
    ann = bench.of(ANN)
    place = find_folder(ann, parse_folder("Courses/it's 2026"))
    assert (place.id, place.name, place.is_folder) == (year, "it's 2026", True)
    assert (place.can_add, place.can_trash, place.drive_id) == (True, True, "")
    root = find_folder(ann, parse_folder("My Drive"))
    assert root.name == "My Drive"
    with pytest.raises(FolderNotFound) as caught:
        find_folder(ann, parse_folder("Courses/2025"))
    assert ANN in caught.value.sentence
    bench.owner.folder("courses")
    assert find_folder(ann, parse_folder("Courses")).id == courses
    bench.owner.folder("Courses")
    with pytest.raises(FolderAmbiguous, match="2 folders Courses"):
        find_folder(ann, parse_folder("Courses/it's 2026"))


def test_by_address_and_what_it_may_be_instead(bench: Bench) -> None:
    folder = bench.owner.folder("course")
    file = bench.owner.create("notes.txt", b"x")["id"]
    ann, ben = bench.of(ANN), bench.of(BEN)
    link = bench.link(folder)
    found = find_folder(ann, parse_folder(link, Endpoint(ROOT)))
    assert (found.id, found.link) == (folder, link)
    with pytest.raises(NotAFolder, match=r"notes\.txt"):
        find_folder(ann, parse_folder(file))
    with pytest.raises(FolderNotFound, match=BEN):
        find_folder(ben, parse_folder(folder))
    with pytest.raises(FolderNotFound, match="check its address"):
        find_folder(ann, parse_folder(ID))
    bench.owner.ask("PATCH", f"/files/{folder}", {"trashed": True})
    with pytest.raises(FolderTrashed, match="course"):
        find_folder(ann, parse_folder(folder))


def test_a_link_shared_folder_and_its_key(bench: Bench) -> None:
    folder = bench.owner.folder("course")
    below = bench.owner.folder("week 1", parents=[folder])
    file = bench.owner.create("notes", b"tyger", parents=[below])["id"]
    bench.server.model.share_by_link(folder)
    bench.server.model.share_by_link(below, with_key=True)
    service, _ = bench.service()
    place = find_folder(service, parse_folder(folder))
    assert not place.can_add
    assert [entry.name for entry in walk(service, place.id)] == ["week 1", "notes"]
    assert service.download(FileId(file), size=5) == b"tyger"
    with pytest.raises(Missing):
        bench.service()[0].place(FileId(below))
    guarded = bench.link(below)
    assert "resourcekey=" in guarded
    fresh, _ = bench.service()
    found = find_folder(fresh, parse_folder(guarded, Endpoint(ROOT)))
    assert found.resource_key
    assert [entry.name for entry in walk(fresh, found.id)] == ["notes"]
    assert fresh.get(found.id).name == "week 1"


def test_a_shortcut_is_followed(bench: Bench) -> None:
    folder = bench.owner.folder("course")
    bench.server.model.share_by_link(folder, with_key=True)
    shortcut = bench.owner.create("to it", mimeType=SHORTCUT, shortcutDetails={"targetId": folder})
    bench.server.model.share_by_link(shortcut["id"])
    service, _ = bench.service()
    assert find_folder(service, parse_folder(shortcut["id"])).id == folder
    file = bench.owner.create("file", b"x")["id"]
    bench.server.model.share_by_link(file)
    to_file = bench.owner.create("to it", mimeType=SHORTCUT, shortcutDetails={"targetId": file})
    with pytest.raises(NotAFolder):
        find_folder(bench.of(ANN), parse_folder(to_file["id"]))


def test_in_a_shared_drive(bench: Bench) -> None:
    team = bench.server.model.make_drive("Physics", {ANN: "organizer", BEN: "reader"})
    made = bench.owner.ask(
        "POST", "/files", {"name": "Lab", "parents": [team.id], "mimeType": FOLDER}, **ALL
    )
    ann, ben = bench.of(ANN), bench.of(BEN)
    place = find_folder(ann, parse_folder("Shared drives/Physics/Lab"))
    assert (place.id, place.drive_id, place.can_add) == (made["id"], team.id, True)
    assert find_folder(ann, parse_folder("Shared drives/Physics")).id == team.id
    assert find_folder(ann, parse_folder(team.id)).name == "Drive"
    with pytest.raises(FolderNotFound):
        find_folder(ann, parse_folder("Shared drives/Chemistry"))
    read = find_folder(ben, parse_folder("Shared drives/Physics/Lab"))
    with pytest.raises(FolderReadOnly, match=BEN):
        require_writable(ben, read, "Lab")
    require_writable(ann, place, "Lab")
    bench.server.model.make_drive("Physics", {ANN: "organizer"})
    with pytest.raises(FolderAmbiguous):
        find_folder(ann, parse_folder("Shared drives/Physics/Lab"))
    with pytest.raises(ScopeMissing):
        find_folder(bench.of(ANN, "drive.file"), parse_folder("Shared drives/Physics"))


def test_a_service_account_that_would_own_files_is_refused(bench: Bench) -> None:
    folder = bench.owner.folder("course")
    service, email = bench.service("drive")
    share = {"type": "user", "role": "writer", "emailAddress": email}
    bench.owner.ask("POST", f"/files/{folder}/permissions", share)
    place = find_folder(service, parse_folder(folder))
    assert place.can_add
    with pytest.raises(OwnsNothing) as caught:
        require_writable(service, place, "course")
    assert email in caught.value.sentence
    assert "shared drive" in caught.value.sentence
    team = bench.server.model.make_drive("Physics", {ANN: "organizer", email: "writer"})
    shared = find_folder(service, parse_folder(team.id))
    require_writable(service, shared, "Physics")
    assert not shared.can_trash
    bench.server.oauth.services.delegate(email, "example.edu", [f"{SCOPE}drive"])
    acting, _ = bench.service("drive", sub=ANN)
    require_writable(acting, find_folder(acting, parse_folder(folder)), "course")


# -- everything below -----------------------------------------------------------------------------


def test_a_walk_comes_level_by_level(bench: Bench) -> None:
    top = bench.owner.folder("top")
    wide = [bench.owner.folder(f"f{n:02}", parents=[top]) for n in range(FOLDERS_AT_ONCE + 1)]
    for each in wide:
        bench.owner.create("leaf", b"x", parents=[each])
    deep = bench.owner.folder("deep", parents=[wide[0]])
    bench.owner.create("deepest", b"x", parents=[deep])
    gone = bench.owner.create("gone", b"x", parents=[deep])["id"]
    bench.owner.ask("PATCH", f"/files/{gone}", {"trashed": True})
    document = "application/vnd.google-apps.document"
    bench.owner.create("doc", parents=[deep], mimeType=document)
    ann = bench.of(ANN, "drive.readonly")
    bench.calls.clear()
    found = list(walk(ann, FileId(top)))
    assert [call.endpoint for call in bench.calls] == ["files.list"] * 4
    names = [entry.name for entry in found]
    assert len(names) == len(wide) * 2 + 3
    places = {entry.id: entry for entry in found}
    for number, entry in enumerate(found):
        above = entry.parent
        assert above == top or above in {each.id for each in found[:number]}
    assert places[FileId(deep)].kind is Kind.FOLDER
    assert {"deepest", "doc"} <= set(names)
    assert "gone" not in names


def test_a_walk_through_a_shared_drive_of_which_we_are_no_member(bench: Bench) -> None:
    team = bench.server.model.make_drive("Physics", {ANN: "organizer"})
    body = {"name": "Lab", "parents": [team.id], "mimeType": FOLDER}
    lab = bench.owner.ask("POST", "/files", body, **ALL)["id"]
    inner = bench.owner.ask("POST", "/files", {**body, "parents": [lab]}, **ALL)["id"]
    bench.owner.ask("POST", "/files", {"name": "x", "parents": [inner]}, **ALL)
    share = {"type": "user", "role": "reader", "emailAddress": BEN}
    bench.owner.ask("POST", f"/files/{lab}/permissions", share, **ALL)
    ben = bench.of(BEN)
    assert [entry.name for entry in walk(ben, find_folder(ben, parse_folder(lab)).id)] == [
        "Lab",
        "x",
    ]
    with pytest.raises(Missing):
        list(walk(ben, FileId(team.id)))


def test_a_folder_that_goes_meanwhile_is_passed_over(bench: Bench) -> None:
    top = bench.owner.folder("top")
    one, two = (bench.owner.folder(name, parents=[top]) for name in ("one", "two"))
    for each in (one, two):
        bench.owner.create("leaf", b"x", parents=[each])
    found = []
    for entry in walk(bench.of(ANN), FileId(top)):
        found.append((entry.name, entry.parent))
        if len(found) == 1:
            bench.owner.ask("DELETE", f"/files/{one}")
    assert ("leaf", two) in found
    assert ("leaf", one) not in found


def test_entries_without_a_parent_are_put_where_they_were_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = bench.owner.folder("top")
    one, two = (bench.owner.folder(name, parents=[top]) for name in ("one", "two"))
    for each in (one, two):
        bench.owner.create("leaf", b"x", parents=[each])
    monkeypatch.setitem(resource._FIELDS, "parents", lambda _view: None)  # type: ignore[index]
    found = {(entry.name, entry.parent) for entry in walk(bench.of(ANN), FileId(top))}
    assert found == {("one", top), ("two", top), ("leaf", one), ("leaf", two)}


# -- a shared drive as the place of a mirror ------------------------------------------------------


def test_feed_search_and_writes_in_a_shared_drive(bench: Bench) -> None:
    account = bench.server.oauth.add_service_account("course-reader")
    team = bench.server.model.make_drive(
        "Physics", {ANN: "organizer", account.email: "fileOrganizer"}
    )
    service, _ = bench.service("drive")
    inside = Drive(service.transport, Endpoint(ROOT), seeded(1), team.id)
    start = inside.start_token()
    folder_id, small, large = inside.generate_ids(3)
    (folder,) = inside.batch([CreateFolder(folder_id, "home", FileId(team.id), ours())])
    assert not isinstance(folder, Exception)
    new = NewFile(small, "small.txt", folder_id, 1_700_000_000_000, ours("n1"))
    entry = inside.create_file(new, b"small")
    assert entry.parent == folder_id
    call = inside.session_call(NewFile(large, "large", folder_id, 0, ours("n2")), 10)
    assert service.transport.send(call, lambda reply: reply.headers["location"])
    changed = feed(inside, start)
    assert {each.id for each in changed.entries} == {folder_id, small}
    assert {each.id for each in whole_tree(inside, "h0me")} == {folder_id, small}
    (trashed,) = inside.batch([Patch(small, trashed=True)])
    assert not isinstance(trashed, Exception)
    assert [each.trashed for each in feed(inside, changed.token).entries] == [True]
    assert {each.id for each in whole_tree(service, "h0me")} <= {folder_id, small}
    assert inside.revisions(small)[0].size == 5


def test_my_drive_is_asked_as_before(bench: Bench) -> None:
    ann = bench.of(ANN)
    token = ann.start_token()
    ann.changes(token)
    ann.search("trashed = false")
    ann.about()
    for call in bench.calls:
        assert "driveId" not in call.uri
        assert "includeItemsFromAllDrives" not in call.uri
        assert "corpora" not in call.uri
        assert "x-goog-drive-resource-keys" not in call.headers
