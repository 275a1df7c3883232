"""Earlier contents of a file (Source: Manage file revisions; reference, Revisions)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from googleapiclient.http import MediaInMemoryUpload

from tests.contract.ground import GRANULE, Ground, refused

ABOUT = "id,mimeType,modifiedTime,keepForever,md5Checksum,size,originalFilename"


def media_of(content: bytes) -> MediaInMemoryUpload:
    return MediaInMemoryUpload(content, mimetype="text/plain")


def revisions(ground: Ground, file_id: str) -> list[dict[str, Any]]:
    """All revisions, oldest first."""
    resource = ground.service.revisions()
    return list(resource.list(fileId=file_id, fields=f"revisions({ABOUT})").execute()["revisions"])


def test_each_content_is_a_revision_and_can_be_read(ground: Ground) -> None:
    """Source: Manage file revisions: revisions.list, and revisions.get with alt=media."""
    contents = [b"one", b"the second", b"and the third"]
    made = ground.make("n", contents[0])["id"]
    for content in contents[1:]:
        ground.replace(made, content)
    told = revisions(ground, made)
    assert [r["size"] for r in told] == [str(len(c)) for c in contents]
    sums = [hashlib.md5(c).hexdigest() for c in contents]  # noqa: S324
    assert [r["md5Checksum"] for r in told] == sums
    assert told[-1]["id"] == ground.get(made)["headRevisionId"]
    for revision, content in zip(told, contents, strict=True):
        media = ground.service.revisions().get_media(fileId=made, revisionId=revision["id"])
        assert media.execute() == content


def test_metadata_makes_no_revision(ground: Ground) -> None:
    """Source: Manage file revisions: a revision is a change of content."""
    made = ground.make("n")
    ground.files.update(
        fileId=made["id"], body={"name": "m", "modifiedTime": "2001-01-01T00:00:00Z"}
    ).execute()
    assert [r["id"] for r in revisions(ground, made["id"])] == [made["headRevisionId"]]


def test_a_range_of_a_revision(ground: Ground) -> None:
    """Source: Download and export files: a partial download by Range, of a revision too."""
    made = ground.make("n", bytes(range(256)))
    ground.replace(made["id"], b"other")
    reply = ground.send(
        "GET",
        f"/drive/v3/files/{made['id']}/revisions/{made['headRevisionId']}?alt=media",
        headers={"Range": "bytes=10-19"},
    )
    assert (reply.status, reply.body) == (206, bytes(range(10, 20)))


def test_a_revision_is_pinned(ground: Ground) -> None:
    """Source: reference, Revisions: keepForever, set by revisions.update."""
    made = ground.make("n", b"one")
    ground.replace(made["id"], b"two")
    first = made["headRevisionId"]
    resource = ground.service.revisions()
    pinned = resource.update(
        fileId=made["id"], revisionId=first, body={"keepForever": True}, fields="id,keepForever"
    ).execute()
    assert pinned == {"id": first, "keepForever": True}
    told = {r["id"]: r.get("keepForever", False) for r in revisions(ground, made["id"])}
    assert told == {first: True, ground.get(made["id"])["headRevisionId"]: False}


def test_an_upload_may_pin_its_own_revision(ground: Ground) -> None:
    """Source: reference, files.update: keepRevisionForever."""
    made = ground.make("n")["id"]
    now = ground.files.update(
        fileId=made,
        body={},
        media_body=media_of(b"pinned"),
        keepRevisionForever=True,
        fields="headRevisionId",
    ).execute()
    told = {r["id"]: r.get("keepForever", False) for r in revisions(ground, made)}
    assert told[now["headRevisionId"]] is True


def test_a_revision_is_deleted_but_not_the_last_one(ground: Ground) -> None:
    """Source: reference, revisions.delete: "the last remaining file version can't be deleted"."""
    made = ground.make("n", b"one")
    now = ground.replace(made["id"], b"two")
    resource = ground.service.revisions()
    resource.delete(fileId=made["id"], revisionId=made["headRevisionId"]).execute()
    assert [r["id"] for r in revisions(ground, made["id"])] == [now["headRevisionId"]]
    with refused():
        resource.delete(fileId=made["id"], revisionId=now["headRevisionId"]).execute()
    assert ground.content(made["id"]) == b"two"


def test_two_hundred_pins_and_no_more(whole_drive: Ground) -> None:
    """Source: reference, Revisions: keepForever "on a maximum of 200 revisions for a file"."""
    made = whole_drive.make("n", b"0")["id"]
    for i in range(199):
        whole_drive.files.update(
            fileId=made, media_body=media_of(str(i).encode()), keepRevisionForever=True
        ).execute()
    resource = whole_drive.service.revisions()
    first = revisions(whole_drive, made)[0]["id"]
    resource.update(fileId=made, revisionId=first, body={"keepForever": True}).execute()
    whole_drive.replace(made, b"201st")
    head = whole_drive.get(made)["headRevisionId"]
    with refused():
        resource.update(fileId=made, revisionId=head, body={"keepForever": True}).execute()


def test_unpinned_revisions_beyond_a_hundred_go(whole_drive: Ground) -> None:
    """Source: Manage file revisions: not pinned ones are kept 30 days or 100 revisions."""
    made = whole_drive.make("n", b"0", fields="id,headRevisionId")
    resource = whole_drive.service.revisions()
    resource.update(
        fileId=made["id"], revisionId=made["headRevisionId"], body={"keepForever": True}
    ).execute()
    for i in range(120):
        whole_drive.replace(made["id"], str(i).encode())
    told = revisions(whole_drive, made["id"])
    assert told[0]["id"] == made["headRevisionId"]
    assert len([r for r in told if not r.get("keepForever")]) <= 101
    media = resource.get_media(fileId=made["id"], revisionId=made["headRevisionId"])
    assert media.execute() == b"0"


def test_an_unknown_revision_is_not_found(ground: Ground) -> None:
    """Source: Resolve errors, "404: File not found"."""
    made = ground.make("n")["id"]
    with refused(404):
        ground.service.revisions().get(fileId=made, revisionId="nonsense").execute()


def test_the_head_of_a_large_file_is_listed_too(ground: Ground) -> None:
    """Source: Manage file revisions: how the content was uploaded does not matter."""
    made = ground.make("n", b"z" * (2 * GRANULE))
    (only,) = revisions(ground, made["id"])
    assert (only["id"], only["size"]) == (made["headRevisionId"], str(2 * GRANULE))


@pytest.mark.parametrize("size", [1, 2])
def test_pages_of_revisions(ground: Ground, size: int) -> None:
    """Source: reference, revisions.list: pageSize and nextPageToken."""
    made = ground.make("n", b"0")["id"]
    for i in range(4):
        ground.replace(made, str(i).encode() * 2)
    resource = ground.service.revisions()
    request = resource.list(fileId=made, pageSize=size)
    seen: list[str] = []
    while request is not None:
        page = request.execute()
        assert len(page["revisions"]) <= size
        seen += [r["id"] for r in page["revisions"]]
        request = resource.list_next(request, page)
    assert len(seen) == len(set(seen)) == 5
