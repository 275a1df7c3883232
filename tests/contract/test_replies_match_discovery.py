"""Every kind of reply, held against the schemas in the client's own discovery document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.contract.ground import Ground
from tests.localdrive.discovery import schema_of


def replies(ground: Ground) -> Iterator[tuple[str, dict[str, Any]]]:
    """One reply of each method, with all its fields, and the schema that names it."""
    files, changes, revisions = (
        ground.service.files(),
        ground.service.changes(),
        ground.service.revisions(),
    )
    token = changes.getStartPageToken().execute()
    yield "StartPageToken", token
    yield "About", ground.service.about().get(fields="*").execute()
    yield "GeneratedIds", files.generateIds(count=3).execute()
    file = ground.make(
        "n.txt", b"1", fields="*", appProperties={"a": "b"}, properties={"c": "d"}, description="e"
    )
    yield "File", file
    yield "File", ground.make_folder("folder", fields="*")
    yield "File", ground.replace(file["id"], b"2", fields="*")
    yield "File", files.update(fileId=file["id"], body={"trashed": True}, fields="*").execute()
    gone = files.copy(fileId=file["id"], fields="*").execute()
    yield "File", gone
    yield "File", ground.get(file["id"], "*")
    files.delete(fileId=gone["id"]).execute()
    q = f"'{ground.folder}' in parents"
    yield "FileList", files.list(q=q, fields="*").execute()
    yield "FileList", files.list(q=q, fields="*", pageSize=1).execute()
    since = token["startPageToken"]
    yield "ChangeList", changes.list(pageToken=since, fields="*").execute()
    yield "ChangeList", changes.list(pageToken=since, fields="*", pageSize=1).execute()
    yield "RevisionList", revisions.list(fileId=file["id"], fields="*").execute()
    pinned = {"fileId": file["id"], "revisionId": ground.get(file["id"])["headRevisionId"]}
    yield "Revision", revisions.update(**pinned, body={"keepForever": True}, fields="*").execute()
    yield "Revision", revisions.get(**pinned, fields="*").execute()


def test_every_reply_is_as_the_discovery_document_says(ground: Ground) -> None:
    """Source: discovery document drive.v3, as shipped with google-api-python-client."""
    wrong = [
        f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message}"
        for name, reply in replies(ground)
        for error in Draft202012Validator(schema_of(name)).iter_errors(reply)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 3},
        {"size": "three"},
        {"nonsense": "x"},
        {"modifiedTime": "2001-01-01"},
        {"trashed": "true"},
        {"owners": {"me": True}},
        {"capabilities": {"canFly": True}},
    ],
)
def test_the_judge_sees_what_is_wrong(wrong: dict[str, Any]) -> None:
    """A validator that passes everything would judge nothing."""
    assert list(Draft202012Validator(schema_of("File")).iter_errors(wrong))
