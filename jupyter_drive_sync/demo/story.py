"""The main job from start to end, told pass by pass: consent, mirror, change, mirror, and rest."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

from jupyter_drive_sync.demo import proof
from jupyter_drive_sync.demo.browser import Browser
from jupyter_drive_sync.demo.ground import Ground, local_drive
from jupyter_drive_sync.demo.sample import LEFT_OUT, SampleHome
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from jupyter_drive_sync.runner.consent import PATIENCE, by_browser
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place

ACCOUNT: Final = "ann@example.edu"
DRIVE_FOLDER: Final = "home/ann"
_WIDTH: Final = 72
"""Characters of a path that the tree shows."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A LocalDrive, a sample home, and the place that joins them.

    Attributes:
        ground: the LocalDrive.
        sample: the home.
        place: what a command would be told by its options.
    """

    ground: Ground
    sample: SampleHome
    place: Place


@contextlib.contextmanager
def stage(port: int = 0, latency: float = 0.0) -> Iterator[Stage]:
    """Set everything up in a temporary folder; nothing is left of it at the end.

    Args:
        port: of the LocalDrive; 0 takes any free one.
        latency: seconds that each of its answers takes.

    Raises:
        UsageError: the port is in use.
    """
    with (
        TemporaryDirectory(prefix="drive-sync-demo-") as folder,
        local_drive(port=port, settings=LocalDriveSettings(latency=latency)) as ground,
    ):
        base = Path(folder).resolve()
        sample = SampleHome(base / "home" / "ann")
        sample.make()
        place = Place(
            home=sample.root,
            state_dir=base / "state",
            drive_folder=DRIVE_FOLDER,
            client_file=ground.client_file,
            client_named=True,
        )
        yield Stage(ground, sample, place)


def tell(say: Callable[[str], None]) -> bool:
    """Play the whole story and tell it.

    Args:
        say: takes one line after the other.

    Returns:
        Whether home and Drive were equal after each pass, and the last pass wrote nothing.

    Raises:
        DriveSyncError: a pass failed.
    """
    with stage() as scene:
        say(f"A LocalDrive answers at {scene.ground.url} in place of Google.")
        account = _consent(scene)
        say(f"{account['email']} allowed us to see and change the files that we make there.\n")
        verdicts = [_pass(scene, "First pass, everything is new", say)]
        scene.sample.change()
        say("Two notebooks edited, two files added, a folder renamed, two files deleted.\n")
        verdicts.append(_pass(scene, "Second pass", say))
        verdicts.append(_pass(scene, "Third pass, nothing has changed", say, idle=True))
        _show_tree(scene, say)
    return all(verdicts)


def _consent(scene: Stage) -> Mapping[str, Any]:
    """Consent as a person would: in a browser, through Google's addresses and redirects."""
    browser = Browser(ACCOUNT)
    visits: list[threading.Thread] = []

    def visit(address: str) -> None:
        visits.append(threading.Thread(target=browser.allow, args=(address,), name="browser"))
        visits[0].start()

    environment = scene.ground.environment(os.environ)
    try:
        return by_browser(scene.place, visit, patience=PATIENCE, environment=environment)
    finally:
        for each in visits:
            each.join()


def _pass(scene: Stage, title: str, say: Callable[[str], None], *, idle: bool = False) -> bool:
    """Run a pass in a child, as everywhere, and count at LocalDrive what it asked."""
    log = scene.ground.drive.log
    log.clear()
    begun = monotonic()
    job = scene.place.job("mirror")
    with Child(job, environment=scene.ground.environment(os.environ)) as child:
        result = follow(child, lambda _: None)
    took = monotonic() - begun
    counters = result["counters"]
    say(f"{title}: {result['outcome'].replace('_', ' ')} in {took:.1f} seconds.")
    done = [
        f"{counters[name]:,} {name.replace('_', ' ')}"
        for name in ("uploaded", "updated", "moved", "trashed", "unchanged", "left_out", "failed")
        if counters[name]
    ]
    if counters["folders"]:
        done.append(f"{counters['folders']:,} folders made or renamed")
    say(f"  Files:    {', '.join(done)}; {counters['bytes'] / 1e6:,.1f} MB sent")
    kinds = [f"{count} {name}" for name, count in sorted(log.counts().items())]
    say(f"  Requests: {log.count():,} to Drive ({', '.join(kinds)}), {log.units():,} quota units")
    comparison = _compare(scene)
    say(f"  Checked:  {judged(comparison)}\n")
    quiet = not idle or log.count() == 1
    if not quiet:
        say("  A pass with nothing to do should have sent one request.\n")
    return comparison.equal and quiet and result["outcome"] == "completed"


def _compare(scene: Stage) -> proof.Comparison:
    there, twins = proof.mirrored(scene.ground.drive, ACCOUNT, DRIVE_FOLDER)
    return proof.compare(proof.expected(scene.sample.root, LEFT_OUT), there, twins)


def judged(comparison: proof.Comparison) -> str:
    """Say how home and Drive compare."""
    if comparison.equal:
        return f"all {len(comparison.same):,} checksums on LocalDrive are those of the files here"
    parts = [
        f"{len(paths)} {word} ({', '.join(map(repr, paths[:3]))})"
        for word, paths in (
            ("different", comparison.different),
            ("missing", comparison.missing),
            ("too many", comparison.extra),
            ("twice", comparison.twins),
        )
        if paths
    ]
    return f"NOT EQUAL: {'; '.join(parts)}"


def _show_tree(scene: Stage, say: Callable[[str], None]) -> None:
    """Print what LocalDrive holds, each file with whether its checksum is that of the file here."""
    there, twins = proof.mirrored(scene.ground.drive, ACCOUNT, DRIVE_FOLDER)
    here = proof.expected(scene.sample.root, LEFT_OUT)
    same = frozenset(proof.compare(here, there, twins).same)
    say(f"{DRIVE_FOLDER} on LocalDrive:")
    for path, held in sorted(there.items()):
        mark = "=" if path in same else "DIFFERENT"
        say(f"  {held.size:>11,}  {held.md5[:8]} {mark}  {_readable(path)}")
    say(f"{len(same):,} of {len(here):,} files are equal.")


def _readable(path: str) -> str:
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)
    return shown if len(shown) <= _WIDTH else f"{shown[: _WIDTH - 1]}…"


def commands(scene: Stage) -> list[str]:
    """Return the commands with which a person can try things against a stage."""
    place = scene.place
    return [
        f"export DRIVE_SYNC_API_ENDPOINT={scene.ground.url}",
        f"export DRIVE_SYNC_CLIENT_FILE={scene.ground.client_file}",
        f"export HOME={place.home} XDG_STATE_HOME={place.state_dir} JUPYTERHUB_USER=ann",
        "jupyter-drive-sync authorize",
        "jupyter-drive-sync sync",
        "jupyter-drive-sync status",
        "jupyter-drive-sync doctor",
    ]
