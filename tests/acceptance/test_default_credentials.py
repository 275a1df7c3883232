"""Application Default Credentials of a storage, from each place that Google names, end to end.

They go to Google alone, so LocalDrive stands at Google's own addresses here, behind its proxy; and
a metadata server of this machine stands for that of a machine in Google's cloud.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_drive_sync.demo.ground import Ground
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.proxy import LocalDriveProxy
from tests.acceptance.test_storages import Student
from tests.storage.instructor import Instructor

pytestmark = pytest.mark.usefixtures("unmeasured_children")

SCOPE = "https://www.googleapis.com/auth/"
READING = f"{SCOPE}drive.readonly"
GOOGLE = "https://oauth2.googleapis.com"


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    with LocalDrive(seed=4) as drive, LocalDriveProxy(drive) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.ca_file))
        yield Ground(drive, GOOGLE, Path(), Path())


@pytest.fixture
def student(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Student:
    home = tmp_path / "ann"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "DRIVE_SYNC_API_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(home)
    return Student(home, capsys)


@pytest.fixture
def instructor(ground: Ground, tmp_path: Path) -> Instructor:
    made = Instructor(ground)
    made.make_key(tmp_path / "robot.json")
    made.put("lab1.ipynb", "one")
    made.share(type="user", role="reader", emailAddress=made.email)
    made.share(type="user", role="reader", emailAddress="ann@example.edu")
    return made


def user_file(ground: Ground, *scopes: str) -> str:
    """Return what `gcloud auth application-default login` would write for Ann."""
    client = ground.drive.oauth.client_of_kind("desktop")
    granted = ground.drive.oauth.grant("ann@example.edu", client.client_id, scopes)
    return json.dumps(
        {
            "type": "authorized_user",
            "client_id": client.client_id,
            "client_secret": client.secret,
            "refresh_token": granted.refresh_token,
        }
    )


@dataclass
class Machine:
    """A machine in Google's cloud: its metadata server.

    Attributes:
        host: where it answers.
        scopes: what the machine may be given.
    """

    host: str
    scopes: tuple[str, ...] = (READING, f"{SCOPE}drive")


@pytest.fixture
def machine(ground: Ground, instructor: Instructor) -> Iterator[Machine]:
    """Source: Compute Engine documentation, "View and query VM metadata"."""
    account = ground.drive.oauth.services.find(instructor.email)
    assert account is not None

    class Metadata(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            path = asked.path.removeprefix("/computeMetadata/v1/")
            if self.headers.get("metadata-flavor") != "Google":
                self.answer(403, "no metadata for you")
            elif path == "":
                self.answer(200, "instance/")
            elif path.endswith("/token"):
                wanted = parse_qs(asked.query).get("scopes", [""])[0].split(",")
                scopes = tuple(scope for scope in wanted if scope in made.scopes)
                scopes = scopes or (f"{SCOPE}cloud-platform",)
                tokens = ground.drive.oauth.issue_to_service(account, account.email, scopes)
                token = {"access_token": tokens.access_token, "expires_in": tokens.expires_in}
                self.answer(200, json.dumps({**token, "token_type": "Bearer"}))
            elif path.startswith("instance/service-accounts/"):
                said = {"email": account.email, "aliases": ["default"], "scopes": [*made.scopes]}
                self.answer(200, json.dumps(said))
            else:
                self.answer(404, "")

        def answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Metadata) as server:
        made = Machine(f"127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def brought(student: Student, instructor: Instructor) -> str:
    """Add the course with default credentials and run it; returns whose they were."""
    said = student.well("storages", "add", "course", "course", instructor.link, "--with", "adc")
    student.well("storages", "run", "course")
    assert student.here() == {"lab1.ipynb": "one"}
    return said.partition("It works: ")[2].partition(" ")[0]


@pytest.mark.parametrize("where", ["variable", "gcloud", "gcloud moved"])
def test_a_person_s_of_a_file(
    student: Student,
    instructor: Instructor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    path = tmp_path / "adc.json"
    if where == "variable":
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    elif where == "gcloud":
        path = student.home / ".config/gcloud/application_default_credentials.json"
    else:
        path = tmp_path / "cloudsdk/application_default_credentials.json"
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(path.parent))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(user_file(instructor.ground, READING))
    assert brought(student, instructor) == "ann@example.edu"


def test_a_service_account_s_of_a_file(
    student: Student, instructor: Instructor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(instructor.key_file))
    assert brought(student, instructor) == instructor.email


def test_those_of_a_machine(
    student: Student, instructor: Instructor, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GCE_METADATA_HOST", machine.host)
    assert brought(student, instructor) == instructor.email


def test_validation_says_which_scope_is_missing(
    student: Student,
    instructor: Instructor,
    machine: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A scope per storage: too little is said before the storage is kept, and by its name."""
    add = ("storages", "add", "course", "course", instructor.link, "--with", "adc")
    words = "do not reach far enough: the scope drive.readonly is missing"
    path = tmp_path / "adc.json"
    path.write_text(user_file(instructor.ground, f"{SCOPE}drive.file"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    code, said = student.refused(*add)
    assert (code, words in said) == (2, True), said
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("GCE_METADATA_HOST", machine.host)
    machine.scopes = ()
    code, said = student.refused(*add)
    assert (code, words in said) == (2, True), said
    assert student.well("storages", "list").startswith("home  ")
    # What an export needs is more than what an import needs.
    machine.scopes = (READING,)
    student.well(*add)
    (student.home / "out").mkdir()
    out = ("storages", "add", "out", "out", instructor.link, "--with", "adc", "--export")
    code, said = student.refused(*out)
    assert (code, "the scope drive is missing" in said) == (2, True), said


def test_there_are_none(student: Student, instructor: Instructor) -> None:
    code, said = student.refused(
        "storages", "add", "course", "course", instructor.link, "--with", "adc"
    )
    assert (code, "there are no Application Default Credentials here" in said) == (2, True)
