"""Asking a person for consent: a browser on this machine, or a code for one elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from jupyter_drive_sync.core.storage import SCOPE_URL, Storage
from jupyter_drive_sync.drive.oauth import SCOPES, ClientFile, consent_url, new_pkce, new_state
from jupyter_drive_sync.errors import BadClientFile
from jupyter_drive_sync.runner.loopback import Loopback
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import Event, Note

PATIENCE: Final = 600.0
"""Seconds that a person has on Google's page."""

DEVICE_CODE: Final = "device.code"
"""Note of the device job: ``verification_url`` and ``user_code`` for the person."""


def by_browser(
    place: Place,
    ask: Callable[[str], None],
    *,
    patience: float,
    environment: Mapping[str, str] | None = None,
    scopes: Sequence[str] = SCOPES,
) -> Mapping[str, Any]:
    """Have a person consent in a browser on this machine.

    Args:
        place: the home to connect.
        ask: brings the person to the address.
        patience: seconds to wait for an answer.
        environment: of the child; our own when None.
        scopes: what is asked for.

    Returns:
        The account: ``email``, ``name``, ``permission_id``.

    Raises:
        BadClientFile, NoClient: there is no client, or it cannot be used from a browser here.
        ConsentDenied, ConsentTimeout, OrgBlocked: the answer was no, or none.
        Reported: the exchange failed.
    """
    client = place.client()
    port, path = _redirect(client)
    state, pkce = new_state(), new_pkce()
    with Loopback(state, port=port, path=path) as loopback:
        redirect_uri = loopback.redirect_uri
        ask(consent_url(client, redirect_uri, state, pkce.challenge, scopes=scopes))
        code = loopback.wait(patience)
        job = place.job(
            "exchange",
            args={"redirect_uri": redirect_uri, "scopes": list(scopes)},
            secrets={"code": code.reveal(), "verifier": pkce.verifier.reveal()},
        )
        with Child(job, environment=environment) as child:
            account = follow(child, lambda _: None)
        loopback.welcome(
            f"Connected as {account['email']}. You can close this page and go back to where you "
            "started."
        )
    return account


def by_device(place: Place, show: Callable[[str, str], None]) -> Mapping[str, Any]:
    """Have a person consent in a browser elsewhere.

    Args:
        place: the home to connect.
        show: tells the person the address and the code to type there.

    Returns:
        The account (see :func:`by_browser`).

    Raises:
        BadClientFile, NoClient: there is no client.
        Reported: what the child met.
    """
    place.client()

    def heard(event: Event) -> None:
        if isinstance(event, Note) and event.code == DEVICE_CODE:
            show(event.values["verification_url"], event.values["user_code"])

    with Child(place.job("device")) as child:
        return follow(child, heard)


def _redirect(client: ClientFile) -> tuple[int, str]:
    """Return port and path that the client may be answered at."""
    if client.kind == "desktop":
        return 0, "/"
    if client.kind == "tv":
        raise BadClientFile(
            path=client.path, problem="it is for devices without a browser: use --device with it"
        )
    for uri in client.redirect_uris:
        parts = urlsplit(uri)
        if parts.scheme == "http" and parts.hostname == "127.0.0.1" and parts.port:
            return parts.port, parts.path
    raise BadClientFile(
        path=client.path,
        problem='it is a web client; make one of the kind "Desktop app"',
    )


def scopes_for(storage: Storage) -> tuple[str, ...]:
    """Return what is asked for, for the sake of a storage."""
    return tuple(dict.fromkeys((*SCOPES, f"{SCOPE_URL}{storage.scope}")))
