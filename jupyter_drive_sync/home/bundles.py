"""One ``git bundle`` per repository, in place of its ``.git``.

A ``.git`` is thousands of files that a commit rewrites while we read them. ``git bundle`` writes
the whole history (all branches, tags, the newest stash) into one file that ``git clone`` takes. The
bundles lie in our state folder and show up in the tree as ``<folder>/<folder>.gitbundle``; nothing
is written in the repository.

A bundle is only made anew when a ref or ``HEAD`` has moved, since git does not give the same bytes
twice. Git runs with the settings of nobody but us: a repository's own configuration is a program.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import stat as stat_bits
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from jupyter_drive_sync.core.selection import Selection
from jupyter_drive_sync.core.tree import (
    Kind,
    LeftOut,
    LocalEntry,
    LocalTree,
    RelPath,
    Stat,
    fs_path,
    join,
    name_of,
    parent_of,
    to_bytes,
)
from jupyter_drive_sync.home.read import Home

_SUFFIX: Final = ".gitbundle"
_FOLDER: Final = "bundles"

_QUIET: Final = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.allow", "never"),
    ("safe.directory", "*"),
    ("pack.threads", "1"),
    ("pack.windowMemory", "32m"),
    ("pack.deltaCacheSize", "16m"),
    ("core.packedGitLimit", "64m"),
)
"""Nothing of the repository's runs, nothing is fetched or tidied, and memory stays small."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """A tree with its bundles, and where their content lies."""

    tree: LocalTree
    overlay: Mapping[RelPath, Path]
    """For :class:`~jupyter_drive_sync.home.read.Home`."""


def bundle(
    home: Home, tree: LocalTree, selection: Selection, state: Path, *, timeout: float = 600.0
) -> Bundled:
    """Make the bundles of all repositories in the home whose ``.git`` is left out.

    A repository that cannot be bundled keeps its place among what is left out, with the reason; it
    never fails a pass. Bundles of repositories that are gone are removed from the state folder.

    Args:
        home: where the tree was seen.
        tree: what the scan returned.
        selection: whether the bundle itself is mirrored.
        state: our state folder.
        timeout: most seconds for one repository.
    """
    folder = state / _FOLDER
    git = shutil.which("git")
    entries = dict(tree.entries)
    overlay: dict[RelPath, Path] = {}
    left_out = []
    for item in tree.left_out:
        if not _is_history(item):
            left_out.append(item)
            continue
        path = _place(item.path)
        try:
            if git is None:
                raise _NoBundle("git is not installed here")
            if path in entries:
                raise _NoBundle("there is a file of the bundle's name")
            repository = _Repository(git, fs_path(home.root, item.path), timeout)
            file = repository.bundle_in(folder, key=_digest(to_bytes(item.path)))
            entry = _entry(path, file)
            refused = selection.judge(path, Kind.FILE, entry.stat.size)
            if refused is not None:
                raise _NoBundle(f"its bundle is left out by {refused.rule}")
        except (_NoBundle, OSError) as error:
            left_out.append(replace(item, rule=f"{item.rule}; no bundle: {_why(error)}"))
            continue
        entries[path] = entry
        overlay[path] = file
        left_out.append(replace(item, rule=f"{item.rule}; mirrored as {name_of(path)}"))
    wanted = set(overlay.values())
    _tidy(folder, lambda file: file not in wanted)
    return Bundled(replace(tree, entries=entries, left_out=tuple(left_out)), overlay)


class _NoBundle(Exception):
    """Why there is none, for people."""


@dataclass(frozen=True, slots=True)
class _Repository:
    """One ``.git`` folder and the program that reads it."""

    git: str
    folder: str
    timeout: float

    def bundle_in(self, folder: Path, *, key: str) -> Path:
        """Return the bundle of what the refs say now; make it if there is none yet."""
        refs = self._run("for-each-ref", "--format=%(objectname) %(refname)")
        try:
            head = self._run("rev-parse", "HEAD", "--symbolic-full-name", "HEAD")
        except _NoBundle:  # the branch that HEAD names has no commit; others may have some
            if not refs.strip():
                raise _NoBundle("it has no commits yet") from None
            head = b""
        target = folder / f"{key}-{_digest(refs + head)}.bundle"
        if not target.is_file():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = target.with_suffix(".part")
            _tidy(folder, lambda file: file.name.startswith(unfinished.name))
            self._run("bundle", "create", "--quiet", str(unfinished), "--all")
            unfinished.chmod(0o600)
            unfinished.replace(target)
        return target

    def _run(self, *arguments: str) -> bytes:
        """Run git in its own process group, so that what it starts ends with it."""
        settings = [part for name, value in _QUIET for part in ("-c", f"{name}={value}")]
        process = subprocess.Popen(  # noqa: S603 - no shell, a fixed program
            [self.git, "--git-dir", self.folder, *settings, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
        try:
            out, problem = process.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise _NoBundle(f"git took longer than {self.timeout:g} seconds") from None
        if process.returncode:
            first = problem.decode("utf-8", "replace").strip().partition("\n")[0]
            raise _NoBundle(first or f"git ended with {process.returncode}")
        return out


def _environment() -> dict[str, str]:
    """What git may know of the world: where programs are, and that nobody is there to ask."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }


def _why(error: _NoBundle | OSError) -> str:
    if isinstance(error, OSError):
        return f"the state folder cannot be used ({(error.strerror or 'unknown error').lower()})"
    return str(error)


def _is_history(item: LeftOut) -> bool:
    return item.reason == "excluded" and name_of(item.path) == ".git"


def _place(git_folder: RelPath) -> RelPath:
    """Return the path of a repository's bundle; the home's own is ``home.gitbundle``."""
    folder = parent_of(git_folder)
    return join(folder, (name_of(folder) or "home") + _SUFFIX)


def _entry(path: RelPath, file: Path) -> LocalEntry:
    status = file.stat()
    return LocalEntry(
        path,
        Kind.FILE,
        Stat.given(status.st_size, status.st_mtime_ns, status.st_ino),
        stat_bits.S_IMODE(status.st_mode),
    )


def _tidy(folder: Path, stale: Callable[[Path], bool]) -> None:
    """Remove what no repository needs any more; what cannot be removed waits for the next pass."""
    try:
        for file in filter(stale, [*folder.iterdir()]):
            file.unlink()
    except OSError:
        return


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
