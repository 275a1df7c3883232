"""Masks by themselves, and our schemas against the discovery document's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_drive_sync.localdrive import fields
from jupyter_drive_sync.localdrive.fields import Schema
from jupyter_drive_sync.localdrive.replies import ApiError
from tests.localdrive.discovery import schema_of

LIST: dict[str, Any] = {
    "kind": "drive#fileList",
    "nextPageToken": "t",
    "files": [
        {"id": "1", "name": "a", "owners": [{"me": True, "kind": "u"}], "appProperties": {"k": "v"}}
    ],
}


@pytest.mark.parametrize(
    ("mask", "wanted"),
    [
        ("*", LIST),
        ("kind", {"kind": "drive#fileList"}),
        ("files", {"files": LIST["files"]}),
        ("files(id)", {"files": [{"id": "1"}]}),
        ("files/id", {"files": [{"id": "1"}]}),
        ("files/id,files/name", {"files": [{"id": "1", "name": "a"}]}),
        (" nextPageToken , files( id ) ", {"nextPageToken": "t", "files": [{"id": "1"}]}),
        ("files(owners(me))", {"files": [{"owners": [{"me": True}]}]}),
        ("files(owners/me,id)", {"files": [{"owners": [{"me": True}], "id": "1"}]}),
        ("files/owners/me", {"files": [{"owners": [{"me": True}]}]}),
        ("files/*", {"files": LIST["files"]}),
        ("files(*)", {"files": LIST["files"]}),
        ("files/*/me", {"files": [{"owners": [{"me": True}], "appProperties": {}}]}),
        ("files/appProperties/k", {"files": [{"appProperties": {"k": "v"}}]}),
        ("files/appProperties/*", {"files": [{"appProperties": {"k": "v"}}]}),
        ("files/appProperties/other", {"files": [{"appProperties": {}}]}),
        ("files(id),files", {"files": LIST["files"]}),
        ("files,files(id)", {"files": LIST["files"]}),
        ("incompleteSearch", {}),
        ("", {}),
    ],
)
def test_selects(mask: str, wanted: object) -> None:
    assert fields.select(LIST, fields.parse(mask, fields.FILE_LIST)) == wanted


@pytest.mark.parametrize(
    ("mask", "named"),
    [
        ("nothing", "nothing"),
        ("items(id)", "items"),
        ("files(title)", "title"),
        ("files/title", "title"),
        ("kind/x", "kind"),
        ("files(id", "files(id"),
        ("files)", "files)"),
        ("files(id))", "files(id))"),
        ("files()", "files()"),
        (",kind", ",kind"),
        ("kind,", "kind,"),
        ("kind kind", "kind kind"),
        ("files//id", "files//id"),
        ("a&b", "a&b"),
        ("*/nothing", "*/nothing"),
    ],
)
def test_refuses(mask: str, named: str) -> None:
    with pytest.raises(ApiError) as refusal:
        fields.parse(mask, fields.FILE_LIST)
    assert refusal.value.status == 400
    assert refusal.value.reason == "invalidParameter"
    assert refusal.value.message == f"Invalid field selection {named}"
    assert refusal.value.location == ("fields", "parameter")


@given(st.text(alphabet="kindfles(),/* ", max_size=30))
def test_any_text_is_read_or_refused(mask: str) -> None:
    try:
        fields.select(LIST, fields.parse(mask, fields.FILE_LIST))
    except ApiError as refusal:
        assert refusal.reason == "invalidParameter"  # noqa: PT017 - both ends are fine


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("About", fields.ABOUT),
        ("ChangeList", fields.CHANGE_LIST),
        ("File", fields.FILE),
        ("FileList", fields.FILE_LIST),
        ("GeneratedIds", fields.GENERATED_IDS),
        ("PermissionList", fields.PERMISSION_LIST),
        ("RevisionList", fields.REVISION_LIST),
        ("StartPageToken", fields.START_PAGE_TOKEN),
        ("User", fields.USER),
    ],
)
def test_our_schemas_are_the_discovery_documents(name: str, schema: Schema) -> None:
    assert_same(schema, schema_of(name), name)


def assert_same(ours: Schema, theirs: dict[str, Any], where: str) -> None:
    """Compare field names all the way down, but below what any mask may name."""
    assert set(ours) == set(theirs["properties"]), where
    for name, inner in ours.items():
        if inner:
            shape = theirs["properties"][name]
            assert_same(inner, shape.get("items", shape), f"{where}.{name}")
