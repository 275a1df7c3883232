"""The canary sings: a secret that is let out on purpose is found, in every channel."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from jupyter_events import EventLogger
from prometheus_client import Gauge
from tornado.testing import AsyncHTTPTestCase
from tornado.web import Application, RequestHandler

from jupyter_drive_sync.drive import transport
from jupyter_drive_sync.drive.oauth import new_pkce, new_state
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.errors import Offline
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.oauth_routes import read_authorization
from jupyter_drive_sync.localdrive.wire import Request
from jupyter_drive_sync.runner import parent
from jupyter_drive_sync.runner.loopback import Loopback
from tests.canary import hooks, plugin
from tests.canary.watch import MARK, Watch, apart, current
from tests.drive.ground import ANN, DRIVE_FILE, ROOT, Ground, stand
from tests.localdrive.test_service_accounts import ask, assertion
from tests.virtual_clock import VirtualClock

LEAK = f"ya29.a0{MARK}rest"
AGENT = {"user-agent": "jupyter-drive-sync/1 (gzip)"}


def test_every_secret_that_localdrive_makes_is_marked(clock: VirtualClock) -> None:
    with LocalDrive() as drive:
        oauth = drive.oauth
        assert all(MARK in client.secret for client in oauth.clients)
        desktop, tv = oauth.client_of_kind("desktop"), oauth.client_of_kind("tv")
        tokens = oauth.grant(ANN, desktop.client_id, [DRIVE_FILE])
        assert MARK in tokens.access_token
        assert MARK in str(tokens.refresh_token)
        assert MARK in oauth.start_device(tv, [DRIVE_FILE]).device_code
        query = f"client_id={desktop.client_id}&redirect_uri=http://127.0.0.1:1/"
        request = Request.make(
            "GET", f"/o/oauth2/v2/auth?{query}&response_type=code&scope={DRIVE_FILE}"
        )
        code = oauth.consent(read_authorization(request, oauth), ANN, [DRIVE_FILE])
        assert code is not None
        assert MARK in code.code
    ground = stand(clock)
    with ground.server:
        call = ground.drive.session_call(ground.new("big", ground.folder()), 10)
        location = ground.transport.send(call, lambda reply: reply.headers["location"])
        assert MARK in location


def test_keys_of_service_accounts_and_what_they_sign_are_known() -> None:
    with apart() as watch, LocalDrive() as drive:
        account = drive.oauth.add_service_account("course-reader")
        key = drive.oauth.service_account_file(account.email, ROOT)
        lines = key["private_key"].splitlines()
        signed = assertion(drive, key)
        reply = ask(drive, signed)
        assert MARK in reply.json()["access_token"]
        leaks = (lines[0], lines[7], json.dumps(key), signed, signed[:-20], "ya29.c.c0" + "x" * 120)
        for number, leak in enumerate(leaks, start=1):
            watch.look("test", number, f"before {leak} after")
            assert len(watch.hits) == number
        watch.look("test", "public", account.email, key["client_id"], key["private_key_id"])
        assert len(watch.hits) == len(leaks)


def test_a_proof_key_is_known_from_its_making() -> None:
    with apart() as watch:
        verifier = new_pkce().verifier.reveal()
        watch.look("somewhere", "x", {"deep": ["inside", f"…{verifier}…"]})
        assert watch.hits


def by_exception(ground: Ground, tmp_path: Path) -> None:
    Offline(problem="x", detail=LEAK)


def quiet() -> logging.Logger:
    """A logger that pytest does not hear: it would be a leak of this test."""
    logger = logging.Logger("a library")  # not in the tree: no root is above it
    logger.addHandler(logging.NullHandler())
    return logger


def by_log(ground: Ground, tmp_path: Path) -> None:
    quiet().warning("token %s", LEAK)


def by_traceback(ground: Ground, tmp_path: Path) -> None:
    try:
        raise ValueError(LEAK)
    except ValueError:
        quiet().exception("oh")


def by_argv(ground: Ground, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", "pass", LEAK], check=True)


def by_environment(ground: Ground, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", ""], check=True, env={"X": LEAK})


def by_event_of_a_child(ground: Ground, tmp_path: Path) -> None:
    parent.decode_event(json.dumps({"event": "note", "code": "x", "text": LEAK}))


def by_state_file(ground: Ground, tmp_path: Path) -> None:
    SecretsStore(tmp_path)
    (tmp_path / "status.json").write_text(LEAK)


def by_name_of_a_state_file(ground: Ground, tmp_path: Path) -> None:
    SecretsStore(tmp_path)
    (tmp_path / LEAK).touch()


def by_query(ground: Ground, tmp_path: Path) -> None:
    ground.server.dispatch(
        Request.make("GET", f"/drive/v3/files?access_token={LEAK}", headers=AGENT)
    )


def by_header(ground: Ground, tmp_path: Path) -> None:
    ground.server.dispatch(Request.make("GET", "/drive/v3/files", headers={**AGENT, "x": LEAK}))


def by_body(ground: Ground, tmp_path: Path) -> None:
    ground.drive.create_file(ground.new("a", ground.folder()), LEAK.encode())


def by_mirrored_content(ground: Ground, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "USER_AGENT", "somebody else")
        ground.drive.create_file(ground.new("a", ground.folder()), LEAK.encode())
    assert "request to Drive" not in current().channels
    hooks.look_at_mirror(ground.server)


def by_mirrored_name(ground: Ground, tmp_path: Path) -> None:
    ground.drive.create_file(ground.new(LEAK, ground.folder()), b"")


def by_event(ground: Ground, tmp_path: Path) -> None:
    hooks.install_late()
    logger = EventLogger()
    logger.register_event_schema(
        {"$id": "http://x.example/s", "version": "1", "type": "object", "properties": {}}
    )
    logger.emit(schema_id="http://x.example/s", data={"text": LEAK})


def by_metrics(ground: Ground, tmp_path: Path) -> None:
    gauge = Gauge("leaky", "for a test", ["label"])
    gauge.labels(LEAK).set(1)
    hooks.install_late()
    hooks.look_at_metrics()
    gauge.clear()


def by_page_of_the_loopback(ground: Ground, tmp_path: Path) -> None:
    state = new_state()
    with Loopback(state) as loopback:
        loopback.welcome(f"Connected, {LEAK}.")
        parts = urlsplit(loopback.redirect_uri)
        loopback._answer(parts.netloc, f"/?state={state.reveal()}&code=x")


CHANNELS: list[Callable[[Ground, Path], None]] = [
    by_exception, by_log, by_traceback, by_argv, by_environment, by_event_of_a_child,
    by_state_file, by_name_of_a_state_file, by_query, by_header, by_body,
    by_mirrored_content, by_mirrored_name,
    by_event, by_metrics, by_page_of_the_loopback,
]  # fmt: skip


@pytest.mark.parametrize("leak", CHANNELS)
def test_a_leak_is_found(
    leak: Callable[[Ground, Path], None], clock: VirtualClock, tmp_path: Path
) -> None:
    with apart() as watch:
        ground = stand(clock)
        with ground.server:
            assert watch.finish() == [], "nothing is found before"
            leak(ground, tmp_path)
        assert watch.finish()


def test_output_that_a_test_reads_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with apart() as watch:
        print(LEAK)  # noqa: T201 - what leaks
        capsys.readouterr()
        assert watch.hits


class Leaky(RequestHandler):
    def get(self) -> None:
        if self.get_query_argument("by") == "header":
            self.set_header("X-Debug", LEAK)
        else:
            self.write(LEAK)


class TestReplies(AsyncHTTPTestCase):
    """Bodies and headers of a server's replies."""

    def get_app(self) -> Application:
        hooks.install_late()
        return Application([("/", Leaky)])

    def test_both(self) -> None:
        for way in ("header", "body"):
            with apart() as watch:
                self.fetch(f"/?by={way}")
                assert watch.hits


