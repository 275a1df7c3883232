"""Faults F49, F50, F62: what the owner and others do on Drive, also in the middle of a pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.core.tree import FileId
from jupyter_drive_sync.drive.transport import Call
from jupyter_drive_sync.drive.wire import Reply, Wire
from tests.drive.ground import ROOT
from tests.engine.world import World

BEN = "ben@example.edu"


class Meddler:
    """Lets the person act once, after so many requests of a pass."""

    def __init__(self, wire: Wire, after: list[int], act: Callable[[], None]) -> None:
        self._wire = wire
        self._after = after
        self._act = act

    def request(
        self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        self._after[0] -= 1
        if self._after[0] == 0:
            self._act()
        return self._wire.request(method, uri, headers, body)

    def close(self) -> None:
        self._wire.close()


def rename(world: World) -> None:
    world.change_on_drive(world.remote()["d/f1.txt"].id, name="renamed by hand.txt")


def move_out(world: World) -> None:
    entry = world.remote()["d/f2.txt"]
    world.change_on_drive(entry.id, add_parent=_my_drive(world), remove_parent=entry.parent)


def edit(world: World) -> None:
    world.edit_on_drive("d/f3.txt", b"edited by hand")


def trash(world: World) -> None:
    world.change_on_drive(world.remote()["d/f4.txt"].id, trashed=True)


def trash_the_folder(world: World) -> None:
    world.change_on_drive(FileId(str(world.remote()["d/f4.txt"].parent)), trashed=True)


def delete(world: World) -> None:
    world.delete_on_drive(world.remote()["d/f5.txt"].id)


def share(world: World) -> None:
    give(world, world.root)


def _my_drive(world: World) -> FileId:
    (root,) = {
        file.id for file in world.server.model.files.values() if file.name == "My Drive"
        and file.owner.startswith("ann")
    }  # fmt: skip
    return FileId(root)


def give(world: World, file_id: str) -> None:
    """Share something with Ben."""
    call = Call(
        "POST",
        f"{ROOT}/drive/v3/files/{file_id}/permissions",
        "permissions.create",
        {"content-type": "application/json"},
        json.dumps({"type": "user", "role": "writer", "emailAddress": BEN}).encode(),
    )
    world.person.transport.send(call, lambda reply: reply)


DEEDS = [rename, move_out, edit, trash, trash_the_folder, delete, share]


@pytest.mark.parametrize("after", [1, 2, 3, 5])
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: str(deed.__name__))
def test_in_the_middle_of_a_pass(world: World, deed: Callable[[World], None], after: int) -> None:
    """F49: whatever the person does while we write, two passes later all is in order."""
    for number in range(8):
        world.write(f"d/f{number}.txt", f"content {number}")
    world.sync()
    for number in (0, 3, 6):
        world.write(f"d/f{number}.txt", f"changed {number}")
    world.write("e/new.txt", "new")
    left = [after]
    world.wrap = lambda wire: Meddler(wire, left, lambda: deed(world))
    world.sync()
    assert left[0] <= 0, "the pass was over before the person acted"
    world.wrap = lambda wire: wire
    world.sync()
    world.sync()
    world.assert_no_twins()
    mirrored, local = world.mirrored(), world.local()
    # An edit of a file that did not change here afterwards is theirs to keep; it is listed.
    newer = {path for path in local if mirrored.get(path) != local[path]}
    assert newer <= ({"d/f3.txt"} if deed is edit else set())
    revisions = [
        b"".join(world.server.model.blobs.read(revision.blob, 0, revision.size))
        for file in world.server.model.files.values()
        for revision in file.revisions
    ]
    if deed is edit:
        assert b"edited by hand" in revisions


def test_the_root_is_trashed_in_the_middle_of_a_pass(world: World) -> None:
    for number in range(8):
        world.write(f"d/f{number}.txt", f"content {number}")
    world.sync()
    world.write("d/f0.txt", "changed")
    world.write("d/f1.txt", "changed")
    root = world.root
    left = [3]
    world.wrap = lambda wire: Meddler(wire, left, lambda: world.change_on_drive(root, trashed=True))
    world.sync()
    world.wrap = lambda wire: wire
    from jupyter_drive_sync.errors import MirrorHeld  # noqa: PLC0415

    with pytest.raises(MirrorHeld) as caught:
        world.sync()
    assert caught.value.code == "held.root_gone"
    world.answer("untrash")
    world.sync()
    world.assert_mirrored()


def make(world: World, **body: object) -> str:
    """Make something as Drive's web page does."""
    call = Call(
        "POST",
        f"{ROOT}/drive/v3/files?fields=id",
        "files.create",
        {"content-type": "application/json"},
        json.dumps(body).encode(),
    )
    return str(world.person.transport.send(call, lambda reply: reply.json()["id"]))


