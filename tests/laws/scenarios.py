"""What is there before the pass that dies, and what that pass has to do: one function each."""

from __future__ import annotations

import hashlib
import stat as bits
from collections.abc import Callable

from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.localdrive.metadata import Patch
from jupyter_drive_sync.localdrive.model import Content
from tests.sim.simulation import Simulation
from tests.sim.steps import Step

KIB = 1024


class Stage:
    """A simulation, in the words of scenarios."""

    def __init__(self, simulation: Simulation) -> None:
        self.sim = simulation
        self.fs = simulation.first.fs

    def write(self, *paths: str, content: bytes | None = None) -> None:
        """Write files, each with a content of its own; folders are made on the way."""
        for path in paths:
            parts = path.split("/")
            for depth in range(1, len(parts)):
                folder = "/".join(parts[:depth])
                if self.fs.node(folder) is None:
                    self.fs.make(folder, bits.S_IFDIR | 0o755)
            data = self.sim.writer.content(1) if content is None else content
            self.sim.writer.whole.add(hashlib.md5(data, usedforsecurity=False).hexdigest())
            self.fs.write(path, data)

    def sync(self) -> None:
        """Run a pass that nothing disturbs."""
        self.sim.clock.advance(60)
        self.sim.fly(self.sim.first)

    def there(self, path: str) -> str:
        """Return the id of a mirrored file or folder."""
        book = self.sim.first.book()
        if path in book.mirrored:
            return book.mirrored[path][0]
        here = book.root
        for name in path.split("/"):
            here = next(
                file.id
                for file in self.sim.server.model.files.values()
                if file.parent == here and file.name == name
            )
        return here

    def on_drive(self, path: str, patch: Patch | None = None, *, edit: bool = False) -> None:
        """Change something as its owner does in a browser."""
        model, there = self.sim.server.model, self.sim.there
        file = model.files[self.there(path)]
        content = None
        if edit:
            data = self.sim.writer.content(1)
            content = Content(model.blobs.keep(model.token(28), data), None)
        there._change(file, patch or Patch(), content)
        self.sim.clock.advance(1)

    def move_out(self, path: str) -> None:
        """Move something out of the mirror."""
        there = self.sim.there
        file = self.sim.server.model.files[self.there(path)]
        there._move(file, self.sim.server.model.account(there.viewer.account).root)

    def delete_there(self, path: str) -> None:
        """Delete something on Drive for good."""
        self.sim.there._erase([self.sim.server.model.files[self.there(path)]])

    def answer(self, choice: str) -> None:
        """Answer the one hold."""
        ledger, _ = Ledger.open(self.sim.first.state)
        with ledger:
            (hold,) = [hold for hold in ledger.holds() if not hold.answer]
            items = ledger.hold_items(hold.id)
            ledger.answer(hold.id, choice, at=self.sim.clock.wall())
        self.sim.first.taking_over |= choice == "take_over"
        self.sim.first.untrashing |= choice == "untrash"
        if choice == "trash":
            self.sim.first.approved |= {item.id for item in items}

    def other_home(self, *paths: str) -> None:
        """Let another home mirror to the same folder first."""
        self.sim.step(Step("other_home"))
        other = self.sim.steads[1]
        for path in paths:
            other.fs.write(path, self.sim.writer.content(1))
        self.sim.clock.advance(60)
        self.sim.fly(other)


def many(stem: str, count: int) -> list[str]:
    """Name so many files."""
    return [f"{stem}{number}.txt" for number in range(count)]


def first_pass(stage: Stage) -> None:
    stage.write("a.txt", "d/b.txt", "d/e/c.txt", *many("d/f", 44))


def hostile_names(stage: Stage) -> None:
    names = (
        "new\nline",
        "\udcff\udcfe",
        "\u241b1B",
        "n" * 255,
        "x'y",
        "\u00fc",
        "u\u0308",
        "A",
        "a",
    )
    stage.write(*names[2:], *(f"\udcff\udcfe/{name}" for name in names))


def large_file(stage: Stage) -> None:
    stage.write("seed.txt")
    stage.sync()
    stage.write("big.bin", content=hashlib.shake_128(b"big").digest(2 * 256 * KIB + 17))


def replace_large(stage: Stage) -> None:
    large_file(stage)
    stage.sync()
    stage.write("big.bin", content=hashlib.shake_128(b"other").digest(2 * 256 * KIB + 5))


def rename_folder(stage: Stage) -> None:
    stage.write("d/a.txt", "d/e/b.txt", "c.txt")
    stage.sync()
    stage.fs.rename("d", "moved")
    stage.fs.rename("c.txt", "moved/c.txt")


def swap_folders(stage: Stage) -> None:
    stage.write("a/1.txt", "b/2.txt")
    stage.sync()
    stage.fs.rename("a", "x")
    stage.fs.rename("b", "a")
    stage.fs.rename("x", "a/b")


