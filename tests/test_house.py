"""The house: what a stranger with a bare clone relies on, and what no file may hold."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
import pytest

from jupyter_drive_sync import __version__
from jupyter_drive_sync.cli.commands import commands
from jupyter_drive_sync.core.settings import Settings
from tests.figures import record

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/user/command-line.md", "docs/user/localdrive.md", "CONTRIBUTING.md")


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table under the line that begins with ``heading``."""
    lines = text[text.index(heading) :].splitlines()[2:]
    table = itertools.takewhile(str.strip, lines)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def test_no_file_names_a_path_of_a_machine_or_the_host_of_a_registry() -> None:
    # Put together here, so that this file does not name them itself.
    hosts = [("pypi", "org"), ("npmjs", "com"), ("npmjs", "org"), ("files", "pythonhosted")]
    paths = [("", "work", "main"), ("", "work", "shared"), ("", "root", ""), ("..", "shared")]
    forbidden = [".".join(parts) for parts in hosts] + ["/".join(parts) for parts in paths]
    for path, text in texts():
        assert not [word for word in forbidden if word in text], path


@pytest.mark.figure
def test_no_test_sleeps_runs_twice_or_silences_a_warning() -> None:
    """What waits for something asks for it, again and again, and gives up; or time is virtual."""
    # Put together here, so that this file does not name them itself.
    pieces = [("time.", "sleep("), ("--re", "runs"), ("fla", "ky("), ('simplefilter("', "ignore")]
    pieces += [('filterwarnings("', "ignore"), ('"ignore', "::"), ("page.wait_for_", "timeout")]
    forbidden = ["".join(parts) for parts in pieces]
    found = [
        (path, word)
        for path, text in texts()
        if path.is_relative_to(ROOT / "tests") or path.name in {"pyproject.toml", "Makefile"}
        for word in forbidden
        if word in text
    ]
    record("flakes", len(found))
    assert found == []


def test_no_module_has_become_two_rooms() -> None:
    modules = (ROOT / "jupyter_drive_sync").rglob("*.py")
    assert {p.name: n for p in modules if (n := len(p.read_text().splitlines())) > 650} == {}


def test_package_init_files_import_nothing() -> None:
    for path in (ROOT / "jupyter_drive_sync").rglob("__init__.py"):
        assert not re.search(r"^(import|from) ", path.read_text("utf-8"), re.MULTILINE), path


def test_both_halves_have_one_version() -> None:
    assert json.loads((ROOT / "package.json").read_text())["version"] == __version__


def test_ci_runs_its_targets() -> None:
    path = ROOT / ".ci/run"
    assert os.access(path, os.X_OK)
    text = path.read_text()
    targets = (
        "lint",
        "make demo ONCE=1",
        "make demo HUB=1 ONCE=1",
        "make wheel",
        "make hub5",
        "make browser",
        "make test",
    )
    places = [text.index(word) for word in targets]
    assert places == sorted(places)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9]+):.*## ", page("Makefile"), re.MULTILINE))


def test_make_says_what_it_makes() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert {line.split()[1] for line in said.splitlines()} == targets()


@pytest.mark.parametrize("name", PAGES)
def test_pages_name_targets_that_exist(name: str) -> None:
    assert set(re.findall(r"(?:^ {4}|`)make ([a-z0-9]+)", page(name), re.MULTILINE)) <= targets()


@pytest.mark.parametrize("name", PAGES)
def test_pages_name_commands_that_exist(name: str) -> None:
    named = set(re.findall(r"jupyter[ -]drive-sync ([a-z]+)\b", page(name)))
    assert named <= set(commands.commands)


def test_readme_names_every_command() -> None:
    listed = {row[0].strip("`").split()[-1] for row in rows(page("README.md"), "| command |")}
    assert listed == set(commands.commands)


def test_every_option_on_the_pages_exists() -> None:
    known = {
        option
        for command in commands.commands.values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    } | {"--help"}
    for name in ("README.md", "docs/user/command-line.md", "docs/user/localdrive.md"):
        assert set(re.findall(r"`[^`\n]*?(--[a-z][a-z-]+)", page(name))) <= known, name


def test_readme_has_every_setting_with_its_default() -> None:
    listed = {
        row[0].strip("`"): row[1].strip("`") for row in rows(page("README.md"), "| setting |")
    }
    assert listed == {name: json.dumps(value) for name, value in asdict(Settings()).items()}


def test_every_command_and_option_has_help() -> None:
    for command in commands.commands.values():
        assert command.help, command.name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (command.name, parameter.name)


def test_links_between_pages_lead_somewhere() -> None:
    for path, text in texts():
        if path.suffix == ".md":
            for target in re.findall(r"\]\(([^)#]+)\)", text):
                if "://" not in target:
                    assert (path.parent / target).exists(), (path, target)


def test_the_extras_that_make_setup_installs_exist() -> None:
    project = tomllib.loads(page("pyproject.toml"))["project"]
    asked = re.search(r"--editable '\.\[(.*?)\]'", page("Makefile"))
    assert asked is not None
    assert set(asked[1].split(",")) <= set(project["optional-dependencies"])


def test_every_fault_is_listed_with_tests_that_exist() -> None:
    listed = {row[0].strip(): row for row in rows(page("docs/developer/faults.md"), "| | what")}
    assert list(listed) == [f"F{number}" for number in range(23, 63)]
    for fault, (_, happens, does, shown) in listed.items():
        assert happens, fault
        assert does, fault
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", shown)
        assert named or shown.startswith("not here:"), fault
        for path, function in named:
            found = re.search(rf"^\s*(?:async )?def {function}\(", page(path), re.MULTILINE)
            assert found, (fault, path, function)


LOCALDRIVE_TABLES = ("| behaviour | source |", "| guess | verify by |", "| guess | verify by |")


def functions(path: Path) -> set[str]:
    return set(re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE))


def test_each_row_of_localdrive_s_truth_is_covered() -> None:
    text, at, seen = page("docs/developer/localdrive.md"), 0, 0
    for heading in LOCALDRIVE_TABLES:
        at = text.index(heading, at) + 1
        for row in rows(text[at - 1 :], heading):
            named = re.findall(r"`((?:localdrive/)?)(\w+): (\w+)`", row[-1])
            assert named, row[0]
            for room, file, name in named:
                folder = room.strip("/") or "contract"
                assert f"test_{name}" in functions(ROOT / f"tests/{folder}/test_{file}.py"), row[0]
            seen += 1
    assert seen > 60


def test_each_guess_of_the_contract_is_in_the_table() -> None:
    text = page("docs/developer/localdrive.md")
    missing = {
        name
        for name in functions(ROOT / "tests/contract/test_guesses.py")
        if f"guesses: {name.removeprefix('test_')}`" not in text
    }
    assert not missing


def test_each_invariant_is_shown_by_tests_that_exist() -> None:
    table = rows(page("docs/design/README.md"), "| | invariant | shown by |")
    assert [int(row[0]) for row in table] == [*range(1, 18)]
    for number, text, shown in table:
        assert re.search("MUST|SHOULD", text), number
        named = re.findall(r"`([\w/]+): (\w+)`", shown)
        assert named, number
        for file, name in named:
            assert f"test_{name}" in functions(ROOT / f"tests/{file}.py"), (number, file, name)
