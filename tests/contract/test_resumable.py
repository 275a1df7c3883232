"""The resumable protocol, byte by byte (Source: Upload file data, "Perform a resumable upload")."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass

import pytest

from tests.contract.ground import FULL, GRANULE, Ground, Reply

SIZE = 3 * GRANULE + 12_345
CONTENT = random.Random(20).randbytes(SIZE)  # noqa: S311


@dataclass(frozen=True, slots=True)
class Session:
    """A session's address; it is used without a token, for it needs none."""

    ground: Ground
    uri: str

    def put(self, body: bytes, span: str | None, *, cut: int | None = None) -> Reply:
        headers = {"Content-Range": f"bytes {span}"} if span else {}
        return self.ground.send("PUT", self.uri, body, headers, token=None, cut=cut)

    def chunk(self, content: bytes, start: int, end: int, total: int | None = None) -> Reply:
        span = f"{start}-{end - 1}/{len(content) if total is None else total}"
        return self.put(content[start:end], span)

    def kept(self, size: int | str = "*") -> int | Reply:
        """Ask how many bytes are kept; the reply itself if that is not what it says."""
        reply = self.put(b"", f"*/{size}")
        return kept(reply) if reply.status == 308 else reply

    def resume(self, content: bytes) -> Reply:
        """Ask, go on from there, and again: what a client does that trusts only the server."""
        for _ in range(8):
            state = self.kept(len(content))
            if isinstance(state, Reply):
                return state
            reply = self.chunk(content, state, len(content))
            if reply.status in {200, 201}:
                return reply
        pytest.fail("the upload did not end")


def kept(reply: Reply) -> int:
    """How many bytes a 308 says are kept; no Range says none."""
    assert reply.status == 308, reply
    told = reply.headers.get("range")
    if told is None:
        return 0
    first, _, last = told.removeprefix("bytes=").partition("-")
    assert first == "0"
    return int(last) + 1


def start(
    ground: Ground,
    *,
    size: int | None = SIZE,
    method: str = "POST",
    file_id: str = "",
    **metadata: object,
) -> Session:
    reply = begin(ground, size=size, method=method, file_id=file_id, **metadata)
    assert reply.status == 200, reply
    assert reply.headers["location"]
    return Session(ground, reply.headers["location"])


def begin(
    ground: Ground,
    *,
    size: int | None = SIZE,
    method: str = "POST",
    file_id: str = "",
    **metadata: object,
) -> Reply:
    known = {"X-Upload-Content-Length": str(size)} if size is not None else {}
    body = metadata if file_id else {"name": "big.bin", "parents": [ground.folder], **metadata}
    return ground.send(
        method,
        f"/upload/drive/v3/files{file_id and '/' + file_id}?uploadType=resumable&fields={FULL}",
        json.dumps(body).encode(),
        {
            "Content-Type": "application/json; charset=UTF-8",
            "X-Upload-Content-Type": "application/x-big",
            **known,
        },
    )


def test_in_one_request_with_length_alone(ground: Ground) -> None:
    """Source: "Upload content in a single request": a PUT with Content-Length and no range."""
    reply = start(ground).put(CONTENT, None)
    assert reply.status in {200, 201}
    made = reply.json()
    assert made["size"] == str(SIZE)
    assert made["mimeType"] == "application/x-big"
    assert made["parents"] == [ground.folder]
    assert made["md5Checksum"] == hashlib.md5(CONTENT).hexdigest()  # noqa: S324


def test_nothing_is_seen_before_the_last_byte(ground: Ground) -> None:
    """Source: the upload is complete with the 200 or 201 of its last chunk, and not before."""
    session = start(ground)
    assert kept(session.chunk(CONTENT, 0, GRANULE)) == GRANULE
    assert ground.names("") == []
    assert session.resume(CONTENT).status in {200, 201}
    assert ground.settled(lambda: ground.names("")) == ["big.bin"]


