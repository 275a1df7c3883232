"""``authorize`` and ``disconnect``."""

from __future__ import annotations

import webbrowser

import click

from jupyter_drive_sync.cli.options import Desk, at_desk
from jupyter_drive_sync.runner import consent, hub
from jupyter_drive_sync.runner.clock import SystemClock


@click.command()
@click.option(
    "--device",
    is_flag=True,
    help="Show a code to type in a browser elsewhere; needs a client of the kind "
    '"TVs and Limited Input devices".',
)
@click.option("--no-browser", is_flag=True, help="Only print the address, open no browser.")
@at_desk("home", "drive_folder", "client_file")
def authorize(desk: Desk, *, device: bool, no_browser: bool) -> None:
    """Connect your Google Drive.

    Google asks for your consent in a browser, and sends the answer to an address of this machine.
    We ask for one thing: to see and change the files that we make ourselves.
    """
    out = desk.out

    def ask(address: str) -> None:
        out.record("consent", {"url": address})
        out.say(f"Open this address to connect your Google Drive:\n\n    {address}\n")
        if not no_browser and not out.as_json:
            webbrowser.open(address)

    def show(address: str, code: str) -> None:
        out.record("consent", {"url": address, "code": code})
        out.say(f"Open {address} in any browser and type this code:\n\n    {code}\n")

    if desk.place.credentials == "broker" and not device:
        out.say("The permission is kept by your hub: use the browser in which you are logged in.")
        clock = SystemClock()
        account = hub.by_hub(desk.place, ask, patience=consent.PATIENCE, clock=clock)
    elif device:
        account = consent.by_device(desk.place, show)
    else:
        account = consent.by_browser(desk.place, ask, patience=consent.PATIENCE)
    out.record("connected", account)
    out.say(f"Connected as {account['email']}. Now `jupyter drive-sync sync` copies your files.")


@click.command()
@click.option(
    "--revoke",
    is_flag=True,
    help="Also end the permission at Google: for every computer and hub that uses the same "
    "Google project for your account.",
)
@at_desk("client_file")
def disconnect(desk: Desk, *, revoke: bool) -> None:
    """Forget the permission to your Google Drive.

    What was mirrored stays on Drive. At Google the permission lasts until you revoke it, there or
    with --revoke; revoking ends it everywhere, since Google knows one permission per project.
    """
    if desk.place.credentials == "broker":
        hub.disconnect(desk.place, revoke=revoke)
    else:
        desk.perform(desk.place.job("revoke", args={"at_google": revoke}))
    desk.out.record("disconnected", {"revoked": revoke})
    if revoke:
        desk.out.say(
            "Disconnected, and revoked at Google: other computers and hubs that use the same "
            "Google project must be connected again too. Your files on Drive stay."
        )
    else:
        desk.out.say(
            "Disconnected. Your files on Drive stay. Google keeps the permission until you remove "
            "it at https://myaccount.google.com/connections, which ends it everywhere."
        )
