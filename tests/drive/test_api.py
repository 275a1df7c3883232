"""Typed calls, judged by what LocalDrive then holds and by what its log counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

import pytest

from jupyter_drive_sync.core.tree import FileId, Kind, RemoteEntry
from jupyter_drive_sync.drive.api import Drive, quote
from jupyter_drive_sync.drive.transport import Call
from jupyter_drive_sync.drive.types import (
    FOLDER_MIME,
    CreateFolder,
    Get,
    ListRevisions,
    NewFile,
    Patch,
    PinRevision,
    Revision,
)
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import (
    AuthExpired,
    DriveFull,
    Exists,
    FeedTokenRefused,
    Missing,
    NotOurs,
    Offline,
    TreeLimit,
)
from tests.drive.ground import ANN, HOME, ROOT, Ground, LocalWire, ours


def entry(result: object) -> RemoteEntry:
    assert isinstance(result, RemoteEntry), result
    return result


def test_about_names_the_account_and_its_space(ground: Ground) -> None:
    about = ground.drive.about()
    assert about.email == ANN
    assert about.limit == 15 << 30
    assert about.free == about.limit - about.usage


def test_a_file_is_made_in_one_request_and_comes_back_whole(ground: Ground) -> None:
    parent = ground.folder()
    new = ground.new("Untitled é ' \\ \n1.ipynb", parent, "n1")
    content = b'{"cells": []}\r\n--x\r\n' + bytes(range(256)) * 40
    ground.server.log.clear()
    made = ground.drive.create_file(new, content)
    assert ground.server.log.counts() == {"files.create": 1}
    assert made.id == new.id
    assert made.name == new.name
    assert made.parent == parent
    assert made.kind is Kind.FILE
    assert made.md5 == hashlib.md5(content, usedforsecurity=False).digest()
    assert made.size == len(content)
    assert made.mtime_ms == new.mtime_ms
    assert (made.home, made.nonce, made.ours) == (HOME, "n1", True)
    assert made.mime == "application/x-ipynb+json"
    assert made.revision
    assert made.version > 0
    assert not made.trashed
    assert ground.content(new.id) == content
    assert ground.drive.get(new.id) == made


@pytest.mark.parametrize("name", ["a.gdoc", "a.gsheet", "data.csv", "page.html", "x.docx"])
def test_no_name_makes_a_google_document(ground: Ground, name: str) -> None:
    made = ground.drive.create_file(ground.new(name, ground.folder()), b"x")
    assert not made.mime.startswith("application/vnd.google-apps")
    assert made.md5 is not None


def test_new_content_keeps_id_and_makes_a_revision(ground: Ground) -> None:
    parent = ground.folder()
    made = ground.drive.create_file(ground.new("a.ipynb", parent, "n1"), b"one")
    ground.server.log.clear()
    change = Patch(made.id, name="a.ipynb", mtime_ms=made.mtime_ms + 1, app={"w": "n2"})
    replaced = ground.drive.replace_file(change, b"two")
    assert ground.server.log.counts() == {"files.update": 1}
    assert (replaced.id, replaced.parent, replaced.mime) == (made.id, parent, made.mime)
    assert (replaced.home, replaced.nonce, replaced.ours) == (HOME, "n2", True)
    assert replaced.mtime_ms == made.mtime_ms + 1
    assert replaced.version > made.version
    assert replaced.revision != made.revision
    assert ground.content(made.id) == b"two"
    assert [r.id for r in ground.drive.revisions(made.id)] == [made.revision, replaced.revision]


def test_new_content_needs_a_name_for_its_type(ground: Ground) -> None:
    with pytest.raises(ValueError, match="name"):
        ground.drive.replace_file(Patch(FileId("x")), b"")


def test_a_second_create_is_told_from_a_copy(ground: Ground) -> None:
    new = ground.new("a", ground.folder())
    ground.drive.create_file(new, b"one")
    with pytest.raises(Exists):
        ground.drive.create_file(new, b"one")
    assert len(ground.drive.search(f"name = {quote('a')}").entries) == 1


def test_errors_of_one_object(ground: Ground) -> None:
    with pytest.raises(Missing):
        ground.drive.get(FileId("nothing"))
    ground.plan("policy", "files.get", reason="appNotAuthorizedToFile")
    with pytest.raises(NotOurs):
        ground.drive.get(FileId("nothing"))


def test_generated_ids_are_as_many_as_asked(ground: Ground) -> None:
    ids = ground.drive.generate_ids(1000)
    assert len(set(ids)) == 1000
    for count in (0, 1001):
        with pytest.raises(ValueError, match="ids at once"):
            ground.drive.generate_ids(count)


def test_a_batch_mixes_calls_and_keeps_their_order(ground: Ground) -> None:
    parent = ground.folder()
    other = ground.folder("other")
    made = ground.drive.create_file(ground.new("ä", parent), b"one")
    (folder_id,) = ground.drive.generate_ids(1)
    ground.server.log.clear()
    results = ground.drive.batch(
        [
            Get(made.id),
            CreateFolder(folder_id, "sub\u2028 'ö'", parent, ours()),
            Patch(made.id, name="b", add_parent=other, remove_parent=parent, mtime_ms=5),
            Get(FileId("nothing")),
            ListRevisions(made.id),
            PinRevision(made.id, made.revision),
        ]
    )
    assert ground.server.log.counts() == {"batch": 1}
    assert entry(results[0]).id == made.id
    folder = entry(results[1])
    assert (folder.name, folder.parent, folder.kind) == ("sub\u2028 'ö'", parent, Kind.FOLDER)
    assert (folder.mime, folder.ours, folder.home) == (FOLDER_MIME, True, HOME)
    moved = entry(results[2])
    assert (moved.name, moved.parent, moved.mtime_ms) == ("b", other, 5)
    assert (moved.md5, moved.nonce) == (made.md5, "n1")
    assert isinstance(results[3], Missing)
    assert isinstance(results[4], tuple)
    assert [r.id for r in results[4]] == [made.revision]
    assert isinstance(results[5], Revision)
    assert results[5].pinned


def test_trash_and_back(ground: Ground) -> None:
    folder = ground.folder()
    made = ground.drive.create_file(ground.new("a", folder), b"one")
    (gone,) = ground.drive.batch([Patch(folder, trashed=True)])
    assert entry(gone).explicitly_trashed
    inside = ground.drive.get(made.id)
    assert (inside.trashed, inside.explicitly_trashed) == (True, False)
    ground.drive.batch([Patch(folder, trashed=False)])
    assert not ground.drive.get(made.id).trashed


def test_a_batch_takes_1_to_100_calls(ground: Ground) -> None:
    for count in (0, 101):
        with pytest.raises(ValueError, match="in one batch"):
            ground.drive.batch([Get(FileId("x"))] * count)


def test_parts_that_were_refused_for_now_are_sent_again_alone(ground: Ground) -> None:
    ids = ground.drive.generate_ids(100)
    ground.server.log.clear()
    ground.plan("rate", "files.create", every=3, times=20)
    ground.plan("503", "files.create", nth=1)
    results = ground.drive.batch([CreateFolder(each, f"f{each}", None, ours()) for each in ids])
    assert [entry(result).id for result in results] == ids
    sizes = [len(record.inner) for record in ground.server.log.records]
    assert sizes[0] == 100
    assert sizes[1] < 40
    assert sum(sizes) == 100 + 21
    ground.server.faults.assert_all_fired()


def test_a_part_whose_reply_was_lost_comes_back_as_existing(ground: Ground) -> None:
    ids = ground.drive.generate_ids(3)
    ground.plan("rate", "files.create", nth=2, done=True)
    results = ground.drive.batch([CreateFolder(each, "f", None, ours()) for each in ids])
    # Drive carries a batch out in an order of its own.
    assert sorted(type(result).__name__ for result in results) == [
        "Exists",
        "RemoteEntry",
        "RemoteEntry",
    ]


def test_a_part_that_stays_refused_is_a_value_and_the_others_are_kept(ground: Ground) -> None:
    ids = ground.drive.generate_ids(2)
    made = ground.folder()
    ground.plan("503", "files.create")
    results = ground.drive.batch([CreateFolder(ids[0], "f", None, ours()), Get(made)])
    assert type(results[0]).__name__ == "Busy"
    assert entry(results[1]).id == made


def test_an_outage_between_two_rounds_of_a_batch_loses_no_result(ground: Ground) -> None:
    ids = ground.drive.generate_ids(4)
    ground.plan("rate", "files.create", times=2)
    ground.server.log.clear()
    true_request = LocalWire.request

    def request(self: LocalWire, method: str, uri: str, *rest: object) -> Reply:
        if ground.server.log.count("batch"):
            raise ConnectionResetError
        return true_request(self, method, uri, *rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalWire, "request", request)
        results = ground.drive.batch([CreateFolder(each, "f", None, ours()) for each in ids])
    kinds = sorted(type(result).__name__ for result in results)
    assert kinds == ["Offline", "Offline", "RemoteEntry", "RemoteEntry"]


def test_a_token_that_ends_within_a_batch_is_renewed_once(ground: Ground) -> None:
    ids = ground.drive.generate_ids(4)
    ground.plan("401", "files.create", times=3)
    results = ground.drive.batch([CreateFolder(each, "f", None, ours()) for each in ids])
    assert [entry(result).id for result in results] == ids
    assert ground.tokens.renewed == 1
    ground.plan("401", "files.get")
    with pytest.raises(AuthExpired):
        ground.drive.batch([Get(ids[0])])
    assert ground.tokens.renewed == 2


def test_what_concerns_all_ends_a_batch(ground: Ground) -> None:
    ids = ground.drive.generate_ids(2)
    ground.plan("storage", "files.create", nth=2)
    with pytest.raises(DriveFull):
        ground.drive.batch([CreateFolder(each, "f", None, ours()) for each in ids])
    ground.plan("policy", "files.create", nth=1, reason="numChildrenInNonRootLimitExceeded")
    (limit,) = ground.drive.batch([CreateFolder(ids[1], "g", None, ours())])
    assert isinstance(limit, TreeLimit | Exists)


def test_a_batch_whose_own_reply_is_nonsense_is_sent_again(ground: Ground) -> None:
    made = ground.folder()
    ground.plan("not_json", "batch", times=1)
    ground.plan("truncated", "batch", times=1)
    (result,) = ground.drive.batch([Get(made)])
    assert entry(result).id == made
    ground.server.faults.assert_all_fired()


def test_search_pages_and_quotes(ground: Ground) -> None:
    parent = ground.folder()
    name = r"it's \ 'fun'"
    made = ground.drive.create_file(NewFile(ground.drive.generate_ids(1)[0], name, parent, 0), b"")
    page = ground.drive.search(f"name = {quote(name)} and {quote(parent)} in parents")
    assert [each.id for each in page.entries] == [made.id]
    assert page.next is None


def test_the_feed_tells_of_changes_and_removals(ground: Ground) -> None:
    start = ground.drive.start_token()
    parent = ground.folder()
    made = ground.drive.create_file(ground.new("a", parent), b"one")
    page = ground.drive.changes(start)
    assert {each.id for each in page.entries} == {parent, made.id}
    assert page.next is None
    assert page.new_start is not None
    ground.transport.send(
        Call("DELETE", f"{ROOT}/drive/v3/files/{made.id}", "files.delete", accept=frozenset({204})),
        lambda reply: reply,
    )
    removed = ground.drive.changes(page.new_start).entries
    assert [(each.id, each.deleted) for each in removed] == [(made.id, True)]


def test_a_token_that_the_feed_does_not_know(ground: Ground) -> None:
    with pytest.raises(FeedTokenRefused):
        ground.drive.changes("nonsense")
    token = ground.drive.start_token()
    ground.plan("page_token", "changes.list")
    with pytest.raises(FeedTokenRefused):
        ground.drive.changes(token)


@pytest.mark.parametrize("kind", ["truncated", "not_json", "wrong_json", "cut", "lost", "redirect"])
@pytest.mark.parametrize("endpoint", ["about.get", "changes.list", "files.list", "files.get"])
def test_a_reply_that_makes_no_sense_is_asked_for_again(
    ground: Ground, endpoint: str, kind: str
) -> None:
    made = ground.folder()
    token = ground.drive.start_token()
    ground.plan(kind, endpoint, times=2)
    asks: dict[str, Callable[[], object]] = {
        "about.get": ground.drive.about,
        "changes.list": lambda: ground.drive.changes(token),
        "files.list": lambda: ground.drive.search("trashed = false"),
        "files.get": lambda: ground.drive.get(made),
    }
    ask = asks[endpoint]
    expected = ask()
    ground.server.faults.assert_all_fired()
    assert ask() == expected
    ground.plan(kind, endpoint)
    with pytest.raises(Offline):
        ask()


def test_units_and_requests_are_counted_as_drive_counts_them(ground: Ground) -> None:
    parent = ground.folder()
    new = ground.new("a", parent)
    ground.drive.create_file(new, b"one")
    ground.drive.replace_file(Patch(new.id, name="a"), b"two")
    ground.drive.batch([Get(new.id), Patch(new.id, name="b"), ListRevisions(new.id)])
    ground.drive.search("trashed = false")
    ground.drive.changes(ground.drive.start_token())
    ground.drive.about()
    traffic = ground.transport.traffic
    log = ground.server.log
    assert traffic.requests == log.count()
    assert traffic.inner == log.inner_counts().total()
    assert traffic.units == log.units()
    assert traffic.retries == 0


class Played:
    """A wire that answers everything with one body."""

    def __init__(self, *bodies: object) -> None:
        self._bodies = list(bodies)
        self.sent: list[str] = []

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        self.sent.append(uri)
        said = self._bodies.pop(0) if len(self._bodies) > 1 else self._bodies[0]
        return Reply(200, {}, json.dumps(said).encode())

    def close(self) -> None:
        pass


def play(ground: Ground, *bodies: object) -> Played:
    wire = Played(*bodies)
    ground.transport._new_wire = lambda: wire
    ground.transport.close()
    return wire


REVISION = {"id": "r", "modifiedTime": "2026-01-01T00:00:00Z"}


def test_revisions_come_in_pages(ground: Ground) -> None:
    one, two = REVISION, {**REVISION, "id": "s"}
    wire = play(ground, {"revisions": [one], "nextPageToken": "2"}, {"revisions": [two]})
    assert [each.id for each in ground.drive.revisions(FileId("f"))] == ["r", "s"]
    assert ["pageToken=2" in uri for uri in wire.sent] == [False, True]


@pytest.mark.parametrize(
    ("ask", "body"),
    [
        (lambda drive: drive.search("q"), {"files": [], "incompleteSearch": True}),
        (lambda drive: drive.search("q"), {"files": {}}),
        (lambda drive: drive.changes("t"), {"changes": []}),
        (lambda drive: drive.generate_ids(2), {"ids": ["a", "a"]}),
        (lambda drive: drive.generate_ids(2), {"ids": ["a", 7]}),
        (lambda drive: drive.generate_ids(2), {"ids": ["a"]}),
        (lambda drive: drive.start_token(), {"startPageToken": 7}),
        (
            lambda drive: drive.get(FileId("a")),
            {**REVISION, "name": "n", "version": "1"},
        ),
    ],
)
def test_a_reply_to_another_question_is_no_answer(
    ground: Ground, ask: Callable[[Drive], object], body: object
) -> None:
    play(ground, body)
    with pytest.raises(Offline):
        ask(ground.drive)
