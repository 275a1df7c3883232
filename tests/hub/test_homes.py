"""Mounted homes: a real child, with the rights of the home's owner, held inside the home."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.demo.proof import mirrored
from jupyter_drive_sync.errors import AuthRevoked, DriveSyncError, HomeMissing, HomeRefused
from jupyter_drive_sync.hub.home_runner import ChildRunner, Order
from jupyter_drive_sync.hub.homes import escaped, home_name
from jupyter_drive_sync.hub.problems import NoSuchThing
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.runner.confine import open_beneath, version
from jupyter_drive_sync.runner.protocol import Token

pytestmark = pytest.mark.usefixtures("unmeasured_children")

ANN = "ann@example.edu"
DRIVE_FILE = "https://www.googleapis.com/auth/drive.file"
STATE = ".local/state/jupyter-drive-sync"
ROOT = os.geteuid() == 0


class Homes:
    """Homes of a hub, on a LocalDrive."""

    def __init__(self, root: Path, drive: LocalDrive, url: str) -> None:
        self.root = root
        self.drive = drive
        self.url = url
        self.asked: list[tuple[str, bool]] = []
        self.problem: DriveSyncError | None = None
        self.lasts = 3600.0
        client = drive.oauth.client_of_kind("desktop")
        self.token = drive.oauth.grant(ANN, client.client_id, [DRIVE_FILE]).access_token
        self.runner = ChildRunner(
            str(root), environment={**os.environ, "DRIVE_SYNC_API_ENDPOINT": url, "no_proxy": "*"}
        )

    def make(self, name: str, owner: int) -> Path:
        home = self.root / name
        home.mkdir(mode=0o700)
        (home / "lab.ipynb").write_text(f"{name}'s work")
        for path in (home, home / "lab.ipynb"):
            if ROOT:
                os.chown(path, owner, owner)
        return home

    def tokens(self, home_id: str, refused: bool) -> Token:
        self.asked.append((home_id, refused))
        if self.problem is not None:
            raise self.problem
        return Token(self.token, self.lasts, f"{self.url}/token", "12345", "acc")

    def order(self, name: str, **changes: Any) -> Order:
        values: dict[str, Any] = {
            "night": "2027-01-15",
            "user": name,
            "server": "",
            "home": name,
            "drive_folder": f"home/{name}",
            "homes_user": "owner" if ROOT else "same",
            "confine": True,
            "seconds": 120.0,
            "settings": {"memory_headroom": 0},
            "args": {"by_night": True},
        }
        return Order(**{**values, **changes})

    def sync(self, name: str, **changes: Any) -> Any:
        order = self.order(name, **changes)
        return self.runner.sync(order, self.tokens, lambda _: None, threading.Event())

    def on_drive(self, name: str) -> dict[str, int]:
        found, twins = mirrored(self.drive, ANN, f"home/{name}")
        assert not twins
        return {path: held.size for path, held in found.items()}


@pytest.fixture
def homes() -> Iterator[Homes]:
    # pytest's own folders are closed to others, and a home's owner has to come through.
    with (
        tempfile.TemporaryDirectory(prefix="homes-") as folder,
        LocalDrive(seed=3) as drive,
        LocalDriveServer(drive) as server,
    ):
        Path(folder).chmod(0o755)
        yield Homes(Path(folder), drive, server.url)


def test_this_kernel_can_confine() -> None:
    assert version() >= 1


def test_a_home_is_synced_with_its_owners_rights(homes: Homes) -> None:
    home = homes.make("ann", 61_001)
    values = homes.sync("ann")
    assert (values["outcome"], values["objects"]) == ("completed", 1)
    assert homes.on_drive("ann") == {"lab.ipynb": len("ann's work")}
    state = home / STATE
    identity = json.loads((state / "home.json").read_text())
    assert homes.asked == [(identity["home_id"], False)]
    assert (identity["client"], identity["account"]) == ("12345", "acc")
    if ROOT:
        assert {path.stat().st_uid for path in (state, *state.iterdir())} == {61_001}
    assert not (state / "secrets.json").exists() or "token" not in json.loads(
        (state / "secrets.json").read_text()
    )
    # And again, by the records in the home.
    assert homes.sync("ann")["counters"]["requests"] <= 2


class OneShelf:
    """Has one course, and says what was asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    def course(self, name: str) -> list[dict[str, Any]]:
        self.asked.append(name)
        if name != "physics":
            raise NoSuchThing(thing="such course")
        return [
            {"path": path, "size": len(data), "mtime": 1.6e9, "md5": _md5(data)}
            for path, data in self.files.items()
        ]

    def piece(self, name: str, md5: str, offset: int, length: int) -> bytes:
        self.asked.append(f"{name} {offset}")
        (data,) = [data for data in self.files.values() if _md5(data) == md5]
        return data[offset : offset + length]


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_a_course_is_put_into_a_home_before_it_is_synced(homes: Homes) -> None:
    """By the night: with the home's own rights, held inside it, over nobody's work."""
    home = homes.make("ann", 61_001)
    big = os.urandom(1_500_000)
    shelf = OneShelf({"week 1/lab.txt": b"measure", "big.bin": big})
    homes.runner.shelf = lambda _order: shelf
    courses = [{"name": "physics", "local": "course"}, {"name": "chemistry", "local": "other"}]
    values = homes.sync("ann", courses=courses)
    assert (values["outcome"], values["objects"]) == ("completed", 3)
    assert (home / "course/big.bin").read_bytes() == big
    assert homes.on_drive("ann")["course/week 1/lab.txt"] == 7
    assert shelf.asked[-1] == "chemistry"
    assert not (home / "other").exists()
    status = json.loads((home / STATE / "storages/chemistry/status.json").read_text())
    assert "no such course" in status["problem"]["sentence"]
    if ROOT:
        assert (home / "course/week 1/lab.txt").stat().st_uid == 61_001
    # What somebody wrote stays, what is newer comes beside it, and what is as it was is not asked.
    (home / "course/week 1/lab.txt").write_bytes(b"my own")
    shelf.files["week 1/lab.txt"] = b"measure twice"
    shelf.asked.clear()
    homes.sync("ann", courses=courses[:1])
    assert shelf.asked == ["physics", "physics 0"]
    assert sorted(path.read_bytes() for path in (home / "course/week 1").iterdir()) == [
        b"measure twice",
        b"my own",
    ]
    # A folder that leads out of the home is none; what is paused is left alone.
    shelf.asked.clear()
    if ROOT:
        (home / "out").symlink_to(homes.root)
        homes.sync("ann", courses=[{"name": "physics", "local": "out/ben"}])
        assert [path.name for path in homes.root.iterdir()] == ["ann"]
    settings = home / STATE / "settings.json"
    shelf.files["new.txt"] = b"new"
    own = {"name": "physics", "local": "mine", "drive": "Physics"}
    settings.write_text(json.dumps({"storages": [own]}))
    settings.chmod(0o644)
    shelf.asked.clear()
    homes.sync("ann", courses=courses[:1])
    assert shelf.asked == []
    settings.write_text(json.dumps({"paused_until": -1}))
    assert homes.sync("ann", courses=courses[:1]) == {"paused": True}
    assert not (home / "course/new.txt").exists()


