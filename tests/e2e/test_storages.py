"""Storages as a person uses them, in the panel and its form, against LocalDrive."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from jupyter_drive_sync.demo.proof import mirrored
from tests.e2e.jupyter_page import ACCOUNT, Jupyter, answer, audit, jupyter, open_page
from tests.e2e.on_drive import move_to_my_drive
from tests.e2e.test_browser import connect
from tests.e2e.test_panel import Panel
from tests.storage.instructor import Instructor

NOTEBOOK: Final = "/notebooks/data8/lab1/Lab1.ipynb"
EXPOSED: Final = (
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
)
NOWHERE: Final = "1AbCdEfGhIjKlMnOpQrStUvWxYz012345"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Jupyter]:
    """Serve a Jupyter of its own for a test."""
    with jupyter(tmp_path, *EXPOSED) as running:
        yield running


@pytest.fixture
def instructor(server: Jupyter) -> Instructor:
    """Share a course by its link; the key of a service account lies in the student's home."""
    teacher = Instructor(server.ground)
    teacher.put("welcome.md", "# Welcome\n")
    teacher.put("data.csv", "a,b\n")
    teacher.share()
    (server.home / "keys").mkdir()
    teacher.make_key(server.home / "keys/course.json")
    return teacher


def open_panel(page: Page) -> Panel:
    """Open the panel of a page that is not connected."""
    page.evaluate("() => void window.jupyterapp.commands.execute('drive-sync:details')")
    panel = Panel(page)
    expect(panel.node.get_by_role("heading", name="Not connected")).to_be_visible()
    return panel


def press(page: Page, button: Locator) -> None:
    """Press a button by the keyboard."""
    button.focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("path", ["/lab", NOTEBOOK], ids=["lab", "notebook"])
