"""``demo`` and ``localdrive``: everything on this machine, no Google account needed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from jupyter_drive_sync.cli import words
from jupyter_drive_sync.demo import hub as hubs
from jupyter_drive_sync.demo import hub_story, lab, story
from jupyter_drive_sync.demo.ground import local_drive
from jupyter_drive_sync.errors import UsageError
from jupyter_drive_sync.localdrive.fault_text import kinds_help
from jupyter_drive_sync.localdrive.proxy import LocalDriveProxy
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings

_LATENCY: Final = 0.1
"""Seconds: about as long as Google takes, so that one can watch."""


def _has_screen() -> bool:
    """Tell whether a browser could show something; without, Python would open one of text."""
    return sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def _say(text: str) -> None:
    click.echo(words.presentable(text))


@click.command()
@click.option("--once", is_flag=True, help="Play the whole story, print it, and exit.")
@click.option("--hub", is_flag=True, help="Show a JupyterHub with three people and a night.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Port of the LocalDrive.")
def demo(*, once: bool, hub: bool, port: int) -> None:
    """See it work, without a Google account.

    Starts a LocalDrive, a server that behaves like Google Drive, makes a sample home, and opens
    both in a JupyterLab of their own until Ctrl-C. With --once it connects, mirrors, changes and
    mirrors again without a browser, and compares all checksums.

    With --hub it is a JupyterHub with the homes of three people; with --once they consent, and a
    night goes by in both modes.
    """
    if hub:
        hubs.check()
    if once:
        if not (hub_story if hub else story).tell(_say):
            _say("Something differs.")
            raise click.exceptions.Exit(4)
        return
    if hub:
        _show_hub(port)
        return
    with contextlib.ExitStack() as stack:
        told = stack.enter_context(_until_told())
        scene = stack.enter_context(story.stage(port, latency=_LATENCY))
        running = None
        if lab.installed():
            _say("JupyterLab starts, one moment…")
            running = stack.enter_context(lab.jupyterlab(scene, told.set, browse=_has_screen()))
            _say(f"\nJupyterLab, with a sample home:     {running.url}")
        else:
            _say("Without JupyterLab here (pip install jupyterlab), in the terminal alone.\n")
        _say(f"LocalDrive, as a browser shows it:  {scene.ground.url}/")
        _say(f"The sample home:                    {scene.sample.root}\n")
        if running:
            _say("1. Open JupyterLab. After some seconds it asks whether to back up your files.")
            _say("2. Authorize, look at what goes, and allow it on the page of LocalDrive.")
            _say("3. Watch the first sync; then change a notebook and press the cloud button.")
            _say("4. See what arrived on LocalDrive's page.\n")
        _say("The same in another terminal:\n")
        for line in story.commands(scene):
            _say(f"    {line}")
        _say("\nEverything is removed at Ctrl-C.")
        told.wait()


def _show_hub(port: int) -> None:
    with contextlib.ExitStack() as stack:
        told = stack.enter_context(_until_told())
        place = stack.enter_context(hubs.campus(port, latency=_LATENCY))
        _say("JupyterHub starts, one moment…")
        stack.enter_context(hubs.jupyterhub(place, hubs.Night(), told.set))
        for person in hubs.PEOPLE[1:]:
            hub_story.consent(place, person, _say)
        _say(f"\nJupyterHub:                         {place.url}")
        _say(f"Its page for administrators:        {place.service}admin")
        _say(f"LocalDrive, as a browser shows it:  {place.ground.url}/")
        _say(f"The homes:                          {place.folder / 'homes'}")
        _say(f"People:                             {', '.join((*hubs.PEOPLE, hubs.ADMIN))}")
        _say(f"Password of each:                   {place.password}")
        _say(f"What the hub says:                  {place.log}\n")
        for line in hub_story.first_steps(place):
            _say(line)
        _say("\nEverything is removed at Ctrl-C.")
        told.wait()


@click.command()
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="0 takes any free one.")
@click.option(
    "--proxy-port",
    type=click.IntRange(0, 65535),
    help="Also answer at Google's own addresses, through an HTTPS proxy at this port.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep the state here, over restarts.  [default: forgotten at the end]",
)
@click.option("--seed", default=0, show_default=True, help="Decides all that is random.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="Let something go wrong, such as files.create:503:p=0.2; may be repeated. "
    "--faults lists the kinds.",
)
@click.option("--faults", "list_faults", is_flag=True, help="List the kinds of faults, and exit.")
@click.option("--latency", default=0.0, metavar="SECONDS", help="Added to every call.")
@click.option("--lag", default=0.0, metavar="SECONDS", help="Listings and changes lag by up to so.")
@click.option("--writes-per-second", type=float, metavar="N", help="Throttle, as Drive does.")
def localdrive(
    *,
    port: int,
    proxy_port: int | None,
    folder: Path | None,
    seed: int,
    faults: tuple[str, ...],
    list_faults: bool,
    latency: float,
    lag: float,
    writes_per_second: float | None,
) -> None:
    """Serve a LocalDrive: a Google Drive on this machine, for trying and testing.

    Prints what to set so that a program uses it, and serves until Ctrl-C.
    """
    if list_faults:
        _say("ENDPOINT:KIND[:OPTION...], such as files.create:503:p=0.2\n")
        _say(kinds_help())
        return
    settings = LocalDriveSettings(
        latency=latency,
        listing_lag=lag,
        changes_lag=lag,
        writes_per_second=writes_per_second,
    )
    with (
        _until_told() as told,
        local_drive(
            folder=folder, port=port, seed=seed, faults=faults, settings=settings
        ) as ground,
        contextlib.ExitStack() as stack,
    ):
        _say(f"LocalDrive, as a browser shows it:  {ground.url}/\n")
        _say(f"    export DRIVE_SYNC_API_ENDPOINT={ground.url}")
        _say(f"    export DRIVE_SYNC_CLIENT_FILE={ground.client_file}")
        _say(f"    # for `authorize --device`:      {ground.device_file}")
        if proxy_port is not None:
            try:
                proxy = stack.enter_context(LocalDriveProxy(ground.drive, port=proxy_port))
            except OSError as problem:
                raise UsageError(
                    problem=f"Port {proxy_port} cannot be used: {problem.strerror}. "
                    "Name another with --proxy-port."
                ) from problem
            _say("\nFor programs that know Google's addresses only:\n")
            _say(f"    export HTTPS_PROXY=http://127.0.0.1:{proxy.port}")
            _say(f"    export SSL_CERT_FILE={proxy.ca_file}")
        _say("\nServing until Ctrl-C.")
        told.wait()


@contextlib.contextmanager
def _until_told() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C or a SIGTERM sets, so that everything ends in order."""
    told = threading.Event()

    def tell(*_: object) -> None:
        # From a thread: this one may hold the event's lock while it waits.
        threading.Thread(target=told.set).start()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, tell) for number in numbers}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
