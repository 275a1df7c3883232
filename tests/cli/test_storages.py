"""``storages`` and ``download``, as a person uses them: real children, a real socket."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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


def example() -> str:
    """Return the worked example of the documentation, as written."""
    page = (Path(__file__).parents[2] / "docs/user/checkpoints.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(code)


def train(folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", example()], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_checkpoint_example_as_written(connected: Desk) -> None:
    first = train(connected.home / "first")
    assert first == "step 3, weight 0.875\n"
    on_drive = connected.on_drive(folder="models/run-1")
    assert set(on_drive) == {"last.json"}
    # Another machine, which has only the folder on Drive, goes on where the first one was.
    assert train(connected.home / "second") == first
    assert (connected.home / "second/checkpoints/last.json").exists()
    assert connected.on_drive(folder="models/run-1") == on_drive
