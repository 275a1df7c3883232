"""Copies made by Drive itself (Source: reference, files.copy; Create and manage files)."""

from __future__ import annotations

from tests.contract.ground import FULL, Ground, refused


def test_a_copy_is_another_file_with_the_same_bytes(ground: Ground) -> None:
    """Source: reference, files.copy: "Creates a copy of a file"."""
    made = ground.make("original.txt", b"the same", appProperties={"k": "v"})
    copied = ground.files.copy(fileId=made["id"], fields=f"{FULL},appProperties").execute()
    assert copied["id"] != made["id"]
    assert copied["md5Checksum"] == made["md5Checksum"]
    assert copied["mimeType"] == made["mimeType"]
    assert copied["parents"] == [ground.folder]
    assert copied["name"] == "Copy of original.txt"
    assert ground.content(copied["id"]) == b"the same"


def test_a_copy_takes_what_it_is_told(ground: Ground) -> None:
    """Source: reference, files.copy: "applies any requested updates with patch semantics"."""
    made = ground.make("original.txt", b"the same")
    there = ground.make_folder("there")["id"]
    (file_id,) = ground.files.generateIds(count=1).execute()["ids"]
    told = {
        "id": file_id,
        "name": "new.txt",
        "parents": [there],
        "modifiedTime": "2001-02-03T04:05:06.789Z",
    }
    copied = ground.files.copy(
        fileId=made["id"], body=told, fields="id,name,parents,modifiedTime"
    ).execute()
    assert copied == told
    with refused(409):
        ground.files.copy(fileId=made["id"], body=told).execute()


def test_a_copy_does_not_follow_its_original(ground: Ground) -> None:
    """Source: reference, files.copy: a new file, with a history of its own."""
    made = ground.make("original.txt", b"one")
    copied = ground.files.copy(fileId=made["id"]).execute()["id"]
    ground.replace(made["id"], b"two")
    assert ground.content(copied) == b"one"
    revisions = ground.service.revisions().list(fileId=copied).execute()["revisions"]
    assert len(revisions) == 1


def test_a_folder_is_not_copied(ground: Ground) -> None:
    """Source: reference, Files: capabilities.canCopy is false for folders."""
    folder = ground.make_folder("folder", fields="id,capabilities/canCopy")
    assert folder["capabilities"]["canCopy"] is False
    with refused(403):
        ground.files.copy(fileId=folder["id"]).execute()


def test_what_is_not_there_is_not_copied(ground: Ground) -> None:
    """Source: Resolve errors, "404: File not found"."""
    (file_id,) = ground.files.generateIds(count=1).execute()["ids"]
    with refused(404, reason="notFound"):
        ground.files.copy(fileId=file_id).execute()
