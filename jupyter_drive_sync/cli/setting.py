"""``settings``: show and change what is kept in ``settings.json``."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from jupyter_drive_sync.cli.options import Desk, at_desk
from jupyter_drive_sync.core.settings import from_mapping
from jupyter_drive_sync.errors import BadSettings
from jupyter_drive_sync.runner import settings_file
from jupyter_drive_sync.server.problems import SetByAdmin


@click.command()
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--unset", is_flag=True, help="Take NAME back to its default.")
@at_desk()
def settings(desk: Desk, *, name: str | None, value: str | None, unset: bool) -> None:
    """Show the settings, or set NAME to VALUE.

    VALUE is JSON: a number, true, false, or a list such as '["*.tmp", "scratch/"]'. A running sync
    goes on with the settings that it began with.
    """
    place = desk.place
    if name is not None and (unset or value is not None):
        if name in place.settings:
            raise SetByAdmin(name=f"c.DriveSync.{name}")
        settings_file.store(place.state_dir, name, None if unset else value)
    values = asdict(place.load_settings())
    defaults = asdict(from_mapping(place.defaults))
    if name is not None and name not in values:
        raise BadSettings(name=name, problem="there is no such setting")
    for each in values if name is None else [name]:
        changed = values[each] != defaults[each]
        desk.out.record("setting", {"name": each, "value": values[each], "set": changed})
        mark = "*" if changed else " "
        desk.out.say(f"{mark} {each:<20} {json.dumps(values[each])}")
