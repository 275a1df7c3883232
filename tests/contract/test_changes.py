"""The change feed (Source: Track changes for users and shared drives; reference, changes.list)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.ground import FULL, Ground, refused


def entry(ground: Ground, token: str, file_id: str, want: Any = bool) -> dict[str, Any]:
    """The feed's one entry for a file, when it is as wanted."""

    def look() -> list[dict[str, Any]]:
        return [change for change in ground.feed(token) if change["fileId"] == file_id]

    def good(found: list[dict[str, Any]]) -> bool:
        return len(found) == 1 and bool(want(found[0]))

    return ground.settled(look, good)[0]


def test_the_start_token_is_the_end_of_the_feed(ground: Ground) -> None:
    """Source: Track changes: getStartPageToken is where future changes begin."""
    token = ground.settled(ground.start_token, lambda t: not ground.feed(t))
    page = ground.service.changes().list(pageToken=token).execute()
    assert page["kind"] == "drive#changeList"
    assert page["changes"] == []
    assert page["newStartPageToken"]
    assert "nextPageToken" not in page


def test_a_new_file_is_told_with_its_state(ground: Ground) -> None:
    """Source: reference, Changes: fileId, removed, time, changeType, file."""
    token = ground.start_token()
    made = ground.make("new.txt")
    change = entry(ground, token, made["id"])
    assert change["changeType"] == "file"
    assert change["removed"] is False
    assert change["file"]["name"] == "new.txt"
    assert change["time"].endswith("Z")


def test_a_file_is_told_once_with_its_latest_state(ground: Ground) -> None:
    """Source: reference, changes.list: the feed holds the latest change of each item."""
    token = ground.start_token()
    made = ground.make("v1", b"1")
    ground.replace(made["id"], b"2")
    ground.files.update(fileId=made["id"], body={"name": "v3"}).execute()
    change = entry(ground, token, made["id"], lambda c: c["file"]["name"] == "v3")
    now = ground.get(made["id"])
    assert {k: change["file"][k] for k in now} == now


def test_what_changed_last_is_told_last(ground: Ground) -> None:
    """Source: Track changes: changes come in chronological order, oldest first."""
    token = ground.start_token()
    first, second = ground.make("first")["id"], ground.make("second")["id"]
    entry(ground, token, first)
    entry(ground, token, second)
    ground.files.update(fileId=first, body={"name": "first again"}).execute()

    def look() -> list[str]:
        ids = [change["fileId"] for change in ground.feed(token)]
        return [file_id for file_id in ids if file_id in {first, second}]

    assert ground.settled(look, lambda ids: ids == [second, first])


def test_a_move_and_a_trash_are_changes(ground: Ground) -> None:
    """Source: reference, Changes: removed tells deletion or loss of access; a trash is neither."""
    made = ground.make("moved")
    there = ground.make_folder("there")["id"]
    token = ground.settled(ground.start_token, lambda t: not ground.feed(t))
    ground.files.update(fileId=made["id"], addParents=there, removeParents=ground.folder).execute()
    change = entry(ground, token, made["id"])
    assert change["file"]["parents"] == [there]
    ground.files.update(fileId=made["id"], body={"trashed": True}).execute()
    change = entry(ground, token, made["id"], lambda c: c["file"]["trashed"])
    assert change["removed"] is False


def test_a_deleted_file_is_removed_and_has_no_body(ground: Ground) -> None:
    """Source: reference, Changes: file is present "if the file has not been removed"."""
    made = ground.make("gone")
    token = ground.start_token()
    ground.files.delete(fileId=made["id"]).execute()
    change = entry(ground, token, made["id"], lambda c: c["removed"])
    assert "file" not in change


def test_removals_are_left_out_on_request(ground: Ground) -> None:
    """Source: reference, changes.list: includeRemoved."""
    gone, stays = ground.make("gone")["id"], ground.make("stays")["id"]
    token = ground.start_token()
    ground.files.delete(fileId=gone).execute()
    ground.files.update(fileId=stays, body={"name": "renamed"}).execute()
    entry(ground, token, gone, lambda c: c["removed"])
    entry(ground, token, stays, lambda c: c["file"]["name"] == "renamed")
    seen = {change["fileId"] for change in ground.feed(token, includeRemoved=False)}
    assert stays in seen
    assert gone not in seen


def test_pages_of_the_feed(ground: Ground) -> None:
    """Source: reference, changes.list: newStartPageToken at the end, nextPageToken before."""
    token = ground.start_token()
    made = {ground.make(f"file {i}")["id"] for i in range(5)}
    ground.settled(lambda: ground.feed(token), lambda f: made <= {c["fileId"] for c in f})
    changes = ground.service.changes()
    seen: list[str] = []
    request = changes.list(pageToken=token, pageSize=2)
    while True:
        page = request.execute()
        assert len(page["changes"]) <= 2
        assert ("newStartPageToken" in page) != ("nextPageToken" in page)
        seen += [change["fileId"] for change in page["changes"]]
        following = changes.list_next(request, page)
        if following is None:
            break
        request = following
    assert made <= set(seen)
    assert len(seen) == len(set(seen))
    after = page["newStartPageToken"]
    assert ground.settled(lambda: not (made & {c["fileId"] for c in ground.feed(after)}))


def test_an_old_token_still_tells(ground: Ground) -> None:
    """Source: reference, ChangeList: "The page token doesn't expire"."""
    token = ground.start_token()
    made = ground.make("old")
    for _ in range(3):
        assert entry(ground, token, made["id"])
        ground.files.update(fileId=made["id"], body={"starred": True}).execute()


def test_few_fields_by_default(ground: Ground) -> None:
    """Source: Return specific fields: the feed, too, tells a few fields unless asked."""
    token = ground.start_token()
    made = ground.make("few")
    entry(ground, token, made["id"])
    page = ground.service.changes().list(pageToken=token).execute()
    (change,) = [c for c in page["changes"] if c["fileId"] == made["id"]]
    assert change["file"].keys() - {"resourceKey"} == {"kind", "id", "name", "mimeType"}


@pytest.mark.parametrize("token", ["nonsense", "-1"])
def test_a_token_that_is_none_is_refused(ground: Ground, token: str) -> None:
    """Source: reference, changes.list: a pageToken of getStartPageToken or of a reply."""
    with refused(400):
        ground.service.changes().list(pageToken=token).execute()


def test_a_token_is_required(ground: Ground) -> None:
    """Source: discovery document, changes.list: pageToken is required."""
    assert ground.send("GET", "/drive/v3/changes").status == 400


def test_the_mask_of_the_feed(ground: Ground) -> None:
    """Source: Return specific fields."""
    token = ground.start_token()
    page = ground.service.changes().list(pageToken=token, fields=f"changes/file({FULL})").execute()
    assert page.keys() <= {"changes"}
    with refused(400, reason="invalidParameter"):
        ground.service.changes().list(pageToken=token, fields="changes/nonsense").execute()
