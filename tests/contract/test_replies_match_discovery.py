"""Every kind of reply, held against the schemas in the client's own discovery document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.contract.drives import discovery
from tests.contract.ground import Ground

FORMATS = FormatChecker()


@FORMATS.checks("int64")
def is_int64(value: object) -> bool:
    """Source: discovery documents write int64 as a string of digits."""
    return not isinstance(value, str) or (value.lstrip("-").isdigit() and abs(int(value)) < 2**63)


@FORMATS.checks("date-time")
def is_moment(value: object) -> bool:
    """Source: RFC 3339 as Drive writes it: UTC, milliseconds, Z."""
    return not isinstance(value, str) or (len(value) == 24 and value[10] + value[-1] == "TZ")


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Turn a discovery schema into a JSON schema in which nothing unnamed is allowed."""
    turned = {
        key: schema[key]
        for key in ("type", "format", "enum", "minimum", "maximum")
        if key in schema
    }
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    if "items" in schema:
        turned["items"] = closed(schema["items"])
    if "properties" in schema:
        turned["properties"] = {k: closed(v) for k, v in schema["properties"].items()}
    if schema.get("type") == "object":
        more = schema.get("additionalProperties")
        turned["additionalProperties"] = closed(more) if more else False
    if schema.get("type") == "any":
        return {}
    return turned


def validator(name: str) -> Draft202012Validator:
    schemas = discovery()["schemas"]
    return Draft202012Validator(
        {
            "$defs": {k: closed(v) for k, v in schemas.items()},
            "$ref": f"#/$defs/{name}",
        },
        format_checker=FORMATS,
    )


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
        for error in validator(name).iter_errors(reply)
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
    assert list(validator("File").iter_errors(wrong))