def replace_edited(stage: Stage) -> None:
    stage.write(*many("f", 32))
    stage.sync()
    stage.on_drive("f1.txt", edit=True)
    stage.on_drive("f5.txt", edit=True)
    stage.write(*many("f", 32))


def trash(stage: Stage) -> None:
    stage.write(*(f"f{number}.txt" for number in range(12)))
    stage.sync()
    for number in range(3):
        stage.fs.remove(f"f{number}.txt")


def trash_confirmed(stage: Stage) -> None:
    stage.write(*(f"d/f{number}.txt" for number in range(4)), "a.txt")
    stage.sync()
    stage.fs.remove("d")
    stage.sync()
    stage.answer("trash")


def keep_deleted(stage: Stage) -> None:
    stage.sim.first.set(on_local_delete="keep")
    stage.write("a.txt", "b.txt", "d/c.txt")
    stage.sync()
    stage.fs.remove("a.txt")
    stage.write("b.txt", *many("d/new", 10))


def back_from_the_archive(stage: Stage) -> None:
    keep_deleted(stage)
    stage.sync()
    stage.write("a.txt")


def brought_back(stage: Stage) -> None:
    stage.write("d/a.txt", "d/b.txt", "c.txt")
    stage.sync()
    stage.on_drive("d/a.txt", Patch(trashed=True))
    stage.delete_there("c.txt")


def folder_brought_back(stage: Stage) -> None:
    stage.write("d/a.txt", "d/e/b.txt", "c.txt")
    stage.sync()
    stage.on_drive("d", Patch(trashed=True))
    stage.write("d/e/b.txt", *many("d/e/new", 12))


def put_back(stage: Stage) -> None:
    stage.write("d/a.txt", "d/b.txt", "c.txt")
    stage.sync()
    stage.on_drive("d", Patch(plain={"name": "other"}))
    stage.on_drive("c.txt", Patch(plain={"name": "else.txt"}))


def moved_out(stage: Stage) -> None:
    stage.write(*many("d/f", 12), "c.txt")
    stage.sync()
    stage.move_out("d")
    stage.move_out("c.txt")


def ledger_lost(stage: Stage) -> None:
    stage.write("d/a.txt", "d/b.txt", "c.txt")
    stage.sync()
    (stage.sim.first.state / "ledger.sqlite").unlink()
    stage.write(*many("d/new", 10), "c.txt")


def ledger_old(stage: Stage) -> None:
    stage.write("d/a.txt", "c.txt")
    stage.sync()
    stage.sim.first.keep_state()
    stage.write("d/new.txt", "c.txt")
    stage.sync()
    stage.sim.first.bring_state_back()
    stage.write(*many("d/newer", 26))


def weekly_comparison(stage: Stage) -> None:
    stage.write("d/a.txt", "c.txt")
    stage.sync()
    stage.write("c.txt")
    stage.sync()
    stage.sim.clock.advance(9 * DAY)
    stage.write("c.txt", *many("d/new", 12))


def take_over(stage: Stage) -> None:
    stage.other_home("b.txt", "c.txt")
    stage.write("a", "b.txt", "c.txt", *many("f", 10))
    stage.sync()
    stage.answer("take_over")


def second_folder(stage: Stage) -> None:
    stage.other_home("b.txt")
    stage.write("a", "b.txt", *many("f", 12))
    stage.sync()
    stage.answer("second_folder")


def root_out_of_the_trash(stage: Stage) -> None:
    stage.write("d/a.txt", "c.txt")
    stage.sync()
    stage.sim.step(Step("root_there", 4))
    stage.sync()
    stage.answer("untrash")
    stage.write("c.txt", *many("d/new", 10))


def afresh(stage: Stage) -> None:
    stage.write(*many("d/f", 12), "c.txt")
    stage.sync()
    stage.sim.step(Step("root_there", 4))
    stage.sync()
    stage.answer("start_afresh")


def other_rules(stage: Stage) -> None:
    stage.write("d/a.txt", "c.txt", "b")
    stage.sync()
    stage.sim.first.set(excludes=("b", "/d/"))
    stage.write("c.txt")


def mixed(stage: Stage) -> None:
    stage.write(*(f"d/f{number}.txt" for number in range(8)))
    stage.sync()
    stage.fs.rename("d", "e")
    stage.fs.remove("e/f0.txt")
    stage.write("e/f1.txt", *many("e/sub/new", 34))
    stage.fs.rename("e/f2.txt", "e/sub/two.txt")


SCENARIOS: tuple[Callable[[Stage], None], ...] = (
    first_pass, hostile_names, large_file, replace_large, rename_folder, swap_folders,
    replace_edited, trash, trash_confirmed, keep_deleted, back_from_the_archive, brought_back,
    folder_brought_back, put_back, moved_out, ledger_lost, ledger_old, weekly_comparison,
    take_over, second_folder, root_out_of_the_trash, afresh, other_rules, mixed,
)  # fmt: skip
