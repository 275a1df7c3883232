"""The program as a real process: signals, terminals, pipes, the demo."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from jupyter_drive_sync.demo.browser import Browser
from jupyter_drive_sync.localdrive import wire
from jupyter_drive_sync.localdrive.drive import LocalDrive
from tests.cli.conftest import Desk

PROGRAM = (sys.executable, "-m", "jupyter_drive_sync.cli")


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with start(*arguments) as process:
        try:
            yield process
        finally:
            process.kill()


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


class Gate:
    """Keeps the requests to a path of LocalDrive waiting until it is opened."""

    def __init__(self, drive: LocalDrive, prefix: str) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self._prefix = prefix
        self._dispatch = drive.dispatch
        drive.dispatch = self._wait  # type: ignore[method-assign]

    def _wait(self, request: wire.Request) -> wire.Response:
        if request.path.startswith(self._prefix):
            self.reached.set()
            self._open.wait(60)
        return self._dispatch(request)

    def open(self) -> None:
        """Let everything through."""
        self._open.set()


def test_ctrl_c_ends_a_sync_in_order_and_the_next_one_goes_on(connected: Desk) -> None:
    for number in range(30):
        connected.write(f"{number}.txt", f"{number}\n")
    gate = Gate(connected.ground.drive, "/upload/")
    with running("sync") as process:
        assert gate.reached.wait(60)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert any(line.startswith("Stopping") for line in process.stderr)
        gate.open()
        code, _, err = finish(process)
    assert code == 4
    assert err.splitlines()[-1].startswith("You stopped the sync; what was done stays")
    assert "Traceback" not in err
    sent = len(connected.on_drive())
    assert sent < 31
    status = connected.run("status", "--json").record("status")
    assert (status["state"], status["problem"]["code"]) == ("waiting", "run.cancelled")
    assert connected.run("sync").code == 0
    assert len(connected.on_drive()) == 31


def test_two_syncs_do_not_run_at_once(connected: Desk) -> None:
    gate = Gate(connected.ground.drive, "/drive/v3/files")
    with running("sync") as process:
        assert gate.reached.wait(60)
        said = connected.run("sync")
        assert said.code == 4
        assert said.sentence.startswith("Another sync of this home is running")
        gate.open()
        assert finish(process)[0] == 0


def test_progress_is_one_line_redrawn_on_a_terminal(connected: Desk) -> None:
    for number in range(5):
        connected.write(f"{number}.txt")
    master, slave = pty.openpty()
    with subprocess.Popen([*PROGRAM, "sync"], stdout=subprocess.PIPE, stderr=slave) as process:
        os.close(slave)
        drawn = b""
        with contextlib.suppress(OSError):  # the end of a terminal reads as an I/O error
            while piece := os.read(master, 4096):
                drawn += piece
        assert process.wait(60) == 0
    os.close(master)
    text = drawn.decode()
    assert "\r\x1b[KLooking for changes here…" in text
    assert text.endswith("\r\x1b[K")
    assert "\n" not in text


def test_a_reader_that_has_enough(connected: Desk) -> None:
    for number in range(3000):
        connected.write(f"{number}.skip", "")
    connected.run("settings", "excludes", "*.skip")
    connected.run("sync")
    with running("history", "1") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


def test_localdrive_serves_until_it_is_told(desk: Desk, tmp_path: Path) -> None:
    arguments = ("localdrive", "--folder", str(tmp_path / "drive"), "--proxy-port", "0")
    with running(*arguments) as process:
        assert process.stdout is not None
        said = ""
        while "Serving until Ctrl-C" not in said:
            said += process.stdout.readline()
        address = re.search(r"DRIVE_SYNC_API_ENDPOINT=(\S+)", said)
        assert address is not None
        assert re.search(r"HTTPS_PROXY=http://127\.0\.0\.1:\d+", said)
        with urlopen(address[1] + "/") as page:  # noqa: S310 - a loopback address
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        code, _, err = finish(process)
    assert (code, err) == (0, "")
    assert (tmp_path / "drive/client_secrets.json").stat().st_mode & 0o077 == 0


def test_the_demo_tells_the_whole_story(desk: Desk) -> None:
    """`make demo ONCE=1`, but for its setup."""
    with running("demo", "--once") as process:
        code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert "First pass, everything is new: completed" in out
    assert "Requests: 1 to Drive (1 changes.list)" in out
    assert "two\\nlines.txt" in out
    assert "NOT EQUAL" not in out
    same, whole = re.findall(r"(\d+) of (\d+) files are equal", out)[0]
    assert same == whole
    assert int(whole) > 40


def told(process: subprocess.Popen[str], last: str) -> str:
    """Read what a program says until it says ``last``."""
    assert process.stdout is not None
    said = ""
    while last not in said:
        line = process.stdout.readline()
        assert line, (said, process.stderr and process.stderr.read())
        said += line
    return said


def test_the_demo_opens_a_jupyterlab_and_leaves_nothing(desk: Desk) -> None:
    with running("demo") as process:
        said = told(process, "Ctrl-C")
        lab = re.search(r"JupyterLab, with a sample home:\s+(\S+?)lab\?token=(\w+)", said)
        home = re.search(r"The sample home:\s+(\S+)", said)
        assert lab is not None
        assert home is not None
        assert Path(home[1], "data8").is_dir()
        asked = f"{lab[1]}drive-sync/api/status?token={lab[2]}"
        with urlopen(asked) as reply:  # noqa: S310 - a loopback address
            status = json.load(reply)
        assert (status["state"], status["ask"], status["home"]) == ("not_connected", True, home[1])
        process.send_signal(signal.SIGTERM)
        assert finish(process)[0] == 0
    assert not Path(home[1]).exists()
    with pytest.raises(URLError):
        urlopen(asked)  # noqa: S310 - as above


def test_the_demo_ends_with_its_jupyterlab(desk: Desk) -> None:
    with running("demo") as process:
        said = told(process, "Ctrl-C")
        lab = re.search(r"(http://\S+?)lab\?token=(\w+)", said)
        assert lab is not None
        request = Request(  # noqa: S310 - as above
            f"{lab[1]}api/shutdown", b"", {"Authorization": f"token {lab[2]}"}
        )
        with urlopen(request):  # noqa: S310 - as above
            pass
        assert finish(process)[0] == 0


def test_the_demo_without_jupyterlab_shows_the_commands(
    monkeypatch: pytest.MonkeyPatch, desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'jupyterlab' else real(name, *more)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with running("demo") as process:
        said = told(process, "Ctrl-C")
        assert "Without JupyterLab here" in said
        assert "jupyter-drive-sync sync" in said
        process.send_signal(signal.SIGTERM)
        assert finish(process)[0] == 0


def test_the_demo_of_a_hub_opens_one_and_leaves_nothing(desk: Desk) -> None:
    """`make demo HUB=1`; with `ONCE=1`, which is longer, it is a target of `.ci/run`."""
    with running("demo", "--hub") as process:
        said = told(process, "Ctrl-C")
        hub = re.search(r"JupyterHub:\s+(\S+)", said)
        homes = re.search(r"The homes:\s+(\S+)", said)
        password = re.search(r"Password of each:\s+(\S+)", said)
        assert hub is not None
        assert homes is not None
        assert password is not None
        assert said.count("permission, encrypted") == 2
        admin = Browser("")
        page = admin.visit(f"{hub[1]}hub/login?next=/services/drive-sync/admin")
        page = admin.submit(page, username="teacher", password=password[1])
        assert "The nights are paused." in page.text
        assert "ben@example.edu" in page.text
        process.send_signal(signal.SIGINT)
        assert finish(process)[0] == 0
    assert not Path(homes[1]).exists()
    with pytest.raises(URLError):
        urlopen(hub[1])  # noqa: S310 - as above


def test_the_demo_of_a_hub_without_one_says_what_to_install(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "jupyterhub" else find(name)
    )
    said = desk.run("demo", "--hub")
    assert said.code == 2
    assert "pip install 'jupyter-drive-sync[demo,hub]'" in said.sentence


def test_windows_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from jupyter_drive_sync.cli.main import main  # noqa: PLC0415

    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit) as caught:
        main(["sync"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
