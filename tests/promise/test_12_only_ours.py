"""Promise 12: we see and touch only what we made, and write nothing in the home."""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_drive_sync.core.tree import FileId, Kind, RemoteEntry
from jupyter_drive_sync.drive.types import CreateFolder, NewFile
from tests.engine.world import World


def stranger(world: World, name: str, parent: FileId) -> FileId:
    """Let the person make a file with another program: it has no marks of ours."""
    (file_id,) = world.foreign.generate_ids(1)
    world.foreign.create_file(NewFile(file_id, name, parent, 1_500_000_000_000), b"theirs")
    return file_id


def strange_folder(world: World, name: str, parent: FileId | None) -> FileId:
    (folder_id,) = world.foreign.generate_ids(1)
    world.foreign.batch([CreateFolder(folder_id, name, parent)])
    return folder_id


def all_of(world: World) -> dict[str, RemoteEntry]:
    return {entry.id: entry for entry in world.everything()}


def test_the_scope_shows_nothing_else(world: World) -> None:
    folder = strange_folder(world, "home", None)
    stranger(world, "a.txt", folder)
    world.write("a.txt", "mine")
    world.sync()
    ours = world.connect()
    seen = ours.search("trashed = false", None).entries
    assert all(entry.ours for entry in seen)


def test_a_folder_of_the_same_name_that_somebody_made_is_left_alone(world: World) -> None:
    folder = strange_folder(world, "home", None)
    inner = strange_folder(world, "ann", folder)
    theirs = stranger(world, "a.txt", inner)
    before = all_of(world)
    world.write("a.txt", "mine")
    world.sync()
    after = all_of(world)
    for file_id in (folder, inner, theirs):
        assert after[file_id] == before[file_id]
    assert world.mirrored() == world.local()


def test_strangers_inside_the_mirror_outlive_everything(world: World) -> None:
    for number in range(8):
        world.write(f"d/f{number}.txt", f"{number}")
    world.sync()
    folders = {e.name: e.id for e in world.objects() if e.kind is Kind.FOLDER}
    inside = stranger(world, "f0.txt", folders["d"])
    beside = stranger(world, "notes.gdoc", world.root)
    before = all_of(world)
    world.write("d/f0.txt", "changed")
    (world.home / "d/f1.txt").unlink()
    world.sync()
    (world.home / "d").rename(world.home / "e")
    world.sync()
    (world.state / "ledger.sqlite").unlink()
    world.sync()
    after = all_of(world)
    assert after[inside] == before[inside]
    assert after[beside] == before[beside]
    assert world.download(inside) == b"theirs"


def test_a_persons_copy_of_our_file_is_theirs(world: World) -> None:
    """A copy in Drive's web page carries our marks, but nobody asked us to mirror it."""
    world.write("a.txt", "mine")
    world.sync()
    copy = world.copy_on_drive("a.txt", "Copy of a.txt")
    for _ in range(3):
        report = world.sync()
        assert report.run.outcome == "completed"
    assert world.download(copy) == b"mine"
    world.write("a.txt", "changed")
    world.sync()
    assert world.download(copy) == b"mine"
    assert world.content("a.txt") == b"changed"


def test_the_root_may_be_renamed_and_moved(world: World) -> None:
    world.write("a.txt", "one")
    world.sync()
    folder = strange_folder(world, "Semester 1", None)
    chain = {entry.id: entry for entry in world.everything()}
    world.change_on_drive(
        world.root, name="My notebooks", add_parent=folder,
        remove_parent=chain[world.root].parent,
    )  # fmt: skip
    world.write("b.txt", "two")
    world.sync()
    world.assert_mirrored()
    root = {entry.id: entry for entry in world.everything()}[world.root]
    assert (root.name, root.parent) == ("My notebooks", folder)


def test_nothing_is_written_in_the_home(world: World) -> None:
    def all_files(root: Path) -> dict[str, tuple[float, int]]:
        return {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_ino)
            for path in [root, *sorted(root.rglob("*"))]
        }

    world.write("d/a.txt", "one")
    world.write("b.bin", b"x" * 6_000_000)
    before = all_files(world.home)
    for _ in range(2):
        world.sync()
    world.edit_on_drive("d/a.txt", b"theirs")
    world.sync()
    assert all_files(world.home) == before


def test_what_lies_in_the_state_folder_is_for_its_owner_alone(world: World) -> None:
    world.write("a.bin", b"x" * 6_000_000)
    world.sync()
    assert world.state.stat().st_mode & 0o777 == 0o700
    for path in world.state.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_state_folder_inside_the_home_never_leaves(world: World) -> None:
    world.inside = True
    world.state.mkdir(parents=True, mode=0o700)
    world.write("a.txt", "one")
    report = world.sync()
    assert set(world.remote()) == {"a.txt"}
    assert any(o.path.startswith(".local") for o in report.outcomes if o.outcome == "left_out")


def test_no_token_is_in_the_ledger_or_on_drive(world: World) -> None:
    world.write("a.txt", "one")
    world.write("client_secret_1.json", json.dumps({"installed": {}}))
    world.write(".ssh/id_ed25519", "PRIVATE")
    world.sync()
    assert set(world.remote()) == {"a.txt"}
    token = world.token.encode()
    assert token
    for path in world.state.iterdir():
        if path.name != "secrets.json":
            assert token not in path.read_bytes(), path
