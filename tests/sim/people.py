"""What people and disks do, chosen by the numbers of a step among what there is."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import stat as bits
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.metadata import Patch
from jupyter_drive_sync.localdrive.model import Content
from jupyter_drive_sync.localdrive.objects import File
from jupyter_drive_sync.localdrive.replies import ApiError
from jupyter_drive_sync.localdrive.visibility import Viewer
from tests.sim.model_fs import ModelFs, Node
from tests.sim.steps import Step

T = TypeVar("T")

NAMES = (
    "a", "b", "c", "notes.txt", "x'y", "\u00fc", "u\u0308", "A", " lead", "trail ", "e%2F",
    "new\nline", "\udcff\udcfe", "\u241b1B", "\u241b2Fx", "\\", '"', "n" * 255, ".hidden",
    "lab 1.ipynb", "-rf", "con",
)  # fmt: skip
"""Names in the home; the simple ones are met again and again."""
DRIVE_NAMES = (*NAMES[:6], "a/b", "..", ".", "\u241b", "x" * 400, "\u202egnp.exe")
BIG = 300_000


def md5_of(content: bytes) -> str:
    """Return a checksum as Drive writes it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def pick(items: list[T], number: int) -> T | None:
    """Choose by a number."""
    return items[number % len(items)] if items else None


