"""Paths: any bytes in and out, safe to show, and their relations."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_drive_sync.core.tree import (
    ROOT,
    LeftOut,
    LocalTree,
    RelPath,
    Shadow,
    Stat,
    ancestors,
    depth_of,
    from_bytes,
    fs_path,
    is_below,
    join,
    name_of,
    parent_of,
    printable,
    to_bytes,
    top_of,
)
from tests.core.trees import file, home


@given(st.binary(max_size=40))
def test_any_bytes_come_back(raw: bytes) -> None:
    assert to_bytes(from_bytes(raw)) == raw


@given(st.binary(max_size=40))
def test_any_path_can_be_shown(raw: bytes) -> None:
    shown = printable(from_bytes(raw))
    assert shown.isprintable()
    shown.encode()


def test_what_is_printable_is_shown_as_it_is() -> None:
    assert printable(RelPath("Übung 1/größe.ipynb")) == "Übung 1/größe.ipynb"
    assert printable(from_bytes(b"a\nb\xff")) == "a\\nb\\xff"


def test_parts() -> None:
    path = RelPath("a/b/c")
    assert (parent_of(path), name_of(path), top_of(path), depth_of(path)) == ("a/b", "c", "a", 3)
    assert list(ancestors(path)) == ["a/b", "a"]
    assert (parent_of(RelPath("a")), parent_of(ROOT), depth_of(ROOT)) == (ROOT, ROOT, 0)
    assert join(parent_of(path), name_of(path)) == path
    assert join(ROOT, "a") == "a"


@pytest.mark.parametrize(
    ("path", "folder", "below"),
    [
        ("a/b", "a", True),
        ("a", "a", True),
        ("ab", "a", False),
        ("a", "", True),
        ("a", "a/b", False),
    ],
)
def test_what_is_below_what(path: str, folder: str, below: bool) -> None:
    assert is_below(RelPath(path), RelPath(folder)) is below


def test_a_path_in_the_file_system(tmp_path: Path) -> None:
    assert fs_path(tmp_path, RelPath("a/b")) == str(tmp_path / "a" / "b")
    assert fs_path(tmp_path, ROOT) == str(tmp_path)


def test_why_a_path_is_not_among_the_entries() -> None:
    shadow = Shadow(
        LocalTree(
            left_out=(LeftOut(RelPath("out"), "excluded"), LeftOut(RelPath("no"), "unreadable")),
            unreadable=frozenset({RelPath("d")}),
        )
    )
    assert shadow.left_out(RelPath("out/a"))
    assert not shadow.left_out(RelPath("no"))
    for path in ("no", "d", "d/a"):
        assert shadow.unreadable(RelPath(path))
    assert not shadow.unreadable(RelPath("e"))


def test_what_took_the_place_of_a_file() -> None:
    local = home(file("a/b"), file("c"))
    assert local.supplants(RelPath("a"))  # a folder now
    assert local.supplants(RelPath("c/d/e"))  # in a folder that is a file now
    for path in ("a/b", "a/x", "c", "z", "z/y"):
        assert not local.supplants(RelPath(path))


@pytest.mark.parametrize(
    ("numbers", "kept"),
    [
        ((1, 2, 3), Stat(1, 2, 3)),
        ((1, 2**63, 2**63), Stat(1, 2**63 - 1, -(2**63))),
        ((1, -(2**70), 2**64 - 1), Stat(1, -(2**63), -1)),
        ((1, 2**63 - 1, 2**63 - 1), Stat(1, 2**63 - 1, 2**63 - 1)),
        ((1, -(2**63), 0), Stat(1, -(2**63), 0)),
    ],
)
def test_a_stat_fits_in_64_bits_with_a_sign(numbers: tuple[int, int, int], kept: Stat) -> None:
    assert Stat.given(*numbers) == kept
