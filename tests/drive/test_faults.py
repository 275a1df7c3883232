"""Every call of ours under every fault of HTTP that passes: what must hold afterwards."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import FileId, RemoteEntry
from jupyter_drive_sync.drive.api import quote
from jupyter_drive_sync.drive.types import CreateFolder, NewFile, Patch, PinRevision, Revision
from jupyter_drive_sync.drive.upload import Uploads
from jupyter_drive_sync.drive.wire import Reply
from jupyter_drive_sync.errors import Exists
from tests.drive.ground import Ground, ours, stand
from tests.drive.test_upload import Keys
from tests.virtual_clock import VirtualClock

PASSING: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "F1 refused": ("refused", {}),
    "F2 hang": ("hang", {}),
    "F3 lost": ("lost", {}),
    "F4 cut": ("cut", {}),
    "F5 drip": ("drip", {}),
    "F9 rate": ("rate", {}),
    "F10 rate, but done": ("rate", {"done": True}),
    "F17 429": ("429", {}),
    "F17 429 and when": ("429", {"retry_after": 30}),
    "F18 500": ("500", {}),
    "F18 502": ("502", {}),
    "F18 503": ("503", {}),
    "F18 504": ("504", {}),
    "F18 503, but done": ("503", {"done": True}),
    "F19 truncated": ("truncated", {}),
    "F19 a portal": ("not_json", {}),
    "F19 other JSON": ("wrong_json", {}),
    "F21 redirect": ("redirect", {}),
}


@dataclass
class Scene:
    """A folder with a file, and what one call is to do with it."""

    ground: Ground
    parent: FileId
    file: RemoteEntry
    new: NewFile
    settled: dict[str, object] = field(default_factory=dict)

    def create_file(self) -> None:
        try:
            made = self.ground.drive.create_file(self.new, b"new")
        except Exists:  # an earlier try had made it, and its reply was lost
            made = self.ground.drive.get(self.new.id)
        assert (made.nonce, self.ground.content(made.id)) == ("n2", b"new")

    def create_folder(self) -> None:
        (result,) = self.ground.drive.batch(
            [CreateFolder(self.new.id, self.new.name, self.parent, ours("n2"))]
        )
        if isinstance(result, Exists):
            result = self.ground.drive.get(self.new.id)
        assert isinstance(result, RemoteEntry)
        assert result.nonce == "n2"

    def replace_file(self) -> None:
        change = Patch(self.file.id, name="old", app={"w": "n2"})
        assert self.ground.drive.replace_file(change, b"new").nonce == "n2"
        assert self.ground.content(self.file.id) == b"new"

    def patch(self) -> None:
        (result,) = self.ground.drive.batch([Patch(self.file.id, name="renamed", trashed=True)])
        assert isinstance(result, RemoteEntry)
        assert (result.name, result.trashed) == ("renamed", True)

    def pin(self) -> None:
        (result,) = self.ground.drive.batch([PinRevision(self.file.id, self.file.revision)])
        assert isinstance(result, Revision)
        assert result.pinned

    def revisions(self) -> None:
        assert [each.id for each in self.ground.drive.revisions(self.file.id)]

    def generate_ids(self) -> None:
        assert len(self.ground.drive.generate_ids(7)) == 7

    def start_token(self) -> None:
        assert self.ground.drive.start_token()

    def changes(self) -> None:
        page = self.ground.drive.changes(str(self.settled["token"]))
        assert self.file.id in {each.id for each in page.entries}

    def search(self) -> None:
        assert len(self.ground.drive.search("trashed = false").entries) == 2

    def about(self) -> None:
        assert self.ground.drive.about().email

    def get(self) -> None:
        assert self.ground.drive.get(self.file.id) == self.file


CALLS: Mapping[str, tuple[str, Callable[[Scene], None]]] = {
    "create a file": ("files.create", Scene.create_file),
    "create a folder": ("files.create", Scene.create_folder),
    "replace": ("files.update", Scene.replace_file),
    "patch": ("files.update", Scene.patch),
    "pin": ("revisions.update", Scene.pin),
    "revisions": ("revisions.list", Scene.revisions),
    "a batch as a whole": ("batch", Scene.create_folder),
    "ids": ("files.generateIds", Scene.generate_ids),
    "start token": ("changes.getStartPageToken", Scene.start_token),
    "changes": ("changes.list", Scene.changes),
    "search": ("files.list", Scene.search),
    "about": ("about.get", Scene.about),
    "get": ("files.get", Scene.get),
}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("call", CALLS)
def test_what_passes_leaves_one_object_and_no_error(ground: Ground, call: str, fault: str) -> None:
    token = ground.drive.start_token()
    parent = ground.folder()
    file = ground.drive.create_file(ground.new("old", parent), b"old")
    scene = Scene(ground, parent, file, ground.new("new", parent, "n2"), {"token": token})
    endpoint, act = CALLS[call]
    kind, more = PASSING[fault]
    if call in ("create a folder", "patch", "pin") and kind in ("lost", "hang", "refused", "cut"):
        endpoint = "batch"  # the parts of a batch share its connection
    ground.plan(kind, endpoint, times=1, **more)
    act(scene)
    ground.server.faults.assert_all_fired()
    ground.server.faults.clear()
    live = Counter(each.name for each in ground.drive.search(f"{quote(parent)} in parents").entries)
    assert max(live.values()) == 1
    assert sum(live.values()) == (2 if "create" in call or call == "a batch as a whole" else 1)


def test_a_fifth_of_all_requests_failing_is_lived_with(clock: VirtualClock) -> None:
    ground = stand(clock, seed=3)
    with ground.server:
        parent = ground.folder()
        ground.plan("503", probability=0.1)
        ground.plan("lost", probability=0.1)
        for number in range(60):
            new = ground.new(f"f{number}", parent)
            try:
                ground.drive.create_file(new, b"%d" % number)
            except Exists:
                assert ground.drive.get(new.id).nonce == "n1"
        ground.server.faults.clear()
        found = ground.drive.search(f"{quote(parent)} in parents").entries
    assert sorted(each.name for each in found) == sorted(f"f{number}" for number in range(60))


def test_many_threads_share_one_transport(clock: VirtualClock) -> None:
    ground = stand(clock, settings=Settings(concurrency=8))
    with ground.server:
        parent = ground.folder()
        news = [ground.new(f"f{number}", parent) for number in range(80)]
        ground.plan("503", "files.create", every=7)
        ground.plan("rate", "files.create", every=11)
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda new: ground.drive.create_file(new, b"x"), news))
        assert [each.id for each in made] == [new.id for new in news]
        assert ground.transport.traffic.requests == ground.server.log.count()
        ground.transport.close()


class Sink:
    """A wire to a Drive that keeps every chunk's size and nothing else."""

    def __init__(self, new: NewFile) -> None:
        self._new = new
        self.kept = 0

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        if method == "POST":
            return Reply(200, {"location": "http://127.0.0.1:9/upload?upload_id=1"})
        extent, _, size = headers["content-range"].removeprefix("bytes ").partition("/")
        self.kept = int(extent.partition("-")[2]) + 1
        if self.kept < int(size):
            return Reply(308, {"range": f"bytes=0-{self.kept - 1}"})
        body = (
            f'{{"id": "{self._new.id}", "name": "n", "version": "1", "size": "{size}",'
            '"modifiedTime": "2026-01-01T00:00:00.000Z"}'
        ).encode()
        return Reply(200, {}, body)

    def close(self) -> None:
        pass


class Zeros:
    """A large file that is never held."""

    def read_at(self, offset: int, size: int) -> bytes:
        return bytes(size)

    def settled(self) -> None:
        pass


def test_a_large_upload_holds_one_chunk_in_memory(clock: VirtualClock) -> None:
    ground = stand(clock)
    chunk, size = 1 << 20, 100 << 20
    with ground.server:
        new = ground.new("n", ground.folder())
        sink = Sink(new)
        ground.transport._new_wire = lambda: sink
        ground.transport._on_request = lambda _call: None  # the ground keeps every call
        ground.transport.close()
        uploads = Uploads(ground.drive, Keys(), chunk)
        tracemalloc.start()
        try:
            uploads.send("k", new, Zeros(), size)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert sink.kept == size
    assert peak < 3 * chunk
