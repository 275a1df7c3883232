"""The search language by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_drive_sync.localdrive import query
from jupyter_drive_sync.localdrive.replies import ApiError


@dataclass
class Thing:
    """A file, as searches see it."""

    name: str = "Report 2026.txt"
    mime_type: str = "text/plain"
    times: Mapping[str, int | None] = field(
        default_factory=lambda: {
            "createdTime": 0,
            "modifiedTime": 1_338_811_200_000,  # 2012-06-04T12:00:00Z
            "viewedByMeTime": None,
            "sharedWithMeTime": None,
        }
    )
    trashed: bool = False
    starred: bool = True
    shared_with_me: bool = False
    people: Mapping[str, Collection[str]] = field(
        default_factory=lambda: {"owners": {"ann@x", "me"}, "writers": {"ann@x"}, "readers": ()}
    )
    parents: Collection[str] = ("folder", "root")
    properties: Mapping[str, str] = field(default_factory=lambda: {"a": "1"})
    app_properties: Mapping[str, str] = field(default_factory=lambda: {"it's": "b\\c"})
    visibility: str = "limited"
    shortcut_target: str | None = None
    text: str = "the quick brown fox"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "name = 'Report 2026.txt'",
        'name="Report 2026.txt"',
        "name != 'x'",
        "name contains 'rep'",
        "name contains '2026'",
        "name contains 'Report 2026'",
        "not name contains 'eport'",
        "mimeType contains 'text/'",
        "mimeType = 'text/plain'",
        "modifiedTime = '2012-06-04T12:00:00'",
        "modifiedTime >= '2012-06-04T12:00:00Z'",
        "modifiedTime < '2012-06-04T12:00:00.001Z'",
        "modifiedTime > '2012-06-04T12:00:00+01:00'",
        "modifiedTime != '2012-06-05'",
        "not viewedByMeTime > '2000-01-01'",
        "trashed = false",
        "trashed != true and starred=true",
        "sharedWithMe = false",
        "'folder' in parents",
        "'root' in parents",
        "not 'else' in parents",
        "'me' in owners and 'ann@x' in writers",
        "not 'ann@x' in readers",
        "properties has { key='a' and value='1' }",
        r"appProperties has {key='it\'s' and value='b\\c'}",
        "visibility = 'limited'",
        "not shortcutDetails.targetId = 'x'",
        "fullText contains 'fox quick'",
        "fullText contains '\"quick brown\"'",
        "not fullText contains '\"brown quick\"'",
        "(name contains 'x' or (trashed = false))",
        # From left to right, not `and` before `or`.
        "not (starred = true or starred = true and starred = false)",
        "not not trashed = false",
    ],
)
def test_finds(text: str) -> None:
    assert query.parse(text).matches(Thing())


@pytest.mark.parametrize(
    "text",
    [
        "name = 'report 2026.txt'",
        "name contains 'port'",
        "viewedByMeTime > '2000-01-01'",
        "trashed = true",
        "'else' in parents",
        "properties has { key='a' and value='2' }",
        "appProperties has { key='a' and value='1' }",
        "fullText contains 'fox wolf'",
        "starred = true and trashed = true",
    ],
)
def test_does_not_find(text: str) -> None:
    assert not query.parse(text).matches(Thing())


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "name =",
        "name = x",
        "name = 'x",
        "name = 'it's'",
        r"name = 'a\n'",
        "name < 'x'",
        "name in 'x'",
        "title = 'x'",
        "trashed = 'false'",
        "trashed = maybe",
        "trashed > true",
        "modifiedTime > 'yesterday'",
        "modifiedTime contains '2012'",
        "mimeType > 'x'",
        "'x' in name",
        "'x' in",
        "'x'",
        "parents in 'x'",
        "parents = 'x'",
        "visibility = 'public'",
        "properties has {key='a'}",
        "properties has {value='a' and key='b'}",
        "properties = 'a'",
        "fullText = 'x'",
        "(trashed = false",
        "trashed = false)",
        "trashed = false and",
        "and trashed = false",
        "trashed = false trashed = false",
        "not",
        "name = 'x' AND trashed = false",
        "name = 'x'; drop",
        "\0",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(ApiError) as refusal:
        query.parse(text)
    assert (refusal.value.status, refusal.value.reason, refusal.value.location) == (
        400,
        "invalid",
        ("q", "parameter"),
    )


def test_names_may_fold() -> None:
    folded = query.parse("name = 'REPORT 2026.TXT'", fold_names=True)
    assert folded.matches(Thing())
    assert not query.parse("name != 'REPORT 2026.TXT'", fold_names=True).matches(Thing())


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("'a' in parents", {"a"}),
        ("trashed=false and ('a' in parents or 'b' in parents)", {"a", "b"}),
        ("'a' in parents and 'b' in parents", set()),
        ("'a' in parents or trashed = false", None),
        ("not 'a' in parents", None),
        ("name = 'x'", None),
    ],
)
def test_knows_where_to_look(text: str, within: set[str] | None) -> None:
    found = query.parse(text).within
    assert found == (None if within is None else frozenset(within))


@given(st.text())
def test_any_name_can_be_asked_for(name: str) -> None:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    found = query.parse(f"name = '{escaped}' and trashed = false")
    assert found.matches(Thing(name=name))
    assert not found.matches(Thing(name=name + "x"))


@given(st.text(alphabet="name='\\() andotr\"{}<>contiskeyvlu", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        query.parse(text).matches(Thing())
    except ApiError as refusal:
        assert refusal.reason == "invalid"  # noqa: PT017 - both ends are fine, a third is not