def test_documents_and_shortcuts_inside_the_mirror_are_not_ours(world: World) -> None:
    """F50: a Doc, a shortcut to our file, and two shortcuts to folders that lead in a loop."""
    world.write("d/a.txt", "a")
    world.sync()
    folder = str(world.remote()["d/a.txt"].parent)
    shortcut = "application/vnd.google-apps.shortcut"
    made = [
        make(world, name="Notes", mimeType="application/vnd.google-apps.document",
             parents=[folder]),
        make(world, name="a.txt", mimeType=shortcut, parents=[folder],
             shortcutDetails={"targetId": world.remote()["d/a.txt"].id}),
        make(world, name="loop", mimeType=shortcut, parents=[folder],
             shortcutDetails={"targetId": folder}),
        make(world, name="up", mimeType=shortcut, parents=[folder],
             shortcutDetails={"targetId": str(world.root)}),
    ]  # fmt: skip
    before = [world.server.model.files[each] for each in made]
    for change in ("b", "c"):
        world.write("d/a.txt", change)
        assert world.sync().run.outcome == "completed"
    (world.state / "ledger.sqlite").unlink()
    world.write("d/b.txt", "b")
    assert world.sync().run.outcome == "completed"
    world.clock.advance(DAY + 1)  # soon after a rebuild nothing is trashed
    (world.home / "d/a.txt").unlink()
    world.sync()
    assert [world.server.model.files[each] for each in made] == before
    assert world.mirrored() == world.local()


def test_a_shared_folder_inside_the_mirror(world: World) -> None:
    """F62: Ben works in a folder that Ann shared; what is his stays as it is."""
    for number in range(8):
        world.write(f"team/f{number}.txt", f"content {number}")
    world.sync()
    folder = str(world.remote()["team/f0.txt"].parent)
    ours = {path: entry.id for path, entry in world.remote().items()}
    give(world, folder)
    client = world.server.oauth.client_of_kind("desktop").client_id
    scope = ["https://www.googleapis.com/auth/drive"]
    ben = world.server.oauth.grant(BEN, client, scope).access_token
    theirs = json.loads(
        _as(world, ben, "POST", "/drive/v3/files?fields=id",
            {"name": "of ben.txt", "parents": [folder]})
    )["id"]  # fmt: skip
    _as(world, ben, "PATCH", f"/drive/v3/files/{ours['team/f1.txt']}", {"name": "by ben.txt"})
    before = world.server.model.files[theirs]
    world.write("team/f2.txt", "changed")
    (world.home / "team/f3.txt").unlink()
    assert world.sync().run.outcome == "completed"
    world.sync()
    assert world.server.model.files[theirs] == before
    assert world.mirrored() == world.local()
    assert {path: entry.id for path, entry in world.remote().items()} == {
        path: entry for path, entry in ours.items() if path != "team/f3.txt"
    }
    permissions = world.server.model.files[folder].permissions
    assert [each.address for each in permissions] == [BEN]
    (world.home / "team").rename(world.home / "renamed")
    assert world.sync().run.outcome == "completed"
    assert world.server.model.files[theirs].parent == folder


def _as(world: World, token: str, method: str, target: str, body: object) -> bytes:
    from jupyter_drive_sync.localdrive.wire import Request  # noqa: PLC0415

    content = json.dumps(body).encode()
    response = world.server.dispatch(
        Request.make(
            method,
            target,
            headers={
                "authorization": f"Bearer {token}",
                "content-type": "application/json",
                "content-length": str(len(content)),
            },
            body=content,
            base_url=ROOT,
        )
    )
    assert response.status == 200, response.content()
    return response.content()
