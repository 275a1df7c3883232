"""Who may do what: every route of the running application, every verb, every kind of caller.

Faults F52 and F55, law 14; on Jupyter Server and on Notebook 7. The routes are asked of the
application, so that a new one is in the table the day that it is made.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from traitlets.config import Config

from jupyter_drive_sync.core.storage import read
from jupyter_drive_sync.engine.executor import InOrder
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.runner.storages import keep
from jupyter_drive_sync.server.service import Service
from tests import figures
from tests.drive.ground import DriveTime
from tests.engine.world import World
from tests.server.contract import document
from tests.server.routes import (
    ALL_VERBS,
    CALLBACK,
    HARMLESS,
    XSRF,
    Caller,
    Cell,
    Nobody,
    cells,
    snapshot,
    violations,
)
from tests.server.test_contract import VERBS, served
from tests.virtual_clock import VirtualClock

pytestmark = pytest.mark.figure


async def hold(web_app: Any, *args: Any, **kwargs: Any) -> None:
    """See that a whole row of the matrix holds, and write down how much of it does."""
    wrong = await violations(web_app, *args, **kwargs)
    failed = {line.partition(":")[0] for line in wrong}
    figures.record("routes", 100 * (1 - len(failed) / len(cells(web_app))))
    assert wrong == []


@pytest.fixture(params=["server", "notebook"])
def platform(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def jp_server_config(jp_server_config: Config, platform: str, tmp_path: Path) -> Config:
    """Load Notebook 7 beside us, as `jupyter notebook` does."""
    if platform == "notebook":
        jp_server_config.ServerApp.jpserver_extensions = {
            "jupyter_drive_sync": True,
            "notebook": True,
        }
    return jp_server_config


class Lived(World):
    """A home that was mirrored before the server starts, so that there is something to read."""

    @property
    def home(self) -> Path:
        return self.folder / "ann"

    @property
    def state(self) -> Path:
        return self.folder / "state-of-ann"


@pytest.fixture
def lived(tmp_path: Path, home: Path, connected: None) -> None:
    """Leave records of two runs and a hold in the state folder."""
    clock = VirtualClock(1_700_000_000.0)
    with LocalDrive(clock=DriveTime(clock)) as drive:
        world = Lived(tmp_path, clock, drive, executor=InOrder())
        world.sync()
        for path in sorted(home.rglob("*")):
            if path.is_file():
                path.unlink()
        world.sync()
        assert world.holds()
        keep(world.state, read({"name": "course", "local": "course", "drive": "home/course"}))


@pytest.fixture
def caller(
    lived: None, http_server_client: Any, jp_base_url: str, jp_serverapp: Any, service: Service
) -> Caller:
    return Caller(http_server_client, jp_base_url, jp_serverapp.identity_provider.token)


def is_refused(cell: Cell, reply: Any) -> bool:
    if cell.verb == "options" and cell.taken:
        # Jupyter's own answer to a preflight, which browsers send without credentials.
        return reply.code in (200, 204) and not reply.body
    return reply.code == 403 if cell.taken else reply.code in (403, 405)


def is_done(cell: Cell, reply: Any) -> bool:
    if cell.verb == "options" and cell.taken:
        return reply.code in (200, 204) and not reply.body
    if not cell.taken:
        return bool(reply.code == 405)
    if cell.path.endswith(CALLBACK):
        return True  # 403 is its answer to a forged state: tests/server/test_flow.py
    return reply.code not in (401, 403, 405) and reply.code < 500


def reads_only(cell: Cell, reply: Any) -> bool:
    """Whoever may look and not change."""
    return is_refused(cell, reply) if cell.changes else is_done(cell, reply)


async def test_anonymous(jp_web_app: Any, caller: Caller, state: Path, fake_child: None) -> None:
    await hold(jp_web_app, state, caller.send, judge=is_refused)


async def test_a_cookie_without_the_xsrf_token(
    jp_web_app: Any, caller: Caller, state: Path, fake_child: None
) -> None:
    await caller.log_in()
    await hold(jp_web_app, state, caller.with_cookie, judge=reads_only)


async def test_a_foreign_page(
    jp_web_app: Any, caller: Caller, state: Path, fake_child: None
) -> None:
    await caller.log_in()

    def judge(cell: Cell, reply: Any) -> bool:
        if cell.verb == "get" and not cell.changes:
            return reply.code in (200, 400, 403, 404)  # it may ask, and not read
        return is_refused(cell, reply) or reply.code == 404

    await hold(jp_web_app, state, caller.from_elsewhere, judge=judge)


async def test_denied_by_the_authorizer(
    jp_web_app: Any,
    caller: Caller,
    state: Path,
    fake_child: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(jp_web_app.settings, "authorizer", Nobody())

    def judge(cell: Cell, reply: Any) -> bool:
        asked, Nobody.asked = Nobody.asked, set()
        wanted = {("write" if cell.changes else "read", "drive_sync")}
        was_asked = asked == wanted or not cell.taken or cell.verb == "options"
        return is_refused(cell, reply) and was_asked

    Nobody.asked = set()
    await hold(jp_web_app, state, caller.with_token, judge=judge)


async def test_allowed_with_a_token(
    jp_web_app: Any, caller: Caller, state: Path, fake_child: None
) -> None:
    await hold(jp_web_app, state, caller.with_token, judge=is_done, may_change=True)


async def test_allowed_with_a_cookie(
    jp_web_app: Any, caller: Caller, state: Path, fake_child: None
) -> None:
    await caller.log_in()

    async def send(path: str, verb: str) -> Any:
        return await caller.with_cookie(path, verb, xsrf=XSRF)

    await hold(jp_web_app, state, send, judge=is_done, may_change=True)


async def test_on_a_hub_only_the_owner_changes_things(
    jp_web_app: Any,
    caller: Caller,
    state: Path,
    fake_child: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ann")  # the caller has a random name

    def judge(cell: Cell, reply: Any) -> bool:
        if cell.path.endswith(CALLBACK) and cell.verb == "get":
            return reply.code == 403 and b'"forbidden"' in reply.body
        if cell.taken and cell.verb not in HARMLESS:
            return reply.code == 403 and json.loads(reply.body)["code"] == "request.not_owner"
        return is_done(cell, reply)

    await hold(jp_web_app, state, caller.with_token, judge=judge)


async def test_the_owner_on_a_hub(
    jp_serverapp: Any, caller: Caller, fake_child: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_server.auth import User  # noqa: PLC0415

    monkeypatch.setenv("JUPYTERHUB_USER", "ann")
    monkeypatch.setattr(
        jp_serverapp.identity_provider, "generate_anonymous_user", lambda _: User("ann")
    )
    reply = await caller.with_token("drive-sync/api/cancel", "post")
    assert reply.code == 200


async def test_what_counts_as_activity(jp_web_app: Any, caller: Caller, fake_child: None) -> None:
    for cell in cells(jp_web_app):
        jp_web_app.settings.pop("api_last_activity", None)
        await caller.with_token(cell.path, cell.verb)
        counted = "api_last_activity" in jp_web_app.settings
        clicked = (
            cell.taken
            and cell.verb not in HARMLESS
            and not cell.path.endswith(("prompt", "acknowledge"))
        )
        if cell.taken:
            assert counted == clicked, cell


def test_the_table_is_whole(
    jp_web_app: Any, jp_serverapp: Any, service: Service, platform: str
) -> None:
    described = sum(len(set(verbs) & set(VERBS)) for verbs in document()["paths"].values())
    taken = [cell for cell in cells(jp_web_app) if cell.taken and cell.verb in VERBS]
    assert len(taken) == described >= 19
    assert len(cells(jp_web_app)) == len(served(jp_web_app)) * len(ALL_VERBS)
    found = jp_serverapp.extension_manager.extension_apps.get("notebook", ())
    apps = {type(app).__name__ for app in found}
    assert apps == ({"JupyterNotebookApp"} if platform == "notebook" else set())


class Naked(JupyterHandler):
    """What nobody may write: it asks nobody, and writes at a GET."""

    folder = Path()

    @web.removeslash
    def get(self) -> None:
        (self.folder / "written").touch()
        self.finish("{}")

    def check_xsrf_cookie(self) -> None:
        """Check nothing."""

    def post(self) -> None:
        self.finish("{}")


class Unauthorized(APIHandler):
    """It asks who it is, and not whether they may."""

    @web.authenticated
    def delete(self) -> None:
        self.finish("{}")


class Elsewhere(APIHandler):
    """One of our package, at another address."""

    __module__ = "jupyter_drive_sync.hub.handlers"

    def put(self) -> None:
        self.finish("{}")


@pytest.mark.parametrize("platform", ["server"], indirect=True)
async def test_a_new_handler_without_protection_fails_by_itself(
    jp_web_app: Any, caller: Caller, state: Path, fake_child: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Naked.folder = state
    base = jp_web_app.settings["base_url"]
    jp_web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, path), handler)
            for path, handler in (
                ("drive-sync/api/naked", Naked),
                ("drive-sync/api/unauthorized", Unauthorized),
                ("elsewhere", Elsewhere),
            )
        ],
    )
    wrong = await violations(jp_web_app, state, caller.send, judge=is_refused)
    new = ("/drive-sync/api/naked", "/drive-sync/api/unauthorized", "/elsewhere")
    assert {line.split(":")[0].split()[1] for line in wrong} == set(new)
    open_to_all = {line.split(":")[0] for line in wrong if ": 200 " in line}
    assert open_to_all == {"get /drive-sync/api/naked", "post /drive-sync/api/naked"}
    assert any("changed ['written']" in line for line in wrong)
    assert Cell("/elsewhere", "put", taken=True) in cells(jp_web_app)
    monkeypatch.setitem(jp_web_app.settings, "authorizer", Nobody())
    wrong = await violations(jp_web_app, state, caller.with_token, judge=is_refused)
    assert "delete /drive-sync/api/unauthorized" in {line.split(":")[0] for line in wrong}


def test_a_snapshot_sees_every_change(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    first = snapshot(tmp_path)
    file.write_text("two")
    second = snapshot(tmp_path)
    (tmp_path / "folder").mkdir()
    assert len({str(each) for each in (first, second, snapshot(tmp_path))}) == 3
