"""The jobs around consent: exchange, device, revoke, validate. In the child only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from jupyter_drive_sync.core.tree import FileId
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.denied import ScopeTooNarrow
from jupyter_drive_sync.drive.device import await_device, start_device
from jupyter_drive_sync.drive.oauth import SCOPES, require_scopes
from jupyter_drive_sync.drive.secrets import Access, Grant, Secret
from jupyter_drive_sync.drive.types import About
from jupyter_drive_sync.errors import DriveSyncError, Missing, NotConnected, ScopeMissing
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.runner.assembly import World
from jupyter_drive_sync.runner.child import Context
from jupyter_drive_sync.runner.consent import DEVICE_CODE
from jupyter_drive_sync.runner.protocol import Job, Note, problem_of


def exchange(job: Job, context: Context) -> Mapping[str, Any]:
    """Turn an authorization code into a grant, and ask whose it is.

    Takes ``redirect_uri`` and ``scopes``, those that are needed; of the secrets ``code`` and
    ``verifier``. Brings the account.
    """
    world = World.of(job, context)
    grant, access = world.exchange().redeem(
        Secret(job.secrets["code"]),
        job.args["redirect_uri"],
        Secret(job.secrets["verifier"]),
    )
    return _connect(world, grant, access)


def device(job: Job, context: Context) -> Mapping[str, Any]:
    """Have a person type a code elsewhere, and wait for the answer.

    Takes ``scopes``, those that are needed. Brings the account.
    """
    world = World.of(job, context)
    dealings = world.exchange()
    code = start_device(dealings.client, dealings.tokens, _needed(job))
    context.emit(
        Note(
            DEVICE_CODE,
            f"Go to {code.verification_url} and type {code.user_code}.",
            {"verification_url": code.verification_url, "user_code": code.user_code},
        )
    )
    reply = await_device(dealings.client, dealings.tokens, code, context.permit)
    return _connect(world, *dealings.accept(reply))


def revoke(job: Job, context: Context) -> Mapping[str, Any]:
    """Forget the grant; with ``at_google``, end it there first.

    Brings ``revoked``: whether Google was told.

    Raises:
        NotConnected: there is no grant.
        Offline, Busy, Refused: Google could not be told, or did not do it; the grant is kept, to
            try again.
    """
    world = World.of(job, context)
    grant = world.secrets.grant()
    if grant is None:
        raise NotConnected
    at_google = bool(job.args.get("at_google"))
    if at_google:
        world.exchange().revoke(grant)
    world.secrets.destroy()
    Account.forget(world.state_dir)
    return {"revoked": at_google}


def validate(job: Job, context: Context) -> Mapping[str, Any]:
    """See whether Drive answers and, where there are credentials, whose Drive it is.

    Takes ``root``, the id of the mirror's folder, or ``""``. Brings ``skew``, the seconds by which
    our clock is ahead; ``problem``, None or what the credentials met; and without one ``account``,
    ``space`` and ``folder``: ``none``, ``there``, ``trashed`` or ``gone``.

    Raises:
        Offline, Busy: nobody answers.
    """
    world = World.of(job, context)
    tokens = world.source().token_endpoint()
    # Refused for want of a token, which is an answer, and has a date.
    tokens.ask("GET", f"{world.endpoint.root}/drive/v3/about", {}, None)
    try:
        drive = world.drive()
        about = drive.about()
        folder = _folder(drive, FileId(job.args.get("root", "")))
    except DriveSyncError as problem:
        return {"skew": tokens.skew, "problem": asdict(problem_of(problem))}
    space = {"limit": about.limit, "usage": about.usage, "in_trash": about.in_trash}
    return {
        "skew": tokens.skew,
        "problem": None,
        "account": _described(about),
        "space": {**space, "free": about.free},
        "folder": folder,
    }


def _folder(drive: Drive, root: FileId) -> str:
    if not root:
        return "none"
    try:
        return "trashed" if drive.get(root).trashed else "there"
    except Missing:
        return "gone"


def _needed(job: Job) -> tuple[str, ...]:
    return tuple(job.args.get("scopes") or SCOPES)


def _connect(world: World, grant: Grant, access: Access) -> Mapping[str, Any]:
    """Keep a new grant, then ask whose it is.

    Raises:
        ScopeMissing: a box was unticked that is needed; nothing is kept.
    """
    try:
        require_scopes(_needed(world.job), grant.scopes)
    except ScopeTooNarrow as problem:
        raise ScopeMissing(detail=problem.sentence) from None
    world.secrets.keep_grant(grant, access)
    about = world.drive().about()
    Account(
        permission_id=about.permission_id,
        email=about.email,
        name=about.name,
        client_file=world.job.client_file,
        connected_at=grant.obtained_at,
    ).save(world.state_dir)
    return _described(about)


def _described(about: About) -> dict[str, Any]:
    return {"email": about.email, "name": about.name, "permission_id": about.permission_id}
