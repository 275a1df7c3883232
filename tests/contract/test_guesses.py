"""What LocalDrive does where Google's pages are silent, or say another thing than was measured.

Each is a row of the table "Guesses" in docs/developer/localdrive.md. Run against Google, a failure
here is a finding: LocalDrive and that table are then to be corrected, and the test with them.
"""

from __future__ import annotations

import contextlib
import random

from googleapiclient.errors import HttpError

from tests.contract.ground import GRANULE, Ground, refused
from tests.contract.test_resumable import CONTENT, SIZE, start


def test_an_anonymous_call(ground: Ground) -> None:
    """Guess: 401, whatever the method."""
    for method in ("GET", "POST"):
        assert ground.send(method, "/drive/v3/files", token=None).status == 401


def test_six_megabytes_in_one_multipart_request(ground: Ground) -> None:
    """Guess: more than the guide's 5 MB is taken, as rclone's default of 8 MiB shows."""
    content = random.Random(6).randbytes(6_000_000)  # noqa: S311
    assert ground.make("six", content)["size"] == "6000000"


def test_a_listing_without_an_order(ground: Ground) -> None:
    """Guess: any order, but each time the same."""
    for i in range(8):
        ground.make(str(i))
    ground.settled(ground.names, lambda names: len(names) == 8)
    first = [entry["id"] for entry in ground.search("")]
    assert [entry["id"] for entry in ground.search("")] == first


def test_a_name_in_the_other_case(ground: Ground) -> None:
    """Guess: `name =` minds case."""
    ground.make("Case.txt")
    assert ground.settled(lambda: ground.search("name = 'Case.txt'"))
    assert ground.search("name = 'case.TXT'") == []


def test_the_parent_of_a_file_in_the_root(ground: Ground) -> None:
    """Guess: told, though the root itself is not seen with drive.file."""
    made = ground.files.create(body={"name": "for a moment"}, fields="id,parents").execute()
    ground.files.delete(fileId=made["id"]).execute()
    assert len(made["parents"]) == 1


def test_what_moves_the_time_of_modification(ground: Ground) -> None:
    """Guess: new content and a new name, not a star, properties, a move or the trash."""
    old = "2001-01-01T00:00:00.000Z"
    there = ground.make_folder("there")["id"]

    def after(body: dict[str, object], **parameters: str) -> str:
        made = ground.make("n", modifiedTime=old)["id"]
        update = ground.files.update(fileId=made, body=body, fields="modifiedTime", **parameters)
        return str(update.execute()["modifiedTime"])

    assert after({"name": "renamed"}) != old
    assert after({"starred": True}) == old
    assert after({"appProperties": {"k": "v"}}) == old
    assert after({"trashed": True}) == old
    assert after({}, addParents=there, removeParents=ground.folder) == old


def test_the_id_of_a_deleted_file(ground: Ground) -> None:
    """Guess: used once is used for ever."""
    (file_id,) = ground.files.generateIds(count=1).execute()["ids"]
    ground.make("once", id=file_id)
    ground.files.delete(fileId=file_id).execute()
    with refused(409):
        ground.make("twice", id=file_id)


def test_a_pin_taken_back(ground: Ground) -> None:
    """Guess: refused with 400; a pinned revision ends only by being deleted."""
    made = ground.make("n")
    revision = {"fileId": made["id"], "revisionId": made["headRevisionId"]}
    revisions = ground.service.revisions()
    revisions.update(**revision, body={"keepForever": True}).execute()
    with refused(400):
        revisions.update(**revision, body={"keepForever": False}).execute()
    assert revisions.get(**revision, fields="keepForever").execute() == {"keepForever": True}


def test_a_session_that_was_refused_at_its_end(ground: Ground) -> None:
    """Guess: gone afterwards."""
    (file_id,) = ground.files.generateIds(count=1).execute()["ids"]
    session = start(ground, id=file_id)
    ground.make("was quicker", id=file_id)
    assert session.put(CONTENT, None).status == 409
    assert session.put(b"", f"*/{SIZE}").status == 404


def test_a_chunk_off_the_granule(ground: Ground) -> None:
    """Guess: 400, and nothing of it is kept."""
    session = start(ground)
    assert session.chunk(CONTENT, 0, GRANULE + 100).status == 400
    assert session.kept(SIZE) == 0


def test_a_chunk_sent_again(ground: Ground) -> None:
    """Guess: what is kept already is passed over (as Cloud Storage documents it)."""
    session = start(ground)
    session.chunk(CONTENT, 0, 2 * GRANULE)
    reply = session.chunk(CONTENT, GRANULE, SIZE)
    assert reply.status == 200
    assert ground.content(reply.json()["id"]) == CONTENT


