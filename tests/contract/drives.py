"""The Drives that the contract can be read to, and the stock client pointed at each."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from google.auth.transport.requests import Request
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import InstalledAppFlow
from googleapiclient.discovery import build_from_document
from googleapiclient.http import HttpRequest

from jupyter_drive_sync.localdrive.accounts import AUTH, DRIVE_FILE
from jupyter_drive_sync.localdrive.clock import ManualClock
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.http import LocalDriveServer
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.contract.ground import Ground
from tests.localdrive.discovery import document

ANN, BEN = "ann@example.edu", "ben@example.edu"
LAG = 0.5
LOCAL_PAUSES = (0.0, 0.25, 0.5)
LIVE_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


def document_at(root: str) -> dict[str, Any]:
    """The shipped document, its addresses moved to another host.

    The client's `api_endpoint` option moves too little: uploads and batches keep the document's
    own `rootUrl`.
    """
    return {**document(), "rootUrl": f"{root}/", "baseUrl": f"{root}/drive/v3/"}


class PatientRequest(HttpRequest):  # type: ignore[misc]
    """The stock request, which tries again when the real Google is busy."""

    def execute(self, http: Any = None, num_retries: int = 6) -> Any:
        return super().execute(http=http, num_retries=num_retries)


class Local:
    """LocalDrive on a loopback port, and who may call it.

    Args:
        drive: The Drive.
        url: Where it is served.
    """

    def __init__(self, drive: LocalDrive, url: str) -> None:
        self.drive = drive
        self._url = url
        self._clock = drive.clock
        self._oauth = oauth = drive.oauth
        self._ours = oauth.client_of_kind("desktop").client_id
        self._clients = {
            name: oauth.add_client(oauth.add_project(name, name).number, "desktop").client_id
            for name in ("whole-drive", "stranger")
        }

    def ours(self) -> Ground:
        """Our account, through our client, with `drive.file`: what the program has."""
        return self._ground(ANN, self._ours, DRIVE_FILE)

    def other_account(self) -> Ground:
        """Another account through the same client."""
        return self._ground(BEN, self._ours, DRIVE_FILE)

    def stranger(self) -> Ground:
        """Our account through another project's client."""
        return self._ground(ANN, self._clients["stranger"], DRIVE_FILE)

    def whole_drive(self) -> Ground:
        """Our account's whole Drive, as its owner sees it."""
        return self._ground(ANN, self._clients["whole-drive"], f"{AUTH}drive")

    def reader(self) -> Ground:
        """Our account's whole Drive, to be read only."""
        return self._ground(ANN, self._clients["whole-drive"], f"{AUTH}drive.readonly")

    def friend(self) -> Ground:
        """Another account's whole Drive."""
        return self._ground(BEN, self._clients["whole-drive"], f"{AUTH}drive")

    def key_file(self) -> dict[str, Any]:
        """A new key of the service account, as the console downloads it."""
        account = self._oauth.add_service_account("contract-reader")
        for each in self._oauth.services.keys(account.email):
            self._oauth.services.delete_key(each.key_id)
        return self._oauth.service_account_file(account.email, self._url)

    def service(
        self, scope: str = "drive.readonly", *, subject: str | None = None
    ) -> tuple[Ground, service_account.Credentials]:
        """The service account, by google-auth as it is."""
        credentials = service_account.Credentials.from_service_account_info(
            self.key_file(), scopes=[f"{AUTH}{scope}"], subject=subject
        )
        now = int(self._clock.now())  # google-auth reads the machine's clock
        credentials = credentials.with_claims({"iat": now, "exp": now + 3600})
        return self._ground_of(fresh(credentials), credentials), credentials

    def _ground(self, account: str, client: str, scope: str) -> Ground:
        tokens = self._oauth.grant(account, client, [scope])
        return self._ground_of(lambda: tokens.access_token, Credentials(tokens.access_token))

    def _ground_of(self, token: Callable[[], str], credentials: Any) -> Ground:
        service = build_from_document(document_at(self._url), credentials=credentials)
        return Ground(
            service,
            self._url,
            token,
            pauses=LOCAL_PAUSES,
            wait=self._clock.sleep,
        )


@contextlib.contextmanager
def local(lag: float) -> Iterator[Local]:
    """Run LocalDrive as long as the context lasts, under a clock that nobody waits for.

    Args:
        lag: Seconds by which listings and the change feed may be late.
    """
    settings = LocalDriveSettings(listing_lag=lag, changes_lag=lag)
    with (
        LocalDrive(seed=1, settings=settings, clock=ManualClock()) as drive,
        LocalDriveServer(drive) as server,
    ):
        yield Local(drive, server.url)


@contextlib.contextmanager
def live(client_file: Path) -> Iterator[Ground]:
    """Stand on the real Google, by the credentials in a file (see README.md)."""
    credentials = consent(client_file)
    service = build_from_document(
        document(), credentials=credentials, requestBuilder=PatientRequest
    )
    yield Ground(
        service,
        document()["rootUrl"].rstrip("/"),
        fresh(credentials),
        pauses=LIVE_PAUSES,
        wait=threading.Event().wait,
    )


def consent(client_file: Path) -> Credentials:
    """Read a grant from a file, or ask for one in the browser by a desktop client's file."""
    if json.loads(client_file.read_text("utf-8")).get("type") == "authorized_user":
        return Credentials.from_authorized_user_file(client_file, [DRIVE_FILE])
    flow = InstalledAppFlow.from_client_secrets_file(client_file, [DRIVE_FILE])
    return flow.run_local_server(port=0, open_browser=False)


def fresh(credentials: Credentials) -> Callable[[], str]:
    """Return what gives a living access token."""

    def token() -> str:
        if not credentials.valid:
            credentials.refresh(Request())
        return str(credentials.token)

    return token