def test_chunk_by_chunk_each_answered_308_with_what_is_kept(ground: Ground) -> None:
    """Source: "Upload content in multiple chunks": the Range header says where to go on."""
    session = start(ground)
    at = 0
    for end in (GRANULE, 2 * GRANULE, 3 * GRANULE):
        at = kept(session.chunk(CONTENT, at, end))
        assert at == end
    reply = session.chunk(CONTENT, at, SIZE)
    assert reply.status in {200, 201}
    assert ground.content(reply.json()["id"]) == CONTENT


def test_the_total_may_be_told_with_the_last_chunk_only(ground: Ground) -> None:
    """Source: RFC 9110, section 14.4, and the client's own use of `*` for streams."""
    session = start(ground, size=None)
    assert kept(session.put(CONTENT[: 2 * GRANULE], f"0-{2 * GRANULE - 1}/*")) == 2 * GRANULE
    reply = session.chunk(CONTENT, 2 * GRANULE, SIZE)
    assert reply.status in {200, 201}
    assert reply.json()["md5Checksum"] == hashlib.md5(CONTENT).hexdigest()  # noqa: S324


@pytest.mark.parametrize("size", ["*", SIZE])
def test_before_the_first_byte_no_range_is_told(ground: Ground, size: int | str) -> None:
    """Source: "Resume an interrupted upload": without a Range header nothing was received."""
    reply = start(ground).put(b"", f"*/{size}")
    assert reply.status == 308
    assert "range" not in reply.headers


def test_the_state_is_told_as_often_as_asked(ground: Ground) -> None:
    """Source: "Resume an interrupted upload": an empty PUT with `bytes */total`."""
    session = start(ground)
    session.chunk(CONTENT, 0, 2 * GRANULE)
    assert session.kept(SIZE) == session.kept("*") == 2 * GRANULE


def test_what_is_kept_is_a_multiple_of_256_kib(ground: Ground) -> None:
    """Source: "in multiples of 256 KB": another length is refused, or kept to the last multiple."""
    session = start(ground)
    reply = session.chunk(CONTENT, 0, GRANULE + 100)
    assert reply.status in {308, 400}
    state = session.kept(SIZE)
    assert state in {0, GRANULE}
    if reply.status == 308:
        assert kept(reply) == state
    assert session.resume(CONTENT).json()["size"] == str(SIZE)


def test_a_cut_chunk_is_continued_where_the_server_says(ground: Ground) -> None:
    """Source: "Resume an interrupted upload": never assume that all that was sent was kept."""
    session = start(ground)
    session.put(CONTENT, f"0-{SIZE - 1}/{SIZE}", cut=GRANULE + 1000)
    state = session.kept(SIZE)
    assert isinstance(state, int)
    assert state % GRANULE == 0
    assert state <= GRANULE + 1000
    reply = session.resume(CONTENT)
    assert ground.content(reply.json()["id"]) == CONTENT
    assert ground.settled(lambda: ground.names("")) == ["big.bin"]


def test_many_cuts_make_one_file(ground: Ground) -> None:
    """Source: "Resume an interrupted upload": the session outlives its connections."""
    session = start(ground)
    rng = random.Random(5)  # noqa: S311
    for _ in range(6):
        state = session.kept(SIZE)
        assert isinstance(state, int)
        rest = CONTENT[state:]
        session.put(rest, f"{state}-{SIZE - 1}/{SIZE}", cut=rng.randrange(len(rest) - 1))
    reply = session.resume(CONTENT)
    assert reply.json()["md5Checksum"] == hashlib.md5(CONTENT).hexdigest()  # noqa: S324


def test_a_gap_is_never_filled_with_anything(ground: Ground) -> None:
    """Source: chunks go on from the byte that the last 308 named."""
    session = start(ground)
    session.chunk(CONTENT, 0, GRANULE)
    reply = session.chunk(CONTENT, 2 * GRANULE, SIZE)
    assert reply.status not in {200, 201}
    state = session.kept(SIZE)
    if isinstance(state, int):
        assert state == GRANULE
        assert ground.content(session.resume(CONTENT).json()["id"]) == CONTENT
    else:
        assert 400 <= state.status < 500


