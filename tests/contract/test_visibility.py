"""What `drive.file` shows (Source: Choose Google Drive API scopes)."""

from __future__ import annotations

from tests.contract.ground import Ground, refused


def test_the_root_is_not_seen(ground: Ground) -> None:
    """Source: Choose scopes: drive.file shows what the app made or was given; not My Drive."""
    with refused(404, reason="notFound"):
        ground.get("root")


def test_the_root_is_where_files_without_parents_land(ground: Ground, whole_drive: Ground) -> None:
    """Source: reference, Files: parents: "placed directly in the user's My Drive folder"."""
    made = ground.files.create(body={"name": "in the root"}).execute()["id"]
    root = whole_drive.get("root", "id,name,mimeType")
    assert whole_drive.get(made)["parents"] == [root["id"]]
    assert root["name"] == "My Drive"


def test_another_project_sees_nothing_of_ours(ground: Ground, stranger: Ground) -> None:
    """Source: Choose scopes: drive.file is "per-file access" for one app."""
    made = ground.make("ours", appProperties={"k": "v"})["id"]
    for file_id in (made, ground.folder):
        with refused(404, reason="notFound"):
            stranger.get(file_id)
        with refused(404, reason="notFound"):
            stranger.files.update(fileId=file_id, body={"name": "theirs"}).execute()
        with refused(404, reason="notFound"):
            stranger.files.delete(fileId=file_id).execute()
    with refused(404, reason="notFound"):
        stranger.content(made)
    with refused(404, reason="notFound"):
        stranger.make("child", parent=ground.folder)
    assert stranger.files.list(q="name = 'ours'").execute()["files"] == []
    assert ground.get(made)["name"] == "ours"


def test_another_project_hears_nothing_of_ours(ground: Ground, stranger: Ground) -> None:
    """Source: Choose scopes; Track changes: the feed shows what its app can see."""
    ours, theirs = ground.start_token(), stranger.start_token()
    made = ground.make("ours")["id"]
    assert ground.settled(lambda: made in {change["fileId"] for change in ground.feed(ours)})
    assert made not in {change["fileId"] for change in stranger.feed(theirs)}


def test_an_id_in_use_is_in_use_for_all(ground: Ground, stranger: Ground) -> None:
    """Source: Create and manage files: ids are of the whole of Drive."""
    (file_id,) = ground.files.generateIds(count=1).execute()["ids"]
    ground.make("ours", id=file_id)
    with refused(409):
        stranger.make("theirs", id=file_id)


def test_private_properties_are_private(ground: Ground, whole_drive: Ground) -> None:
    """Source: Add custom file properties: appProperties are seen by the app that set them."""
    made = ground.make("ours", appProperties={"k": "v"}, properties={"p": "q"})["id"]
    seen = whole_drive.get(made, "properties,appProperties")
    assert seen == {"properties": {"p": "q"}}
    q = "appProperties has { key='k' and value='v' }"
    assert whole_drive.files.list(q=q).execute()["files"] == []


def test_what_the_user_makes_in_our_folder_is_not_seen(ground: Ground, whole_drive: Ground) -> None:
    """Source: Choose scopes: drive.file shows only the files that the app made or opened."""
    theirs = whole_drive.make("by hand", parent=ground.folder)["id"]
    assert ground.names("") == []
    with refused(404, reason="notFound"):
        ground.get(theirs)


def test_what_the_user_does_to_ours_is_seen(ground: Ground, whole_drive: Ground) -> None:
    """Source: Choose scopes: a file of the app's stays visible wherever it is moved."""
    made = ground.make("ours")["id"]
    token = ground.start_token()
    whole_drive.files.update(
        fileId=made, body={"name": "renamed"}, addParents="root", removeParents=ground.folder
    ).execute()
    assert ground.get(made)["name"] == "renamed"
    assert ground.settled(lambda: made in {change["fileId"] for change in ground.feed(token)})


def test_a_scope_that_only_reads_does_not_write(reader: Ground, ground: Ground) -> None:
    """Source: Resolve errors, "403: insufficientPermissions"; Choose scopes: drive.readonly."""
    made = ground.make("ours")["id"]
    assert reader.content(made) == b"x"
    with refused(403, reason="insufficientPermissions"):
        reader.files.update(fileId=made, body={"name": "no"}).execute()


def test_another_account_sees_nothing(ground: Ground, other_account: Ground) -> None:
    """Source: Choose scopes: a grant is of one user and one app."""
    made = ground.make("ours")["id"]
    with refused(404, reason="notFound"):
        other_account.get(made)
    assert other_account.files.list(q="name = 'ours'").execute()["files"] == []
