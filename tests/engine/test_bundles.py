"""A repository's history travels as one bundle, where a person asks for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.engine.world import World


def git(folder: Path, *words: str) -> None:
    command = ["git", "-C", str(folder), "-c", "user.name=ann", "-c", "user.email=a@b.c", *words]
    subprocess.run(command, check=True, capture_output=True)


def test_a_bundle_is_mirrored_in_place_of_git(world: World, tmp_path: Path) -> None:
    world.write("lab/notes.txt", "one")
    git(world.home / "lab", "init", "-q", "-b", "main")
    git(world.home / "lab", "add", ".")
    git(world.home / "lab", "commit", "-qm", "first")
    world.with_settings(git_bundles=True)
    world.sync()
    assert set(world.remote()) == {"lab/notes.txt", "lab/lab.gitbundle"}
    bundle = tmp_path / "back.gitbundle"
    bundle.write_bytes(world.content("lab/lab.gitbundle"))
    git(tmp_path, "clone", "-q", str(bundle), "back")
    assert (tmp_path / "back" / "notes.txt").read_text() == "one"
    world.sync()
    assert world.requests() == 1

    world.with_settings(git_bundles=False)
    world.sync()
    assert "lab/lab.gitbundle" not in world.remote()
