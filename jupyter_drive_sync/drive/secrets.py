"""Secrets: values that never print, and the one file that keeps them (``secrets.json``)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from jupyter_drive_sync.core.refusals import refused_by_disk
from jupyter_drive_sync.errors import StateUnusable

FILE_NAME: Final = "secrets.json"

_LOCK_NAME: Final = "secrets.lock"
_LOCK_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_LOOKS_SECRET: Final = re.compile(
    r"ya29\.[\w.-]+"  # access token
    r"|1//[\w-]+"  # refresh token
    r"|4/[\w-]{20,}"  # authorization code
    r"|GOCSPX-[\w-]+"  # client secret
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----|[\s\S]*)"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"  # signed assertion
    r"|(?i:bearer\s+\S+)"
    r"|(?i:(?:upload_id|access_token|refresh_token|client_secret|code|code_verifier"
    r"|assertion)=[^&\s\"']+)"
)


class Secret:
    """A text that cannot slip out: no print, no format, no pickle and no JSON shows it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text, for the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return secrets.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def redact(text: str, known: Iterable[Secret] = ()) -> str:
    """Blot out what is, or looks like, a secret; for the details of errors."""
    for secret in known:
        if secret:
            text = text.replace(secret.reveal(), "…")
    return _LOOKS_SECRET.sub("…", text)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person's consent gave us.

    Attributes:
        refresh_token: makes access tokens.
        scopes: full scope URLs that were granted.
        client_id: the OAuth client through which they were granted.
        obtained_at: seconds since the epoch; tells a grant that died of "Testing".
    """

    refresh_token: Secret
    scopes: tuple[str, ...]
    client_id: str
    obtained_at: float


@dataclass(frozen=True, slots=True)
class Access:
    """An access token.

    Attributes:
        token: what requests carry.
        expires_at: seconds since the epoch, by our clock.
    """

    token: Secret
    expires_at: float


class SecretsStore:
    """``secrets.json``: grant, access token, URIs of unfinished uploads. 0600, in a 0700 folder.

    Each change reads the file again, under a lock, so that neither two threads nor two processes
    (a sync, and somebody who reconnects meanwhile) lose each other's. The file is replaced whole:
    temporary file, fsync, rename.

    Args:
        folder: the state folder; made when it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FILE_NAME
        self._lock = threading.Lock()

    def grant(self) -> Grant | None:
        """Return the grant, None when there is none.

        Raises:
            StateUnusable: the file is there and cannot be read.
        """
        raw = self._read().get("grant")
        try:
            return raw and Grant(
                Secret(raw["refresh_token"]),
                tuple(raw["scopes"]),
                raw["client_id"],
                float(raw["obtained_at"]),
            )
        except (KeyError, TypeError, ValueError):
            return None  # as good as none: the person is asked to connect

    def keep_grant(self, grant: Grant, access: Access | None = None) -> None:
        """Store a grant, and its first access token, in place of earlier ones."""
        value = {
            "refresh_token": grant.refresh_token.reveal(),
            "scopes": list(grant.scopes),
            "client_id": grant.client_id,
            "obtained_at": grant.obtained_at,
        }
        self._change(lambda content: content.update(grant=value, access=_written(access)))

    def drop_grant(self) -> None:
        """Forget the grant and its access token."""
        self._change(lambda content: content.update(grant=None, access=None))

    def access(self) -> Access | None:
        """Return the access token that was made last, which may be too old."""
        raw = self._read().get("access")
        try:
            return raw and Access(Secret(raw["token"]), float(raw["expires_at"]))
        except (KeyError, TypeError, ValueError):
            return None

    def keep_access(self, access: Access) -> None:
        """Store an access token, for the next process."""
        self._change(lambda content: content.update(access=_written(access)))

    def session(self, key: str) -> Secret | None:
        """Return the URI of an unfinished upload."""
        uri = self._sessions(self._read()).get(key)
        return Secret(uri) if isinstance(uri, str) else None

    def sessions(self) -> tuple[str, ...]:
        """Return the keys of all unfinished uploads."""
        return tuple(self._sessions(self._read()))

    def keep_session(self, key: str, uri: Secret) -> None:
        """Store the URI of an unfinished upload."""

        def keep(content: dict[str, Any]) -> None:
            content["sessions"] = {**self._sessions(content), key: uri.reveal()}

        self._change(keep)

    def drop_session(self, key: str) -> None:
        """Forget an upload."""

        def drop(content: dict[str, Any]) -> None:
            content["sessions"] = {k: v for k, v in self._sessions(content).items() if k != key}

        self._change(drop)

    def destroy(self) -> None:
        """Delete the file with all that is in it.

        Raises:
            StateUnusable: the folder does not allow it.
        """
        with self._lock, self._translated():
            self._path.unlink(missing_ok=True)

    @staticmethod
    def _sessions(content: Mapping[str, Any]) -> Mapping[str, Any]:
        found = content.get("sessions")
        return found if isinstance(found, dict) else {}

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        with self._lock, self._alone():
            content = self._read()
            change(content)
            self._write(content)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes of this machine out, where the file system knows locks."""
        with self._translated():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._folder / _LOCK_NAME, _LOCK_FLAGS, 0o600)
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)  # and with it the lock

    def _read(self) -> dict[str, Any]:
        with self._translated():
            try:
                handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                return {}
            with os.fdopen(handle, "rb") as file:
                self._close_to_others(handle)
                raw = file.read()
        try:
            content = json.loads(raw)
        except ValueError:
            return {}  # torn by a foreign hand: consent again, uploads from the start
        return content if isinstance(content, dict) else {}

    def _close_to_others(self, handle: int) -> None:
        """Take the rights away that others have got on the file, before it is used."""
        status = os.fstat(handle)
        if stat.S_IMODE(status.st_mode) & 0o077:
            os.fchmod(handle, 0o600)
            if stat.S_IMODE(os.fstat(handle).st_mode) & 0o077:
                # FAT, or a share that maps all rights to everybody.
                raise StateUnusable(
                    path=str(self._folder), problem="its files cannot be hidden from others"
                )

    def _write(self, content: dict[str, Any]) -> None:
        with self._translated():
            temporary = self._folder / f".{FILE_NAME}.{os.getpid()}.{threading.get_ident()}"
            temporary.unlink(missing_ok=True)
            try:
                handle = os.open(
                    temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
                )
                with os.fdopen(handle, "wb") as file:
                    self._close_to_others(handle)
                    file.write(json.dumps(content, indent=1).encode())
                    file.flush()
                    os.fsync(handle)
                temporary.replace(self._path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _fsync_folder(self._folder)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise refused_by_disk(str(self._folder), problem) from problem


def _written(access: Access | None) -> dict[str, Any] | None:
    if access is None:
        return None
    return {"token": access.token.reveal(), "expires_at": access.expires_at}


def _fsync_folder(folder: Path) -> None:
    """Make a rename last. Some network file systems cannot, and then nobody can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
