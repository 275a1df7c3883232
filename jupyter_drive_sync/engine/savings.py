"""What each rule leaves out, and how much that is: folders that no scan enters are measured."""

from __future__ import annotations

import os
import stat as stat_bits
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from jupyter_drive_sync.core.tree import LeftOut, RelPath, name_of, parent_of
from jupyter_drive_sync.home.read import Home

MOST: Final = 200_000
"""Files and folders that are looked at in all; beyond them sizes are a lower bound."""
_DEEPEST: Final = 100
_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Saving:
    """What one rule leaves out.

    Attributes:
        reason: ``excluded``, ``too_large`` and so on (see :class:`LeftOut`).
        rule: the pattern with where it stands, for those that have one.
        paths: how many paths it hits.
        files: files in them.
        bytes: of those files.
        whole: whether all of them could be counted.
    """

    reason: str
    rule: str
    paths: int = 0
    files: int = 0
    bytes: int = 0
    whole: bool = True


def savings(
    home: Home, left_out: Iterable[LeftOut], permit: Callable[[], None], *, most: int = MOST
) -> list[Saving]:
    """Measure what rules leave out, the most first.

    Args:
        home: open.
        left_out: what a scan of it left out.
        permit: asked now and then; raises to end.
        most: entries that are looked at in all.
    """
    found: dict[tuple[str, str], Saving] = {}
    measure = _Measure(permit, most)
    for item in left_out:
        if item.reason == "unreadable":
            continue  # no rule
        # One entry a pattern; of the rest the reason alone tells.
        rule = item.rule if item.reason == "excluded" else ""
        saving = found.setdefault((item.reason, rule), Saving(item.reason, rule))
        saving.paths += 1
        files, size, whole = measure.of(home, item.path)
        saving.files += files
        saving.bytes += size
        saving.whole &= whole
    return sorted(found.values(), key=lambda each: (-each.bytes, -each.paths, each.rule))


class _Measure:
    def __init__(self, permit: Callable[[], None], most: int) -> None:
        self._permit = permit
        self._left = most

    def of(self, home: Home, path: RelPath) -> tuple[int, int, bool]:
        """Return files and bytes at or below a path, and whether that is all."""
        try:
            above = home.open_folder(parent_of(path))
        except OSError:
            return 0, 0, False
        try:
            name = os.fsencode(name_of(path))
            status = os.lstat(name, dir_fd=above)
            if not stat_bits.S_ISDIR(status.st_mode):
                return 1, status.st_size if stat_bits.S_ISREG(status.st_mode) else 0, True
            return self._below(name, above, 0)
        except OSError:
            return 0, 0, False
        finally:
            os.close(above)

    def _below(self, name: bytes, above: int, depth: int) -> tuple[int, int, bool]:
        """Count a folder; one descriptor is open for each level."""
        if depth > _DEEPEST:
            return 0, 0, False
        files = size = 0
        whole = True
        folders: list[bytes] = []
        try:
            here = os.open(name, _FLAGS, dir_fd=above)
        except OSError:
            return 0, 0, False
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    self._left -= 1
                    if self._left < 0:
                        return files, size, False
                    if self._left % 1000 == 0:
                        self._permit()
                    status = entry.stat(follow_symlinks=False)
                    if stat_bits.S_ISDIR(status.st_mode):
                        folders.append(os.fsencode(entry.name))
                    else:
                        files += 1
                        size += status.st_size
            for folder in folders:
                more, bytes_more, all_of_it = self._below(folder, here, depth + 1)
                files += more
                size += bytes_more
                whole &= all_of_it
        except OSError:
            whole = False
        finally:
            os.close(here)
        return files, size, whole