def test_what_the_person_paused_is_left_alone(homes: Homes) -> None:
    state = homes.make("ann", 61_001) / STATE
    state.mkdir(parents=True)
    (state / "settings.json").write_text('{"paused_until": -1}')
    if ROOT:
        for path in (state / "settings.json", state, *state.parents[:2]):
            os.chown(path, 61_001, 61_001)
    assert homes.sync("ann") == {"paused": True}
    assert homes.asked == []


def test_a_token_that_cannot_be_made_is_the_passs_problem(homes: Homes) -> None:
    homes.make("ann", 61_001)
    homes.problem = AuthRevoked()
    with pytest.raises(DriveSyncError) as problem:
        homes.sync("ann")
    assert problem.value.code == "auth.revoked"


def test_a_token_that_ends_is_replaced(homes: Homes) -> None:
    homes.make("ann", 61_001)
    homes.lasts = 60.0
    assert homes.sync("ann")["outcome"] == "completed"
    assert len(homes.asked) > 2


def test_tokens_of_another_server_are_not_used(homes: Homes) -> None:
    homes.make("ann", 61_001)
    homes.url = "https://oauth2.googleapis.com"
    with pytest.raises(DriveSyncError) as problem:
        homes.sync("ann")
    assert problem.value.code == "endpoint.invalid"


