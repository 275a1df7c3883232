"""Where Drive is: Google, or the server that ``DRIVE_SYNC_API_ENDPOINT`` names.

The client library's own ``api_endpoint`` option moves metadata calls only; uploads and batches
would still go to Google. So the addresses are changed in the discovery document that ships inside
googleapiclient, and the client is built from that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.http import build_http

from jupyter_drive_sync.drive.oauth import ClientFile
from jupyter_drive_sync.drive.wire import is_loopback
from jupyter_drive_sync.errors import BadEndpoint, Internal

ENVIRONMENT_VARIABLE: Final = "DRIVE_SYNC_API_ENDPOINT"
GOOGLE: Final = "https://www.googleapis.com"
_GOOGLE_TOKENS: Final = "https://oauth2.googleapis.com"


@dataclass(frozen=True)
class Endpoint:
    """A Drive server.

    Attributes:
        root: scheme, host and port, without a final slash.
    """

    root: str = GOOGLE

    @property
    def is_google(self) -> bool:
        """Whether this is the real one."""
        return self.root == GOOGLE

    @property
    def is_loopback(self) -> bool:
        """Whether it runs on this machine."""
        return is_loopback(urlsplit(self.root).hostname or "")

    @property
    def insecure(self) -> bool:
        """Whether OAuth's demand for https must be lifted: plain http on this machine alone."""
        return self.is_loopback and urlsplit(self.root).scheme == "http"

    @cached_property
    def document(self) -> dict[str, Any]:
        """Drive's discovery document, with this server's addresses in it."""
        text = get_static_doc("drive", "v3")
        if text is None:
            raise Internal(detail="googleapiclient ships no discovery document of drive v3")
        document: dict[str, Any] = json.loads(text)
        if not self.is_google:
            document["rootUrl"] = f"{self.root}/"
            document["baseUrl"] = f"{self.root}/{document['servicePath']}"
        document.pop("mtlsRootUrl", None)  # a variable of the environment would send us there
        return document

    @property
    def batch_uri(self) -> str:
        """Where batches go."""
        return f"{self.document['rootUrl']}{self.document['batchPath']}"

    def build(self) -> Any:
        """Build googleapiclient's service from the document, without any network."""
        return build_from_document(self.document, http=build_http())


def parse_endpoint(text: str | None) -> Endpoint:
    """Read the setting; nothing means Google.

    Raises:
        BadEndpoint: it is no http(s) address of a server.
    """
    if not text:
        return Endpoint()
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise BadEndpoint(problem="it is no address such as https://host:port") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadEndpoint(problem="it is no address such as https://host:port")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise BadEndpoint(problem="it may hold scheme, host and port only")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise BadEndpoint(problem="plain http is for servers on this machine; use https")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Endpoint(f"{parts.scheme}://{host}{f':{port}' if port else ''}")


def require_same_host(endpoint: Endpoint, client: ClientFile) -> None:
    """Keep a real grant from a foreign server, and a foreign grant from Google.

    Raises:
        BadEndpoint: tokens of this client are not for this server.
    """
    if endpoint.is_google and not client.is_google:
        raise BadEndpoint(problem="it is not set, but the client file is not Google's own")
    if not endpoint.is_google and _origin(client.token_uri) != _origin(endpoint.root):
        raise BadEndpoint(
            problem="the client file is not of that server (its token_uri is at another host), "
            "so your Google grant stays away from it"
        )


def require_same_origin(endpoint: Endpoint, token_uri: str) -> None:
    """Keep tokens of one server's client from another server.

    Args:
        endpoint: the Drive server.
        token_uri: where the client of the tokens gets them.

    Raises:
        BadEndpoint: the tokens are not for this server.
    """
    expected = _GOOGLE_TOKENS if endpoint.is_google else endpoint.root
    if _origin(token_uri) != _origin(expected):
        raise BadEndpoint(problem="it is not the server that the hub's client file is for")


def _origin(uri: str) -> tuple[str, str, int | None]:
    parts = urlsplit(uri)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default
