"""The rows: every request that the program makes, and the pass or job in which it makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_drive_sync.drive.wire import Reply, Wire
from jupyter_drive_sync.localdrive.faults import Fault
from tests.matrix.bench import Bench

GRANULE = 256 * 1024
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Row:
    """One request of the program.

    Attributes:
        name: how table and tests call it: the endpoint, and what for.
        endpoint: its name in LocalDrive.
        act: lets the person do what makes the next pass send it; told how often it was called.
        inner: whether it travels in a batch.
        nth: which of the pass's requests of that endpoint it is.
        nth_after: the same, where the fault strikes after the effect.
        also: faults that have to happen for it to be sent at all.
        settings: of the home.
    """

    name: str
    endpoint: str
    act: Callable[[Bench, int], None]
    inner: bool | None = None
    nth: int = 1
    nth_after: int = 0
    also: tuple[Fault, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def fill(bench: Bench) -> None:
    """Write the home that everything begins with, and mirror it."""
    for number in range(12):
        bench.write(f"d/f{number:02}.txt", f"content {number}")
    bench.write("big.bin", bytes(range(256)) * 2500)
    ended = bench.run()
    assert ended.outcome == "completed", ended
    bench.run()


def large(number: int) -> bytes:
    """Make content of three chunks."""
    return bytes([number + 1]) * (2 * GRANULE + 1000)


def lose_the_ledger(bench: Bench, number: int) -> None:
    (bench.state / "ledger.sqlite").unlink()
    bench.write("d/f00.txt", f"after the loss {number}")


def change_one(bench: Bench, number: int) -> None:
    bench.write("d/f00.txt", f"changed {number}")


def change_two(bench: Bench, number: int) -> None:
    change_one(bench, number)
    bench.write("d/f01.txt", f"changed too {number}")


def add_one(bench: Bench, number: int) -> None:
    bench.write(f"d/new{number}.txt", f"new {number}")


def add_a_folder(bench: Bench, number: int) -> None:
    bench.write(f"d/sub{number}/new.txt", f"new in a folder {number}")


def rename_one(bench: Bench, number: int) -> None:
    (bench.home / f"d/f{2 + number:02}.txt").rename(bench.home / f"d/renamed{number}.txt")


def delete_one(bench: Bench, number: int) -> None:
    (bench.home / f"d/f{4 + number:02}.txt").unlink()


def both_edit(bench: Bench, number: int) -> None:
    edit = f"edited on Drive {number}".encode()
    bench.edit_on_drive("d/f06.txt", edit)
    bench.remember([edit])
    bench.write("d/f06.txt", f"edited here too {number}")


def leave_something_on_its_way(bench: Bench, number: int) -> None:
    add_one(bench, number)
    change_one(bench, number)
    bench.server.faults.add(Fault("refused", "files.[cu]*", inner=False))
    assert bench.run().code == "net.offline"
    bench.server.faults.assert_all_fired()
    bench.server.faults.clear()


def a_week_passes(bench: Bench, number: int) -> None:
    change_one(bench, number)
    assert bench.run().outcome == "completed"
    bench.clock.advance(8 * DAY)


def add_a_large_one(bench: Bench, number: int) -> None:
    bench.write(f"d/large{number}.bin", large(number))


def change_the_large_one(bench: Bench, number: int) -> None:
    bench.write("big.bin", large(number))


class Appends:
    """Appends to a file while its second chunk travels."""

    def __init__(self, wire: Wire, bench: Bench, name: str) -> None:
        self._wire = wire
        self._bench = bench
        self._name = name

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        reply = self._wire.request(method, uri, headers, body)
        if headers.get("content-range", "").startswith("bytes 0-"):
            content = (self._bench.home / self._name).read_bytes()
            self._bench.write(self._name, content[:-5] + b"other")
        return reply

    def close(self) -> None:
        self._wire.close()


def change_while_it_is_sent(bench: Bench, number: int) -> None:
    add_a_large_one(bench, number)
    bench.wrap = lambda wire: Appends(wire, bench, f"d/large{number}.bin")


def let_the_token_grow_old(bench: Bench, number: int) -> None:
    bench.clock.advance(2 * 3600)
    change_one(bench, number)


CHUNKS = {"small_file": 4 * GRANULE // 8, "chunk_size": GRANULE}
LOST_ONCE = Fault("lost", "files.create", times=1, inner=False)
LOST_CHUNK = Fault("lost", "upload.put", nth=2)

PASSES = (
    Row("changes.getStartPageToken", "changes.getStartPageToken", lose_the_ledger),
    Row("files.list", "files.list", lose_the_ledger),
    Row("changes.list", "changes.list", change_one),
    Row("files.generateIds", "files.generateIds", add_one),
    Row("batch", "batch", add_a_folder),
    Row("files.create, folder", "files.create", add_a_folder, inner=True),
    Row("files.update, rename", "files.update", rename_one, inner=True),
    Row("files.update, trash", "files.update", delete_one, inner=True),
    Row("revisions.update, pin", "revisions.update", both_edit, inner=True),
    Row("files.get, what was on its way", "files.get", leave_something_on_its_way, inner=True),
    Row(
        "revisions.list, weekly",
        "revisions.list",
        a_week_passes,
        inner=True,
        settings={"verify_days": 7},
    ),
    Row("files.get, after a 409", "files.get", add_one, inner=False, also=(LOST_ONCE,)),
    Row("files.create, content", "files.create", add_one, inner=False),
    Row("files.update, content", "files.update", change_two, inner=False),
    Row("files.create, session", "files.create", add_a_large_one, inner=False, settings=CHUNKS),
    Row(
        "files.update, session", "files.update", change_the_large_one, inner=False, settings=CHUNKS
    ),
    Row("upload.put, chunk", "upload.put", add_a_large_one, nth=2, settings=CHUNKS),
    Row("upload.put, last chunk", "upload.put", change_the_large_one, nth=3, settings=CHUNKS),
    Row(
        "upload.put, question",
        "upload.put",
        add_a_large_one,
        nth=3,
        nth_after=2,
        also=(LOST_CHUNK,),
        settings=CHUNKS,
    ),
    Row("upload.cancel", "upload.cancel", change_while_it_is_sent, settings=CHUNKS),
    Row("oauth.token, refresh", "oauth.token", let_the_token_grow_old),
)
"""What a pass sends."""
