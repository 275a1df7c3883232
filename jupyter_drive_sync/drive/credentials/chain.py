"""Which credentials a run uses: what the setting names, else the person's own grant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.drive.connection import HttpWire
from jupyter_drive_sync.drive.credentials.adc import PROBE_TIMEOUT, DefaultCredentials
from jupyter_drive_sync.drive.credentials.broker import Handed
from jupyter_drive_sync.drive.credentials.grant import OwnGrant
from jupyter_drive_sync.drive.credentials.service_account import (
    KEY_LIMIT,
    KEY_TIMEOUT,
    ServiceAccount,
    load_key,
)
from jupyter_drive_sync.drive.discovery import Endpoint
from jupyter_drive_sync.drive.exchange import Exchange
from jupyter_drive_sync.drive.oauth import SCOPES, ClientFile, require_scopes
from jupyter_drive_sync.drive.pace import backoff, wait
from jupyter_drive_sync.drive.secrets import Access, SecretsStore
from jupyter_drive_sync.drive.token_endpoint import TokenEndpoint
from jupyter_drive_sync.drive.transport import Tokens
from jupyter_drive_sync.drive.wire import Wire
from jupyter_drive_sync.errors import NotConnected

CredentialsKind = Literal["grant", "adc", "broker", "service_account"]


@dataclass(frozen=True, slots=True)
class Source:
    """What credentials are made of.

    Attributes:
        endpoint: the Drive server.
        state_dir: has ``secrets.json``.
        client: reads the client file; not called where no client is needed.
        clock: time.
        random: jitter.
        wire: makes a connection.
        on_request: told of each request for a token.
        permit: called before each of them and during waits; raises what ends the run.
        probe: makes a connection for the one look at the metadata server.
        ask: brings a token that somebody else makes (see :class:`.broker.Handed`).
        scopes: full scopes that are needed.
        key: path or address of a service account's key.
        subject: in whose name the service account acts; empty for its own.
        key_wire: makes a connection for the address of a key.
    """

    endpoint: Endpoint
    state_dir: Path
    client: Callable[[], ClientFile]
    clock: Clock
    random: Random
    wire: Callable[[], Wire]
    on_request: Callable[[], None] = lambda: None
    permit: Callable[[], None] = lambda: None
    probe: Callable[[], Wire] = lambda: HttpWire(PROBE_TIMEOUT)
    ask: Callable[[bool], tuple[Access, str]] | None = None
    scopes: tuple[str, ...] = SCOPES
    key: str = ""
    subject: str = ""
    key_wire: Callable[[], Wire] = lambda: HttpWire(KEY_TIMEOUT, most=KEY_LIMIT)

    def token_endpoint(self) -> TokenEndpoint:
        """Make what sends requests for tokens."""
        return TokenEndpoint(
            self.wire,
            self.clock,
            self.random,
            permit=self.permit,
            on_request=self.on_request,
        )


def choose(kind: CredentialsKind, source: Source) -> Tokens:
    """Make the source of access tokens. Default credentials are used only when named.

    Raises:
        NotConnected: there is no grant.
        NoClient, BadClientFile: there is no usable client file.
        BadEndpoint: the credentials are not for that server.
        BadSettings: there are no default credentials.
        BadServiceKey, KeyUnreachable: there is no usable service account's key.
        ScopeTooNarrow: the grant was given for less than is needed.
    """
    if kind == "adc":
        return DefaultCredentials(
            source.endpoint, source.token_endpoint(), source.probe, source.scopes
        )
    if kind == "service_account":

        def again(tries: int) -> None:
            wait(source.clock, source.permit, backoff(tries, source.random))

        key = load_key(source.key, source.endpoint, source.key_wire, again)
        tokens = source.token_endpoint()
        return ServiceAccount(key, source.scopes, source.endpoint, tokens, source.subject)
    if kind == "broker":
        if source.ask is None:
            raise NotConnected
        return Handed(source.ask, source.endpoint, source.clock)
    store = SecretsStore(source.state_dir)
    exchange = Exchange(source.client(), source.endpoint, source.token_endpoint())
    grant = store.grant()
    if grant is None:
        raise NotConnected
    require_scopes(source.scopes, grant.scopes)
    return OwnGrant(store, exchange, source.state_dir)