def test_a_gap_in_a_session(ground: Ground) -> None:
    """Guess: 503."""
    assert start(ground).chunk(CONTENT, GRANULE, SIZE).status == 503


def test_a_parent_that_is_none_of_the_files_own(ground: Ground) -> None:
    """Guess: in removeParents it is passed over, so that addParents alone remains."""
    made = ground.make("n")
    here, there = ground.make_folder("here")["id"], ground.make_folder("there")["id"]
    with contextlib.suppress(HttpError):
        ground.files.update(fileId=made["id"], addParents=there, removeParents=here).execute()
    assert ground.get(made["id"])["parents"] == [ground.folder]


def test_to_untrash_what_its_folder_took_along(ground: Ground) -> None:
    """Guess: changes nothing."""
    folder = ground.make_folder("folder")["id"]
    made = ground.make("n", parent=folder)["id"]
    ground.files.update(fileId=folder, body={"trashed": True}).execute()
    with contextlib.suppress(HttpError):
        ground.files.update(fileId=made, body={"trashed": False}).execute()
    assert ground.get(made)["trashed"] is True


def test_a_change_token_beyond_the_end(ground: Ground) -> None:
    """Guess: 400."""
    with refused(400):
        ground.service.changes().list(pageToken="999999999999").execute()


def test_children_of_a_folder_that_is_not_there(ground: Ground) -> None:
    """Guess: 404, as an issue on record says."""
    (nowhere,) = ground.files.generateIds(count=1).execute()["ids"]
    with refused(404, reason="notFound"):
        ground.files.list(q=f"'{nowhere}' in parents").execute()


def test_the_words_of_refusals(ground: Ground) -> None:
    """Guess: the status of each is documented, the reason is not."""
    file, folder = ground.make("file")["id"], ground.make_folder("folder")["id"]
    with refused(403, reason="parentNotAFolder"):
        ground.make("child", parent=file)
    with refused(403, reason="cannotCopyFile"):
        ground.files.copy(fileId=folder).execute()
    with refused(403, reason="cannotAddParent"):
        ground.files.update(fileId=folder, addParents=folder, removeParents=ground.folder).execute()
    with refused(403, reason="propertyLengthLimitExceeded"):
        ground.make("n", appProperties={"k": "v" * 124})
    with refused(403, reason="propertiesLimitExceeded"):
        ground.make("n", appProperties={str(i): "v" for i in range(31)})


def test_thirty_megabytes_in_one_multipart_request(ground: Ground) -> None:
    """Guess: too much, 413."""
    content = bytes(30_000_000)
    with refused(413):
        ground.make("thirty", content)
    assert ground.names() == []


def test_the_feed_after_a_folder_was_trashed(ground: Ground) -> None:
    """Guess: the folder is in it; what lies below it may be, or not."""
    folder = ground.make_folder("folder")["id"]
    below = {ground.make(str(i), parent=folder)["id"] for i in range(3)}
    token = ground.start_token()
    ground.files.update(fileId=folder, body={"trashed": True}).execute()

    def told() -> set[str]:
        entries = [entry for entry in ground.feed(token) if not entry["removed"]]
        # What other tests trashed may come late too.
        mine = [entry for entry in entries if entry["fileId"] in {folder} | below]
        return {entry["fileId"] for entry in mine if entry["file"]["trashed"]}

    ground.settled(told, lambda trashed: folder in trashed)
    assert all(ground.get(each)["trashed"] for each in below)


def test_the_version_rises(ground: Ground) -> None:
    """Guess: by a little with each change, never back."""
    made = ground.make("n")
    versions = [int(made["version"])]
    for name in ("one", "two", "three"):
        renamed = ground.files.update(fileId=made["id"], body={"name": name}, fields="version")
        versions.append(int(renamed.execute()["version"]))
    assert versions == sorted(set(versions))


def test_content_for_what_has_none(ground: Ground) -> None:
    """Guess: 400."""
    folder = ground.make_folder("folder")["id"]
    with refused(400):
        ground.replace(folder, b"content")


def test_a_search_of_texts_in_an_order(ground: Ground) -> None:
    """Guess: 400."""
    with refused(400):
        ground.files.list(q="fullText contains 'x'", orderBy="name").execute()


def test_more_words_of_refusals(ground: Ground) -> None:
    """Guess: as above."""
    made = ground.make("n")
    with refused(403, reason="cannotRemoveLastParent"):
        ground.files.update(fileId=made["id"], removeParents=ground.folder).execute()
    with refused(403, reason="cannotDeleteOnlyRevision"):
        ground.service.revisions().delete(
            fileId=made["id"], revisionId=made["headRevisionId"]
        ).execute()
