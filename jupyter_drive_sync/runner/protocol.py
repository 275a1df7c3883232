"""What parent and child say to each other: one JSON object per line, on stdin and stdout.

The parent writes one line, the :class:`Job`, secrets included: stdin is the one channel that no
process list, log or core of another user shows. The child answers with any number of events and
ends with exactly one :class:`Result` or :class:`Problem`. Where it said :class:`Need`, the parent
writes one more line with what was asked for. The end of stdin tells the child that its parent is
gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

from jupyter_drive_sync.core.relayed import Relayed
from jupyter_drive_sync.errors import DriveSyncError, Who

JobKind = Literal[
    "exchange",
    "device",
    "revoke",
    "validate",
    "survey",
    "preview",
    "mirror",
    "check",
    "restore",
    "undo",
    "versions",
    "difference",
    "verify",
    "import",
    "export",
    "list",
    "validate_storage",
]


NEED_TOKEN: Final = "token"  # noqa: S105 - its name
"""What a child needs when it has no access token, or the old one ends: a line as of
:func:`encode_token` or :func:`encode_refusal`."""
NEED_OTHER_TOKEN: Final = "token.refused"  # noqa: S105 - its name
"""The same, when Drive refused the last one."""


HOME_ID: Final = "home.id"
"""Note before a child asks for a token: ``home_id``, the home that it is for."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a child is to do.

    Attributes:
        kind: which of the jobs.
        id: names the run in the history; chosen by whoever wants it.
        home: absolute path of the folder that is mirrored.
        state_dir: absolute path of the state folder.
        drive_folder: where the mirror lies, from My Drive on, such as ``home/ann``.
        client_file: absolute path of Google's client file.
        client_named: whether a person named that file.
        credentials: ``grant`` for the one in the state folder, ``adc`` for Google's Application
            Default Credentials, ``broker`` for tokens that the parent hands in when it hears
            :data:`NEED_TOKEN`, ``service_account`` for the key that a storage names.
        settings: what the command line lays over ``settings.json``.
        defaults: what lies under it.
        args: what this kind of job alone wants.
        secrets: code and verifier of an exchange, or a token; never printed, never stored.
        confine: ``[root, below]``: the child gives up all files but those of this home; empty
            where it runs as its person already.
        run_as: user and group id that the child takes on before it touches the home; empty for
            those that it has.
        grant_dir: state folder with the grant, and the home id that tokens are for; ``""`` where
            that is ``state_dir``.
        keys: absolute paths of files that are named as keys, beside those of a person's storages.
    """

    kind: JobKind
    id: str
    home: str
    state_dir: str
    drive_folder: str
    client_file: str
    client_named: bool = False
    credentials: Literal["grant", "adc", "broker", "service_account"] = "grant"
    settings: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    args: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    confine: tuple[str, ...] = ()
    run_as: tuple[int, ...] = ()
    grant_dir: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """The child is up and has understood the job."""

    pid: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the job is; said at most four times a second."""

    phase: str
    """``starting``, ``comparing``, ``scanning``, ``copying``, ``checking``."""
    done: int = 0
    """Objects that are finished."""
    total: int = 0
    """Objects altogether; 0 while nobody knows."""
    bytes_done: int = 0
    bytes_total: int = 0
    eta_seconds: float | None = None
    """Seconds that the rest will take; None while nobody can tell."""
    slowed: bool = False
    """Whether Drive has us wait."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth telling on the way."""

    code: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Need:
    """The child waits for a line with this on stdin, such as ``token``."""

    what: str


@dataclass(frozen=True, slots=True)
class Result:
    """The job is done; ``values`` is what it brought, by kind of job."""

    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """The job failed; the fields are those of :class:`DriveSyncError`."""

    code: str
    who: Who
    sentence: str
    exit_code: int
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    detail: str = ""


Event = Started | Progress | Note | Need | Result | Problem

_EVENTS: Final = {
    kind.__name__.lower(): kind for kind in (Started, Progress, Note, Need, Result, Problem)
}


class Garbled(ValueError):
    """A line that is not of this protocol."""


class Reported(Relayed):
    """An error that the child met, as it reads on the parent's side."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(
            code=problem.code,
            who=problem.who,
            sentence=problem.sentence,
            exit_code=problem.exit_code,
            params=problem.params,
            detail=problem.detail,
        )


def problem_of(error: DriveSyncError) -> Problem:
    """Turn an error into what travels."""
    return Problem(
        code=error.code,
        who=error.who,
        sentence=error.sentence,
        exit_code=error.exit_code,
        params=dict(error.params),
        detail=error.detail,
    )


def encode_job(job: Job) -> str:
    """Write a job as one line, without its end."""
    return json.dumps(asdict(job))


def decode_job(line: str) -> Job:
    """Read a job.

    Raises:
        Garbled: the line is no job.
    """
    try:
        job = Job(**json.loads(line))
        return replace(
            job, confine=tuple(job.confine), run_as=tuple(job.run_as), keys=tuple(job.keys)
        )
    except (TypeError, ValueError):
        # Neither chained nor quoted: the line may hold a secret.
        raise Garbled("the first line is no job") from None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token for a child that needs one.

    Attributes:
        token: the secret itself.
        expires_in: seconds that it lasts.
        token_uri: where its client gets tokens.
        project: number of the client's Google project.
        account: permission id of the account.
    """

    token: str = field(repr=False)
    expires_in: float
    token_uri: str
    project: str = ""
    account: str = ""


def encode_token(token: Token) -> str:
    """Write an access token as one line."""
    return json.dumps(asdict(token))


def encode_refusal(error: DriveSyncError) -> str:
    """Write why there is no access token."""
    return json.dumps({"problem": asdict(problem_of(error))})


def decode_token(line: str) -> Token:
    """Read what :func:`encode_token` wrote.

    Raises:
        Reported: what :func:`encode_refusal` wrote.
        Garbled: neither.
    """
    try:
        values = json.loads(line)
        problem = values.get("problem")
        if problem is None:
            return Token(**values)
        refusal = Problem(**problem)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Garbled("the line is no token") from None  # not quoted: it may hold one
    raise Reported(refusal)


def encode_event(event: Event) -> str:
    """Write an event as one line, without its end."""
    return json.dumps({"event": type(event).__name__.lower(), **asdict(event)})


def decode_event(line: str) -> Event:
    """Read an event.

    Raises:
        Garbled: the line is no event.
    """
    try:
        values = json.loads(line)
        event: Event = _EVENTS[values.pop("event")](**values)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise Garbled("the line is no event") from problem
    return event
