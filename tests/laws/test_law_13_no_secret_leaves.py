"""Law 13: no secret leaves. What leaves in a test, the canary sees; here are the other clauses."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_drive_sync.core.settings import MiB
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.wire import Request
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.protocol import Reported
from tests.acceptance.real_child import WatchedDrive, connect
from tests.canary.watch import MARK

HUB = {
    "JUPYTERHUB_API_TOKEN": f"hub-{MARK}",
    "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
    "JPY_API_TOKEN": f"old-{MARK}",
    "SOMEBODYS_PASSWORD": f"password-{MARK}",
}


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Let everything be open to everybody unless somebody closes it."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *sorted(folder.rglob("*")))
    }


def test_files_are_0600_in_0700_while_a_pass_runs_and_after(
    tmp_path: Path, open_umask: None
) -> None:
    """A first pass with a large file, cut off in its middle, and one that goes on."""
    seen: dict[str, set[int]] = {}
    guard = threading.Lock()
    drive = WatchedDrive()
    with drive, LocalDriveServer(drive) as server:
        place = connect(drive, server.url, tmp_path)
        (place.home / "a.txt").write_text("a")
        (place.home / "large.bin").write_bytes(bytes(17 * MiB))

        def look(_: Request) -> None:
            with guard:
                for path in (place.state_dir, *place.state_dir.rglob("*")):
                    kind = "folder" if path.is_dir() else "file"
                    try:
                        seen.setdefault(kind, set()).add(stat.S_IMODE(path.lstat().st_mode))
                    except FileNotFoundError:
                        continue  # a temporary file that has got its name

        drive.before = drive.after = look
        drive.faults.add(Fault("storage", "upload.put", nth=3))
        environment = {**os.environ, "DRIVE_SYNC_API_ENDPOINT": server.url}
        for _ in range(2):
            with Child(place.job("mirror"), environment=environment) as child:
                follow(child, lambda _: None)
        drive.faults.assert_all_fired()
    assert seen == {"folder": {0o700}, "file": {0o600}}
    after = modes(place.state_dir)
    assert {"secrets.json", "ledger.sqlite", "status.json", "home.json"} <= set(after)
    assert after.pop(".") == 0o700
    assert set(after.values()) == {0o600}


def test_a_child_is_told_no_secret_by_argv_or_environment(tmp_path: Path) -> None:
    """What the kernel shows of it to everybody of the same user, while it sends with a token."""
    drive = WatchedDrive()
    shown: dict[str, bytes] = {}
    with drive, LocalDriveServer(drive) as server:
        place = connect(drive, server.url, tmp_path)
        (place.home / "a.txt").write_text("a")
        environment = {**os.environ, **HUB, "DRIVE_SYNC_API_ENDPOINT": server.url}
        with Child(place.job("mirror"), environment=environment) as child:

            def look(request: Request) -> None:
                if MARK in (request.header("authorization") or ""):
                    for name in ("cmdline", "environ"):
                        shown[name] = Path(f"/proc/{child.pid}/{name}").read_bytes()

            drive.before = look
            follow(child, lambda _: None)
    assert b"jupyter_drive_sync.runner" in shown["cmdline"]
    assert server.url.encode() in shown["environ"]
    for name, content in shown.items():
        assert MARK.encode() not in content, name
        assert not [key for key in HUB if key.encode() in content], name


def test_a_secret_of_a_job_is_not_in_what_the_child_says(tmp_path: Path) -> None:
    drive = WatchedDrive()
    with drive, LocalDriveServer(drive) as server:
        place = connect(drive, server.url, tmp_path)
        secrets = {"code": f"4/0A{MARK}-made-up-and-refused", "verifier": MARK * 5}
        job = place.job("exchange", args={"redirect_uri": "http://127.0.0.1:1/"}, secrets=secrets)
        environment = {**os.environ, "DRIVE_SYNC_API_ENDPOINT": server.url}
        heard: list[object] = []
        with (
            Child(job, environment=environment) as child,
            pytest.raises(Reported) as caught,
        ):
            follow(child, heard.append)
    assert caught.value.code == "auth.denied"
    said = f"{heard} {caught.value} {caught.value.detail} {caught.value.params}"
    assert MARK not in said
    assert SecretsStore(place.state_dir).grant() is not None, "the old permission is kept"
