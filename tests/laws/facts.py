"""What a Drive holds, as the laws look at it, whatever any program believes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.objects import File
from tests.figures import record


class Broken(AssertionError):
    """A law does not hold."""

    def __init__(self, law: int, sentence: str) -> None:
        super().__init__(f"law {law}: {sentence}")
        self.law = law


@contextmanager
def counted() -> Iterator[None]:
    """Write down for the table of figures whether what is to be 0 was 0: laws 1, 2 and 3."""
    broken = 0
    try:
        yield
    except Broken as found:
        broken = found.law
        raise
    finally:
        for law, measure in ((1, "duplicates"), (2, "lost"), (3, "torn")):
            record(measure, int(broken == law))


@dataclass(frozen=True, slots=True)
class Version:
    """One content of a file."""

    id: str
    md5: str
    pinned: bool = False
    at: float = 0.0
    """Seconds since the epoch, on Drive's clock, when it was uploaded."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One object on Drive."""

    id: str
    name: str = "f"
    parent: str | None = "root"
    folder: bool = False
    ours: bool = True
    home: str = "h0me"
    nonce: str = ""
    trashed: bool = False
    """By itself, not by a folder above it."""
    versions: tuple[Version, ...] = ()

    @property
    def head(self) -> Version | None:
        """The content that a reader gets."""
        return self.versions[-1] if self.versions else None


Things = Mapping[str, Thing]


def above(things: Things, thing: Thing) -> Iterator[Thing]:
    """Yield the folders above a thing, nearest first; loops and what is not shown end it."""
    met = {thing.id}
    here = things.get(thing.parent) if thing.parent else None
    while here is not None and here.id not in met:
        met.add(here.id)
        yield here
        here = things.get(here.parent) if here.parent else None


def live(things: Things, thing: Thing) -> bool:
    """Tell whether a thing is in no trash."""
    return not thing.trashed and not any(up.trashed for up in above(things, thing))


def within(things: Things, thing: Thing, root: str) -> bool:
    """Tell whether a thing lies below a folder."""
    return any(up.id == root for up in above(things, thing))


class Reader:
    """Reads a LocalDrive's model; what has not changed is the same thing as before."""

    def __init__(self, model: Model, account: str, project: str) -> None:
        self._model = model
        self._account = account
        self._project = project
        self._known: dict[str, tuple[File, Thing]] = {}

    def things(self) -> dict[str, Thing]:
        """Return everything that the account owns."""
        found: dict[str, Thing] = {}
        for file_id, file in self._model.files.items():
            known = self._known.get(file_id)
            if known is None or known[0] is not file:
                known = (file, self._thing(file))
                self._known[file_id] = known
            if file.owner == self._account:
                found[file_id] = known[1]
        return found

    def _thing(self, file: File) -> Thing:
        app = file.app_properties.get(self._project, {})
        return Thing(
            file.id,
            file.name,
            file.parent,
            file.is_folder,
            app.get("jds") == "1",
            app.get("home", ""),
            app.get("w", ""),
            file.trashed,
            tuple(
                Version(each.id, each.md5, each.keep_forever, each.modified / 1000)
                for each in file.revisions
            ),
        )
