"""What is wrong here, and how is it mended? Looks at everything, changes nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

from jupyter_drive_sync.core.settings import MiB, Settings
from jupyter_drive_sync.core.storage import Storage
from jupyter_drive_sync.drive.oauth import DRIVE_FILE, ClientFile
from jupyter_drive_sync.drive.secrets import FILE_NAME as SECRETS
from jupyter_drive_sync.drive.secrets import Grant, SecretsStore
from jupyter_drive_sync.engine.lease import Process
from jupyter_drive_sync.engine.ledger_file import VERSION
from jupyter_drive_sync.engine.report import Status, read_status
from jupyter_drive_sync.errors import DriveSyncError, NotConnected
from jupyter_drive_sync.home.read import Home
from jupyter_drive_sync.runner import storages
from jupyter_drive_sync.runner.clock import SystemClock
from jupyter_drive_sync.runner.hub import look
from jupyter_drive_sync.runner.memory import Memory
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Job

Level = Literal["ok", "warn", "fail"]
Ask = Callable[[Job], Mapping[str, Any]]

_DAY: Final = 86_400.0
_TESTING_DAYS: Final = 7
"""Life of a grant while the app is in Testing. Source: Google Identity guide, "Using OAuth 2.0 to
access Google APIs", refresh token expiration."""
_SKEW_WARN: Final = 30.0
_SKEW_FAIL: Final = 300.0
_STATE_SPACE: Final = 100 * MiB
_NETWORK_FS: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "lustre"})
_PROXY_NAMES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look showed.

    Attributes:
        check: what was looked at; stable.
        level: ``ok``, ``warn`` (goes on for now) or ``fail`` (nothing is copied).
        text: what is so.
        mend: what to do about it; empty where nothing is to be done.
    """

    check: str
    level: Level
    text: str
    mend: str = ""


def examine(
    place: Place,
    environment: Mapping[str, str],
    ask: Ask,
    *,
    memory: Memory | None = None,
    configured: Iterable[Storage] = (),
) -> Iterator[Finding]:
    """Look at one thing after the other.

    Args:
        place: the home.
        environment: proxies and certificates are named there.
        ask: runs a job in a child; Google's libraries stay out of this process.
        memory: of this container.
        configured: storages that the configuration makes.
    """
    yield _home(place)
    yield from _state(place.state_dir)
    settings, finding = _settings(place)
    yield finding
    yield _memory(memory or Memory(), settings.memory_headroom)
    yield _zone(environment)
    yield _proxy(environment)
    yield from _certificates(environment)
    yield _ledger(place.state_dir)
    yield _lease(place.state_dir)
    client = None
    if place.credentials == "grant":
        client, finding = _client(place)
        yield finding
        yield from _redirect(client)
        yield from _grant(place.state_dir, client)
    if place.credentials == "broker":
        yield _broker(place)
    if client is not None or place.credentials != "grant":
        yield from _drive(place, ask)
    yield from _storages(place, settings, configured)


def _of(check: str, problem: DriveSyncError) -> Finding:
    return Finding(check, "fail", problem.sentence)


def _home(place: Place) -> Finding:
    try:
        with Home(place.home, clock=SystemClock()) as home:
            home.check()
    except DriveSyncError as problem:
        return _of("home", problem)
    return Finding("home", "ok", f"{place.home} is there and can be read.")


def _state(folder: Path) -> Iterator[Finding]:
    if not folder.exists():
        yield Finding("state folder", "ok", f"{folder} is made at the first use.")
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            "state folder",
            "fail",
            f"{folder} cannot be written.",
            "Give yourself the right to write there, or name another one with --state-dir.",
        )
        return
    loose = [path.name for path in (folder, folder / SECRETS) if path.exists() and _open(path)]
    if loose:
        yield Finding(
            "state folder",
            "warn",
            f"Others can read {', '.join(loose)} in {folder} (mode {mode:o}).",
            f"chmod -R go= {folder}",
        )
    free = shutil.disk_usage(folder).free
    kind = _file_system(folder)
    where = f" It lies on a network file system ({kind})." if kind in _NETWORK_FS else ""
    if free < _STATE_SPACE:
        yield Finding(
            "state folder",
            "warn",
            f"Only {free // MiB} MB are left on the disk of {folder}.",
            "Free some space, or name another folder with --state-dir.",
        )
    elif not loose:
        yield Finding("state folder", "ok", f"{folder} is private and can be written.{where}")


def _open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _file_system(folder: Path) -> str:
    """Return the type of the file system that a folder lies on, ``""`` if nobody tells."""
    best = ("", "")
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
            _, point, kind, *_ = line.split(" ")
            if folder.resolve().is_relative_to(point) and len(point) >= len(best[0]):
                best = (point, kind)
    return best[1]


def _settings(place: Place) -> tuple[Settings, Finding]:
    try:
        settings = place.load_settings()
    except DriveSyncError as problem:
        return Settings(), _of("settings", problem)
    return settings, Finding("settings", "ok", "All settings can be used.")


def _memory(memory: Memory, need: int) -> Finding:
    room = memory.headroom()
    if room is None:
        return Finding("memory", "ok", "This system does not say how much memory is left.")
    if room < need:
        return Finding(
            "memory",
            "fail",
            f"Only {room // MiB} MB are left here, and a sync waits for {need // MiB} MB.",
            "Shut down some kernels, or lower the setting memory_headroom.",
        )
    return Finding("memory", "ok", f"{room // MiB:,} MB are left here.")


def _zone(environment: Mapping[str, str]) -> Finding:
    now = datetime.now().astimezone()
    name = now.tzname() or "unknown"
    if name == "UTC" and "TZ" not in environment:
        return Finding(
            "time zone",
            "warn",
            "This system runs in UTC, as containers usually do, so times are shown in UTC.",
            "Set TZ, such as TZ=Europe/Berlin, if you live elsewhere.",
        )
    return Finding("time zone", "ok", f"Times are shown in {name} (now {now:%H:%M}).")


def _proxy(environment: Mapping[str, str]) -> Finding:
    named = next((name for name in _PROXY_NAMES if environment.get(name)), None)
    if named is None:
        return Finding("proxy", "ok", "No proxy is set; requests go straight to Google.")
    parts = urlsplit(environment[named])
    if parts.hostname is None:
        return Finding(
            "proxy", "fail", f"{named} is no address.", "Set it as http://host:port, or unset it."
        )
    return Finding("proxy", "ok", f"Requests go through {parts.hostname} ({named}).")


def _certificates(environment: Mapping[str, str]) -> Iterator[Finding]:
    path = environment.get("SSL_CERT_FILE")
    if path is None:
        return
    if os.access(path, os.R_OK) and Path(path).is_file():
        yield Finding("certificates", "ok", f"Servers are trusted by {path}.")
    else:
        yield Finding(
            "certificates",
            "fail",
            f"SSL_CERT_FILE names {path}, which cannot be read.",
            "Name a file with certificates, or unset it.",
        )


def _ledger(folder: Path) -> Finding:
    path = folder / "ledger.sqlite"
    if not path.exists():
        return Finding("records", "ok", "There was no sync yet.")
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=2)
        ) as ledger:
            (version,) = ledger.execute("PRAGMA user_version").fetchone()
            (state,) = ledger.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as problem:
        text = f"The records in {path} cannot be read just now: {problem}."
        return Finding("records", "warn", text, "Look again when no sync is running.")
    except sqlite3.Error as problem:
        version, state = 0, str(problem)
    if version > VERSION:
        text = f"The records in {path} were written by a newer version of this program."
        mend = "Update this program; an older one begins new records from what is on Drive."
        return Finding("records", "warn", text, mend)
    if state != "ok" or version == 0:
        text = f"The records in {path} are damaged."
        mend = "Nothing to do: the next sync makes new ones from what is on Drive."
        return Finding("records", "warn", text, mend)
    return Finding("records", "ok", "The records are sound.")


def _lease(folder: Path) -> Finding:
    status = Status.load(folder)
    process: Process | None = status.process if status.running else None
    if process is None:
        return Finding("running", "ok", "No sync is running.")
    dead = process.is_dead()
    if dead:
        text = "The last sync did not come to its end."
        return Finding("running", "warn", text, "Nothing to do: the next sync goes on from there.")
    where = f"process {process.pid} on {process.host}"
    return Finding("running", "ok", f"A sync is running ({where}).")


def _storages(place: Place, settings: Settings, configured: Iterable[Storage]) -> Iterator[Finding]:
    """Say how each storage stands."""
    try:
        found = storages.joined(place.state_dir, configured)
    except DriveSyncError as problem:
        yield _of("storages", problem)
        return
    for storage in found:
        name = f"The storage {storage.name}"
        folder = storages.folder_of(place.state_dir, storage.name)
        now = SystemClock().wall()
        status = read_status(folder, now, ping_seconds=settings.ping_seconds)
        key = place.home / storage.key_file
        if storage.key_file and key.is_file() and key.stat().st_mode & 0o077:
            text = f"{name} has a key that others on this machine can read."
            yield Finding("storages", "warn", text, f"chmod 600 {key}")
        if status.problem is not None:
            text = f"{name} did not run well: {status.problem['sentence']}"
            mend = f"Try it: jupyter drive-sync storages validate {storage.name}"
            yield Finding("storages", "warn", text, mend)
        elif status.last_sync is None:
            mend = f"Run it: jupyter drive-sync storages run {storage.name}"
            yield Finding("storages", "warn", f"{name} has never run.", mend)
        else:
            day = datetime.fromtimestamp(status.last_sync).strftime("%Y-%m-%d")
            text = f"{name} is well: {status.last_sync_count:,} files, last on {day}."
            yield Finding("storages", "ok", text)


def _client(place: Place) -> tuple[ClientFile | None, Finding]:
    try:
        client = place.client()
    except DriveSyncError as problem:
        return None, _of("client file", problem)
    return client, Finding(
        "client file", "ok", f"{client.path}: a {client.kind} client of project {client.project}."
    )


def _redirect(client: ClientFile | None) -> Iterator[Finding]:
    if client is None:
        return
    if client.kind == "desktop":
        text = "Google may send the browser back to any port of this machine."
        yield Finding("redirect", "ok", text)
    elif client.kind == "tv":
        text = "The client is for devices: connect with `authorize --device`."
        yield Finding("redirect", "ok", text)
    else:
        uris = [urlsplit(uri) for uri in client.redirect_uris]
        here = any(uri.hostname == "127.0.0.1" and uri.port for uri in uris)
        yield (
            Finding("redirect", "ok", "The web client may send the browser back here.")
            if here
            else Finding(
                "redirect",
                "fail",
                "The web client may not send the browser back to this machine.",
                'Make a client of the kind "Desktop app" in Google Cloud, Clients.',
            )
        )


def _grant(folder: Path, client: ClientFile | None) -> Iterator[Finding]:
    try:
        grant = SecretsStore(folder).grant()
    except DriveSyncError as problem:
        yield _of("permission", problem)
        return
    connect = "Run `jupyter drive-sync authorize`."
    if grant is None:
        yield Finding("permission", "fail", "Google Drive is not connected yet.", connect)
        return
    if client is not None and grant.client_id != client.client_id:
        text = "The permission was given to another client than the one in the client file."
        mend = f"Name the former client with --client-file, or: {connect}"
        yield Finding("permission", "fail", text, mend)
    elif DRIVE_FILE not in grant.scopes:
        mend = f"{connect} Leave the Drive box ticked."
        yield Finding("permission", "fail", "The permission does not cover Drive.", mend)
    else:
        yield Finding("permission", "ok", "We may see and change the files that we make.")
    if client is not None and client.is_google:
        yield _publishing(grant)


def _broker(place: Place) -> Finding:
    """Ask the hub's service, which keeps the permission."""
    try:
        standing = look(place)
    except DriveSyncError as problem:
        return _of("hub", problem)
    if not standing.connected:
        mend = "Press Authorize in Jupyter, or run `jupyter drive-sync authorize`."
        return Finding("hub", "fail", "Google Drive is not connected yet.", mend)
    if standing.problem is not None:
        return _of("hub", standing.problem)
    return Finding("hub", "ok", f"The hub keeps your permission, of {standing.email}.")


