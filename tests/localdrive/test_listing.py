"""Listings: order, pages, lag; and the change feed, which lags too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from jupyter_drive_sync.localdrive.wire import BytesBody
from tests.localdrive.caller import BEN, Caller, caller, other_client


def test_pages_cover_everything_once(ann: Caller) -> None:
    made = {ann.create(f"file {number}")["id"] for number in range(23)}
    for size in (1, 7, 22, 23, 24, 5000):
        found = [each["id"] for each in ann.search(pageSize=size)]
        assert len(found) == 23
        assert set(found) == made


def test_a_token_belongs_to_its_search(ann: Caller, clock: ManualClock) -> None:
    for number in range(3):
        ann.create(f"file {number}")
    page = {"q": "trashed = false", "orderBy": "name", "pageSize": 1}
    token = ann.ask("GET", "/files", **page)["nextPageToken"]
    assert ann.ask("GET", "/files", **{**page, "pageSize": 9}, pageToken=token)["files"]
    for other in (
        {**page, "q": ""},
        {**page, "orderBy": "name desc"},
        {**page, "corpora": "domain"},
    ):
        assert ann.refused("GET", "/files", pageToken=token, **other) == (400, "invalid")
    stranger = caller(ann.drive, client=other_client(ann.drive))
    assert stranger.refused("GET", "/files", pageToken=token, **page) == (400, "invalid")
    for forged in ("x", "", token[:-8], "~!!~bnVsbA=="):
        assert ann.refused("GET", "/files", pageToken=forged, **page) == (400, "invalid")
    clock.advance(6 * 3600 + 1)
    assert ann.refused("GET", "/files", pageToken=token, **page) == (400, "invalid")


def test_orders(ann: Caller, clock: ManualClock) -> None:
    for name, content in (("b10", b"x"), ("B2", b"xxx"), ("a", b"xx"), ("b1", b"")):
        ann.create(name, content)
        clock.advance(1)
    ann.folder("zoo")
    orders = {
        "name": ["a", "b1", "b10", "B2", "zoo"],
        "name desc": ["zoo", "B2", "b10", "b1", "a"],
        "name_natural": ["a", "b1", "B2", "b10", "zoo"],
        "folder,name": ["zoo", "a", "b1", "b10", "B2"],
        "quotaBytesUsed desc,name desc": ["B2", "a", "b10", "zoo", "b1"],
        "createdTime": ["b10", "B2", "a", "b1", "zoo"],
        "modifiedTime desc": ["zoo", "b1", "a", "B2", "b10"],
    }
    for order, names in orders.items():
        for size in (1, 2, 100):
            assert ann.names(orderBy=order, pageSize=size) == names, order
    for wrong in ("size", "name up", "name,,folder", ","):
        assert ann.refused("GET", "/files", orderBy=wrong) == (400, "invalid")
    ranked = {"q": "fullText contains 'a'", "orderBy": "name"}
    assert ann.refused("GET", "/files", **ranked) == (400, "invalid")


def test_files_that_come_and_go_between_pages(ann: Caller) -> None:
    for name in "bdf":
        ann.create(name)
    first = ann.ask("GET", "/files", orderBy="name", pageSize=1)
    ann.ask("DELETE", f"/files/{first['files'][0]['id']}")
    ann.create("a")
    ann.create("e")
    rest = ann.ask("GET", "/files", orderBy="name", pageToken=first["nextPageToken"])
    assert [each["name"] for each in rest["files"]] == ["d", "e", "f"]


def test_pages_may_repeat_entries(make_drive: Callable[..., LocalDrive]) -> None:
    ann = caller(make_drive(page_overlap=1))
    for name in "abcd":
        ann.create(name)
    assert ann.names(orderBy="name", pageSize=2) == ["a", "b", "b", "c", "c", "d"]
    assert ann.names(orderBy="name", pageSize=1) == ["a", "b", "c", "d"]


def test_a_folder_that_is_not_there(ann: Caller) -> None:
    for q in ("'nowhere' in parents", "trashed = true or not 'nowhere' in parents"):
        assert ann.refused("GET", "/files", q=q) == (404, "notFound")
    assert ann.names("'root' in parents") == []


def test_texts_are_searched(ann: Caller) -> None:
    ann.create("poem", b"Tyger Tyger, burning bright")
    ann.create("other", b"nothing", description="a burning question")
    assert sorted(ann.names("fullText contains 'burning'")) == ["other", "poem"]
    assert ann.names("fullText contains '\"burning bright\"'") == ["poem"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"pageSize": 0},
        {"pageSize": "many"},
        {"spaces": "elsewhere"},
        {"corpora": "all"},
        {"corpora": "drive"},
        {"supportsAllDrives": "perhaps"},
        {"alt": "xml"},
        {"alt": "media"},
    ],
)
def test_senseless_parameters(ann: Caller, parameters: dict[str, Any]) -> None:
    assert ann.refused("GET", "/files", **parameters)[0] == 400


def test_shared_drives_are_asked_for_and_not_there(ann: Caller) -> None:
    everything = {"includeItemsFromAllDrives": "true", "supportsAllDrives": "true"}
    assert ann.names(corpora="allDrives", **everything) == []
    without = {"includeItemsFromAllDrives": "true"}
    assert ann.refused("GET", "/files", **without) == (403, "supportsTeamDrivesRequired")
    drive = {"driveId": "x", "corpora": "drive"}
    assert ann.refused("GET", "/files", **drive, **everything) == (404, "notFound")
    incomplete = "includeTeamDriveItemsRequired"
    assert ann.refused("GET", "/files", corpora="allDrives") == (403, incomplete)
    assert ann.refused("GET", "/files", **drive) == (403, incomplete)
    for alone in ({"driveId": "x"}, {"corpora": "drive"}):
        found = ann.refused("GET", "/files", **alone, **everything)
        assert found == (400, "teamDriveIdRequiresTeamDriveCorpora")
    assert ann.refused("GET", "/files", spaces="appDataFolder") == (403, "insufficientScopes")


class TestLag:
    """With lag, listings and the feed show the past, each write by its own time."""

    @pytest.fixture
    def ann(self, make_drive: Callable[..., LocalDrive]) -> Caller:
        return caller(make_drive(listing_lag=10, changes_lag=10))

    def test_listings_show_the_past(self, ann: Caller, clock: ManualClock) -> None:
        folder = ann.folder("folder")
        file = ann.create("old", parents=[folder])["id"]
        assert ann.names() == []
        assert ann.get(file)["name"] == "old"
        clock.advance(10)
        assert sorted(ann.names()) == ["folder", "old"]
        ann.ask("PATCH", f"/files/{file}", {"name": "new"})
        assert ann.names(f"'{folder}' in parents") == ["old"]
        clock.advance(10)
        assert ann.names(f"'{folder}' in parents") == ["new"]
        ann.ask("PATCH", f"/files/{folder}", {"trashed": True})
        assert len(ann.names("trashed = false")) == 2
        clock.advance(10)
        assert ann.names("trashed = false") == []
        ann.ask("DELETE", f"/files/{folder}")
        assert len(ann.names()) == 2
        clock.advance(10)
        assert ann.names() == []

    def test_changes_come_late_and_none_is_lost(self, ann: Caller, clock: ManualClock) -> None:
        token = ann.start_token()
        made = {ann.create(f"file {number}")["id"] for number in range(20)}
        assert ann.changes(token) == {}
        seen: set[str] = set()
        for _ in range(10):
            clock.advance(1)
            reply = ann.ask("GET", "/changes", pageToken=token)
            seen |= {each["fileId"] for each in reply["changes"]}
            token = reply["newStartPageToken"]
        assert seen == made

    def test_what_waits_survives_a_restart(self, tmp_path: Path, clock: ManualClock) -> None:
        settings = LocalDriveSettings(changes_lag=10)
        with LocalDrive(tmp_path, clock=clock, settings=settings) as before:
            ann = caller(before)
            token = ann.start_token()
            made = ann.create("file")["id"]
        with LocalDrive(tmp_path, clock=clock, settings=settings) as after:
            ann = ann.at(after)
            assert ann.changes(token) == {}
            clock.advance(10)
            assert ann.changes(token) == {made: False}


def test_only_the_last_change_of_a_file_is_listed(ann: Caller) -> None:
    token = ann.start_token()
    ids = [ann.create(f"file {number}")["id"] for number in range(5)]
    ann.ask("PATCH", f"/files/{ids[0]}", {"name": "again"})
    ann.ask("DELETE", f"/files/{ids[1]}")
    order = [*ids[2:], ids[0], ids[1]]
    for size in (1, 2, 5, 100):
        assert list(ann.changes(token, pageSize=size)) == order
    assert ann.changes(token)[ids[1]]
    assert ids[1] not in ann.changes(token, includeRemoved="false")
    whole = ann.ask("GET", "/changes", pageToken=token, fields="*")["changes"]
    assert [("file" in each, each["removed"]) for each in whole] == [
        *[(True, False)] * 4,
        (False, True),
    ]
    assert ann.changes(ann.start_token()) == {}


def test_a_feed_is_long_and_its_tokens_never_expire(ann: Caller, clock: ManualClock) -> None:
    token = ann.start_token()
    file = ann.create("file")["id"]
    for number in range(1100):
        ann.ask("PATCH", f"/files/{file}", {"name": f"file {number}"})
    clock.advance(10 * 365 * 86_400)
    assert ann.changes(token) == {file: False}


@pytest.mark.parametrize("token", ["x", "-1", "0", "999999999", "1.5", "²"])
def test_bad_change_tokens(ann: Caller, token: str) -> None:
    assert ann.refused("GET", "/changes", pageToken=token) == (400, "invalid")


def test_a_change_token_is_required(ann: Caller) -> None:
    assert ann.refused("GET", "/changes") == (400, "required")


def test_feeds_are_of_accounts_and_apps(drive: LocalDrive, ann: Caller) -> None:
    owner = caller(drive, scopes=("drive.readonly",))
    stranger = caller(drive, client=other_client(drive))
    ben = caller(drive, BEN)
    readers = [(each, each.start_token()) for each in (ann, owner, stranger, ben)]
    file = ann.create("file")["id"]
    seen = [each.changes(token) for each, token in readers]
    assert seen == [{file: False}, {file: False}, {}, {}]
    ann.ask("DELETE", f"/files/{file}")
    seen = [each.changes(token) for each, token in readers]
    assert seen == [{file: True}, {file: True}, {}, {}]


def test_a_long_search_comes_as_a_post(ann: Caller) -> None:
    """What google-api-python-client makes of a URL of more than 2048 characters."""
    ann.create("file")
    override = {"x_http_method_override": "GET"}
    form = {"content_type": "application/x-www-form-urlencoded", **override}
    found = ann.send("POST", "/drive/v3/files", b"q=name+%3D+'file'&fields=files(name)", **form)
    assert found.json() == {"files": [{"name": "file"}]}
    assert ann.send("POST", "/drive/v3/files", b"x" * (1 << 20) + b"=", **form).status == 400
    cut = BytesBody(b"q=name", cut_at=2)
    assert ann.send("POST", "/drive/v3/files", cut, **form).status == 0
    other = ann.send("POST", "/drive/v3/files", b"", **override)
    assert other.json()["kind"] == "drive#fileList"


def test_the_trash_is_emptied(owner: Caller, ann: Caller) -> None:
    folder = owner.folder("folder")
    owner.create("inside", parents=[folder])
    owner.create("kept")
    owner.ask("PATCH", f"/files/{folder}", {"trashed": True})
    assert ann.refused("DELETE", "/files/trash") == (403, "insufficientPermissions")
    owner.ask("DELETE", "/files/trash")
    assert owner.names() == ["kept"]


def test_senseless_requests_for_ids(ann: Caller) -> None:
    for parameters in ({"count": 0}, {"count": 1001}, {"type": "folders"}, {"space": "x"}):
        assert ann.refused("GET", "/files/generateIds", **parameters)[0] == 400


def test_there_are_no_shared_drives(owner: Caller) -> None:
    assert owner.ask("GET", "/drives")["drives"] == []
    assert owner.refused("GET", "/drives/any") == (404, "notFound")
