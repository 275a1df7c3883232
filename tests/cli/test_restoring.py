"""``restore``, ``versions`` and ``undo``, as a person uses them: real children, a real socket."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Desk
from tests.localdrive.caller import caller


@pytest.fixture
def mirrored(connected: Desk) -> Desk:
    connected.write("course/lab.ipynb", '{"cells": []}')
    connected.write("course/run.sh", "#!/bin/sh\n").chmod(0o755)
    assert connected.run("sync").code == 0
    return connected


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_lost_and_brought_back(mirrored: Desk) -> None:
    """The whole story of a lost home: a new state folder, the consent, restore, one answer."""
    before = tree(mirrored.home)
    shutil.rmtree(mirrored.home)
    shutil.rmtree(mirrored.state)
    mirrored.home.mkdir()
    mirrored.connect()
    mirrored.run("settings", "listing_lag", "0")
    dry = mirrored.run("restore", "--dry-run")
    assert dry.code == 0
    assert "bring back: course/lab.ipynb" in dry.out
    assert "Would bring back 3 files" in dry.out
    assert tree(mirrored.home) == {}
    said = mirrored.run("restore")
    assert said.code == 0
    assert "3 brought back" in said.out
    assert "the mirror of another home" in said.out
    assert tree(mirrored.home) == before
    assert (mirrored.home / "course/run.sh").stat().st_mode & 0o777 == 0o755
    held = mirrored.run("sync")
    assert held.code == 3
    hold = mirrored.run("release", "--json").record("hold")
    assert hold["choices"][0] == "restore"
    mirrored.run("release", hold["id"], "restore")
    run = mirrored.run("sync", "--json").record("run")
    assert (run["outcome"], run["counters"]["uploaded"]) == ("completed", 0)
    checked = mirrored.run("check", "--json").record("check")
    assert (checked["equal"], checked["findings"]) == (3, [])


def test_a_part_of_it(mirrored: Desk) -> None:
    shutil.rmtree(mirrored.home / "course")
    said = mirrored.run("restore", "course/lab.ipynb", "--json")
    run = said.record("run")
    assert run["own"] is True
    assert run["files"] == [
        {"path": "course/lab.ipynb", "outcome": "restored", "size": 13, **NO_REASON}
    ]
    assert any(record["event"] == "progress" for record in said.records)
    to = mirrored.home.parent / "copy"
    to.mkdir()
    assert mirrored.run("restore", "course", "--to", str(to)).code == 0
    assert set(tree(to)) == {"course/lab.ipynb", "course/run.sh"}


def test_beside_what_is_here(mirrored: Desk) -> None:
    mirrored.write("notes.txt", "mine, not synced")
    said = mirrored.run("restore")
    assert said.code == 0
    assert "notes.txt  (brought back beside what is here: as notes (from Drive, " in said.out
    assert (mirrored.home / "notes.txt").read_text() == "mine, not synced"


def test_status_and_history_say_what_happened(mirrored: Desk) -> None:
    before = mirrored.run("status", "--json").record("status")
    (mirrored.home / "notes.txt").unlink()
    mirrored.run("restore")
    after = mirrored.run("status", "--json").record("status")
    for name in ("state", "status", "last_sync", "last_sync_count", "last_sync_job", "job", "meta"):
        if name != "meta":
            assert after[name] == before[name], name
    assert after["meta"]["uploaded"] == before["meta"]["uploaded"]
    runs = mirrored.run("history", "--json").records
    assert [run["counters"]["restored"] for run in runs] == [1, 0]
    (file,) = [r for r in mirrored.run("history", "2", "--json").records if r["event"] == "file"]
    assert (file["path"], file["outcome"]) == ("notes.txt", "restored")


def test_versions(mirrored: Desk) -> None:
    mirrored.write("notes.txt", "second")
    mirrored.run("sync")
    found = mirrored.run("versions", "notes.txt", "--json").record("versions")
    newest, oldest = found["versions"]
    assert (newest["current"], oldest["current"]) == (True, False)
    said = mirrored.run("versions", "notes.txt")
    assert oldest["id"] in said.out
    assert "(current)" in said.out
    assert "1 of 200" in mirrored.run("versions", "notes.txt", "--keep", oldest["id"]).out
    mirrored.run("restore", "notes.txt", "--revision", oldest["id"])
    assert "notes\n" in tree(mirrored.home).values()
    put = mirrored.run("versions", "notes.txt", "--put-back", oldest["id"])
    assert put.code == 0
    assert "Here nothing has changed" in put.out
    assert "1 newer on Drive" in mirrored.run("sync").out
    mirrored.run("restore", "notes.txt")
    assert (mirrored.home / "notes.txt").read_text() == "notes\n"


def test_a_version_that_is_gone(mirrored: Desk) -> None:
    """Listed a moment ago, and removed on Drive since."""
    mirrored.write("notes.txt", "second")
    mirrored.run("sync")
    found = mirrored.run("versions", "notes.txt", "--json").record("versions")
    oldest = found["versions"][-1]["id"]
    person = caller(mirrored.ground.drive, scopes=("drive",))
    (file,) = person.search("name = 'notes.txt'")
    person.ask("DELETE", f"/files/{file['id']}/revisions/{oldest}")
    before = tree(mirrored.home)
    for arguments in (
        ("restore", "notes.txt", "--revision", oldest),
        ("versions", "notes.txt", "--put-back", oldest),
        ("versions", "notes.txt", "--keep", oldest),
    ):
        said = mirrored.run(*arguments)
        assert (said.code, f"has no version {oldest}" in said.sentence) == (2, True), arguments
    assert tree(mirrored.home) == before
    assert mirrored.run("restore", "notes.txt").code == 0
    assert "1 unchanged" in mirrored.run("restore", "notes.txt").out


def test_undo(mirrored: Desk) -> None:
    mirrored.write("notes.txt", "second")
    mirrored.write("fresh.txt", "x")
    mirrored.run("sync")
    said = mirrored.run("undo")
    assert said.code == 0
    assert "notes.txt  (as it was before, on Drive)" in said.out
    assert "Not undone of run 2: 1 uploaded." in said.out
    run = mirrored.run("undo", "2", "--json").record("run")
    assert (run["undone"], run["files"][0]["outcome"]) == (2, "skipped")


def test_held_deletions_are_brought_back(mirrored: Desk) -> None:
    mirrored.run("settings", "keep_whole_folders", "false")
    shutil.rmtree(mirrored.home / "course")
    assert mirrored.run("sync").code == 3
    hold = mirrored.run("release", "--json").record("hold")
    said = mirrored.run("release", hold["id"], "restore")
    assert "bring the files back from Drive. The next sync carries it out." in said.out
    said = mirrored.run("sync")
    assert said.code == 0
    assert "2 brought back" in said.out
    assert (mirrored.home / "course/lab.ipynb").exists()


NO_REASON = {"reason": "", "code": "", "params": {}}
BAD_INPUTS = [
    (("restore", "nothing.txt"), "There is no nothing.txt in the mirror on Drive"),
    (("restore", "/nowhere/at/all"), "does not lie in the home"),
    (("restore", "../outside"), "does not lie in the home"),
    (("restore", "--to", "/nowhere/at/all"), "There is no folder /nowhere/at/all"),
    (("restore", "--to", "STATE"), "our own state folder"),
    (("restore", "--as-of", "yesterday"), "--as-of 'yesterday' is no time"),
    (("restore", "notes.txt", "--revision", "x", "--as-of", "2026-01-01"), "not by both"),
    (("restore", "--revision", "x"), "name that file"),
    (("restore", "notes.txt", "--revision", "x"), "has no version x"),
    (("restore", "course", "--revision", "x"), "course is no file with versions"),
    (("versions", "nothing.txt"), "There is no nothing.txt"),
    (("versions", "course"), "course is no file with versions"),
    (("versions", "."), "Name one file"),
    (("versions", "notes.txt", "--keep", "x", "--put-back", "x"), "cannot be used together"),
    (("versions", "notes.txt", "--keep", "x"), "has no version x"),
    (("undo", "99"), "There is no run 99"),
    (("undo",), "No sync has trashed or replaced anything"),
]


def test_bad_inputs(mirrored: Desk) -> None:
    before = tree(mirrored.home)
    for arguments, sentence in BAD_INPUTS:
        said = mirrored.run(*(str(mirrored.state) if a == "STATE" else a for a in arguments))
        assert said.code == 2, arguments
        assert sentence in said.sentence, arguments
        assert tree(mirrored.home) == before, arguments


def test_before_there_is_anything(desk: Desk) -> None:
    said = desk.run("restore")
    assert said.code == 3
    assert "not connected" in said.sentence
    desk.connect()
    said = desk.run("restore")
    assert said.code == 2
    assert "There is no mirror of this home on your Drive" in said.sentence


def test_after_a_day(mirrored: Desk) -> None:
    """A day alone means its end, so today is now."""
    (mirrored.home / "notes.txt").unlink()
    said = mirrored.run("restore", "--as-of", "2000-01-01", "--json")
    assert {file["outcome"] for file in said.record("run")["files"]} == {"skipped"}
    assert mirrored.run("restore", "--as-of", "9000-01-01").code == 0
    assert (mirrored.home / "notes.txt").exists()
    assert json.loads((mirrored.state / "status.json").read_text())["status"] == "completed"
