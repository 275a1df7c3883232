"""One bundle per repository, in place of its ``.git``."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import LeftOut
from jupyter_drive_sync.home.bundles import Bundled, bundle
from jupyter_drive_sync.home.read import Home
from tests.home.ground import PLAIN, look, path, snapshot, write

GIT = shutil.which("git")

pytestmark = pytest.mark.skipif(GIT is None, reason="there is no git here")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [
            str(GIT),
            *("-c", "user.name=Ann", "-c", "user.email=ann@example.org"),
            *("-c", "init.defaultBranch=main"),
            *arguments,
        ],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def repository(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    commit(folder, "one")
    return folder


def commit(folder: Path, text: str) -> str:
    write(folder, "notes.txt", text.encode())
    git(folder, "add", "notes.txt")
    git(folder, "commit", "-qm", text)
    return git(folder, "rev-parse", "HEAD")


def made(home: Home, state: Path, selection: Selection = PLAIN, timeout: float = 60) -> Bundled:
    bundled = bundle(home, look(home, selection), selection, state, timeout=timeout)
    home.overlay = bundled.overlay
    return bundled


def history_of(bundled: Bundled, which: str) -> LeftOut:
    return next(item for item in bundled.tree.left_out if item.path == which)


def bundles(state: Path) -> list[str]:
    return sorted(file.name for file in (state / "bundles").iterdir())


def test_the_whole_history_can_be_cloned_from_what_is_read(
    root: Path, state: Path, home: Home, tmp_path: Path
) -> None:
    folder = repository(root, "work/project")
    git(folder, "branch", "idea")
    git(folder, "tag", "v1")
    last = commit(folder, "two")
    bundled = made(home, state)
    where = path("work/project/project.gitbundle")
    assert where in bundled.tree.entries
    assert bundled.tree.entries[path("work/project/notes.txt")]
    content = home.load(where, 10**6)
    assert content is not None
    assert content.stat == bundled.tree.entries[where].stat
    copy = write(tmp_path, "copy.gitbundle", content.data)
    git(tmp_path, "clone", "-q", str(copy), "clone")
    assert git(tmp_path / "clone", "rev-parse", "HEAD", "v1^{}", "origin/idea").split() == [
        last,
        *[git(folder, "rev-parse", "v1")] * 2,
    ]
    history = history_of(bundled, "work/project/.git")
    assert history.reason == "excluded"
    assert history.rule == ".git/ (default); mirrored as project.gitbundle"
    assert [oct((state / "bundles" / name).stat().st_mode)[-3:] for name in bundles(state)] == [
        "600"
    ]


def test_it_is_only_made_anew_when_a_ref_moved(root: Path, state: Path, home: Home) -> None:
    folder = repository(root, "project")
    where = path("project/project.gitbundle")
    first = made(home, state).tree.entries[where]
    git(folder, "gc", "-q")
    assert made(home, state).tree.entries[where] == first
    commit(folder, "two")
    second = made(home, state).tree.entries[where]
    assert second.stat != first.stat
    assert len(bundles(state)) == 1
    git(folder, "checkout", "-q", "--detach", "HEAD~1")
    third = made(home, state).tree.entries[where]
    assert third.stat != second.stat


def test_a_branch_that_was_not_begun_does_not_hide_the_others(
    root: Path, state: Path, home: Home
) -> None:
    folder = repository(root, "project")
    git(folder, "checkout", "-q", "--orphan", "fresh")
    assert made(home, state).overlay


def test_what_else_is_left_out_stays_as_it_was(root: Path, state: Path, home: Home) -> None:
    repository(root, "project")
    write(root, "node_modules/x")
    history = history_of(made(home, state), "node_modules")
    assert history.rule == "node_modules/ (default)"


def test_the_homes_own_repository_and_one_in_another(root: Path, state: Path, home: Home) -> None:
    repository(root, "inner/one")
    repository(root, "")
    found = set(made(home, state).overlay)
    assert found == {"home.gitbundle", "inner/one/one.gitbundle"}


def test_bundles_of_gone_repositories_and_leftovers_are_removed(
    root: Path, state: Path, home: Home
) -> None:
    folder = repository(root, "project")
    made(home, state)
    write(state, "bundles/killed.part")
    shutil.rmtree(folder / ".git")
    assert made(home, state).overlay == {}
    assert bundles(state) == []


def test_a_pass_that_was_killed_in_the_middle_does_no_harm(
    root: Path, state: Path, home: Home
) -> None:
    folder = repository(root, "project")
    made(home, state)
    (name,) = bundles(state)
    (state / "bundles" / name).unlink()
    part = name.replace(".bundle", ".part")
    write(state, f"bundles/{part}")
    write(state, f"bundles/{part}.lock")
    assert made(home, state).overlay
    assert bundles(state) == [name]
    assert folder.is_dir()


class TestNoBundle:
    def expect(self, bundled: Bundled, why: str) -> None:
        assert bundled.overlay == {}
        history = history_of(bundled, "project/.git")
        assert history.reason == "excluded"
        assert history.rule.startswith(".git/ (default); no bundle: ")
        assert why in history.rule

    def test_without_commits(self, root: Path, state: Path, home: Home) -> None:
        (root / "project").mkdir()
        git(root / "project", "init", "-q")
        self.expect(made(home, state), "it has no commits yet")

    def test_of_what_is_broken(self, root: Path, state: Path, home: Home) -> None:
        folder = repository(root, "project")
        for name in ("objects", "refs"):
            shutil.rmtree(folder / ".git" / name)
        self.expect(made(home, state), "fatal: ")

    def test_of_what_lost_its_objects(self, root: Path, state: Path, home: Home) -> None:
        folder = repository(root, "project")
        shutil.rmtree(folder / ".git/objects")
        (folder / ".git/objects").mkdir()
        self.expect(made(home, state), "fatal: bad object")
        assert bundles(state) == []

    def test_without_git(
        self, root: Path, state: Path, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository(root, "project")
        monkeypatch.setenv("PATH", str(state))
        self.expect(made(home, state), "git is not installed here")

    def test_where_a_file_has_its_name(self, root: Path, state: Path, home: Home) -> None:
        repository(root, "project")
        write(root, "project/project.gitbundle", b"mine")
        self.expect(made(home, state), "there is a file of the bundle's name")
        content = home.load(path("project/project.gitbundle"), 10)
        assert content is not None
        assert content.data == b"mine"

    def test_that_is_too_large_or_excluded(self, root: Path, state: Path, home: Home) -> None:
        repository(root, "project")
        small = Selection(Settings(max_file_size=20))
        self.expect(made(home, state, small), "its bundle is left out by max_file_size = 20")
        unwanted = Selection(Settings(excludes=("*.gitbundle",)))
        self.expect(made(home, state, unwanted), "its bundle is left out by *.gitbundle (excludes)")

    def test_where_the_state_folder_cannot_be_written(
        self, root: Path, state: Path, home: Home
    ) -> None:
        repository(root, "project")
        write(state, "bundles", b"a file in the way")
        self.expect(made(home, state), "the state folder cannot be used (file exists)")

    def test_when_git_takes_too_long(
        self, root: Path, state: Path, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        repository(root, "project")
        slow = write(
            tmp_path, "slow/git", b"#!/bin/sh\nread line < " + os.fsencode(tmp_path / "fifo")
        )
        slow.chmod(0o755)
        os.mkfifo(tmp_path / "fifo")
        monkeypatch.setenv("PATH", str(slow.parent))
        self.expect(made(home, state, timeout=0.2), "git took longer than 0.2 seconds")


def test_a_git_folder_that_a_person_lifted_is_mirrored_as_it_is(
    root: Path, state: Path, home: Home
) -> None:
    repository(root, "project")
    lifted = Selection(Settings(), driveignore="!.git/\n")
    bundled = made(home, state, lifted)
    assert bundled.overlay == {}
    assert path("project/.git/HEAD") in bundled.tree.entries


def test_the_repository_is_not_touched_and_runs_no_program(
    root: Path, state: Path, home: Home, tmp_path: Path
) -> None:
    folder = repository(root, "project")
    program = write(
        tmp_path, "program", b"#!/bin/sh\ntouch " + os.fsencode(tmp_path / "ran") + b"\n"
    )
    program.chmod(0o755)
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "gpg.program"):
        git(folder, "config", name, str(program))
    for hook in ("post-checkout", "pre-auto-gc", "reference-transaction", "post-index-change"):
        shutil.copy(program, folder / ".git/hooks" / hook)
    before = snapshot(root)
    assert made(home, state).overlay
    assert snapshot(root) == before
    assert not (tmp_path / "ran").exists()


def test_names_that_are_no_utf8(root: Path, state: Path, home: Home) -> None:
    repository(root, "caf\udce9 'x'")
    (where,) = made(home, state).overlay
    assert where == "caf\udce9 'x'/caf\udce9 'x'.gitbundle"
    assert home.digest(where).stat.size > 0
