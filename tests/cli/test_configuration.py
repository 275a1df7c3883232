"""What the configuration of Jupyter servers sets holds for commands too."""

from __future__ import annotations

from tests.cli.conftest import Desk


def configure(desk: Desk, text: str, name: str = "jupyter_server_config.py") -> None:
    desk.write(f".jupyter/{name}", text)


STORAGES = """
c.DriveSync.storages = [
    {"name": "results", "local": "results", "drive": "results", "direction": "export"},
    {"name": "outside", "local": "%s/outside", "drive": "outside", "direction": "export"},
]
c.DriveSync.storage_roots = ["%s"]
"""


def test_storages_of_the_admin_s(connected: Desk) -> None:
    configure(connected, STORAGES % ((str(connected.home.parent),) * 2))
    connected.write("results/a.csv", "1,2")
    connected.write("../outside/b.csv", "3")
    listed = connected.run("storages", "list", "--json").records
    assert [item["name"] for item in listed] == ["results", "outside"]
    assert "It works" in connected.run("storages", "validate", "results").out
    for name in ("results", "outside"):
        said = connected.run("storages", "run", name)
        assert said.code == 0, said.err
        assert connected.run("history", "--storage", name).code == 0
    assert set(connected.on_drive(folder="results")) == {"a.csv"}
    assert set(connected.on_drive(folder="outside")) == {"b.csv"}
    assert "results is well" in connected.run("doctor").out
    said = connected.run("storages", "remove", "results")
    assert "c.DriveSync.storages['results'] was set by your admin" in said.sentence
    add = ("storages", "add", "results", "other", "other", "--export", "--no-check")
    assert "there is one of that name" in connected.run(*add).sentence
    # A person's own value of one wins, and gives way again.
    assert connected.run(*add, "--replace").code == 0
    assert "local: other" in connected.run("storages", "show", "results").out
    assert connected.run("storages", "remove", "results").code == 0
    assert "local: results" in connected.run("storages", "show", "results").out


def test_rules_of_the_admin_s(connected: Desk) -> None:
    """Else a sync by hand would carry away what the nightly one leaves out."""
    configure(connected, 'c.DriveSync.excludes = ["*.big"]\nc.DriveSync.drive_folder = "hub/ann"\n')
    connected.write("a.big")
    assert connected.run("sync").code == 0
    there = connected.on_drive(folder="hub/ann")
    assert "notes.txt" in there
    assert "a.big" not in there
    said = connected.run("settings", "excludes", "[]")
    assert "c.DriveSync.excludes was set by your admin" in said.sentence
    assert '["*.big"]' in connected.run("settings", "excludes").out
    # What is named on the command line is meant.
    connected.run("sync", "--drive-folder", "other/ann")
    assert connected.run("status", "--json").code == 0


def test_a_key_of_the_admin_s_is_not_mirrored(connected: Desk) -> None:
    storage = {"name": "course", "local": "course", "drive": "1" + "A" * 30, "key_file": "a/robot"}
    configure(connected, f"c.DriveSync.storages = [{storage!r}]")
    connected.write("a/robot", "{}")
    connected.write("a/work", "1")
    assert connected.run("sync").code == 0
    there = connected.on_drive()
    assert "a/work" in there
    assert "a/robot" not in there


def test_configuration_that_fails_is_one_sentence(connected: Desk) -> None:
    configure(connected, "c.DriveSync.excludes = [\n")
    for command in ("sync", "status", "restore"):
        said = connected.run(command)
        assert said.code == 2
        assert "Jupyter's configuration jupyter_server_config cannot be read" in said.sentence
    assert connected.on_drive() == {}
    configure(connected, "c.DriveSync.nonsense = 1\n")
    assert "there is no such setting" in connected.run("sync").sentence
    configure(connected, "")
    configure(connected, '{"DriveSync": {"schedule": 5}}', "jupyter_drive_sync_config.json")
    assert "schedule" in connected.run("sync").sentence
