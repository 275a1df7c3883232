"""10,000 hostile names both ways: they come back, stay apart, and never leave their folder."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

import pytest

from jupyter_drive_sync.core.names import to_drive, to_local
from jupyter_drive_sync.core.tree import (
    ROOT,
    RelPath,
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
from tests.core.hostile_names import cut_twins, drive_names, drive_trees, is_text, local_names
from tests.figures import record

pytestmark = [pytest.mark.figure, pytest.mark.no_cover]

NAMES = 10_000


def surrogates(names: list[str]) -> int:
    return sum(any("\ud800" <= c <= "\udfff" for c in name) for name in names)


def test_the_generator_is_repeatable_and_hostile() -> None:
    names, parts = drive_names(NAMES), local_names(NAMES)
    assert names == drive_names(NAMES)
    assert parts == local_names(NAMES)
    assert names[100:] != drive_names(NAMES, seed=1)[100:]
    assert len(set(names)) == len(set(parts)) == NAMES
    assert {"", ".", "..", "/", "\0", "../.."} <= set(names)
    for hostile in ("/", "\0", "\n", "\u202e", "\u241b"):
        assert sum(hostile in name for name in names) > 20, repr(hostile)
    assert sum(len(name.encode("utf-8", "replace")) > 255 for name in names) > 500
    assert surrogates(names) > 100
    assert surrogates(parts) > 3000
    paths = drive_trees(NAMES)
    assert len(set(paths)) == NAMES
    assert max(map(len, paths)) == 6
    assert sum(len(path) > 2 for path in paths) > 1000


def test_names_from_disk_are_reversible_and_stay_apart() -> None:
    parts = local_names(NAMES)
    on_drive = {}
    for part in parts:
        name = to_drive(part)
        name.encode("utf-8")  # strictly: Drive takes nothing else
        assert name
        assert to_local(name) == part
        on_drive[name] = part
    assert len(on_drive) == NAMES
    record("hostile names", NAMES)


def test_names_from_drive_are_safe_reversible_and_stay_apart() -> None:
    names = drive_names(NAMES)
    here: dict[str, str] = {}
    for name in names:
        part = to_local(name)
        raw = os.fsencode(part)
        assert part not in {"", ".", ".."}
        assert b"/" not in raw
        assert b"\0" not in raw
        assert len(raw) <= 255
        if not is_text(name):
            continue  # JSON may smuggle it in, Drive cannot hold it: safe is enough
        assert here.setdefault(part, name) == name
        if len(raw) < 252:  # nothing was cut
            assert to_drive(part) == name
    record("hostile names", NAMES)


def test_a_cut_name_shares_its_part_with_one_other_name_alone() -> None:
    twins = cut_twins(500)
    assert len({to_local(name) for name, _ in twins}) == 500
    for name, other in twins:
        assert name != other
        assert to_local(name) == to_local(other)
        assert to_drive(to_local(name)) == other


def path_of(names: tuple[str, ...]) -> RelPath:
    path = ROOT
    for name in names:
        path = join(path, to_local(name))
    return path


def test_paths_from_drive_stay_below_their_root() -> None:
    root = "/srv/home of ann"
    for names in drive_trees(NAMES):
        path = path_of(names)
        full = fs_path(root, path)
        assert posixpath.normpath(full) == full
        assert full.startswith(root + "/")
        assert depth_of(path) == len(names)
        assert from_bytes(to_bytes(path)) == path
        assert [*ancestors(path)] == [path_of(names[:end]) for end in range(len(names) - 1, 0, -1)]
        assert name_of(path) == to_local(names[-1])
        assert top_of(path) == to_local(names[0])
        assert is_below(path, parent_of(path))
        assert printable(path).isprintable()


def test_different_paths_on_drive_are_different_paths_here() -> None:
    legal = [path for path in drive_trees(NAMES) if all(map(is_text, path))]
    assert len(legal) > NAMES * 0.7
    assert len({path_of(names) for names in legal}) == len(legal)


def test_the_file_system_takes_every_part_and_gives_it_back(tmp_path: Path) -> None:
    """One folder for each thousand, so that a listing tells whether two parts met."""
    both = [*local_names(2000), *(to_local(name) for name in drive_names(3000))]
    wanted = {*both}
    root = tmp_path / "root"
    root.mkdir()
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in wanted:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=fd))
    finally:
        os.close(fd)
    assert {path.name for path in root.iterdir()} == wanted
    assert {path.name for path in tmp_path.iterdir()} == {"root"}
