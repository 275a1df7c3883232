"""The rows of an import with a service account: a key from an address, a folder by its path."""

from __future__ import annotations

from dataclasses import replace

from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.credentials.chain import Source, choose
from jupyter_drive_sync.drive.folders import find_folder, parse_folder
from jupyter_drive_sync.drive.oauth import DRIVE_READONLY, ClientFile
from jupyter_drive_sync.drive.transport import Transport
from jupyter_drive_sync.engine.executor import InOrder
from jupyter_drive_sync.engine.importing import Import
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import make_state_dir
from jupyter_drive_sync.errors import DriveSyncError
from tests.drive.ground import ANN, ENDPOINT, ROOT, seeded
from tests.localdrive.caller import FOLDER, Caller, caller
from tests.matrix.bench import Bench, Ended
from tests.matrix.jobs import JobRow

COURSE = {"a.txt": b"lesson a", "week 1/b.txt": b"lesson b", "week 1/c.txt": b"lesson c"}
PATH = "Shared drives/Physics/Course"
_ALL = {"supportsAllDrives": "true"}


def no_client() -> ClientFile:
    raise AssertionError("a service account needs no client file")


def share_a_course(bench: Bench) -> None:
    """Put a course into a shared drive, and the key of a service account at an address."""
    oauth = bench.server.oauth
    account = oauth.add_service_account("course-reader")
    key = oauth.service_account_file(account.email, ROOT)
    bench.key = f"{ROOT}{bench.server.console.publish(key)}"
    members = {ANN: "organizer", account.email: "reader"}
    drive = bench.server.model.make_drive("Physics", members)
    owner = caller(bench.server, scopes=("drive",))
    folders = {"": _folder(owner, "Course", drive.id)}
    for path, content in COURSE.items():
        above, _, name = path.rpartition("/")
        if above not in folders:
            folders[above] = _folder(owner, above, folders[""])
        body = {"name": name, "parents": [folders[above]]}
        made = owner.ask("POST", "/files", body, **_ALL)["id"]
        owner.replace(made, content, **_ALL)
    bench.server.log.clear()


def _folder(owner: Caller, name: str, parent: str) -> str:
    body = {"name": name, "parents": [parent], "mimeType": FOLDER}
    return str(owner.ask("POST", "/files", body, **_ALL)["id"])


def _connected(bench: Bench) -> Drive:
    source = Source(
        ENDPOINT,
        bench.state,
        no_client,
        bench.clock,
        seeded(bench.seed),
        bench.wire,
        scopes=(DRIVE_READONLY,),
        key=bench.key,
        key_wire=bench.wire,
    )
    tokens = choose("service_account", source)
    transport = Transport(tokens, bench.wire, bench.clock, seeded(bench.seed), bench.settings)
    return Drive(transport, ENDPOINT, seeded(bench.seed))


def bring_the_course(bench: Bench) -> Ended:
    """Import it, as the job does."""
    bench.clock.advance(60)
    site = replace(
        bench.site, home=bench.home / "course", state_dir=bench.state / "storages" / "course"
    )
    make_state_dir(site.state_dir)
    try:
        drive = _connected(bench)
        folder = find_folder(drive, parse_folder(PATH, ENDPOINT))
        work = Import(site, bench.site, drive, InOrder(), Progress(bench.clock), "import")
        report = work.run(folder)
    except DriveSyncError as problem:
        return Ended("failed", problem.code, problem)
    failed = {each.path: each.reason for each in report.outcomes if each.outcome == "failed"}
    return Ended(report.run.outcome, "", None, failed)


def is_all_here(bench: Bench) -> None:
    """After an import: what is here is whole, and asking again brings the rest."""
    root = bench.home / "course"
    for path, content in COURSE.items():
        assert not (root / path).exists() or (root / path).read_bytes() == content
    assert bring_the_course(bench).outcome == "completed"
    for path, content in COURSE.items():
        assert (root / path).read_bytes() == content
    assert len([path for path in root.rglob("*") if path.is_file()]) == len(COURSE)


def course_row(name: str, endpoint: str, nth: int = 1) -> JobRow:
    """Make a row of the import."""
    return JobRow(name, endpoint, bring_the_course, is_all_here, nth, before=share_a_course)


COURSES = (
    course_row("page.key, of a service account", "page.key"),
    course_row("oauth.token, assertion", "oauth.token"),
    course_row("drives.list, of a name", "drives.list"),
    course_row("files.list, by a path", "files.list"),
    course_row("files.get, a folder", "files.get"),
    course_row("files.list, of a level", "files.list", nth=2),
    course_row("files.get, import", "files.get", nth=2),
)
"""What an import with a service account sends."""
