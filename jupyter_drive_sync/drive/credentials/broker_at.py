"""Where the hub's service is, and what opens it. Nobody is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.errors import BadSettings

URL_VARIABLE: Final = "DRIVE_SYNC_BROKER_URL"
TOKEN_VARIABLE: Final = "JUPYTERHUB_API_TOKEN"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class BrokerAt:
    """Where the service is, and what opens it.

    Attributes:
        url: its address, with a slash at the end.
        token: the server's own at the hub.
    """

    url: str
    token: Secret = field(repr=False)


def find_broker(environment: Mapping[str, str]) -> BrokerAt | None:
    """Return where the hub's service is; None where there is none.

    Raises:
        BadSettings: ``DRIVE_SYNC_BROKER_URL`` is no address.
    """
    url, token = environment.get(URL_VARIABLE, ""), environment.get(TOKEN_VARIABLE, "")
    if not url or not token:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise BadSettings(name=URL_VARIABLE, problem="it is no address such as http://hub:10101/")
    return BrokerAt(f"{url.rstrip('/')}/", Secret(token))