@dataclass
class Writer:
    """Makes contents that nobody has made before, and remembers that they exist."""

    made: int = 0
    whole: set[str] = field(default_factory=set)

    def content(self, number: int, size: int | None = None) -> bytes:
        """Make a content: small by far most often, of a given size where it fits."""
        self.made += 1
        text = f"{self.made:07} {number}\n".encode()
        if size is not None:
            text = (text * (size // len(text) + 1))[:size]
        elif number % 31 == 0:
            text = b""
        elif number % 29 == 0:
            text = text * (BIG // len(text))
        elif number % 7 == 0:
            text = text * 300
        self.whole.add(md5_of(text))
        return text


class AtHome:
    """What happens to one home. Steps that make no sense do nothing."""

    def __init__(self, fs: ModelFs, writer: Writer) -> None:
        self.fs = fs
        self.writer = writer
        self.kept: Node | None = None

    def act(self, step: Step) -> None:
        """Carry a step out."""
        verb: Callable[[Step], None] = getattr(self, step.kind)
        with contextlib.suppress(OSError):
            verb(step)

    def _files(self) -> list[str]:
        return [path for path, node in self.fs.walk() if node.regular]

    def _all(self) -> list[str]:
        return [path for path, _ in self.fs.walk()]

    def _place(self, a: int, b: int) -> str:
        folders = [""] + [p for p, n in self.fs.walk() if n.folder and p.count("/") < 3]
        name = NAMES[b % 6] if b % 4 else NAMES[b // 4 % len(NAMES)]
        folder = folders[a % len(folders)]
        return f"{folder}/{name}" if folder else name

    def write(self, step: Step) -> None:
        self.fs.write(self._place(step.a, step.b), self.writer.content(step.c))

    def edit(self, step: Step) -> None:
        if path := pick(self._files(), step.a):
            self.fs.write(path, self.writer.content(step.c))

    def same_size(self, step: Step) -> None:
        """Edit in place, to another content of the same size; within one tick, most often."""
        path = pick(self._files(), step.a)
        node = self.fs.node(path) if path else None
        if path and node is not None and len(node.data) >= 8:
            self.fs.write(path, self.writer.content(step.c, len(node.data)))

    def save_anew(self, step: Step) -> None:
        if path := pick(self._files(), step.a):
            self.fs.save_anew(path, self.writer.content(step.c))

    def folder(self, step: Step) -> None:
        path = self._place(step.a, step.b)
        self.fs.make(path, bits.S_IFDIR | 0o755)
        for number in range(step.c % 4):
            self.fs.write(f"{path}/{NAMES[number]}", self.writer.content(step.c + number + 1))

    def rename(self, step: Step) -> None:
        if path := pick(self._all(), step.a):
            self.fs.rename(path, self._place(step.b, step.c))

    def delete(self, step: Step) -> None:
        if path := pick(self._files(), step.a):
            self.fs.remove(path)

    def delete_tree(self, step: Step) -> None:
        if path := pick([p for p, n in self.fs.walk() if n.folder], step.a):
            self.fs.remove(path)

    def swap_kind(self, step: Step) -> None:
        path = pick(self._all(), step.a)
        node = self.fs.node(path) if path else None
        if path and node is not None:
            self.fs.remove(path)
            if node.folder:
                self.fs.write(path, self.writer.content(step.c))
            else:
                kinds = (bits.S_IFDIR, bits.S_IFDIR, bits.S_IFLNK, bits.S_IFIFO, bits.S_IFSOCK)
                self.fs.make(path, kinds[step.b % 5] | 0o755)

    def hard_link(self, step: Step) -> None:
        if path := pick(self._files(), step.a):
            self.fs.link(path, self._place(step.b, step.c))

    def special(self, step: Step) -> None:
        kinds = (bits.S_IFLNK, bits.S_IFIFO, bits.S_IFSOCK)
        self.fs.make(self._place(step.a, step.b), kinds[step.c % 3] | 0o644)

    def touch(self, step: Step) -> None:
        path = pick(self._files(), step.a)
        node = self.fs.node(path) if path else None
        if node is not None:
            now = self.fs.now_ns()
            times = (now, 0, now + 10**18, now - 10**12, -(10**9), 253_402_300_800 * 10**9)
            self.fs.changes += 1
            node.mtime_ns = times[step.b % len(times)]
            node.ctime_ns = now

    def mode(self, step: Step) -> None:
        path = pick(self._files(), step.a)
        node = self.fs.node(path) if path else None
        if node is not None:
            self.fs.changes += 1
            node.mode ^= (0o100, 0o020)[step.b % 2]

    def copy(self, step: Step) -> None:
        """With its times, as ``cp -p`` does."""
        path = pick(self._files(), step.a)
        node = self.fs.node(path) if path else None
        if node is not None:
            target = self._place(step.b, step.c)
            self.fs.write(target, node.data, mtime_ns=node.mtime_ns)

    def replace(self, step: Step) -> None:
        old, new = pick(self._files(), step.a), pick(self._files(), step.b)
        if old and new and old != new:
            self.fs.rename(old, new)

    def refuse(self, step: Step) -> None:
        """Make something unreadable, or readable again."""
        path = pick(self._all(), step.a)
        node = self.fs.node(path) if path else None
        if node is not None:
            self.fs.changes += 1
            node.refuses = 0 if node.refuses else (errno.EACCES, errno.EIO)[step.b % 2]

    # -- the disk ---------------------------------------------------------------------------------

    def bump(self, _step: Step) -> None:
        self.fs.bump()

    def renumber(self, _step: Step) -> None:
        self.fs.renumber()

    def reuse(self, _step: Step) -> None:
        self.fs.reuse = not self.fs.reuse

    def coarse(self, step: Step) -> None:
        self.fs.grain_ns = (10_000_000, 1_000_000_000, 2_000_000_000)[step.a % 3]

    def unmount(self, _step: Step) -> None:
        self.fs.mounted = not self.fs.mounted

    def keep_home(self, _step: Step) -> None:
        self.kept = self.fs.snapshot()

    def bring_home_back(self, _step: Step) -> None:
        if self.kept is not None:
            self.fs.restore(self.kept)

    def replug(self, _step: Step) -> None:
        self.fs.replug()


class OnDrive:
    """What people do on Drive, in a browser: with everything in view and without our marks.

    Args:
        server: whose model they change.
        account: whose Drive it is.
        project: our project: a copy made in the browser keeps its marks.
        writer: makes contents.
    """

    def __init__(self, server: LocalDrive, account: str, project: str, writer: Writer) -> None:
        self.model = server.model
        self.viewer = Viewer(account, project, True, True, True, True, True)
        self.writer = writer
        self.touched: list[str] = []
        """Objects that a person changed, in order."""
        self.placed: set[str] = set()
        """Objects whose name, folder or trash a person chose at some time."""
        self.copied: set[str] = set()
        self.removed: set[str] = set()
        """Checksums of contents that were removed for good since somebody cleared it."""
        self.edits: dict[str, str] = {}
        """Contents put on Drive: id of the version -> id of the file."""

    def act(self, step: Step, root: str) -> None:
        """Carry a step out; Drive refuses what makes no sense."""
        verb: Callable[[Step, str], None] = getattr(self, step.kind)
        with self.model.lock, contextlib.suppress(ApiError):
            verb(step, root)

    def _all(self, root: str, *, folders: bool | None = None, trashed: bool = False) -> list[File]:
        """List what lies below the mirror, and what was moved out of it, by age."""
        return [
            file
            for file in self.model.files.values()
            if file.parent is not None
            and file.id != root
            and file.trashed is trashed
            and (folders is None or file.is_folder is folders)
            and self._marked(file)
        ]

    def _marked(self, file: File) -> bool:
        return "home" in file.app_properties.get(self.viewer.project, {})

    def _change(
        self, file: File, patch: Patch, content: Content | None = None, **more: object
    ) -> None:
        new = self.model.update(self.viewer, file, patch, content, **more)  # type: ignore[arg-type]
        self.touched.append(file.id)
        if content is None:
            self.placed.add(file.id)
        elif new.head is not None:
            self.edits[new.head.id] = file.id

    def _content(self, number: int) -> Content:
        data = self.writer.content(number)
        return Content(self.model.blobs.keep(self.model.token(28), data), None)

    def edit_there(self, step: Step, root: str) -> None:
        if file := pick(self._all(root, folders=False), step.a):
            self._change(file, Patch(), self._content(step.c))

    def rename_there(self, step: Step, root: str) -> None:
        if file := pick(self._all(root), step.a):
            self._change(file, Patch(plain={"name": DRIVE_NAMES[step.b % len(DRIVE_NAMES)]}))

    def _move(self, file: File, folder: str) -> None:
        old = (file.parent,) if file.parent else ()
        self._change(file, Patch(), add_parents=(folder,), remove_parents=old)

    def move_there(self, step: Step, root: str) -> None:
        file = pick(self._all(root), step.a)
        folder = pick([root, *(each.id for each in self._all(root, folders=True))], step.b)
        if file and folder and folder in self.model.files:
            self._move(file, folder)

    def move_out(self, step: Step, root: str) -> None:
        if file := pick(self._all(root), step.a):
            self._move(file, self.model.account(self.viewer.account).root)

    def move_in(self, step: Step, root: str) -> None:
        """Put what was moved out, or a stranger, into the mirror."""
        top = self.model.account(self.viewer.account).root
        outside = [each for each in self.model.files.values() if each.parent == top]
        file = pick([each for each in outside if each.id != root and each.name != "home"], step.a)
        if file and root in self.model.files:
            self._move(file, root)

    def trash_there(self, step: Step, root: str) -> None:
        if file := pick(self._all(root), step.a):
            self._change(file, Patch(trashed=True))

    def untrash_there(self, step: Step, root: str) -> None:
        if file := pick(self._all(root, trashed=True), step.a):
            self._change(file, Patch(trashed=False))

    def delete_there(self, step: Step, root: str) -> None:
        if file := pick(self._all(root) + self._all(root, trashed=True), step.a):
            self._erase([file])

    def empty_trash(self, _step: Step, _root: str) -> None:
        self._erase([each for each in self.model.files.values() if each.trashed])

    def _erase(self, files: list[File]) -> None:
        for file in files:
            if file.id not in self.model.files:
                continue
            for each in [file, *self.model.descendants(file)]:
                self.removed.update(version.md5 for version in each.revisions)
                self.touched.append(each.id)
            self.model.delete(self.viewer, file)

    def copy_there(self, step: Step, root: str) -> None:
        """Copy a file as the web page does: beside the original, with all its marks."""
        if file := pick(self._all(root, folders=False), step.a):
            name = file.name if step.b % 2 else f"Copy of {file.name}"
            made = self.model.copy(self.viewer, file, Patch(plain={"name": name}))
            self.touched.append(made.id)
            self.placed.add(made.id)
            self.copied.add(made.id)

    def stranger(self, step: Step, root: str) -> None:
        """Make something without us: in the mirror or beside it, often under a name of ours."""
        folder = pick([root, *(each.id for each in self._all(root, folders=True))], step.a)
        if not folder or folder not in self.model.files:
            folder = self.model.account(self.viewer.account).root
        names = [each.name for each in self._all(root)] + list(DRIVE_NAMES)
        web = Viewer(self.viewer.account, "web", True, True, True, True, True)
        patch = Patch(plain={"name": pick(names, step.b)}, parents=(folder,))
        self.touched.append(self.model.create(web, patch, self._content(step.c)).id)

    def root_there(self, step: Step, root: str) -> None:
        """Rename, move or trash the mirror's own folder, or the one above it."""
        file = self.model.files.get(root)
        if file is None:
            return
        above = self.model.files.get(file.parent or "")
        kind = step.a % 6
        if kind == 0:
            self._change(file, Patch(plain={"name": DRIVE_NAMES[step.b % len(DRIVE_NAMES)]}))
        elif kind == 1:
            self._move(file, self.model.account(self.viewer.account).root)
        elif kind == 2 and not step.b % 3:
            self._erase([file])
        elif kind == 3 and above is not None and above.parent is not None:
            self._change(above, Patch(trashed=not above.trashed))
        else:
            self._change(file, Patch(trashed=not file.trashed))
