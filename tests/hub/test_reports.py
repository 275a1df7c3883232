"""What the hub knows of a code that a server reports, by itself and in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_drive_sync

PACKAGE = Path(jupyter_drive_sync.__file__).parent
ELSEWHERE = {"hub", "server", "localdrive", "demo"}
"""Parts that answer a browser or a test; no sync ends with a code of theirs."""
_CODE = re.compile(r'^    code = "([a-z_]+\.[a-z_]+)"', re.MULTILINE)
_ALL = """
from jupyter_drive_sync.hub.reports import parse, who
for code in {codes!r}:
    told = parse({{"outcome": "failed", "problem": code}}).problem
    assert told == code, (told, code)
    print(code, who(code))
"""


def codes() -> set[str]:
    """Return the codes of the program, as the source has them."""
    sources = [
        path.read_text("utf-8")
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in ELSEWHERE
    ]
    return {code for text in sources for code in _CODE.findall(text)}


def test_the_hub_knows_every_code() -> None:
    """Without anything else that was imported before: what is known must not depend on that."""
    wanted = codes()
    assert {"folder.not_found", "storage.invalid", "drive.full"} <= wanted
    script = _ALL.format(codes=sorted(wanted))
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    said = dict(line.split() for line in ended.stdout.splitlines())
    assert said["service_account.refused"] == "admin"
    assert said["folder.not_found"] == "user"
    assert said["service_account.unreachable"] == "wait"
    assert [code for code, who in said.items() if who == "bug"] == ["drive.refused"]


@pytest.mark.parametrize("code", ["new.thing", "held.<b>"])
def test_a_code_of_another_time_is_a_bug(code: str) -> None:
    from jupyter_drive_sync.hub.reports import parse, who  # noqa: PLC0415

    assert parse({"outcome": "failed", "problem": code}).problem == "internal"
    assert who("new.thing") == "bug"
