"""Partial replies and paging."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.ground import Ground, refused

DEFAULT = {"kind", "id", "name", "mimeType"}


def without_key(resource: dict[str, Any]) -> set[str]:
    return resource.keys() - {"resourceKey"}


def test_few_fields_by_default(ground: Ground) -> None:
    """Source: Return specific fields: without a mask get, create and list tell a few only."""
    made = ground.files.create(body={"name": "n", "parents": [ground.folder]}).execute()
    assert without_key(made) == DEFAULT
    assert without_key(ground.files.get(fileId=made["id"]).execute()) == DEFAULT
    assert without_key(ground.files.update(fileId=made["id"], body={}).execute()) == DEFAULT
    page = ground.settled(
        lambda: ground.files.list(q=f"'{ground.folder}' in parents").execute(),
        lambda seen: seen["files"],
    )
    assert page.keys() == {"kind", "incompleteSearch", "files"}
    assert (page["kind"], page["incompleteSearch"]) == ("drive#fileList", False)
    assert without_key(page["files"][0]) == DEFAULT


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        ("id", {"id"}),
        ("id,name", {"id", "name"}),
        ("id, name", {"id", "name"}),
        ("name,id,name", {"id", "name"}),
        ("owners", {"owners"}),
        ("owners/me", {"owners"}),
        ("owners(me,kind),id", {"owners", "id"}),
        ("capabilities(canEdit,canTrash)", {"capabilities"}),
        ("capabilities/*", {"capabilities"}),
    ],
)
def test_a_mask_tells_what_is_told(ground: Ground, mask: str, told: set[str]) -> None:
    """Source: Return specific fields: commas, a/b and a(b,c)."""
    made = ground.make("n")
    assert ground.get(made["id"], mask).keys() == told


def test_a_mask_reaches_inside(ground: Ground) -> None:
    """Source: Return specific fields: "use a(b,c) to request specific subfields"."""
    made = ground.make("n")
    assert ground.get(made["id"], "owners/me") == {"owners": [{"me": True}]}
    told = ground.get(made["id"], "capabilities(canEdit,canTrash)")
    assert told == {"capabilities": {"canEdit": True, "canTrash": True}}


@pytest.mark.parametrize("mask", ["files/id", "files(id)", "files(id),nextPageToken"])
def test_a_mask_of_a_list(ground: Ground, mask: str) -> None:
    """Source: Return specific fields: a mask of a list starts at the list's own fields."""
    made = ground.make("n")
    page = ground.settled(
        lambda: ground.files.list(q=f"'{ground.folder}' in parents", fields=mask).execute(),
        lambda seen: seen.get("files"),
    )
    assert page == {"files": [{"id": made["id"]}]}


def test_all_fields(ground: Ground) -> None:
    """Source: Return specific fields: fields=* tells everything."""
    made = ground.make("n", fields="*")
    assert made.keys() >= {
        "kind", "id", "name", "mimeType", "parents", "size", "md5Checksum", "sha1Checksum",
        "sha256Checksum", "headRevisionId", "version", "createdTime", "modifiedTime", "trashed",
        "explicitlyTrashed", "owners", "capabilities", "webViewLink", "spaces", "starred",
    }  # fmt: skip


def test_a_field_without_a_value_is_left_out(ground: Ground) -> None:
    """Source: Return specific fields: a reply has only what is there."""
    made = ground.make("n")
    assert ground.get(made["id"], "id,description,appProperties") == {"id": made["id"]}


@pytest.mark.parametrize(
    "mask", ["nonsense", "id,nonsense", "owners/nonsense", "id(", "id)", "(id)"]
)
def test_a_mask_that_is_none_is_refused(ground: Ground, mask: str) -> None:
    """Source: Return specific fields: 400, reason invalidParameter, "Invalid field selection"."""
    made = ground.make("n")
    with refused(400, reason="invalidParameter"):
        ground.get(made["id"], mask)


@pytest.mark.parametrize("mask", ["name", "files(nonsense)", "files/nonsense"])
def test_a_mask_of_a_list_that_is_none_is_refused(ground: Ground, mask: str) -> None:
    """Source: Return specific fields: 400, reason invalidParameter, "Invalid field selection"."""
    with refused(400, reason="invalidParameter"):
        ground.files.list(fields=mask).execute()


def test_pages_together_are_the_whole_once(ground: Ground) -> None:
    """Source: Search for files: nextPageToken until there is none."""
    names = {ground.make(f"file {i}")["name"] for i in range(7)}
    ground.settled(ground.names, lambda seen: set(seen) == names)
    q = f"'{ground.folder}' in parents"
    request = ground.files.list(q=q, pageSize=3, fields="nextPageToken,files(name)")
    seen: list[str] = []
    tokens: list[str] = []
    while request is not None:
        page = request.execute()
        assert len(page["files"]) <= 3
        seen += [entry["name"] for entry in page["files"]]
        tokens += [page["nextPageToken"]] if "nextPageToken" in page else []
        request = ground.files.list_next(request, page)
    assert sorted(seen) == sorted(names)
    assert len(set(tokens)) == len(tokens) >= 2


@pytest.mark.parametrize("token", ["nonsense", "2", "~!!~"])
def test_a_page_token_that_is_none_is_refused(ground: Ground, token: str) -> None:
    """Source: reference, files.list: pageToken is the nextPageToken of the reply before."""
    with refused(400):
        ground.files.list(pageToken=token).execute()


@pytest.mark.parametrize("size", [0, -1])
def test_a_page_has_room_for_one(ground: Ground, size: int) -> None:
    """Source: discovery document, files.list: pageSize has a minimum of 1."""
    with refused(400):
        ground.files.list(pageSize=size).execute()


def test_a_parameter_of_the_wrong_type_is_refused(ground: Ground) -> None:
    """Source: Resolve errors, "400: Bad request"."""
    assert ground.send("GET", "/drive/v3/files?pageSize=many").status == 400
    assert ground.send("GET", "/drive/v3/files?includeItemsFromAllDrives=maybe").status == 400


def test_a_page_of_more_than_a_thousand_is_one_of_a_thousand(ground: Ground) -> None:
    """Source: reference, files.list: pageSize from 1 to 1000; asked for more, Drive gives that."""
    ground.make("n")
    ground.settled(ground.names)
    page = ground.files.list(q=f"'{ground.folder}' in parents", pageSize=5000).execute()
    assert len(page["files"]) == 1


def test_a_page_token_belongs_to_its_query(ground: Ground) -> None:
    """Source: reference, files.list: all other parameters are those of the call before."""
    for i in range(3):
        ground.make(str(i))
    ground.settled(ground.names, lambda names: len(names) == 3)
    q = f"'{ground.folder}' in parents"
    page = ground.files.list(q=q, pageSize=1, fields="nextPageToken").execute()
    with refused(400):
        ground.files.list(q=f"{q} and starred=true", pageToken=page["nextPageToken"]).execute()
