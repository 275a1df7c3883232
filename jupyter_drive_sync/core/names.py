"""One part of a path here <-> one name on Drive, reversible.

The two sides allow different things. A local part is 1 to 255 bytes without ``/`` and NUL, not
``.`` or ``..``, and need not be UTF-8. A Drive name is any text: ``/``, ``.``, ``..``, newlines and
1,000 characters are legal, leading and trailing spaces are kept, names need not be unique in their
folder, and only what is no UTF-8 is impossible. (Source: Drive guide, "File resource", field
``name``; rclone's page on Drive, "Restricted filename characters", which found by trying against
Google that nothing but invalid UTF-8 has to be replaced.) So spaces, quotes, control characters
and newlines stay as they are in both directions, NFC and NFD stay two names, and so do ``A`` and
``a``.

Each side can be written inside the other, by a mark and two hexadecimal digits for what the other
side does not allow:

* local -> Drive: a byte that is no UTF-8, and the mark itself (:func:`_written_on_drive`);
* Drive -> local: ``/``, NUL, the names ``.`` and ``..``, and the mark itself
  (:func:`_written_locally`).

Two one-to-one mappings make one that is reversible for *all* names (Cantor-Bernstein): follow a
name back through both writings in turn until it is no longer the writing of anything. If that
happens on Drive's side, the name means what Drive's side wrote, else what ours did. In practice
the walk has one or two steps, and a name without the mark and with nothing to replace is its own.

The mark is U+241B, "symbol for escape". A percent sign would look more familiar, but ``100%25`` and
``a%2Fb.csv`` are what downloads are called, and they should look the same on both sides.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

_MARK: Final = "\u241b"
_MARKED: Final = f"{_MARK}1B"
_TOKEN: Final = re.compile(f"{_MARK}([0-9A-F]{{2}})")
_LONE: Final = re.compile("[\ud800-\udfff]")
_ODD_ON_DRIVE: Final = re.compile(f"[/\0{_MARK}]")
_MOST_BYTES: Final = 255
"""NAME_MAX of every file system that homes lie on."""
_LONGEST_SUFFIX: Final = 16
"""Bytes of a suffix such as ``.ipynb`` that a shortened name keeps."""
_UNNAMED: Final = "Untitled"
"""What Drive itself calls an item that gets no name."""


def to_drive(name: str) -> str:
    """Return the name that one local path part gets on Drive.

    Args:
        name: one part as :func:`os.fsdecode` gives it; bytes that are no UTF-8 are lone surrogates.

    Returns:
        Text that UTF-8 can hold. :func:`to_local` gives ``name`` back.
    """
    if _MARK not in name and not _LONE.search(name):
        return name
    foreign = _read_locally(name)
    if foreign is not None and _began_on_drive(foreign):
        return foreign
    return _written_on_drive(name)


def to_local(name: str) -> str:
    """Return the one path part that stands for a Drive name; safe for any name whatsoever.

    Never empty, ``.`` or ``..``, never with ``/`` or NUL, at most 255 bytes. A name whose local
    form would be longer is cut before its suffix and gets a hash of the whole, so that two long
    names stay two; such a name, and the empty one that Drive never gives, are the only ones that
    :func:`to_drive` does not give back. Every part belongs to one Drive name already, so a cut name
    shares its part with that one: who writes files treats the two like two files of one name.
    """
    if not name:
        return _UNNAMED
    if _LONE.search(name):  # no UTF-8, so not from Drive; a JSON escape could still smuggle it in
        name = _LONE.sub("\ufffd", name)
    own = None if _began_on_drive(name) else _read_on_drive(name)
    local = _written_locally(name) if own is None else own
    return _shortened(local, name) if len(_bytes_of(local)) > _MOST_BYTES else local


def labelled(local: str, label: str) -> str:
    """Put words behind a local part, before its suffix: ``a.txt`` and ``old`` give ``a (old).txt``.

    The result has at most 255 bytes; the part is cut for that, never the words.
    """
    stem, suffix = _divided(local)
    tail = f" ({label}){suffix}"
    room = _MOST_BYTES - len(_bytes_of(tail))
    cut = _bytes_of(stem)[:room]
    if len(cut) < len(_bytes_of(stem)):
        # Between characters, where there are any: a name need not be UTF-8.
        cut = cut.decode("utf-8", "ignore").encode() if not _LONE.search(stem) else cut
    return cut.decode("utf-8", "surrogateescape") + tail


def _began_on_drive(name: str) -> bool:
    """Follow a Drive name back: does it begin as a name of Drive's side, or of ours?

    Each step that changes the name makes it shorter, so the walk ends; a name that both sides
    write as itself belongs to ours.
    """
    while (local := _read_on_drive(name)) is not None:
        foreign = _read_locally(local)
        if foreign is None or foreign == name:
            return False
        name = foreign
    return True


def _written_on_drive(local: str) -> str:
    """Write a local part so that Drive takes it."""
    return _LONE.sub(
        lambda lone: f"{_MARK}{ord(lone[0]) - 0xDC00:02X}", local.replace(_MARK, _MARKED)
    )


def _read_on_drive(name: str) -> str | None:
    """Undo :func:`_written_on_drive`; None for a name that it never gives."""
    raw = _TOKEN.sub(lambda token: _own(int(token[1], 16), token[0]), name)
    local = _bytes_of(raw).decode("utf-8", "surrogateescape")
    possible = local not in {"", ".", ".."} and not {"/", "\0"} & set(local)
    return local if possible and _written_on_drive(local) == name else None


def _own(code: int, token: str) -> str:
    if code >= 0x80:
        return chr(0xDC00 + code)
    return _MARK if code == 0x1B else token


def _written_locally(name: str) -> str:
    """Write a Drive name so that a file system takes it; its length aside."""
    if name in {".", ".."}:
        return f"{_MARK}2E" * len(name)
    return _ODD_ON_DRIVE.sub(
        lambda odd: _MARKED if odd[0] == _MARK else f"{_MARK}{ord(odd[0]):02X}", name
    )


def _read_locally(local: str) -> str | None:
    """Undo :func:`_written_locally`; None for a part that it never gives."""
    if _LONE.search(local):
        return None
    name = _TOKEN.sub(lambda token: _FOREIGN.get(token[1], token[0]), local)
    return name if name and _written_locally(name) == local else None


_FOREIGN: Final = {"1B": _MARK, "00": "\0", "2E": ".", "2F": "/"}


def _shortened(local: str, name: str) -> str:
    """Cut an overlong part between characters; the hash is of Drive's name."""
    stem, suffix = _divided(local)
    tail = f"\u2026{hashlib.sha256(name.encode()).hexdigest()[:10]}{suffix}"
    room = _MOST_BYTES - len(_bytes_of(tail))
    kept = _bytes_of(stem)[:room].decode("utf-8", "surrogateescape")
    while not stem.startswith(kept):  # half a character became lone surrogates
        kept = kept[:-1]
    return kept + tail


def _divided(local: str) -> tuple[str, str]:
    """Divide a part into stem and suffix, the dot with the suffix; ``.profile`` has none."""
    stem, dot, suffix = local.rpartition(".")
    if not stem or len(_bytes_of(suffix)) >= _LONGEST_SUFFIX:
        return local, ""
    return stem, dot + suffix


def _bytes_of(local: str) -> bytes:
    return local.encode("utf-8", "surrogateescape")
