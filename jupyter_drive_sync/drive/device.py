"""Consent where the browser is on another machine: a code that is typed there.

Source: Google Identity guide, "OAuth 2.0 for TV and Limited-Input Device Applications"; RFC 8628.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jupyter_drive_sync.drive.oauth import SCOPES, ClientFile
from jupyter_drive_sync.drive.secrets import Secret
from jupyter_drive_sync.drive.token_endpoint import (
    TOKEN,
    TokenEndpoint,
    error_of,
    exchange_error,
    fields_of,
)
from jupyter_drive_sync.errors import BadClientFile, ConsentTimeout, Offline

_GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER: Final = 5.0


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person is told, and what we ask with.

    Attributes:
        device_code: ours alone.
        user_code: typed by the person.
        verification_url: where.
        interval: seconds between two questions.
        lifetime: seconds until the codes are void.
    """

    device_code: Secret
    user_code: str
    verification_url: str
    interval: float
    lifetime: float


def start_device(
    client: ClientFile, tokens: TokenEndpoint, scopes: Sequence[str] = SCOPES
) -> DeviceCode:
    """Ask for a pair of codes.

    Args:
        client: who asks.
        tokens: sends.
        scopes: what is asked for; of Drive, Google gives devices ``drive.file`` alone.

    Raises:
        BadClientFile: the client is not of the kind "TVs and Limited Input devices".
        ClientGone, ScopeMissing, Offline, Busy: as the words say.
    """
    form = {"client_id": client.client_id, "scope": " ".join(scopes)}
    reply = tokens.post(client.device_uri, form, holds="device_code")
    fields = fields_of(reply)
    if reply.status >= 400:
        if fields.get("error") == "invalid_client" and client.kind != "tv":
            problem = 'it is not of the kind "TVs and Limited Input devices" that --device needs'
            raise BadClientFile(path=client.path, problem=problem)
        raise exchange_error(error_of(reply), str(fields.get("error_description", "")), client)
    try:
        return DeviceCode(
            Secret(fields["device_code"]),
            str(fields["user_code"]),
            str(fields.get("verification_url") or fields["verification_uri"]),
            float(fields.get("interval", _SLOWER)),
            float(fields["expires_in"]),
        )
    except (KeyError, TypeError, ValueError):
        raise Offline(problem="its answer was strange", detail="a device reply is torn") from None


def await_device(
    client: ClientFile,
    tokens: TokenEndpoint,
    code: DeviceCode,
    waiting: Callable[[], None] = lambda: None,
) -> Mapping[str, Any]:
    """Ask until the person has decided.

    Args:
        client: who asks.
        tokens: sends.
        code: from :func:`start_device`.
        waiting: called before each wait; raises what ends it.

    Returns:
        The token reply, for :meth:`~jupyter_drive_sync.drive.exchange.Exchange.accept`.

    Raises:
        ConsentDenied, ConsentTimeout: the person refused, or did nothing.
        ClientGone, OrgBlocked, Offline, Busy: as the words say.
    """
    clock = tokens.clock
    end = clock.monotonic() + code.lifetime
    interval = code.interval
    while clock.monotonic() < end:
        waiting()
        clock.sleep(interval)
        form = {
            "client_id": client.client_id,
            "client_secret": client.client_secret.reveal(),
            "device_code": code.device_code.reveal(),
            "grant_type": _GRANT_TYPE,
        }
        reply = tokens.post(client.token_uri, form, holds=TOKEN)
        if reply.status == 200:
            return fields_of(reply)
        word = error_of(reply)
        if word == "slow_down":
            # More than the five seconds of RFC 8628: a clock a little behind the server's would be
            # too early for ever.
            interval = max(interval + _SLOWER, interval * 2)
        elif word == "expired_token":
            break
        elif word != "authorization_pending":
            raise exchange_error(word, str(fields_of(reply).get("error_description", "")), client)
    raise ConsentTimeout(minutes=round(code.lifetime / 60))
