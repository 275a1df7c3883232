"""A storage: a folder here and a folder on Drive, which way between them, and with whose rights.

Read from configuration, REST, the command line or a file of somebody's training; every value that
cannot be used is refused in one sentence, before anything is kept or sent.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from jupyter_drive_sync.errors import BadSettings, DriveSyncError, UsageError

T = TypeVar("T")

Direction = Literal["import", "export"]
Scope = Literal["drive.file", "drive.readonly", "drive"]
CredentialsKind = Literal["auto", "own", "broker", "adc", "service_account", "client", "hub"]

HOME: Final = "home"
"""The built-in export storage: the mirror of the home."""
SCOPE_URL: Final = "https://www.googleapis.com/auth/"
_ID: Final = re.compile(r"1[\w-]{24,}|0[AB][\w-]{14,}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SECRETS: Final = ("client_secret", "private_key", "refresh_token", "access_token", "token")
"""Names under which somebody might hand us a secret itself, where its file is wanted."""
_USES_KEY: Final = frozenset({"service_account"})
_USES_SUBJECT: Final = frozenset({"service_account", "adc"})
_WIDER: Final = "use a service account, or a client_file of your own"
_MOST_PATTERNS: Final = 1000


class BadStorage(UsageError):
    """A storage has a value that cannot be used; the parameter ``field`` names it where one is."""

    code = "storage.invalid"
    template = "The storage {name} cannot be used: {problem}."


class _Wrong(ValueError):
    """What is wrong, and of which value."""

    def __init__(self, problem: str, field: str = "") -> None:
        super().__init__(problem)
        self.field = field


class NoSuchStorage(UsageError):
    """There is no storage of that name."""

    code = "storage.unknown"
    template = "There is no storage {name}; `jupyter drive-sync storages list` names those there."


class Incomplete(DriveSyncError):
    """Some of the files that were asked for did not come, or did not go."""

    code = "storage.incomplete"
    who = "wait"
    exit_code = 1
    template = "Not everything was transferred: {path} {reason} ({count} in all)."


@dataclass(frozen=True, slots=True)
class Storage:
    """One storage.

    Attributes:
        name: unique; also that of its folder below the state folder.
        local: folder here, relative to the home, or absolute.
        drive: folder on Drive: its address, its id, or its path from My Drive on.
        direction: ``import`` brings what is on Drive here, ``export`` mirrors what is here to
            Drive.
        scope: what of Drive it needs to see.
        credentials: whose rights: those of the home (``auto``: of the hub's broker where there is
            one, else one's ``own``), Application Default Credentials (``adc``), a
            ``service_account``, a grant of its own by another ``client``; or, of a course that the
            ``hub`` fetched once, nobody's: ``drive`` is the course's name then.
        key_file: path or https address of the service account's key.
        client_file: path of the OAuth client file.
        subject: address of the person for whom a service account acts.
        schedule: cron expression of five fields; ``""`` runs only when asked to.
        includes: gitignore patterns; where there are any, only what they match.
        excludes: gitignore patterns of what is left out.
    """

    name: str
    local: str
    drive: str
    direction: Direction = "import"
    scope: Scope = "drive.file"
    credentials: CredentialsKind = "auto"
    key_file: str = ""
    client_file: str = ""
    subject: str = ""
    schedule: str = ""
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """Return it as :func:`read` takes it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "includes": list(self.includes), "excludes": list(self.excludes)}

    def shown(self) -> dict[str, Any]:
        """Return what surfaces may show: an address of a key can be as good as the key."""
        return {**self.described(), "key_file": shown_key(self.key_file)}


def is_path(drive: str) -> bool:
    """Tell a path on Drive from an address and an id."""
    address = "://" in drive or drive.startswith("drive.google.com/")
    return not address and not _ID.fullmatch(drive)


def shown_key(key_file: str) -> str:
    """Shorten the address of a key to its host; a path stays as it is."""
    return f"https://{urlsplit(key_file).hostname}/…" if is_address(key_file) else key_file


def is_address(key_file: str) -> bool:
    """Tell whether a key is fetched rather than read from a file."""
    return "://" in key_file


