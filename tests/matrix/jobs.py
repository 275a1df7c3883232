"""The rows of the jobs around consent: what is sent to Google's token endpoints, and to ask who."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import pytest

from jupyter_drive_sync.core.tree import RelPath
from jupyter_drive_sync.drive.oauth import consent_url, new_pkce, new_state
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.engine.executor import InOrder
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.restore import Request as RestoreRequest
from jupyter_drive_sync.engine.restore import Restore
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.localdrive.oauth_routes import read_authorization
from jupyter_drive_sync.localdrive.wire import Request
from jupyter_drive_sync.runner import access_jobs
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.runner.child import Context, Interruption
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import JobKind
from tests.drive.ground import ANN, DRIVE_FILE, ROOT
from tests.matrix.bench import Bench, Ended, job_world

BROUGHT = "d/f00.txt"
BACK = "http://127.0.0.1:7777/back"


def run_job(
    bench: Bench,
    kind: JobKind,
    *,
    client: str = "desktop",
    args: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    heard: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Ended:
    """Do one job as the child does it."""
    bench.clock.advance(60)
    bench.client_of(client)
    place = Place(bench.home, bench.state, "home/ann", bench.folder / f"{client}.json", True)
    job = place.job(kind, args=args or {}, secrets=secrets or {})
    context = Context(lambda line: heard(json.loads(line)), SimpleQueue(), Interruption())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIVE_SYNC_API_ENDPOINT", ROOT)
        patch.setattr(access_jobs, "World", job_world(bench))
        try:
            values = getattr(access_jobs, kind)(job, context)
        except DriveSyncError as problem:
            return Ended("failed", problem.code, problem)
    problem = values.get("problem")
    return Ended("failed", problem["code"]) if problem else Ended("completed")


def exchange(bench: Bench) -> Ended:
    """Consent in a browser, and have the code exchanged."""
    client, pkce, state = bench.client_of("desktop"), new_pkce(), new_state()
    parts = urlsplit(consent_url(client, BACK, state, pkce.challenge))
    asked = read_authorization(
        Request.make("GET", f"{parts.path}?{parts.query}"), bench.server.oauth
    )
    code = bench.server.oauth.consent(replace(asked, offline=True), ANN, [DRIVE_FILE])
    assert code is not None
    secrets = {"code": code.code, "verifier": pkce.verifier.reveal()}
    return run_job(bench, "exchange", args={"redirect_uri": BACK}, secrets=secrets)


def device(bench: Bench) -> Ended:
    """Type a code elsewhere."""

    def heard(event: dict[str, Any]) -> None:
        if event.get("code") == "device.code":
            waiting = bench.server.oauth.find_device(event["values"]["user_code"])
            assert waiting is not None
            bench.server.oauth.decide_device(waiting.device_code, ANN, [DRIVE_FILE])

    return run_job(bench, "device", client="tv", heard=heard)


def revoke(bench: Bench) -> Ended:
    """Disconnect, and tell Google."""
    return run_job(bench, "revoke", args={"at_google": True})


def validate(bench: Bench) -> Ended:
    """Look whether all is well."""
    return run_job(bench, "validate", args={"root": ""})


def bring(bench: Bench, *, old: bool = False) -> Ended:
    """Bring a file back that is gone here, as it is on Drive or as it was before."""
    bench.clock.advance(60)
    revision = ""
    if old:
        revision = bench.server.model.files[bench.remote()[BROUGHT].id].revisions[0].id
    (bench.home / BROUGHT).unlink(missing_ok=True)
    bench.server.log.clear()
    work = Restore(bench.site, bench.drive_with(), InOrder(), Progress(bench.clock), "restore")
    try:
        report = work.run(RestoreRequest((RelPath(BROUGHT),), revision=revision))
    except DriveSyncError as problem:
        return Ended("failed", problem.code, problem)
    failed = {each.path: each.reason for each in report.outcomes if each.outcome == "failed"}
    return Ended(report.run.outcome, "", None, failed)


def bring_the_old_one(bench: Bench) -> Ended:
    """Bring back what a file was before it was changed."""
    return bring(bench, old=True)


def is_here_again(bench: Bench) -> None:
    """After a restore: what is here is a whole version, and asking again brings it."""
    if (bench.home / BROUGHT).exists():
        assert (bench.home / BROUGHT).read_bytes() in (b"content 0", b"content of later")
    assert bring(bench).outcome == "completed"
    assert (bench.home / BROUGHT).read_bytes() == bench.content(BROUGHT)
    assert not list(bench.home.rglob(".*part*"))
    assert bench.run().outcome == "completed"
    bench.assert_mirrored()


def has_two_versions(bench: Bench) -> None:
    """Change the file once, so that there is something older."""
    bench.write(BROUGHT, "content of later")
    assert bench.run().outcome == "completed"


def connected_anew(bench: Bench) -> None:
    """After a consent: it works at once, or else when the person tries again."""
    assert exchange(bench).outcome == "completed"
    assert Account.load(bench.state) is not None
    assert SecretsStore(bench.state).grant() is not None
    assert bench.run().outcome == "completed"


def device_connected(bench: Bench) -> None:
    assert device(bench).outcome == "completed"
    grant = SecretsStore(bench.state).grant()
    assert grant is not None
    assert grant.client_id == bench.client_of("tv").client_id


def is_gone(bench: Bench) -> None:
    """After a disconnect: nothing is left here, nor at Google, at the second try at the latest."""
    if SecretsStore(bench.state).grant() is not None:
        assert revoke(bench).outcome == "completed"
    assert not (bench.state / "secrets.json").exists()
    assert not bench.server.oauth.grants
    assert bench.run().code == "auth.missing"


def as_before(bench: Bench) -> None:
    assert validate(bench).outcome == "completed"
    assert bench.run().outcome == "completed"


@dataclass(frozen=True, slots=True)
class JobRow:
    """One request of a job.

    Attributes:
        name: how table and tests call it.
        endpoint: its name in LocalDrive.
        act: does the job.
        settled: sees, without faults, that nothing bad remained.
        nth: which of the job's requests of that endpoint it is.
        unseen: how many of those before it were refused for want of a token, before anything but
            networks and front ends could fail them.
        inner: whether it travels in a batch.
        before: what is done before any fault is there.
    """

    name: str
    endpoint: str
    act: Callable[[Bench], Ended]
    settled: Callable[[Bench], None]
    nth: int = 1
    unseen: int = 0
    inner: bool | None = None
    before: Callable[[Bench], None] = lambda _: None


JOBS = (
    JobRow("oauth.token, code", "oauth.token", exchange, connected_anew),
    JobRow("oauth.device_code", "oauth.device_code", device, device_connected),
    JobRow("oauth.token, device", "oauth.token", device, device_connected),
    JobRow("oauth.revoke", "oauth.revoke", revoke, is_gone),
    JobRow("about.get, at consent", "about.get", exchange, connected_anew),
    JobRow("about.get, without a token", "about.get", validate, as_before),
    JobRow("about.get, validate", "about.get", validate, as_before, nth=2, unseen=1),
    JobRow("files.get, download", "files.get", bring, is_here_again, inner=False),
    JobRow(
        "revisions.get, download",
        "revisions.get",
        bring_the_old_one,
        is_here_again,
        before=has_two_versions,
    ),
    JobRow(
        "revisions.list, of a file",
        "revisions.list",
        bring_the_old_one,
        is_here_again,
        inner=False,
        before=has_two_versions,
    ),
)
"""What the jobs around consent send."""
