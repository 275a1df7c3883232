"""Every kind of reply, held against the discovery document inside google-api-python-client."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from jupyter_drive_sync.localdrive.drive import LocalDrive
from tests.localdrive import discovery
from tests.localdrive.caller import BEN, SCOPE, Caller, caller, target_of

SHORTCUT = "application/vnd.google-apps.shortcut"
DOCUMENT = "application/vnd.google-apps.document"


@pytest.fixture
def file(owner: Caller) -> dict[str, Any]:
    """A file with everything that a file can have."""
    made = owner.create(
        "file.tar.gz",
        b"x" * 2000,
        description="d",
        appProperties={"a": "1"},
        properties={"b": "2"},
        viewedByMeTime="2020-01-01T00:00:00Z",
    )
    share = {"type": "user", "role": "reader", "emailAddress": BEN}
    owner.ask("POST", f"/files/{made['id']}/permissions", share)
    owner.ask("POST", f"/files/{made['id']}/permissions", {"type": "anyone", "role": "reader"})
    return owner.get(made["id"])


def test_files(owner: Caller, file: dict[str, Any]) -> None:
    shortcut = owner.create("s", mimeType=SHORTCUT, shortcutDetails={"targetId": file["id"]})
    kinds = [
        file,
        shortcut,
        owner.get(owner.folder("folder", folderColorRgb="#112233")),
        owner.create("document", mimeType=DOCUMENT),
        owner.get("root"),
        owner.ask("POST", f"/files/{file['id']}/copy", fields="*"),
        caller(owner.drive, BEN, scopes=("drive",)).get(file["id"]),
    ]
    for each in kinds:
        discovery.check(each, "File")
        assert each["kind"] == "drive#file"
    assert {"size", "md5Checksum", "sha1Checksum", "sha256Checksum", "headRevisionId"} <= set(file)
    assert set(owner.ask("GET", f"/files/{file['id']}")) == {"kind", "id", "name", "mimeType"}


@pytest.mark.parametrize(
    ("path", "schema", "parameters", "default"),
    [
        ("/about", "About", {}, None),
        ("/files", "FileList", {"pageSize": 1}, {"kind", "incompleteSearch", "files"}),
        ("/files/generateIds", "GeneratedIds", {}, {"kind", "space", "ids"}),
        ("/changes/startPageToken", "StartPageToken", {}, {"kind", "startPageToken"}),
        ("/changes", "ChangeList", {"pageToken": "101"}, {"kind", "newStartPageToken", "changes"}),
        ("/drives", "DriveList", {}, {"kind", "drives"}),
        ("/files/{id}/revisions", "RevisionList", {}, {"kind", "revisions"}),
        ("/files/{id}/permissions", "PermissionList", {}, {"kind", "permissions"}),
        ("/files/{id}/revisions/{revision}", "Revision", {}, None),
        ("/files/{id}/permissions/anyoneWithLink", "Permission", {}, None),
    ],
)
def test_other_replies(  # noqa: PLR0917 - two fixtures and a table of four columns
    owner: Caller,
    file: dict[str, Any],
    path: str,
    schema: str,
    parameters: dict[str, Any],
    default: set[str] | None,
) -> None:
    path = path.format(id=file["id"], revision=file["headRevisionId"])
    reply = owner.ask("GET", path, fields="*", **parameters)
    discovery.check(reply, schema)
    assert reply["kind"].startswith("drive#")
    if default is not None:
        assert set(owner.ask("GET", path, **parameters)) == default


def test_a_schema_would_notice(file: dict[str, Any]) -> None:
    for wrong in ({"size": 5}, {"invented": 1}, {"modifiedTime": "2020-01-01"}, {"parents": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            discovery.check({**file, **wrong}, "File")


def test_about_wants_a_mask(owner: Caller) -> None:
    for parameters in ({}, {"fields": ""}):
        assert owner.refused("GET", "/about", **parameters) == (400, "required")


def test_every_method_takes_the_scopes_that_google_says(drive: LocalDrive) -> None:
    """Each route of ours that is in the document wants a scope that the document names."""
    told = {
        f"{resource}.{name}": set(method.get("scopes", []))
        for resource, content in discovery.document()["resources"].items()
        for name, method in content.get("methods", {}).items()
    }
    seen = set()
    for route in routes_of(drive):
        if route.scopes and route.endpoint != "batch":
            assert route.scopes <= told[route.endpoint], route.endpoint
            ours = told[route.endpoint] & {
                SCOPE + each for each in ("drive", "drive.file", "drive.readonly")
            }
            assert ours <= route.scopes, route.endpoint
            seen.add(route.endpoint)
    assert {"files.create", "files.list", "changes.list", "about.get"} <= seen


def routes_of(drive: LocalDrive) -> list[Any]:
    """Return every route, from the tree of the router."""
    found, waiting = [], [drive._api.router._root]
    while waiting:
        node = waiting.pop()
        found += node.routes.values()
        waiting += [*node.fixed.values(), *([node.any] if node.any else [])]
    return found


def test_unknown_paths_and_methods(ann: Caller) -> None:
    assert ann.send("GET", "/drive/v3/nothing").status == 404
    assert ann.send("GET", "/").status == 200
    response = ann.send("PUT", target_of("/files"))
    assert (response.status, response.headers["Allow"]) == (405, "GET, POST")


def test_errors_have_googles_shape(ann: Caller) -> None:
    error = ann.send("GET", target_of("/files/nowhere")).json()
    assert error == {
        "error": {
            "code": 404,
            "message": "File not found: nowhere.",
            "errors": [
                {
                    "message": "File not found: nowhere.",
                    "domain": "global",
                    "reason": "notFound",
                    "location": "fileId",
                    "locationType": "parameter",
                }
            ],
        }
    }


def test_downloads(ann: Caller) -> None:
    content = bytes(range(256)) * 4
    file = ann.create("file", content)["id"]
    target = target_of(f"/files/{file}", alt="media")
    for header, status, wanted, told in (
        ("bytes=0-9", 206, content[:10], "bytes 0-9/1024"),
        ("bytes=1000-", 206, content[1000:], "bytes 1000-1023/1024"),
        ("bytes=-24", 206, content[1000:], "bytes 1000-1023/1024"),
        ("bytes=0-99999", 206, content, "bytes 0-1023/1024"),
        ("bytes=-99999", 206, content, "bytes 0-1023/1024"),
        ("bytes=5-4", 200, content, None),
        ("bytes=0-1,4-5", 200, content, None),
        ("lines=0-1", 200, content, None),
        ("bytes=-", 200, content, None),
    ):
        response = ann.send("GET", target, range=header)
        assert (response.status, response.content()) == (status, wanted), header
        assert response.headers.get("Content-Range") == told
    beyond = ann.send("GET", target, range="bytes=1024-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */1024")
    empty = ann.create("empty", b"")["id"]
    assert ann.download(empty) == b""
    empty_target = target_of(f"/files/{empty}", alt="media")
    assert ann.send("GET", empty_target, range="bytes=0-").status == 416
    assert ann.refused("GET", f"/files/{file}", acknowledgeAbuse="true")[0] == 403
    abuse = target_of(f"/files/{file}", alt="media", acknowledgeAbuse="true")
    assert ann.send("GET", abuse).content() == content


def test_old_revisions_are_downloaded(ann: Caller) -> None:
    file = ann.create("file", b"old")
    ann.replace(file["id"], b"new")
    path = f"/files/{file['id']}/revisions/{file['headRevisionId']}"
    assert ann.send("GET", target_of(path, alt="media")).content() == b"old"
    assert ann.refused("GET", f"/files/{file['id']}/revisions/head") == (404, "notFound")
    assert ann.refused("PATCH", path, {"published": True}) == (403, "fieldNotWritable")
    assert ann.refused("PATCH", path, {"keepForever": "yes"})[0] == 400
    assert not ann.ask("PATCH", path, {"keepForever": False}, fields="*")["keepForever"]


@pytest.mark.parametrize("mime_type", ["text", "", "a/b\r\nEvil: 1", "тип/тип", "a/"])
def test_mime_types_are_checked(ann: Caller, mime_type: str) -> None:
    assert ann.refused("POST", "/files", {"mimeType": mime_type})[0] == 400
