"""Home and Drive side by side, judged by neither side's own word: paths and checksums."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_drive_sync.core.names import to_drive
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.objects import File


@dataclass(frozen=True, slots=True)
class Held:
    """A file on the LocalDrive."""

    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between a home and its mirror.

    Attributes:
        same: paths on Drive whose checksum is that of the file here.
        different: paths on Drive with another content.
        missing: paths here without a file on Drive.
        extra: paths on Drive without a file here.
        twins: paths that two files on Drive have.
    """

    same: tuple[str, ...]
    different: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    twins: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.different or self.missing or self.extra or self.twins)


def mirrored(drive: LocalDrive, account: str, folder: str) -> tuple[dict[str, Held], list[str]]:
    """Return the live files below a folder on Drive by path, and the paths that are there twice."""
    found: dict[str, Held] = {}
    twins: list[str] = []
    model = drive.model
    for whole, file in _walk(drive, model.account(account).root, ""):
        if file.head is None or not whole.startswith(f"{folder}/"):
            continue
        path = whole.removeprefix(f"{folder}/")
        if path in found:
            twins.append(path)
        found[path] = Held(file.head.size, file.head.md5)
    return found, twins


def _walk(drive: LocalDrive, parent: str, path: str) -> Iterator[tuple[str, File]]:
    for child in drive.model.children.get(parent, ()):
        file = drive.model.files[child]
        if drive.model.trashed(file):
            continue
        below = f"{path}/{file.name}" if path else file.name
        yield below, file
        yield from _walk(drive, child, below)


def expected(home: Path, left_out: frozenset[str]) -> dict[str, Held]:
    """Return what Drive should hold for a home, by Drive's path.

    Args:
        home: the home.
        left_out: paths, or folders, that are not mirrored.
    """
    found: dict[str, Held] = {}
    for folder, _, names in os.walk(home):
        for name in names:
            path = Path(folder, name)
            below = str(path.relative_to(home))
            if not _is_below(below, left_out) and path.is_file() and not path.is_symlink():
                on_drive = "/".join(to_drive(part) for part in below.split("/"))
                found[on_drive] = Held(path.stat().st_size, _md5(path))
    return found


def compare(here: Mapping[str, Held], there: Mapping[str, Held], twins: list[str]) -> Comparison:
    """Compare two sides."""
    both = sorted(here.keys() & there.keys())
    return Comparison(
        same=tuple(path for path in both if here[path] == there[path]),
        different=tuple(path for path in both if here[path] != there[path]),
        missing=tuple(sorted(here.keys() - there.keys())),
        extra=tuple(sorted(there.keys() - here.keys())),
        twins=tuple(twins),
    )


def _is_below(path: str, folders: frozenset[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