def _publishing(grant: Grant) -> Finding:
    """Say what the age of a grant tells about the Google app's publishing state."""
    age = (SystemClock().wall() - grant.obtained_at) / _DAY
    if age > _TESTING_DAYS:
        text = f"The permission is {age:.0f} days old, so the Google app is not in Testing."
        return Finding("publishing", "ok", text)
    text = (
        f"The permission is {age:.0f} days old; if the Google app is still in Testing, it ends at "
        f"{_TESTING_DAYS} days."
    )
    mend = "See that it says In production under Google Auth platform, Audience."
    return Finding("publishing", "warn", text, mend)


def _drive(place: Place, ask: Ask) -> Iterator[Finding]:
    """Ask Google, in a child."""
    job = place.job("validate", args={"root": _root(place.state_dir)})
    try:
        answer = ask(job)
    except DriveSyncError as problem:
        yield _of("connection", problem)
        return
    yield _clock(answer["skew"])
    if answer["problem"] is not None:
        if answer["problem"]["code"] == NotConnected.code:
            yield Finding("connection", "ok", "Google can be reached.")
        else:
            yield Finding("connection", "fail", answer["problem"]["sentence"])
        return
    yield Finding("connection", "ok", f"Google answers for {answer['account']['email']}.")
    yield _space(answer["space"])
    yield _folder(answer["folder"], place.drive_folder)