def read(
    values: Any, *, name: str = "", check_schedule: Callable[[str], object] = lambda _: None
) -> Storage:
    """Read a storage.

    Args:
        values: by the names of :class:`Storage`.
        name: where ``values`` need not have one.
        check_schedule: raises ``ValueError`` with words for a cron expression that is none.

    Raises:
        BadStorage: in one sentence, for the first thing that is wrong.
    """
    if not isinstance(values, Mapping):
        raise BadStorage(name=name or "?", problem="it is no object of names and values")
    given = {"name": name, **values} if name else dict(values)
    try:
        return _read(given, check_schedule)
    except _Wrong as problem:
        raise BadStorage(
            name=_label(given.get("name")), problem=str(problem), field=problem.field
        ) from None


def _read(given: Mapping[str, Any], check_schedule: Callable[[str], object]) -> Storage:
    """Read a storage; a ``_Wrong`` says what is wrong."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key in _SECRETS:
            raise _Wrong(f"{key} is a secret itself; name the file that holds it instead")
        if key not in _READERS:
            raise _Wrong(f"there is no setting {_short(key)}")
        found[key] = _about(key, _READERS[key], value)
    missing = next((key for key in ("name", "local", "drive") if not found.get(key)), "")
    if missing:
        raise _Wrong(f"it has no {missing}", missing)
    storage = _completed(found)
    if clash := _contradiction(storage):
        raise _Wrong(*clash)
    if storage.schedule:
        _about("schedule", check_schedule, storage.schedule)
    return storage


def _about(key: str, reader: Callable[[Any], T], value: Any) -> T:
    """Read one value; what is wrong with it begins with its name."""
    try:
        return reader(value)
    except ValueError as problem:
        raise _Wrong(f"{key} {problem}", key) from None


def read_all(
    values: Any, *, check_schedule: Callable[[str], object] = lambda _: None
) -> tuple[Storage, ...]:
    """Read a list of storages, or a mapping of their names to the rest.

    Raises:
        BadStorage: one of them cannot be used, or two have one name.
    """
    if isinstance(values, Mapping):
        items = [
            read(item, name=str(name), check_schedule=check_schedule)
            for name, item in values.items()
        ]
    elif isinstance(values, list | tuple):
        items = [read(item, check_schedule=check_schedule) for item in values]
    else:
        raise BadStorage(name="?", problem="the storages are no list")
    names: set[str] = set()
    for item in items:
        if item.name.lower() in names:
            raise BadStorage(name=item.name, problem="there are two of that name")
        names.add(item.name.lower())
    return tuple(items)


def place_of(local: str, home: str, roots: Sequence[str] = ()) -> str:
    """Return the absolute path of a storage's folder here.

    Args:
        local: as the storage has it.
        home: absolute path of the home.
        roots: absolute paths below which absolute ones may lie, beside the home.

    Raises:
        ValueError: it lies elsewhere, or is a home itself; the words follow "its folder here".
    """
    path = posixpath.normpath(posixpath.join(home, local))
    allowed = [posixpath.normpath(root) for root in (home, *roots)]
    if path == allowed[0]:
        raise ValueError("is the home itself, which the storage home mirrors; name one in it")
    if not any(path == root or path.startswith(root.rstrip("/") + "/") for root in allowed):
        raise ValueError(f"{path} lies outside of the home")
    return path


def _label(name: object) -> str:
    return _short(name) if isinstance(name, str) and name else "?"


def _short(text: object) -> str:
    """Write what somebody gave us on one line, and not all of a long one."""
    shown = str(text).encode("unicode_escape").decode()
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


def _completed(values: dict[str, Any]) -> Storage:
    """Fill in what depends on the rest: which credentials, and what they have to see."""
    if not values.get("credentials"):
        kind = "service_account" if values.get("key_file") else "auto"
        values["credentials"] = "client" if values.get("client_file") else kind
    if not values.get("scope"):
        strange = values["credentials"] in ("service_account", "adc", "client")
        wide = "drive" if values.get("direction") == "export" else "drive.readonly"
        # What a client of one's own makes it sees; a service account makes nothing of its own.
        own = values["credentials"] == "client" and values.get("direction") == "export"
        values["scope"] = wide if strange and not own else "drive.file"
    return Storage(**values)


def _contradiction(storage: Storage) -> tuple[str, str] | None:
    """Say what of a storage does not go together, and which value it is about."""
    kind = storage.credentials
    rules = (
        (storage.name == HOME, "home is the mirror of the home, which is there already", "name"),
        (
            kind in _USES_KEY and not storage.key_file,
            "a service account needs its key_file",
            "key_file",
        ),
        (
            kind not in _USES_KEY and storage.key_file,
            f"credentials {kind} have no key_file",
            "key_file",
        ),
        (
            kind == "client" and not storage.client_file,
            "credentials client need a client_file",
            "client_file",
        ),
        (
            kind != "client" and storage.client_file,
            f"credentials {kind} have no client_file",
            "client_file",
        ),
        (
            kind not in _USES_SUBJECT and storage.subject,
            "only a service account acts for a subject",
            "subject",
        ),
        (
            storage.direction == "export" and storage.scope == "drive.readonly",
            "an export writes, which the scope drive.readonly does not allow",
            "scope",
        ),
        (
            kind == "hub" and storage.direction == "export",
            "a course of the hub is only brought, it takes nothing",
            "direction",
        ),
        (
            kind == "hub" and not _NAME.fullmatch(storage.drive),
            "drive is no name of a course, which credentials hub want",
            "drive",
        ),
        (
            kind in ("auto", "own", "broker", "hub") and storage.scope != "drive.file",
            f"the home's own permission does not cover {storage.scope}, only drive.file: {_WIDER}",
            "scope",
        ),
    )
    return next(((words, about) for wrong, words, about in rules if wrong), None)


# -- one value each; a ValueError says what is wrong, its words follow the name --------------------


def _text(value: Any, *, most: int = 2000) -> str:
    if not isinstance(value, str):
        raise ValueError("is no text")
    if len(value) > most:
        raise ValueError(f"is longer than {most} characters")
    if not value.isprintable() or "\ufffd" in value:
        raise ValueError("has characters that nobody can see")
    return value.strip()


def _name_of(value: Any) -> str:
    text = _text(value)
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{_short(text)!r} is not made of at most 64 letters, digits, dots, dashes and "
            "underscores"
        )
    return text


def _local(value: Any) -> str:
    text = _text(value)
    if text.startswith("~"):
        raise ValueError("is relative to the home already; leave the ~ away")
    if ".." in text.split("/"):
        raise ValueError("must not lead upwards (..)")
    return text.rstrip("/") or text[:1]


def _one_of(kind: Any) -> Callable[[Any], str]:
    words = get_args(kind)

    def read_one(value: Any) -> str:
        text = _text(value).removeprefix(SCOPE_URL)
        if text not in words:
            raise ValueError(f"{_short(text)!r} is none of {', '.join(words)}")
        return text

    return read_one


def _key_file(value: Any) -> str:
    text = _text(value)
    if not is_address(text):
        return text
    try:
        parts = urlsplit(text)
        good = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError("is no address") from None
    if parts.scheme != "https" and not _is_loopback(parts.hostname):
        raise ValueError("is fetched by https alone")
    if not good:
        raise ValueError("is no address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    return text


def _is_loopback(host: str | None) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")


def _subject(value: Any) -> str:
    text = _text(value, most=320)
    if text and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise ValueError(f"{_short(text)!r} is no address of a person")
    return text


def _patterns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError("is no list of patterns")
    if len(value) > _MOST_PATTERNS:
        raise ValueError(f"has more than {_MOST_PATTERNS} patterns")
    # Not above: a server reads its configuration before anybody wants patterns.
    from jupyter_drive_sync.core.patterns import Line, Patterns  # noqa: PLC0415

    try:
        Patterns(Line(text, "it", "it") for text in value)
    except BadSettings as problem:
        raise ValueError(f"cannot be used: {problem.params['problem']}") from None
    return tuple(value)


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": _name_of,
    "local": _local,
    "drive": _text,
    "direction": _one_of(Direction),
    "scope": _one_of(Scope),
    "credentials": _one_of(CredentialsKind),
    "key_file": _key_file,
    "client_file": _text,
    "subject": _subject,
    "schedule": _text,
    "includes": _patterns,
    "excludes": _patterns,
}
