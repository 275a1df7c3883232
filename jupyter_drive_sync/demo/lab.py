"""A JupyterLab of its own for the demo: the sample home, the extension, a LocalDrive under it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import site
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jupyter_drive_sync.demo.story import DRIVE_FOLDER, Stage
from jupyter_drive_sync.errors import Internal

_PATIENCE: Final = 120.0
"""Seconds that a slow machine may need until JupyterLab answers."""
_GRACE: Final = 30.0
"""Seconds within which it ends."""
_LOOK_AGAIN: Final = 0.2


@dataclass(frozen=True, slots=True)
class Lab:
    """A JupyterLab that answers.

    Attributes:
        url: where a browser finds it, with the token that logs in.
        log: what it says.
    """

    url: str
    log: Path


def installed() -> bool:
    """Tell whether there is a JupyterLab beside us."""
    return importlib.util.find_spec("jupyterlab") is not None


@contextlib.contextmanager
def jupyterlab(scene: Stage, ended: Callable[[], None], *, browse: bool) -> Iterator[Lab]:
    """Serve a JupyterLab over a stage for a block; it leaves nothing outside the stage's folder.

    Args:
        scene: the LocalDrive and the home.
        ended: is told, in a thread, when it has ended.
        browse: whether it opens a browser.

    Raises:
        Internal: it did not start.
    """
    base = scene.place.state_dir.parent
    log = base / "jupyter.log"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command
            _command(scene, browse=browse),
            env=_environment(scene, base),
            cwd=scene.sample.root,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C is for us, and we end it in order
        )
    watch = threading.Thread(target=_tell_end, args=(process, ended), daemon=True)
    try:
        url = _await(process, base / "runtime", log)
        watch.start()
        yield Lab(url, log)
    finally:
        end(process, _GRACE)
        if watch.ident is not None:
            watch.join()


def _command(scene: Stage, *, browse: bool) -> list[str]:
    options = [
        "--ip=127.0.0.1",
        "--port=0",
        f"--ServerApp.root_dir={scene.sample.root}",
        f"--DriveSync.client_file={scene.ground.client_file}",
        f"--DriveSync.drive_folder={DRIVE_FOLDER}",
    ]
    if not browse:
        options.append("--no-browser")
    if os.geteuid() == 0:
        options.append("--allow-root")
    return [sys.executable, "-m", "jupyterlab", *options]


def quiet_settings(folder: Path) -> None:
    """Make settings with which JupyterLab does not ask its own question of a new profile.

    Args:
        folder: for ``JUPYTERLAB_SETTINGS_DIR``; it is made.
    """
    place = folder / "@jupyterlab" / "apputils-extension"
    place.mkdir(parents=True)
    (place / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')


def _environment(scene: Stage, base: Path) -> dict[str, str]:
    """Return an environment in which Jupyter reads and writes nothing of the person's own."""
    quiet_settings(base / "settings")
    inherited: Mapping[str, str] = {
        name: value for name, value in os.environ.items() if not name.startswith("JUPYTERHUB_")
    }
    return {
        **scene.ground.environment(inherited),
        "HOME": str(scene.sample.root),
        "PYTHONUSERBASE": site.getuserbase(),  # else it would move with HOME
        "XDG_STATE_HOME": str(scene.place.state_dir),
        "JUPYTER_CONFIG_DIR": str(base / "config"),
        "JUPYTER_DATA_DIR": str(base / "data"),
        "JUPYTER_RUNTIME_DIR": str(base / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(base / "workspaces"),
        "IPYTHONDIR": str(base / "ipython"),
    }


def _await(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Wait until it says where it is, in the file that ``jupyter server list`` reads."""
    said = runtime / f"jpserver-{process.pid}.json"
    for _ in range(int(_PATIENCE / _LOOK_AGAIN)):
        with contextlib.suppress(OSError, ValueError):  # not there, or half written
            server = json.loads(said.read_text("utf-8"))
            return f"{server['url']}lab?token={server['token']}"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_AGAIN)
            break
    raise Internal(detail=f"JupyterLab did not start:\n{log.read_text(errors='replace')}")


def _tell_end(process: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
    process.wait()
    ended()


def end(process: subprocess.Popen[bytes], grace: float) -> None:
    """End a server in order, or by force.

    Args:
        process: the server; one that has ended already is fine.
        grace: seconds that it may take.
    """
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