def _root(folder: Path) -> str:
    """Return the id of the mirror's folder, as far as the records know it."""
    path = folder / "ledger.sqlite"
    with contextlib.suppress(sqlite3.Error):
        uri = f"file:{quote(str(path))}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=2)) as ledger:
            row = ledger.execute("SELECT value FROM meta WHERE key = 'root'").fetchone()
            return str(row[0]) if row else ""
    return ""


def _clock(skew: float) -> Finding:
    off = abs(skew)
    if off < _SKEW_WARN:
        return Finding("clock", "ok", "This machine's clock agrees with Google's.")
    text = f"This machine's clock is {off:.0f} seconds {'ahead' if skew > 0 else 'behind'}."
    mend = "Let it be set by the network (NTP)."
    return Finding("clock", "fail" if off > _SKEW_FAIL else "warn", text, mend)


def _space(space: Mapping[str, Any]) -> Finding:
    if space["limit"] is None:
        return Finding("space", "ok", "The Google account has no limit of its own.")
    free, limit = space["free"], space["limit"]
    text = f"{free / 1e9:.1f} of {limit / 1e9:.1f} GB are free in the Google account."
    if free < limit / 50:
        mend = "Free some space (Drive's trash counts too), or exclude large folders."
        return Finding("space", "fail" if free == 0 else "warn", text, mend)
    return Finding("space", "ok", text)


def _folder(state: str, name: str) -> Finding:
    if state == "trashed":
        mend = "Run `jupyter drive-sync sync`, then `release` to choose what happens."
        return Finding("folder", "fail", f"The folder {name} is in Drive's trash.", mend)
    if state == "gone":
        mend = "Run `jupyter drive-sync sync`, then `release` to choose what happens."
        return Finding("folder", "fail", f"The folder {name} is gone from Drive.", mend)
    if state == "none":
        return Finding("folder", "ok", f"The folder {name} is made by the first sync.")
    return Finding("folder", "ok", f"The folder {name} is on Drive.")