def test_a_home_that_is_not_there_or_is_a_link(homes: Homes) -> None:
    homes.make("ann", 61_001)
    (homes.root / "eve").symlink_to(homes.root / "ann")
    with pytest.raises(HomeMissing):
        homes.sync("nobody")
    with pytest.raises(HomeRefused):
        homes.sync("eve")
    with pytest.raises(HomeRefused):
        homes.sync("eve", homes_user="same")
    with pytest.raises(HomeRefused):
        homes.sync("x", home="../homes0/ann")


@pytest.mark.skipif(not ROOT, reason="only root has a home of root's to refuse")
def test_no_home_is_read_with_roots_rights(homes: Homes) -> None:
    homes.make("ann", 0)
    with pytest.raises(HomeRefused):
        homes.sync("ann")


# As on most hubs, all homes have one user id: the system's own rights hold nobody back.


@pytest.mark.parametrize("what", ["state", "above", "ledger", "home.json", "settings.json"])
def test_no_link_leads_to_a_neighbour(homes: Homes, what: str) -> None:
    ann, eve = homes.make("ann", 61_001), homes.make("eve", 61_001)
    homes.sync("ann")
    before = {path: path.read_bytes() for path in ann.rglob("*") if path.is_file()}
    state = eve / STATE
    state.parent.mkdir(parents=True)
    if what == "above":
        state.parent.rmdir()
        state.parent.symlink_to(ann / STATE / "..")
    elif what == "state":
        state.symlink_to(ann / STATE)
    else:
        state.mkdir()
        name = "ledger.sqlite" if what == "ledger" else what
        if what == "settings.json":
            (ann / STATE / name).write_text('{"excludes": ["*"]}')
            before[ann / STATE / name] = b'{"excludes": ["*"]}'
        (state / name).symlink_to(ann / STATE / name)
    if ROOT:
        for path in (eve / ".local", state.parent, state):
            if not path.is_symlink():
                os.chown(path, 61_001, 61_001)
    with pytest.raises(DriveSyncError) as problem:
        homes.sync("eve")
    assert problem.value.code in ("state.unusable", "settings.invalid"), problem.value
    after = {path: path.read_bytes() for path in ann.rglob("*") if path.is_file()}
    assert after == before
    assert homes.on_drive("eve") == {}


def test_a_link_in_the_home_is_not_followed(homes: Homes) -> None:
    homes.make("ann", 61_001)
    eve = homes.make("eve", 61_001)
    (eve / "stolen").symlink_to(homes.root / "ann")
    (eve / "stolen.ipynb").symlink_to(homes.root / "ann/lab.ipynb")
    (eve / ".driveignore").symlink_to("/etc/passwd")
    with pytest.raises(DriveSyncError):
        homes.sync("eve")  # the rules cannot be read, so nothing is planned
    (eve / ".driveignore").unlink()
    homes.sync("eve")
    assert homes.on_drive("eve") == {"lab.ipynb": len("eve's work")}


def test_without_confinement_only_the_owners_rights_hold(homes: Homes) -> None:
    """The option exists for kernels without it; then each home needs a user id of its own."""
    homes.make("ann", 61_001)
    eve = homes.make("eve", 61_002)
    homes.sync("ann", confine=False)
    (eve / STATE).parent.mkdir(parents=True)
    (eve / STATE).symlink_to(homes.root / "ann" / STATE)
    if ROOT:
        for path in (eve / ".local", (eve / STATE).parent):
            os.chown(path, 61_002, 61_002)
        with pytest.raises(DriveSyncError) as problem:
            homes.sync("eve", confine=False)
        assert problem.value.code == "state.unusable"


def test_nothing_outside_is_opened_beneath(tmp_path: Path) -> None:
    (tmp_path / "homes/ann").mkdir(parents=True)
    (tmp_path / "homes/eve").symlink_to(tmp_path)
    os.close(open_beneath(str(tmp_path / "homes"), "ann"))
    for path in ("..", "../homes/ann", "eve", "eve/homes", "/etc", "ann/../.."):
        with pytest.raises(OSError, match=r"."):
            open_beneath(str(tmp_path / "homes"), path)


def test_names_of_homes() -> None:
    assert home_name("{username}", "ann") == "ann"
    assert home_name("{escaped}/home", "Ann.B") == "ann-2eb/home"
    assert home_name("{username}", "../root") == "-2e-2e-2froot"
    assert home_name("{username}", "..") == "-2e-2e"
    assert escaped("zoë") == "zo-c3-ab"
