"""What is not the same here and on Drive, the mirror as a tree, and what could be taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_drive_sync.core.tree import RelPath, Standing
from jupyter_drive_sync.engine.apart import KINDS, apart, children
from jupyter_drive_sync.engine.undoable import Undoable
from jupyter_drive_sync.errors import NothingToUndo
from tests.engine.world import World


def kinds(world: World) -> dict[str, list[str]]:
    with world.ledger() as ledger:
        found = {kind: [file.path for file in apart(ledger, kind)] for kind in KINDS}
    return {kind: paths for kind, paths in found.items() if paths}


def undoable(world: World, run: int | None = None) -> Undoable:
    with world.ledger() as ledger:
        return Undoable.of(ledger, ledger.get("home"), run)


class TestApart:
    """Files that differ."""

    def test_nothing_where_all_is_synced(self, world: World) -> None:
        world.write("a.txt", "one", age=60)
        world.sync()
        assert kinds(world) == {}

    def test_newer_on_drive_then_replaced(self, world: World) -> None:
        world.write("a.txt", "one", age=60)
        world.sync()
        world.edit_on_drive("a.txt", b"theirs")
        world.sync()
        assert kinds(world) == {"newer": ["a.txt"]}
        with world.ledger() as ledger:
            (newer,) = apart(ledger, "newer")
        assert (newer.size, newer.revision) == (6, "")
        assert newer.at is not None
        assert newer.link.endswith("/view")
        world.write("a.txt", "mine again", age=0)
        world.sync()
        assert kinds(world) == {"replaced": ["a.txt"]}
        with world.ledger() as ledger:
            (edit,) = apart(ledger, "replaced")
        assert edit.revision
        assert edit.kept
        assert edit.size == 6

    @pytest.mark.parametrize(
        ("standing", "kind"),
        [
            (Standing.ARCHIVED, "archived"),
            (Standing.UNCLAIMED, "unclaimed"),
            (Standing.DECLINED, "declined"),
        ],
    )
    def test_by_standing(self, world: World, standing: Standing, kind: str) -> None:
        world.write("a.txt", "one", age=60)
        world.sync()
        with world.ledger() as ledger:
            entry = ledger.file_at(RelPath("a.txt"))
            assert entry is not None
            ledger.put([replace(entry, standing=standing)])
            (found,) = apart(ledger, kind)  # type: ignore[arg-type]
        assert kinds(world) == {kind: ["a.txt"]}
        assert found.size == 3
        assert bool(found.link) == (kind != "declined")

    def test_without_a_mirror_there_is_no_address(self, world: World) -> None:
        with world.ledger() as ledger:
            assert [apart(ledger, kind) for kind in KINDS] == [[]] * len(KINDS)
            assert children(ledger, RelPath("")) == []


class TestTree:
    """The mirror, folder by folder."""

    def test_folders_first(self, world: World) -> None:
        world.write("b.txt", "12", age=60)
        world.write("Z/a.txt", "1", age=60)
        world.write("c/d/e.txt", "1", age=60)
        world.sync()
        with world.ledger() as ledger:
            top = children(ledger, RelPath(""))
            assert [(child.name, child.folder, child.size) for child in top] == [
                ("c", True, 0),
                ("Z", True, 0),
                ("b.txt", False, 2),
            ]
            assert all(child.here for child in top)
            assert [child.path for child in children(ledger, RelPath("c"))] == ["c/d"]
            assert [child.path for child in children(ledger, RelPath("c/d"))] == ["c/d/e.txt"]
            assert children(ledger, RelPath("nowhere")) == []
            assert children(ledger, RelPath("b.txt")) == []


class TestUndoable:
    """What a run did that could be taken back."""

    def test_the_last_run_that_did_something(self, world: World) -> None:
        with world.ledger() as ledger, pytest.raises(NothingToUndo, match="no sync of this"):
            Undoable.of(ledger, "another")
        world.write("a.txt", "one", age=60)
        world.write("b.txt", "one", age=60)
        world.sync()
        world.write("a.txt", "two", age=30)
        world.write("c.txt", "new", age=30)
        (world.home / "b.txt").unlink()
        world.sync()
        world.clock.advance(60)
        world.sync()
        found = undoable(world)
        assert found.replaced == ("a.txt",)
        assert found.stays == {"uploaded": 1}
        assert [item.path for item in found.trashed] == ["b.txt"]
        assert undoable(world, found.run) == found

    def test_what_is_no_run(self, world: World) -> None:
        world.write("a.txt", "one", age=60)
        world.sync()
        with pytest.raises(NothingToUndo, match="There is no run 99"):
            undoable(world, 99)
