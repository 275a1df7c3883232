"""Who sees and does what: scopes, projects, roles."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_drive_sync.localdrive.drive import LocalDrive
from tests.localdrive.caller import ANN, BEN, Caller, caller, other_client, target_of


def test_drive_file_sees_what_its_project_made(drive: LocalDrive, ann: Caller) -> None:
    stranger = caller(drive, client=other_client(drive))
    owner = caller(drive, scopes=("drive",))
    file = ann.create("file", b"x", appProperties={"ours": "1"}, properties={"all": "1"})
    assert file["isAppAuthorized"]
    assert stranger.names() == []
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/copy"),
        ("GET", "/revisions"),
        ("GET", "/permissions"),
    ):
        found = stranger.refused(method, f"/files/{file['id']}{path}", fields="*")
        assert found == (404, "notFound"), (method, path)
    assert stranger.refused("GET", f"/files/{file['id']}", alt="media") == (404, "notFound")
    seen = owner.get(file["id"])
    assert seen["properties"] == {"all": "1"}
    made = stranger.create("theirs", b"x", appProperties={"theirs": "1"})
    assert sorted(owner.names()) == ["file", "theirs"]
    assert ann.names() == ["file"]
    assert made["parents"] == file["parents"]


def test_private_properties_are_private(drive: LocalDrive, ann: Caller) -> None:
    file = ann.create("file", appProperties={"key": "ours"})["id"]
    other = caller(drive, client=other_client(drive), scopes=("drive",))
    assert "appProperties" not in other.get(file)
    other.ask("PATCH", f"/files/{file}", {"appProperties": {"key": "theirs"}})
    assert ann.get(file)["appProperties"] == {"key": "ours"}
    q = "appProperties has {key='key' and value='theirs'}"
    assert (ann.names(q), other.names(q)) == ([], ["file"])


def test_the_root_is_hidden_from_drive_file(drive: LocalDrive, ann: Caller) -> None:
    owner = caller(drive, scopes=("drive",))
    root = owner.get("root")
    assert root["name"] == "My Drive"
    assert ann.refused("GET", "/files/root") == (404, "notFound")
    message = ann.send("GET", target_of("/files/root")).json()["error"]["message"]
    assert message == f"File not found: {root['id']}."
    assert ann.create("file")["parents"] == [root["id"]]
    assert ann.create("other", parents=["root"])["parents"] == [root["id"]]
    assert ann.names("'root' in parents and name = 'file'") == ["file"]
    assert owner.refused("PATCH", "/files/root", {"name": "Mine"})[0] == 403
    assert owner.refused("DELETE", "/files/root")[0] == 403


@pytest.mark.parametrize("scope", ["drive.readonly", "drive.metadata.readonly"])
def test_readers_do_not_write(drive: LocalDrive, ann: Caller, scope: str) -> None:
    file = ann.create("file", b"x")["id"]
    reader = caller(drive, scopes=(scope,))
    assert reader.get(file)["name"] == "file"
    for method, path in (
        ("POST", "/files"),
        ("PATCH", f"/files/{file}"),
        ("DELETE", f"/files/{file}"),
        ("DELETE", "/files/trash"),
        ("GET", "/files/generateIds"),
    ):
        assert reader.refused(method, path) == (403, "insufficientPermissions")
    content = reader.send("GET", target_of(f"/files/{file}", alt="media"))
    assert content.status == (200 if scope == "drive.readonly" else 403)


def test_both_scopes_write_what_the_app_made_only(drive: LocalDrive, ann: Caller) -> None:
    both = caller(drive, client=other_client(drive), scopes=("drive.file", "drive.readonly"))
    file = ann.create("file", b"x")["id"]
    assert both.download(file) == b"x"
    refusal = (403, "appNotAuthorizedToFile")
    assert both.refused("PATCH", f"/files/{file}", {"name": "y"}) == refusal
    assert both.refused("DELETE", f"/files/{file}") == refusal
    own = both.create("own")["id"]
    both.ask("PATCH", f"/files/{own}", {"name": "y"})


def test_tokens_are_needed_and_judged(drive: LocalDrive, ann: Caller) -> None:
    for header, reason in (("", "required"), ("Basic x", "required"), ("Bearer x", "authError")):
        response = ann.send("GET", target_of("/files"), authorization=header)
        error = response.json()["error"]
        assert (response.status, error["status"]) == (401, "UNAUTHENTICATED")
        assert error["errors"][0]["reason"] == reason
        assert response.headers["WWW-Authenticate"].startswith("Bearer realm=")
    drive.oauth.end_access_tokens(ANN)
    ended = ann.send("GET", target_of("/files"), authorization=f"Bearer {ann.token}")
    assert ended.status == 401


def test_accounts_are_apart(drive: LocalDrive, ann: Caller) -> None:
    ben = caller(drive, BEN, scopes=("drive",))
    file = ann.create("file")["id"]
    assert ben.names() == []
    assert ben.refused("GET", f"/files/{file}") == (404, "notFound")
    assert ben.refused("POST", "/files", {"parents": [file]}) == (404, "notFound")


def share(caller: Caller, file: str, role: str, address: str = BEN) -> str:
    body = {"type": "user", "role": role, "emailAddress": address}
    return str(caller.ask("POST", f"/files/{file}/permissions", body)["id"])


def test_shared_folders(drive: LocalDrive) -> None:
    ann, ben = (caller(drive, each, scopes=("drive",)) for each in (ANN, BEN))
    folder = ann.folder("folder")
    inside = ann.create("inside", b"x", parents=[folder])["id"]
    token = ben.start_token()
    permission = share(ann, folder, "reader")
    assert sorted(ben.names()) == ["folder", "inside"]
    assert ben.names("sharedWithMe = true") == ["folder"]
    assert ben.names("'me' in owners") == []
    assert ben.names(f"'{ANN}' in owners and 'me' in readers and name = 'inside'") == ["inside"]
    assert folder in ben.changes(token)
    seen = ben.get(inside)
    assert (seen["ownedByMe"], seen["shared"], seen["capabilities"]["canEdit"]) == (
        False,
        True,
        False,
    )
    assert "parents" in seen
    assert "parents" not in ben.get(folder)
    assert ben.download(inside) == b"x"
    refusal = (403, "insufficientFilePermissions")
    assert ben.refused("PATCH", f"/files/{inside}", {"name": "y"}) == refusal
    assert ben.refused("POST", "/files", {"parents": [folder]}) == refusal
    ann.ask("PATCH", f"/files/{folder}/permissions/{permission}", {"role": "writer"})
    ben.ask("PATCH", f"/files/{inside}", {"name": "by ben"})
    assert ann.get(inside)["lastModifyingUser"]["emailAddress"] == BEN
    assert ben.refused("PATCH", f"/files/{inside}", {"trashed": True}) == refusal
    assert ben.refused("DELETE", f"/files/{inside}") == refusal
    token = ben.start_token()
    ann.ask("DELETE", f"/files/{folder}/permissions/{permission}")
    assert ben.changes(token) == {folder: True}
    assert ben.names() == []
    assert ben.refused("GET", f"/files/{inside}") == (404, "notFound")


def test_links(drive: LocalDrive) -> None:
    ann, ben = (caller(drive, each, scopes=("drive",)) for each in (ANN, BEN))
    file = ann.create("file", b"x")["id"]
    ann.ask("POST", f"/files/{file}/permissions", {"type": "anyone", "role": "reader"})
    assert ben.names() == []
    assert ben.download(file) == b"x"
    assert ann.names("visibility = 'anyoneWithLink'") == ["file"]
    listed = ann.ask("GET", f"/files/{file}/permissions", fields="*")["permissions"]
    assert [(each["type"], each["role"]) for each in listed] == [
        ("user", "owner"),
        ("anyone", "reader"),
    ]
    ann.ask("DELETE", f"/files/{file}/permissions/anyoneWithLink")
    assert ben.refused("GET", f"/files/{file}") == (404, "notFound")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "user", "role": "reader"},
        {"type": "user", "role": "owner", "emailAddress": BEN},
        {"type": "martian", "role": "reader"},
        {"type": "anyone", "role": "king"},
        b"[]",
        b"{",
    ],
)
def test_senseless_permissions(ann: Caller, body: Any) -> None:
    file = ann.create("file")["id"]
    assert ann.refused("POST", f"/files/{file}/permissions", body)[0] == 400


def test_permissions_that_are_not_there(ann: Caller) -> None:
    file = ann.create("file")
    path = f"/files/{file['id']}/permissions/nobody"
    for method, body in (("GET", b""), ("PATCH", {"role": "reader"}), ("DELETE", b"")):
        assert ann.refused(method, path, body) == (404, "notFound")
    owners = file["permissionIds"][0]
    assert ann.ask("GET", f"/files/{file['id']}/permissions/{owners}")["role"] == "owner"


def test_domains(drive: LocalDrive) -> None:
    ann, ben = (caller(drive, each, scopes=("drive",)) for each in (ANN, BEN))
    file = ann.create("file")["id"]
    body = {"type": "domain", "role": "commenter", "domain": "example.edu"}
    hidden = ann.ask("POST", f"/files/{file}/permissions", body, fields="*")
    assert (hidden["domain"], hidden["allowFileDiscovery"]) == ("example.edu", False)
    assert (ben.names(), ben.get(file)["name"]) == ([], "file")
    assert ann.names("visibility = 'domainWithLink'") == ["file"]
    ann.ask("POST", f"/files/{file}/permissions", {**body, "allowFileDiscovery": True})
    assert ben.names() == ["file"]
    assert ann.names("visibility = 'domainCanFind'") == ["file"]
    far = caller(drive, client=other_client(drive, "far"), scopes=("drive",))
    assert far.names("visibility = 'limited'") == []


def test_writers_may_be_kept_from_sharing(drive: LocalDrive) -> None:
    ann, ben = (caller(drive, each, scopes=("drive",)) for each in (ANN, BEN))
    file = ann.create("file", writersCanShare=False)["id"]
    share(ann, file, "writer")
    refusal = ben.refused(
        "POST", f"/files/{file}/permissions", {"type": "anyone", "role": "reader"}
    )
    assert refusal == (403, "insufficientFilePermissions")
    assert not ben.get(file)["capabilities"]["canShare"]
    ann.ask("PATCH", f"/files/{file}", {"writersCanShare": True})
    ben.ask("POST", f"/files/{file}/permissions", {"type": "anyone", "role": "reader"})


def test_what_is_shared_by_link_is_found_by_its_folder(drive: LocalDrive) -> None:
    """Seen in googleapis/google-api-python-client issue 1602: by naming the folder alone."""
    ann, ben = (caller(drive, each, scopes=("drive",)) for each in (ANN, BEN))
    folder = ann.folder("course")
    below = ann.folder("week 1", parents=[folder])
    ann.create("notes", b"x", parents=[below])
    ann.create("private", b"x")
    assert ben.refused("GET", "/files", q=f"'{folder}' in parents") == (404, "notFound")
    drive.model.share_by_link(folder)
    assert ben.names() == []
    assert ben.names(f"'{folder}' in parents and trashed = false") == ["week 1"]
    assert ben.names(f"'{folder}' in parents or '{below}' in parents", orderBy="name") == [
        "notes",
        "week 1",
    ]
    assert ben.get(below)["parents"] == [folder]
    assert ben.refused("POST", "/files", {"parents": [folder]})[0] == 403
    with pytest.raises(ValueError, match="link"):
        drive.model.share_by_link(folder, "owner")


def test_a_resource_key_guards_a_link(drive: LocalDrive) -> None:
    ann, ben = (caller(drive, each, scopes=("drive",)) for each in (ANN, BEN))
    folder = ann.folder("course")
    inside = ann.create("inside", b"x", parents=[folder])["id"]
    drive.model.share_by_link(folder, with_key=True)
    key = ann.get(folder)["resourceKey"]
    shown = {"x-goog-drive-resource-keys": f"{folder}/{key}"}
    target = target_of("/files", q=f"'{folder}' in parents", fields="*")
    assert ben.send("GET", target).status == 404
    (found,) = ben.send("GET", target, **shown).json()["files"]
    assert (found["id"], "resourceKey" in found) == (inside, False)
    assert ben.download(inside) == b"x"
    shortcut = ann.create(
        "s", mimeType="application/vnd.google-apps.shortcut", shortcutDetails={"targetId": folder}
    )
    assert shortcut["shortcutDetails"]["targetResourceKey"] == key
    share(ann, folder, "reader")
    assert ben.get(folder)["name"] == "course"