def test_a_finished_session_tells_its_file_again_and_makes_no_second(ground: Ground) -> None:
    """Source: "Resume an interrupted upload": 200 or 201 says that the upload was completed."""
    session = start(ground)
    made = session.put(CONTENT, None).json()
    for again in (session.kept(SIZE), session.kept("*")):
        assert isinstance(again, Reply)
        assert again.status in {200, 201}
        assert again.json()["id"] == made["id"]
    assert len(ground.settled(lambda: ground.search(""))) == 1


def test_an_unknown_session_is_gone(ground: Ground) -> None:
    """Source: "Handle errors": 404 says that the session has expired: start again."""
    uri = start(ground).uri
    name = "upload_id="
    assert name in uri
    head, _, _ = uri.partition(name)
    reply = Session(ground, f"{head}{name}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").put(
        b"", f"*/{SIZE}"
    )
    assert reply.status in {400, 404, 410}


def test_an_empty_file(ground: Ground) -> None:
    """Source: "Upload content in a single request", with a length of 0."""
    reply = start(ground, size=0).put(b"", None)
    assert reply.status in {200, 201}
    assert reply.json()["size"] == "0"


def test_a_session_that_updates_keeps_the_id_and_adds_a_revision(ground: Ground) -> None:
    """Source: "Start a resumable upload session": PATCH on the file's id updates it."""
    made = ground.make("big.bin", b"small")
    session = start(ground, method="PATCH", file_id=made["id"], name="bigger.bin")
    assert ground.content(made["id"]) == b"small"
    now = session.put(CONTENT, None).json()
    assert (now["id"], now["name"]) == (made["id"], "bigger.bin")
    assert now["headRevisionId"] != made["headRevisionId"]
    assert ground.content(made["id"]) == CONTENT


def test_metadata_of_the_start_holds_for_the_file(ground: Ground) -> None:
    """Source: "Send the initial request": its body carries the file's metadata."""
    session = start(ground, name="odd/name", modifiedTime="2001-02-03T04:05:06.789Z")
    made = session.put(CONTENT, None).json()
    assert made["name"] == "odd/name"
    assert ground.get(made["id"], "modifiedTime") == {"modifiedTime": "2001-02-03T04:05:06.789Z"}


def test_a_pre_made_id_is_taken_once(ground: Ground) -> None:
    """Source: Upload file data, "Use a pregenerated ID to upload files": a used one is 409."""
    (file_id,) = ground.files.generateIds(count=1).execute()["ids"]
    assert start(ground, id=file_id).put(CONTENT, None).json()["id"] == file_id
    reply = begin(ground, id=file_id)
    if reply.status == 200:
        reply = Session(ground, reply.headers["location"]).put(CONTENT, None)
    assert reply.status == 409
    assert len(ground.settled(lambda: ground.search(""))) == 1


def test_to_update_what_is_not_there_is_404_at_the_start(ground: Ground) -> None:
    """Source: Resolve errors, "404: File not found"."""
    (file_id,) = ground.files.generateIds(count=1).execute()["ids"]
    reply = begin(ground, method="PATCH", file_id=file_id)
    assert (reply.status, reply.reason) == (404, "notFound")


def test_chunks_by_post_for_those_who_want_no_308(ground: Ground) -> None:
    """Source: google-api-go-client: X-GUploader-No-308 gives 200 and the status in a header."""
    session = start(ground)
    headers = {"Content-Range": f"bytes 0-{GRANULE - 1}/{SIZE}", "X-GUploader-No-308": "yes"}
    reply = ground.send("POST", session.uri, CONTENT[:GRANULE], headers, token=None)
    assert reply.status == 200
    assert reply.headers["x-http-status-code-override"] == "308"
    assert reply.headers["range"] == f"bytes=0-{GRANULE - 1}"


def test_a_cancelled_session_stays_cancelled(ground: Ground) -> None:
    """Source: Cloud Storage guide "Resumable uploads", "Cancel an upload": 499."""
    session = start(ground)
    session.chunk(CONTENT, 0, GRANULE)
    assert ground.send("DELETE", session.uri, token=None).status == 499
    assert 400 <= session.chunk(CONTENT, GRANULE, SIZE).status < 500
    assert ground.names() == []
