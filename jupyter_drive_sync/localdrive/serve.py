"""LocalDrive as a program: serve until told to end, and say how to use it."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import json
import os
import shlex
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import TypeVar

from jupyter_drive_sync.localdrive.accounts import ClientKind
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.faults import Fault
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings

CLIENT_FILES: dict[ClientKind, str] = {
    "desktop": "client_secrets.json",
    "web": "client_secrets_web.json",
    "tv": "client_secrets_tv.json",
}

KEY_FILE = "service_account.json"
_HOSTS = ("127.0.0.1", "localhost")

S = TypeVar("S", bound=LocalDriveServer)


def serve(
    *,
    say: Callable[[str], None],
    folder: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    proxy_port: int | None = None,
    faults: Iterable[Fault] = (),
    seed: int = 0,
    settings: LocalDriveSettings | None = None,
    ended: threading.Event | None = None,
) -> None:
    """Serve a LocalDrive until SIGINT or SIGTERM, then end in order.

    Args:
        say: Gets each line for the person who started it.
        folder: Where state, client files and the proxy's authority live; None is a temporary
            folder that ends with the server, and nothing survives.
        host: Address to listen at: `127.0.0.1` or `localhost`.
        port: Port to listen at; 0 takes any free one.
        proxy_port: Port of the proxy mode; None is no proxy.
        faults: What goes wrong.
        seed: What decides all that is random.
        settings: How the Drive behaves: latency, throttle, lags.
        ended: Ends the server when set; signals are left alone then. None listens to signals,
            which only a main thread can.

    Raises:
        OSError: A port is in use or the folder cannot be written; `strerror` is one sentence.
        ValueError: Another host.
    """
    if host not in _HOSTS:
        raise ValueError(
            "LocalDrive has no login and serves this machine only: "
            f"{host} is not {' or '.join(_HOSTS)}"
        )
    with contextlib.ExitStack() as stack:
        place = folder
        if place is None:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="localdrive-")))
        drive = stack.enter_context(LocalDrive(folder, seed=seed, settings=settings))
        for fault in faults:
            drive.faults.add(fault)
        stop = stack.enter_context(_signals()) if ended is None else ended
        server = _listening(lambda: LocalDriveServer(drive, host, port), host, port)
        stack.enter_context(server)
        say(f"LocalDrive serves {server.url} (open it in a browser to see the files).")
        say(f"Accounts: {', '.join(account.email for account in drive.oauth.accounts)}")
        for kind, path in write_client_files(drive, server.url, place).items():
            say(f"Client file ({kind}): {path}")
        if importlib.util.find_spec("cryptography"):  # an extra, which only keys need here
            say(f"Service account's key: {write_key_file(drive, server.url, place)}")
        say(f"More accounts, shared drives, sharing by link: {server.url}/console")
        say("To use it:")
        say(f"  export DRIVE_SYNC_API_ENDPOINT={server.url}")
        if proxy_port is not None:
            for line in _open_proxy(stack, drive, host, proxy_port, place / "authority"):
                say(line)
        say("Ctrl+C ends it.")
        stop.wait()
        _tell_end(drive, say)


def write_client_files(drive: LocalDrive, url: str, folder: Path) -> dict[ClientKind, Path]:
    """Write a client file of each kind, readable by their owner only, and return their paths.

    Args:
        drive: Whose clients.
        url: Where it is served.
        folder: Where the files go; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: dict[ClientKind, Path] = {}
    for kind, name in CLIENT_FILES.items():
        client = drive.oauth.client_of_kind(kind)
        text = json.dumps(drive.oauth.client_file(client.client_id, url), indent=2)
        paths[kind] = folder / name
        _write_private(paths[kind], text)
    return paths


def write_key_file(drive: LocalDrive, url: str, folder: Path, name: str = "drive-sync") -> Path:
    """Write a service account's key, readable by its owner only, and return the file's path.

    The key of an earlier start is used again where it is still good; only its addresses change.

    Args:
        drive: Whose account.
        url: Where it is served.
        folder: Where the file goes; made if missing.
        name: The account's name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / KEY_FILE
    account = drive.oauth.add_service_account(name)
    known = {each.key_id for each in drive.oauth.services.keys(account.email)}
    content = None
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(path.read_text("utf-8"))
    if isinstance(content, dict) and content.get("private_key_id") in known:
        content["token_uri"] = f"{url}/token"
    else:
        content = drive.oauth.service_account_file(account.email, url)
    _write_private(path, json.dumps(content, indent=2))
    return path


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def _open_proxy(
    stack: contextlib.ExitStack, drive: LocalDrive, host: str, port: int, folder: Path
) -> Iterator[str]:
    """Start the proxy mode and yield the lines that tell of it."""
    # Only the proxy needs the cryptography package, which is an extra.
    from jupyter_drive_sync.localdrive.proxy import LocalDriveProxy  # noqa: PLC0415

    proxy = _listening(lambda: LocalDriveProxy(drive, host, port, folder=folder), host, port)
    stack.enter_context(proxy)
    yield "Or, at Google's own addresses (for clients that know no other endpoint):"
    yield f"  export HTTPS_PROXY={proxy.url}"
    yield f"  export SSL_CERT_FILE={shlex.quote(str(proxy.ca_file))}"


def _listening(make: Callable[[], S], host: str, port: int) -> S:
    try:
        return make()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sentence = f"port {port} of {host} is in use: choose another, or end what listens there"
            raise OSError(errno.EADDRINUSE, sentence) from None
        raise


@contextlib.contextmanager
def _signals() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's shape
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_end(drive: LocalDrive, say: Callable[[str], None]) -> None:
    say(f"LocalDrive ends; it answered {drive.log.count():,} requests to the Drive API.")
    for text, count in drive.faults.fired().items():
        say(f"Fault {text}: struck {count:,} times." if count else f"Fault {text}: never struck.")
