"""Application Default Credentials, only for who asks for them.

Source: google-auth user guide, "Application default credentials": the file that
``GOOGLE_APPLICATION_CREDENTIALS`` names, gcloud's own, then the metadata server of a machine in
Google's cloud.
"""

from __future__ import annotations

import http.client
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import google.auth
import httplib2
from google.auth import compute_engine
from google.auth.exceptions import GoogleAuthError

from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.exchange import GoogleRequest, quiet
from jupyter_drive_sync.drive.oauth import SCOPES
from jupyter_drive_sync.drive.secrets import Secret, redact
from jupyter_drive_sync.drive.token_endpoint import TokenEndpoint
from jupyter_drive_sync.drive.wire import Wire
from jupyter_drive_sync.errors import AuthRevoked, BadEndpoint, BadSettings, ScopeMissing

PROBE_TIMEOUT: Final = 1.0
"""Seconds after which there is no metadata server here."""
_METADATA_VARIABLE: Final = "GCE_METADATA_HOST"
"""Names another metadata server, to google-auth as to us; such as that of a Kubernetes cluster."""
_VARIABLE: Final = "GOOGLE_APPLICATION_CREDENTIALS"
_FLAVOR: Final = {"metadata-flavor": "Google"}


class DefaultCredentials:
    """Access tokens of Application Default Credentials.

    Args:
        endpoint: must be Google: google-auth sends these credentials nowhere else.
        tokens: sends.
        probe: makes a connection with :data:`PROBE_TIMEOUT`, for the one look at the metadata
            server.
        scopes: full scopes that are needed.

    Raises:
        BadEndpoint: the endpoint is another server.
        BadSettings: there are no such credentials.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        tokens: TokenEndpoint,
        probe: Callable[[], Wire],
        scopes: Sequence[str] = SCOPES,
    ) -> None:
        if not endpoint.is_google:
            raise BadEndpoint(
                problem="Application Default Credentials are for Google alone; use a client file "
                "of that server"
            )
        self._request = GoogleRequest(tokens)
        self._lock = threading.Lock()
        self._credentials = _find(probe, list(scopes))

    def token(self) -> Secret:
        """Return an access token.

        Raises:
            AuthRevoked, ScopeMissing: Google does not give one.
            Offline, Busy: Google could not be asked.
        """
        with self._lock:
            if not self._credentials.valid:
                self._refresh()
            return Secret(self._credentials.token)

    def renew(self, refused: Secret) -> None:
        """Replace an access token that Drive refused (errors as :meth:`token`)."""
        with self._lock:
            if Secret(self._credentials.token or "") == refused:
                self._refresh()

    def _refresh(self) -> None:
        try:
            with quiet():
                self._credentials.refresh(self._request)
        except GoogleAuthError as problem:
            detail = redact(f"default credentials: {problem}")
            if "invalid_scope" in detail:
                raise ScopeMissing(detail=detail) from None
            raise AuthRevoked(detail=detail) from None


def _find(probe: Callable[[], Wire], scopes: list[str]) -> Any:
    path, named = credentials_file()
    if path is not None:
        try:
            # google-auth warns of user credentials without a quota project; ours need none.
            with warnings.catch_warnings(), quiet():
                warnings.simplefilter("ignore")
                return google.auth.load_credentials_from_file(  # type: ignore[no-untyped-call]
                    path, scopes=scopes
                )[0]
        except (GoogleAuthError, ValueError) as problem:
            raise BadSettings(
                name=named,
                problem=f"{path} holds no usable credentials",
                detail=redact(str(problem)),
            ) from None
    if not _answers(probe):
        raise BadSettings(
            name="credentials", problem="there are no Application Default Credentials here"
        )
    return compute_engine.Credentials(scopes=scopes)  # type: ignore[no-untyped-call]


def credentials_file() -> tuple[str | None, str]:
    """Return the path of the file with default credentials, and the setting that names it.

    google-auth's own search is not used: it asks gcloud for a project, and the metadata server
    three times, for seconds.
    """
    named = os.environ.get(_VARIABLE)
    if named:
        return named, _VARIABLE
    folder = os.environ.get("CLOUDSDK_CONFIG") or str(Path.home() / ".config" / "gcloud")
    path = Path(folder, "application_default_credentials.json")
    return (str(path) if path.is_file() else None), "credentials"


def _answers(probe: Callable[[], Wire]) -> bool:
    """Look once for the metadata server."""
    host = os.environ.get(_METADATA_VARIABLE) or "metadata.google.internal"
    wire = probe()
    try:
        reply = wire.request("GET", f"http://{host}/computeMetadata/v1/", _FLAVOR, None)
    except (OSError, httplib2.HttpLib2Error, http.client.HTTPException):
        return False
    finally:
        wire.close()
    return reply.headers.get("metadata-flavor") == "Google"