def test_by_keyboard_alone(
    server: Jupyter, instructor: Instructor, window: BrowserContext, path: str
) -> None:
    """Filled in with a wrong id, mended, saved, run, looked at, removed; the file is here."""
    page = open_page(window, server, path)
    panel = open_panel(page)
    part, dialog = panel.part("storages"), panel.dialog
    add = part.get_by_role("button", name="Add a storage…")
    press(page, add)
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("course")
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("radio", name="Bring from Drive to here")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type(NOWHERE)
    page.keyboard.press("Tab")
    page.keyboard.type("material")
    page.keyboard.press("Tab")
    page.keyboard.type("A service")
    page.keyboard.press("Tab")
    expect(dialog.get_by_label("Its key")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("Where is the service account's key?")
    expect(dialog.get_by_label("Its key")).to_be_focused()
    page.keyboard.type("keys/course.json")
    page.keyboard.press("Enter")
    folder = dialog.get_by_label("Folder on Drive")
    expect(folder).to_be_focused()
    expect(folder).to_have_value(NOWHERE)
    expect(folder).to_have_accessible_description(
        re.compile(f"Google Drive shows no folder {NOWHERE} to {instructor.email}")
    )
    assert audit(page) == []
    page.keyboard.press("Control+a")
    page.keyboard.type(instructor.link)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(add).to_be_focused()

    course = part.locator("[data-storage=course]")
    expect(course).to_contain_text("It has not run yet.")
    assert not (server.home / "material").exists()
    press(page, course.get_by_role("button", name="Run now"))
    expect(course).to_contain_text(re.compile(r"As on Drive \d\d:\d\d, 2 files\."))
    assert (server.home / "material/welcome.md").read_text() == "# Welcome\n"
    press(page, course.get_by_role("button", name="Check"))
    expect(course.get_by_role("status")).to_contain_text("can be read in Course A")
    press(page, course.get_by_role("button", name="History"))
    press(page, course.get_by_role("button", name=re.compile("2 brought")))
    files = course.get_by_role("list", name="Files of this run")
    expect(files).to_contain_text("welcome.md")
    assert audit(page) == []

    press(page, course.get_by_role("button", name="Edit…"))
    expect(dialog.get_by_label("Name", exact=True)).to_have_attribute("readonly", "")
    dialog.get_by_label("By itself").focus()
    page.keyboard.type("Once")
    page.keyboard.press("Tab")
    page.keyboard.type("Wednesday")
    page.keyboard.press("Tab")
    page.keyboard.type("0630")
    assert audit(page) == []
    press(page, dialog.get_by_role("button", name="Save"))
    expect(dialog).to_have_count(0)
    expect(course).to_contain_text("every Wednesday at 06:30")

    press(page, course.get_by_role("button", name="Remove…"))
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert audit(page) == []
    press(page, dialog.get_by_role("button", name="Remove", exact=True))
    expect(course).to_have_count(0)
    assert (server.home / "material/welcome.md").exists()
    assert server.home.joinpath("keys/course.json").exists()


def test_what_an_admin_has_set(tmp_path: Path, window: BrowserContext) -> None:
    """It is shown as set; own values win until they are taken back."""
    course = {"name": "course", "local": "material", "drive": "Courses/2026"}
    (tmp_path / "config").mkdir()
    (tmp_path / "config/jupyter_server_config.json").write_text(
        json.dumps({"DriveSync": {"storages": [course]}})
    )
    with jupyter(tmp_path, *EXPOSED) as server:
        page = open_page(window, server, "/lab")
        panel = open_panel(page)
        part = panel.part("storages").locator("[data-storage=course]")
        expect(part).to_contain_text("Set by your admin")
        expect(part.get_by_role("button", name="Remove…")).to_have_count(0)
        part.get_by_role("button", name="Edit…").click()
        dialog = panel.dialog
        expect(dialog).to_contain_text("Set by your admin. What you save here counts instead")
        dialog.get_by_label("Folder here").fill("mine")
        dialog.get_by_role("button", name="Save", exact=True).click()
        # There is no connection yet, so nothing could be tried.
        expect(dialog.get_by_role("alert")).to_be_visible()
        dialog.get_by_role("button", name="Save all the same").click()
        expect(part).to_contain_text("Courses/2026 → mine")
        expect(part).to_contain_text("in place of those of your admin")
        part.get_by_role("button", name="Take back my values…").click()
        dialog.get_by_role("button", name="Take back my values").click()
        expect(part).to_contain_text("Courses/2026 → material")
        assert audit(page) == []


def test_a_client_of_its_own_is_connected_in_the_panel(
    server: Jupyter, instructor: Instructor, window: BrowserContext
) -> None:
    """A no at Google, a file that is no client, a yes; then it runs, and the backup has nothing."""
    (server.home / "keys/own.json").write_text(server.ground.client_file.read_text())
    page = open_page(window, server, "/lab")
    panel = open_panel(page)
    part, dialog = panel.part("storages"), panel.dialog
    part.get_by_role("button", name="Add a storage…").click()
    dialog.get_by_label("Name", exact=True).fill("data")
    dialog.get_by_label("Folder on Drive").fill(instructor.link)
    dialog.get_by_label("Folder here").fill("data")
    dialog.get_by_label("Whose permission").select_option("client")
    dialog.get_by_label("Client file").fill("keys/course.json")
    assert audit(page) == []
    dialog.get_by_role("button", name="Save and authorize…").click()
    going = dialog.get_by_role("button", name="Continue to Google")
    expect(dialog).to_contain_text("Everything, to read")
    expect(going).to_be_focused()
    assert audit(page) == []
    going.click()
    expect(dialog.get_by_role("alert")).to_contain_text("it is the key of a service account")
    dialog.get_by_role("button", name="Edit…").click()
    dialog.get_by_label("Client file").fill("keys/own.json")
    dialog.get_by_role("button", name="Save and authorize…").click()
    for decision in ("Cancel", "Allow"):
        with window.expect_page() as consent:
            going.click()
        expect(dialog.get_by_role("heading", name="Waiting for Google")).to_be_visible()
        expect(consent.value.get_by_role("button", name=decision)).to_be_visible()
        for box in consent.value.get_by_role("checkbox").all():  # does not wait by itself
            box.check()  # of several, Google ticks none
        answer(consent.value, decision)
        consent.value.wait_for_url("**/drive-sync/oauth2callback*")
        if decision == "Cancel":
            consent.value.close()
            expect(dialog.get_by_role("alert")).to_be_visible()
            dialog.get_by_role("button", name="Try again").click()
    expect(consent.value.locator("body")).to_contain_text("for the storage data alone")
    consent.value.close()
    card = part.locator("[data-storage=data]")
    expect(dialog).to_have_count(0)
    expect(card).to_contain_text("It has not run yet.")
    card.get_by_role("button", name="Run now").click()
    expect(card).to_contain_text(re.compile(r"As on Drive \d\d:\d\d, 2 files\."))
    assert (server.home / "data/welcome.md").read_text() == "# Welcome\n"
    expect(panel.node.get_by_role("heading", name="Not connected")).to_be_visible()


@pytest.mark.parametrize("path", ["/lab", NOTEBOOK], ids=["lab", "notebook"])
def test_what_a_storage_holds_back_is_decided(
    server: Jupyter, window: BrowserContext, path: str
) -> None:
    """What somebody moved elsewhere on Drive waits, is looked at, and is copied there again."""
    connect(server)
    names = [f"{number}.csv" for number in range(25)]
    (server.home / "marks/lab1").mkdir(parents=True)
    for name in names:
        (server.home / "marks/lab1" / name).write_text(name)
    page = open_page(window, server, path)
    page.evaluate("() => void window.jupyterapp.commands.execute('drive-sync:details')")
    panel = Panel(page)
    part, dialog = panel.part("storages"), panel.dialog
    part.get_by_role("button", name="Add a storage…").click()
    dialog.get_by_label("Name", exact=True).fill("marks")
    dialog.get_by_role("radio", name="Copy from here to Drive").check()
    dialog.get_by_label("Folder on Drive").fill("shared/marks")
    dialog.get_by_label("Folder here").fill("marks")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_have_count(0)
    card = part.locator("[data-storage=marks]")
    card.get_by_role("button", name="Run now").click()
    expect(card).to_contain_text("25 files.")
    there = [f"lab1/{name}" for name in sorted(names)]
    drive = server.ground.drive
    assert sorted(mirrored(drive, ACCOUNT, "shared/marks")[0]) == there

    move_to_my_drive(server, "lab1")
    card.get_by_role("button", name="Run now").click()
    expect(card).to_contain_text("25 files were moved elsewhere on your Drive")
    assert mirrored(drive, ACCOUNT, "shared/marks")[0] == {}
    card.get_by_role("button", name="Review").click()
    tree = dialog.get_by_role("group", name="Folders and files")
    expect(tree).to_contain_text(re.compile("lab1.*25 files"))
    expect(dialog.get_by_role("checkbox")).to_have_count(0)  # it is answered as a whole
    assert audit(page) == []
    dialog.get_by_role("button", name="Copy them to Drive again").click()
    expect(dialog).to_have_count(0)
    expect(card).to_contain_text(re.compile(r"Copied and checked \d\d:\d\d, 25 files\."))
    assert sorted(mirrored(drive, ACCOUNT, "shared/marks")[0]) == there
    assert sorted(mirrored(drive, ACCOUNT, "lab1")[0]) == sorted(names)
