"""``storages`` and ``download``, as a person uses them: real children, a real socket."""

from __future__ import annotations

from tests.cli.conftest import Desk


def test_an_export_and_an_import_of_it(connected: Desk) -> None:
    connected.write("results/a.csv", "1,2")
    connected.write("results/b/c.csv", "3")
    said = connected.run("storages", "add", "results", "results", "shared/results", "--export")
    assert said.code == 0, said.err
    assert "It works: ann@example.edu found a folder to be made." in said.out
    said = connected.run("storages", "run", "results")
    assert said.code == 0, said.err
    assert "2 uploaded" in said.out
    assert set(connected.on_drive(folder="shared/results")) == {"a.csv", "b/c.csv"}
    link = connected.run("storages", "run", "results", "--json").record("run")["link"]

    said = connected.run("storages", "add", "back", "back", link)
    assert said.code == 0, said.err
    assert "found the folder results, and read a.csv" in said.out
    said = connected.run("storages", "run", "back", "--json")
    run = said.record("run")
    assert (run["outcome"], run["counters"]["brought"]) == ("completed", 2)
    assert (connected.home / "back/b/c.csv").read_text() == "3"
    assert connected.run("storages", "run", "back").out.startswith("2 unchanged")
    listed = connected.run("storages", "list", "--json").records
    assert {item["name"]: item["status"]["status"] for item in listed} == {
        "results": "completed",
        "back": "completed",
    }
    assert connected.run("storages", "remove", "back").code == 0
    assert (connected.home / "back/a.csv").exists()
    assert "back" not in connected.run("storages", "list").out.split()
