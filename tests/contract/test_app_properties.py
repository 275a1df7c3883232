"""Private properties of files, and how much they hold (Source: Add custom file properties)."""

from __future__ import annotations

import pytest
from googleapiclient.errors import HttpError

from tests.contract.ground import Ground, refused


def put(ground: Ground, file_id: str, **properties: str | None) -> dict[str, str]:
    told = ground.files.update(
        fileId=file_id, body={"appProperties": properties}, fields="appProperties"
    ).execute()
    return dict(told.get("appProperties", {}))


def test_an_update_adds_and_replaces_key_by_key(ground: Ground) -> None:
    """Source: reference, files.update: patch semantics."""
    made = ground.make("n", appProperties={"a": "1", "b": "2"})
    assert put(ground, made["id"], b="3", c="4") == {"a": "1", "b": "3", "c": "4"}


def test_null_takes_a_key_away(ground: Ground) -> None:
    """Source: reference, Files: "Entries with null values are cleared in update"."""
    made = ground.make("n", appProperties={"a": "1", "b": "2"})
    assert put(ground, made["id"], a=None) == {"b": "2"}
    assert put(ground, made["id"], b=None, never_there=None) == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [("k", "v" * 123), ("k" * 62, "v" * 62), ("k", "é" * 61), ("é" * 2, "\N{GRINNING FACE}" * 30)],
)
def test_key_and_value_have_124_bytes_together(ground: Ground, key: str, value: str) -> None:
    """Source: Add custom file properties: "124 bytes per property string" in UTF-8."""
    made = ground.make("n")
    assert put(ground, made["id"], **{key: value}) == {key: value}
    with refused():
        put(ground, made["id"], **{key: value + "é"})
    assert put(ground, made["id"]) == {key: value}


def test_thirty_and_no_more(ground: Ground) -> None:
    """Source: Add custom file properties: at most 30 private properties per file from one app."""
    thirty = {f"key {i}": "v" for i in range(30)}
    made = ground.make("n", appProperties=thirty, fields="id,appProperties")
    assert made["appProperties"] == thirty
    with refused():
        put(ground, made["id"], one_more="v")
    assert put(ground, made["id"], **{"key 0": None, "one_more": "v"}).keys() == (
        thirty.keys() - {"key 0"} | {"one_more"}
    )


def test_too_much_at_create_makes_nothing(ground: Ground) -> None:
    """Source: Add custom file properties: the limits hold whatever the method."""
    with refused():
        ground.make("n", appProperties={"k": "v" * 200})
    assert ground.names("") == []


def test_a_folder_has_them_too_and_a_content_update_leaves_them(ground: Ground) -> None:
    """Source: Add custom file properties; reference, files.update: patch semantics."""
    folder = ground.make_folder("folder", appProperties={"home": "h"}, fields="id,appProperties")
    assert folder["appProperties"] == {"home": "h"}
    made = ground.make("n", appProperties={"home": "h"})
    ground.replace(made["id"], b"new")
    assert ground.get(made["id"], "appProperties") == {"appProperties": {"home": "h"}}


def test_a_whole_tree_by_one_query(ground: Ground) -> None:
    """Source: Search for files: `appProperties has { key='…' and value='…' }`."""
    home = f"home of {ground.folder}"
    folder = ground.make_folder("folder", appProperties={"home": home})
    inside = ground.make("inside", parent=folder["id"], appProperties={"home": home})
    ground.make("stranger", appProperties={"home": "another"})

    def look() -> set[str]:
        q = f"appProperties has {{key='home' and value='{home}'}} and trashed=false"
        return {e["id"] for e in ground.files.list(q=q, fields="files/id").execute()["files"]}

    expected = {folder["id"], inside["id"]}
    assert ground.settled(look, lambda seen: seen == expected) == expected


def test_what_is_refused_says_so_in_google_s_shape(ground: Ground) -> None:
    """Source: Resolve errors: code, message, and errors with domain and reason."""
    with pytest.raises(HttpError) as caught:
        ground.make("n", appProperties={"k": "v" * 124})
    assert caught.value.status_code in {400, 403}
    assert caught.value.reason
