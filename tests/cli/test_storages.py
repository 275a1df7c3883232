"""``storages`` and ``download``, as a person uses them: real children, a real socket."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jupyter_drive_sync.demo.browser import Browser
from tests.cli.conftest import ANN, Desk
from tests.localdrive.caller import caller, other_client


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


def test_an_export_whose_folder_is_gone_waits_for_an_answer(connected: Desk) -> None:
    connected.write("results/a.csv", "1,2")
    connected.run("storages", "add", "results", "results", "results", "--export", "--no-check")
    assert connected.run("storages", "run", "results").code == 0
    drive = caller(connected.ground.drive, scopes=("drive",))
    (folder,) = drive.search("name = 'results'")
    drive.ask("PATCH", f"/files/{folder['id']}", {"trashed": True})
    said = connected.run("storages", "run", "results")
    assert said.code == 3
    hold = connected.run("release", "--storage", "results", "--json").record("hold")
    command = f"jupyter drive-sync release --storage results {hold['id']}"
    assert f"{command} CHOICE" in said.sentence
    assert "Nothing waits for you." in connected.run("release").out
    assert hold["choices"] == ["untrash", "start_afresh"]
    assert (
        f"{command} untrash   # take the folder"
        in connected.run("release", "--storage", "results").out
    )
    said = connected.run("release", "--storage", "results", hold["id"], "disconnect")
    assert (said.code, "untrash, start_afresh" in said.sentence) == (2, True)
    said = connected.run("release", "--storage", "results", hold["id"], "untrash")
    assert "storages run results` carries it out" in said.out
    said = connected.run("storages", "run", "results")
    assert (said.code, "1 unchanged" in said.out) == (0, True)
    runs = connected.run("history", "--storage", "results").out
    assert len([line for line in runs.splitlines() if " UTC  " in line]) == 3
    for name in ("nope", ".python", "../storages"):
        assert "There is no storage" in connected.run("history", "--storage", name).sentence


def test_a_folder_that_we_did_not_make_by_a_client_of_ones_own(
    connected: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps of the documentation."""
    mine = caller(
        connected.ground.drive, scopes=("drive",), client=other_client(connected.ground.drive)
    )
    folder = mine.folder("Thesis")
    mine.create("chapter.md", b"once", parents=[folder])
    link = f"https://drive.google.com/drive/folders/{folder}"
    said = connected.run("storages", "add", "thesis", "thesis", link)
    assert said.code == 2
    assert "shows no folder" in said.sentence
    client = ("--client", str(connected.ground.client_file))
    said = connected.run("storages", "add", "thesis", "thesis", link, *client)
    assert "not connected" in said.sentence
    said = connected.run("storages", "add", "thesis", "thesis", link, *client, "--no-check")
    assert said.code == 0, said.err
    visits: list[threading.Thread] = []

    def visit(url: str) -> bool:
        assert "drive.readonly" in url
        visits.append(threading.Thread(target=lambda: Browser(ANN).allow(url)))
        visits[0].start()
        return True

    monkeypatch.setattr("webbrowser.open", visit)
    said = connected.run("storages", "authorize", "thesis")
    visits[0].join()
    assert said.code == 0, said.err
    assert "Connected as ann@example.edu, for the storage thesis alone." in said.out
    assert (
        "found the folder Thesis, and read chapter.md"
        in connected.run("storages", "validate", "thesis").out
    )
    assert connected.run("storages", "run", "thesis").code == 0
    assert (connected.home / "thesis/chapter.md").read_text() == "once"
    # The home's own permission is as narrow as before.
    assert connected.run("sync").code == 0
    said = connected.run("storages", "authorize", "nope")
    assert "There is no storage nope" in said.sentence
    connected.run("storages", "remove", "thesis")
    assert not (connected.state / "storages/thesis").exists()


def test_a_key_is_never_mirrored_whatever_it_is_called(connected: Desk) -> None:
    """Law 13: what a storage names as key or client is left out, and said to be."""
    connected.write("work/harmless.txt", connected.ground.client_file.read_text())
    connected.write("work/real.txt", "results")
    connected.write("keys/course", json.dumps({"type": "service_account"}))
    (connected.home / "link").symlink_to("keys")
    client = ("--client", str(connected.home / "work/harmless.txt"), "--no-check")
    key = ("--key", str(connected.home / "link/course"), "--no-check")
    folder = "1" + "A" * 30
    assert connected.run("storages", "add", "mine", "mine", folder, *client).code == 0
    assert connected.run("storages", "add", "course", "course", folder, *key).code == 0
    said = connected.run("sync", "--json")
    assert said.code == 0, said.err
    assert set(connected.on_drive()) == {"notes.txt", "work/real.txt"}
    left_out = {
        file["path"]: file["reason"]
        for file in said.record("run")["files"]
        if file["outcome"] == "left_out"
    }
    why = "secrets are never copied (named as a key or an OAuth client)"
    assert left_out["work/harmless.txt"] == left_out["keys/course"] == why
    # Nor by a storage of the folder that it lies in.
    assert connected.run("storages", "add", "out", "work", "out", "--export").code == 0
    assert connected.run("storages", "run", "out").code == 0
    assert set(connected.on_drive(folder="out")) == {"real.txt"}
    # Nor the client of the home itself.
    connected.write("client", connected.ground.client_file.read_text())
    assert connected.run("sync", "--client-file", str(connected.home / "client")).code == 0
    assert "client" not in connected.on_drive()
