"""Where things leave the process: each such place shows what it sends to the watch first.

Law 13 lets secrets go to Google's token and revoke endpoints, back in their replies, in the
``Authorization`` header to Drive and in the address of a session's own requests; nowhere else.
"""

from __future__ import annotations

import functools
import logging
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from jupyter_drive_sync import errors
from jupyter_drive_sync.drive import oauth
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.report import Status
from jupyter_drive_sync.localdrive.assertions import Assertions
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.oauth import OAuth
from jupyter_drive_sync.localdrive.service_accounts import ServiceAccounts
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from jupyter_drive_sync.localdrive.wire import Body, Request, Response
from jupyter_drive_sync.runner import loopback, parent
from tests.canary.watch import MARK, current

_OURS: Final = "jupyter-drive-sync/"
_TALKATIVE: Final = ("requests_oauthlib", "oauthlib", "google", "googleapiclient", "urllib3")
"""Loggers that would tell a token at DEBUG: they are let, so that it is seen who silences them."""
_MOST: Final = 1 << 20
_CHILDREN: Final = ("jupyter_drive_sync.runner", "tests.server.fake_child")

_done: set[str] = set()


def around(owner: Any, name: str) -> Callable[[Callable[..., Any]], None]:
    """Replace a function of a class or module by one that gets it as its first argument."""

    def put(hook: Callable[..., Any]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def hooked(*args: Any, **kwargs: Any) -> Any:
            return hook(original, *args, **kwargs)

        setattr(owner, name, hooked)

    return put


def install() -> None:
    """Watch what every test may use."""
    _localdrive()
    _program()
    _processes()
    _logs()
    _output()


def install_late() -> None:
    """Watch the libraries of a Jupyter server, once a test has brought them in."""
    for module, hook in (("tornado.web", _replies), ("jupyter_events.logger", _events)):
        if module in sys.modules and module not in _done:
            _done.add(module)
            hook(sys.modules[module])


class _Seen:
    """A request body that is looked at while it is read."""

    def __init__(self, body: Body, where: str) -> None:
        self._body = body
        self._where = where
        self._left = _MOST
        self._tail = b""

    def read(self, size: int) -> bytes:
        piece = self._body.read(size)
        if self._left > 0:
            self._left -= len(piece)
            current().look("request to Drive", self._where, self._tail + piece)
            self._tail = piece[-200:]
        return piece


def _localdrive() -> None:
    @around(LocalDrive, "__init__")
    def made(original: Any, self: LocalDrive, *args: Any, **kwargs: Any) -> None:
        settings = kwargs.pop("settings", None) or LocalDriveSettings()
        original(self, *args, settings=replace(settings, secret_mark=MARK), **kwargs)

    @around(LocalDrive, "dispatch")
    def asked(original: Any, self: LocalDrive, request: Request) -> Response:
        if (request.header("user-agent") or "").startswith(_OURS):
            where = f"{request.method} {request.path}"
            parameters = {k: v for k, v in request.parameters.items() if k != "upload_id"}
            headers = {k: v for k, v in request.headers.items() if k != "authorization"}
            current().look("request to Drive", where, request.path, parameters, headers)
            request = replace(request, body=_Seen(request.body, where))
        return original(self, request)

    @around(LocalDrive, "close")
    def closed(original: Any, self: LocalDrive) -> None:
        look_at_mirror(self)
        original(self)

    @around(ServiceAccounts, "new_key")
    def keyed(original: Any, self: ServiceAccounts, *args: Any) -> Any:
        made = original(self, *args)
        for line in made["private_key"].splitlines()[1:-1]:
            current().learn(line)
        return made

    @around(Assertions, "redeem")
    def asserted(original: Any, self: Assertions, assertion: str, *args: Any) -> Any:
        current().learn(assertion)
        return original(self, assertion, *args)

    @around(OAuth, "exchange")
    def exchanged(original: Any, self: OAuth, *request: Any) -> Any:
        *_, verifier = request
        current().learn(verifier)
        return original(self, *request)


def look_at_mirror(drive: LocalDrive) -> None:
    """Look at everything that lies on a LocalDrive."""
    for file in drive.model.files.values():
        current().look(
            "mirrored file",
            file.name,
            file.name,
            file.description or "",
            dict(file.properties),
            {project: dict(values) for project, values in file.app_properties.items()},
            *(
                b"".join(drive.model.blobs.read(each.blob, 0, min(each.size, _MOST)))
                for each in file.revisions
            ),
        )


def _program() -> None:
    @around(errors.DriveSyncError, "__init__")
    def erred(original: Any, self: Any, **kwargs: Any) -> None:
        current().look("exception", type(self).__name__, kwargs)
        original(self, **kwargs)

    @around(SecretsStore, "__init__")
    def stored(original: Any, self: Any, folder: Any) -> None:
        current().folders.add(folder)
        original(self, folder)

    for kind, name in ((Ledger, "open"), (Status, "load")):

        @around(kind, name)
        def opened(original: Any, folder: Any, *args: Any, **kwargs: Any) -> Any:
            current().folders.add(folder)
            return original(folder, *args, **kwargs)

        setattr(kind, name, staticmethod(getattr(kind, name)))

    made = oauth.new_pkce

    def new_pkce() -> oauth.Pkce:
        pkce = made()
        current().learn(pkce.verifier.reveal())
        return pkce

    for module in list(sys.modules.values()):
        if getattr(module, "new_pkce", None) is made:
            module.new_pkce = new_pkce  # type: ignore[attr-defined]

    @around(loopback.Loopback, "_answer")
    def answered(original: Any, self: Any, *args: Any) -> Any:
        said = original(self, *args)
        current().look("page", "loopback", *said[1:])
        return said


def _processes() -> None:
    @around(subprocess.Popen, "__init__")
    def started(original: Any, self: Any, args: Any, *more: Any, **kwargs: Any) -> None:
        words = [args] if isinstance(args, str | bytes) else [str(word) for word in args]
        environment = kwargs.get("env")
        watch = current()
        watch.look("argv", words[0], words)
        if environment is not None:
            watch.look("environment", words[0], dict(environment))
        if any(name in words for name in _CHILDREN):
            told = {} if environment is None else environment
            if environment is None or "JUPYTERHUB_API_TOKEN" in told:
                watch.hits.append("environment (child): the hub's token is handed on")
        original(self, args, *more, **kwargs)

    @around(parent, "decode_event")
    def told(original: Any, line: str) -> Any:
        current().look("event of a child", "stdout", line)
        return original(line)

    @around(parent.Child, "close")
    def ended(original: Any, self: Any) -> None:
        original(self)
        current().look("stderr of a child", "last words", list(self._last_words))


def _logs() -> None:
    form = logging.Formatter()

    @around(logging.Logger, "callHandlers")
    def logged(original: Any, self: logging.Logger, record: logging.LogRecord) -> None:
        current().look("log", record.name, form.format(record))
        original(self, record)

    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.DEBUG)


