"""Hostile names by seed, from Drive and from disk: what neither side would call a file itself.

For whoever turns names of one side into paths of the other. ``drive_names(n)`` and
``local_names(n)`` give ``n`` different names each, the known traps first; ``drive_trees(n)`` gives
whole paths as a hostile Drive could nest them; ``cut_twins(n)`` gives pairs of Drive names that
must become *one* part here, which whoever writes files has to treat like two files of one name.
The same seed gives the same names.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import count, islice
from random import Random
from typing import Final

from jupyter_drive_sync.core.names import to_drive, to_local

MARK: Final = "\u241b"
"""What :mod:`jupyter_drive_sync.core.names` escapes by."""

_BIDI: Final = ["\u202e", "\u202a", "\u2066", "\u2069", "\u200f", "\u200b", "\ufeff", "\u2028"]
_CONTROL: Final = ["\n", "\r", "\t", "\x07", "\x1b", "\x1b[2J", "\x7f", "\x01", "\x85"]
_LOOKALIKES: Final = ["\uff0f", "\u2044", "\u2215", "\u29f8", "\uff0e\uff0e", "\u2024", "\u2025"]
_SHELL: Final = ["-rf", "~", "$HOME", "`id`", ";", "|", "*", "?", "[a]", "'", '"', "\\", "#", "!"]
_ESCAPES: Final = [
    MARK, "2F", "2E", "1B", "00", "E9", "C3", "A9", f"{MARK}2F", f"{MARK}2E", f"{MARK}1B",
    f"{MARK}00", f"{MARK}E9", f"{MARK}2f", f"{MARK}1", "%2F", "%2e%2e", "&#47;", "\\u002f",
]  # fmt: skip
_WORDS: Final = [
    "a", "A", "lab", "Lab", ".ipynb", ".gitbundle", ".driveignore", ".ssh", ".local", "CON",
    "NUL.txt", "etc", "passwd", "Untitled", " ", "  ", ".", "..", "...", "\u00e9", "e\u0301",
    "\u00c5", "\u212b", "\ufb01", "\u1e9e", "\u0130", "\U0001f600", "\U0010ffff", "\ufffd",
]  # fmt: skip
_SHARED: Final = [*_BIDI, *_CONTROL, *_LOOKALIKES, *_SHELL, *_ESCAPES, *_WORDS]
_ON_DRIVE_ALONE: Final = ["/", "//", "../", "/..", "\0", "../../", "/etc/passwd", "./", "C:/"]
_ON_DISK_ALONE: Final = [
    b"\xe9", b"\xc3", b"\xa9", b"\xff", b"\xfe", b"\x80", b"\xe2\x82", b"\xed\xa0\x80",
    b"\xed\xb3\xa9", b"\xc0\xaf", b"\xc0\xae\xc0\xae", b"\xf4\x90\x80\x80", b"\xf0\x9f\x98",
]  # fmt: skip
"""No UTF-8: halves, surrogates, overlong forms of ``/`` and ``.``, beyond the last character."""

_KNOWN_ON_DRIVE: Final = (
    "..", ".", "/", "\0", "../..", "../../../../etc/passwd", "/etc/passwd", "a/../../b", "a\0b",
    "..\0", "./.", "", "\u202egnp.exe", "x" * 1000, "\U0001f600" * 1000, "\u00e9" * 300 + ".csv",
    "x" * 255, "x" * 256, "." * 255, "." * 256, "/" * 300, MARK, MARK * 85, MARK * 86,
    f"{MARK}2E{MARK}2E", f"{MARK}2E", "..\u202e", ".ssh/authorized_keys", "~/.bashrc", "\ud800",
    "\udce9", "\udc2f", "\udc2e\udc2e", ".local/state/jupyter-drive-sync/secrets.json", "con",
    "lpt1.txt", "trailing.", "trailing ", " leading", "\r", "a\r\nb", "-", "--help",
)  # fmt: skip
_KNOWN_ON_DISK: Final = (
    b"\xff" * 255, b"x" * 255, b"caf\xe9.txt", b"...", b"\xc0\xae\xc0\xae", b"\xc0\xaf", b"\n",
    b"\xed\xb0\xaf", MARK.encode() * 85, MARK.encode(), f"{MARK}2E{MARK}2E".encode(), b"..\n",
    f"{MARK}C3{MARK}A9".encode(), f"a{MARK}2Fb".encode(), f"{MARK}1B".encode(), b"\\", b"*", b"-rf",
    b"\x1b[31mred", b"\xe2\x80\xaegnp.exe", b" ", b".\x01", b"%2F", b"con", b"\r",
)  # fmt: skip


def drive_names(number: int, seed: int = 0) -> list[str]:
    """Return different names as a hostile Drive could send them in JSON.

    Among them are ``""``, ``.``, ``..``, lone surrogates (a JSON escape can hold one) and names
    that are too long for any file system.
    """
    return [*islice(_different(_drive(Random(seed))), number)]  # noqa: S311 - to be repeatable


def local_names(number: int, seed: int = 0) -> list[str]:
    """Return different path parts as :func:`os.fsdecode` would give them; all can be made here.

    1 to 255 bytes each, without ``/`` and NUL, none of them ``.`` or ``..``.
    """
    return [*islice(_different(_local(Random(seed))), number)]  # noqa: S311 - to be repeatable


def drive_trees(number: int, seed: int = 0, depth: int = 6) -> list[tuple[str, ...]]:
    """Return different paths, each a tuple of Drive names from the mirror's folder down.

    Folders are named as badly as files, some share their parents, and some differ in ways that a
    careless file system folds together (case, accents, twins of one name).
    """
    rng = Random(seed)  # noqa: S311 - to be repeatable
    names = drive_names(number, seed + 1)
    paths: dict[tuple[str, ...], None] = {}
    for name in names:
        above: tuple[str, ...] = ()
        if paths and rng.random() < 0.5:
            above = rng.choice([*islice(reversed(paths), 20)])[: rng.randint(0, depth - 1)]
        paths[(*above, name)] = None
    return [*paths]


def cut_twins(number: int, seed: int = 0) -> list[tuple[str, str]]:
    """Return pairs of different Drive names that become the same part here.

    There are more Drive names than parts of 255 bytes, and each part already belongs to the one
    Drive name that it is mirrored as. So a name that has to be cut shares its part with that one;
    nobody meets it by chance, but a hostile Drive can compute it.
    """
    names = (name for name in _different(_drive(Random(seed))) if not _fits(name))  # noqa: S311
    return [(name, to_drive(to_local(name))) for name in islice(names, number)]


def is_text(name: str) -> bool:
    """Tell whether Drive can hold a name at all: not empty, no lone surrogate."""
    return bool(name) and not any("\ud800" <= character <= "\udfff" for character in name)


def _fits(name: str) -> bool:
    return not is_text(name) or to_drive(to_local(name)) == name


def _different(names: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name not in seen:
            seen.add(name)
            yield name


def _drive(rng: Random) -> Iterator[str]:
    yield from _KNOWN_ON_DRIVE
    earlier = [*_KNOWN_ON_DRIVE]
    pieces = [*_SHARED, *_ON_DRIVE_ALONE, *_ON_DRIVE_ALONE]
    for _ in count():
        kind = rng.random()
        if kind < 0.60:
            name = "".join(rng.choices(pieces, k=rng.randint(1, 12)))
        elif kind < 0.70:
            name = _twin(rng, rng.choice(earlier))
        elif kind < 0.80:  # what the other side would write, as if it were Drive's own
            name = to_drive(_local_name(rng))
        elif kind < 0.90:  # long, the end may decide
            name = rng.choice(pieces) * rng.randint(50, 400) + rng.choice(pieces)
        else:
            name = "".join(chr(_code(rng)) for _ in range(rng.randint(1, 40)))
        earlier.append(name)
        yield name


def _local(rng: Random) -> Iterator[str]:
    for raw in _KNOWN_ON_DISK:
        yield raw.decode("utf-8", "surrogateescape")
    for _ in count():
        yield _local_name(rng)


def _local_name(rng: Random) -> str:
    pieces = [piece.encode() for piece in _SHARED] + _ON_DISK_ALONE * 3
    while True:
        if rng.random() < 0.75:
            raw = b"".join(rng.choices(pieces, k=rng.randint(1, rng.choice((4, 12, 60)))))
        else:
            raw = rng.randbytes(rng.randint(1, 255))
        raw = raw.replace(b"/", b"").replace(b"\0", b"")[:255]
        if raw not in {b"", b".", b".."}:
            return raw.decode("utf-8", "surrogateescape")


def _twin(rng: Random, name: str) -> str:
    """Return what another program would take for the same name."""
    change = rng.choice(("swapcase", "NFC", "NFD", "NFKC", "strip", "space", "dot", "mark"))
    if change in {"NFC", "NFD", "NFKC"}:
        return unicodedata.normalize(change, name)
    changed = {"space": name + " ", "dot": name + ".", "mark": MARK + name, "strip": name.strip()}
    return changed.get(change, name.swapcase())


def _code(rng: Random) -> int:
    """Return any code point; a lone surrogate is as likely as a letter."""
    below = rng.choice((0x20, 0x80, 0x300, 0x2070, 0xD800, 0xE000, 0x10000, 0x110000))
    return rng.randrange(0xD800 if below == 0xE000 else 0, below)