def test_only_the_broker_may_answer_with_a_token() -> None:
    assert hooks.is_named_by_the_law("jupyter_drive_sync.hub.broker.TokenRoute")
    assert hooks.is_named_by_the_law("jupyter_drive_sync.hub.work.TokenRoute")
    for name in ("jupyter_drive_sync.hub.work.WorkRoute", "jupyter_server.x.Y"):
        assert not hooks.is_named_by_the_law(name)


def test_a_child_is_not_told_the_hubs_token() -> None:
    for environment in (None, {"JUPYTERHUB_API_TOKEN": "x", "PATH": "/usr/bin:/bin"}):
        with apart() as watch:
            command = ["true", "jupyter_drive_sync.runner"]
            subprocess.run(command, check=True, env=environment)
            assert watch.hits


def test_what_the_law_names_is_no_leak(clock: VirtualClock, tmp_path: Path) -> None:
    with apart() as watch:
        ground = stand(clock)
        with ground.server:
            ground.drive.create_file(ground.new("a", ground.folder()), b"content")
        SecretsStore(tmp_path)
        (tmp_path / "secrets.json").write_text(LEAK)
        assert watch.finish() == []
        assert {"request to Drive", "mirrored file"} <= watch.channels


def test_a_secret_of_an_unmarked_localdrive_is_known_by_its_shape() -> None:
    for text in ("ya29.a0" + "x" * 120, "1//0" + "y" * 90, "GOCSPX-" + "z" * 28):
        watch = Watch()
        watch.look("somewhere", "x", text)
        assert watch.hits
    for text in ("ya29.short", "1//made-up", "GOCSPX-secret", "4/code"):
        watch = Watch()
        watch.look("somewhere", "x", text)
        assert not watch.hits


LEAKING = f"""
import logging, sys

def test_prints():
    print("{LEAK[:9]}" + "{LEAK[9:]}")

def test_is_clean():
    print("nothing")

def test_logs():
    logging.getLogger("x").error("%s", "{LEAK[:9]}" + "{LEAK[9:]}")
"""


def test_a_leaking_test_fails_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "test_leaking.py").write_text(LEAKING)
    with apart():  # its output names what slipped out
        said = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", plugin.__name__, "-p", "no:cacheprovider",
             "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)],
            capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        ).stdout  # fmt: skip
    # Where CI is set, pytest does not cut its summary: the reason follows the name.
    summary = [line for line in said.splitlines() if line.startswith("ERROR ")]
    named = [line.partition("::")[2].partition(" ")[0] for line in summary if "::" in line]
    assert named == ["test_prints", "test_logs"], said
    assert "3 passed, 2 errors" in said


def test_names_of_addresses_are_not_taken_for_secrets() -> None:
    with apart() as watch:
        watch.look("somewhere", "x", ROOT, "https://oauth2.googleapis.com/token")
        assert not watch.hits