def _output() -> None:
    @around(pytest.CaptureFixture, "readouterr")
    def read(original: Any, self: Any) -> Any:
        said = original(self)
        current().look("output", "captured", *said)
        return said


def _replies(web: Any) -> None:
    @around(web.RequestHandler, "flush")
    def flushed(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        kind = type(self)
        if not is_named_by_the_law(f"{kind.__module__}.{kind.__qualname__}"):
            body = b"".join(self._write_buffer or [])
            headers: Iterable[tuple[str, str]] = self._headers.get_all()
            current().look("reply", self.request.path, body, list(headers))
        return original(self, *args, **kwargs)


def is_named_by_the_law(handler: str) -> bool:
    """Tell whether a handler may answer with a token: the broker's to its caller, and test doubles.

    Doubles of Google or of a hub are the other side, to whom secrets belong.
    """
    if handler in (
        "jupyter_drive_sync.hub.broker.TokenRoute",
        "jupyter_drive_sync.hub.work.TokenRoute",
    ):
        return True
    return handler.startswith("tests.") and not handler.startswith("tests.canary")


def _events(module: Any) -> None:
    @around(module.EventLogger, "emit")
    def emitted(
        original: Any, self: Any, *, schema_id: str, data: Mapping[str, Any], **more: Any
    ) -> Any:
        current().look("event", schema_id, dict(data))
        return original(self, schema_id=schema_id, data=data, **more)


def look_at_metrics() -> None:
    """Look at what Prometheus would be told."""
    client = sys.modules.get("prometheus_client")
    if client is not None and "tornado.web" in _done:
        current().look("metrics", "registry", client.generate_latest())
