"""A program that changes one file in every way that programs do; run by ``test_races.py``.

Usage: ``racing_writer.py KIND FILE COUNTER``. For each line on stdin it makes a burst of versions,
writes a ``.`` to stdout after each one and a newline at the end. The first byte of the file COUNTER
is odd while it writes one. Versions say themselves whether they are whole, see :func:`is_whole`.
"""

from __future__ import annotations

import functools
import mmap
import os
import sys
from collections.abc import Callable
from pathlib import Path

BURST = 20
ROUND = 5
"""Versions after which the appending writer starts again."""
SIZE = 400_000


OUTSIDE = "../outside"
"""Where the link of :func:`elsewhere` leads; there lies a file of the same name."""


def version(number: int) -> bytes:
    """Make a version that differs from all others in every eight bytes; quickly made, so that most
    of the time goes into writing."""
    return f"{number:08d}".encode() * (SIZE // 8)


def is_whole(kind: str, data: bytes) -> bool:
    """Tell whether bytes are what the file of a writer of that kind was at some instant.

    Appending gives versions one after the other from a multiple of :data:`ROUND` on; a file that is
    written anew is empty for an instant.
    """
    starts = range(0, len(data), SIZE)
    if not all(data[at : at + SIZE] == data[at : at + 8] * (SIZE // 8) for at in starts):
        return False
    numbers = [int(data[at : at + 8]) for at in starts]
    if kind == "append":
        return not numbers or numbers == [*range(first_of(numbers[0]), numbers[-1] + 1)]
    return len(numbers) == 1 or (kind == "truncate" and not numbers)


def first_of(number: int) -> int:
    """Return the version at which the file that holds an appended one begins."""
    return number - number % ROUND


def append(file: Path, number: int) -> None:
    """Add a version at the end; start again now and then."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if number % ROUND == 0 else os.O_APPEND)
    fd = os.open(file, flags, 0o644)
    os.write(fd, version(number))
    os.close(fd)


def truncate(file: Path, number: int) -> None:
    """Write anew as ``open(file, "wb")`` does."""
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(fd, version(number))
    os.close(fd)


def in_place(file: Path, number: int) -> None:
    """Overwrite without a change of size, and set the times back."""
    fd = os.open(file, os.O_WRONLY | os.O_CREAT, 0o644)
    os.pwrite(fd, version(number), 0)
    os.utime(fd, (1_600_000_000, 1_600_000_000))
    os.close(fd)


def replace(file: Path, number: int) -> None:
    """Write beside and rename, as editors and Jupyter do."""
    beside = file.with_suffix(".new")
    beside.write_bytes(version(number))
    beside.replace(file)


def swap(file: Path, number: int) -> None:
    """Put a link, a FIFO and a folder in its place in turn."""
    beside = file.with_suffix(".new")
    if number % 3 == 0:
        beside.symlink_to("/etc/passwd")
    elif number % 3 == 1:
        os.mkfifo(beside)
    else:
        file.unlink()
        file.mkdir()
        file.rmdir()
        beside.write_bytes(version(number))
    beside.replace(file)
    replace(file, number)


def elsewhere(file: Path, number: int) -> None:
    """Put a link to a folder outside in the place of the file's own for a moment.

    The folder waits outside the home: in it, it would be a top-level folder that comes and goes.
    """
    folder, aside = file.parent, file.parent.parent.with_name("aside")
    replace(file, number)
    folder.rename(aside)
    folder.symlink_to(OUTSIDE)
    folder.unlink()
    aside.rename(folder)


def vanish(file: Path, number: int) -> None:
    """Be gone for a moment."""
    file.unlink(missing_ok=True)
    replace(file, number)


def mapped(file: Path, number: int) -> None:
    """Overwrite through memory: pages that are dirty already set no time."""
    if not file.exists():
        file.write_bytes(version(number))
    mapping(file, SIZE)[:] = version(number)


@functools.cache
def mapping(file: Path, size: int) -> mmap.mmap:
    """Map a file once, for good."""
    with file.open("r+b") as opened:
        return mmap.mmap(opened.fileno(), size)


KINDS: dict[str, Callable[[Path, int], None]] = {
    "append": append,
    "truncate": truncate,
    "in_place": in_place,
    "replace": replace,
    "swap": swap,
    "elsewhere": elsewhere,
    "vanish": vanish,
    "mapped": mapped,
}


def main() -> None:
    """Serve bursts until stdin ends."""
    kind, file = KINDS[sys.argv[1]], Path(sys.argv[2])
    counter = mapping(Path(sys.argv[3]), 1)
    number = 0
    for _ in sys.stdin:
        for _ in range(BURST):
            counter[0] = (2 * number + 1) % 256
            kind(file, number)
            number += 1
            counter[0] = 2 * number % 256
            os.write(1, b".")
        os.write(1, b"\n")


if __name__ == "__main__":
    main()
